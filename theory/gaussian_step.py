"""One step's KL with a Gaussian estimate that has the posterior's mean and covariance.

What belongs here: this closed form. What does not: its expansion in the step size (`calculus`), and whole
paths (`path_costs`).
"""

from __future__ import annotations

import sympy as sp

from theory import symbols as sym
from theory.channel import PathMean, PathVariable
from theory.derivation import Algebra, Axiom, Derivation, Link, chain
from theory.steps import (
    atom,
    compensation,
    coordinates,
    gained_information,
    gaussian_kl_of_variances,
    information_gain,
    normal_kl_of_variances,
    posterior_mean,
)

__all__ = ["gaussian_step", "gaussian_step_kl"]

_k, _delta = sym.k, sym.steps[sym.k]
_j = coordinates[0]
_A, _m = atom[_j], posterior_mean[_j]
_gain = sym.information_at[_k + 1] - sym.information_at[_k]
_G = gained_information[_k]
_on_path = (sp.Le(_k, sym.number_of_steps - 1),)

gaussian_step_kl = sp.IndexedBase("D^N", nonnegative=True)
"""The KL of the step from t_k whose estimate is Gaussian with the posterior's mean and covariance."""

_rho = sp.IndexedBase(PathVariable("rho", positive=True))
_lambda = sp.IndexedBase(PathVariable("lambda", nonnegative=True))
_at_knot = sym.knots[_k]


def _on_knot(of_coordinate: sp.Expr) -> sp.Expr:
    """The mean over Y_(t_k) of a sum over the directions of the posterior covariance."""
    return PathMean(sp.Sum(of_coordinate, coordinates), _at_knot)


_unit = sp.sqrt(_delta)
_matching = _on_knot(normal_kl_of_variances(_unit * _A, sp.S.One, _unit * _m, _rho[_j]))
_log_det = _on_knot(sp.log(1 + _delta * _lambda[_j]))
_widened = Axiom(
    "variance of the Gaussian step",
    sp.Eq(_rho[_j], 1 + _delta * _lambda[_j], evaluate=False),
    variables=(_j,),
    because="rho_j delta_k = delta_k + delta_k^2 lambda_j, that of delta_k times the estimate plus that of "
    "the noise; coordinates along the eigenvectors of the posterior covariance, lambda_j its eigenvalues",
)
_eigenvalue = Derivation(
    title="eigenvalue of the posterior covariance by the variance of the step",
    statement=sp.Eq(_lambda[_j], (_rho[_j] - 1) / _delta, evaluate=False),
    variables=(_j,),
    steps=chain(
        _lambda[_j],
        Link("==", (1 + _delta * _lambda[_j] - 1) / _delta, Algebra()),
        Link("==", (_rho[_j] - 1) / _delta, Algebra((_widened,))),
    ),
)
_posterior_moments = (
    Axiom(
        "posterior second moment",
        sp.Eq(
            _on_knot(_A**2 / _rho[_j]),
            _on_knot((_m**2 + _lambda[_j]) / _rho[_j]),
            evaluate=False,
        ),
        because="given Y_(t_k), A_j has mean m_j and variance lambda_j, and rho_j is known",
    ),
    Axiom(
        "tower property",
        sp.Eq(_on_knot(_A * _m / _rho[_j]), _on_knot(_m**2 / _rho[_j]), evaluate=False),
        because="given Y_(t_k), A_j has mean m_j, and m_j and rho_j are known",
    ),
)

gaussian_step = Derivation(
    title="one step's KL with the posterior's covariance",
    statement=sp.Eq(gaussian_step_kl[_k], _log_det / 2 - _gain, evaluate=False),
    variables=(_k,),
    conditions=_on_path,
    steps=chain(
        gaussian_step_kl[_k],
        Link(
            "==",
            _matching - _G,
            Algebra((compensation(gaussian_step_kl[_k], _matching),)),
            note="in units where the noise has variance 1",
        ),
        Link(
            "==",
            _on_knot(
                (1 / _rho[_j] - 1 + sp.log(_rho[_j])) / 2 + (_unit * _A - _unit * _m) ** 2 / (2 * _rho[_j])
            )
            - _G,
            Algebra((gaussian_kl_of_variances,)),
        ),
        Link(
            "==",
            _on_knot((1 / _rho[_j] - 1 + sp.log(_rho[_j]) + _delta * _lambda[_j] / _rho[_j]) / 2) - _G,
            Algebra(_posterior_moments),
        ),
        Link("==", _on_knot(sp.log(_rho[_j])) / 2 - _G, Algebra((_eigenvalue,))),
        Link("==", _log_det / 2 - _G, Algebra((_widened,))),
        Link("==", _log_det / 2 - _gain, Algebra((information_gain,))),
    ),
)
"""E log det(1 + delta_k Cov)/2 - (I_(k+1) - I_k), the determinant as a product over eigenvalues."""
