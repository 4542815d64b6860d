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
from typing import NoReturn

from diffcert import __version__

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
    line = " ".join(message.split())
    print(f"diffcert: error: {line}", file=sys.stderr)
    raise _BadInput(2)


def _integer(name: str, least: int, most: int) -> object:
    def parse(text: str) -> int:
        try:
            number = int(text) if len(text) <= 20 else None
        except ValueError:
            number = None
        if number is None or not text.strip().lstrip("+-").isdigit():
            raise argparse.ArgumentTypeError(f"{text[:40]!r} is not an integer")
        if not least <= number <= most:
            raise argparse.ArgumentTypeError(f"{number} is not between {least} and {most}")
        return number

    parse.__name__ = name
    return parse


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--digits",
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
    parser.add_argument("--json", metavar="FILE", help="write every case in full precision")


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
        "--target", required=True, metavar="NAME|FILE", help="a built-in name, or a .toml or .json file"
    )
    compare.add_argument(
        "--schedule",
        metavar="NAME|FILE",
        help="a built-in name with --steps, or a .json, .csv or .npy file (FILE.json:NAME for one list)",
    )
    compare.add_argument(
        "--steps",
        type=_integer("steps", 1, MOST_STEPS),  # type: ignore[arg-type]
        metavar="N",
        help="number of steps of a built-in schedule",
    )
    compare.add_argument(
        "--convention",
        metavar="WHAT",
        help="what the numbers of a file are: alpha_bar, sigmas, times or snr",
    )
    compare.add_argument(
        "--reverse", action="store_true", help="the file lists its levels from data to noise"
    )
    compare.add_argument("--snr", metavar="S", help="one signal-to-noise ratio instead of a schedule")
    compare.add_argument("--epsilon", metavar="E", help="accuracy, for the claims that need one")
    _common(compare)
    compare.add_argument(
        "--plot", metavar="FILE", help="draw the mmse curve with the steps on it (.png, .svg, .pdf)"
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


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code of the command line `argv` (default: of this process)."""
    try:
        try:
            options = _parser().parse_args(argv)
            from diffcert import commands

            here = os.getcwd()
            if here not in sys.path:
                sys.path.append(here)  # --claim finds the modules of the current folder
            return commands.COMMANDS[options.command](options)
        except ValueError as error:
            _fail(str(error))
        except BrokenPipeError:
            # The reader has gone (`| head`): nothing is wrong, and nothing more can be said.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        except KeyboardInterrupt:
            print("diffcert: interrupted", file=sys.stderr)
            return 130
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else 0


if __name__ == "__main__":
    sys.exit(main())
