"""The exact path KL of every stochastic sampler, in machine numbers.

What belongs here: the KL of one step for estimates of higher order, and what other drifts, variances and
score errors add. The matched sampler's path KL is `path`'s.

One step of the core from snr t to t + delta, given R: with B = sqrt(delta) (A - f) under the posterior and
its estimate B_hat, the step's KL is that of B + N from B_hat + N, and with rho = (law of B_hat + N)/(law of
B + N) it is the integral of (law of B + N) (rho - 1 - log rho), a positive integrand. Where B is small the
difference of the two densities is taken from the moments, of which the first p cancel exactly:
phi(w) sum_{k > p} (E B_hat^k - E B^k) He_k(w)/k!.

For a Gaussian step with drift coefficient b instead of the matched b_0, variance c instead of c_0 and
error e (all in units of R, rho = c_0/c), the step adds to the matched one

    (1/2) [ d (rho - 1 - log rho) + (rho - 1) delta M + (rho/c_0) E|(b - b_0)(f - R) + e|^2 ],

from the Gaussian's cross-entropy, in which E|f - R|^2 = d/t - M and E(f - R) = 0.
"""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import combinations

import numpy as np
import numpy.typing as npt

from numerics.arithmetic import balls
from numerics.channel import mmse, mutual_information
from numerics.output_law.branches import error_values, gauss_rule
from numerics.output_law.chain import Chain, chain_of, levels_of
from numerics.output_law.mixture import Line
from numerics.output_law.score_errors import level_grid, mean_over_level
from numerics.path import path_kl_truth
from numerics.samplers import Ddpm, MomentMatched, Sampler
from numerics.schedules import Schedule
from numerics.targets import Mixture
from numerics.truth import PrecisionError, Truth

__all__ = ["sampler_path_kl", "step_kl"]

Array = npt.NDArray[np.float64]

_TAIL = 9.0
_SERIES = 0.5
_WIDE = 12.0
"""Atoms that spread over more deviations of a step's noise are looked at one by one."""
_RESOLVED = 20.0
"""Between atoms further apart than this, in deviations, the density is below 1e-22."""
_MOST_NODES = 1e6
_FARTHEST = 1e14
"""Atoms further apart than this have no grid around them in machine numbers."""

_TERMS = 64
_LEAST = 1e-22
_BLOCK = 1 << 20


def sampler_path_kl(
    target: Mixture, schedule: Schedule, sampler: Sampler | None = None, start: str = "exact"
) -> Truth:
    """KL(law of the true path at the knots || law of the sampler's path), in nats, for any sampler.

    Infinite for a deterministic sampler, and where a step's noise is zero. Raises ValueError for bad
    arguments, SpanError for means that span more than a line. Sources: Reeves and Pfister 2025
    (2502.02305) for the decomposition; mathematics.md, sections 4 and 6.
    """
    rule = Ddpm() if sampler is None else sampler
    chain = chain_of(target, schedule, rule, start)

    def truth(value: float, error: float, more: tuple[str, ...] = ()) -> Truth:
        return Truth("path_kl", value, error, "fast", None, "step by step", (*chain.notes, *more))

    if not rule.stochastic:
        return truth(math.inf, 0.0, ("a deterministic sampler's path KL is infinite",))
    if isinstance(rule, MomentMatched) and rule.order > 1:
        terms = [step_kl(chain, k) for k in range(len(chain.steps))]
        value, error = math.fsum(x for x, _ in terms), math.fsum(x for _, x in terms)
    else:
        matched = path_kl_truth(target, schedule)
        more = [_extra(chain, k) for k in range(len(chain.steps))]
        value = math.fsum([matched.value, *(x for x, _ in more)])
        error = math.fsum([matched.error, *(x for _, x in more)])
    if math.isinf(value):
        note = "the reverse variance is zero at the noise-free level: the path KL is infinite"
        return truth(math.inf, 0.0, (note,))
    if start == "normal":
        begun = _start(target, schedule)
        value, error = value + begun, error + 1e-15 * (1 + begun)
    return truth(value, error)


