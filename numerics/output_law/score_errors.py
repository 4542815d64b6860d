"""The mean square of a score error under the true law of a level.

What belongs here: quadrature on the line of the means. The trapezoidal rule on the whole line converges
geometrically for smooth errors; its error estimate is the difference of two spacings.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from numerics.exact import integer, shown
from numerics.output_law.branches import error_values
from numerics.output_law.chain import Chain, chain_of
from numerics.output_law.grids import REACH
from numerics.output_law.mixture import Line
from numerics.samplers import Sampler
from numerics.schedules import Schedule
from numerics.targets import Mixture
from numerics.truth import PrecisionError, Truth

__all__ = ["mean_over_level", "score_error_mean_square"]

Array = npt.NDArray[np.float64]

_MOST = 1 << 22


def level_grid(line: Line, fineness: float, most: float = 60.0) -> tuple[Array, float]:
    """Points that resolve the law of a level to rounding, and their spacing; relative to its centre.

    `most`: atoms further apart than this, in deviations, have nothing between them to be resolved.
    """
    spread = float(np.ptp(line.atoms)) / line.width
    h = line.width * min(1 / 8, math.pi / (12 * min(max(spread, 1e-9), most))) / fineness
    low, high = float(line.atoms.min()) - REACH * line.width, float(line.atoms.max()) + REACH * line.width
    count = (high - low) / h
    if count > _MOST:
        raise PrecisionError(f"score_error: {count:.3g} nodes are needed (limit {_MOST})")
    return low + h * np.arange(math.ceil(count) + 1, dtype=float), h


def mean_over_level(line: Line, function: Any, tolerance: float = 1e-14) -> tuple[float, float]:
    """E function(R) under a level's law and its error estimate; `function` maps arrays to arrays.

    The spacing is halved until two results agree, at most six times.
    """
    before = math.inf
    for halving in range(7):
        grid, h = level_grid(line, 2.0**halving)
        values = np.asarray(function(grid))
        value = float(h * (np.exp(line.log_density(grid)) @ values))
        if abs(value - before) <= tolerance * abs(value):
            break
        before, gap = value, abs(value - before)
    else:
        return value, gap
    return value, abs(value - before) + 1e-14 * abs(value)


def score_error_mean_square(
    target: Mixture, schedule: Schedule, sampler: Sampler, index: int, start: str = "exact"
) -> Truth:
    """E e(x_k)^2 of the sampler's score error at level k, under the true law of x_k.

    In squared units of the denoiser. 0 for a sampler without error; exact for a constant. Raises
    ValueError for a level at which no step begins.
    """
    chain = chain_of(target, schedule, sampler, start)
    count = len(chain.knots) - 1
    k = integer(index, "index", 0)
    if k >= count:
        raise ValueError(
            f"index: {shown(index)} exceeds {count - 1}, the last level at which a step begins"
        )
    value, error = _mean_square(chain, k)
    return Truth("score_error", value, error, "fast", None, "trapezoidal rule, halved", chain.notes)


def _mean_square(chain: Chain, k: int) -> tuple[float, float]:
    function = chain.sampler.score_error
    if function is None:
        return 0.0, 0.0
    if isinstance(function, Fraction):
        return float(function) ** 2, 0.0
    if not chain.knots[k]:
        line = Line(np.zeros(1), np.zeros(1), chain.silent_variance)
        return mean_over_level(line, lambda x: error_values(function, x, k) ** 2)
    line = Line.of(chain.weights, chain.atoms, 1 / chain.knots[k])
    root = chain.roots[k]
    return mean_over_level(line, lambda r: error_values(function, root * r, k) ** 2)
