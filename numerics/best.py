"""The best schedule: knots that minimise the path KL of a target for a given number of steps.

What belongs here: the public functions, units, rounding, and the refinement of knots in balls. What
does not: the search (`best_scan`, `best_newton`), the sampled curve (`best_curve`), other schedules
(`best_compare`), levels of a convention (`best_export`).

The path KL (1/2) int C(s) (next(s) - s) ds is stationary at t_{k+1} = t_k + (M(t_{k-1}) - M(t_k))/C(t_k)
(mathematics.md, section 5). Where M is not convex there can be several such schedules. Nothing here
proves that the first one is the optimum: it is the least of all that a stated scan finds. Its path KL is
a bound from above on the optimum's, and certified if `digits` is given.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from numerics import certified
from numerics.arithmetic import balls, bits_for, to_ball
from numerics.best_curve import Curve, curve_of
from numerics.best_newton import jacobian, solve_tridiagonal
from numerics.best_scan import stationary_points
from numerics.channel import choose_engine
from numerics.cores import log_of
from numerics.exact import LARGEST_EXPONENT, integer, rational, short, shown
from numerics.path import path_kl
from numerics.schedules import Schedule
from numerics.truth import PrecisionError, Truth

__all__ = ["MOST_BEST_STEPS", "StationarySchedule", "best_limit", "best_schedules"]

Array = npt.NDArray[np.float64]

MOST_BEST_STEPS = 2000

FAST_DIGITS = 12
"""The digits of t - start to which knots are rounded without `digits`; the last may be off by one."""

_KINDS = {0: "minimum", 1: "saddle"}


@dataclass(frozen=True)
class StationarySchedule:
    """A schedule at which the path KL is stationary in its inner knots."""

    schedule: Schedule
    """The knots as exact numbers, rounded."""
    path_kl: Any
    """In nats: a float, good to 1e-12 relative; with `digits` the certified value of this schedule."""
    kind: str
    """"minimum" or "saddle"."""
    descents: int
    """The number of independent directions in which the path KL falls: 0 at a minimum."""
    residual: float
    """The largest relative residual of the stationarity equations before rounding."""


def best_schedules(
    target: Any, steps: int, start: Any = 0, stop: Any = None, digits: int | None = None
) -> list[StationarySchedule]:
    """Every stationary schedule found for `steps` steps between two snr of the core, the best first.

    `stop` defaults to 1/v, the noise-free level; for a discrete target (v = 0) it must be given. Found are
    the roots of a scan of t_1 from `start` and of one of t_{n-1} from `stop`, 40 trials per factor e in
    the distance from either end, and what descents from further starts lead to (`best_scan`).
    `digits=None`: knots to 12 digits of t - start (the last may be off by one), path KL to 12. `digits=n`
    (up to 50): knots to n digits, refined by Newton's method in balls, which takes 2 `steps` certified
    values per 10 digits; path KL certified. Raises ValueError, SpanError, PrecisionError.
    """
    core, low, high = _range(target, start, stop)
    count = integer(steps, "steps", 1, MOST_BEST_STEPS)
    choose_engine(digits, None)
    if digits is not None and digits > 50:
        raise ValueError(f"digits: {digits} exceeds 50")
    if not core.rank:
        knots = [low + (high - low) * Fraction(k, count) for k in range(count + 1)]
        return [StationarySchedule(Schedule.of_best(knots, FAST_DIGITS), 0.0, "minimum", 0, 0.0)]
    curve = curve_of(core, low, high, 10 ** len(str(count)))
    found = []
    for point in stationary_points(curve, count):
        offsets = [Fraction(x) / core.variance for x in point.knots[1:-1].tolist()]
        kind = _KINDS.get(point.descents, f"saddle of index {point.descents}")
        value: Any = point.path_kl
        if digits is not None:
            offsets = _refined(core, curve, low, high, offsets, digits)
        inner = _rounded(low, offsets, digits or FAST_DIGITS)
        schedule = Schedule.of_best([low, *inner, high], digits or FAST_DIGITS)
        if digits is not None:
            value = path_kl(target, schedule, digits=digits)
        found.append(StationarySchedule(schedule, value, kind, point.descents, point.error))
    return found


def best_limit(target: Any, start: Any = 0, stop: Any = None) -> Truth:
    """lim n KL_best(n) = (1/4) (int sqrt(C) dt)^2 between two snr of the core, in nats.

    By Gauss-Legendre quadrature of the interpolated C, with an error estimate of the fast tier (proved
    nowhere). Arguments as for `best_schedules`. Source: mathematics.md, section 5.
    """
    core, low, high = _range(target, start, stop)
    method = "Gauss-Legendre quadrature of interpolated C, machine numbers"
    if not core.rank:
        return Truth("best_limit", 0.0, 0.0, "fast", None, method)
    curve = curve_of(core, low, high, 10**12 if core.rank == 1 else 10**6)
    root, rest = curve.root_integral()
    value = root**2 / 4
    error = (1e-13 + curve.error) * value + rest * (root + rest) / 2
    return Truth("best_limit", value, error, "fast", None, method)


def _range(target: Any, start: Any, stop: Any) -> tuple[Any, Fraction, Fraction]:
    """The core and the exact ends, or a ValueError."""
    core, variance = getattr(target, "core", None), getattr(target, "variance", None)
    if core is None or not isinstance(variance, Fraction):
        raise ValueError(f"target: {shown(target)} is not a target with one shared variance")
    low = rational(start, "start")
    if low < 0:
        raise ValueError(f"start: {short(low)} is negative; a signal-to-noise ratio is >= 0")
    if stop is None:
        if not variance:
            raise ValueError(
                "stop: missing; the target is discrete (v = 0) and its noise-free level has infinite snr"
            )
        high = 1 / variance
    else:
        high = rational(stop, "stop")
    if high <= low:
        raise ValueError(f"stop: {short(high)} does not exceed start = {short(low)}")
    return core, low, high


def _rounded(start: Fraction, offsets: Sequence[Fraction], digits: int) -> list[Fraction]:
    """start + offset, each to the decimal place of the offset's last significant digit."""
    knots = []
    for offset in offsets:
        place = math.floor(log_of(offset) / math.log(10)) - digits + 1
        unit = Fraction(10) ** max(place, -LARGEST_EXPONENT - digits)
        knots.append(round((start + offset) / unit) * unit)
    return knots


