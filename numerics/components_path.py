"""mmse, mutual information and path KL for X itself, split into Gaussian and latent part, in the three
engines.

What belongs here: the public functions, sums over knots, the working precision they need. What does not:
closed forms (`components_gaussian`), quadrature (`components_line`, `components_fast`,
`components_mpmath`).

With X | Z=k ~ N(mu_k, Sigma_k), Y_t = t X + W_t and L(t) = E|E[X|Y,Z] - E[X|Y]|^2,

    M_X = sum_k w_k tr Sigma_k (I + t Sigma_k)^-1 + L,
    I(X;Y) = (1/2) sum_k w_k log det(I + t Sigma_k) + I(Z;Y),

(chain rules: the error X - E[X|Y,Z] is orthogonal to functions of (Y,Z); I(X;Y) = I(X,Z;Y) as Z - X - Y),
and L = 2 (d/dt) I(Z;Y_t) by I-MMSE for the whole and for each component. The sampler that estimates X
itself has the path KL (1/2) sum delta_k M_X(t_k) - [I(X;Y_T) - I(X;Y_{t_0})], so it splits likewise.

The latent part has no sign. Equal means and unequal covariances: L(0) = 0, so one step from 0 has latent
part -I(Z;Y_T) < 0. There L increases at 0, and t L <= 2 I(Z;Y_t) fails: for variances v_i in one
dimension L = t Var(v_Z) + O(t^2), I = (t^2/4) Var(v_Z) + O(t^3), t L / 2 I -> 2.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, TypeAlias

import flint
import mpmath
import numpy as np

from numerics.arithmetic import balls, bits_for, mpmath_numbers
from numerics.channel import choose_engine, log_goal, radius_reached, snr
from numerics.components import GeneralMixture
from numerics.components_fast import fast_value, fast_values
from numerics.components_gaussian import certified_spectral, largest_log
from numerics.components_latent import LatentLaw, latent_law
from numerics.components_mpmath import independent_value
from numerics.components_parts import (
    certified_latent,
    independent_spectral,
    log_scale,
    log_size,
    machine_spectral,
)
from numerics.components_strip import Kind
from numerics.exact import rational, shown
from numerics.schedules import Schedule
from numerics.targets import Mixture, Target
from numerics.truth import PrecisionError, Truth

__all__ = ["Split", "general_mmse", "general_mutual_information", "general_path_kl"]

Part: TypeAlias = Literal["gaussian", "latent", "total"]

_PARTS: tuple[Part, ...] = ("gaussian", "latent", "total")

METHODS = {
    "fast": "closed form, trapezoidal rule in machine numbers",
    "certified": "closed form, trapezoidal rule with proven remainder, balls",
    "mpmath": "closed form, fixed-step rule verified by halving, mpmath",
}


@dataclass(frozen=True)
class Split:
    """A functional of X as the sum of its Gaussian part and its latent part.

    The parts are floats, balls or mpf; `errors` are their error estimates in the same order (0 for
    balls). In nats, or squared units of X for the mmse. `latent` of a path KL may be negative.
    """

    functional: str
    gaussian: Any
    latent: Any
    total: Any
    errors: tuple[float, float, float]
    engine: str
    digits: int | None
    notes: tuple[str, ...] = ()

    def truth(self, part: Part = "total") -> Truth:
        """One of the parts as an enclosure."""
        if part not in _PARTS:
            raise ValueError(f"part: {shown(part)} is none of {', '.join(_PARTS)}")
        error = self.errors[_PARTS.index(part)]
        name = self.functional if part == "total" else f"{self.functional}, {part} part"
        return Truth(
            name, getattr(self, part), error, self.engine, self.digits, METHODS[self.engine], self.notes
        )


def _checked(target: Any) -> GeneralMixture:
    if isinstance(target, GeneralMixture):
        return target
    if isinstance(target, Mixture):
        return GeneralMixture.of(target)
    if isinstance(target, Target):
        raise ValueError(f"target: {shown(target)} is not a mixture of given components")
    raise ValueError(f"target: {shown(target)} is not a target")


def _widened(
    evaluate: Callable[[float], tuple[flint.arb, flint.arb]],
    functional: str,
    digits: int,
    scale: float,
    goal: float,
    notes: tuple[str, ...],
) -> Split:
    """The parts at tolerances that shrink until each keeps the promise of `digits`."""
    for extra in (1.0, 10.0, 50.0, 3.0 * digits):
        gaussian, latent = evaluate(goal - extra)
        with balls(bits_for(3 * digits) + 128).precision():
            total = gaussian + latent
        parts = (gaussian, latent, total)
        if all(part.is_zero() or radius_reached(part, digits, scale) for part in parts):
            return Split(functional, gaussian, latent, total, (0.0, 0.0, 0.0), "certified", digits, notes)
    worst = max((part for part in parts if not part.is_zero()), key=lambda part: float(part.rad()))
    raise PrecisionError(
        f"{functional}: {digits} digits promised, but the radius reached is"
        f" {worst.rad().str(3, radius=False)} around {worst.mid().str(6, radius=False)}"
    )


def _goal(digits: int, scale: float, parts: Sequence[float]) -> float:
    """log of a radius that serves every part."""
    return min(log_goal(digits, log_size(part), scale) for part in parts if part)


# A single signal-to-noise ratio


def _functional(kind: Kind, target: Any, t: Any, digits: int | None, engine: str | None) -> Split:
    chosen, digits = choose_engine(digits, engine)
    mixture = _checked(target)
    law = latent_law(mixture)
    notes = mixture.notes
    if chosen == "fast" or digits is None:
        return _fast_at(kind, mixture, law, float(snr(t, "fast", 53)), notes)
    if chosen == "mpmath":
        ratio = snr(t, "mpmath", 2 * digits + 15)
        ops = mpmath_numbers(2 * digits + 15)
        with ops.precision():
            gaussian = independent_spectral(mixture, kind, [ratio])
            floor = mpmath.exp(log_scale(mixture, kind)) * mpmath.mpf(10) ** (-2 * digits) / 4
            latent, error = independent_value(law, kind, ratio, digits + 1, floor)
            small = float(abs(gaussian) * mpmath.mpf(10) ** (-2 * digits))
            errors = (small, float(error), small + float(error))
            return Split(kind, gaussian, latent, gaussian + latent, errors, chosen, digits, notes)
    scale = log_scale(mixture, kind)
    size = 0
    if not isinstance(t, flint.arb | mpmath.mpf):
        exact = rational(t, "t")
        size = max(0, exact.numerator.bit_length() - exact.denominator.bit_length())
    ratio = snr(t, "certified", bits_for(2 * digits) + 96 + size)
    if ratio.is_zero() and kind == "mutual_information":
        zero = flint.arb(0)
        return Split(kind, zero, zero, zero, (0.0, 0.0, 0.0), chosen, digits, notes)
    try:
        estimate = _fast_at(kind, mixture, law, float(ratio.mid()), ())
        parts = [estimate.gaussian, estimate.latent, estimate.total]
    except PrecisionError:
        parts = [math.exp(scale - digits * math.log(10))]
    goal = _goal(digits, scale, [part for part in parts if part] or [math.exp(scale - digits)])

    def evaluate(log_radius: float) -> tuple[flint.arb, flint.arb]:
        bits = 96 + max(0, int((log_size(parts[0]) - log_radius) / math.log(2)))
        gaussian = certified_spectral(mixture.weights, mixture.spectra, kind, [ratio], bits)
        return gaussian, certified_latent(law, kind, ratio, log_radius - 1)

    return _widened(evaluate, kind, digits, scale, goal, notes)


def _fast_at(kind: Kind, target: GeneralMixture, law: LatentLaw, t: float, notes: tuple[str, ...]) -> Split:
    gaussian = machine_spectral(target, kind, [flint.arb(t)])
    latent, error = fast_value(law, kind, t)
    small = 1e-15 * abs(gaussian)
    errors = (small, error, small + error)
    return Split(kind, gaussian, latent, gaussian + latent, errors, "fast", None, notes)


def general_mmse(target: Any, t: Any, digits: int | None = None, engine: str | None = None) -> Split:
    """M_X(t) = E|X - E[X|Y_t]|^2 at signal-to-noise ratio t of X itself, split.

    `target` is a GeneralMixture, or a Mixture whose law is then taken as one. `digits=n`: balls each of
    radius at most 10^-n max(|value|, 10^-n V), V = E|X - EX|^2; the Gaussian part in any dimension, the
    latent one where `latent_law` has one dimension (fast: three). Raises ValueError, SpanError,
    PrecisionError.
    """
    return _functional("mmse", target, t, digits, engine)


def general_mutual_information(
    target: Any, t: Any, digits: int | None = None, engine: str | None = None
) -> Split:
    """I(X;Y_t) = I(X;Y_t|Z) + I(Z;Y_t) in nats at signal-to-noise ratio t of X itself, split.

    Radius at most 10^-n max(|value|, 10^-n max(H(Z), 1)); otherwise as `general_mmse`.
    """
    return _functional("mutual_information", target, t, digits, engine)


# The path


def general_path_kl(
    target: Any, schedule: Schedule, digits: int | None = None, engine: str | None = None
) -> Split:
    """The path KL in nats of the sampler that estimates X itself, split.

    Knots are signal-to-noise ratios of X: alpha_bar/(1 - alpha_bar), 1/sigma^2, (1 - tau)^2/tau^2, or the
    schedule's snr as it stands; a noise-free last level is dropped with a note. Radii and errors as for
    `general_mutual_information`. The latent part may be negative; the total is not.
    """
    chosen, digits = choose_engine(digits, engine)
    mixture = _checked(target)
    if not isinstance(schedule, Schedule):
        raise ValueError(f"schedule: {shown(schedule)} is not a Schedule")
    law = latent_law(mixture)
    notes = (*mixture.notes, *schedule.notes(mixture), "X itself is estimated; knots are its snr")
    if chosen == "fast" or digits is None:
        return _fast_path(mixture, law, schedule, notes)
    if chosen == "mpmath":
        return _independent_path(mixture, law, schedule, digits, notes)
    scale = log_scale(mixture, "path_kl")
    try:
        estimate = _fast_path(mixture, law, schedule, ())
        parts = [estimate.gaussian, estimate.latent, estimate.total]
    except PrecisionError:
        parts = [math.exp(-digits * math.log(10))]
    goal = _goal(digits, scale, [part for part in parts if part] or [1.0])

    def evaluate(log_radius: float) -> tuple[flint.arb, flint.arb]:
        return _path_balls(mixture, law, schedule, log_radius)

    return _widened(evaluate, "path_kl", digits, scale, goal, notes)


def _path_balls(
    target: GeneralMixture, law: LatentLaw, schedule: Schedule, log_radius: float
) -> tuple[flint.arb, flint.arb]:
    """Gaussian and latent part with a radius of about exp(log_radius) each."""
    bits = 64 + max(0, int(-log_radius / math.log(2)))
    knots = schedule.certified_knots(target, bits)
    with balls(64).precision():
        steps = [float((b - a).mid()) for a, b in pairwise(knots)]
        spread = log_size(float(knots[-1].mid())) + max(largest_log(target.spectra), -300.0)
    extra = int(max(0.0, spread) / math.log(2)) + schedule.steps.bit_length()
    gaussian = certified_spectral(target.weights, target.spectra, "path_kl", knots, bits + 32 + extra)
    share = log_radius - math.log(2 * len(knots))
    values = [
        certified_latent(law, "mmse", t, share - log_size(step))
        for t, step in zip(knots[:-1], steps, strict=True)
    ]
    first, last = (
        certified_latent(law, "mutual_information", t, log_radius - 2) for t in (knots[0], knots[-1])
    )
    with balls(bits + 32 + extra).precision():
        latent = flint.arb(0)
        for (t, following), value in zip(pairwise(knots), values, strict=True):
            latent += (following - t) * value
        return gaussian, latent / 2 - (last - first)


def _fast_path(target: GeneralMixture, law: LatentLaw, schedule: Schedule, notes: tuple[str, ...]) -> Split:
    with balls(64).precision():
        exact = schedule.certified_knots(target, 64)
        knots = np.array([float(t.mid()) for t in exact])
        by = np.array([float((b - a).mid()) for a, b in pairwise(exact)])
    gaussian = machine_spectral(target, "path_kl", schedule.certified_knots(target, 192))
    values, errors = fast_values(law, "mmse", knots[:-1])
    information, ends = fast_values(law, "mutual_information", knots[[0, -1]])
    first, last = float(information[0]), float(information[1])
    terms = by * values / 2
    latent = math.fsum([*terms, -last, first])
    error = float(by @ errors) / 2 + float(ends.sum()) + 1e-15 * (math.fsum(terms) + last + first)
    small = 1e-15 * abs(gaussian)
    return Split(
        "path_kl", gaussian, latent, gaussian + latent, (small, error, small + error), "fast", None, notes
    )


def _independent_path(
    target: GeneralMixture, law: LatentLaw, schedule: Schedule, digits: int, notes: tuple[str, ...]
) -> Split:
    loss = 4 + len(str(schedule.steps))
    ops = mpmath_numbers(2 * digits + 15)
    with ops.precision():
        knots = schedule.knots(target, ops)
        gaussian = independent_spectral(target, "path_kl", knots)
        smallest = mpmath.mpf(10) ** (-2 * digits) / (4 * len(knots))
        latent, error = mpmath.mpf(0), mpmath.mpf(0)
        for t, following in pairwise(knots):
            step = following - t
            value, change = independent_value(law, "mmse", t, digits + loss, smallest / step)
            latent, error = latent + step * value / 2, error + step * change / 2
        for sign, t in ((1, knots[0]), (-1, knots[-1])):
            value, change = independent_value(law, "mutual_information", t, digits + loss, smallest)
            latent, error = latent + sign * value, error + change
        small = float(abs(gaussian) * mpmath.mpf(10) ** (-digits - loss))
        errors = (small, float(error), small + float(error))
        return Split("path_kl", gaussian, latent, gaussian + latent, errors, "mpmath", digits, notes)
