"""The posterior of a low-rank mixture by Bayes' rule and Gaussian conditioning: the independent route.

What belongs here: the same quantities as in `low_rank_posterior`, from nothing but the covariances
P_k of the components, by linear systems and determinants in rational arithmetic, and derivatives by
dual numbers. What does not: any closed form that uses that P_k is a projection.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Any

import flint

from numerics.arithmetic import Arithmetic
from numerics.low_rank_exact import Vector, column_of, from_flint, matrix_of
from numerics.low_rank_posterior import Observation

__all__ = [
    "Dual",
    "conditioned_covariance",
    "conditioned_jacobian",
    "conditioned_mean",
    "conditioned_slope",
    "conditioned_weights",
]


@dataclass(frozen=True)
class Dual:
    """A number with its derivative in one direction, of any number system."""

    value: Any
    slope: Any

    def __add__(self, other: Dual) -> Dual:
        return Dual(self.value + other.value, self.slope + other.slope)

    def __mul__(self, other: Dual) -> Dual:
        return Dual(self.value * other.value, self.value * other.slope + self.slope * other.value)

    def __truediv__(self, other: Dual) -> Dual:
        quotient = self.value / other.value
        return Dual(quotient, (self.slope - quotient * other.slope) / other.value)

    def exp(self, arithmetic: Arithmetic) -> Dual:
        """The exponential."""
        raised = arithmetic.exp(self.value)
        return Dual(raised, raised * self.slope)


@dataclass(frozen=True)
class _Component:
    """What conditioning on x = s X + g eps gives for one component X ~ N(0, Sigma)."""

    covariance: flint.fmpq_mat
    signal: Fraction
    noise: Fraction

    @cached_property
    def observed(self) -> flint.fmpq_mat:
        """The covariance of x: s^2 Sigma + g^2 I."""
        d = self.covariance.nrows()
        s, g = _rational(self.signal**2), _rational(self.noise**2)
        identity = flint.fmpq_mat(
            d, d, [g if i == j else flint.fmpq(0) for i in range(d) for j in range(d)]
        )
        return self.covariance * s + identity

    @cached_property
    def precision(self) -> flint.fmpq_mat:
        return self.observed.inv()

    @cached_property
    def determinant(self) -> Fraction:
        return from_flint(self.observed.det())

    @cached_property
    def gain(self) -> flint.fmpq_mat:
        """s Sigma (s^2 Sigma + g^2 I)^{-1}: the mean of X is gain x."""
        return self.covariance * self.precision * _rational(self.signal)

    @cached_property
    def posterior(self) -> flint.fmpq_mat:
        """Sigma - s gain Sigma, the covariance of X given x and the component."""
        return self.covariance - self.gain * self.covariance * _rational(self.signal)

    def mean(self, x: Vector) -> Vector:
        return tuple(from_flint(y) for y in (self.gain * column_of(x)).entries())

    def quadratic(self, x: Sequence[Dual]) -> Dual:
        """x^T (s^2 Sigma + g^2 I)^{-1} x for dual numbers over the rationals."""
        solved = zip(
            (self.precision * column_of([entry.value for entry in x])).entries(),
            (self.precision * column_of([entry.slope for entry in x])).entries(),
            strict=True,
        )
        total = Dual(Fraction(0), Fraction(0))
        for entry, (value, slope) in zip(x, solved, strict=True):
            total = total + entry * Dual(from_flint(value), from_flint(slope))
        return total


def _rational(value: Fraction) -> flint.fmpq:
    return flint.fmpq(value.numerator, value.denominator)


@lru_cache(maxsize=16)
def _components(observation: Observation) -> list[_Component]:
    """What conditioning gives for each component, the inverses shared by all derivatives."""
    return [
        _Component(subspace.projection, observation.signal, observation.noise)
        for subspace in observation.target.subspaces
    ]


def _duals(observation: Observation, direction: Vector | None) -> list[Dual]:
    slopes = direction if direction is not None else (Fraction(0),) * len(observation.point)
    return [Dual(x, slope) for x, slope in zip(observation.point, slopes, strict=True)]


def _posterior(
    observation: Observation,
    components: list[_Component],
    arithmetic: Arithmetic,
    direction: Vector | None = None,
) -> list[Dual]:
    """The posterior probabilities with their derivatives along a direction.

    The densities are divided by that of the component with the largest one, which cancels.
    """
    x = _duals(observation, direction)
    quadratics = [component.quadratic(x) for component in components]
    least = min(range(len(components)), key=lambda k: quadratics[k].value)
    densities = []
    for weight, component, quadratic in zip(
        observation.target.weights, components, quadratics, strict=True
    ):
        below = quadratics[least].value - quadratic.value
        if arithmetic.name == "float":
            below = max(below, Fraction(-(10**9)))
        exponent = Dual(
            arithmetic.number(below / 2),
            arithmetic.number((quadratics[least].slope - quadratic.slope) / 2),
        )
        ratio = components[least].determinant / component.determinant
        front = arithmetic.number(weight) * arithmetic.sqrt(arithmetic.number(ratio))
        densities.append(Dual(front, arithmetic.number(0)) * exponent.exp(arithmetic))
    total = densities[0]
    for density in densities[1:]:
        total = total + density
    return [density / total for density in densities]


def conditioned_weights(observation: Observation, arithmetic: Arithmetic) -> list[Any]:
    """The posterior probabilities of the components by Bayes' rule."""
    return [p.value for p in _posterior(observation, _components(observation), arithmetic)]


