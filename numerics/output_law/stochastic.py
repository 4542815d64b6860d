"""The output law of a stochastic sampler on a line, step by step on uniform grids.

What belongs here: one step of the law. A step is a push-forward by an increasing map (a mixture of such
maps for the higher-order samplers) and a convolution with a Gaussian. The state is the logarithm of the
ratio r = log(p/p_true) to the true law of the level, which is known in closed form: small for a good
sampler, smooth, and free of the tails. Every operation acts on positive functions, so relative errors add
up over the steps and are never magnified. Where clusters of atoms have separated the state falls into
windows of its own, each around a centre that is kept exactly: however large the snr, nothing is lost.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from numerics.output_law.branches import Branch, branches_of
from numerics.output_law.chain import Chain, Step
from numerics.output_law.grids import REACH, gaussian_stencil, interpolate, refinement
from numerics.output_law.mixture import Line
from numerics.samplers import MomentMatched
from numerics.truth import PrecisionError

__all__ = ["MOST_NODES", "Window", "run"]

Array = npt.NDArray[np.float64]

MOST_NODES = 1 << 19
"""The limit of a grid: about 6,000 widths of the law between the atoms of one window."""

_FLOOR = -60.0
"""Log of the density, in units of its width, below which a window ends."""

_SMALLEST = 1e-250
_MOST_FACTOR = 16
_CHEAP = 1 << 15
_BLOCK = 1 << 18
_CONVOLVED = 1 << 27
"""Products in one call of a convolution, about a tenth of a second."""

_MOST_PAIRS = 1 << 25
_NODES_PER_WIDTH = 9.0
_NODES_PER_STRIP = 13.0
_MOST_SPREAD = 60.0
_CALM_SPREAD = 20.0
_CALM = 1e-13
_GAP = 6.0


@dataclass(frozen=True)
class Window:
    """r = log(p/p_true) on centre + start + i spacing; the centre is exact, in units of the atoms."""

    centre: Fraction
    start: float
    spacing: float
    ratio: Array

    @property
    def grid(self) -> Array:
        """The grid relative to the centre."""
        return self.start + self.spacing * np.arange(len(self.ratio), dtype=float)

    @property
    def end(self) -> float:
        """The last grid point relative to the centre."""
        return self.start + self.spacing * (len(self.ratio) - 1)


def _line(chain: Chain, t: float, centre: Fraction) -> Line:
    return Line.of(chain.weights, chain.atoms, 1 / t, centre)


def _spacing(
    line: Line, low: float, high: float, width: float, resolution: float, most: float = _MOST_SPREAD
) -> float:
    """The spacing that resolves the level's law: its width, and its strip pi sigma^2/D."""
    inside = line.atoms[(line.atoms >= low) & (line.atoms <= high)]
    spread = float(np.ptp(inside)) / line.width if len(inside) else 0.0
    strip = math.pi * line.width / min(max(spread, 1e-9), most)
    coarsest = min(width / _NODES_PER_WIDTH, line.width / _NODES_PER_WIDTH, strip / _NODES_PER_STRIP)
    return coarsest / resolution


def _turbulence(window: Window, line: Line) -> float:
    """The most D/sigma that the spacing has to respect.

    Between two atoms the posterior turns within sigma^2/D. Where the law has less than 1e-13 of its mass
    there, the turn need not be resolved.
    """
    order = np.argsort(line.atoms)
    atoms, logs = line.atoms[order], line.log_weights[order]
    gaps = np.diff(atoms)
    middles = (atoms[1:] + atoms[:-1]) / 2 + line.variance * (logs[:-1] - logs[1:]) / gaps
    near = (middles[:, None] + line.width * np.array([-1.0, -0.5, 0.0, 0.5, 1.0])).ravel()
    near = near[(near >= window.start) & (near <= window.end)]
    if not len(near):
        return _CALM_SPREAD
    ratio, _ = interpolate(window.ratio, window.start, window.spacing, near)
    mass = float(np.exp(line.log_density(near) + ratio).max()) * line.width
    return _MOST_SPREAD if mass * line.width / float(np.ptp(atoms)) > _CALM else _CALM_SPREAD


def _count(length: float, spacing: float) -> int:
    count = length / spacing + 1
    if not count < MOST_NODES:
        raise PrecisionError(
            f"output_law: a grid of {count:.3g} nodes is needed (limit {MOST_NODES}): the law is too wide"
            " for its finest structure"
        )
    return math.ceil(count)


