"""Series at t = 0, Taylor coefficients at any t, remainders, and the criterion of convexity."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import factorial

import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.theory.calculus.laws import DIGITS, Law, Quadrature, laws
from theory.calculus import (
    absolute_moment_bound,
    central_moment,
    cumulant,
    cumulant_bound,
    cumulant_tensors,
    cumulants,
    information_enclosure,
    information_remainder,
    information_series,
    information_series_of_law,
    information_taylor,
    mmse_curvature,
    mmse_derivative,
    mmse_derivative_bound,
    mmse_enclosure,
    mmse_is_convex,
    mmse_remainder,
    mmse_series,
    mmse_series_of_law,
    mmse_taylor,
    moments_from_cumulants,
    nuclear_bound,
    required_monomials,
    tensor_mmse_derivative,
    to_central_moments,
)
from theory.calculus import series as series_module
from theory.calculus.remainder import _by_copies
from theory.calculus.replicas import information_coefficients

F = Fraction
SIGN = (["1/2", "1/2"], [-1, 1])


def test_fair_sign():
    known = [F(1, 2), F(-1, 4), F(1, 6), F(-5, 24)]
    assert information_series(cumulants(*SIGN, 4), 4) == known
    assert information_series_of_law(*SIGN, 4) == known


def test_fair_sign_by_gaussian_moments():
    """I = t - E log cosh(t + sqrt(t) N), expanded in sqrt(t) with the moments of N, to order 12."""
    order = 12
    s, x = sp.symbols("s x")
    log_cosh = sp.series(sp.log(sp.cosh(x)), x, 0, 2 * order + 2).removeO()
    expected = [F(0)] * (order + 1)
    expected[1] += 1
    for (power,), c in sp.Poly(log_cosh, x).terms():
        # x = s^2 + s N: the coefficient of s^(2 n) with N^(2 power - 2 n)
        for n in range(power // 2, min(power, order) + 1):
            normal = 2 * power - 2 * n
            if 0 <= normal <= power:
                moment = sp.factorial2(normal - 1) if normal else 1
                expected[n] -= F(str(c)) * int(sp.binomial(power, normal)) * int(moment)
    assert information_series(cumulants(*SIGN, order), order) == expected[1:]
    assert s not in log_cosh.free_symbols


def test_gaussian_core():
    s2 = sp.Symbol("s2")
    core = [0, s2, *[0] * 11]
    assert mmse_series(core, 12) == [(-1) ** n * s2 ** (n + 1) for n in range(13)]
    expected = [sp.Rational((-1) ** (n + 1), 2 * n) * s2**n for n in range(1, 13)]
    assert [sp.expand(c) for c in information_series(core, 12)] == expected


def test_symbols():
    k = [cumulant(n) for n in range(1, 14)]
    for n, coefficient in enumerate(mmse_series(k, 12)):
        assert sp.expand(coefficient * factorial(n) - mmse_derivative(n)) == 0


@settings(max_examples=12, deadline=None)
@given(laws(1, 3))
def test_line_by_copies(law):
    """Exact to order 12 by a route without cumulants."""
    scalars = [x for (x,) in law.points]
    expected = information_coefficients(law.weights, law.points, 12)
    assert information_series_of_law(law.weights, scalars, 12) == expected
    assert information_series(cumulants(law.weights, scalars, 12), 12) == expected
    halved = [2 * n * c for n, c in enumerate(expected, start=1)]
    assert mmse_series_of_law(law.weights, law.points, 11) == halved


@settings(max_examples=10, deadline=None)
@given(laws(2, 3), st.fractions(-2, 2, max_denominator=4))
def test_invariances(law, shift):
    """Shifts and embeddings do not matter; independent coordinates add; scaling scales t."""
    plain = information_series_of_law(law.weights, law.points, 6)
    moved = [(x + shift, y - 1, 7) for x, y in law.points]
    assert information_series_of_law(law.weights, moved, 6) == plain
    doubled = [(2 * x, 2 * y) for x, y in law.points]
    scaled = information_series_of_law(law.weights, doubled, 6)
    assert scaled == [c * 4**n for n, c in enumerate(plain, start=1)]


@settings(max_examples=5, deadline=None)
@given(laws(1, 2), laws(1, 2))
def test_independent_coordinates_add(first, second):
    weights = [v * w for v in first.weights for w in second.weights]
    points = [a + b for a in first.points for b in second.points]
    together = information_series_of_law(weights, points, 8)
    one = information_series_of_law(first.weights, first.points, 8)
    two = information_series_of_law(second.weights, second.points, 8)
    assert together == [a + b for a, b in zip(one, two, strict=True)]


def test_many_atoms_go_through_graphs(monkeypatch):
    law = ["1/2", "1/3", "1/6"], [[0, 1], [1, 0], [2, 3]]
    by_copies = information_series_of_law(*law, 6)
    monkeypatch.setattr(series_module, "_MOST_COPIES", 0)
    assert information_series_of_law(*law, 6) == by_copies


def test_rational_input_of_every_kind():
    expected = information_series([0, F(1, 2), F(1, 4)], 3)
    assert information_series(["0", "0.5", "1/4"], 3) == expected
    assert information_series([0.0, 0.5, np.float64(0.25)], 3) == expected
    assert information_series([np.int64(0), sp.Rational(1, 2), sp.Rational(1, 4)], 3) == expected
    assert all(isinstance(c, sp.Rational) for c in expected)
    assert information_series([], 0) == []


def _line_quadrature(weights, points, t):
    with mpmath.workdps(DIGITS):
        plane = [[mpmath.mpf(F(x).numerator) / F(x).denominator] for x in points]
        time = mpmath.mpf(F(t).numerator) / F(t).denominator
        return Quadrature([F(w) for w in weights], plane, time, 0.1, 15), np.array(plane)


def test_taylor_at_any_t():
    """From expectations at t = 1/2, M at t = 0.501, by a function and by a mapping."""
    weights, points = ["1/5", "1/2", "3/10"], [-1, 0, "4/3"]
    grid, plane = _line_quadrature(weights, points, "0.5")
    mass, posterior = grid.posteriors()
    with mpmath.workdps(40):
        tensors = cumulant_tensors(posterior, plane, 9)
        values = {f"k{n}": tensors[n].reshape(len(mass)) for n in range(2, 10)}

        def expectation(polynomial):
            symbols = sorted(polynomial.free_symbols, key=str)
            function = sp.lambdify(symbols, polynomial, "math")
            return (mass * function(*(values[s.name] for s in symbols))).sum()

        by_function = mmse_taylor(expectation, 8)
        by_mapping = mmse_taylor({m: expectation(m) for m in required_monomials(8)}, 8)
        assert all(abs(a - b) < 1e-30 for a, b in zip(by_function, by_mapping, strict=True))
        step = F(1, 1000)
        squared = [[(a - b) ** 2 for (b,) in plane] for (a,) in plane]
        later, _ = _line_quadrature(weights, points, F(1, 2) + step)
        expanded = sum(c / 1000**j for j, c in enumerate(by_function))
        assert abs(later.mmse(squared) - expanded) < 1e-26
        halves = information_taylor(expectation, 5)
        for j, c in enumerate(halves, start=1):
            assert abs(2 * j * c - by_function[j - 1]) < 1e-30
        assert mmse_is_convex(expectation) is (by_function[2] > 0)


def test_taylor_of_exact_values():
    """At t = 0 the posterior is the core: the mapping gives the series."""
    k = {cumulant(n): sp.Rational(c) for n, c in enumerate(cumulants(["1/3", "2/3"], [0, 2], 6), start=1)}
    exact = {m: F(int(v.p), int(v.q)) for m in required_monomials(5) for v in [m.subs(k)]}
    assert mmse_taylor(exact, 5) == mmse_series(list(k.values()), 5)
    assert information_taylor(exact, 6) == information_series(list(k.values()), 6)
    whole = {m: int(v) for m in required_monomials(3) for v in [m.subs(dict.fromkeys(k, 1))]}
    assert mmse_taylor(whole, 3)[2] == F(1, 2)
    with pytest.raises(KeyError, match="is missing"):
        mmse_taylor({}, 0)


@pytest.mark.parametrize("p", [F(1, 20), F(1, 5), F(211, 1000), F(22, 100), F(1, 2)])
def test_bernoulli_is_convex_at_zero_where_stated(p):
    k = cumulants([1 - p, p], [0, 1], 3)
    expected = p * (1 - p) >= F(1, 6)
    assert (mmse_curvature(k) >= 0) == expected
    values = {cumulant(n): value for n, value in enumerate(k, start=1)}
    assert mmse_is_convex(lambda polynomial: polynomial.subs(values)) is expected


def test_undecided_convexity():
    assert mmse_is_convex(lambda polynomial: polynomial) is None
    assert mmse_is_convex(lambda polynomial: float("nan")) is None
    assert mmse_is_convex(lambda polynomial: -1.0) is False


@settings(max_examples=100, deadline=None)
@given(laws(1, 5))
def test_bounds_on_moments_and_cumulants(law):
    points = [x for (x,) in law.points]
    spread = max(points) - min(points)
    k = [F(int(c.p), int(c.q)) for c in cumulants(law.weights, points, 10)]
    mean = k[0]
    for n in range(2, 11):
        assert abs(k[n - 1]) <= cumulant_bound(n) * spread**n
        assert abs(k[n - 1]) <= nuclear_bound(n, 1) * spread**n
        absolute = sum(w * abs(x - mean) ** n for w, x in zip(law.weights, points, strict=True))
        assert absolute <= absolute_moment_bound(n) * spread**n


def test_sharp_constants():
    coin = cumulants(["1/2", "1/2"], [0, 1], 4)
    assert (cumulant_bound(2), cumulant_bound(4)) == (coin[1], -coin[3])
    # the skew coin with p (1 - p) = 1/6 has |k3| = 1/(6 sqrt 3)
    assert 0 < float(cumulant_bound(3)) - 1 / (6 * 3**0.5) < 1e-4
    assert (absolute_moment_bound(2), absolute_moment_bound(2, 2)) == (F(1, 4), F(1, 3))
    assert absolute_moment_bound(4) >= F(1, 12) > absolute_moment_bound(4) * F(99, 100)


@settings(max_examples=25, deadline=None)
@given(laws(1, 3))
def test_derivative_bounds_on_the_line(law):
    points = [x for (x,) in law.points]
    squared = (max(points) - min(points)) ** 2
    for n, c in enumerate(mmse_series_of_law(law.weights, points, 8)):
        assert abs(c) * factorial(n) <= mmse_derivative_bound(n, squared)
        assert mmse_derivative_bound(n, squared) <= mmse_derivative_bound(n, squared, None)


def _diameter_squared(law: Law) -> Fraction:
    return max(sum((x - y) ** 2 for x, y in zip(a, b, strict=True)) for a in law.points for b in law.points)


@settings(max_examples=10, deadline=None)
@given(st.integers(2, 3).flatmap(laws))
def test_derivative_bounds_in_space(law):
    squared = _diameter_squared(law)
    dimension = len(law.points[0])
    for n, c in enumerate(mmse_series_of_law(law.weights, law.points, 9)):
        size = abs(c) * factorial(n)
        assert size <= mmse_derivative_bound(n, squared, dimension)
        assert size <= mmse_derivative_bound(n, squared, None)
        assert size <= _by_copies(n, dimension) * squared ** (n + 1)


def test_first_bounds_by_hand():
    assert mmse_derivative_bound(0, 4) == 1
    assert mmse_derivative_bound(1, 1) == F(1, 16)
    assert mmse_derivative_bound(2, 1) == F(2, 64) + F(77, 800) ** 2
    # rank 2: |Cov|^2 <= (1/4) tr Cov, tr Cov <= 1/3
    assert mmse_derivative_bound(1, 1, 2) == F(1, 12)
    assert mmse_derivative_bound(3, "1/4") == mmse_derivative_bound(3, 1) / 4**4


def test_copies_counted_by_hand():
    """M' by copies: two copies, both pairs between them, beta_2^2; the factor 2 * 1/(2 * 1)."""
    assert _by_copies(1, None) == F(1, 4)
    # M'': two copies thrice (beta_3^2), three copies in a triangle in 3! orders (beta_2^3, 1/(3 * 2))
    assert _by_copies(2, None) == 2 * (F(1, 4) / 2 + 6 * F(1, 8) / 6)


