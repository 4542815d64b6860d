"""Rates in entropies: how many steps suffice, and what the best and the loss-adaptive schedule cost.

What belongs here: the statements with implied constants of Aghapour and Bayraktar, and of the companion
paper with Zhang, as data, with falsehoods that look like them. What does not: explicit constants
(`aghapour_bayraktar`, `companion`, which also has the proof of what a rare atom costs), the ladders
(`diffcert.rates.entropy`).
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from theory.bounds import aghapour_bayraktar, companion
from theory.planted import PLANTED
from theory.rate import Condition, Rate
from theory.statement import Source

__all__ = [
    "RATES",
    "RATE_TWINS",
    "discrete_steps",
    "entropy_linear",
    "loss_density",
    "loss_drops",
    "rare_atom",
    "renyi_endpoint",
    "steps_accuracy",
    "steps_dimension",
    "steps_entropy",
    "steps_moment",
]

_MANNER = "in the manner of the paper; the number of the theorem there is unconfirmed"
_STEPS = Source(aghapour_bayraktar.PAPER, "2605.07969", "", _MANNER)
_COMPANION = Source(companion.PAPER, "2601.21943", "", _MANNER)
_OWN = Source("diffcert", "", "", "proved in the documentation of theory.bounds.companion")
_FOUND = Source("diffcert", "", "", "by the path identity to leading order in 1/n")
_FIRST = Source(companion.PAPER, "2601.21943", "", "the first version's order, without endpoint factors")


def _symbol(name: str) -> sp.Symbol:
    return sp.Symbol(name, positive=True)


_n, _H, _R, _V, _T, _t0, _d, _w, _eps, _D = map(
    _symbol, ("n", "H", "H_half", "V", "T", "t_0", "d", "w", "eps", "D")
)
_best, _limit = _symbol("best"), _symbol("limit")

_letters = {
    "H": "the entropy of the core, in nats",
    "H_half": "the Renyi entropy of order 1/2 of the core, in nats",
    "V": "the variance of the core",
    "T": "the last snr",
    "t_0": "the first snr",
    "D": "the diameter of the core",
    "d": "the ambient dimension",
    "w": "the accuracy in W2 asked for",
    "eps": "the accuracy in KL asked for",
    "n": "the number of steps",
    "best": "n times the path KL of the best schedule of n steps",
    "limit": "(1/2) (I(T) - I(t_0)) log(M(t_0)/M(T))",
}
_rare_letters = {**_letters, "eps": "the weight of the rare atom"}

_geometric = Condition("geometric knots from zero with t_1 = eps/V, matched sampler, exact scores")
_noisy = Condition("v = 1 and T = 1")
_formula = _H * sp.log(_T * _V / _eps) / _eps


def _rate(
    name: str, title: str, truth: str, formula: sp.Expr, variables: dict[str, str], **more: Any
) -> Rate:
    fields: dict[str, Any] = {"source": _STEPS, "letters": _letters, **more}
    return Rate(id=name, title=title, truth=truth, formula=formula, variables=variables, **fields)


def _twin(of: Rate, what: str, title: str, why_false: str, formula: Any, **more: Any) -> Rate:
    fields: dict[str, Any] = {
        "source": PLANTED,
        "relation": of.relation,
        "hypotheses": of.hypotheses,
        **more,
    }
    return Rate(
        id=f"{of.id}/twin-{what}",
        title=title,
        truth=of.truth,
        formula=sp.sympify(formula, strict=True),
        variables=of.variables,
        letters=of.letters,
        twin_of=of.id,
        why_false=why_false,
        **fields,
    )


# Step complexity

steps_entropy = _rate(
    "aghapour-bayraktar/steps-entropy",
    "Steps that are needed: linear in the entropy",
    "steps_needed",
    _formula,
    {"H": "up"},
    hypotheses=(_geometric, _noisy),
)
steps_moment = _rate(
    "aghapour-bayraktar/steps-moment",
    "Steps that are needed: logarithmic in the second moment",
    "steps_needed",
    _formula,
    {"V": "up"},
    relation="~",
    hypotheses=(_geometric, _noisy),
)
steps_accuracy = _rate(
    "aghapour-bayraktar/steps-accuracy",
    "Steps that are needed: inversely proportional to the accuracy, up to a logarithm",
    "steps_needed",
    _formula,
    {"eps": "down"},
    hypotheses=(_geometric, _noisy),
)
steps_dimension = _rate(
    "aghapour-bayraktar/steps-dimension",
    "Steps that are needed: independent of the ambient dimension",
    "steps_needed",
    sp.S.One,
    {"d": "up"},
    relation="~",
    hypotheses=(_geometric, _noisy),
)
discrete_steps = _rate(
    "aghapour-bayraktar/discrete-steps",
    "Steps that are needed for a discrete target: the logarithm of the dimension comes back",
    "steps_needed",
    _H * sp.log(_d * _V / (_w**2 * _eps)) / _eps,
    {"d": "up"},
    relation="~",
    hypotheses=(
        _geometric,
        Condition("v = 0 and T = d/w^2, so that W2(A, Y_T/T) <= w", sp.Eq(_T * _w**2, _d, evaluate=False)),
    ),
)

_steps_twins = (
    _twin(
        steps_entropy,
        "root",
        "Steps that are needed: the square root of the entropy",
        "independent copies add their costs as they add their entropies",
        sp.sqrt(_H) * sp.log(_T * _V / _eps) / _eps,
    ),
    _twin(
        steps_moment,
        "loglog",
        "Steps that are needed: the iterated logarithm of the second moment",
        "the ratio of geometric knots from eps/V to T is fixed by the accuracy, and their number by log V",
        _H * sp.log(sp.log(_T * _V / _eps)) / _eps,
    ),
    _twin(
        steps_moment,
        "power",
        "Steps that are needed: a power of the second moment",
        "they grow like its logarithm only",
        _H * _V ** sp.Rational(1, 4) / _eps,
    ),
    _twin(
        steps_accuracy,
        "root",
        "Steps that are needed: inversely proportional to the root of the accuracy",
        "the path KL falls like 1/n, not like 1/n^2",
        _H * sp.log(_T * _V / _eps) / sp.sqrt(_eps),
    ),
    _twin(
        steps_dimension,
        "linear",
        "Steps that are needed: proportional to the ambient dimension",
        "with the matched variance the dimension does not enter",
        _d,
    ),
    _twin(
        discrete_steps,
        "free",
        "Steps that are needed for a discrete target: independent of the dimension",
        "to come within w in W2 the path has to reach the snr d/w^2, and knots pay for its logarithm",
        _H / _eps,
    ),
)

# The companion

rare_atom = _rate(
    "companion/rare-atom",
    "What the best schedule of many steps costs for a rare atom",
    "best_limit",
    2 * sp.sqrt(sp.pi * sp.log(1 / _eps)) * _eps,
    {"eps": "down"},
    relation="==",
    source=_OWN,
    letters=_rare_letters,
    hypotheses=(
        "two atoms at distance 1, of weights eps and 1 - eps, from snr 0 to well beyond 2 log(1/eps)",
    ),
)
renyi_endpoint = _rate(
    "companion/renyi-endpoint",
    "The best schedule by the squared Renyi entropy of order 1/2, with the endpoint factor T D^2",
    "best_limit",
    _R**2 * _T * _D**2,
    {"eps": "down"},
    source=_COMPANION,
    letters=_rare_letters,
    hypotheses=("a rare atom of weight eps",),
    note="companion/best-rate-renyi has an explicit constant for every core",
)
entropy_linear = _rate(
    "companion/entropy-linear",
    "The best schedule by the entropy itself, for large entropies",
    "best_limit",
    _H * sp.log(_T / _t0),
    {"H": "up"},
    relation="~",
    source=_FOUND,
    hypotheses=("independent copies of one core",),
    note="independent copies add their costs, so that for large entropies the squares are too large",
)
loss_drops = _rate(
    "companion/loss-drops",
    "The loss-adaptive schedule by the drops of the loss: as good as the best one",
    "adaptive_kl",
    _best,
    {"n": "up"},
    relation="==",
    source=_COMPANION,
    hypotheses=("the table of losses has 16 values per step",),
)
loss_density = _rate(
    "companion/loss-density",
    "The loss-adaptive schedule by the loss itself: equal information per step",
    "adaptive_kl",
    _limit,
    {"n": "up"},
    relation="==",
    source=_FOUND,
    hypotheses=("the table of losses has 16 values per step",),
)

_companion_twins = (
    _twin(
        rare_atom,
        "entropy",
        "What the best schedule of many steps costs for a rare atom: the square of its entropy",
        "it is of order eps sqrt(log(1/eps)), and the entropy of order eps log(1/eps)",
        _H**2,
        relation="<=",
        source=_FIRST,
    ),
    _twin(
        renyi_endpoint,
        "shannon",
        "The best schedule by the squared Shannon entropy, with the endpoint factor T D^2",
        "an atom of weight eps makes the left side 2 sqrt(pi log(1/eps)) eps, H^2 is (eps log(1/eps))^2",
        _H**2 * _T * _D**2,
        source=_FIRST,
    ),
    _twin(
        renyi_endpoint,
        "universal",
        "The best schedule by the squared Renyi entropy of order 1/2, with no endpoint factor",
        "an atom of weight eps makes the ratio (1/2) sqrt(pi log(1/eps))",
        _R**2,
    ),
    _twin(
        renyi_endpoint,
        "ratio",
        "The best schedule by the squared Renyi entropy of order 1/2, with the factor log(T/t_0)^2",
        "from the snr log(1/eps) to 4 log(1/eps) the factor is constant and the ratio still grows",
        _R**2 * sp.log(_T / _t0) ** 2,
    ),
    _twin(
        entropy_linear,
        "square",
        "The best schedule grows like the square of the entropy",
        "independent copies add their costs",
        _H**2,
    ),
    _twin(
        loss_drops,
        "half",
        "The loss-adaptive schedule by the drops of the loss: half the cost of the best one",
        "no schedule is better than the best",
        _best / 2,
    ),
    _twin(
        loss_density,
        "best",
        "The loss-adaptive schedule by the loss itself: as good as the best one",
        "equal information is the wrong density: sqrt(C) is the best, and they differ",
        _best,
    ),
    Rate(
        id="companion/loss-density/twin-range",
        title="Equal information per step: within a constant of the best schedule, however long the range",
        truth="loss_limit",
        formula=_best,
        variables={"T": "up"},
        source=PLANTED,
        letters={**_letters, "best": "the limit of n times the path KL of the best schedule"},
        twin_of=loss_density.id,
        why_false="beyond the snr at which the atom is known there is hardly any information, but the loss "
        "still falls: log(M(t_0)/M(T)) grows like T",
    ),
)

RATES = (
    steps_entropy,
    steps_moment,
    steps_accuracy,
    steps_dimension,
    discrete_steps,
    rare_atom,
    renyi_endpoint,
    entropy_linear,
    loss_drops,
    loss_density,
)
"""The rates of this module, in the order of the documentation."""

RATE_TWINS = (*_steps_twins, *_companion_twins)
"""The planted falsehoods beside them."""
