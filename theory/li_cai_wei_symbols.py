"""The symbols of the schedule of Li, Cai and Wei, and of the trace of its posterior covariances.

What belongs here: rows of the table of `symbols`, which takes them in. What does not: formulas.

The levels are alpha_bar_T = T^-c0 and alpha_bar_{t-1} = alpha_bar_t + beta alpha_bar_t (1 - alpha_bar_t),
beta = c1 log T/T, down to alpha_bar_1; alpha_t = alpha_bar_t/alpha_bar_{t-1}. The target is a mixture of
unit covariance, x_t = sqrt(alpha_bar_t) X + sqrt(1 - alpha_bar_t) N, and A is the mean of X's component.
"""

from __future__ import annotations

import sympy as sp

from theory.quantity import Quantity

__all__ = [
    "alpha_bar_at",
    "half_steps",
    "last_noise",
    "level_alpha_bar",
    "mixture_components",
    "noise_share",
    "noise_share_after",
    "odds_growth",
    "paper_steps",
    "posterior_spread",
    "rate_constant",
    "score_trace",
    "start_exponent",
    "step_noise",
    "step_rate",
    "tail_factor",
    "trace_mean",
    "trace_tail",
]

paper_steps = sp.Symbol("T_L", integer=True, positive=True)
start_exponent = sp.Symbol("c_0", positive=True)
rate_constant = sp.Symbol("c_1", positive=True)
step_rate = sp.Symbol("beta_T", positive=True)
alpha_bar_at = sp.IndexedBase("a", real=True)
last_noise = sp.Symbol("g_1", real=True)
half_steps = sp.Symbol("N_half", integer=True, nonnegative=True)
level_alpha_bar = sp.Symbol("a_t", positive=True)
step_noise = sp.Symbol("b_t", real=True)
odds_growth = sp.Symbol("o_t", real=True)
noise_share = sp.Symbol("h_t", real=True)
noise_share_after = sp.Symbol("h_s", real=True)
mixture_components = sp.Symbol("K_m", integer=True, positive=True)
score_trace = sp.Symbol("S_tr", real=True)
posterior_spread = sp.Symbol("V_x", nonnegative=True)
tail_factor = sp.Symbol("C_1", positive=True)
trace_tail = sp.Symbol("P_tr", nonnegative=True)
trace_mean = sp.Symbol("E_tr", nonnegative=True)

_AB = r"\bar\alpha"

ROWS = (
    Quantity(
        "paper_steps",
        paper_steps,
        "T, the number of levels of the schedule of Li, Cai and Wei",
        "1",
        "T >= 2",
        "T",
        "T",
    ),
    Quantity(
        "start_exponent",
        start_exponent,
        "c_0, with alpha_bar_T = T^-c_0",
        "1",
        "c_0 > 0",
        "c_0",
        "c₀",
    ),
    Quantity(
        "rate_constant",
        rate_constant,
        "c_1, with beta = c_1 log T/T",
        "1",
        "c_1 > 0",
        "c_1",
        "c₁",
    ),
    Quantity(
        "step_rate",
        step_rate,
        "beta = c_1 log T/T, the rate of the schedule's recursion",
        "1",
        "beta > 0",
        r"\beta",
        "β",
    ),
    Quantity(
        "alpha_bar_at",
        alpha_bar_at,
        "a_k = alpha_bar_(T-k), the levels from the noisiest, a_0 = T^-c_0, to the last, a_(T-1)",
        "1",
        "0 < a_k < 1 where beta < 1",
        "a",
        "a",
        "0..T-1",
    ),
    Quantity(
        "last_noise",
        last_noise,
        "1 - alpha_bar_1, the noise of the last level",
        "1",
        "0 < 1 - alpha_bar_1 < 1 where beta < 1",
        rf"1 - {_AB}_1",
        "1 - ᾱ₁",
    ),
    Quantity(
        "half_steps",
        half_steps,
        "the number of levels with alpha_bar_t < 1/2, the first phase of the schedule",
        "1",
        "0 <= N <= T",
        r"N_{1/2}",
        "N½",
    ),
    Quantity(
        "level_alpha_bar",
        level_alpha_bar,
        "alpha_bar_t at the instance's level t",
        "1",
        "0 < alpha_bar_t < 1 where beta < 1",
        rf"{_AB}_t",
        "ᾱₜ",
    ),
    Quantity(
        "step_noise",
        step_noise,
        "1 - alpha_t = 1 - alpha_bar_t/alpha_bar_(t-1), the noise that the sampler adds from level t",
        "1",
        "0 < 1 - alpha_t < 1 where beta < 1",
        r"1 - \alpha_t",
        "1 - αₜ",
    ),
    Quantity(
        "odds_growth",
        odds_growth,
        "by how much alpha_bar/(1 - alpha_bar) grows from level t to level t - 1",
        "1",
        "> 1 where beta < 1",
        r"\omega_{t-1}/\omega_t",
        "ωₜ₋₁/ωₜ",
    ),
    Quantity(
        "noise_share",
        noise_share,
        "(1 - alpha_t)/(1 - alpha_bar_t)",
        "1",
        "0 < . < 1 where beta < 1",
        rf"\frac{{1 - \alpha_t}}{{1 - {_AB}_t}}",
        "(1 - αₜ)/(1 - ᾱₜ)",
    ),
    Quantity(
        "noise_share_after",
        noise_share_after,
        "(1 - alpha_t)/(alpha_t - alpha_bar_t)",
        "1",
        "> 0 where beta < 1",
        rf"\frac{{1 - \alpha_t}}{{\alpha_t - {_AB}_t}}",
        "(1 - αₜ)/(αₜ - ᾱₜ)",
    ),
    Quantity(
        "mixture_components",
        mixture_components,
        "K, the number of components of the mixture of unit covariance",
        "1",
        "K >= 1",
        "K",
        "K",
    ),
    Quantity(
        "score_trace",
        score_trace,
        "tr(I + J), J the Jacobian of the score of x_t at the instance's point",
        "1",
        ">= 0",
        r"\mathrm{tr}(I + J_t)",
        "tr(I + J)",
    ),
    Quantity(
        "posterior_spread",
        posterior_spread,
        "tr Cov(A|x_t), the posterior variance of the component's mean at the instance's point",
        "length^2",
        ">= 0",
        r"\mathrm{tr}\,\mathrm{Cov}(A|x_t)",
        "tr Cov(A|xₜ)",
    ),
    Quantity(
        "tail_factor",
        tail_factor,
        "C_1, the factor of log(KT) in the threshold of the trace",
        "1",
        "C_1 > 0",
        "C_1",
        "C₁",
    ),
    Quantity(
        "trace_tail",
        trace_tail,
        "P(tr(I + J_t(x_t)) > C_1 log(KT)), the probability that the trace exceeds its threshold",
        "1",
        "0 <= P <= 1",
        r"\mathbb{P}(\mathrm{tr}(I + J_t) > C_1 \log KT)",
        "P(tr(I + J) > C₁ log KT)",
    ),
    Quantity(
        "trace_mean",
        trace_mean,
        "E tr(I + J_t(x_t)) = alpha_bar_t M(alpha_bar_t), the mean of the trace",
        "1",
        ">= 0",
        r"\mathbb{E}\,\mathrm{tr}(I + J_t)",
        "E tr(I + J)",
    ),
)
"""The rows of the table, in the order of the documentation."""
