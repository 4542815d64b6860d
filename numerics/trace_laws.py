"""Laws of the trace of the score's Jacobian: independent copies, and two components at any distance.

What belongs here: the trace of a product target, whose law is a convolution, and the largest tail of two
equal components, in closed form. What does not: the trace at a point, and its tail for means on a line
(`score_trace`).
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from typing import Any

import flint
import mpmath

from numerics.arithmetic import balls, bits_for, mpmath_numbers, to_ball
from numerics.exact import integer, rational, shown
from numerics.score_trace import line_of, normal_between, trace_tail
from numerics.targets import Mixture
from numerics.truth import PrecisionError

__all__ = ["pair_quantile", "product_quantile", "product_trace_tail"]

MOST_COPIES = 4096
_GUARD = 32


def product_trace_tail(
    target: Mixture, alpha_bar: Any, threshold: Any, copies: int, cells: int = 128, digits: int = 15
) -> Any:
    """P(trace > threshold) for independent copies of a target on a line, as a ball.

    The trace is the sum of the copies' traces. Each is rounded to a grid of `cells` cells, down for the
    lower end of the ball and up for the upper one, and the laws on the grid are convolved; the radius is
    what the grid gives. Raises ValueError, SpanError, PrecisionError.
    """
    count = integer(copies, "copies", 1, MOST_COPIES)
    x = rational(threshold, "threshold")
    if x < 0:
        raise ValueError(f"threshold: {shown(threshold)} is negative")
    law = _grid_law(target, alpha_bar, count, cells, digits)
    if law is None:
        return flint.arb(0)
    h, power = law
    with balls(bits_for(2 * digits) + 2 * _GUARD).precision():
        upper = _from(power, max(0, math.floor(x / h) + 1 - count))
        lower = _from(power, math.floor(x / h) + 1)
        return upper.union(lower).intersection(flint.arb(0.5, 0.5))


def product_quantile(
    target: Mixture, alpha_bar: Any, probability: Any, copies: int, cells: int = 128, digits: int = 15
) -> Any:
    """The least x with P(trace > x) <= probability for independent copies of a target, as a ball.

    Raises ValueError, SpanError, PrecisionError.
    """
    count = integer(copies, "copies", 1, MOST_COPIES)
    p = rational(probability, "probability")
    if not 0 < p < 1:
        raise ValueError(f"probability: {shown(probability)} is not between 0 and 1")
    law = _grid_law(target, alpha_bar, count, cells, digits)
    if law is None:
        return flint.arb(0)
    h, power = law
    with balls(bits_for(2 * digits) + 2 * _GUARD).precision():
        goal, tail = to_ball(p), flint.arb(0)
        high: flint.arb | None = None
        for s in range(power.length() - 1, -1, -1):
            tail += power[s]
            if high is None and not tail <= goal:
                high = to_ball((s + count) * h)
            if high is not None and tail > goal:
                return to_ball(s * h).union(high)
        raise PrecisionError("trace: the quantile is not decided on this grid")


def _grid_law(
    target: Mixture, alpha_bar: Any, count: int, cells: int, digits: int
) -> tuple[Fraction, Any] | None:
    """h and sum_s m_s z^s: the copies' sum is above s h and at most (s + count) h with mass m_s."""
    parts = integer(cells, "cells", 1, MOST_COPIES)
    level = rational(alpha_bar, "alpha_bar")
    if not 0 < level <= 1:
        raise ValueError(f"alpha_bar: {shown(alpha_bar)} is not between 0 and 1")
    with balls(bits_for(2 * digits) + 2 * _GUARD).precision():
        h, masses = _single_law(target, level, parts, digits)
        return None if masses is None else (h, masses**count)


@lru_cache(maxsize=32)
def _single_law(target: Mixture, level: Fraction, parts: int, digits: int) -> tuple[Fraction, Any]:
    """The same for one copy, kept; None in place of the masses where there is one mean."""
    spread = line_of(target, to_ball(level), balls(0)).spread
    if not spread > 0:
        return Fraction(0), None
    h = Fraction(float((spread * spread / 4).upper())) * (1 + Fraction(1, 2**40)) / parts
    tails = [flint.arb(1)]
    tails += [trace_tail(target, level, j * h, digits) for j in range(1, parts)]
    return h, flint.arb_poly([a - b for a, b in pairwise([*tails, flint.arb(0)])])


def _from(power: Any, start: int) -> Any:
    """The sum of the coefficients from an index on."""
    return sum((power[j] for j in range(start, power.length())), flint.arb(0))


def pair_quantile(probability: Any, digits: int = 20) -> Any:
    """The least x that the trace of no two equal components exceeds with a larger probability, as an mpf.

    For two equal components at the distance D the trace at z, counted from the middle, is
    D^2/(4 cosh(D z/2)^2), and z is N(+-D/2, 1): P(trace > x) = P(|D/2 + N| < (2/D) arcosh(D/(2 sqrt x))).
    The supremum over D is found by a search of its only maximum. Raises ValueError.
    """
    p = rational(probability, "probability", 2000)
    if not 0 < p < Fraction(1, 2):
        raise ValueError(f"probability: {shown(probability)} is not between 0 and 1/2")
    ops = mpmath_numbers(2 * digits + 20)
    with ops.precision():
        goal = mpmath.log(ops.number(p))
        low, high = mpmath.mpf(0), -4 * goal + 4
        for _ in range(int(3.4 * digits) + 10):
            middle = (low + high) / 2
            if _best_pair(middle, digits) > goal:
                low = middle
            else:
                high = middle
        return (low + high) / 2


def _best_pair(x: Any, digits: int) -> Any:
    """The logarithm of the largest P(trace > x) over the distance of two equal components."""

    def logarithm(distance: Any) -> Any:
        reach = 2 / distance * mpmath.acosh(distance / (2 * mpmath.sqrt(x)))
        return mpmath.log(normal_between(distance / 2 - reach, distance / 2 + reach))

    # D = 2 sqrt(x) cosh(s): the maximum lies at moderate s
    low, high = mpmath.mpf("1e-12"), mpmath.mpf(8)
    ratio = (mpmath.sqrt(5) - 1) / 2
    root = 2 * mpmath.sqrt(x)
    a, b = high - ratio * (high - low), low + ratio * (high - low)
    fa, fb = logarithm(root * mpmath.cosh(a)), logarithm(root * mpmath.cosh(b))
    for _ in range(int(2.5 * digits) + 20):
        if fa > fb:
            high, b, fb = b, a, fa
            a = high - ratio * (high - low)
            fa = logarithm(root * mpmath.cosh(a))
        else:
            low, a, fa = a, b, fb
            b = low + ratio * (high - low)
            fb = logarithm(root * mpmath.cosh(b))
    return max(fa, fb)
