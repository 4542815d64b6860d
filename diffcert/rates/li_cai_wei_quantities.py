"""Li, Cai and Wei: what the rates of their theorem measure, each by two routes.

What belongs here: the quantities. What does not: the ladders (`li_cai_wei`), the statements
(`theory.bounds.li_cai_wei_rates`), output laws (`numerics.output_law`), the trace (`numerics.trace_laws`).

The sampler is the paper's: noise variance 1 - alpha_t, which is `Ddpm("beta")`, on the paper's schedule.
The first route is the exact output law; the second is a sum of Gaussians over the nodes of a grid, step by
step (`numerics.direct_chain`), good to 1e-6. For means on a line in R^d the line is all that there is: with
the variance matched, what is orthogonal to it is N(0, I) at every level, for the output as for the target.

An error e of the paper's score is the error (1 - alpha_bar_t) e/sqrt(alpha_bar_t) of the denoiser
E[X | x_t] = (x_t + (1 - alpha_bar_t) S(x_t))/sqrt(alpha_bar_t), which the samplers of `numerics` take. The
paper's eps_score^2 is the mean over t = 1, ..., T of E e(x_t)^2 under the true law of x_t:

    constant   e = eps at every level;
    sine       e = b sin(x), and E sin(x_t)^2 = (1 - Re E exp(2 i x_t))/2 is known exactly;
    bump       e = b sqrt(alpha_bar_t (1 - alpha_bar_t)), largest half-way: the sum telescopes, as
               alpha_bar_{t-1} - alpha_bar_t = beta alpha_bar_t (1 - alpha_bar_t), and
               b^2 = eps^2 c1 log T/(alpha_bar_1 - alpha_bar_T), with no error at t = 1.

An error can also undo a part of the discretisation error, so that the total variation falls: what is
measured is the total variation between the outputs with and without it, which is at least what it adds.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from typing import Any

import flint
import mpmath
import numpy as np
import numpy.typing as npt

from diffcert.rates.quantities import Measure
from numerics import output_law, samplers
from numerics.arithmetic import balls, mpmath_numbers
from numerics.direct_chain import ERROR, direct_law, direct_tv, float_levels
from numerics.exact import choice, integer, rational, shown
from numerics.levels import LEVELS
from numerics.output_law import OutputLaw
from numerics.output_law.absolute import half_l1
from numerics.output_law.gaussian_sums import rounded_sum
from numerics.schedules import Schedule
from numerics.targets import Mixture
from numerics.trace_laws import pair_quantile, product_quantile
from numerics.truth import Truth

__all__ = ["QUANTITIES", "SHAPES"]

Array = npt.NDArray[np.float64]

SHAPES = ("constant", "sine", "bump")
"""The errors of the score."""

_DIRECTION = (Fraction(3, 5), Fraction(4, 5))
_MOST_DIMENSION = 10**6
_MOST_CHI_SQUARE = 10**4
_DIGITS = 8


# Targets and laws


def _schedule(steps: Any, c0: Any, c1: Any) -> Schedule:
    return Schedule.li_cai_wei(steps, c0, c1)


def _line(target: Any) -> Mixture:
    """A mixture of unit variance on a line, by its name or as a table of weights and means."""
    from diffcert.family import named_target

    made = named_target(target) if isinstance(target, str) else Mixture.from_dict(dict(target))
    if not isinstance(made, Mixture) or made.dimension != 1 or made.variance != 1:
        raise ValueError(f"target: {shown(target)} is not a mixture of variance 1 in one dimension")
    return made


def _ambient(line: Mixture, dimension: Any) -> Mixture:
    """The means on a line through the origin of R^d, in the direction (3, 4, 0, ..., 0)/5."""
    d = integer(dimension, "dimension", 1, _MOST_DIMENSION)
    if d == 1:
        return line
    rest = (Fraction(0),) * (d - 2)
    points = [tuple(a[0] * c for c in _DIRECTION) + rest for a in line.means]
    return Mixture(line.weights, points, line.variance)


@lru_cache(maxsize=512)
def _law(target: Mixture, schedule: Schedule, start: str) -> OutputLaw:
    return output_law(target, schedule, samplers.Ddpm("beta"), start)


def _tv(
    target: Any,
    steps: Any,
    c0: Any = 2,
    c1: Any = 10,
    start: str = "exact",
    reference: str = "last_level",
    dimension: Any = 1,
) -> Truth:
    """The total variation between output and reference."""
    law = _law(_ambient(_line(target), dimension), _schedule(steps, c0, c1), start)
    return law.truth("tv", reference)


def _second_tv(
    target: Any,
    steps: Any,
    c0: Any = 2,
    c1: Any = 10,
    start: str = "exact",
    reference: str = "last_level",
    dimension: Any = 1,
) -> tuple[float, float]:
    choice(reference, "reference", ("last_level", "target"))
    integer(dimension, "dimension", 1, _MOST_DIMENSION)
    return direct_tv(_line(target), _schedule(steps, c0, c1), start=start), ERROR


def _kl(target: Any, steps: Any, c0: Any = 2, c1: Any = 10) -> Truth:
    """KL(last level || output)."""
    return _law(_line(target), _schedule(steps, c0, c1), "exact").truth("kl", "last_level")


def _second_kl(target: Any, steps: Any, c0: Any = 2, c1: Any = 10) -> tuple[float, float]:
    line = _line(target)
    law = direct_law(line, _schedule(steps, c0, c1))
    p = _density(line, math.sqrt(law.alpha_bar))(law.x)
    kept = (p > 1e-30) & (law.density > 1e-300)
    ratio = law.density[kept] / p[kept]
    return float(law.spacing * (p[kept] * (ratio - 1 - np.log(ratio))).sum()), ERROR / 10


# Errors of the score


def _score_error(
    target: Mixture, schedule: Schedule, eps: Fraction, shape: str
) -> Callable[[Array, int], Array]:
    """e(x, k): the error of the score with the time-averaged mean square eps^2."""
    choice(shape, "shape", SHAPES)
    size = float(eps)
    if shape == "constant":
        return lambda x, k: np.full_like(x, size)
    signal, noise = float_levels(schedule)
    if shape == "bump":
        gained = float(signal[-1] - signal[0])
        scale = float(schedule.parameters["c1"]) * math.log(schedule.steps) / gained
        heights = size * np.sqrt(scale * signal * noise)
        return lambda x, k: np.full_like(x, heights[k])
    weights = np.array([float(w) for w in target.weights])
    atoms = np.array([float(a[0]) for a in target.means])
    waves = np.cos(2 * np.sqrt(signal)[:, None] * atoms) @ weights * math.exp(-2)
    height = size / math.sqrt(float(np.mean((1 - waves) / 2)))
    return lambda x, k: height * np.sin(x)


def _moved(
    target: Any, steps: Any, eps: Any, shape: str = "constant", c0: Any = 2, c1: Any = 10
) -> tuple[float, float]:
    """The total variation between the outputs with an error of the score and without."""
    line, schedule = _line(target), _schedule(steps, c0, c1)
    error = _score_error(line, schedule, rational(eps, "eps"), shape)
    signal, noise = float_levels(schedule)
    factor = noise / np.sqrt(signal)
    rule = samplers.Ddpm("beta", score_error=lambda x, k: factor[k] * error(x, k))
    wrong, right = output_law(line, schedule, rule), _law(line, schedule, "exact")
    low, high = wrong.extent("last_level", 9)
    coarse, fine = (_half_gap(wrong.density, right.density, low, high, n) for n in (8_000, 16_000))
    return fine, abs(fine - coarse) + 1e-11


def _half_gap(
    one: Callable[[Array], Any], other: Callable[[Array], Any], low: float, high: float, count: int
) -> float:
    """(1/2) int |one - other| by the midpoint rule."""
    h = (high - low) / count
    x: Array = low + h * (np.arange(count, dtype=float) + 0.5)
    return float(h * np.abs(one(x) - other(x)).sum() / 2)


def _second_moved(
    target: Any, steps: Any, eps: Any, shape: str = "constant", c0: Any = 2, c1: Any = 10
) -> tuple[float, float]:
    line, schedule = _line(target), _schedule(steps, c0, c1)
    error = _score_error(line, schedule, rational(eps, "eps"), shape)
    wrong, right = direct_law(line, schedule, error), direct_law(line, schedule)
    return float(wrong.spacing * np.abs(wrong.density - right.density).sum() / 2), ERROR


# Targets near a mixture


def _perturbed(line: Mixture, weight: Any, place: Any) -> Mixture:
    """(1 - w) target + w N(place, 1)."""
    w = rational(weight, "weight")
    if not 0 < w < 1:
        raise ValueError(f"weight: {shown(weight)} is not between 0 and 1")
    point = rational(place, "place")
    return Mixture([*((1 - w) * p for p in line.weights), w], [*(a[0] for a in line.means), point], 1)


def _distance(target: Any, weight: Any, place: Any, **_: Any) -> Truth:
    """The total variation between the mixture and the target near it, enclosed."""
    line = _line(target)
    other = _perturbed(line, weight, place)
    with balls(128).precision():
        sums, missed = [], flint.arb(0)
        for law in (line, other):
            made, error = rounded_sum(
                [_ball(w) for w in law.weights], [_ball(a[0]) for a in law.means], flint.arb(1)
            )
            sums.append(made)
            missed += error
        value = half_l1(*sums) + flint.arb(0, (missed / 2).upper())
    return Truth("tv", value, 0.0, "certified", None, "cells of certain sign, balls")


def _second_distance(target: Any, weight: Any, place: Any, **_: Any) -> tuple[float, float]:
    line = _line(target)
    other = _perturbed(line, weight, place)
    ends = [float(a[0]) for a in other.means]
    gap = _half_gap(_density(line), _density(other), min(ends) - 9.0, max(ends) + 9.0, 40_000)
    return gap, ERROR


def _ball(value: Fraction) -> flint.arb:
    return flint.arb(flint.fmpq(value.numerator, value.denominator))


def _approximation(
    target: Any, steps: Any, weight: Any, place: Any, c0: Any = 2, c1: Any = 10
) -> tuple[float, float]:
    """What the target's distance from the mixture adds, the sampler knowing the mixture's score alone.

    The total variation between output and target, less that between output and mixture; 1 - alpha_bar_1 is
    far below the stated error.
    """
    line, schedule = _line(target), _schedule(steps, c0, c1)
    other = _perturbed(line, weight, place)
    law = _law(line, schedule, "exact")
    right = law.truth("tv", "last_level")
    ends = [float(a[0]) for a in other.means]
    low, high = min(ends) - 9.0, max(ends) + 9.0
    coarse, fine = (_half_gap(law.density, _density(other), low, high, n) for n in (8_000, 16_000))
    return fine - right.value, abs(fine - coarse) + right.error + 1e-11


def _density(law: Mixture, scale: float = 1.0) -> Callable[[Array], Array]:
    """The density of the mixture with its means scaled."""
    weights = np.array([float(w) for w in law.weights])
    centres = scale * np.array([float(a[0]) for a in law.means])[:, None]

    def density(x: Array) -> Array:
        return np.asarray(weights @ np.exp(-((x - centres) ** 2) / 2) / math.sqrt(2 * math.pi))

    return density


def _second_approximation(
    target: Any, steps: Any, weight: Any, place: Any, c0: Any = 2, c1: Any = 10
) -> tuple[float, float]:
    line, schedule = _line(target), _schedule(steps, c0, c1)
    other = _perturbed(line, weight, place)
    right, reach = direct_tv(line, schedule), abs(rational(place, "place"))
    return direct_tv(line, schedule, against=other, reach=float(reach)) - right, 2 * ERROR


# The trace


def _pair(probability: Any) -> Truth:
    """The least x that the trace of no two equal components exceeds with a larger probability."""
    value = pair_quantile(rational(probability, "probability", 300), _DIGITS)
    return Truth("trace", value, 10.0**-_DIGITS * float(value), "mpmath", _DIGITS, "closed form, searched")


def _second_pair(probability: Any) -> tuple[float, float]:
    """The same in machine numbers, over a grid of distances."""
    p = rational(probability, "probability", 300)
    goal = math.log(p.numerator) - math.log(p.denominator)
    low, high = 0.0, 4 - 4 * goal
    for _ in range(60):
        x = (low + high) / 2
        low, high = (x, high) if max(_log_tail(x, s / 400) for s in range(1, 1200)) > goal else (low, x)
    return (low + high) / 2, 1e-4 * high


def _log_tail(x: float, s: float) -> float:
    """log P(trace > x) for two equal components at the distance 2 sqrt(x) cosh(s)."""
    half = math.sqrt(x) * math.cosh(s)
    reach = s / half
    inside = math.erfc((half - reach) / math.sqrt(2)) - math.erfc((half + reach) / math.sqrt(2))
    return math.log(inside) - math.log(2) if inside > 0 else -math.inf


def _product(target: Any, alpha_bar: Any, copies: Any, probability: Any, cells: Any = 144) -> Truth:
    """The least x with P(tr(I + J) > x) <= probability, for independent copies of a target."""
    p = rational(probability, "probability")
    value = product_quantile(_line(target), rational(alpha_bar, "alpha_bar"), p, copies, cells)
    return Truth("trace", value, 0.0, "certified", None, "laws rounded to a grid, convolved, balls")


def _second_product(target: Any, alpha_bar: Any, copies: Any, probability: Any, cells: Any = 144) -> Truth:
    return _product(target, alpha_bar, copies, probability, 2 * integer(cells, "cells", 1))


# A reverse variance that does not match


def _narrow(dimension: Any, steps: Any, c0: Any = 2, c1: Any = 10) -> Truth:
    """TV between N(0, I) and the output of Ddpm("beta_tilde") for it in R^d, exactly: chi-square tails."""
    d = integer(dimension, "dimension", 1, _MOST_CHI_SQUARE)
    schedule = _schedule(steps, c0, c1)
    ops = balls(256 + 4 * d)
    with ops.precision():
        s2 = _output_variance(schedule, ops)
        radius = d * (-s2.log()) / (1 / s2 - 1)
        half = flint.arb(d) / 2
        inner = (radius / (2 * s2)).gamma_lower(half, regularized=1)
        value = inner - (radius / 2).gamma_lower(half, regularized=1)
    return Truth("tv", value, 0.0, "certified", None, "incomplete gamma functions, balls")


def _second_narrow(dimension: Any, steps: Any, c0: Any = 2, c1: Any = 10) -> Truth:
    d = integer(dimension, "dimension", 1, _MOST_CHI_SQUARE)
    ops = mpmath_numbers(40)
    with ops.precision():
        s2 = _output_variance(_schedule(steps, c0, c1), ops)
        radius = d * (-mpmath.log(s2)) / (1 / s2 - 1)
        half = mpmath.mpf(d) / 2
        value = mpmath.gammainc(half, radius / 2, radius / (2 * s2), regularized=True)
    return Truth("tv", value, 1e-15, "mpmath", 20, "incomplete gamma functions, mpmath")


def _output_variance(schedule: Schedule, ops: Any) -> Any:
    """The variance that Ddpm("beta_tilde") returns for N(0, I): s'^2 = alpha s^2 + variance of the step."""
    levels = LEVELS["li_cai_wei"](schedule.parameters, ops)
    s2 = ops.number(1)
    for level, following in pairwise(levels):
        alpha = level.signal / following.signal
        s2 = alpha * s2 + (1 - alpha) * following.noise / level.noise
    return s2


