"""Bounds in the manner of Reeves and Pfister, by the I-MMSE relation.

What belongs here: the statements, as data. What does not: their proofs (`theory.proofs`).
"""

from __future__ import annotations

import sympy as sp

from theory import facts
from theory import symbols as sym
from theory.proofs import channel, errors, paths, stopping
from theory.proofs.paths import first_step
from theory.statement import Bound, Source

__all__ = [
    "ALL",
    "PAPER",
    "bounded_ratio_information",
    "data_processing",
    "dimension_baseline",
    "early_stopping",
    "information_entropy",
    "mmse_information",
    "monotone",
    "path_with_errors",
    "pinsker",
    "score_error",
    "uniform_steps",
    "wrong_start",
]

PAPER = "Reeves and Pfister 2025, Information-Theoretic Proofs for Diffusion Sampling"
_ARXIV = "2502.02305"
_MANNER = "in the manner of the paper; the number of the theorem there is unconfirmed"

score_error = Bound(
    id="reeves-pfister/score-error",
    title="Errors of the score cost half their mean squares, weighted by the steps, exactly",
    truth=sym.path_kl,
    relation="==",
    formula=errors.score_error.statement.rhs,
    hypotheses=(facts.matched_variance, facts.right_start),
    source=Source(PAPER, _ARXIV, "", _MANNER),
    derivation=errors.score_error,
)

wrong_start = Bound(
    id="reeves-pfister/wrong-start",
    title="A wrong start costs the divergence of the laws at the start, exactly",
    truth=sym.path_kl,
    relation="==",
    formula=errors.wrong_start.statement.rhs,
    hypotheses=(facts.matched_variance, facts.exact_score),
    source=Source(PAPER, _ARXIV, "", _MANNER),
    derivation=errors.wrong_start,
)

path_with_errors = Bound(
    id="reeves-pfister/path-with-errors",
    title="The path error: the start, the errors of the score, and the discretisation",
    truth=sym.path_kl,
    relation="==",
    formula=errors.path_with_errors.statement.rhs,
    hypotheses=(facts.matched_variance,),
    source=Source(PAPER, _ARXIV, "", _MANNER),
    derivation=errors.path_with_errors,
)

early_stopping = Bound(
    id="reeves-pfister/early-stopping",
    title="Stopping at snr s: W_2(A, Y_s/s) is at most sqrt(d/s)",
    truth=sym.early_stopping,
    relation="<=",
    formula=sym.dimension / sym.snr,
    hypotheses=(facts.snr_positive,),
    source=Source(PAPER, _ARXIV, "", _MANNER + "; both sides are squared, so that equality can be told"),
    derivation=stopping.early_stopping,
)

data_processing = Bound(
    id="reeves-pfister/data-processing",
    title="The last iterate is no further off than the path",
    truth=sym.output_kl,
    relation="<=",
    formula=sym.path_kl,
    hypotheses=(facts.short_path,),
    source=Source(PAPER, _ARXIV, "", _MANNER),
    derivation=errors.data_processing,
)

pinsker = Bound(
    id="reeves-pfister/pinsker",
    title="Total variation of the last iterate by the path error",
    truth=sym.output_tv,
    relation="<=",
    formula=sp.sqrt(sym.path_kl / 2),
    hypotheses=(facts.short_path,),
    source=Source(PAPER, _ARXIV, "", _MANNER + "; Pinsker's inequality"),
    derivation=errors.pinsker,
)

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
    path_with_errors,
    score_error,
    wrong_start,
    data_processing,
    pinsker,
    early_stopping,
    monotone,
    uniform_steps,
    bounded_ratio_information,
    dimension_baseline,
    mmse_information,
    information_entropy,
)
"""The bounds of this module, in the order of the documentation."""
