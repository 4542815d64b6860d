"""One step's KL: the expansions against each other, and against the step's KL in numbers."""

from __future__ import annotations

from fractions import Fraction
from math import factorial

import mpmath
import numpy as np
import pytest
import sympy as sp

from theory.calculus import (
    cumulant,
    cumulant_tensors,
    cumulants,
    estimate_cumulant,
    gaussian_step,
    gaussian_step_expansion,
    information_derivative,
    leading_coefficient,
    mean_step_expansion,
    step_expansion,
    tensor_gaussian_step_expansion,
    tensor_information_derivative,
    tensor_leading_coefficient,
    tensor_mean_step_expansion,
    tensor_step_expansion,
)

F = Fraction
k2, k3 = cumulant(2), cumulant(3)


def _equal(left, right):
    return left.keys() == right.keys() and all(sp.expand(left[j] - right[j]) == 0 for j in left)


def _point_mass(expansion):
    return {
        j: value.subs({s: 0 for s in value.free_symbols if s.name[0] == "l"})
        for j, value in expansion.items()
    }


def test_first_coefficients():
    assert mean_step_expansion(3) == {2: k2**2 / 4, 3: k3**2 / 12 - k2**3 / 6}
    assert gaussian_step_expansion(3) == {3: k3**2 / 12}


def test_mean_step_two_ways():
    """-I^(j)/j! against the general expansion at an estimate that is a point mass."""
    assert _equal(mean_step_expansion(8), _point_mass(step_expansion(1, 8)))
    assert mean_step_expansion(12)[12] == sp.expand(-information_derivative(12) / factorial(12))


def test_gaussian_step_two_ways():
    """The closed form's expansion against the general one at an estimate that is Gaussian."""
    assert _equal(gaussian_step_expansion(8), _point_mass(step_expansion(2, 8)))


@pytest.mark.parametrize("matched", range(1, 7))
def test_leading_coefficient(matched):
    order = matched + 1
    difference = cumulant(order) - estimate_cumulant(order)
    expected = difference**2 / (2 * factorial(order))
    assert sp.expand(leading_coefficient(matched) - expected) == 0
    assert list(step_expansion(matched, order)) == [order]


@pytest.mark.parametrize("matched", range(1, 5))
def test_lower_coefficients_vanish(matched):
    """Identify the matched cumulants in the expansion that matches the mean alone: nothing below p + 1."""
    identified = {estimate_cumulant(n): cumulant(n) for n in range(2, matched + 1)}
    for j, value in step_expansion(1, matched).items():
        assert sp.expand(value.subs(identified)) == 0, j


def test_perfect_estimate_costs_nothing():
    everything = {estimate_cumulant(n): cumulant(n) for n in range(1, 12)}
    assert all(sp.expand(v.subs(everything)) == 0 for v in step_expansion(1, 6).values())
    law = cumulant_tensors(["1/5", "1/2", "3/10"], [[0, 1], [2, 0], [1, 3]], 6)
    assert all(v.evaluate(law, law) == 0 for v in tensor_step_expansion(1, 6).values())


@pytest.mark.parametrize("matched", [1, 2, 3])
def test_tensors_reduce_to_the_line(matched):
    on_line = {j: v.on_line() for j, v in tensor_step_expansion(matched, 6).items()}
    assert _equal(on_line, step_expansion(matched, 6))


def test_tensors_for_mean_and_gaussian():
    law = cumulant_tensors(["1/5", "1/2", "3/10"], [[0, 1, 0], [2, 0, 1], [1, 3, 1]], 6)
    nothing = {n: np.zeros((3,) * n, int) for n in range(2, 7)}
    mean, gaussian = tensor_mean_step_expansion(6), tensor_gaussian_step_expansion(6)
    for j, value in tensor_step_expansion(1, 6).items():
        assert value.evaluate(law, nothing) == mean[j].evaluate(law)
        assert mean[j] == tensor_information_derivative(j) * F(-1, factorial(j))
    for j, value in tensor_step_expansion(2, 6).items():
        assert value.evaluate(law, nothing) == gaussian[j].evaluate(law)


def test_tensor_leading_coefficient_is_a_norm():
    one = cumulant_tensors(["1/5", "1/2", "3/10"], [[0, 1], [2, 0], [1, 3]], 4)
    other = cumulant_tensors(["1/2", "1/4", "1/4"], [[0, 0], [1, 1], [1, 4]], 4)
    for p in (1, 2, 3):
        norm = ((one[p + 1] - other[p + 1]) ** 2).sum()
        assert tensor_leading_coefficient(p).evaluate(one, other) == norm / (2 * factorial(p + 1))
    assert tensor_leading_coefficient(2).unicode() == "1/12 |κ₃|²_F − 1/6 ⟨κ₃, κ̂₃⟩ + 1/12 |κ̂₃|²_F"


