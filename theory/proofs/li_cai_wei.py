"""The schedule of Li, Cai and Wei, and the trace of the score's Jacobian.

What belongs here: derivations for the statements of `bounds.li_cai_wei`. What does not: rates (they have
implied constants, and instances decide nothing about those).

Write a for alpha_bar_t, a' for alpha_bar_{t-1}, beta = c1 log T/T. The recursion a' = a (1 + beta (1 - a))
has three exact consequences,

    1 - a' = (1 - a)(1 - beta a),   1 - alpha_t = beta alpha_t (1 - a),
    a'/(1 - a') = (a/(1 - a)) (1 + beta/(1 - beta a)).

The first shows by induction that 0 < a < 1 at every level if beta < 1 (beta = 1 is impossible: c1 log T is
irrational for rational c1), and that 1 - alpha_bar_1 is at least (1 - T^-c0)(1 - beta)^(T-1). By the third
the odds a/(1 - a), which start at 1/(T^c0 - 1), grow at least by the factor 1 + beta per step, and at most
by 1 + beta/(1 - beta/2) while a < 1/2. Hence, over T - 1 steps,

    1 - alpha_bar_1 <= (T^c0 - 1)(1 + beta)^-(T-1) <= T^c0 (1 + beta)^-(T-1),

and at most 1 + log(T^c0 - 1)/log(1 + beta) levels lie below 1/2, at least
log(T^c0 - 1)/log(1 + beta/(1 - beta/2)) if there is a level above. As log(1 + beta) >= beta log 2 for
beta <= 1 (log is concave), (1 + beta)^-(T-1) <= T^(-c1 log(2) (T-1)/T), so that for c1 >= 4 c0 and T >= 4
the exponent of T is at most c1 (1/4 - (3/4) log 2) < -c1/4: 1 - alpha_bar_1 <= T^(-c1/4).

The trace. Given x_t, let U and U' be independent draws of u = sqrt(a) A from the posterior; tr(I + J) is
E[|U - U'|^2 | x_t]/2. Jensen's inequality and the law of the pair (U, U'), which is (u_i, u_j) with the
probability int p_i p_j/p, where p >= p_i + p_j >= 2 sqrt(p_i p_j) for i != j, give

    E exp(tr(I + J)/4) <= E exp(|U - U'|^2/8) <= 1 + (1/2) sum_{i != j} sqrt(w_i w_j) <= (K + 1)/2,

as the integral of sqrt(p_i p_j) is sqrt(w_i w_j) exp(-|u_i - u_j|^2/8). No dimension, no separation, no
bound on the means enters. Markov's inequality makes it a tail.
"""

from __future__ import annotations

import sympy as sp

from theory import li_cai_wei_symbols as lcw
from theory import symbols as sym
from theory.channel import I, M
from theory.derivation import Algebra, Axiom, Derivation, Lemma, Link, chain
from theory.facts import information_at_most_entropy
from theory.proofs.channel import mmse_information
from theory.statement import Hypothesis, Source

__all__ = [
    "at_least_four",
    "below_one",
    "large_factor",
    "noise_share",
    "noise_share_after",
    "odds",
    "rate_at_most_one",
    "ratio_four",
    "starts_below_half",
    "step_noise",
    "trace_identity",
    "trace_lemma",
    "trace_mean",
    "trace_tail",
]

_a, _beta = lcw.level_alpha_bar, lcw.step_rate
_T, _K, _C1 = lcw.paper_steps, lcw.mixture_components, lcw.tail_factor
_after = sp.Symbol("a_s", positive=True)

rate_at_most_one = Hypothesis("rate_at_most_one", "c_1 log T/T is at most 1", sp.Le(_beta, 1))
below_one = Hypothesis("below_one", "alpha_bar_t is below 1", sp.Lt(_a, 1))
ratio_four = Hypothesis(
    "ratio_four", "c_1 is at least 4 c_0", sp.Ge(lcw.rate_constant, 4 * lcw.start_exponent)
)
at_least_four = Hypothesis("at_least_four", "there are at least four levels", sp.Ge(_T, 4))
starts_below_half = Hypothesis(
    "starts_below_half",
    "the first level T^-c_0 is below 1/2",
    sp.Gt(lcw.start_exponent * sp.log(_T), sp.log(2)),
)
large_factor = Hypothesis("large_factor", "C_1 is at least 4", sp.Ge(_C1, 4))

# The recursion

