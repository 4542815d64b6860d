"""What derivations may use without proof: definitions, hypotheses, and published inequalities.

What belongs here: axioms, each with its source or the definition that it spells out. What does not:
anything that is derived.
"""

from __future__ import annotations

import sympy as sp

from theory import symbols as sym
from theory.channel import C, I, M, PathVariable, convexity, path_mean
from theory.derivation import Axiom
from theory.statement import Hypothesis, Source

__all__ = [
    "constant_ratio",
    "convex_mmse",
    "covariance_of_the_core",
    "eigenvalues",
    "exact_mean",
    "exact_score",
    "exponential_increases",
    "first_positive_is_first",
    "first_positive_is_second",
    "geometric",
    "geometric_knots",
    "geometric_last",
    "geometric_ratio_single",
    "geometric_start",
    "information_at_first_positive",
    "information_at_most_entropy",
    "information_at_zero",
    "information_nonnegative",
    "knots_nonnegative",
    "matched",
    "matched_variance",
    "mean_square_nonnegative",
    "mmse_by_eigenvalues",
    "mmse_nonnegative",
    "mmse_positive",
    "moment_by_eigenvalues",
    "moment_nonnegative",
    "narrow_sampler",
    "optimal_sampler",
    "rate_of_the_best",
    "ratio_bounded",
    "ratio_positive",
    "reciprocal_decreases",
    "right_start",
    "several_steps",
    "short_path",
    "single_step",
    "square_nonnegative",
    "starts_at_zero",
    "starts_positive",
    "supremum_of_covariance",
    "two_atoms",
    "uniform",
    "uniform_size",
    "upward",
]

COVER_THOMAS = "Cover and Thomas, Elements of Information Theory, 2nd edition"

matched = Hypothesis.named("matched_sampler")
uniform = Hypothesis.named("uniform_steps")
geometric = Hypothesis.named("geometric_steps")
constant_ratio = Hypothesis.named("constant_ratio")
exact_mean = Hypothesis.named("exact_mean")
optimal_sampler = Hypothesis.named("optimal_sampler")
narrow_sampler = Hypothesis.named("narrow_sampler")
matched_variance = Hypothesis.named("matched_variance")
right_start = Hypothesis.named("right_start")
exact_score = Hypothesis.named("exact_score")
short_path = Hypothesis.named("short_path")
convex = Hypothesis.named("mmse_convex")
starts_at_zero = Hypothesis("starts_at_zero", "the path starts at t_0 = 0", sp.Eq(sym.first, 0))
starts_positive = Hypothesis("starts_positive", "the path starts at t_0 > 0", sp.Gt(sym.first, 0))
single_step = Hypothesis("single_step", "there is one step", sp.Eq(sym.number_of_steps, 1))
several_steps = Hypothesis("several_steps", "there are at least two steps", sp.Gt(sym.number_of_steps, 1))
two_atoms = Hypothesis("rank_positive", "the core has at least two atoms", sp.Gt(sym.rank, 0))

_s = sym.snr
_k, _n, _t = sym.k, sym.number_of_steps, sym.knots
_x = sp.Symbol("x", real=True)
_y = sp.Symbol("y", real=True)
_a = sp.Symbol("a", real=True)
_b = sp.Symbol("b", real=True)
_j = sp.Symbol("j", integer=True, nonnegative=True)

eigenvalues = sp.IndexedBase(PathVariable("lambda", real=True))
"""The eigenvalues of the posterior covariance on the span of the atoms, indices 0 to r - 1."""

entropy_positive = Hypothesis("entropy_positive", "the core has at least two atoms", sp.Gt(sym.entropy, 0))
first_knot_small = Hypothesis(
    "first_knot_small",
    "the first positive knot is at most epsilon/V",
    sp.Le(sym.first_positive * sym.variance, sym.epsilon),
)
enough_steps = Hypothesis(
    "enough_steps",
    "there are at least 1 + ceil(log(T/t_1)/log(1 + epsilon/(2H))) steps",
    sp.Ge(
        sym.number_of_steps,
        1 + sp.ceiling(sp.log(sym.last / sym.first_positive) / sp.log(1 + sym.epsilon / (2 * sym.entropy))),
    ),
)
ratio_positive = Hypothesis(
    "ratio_positive", "two positive knots or more have a ratio", sp.Gt(sym.kappa, 0)
)
snr_positive = Hypothesis("snr_positive", "the signal-to-noise ratio is positive", sp.Gt(sym.snr, 0))

