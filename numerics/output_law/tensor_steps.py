"""The output law of a sampler in the plane and in space, step by step on tensor grids.

What belongs here: the windows, and one step of the law, R' = m(R) + sqrt(noise) N with m the gradient of
a convex function. The state is the density on the nodes of a box, as a logarithm. A step is made

 - where the noise is wide enough for the grid, as a sum of Gaussians around the images of the nodes, which
   is the trapezoidal rule for the integral over R: spectrally accurate, and positive term by term;
 - else as a push-forward, by Newton's iteration for m(x) = u at every node u, and a convolution with a
   narrow Gaussian by its exact moments on the local polynomials. However short the step, nothing is lost.

Between nodes p is interpolated, not p/p_true, which has poles near the boundaries between atoms. Where
clusters of atoms have separated the state falls into boxes of their own, each around an exact centre.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property

import numpy as np
import numpy.typing as npt

from numerics.output_law.chain import Chain, Step
from numerics.output_law.tensor_grids import (
    Field,
    convolve,
    gaussian_sum,
    split,
    stencil,
)
from numerics.output_law.tensor_mixture import Cloud, Place, determinant, solve
from numerics.truth import PrecisionError

__all__ = ["MOST_NODES", "Begin", "Settings", "Window", "run", "settings_of"]

Array = npt.NDArray[np.float64]

MOST_NODES = {2: 1 << 20, 3: 1 << 22}
"""The limit of a grid: boxes of about 120 by 120 deviations in the plane, 25 cubed in space."""

_LARGE = {2: 1 << 16, 3: 1 << 19}
_DROPPED = {2: (1e-9, 3e-8), 3: (1e-7, 1e-6)}
"""In boxes of so many nodes, and four times as many, this mass may be left out in a step: between distant
atoms. It is missing from the total mass, and so part of every error estimate."""

_LEAST = 1e-304
_ALIAS = {2: 3e-9, 3: 1e-6}
_KEPT = 0.93
_GAP = 3.0
_EASY = 12
_NARROW = 1.5
_SHARE = 0.1
_RESOLVED = 1.3


@dataclass(frozen=True)
class Settings:
    """Nodes per width of the law, points of the interpolation, log density at which boxes end, block."""

    nodes: float
    points: int
    floor: float
    block: int


def settings_of(rank: int, fine: bool) -> Settings:
    """The settings of the finer or the coarser of the two runs."""
    if rank == 2:
        return Settings(6.5 if fine else 5.0, 12, -40.0, 16)
    return Settings(3.7 if fine else 3.1, 8, -26.0, 8)


@dataclass(frozen=True)
class Window:
    """log p on centre + start + index spacing; the centre is exact, `width` the least deviation in p."""

    centre: Place
    start: Array
    spacing: float
    log: Array
    width: float

    @property
    def rank(self) -> int:
        """The dimension of the grid."""
        return self.log.ndim

    @property
    def end(self) -> Array:
        """The last node, relative to the centre."""
        return np.asarray(self.start + self.spacing * (np.array(self.log.shape) - 1))

    @cached_property
    def points(self) -> Array:
        """The nodes relative to the centre, shape (n1, ..., nr, r)."""
        return grid_points(self.start, self.spacing, self.log.shape)

    @cached_property
    def field(self) -> Field:
        """p, to be interpolated."""
        return Field.of(self.log, self.start, self.spacing, self.width)

    def log_density(self, x: Array, cloud: Cloud, points: int) -> Array:
        """log p at points of shape (n, r) relative to the centre.

        Beyond the box p is a constant multiple of the true law of the atoms within; the others belong to
        other windows.
        """
        inside = np.clip(x, self.start, self.end)
        result = np.log(np.maximum(self.field.at_points(inside, points), _LEAST))
        beyond = np.flatnonzero((inside != x).any(axis=1))
        if len(beyond):
            own = _within(cloud, self)
            if own is None:
                own = Cloud(np.zeros(1), (self.start + self.end)[None, :] / 2, cloud.variance)
            result[beyond] += own.log_density(x[beyond]) - own.log_density(inside[beyond])
        return result

    def box_log_density(self, low: Array, size: Array, nodes: Array, points: int) -> Array:
        """log p at the tensor nodes of boxes within that of the grid, shape (p, q, ..., q)."""
        return np.asarray(np.log(np.maximum(self.field.in_boxes(low, size, nodes, points), _LEAST)))


Begin = tuple[Place, Array]
"""The law after a first step without signal: a Gaussian, its exact mean and its covariance."""


def grid_points(start: Array, spacing: float, shape: tuple[int, ...]) -> Array:
    """The nodes of a tensor grid, shape (n1, ..., nr, r)."""
    axes = [a + spacing * np.arange(n, dtype=float) for a, n in zip(start, shape, strict=True)]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)


def _cloud(chain: Chain, t: float, centre: Place) -> Cloud:
    return Cloud.of(chain.weights, chain.places, 1 / t, centre)


def _shape(low: Array, high: Array, spacing: float) -> tuple[int, ...]:
    counts = (high - low) / spacing + 1
    rank = len(low)
    if not float(np.prod(counts)) < MOST_NODES[rank]:
        raise PrecisionError(
            f"output_law: a grid of {float(np.prod(counts)):.3g} nodes is needed (limit {MOST_NODES[rank]}"
            f" in {rank} dimensions): the atoms are too far apart for the width of the law"
        )
    return tuple(math.ceil(x) for x in counts)


def _middle(chain: Chain) -> Place:
    """The atom nearest to the middle of all of them."""
    places = np.array([[float(x) for x in place] for place in chain.places])
    middle = (places.min(axis=0) + places.max(axis=0)) / 2
    return chain.places[int(((places - middle) ** 2).sum(axis=1).argmin())]


def _gaussian(begin: Begin, centre: Place, x: Array) -> Array:
    mean = np.array([float(a - c) for a, c in zip(begin[0], centre, strict=True)])
    inverse, (_, log_det) = np.linalg.inv(begin[1]), np.linalg.slogdet(begin[1])
    away = x - mean
    square = np.einsum("...i,ij,...j->...", away, inverse, away)
    return np.asarray(-(square + log_det + len(mean) * math.log(2 * math.pi)) / 2)


def _first(chain: Chain, settings: Settings, begin: Begin | None) -> list[Window]:
    """The law of R at the first level with signal."""
    t = chain.steps[0].t if begin is None else chain.steps[0].t_next
    centre = _middle(chain)
    cloud = _cloud(chain, t, centre)
    rank = cloud.dimension
    if begin is None and chain.start == "normal":
        begin = (Fraction(0),) * rank, chain.start_variance * np.eye(rank)
    radius = math.sqrt(-2 * settings.floor)
    width = cloud.width
    low, high = cloud.atoms.min(axis=0) - radius * width, cloud.atoms.max(axis=0) + radius * width
    if begin is not None:
        mean = np.array([float(a - c) for a, c in zip(begin[0], centre, strict=True)])
        reach = radius * np.sqrt(np.diag(begin[1]))
        low, high = np.minimum(low, mean - reach), np.maximum(high, mean + reach)
        width = math.sqrt(float(np.linalg.eigvalsh(begin[1])[0]))
    spacing = min(width, cloud.width) / settings.nodes
    shape = _shape(low, high, spacing)
    points = grid_points(low, spacing, shape)
    if begin is None:
        log = cloud.log_density(points.reshape(-1, rank)).reshape(shape)
    else:
        log = _gaussian(begin, centre, points)
    return _trimmed(Window(centre, low, spacing, log, width), chain, cloud, cloud, settings)


def _trimmed(
    window: Window, chain: Chain, cloud: Cloud, inside: Cloud | None, settings: Settings
) -> list[Window]:
    """The window without what is empty, in boxes where gaps are empty, each around an atom of its own.

    `inside` is the true law without the atoms of other windows.
    """
    rank, shape = window.rank, window.log.shape
    filled = window.log + rank * math.log(window.width) > max(settings.floor, _negligible(window))
    if inside is not None:
        log_true = inside.log_density(window.points.reshape(-1, rank)).reshape(shape)
        filled |= log_true + rank * math.log(cloud.width) > settings.floor
    boxes = split(filled, math.ceil(_GAP * max(cloud.width, window.width) / window.spacing))
    result = []
    for box in boxes:
        wide = [(max(a - 1, 0), min(b + 1, n)) for (a, b), n in zip(box, shape, strict=True)]
        first = np.array([a for a, _ in wide])
        last = np.array([b - 1 for _, b in wide])
        centre, start = window.centre, window.start + window.spacing * first
        if len(boxes) > 1:
            middle = window.start + window.spacing * (first + last) / 2
            nearest = int(((cloud.atoms - middle) ** 2).sum(axis=1).argmin())
            centre, start = chain.places[nearest], start - cloud.atoms[nearest]
        log = window.log[tuple(slice(a, b) for a, b in wide)]
        made = Window(centre, start, window.spacing, np.ascontiguousarray(log), window.width)
        mass = float(np.exp(log).sum()) * window.spacing**rank
        low, high = (window.start + window.spacing * edge for edge in (first, last))
        if (
            mass > _DROPPED[rank][0] / 10
            or ((cloud.atoms >= low) & (cloud.atoms <= high)).all(axis=1).any()
        ):
            result.append(made)
    return result


def _negligible(window: Window) -> float:
    """In large boxes the log density, in units of the width, below which the mass may be left out."""
    rank = window.rank
    if window.log.size < _LARGE[rank]:
        return -math.inf
    order = np.sort(window.log, axis=None)
    mass = np.cumsum(np.exp(order)) * window.spacing**rank
    count = int(np.searchsorted(mass, _DROPPED[rank][window.log.size >= 4 * _LARGE[rank]]))
    return float(order[max(count - 1, 0)]) + rank * math.log(window.width)


def _within(cloud: Cloud, window: Window) -> Cloud | None:
    chosen = ((cloud.atoms >= window.start) & (cloud.atoms <= window.end)).all(axis=1)
    if not chosen.any():
        return None
    return Cloud(cloud.log_weights[chosen], cloud.atoms[chosen], cloud.variance)


@dataclass(frozen=True)
class Map:
    """x -> x + pull (E[A | x] - x) + shift, with its Jacobian."""

    cloud: Cloud
    step: Step
    shift: Array
    warmth: float = 1.0
    """Divides the exponents of the posterior: a map with wider transitions, to start from."""

    def __call__(self, x: Array) -> tuple[Array, Array]:
        """Images of shape (n, r) and Jacobians of shape (n, r, r)."""
        mean, covariance = self.cloud.posterior(x, self.warmth)
        jacobian = covariance * (self.step.pull * self.step.t / self.warmth)
        index = np.arange(x.shape[1])
        jacobian[:, index, index] += 1 - self.step.pull
        return (1 - self.step.pull) * x + (self.step.pull * mean + self.shift), jacobian

    def inverse(self, u: Array, tolerance: float) -> tuple[Array, Array]:
        """The points that are sent to u, and the determinants there.

        The map is the gradient of a convex function, so that the size of what is missed falls along every
        Newton direction. Where many steps of that are needed, as between distant atoms, warmer maps come
        first.
        """
        x, found, open_ = self._newton(u, u, tolerance, _EASY)
        warmth = 4.0 ** math.ceil(math.log(max(self._steepness(), 4.0), 4.0))
        if len(open_):
            guess = u[open_]
            while warmth > 1:
                warmer = replace(self, warmth=warmth)
                guess, _, _ = warmer._newton(guess, u[open_], 1e4 * tolerance, 60)
                warmth /= 4
            x[open_], found[open_], left = self._newton(guess, u[open_], tolerance, 400)
            if len(left):
                raise PrecisionError("output_law: the map of a step could not be inverted")
        return x, found

    def _steepness(self) -> float:
        """The largest slope that the map can have."""
        spread = float(((self.cloud.atoms.max(axis=0) - self.cloud.atoms.min(axis=0)) ** 2).sum())
        return 1 + spread * self.step.t / 4

    def _newton(
        self, guess: Array, u: Array, tolerance: float, most: int
    ) -> tuple[Array, Array, npt.NDArray[np.intp]]:
        """Points, determinants, and the indices of what has not converged."""
        best, least = guess.copy(), np.full(len(u), np.inf)
        direction, length = np.zeros_like(u), np.ones(len(u))
        found = np.ones(len(u))
        active, trial = np.arange(len(u)), guess.copy()
        for _ in range(most):
            images, jacobian = self(trial)
            miss = images - u[active]
            size = np.sqrt((miss * miss).sum(axis=1))
            better = size < least[active]
            good = active[better]
            best[good], least[good], length[good] = trial[better], size[better], 1.0
            found[good] = determinant(jacobian[better])
            direction[good] = solve(jacobian[better], miss[better])
            length[active[~better]] /= 2
            small = (direction[active] ** 2).sum(axis=1) <= tolerance * tolerance
            closed = active[small]
            best[closed] -= direction[closed]
            active = active[~small]
            if not len(active):
                break
            trial = best[active] - length[active, None] * direction[active]
        return best, found, active


def _map(chain: Chain, index: int, cloud: Cloud) -> Map:
    step = chain.steps[index]
    drift = np.array(chain.drift) if chain.drift else np.zeros(cloud.dimension)
    return Map(cloud, step, step.lever * drift)


def _reached(images: Array, height: Array, deviation: float, floor: float) -> tuple[Array, Array]:
    """The box in which Gaussians around the images exceed the floor."""
    known = height > floor
    reach = deviation * np.sqrt(2 * (height[known] - floor))
    places = images[known]
    return (places - reach[:, None]).min(axis=0), (places + reach[:, None]).max(axis=0)


def _step(
    window: Window, chain: Chain, index: int, widths: tuple[float, float], settings: Settings
) -> list[Window]:
    """The windows of the next level that come from this one."""
    step, rank = chain.steps[index], window.rank
    cloud, following = (_cloud(chain, t, window.centre) for t in (step.t, step.t_next))
    rule = _map(chain, index, cloud)
    images, jacobian = rule(window.points.reshape(-1, rank))
    height = window.log.ravel() + rank * math.log(window.width)
    deviation = math.sqrt(step.noise)
    low, high = _reached(images, height, deviation, settings.floor)
    own = _within(cloud, window)
    if own is not None:
        margin = math.sqrt(-2 * settings.floor) * following.width
        low = np.minimum(low, own.atoms.min(axis=0) - margin)
        high = np.maximum(high, own.atoms.max(axis=0) + margin)
    wanted = min(widths[1], following.width) / settings.nodes
    mass = np.exp(window.log) * window.spacing**rank
    squares = (jacobian * jacobian).sum(axis=(1, 2)) - (rank - 1) * (1 - step.pull) ** 2
    stretch = window.spacing * np.sqrt(squares)
    with np.errstate(divide="ignore", under="ignore"):
        missed = float(mass.ravel() @ np.exp(-2 * (math.pi * deviation / stretch) ** 2))
    if missed < _ALIAS[rank] and deviation:
        spacing = wanted
        shape = _shape(low, high, spacing)
        density = gaussian_sum(
            images.reshape(*window.log.shape, rank), mass, step.noise, low, spacing, shape, settings.block
        )
    else:
        spacing, start = wanted, low
        if 0.75 * wanted <= window.spacing <= 1.001 * wanted:
            spacing = window.spacing
            start = window.start + spacing * np.floor((low - window.start) / spacing)
        else:
            spacing *= _KEPT
        low = start
        density = _pushed(window, rule, low, high, spacing, (1 - step.pull) * widths[0], settings)
    log = np.log(np.maximum(density, _LEAST))
    inside = None if own is None else Cloud(own.log_weights, own.atoms, following.variance)
    made = Window(window.centre, low, spacing, log, widths[1])
    return _trimmed(made, chain, following, inside, settings)


def _pushed(
    window: Window, rule: Map, low: Array, high: Array, spacing: float, narrowest: float, settings: Settings
) -> Array:
    """Push-forward to the nodes of a box, then convolution; on a finer grid if the image is narrow."""
    rank, factor = window.rank, 1
    if rule.step.noise > spacing**2:
        factor = max(1, math.ceil(_RESOLVED * spacing / narrowest))
    fine = spacing / factor
    ratio = rule.step.noise / fine**2
    weights = np.abs(stencil(ratio, settings.points))
    half = len(weights) // 2
    extra = min(int(np.flatnonzero(weights > 1e-18).max()) - half, math.ceil(9 * math.sqrt(ratio)) + 4)
    counts = [(n - 1) * factor + 1 + 2 * extra for n in _shape(low, high, spacing)]
    shape = _shape(np.zeros(rank), fine * (np.array(counts) - 1.5), fine)
    u = grid_points(low - extra * fine, fine, shape).reshape(-1, rank)
    x, det = rule.inverse(u, 1e-8 * window.spacing)
    density = (np.exp(window.log_density(x, rule.cloud, settings.points)) / det).reshape(shape)
    result = convolve(density, ratio, settings.points)
    if ratio < _NARROW:  # weights of both signs: far in the tails they may miss that p is positive
        np.maximum(result, _SHARE * density, out=result)
    return np.asarray(result[(slice(extra, -extra or None, factor),) * rank])


def run(chain: Chain, settings: Settings, begin: Begin | None = None) -> list[Window]:
    """The law of R at the last level, as windows.

    `begin` is the law after the first step where the first level has no signal. Raises PrecisionError
    where a grid would exceed `MOST_NODES`.
    """
    windows = _first(chain, settings, begin)
    width = windows[0].width
    for index in range(0 if begin is None else 1, len(chain.steps)):
        step = chain.steps[index]
        next_width = math.sqrt((1 - step.pull) ** 2 * width**2 + step.noise)
        windows = [
            made
            for window in windows
            for made in _step(window, chain, index, (width, next_width), settings)
        ]
        width = next_width
    return windows
