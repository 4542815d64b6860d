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
from operator import mul, sub, truediv
from typing import Literal, TypeAlias

import flint

from numerics.arithmetic import balls, to_ball
from numerics.cores import Core, Functional, PointCore, log_of
from numerics.quadrature import Spacing, Strip, gaussian_tail, remainder, spacing, window
from numerics.truth import PrecisionError, SpanError

__all__ = [
    "MOST_NODES",
    "Law",
    "Rule",
    "core_law",
    "integral",
    "law_of",
    "law_of_core",
    "strip_of",
    "window_of",
]

MOST_NODES = 3_000_000
"""The stated cost of one value: the certified engine gives up beyond this many nodes."""

_BLOCK = 1 << 15
_TABLES: OrderedDict[tuple[Spacing, int], list[flint.arb]] = OrderedDict()
_MOST_TABLES = 48
_STRIDE = 32
_MODEST = 4.0

Rule: TypeAlias = Functional | Literal["square_of_mean"]
"""The integrand: the mmse is also V minus the mean square of the posterior mean."""


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
def law_of(weights: tuple[Fraction, ...], coordinates: tuple[Fraction, ...]) -> Law:
    """The law of the given ascending coordinates; the weights are divided by their sum."""
    total = sum(weights, Fraction(0))
    weights = tuple(w / total for w in weights)
    mean = sum((w * x for w, x in zip(weights, coordinates, strict=True)), Fraction(0))
    atoms = tuple(x - mean for x in coordinates)
    variance = sum((w * b * b for w, b in zip(weights, atoms, strict=True)), Fraction(0))
    return Law(weights, atoms, variance)


def law_of_core(core: PointCore) -> Law:
    """The law of the coordinates of a core on a line."""
    return law_of(core.weights, tuple(x for (x,) in core.coordinates))


def core_law(core: Core) -> Law | None:
    """The same for any core: None for a single point, SpanError unless its atoms are on a line."""
    if core.rank == 0:
        return None
    if core.rank > 1 or not isinstance(core, PointCore):
        raise SpanError(f"means: they span {core.rank} dimensions; only a line is covered here")
    return law_of_core(core)


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
    rule: Rule = functional
    log_strip = log_size
    if functional != "mutual_information":
        log_strip = min(log_size, separated)
    if (
        functional == "mmse"
        and max(log_size - separated, math.log1p(t_float * math.exp(log_size))) < _MODEST
    ):
        rule, log_strip = "square_of_mean", log_size
    decay = max(log_strip - log_tolerance, 0) + math.log(16)
    narrow = window_of(law, t_float, decay)
    h = spacing(decay, spread if narrow is None else narrow, power)
    beyond = math.log(4 + spread * spread) if functional == "mutual_information" else 0
    reach = math.sqrt(2 * (digits + beyond)) + 0.1
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
        total = _node_sum(law, t, root, rule, h, start, stop, bits)
        step = h.ball()
        total = total * step / (2 * flint.arb.pi()).sqrt()
        if rule == "mutual_information":
            total = t * to_ball(law.variance) / 2 - total
        elif rule == "square_of_mean":
            total = to_ball(law.variance) - total
    with balls(64).precision():
        error = remainder(step, strip_of(law, t, rule, narrow))
        error += _truncation(law, t, root, functional, step, start, stop)
        error = error.upper()
        margin = (-error).union(error)
    with balls(bits).precision():
        return total + margin


def window_of(law: Law, t: float, decay: float) -> float | None:
    """The window of the strip bound that serves a remainder of about exp(-decay), if one helps."""
    s = math.sqrt(t)
    return window(s * float(law.span), s * float(law.widest_gap), log_of(law.least_weight), decay)


