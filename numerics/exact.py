"""Exact numbers in: what a user wrote, as a Fraction, or one clear ValueError.

Everything that enters the package as a number passes through here, once. Nothing is ever evaluated.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from numbers import Integral, Rational, Real
from typing import Any, TypeAlias

__all__ = ["Exact", "integer", "rational", "rationals", "text"]

Exact: TypeAlias = int | str | float | Fraction | Decimal
"""What a user may write for a number; a float is the binary number that it is."""

LARGEST_EXPONENT = 4000
"""Bound on decimal exponents and digits, so that no short input makes a long computation."""

_DECIMAL = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE]([+-]?\d+))?", re.ASCII)
_QUOTIENT = re.compile(r"[+-]?\d+\s*/\s*\d+", re.ASCII)


def _from_string(value: str, name: str) -> Fraction:
    stripped = value.strip()
    shown = stripped if len(stripped) <= 40 else stripped[:37] + "..."
    if len(stripped) > LARGEST_EXPONENT:
        raise ValueError(f"{name}: {shown!r} has more than {LARGEST_EXPONENT} characters")
    if _QUOTIENT.fullmatch(stripped):
        numerator, denominator = (int(part) for part in stripped.split("/"))
        if denominator == 0:
            raise ValueError(f"{name}: {shown!r} divides by zero")
        return Fraction(numerator, denominator)
    decimal = _DECIMAL.fullmatch(stripped)
    if decimal is None:
        raise ValueError(f"{name}: {shown!r} is not a number (write 3, 1/3, 0.05 or 1e-3)")
    exponent = decimal.group(4)
    if exponent is not None and (len(exponent) > 8 or abs(int(exponent)) > LARGEST_EXPONENT):
        raise ValueError(f"{name}: the exponent of {shown!r} exceeds {LARGEST_EXPONENT}")
    return Fraction(stripped)


def rational(value: Any, name: str) -> Fraction:
    """The exact value of a number given as int, Fraction, Decimal, decimal string, "p/q" or float.

    A float (also a numpy one) is taken as the binary number that it is.
    Raises ValueError, in one line naming the argument, for anything else, NaN and infinities.
    """
    if isinstance(value, Fraction):
        return value
    if isinstance(value, str):
        return _from_string(value, name)
    if isinstance(value, bool):
        raise ValueError(f"{name}: {value!r} is not a number")
    if isinstance(value, Integral | Rational):
        return Fraction(int(value.numerator), int(value.denominator))
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError(f"{name}: {value} is not finite")
        return _from_string(str(value), name)
    if isinstance(value, Real):
        number = float(value)
        if not math.isfinite(number):
            raise ValueError(f"{name}: {number} is not finite")
        return Fraction(number)
    shown = repr(value)
    raise ValueError(f"{name}: {shown[:60]} is not a number")


def rationals(values: Any, name: str) -> tuple[Fraction, ...]:
    """The exact values of a non-empty list of numbers; ValueError naming the first bad entry."""
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise ValueError(f"{name}: {values!r} is not a list of numbers")
    result = tuple(rational(value, f"{name}[{i}]") for i, value in enumerate(values))
    if not result:
        raise ValueError(f"{name}: the list is empty")
    return result


def integer(value: Any, name: str, least: int, most: int | None = None) -> int:
    """An integer between `least` and `most`, or a ValueError that names the argument and the rule."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise ValueError(f"{name}: {value!r} is not an integer")
    number = int(value)
    if number < least:
        raise ValueError(f"{name}: {number} is below {least}")
    if most is not None and number > most:
        raise ValueError(f"{name}: {number} exceeds {most}")
    return number


def text(value: Fraction) -> str:
    """The string that reads back as exactly this number: an integer or "p/q"."""
    return str(value)