recursion = Axiom(
    "the schedule's recursion",
    sp.Eq(_after, _a * (1 + _beta * (1 - _a)), evaluate=False),
    because="its definition, a_s standing for alpha_bar_(t-1)",
)
step_noise_definition = Axiom(
    "definition of alpha_t",
    sp.Eq(lcw.step_noise, 1 - _a / _after, evaluate=False),
    because="alpha_t = alpha_bar_t/alpha_bar_(t-1)",
)
odds_definition = Axiom(
    "the growth of the odds",
    sp.Eq(lcw.odds_growth, _after * (1 - _a) / (_a * (1 - _after)), evaluate=False),
    because="the odds are alpha_bar/(1 - alpha_bar)",
)
share_definition = Axiom(
    "definition of the noise share",
    sp.Eq(lcw.noise_share, (1 - _a / _after) / (1 - _a), evaluate=False),
    because="alpha_t = alpha_bar_t/alpha_bar_(t-1)",
)
share_after_definition = Axiom(
    "definition of the noise share after the step",
    sp.Eq(lcw.noise_share_after, (1 - _a / _after) / (_a / _after - _a), evaluate=False),
    because="alpha_t = alpha_bar_t/alpha_bar_(t-1)",
)

_noise = _beta * (1 - _a) / (1 + _beta * (1 - _a))
step_noise = Derivation(
    title="the noise of one step",
    statement=sp.Eq(lcw.step_noise, _noise, evaluate=False),
    steps=chain(
        lcw.step_noise,
        Link("==", 1 - _a / _after, Algebra((step_noise_definition,))),
        Link("==", _noise, Algebra((recursion,))),
    ),
)
"""1 - alpha_t = beta (1 - alpha_bar_t)/(1 + beta (1 - alpha_bar_t))."""

odds = Derivation(
    title="the growth of the odds in one step",
    statement=sp.Eq(lcw.odds_growth, 1 + _beta / (1 - _beta * _a), evaluate=False),
    steps=chain(
        lcw.odds_growth,
        Link("==", _after * (1 - _a) / (_a * (1 - _after)), Algebra((odds_definition,))),
        Link("==", 1 + _beta / (1 - _beta * _a), Algebra((recursion,))),
    ),
)
"""The odds alpha_bar/(1 - alpha_bar) grow by the factor 1 + beta/(1 - beta alpha_bar_t)."""

_levels_increase = Axiom(
    "the levels increase",
    sp.Le(_a, _after, evaluate=False),
    hypotheses=(below_one,),
    because="alpha_bar_(t-1) - alpha_bar_t = beta alpha_bar_t (1 - alpha_bar_t)",
)
noise_share = Derivation(
    title="the noise of one step as a share of the level's",
    statement=sp.Le(lcw.noise_share, _beta, evaluate=False),
    hypotheses=(below_one,),
    steps=chain(
        lcw.noise_share,
        Link("==", (1 - _a / _after) / (1 - _a), Algebra((share_definition,))),
        Link("==", _beta * _a / _after, Algebra((recursion,))),
        Link("<=", _beta, Lemma(_levels_increase, weight=_beta / _after)),
    ),
)
"""(1 - alpha_t)/(1 - alpha_bar_t) <= beta."""

_after_share = _beta / (1 - _beta * _a)
noise_share_after = Derivation(
    title="the noise of one step as a share of what is left",
    statement=sp.Eq(lcw.noise_share_after, _after_share, evaluate=False),
    steps=chain(
        lcw.noise_share_after,
        Link("==", (1 - _a / _after) / (_a / _after - _a), Algebra((share_after_definition,))),
        Link("==", _after_share, Algebra((recursion,))),
    ),
)
"""(1 - alpha_t)/(alpha_t - alpha_bar_t) = beta/(1 - beta alpha_bar_t)."""

# The trace

_divergence = sp.Symbol("D_S", real=True)
trace_definition = Axiom(
    "definition of the trace",
    sp.Eq(lcw.score_trace, sym.dimension + _divergence, evaluate=False),
    because="J is the Jacobian of the score, and D_S = tr J its divergence",
)
tweedie_trace = Axiom(
    "Tweedie's formula of second order, summed over the coordinates",
    sp.Eq(lcw.posterior_spread, (sym.dimension + _divergence) / _a, evaluate=False),
    because="x_t = sqrt(a) A + N with N standard normal: Cov(A|x) = (tau I + tau^2 J)/a with tau = 1, "
    "derived in theory.tweedie",
)
trace_identity = Derivation(
    title="the trace of the score's Jacobian",
    statement=sp.Eq(lcw.score_trace, _a * lcw.posterior_spread, evaluate=False),
    steps=chain(
        lcw.score_trace,
        Link("==", sym.dimension + _divergence, Algebra((trace_definition,))),
        Link("==", _a * lcw.posterior_spread, Algebra((tweedie_trace,))),
    ),
)
"""tr(I + J) = alpha_bar_t tr Cov(A|x_t)."""

