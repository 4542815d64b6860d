"""Bounds in the manner of Aghapour and Bayraktar: the entropy of the core instead of the dimension.

What belongs here: the statements, as data; those on the latent component of a mixture of which X itself
is estimated with a planted falsehood beside each. What does not: their proofs (`theory.proofs`), rates
(`steps` with implied constants, in `entropy_rates`).

A counterexample of such a mixture gives `covariances`, one number per component, in place of `variance`.
"""

from __future__ import annotations

from fractions import Fraction

import sympy as sp

from theory import facts
from theory import symbols as sym
from theory.planted import twin
from theory.proofs import geometric, latent, paths
from theory.proofs.geometric import geometric_ratio
from theory.proofs.paths import first_step
from theory.statement import Bound, Hypothesis, Source

__all__ = [
    "ALL",
    "MIXTURES",
    "MIXTURE_TWINS",
    "PAPER",
    "bounded_ratio_entropy",
    "general_covariances",
    "geometric_steps",
    "latent_entropy",
    "latent_mmse_information",
    "latent_nonnegative",
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
"""The bounds of this module on a core, in the order of the documentation."""

# X itself is estimated

_several_components = Hypothesis(
    "several_components", "there are at least two components", sp.Gt(sym.latent_entropy, 0)
)

latent_entropy = Bound(
    id="aghapour-bayraktar/latent-entropy",
    title="Mixtures with a shared covariance: the latent part by the entropy of the component",
    truth=sym.path_kl,
    relation="<=",
    formula=sym.gaussian_kl + sym.kappa * sym.latent_entropy + latent.latent_start,
    hypotheses=(facts.matched, latent.shared_covariance, _several_components),
    source=Source(PAPER, _ARXIV, "", _MANNER),
    derivation=latent.latent_entropy,
)

latent_nonnegative = Bound(
    id="aghapour-bayraktar/latent-nonnegative",
    title="Mixtures with a shared covariance: the latent part is not negative",
    truth=sym.latent_kl,
    relation=">=",
    formula=sp.S.Zero,
    hypotheses=(facts.matched, latent.shared_covariance),
    source=Source(PAPER, _ARXIV, "", _MANNER),
    derivation=latent.latent_nonnegative,
)

latent_mmse_information = Bound(
    id="aghapour-bayraktar/latent-mmse-information",
    title="Mixtures with a shared covariance: what the component is worth by the information about it",
    truth=sym.latent_mmse,
    relation="<=",
    formula=2 * sym.latent_information / sym.snr,
    hypotheses=(facts.snr_positive, latent.shared_covariance),
    source=Source(PAPER, _ARXIV, "", _MANNER),
    derivation=latent.latent_mmse_information,
)

general_covariances = Bound(
    id="aghapour-bayraktar/general-covariances",
    title="Mixtures with any covariances: the entropy of the component and the information given it",
    truth=sym.path_kl,
    relation="<=",
    formula=sym.kappa * (sym.latent_entropy + sym.conditional_information_last) + first_step,
    hypotheses=(facts.matched,),
    source=Source(PAPER, _ARXIV, "", _MANNER),
    derivation=latent.general_covariances,
)

MIXTURES = (latent_entropy, latent_nonnegative, latent_mmse_information, general_covariances)
"""The bounds on mixtures of which X itself is estimated, in the order of the documentation."""

_SHARED = {"weights": ("1/2", "1/2"), "means": ("-1", "1"), "covariances": ("1/100", "1/100")}
_UNEQUAL = {"weights": ("1/2", "1/2"), "means": ("0", "0"), "covariances": ("1", "4")}


def _without(of: Bound, hypothesis: Hypothesis) -> tuple[Hypothesis, ...]:
    return tuple(h for h in of.hypotheses if h is not hypothesis)


latent_entropy_quarter = twin(
    latent_entropy,
    "quarter",
    "The latent part by a quarter of the ratio times the entropy of the component",
    "short geometric steps cost nearly half the ratio times the information",
    {**_SHARED, "snr_knots": tuple(str(Fraction(11**i, 10**i) / 10) for i in range(45))},
    sym.gaussian_kl + sym.kappa * sym.latent_entropy / 4 + latent.latent_start,
)
latent_entropy_alone = twin(
    latent_entropy,
    "alone",
    "The whole error of X by the entropy of the component",
    "a sampler that estimates X itself also pays for the Gaussian components, in every dimension",
    {
        "weights": ("1/2", "1/2"),
        "means": (("-1", *("0",) * 15), ("1", *("0",) * 15)),
        "covariances": ("1", "1"),
        "snr_knots": ("1/10", "1", "10"),
    },
    sym.kappa * sym.latent_entropy + latent.latent_start,
)
latent_nonnegative_unequal = twin(
    latent_nonnegative,
    "unequal",
    "The latent part is not negative, whatever the covariances",
    "with equal means L is 0 at snr zero and rises: one step from zero has the latent part -I_Z(T)",
    {**_UNEQUAL, "snr_knots": ("0", "1")},
    hypotheses=_without(latent_nonnegative, latent.shared_covariance),
)
latent_mmse_unequal = twin(
    latent_mmse_information,
    "unequal",
    "What the component is worth by the information about it, whatever the covariances",
    "with equal means L rises like s while the information rises like s^2/4: the ratio tends to 2",
    {**_UNEQUAL, "snr": "1/10"},
    hypotheses=_without(latent_mmse_information, latent.shared_covariance),
)
general_covariances_entropy = twin(
    general_covariances,
    "entropy",
    "Mixtures with any covariances: the entropy of the component alone",
    "the information about X given its component is part of the cost of a sampler that estimates X",
    {**_UNEQUAL, "snr_knots": ("1", "100", "10000")},
    sym.kappa * sym.latent_entropy + first_step,
)

MIXTURE_TWINS = (
    latent_entropy_quarter,
    latent_entropy_alone,
    latent_nonnegative_unequal,
    latent_mmse_unequal,
    general_covariances_entropy,
)
"""The planted falsehoods beside them."""
