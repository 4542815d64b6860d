"""Gaussian mixtures on a line in machine numbers: density, posterior moments, distribution function.

What belongs here: closed forms. Points are given relative to a centre, so that nothing is lost where the
atoms are far apart compared with the width.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

__all__ = ["Line", "normal_cdf"]

Array = npt.NDArray[np.float64]

_ERFC = np.frompyfunc(math.erfc, 1, 1)
_LOG_TAU = math.log(2 * math.pi)


def normal_cdf(x: Array) -> Array:
    """The standard normal distribution function, accurate in the lower tail."""
    return np.asarray(_ERFC(-x / math.sqrt(2)), dtype=float) / 2


@dataclass(frozen=True)
class Line:
    """sum_i w_i N(a_i, variance), the atoms relative to a centre; variance 0 is the discrete law."""

    log_weights: Array
    atoms: Array
    variance: float

    @classmethod
    def of(
        cls,
        weights: Sequence[Fraction],
        atoms: Sequence[Fraction],
        variance: float,
        centre: Fraction = Fraction(0),
    ) -> Line:
        """The mixture seen from a centre; exact until the differences are rounded."""
        logs = np.array([math.log(w.numerator) - math.log(w.denominator) for w in weights])
        return cls(logs, np.array([float(a - centre) for a in atoms]), variance)

    @property
    def width(self) -> float:
        """The standard deviation of a component."""
        return math.sqrt(self.variance)

    def _exponents(self, x: Array) -> tuple[Array, Array, Array]:
        away = self.atoms[:, None] - x
        exponents = self.log_weights[:, None] - away * away / (2 * self.variance)
        top = exponents.max(axis=0)
        exponents -= top
        return away, np.exp(exponents), top

    def log_density(self, x: Array) -> Array:
        """log p at points of shape (n,)."""
        _, parts, top = self._exponents(x)
        result: Array = top + np.log(parts.sum(axis=0)) - (_LOG_TAU + math.log(self.variance)) / 2
        return result

    def posterior(self, x: Array) -> tuple[Array, Array, Array]:
        """log p, E[A | x] - x and Var(A | x) at points of shape (n,)."""
        away, parts, top = self._exponents(x)
        total = parts.sum(axis=0)
        parts /= total
        mean = np.einsum("ij,ij->j", parts, away)
        centred = away - mean
        centred *= centred
        variance = np.einsum("ij,ij->j", parts, centred)
        return top + np.log(total) - (_LOG_TAU + math.log(self.variance)) / 2, mean, variance

    def probabilities(self, x: Array) -> tuple[Array, Array]:
        """Posterior probabilities, shape (K, n), and the atoms minus x."""
        away, parts, _ = self._exponents(x)
        return parts / parts.sum(axis=0), away

    def tails(self, x: Array) -> tuple[Array, Array]:
        """P(X <= x) and P(X > x), each accurate where it is small; atoms at x count half for v = 0."""
        weights = np.exp(self.log_weights)
        away = x - self.atoms[:, None]
        if self.variance:
            below, above = normal_cdf(away / self.width), normal_cdf(-away / self.width)
        else:
            below = np.heaviside(away, 1.0)
            above = 1 - below
        return weights @ below, weights @ above