def conditioned_mean(observation: Observation, arithmetic: Arithmetic) -> list[Any]:
    """E[X|x] by Bayes' rule, in a number system (to be called within its precision)."""
    components = _components(observation)
    posterior = _posterior(observation, components, arithmetic)
    means = [component.mean(observation.point) for component in components]
    return [
        sum(
            (p.value * arithmetic.number(m[i]) for p, m in zip(posterior, means, strict=True)),
            _zero(arithmetic),
        )
        for i in range(len(observation.point))
    ]


def conditioned_slope(observation: Observation, direction: Vector, arithmetic: Arithmetic) -> list[Any]:
    """The derivative of E[X|x] along a direction, by dual numbers through Bayes' rule."""
    components = _components(observation)
    posterior = _posterior(observation, components, arithmetic, direction)
    means = [component.mean(observation.point) for component in components]
    slopes = [component.mean(direction) for component in components]
    result = []
    for i in range(len(observation.point)):
        total = Dual(_zero(arithmetic), _zero(arithmetic))
        for p, m, slope in zip(posterior, means, slopes, strict=True):
            total = total + p * Dual(arithmetic.number(m[i]), arithmetic.number(slope[i]))
        result.append(total.slope)
    return result


def conditioned_jacobian(observation: Observation, arithmetic: Arithmetic) -> list[list[Any]]:
    """The Jacobian of E[X|x], column by column along the coordinate directions."""
    d = len(observation.point)
    columns = [
        conditioned_slope(observation, tuple(Fraction(int(i == j)) for i in range(d)), arithmetic)
        for j in range(d)
    ]
    return [list(row) for row in zip(*columns, strict=True)]


def conditioned_covariance(observation: Observation, arithmetic: Arithmetic) -> list[list[Any]]:
    """Cov(X|x) as E[X X^T|x] - E[X|x] E[X|x]^T, each component's second moment from its own posterior."""
    components = _components(observation)
    posterior = _posterior(observation, components, arithmetic)
    mean = conditioned_mean(observation, arithmetic)
    seconds = []
    for component in components:
        column = matrix_of([component.mean(observation.point)])
        seconds.append((component.posterior + column.transpose() * column).tolist())
    d = len(observation.point)
    return [
        [
            sum(
                (
                    p.value * arithmetic.number(from_flint(second[i][j]))
                    for p, second in zip(posterior, seconds, strict=True)
                ),
                _zero(arithmetic),
            )
            - mean[i] * mean[j]
            for j in range(d)
        ]
        for i in range(d)
    ]


def _zero(arithmetic: Arithmetic) -> Any:
    return arithmetic.number(0)