# The table

_SUMS = "sums of Gaussians over nodes, step by step"

QUANTITIES: tuple[Measure, ...] = (
    Measure(
        "li_cai_wei_tv",
        "the total variation between the sampler's output and the law of the last level",
        _tv,
        _second_tv,
        _SUMS,
    ),
    Measure(
        "li_cai_wei_kl",
        "KL(law of the last level || output), in nats",
        _kl,
        _second_kl,
        _SUMS,
    ),
    Measure(
        "li_cai_wei_score_tv",
        "the total variation between the outputs with an error of the score and without",
        _moved,
        _second_moved,
        _SUMS,
    ),
    Measure(
        "li_cai_wei_distance",
        "the total variation between the target and the mixture near it",
        _distance,
        _second_distance,
        "the midpoint rule, machine numbers",
    ),
    Measure(
        "li_cai_wei_approximation_excess",
        "what the target's distance from a mixture adds to the total variation",
        _approximation,
        _second_approximation,
        _SUMS,
    ),
    Measure(
        "li_cai_wei_pair_trace",
        "the least x that the trace of no two equal components exceeds with more than this probability",
        _pair,
        _second_pair,
        "machine numbers, a grid of distances",
    ),
    Measure(
        "li_cai_wei_product_trace",
        "the least x that the trace of independent copies exceeds with the given probability",
        _product,
        _second_product,
        "a grid of twice as many cells",
    ),
    Measure(
        "li_cai_wei_narrow_tv",
        "the total variation of the sampler with the variance beta_tilde for a standard normal target",
        _narrow,
        _second_narrow,
        "mpmath",
    ),
)
"""The quantities of this module."""
