"""The fast engine for orthogonal atoms: the formulas of `orthogonal` in machine numbers.

What belongs here: numpy code. Nothing here proves anything.

All signal-to-noise ratios of a group share tables of u^j e^{-u}: the inner sums are matrix products.
The functionals are smooth in rho on the scale 1: many values at once are interpolated from Chebyshev
nodes in panels of rho. All terms are positive, so that small values keep their relative accuracy.
"""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from numerics.cores import POWERS, Functional
from numerics.orthogonal import log_separated, plan
from numerics.structured import OrthogonalCore

__all__ = ["path_kl", "values"]

Array = npt.NDArray[np.float64]

_CUT = 52.0
"""Where less than e^-52 is left of M, H - I and C, they count as zero."""

_DECAY = 38.0
_LARGEST = 6.5
"""log u beyond which e^{-u} counts as zero."""

_SMALL = 1e-8
_PANEL = 0.5
_NODES = 24


def values(core: OrthogonalCore, functional: Functional, t: Array) -> Array:
    """The functional at each signal-to-noise ratio, of shape (n,); K >= 2."""
    unit = float(core.radius_squared)
    squares = np.asarray(t, dtype=float) * unit
    if len(squares) <= 2 * _NODES:
        return _direct(core.components, functional, squares) * unit ** POWERS[functional]
    result = np.empty(len(squares))
    roots = np.sqrt(squares)
    panels = np.minimum(np.floor(roots / _PANEL), 1e6)
    for panel in np.unique(panels):
        inside = np.flatnonzero(panels == panel)
        if len(inside) > _NODES and panel < 1e6:
            known, position = (
                _panel(core.components, functional, int(panel)),
                roots[inside] / _PANEL - panel,
            )
            result[inside] = _interpolated(2 * position - 1, known)
            if functional == "mutual_information":
                result[inside] *= squares[inside]
        else:
            result[inside] = _direct(core.components, functional, squares[inside])
    return result * unit ** POWERS[functional]


@lru_cache(maxsize=1024)
def _panel(count: int, functional: Functional, panel: int) -> Array:
    """The functional (I/rho^2 for I) for b = 1 at the Chebyshev nodes of a panel of rho."""
    nodes = np.cos(np.pi * np.arange(_NODES) / (_NODES - 1))
    squares = np.maximum((panel + (nodes + 1) / 2) * _PANEL, 1e-18) ** 2
    known = _direct(count, functional, squares)
    return known / squares if functional == "mutual_information" else known


def _interpolated(x: Array, known: Array) -> Array:
    """The polynomial through values at Chebyshev nodes of [-1, 1], by the barycentric formula."""
    nodes = np.cos(np.pi * np.arange(_NODES) / (_NODES - 1))
    weights = (-1.0) ** np.arange(_NODES)
    weights[[0, -1]] /= 2
    distance = x[:, None] - nodes
    hit = distance == 0
    ratio = weights / np.where(hit, 1.0, distance)
    result = (ratio @ known) / ratio.sum(axis=1)
    exact = hit.any(axis=1)
    result[exact] = known[hit[exact].argmax(axis=1)]
    return np.asarray(result)


def path_kl(core: OrthogonalCore, knots: Array, deltas: Array) -> float:
    """The path KL of the matched sampler without cancellation, (1/2) int C(s) (next(s) - s) ds.

    Gauss-Legendre rules, in panels of rho where a step is long.
    """
    unit = float(core.radius_squared)
    most = math.sqrt(4 * (_CUT + math.log(core.components)))
    parts: dict[int, list[tuple[float, float, float, float]]] = {4: [], 10: []}
    for t, delta in zip(knots[:-1].tolist(), deltas.tolist(), strict=True):
        low = math.sqrt(t * unit)
        high = min(math.sqrt((t + delta) * unit), most)
        if low >= most:
            break
        count = math.ceil(delta * unit / (math.sqrt((t + delta) * unit) + low) / _PANEL)
        if count <= 1:
            parts[4 if delta * unit < 0.1 * _PANEL * max(low, _PANEL) else 10].append(
                (t, 0.0, delta, delta)
            )
            continue
        count = math.ceil((high - low) / _PANEL)
        edges = [(low + (high - low) * i / count) ** 2 / unit - t for i in range(count + 1)]
        edges[0] = 0.0
        parts[10] += [(t, a, b - a, delta) for a, b in pairwise(edges)]
    total: list[float] = []
    for order, part in parts.items():
        if part:
            nodes, weights = np.polynomial.legendre.leggauss(order)
            start, offset, width, delta_ = (x[:, None] for x in np.array(part).T)
            u = offset + width * (nodes + 1) / 2
            c = values(core, "covariance_moment", (start + u).ravel()).reshape(u.shape)
            total += (c * (delta_ - u) * weights * width / 4).ravel().tolist()
    return math.fsum(total)


