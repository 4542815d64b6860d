"""Decimal text of enclosures, and exact copies of balls and rational matrices.

What belongs here: turning a ball or a float into text that never says more than it knows, and
copying or pickling exactly what flint does not. What does not: deciding anything (`verdict`).
"""

from __future__ import annotations

import copyreg
import math
from typing import Any

import flint

__all__ = ["ball_text", "certified_digits", "rebuild_ball", "rebuild_matrix"]

_GUARD_DIGITS = 6


def _scientific(number: int, exponent: int) -> str:
    """The exact decimal text of number * 10^exponent."""
    if number == 0:
        return "0"
    sign, digits = ("-" if number < 0 else ""), str(abs(number))
    exponent += len(digits) - 1
    digits = digits.rstrip("0") or "0"
    mantissa = digits[0] + ("." + digits[1:] if len(digits) > 1 else "")
    return f"{sign}{mantissa}" + (f"e{exponent}" if exponent else "")


def _positional(number: int, exponent: int) -> str:
    """Like `_scientific`, but without an exponent for numbers of everyday size; zeros are kept."""
    sign, digits = ("-" if number < 0 else ""), str(abs(number))
    point = len(digits) + exponent
    if exponent > 0 or point <= -4:
        mantissa = digits[0] + ("." + digits[1:] if len(digits) > 1 else "")
        return f"{sign}{mantissa}e{point - 1}"
    if exponent == 0:
        return sign + digits
    if point > 0:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    return f"{sign}0.{'0' * -point}{digits}"


def _decimal_ball(ball: Any, digits: int) -> tuple[int, int, int]:
    """Integers (m, r, e) such that the ball lies in [m - r, m + r] 10^e, with about `digits` digits."""
    middle, radius, exponent = ball.mid_rad_10exp(digits)
    return int(middle), int(radius), int(exponent)


def ball_text(ball: Any, digits: int) -> tuple[str, str]:
    """The midpoint and radius of a ball as decimal strings whose interval contains the ball.

    `digits` is the number of significant digits kept where the ball supports them; the radius has
    two or three digits, rounded up and never down. A ball that is not finite gives ("nan", "inf").
    """
    if not ball.is_finite():
        return "nan", "inf"
    middle, radius, exponent = _decimal_ball(ball, digits + _GUARD_DIGITS)
    shift = max(0, len(str(radius)) - 3)
    radius_up = -(-radius // 10**shift) if radius else 0
    return _scientific(middle, exponent), _scientific(radius_up, exponent + shift)


def _rounded(number: int, places: int) -> int:
    """number / 10^places to the nearest integer, halves away from zero."""
    if places <= 0:
        return int(number * 10**-places)
    unit = 10**places
    size = (2 * abs(number) + unit) // (2 * unit)
    return int(size if number >= 0 else -size)


def _certified_interval(middle: int, radius: int, exponent: int, digits: int) -> str:
    """The longest decimal, up to `digits` digits, that every point of the interval rounds to."""
    low, high = middle - radius, middle + radius
    if low == high == 0:
        return "0"
    size = len(str(max(abs(low), abs(high))))
    for kept in range(digits, 0, -1):
        places = size - kept
        nearest = _rounded(low, places)
        if nearest == _rounded(high, places) and nearest:
            return _positional(nearest, exponent + places)
    bound = max(abs(low), abs(high))
    places = max(0, len(str(bound)) - 2)
    return f"within {_scientific(-(-bound // 10**places), exponent + places)} of 0"


def certified_digits(value: Any, digits: int = 6, error: float = 0.0) -> str:
    """At most `digits` significant digits of a value, never one that its enclosure does not support.

    For a ball: the longest decimal that every point of the ball rounds to. For a float or an mpf:
    the same for the interval of half-width `error` around it.
    """
    if isinstance(value, flint.arb):
        if value.is_nan() or not value.is_finite():
            return "infinite" if value > 0 or value < 0 else "not determined"
        return _certified_interval(*_decimal_ball(value, digits + _GUARD_DIGITS), digits)
    number, half = float(value), abs(float(error))
    if not math.isfinite(number) or not math.isfinite(half):
        return "infinite" if math.isinf(number) and not math.isnan(half) else "not determined"
    return certified_digits(flint.arb(number, half), digits)


def rebuild_ball(middle: tuple[int, int], radius: tuple[int, int]) -> Any:
    """The ball with exactly this midpoint and radius, each given as (mantissa, binary exponent)."""
    return flint.arb(middle, radius)


def _reduce_ball(ball: Any) -> tuple[Any, ...]:
    if not ball.is_finite():
        infinite = "inf" if ball > 0 else "-inf" if ball < 0 else "nan"
        return flint.arb, (infinite if ball.is_exact() else "nan",)
    middle, radius = ball.mid().man_exp(), ball.rad().man_exp()
    return rebuild_ball, (
        (int(middle[0]), int(middle[1])),
        (int(radius[0]), int(radius[1])),
    )


copyreg.pickle(flint.arb, _reduce_ball)


def rebuild_matrix(rows: int, columns: int, entries: list[tuple[int, int]]) -> Any:
    """The rational matrix with these entries, row by row, each as (numerator, denominator)."""
    return flint.fmpq_mat(rows, columns, [flint.fmpq(*entry) for entry in entries])


def _reduce_matrix(matrix: Any) -> tuple[Any, ...]:
    entries = [(int(entry.p), int(entry.q)) for entry in matrix.entries()]
    return rebuild_matrix, (matrix.nrows(), matrix.ncols(), entries)


copyreg.pickle(flint.fmpq_mat, _reduce_matrix)
