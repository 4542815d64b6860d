"""The path KL of a sampler on a schedule, in the three engines, and the knot values it is made of.

What belongs here: sums over knots, the working precision they need, reverse variances, starts.

    KL(Y_{t_0..t_n} || Z_{t_0..t_n}) = (1/2) sum delta_k M(t_k) - (I(t_n) - I(t_0))

for the matched reverse variance; any other ratio rho of matched to used variance adds
(d/2)(rho - 1 - log rho) + (rho - 1) delta_k M(t_k)/2 per step.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import Any

import flint
import mpmath
import numpy as np
import numpy.typing as npt

from numerics.arithmetic import Arithmetic, balls, bits_for, mpmath_numbers
from numerics.certified import Functional
from numerics.channel import (
    METHODS,
    choose_engine,
    core_law,
    core_value,
    fast_cancellation,
    fast_tails,
    fast_values,
    independent_value,
    log_goal,
    log_scale,
    radius_reached,
)
from numerics.exact import choice, shown
from numerics.levels import Level
from numerics.samplers import Ddpm
from numerics.schedules import Schedule
from numerics.targets import Core, Mixture
from numerics.truth import PrecisionError, Truth

__all__ = ["KnotValues", "knot_values", "path_kl", "path_kl_truth"]

Array = npt.NDArray[np.float64]

_CANCELLED = 1e-12

_MOMENTS = ("mmse", "covariance_moment", "information")


@dataclass(frozen=True)
class KnotValues:
    """The functionals of a target's core at the knots of a schedule, in one number system.

    Lists run over the knots t_0 ... t_n; `covariance_moment` and `information` are empty unless asked
    for. `path_kl` is that of the matched sampler with exact start.
    """

    knots: list[Any]
    mmse: list[Any]
    covariance_moment: list[Any]
    information: list[Any]
    information_first: Any
    information_last: Any
    path_kl: Any
    path_kl_error: float


def _path_sum(knots: Sequence[Any], mmse: Sequence[Any], first: Any, last: Any, zero: Any) -> Any:
    total = zero
    for k in range(len(knots) - 1):
        total = total + (knots[k + 1] - knots[k]) * mmse[k]
    return total / 2 - (last - first)


def _log(value: float) -> float:
    """log of a non-negative float, no less than that of the smallest one."""
    return math.log(max(value, 5e-324))


@lru_cache(maxsize=128)
def knot_values(
    target: Mixture,
    schedule: Schedule,
    digits: int | None = None,
    engine: str | None = None,
    moments: tuple[str, ...] = ("mmse",),
) -> KnotValues:
    """The values at the knots, with the precision that `digits` promises for the path KL.

    `moments` may add "covariance_moment" and "information" (at every knot). Raises SpanError and
    PrecisionError as `path_kl` does.
    """
    unknown = set(moments) - set(_MOMENTS)
    if unknown:
        raise ValueError(f"moments: {shown(sorted(unknown)[0])} is none of {', '.join(_MOMENTS)}")
    chosen, digits = choose_engine(digits, engine)
    core_law(target.core)
    if chosen == "fast" or digits is None:
        return _fast(target, schedule, moments)
    if chosen == "mpmath":
        return _independent(target, schedule, digits, moments)
    return _certified(target, schedule, digits, moments)


def _fast(target: Mixture, schedule: Schedule, moments: tuple[str, ...]) -> KnotValues:
    """Machine numbers; the increments of the knots are taken in balls, before rounding."""
    core = target.core
    with balls(64).precision():
        exact = schedule.certified_knots(target, 64)
        knots = [float(t.mid()) for t in exact]
        deltas = [float((b - a).mid()) for a, b in pairwise(exact)]
    mmse = fast_values(core, "mmse", knots)
    covariance = fast_values(core, "covariance_moment", knots) if "covariance_moment" in moments else []
    if "information" in moments:
        information = fast_values(core, "mutual_information", knots)
        first, last = information[0], information[-1]
    else:
        information = []
        first, last = fast_values(core, "mutual_information", [knots[0], knots[-1]])
    at, by, wide = np.array(knots[:-1]), np.array(deltas), float(core.diameter_squared)
    terms = by * mmse[:-1] / 2
    value = math.fsum([*terms, -last, first])
    tail = float(by @ fast_tails(core, at))
    largest = max(float(terms.max()), last, first)
    cancelled = max(4e-15 * largest, *fast_cancellation(core, [knots[0], knots[-1]]))
    error = 1e-15 * (math.fsum(terms) + last + first) + cancelled + tail
    short = by < np.maximum(0.05 / wide if wide else math.inf, 0.02 * at)
    if error > _CANCELLED * abs(value) and short.any():
        value, error = _without_cancellation(core, np.array(knots), by, terms, short)
        error += tail
    return KnotValues(
        knots,
        [float(x) for x in mmse],
        [float(x) for x in covariance],
        [float(x) for x in information],
        float(first),
        float(last),
        value,
        error,
    )


def _without_cancellation(
    core: Core, knots: Array, deltas: Array, terms: Array, short: npt.NDArray[np.bool_]
) -> tuple[float, float]:
    """The path KL and its error estimate, short steps as (1/2) int (delta - u) C(t_k + u) du.

    The others keep the form with mmse and mutual information, whose differences telescope. A step is
    short if it is small beside 1/D^2 or beside t_k; C changes on no shorter scale.
    """
    nodes, weights = np.polynomial.legendre.leggauss(4)
    u = (nodes + 1) / 2
    at = knots[:-1][short][:, None] + deltas[short][:, None] * u
    covariance = fast_values(core, "covariance_moment", at.ravel()).reshape(at.shape)
    exact = deltas[short] ** 2 / 4 * (covariance * (weights * (1 - u))).sum(axis=1)
    edges = np.flatnonzero(np.diff(np.concatenate([[True], short, [True]]).astype(int)))
    information = fast_values(core, "mutual_information", knots[edges])
    long = terms[~short]
    value = math.fsum([*exact, *long, *information[::2], *-information[1::2]])
    cancelled = math.fsum(long) + math.fsum(information)
    return value, 1e-13 * math.fsum(exact) + 1e-15 * cancelled


def _certified(target: Mixture, schedule: Schedule, digits: int, moments: tuple[str, ...]) -> KnotValues:
    core = target.core
    scale = log_scale(core, "mutual_information")
    try:
        estimate = _fast(target, schedule, ()).path_kl
    except PrecisionError:
        estimate = 0.0
    goal = log_goal(digits, _log(estimate), scale)
    for extra in (1.0, 12.0, 60.0, 3.0 * digits):
        values = _balls_at(target, schedule, goal - extra, moments)
        if radius_reached(values.path_kl, digits, scale):
            return values
    raise PrecisionError(
        f"path_kl: {digits} digits promised, but the radius reached is"
        f" {values.path_kl.rad().str(3, radius=False)} around {values.path_kl.mid().str(6, radius=False)}"
    )


def _balls_at(
    target: Mixture, schedule: Schedule, log_radius: float, moments: tuple[str, ...]
) -> KnotValues:
    """The values as balls such that the path KL has a radius of about exp(log_radius)."""
    core = target.core
    bits = 64 + max(0, int(-log_radius / math.log(2)))
    knots = schedule.certified_knots(target, bits)
    n = len(knots) - 1
    with balls(64).precision():
        steps = [float((b - a).mid()) for a, b in pairwise(knots)]
    share = log_radius - math.log(4 * n)
    widest = [_log(max(a, b)) for a, b in zip([*steps, 0.0], [0.0, *steps], strict=True)]
    mmse = [core_value(core, "mmse", t, share - w) for t, w in zip(knots, widest, strict=True)]
    covariance = []
    if "covariance_moment" in moments:
        covariance = [
            core_value(core, "covariance_moment", t, share - 2 * w)
            for t, w in zip(knots, widest, strict=True)
        ]
    wanted = knots if "information" in moments else [knots[0], knots[-1]]
    information = [core_value(core, "mutual_information", t, log_radius - 2) for t in wanted]
    with balls(bits + 32).precision():
        total = _path_sum(knots, mmse, information[0], information[-1], flint.arb(0))
    every = information if "information" in moments else []
    return KnotValues(knots, mmse, covariance, every, information[0], information[-1], total, 0.0)


def _independent(target: Mixture, schedule: Schedule, digits: int, moments: tuple[str, ...]) -> KnotValues:
    core = target.core
    loss = 4 + len(str(schedule.steps))
    ops = mpmath_numbers(2 * digits + 15)
    with ops.precision():
        knots = schedule.knots(target, ops)
        steps = [b - a for a, b in pairwise(knots)]
        widest = [max(a, b) for a, b in zip([*steps, 0], [0, *steps], strict=True)]
        smallest = mpmath.mpf(10) ** (-2 * digits) / (4 * len(knots))

        def values(functional: Functional, at: Sequence[Any], weights: Sequence[Any]) -> list[Any]:
            return [
                independent_value(core, functional, t, digits + loss, smallest / max(w, smallest))[0]
                for t, w in zip(at, weights, strict=True)
            ]

        mmse = values("mmse", knots, widest)
        covariance = []
        if "covariance_moment" in moments:
            covariance = values("covariance_moment", knots, [w * w for w in widest])
        wanted = knots if "information" in moments else [knots[0], knots[-1]]
        information = values("mutual_information", wanted, [mpmath.mpf(1)] * len(wanted))
        total = _path_sum(knots, mmse, information[0], information[-1], mpmath.mpf(0))
        size = information[-1] + sum(a * b for a, b in zip(steps, mmse, strict=False)) / 2
        error = float(size * mpmath.mpf(10) ** (-digits - loss + 1))
    every = information if "information" in moments else []
    return KnotValues(knots, mmse, covariance, every, information[0], information[-1], total, error)


# Reverse variances and starts


def _vp_levels(schedule: Schedule, target: Mixture, knots: Sequence[Any], ops: Arithmetic) -> list[Level]:
    """The noise levels that belong to the knots; for knots of the core, those with sigma^2 = 1/t - v."""
    if schedule.convention != "snr":
        return [x for x in schedule.levels(ops) if target.variance or not x.noise_free]
    v = ops.number(target.variance)
    levels = []
    for t in knots:
        noise = 1 - t * v
        if noise < 0:
            raise ValueError(
                "sampler: a knot beyond 1/v is no noise level of the target; only the matched variance"
                " is defined there"
            )
        levels.append(Level(t, noise))
    if schedule.last_knot * target.variance == 1:
        levels[-1] = Level(knots[-1], ops.number(0), noise_free=True)
    return levels


def _reverse_variance(
    sampler: Ddpm, target: Mixture, values: KnotValues, levels: Sequence[Level], ops: Arithmetic
) -> Any:
    """What the sampler's reverse variance adds to the path KL of the matched one."""
    d = target.dimension
    total = ops.number(0)
    for k in range(len(values.knots) - 1):
        gain = (values.knots[k + 1] - values.knots[k]) * values.mmse[k]
        if sampler.variance == "optimal":
            total = total + (d * ops.log1p(gain / d) - gain) / 2
            continue
        rho = sampler.variance_ratio(levels[k], levels[k + 1], target.variance, ops)
        if rho is None:
            return None
        total = total + (d * (rho - 1 - ops.log(rho)) + (rho - 1) * gain) / 2
    return total