def _direct(count: int, functional: Functional, squares: Array) -> Array:
    """The same for b = 1; `squares` are rho^2."""
    entropy = math.log(count)
    result = np.zeros(len(squares))
    zero = squares < _SMALL
    weak = ~zero & (squares < 0.1 * entropy) & (functional == "mutual_information")
    active = ~zero & ~weak & (math.log(count - 1) - squares / 4 > -_CUT)
    keys = np.full(len(squares), -(10**6))
    keys[active] = np.ceil(2 * np.log2(squares[active]))
    for key in np.unique(keys[active]):
        group = np.flatnonzero(keys == key)
        result[group] = _group(count, functional, np.sqrt(squares[group]))
    if functional == "mutual_information":
        result = entropy - result
        if weak.any():
            nodes, weights = np.polynomial.legendre.leggauss(12)
            at = squares[weak][:, None] * (nodes + 1) / 2
            mmse = _direct(count, "mmse", at.ravel()).reshape(at.shape)
            result[weak] = squares[weak] / 4 * (mmse @ weights)
    result[zero] = _series(count, functional, squares[zero])
    return result


def _series(count: int, functional: Functional, squares: Array) -> Array:
    """Two terms of the Taylor series at t = 0, with M' = -C, M'' = 2 tr Cov^3 - |k3|^2, I' = M/2."""
    variance, square = (count - 1) / count, (count - 1) / count**2
    if functional == "mmse":
        return np.asarray(variance - squares * square)
    if functional == "mutual_information":
        return np.asarray(squares * variance / 2 - squares * squares * square / 4)
    third = variance**3 / count - variance / count**3
    return np.asarray(square + squares * (third - 2 * square / count))


def _group(count: int, functional: Functional, rho: Array) -> Array:
    """Values for rhos within a factor 2^{1/4}, which share tables of u^j e^{-u}."""
    low, high = float(rho.min()), float(rho.max())
    lost = max(0.0, -log_separated(count, high))
    inner, end = _DECAY + 6 + math.log(count) + lost, -_DECAY - lost - 2
    grids = [plan(count, r, functional, _DECAY, inner, end, end, series=False) for r in {low, high}]
    grid = min(grids, key=lambda x: float(x.delta))
    delta, stride = float(grid.delta), grid.stride
    step = stride * delta
    first = math.floor(min(x.first * x.stride * float(x.delta) for x in grids) / step - 1)
    last = math.ceil(max(x.last * x.stride * float(x.delta) for x in grids) / step + 1)
    reach = math.ceil(math.sqrt(2 * inner) * high / delta)
    z = delta * np.arange(-reach, reach + 1) / rho[:, None]
    weights = np.exp(-z * z / 2) * (delta / math.sqrt(2 * math.pi)) / rho[:, None]
    total = np.zeros(len(rho))
    rows = max(8, math.ceil(inner / step / 4))
    for start in range(first, last + 1, rows):
        nodes = np.arange(start, min(start + rows, last + 1))
        bottom = max(-reach, math.floor(-inner / delta) - stride * int(nodes[-1]))
        top = min(reach, math.ceil(_LARGEST / delta) - stride * int(nodes[0]))
        if bottom <= top:
            window = weights[:, bottom + reach : top + reach + 1]
            beyond = weights[:, top + reach + 1 :].sum(axis=1)
            m = _sums(functional, window, _log_u(nodes * stride, bottom, top), stride, delta)
            m[0] += beyond[:, None]
            total += _integrand(count, functional, rho[:, None], np.asarray(nodes * step, float), m).sum(
                axis=1
            )
    return total * step


def _log_u(nodes: npt.NDArray[np.int64], bottom: int, top: int) -> npt.NDArray[np.int64]:
    """m = log u/delta for inner nodes `bottom` ... `top`: a run of m if that is shorter, or a matrix."""
    if nodes[-1] - nodes[0] < len(nodes) * (top - bottom):
        return np.arange(nodes[0] + bottom, nodes[-1] + top + 1)
    return np.asarray(nodes[:, None] + np.arange(bottom, top + 1))


def _sums(
    functional: Functional, weights: Array, m: npt.NDArray[np.int64], stride: int, delta: float
) -> list[Array]:
    """1 - F_0, F_1 (and F_2) at the nodes of a block, of shape (rho, node)."""
    u = np.exp(np.minimum(m * delta, _LARGEST))
    decay = np.exp(-u)
    moments = [-np.expm1(-u), u * decay]
    if functional == "covariance_moment":
        moments.append(u * moments[1])
    if m.ndim == 1:
        width = weights.shape[1]
        moments = [np.lib.stride_tricks.sliding_window_view(x, width)[::stride] for x in moments]
    return [weights @ np.ascontiguousarray(x).T for x in moments]


def _integrand(count: int, functional: Functional, rho: Array, x: Array, m: list[Array]) -> Array:
    """The outer integrand for b = 1."""
    log_g = np.log1p(-np.minimum(m[0], 1 - 1e-16))
    f1 = m[1]
    tilt = np.exp(-rho * rho / 2 - x)
    if functional == "mutual_information":
        return np.asarray(tilt * f1 * -np.expm1((count - 1) * log_g))
    if functional == "mmse":
        return np.asarray((count - 1) * (tilt * f1 * f1 * np.exp((count - 2) * log_g)))
    pairs = (count - 2) / 2 * f1 * f1 * np.exp((count - 3) * log_g)
    return np.asarray((count - 1) * (tilt * m[2] * (m[2] * np.exp((count - 2) * log_g) + pairs)))
