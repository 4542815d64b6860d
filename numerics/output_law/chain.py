"""The chain of a sampler on a schedule, reduced to the span of the means, in machine numbers.

What belongs here: noise levels, the coefficients of every step and the Gaussian factor orthogonal to
the means, all taken in balls before rounding. What does not: densities (`stochastic`, `deterministic`).

With R = x/sqrt(s) the noised variable is R = A + sigma N, sigma^2 = q/s = 1/t, and a step of a stochastic
sampler is R' = R + pull (f(R) - R) + sqrt(noise) N. Orthogonal to the means every x is Gaussian, with mean
(share of the means' offset) and variance that follow a linear recursion.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from numerics.arithmetic import Arithmetic, balls
from numerics.channel import mmse
from numerics.exact import choice, shown
from numerics.levels import Level
from numerics.output_law.flow import Affine, across, flow_of
from numerics.output_law.tensor_frame import frame_of
from numerics.samplers import Ddim, Ddpm, Euler, MomentMatched, Sampler
from numerics.schedules import Schedule
from numerics.targets import Mixture
from numerics.truth import PrecisionError, SpanError

__all__ = [
    "Chain",
    "Complement",
    "Step",
    "chain_of",
    "coefficients_of",
    "exact_of",
    "levels_of",
    "positions",
]


@dataclass(frozen=True)
class Step:
    """R' = R + pull (f(R) - R) + sqrt(noise) N, f the core's posterior mean at snr t; all floats.

    An error e of the denoiser moves R by `lever` e. `root` is sqrt(s), so that x = root R.
    """

    t: float
    t_next: float
    pull: float
    noise: float
    lever: float
    root: float


@dataclass(frozen=True)
class Complement:
    """What is orthogonal to the span of the means: N(mean, variance I) for output and reference.

    `shift` and `excess` are the output's mean and relative variance minus the last level's; `strayed`
    times the part of a score error across the span is part of the output's mean.
    """

    dimension: int
    offset: float
    mean: float
    variance: float
    level_mean: float
    level_variance: float
    shift: float
    excess: float
    strayed: float = 0.0


@dataclass(frozen=True)
class Chain:
    """A target, schedule, sampler and start in the units of the core's span."""

    target: Mixture
    schedule: Schedule
    sampler: Sampler
    start: str
    atoms: tuple[Fraction, ...]
    weights: tuple[Fraction, ...]
    knots: tuple[float, ...]
    steps: tuple[Step, ...]
    matched: tuple[Step, ...]
    """The localization sampler's steps; empty, like `steps`, for a deterministic sampler."""
    excess: tuple[float, ...]
    """matched noise / noise - 1 of every step, infinite for a step without noise."""
    off: tuple[float, ...]
    """pull - matched pull of every step."""
    roots: tuple[float, ...]
    """sqrt(s) at every level."""
    silent_variance: float
    """The variance of x at a first level without signal."""
    start_variance: float
    """The variance of R at the start where `start` is "normal"."""
    first_kept: float
    """Where the first level has no signal: the variance of R after the step that its noise leaves."""
    scale: Fraction
    """The output is scale times R at the last level."""
    complement: Complement
    notes: tuple[str, ...]
    places: tuple[tuple[Fraction, ...], ...] = ()
    """Where the span of the means is a plane or space: the atoms there, in the order of `weights`."""
    drift: tuple[float, ...] = ()
    """There: the score error in the coordinates of `places`, empty without one."""

    @property
    def prior(self) -> npt.NDArray[np.float64]:
        """The weights, shape (K, 1)."""
        return np.array([[float(w)] for w in self.weights])


def exact_of(ball: Any) -> Fraction:
    """The midpoint of a ball, exactly."""
    mantissa, exponent = ball.mid().man_exp()
    whole, power = int(mantissa), int(exponent)
    return Fraction(whole << power) if power >= 0 else Fraction(whole, 1 << -power)


