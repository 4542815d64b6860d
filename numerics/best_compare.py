"""How many steps the usual schedules need for the error of the best one.

What belongs here: the families compared, and the search for their number of steps. Machine numbers only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from numerics.best import best_schedules
from numerics.exact import choice, integer, rational, shown
from numerics.path import path_kl
from numerics.schedules import Schedule
from numerics.targets import Target

__all__ = ["FAMILIES", "Comparison", "compare_with_usual", "family", "steps_needed"]

_TRAINING = 1000
_MOST = 4096
_SPACED = ("ddpm_linear", "scaled_linear", "cosine")

FAMILIES: tuple[str, ...] = (
    "ddpm_linear",
    "scaled_linear",
    "cosine",
    "karras",
    "flow_matching",
    "li_cai_wei",
    "geometric",
    "uniform",
)
"""The usual schedules. All but the last two have ends of their own."""


def family(name: str, start: Any = 0, stop: Any = 1) -> Callable[[int], Schedule]:
    """The usual schedule of that name as a function of its number of steps.

    `uniform` and `geometric` have knots of the core from 0 to `stop`. The latter's t_1 is `start`, or where
    that is 0 the stop / n^2 that makes its first step harmless as n grows. Sub-sequences of 1000 training
    levels need two steps: one starts from the cleanest level (spacing "linspace").
    """
    choice(name, "family", FAMILIES)
    high, low = rational(stop, "stop"), rational(start, "start")
    if name == "uniform":
        return lambda n: Schedule.uniform(n, high)
    if name == "geometric":
        return lambda n: Schedule.geometric(n, high if n == 1 else low or high / n**2, high)
    constructor: Callable[[int], Schedule] = getattr(Schedule, name)
    if name in _SPACED:
        return lambda n: constructor(_at_least_two(n))
    return constructor


def _at_least_two(n: int) -> int:
    if n < 2:
        raise ValueError(f"steps: {n} starts from the cleanest training level; give at least 2")
    return n


def steps_needed(
    target: Target, error: Any, make: Callable[[int], Schedule], most: int = _MOST
) -> int | None:
    """The number of steps with which a family's path KL is at most `error` (nats), or None.

    `make` returns the schedule of n steps (`family(name)`). The number is doubled and then bisected: the
    schedule of n steps meets the error and that of n - 1 does not, which makes n the least such number
    where the path KL falls with n. None where up to `most` steps, or the family's own limit, do not do.
    """
    goal = float(rational(error, "error"))
    if goal <= 0:
        raise ValueError(f"error: {shown(error)} is not positive")
    most = integer(most, "most", 1)

    def enough(n: int) -> bool | None:
        try:
            schedule = make(n)
        except ValueError:
            return None
        return bool(path_kl(target, schedule) <= goal)

    low, high = 0, 1
    while (meets := enough(high)) is not True:
        if meets is not None or high < 64:
            low = high
        if high >= most or (meets is None and high >= 64):
            return _up_to_limit(enough, low, min(high, most, _TRAINING))
        high = min(2 * high, most)
    return _bisected(enough, low, high)


def _up_to_limit(enough: Callable[[int], bool | None], low: int, limit: int) -> int | None:
    """For families that end at a number of steps: whether the last one does."""
    return _bisected(enough, low, limit) if low < limit and enough(limit) else None


def _bisected(enough: Callable[[int], bool | None], low: int, high: int) -> int:
    while high - low > 1:
        middle = (low + high) // 2
        if enough(middle):
            high = middle
        else:
            low = middle
    return high


@dataclass(frozen=True)
class Comparison:
    """The best schedule beside the usual ones."""

    best: Schedule
    path_kl: float
    usual: dict[str, float]
    """The path KL of each family with the same number of steps, in nats."""
    needed: dict[str, int | None]
    """The number of steps with which each family meets the best one's path KL; None: not within reach."""


def compare_with_usual(
    target: Target, steps: int, start: Any = 0, stop: Any = None, most: int = _MOST
) -> Comparison:
    """The path KL of the usual families with as many steps, and the steps they need for the best one's.

    Families keep their own ends, except `geometric` and `uniform`. With v = 0 only these two are compared:
    the others end at a level of their own.
    """
    best = best_schedules(target, steps, start, stop)[0]
    high: Fraction = best.schedule.parameters["snr"][-1]
    low = rational(start, "start")
    usual: dict[str, float] = {}
    needed: dict[str, int | None] = {}
    for name in FAMILIES if target.variance else ("geometric", "uniform"):
        make = family(name, low, high)
        try:
            usual[name] = float(path_kl(target, make(steps)))
        except ValueError:
            continue
        needed[name] = steps_needed(target, best.path_kl, make, most)
    return Comparison(best.schedule, best.path_kl, usual, needed)
