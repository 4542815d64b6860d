"""What an evaluation returns, and how it can fail: enclosures and the engines' errors."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from html import escape
from typing import Any

import flint
import mpmath

from numerics.arithmetic import balls, mpmath_numbers

__all__ = ["PrecisionError", "SpanError", "Truth"]


class PrecisionError(ArithmeticError):
    """The promised radius was not reached at the stated cost; the message says what was."""


class SpanError(ValueError):
    """The means span more dimensions than the engine covers."""


@dataclass(frozen=True)
class Truth:
    """The value of an error functional as an enclosure, with the engine and method that made it.

    `value` is a float (engine "fast"), a flint.arb ("certified": the ball itself is the enclosure)
    or an mpmath.mpf ("mpmath"). `error` is the error estimate of the first and last, and 0 for a
    ball. Values are in nats, or squared units of the means for mmse.
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

    def _repr_html_(self) -> str:
        """The enclosure as a table for notebooks, escaped, with nothing from elsewhere."""
        value = str(self.value) if isinstance(self.value, flint.arb) else f"{self.value} ± {self.error:.1e}"
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
