"""How recovery depends on the number of samples, on average: the transition, and the rate under noise.

What belongs here: simulations in machine numbers, repeatable by their seed. What does not: anything that is
exact or certified for given samples (`low_rank_recovery`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from numerics.exact import integer, rational

__all__ = ["NoiseRate", "Transition", "noise_rate", "transition"]


def _noise(value: Any) -> float:
    deviation = float(rational(value, "noise"))
    if deviation < 0:
        raise ValueError(f"noise: {deviation} is negative")
    return deviation


def _samples(
    rng: np.random.Generator, n: int, d: int, r: int, deviation: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Samples of the first r coordinates, and noise of variance deviation^2/d per coordinate."""
    samples = np.zeros((n, d))
    samples[:, :r] = rng.standard_normal((n, r))
    return samples, deviation / np.sqrt(d) * rng.standard_normal((n, d))


def _leading(samples: npt.NDArray[np.float64], count: int) -> npt.NDArray[np.float64]:
    return np.asarray(np.linalg.svd(samples, full_matrices=False)[2][:count])


@dataclass(frozen=True)
class Transition:
    """The mean distance |P_hat - P|_F/sqrt(2 min(r, d - r)) over the number of samples N."""

    dimension: int
    rank: int
    noise: float
    counts: tuple[int, ...]
    distances: tuple[float, ...]

    def threshold(self, level: float = 0.5) -> float:
        """N at which the distance first falls to `level` (interpolated); infinity if it does not."""
        for (before, high), (after, low) in zip(
            zip(self.counts, self.distances, strict=True),
            zip(self.counts[1:], self.distances[1:], strict=True),
            strict=False,
        ):
            if high > level >= low:
                return before + (after - before) * (high - level) / (high - low)
        return float(self.counts[0]) if self.distances[0] <= level else float("inf")


def transition(
    dimension: int, rank: int, counts: Sequence[int], noise: Any = 0, trials: int = 20, seed: int = 0
) -> Transition:
    """The transition curve: the mean distance of PCA from N samples U a_i + e_i, for each N in `counts`.

    a_i ~ N(0, I_r), e_i ~ N(0, (noise^2/d) I_d), U uniform; below r samples the missing directions are
    uniform. A simulation in machine numbers, repeatable by its seed. Raises ValueError for bad sizes.
    """
    d = integer(dimension, "dimension", 2, 10**5)
    r = integer(rank, "rank", 1, d - 1)
    sizes = tuple(integer(n, f"counts[{i}]", 1, 10**6) for i, n in enumerate(counts))
    deviation = _noise(noise)
    rng = np.random.default_rng(integer(seed, "seed", 0))
    scale = float(np.sqrt(2 * min(r, d - r)))
    means = []
    for n in sizes:
        distances = []
        for _ in range(integer(trials, "trials", 1, 10**6)):
            # By rotation the subspace is that of the first r coordinates.
            samples, errors = _samples(rng, n, d, r, deviation)
            leading = _leading(samples + errors, min(n, r))
            if n < r:
                filling = rng.standard_normal((d, r - n))
                filling -= leading.T @ (leading @ filling)
                leading = np.vstack([leading, np.linalg.qr(filling)[0].T])
            distances.append(np.sqrt(2) * np.linalg.norm(leading[:, r:]) / scale)
        means.append(float(np.mean(distances)))
    return Transition(d, r, deviation, sizes, tuple(means))


@dataclass(frozen=True)
class NoiseRate:
    """What the noisy bound needs for its implied constant, over a ladder of N, r and d.

    The bound is `|P_hat - P|_F <= c_1 |E|_F/(sqrt N - sqrt(r - 1))`. `ratios` are distance over bound with
    c_1 = 1, one per row (N, r, d) of `ladder`: the quantile at the probability 1 - 2^-(N - r + 1) with
    which the bound is claimed (less e^(-c_2 N), which is left out).
    """

    ladder: tuple[tuple[int, int, int], ...]
    ratios: tuple[float, ...]

    @property
    def constant(self) -> float:
        """The least c_1 that covers every instance of the ladder."""
        return max(self.ratios)

    def exponents(self) -> dict[str, float]:
        """The fitted powers of N, r and d in the ratios (those that vary); at most about 0 for a rate."""
        logs = np.log(np.array(self.ladder, dtype=float))
        varying = [i for i in range(3) if np.ptp(logs[:, i]) > 0]
        design = np.column_stack([np.ones(len(logs)), *(logs[:, i] for i in varying)])
        fitted = np.linalg.lstsq(design, np.log(np.array(self.ratios)), rcond=None)[0][1:]
        return {("N", "r", "d")[i]: float(value) for i, value in zip(varying, fitted, strict=True)}


def noise_rate(
    ladder: Sequence[tuple[int, int, int]], noise: Any = "1/100", trials: int = 100, seed: int = 0
) -> NoiseRate:
    """The ratios of the noisy bound over a ladder of (N, r, d) with N >= r, in machine numbers.

    Samples and noise as for `transition`. A verdict about these instances only. Raises ValueError for a bad
    ladder.
    """
    deviation = _noise(noise)
    if deviation == 0:
        raise ValueError("noise: 0 leaves nothing to measure")
    rng = np.random.default_rng(integer(seed, "seed", 0))
    rows, ratios = [], []
    for i, (count, rank, dimension) in enumerate(ladder):
        d = integer(dimension, f"ladder[{i}]: d", 2, 10**5)
        r = integer(rank, f"ladder[{i}]: r", 1, d - 1)
        n = integer(count, f"ladder[{i}]: N", r, 10**6)
        found = []
        for _ in range(integer(trials, "trials", 1, 10**6)):
            samples, errors = _samples(rng, n, d, r, deviation)
            distance = np.sqrt(2) * np.linalg.norm(_leading(samples + errors, r)[:, r:])
            bound = np.linalg.norm(errors) / (np.sqrt(n) - np.sqrt(r - 1))
            found.append(float(distance / bound))
        rows.append((n, r, d))
        ratios.append(float(np.quantile(found, 1 - 2.0 ** (r - 1 - n), method="inverted_cdf")))
    if not rows:
        raise ValueError("ladder: the list is empty")
    return NoiseRate(tuple(rows), tuple(ratios))