@pytest.mark.parametrize("t", ["1/100", "1/10", "1/3"])
def test_enclosures_hold_the_truth(t):
    weights, points = [F(1, 5), F(1, 2), F(3, 10)], [F(-1, 2), F(0), F(1, 2)]
    k = cumulants(weights, points, 12)
    grid, plane = _line_quadrature(weights, points, t)
    with mpmath.workdps(40):
        squared = [[(a - b) ** 2 for (b,) in plane] for (a,) in plane]
        truth = F(str(grid.mmse(squared)))
        mass, posterior = grid.posteriors()
        gain = [
            sum(q * mpmath.log(q * w.denominator / w.numerator) for q, w in zip(row, weights, strict=True))
            for row in posterior
        ]
        information = F(str(sum(m * g for m, g in zip(mass, gain, strict=True))))
    slack = F(1, 10**30)
    for order in range(1, 11):
        lower, upper = mmse_enclosure(k, order, 1, t)
        assert lower - slack <= truth <= upper + slack
        assert upper - lower == 2 * mmse_remainder(order, 1, t)
        lower, upper = information_enclosure(k, order, 1, t)
        assert lower - slack <= information <= upper + slack
        assert upper - lower == 2 * information_remainder(order, 1, t)


def test_series_of_the_fair_sign_diverges():
    """The coefficients grow like n! (8/pi^2)^n, and the remainder has a best order."""
    coefficients = information_series(cumulants(*SIGN, 12), 12)
    ratios = [abs(coefficients[n] / coefficients[n - 1]) for n in range(8, 12)]
    growth = [float(b - a) for a, b in pairwise(ratios)]
    assert growth == pytest.approx([8 / float(sp.pi**2)] * 3, rel=0.03)
    remainders = [information_remainder(n, 4, "1/8") for n in range(13)]
    assert remainders.index(min(remainders)) not in (0, 12)


