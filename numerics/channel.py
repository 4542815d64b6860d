"""The Gaussian channel of a target's core: mmse, mutual information, covariance moment.

What belongs here: the public functions, the choice of engine and of working precision. The engines
themselves are `certified`, `fast` and `independent`.
"""

from __future__ import annotations

import math
from typing import Any, Literal, TypeAlias

import flint
import mpmath
import numpy as np

from numerics import certified, fast, independent
from numerics.arithmetic import balls, bits_for, mpmath_numbers, to_ball
from numerics.certified import Functional, Law, law_of, log_of
from numerics.exact import choice, rational, shown
from numerics.targets import Core, Mixture
from numerics.truth import PrecisionError, SpanError, Truth

__all__ = [
    "MOST_DIGITS",
    "Engine",
    "choose_engine",
    "covariance_moment",
    "functional_truth",
    "log_goal",
    "mmse",
    "mutual_information",
    "radius_reached",
]

Engine: TypeAlias = Literal["fast", "certified", "mpmath"]

MOST_DIGITS = 1000

LOG10 = math.log(10)

METHODS = {
    "fast": "trapezoidal rule, machine numbers",
    "certified": "trapezoidal rule with proven remainder, balls",
    "mpmath": "fixed-step rule verified by halving, mpmath",
}

_POWERS: dict[str, int] = {"mmse": 1, "mutual_information": 0, "covariance_moment": 2}


def choose_engine(digits: int | None, engine: str | None) -> tuple[Engine, int | None]:
    """The engine and digits meant by the two arguments; ValueError for a combination without sense."""
    if digits is not None and (isinstance(digits, bool) or not isinstance(digits, int)):
        raise ValueError(f"digits: {shown(digits)} is not an integer")
    if digits is not None and not 1 <= digits <= MOST_DIGITS:
        raise ValueError(f"digits: {shown(digits)} is not between 1 and {MOST_DIGITS}")
    if engine is None:
        return ("fast", None) if digits is None else ("certified", digits)
    choice(engine, "engine", ("fast", "certified", "mpmath"))
    if engine == "fast":
        if digits is not None:
            raise ValueError(f"digits: {digits} given, but the fast engine has machine precision")
        return "fast", None
    if digits is None:
        raise ValueError(f"digits: missing; the {engine} engine needs a number of digits")
    return ("certified", digits) if engine == "certified" else ("mpmath", digits)


def core_law(core: Core) -> Law | None:
    """The one-dimensional law of the core's coordinates, None for a single atom.

    Raises SpanError where the means span more than a line.
    """
    if core.rank == 0:
        return None
    if core.rank > 1:
        raise SpanError(
            f"means: they span {core.rank} dimensions; values are available for means on a line"
        )
    return law_of(core.weights, core.coordinates)


def log_scale(core: Core, functional: Functional) -> float:
    """log of the scale that `digits` refers to: V for M, V^2 for C, max(H, 1) for I."""
    if functional == "mutual_information":
        return math.log(max(1.0, -math.fsum(float(w) * log_of(w) for w in core.weights)))
    return _POWERS[functional] * log_of(core.variance)


def log_goal(digits: int, log_estimate: float, scale: float) -> float:
    """log of the radius that `digits` promises: 10^-digits max(|value|, 10^-digits scale)."""
    return max(log_estimate, scale - digits * LOG10) - digits * LOG10


def radius_reached(value: flint.arb, digits: int, scale: float) -> bool:
    """Whether the ball keeps the promise of `digits`."""
    if not value.is_finite():
        return False
    with balls(64).precision():
        promise = abs(value).abs_upper().max((flint.arb(scale) - digits * flint.arb(10).log()).exp())
        return bool(value.rad() <= promise * flint.arb(10) ** -digits)


