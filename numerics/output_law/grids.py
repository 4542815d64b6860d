"""Functions on uniform grids: local interpolation, and convolution with a Gaussian of any width.

What belongs here: numerical tools that know nothing of samplers. All are local, of order 24, so that the
error at a point depends on the function's smoothness near it: interpolation of a function analytic in a
strip of half-width rho with spacing h errs by about 2e-13 of its size there at rho = 14 h, and less than
1e-16 at 20 h. Sums with positive weights keep the relative accuracy of positive functions in the tails.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import numpy.typing as npt

__all__ = ["POINTS", "gaussian_stencil", "interpolate", "legendre", "refinement"]

Array = npt.NDArray[np.float64]

POINTS = 24
"""Points of a local interpolation; also the largest reach of a finite-difference convolution."""

REACH = 11.0
"""Laws are cut at this many standard deviations, where they are below 1e-26 of their height."""

FAR = 37.0
"""Kernels are cut only here, at 1e-297: a cut inside a window would be a kink of the log density."""

_SAMPLED = 1.4
_CHUNK = 512
_MOST_REFINED = 4


def _lagrange(offsets: list[Fraction]) -> Array:
    """C with l_j(x) = sum_k C[k, j] x^k, the Lagrange polynomials of exact nodes."""
    columns = []
    for j, own in enumerate(offsets):
        coefficients = [Fraction(1)]
        for i, other in enumerate(offsets):
            if i != j:
                scale = own - other
                shifted = [Fraction(0), *coefficients]
                coefficients = [
                    (a - other * b) / scale
                    for a, b in zip(shifted, [*coefficients, Fraction(0)], strict=True)
                ]
        columns.append([float(c) for c in coefficients])
    return np.array(columns).T


_HALF = POINTS // 2
_BETWEEN = _lagrange([Fraction(2 * j - POINTS + 1, 2) for j in range(POINTS)])
_AROUND = _lagrange([Fraction(j - _HALF) for j in range(POINTS + 1)])
_SLOPE = _BETWEEN[1:] * np.arange(1, POINTS)[:, None]


def interpolate(
    values: Array, start: float, spacing: float, x: Array, slope: bool = False
) -> tuple[Array, Array | None]:
    """The function given on start + i spacing, at points x (constant beyond the ends), and its slope."""
    result, derivative = np.empty(len(x)), np.empty(len(x) if slope else 0)
    padded = np.concatenate([np.full(_HALF - 1, values[0]), values, np.full(_HALF, values[-1])])
    neighbours = np.lib.stride_tricks.sliding_window_view(padded, POINTS)
    last = len(values) - 1.0
    for first in range(0, len(x), _CHUNK):
        part = slice(first, first + _CHUNK)
        position = np.clip((x[part] - start) / spacing, 0.0, last)
        cell = np.minimum(position.astype(np.int64), max(len(values) - 2, 0))
        away = position - cell - 0.5
        powers = np.empty((POINTS, len(away)))
        powers[0] = 1.0
        for k in range(1, POINTS):
            np.multiply(powers[k - 1], away, out=powers[k])
        near = neighbours[cell]
        result[part] = np.einsum("ji,ij->i", _BETWEEN.T @ powers, near)
        if slope:
            derivative[part] = np.einsum("ji,ij->i", _SLOPE.T @ powers[:-1], near) / spacing
    return result, derivative if slope else None


def refinement(variance: float, spacing: float) -> int:
    """How many times finer than `spacing` the grid of the function to convolve is taken.

    1 or more where sampling the Gaussian is accurate, 0 where it is so narrow that finite differences
    are used instead.
    """
    if variance <= 0:
        return 0
    needed = math.ceil(_SAMPLED * spacing / math.sqrt(variance))
    return needed if needed <= _MOST_REFINED else 0


def gaussian_stencil(variance: float, spacing: float) -> Array:
    """Weights W with (p * N(0, variance))(x) = sum_l W[l] p(x + l spacing), l from -reach to reach.

    `spacing` is the refined one. Sampled where the Gaussian is at least 1.4 spacings wide (error
    e^{-2 (1.4 pi)^2} = 2e-17 for p smooth on that scale), else the exact mean of the polynomial
    through the 25 nearest points.
    """
    ratio = variance / spacing**2
    if ratio <= 0:
        return np.ones(1)
    if ratio >= (0.99 * _SAMPLED) ** 2:
        reach = math.ceil(FAR * math.sqrt(ratio))
        offsets = np.arange(-reach, reach + 1)
        return np.asarray(np.exp(-(offsets**2) / (2 * ratio)) / math.sqrt(2 * math.pi * ratio))
    moments = np.zeros(POINTS + 1)
    moments[0] = 1.0
    for k in range(2, POINTS + 1, 2):
        moments[k] = moments[k - 2] * (k - 1) * ratio
    return moments @ _AROUND


def legendre(count: int) -> tuple[Array, Array]:
    """Nodes and weights of the Gauss-Legendre rule on [0, 1]."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return (nodes + 1) / 2, weights / 2
