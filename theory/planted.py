"""Planted falsehoods: statements that look right, each with an instance that refutes it.

What belongs here: how one is made from a true bound. What does not: the falsehoods themselves, which stand
beside the statements of their paper (`bounds`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sympy as sp

from theory.statement import Bound, Hypothesis, Source

__all__ = ["PLANTED", "twin"]

PLANTED = Source("diffcert", "", "", "a planted falsehood; nobody claims it")


def twin(
    of: Bound,
    what: str,
    title: str,
    why_false: str,
    counterexample: Mapping[str, Any],
    formula: sp.Expr | None = None,
    hypotheses: tuple[Hypothesis, ...] | None = None,
    *,
    id: str = "",
    source: Source = PLANTED,
) -> Bound:
    """A falsehood made from a true bound by replacing its formula or its hypotheses."""
    return Bound(
        id=id or f"{of.id}/twin-{what}",
        title=title,
        truth=of.truth,
        relation=of.relation,
        formula=of.formula if formula is None else formula,
        hypotheses=of.hypotheses if hypotheses is None else hypotheses,
        source=source,
        twin_of=of.id,
        why_false=why_false,
        counterexample=counterexample,
    )
