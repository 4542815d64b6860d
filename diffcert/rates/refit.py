"""The fits of a ladder anew, from stated decimals: normal equations in mpmath.

What belongs here: the second route to what `fit` reads off. It shares nothing with it but the question.
What does not: the least constant and the rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import mpmath

from diffcert.certificate import interval
from diffcert.rates.fit import LEAST_LOGARITHM
from numerics.arithmetic import mpmath_numbers

__all__ = ["refit"]

_DIGITS = 50


def refit(xs: Sequence[float], parts: Sequence[Any], *, up: bool) -> dict[str, float | None]:
    """The whole ladder's trend, power, formula, tail, p and q from stated truths and formulas.

    None where the fit has none. `up` says whether the ladder's limit is at large x.
    """
    names = ("trend", "power", "formula", "tail", "p", "q")
    found: dict[str, float | None] = dict.fromkeys(names)
    if len(xs) < 3:
        return found
    with mpmath_numbers(_DIGITS).precision():
        at = [mpmath.log(mpmath.mpf(x)) for x in xs]
        formulas = [mpmath.log(_middle(part["formula"])) for part in parts]
        found["formula"] = float(_solve([[1, a] for a in at], formulas)[1])
        if not all(_lower(part["truth"]) > 0 for part in parts):
            return found
        truths = [mpmath.log(_middle(part["truth"])) for part in parts]
        ratios = [a - b for a, b in zip(truths, formulas, strict=True)]
        found["trend"] = float(_solve([[1, a] for a in at], ratios)[1])
        found["power"] = float(_solve([[1, a] for a in at], truths)[1])
        order = sorted(range(len(at)), key=lambda i: at[i], reverse=not up)
        before, last = order[-2:]
        found["tail"] = float((truths[last] - truths[before]) / (at[last] - at[before]))
        if len(xs) >= 5 and min(xs) >= LEAST_LOGARITHM:
            both = _solve([[1, a, mpmath.log(a)] for a in at], truths)
            found["p"], found["q"] = float(both[1]), float(both[2])
    return found


def _middle(part: Any) -> Any:
    return mpmath.mpf(part["mid"])


def _lower(part: Any) -> Any:
    ends = interval(part)
    return mpmath.mpf(0) if ends is None else mpmath.mpf(ends[0].numerator) / ends[0].denominator


def _solve(rows: Sequence[Sequence[Any]], values: Sequence[Any]) -> Any:
    """The least-squares solution by the normal equations."""
    matrix = mpmath.matrix([list(row) for row in rows])
    return mpmath.lu_solve(matrix.T * matrix, matrix.T * mpmath.matrix(list(values)))
