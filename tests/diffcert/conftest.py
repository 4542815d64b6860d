"""Fixtures of the tests of `diffcert`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import diffcert
from diffcert import registry

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(autouse=True)
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Claims made by a test are forgotten after it."""
    registry.twins()
    monkeypatch.setattr(registry, "_CLAIMS", dict(registry._CLAIMS))
    monkeypatch.setattr(registry, "_REFERENCES", dict(registry._REFERENCES))


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run `python ARGUMENTS` in a process of its own, in an empty folder."""

    def start(*arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
        package = str(Path(diffcert.__file__).parents[1])
        paths = [package, *filter(None, [extra.pop("more_path", "")])]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), **extra}
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=1200,
            check=False,
        )

    return start
