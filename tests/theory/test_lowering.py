"""Lowered formulas: three number systems agree, and what cannot be lowered says so."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from fractions import Fraction
from typing import Any

import flint
import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from numerics.arithmetic import FLOATS, balls, mpmath_numbers
from tests.theory.formulas import KEYS, formulas, instances, k, n
from theory import bounds, lower, lower_relation
from theory import symbols as sym
from theory.lowering import LoweringError

BALLS, DIGITS = balls(400), mpmath_numbers(60)


def agree(formula: Any, values: dict[str, Any]) -> None:
    """Floats, mpmath numbers and balls give the same value, the ball a small one around it."""
    ball = formula(BALLS, values)
    if ball.is_nan():
        for ops in (FLOATS, DIGITS):
            with suppress(ZeroDivisionError):
                assert math.isnan(formula(ops, values)), "outside of the domain, and a number"
        return
    precise = formula(DIGITS, values)
    rough = float(formula(FLOATS, values))
    with BALLS.precision():
        with DIGITS.precision():
            middle = mpmath.mpf(ball.mid().str(80, radius=False))
            scale = max(1, abs(precise))
            assert abs(precise - middle) <= mpmath.mpf(10) ** -50 * scale
        assert ball.rad() <= flint.arb(10) ** -90 * (1 + abs(ball.mid()))
    if math.isnan(rough):
        powers = [
            lower(power)(DIGITS, values)
            for power in formula.expression.atoms(sp.exp)
            if power.free_symbols <= formula.expression.free_symbols
        ]
        extreme = any(abs(x) > 1e250 or abs(x) < 1e-250 for x in (precise, *powers))
        assert extreme, "no machine number, although nothing is too great or too small for one"
    else:
        assert rough == pytest.approx(float(precise), rel=1e-9, abs=1e-9)


EVERY_BOUND = [*bounds.ALL.values(), *bounds.TWINS.values()]


@pytest.mark.parametrize("bound", EVERY_BOUND, ids=lambda b: b.id)
@given(data=st.data())
@settings(max_examples=8, deadline=None)
def test_bounds_in_three_number_systems(bound: bounds.Bound, data: st.DataObject) -> None:
    formula = lower(bound.formula)
    values = data.draw(instances(formula.symbols))
    assert formula.symbols == bound.formula_symbols
    agree(formula, values)


@given(formula=formulas(), values=instances(KEYS))
@settings(max_examples=50, deadline=None)
def test_random_formulas_in_three_number_systems(formula: sp.Expr, values: dict[str, Any]) -> None:
    agree(lower(formula), values)


@given(values=instances(bounds.reeves_pfister.dimension_baseline.formula_symbols))
@settings(max_examples=20, deadline=None)
def test_balls_contain_every_point(values: dict[str, Any]) -> None:
    """Widened inputs give a ball around the value of the exact ones."""
    formula = lower(bounds.reeves_pfister.dimension_baseline.formula)
    with BALLS.precision():
        wide = {
            key: value
            if isinstance(value, int | list) or key == "first"
            else flint.arb(flint.fmpq(value.numerator, value.denominator), "1e-6")
            for key, value in values.items()
        }
    exact, ball = formula(BALLS, values), formula(BALLS, wide)
    with BALLS.precision():
        assert ball.contains(exact)


@given(values=instances(bounds.reeves_pfister.monotone.formula_symbols))
@settings(max_examples=20, deadline=None)
def test_sums_by_hand(values: dict[str, Any]) -> None:
    drops = sum(
        values["steps"][i] * (values["mmse_at"][i] - values["mmse_at"][i + 1])
        for i in range(values["number_of_steps"])
    )
    formula = lower(bounds.reeves_pfister.monotone.formula)
    assert formula(FLOATS, values) == pytest.approx(float(drops / 2), rel=1e-12, abs=1e-12)
    with BALLS.precision():
        exact = drops / 2
        assert (formula(BALLS, values) * exact.denominator).contains(exact.numerator)


def test_an_undecided_condition_gives_the_hull() -> None:
    formula = lower(bounds.aghapour_bayraktar.bounded_ratio_entropy.formula)
    values = {"kappa": 1, "entropy": 1, "variance": 3, "first_positive": 2}
    zero, positive_start = (formula(BALLS, values | {"first": Fraction(i)}) for i in (0, 1))
    with BALLS.precision():
        unknown = flint.arb(0, "1e-9")
    hull = formula(BALLS, values | {"first": unknown})
    with BALLS.precision():
        assert hull.contains(zero)
        assert hull.contains(positive_start)
        assert not zero.contains(positive_start)
        assert hull.rad() < 2


def test_a_decided_condition_takes_one_branch_only() -> None:
    """With one step the ratio (T/t_1)^(1/(n-1)) is never formed."""
    formula = lower(bounds.aghapour_bayraktar.geometric_steps.formula)
    values = {
        "first_positive": Fraction(1, 4),
        "variance": 2,
        "last": 1,
        "entropy": 1,
        "number_of_steps": 1,
    }
    for ops in (FLOATS, DIGITS, BALLS):
        assert float(formula(ops, values)) == 0.25


def test_nan_in_a_condition_gives_nan() -> None:
    formula = lower(sp.Piecewise((sym.kappa, sym.first > 1), (2 * sym.kappa, True)))
    assert np.isnan(formula(FLOATS, {"kappa": 1.0, "first": float("nan")}))
    with DIGITS.precision():
        assert mpmath.isnan(formula(DIGITS, {"kappa": mpmath.mpf(1), "first": mpmath.nan}))


class Counting:
    """Floats that count the operations."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.name = "counting"

    def __getattr__(self, name: str) -> Any:
        self.calls[name] += 1
        return getattr(FLOATS, name)


