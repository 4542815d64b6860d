"""The path KL of the order-2 sampler with Gaussian estimate, in balls and in mpmath.

What belongs here: (1/2) E log(1 + delta Cov(A|Y_t)) on the line, by rigorous adaptive integration and by a
fixed-step rule in mpmath. What does not: samplers of higher order (`sampler_path`), the matched sampler
(`path`).

An estimate drawn from N(E[A|Y], Cov(A|Y)) makes the step's increment Gaussian with covariance
delta (1 + delta Cov), so that the step's KL is (1/2) E log(1 + delta Cov) - (I(t + delta) - I(t)) exactly,
and the path's (1/2) sum_k E log(1 + delta_k Cov_k) - (I(T) - I(t_0)): one information is subtracted from
one sum, and the working precision is raised until enough digits are left.

Truncation: log(1 + delta Cov) <= delta Cov, and p Cov is the sum over pairs of p_i p_j (a_i - a_j)^2/p, in
which p_i p_j/p <= sqrt(p_i p_j)/2 = (1/2) sqrt(w_i w_j) e^(-t (a_i - a_j)^2/8) phi(z - s (a_i + a_j)/2),
s = sqrt(t). So only a window around the middle of each pair is integrated over; what lies beyond its
half width L is at most delta (a_i - a_j)^2 sqrt(w_i w_j) e^(-t (a_i - a_j)^2/8) e^(-L^2/2)/2, and nearly
separated atoms (v = 0, large t) have no window at all.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import combinations, pairwise
from typing import Any

import flint
import mpmath

from numerics.arithmetic import balls, bits_for, mpmath_numbers, to_ball
from numerics.channel import log_scale, radius_reached
from numerics.cores import PointCore
from numerics.line import Law, core_law
from numerics.path import knot_values
from numerics.path_start import start_kl_truth
from numerics.sampler_path import sampler_path_kl
from numerics.samplers import MomentMatched
from numerics.schedules import Schedule
from numerics.targets import Mixture
from numerics.truth import PrecisionError

__all__ = ["second_order_path_kl"]

_EVALUATIONS = 200_000
_PARTS = 1024
"""The integrator's tolerance is for each of the parts into which it cuts an interval."""
_HALVINGS = 14


def second_order_path_kl(
    target: Mixture, schedule: Schedule, digits: int, engine: str = "certified", start: str = "exact"
) -> Any:
    """The path KL of the order-2 sampler, in nats: an arb, or an mpf for engine "mpmath".

    The ball's radius is at most 10^-digits max(KL, 10^-digits max(H, 1)). Raises SpanError for means that
    span more than a line, PrecisionError where the radius is out of reach. Source: mathematics.md,
    section 6 (in the manner of Reeves and Pfister 2025, 2502.02305).
    """
    law = core_law(target.core)
    if engine == "mpmath":
        begun = start_kl_truth(target, schedule, start, digits, engine).value
        return begun if law is None else begun + _independent(target, schedule, law, digits)
    scale = log_scale(target.core, "mutual_information")
    try:
        rough = sampler_path_kl(target, schedule, MomentMatched(2)).value
    except PrecisionError:  # machine numbers do not hold it: begin with the fewest digits
        rough = 1.0
    lost = min(digits, max(0, math.ceil(-math.log10(max(rough, 1e-300)))))
    for more in (lost + 2, digits + 2, 2 * digits):
        total = start_kl_truth(target, schedule, start, digits + more).value
        with balls(bits_for(digits + more) + 64).precision():
            if law is not None:
                total = total + _certified(target, schedule, law, digits + more)
            if total.is_finite() and radius_reached(total, digits, scale):
                return total
    raise PrecisionError(f"path_kl: the radius promised by {digits} digits is out of reach")


def _core(target: Mixture) -> PointCore:
    core = target.core
    assert isinstance(core, PointCore)
    return core


def _certified(target: Mixture, schedule: Schedule, law: Law, digits: int) -> Any:
    values = knot_values(target, schedule, digits)
    steps = schedule.steps
    ops = balls(bits_for(digits) + 64)
    with ops.precision():
        unit = to_ball(_core(target).length_squared)
        knots = [t * unit for t in values.knots]
        share = flint.arb(10) ** -(digits + 1 + len(str(steps)))
        halves = flint.arb(0)
        for t, after in pairwise(knots):
            halves = halves + _logarithm(law, t, after - t, share)
        return halves / 2 - (values.information_last - values.information_first)