def strip_of(law: Law, t: flint.arb, rule: Rule, width: float | None) -> Strip:
    """The strip bound, with M <= V/(1 + tV) and M <= (K/4) D^2 e^{-t gap^2/8} for K atoms.

    The second is half the sum over pairs of sqrt(w_i w_j) |a_i - a_j|^2 e^{-t |a_i - a_j|^2/8}, with
    (sum sqrt(w_i))^2 <= K. For the square of the mean j = 1 and B0 = V: |S_1| is at most the sum of the
    p_i |b_i|, whose square is at most p sum p_i b_i^2.
    """
    variance, span, root = to_ball(law.variance), to_ball(law.span), t.sqrt()
    spread, slack = root * span, flint.arb(0)
    if width is not None:
        spread = flint.arb(width)
        gap = root * to_ball(law.widest_gap)
        slack = ((gap * gap - spread * spread) / 8).exp() / to_ball(law.least_weight)
    if rule == "mutual_information":
        farthest = to_ball(max(-law.atoms[0], law.atoms[-1]))
        amplitude = t * variance / 2 + 2 * flint.arb(-1).exp()
        return Strip(amplitude, spread, 1, reach=root * farthest, slack=slack)
    if rule == "square_of_mean":
        return Strip(variance, spread, 1, slack=slack)
    separated = (-t * to_ball(law.gap) ** 2 / 8).exp() * span * span * len(law.atoms) / 4
    mmse = (variance / (1 + t * variance)).min(separated)
    if rule == "mmse":
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
    p Cov <= sum p_i b_i^2 (a variance is at most the second moment about any point), p m^2 too, and
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
        half = -h.ball() * h.ball() / 2
        near = [(half * (j * j)).exp() for j in range(_STRIDE)]
        for k in range(len(table), count + 1, _STRIDE):
            value, ratio = (half * (k * k)).exp(), (half * (2 * k)).exp()
            for factor in near:
                table.append(value * factor)
                value = value * ratio
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
    rule: Rule,
    h: Spacing,
    start: int,
    stop: int,
    bits: int,
) -> flint.arb:
    """The sum over k = start ... stop of the integrand at z = k h, without the factor h/sqrt(2 pi).

    With S_m = sum_i w_i b_i^m e^{s b_i z - t b_i^2/2} the integrands are phi(z) times S_2 - S_1^2/S_0,
    S_1^2/S_0 (p times the square of the posterior mean), (S_2 - S_1^2/S_0)^2/S_0 and S_0 log S_0. On the
    grid the exponentials are geometric progressions: k = start + columns r + c, and S_m is a matrix
    product over the atoms.
    """
    count = stop - start + 1
    columns = max(4, min(256, math.isqrt(count)))
    orders = {"mutual_information": 1, "square_of_mean": 2}.get(rule, 3)
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
        lines: list[flint.arb] = []
        for _ in range(rows):
            lines += current
            current = list(map(mul, current, large))
        stacked = [x for m in range(orders) for x in map(mul, lines, powers[m] * rows)]
        sums = (flint.arb_mat(orders * rows, len(atoms), stacked) * columns_matrix).entries()
        size = rows * columns
        last = min(first + size - 1, stop)
        weights = _weights(gaussians, first, last)
        total += _combine(rule, weights, sums, size)
        first += size
        rows_left -= rows
    return total


def _weights(gaussians: Sequence[flint.arb], first: int, last: int) -> list[flint.arb]:
    negative = [gaussians[-k] for k in range(first, min(last, -1) + 1)]
    return negative + list(gaussians[max(first, 0) : last + 1]) if last >= 0 else negative


def _combine(rule: Rule, weights: list[flint.arb], sums: list[flint.arb], size: int) -> flint.arb:
    """The weighted sum over one block; what lies beyond the last node of the grid is left out."""
    count = len(weights)
    s0 = sums[:count]
    if rule == "mutual_information":
        return _dot(weights, list(map(mul, s0, map(flint.arb.log, s0))))
    s1 = sums[size : size + count]
    squares = map(mul, s1, s1)
    if rule == "square_of_mean":
        return _dot(list(map(truediv, weights, s0)), list(squares))
    s2 = sums[2 * size : 2 * size + count]
    spreads = list(map(sub, s2, map(truediv, squares, s0)))
    if rule == "mmse":
        return _dot(weights, spreads)
    return _dot(list(map(truediv, weights, s0)), list(map(mul, spreads, spreads)))


def _dot(a: list[flint.arb], b: list[flint.arb]) -> flint.arb:
    product: flint.arb = (flint.arb_mat(1, len(a), a) * flint.arb_mat(len(b), 1, b))[0, 0]
    return product
