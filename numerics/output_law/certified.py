"""Certified total variation between the output of a stochastic sampler and the law it should have.

What belongs here: the chain of explicit approximations and the bound of what each of them misses. What does
not: Gaussian sums (`gaussian_sums`), the integral of |q - p| (`absolute`), the fast engine (`stochastic`).

One step of the core's variable R takes the density q to T q = int q(x) phi_s(. - m(x)) dx with
m(x) = keep x + pull f(x), f the posterior mean at snr t. Here q is an explicit sum of Gaussians and is
replaced by the sum over a grid, q' = sum_j h q(x_j) phi_s(. - m(x_j)), rounded. Markov kernels contract
the L1 distance, so what the steps miss adds up:

    |q_n true - q_n explicit|_1 <= sum_k |T q_k - q_{k+1}|_1 .

Theorem (one step). Let q be a sum of Gaussians of deviation s' and mass Q, D the distance of the outermost
atoms, 0 < eta < pi/(t D), th = t eta D/2, b = |keep| eta + |pull| (D/2) tan th. Then the sum over all nodes
x_j = j h, j in Z, misses T q by at most

    2 Q exp(eta^2/(2 s'^2) + b^2/(2 s^2)) / (e^{2 pi eta/h} - 1)   in L1.

Proof. For every y the integrand g_y(x) = q(x) phi_s(y - m(x)) is analytic in the strip |Im x| <= eta, so
(Poisson summation, docs/quadrature) the trapezoidal sum misses int g_y by at most
2/(e^{2 pi eta/h} - 1) int |g_y(x + i eta)| dx; the other sign gives the conjugate. Integrate over y first:
int |phi_s(y - m)| dy = e^{(Im m)^2/(2 s^2)}. As f' = t Cov and |Cov(x + i y)| <= (D^2/4) sec^2(t y D/2)
(the pair sum over |p|^2), |Im f(x + i eta)| <= (D/2) tan th, so |Im m| <= b. And
int |q(x + i eta)| dx <= Q e^{eta^2/(2 s'^2)}. q.e.d.

The nodes left out, and the parts of Gaussians cut off, have together the mass that the kept ones fall short
of Q (up to the same bound for m = 0, which is smaller). Rounding is bounded in `gaussian_sums`.

Steps so short that their grid would be too large are not made. In the variable Y = t (R - c), c the middle
of the atoms, a Ddpm step is Y' = N_s * (id + delta (f - c))# with 0 <= f' <= D^2/4, |f''| <= B,
B = D^3/(6 sqrt 3), and third derivative at most B' = D^4/8 (cumulants of a law on an interval). With
S1 = |q'|_1 and S2 = |q''|_1 it moves q by at most delta (D/2) S1 + delta D^2/4 + (s^2/2) S2 in L1. The
push-forward, as 1 <= m', raises S1 by at most delta B and S2 by delta (3 B S1 + B') + 3 delta^2 B^2; after
the convolution S1 <= 2 phi(0)/s and S2 <= 4 phi(1)/s^2 as well.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import flint
import numpy as np
import numpy.typing as npt

from numerics.arithmetic import balls, to_ball
from numerics.exact import choice
from numerics.output_law.absolute import half_l1
from numerics.output_law.chain import coefficients_of, levels_of, positions
from numerics.output_law.gaussian_sums import UNIT, GaussianSum, moved, rounded_sum
from numerics.samplers import Ddim, Ddpm, Sampler
from numerics.schedules import Schedule
from numerics.targets import Mixture
from numerics.truth import PrecisionError, Truth

__all__ = ["BITS", "Run", "begun", "certified_tv", "check_sampler", "stepped"]

Array = npt.NDArray[np.float64]

BITS = 128
MOST_NODES = 60_000
"""The most nodes of one step."""
_GOAL = 38.0
"""A step may miss e^-38 by discretisation; rounding costs more."""
_NEGLIGIBLE = 1e-24


@dataclass(frozen=True)
class _Kernel:
    """R' = keep R + pull f(R) + sqrt(variance) N, f at snr t; all balls."""

    t: flint.arb
    keep: flint.arb
    pull: flint.arb
    variance: flint.arb


