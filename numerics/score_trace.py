"""The trace of the score's Jacobian for mixtures of unit covariance: at a point, and its exact tail.

What belongs here: tr(I + J) from derivatives of the density, tr Cov(A | x) from the posterior, and the law
of the trace for means on a line, in balls and by an independent route. What does not: the noise levels
(`levels`), claims.

For X = A + xi, xi ~ N(0, I), the noised variable is x = sqrt(a) A + N(0, I), a = alpha_bar, whose score
has the Jacobian J with I + J = a Cov(A | x). For means on a line the trace is a function tau(z) of the
coordinate z of x along it, the variance of u = sqrt(a) A under the posterior, which is the prior tilted by
e^{u z}: tau' is the third cumulant of u and tau'' the fourth. With D the distance of the outermost u,
|u - E u| <= D, so that |tau'| <= D tau and |tau''| <= D^2 tau (the fourth cumulant E(u - Eu)^4 - 3 tau^2 is
a difference of two numbers between 0 and D^2 tau). Hence, rigorously and without balls of positive width,

    tau(z + h) lies between tau(z) e^{-D |h|} and tau(z) e^{D |h|},
    |tau'(z + h) - tau'(z)| <= D^2 |h| tau(z) e^{D |h|},

which decides tau > x on whole cells, and isolates the roots of tau = x: on a cell where tau' has one sign
they are found by bisection. On wide cells tau <= sum_j (u_j - u_i)^2 pi_j/pi_i for any i, where the
logarithm of the odds pi_j/pi_i is linear in z and largest at an end of the cell. P(tau > x) is the mass of
the cells above x, a sum of normal probabilities. What is not decided within the number of bits, and the far
tails, are part of the radius.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import flint
import mpmath

from numerics.arithmetic import Arithmetic, balls, bits_for, mpmath_numbers
from numerics.exact import rational, shown
from numerics.targets import Mixture
from numerics.truth import PrecisionError, SpanError

__all__ = [
    "line_of",
    "normal_between",
    "posterior_spread_at",
    "score_trace_at",
    "trace_tail",
]

MOST_CELLS = 200_000
_GUARD = 32


def _unit(target: Any) -> Mixture:
    if not isinstance(target, Mixture) or target.variance != 1:
        raise ValueError(f"target: {shown(target)} is not a mixture of variance 1")
    return target


# At a point


def _offsets(target: Mixture, alpha_bar: Any, x: Sequence[Fraction], ops: Arithmetic) -> list[list[Any]]:
    """sqrt(a) mu_k - x for every component, in the number system."""
    root = ops.sqrt(alpha_bar)
    return [
        [root * ops.number(m) - ops.number(c) for m, c in zip(mean, x, strict=True)]
        for mean in target.means
    ]


def _posterior(target: Mixture, offsets: list[list[Any]], ops: Arithmetic) -> list[Any]:
    """The posterior probabilities, from exponents less the largest one."""
    exponents = [
        ops.log(ops.number(w)) - sum((z * z for z in row), ops.number(0)) / 2
        for w, row in zip(target.weights, offsets, strict=True)
    ]
    top = max(exponents, key=lambda e: float(e.mid()) if isinstance(e, flint.arb) else float(e))
    parts = [ops.exp(e - top) for e in exponents]
    total = sum(parts[1:], parts[0])
    return [part / total for part in parts]


def score_trace_at(target: Mixture, alpha_bar: Any, x: Sequence[Fraction], ops: Arithmetic) -> Any:
    """tr(I + J) at x: J is taken from the density's Taylor coefficients along every coordinate.

    `alpha_bar` is a number of the arithmetic `ops`, to be called within its `precision()`. It is 0 for one
    component. Digits cancel where one component has nearly all the posterior probability.
    """
    _unit(target)
    trace = ops.number(0)
    if len(target.means) == 1:
        return trace
    offsets = _offsets(target, alpha_bar, x, ops)
    shares = _posterior(target, offsets, ops)
    for i in range(target.dimension):
        # p(x + h e_i)/p(x) = sum_k share_k exp(z h - h^2/2), z = offset: 1 + first h + second h^2 + ...
        first = sum((p * row[i] for p, row in zip(shares, offsets, strict=True)), ops.number(0))
        second = sum(
            (p * (row[i] * row[i] - 1) / 2 for p, row in zip(shares, offsets, strict=True)), ops.number(0)
        )
        trace = trace + 1 + (2 * second - first * first)
    return trace


def posterior_spread_at(target: Mixture, alpha_bar: Any, x: Sequence[Fraction], ops: Arithmetic) -> Any:
    """tr Cov(A | x) = sum over pairs of pi_i pi_j |mu_i - mu_j|^2, in the number system."""
    _unit(target)
    shares = _posterior(target, _offsets(target, alpha_bar, x, ops), ops)
    total = ops.number(0)
    for i, (p, mean) in enumerate(zip(shares, target.means, strict=True)):
        for q, other in zip(shares[:i], target.means[:i], strict=True):
            square = sum(((a - b) * (a - b) for a, b in zip(mean, other, strict=True)), Fraction(0))
            total = total + p * q * ops.number(square)
    return total


# Means on a line


@dataclass(frozen=True)
class TiltedLine:
    """u = sqrt(a) A on a line: weights and points in a number system, increasing, the first at 0."""

    weights: tuple[Any, ...]
    points: tuple[Any, ...]
    spread: Any
    """The distance D of the outermost points."""

    def tilted(self, z: Any, ops: Arithmetic) -> tuple[list[Any], Any]:
        """The posterior probabilities at z, and the posterior mean."""
        parts = [w * ops.exp(u * (z - u / 2)) for w, u in zip(self.weights, self.points, strict=True)]
        total = sum(parts[1:], parts[0])
        shares = [part / total for part in parts]
        mean = sum((p * u for p, u in zip(shares, self.points, strict=True)), ops.number(0))
        return shares, mean

    def cumulants(self, z: Any, ops: Arithmetic) -> tuple[Any, Any]:
        """tau(z) and tau'(z), the second and third posterior cumulants of u."""
        shares, mean = self.tilted(z, ops)
        second = third = ops.number(0)
        for p, u in zip(shares, self.points, strict=True):
            away = u - mean
            second = second + p * away * away
            third = third + p * away * away * away
        return second, third


