"""Where the map of a deterministic sampler turns: a proof, by enclosures of F' and F'' on a cover.

What belongs here: cells on which the sign of F' is certain, folds isolated by a sign change of F' where F''
has one sign, and the monotone branches between them. What does not: enclosures on discs (`certified_map`).

Ddim and Euler need no cover: every step is R' = rest R + share D with rest >= 0 and share > 0, and D' =
kept + lever t Var >= 0; rest = 0 only at the step to sigma = 0, where kept > 0 because v > 0. So F' > 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import flint

from numerics.output_law.certified_map import CertifiedMap
from numerics.truth import PrecisionError

__all__ = ["MOST_CELLS", "Branch", "CrowdedError", "Fold", "branches_between"]

MOST_CELLS = 20_000
"""The most cells of one cover."""
_FIRST = 16


class CrowdedError(PrecisionError):
    """Two starts are not told apart at the working precision."""


@dataclass(frozen=True)
class Fold:
    """A turning point, enclosed, with |F''| >= `curvature` between `low` and `high` around it."""

    point: flint.arb
    low: flint.arb
    high: flint.arb
    curvature: flint.arb


@dataclass(frozen=True)
class Branch:
    """Starts from `low` to `high` between which the map is monotone; the ends' folds, or None."""

    low: flint.arb
    high: flint.arb
    rising: bool
    below: Fold | None = None
    above: Fold | None = None


def branches_between(sampler_map: CertifiedMap, low: flint.arb, high: flint.arb) -> list[Branch]:
    """The monotone branches between two exact starts, with proof; PrecisionError where it fails."""
    first = now = 0
    folds: list[Fold] = []
    step = (high - low) / _FIRST
    marks = [low, *((low + step * i).mid() for i in range(1, _FIRST)), high]
    waiting = list(pairwise(marks))[::-1]
    count = 0
    while waiting:
        a, b = waiting.pop()
        count += 1
        if count > MOST_CELLS:
            done = a.str(6, radius=False)
            raise PrecisionError(
                f"output_law: the map's turning points were isolated only up to the start {done}"
                f" with {MOST_CELLS} cells"
            )
        sign, fold = _decided(sampler_map, a, b)
        if sign is None:
            middle = ((a + b) / 2).mid()
            if not a < middle < b:
                raise CrowdedError(
                    "output_law: a turning point of the map could not be isolated near the start"
                    f" {middle.str(6, radius=False)}"
                )
            waiting += [(middle, b), (a, middle)]
            continue
        if now and sign != now:
            raise PrecisionError("output_law: the slope of the map changes sign without a fold")
        first = first or sign
        now = sign
        if fold is not None:
            now = -sign
            folds.append(fold)
    return _assembled(low, high, first, folds)


def _assembled(low: flint.arb, high: flint.arb, first: int, folds: list[Fold]) -> list[Branch]:
    """Branches of alternating direction."""
    ends: list[Fold | None] = [None, *folds, None]
    branches, sign = [], first
    for before, after in pairwise(ends):
        left = low if before is None else before.point
        right = high if after is None else after.point
        branches.append(Branch(left, right, sign > 0, before, after))
        sign = -sign
    return branches


def _sign(ball: flint.arb) -> int:
    return 1 if ball > 0 else -1 if ball < 0 else 0


def _decided(sampler_map: CertifiedMap, a: flint.arb, b: flint.arb) -> tuple[int | None, Fold | None]:
    """The sign of F' at the left end of a cell, and the fold in it; (None, None): not decided."""
    centre = ((a + b) / 2).mid()
    half = flint.arb((b - centre).upper())
    found = sampler_map.disc(centre, half)
    if found is None:
        return None, None
    if found.least_speed > 0:
        return _sign(found.slope), None
    if not abs(found.bend) > found.twist:
        return None, None
    left, right = (_sign(sampler_map.point(x)[1]) for x in (a, b))
    if not left or not right:
        return None, None
    if left == right:
        return left, None
    curvature = flint.arb((abs(found.bend) - found.twist).lower())
    return left, Fold(_refined(sampler_map, a, b, left), a, b, curvature)


def _refined(sampler_map: CertifiedMap, a: flint.arb, b: flint.arb, left: int) -> flint.arb:
    """The only zero of F' between a and b, enclosed by sign changes as narrowly as the precision allows."""
    x, zero = ((a + b) / 2).mid(), flint.arb(0)
    before = (b - a).mid()
    while True:
        here = sampler_map.disc(x, zero)
        assert here is not None
        sign = _sign(here.slope)
        if sign == left:
            a = x
        elif sign:
            b = x
        if not sign:
            break
        moved = (x - here.slope / here.bend).mid()
        if not a < moved < b:
            moved = ((a + b) / 2).mid()
        step = abs(moved - x)
        x = moved
        if not step < before * 4 or not a < x < b:
            break
        before = step.max(before / 4) if not step < before else step
        if step < (abs(a) + abs(b)) * flint.arb(2) ** (8 - flint.ctx.prec):
            break
    gap = flint.arb(2) ** (16 - flint.ctx.prec) * (abs(x) + (b - a))
    while True:
        low, high = (x - gap).mid().max(a), (x + gap).mid().min(b)
        ends = _sign(sampler_map.point(low)[1]), _sign(sampler_map.point(high)[1])
        if ends == (left, -left):
            return low.union(high)
        if not low > a and not high < b:
            return a.union(b)
        gap *= 16