@dataclass(frozen=True)
class Run:
    """A sampler's run in the core's variable R = x/sqrt(signal), in balls.

    `opening` is the sum of Gaussians at which it begins: weights, means, their variance. `at_last` is the
    variance of the target's components at the last level.
    """

    weights: list[Any]
    atoms: list[Any]
    opening: tuple[list[Any], list[Any], flint.arb]
    kernels: list[_Kernel]
    last: Any
    at_last: flint.arb


def certified_tv(
    target: Mixture,
    schedule: Schedule,
    sampler: Sampler | None = None,
    start: str = "exact",
    reference: str = "target",
) -> Truth:
    """The total variation between the sampler's output and the reference, as a ball.

    For means on a line and the stochastic samplers with noise of one variance per step: `Ddpm` with
    every reverse variance but "optimal", and `Ddim` with eta > 0, without a score error. `reference` is
    "target", or "last_level" for the law at the last level; `start` is "exact" or "normal". The radius is
    what the method gives, about 1e-13 for every step; it is not chosen, and grows to 1e-4 where the two
    laws are so close that the sign of their difference stays uncertain (distances below 1e-4). Where the
    last steps of a Ddpm are too short for a grid of 60,000 nodes, they are not made, and what they can
    change is part of the radius; a note says so. Raises ValueError for other samplers, and in more than
    one dimension for all but the matched one with exact start (the output then differs from the reference
    outside the span too); SpanError; PrecisionError where a step of another sampler takes too many nodes.
    Source: mathematics.md, section 7.
    """
    rule = Ddpm() if sampler is None else sampler
    choice(start, "start", ("exact", "normal"))
    choice(reference, "reference", ("target", "last_level"))
    check_sampler(target, rule, start)
    notes = (*target.notes, *schedule.notes(target))
    method = "explicit sums of Gaussians, residuals added up, balls"

    def truth(value: flint.arb, more: tuple[str, ...] = ()) -> Truth:
        return Truth("tv", value, 0.0, "certified", None, method, (*notes, *more))

    if not target.variance and reference == "target":
        return truth(flint.arb(1), ("the target is discrete and the output is not",))
    if not target.core.rank and start == "exact" and rule == Ddpm() and schedule.ends_noise_free:
        return truth(flint.arb(0), ("one atom: the matched sampler makes no error",))
    with balls(2 * BITS).precision():
        run = begun(target, schedule, rule, start)
        last, kernels, weights, where = run.last, run.kernels, run.weights, run.atoms
        v = to_ball(target.variance)
        scale = flint.arb(1) if schedule.convention == "snr" else last.signal.sqrt()
        at_last = reference == "last_level" or last.noise_free
        aim = (weights, where, run.at_last)
        if not at_last:
            aim = (weights, [a / scale for a in where], v / (scale * scale))
        end = 1 / run.at_last
    said: tuple[str, ...] = ()
    with balls(BITS).precision():
        current, missed = rounded_sum(*run.opening)
        smooth = _Smoothness.of(run.opening[2], kernels[0].t if kernels else end)
        diameter = abs(where[-1] - where[0])
        for index, kernel in enumerate(kernels):
            following = kernels[index + 1].t if index + 1 < len(kernels) else end
            made = stepped(current, kernel, weights, where)
            if made is None:
                if not (at_last and isinstance(rule, Ddpm)):
                    raise PrecisionError(f"tv: step {index} takes more than {MOST_NODES} nodes")
                ends = [*(k.t for k in kernels[index:]), end]
                missed += smooth.tail(kernels[index:], ends, diameter)
                aim = (weights, where, 1 / kernel.t)
                said = (f"the last {len(kernels) - index} steps are bounded, not made",)
                break
            current, more = made
            missed += more
            smooth = smooth.after(kernel, following, diameter)
        wanted, more = rounded_sum(*aim)
        missed += more
        value = half_l1(current, wanted) + flint.arb(0, (missed / 2).upper())
        return truth(value.intersection(flint.arb(0.5, 0.5)), said)


def check_sampler(target: Mixture, rule: Sampler, start: str) -> None:
    """Nothing, if the engine takes the sampler; raises ValueError otherwise."""
    plain = isinstance(rule, Ddpm) and rule.variance != "optimal"
    if not (plain or (isinstance(rule, Ddim) and rule.stochastic)):
        raise ValueError(
            f"sampler: {rule!r} has no certified total variation; give Ddpm or Ddim with eta > 0"
        )
    if rule.score_error is not None:
        raise ValueError(f"sampler: {rule!r} has a score error; the certified engine takes exact scores")
    matched = isinstance(rule, Ddpm) and rule.variance == "matched"
    if target.dimension > 1 and not (matched and start == "exact"):
        raise ValueError(
            f"target: it has dimension {target.dimension}, where only the matched sampler with exact start"
            f" is certified, not {rule!r} with start {start!r}: outside the span the output differs too"
        )


