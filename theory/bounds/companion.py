"""Statements of the companion paper with Zhang: the best schedule against entropies, adaptive schedules.

What belongs here: the statements with explicit constants and the rates, as data, each with a planted
falsehood beside it. What does not: their proofs (`theory.proofs.renyi`), Aghapour and Bayraktar's own
paper.

The paper's first version bounds the KL of K steps by O(H^2/K) up to endpoint factors, H Shannon's
entropy; its later version has the Renyi entropy of order 1/2 in its place. Let Q = lim n KL_best(n) =
(1/4) (int sqrt(C))^2, and let the core have an atom of weight eps at distance 1 from all the rest, L =
log(1/eps) large. With l the posterior log-odds of the rare atom, phi_t the density of N(0, t),

    C(t) = (1 - eps) int phi_t(l + L + t/2) e^{2l} (1 + e^l)^{-3} dl,

since the log-odds are -L - t/2 plus N(0, t) under the other atom and the weight of an observation grows
by 1 + e^l. At t = 2 L (1 + x) the density there is (4 pi L)^{-1/2} exp(-L - L x^2/4 + ...) e^{-l}, so
that C is eps (16 pi L)^{-1/2} e^{-L x^2/4} to leading order (int e^l (1 + e^l)^{-3} dl = 1/2) and

    int sqrt(C) dt = eps^{1/2} (64 pi L)^{1/4} (1 + o(1)),        Q = 2 sqrt(pi L) eps (1 + o(1)).

All but a vanishing share of the integral comes from L <= t <= 4 L. Here H = eps L (1 + o(1)) and H_1/2 =
2 log(sqrt(eps) + sqrt(1 - eps)) = 2 sqrt(eps) (1 + o(1)):

    Q/H^2 = 2 sqrt(pi) eps^{-1} L^{-3/2} (1 + o(1)),        Q/H_1/2^2 = (1/2) sqrt(pi L) (1 + o(1)).

So O(H^2/n) is wrong, by a power of eps, whatever power of T/t_0 or of T D^2 is allowed as endpoint
factor. With the Renyi entropy and no endpoint factor, or one that depends on T/t_0 alone, the statement
is wrong as well, but by sqrt(log 1/eps) only; with the endpoint factor T D^2 it is true, with the
explicit constant of `best_rate_renyi`, and uniform steps do it (`uniform_renyi`). Among the orders alpha
of the Renyi entropy 1/2 is the critical one: H_alpha^2 is of order eps^(2 alpha) for alpha < 1 here.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from theory import symbols as sym
from theory.planted import twin
from theory.proofs import renyi
from theory.statement import Bound, Source

__all__ = [
    "ALL",
    "PAPER",
    "TWINS",
    "best_rate_renyi",
    "loss_ratios",
    "uniform_renyi",
]

PAPER = (
    "Aghapour, Bayraktar and Zhang 2026, Entropy-Based Dimension-Free Convergence and Loss-Adaptive "
    "Schedules for Diffusion Models"
)
_ARXIV = "2601.21943"
_MANNER = "in the manner of the paper, proved here with an explicit constant and endpoint factor"
_FIRST_VERSION = Source(
    PAPER,
    _ARXIV,
    "",
    "the order of the first version's bound, with the endpoint factor and constant of the true statement",
)

_n, _T, _D, _H, _R = sym.number_of_steps, sym.last, sym.diameter, sym.entropy, sym.renyi_entropy


def _bound(name: str, title: str, proof: Any) -> Bound:
    """The statement that a derivation proves."""
    return Bound(
        id=f"companion/{name}",
        title=title,
        truth=proof.statement.lhs,
        relation=proof.relation,
        formula=proof.statement.rhs,
        hypotheses=proof.hypotheses,
        source=Source(PAPER, _ARXIV, "", _MANNER),
        derivation=proof,
    )


uniform_renyi = _bound(
    "uniform-renyi",
    "Uniform steps by the Renyi entropy of order 1/2, with the endpoint factor T D^2",
    renyi.uniform_renyi,
)
best_rate_renyi = _bound(
    "best-rate-renyi",
    "The best schedule of many steps by the Renyi entropy of order 1/2, with the endpoint factor T D^2",
    renyi.best_rate_renyi,
)
loss_ratios = _bound(
    "loss-ratios",
    "Each step by the information it gains and the relative drop of the loss",
    renyi.loss_ratios,
)

_RARE = {"weights": ("999999999999/1000000000000", "1/1000000000000"), "means": ("0", "1"), "variance": "0"}
_RARER = {
    "weights": (f"{10**100 - 1}/{10**100}", f"1/{10**100}"),
    "means": ("0", "1"),
    "variance": "0",
}
_FAR = {
    "weights": ("1/2", "499999/1000000", "1/1000000"),
    "means": ("0", "1", "1000000"),
    "variance": "0",
}


_SHANNON = {_R: _H}
_rare = "an atom of weight eps has a variance of order eps and an entropy of order eps log(1/eps)"

uniform_shannon = twin(
    uniform_renyi,
    "shannon",
    "Uniform steps by the Shannon entropy, with the endpoint factor T D^2",
    _rare,
    {**_RARE, "snr_knots": tuple(str(4 * i) for i in range(21))},
    uniform_renyi.formula.subs(_SHANNON),
    source=_FIRST_VERSION,
)
best_rate_shannon = twin(
    best_rate_renyi,
    "shannon",
    "The best schedule of many steps by the Shannon entropy, with the endpoint factor T D^2",
    "an atom of weight eps makes the left side 2 sqrt(pi log(1/eps)) eps, H^2 is (eps log(1/eps))^2",
    {**_RARE, "snr_knots": ("20", "80")},
    best_rate_renyi.formula.subs(_SHANNON),
    source=_FIRST_VERSION,
)
best_rate_logarithm = twin(
    best_rate_renyi,
    "logarithm",
    "The best schedule of many steps by the Renyi entropy of order 1/2, with log(T/t_0)^2 for T D^2",
    "an atom of weight eps makes the left side (1/2) sqrt(pi log(1/eps)) times the squared Renyi entropy, "
    "and nearly all of it lies between the snr log(1/eps) and 4 log(1/eps): no constant and no function of "
    "T/t_0 covers it for all eps",
    {**_RARER, "snr_knots": ("400", "530")},
    (sp.exp(_R) - 1) ** 2 * sp.log(_T / sym.first) ** 2,
)
loss_ratios_half = twin(
    loss_ratios,
    "half",
    "Each step by half the information it gains times the relative drop of the loss",
    "where the loss drops at once and then stays, the step costs nearly the whole bound; half of it is the "
    "limit of short steps",
    {**_FAR, "snr_knots": ("0", "1/10")},
    loss_ratios.formula / 2,
)

ALL = (uniform_renyi, best_rate_renyi, loss_ratios)
"""The bounds of this module, in the order of the documentation."""

TWINS = (uniform_shannon, best_rate_shannon, best_rate_logarithm, loss_ratios_half)
"""The planted falsehoods beside them."""
