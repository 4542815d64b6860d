"""Wasserstein distances of the image of a law under a monotone map, enclosed by balls.

What belongs here: quantiles, W_1 and W_2^2 by the monotone coupling x -> (F(x), T(x)), T the reference's
quantile at the output's distribution function. What does not: folded maps (`certified_folded`).

W_1 = int |Q - P| dy. Where q - p has one sign (`certified_single.stretches`) Q - P is monotone: its
signs at the ends decide, or its only zero is bracketed. Against a discrete law the sign follows from Q
and P at the ends, as both increase. On intervals with a certain sign int Q dy = [y Q] - int F phi dx by
parts and int P dy has a closed form; on the others |Q - P| is bounded. W_2^2 = int (F - T)^2 phi dx.

Analytic quantiles (Picard). T' = +- phi/p(T). If |phi| <= A on the disc of radius r around x and |p| >=
B on that of radius R around T(x), with A r <= B R, then T is analytic on the first with values in the
second.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import flint

from numerics.output_law.certified_panels import integrals
from numerics.output_law.certified_setting import Discrete, Setting
from numerics.output_law.certified_single import bracket, stretches
from numerics.output_law.certified_tilt import Tilted
from numerics.truth import PrecisionError

__all__ = ["first_order", "moment", "quantile", "quantile_reach", "run_sum", "second_order"]

MOST_RUNS = 40_000
"""The most intervals on which the sign of Q - P is looked at."""


def _zero() -> flint.arb:
    return flint.arb(0)


def _larger(*values: flint.arb) -> flint.arb:
    result = values[0]
    for value in values[1:]:
        result = result.max(value)
    return flint.arb(result.upper())


# Quantiles


def quantile(law: Tilted, below: flint.arb, above: flint.arb, guess: flint.arb | None = None) -> flint.arb:
    """T with P(X <= T) = below, P(X > T) = above, enclosed; solved in the smaller tail."""
    side = -1 if below < above else 1
    mass = below if side < 0 else above
    if not mass > 0:
        raise PrecisionError("wasserstein_2: a tail is too small for the working precision")
    goal = mass.log()
    reach = (2 * (flint.arb(4) - goal) / law.t).sqrt()
    low, high = (law.atoms[0] - reach).mid(), (law.atoms[-1] + reach).mid()
    x = ((low + high) / 2).mid() if guess is None else guess.mid()
    small = flint.arb(2) ** (12 - flint.ctx.prec)
    for _ in range(400):
        if not low < x < high:
            x = ((low + high) / 2).mid()
        tail = law.beyond(x, side)
        here = law.local(x)
        miss, moved, nearly = flint.arb(side), x, False
        if tail > 0:
            # Halley's step for log tail = goal
            miss = (tail.log() - goal) * -side
            rate = (here.log_density - tail.log()).exp()
            step = miss / rate
            curve = rate + side * law.t * (here.mean - here.away)
            bent = step / (1 - side * step * curve / 2) if abs(step * curve) < 1 else step
            moved = (x - bent).mid()
            size = abs(bent * curve)
            nearly = bool(
                size < flint.arb(2) ** -20
                and size * size * size < small * (abs(x) + law.diameter) * abs(curve)
            )
        if miss > 0:
            high = x
        elif miss < 0:
            low = x
        else:
            break
        if not low < moved < high:
            moved, nearly = ((low + high) / 2).mid(), False
        step = abs(moved - x)
        x = moved
        if nearly or step <= small * (abs(x) + law.diameter):
            break
    gap = abs(law.beyond(x, side) - mass).upper()
    here = law.local(x)
    # density at least half of its value at x: the tail changes by the residual within `reach`
    reach = flint.arb((2 * flint.arb(gap) * (-here.log_density).exp() + small * abs(x)).upper())
    sway = here.sway(reach, density=True)
    if sway is not None and sway.log_density < 0.69:
        return x + flint.arb(0, reach)
    return _by_bisection(law, mass, side, x)


def _by_bisection(law: Tilted, mass: flint.arb, side: int, x: flint.arb) -> flint.arb:
    """The quantile between two points at which the tail is certainly on either side of the mass."""
    gap = flint.arb(2) ** (16 - flint.ctx.prec) * (abs(x) + 1 / law.t.sqrt())
    for _ in range(4 * flint.ctx.prec):
        low, high = (x - gap).mid(), (x + gap).mid()
        left, right = law.beyond(low, side) - mass, law.beyond(high, side) - mass
        if (left < 0 and right > 0) if side < 0 else (left > 0 and right < 0):
            return low.union(high)
        gap *= 4
    raise PrecisionError("wasserstein_2: a quantile of the reference could not be enclosed")


def quantile_reach(
    law: Tilted, at: flint.arb, mass_rate: flint.arb, log_sway: flint.arb, rho: flint.arb
) -> flint.arb | None:
    """How far the quantile moves on a disc of radius rho, by Picard's condition; None if it does not hold.

    `mass_rate` is |du/dx| at the centre and `log_sway` how far its log moves on the disc.
    """
    here = law.local(at.mid())
    needed = mass_rate * rho * (log_sway - here.log_density).exp()
    for factor in (1.5, 3, 8):
        reach = flint.arb((needed * factor).upper()) + flint.arb(at.rad())
        sway = here.sway(reach, density=True)
        if sway is not None and sway.log_density.exp() < factor:
            return reach
    return None


# W_1


@dataclass(frozen=True)
class Spot:
    """A point of the line: its parameter, y, and the output's distribution function there."""

    at: flint.arb
    y: flint.arb
    below: flint.arb


