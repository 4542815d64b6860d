"""Lowered formulas on arrays: the same as a loop over single instances, row by row."""

from __future__ import annotations

import math
import warnings
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from numerics.arithmetic import ARRAYS, FLOATS
from tests.theory.formulas import KEYS, formulas, hostile, instances, stacked
from theory import bounds, lower, lower_relation
from theory import symbols as sym
from theory.lowering import LoweringError

EVERY_BOUND = [*bounds.ALL.values(), *bounds.TWINS.values()]
MONOTONE = lower(bounds.reeves_pfister.monotone.formula)
k, n = sym.k, sym.number_of_steps


def one_by_one(formula: Any, rows: list[dict[str, Any]]) -> list[float]:
    """The values of single instances; NaN where one raises because it is not defined."""
    found = []
    for row in rows:
        try:
            found.append(float(formula(FLOATS, row)))
        except ZeroDivisionError:
            found.append(math.nan)
    return found


def rows_of(keys: frozenset[str], ragged: bool, **options: Any) -> st.SearchStrategy[Any]:
    """Several instances, of equal length unless `ragged`."""
    if ragged:
        return st.lists(instances(keys, **options), min_size=1, max_size=4)
    return st.integers(1, 5).flatmap(
        lambda steps: st.lists(instances(keys, steps=steps, **options), min_size=1, max_size=4)
    )


# Agreement with single numbers


@pytest.mark.parametrize("ragged", [False, True], ids=["equal lengths", "ragged"])
@pytest.mark.parametrize("bound", EVERY_BOUND, ids=lambda b: b.id)
@given(data=st.data())
@settings(max_examples=3, deadline=None)
def test_statements_row_by_row(bound: bounds.Bound, ragged: bool, data: st.DataObject) -> None:
    """Both sides of every statement, and of every hypothesis that is a relation."""
    relations = [bound.statement, *(h.relation for h in bound.hypotheses if h.relation is not None)]
    for relation in map(lower_relation, relations):
        rows = data.draw(rows_of(relation.symbols, ragged))
        values = stacked(rows) if relation.symbols else {}
        left, sign, right = relation(ARRAYS, values)
        assert sign == relation.relation
        for side, found in ((relation.lhs, left), (relation.rhs, right)):
            expected = one_by_one(side, rows)
            assert np.broadcast_to(found, len(rows)) == pytest.approx(expected, rel=1e-12, nan_ok=True)


@given(formula=formulas(), data=st.data())
@settings(max_examples=40, deadline=None)
def test_random_formulas_row_by_row(formula: sp.Expr, data: st.DataObject) -> None:
    rows = data.draw(rows_of(KEYS, data.draw(st.booleans())))
    lowered = lower(formula)
    found = np.broadcast_to(lowered(ARRAYS, stacked(rows)), len(rows))
    assert found == pytest.approx(one_by_one(lowered, rows), rel=1e-9, abs=1e-9)


@given(formula=hostile(), data=st.data())
@settings(max_examples=120, deadline=None)
def test_undefined_formulas_row_by_row(formula: sp.Expr, data: st.DataObject) -> None:
    """NaN exactly where a single number is not defined, the same value elsewhere, and no warning."""
    numbers = st.sampled_from([Fraction(x) for x in ("0", "1", "-1", "1/3", "2", "-7/2", "400")])
    rows = data.draw(rows_of(KEYS, data.draw(st.booleans()), number=numbers))
    lowered = lower(formula)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = np.broadcast_to(lowered(ARRAYS, stacked(rows)), len(rows))
        expected = one_by_one(lowered, rows)
    assert not np.isinf(found).any()
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-9, nan_ok=True)


# Shapes


def path(shape: tuple[int, ...], steps: int = 3) -> dict[str, Any]:
    rng = np.random.default_rng(7)
    knots = np.cumsum(rng.random((*shape, steps + 1)), axis=-1)
    mmse = np.sort(rng.random((*shape, steps + 1)), axis=-1)[..., ::-1]
    return {"steps": np.diff(knots), "mmse_at": mmse, "number_of_steps": steps}


def test_two_leading_axes() -> None:
    values = path((2, 5))
    found = MONOTONE(ARRAYS, values)
    assert found.shape == (2, 5)
    single = MONOTONE(FLOATS, {key: v[1, 3] if np.ndim(v) else v for key, v in values.items()})
    assert found[1, 3] == pytest.approx(single, rel=1e-14)


