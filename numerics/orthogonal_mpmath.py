"""The independent engine for orthogonal atoms: nested sums in mpmath whose steps are halved.

What belongs here: nothing shared with `orthogonal`. The posterior weights are taken as they are, without a
change of measure: with Y = e^{rho^2} X, X = e^{rho N}, h_j(lambda) = E Y^j e^{-lambda Y} and
g_j(lambda) = E X^j e^{-lambda X}, g = g_0,

    E P_1^a = int_0^inf lambda^{a-1} h_a g^{K-1} d lambda / Gamma(a),
    E P_1 P_2^2 = int_0^inf lambda^2 h_1 g_2 g^{K-2} d lambda / 2,
    M = b^2 (1 - E P_1),     C = b^4 (E P_1 - 2 E P_1^2 + E P_1^3 + (K-1) E P_1 P_2^2),
    I = log K + rho^2 - int_0^inf (e^{-lambda} - h_0 g^{K-1}) d lambda / lambda,

the last from E log(Y_1 + X_2 + ...) by Frullani's integral, E log Y_1 = rho^2. The inner expectation is a
trapezoidal sum in N, the outer one in log lambda over a range that ends where the terms vanish.

The summands are functions of log lambda + rho N alone. One of the two steps is shortened until the longer
is a multiple of the shorter: all summands then come from one table, in whole numbers of 2^-bits, and a sum
over N is a product of whole numbers for each node.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import mul
from typing import Any

import mpmath

from numerics.arithmetic import mpmath_numbers
from numerics.cores import POWERS, Functional
from numerics.structured import OrthogonalCore
from numerics.truth import PrecisionError

__all__ = ["value"]

MOST_NODES = 40_000_000
"""Inner times outer nodes."""

_GUARD_BITS = 32


def value(
    core: OrthogonalCore, functional: Functional, t: Any, digits: int, tolerance: Any = 0
) -> tuple[Any, Any]:
    """The functional at t and the difference of the last two sums, as mpf.

    Both steps are halved until two sums agree to 10^-digits relative, or to `tolerance` absolute.
    Raises PrecisionError beyond `MOST_NODES`.
    """
    count = core.components
    size = len(str(count))
    arithmetic = mpmath_numbers(2 * digits + 2 * size + 15)
    with arithmetic.precision():
        unit = arithmetic.number(core.radius_squared) ** POWERS[functional]
        square = arithmetic.number(core.radius_squared) * t
        goal = max(mpmath.mpf(tolerance) / unit, mpmath.mpf(10) ** (-2 * digits))
        if not square:
            at_zero = {"mmse": 1 - mpmath.mpf(1) / count, "mutual_information": mpmath.mpf(0)}
            return unit * at_zero.get(functional, mpmath.mpf(count - 1) / count**2), mpmath.mpf(0)
        missing = (count - 1) * mpmath.exp(-square / 4)
        if missing <= goal / 4:
            known = mpmath.log(count) if functional == "mutual_information" else mpmath.mpf(0)
            return unit * known, unit * missing
        total, change = _halved(count, functional, square, digits, goal, size)
        return unit * total, unit * change


def _halved(
    count: int, functional: Functional, square: Any, digits: int, goal: Any, size: int
) -> tuple[Any, Any]:
    depth = mpmath.log(10) * (2 * digits + size + 5)
    rho = mpmath.sqrt(square)
    outer = 10 / mpmath.mpf(2.4 * (digits + 4))
    finer = 10 / mpmath.mpf(2.4 * (digits + 4 + size))
    inner = 4 * mpmath.sqrt(finer) / 3
    if rho > mpmath.sqrt(finer) / 3:
        inner = min(inner, finer / (rho + finer / rho / 8))
    previous = None
    while True:
        total = _outer(count, functional, rho, inner, outer, depth)
        if previous is not None:
            change = abs(total - previous)
            if change <= max(goal, abs(total) * mpmath.mpf(10) ** (-digits - 1)):
                return total, change
        previous, inner, outer = total, inner / 2, outer / 2


@dataclass(frozen=True)
class _Table:
    """u^a e^{-u} for u = e^s, s = origin + delta i, in units of 2^-bits, where it is neither 1 nor 0."""

    origin: Any
    delta: Any
    power: int
    bits: int
    first: int
    last: int
    known: tuple[int, ...] | None

    def row(self, start: int, count: int, stride: int) -> Sequence[int]:
        """The entries at start, start + stride, ..., all of them between `first` and `last`."""
        if self.known is not None:
            begin = start - self.first
            return self.known[begin : begin + count * stride : stride]
        return [self.entry(start + k * stride) for k in range(count)]

    def entry(self, i: int) -> int:
        """The entry at i."""
        s = self.origin + self.delta * i
        u = mpmath.exp(s)
        return int(mpmath.nint(mpmath.ldexp(mpmath.exp(self.power * s - u), self.bits)))


def _table(origin: Any, delta: Any, power: int, most: int) -> _Table:
    """The table; beyond `most` entries (for tiny rho) they are computed as they are asked for."""
    bits = int(mpmath.mp.prec) + _GUARD_BITS
    low, high = -bits * mpmath.log(2), mpmath.log(2 * bits)
    first, last = int(mpmath.ceil((low - origin) / delta)), int(mpmath.floor((high - origin) / delta))
    made = _Table(origin, delta, power, bits, first, last, None)
    if last - first >= most:
        return made
    return _Table(
        origin, delta, power, bits, first, last, tuple(made.entry(i) for i in range(first, last + 1))
    )


def _outer(count: int, functional: Functional, rho: Any, inner: Any, outer: Any, depth: Any) -> Any:
    """The functional for b = 1 by a sum with these steps, or shorter ones."""
    across, ahead = max(1, int(rho * inner / outer)), max(1, int(outer / (rho * inner)))
    if across > 1:
        delta, inner = outer, across * outer / rho
    else:
        delta, outer = rho * inner, ahead * rho * inner
    reach = mpmath.sqrt(2 * depth) + 1
    half = int(mpmath.ceil(reach / inner))
    first = -depth - mpmath.log(count) - rho * rho
    last = rho * reach + mpmath.log(depth) + 1
    steps, nodes = int(mpmath.ceil((last - first) / outer)), 2 * half + 1
    if nodes * steps > MOST_NODES:
        raise PrecisionError(
            f"{functional}: the mpmath engine needs more than {MOST_NODES} nodes at this precision"
        )
    bits = int(mpmath.mp.prec) + _GUARD_BITS
    weights = [
        int(mpmath.nint(mpmath.ldexp(inner * mpmath.npdf((k - half) * inner), bits))) for k in range(nodes)
    ]
    below = [0, *accumulate(weights)]
    origin = first - half * across * delta

    def sums(power: int, shift: Any) -> Callable[[int], Any]:
        """E u^power e^{-u}, u = e^{x + shift + rho N}, as a function of the outer node."""
        table = _table(origin + shift, delta, power, nodes * steps)

        def at(k: int) -> Any:
            begin = min(max(0, -((k * ahead - table.first) // across)), nodes)
            end = min(max(begin, (table.last - k * ahead) // across + 1), nodes)
            row = table.row(k * ahead + begin * across, end - begin, across)
            total = sum(map(mul, weights[begin:end], row))
            if not power:
                total += below[begin] << bits
            return mpmath.ldexp(mpmath.mpf(total), -2 * bits)

        return at

    terms = _integrand(count, functional, sums, rho * rho)
    total = outer * mpmath.fsum(terms(k, first + k * outer) for k in range(steps + 1))
    if functional == "mmse":
        return 1 - total
    return mpmath.log(count) + rho * rho - total if functional == "mutual_information" else total


def _integrand(
    count: int, functional: Functional, sums: Callable[[int, Any], Callable[[int], Any]], shift: Any
) -> Callable[[int, Any], Any]:
    """The outer integrand at the k-th node, where log lambda = x."""
    g = sums(0, 0)
    if functional == "mutual_information":
        own = sums(0, shift)
        return lambda k, x: mpmath.exp(-mpmath.exp(x)) - own(k) * g(k) ** (count - 1)
    first = sums(1, shift)
    if functional == "mmse":
        return lambda k, x: first(k) * g(k) ** (count - 1)
    second, third, plain = sums(2, shift), sums(3, shift), sums(2, 0)

    def squares(k: int, x: Any) -> Any:
        one, decay = first(k), g(k)
        pure = one - 2 * second(k) + third(k) / 2
        cross = (count - 1) * one * plain(k) / 2
        return (pure * decay + cross) * decay ** (count - 2) if decay else mpmath.mpf(0)

    return squares
