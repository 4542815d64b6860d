"""Whether a decimal that an author wrote is a valid rounding of an enclosure, and which one would be.

What belongs here: exact arithmetic with the decimal ends of an enclosure. What does not: making one.

A number with its last digit at 10^e stands for x if |x - w| <= 10^e/2 (nearest), x <= w < x + 10^e (up)
or x - 10^e < w <= x (down). The enclosure [low, high] contains x and nothing more is known, so a
number is valid only if it stands for every point of it. A percent sign makes x a hundred times itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from math import ceil, floor
from typing import NamedTuple

__all__ = ["Enclosure", "complaint", "ends"]

_PARTS = re.compile(r"([-+]?)(\d*)(?:(\.)(\d*))?(?:([eE])([-+]?\d+))?(\s?%)?", re.ASCII)
_LONGEST = 100
"""Digits beyond which a number is written with an exponent."""
_FURTHER = 3
"""Digits beyond those written that are tried where they tell two roundings apart."""


class Enclosure(NamedTuple):
    """An interval with exact ends."""

    low: Fraction
    high: Fraction


def ends(middle: str, radius: str) -> Enclosure | None:
    """The interval of a midpoint and radius in decimals, or None where it is not finite."""
    if middle == "nan" or radius in ("inf", "nan"):
        return None
    centre, half = Fraction(middle), Fraction(radius)
    return Enclosure(centre - half, centre + half)


class _Written(NamedTuple):
    value: Fraction
    unit: Fraction
    places: int
    """Digits after the point."""
    exponent: str
    """The exponent as it is written, or ""."""
    percent: str
    """The percent sign as it is written, or ""."""

    @property
    def digits(self) -> int:
        """The significant digits that are written, at least one."""
        return len(str(abs(int(self.value / self.unit))))


def _read(number: str) -> _Written:
    found = _PARTS.fullmatch(number)
    if found is None:
        raise ValueError(f"number: {number!r} is not a decimal")
    sign, before, _, after, letter, power, percent = found.groups()
    after, shift = after or "", int(power or 0)
    digits = int((before + after) or "0") * (-1 if sign == "-" else 1)
    unit = Fraction(10) ** (shift - len(after))
    exponent = f"{letter}{power}" if power is not None else ""
    return _Written(digits * unit, unit, len(after), exponent, percent or "")


def _nearest(x: Fraction) -> int:
    """The nearest integer, halves away from zero."""
    return floor(x + Fraction(1, 2)) if x >= 0 else ceil(x - Fraction(1, 2))


_ROUND: dict[str, Callable[[Fraction], int]] = {"nearest": _nearest, "up": ceil, "down": floor}


def _stands_for(written: _Written, x: Fraction, rounding: str) -> bool:
    if rounding == "up":
        return x <= written.value < x + written.unit
    if rounding == "down":
        return x - written.unit < written.value <= x
    return abs(x - written.value) <= written.unit / 2


def _decimal(count: int, places: int, exponent: str) -> str:
    """`count` units in the last of `places` digits after the point."""
    sign, digits = ("-" if count < 0 else ""), str(abs(count)).rjust(places + 1, "0")
    whole, part = (digits[:-places], digits[-places:]) if places else (digits, "")
    return f"{sign}{whole}{'.' + part if part else ''}{exponent}"


def _is_far(written: _Written, count: int) -> bool:
    """Whether a number of `count` units has another order of magnitude than what is written."""
    length = len(str(abs(count)))
    odd = not count or length > written.digits + _FURTHER
    return length > _LONGEST or (written.exponent != "" and odd)


def _scientific(written: _Written, enclosure: Enclosure, rounding: str) -> str | None:
    """The right number with as many digits as are written, and an exponent of its own."""
    largest = max(map(abs, enclosure))
    if not largest:
        return None
    power = len(str(largest.numerator)) - len(str(largest.denominator))
    power -= largest < Fraction(10) ** power
    unit = Fraction(10) ** (power - written.digits + 1)
    low, high = (_ROUND[rounding](end / unit) for end in enclosure)
    if low != high or not low:
        return None
    return _decimal(low, written.digits - 1, f"e{power}") + written.percent


def _replacement(written: _Written, enclosure: Enclosure, rounding: str) -> str | None:
    """The right number at the written precision, or at the nearest that the enclosure supports.

    A few digits more decide what lies on the border of two roundings; otherwise there are fewer.
    """

    def rounded(places: int, how: str) -> int | None:
        unit = written.unit * Fraction(10) ** (written.places - places)
        low, high = (_ROUND[how](end / unit) for end in enclosure)
        return low if low == high else None

    first = range(written.places, written.places + 1 + _FURTHER)
    for places in (*first, *range(written.places - 1, -1, -1)):
        count = rounded(places, rounding)
        if count is not None and (count or places >= written.places):
            if _is_far(written, count) and (other := _scientific(written, enclosure, rounding)):
                return other
            return _decimal(count, places, written.exponent) + written.percent
    if rounding != "nearest" and (count := rounded(written.places, "nearest")) is not None:
        return f"= {_decimal(count, written.places, written.exponent)}{written.percent}"
    shift = int(written.exponent[1:] or 0)
    longest = len(str(int(max(map(abs, enclosure)) / written.unit)))
    for zeros in range(1, longest):
        if count := rounded(-zeros, rounding):
            return f"{count}e{zeros + shift}{written.percent}"
    return None


_WORDS = {"nearest": "rounding", "up": "rounding up", "down": "rounding down"}


def complaint(number: str, enclosure: Enclosure, rounding: str) -> str | None:
    """What is wrong with a number as a rounding of an enclosure, with the right one; None if nothing."""
    written = _read(number)
    if written.percent:
        enclosure = Enclosure(100 * enclosure.low, 100 * enclosure.high)
    valid = [_stands_for(written, end, rounding) for end in enclosure]
    minus = number.startswith("-") and written.value == 0 and enclosure.low >= 0
    if all(valid) and not minus:
        return None
    right = _replacement(written, enclosure, rounding)
    instead = f"write {right}" if right is not None else "the enclosure supports no digit of it"
    if not minus and (any(valid) or enclosure.low <= written.value <= enclosure.high):
        return f"{number} has more digits than the enclosure supports; {instead}"
    value = _shown(enclosure) + written.percent
    return f"{number} is not a valid {_WORDS[rounding]} of {value}; {instead}"


def _shown(enclosure: Enclosure) -> str:
    """About twelve digits of the middle of an enclosure."""
    middle = (enclosure.low + enclosure.high) / 2
    if middle == 0:
        return "0"
    exponent = len(str(abs(middle.numerator))) - len(str(middle.denominator))
    unit = Fraction(10) ** (exponent - 11)
    count = floor(abs(middle) / unit)
    sign, digits = ("-" if middle < 0 else ""), str(count)
    power = exponent - 11 + len(digits) - 1
    dots = "" if count * unit == abs(middle) else "..."
    digits = digits if dots else (digits.rstrip("0") or "0")
    if -5 <= power <= 11:
        if power < 0:
            return f"{sign}0.{'0' * (-power - 1)}{digits}{dots}"
        digits = digits.ljust(power + 1, "0")
        part = digits[power + 1 :]
        return f"{sign}{digits[: power + 1]}{'.' + part if part else ''}{dots}"
    return f"{sign}{digits[0]}{'.' + digits[1:] if len(digits) > 1 else ''}{dots}e{power}"
