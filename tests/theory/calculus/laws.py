"""Laws for the tests of the calculus, and an independent way to M and to expectations over Y_t.

The quadrature is a trapezoidal rule in R^r for the normalised observation z = Y_t/sqrt(t), in whole numbers
scaled by 2^BITS: exact sums, so that digits are lost only where differences are taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
from hypothesis import strategies as st

BITS = 300
DIGITS = 88


@dataclass(frozen=True)
class Law:
    """A discrete law: weights (K), points (K, d)."""

    weights: tuple[Fraction, ...]
    points: tuple[tuple[Fraction, ...], ...]


def laws(dimension: int, most_atoms: int = 4, widest: int = 3) -> st.SearchStrategy[Law]:
    """Discrete laws with rational weights and points."""
    coordinate = st.fractions(-widest, widest, max_denominator=6)

    def weighted(counts: list[int]) -> tuple[Fraction, ...]:
        return tuple(Fraction(count, sum(counts)) for count in counts)

    def of_size(atoms: int) -> st.SearchStrategy[Law]:
        return st.builds(
            Law,
            st.lists(st.integers(1, 9), min_size=atoms, max_size=atoms).map(weighted),
            st.lists(st.tuples(*[coordinate] * dimension), min_size=atoms, max_size=atoms).map(tuple),
        )

    return st.integers(2, most_atoms).flatmap(of_size)


class Quadrature:
    """The observation's law for a discrete law at snr t: nodes over R^rank, weights of the atoms at each.

    `plane` holds the coordinates (K, rank) of the atoms in an orthonormal frame of their span, so that the
    integral runs over the span alone.
    """

    def __init__(self, weights: Any, plane: Any, t: Any, spacing: float, reach: float) -> None:
        with mpmath.workdps(DIGITS):
            h = mpmath.mpf(spacing)
            count = int(reach / spacing)
            line = [h * k for k in range(-count, count + 1)]
            root = mpmath.sqrt(t)
            density = [[h * mpmath.npdf(z) for z in line]] * len(plane[0])
            mass = [_product(density)]
            for w, atom in zip(weights, plane, strict=True):
                # w phi(z - root a) = w phi(z) exp(<z, root a> - t |a|^2/2), a product over coordinates
                scale = mpmath.mpf(w.numerator) / w.denominator
                factors = [[h * mpmath.npdf(z - root * a) for z in line] for a in atom]
                mass.append(_product(factors) * _fixed(scale) >> BITS)
            joint = np.stack(mass[1:])
        keep = joint.sum(axis=0) > 0
        self.joint = joint[:, keep]
        self.total = self.joint.sum(axis=0)

    def mmse(self, squared: Any) -> mpmath.mpf:
        """M(t), from the squared distances of the atoms: p tr Cov = sum_(i<j) p_i p_j |a_i - a_j|^2/p."""
        spread = sum(
            self.joint[i] * self.joint[j] * _fixed(squared[i][j]) >> BITS
            for i in range(len(squared))
            for j in range(i)
        )
        return _float((spread // self.total).sum())

    def posteriors(self) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """The mass of each node that matters for 32 digits, and the posterior's weights there."""
        keep = self.total > (1 << (BITS - 118))
        with mpmath.workdps(40):
            mass = np.array([_float(p) for p in self.total[keep]], dtype=object)
            joint = [[_float(p) for p in atom] for atom in self.joint[:, keep]]
            weights = np.array(joint, dtype=object).T / mass[:, None]
        return mass, weights


def _fixed(value: Any) -> int:
    return int(mpmath.nint(mpmath.ldexp(mpmath.mpf(value), BITS)))


def _float(value: int) -> mpmath.mpf:
    return mpmath.ldexp(mpmath.mpf(int(value)), -BITS)


def _product(factors: list[list[mpmath.mpf]]) -> np.ndarray[Any, Any]:
    grid = np.array([1 << BITS], dtype=object)
    for factor in factors:
        values = np.array([_fixed(x) for x in factor], dtype=object)
        grid = (grid[:, None] * values[None, :] >> BITS).ravel()
    return grid


def central_differences(values: list[Any], step: Any, order: int) -> Any:
    """The derivative at the middle of equally spaced values, exact for polynomials through them."""
    count = len(values) // 2
    system = mpmath.matrix(len(values), len(values))
    right = mpmath.zeros(len(values), 1)
    right[order] = mpmath.factorial(order)
    for power in range(len(values)):
        for k in range(-count, count + 1):
            system[power, k + count] = mpmath.mpf(k) ** power
    weights = mpmath.lu_solve(system, right)
    return sum(w * v for w, v in zip(weights, values, strict=True)) / step**order
