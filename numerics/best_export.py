"""Knots of the core as noise levels of a target, in the convention that a sampler wants.

What belongs here: the dictionary of mathematics.md, section 4, read from right to left. What does not:
levels of the named schedules (`levels`).

With g = 1/t - v, the squared noise per signal of X: alpha_bar = 1/(1 + g), sigma = sqrt(g),
tau = sqrt(g)/(1 + sqrt(g)). Only snr up to 1/v are noise levels of X.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flint

from numerics.arithmetic import balls, bits_for, to_ball
from numerics.channel import choose_engine
from numerics.exact import choice
from numerics.schedules import Schedule
from numerics.targets import Target

__all__ = ["CONVENTIONS", "export"]


def _alpha_bar(t: flint.arb, rest: flint.arb) -> flint.arb:
    return t / (rest + t)


def _sigma(t: flint.arb, rest: flint.arb) -> flint.arb:
    return (rest / t).sqrt()


def _time(t: flint.arb, rest: flint.arb) -> flint.arb:
    return rest.sqrt() / (rest.sqrt() + t.sqrt())


CONVENTIONS: dict[str, Callable[[flint.arb, flint.arb], flint.arb]] = {
    "alpha_bar": _alpha_bar,
    "sigmas": _sigma,
    "times": _time,
}
"""Levels from t and 1 - t v, by convention."""


def export(schedule: Schedule, target: Target, convention: str, digits: int | None = None) -> list[Any]:
    """The schedule's knots as levels of the target, from noise to data: floats, or balls good to `digits`.

    `convention` is "alpha_bar", "sigmas" or "times"; `Schedule.from_alpha_bar` and so on read the list
    back. Raises ValueError where a knot is no level: beyond 1/v, or t = 0 (sigma is infinite) as a sigma.
    """
    choice(convention, "convention", tuple(CONVENTIONS))
    choose_engine(digits, None)
    if not isinstance(schedule, Schedule):
        raise ValueError(f"schedule: {schedule!r:.60} is not a Schedule")
    bits = 53 if digits is None else bits_for(digits)
    knots = schedule.certified_knots(target, 2 * bits + 64)
    levels = []
    with balls(2 * bits + 128).precision():
        v = to_ball(target.variance)
        exact = schedule.parameters["snr"] if "snr" in schedule.parameters else [None] * len(knots)
        last = len(knots) - 1
        for k, (t, value) in enumerate(zip(knots, exact, strict=True)):
            rest = 1 - t * v
            if value is not None:
                rest = to_ball(1 - value * target.variance)
            elif k == last and schedule.convention != "snr" and target.variance:
                # the levels themselves say whether the last one is free of noise
                rest = flint.arb(0) if schedule.levels(balls(64))[-1].noise_free else rest
            if rest < 0:
                raise ValueError(
                    f"schedule: knot {k} is {t.str(6, radius=False)}, beyond 1/v; it is no noise level of"
                    " the target"
                )
            if convention == "sigmas" and t.contains(0):
                raise ValueError(
                    f"schedule: knot {k} is 0, where sigma is infinite; give a start > 0, or export"
                    " alpha_bar or times"
                )
            levels.append(CONVENTIONS[convention](t, rest))
    return [float(x.mid()) for x in levels] if digits is None else levels
