"""Recovery of a subspace from samples: ladders for the statements of Wang et al. with implied constants.

What belongs here: what is measured on seeded samples, and the ladders. What does not: statements
(`theory.bounds.wang`), what is exact or certified for given samples (`numerics.low_rank_recovery`).

Samples are U a_i + e_i with a_i ~ N(0, I_r) and e_i ~ N(0, (noise^2/d) I_d), drawn by seeds; a measured
number is the mean over batches of them, and its error three standard errors: machine numbers of a
simulation, which can be repeated, and no proof. The second route takes eigenvectors of the d x d moment
matrix where the first takes singular vectors of the samples, and overlaps where it takes residuals.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from diffcert.rates.ladder import Ladder, Rung
from diffcert.rates.quantities import Measure
from numerics.exact import integer, rational
from numerics.low_rank_transition import Transition, noise_rate, transition

__all__ = ["LADDERS", "QUANTITIES"]

_BATCHES = 16
"""Seeds of one measurement: seed, seed + 1, ..."""
_DEVIATIONS = 3
"""The stated error of a mean over the batches, in standard errors."""

Number = tuple[float, float]


def _mean(found: Sequence[float]) -> Number:
    """The mean over the batches, and its stated error."""
    return float(np.mean(found)), float(_DEVIATIONS * np.std(found, ddof=1) / math.sqrt(len(found)))


def _recovery(samples: Any, rank: Any, dimension: Any, noise: Any, trials: Any, seed: Any) -> Number:
    def one(batch: int) -> float:
        return noise_rate([(samples, rank, dimension)], noise, trials, seed + batch).ratios[0]

    distance = math.sqrt(samples) - math.sqrt(rank - 1)
    return _mean([one(batch) / distance for batch in range(_BATCHES)])


def _recovery_again(samples: Any, rank: Any, dimension: Any, noise: Any, trials: Any, seed: Any) -> Number:
    n, r, d = (integer(x, "size", 1) for x in (samples, rank, dimension))
    deviation = float(rational(noise, "noise"))

    def one(batch: int) -> float:
        rng = np.random.default_rng(seed + batch)
        found = []
        for _ in range(trials):
            points, errors = _drawn(rng, n, r, d, deviation)
            found.append(_distance(points + errors, r) / float(np.linalg.norm(errors)))
        place = math.ceil((1 - 2.0 ** (r - 1 - n)) * trials) - 1
        return float(sorted(found)[max(0, place)])

    return _mean([one(batch) for batch in range(_BATCHES)])


def _drawn(rng: np.random.Generator, n: int, r: int, d: int, deviation: float) -> tuple[Any, Any]:
    points = np.zeros((n, d))
    points[:, :r] = rng.standard_normal((n, r))
    return points, deviation / np.sqrt(d) * rng.standard_normal((n, d))


def _distance(points: Any, r: int) -> float:
    """|P_hat - P|_F by the overlap of the leading eigenvectors with the first r coordinates."""
    leading = np.linalg.eigh(points.T @ points)[1][:, -r:]
    missed = leading[r:, :]
    return math.sqrt(2 * float(np.sum(missed * missed)))


def _threshold(rank: Any, dimension: Any, noise: Any, trials: Any, seed: Any) -> Number:
    def one(batch: int) -> float:
        return transition(dimension, rank, _counts(rank), noise, trials, seed + batch).threshold()

    return _mean([one(batch) for batch in range(_BATCHES)])


def _threshold_again(rank: Any, dimension: Any, noise: Any, trials: Any, seed: Any) -> Number:
    r, d = integer(rank, "rank", 1), integer(dimension, "dimension", 2)
    deviation, scale = float(rational(noise, "noise")), math.sqrt(2 * min(rank, dimension - rank))

    def one(batch: int) -> float:
        rng, means = np.random.default_rng(seed + batch), []
        for n in _counts(r):
            total = 0.0
            for _ in range(trials):
                points, errors = _drawn(rng, n, r, d, deviation)
                total += _completed(rng, points + errors, r) / scale
            means.append(total / trials)
        return Transition(d, r, deviation, tuple(_counts(r)), tuple(means)).threshold()

    return _mean([one(batch) for batch in range(_BATCHES)])


def _completed(rng: np.random.Generator, points: Any, r: int) -> float:
    """The distance where fewer than r samples are completed by random directions."""
    n = len(points)
    if n >= r:
        return _distance(points, r)
    inside = np.linalg.qr(points.T)[0]
    filling = rng.standard_normal((points.shape[1], r - n))
    whole = np.linalg.qr(np.hstack([inside, filling]))[0]
    return math.sqrt(2 * float(np.sum(whole[r:, :] ** 2)))


def _counts(rank: Any) -> Sequence[int]:
    """The numbers of samples about the transition, which is below the rank: from r/2 to r + 1."""
    return range(max(1, rank // 2), rank + 2)


_SIZES = "eigenvectors of the moment matrix"

QUANTITIES: tuple[Measure, ...] = (
    Measure(
        "recovery_per_noise",
        "|P_hat - P|_F over the root of sum |e_i|^2, at the probability 1 - 2^-(N - r + 1), over seeded "
        "trials",
        _recovery,
        _recovery_again,
        _SIZES,
    ),
    Measure(
        "recovery_threshold",
        "the number of samples at which the mean distance falls to half of its largest value",
        _threshold,
        _threshold_again,
        _SIZES,
    ),
)
"""The quantities of this module."""


def _noisy(n: int, r: int, d: int, trials: int = 40) -> Rung:
    arguments = {"samples": n, "rank": r, "dimension": d, "noise": "1/1000", "trials": trials, "seed": 1}
    return Rung({"N": n, "r": r, "d": d}, arguments)


def _step(r: int, d: int, noise: str) -> Rung:
    """A mean over more samples of small subspaces: those of large ones hardly vary."""
    arguments = {"rank": r, "dimension": d, "noise": noise, "trials": max(1, 32 // r), "seed": 100}
    return Rung({"r": r, "d": d}, arguments)


_DOUBLED = (1, 2, 4, 8, 16)
_RANKS = (4, 8, 16, 32)

LADDERS: Mapping[str, tuple[Ladder, ...]] = MappingProxyType(
    {
        "wang/noisy-bound": (
            Ladder("more samples, r = 4, d = 16", "N", [_noisy(8 * k, 4, 16) for k in _DOUBLED], quick=4),
            Ladder(
                "as many samples as the rank, d = 4r", "r", [_noisy(k, k, 4 * k, 150) for k in _DOUBLED]
            ),
            Ladder(
                "larger ambient dimension, r = N = 2",
                "d",
                [_noisy(2, 2, 16 * k, 400) for k in (*_DOUBLED, 32)],
            ),
        ),
        "wang/transition": (
            Ladder("d = 4r, no noise", "r", [_step(r, 4 * r, "0") for r in _RANKS]),
            Ladder("d = 4r, noise 1/10", "r", [_step(r, 4 * r, "1/10") for r in _RANKS]),
        ),
        "wang/transition-law": (
            Ladder("d = 256", "r", [_step(r, 256, "0") for r in _RANKS]),
            Ladder("d = 4r", "r", [_step(r, 4 * r, "0") for r in _RANKS]),
        ),
        "wang/transition-ambient": (
            Ladder("r = 4, noise 1/10", "d", [_step(4, 16 * k, "1/10") for k in _DOUBLED]),
        ),
    }
)
"""Rate -> its ladders."""