def begun(target: Mixture, schedule: Schedule, rule: Sampler, start: str) -> Run:
    """The run of a sampler, at the precision that is set."""
    ops = balls(2 * BITS)
    levels = levels_of(schedule, target, ops)
    where, _ = positions(target, ops)
    v = to_ball(target.variance)
    first, last = levels[0], levels[-1]
    kernels = _kernels(target, schedule, rule, levels)
    weights = [to_ball(w) for w in target.core.weights]
    if not first.signal > 0:
        mean = sum((w * a for w, a in zip(weights, where, strict=True)), flint.arb(0))
        opening: tuple[list[Any], list[Any], flint.arb] = ([flint.arb(1)], [mean], kernels[0].variance)
        kernels = kernels[1:]
    elif start == "normal":
        unit = first.noise if schedule.convention == "sigmas" else flint.arb(1)
        opening = ([flint.arb(1)], [flint.arb(0)], unit / first.signal)
    else:
        opening = (weights, where, v + first.noise / first.signal)
    return Run(weights, where, opening, kernels, last, v + last.noise / last.signal)


def _kernels(target: Mixture, schedule: Schedule, rule: Sampler, levels: list[Any]) -> list[_Kernel]:
    """The steps in the core's variable R = x/sqrt(signal)."""
    v = to_ball(target.variance)
    made = coefficients_of(rule, target, schedule, levels, balls(2 * BITS))
    kernels = []
    for (level, following), (keep, pull, noise) in zip(pairwise(levels), made, strict=True):
        spread = level.noise + level.signal * v
        if not noise > 0:
            raise ValueError("sampler: a step has no noise; the output is not a sum of Gaussians")
        kernels.append(
            _Kernel(
                level.signal / spread,
                keep * (level.signal / following.signal).sqrt(),
                pull / following.signal.sqrt(),
                noise / following.signal,
            )
        )
    return kernels


@dataclass(frozen=True)
class _Smoothness:
    """Bounds of the L1 norms of the density's first two derivatives in the variable Y = t (R - c)."""

    first: flint.arb
    second: flint.arb

    @staticmethod
    def of(variance: flint.arb, t: flint.arb) -> _Smoothness:
        """Of a sum of Gaussians of this variance in R, at snr t."""
        s = t * variance.sqrt()
        root = (2 * flint.arb.pi()).sqrt()
        return _Smoothness(2 / (root * s), 4 * flint.arb(-0.5).exp() / (root * s * s))

    def pushed(self, delta: flint.arb, diameter: flint.arb) -> _Smoothness:
        """After the push-forward by id + delta (f - c)."""
        cube = diameter * diameter * diameter
        bend, twist = cube / (6 * flint.arb(3).sqrt()), cube * diameter / 8
        first = self.first + delta * bend
        second = self.second + delta * (3 * bend * self.first + twist) + 3 * delta * delta * bend * bend
        return _Smoothness(first, second)

    def after(self, kernel: _Kernel, following: flint.arb, diameter: flint.arb) -> _Smoothness:
        """After the step to snr `following`."""
        pushed = self.pushed(following - kernel.t, diameter)
        fresh = _Smoothness.of(kernel.variance, following)
        return _Smoothness(
            flint.arb(pushed.first.upper().min(fresh.first.upper())),
            flint.arb(pushed.second.upper().min(fresh.second.upper())),
        )

    def tail(self, kernels: list[_Kernel], ends: list[flint.arb], diameter: flint.arb) -> flint.arb:
        """A bound of how much the steps between the snr `ends` change |q - p|_1, p the true law."""
        moved_by, smooth = flint.arb(0), self
        for kernel, (t, following) in zip(kernels, pairwise(ends), strict=True):
            delta = following - t
            pushed = smooth.pushed(delta, diameter)
            moved_by += delta * diameter / 2 * pushed.first + delta * diameter * diameter / 4
            moved_by += kernel.variance * following * following / 2 * pushed.second
            smooth = smooth.after(kernel, following, diameter)
        # p: components t (a - c) + sqrt(t) N
        change = ends[-1] - ends[0]
        root = (2 * flint.arb.pi() * ends[0]).sqrt()
        return flint.arb((moved_by + change * diameter / root + change / ends[0]).upper())