def test_common_subexpressions_are_shared() -> None:
    part = sp.exp(sym.kappa + sym.entropy)
    formula = lower(part + sp.log(1 + part) + 1 / (2 + part) + sp.Sum(part * sym.mmse_at[k], (k, 0, n - 1)))
    ops = Counting()
    formula(ops, {"kappa": 0.1, "entropy": 0.2, "mmse_at": [1.0] * 51, "number_of_steps": 50})
    assert ops.calls["exp"] == 1


def test_what_depends_on_the_index_is_shared_within_a_term() -> None:
    part = sp.exp(sym.mmse_at[k])
    formula = lower(sp.Sum(part + 1 / (1 + part), (k, 0, n - 1)))
    ops = Counting()
    formula(ops, {"mmse_at": [0.1] * 21, "number_of_steps": 20})
    assert ops.calls["exp"] == 20


def test_nested_sums() -> None:
    i = sp.Symbol("i", integer=True, nonnegative=True)
    double = sp.Sum(sp.Sum(sym.mmse_at[k] * sym.knots[i] * k, (k, 0, i)), (i, 0, n))
    same = sp.Sum(sym.mmse_at[k] * sym.knots[i] * k, (k, 0, i), (i, 0, n))
    mmse, knots = [1.0, 2.0, 5.0], [3.0, 7.0, 11.0]
    expected = sum(mmse[b] * knots[a] * b for a in range(3) for b in range(a + 1))
    for formula in (double, same):
        values = {"mmse_at": mmse, "knots": knots, "number_of_steps": 2}
        assert lower(formula)(FLOATS, values) == expected


def test_a_sum_inside_a_sum_over_the_same_letter() -> None:
    inner = sp.Sum(sym.mmse_at[k], (k, 0, 1))
    formula = lower(sp.Sum(sym.knots[k] * inner, (k, 0, 2)))
    values = {"mmse_at": [1.0, 2.0], "knots": [3.0, 7.0, 11.0]}
    assert formula(FLOATS, values) == 63.0


def test_an_empty_sum_is_zero() -> None:
    formula = lower(bounds.twins.monotone_off_by_one.formula)
    assert formula(FLOATS, {"steps": [1.0], "mmse_at": [2.0, 1.0], "number_of_steps": 1}) == 0


def test_floats_in_formulas_are_the_binary_numbers_they_are() -> None:
    value = lower(sp.Float(0.1) * sym.kappa)(BALLS, {"kappa": 1})
    with BALLS.precision():
        assert value.contains(flint.arb(0.1))
        assert not value.contains(flint.arb(1) / 10)


def test_the_number_of_steps_may_be_a_ball() -> None:
    values: dict[str, Any] = {"steps": [1, 1], "mmse_at": [3, 2, 1]}
    formula = lower(bounds.reeves_pfister.monotone.formula)
    assert float(formula(BALLS, values | {"number_of_steps": flint.arb(2)})) == 1
    with pytest.raises(LoweringError, match="not an exact integer"):
        formula(BALLS, values | {"number_of_steps": flint.arb(2, 1)})
    with pytest.raises(LoweringError, match="not an exact integer"):
        formula(FLOATS, values | {"number_of_steps": 1.5})


