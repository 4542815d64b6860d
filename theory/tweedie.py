"""Tweedie's identities: the posterior mean and covariance from the score of the noised density.

What belongs here: identities between a posterior given one noised observation and the derivatives of the
log-density of that observation. What does not: the channel along its path (`immse`).

The observation is `y = alpha X + sqrt(tau) N` with N standard normal, independent of X. Its density is
`p(y) = E phi(y - alpha X)`, phi the density of N(0, tau I), and its score `S = grad log p`. X has any law:
finitely many atoms, a mixture of Gaussians with any covariances, or none of these. Derivatives in y pass
under the expectation, since those of phi(y - alpha X) are bounded in X, locally uniformly in y.

DDPM: alpha^2 = alpha_bar and tau = 1 - alpha_bar. EDM: alpha = 1 and tau = sigma^2. Flow matching at time
u: alpha = 1 - u and tau = u^2. For the core A of X = A + sqrt(v) xi the same holds with tau + alpha^2 v in
place of tau: the noised density is the same.
"""

from __future__ import annotations

from functools import cache

import sympy as sp

from theory.channel import PathVariable, RandomVariable, TargetMean
from theory.cumulants import Space
from theory.derivation import Algebra, Axiom, Calculus, Derivation, Lemma, Link, chain

__all__ = [
    "component_mean",
    "component_square",
    "mixture_mean",
    "mixture_variance",
    "posterior_covariance",
    "posterior_mean",
]

_alpha = sp.Symbol("alpha", positive=True)
_tau = sp.Symbol("tau", positive=True)


class _Noised:
    """The noised density in the coordinates of R^dimension, and the posterior given its argument."""

    def __init__(self, dimension: int) -> None:
        space = Space(dimension)
        self.y = space.y
        marks = [str(y)[1:] for y in space.y]
        self.x = tuple(RandomVariable(f"X{mark}", real=True) for mark in marks)
        self.density = sp.Function("p", positive=True)(*self.y)
        square = sp.Add(*((y - _alpha * x) ** 2 for x, y in zip(self.x, self.y, strict=True)))
        self.kernel = sp.exp(-square / (2 * _tau)) / (2 * sp.pi * _tau) ** sp.Rational(dimension, 2)
        self.definition = Axiom(
            "density of the noised variable",
            sp.Eq(self.density, TargetMean(self.kernel), evaluate=False),
            variables=self.y,
            because="the density of alpha X + sqrt(tau) N at y, given X that of N(alpha X, tau I)",
        )

    def score_of(self, coordinate: int) -> sp.Expr:
        """One coordinate of the score, grad log p."""
        return sp.Function(f"S_{coordinate + 1}" if len(self.x) > 1 else "S")(*self.y)

    def score_definition(self, coordinate: int) -> Axiom:
        """The score as the gradient of the log-density."""
        return Axiom(
            "definition of the score",
            sp.Eq(
                self.score_of(coordinate),
                sp.Derivative(sp.log(self.density), self.y[coordinate]),
                evaluate=False,
            ),
            variables=self.y,
            because="S is the gradient of log p",
        )

    def mean_of(self, coordinate: int) -> sp.Expr:
        """The posterior mean of one coordinate, as a function of the observation."""
        return sp.Function(f"m_{coordinate + 1}" if len(self.x) > 1 else "m")(*self.y)

    def mean_definition(self, coordinate: int) -> Axiom:
        """The posterior mean by Bayes' rule."""
        return Axiom(
            "posterior mean",
            sp.Eq(
                self.mean_of(coordinate),
                TargetMean(self.x[coordinate] * self.kernel) / self.density,
                evaluate=False,
            ),
            variables=self.y,
            because="Bayes' rule: the density of the posterior against the prior is phi(y - alpha X)/p(y)",
        )

    def covariance_of(self, first: int, second: int) -> sp.Expr:
        """An entry of the posterior covariance, as a function of the observation."""
        mark = f"_{first + 1}{second + 1}" if len(self.x) > 1 else ""
        return sp.Function(f"Sigma{mark}")(*self.y)

    def covariance_definition(self, first: int, second: int) -> Axiom:
        """An entry of the posterior covariance by Bayes' rule."""
        square = TargetMean(self.x[first] * self.x[second] * self.kernel) / self.density
        return Axiom(
            "posterior covariance",
            sp.Eq(
                self.covariance_of(first, second),
                square - self.mean_of(first) * self.mean_of(second),
                evaluate=False,
            ),
            variables=self.y,
            because="the posterior mean of the product less the product of the means, by Bayes' rule",
        )


