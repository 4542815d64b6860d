"""Gaussian components along their eigenvectors: mmse and information given the component.

What belongs here: M and I of a Gaussian in closed form, and their means over the components of a mixture.
What does not: what the component itself costs (`mixtures`).

X given Z = z is N(mu_z, Sigma_z) with probability w_z, z from 0 to K - 1; `Y_s = s X + W_s`. Given Z = z
the coordinates along the eigenvectors of Sigma_z are independent, with variances lambda(z, i), i from 0 to
d - 1.
"""

from __future__ import annotations

import sympy as sp

from theory import symbols as sym
from theory.channel import PathVariable, StepMean
from theory.derivation import Algebra, Axiom, Calculus, Derivation, Link, chain
from theory.statement import Source

__all__ = [
    "averaged",
    "component",
    "component_information",
    "component_mmse",
    "components",
    "conditional_information",
    "conditional_information_value",
    "conditional_mmse",
    "conditional_mmse_value",
    "conditional_slope",
    "direction",
    "directions",
    "eigenvalue",
    "weight",
]

conditional_information = sp.Function("I_X|Z", nonnegative=True)
"""I(X; Y_s | Z) as a function of the snr s."""
conditional_mmse = sp.Function("M_X|Z", nonnegative=True)
"""E|X - E[X|Y_s, Z]|^2 as a function of the snr s."""
weight = sp.Function("w", nonnegative=True)
"""w(z), the probability of the component z."""
eigenvalue = sp.Function("lambda", nonnegative=True)
"""lambda(z, i), the eigenvalues of the covariance of the component z."""

_s = sym.snr
component = sp.Symbol("z", integer=True, nonnegative=True)
"""The index of components."""
direction = sp.Symbol("i", integer=True, nonnegative=True)
"""The index of the eigenvectors of one component."""
_number = sp.Symbol("K", integer=True, positive=True)
components = (component, 0, _number - 1)
"""The range of the index of components."""
directions = (direction, 0, sym.dimension - 1)
"""The range of the index of eigenvectors."""


def averaged(of_direction: sp.Expr) -> sp.Expr:
    """The mean over the components of a sum over the directions."""
    return sp.Sum(weight(component) * sp.Sum(of_direction, directions), components)


# One Gaussian component, along one eigenvector

_lam = sp.Symbol("lambda", nonnegative=True)
_mu = sp.Symbol("mu", real=True)
_y = PathVariable("y", real=True)
_psi = sp.Function("psi", real=True)(_y)
_wide = 1 + _s * _lam
_psi_value = (_lam * _y**2 + 2 * _mu * _y - _s * _mu**2) / (2 * _wide) - sp.log(_wide) / 2
_mmse = sp.Function("M_N", nonnegative=True)
_information = sp.Function("I_N", nonnegative=True)

_integral = Axiom(
    "Gaussian integral",
    sp.Eq(_psi, _psi_value, evaluate=False),
    variables=(_y,),
    source=Source(
        "Abramowitz and Stegun, Handbook of Mathematical Functions",
        "",
        "7.4.32",
        "psi = log E exp(y X - s X^2/2) for X with the law N(mu, lambda)",
    ),
)
_moments = (
    Axiom("mean of the observation", sp.Eq(StepMean(_y), _s * _mu), because="Y_s = s X + W_s"),
    Axiom(
        "second moment of the observation",
        sp.Eq(StepMean(_y**2), _s**2 * (_lam + _mu**2) + _s),
        because="Y_s = s X + W_s, X and W_s independent, of variances lambda and s",
    ),
)
_posterior_variance = sp.Derivative(_psi, (_y, 2))

component_mmse = Derivation(
    title="mmse of a Gaussian",
    statement=sp.Eq(_mmse(_lam, _s), _lam / _wide, evaluate=False),
    variables=(_lam, _s),
    steps=chain(
        _mmse(_lam, _s),
        Link(
            "==",
            StepMean(_posterior_variance),
            Algebra(
                (
                    Axiom(
                        "definition of the mmse",
                        sp.Eq(_mmse(_lam, _s), StepMean(_posterior_variance), evaluate=False),
                        because="the posterior has density exp(y x - s x^2/2 - psi) with respect to the "
                        "prior, so that its variance is the second derivative of psi",
                    ),
                )
            ),
        ),
        Link("==", _lam / _wide, Calculus((_integral,))),
    ),
)
"""lambda/(1 + s lambda), in the direction of an eigenvector with the eigenvalue lambda."""

