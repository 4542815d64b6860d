"""Clusters of atoms: what is left of a core where the signal-to-noise ratio is large.

What belongs here: which atoms are told apart almost surely, and a bound on what the clusters exchange.
What does not: the clusters' own values.

With Z the cluster, P_c its posterior, g the gap between two clusters and h the diameter of their union,
E P_c P_c' <= (1/2) int sqrt(p_c p_c') <= (1/2) e^{-t g^2/8} sqrt(n_c pi_c n_c' pi_c'), n_c the number of
atoms (from p >= 2 sqrt(p_c p_c') and Cauchy-Schwarz). Let b1 be the sum over pairs of
e^{-t g^2/8} sqrt(...) and b2 the same with the factor h^2. For atoms of diameter 1

- M - sum pi_c M_c = E|E[A|Y,Z] - E[A|Y]|^2 lies in [0, b2/2];
- I - H(Z) - sum pi_c I_c = -H(Z|Y) lies in [-2 b1, 0] (Shannon <= Renyi-1/2 entropy);
- C - sum pi_c C_c lies in [-b1/8, b2/4], since Cov(A|Y) = B + X with B = E[Cov(A|Y,Z)|Y] and
  X = Cov(E[A|Y,Z]|Y), whose largest eigenvalue is at most 1/4 and squared norm at most 1/8, so that
  |B + X|^2 - |B|^2 = <X, 2B + X> <= tr X/2 and the squared norm of B falls short of the mean one
  by at most sum_{c<c'} P_c P_c' / 4.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import combinations, pairwise

import flint
import numpy as np
import numpy.typing as npt

from numerics.arithmetic import balls, to_ball
from numerics.cores import Functional, Point, PointCore, point_core

__all__ = ["Clusters", "clusters_of", "least_gap_squared"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Clusters:
    """The clusters of a core with their probabilities, in units of the core's diameter."""

    probabilities: tuple[Fraction, ...]
    pieces: tuple[PointCore, ...]
    pairs: tuple[tuple[flint.arb, flint.arb, flint.arb], ...]
    """For every two clusters sqrt(n pi n' pi'), g^2 and h^2, as balls."""

    def exchanged(self, t: flint.arb, functional: Functional) -> flint.arb:
        """A ball that contains what the clusters' own values miss, at the current precision."""
        rate = -t.lower() / 8
        b1, b2 = flint.arb(0), flint.arb(0)
        for root, gap, reach in self.pairs:
            term = (rate * gap).exp() * root
            b1 += term
            b2 += term * reach
        low, high = {
            "mmse": (flint.arb(0), b2 / 2),
            "mutual_information": (-2 * b1, flint.arb(0)),
            "covariance_moment": (-b1 / 8, b2 / 4),
        }[functional]
        return low.union(high)


def clusters_of(core: PointCore, t: float, log_tolerance: float) -> Clusters | None:
    """The clusters that exchange about exp(log_tolerance), or None if there is just one.

    t is in units of the diameter.
    """
    need = 2 * math.log(len(core.weights)) + max(0.0, -log_tolerance) + 4
    if t / 8 < need:
        return None
    labels = _labels(core, 8 * need / t)
    return None if max(labels) == 0 else _split(core, labels)


def _labels(core: PointCore, least: float) -> tuple[int, ...]:
    """For every atom the number of its cluster: steps of squared length up to `least` connect."""
    if core.rank == 1:
        labels = [0]
        for (a,), (b,) in pairwise(core.coordinates):
            labels.append(labels[-1] + (float(b - a) ** 2 > least))
        return tuple(labels)
    near = squared_distances(core) <= least
    found = np.full(len(near), -1)
    for i in range(len(near)):
        if found[i] < 0:
            reached = {i}
            while True:
                grown = set(np.flatnonzero(near[sorted(reached)].any(axis=0)).tolist())
                if grown == reached:
                    break
                reached = grown
            found[sorted(reached)] = found.max() + 1
    return tuple(int(x) for x in found)


@lru_cache(maxsize=256)
def squared_distances(core: PointCore) -> Array:
    """The squared distances between the atoms, in units of the diameter."""
    points = np.array([[float(x) for x in point] for point in core.coordinates])
    points = points * np.sqrt([float(q) for q in core.lengths])
    difference = points[:, None, :] - points[None, :, :]
    return np.asarray((difference**2).sum(axis=2))


def least_gap_squared(core: PointCore) -> float:
    """The least squared distance between two atoms, in units of the diameter."""
    if core.rank == 1:
        return min(float(b - a) for (a,), (b,) in pairwise(core.coordinates)) ** 2
    distances = squared_distances(core) + 2 * np.eye(len(core.weights))
    return float(distances.min())


@lru_cache(maxsize=1024)
def _split(core: PointCore, labels: tuple[int, ...]) -> Clusters:
    members = [[i for i, label in enumerate(labels) if label == c] for c in range(max(labels) + 1)]
    probabilities = tuple(sum((core.weights[i] for i in member), Fraction(0)) for member in members)
    pieces = tuple(
        point_core(
            tuple(core.weights[i] / probability for i in member),
            [core.coordinates[i] for i in member],
            core.lengths,
        )
        for member, probability in zip(members, probabilities, strict=True)
    )
    with balls(64).precision():
        roots = [
            (to_ball(p) * len(member)).sqrt() for p, member in zip(probabilities, members, strict=True)
        ]
        pairs = []
        for a, b in combinations(range(len(members)), 2):
            gap, reach = _extent(core, members[a], members[b])
            pairs.append((roots[a] * roots[b], to_ball(gap), to_ball(reach)))
    return Clusters(probabilities, pieces, tuple(pairs))


def _extent(core: PointCore, first: list[int], second: list[int]) -> tuple[Fraction, Fraction]:
    """The squared gap between two clusters, and a bound of the squared diameter of their union."""
    x = core.coordinates
    if core.rank == 1:
        before, after = sorted((first, second))
        return (x[after[0]][0] - x[before[-1]][0]) ** 2, (x[after[-1]][0] - x[before[0]][0]) ** 2
    gap = min(_squared(core, x[i], x[j]) for i in first for j in second)
    return gap, Fraction(1)


def _squared(core: PointCore, a: Point, b: Point) -> Fraction:
    return sum((q * (u - v) ** 2 for q, u, v in zip(core.lengths, a, b, strict=True)), Fraction(0))
