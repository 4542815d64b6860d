"""Cores: the discrete law of a target's means, reduced exactly to the affine span of its atoms.

What belongs here: the exact reduction and the quantities that follow from it without quadrature, and
the dispatch to the engine that covers the span. What does not: quadrature.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Any, Literal, Protocol, TypeAlias

from numerics.arithmetic import Arithmetic

__all__ = ["POWERS", "Core", "Functional", "Point", "PointCore", "log_of", "point_core"]

Point = tuple[Fraction, ...]

Functional: TypeAlias = Literal["mmse", "mutual_information", "covariance_moment"]

POWERS: dict[str, int] = {"mmse": 1, "mutual_information": 0, "covariance_moment": 2}
"""The power of the squared unit of length that a functional carries."""

_ZERO = Fraction(0)


@lru_cache(maxsize=1 << 14)
def log_of(value: Fraction) -> float:
    """log of a non-negative fraction as a float, however large or small; -inf for zero."""
    if not value:
        return -math.inf
    if Fraction(1, 2) < value < 2:
        return math.log1p(float(value - 1))
    if Fraction(1, 10**300) < value < 10**300:
        return math.log(float(value))
    return math.log(value.numerator) - math.log(value.denominator)


class Core(Protocol):
    """What every core tells about itself exactly."""

    @property
    def rank(self) -> int:
        """The dimension r of the affine span of the atoms."""

    @property
    def variance(self) -> Fraction:
        """V = E|A - EA|^2."""

    @property
    def length_squared(self) -> Fraction:
        """The square of the longest length in the core; functionals change on no shorter scale of snr."""

    @property
    def diameter_squared(self) -> Fraction:
        """D^2, the largest squared distance between two atoms."""

    def entropy(self, arithmetic: Arithmetic) -> Any:
        """The entropy H(A) in nats, in the given number system (within its `precision()`)."""

    def __hash__(self) -> int: ...


@dataclass(frozen=True)
class PointCore:
    """A core given by its atoms, in exact coordinates of their affine span.

    Atom i is `a_0 + D sum_j coordinates[i][j] e_j` with orthogonal e_j, `|e_j|^2 = lengths[j]` and the
    atoms' diameter D; so with t' = t D^2 and primes for the law of the coordinates M(t) = D^2 M'(t'),
    I(t) = I'(t'), C(t) = D^4 C'(t'). Two laws on a line that differ by a shift, a rotation and a scale
    have the same weights and coordinates.
    """

    weights: tuple[Fraction, ...]
    coordinates: tuple[Point, ...]
    lengths: tuple[Fraction, ...]
    diameter_squared: Fraction
    """D^2, the largest squared distance between two atoms."""

    @cached_property
    def _hash(self) -> int:
        return hash((self.weights, self.coordinates, self.lengths, self.diameter_squared))

    def __hash__(self) -> int:
        return self._hash

    @property
    def rank(self) -> int:
        """The dimension r of the affine span of the atoms."""
        return len(self.lengths)

    @property
    def length_squared(self) -> Fraction:
        """The square of the longest length in the core: the diameter's."""
        return self.diameter_squared

    @cached_property
    def variance(self) -> Fraction:
        """V = E|A - EA|^2."""
        return self.diameter_squared * sum(
            (
                length * (_mean(self.weights, [x * x for x in axis]) - _mean(self.weights, axis) ** 2)
                for length, axis in zip(self.lengths, zip(*self.coordinates, strict=True), strict=True)
            ),
            _ZERO,
        )

    @cached_property
    def covariance_norm_squared(self) -> Fraction:
        """|Cov(A)|_F^2, the covariance moment at t = 0."""
        axes = list(zip(*self.coordinates, strict=True))
        total = _ZERO
        for q, x in zip(self.lengths, axes, strict=True):
            for p, y in zip(self.lengths, axes, strict=True):
                products = [a * b for a, b in zip(x, y, strict=True)]
                entry = _mean(self.weights, products) - _mean(self.weights, x) * _mean(self.weights, y)
                total += q * p * entry**2
        return self.diameter_squared**2 * total

    def entropy(self, arithmetic: Arithmetic) -> Any:
        """The entropy H(A) in nats, in the given number system (within its `precision()`)."""
        total = arithmetic.number(0)
        if len(self.weights) > 1:
            for weight in self.weights:
                number = arithmetic.number(weight)
                near_one = weight > Fraction(1, 2)
                log = (
                    arithmetic.log1p(arithmetic.number(weight - 1)) if near_one else arithmetic.log(number)
                )
                total = total - number * log
        return total