_power = _lam + _mu**2

component_information = Derivation(
    title="information about a Gaussian",
    statement=sp.Eq(_information(_lam, _s), sp.log(_wide) / 2, evaluate=False),
    variables=(_lam, _s),
    steps=chain(
        _information(_lam, _s),
        Link(
            "==",
            _s * _power / 2 - StepMean(_psi),
            Algebra(
                (
                    Axiom(
                        "definition of the mutual information",
                        sp.Eq(
                            _information(_lam, _s),
                            _s * _power / 2 - StepMean(_psi),
                            evaluate=False,
                        ),
                        because="the mean of the log-density X Y_s - s X^2/2 - psi of Y_s given X against "
                        "Y_s, and E X Y_s = s E X^2",
                    ),
                )
            ),
        ),
        Link("==", _s * _power / 2 - StepMean(_psi_value), Algebra((_integral,))),
        Link("==", sp.log(_wide) / 2, Algebra(_moments)),
    ),
)
"""log(1 + s lambda)/2, in the direction of an eigenvector with the eigenvalue lambda."""

# All components


_eigenvalue = eigenvalue(component, direction)


def _by_components(title: str, value: sp.Expr, part: sp.Expr) -> Axiom:
    return Axiom(
        title,
        sp.Eq(value, averaged(part), evaluate=False),
        variables=(_s,),
        because="the mean over Z; given Z the coordinates along the eigenvectors are independent, with "
        "independent noise, and add",
    )


_mmse_by_components = _by_components(
    "conditional mmse by components", conditional_mmse(_s), _mmse(_eigenvalue, _s)
)
_information_by_components = _by_components(
    "conditional information by components",
    conditional_information(_s),
    _information(_eigenvalue, _s),
)

conditional_mmse_value = Derivation(
    title="conditional mmse of a mixture of Gaussians",
    statement=sp.Eq(conditional_mmse(_s), averaged(_eigenvalue / (1 + _s * _eigenvalue)), evaluate=False),
    variables=(_s,),
    steps=chain(
        conditional_mmse(_s),
        Link("==", _mmse_by_components.statement.rhs, Algebra((_mmse_by_components,))),
        Link(
            "==",
            averaged(_eigenvalue / (1 + _s * _eigenvalue)),
            Algebra((component_mmse,)),
        ),
    ),
)
"""M_(X|Z) = sum w_z sum lambda/(1 + s lambda)."""

conditional_information_value = Derivation(
    title="conditional information of a mixture of Gaussians",
    statement=sp.Eq(
        conditional_information(_s), averaged(sp.log(1 + _s * _eigenvalue)) / 2, evaluate=False
    ),
    variables=(_s,),
    steps=chain(
        conditional_information(_s),
        Link("==", _information_by_components.statement.rhs, Algebra((_information_by_components,))),
        Link(
            "==",
            averaged(sp.log(1 + _s * _eigenvalue)) / 2,
            Algebra((component_information,)),
        ),
    ),
)
"""I(X; Y|Z) = (1/2) sum w_z sum log(1 + s lambda)."""

conditional_slope = Derivation(
    title="slope of the conditional information of a mixture of Gaussians",
    statement=sp.Eq(
        sp.Derivative(conditional_information(_s), _s), conditional_mmse(_s) / 2, evaluate=False
    ),
    variables=(_s,),
    steps=chain(
        sp.Derivative(conditional_information(_s), _s),
        Link(
            "==",
            averaged(_eigenvalue / (1 + _s * _eigenvalue)) / 2,
            Calculus((conditional_information_value,)),
        ),
        Link("==", conditional_mmse(_s) / 2, Algebra((conditional_mmse_value,))),
    ),
)
"""dI(X; Y_s|Z)/ds = M_(X|Z)(s)/2."""
