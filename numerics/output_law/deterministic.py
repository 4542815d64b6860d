"""The map of a deterministic sampler on the line, with its slope, in machine numbers.

What belongs here: the float evaluation of the map and its monotone parts. Points are kept relative to
the nearest atom, so that nothing is lost where the last level is much narrower than the atoms' distances.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from numerics.output_law.branches import error_values
from numerics.output_law.flow import Flow
from numerics.samplers import ScoreError

__all__ = ["Image", "SamplerMap"]

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.intp]

_EIGHTH = ((4 / 5, 1), (-1 / 5, 2), (4 / 105, 3), (-1 / 280, 4))
"""Central differences of order eight."""


@dataclass(frozen=True)
class Image:
    """Where points go: the index of the nearest atom, the distance from it, and the slope dR/dstart."""

    near: Index
    away: Array
    slope: Array

    def value(self, atoms: Array) -> Array:
        """R itself."""
        return atoms[self.near] + self.away


@dataclass(frozen=True)
class SamplerMap:
    """The map from the start to R at the last level, with its derivative."""

    flow: Flow
    """In floats."""
    atoms: Array
    differences: Array
    """a_i - a_j, taken exactly before rounding; shape (K, K)."""
    log_weights: Array
    mean: float
    score_error: ScoreError | None
    width: float
    """A length on which the score error is smooth: the width of the last level."""

    def __call__(self, start: Array) -> Image:
        """The images of points of shape (n,)."""
        flow, first = self.flow, 0
        value, slope = start, np.ones_like(start)
        if flow.first_sigma is not None:
            mean = self.mean
            if isinstance(self.score_error, Fraction):
                mean += float(self.score_error)
            value, slope, first = mean + start * flow.first_sigma, slope * flow.first_sigma, 1
        near = self._nearest(value)
        now = self._centred(Image(near, value - self.atoms[near], slope))
        before: Image | None = None
        for k in range(first, len(flow.strides)):
            stride = flow.strides[k]
            estimate = self._denoise(k, now)
            if stride.back is not None:
                euler = self._centred(_mixed(now, estimate, stride.rest, stride.share))
                more = self._denoise(k + 1, euler)
                half = _mixed(now, estimate, 1 - stride.share / 2, stride.share / 2)
                away = stride.back * (more.away - euler.away)
                bend = stride.back * (more.slope - euler.slope)
                now = self._centred(Image(now.near, half.away + away, half.slope + bend))
                continue
            wanted = estimate
            if stride.past is not None and before is not None:
                old = self.differences[before.near, now.near] + before.away
                wanted = Image(
                    now.near,
                    estimate.away + stride.past * (estimate.away - old),
                    estimate.slope + stride.past * (estimate.slope - before.slope),
                )
            before, now = estimate, self._centred(_mixed(now, wanted, stride.rest, stride.share))
        return now

    def _nearest(self, value: Array) -> Index:
        middles = (self.atoms[1:] + self.atoms[:-1]) / 2
        return np.searchsorted(middles, value)

    def _centred(self, image: Image) -> Image:
        near = self._nearest(image.value(self.atoms))
        moved = near != image.near
        if not moved.any():
            return image
        away = np.where(moved, image.away + self.differences[image.near, near], image.away)
        return Image(near, away, image.slope)

    def _denoise(self, k: int, at: Image) -> Image:
        """D at level k relative to the same atom, and its derivative with respect to the start."""
        stage = self.flow.stages[k]
        away_from = self.differences[:, at.near]
        gaps = away_from - at.away
        exponents = self.log_weights[:, None] - gaps * gaps * (stage.t / 2)
        exponents -= exponents.max(axis=0)
        posterior = np.exp(exponents)
        posterior /= posterior.sum(axis=0)
        mean = np.einsum("ij,ij->j", posterior, away_from)
        centred = away_from - mean
        variance = np.einsum("ij,ij,ij->j", posterior, centred, centred)
        shift, bend = self._error(k, at)
        value = stage.lever * mean + stage.kept * at.away + shift
        return Image(at.near, value, (stage.kept + stage.lever * stage.t * variance + bend) * at.slope)

    def _error(self, k: int, at: Image) -> tuple[Array | float, Array | float]:
        error, stage = self.score_error, self.flow.stages[k]
        if error is None:
            return 0.0, 0.0
        if isinstance(error, Fraction):
            return stage.error * float(error), 0.0
        x = stage.root * at.value(self.atoms)
        values = stage.error * error_values(error, x, k)
        h = 0.01 * stage.root * max(self.width, float(stage.t) ** -0.5)
        slope = np.zeros_like(x)
        for weight, i in _EIGHTH:
            slope += weight * (error_values(error, x + i * h, k) - error_values(error, x - i * h, k)) / h
        return values, stage.error * stage.root * slope

    def folds(self, low: float, high: float, count: int) -> list[float]:
        """Where the map turns between two points: sign changes of its slope on a grid, refined."""
        grid = np.linspace(low, high, count)
        sign = np.sign(self(grid).slope)
        turning = np.flatnonzero(sign[1:] * sign[:-1] < 0)
        left, right, before = grid[turning], grid[turning + 1], sign[turning]
        for _ in range(60 * bool(len(left))):
            middle = (left + right) / 2
            same = np.sign(self(middle).slope) == before
            left, right = np.where(same, middle, left), np.where(same, right, middle)
        return [float(x) for x in (left + right) / 2]


def _mixed(now: Image, estimate: Image, kept: float, share: float) -> Image:
    return Image(
        now.near, kept * now.away + share * estimate.away, kept * now.slope + share * estimate.slope
    )