def _refined(
    core: Any, curve: Curve, start: Fraction, stop: Fraction, offsets: list[Fraction], digits: int
) -> list[Fraction]:
    """The inner knots (as offsets from start) to `digits` digits: Newton's method on ball residuals.

    The derivative is the machine-number one, so that every round gains about 10 digits.
    """
    if not offsets:
        return offsets
    variance = core.variance
    width = float((stop - start) * variance)
    for _ in range(3 + digits // 6):
        tau = np.array([0.0, *(float(x * variance) for x in offsets), width])
        residual = np.array(_ball_residuals(core, curve, start, stop, offsets, tau, digits))
        move, _ = solve_tridiagonal(jacobian(curve, tau), -residual)
        offsets = [x + Fraction(y) / variance for x, y in zip(offsets, move.tolist(), strict=True)]
        share = float(np.abs(move / np.minimum(tau[1:-1], np.diff(tau)[1:])).max())
        # the next round would move the knots by about 1e-10 of this one's move
        if math.log10(max(share, 1e-300)) - 9 <= -digits:
            return offsets
        offsets = _rounded(Fraction(0), offsets, 2 * digits + 20)
    raise PrecisionError(f"best schedule: Newton's method does not settle to {digits} digits")


def _ball_residuals(
    core: Any,
    curve: Curve,
    start: Fraction,
    stop: Fraction,
    offsets: Sequence[Fraction],
    tau: Array,
    digits: int,
) -> list[float]:
    """log((M(t_{k-1}) - M(t_k)) / (delta_k C(t_k))) at the inner knots, good to 10^-digits."""
    variance = core.variance
    integral, _ = curve.steps(tau)
    mass = np.log(integral[:-1])
    log_relative = -(digits + 3 + math.log10(len(tau))) * math.log(10)
    needed = np.minimum(mass, np.append(mass[1:], np.inf))
    needed = np.concatenate([needed[:1], needed]) + log_of(variance) + log_relative
    density = curve.log_value(tau[1:-1]) + 2 * log_of(variance) + log_relative
    smallest = float(np.diff(tau).min() / (float(start * variance) + tau[-1]))
    bits = bits_for(digits + 20 - math.log10(smallest)) + 64
    with balls(bits).precision():
        knots = [to_ball(start + x) for x in (Fraction(0), *offsets)]
        mmse = [
            certified.value(core, "mmse", t, float(goal)) for t, goal in zip(knots, needed, strict=True)
        ]
        moment = [
            certified.value(core, "covariance_moment", t, float(goal))
            for t, goal in zip(knots[1:], density, strict=True)
        ]
        ends = [*offsets[1:], stop - start]
        quotients = [
            (mmse[k] - mmse[k + 1]) / (to_ball(ends[k] - offsets[k]) * moment[k])
            for k in range(len(offsets))
        ]
        return [float(q.log().mid()) for q in quotients]
