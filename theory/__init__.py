"""Symbols in, sympy out: statements, their derivations, and their lowering to callables.

What belongs here: formulas and proofs. What does not: targets, quadrature, and any number.
"""

from __future__ import annotations

from theory import bounds, symbols
from theory.lowering import Formula, LoweredRelation, LoweringError, lower, lower_relation
from theory.statement import PREDICATES, Bound, Hypothesis, Source
from theory.symbols import QUANTITIES, Quantity

__all__ = [
    "PREDICATES",
    "QUANTITIES",
    "Bound",
    "Formula",
    "Hypothesis",
    "LoweredRelation",
    "LoweringError",
    "Quantity",
    "Source",
    "bounds",
    "lower",
    "lower_relation",
    "symbols",
]
