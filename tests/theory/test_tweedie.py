"""Tweedie's identities against Bayes' rule by quadrature, and against sums over atoms in the plane."""

from __future__ import annotations

import mpmath
import pytest
import sympy as sp
from sympy.core.function import AppliedUndef

from theory import tweedie
from theory.derivation import Derivation

ALPHA, TAU = sp.Rational(7, 10), sp.Rational(3, 5)
WEIGHTS = [sp.Rational(1, 5), sp.Rational(1, 2), sp.Rational(3, 10)]
MEANS = [sp.Integer(-2), sp.Rational(1, 3), sp.Rational(5, 2)]
VARIANCES = [sp.Rational(1, 4), sp.Integer(1), sp.Rational(1, 9)]


def bell(x: sp.Expr, mean: sp.Expr, variance: sp.Expr) -> sp.Expr:
    return sp.exp(-((x - mean) ** 2) / (2 * variance)) / sp.sqrt(2 * sp.pi * variance)


def posterior_by_quadrature(y: sp.Rational) -> tuple[mpmath.mpf, mpmath.mpf]:
    """Mean and variance of X given alpha X + sqrt(tau) N = y."""
    x = sp.Symbol("x")
    prior = sp.Add(*(w * bell(x, m, v) for w, m, v in zip(WEIGHTS, MEANS, VARIANCES, strict=True)))
    joint = sp.lambdify(x, prior * bell(y, ALPHA * x, TAU), "mpmath")
    grid = [mpmath.mpf(i) / 32 for i in range(-14 * 32, 14 * 32 + 1)]
    mass = [joint(point) for point in grid]
    mean = mpmath.fdot(mass, grid) / mpmath.fsum(mass)
    square = mpmath.fdot(mass, [point**2 for point in grid]) / mpmath.fsum(mass)
    return mean, square - mean**2


def with_numbers(expression: sp.Expr, y: sp.Rational) -> mpmath.mpf:
    """A formula of `tweedie` on the line at the mixture above."""
    free = {str(symbol): symbol for symbol in expression.free_symbols}
    (point,) = tweedie.posterior_mean().variables
    density = sp.Add(
        *(
            w * bell(point, ALPHA * m, ALPHA**2 * v + TAU)
            for w, m, v in zip(WEIGHTS, MEANS, VARIANCES, strict=True)
        )
    )
    score = sp.diff(sp.log(density), point)
    for call in expression.atoms(AppliedUndef):
        expression = expression.xreplace({call: {"p": density, "S": score}[call.func.__name__]})
    if "K" in free:
        expression = expression.subs(free["K"], 3)
    expression = expression.doit()
    values: dict[sp.Basic, sp.Expr] = {}
    for atom in expression.atoms(sp.Indexed):
        i = int(atom.indices[0])
        values[atom] = {
            "w": WEIGHTS[i],
            "mu": MEANS[i],
            "v": VARIANCES[i],
            "c": ALPHA**2 * VARIANCES[i] + TAU,
        }[str(atom.base)]
    values |= {free[name]: value for name, value in (("alpha", ALPHA), ("tau", TAU)) if name in free}
    number = expression.xreplace(values).subs(point, y)
    return mpmath.mpf(sp.N(number, 30))


@pytest.mark.parametrize("y", [sp.Rational(-3, 2), sp.Rational(1, 7), sp.Rational(9, 4)])
def test_tweedie_at_a_mixture_of_gaussians(y: sp.Rational) -> None:
    with mpmath.workdps(30):
        mean, variance = posterior_by_quadrature(y)
        assert abs(with_numbers(tweedie.posterior_mean().statement.rhs, y) - mean) < 1e-18
        assert abs(with_numbers(tweedie.posterior_covariance().statement.rhs, y) - variance) < 1e-18
        assert abs(with_numbers(tweedie.mixture_mean.statement.rhs, y) - mean) < 1e-18
        formula = tweedie.mixture_variance.statement.rhs
        closed = formula.xreplace({tweedie.mixture_mean.statement.lhs: tweedie.mixture_mean.statement.rhs})
        assert abs(with_numbers(closed, y) - variance) < 1e-18


@pytest.mark.parametrize("entry", [(1, 1), (1, 2), (2, 2)])
def test_tweedie_in_the_plane(entry: tuple[int, int]) -> None:
    """Four atoms in R^2: sums over them against derivatives of the log-density by differences."""
    atoms = [(-1.0, 0.5), (2.0, 1.0), (0.0, -1.5), (1.5, 2.5)]
    shares = [0.1, 0.4, 0.2, 0.3]
    point = (mpmath.mpf("0.3"), mpmath.mpf("0.8"))
    alpha, tau = mpmath.mpf("0.7"), mpmath.mpf("0.6")
    first, second = entry
    with mpmath.workdps(40):

        def parts(u: mpmath.mpf, v: mpmath.mpf) -> list[mpmath.mpf]:
            return [
                w * mpmath.exp(-((u - alpha * a) ** 2 + (v - alpha * b) ** 2) / (2 * tau))
                for w, (a, b) in zip(shares, atoms, strict=True)
            ]

        def log_density(u: mpmath.mpf, v: mpmath.mpf) -> mpmath.mpf:
            return mpmath.log(mpmath.fsum(parts(u, v)))

        here = parts(*point)
        total = mpmath.fsum(here)
        mean = [mpmath.fdot(here, [atom[i] for atom in atoms]) / total for i in (0, 1)]
        square = mpmath.fdot(here, [atom[first - 1] * atom[second - 1] for atom in atoms]) / total
        covariance = square - mean[first - 1] * mean[second - 1]
        order = [(first == 1) + (second == 1), (first == 2) + (second == 2)]
        slope = mpmath.diff(log_density, point, (int(first == 1), int(first == 2)))
        bend = mpmath.diff(log_density, point, tuple(int(i) for i in order))

        def value(derivation: Derivation, slot: mpmath.mpf) -> mpmath.mpf:
            rhs = derivation.statement.rhs
            (gap,) = rhs.atoms(sp.Derivative) or rhs.atoms(AppliedUndef)
            names = {str(symbol): symbol for symbol in rhs.free_symbols | set(derivation.variables)}
            numbers = {"alpha": alpha, "tau": tau, "y_1": point[0], "y_2": point[1]}
            unknown = sp.Dummy()
            formula = rhs.xreplace({gap: unknown})
            symbols = [unknown, *(names[name] for name in numbers)]
            return sp.lambdify(symbols, formula, "mpmath")(slot, *numbers.values())

        assert abs(value(tweedie.posterior_mean(2, first), slope) - mean[first - 1]) < 1e-12
        entries = tweedie.posterior_covariance(2, first, second)
        assert abs(value(entries, bend) - covariance) < 1e-12


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_tweedie_in_every_dimension(dimension: int) -> None:
    for i in range(1, dimension + 1):
        tweedie.posterior_mean(dimension, i).check()
        for j in range(1, dimension + 1):
            tweedie.posterior_covariance(dimension, i, j).check()


def test_coordinates_are_checked() -> None:
    with pytest.raises(ValueError, match="coordinate: 3 is not one of 1"):
        tweedie.posterior_mean(2, 3)
    with pytest.raises(ValueError, match="coordinate: 0"):
        tweedie.posterior_covariance(2, 1, 0)
    with pytest.raises(ValueError, match="dimension: 0"):
        tweedie.posterior_mean(0)
