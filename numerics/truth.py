"""What an evaluation returns, and how it can fail: enclosures and the engines' errors."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from fractions import Fraction
from html import escape
from typing import Any

import flint
import mpmath

from numerics.arithmetic import balls, mpmath_numbers
from numerics.exact import shown

__all__ = ["PrecisionError", "SpanError", "Truth"]


class PrecisionError(ArithmeticError):
    """The promised radius was not reached at the stated cost; the message says what was."""


class SpanError(ValueError):
    """The means span more dimensions than the engine covers."""


_OUTCOMES: dict[str, Callable[[Any, Any], tuple[Any, Any]]] = {
    "<=": lambda a, b: (a <= b, a > b),
    "<": lambda a, b: (a < b, a >= b),
    ">=": lambda a, b: (a >= b, a < b),
    ">": lambda a, b: (a > b, a <= b),
}
"""Whether a relation between two balls certainly holds, and whether it certainly fails."""


def _middle_and_radius(side: object) -> tuple[Any, Any] | None:
    """The exact middle of a Truth, ball or number as a ball, and its radius; None for anything else."""
    if isinstance(side, Truth):
        found = _middle_and_radius(side.value)
        return found if found is None or not side.error else (found[0], flint.arb(side.error))
    if isinstance(side, bool):
        return None
    if isinstance(side, flint.arb):
        return (side, 0) if side.is_nan() else (side.mid(), side.rad())
    if isinstance(side, Fraction):
        with balls(128 + side.numerator.bit_length() + side.denominator.bit_length()).precision():
            quotient = flint.arb(flint.fmpq(side.numerator, side.denominator))
        return quotient.mid(), quotient.rad()
    if isinstance(side, mpmath.mpf):
        if not mpmath.isfinite(side):
            return flint.arb(float(side)), 0
        return flint.arb((int(mpmath.sign(side)) * int(side.man), int(side.exp))), 0
    return (flint.arb(side), 0) if isinstance(side, int | float) else None


@dataclass(frozen=True)
class Truth:
    """The value of an error functional as an enclosure, with the engine and method that made it.

    `value` is a float (engine "fast"), a flint.arb ("certified": the ball itself is the enclosure)
    or an mpmath.mpf ("mpmath"). `error` is the error estimate of the first and last, and 0 for a
    ball. Values are in nats, or squared units of the means for mmse.

    `truth <= number` and its like are True or False only where that is certain of the whole enclosure
    (of value and error estimate, where there is no ball), and raise TypeError where the enclosures
    overlap: neither would be right. `==` compares records, not numbers.
    """

    functional: str
    value: Any
    error: float
    engine: str
    digits: int | None
    method: str
    notes: tuple[str, ...] = ()

    def _precision(self) -> AbstractContextManager[None]:
        """The working precision of an mpf; floats need none."""
        if not isinstance(self.value, mpmath.mpf):
            return nullcontext()
        return mpmath_numbers(2 * (self.digits or 15) + 15).precision()

    def lower(self) -> Any:
        """The lower end of the enclosure, a number of the engine's system (rounded outward for a ball)."""
        if isinstance(self.value, flint.arb):
            with balls(self.value.mid().bits() + 64).precision():
                return self.value.lower()
        with self._precision():
            return self.value - self.error

    def upper(self) -> Any:
        """The upper end of the enclosure, a number of the engine's system (rounded outward for a ball)."""
        if isinstance(self.value, flint.arb):
            with balls(self.value.mid().bits() + 64).precision():
                return self.value.upper()
        with self._precision():
            return self.value + self.error

    def __le__(self, other: object) -> bool:
        return self._compared("<=", other)

    def __lt__(self, other: object) -> bool:
        return self._compared("<", other)

    def __ge__(self, other: object) -> bool:
        return self._compared(">=", other)

    def __gt__(self, other: object) -> bool:
        return self._compared(">", other)

    def _compared(self, relation: str, other: object) -> bool:
        """Whether the relation certainly holds; NotImplemented for what is no number."""
        both = [_middle_and_radius(side) for side in (self, other)]
        if both[1] is None:
            unknown: bool = NotImplemented
            return unknown
        with balls(64 + max(side[0].bits() for side in both if side is not None)).precision():
            left, right = (side[0] + flint.arb(0, side[1]) for side in both if side is not None)
            certain, excluded = _OUTCOMES[relation](left, right)
        if not certain and not excluded:
            raise TypeError(
                f"{self.functional} {relation} {shown(other)}: the enclosures overlap, so this is neither"
                " true nor false; ask for more digits, or use diffcert.testing.assert_bound"
            )
        return bool(certain)

    def _repr_html_(self) -> str:
        """The enclosure as a table for notebooks, escaped, with nothing from elsewhere."""
        if isinstance(self.value, flint.arb):
            value = self.value.str(self.digits or 15)
        else:
            shortened = (
                f"{self.value:.15g}" if self.digits is None else mpmath.nstr(self.value, self.digits)
            )
            value = f"{shortened} ± {float(self.error):.1e}"
        precision = "machine numbers" if self.digits is None else f"{self.digits} digits"
        rows = {self.functional: value, "engine": f"{self.engine}, {precision}", "method": self.method}
        rows |= {"note": "; ".join(self.notes)} if self.notes else {}
        cells = (f"<tr><th>{escape(key)}</th><td>{escape(word)}</td></tr>" for key, word in rows.items())
        return f"<table>{''.join(cells)}</table>"

    @property
    def radius(self) -> Any:
        """Half the length of the enclosure: rigorous for a ball, an estimate otherwise."""
        if isinstance(self.value, flint.arb):
            return self.value.rad()
        return mpmath.mpf(self.error) if isinstance(self.value, mpmath.mpf) else self.error
