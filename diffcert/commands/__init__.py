"""The commands behind the command line: from parsed options to text and an exit code.

What belongs here: one module per command or pair of commands. What does not: parsing (`cli`), tables
(`tables`), the work itself (`verification`, `comparison`, `recheck`, `sharpness`).
Bad input is a ValueError with one line; `cli` prints it.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from importlib import import_module

__all__ = ["COMMANDS", "command"]

COMMANDS: dict[str, str] = {
    "verify": "diffcert.commands.verify:verify",
    "compare": "diffcert.commands.verify:compare",
    "list": "diffcert.commands.listing:list_",
    "show": "diffcert.commands.listing:show",
    "check": "diffcert.commands.check:check",
    "sharpen": "diffcert.commands.sharpen:sharpen",
    "report": "diffcert.commands.report:report",
    "schedule": "diffcert.commands.schedule:schedule",
    "law": "diffcert.commands.law:law",
    "order": "diffcert.commands.law:order",
}
"""Name of the command -> where it is; imported as it is run."""


def command(name: str) -> Callable[[argparse.Namespace], int]:
    """The function of a command: parsed options to an exit code."""
    module, _, attribute = COMMANDS[name].partition(":")
    function: Callable[[argparse.Namespace], int] = getattr(import_module(module), attribute)
    return function
