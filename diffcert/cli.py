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

from diffcert import __version__, interrupts
from diffcert.options import (
    MOST_DIGITS,
    MOST_STEPS,
    Once,
    add_law,
    add_order,
    add_schedule,
    integer,
    seconds,
)
from diffcert.streams import discard_output, escape_unknown, one_line, say

__all__ = ["main"]

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


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--digits",
        action=Once,
        type=integer("digits", 1, MOST_DIGITS),
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
    parser.add_argument("--json", action=Once, metavar="FILE", help="write every case in full precision")
    parser.add_argument(
        "--certificates",
        action=Once,
        metavar="DIR",
        help="write one file per verdict, which `diffcert check` derives again",
    )


def _add_check(commands: Any) -> None:
    check = commands.add_parser(
        "check",
        help="derive the verdicts of certificates again, by an independent route",
        description="Derives the verdict of each certificate again, in mpmath and in balls.",
        epilog="exit codes: 0 all agree, 1 a certificate disagrees, 2 bad input",
        allow_abbrev=False,
    )
    check.add_argument("files", nargs="+", metavar="FILE", help="a certificate, or a folder of them")
    check.add_argument(
        "--claim",
        action="append",
        metavar="MODULE",
        help="package.module:attribute of a claim that is not built in; a certificate cannot name it",
    )
    check.add_argument(
        "--any-sources",
        action="store_true",
        help="accept certificates made by other versions of the source files",
    )
    check.add_argument(
        "--jobs",
        action=Once,
        type=integer("jobs", 1, 1000),
        metavar="N",
        help="processes (default: one per processor)",
    )


def _add_sharpen(commands: Any) -> None:
    sharpen = commands.add_parser(
        "sharpen",
        help="search for the instances on which a claim is nearest to fail",
        description="Searches targets and schedules for the largest truth / bound of a claim.",
        epilog="exit codes: 0 no counterexample was found, 1 the claim is refuted, 2 bad input",
        allow_abbrev=False,
    )
    sharpen.add_argument("id", metavar="CLAIM", help="a claim's id, or package.module:attribute")
    sharpen.add_argument(
        "--tries",
        action=Once,
        type=integer("tries", 1, 10**9),
        metavar="N",
        help="candidates to look at, with those of a state (default 2000)",
    )
    sharpen.add_argument(
        "--budget", action=Once, type=seconds, metavar="SECONDS", help="search for that long instead"
    )
    sharpen.add_argument(
        "--state", action=Once, metavar="FILE", help="go on from this file, and keep it up to date"
    )
    sharpen.add_argument(
        "--seed",
        action=Once,
        type=integer("seed", 0, 2**63),
        metavar="N",
        help="seed of the search (default 0)",
    )
    sharpen.add_argument(
        "--digits",
        action=Once,
        type=integer("digits", 1, MOST_DIGITS),
        metavar="N",
        help="digits of the verdicts (default 30)",
    )


def _add_report(commands: Any) -> None:
    report = commands.add_parser(
        "report",
        help="write the claims, verdicts, constants and plots as a document",
        description="Writes the claims with their verdicts and constants, fit for an appendix.",
        epilog=_EPILOG,
        allow_abbrev=False,
    )
    for name, what in (
        ("html", "one HTML file with formulas and plots in it"),
        ("latex", "a LaTeX document; its body can be put into an appendix"),
        ("markdown", "a Markdown file"),
    ):
        report.add_argument(f"--{name}", action=Once, metavar="FILE", help=what)
    report.add_argument(
        "--json", action=Once, metavar="FILE", help="take the cases from an earlier `verify --json FILE`"
    )
    report.add_argument(
        "--claim",
        action="append",
        metavar="ID",
        help="only this claim, or package.module:attribute; may be repeated",
    )
    report.add_argument(
        "--digits",
        action=Once,
        type=integer("digits", 1, MOST_DIGITS),
        metavar="N",
        help="digits of the certified values (default 30)",
    )
    report.add_argument("--quick", action="store_true", help="machine numbers instead of enclosures")
    report.add_argument(
        "--target", action="append", metavar="NAME", help="only this target; may be repeated"
    )
    report.add_argument(
        "--schedule", action="append", metavar="NAME", help="only this schedule; may be repeated"
    )


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
        type=integer("steps", 1, MOST_STEPS),
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
        action=Once,
        required=True,
        metavar="NAME|FILE",
        help="a built-in name, or a .toml or .json file",
    )
    compare.add_argument(
        "--schedule",
        action=Once,
        metavar="NAME|FILE",
        help="a built-in name with --steps, or a .json, .csv or .npy file (FILE.json:NAME for one list)",
    )
    compare.add_argument(
        "--steps",
        action=Once,
        type=integer("steps", 1, MOST_STEPS),
        metavar="N",
        help="number of steps of a built-in schedule",
    )
    compare.add_argument(
        "--convention",
        action=Once,
        metavar="WHAT",
        help="what the numbers of a file are: alpha_bar, sigmas, times or snr",
    )
    compare.add_argument(
        "--reverse", action="store_true", help="the file lists its levels from data to noise"
    )
    compare.add_argument(
        "--snr", action=Once, metavar="S", help="one signal-to-noise ratio instead of a schedule"
    )
    compare.add_argument(
        "--epsilon", action=Once, metavar="E", help="accuracy, for the claims that need one"
    )
    _common(compare)
    compare.add_argument(
        "--plot",
        action=Once,
        metavar="FILE",
        help="draw the mmse curve with the steps on it (.png, .svg, .pdf)",
    )

    _add_check(commands)
    _add_sharpen(commands)
    _add_report(commands)
    add_schedule(commands)
    add_law(commands)
    add_order(commands)
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
    return commands.command(options.command)(options)


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code of the command line `argv` (default: of this process)."""
    code = 0
    escape_unknown()
    try:
        try:
            with interrupts.kept():
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
