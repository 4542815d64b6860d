"""Exact numbers that read well: a ladder of nice values joined with simple fractions.

What belongs here: numbers alone. What does not: what they are numbers of (`targets`, `schedules`).

The first rung is the simplest: a failing example shrinks towards it. Every number is a Fraction, so that
sympy, mpmath and flint are given the same input.
"""

from __future__ import annotations

import math
from fractions import Fraction

from hypothesis import strategies as st

__all__ = ["EXTREMES", "LADDER", "MULTIPLES", "positive_numbers", "rounded", "shares"]


def _rungs(text: str) -> tuple[Fraction, ...]:
    return tuple(Fraction(word) for word in text.split())


LADDER = _rungs("1 2 1/2 3 1/3 4 1/4 5 1/5 10 1/10 3/2 2/3 7 100 1/100")
"""Everyday sizes of lengths, variances and signal-to-noise ratios."""

EXTREMES = _rungs("1000 1/1000 1e6 1e-6 1e12 1e-12")
"""Sizes at which rounding, cancellation and saturation show."""

MULTIPLES = _rungs("1 2 1/2 3/4 7/8 5/4 1/4 4 10 1/10 1/100 1/1000 40 100")
"""Where in units of the target's own scale things change: below, about and beyond it."""

LARGEST_DENOMINATOR = 16


def positive_numbers(extremes: bool = False) -> st.SearchStrategy[Fraction]:
    """Positive rationals: nice values, simple fractions up to 16, and on demand tiny and huge ones."""
    simple = st.fractions(Fraction(1, LARGEST_DENOMINATOR), 16, max_denominator=LARGEST_DENOMINATOR)
    choices = [st.sampled_from(LADDER), simple]
    return st.one_of(*choices, st.sampled_from(EXTREMES)) if extremes else st.one_of(*choices)


def shares(counts: list[int]) -> list[Fraction]:
    """Positive whole counts over their sum."""
    total = sum(counts)
    return [Fraction(count, total) for count in counts]


def rounded(value: float) -> Fraction:
    """A positive number to two significant digits, exactly."""
    exponent = math.floor(math.log10(value)) - 1
    return round(value / 10.0**exponent) * Fraction(10) ** exponent
