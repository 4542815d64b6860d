"""How the quantities of the schedule of Li, Cai and Wei are evaluated: the rows that `bindings` takes in.

What belongs here: the rows. What does not: the algorithms (`numerics.levels`, `numerics.score_trace`), any
claim.

The quantities on the left of the statements come from the levels alone, never from the formula of their
statement: 1 - alpha_bar_1 is subtracted, alpha_t is a quotient of levels, levels below 1/2 are counted.
What cancellation and rounding over T steps take away is made good by more working precision, until every
level is known to the digits asked for. The fast tier rounds a ball.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import lru_cache
from typing import Any

from diffcert.li_cai_wei import LiCaiWeiInstance
from numerics.arithmetic import Arithmetic, balls, bits_for, mpmath_numbers
from numerics.channel import functional_truth
from numerics.score_trace import posterior_spread_at, score_trace_at, trace_tail
from numerics.truth import PrecisionError

__all__ = ["rows"]

_FLOAT_DIGITS = 20
_GUARD = 15
Row = tuple[str, str, Callable[[Any], Any], Callable[[Any], Any] | None, str]
_RECURSION = "the recursion, one level after the other"


# Levels


def _levels(instance: LiCaiWeiInstance, ops: Arithmetic) -> list[tuple[Any, Any]]:
    """(alpha_bar, 1 - alpha_bar) from the noisiest level, within the number system's precision.

    1 - alpha_bar is a difference: it is not carried along as a product.
    """
    log = ops.log(ops.number(instance.steps))
    rate = ops.number(instance.c1) * log / instance.steps
    signal = ops.exp(-ops.number(instance.c0) * log)
    found = [(signal, 1 - signal)]
    for _ in range(instance.steps - 1):
        signal = signal + rate * signal * (1 - signal)
        found.append((signal, 1 - signal))
    return found


@lru_cache(maxsize=64)
def _certified_levels(instance: LiCaiWeiInstance, digits: int) -> tuple[int, tuple[tuple[Any, Any], ...]]:
    """Working bits, and the levels as balls of that many digits; PrecisionError where none suffice."""
    bits = bits_for(digits + _GUARD) + 64
    extra = 4 * instance.steps.bit_length() + 32
    for _ in range(7):
        ops = balls(bits + extra)
        with ops.precision():
            found = _levels(instance, ops)
            if all(s.rel_accuracy_bits() >= bits and n.rel_accuracy_bits() >= bits for s, n in found):
                return bits + extra, tuple(found)
        extra *= 2
    raise PrecisionError(
        f"levels: at T = {instance.steps}, c1 = {instance.c1} they lose every digit of {bits + extra} bits"
    )


def _in_numbers(values: Any, compute: Callable[[list[tuple[Any, Any]], Arithmetic], Any]) -> Any:
    """A number or a list of them from the levels, in the number system asked for."""
    instance: LiCaiWeiInstance = values.instance
    digits = values.digits or _FLOAT_DIGITS
    bits, levels = _certified_levels(instance, digits)
    if values.engine == "mpmath":
        ops: Arithmetic = mpmath_numbers(int(bits * 0.302) + 2)
        with ops.precision():
            return compute(_levels(instance, ops), ops)
    ops = balls(bits)
    with ops.precision():
        found = compute(list(levels), ops)
    if values.engine != "fast":
        return found
    return [float(x.mid()) for x in found] if isinstance(found, list) else float(found.mid())


def _row(
    key: str, needs: str, compute: Callable[[Any, Any, Arithmetic], Any], method: str = _RECURSION
) -> Row:
    def value(values: Any) -> Any:
        return _in_numbers(values, lambda levels, ops: compute(values, levels, ops))

    return key, needs, value, None, method


def _exact(key: str, exact: Callable[[Any], Fraction]) -> Row:
    return (
        key,
        "recursion",
        lambda values: values.arithmetic.number(exact(values)),
        exact,
        "rational arithmetic",
    )


def _rate(values: Any, levels: Any, ops: Arithmetic) -> Any:
    instance = values.instance
    return ops.number(instance.c1) * ops.log(ops.number(instance.steps)) / instance.steps


def _below_half(values: Any) -> Fraction:
    """The number of levels below 1/2, each told from it with certainty.

    Beyond the first they are polynomials in log T with algebraic coefficients, and never equal to 1/2.
    """
    instance: LiCaiWeiInstance = values.instance
    _, levels = _certified_levels(instance, values.digits or _FLOAT_DIGITS)
    count = int(_starts_below_half(instance))
    for signal, _ in levels[1:]:
        if signal < 0.5:
            count += 1
        elif not signal > 0.5:
            raise PrecisionError("half_steps: a level is too close to 1/2 to be told from it")
    return Fraction(count)


def _starts_below_half(instance: LiCaiWeiInstance) -> bool:
    """Whether T^-c0 < 1/2: in integers for a power of two, the only T for which both can be equal."""
    p, q = instance.c0.numerator, instance.c0.denominator
    if instance.steps.bit_count() == 1:
        return (instance.steps.bit_length() - 1) * p > q
    bits = 64 + p.bit_length() + q.bit_length()
    for _ in range(6):
        ops = balls(bits)
        with ops.precision():
            gap = p * ops.log(ops.number(instance.steps)) - q * ops.log(ops.number(2))
            if gap > 0 or gap < 0:
                return bool(gap > 0)
        bits *= 2
    raise PrecisionError("half_steps: the first level is too close to 1/2 to be told from it")


# One step


def _pair(values: Any, levels: Any) -> tuple[Any, Any, Any, Any]:
    """alpha_bar_t, 1 - alpha_bar_t, alpha_bar_(t-1), 1 - alpha_bar_(t-1)."""
    index = values.instance.index
    return (*levels[index], *levels[index + 1])


def _step_noise(values: Any, levels: Any, ops: Arithmetic) -> Any:
    a, _, after, _ = _pair(values, levels)
    return (after - a) / after


def _odds_growth(values: Any, levels: Any, ops: Arithmetic) -> Any:
    a, noise, after, noise_after = _pair(values, levels)
    return after / noise_after * noise / a


def _noise_share(values: Any, levels: Any, ops: Arithmetic) -> Any:
    a, noise, after, _ = _pair(values, levels)
    return (after - a) / after / noise


def _noise_share_after(values: Any, levels: Any, ops: Arithmetic) -> Any:
    a, _, after, noise_after = _pair(values, levels)
    alpha = a / after
    return (1 - alpha) / (alpha * noise_after)


# The trace


def _here(values: Any, levels: Any) -> Any:
    return levels[values.instance.index][0]


def _score_trace(values: Any) -> Any:
    """The trace, with as many digits more as cancel."""
    instance: LiCaiWeiInstance = values.instance
    digits = values.digits or _FLOAT_DIGITS
    for factor in (1, 2, 4, 8, 16):
        bits, levels = _certified_levels(instance, factor * digits)
        ops: Arithmetic = balls(bits)
        with ops.precision():
            found = score_trace_at(values.target, levels[instance.index][0], instance.x, ops)
            if found == 0 or found.rel_accuracy_bits() >= bits_for(digits + _GUARD):
                break
    if values.engine == "mpmath":
        ops = mpmath_numbers(int(bits * 0.302) + 2)
        with ops.precision():
            signal = _levels(instance, ops)[instance.index][0]
            return score_trace_at(values.target, signal, instance.x, ops)
    return float(found.mid()) if values.engine == "fast" else found


def _spread(values: Any, levels: Any, ops: Arithmetic) -> Any:
    return posterior_spread_at(values.target, _here(values, levels), values.instance.x, ops)


def _tail(values: Any) -> Any:
    instance: LiCaiWeiInstance = values.instance
    digits = values.digits or _FLOAT_DIGITS
    engine = "mpmath" if values.engine == "mpmath" else "certified"
    # thrice the digits: the tail is found to digits relative to itself, however small
    _, levels = _certified_levels(instance, 4 * digits)
    if engine == "mpmath":
        ops: Arithmetic = mpmath_numbers(4 * digits + 40)
    else:
        ops = balls(bits_for(4 * digits) + 128)
    with ops.precision():
        if engine == "mpmath":
            signal = _levels(instance, ops)[instance.index][0]
        else:
            signal = levels[instance.index][0]
        count = ops.number(len(values.target.weights) * instance.steps)
        threshold = ops.number(instance.factor or Fraction(0)) * ops.log(count)
        found = trace_tail(values.target, signal, threshold, digits, engine)
    return float(found.mid()) if values.engine == "fast" else found


def _trace_mean(values: Any) -> Any:
    instance: LiCaiWeiInstance = values.instance
    digits = values.digits
    _, levels = _certified_levels(instance, 2 * (digits or _FLOAT_DIGITS))
    signal = levels[instance.index][0]
    if values.engine == "fast":
        level = float(signal.mid())
        return level * functional_truth("mmse", values.target, level, None, None).value
    if values.engine == "mpmath":
        ops = mpmath_numbers(digits + 2 * _GUARD)
        with ops.precision():
            level = _levels(instance, ops)[instance.index][0]
            return level * functional_truth("mmse", values.target, level, digits, "mpmath").value
    with values.precision():
        return signal * functional_truth("mmse", values.target, signal, digits, "certified").value


def rows() -> Iterator[Row]:
    """The rows: key, what it needs, its value, its exact value or None, how it is evaluated."""
    yield _exact("paper_steps", lambda values: Fraction(values.instance.steps))
    yield _exact("start_exponent", lambda values: values.instance.c0)
    yield _exact("rate_constant", lambda values: values.instance.c1)
    yield _row("step_rate", "recursion", _rate)
    yield _row("alpha_bar_at", "recursion", lambda values, levels, ops: [signal for signal, _ in levels])
    yield _row("last_noise", "recursion", lambda values, levels, ops: levels[-1][1])
    yield (
        "half_steps",
        "recursion",
        lambda values: values.arithmetic.number(_below_half(values)),
        _below_half,
        "counted",
    )
    yield _row("level_alpha_bar", "noised_point", lambda values, levels, ops: _here(values, levels))
    yield _row("step_noise", "level", _step_noise)
    yield _row("odds_growth", "level", _odds_growth)
    yield _row("noise_share", "level", _noise_share)
    yield _row("noise_share_after", "level", _noise_share_after)
    yield _exact("mixture_components", lambda values: Fraction(len(values.target.weights)))
    yield "score_trace", "noised_point", _score_trace, None, "Taylor coefficients of the density"
    yield _row("posterior_spread", "noised_point", _spread, "sum over pairs of components")
    key, _, value, exact, method = _exact(
        "tail_factor", lambda values: values.instance.factor or Fraction(0)
    )
    yield key, "trace_threshold", value, exact, method
    yield "trace_tail", "trace_threshold", _tail, None, "isolated roots, normal probabilities"
    yield "trace_mean", "noised_point", _trace_mean, None, "quadrature of the mmse"
