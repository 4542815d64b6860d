"""The plan of the trapezoidal sums for components of different variances on a line, in machine numbers.

What belongs here: the choice of clusters, levels, spacings, strips and windows from the bounds of
`components_strip` (its notation). Nothing here proves anything: those bounds are evaluated in balls for
the plan chosen.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from numerics.components_latent import LatentLaw
from numerics.components_shield import Hidden, hidden_pairs
from numerics.components_strip import Kind, Piece, Plan, Strip
from numerics.cores import log_of
from numerics.quadrature import Spacing

__all__ = ["MachineLaw", "log_amplitude", "machine_law", "plan"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_MARGINS = np.array([3.0, 4.0, 5.0, 6.0, 8.0, 11.0])
_SHARES = np.concatenate([np.geomspace(0.02, 0.6, 12), np.linspace(0.65, 0.99, 12)])
_WIDTH_RATIOS = (math.inf, 4.0)
_MOST_CELLS = 1 << 22
_MOST_HIDDEN = 300


@dataclass(frozen=True)
class MachineLaw:
    """The law of (Z, R) at one snr in machine numbers; arrays over the components."""

    t: float
    log_w: Array
    mu: Array
    c: Array
    tau: Array
    a: Array
    curvature: Array
    """C, of shape (K, K)."""
    constant: Array
    """Q, of shape (K, K)."""


@lru_cache(maxsize=64)
def _numbers(law: LatentLaw) -> tuple[Array, Array, Array]:
    return (
        np.array([log_of(w) for w in law.weights]),
        np.array([float(point[0]) for point in law.means]),
        np.array([float(rows[0][0]) for rows in law.covariances]),
    )


def machine_law(law: LatentLaw, t: float) -> MachineLaw:
    """The law at snr t > 0 of the coordinate, i.e. t |u|^2 for that of X."""
    log_w, mu, v = _numbers(law)
    tau2 = 1 + t * v
    a = 1 / tau2
    c = math.sqrt(t) * mu
    product = a[:, None] * a
    curvature = t * (v[:, None] - v) * product
    ratio = (log_w[:, None] - log_w) + (np.log(tau2) - np.log(tau2)[:, None]) / 2
    constant = product * (c[:, None] - c) ** 2 - 2 * curvature * ratio
    return MachineLaw(t, log_w, mu, c, np.sqrt(tau2), a, curvature, constant)


def _log_moments(law: MachineLaw, kind: Kind, members: Ints, eta: Array) -> Array:
    """log of B without the factors that depend on theta; for the information log E."""
    growth = law.log_w[members] + eta[:, None] ** 2 * law.a[members] / 2
    top = growth.max(axis=1)
    factors = np.exp(growth - top[:, None])
    if kind == "mutual_information":
        return np.asarray(top + np.log(factors.sum(axis=1)))
    a, beta2 = law.a[members], (1 - law.a[members]) ** 2 / law.t
    plain = factors @ (law.mu[members] ** 2 + beta2 / a) + eta**2 * (factors @ beta2)
    tilted = (factors @ a + eta**2 * (factors @ a**2)) / law.t
    return np.asarray(top + np.log(np.maximum(np.minimum(plain, tilted), 1e-300)))


def log_amplitude(law: MachineLaw, kind: Kind) -> float:
    """log of an a priori bound of the integral: of B_L at eta = 0, of log K."""
    if kind == "mutual_information":
        return math.log(math.log(max(len(law.a), 2)))
    return float(_log_moments(law, kind, np.arange(len(law.a)), np.zeros(1))[0])


@dataclass(frozen=True)
class _Candidates:
    """Strips over a grid, with log B of each; `hidden[n]` belongs to the n-th value of Lambda."""

    eta: Array
    margin: Array
    log_b: Array
    which: npt.NDArray[np.int64]
    hidden: list[Hidden | None]


def _limit(speed: Array, curvature: Array, seen: npt.NDArray[np.bool_]) -> float:
    """The eta at which theta reaches pi/2, over the pairs that are seen."""
    widest = np.where(seen, speed + np.hypot(speed, 2 * math.pi * curvature), 0.0).max()
    return math.sqrt(2 * math.pi**2 / max(float(widest), 1e-300))


def _unhidden(
    law: MachineLaw, members: Ints, margin: float, speed: Array, curvature: Array, cap: float, hide: bool
) -> tuple[float, Hidden | None]:
    """The widest strip found for one Lambda, and which pairs are hidden in it."""
    widest = min(cap, _limit(speed, curvature, np.ones(len(speed), dtype=bool)))
    best: tuple[float, Hidden | None] = (widest, None)
    if not 3 <= len(members) <= _MOST_HIDDEN or not hide:
        return best
    goal = min(cap, _limit(speed, curvature, hidden_pairs(law, members, margin, widest).seen))
    for eta in (goal, math.sqrt(goal * widest)):
        if eta > 1.2 * best[0]:
            hidden = hidden_pairs(law, members, margin, eta)
            limit = min(eta, _limit(speed, curvature, hidden.seen))
            if limit > best[0]:
                best = limit, hidden
    return best


def _widest_turn(speed: Array, curvature: Array, eta: Array, seen: npt.NDArray[np.bool_] | None) -> Array:
    """theta at each eta, over the pairs that are seen."""
    if seen is not None:
        speed, curvature = speed[seen], curvature[seen]
    if not len(speed):
        return np.zeros(len(eta))
    rows = max(1, _MOST_CELLS // len(speed))
    parts = [eta[n : n + rows, None] for n in range(0, len(eta), rows)]
    square = np.concatenate([(speed + (curvature * x) ** 2).max(axis=1) for x in parts])
    return np.asarray(eta * np.sqrt(np.maximum(square, 0)) / 2)


def _candidates(law: MachineLaw, kind: Kind, members: Ints, decay: float, hide: bool) -> _Candidates:
    """eta, Lambda and log B over a grid of strips."""
    count = len(members)
    margins = (_MARGINS if count < 12 else _MARGINS[[1, 3, 5]]) + math.log(count - 1)
    upper = np.triu_indices(count, 1)
    curvature = np.abs(law.curvature[np.ix_(members, members)][upper])
    constant = law.constant[np.ix_(members, members)][upper]
    speed = constant + 2 * curvature * margins[:, None]
    size = decay + float(_log_moments(law, kind, members, np.zeros(1))[0])
    cap = 4 * math.sqrt(max(size, 10.0)) * float(law.tau[members].max())
    found = [
        _unhidden(law, members, float(margin), line, curvature, cap, hide)
        for margin, line in zip(margins, speed, strict=True)
    ]
    grids = [limit * _SHARES for limit, _ in found]
    turns, wholes = [], []
    for line, grid, (_, hidden) in zip(speed, grids, found, strict=True):
        wholes.append(_widest_turn(line, curvature, grid, None))
        turns.append(wholes[-1] if hidden is None else _widest_turn(line, curvature, grid, hidden.seen))
    eta, theta, whole = (np.concatenate(parts) for parts in (grids, turns, wholes))
    which = np.repeat(np.arange(len(margins)), len(_SHARES))
    slack = (count - 1) * np.exp(-margins[which])
    cosine = (np.cos(theta) - slack) / (1 + slack)
    allowed = (cosine > 1e-3) & (theta < math.pi / 2)
    eta, which, theta, whole, cosine = (x[allowed] for x in (eta, which, theta, whole, cosine))
    log_b = _log_moments(law, kind, members, eta)
    if kind == "mmse":
        log_b = log_b - np.log(cosine)
    else:
        turn = theta + 2 * whole + count * eta * math.sqrt(float(curvature.max()))
        log_b = log_b + np.log(math.log(count) - np.log(cosine) + math.pi / 2 + turn)
    return _Candidates(eta, margins[which], log_b, which, [hidden for _, hidden in found])


def _dyadic(h: float) -> Spacing:
    mantissa, exponent = math.frexp(h)
    return Spacing(int(mantissa * 32), exponent - 5)


def _best_strip(candidates: _Candidates, h: float) -> Strip:
    i = int(np.argmax(2 * math.pi * candidates.eta / h - candidates.log_b))
    hidden = candidates.hidden[int(candidates.which[i])]
    shields = () if hidden is None else hidden.shields()
    return Strip(float(candidates.eta[i]), float(candidates.margin[i]), shields)


def _reach(law: MachineLaw, kind: Kind, members: Ints, i: int, h: float, decay: float) -> float:
    """rho_i such that what is left out for component i is below e^-decay."""
    if kind == "mmse":
        slope = (law.a[members] - law.a[i]) / math.sqrt(law.t) * law.tau[i]
        value = (law.mu[i] - law.mu[members]) * law.a[members]
        size = float((2 * value**2 + 2 * slope**2).sum())
    else:
        size = (
            1
            - law.log_w[i]
            + math.log(law.tau[i] * float(np.exp(law.log_w[members]) @ (1 / law.tau[members])))
        )
    if not size > 0:
        return 0.0
    excess = float(law.log_w[i]) + math.log(size) + decay
    rho = math.sqrt(2 * max(excess + math.log(excess + 4), 0.0)) if excess > 0 else 0.0
    return max(2.0, rho) + h / float(law.tau[i]) + 0.01


def _pieces(
    law: MachineLaw, kind: Kind, cluster: list[int], decay: float, ratio: float, hide: bool
) -> list[Piece]:
    """The levels of a cluster, the widest first; a level spans widths within a factor `ratio`."""
    order = sorted(cluster, key=lambda i: -law.tau[i])
    levels: list[list[int]] = []
    for i in order:
        if not levels or law.tau[i] * ratio < law.tau[levels[-1][0]]:
            levels.append([])
        levels[-1].append(i)
    pieces = []
    outer: list[int] = []
    known: _Candidates | None = None
    for inner in levels:
        members = np.array(outer + inner)
        if len(members) > 1:
            candidates = _candidates(law, kind, members, decay, hide)
            spacings = 2 * math.pi * candidates.eta / np.maximum(decay + candidates.log_b, 1.0)
            h = _dyadic(float(np.max(spacings)))
            reach = tuple(_reach(law, kind, members, i, float(h), decay) for i in inner)
            spans = sum(2 * r * law.tau[i] for r, i in zip(reach, inner, strict=True))
            left = min(law.c[i] - r * law.tau[i] for r, i in zip(reach, inner, strict=True))
            right = max(law.c[i] + r * law.tau[i] for r, i in zip(reach, inner, strict=True))
            nodes = (min(spans, right - left) / float(h) + 2) * len(members)
            before = None if known is None else _best_strip(known, float(h))
            strip = _best_strip(candidates, float(h))
            pieces.append(Piece(tuple(outer), tuple(inner), h, strip, before, reach, nodes))
            known = candidates
        outer = outer + inner
    return pieces


def pair_logs(law: MachineLaw, kind: Kind) -> Array:
    """log of what a pair adds to the bound between clusters, of shape (K, K)."""
    tau2 = law.tau**2
    total = tau2[:, None] + tau2
    overlap = (law.log_w[:, None] + law.log_w) / 2 + np.log(2 * law.tau[:, None] * law.tau / total) / 2
    overlap = overlap - (law.c[:, None] - law.c) ** 2 / (4 * total)
    if kind == "mutual_information":
        return np.asarray(overlap + math.log(2))
    sums = law.a[:, None] + law.a
    centre = (law.mu[:, None] - law.mu) * 2 * (law.a[:, None] * law.a) / sums
    slope2 = law.curvature**2 / law.t * 2 / sums
    return np.asarray(overlap + np.log(np.maximum((centre**2 + slope2) / 2, 1e-300)))


def _clusters(law: MachineLaw, kind: Kind, log_tolerance: float) -> list[list[int]]:
    """Connected components of the pairs whose overlap is not negligible."""
    count = len(law.a)
    linked = pair_logs(law, kind) > log_tolerance - math.log(8 * count * count)
    free = set(range(count))
    clusters = []
    while free:
        stack = [min(free)]
        free -= set(stack)
        cluster = []
        while stack:
            i = stack.pop()
            cluster.append(i)
            near = {j for j in free if linked[i, j]}
            free -= near
            stack += near
        clusters.append(sorted(cluster))
    return clusters


def plan(law: MachineLaw, kind: Kind, log_tolerance: float, hide_above: float = 4000.0) -> Plan:
    """A plan whose error is about exp(log_tolerance), with the fewest nodes of those tried.

    Hidden pairs are looked for in a cluster of at most 300 components that would take more than
    `hide_above` exponentials.
    """
    clusters = _clusters(law, kind, log_tolerance)
    decay = -log_tolerance + math.log(16 * len(law.a))
    pieces: list[Piece] = []
    for cluster in clusters:
        wide = float(law.tau[cluster].max() / law.tau[cluster].min())
        ratios = [ratio for ratio in _WIDTH_RATIOS if ratio == math.inf or wide > ratio]
        options = [_pieces(law, kind, cluster, decay, ratio, False) for ratio in ratios]
        if min(_cost(option) for option in options) > hide_above and len(cluster) > 2:
            options += [_pieces(law, kind, cluster, decay, ratio, True) for ratio in ratios]
        pieces += min(options, key=_cost)
    return Plan(tuple(tuple(cluster) for cluster in clusters), tuple(pieces))


def _cost(pieces: Iterable[Piece]) -> float:
    return sum(piece.nodes for piece in pieces)
