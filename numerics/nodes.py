"""Where M'' = E[2 k2^3 - k3^2] comes from: the choice of nodes, and M'' in machine numbers.

What belongs here: machine numbers; no proof rests on them. The enclosure at the nodes chosen here,
and the notation, are in `curvature`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt

from numerics.cores import log_of
from numerics.line import Law
from numerics.quadrature import Spacing, spacing
from numerics.truth import PrecisionError

__all__ = ["MOST_TERMS", "Cell", "Nodes", "choose", "ratios"]

MOST_TERMS = 4_000_000
"""The stated cost of one answer in exponentials; PrecisionError beyond it."""

_BATCH = 1 << 18
_FAR = 0.01

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Cell:
    """The interval of x, its ends maybe infinite, in which an atom is the most likely one.

    The atoms outside `near` have in all about a hundredth of its probability there.
    """

    atom: int
    start: float
    end: float
    near: frozenset[int]


@dataclass(frozen=True)
class Nodes:
    """All nodes x = k h as runs, each in the cell of one atom: (atom, first k, last k).

    `width` is the largest extent of the near atoms of a cell, e^(-gamma t) about the size of M''.
    """

    h: Spacing
    kept: list[tuple[int, int, int]]
    omitted: list[tuple[int, int | None, int | None]]
    gamma: float
    cells: list[Cell]
    width: float


@dataclass(frozen=True)
class _Floats:
    """A law in machine numbers."""

    atoms: Array
    log_weights: Array

    @cached_property
    def pairs(self) -> tuple[Array, Array]:
        """By (i, l): the centre 2 b_l - b_i, and log of w_l^2 (b_l - b_i)^4 / w_i."""
        gaps = self.atoms - self.atoms[:, None]
        with np.errstate(divide="ignore"):
            sizes = 2 * self.log_weights - self.log_weights[:, None]
            return self.atoms + gaps, sizes + 4 * np.log(np.abs(gaps))

    def hull(self, t: float) -> list[tuple[int, float, float]]:
        """The atoms that are the most likely one somewhere, each with the ends of its cell."""
        lines = self.log_weights / t - self.atoms**2 / 2
        hull: list[tuple[int, float]] = []
        for j in range(len(self.atoms)):
            edge = -math.inf
            while hull:
                i, start = hull[-1]
                edge = float((lines[i] - lines[j]) / (self.atoms[j] - self.atoms[i]))
                if edge > start:
                    break
                hull.pop()
                edge = -math.inf
            hull.append((j, edge))
        ends = [edge for _, edge in hull[1:]] + [math.inf]
        return [(i, start, end) for (i, start), end in zip(hull, ends, strict=True)]

    def cells(self, t: float) -> tuple[list[Cell], float]:
        """The cells, and the largest extent of the near atoms of one of them."""
        cells, width = [], 0.0
        for i, start, end in self.hull(t):
            most = np.full(len(self.atoms), -math.inf)
            for edge in (start, end):
                if math.isfinite(edge):
                    tilt = t * (self.atoms - self.atoms[i]) * (edge - (self.atoms + self.atoms[i]) / 2)
                    most = np.maximum(most, tilt + self.log_weights - self.log_weights[i])
            near = np.flatnonzero(most > math.log(_FAR / len(self.atoms))).tolist()
            near = near or [i]
            width = max(width, float(self.atoms[near[-1]] - self.atoms[near[0]]))
            cells.append(Cell(i, start, end, frozenset((i, *near))))
        return cells, width


@lru_cache(maxsize=256)
def _floats(law: Law) -> _Floats:
    return _Floats(np.array([float(b) for b in law.atoms]), np.array([log_of(w) for w in law.weights]))


def choose(law: Law, t: float, top: float, accuracy: float) -> Nodes:
    """Nodes good to about e^-accuracy C at t, with a spacing good for all ratios up to `top`.

    Kept are those where the bound of `curvature` 5. exceeds e^-cut times its maximum. Raises
    PrecisionError where that takes more than `MOST_TERMS` exponentials.
    """
    floats = _floats(law)
    cells, width = floats.cells(t)
    root = math.sqrt(top)
    mantissa, exponent = math.frexp(float(spacing(accuracy + 2, root * width, 5)) / root)
    grid = Spacing(int(mantissa * 64), exponent - 6)
    h = float(grid)
    cut = accuracy + math.log(30 * len(law.atoms))
    rows = [cell.atom for cell in cells]
    low = np.array([cell.start for cell in cells])[:, None]
    high = np.array([cell.end for cell in cells])[:, None]
    v, sizes = (table[rows] for table in floats.pairs)
    peaks = sizes + t * (v - floats.atoms) ** 2
    nearest = np.clip(v, low, high)
    heights = peaks - t * (nearest - v) ** 2 / 2
    row, column = np.unravel_index(int(heights.argmax()), heights.shape)
    gamma = (nearest - v)[row, column] ** 2 / 2 - (v[row, column] - floats.atoms[column]) ** 2
    room = 2 / t * (peaks - heights[row, column] + cut)
    half = np.sqrt(np.maximum(room, 0))
    left, right = np.maximum(v - half, low) / h, np.minimum(v + half, high) / h
    wanted = (room > 0) & (left <= right)
    if not (right - left)[wanted].max() <= MOST_TERMS:
        raise PrecisionError(f"convexity: at snr x diameter^2 = {t:.6g} too many nodes")
    result = Nodes(grid, [], [], float(gamma), cells, width)
    for r, cell in enumerate(cells):
        first = None if math.isinf(cell.start) else math.ceil(cell.start / h)
        stop = None if math.isinf(cell.end) else math.ceil(cell.end / h) - 1
        for a, b in sorted(zip(left[r, wanted[r]], right[r, wanted[r]], strict=True)):
            k = math.ceil(a) if first is None else max(math.ceil(a), first)
            m = math.floor(b) if stop is None else min(math.floor(b), stop)
            if k > m:
                continue
            if first is None or k > first:
                result.omitted.append((cell.atom, first, k - 1))
            result.kept.append((cell.atom, k, m))
            first = m + 1
        if first is None or stop is None or first <= stop:
            result.omitted.append((cell.atom, first, stop))
    return result


def ratios(law: Law, times: Array, accuracy: float) -> Array:
    """M''/C at each of the times, in machine numbers, to about e^-accuracy.

    Raises PrecisionError where a time takes more than `MOST_TERMS` exponentials.
    """
    result: list[Array] = []
    part: list[tuple[float, Array]] = []
    waiting = 0
    for t in times.tolist():
        nodes = choose(law, t, t, accuracy)
        if sum(m - k + 1 for _, k, m in nodes.kept) * len(law.atoms) > MOST_TERMS:
            raise PrecisionError(f"convexity: at snr x diameter^2 = {t:.6g} too many nodes")
        runs = [np.arange(k, m + 1) for _, k, m in nodes.kept]
        part.append((t, np.asarray(float(nodes.h) * np.concatenate(runs))))
        waiting += len(part[-1][1]) * len(law.atoms)
        if waiting > _BATCH:
            result.append(_batch(_floats(law), part))
            part, waiting = [], 0
    if part:
        result.append(_batch(_floats(law), part))
    return np.concatenate(result)


def _batch(floats: _Floats, part: list[tuple[float, Array]]) -> Array:
    """M''/C for some times, each with its nodes x, in arrays of shape (nodes of all times, atoms)."""
    counts = [len(nodes) for _, nodes in part]
    starts = np.cumsum([0, *counts[:-1]])
    t = np.repeat([t for t, _ in part], counts)[:, None]
    x = np.concatenate([nodes for _, nodes in part])[:, None]
    exponents = floats.log_weights - t / 2 * (x - floats.atoms) ** 2
    top = exponents.max(axis=1)
    largest = np.repeat(np.maximum.reduceat(top, starts), counts)
    joint = np.exp(exponents - top[:, None])
    total = joint.sum(axis=1)
    joint /= total[:, None]
    centred = floats.atoms - (joint @ floats.atoms)[:, None]
    joint *= centred * centred
    k2, k3 = joint.sum(axis=1), (joint * centred).sum(axis=1)
    density = total * np.exp(top - largest)
    square = density * k2 * k2
    second = 2 * square * k2 - density * k3 * k3
    return np.asarray(np.add.reduceat(second, starts) / np.add.reduceat(square, starts))
