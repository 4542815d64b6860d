"""Atoms that span two or three dimensions, and the grid of nodes for their sums.

What belongs here: the law in coordinates, and the choice of spacings, reach and ranges from the bounds of
`space`. What does not: proofs and sums (`space`, `space_machine`).

Atoms are measured from their mean in units of their diameter; t is in those units.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import flint

from numerics.arithmetic import to_ball
from numerics.cores import Functional, PointCore
from numerics.quadrature import Spacing, spacing

__all__ = ["Cloud", "Plan", "cloud_of", "plan"]


@dataclass(frozen=True, eq=False)
class Cloud:
    """A discrete law in R^r, r = 2 or 3, its atoms measured from its mean; identity is equality."""

    weights: tuple[Fraction, ...]
    atoms: tuple[tuple[Fraction, ...], ...]
    lengths: tuple[Fraction, ...]
    variance: Fraction

    @property
    def rank(self) -> int:
        """The dimension r."""
        return len(self.lengths)

    @lru_cache(maxsize=16)  # noqa: B019 - clouds are themselves cached, and few
    def points(self, bits: int) -> list[list[flint.arb]]:
        """The atoms in an orthonormal basis, as balls."""
        roots = [to_ball(q).sqrt() for q in self.lengths]
        return [[to_ball(x) * root for x, root in zip(b, roots, strict=True)] for b in self.atoms]


@lru_cache(maxsize=1024)
def cloud_of(core: PointCore) -> Cloud:
    """The law of the core's coordinates, measured from its mean."""
    mean = [
        sum((w * x for w, x in zip(core.weights, axis, strict=True)), Fraction(0))
        for axis in zip(*core.coordinates, strict=True)
    ]
    atoms = tuple(tuple(x - m for x, m in zip(b, mean, strict=True)) for b in core.coordinates)
    variance = core.variance / core.diameter_squared
    return Cloud(core.weights, atoms, core.lengths, variance)


@dataclass(frozen=True)
class Plan:
    """Spacings, reach and the ranges of nodes k_j = low ... high in each direction."""

    h: tuple[Spacing, ...]
    reach: float
    ranges: tuple[tuple[int, int], ...]

    @property
    def nodes(self) -> float:
        """The number of nodes of the enclosing box."""
        return math.prod(float(high - low + 1) for low, high in self.ranges)


def plan(cloud: Cloud, t: float, functional: Functional, decay: float) -> Plan:
    """The grid whose remainder and truncation are about exp(-decay) of the functional's scale."""
    r, s = cloud.rank, math.sqrt(t)
    power = 3 if functional == "covariance_moment" else 1
    beyond = decay + math.log(4)
    if functional == "mutual_information":
        beyond += math.log(2 + s)
    reach = math.sqrt(2 * beyond)
    for _ in range(8):
        reach = math.sqrt(2 * beyond + r + 2 * r * math.log(max(reach, 2.0) / math.sqrt(r)))
    spacings, ranges = [], []
    for axis, q in zip(zip(*cloud.atoms, strict=True), cloud.lengths, strict=True):
        size = s * math.sqrt(float(q))
        low, high = size * float(min(axis)), size * float(max(axis))
        h = spacing(decay + math.log(10 * r * r), high - low, power)
        if float(h) > 1:
            h = Spacing(8, -3)
        spacings.append(h)
        ranges.append((math.floor((low - reach) / float(h)), math.ceil((high + reach) / float(h))))
    return Plan(tuple(spacings), reach, tuple(ranges))