def levels_of(schedule: Schedule, target: Mixture, ops: Arithmetic) -> list[Level]:
    """The noise levels of the path, within `ops.precision()`; (t, 1 - t v) for knots t of the core.

    The noise-free level is left out where v = 0.
    """
    if schedule.convention != "snr":
        levels = [x for x in schedule.levels(ops) if target.variance or not x.noise_free]
        if len(levels) < 2:
            raise ValueError(
                "schedule: without its noise-free level no step is left, and the target has v = 0"
            )
        return levels
    one, v = ops.number(1), ops.number(target.variance)
    levels = [Level(t, one - t * v) for t in schedule.knots(target, ops)]
    if schedule.last_knot * target.variance == 1:
        levels[-1] = Level(levels[-1].signal, ops.number(0), noise_free=True)
    return levels


def positions(target: Mixture, ops: Arithmetic) -> tuple[list[Any], Any]:
    """Where the atoms lie along their line, and their common distance from the line's foot.

    The atoms are in the order of `target.core.coordinates`. Raises SpanError for a wider span.
    """
    core = target.core
    if core.rank > 1:
        raise SpanError(
            f"means: they span {core.rank} dimensions; the output law is available for means on a line"
        )
    ordered = _ordered(target)
    first, last = ordered[0], ordered[-1]
    square = sum((x * x for x in first), Fraction(0))
    if target.dimension == 1:
        return [ops.number(a[0]) for a in ordered], ops.number(0)
    if core.rank == 0:
        rest = square - first[0] ** 2
        return [ops.number(first[0])], ops.sqrt(ops.number(rest))
    along = sum((x * (y - x) for x, y in zip(first, last, strict=True)), Fraction(0))
    length = ops.sqrt(ops.number(core.diameter_squared))
    start = ops.number(along) / length
    rest = square - along**2 / core.diameter_squared
    return [start + ops.number(x) * length for (x,) in core.coordinates], ops.sqrt(ops.number(rest))


def _ordered(target: Mixture) -> list[tuple[Fraction, ...]]:
    """The atoms in the order of the core's coordinates."""
    if target.core.rank == 0:
        return [target.means[0]]
    return sorted(target.means)


def coefficients_of(
    sampler: Sampler, target: Mixture, schedule: Schedule, levels: list[Level], ops: Arithmetic
) -> list[Any]:
    """(keep, pull, noise) of every step in x units, in balls."""
    v = target.variance
    result: list[Any] = []
    if not isinstance(sampler, Ddpm | MomentMatched | Ddim):
        return result
    gains: list[Any] = [None] * (len(levels) - 1)
    if isinstance(sampler, Ddpm) and sampler.variance == "optimal":
        knots = schedule.knots(target, ops)
        dimension = target.dimension
        gains = [
            (b - a) * ops.number(Fraction(mmse(target, float(a)))) / dimension for a, b in pairwise(knots)
        ]
    for k, (level, following) in enumerate(pairwise(levels)):
        if schedule.convention == "snr" and not _plain(sampler) and following.noise < 0:
            raise ValueError(
                "sampler: a knot beyond 1/v is no noise level of the target; only the matched variance"
                " is defined there"
            )
        result.append(sampler.step(level, following, v, ops, gains[k]))
    return result


def _plain(sampler: Sampler) -> bool:
    """Whether the step is defined by the core alone."""
    return isinstance(sampler, MomentMatched) or (
        isinstance(sampler, Ddpm) and sampler.variance in ("matched", "optimal")
    )


