"""Conditions of a Piecewise: three-valued, for single numbers, and element by element for arrays.

What belongs here: deciding relations and connectives, and the choice between two branches. What does
not: the branches (`compiler`).

The outcome for single numbers is True, False, None (undecided) or `Undefined` (a side is no number).
For arrays it is a pair of arrays: where the condition certainly holds, and where it certainly fails.
Neither is the case where a side is NaN or infinite, and NaN is chosen there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from theory.lowering.elementary import Frame, finite, is_ball, undefined

__all__ = ["RELATIONS", "Undefined", "choose", "compare", "every", "negated", "some"]

Outcome = Any
Test = Callable[[Frame], Outcome]

RELATIONS: dict[str, tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]] = {
    "<": (lambda a, b: a < b, lambda a, b: a >= b),
    "<=": (lambda a, b: a <= b, lambda a, b: a > b),
    ">": (lambda a, b: a > b, lambda a, b: a <= b),
    ">=": (lambda a, b: a >= b, lambda a, b: a < b),
    "==": (lambda a, b: a == b, lambda a, b: a != b),
    "!=": (lambda a, b: a != b, lambda a, b: a == b),
}
"""Relation -> what says that it holds, and what says that it fails."""


@dataclass(frozen=True)
class Undefined:
    """The outcome of a condition with a side that is not a number; so is what it chooses."""

    value: Any


def compare(frame: Frame, relation: str, left: Any, right: Any) -> Outcome:
    """Whether a relation holds; it is True only if it holds for certain."""
    holds, fails = RELATIONS[relation]
    left, right = finite(frame, left), finite(frame, right)
    if frame.arrays:
        known = ~(np.isnan(left) | np.isnan(right))
        return known & holds(left, right), known & fails(left, right)
    for side in (left, right):
        if side.is_nan() if is_ball(side) else side != side:
            return Undefined(side)
    if holds(left, right):
        return True
    return False if fails(left, right) else None


def negated(outcome: Outcome) -> Outcome:
    """The outcome of the opposite condition."""
    if isinstance(outcome, tuple):
        return outcome[1], outcome[0]
    return not outcome if isinstance(outcome, bool) else outcome


def every(frame: Frame, tests: Sequence[Test]) -> Outcome:
    """The outcome of a conjunction: False as soon as one part fails, whatever the others are."""
    if frame.arrays:
        outcomes = [test(frame) for test in tests]
        yes, no = zip(*outcomes, strict=True)
        return np.logical_and.reduce(np.broadcast_arrays(*yes)), np.logical_or.reduce(
            np.broadcast_arrays(*no)
        )
    open_one: Outcome = True
    failure: ZeroDivisionError | None = None
    for test in tests:
        try:
            outcome = test(frame)
        except ZeroDivisionError as error:
            failure = error
            continue
        if outcome is False:
            return False
        if outcome is not True and not isinstance(open_one, Undefined):
            open_one = outcome
    if failure is not None:
        raise failure
    return open_one


def some(frame: Frame, tests: Sequence[Test]) -> Outcome:
    """The outcome of a disjunction."""

    def opposite(test: Test) -> Test:
        return lambda inner: negated(test(inner))

    return negated(every(frame, [opposite(test) for test in tests]))


def choose(frame: Frame, outcome: Outcome, value: Callable[[], Any], other: Callable[[], Any]) -> Any:
    """The choice that a condition makes between a value and what else there is.

    Undecided: the hull of both branches (of balls), NaN for numbers that have no hull. For arrays a branch
    that no row takes is not evaluated.
    """
    if isinstance(outcome, tuple):
        return _rows(frame, outcome, value, other)
    if outcome is True:
        return value()
    if outcome is False:
        return other()
    if isinstance(outcome, Undefined):
        return outcome.value if is_ball(outcome.value) else undefined(frame.ops)
    branch = value()
    return branch.union(other()) if hasattr(branch, "union") else undefined(frame.ops)


def _rows(
    frame: Frame, outcome: tuple[Any, Any], value: Callable[[], Any], other: Callable[[], Any]
) -> Any:
    yes, no = outcome
    where = frame.ops.where
    if np.all(yes):
        return value()
    if np.all(no):
        return other()
    chosen = where(yes, value(), np.nan) if np.any(yes) else np.full(np.shape(yes), np.nan)
    return where(no, other(), chosen) if np.any(no) else chosen
