"""Symbols in, sympy out: statements, their derivations, and their lowering to callables.

What belongs here: formulas and proofs. What does not: targets, quadrature, and any number.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from theory import bounds, immse, steps, symbols
from theory.derivation import (
    Algebra,
    Axiom,
    Calculus,
    Cases,
    Derivation,
    DerivationError,
    Lemma,
    Link,
    Proposition,
    Step,
    chain,
    given,
)
from theory.lowering import Formula, LoweredRelation, LoweringError, lower, lower_relation
from theory.rate import Condition, Rate
from theory.statement import PREDICATES, Bound, Hypothesis, Source
from theory.symbols import QUANTITIES, Quantity

if TYPE_CHECKING:
    from theory import mixtures as mixtures
    from theory import tweedie as tweedie
    from theory.identities import IDENTITIES as IDENTITIES

__all__ = [
    "IDENTITIES",
    "PREDICATES",
    "QUANTITIES",
    "Algebra",
    "Axiom",
    "Bound",
    "Calculus",
    "Cases",
    "Condition",
    "Derivation",
    "DerivationError",
    "Formula",
    "Hypothesis",
    "Lemma",
    "Link",
    "LoweredRelation",
    "LoweringError",
    "Proposition",
    "Quantity",
    "Rate",
    "Source",
    "Step",
    "bounds",
    "chain",
    "given",
    "immse",
    "lower",
    "lower_relation",
    "mixtures",
    "steps",
    "symbols",
    "tweedie",
]


def __getattr__(name: str) -> Any:
    """The identities and their modules, which are loaded on use."""
    if name == "IDENTITIES":
        return import_module("theory.identities").IDENTITIES
    if name in ("mixtures", "tweedie"):
        return import_module(f"theory.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
