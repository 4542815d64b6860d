"""Single operations on the numbers of any system, with one meaning where they are not defined.

What belongs here: powers, logarithms, quotients, the greatest of several numbers. What does not:
expressions (`compiler`) and conditions (`conditions`).

A logarithm of a number that is not positive, an even root of a negative one, and what leaves the range of
machine numbers is NaN: no comparison with it is decided. An infinity that arose by overflow never comes
back as a number, since what would map it to one (1/x, exp) gives NaN. A division by exactly zero raises
ZeroDivisionError for single numbers; balls and arrays hold NaN there.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Protocol, TypeGuard

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import sympy as sp

__all__ = [
    "ArrayOperations",
    "Frame",
    "LoweringError",
    "Operations",
    "exponential",
    "exponential_minus_one",
    "finite",
    "greatest",
    "is_array_namespace",
    "is_ball",
    "logarithm",
    "logarithm_of_one_plus",
    "power",
    "power_minus_one",
    "reciprocal",
    "root",
    "undefined",
    "whole",
    "whole_power",
]

_MOST_FACTORS = 10_000


class Operations(Protocol):
    """The operations of one number system; its numbers support + - * / ** and mix with int.

    `expm1` may be missing: `exp(x) - 1` then takes its place.
    """

    @property
    def name(self) -> str: ...
    def precision(self) -> AbstractContextManager[None]: ...
    def number(self, value: int | Fraction) -> Any: ...
    def exp(self, x: Any) -> Any: ...
    def log(self, x: Any) -> Any: ...
    def log1p(self, x: Any) -> Any: ...
    def sqrt(self, x: Any) -> Any: ...
    def cos(self, x: Any) -> Any: ...
    def ceil(self, x: Any) -> Any: ...
    def pi(self) -> Any: ...
    def maximum(self, values: Sequence[Any]) -> Any: ...


class ArrayOperations(Operations, Protocol):
    """The operations of a number system whose numbers are numpy arrays, element by element."""

    def where(self, condition: Any, yes: Any, no: Any) -> Any: ...


class LoweringError(ValueError):
    """An expression contains something that has no meaning as a number here."""


@dataclass
class Frame:
    """One call: the number system, the values, the indices in force, and what is known so far.

    `known[depth]` holds the nodes that depend on the indices of the sums down to that depth,
    `integers` the quantities that serve as indices. For arrays `shape` is that of the result, and `ragged`
    says that the number of steps differs from row to row.
    """

    ops: Any
    values: Mapping[str, Any]
    indices: dict[sp.Symbol, int] = field(default_factory=dict)
    known: list[dict[int, Any]] = field(default_factory=lambda: [{}])
    integers: dict[str, Any] = field(default_factory=dict)
    arrays: bool = False
    ragged: bool = False
    shape: tuple[int, ...] = ()

    def within(self, depth: int) -> Frame:
        """The frame of a sum at that depth, which shares all that does not depend on its index."""
        known = [*self.known[:depth], {}]
        return replace(self, indices=dict(self.indices), known=known)


def is_ball(value: Any) -> bool:
    """Whether a number is an enclosure, which knows by itself where it is not defined."""
    return hasattr(value, "is_nan")


def undefined(ops: Operations) -> Any:
    """NaN in a number system."""
    return ops.number(0) * float("nan")


def finite(frame: Frame, value: Any) -> Any:
    """The value, machine numbers that are infinite replaced by NaN."""
    if frame.arrays:
        return frame.ops.where(np.isfinite(value), value, np.nan)
    return undefined(frame.ops) if isinstance(value, float) and value - value != 0 else value


def _inside(frame: Frame, x: Any, inside: Callable[[Any], Any], operation: Callable[[Any], Any]) -> Any:
    """The operation where its argument is inside its domain, NaN elsewhere."""
    if frame.arrays:
        return frame.ops.where(inside(x), operation(x), np.nan)
    if is_ball(x) or inside(x):
        return operation(x)
    return undefined(frame.ops)


def reciprocal(frame: Frame, x: Any) -> Any:
    """1/x; raises ZeroDivisionError for a single number that is zero."""
    if frame.arrays:
        x = np.asarray(x)
        return frame.ops.where((x != 0) & np.isfinite(x), 1 / x, np.nan)
    if isinstance(x, float):
        if x == 0:
            raise ZeroDivisionError("division by zero")
        if x - x != 0:
            return undefined(frame.ops)
    return frame.ops.number(1) / x


def exponential(frame: Frame, x: Any) -> Any:
    """exp(x)."""
    return finite(frame, frame.ops.exp(finite(frame, x)))


def exponential_minus_one(frame: Frame, x: Any) -> Any:
    """exp(x) - 1 without cancellation."""
    expm1 = getattr(frame.ops, "expm1", None)
    if expm1 is None:
        return exponential(frame, x) - 1
    return finite(frame, expm1(finite(frame, x)))


def logarithm(frame: Frame, x: Any) -> Any:
    """log(x), NaN unless x > 0."""
    return _inside(frame, x, lambda y: y > 0, frame.ops.log)


def logarithm_of_one_plus(frame: Frame, x: Any) -> Any:
    """log(1 + x) without cancellation, NaN unless x > -1."""
    return _inside(frame, x, lambda y: y > -1, frame.ops.log1p)


def root(frame: Frame, x: Any) -> Any:
    """The square root, NaN unless x >= 0."""
    return _inside(frame, x, lambda y: y >= 0, frame.ops.sqrt)


def greatest(frame: Frame, values: Sequence[Any]) -> Any:
    """The greatest of the numbers, NaN if one of them is."""
    if not frame.arrays:
        for value in values:
            if not is_ball(value) and value != value:
                return value
    return frame.ops.maximum(values)


def whole(value: Any) -> int | None:
    """An exponent that is exactly an integer of moderate size, as an int; None for any other."""
    if is_ball(value):
        exact = value.is_exact() and value.is_integer()
        number = int(value.unique_fmpz()) if exact else None
    else:
        number = int(value) if abs(value) <= _MOST_FACTORS and value == int(value) else None
    return number if number is not None and abs(number) <= _MOST_FACTORS else None


def whole_power(frame: Frame, base: Any, n: int) -> Any:
    """base^n by multiplication, which balls that contain 0 and negative numbers allow; 1 for n = 0."""
    if n < 0:
        return reciprocal(frame, whole_power(frame, base, -n))
    result, square = None, base
    while n:
        if n & 1:
            result = square if result is None else result * square
        n >>= 1
        if n:
            square = square * square
    return frame.ops.number(1) if result is None else result


def power(frame: Frame, base: Any, exponent: Any) -> Any:
    """base^exponent: exact where the exponent is a whole number, 0 for zero to a positive exponent.

    NaN for a negative base to any other exponent; raises ZeroDivisionError for a single number that is
    zero, to a negative exponent.
    """
    if frame.arrays or isinstance(base, float):
        return _machine_power(frame, base, exponent)
    n = whole(exponent)
    if n is not None:
        return whole_power(frame, base, n)
    if base == 0 and exponent > 0:
        return frame.ops.number(0)
    return exponential(frame, exponent * logarithm(frame, base))


def _machine_power(frame: Frame, base: Any, exponent: Any) -> Any:
    if not frame.arrays and base == 0 and exponent < 0:
        raise ZeroDivisionError("zero to a negative power")
    value = np.float_power(base, exponent)
    defined = np.isfinite(base) & np.isfinite(exponent) & np.isfinite(value)
    if frame.arrays:
        return frame.ops.where(defined, value, np.nan)
    return float(value) if defined else undefined(frame.ops)


def power_minus_one(frame: Frame, base: Any, exponent: Any) -> Any:
    """base^exponent - 1 without cancellation."""
    if frame.arrays:
        rate = exponent * logarithm(frame, base)
        plain = power(frame, base, exponent) - 1
        return frame.ops.where(abs(rate) < 1, exponential_minus_one(frame, rate), plain)
    if isinstance(base, float):
        rate = exponent * logarithm(frame, base)
        return exponential_minus_one(frame, rate) if abs(rate) < 1 else power(frame, base, exponent) - 1
    if whole(exponent) is not None or base == 0:
        return power(frame, base, exponent) - 1
    return exponential_minus_one(frame, exponent * logarithm(frame, base))


def is_array_namespace(ops: Operations) -> TypeGuard[ArrayOperations]:
    """Whether the numbers of a system are arrays."""
    return getattr(ops, "where", None) is not None
