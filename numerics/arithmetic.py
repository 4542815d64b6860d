"""The three number systems behind one small protocol, with the precision as an argument.

What belongs here: operations and precision. What does not: any formula of the subject.

`flint.ctx` and `mpmath.mp` are process-wide and shared by threads: `precision()` sets them under one
lock and restores them, so that no result depends on what a caller left there.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

import flint
import mpmath
import numpy as np

__all__ = ["ARRAYS", "FLOATS", "Arithmetic", "balls", "bits_for", "mpmath_numbers", "to_ball"]

_LOCK = threading.RLock()


class Arithmetic(Protocol):
    """Operations of one number system; its numbers support + - * / ** and mix with int."""

    @property
    def name(self) -> str: ...
    def precision(self) -> AbstractContextManager[None]: ...
    def number(self, value: int | Fraction) -> Any: ...
    def exp(self, x: Any) -> Any: ...
    def log(self, x: Any) -> Any: ...
    def log1p(self, x: Any) -> Any: ...
    def expm1(self, x: Any) -> Any: ...
    def sqrt(self, x: Any) -> Any: ...
    def cos(self, x: Any) -> Any: ...
    def ceil(self, x: Any) -> Any: ...
    def pi(self) -> Any: ...
    def maximum(self, values: Sequence[Any]) -> Any: ...


@contextmanager
def _ball_precision(bits: int) -> Iterator[None]:
    with _LOCK:
        before = flint.ctx.prec
        try:
            flint.ctx.prec = bits
            yield
        finally:
            flint.ctx.prec = before


@contextmanager
def _mpmath_precision(digits: int) -> Iterator[None]:
    with _LOCK:
        before = mpmath.mp.prec
        try:
            mpmath.mp.dps = digits
            yield
        finally:
            mpmath.mp.prec = before


def to_ball(value: Any) -> flint.arb:
    """The ball that encloses an int, Fraction, float (as the binary number it is) or ball."""
    if isinstance(value, Fraction):
        return flint.arb(flint.fmpq(value.numerator, value.denominator))
    return flint.arb(value)


@dataclass(frozen=True)
class _Balls:
    """Real balls (python-flint's arb) at a working precision in bits."""

    bits: int
    name: str = "ball"

    def precision(self) -> AbstractContextManager[None]:
        return _ball_precision(self.bits)

    def number(self, value: int | Fraction) -> Any:
        return to_ball(value)

    def exp(self, x: Any) -> Any:
        return x.exp()

    def log(self, x: Any) -> Any:
        return x.log()

    def log1p(self, x: Any) -> Any:
        return x.log1p()

    def expm1(self, x: Any) -> Any:
        return x.expm1()

    def sqrt(self, x: Any) -> Any:
        return x.sqrt()

    def cos(self, x: Any) -> Any:
        return x.cos()

    def ceil(self, x: Any) -> Any:
        return x.ceil()

    def pi(self) -> Any:
        return flint.arb.pi()

    def maximum(self, values: Sequence[Any]) -> Any:
        largest = values[0]
        for value in values[1:]:
            largest = largest.max(value)
        return largest


@dataclass(frozen=True)
class _Mpmath:
    """Arbitrary-precision floating point (mpmath's mpf) at a working precision in digits."""

    digits: int
    name: str = "mpmath"

    def precision(self) -> AbstractContextManager[None]:
        return _mpmath_precision(self.digits)

    def number(self, value: int | Fraction) -> Any:
        return mpmath.mpf(value.numerator) / value.denominator

    def exp(self, x: Any) -> Any:
        return mpmath.exp(x)

    def log(self, x: Any) -> Any:
        return mpmath.log(x) if x >= 0 else mpmath.nan

    def log1p(self, x: Any) -> Any:
        return mpmath.log1p(x) if x >= -1 else mpmath.nan

    def expm1(self, x: Any) -> Any:
        return mpmath.expm1(x)

    def sqrt(self, x: Any) -> Any:
        return mpmath.sqrt(x) if x >= 0 else mpmath.nan

    def cos(self, x: Any) -> Any:
        return mpmath.cos(x)

    def ceil(self, x: Any) -> Any:
        return mpmath.ceil(x)

    def pi(self) -> Any:
        return +mpmath.pi

    def maximum(self, values: Sequence[Any]) -> Any:
        undefined = [value for value in values if value != value]
        return undefined[0] if undefined else max(values)


@dataclass(frozen=True)
class _Floats:
    """Machine numbers; works on numpy arrays, element by element."""

    name: str = "float"

    def precision(self) -> AbstractContextManager[None]:
        return nullcontext()

    def number(self, value: int | Fraction) -> Any:
        return float(value)

    def exp(self, x: Any) -> Any:
        return np.exp(x)

    def log(self, x: Any) -> Any:
        return np.log(x)

    def log1p(self, x: Any) -> Any:
        return np.log1p(x)

    def expm1(self, x: Any) -> Any:
        return np.expm1(x)

    def sqrt(self, x: Any) -> Any:
        return np.sqrt(x)

    def cos(self, x: Any) -> Any:
        return np.cos(x)

    def ceil(self, x: Any) -> Any:
        return np.ceil(x)

    def pi(self) -> Any:
        return float(np.pi)

    def maximum(self, values: Sequence[Any]) -> Any:
        largest = values[0]
        for value in values[1:]:
            largest = np.maximum(largest, value)
        return largest


@dataclass(frozen=True)
class _Arrays(_Floats):
    """Arrays of machine numbers, many instances at once; what is not defined is NaN, without a warning."""

    name: str = "array"

    def precision(self) -> AbstractContextManager[None]:
        return np.errstate(all="ignore")

    def number(self, value: int | Fraction) -> Any:
        try:
            return float(value)
        except OverflowError:
            return float("nan")

    def where(self, condition: Any, yes: Any, no: Any) -> Any:
        return np.where(condition, yes, no)


FLOATS = _Floats()
"""The fast tier's number system."""

ARRAYS = _Arrays()
"""The fast tier's number system for many instances at once."""


def balls(bits: int) -> _Balls:
    """The certified tier's number system at a working precision of `bits` bits."""
    return _Balls(bits)


def mpmath_numbers(digits: int) -> _Mpmath:
    """The independent tier's number system at a working precision of `digits` digits."""
    return _Mpmath(digits)


def bits_for(digits: float) -> int:
    """The number of bits that hold `digits` decimal digits."""
    return int(digits * 3.3219280948873626) + 1