def _mean(weights: Sequence[Fraction], values: Sequence[Fraction]) -> Fraction:
    return sum((w * x for w, x in zip(weights, values, strict=True)), _ZERO)


def _minus(a: Point, b: Point) -> Point:
    return tuple(x - y for x, y in zip(a, b, strict=True))


def point_core(
    weights: tuple[Fraction, ...], atoms: Sequence[Point], metric: Point | None = None
) -> PointCore:
    """The core of distinct atoms in R^d with the given positive weights, exactly reduced.

    Atoms on a line are in the order in which their first differing coordinate ascends. `metric` are the
    squared lengths of the axes (1 if not given).
    """
    differences = [_minus(atom, atoms[0]) for atom in atoms]
    direction = next((u for u in differences if any(u)), None)
    if direction is None:
        return PointCore(weights, ((),), (), _ZERO)
    on_line = _along(differences, direction)
    if on_line is not None:
        if next(x for x in direction if x) < 0:
            on_line = [-x for x in on_line]
        order = sorted(range(len(atoms)), key=lambda i: on_line[i])
        least, width = on_line[order[0]], on_line[order[-1]] - on_line[order[0]]
        return PointCore(
            tuple(weights[i] for i in order),
            tuple(((on_line[i] - least) / width,) for i in order),
            (Fraction(1),),
            width * width * _gram([direction], metric)[0][0],
        )
    return _spatial_core(weights, differences, metric)


def _gram(vectors: Sequence[Point], metric: Point | None) -> list[list[Fraction]]:
    """The inner products of the vectors, in integers over a common denominator."""
    common = math.lcm(*(x.denominator for vector in vectors for x in vector))
    whole = [[x.numerator * (common // x.denominator) for x in vector] for vector in vectors]
    scale = Fraction(1, common * common)
    gram = [[_ZERO] * len(vectors) for _ in vectors]
    for i, a in enumerate(whole):
        weighted = a if metric is None else [m * x for m, x in zip(metric, a, strict=True)]
        for j, b in enumerate(whole[: i + 1]):
            gram[i][j] = gram[j][i] = scale * sum(map(operator.mul, weighted, b))
    return gram


def _along(differences: Sequence[Point], direction: Point) -> list[Fraction] | None:
    """The multiples of `direction` that the vectors are, or None if one is no multiple."""
    axis = next(i for i, x in enumerate(direction) if x)
    multiples = [u[axis] / direction[axis] for u in differences]
    for x, u in zip(multiples, differences, strict=True):
        if any(x * y != z for y, z in zip(direction, u, strict=True)):
            return None
    return multiples


def _spatial_core(
    weights: tuple[Fraction, ...], differences: Sequence[Point], metric: Point | None
) -> PointCore:
    """Coordinates by exact Gram-Schmidt on inner products, from one end of a diameter to the other."""
    count = len(differences)
    gram = _gram(differences, metric)
    widest, start, end = max(
        (gram[i][i] - 2 * gram[i][j] + gram[j][j], i, j) for i in range(count) for j in range(i)
    )

    def inner(i: int, j: int) -> Fraction:
        """The inner product of atoms i and j measured from atom `start`."""
        return gram[i][j] - gram[i][start] - gram[start][j] + gram[start][start]

    pivots: list[int] = []
    lengths: list[Fraction] = []
    rows: dict[int, list[Fraction]] = {}
    for i in [end, *(k for k in range(count) if k != end)]:
        row: list[Fraction] = []
        for j, pivot in enumerate(pivots):
            known = sum((row[m] * rows[pivot][m] * lengths[m] for m in range(j)), _ZERO)
            row.append((inner(i, pivot) - known) / lengths[j])
        rest = inner(i, i) - sum((x * x * q for x, q in zip(row, lengths, strict=True)), _ZERO)
        if rest:
            pivots.append(i)
            lengths.append(rest)
            row.append(Fraction(1))
        rows[i] = row
    rank = len(lengths)
    coordinates = tuple(tuple(rows[i] + [_ZERO] * (rank - len(rows[i]))) for i in range(count))
    return PointCore(weights, coordinates, tuple(q / widest for q in lengths), widest)
