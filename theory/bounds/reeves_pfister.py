"""Bounds in the manner of Reeves and Pfister, by the I-MMSE relation.

What belongs here: the statements, as data. What does not: their proofs (`theory.proofs`).
"""

from __future__ import annotations

import sympy as sp

from theory import facts
from theory import symbols as sym
from theory.proofs import channel, paths
from theory.proofs.paths import first_step
from theory.statement import Bound, Source

__all__ = [
    "ALL",
    "PAPER",
    "bounded_ratio_information",
    "dimension_baseline",
    "information_entropy",
    "mmse_information",
    "monotone",
    "uniform_steps",
]

PAPER = "Reeves and Pfister 2025, Information-Theoretic Proofs for Diffusion Sampling"
_ARXIV = "2502.02305"
_MANNER = "in the manner of the paper; the number of the theorem there is unconfirmed"

monotone = Bound(
    id="reeves-pfister/monotone",
    title="The mmse decreases, so each step costs at most its drop",
    truth=sym.path_kl,
    relation="<=",
    formula=sp.Sum(
        sym.steps[sym.k] * (sym.mmse_at[sym.k] - sym.mmse_at[sym.k + 1]),
        (sym.k, 0, sym.number_of_steps - 1),
    )
    / 2,
    hypotheses=(facts.matched,),
    source=Source(PAPER, _ARXIV, "", _MANNER),
    derivation=paths.monotone,
)

uniform_steps = Bound(
    id="reeves-pfister/uniform-steps",
    title="Uniform steps: the path error is of first order in the step",
    truth=sym.path_kl,
    relation="<=",
    formula=sym.last * sym.variance / (2 * sym.number_of_steps),
    hypotheses=(facts.matched, facts.uniform),
    source=Source(PAPER, _ARXIV, "", _MANNER),
    derivation=paths.uniform_steps,
)

bounded_ratio_information = Bound(
    id="reeves-pfister/bounded-ratio-information",
    title="Bounded ratio of knots, by the mutual information",
    truth=sym.path_kl,
    relation="<=",
    formula=sym.kappa * sym.information_last + first_step,
    hypotheses=(facts.matched,),
    source=Source(PAPER, _ARXIV, "", _MANNER),
    derivation=paths.bounded_ratio_information,
)

dimension_baseline = Bound(
    id="reeves-pfister/dimension-baseline",
    title="Bounded ratio of knots, by the dimension of the span",
    truth=sym.path_kl,
    relation="<=",
    formula=sym.kappa * (sym.rank / 2) * sp.log(1 + sym.last * sym.variance / sym.rank) + first_step,
    hypotheses=(facts.matched, facts.two_atoms),
    source=Source(PAPER, _ARXIV, "", _MANNER + "; the baseline that grows with the dimension"),
    derivation=paths.dimension_baseline,
)

mmse_information = Bound(
    id="reeves-pfister/mmse-information",
    title="The mmse is at most twice the information per unit of snr: s M(s) <= 2 I(s)",
    truth=sym.mmse,
    relation="<=",
    formula=2 * sym.mutual_information / sym.snr,
    hypotheses=(facts.snr_positive,),
    source=Source(PAPER, _ARXIV, "", _MANNER),
    derivation=channel.mmse_quotient,
)

information_entropy = Bound(
    id="reeves-pfister/information-entropy",
    title="Mutual information is at most entropy",
    truth=sym.mutual_information,
    relation="<=",
    formula=sym.entropy,
    hypotheses=(),
    source=Source(
        "Cover and Thomas, Elements of Information Theory, 2nd edition",
        "",
        "",
        "I(A; Y) = H(A) - H(A|Y), and a conditional entropy of a discrete variable is not "
        "negative; used by Reeves and Pfister (arXiv:2502.02305)",
    ),
    derivation=channel.information_entropy,
)

ALL = (
    monotone,
    uniform_steps,
    bounded_ratio_information,
    dimension_baseline,
    mmse_information,
    information_entropy,
)
"""The bounds of this module, in the order of the documentation."""