def snr(t: Any, engine: Engine, bits: int) -> Any:
    """A signal-to-noise ratio as the engine's number; ValueError if it is negative or not finite."""
    if isinstance(t, flint.arb | mpmath.mpf):
        finite = t.is_finite() if isinstance(t, flint.arb) else bool(mpmath.isfinite(t))
        if not finite or not t >= 0:
            raise ValueError(f"t: {shown(t)} is not certainly a finite signal-to-noise ratio >= 0")
        if engine == "fast":
            return float(t.mid()) if isinstance(t, flint.arb) else float(t)
        if isinstance(t, flint.arb) == (engine == "certified"):
            return t
        with balls(bits).precision(), mpmath_numbers(bits).precision():
            return flint.arb(t) if engine == "certified" else mpmath.mpf(t.mid())
    exact = rational(t, "t")
    if exact < 0:
        raise ValueError(f"t: {shown(t)} is negative; a signal-to-noise ratio is >= 0")
    if engine == "fast":
        return float(exact)
    if engine == "certified":
        with balls(bits).precision():
            return to_ball(exact)
    ops = mpmath_numbers(bits)
    with ops.precision():
        return ops.number(exact)


def core_value(core: Core, functional: Functional, t: flint.arb, log_tolerance: float) -> flint.arb:
    """The functional of the core at t as a ball of radius about exp(log_tolerance)."""
    law = core_law(core)
    if law is None:
        return flint.arb(0)
    power = _POWERS[functional]
    log_unit = power * log_of(core.diameter_squared)
    bits = 64 + max(0, int((log_unit - log_tolerance) / math.log(2)), t.mid().bits())
    with balls(bits).precision():
        unit = to_ball(core.diameter_squared)
        value = certified.evaluate(law, t * unit, functional, log_tolerance - log_unit)
        return value * unit**power


def fast_values(core: Core, functional: Functional, t: Any) -> Any:
    """The functional of the core at an array of t, as floats."""
    law = core_law(core)
    if law is None:
        return np.zeros(len(t))
    unit = float(core.diameter_squared)
    return fast.evaluate(law, np.asarray(t) * unit, functional) * unit ** _POWERS[functional]


def fast_tails(core: Core, t: Any) -> Any:
    """The stated absolute error of fast mmse values at an array of t; it matters in tails only.

    What the fast engine leaves out between clusters is below e^{-t gap^2/8} V, and below
    `fast.ABSOLUTE_ERROR` V.
    """
    law = core_law(core)
    if law is None:
        return np.zeros(len(t))
    left_out = np.exp(-np.asarray(t) * float(core.diameter_squared * law.gap**2) / 8)
    scale = len(law.atoms) * float(core.variance)
    return scale * np.minimum(left_out, fast.ABSOLUTE_ERROR)


def independent_value(
    core: Core, functional: Functional, t: Any, digits: int, tolerance: Any = 0
) -> tuple[Any, Any]:
    """The functional of the core at t and its error estimate, as mpf."""
    law = core_law(core)
    if law is None:
        return mpmath.mpf(0), mpmath.mpf(0)
    arithmetic = mpmath_numbers(2 * digits + 15)
    with arithmetic.precision():
        unit = arithmetic.number(core.diameter_squared)
        scale = unit ** _POWERS[functional]
        value, error = independent.evaluate(law, t * unit, functional, digits, tolerance / scale)
        return value * scale, error * scale


def fast_cancellation(core: Core, t: Any) -> Any:
    """What a fast mutual information at an array of t may lose in the subtraction from the entropy."""
    law = core_law(core)
    if law is None:
        return np.zeros(len(t))
    entropy = -math.fsum(float(w) * log_of(w) for w in core.weights)
    weak = fast.information_is_weak(law, np.asarray(t) * float(core.diameter_squared))
    return np.where(weak, 0.0, fast.CANCELLATION * entropy)


def _fast_error(core: Core, functional: Functional, t: float, value: float) -> float:
    scale = math.exp(log_scale(core, functional))
    error = fast.RELATIVE_ERROR * abs(value) + fast.ABSOLUTE_ERROR * scale
    if functional == "mutual_information":
        error += float(fast_cancellation(core, [t])[0])
    return error


