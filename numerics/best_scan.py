"""All stationary points of the path KL over the inner knots that scans and other starts lead to.

What belongs here: where to start, in machine numbers on a `Curve` and its units. What does not: how to get
from there to a stationary point (`best_newton`); targets, units, digits (`best`).

The gradient of the path KL by the inner knot t_k is (1/2) [int_{t_{k-1}}^{t_k} C - delta_k C(t_k)]. It
vanishes where t_{k+1} = t_k + int_{t_{k-1}}^{t_k} C / C(t_k), so that t_0 and t_1 fix every stationary
schedule (forward), and so do t_n and t_{n-1} (backward: solve for t_{k-1}). Forward, an error in t_1 grows
like a tower of exponentials where C falls steeply; backward it shrinks there. Both are scanned.

How many there must be: on the simplex 0 <= t_1 <= ... <= t_n the negative gradient points inwards (a knot
that coincides with its left neighbour has gradient -(1/2) delta_k C(t_k) < 0, with its right neighbour
(1/2) int C > 0), so by Poincare and Hopf the sum of (-1)^descents over all stationary points is 1 where
none is degenerate. A list whose sum is not 1 lacks some; a sum of 1 does not prove that it lacks none.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from numerics.best_curve import Curve
from numerics.best_newton import Stationary, descend, newton, same_point, ways_down
from numerics.truth import PrecisionError

__all__ = ["SCAN_PER_E_FOLD", "Scanner", "stationary_points"]

Array = npt.NDArray[np.float64]

SCAN_PER_E_FOLD = 40
"""The scan tries this many t_1 (and t_{n-1}) per factor e in distance from either end."""

_TABLE = 8192
_GRID = 512
_MOST_GRID_STEPS = 48
_SPLIT = 32


@dataclass(frozen=True, eq=False)
class Scanner:
    """The recursion in both directions on many trial values at once, from cubic tables."""

    curve: Curve

    @cached_property
    def _x(self) -> Array:
        return np.linspace(0, math.log1p(self.curve.end * self.curve.scale), _TABLE)

    @cached_property
    def _tau(self) -> Array:
        tau = np.minimum(np.expm1(self._x) / self.curve.scale, self.curve.end)
        tau[0], tau[-1] = 0.0, self.curve.end
        return np.asarray(tau)

    @cached_property
    def _log_c(self) -> Array:
        return self.curve.log_value(self._tau)

    @cached_property
    def _ahead(self) -> Array:
        """int_tau^end c at the table's nodes."""
        integral, _ = self.curve.steps(self._tau)
        return np.concatenate([np.cumsum(integral[::-1])[::-1], [0.0]])

    @cached_property
    def _cubics(self) -> tuple[Array, Array]:
        """Coefficients of log c and of int_tau^end c in each cell of the table, by value and slope."""
        h = np.diff(self._tau)
        tables = []
        for values, slopes in (
            (self._log_c, self.curve.log_slope(self._tau)),
            (self._ahead, -np.exp(self._log_c)),
        ):
            rise, first, last = np.diff(values), slopes[:-1] * h, slopes[1:] * h
            tables.append(
                np.array([values[:-1], first, 3 * rise - 2 * first - last, first + last - 2 * rise])
            )
        return tables[0], tables[1]

    def at(self, tau: Array) -> tuple[Array, Array]:
        """log c, -inf beyond the curve's end, and int_tau^end c."""
        inside = np.minimum(np.maximum(tau, 0.0), self.curve.end)
        i = np.minimum((np.log1p(inside * self.curve.scale) / self._x[1]).astype(int), _TABLE - 2)
        u = (inside - self._tau[i]) / (self._tau[i + 1] - self._tau[i])
        (a0, a1, a2, a3), (b0, b1, b2, b3) = (table[:, i] for table in self._cubics)
        log_c = np.where(tau > self.curve.end, -np.inf, a0 + u * (a1 + u * (a2 + u * a3)))
        return log_c, b0 + u * (b1 + u * (b2 + u * b3))

    def paths(self, prefix: Array, trials: Array, steps: int, ahead: bool) -> Array:
        """The recursion from the prefix and each trial for its next knot: (steps + 1, trials).

        A path that has left [0, width] stays at infinity (forward) or -1 (backward).
        """
        rows = [np.full(len(trials), x) for x in prefix] + [trials]
        _, mass_before = self.at(rows[-2])
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            while len(rows) <= steps:
                at = rows[-1]
                log_c, mass = self.at(at)
                if ahead:
                    after = at + (mass_before - mass) * np.exp(-log_c)
                    rows.append(np.where(at >= self.curve.width, np.inf, after))
                else:
                    wanted = mass + (rows[-2] - at) * np.exp(log_c)
                    found = np.interp(wanted, self._ahead[::-1], self._tau[::-1])
                    rows.append(np.where((at <= 0) | (wanted > self._ahead[0]), -1.0, found))
                mass_before = mass
        return np.array(rows)

    def overshoots(self, paths: Array, ahead: bool) -> npt.NDArray[np.bool_]:
        """Whether the last knots lie beyond the other end."""
        last = paths[-1]
        return np.asarray(last >= self.curve.width if ahead else last <= 0, dtype=np.bool_)

    def trials(self, steps: int) -> Array:
        """The scanned positions: log-spaced in the distance from either end."""
        width = self.curve.width
        typical = self.curve.root_integral()[0] / steps * math.exp(-float(self._log_c.max()) / 2)
        low = min(1e-3 * typical, 1e-3 * width / steps)
        count = max(64, min(4000, math.ceil(SCAN_PER_E_FOLD * math.log(width / low))))
        distance = np.geomspace(low, width, count)[:-1]
        return np.unique(np.concatenate([distance, width - distance]))

    def roots(self, steps: int, ahead: bool) -> list[Array]:
        """Approximate stationary schedules, one for every change of side between neighbouring trials."""
        origin = 0.0 if ahead else self.curve.width
        trials = self.trials(steps)
        sides = self.overshoots(self.paths(np.array([origin]), trials, steps, ahead), ahead)
        found = []
        for i in np.flatnonzero(sides[1:] != sides[:-1]):
            path = self._refined(np.array([origin]), trials[i], trials[i + 1], steps, ahead)
            if path is not None:
                found.append(path if ahead else path[::-1])
        return found

    def _refined(self, prefix: Array, low: float, high: float, steps: int, ahead: bool) -> Array | None:
        """A schedule from a bracket of the next knot; where machine numbers run out, from a later one."""
        goal = self.curve.width if ahead else 0.0
        for _ in range(40 + 2 * steps):
            trials = np.linspace(low, high, _SPLIT + 1)
            paths = self.paths(prefix, trials, steps, ahead)
            sides = self.overshoots(paths, ahead)
            changes = np.flatnonzero(sides[1:] != sides[:-1])
            if not len(changes):
                return None
            i = int(changes[0])
            low, high = float(trials[i]), float(trials[i + 1])
            a, b = paths[:, i], paths[:, i + 1]
            with np.errstate(invalid="ignore"):
                close = np.abs(a - b)[1:] <= 1e-7 * np.abs(np.diff(a))
            inside = close[: steps - 1].all()
            if inside and min(abs(a[-1] - goal), abs(b[-1] - goal)) <= 1e-3 * abs(a[-2] - goal):
                path = a.copy()
                path[-1] = goal
                return path if (np.diff(path) * (1 if ahead else -1) > 0).all() else None
            if abs(high - low) <= 1e-12 * abs(high - prefix[-1]) and close[len(prefix) - 1]:
                agreed = len(prefix) + int(np.argmin(np.append(close[len(prefix) - 1 :], False)))
                if agreed >= steps:
                    path = a.copy()
                    path[-1] = goal
                    return path if (np.diff(path) * (1 if ahead else -1) > 0).all() else None
                prefix, low, high = a[:agreed], float(a[agreed]), float(b[agreed])
                low = min(max(low, 0.0), self.curve.width)
                high = min(max(high, 0.0), self.curve.width)
        return None

    def spread(self, steps: int) -> Array:
        """Knots at equal shares of int sqrt(c): the best ones for many steps."""
        weight = np.exp(self._log_c / 2)
        mass = np.concatenate([[0.0], np.cumsum((weight[1:] + weight[:-1]) / 2 * np.diff(self._tau))])
        knots = np.interp(np.linspace(0, mass[-1], steps + 1), mass, self._tau)
        knots[-1] = self.curve.width
        return np.asarray(knots)

    def on_grid(self, steps: int) -> Array:
        """The best schedule among those with knots on a grid of 512, by dynamic programming.

        The grid has half its points at equal shares of int sqrt(c), half equally spaced in x.
        """
        even = np.expm1(np.linspace(0, self._x[-1], _GRID // 2)) / self.curve.scale
        grid = np.unique(np.concatenate([self.spread(_GRID // 2), np.minimum(even, self.curve.end)]))
        integral, error = self.curve.steps(grid)
        length = np.diff(grid)
        mass = np.concatenate([[0.0], np.cumsum(integral)])
        # cost of a step from a to c with b between: cost(a, b) + cost(b, c) + mass(a, b) (c - b)
        cost = np.full((len(grid), len(grid)), np.inf)
        for i in range(len(grid) - 1):
            terms = 2 * error[i:] + (mass[i:-1] - mass[i]) * length[i:]
            cost[i, i + 1 :] = np.cumsum(terms)
        best = cost[0].copy()
        choices = []
        for _ in range(steps - 1):
            table = best[:, None] + cost
            choices.append(table.argmin(axis=0))
            best = table.min(axis=0)
        if not math.isfinite(best[-1]):
            raise PrecisionError("best schedule: more steps than the grid has points")
        at = len(grid) - 1
        path = [at]
        for choice in reversed(choices):
            at = int(choice[at])
            path.append(at)
        return np.asarray(grid[[*path, 0][::-1]])


def stationary_points(curve: Curve, steps: int) -> list[Stationary]:
    """Every stationary point that the scans and starts lead to, the least path KL first.

    Starts are the roots of both scans, the schedule of equal shares of int sqrt(c), for up to 48 steps the
    best one on a grid, from every saddle the ways down, where saddles are missing the ridges between
    neighbouring minima, and from the best minimum, as long as that improves it, those with one knot taken
    out where it is needed least and put in where it helps most.
    """
    if steps == 1:
        return [_single(curve)]
    scanner = Scanner(curve)
    found: list[Stationary] = []

    def add(point: Stationary | None) -> None:
        if point is not None and not any(same_point(point, other) for other in found):
            found.append(point)

    spread = scanner.spread(steps)
    add(newton(curve, spread))
    add(descend(curve, spread))
    if steps <= _MOST_GRID_STEPS:
        add(descend(curve, scanner.on_grid(steps)))
    for ahead in (True, False):
        for root in scanner.roots(steps, ahead):
            add(newton(curve, root))
    for saddle in [point for point in found if point.descents]:
        for start in ways_down(curve, saddle.knots):
            add(descend(curve, start))
    by_place = sorted((x for x in found if not x.descents), key=lambda x: float(np.log1p(x.knots).sum()))
    for low, high in pairwise(by_place):
        if sum((-1) ** point.descents for point in found) > 1:
            add(newton(curve, _ridge(curve, low.knots, high.knots)))
    minima = [point for point in found if not point.descents]
    current = min(minima, key=lambda point: point.path_kl, default=None)
    while current is not None:
        moved = [descend(curve, start) for start in _knot_moved(curve, current.knots)]
        for point in moved:
            add(point)
        better = [x for x in moved if x is not None and x.path_kl < current.path_kl * (1 - 1e-9)]
        current = min(better, key=lambda point: point.path_kl, default=None)
    if not found:
        raise PrecisionError(f"best schedule: Newton's method found no stationary point for {steps} steps")
    return sorted(found, key=lambda point: point.path_kl)


def _single(curve: Curve) -> Stationary:
    knots = np.array([0.0, curve.width])
    return Stationary(knots, float(curve.steps(knots)[1][0]), 0, 0.0)


def _ridge(curve: Curve, low: Array, high: Array) -> Array:
    """The schedule of largest path KL on the straight line, in x, between two."""
    ends = [np.log1p(knots * curve.scale) for knots in (low, high)]
    line = [np.expm1(ends[0] + k / 64 * (ends[1] - ends[0])) / curve.scale for k in range(1, 64)]
    for knots in line:
        knots[-1] = curve.width
    return max(line, key=lambda knots: float(curve.steps(knots)[1].sum()))


def _knot_moved(curve: Curve, knots: Array) -> list[Array]:
    """Schedules with one knot moved from where taking it out costs least to where a new one gains most.

    Without t_k the path KL grows by (1/2) delta_k int_{t_{k-1}}^{t_k} c; a knot b in a step from a to d
    saves (1/2) (d - b) int_a^b c, tried at the middle of the step in the variable x.
    """
    ends = np.minimum(np.log1p(knots * curve.scale), curve.edges[-1])
    middle = np.expm1((ends[1:] + ends[:-1]) / 2) / curve.scale
    mass = curve.steps(np.sort(np.concatenate([knots, middle])))[0]
    gain = mass[::2] * (knots[1:] - middle)
    loss = (mass[::2] + mass[1::2])[:-1] * np.diff(knots)[1:]
    schedules = []
    for out in _spaced_best(-loss):
        for into in _spaced_best(gain):
            if abs(into - out - 0.5) > 2:
                schedules.append(np.sort(np.append(np.delete(knots, out + 1), middle[into])))
    return schedules


def _spaced_best(score: Array) -> list[int]:
    """Indices of the largest entry and of the largest one away from it."""
    first = int(score.argmax())
    away = np.abs(np.arange(len(score)) - first) > max(2, len(score) // 10)
    return [first, int(np.where(away, score, -np.inf).argmax())] if away.any() else [first]
