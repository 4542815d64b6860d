"""Exact rational arithmetic, and the knots that are rational.

What belongs here: the number system of `fractions.Fraction` in the protocol of
`numerics.arithmetic`, and what can be known about a schedule within it. What does not: deciding
hypotheses (`hypotheses`).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NoReturn

from numerics import Schedule, Target

__all__ = ["RATIONALS", "IrrationalError", "exact_ends", "exact_knots"]


class IrrationalError(ArithmeticError):
    """The operation leads out of the rationals."""


@dataclass(frozen=True)
class _Rationals:
    name: str = "rational"

    def precision(self) -> AbstractContextManager[None]:
        return nullcontext()

    def number(self, value: int | Fraction) -> Fraction:
        return Fraction(value)

    def _leaves(self, *arguments: Any) -> NoReturn:
        raise IrrationalError

    exp = log = log1p = expm1 = sqrt = cos = pi = _leaves

    def ceil(self, x: Fraction) -> Fraction:
        return Fraction(-(-x.numerator // x.denominator))

    def maximum(self, values: Sequence[Fraction]) -> Fraction:
        return max(values)


RATIONALS = _Rationals()
"""Fractions; raises `IrrationalError` for exp, log, sqrt, cos and pi."""

_RATIONAL_SCHEDULES = frozenset(
    ("from_alpha_bar", "from_sigmas", "from_times", "from_snr", "flow_matching", "uniform")
)


def exact_knots(target: Target, schedule: Schedule) -> tuple[Fraction, ...] | None:
    """The knots as exact rationals, or None for a schedule whose knots are not of that kind.

    Lists of noise levels are rational; so are flow matching and uniform steps.
    """
    if schedule.name not in _RATIONAL_SCHEDULES:
        return None
    return tuple(schedule.knots(target, RATIONALS))


def exact_ends(
    target: Target, schedule: Schedule
) -> tuple[Fraction | None, Fraction | None, Fraction | None]:
    """The first, the smallest positive and the last knot, exact; None where that is not known."""
    if schedule.name == "geometric":
        parameters = schedule.parameters
        return Fraction(0), parameters["first"], parameters["last"]
    knots = exact_knots(target, schedule)
    if knots is None:
        return None, None, None
    return knots[0], knots[1] if knots[0] == 0 else knots[0], knots[-1]