def test_the_precision_of_the_caller_does_not_matter() -> None:
    formula = lower(sp.log(2 + sym.kappa))
    before = flint.ctx.prec, mpmath.mp.prec
    flint.ctx.prec = mpmath.mp.prec = 20
    try:
        ball, number = formula(BALLS, {"kappa": 1}), formula(DIGITS, {"kappa": 1})
        assert (flint.ctx.prec, mpmath.mp.prec) == (20, 20)
    finally:
        flint.ctx.prec, mpmath.mp.prec = before
    with BALLS.precision(), DIGITS.precision():
        assert ball.rad() < flint.arb("1e-100")
        assert abs(number - mpmath.log(3)) < mpmath.mpf("1e-58")


def test_relations_give_both_sides_and_decide_nothing() -> None:
    relation = lower_relation(sp.Le(sym.first_positive * sym.variance, sym.epsilon))
    assert relation.symbols == {"first_positive", "variance", "epsilon"}
    values = {"first_positive": 0.5, "variance": 3.0, "epsilon": 1.0}
    assert relation(FLOATS, values) == (1.5, "<=", 1.0)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        (sp.sin(sym.kappa), "sin is not one of"),
        (sp.Integral(sym.kappa, (sym.kappa, 0, 1)), "Integral|not one of"),
        (sp.oo, "not one of"),
        (sp.I * sym.kappa, "not one of"),
        (sp.Symbol("kappa"), "use theory.symbols.kappa"),
        (sp.Symbol("banana"), "stands for no quantity"),
        (sym.k * sym.kappa, "stands for no quantity"),
        (sym.mmse_at[sym.number_of_steps / 2], "integer combination"),
        (sp.IndexedBase("Banana")[0], "stands for no quantity"),
        (sp.Piecewise((1, sp.Symbol("mango", boolean=True)), (0, True)), "stands for no quantity"),
        (sp.Piecewise((1, sp.Xor(sym.kappa > 1, sym.last > 1)), (0, True)), "not made of relations"),
    ],
)
def test_what_cannot_be_lowered_says_so(expression: sp.Expr, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        lower(expression)


@pytest.mark.parametrize("thing", ["kappa", 1, None, sp.Le(sym.kappa, 1), b"x"])
def test_only_sympy_expressions_are_lowered(thing: Any) -> None:
    with pytest.raises(LoweringError, match="not a sympy expression"):
        lower(thing)


@pytest.mark.parametrize("thing", ["kappa <= 1", sp.true, sym.kappa])
def test_only_relations_are_lowered_as_relations(thing: Any) -> None:
    with pytest.raises(LoweringError, match="not a relation"):
        lower_relation(thing)


def test_missing_values_are_named() -> None:
    formula = lower(sym.kappa * sym.entropy)
    with pytest.raises(ValueError, match="entropy, kappa: no value"):
        formula(FLOATS, {})


@pytest.mark.parametrize("index", [-1, 3])
def test_an_index_outside_the_values_is_an_error(index: int) -> None:
    values: dict[str, Sequence[float]] = {"mmse_at": [3.0, 2.0, 1.0]}
    with pytest.raises(LoweringError, match=r"outside 0\.\.2"):
        lower(sym.mmse_at[index])(FLOATS, values)


def test_a_condition_that_is_no_number_chooses_nothing() -> None:
    """1/V > 2 at V = 0 is neither true nor false: the hull of the branches would be a wrong bound."""
    choice = sp.Piecewise((1, 1 / sym.variance > 2), (2, True))
    with balls(64).precision():
        assert lower(choice)(balls(64), {"variance": 0}).is_nan()
        assert lower(choice)(balls(64), {"variance": Fraction(1, 3)}) == 1


def test_whole_powers_of_balls_around_zero_and_of_negative_numbers() -> None:
    with balls(64).precision():
        around = flint.arb(1) / 3 - flint.arb(1) / 3
        assert lower(sym.variance**2)(balls(64), {"variance": around}).contains(0)
        signs = sp.Sum((-1) ** sym.k * sym.mmse_at[sym.k], (sym.k, 0, sym.number_of_steps))
        values = {"mmse_at": [flint.arb(5), flint.arb(3), flint.arb(1)], "number_of_steps": 2}
        assert lower(signs)(balls(64), values) == 3
        assert lower((-2) ** sym.number_of_steps)(balls(64), {"number_of_steps": 3}) == -8
        assert lower(sym.variance**sym.entropy)(balls(64), {"variance": 0, "entropy": 2}) == 0
    assert lower((-2) ** sym.number_of_steps)(FLOATS, {"number_of_steps": 3}) == -8
