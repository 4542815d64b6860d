"""One step's KL with an error of the score.

What belongs here: the step with the matched variance and an estimate near the posterior mean. What does
not: the posterior mean itself (`steps`), other variances (`reverse_variance`), estimates with a covariance
(`gaussian_step`), whole paths (`path_costs`).
"""

from __future__ import annotations

import sympy as sp

from theory import symbols as sym
from theory.channel import PathVariable
from theory.derivation import Algebra, Axiom, Derivation, Link, chain
from theory.steps import (
    atom,
    compensation,
    coordinates,
    gained_information,
    gaussian_kl,
    information_gain,
    mmse_by_coordinates,
    normal_kl,
    posterior_mean,
    step_identity,
    step_kl,
    summed,
)

__all__ = ["erring_step", "erring_step_kl", "score_error"]

_k = sym.k
_delta, _M = sym.steps[_k], sym.mmse_at[_k]
_j = coordinates[0]
_A, _m = atom[_j], posterior_mean[_j]
_gain = sym.information_at[_k + 1] - sym.information_at[_k]
_G = gained_information[_k]
_on_path = (sp.Le(_k, sym.number_of_steps - 1),)

erring_step_kl = sp.IndexedBase("D^e", nonnegative=True)
"""The KL of the step from t_k with drift (posterior mean + e_k), from the right law of Y_(t_k)."""
score_error = sym.score_error_at
"""E_k = E|e_k(Y_(t_k))|^2, the mean squared error of the posterior mean that the sampler uses."""

_e = sp.IndexedBase(PathVariable("e", real=True))[_j]
_erring = summed(normal_kl(_delta * _A, _delta * (_m + _e), _delta))
_error_definition = Axiom(
    "definition of the score error",
    sp.Eq(score_error[_k], summed(_e**2), evaluate=False),
    because="e is the sampler's estimate less the posterior mean, a function of Y_(t_k)",
)
_orthogonal = Axiom(
    "tower property",
    sp.Eq(summed(_A * _e), summed(_m * _e), evaluate=False),
    because="e is a function of Y_(t_k), and m the mean of A given Y_(t_k)",
)

erring_step = Derivation(
    title="one step's KL with an error of the score",
    statement=sp.Eq(erring_step_kl[_k], step_kl[_k] + _delta * score_error[_k] / 2, evaluate=False),
    variables=(_k,),
    conditions=_on_path,
    steps=chain(
        erring_step_kl[_k],
        Link("==", _erring - _G, Algebra((compensation(erring_step_kl[_k], _erring),))),
        Link(
            "==",
            summed((_delta * _A - _delta * (_m + _e)) ** 2 / (2 * _delta)) - _G,
            Algebra((gaussian_kl,)),
        ),
        Link(
            "==",
            _delta * summed((_A - _m) ** 2) / 2 + _delta * summed(_e**2) / 2 - _G,
            Algebra((_orthogonal,)),
        ),
        Link(
            "==",
            _delta * _M / 2 + _delta * score_error[_k] / 2 - _G,
            Algebra((mmse_by_coordinates, _error_definition)),
        ),
        Link(
            "==",
            _delta * _M / 2 - _gain + _delta * score_error[_k] / 2,
            Algebra((information_gain,)),
        ),
        Link("==", step_kl[_k] + _delta * score_error[_k] / 2, Algebra((step_identity,))),
    ),
)
"""D^e_k = D_k + delta_k E|e_k|^2/2, exactly."""
