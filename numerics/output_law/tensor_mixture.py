"""Gaussian mixtures in the plane and in space in machine numbers: density, posterior mean and covariance.

What belongs here: closed forms, and the small matrices that come with them. Points are given relative to a
centre, so that nothing is lost where the atoms are far apart compared with the width.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from numerics.cores import log_of

__all__ = ["Cloud", "Place", "determinant", "solve"]

Array = npt.NDArray[np.float64]
Place = tuple[Fraction, ...]

_LOG_TAU = math.log(2 * math.pi)
_CHUNK = 1 << 12


def determinant(m: Array) -> Array:
    """The determinants of matrices of shape (n, r, r), r at most 3."""
    if m.shape[-1] == 1:
        return np.asarray(m[:, 0, 0])
    if m.shape[-1] == 2:
        return np.asarray(m[:, 0, 0] * m[:, 1, 1] - m[:, 0, 1] * m[:, 1, 0])
    first, second, third = (m[:, i] for i in range(3))
    return np.asarray(np.einsum("ni,ni->n", first, np.cross(second, third)))


def solve(m: Array, b: Array) -> Array:
    """m^-1 b for symmetric matrices of shape (n, r, r) and vectors of shape (n, r), r 2 or 3."""
    if m.shape[-1] == 2:
        top = m[:, 1, 1] * b[:, 0] - m[:, 0, 1] * b[:, 1]
        low = m[:, 0, 0] * b[:, 1] - m[:, 1, 0] * b[:, 0]
        return np.asarray(np.stack([top, low], axis=1) / determinant(m)[:, None])
    first, second, third = (m[:, i] for i in range(3))
    rows = [np.cross(second, third), np.cross(third, first), np.cross(first, second)]
    total = sum(row * b[:, i : i + 1] for i, row in enumerate(rows))
    return np.asarray(total / determinant(m)[:, None])


@dataclass(frozen=True)
class Cloud:
    """sum_i w_i N(a_i, variance I) in R^r, the atoms (shape (K, r)) relative to a centre."""

    log_weights: Array
    atoms: Array
    variance: float

    @classmethod
    def of(
        cls, weights: Sequence[Fraction], places: Sequence[Place], variance: float, centre: Place
    ) -> Cloud:
        """The mixture seen from a centre; exact until the differences are rounded."""
        logs = np.array([log_of(w) for w in weights])
        away = [[float(x - c) for x, c in zip(place, centre, strict=True)] for place in places]
        return cls(logs, np.array(away), variance)

    @property
    def width(self) -> float:
        """The standard deviation of a component."""
        return math.sqrt(self.variance)

    @property
    def dimension(self) -> int:
        """r."""
        return int(self.atoms.shape[1])

    def _parts(self, x: Array, warmth: float = 1.0) -> tuple[Array, Array]:
        """Unnormalised posterior probabilities (n, K), the largest 1, and the log of what was taken out."""
        t = 1 / self.variance
        offsets = self.log_weights - (self.atoms * self.atoms).sum(axis=1) * (t / 2)
        exponents = x @ (t * self.atoms.T) + offsets
        top = exponents.max(axis=1)
        exponents -= top[:, None]
        if warmth != 1:
            exponents /= warmth
        return np.exp(exponents, out=exponents), top - (x * x).sum(axis=1) * (t / 2)

    @property
    def _constant(self) -> float:
        return self.dimension * (_LOG_TAU + math.log(self.variance)) / 2

    def log_density(self, x: Array) -> Array:
        """log p at points of shape (n, r)."""
        result = np.empty(len(x))
        for first in range(0, len(x), _CHUNK):
            parts, top = self._parts(x[first : first + _CHUNK])
            result[first : first + _CHUNK] = top + np.log(parts.sum(axis=1)) - self._constant
        return result

    def posterior(self, x: Array, warmth: float = 1.0) -> tuple[Array, Array]:
        """E[A | x] of shape (n, r) and Cov(A | x) of shape (n, r, r) at points of shape (n, r).

        `warmth` divides the exponents.
        """
        r = self.dimension
        mean, covariance = np.empty(x.shape), np.empty((len(x), r, r))
        for first in range(0, len(x), _CHUNK):
            part = slice(first, first + _CHUNK)
            parts, _ = self._parts(x[part], warmth)
            parts /= parts.sum(axis=1)[:, None]
            mean[part] = parts @ self.atoms
            if len(self.atoms) <= 8:
                total = np.zeros((len(parts), r, r))
                for i, atom in enumerate(self.atoms):
                    away = atom - mean[part]
                    total += parts[:, i, None, None] * (away[:, :, None] * away[:, None, :])
                covariance[part] = total
            else:
                squares = (self.atoms[:, :, None] * self.atoms[:, None, :]).reshape(-1, r * r)
                second = (parts @ squares).reshape(-1, r, r)
                covariance[part] = second - mean[part][:, :, None] * mean[part][:, None, :]
        return mean, covariance