_exponential = sp.Symbol("E_4", positive=True)
_pair = sp.Symbol("E_8", positive=True)
_roots = sp.Symbol("S_w", positive=True)
_threshold = _C1 * sp.log(_K * _T)
markov = Axiom(
    "Markov's inequality for exp(tr/4)",
    sp.Le(lcw.trace_tail, sp.exp(-_threshold / 4) * _exponential, evaluate=False),
    because="E_4 = E exp(tr(I + J)/4), and the indicator of tr > x is at most exp((tr - x)/4)",
)
jensen = Axiom(
    "Jensen's inequality for the pair",
    sp.Le(_exponential, _pair, evaluate=False),
    because="E_8 = E exp(|U - U'|^2/8) for two independent draws of sqrt(a) A from the posterior, and "
    "tr(I + J) = E[|U - U'|^2|x]/2",
)
pairs = Axiom(
    "the law of the pair",
    sp.Le(_pair, (1 + _roots**2) / 2, evaluate=False),
    because="S_w = sum_i sqrt(w_i); the pair is (i, j) with the density p_i p_j/p, at most sqrt(p_i p_j)/2 "
    "for i != j as p >= p_i + p_j >= 2 sqrt(p_i p_j), of integral sqrt(w_i w_j) exp(-|u_i - u_j|^2/8)/2",
)
cauchy_schwarz = Axiom(
    "the square roots of the weights",
    sp.Le(_roots**2, _K, evaluate=False),
    because="the inequality of Cauchy and Schwarz, and the weights sum to one",
)
_decay = sp.exp(-_threshold / 4)
_tail_bound = (_K + 1) * _decay / 2
trace_tail = Derivation(
    title="the tail of the trace",
    statement=sp.Le(lcw.trace_tail, _tail_bound, evaluate=False),
    steps=chain(
        lcw.trace_tail,
        Link("<=", _decay * _exponential, Lemma(markov)),
        Link("<=", _decay * _pair, Lemma(jensen, weight=_decay)),
        Link("<=", _decay * (1 + _roots**2) / 2, Lemma(pairs, weight=_decay)),
        Link("<=", _tail_bound, Lemma(cauchy_schwarz, weight=_decay / 2)),
    ),
)
"""P(tr(I + J) > C1 log(KT)) <= ((K + 1)/2) (KT)^(-C1/4)."""

_fewer = Axiom(
    "K powers of components",
    sp.Le((_K + 1) * _decay / 2, sp.exp(-_C1 * sp.log(_T) / 4), evaluate=False),
    hypotheses=(large_factor,),
    because="(KT)^(-C1/4) = K^(-C1/4) T^(-C1/4), and K^(C1/4) >= K >= (K + 1)/2 for C1 >= 4",
)
trace_lemma = Derivation(
    title="the trace is at most C1 log(KT) with high probability",
    statement=sp.Le(lcw.trace_tail, sp.exp(-_C1 * sp.log(_T) / 4), evaluate=False),
    hypotheses=(large_factor,),
    steps=chain(
        lcw.trace_tail,
        Link("<=", _tail_bound, Lemma(trace_tail)),
        Link("<=", sp.exp(-_C1 * sp.log(_T) / 4), Lemma(_fewer)),
    ),
)
"""P(tr(I + J) > C1 log(KT)) <= T^(-C1/4) for C1 >= 4."""

trace_mean_definition = Axiom(
    "the mean of the trace",
    sp.Eq(lcw.trace_mean, _a * M(_a), evaluate=False),
    because="E tr Cov(A|x_t) is the mmse at the snr of x_t, which is alpha_bar_t for unit covariance",
)
entropy_of_the_components = Axiom(
    "the entropy of K components",
    sp.Le(sym.entropy, sp.log(_K), evaluate=False),
    source=Source("Cover and Thomas, Elements of Information Theory, 2nd edition", "", "Theorem 2.6.4"),
)
trace_mean = Derivation(
    title="the mean of the trace",
    statement=sp.Le(lcw.trace_mean, 2 * sp.log(_K), evaluate=False),
    steps=chain(
        lcw.trace_mean,
        Link("==", _a * M(_a), Algebra((trace_mean_definition,))),
        Link("<=", 2 * I(_a), Lemma(mmse_information, ((sym.snr, _a),))),
        Link(
            "<=",
            2 * sym.entropy,
            Lemma(information_at_most_entropy, ((sym.snr, _a),), weight=sp.Integer(2)),
        ),
        Link("<=", 2 * sp.log(_K), Lemma(entropy_of_the_components, weight=sp.Integer(2))),
    ),
)
"""E tr(I + J) <= 2 log K."""