def line_of(target: Mixture, alpha_bar: Any, ops: Arithmetic) -> TiltedLine:
    """The posterior of sqrt(a) A along the line of the means; SpanError where they span more."""
    core = _unit(target).core
    if core.rank > 1:
        raise SpanError(f"target: the means span {core.rank} dimensions; the trace's tail is for a line")
    if not core.rank:
        return TiltedLine((ops.number(1),), (ops.number(0),), ops.number(0))
    length = ops.sqrt(ops.number(core.lengths[0] * core.diameter_squared) * alpha_bar)
    places = sorted(zip((c[0] for c in core.coordinates), core.weights, strict=True))
    least = places[0][0]
    points = tuple(ops.number(c - least) * length for c, _ in places)
    return TiltedLine(tuple(ops.number(w) for _, w in places), points, points[-1] - points[0])


def trace_tail(
    target: Mixture, alpha_bar: Any, threshold: Any, digits: int = 30, engine: str = "certified"
) -> Any:
    """P(tr(I + J) > threshold) for x = sqrt(a) X + sqrt(1 - a) N, as a ball or an mpmath number.

    `alpha_bar` and `threshold` are exact numbers, or balls (mpmath numbers). The radius is at most
    10^-digits times the larger of the probability and 10^-2 digits; PrecisionError where that takes too
    many cells, as with balls that are too wide. The mpmath route samples the trace on a grid and bisects
    its changes of sign; it carries no proof. Raises ValueError, SpanError.
    """
    if engine == "mpmath":
        return _sampled_tail(target, alpha_bar, threshold, digits)
    bits = bits_for(3 * digits) + _GUARD
    for extra in (0, bits, 3 * bits):
        ops = balls(bits + extra)
        with ops.precision():
            line = line_of(target, _number(alpha_bar, ops), ops)
            value = _tail(line, _number(threshold, ops), ops, bits)
            goal = abs(value).max(flint.arb(10) ** (-2 * digits)) * flint.arb(10) ** (-digits)
            if flint.arb(value.rad()) <= goal:
                return value
    raise PrecisionError(f"trace tail: {digits} digits are out of reach; reached {value.str(8)}")


def _number(value: Any, ops: Arithmetic) -> Any:
    return value if isinstance(value, flint.arb | mpmath.mpf) else ops.number(rational(value, "threshold"))


def _tail(line: TiltedLine, x: Any, ops: Arithmetic, bits: int) -> Any:
    if not x >= 0:
        raise ValueError("threshold: it is negative, or not known to be a number >= 0")
    if bool(line.spread == 0) or bool(line.spread * line.spread / 4 < x):
        return flint.arb(0)
    reach = flint.arb(math.ceil(math.sqrt(2 * math.log(2) * bits)) + 1)
    high = flint.arb(math.ceil(float(line.spread.upper()))) + reach
    above = _Above(line)
    above.open = 2 * ops.exp(-reach * reach / 2)
    cells = [(-reach, high)]
    seen = 0
    while cells:
        begin, end = cells.pop()
        seen += 1
        if seen > MOST_CELLS:
            raise PrecisionError(f"trace tail: more than {MOST_CELLS} cells")
        middle, half = ((begin + end) / 2).mid(), (end - begin) / 2
        value, slope = line.cumulants(middle, ops)
        value -= x
        bend = line.spread * line.spread * (value + x) * (line.spread * half).exp() * half
        moved = abs(slope) * half + bend * half / 2
        if bool(abs(value) > moved):
            above.cell(begin, bool(value > 0))
        elif bool(line.spread * half > 1) and bool(_dominated(line, begin, middle, end, ops) < x):
            above.cell(begin, False)
        elif bool(abs(slope) > bend) and _crosses(line, x, begin, end, ops):
            rises = bool(slope > 0)
            above.cell(begin, not rises)
            above.cell(_root(line, x, begin, end, rises, ops, bits), rises)
        elif (value.contains(0) and bool(moved < value.rad())) or bool(half < flint.arb(2) ** (-bits)):
            above.cell(begin, False)
            above.open += abs(_mass(line, begin, end))
        else:
            cells += [(middle, end), (begin, middle)]
    above.cell(high, False)
    return above.total + flint.arb(0.5, 0.5) * above.open


