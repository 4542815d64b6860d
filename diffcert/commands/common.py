"""What the commands share: checked options, progress, the end of a run.

What belongs here: helpers of more than one command. What does not: parsing (`cli`), any command.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from diffcert import family, files, verification
from diffcert.registry import AnyClaim
from diffcert.report import Report, write_json
from diffcert.streams import discard_output, printable, say
from diffcert.tables import counterexamples, natural_width, remarks, table
from diffcert.verdict import Verdict
from numerics import Schedule, Target

__all__ = [
    "DIGITS",
    "INTERRUPTED",
    "Folder",
    "digits_of",
    "finish",
    "progress_bar",
    "save_json",
    "schedule_of",
    "target_of",
    "writable",
]

DIGITS = 30
_NARROWEST = 60
"""A table is not squeezed into fewer columns: verdicts would be cut."""

INTERRUPTED = "interrupted; the finished cases are above"


def digits_of(options: argparse.Namespace) -> int | None:
    """The digits asked for; None for the fast tier."""
    if options.quick and options.digits is not None:
        raise ValueError("--digits: it has no meaning together with --quick")
    if options.quick:
        return None
    return DIGITS if options.digits is None else int(options.digits)


def writable(option: str, name: str | None, *taken: str | None) -> Path | None:
    """The path of a file to be written, looked at before any work is done.

    `taken` are the files that the command reads, or writes already.
    """
    if name is None:
        return None
    path = Path(name)
    if not name or path.is_dir():
        raise ValueError(f"{option}: {name!r} is a folder, not a file")
    if not path.parent.is_dir():
        raise ValueError(f"{option}: there is no folder {path.parent}")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise ValueError(f"{option}: {path} cannot be written")
    for other in taken:
        if other is not None and os.path.realpath(files.path_of(other)) == os.path.realpath(path):
            raise ValueError(f"{option}: {path} is needed for something else")
    return path


def _print(report: Report, every: bool) -> None:
    from rich.console import Console

    console = Console(markup=False, highlight=False, emoji=False, soft_wrap=False)
    made = table(report, every)
    console.width = max(console.width, _NARROWEST) if console.is_terminal else natural_width(made)
    console.print(made)
    for line in counterexamples(report) if report.twins else remarks(report):
        print(line)
    print(report.summary)


def save_json(report: Report, path: Path | None) -> None:
    if path is None:
        return
    try:
        write_json(report, path)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise ValueError(f"--json: {path} cannot be written: {error.strerror or error}") from error


def progress_bar(word: str, transient: bool = True) -> Any:
    """A progress bar on standard error, shown only on a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    return Progress(
        TextColumn(word),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=transient,
        disable=not console.is_terminal,
    )


def finish(
    claims: Sequence[AnyClaim],
    cases: Sequence[verification.Case],
    outcomes: dict[int, Verdict],
    options: argparse.Namespace,
    place: Path | None,
    interrupted: str,
    folder: Folder | None = None,
) -> int:
    """Print and save the report on what is finished; 0 if the run succeeded, 1 otherwise."""
    twins = getattr(options, "twins", False)
    report = verification.conclude(claims, cases, outcomes, digits_of(options), twins)
    try:
        _print(report, getattr(options, "all", True))
        if folder is not None and folder.summary:
            print(folder.summary)
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        discard_output()  # what was found out counts all the same
    with suppress(BrokenPipeError):
        save_json(report, place)
    if interrupted:
        say(f"diffcert: {interrupted}")
    return 0 if report.succeeded else 1


def target_of(text: str) -> tuple[Target, str]:
    """The target that `--target` means, and its label."""
    if text not in family.TARGETS and files.looks_like_a_file(text):
        return files.read_target(text), printable(Path(text).stem)
    return family.named_target(text), text


def schedule_of(options: argparse.Namespace, target: Any) -> tuple[Schedule, str]:
    """The schedule that `--schedule`, `--steps`, `--convention` and `--reverse` mean, and its label."""
    text: str = options.schedule
    if text not in family.SCHEDULES and files.looks_like_a_file(text):
        if options.steps is not None:
            raise ValueError("--steps: the file has its own number of steps")
        return files.read_schedule(text, options.convention, options.reverse), printable(Path(text).name)
    for option, given in (("--convention", options.convention), ("--reverse", options.reverse)):
        if given:
            raise ValueError(f"{option}: it belongs to a file, and {text!r} is a built-in schedule")
    if text in family.SCHEDULES and options.steps is None:
        raise ValueError(f"--steps: a number of steps is needed for the schedule {text!r}")
    return family.named_schedule(text, options.steps or 1, target), text


class Folder:
    """The folder of `--certificates`, made if need be; each certificate is a file as it is issued."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.place: Path | None = None
        self.written = 0
        self._asked = digits_of(options)
        name = options.certificates
        if name is None:
            return
        if self._asked is None:
            raise ValueError("--certificates: machine numbers certify nothing; leave out --quick")
        place = Path(name)
        if not name or (place.exists() and not place.is_dir()):
            raise ValueError(f"--certificates: {name!r} is not a folder")
        try:
            place.mkdir(exist_ok=True)
        except OSError as error:
            raise ValueError(f"--certificates: {place}: {error.strerror or error}") from error
        if not os.access(place, os.W_OK):
            raise ValueError(f"--certificates: {place} cannot be written")
        self.place = place

    def take(self, verdict: Verdict) -> None:
        """Write the certificate of a verdict, if certificates are wanted."""
        if self.place is None:
            return
        from diffcert.certificate import Certificate

        try:
            Certificate.of(verdict, self._asked).write(self.place)
        except OSError as error:
            raise ValueError(f"--certificates: {self.place}: {error.strerror or error}") from error
        self.written += 1

    @property
    def summary(self) -> str:
        """One line, or nothing where no certificates were asked for."""
        if self.place is None:
            return ""
        return f"{self.written} certificate{'s' * (self.written != 1)} in {self.place}"