def functional_truth(
    functional: Functional,
    target: Mixture,
    t: Any,
    digits: int | None = None,
    engine: str | None = None,
) -> Truth:
    """The functional of the target's core at signal-to-noise ratio t, as an enclosure.

    `functional` is "mmse", "mutual_information" or "covariance_moment". Raises ValueError for bad
    arguments, SpanError for means that span more than a line, PrecisionError where the radius
    promised by `digits` (10^-digits max(|value|, 10^-digits scale)) is out of reach.
    """
    choice(functional, "functional", tuple(_POWERS))
    chosen, digits = choose_engine(digits, engine)
    if not isinstance(target, Mixture):
        raise ValueError(f"target: {shown(target)} is not a Mixture")
    core = target.core
    law = core_law(core)

    def truth(value: Any, error: float = 0.0) -> Truth:
        return Truth(functional, value, error, chosen, digits, METHODS[chosen], target.notes)

    if chosen == "fast" or digits is None:
        at = snr(t, "fast", 53)
        value = float(fast_values(core, functional, [at])[0])
        return truth(value, _fast_error(core, functional, at, value) if law else 0.0)
    if chosen == "mpmath":
        ratio = snr(t, "mpmath", 2 * digits + 15)
        with mpmath_numbers(15).precision():
            scale = mpmath.exp(log_scale(core, functional) - 2 * digits * LOG10) if law else 0
        value, error = independent_value(core, functional, ratio, digits, scale / 4)
        return truth(value, float(error))
    bits = bits_for(2 * digits) + 96
    ratio = snr(t, "certified", bits + (0 if isinstance(t, flint.arb) else _size(t)))
    if law is None:
        return truth(flint.arb(0))
    scale = log_scale(core, functional)
    log_estimate = _log_bound(core, functional, ratio)
    for extra in (4, 4, 12, 40, 2 * digits):
        ball = core_value(core, functional, ratio, log_goal(digits, log_estimate, scale) - extra)
        if radius_reached(ball, digits, scale):
            return truth(ball)
        log_estimate = _log_size(ball)
    raise PrecisionError(
        f"{functional}: {digits} digits promised, but at t = {ratio.str(10)} the radius reached is"
        f" {ball.rad().str(3, radius=False)}"
    )


def _log_bound(core: Core, functional: Functional, t: flint.arb) -> float:
    """log of an upper bound of the functional: a first guess at its size, to choose a tolerance."""
    gain = math.log1p(float(t.mid()) * float(core.variance))
    if functional == "mutual_information":
        return math.log(gain / 2) if gain else -math.inf
    return _POWERS[functional] * (log_of(core.variance) - gain)


def _log_size(ball: flint.arb) -> float:
    """log of the least absolute value in a ball, -inf if it contains 0."""
    with balls(64).precision():
        low = abs(ball).lower()
        return float(low.log()) if low > 0 else -math.inf


def _size(t: Any) -> int:
    """Bits that a large signal-to-noise ratio needs in addition, so that it is as good as exact."""
    exact = rational(t, "t")
    return max(0, exact.numerator.bit_length() - exact.denominator.bit_length())


def mmse(target: Mixture, t: Any, digits: int | None = None, engine: str | None = None) -> Any:
    """M(t) = E|A - E[A | Y_t]|^2 of the target's core at signal-to-noise ratio t.

    In squared units of the means. `digits=None`: float; `digits=n`: flint.arb whose radius is at most
    10^-n max(M, 10^-n V); `engine="mpmath"`: mpf. Raises ValueError, SpanError, PrecisionError.
    """
    return functional_truth("mmse", target, t, digits, engine).value


def mutual_information(
    target: Mixture, t: Any, digits: int | None = None, engine: str | None = None
) -> Any:
    """I(t) = I(A; Y_t) of the target's core at signal-to-noise ratio t, in nats.

    `digits=None`: float; `digits=n`: flint.arb whose radius is at most 10^-n max(I, 10^-n max(H, 1));
    `engine="mpmath"`: mpf. Raises ValueError, SpanError, PrecisionError.
    """
    return functional_truth("mutual_information", target, t, digits, engine).value


def covariance_moment(target: Mixture, t: Any, digits: int | None = None, engine: str | None = None) -> Any:
    """C(t) = E|Cov(A | Y_t)|_F^2 of the target's core at signal-to-noise ratio t.

    In fourth powers of the units of the means. `digits=None`: float; `digits=n`: flint.arb whose
    radius is at most 10^-n max(C, 10^-n V^2); `engine="mpmath"`: mpf. Raises ValueError, SpanError,
    PrecisionError.
    """
    return functional_truth("covariance_moment", target, t, digits, engine).value
