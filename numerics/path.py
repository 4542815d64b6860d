"""The path KL of a sampler on a schedule, in the three engines, and the knot values it is made of.

What belongs here: sums over knots, the working precision they need, reverse variances, starts.

    KL(Y_{t_0..t_n} || Z_{t_0..t_n}) = (1/2) sum delta_k M(t_k) - (I(t_n) - I(t_0))

for the matched reverse variance; any other ratio rho of matched to used variance adds
(d/2)(rho - 1 - log rho) + (rho - 1) delta_k M(t_k)/2 per step, and an error e_k of the posterior mean
rho delta_k E|e_k|^2/2.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from typing import Any

import flint
import mpmath
import numpy as np
import numpy.typing as npt

from numerics import certified, fast, independent, orthogonal_fast
from numerics.arithmetic import Arithmetic, balls, bits_for, mpmath_numbers
from numerics.channel import (
    METHODS,
    choose_engine,
    log_goal,
    log_scale,
    radius_reached,
)
from numerics.components_path import general_path_kl
from numerics.constant_errors import constant_error_cost
from numerics.cores import Core, Functional
from numerics.exact import choice, shown
from numerics.levels import Level
from numerics.samplers import Ddpm, MomentMatched, Sampler
from numerics.schedules import Schedule
from numerics.structured import OrthogonalCore, ProductCore
from numerics.targets import Mixture, Target
from numerics.truth import PrecisionError, Truth
from numerics.whole import WholeCore, estimated

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
    target: Target,
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
    if chosen == "fast" or digits is None:
        return _fast(target, schedule, moments)
    if chosen == "mpmath":
        return _independent(target, schedule, digits, moments)
    return _certified(target, schedule, digits, moments)


def _fast(target: Target, schedule: Schedule, moments: tuple[str, ...]) -> KnotValues:
    """Machine numbers; the increments of the knots are taken in balls, before rounding."""
    core = target.core
    with balls(64).precision():
        exact = schedule.certified_knots(target, 64)
        knots = np.array([float(t.mid()) for t in exact])
        by = np.array([float((b - a).mid()) for a, b in pairwise(exact)])
    at, wide = knots[:-1], float(core.length_squared)

    def values(functional: Functional, name: str) -> Array:
        return fast.values(core, functional, knots if name in moments else knots[:0])

    mmse = fast.values(core, "mmse", knots)
    covariance = values("covariance_moment", "covariance_moment")
    information = values("mutual_information", "information")
    first, last = fast.values(core, "mutual_information", knots[[0, -1]])
    terms = by * mmse[:-1] / 2
    value = math.fsum([*terms, -last, first])
    tail = float(by @ fast.tails(core, at))
    largest = max(float(terms.max()), last, first)
    cancelled = max(1.2e-14 * largest, *fast.cancellation(core, knots[[0, -1]]))
    error = 1e-15 * (math.fsum(terms) + last + first) + cancelled + tail
    short = by < np.maximum(0.05 / wide if wide else math.inf, 0.02 * at)
    factor = core.factor if isinstance(core, ProductCore) else core
    short |= isinstance(factor, OrthogonalCore)
    if isinstance(factor, WholeCore) and factor.is_general:
        split, copies = general_path_kl(factor.target, schedule), core.rank // factor.rank
        value, error = copies * split.total, copies * split.errors[2]
    elif error > _CANCELLED * abs(value) and short.any():
        value, error = _without_cancellation(core, knots, by, terms, short)
        error += tail
    return KnotValues(
        knots.tolist(),
        mmse.tolist(),
        covariance.tolist(),
        information.tolist(),
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
    factor = core.factor if isinstance(core, ProductCore) else core
    if isinstance(factor, OrthogonalCore):
        value = core.rank // factor.rank * orthogonal_fast.path_kl(factor, knots, deltas)
        return value, 1e-13 * value
    nodes, weights = np.polynomial.legendre.leggauss(4)
    u = (nodes + 1) / 2
    at = knots[:-1][short][:, None] + deltas[short][:, None] * u
    covariance = fast.values(core, "covariance_moment", at.ravel()).reshape(at.shape)
    exact = deltas[short] ** 2 / 4 * (covariance * (weights * (1 - u))).sum(axis=1)
    edges = np.flatnonzero(np.diff(np.concatenate([[True], short, [True]]).astype(int)))
    information = fast.values(core, "mutual_information", knots[edges])
    long = terms[~short]
    value = math.fsum([*exact, *long, *information[::2], *-information[1::2]])
    cancelled = math.fsum(long) + math.fsum(information)
    return value, 1e-13 * math.fsum(exact) + 1.2e-14 * cancelled


def _certified(target: Target, schedule: Schedule, digits: int, moments: tuple[str, ...]) -> KnotValues:
    core = target.core
    scale = log_scale(core, "mutual_information")
    try:
        estimate = _fast(target, schedule, ()).path_kl
    except PrecisionError:
        estimate = 0.0
    goal = log_goal(digits, _log(estimate), scale)
    radius = flint.arb.pos_inf()
    for extra in (1.0, 12.0, 60.0, 3.0 * digits):
        values = _balls_at(target, schedule, goal - extra, moments)
        if radius_reached(values.path_kl, digits, scale):
            return values
        if not 2 * values.path_kl.rad() < radius:
            break
        radius = values.path_kl.rad()
    raise PrecisionError(
        f"path_kl: {digits} digits promised, but the radius reached is"
        f" {values.path_kl.rad().str(3, radius=False)} around {values.path_kl.mid().str(6, radius=False)}"
    )


def _balls_at(
    target: Target, schedule: Schedule, log_radius: float, moments: tuple[str, ...]
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
    mmse = [certified.value(core, "mmse", t, share - w) for t, w in zip(knots, widest, strict=True)]
    covariance = []
    if "covariance_moment" in moments:
        covariance = [
            certified.value(core, "covariance_moment", t, share - 2 * w)
            for t, w in zip(knots, widest, strict=True)
        ]
    wanted = knots if "information" in moments else [knots[0], knots[-1]]
    information = [certified.value(core, "mutual_information", t, log_radius - 2) for t in wanted]
    with balls(bits + 32).precision():
        total = _path_sum(knots, mmse, information[0], information[-1], flint.arb(0))
    every = information if "information" in moments else []
    return KnotValues(knots, mmse, covariance, every, information[0], information[-1], total, 0.0)


def _independent(target: Target, schedule: Schedule, digits: int, moments: tuple[str, ...]) -> KnotValues:
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
                independent.value(core, functional, t, digits + loss, smallest / max(w, smallest))[0]
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


def _vp_levels(schedule: Schedule, target: Target, knots: Sequence[Any], ops: Arithmetic) -> list[Level]:
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
    sampler: Ddpm, target: Target, values: KnotValues, levels: Sequence[Level], ops: Arithmetic
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


def _largest_ratio(target: Target, schedule: Schedule, sampler: Ddpm, ops: Arithmetic) -> Any:
    """At least 1 and the largest rho: how much a reverse variance magnifies errors of the mmse."""
    largest = ops.number(1)
    if sampler.variance in ("matched", "optimal"):
        return largest
    levels = _vp_levels(schedule, target, schedule.knots(target, ops), ops)
    for level, following in pairwise(levels):
        rho = sampler.variance_ratio(level, following, target.variance, ops)
        largest = largest if rho is None else ops.maximum([largest, rho])
    return largest


def _normal_start(schedule: Schedule, target: Target, values: KnotValues, ops: Arithmetic) -> Any:
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


def _lifted(target: Target, schedule: Schedule, values: KnotValues) -> KnotValues:
    """Machine values as balls of radius zero, so that rho - 1 - log rho does not cancel."""
    return replace(
        values,
        knots=schedule.certified_knots(target, 64),
        mmse=[flint.arb(x) for x in values.mmse],
        information_first=flint.arb(values.information_first),
        path_kl=flint.arb(values.path_kl),
    )


def _with_choices(
    target: Target,
    schedule: Schedule,
    sampler: Ddpm,
    start: str,
    values: KnotValues,
    ops: Arithmetic,
) -> Any:
    """The path KL for the sampler and start; None where it is infinite."""
    total = values.path_kl
    levels: list[Level] = []
    if sampler.variance != "matched":
        if sampler.variance != "optimal":
            levels = _vp_levels(schedule, target, values.knots, ops)
        extra = _reverse_variance(sampler, target, values, levels, ops)
        if extra is None:
            return None
        total = total + extra
    if sampler.score_error is not None:
        total = total + constant_error_cost(
            sampler, target, schedule, values.knots, values.mmse, levels, ops
        )
    if start == "normal":
        total = total + _normal_start(schedule, target, values, ops)
    return total


def path_kl_truth(
    target: Target,
    schedule: Schedule,
    sampler: Sampler | None = None,
    start: str = "exact",
    digits: int | None = None,
    engine: str | None = None,
    estimate: str | None = None,
) -> Truth:
    """The path KL as an enclosure, in nats; arguments and errors as for `path_kl`."""
    chosen, digits = choose_engine(digits, engine)
    target = estimated(target, estimate)
    if not isinstance(schedule, Schedule):
        raise ValueError(f"schedule: {shown(schedule)} is not a Schedule")
    choice(start, "start", ("exact", "normal"))
    rule = Ddpm() if sampler is None else sampler
    if not isinstance(rule, Sampler):
        raise ValueError(f"sampler: {shown(sampler)} is not a sampler")
    on_a_line = isinstance(target, Mixture) and target.core.rank <= 1
    if (
        not isinstance(rule, Ddpm)
        or callable(rule.score_error)
        or (isinstance(rule.score_error, Fraction) and digits is None and on_a_line)
    ):
        from numerics.sampler_path import sampler_path_kl
        from numerics.second_order import second_order_path_kl

        if not isinstance(target, Mixture):
            raise ValueError(f"target: the path KL of {rule!r} needs a Mixture, not {shown(target)}")
        if digits is None:
            return sampler_path_kl(target, schedule, rule, start)
        if not isinstance(rule, MomentMatched) or rule.order != 2 or rule.score_error is not None:
            raise ValueError(f"digits: {rule!r} has a path KL in the fast engine only")
        notes = (*target.notes, *schedule.notes(target))
        value = second_order_path_kl(target, schedule, digits, chosen, start)
        return Truth("path_kl", value, 0.0, chosen, digits, METHODS[chosen], notes)
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
    target: Target,
    schedule: Schedule,
    sampler: Sampler | None = None,
    start: str = "exact",
    digits: int | None = None,
    engine: str | None = None,
    estimate: str | None = None,
) -> Any:
    """KL(law of the true path at the knots || law of the sampler's path), in nats.

    `sampler` defaults to `samplers.Ddpm()` (matched reverse variance), `start` is "exact" or "normal".
    `digits=None`: float; `digits=n`: flint.arb whose radius is at most 10^-n max(KL, 10^-n max(H, 1));
    `engine="mpmath"`: mpf. `estimate` says what the sampler estimates: the core ("core", the default), or
    X itself ("X"; always where components have different covariances), on knots that are the snr of what
    is estimated. Raises ValueError for bad arguments, SpanError for means that span more than three
    dimensions, PrecisionError where the promised radius is out of reach. Source: Reeves and Pfister
    2025 (2502.02305), the I-MMSE form of the discretisation error.
    """
    return path_kl_truth(target, schedule, sampler, start, digits, engine, estimate).value
