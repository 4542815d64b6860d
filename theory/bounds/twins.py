"""Planted falsehoods: statements that look like the true ones and are wrong.

What belongs here: at least one falsehood for each true bound, each with what is wrong and an
instance on which it fails. What does not: true statements. A checker that cannot refute these is
worthless.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sympy as sp

from theory import facts
from theory import symbols as sym
from theory.bounds import aghapour_bayraktar, ours, reeves_pfister
from theory.proofs.paths import first_step
from theory.statement import Bound, Hypothesis, Source

__all__ = [
    "ALL",
    "bounded_ratio_entropy_lowered",
    "bounded_ratio_information_no_start",
    "convex_halved_not_convex",
    "dimension_baseline_one_over_n",
    "frozen_covariance",
    "geometric_steps_no_logarithm",
    "information_entropy_half",
    "mmse_information_single",
    "monotone_off_by_one",
    "step_complexity_no_logarithm",
    "uniform_steps_second_order",
]

_PLANTED = Source("diffcert", "", "", "a planted falsehood; nobody claims it")

_BINARY = {"weights": ("1/2", "1/2"), "means": ("-1", "1"), "variance": "0"}
_THREE = {"weights": ("1/5", "1/2", "3/10"), "means": ("-3", "0", "4"), "variance": "0"}
_GEOMETRIC = {"geometric": {"steps": 25, "first": "1/1000", "last": "100"}}


def _twin(
    of: Bound,
    what: str,
    title: str,
    why_false: str,
    counterexample: Mapping[str, Any],
    *,
    id: str = "",
    formula: sp.Expr | None = None,
    hypotheses: tuple[Hypothesis, ...] | None = None,
) -> Bound:
    """A falsehood made from a true bound by replacing its formula or its hypotheses."""
    return Bound(
        id=id or f"{of.id}/twin-{what}",
        title=title,
        truth=of.truth,
        relation=of.relation,
        formula=of.formula if formula is None else formula,
        hypotheses=of.hypotheses if hypotheses is None else hypotheses,
        source=_PLANTED,
        twin_of=of.id,
        why_false=why_false,
        counterexample=counterexample,
    )


frozen_covariance = _twin(
    reeves_pfister.monotone,
    "",
    "Freeze the posterior covariance over each step",
    "it needs a covariance moment that does not increase, that is, a convex mmse",
    {
        "weights": ("19/20", "1/20"),
        "means": ("0", "1"),
        "variance": "0",
        "snr_knots": ("0", "1/10"),
    },
    id="diffcert/frozen-covariance/twin",
    formula=sp.Sum(
        sym.steps[sym.k] ** 2 * sym.covariance_moment_at[sym.k] / 4,
        (sym.k, 0, sym.number_of_steps - 1),
    ),
)

monotone_off_by_one = _twin(
    reeves_pfister.monotone,
    "off-by-one",
    "Each step times the drop of the mmse over the next step",
    "the knots of the mmse are shifted by one against the steps",
    {**_BINARY, "snr_knots": ("0", "5", "10")},
    formula=sp.Sum(
        sym.steps[sym.k] * (sym.mmse_at[sym.k + 1] - sym.mmse_at[sym.k + 2]),
        (sym.k, 0, sym.number_of_steps - 2),
    )
    / 2,
)

uniform_steps_second_order = _twin(
    reeves_pfister.uniform_steps,
    "second-order",
    "Uniform steps, as if the rule were of second order",
    "the path error of the mean sampler is of first order in the step",
    {**_BINARY, "snr_knots": ("0", "1/5", "2/5", "3/5", "4/5", "1")},
    formula=sym.last * sym.variance / (2 * sym.number_of_steps**2),
)

bounded_ratio_information_no_start = _twin(
    reeves_pfister.bounded_ratio_information,
    "no-start",
    "Bounded ratio of knots, without the cost of the first step",
    "the first step starts at snr zero, where no ratio of knots bounds it",
    {**_BINARY, "snr_knots": ("0", "1")},
    formula=sym.kappa * sym.information_last,
)

dimension_baseline_one_over_n = _twin(
    reeves_pfister.dimension_baseline,
    "one-over-n",
    "The baseline of the dimension with 1/n in place of the ratio of knots",
    "n steps of constant ratio from t_1 to T have kappa near log(T/t_1)/n, not 1/n",
    {**_THREE, **_GEOMETRIC},
    formula=(sym.rank / 2) * sp.log(1 + sym.last * sym.variance / sym.rank) / sym.number_of_steps
    + first_step,
)

mmse_information_single = _twin(
    reeves_pfister.mmse_information,
    "single",
    "The mmse is at most the information per unit of snr",
    "a factor 2 is lost: at small snr the mmse is twice the information per unit of snr",
    {**_BINARY, "snr": "1/10"},
    formula=sym.mutual_information / sym.snr,
)

information_entropy_half = _twin(
    reeves_pfister.information_entropy,
    "half",
    "Mutual information is at most half the entropy",
    "at large snr the observation determines the atom and the information is the whole entropy",
    {**_BINARY, "snr": "10"},
    formula=sym.entropy / 2,
)

bounded_ratio_entropy_lowered = _twin(
    aghapour_bayraktar.bounded_ratio_entropy,
    "two-fifths",
    "The entropy bound with kappa lowered to 2/5 of it",
    "geometric knots of small ratio that exhaust the entropy cost nearly (1/2) kappa H",
    {**_THREE, **_GEOMETRIC},
    formula=sp.Rational(2, 5) * sym.kappa * sym.entropy + first_step,
)

geometric_steps_no_logarithm = _twin(
    aghapour_bayraktar.geometric_steps,
    "no-logarithm",
    "Geometric knots with kappa taken for 1/(n - 1)",
    "kappa is near log(T/t_1)/(n - 1): the range of the knots is forgotten",
    {**_THREE, **_GEOMETRIC},
    formula=sym.first_positive * sym.variance / 2
    + sp.Piecewise((sym.entropy / (sym.number_of_steps - 1), sp.Gt(sym.number_of_steps, 1)), (0, True)),
)

step_complexity_no_logarithm = _twin(
    aghapour_bayraktar.step_complexity,
    "no-logarithm",
    "Steps that suffice, without the logarithm of the range of the knots",
    "the number of steps must grow with log(T/t_1)",
    {**_THREE, **_GEOMETRIC, "parameters": {"epsilon": "1/10"}},
    hypotheses=(
        facts.matched,
        facts.geometric,
        facts.entropy_positive,
        facts.first_knot_small,
        Hypothesis(
            "too_few_steps",
            "there are at least 1 + ceil(2H/epsilon) steps",
            sp.Ge(sym.number_of_steps, 1 + sp.ceiling(2 * sym.entropy / sym.epsilon)),
        ),
    ),
)

convex_halved_not_convex = _twin(
    ours.convex_halved,
    "not-convex",
    "Half the constant although the mmse is not convex",
    "where the mmse falls late and fast the constant is kappa, not kappa/2",
    {
        "weights": ("999999999999/1000000000000", "1/1000000000000"),
        "means": ("0", "1"),
        "variance": "0",
        "geometric": {"steps": 4, "first": "17/100", "last": "17408/25"},
    },
    hypotheses=(
        facts.matched,
        facts.geometric,
        Hypothesis.named("mmse_not_convex"),
    ),
)

ALL = (
    frozen_covariance,
    monotone_off_by_one,
    uniform_steps_second_order,
    bounded_ratio_information_no_start,
    dimension_baseline_one_over_n,
    mmse_information_single,
    information_entropy_half,
    bounded_ratio_entropy_lowered,
    geometric_steps_no_logarithm,
    step_complexity_no_logarithm,
    convex_halved_not_convex,
)
"""The planted falsehoods, in the order of the true bounds."""
