"""Mixtures of Gaussians with covariances of their own: the chain rule, and the path KL in two parts.

What belongs here: identities that split information, mmse and path KL into what the latent component Z
costs and what the Gaussian components cost. What does not: the components themselves (`components`), the
posterior given one observation (`tweedie`), and targets with one shared variance, whose core takes the
place of X (`immse`).

X given Z = z is N(mu_z, Sigma_z) with probability w_z, and `Y_s = s X + W_s`. Here M and I are the mmse and
the mutual information of X itself. `L(s) = E|E[X|Y_s, Z] - E[X|Y_s]|^2` is what knowing Z takes off the
mmse. Where the covariances differ L may increase, and the latent part of the path KL may be negative.
"""

from __future__ import annotations

import sympy as sp

from theory import facts
from theory import symbols as sym
from theory.channel import I, M, PathVariable, path_mean
from theory.components import (
    averaged,
    component,
    components,
    conditional_information,
    conditional_information_value,
    conditional_mmse,
    conditional_mmse_value,
    conditional_slope,
    direction,
    directions,
    eigenvalue,
    weight,
)
from theory.derivation import Algebra, Axiom, Calculus, Derivation, Lemma, Link, chain
from theory.facts import COVER_THOMAS
from theory.immse import information_slope, path_identity
from theory.statement import Source

__all__ = [
    "information_chain",
    "latent_entropy",
    "latent_information",
    "latent_integral",
    "latent_mmse",
    "latent_slope",
    "mmse_chain",
    "path_split",
]

latent_information = sp.Function("I_Z", nonnegative=True)
"""I(Z; Y_s) as a function of the snr s."""
latent_mmse = sp.Function("L", nonnegative=True)
"""L(s) = E|E[X|Y_s, Z] - E[X|Y_s]|^2."""
latent_entropy = sp.Symbol("H_Z", nonnegative=True)
"""H(Z), the entropy of the component, in nats."""

_s, _k, _n, _t = sym.snr, sym.k, sym.number_of_steps, sym.knots
_delta = sym.steps[_k]
_steps = (_k, 0, _n - 1)

# Information

_density = PathVariable("f", positive=True)
_density_z = PathVariable("f_Z", positive=True)
_density_x = PathVariable("f_X", positive=True)


def _gain(title: str, value: sp.Expr, above: sp.Expr, below: sp.Expr, because: str) -> Axiom:
    """An information as the mean logarithm of a ratio of densities of Y_s at Y_s."""
    return Axiom(
        title,
        sp.Eq(value, path_mean(sp.log(above) - sp.log(below)), evaluate=False),
        variables=(_s,),
        because=because,
    )


_definitions = (
    _gain(
        "definition of I(X; Y)",
        I(_s),
        _density_x,
        _density,
        "f_X is the density of Y_s given X, f that of Y_s",
    ),
    _gain(
        "definition of I(Z; Y)",
        latent_information(_s),
        _density_z,
        _density,
        "f_Z is the density of Y_s given Z, f that of Y_s",
    ),
    _gain(
        "definition of I(X; Y|Z)",
        conditional_information(_s),
        _density_x,
        _density_z,
        "f_X is the density of Y_s given X and Z, which is that given X; f_Z is that given Z",
    ),
)

information_chain = Derivation(
    title="chain rule of information for a mixture",
    statement=sp.Eq(I(_s), latent_information(_s) + conditional_information(_s), evaluate=False),
    variables=(_s,),
    steps=chain(
        I(_s),
        Link("==", _definitions[0].statement.rhs, Algebra(_definitions[:1])),
        Link(
            "==",
            _definitions[1].statement.rhs + _definitions[2].statement.rhs,
            Algebra(),
        ),
        Link("==", latent_information(_s) + conditional_information(_s), Algebra(_definitions[1:])),
    ),
)
"""I(X; Y) = I(Z; Y) + I(X; Y|Z)."""

# Mean squared errors

_j = sp.Symbol("j", integer=True, nonnegative=True)
_X = sp.IndexedBase(PathVariable("X", real=True))[_j]
_m = sp.IndexedBase(PathVariable("m", real=True))[_j]
_m_z = sp.IndexedBase(PathVariable("m^Z", real=True))[_j]


def _sum(of_coordinate: sp.Expr) -> sp.Expr:
    """The mean of a sum over the coordinates."""
    return path_mean(sp.Sum(of_coordinate, (_j, 0, sym.dimension - 1)))


def _square(title: str, value: sp.Expr, difference: sp.Expr, because: str) -> Axiom:
    return Axiom(
        title,
        sp.Eq(value, _sum(difference**2), evaluate=False),
        variables=(_s,),
        because=because,
    )


_errors = (
    _square("definition of M", M(_s), _X - _m, "m is the mean of X given Y_s"),
    _square(
        "definition of the conditional mmse",
        conditional_mmse(_s),
        _X - _m_z,
        "m^Z is the mean of X given Y_s and Z",
    ),
    _square(
        "definition of L",
        latent_mmse(_s),
        _m_z - _m,
        "m^Z is the mean of X given Y_s and Z, m that given Y_s",
    ),
)
_tower = tuple(
    Axiom(
        "tower property",
        sp.Eq(_sum(_X * known), _sum(_m_z * known), evaluate=False),
        because="m and m^Z are functions of Y_s and Z, given which X has the mean m^Z",
    )
    for known in (_m, _m_z)
)

