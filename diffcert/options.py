"""Pieces of the command line: option types, and the parsers of schedule, law and order.

What belongs here: argparse, and nothing that loads numerics. What does not: `main` (`cli`), the work of
the commands (`commands`).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

__all__ = [
    "MOST_DIGITS",
    "MOST_STEPS",
    "Once",
    "add_law",
    "add_order",
    "add_schedule",
    "integer",
    "seconds",
]

MOST_DIGITS = 1000
MOST_STEPS = 100_000


class Once(argparse.Action):
    """An option with one value, which is refused if it is given again."""

    def __call__(self, parser: Any, namespace: argparse.Namespace, values: Any, option: Any = None) -> None:
        """Take the value, or refuse the second one."""
        if getattr(namespace, self.dest) not in (None, self.default):
            parser.error(f"argument {option}: it is given twice")
        setattr(namespace, self.dest, values)


def integer(name: str, least: int, most: int) -> Callable[[str], int]:
    """A parser of integers between two ends, for argparse."""

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


def seconds(text: str) -> float:
    """A positive number of seconds, for argparse."""
    try:
        number = float(text) if len(text) <= 20 else -1.0
    except ValueError:
        number = -1.0
    if not 0 < number <= 1e7:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a number of seconds")
    return number


def _target(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--target",
        action=Once,
        required=True,
        metavar="NAME|FILE",
        help="a built-in name, or a .toml or .json file",
    )


def _plot(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument("--plot", action=Once, metavar="FILE", help=f"{what} (.png, .svg, .pdf)")


def add_schedule(commands: Any) -> None:
    """The parser of `schedule best`."""
    parser = commands.add_parser(
        "schedule",
        help="find the best schedule of a target, beside the usual ones",
        description="Finds the noise schedule with the least path KL for a target and a number of steps.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "what", choices=["best"], metavar="best", help="the schedule with the least path KL"
    )
    _target(parser)
    parser.add_argument(
        "--steps", action=Once, required=True, type=integer("steps", 1, 2000), metavar="N", help="steps"
    )
    parser.add_argument("--start", action=Once, metavar="S", help="first snr of the core (default 0)")
    parser.add_argument(
        "--stop", action=Once, metavar="S", help="last snr (default 1/v, free of noise; needed where v = 0)"
    )
    parser.add_argument(
        "--export",
        action=Once,
        choices=["alpha_bar", "sigmas", "times"],
        metavar="WHAT",
        help="levels to print beside the snr, and to write: alpha_bar, sigmas or times",
    )
    parser.add_argument("--output", action=Once, metavar="FILE", help="write the levels as .json")
    parser.add_argument(
        "--digits",
        action=Once,
        type=integer("digits", 1, 50),
        metavar="N",
        help="knots refined to so many digits, and a certified path KL",
    )
    _plot(parser, "draw the path KL against the number of steps, for all schedules")


def _sampler(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--sampler",
        action=Once,
        default="ddpm",
        metavar="NAME",
        help="ddpm[:beta|beta_tilde|optimal|NUMBER], moment-matched[:ORDER], ddim[:ETA], euler, heun,"
        " dpm-solver++ (default ddpm)",
    )
    parser.add_argument(
        "--start",
        action=Once,
        default="exact",
        choices=["exact", "normal"],
        metavar="LAW",
        help="the law at the first level: exact (default), or normal as in practice",
    )
    parser.add_argument(
        "--reference",
        action=Once,
        default="target",
        choices=["target", "last-level"],
        metavar="LAW",
        help="distances from the target (default), or from the law at the last-level",
    )


def add_law(commands: Any) -> None:
    """The parser of `law`."""
    parser = commands.add_parser(
        "law",
        help="compute what a sampler returns, and its distances from the target",
        description="Computes the law of a sampler's output and its distances from the target.",
        allow_abbrev=False,
    )
    _target(parser)
    parser.add_argument(
        "--schedule",
        action=Once,
        required=True,
        metavar="NAME|FILE",
        help="a built-in name with --steps, or a .json, .csv or .npy file",
    )
    parser.add_argument(
        "--steps", action=Once, type=integer("steps", 1, MOST_STEPS), metavar="N", help="number of steps"
    )
    parser.add_argument(
        "--convention",
        action=Once,
        metavar="WHAT",
        help="what the numbers of a file are: alpha_bar, sigmas, times or snr",
    )
    parser.add_argument(
        "--reverse", action="store_true", help="the file lists its levels from data to noise"
    )
    _sampler(parser)
    parser.add_argument(
        "--digits",
        action=Once,
        type=integer("digits", 1, MOST_DIGITS),
        metavar="N",
        help="every distance as a proven interval of so many digits (deterministic samplers on a line)",
    )
    parser.add_argument(
        "--certified",
        action="store_true",
        help="the total variation as a proven interval too (stochastic samplers on a line)",
    )
    parser.add_argument(
        "--json", action=Once, metavar="FILE", help="write inputs and distances in full precision"
    )
    _plot(parser, "draw the densities of target and output, and their difference")


def add_order(commands: Any) -> None:
    """The parser of `order`."""
    parser = commands.add_parser(
        "order",
        help="measure a sampler's order of convergence",
        description="Computes a sampler's errors for several numbers of steps, and fits their exponents.",
        allow_abbrev=False,
    )
    _target(parser)
    parser.add_argument("--schedule", action=Once, required=True, metavar="NAME", help="a built-in name")
    parser.add_argument(
        "--steps", action=Once, required=True, metavar="N,N,...", help="numbers of steps, like 10,20,40,80"
    )
    _sampler(parser)
    _plot(parser, "draw the errors against the steps, with the fitted slopes")
