"""Stationary points of the path KL over the inner knots: Newton's method, descent, ways down from saddles.

What belongs here: machine numbers on a `Curve`, in its units, from a start. What does not: where to start
(`best_scan`).

The gradient of the path KL by the inner knot t_k is (1/2) [int_{t_{k-1}}^{t_k} C - delta_k C(t_k)], the
Hessian tridiagonal: C(t_k) - delta_k C'(t_k)/2 on the diagonal, -C(t_k)/2 between t_k and t_{k+1}.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from numerics.best_curve import Curve

__all__ = [
    "Stationary",
    "descend",
    "jacobian",
    "newton",
    "residuals",
    "same_point",
    "solve_tridiagonal",
    "ways_down",
]

Array = npt.NDArray[np.float64]

_SAME = 1e-5


@dataclass(frozen=True, eq=False)
class Stationary:
    """A stationary point: knots from 0 to the curve's width, and what is known about it."""

    knots: Array
    path_kl: float
    descents: int
    """The number of negative eigenvalues of the Hessian: 0 at a minimum."""
    error: float
    """The largest residual of the logarithmic equations that Newton's method leaves."""


# Newton's method on log int_{t_{k-1}}^{t_k} C = log(delta_k C(t_k))


def residuals(curve: Curve, knots: Array) -> tuple[Array, Array]:
    """The logarithmic equations' residuals (n - 1,), and the path KLs of the steps (n,)."""
    integral, error = curve.steps(knots)
    return np.log(integral[:-1]) - np.log(np.diff(knots)[1:]) - curve.log_value(knots[1:-1]), error


def jacobian(curve: Curve, knots: Array) -> tuple[Array, Array, Array]:
    """The tridiagonal derivative of the residuals by the inner knots: below, diagonal, above.

    Row k times int_{t_{k-1}}^{t_k} C is twice the Hessian's at a stationary point, hence the signs of
    the pivots are those of its eigenvalues.
    """
    integral, _ = curve.steps(knots)
    inner = knots[1:-1]
    value = np.exp(curve.log_value(inner))
    before, step = integral[:-1], np.diff(knots)[1:]
    diagonal = value / before + 1 / step - curve.log_slope(inner)
    return -value[:-1] / before[1:], diagonal, -1 / step[:-1]


def solve_tridiagonal(rows: tuple[Array, Array, Array], right: Array) -> tuple[Array, int]:
    """The solution by elimination without exchanges, and the number of negative pivots."""
    below, diagonal, above = (row.tolist() for row in rows)
    x, pivots = right.tolist(), diagonal
    for k in range(1, len(x)):
        factor = below[k - 1] / (pivots[k - 1] or 1e-300)
        pivots[k] -= factor * above[k - 1]
        x[k] -= factor * x[k - 1]
    x[-1] /= pivots[-1] or 1e-300
    for k in range(len(x) - 2, -1, -1):
        x[k] = (x[k] - above[k] * x[k + 1]) / (pivots[k] or 1e-300)
    return np.array(x), sum(1 for pivot in pivots if pivot < 0)


def newton(curve: Curve, knots: Array, most: int = 60) -> Stationary | None:
    """The stationary point that Newton's method reaches from increasing knots, or None.

    A step that would shorten an interval more than tenfold, or enlarge the residual, is shortened.
    """
    residual, _ = residuals(curve, knots)
    size = float(np.abs(residual).max())
    for _ in range(most):
        move, _ = solve_tridiagonal(jacobian(curve, knots), -residual)
        if not np.isfinite(move).all():
            return None
        stretch = np.diff(np.concatenate([[0.0], move, [0.0]])) / np.diff(knots)
        share = min(1.0, 0.9 / max(float(-stretch.min()), 0.9))
        for _ in range(12):
            trial = knots.copy()
            trial[1:-1] += share * move
            if (np.diff(trial) > 0).all() and trial[-2] < curve.end:
                found, _ = residuals(curve, trial)
                now = float(np.abs(found).max())
                if math.isfinite(now) and (now < size or now < 1e-11):
                    break
            share /= 2
        else:
            break
        stalled = now > size / 2 and now < 1e-11
        knots, residual, size = trial, found, now
        if stalled:
            break
    if size > 1e-9:
        return None
    _, descents = solve_tridiagonal(jacobian(curve, knots), residual)
    return Stationary(knots, math.fsum(curve.steps(knots)[1].tolist()), descents, size)


# Descent


def descend(curve: Curve, knots: Array, most: int = 200) -> Stationary | None:
    """The minimum that a damped Newton descent of the path KL reaches from increasing knots, or None.

    The Hessian's diagonal is enlarged until it is positive definite. Newton's method finishes.
    """
    value = float(curve.steps(knots)[1].sum())
    for _ in range(most):
        integral, _ = curve.steps(knots)
        inner = knots[1:-1]
        density = np.exp(curve.log_value(inner))
        step = np.diff(knots)[1:]
        gradient = (integral[:-1] - step * density) / 2
        off = -density / 2
        curvature = density - step * density * curve.log_slope(inner) / 2
        shift = 0.0
        while True:
            rows = (off[:-1], curvature + shift * density, off[:-1])
            move, descents = solve_tridiagonal(rows, -gradient)
            if descents == 0 or shift > 1e6:
                break
            shift = max(4 * shift, 0.05)
        stretch = np.diff(np.concatenate([[0.0], move, [0.0]])) / np.diff(knots)
        share = min(1.0, 0.9 / max(float(-stretch.min()), 0.9))
        slope = float(gradient @ move)
        for _ in range(40):
            trial = knots.copy()
            trial[1:-1] += share * move
            now = float(curve.steps(trial)[1].sum()) if trial[-2] < curve.end else math.inf
            if now <= value + 1e-4 * share * slope:
                break
            share /= 2
        else:
            break
        done = value - now <= 1e-9 * value and shift == 0.0
        knots, value = trial, now
        if done:
            break
    return newton(curve, knots)


def ways_down(curve: Curve, knots: Array) -> list[Array]:
    """Two schedules beside a saddle, along the direction of its most negative curvature."""
    inner, step = knots[1:-1], np.diff(knots)
    density = np.exp(curve.log_value(inner))
    room = np.minimum(step[:-1], step[1:])
    curvature = (2 * density - step[1:] * density * curve.log_slope(inner)) * room * room
    off = -density[:-1] * room[:-1] * room[1:]
    hessian = np.diag(curvature) + np.diag(off, 1) + np.diag(off, -1)
    direction = np.linalg.eigh(hessian)[1][:, 0] * room
    share = 0.1 / float(np.abs(direction / room).max())
    ways = []
    for sign in (share, -share):
        moved = knots.copy()
        moved[1:-1] += sign * direction
        ways.append(moved)
    return ways


def same_point(a: Stationary, b: Stationary) -> bool:
    return bool((np.abs(a.knots - b.knots)[:-1] <= _SAME * np.diff(a.knots)).all())
