"""Integrals in the plane and in space, by tensor Gauss-Legendre rules on boxes halved until they agree.

What belongs here: the adaptive rule, and the divergences of two laws with it. Smooth integrands converge at
once; along the curves and surfaces where |p - q| has a kink boxes are halved, those that matter most first.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from numerics.output_law.distances import Divergences, Sample, divergence_integrands
from numerics.output_law.grids import legendre
from numerics.truth import PrecisionError

__all__ = ["Boxes", "Settings", "cubature", "grown", "laws_divergences", "settings_of"]

Array = npt.NDArray[np.float64]

_KINKED = 3.0
"""Along a kink the last changes add up to about the error itself; stated is so many times their sum."""

Integrand = Callable[[Array, Array], Array]
"""From the low corners (p, r) of boxes of one size (r,) to values (j, p, q^r) at `nodes`."""


@dataclass(frozen=True)
class Settings:
    """Nodes per axis and box, the absolute error aimed at, and how many points may be evaluated."""

    nodes: int
    tolerance: float
    most_points: int


def settings_of(rank: int) -> Settings:
    """The settings in the plane and in space."""
    return Settings(8, 1e-8, 1 << 24) if rank == 2 else Settings(6, 1.5e-5, 1 << 25)


@dataclass(frozen=True)
class Boxes:
    """Boxes of one size: low corners (p, r), sizes (r,)."""

    low: Array
    size: Array

    def halved(self) -> Boxes:
        """The 2^r p halves, those of one box in a row."""
        half = self.size / 2
        corners = np.array(list(itertools.product((0.0, 1.0), repeat=self.low.shape[1]))) * half
        return Boxes((self.low[:, None, :] + corners).reshape(-1, len(half)), half)


def grown(
    low: Array, high: Array, size: float, split: Callable[[Boxes], npt.NDArray[np.bool_]]
) -> list[Boxes]:
    """A box in boxes no larger than `size`, halved as long as `split` says so."""
    counts = [max(1, math.ceil((b - a) / size)) for a, b in zip(low, high, strict=True)]
    sizes = (high - low) / np.array(counts)
    index = np.array(list(itertools.product(*(range(n) for n in counts))), dtype=float)
    waiting, result = Boxes(low + index * sizes, sizes), []
    for _ in range(60):
        again = split(waiting)
        if not again.all():
            result.append(Boxes(waiting.low[~again], waiting.size))
        if not again.any():
            return result
        waiting = Boxes(waiting.low[again], waiting.size).halved()
        if len(waiting.low) > 1 << 20:
            break
    raise PrecisionError("output_law: the reference is too narrow for the grid of the output")


def cubature(integrand: Integrand, begun: list[Boxes], settings: Settings) -> tuple[Array, Array]:
    """Integrals of j functions and their error estimates, the sums of the last changes of all boxes."""
    rank = begun[0].low.shape[1]
    _, shares = legendre(settings.nodes)
    weights = shares
    for _ in range(rank - 1):
        weights = np.multiply.outer(weights, shares)
    weights = weights.ravel()
    per = len(weights)
    chunk = max(1, (1 << 19) // per)

    def rule(boxes: Boxes) -> Array:
        volume = float(np.prod(boxes.size))
        parts = [
            integrand(boxes.low[first : first + chunk], boxes.size) @ weights
            for first in range(0, len(boxes.low), chunk)
        ]
        return np.concatenate(parts, axis=1) * volume

    total = error = np.zeros(0)
    spent = 0
    layers: list[tuple[Boxes, Array]] = [(boxes, rule(boxes)) for boxes in begun]
    settled = np.zeros((2, len(layers[0][1])))
    for depth in range(40):
        refined: list[tuple[Boxes, Array, Array]] = []
        for boxes, whole in layers:
            halves = boxes.halved()
            spent += per * len(halves.low)
            made = rule(halves).reshape(len(whole), len(boxes.low), -1)
            refined.append((halves, made, np.abs(made.sum(axis=2) - whole)))
        total = settled[0] + sum(made.sum(axis=(1, 2)) for _, made, _ in refined)
        error = settled[1] + sum(gap.sum(axis=1) for _, _, gap in refined)
        if (error <= settings.tolerance).all() or depth == 39:
            break
        allowed = _threshold([gap for _, _, gap in refined], settings.tolerance / 4)
        layers = []
        for halves, made, gap in refined:
            fine = (gap <= allowed[:, None]).all(axis=0)
            settled[0] += made[:, fine].sum(axis=(1, 2))
            settled[1] += gap[:, fine].sum(axis=1)
            if not fine.all():
                again = np.repeat(~fine, made.shape[2])
                layers.append(
                    (Boxes(halves.low[again], halves.size), made[:, ~fine].reshape(len(made), -1))
                )
        if not layers:
            total, error = settled
            break
        ahead = sum(len(boxes.low) for boxes, _ in layers) * per * 2**rank
        if spent + ahead > settings.most_points:
            for _, values in layers:
                settled[0] += values.sum(axis=1)
            for _, _, gap in refined:
                fine = (gap <= allowed[:, None]).all(axis=0)
                settled[1] += gap[:, ~fine].sum(axis=1)
            total, error = settled
            break
    return total, error


def _threshold(gaps: list[Array], tolerance: float) -> Array:
    """For every function the gap below which all boxes together make up half of the tolerance."""
    joined = np.sort(np.concatenate(gaps, axis=1), axis=1)
    sums = np.cumsum(joined, axis=1)
    result = np.zeros(len(joined))
    for i, (row, total) in enumerate(zip(joined, sums, strict=True)):
        count = int(np.searchsorted(total, tolerance / 2))
        result[i] = row[count - 1] if count else 0.0
    return result


def laws_divergences(
    evaluate: Callable[[Array, Array, Array], tuple[Array, Array]], begun: list[Boxes], settings: Settings
) -> tuple[Divergences, float]:
    """The divergences of an output from a reference, and the reference's mass over the boxes.

    `evaluate` maps low corners, a size and nodes to log(output/reference) and log reference.
    """
    nodes, _ = legendre(settings.nodes)

    def integrand(low: Array, size: Array) -> Array:
        log_ratio, log_reference = (a.reshape(len(low), -1) for a in evaluate(low, size, nodes))
        sample = Sample(log_ratio, log_ratio, log_ratio, log_reference)
        return np.concatenate([divergence_integrands(sample), np.exp(log_reference)[None]])

    values, errors = cubature(integrand, begun, settings)
    errors = _KINKED * (errors + errors[7])
    return Divergences(values[:7], errors[:7]), float(values[7])
