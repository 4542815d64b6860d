"""Bounds in the manner of Aghapour and Bayraktar: the entropy of the core instead of the dimension.

What belongs here: the statements, as data. What does not: their proofs (`theory.proofs`).
"""

from __future__ import annotations

from theory import facts
from theory import symbols as sym
from theory.proofs import geometric, paths
from theory.proofs.geometric import geometric_ratio
from theory.proofs.paths import first_step
from theory.statement import Bound, Source

__all__ = [
    "ALL",
    "PAPER",
    "bounded_ratio_entropy",
    "geometric_steps",
    "step_complexity",
]

PAPER = "Aghapour and Bayraktar 2026, When Diffusion Model Can Ignore Dimension"
_ARXIV = "2605.07969"
_MANNER = "in the manner of the paper; the number of the theorem there is unconfirmed"

bounded_ratio_entropy = Bound(
    id="aghapour-bayraktar/bounded-ratio-entropy",
    title="Bounded ratio of knots, by the entropy",
    truth=sym.path_kl,
    relation="<=",
    formula=sym.kappa * sym.entropy + first_step,
    hypotheses=(facts.matched,),
    source=Source(PAPER, _ARXIV, "", _MANNER),
    derivation=paths.bounded_ratio_entropy,
)

geometric_steps = Bound(
    id="aghapour-bayraktar/geometric-steps",
    title="Geometric knots from zero, by the entropy",
    truth=sym.path_kl,
    relation="<=",
    formula=sym.first_positive * sym.variance / 2 + geometric_ratio * sym.entropy,
    hypotheses=(facts.matched, facts.geometric),
    source=Source(PAPER, _ARXIV, "", _MANNER),
    derivation=geometric.geometric_steps,
)

step_complexity = Bound(
    id="aghapour-bayraktar/step-complexity",
    title="Steps that suffice for a given accuracy: linear in the entropy",
    truth=sym.path_kl,
    relation="<=",
    formula=sym.epsilon,
    hypotheses=(
        facts.matched,
        facts.geometric,
        facts.entropy_positive,
        facts.first_knot_small,
        facts.enough_steps,
    ),
    source=Source(
        PAPER,
        _ARXIV,
        "",
        _MANNER + "; with t_1 = epsilon/V the number of steps is "
        "1 + ceil(log(T V/epsilon)/log(1 + epsilon/(2H)))",
    ),
    derivation=geometric.step_complexity,
)

ALL = (bounded_ratio_entropy, geometric_steps, step_complexity)
"""The bounds of this module, in the order of the documentation."""
