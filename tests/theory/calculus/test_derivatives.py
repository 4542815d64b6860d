"""The identities at t > 0: derivatives of M by the calculus against numerical differentiation."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy as sp

from tests.theory.calculus.laws import DIGITS, Quadrature, central_differences
from theory.calculus import cumulant_tensors, mmse_derivative, tensor_mmse_derivative

F = Fraction


def _numerical(weights, plane, t, orders, spacing, reach, points=7):
    """M and its derivatives at t from values of M at equally spaced t, and the quadrature at t."""
    with mpmath.workdps(DIGITS):
        step = mpmath.mpf(10) ** -9
        squared = [[sum((x - y) ** 2 for x, y in zip(a, b, strict=True)) for b in plane] for a in plane]
        half = points // 2
        grids = [Quadrature(weights, plane, t + k * step, spacing, reach) for k in range(-half, half + 1)]
        values = [grid.mmse(squared) for grid in grids]
        return grids[half], [central_differences(values, step, n) for n in orders]


def _expected(grid, points, orders):
    """The expectations of the derivative's polynomial, by tensors, with the atoms in R^d."""
    mass, posterior = grid.posteriors()
    with mpmath.workdps(40):
        tensors = cumulant_tensors(posterior, points, max(orders) + 1)
        return [(mass * tensor_mmse_derivative(n).evaluate(tensors)).sum() for n in orders]


def _agree(left, right, digits):
    with mpmath.workdps(DIGITS):
        for one, other in zip(left, right, strict=True):
            assert abs(one - other) <= mpmath.mpf(10) ** -digits * max(abs(one), 1)


def _mp(rows):
    with mpmath.workdps(DIGITS):
        return np.array(
            [[mpmath.mpf(F(x).numerator) / F(x).denominator for x in row] for row in rows], dtype=object
        )


@pytest.mark.parametrize(
    ("weights", "atoms", "t"),
    [
        ([F(1, 3), F(2, 3)], [-1, 1], "0.7"),
        ([F(1, 5), F(1, 2), F(3, 10)], [-1, 0, F(4, 3)], "0.4"),
        ([F(1, 7), F(2, 7), F(3, 7), F(1, 7)], [0, F(1, 2), 1, 2], "1.1"),
    ],
)
def test_one_dimension(weights, atoms, t):
    points = _mp([[a] for a in atoms])
    orders = range(5)
    grid, numerical = _numerical(weights, points, mpmath.mpf(t), orders, 0.1, 15)
    _agree(_expected(grid, points, orders), numerical, 32)
    with mpmath.workdps(DIGITS):
        mass, posterior = grid.posteriors()
        tensors = cumulant_tensors(posterior, points, 5)
        symbols = sp.symbols("k2:6")
        for n in orders:
            polynomial = sp.lambdify(symbols, mmse_derivative(n), "math")
            scalars = (tensors[j][(slice(None), *(0,) * j)] for j in range(2, 6))
            values = polynomial(*scalars)
            _agree([(mass * values).sum()], [numerical[n]], 32)


@pytest.mark.slow
def test_two_dimensions():
    points = _mp([[0, 0], [1, F(1, 3)], [F(-1, 2), 1]])
    weights = [F(1, 2), F(1, 3), F(1, 6)]
    orders = range(4)
    grid, numerical = _numerical(weights, points, mpmath.mpf("0.25"), orders, 0.28, 12.5)
    _agree(_expected(grid, points, orders), numerical, 30)


@pytest.mark.slow
def test_three_dimensions_on_a_plane():
    """Three atoms of R^3: integrated over their plane, the identity evaluated with tensors of R^3."""
    plane = _mp([[0, 0], [1, 0], [F(1, 3), F(3, 4)]])
    frame = _mp([[F(2, 3), F(1, 3), F(2, 3)], [F(-2, 3), F(2, 3), F(1, 3)]])
    with mpmath.workdps(DIGITS):
        points = plane @ frame + _mp([[1, -2, 0]])
    weights = [F(1, 4), F(1, 4), F(1, 2)]
    orders = range(3)
    grid, numerical = _numerical(weights, plane, mpmath.mpf("0.3"), orders, 0.32, 12.5, points=5)
    _agree(_expected(grid, points, orders), numerical, 30)


@pytest.mark.slow
def test_three_dimensions():
    points = _mp([[0, 0, 0], [1, 0, F(1, 3)], [0, 1, F(1, 2)], [F(1, 2), F(-1, 2), 1]])
    weights = [F(1, 4), F(1, 3), F(1, 4), F(1, 6)]
    orders = range(3)
    grid, numerical = _numerical(weights, points, mpmath.mpf("0.05"), orders, 0.45, 12.5, points=5)
    _agree(_expected(grid, points, orders), numerical, 30)
