"""A small project of a paper's author: documents, a library of claims, and real builds of it."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

import diffcert

pytest.importorskip("sphinx", reason="Sphinx is missing; install diffcert[docs]")

LIBRARY = """
from diffcert import Claim, Instance, Mixture, Schedule, symbols

BINARY = Mixture(["1/2", "1/2"], [-1, 1])
PATH = Instance(BINARY, Schedule.karras(3), target_name="binary", schedule_name="karras")


def claim(name, bound):
    return Claim(f"mine/{name}", bound, instances=[PATH], hypotheses=["matched_sampler"])

"""

CONF = """
project = "paper"
author = copyright = "somebody"
version = release = "1"
extensions = ["diffcert.sphinx"]
cert_digits = 15
"""


class Paper:
    """A project in a folder, and the means to build it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.docs = folder / "docs"
        self.library = folder / "library"
        self.docs.mkdir()
        self.library.mkdir()
        self.write(conf=CONF)
        self.write_library("paper", 'good = claim("good", symbols.entropy)')

    def write(self, conf: str | None = None, **pages: str) -> None:
        """Write documents, by name."""
        if conf is not None:
            (self.docs / "conf.py").write_text(conf, encoding="utf-8")
        for name, text in pages.items():
            (self.docs / f"{name}.rst").write_text(text, encoding="utf-8")

    def write_library(self, name: str, claims: str) -> None:
        """Write a module of claims."""
        (self.library / f"{name}.py").write_text(LIBRARY + claims + "\n", encoding="utf-8")

    def build(
        self, builder: str = "html", *options: str, out: str | None = None, trees: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Build the documents in a process of its own, which shows what it says."""
        running = self.start(builder, *options, out=out, trees=trees)
        try:
            said, errors = running.communicate(timeout=600)
        except subprocess.TimeoutExpired:
            running.kill()
            raise
        return subprocess.CompletedProcess(running.args, running.returncode, said, errors)

    def start(
        self, builder: str = "html", *options: str, out: str | None = None, trees: str | None = None
    ) -> subprocess.Popen[str]:
        """The process that builds the documents."""
        place = self.folder / "build" / (out or builder)
        doctrees = self.folder / "build" / f"doctrees-{trees or out or builder}"
        command = [sys.executable, "-m", "sphinx", "-q"]
        package = str(Path(diffcert.__file__).parents[1])
        return subprocess.Popen(
            [*command, "-b", builder, "-d", str(doctrees), *options, str(self.docs), str(place)],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": os.pathsep.join((package, str(self.library)))},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def page(self, name: str, out: str = "html") -> str:
        """The text of a page."""
        return (self.folder / "build" / out / name).read_text(encoding="utf-8")

    def stamps(self, out: str = "html", suffix: str = ".html") -> dict[str, int]:
        """Page -> when it was written."""
        place = self.folder / "build" / out
        return {path.stem: path.stat().st_mtime_ns for path in sorted(place.glob(f"*{suffix}"))}

    def contents(self, out: str) -> dict[str, str]:
        """File -> digest of its content, for all that a build wrote."""
        place = self.folder / "build" / out
        return {
            path.relative_to(place).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(place.rglob("*"))
            if path.is_file()
        }


@pytest.fixture
def paper(tmp_path: Path) -> Paper:
    """An empty paper."""
    return Paper(tmp_path)