def test_leading_axes_broadcast() -> None:
    formula = lower(sym.kappa * sp.Sum(sym.steps[k] * sym.mmse_at[k], (k, 0, n - 1)))
    steps, mmse = path((1,))["steps"], path((4, 1))["mmse_at"]
    kappa = np.arange(3.0)
    found = formula(ARRAYS, kappa=kappa, steps=steps[0], mmse_at=mmse, number_of_steps=3)
    assert found.shape == (4, 3)
    expected = (steps[0] * mmse[:, 0, :-1]).sum(axis=-1)[:, None] * kappa
    assert found == pytest.approx(expected, rel=1e-14)


def test_a_single_schedule_gives_a_single_number() -> None:
    found = MONOTONE(ARRAYS, path(()))
    assert np.shape(found) == ()
    assert found == pytest.approx(MONOTONE(FLOATS, path(())), rel=1e-15)


@pytest.mark.parametrize("bound", EVERY_BOUND, ids=lambda b: b.id)
def test_no_instances_give_no_values(bound: bounds.Bound) -> None:
    formula = lower(bound.formula)
    values = {
        key: np.empty((0, 4 - (key == "steps")) if sym.QUANTITIES[key].indexed else 0)
        for key in formula.symbols
    }
    assert formula(ARRAYS, values).shape == (0,)


def test_constants_and_empty_sums_take_the_shape_of_the_arguments() -> None:
    formula = lower(sp.Sum(sym.mmse_at[k], (k, 2, n - 1)) + 0 * sym.kappa)
    found = formula(ARRAYS, mmse_at=np.ones((5, 2)), number_of_steps=1)
    assert np.array_equal(found, np.zeros(5))
    assert lower(sp.Integer(3))(ARRAYS) == 3


def test_schedules_of_different_length_as_lists() -> None:
    lists = {"steps": [[1.0], [1, 2, Fraction(1, 2)]], "mmse_at": [[3, 1], [4.0, 3.0, 2.0, 1.0]]}
    found = MONOTONE(ARRAYS, lists, number_of_steps=[1, 3])
    assert found == pytest.approx([1.0, (1 + 2 + 0.5) / 2])


def test_what_stands_behind_a_row_is_not_read() -> None:
    formula = lower(sym.mmse_at[n] + sp.Sum(sym.steps[k], (k, 0, n - 1)))
    steps = np.array([[1.0, 1e300, 1e300], [1.0, 2.0, 3.0]])
    mmse = np.array([[5.0, 6.0, 1e300, 1e300], [1.0, 2.0, 3.0, 4.0]])
    found = formula(ARRAYS, steps=steps, mmse_at=mmse, number_of_steps=[1, 3])
    assert found == pytest.approx([7.0, 10.0])
    behind = lower(sym.mmse_at[2] + 0 * n + sp.Max(0, n - 9))
    assert np.isnan(behind(ARRAYS, mmse_at=mmse, number_of_steps=[1, 3])).tolist() == [True, False]


def test_nested_sums_with_limits_row_by_row() -> None:
    i = sp.Symbol("i", integer=True, nonnegative=True)
    formula = lower(sp.Sum(sym.knots[i] * sym.mmse_at[k] * k, (i, k, n), (k, 0, n)))
    rows = [
        {"knots": [1.0, 2.0], "mmse_at": [3.0, 5.0], "number_of_steps": 1},
        {"knots": [1.0, 2.0, 4.0], "mmse_at": [3.0, 5.0, 7.0], "number_of_steps": 2},
    ]
    expected = [
        sum(row["knots"][a] * row["mmse_at"][b] * b for b in range(m + 1) for a in range(b, m + 1))
        for m, row in enumerate(rows, start=1)
    ]
    assert formula(ARRAYS, stacked(rows)) == pytest.approx(expected)


def test_arguments_are_left_alone() -> None:
    values = path((3,))
    values["number_of_steps"] = np.array([3, 2, 1])
    before = {key: np.copy(value) for key, value in values.items()}
    MONOTONE(ARRAYS, values)
    assert all(np.array_equal(values[key], before[key]) for key in values)


@pytest.mark.parametrize(
    "kappa",
    [
        [Fraction(1, 2), 2],
        (0.5, 2.0),
        np.array([0.5, 2.0], dtype=np.float32),
        [mpmath.mpf("0.5"), mpmath.mpf(2)],
        np.ma.masked_array([0.5, 2.0], [False, False]),
    ],
    ids=["fractions", "tuple", "float32", "mpmath", "masked"],
)
def test_kinds_of_entries(kappa: Any) -> None:
    assert lower(1 / sym.kappa)(ARRAYS, kappa=kappa).tolist() == [2.0, 0.5]


def test_masked_entries_are_nan() -> None:
    found = lower(2 * sym.kappa)(ARRAYS, kappa=np.ma.masked_array([1, 2], [False, True]))
    assert found[0] == 2
    assert np.isnan(found[1])


