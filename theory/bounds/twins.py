"""Planted falsehoods: statements that look like the true ones and are wrong.

What belongs here: at least one falsehood for each true bound, each with what is wrong and an
instance on which it fails. What does not: true statements. A checker that cannot refute these is
worthless.
"""

from __future__ import annotations

import sympy as sp

from theory import facts
from theory import symbols as sym
from theory.bounds import aghapour_bayraktar, ours, reeves_pfister
from theory.planted import twin
from theory.proofs import quadrature
from theory.proofs.errors import error_cost
from theory.proofs.paths import first_step
from theory.proofs.phases import mean_ratio
from theory.proofs.start import later_steps
from theory.proofs.variances import matched_form
from theory.statement import Hypothesis

__all__ = [
    "ALL",
    "best_schedule_entropy_quarter",
    "bounded_ratio_entropy_lowered",
    "bounded_ratio_information_four_fifths",
    "bounded_ratio_information_lowered",
    "bounded_ratio_information_no_start",
    "convex_below_not_convex",
    "convex_halved_not_convex",
    "convex_halved_ratio_lowered",
    "convex_halved_ratio_nearly",
    "convex_halved_start_lowered",
    "convex_halved_start_nearly",
    "covariance_decay_quarter",
    "covariance_diameter_eighth",
    "covariance_growth_none",
    "data_processing_half",
    "dimension_baseline_one_over_n",
    "dimension_term_doubled",
    "early_stopping_half",
    "early_stopping_rank",
    "frozen_covariance",
    "geometric_steps_no_logarithm",
    "good_phase_halved",
    "good_phase_positive_halved",
    "information_entropy_half",
    "mmse_information_single",
    "monotone_off_by_one",
    "optimal_variance_matched_halved",
    "optimal_variance_one_dimension",
    "path_with_errors_any_variance",
    "pinsker_no_root",
    "quadrature_covariance_no_growth",
    "quadrature_covariance_one_secant",
    "quadrature_information_no_growth",
    "quadrature_mmse_doubled_frequency",
    "quadrature_mmse_no_growth",
    "quadrature_mmse_no_secant",
    "quadrature_mmse_one_side",
    "reverse_variance_no_mmse",
    "reverse_variance_rank",
    "score_error_dropped",
    "score_error_unhalved",
    "start_step_core_frozen",
    "start_step_diameter_eighth",
    "start_step_eighth",
    "step_complexity_no_logarithm",
    "uniform_steps_second_order",
    "wrong_start_dropped",
]


_BINARY = {"weights": ("1/2", "1/2"), "means": ("-1", "1"), "variance": "0"}
_THREE = {"weights": ("1/5", "1/2", "3/10"), "means": ("-3", "0", "4"), "variance": "0"}
_SKEW = {"weights": ("19/20", "1/20"), "means": ("0", "1"), "variance": "0"}
_RARE = {"weights": ("999999999999/1000000000000", "1/1000000000000"), "means": ("0", "1"), "variance": "0"}
_GEOMETRIC = {"geometric": {"steps": 25, "first": "1/1000", "last": "100"}}
_ON_A_LINE = {
    "weights": ("1/2", "1/2"),
    "means": (("-1", "0", "0", "0"), ("1", "0", "0", "0")),
    "variance": "1",
}
_LEVELS = {"snr_knots": ("1/10", "1/5", "3/10", "2/5", "1/2")}

_k, _n, _d = sym.k, sym.number_of_steps, sym.dimension
_steps = (_k, 0, _n - 1)
_loss = sym.steps[_k] * sym.mmse_at[_k]
_rho = sym.variance_ratio[_k]
_gained = sym.information_last - sym.information_first
_not_convex = Hypothesis.named("mmse_not_convex")


