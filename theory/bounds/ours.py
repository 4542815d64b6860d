"""Bounds of this project: the best constants, the good phase, the first step, reverse variances.

What belongs here: the statements, as data. What does not: their proofs (`theory.proofs`).
"""

from __future__ import annotations

import sympy as sp

from theory import facts
from theory import symbols as sym
from theory.proofs import convex, covariance, phases, quadrature, rates, start, variances
from theory.proofs.phases import mean_ratio
from theory.proofs.start import later_steps
from theory.proofs.variances import matched_form
from theory.statement import Bound, Source

__all__ = [
    "ALL",
    "PAPER",
    "best_schedule_entropy",
    "convex_below",
    "convex_halved",
    "covariance_decay",
    "covariance_diameter",
    "covariance_growth",
    "dimension_term",
    "good_phase",
    "good_phase_positive",
    "optimal_variance",
    "optimal_variance_matched",
    "quadrature_covariance",
    "quadrature_information",
    "quadrature_mmse",
    "reverse_variance",
    "start_step",
    "start_step_core",
    "start_step_diameter",
]

PAPER = "diffcert"
_PROVED = Source(PAPER, "", "", "proved here")

_k, _n, _d = sym.k, sym.number_of_steps, sym.dimension
_t1, _V, _D, _kappa = sym.first_positive, sym.variance, sym.diameter, sym.kappa
_I_T, _rho = sym.information_last, sym.variance_ratio[sym.k]
_steps = (_k, 0, _n - 1)
_loss = sym.steps[_k] * sym.mmse_at[_k]
_gained = sym.information_last - sym.information_first
_dimension = sp.Sum(_d * (_rho - 1 + sp.log(1 / _rho)), _steps) / 2

convex_halved = Bound(
    id="diffcert/convex-halved",
    title="Geometric knots from zero: half the constant where the mmse is convex",
    truth=sym.path_kl,
    relation="<=",
    formula=_t1 * _V / 2 + _kappa * _I_T / 2,
    hypotheses=(facts.matched, facts.geometric, facts.convex),
    source=Source(PAPER, "", "", "proved here; both constants are the best possible"),
    derivation=convex.convex_halved,
)

convex_below = Bound(
    id="diffcert/convex-below",
    title="Where the mmse is convex each step costs at least half of the drop that bounds it",
    truth=sym.path_kl,
    relation=">=",
    formula=sp.Sum(sym.steps[_k] * (sym.mmse_at[_k] - sym.mmse_at[_k + 1]), _steps) / 4,
    hypotheses=(facts.matched, facts.convex),
    source=_PROVED,
    derivation=rates.convex_below,
)

good_phase = Bound(
    id="diffcert/good-phase",
    title="Good phase: geometric knots from zero, each multiplied by some c from 1 to 1 + kappa",
    truth=sym.best_phase_kl,
    relation="<=",
    formula=mean_ratio * _t1 * _V / 2 + (mean_ratio - 1) * _I_T,
    hypotheses=(facts.geometric, facts.ratio_positive),
    source=Source(
        PAPER,
        "",
        "",
        "proved here by averaging over c with the weight dc/c; every one of these paths ends at T or "
        "beyond, and kappa/log(1 + kappa) - 1 <= kappa/2 without convexity",
    ),
    derivation=phases.good_phase,
)

good_phase_positive = Bound(
    id="diffcert/good-phase-positive",
    title="Good phase of knots in constant ratio: the best schedule against the information, for each n",
    truth=sym.best_phase_kl,
    relation="<=",
    formula=(mean_ratio - 1) * _I_T,
    hypotheses=(facts.constant_ratio, facts.ratio_positive),
    source=Source(
        PAPER,
        "",
        "",
        "proved here; with 1 + kappa = (T/t_0)^(1/n) the bound times n tends to (1/2) I(T) log(T/t_0), the "
        "bound for the best schedule",
    ),
    derivation=phases.good_phase_positive,
)

best_schedule_entropy = Bound(
    id="diffcert/best-schedule-entropy",
    title="The best schedule of many steps, by the mutual information",
    truth=sym.best_rate,
    relation="<=",
    formula=_I_T * sp.log(sym.last / sym.first) / 2,
    hypotheses=(facts.starts_positive,),
    source=Source(PAPER, "", "", "proved here by the inequality of Cauchy and Schwarz"),
    derivation=rates.best_schedule_entropy,
)

start_step = Bound(
    id="diffcert/start-step",
    title="The first step by the supremum of C, the others without what belongs to the first",
    truth=sym.path_kl,
    relation="<=",
    formula=_t1**2 * sym.covariance_supremum / 4 + later_steps,
    hypotheses=(facts.matched, facts.starts_at_zero),
    source=_PROVED,
    derivation=start.start_step,
)

start_step_diameter = Bound(
    id="diffcert/start-step-diameter",
    title="The first step by the diameter and the variance",
    truth=sym.path_kl,
    relation="<=",
    formula=_t1**2 * (_D**2 * _V / 4) / 4 + later_steps,
    hypotheses=(facts.matched, facts.starts_at_zero),
    source=_PROVED,
    derivation=start.start_step_diameter,
)

