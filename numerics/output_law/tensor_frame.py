"""An orthonormal frame of the span of a target's means, and the means in it.

What belongs here: exact Gram-Schmidt over the means as they are given, and the detection of a core that
is a product of laws on orthogonal lines. What does not: the core's own coordinates (`cores`), which
forget where the origin is: a sampler that starts at N(0, I) needs it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import combinations
from typing import Any

from numerics.arithmetic import Arithmetic
from numerics.targets import Mixture

__all__ = ["Frame", "Vector", "frame_of", "product_frame"]

Vector = tuple[Fraction, ...]

_ZERO = Fraction(0)


def _inner(a: Sequence[Fraction], b: Sequence[Fraction]) -> Fraction:
    return sum((x * y for x, y in zip(a, b, strict=True) if x and y), _ZERO)


def _minus(a: Vector, b: Vector) -> Vector:
    return tuple(x - y for x, y in zip(a, b, strict=True))


@dataclass(frozen=True)
class Frame:
    """Orthogonal vectors that span the differences of the means, exact; and one of the means."""

    vectors: tuple[Vector, ...]
    foot: Vector

    @property
    def rank(self) -> int:
        """The dimension of the span."""
        return len(self.vectors)

    def coordinates(self, point: Vector, ops: Arithmetic) -> list[Any]:
        """The coordinates of the point's projection, from the projection of the origin."""
        return [ops.number(_inner(point, b)) / ops.sqrt(ops.number(_inner(b, b))) for b in self.vectors]

    def across(self, point: Vector) -> Vector:
        """What is left of a vector without its projection."""
        rest = point
        for b in self.vectors:
            share = _inner(point, b) / _inner(b, b)
            rest = tuple(x - share * y for x, y in zip(rest, b, strict=True))
        return rest

    def offset(self, ops: Arithmetic) -> Any:
        """The distance of the origin from the affine span of the means."""
        rest = self.across(self.foot)
        return ops.sqrt(ops.number(_inner(rest, rest)))


@lru_cache(maxsize=64)
def frame_of(target: Mixture) -> Frame:
    """The frame whose first vector joins the two most distant means."""
    means = sorted(target.means)
    vectors: list[Vector] = []
    if len(means) > 1:
        first, last = max(
            combinations(means, 2), key=lambda pair: (_inner(_minus(*pair), _minus(*pair)), pair)
        )
        for mean in [last, *means]:
            rest = _minus(mean, first)
            for b in vectors:
                share = _inner(rest, b) / _inner(b, b)
                if share:
                    rest = tuple(x - share * y for x, y in zip(rest, b, strict=True))
            if any(rest):
                vectors.append(rest)
            if len(vectors) == target.core.rank:
                break
    return Frame(tuple(vectors), means[0])


@lru_cache(maxsize=64)
def product_frame(target: Mixture) -> tuple[Frame, tuple[dict[Fraction, Fraction], ...]] | None:
    """A frame in which the core is a product of laws on lines, and those laws; None if there is none.

    A law maps <a, b> (b the frame's vector) to its probability. Axes of a product are among the differences
    of the atoms: two atoms that differ in one coordinate only.
    """
    means, rank = list(target.means), target.core.rank
    weights = dict(zip(means, target.weights, strict=True))
    if rank == 0 or len(means) < 2**rank:
        return None
    first = means[0]
    candidates: list[Vector] = []
    for mean in means[1:]:
        u = _minus(mean, first)
        if not any(_inner(u, w) ** 2 == _inner(u, u) * _inner(w, w) for w in candidates):
            candidates.append(u)
    for axes in combinations(candidates, rank):
        if any(_inner(u, w) for u, w in combinations(axes, 2)):
            continue
        places = {mean: tuple(_inner(mean, u) for u in axes) for mean in means}
        laws: list[dict[Fraction, Fraction]] = [{} for _ in axes]
        for mean, place in places.items():
            for law, x in zip(laws, place, strict=True):
                law[x] = law.get(x, _ZERO) + weights[mean]
        full = 1
        for law in laws:
            full *= len(law)
        if full != len(means):
            continue
        if all(
            weights[mean] == _product([law[x] for law, x in zip(laws, place, strict=True)])
            for mean, place in places.items()
        ):
            return Frame(axes, first), tuple(laws)
    return None


def _product(numbers: Sequence[Fraction]) -> Fraction:
    result = Fraction(1)
    for x in numbers:
        result *= x
    return result
