"""The law that the latent part depends on: an exact reduction of a general mixture to few coordinates.

What belongs here: the reduction. What does not: quadrature (`components_line`, `components_fast`,
`components_mpmath`).

Let U be the smallest subspace that contains the differences mu_k - mu_1 and the ranges of Sigma_k -
Sigma_1 and that Sigma_1 maps into itself. On the orthogonal complement every Sigma_k agrees with Sigma_1
(a symmetric matrix with its range in U vanishes on it), Sigma_1 maps it into itself, and the means agree.
So the part of X in it is Gaussian, independent of Z and of the part in U, and so is its noise: I(Z;Y_t)
and L(t) are those of the part of X in U, whatever the ambient dimension. Shared covariance and means on
an eigenvector: r = 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache

from numerics.components import GeneralMixture, Matrix
from numerics.cores import Point
from numerics.truth import SpanError

__all__ = ["MOST_RANK", "LatentLaw", "latent_law"]

MOST_RANK = 3

_ZERO = Fraction(0)


@dataclass(frozen=True)
class LatentLaw:
    """Z and the part of X in U, in coordinates along an orthogonal basis with squared lengths.

    `means[k][i]` is the i-th coordinate relative to the mean of X (a multiple of the basis vector u_i),
    `covariances[k][i][j]` is u_i' Sigma_k u_j / |u_i|^2 |u_j|^2: the covariance of those coordinates.
    """

    weights: tuple[Fraction, ...]
    means: tuple[Point, ...]
    covariances: tuple[Matrix, ...]
    lengths: tuple[Fraction, ...]
    """|u_i|^2."""

    @cached_property
    def _hash(self) -> int:
        return hash((self.weights, self.means, self.covariances, self.lengths))

    def __hash__(self) -> int:
        return self._hash

    @property
    def rank(self) -> int:
        """The dimension of U."""
        return len(self.lengths)

    @cached_property
    def latent_variance(self) -> Fraction:
        """L(0), the variance of the means."""
        return sum(
            (
                w * q * x * x
                for w, point in zip(self.weights, self.means, strict=True)
                for x, q in zip(point, self.lengths, strict=True)
            ),
            _ZERO,
        )


def _dot(a: Sequence[Fraction], b: Sequence[Fraction]) -> Fraction:
    return sum((x * y for x, y in zip(a, b, strict=True) if x and y), _ZERO)


def _times(matrix: Matrix, vector: Point) -> Point:
    return tuple(_dot(row, vector) for row in matrix)


def _generators(target: GeneralMixture) -> Iterator[Point]:
    """Differences of means, then columns of differences of covariances."""
    for point in target.means[1:]:
        yield tuple(x - y for x, y in zip(point, target.means[0], strict=True))
    if target.isotropic:
        if len(set(target.covariances)) > 1:
            for i in range(target.dimension):
                yield tuple(Fraction(int(i == j)) for j in range(target.dimension))
        return
    first = target.matrices[0]
    for matrix in target.matrices[1:]:
        if matrix != first:
            for row, other in zip(matrix, first, strict=True):
                yield tuple(x - y for x, y in zip(row, other, strict=True))


@lru_cache(maxsize=64)
def latent_law(target: GeneralMixture) -> LatentLaw:
    """The reduced law; SpanError where U has more than three dimensions."""
    basis: list[Point] = []
    lengths: list[Fraction] = []
    isotropic = target.isotropic
    matrices = () if isotropic else target.matrices

    def include(vector: Point) -> None:
        for u, q in zip(basis, lengths, strict=True):
            share = _dot(vector, u) / q
            if share:
                vector = tuple(x - share * y for x, y in zip(vector, u, strict=True))
        if not any(vector):
            return
        if len(basis) == MOST_RANK:
            raise SpanError(
                f"target: means and covariances differ in more than {MOST_RANK} dimensions;"
                f" quadrature covers up to {MOST_RANK}"
            )
        pivot = next(x for x in vector if x)
        vector = tuple(x / pivot for x in vector)
        basis.append(vector)
        lengths.append(_dot(vector, vector))

    if len(target.weights) > 1:
        for vector in _generators(target):
            include(vector)
        done = 0
        while not isotropic and done < len(basis):
            include(_times(matrices[0], basis[done]))
            done += 1
    mean = [_dot(target.weights, axis) for axis in zip(*target.means, strict=True)]
    means = tuple(
        tuple(
            _dot([x - y for x, y in zip(point, mean, strict=True)], u) / q
            for u, q in zip(basis, lengths, strict=True)
        )
        for point in target.means
    )
    covariances = []
    for k, covariance in enumerate(target.covariances):
        if isinstance(covariance, Fraction):
            rows = [
                tuple(covariance / q if i == j else _ZERO for j in range(len(basis)))
                for i, q in enumerate(lengths)
            ]
        else:
            images = [_times(matrices[k], u) for u in basis]
            rows = [
                tuple(_dot(u, image) / (q * p) for image, p in zip(images, lengths, strict=True))
                for u, q in zip(basis, lengths, strict=True)
            ]
        covariances.append(tuple(rows))
    return LatentLaw(target.weights, means, tuple(covariances), tuple(lengths))
