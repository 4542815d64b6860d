"""Statements of Li, Cai and Wei with explicit constants, a planted falsehood beside each.

What belongs here: the schedule and the trace, as data. What does not: proofs (`theory.proofs.li_cai_wei`),
statements with implied constants (`li_cai_wei_rates`).

A counterexample is the data of an instance of the schedule: `steps` (the paper's T), `c0`, `c1`, and what
the statement asks for: `level`, `weights`, `means`, `x`, `factor`.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from theory import li_cai_wei_symbols as lcw
from theory.planted import twin
from theory.proofs import li_cai_wei as proofs
from theory.statement import Bound, Hypothesis, Relation, Source
from theory.symbols import k

__all__ = [
    "ALL",
    "PAPER",
    "TWINS",
    "half_steps",
    "half_steps_least",
    "last_noise",
    "last_noise_power",
    "noise_positive",
    "noise_product",
    "noise_share",
    "noise_share_after",
    "odds",
    "step_noise",
    "trace_identity",
    "trace_lemma",
    "trace_mean",
    "trace_tail",
]

PAPER = (
    "Li, Cai and Wei 2025, Dimension-Free Convergence of Diffusion Models for Approximate Gaussian Mixtures"
)
_ARXIV = "2504.05300"
_SCHEDULE = Source(
    PAPER,
    _ARXIV,
    "",
    "a property of the paper's schedule, with the constant that is proved here; "
    "the form in the paper is unconfirmed",
)
_LEMMA = Source(
    PAPER,
    _ARXIV,
    "",
    "the paper's lemma on the trace has implied constants and an unconfirmed number; these are proved here",
)

_LEVELS = (proofs.rate_at_most_one,)
"""The levels lie between 0 and 1."""

_T, _c0, _c1, _beta = lcw.paper_steps, lcw.start_exponent, lcw.rate_constant, lcw.step_rate
_a, _K, _C1 = lcw.level_alpha_bar, lcw.mixture_components, lcw.tail_factor
_log_T = sp.log(_T)
_odds_at_start = sp.exp(_c0 * _log_T) - 1


def _bound(
    name: str,
    title: str,
    truth: sp.Symbol,
    relation: Relation,
    formula: sp.Expr,
    hypotheses: tuple[Hypothesis, ...] = (),
    derivation: Any = None,
    source: Source = _SCHEDULE,
) -> Bound:
    return Bound(
        id=f"li-cai-wei/{name}",
        title=title,
        truth=truth,
        relation=relation,
        formula=formula,
        hypotheses=hypotheses,
        source=source,
        derivation=derivation,
    )


def _derived(
    name: str,
    title: str,
    proof: Any,
    source: Source = _SCHEDULE,
    more: tuple[Hypothesis, ...] = (),
) -> Bound:
    """The statement that a derivation proves, with what it takes for its quantities to make sense."""
    sides, hypotheses = proof.statement, (*more, *proof.hypotheses)
    return _bound(name, title, sides.lhs, proof.relation, sides.rhs, hypotheses, proof, source)


# The schedule

step_noise = _derived("step-noise", "The noise of one step, exactly", proofs.step_noise)
odds = _derived(
    "odds", "The growth of the odds alpha_bar/(1 - alpha_bar) in one step, exactly", proofs.odds
)
noise_share = _derived(
    "noise-share", "One step adds at most the share beta of the level's noise", proofs.noise_share
)
noise_share_after = _derived(
    "noise-share-after", "The noise of one step against what it leaves, exactly", proofs.noise_share_after
)
noise_product = _bound(
    "noise-product",
    "The noise of the last level is a product over the T - 1 steps",
    lcw.last_noise,
    "==",
    (1 - lcw.alpha_bar_at[0]) * sp.exp(sp.Sum(sp.log(1 - _beta * lcw.alpha_bar_at[k]), (k, 0, _T - 2))),
    (proofs.rate_at_most_one,),
)
noise_positive = _bound(
    "noise-positive",
    "The levels stay below one: a positive lower bound of the last noise",
    lcw.last_noise,
    ">=",
    (1 - sp.exp(-_c0 * _log_T)) * sp.exp((_T - 1) * sp.log(1 - _beta)),
    (proofs.rate_at_most_one,),
)
last_noise = _bound(
    "last-noise",
    "The noise of the last level, by the growth of the odds",
    lcw.last_noise,
    "<=",
    _odds_at_start * sp.exp(-(_T - 1) * sp.log(1 + _beta)),
    (proofs.rate_at_most_one,),
)
last_noise_power = _bound(
    "last-noise-power",
    "The noise of the last level is a power of 1/T: where c_1/c_0 >= 4 is used",
    lcw.last_noise,
    "<=",
    sp.exp(-_c1 * _log_T / 4),
    (proofs.rate_at_most_one, proofs.ratio_four, proofs.at_least_four),
)
half_steps = _bound(
    "half-steps",
    "The number of levels below 1/2",
    lcw.half_steps,
    "<=",
    1 + sp.log(_odds_at_start) / sp.log(1 + _beta),
    (proofs.rate_at_most_one, proofs.starts_below_half),
)
half_steps_least = _bound(
    "half-steps-least",
    "The number of levels below 1/2, from below",
    lcw.half_steps,
    ">=",
    sp.log(_odds_at_start) / sp.log(1 + _beta / (1 - _beta / 2)),
    (proofs.rate_at_most_one, proofs.starts_below_half, proofs.ratio_four, proofs.at_least_four),
)

# The trace

trace_identity = _derived(
    "trace-identity",
    "The trace of I plus the Jacobian of the score is alpha_bar_t times the posterior variance",
    proofs.trace_identity,
    _LEMMA,
    _LEVELS,
)
trace_tail = _derived(
    "trace-tail",
    "The tail of the trace, with explicit constants and no condition on the means",
    proofs.trace_tail,
    _LEMMA,
    _LEVELS,
)
trace_lemma = _derived(
    "trace-lemma",
    "The trace is at most C_1 log(KT), with probability at least 1 - T^(-C_1/4)",
    proofs.trace_lemma,
    _LEMMA,
    _LEVELS,
)
trace_mean = _derived(
    "trace-mean", "The mean of the trace is at most 2 log K", proofs.trace_mean, _LEMMA, _LEVELS
)

ALL = (
    step_noise,
    odds,
    noise_share,
    noise_share_after,
    noise_product,
    noise_positive,
    last_noise,
    last_noise_power,
    half_steps,
    half_steps_least,
    trace_identity,
    trace_tail,
    trace_lemma,
    trace_mean,
)
"""The statements with explicit constants, in the order of the documentation."""

# Planted falsehoods

_HUNDRED = {"steps": 100, "c0": "2", "c1": "10"}
_PAIR = {"weights": ("1/2", "1/2"), "means": ("-2", "2")}


_four_thirds = Hypothesis("ratio_four_thirds", "3 c_1 is at least 4 c_0", sp.Ge(3 * _c1, 4 * _c0))

TWINS = (
    twin(
        step_noise,
        "next-level",
        "The noise of one step by the noise of the level after it",
        "an off-by-one in the knots: 1 - alpha_bar_(t-1) is smaller by the factor 1 - beta alpha_bar_t",
        {**_HUNDRED, "level": 70},
        _beta * (1 - _a) * (1 - _beta * _a) / (1 + _beta * (1 - _a)),
    ),
    twin(
        odds,
        "constant",
        "The odds grow by the same factor in every step",
        "true for alpha_bar near 0 only; near 1 the factor is 1/(1 - beta)",
        {**_HUNDRED, "level": 70},
        1 + _beta,
    ),
    twin(
        noise_share,
        "early",
        "The share of the noise as at the noisy end",
        "for alpha_bar near 0 the share is beta/(1 + beta), and it grows to beta",
        {**_HUNDRED, "level": 70},
        _beta / (1 + _beta),
    ),
    twin(
        noise_share_after,
        "before",
        "The share of the noise with what the step leaves taken for what it finds",
        "the step leaves less noise than it finds",
        {**_HUNDRED, "level": 70},
        _beta,
    ),
    twin(
        noise_product,
        "one-more",
        "The noise of the last level with one step more",
        "an off-by-one in the knots: T levels have T - 1 steps between them, alpha_bar_0 is no level",
        _HUNDRED,
        (1 - lcw.alpha_bar_at[0]) * sp.exp(sp.Sum(sp.log(1 - _beta * lcw.alpha_bar_at[k]), (k, 0, _T - 1))),
    ),
    twin(
        noise_positive,
        "any-rate",
        "The levels stay below one whatever the rate",
        "with c_1 log T/T above 1 the levels pass 1, and the variance of the noise is negative",
        {"steps": 12, "c0": "1/2", "c1": "7"},
        sp.S.Zero,
        (),
    ),
    twin(
        last_noise,
        "exponential",
        "The noise of the last level is at most T^(c_0 - c_1)",
        "right to leading order only: log(1 + beta) is less than beta, and there are T - 1 steps, not T",
        {"steps": 400, "c0": "2", "c1": "8/3"},
        sp.exp((_c0 - _c1) * _log_T),
    ),
    twin(
        last_noise_power,
        "four-thirds",
        "The noise of the last level is at most T^(-c_1/4) for c_1/c_0 >= 4/3",
        "4/3 is the limit of the ratios that will do as T grows, and does not do itself",
        {"steps": 400, "c0": "2", "c1": "8/3"},
        hypotheses=(proofs.rate_at_most_one, _four_thirds, proofs.at_least_four),
    ),
    twin(
        half_steps,
        "linear",
        "The number of levels below 1/2 is at most 1 + T c_0/c_1",
        "the odds grow by 1 + beta per step, not by e^beta",
        _HUNDRED,
        1 + _T * _c0 / _c1,
    ),
    twin(
        half_steps_least,
        "slow",
        "The number of levels below 1/2, from below, with the growth of the odds at the start",
        "the odds grow faster and faster as alpha_bar grows to 1/2",
        _HUNDRED,
        sp.log(_odds_at_start) / sp.log(1 + _beta),
    ),
    twin(
        trace_identity,
        "unscaled",
        "The trace is the posterior variance of the component's mean",
        "a factor alpha_bar_t is missing: x_t has the components sqrt(alpha_bar_t) mu_k",
        {**_HUNDRED, **_PAIR, "level": 80, "x": ("1/2",)},
        lcw.posterior_spread,
    ),
    twin(
        trace_tail,
        "fast",
        "The tail of the trace decays like exp(-x)",
        "two components at the distance D have the trace D^2/4 half-way, where they are with probability "
        "about exp(-D^2/8): no exponent beyond 1/2 will do",
        {"steps": 100, "c0": "2", "c1": "10", "weights": ("1/2", "1/2"), "means": ("-4", "4"), "level": 60}
        | {"factor": "2"},
        (_K + 1) * sp.exp(-_C1 * sp.log(_K * _T)) / 2,
    ),
    twin(
        trace_lemma,
        "power",
        "The trace exceeds C_1 log(KT) with probability at most T^(-C_1)",
        "two components far apart: the probability is about (KT)^(-C_1/2)",
        {**_HUNDRED, "weights": ("1/2", "1/2"), "means": ("-5", "5"), "level": 1, "factor": "4"},
        sp.exp(-_C1 * _log_T),
    ),
    twin(
        trace_mean,
        "half",
        "The mean of the trace is at most (1/2) log K",
        "two components at the right distance have a mean trace of about 0.65 log 2",
        {**_HUNDRED, **_PAIR, "level": 79},
        sp.log(_K) / 2,
    ),
)
"""The planted falsehoods, in the order of the statements."""
