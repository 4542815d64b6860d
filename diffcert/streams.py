"""Standard output and standard error, in whatever state the shell leaves them.

What belongs here: streams that are closed, full, gone or of a narrow encoding, and text that is safe
to print. What does not: what is said (`commands`, `cli`).
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress

__all__ = ["discard_output", "escape_unknown", "one_line", "printable", "say"]


def printable(text: str) -> str:
    """The text with a question mark for every character that is not to be sent to a terminal."""
    return "".join(character if character.isprintable() else "?" for character in text)


def one_line(text: str) -> str:
    """The text on one printable line."""
    return printable(" ".join(text.split()))


def say(line: str) -> None:
    """Print a line on standard error, if there is one."""
    if sys.stderr is not None:
        with suppress(OSError):
            print(line, file=sys.stderr)


def escape_unknown() -> None:
    """Let standard output write an escape for what its encoding lacks, instead of failing."""
    with suppress(AttributeError, ValueError, OSError):
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def discard_output() -> None:
    """Send the rest of standard output nowhere: its reader has gone, or its device is full."""
    with suppress(AttributeError, ValueError, OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