def _logarithm(law: Law, t: Any, delta: Any, tolerance: Any) -> Any:
    """E log(1 + delta Cov(A|Y_t)) for the law's atoms, enclosed."""
    if t == 0:
        return (delta * to_ball(law.variance)).log1p()
    s = t.sqrt()
    atoms = [to_ball(b) for b in law.atoms]
    heights = [to_ball(w).log() - t * b * b / 2 for w, b in zip(law.weights, atoms, strict=True)]
    levers = [s * b for b in atoms]

    # The covariance is taken about the likeliest atom, where the others' shares are small.
    def integrand(z: Any, analytic: bool) -> Any:
        shares = [(h + lever * z).exp() for h, lever in zip(heights, levers, strict=True)]
        total = sum(shares[1:], shares[0])
        if total.contains(0):
            return flint.acb(flint.arb("nan"), flint.arb("nan"))
        middle = z.real.mid()
        first = max(range(len(atoms)), key=lambda i: float((heights[i] + levers[i] * middle).mid()))
        mean = square = flint.acb(0)
        for p, b in zip(shares, atoms, strict=True):
            away = b - atoms[first]
            mean, square = mean + p * away, square + p * away * away
        covariance = (square - mean * mean / total) / total
        return total * (1 + delta * covariance).log(analytic=analytic) * (-z * z / 2).exp()

    windows, left_out = _windows(law, t, delta, tolerance)
    value = flint.arb(0)
    for low, high in windows:
        value = value + _integral(integrand, low, high, tolerance / _PARTS)
    return value / (2 * flint.arb.pi()).sqrt() + flint.arb(0).union(left_out)


def _integral(integrand: Callable[[Any, Any], Any], low: Any, high: Any, tolerance: Any) -> Any:
    """The integral over an interval; flint makes a SystemError of a Ctrl-C in the integrand."""
    try:
        return flint.acb.integral(
            integrand, low, high, rel_tol=flint.arb(0), abs_tol=tolerance, eval_limit=_EVALUATIONS
        ).real
    except SystemError as error:
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, KeyboardInterrupt):
                raise KeyboardInterrupt from None
            cause = cause.__cause__ or cause.__context__
        raise


def _windows(law: Law, t: Any, delta: Any, tolerance: Any) -> tuple[list[tuple[Any, Any]], Any]:
    """Disjoint intervals that hold all but a small part of the integral, and a bound on that part."""
    pairs = list(combinations(zip(law.weights, law.atoms, strict=True), 2))
    share, s = tolerance / len(pairs), t.sqrt()
    left_out, intervals = flint.arb(0), []
    for (w, a), (v, b) in pairs:
        square = to_ball((b - a) ** 2)
        most = delta * square * to_ball(w * v).sqrt() * (-t * square / 8).exp() / 2
        if most <= share:
            left_out = left_out + most
            continue
        half = (2 * (most / share).log()).abs_upper().sqrt() + 1
        left_out = left_out + share
        middle = s * to_ball((a + b) / 2)
        intervals.append(((middle - half).lower(), (middle + half).upper()))
    merged: list[tuple[Any, Any]] = []
    for low, high in sorted(intervals, key=lambda ends: float(ends[0])):
        if merged and low <= merged[-1][1]:
            merged[-1] = (merged[-1][0], high if high > merged[-1][1] else merged[-1][1])
        else:
            merged.append((low, high))
    return merged, left_out


def _independent(target: Mixture, schedule: Schedule, law: Law, digits: int) -> Any:
    """The same in mpmath: densities, and a trapezoidal rule whose step is halved until two sums agree."""
    ops = mpmath_numbers(2 * digits + 15)
    values = knot_values(target, schedule, 2 * digits, "mpmath")
    with ops.precision():
        unit = ops.number(_core(target).length_squared)
        atoms, weights = [[ops.number(x) for x in row] for row in (law.atoms, law.weights)]
        share = mpmath.mpf(10) ** -(2 * digits)
        halves = mpmath.mpf(0)
        for t, after in pairwise(t * unit for t in values.knots):
            halves += _halved(atoms, weights, t, after - t, share)
        return halves / 2 - (values.information_last - values.information_first)


def _halved(atoms: list[Any], weights: list[Any], t: Any, delta: Any, share: Any) -> Any:
    s = mpmath.sqrt(t)

    def term(z: Any) -> Any:
        p = [w * mpmath.npdf(z, s * b) for w, b in zip(weights, atoms, strict=True)]
        total = mpmath.fsum(p)
        mean = mpmath.fdot(p, atoms) / total
        square = mpmath.fsum(x * (b - mean) ** 2 for x, b in zip(p, atoms, strict=True))
        return total * mpmath.log1p(delta * square / total)

    reach = mpmath.sqrt(-2 * mpmath.log(share)) + 2
    low, high = s * atoms[0] - reach, s * atoms[-1] + reach
    h = 1 / (1 + s * (atoms[-1] - atoms[0]))
    count = math.ceil((high - low) / h) + 1
    total = h * mpmath.fsum(term(low + k * h) for k in range(count))
    for _ in range(_HALVINGS):
        fresh = h * mpmath.fsum(term(low + k * h + h / 2) for k in range(count))
        previous, total, h, count = total, (total + fresh) / 2, h / 2, 2 * count
        if abs(total - previous) <= share:
            return total
    raise PrecisionError("path_kl: the mpmath engine's sums do not settle")
