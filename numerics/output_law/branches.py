"""The maps of one step of a stochastic sampler: where it sends a point, before the common noise.

What belongs here: the posterior mean, the Gauss rule and the Gaussian estimate as functions of the point,
with their slopes. A step of order p is a mixture of maps; those of the Gauss rule are increasing, since
the nodes of a measure tilted by e^{zx} increase with z: with the rule's Jacobi matrix J_m and next
coefficient b_m, d lambda_j/dz = b_m^2 (v_j)_m^2 (Toda's equations truncated at m; v_j unit eigenvectors).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from numerics.exact import shown
from numerics.output_law.chain import Chain, Step
from numerics.output_law.grids import interpolate
from numerics.output_law.mixture import Line
from numerics.samplers import MomentMatched, ScoreError

__all__ = ["Branch", "Image", "branches_of", "error_values", "gauss_rule", "hermite_branches"]

Array = npt.NDArray[np.float64]

_TINY = 1e-300
_HERMITE = 20


@dataclass(frozen=True)
class Image:
    """Where a map sends points, its slope, the log of its probability, and a variance that it adds."""

    value: Array
    slope: Array
    log_weight: Array | float = 0.0
    extra: Array | float = 0.0


Branch = Callable[[Array], tuple[Image, Array]]
"""From points (relative to a centre) to their image, and the log density of the true law at them."""

Shift = Callable[[Array], tuple[Array | float, Array | float]]
"""What the score error adds to the map, and the slope of that."""


def error_values(error: ScoreError, x: Array, index: int) -> Array:
    """The score error at points of the noised variable; ValueError unless finite and of the same shape."""
    if not callable(error):
        raise ValueError(f"score_error: {shown(error)} is not a function")
    values = np.asarray(error(x, index), dtype=float)
    if values.shape not in ((), x.shape) or not np.isfinite(values).all():
        raise ValueError(f"score_error: at step {index} it returned {shown(values)}, not finite values")
    return np.broadcast_to(values, x.shape)


def _shift(
    chain: Chain, step: Step, index: int, centre: Fraction, low: float, high: float, h: float
) -> Shift:
    """The shift of the map by the score error, tabulated on the window where it is a function."""
    error = chain.sampler.score_error
    if error is None:
        return lambda x: (0.0, 0.0)
    if isinstance(error, Fraction):
        constant = step.lever * float(error)
        return lambda x: (constant, 0.0)
    grid = low + h * np.arange(math.ceil((high - low) / h) + 1, dtype=float)
    table = step.lever * error_values(error, step.root * (float(centre) + grid), index)

    def shift(x: Array) -> tuple[Array, Array]:
        value, slope = interpolate(table, low, h, x, slope=True)
        assert slope is not None
        return value, np.where((x < grid[0]) | (x > grid[-1]), 0.0, slope)

    return shift


def _mean(line: Line, step: Step, shift: Shift) -> Branch:
    def branch(x: Array) -> tuple[Image, Array]:
        log_true, towards, variance = line.posterior(x)
        moved, bend = shift(x)
        slope = (1 - step.pull) + step.pull * step.t * variance + bend
        return Image(x + step.pull * towards + moved, slope), log_true

    return branch


def _gaussian(line: Line, step: Step, shift: Shift) -> Branch:
    """The posterior mean, with the variance that a Gaussian estimate adds."""

    def branch(x: Array) -> tuple[Image, Array]:
        log_true, towards, variance = line.posterior(x)
        moved, bend = shift(x)
        slope = (1 - step.pull) + step.pull * step.t * variance + bend
        image = Image(x + step.pull * towards + moved, slope, 0.0, step.pull**2 * variance)
        return image, log_true

    return branch


def hermite_branches(line: Line, step: Step, shift: Shift) -> list[Branch]:
    """The Gaussian estimate as a mixture of maps, by the Gauss-Hermite rule: for short steps."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(_HERMITE)

    def of(node: float, weight: float) -> Branch:
        log_weight = math.log(weight / math.sqrt(2 * math.pi))

        def branch(x: Array) -> tuple[Image, Array]:
            probabilities, away = line.probabilities(x)
            mean = np.einsum("ij,ij->j", probabilities, away)
            centred = away - mean
            variance = np.einsum("ij,ij,ij->j", probabilities, centred, centred)
            third = np.einsum("ij,ij,ij,ij->j", probabilities, centred, centred, centred)
            root = np.sqrt(np.maximum(variance, _TINY))
            moved, bend = shift(x)
            value = x + step.pull * (mean + node * root) + moved
            slope = (1 - step.pull) + step.pull * step.t * (variance + node * third / (2 * root)) + bend
            return Image(value, slope, log_weight), line.log_density(x)

        return branch

    return [of(float(a), float(w)) for a, w in zip(nodes, weights, strict=True)]


