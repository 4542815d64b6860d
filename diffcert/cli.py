"""The command line: options, and what becomes of bad ones.

What belongs here: the parser, `main`, exit codes. What does not: the work of the commands
(`commands`), which is imported once the options make sense.

Exit codes: 0, every case holds or is not applicable; 1, a case is refuted or undecided; 2, bad input
(one line on standard error); 130, interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NoReturn

from diffcert import __version__
from diffcert.streams import discard_output, escape_unknown, one_line, say

__all__ = ["main"]

MOST_DIGITS = 1000
MOST_STEPS = 100_000

_EPILOG = """\
exit codes: 0 all hold or are not applicable, 1 a case is refuted or undecided, 2 bad input
"""


class _Parser(argparse.ArgumentParser):
    """A parser that reports a bad option in one line."""

    def error(self, message: str) -> NoReturn:
        _fail(message)


class _BadInput(SystemExit):
    """Exit with code 2; the line is on standard error already."""


def _fail(message: str) -> NoReturn:
    say(f"diffcert: error: {one_line(message)}")
    raise _BadInput(2)


class _Once(argparse.Action):
    """An option with one value, which is refused if it is given again."""

    def __call__(self, parser: Any, namespace: argparse.Namespace, values: Any, option: Any = None) -> None:
        if getattr(namespace, self.dest) is not None:
            parser.error(f"argument {option}: it is given twice")
        setattr(namespace, self.dest, values)


def _integer(name: str, least: int, most: int) -> object:
    def parse(text: str) -> int:
        try:
            number = int(text) if len(text) <= 20 else None
        except ValueError:
            number = None
        if number is None or not (text.isascii() and text.strip().lstrip("+-").isdigit()):
            raise argparse.ArgumentTypeError(f"{text[:40]!r} is not an integer")
        if not least <= number <= most:
            raise argparse.ArgumentTypeError(f"{number} is not between {least} and {most}")
        return number

    parse.__name__ = name
    return parse


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--digits",
        action=_Once,
        type=_integer("digits", 1, MOST_DIGITS),  # type: ignore[arg-type]
        metavar="N",
        help="digits of the certified values (default 30)",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="machine numbers instead of enclosures; says 'below the bound (float)', never 'holds'",
    )
    parser.add_argument(
        "--claim",
        action="append",
        metavar="ID",
        help="a claim's id, or package.module:attribute for one of your own; may be repeated",
    )
    parser.add_argument("--json", action=_Once, metavar="FILE", help="write every case in full precision")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="diffcert",
        description="Puts theorems about diffusion sampling beside the exact error that they bound.",
        epilog=_EPILOG,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"diffcert {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    verify = commands.add_parser(
        "verify",
        help="check every claim on the built-in family",
        description="Checks every claim (or those named) on the built-in targets and schedules.",
        epilog=_EPILOG,
        allow_abbrev=False,
    )
    _common(verify)
    verify.add_argument("--all", action="store_true", help="print every case, not only the worst")
    verify.add_argument(
        "--twins", action="store_true", help="run the planted falsehoods; each must be refuted"
    )
    verify.add_argument(
        "--target", action="append", metavar="NAME", help="only this target; may be repeated"
    )
    verify.add_argument(
        "--schedule", action="append", metavar="NAME", help="only this schedule; may be repeated"
    )
    verify.add_argument(
        "--steps",
        action="append",
        type=_integer("steps", 1, MOST_STEPS),  # type: ignore[arg-type]
        metavar="N",
        help="only this number of steps; may be repeated",
    )

    compare = commands.add_parser(
        "compare",
        help="check one target on one schedule, also your own",
        description="Puts the claims beside the exact value for one target and one schedule.",
        epilog=_EPILOG,
        allow_abbrev=False,
    )
    compare.add_argument(
        "--target",
        action=_Once,
        required=True,
        metavar="NAME|FILE",
        help="a built-in name, or a .toml or .json file",
    )
    compare.add_argument(
        "--schedule",
        action=_Once,
        metavar="NAME|FILE",
        help="a built-in name with --steps, or a .json, .csv or .npy file (FILE.json:NAME for one list)",
    )
    compare.add_argument(
        "--steps",
        action=_Once,
        type=_integer("steps", 1, MOST_STEPS),  # type: ignore[arg-type]
        metavar="N",
        help="number of steps of a built-in schedule",
    )
    compare.add_argument(
        "--convention",
        action=_Once,
        metavar="WHAT",
        help="what the numbers of a file are: alpha_bar, sigmas, times or snr",
    )
    compare.add_argument(
        "--reverse", action="store_true", help="the file lists its levels from data to noise"
    )
    compare.add_argument(
        "--snr", action=_Once, metavar="S", help="one signal-to-noise ratio instead of a schedule"
    )
    compare.add_argument(
        "--epsilon", action=_Once, metavar="E", help="accuracy, for the claims that need one"
    )
    _common(compare)
    compare.add_argument(
        "--plot",
        action=_Once,
        metavar="FILE",
        help="draw the mmse curve with the steps on it (.png, .svg, .pdf)",
    )

    commands.add_parser(
        "list",
        help="list claims, planted falsehoods, targets and schedules",
        description="Lists the claims, the planted falsehoods, the targets and the schedules.",
        allow_abbrev=False,
    )
    show = commands.add_parser(
        "show",
        help="show a claim: statement, hypotheses, source, derivation",
        description="Shows a claim: its statement, hypotheses, source and derivation.",
        allow_abbrev=False,
    )
    show.add_argument("id", metavar="ID", help="a claim's id, or package.module:attribute")
    return parser


def _run(argv: Sequence[str] | None) -> int:
    options = _parser().parse_args(argv)
    from diffcert import commands

    with suppress(FileNotFoundError):  # the current folder may be gone
        here = os.getcwd()
        if here not in sys.path:
            sys.path.append(here)  # --claim finds its modules
    return commands.COMMANDS[options.command](options)


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code of the command line `argv` (default: of this process)."""
    code = 0
    escape_unknown()
    try:
        try:
            code = _run(argv)
            if sys.stdout is not None:
                sys.stdout.flush()
        except ValueError as error:
            _fail(str(error))
        except BrokenPipeError:
            # The reader has gone (`| head`): nothing more can be said, and the exit code stands.
            discard_output()
        except OSError as error:
            discard_output()
            _fail(f"{error.filename}: {error.strerror}" if error.filename else f"{error.strerror or error}")
        except KeyboardInterrupt:
            say("diffcert: interrupted")
            return 130
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else 0
    return code


if __name__ == "__main__":
    sys.exit(main())