def test_moments_and_series_agree():
    """The series through central moments: another change of variables."""
    k = cumulants(["1/7", "2/7", "4/7"], [0, 1, 3], 7)
    mu = {central_moment(n): m for n, m in enumerate(moments_from_cumulants(k), start=2)}
    for n, c in enumerate(mmse_series(k, 6)):
        assert to_central_moments(mmse_derivative(n)).subs(mu) == c * factorial(n)


def test_tensors_at_zero_are_the_series():
    law = ["1/7", "2/7", "4/7"], [[0, 1], [1, 2], [3, 0]]
    tensors = cumulant_tensors(*law, 6)
    values = [tensor_mmse_derivative(n).evaluate(tensors) / factorial(n) for n in range(6)]
    assert mmse_series_of_law(*law, 5) == values


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: information_series([0, 1], 3), "cumulants: 2 are given; 3 are needed"),
        (lambda: mmse_series([0, 1], 2), "cumulants: 2 are given; 3 are needed"),
        (lambda: information_series([0, 1], -1), "order: -1"),
        (lambda: mmse_series([0, 1], -1), "order: -1"),
        (lambda: information_series([0, "x"], 2), r"cumulants\[1\]: 'x'"),
        (lambda: information_series([0, float("nan")], 2), r"cumulants\[1\]: nan"),
        (lambda: information_series_of_law([1], [0], -1), "order: -1"),
        (lambda: mmse_series_of_law([1], [0], -1), "order: -1"),
        (lambda: information_series_of_law(["1/2"], [0], 2), "weights"),
        (lambda: information_series_of_law(["1/2", "1/2"], [[0], [1, 2]], 2), "points"),
        (lambda: cumulants(["1/2", "1/2"], [[0, 0], [1, 2]], 2), "points: of length 2"),
        (lambda: information_enclosure([0, sp.Symbol("x")], 2, 1, 1), "cumulants"),
        (lambda: mmse_remainder(2, 1, -1), "last: -1"),
        (lambda: mmse_derivative_bound(-1, 1), "order: -1"),
        (lambda: mmse_derivative_bound(1, -1), "diameter_squared: -1"),
        (lambda: mmse_derivative_bound(1, 1, 0), "rank: 0"),
        (lambda: cumulant_bound(1), "order: 1"),
        (lambda: nuclear_bound(1), "order: 1"),
        (lambda: absolute_moment_bound(1), "order: 1"),
    ],
)
def test_wrong_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
