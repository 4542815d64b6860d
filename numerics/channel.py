"""The Gaussian channel of a target's core: mmse, mutual information, covariance moment.

What belongs here: the public functions, the choice of engine and of working precision. The engines
themselves are `certified`, `fast` and `independent`.
"""

from __future__ import annotations

import math
from typing import Any, Literal, TypeAlias

import flint
import mpmath

from numerics import certified, fast, independent
from numerics.arithmetic import balls, bits_for, mpmath_numbers, to_ball
from numerics.cores import POWERS, Core, Functional, log_of
from numerics.exact import choice, rational, shown
from numerics.targets import Target
from numerics.truth import PrecisionError, Truth
from numerics.whole import estimated
from numerics.whole_engines import information_scale

__all__ = [
    "MOST_DIGITS",
    "Engine",
    "choose_engine",
    "covariance_moment",
    "fast_values",
    "functional_truth",
    "independent_value",
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


def log_scale(core: Core, functional: Functional) -> float:
    """log of the scale that `digits` refers to: V for M, V^2 for C, max(H, 1) for I."""
    if functional == "mutual_information":
        return math.log(information_scale(core))
    return POWERS[functional] * log_of(core.variance)


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


def fast_values(core: Core, functional: Functional, t: Any) -> Any:
    """The functional of any core at an array of t, as floats."""
    return fast.values(core, functional, t)


def independent_value(
    core: Core, functional: Functional, t: Any, digits: int, tolerance: Any = 0
) -> tuple[Any, Any]:
    """The functional of any core at t and its error estimate, as mpf."""
    return independent.value(core, functional, t, digits, tolerance)


def functional_truth(
    functional: Functional,
    target: Target,
    t: Any,
    digits: int | None = None,
    engine: str | None = None,
    estimate: str | None = None,
) -> Truth:
    """The functional of the target's core at signal-to-noise ratio t, as an enclosure.

    `functional` is "mmse", "mutual_information" or "covariance_moment"; `estimate` "core" or "X" says
    whose (X's for components of different covariances). Raises ValueError for bad arguments, SpanError
    for means that span more than three dimensions, PrecisionError where the radius promised by `digits`
    (10^-digits max(|value|, 10^-digits scale)) is out of reach.
    """
    choice(functional, "functional", tuple(POWERS))
    chosen, digits = choose_engine(digits, engine)
    target = estimated(target, estimate)
    core = target.core

    def truth(value: Any, error: float = 0.0) -> Truth:
        return Truth(functional, value, error, chosen, digits, METHODS[chosen], target.notes)

    if chosen == "fast" or digits is None:
        at = snr(t, "fast", 53)
        value = float(fast.values(core, functional, [at])[0])
        return truth(value, fast.error_of(core, functional, at, value, log_scale(core, functional)))
    if chosen == "mpmath":
        ratio = snr(t, "mpmath", 2 * digits + 15)
        with mpmath_numbers(15).precision():
            small = mpmath.exp(log_scale(core, functional) - 2 * digits * LOG10) if core.rank else 0
        value, error = independent.value(core, functional, ratio, digits, small / 4)
        return truth(value, float(error))
    bits = bits_for(2 * digits) + 96
    ratio = snr(t, "certified", bits + (0 if isinstance(t, flint.arb) else _size(t)))
    scale = log_scale(core, functional)
    log_estimate = _log_bound(core, functional, ratio)
    radius = flint.arb.pos_inf()
    for extra in (4, 4, 12, 40, 2 * digits):
        goal = log_goal(digits, log_estimate, scale) - extra
        ball = certified.value(core, functional, ratio, goal)
        if radius_reached(ball, digits, scale):
            return truth(ball)
        if not 2 * ball.rad() < radius:
            break
        radius, log_estimate = ball.rad(), _log_size(ball)
    raise PrecisionError(
        f"{functional}: {digits} digits promised, but at t = {ratio.str(10)} the radius reached is"
        f" {ball.rad().str(3, radius=False)}"
    )


def _log_bound(core: Core, functional: Functional, t: flint.arb) -> float:
    """log of an upper bound of the functional: a first guess at its size, to choose a tolerance."""
    if not core.rank:
        return -math.inf
    gain = math.log1p(float(t.mid()) * float(core.variance / core.rank))
    if functional == "mutual_information":
        return math.log(core.rank * gain / 2) if gain else -math.inf
    return POWERS[functional] * (log_of(core.variance) - gain)


def _log_size(ball: flint.arb) -> float:
    """log of the least absolute value in a ball, -inf if it contains 0."""
    with balls(64).precision():
        low = abs(ball).lower()
        return float(low.log()) if low > 0 else -math.inf


def _size(t: Any) -> int:
    """Bits that a large signal-to-noise ratio needs in addition, so that it is as good as exact."""
    exact = rational(t, "t")
    return max(0, exact.numerator.bit_length() - exact.denominator.bit_length())


def mmse(
    target: Target,
    t: Any,
    digits: int | None = None,
    engine: str | None = None,
    estimate: str | None = None,
) -> Any:
    """M(t) = E|A - E[A | Y_t]|^2 of the target's core at signal-to-noise ratio t.

    In squared units of the means. `digits=None`: float; `digits=n`: flint.arb whose radius is at most
    10^-n max(M, 10^-n V); `engine="mpmath"`: mpf. `estimate="X"`: of X itself, as always where components
    have different covariances. Raises ValueError, SpanError, PrecisionError.
    """
    return functional_truth("mmse", target, t, digits, engine, estimate).value


def mutual_information(
    target: Target,
    t: Any,
    digits: int | None = None,
    engine: str | None = None,
    estimate: str | None = None,
) -> Any:
    """I(t) = I(A; Y_t) of the target's core at signal-to-noise ratio t, in nats.

    `digits=None`: float; `digits=n`: flint.arb whose radius is at most 10^-n max(I, 10^-n max(H, 1));
    `engine="mpmath"`: mpf. `estimate="X"`: I(X; Y_t). Raises ValueError, SpanError, PrecisionError.
    """
    return functional_truth("mutual_information", target, t, digits, engine, estimate).value


def covariance_moment(
    target: Target,
    t: Any,
    digits: int | None = None,
    engine: str | None = None,
    estimate: str | None = None,
) -> Any:
    """C(t) = E|Cov(A | Y_t)|_F^2 of the target's core at signal-to-noise ratio t.

    In fourth powers of the units of the means. `digits=None`: float; `digits=n`: flint.arb whose
    radius is at most 10^-n max(C, 10^-n V^2); `engine="mpmath"`: mpf. `estimate="X"`: E|Cov(X | Y_t)|_F^2
    (not for components of different covariances). Raises ValueError, SpanError, PrecisionError.
    """
    return functional_truth("covariance_moment", target, t, digits, engine, estimate).value