def gauss_rule(probabilities: Array, atoms: Array, count: int) -> tuple[Array, Array, Array]:
    """Nodes, weights and d node/dz of the Gauss rule of laws on K atoms tilted by e^{zx}.

    `probabilities` and `atoms` have shape (K, n), the results (count, n); count < K.
    """
    size = atoms.shape[1]
    diagonal, squares = np.zeros((count, size)), np.zeros((count + 1, size))
    before, now = np.zeros_like(atoms), np.ones_like(atoms)
    norm = np.ones(size)
    for k in range(count):
        weighted = probabilities * now
        diagonal[k] = (weighted * now * atoms).sum(axis=0) / norm
        before, now = now, (atoms - diagonal[k]) * now - squares[k] * before
        following = (probabilities * now * now).sum(axis=0)
        squares[k + 1] = following / norm
        norm = np.maximum(following, _TINY)
    if count == 1:
        return diagonal, np.ones((1, size)), squares[1:]
    if count == 2:
        half = (diagonal[1] - diagonal[0]) / 2
        root = np.sqrt(half * half + squares[1])
        far = np.abs(half) + root
        near = squares[1] / np.maximum(far, _TINY)
        low, high = np.where(half > 0, -near, -far), np.where(half > 0, far, near)
        away = np.stack([low, high])
        total = squares[1] + away * away
        weights = squares[1] / np.maximum(total, _TINY)
        return diagonal[0] + away, weights, squares[2] * (away * away / np.maximum(total, _TINY))
    matrices = np.zeros((size, count, count))
    index = np.arange(count)
    matrices[:, index, index] = diagonal.T
    off = np.sqrt(squares[1:count].T)
    matrices[:, index[1:], index[:-1]] = off
    matrices[:, index[:-1], index[1:]] = off
    nodes, vectors = np.linalg.eigh(matrices)
    return nodes.T, vectors[:, 0, :].T ** 2, squares[count] * vectors[:, -1, :].T ** 2


def _quadrature(line: Line, step: Step, shift: Shift, count: int) -> list[Branch]:
    def of(j: int) -> Branch:
        def branch(x: Array) -> tuple[Image, Array]:
            probabilities, away = line.probabilities(x)
            moved, bend = shift(x)
            if count >= len(line.atoms):
                value, weight = away[j], probabilities[j]
                slope = np.full(len(x), 1 - step.pull)
            else:
                nodes, weights, tilts = gauss_rule(probabilities, away, count)
                value, weight = nodes[j], weights[j]
                slope = (1 - step.pull) + step.pull * step.t * tilts[j]
            log_weight = np.log(np.maximum(weight, _TINY))
            return Image(x + step.pull * value + moved, slope + bend, log_weight), line.log_density(x)

        return branch

    return [of(j) for j in range(min(count, len(line.atoms)))]


def branches_of(
    chain: Chain, index: int, line: Line, centre: Fraction, low: float, high: float, h: float, short: bool
) -> list[Branch]:
    """The maps of a step on a window; `short` asks for a Gaussian estimate as a mixture of maps."""
    step, sampler = chain.steps[index], chain.sampler
    shift = _shift(chain, step, index, centre, low, high, h)
    if isinstance(sampler, MomentMatched) and sampler.order > 1 and len(line.atoms) > 1:
        if sampler.nodes is not None:
            return _quadrature(line, step, shift, sampler.nodes)
        return hermite_branches(line, step, shift) if short else [_gaussian(line, step, shift)]
    return [_mean(line, step, shift)]