def _reference_below(law: Tilted | Discrete, y: flint.arb) -> flint.arb:
    """P(y) as a ball; a jump that y cannot be told apart from is inside."""
    if isinstance(law, Tilted):
        return law.beyond(y, -1)
    total = _zero()
    for w, a in zip(law.weights, law.atoms, strict=True):
        if a < y:
            total += w
        elif not a > y:
            total += _zero().union(w)
    return total


def _reference_area(law: Tilted | Discrete, y: flint.arb) -> flint.arb:
    """int_{-inf}^y P."""
    total = _zero()
    if isinstance(law, Discrete):
        for w, a in zip(law.weights, law.atoms, strict=True):
            total += w * (y - a).max(_zero())
        return total
    root, height = (law.t / 2).sqrt(), (law.t / (2 * flint.arb.pi())).sqrt()
    for w, a in zip(law.weights, law.atoms, strict=True):
        z = y - a
        total += w * (z * (-z * root).erfc() / 2 + (-law.t * z * z / 2).exp() * height / law.t)
    return total


def run_sum(
    setting: Setting,
    marks: list[flint.arb],
    spot: Callable[[flint.arb], Spot],
    area: Callable[[Spot, Spot], flint.arb],
    name: str,
) -> flint.arb:
    """int |Q - P| dy between the first and last of the parameters, along which y increases.

    `area` is int Q dy between two spots.
    """
    law, tolerance = setting.reference, setting.tolerance
    spots = [spot(m) for m in marks]
    waiting = list(pairwise(spots))[::-1]
    runs: list[tuple[Spot, Spot, int]] = []
    unknown, count = _zero(), 0
    while waiting:
        a, b = waiting.pop()
        count += 1
        if count > MOST_RUNS:
            raise PrecisionError(f"{name}: {MOST_RUNS} intervals reach only y = {a.y.str(6, radius=False)}")
        before, after = _reference_below(law, a.y), _reference_below(law, b.y)
        sign = 1 if a.below >= after else -1 if before >= b.below else 0
        if sign:
            if runs and runs[-1][1] is a and runs[-1][2] == sign:
                a = runs.pop()[0]
            runs.append((a, b, sign))
            continue
        most = flint.arb(((b.y - a.y) * _larger(abs(b.below - before), abs(after - a.below))).upper())
        middle = ((a.at + b.at) / 2).mid()
        inside = a.at < middle < b.at or b.at < middle < a.at
        if most < tolerance or not inside:
            unknown += most
            continue
        half = spot(middle)
        waiting += [(half, b), (a, half)]
    total = _zero()
    for a, b, sign in runs:
        total += sign * (area(a, b) - (_reference_area(law, b.y) - _reference_area(law, a.y)))
    return total + _zero().union(flint.arb(unknown.upper()))


def moment(setting: Setting, a: flint.arb, b: flint.arb) -> flint.arb:
    """int F phi dx between two starts; the ends may be balls."""
    if not a < b:
        a, b = b, a
    low, high = a.mid(), b.mid()

    def node(x: flint.arb) -> list[flint.arb]:
        return [setting.map.point(x)[0] * setting.start.local(x).log_density.exp()]

    def bound(centre: flint.arb, rho: flint.arb) -> list[flint.arb] | None:
        found = setting.map.disc(centre, rho)
        here = setting.start.local(centre)
        sway = here.sway(rho, density=True)
        if found is None or sway is None:
            return None
        return [(abs(found.value) + found.speed * rho) * (here.log_density + sway.log_density).exp()]

    def crude(x: flint.arb, y: flint.arb) -> list[flint.arb]:
        ends = [abs(setting.map.point(end)[0]) for end in (x, y)]
        return [_larger(*ends) * abs(setting.start.between(x, y))]

    total = _zero()
    if low < high:
        (total,) = integrals(low, high, node, bound, crude, setting.tolerance, "wasserstein_1", 1)
    for end in (a, b):
        if not end.is_exact():
            total += flint.arb(0, (end.rad() * abs(node(end)[0])).upper())
    return total