# One step


def _discretisation(
    q: GaussianSum, kernel: _Kernel, diameter: flint.arb, h: float, eta: float
) -> flint.arb:
    """The theorem's bound; infinite outside the strip."""
    x, s = flint.arb(eta), flint.arb(q.width)
    angle = kernel.t * x * diameter / 2
    if not angle < 1.5:
        return flint.arb.pos_inf()
    b = abs(kernel.keep) * x + abs(kernel.pull) * diameter / 2 * angle.tan()
    exponent = x * x / (2 * s * s) + b * b / (2 * kernel.variance)
    return 2 * q.mass * exponent.exp() / ((2 * flint.arb.pi() * x / h).exp() - 1)


def _grid(q: GaussianSum, kernel: _Kernel, diameter: flint.arb) -> tuple[float, flint.arb]:
    """A spacing, a power of two, and the bound of what it misses."""
    rate = 1 / q.width**2 + float(kernel.keep.mid()) ** 2 / float(kernel.variance.mid())
    widest = 1.49 / max(float((kernel.t * diameter / 2).mid()), 1e-300)
    h = 2.0 ** math.floor(math.log2(math.pi * math.sqrt(2 / (rate * _GOAL))) + 1)
    for _ in range(60):
        best = min(2 * math.pi / (h * rate), widest)
        found = [_discretisation(q, kernel, diameter, h, best * 0.8**k) for k in range(12)]
        least = min(found, key=lambda ball: float(ball.upper()) if ball.is_finite() else math.inf)
        if least < math.exp(-_GOAL):
            return h, flint.arb(least.upper())
        h /= 2
    raise PrecisionError("tv: no spacing of the nodes is fine enough")


def stepped(
    q: GaussianSum, kernel: _Kernel, weights: list[flint.arb], atoms: list[flint.arb]
) -> tuple[GaussianSum, flint.arb] | None:
    """The explicit density after the step, and a bound of its distance from T q; None: too many nodes."""
    h, grid_error = _grid(q, kernel, abs(atoms[-1] - atoms[0]))
    low, high = q.reach()
    first, last = math.floor(low / h), math.ceil(high / h)
    if not last - first < MOST_NODES:
        return None
    values, relative = q.values(h, first, last - first + 1)
    masses = values * h
    kept = np.flatnonzero(masses > _NEGLIGIBLE * masses.max())
    begin, end = int(kept[0]), int(kept[-1]) + 1
    masses = masses[begin:end]
    whole = flint.arb(math.fsum(masses))
    whole += flint.arb(0, 2 * UNIT) * whole
    dropped = (q.mass + grid_error - whole * (1 - flint.arb(relative))).upper()
    images = _images(kernel, weights, atoms, h, first + begin, len(masses))
    centres = np.array([float(m.mid()) for m in images])
    width = float(kernel.variance.sqrt().mid())
    off = max(float(abs(m - flint.arb(x)).upper()) for m, x in zip(images, centres.tolist(), strict=True))
    shift = whole * flint.arb(off) * 2 / (flint.arb(width) * (2 * flint.arb.pi()).sqrt())
    missed = grid_error + dropped + 2 * whole * relative + shift + whole * moved(width, kernel.variance)
    return GaussianSum(masses, centres, width), flint.arb(missed.upper())


def _images(
    kernel: _Kernel, weights: list[flint.arb], atoms: list[flint.arb], h: float, first: int, count: int
) -> list[flint.arb]:
    """keep x + pull f(x) at the nodes: the likelihoods e^{t x a - t a^2/2} are geometric progressions."""
    x0, t, step = flint.arb(first) * h, kernel.t, flint.arb(h)
    terms = [w * (t * a * x0 - t * a * a / 2).exp() for w, a in zip(weights, atoms, strict=True)]
    ratios = [(t * a * step).exp() for a in atoms]
    found = []
    for k in range(count):
        total, moment = flint.arb(0), flint.arb(0)
        for i, (term, a) in enumerate(zip(terms, atoms, strict=True)):
            total += term
            moment += term * a
            terms[i] = term * ratios[i]
        found.append(kernel.keep * (x0 + k * step) + kernel.pull * moment / total)
    return found