def _checked(dimension: int, *coordinates: int) -> None:
    for coordinate in coordinates:
        if not 1 <= coordinate <= dimension:
            raise ValueError(f"coordinate: {coordinate} is not one of 1, ..., {dimension}")


@cache
def posterior_mean(dimension: int = 1, coordinate: int = 1) -> Derivation:
    """The derivation of E[X | y] = (y + tau S(y))/alpha, S = grad log p, for one coordinate in R^dimension.

    Raises ValueError for a dimension below 1 and a coordinate outside 1, ..., dimension. Tweedie's identity
    of first order: Robbins 1956; Efron 2011, Tweedie's formula and selection bias.
    """
    noised, i = _Noised(dimension), coordinate - 1
    _checked(dimension, coordinate)
    y, p = noised.y[i], noised.density
    score = (y + _tau * noised.score_of(i)) / _alpha
    mean = noised.mean_of(i)
    return Derivation(
        title="Tweedie's identity of first order",
        statement=sp.Eq(mean, score, evaluate=False),
        variables=noised.y,
        steps=chain(
            mean,
            Link(
                "==",
                TargetMean(noised.x[i] * noised.kernel) / p,
                Algebra((noised.mean_definition(i),)),
            ),
            Link(
                "==",
                (y + _tau * sp.Derivative(p, y) / p) / _alpha,
                Calculus((noised.definition,)),
                note="differentiated under the expectation",
            ),
            Link("==", score, Calculus((noised.score_definition(i),))),
        ),
        note="Efron 2011, Tweedie's formula and selection bias; Robbins 1956",
    )


@cache
def posterior_covariance(dimension: int = 1, first: int = 1, second: int = 1) -> Derivation:
    """The derivation of Cov[X | y] = (tau/alpha^2)(1 + tau Hess log p(y)), for one entry in R^dimension.

    The Hessian of log p is the derivative of the score. Raises ValueError for a dimension below 1 and a
    coordinate outside 1, ..., dimension.
    """
    noised, i, j = _Noised(dimension), first - 1, second - 1
    _checked(dimension, first, second)
    u, v, p = noised.y[i], noised.y[j], noised.density
    same = sp.Integer(int(i == j))
    covariance = noised.covariance_of(i, j)
    hessian = _tau * (same + _tau * sp.Derivative(noised.score_of(i), v)) / _alpha**2
    plain = sp.Derivative(p, u, v) / p - sp.Derivative(p, u) * sp.Derivative(p, v) / p**2
    means = tuple(dict.fromkeys((posterior_mean(dimension, first), posterior_mean(dimension, second))))
    scores = tuple(noised.score_definition(c) for c in dict.fromkeys((i, j)))
    product = sp.Mul(*(mean.statement.rhs for mean in (means[0], means[-1])))
    square = TargetMean(noised.x[i] * noised.x[j] * noised.kernel) / p
    return Derivation(
        title="Tweedie's identity of second order",
        statement=sp.Eq(covariance, hessian, evaluate=False),
        variables=noised.y,
        steps=chain(
            covariance,
            Link(
                "==",
                square - noised.mean_of(i) * noised.mean_of(j),
                Algebra((noised.covariance_definition(i, j),)),
            ),
            Link("==", square - product, Algebra(means)),
            Link(
                "==",
                _tau * (same + _tau * plain) / _alpha**2,
                Calculus((noised.definition, *scores)),
            ),
            Link("==", hessian, Calculus(scores[:1])),
        ),
        note="the Hessian of log p carries the posterior covariance",
    )


# Mixtures of Gaussians on the line, with any number of components

_z = sp.Symbol("z", integer=True, nonnegative=True)
_number = sp.Symbol("K", integer=True, positive=True)
_weights = sp.IndexedBase("w", nonnegative=True)
_means = sp.IndexedBase("mu", real=True)
_variances = sp.IndexedBase("v", nonnegative=True)
_spread = sp.IndexedBase("c", positive=True)
_y = PathVariable("y", real=True)
_components = (_z, 0, _number - 1)