# What cannot be right is said in one line


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mmse_at": np.ones((4, 3))}, r"mmse_at: of shape \(4, 3\); for 3 steps its last axis must be 4"),
        ({"steps": np.ones((3, 4))}, r"steps: of shape \(3, 4\); for 3 steps its last axis must be 3"),
        ({"number_of_steps": 4}, "for 4 steps its last axis must be 5"),
        ({"number_of_steps": [1, 2, 4]}, "for 4 steps its last axis must be 5"),
        ({"number_of_steps": 2.5}, "number_of_steps = 2.5 .* not an exact integer"),
        ({"number_of_steps": math.nan}, "number_of_steps = nan .* not an exact integer"),
        ({"number_of_steps": -1}, "number_of_steps = -1.0 .* not an exact integer"),
        ({"mmse_at": np.ones((2, 4))}, r"do not broadcast: mmse_at \(2,\), steps \(3,\)"),
        ({"mmse_at": 1.0}, "mmse_at: 1.0 is a single value; one per knot or step is needed"),
        ({"mmse_at": ["1", "2"]}, "mmse_at: entries of the type <U1 are not numbers"),
        ({"mmse_at": [True, False]}, "mmse_at: entries of the type bool are not numbers"),
        ({"mmse_at": [1j, 2]}, "mmse_at: entries of the type complex128 are not numbers"),
        ({"mmse_at": [None, 2]}, "mmse_at: None is not a number"),
        ({"mmse_at": {"a": 1}}, "mmse_at: dict is not an array"),
        ({"mmse_at": [[1, 2], [3, [4]]]}, r"mmse_at: \[4\] is not a number"),
        ({"mmse_at": [[[1, 2]], [[3]]]}, "mmse_at: rows of different length must be lists of numbers"),
    ],
)
def test_wrong_shapes_and_entries(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        MONOTONE(ARRAYS, path((3,)) | changes)
    assert "\n" not in str(caught.value)


def test_lengths_that_disagree_without_a_number_of_steps() -> None:
    formula = lower(sym.mmse_at[0] * sym.knots[1] * sym.steps[0])
    with pytest.raises(ValueError, match=r"one number of steps: mmse_at \(2, 3\), steps \(2, 3\)"):
        formula(ARRAYS, mmse_at=np.ones((2, 3)), knots=np.ones((2, 3)), steps=np.ones((2, 3)))
    with pytest.raises(LoweringError, match=r"M\[7\]: index 7 is outside 0\.\.2"):
        lower(sym.mmse_at[7])(ARRAYS, mmse_at=np.ones((2, 3)))


def test_rows_of_a_single_quantity_must_be_of_one_length() -> None:
    with pytest.raises(ValueError, match="kappa: its rows differ in length"):
        lower(sym.kappa)(ARRAYS, kappa=[[1, 2], [3]])


# Conditions


def test_a_branch_that_no_row_takes_is_not_evaluated() -> None:
    formula = lower(sp.Piecewise((sym.mmse_at[5], sym.kappa > 10), (sym.kappa, True)))
    assert formula(ARRAYS, kappa=[1.0, 2.0], mmse_at=np.ones((2, 3))).tolist() == [1, 2]
    with pytest.raises(LoweringError, match=r"outside 0\.\.2"):
        formula(ARRAYS, kappa=[1.0, 11.0], mmse_at=np.ones((2, 3)))


def test_conditions_row_by_row() -> None:
    low, high = sp.Lt(sym.kappa, 1), sp.Gt(sym.kappa, 3)
    formula = lower(sp.Piecewise((10, sp.Or(low, high)), (1 / (sym.kappa - 2), True)))
    found = formula(ARRAYS, kappa=[0, 1, 2, 3, 4, math.nan, math.inf])
    assert found[:5] == pytest.approx([10, -1, math.nan, 1, 10], nan_ok=True)
    assert np.isnan(found[5:]).all()


def test_rows_that_no_branch_takes_are_nan() -> None:
    formula = lower(sp.Piecewise((sym.kappa, sym.kappa > 1)))
    assert formula(ARRAYS, kappa=[2.0, 1.0]) == pytest.approx([2, math.nan], nan_ok=True)


def test_nothing_leaks_and_nothing_is_left_behind() -> None:
    before = np.geterr()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for ops in (ARRAYS, FLOATS):
            found = lower(sp.exp(sym.kappa) + sp.log(sym.entropy))(ops, kappa=1000.0, entropy=-1.0)
            assert np.isnan(found)
    assert np.geterr() == before
