"""Functions on tensor grids: local interpolation, Gaussian sums, convolution, and the splitting of boxes.

What belongs here: numerical tools in two and three dimensions that know nothing of samplers. All
kernels factorise over the axes; sums of Gaussians are matrix products over blocks of nodes, all terms
positive, so that densities keep their relative accuracy in the tails.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

__all__ = ["Field", "along_axes", "basis", "convolve", "gaussian_sum", "split", "stencil"]

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Box = tuple[tuple[int, int], ...]

_CHUNK = 2048
_REACH = 9.0
_STEEP = 14.0
_BEYOND = 1.5
"""Within a cell a density is not this much above or below all corners: a guard in its far tails."""
_FINE_ENOUGH = {2: 1.05, 3: 0.8}
"""Deviation of a kernel, in spacings, with which sampled Gaussians are exact to 4e-10 and to 4e-6."""
_CUT = {2: 9.0, 3: 6.5}
_LEAST_MASS = {2: 0.0, 3: 1e-14}
"""Blocks of less mass are left out: nothing in the plane, where even far tails keep their accuracy."""


@lru_cache(maxsize=16)
def _differences(points: int) -> Array:
    nodes = np.arange(points, dtype=float)
    return np.array([1 / np.prod(np.delete(x - nodes, i)) for i, x in enumerate(nodes)])


def basis(position: Array, points: int) -> Array:
    """Lagrange's polynomials of the nodes 0, ..., points - 1 at positions of any shape (..., points)."""
    away = position[..., None] - np.arange(points)
    before, after = np.ones_like(away), np.ones_like(away)
    for j in range(1, points):
        before[..., j] = before[..., j - 1] * away[..., j - 1]
        after[..., points - 1 - j] = after[..., points - j] * away[..., points - j]
    return np.asarray(before * after * _differences(points))


