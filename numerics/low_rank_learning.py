"""Training losses of low-rank denoisers on given samples, and what minimises them.

What belongs here: the expected loss of a network built from given subspaces, exactly; the energies that
PCA and subspace clustering maximise. What does not: recovering a subspace (`low_rank_recovery`).

The network for one subspace is `x -> c P x` with c = s/(s^2 + g^2); for several, with hard assignment,
a sample is denoised by the subspace that holds most of its energy, `x_i -> c P_k(i) x`. The loss of a
sample is E|x_i - network(s x_i + g eps)|^2 over eps ~ N(0, I). It is computed from its definition: the
network is linear, so that the residual is (I - c s P) x_i - c g P eps, with the mean square
|(I - c s P) x_i|^2 + c^2 g^2 |P|_F^2. That P is a projection is not used.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import flint
import mpmath
import numpy as np
import numpy.typing as npt

from numerics.arithmetic import balls, bits_for, mpmath_numbers
from numerics.channel import choose_engine
from numerics.exact import integer, shown
from numerics.low_rank import LowRankMixture, channel_numbers
from numerics.low_rank_exact import (
    Subspace,
    Vector,
    column_of,
    dot,
    from_flint,
    matrix_of,
    vectors_of,
)
from numerics.truth import PrecisionError

__all__ = [
    "assignments",
    "captured_energy",
    "denoising_loss",
    "fit_subspaces",
    "principal_energies",
    "sample_energy",
]

GUARD_BITS = 64
GUARD_DIGITS = 20
_ATTEMPTS = 4


def _checked(target: Any, samples: Any) -> tuple[Vector, ...]:
    if not isinstance(target, LowRankMixture):
        raise ValueError(f"target: {type(target).__name__} is not a LowRankMixture")
    return vectors_of(samples, "samples", target.dimension)


def assignments(target: LowRankMixture, samples: Any) -> tuple[int, ...]:
    """For each sample the component whose subspace holds most of its energy |U_k^T x_i|^2.

    The first of several equal ones; decided exactly. `samples` are N exact points of length d.
    """
    points = _checked(target, samples)
    return tuple(_assigned(target.subspaces, point) for point in points)


def _assigned(subspaces: Sequence[Subspace], point: Vector) -> int:
    energies = [subspace.energy(point) for subspace in subspaces]
    return max(range(len(energies)), key=lambda k: (energies[k], -k))


def denoising_loss(target: LowRankMixture, samples: Any, signal: Any, noise: Any) -> Fraction:
    """(1/N) sum_i E|x_i - c P_k(i) (s x_i + g eps)|^2, exact, by its definition.

    The network's subspaces are those of `target`, k(i) as in `assignments`; K = 1 is the network of one
    subspace. Raises ValueError for bad arguments.
    """
    points = _checked(target, samples)
    s, g = channel_numbers(signal, noise)
    c = s / (s**2 + g**2)
    total = Fraction(0)
    for point in points:
        projection = target.subspaces[_assigned(target.subspaces, point)].projection
        kept = projection * column_of(point)
        residual = [x - c * s * from_flint(y) for x, y in zip(point, kept.entries(), strict=True)]
        squares = sum((from_flint(entry) ** 2 for entry in projection.entries()), Fraction(0))
        total += dot(residual, residual) + c**2 * g**2 * squares
    return total / len(points)


def sample_energy(samples: Any) -> Fraction:
    """(1/N) sum |x_i|^2, exact."""
    points = vectors_of(samples, "samples")
    return sum((dot(point, point) for point in points), Fraction(0)) / len(points)


def captured_energy(target: LowRankMixture, samples: Any) -> Fraction:
    """(1/N) sum |U_k(i)^T x_i|^2 with k(i) as in `assignments`: what PCA and clustering maximise."""
    points = _checked(target, samples)
    return sum((max(s.energy(point) for s in target.subspaces) for point in points), Fraction(0)) / len(
        points
    )


# Principal components


def smaller_gram(points: Sequence[Vector]) -> tuple[flint.fmpq_mat, bool]:
    """X X^T or X^T X, whichever is smaller, for samples as rows; True for that of the samples."""
    rows = matrix_of(points)
    if len(points) <= len(points[0]):
        return rows * rows.transpose(), True
    return rows.transpose() * rows, False


def certified_spectrum(matrix: flint.fmpq_mat) -> list[flint.arb]:
    """The eigenvalues of an exact symmetric matrix, largest first, as balls of the working precision.

    They are the roots of the exact characteristic polynomial, isolated; repeated ones are repeated.
    """
    numerator = matrix.charpoly().numer()
    found = []
    for factor, multiplicity in numerator.factor_squarefree()[1]:
        isolated: Any = factor.complex_roots()
        for root, times in isolated:
            found += [root.real] * (int(multiplicity) * int(times))
    return sorted(found, key=lambda ball: -_middle(ball))


def _middle(ball: flint.arb) -> Fraction:
    mantissa, exponent = ball.mid().man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


def principal_energies(samples: Any, digits: int | None = None, engine: str | None = None) -> Any:
    """The eigenvalues of (1/N) sum x_i x_i^T, largest first: min(N, d) of them, the others being zero.

    The sum of the r largest is the most that a subspace of rank r can capture, attained by PCA without
    centring. Floats by default, balls with a radius of at most 10^-digits times the largest, or mpf.
    """
    points = vectors_of(samples, "samples")
    kind, count = choose_engine(digits, engine)
    gram, _ = smaller_gram(points)
    n = len(points)
    if kind == "fast" or count is None:
        return np.linalg.eigvalsh(
            np.array([[float(from_flint(x) / n) for x in row] for row in gram.tolist()])
        )[::-1]
    if kind == "mpmath":
        with mpmath_numbers(count + GUARD_DIGITS).precision():
            matrix = mpmath.matrix(
                [[mpmath.mpf(int(x.p)) / int(x.q) / n for x in row] for row in gram.tolist()]
            )
            values = mpmath.eigsy(matrix, eigvals_only=True)
            return tuple(sorted(values, reverse=True))
    bits = bits_for(count) + GUARD_BITS
    for _ in range(_ATTEMPTS):
        with balls(bits).precision():
            found = [value / n for value in certified_spectrum(gram)]
            if all(value.rad() * flint.arb(10) ** count <= found[0].abs_upper() for value in found):
                return tuple(found)
        bits *= 2
    raise PrecisionError(f"digits: {count} were not reached with {bits // 2} bits")


def fit_subspaces(
    samples: npt.NDArray[np.float64], ranks: Sequence[int], seed: int = 0, restarts: int = 20
) -> tuple[tuple[npt.NDArray[np.float64], ...], npt.NDArray[np.int64], float]:
    """Bases, assignments and captured energy of the best subspace clustering found, in machine numbers.

    `samples` has shape (N, d), `ranks` the dimension of each subspace. For one rank it is PCA without
    centring; for several, alternation of assignment and PCA from random starts, which finds a local
    maximum: a fit, not a proof. Raises ValueError for shapes that disagree.
    """
    points = np.asarray(samples, dtype=np.float64)
    if points.ndim != 2 or not np.isfinite(points).all():
        raise ValueError(f"samples: an array of shape {points.shape} is not N finite points")
    n, d = points.shape
    sizes = [integer(rank, f"ranks[{k}]", 1, d) for k, rank in enumerate(ranks)]
    if not sizes or n < len(sizes):
        raise ValueError(f"ranks: {shown(list(ranks))} for {n} samples")
    rng = np.random.default_rng(seed)
    best: tuple[float, Any, Any] = (-1.0, None, None)
    for _ in range(1 if len(sizes) == 1 else integer(restarts, "restarts", 1, 10**6)):
        bases = [np.linalg.qr(rng.standard_normal((d, rank)))[0] for rank in sizes]
        labels = np.full(n, -1)
        for _ in range(500):
            energies = np.stack([((points @ basis) ** 2).sum(axis=1) for basis in bases])
            update = energies.argmax(axis=0)
            if (update == labels).all():
                break
            labels = update
            for k, rank in enumerate(sizes):
                if (labels == k).any():
                    bases[k] = _principal(points[labels == k], rank)
        captured = float(np.stack([((points @ b) ** 2).sum(axis=1) for b in bases]).max(axis=0).mean())
        if captured > best[0]:
            best = (captured, tuple(bases), labels)
    return best[1], best[2], best[0]


def _principal(points: npt.NDArray[np.float64], rank: int) -> npt.NDArray[np.float64]:
    """The leading directions of points, as columns; orthonormal even where there are fewer points."""
    _, vectors = np.linalg.eigh(points.T @ points)
    return np.asarray(vectors[:, ::-1][:, :rank])
