"""The sampler simulated: what a Monte Carlo script of a paper's reproduction does.

What belongs here: the matched sampler on the core in numpy, and the total variation distance estimated from
a histogram. Nothing of the project's numerics but the knots is used.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np

from numerics import Mixture, Schedule

__all__ = ["BINS", "SAMPLES", "histogram_tv", "last_iterates"]

SAMPLES = 10**6
BINS = 200


def _atoms(target: Mixture) -> tuple[Any, Any]:
    return (
        np.array([float(w) for w in target.weights]),
        np.array([float(a) for (a,) in target.means]),
    )


def last_iterates(target: Mixture, schedule: Schedule, samples: int = SAMPLES, seed: int = 0) -> Any:
    """Samples of Z_n/t_n of the matched sampler with exact start, shape (samples,)."""
    weights, atoms = _atoms(target)
    rng = np.random.default_rng(seed)
    knots = [float(t) for t in schedule.snr(target)]
    chosen = rng.choice(atoms, size=samples, p=weights)
    z = knots[0] * chosen + math.sqrt(knots[0]) * rng.standard_normal(samples)
    for t, after in pairwise(knots):
        exponents = np.log(weights) + np.outer(z, atoms) - t * atoms**2 / 2
        shares = np.exp(exponents - exponents.max(axis=1, keepdims=True))
        mean = shares @ atoms / shares.sum(axis=1)
        z = z + (after - t) * mean + math.sqrt(after - t) * rng.standard_normal(samples)
    return z / knots[-1]


def histogram_tv(target: Mixture, schedule: Schedule, samples: int = SAMPLES, seed: int = 0) -> float:
    """TV from the law at the last level, estimated by a histogram of simulated iterates."""
    weights, atoms = _atoms(target)
    width = float(schedule.snr(target)[-1]) ** -0.5
    edges = np.linspace(atoms.min() - 5 * width, atoms.max() + 5 * width, BINS + 1)
    counts, _ = np.histogram(last_iterates(target, schedule, samples, seed), edges)
    below = np.array([[math.erf((x - a) / width / math.sqrt(2)) / 2 + 0.5 for x in edges] for a in atoms])
    expected = np.diff(weights @ below)
    return float(np.abs(counts / samples - expected).sum() + abs(1 - counts.sum() / samples)) / 2