# Signs and values of the functionals

mmse_nonnegative = Axiom(
    "M >= 0",
    sp.Ge(M(_s), 0, evaluate=False),
    variables=(_s,),
    because="M is the mean of a square",
)
moment_nonnegative = Axiom(
    "C >= 0",
    sp.Ge(C(_s), 0, evaluate=False),
    variables=(_s,),
    because="C is the mean of a square",
)
information_nonnegative = Axiom(
    "I >= 0",
    sp.Ge(I(_s), 0, evaluate=False),
    variables=(_s,),
    source=Source(COVER_THOMAS, "", "corollary to Theorem 2.6.3"),
)
information_at_zero = Axiom(
    "I(0) = 0",
    sp.Eq(I(0), 0, evaluate=False),
    because="the observation Y_0 = 0 carries no information",
)
information_at_most_entropy = Axiom(
    "mutual information is at most entropy",
    sp.Le(I(_s), sym.entropy, evaluate=False),
    variables=(_s,),
    source=Source(COVER_THOMAS, "", "Theorem 2.4.1", "with H(A|Y) >= 0 for discrete A"),
)
mmse_positive = Axiom(
    "M > 0",
    sp.Gt(M(_s), 0, evaluate=False),
    variables=(_s,),
    conditions=(sp.Gt(sym.rank, 0),),
    because="with two atoms or more no finite snr determines the atom",
)
information_at_first_positive = Axiom(
    "the information at t_1",
    sp.Eq(sym.information_first_positive, I(sym.first_positive)),
    because="the meaning of the symbol",
)
supremum_of_covariance = Axiom(
    "definition of sup C",
    sp.Le(C(_s), sym.covariance_supremum, evaluate=False),
    variables=(_s,),
    conditions=(sp.Le(_s, sym.first_positive),),
    because="the supremum is taken over [0, t_1]",
)
rate_of_the_best = Axiom(
    "the rate of the best schedule",
    sp.Eq(
        sym.best_rate,
        sp.Integral(sp.sqrt(C(_s)), (_s, sym.first, sym.last)) ** 2 / 4,
        evaluate=False,
    ),
    because="the meaning of the symbol",
)
convex_mmse = Axiom(
    "M is convex",
    sp.Ge(convexity(_s), 0, evaluate=False),
    variables=(_s,),
    conditions=(sp.Ge(_s, 0, evaluate=False), sp.Le(_s, sym.last)),
    hypotheses=(convex,),
    because="the meaning of convexity for a smooth function",
)

# The posterior covariance

covariance_of_the_core = Axiom(
    "C at snr zero",
    sp.Eq(sym.covariance_norm, C(0), evaluate=False),
    because="at snr zero the posterior is the law of the core",
)
_total = sp.Sum(eigenvalues[_j], (_j, 0, sym.rank - 1))
_squares = sp.Sum(eigenvalues[_j] ** 2, (_j, 0, sym.rank - 1))
mmse_by_eigenvalues = Axiom(
    "M is the mean trace of the posterior covariance",
    sp.Eq(M(_s), path_mean(_total)),
    variables=(_s,),
    because="the mmse is the mean of the posterior variance, the sum of the eigenvalues",
)
moment_by_eigenvalues = Axiom(
    "C is the mean squared Frobenius norm of the posterior covariance",
    sp.Eq(C(_s), path_mean(_squares)),
    variables=(_s,),
    because="the squared Frobenius norm of a symmetric matrix is the sum of squared eigenvalues",
)
mean_square_nonnegative = Axiom(
    "the mean of a sum of squares is non-negative",
    sp.Ge(path_mean(sp.Sum((eigenvalues[_j] - _x) ** 2, (_j, 0, sym.rank - 1))), 0, evaluate=False),
    variables=(_x, _s),
    because="squares are non-negative, and so is the mean of what is non-negative",
)

