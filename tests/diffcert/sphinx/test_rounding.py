"""Numbers in the text, against the definition of rounding."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as some

from diffcert.sphinx import syntax
from diffcert.sphinx.rounding import Enclosure, complaint, ends

_ROUNDINGS = ("nearest", "up", "down")
EXACT = Fraction(386996798, 10**10)


def _at(low: object, high: object | None = None) -> Enclosure:
    return Enclosure(Fraction(str(low)), Fraction(str(low if high is None else high)))


@pytest.mark.parametrize(
    "number", ["0.0387", "0.038700", "0.03869968", "3.87e-2", "0.04", "4e-2", "0", ".0387"]
)
def test_valid(number: str):
    assert complaint(number, Enclosure(EXACT, EXACT), "nearest") is None


@pytest.mark.parametrize(
    ("number", "rounding", "instead"),
    [
        ("0.0386", "nearest", "not a valid rounding of 0.0386996798; write 0.0387"),
        ("0.0388", "up", "not a valid rounding up of 0.0386996798; write 0.0387"),
        ("0.0387", "down", "not a valid rounding down of 0.0386996798; write 0.0386"),
        ("0.038699", "up", "write 0.038700"),
        ("3.88e-2", "nearest", "write 3.87e-2"),
        ("-0.0387", "nearest", "write 0.0387"),
        ("1", "nearest", "write 0"),
    ],
)
def test_the_replacement(number: str, rounding: str, instead: str):
    said = complaint(number, Enclosure(EXACT, EXACT), rounding)
    assert said is not None
    assert instead in said
    replacement = said.rpartition("write ")[2]
    assert complaint(replacement, Enclosure(EXACT, EXACT), rounding) is None


def test_a_number_with_more_digits_than_are_known():
    wide = _at("0.1234", "0.1236")
    assert complaint("0.12", wide, "nearest") is None
    said = complaint("0.1235", wide, "nearest")
    assert said == "0.1235 has more digits than the enclosure supports; write 0.12"
    assert "no digit" in str(complaint("1", _at("-3", "5"), "nearest"))


TINY = Fraction(1, 10**40)


@pytest.mark.parametrize(
    ("number", "middle", "radius", "rounding", "said"),
    [
        ("0.10", "0.1", 0, "nearest", None),
        ("0.00", 0, 0, "up", None),
        ("3.87%", "0.0386996", 0, "nearest", None),
        ("3.9 %", "0.0386996", 0, "nearest", None),
        ("4%", "0.0386996", 0, "down", "4% is not a valid rounding down of 3.86996%; write 3%"),
        ("-2.5", "-2.45", 0, "up", "write -2.4"),
        ("-2.4", "-2.45", 0, "down", "write -2.5"),
        ("-0.0", "-0.01", 0, "nearest", None),
        ("-0.0", "0.01", 0, "nearest", "-0.0 is not a valid rounding of 0.01; write 0.0"),
        ("0.2", "1/4", 0, "nearest", None),
        ("0.3", "1/4", 0, "nearest", None),
        ("0.3", "1/4", TINY, "nearest", "write 0.25"),
        ("2", 2, TINY, "up", "2 has more digits than the enclosure supports; write = 2"),
        ("1235", 1235, 1, "nearest", "write 12e2"),
        ("1.5e3", 1235, 1, "nearest", "write 1.2e3"),
        ("1e999", "0.3", 0, "nearest", "write 3e-1"),
        ("1e-999", "0.3", 0, "up", "write 3e-1"),
        ("5", 10**300, 0, "nearest", "write 1e300"),
        ("0.3333333333", "1/3", "1e-3", "nearest", "supports; write 0.33"),
    ],
)
def test_edges(number: str, middle: object, radius: object, rounding: str, said: str | None):
    about, half = Fraction(str(middle)), Fraction(str(radius))
    enclosure = Enclosure(about - half, about + half)
    complained = complaint(number, enclosure, rounding)
    if said is None:
        assert complained is None
        return
    assert complained is not None
    assert complained.endswith(said)
    right = complained.rpartition("write ")[2]
    quoted = syntax.quoted(f"{right} <name>")
    assert complaint(quoted.number, enclosure, quoted.rounding or rounding) is None


@given(
    digits=some.integers(-(10**9), 10**9),
    places=some.integers(0, 12),
    radius=some.fractions(0, 1, max_denominator=10**6),
    shrink=some.integers(0, 30),
    number=some.from_regex(
        r"-?\d{1,4}(\.\d{0,5})?([eE]-?\d)?( ?%)?", fullmatch=True, alphabet="0123456789.-eE %"
    ),
    rounding=some.sampled_from(sorted(_ROUNDINGS)),
)
def test_what_a_message_says_instead_is_right(
    digits: int, places: int, radius: Fraction, shrink: int, number: str, rounding: str
):
    middle, half = Fraction(digits, 10**places), radius / 10**shrink
    enclosure = Enclosure(middle - half, middle + half)
    said = complaint(number, enclosure, rounding)
    if said is None or "write " not in said:
        return
    quoted = syntax.quoted(f"{said.rpartition('write ')[2]} <name>")
    assert complaint(quoted.number, enclosure, quoted.rounding or rounding) is None


def test_ends_of_an_enclosure():
    assert ends("1.5e-3", "1e-5") == (Fraction(149, 10**5), Fraction(151, 10**5))
    assert ends("nan", "inf") is None


_DIRECTIONS = {"nearest": ROUND_HALF_UP, "up": ROUND_CEILING, "down": ROUND_FLOOR}


@given(
    value=some.decimals(-1000, 1000, places=9),
    places=some.integers(0, 8),
    rounding=some.sampled_from(sorted(_DIRECTIONS)),
)
def test_against_the_decimal_module(value: Decimal, places: int, rounding: str):
    right = value.quantize(Decimal(1).scaleb(-places), _DIRECTIONS[rounding])
    exact = Enclosure(Fraction(value), Fraction(value))
    assert complaint(f"{right:f}", exact, rounding) is None
    for wrong in (right + Decimal(1).scaleb(-places) * 2, right - Decimal(1).scaleb(-places) * 2):
        said = complaint(f"{wrong:f}", exact, rounding)
        assert said is not None
        assert Fraction(said.rpartition("write ")[2]) == Fraction(right)
