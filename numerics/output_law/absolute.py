"""The integral of |q - p| for two sums of Gaussians, enclosed.

What belongs here: cells of the line, and on which of them the sign of q - p is certain. On those the
integral is a difference of distribution functions; the others count between 0 and a bound, and are
divided as long as it matters.
"""

from __future__ import annotations

import heapq
import math
from itertools import pairwise

import flint
import numpy as np

from numerics.output_law.gaussian_sums import GaussianSum
from numerics.truth import PrecisionError

__all__ = ["half_l1"]

MOST_CELLS = 20_000_000
"""The most cells of one integral."""
_CELLS_PER_WIDTH = 24
_MOST_REFINED = 2000
_SETTLED = 1e-15
_BLOCK = 1 << 17


def half_l1(q: GaussianSum, p: GaussianSum) -> flint.arb:
    """(1/2) int |q - p| as a ball.

    On cells where the sign of q - p is certain the integral is a difference of distribution functions;
    the others count between 0 and a bound, and are divided further as long as it matters.
    """
    narrow = min(q.width, p.width)
    h = 2.0 ** math.floor(math.log2(narrow / _CELLS_PER_WIDTH))
    ends = [*q.reach(), *p.reach()]
    first, last = math.floor(min(ends) / h), math.ceil(max(ends) / h)
    if not last - first < MOST_CELLS:
        raise PrecisionError(f"tv: the last integral takes {last - first:.3g} cells (limit {MOST_CELLS})")
    cells = _Cells(q, p)
    for begin in range(first, last + 1, _BLOCK):
        cells.decide(h, begin, min(_BLOCK, last + 1 - begin))
    cells.refine()
    low, high = (first - 0.5) * h, (last + 0.5) * h
    outside = q.below(low) + p.below(low) + (q.mass - q.below(high)) + (p.mass - p.below(high))
    upper = abs(outside).upper() + flint.arb(cells.doubt()) * (1 + flint.arb(2) ** -40)
    return (cells.certain() + flint.arb(0).union(flint.arb(upper))) / 2


class _Cells:
    """Cells of the line on which q - p has a certain sign, and the others with a bound of int |q - p|."""

    def __init__(self, q: GaussianSum, p: GaussianSum) -> None:
        """No cells yet."""
        self.q, self.p = q, p
        self._runs: list[tuple[float, float, float]] = []
        self._unknown: list[tuple[float, float, float]] = []

    def refine(self) -> None:
        """Divide the unknown cells, the largest bound first, with values in balls."""
        waiting = [(-bound, left, length) for left, length, bound in self._unknown]
        self._unknown = []
        heapq.heapify(waiting)
        for _ in range(_MOST_REFINED):
            if not waiting or -waiting[0][0] < _SETTLED:
                break
            _, left, length = heapq.heappop(waiting)
            for k in range(8):
                cell = self._part(left + k * length / 8, length / 8)
                if cell is not None:
                    heapq.heappush(waiting, (-cell[2], cell[0], cell[1]))
        self._unknown = [(left, length, -bound) for bound, left, length in waiting]

    def _part(self, left: float, length: float) -> tuple[float, float, float] | None:
        """The cell with its bound, or None if its sign is certain, and it is noted."""
        r = length / 2
        (a, da, bend_a), (b, db, bend_b) = self.q.at(left + r, r), self.p.at(left + r, r)
        gap = a - b
        change = float((r * abs(da - db).upper() + r * r / 2 * (bend_a + bend_b)).upper()) * (1 + 1e-12)
        if abs(gap).lower() > change:
            self._runs.append((left, left + length, 1.0 if gap > 0 else -1.0))
            return None
        return left, length, length * (float(abs(gap).upper()) + change) * (1 + 1e-12)

    def doubt(self) -> float:
        """A bound of int |q - p| over the cells without a certain sign."""
        return math.fsum(cell[2] for cell in self._unknown) * (1 + 1e-12)

    def certain(self) -> flint.arb:
        """int |q - p| over the others."""
        total = flint.arb(0)
        merged: list[tuple[float, float, float]] = []
        for left, right, sign in sorted(self._runs):
            if merged and merged[-1][1:] == (left, sign):
                left = merged.pop()[0]
            merged.append((left, right, sign))
        for left, right, _ in merged:
            total += abs(
                (self.q.below(right) - self.q.below(left)) - (self.p.below(right) - self.p.below(left))
            )
        return total

    def decide(self, h: float, first: int, count: int) -> None:
        """Add the cells of length h centred on first h, ..., (first + count - 1) h."""
        r = h / 2
        a, b = self.q.samples(h, first, count), self.p.samples(h, first, count)
        lefts = (first + np.arange(count + 1) - 0.5) * h
        gap = np.abs(a.value - b.value)
        blur = a.value_error + b.value_error
        tilt = np.abs(a.slope - b.slope) + a.slope_error + b.slope_error
        change = (r * tilt + r * r / 2 * (a.bend + b.bend)) * (1 + 1e-12)
        sure = gap * (1 - 1e-12) - blur > change
        sign = np.where(sure, np.sign(a.value - b.value), 0.0)
        bound = h * (gap + blur + change) * (1 + 1e-12)
        edges = np.flatnonzero(np.diff(sign)) + 1
        for begin, end in pairwise([0, *edges.tolist(), count]):
            if sign[begin]:
                self._runs.append((float(lefts[begin]), float(lefts[end]), float(sign[begin])))
            else:
                self._unknown += [(float(lefts[i]), h, float(bound[i])) for i in range(begin, end)]
