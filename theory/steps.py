"""One step's KL, exactly.

What belongs here: the error of one step of the sampler with the exact posterior mean and the matched
variance. What does not: other samplers (`step_costs`), whole paths (`immse`), bounds (`proofs`).

From `Y_(t_k) = y` the true increment is `delta_k A + sqrt(delta_k) N` with A from the posterior, and
the sampler's is `delta_k m(y) + sqrt(delta_k) N` with m(y) the posterior mean. `D_k` is the mean of
the KL divergence between their laws. Coordinates are numbered 0 to d - 1; they are independent given A,
so their divergences add.
"""

from __future__ import annotations

import sympy as sp

from theory import symbols as sym
from theory.channel import PathVariable, RandomVariable, StepMean
from theory.derivation import Algebra, Axiom, Derivation, Link, chain
from theory.facts import COVER_THOMAS
from theory.statement import Source

__all__ = [
    "atom",
    "compensation",
    "coordinates",
    "gained_information",
    "gaussian_kl",
    "gaussian_kl_of_variances",
    "information_gain",
    "mmse_by_coordinates",
    "normal_kl",
    "normal_kl_of_variances",
    "posterior_mean",
    "step_identity",
    "step_kl",
    "summed",
]

_k, _delta = sym.k, sym.steps[sym.k]
atom = sp.IndexedBase(RandomVariable("A", real=True))
"""The coordinates of A."""
posterior_mean = sp.IndexedBase(PathVariable("m", real=True))
"""The coordinates of the posterior mean of A given Y_(t_k)."""
_j = sp.Symbol("j", integer=True, nonnegative=True)
coordinates = (_j, 0, sym.dimension - 1)
"""The range of the index of coordinates."""


def summed(of_coordinate: sp.Expr) -> sp.Expr:
    """The mean over one step of a sum over the coordinates."""
    return StepMean(sp.Sum(of_coordinate, coordinates))


_atom, _mean = atom[_j], posterior_mean[_j]
_x = PathVariable("x", real=True)
_a = sp.Symbol("a", real=True)
_b = sp.Symbol("b", real=True)
_variance = sp.Symbol("tau", real=True)
_positive = (sp.Gt(_variance, 0),)

step_kl = sp.IndexedBase("D", nonnegative=True)
"""D_k: the mean KL divergence between the true step from t_k and the sampler's."""
gained_information = sp.IndexedBase("G", nonnegative=True)
"""G_k = I(A; Y_(t_(k+1)) | Y_(t_k)), the information that the step adds."""
normal_kl = sp.Function("KL_N", nonnegative=True)
"""KL(N(a, tau) || N(b, tau)), as a function of a, b and tau."""
normal_kl_of_variances = sp.Function("KL_G", nonnegative=True)
"""KL(N(a, tau) || N(b, r tau)), as a function of a, tau, b and r."""

_definition = Axiom(
    "definition of the KL divergence",
    sp.Eq(
        normal_kl(_a, _b, _variance),
        StepMean(((_x - _b) ** 2 - (_x - _a) ** 2) / (2 * _variance)),
        evaluate=False,
    ),
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
    statement=sp.Eq(normal_kl(_a, _b, _variance), (_a - _b) ** 2 / (2 * _variance), evaluate=False),
    variables=(_a, _b, _variance),
    conditions=_positive,
    steps=chain(
        normal_kl(_a, _b, _variance),
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

_ratio = sp.Symbol("r", real=True)
_log_ratio = (
    (_x - _b) ** 2 / (2 * _ratio * _variance) - (_x - _a) ** 2 / (2 * _variance) + sp.log(_ratio) / 2
)
_normal_value = (1 / _ratio - 1 + sp.log(_ratio)) / 2 + (_a - _b) ** 2 / (2 * _ratio * _variance)

gaussian_kl_of_variances = Derivation(
    title="KL between Gaussians",
    statement=sp.Eq(normal_kl_of_variances(_a, _variance, _b, _ratio), _normal_value, evaluate=False),
    variables=(_a, _variance, _b, _ratio),
    conditions=(sp.Gt(_variance, 0), sp.Gt(_ratio, 0)),
    steps=chain(
        normal_kl_of_variances(_a, _variance, _b, _ratio),
        Link(
            "==",
            StepMean(_log_ratio),
            Algebra(
                (
                    Axiom(
                        "definition of the KL divergence",
                        sp.Eq(
                            normal_kl_of_variances(_a, _variance, _b, _ratio),
                            StepMean(_log_ratio),
                            evaluate=False,
                        ),
                        conditions=(sp.Gt(_variance, 0), sp.Gt(_ratio, 0)),
                        because="the mean under N(a, tau) of the log-ratio of its density and that of "
                        "N(b, r tau)",
                    ),
                )
            ),
        ),
        Link(
            "==",
            _normal_value,
            Algebra(
                (
                    Axiom("the mean of N(a, tau)", sp.Eq(StepMean(_x), _a), because="x has that law"),
                    Axiom(
                        "the second moment of N(a, tau)",
                        sp.Eq(StepMean(_x**2), _a**2 + _variance),
                        because="x has that law",
                    ),
                )
            ),
        ),
    ),
)
"""KL(N(a, tau) || N(b, r tau)) = (1/r - 1 + log r)/2 + (a - b)^2/(2 r tau)."""


def compensation(step: sp.Expr, divergence: sp.Expr) -> Axiom:
    """A step's KL is the mean divergence of the laws given A, less the information about A."""
    return Axiom(
        "compensation identity",
        sp.Eq(step, divergence - gained_information[_k], evaluate=False),
        source=Source(
            "Topsoe 1967, An information theoretical identity and a problem involving capacity",
            "",
            "",
            "the mean divergence of the laws given A from any law exceeds that of their mixture by the "
            "information about A",
        ),
    )


mmse_by_coordinates = Axiom(
    "definition of the mmse",
    sp.Eq(sym.mmse_at[_k], summed((_atom - _mean) ** 2), evaluate=False),
    because="m is the posterior mean of A given Y_(t_k)",
)
"""M_k = E sum (A_j - m_j)^2."""
information_gain = Axiom(
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

"""G_k = I_(k+1) - I_k."""

_matched_mean = summed(normal_kl(_delta * _atom, _delta * _mean, _delta))
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
            _matched_mean - gained_information[_k],
            Algebra((compensation(step_kl[_k], _matched_mean),)),
        ),
        Link(
            "==",
            summed((_delta * _atom - _delta * _mean) ** 2 / (2 * _delta)) - gained_information[_k],
            Algebra((gaussian_kl,)),
        ),
        Link(
            "==",
            _delta * summed((_atom - _mean) ** 2) / 2 - gained_information[_k],
            Algebra(),
        ),
        Link("==", _delta * sym.mmse_at[_k] / 2 - gained_information[_k], Algebra((mmse_by_coordinates,))),
        Link("==", _result, Algebra((information_gain,))),
    ),
)
"""D_k = delta_k M_k/2 - (I_(k+1) - I_k)."""
