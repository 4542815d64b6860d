"""The KL that a wrong start adds to the path KL.

What belongs here: the divergence of the laws at the first level. What does not: the path (`path`).

Of a law Y = t A + sqrt(t) N and a Gaussian with the covariance of the noise the KL is t E|A|^2/2 - I(t),
since E log(density of the noise) is known and the entropy of Y is that of the noise plus I(t).
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import flint
import mpmath

from numerics.arithmetic import Arithmetic, balls, bits_for, mpmath_numbers
from numerics.channel import METHODS, choose_engine, functional_truth, log_scale, radius_reached
from numerics.exact import choice
from numerics.schedules import Schedule
from numerics.targets import Target
from numerics.truth import PrecisionError, Truth

__all__ = ["start_kl_truth"]


def start_kl_truth(
    target: Target,
    schedule: Schedule,
    start: str = "exact",
    digits: int | None = None,
    engine: str | None = None,
) -> Truth:
    """KL(law at the first level || law that the sampler starts with), in nats, as an enclosure.

    0 for `start="exact"`. `start="normal"`: N(0, I) in the variance-preserving and flow-matching
    conventions, N(0, sigma_max^2 I) in the variance-exploding one, N(0, t_0 I) for knots of the core.
    Errors as for `path_kl`.
    """
    chosen, digits = choose_engine(digits, engine)
    choice(start, "start", ("exact", "normal"))
    notes = (*target.notes, *schedule.notes(target))

    def truth(value: Any, error: float = 0.0) -> Truth:
        return Truth("start_kl", value, error, chosen, digits, METHODS[chosen], notes)

    if digits is None:
        ops: Arithmetic = balls(128)
        with ops.precision():
            if start == "exact":
                return truth(0.0)
            first = float(schedule.certified_knots(target, 64)[0].mid())
            known = functional_truth("mutual_information", target, first)
            value = _cross_entropy(target, schedule, ops) - ops.number(Fraction(known.value))
            return truth(float(value.mid()), known.error + 1e-15)
    if chosen == "mpmath":
        ops = mpmath_numbers(2 * digits + 15)
        with ops.precision():
            if start == "exact":
                return truth(mpmath.mpf(0))
            first = schedule.knots(target, ops)[0]
            known = functional_truth("mutual_information", target, first, digits, "mpmath")
            return truth(_cross_entropy(target, schedule, ops) - known.value, known.error)
    scale = log_scale(target.core, "mutual_information")
    for more in (0, digits, 3 * digits):
        if start == "exact":
            return truth(flint.arb(0))
        ops = balls(bits_for(2 * (digits + more)) + 128)
        with ops.precision():
            first = schedule.knots(target, ops)[0]
            information = functional_truth("mutual_information", target, first, digits + more).value
            total = _cross_entropy(target, schedule, ops) - information
        if radius_reached(total, digits, scale):
            return truth(total)
    raise PrecisionError(f"start_kl: the radius promised by {digits} digits is out of reach")


def _cross_entropy(target: Target, schedule: Schedule, ops: Arithmetic) -> Any:
    """The KL plus I(t_0): what the mean log-density under the start differs by from that of the noise."""
    second = ops.number(target.second_moment)
    if schedule.convention == "snr":
        return schedule.knots(target, ops)[0] * second / 2
    level = schedule.levels(ops)[0]
    unit = level.noise if schedule.convention == "sigmas" else ops.number(1)
    signal = level.signal / unit
    q = level.noise / unit + signal * ops.number(target.variance)
    return target.dimension * (q - 1 - ops.log(q)) / 2 + signal * second / 2
