"""Recovering a subspace from samples: when it is exact, how far the worst optimum is, and with noise.

What belongs here: optima of PCA in rational arithmetic, their distance from the truth, the distance under
noise as a ball. What does not: losses (`low_rank_learning`), averages over
random samples (`low_rank_transition`).

Distances are |P_hat - P|_F between projections. With samples that span m dimensions:

- m = r: the only subspace of rank r that captures all their energy is their span.
- m < r: every subspace of rank r that contains them is an optimum of PCA. Let A be the optimum's and B the
  truth's part orthogonal to the samples, both of rank a = r - m in dimension n = d - m. Then tr(P_hat P) =
  m + tr(P_A P_B), and A and B meet in at least 2a - n dimensions, so that tr(P_A P_B) >= max(0, 2a - n),
  attained by A that uses the complement of B first. The largest squared distance is therefore
  2 (a - max(0, 2a - n)) = 2 min(r - m, d - r).
- Noise: for samples X + E, X of rank r, and P_hat the projection on their r leading directions,
  |P_hat - P|_F <= 2 sqrt(2) |E|_F/sigma_r(X). Proof: with Q = I - P_hat, |Q (X + E)|_F is the distance of
  X + E from the matrices of rank r, at most |E|_F; so |Q X|_F <= 2 |E|_F. And |Q X|_F >= sigma_r(X) |Q U|_F
  for X = U A with sigma_r(A) = sigma_r(X), where |Q U|_F^2 = r - tr(P_hat P) = |P_hat - P|_F^2/2.
  For standard normal coefficients sigma_r(X) >= const (sqrt N - sqrt(r - 1)) with the probability of
  Rudelson and Vershynin 2009, which gives the bound of Wang et al.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import flint
import mpmath
import numpy as np

from numerics.arithmetic import FLOATS, Arithmetic, balls, bits_for, mpmath_numbers
from numerics.channel import choose_engine
from numerics.exact import integer
from numerics.low_rank_exact import (
    Subspace,
    Vector,
    complement_in,
    distance_squared,
    from_flint,
    matrix_of,
    vectors_of,
)
from numerics.low_rank_learning import certified_spectrum, smaller_gram
from numerics.truth import PrecisionError

__all__ = [
    "farthest_optimum",
    "is_optimum",
    "least_singular_value",
    "recovered_subspace",
    "recovery_threshold",
    "subspace_distance",
]

GUARD_BITS = 64
GUARD_DIGITS = 20
_ATTEMPTS = 4


def recovered_subspace(samples: Any, rank: int) -> Subspace | None:
    """The only optimum of PCA of that rank where the samples determine it, else None; exact.

    It is the samples' span if that has dimension `rank`. Raises ValueError for samples of larger rank.
    """
    points = vectors_of(samples, "samples")
    rank = integer(rank, "rank", 1, len(points[0]))
    found = matrix_of(points).rank()
    if found > rank:
        raise ValueError(f"samples: they span {found} dimensions, more than the rank {rank}")
    return Subspace.spanned_by(points) if found == rank else None


def is_optimum(subspace: Subspace, samples: Any) -> bool:
    """Whether a subspace captures all the energy of the samples, the most that PCA can; exact."""
    return subspace.contains(vectors_of(samples, "samples", subspace.dimension))


def farthest_optimum(subspace: Subspace, samples: Any) -> Subspace:
    """An optimum of PCA on noiseless samples of `subspace` that lies farthest from it; exact.

    Raises ValueError for samples outside the subspace.
    """
    points = vectors_of(samples, "samples", subspace.dimension)
    if not subspace.contains(points):
        raise ValueError("samples: not all of them lie in the subspace")
    spanning = list(Subspace.spanned_by(points).basis) if any(map(any, points)) else []
    missing = subspace.rank - len(spanning)
    outside = complement_in(subspace.basis, None, subspace.dimension)
    inside = complement_in(spanning, subspace, subspace.dimension)
    return Subspace.spanned_by([*spanning, *[*outside, *inside][:missing]])


def recovery_threshold(subspace: Subspace, seed: int = 0) -> int:
    """The least number of random exact samples from which PCA recovers the subspace exactly.

    Samples are added one by one until the span of the samples is the subspace.
    """
    rng = np.random.default_rng(integer(seed, "seed", 0))
    rows = matrix_of(subspace.basis)
    drawn: list[list[Fraction]] = []
    while True:
        drawn.append([Fraction(int(c)) for c in np.rint(1024 * rng.standard_normal(subspace.rank))])
        samples = matrix_of(drawn) * rows
        points = [tuple(from_flint(x) for x in row) for row in samples.tolist()]
        found = recovered_subspace(points, subspace.rank)
        if found is not None:
            if distance_squared(found, subspace) != 0:
                raise ArithmeticError("the recovered span differs from the subspace of its samples")
            return len(drawn)


# Noise


def _float_matrix(points: Sequence[Vector]) -> Any:
    return np.array([[float(x) for x in point] for point in points])


def subspace_distance(
    subspace: Subspace, samples: Any, digits: int | None = None, engine: str | None = None
) -> Any:
    """|P_hat - P|_F for the projection P_hat on the r leading directions of the samples, r the true rank.

    `samples` are exact points, noise included. Floats by default, balls, or mpf; the certified engine needs
    simple eigenvalues unless the samples span just r dimensions, where the distance is exact. Raises
    ValueError for samples of smaller rank, PrecisionError where the leading directions are not isolated.
    """
    points = vectors_of(samples, "samples", subspace.dimension)
    span = matrix_of(points).rank()
    if span < subspace.rank:
        raise ValueError(f"samples: they span {span} dimensions, fewer than the rank {subspace.rank}")
    kind, count = choose_engine(digits, engine)
    if span == subspace.rank:
        return _exact_distance(subspace, Subspace.spanned_by(points), kind, count)
    if kind == "fast" or count is None:
        return _float_distance(subspace, _float_matrix(points))
    if kind == "mpmath":
        return _mpmath_distance(subspace, points, count)
    bits = bits_for(count) + GUARD_BITS
    for _ in range(_ATTEMPTS):
        with balls(bits).precision():
            squared = _ball_distance_squared(subspace, points)
            if squared is not None:
                result = squared.max(flint.arb(0)).sqrt()
                if result.rad() * flint.arb(10) ** count <= 1:
                    return result
        bits *= 2
    raise PrecisionError(
        f"digits: {count} were not reached with {bits // 2} bits; the leading eigenvalues may coincide"
    )


def _exact_distance(one: Subspace, other: Subspace, kind: str, digits: int | None) -> Any:
    squared = distance_squared(one, other)
    numbers: Arithmetic = FLOATS
    if digits is not None:
        certified = kind == "certified"
        numbers = (
            balls(bits_for(digits) + GUARD_BITS) if certified else mpmath_numbers(digits + GUARD_DIGITS)
        )
    with numbers.precision():
        return numbers.sqrt(numbers.number(squared)) if squared else numbers.number(0)


def _float_distance(subspace: Subspace, matrix: Any) -> float:
    basis = np.linalg.qr(np.array([[float(x) for x in row] for row in subspace.basis]).T)[0]
    _, _, directions = np.linalg.svd(matrix, full_matrices=False)
    leading = directions[: subspace.rank]
    # |P_hat - P|_F^2 = 2 |(I - P) P_hat|_F^2 for equal ranks: no cancellation at small distances.
    return float(np.sqrt(2) * np.linalg.norm(leading - leading @ basis @ basis.T))


def _mpmath_distance(subspace: Subspace, points: Sequence[Vector], digits: int) -> Any:
    with mpmath_numbers(2 * digits + GUARD_DIGITS).precision():
        rows = mpmath.matrix([[mpmath.mpf(x.numerator) / x.denominator for x in p] for p in points])
        projection = mpmath.matrix(
            [[mpmath.mpf(int(x.p)) / int(x.q) for x in row] for row in subspace.projection.tolist()]
        )
        _, vectors = mpmath.eigsy(rows.T * rows)
        d = subspace.dimension
        total = mpmath.mpf(0)
        for j in range(d - subspace.rank, d):
            vector = vectors[:, j]
            residual = vector - projection * vector
            total += (residual.T * residual)[0]
        return mpmath.sqrt(2 * total)


def _ball_distance_squared(subspace: Subspace, points: Sequence[Vector]) -> Any:
    """2 sum over the leading directions of |(I - P) v|^2/|v|^2, or None where they are not isolated.

    With the samples X = C B, the rows of B a basis of their span, the directions are v = B^T u for the
    eigenvectors u of (C^T C)(B B^T), which has no eigenvalue zero.
    """
    basis = Subspace.spanned_by(points).basis
    pivots = [next(j for j, x in enumerate(row) if x) for row in basis]
    rows = matrix_of(basis)
    coefficients = matrix_of([[point[j] for j in pivots] for point in points])
    product = coefficients.transpose() * coefficients * (rows * rows.transpose())
    try:
        values, vectors = flint.acb_mat(flint.arb_mat(product)).eig(right=True)
    except ValueError:
        return None
    order = sorted(range(len(values)), key=lambda i: -float(values[i].real.mid()))
    lead, rest = order[: subspace.rank], order[subspace.rank :]
    if not all(values[i].real > values[j].real for i in lead for j in rest):
        return None
    off = _identity(subspace.dimension) - subspace.projection
    outside, whole = (
        flint.acb_mat(flint.arb_mat(matrix)) for matrix in (off * rows.transpose(), rows.transpose())
    )
    total = flint.arb(0)
    for i in lead:
        column = flint.acb_mat(len(values), 1, [vectors[j, i] for j in range(len(values))])
        total += _square((outside * column).entries()) / _square((whole * column).entries())
    return 2 * total


def _square(entries: Sequence[Any]) -> Any:
    total = flint.arb(0)
    for entry in entries:
        total += entry.real * entry.real + entry.imag * entry.imag
    return total


def _identity(d: int) -> flint.fmpq_mat:
    return flint.fmpq_mat(d, d, [flint.fmpq(int(i == j)) for i in range(d) for j in range(d)])


def least_singular_value(
    samples: Any, rank: int, digits: int | None = None, engine: str | None = None
) -> Any:
    """sigma_r of the matrix of samples, the least of the r largest; a float, a ball or an mpf."""
    points = vectors_of(samples, "samples")
    rank = integer(rank, "rank", 1, min(len(points), len(points[0])))
    kind, count = choose_engine(digits, engine)
    if kind == "fast" or count is None:
        return float(np.linalg.svd(_float_matrix(points), compute_uv=False)[rank - 1])
    if kind == "mpmath":
        with mpmath_numbers(count + GUARD_DIGITS).precision():
            rows = mpmath.matrix([[mpmath.mpf(x.numerator) / x.denominator for x in p] for p in points])
            return mpmath.svd_r(rows, compute_uv=False)[rank - 1]
    bits = bits_for(count) + GUARD_BITS
    with balls(2 * bits).precision():
        return certified_spectrum(smaller_gram(points)[0])[rank - 1].max(flint.arb(0)).sqrt()