@dataclass(frozen=True)
class Field:
    """A positive function on start + index * spacing, its logarithmic slopes and curvatures per axis.

    Around every point what is interpolated is the function divided by the Gaussian with the slope and the
    curvature there: in its tails a density changes too fast for polynomials.
    """

    values: Array
    start: Array
    spacing: float
    slopes: tuple[Array, ...]
    bends: tuple[Array, ...]

    @classmethod
    def of(cls, log: Array, start: Array, spacing: float, width: float) -> Field:
        """The field of a logarithm; slopes and curvatures by differences, as far as `width` allows."""
        slopes, bends = [], []
        steepest, most = _STEEP / width, 1.5 / width**2
        for axis in range(log.ndim):
            line = np.moveaxis(log, axis, 0)
            slope, bend = np.zeros_like(line), np.zeros_like(line)
            if len(line) > 2:
                slope[1:-1] = (line[2:] - line[:-2]) / (2 * spacing)
                bend[1:-1] = (2 * line[1:-1] - line[2:] - line[:-2]) / spacing**2
                for edge, inner in ((0, 1), (-1, -2)):
                    slope[edge], bend[edge] = slope[inner], bend[inner]
            slope, bend = np.clip(slope, -steepest, steepest), np.clip(bend, 0, most)
            slopes.append(np.ascontiguousarray(np.moveaxis(slope, 0, axis)))
            bends.append(np.ascontiguousarray(np.moveaxis(bend, 0, axis)))
        values = np.ascontiguousarray(np.exp(log))
        return cls(values, start, spacing, tuple(slopes), tuple(bends))

    @property
    def strides(self) -> list[int]:
        """How far apart neighbours along each axis are in the flat array."""
        shape = self.values.shape
        return [math.prod(shape[j + 1 :]) for j in range(len(shape))]

    def tilt(self, x: Array) -> tuple[list[Array], list[Array]]:
        """Slope and curvature at points of shape (n, r), one array per axis."""
        position = (x - self.start) / self.spacing
        flat, nearest = np.zeros(len(x), dtype=np.intp), []
        for j, (n, stride) in enumerate(zip(self.values.shape, self.strides, strict=True)):
            index = np.clip(np.rint(position[:, j]), 0, n - 1).astype(np.intp)
            nearest.append(index)
            flat += index * stride
        bends = [bend.ravel().take(flat) for bend in self.bends]
        slopes = [
            slope.ravel().take(flat) - bend * (position[:, j] - nearest[j]) * self.spacing
            for j, (slope, bend) in enumerate(zip(self.slopes, bends, strict=True))
        ]
        return slopes, bends

    def at_points(self, x: Array, points: int) -> Array:
        """The function at points of shape (n, r) within its box.

        From the two nearest nodes per axis where the points of a centred rule do not fit: rules that lean
        to one side magnify rounding, step after step.
        """
        position = np.floor((x - self.start) / self.spacing)
        room = np.array(self.values.shape) - 1 - points // 2
        near = ((position < points // 2 - 1) | (position > room)).any(axis=1)
        result = np.empty(len(x))
        result[~near], result[near] = self._at_points(x[~near], points), self._at_points(x[near], 2)
        return result

    def _at_points(self, x: Array, points: int) -> Array:
        shape, flat = self.values.shape, self.values.ravel()
        counts = [min(points, n) for n in shape]
        offsets = np.zeros(1, dtype=np.intp)
        for count, stride in zip(counts, self.strides, strict=True):
            offsets = (offsets[:, None] + stride * np.arange(count)).ravel()
        result = np.empty(len(x))
        for first in range(0, len(x), _CHUNK):
            part = x[first : first + _CHUNK]
            position, (slopes, bends) = (part - self.start) / self.spacing, self.tilt(part)
            base = np.zeros(len(part), dtype=np.intp)
            factors = []
            for j, (count, n) in enumerate(zip(counts, shape, strict=True)):
                left = np.clip(np.floor(position[:, j]).astype(np.intp) - (count // 2 - 1), 0, n - count)
                here = position[:, j] - left
                away = (np.arange(count) - here[:, None]) * self.spacing
                tilt = (bends[j][:, None] / 2 * away - slopes[j][:, None]) * away
                factors.append(basis(here, count) * np.exp(tilt))
                base += left * self.strides[j]
            near = flat.take(base[:, None] + offsets).reshape(len(part), *counts)
            for factor in reversed(factors):
                near = np.einsum("n...b,nb->n...", near, factor)
            corners = flat.take(self._cells(position)[:, None] + self._corners)
            near = np.clip(near, corners.min(axis=1) / _BEYOND, corners.max(axis=1) * _BEYOND)
            result[first : first + _CHUNK] = near
        return result

    @property
    def _corners(self) -> npt.NDArray[np.intp]:
        """The offsets of a cell's corners in the flat array."""
        offsets = np.zeros(1, dtype=np.intp)
        for n, stride in zip(self.values.shape, self.strides, strict=True):
            offsets = (offsets[:, None] + np.array([0, stride if n > 1 else 0])).ravel()
        return offsets

    def _cells(self, position: Array) -> npt.NDArray[np.intp]:
        """The flat indices of the cells' first corners."""
        result = np.zeros(len(position), dtype=np.intp)
        for j, (n, stride) in enumerate(zip(self.values.shape, self.strides, strict=True)):
            result += np.clip(np.floor(position[:, j]), 0, max(n - 2, 0)).astype(np.intp) * stride
        return result

    def in_boxes(self, low: Array, size: Array, nodes: Array, points: int) -> Array:
        """The function at the tensor nodes of boxes low + size * nodes; low has shape (p, r), size (r,).

        The result has shape (p, q, ..., q). The boxes lie within that of the grid.
        """
        r, count = low.shape[1], len(low)
        slopes, bends = self.tilt(low + size / 2)
        patches, factors = [], []
        index = np.zeros((count, 1), dtype=np.intp)
        for j in range(r):
            n, stride = self.values.shape[j], self.strides[j]
            position = (low[:, j : j + 1] + size[j] * nodes - self.start[j]) / self.spacing
            order = min(points, n)
            left = np.clip(np.floor(position).astype(np.intp) - (order // 2 - 1), 0, n - order)
            origin = left.min(axis=1)
            length = int((left.max(axis=1) - origin).max()) + order
            origin = np.minimum(origin, n - length)
            away = (np.arange(order) - (position - left)[..., None]) * self.spacing
            bend = bends[j][:, None]
            slope = slopes[j][:, None] - bend * size[j] * (nodes - 0.5)
            tilt = (bend[..., None] / 2 * away - slope[..., None]) * away
            weights = basis(position - left, order) * np.exp(tilt)
            matrix = np.zeros((count, len(nodes), length))
            columns = (left - origin[:, None])[..., None] + np.arange(order)
            np.put_along_axis(matrix, columns, weights, axis=2)
            factors.append(matrix)
            patches.append(length)
            own = (origin[:, None] + np.arange(length)) * stride
            index = (index[:, :, None] + own[:, None, :]).reshape(count, -1)
        result = self.values.ravel().take(index).reshape(count, *patches)
        for j in range(r):  # the contracted axis goes last, r times: the order of the axes is restored
            result = np.matmul(
                np.moveaxis(result, 1, -1).reshape(count, -1, patches[j]), factors[j].transpose(0, 2, 1)
            ).reshape(count, *patches[j + 1 :], *[len(nodes)] * (j + 1))
        return np.asarray(result)


def along_axes(values: Array, matrices: Sequence[Array]) -> Array:
    """A tensor with a matrix applied along each axis."""
    for matrix in matrices:
        values = np.moveaxis(np.tensordot(matrix, values, axes=(1, 0)), 0, -1)
    return values


# Convolution with a Gaussian


@lru_cache(maxsize=256)
def stencil(ratio: float, points: int) -> Array:
    """Weights W[l], l = -reach ... reach, of the convolution with N(0, ratio spacing^2).

    The convolution of the local interpolation polynomials with the Gaussian, exact for it, however narrow.
    """
    if ratio <= 0:
        return np.ones(1)
    half, deviation = points // 2, math.sqrt(ratio)
    cells = math.ceil(_REACH * deviation) + 1
    reach = cells + half
    weights = np.zeros(2 * reach + 1)
    nodes, shares = np.polynomial.legendre.leggauss(40)
    pieces = max(1, math.ceil(1 / (6 * deviation)))
    for cell in range(-cells, cells):
        cuts = np.linspace(cell, cell + 1, min(pieces, 64) + 1)
        if pieces > 64:  # all of the mass is within a few deviations of 0, an end of the cell
            near = deviation * np.linspace(0, 10, 11)
            cuts = near if cell == 0 else -near[::-1] if cell == -1 else np.array([])
        for a, b in itertools.pairwise(cuts):
            x = (a + b) / 2 + (b - a) / 2 * nodes
            mass = shares * (b - a) / 2 * np.exp(-x * x / (2 * ratio)) / math.sqrt(2 * math.pi * ratio)
            left = cell - (half - 1)
            weights[left + reach : left + reach + points] += mass @ basis(x - left, points)
    return weights


def convolve(values: Array, ratio: float, points: int) -> Array:
    """The convolution with N(0, ratio spacing^2), the same weights on every axis; zero beyond the ends."""
    weights = stencil(ratio, points)
    reach = len(weights) // 2
    for axis in range(values.ndim):
        moved = np.moveaxis(values, axis, 0)
        n = len(moved)
        if ratio > 0.2:
            offset = np.arange(n)[:, None] - np.arange(n)
            near = np.abs(offset) <= reach
            matrix = np.where(near, weights[np.clip(offset, -reach, reach) + reach], 0.0)
            result = np.tensordot(matrix, moved, axes=(1, 0))
        else:
            result = weights[reach] * moved
            for shift in range(1, min(reach, n - 1) + 1):
                result[:-shift] += weights[reach + shift] * moved[shift:]
                result[shift:] += weights[reach - shift] * moved[:-shift]
        values = np.moveaxis(result, 0, axis)
    return values


def gaussian_sum(
    images: Array,
    mass: Array,
    variance: float,
    start: Array,
    spacing: float,
    shape: tuple[int, ...],
    block: int,
) -> Array:
    """sum_j mass_j phi(y - image_j), phi of variance I variance, on a tensor grid.

    `images` has the shape (n1, ..., nr, r) of a grid, whose blocks have images near each other. Wide
    kernels are made in two stages: a narrow one, then a discrete convolution; the sum of the two is exact
    to e^{-2 pi^2 (deviation/spacing)^2}, the deviation that of the two kernels in parallel.
    """
    r = len(shape)
    least = (_FINE_ENOUGH[r] * spacing) ** 2
    first = variance
    if variance > 4.2 * least:
        first = (variance - math.sqrt(variance * variance - 4 * least * variance)) / 2
        rest = variance - first
        margin = math.ceil(_CUT[r] * math.sqrt(first) / spacing)
    else:
        rest, margin = 0.0, 0
    axes = [start[j] + spacing * np.arange(-margin, n + margin) for j, n in enumerate(shape)]
    total = np.zeros([len(axis) for axis in axes])
    reach = (_CUT[r] + 2.0) * math.sqrt(first)
    for corner in itertools.product(*(range(0, n, block) for n in mass.shape)):
        part = tuple(slice(c, c + block) for c in corner)
        own = mass[part].ravel()
        kept = own > 0
        if not own.sum() > _LEAST_MASS[r]:
            continue
        own, places = own[kept], images[part].reshape(-1, r)[kept]
        factors, where = [], []
        for j, axis in enumerate(axes):
            near = np.searchsorted(axis, [places[:, j].min() - reach, places[:, j].max() + reach])
            where.append(slice(int(near[0]), int(near[1])))
            away = axis[where[-1], None] - places[:, j]
            factors.append(np.exp(away * away * (-1 / (2 * first))))
        if min(len(f) for f in factors) == 0:
            continue
        factors[0] *= own
        if r == 2:
            total[where[0], where[1]] += factors[0] @ factors[1].T
        else:
            pairs = (factors[1][:, None, :] * factors[2][None, :, :]).reshape(-1, len(own))
            total[where[0], where[1], where[2]] += (factors[0] @ pairs.T).reshape(
                len(factors[0]), len(factors[1]), len(factors[2])
            )
    total *= (2 * math.pi * first) ** (-r / 2)
    if rest:
        matrices = []
        for axis in axes:
            inner = axis[margin : len(axis) - margin]
            away = inner[:, None] - axis
            matrices.append(
                np.exp(away * away * (-1 / (2 * rest))) * (spacing / math.sqrt(2 * math.pi * rest))
            )
        total = along_axes(total, matrices)
    return total


# Boxes


def split(filled: Mask, gap: int) -> list[Box]:
    """Disjoint boxes of indices that hold every marked node, cut wherever `gap` layers are empty."""
    boxes: list[Box] = []
    waiting: list[Box] = [tuple((0, n) for n in filled.shape)]
    while waiting:
        box = waiting.pop()
        part = filled[tuple(slice(a, b) for a, b in box)]
        if not part.any():
            continue
        tight, parts = [], None
        for j, (a, _) in enumerate(box):
            others = tuple(i for i in range(filled.ndim) if i != j)
            marked = np.flatnonzero(part.any(axis=others))
            tight.append((a + int(marked[0]), a + int(marked[-1]) + 1))
            breaks = np.flatnonzero(np.diff(marked) > gap)
            if len(breaks) and parts is None:
                ends = np.split(marked, breaks + 1)
                parts = j, [(a + int(e[0]), a + int(e[-1]) + 1) for e in ends]
        if parts is None and tuple(tight) == box:
            boxes.append(box)
        elif parts is None:
            waiting.append(tuple(tight))
        else:
            axis, ranges = parts
            waiting += [(*box[:axis], own, *box[axis + 1 :]) for own in ranges]
    return sorted(boxes)
