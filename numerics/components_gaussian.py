"""The Gaussian part of a mixture's mmse, mutual information and path KL, in closed form.

What belongs here: exact spectra, and the sums tr Sigma (I + t Sigma)^-1 and log det(I + t Sigma). No
eigenvalue is ever computed in the certified tier: with chi(t) = det(I + t Sigma) = sum_j e_j t^j, e_j >=
0 the elementary symmetric functions of the eigenvalues (exact, from the characteristic polynomial),

    log det(I + t Sigma) = log chi(t),        tr Sigma (I + t Sigma)^-1 = chi'(t) / chi(t),

sums of positive terms. A real symmetric matrix is positive semidefinite if and only if every e_j >= 0: if
they are, det(x I + Sigma) = sum_j e_j x^{d-j} > 0 for x > 0, so no eigenvalue is negative; the converse
is clear. Conditionally on Z the I-MMSE relation holds component by component, so the Gaussian part of the
path KL is (1/2) sum_k w_k [sum_steps delta chi_k'(t)/chi_k(t) - log chi_k(T)/chi_k(t_0)], which is the
sum over eigenvalues and steps of x - log(1 + x), x = delta lambda/(1 + t lambda).
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import flint
import mpmath

from numerics.arithmetic import balls, to_ball
from numerics.cores import Point, log_of

__all__ = [
    "MOST_BLOCK",
    "Spectrum",
    "certified_spectral",
    "independent_eigenvalues",
    "largest_log",
    "spectrum_of",
]

MOST_BLOCK = 128
"""The largest block of coordinates that a covariance may couple."""


@dataclass(frozen=True)
class Spectrum:
    """The eigenvalues of a covariance: factors det(I + t Sigma_block) with multiplicities.

    A factor is the tuple e_0 = 1, e_1, ... of elementary symmetric functions of a block's eigenvalues.
    """

    factors: tuple[tuple[tuple[Fraction, ...], int], ...]

    @property
    def trace(self) -> Fraction:
        """The sum of the eigenvalues."""
        return sum((count * factor[1] for factor, count in self.factors), Fraction(0))


def _blocks(matrix: Sequence[Point]) -> list[list[int]]:
    """The sets of coordinates that non-zero entries couple."""
    free = set(range(len(matrix)))
    blocks = []
    while free:
        stack = [free.pop()]
        block = []
        while stack:
            i = stack.pop()
            block.append(i)
            linked = {j for j in free if matrix[i][j]}
            free -= linked
            stack += linked
        blocks.append(sorted(block))
    return blocks


@lru_cache(maxsize=256)
def spectrum_of(covariance: Fraction | tuple[Point, ...], dimension: int, name: str) -> Spectrum:
    """The exact spectrum; ValueError naming the argument unless positive semidefinite.

    Raises ValueError also where more than 128 coordinates are coupled.
    """
    if isinstance(covariance, Fraction):
        return Spectrum((((Fraction(1), covariance), dimension),))
    factors: Counter[tuple[Fraction, ...]] = Counter()
    for block in _blocks(covariance):
        if len(block) > MOST_BLOCK:
            raise ValueError(f"{name}: {len(block)} coupled coordinates exceed {MOST_BLOCK}")
        rows = [[covariance[i][j] for j in block] for i in block]
        common = math.lcm(*(x.denominator for row in rows for x in row))
        whole = flint.fmpz_mat([[int(x * common) for x in row] for row in rows])
        polynomial = whole.charpoly()
        n = len(block)
        symmetric = tuple(
            Fraction((-1) ** j * int(polynomial[n - j]), 1) / Fraction(common) ** j for j in range(n + 1)
        )
        if any(e < 0 for e in symmetric):
            where = f"entry [{block[0]}][{block[0]}]" if n == 1 else f"the block of coordinates {block[:6]}"
            raise ValueError(f"{name}: not positive semidefinite ({where} has a negative eigenvalue)")
        factors[symmetric] += 1
    return Spectrum(tuple(factors.items()))


class _SpectralSums:
    """Weighted sums over components at the working precision at which it was made."""

    def __init__(self, weights: Sequence[Fraction], spectra: Sequence[Spectrum]) -> None:
        shares: defaultdict[tuple[Fraction, ...], Fraction] = defaultdict(Fraction)
        for weight, spectrum in zip(weights, spectra, strict=True):
            for factor, count in spectrum.factors:
                shares[factor] += weight * count
        self.terms = [
            (to_ball(share), [to_ball(e) for e in reversed(factor)])
            for factor, share in shares.items()
            if any(factor[1:])
        ]

    def log_det(self, t: flint.arb) -> flint.arb:
        total = flint.arb(0)
        for share, coefficients in self.terms:
            value = flint.arb(0)
            for e in coefficients[:-1]:
                value = (value + e) * t
            total += share * value.log1p()
        return total

    def trace(self, t: flint.arb) -> flint.arb:
        total = flint.arb(0)
        for share, coefficients in self.terms:
            value, slope = coefficients[0], flint.arb(0)
            for e in coefficients[1:]:
                slope = slope * t + value
                value = value * t + e
            total += share * slope / value
        return total


def certified_spectral(
    weights: Sequence[Fraction],
    spectra: Sequence[Spectrum],
    functional: str,
    knots: Sequence[flint.arb],
    bits: int,
) -> flint.arb:
    """The Gaussian part as a ball, for "mmse" and "mutual_information" at knots[0], else "path_kl"."""
    with balls(bits).precision():
        sums = _SpectralSums(weights, spectra)
        if functional == "mmse":
            return sums.trace(knots[0])
        if functional == "mutual_information":
            return sums.log_det(knots[0]) / 2
        total = flint.arb(0)
        for k in range(len(knots) - 1):
            total += (knots[k + 1] - knots[k]) * sums.trace(knots[k])
        return (total - sums.log_det(knots[-1]) + sums.log_det(knots[0])) / 2


def largest_log(spectra: Sequence[Spectrum]) -> float:
    """log of the largest trace, a bound on every eigenvalue; -inf where all vanish."""
    return log_of(max(spectrum.trace for spectrum in spectra))


def independent_eigenvalues(matrix: Sequence[Point]) -> list[Any]:
    """The eigenvalues as mpf at mpmath's working precision, by mpmath's symmetric solver."""
    rows = [[mpmath.mpf(x.numerator) / x.denominator for x in row] for row in matrix]
    if all(not x for i, row in enumerate(rows) for j, x in enumerate(row) if i != j):
        return [rows[i][i] for i in range(len(rows))]
    values = mpmath.eigsy(mpmath.matrix(rows), eigvals_only=True)
    return [max(value, mpmath.mpf(0)) for value in values]