def _start(target: Mixture, schedule: Schedule) -> float:
    """KL of the law at the first level from what the sampler starts with."""
    ops = balls(256)
    with ops.precision():
        level = levels_of(schedule, target, ops)[0]
        v, one = ops.number(target.variance), ops.number(1)
        unit = level.noise if schedule.convention == "sigmas" else one
        q = (level.noise + level.signal * v) / unit
        gaussian = target.dimension * (q - 1 - ops.log(q)) / 2
        gaussian = gaussian + level.signal / unit * ops.number(target.second_moment) / 2
        t = float((level.signal / (level.noise + level.signal * v)).mid())
        rest = float(gaussian.mid())
    return rest - float(mutual_information(target, t))


# Gaussian steps


def _extra(chain: Chain, k: int) -> tuple[float, float]:
    """What the step adds to the matched sampler's, and its error estimate."""
    step, matched, d = chain.steps[k], chain.matched[k], chain.target.dimension
    if not step.noise:
        return math.inf, 0.0
    ratio = matched.noise / step.noise
    excess = chain.excess[k]
    moved, doubt = _drift(chain, k)
    gain = float(mmse(chain.target, step.t)) * matched.pull**2 / matched.noise
    value = (
        d * (excess - _log_one_plus(excess, ratio)) if abs(excess) > 1e-3 else d * _small(excess)
    ) + excess * gain
    value += ratio * moved / matched.noise
    return value / 2, (2e-13 * abs(excess) * gain + ratio * doubt / matched.noise) / 2 + 2e-15 * abs(value)


def _log_one_plus(excess: float, ratio: float) -> float:
    """log(1 + excess), from 1 + excess itself where the sum loses digits."""
    return math.log1p(excess) if excess > -0.5 else math.log(ratio)


def _small(x: float) -> float:
    """x - log(1 + x)."""
    if abs(x) > 1e-3:
        return x - math.log1p(x)
    return x * x * math.fsum((-x) ** (n - 2) / n for n in range(2, 9))


def _drift(chain: Chain, k: int) -> tuple[float, float]:
    """E|(b - b_0)(f - R) + e|^2 and its error estimate, in units of R after the step."""
    step, error = chain.steps[k], chain.sampler.score_error
    off, d = chain.off[k], chain.target.dimension
    if not step.t:
        shift = 0.0 if error is None else step.lever * float(_constant(error))
        return chain.first_kept * d + shift * shift, 0.0
    spread = d / step.t
    if error is None or isinstance(error, Fraction):
        shift = 0.0 if error is None else step.lever * float(error)
        value = off * off * (spread - float(mmse(chain.target, step.t))) if off else 0.0
        return value + shift * shift, 2e-13 * value
    line = Line.of(chain.weights, chain.atoms, 1 / step.t)
    function = error

    def square(r: Array) -> Array:
        _, towards, _ = line.posterior(r)
        return np.asarray((off * towards + step.lever * error_values(function, step.root * r, k)) ** 2)

    value, doubt = mean_over_level(line, square)
    return value + off * off * (d - 1) / step.t, doubt


def _constant(error: object) -> Fraction:
    if not isinstance(error, Fraction):
        raise ValueError("score_error: a function at a first level without signal is not supported")
    return error


# Steps of higher order


def step_kl(chain: Chain, k: int) -> tuple[float, float]:
    """The KL of step k of a sampler of higher order, and its error estimate from a coarser rule.

    Where the logarithm r of the two densities' ratio is taken from their exponents, it has the rounding
    error of those, and (1/2) E r^2 = KL has sqrt(2 KL) times that.
    """
    fine, coarse = _step_kl(chain, k, 1.4), _step_kl(chain, k, 1.0)
    spread = min(_spread(chain, k), _WIDE)
    rounding = 0.0 if spread < _SERIES else 4e-16 * (20 + spread * spread / 2) * math.sqrt(2 * fine)
    return fine, abs(fine - coarse) + 1e-12 * fine + rounding


def _spread(chain: Chain, k: int) -> float:
    """The distance of the outermost atoms in deviations of the step's noise."""
    return float(chain.atoms[-1] - chain.atoms[0]) * chain.steps[k].pull / math.sqrt(chain.steps[k].noise)


