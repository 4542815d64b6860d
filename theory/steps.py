"""One step's KL, exactly.

What belongs here: the error of one step of the sampler with the exact posterior mean and the matched
variance. What does not: whole paths (`immse`), bounds (`proofs`).

From `Y_(t_k) = y` the true increment is `delta_k A + sqrt(delta_k) N` with A from the posterior, and
the sampler's is `delta_k m(y) + sqrt(delta_k) N` with m(y) the posterior mean. `D_k` is the mean of
the KL divergence between their laws. Coordinates add, so one is written.
"""

from __future__ import annotations

import sympy as sp

from theory import symbols as sym
from theory.channel import PathVariable, RandomVariable, StepMean
from theory.derivation import Algebra, Axiom, Derivation, Link, chain
from theory.facts import COVER_THOMAS
from theory.statement import Source

__all__ = ["gained_information", "gaussian_kl", "step_identity", "step_kl"]

_k, _delta = sym.k, sym.steps[sym.k]
_atom = RandomVariable("A", real=True)
_mean = PathVariable("m", real=True)
_x = PathVariable("x", real=True)
_a = sp.Symbol("a", real=True)
_b = sp.Symbol("b", real=True)
_variance = sp.Symbol("tau", real=True)
_positive = (sp.Gt(_variance, 0),)

step_kl = sp.IndexedBase("D", nonnegative=True)
"""D_k: the mean KL divergence between the true step from t_k and the sampler's."""
gained_information = sp.IndexedBase("G", nonnegative=True)
"""G_k = I(A; Y_(t_(k+1)) | Y_(t_k)), the information that the step adds."""
_normal_kl = sp.Function("KL_N", nonnegative=True)

_definition = Axiom(
    "definition of the KL divergence",
    sp.Eq(
        _normal_kl(_a, _b, _variance),
        StepMean(((_x - _b) ** 2 - (_x - _a) ** 2) / (2 * _variance)),
        evaluate=False,
    ),
    variables=(_a, _b, _variance),
    conditions=_positive,
    because="the mean under N(a, tau) of the log-ratio of the densities",
)
_normal_mean = Axiom(
    "the mean of N(a, tau)",
    sp.Eq(StepMean(_x), _a),
    because="x has the law N(a, tau)",
)

gaussian_kl = Derivation(
    title="KL between Gaussians of equal variance",
    statement=sp.Eq(_normal_kl(_a, _b, _variance), (_a - _b) ** 2 / (2 * _variance), evaluate=False),
    variables=(_a, _b, _variance),
    conditions=_positive,
    steps=chain(
        _normal_kl(_a, _b, _variance),
        Link(
            "==",
            StepMean(((_x - _b) ** 2 - (_x - _a) ** 2) / (2 * _variance)),
            Algebra((_definition,)),
        ),
        Link(
            "==",
            (2 * (_a - _b) * StepMean(_x) + _b**2 - _a**2) / (2 * _variance),
            Algebra(),
        ),
        Link("==", (_a - _b) ** 2 / (2 * _variance), Algebra((_normal_mean,))),
    ),
)
"""KL(N(a, tau) || N(b, tau)) = (a - b)^2/(2 tau)."""

_compensation = Axiom(
    "compensation identity",
    sp.Eq(
        step_kl[_k],
        StepMean(_normal_kl(_delta * _atom, _delta * _mean, _delta)) - gained_information[_k],
        evaluate=False,
    ),
    source=Source(
        "Topsoe 1967, An information theoretical identity and a problem involving capacity",
        "",
        "",
        "the mean divergence of the laws given A exceeds that of their mixture by the information about A",
    ),
)
_mmse = Axiom(
    "definition of the mmse",
    sp.Eq(sym.mmse_at[_k], StepMean((_atom - _mean) ** 2), evaluate=False),
    because="m is the posterior mean of A given Y_(t_k)",
)
_chain_rule = Axiom(
    "chain rule of mutual information",
    sp.Eq(
        gained_information[_k],
        sym.information_at[_k + 1] - sym.information_at[_k],
        evaluate=False,
    ),
    source=Source(
        COVER_THOMAS,
        "",
        "Theorem 2.5.2",
        "A is independent of Y_(t_k) given Y_(t_(k+1)), so both together carry I(t_(k+1))",
    ),
)

_result = _delta * sym.mmse_at[_k] / 2 - (sym.information_at[_k + 1] - sym.information_at[_k])

step_identity = Derivation(
    title="one step's KL",
    statement=sp.Eq(step_kl[_k], _result, evaluate=False),
    variables=(_k,),
    conditions=(sp.Le(_k, sym.number_of_steps - 1),),
    steps=chain(
        step_kl[_k],
        Link(
            "==",
            StepMean(_normal_kl(_delta * _atom, _delta * _mean, _delta)) - gained_information[_k],
            Algebra((_compensation,)),
        ),
        Link(
            "==",
            StepMean((_delta * _atom - _delta * _mean) ** 2 / (2 * _delta)) - gained_information[_k],
            Algebra((gaussian_kl,)),
        ),
        Link(
            "==",
            _delta * StepMean((_atom - _mean) ** 2) / 2 - gained_information[_k],
            Algebra(),
        ),
        Link("==", _delta * sym.mmse_at[_k] / 2 - gained_information[_k], Algebra((_mmse,))),
        Link("==", _result, Algebra((_chain_rule,))),
    ),
)
"""D_k = delta_k M_k/2 - (I_(k+1) - I_k)."""
