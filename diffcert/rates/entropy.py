"""Step counts against entropies, best schedules of rare atoms, loss-adaptive schedules: quantities.

What belongs here: what the rates of `theory.bounds.entropy_rates` measure, each by two routes. What does
not: their ladders (`entropy_ladders`), the statements, other papers.

**Steps needed.** The least n at which geometric knots 0, eps/V, ..., T of n steps have a path KL of at
most eps: n does and n - 1 does not. The first route compares in machine numbers (and raises
ArithmeticError where the path KL is within 1e-9 of eps); the second asks the certified engine at n and n
- 1.

**Best schedules.** lim n KL_best(n) = (1/4) (int sqrt(C))^2. The first route is `numerics.best_limit`,
the second the trapezoidal rule for C in the posterior log-odds of two atoms, C(t) = D^4 (1 - w) int
phi_u(l - l_0 + u/2) e^{2 l} (1 + e^l)^{-3} dl with u = t D^2 and l_0 = log(w/(1 - w)), and for the
integral of sqrt(C) in log t.

**Loss-adaptive schedules.** Knots that share out, in equal parts, a density read off a table of losses
M(s_j) on a fine grid from t_0 to T: the loss M itself ("loss"; equal information per step, since I' =
M/2), or sqrt((M(s_j) - M(s_(j+1))) (s_(j+1) - s_j)) per cell ("drops"; sqrt(C) in the limit, the best
density). Along a density g the path KL is (1/(4 n)) int C/g ds int g ds to leading order: with g = M it
is (1/(2 n)) (I(T) - I(t_0)) log(M(t_0)/M(T)).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from diffcert.rates.entropy_ladders import LADDERS
from diffcert.rates.quantities import Measure
from numerics.best import best_limit, best_schedules
from numerics.best_compare import steps_needed
from numerics.channel import fast_values, mmse, mutual_information
from numerics.exact import choice, integer, rational, text
from numerics.path import path_kl
from numerics.schedules import Schedule
from numerics.targets import Mixture, Target
from numerics.truth import Truth

__all__ = ["DENSITIES", "LADDERS", "QUANTITIES", "loss_adaptive"]

Array = npt.NDArray[np.float64]

DENSITIES = ("loss", "drops")
"""What a loss-adaptive schedule shares out in equal parts."""

MOST_STEPS = 20_000
_MARGIN = 1e-9
_TABLE = 16
"""Losses in the table per step of the schedule."""


def _target(target: Any) -> Target:
    from diffcert.family import named_target

    return named_target(target) if isinstance(target, str) else Target.from_dict(dict(target))


# Steps needed


def _geometric(target: Target, epsilon: Fraction, last: Fraction) -> Callable[[int], Schedule]:
    first = epsilon / target.core.variance
    if not first < last:
        raise ValueError(f"last: {text(last)} does not exceed epsilon/V = {text(first)}")

    def make(steps: int) -> Schedule:
        return Schedule.geometric(max(steps, 2), first, last)

    return make


def _steps_needed(target: Any, epsilon: Any, last: Any) -> Truth:
    law, goal = _target(target), rational(epsilon, "epsilon")
    make = _geometric(law, goal, rational(last, "last"))
    steps = steps_needed(law, goal, make, MOST_STEPS)
    if steps is None:
        raise ArithmeticError(f"steps_needed: more than {MOST_STEPS} steps")
    for n in (steps, steps - 1):
        if n > 1 and abs(path_kl(law, make(n)) / float(goal) - 1) < _MARGIN:
            raise ArithmeticError("steps_needed: the path KL is too close to epsilon to be told")
    return Truth("steps_needed", float(steps), 0.0, "fast", None, "machine numbers, with a margin")


def _steps_needed_again(target: Any, epsilon: Any, last: Any) -> Truth:
    law, goal = _target(target), rational(epsilon, "epsilon")
    make = _geometric(law, goal, rational(last, "last"))
    steps = int(_steps_needed(target, epsilon, last).value)
    within, beyond = (path_kl(law, make(n), digits=8) for n in (steps, max(steps - 1, 2)))
    bound = float(goal)
    if not within <= bound or (steps > 2 and not beyond > bound):
        raise ArithmeticError(f"steps_needed: {steps} is not the least number of steps")
    return Truth("steps_needed", float(steps), 0.0, "fast", None, "balls at n and n - 1")


# Best schedules


def _best_limit(target: Any, start: Any, stop: Any) -> Truth:
    return best_limit(_target(target), rational(start, "start"), rational(stop, "stop"))


def _two_atom_limit(target: Any, start: Any, stop: Any) -> Truth:
    law = _target(target)
    first, last = rational(start, "start"), rational(stop, "stop")
    if not isinstance(law, Mixture) or len(law.weights) != 2:
        return Truth("best_limit", *_sampled_limit(law, first, last), "fast", None, "sampled C")
    weight = min(law.weights)
    rest = math.log1p(-float(weight))
    odds = math.log(weight.numerator) - math.log(weight.denominator) - rest
    wide = float(law.core.diameter_squared)
    values = [
        _root_integral(
            lambda t: _two_atom_moment(t, odds, math.log1p(-float(weight))), first, last, wide, size
        )
        for size in (600, 1200)
    ]
    value, error = values[1] ** 2 / 4, abs(values[1] - values[0]) * values[1]
    return Truth("best_limit", value, error + 1e-11 * value, "fast", None, "log-odds, trapezoidal rule")


def _two_atom_moment(t: Array, odds: float, log_rest: float) -> Array:
    """C for two atoms at distance 1, t = snr D^2."""
    at = np.linspace(-60, 60, 4801)
    h = at[1] - at[0]
    away = at[None, :] - odds + t[:, None] / 2
    logs = -(away**2) / (2 * t[:, None]) - np.log(2 * np.pi * t[:, None]) / 2 + log_rest
    logs = logs + 2 * at - 3 * np.logaddexp(0, at)
    peaks = logs.max(axis=1, keepdims=True)
    # below t = 1 the density is narrow, and the grid too coarse: quadrature in its own units
    wide = (np.exp(logs - peaks).sum(axis=1) * h) * np.exp(peaks[:, 0])
    z = np.linspace(-12, 12, 4801)
    inner = odds - t[:, None] / 2 + np.sqrt(t)[:, None] * z
    narrow = np.exp(-(z**2) / 2 + 2 * inner - 3 * np.logaddexp(0, inner) + log_rest)
    narrow = narrow.sum(axis=1) * (z[1] - z[0]) / math.sqrt(2 * math.pi)
    return np.asarray(np.where(t < 1, narrow, wide))


def _root_integral(
    moment: Callable[[Array], Array], first: Fraction, last: Fraction, wide: float, size: int
) -> float:
    """int sqrt(C) ds: a linear piece up to a small snr, then Gauss's rule on panels of log t."""
    low, high = float(first) * wide, float(last) * wide
    start = max(low, 1e-6)
    head = 0.0 if low >= start else (start - low) * float(np.sqrt(moment(np.array([start / 2]))[0]))
    rule = np.polynomial.legendre.leggauss(24)
    panels = np.linspace(math.log(start), math.log(high), size // 24 + 1)
    total = 0.0
    for a, b in pairwise(panels):
        t = np.exp((a + b) / 2 + (b - a) / 2 * rule[0])
        total += float((np.sqrt(moment(t)) * t * rule[1]).sum() * (b - a) / 2)
    return head + total


def _sampled_limit(target: Target, first: Fraction, last: Fraction) -> tuple[float, float]:
    """The same for any core, C from the fast tier at the nodes of another rule than `best_limit`'s."""
    core = target.core
    wide = float(core.length_squared)

    def moment(t: Array) -> Array:
        return np.asarray(fast_values(core, "covariance_moment", t / wide)) / wide**2

    roots = [_root_integral(moment, first, last, wide, size) for size in (480, 960)]
    value = roots[1] ** 2 / 4
    return value, abs(roots[1] - roots[0]) * roots[1] + 1e-7 * value


# Loss-adaptive schedules


def loss_adaptive(target: Target, steps: int, start: Any, stop: Any, density: str = "drops") -> Schedule:
    """The schedule of n steps that shares out a density read off a table of losses in equal parts.

    `start` > 0 and `stop` are snr of the core; `density` is "loss" (M: equal information per step) or
    "drops" (sqrt of the drop of M times the width of the cell). The table has 16 n + 1 losses at snr in
    constant ratio. Raises ValueError naming the argument.
    """
    count = integer(steps, "steps", 1)
    low, high = rational(start, "start"), rational(stop, "stop")
    choice(density, "density", DENSITIES)
    if not 0 < low < high:
        raise ValueError(f"start, stop: {text(low)}, {text(high)} are not 0 < start < stop")
    table = np.exp(np.linspace(math.log(low), math.log(high), max(_TABLE * count, 512) + 1))
    losses = np.asarray(fast_values(target.core, "mmse", table))
    widths = np.diff(table)
    if density == "loss":
        shares = (losses[1:] + losses[:-1]) / 2 * widths
    else:
        shares = np.sqrt(np.maximum(losses[:-1] - losses[1:], 0) * widths)
    total = np.concatenate([[0.0], np.cumsum(shares)])
    inner = np.interp(total[-1] * np.arange(1, count) / count, total, table)
    knots = [low, *(Fraction(f"{x:.12g}") for x in inner.tolist()), high]
    return Schedule.from_snr(knots)


def _adaptive_kl(target: Any, start: Any, stop: Any, steps: Any, density: Any) -> Truth:
    law = _target(target)
    schedule = loss_adaptive(law, steps, start, stop, density)
    value = integer(steps, "steps", 1) * path_kl(law, schedule)
    return Truth("adaptive_kl", value, 1e-10 * value, "fast", None, "machine numbers")


def _adaptive_kl_again(target: Any, start: Any, stop: Any, steps: Any, density: Any) -> Any:
    law = _target(target)
    schedule = loss_adaptive(law, steps, start, stop, density)
    return integer(steps, "steps", 1) * path_kl(law, schedule, digits=10)


def _best_kl(target: Any, start: Any, stop: Any, steps: Any, density: Any = None) -> Truth:
    law, count = _target(target), integer(steps, "steps", 1)
    found = best_schedules(law, count, rational(start, "start"), rational(stop, "stop"))[0]
    return Truth(
        "best_kl", count * found.path_kl, 1e-10 * count * found.path_kl, "fast", None, "stationary"
    )


def _best_kl_again(target: Any, start: Any, stop: Any, steps: Any, density: Any = None) -> Any:
    law, count = _target(target), integer(steps, "steps", 1)
    found = best_schedules(law, count, rational(start, "start"), rational(stop, "stop"))[0]
    return count * path_kl(law, found.schedule, digits=10)


def _loss_limit(target: Any, start: Any, stop: Any, steps: Any = None, density: Any = None) -> Any:
    """(1/2) (I(T) - I(t_0)) log(M(t_0)/M(T)), by balls."""
    law, (first, last) = _target(target), (rational(start, "start"), rational(stop, "stop"))
    gained = mutual_information(law, last, digits=30) - mutual_information(law, first, digits=30)
    return gained * (mmse(law, first, digits=30) / mmse(law, last, digits=30)).log() / 2


def _loss_limit_again(target: Any, start: Any, stop: Any, steps: Any = None, density: Any = None) -> Any:
    law, ends = _target(target), (rational(start, "start"), rational(stop, "stop"))
    information = [float(mutual_information(law, t, digits=30, engine="mpmath")) for t in ends]
    losses = [float(mmse(law, t, digits=30, engine="mpmath")) for t in ends]
    value = (information[1] - information[0]) * math.log(losses[0] / losses[1]) / 2
    return value, 1e-13 * value


QUANTITIES: tuple[Measure, ...] = (
    Measure(
        "steps_needed",
        "the least n for which geometric knots 0, epsilon/V, ..., T of n steps have a path KL <= epsilon",
        _steps_needed,
        _steps_needed_again,
        "certified balls at n and at n - 1",
    ),
    Measure(
        "best_limit",
        "lim n KL_best(n) = (1/4) (int sqrt(C))^2 from snr start to snr stop, in nats",
        _best_limit,
        _two_atom_limit,
        "posterior log-odds of two atoms, another rule in log t",
    ),
    Measure(
        "adaptive_kl",
        "n times the path KL of the loss-adaptive schedule of n steps, in nats",
        _adaptive_kl,
        _adaptive_kl_again,
        "certified balls on the same knots",
    ),
    Measure(
        "best_kl",
        "n times the path KL of the best schedule of n steps, in nats",
        _best_kl,
        _best_kl_again,
        "certified balls on the same knots",
    ),
    Measure(
        "loss_limit",
        "(1/2) (I(T) - I(t_0)) log(M(t_0)/M(T)), in nats",
        _loss_limit,
        _loss_limit_again,
        "the mpmath engine",
    ),
)
"""The quantities of this module."""
