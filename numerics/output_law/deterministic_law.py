"""The output law of a deterministic sampler as an object: the image of the start under its map.

What belongs here: starts, the monotone parts of the map, pieces of the line. Where the map is increasing
the start is the parameter of the line. Where it folds, the line is cut at the images of the folds, the
density is the sum over the preimages, and each part is parametrised so that the inverse square roots at
the folds become smooth.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from numerics.arithmetic import balls
from numerics.output_law.chain import Chain, levels_of
from numerics.output_law.deterministic import SamplerMap
from numerics.output_law.distances import Piece, Sample
from numerics.output_law.flow import Flow, Stage, Stride, flow_of
from numerics.output_law.grids import REACH, legendre
from numerics.output_law.law import OutputLaw
from numerics.output_law.mixture import Line
from numerics.truth import PrecisionError, Truth

__all__ = ["DeterministicLaw"]

Array = npt.NDArray[np.float64]

_GRID = 1 << 14
_CLOSE = 1e-3
_FOLDED = 1e-12
_NODES, _WEIGHTS = legendre(16)


def _float_flow(chain: Chain) -> Flow:
    ops = balls(256)
    with ops.precision():
        levels = levels_of(chain.schedule, chain.target, ops)
        flow = flow_of(chain.sampler, chain.target, levels, chain.schedule.convention == "snr", ops)

        def number(x: object) -> float | None:
            return None if x is None else float(x.mid())  # type: ignore[attr-defined]

        stages = tuple(Stage(*(number(x) for x in vars(stage).values())) for stage in flow.stages)
        strides = tuple(Stride(*(number(x) for x in vars(stride).values())) for stride in flow.strides)
        return Flow(stages, strides, number(flow.first_sigma))


@dataclass(frozen=True)
class _Branch:
    """An interval of starts on which the map is monotone, with the images of its ends."""

    low: float
    high: float
    least: float
    most: float
    rising: bool


class DeterministicLaw(OutputLaw):
    """The law of a deterministic sampler's last iterate, by change of variables."""

    method = "change of variables, adaptive Gauss-Legendre panels"

    def _transport(self, order: int, reference: str) -> tuple[float, float]:
        """W_1 or W_2; points of the line are rounded relative to the largest atom."""
        value, doubt = super()._transport(order, reference)
        rounding = 4e-16 * float(np.abs(self.map.atoms).max()) * float(self._chain.scale)
        return value, doubt + 2 * rounding

    @cached_property
    def _known_digits(self) -> dict[tuple[str, str, str, int], Truth]:
        """Enclosed distances by engine, distance, reference and digits."""
        return {}

    def _enclosed(self, distance: str, reference: str, digits: int, engine: str) -> Truth:
        key = engine, distance, reference, digits
        if key not in self._known_digits:
            from numerics.output_law import certified_law, mpmath_law

            route = certified_law.certified_truth if engine == "certified" else mpmath_law.mpmath_truth
            for name, truth in route(self._chain, distance, reference, digits).items():
                self._known_digits[engine, name, reference, digits] = truth
        return self._known_digits[key]

    def _points_enclosed(self, x: Any, digits: int, density: bool) -> Any:
        from numerics.output_law import certified_law

        many = isinstance(x, list | tuple | np.ndarray)
        points = [certified_law.point_of(item) for item in (x if many else [x])]
        values = certified_law.certified_points(self._chain, points, digits, density)
        return values if many else values[0]

    @cached_property
    def map(self) -> SamplerMap:
        """The sampler's map from the start (R, or nu where the first level has no signal) to R."""
        chain = self._chain
        atoms = chain.atoms
        mean = sum((w * a for w, a in zip(chain.weights, atoms, strict=True)), Fraction(0))
        return SamplerMap(
            _float_flow(chain),
            np.array([float(a) for a in atoms]),
            np.array([[float(a - b) for b in atoms] for a in atoms]),
            np.array([math.log(w.numerator) - math.log(w.denominator) for w in chain.weights]),
            float(mean),
            chain.sampler.score_error,
            chain.knots[-1] ** -0.5,
        )

    @cached_property
    def start_law(self) -> Line:
        """The law of the start."""
        chain = self._chain
        if not chain.knots[0]:
            return Line(np.zeros(1), np.zeros(1), 1.0)
        if chain.start == "normal":
            return Line(np.zeros(1), np.zeros(1), chain.start_variance)
        return Line.of(chain.weights, chain.atoms, 1 / chain.knots[0])

    @cached_property
    def _range(self) -> tuple[float, float]:
        """Starts beyond which neither law has mass."""
        law, last = self.start_law, self._line(Fraction(0))
        reach = REACH * law.width
        low, high = float(law.atoms.min()) - reach, float(law.atoms.max()) + reach
        far = REACH * max(last.width, math.sqrt(float(self.target.variance)) / float(self._chain.scale))
        stretch = max(1.0, 1 / float(self._chain.scale))
        least = min(float(last.atoms.min()), float(last.atoms.min()) * stretch) - far
        most = max(float(last.atoms.max()), float(last.atoms.max()) * stretch) + far
        for _ in range(200):
            ends = self.map(np.array([low, high]))
            images = ends.value(self.map.atoms)
            short = images[0] > least, images[1] < most
            if not any(short):
                return low, high
            low -= reach * short[0]
            high += reach * short[1]
            reach *= 1.5
        raise PrecisionError("output_law: the sampler's map does not reach the reference's support")

    @cached_property
    def folds(self) -> list[float]:
        """The starts at which the map turns; empty where it is increasing."""
        return self.map.folds(*self._range, _GRID)

    @property
    def monotone(self) -> bool:
        """Whether no fold of the map was found on a grid of starts."""
        return not self.folds

    @property
    def notes(self) -> tuple[str, ...]:
        folds = len(self.folds)
        note = (f"the sampler's map is not monotone: {folds} folds",) if folds else ()
        return (*self._chain.notes, *note)

    @cached_property
    def _branches(self) -> list[_Branch]:
        low, high = self._range
        ends = np.array([low, *self.folds, high])
        images = self.map(ends).value(self.map.atoms)
        return [
            _Branch(
                float(ends[i]),
                float(ends[i + 1]),
                float(min(images[i], images[i + 1])),
                float(max(images[i], images[i + 1])),
                bool(images[i + 1] > images[i]),
            )
            for i in range(len(ends) - 1)
        ]

    def _pieces(self, reference: str, fine: bool) -> list[Piece]:
        line = self._reference(reference, Fraction(0))
        panels = 96 if fine else 64
        if not self.folds:
            return [Piece(0.0, self._start_edges(line, panels), self._increasing(line), line, True)]
        cuts = sorted({y for b in self._branches for y in (b.least, b.most)})
        cuts = self._with_atoms(cuts, line)
        edges = np.linspace(0, len(cuts) - 1, (len(cuts) - 1) * (panels // 16) + 1)
        return [Piece(0.0, edges, self._folded(line, np.array(cuts)), line, False, _FOLDED)]

    def _start_edges(self, line: Line, panels: int) -> Array:
        low, high = self._range
        edges = [np.linspace(low, high, panels + 1), self._quantiles(panels)]
        if not line.variance:
            edges.append(self._preimages(line.atoms, self._branches[0]))
        return np.unique(np.concatenate(edges))

    def _quantiles(self, panels: int) -> Array:
        """Starts whose images are spread over the atoms: edges where the map is steep."""
        atoms = self.map.atoms
        middles = (atoms[1:] + atoms[:-1]) / 2
        inside = [y for y in middles if self._branches[0].least < y < self._branches[0].most]
        if not inside:
            return np.empty(0)
        found = self._preimages(np.array(inside), self._branches[0])
        low, high = self._range
        scales = (high - low) * np.geomspace(1e-9, 1e-2, panels // 4)
        marks = np.concatenate([found[:, None] + scales, found[:, None] - scales], axis=1).ravel()
        return np.asarray(marks[(marks > low) & (marks < high)])

    def _increasing(self, line: Line) -> Callable[[Array], Sample]:
        def evaluate(x: Array) -> Sample:
            image = self.map(x)
            log_start = self.start_law.log_density(x)
            value = image.value(self.map.atoms)
            slope = np.maximum(image.slope, 1e-300)
            if not line.variance:
                return Sample(value, slope, log_start, np.zeros_like(x))
            log_reference = self._log_reference(line, image.near, image.away) + np.log(slope)
            return Sample(value, slope, log_start - log_reference, log_reference)

        return evaluate

    def _log_reference(self, line: Line, near: npt.NDArray[np.intp], away: Array) -> Array:
        """The reference's log density at points relative to their nearest atoms."""
        offsets = line.atoms - self.map.atoms
        gaps = self.map.differences[:, near] + offsets[:, None] - away
        exponents = line.log_weights[:, None] - gaps * gaps / (2 * line.variance)
        top = exponents.max(axis=0)
        total = np.log(np.exp(exponents - top).sum(axis=0))
        return np.asarray(top + total - math.log(2 * math.pi * line.variance) / 2)

    # Folds

    def _with_atoms(self, cuts: list[float], line: Line) -> list[float]:
        """The cuts with the reference's atoms and what lies between them, within the map's range."""
        width = line.width
        marks = [float(a + k * width) for a in line.atoms for k in ((-8, -3, 0, 3, 8) if width else (0,))]
        return sorted({*cuts, *(y for y in marks if cuts[0] < y < cuts[-1])})

    def _preimages(self, y: Array, branch: _Branch) -> Array:
        """The starts in a monotone branch that go to y."""
        low, high = np.full(len(y), branch.low), np.full(len(y), branch.high)
        x = (low + high) / 2
        active = np.arange(len(y))
        for _ in range(120):
            at = x[active]
            image = self.map(at)
            miss = image.value(self.map.atoms) - y[active]
            above = (miss > 0) == branch.rising
            low[active], high[active] = np.where(above, low[active], at), np.where(above, at, high[active])
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                moved = at - miss / image.slope
            inside = (moved > low[active]) & (moved < high[active])
            moved = np.where(inside | (miss == 0), moved, (low[active] + high[active]) / 2)
            x[active] = moved
            still = (np.abs(moved - at) > 4e-16 * np.maximum(np.abs(at), 1e-3)) & (miss != 0)
            active = active[still]
            if not len(active):
                break
        return np.asarray(x)

    def _near_fold(self, rise: Array, branch: _Branch, fold: float, side: float) -> Array:
        """The starts beside a fold at which the map has moved by `rise` from its value there.

        The rise is the integral of the slope, so that it does not cancel; `side` is the direction.
        """
        step = 1e-3 * min(branch.high - branch.low, 1.0) * side
        bend = float(np.abs(self.map(np.array([fold + step])).slope[0] / step))
        away = np.sqrt(2 * rise / max(bend, 1e-300))
        for _ in range(12):
            at = fold + side * away[:, None] * _NODES
            slopes = np.abs(self.map(at.ravel()).slope).reshape(at.shape)
            change = (away * (slopes @ _WEIGHTS) - rise) / np.abs(self.map(fold + side * away).slope)
            following = np.maximum(away - change, away / 8)
            done = np.abs(following - away) <= 1e-12 * away
            away = following
            if done.all():
                break
        return np.asarray(fold + side * away)

    def _folded(self, line: Line, cuts: Array) -> Callable[[Array], Sample]:
        def evaluate(theta: Array) -> Sample:
            part = np.clip(theta.astype(np.int64), 0, len(cuts) - 2)
            inner = theta - part
            length = cuts[part + 1] - cuts[part]
            sine, cosine = np.sin(np.pi / 2 * inner), np.cos(np.pi / 2 * inner)
            y = np.where(inner < 0.5, cuts[part] + length * sine**2, cuts[part + 1] - length * cosine**2)
            slope = np.maximum(length * np.pi * sine * cosine, 1e-300)
            rise = np.where(inner < 0.5, length * sine**2, length * cosine**2)
            density = self._sum_over_preimages(y, cuts[part], cuts[part + 1], rise, inner < 0.5)
            log_density = np.log(np.maximum(density, 1e-300)) + np.log(slope)
            if not line.variance:
                return Sample(y, slope, log_density, np.zeros_like(y))
            log_reference = line.log_density(y) + np.log(slope)
            return Sample(y, slope, log_density - log_reference, log_reference)

        return evaluate

    def _sum_over_preimages(
        self, y: Array, low: Array, high: Array, rise: Array, from_low: npt.NDArray[np.bool_]
    ) -> Array:
        """The density of R at y, from the branches that cover the interval between two cuts.

        `rise` is the distance from the lower or upper cut.
        """
        total = np.zeros_like(y)
        size = max(abs(self._branches[0].least), abs(self._branches[-1].most))
        close = rise < _CLOSE * size
        for branch in self._branches:
            inside = (low >= branch.least) & (high <= branch.most)
            bottom = inside & close & from_low & (low == branch.least)
            top = inside & close & ~from_low & (high == branch.most)
            for chosen, at_low in ((bottom, branch.rising), (top, not branch.rising)):
                fold, side = (branch.low, 1.0) if at_low else (branch.high, -1.0)
                if chosen.any() and fold in self.folds:
                    self._add(total, chosen, self._near_fold(rise[chosen], branch, fold, side))
                    inside = inside & ~chosen
            if inside.any():
                self._add(total, inside, self._preimages(y[inside], branch))
        return total

    def _add(self, total: Array, chosen: npt.NDArray[np.bool_], x: Array) -> None:
        slope = np.maximum(np.abs(self.map(x).slope), 1e-300)
        total[chosen] += np.exp(self.start_law.log_density(x)) / slope

    def _line_density(self, x: Array) -> Array:
        scale = float(self._chain.scale)
        y = x / scale
        result = np.zeros_like(y)
        for branch in self._branches:
            inside = (y >= branch.least) & (y <= branch.most)
            if inside.any():
                at = self._preimages(y[inside], branch)
                slope = np.maximum(np.abs(self.map(at).slope), 1e-300)
                result[inside] += np.exp(self.start_law.log_density(at)) / slope / scale
        return result

    def _line_cdf(self, x: Array) -> Array:
        y = x / float(self._chain.scale)
        result = np.zeros_like(y)
        for branch in self._branches:
            at = self._preimages(np.clip(y, branch.least, branch.most), branch)
            at = np.where(y >= branch.most, branch.high if branch.rising else branch.low, at)
            at = np.where(y <= branch.least, branch.low if branch.rising else branch.high, at)
            below, _ = self.start_law.tails(at)
            ends, _ = self.start_law.tails(np.array([branch.low, branch.high]))
            result += below - ends[0] if branch.rising else ends[1] - below
        return np.clip(result, 0.0, 1.0)