frozen_covariance = twin(
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

# Errors of the score, wrong starts, the last iterate, early stopping

_SHORT = {"snr_knots": ("1/10", "1/5", "2/5", "4/5")}

score_error_unhalved = twin(
    reeves_pfister.score_error,
    "unhalved",
    "Errors of the score cost their mean squares, weighted by the steps",
    "the KL of two Gaussians has the factor one half",
    {**_BINARY, **_SHORT, "score_error": "1/2"},
    formula=2 * error_cost + matched_form,
)

score_error_dropped = twin(
    reeves_pfister.score_error,
    "dropped",
    "Errors of the score cost nothing",
    "they add to the path error, exactly",
    {**_BINARY, **_SHORT, "score_error": "1/2"},
    formula=matched_form,
)

wrong_start_dropped = twin(
    reeves_pfister.wrong_start,
    "dropped",
    "A wrong start costs nothing",
    "the start is part of the path",
    {**_THREE, **_SHORT, "start": "normal"},
    formula=matched_form,
)

path_with_errors_any_variance = twin(
    reeves_pfister.path_with_errors,
    "any-variance",
    "The path error from start, score and discretisation, for any reverse variance",
    "a narrow variance magnifies the error of the score, and costs by itself",
    {
        "weights": ("1/2", "1/2"),
        "means": ("-1", "1"),
        "variance": "1",
        **_LEVELS,
        "sampler": "beta_tilde",
        "score_error": "1/2",
    },
    hypotheses=(),
)

data_processing_half = twin(
    reeves_pfister.data_processing,
    "half",
    "The last iterate is off by at most half of the path error",
    "one step from snr zero is the whole path, and two long ones nearly are",
    {**_THREE, "snr_knots": ("0", "1/4", "1/2")},
    formula=sym.path_kl / 2,
)

pinsker_no_root = twin(
    reeves_pfister.pinsker,
    "no-root",
    "Total variation of the last iterate by the path error itself",
    "a total variation is of the order of the root of a KL",
    {**_BINARY, **_SHORT},
    formula=sym.path_kl,
)

early_stopping_rank = twin(
    reeves_pfister.early_stopping,
    "rank",
    "Stopping at snr s, with the rank in place of the dimension",
    "the noise is in all directions, also where the atoms do not differ",
    {**_ON_A_LINE, "snr": "10"},
    formula=sym.rank / sym.snr,
)

early_stopping_half = twin(
    reeves_pfister.early_stopping,
    "half",
    "Stopping at snr s costs at most d/(2s)",
    "at large snr nothing is cheaper than to move every atom by the noise",
    {**_BINARY, "snr": "10"},
    formula=sym.dimension / (2 * sym.snr),
)

monotone_off_by_one = twin(
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

uniform_steps_second_order = twin(
    reeves_pfister.uniform_steps,
    "second-order",
    "Uniform steps, as if the rule were of second order",
    "the path error of the mean sampler is of first order in the step",
    {**_BINARY, "snr_knots": ("0", "1/5", "2/5", "3/5", "4/5", "1")},
    formula=sym.last * sym.variance / (2 * sym.number_of_steps**2),
)

bounded_ratio_information_no_start = twin(
    reeves_pfister.bounded_ratio_information,
    "no-start",
    "Bounded ratio of knots, without the cost of the first step",
    "the first step starts at snr zero, where no ratio of knots bounds it",
    {**_BINARY, "snr_knots": ("0", "1")},
    formula=sym.kappa * sym.information_last,
)

dimension_baseline_one_over_n = twin(
    reeves_pfister.dimension_baseline,
    "one-over-n",
    "The baseline of the dimension with 1/n in place of the ratio of knots",
    "n steps of constant ratio from t_1 to T have kappa near log(T/t_1)/n, not 1/n",
    {**_THREE, **_GEOMETRIC},
    formula=(sym.rank / 2) * sp.log(1 + sym.last * sym.variance / sym.rank) / sym.number_of_steps
    + first_step,
)

mmse_information_single = twin(
    reeves_pfister.mmse_information,
    "single",
    "The mmse is at most the information per unit of snr",
    "a factor 2 is lost: at small snr the mmse is twice the information per unit of snr",
    {**_BINARY, "snr": "1/10"},
    formula=sym.mutual_information / sym.snr,
)

information_entropy_half = twin(
    reeves_pfister.information_entropy,
    "half",
    "Mutual information is at most half the entropy",
    "at large snr the observation determines the atom and the information is the whole entropy",
    {**_BINARY, "snr": "10"},
    formula=sym.entropy / 2,
)

bounded_ratio_entropy_lowered = twin(
    aghapour_bayraktar.bounded_ratio_entropy,
    "two-fifths",
    "The entropy bound with kappa lowered to 2/5 of it",
    "geometric knots of small ratio that exhaust the entropy cost nearly (1/2) kappa H",
    {**_THREE, **_GEOMETRIC},
    formula=sp.Rational(2, 5) * sym.kappa * sym.entropy + first_step,
)

geometric_steps_no_logarithm = twin(
    aghapour_bayraktar.geometric_steps,
    "no-logarithm",
    "Geometric knots with kappa taken for 1/(n - 1)",
    "kappa is near log(T/t_1)/(n - 1): the range of the knots is forgotten",
    {**_THREE, **_GEOMETRIC},
    formula=sym.first_positive * sym.variance / 2
    + sp.Piecewise((sym.entropy / (sym.number_of_steps - 1), sp.Gt(sym.number_of_steps, 1)), (0, True)),
)

step_complexity_no_logarithm = twin(
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

convex_halved_not_convex = twin(
    ours.convex_halved,
    "not-convex",
    "Half the constant although the mmse is not convex",
    "where the mmse falls late and fast the constant is kappa, not kappa/2",
    {**_RARE, "geometric": {"steps": 4, "first": "17/100", "last": "17408/25"}},
    hypotheses=(facts.matched, facts.geometric, _not_convex),
)

# The best constants

convex_halved_ratio_lowered = twin(
    ours.convex_halved,
    "nine-tenths-ratio",
    "Convex mmse, with the constant of kappa lowered by a tenth",
    "geometric knots of small ratio that exhaust the information cost nearly (kappa/2) I(T)",
    {**_BINARY, "geometric": {"steps": 120, "first": "1/1000", "last": "100"}},
    formula=sym.first_positive * sym.variance / 2 + sp.Rational(9, 20) * sym.kappa * sym.information_last,
)

convex_halved_ratio_nearly = twin(
    ours.convex_halved,
    "ninety-nine-hundredths-ratio",
    "Convex mmse, with the constant of kappa lowered by a hundredth",
    "as the ratio tends to one and the information is exhausted, the cost tends to (kappa/2) I(T)",
    {**_BINARY, "geometric": {"steps": 1600, "first": "1/100000", "last": "40"}},
    formula=sym.first_positive * sym.variance / 2 + sp.Rational(99, 200) * sym.kappa * sym.information_last,
)

convex_halved_start_nearly = twin(
    ours.convex_halved,
    "ninety-nine-hundredths-start",
    "Convex mmse, with the constant of the first step lowered by a hundredth",
    "one long step from zero costs t_1 V/2 less the information, which is bounded",
    {**_BINARY, "snr_knots": ("0", "1000")},
    formula=sp.Rational(99, 200) * sym.first_positive * sym.variance + sym.kappa * sym.information_last / 2,
)

bounded_ratio_information_four_fifths = twin(
    reeves_pfister.bounded_ratio_information,
    "four-fifths",
    "Bounded ratio of knots, with the constant lowered by a fifth",
    "the mmse of a very rare atom falls late and at once; with a weight of 10^-150 the cost is 0.83 of the "
    "bound, and it tends to all of it as the weight tends to 0",
    {
        "weights": (f"{10**150 - 1}/{10**150}", f"1/{10**150}"),
        "means": ("0", "1"),
        "variance": "0",
        "snr_knots": ("0", "3/50", "6", "600", "60000"),
    },
    formula=sp.Rational(4, 5) * sym.kappa * sym.information_last + first_step,
)

convex_halved_start_lowered = twin(
    ours.convex_halved,
    "nine-tenths-start",
    "Convex mmse, with the constant of the first step lowered by a tenth",
    "one step to a large snr costs nearly t_1 V/2",
    {**_BINARY, "geometric": {"steps": 1, "first": "100", "last": "100"}},
    formula=sp.Rational(9, 20) * sym.first_positive * sym.variance + sym.kappa * sym.information_last / 2,
)

bounded_ratio_information_lowered = twin(
    reeves_pfister.bounded_ratio_information,
    "three-quarters",
    "Bounded ratio of knots, with the constant lowered by a quarter",
    "where the mmse falls late and at once, just after a knot, the step costs nearly all of kappa I",
    {
        "weights": (f"{10**100 - 1}/{10**100}", f"1/{10**100}"),
        "means": ("0", "1"),
        "variance": "0",
        "snr_knots": ("390", "39000"),
    },
    formula=sp.Rational(3, 4) * sym.kappa * sym.information_last + first_step,
)

convex_below_not_convex = twin(
    ours.convex_below,
    "not-convex",
    "Each step costs at least half of its bound, although the mmse is not convex",
    "where the mmse falls late in a step, the step costs little beside its length times the drop",
    {**_RARE, "snr_knots": ("0", "60")},
    hypotheses=(facts.matched, _not_convex),
)

# The good phase and the best schedule

good_phase_halved = twin(
    ours.good_phase,
    "half",
    "Good phase of geometric knots, with half the constant of the information",
    "for small ratios every phase costs nearly (kappa/2) I(T)",
    {**_BINARY, "geometric": {"steps": 16, "first": "1/100", "last": "32768/100"}},
    formula=mean_ratio * sym.first_positive * sym.variance / 2
    + (mean_ratio - 1) * sym.information_last / 2,
)

good_phase_positive_halved = twin(
    ours.good_phase_positive,
    "half",
    "Good phase of knots in constant ratio, with half the constant",
    "for small ratios every phase costs nearly (kappa/2) (I(T) - I(t_0))",
    {**_BINARY, "snr_knots": tuple(f"{2**i}/100" for i in range(16))},
    formula=(mean_ratio - 1) * sym.information_last / 2,
)

best_schedule_entropy_quarter = twin(
    ours.best_schedule_entropy,
    "quarter",
    "The best schedule by the mutual information, with half the constant",
    "between two equal weights sqrt(s C(s)) is close enough to a multiple of 1/sqrt(s)",
    {**_BINARY, "snr_knots": ("1/2", "8")},
    formula=sym.information_last * sp.log(sym.last / sym.first) / 4,
)

# The first step

_first_small = {"snr_knots": ("0", "1/100")}

start_step_eighth = twin(
    ours.start_step,
    "eighth",
    "The first step with an eighth in place of a quarter",
    "a short step costs (delta^2/4) C to leading order",
    {**_BINARY, **_first_small},
    formula=sym.first_positive**2 * sym.covariance_supremum / 8 + later_steps,
)

start_step_diameter_eighth = twin(
    ours.start_step_diameter,
    "eighth",
    "The first step by the diameter, with D^2/8 in place of D^2/4",
    "two equal weights have the variance D^2/4",
    {**_BINARY, **_first_small},
    formula=sym.first_positive**2 * (sym.diameter**2 * sym.variance / 8) / 4 + later_steps,
)

start_step_core_frozen = twin(
    ours.start_step_core,
    "frozen",
    "The first step by the covariance of the core alone",
    "C rises at snr zero where the core is skewed: freezing it is too little",
    {**_SKEW, "snr_knots": ("0", "1/10")},
    formula=sym.first_positive**2 * sym.covariance_norm / 4 + later_steps,
)

# The covariance moment

covariance_diameter_eighth = twin(
    ours.covariance_diameter,
    "eighth",
    "The covariance moment by an eighth of the squared diameter",
    "two equal weights have the variance D^2/4",
    {**_BINARY, "snr": "1/1000"},
    formula=sym.diameter**2 * sym.mmse / 8,
)

covariance_growth_none = twin(
    ours.covariance_growth,
    "none",
    "The covariance moment never exceeds that of the core",
    "it does where the mmse is not convex",
    {**_SKEW, "snr": "1"},
    formula=sym.covariance_norm,
)

covariance_decay_quarter = twin(
    ours.covariance_decay,
    "quarter",
    "The covariance moment falls at most at the rate D^2/4",
    "for two equal weights the rate at snr zero is D^2/2",
    {**_BINARY, "snr": "1/10"},
    formula=sym.covariance_norm * sp.exp(-(sym.diameter**2) * sym.snr / 4),
)

# Reverse variances

reverse_variance_no_mmse = twin(
    ours.reverse_variance,
    "no-mmse",
    "Path identity for any reverse variance, without the term of the mmse",
    "a narrow variance also magnifies the error of the mean",
    {**_ON_A_LINE, **_LEVELS, "sampler": "beta_tilde"},
    formula=matched_form + ours.dimension_term.formula,
)

reverse_variance_rank = twin(
    ours.reverse_variance,
    "rank",
    "Path identity for any reverse variance, with the rank in place of the dimension",
    "the variance is wrong in every direction, also where the atoms do not differ",
    {**_ON_A_LINE, **_LEVELS, "sampler": "beta_tilde"},
    formula=ours.reverse_variance.formula.subs(_d, sym.rank),
)

dimension_term_doubled = twin(
    ours.dimension_term,
    "doubled",
    "The dimension term without its factor one half",
    "where the atoms are close together nearly all of the cost is the dimension term itself",
    {
        "weights": ("1/2", "1/2"),
        "means": ("-1/10", "1/10"),
        "variance": "1",
        **_LEVELS,
        "sampler": "beta_tilde",
    },
    formula=2 * ours.dimension_term.formula,
)

optimal_variance_one_dimension = twin(
    ours.optimal_variance,
    "one-dimension",
    "The best reverse variance as if the dimension were one",
    "one variance serves all directions, and the error of the mean is shared among them",
    {**_ON_A_LINE, **_LEVELS, "sampler": "optimal"},
    formula=sp.Sum(sp.log(1 + _loss), _steps) / 2 - _gained,
)

optimal_variance_matched_halved = twin(
    ours.optimal_variance_matched,
    "half",
    "The best reverse variance costs at most half of what the matched one costs",
    "in four dimensions and for short steps it saves about a quarter",
    {**_ON_A_LINE, **_LEVELS, "sampler": "optimal"},
    formula=matched_form / 2,
)

# Quadrature

_FLAT = {**_BINARY, "snr": "1/1000", "parameters": {"spacing": "2", "strip": "3"}}
_STEEP = {**_BINARY, "snr": "10", "parameters": {"spacing": "5", "strip": "2/5"}}

quadrature_mmse_no_growth = twin(
    ours.quadrature_mmse,
    "no-growth",
    "Quadrature for the mmse, without the factor exp(eta^2/2)",
    "off the real line a Gaussian grows: the grid looks converged long before it is",
    _FLAT,
    formula=ours.quadrature_mmse.formula / quadrature.growth,
)

quadrature_mmse_one_side = twin(
    ours.quadrature_mmse,
    "one-side",
    "Quadrature for the mmse, with one of the two lines forgotten",
    "the frequencies k and -k both count",
    _FLAT,
    formula=ours.quadrature_mmse.formula / 2,
)

quadrature_mmse_doubled_frequency = twin(
    ours.quadrature_mmse,
    "doubled-frequency",
    "Quadrature for the mmse, with 4 pi in place of 2 pi",
    "the first frequency that a spacing h confuses with zero is 2 pi/h",
    _FLAT,
    formula=ours.quadrature_mmse.formula
    * quadrature.decay
    / (sp.exp(4 * sp.pi * sym.strip / sym.spacing) - 1),
)

quadrature_mmse_no_secant = twin(
    ours.quadrature_mmse,
    "no-secant",
    "Quadrature for the mmse, without the factor sec theta",
    "the density in the denominator comes near to zero as theta tends to pi/2",
    _STEEP,
    formula=ours.quadrature_mmse.formula * sp.cos(quadrature.angle),
)

quadrature_covariance_one_secant = twin(
    ours.quadrature_covariance,
    "one-secant",
    "Quadrature for the covariance moment, with sec theta in place of its cube",
    "the integrand p Cov^2 has the cube of the density in its denominator",
    {**_BINARY, "snr": "10", "parameters": {"spacing": "5", "strip": "3/10"}},
    formula=ours.quadrature_covariance.formula * sp.cos(quadrature.angle) ** 2,
)

quadrature_covariance_no_growth = twin(
    ours.quadrature_covariance,
    "no-growth",
    "Quadrature for the covariance moment, without the factor exp(eta^2/2)",
    "off the real line a Gaussian grows",
    _FLAT,
    formula=ours.quadrature_covariance.formula / quadrature.growth,
)

quadrature_information_no_growth = twin(
    ours.quadrature_information,
    "no-growth",
    "Quadrature for the mutual information, without the factor exp(eta^2/2)",
    "off the real line a Gaussian grows",
    {**_BINARY, "snr": "1/10", "parameters": {"spacing": "1", "strip": "4"}},
    formula=ours.quadrature_information.formula / quadrature.growth,
)

ALL = (
    frozen_covariance,
    score_error_unhalved,
    score_error_dropped,
    wrong_start_dropped,
    path_with_errors_any_variance,
    data_processing_half,
    pinsker_no_root,
    early_stopping_rank,
    early_stopping_half,
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
    convex_halved_ratio_lowered,
    convex_halved_ratio_nearly,
    convex_halved_start_lowered,
    convex_halved_start_nearly,
    bounded_ratio_information_lowered,
    bounded_ratio_information_four_fifths,
    convex_below_not_convex,
    good_phase_halved,
    good_phase_positive_halved,
    best_schedule_entropy_quarter,
    start_step_eighth,
    start_step_diameter_eighth,
    start_step_core_frozen,
    covariance_diameter_eighth,
    covariance_growth_none,
    covariance_decay_quarter,
    reverse_variance_no_mmse,
    reverse_variance_rank,
    dimension_term_doubled,
    optimal_variance_one_dimension,
    optimal_variance_matched_halved,
    quadrature_mmse_no_growth,
    quadrature_mmse_one_side,
    quadrature_mmse_doubled_frequency,
    quadrature_mmse_no_secant,
    quadrature_covariance_one_secant,
    quadrature_covariance_no_growth,
    quadrature_information_no_growth,
)
"""The planted falsehoods, in the order of the true bounds."""
