"""Polynomials in posterior cumulants as functions: on the line, in R^d, in every number system."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import flint
import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from diffcert.rationals import RATIONALS
from numerics.arithmetic import ARRAYS, FLOATS, balls, mpmath_numbers
from theory import calculus, lower
from theory.lowering import LoweringError

BALLS, DIGITS = balls(300), mpmath_numbers(60)
THREE = [Fraction(1, 5), Fraction(1, 2), Fraction(3, 10)]
POINTS = [[-3, 1], [0, 0], [Fraction(5, 2), 1]]


def on_the_line(order: int) -> list[tuple[str, sp.Expr]]:
    found = [
        ("mmse", calculus.mmse_derivative(order)),
        ("information", calculus.information_derivative(order)),
        ("central moments", calculus.to_central_moments(calculus.mmse_derivative(order))),
    ]
    found += [(f"step {j}", p) for j, p in calculus.step_expansion(2, order + 1).items()]
    return found


@pytest.mark.parametrize("order", range(1, 6))
@given(data=st.data())
@settings(max_examples=3, deadline=None)
def test_polynomials_agree_in_every_number_system(order: int, data: st.DataObject) -> None:
    """Against sympy's own substitution of rationals."""
    rationals = st.fractions(-3, 3, max_denominator=16)
    for _, polynomial in on_the_line(order):
        formula = lower(polynomial)
        assert formula.symbols == {str(s) for s in polynomial.free_symbols}
        rows = [{name: data.draw(rationals) for name in sorted(formula.symbols)} for _ in range(2)]
        exact = []
        for row in rows:
            value = polynomial.subs({sp.Symbol(name): sp.Rational(x) for name, x in row.items()})
            exact.append(Fraction(int(value.p), int(value.q)))
            assert formula(RATIONALS, row) == exact[-1]
            ball = formula(BALLS, row)
            with BALLS.precision():
                assert (ball * exact[-1].denominator).contains(exact[-1].numerator)
            number = formula(DIGITS, row)
            with DIGITS.precision():
                assert abs(number - mpmath.mpf(exact[-1].numerator) / exact[-1].denominator) < 1e-40
        table = {name: [float(row[name]) for row in rows] for name in sorted(formula.symbols)}
        scale = max(1.0, *(abs(float(x)) for x in exact)) * 4**order * 100
        found = formula(ARRAYS, table)
        assert found == pytest.approx([float(x) for x in exact], rel=1e-9, abs=1e-14 * scale)
        assert found == pytest.approx([formula(FLOATS, row) for row in rows], rel=1e-12, abs=1e-14 * scale)


def exact_tensors(order: int) -> dict[str, Any]:
    tensors = calculus.cumulant_tensors(THREE, POINTS, order)
    return {f"k{degree}": tensor for degree, tensor in tensors.items()}


@pytest.mark.parametrize("order", range(1, 5))
def test_tensor_polynomials_agree_in_every_number_system(order: int) -> None:
    polynomial = calculus.tensor_mmse_derivative(order)
    formula = lower(polynomial)
    tensors = {name: t for name, t in exact_tensors(order + 1).items() if name in formula.symbols}
    assert set(tensors) == formula.symbols
    exact = polynomial.evaluate({int(name[1:]): t for name, t in tensors.items()})
    assert isinstance(exact, Fraction)
    assert formula(RATIONALS, tensors) == exact
    ball = formula(BALLS, tensors)
    with BALLS.precision():
        assert isinstance(ball, flint.arb)
        assert (ball * exact.denominator).contains(exact.numerator)
        assert ball.rad() < flint.arb("1e-60")
    number = formula(DIGITS, tensors)
    with DIGITS.precision():
        assert abs(number - mpmath.mpf(exact.numerator) / exact.denominator) < 1e-45 * (1 + abs(number))
    rough = formula(FLOATS, tensors)
    assert isinstance(rough, float)
    assert rough == pytest.approx(float(exact), rel=1e-10)


