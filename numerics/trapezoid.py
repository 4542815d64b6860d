"""The error of the trapezoidal rule for M, I and C at a given spacing, enclosed.

What belongs here: |h sum_k f(kh) - int f| for the integrands of the quadrature theorem, at any spacing.
What does not: the theorem's bound (`quadrature`), the rule that the engines use (`line`).

Along the observation z = sqrt(t) (A - EA) + N of atoms on a line, with densities
p_i(z) = w_i phi(z - s b_i), b_i = a_i - EA, s = sqrt(t), and p their sum, the integrands are p Cov (M),
p Cov^2 (C) and p log(p/phi) (t V/2 - I). The sum is taken over |k h| <= Z; beyond Z each p_i decreases, so
that what is left out is at most its integral: p Cov <= sum p_i b_i^2, p Cov^2 <= (D^2/4) p Cov, and
|log(p/phi)| <= s |z| R + t R^2/2. M, I and C come from `certified` and `independent`, at spacings many
times finer.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import flint
import mpmath

from numerics import certified, independent
from numerics.arithmetic import Arithmetic, balls, bits_for, mpmath_numbers, to_ball
from numerics.channel import choose_engine, snr
from numerics.cores import POWERS, Functional, log_of
from numerics.exact import choice, rational, shown
from numerics.line import Law, core_law
from numerics.targets import Target
from numerics.truth import PrecisionError, Truth

__all__ = ["trapezoid_error_truth"]

METHOD = "the sum over the nodes beside the value"

_RAISED = (1, 2, 4, 8, 16)
_FAST_DIGITS = 15


def trapezoid_error_truth(
    functional: Functional,
    target: Target,
    t: Any,
    spacing: Any,
    digits: int | None = None,
    engine: str | None = None,
) -> Truth:
    """|trapezoidal sum - functional| at snr t and the given spacing, in the functional's own units.

    `functional` is "mmse", "mutual_information" or "covariance_moment". `digits=n`: flint.arb of radius at
    most 10^-n of itself; `digits=None`: the same for 15 digits, rounded to a float; `engine="mpmath"`: mpf.
    Raises ValueError for bad arguments, SpanError for means that span more than a line, PrecisionError
    where the error is too small to be told from zero.
    """
    choice(functional, "functional", tuple(POWERS))
    chosen, digits = choose_engine(digits, engine)
    if not isinstance(target, Target):
        raise ValueError(f"target: {shown(target)} is not a target")
    h = rational(spacing, "spacing")
    if h <= 0:
        raise ValueError(f"spacing: {shown(spacing)} is not positive")
    law = core_law(target.core)

    def truth(value: Any, error: float = 0.0) -> Truth:
        return Truth(f"trapezoid_{functional}", value, error, chosen, digits, METHOD, target.notes)

    if law is None:
        return truth({"fast": 0.0, "certified": flint.arb(0)}.get(chosen, mpmath.mpf(0)))
    if chosen == "mpmath" and digits is not None:
        return truth(*_independent(functional, target, law, t, h, digits))
    ball = _certified(functional, target, law, t, h, digits or _FAST_DIGITS)
    return truth(ball) if chosen == "certified" else truth(float(ball.mid()), 1e-14 * float(ball.mid()))


def _certified(
    functional: Functional, target: Target, law: Law, t: Any, h: Fraction, digits: int
) -> flint.arb:
    core = target.core
    for factor in _RAISED:
        wanted = factor * (digits + 20)
        size = log_of(core.variance) * POWERS[functional]
        tolerance = size - wanted * math.log(10)
        ops = balls(bits_for(wanted) + 96)
        ratio = snr(t, "certified", bits_for(wanted) + 128)
        with ops.precision():
            own = certified.value(core, functional, ratio, tolerance)
            total, tail = _sum(functional, law, ratio * to_ball(core.diameter_squared), h, wanted, ops)
            total = total + flint.arb(0, tail.upper())
            scale = to_ball(core.diameter_squared) ** POWERS[functional]
            error: flint.arb = abs(total * scale - own)
            if error.rad() <= error.abs_lower() * flint.arb(10) ** (-digits):
                return error
    raise PrecisionError(f"trapezoid: the error at spacing {h} is too small to be told from zero")


def _independent(
    functional: Functional, target: Target, law: Law, t: Any, h: Fraction, digits: int
) -> tuple[Any, float]:
    core = target.core
    for factor in _RAISED:
        wanted = factor * (digits + 20)
        ops = mpmath_numbers(2 * wanted + 15)
        with ops.precision():
            ratio = snr(t, "mpmath", 2 * wanted + 15)
            own, doubt = independent.value(core, functional, ratio, wanted)
            unit = ops.number(core.diameter_squared)
            total, _ = _sum(functional, law, ratio * unit, h, wanted, ops)
            error = abs(total * unit ** POWERS[functional] - own)
            doubt = doubt + 10 * abs(own) * mpmath.mpf(10) ** (-wanted)
            if doubt <= error * mpmath.mpf(10) ** (-digits):
                return error, float(doubt)
    raise PrecisionError(f"trapezoid: the error at spacing {h} is too small to be told from zero")


def _sum(
    functional: Functional, law: Law, t: Any, h: Fraction, digits: int, ops: Arithmetic
) -> tuple[Any, Any]:
    """The sum in units of the diameter, and a bound of what lies beyond its last nodes."""
    root, step = ops.sqrt(t), ops.number(h)
    atoms = [ops.number(b) for b in law.atoms]
    weights = [ops.number(w) for w in law.weights]
    reach = math.sqrt(2 * (digits + 6) * math.log(10)) + 2
    size = math.sqrt(_float(t))
    first = math.floor((size * float(law.atoms[0]) - reach) / float(h))
    last = math.ceil((size * float(law.atoms[-1]) + reach) / float(h))
    normal = step / ops.sqrt(2 * ops.pi())
    total = ops.number(0)
    for k in range(first, last + 1):
        z = step * k
        phi = ops.exp(-z * z / 2)
        likelihoods = [
            w * ops.exp(root * b * z - t * b * b / 2) for w, b in zip(weights, atoms, strict=True)
        ]
        s0 = sum(likelihoods[1:], likelihoods[0])
        if functional == "mutual_information":
            total = total + phi * s0 * ops.log(s0)
            continue
        mean = sum((x * b for x, b in zip(likelihoods, atoms, strict=True)), ops.number(0)) / s0
        spread = ops.number(0)
        for x, b in zip(likelihoods, atoms, strict=True):
            spread = spread + x * (b - mean) * (b - mean)
        total = total + phi * (spread if functional == "mmse" else spread * spread / s0)
    total = total * normal
    if functional == "mutual_information":
        total = t * ops.number(law.variance) / 2 - total
    return total, _beyond(functional, law, root, step, first, last, ops)


def _beyond(
    functional: Functional, law: Law, root: Any, step: Any, first: int, last: int, ops: Arithmetic
) -> Any:
    """A bound of the nodes left out: with u the distance of the last node from s b_i, the normal tail is
    at most e^{-u^2/2}/2, and int_Z^inf x phi(x - m) dx <= e^{-u^2/2} (1 + |m|)/2."""
    farthest = ops.number(max(-law.atoms[0], law.atoms[-1]))
    total = ops.number(0)
    for side, k in ((1, last), (-1, -first)):
        edge = step * k
        for w, b in zip(law.weights, law.atoms, strict=True):
            centre = side * root * ops.number(b)
            u = edge - centre
            tail = ops.exp(-u * u / 2) / 2
            if functional == "mutual_information":
                linear = root * farthest * (1 + abs(centre)) + root * root * farthest * farthest / 2
                total = total + ops.number(w) * linear * tail
            else:
                total = total + ops.number(w * b * b) * tail
    return total / 4 if functional == "covariance_moment" else total


def _float(number: Any) -> float:
    return float(number.mid()) if isinstance(number, flint.arb) else float(number)
