"""The README is executed: every block of it is a program, an output, or a command for a fresh machine."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.documents import ROOT, blocks, run_console, save_file

README = ROOT / "README.md"
BLOCKS = blocks(README)
MAIN_JOB, TESTS = (block.text.strip() for block in BLOCKS if block.language == "sh")


def test_every_block_is_of_a_kind_that_is_checked() -> None:
    assert {block.language for block in BLOCKS} == {"console", "python", "sh", "text", "toml"}


def test_commands_and_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In order, in one folder, as a reader goes through them."""
    from diffcert import registry

    registry.claims()
    monkeypatch.setattr(registry, "_CLAIMS", dict(registry._CLAIMS))
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    printed = ""
    for block in BLOCKS:
        save_file(block, tmp_path)
        if block.language == "console":
            for run in run_console(block, tmp_path):
                assert run.actual == run.expected, f"line {block.line}: {run.command}"
        elif block.language == "python":
            output = io.StringIO()
            with contextlib.redirect_stdout(output):
                exec(compile(block.text, f"README.md, line {block.line}", "exec"), names)  # noqa: S102
            printed = output.getvalue()
        elif block.language == "text" and printed:
            assert printed == block.text, f"line {block.line}"
            printed = ""


def test_layout_is_that_of_the_repository() -> None:
    layout = next(block.text for block in BLOCKS if "theory/  " in block.text)
    listed, top = set(), ""
    for line in layout.splitlines():
        name, comment = line.split(maxsplit=1)
        assert comment
        if not line.startswith(" "):
            top = name
        listed.add(name.rstrip("/") if name == top else f"{top}{name}".rstrip("/"))
    assert listed == set(_folders())


def _folders() -> Iterator[str]:
    """The folders of the project, two levels deep, that hold files of their own."""
    skipped = re.compile(r"\.(?!ci$)|__pycache__$|_build$|dist$")
    for folder in (*ROOT.glob("*/"), *ROOT.glob("*/*/")):
        parts = folder.relative_to(ROOT).parts
        if not any(skipped.match(part) for part in parts) and any(map(Path.is_file, folder.iterdir())):
            yield "/".join(parts)


def _copy(place: Path) -> Path:
    """A copy of the project without what a build leaves behind."""
    ignored = shutil.ignore_patterns(".git", ".venv", "__pycache__", "_build", ".*_cache", ".hypothesis")
    return Path(shutil.copytree(ROOT, place / "copy", ignore=ignored))


@pytest.mark.slow
def test_main_job_command_on_a_fresh_machine(tmp_path: Path) -> None:
    kept = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
    folder = str(Path(sys.executable).parent)
    kept["PATH"] = os.pathsep.join([folder, *os.environ["PATH"].split(os.pathsep)])
    finished = subprocess.run(
        ["bash", "-euc", MAIN_JOB],
        cwd=_copy(tmp_path),
        env=kept,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert re.search(r"^\d+ cases of \d+ claims at 30 digits: ", finished.stdout, re.MULTILINE)


def test_test_command_is_a_single_line_that_ends_in_pytest() -> None:
    """CI runs it for real, in a fresh clone."""
    assert "\n" not in TESTS
    assert TESTS.endswith(".venv/bin/pytest -n 2")
    assert "\n" not in MAIN_JOB
