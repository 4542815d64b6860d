"""One step's KL as a function of its reverse variance, and the best one.

What belongs here: the step with the exact posterior mean and a variance other than the matched one. What
does not: errors of the mean (`step_costs`), estimates with a covariance (`gaussian_step`).

A step of DDPM is the step of `steps` in other units: given A the true reverse step has the variance
tau_k^2, and the coefficient of A in its mean is tau_k sqrt(delta_k) (`matched_scale`). The KL does not
depend on units.
"""

from __future__ import annotations

import sympy as sp

from theory import symbols as sym
from theory.derivation import Algebra, Axiom, Calculus, Derivation, Lemma, Link, chain
from theory.proofs.logarithm import logarithm_tangent
from theory.steps import (
    atom,
    compensation,
    coordinates,
    gained_information,
    gaussian_kl_of_variances,
    information_gain,
    mmse_by_coordinates,
    normal_kl_of_variances,
    posterior_mean,
    step_identity,
    step_kl,
    summed,
)

__all__ = [
    "matched_deviation",
    "matched_scale",
    "matched_variance",
    "optimal_variance",
    "optimal_variance_is_best",
    "optimal_variance_step",
    "reverse_kl",
    "reverse_variance",
    "reverse_variance_slope",
    "reverse_variance_step",
]

_k, _d = sym.k, sym.dimension
_delta, _M = sym.steps[_k], sym.mmse_at[_k]
_j = coordinates[0]
_A, _m = atom[_j], posterior_mean[_j]
_gain = sym.information_at[_k + 1] - sym.information_at[_k]
_G = gained_information[_k]
_on_path = (sp.Le(_k, sym.number_of_steps - 1),)

reverse_variance = sp.Symbol("sigma^2", positive=True)
"""The variance of the sampler's reverse step."""
matched_deviation = sp.IndexedBase("tau", positive=True)
"""tau_k, whose square is the matched reverse variance: that of the true reverse step given A."""
reverse_kl = sp.Function("D^sigma", nonnegative=True)
"""The KL of the step from t_k with the exact mean, as a function of k and of its reverse variance."""

_v, _tau_k = reverse_variance, matched_deviation[_k]
_scale = _tau_k * sp.sqrt(_delta)
_ratio = _v / _tau_k**2
_reverse = summed(normal_kl_of_variances(_scale * _A, _tau_k**2, _scale * _m, _ratio))
_price = (_d / 2) * (1 / _ratio - 1 + sp.log(_ratio))

_alpha_bar = sp.Symbol("a", positive=True)
_alpha_bar_next = sp.Symbol("b", positive=True)
_component = sp.Symbol("v", nonnegative=True)


def _noise(alpha_bar: sp.Expr) -> sp.Expr:
    """The variance of the noised variable given A."""
    return 1 - alpha_bar + alpha_bar * _component


_alpha = _alpha_bar / _alpha_bar_next
_matched = sp.Symbol("tau^2", positive=True)
_coefficient = sp.Symbol("c", positive=True)
_precisions = Axiom(
    "precision of the true reverse step",
    sp.Eq(
        _matched,
        1 / (1 / _noise(_alpha_bar_next) + _alpha / (1 - _alpha)),
        evaluate=False,
    ),
    because="given A the less noised variable is N(sqrt(b) A, 1 - b + b v), and the more noised one is "
    "sqrt(a/b) times it plus noise of variance 1 - a/b: the precisions add",
)
_pull = Axiom(
    "coefficient of A in the true reverse step",
    sp.Eq(
        _coefficient,
        _matched * sp.sqrt(_alpha_bar_next) / _noise(_alpha_bar_next),
        evaluate=False,
    ),
    because="the mean of the true reverse step weighs by precision; sqrt(b) A is one of the two parts",
)

matched_variance = Derivation(
    title="the matched reverse variance",
    statement=sp.Eq(_matched, (1 - _alpha) * _noise(_alpha_bar_next) / _noise(_alpha_bar), evaluate=False),
    steps=chain(
        _matched,
        Link("==", _precisions.statement.rhs, Algebra((_precisions,))),
        Link(
            "==",
            (1 - _alpha) * _noise(_alpha_bar_next) / (1 - _alpha + _alpha * _noise(_alpha_bar_next)),
            Algebra(),
        ),
        Link("==", (1 - _alpha) * _noise(_alpha_bar_next) / _noise(_alpha_bar), Algebra()),
    ),
)
"""tau^2 = (1 - a/b)(1 - b + b v)/(1 - a + a v): DDPM's reverse step from alpha_bar a to b > a, given A."""

