"""Strategies for instances of the schedule of Li, Cai and Wei.

What belongs here: its parameters, levels, points and thresholds. What does not: that schedule as one of
many (`schedules`).

The parameters are taken from lists, of which those are kept that satisfy the hypotheses. A level is any,
or the one at which the mixture changes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from diffcert.strategies.needs import Needs, satisfied
from diffcert.strategies.numbers import MULTIPLES, rounded
from diffcert.strategies.targets import mixtures, units

if TYPE_CHECKING:
    from diffcert.li_cai_wei import LiCaiWeiInstance
    from numerics import Mixture

__all__ = ["li_cai_wei_instances"]

_COUNTS = (100, 9, 20, 12, 60, 4, 2, 400)
_STARTS = tuple(Fraction(x) for x in ("2", "1", "1/2", "3", "3/4", "1/4"))
_RATIOS = tuple(Fraction(x) for x in ("5", "4", "2", "10", "3/2", "1", "4/3"))
"""c1/c0; 4 and 4/3 are where the powers of T begin that are claimed of the last noise."""
_SHARES = tuple(Fraction(x) for x in ("1/2", "9/10", "1", "5/4", "3"))
"""c1 log T/T; above 1 the levels pass 1, which is asked about where no hypothesis forbids it."""
_LONG = 100
"""Steps beyond which the levels of a share of 1 come closer to 1 than any precision tells."""
_POINTS = tuple(Fraction(x) for x in ("0", "1/2", "-3", "3/2", "10"))
_FACTORS = tuple(Fraction(x) for x in ("2", "4", "1/2", "1", "6", "1/10"))

_EXCESSES = (1.2, 1.5, 1.05, 2.0, 0.9)

Parameters = tuple[int, Fraction, Fraction]


def li_cai_wei_instances(
    needs: Needs, targets: st.SearchStrategy[Mixture] | None
) -> st.SearchStrategy[LiCaiWeiInstance]:
    """Instances with the parameters, level, point and factor that a claim is about."""
    factors = [factor for factor in _FACTORS if satisfied(needs, {"tail_factor": factor})]
    parameters = _parameters(needs)
    if not parameters or not factors:
        raise ValueError("claim: none of the parameters that are tried here satisfies its hypotheses")
    return _instances(needs, targets, parameters, tuple(factors))


def _parameters(needs: Needs) -> tuple[tuple[Parameters, ...], ...]:
    """T, c0 and c1 in all combinations that satisfy the hypotheses, grouped by T."""
    levels_matter = needs.wanted != {"recursion"}
    found = []
    for steps in _COUNTS:
        log = math.log(steps)
        largest = Fraction(math.floor(1000 * steps / log), 1000)
        group = []
        for start in _STARTS:
            for rate in [*(start * ratio for ratio in _RATIOS), *(largest * share for share in _SHARES)]:
                if rate >= largest and ((levels_matter and rate > largest) or steps > _LONG):
                    continue
                values = {
                    "paper_steps": steps,
                    "start_exponent": start,
                    "rate_constant": rate,
                    "step_rate": float(rate) * log / steps,
                }
                if satisfied(needs, values):
                    group.append((steps, start, rate))
        if group:
            found.append(tuple(group))
    return tuple(found)


@st.composite
def _instances(
    draw: st.DrawFn,
    needs: Needs,
    targets: st.SearchStrategy[Mixture] | None,
    parameters: tuple[tuple[Parameters, ...], ...],
    factors: tuple[Fraction, ...],
) -> LiCaiWeiInstance:
    from diffcert.li_cai_wei import LiCaiWeiInstance

    steps, start, rate = draw(st.sampled_from(draw(st.sampled_from(parameters))))
    if needs.wanted == {"recursion"}:
        return LiCaiWeiInstance(steps, start, rate)
    least = 2 if "level" in needs.wanted else 1
    level = draw(st.integers(least, steps))
    if needs.wanted <= {"recursion", "level"}:
        return LiCaiWeiInstance(steps, start, rate, level)
    if targets is None and factors and "trace_threshold" in needs.wanted and draw(st.booleans()):
        return draw(_half_way(steps, start, rate, level, factors))
    target = draw(_targets(needs) if targets is None else targets)
    if not draw(st.booleans()):
        odds = draw(st.sampled_from(MULTIPLES)) * draw(st.sampled_from(units(target)))
        level = max(least, _level_of(float(odds), steps, float(start), float(rate)))
    x = draw(st.sampled_from(_POINTS)) if "noised_point" in needs.wanted else 0
    factor = draw(st.sampled_from(factors)) if "trace_threshold" in needs.wanted else None
    return LiCaiWeiInstance(steps, start, rate, level, target, [x] * target.dimension, factor)


def _targets(needs: Needs) -> st.SearchStrategy[Mixture]:
    dimension = 1 if "trace_threshold" in needs.wanted else None
    return mixtures(min_atoms=2, variances=(1,), dimension=dimension)


@st.composite
def _half_way(
    draw: st.DrawFn, steps: int, start: Fraction, rate: Fraction, level: int, factors: tuple[Fraction, ...]
) -> LiCaiWeiInstance:
    """Two equal components so far apart that half-way between them the trace just exceeds the threshold.

    There it is alpha_bar D^2/4, to be compared with C_1 log(2 T).
    """
    from diffcert.li_cai_wei import LiCaiWeiInstance
    from numerics import Mixture

    factor, over = draw(st.sampled_from(factors)), draw(st.sampled_from(_EXCESSES))
    signal = dict(_signals(steps, float(start), float(rate)))[level]
    half = rounded(math.sqrt(over * float(factor) * math.log(2 * steps) / signal))
    target = Mixture([Fraction(1, 2)] * 2, [-half, half], 1)
    return LiCaiWeiInstance(steps, start, rate, level, target, factor=factor)


def _signals(steps: int, start: float, rate: float) -> Iterator[tuple[int, float]]:
    """Each level with its alpha_bar, from the noisiest."""
    signal, growth = math.exp(-start * math.log(steps)), rate * math.log(steps) / steps
    for level in range(steps, 0, -1):
        yield level, signal
        signal += growth * signal * (1 - signal)


def _level_of(odds: float, steps: int, start: float, rate: float) -> int:
    """The noisiest level at which alpha_bar/(1 - alpha_bar) is as large, or the last."""
    late = (level for level, signal in _signals(steps, start, rate) if signal >= odds * (1 - signal))
    return next(late, 1)
