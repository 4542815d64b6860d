"""Distances of the image of a law under a monotone map, enclosed by balls.

What belongs here: divergences and total variation (W_1 and W_2: `certified_transport`), integrals over
the start x, whose image F(x) has density phi(x)/|F'(x)|. With the log ratio G = log phi - log p(F) - log
|F'| of output and reference,

    kl = - int p(F) |F'| G dx,   reverse_kl = int phi G dx,   1 - hellinger^2 = int phi e^{-G/2} dx,

and total variation from distribution functions at the ends of the intervals on which the sign of G is
certain. Where G may change sign but is monotone its zero is bracketed: what is left is int |q - p| <=
int p (e^{|G|} - 1).

Small intervals. For densities q, p of masses dQ, dP: int p log(q/p) <= dQ, as log u <= u - 1, so that
|int p log(p/q)| <= max(dQ, dP sup log+(p/q)); int sqrt(pq) <= sqrt(dP dQ); the same on the rays beyond
the ends, where log(p/q) is at most a quadratic polynomial of the distance.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import flint

from numerics.output_law.certified_panels import integrals
from numerics.output_law.certified_setting import Around, Setting
from numerics.output_law.certified_tilt import Tilted
from numerics.truth import PrecisionError

__all__ = ["Stretch", "bracket", "divergences", "stretches", "total_variation"]

_MOST_CELLS = 60_000


def _ball(low: flint.arb, high: flint.arb) -> flint.arb:
    return flint.arb(low.lower()).union(flint.arb(high.upper()))


def _size(x: flint.arb) -> flint.arb:
    """|x| <= size, as a ball."""
    return flint.arb(0, abs(x).upper())


def _most(*values: flint.arb) -> flint.arb:
    result = values[0]
    for value in values[1:]:
        result = result.max(value)
    return flint.arb(result.upper())


# Tails


def _half_log(t: flint.arb) -> flint.arb:
    return (t / (2 * flint.arb.pi())).log() / 2


def _depth(law: Tilted, point: flint.arb, side: int, speed: flint.arb) -> Callable[[Values], flint.arb]:
    """E of a bound of -log density at point + side tau', tau' <= speed tau, from the moments of tau >= 0.

    -log density <= -log w - log height + t z^2/2 with z the distance from the outermost atom on that side.
    """
    last = -1 if side > 0 else 0
    z = abs(point - law.atoms[last])
    constant = -law.weights[last].log() - _half_log(law.t)

    def mean(moments: Values) -> flint.arb:
        m0, m1, m2 = moments
        return constant * m0 + law.t / 2 * (z * z * m0 + 2 * z * speed * m1 + speed * speed * m2)

    return mean


Values = tuple[flint.arb, flint.arb, flint.arb]


def divergence_tails(setting: Setting) -> list[flint.arb]:
    """What the two rays add to int p log(p/q), int q log(q/p) and int sqrt(pq), as balls."""
    total = [flint.arb(0)] * 3
    law = setting.mixture
    for tail in setting.tails:
        slow, fast = (flint.arb(x) for x in (abs(tail.slope).abs_lower(), abs(tail.slope).abs_upper()))
        q, p = setting.start.overshoot(tail.start, tail.side), law.overshoot(tail.value, tail.way)
        # log p <= log height of a component, log q <= the same - log F'
        at_start = (
            _depth(setting.start, tail.start, tail.side, 1 / slow)(p)
            + (fast.log() + _half_log(law.t)) * p[0]
        )
        at_image = _depth(law, tail.value, tail.way, fast)(q)
        at_image += (_half_log(setting.start.t) - slow.log()) * q[0]
        kl, reverse = _most(at_start, q[0]), _most(at_image, p[0])
        total = [
            x + _size(y) for x, y in zip(total, (kl, reverse, (abs(q[0]) * abs(p[0])).sqrt()), strict=True)
        ]
    return total


# Divergences


def divergences(setting: Setting) -> tuple[flint.arb, flint.arb, flint.arb]:
    """KL(reference || output), KL(output || reference) and 1 - int sqrt(pq)."""
    start, law = setting.start, setting.mixture

    def node(x: flint.arb) -> list[flint.arb]:
        here = setting.here(x)
        ratio = here.log_ratio
        q = here.log_start.exp()
        return [-ratio * (here.log_start - ratio).exp(), ratio * q, (here.log_start - ratio / 2).exp()]

    def bound(centre: flint.arb, rho: flint.arb) -> list[flint.arb] | None:
        around = setting.around(centre, rho)
        if around is None or not around.sway.is_finite():
            return None
        here = around.here
        ratio, sway = here.log_ratio, around.sway
        size = abs(ratio) + sway
        q = here.log_start + around.start_sway
        p = here.log_start - ratio + around.reference_sway + around.slope_sway
        return [size * p.exp(), size * q.exp(), ((p + q) / 2).exp()]

    def crude(a: flint.arb, b: flint.arb) -> list[flint.arb]:
        first, last = setting.map.point(a)[0], setting.map.point(b)[0]
        q, p = abs(start.between(a, b)), abs(law.between(first, last))
        cell = setting.around(((a + b) / 2).mid(), (b - a) / 2)
        largest = flint.arb.pos_inf()
        if cell is not None and cell.sway.is_finite():
            largest = abs(cell.here.log_ratio) + cell.sway
        return [_most(q, p * largest), _most(p, q * largest), _most((p * q).sqrt())]

    found = integrals(setting.low, setting.high, node, bound, crude, setting.tolerance, "divergences")
    tails = divergence_tails(setting)
    kl, reverse, affinity = (x + y for x, y in zip(found, tails, strict=True))
    return kl, reverse, 1 - affinity


@dataclass(frozen=True)
class Stretch:
    """Starts between which q - p has one sign, or 0 and a bound of int |q - p|."""

    low: flint.arb
    high: flint.arb
    sign: int
    doubt: flint.arb


def stretches(setting: Setting) -> list[Stretch]:
    """The line between the tails in intervals on which the sign of q - p is certain or does not matter."""
    found: list[Stretch] = []
    waiting = [(setting.low, setting.high)]
    count = 0
    while waiting:
        a, b = waiting.pop()
        count += 1
        if count > _MOST_CELLS:
            raise PrecisionError(f"tv: {_MOST_CELLS} cells reach only the start {a.str(6, radius=False)}")
        centre = ((a + b) / 2).mid()
        cell = setting.around(centre, flint.arb((b - centre).max(centre - a).upper()))
        largest = None
        if cell is not None:
            ratio = cell.here.log_ratio
            largest = abs(ratio) + cell.sway
            if abs(ratio) > cell.sway:
                _append(found, a, b, 1 if ratio > 0 else -1)
                continue
            if abs(cell.tilt) > cell.tilt_sway and _crossed(setting, found, a, b, cell):
                continue
        if largest is None or largest < 30 or not a < centre < b:
            doubt = _doubt(setting, a, b, largest)
            if doubt < setting.tolerance or not a < centre < b:
                found.append(Stretch(a, b, 0, doubt))
                continue
        waiting += [(centre, b), (a, centre)]
    return found


def _append(found: list[Stretch], a: flint.arb, b: flint.arb, sign: int) -> None:
    if found and found[-1].high is a and found[-1].sign == sign:
        a = found.pop().low
    found.append(Stretch(a, b, sign, flint.arb(0)))


def _doubt(setting: Setting, a: flint.arb, b: flint.arb, largest: flint.arb | None) -> flint.arb:
    """A bound of int |q - p| over an interval on which |log ratio| <= largest."""
    q, p = abs(setting.start.between(a, b)), abs(_ordered(setting, a, b))
    bound = flint.arb((q + p).upper())
    if largest is not None and largest.is_finite():
        bound = bound.min(flint.arb((p * (largest.exp() - 1)).upper()))
    return bound


def total_variation(setting: Setting) -> flint.arb:
    """(1/2) int |q - p|, from the intervals on which the sign of q - p is certain."""
    total, unknown = flint.arb(0), flint.arb(0)
    for s in stretches(setting):
        if s.sign:
            total += s.sign * (setting.start.between(s.low, s.high) - _ordered(setting, s.low, s.high))
        unknown += s.doubt
    for tail in setting.tails:
        beyond = setting.start.beyond(tail.start, tail.side) + setting.mixture.beyond(tail.value, tail.way)
        unknown += flint.arb(abs(beyond).upper())
    return (total + _ball(flint.arb(0), unknown)) / 2


def _crossed(setting: Setting, found: list[Stretch], a: flint.arb, b: flint.arb, cell: Around) -> bool:
    """Whether an interval on which G is monotone was settled: its sign, or where it changes."""

    def ratio(x: flint.arb) -> flint.arb:
        return setting.here(x).log_ratio

    left, right = ratio(a), ratio(b)
    if not (left > 0 or left < 0) or not (right > 0 or right < 0):
        return False
    sign = 1 if left > 0 else -1
    if (left > 0) == (right > 0):
        _append(found, a, b, sign)
        return True
    steepest = abs(cell.tilt) + cell.tilt_sway
    low, high = bracket(ratio, a, b, (setting.tolerance / steepest).sqrt() / 4)
    if low > a:
        _append(found, a, low, sign)
    doubt = _doubt(setting, low, high, flint.arb((steepest * (high - low)).upper()))
    found.append(Stretch(low, high, 0, doubt))
    if high < b:
        _append(found, high, b, -sign)
    return True


def bracket(
    function: Callable[[flint.arb], flint.arb], a: flint.arb, b: flint.arb, width: flint.arb
) -> tuple[flint.arb, flint.arb]:
    """Points about `width` apart at which a function has the certain opposite signs it has at a and b."""
    low, high = a, b
    below, above = function(a), function(b)
    sign = 1 if below > 0 else -1
    x, kept = a, 0
    for _ in range(400):
        if high - low < width:
            return low, high
        x = ((low * above - high * below) / (above - below)).mid()
        # a step of the goal beyond the secant's point, towards the end that stays
        x = (x + width / 4 * kept).mid()
        if not low < x < high:
            x = ((low + high) / 2).mid()
        value = function(x)
        if sign * value > 0:
            low, below = x, value
            above = above / 2 if kept > 0 else above
            kept = 1
        elif sign * value < 0:
            high, above = x, value
            below = below / 2 if kept < 0 else below
            kept = -1
        else:
            break
    gap = width / 4
    for _ in range(200):
        left, right = (x - gap).mid().max(a), (x + gap).mid().min(b)
        left_done = not left > a or sign * function(left) > 0
        right_done = not right < b or sign * function(right) < 0
        if left_done and right_done:
            return left, right
        gap *= 4
    return a, b


def _ordered(setting: Setting, a: flint.arb, b: flint.arb) -> flint.arb:
    """The reference's mass between the images of two starts."""
    one, other = (setting.map.point(x)[0] for x in (a, b))
    return setting.mixture.between(one, other) if one < other else setting.mixture.between(other, one)