def _largest_ratio(target: Mixture, schedule: Schedule, sampler: Ddpm, ops: Arithmetic) -> Any:
    """At least 1 and the largest rho: how much a reverse variance magnifies errors of the mmse."""
    largest = ops.number(1)
    if sampler.variance in ("matched", "optimal"):
        return largest
    levels = _vp_levels(schedule, target, schedule.knots(target, ops), ops)
    for level, following in pairwise(levels):
        rho = sampler.variance_ratio(level, following, target.variance, ops)
        largest = largest if rho is None else ops.maximum([largest, rho])
    return largest


def _normal_start(schedule: Schedule, target: Mixture, values: KnotValues, ops: Arithmetic) -> Any:
    """KL of the law at the first level from what the sampler starts with.

    N(0, I) in the variance-preserving and flow-matching conventions, N(0, sigma_max^2 I) in the
    variance-exploding one, N(0, t_0 I) for knots of the core.
    """
    second = ops.number(target.second_moment)
    if schedule.convention == "snr":
        return values.knots[0] * second / 2 - values.information_first
    level = schedule.levels(ops)[0]
    unit = level.noise if schedule.convention == "sigmas" else ops.number(1)
    signal = level.signal / unit
    q = level.noise / unit + signal * ops.number(target.variance)
    gaussian = target.dimension * (q - 1 - ops.log(q)) / 2
    return gaussian + signal * second / 2 - values.information_first


