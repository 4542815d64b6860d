"""The output law of the sampler of Li, Cai and Wei by direct sums: a second, slower and plainer route.

What belongs here: one step at a time as a sum of Gaussians over the nodes of a grid, with no interpolation
and no Fourier transform. What does not: the first route (`output_law`).

With the score of a mixture of unit covariance, S(x) = sqrt(a) E[A | x] - x, the paper's step is

    x' = (x + (1 - alpha)(S(x) + e(x)))/sqrt(alpha) + sqrt(1 - alpha) N,

e the score's error. The density is summed at nodes a little closer than the narrower of the two widths at
hand, which costs more and more nodes as 1 - alpha falls: the chain ends at the first level with
1 - alpha < 1e-6, and what the steps left out can change is of the order of 1 - alpha_bar there. So the
total variation is good to about 1e-6: a check, not a measurement.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from numerics.arithmetic import balls
from numerics.levels import LEVELS
from numerics.schedules import Schedule
from numerics.targets import Mixture

__all__ = ["ERROR", "DirectLaw", "direct_law", "direct_tv", "float_levels"]

Array = npt.NDArray[np.float64]

ERROR = 1e-6
"""The stated error of a total variation."""

_LEAST_NOISE = 1e-6
_FINENESS = 1.8
_REACH = 8.0


def float_levels(schedule: Schedule) -> tuple[Array, Array]:
    """alpha_bar and 1 - alpha_bar of a schedule of Li, Cai and Wei, noisiest first, to full precision."""
    ops = balls(192 + 4 * schedule.steps.bit_length())
    with ops.precision():
        levels = LEVELS["li_cai_wei"](schedule.parameters, ops)
        return (
            np.array([float(level.signal.mid()) for level in levels]),
            np.array([float(level.noise.mid()) for level in levels]),
        )


@dataclass(frozen=True)
class DirectLaw:
    """The density of the last iterate at the level where the chain ends, on a grid."""

    x: Array
    density: Array
    spacing: float
    alpha_bar: float


def direct_law(
    target: Mixture,
    schedule: Schedule,
    error: Callable[[Array, int], Array] | None = None,
    start: str = "exact",
    reach: float = 0.0,
) -> DirectLaw:
    """The law of the last iterate, in one dimension.

    `error` is the error of the score, a function of x and of the step's number; `start` is "exact" or
    "normal"; the grid goes at least to `reach` and ten deviations beyond.
    """
    signal, noise = float_levels(schedule)
    weights = np.array([float(w) for w in target.weights])
    atoms = np.array([float(a[0]) for a in target.means])
    beta = float(schedule.parameters["c1"]) * math.log(schedule.steps) / schedule.steps
    added = beta * noise / (1 + beta * noise)
    deviations = np.sqrt(added)
    count = int(np.argmax(added < _LEAST_NOISE)) or len(signal) - 1
    count = min(count, len(signal) - 1)
    end = max(float(np.abs(atoms).max()), reach) + 10.0
    x, h = _grid(min(1.0, float(deviations[0])), end)
    density = _mixture(x, weights, atoms * math.sqrt(signal[0]) if start == "exact" else 0 * atoms)
    for level in range(count):
        moved = _mean(x, weights, atoms * math.sqrt(signal[level]), added[level])
        if error is not None:
            moved = moved + added[level] / math.sqrt(1 - added[level]) * error(x, level)
        order = np.argsort(moved)
        masses = (density * h)[order]
        following = deviations[level + 1] if level + 1 < count else deviations[level]
        x, h = _grid(min(float(deviations[level]), float(following)), end)
        density = _summed(x, moved[order], masses, float(deviations[level]))
    return DirectLaw(x, density, h, float(signal[count]))


def direct_tv(
    target: Mixture,
    schedule: Schedule,
    error: Callable[[Array, int], Array] | None = None,
    start: str = "exact",
    against: Mixture | None = None,
    reach: float = 0.0,
) -> float:
    """The total variation between the sampler's last iterate and the noised target, in one dimension.

    The arguments are those of `direct_law`; `against` is another mixture of unit variance to compare with
    (default: the target). Good to about `ERROR`.
    """
    law = direct_law(target, schedule, error, start, reach)
    other = target if against is None else against
    reference = _mixture(
        law.x,
        np.array([float(w) for w in other.weights]),
        np.array([float(a[0]) for a in other.means]) * math.sqrt(law.alpha_bar),
    )
    return float(law.spacing * np.abs(law.density - reference).sum() / 2)


def _grid(width: float, reach: float) -> tuple[Array, float]:
    """A uniform grid for sums of Gaussians of that width, and its spacing."""
    h = width / _FINENESS
    return np.arange(-reach, reach + h, h), h


def _mixture(x: Array, weights: Array, centres: Array) -> Array:
    away = x - centres[:, None]
    return np.asarray(weights @ np.exp(-away * away / 2) / math.sqrt(2 * math.pi))


def _mean(x: Array, weights: Array, centres: Array, added: float) -> Array:
    """(x + (1 - alpha) S(x))/sqrt(alpha)."""
    exponents = np.log(weights)[:, None] - (x - centres[:, None]) ** 2 / 2
    parts = np.exp(exponents - exponents.max(axis=0))
    score = (centres[:, None] * parts).sum(axis=0) / parts.sum(axis=0) - x
    return np.asarray((x + added * score) / math.sqrt(1 - added))


def _summed(y: Array, centres: Array, masses: Array, sigma: float) -> Array:
    """sum_j masses_j N(centres_j, sigma^2) at y; the centres increase."""
    first = np.searchsorted(centres, y - _REACH * sigma)
    last = np.searchsorted(centres, y + _REACH * sigma)
    total = np.zeros_like(y)
    for offset in range(int((last - first).max())):
        at = np.minimum(first + offset, len(centres) - 1)
        z = (y - centres[at]) / sigma
        total += np.where(first + offset < last, masses[at] * np.exp(-z * z / 2), 0.0)
    return total / (sigma * math.sqrt(2 * math.pi))
