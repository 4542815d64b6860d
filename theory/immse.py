"""Mutual information and mmse: I' = M/2, M' = -C, and the path identity in both its forms.

What belongs here: identities for the functionals M, I and C and for the path KL. What does not: other
samplers' paths (`path_costs`), latent components (`mixtures`), inequalities (`proofs`).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import sympy as sp

from theory import facts, steps
from theory import symbols as sym
from theory.channel import C, I, M, PriorMean, path_mean
from theory.cumulants import Space
from theory.derivation import Algebra, Axiom, Calculus, Derivation, Lemma, Link, chain
from theory.statement import Source

if TYPE_CHECKING:
    from theory.calculus import information_derivative as information_derivative
    from theory.calculus import information_series as information_series
    from theory.calculus import mmse_derivative as mmse_derivative

__all__ = [
    "dynkin",
    "information_slope",
    "mmse_slope",
    "moment_definition",
    "path_identity",
    "path_identity_positive",
]

_HIGHER_ORDERS = ("information_derivative", "information_series", "mmse_derivative")


def __getattr__(name: str) -> Any:
    """Derivatives of any order and series, which live in `theory.calculus` and are loaded on use."""
    if name in _HIGHER_ORDERS:
        from theory import calculus

        return getattr(calculus, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


_s = sym.snr


def dynkin(space: Space, function: sp.Expr) -> Axiom:
    """d/ds E F(Y_s, s) = E (L F)(Y_s, s) for a function F of the observation and the snr."""
    return Axiom(
        "Dynkin's formula",
        sp.Eq(
            sp.Derivative(path_mean(function), _s),
            path_mean(space.generator(function)),
            evaluate=False,
        ),
        source=Source(
            "Oksendal, Stochastic Differential Equations, 6th edition",
            "",
            "Theorem 7.4.1",
            "F and its derivatives grow at most polynomially in y, since the atoms are bounded or A is a "
            "mixture of Gaussians; Y solves dY = (posterior mean) ds + dB in its own filtration",
        ),
    )


def _posterior_covariance(space: Space) -> tuple[tuple[sp.Expr, ...], ...]:
    """The entries of the posterior covariance by Bayes' rule, in terms of Z."""
    z, gradient = space.partition, space.gradient(space.partition)
    return tuple(
        tuple(entry / z - gradient[i] * gradient[j] / z**2 for j, entry in enumerate(row))
        for i, row in enumerate(space.hessian(z))
    )


def _mmse_definition(space: Space) -> Axiom:
    entries = _posterior_covariance(space)
    trace = sp.Add(*(entries[i][i] for i in range(space.dimension)))
    return Axiom(
        "definition of M",
        sp.Eq(M(_s), path_mean(trace), evaluate=False),
        because="the mean trace of the posterior covariance, by Bayes' rule",
    )


def moment_definition(space: Space) -> Axiom:
    """C(s) = E|Cov(A|Y_s)|_F^2, written out by Bayes' rule."""
    norm = sp.Add(*(entry**2 for row in _posterior_covariance(space) for entry in row))
    return Axiom(
        "definition of C",
        sp.Eq(C(_s), path_mean(norm), evaluate=False),
        because="the mean squared Frobenius norm of the posterior covariance, by Bayes' rule",
    )