class _Above:
    """The mass of the cells above the threshold, gathered from left to right."""

    def __init__(self, line: TiltedLine) -> None:
        self._line = line
        self._since: Any = None
        self.total, self.open = flint.arb(0), flint.arb(0)

    def cell(self, begin: Any, above: bool) -> None:
        """From `begin` on the trace is above the threshold, or not."""
        if above and self._since is None:
            self._since = begin
        elif not above and self._since is not None:
            self.total += _mass(self._line, self._since, begin)
            self._since = None


def _dominated(line: TiltedLine, begin: Any, middle: Any, end: Any, ops: Arithmetic) -> Any:
    """A bound of tau on a cell by the component that is likeliest in its middle."""
    shares, _ = line.tilted(middle, ops)
    top = max(range(len(shares)), key=lambda i: float(shares[i].mid()))
    total = ops.number(0)
    for weight, u in zip(line.weights, line.points, strict=True):
        gap = u - line.points[top]
        odds = [gap * (z - (u + line.points[top]) / 2) for z in (begin, end)]
        total = total + gap * gap * weight / line.weights[top] * ops.exp(ops.maximum(odds))
    return total


def _crosses(line: TiltedLine, x: Any, begin: Any, end: Any, ops: Arithmetic) -> bool:
    """Whether tau - x has certainly different signs at the ends of a cell."""
    sides = [line.cumulants(z, ops)[0] - x for z in (begin, end)]
    return bool(sides[0] * sides[1] < 0)


def _side(line: TiltedLine, x: Any, z: Any, ops: Arithmetic) -> bool | None:
    value = line.cumulants(z, ops)[0] - x
    return True if value > 0 else (False if value < 0 else None)


def _root(line: TiltedLine, x: Any, begin: Any, end: Any, rises: bool, ops: Arithmetic, bits: int) -> Any:
    """A ball around the only point of a monotone cell where tau = x; None where the sides stay open."""
    low, high = begin.mid(), end.mid()
    for _ in range(bits + 64):
        middle = ((low + high) / 2).mid()
        side = _side(line, x, middle, ops)
        if side is None:
            break
        if side == rises:
            high = middle
        else:
            low = middle
        if bool(high - low < flint.arb(2) ** (-bits)):
            break
    return low.union(high)


def _mass(line: TiltedLine, begin: Any, end: Any) -> Any:
    """P(begin < z < end) for z = u + N, each term from the tail in which it is small."""
    root = flint.arb(2).sqrt()
    total = flint.arb(0)
    for w, u in zip(line.weights, line.points, strict=True):
        a, b = (begin - u) / root, (end - u) / root
        if bool(a > 0):
            part = (a.erfc() - b.erfc()) / 2
        elif bool(b < 0):
            part = ((-b).erfc() - (-a).erfc()) / 2
        else:
            part = (b.erf() - a.erf()) / 2
        total += w * part
    return total


# The independent route


def _sampled_tail(target: Mixture, alpha_bar: Any, threshold: Any, digits: int) -> Any:
    ops = mpmath_numbers(2 * digits + 30)
    with ops.precision():
        line = line_of(target, _number(alpha_bar, ops), ops)
        x = _number(threshold, ops)
        if not line.spread:
            return mpmath.mpf(0)
        reach = mpmath.sqrt(2 * mpmath.log(10) * 3 * digits) + 1
        low, high = -reach, line.spread + reach
        count = int(16 * (high - low) * (1 + line.spread)) + 64
        points = [low + (high - low) * i / count for i in range(count + 1)]
        values = [line.cumulants(z, ops)[0] - x for z in points]
        edges = [points[0]] if values[0] > 0 else []
        for a, b, fa, fb in zip(points, points[1:], values, values[1:], strict=False):
            if (fa > 0) != (fb > 0):
                edges.append(_bisected(lambda z: line.cumulants(z, ops)[0] - x, a, b, fa > 0))
        if values[-1] > 0:
            edges.append(points[-1])
        total = mpmath.mpf(0)
        for begin, end in zip(edges[::2], edges[1::2], strict=True):
            for w, u in zip(line.weights, line.points, strict=True):
                total += w * normal_between(begin - u, end - u)
        return total


def _bisected(function: Any, low: Any, high: Any, positive: bool) -> Any:
    for _ in range(mpmath.mp.prec):
        middle = (low + high) / 2
        if (function(middle) > 0) == positive:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def normal_between(a: Any, b: Any) -> Any:
    """P(a < N < b) as an mpmath number, from the tail in which it is small."""
    root = mpmath.sqrt(2)
    if a > 0:
        return (mpmath.erfc(a / root) - mpmath.erfc(b / root)) / 2
    if b < 0:
        return (mpmath.erfc(-b / root) - mpmath.erfc(-a / root)) / 2
    return (mpmath.erf(b / root) - mpmath.erf(a / root)) / 2