def _lifted(target: Mixture, schedule: Schedule, values: KnotValues) -> KnotValues:
    """Machine values as balls of radius zero, so that rho - 1 - log rho does not cancel."""
    return replace(
        values,
        knots=schedule.certified_knots(target, 64),
        mmse=[flint.arb(x) for x in values.mmse],
        information_first=flint.arb(values.information_first),
        path_kl=flint.arb(values.path_kl),
    )


def _with_choices(
    target: Mixture,
    schedule: Schedule,
    sampler: Ddpm,
    start: str,
    values: KnotValues,
    ops: Arithmetic,
) -> Any:
    """The path KL for the sampler and start; None where it is infinite."""
    total = values.path_kl
    if not sampler.matched:
        levels: list[Level] = []
        if sampler.variance != "optimal":
            levels = _vp_levels(schedule, target, values.knots, ops)
        extra = _reverse_variance(sampler, target, values, levels, ops)
        if extra is None:
            return None
        total = total + extra
    if start == "normal":
        total = total + _normal_start(schedule, target, values, ops)
    return total


def path_kl_truth(
    target: Mixture,
    schedule: Schedule,
    sampler: Ddpm | None = None,
    start: str = "exact",
    digits: int | None = None,
    engine: str | None = None,
) -> Truth:
    """The path KL as an enclosure, in nats; arguments and errors as for `path_kl`."""
    chosen, digits = choose_engine(digits, engine)
    if not isinstance(target, Mixture):
        raise ValueError(f"target: {shown(target)} is not a Mixture")
    if not isinstance(schedule, Schedule):
        raise ValueError(f"schedule: {shown(schedule)} is not a Schedule")
    choice(start, "start", ("exact", "normal"))
    rule = Ddpm() if sampler is None else sampler
    if not isinstance(rule, Ddpm):
        raise ValueError(f"sampler: {shown(sampler)} is not a sampler")
    notes = (*target.notes, *schedule.notes(target))

    def truth(value: Any, error: float = 0.0, more: tuple[str, ...] = ()) -> Truth:
        return Truth("path_kl", value, error, chosen, digits, METHODS[chosen], (*notes, *more))

    infinite = ("the reverse variance is zero at the noise-free level: the path KL is infinite",)
    if digits is None:
        values = knot_values(target, schedule)
        if rule.matched and start == "exact":
            return truth(values.path_kl, values.path_kl_error)
        ops: Arithmetic = balls(128)
        with ops.precision():
            total = _with_choices(target, schedule, rule, start, _lifted(target, schedule, values), ops)
        if total is None:
            return truth(math.inf, 0.0, infinite)
        return truth(float(total.mid()), values.path_kl_error + 1e-12 * abs(float(total.mid())))
    if chosen == "mpmath":
        ops = mpmath_numbers(2 * digits + 15)
        with ops.precision():
            worst = _largest_ratio(target, schedule, rule, ops)
            more = max(0, int(mpmath.ceil(mpmath.log10(worst))))
            values = knot_values(target, schedule, digits + more, "mpmath")
            total = _with_choices(target, schedule, rule, start, values, ops)
            error = float(values.path_kl_error * worst)
        return truth(mpmath.inf, 0.0, infinite) if total is None else truth(total, error)
    scale = log_scale(target.core, "mutual_information")
    for more in (0, digits, 3 * digits):
        values = knot_values(target, schedule, digits + more)
        ops = balls(bits_for(2 * (digits + more)) + 128)
        with ops.precision():
            total = _with_choices(target, schedule, rule, start, values, ops)
        if total is None:
            return truth(flint.arb.pos_inf(), 0.0, infinite)
        if radius_reached(total, digits, scale):
            return truth(total)
    raise PrecisionError(f"path_kl: the radius promised by {digits} digits is out of reach")


def path_kl(
    target: Mixture,
    schedule: Schedule,
    sampler: Ddpm | None = None,
    start: str = "exact",
    digits: int | None = None,
    engine: str | None = None,
) -> Any:
    """KL(law of the true path at the knots || law of the sampler's path), in nats.

    `sampler` defaults to `samplers.Ddpm()` (matched reverse variance), `start` is "exact" or "normal".
    `digits=None`: float; `digits=n`: flint.arb whose radius is at most 10^-n max(KL, 10^-n max(H, 1));
    `engine="mpmath"`: mpf. Raises ValueError for bad arguments, SpanError for means that span more
    than a line, PrecisionError where the promised radius is out of reach. Source: Reeves and Pfister
    2025 (2502.02305), the I-MMSE form of the discretisation error.
    """
    return path_kl_truth(target, schedule, sampler, start, digits, engine).value
