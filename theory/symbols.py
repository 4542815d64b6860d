"""One symbol per quantity, with its meaning, unit and range.

What belongs here: the table that every formula is written in, and that is bound to functionals of
an instance elsewhere. What does not: formulas, and anything that computes.

Each quantity is an attribute of this module under its key: `symbols.kappa`, `symbols.mmse_at`, ...
A quantity that has one value per knot or per step is an `IndexedBase`; write `knots[k + 1]` with
the index `k`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import sympy as sp

from theory import entropy_symbols, li_cai_wei_symbols, low_rank_symbols
from theory.entropy_symbols import *  # noqa: F403
from theory.li_cai_wei_symbols import *  # noqa: F403
from theory.low_rank_symbols import *  # noqa: F403
from theory.quantity import Quantity, SymbolLike

__all__ = [
    "QUANTITIES",
    "Quantity",
    "SymbolLike",
    "best_phase_kl",
    "best_rate",
    "component_variance",
    "covariance_moment",
    "covariance_moment_at",
    "covariance_norm",
    "covariance_supremum",
    "diameter",
    "dimension",
    "early_stopping",
    "entropy",
    "epsilon",
    "first",
    "first_positive",
    "information_at",
    "information_first",
    "information_first_positive",
    "information_last",
    "k",
    "kappa",
    "key_of",
    "knots",
    "last",
    "mmse",
    "mmse_at",
    "mutual_information",
    "number_of_steps",
    "output_kl",
    "output_tv",
    "path_kl",
    "quantity",
    "radius",
    "rank",
    "score_error_at",
    "second_moment",
    "snr",
    "spacing",
    "start_kl",
    "steps",
    "strip",
    "trapezoid_covariance",
    "trapezoid_information",
    "trapezoid_mmse",
    "variance",
    "variance_ratio",
]
__all__ += low_rank_symbols.__all__ + entropy_symbols.__all__ + li_cai_wei_symbols.__all__

k = sp.Symbol("k", integer=True, nonnegative=True)
"""The summation index over knots and steps."""

snr = sp.Symbol("s", nonnegative=True)
mmse = sp.Symbol("M_s", nonnegative=True)
mutual_information = sp.Symbol("I_s", nonnegative=True)
covariance_moment = sp.Symbol("C_s", nonnegative=True)
knots = sp.IndexedBase("t", nonnegative=True)
steps = sp.IndexedBase("delta", positive=True)
mmse_at = sp.IndexedBase("M", nonnegative=True)
covariance_moment_at = sp.IndexedBase("C", nonnegative=True)
information_at = sp.IndexedBase("I", nonnegative=True)
first = sp.Symbol("t_0", nonnegative=True)
first_positive = sp.Symbol("t_1", positive=True)
last = sp.Symbol("T", positive=True)
number_of_steps = sp.Symbol("n", integer=True, positive=True)
kappa = sp.Symbol("kappa", nonnegative=True)
information_first = sp.Symbol("I_0", nonnegative=True)
information_first_positive = sp.Symbol("I_1", nonnegative=True)
information_last = sp.Symbol("I_T", nonnegative=True)
entropy = sp.Symbol("H", nonnegative=True)
variance = sp.Symbol("V", nonnegative=True)
second_moment = sp.Symbol("S", nonnegative=True)
covariance_norm = sp.Symbol("C_A", nonnegative=True)
covariance_supremum = sp.Symbol("C_sup", nonnegative=True)
diameter = sp.Symbol("D", nonnegative=True)
rank = sp.Symbol("r", integer=True, nonnegative=True)
dimension = sp.Symbol("d", integer=True, positive=True)
component_variance = sp.Symbol("v", nonnegative=True)
variance_ratio = sp.IndexedBase("rho", positive=True)
epsilon = sp.Symbol("epsilon", positive=True)
path_kl = sp.Symbol("K", nonnegative=True)
best_phase_kl = sp.Symbol("K_phase", nonnegative=True)
best_rate = sp.Symbol("Q", nonnegative=True)
start_kl = sp.Symbol("KL_0", nonnegative=True)
score_error_at = sp.IndexedBase("E", nonnegative=True)
early_stopping = sp.Symbol("W_2^2", nonnegative=True)
output_kl = sp.Symbol("K_out", nonnegative=True)
output_tv = sp.Symbol("TV", nonnegative=True)
radius = sp.Symbol("R", nonnegative=True)
spacing = sp.Symbol("h", positive=True)
strip = sp.Symbol("eta", positive=True)
trapezoid_mmse = sp.Symbol("Delta_M", nonnegative=True)
trapezoid_information = sp.Symbol("Delta_I", nonnegative=True)
trapezoid_covariance = sp.Symbol("Delta_C", nonnegative=True)

_ROWS = (
    Quantity("snr", snr, "signal-to-noise ratio", "1/length^2", "s >= 0", "s", "s"),
    Quantity(
        "mmse",
        mmse,
        "M(s) = E|A - E[A|Y_s]|^2, the least mean squared error at snr s",
        "length^2",
        "0 <= M(s) <= V",
        "M(s)",
        "M(s)",
    ),
    Quantity(
        "mutual_information",
        mutual_information,
        "I(s) = I(A; Y_s), the mutual information at snr s",
        "nats",
        "0 <= I(s) <= H",
        "I(s)",
        "I(s)",
    ),
    Quantity(
        "covariance_moment",
        covariance_moment,
        "C(s) = E|Cov(A|Y_s)|_F^2, the second moment of the posterior covariance at snr s",
        "length^4",
        "0 <= C(s) <= D^2 M(s)/4",
        "C(s)",
        "C(s)",
    ),
    Quantity(
        "knots",
        knots,
        "t_k, the knots of the path (snr), increasing",
        "1/length^2",
        "0 <= t_0 < t_1 < ... < t_n = T",
        "t",
        "t",
        "0..n",
    ),
    Quantity(
        "steps",
        steps,
        "delta_k = t_(k+1) - t_k, the step sizes",
        "1/length^2",
        "delta_k > 0",
        r"\delta",
        "δ",
        "0..n-1",
    ),
    Quantity(
        "mmse_at",
        mmse_at,
        "M_k = M(t_k), the mmse at the knots",
        "length^2",
        "0 <= M_k <= V, non-increasing",
        "M",
        "M",
        "0..n",
    ),
    Quantity(
        "covariance_moment_at",
        covariance_moment_at,
        "C_k = C(t_k), the covariance moment at the knots",
        "length^4",
        "C_k >= 0",
        "C",
        "C",
        "0..n",
    ),
    Quantity(
        "information_at",
        information_at,
        "I_k = I(t_k), the mutual information at the knots",
        "nats",
        "0 <= I_k <= H, non-decreasing",
        "I",
        "I",
        "0..n",
    ),
    Quantity("first", first, "t_0, the first knot", "1/length^2", "t_0 >= 0", "t_0", "t₀"),
    Quantity(
        "first_positive",
        first_positive,
        "the smallest positive knot: t_1 where t_0 = 0, else t_0",
        "1/length^2",
        "t_1 > 0",
        "t_1",
        "t₁",
    ),
    Quantity("last", last, "T = t_n, the last knot", "1/length^2", "T > 0", "T", "T"),
    Quantity(
        "number_of_steps",
        number_of_steps,
        "n, the number of steps of the path",
        "1",
        "n >= 1",
        "n",
        "n",
    ),
    Quantity(
        "kappa",
        kappa,
        "the greatest t_(k+1)/t_k - 1 over the k with t_k > 0 (0 if there is none)",
        "1",
        "kappa >= 0",
        r"\kappa",
        "κ",
    ),
    Quantity(
        "information_first",
        information_first,
        "I(t_0), the mutual information at the first knot",
        "nats",
        "0 <= I(t_0) <= I(T)",
        "I(t_0)",
        "I(t₀)",
    ),
    Quantity(
        "information_first_positive",
        information_first_positive,
        "I(t_1), the mutual information at the smallest positive knot",
        "nats",
        "0 <= I(t_1) <= I(T)",
        "I(t_1)",
        "I(t₁)",
    ),
    Quantity(
        "information_last",
        information_last,
        "I(T), the mutual information at the last knot",
        "nats",
        "0 <= I(T) <= H",
        "I(T)",
        "I(T)",
    ),
    Quantity("entropy", entropy, "H = H(A), the entropy of the core", "nats", "H >= 0", "H", "H"),
    Quantity(
        "variance",
        variance,
        "V = E|A - EA|^2, the total variance of the core",
        "length^2",
        "V >= 0",
        "V",
        "V",
    ),
    Quantity(
        "second_moment",
        second_moment,
        "S = E|A|^2, the second moment of the core about the origin",
        "length^2",
        "S >= V",
        "S",
        "S",
    ),
    Quantity(
        "covariance_norm",
        covariance_norm,
        "|Cov A|_F^2 = C(0), the squared Frobenius norm of the core's covariance",
        "length^4",
        "V^2/r <= |Cov A|_F^2 <= V^2",
        r"\lVert\mathrm{Cov} A\rVert_F^2",
        "|Cov A|²",
    ),
    Quantity(
        "covariance_supremum",
        covariance_supremum,
        "the supremum of C(s) over 0 <= s <= t_1, up to the smallest positive knot",
        "length^4",
        "C(0) <= sup C <= D^2 V/4",
        r"\sup_{[0, t_1]} C",
        "sup C",
    ),
    Quantity(
        "diameter",
        diameter,
        "D, the greatest distance between two atoms of the core",
        "length",
        "D >= 0",
        "D",
        "D",
    ),
    Quantity(
        "rank",
        rank,
        "r, the dimension of the affine span of the atoms",
        "1",
        "0 <= r <= d",
        "r",
        "r",
    ),
    Quantity("dimension", dimension, "d, the ambient dimension", "1", "d >= 1", "d", "d"),
    Quantity(
        "component_variance",
        component_variance,
        "v, the variance of the Gaussian components",
        "length^2",
        "v >= 0",
        "v",
        "v",
    ),
    Quantity(
        "variance_ratio",
        variance_ratio,
        "rho_k, the matched reverse variance of a step over the sampler's",
        "1",
        "rho_k > 0",
        r"\rho",
        "ρ",
        "0..n-1",
    ),
    Quantity(
        "epsilon",
        epsilon,
        "epsilon, the accuracy asked for (a parameter of the instance)",
        "nats",
        "epsilon > 0",
        r"\varepsilon",
        "ε",
    ),
    Quantity(
        "path_kl",
        path_kl,
        "KL(law of (Y_t0, ..., Y_tn) || law of the sampler's path), the exact path error",
        "nats",
        "KL >= 0",
        r"\mathrm{KL}",
        "KL",
    ),
    Quantity(
        "best_phase_kl",
        best_phase_kl,
        "the least path KL over the phases: the infimum over 1 <= c <= 1 + kappa of the path error of the "
        "matched sampler on the knots c t_0, ..., c t_n",
        "nats",
        "KL >= 0",
        r"\inf_c \mathrm{KL}",
        "inf KL",
    ),
    Quantity(
        "best_rate",
        best_rate,
        "(1/4) (int_{t_0}^T sqrt(C) ds)^2, the limit of n times the path KL of the best n steps from t_0 "
        "to T",
        "nats",
        ">= 0",
        r"\lim n \mathrm{KL}^*_n",
        "lim n KL*",
    ),
    Quantity(
        "start_kl",
        start_kl,
        "KL(law of Y_t0 || law of the sampler's start)",
        "nats",
        "KL_0 >= 0, 0 for the exact start",
        r"\mathrm{KL}_0",
        "KL₀",
    ),
    Quantity(
        "score_error_at",
        score_error_at,
        "E_k = E|e_k(Y_tk)|^2, the mean squared error of the posterior mean that the sampler uses",
        "length^2",
        "E_k >= 0, 0 for the exact score",
        "E",
        "E",
        "0..n-1",
    ),
    Quantity(
        "early_stopping",
        early_stopping,
        "W_2(law of A, law of Y_s/s)^2, the squared Wasserstein distance that stopping at snr s costs",
        "length^2",
        "0 <= W_2^2 <= d/s",
        "W_2^2",
        "W₂²",
    ),
    Quantity(
        "output_kl",
        output_kl,
        "KL(law of Y_T || law of the sampler's last iterate), enclosed",
        "nats",
        "KL >= 0",
        r"\mathrm{KL}_T",
        "KL_T",
    ),
    Quantity(
        "output_tv",
        output_tv,
        "the total variation between the law of Y_T and that of the sampler's last iterate",
        "1",
        "0 <= TV <= 1",
        r"\mathrm{TV}_T",
        "TV_T",
    ),
    Quantity(
        "radius",
        radius,
        "R = max |a_i - EA|, the greatest distance of an atom of the core from its mean",
        "length",
        "D/2 <= R <= D",
        "R",
        "R",
    ),
    Quantity(
        "spacing",
        spacing,
        "h, the spacing of the trapezoidal rule (a parameter of the instance)",
        "1",
        "h > 0",
        "h",
        "h",
    ),
    Quantity(
        "strip",
        strip,
        "eta, the half-width of the strip that a bound uses (a parameter of the instance)",
        "1",
        "eta > 0",
        r"\eta",
        "η",
    ),
    Quantity(
        "trapezoid_mmse",
        trapezoid_mmse,
        "|h sum_k f(kh) - M(s)|, f = p Cov along the observation sqrt(s)(A - EA) + N, for atoms on a line",
        "length^2",
        ">= 0",
        r"\Delta_M",
        "ΔM",
    ),
    Quantity(
        "trapezoid_information",
        trapezoid_information,
        "|sV/2 - h sum_k f(kh) - I(s)|, f = p log(p/phi) along the observation, for atoms on a line",
        "nats",
        ">= 0",
        r"\Delta_I",
        "ΔI",
    ),
    Quantity(
        "trapezoid_covariance",
        trapezoid_covariance,
        "|h sum_k f(kh) - C(s)|, f = p Cov^2 along the observation, for atoms on a line",
        "length^4",
        ">= 0",
        r"\Delta_C",
        "ΔC",
    ),
)

QUANTITIES: Mapping[str, Quantity] = MappingProxyType(
    {
        row.key: row
        for row in (*_ROWS, *entropy_symbols.ROWS, *low_rank_symbols.ROWS, *li_cai_wei_symbols.ROWS)
    }
)
"""The table, key -> Quantity, in the order of the documentation."""

_BY_SYMBOL = {row.symbol: row for row in QUANTITIES.values()}
_BY_NAME = {str(row.symbol): row for row in QUANTITIES.values()}


def quantity(symbol: sp.Basic) -> Quantity:
    """The row of the table that a symbol (or an indexed symbol's base) belongs to.

    Raises ValueError for a symbol that is not in the table, with the right one if only its
    assumptions differ.
    """
    base = symbol.base if isinstance(symbol, sp.Indexed) else symbol
    row = _BY_SYMBOL.get(base)
    if row is not None:
        return row
    twin = _BY_NAME.get(str(base))
    if twin is not None:
        raise ValueError(
            f"the symbol {base} is not the table's own (its assumptions differ): "
            f"use theory.symbols.{twin.key}"
        )
    raise ValueError(
        f"the symbol {base} stands for no quantity; the table is theory.symbols.QUANTITIES "
        f"({', '.join(QUANTITIES)})"
    )


def key_of(symbol: sp.Basic) -> str:
    """The key of a symbol; raises ValueError as `quantity` does."""
    return quantity(symbol).key
