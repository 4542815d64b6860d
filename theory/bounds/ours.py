"""Bounds of this project: the best constants.

What belongs here: the statements, as data. What does not: their proofs (`theory.proofs`).
"""

from __future__ import annotations

from theory import facts
from theory import symbols as sym
from theory.proofs import convex
from theory.statement import Bound, Source

__all__ = ["ALL", "PAPER", "convex_halved"]

PAPER = "diffcert"

convex_halved = Bound(
    id="diffcert/convex-halved",
    title="Geometric knots from zero: half the constant where the mmse is convex",
    truth=sym.path_kl,
    relation="<=",
    formula=sym.first_positive * sym.variance / 2 + sym.kappa * sym.information_last / 2,
    hypotheses=(facts.matched, facts.geometric, facts.convex),
    source=Source(PAPER, "", "", "proved here; both constants are the best possible"),
    derivation=convex.convex_halved,
)

ALL = (convex_halved,)
"""The bounds of this module, in the order of the documentation."""
