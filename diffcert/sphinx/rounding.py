"""Whether a decimal that an author wrote is a valid rounding of an enclosure, and which one would be.

What belongs here: exact arithmetic with the decimal ends of an enclosure. What does not: making one.

A number with its last digit at 10^e stands for x if |x - w| <= 10^e/2 (nearest), x <= w < x + 10^e (up)
or x - 10^e < w <= x (down). The enclosure [low, high] contains x and nothing more is known, so a
number is valid only if it stands for every point of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from math import ceil, floor
from typing import NamedTuple

__all__ = ["Enclosure", "complaint", "ends"]

_PARTS = re.compile(r"([-+]?)(\d*)(?:(\.)(\d*))?(?:([eE])([-+]?\d+))?", re.ASCII)


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


def _read(number: str) -> _Written:
    found = _PARTS.fullmatch(number)
    if found is None:
        raise ValueError(f"number: {number!r} is not a decimal")
    sign, before, _, after, _, power = found.groups()
    after, shift = after or "", int(power or 0)
    digits = int((before + after) or "0") * (-1 if sign == "-" else 1)
    unit = Fraction(10) ** (shift - len(after))
    exponent = number[number.lower().index("e") :] if power is not None else ""
    return _Written(digits * unit, unit, len(after), exponent)


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


def _replacement(written: _Written, enclosure: Enclosure, rounding: str) -> str | None:
    """The right number at the written precision, or at the best that the enclosure supports."""
    round_to = _ROUND[rounding]
    for places in range(written.places, -1, -1):
        unit = written.unit * 10 ** (written.places - places)
        low, high = round_to(enclosure.low / unit), round_to(enclosure.high / unit)
        if low == high:
            return _decimal(low, places, written.exponent)
    return None


_WORDS = {"nearest": "rounding", "up": "rounding up", "down": "rounding down"}


def complaint(number: str, enclosure: Enclosure, rounding: str) -> str | None:
    """What is wrong with a number as a rounding of an enclosure, with the right one; None if nothing."""
    written = _read(number)
    valid = [_stands_for(written, end, rounding) for end in enclosure]
    if all(valid):
        return None
    right = _replacement(written, enclosure, rounding)
    instead = f"write {right}" if right is not None else "the enclosure supports no digit of it"
    if any(valid) or enclosure.low <= written.value <= enclosure.high:
        return f"{number} has more digits than the enclosure supports; {instead}"
    value = _shown(enclosure)
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
