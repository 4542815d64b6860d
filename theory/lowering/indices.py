"""Indices and the limits of sums: integer combinations of symbols, and what they pick.

What belongs here: from an expression to an int (an array of them, row by row), and from an index to the
value that it picks. What does not: the sums themselves (`compiler`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import sympy as sp

from theory.lowering.elementary import Frame, LoweringError, is_ball

__all__ = ["integer_node", "picked", "span"]

_MOST_TERMS = 10_000_000


def integer_node(expression: sp.Expr, keys: Mapping[sp.Basic, str]) -> Callable[[Frame], Any]:
    """A function of the frame that gives an index or limit: an int, or an array of ints row by row.

    Raises LoweringError for anything but an integer combination of symbols.
    """
    if expression.is_Integer:
        constant = int(expression)
        return lambda frame: constant
    names = sorted(expression.free_symbols, key=str)
    offset = expression.subs(dict.fromkeys(names, 0))
    slopes = [expression.coeff(name) for name in names]
    linear = sum((c * name for c, name in zip(slopes, names, strict=True)), offset)
    if not (offset.is_Integer and all(c.is_Integer for c in slopes) and linear == expression):
        raise LoweringError(f"the index {expression} is not an integer combination of symbols")
    constant, factors = int(offset), [int(c) for c in slopes]

    def evaluate(frame: Frame) -> Any:
        total: Any = constant
        for factor, name in zip(factors, names, strict=True):
            if name in frame.indices:
                total = total + factor * frame.indices[name]
            elif name in keys:
                total = total + factor * _integer(frame, keys[name])
            else:
                raise LoweringError(f"the index {expression}: {name} has no value")
        return total

    return evaluate


def _integer(frame: Frame, key: str) -> Any:
    """The value of a quantity that serves as an index."""
    if key not in frame.integers:
        value = frame.values[key]
        frame.integers[key] = _as_ints(value, key) if frame.arrays else _as_int(value, key)
    return frame.integers[key]


def _as_int(value: Any, key: str) -> int:
    """The int that a number is; LoweringError if it is none or not exact."""
    if isinstance(value, int):
        return value
    try:
        number = value.unique_fmpz() if is_ball(value) else int(value)
    except (TypeError, ValueError, OverflowError):
        number = None
    if number is None or not value == number:
        raise LoweringError(f"{key} = {value} is used as an index and is not an exact integer")
    return int(number)


def _as_ints(value: Any, key: str) -> Any:
    """The int that all entries of an array are, or the array of ints."""
    found = np.unique(value)
    wrong = found[~(np.isfinite(found) & (found == np.floor(found)) & (abs(found) < 2**53))]
    if wrong.size:
        raise LoweringError(f"{key} = {wrong[0]} is used as an index and is not an exact integer")
    return int(found[0]) if found.size == 1 else np.asarray(value).astype(int)


def span(first: Any, last: Any) -> range:
    """The indices of a sum from `first` to `last`, of the longest row; empty for last < first."""
    if isinstance(first, int) and isinstance(last, int):
        low, high = first, last
    elif np.size(first) == 0 or np.size(last) == 0:
        return range(0)
    else:
        low, high = int(np.min(first)), int(np.max(last))
    if high - low >= _MOST_TERMS:
        raise LoweringError(f"a sum from {low} to {high}: more than {_MOST_TERMS} terms")
    return range(low, high + 1)


def picked(frame: Frame, expression: sp.Indexed, sequence: Any, place: Any) -> Any:
    """The value at an index; arrays have the index first, rows that have no such value hold NaN.

    Raises LoweringError for an index outside the values, unless rows differ in length.
    """
    length = len(sequence)
    if isinstance(place, np.ndarray):
        shape = np.broadcast_shapes(place.shape, sequence.shape[1:])
        rows = np.broadcast_to(sequence, (length, *shape))
        inside = (place >= 0) & (place < length)
        wanted = np.broadcast_to(np.where(inside, place, 0), shape)
        found = np.take_along_axis(rows, wanted[None], axis=0)[0]
        return frame.ops.where(inside, found, np.nan)
    if not 0 <= place < length:
        if frame.ragged:
            return np.nan
        raise LoweringError(f"{expression}: index {place} is outside 0..{length - 1}")
    return sequence[place]
