"""Deterministic samplers as compositions of steps in R = x/sqrt(s), in any number system.

What belongs here: the coefficients of the steps, and the composition over values that add and scale.
With sigma^2 = n/s, D the denoiser and share = 1 - sigma'/sigma, every step moves R towards estimates:

    Ddim, Euler    R' = R + share (D - R)
    Heun           R' = R + (share/2) (D - R) + (share sigma/(2 sigma')) (D' - R_e), R_e = Euler's R'
    DPM-Solver++   R' = R + share (D + c (D - D_before) - R), c = h/(2 h_before), h = log(sigma/sigma')

and the last step to sigma = 0 is Euler's. D = R + lever (f - R), lever = n/q, f the core's posterior mean.
Where the first level has no signal the start is nu = x/sqrt(n), and R_1 = E[A] + sigma_1 nu.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from numerics.arithmetic import Arithmetic
from numerics.levels import Level
from numerics.samplers import DpmSolverPlusPlus, Heun, Sampler
from numerics.targets import Mixture

__all__ = ["Affine", "Flow", "Stage", "Stride", "across", "compose", "flow_of"]


@dataclass(frozen=True)
class Stage:
    """A level: its snr t, lever = n/q, kept = 1 - lever = s v/q, root = sqrt(s), and what scales errors."""

    t: Any
    lever: Any
    kept: Any
    root: Any
    error: Any


@dataclass(frozen=True)
class Stride:
    """A step: share, rest = 1 - share, `back` of Heun's correction, `past` of the two-step rule or None."""

    share: Any
    rest: Any
    back: Any | None
    past: Any | None


@dataclass(frozen=True)
class Flow:
    """The levels and steps of a deterministic sampler; `first_sigma` is None where s > 0 at the start."""

    stages: tuple[Stage, ...]
    strides: tuple[Stride, ...]
    first_sigma: Any | None


@dataclass(frozen=True)
class Affine:
    """mean a + spread N for a fixed offset a: a value across the line of the means."""

    mean: Any
    spread: Any

    def __add__(self, other: Affine) -> Affine:
        return Affine(self.mean + other.mean, self.spread + other.spread)

    def __sub__(self, other: Affine) -> Affine:
        return Affine(self.mean - other.mean, self.spread - other.spread)

    def __mul__(self, factor: Any) -> Affine:
        return Affine(self.mean * factor, self.spread * factor)


def across(flow: Flow, start: Affine, ops: Arithmetic) -> Affine:
    """The last R across the line of the means, where the denoiser is R + lever (a - R)."""
    offset = Affine(ops.number(1), ops.number(0))

    def denoise(k: int, value: Affine) -> Affine:
        lever: Any = flow.stages[k].lever
        moved: Affine = value + (offset - value) * lever
        return moved

    result: Affine = compose(flow, start, offset, denoise)
    return result


def flow_of(sampler: Sampler, target: Mixture, levels: list[Level], by_core: bool, ops: Arithmetic) -> Flow:
    """The coefficients in a number system, within its `precision()`.

    Raises ValueError for a knot beyond 1/v, and for Heun where the first level has no signal.
    """
    v, one = ops.number(target.variance), ops.number(1)
    if any(level.noise < 0 for level in levels):
        raise ValueError(
            "sampler: a knot beyond 1/v is no noise level of the target; a deterministic sampler is not"
            " defined there"
        )
    silent = not levels[0].signal > 0
    if silent and isinstance(sampler, Heun):
        raise ValueError(
            "sampler: Heun's rule in sigma needs a first level with signal, but there sigma is infinite"
        )
    stages, strides = [], []
    for level in levels:
        q = level.noise + level.signal * v
        lever = level.noise / q
        stages.append(
            Stage(
                level.signal / q,
                lever,
                level.signal * v / q,
                ops.sqrt(level.signal),
                lever if by_core else one,
            )
        )
    squares = [None if i == 0 and silent else x.noise / x.signal for i, x in enumerate(levels)]
    before = None
    for k, (square, following) in enumerate(pairwise(squares)):
        if square is None:
            strides.append(Stride(one, ops.number(0), None, None))
            continue
        last = levels[k + 1].noise_free
        rest = ops.number(0) if last else ops.sqrt(following / square)
        share = one - rest
        back = past = None
        if not last:
            length = -ops.log(rest)
            if isinstance(sampler, Heun):
                back = share / (2 * rest)
            if isinstance(sampler, DpmSolverPlusPlus):
                past = None if before is None else length / (2 * before)
                before = length
        strides.append(Stride(share, rest, back, past))
    first_sigma = ops.sqrt(levels[1].noise / levels[1].signal) if silent else None
    return Flow(tuple(stages), tuple(strides), first_sigma)


def compose(
    flow: Flow,
    start: Any,
    mean: Any,
    denoise: Callable[[int, Any], Any],
    enter: Callable[[Any], Any] | None = None,
    leave: Callable[[Any, Any], Any] | None = None,
) -> Any:
    """The last value from the start, by `denoise(k, R)` -> D; values add, subtract and scale.

    `mean` is E[A] (with any error of the denoiser) where the first level has no signal. `enter` and `leave`
    surround each of Heun's steps: the first makes the value that the step is taken with, the second joins
    the value before with the step's result.
    """
    value, before, first = start, None, 0
    if flow.first_sigma is not None:
        value, first = mean + start * flow.first_sigma, 1
    for k in range(first, len(flow.strides)):
        stride = flow.strides[k]
        if stride.back is not None:
            outer, inner = value, value if enter is None else enter(value)
            estimate = denoise(k, inner)
            euler = inner * stride.rest + estimate * stride.share
            corrected = denoise(k + 1, euler)
            half = stride.share / 2
            value = inner * (1 - half) + estimate * half + (corrected - euler) * stride.back
            value = value if leave is None else leave(outer, value)
            continue
        estimate = wanted = denoise(k, value)
        if stride.past is not None and before is not None:
            wanted = estimate + (estimate - before) * stride.past
        value, before = value * stride.rest + wanted * stride.share, estimate
    return value