@cache
def information_slope(dimension: int = 1) -> Derivation:
    """The derivation of I'(s) = M(s)/2, written out in the coordinates of R^dimension."""
    space = Space(dimension)
    psi, power = space.psi, sp.Add(*(PriorMean(a**2) for a in space.atom))
    correlation = sp.Add(*(path_mean(a * y) for a, y in zip(space.atom, space.y, strict=True)))
    density = Axiom(
        "definition of I",
        sp.Eq(I(_s), correlation - _s * power / 2 - path_mean(psi), evaluate=False),
        because="the mean of the log-density <A, y> - s|A|^2/2 - psi of Y_s given A against Y_s",
    )
    channel = tuple(
        Axiom(
            "the channel",
            sp.Eq(path_mean(a * y), _s * PriorMean(a**2), evaluate=False),
            because="Y_s = s A + W_s with W_s of mean zero, independent of A",
        )
        for a, y in zip(space.atom, space.y, strict=True)
    )
    tower = tuple(
        Axiom(
            "tower property",
            sp.Eq(
                PriorMean(a**2),
                path_mean(sp.Derivative(space.partition, (y, 2)) / space.partition),
                evaluate=False,
            ),
            because="the posterior second moment is d_y^2 Z/Z, by Bayes' rule",
        )
        for a, y in zip(space.atom, space.y, strict=True)
    )
    slope = sp.Derivative(I(_s), _s)
    squares = sp.Add(*(part**2 for part in space.gradient(psi)))
    return Derivation(
        title="I' = M/2",
        statement=sp.Eq(slope, M(_s) / 2, evaluate=False),
        variables=(_s,),
        steps=chain(
            slope,
            Link(
                "==",
                sp.Derivative(correlation - _s * power / 2 - path_mean(psi), _s),
                Calculus((density,)),
            ),
            Link("==", power / 2 - sp.Derivative(path_mean(psi), _s), Calculus(channel)),
            Link(
                "==",
                power / 2 - path_mean(space.generator(psi)),
                Calculus((dynkin(space, psi),)),
            ),
            Link("==", power / 2 - path_mean(squares) / 2, Calculus((space.psi_equation,))),
            Link(
                "==",
                path_mean(space.laplacian(psi)) / 2,
                Calculus((*tower, space.psi_definition)),
            ),
            Link("==", M(_s) / 2, Calculus((_mmse_definition(space), space.psi_definition))),
        ),
        note="Guo, Shamai and Verdu 2005, Mutual information and minimum mean-square error in Gaussian "
        "channels (arXiv:cs/0412108), Theorem 1",
    )


@cache
def mmse_slope(dimension: int = 1) -> Derivation:
    """The derivation of M'(s) = -C(s), written out in the coordinates of R^dimension."""
    space = Space(dimension)
    trace = space.laplacian(space.psi)
    norm = sp.Add(*(entry**2 for row in space.hessian(space.psi) for entry in row))
    slope = sp.Derivative(M(_s), _s)
    slopes = tuple(dynkin(space, sp.Derivative(space.psi, (y, 2))) for y in space.y)
    return Derivation(
        title="M' = -C",
        statement=sp.Eq(slope, -C(_s), evaluate=False),
        variables=(_s,),
        steps=chain(
            slope,
            Link(
                "==",
                sp.Derivative(path_mean(trace), _s),
                Calculus((_mmse_definition(space), space.psi_definition)),
            ),
            Link("==", path_mean(space.generator(trace)), Calculus(slopes)),
            Link("==", -path_mean(norm), Calculus((space.psi_equation,))),
            Link("==", -C(_s), Calculus((moment_definition(space), space.psi_definition))),
        ),
    )


_k, _n, _t, _delta = sym.k, sym.number_of_steps, sym.knots, sym.steps
_steps = (_k, 0, _n - 1)
_kl_chain_rule = Axiom(
    "chain rule of the KL divergence",
    sp.Eq(sym.path_kl, sp.Sum(steps.step_kl[_k], _steps)),
    hypotheses=(facts.matched,),
    source=Source(
        facts.COVER_THOMAS,
        "",
        "Theorem 2.5.3",
        "both paths are Markov chains with the same law of the start",
    ),
)

_first_form = sp.Sum(_delta[_k] * sym.mmse_at[_k], _steps) / 2 - (
    sym.information_last - sym.information_first
)

path_identity = Derivation(
    title="path identity",
    statement=sp.Eq(sym.path_kl, _first_form, evaluate=False),
    hypotheses=(facts.matched,),
    steps=chain(
        sym.path_kl,
        Link("==", sp.Sum(steps.step_kl[_k], _steps), Algebra((_kl_chain_rule,))),
        Link(
            "==",
            sp.Sum(steps.step_identity.statement.rhs, _steps),
            Lemma(steps.step_identity, ((_k, _k),), over=(_steps,)),
        ),
        Link("==", _first_form, Algebra()),
    ),
)
"""KL = (1/2) sum delta_k M(t_k) - (I(T) - I(t_0))."""

_cost = sp.Sum(sp.Integral(C(_s) * (_t[_k + 1] - _s), (_s, _t[_k], _t[_k + 1])), _steps)

path_identity_positive = Derivation(
    title="path identity without cancellation",
    statement=sp.Eq(sym.path_kl, _cost / 2, evaluate=False),
    hypotheses=(facts.matched,),
    steps=chain(
        sym.path_kl,
        Link("==", _first_form, Algebra((path_identity,))),
        Link("==", _cost / 2, Calculus((information_slope(), mmse_slope()))),
    ),
)
"""KL = (1/2) sum over the steps of int C(s) (t_(k+1) - s) ds: a positive integrand."""
