"""The posterior of a low-rank mixture from one noisy observation: weights, mean, covariance, Jacobian.

What belongs here: the closed forms, in every number system. What does not: the same quantities by
general Gaussian conditioning (`low_rank_conditioning`), which is the independent route.

For `x = s X + g eps`, with c = s/(s^2 + g^2), phi = s^2/(2 g^2 (s^2 + g^2)), rho = g^2/(s^2 + g^2) and
P_k the projection on the k-th subspace:

    omega_k(x) ~ pi_k rho^(r_k/2) exp(phi |P_k x|^2)
    E[X|x]     = c m,   m = sum omega_k P_k x
    J          = c [sum omega_k P_k + 2 phi sum omega_k (P_k x - m)(P_k x - m)^T]
    Cov(X|x)   = rho sum omega_k P_k + c^2 sum omega_k (P_k x - m)(P_k x - m)^T = (g^2/s) J

Proof. Given k, X = U_k a with a ~ N(0, I); x given k is N(0, s^2 P_k + g^2 I), whose density is, by
(s^2 P + g^2 I)^{-1} = g^{-2} (I - (s^2/(s^2 + g^2)) P) and det = g^{2d} rho^{-r}, proportional to
rho^{r_k/2} exp(phi |P_k x|^2). Given k and x, a is N(c U_k^T x, rho I). The law of total covariance gives
Cov; J is the derivative of c m, by d omega_k = 2 phi omega_k <P_k x - m, dx> (note that <m, dx> appears
because sum omega_j P_j x = m). The identity of the last line is g^2 c/s = rho and 2 phi rho = c^2.

Everything but the weights is exact in rational arithmetic: P_k x, |P_k x|^2 and the differences in the
exponents, which are of size phi and would lose all digits for g near 0. With `m` the leading component
and e_k = P_k x - P_m x, the spread is `sum omega_k e_k e_k^T - (sum omega_k e_k)(sum omega_k e_k)^T`; its
trace is at least omega_m >= 1/K times that of the first sum, so that the subtraction loses at most a
factor K.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import flint
import numpy as np
import numpy.typing as npt

from numerics.arithmetic import FLOATS, Arithmetic, balls, bits_for, mpmath_numbers
from numerics.channel import Engine, choose_engine
from numerics.low_rank import LowRankMixture, channel_numbers
from numerics.low_rank_exact import Vector, dot, rows_of, vector_of
from numerics.truth import PrecisionError

__all__ = [
    "Observation",
    "posterior_covariance",
    "posterior_jacobian",
    "posterior_mean",
    "posterior_means",
    "posterior_weights",
]

GUARD_BITS = 64
GUARD_DIGITS = 20
_LEAST_EXPONENT = -(10**9)
"""Machine numbers: exponents below this are this, and their exponential is zero."""
_ATTEMPTS = 4


@dataclass(frozen=True)
class Observation:
    """One observation x of s X + g eps, with all that is exact about its posterior."""

    target: LowRankMixture
    point: Vector
    signal: Fraction
    noise: Fraction

    @classmethod
    def of(cls, target: Any, x: Any, signal: Any, noise: Any) -> Observation:
        """The validated observation; ValueError naming the argument, the value and the rule."""
        if not isinstance(target, LowRankMixture):
            raise ValueError(f"target: {type(target).__name__} is not a LowRankMixture")
        s, g = channel_numbers(signal, noise)
        return cls(target, vector_of(x, "x", target.dimension), s, g)

    @cached_property
    def c(self) -> Fraction:
        """c = s/(s^2 + g^2)."""
        return self.signal / (self.signal**2 + self.noise**2)

    @cached_property
    def phi(self) -> Fraction:
        """phi = s^2/(2 g^2 (s^2 + g^2))."""
        return self.signal**2 / (2 * self.noise**2 * (self.signal**2 + self.noise**2))

    @cached_property
    def rho(self) -> Fraction:
        """rho = g^2/(s^2 + g^2), the variance left on a subspace."""
        return self.noise**2 / (self.signal**2 + self.noise**2)

    @cached_property
    def points(self) -> tuple[Vector, ...]:
        """P_k x."""
        return tuple(subspace.project(self.point) for subspace in self.target.subspaces)

    @cached_property
    def energies(self) -> tuple[Fraction, ...]:
        """|P_k x|^2."""
        return tuple(dot(self.point, projected) for projected in self.points)

    @cached_property
    def leading(self) -> int:
        """The component of largest posterior weight, as far as machine numbers tell."""
        with np.errstate(all="ignore"):
            logs = [
                _log_weight(self.target.weights[k])
                + self.target.ranks[k] / 2 * _log_weight(self.rho)
                + _clipped(self.phi * (energy - max(self.energies)))
                for k, energy in enumerate(self.energies)
            ]
        return max(range(len(logs)), key=lambda k: logs[k])

    @cached_property
    def magnitude_bits(self) -> int:
        """The bits before the point of the largest exponent that matters."""
        top = self.energies[self.leading]
        return max((int(abs(self.phi * (q - top))).bit_length() for q in self.energies), default=0)

    def odds(self, arithmetic: Arithmetic) -> list[Any]:
        """omega_k/omega_m for the leading component m, in a number system (within its precision)."""
        lead = self.leading
        weights, ranks = self.target.weights, self.target.ranks
        log_rho = arithmetic.log(arithmetic.number(self.rho))
        result = []
        for k, energy in enumerate(self.energies):
            exponent = self.phi * (energy - self.energies[lead])
            if arithmetic is FLOATS:
                number: Any = _clipped(exponent)
                log_ratio: Any = _log_weight(weights[k]) - _log_weight(weights[lead])
            else:
                number = arithmetic.number(exponent)
                log_ratio = arithmetic.log(arithmetic.number(weights[k] / weights[lead]))
            spread = arithmetic.number(Fraction(ranks[k] - ranks[lead], 2)) * log_rho
            result.append(
                arithmetic.exp(log_ratio + spread + number) if k != lead else arithmetic.number(1)
            )
        return result

    def weights(self, arithmetic: Arithmetic) -> list[Any]:
        """The posterior probabilities omega_k."""
        odds = self.odds(arithmetic)
        total = _total(odds, arithmetic)
        return [value / total for value in odds]

    def remaining(self, arithmetic: Arithmetic) -> Any:
        """1 - omega_m for the leading component m, without cancellation."""
        odds = self.odds(arithmetic)
        others = [value for k, value in enumerate(odds) if k != self.leading]
        return _total(others, arithmetic) / _total(odds, arithmetic)

    def centre(self, arithmetic: Arithmetic) -> list[Any]:
        """m = sum omega_k P_k x."""
        weights = self.weights(arithmetic)
        return [
            _total(
                [w * arithmetic.number(p[i]) for w, p in zip(weights, self.points, strict=True)], arithmetic
            )
            for i in range(self.target.dimension)
        ]

    def mean(self, arithmetic: Arithmetic) -> list[Any]:
        """E[X|x] = c m."""
        factor = arithmetic.number(self.c)
        return [factor * value for value in self.centre(arithmetic)]

    def _matrix(
        self, arithmetic: Arithmetic, on_spans: Fraction, on_spread: Fraction, *, less_leading: bool = False
    ) -> list[list[Any]]:
        """on_spans sum omega_k P_k + on_spread sum omega_k (P_k x - m)(P_k x - m)^T.

        With `less_leading` P_k is replaced by P_k - P_m for the leading component m.
        """
        d, lead = self.target.dimension, self.leading
        weights = self.weights(arithmetic)
        projections = [rows_of(subspace.projection) for subspace in self.target.subspaces]
        if less_leading:
            leading = projections[lead]
            projections = [
                tuple(
                    tuple(a - b for a, b in zip(row, other, strict=True))
                    for row, other in zip(projection, leading, strict=True)
                )
                for projection in projections
            ]
        moved = [
            [arithmetic.number(a - b) for a, b in zip(point, self.points[lead], strict=True)]
            for point in self.points
        ]
        offset = [
            _total([w * e[i] for w, e in zip(weights, moved, strict=True)], arithmetic) for i in range(d)
        ]
        first, second = arithmetic.number(on_spans), arithmetic.number(on_spread)
        result: list[list[Any]] = [[None] * d for _ in range(d)]
        for i in range(d):
            for j in range(i + 1):
                spans = _total(
                    [w * arithmetic.number(p[i][j]) for w, p in zip(weights, projections, strict=True)],
                    arithmetic,
                )
                spread = _total(
                    [w * (e[i] * e[j]) for w, e in zip(weights, moved, strict=True)], arithmetic
                )
                spread = spread - offset[i] * offset[j]
                result[i][j] = result[j][i] = first * spans + second * spread
        return result

    def jacobian(self, arithmetic: Arithmetic) -> list[list[Any]]:
        """The Jacobian of E[X|x] in x."""
        return self._matrix(arithmetic, self.c, 2 * self.c * self.phi)

    def offset(self, arithmetic: Arithmetic) -> list[list[Any]]:
        """J - c P_m for the leading component m, accurate where it is tiny."""
        return self._matrix(arithmetic, self.c, 2 * self.c * self.phi, less_leading=True)

    def covariance(self, arithmetic: Arithmetic) -> list[list[Any]]:
        """Cov(X|x)."""
        return self._matrix(arithmetic, self.rho, self.c**2)


def _log_weight(value: Fraction) -> float:
    """The logarithm of a positive rational of any size."""
    return math.log(value.numerator) - math.log(value.denominator)


def _clipped(exponent: Fraction) -> float:
    return float(max(exponent, Fraction(_LEAST_EXPONENT)))


def _total(values: Sequence[Any], arithmetic: Arithmetic) -> Any:
    result = arithmetic.number(0)
    for value in values:
        result = result + value
    return result


def _entries(value: Any) -> list[Any]:
    return [x for part in value for x in _entries(part)] if isinstance(value, list) else [value]


def evaluated(
    observation: Observation,
    compute: Callable[[Arithmetic], Any],
    scale: Fraction,
    digits: int | None,
    engine: str | None,
) -> Any:
    """A value in the number system asked for: an array of floats, or nested tuples of its numbers.

    A ball's radius is at most 10^-digits times `scale`, or PrecisionError says what was reached.
    """
    kind: Engine
    kind, count = choose_engine(digits, engine)
    if kind == "fast" or count is None:
        return np.array(compute(FLOATS), dtype=np.float64)
    extra = observation.magnitude_bits
    if kind == "mpmath":
        numbers = mpmath_numbers(count + GUARD_DIGITS + extra // 3 + 1)
        with numbers.precision():
            return _frozen(compute(numbers))
    bits = bits_for(count) + GUARD_BITS + extra
    for _ in range(_ATTEMPTS):
        ops = balls(bits)
        with ops.precision():
            result = compute(ops)
            goal = ops.number(scale) / flint.arb(10) ** count
            if all(entry.rad() <= goal for entry in _entries(result)):
                return _frozen(result)
        bits *= 2
    raise PrecisionError(f"digits: {count} were not reached with {bits // 2} bits")


def _frozen(value: Any) -> Any:
    return tuple(_frozen(part) for part in value) if isinstance(value, list) else value


def posterior_weights(
    target: LowRankMixture,
    x: Any,
    signal: Any,
    noise: Any,
    digits: int | None = None,
    engine: str | None = None,
) -> Any:
    """The posterior probabilities omega_k of the components at one observation, of shape (K,).

    `x` is an exact point of length d, `signal` s >= 0 and `noise` g > 0 belong to x = s X + g eps.
    `digits=None`: an array of floats, exact to rounding at any s and g; `digits=n`: balls of radius at
    most 10^-n; `engine="mpmath"`: mpf. Raises ValueError for bad arguments.
    """
    observation = Observation.of(target, x, signal, noise)
    return evaluated(observation, observation.weights, Fraction(1), digits, engine)


def posterior_mean(
    target: LowRankMixture,
    x: Any,
    signal: Any,
    noise: Any,
    digits: int | None = None,
    engine: str | None = None,
) -> Any:
    """The posterior mean E[X|x] = c sum omega_k P_k x at one observation, of shape (d,).

    Arguments as for `posterior_weights`; balls have a radius of at most 10^-n c max|P_k x|_1.
    Source: Wang et al. 2024 (arXiv:2409.02426), with unequal ranks allowed.
    """
    observation = Observation.of(target, x, signal, noise)
    size = max(sum((abs(y) for y in point), Fraction(0)) for point in observation.points)
    return evaluated(observation, observation.mean, observation.c * size, digits, engine)


def posterior_jacobian(
    target: LowRankMixture,
    x: Any,
    signal: Any,
    noise: Any,
    digits: int | None = None,
    engine: str | None = None,
) -> Any:
    """The Jacobian of the posterior mean in x, a symmetric matrix of shape (d, d).

    Arguments as for `posterior_weights`; balls have a radius of at most 10^-n c.
    Source: Wang et al. 2024 (arXiv:2409.02426), with unequal ranks allowed.
    """
    observation = Observation.of(target, x, signal, noise)
    return evaluated(observation, observation.jacobian, observation.c, digits, engine)


def posterior_covariance(
    target: LowRankMixture,
    x: Any,
    signal: Any,
    noise: Any,
    digits: int | None = None,
    engine: str | None = None,
) -> Any:
    """The posterior covariance Cov(X|x), a symmetric matrix of shape (d, d).

    Arguments as for `posterior_weights`; balls have a radius of at most 10^-n g^2/(s^2 + g^2).
    It is (g^2/s) times the Jacobian of the posterior mean (Tweedie, second order).
    """
    observation = Observation.of(target, x, signal, noise)
    return evaluated(observation, observation.covariance, observation.rho, digits, engine)


def posterior_means(
    target: LowRankMixture, points: Any, signal: Any, noise: Any
) -> npt.NDArray[np.float64]:
    """The posterior means at n observations, of shape (n, d), vectorised in machine numbers.

    `points` has shape (n, d). The exponents are of size phi |x|^2: their rounding costs about
    1e-16 phi |x|^2 in the weights of components that compete. `posterior_mean` has no such loss. Raises
    ValueError for a wrong shape.
    """
    if not isinstance(target, LowRankMixture):
        raise ValueError(f"target: {type(target).__name__} is not a LowRankMixture")
    s, g = (float(value) for value in channel_numbers(signal, noise))
    x = np.asarray(points, dtype=np.float64)
    if x.ndim != 2 or x.shape[1] != target.dimension:
        raise ValueError(f"points: shape {x.shape}, not (n, {target.dimension})")
    projected = np.stack([(x @ basis) @ basis.T for basis in target.orthonormal_bases()])
    phi = s**2 / (2 * g**2 * (s**2 + g**2))
    logs = phi * np.einsum("knd,knd->kn", projected, projected)
    rho = g**2 / (s**2 + g**2)
    logs += np.array(
        [_log_weight(w) + r / 2 * np.log(rho) for w, r in zip(target.weights, target.ranks, strict=True)]
    )[:, None]
    weights = np.exp(logs - logs.max(axis=0))
    weights /= weights.sum(axis=0)
    return np.asarray(s / (s**2 + g**2) * np.einsum("kn,knd->nd", weights, projected))