start_step_core = Bound(
    id="diffcert/start-step-core",
    title="The first step by the covariance of the core",
    truth=sym.path_kl,
    relation="<=",
    formula=_t1**2 * (sym.covariance_norm * sp.exp(_D**2 * _t1)) / 4 + later_steps,
    hypotheses=(facts.matched, facts.starts_at_zero),
    source=Source(PAPER, "", "", "proved here; the factor exp(D^2 t_1) pays for a C that rises"),
    derivation=start.start_step_core,
)

covariance_diameter = Bound(
    id="diffcert/covariance-diameter",
    title="The covariance moment is at most a quarter of the squared diameter times the mmse",
    truth=sym.covariance_moment,
    relation="<=",
    formula=_D**2 * sym.mmse / 4,
    hypotheses=(),
    source=_PROVED,
    derivation=covariance.covariance_diameter,
)

covariance_growth = Bound(
    id="diffcert/covariance-growth",
    title="The covariance moment rises at most at the rate D^2",
    truth=sym.covariance_moment,
    relation="<=",
    formula=sym.covariance_norm * sp.exp(_D**2 * sym.snr),
    hypotheses=(),
    source=Source(PAPER, "", "", "proved here from C' <= D^2 C"),
    derivation=covariance.covariance_growth,
)

covariance_decay = Bound(
    id="diffcert/covariance-decay",
    title="The covariance moment falls at most at the rate D^2/2",
    truth=sym.covariance_moment,
    relation=">=",
    formula=sym.covariance_norm * sp.exp(-(_D**2) * sym.snr / 2),
    hypotheses=(),
    source=Source(
        PAPER, "", "", "proved here from C' >= -D^2 C/2; the rate is that of two equal weights at snr zero"
    ),
    derivation=covariance.covariance_decay,
)

reverse_variance = Bound(
    id="diffcert/reverse-variance",
    title="Path identity for any reverse variance: the dimension term, and the term of the mmse",
    truth=sym.path_kl,
    relation="==",
    formula=matched_form + _dimension + sp.Sum((_rho - 1) * _loss, _steps) / 2,
    hypotheses=(facts.exact_mean,),
    source=_PROVED,
    derivation=variances.reverse_variance_path,
)

dimension_term = Bound(
    id="diffcert/dimension-term",
    title="A reverse variance below the matched one costs at least a term that grows with the dimension",
    truth=sym.path_kl,
    relation=">=",
    formula=_dimension,
    hypotheses=(facts.exact_mean, facts.narrow_sampler),
    source=_PROVED,
    derivation=variances.dimension_term,
)

optimal_variance = Bound(
    id="diffcert/optimal-variance",
    title="Path identity for the best reverse variance, tau_k^2 (1 + delta_k M_k/d)",
    truth=sym.path_kl,
    relation="==",
    formula=sp.Sum(_d * sp.log(1 + _loss / _d), _steps) / 2 - _gained,
    hypotheses=(facts.optimal_sampler,),
    source=_PROVED,
    derivation=variances.optimal_variance_path,
)

optimal_variance_matched = Bound(
    id="diffcert/optimal-variance-matched",
    title="The best reverse variance costs at most what the matched one costs",
    truth=sym.path_kl,
    relation="<=",
    formula=matched_form,
    hypotheses=(facts.optimal_sampler,),
    source=_PROVED,
    derivation=variances.optimal_variance_matched,
)

_QUADRATURE = Source(
    PAPER,
    "",
    "",
    "proved here by Poisson summation, for every half-width eta of the strip and every spacing h",
)

quadrature_mmse = Bound(
    id="diffcert/quadrature-mmse",
    title="Quadrature theorem: the error of the trapezoidal rule for the mmse",
    truth=sym.trapezoid_mmse,
    relation="<=",
    formula=quadrature.quadrature_mmse.statement.rhs,
    hypotheses=(quadrature.inside_strip,),
    source=_QUADRATURE,
    derivation=quadrature.quadrature_mmse,
)

quadrature_covariance = Bound(
    id="diffcert/quadrature-covariance",
    title="Quadrature theorem: the error of the trapezoidal rule for the covariance moment",
    truth=sym.trapezoid_covariance,
    relation="<=",
    formula=quadrature.quadrature_covariance.statement.rhs,
    hypotheses=(quadrature.inside_strip,),
    source=_QUADRATURE,
    derivation=quadrature.quadrature_covariance,
)

quadrature_information = Bound(
    id="diffcert/quadrature-information",
    title="Quadrature theorem: the error of the trapezoidal rule for the mutual information",
    truth=sym.trapezoid_information,
    relation="<=",
    formula=quadrature.quadrature_information.statement.rhs,
    hypotheses=(quadrature.inside_strip,),
    source=_QUADRATURE,
    derivation=quadrature.quadrature_information,
)

ALL = (
    convex_halved,
    convex_below,
    good_phase,
    good_phase_positive,
    best_schedule_entropy,
    start_step,
    start_step_diameter,
    start_step_core,
    covariance_diameter,
    covariance_growth,
    covariance_decay,
    reverse_variance,
    dimension_term,
    optimal_variance,
    optimal_variance_matched,
    quadrature_mmse,
    quadrature_covariance,
    quadrature_information,
)
"""The bounds of this module, in the order of the documentation."""
