"""Documents as programs: the code blocks of a page, and running what a reader would type.

What belongs here: reading blocks out of Markdown and reStructuredText, and running console blocks. What
does not: which documents there are and what must hold of them (`test_readme`, `test_docs`).

In a console block a line `$ command` is a command and the lines up to the next one its output.
`$ cat FILE` of a file that is not there makes it, with the contents that are shown. A block whose
first line is a comment with nothing but a file name is a file for the reader to save.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import diffcert

__all__ = ["ROOT", "Block", "Run", "blocks", "run_console", "save_file", "shell_environment"]

ROOT = Path(__file__).resolve().parents[1]

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_DIRECTIVE = re.compile(r"^( *)\.\. code-block:: *(\w+)\n", re.MULTILINE)
_FILE_NAME = re.compile(r"# ([\w-]+\.(?:py|toml))\n")


@dataclass(frozen=True)
class Block:
    """One code block: its language, text and first line's number."""

    language: str
    text: str
    line: int


@dataclass(frozen=True)
class Run:
    """One command of a console block, with the output that is shown and the one that came."""

    command: str
    expected: str
    actual: str


def blocks(path: Path) -> list[Block]:
    """The code blocks of a Markdown or reStructuredText file, in order."""
    text = path.read_text(encoding="utf-8")
    return list(_fenced(text) if path.suffix == ".md" else _directives(text))


def _fenced(text: str) -> Iterator[Block]:
    for match in _FENCE.finditer(text):
        yield Block(match[1], match[2], text.count("\n", 0, match.start()) + 1)


def _directives(text: str) -> Iterator[Block]:
    for match in _DIRECTIVE.finditer(text):
        margin = len(match[1])
        lines = []
        for line in text[match.end() :].splitlines():
            if line.strip() and len(line) - len(line.lstrip()) <= margin:
                break
            lines.append(line)
        body = [line for line in lines if line.strip()]
        depth = min((len(line) - len(line.lstrip()) for line in body), default=0)
        inner = "\n".join(line[depth:] for line in lines).strip("\n") + "\n"
        yield Block(match[2], inner, text.count("\n", 0, match.start()) + 1)


def save_file(block: Block, folder: Path) -> bool:
    """Whether the block is a file to be saved; if so, it is now in the folder."""
    named = _FILE_NAME.match(block.text)
    if named is None:
        return False
    (folder / named[1]).write_text(block.text, encoding="utf-8")
    return True


def shell_environment(folder: Path) -> dict[str, str]:
    """An environment in which `diffcert` is this interpreter's package, wherever it is."""
    programs = folder / ".programs"
    programs.mkdir(exist_ok=True)
    program = programs / "diffcert"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m diffcert "$@"\n')
    program.chmod(0o755)
    home = str(Path(diffcert.__file__).resolve().parents[1])
    variables = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES")}
    return {
        **variables,
        "PATH": os.pathsep.join([str(programs), str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": home,
        "PYTHONIOENCODING": "utf-8",
        "LC_ALL": "C.UTF-8",
        "NO_COLOR": "1",
    }


def _commands(text: str) -> Iterator[tuple[str, str]]:
    command, output = "", []
    for line in text.splitlines():
        if line.startswith("$ "):
            if command:
                yield command, "\n".join(output)
            command, output = line.removeprefix("$ "), []
        else:
            output.append(line)
    if command:
        yield command, "\n".join(output)


def run_console(block: Block, folder: Path) -> Iterator[Run]:
    """Every command of a console block, run in the folder; white space at line ends is dropped."""
    environment = shell_environment(folder)
    status = 0
    for command, expected in _commands(block.text):
        shown = re.fullmatch(r"cat ([\w.-]+)", command)
        if shown and not (folder / shown[1]).exists():
            (folder / shown[1]).write_text(expected.strip("\n") + "\n", encoding="utf-8")
        finished = subprocess.run(
            ["bash", "-c", f"(exit {status}); {command}"],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            check=False,
        )
        status = finished.returncode
        yield Run(command, _tidy(expected), _tidy(finished.stdout))


def _tidy(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.splitlines()).strip("\n")