def tails(setting: Setting, order: int) -> flint.arb:
    """A bound of what the two rays add to W_1 or W_2^2."""
    total, law = _zero(), setting.reference
    for tail in setting.tails:
        fast = flint.arb(abs(tail.slope).abs_upper())
        _, q1, q2 = setting.start.overshoot(tail.start, tail.side)
        mass = setting.start.beyond(tail.start, tail.side)
        if order == 1:
            total += abs(fast * q1)
            if isinstance(law, Tilted):
                total += abs(law.overshoot(tail.value, tail.way)[1])
            continue
        if isinstance(law, Discrete):
            gap = tail.value - (law.atoms[-1] if tail.way > 0 else law.atoms[0])
            total += 2 * abs(fast * fast * q2) + 2 * abs(gap * gap * mass)
            continue
        below, above = (mass, 1 - mass) if tail.way < 0 else (1 - mass, mass)
        point = quantile(law, below, above)
        gap = tail.value - point
        total += 3 * (
            abs(fast * fast * q2) + abs(gap * gap * mass) + abs(law.overshoot(point, tail.way)[2])
        )
    return _zero().union(flint.arb(total.upper()))


def first_order(setting: Setting) -> flint.arb:
    """W_1 for a monotone map."""
    rising = setting.branches[0].rising
    side = -1 if rising else 1

    def spot(x: flint.arb) -> Spot:
        return Spot(x, setting.map.point(x)[0], setting.start.beyond(x, side))

    def area(a: Spot, b: Spot) -> flint.arb:
        return b.y * b.below - a.y * a.below - moment(setting, a.at, b.at)

    if isinstance(setting.reference, Discrete):
        marks = [setting.low, setting.high] if rising else [setting.high, setting.low]
        return run_sum(setting, marks, spot, area, "wasserstein_1") + tails(setting, 1)
    parts = [(spot(s.low), spot(s.high), s.sign, s.doubt) for s in stretches(setting)]
    if not rising:
        parts = [(b, a, sign, doubt) for a, b, sign, doubt in reversed(parts)]
    return signed_sum(setting, parts, spot, area) + tails(setting, 1)


def signed_sum(
    setting: Setting,
    parts: list[tuple[Spot, Spot, int, flint.arb]],
    spot: Callable[[flint.arb], Spot],
    area: Callable[[Spot, Spot], flint.arb],
) -> flint.arb:
    """int |Q - P| dy over parts on which Q - P is monotone or moves by less than a bound."""
    law, tolerance = setting.mixture, setting.tolerance

    def gap(s: Spot) -> flint.arb:
        return s.below - law.beyond(s.y, -1)

    unknown, runs = _zero(), list[tuple[Spot, Spot, int]]()

    def add(a: Spot, b: Spot, sign: int) -> None:
        if runs and runs[-1][1].at is a.at and runs[-1][2] == sign:
            a = runs.pop()[0]
        runs.append((a, b, sign))

    for a, b, sign, doubt in parts:
        left, right = gap(a), gap(b)
        if not sign:
            if abs(left) > doubt:
                add(a, b, 1 if left > 0 else -1)
            else:
                unknown += (b.y - a.y) * (abs(left) + doubt)
            continue
        most = (b.y - a.y) * _larger(abs(left), abs(right))
        if (left >= 0 and right >= 0) or (left <= 0 and right <= 0):
            add(a, b, 1 if left > 0 or right > 0 else -1)
        elif (left > 0 and right < 0) or (left < 0 and right > 0):
            first = 1 if left > 0 else -1
            steep = abs(right - left) / abs(b.at - a.at) * abs(b.y - a.y) / abs(b.at - a.at)
            width = (tolerance / (1 + steep)).sqrt() / 16
            ends = (a.at, b.at) if a.at < b.at else (b.at, a.at)
            low, high = (spot(x) for x in bracket(lambda x: gap(spot(x)), *ends, width))
            if not a.at < b.at:
                low, high = high, low
            add(a, low, first)
            unknown += (high.y - low.y) * _larger(abs(gap(low)), abs(gap(high)))
            add(high, b, -first)
        else:
            unknown += most
    total = _zero()
    for a, b, sign in runs:
        total += sign * (area(a, b) - (_reference_area(law, b.y) - _reference_area(law, a.y)))
    return total + _zero().union(flint.arb(abs(unknown).upper()))