def _step_kl(chain: Chain, k: int, fineness: float) -> float:
    step, sampler = chain.steps[k], chain.sampler
    assert isinstance(sampler, MomentMatched)
    root, spread = step.pull / math.sqrt(step.noise), _spread(chain, k)
    inner = _far_apart if spread > _WIDE else _inner
    if not step.t:
        centre = chain.atoms[0]
        away = np.array([[float(a - centre)] for a in chain.atoms])
        return float(inner(sampler, chain.prior, away * root, _shift(chain, k, np.zeros(1)), fineness)[0])
    if sampler.score_error is None and _posterior_variance(chain, k) * root * root < _LEAST:
        return 0.0
    line = Line.of(chain.weights, chain.atoms, 1 / step.t)
    grid, h = level_grid(line, fineness, _RESOLVED)
    density = np.exp(line.log_density(grid)) * h
    keep = density > _LEAST
    if spread > _WIDE and sampler.score_error is None:
        probabilities, away = line.probabilities(grid)
        mean = (probabilities * away).sum(axis=0)
        variance = (probabilities * (away - mean) ** 2).sum(axis=0) * root * root
        keep &= density * variance > _LEAST
    grid, density = grid[keep], density[keep]
    nodes = _TAIL * 2 * len(line.atoms) * 12 * min(max(spread, 1.0), _RESOLVED) / math.pi
    block = max(1, int(_BLOCK / nodes))
    total = 0.0
    for first in range(0, len(grid), block):
        part = slice(first, first + block)
        probabilities, away = line.probabilities(grid[part])
        shift = _shift(chain, k, step.root * grid[part])
        total += float(density[part] @ inner(sampler, probabilities, away * root, shift, fineness))
    return total


def _posterior_variance(chain: Chain, k: int) -> float:
    """A bound on the mmse from the overlaps of pairs of atoms; half delta times it bounds the step's KL."""
    pairs = combinations(zip(chain.weights, chain.atoms, strict=True), 2)
    t = chain.steps[k].t
    return math.fsum(
        math.sqrt(w * v) * float(b - a) ** 2 * math.exp(-t * float(b - a) ** 2 / 8) / 2
        for (w, a), (v, b) in pairs
    )


def _shift(chain: Chain, k: int, x: Array) -> Array:
    """The score error's move of the estimate, in standard deviations of the step's noise."""
    step, error = chain.steps[k], chain.sampler.score_error
    unit = step.lever / math.sqrt(step.noise)
    if error is None:
        return np.zeros(len(x))
    if isinstance(error, Fraction):
        return np.full(len(x), unit * float(error))
    if not step.t:
        _constant(error)
    return unit * error_values(error, x, k)


def _out_of_reach(size: float) -> PrecisionError:
    return PrecisionError(
        f"path_kl: atoms {size:.1e} deviations of a step apart are beyond machine numbers;"
        " of order 2 there is path_kl(..., digits=20)"
    )


def _inner(
    sampler: MomentMatched, probabilities: Array, atoms: Array, shift: Array, fineness: float
) -> Array:
    """KL of B + N from B_hat + N for laws of B on atoms, shape (K, n), by the trapezoidal rule."""
    if sampler.nodes is not None and sampler.nodes >= len(atoms) and not shift.any():
        return np.zeros(atoms.shape[1])
    mean = (probabilities * atoms).sum(axis=0)
    b = atoms - mean
    variance = (probabilities * b * b).sum(axis=0)
    spread = float((b.max(axis=0) - b.min(axis=0)).max()) if len(b) else 0.0
    rule = _rule(sampler, probabilities, b)
    h = min(0.25, math.pi / (12 * max(spread, 1e-9))) / fineness
    wide = math.sqrt(1 + float(variance.max()))
    reach = _TAIL * wide + float(np.abs(b).max()) + float(np.abs(shift).max())
    if not reach / h < _MOST_NODES:
        raise _out_of_reach(reach)
    w = h * np.arange(-math.ceil(reach / h), math.ceil(reach / h) + 1, dtype=float)[:, None]
    true = np.zeros((len(w), b.shape[1]))
    for share, at in zip(probabilities, b, strict=True):
        true += share * np.exp(-((w - at) ** 2) / 2)
    true /= math.sqrt(2 * math.pi)
    small = true < 1e-280
    positive = np.where(small, 1.0, true)
    if spread < _SERIES and not shift.any():
        ratio = _by_moments(sampler, probabilities, b, variance, rule, w) / positive
        log = np.log1p(ratio)
    else:
        log = _log_estimate(variance, rule, w - shift) - np.log(positive)
        ratio = np.expm1(log)
    exact = ratio - log
    near = np.abs(ratio) < 1e-2
    series = np.zeros_like(ratio)
    r = np.where(near, ratio, 0.0)
    for n in range(10, 1, -1):
        series = 1 / n - r * series
    integrand = true * np.where(near, r * r * series, exact)
    return np.asarray(h * np.where(small, 0.0, integrand).sum(axis=0))