@lru_cache(maxsize=64)
def chain_of(target: Mixture, schedule: Schedule, sampler: Sampler, start: str, most: int = 1) -> Chain:
    """The chain in machine numbers; ValueError for arguments of the wrong kind.

    Raises SpanError where the means span more than `most` dimensions.
    """
    if not isinstance(target, Mixture):
        raise ValueError(f"target: {shown(target)} is not a Mixture")
    if not isinstance(schedule, Schedule):
        raise ValueError(f"schedule: {shown(schedule)} is not a Schedule")
    if not isinstance(sampler, Sampler):
        raise ValueError(f"sampler: {shown(sampler)} is not a sampler")
    choice(start, "start", ("exact", "normal"))
    if target.core.rank > most:
        raise SpanError(
            f"means: they span {target.core.rank} dimensions; this is available for at most {most}"
        )
    if target.core.rank < 2 and isinstance(sampler.score_error, tuple):
        raise ValueError(
            "score_error: a vector needs means that span a plane or space; on a line give the number along"
            " it"
        )
    bits = 256
    for _ in range(8):
        chain = _attempt(target, schedule, sampler, start, bits)
        if chain is not None:
            return chain
        bits *= 2
    raise PrecisionError(f"schedule: the levels of {schedule.name} are too close to be told apart")


def _sound(number: Any) -> bool:
    """Whether a ball is exactly zero or known to machine precision."""
    return bool(number.rad() == 0 and number == 0) or bool(number.rel_accuracy_bits() > 60)


def _attempt(target: Mixture, schedule: Schedule, sampler: Sampler, start: str, bits: int) -> Chain | None:
    ops = balls(bits)
    with ops.precision():
        v = ops.number(target.variance)
        levels = levels_of(schedule, target, ops)
        knots = [x.signal / (x.noise + x.signal * v) for x in levels]
        if not all(a < b for a, b in pairwise(knots)):
            return None
        one_step = Ddim(0) if isinstance(sampler, Euler) and target.core.rank > 1 else sampler
        made = coefficients_of(one_step, target, schedule, levels, ops)
        by_core = schedule.convention == "snr"
        exact = (
            [MomentMatched(1).step(a, b, target.variance, ops) for a, b in pairwise(levels)] if made else []
        )
        steps: list[Step] = []
        matched: list[Step] = []
        excess: list[float] = []
        off: list[float] = []
        for k, (keep, pull, noise) in enumerate(made):
            level, following = levels[k], levels[k + 1]
            share = pull / ops.sqrt(following.signal)
            spread = noise / following.signal
            if not (_sound(share) and _sound(spread) and keep.is_finite()):
                return None
            own = exact[k].pull / ops.sqrt(following.signal), exact[k].noise / following.signal
            silent = noise.rad() == 0 and noise == 0
            excess.append(math.inf if silent else _difference(exact[k].noise / noise - 1))
            off.append(_difference(share - own[0]))
            lever = share if by_core else share * (level.noise + level.signal * v) / level.noise
            root = float(ops.sqrt(level.signal).mid())
            for found, (a, c) in ((steps, (share, spread)), (matched, own)):
                before, after, share_of, spread_of, lever_of = (
                    float(x.mid()) for x in (knots[k], knots[k + 1], a, c, lever)
                )
                found.append(Step(before, after, share_of, spread_of, lever_of, root))
        first, last = levels[0], levels[-1]
        unit = first.noise if schedule.convention == "sigmas" else ops.number(1)
        wide = target.core.rank > 1
        where, offset = positions(target, ops) if not wide else ([], frame_of(target).offset(ops))
        placed = _placed(target, sampler, ops) if wide else _Placed()
        begun = float((unit / first.signal).mid()) if first.signal > 0 else float("inf")
        kept = 0.0
        if made and not first.signal > 0:
            kept = float((made[0].keep * made[0].keep * first.noise / levels[1].signal).mid())
        scale = ops.number(1) if by_core else ops.sqrt(last.signal)
        carried = None
        if not made and target.dimension > 1:
            flow = flow_of(sampler, target, levels, by_core, ops)
            begun_across = ops.number(1)
            if flow.first_sigma is None:
                begun_across = ops.sqrt(unit / first.signal if start == "normal" else 1 / knots[0])
            own_mean = ops.number(int(start == "exact" and flow.first_sigma is None))
            carried = across(flow, Affine(own_mean, begun_across), ops)
        strayed = _strayed(levels, made, by_core, v, ops) if placed.stray else ops.number(0)
        complement = _complement(
            target, levels, made, start, unit, offset, scale, carried, strayed, placed, ops
        )
        return Chain(
            target,
            schedule,
            sampler,
            start,
            tuple(exact_of(a) for a in where),
            target.core.weights,
            tuple(float(t.mid()) for t in knots),
            tuple(steps),
            tuple(matched),
            tuple(excess),
            tuple(off),
            tuple(float(ops.sqrt(x.signal).mid()) for x in levels),
            float(first.noise.mid()),
            begun,
            kept,
            exact_of(scale),
            complement,
            (*target.notes, *schedule.notes(target)),
            placed.places,
            placed.drift,
        )