# W_2


def second_order(setting: Setting) -> flint.arb:
    """W_2^2 for a monotone map."""
    if isinstance(setting.reference, Discrete):
        return _discrete(setting, setting.reference) + tails(setting, 2)
    law, start = setting.mixture, setting.start
    side = -1 if setting.branches[0].rising else 1
    last: list[tuple[flint.arb, flint.arb]] = []

    def towards(x: flint.arb) -> flint.arb:
        guess = None
        if last:
            before, at = last[-1]
            speed = (start.local(before).log_density - law.local(at).log_density).exp() * -side
            guess = (at + speed * (x - before)).mid()
        found = quantile(law, start.beyond(x, side), start.beyond(x, -side), guess)
        last[:] = [(x.mid(), found.mid())]
        return found

    def node(x: flint.arb) -> list[flint.arb]:
        gap = setting.map.point(x)[0] - towards(x)
        return [gap * gap * start.local(x).log_density.exp()]

    def bound(centre: flint.arb, rho: flint.arb) -> list[flint.arb] | None:
        found = setting.map.disc(centre, rho)
        here = start.local(centre)
        sway = here.sway(rho, density=True)
        if found is None or sway is None:
            return None
        at = towards(centre)
        reach = quantile_reach(law, at, here.log_density.exp(), sway.log_density, rho)
        if reach is None:
            return None
        gap = abs(found.value - at) + found.speed * rho + reach
        return [gap * gap * (here.log_density + sway.log_density).exp()]

    def crude(a: flint.arb, b: flint.arb) -> list[flint.arb]:
        (ya, yb), (ta, tb) = ([f(x) for x in (a, b)] for f in (lambda x: setting.map.point(x)[0], towards))
        gap = _larger(abs(ya - tb), abs(yb - ta))
        return [gap * gap * abs(start.between(a, b))]

    low, high = setting.low, setting.high
    return integrals(low, high, node, bound, crude, setting.tolerance, "wasserstein_2")[0] + tails(
        setting, 2
    )


def _discrete(setting: Setting, law: Discrete) -> flint.arb:
    """int (F - T)^2 phi dx between the tails where T takes finitely many values."""
    rising = setting.branches[0].rising
    total, start = _zero(), setting.start
    order = list(zip(law.weights, law.atoms, strict=True))
    if not rising:
        order.reverse()
    low, cumulated = setting.low, _zero()
    for i, (w, a) in enumerate(order):
        cumulated += w
        last = i == len(order) - 1
        cut = setting.high if last else quantile(start, cumulated, 1 - cumulated)
        if not last and not cut > setting.low:
            continue
        high = setting.high if last or not cut < setting.high else flint.arb(cut.lower())
        if low < high:
            total += _square(setting, low, high, a)
        if last or not cut < setting.high:
            break
        # the quantile itself is known up to a ball: T is one of two atoms there
        upper, nearby = flint.arb(cut.upper()), order[i + 1][1]
        y = [setting.map.point(x)[0] for x in (high, upper)]
        gap = _larger(*(abs(v - b) for v in y for b in (a, nearby)))
        total += _zero().union(flint.arb((gap * gap * abs(start.between(high, upper))).upper()))
        low = upper
    return total


def _square(setting: Setting, low: flint.arb, high: flint.arb, atom: flint.arb) -> flint.arb:
    """int (F - atom)^2 phi dx."""
    start = setting.start

    def node(x: flint.arb) -> list[flint.arb]:
        gap = setting.map.point(x)[0] - atom
        return [gap * gap * start.local(x).log_density.exp()]

    def bound(centre: flint.arb, rho: flint.arb) -> list[flint.arb] | None:
        found = setting.map.disc(centre, rho)
        here = start.local(centre)
        sway = here.sway(rho, density=True)
        if found is None or sway is None:
            return None
        gap = abs(found.value - atom) + found.speed * rho
        return [gap * gap * (here.log_density + sway.log_density).exp()]

    def crude(a: flint.arb, b: flint.arb) -> list[flint.arb]:
        gap = _larger(*(abs(setting.map.point(x)[0] - atom) for x in (a, b)))
        return [gap * gap * abs(start.between(a, b))]

    return integrals(low, high, node, bound, crude, setting.tolerance, "wasserstein_2")[0]