_distance = _y - _alpha * _means[_z]
_bell = sp.exp(-(_distance**2) / (2 * _spread[_z])) / sp.sqrt(2 * sp.pi * _spread[_z])
_p = sp.Function("p", positive=True)(_y)
_slope = -_distance / _spread[_z]
_bend = _distance**2 / _spread[_z] ** 2 - 1 / _spread[_z]

_noised_variance = Axiom(
    "variance of a noised component",
    sp.Eq(_spread[_z], _alpha**2 * _variances[_z] + _tau, evaluate=False),
    variables=(_z,),
    because="y = alpha X + sqrt(tau) N, and X has variance v_z in the component z",
)
_mixture = Axiom(
    "density of a noised mixture",
    sp.Eq(_p, sp.Sum(_weights[_z] * _bell, _components), evaluate=False),
    variables=(_y,),
    because="in the component z, of probability w_z, X is N(mu_z, v_z) and y is N(alpha mu_z, c_z)",
)

_component_mean = _means[_z] + _alpha * _variances[_z] * _distance / _spread[_z]
_component_variance = _variances[_z] * _tau / _spread[_z]
_mean_by_slope = (_y + _tau * _slope) / _alpha
_square_by_slope = (_y**2 + 2 * _y * _tau * _slope + _tau + _tau**2 * _bend) / _alpha**2

component_mean = Derivation(
    title="posterior mean of a Gaussian component",
    statement=sp.Eq(_mean_by_slope, _component_mean, evaluate=False),
    variables=(_z,),
    steps=chain(
        _mean_by_slope,
        Link("==", _component_mean, Algebra((_noised_variance,))),
    ),
)
"""Tweedie's form for one component is mu_z + alpha v_z (y - alpha mu_z)/c_z, c_z = alpha^2 v_z + tau."""

component_square = Derivation(
    title="posterior second moment of a Gaussian component",
    statement=sp.Eq(_square_by_slope, _component_variance + _component_mean**2, evaluate=False),
    variables=(_z,),
    steps=chain(
        _square_by_slope,
        Link("==", _component_variance + _component_mean**2, Algebra((_noised_variance,))),
    ),
)
"""Tweedie's form for one component is v_z tau/c_z plus the squared posterior mean."""


def _averaged(part: sp.Expr) -> sp.Expr:
    """The posterior mean of a function of the component."""
    return sp.Sum(_weights[_z] * _bell * part, _components) / _p


_share = _weights[_z] * _bell / _p
_score = _Noised(1).score_definition(0)
_first, _second = posterior_mean(), posterior_covariance()
_mixture_mean = _averaged(_component_mean)

mixture_mean = Derivation(
    title="posterior mean of a mixture",
    statement=sp.Eq(_first.statement.lhs, _mixture_mean, evaluate=False),
    variables=(_y,),
    steps=chain(
        _first.statement.lhs,
        Link("==", _first.statement.rhs, Algebra((_first,))),
        Link(
            "==",
            _averaged(_mean_by_slope),
            Calculus((_mixture, _score)),
            note="the score of the mixture",
        ),
        Link(
            "==",
            _mixture_mean,
            Lemma(component_mean, ((_z, _z),), weight=_share, over=(_components,)),
        ),
    ),
)
"""The posterior mean of a mixture averages those of its components, by their responsibilities."""

mixture_variance = Derivation(
    title="posterior variance of a mixture",
    statement=sp.Eq(
        _second.statement.lhs,
        _averaged(_component_variance + _component_mean**2) - _first.statement.lhs**2,
        evaluate=False,
    ),
    variables=(_y,),
    steps=chain(
        _second.statement.lhs,
        Link("==", _second.statement.rhs, Algebra((_second,))),
        Link(
            "==",
            _averaged(_square_by_slope) - _first.statement.rhs**2,
            Calculus((_mixture, _score)),
            note="the score of the mixture and its derivative",
        ),
        Link("==", _averaged(_square_by_slope) - _first.statement.lhs**2, Algebra((_first,))),
        Link(
            "==",
            _averaged(_component_variance + _component_mean**2) - _first.statement.lhs**2,
            Lemma(component_square, ((_z, _z),), weight=_share, over=(_components,)),
        ),
    ),
)
"""The posterior variance of a mixture: the mean second moment of its components less the squared mean."""
