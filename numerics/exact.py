"""Exact numbers in: what a user wrote, as a Fraction, or one clear ValueError.

Everything that enters the package as a number passes through here, once. Nothing is ever evaluated.
"""

from __future__ import annotations

import json
import math
import re
from decimal import Decimal
from fractions import Fraction
from numbers import Integral, Rational, Real
from typing import Any, TypeAlias

import numpy as np

__all__ = [
    "Exact",
    "choice",
    "integer",
    "items",
    "parse_json",
    "rational",
    "rationals",
    "short",
    "shown",
    "text",
]

Exact: TypeAlias = int | str | float | Fraction | Decimal
"""What a user may write for a number; a float is the binary number that it is."""

MOST_CHARACTERS = 2000
"""Bound on the length of a number, so that no input makes a long computation."""

LARGEST_EXPONENT = 75
"""Numbers other than 0 and weights lie between 1e-75 and 1e75: products of four stay in range."""

_DECIMAL = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE]([+-]?\d+))?", re.ASCII)
_QUOTIENT = re.compile(r"[+-]?\d+\s*/\s*\d+", re.ASCII)


def shown(value: Any) -> str:
    """A value as it may stand in a message: one line, at most 60 characters."""
    try:
        line = " ".join((text(value) if isinstance(value, Fraction) else repr(value)).split())
    except Exception:  # a repr may raise anything
        line = f"<{type(value).__name__}>"
    return line if len(line) <= 60 else line[:57] + "..."


def _parse(value: str, name: str) -> Fraction:
    stripped = value.strip()
    if len(stripped) > MOST_CHARACTERS:
        raise ValueError(f"{name}: {shown(stripped)} has more than {MOST_CHARACTERS} characters")
    if _QUOTIENT.fullmatch(stripped):
        numerator, denominator = (int(part) for part in stripped.split("/"))
        if denominator == 0:
            raise ValueError(f"{name}: {shown(stripped)} divides by zero")
        return Fraction(numerator, denominator)
    decimal = _DECIMAL.fullmatch(stripped)
    if decimal is None:
        raise ValueError(f"{name}: {shown(value)} is not a number (write 3, 1/3, 0.05 or 1e-3)")
    exponent = decimal.group(4)
    if exponent is not None and (len(exponent) > 8 or abs(int(exponent)) > MOST_CHARACTERS):
        raise ValueError(f"{name}: the exponent of {shown(stripped)} exceeds {MOST_CHARACTERS}")
    return Fraction(stripped)


def _from_real(value: Any, name: str) -> Fraction:
    mantissa = getattr(value, "_mpf_", None)
    if mantissa is not None:
        sign, man, exponent, _ = mantissa
        if not man and exponent:
            raise ValueError(f"{name}: {shown(value)} is not finite")
        if abs(exponent) > 4 * MOST_CHARACTERS:
            raise ValueError(f"{name}: the exponent of {shown(value)} is out of range")
        whole = -int(man) if sign else int(man)
        return Fraction(whole << exponent) if exponent > 0 else Fraction(whole, 1 << -exponent)
    if not math.isfinite(value):
        raise ValueError(f"{name}: {shown(value)} is not finite")
    return Fraction(*(int(part) for part in value.as_integer_ratio()))


def rational(value: Any, name: str, exponent: int = LARGEST_EXPONENT) -> Fraction:
    """The exact value of a number given as int, Fraction, Decimal, decimal string, "p/q" or float.

    A float (also a numpy or mpmath one) is taken as the binary number that it is. Raises ValueError, in
    one line naming the argument, for anything else, NaN and infinities, and for a number other than 0
    outside 10^-exponent ... 10^exponent.
    """
    if isinstance(value, str):
        number = _parse(value, name)
    elif isinstance(value, bool | np.bool_):
        raise ValueError(f"{name}: {shown(value)} is not a number")
    elif isinstance(value, Integral | Rational):
        number = Fraction(int(value.numerator), int(value.denominator))
    elif isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError(f"{name}: {value} is not finite")
        number = _parse(str(value), name)
    elif isinstance(value, Real) or hasattr(value, "_mpf_"):
        number = _from_real(value, name)
    else:
        raise ValueError(f"{name}: {shown(value)} is not a number")
    if number and not Fraction(1, 10**exponent) <= abs(number) <= 10**exponent:
        raise ValueError(f"{name}: {shown(value)} is not between 1e-{exponent} and 1e{exponent} in size")
    return number


def items(values: Any, name: str) -> list[Any]:
    """The entries of a non-empty list, tuple, array or other iterable; ValueError for anything else."""
    try:
        entries = None if isinstance(values, str | bytes | dict) else list(values)
    except TypeError:
        entries = None
    if entries is None:
        raise ValueError(f"{name}: {shown(values)} is not a list of numbers")
    if not entries:
        raise ValueError(f"{name}: the list is empty")
    return entries


def rationals(values: Any, name: str, exponent: int = LARGEST_EXPONENT) -> tuple[Fraction, ...]:
    """The exact values of a non-empty list of numbers; ValueError naming the first bad entry."""
    return tuple(rational(value, f"{name}[{i}]", exponent) for i, value in enumerate(items(values, name)))


def integer(value: Any, name: str, least: int, most: int | None = None) -> int:
    """An integer between `least` and `most`, or a ValueError that names the argument and the rule."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise ValueError(f"{name}: {shown(value)} is not an integer")
    number = int(value)
    if number < least:
        raise ValueError(f"{name}: {shown(number)} is below {least}")
    if most is not None and number > most:
        raise ValueError(f"{name}: {shown(number)} exceeds {most}")
    return number


def choice(value: Any, name: str, allowed: tuple[str, ...]) -> str:
    """One of the allowed words, or a ValueError that lists them."""
    if not isinstance(value, str) or value not in allowed:
        raise ValueError(f"{name}: {shown(value)} is none of {', '.join(allowed)}")
    return value


def text(value: Fraction) -> str:
    """The string that reads back as exactly this number: an integer or "p/q"."""
    return str(value)


def short(value: Fraction) -> str:
    """The number in at most 24 characters, rounded if need be."""
    if max(abs(value.numerator), value.denominator) < 10**12:
        return text(value)
    if Fraction(1, 10**300) < abs(value) < 10**300:
        return repr(float(value))
    return shown(value)[:24]


def parse_json(source: Any, name: str) -> Any:
    """The data of a JSON text, bare numbers with a point or exponent as exact decimal strings."""
    if not isinstance(source, str):
        raise ValueError(f"{name}: {shown(source)} is not JSON text")
    try:
        return json.loads(source, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{name}: not JSON: {' '.join(str(error).split())[:80]}") from None
