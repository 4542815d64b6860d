"""Pairs of components that a third one hides from each other, so that they need not narrow the strip.

What belongs here: the criterion, in machine numbers and in balls. Notation and theorem:
`components_strip`.

A pair (i, j) may be left out of the maximum that is theta if the two are never live together in |y| <=
eta. If they are, |m| <= Lambda, so |l(x)| <= Lambda_1 = Lambda + |C| eta^2/2: as l'^2 = Q + 2 C l these x
are one interval for each sign of l' (one for both where Q - 2 |C| Lambda_1 <= 0). Around any point, l =
l_0 + B u + C u^2/2, the ends are where l = L = +-Lambda_1,

    u = -2 (l_0 - L)/(B + sgn(B) r)  (near)  and  u = -(B + sgn(B) r)/C  (far),     r = sqrt(Q + 2 C L).

On such an interval i is not live if some k has q_k - q_i > Lambda + max(0, a_i - a_k) eta^2/2 throughout,
q = log p on the real line; q_k - q_i is a quadratic, least at an end or, where it is convex, at its
vertex.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import flint
import numpy as np
import numpy.typing as npt

__all__ = ["Hidden", "Shield", "certainly_hidden", "hidden_pairs"]

Array = npt.NDArray[np.float64]

_MOST_CELLS = 1 << 22


@dataclass(frozen=True)
class Shield:
    """That k hides i on the near (far) interval of the pair (i, j); entries are (hidden, k)."""

    pair: tuple[int, int]
    near: tuple[int, int]
    far: tuple[int, int]


def _ends(law: Any, i: Any, j: Any, margin: float, eta: float) -> tuple[Array, Array, Array, Array]:
    """The ends of the near and the far interval; infinite or NaN ones are never certified."""
    curvature, constant = law.curvature[i, j], law.constant[i, j]
    level = margin + np.abs(curvature) * eta**2 / 2
    base = law.c[i]
    u = base - law.c[j]
    start = (law.log_w[i] - law.log_w[j]) + np.log(law.tau[j] / law.tau[i]) + law.a[j] * u**2 / 2
    slope = law.a[j] * u
    sign = np.where(slope < 0, -1.0, 1.0)
    ends = []
    for side in (-level, level):
        square = constant + 2 * curvature * side
        pole = slope + sign * np.sqrt(np.maximum(square, 0))
        near, far = -2 * (start - side) / pole, -pole / curvature
        # past the vertex the two intervals are one
        ends.append((np.where(square > 0, near, far), np.where(square > 0, far, near), square > 0))
    merged = ~(ends[0][2] & ends[1][2])
    whole = np.where(ends[0][2], 0, 1)
    near_low, far_low = ends[0][0], ends[0][1]
    near_high, far_high = ends[1][0], ends[1][1]
    first = np.where(whole == 0, near_low, near_high)
    second = np.where(whole == 0, far_low, far_high)
    near_low, near_high = np.where(merged, first, near_low), np.where(merged, second, near_high)
    far_low, far_high = np.where(merged, first, far_low), np.where(merged, second, far_high)
    flat = curvature == 0
    far_low, far_high = np.where(flat, near_low, far_low), np.where(flat, near_high, far_high)
    return base + near_low, base + near_high, base + far_low, base + far_high


def _log_density(law: Any, k: Any, x: Array) -> Array:
    offset = x - law.c[k]
    return np.asarray(law.log_w[k] - np.log(law.tau[k]) - law.a[k] * offset * offset / 2)


def _hidden_on(law: Any, i: Any, low: Array, high: Array, members: Any, margin: float, eta: float) -> Any:
    """For each i and interval the component that hides it there, or -1."""
    middle = (low + high) / 2
    rows = max(1, _MOST_CELLS // len(members))
    parts = [middle[n : n + rows, None] for n in range(0, len(middle), rows)]
    k = members[np.concatenate([np.argmax(_log_density(law, members, x), axis=1) for x in parts])]
    least = np.minimum(
        _log_density(law, k, low) - _log_density(law, i, low),
        _log_density(law, k, high) - _log_density(law, i, high),
    )
    bend = law.a[i] - law.a[k]
    vertex = (law.a[i] * law.c[i] - law.a[k] * law.c[k]) / np.where(bend > 0, bend, 1)
    inside = (bend > 0) & (vertex > np.minimum(low, high)) & (vertex < np.maximum(low, high))
    at_vertex = _log_density(law, k, vertex) - _log_density(law, i, vertex)
    least = np.where(inside, np.minimum(least, at_vertex), least)
    return np.where(least > 1.0001 * margin + np.maximum(0, bend) * eta**2 / 2 + 1e-6, k, -1)


@dataclass(frozen=True)
class Hidden:
    """The pairs that seem never to be live together; arrays over the upper triangle of the members."""

    seen: npt.NDArray[np.bool_]
    """The other pairs."""
    table: npt.NDArray[np.int64]
    """Rows i, j, near hidden and k, far hidden and k."""

    def shields(self) -> tuple[Shield, ...]:
        """What hides the pairs that are not seen."""
        rows = self.table[~self.seen].tolist()
        return tuple(Shield((row[0], row[1]), (row[2], row[3]), (row[4], row[5])) for row in rows)


def hidden_pairs(law: Any, members: Any, margin: float, eta: float) -> Hidden:
    """The pairs of a set of components that seem never to be live together, with what hides them."""
    rows, columns = np.triu_indices(len(members), 1)
    i, j = members[rows], members[columns]
    table = np.empty((len(rows), 6), dtype=np.int64)
    table[:, 0], table[:, 1] = i, j
    seen = np.zeros(len(rows), dtype=bool)
    with np.errstate(all="ignore"):
        ends = _ends(law, i, j, margin, eta)
        for column, low, high in ((2, ends[0], ends[1]), (4, ends[2], ends[3])):
            by_i = _hidden_on(law, i, low, high, members, margin, eta)
            by_j = _hidden_on(law, j, low, high, members, margin, eta)
            table[:, column] = np.where(by_i >= 0, i, j)
            table[:, column + 1] = np.where(by_i >= 0, by_i, by_j)
            seen |= (by_i < 0) & (by_j < 0)
    return Hidden(seen, table)


def certainly_hidden(
    law: Any, v: Sequence[Fraction], shield: Shield, constant: flint.arb, margin: flint.arb, eta: flint.arb
) -> bool:
    """Whether the shield's pair is certainly never live together; `law` is in balls, constant is Q."""
    i, j = shield.pair
    curvature = law.curvature(i, j, v)
    level = margin + abs(curvature) * eta * eta / 2
    u = law.c[i] - law.c[j]
    start = (law.w[i] * law.tau[j] / (law.w[j] * law.tau[i])).log() + law.a[j] * u * u / 2
    slope = law.a[j] * u
    flat = v[i] == v[j]
    sign = -1 if slope < 0 else 1
    ends = []
    for side in (-level, level):
        square = constant + 2 * curvature * side
        if square < 0:
            continue
        pole = slope + sign * square.nonnegative_part().sqrt()
        near = -2 * (start - side) / pole
        far = near if flat else -pole / curvature
        ends.append((law.c[i] + near, law.c[i] + far, square > 0))
    if not ends:
        return True
    if len(ends) == 2 and all(end[2] for end in ends):
        spans = [(ends[0][0], ends[1][0], shield.near), (ends[0][1], ends[1][1], shield.far)]
    elif len(ends) == 1:
        spans = [(ends[0][0], ends[0][1], shield.near)]
    else:
        return False
    return all(_certainly_hidden_on(law, v, low, high, by, margin, eta) for low, high, by in spans)


def _certainly_hidden_on(
    law: Any, v: Sequence[Fraction], low: Any, high: Any, by: tuple[int, int], margin: Any, eta: Any
) -> bool:
    i, k = by
    if i == k or not (low.is_finite() and high.is_finite()):
        return False
    bend = law.curvature(k, i, v)
    needed = margin + bend.max(flint.arb(0)) * eta * eta / 2
    ratio = (law.w[k] * law.tau[i] / (law.w[i] * law.tau[k])).log()

    def excess(x: Any) -> Any:
        return (
            ratio
            - law.a[k] * (x - law.c[k]) * (x - law.c[k]) / 2
            + law.a[i] * (x - law.c[i]) * (x - law.c[i]) / 2
        )

    if not (excess(low) > needed and excess(high) > needed):
        return False
    if v[k] <= v[i]:
        return True
    vertex = (law.a[i] * law.c[i] - law.a[k] * law.c[k]) / bend
    outside = (vertex < low and vertex < high) or (vertex > low and vertex > high)
    return bool(outside or excess(vertex) > needed)