def _mixture_kl(one, other, delta):
    """KL of the laws of sqrt(delta) A + N and sqrt(delta) A' + N, by a trapezoidal rule of step 1/10."""
    root = mpmath.sqrt(delta)

    def density(law, z):
        return sum(w * mpmath.npdf(z - root * a) for w, a in zip(*law, strict=True))

    total = mpmath.mpf(0)
    for i in range(-160, 161):
        z = mpmath.mpf(i) / 10
        p = density(one, z)
        total += p * mpmath.log(p / density(other, z)) / 10
    return total


@pytest.mark.parametrize(
    ("estimate", "matched"),
    [
        # for the posterior {-1, 0, 2} with weights 2/5, 2/5, 1/5: mean 0, variance 6/5, third moment 6/5
        (([F(1)], [F(0)]), 1),
        (([F(1, 2), F(1, 2)], [F(-1), F(1)]), 1),
        (([F(3, 8), F(1, 4), F(3, 8)], [F(-4, 3), F(0), F(4, 3)]), 1),
        (([F(5, 16), F(5, 8), F(1, 16)], [F(-3, 2), F(1, 5), F(11, 2)]), None),
    ],
)
def test_expansion_against_numbers(estimate, matched):
    """One posterior, one estimate: the polynomial at their cumulants is the KL of the two increments."""
    posterior = ([F(2, 5), F(2, 5), F(1, 5)], [F(-1), F(0), F(2)])
    mean = sum(w * a for w, a in zip(*estimate, strict=True))
    estimate = (estimate[0], [a - mean for a in estimate[1]])
    order = 6
    values = {cumulant(n): v for n, v in enumerate(cumulants(*posterior, order + 1), start=1)}
    values |= {estimate_cumulant(n): v for n, v in enumerate(cumulants(*estimate, order + 1), start=1)}
    expansion = {j: c.subs(values) for j, c in step_expansion(1, order + 1).items()}
    with mpmath.workdps(40):
        one, other = (
            [[mpmath.mpf(x.numerator) / x.denominator for x in row] for row in law]
            for law in (posterior, estimate)
        )
        delta = mpmath.mpf(1) / 2000
        truth = _mixture_kl(one, other, delta)
        partial = mpmath.mpf(0)
        for j in range(2, order + 1):
            partial += mpmath.mpf(int(expansion[j].p)) / int(expansion[j].q) * delta**j
            following = expansion[j + 1]
            size = abs(mpmath.mpf(int(following.p)) / int(following.q)) * delta ** (j + 1)
            assert abs(truth - partial) < 2 * size + mpmath.mpf(10) ** -30
    assert matched is None or expansion[matched + 1] != 0


def test_gaussian_estimate_against_numbers():
    """The order-2 step at one posterior: log(1 + delta k2)/2 less the information, by quadrature."""
    weights, points = [F(2, 5), F(2, 5), F(1, 5)], [F(-1), F(0), F(2)]
    k = cumulants(weights, points, 8)
    values = {cumulant(n): v for n, v in enumerate(k, start=1)}
    with mpmath.workdps(40):
        delta = mpmath.mpf(1) / 500
        w, a = ([mpmath.mpf(x.numerator) / x.denominator for x in row] for row in (weights, points))
        mean = sum(p * x for p, x in zip(w, a, strict=True))
        variance = sum(p * (x - mean) ** 2 for p, x in zip(w, a, strict=True))
        root, spread = mpmath.sqrt(delta), mpmath.sqrt(1 + delta * variance)
        total = mpmath.mpf(0)
        for i in range(-160, 161):
            z = mpmath.mpf(i) / 10
            p = sum(share * mpmath.npdf(z - root * x) for share, x in zip(w, a, strict=True))
            total += p * mpmath.log(p / mpmath.npdf(z, root * mean, spread)) / 10
        expanded = sum(
            mpmath.mpf(int(c.p)) / int(c.q) * delta**j
            for j, c in ((j, c.subs(values)) for j, c in gaussian_step_expansion(8).items())
        )
        assert abs(total - expanded) < mpmath.mpf(10) ** -20
        assert abs(expanded) > mpmath.mpf(10) ** -10


def test_closed_form():
    t, delta = sp.symbols("t delta", positive=True)
    closed = gaussian_step(t, delta)
    assert {str(s) for s in closed.free_symbols} == {"t", "delta", "k2"}
    information = sp.Function("I", nonnegative=True)
    assert sp.expand(closed).has(information(t), information(t + delta))
    in_space = gaussian_step(t, delta, dimension=sp.Symbol("d", integer=True, positive=True))
    assert in_space.has(sp.Determinant)
    assert gaussian_step().has(sp.Symbol("t", nonnegative=True))


def test_wrong_input():
    for function in (step_expansion, tensor_step_expansion):
        with pytest.raises(ValueError, match="matched: 0"):
            function(0, 3)
    with pytest.raises(ValueError, match="order: 0"):
        estimate_cumulant(0)