mmse_chain = Derivation(
    title="chain rule of the mmse for a mixture",
    statement=sp.Eq(M(_s), conditional_mmse(_s) + latent_mmse(_s), evaluate=False),
    variables=(_s,),
    steps=chain(
        M(_s),
        Link("==", _sum((_X - _m) ** 2), Algebra(_errors[:1])),
        Link("==", _sum((_X - _m_z) ** 2) + _sum((_m_z - _m) ** 2), Algebra(_tower)),
        Link("==", conditional_mmse(_s) + latent_mmse(_s), Algebra(_errors[1:])),
    ),
)
"""M_X = M_(X|Z) + L."""

# The latent component

_slope = sp.Derivative(latent_information(_s), _s)

latent_slope = Derivation(
    title="slope of the information about the component",
    statement=sp.Eq(_slope, latent_mmse(_s) / 2, evaluate=False),
    variables=(_s,),
    steps=chain(
        _slope,
        Link(
            "==",
            sp.Derivative(I(_s), _s) - sp.Derivative(conditional_information(_s), _s),
            Calculus((information_chain,)),
        ),
        Link(
            "==",
            M(_s) / 2 - conditional_mmse(_s) / 2,
            Calculus((information_slope(), conditional_slope)),
        ),
        Link("==", latent_mmse(_s) / 2, Algebra((mmse_chain,))),
    ),
)
"""L = 2 dI(Z; Y_s)/ds."""

_a = sp.Symbol("a", nonnegative=True)
_b = sp.Symbol("b", nonnegative=True)
_u = sp.Symbol("u", nonnegative=True)
_mass = sp.Integral(latent_mmse(_u), (_u, _a, _b))

latent_integral = Derivation(
    title="the integral of L is at most twice the entropy of the component",
    statement=sp.Le(_mass, 2 * latent_entropy, evaluate=False),
    variables=(_a, _b),
    steps=chain(
        _mass,
        Link(
            "==",
            2 * latent_information(_b) - 2 * latent_information(_a),
            Calculus((latent_slope,)),
        ),
        Link(
            "<=",
            2 * latent_information(_b),
            Lemma(
                Axiom(
                    "I(Z; Y) >= 0",
                    sp.Ge(latent_information(_s), 0, evaluate=False),
                    variables=(_s,),
                    source=Source(COVER_THOMAS, "", "corollary to Theorem 2.6.3"),
                ),
                ((_s, _a),),
                weight=sp.Integer(2),
            ),
        ),
        Link(
            "<=",
            2 * latent_entropy,
            Lemma(
                Axiom(
                    "I(Z; Y) is at most the entropy of Z",
                    sp.Le(latent_information(_s), latent_entropy, evaluate=False),
                    variables=(_s,),
                    source=Source(COVER_THOMAS, "", "Theorem 2.4.1", "with H(Z|Y) >= 0 for discrete Z"),
                ),
                ((_s, _b),),
                weight=sp.Integer(2),
            ),
        ),
    ),
)
"""int L <= 2 H(Z) over every range of snr."""

# The path

_lambda = eigenvalue(component, direction)
_x = _delta * _lambda / (1 + _t[_k] * _lambda)
_logs = sp.log(1 + _t[_k + 1] * _lambda) - sp.log(1 + _t[_k] * _lambda)

_log_of_step = Derivation(
    title="logarithm of one step",
    statement=sp.Eq(sp.log(1 + _x), _logs, evaluate=False),
    variables=(_k, component, direction),
    steps=chain(
        sp.log(1 + _x),
        Link(
            "==",
            sp.log((1 + _t[_k + 1] * _lambda) / (1 + _t[_k] * _lambda)),
            Algebra(),
        ),
        Link("==", _logs, Algebra()),
    ),
)

_latent_part = sp.Sum(_delta * latent_mmse(_t[_k]), _steps) / 2 - (
    latent_information(sym.last) - latent_information(sym.first)
)
_conditional_part = sp.Sum(
    _delta * conditional_mmse(_t[_k]) / 2
    - (conditional_information(_t[_k + 1]) - conditional_information(_t[_k])),
    _steps,
)
_gaussian_part = sp.Sum(averaged(_x - sp.log(1 + _x)), _steps) / 2

path_split = Derivation(
    title="path KL of a mixture of Gaussians in two parts",
    statement=sp.Eq(sym.path_kl, _gaussian_part + _latent_part, evaluate=False),
    hypotheses=(facts.matched,),
    steps=chain(
        sym.path_kl,
        Link("==", path_identity.statement.rhs, Algebra((path_identity,))),
        Link("==", _conditional_part + _latent_part, Algebra((mmse_chain, information_chain))),
        Link(
            "==",
            sp.Sum(averaged(_x - _logs), _steps) / 2 + _latent_part,
            Algebra((conditional_mmse_value, conditional_information_value)),
        ),
        Link(
            "==",
            _gaussian_part + _latent_part,
            Lemma(
                _log_of_step,
                ((_k, _k), (component, component), (direction, direction)),
                weight=weight(component) / 2,
                over=(directions, components, _steps),
            ),
        ),
    ),
)
"""(1/2) sum over steps, components and eigenvalues of w [x - log(1 + x)], x = delta lambda/(1 + t lambda),
plus (1/2) sum delta_k L(t_k) - [I(Z; Y_T) - I(Z; Y_(t_0))]."""
