"""Statements with an implied constant, looked at along ladders of exact instances.

What belongs here: what a rate is asked about (`ladder`), what is measured (`quantities`), what is read off
(`fit`) and decided (`decide`), the claim and its verdict, and one module for the ladders of each paper.
What does not: the statements themselves (`theory.bounds`), the numbers (`numerics`).
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from diffcert.rates.claim import RateClaim
from diffcert.rates.decide import Decision, Point, decide
from diffcert.rates.fit import Estimate, Fit, Separation
from diffcert.rates.ladder import Ladder, Quantity, Rung
from diffcert.rates.quantities import MEASURED, PAPERS, Measure, measure, measured
from diffcert.rates.verdict import MeasuredRung, RateVerdict, judge

__all__ = [
    "MEASURED",
    "Decision",
    "Estimate",
    "Fit",
    "Ladder",
    "Measure",
    "MeasuredRung",
    "Point",
    "Quantity",
    "RateClaim",
    "RateVerdict",
    "Rung",
    "Separation",
    "decide",
    "judge",
    "ladders",
    "measure",
    "measured",
]


def ladders(rate_id: str, twin_of: str | None = None) -> tuple[Ladder, ...]:
    """The built-in ladders of a rate, or those of the rate that it imitates.

    Raises ValueError where no module has any.
    """
    tables: list[Any] = [import_module(f"diffcert.rates.{paper}").LADDERS for paper in PAPERS]
    for key in (rate_id, twin_of):
        for table in tables:
            if key in table:
                return tuple(table[key])
    raise ValueError(f"rate {rate_id}: there is no ladder for it")