matched_scale = Derivation(
    title="the matched step in units of its noise",
    statement=sp.Eq(
        _coefficient**2 / _matched,
        _alpha_bar_next / _noise(_alpha_bar_next) - _alpha_bar / _noise(_alpha_bar),
        evaluate=False,
    ),
    steps=chain(
        _coefficient**2 / _matched,
        Link("==", _matched * _alpha_bar_next / _noise(_alpha_bar_next) ** 2, Algebra((_pull,))),
        Link(
            "==",
            (1 - _alpha) * _alpha_bar_next / (_noise(_alpha_bar_next) * _noise(_alpha_bar)),
            Algebra((matched_variance,)),
        ),
        Link(
            "==",
            _alpha_bar_next / _noise(_alpha_bar_next) - _alpha_bar / _noise(_alpha_bar),
            Algebra(),
        ),
    ),
)
"""c^2/tau^2 is the step of the snr, c the coefficient of A in the mean: c = tau sqrt(delta)."""

reverse_variance_step = Derivation(
    title="one step's KL with another reverse variance",
    statement=sp.Eq(
        reverse_kl(_k, _v),
        step_kl[_k] + _price + (1 / _ratio - 1) * _delta * _M / 2,
        evaluate=False,
    ),
    variables=(_k, _v),
    conditions=_on_path,
    steps=chain(
        reverse_kl(_k, _v),
        Link(
            "==",
            _reverse - _G,
            Algebra((compensation(reverse_kl(_k, _v), _reverse),)),
            note="in units where the true step has the matched variance",
        ),
        Link(
            "==",
            summed(
                (1 / _ratio - 1 + sp.log(_ratio)) / 2
                + (_scale * _A - _scale * _m) ** 2 / (2 * _ratio * _tau_k**2)
            )
            - _G,
            Algebra((gaussian_kl_of_variances,)),
        ),
        Link("==", _price + _delta * summed((_A - _m) ** 2) / (2 * _ratio) - _G, Algebra()),
        Link("==", _price + _delta * _M / (2 * _ratio) - _G, Algebra((mmse_by_coordinates,))),
        Link("==", _price + _delta * _M / (2 * _ratio) - _gain, Algebra((information_gain,))),
        Link(
            "==",
            step_kl[_k] + _price + (1 / _ratio - 1) * _delta * _M / 2,
            Algebra((step_identity,)),
        ),
    ),
)
"""With rho = tau_k^2/sigma^2: D_k + (d/2)(rho - 1 - log rho) + (rho - 1) delta_k M_k/2."""

_excess = 1 + _delta * _M / _d
optimal_variance = _tau_k**2 * _excess
"""tau_k^2 (1 + delta_k M_k/d), the reverse variance of least cost."""
_optimal_value = (_d / 2) * sp.log(_excess) - _gain

optimal_variance_step = Derivation(
    title="one step's KL with the optimal reverse variance",
    statement=sp.Eq(reverse_kl(_k, optimal_variance), _optimal_value, evaluate=False),
    variables=(_k,),
    conditions=_on_path,
    steps=chain(
        reverse_kl(_k, optimal_variance),
        Link("==", _optimal_value, Algebra((reverse_variance_step, step_identity))),
    ),
)
"""(d/2) log(1 + delta_k M_k/d) - (I_(k+1) - I_k)."""

optimal_variance_is_best = Derivation(
    title="no reverse variance costs less than the optimal one",
    statement=sp.Le(reverse_kl(_k, optimal_variance), reverse_kl(_k, _v), evaluate=False),
    variables=(_k, _v),
    conditions=_on_path,
    steps=chain(
        reverse_kl(_k, optimal_variance),
        Link("==", _optimal_value, Lemma(optimal_variance_step, ((_k, _k),))),
        Link(
            "<=",
            (_d / 2) * (_excess / _ratio - 1 + sp.log(_ratio)) - _gain,
            Lemma(
                logarithm_tangent,
                tuple(zip(logarithm_tangent.variables, (_excess, _ratio), strict=True)),
                weight=_d / 2,
            ),
        ),
        Link("==", reverse_kl(_k, _v), Algebra((reverse_variance_step, step_identity))),
    ),
)
"""The step's KL at tau_k^2 (1 + delta_k M_k/d) is its least over all reverse variances."""

reverse_variance_slope = Derivation(
    title="the derivative of one step's KL in its reverse variance",
    statement=sp.Eq(
        sp.Derivative(reverse_kl(_k, _v), _v),
        _d * (_v - optimal_variance) / (2 * _v**2),
        evaluate=False,
    ),
    variables=(_k, _v),
    conditions=_on_path,
    steps=chain(
        sp.Derivative(reverse_kl(_k, _v), _v),
        Link(
            "==",
            _d * (_v - optimal_variance) / (2 * _v**2),
            Calculus((reverse_variance_step,)),
        ),
    ),
)
"""It vanishes at tau_k^2 (1 + delta_k M_k/d) alone, is negative below and positive above."""
