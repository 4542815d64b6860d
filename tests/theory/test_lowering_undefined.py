"""Lowered formulas where they are not defined, overflow or lose digits: no wrong value, no wrong order."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import flint
import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from diffcert.rationals import RATIONALS, IrrationalError
from diffcert.verdict import decide
from numerics.arithmetic import ARRAYS, FLOATS, balls, mpmath_numbers
from tests.theory.formulas import KEYS, hostile, instances, k, n
from theory import lower, lower_relation
from theory import symbols as sym
from theory.lowering import LoweringError

BALLS, DIGITS = balls(400), mpmath_numbers(60)
SYSTEMS = (FLOATS, ARRAYS, BALLS, DIGITS)
x, y = sym.kappa, sym.entropy


def is_nan(value: Any) -> bool:
    return bool(value.is_nan() if hasattr(value, "is_nan") else value != value)


def outcome(formula: Any, ops: Any, values: dict[str, Any]) -> Any:
    """The value, or None where it is NaN or a division by zero."""
    try:
        value = formula(ops, values)
    except ZeroDivisionError:
        return None
    return None if is_nan(value) else value


# Undefined


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        (sp.log(x), {"kappa": 0}),
        (sp.log(x), {"kappa": -1}),
        (sp.log(1 + x), {"kappa": -1}),
        (sp.log(1 + x), {"kappa": -3}),
        (sp.sqrt(x), {"kappa": -1}),
        (sp.sqrt(1 + x) - 1, {"kappa": -2}),
        (x ** sp.Rational(1, 3), {"kappa": -8}),
        (x ** sp.Rational(-1, 2), {"kappa": 0}),
        (x**y, {"kappa": -2, "entropy": Fraction(1, 2)}),
        (x**y, {"kappa": 0, "entropy": -1}),
        (x**y, {"kappa": 0, "entropy": Fraction(-1, 2)}),
        (x**y - 1, {"kappa": -1, "entropy": Fraction(1, 2)}),
        (1 / x, {"kappa": 0}),
        (0 * y + y / (x - 2), {"kappa": 2, "entropy": 0}),
        (sp.Max(sp.log(x), y), {"kappa": -1, "entropy": 5}),
        (sp.Max(y, sp.log(x)), {"kappa": -1, "entropy": 5}),
        (sp.Min(y, sp.sqrt(x), 3), {"kappa": -1, "entropy": 5}),
        (sp.Abs(sp.log(x)), {"kappa": 0}),
        (1 / (1 + sp.exp(-sp.log(x))), {"kappa": 0}),
        (sp.exp(sp.log(x) * y), {"kappa": 0, "entropy": 2}),
        (sp.Piecewise((1, sp.log(x) > y), (2, True)), {"kappa": -1, "entropy": 0}),
        (sp.Piecewise((1, sp.log(x) <= y), (2, True)), {"kappa": -1, "entropy": 0}),
        (sp.Piecewise((1, sp.Ne(sp.log(x), y)), (2, True)), {"kappa": -1, "entropy": 0}),
        (sp.Sum(sp.log(sym.mmse_at[k]), (k, 0, n)), {"mmse_at": [1, 0], "number_of_steps": 1}),
        (sp.ceiling(sp.sqrt(x)), {"kappa": -1}),
        (sp.cos(sp.log(x)), {"kappa": -1}),
    ],
    ids=str,
)
def test_what_is_not_defined_is_no_number(expression: sp.Expr, values: dict[str, Any]) -> None:
    for ops in SYSTEMS:
        assert outcome(lower(expression), ops, values) is None, ops.name


@pytest.mark.parametrize(
    ("expression", "values", "expected"),
    [
        (x**y, {"kappa": 0, "entropy": 0}, 1),
        (x**y, {"kappa": 0, "entropy": Fraction(1, 3)}, 0),
        (x**y - 1, {"kappa": 0, "entropy": Fraction(1, 3)}, -1),
        (x ** sp.Rational(2, 3), {"kappa": 0}, 0),
        (x**y, {"kappa": -3, "entropy": 3}, -27),
        (x**n - 1, {"kappa": -3, "number_of_steps": 3}, -28),
        (sp.sqrt(x) ** 3, {"kappa": 0}, 0),
        (sp.Sum(1 / sym.mmse_at[k], (k, 2, n)), {"mmse_at": [0, 0], "number_of_steps": 1}, 0),
        (sp.Sum(k, (k, 5, -5)), {}, 0),
        (sp.Piecewise((1 / x, x > 0), (y, True)), {"kappa": 0, "entropy": 2}, 2),
        (sp.Piecewise((sp.Piecewise((1, x > 2), (3, True)), x > 1), (5, True)), {"kappa": 2}, 3),
        (sp.Piecewise((1, sp.And(x > 0, 1 / x > 2)), (7, True)), {"kappa": 0}, 7),
        (sp.Piecewise((1, sp.Or(x >= 0, 1 / x > 2)), (7, True)), {"kappa": 0}, 1),
        (sp.Piecewise((1, sp.Not(sp.Eq(x, 0))), (7, True)), {"kappa": 0}, 7),
        (sp.Min(x, sp.exp(y)), {"kappa": 2, "entropy": 1}, 2),
    ],
    ids=str,
)
def test_what_is_defined_at_the_edge(expression: sp.Expr, values: dict[str, Any], expected: int) -> None:
    for ops in SYSTEMS:
        assert float(lower(expression)(ops, values)) == expected, ops.name


def test_a_division_by_zero_of_single_numbers_raises() -> None:
    for ops, zeros in ((FLOATS, (0, 0.0, -0.0, np.float64(0))), (DIGITS, (0,)), (RATIONALS, (0,))):
        for zero in zeros:
            with pytest.raises(ZeroDivisionError):
                lower(1 / x)(ops, kappa=zero)
    assert is_nan(lower(1 / x)(BALLS, kappa=0))


def test_fractions_stay_exact_and_leave_as_they_must() -> None:
    geometric = (sym.last / sym.first) ** (1 / n) - 1
    values = {"last": Fraction(4, 3), "first": Fraction(1, 3), "number_of_steps": 1}
    assert lower(geometric)(RATIONALS, values) == 3
    for irrational in (sp.exp(x) - 1, sp.log(1 + x), geometric, sp.sqrt(1 + x) - 1):
        with pytest.raises(IrrationalError):
            lower(irrational)(RATIONALS, values | {"number_of_steps": 2, "kappa": Fraction(1, 2)})


# Overflow


@pytest.mark.parametrize(
    "expression",
    [
        sp.exp(x),
        sp.exp(-sp.exp(x)),
        sp.exp(-sp.exp(x)) - 1,
        x**200,
        1 / x**200,
        x ** sp.Rational(401, 3),
        x**y,
        sp.log(1 + sp.exp(x)),
        sp.Max(y, sp.exp(x)),
        sp.exp(x) - sp.exp(2 * x),
        sp.Piecewise((1, sp.exp(x) <= sp.exp(x - 1)), (2, True)),
        sp.Piecewise((1, sp.exp(2 * x) > sp.exp(x)), (2, True)),
        sp.cos(sp.exp(x)),
        sp.ceiling(sp.exp(x)),
    ],
    ids=str,
)
def test_what_machine_numbers_cannot_hold_is_nan_in_them(expression: sp.Expr) -> None:
    formula = lower(expression)
    values = {"kappa": 1000, "entropy": 1000}
    assert is_nan(formula(FLOATS, values))
    assert np.isnan(formula(ARRAYS, {"kappa": [1000.0, 1000.0], "entropy": 1000})).all()
    assert outcome(formula, DIGITS, values) is not None
    if not expression.has(sp.Piecewise, sp.cos, sp.ceiling):
        assert outcome(formula, BALLS, values) is not None


@pytest.mark.parametrize("expression", [sp.exp(-x), x**-y])
def test_what_machine_numbers_cannot_tell_from_zero_is_zero(expression: sp.Expr) -> None:
    values = {"kappa": 1000, "entropy": 1000}
    assert lower(expression)(FLOATS, values) == 0
    assert (lower(expression)(ARRAYS, values | {"kappa": [1000, 1000]}) == 0).all()
    assert decide(lower(expression)(BALLS, values), ">", flint.arb(0)) is True


def test_infinities_that_are_given_are_no_numbers() -> None:
    for expression in (x, 1 / x, sp.exp(-x), x**-y, sp.Piecewise((1, x > 1), (2, True))):
        assert is_nan(lower(expression)(FLOATS, {"kappa": math.inf, "entropy": 1.0}))
        assert np.isnan(lower(expression)(ARRAYS, {"kappa": [math.inf], "entropy": 1.0})).all()


def test_constants_beyond_machine_numbers() -> None:
    formula = lower(sp.Integer(10) ** 400 * x)
    with pytest.raises(OverflowError):
        formula(FLOATS, kappa=1)
    assert np.isnan(formula(ARRAYS, kappa=[1.0, 0.0])).all()
    assert decide(formula(BALLS, kappa=1), ">", flint.arb(10)) is True


# Sums and depth


def test_a_sum_without_end_is_refused() -> None:
    harmonic = lower(sp.Sum(1 / (1 + k), (k, 0, n)))
    for ops in (FLOATS, BALLS, DIGITS):
        with pytest.raises(LoweringError, match="more than 10000000 terms"):
            harmonic(ops, number_of_steps=10**12)
    with pytest.raises(LoweringError, match="more than 10000000 terms"):
        harmonic(ARRAYS, number_of_steps=[1.0, 1e12])
    with pytest.raises(LoweringError, match="integer combination"):
        lower(sp.Sum(1 / (1 + k), (k, 0, sp.oo)))


def test_a_long_sum() -> None:
    total = lower(sp.Sum(1 / (1 + k), (k, 0, n)))(FLOATS, number_of_steps=10**5)
    assert total == pytest.approx(math.log(10**5 + 1) + 0.5772156649 + 0.5 / 10**5, rel=1e-9)


def test_an_expression_that_is_nested_too_deeply() -> None:
    expression = x
    for _ in range(700):
        expression = sp.cos(expression, evaluate=False)
    with pytest.raises(LoweringError, match="nested too deeply"):
        lower(expression)(FLOATS, kappa=1.0)


# Digits


@pytest.mark.parametrize("exponent", [-5, -20, -200])
@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (sp.log(1 + x), lambda t: mpmath.log1p(t)),
        (sp.log(1 - x), lambda t: mpmath.log1p(-t)),
        (sp.log(1 + x * y), lambda t: mpmath.log1p(3 * t)),
        (y / sp.log(1 + x / (2 * y)), lambda t: 3 / mpmath.log1p(t / 6)),
        (sp.exp(x) - 1, lambda t: mpmath.expm1(t)),
        (1 - sp.exp(-x), lambda t: -mpmath.expm1(-t)),
        (2 * sp.exp(x) - 2 + x, lambda t: 2 * mpmath.expm1(t) + t),
        (y * (sp.exp(x / 2) - 1), lambda t: 3 * mpmath.expm1(t / 2)),
        (sp.sqrt(1 + x) - 1, lambda t: mpmath.expm1(mpmath.log1p(t) / 2)),
        (y**x - 1, lambda t: mpmath.expm1(t * mpmath.log(3))),
        (1 - (y / 2) ** x, lambda t: -mpmath.expm1(t * mpmath.log(mpmath.mpf(3) / 2))),
    ],
    ids=lambda value: str(value) if isinstance(value, sp.Basic) else "",
)
def test_no_digits_are_lost_at_small_arguments(expression: sp.Expr, expected: Any, exponent: int) -> None:
    tiny = float(Fraction(10) ** exponent)
    formula = lower(expression)
    with mpmath.workdps(260):
        exact = expected(mpmath.mpf(tiny))
        for ops in SYSTEMS:
            value = (
                formula(ops, kappa=tiny, entropy=3.0)
                if "entropy" in formula.symbols
                else formula(ops, kappa=tiny)
            )
            value = value.mid().str(120, radius=False) if ops is BALLS else value
            tolerance = mpmath.mpf(10) ** (-50 if ops in (BALLS, DIGITS) else -15)
            assert abs(mpmath.mpf(value) / exact - 1) < tolerance, ops.name


def test_balls_of_small_arguments_are_as_sharp() -> None:
    with BALLS.precision():
        tiny = flint.arb("1e-40", "1e-60")
    for expression in (sp.log(1 + x), sp.exp(x) - 1, sp.sqrt(1 + x) - 1):
        ball = lower(expression)(BALLS, kappa=tiny)
        with BALLS.precision():
            assert ball.rad() < flint.arb("1e-59")
            assert ball > 0


# Order


NUMBERS = st.sampled_from([Fraction(v) for v in ("0", "1", "-1", "1/3", "2", "-7/2", "40")])


@given(formula=hostile(), values=instances(KEYS, number=NUMBERS))
@settings(max_examples=120, deadline=None)
def test_where_a_ball_is_sharp_the_others_agree_or_are_no_numbers(
    formula: sp.Expr, values: dict[str, Any]
) -> None:
    lowered = lower(formula)
    ball = lowered(BALLS, values)
    with BALLS.precision():
        sharp = not ball.is_nan() and ball.rad() <= flint.arb(10) ** -60 * (1 + abs(ball.mid()))
        if not sharp:
            return
        middle = ball.mid().str(80, radius=False)
    number = outcome(lowered, DIGITS, values)
    assert number is not None
    with DIGITS.precision():
        assert abs(number - mpmath.mpf(middle)) <= mpmath.mpf(10) ** -25 * (1 + abs(number))


@given(left=hostile(), right=hostile(), values=instances(KEYS, number=NUMBERS))
@settings(max_examples=80, deadline=None)
def test_no_order_is_decided_wrongly(left: sp.Expr, right: sp.Expr, values: dict[str, Any]) -> None:
    """What balls are certain of is never contradicted by mpmath numbers at a distance."""
    relation = lower_relation(sp.Le(left, right, evaluate=False))
    certain = decide(*relation(BALLS, values))
    try:
        low, sign, high = relation(DIGITS, values)
    except ZeroDivisionError:
        assert certain is None
        return
    with DIGITS.precision():
        if low != low or high != high:
            assert certain is None
        elif certain is not None and abs(low - high) > mpmath.mpf(10) ** -25 * (1 + abs(low)):
            assert decide(low, sign, high) is certain


@pytest.mark.parametrize("sign", [sp.Le, sp.Ge, sp.Lt, sp.Gt])
def test_nan_and_overlap_decide_nothing(sign: Any) -> None:
    relation = lower_relation(sign(sp.log(x), y, evaluate=False))
    for ops in (FLOATS, BALLS, DIGITS):
        assert decide(*relation(ops, {"kappa": -1, "entropy": 0})) is None
    with BALLS.precision():
        around = flint.arb(1, "1e-3")
    assert decide(*relation(BALLS, {"kappa": around, "entropy": 0})) is None
    lhs, written, rhs = relation(ARRAYS, kappa=[-1.0, math.nan, 1.0], entropy=[0.0, 0.0, 1.0])
    kept = {"<=": lhs <= rhs, ">=": lhs >= rhs, "<": lhs < rhs, ">": lhs > rhs}[written]
    assert not kept[:2].any()


# Arguments of single numbers


@pytest.mark.parametrize("ops", SYSTEMS, ids=lambda ops: ops.name)
def test_arguments_by_name(ops: Any) -> None:
    formula = lower(x * sp.Sum(sym.mmse_at[k], (k, 0, n)))
    assert float(formula(ops, kappa=2, mmse_at=[1, 2], number_of_steps=1)) == 6
    assert float(formula(ops, {"mmse_at": [1, 2], "number_of_steps": 1, "rank": 1}, kappa=2)) == 6
    assert float(formula(ops, {"kappa": 9, "mmse_at": [1, 2]}, number_of_steps=1, kappa=2)) == 6
    with pytest.raises(ValueError, match="kapa: not an argument of this formula, which takes kappa"):
        formula(ops, kapa=2, mmse_at=[1, 2], number_of_steps=1)
    with pytest.raises(ValueError, match="kappa, number_of_steps: no value is given"):
        formula(ops, mmse_at=[1, 2])
    with pytest.raises(ValueError, match="values: list is not a mapping"):
        formula(ops, [1, 2])


def test_arguments_of_a_relation_by_name() -> None:
    relation = lower_relation(sp.Le(x, y, evaluate=False))
    assert relation(FLOATS, kappa=1.0, entropy=2.0) == (1.0, "<=", 2.0)
    with pytest.raises(ValueError, match="rank: not an argument of this relation, which takes entropy"):
        relation(FLOATS, kappa=1.0, entropy=2.0, rank=1)


@pytest.mark.parametrize("ops", [FLOATS, BALLS, DIGITS, RATIONALS], ids=lambda ops: ops.name)
@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "kappa: None is not a number"),
        (True, "kappa: True is not a number"),
        (1j, "kappa: 1j is not a number"),
        ("a lot", "kappa: 'a lot' is not a number"),
        ("1/0", "kappa: '1/0' is not a number"),
        ([1, 2], r"kappa: \[1, 2\] is not a number"),
        (np.array([1.0]), r"kappa: an array of shape \(1,\); .* numbers are single ones"),
    ],
    ids=str,
)
def test_values_that_are_no_single_numbers(ops: Any, value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        lower(2 * x)(ops, kappa=value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "value", [1.0, 2, "1/2", np.array(3.0), None, flint.arb(1), mpmath.mpf(1)], ids=str
)
def test_an_indexed_quantity_needs_a_list(value: Any) -> None:
    for ops in (FLOATS, BALLS, DIGITS):
        with pytest.raises(LoweringError, match=r"^mmse_at: .* is a single value; one per knot or step"):
            lower(sym.mmse_at[0])(ops, mmse_at=value)


@pytest.mark.parametrize(
    "value", ["1/3", Fraction(1, 3), np.int64(3), np.float32(0.1), np.float64(0.25), 7]
)
def test_exact_values_are_taken_exactly(value: Any) -> None:
    expected = Fraction(value) if isinstance(value, str | int | Fraction) else Fraction(float(value))
    with BALLS.precision():
        ball = lower(x)(BALLS, kappa=value)
        assert (ball * expected.denominator).contains(expected.numerator)
        assert ball.rad() < flint.arb("1e-100")
    assert lower(x)(FLOATS, kappa=value) == float(expected)


# Symbols of one's own


def test_symbols_that_are_declared() -> None:
    a, b = sp.Symbol("a", positive=True), sp.IndexedBase("b")
    formula = lower(a * sp.Sum(b[k], (k, 0, 1)) + x, arguments=(a, b))
    assert formula.symbols == {"a", "b", "kappa"}
    assert formula(FLOATS, a=2, b=[3, 4], kappa=1) == 15
    assert formula(ARRAYS, a=[2, 3], b=[[3, 4, 9], [5, 6, 9]], kappa=1).tolist() == [15, 34]


@pytest.mark.parametrize(
    ("expression", "arguments", "message"),
    [
        (sp.Symbol("kappa") + x, (sp.Symbol("kappa"),), "kappa is the name of a quantity of the table"),
        (
            x * sp.Symbol("a") * sp.IndexedBase("a")[0],
            (sp.Symbol("a"), sp.IndexedBase("a")),
            "a: this quantity needs an index",
        ),
        (sp.Symbol("a") + sp.Symbol("a", real=True), (sp.Symbol("a"), sp.Symbol("a", real=True)), "a: two"),
        (sp.Symbol("a b"), (sp.Symbol("a b"),), "no symbol with a name that a keyword can have"),
        (x, ("kappa",), "no symbol with a name"),
        (sp.Symbol("k2", positive=True), (), "stands for no quantity"),
        (sp.Symbol("k02"), (), "stands for no quantity"),
        (sp.Symbol("mu1"), (), "stands for no quantity"),
        (sp.Integral(sym.mmse, (sym.snr, 0, 1)), (), "a variable of its own"),
        (sp.Integral(x, sp.Symbol("u")), (sp.Symbol("u"),), "needs limits"),
        (sp.Integral(sp.exp(sp.Symbol("u")), (sp.Symbol("u"), 0, x)), (), "only polynomials in u"),
        (sp.Integral(1 / sp.Symbol("u"), (sp.Symbol("u"), 1, x)), (), "only polynomials in u"),
    ],
)
def test_symbols_that_have_no_meaning(expression: sp.Expr, arguments: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        lower(expression, arguments)


def test_integrals_of_polynomials() -> None:
    u, v = sp.symbols("u v")
    integral = sp.Integral(x * u**2 * v - sym.mmse_at[0] * u, (u, v, y), (v, 0, 1))
    values = {"kappa": Fraction(2, 3), "entropy": Fraction(5, 2), "mmse_at": [Fraction(1, 7)]}
    of = {x: sp.Rational(2, 3), y: sp.Rational(5, 2), sym.mmse_at[0]: sp.Rational(1, 7)}
    expected = integral.doit().subs(of)
    assert lower(integral)(RATIONALS, values) == Fraction(int(expected.p), int(expected.q))
    for ops in SYSTEMS:
        assert float(lower(integral)(ops, values)) == pytest.approx(float(expected), rel=1e-14)


def test_the_label_of_an_indexed_quantity_is_no_index() -> None:
    base = sp.IndexedBase("b")
    formula = lower(base[sp.Symbol("b")], arguments=(base,))
    with pytest.raises(LoweringError, match="the index b: b has no value"):
        formula(FLOATS, b=[1, 2])
