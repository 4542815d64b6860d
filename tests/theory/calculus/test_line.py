"""One dimension: the generator, the derivatives, and the change to central moments."""

from __future__ import annotations

from fractions import Fraction

import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from theory.calculus import (
    central_moment,
    cumulant,
    cumulant_derivative,
    cumulant_generator,
    cumulants_from_moments,
    information_derivative,
    mmse_derivative,
    moments_from_cumulants,
    to_central_moments,
    to_cumulants,
)

k1, k2, k3, k4, k5, k6 = (cumulant(n) for n in range(1, 7))


def _weight(monomial):
    return sum(int(s.name[1:]) * power for s, power in monomial.as_powers_dict().items() if s.is_Symbol)


def polynomials(letters):
    """Polynomials with rational coefficients in these symbols."""
    coefficient = st.fractions(-5, 5, max_denominator=4).map(sp.Rational)
    factors = st.lists(st.sampled_from(letters), max_size=4)
    terms = st.lists(st.tuples(coefficient, factors), max_size=4)
    return terms.map(lambda rows: sp.Add(*(sp.Mul(c, *symbols) for c, symbols in rows)))


cumulant_polynomials = polynomials([k1, k2, k3, k4, k5, k6])


def test_first_derivatives():
    assert mmse_derivative(0) == k2
    assert mmse_derivative(1) == -(k2**2)
    assert mmse_derivative(2) == 2 * k2**3 - k3**2
    assert mmse_derivative(3) == -6 * k2**4 + 12 * k2 * k3**2 - k4**2
    fourth = 24 * k2**5 - 120 * k2**2 * k3**2 + 20 * k2 * k4**2 + 30 * k3**2 * k4 - k5**2
    assert mmse_derivative(4) == fourth


@pytest.mark.parametrize("order", range(1, 13))
def test_information_is_half_of_mmse(order):
    assert sp.expand(2 * information_derivative(order) - mmse_derivative(order - 1)) == 0


@pytest.mark.parametrize("order", range(13))
def test_derivatives_are_homogeneous_with_known_extremes(order):
    polynomial = mmse_derivative(order)
    assert {_weight(term) for term in sp.Add.make_args(polynomial)} == {2 * (order + 1)}
    # the Gaussian core has M = k2/(1 + k2 t): all higher cumulants vanish
    gaussian = polynomial.subs({s: 0 for s in polynomial.free_symbols if s != k2})
    assert gaussian == (-1) ** order * sp.factorial(order) * k2 ** (order + 1)
    if order:
        highest = cumulant(order + 1)
        assert sp.Poly(polynomial, highest).coeff_monomial(highest**2) == (-1 if order > 0 else 1)


def test_generator_against_the_equation_of_psi():
    """L = d_t + psi' d_y + d_y^2/2 applied to y-derivatives of psi, d_t psi = -(psi'' + psi'^2)/2."""
    y = sp.Symbol("y")
    psi = sp.Function("psi")(y)
    rate = -(psi.diff(y, 2) + psi.diff(y) ** 2) / 2

    for n in range(1, 8):
        of_psi = psi.diff(y, n)
        direct = rate.diff(y, n) + psi.diff(y) * of_psi.diff(y) + of_psi.diff(y, 2) / 2
        ours = cumulant_generator(cumulant(n))
        written = ours.subs({cumulant(j): psi.diff(y, j) for j in range(1, n + 3)}, simultaneous=True)
        assert sp.expand(direct - written) == 0


@settings(deadline=None)
@given(cumulant_polynomials, cumulant_polynomials)
def test_itos_rule(left, right):
    product = cumulant_generator(sp.expand(left * right))
    ito = (
        left * cumulant_generator(right)
        + right * cumulant_generator(left)
        + cumulant_derivative(left) * cumulant_derivative(right)
    )
    assert sp.expand(product - ito) == 0


@settings(deadline=None)
@given(cumulant_polynomials)
def test_central_moments_and_back(polynomial):
    assert sp.expand(to_cumulants(to_central_moments(polynomial)) - polynomial) == 0


@settings(deadline=None)
@given(polynomials([k1, *(central_moment(n) for n in range(2, 7))]))
def test_cumulants_and_back(polynomial):
    assert sp.expand(to_central_moments(to_cumulants(polynomial)) - polynomial) == 0


@settings(deadline=None)
@given(st.lists(st.fractions(-9, 9, max_denominator=9), min_size=1, max_size=9))
def test_numbers_follow_the_symbols(cumulants):
    moments = moments_from_cumulants(cumulants)
    assert cumulants_from_moments(cumulants[0], moments) == cumulants
    values = {cumulant(n): sp.Rational(c) for n, c in enumerate(cumulants, start=1)}
    for order, moment in enumerate(moments, start=2):
        assert to_cumulants(central_moment(order)).subs(values) == moment


def test_known_moments():
    mu = [central_moment(n) for n in range(2, 7)]
    assert to_central_moments(k4) == mu[2] - 3 * mu[0] ** 2
    assert sp.expand(to_central_moments(k6)) == sp.expand(
        mu[4] - 15 * mu[2] * mu[0] - 10 * mu[1] ** 2 + 30 * mu[0] ** 3
    )
    assert to_cumulants(mu[3]) == k5 + 10 * k2 * k3
    # the Poisson law of rate 3: all cumulants equal 3
    assert moments_from_cumulants([3] * 6) == [3, 3, 30, 93, 633]


@pytest.mark.parametrize("order", [2, 5, 12])
def test_derivatives_in_central_moments(order):
    in_moments = to_central_moments(mmse_derivative(order))
    assert sp.expand(to_cumulants(in_moments) - mmse_derivative(order)) == 0


def test_wrong_input():
    with pytest.raises(ValueError, match="order: -1"):
        mmse_derivative(-1)
    with pytest.raises(ValueError, match="order: 0"):
        information_derivative(0)
    with pytest.raises(ValueError, match="order: 0"):
        cumulant(0)
    with pytest.raises(ValueError, match="order: 1"):
        central_moment(1)
    with pytest.raises(ValueError, match="none of the symbols"):
        cumulant_generator(sp.Symbol("x"))
    with pytest.raises(ValueError, match="none of the symbols"):
        cumulant_generator(sp.Symbol("k2", positive=True))
    with pytest.raises(ValueError, match="not a polynomial"):
        cumulant_generator(sp.exp(k2))
    with pytest.raises(ValueError, match="not a sympy expression"):
        cumulant_generator("k2")
    with pytest.raises(ValueError, match="mu1 is zero"):
        to_cumulants(sp.Symbol("mu1"))
    assert cumulant_generator(sp.Integer(3)) == 0
    assert to_central_moments(Fraction(1, 2)) == sp.Rational(1, 2)