def _rule(sampler: MomentMatched, probabilities: Array, b: Array) -> tuple[Array, Array] | None:
    """Nodes and weights of the estimate, None for the Gaussian one."""
    if sampler.nodes is None:
        return None
    if sampler.nodes >= len(b):
        return b, probabilities
    nodes, weights, _ = gauss_rule(probabilities, b, sampler.nodes)
    return nodes, weights


def _far_apart(
    sampler: MomentMatched, probabilities: Array, atoms: Array, shift: Array, fineness: float
) -> Array:
    """The same for atoms far apart: E log(true/estimate) over windows around the atoms.

    The middle between two atoms that are further apart than the windows reach has no mass to speak of.
    """
    if sampler.nodes is not None and sampler.nodes >= len(atoms) and not shift.any():
        return np.zeros(atoms.shape[1])
    mean = (probabilities * atoms).sum(axis=0)
    b = atoms - mean
    variance = (probabilities * b * b).sum(axis=0)
    rule = _rule(sampler, probabilities, b)
    h = math.pi / (12 * _RESOLVED) / fineness
    middle = b.mean(axis=1)
    if float(np.abs(middle).max()) > _FARTHEST:
        if not variance.any():
            return np.zeros(atoms.shape[1])
        raise _out_of_reach(float(np.abs(middle).max()))
    around = h * np.arange(-math.ceil(_TAIL / h), math.ceil(_TAIL / h) + 1, dtype=float)
    places = np.unique(np.round((middle[:, None] + around) / h).astype(np.int64)) * h
    w = places[:, None] + (b[0] - middle[0])
    true = np.zeros((len(w), b.shape[1]))
    for share, at in zip(probabilities, b, strict=True):
        true += share * np.exp(-((w - at) ** 2) / 2)
    true /= math.sqrt(2 * math.pi)
    log = _log_estimate(variance, rule, w - shift)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(true > 0, true * (np.log(true) - log), 0.0)
    return np.asarray(h * terms.sum(axis=0))


def _log_estimate(variance: Array, rule: tuple[Array, Array] | None, w: Array) -> Array:
    """log of the density of B_hat + N, far out as well."""
    if rule is None:
        return np.asarray(-w * w / (2 * (1 + variance)) - np.log(2 * math.pi * (1 + variance)) / 2)
    exponents = np.stack(
        [
            np.log(np.maximum(weight, 1e-300)) - (w - node) ** 2 / 2
            for node, weight in zip(*rule, strict=True)
        ]
    )
    largest = exponents.max(axis=0)
    return np.asarray(largest + np.log(np.exp(exponents - largest).sum(axis=0)) - math.log(2 * math.pi) / 2)


def _by_moments(
    sampler: MomentMatched,
    probabilities: Array,
    b: Array,
    variance: Array,
    rule: tuple[Array, Array] | None,
    w: Array,
) -> Array:
    """The difference of the two densities from their moments beyond the order."""
    total = np.zeros((len(w), b.shape[1]))
    before, now = np.zeros_like(w), np.ones_like(w)
    power, own = np.ones_like(b), None if rule is None else np.ones_like(rule[0])
    gaussian = np.ones_like(variance)
    factor, largest = 1.0, float(np.abs(b).max())
    if not largest:
        return total
    scale = (sampler.order + 1) * math.log(largest) - math.lgamma(sampler.order + 2) / 2
    for k in range(1, _TERMS):
        if k > sampler.order + 2 and k * math.log(largest) - math.lgamma(k + 1) / 2 < scale - 38:
            break
        before, now = now, w * now - (k - 1) * before
        power = power * b
        factor /= k
        if rule is not None and own is not None:
            own = own * rule[0]
            estimate = (rule[1] * own).sum(axis=0)
        elif k % 2:
            estimate = np.zeros_like(variance)
        else:
            gaussian = gaussian * (k - 1) * variance
            estimate = gaussian
        if k > sampler.order:
            change = estimate - (probabilities * power).sum(axis=0)
            total += (factor * change) * now
    return np.asarray(total * np.exp(-w * w / 2) / math.sqrt(2 * math.pi))
