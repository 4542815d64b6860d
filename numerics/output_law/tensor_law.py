"""The output law of a sampler in the plane and in space as an object: densities and divergences.

What belongs here: starts without signal, resolutions, references, integration boxes. The steps are in
`tensor_steps`, transport in `tensor_transport`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from numerics.exact import choice
from numerics.output_law import tensor_cubature as cubature
from numerics.output_law.chain import Chain
from numerics.output_law.distances import Divergences, Piece
from numerics.output_law.law import REFERENCES, OutputLaw
from numerics.output_law.tensor_cubature import Boxes
from numerics.output_law.tensor_frame import frame_of
from numerics.output_law.tensor_mixture import Cloud, Place
from numerics.output_law.tensor_steps import Begin, Window, run, settings_of
from numerics.output_law.tensor_transport import product_transport
from numerics.samplers import Ddim, Ddpm, Euler, MomentMatched
from numerics.truth import SpanError

__all__ = ["TensorLaw", "begin"]

Array = npt.NDArray[np.float64]

_BOX = 2.5
_NEAR = 9.0
_DEEP_ERROR = 2e-3
"""Stated relative error of a log ratio beyond 36: the density is that far below the other's."""


class TensorLaw(OutputLaw):
    """The law of a sampler's last iterate where the means span a plane or space, at two resolutions.

    Raises SpanError for samplers whose step is not one map with Gaussian noise of one variance.
    """

    method = "Gaussian sums and push-forwards on tensor grids, refined"

    def __init__(self, chain: Chain) -> None:
        super().__init__(chain)
        rule, rank = chain.sampler, chain.target.core.rank
        by_mean = isinstance(rule, MomentMatched) and rule.order == 1
        if not (isinstance(rule, Ddpm | Ddim | Euler) or by_mean):
            raise SpanError(
                f"sampler: {rule!r} is available for means on a line; these span {rank} dimensions, where"
                " Ddpm, MomentMatched(1), Ddim and Euler are"
            )
        self._rank = rank

    @cached_property
    def _fine(self) -> list[Window]:
        return run(self._chain, settings_of(self._rank, True), begin(self._chain))

    @cached_property
    def _coarse(self) -> list[Window]:
        return run(self._chain, settings_of(self._rank, False), begin(self._chain))

    # References

    def _cloud(self, reference: str, centre: Place) -> Cloud:
        """The reference's law in the units of R, seen from a centre."""
        chain = self._chain
        same = self.schedule.ends_noise_free and self.target.variance and chain.scale == 1
        if reference == "last_level" or same:
            return Cloud.of(chain.weights, chain.places, 1 / chain.knots[-1], centre)
        variance = float(self.target.variance / chain.scale**2)
        places = [tuple(x / chain.scale for x in place) for place in chain.places]
        return Cloud.of(chain.weights, places, variance, centre)

    # Densities

    @cached_property
    def _axes(self) -> Array:
        """Unit vectors of the span, shape (r, d)."""
        vectors = np.array([[float(x) for x in v] for v in frame_of(self.target).vectors])
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1)[:, None])

    def density(self, x: Any, digits: int | None = None) -> Any:
        """The density at x, of shape (d,) or (n, d)."""
        if digits is not None:
            return self._points_enclosed(x, digits, True)
        points, single = self._points(x)
        along = points @ self._axes.T
        values = self._density_along(along)
        rest = self._chain.complement
        if rest.dimension:
            away = points - along @ self._axes - self._mean_across()
            square = (away * away).sum(axis=1)
            log = rest.dimension * math.log(2 * math.pi * rest.variance) + square / rest.variance
            values = values * np.exp(-log / 2)
        return float(values[0]) if single else values

    def _density_along(self, along: Array) -> Array:
        scale, result = float(self._chain.scale), np.zeros(len(along))
        points = settings_of(self._rank, True).points
        for window in self._fine:
            at = along / scale - np.array([float(c) for c in window.centre])
            inside = ((at >= window.start) & (at <= window.end)).all(axis=1)
            if inside.any():
                cloud = self._cloud("last_level", window.centre)
                log = window.log_density(at[inside], cloud, points)
                result[inside] += np.exp(log) / scale**self._rank
        return result

    def _mean_across(self) -> Array:
        """The output's mean across the span, shape (d,)."""
        frame, rest = frame_of(self.target), self._chain.complement
        mean = np.array([float(x) for x in frame.across(frame.foot)])
        mean = mean * (rest.mean / rest.offset) if rest.offset else mean
        error = self.sampler.score_error
        if isinstance(error, tuple):
            mean = mean + rest.strayed * np.array([float(x) for x in frame.across(error)])
        return mean

    def reference_density(self, x: Any, reference: str = "target") -> Array:
        """The reference's density at points of shape (n, d), d that of the span, in the output's units."""
        choice(reference, "reference", REFERENCES)
        if self.target.dimension != self._rank:
            raise SpanError("reference_density: the target has more dimensions than the span of its means")
        if reference == "target" and not self.target.variance:
            raise ValueError("reference: the target is discrete and has no density")
        scale = float(self._chain.scale)
        cloud = self._cloud(reference, (Fraction(0),) * self._rank)
        log = cloud.log_density(self._points(x)[0] @ self._axes.T / scale)
        return np.asarray(np.exp(log) / scale**self._rank)

    def extents(self, reference: str = "target", deviations: float = 5) -> list[tuple[float, float]]:
        """For every coordinate an interval with the reference's atoms and so many deviations beyond."""
        choice(reference, "reference", REFERENCES)
        scale = float(self._chain.scale)
        cloud = self._cloud(reference, (Fraction(0),) * self._rank)
        share = scale if reference == "last_level" else 1.0
        means = np.array([[float(x) for x in mean] for mean in self.target.means]) * share
        margin = deviations * cloud.width * scale
        ends = zip(means.min(axis=0), means.max(axis=0), strict=True)
        return [(float(a - margin), float(b + margin)) for a, b in ends]

    def _pieces(self, reference: str, fine: bool) -> Sequence[Piece]:
        raise SpanError("output_law: pieces of a line exist for means on a line")

    def _line_density(self, x: Array) -> Array:
        raise SpanError("output_law: the density along a line exists for means on a line")

    def _line_cdf(self, x: Array) -> Array:
        raise SpanError("cdf: the means span more than a line")

    # Divergences

    def _refined(self, reference: str) -> Divergences:
        fine, coarse = (self._integrated(reference, windows) for windows in (self._fine, self._coarse))
        return Divergences(fine.values, fine.errors + np.abs(fine.values - coarse.values))

    def _integrated(self, reference: str, windows: list[Window]) -> Divergences:
        values, errors, mass = np.zeros(7), np.zeros(7), 0.0
        owners = self._owners(reference, windows)
        settings = cubature.settings_of(self._rank)
        points = settings_of(self._rank, True).points
        for i, window in enumerate(windows):
            cloud = self._cloud(reference, window.centre)
            true = self._cloud("last_level", window.centre)

            def evaluate(
                low: Array,
                size: Array,
                nodes: Array,
                window: Window = window,
                cloud: Cloud = cloud,
                true: Cloud = true,
            ) -> tuple[Array, Array]:
                x = box_points(low, size, nodes)
                slack = 1e-9 * window.spacing
                inside = ((low >= window.start - slack) & (low + size <= window.end + slack)).all(axis=1)
                log = np.empty(x.shape[:-1])
                if inside.any():
                    log[inside] = window.box_log_density(low[inside], size, nodes, points)
                if not inside.all():
                    beyond = x[~inside].reshape(-1, window.rank)
                    log[~inside] = window.log_density(beyond, true, points).reshape(-1, *x.shape[1:-1])
                reference_log = cloud.log_density(x.reshape(-1, window.rank)).reshape(x.shape[:-1])
                return log - reference_log, reference_log

            boxes = self._boxes(window, cloud, owners == i)
            found, part = cubature.laws_divergences(evaluate, boxes, settings)
            values, errors, mass = values + found.values, errors + found.errors, mass + part
        errors[1:3] += _DEEP_ERROR * values[5:7]
        return Divergences(values[:5], errors[:5] + abs(mass - 1))

    def _owners(self, reference: str, windows: list[Window]) -> npt.NDArray[np.intp]:
        """For every atom of the reference, the window that is nearest."""
        away = []
        for window in windows:
            atoms = self._cloud(reference, window.centre).atoms
            gap = np.maximum(np.maximum(window.start - atoms, atoms - window.end), 0.0)
            away.append((gap * gap).sum(axis=1))
        return np.asarray(np.argmin(np.stack(away), axis=0))

    def _boxes(self, window: Window, cloud: Cloud, own: npt.NDArray[np.bool_]) -> list[Boxes]:
        """Boxes that cover a window and the reference's atoms that belong to it."""
        low, high = window.start, window.end
        atoms = cloud.atoms[own]
        coarsest = _BOX * window.width

        def split(boxes: Boxes) -> npt.NDArray[np.bool_]:
            if float(boxes.size.max()) <= _BOX * cloud.width:
                return np.zeros(len(boxes.low), dtype=bool)
            near = np.zeros(len(boxes.low), dtype=bool)
            for atom in cloud.atoms:
                gap = np.maximum(np.maximum(boxes.low - atom, atom - boxes.low - boxes.size), 0.0)
                near |= (gap * gap).sum(axis=1) < (_NEAR * cloud.width) ** 2
            return near

        result = cubature.grown(low, high, coarsest, split)
        if len(atoms):
            reach = _NEAR * cloud.width
            first = np.minimum(low, atoms.min(axis=0) - reach)
            last = np.maximum(high, atoms.max(axis=0) + reach)
            inner_low, inner_high = low.copy(), high.copy()
            for axis in range(window.rank):
                for a, b in ((first[axis], low[axis]), (high[axis], last[axis])):
                    if b - a > 1e-9 * cloud.width:
                        slab_low, slab_high = inner_low.copy(), inner_high.copy()
                        slab_low[axis], slab_high[axis] = a, b
                        result += cubature.grown(slab_low, slab_high, coarsest, split)
                inner_low[axis], inner_high[axis] = first[axis], last[axis]
        return result

    # Transport

    def _transport(self, order: int, reference: str) -> tuple[float, float]:
        found = product_transport(self._chain, reference) if order == 2 else None
        if found is None:
            raise SpanError(
                f"wasserstein: no closed form of W_{order} is known where the means span {self._rank}"
                " dimensions; there are tv, kl, reverse_kl and hellinger, and W_2 for means that form a"
                " product of lines"
            )
        dimension, output, other, excess, shift = self._rest(reference)
        scale = float(self._chain.scale)
        value, doubt = found[0] * scale**2, found[1] * scale**2
        if dimension and (excess or shift):
            value += dimension * (math.sqrt(output) - math.sqrt(other)) ** 2 + shift * shift
        root = math.sqrt(max(value, 0.0))
        return root, doubt / max(root, math.sqrt(doubt))


def box_points(low: Array, size: Array, nodes: Array) -> Array:
    """The tensor nodes of boxes, shape (p, q, ..., q, r)."""
    rank = low.shape[1]
    unit = np.stack(np.meshgrid(*[nodes] * rank, indexing="ij"), axis=-1)
    return np.asarray(low.reshape(-1, *[1] * rank, rank) + size * unit)


def begin(chain: Chain) -> Begin | None:
    """The law after the first step where the first level has no signal: mean and covariance."""
    step = chain.steps[0]
    if step.t > 0:
        return None
    rank = len(chain.places[0])
    mean = [
        sum((w * a[j] for w, a in zip(chain.weights, chain.places, strict=True)), Fraction(0))
        for j in range(rank)
    ]
    drift = chain.drift or (0.0,) * rank
    pull, lever = Fraction(step.pull), Fraction(step.lever)
    moved = tuple(m * pull + lever * Fraction(e) for m, e in zip(mean, drift, strict=True))
    return moved, (step.noise + chain.first_kept) * np.eye(rank)