def _first(chain: Chain, resolution: float) -> tuple[list[Window], float]:
    """The law of R at the first level with signal, and the least width in it."""
    t = chain.steps[0].t
    sigma = 1 / math.sqrt(t)
    centre = chain.atoms[len(chain.atoms) // 2]
    line = _line(chain, t, centre)
    wide = sigma if chain.start == "exact" else max(sigma, math.sqrt(chain.start_variance))
    width = sigma if chain.start == "exact" else min(sigma, math.sqrt(chain.start_variance))
    origin = -float(centre)
    low, high = float(line.atoms.min()), float(line.atoms.max())
    if chain.start == "normal":
        low, high = min(low, origin), max(high, origin)
    low, high = low - REACH * wide, high + REACH * wide
    h = _spacing(line, low, high, width, resolution)
    count = _count(high - low, h)
    window = Window(centre, low, h, np.zeros(count))
    if chain.start == "normal":
        normal = Line(np.zeros(1), np.array([origin]), chain.start_variance)
        ratio = normal.log_density(window.grid) - line.log_density(window.grid)
        return _trimmed(Window(centre, low, h, ratio), chain, line, line), width
    return [window], width


def _trimmed(window: Window, chain: Chain, line: Line, inside: Line | None) -> list[Window]:
    """The window without what is empty, in parts where a gap is empty, each around an atom of its own.

    `inside` is the true law without the atoms of other windows.
    """
    grid = window.grid
    log_width = math.log(line.width)
    height = line.log_density(grid) + log_width + window.ratio
    if inside is not None:
        height = np.maximum(height, inside.log_density(grid) + log_width)
    filled = np.flatnonzero(height > _FLOOR)
    breaks = np.flatnonzero(np.diff(filled) > max(64, _GAP * line.width / window.spacing))
    parts = np.split(filled, breaks + 1)
    result = []
    for part in parts:
        if not len(part):
            continue
        first, last = max(int(part[0]) - 1, 0), min(int(part[-1]) + 1, len(grid) - 1)
        centre, start = window.centre, float(grid[first])
        if len(parts) > 1:
            nearest = int(np.abs(line.atoms - (grid[first] + grid[last]) / 2).argmin())
            centre, start = chain.atoms[nearest], float(grid[first] - line.atoms[nearest])
        result.append(Window(centre, start, window.spacing, window.ratio[first : last + 1]))
    return result


def _within(line: Line, low: float, high: float) -> Line | None:
    """The mixture of the atoms between two points; None if there are none."""
    chosen = (line.atoms >= low) & (line.atoms <= high)
    if not chosen.any():
        return None
    return Line(line.log_weights[chosen], line.atoms[chosen], line.variance)


def _inverse(branch: Branch, known: Array, u: Array) -> Array | None:
    """The points that an increasing map sends to u, or None if it is not increasing."""
    at, _ = branch(known)
    for _ in range(60):
        if not ((at.slope > 0).all() and (np.diff(at.value) > 0).all()):
            return None
        if at.value[0] <= u[0] and at.value[-1] >= u[-1]:
            break
        reach = known[-1] - known[0]
        known = np.concatenate([[known[0] - reach], known, [known[-1] + reach]])
        at, _ = branch(known)
    cell = np.clip(np.searchsorted(at.value, u) - 1, 0, len(known) - 2)
    left, right = known[cell], known[cell + 1]
    low, rise = at.value[cell], at.value[cell + 1] - at.value[cell]
    share = (u - low) / rise
    secant = rise / (right - left)
    first, second = secant / at.slope[cell], secant / at.slope[cell + 1]
    bend = share * (1 - share) * (first * (1 - share) - second * share + 2 * share - 1)
    x = np.clip(left + (right - left) * (share + bend), left, right)
    active = np.arange(len(x))
    for _ in range(60):
        at_x, goal = x[active], u[active]
        now, _ = branch(at_x)
        lower, upper = now.value <= goal, now.value >= goal
        left[active] = np.where(lower, at_x, left[active])
        right[active] = np.where(upper, at_x, right[active])
        change = (now.value - goal) / now.slope
        moved = at_x - change
        outside = (moved < left[active]) | (moved > right[active])
        x[active] = np.where(outside, (left[active] + right[active]) / 2, moved)
        active = active[np.abs(change) > 1e-7 * (known[1] - known[0])]
        if not len(active):
            break
    return x


def _step(
    window: Window, chain: Chain, index: int, widths: tuple[float, float], resolution: float
) -> list[Window]:
    """The windows of the next level that come from this one."""
    step = chain.steps[index]
    line = _line(chain, step.t, window.centre)
    following = _line(chain, step.t_next, window.centre)
    own = _within(line, window.start, window.end)
    deviation = math.sqrt(step.noise)
    margin = REACH * max(deviation, following.width)
    h_old = window.spacing
    extra = math.ceil(margin / h_old)
    if extra > 4 * len(window.ratio):
        extra = 4 * len(window.ratio)
    known = window.start + h_old * np.arange(-extra, len(window.ratio) + extra, dtype=float)
    table = (known[0], known[-1], h_old)
    branches = branches_of(chain, index, line, window.centre, *table, short=False)
    ends = np.array([window.start, window.end])
    reached = np.concatenate([branch(ends)[0].value for branch in branches])
    if own is not None:
        reached = np.concatenate([reached, own.atoms])
    low, high = float(reached.min()) - margin, float(reached.max()) + margin
    h = _spacing(following, low, high, widths[1], resolution, _turbulence(window, line))
    count = _count(high - low, h)
    inside = None if own is None else Line(own.log_weights, own.atoms, following.variance)
    onto = low + h * np.arange(count, dtype=float)
    finest = (1 - step.pull) * widths[0] / (_NODES_PER_WIDTH * resolution)
    if not finest:
        raise PrecisionError(
            f"output_law: step {index} takes the snr from {step.t:.3g} to {step.t_next:.3g},"
            " too far for machine numbers"
        )
    if isinstance(chain.sampler, MomentMatched) and chain.sampler.order == 2:
        density = _integrated(window, step, branches, onto, resolution)
        if density is None:
            branches = branches_of(chain, index, line, window.centre, *table, short=True)
            density = _pushed(window, step, branches, known, onto, (h, finest))
    else:
        density = _pushed(window, step, branches, known, onto, (h, finest))
        if density is None:
            density = _integrated(window, step, branches, onto, resolution)
    if density is None:
        raise PrecisionError(
            f"output_law: the map of step {index} is not increasing, and its noise too small to integrate"
        )
    ratio = _filled(density, following.log_density(onto))
    return _trimmed(Window(window.centre, low, h, ratio), chain, following, inside)


def _filled(density: Array, log_true: Array) -> Array:
    """log(density/true), continued as a parabola where the density underflows."""
    known = np.flatnonzero(density > _SMALLEST)
    ratio = np.log(density[known]) - log_true[known]
    if len(known) == len(density):
        return np.asarray(ratio)
    index = np.arange(len(density))
    result = np.interp(index, known, ratio)
    stride = max(1, min(32, (len(known) - 1) // 2))
    for edge, sign, beyond in ((0, 1, index < known[0]), (len(known) - 1, -1, index > known[-1])):
        if len(known) > 2 and beyond.any():
            at = edge + sign * stride * np.arange(3)
            away = (known[at] - known[edge]).astype(float)
            first, second = np.diff(ratio[at]) / np.diff(away)
            bend = min((second - first) / (away[2] - away[0]), 0.0)
            x = index[beyond] - known[edge]
            result[beyond] = ratio[edge] + x * (first + bend * (x - away[1]))
    return np.asarray(result)


def _pushed(
    window: Window,
    step: Step,
    branches: list[Branch],
    known: Array,
    onto: Array,
    spacings: tuple[float, float],
) -> Array | None:
    """Push-forward by each map, then convolution; None if a map is not increasing.

    `spacings` are that of `onto`, and what resolves the image of the narrowest component.
    """
    h, finest = spacings
    factor = max(refinement(step.noise, h), 1)
    if step.noise > h * h:
        factor = max(factor, math.ceil(h / finest - 1e-9))
    stencil = gaussian_stencil(step.noise, h / factor)
    reach = len(stencil) // 2
    many = (len(onto) - 1) * factor + 2 * reach + 1
    if many > MOST_NODES or (factor > _MOST_FACTOR and many > _CHEAP):
        return None
    u = onto[0] + h / factor * np.arange(-reach, many - reach, dtype=float)
    total = np.zeros(many)
    for branch in branches:
        x = _inverse(branch, known, u)
        if x is None:
            return None
        at, log_true = branch(x)
        ratio, _ = interpolate(window.ratio, window.start, window.spacing, x)
        total += np.exp(log_true + ratio + at.log_weight) / at.slope
    if factor <= 4:
        return _convolved(total, stencil)[::factor]
    rows = np.lib.stride_tricks.sliding_window_view(total, len(stencil))[::factor]
    block = max(1, _BLOCK // len(stencil))
    parts = [rows[first : first + block] @ stencil for first in range(0, len(rows), block)]
    return np.concatenate(parts)


def _convolved(values: Array, stencil: Array) -> Array:
    """The values' convolution where the stencil lies within them, in blocks: an interrupt gets through."""
    block = max(1, _CONVOLVED // len(stencil)) + len(stencil) - 1
    stride = block - len(stencil) + 1
    count = len(values) - len(stencil) + 1
    parts = [np.convolve(values[at : at + block], stencil, "valid") for at in range(0, count, stride)]
    return np.concatenate(parts)


def _integrated(
    window: Window, step: Step, branches: list[Branch], onto: Array, resolution: float
) -> Array | None:
    """The integral of the transition density; None if it takes too many nodes."""
    length = window.end - window.start
    finest = window.spacing
    for branch in branches:
        at, _ = branch(window.grid)
        deviation = np.sqrt(step.noise + at.extra)
        finest = min(
            finest, float((deviation / np.maximum(np.abs(at.slope), 1e-9)).min()) / (1.6 * resolution)
        )
    if not finest or length / finest * len(onto) * len(branches) > _MOST_PAIRS:
        return None
    x = np.linspace(window.start, window.end, math.ceil(length / finest) + 1)
    ratio, _ = interpolate(window.ratio, window.start, window.spacing, x)
    gap = length / (len(x) - 1)
    density = np.zeros(len(onto))
    for branch in branches:
        at, log_true = branch(x)
        variance = step.noise + np.broadcast_to(np.asarray(at.extra), x.shape)
        mass = np.exp(log_true + ratio + at.log_weight) * gap / np.sqrt(2 * math.pi * variance)
        for first in range(0, len(onto), 256):
            away = onto[first : first + 256, None] - at.value
            density[first : first + 256] += np.exp(-away * away / (2 * variance)) @ mass
    return density


def run(
    chain: Chain,
    resolution: float = 1.0,
    begin: list[tuple[float, Fraction, float]] | None = None,
) -> list[Window]:
    """The law of R at the last level, as windows in increasing order.

    `begin` is the law after the first step as (probability, mean, variance) where the first level has no
    signal. Raises PrecisionError where a grid would exceed `MOST_NODES`.
    """
    first = 0
    if begin is None:
        windows, width = _first(chain, resolution)
    else:
        windows, width = _begun(chain, begin, resolution)
        first = 1
    for index in range(first, len(chain.steps)):
        step = chain.steps[index]
        next_width = math.sqrt((1 - step.pull) ** 2 * width**2 + step.noise)
        windows = [
            made
            for window in windows
            for made in _step(window, chain, index, (width, next_width), resolution)
        ]
        width = next_width
    return windows


def _begun(
    chain: Chain, begin: list[tuple[float, Fraction, float]], resolution: float
) -> tuple[list[Window], float]:
    t = chain.steps[0].t_next
    centre = chain.atoms[len(chain.atoms) // 2]
    line = _line(chain, t, centre)
    means = np.array([float(mean - centre) for _, mean, _ in begin])
    widths = np.sqrt([variance for _, _, variance in begin])
    wide = max(float(widths.max()), line.width)
    width = min(float(widths.min()), line.width)
    low = min(float(means.min()), float(line.atoms.min())) - REACH * wide
    high = max(float(means.max()), float(line.atoms.max())) + REACH * wide
    h = _spacing(line, low, high, width, resolution)
    grid = low + h * np.arange(_count(high - low, h), dtype=float)
    exponents = np.array(
        [
            math.log(share) - ((grid - m) / s) ** 2 / 2 - math.log(s) - math.log(2 * math.pi) / 2
            for (share, _, _), m, s in zip(begin, means, widths, strict=True)
            if share > 0
        ]
    )
    top = exponents.max(axis=0)
    ratio = top + np.log(np.exp(exponents - top).sum(axis=0)) - line.log_density(grid)
    return _trimmed(Window(centre, low, h, ratio), chain, line, line), width