@dataclass(frozen=True)
class _Placed:
    """Atoms and score error in the frame of a wide span; inner products of the parts across it."""

    places: tuple[tuple[Fraction, ...], ...] = ()
    drift: tuple[float, ...] = ()
    stray: Fraction = Fraction(0)
    with_foot: Fraction = Fraction(0)


def _placed(target: Mixture, sampler: Sampler, ops: Arithmetic) -> _Placed:
    frame = frame_of(target)
    places = tuple(tuple(exact_of(x) for x in frame.coordinates(a, ops)) for a in target.means)
    error = sampler.score_error
    if error is None:
        return _Placed(places)
    if not isinstance(error, tuple) or len(error) != target.dimension:
        raise SpanError(
            f"score_error: means that span {frame.rank} dimensions need a constant vector of"
            f" {target.dimension} numbers"
        )
    drift = tuple(float(x.mid()) for x in frame.coordinates(error, ops))
    stray, foot = frame.across(error), frame.across(frame.foot)
    square = sum((x * x for x in stray), Fraction(0))
    return _Placed(
        places, drift, square, sum((x * y for x, y in zip(stray, foot, strict=True)), Fraction(0))
    )


def _strayed(levels: list[Level], made: list[Any], by_core: bool, v: Any, ops: Arithmetic) -> Any:
    """How often the error of the denoiser stands in x at the end, across the span."""
    total = ops.number(0)
    for (keep, pull, _), level in zip(made, levels[:-1], strict=True):
        total = keep * total + (pull if by_core else pull * (level.noise + level.signal * v) / level.noise)
    return total


def _difference(ball: Any) -> float:
    """A difference of balls as a float, 0 where it may vanish."""
    return 0.0 if ball.contains(0) else float(ball.mid())


def _complement(
    target: Mixture,
    levels: list[Level],
    made: list[Any],
    start: str,
    unit: Any,
    offset: Any,
    scale: Any,
    carried: Affine | None,
    strayed: Any,
    placed: _Placed,
    ops: Arithmetic,
) -> Complement:
    """The Gaussian factor at the last level, for the output and for the noised target."""
    v = ops.number(target.variance)
    first, last = levels[0], levels[-1]
    mean, variance = ops.sqrt(first.signal), first.noise + first.signal * v
    if start == "normal":
        mean, variance = ops.number(0), unit
    for keep, pull, noise in made:
        mean, variance = keep * mean + pull, keep * keep * variance + noise
    if carried is not None:
        root = ops.sqrt(last.signal)
        mean, variance = root * carried.mean, last.signal * carried.spread * carried.spread
    to_output = scale / ops.sqrt(last.signal)
    level_mean = ops.sqrt(last.signal)
    level_variance = last.noise + last.signal * v
    moved, excess = (mean / level_mean - 1) * scale, variance / level_variance - 1
    shift, strayed = moved * offset, strayed * to_output
    if placed.stray:
        shift = ops.sqrt(
            shift * shift
            + 2 * moved * strayed * ops.number(placed.with_foot)
            + strayed * strayed * ops.number(placed.stray)
        )
    square = to_output * to_output
    return Complement(
        target.dimension - max(target.core.rank, 1),
        float(offset.mid()),
        float((mean * offset * to_output).mid()),
        float((variance * square).mid()),
        float((level_mean * offset * to_output).mid()),
        float((level_variance * square).mid()),
        _difference(shift),
        _difference(excess),
        float(strayed.mid()),
    )
