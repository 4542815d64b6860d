"""Numbers at the border: read exactly, or refused in one line that names the argument."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import flint
import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numerics.exact import integer, rational, rationals, short, shown, text

DERANDOMISED = settings(derandomize=True, deadline=None, max_examples=200)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (3, Fraction(3)),
        ("3", Fraction(3)),
        (" -1/3 ", Fraction(-1, 3)),
        ("6 / 4", Fraction(3, 2)),
        ("0.05", Fraction(1, 20)),
        (".5", Fraction(1, 2)),
        ("2.", Fraction(2)),
        ("+1e-3", Fraction(1, 1000)),
        ("1E2", Fraction(100)),
        (0.1, Fraction(3602879701896397, 2**55)),
        (np.float64(0.1), Fraction(3602879701896397, 2**55)),
        (np.float32(0.1), Fraction(13421773, 2**27)),
        (np.int64(-7), Fraction(-7)),
        (Decimal("0.1"), Fraction(1, 10)),
        (Fraction(2, 7), Fraction(2, 7)),
        (np.str_("1/4"), Fraction(1, 4)),
        (5e-50, Fraction(5e-50)),
    ],
)
def test_a_number_is_the_number_that_was_written(written: Any, meant: Fraction) -> None:
    value = rational(written, "x")
    assert type(value) is Fraction
    assert value == meant


def test_a_long_mpmath_number_keeps_all_its_bits() -> None:
    with mpmath.workdps(60):
        third = mpmath.mpf(1) / 3
    value = rational(third, "x")
    assert abs(value - Fraction(1, 3)) < Fraction(1, 10**59)
    assert value != Fraction(float(third))


class Shouting:
    """A value whose repr is long and spans lines."""

    def __repr__(self) -> str:
        return "loud\n" * 1000


class Broken:
    """A value whose repr fails."""

    def __repr__(self) -> str:
        raise RuntimeError("no")


NO_NUMBERS: list[Any] = [
    None,
    "",
    " ",
    "abc",
    "nan",
    "inf",
    "-Infinity",
    "1e999999999",
    "1e-999999999",
    "9" * 5000,
    "1/" + "9" * 5000,
    "1/0",
    "0/0",
    "--1",
    "1_000",
    "0x10",
    "\u0661",
    "\u00bd",
    "1+1",
    "1/2/3",
    "1,5",
    "__import__('os').getcwd()",
    float("nan"),
    float("inf"),
    -float("inf"),
    np.nan,
    np.inf,
    True,
    False,
    np.bool_(True),
    1j,
    np.complex128(1),
    [1],
    (),
    {},
    set(),
    np.array([1.0]),
    np.array(0.5),
    np.eye(3),
    np.array([None]),
    object(),
    Shouting(),
    Broken(),
    abs,
    b"1",
    Decimal("NaN"),
    Decimal("sNaN"),
    Decimal("-Infinity"),
    Decimal("1e999999"),
    mpmath.mpf("nan"),
    mpmath.mpf("inf"),
    mpmath.mpc(1, 1),
    flint.arb(1),
    flint.acb(1),
    (i for i in range(3)),
    10**5000,
    -(10**5000),
    Fraction(1, 10**5000),
    1e300,
    5e-324,
]


@pytest.mark.parametrize("bad", NO_NUMBERS, ids=lambda bad: type(bad).__name__)
def test_anything_else_is_refused_in_one_line(bad: Any) -> None:
    with pytest.raises(ValueError, match=r"^x\[2\]: ") as refusal:
        rational(bad, "x[2]")
    message = str(refusal.value)
    assert "\n" not in message
    assert len(message) < 200


@given(st.fractions(min_value=-(10**6), max_value=10**6))
@DERANDOMISED
def test_text_reads_back(value: Fraction) -> None:
    value += Fraction(1, 10**70) if value == 0 else 0
    assert rational(text(value), "x") == value


@given(st.floats(allow_nan=False, allow_infinity=False).filter(lambda x: x == 0 or 1e-75 <= abs(x) <= 1e75))
@DERANDOMISED
def test_a_float_is_the_binary_number_that_it_is(value: float) -> None:
    assert rational(value, "x") == Fraction(*value.as_integer_ratio())


@given(st.integers(-(10**30), 10**30), st.integers(0, 30))
@DERANDOMISED
def test_decimals_are_exact(mantissa: int, places: int) -> None:
    digits = f"{abs(mantissa):0{places + 1}d}"
    sign = "-" if mantissa < 0 else ""
    whole, fraction = digits[: len(digits) - places], digits[len(digits) - places :]
    exact = Fraction(mantissa, 10**places)
    assert rational(f"{sign}{whole}.{fraction}", "x") == exact
    assert rational(f"{mantissa}e-{places}", "x") == exact


def test_lists() -> None:
    assert rationals(["1/3", 2, 0.5], "x") == (Fraction(1, 3), 2, Fraction(1, 2))
    assert rationals(np.array([0.5, 2.0]), "x") == (Fraction(1, 2), 2)
    assert rationals((i for i in (1, 2)), "x") == (1, 2)


@pytest.mark.parametrize(
    "bad",
    [None, "1", b"12", 3, {}, {1: 2}, np.array(0.5), Shouting(), 10**5000],
    ids=lambda bad: type(bad).__name__,
)
def test_what_is_no_list_is_refused(bad: Any) -> None:
    with pytest.raises(ValueError, match=r"^x: .* is not a list of numbers$"):
        rationals(bad, "x")


def test_the_bad_entry_of_a_list_is_named() -> None:
    with pytest.raises(ValueError, match=r"^x\[1\]: 'two' is not a number"):
        rationals([1, "two", "three"], "x")
    with pytest.raises(ValueError, match=r"^x: the list is empty$"):
        rationals([], "x")


@pytest.mark.parametrize("bad", [1.5, 3.0, "3", True, None, Fraction(3), np.eye(2), Shouting()])
def test_what_is_no_integer_is_refused(bad: Any) -> None:
    with pytest.raises(ValueError, match=r"^steps: .* is not an integer$"):
        integer(bad, "steps", 1)


def test_integers_have_limits() -> None:
    assert integer(np.int32(4), "steps", 1, 4) == 4
    with pytest.raises(ValueError, match=r"^steps: 0 is below 1$"):
        integer(0, "steps", 1)
    with pytest.raises(ValueError, match=r"^steps: 5 exceeds 4$"):
        integer(5, "steps", 1, 4)
    with pytest.raises(ValueError, match=r"^steps: .* exceeds 4$") as refusal:
        integer(10**5000, "steps", 1, 4)
    assert len(str(refusal.value)) < 200


@given(st.fractions().filter(bool))
@DERANDOMISED
def test_a_short_number_is_short_and_close(value: Fraction) -> None:
    line = short(value)
    assert len(line) <= 25
    assert abs(Fraction(line) - value) <= abs(value) * Fraction(1, 10**15)


def test_what_is_shown_is_one_short_line() -> None:
    for value in (Shouting(), Broken(), "x" * 10**6, np.eye(50), 10**5000, Fraction(1, 10**5000)):
        assert len(shown(value)) <= 60
        assert "\n" not in shown(value)
    for tiny in (Fraction(1, 10**5000), Fraction(10**5000)):
        assert len(short(tiny)) <= 25
