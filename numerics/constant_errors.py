"""What a constant error of the denoiser adds to the path KL.

What belongs here: its mean square at every knot, and its cost. What does not: errors that are functions
(`sampler_path`, in machine numbers), reverse variances (`path`).

A step of ratio rho = matched variance/used variance whose posterior mean has the error e_k, a function of
Y_(t_k), costs (1/2) rho delta_k E|e_k|^2 more: given Y the sampler's step is Gaussian, and E<A - m, e> = 0.
An error e of the denoiser E[X | x] is an error (q/n) e of the posterior mean of the core, q = n + s v
(`samplers`); for knots of the core the denoiser is the posterior mean itself. In several dimensions a
number is the length of a constant vector.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from numerics.arithmetic import Arithmetic
from numerics.levels import Level
from numerics.samplers import Ddpm
from numerics.schedules import Schedule
from numerics.targets import Target

__all__ = ["constant_error_cost", "constant_error_moments"]


def constant_error_moments(target: Target, schedule: Schedule, sampler: Ddpm, ops: Arithmetic) -> list[Any]:
    """E|e_k|^2 of the posterior mean at every knot at which a step begins, in squared units of the means.

    To be called within `ops.precision()`. Raises ValueError for an error that is a function.
    """
    if callable(sampler.score_error):
        raise ValueError("score_error: the mean square of a function is known in machine numbers only")
    square = ops.number(_length_squared(sampler.score_error, target))
    if schedule.convention == "snr" or sampler.score_error is None:
        return [square for _ in schedule.knots(target, ops)[1:]]
    v = ops.number(target.variance)
    levels = [level for level in schedule.levels(ops) if target.variance or not level.noise_free]
    moments = []
    for level in levels[:-1]:
        lever = 1 + level.signal * v / level.noise
        moments.append(square * lever * lever)
    return moments


def _length_squared(error: Fraction | tuple[Fraction, ...] | None, target: Target) -> Fraction:
    if error is None:
        return Fraction(0)
    if isinstance(error, Fraction):
        return error * error
    if len(error) != target.dimension:
        raise ValueError(
            f"score_error: it has {len(error)} coordinates, the target has {target.dimension} dimensions"
        )
    return sum((x * x for x in error), Fraction(0))


def constant_error_cost(
    sampler: Ddpm,
    target: Target,
    schedule: Schedule,
    knots: Sequence[Any],
    mmse: Sequence[Any],
    levels: Sequence[Level],
    ops: Arithmetic,
) -> Any:
    """(1/2) sum rho_k delta_k E|e_k|^2, for finite rho_k; `levels` are not needed where rho_k = 1."""
    total = ops.number(0)
    for k, moment in enumerate(constant_error_moments(target, schedule, sampler, ops)):
        size = knots[k + 1] - knots[k]
        rho: Any = ops.number(1)
        if sampler.variance == "optimal":
            rho = 1 / (1 + size * mmse[k] / target.dimension)
        elif sampler.variance != "matched":
            rho = sampler.variance_ratio(levels[k], levels[k + 1], target.variance, ops)
        total = total + rho * size * moment / 2
    return total