def test_tensor_polynomials_row_by_row() -> None:
    """Laws in R^3, a posterior per row; the estimate's tensors too."""
    rng = np.random.default_rng(5)
    weights = rng.dirichlet(np.ones(4), size=(2, 6))
    points = rng.normal(size=(4, 3))
    tensors = calculus.cumulant_tensors(weights, points, 5)
    others = calculus.cumulant_tensors(weights[::-1], points, 5)
    polynomial = calculus.tensor_step_expansion(1, 3)[3]
    formula = lower(polynomial)
    assert {name[0] for name in formula.symbols} == {"k", "l"}
    values = {
        name: (tensors if name[0] == "k" else others)[int(name[1:])] for name in sorted(formula.symbols)
    }
    found = formula(ARRAYS, values)
    assert found.shape == (2, 6)
    assert found == pytest.approx(polynomial.evaluate(tensors, others), rel=1e-12)
    for row in np.ndindex(2, 6):
        single = formula(FLOATS, {name: value[row] for name, value in values.items()})
        assert found[row] == pytest.approx(single, rel=1e-10)


def test_tensors_reduce_to_the_line() -> None:
    line, space = lower(calculus.mmse_derivative(3)), lower(calculus.tensor_mmse_derivative(3))
    values = {"k2": 1.5, "k3": -0.5, "k4": 2.0}
    shaped = {name: np.full((1,) * int(name[1:]), value) for name, value in values.items()}
    assert space(FLOATS, shaped) == pytest.approx(line(FLOATS, values))


def test_names_are_those_of_the_calculus() -> None:
    formula = lower(calculus.mmse_derivative(2))
    assert formula(FLOATS, k2=1, k3=2) == -2
    assert formula(ARRAYS, k2=[1, 2], k3=2).tolist() == [-2, 12]
    with pytest.raises(ValueError, match="kappa2: not an argument of this formula, which takes k2, k3"):
        formula(FLOATS, kappa2=1)
    assert lower(calculus.central_moment(4) + calculus.estimate_cumulant(2)).symbols == {"mu4", "l2"}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"k2": np.eye(2)}, "k3: no value is given"),
        (
            {"k2": np.eye(2), "k3": np.ones((2, 2, 3))},
            r"k3: .*\(2, 2, 3\) must end in 3 equal lengths",
        ),
        ({"k2": np.ones(2), "k3": np.ones((2, 2, 2))}, r"k2: the shape \(2,\) must end in 2 equal lengths"),
        ({"k2": np.eye(2), "k3": np.ones((3, 3, 3))}, r"k2, k3: their last axes have the lengths \[2, 3\]"),
        (
            {"k2": np.ones((4, 2, 2)), "k3": np.ones((3, 2, 2, 2))},
            r"broadcast: k2 \(4,\), k3 \(3,\)",
        ),
        ({"k2": [["1", None], [0, 1]], "k3": np.ones((2, 2, 2))}, "k2: .* not .*number"),
    ],
)
def test_tensors_that_do_not_fit(values: dict[str, Any], message: str) -> None:
    formula = lower(calculus.tensor_mmse_derivative(2))
    for ops in (ARRAYS, FLOATS, BALLS):
        if "broadcast" in message and ops is not ARRAYS:
            continue
        with pytest.raises(ValueError, match=message) as caught:
            formula(ops, values)
        assert "\n" not in str(caught.value)


def test_single_numbers_have_no_leading_axes() -> None:
    formula = lower(calculus.tensor_mmse_derivative(0))
    with pytest.raises(ValueError, match="leading axes, which only arrays may have"):
        formula(FLOATS, k2=np.ones((4, 2, 2)))
    assert formula(ARRAYS, k2=np.ones((4, 2, 2))).tolist() == [2, 2, 2, 2]


def test_nan_in_a_tensor_is_nan() -> None:
    formula = lower(calculus.tensor_mmse_derivative(0))
    assert np.isnan(formula(FLOATS, k2=[[1.0, 0.0], [0.0, np.nan]]))
    found = formula(ARRAYS, k2=[[[1.0, 0.0], [0.0, np.nan]], [[1e308, 0.0], [0.0, 1e308]], np.eye(2)])
    assert np.isnan(found[:2]).all()
    assert found[2] == 2


def test_what_is_no_polynomial_is_refused() -> None:
    with pytest.raises(LoweringError, match="not a sympy expression: Multigraph"):
        lower(next(iter(calculus.tensor_mmse_derivative(1).terms)))  # type: ignore[arg-type]