# Knots

knots_nonnegative = Axiom(
    "t_k >= 0",
    sp.Ge(_t[_k], 0, evaluate=False),
    variables=(_k,),
    conditions=(sp.Ge(_k, 0, evaluate=False),),
    because="a signal-to-noise ratio is non-negative",
)
ratio_bounded = Axiom(
    "definition of kappa",
    sp.Le(_t[_k + 1], (1 + sym.kappa) * _t[_k], evaluate=False),
    variables=(_k,),
    conditions=(sp.Gt(_t[_k], 0, evaluate=False), sp.Le(_k, _n - 1)),
    because="kappa is the greatest t_(k+1)/t_k - 1 over the k with t_k > 0",
)
first_positive_is_second = Axiom(
    "t_1 follows t_0 = 0",
    sp.Eq(sym.first_positive, _t[1]),
    hypotheses=(starts_at_zero,),
    because="t_1 is the smallest positive knot, and t_0 = 0",
)
first_positive_is_first = Axiom(
    "t_1 is t_0",
    sp.Eq(sym.first_positive, _t[0]),
    hypotheses=(starts_positive,),
    because="t_1 is the smallest positive knot, and t_0 > 0",
)
uniform_size = Axiom(
    "uniform steps",
    sp.Eq(sym.steps[_k], (sym.last - sym.first) / _n, evaluate=False),
    variables=(_k,),
    conditions=(sp.Le(_k, _n - 1),),
    hypotheses=(uniform,),
    because="n equal steps from t_0 to T",
)
geometric_start = Axiom(
    "geometric knots start at zero",
    sp.Eq(sym.first, 0),
    hypotheses=(geometric,),
    because="the meaning of geometric steps",
)
geometric_knots = Axiom(
    "geometric knots",
    sp.Eq(_t[_k], _t[1] * (1 + sym.kappa) ** (_k - 1), evaluate=False),
    variables=(_k,),
    conditions=(sp.Ge(_k, 1, evaluate=False), sp.Le(_k, _n)),
    hypotheses=(geometric,),
    because="t_(k+1)/t_k = 1 + kappa for all k >= 1",
)
geometric_last = Axiom(
    "the last geometric knot",
    sp.Eq(sym.last, sym.first_positive * (1 + sym.kappa) ** (_n - 1), evaluate=False),
    hypotheses=(geometric,),
    because="t_(k+1)/t_k = 1 + kappa for all k >= 1, from t_1 to t_n = T",
)
geometric_ratio_single = Axiom(
    "no ratio of knots",
    sp.Le(sym.kappa, 0, evaluate=False),
    hypotheses=(geometric, single_step),
    because="of the two knots 0 and T only one is positive: kappa is 0",
)

# Numbers

square_nonnegative = Axiom(
    "squares are non-negative",
    sp.Ge((_x - _y) ** 2, 0, evaluate=False),
    variables=(_x, _y),
    because="the square of a real number",
)
nonnegative_term = Axiom(
    "a non-negative term",
    sp.Le(0, 1, evaluate=False),
    because="0 <= 1, times the term",
)
exponential_increases = Axiom(
    "the exponential increases",
    sp.Le(sp.exp(_a), sp.exp(_b), evaluate=False),
    variables=(_a, _b),
    conditions=(sp.Le(_a, _b),),
    because="exp' = exp > 0",
)
reciprocal_decreases = Axiom(
    "the reciprocal decreases",
    sp.Le(1 / _b, 1 / _a, evaluate=False),
    variables=(_a, _b),
    conditions=(sp.Gt(_a, 0), sp.Le(_a, _b)),
    because="(1/x)' = -1/x^2 < 0 for x > 0",
)
upward = Axiom(
    "rounding up",
    sp.Le(_x, sp.ceiling(_x), evaluate=False),
    variables=(_x,),
    because="ceil(x) is the least integer that is at least x",
)
