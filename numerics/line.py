"""The certified engine for atoms on a line: trapezoidal sums in balls.

What belongs here: the sums with their remainder and truncation. The proofs are in the docstrings of
`quadrature` and of the functions here. What does not: large signal-to-noise ratios (`clusters`), several
dimensions (`space`), the choice of digits (`channel`).

The law is that of the core's coordinates, in [0, 1] and measured from their mean; t is in those
units. Tolerances are absolute and given as natural logarithms, so that nothing underflows.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from itertools import pairwise
from operator import mul
from typing import Any

import flint

from numerics.arithmetic import balls, to_ball
from numerics.cores import Functional, PointCore, log_of
from numerics.quadrature import Spacing, Strip, gaussian_tail, remainder, spacing, window
from numerics.truth import PrecisionError

__all__ = ["MOST_NODES", "Law", "integral", "law_of", "strip_of", "window_of"]

MOST_NODES = 3_000_000
"""The stated cost of one value: the certified engine gives up beyond this many nodes."""

_BLOCK = 1 << 15
_TABLES: OrderedDict[tuple[Spacing, int], list[flint.arb]] = OrderedDict()
_MOST_TABLES = 48


@dataclass(frozen=True, eq=False)
class Law:
    """A discrete law on the line, its atoms measured from its mean; identity is equality."""

    weights: tuple[Fraction, ...]
    atoms: tuple[Fraction, ...]
    variance: Fraction

    @property
    def span(self) -> Fraction:
        """The distance from the first atom to the last."""
        return self.atoms[-1] - self.atoms[0]

    @cached_property
    def gap(self) -> Fraction:
        """The least distance between two atoms."""
        return min(b - a for a, b in pairwise(self.atoms))

    @cached_property
    def widest_gap(self) -> Fraction:
        """The largest distance between two neighbouring atoms."""
        return max(b - a for a, b in pairwise(self.atoms))

    @cached_property
    def least_weight(self) -> Fraction:
        """The smallest weight."""
        return min(self.weights)

    @lru_cache(maxsize=64)  # noqa: B019 - laws are themselves cached, and few
    def moments(self, bits: int) -> tuple[list[flint.arb], list[list[flint.arb]]]:
        """The atoms b_i, and w_i b_i^m for m = 0, 1, 2, as balls."""
        powers = [
            [to_ball(w * b**m) for w, b in zip(self.weights, self.atoms, strict=True)] for m in range(3)
        ]
        return [to_ball(b) for b in self.atoms], powers


@lru_cache(maxsize=4096)
def law_of(core: PointCore) -> Law:
    """The law of the coordinates of a core on a line."""
    coordinates = [x for (x,) in core.coordinates]
    mean = sum((w * x for w, x in zip(core.weights, coordinates, strict=True)), Fraction(0))
    atoms = tuple(x - mean for x in coordinates)
    return Law(core.weights, atoms, core.variance / core.diameter_squared)


# The trapezoidal sum


def integral(law: Law, t: flint.arb, functional: Functional, log_tolerance: float) -> flint.arb:
    """The trapezoidal sum over the nodes k h, widened by its remainder and by its truncation."""
    t_float = float(t.mid())
    spread = math.sqrt(t_float) * float(law.span)
    power = 3 if functional == "covariance_moment" else 1
    if functional == "mutual_information":
        log_size = math.log(0.75 + t_float * float(law.variance))
    else:
        log_size = log_of(law.variance)
    digits = max(log_size - log_tolerance, 0) + math.log(16)
    separated = math.log(len(law.atoms)) + 2 * log_of(law.span) - t_float * float(law.gap) ** 2 / 8
    log_strip = log_size if functional == "mutual_information" else min(log_size, separated)
    decay = max(log_strip - log_tolerance, 0) + math.log(16)
    narrow = window_of(law, t_float, decay)
    h = spacing(decay, spread if narrow is None else narrow, power)
    reach = math.sqrt(2 * (digits + math.log(4 + spread * spread))) + 1
    width = spread + 2 * reach
    nodes = width / float(h)
    if not nodes * max(1, len(law.atoms) / 64) <= MOST_NODES:
        raise PrecisionError(
            f"{functional}: at snr x diameter^2 = {t_float:.6g} this precision takes {nodes:.3g} nodes"
            f" (limit {MOST_NODES})"
        )
    growth = math.log2(2 + spread * width) + math.log2(2 + math.sqrt(nodes))
    bits = 32 * (int(digits / math.log(2) + growth + 24) // 32 + 1)
    with balls(bits).precision():
        root = t.sqrt()
        start = math.floor((math.sqrt(t_float) * float(law.atoms[0]) - reach) / float(h))
        stop = math.ceil((math.sqrt(t_float) * float(law.atoms[-1]) + reach) / float(h))
        total = _node_sum(law, t, root, functional, h, start, stop, bits)
        step = h.ball()
        total = total * step / (2 * flint.arb.pi()).sqrt()
        if functional == "mutual_information":
            total = t * to_ball(law.variance) / 2 - total
    with balls(64).precision():
        error = remainder(step, strip_of(law, t, functional, narrow))
        error += _truncation(law, t, root, functional, step, start, stop)
        error = error.upper()
        margin = (-error).union(error)
    with balls(bits).precision():
        return total + margin


def window_of(law: Law, t: float, decay: float) -> float | None:
    """The window of the strip bound that serves a remainder of about exp(-decay), if one helps."""
    s = math.sqrt(t)
    return window(s * float(law.span), s * float(law.widest_gap), log_of(law.least_weight), decay)


def strip_of(law: Law, t: flint.arb, functional: Functional, width: float | None) -> Strip:
    """The strip bound, with M <= V/(1 + tV) and M <= (K/4) D^2 e^{-t gap^2/8} for K atoms.

    The second is half the sum over pairs of sqrt(w_i w_j) |a_i - a_j|^2 e^{-t |a_i - a_j|^2/8}, with
    (sum sqrt(w_i))^2 <= K.
    """
    variance, span, root = to_ball(law.variance), to_ball(law.span), t.sqrt()
    spread, slack = root * span, flint.arb(0)
    if width is not None:
        spread = flint.arb(width)
        gap = root * to_ball(law.widest_gap)
        slack = ((gap * gap - spread * spread) / 8).exp() / to_ball(law.least_weight)
    if functional == "mutual_information":
        farthest = to_ball(max(-law.atoms[0], law.atoms[-1]))
        amplitude = t * variance / 2 + 2 * flint.arb(-1).exp()
        return Strip(amplitude, spread, 1, reach=root * farthest, slack=slack)
    separated = (-t * to_ball(law.gap) ** 2 / 8).exp() * span * span * len(law.atoms) / 4
    mmse = (variance / (1 + t * variance)).min(separated)
    if functional == "mmse":
        return Strip(mmse, spread, 1, slack=slack)
    return Strip(mmse * span * span / 4, spread, 3, slack=slack)


def _truncation(
    law: Law,
    t: flint.arb,
    root: flint.arb,
    functional: Functional,
    step: flint.arb,
    start: int,
    stop: int,
) -> flint.arb:
    """An upper bound of the sum over the nodes left out, k < start and k > stop.

    Beyond the outermost atom each p_i decreases, so its sum over the nodes beyond Z is at most its
    integral from Z, at most w_i e^{-u^2/2}/2 with u the distance from Z to s b_i. There
    p Cov <= sum p_i b_i^2 (a variance is at most the second moment about any point) and
    p Cov^2 <= (D^2/4) p Cov. For p L, |L| <= s |z| R + t R^2/2 with R = max |b_i|; the integrand
    (s |z| R + t R^2/2) p_i decreases where u > 1 and |z| > 1, and
    int_Z^inf x phi(x - m) dx = phi(Z - m) + m Q(Z - m), phi <= (2/5) e^{-u^2/2}.
    """
    atoms, powers = law.moments(64)
    farthest = to_ball(max(-law.atoms[0], law.atoms[-1]))
    total = flint.arb(0)
    for side, k in ((1, stop), (-1, -start)):
        edge = step * k
        for i, atom in enumerate(atoms):
            centre = side * root * atom
            u = edge - centre
            if not (u > 1 and edge > 1):
                return flint.arb.pos_inf()
            tail = gaussian_tail(u)
            if functional == "mutual_information":
                linear = root * farthest * (2 * tail + abs(centre) * tail)
                total += powers[0][i] * (linear + t * farthest * farthest / 2 * tail)
            else:
                total += powers[2][i] * tail
    if functional == "covariance_moment":
        total *= to_ball(law.span) ** 2 / 4
    return total


def _gaussians(h: Spacing, bits: int, count: int) -> list[flint.arb]:
    """e^{-(k h)^2/2} for k = 0 ... count, kept from knot to knot."""
    key = (h, bits)
    table = _TABLES.pop(key, [])
    if len(table) <= count:
        half = -(h.ball() ** 2) / 2
        table.extend((half * (k * k)).exp() for k in range(len(table), count + 1))
    _TABLES[key] = table
    while len(_TABLES) > _MOST_TABLES or sum(map(len, _TABLES.values())) > 2_000_000:
        if len(_TABLES) == 1:
            break
        _TABLES.popitem(last=False)
    return table


def _node_sum(
    law: Law,
    t: flint.arb,
    root: flint.arb,
    functional: Functional,
    h: Spacing,
    start: int,
    stop: int,
    bits: int,
) -> flint.arb:
    """The sum over k = start ... stop of the integrand at z = k h, without the factor h/sqrt(2 pi).

    With S_m = sum_i w_i b_i^m e^{s b_i z - t b_i^2/2} the integrands are phi(z) times S_2 - S_1^2/S_0,
    (S_2 - S_1^2/S_0)^2/S_0 and S_0 log S_0. On the grid the exponentials are geometric progressions:
    k = start + columns r + c, and S_m is a matrix product over the atoms.
    """
    count = stop - start + 1
    columns = max(4, min(256, math.isqrt(count)))
    orders = 1 if functional == "mutual_information" else 3
    atoms, powers = law.moments(bits)
    step = h.ball()
    small = [(root * b * step).exp() for b in atoms]
    right: list[flint.arb] = []
    for ratio in small:
        power = flint.arb(1)
        for _ in range(columns):
            right.append(power)
            power = power * ratio
    columns_matrix = flint.arb_mat(len(atoms), columns, right)
    large = [(root * b * step * columns).exp() for b in atoms]
    current = [(root * b * step * start - t * b * b / 2).exp() for b in atoms]
    gaussians = _gaussians(h, bits, max(abs(start), abs(stop)))
    total = flint.arb(0)
    rows_left = -(-count // columns)
    first = start
    while rows_left:
        rows = min(rows_left, max(1, _BLOCK // columns))
        lines: list[list[flint.arb]] = []
        for _ in range(rows):
            lines.append(current)
            current = list(map(mul, current, large))
        stacked = [x for m in range(orders) for line in lines for x in map(mul, powers[m], line)]
        sums = (flint.arb_mat(orders * rows, len(atoms), stacked) * columns_matrix).entries()
        size = rows * columns
        last = min(first + size - 1, stop)
        weights = _weights(gaussians, first, last)
        total += _combine(functional, weights, sums, size)
        first += size
        rows_left -= rows
    return total


def _weights(gaussians: Sequence[flint.arb], first: int, last: int) -> list[flint.arb]:
    negative = [gaussians[-k] for k in range(first, min(last, -1) + 1)]
    return negative + list(gaussians[max(first, 0) : last + 1]) if last >= 0 else negative


def _combine(
    functional: Functional, weights: Sequence[flint.arb], sums: Sequence[Any], size: int
) -> flint.arb:
    """The weighted sum over one block; `zip` stops at the last node that belongs to the grid."""
    s0 = sums[:size]
    if functional == "mutual_information":
        return sum((w * a * a.log() for w, a in zip(weights, s0, strict=False)), flint.arb(0))
    s1, s2 = sums[size : 2 * size], sums[2 * size :]
    nodes = zip(weights, s0, s1, s2, strict=False)
    if functional == "mmse":
        return sum((w * (c - b * b / a) for w, a, b, c in nodes), flint.arb(0))
    total = flint.arb(0)
    for w, a, b, c in nodes:
        spread = c - b * b / a
        total += w * spread * spread / a
    return total
