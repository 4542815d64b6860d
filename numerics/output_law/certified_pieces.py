"""Preimages under a map that folds, and the pieces between the images of its folds.

What belongs here: branches' preimages, the output's density and distribution function, pieces of the line
with one variable of integration each, values and bounds along them. What does not: distances
(`certified_folded`), the proof of the folds (`certified_folds`).

Between two cuts every branch that covers the interval has one preimage x_b of y. One of them, the base
x, is the variable of integration, next to a fold one of the two branches that meet there: the output's
mass per dx is

    W(x) = sum_b phi(x_b) |F'(x)/F'(x_b)|,

bounded where its density in y has an inverse square root.

Preimages on discs (Picard). x_b' = F'(x)/F'(x_b). If |F'| <= A on the disc of radius r around x and |F'|
>= B on that of radius R around x_b, with A r <= B R, then x_b is analytic on the first disc with values
in the second.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import flint

from numerics.output_law.certified_folds import Branch
from numerics.output_law.certified_setting import Setting
from numerics.truth import PrecisionError

__all__ = ["Along", "Piece", "Place", "below", "images", "output_density", "pieces", "preimage"]


def _zero() -> flint.arb:
    return flint.arb(0)


# Preimages


def preimage(setting: Setting, branch: Branch, y: flint.arb, guess: flint.arb | None = None) -> flint.arb:
    """The start in a branch that goes to y, enclosed; an end of the branch where y is beyond its image."""
    sign = 1 if branch.rising else -1

    def miss(x: flint.arb) -> flint.arb:
        return (setting.map.point(x)[0] - y) * sign

    low, high = branch.low.mid(), branch.high.mid()
    if not miss(branch.low) < 0:
        return _end(setting, branch, branch.low, y)
    if not miss(branch.high) > 0:
        return _end(setting, branch, branch.high, y)
    x = ((low + high) / 2).mid() if guess is None or not low < guess.mid() < high else guess.mid()
    small = flint.arb(2) ** (10 - flint.ctx.prec)
    for _ in range(6 * flint.ctx.prec):
        value, slope = setting.map.point(x)
        gap = (value - y) * sign
        if gap > 0:
            high = x
        elif gap < 0:
            low = x
        else:
            break
        moved = (x - gap * sign / slope).mid()
        if not low < moved < high:
            moved = ((low + high) / 2).mid()
        step = abs(moved - x)
        x = moved
        if step <= small * abs(x) or not low < x < high:
            break
    width = small * (abs(x) + (branch.high - branch.low) * small)
    for _ in range(4 * flint.ctx.prec):
        left, right = (x - width).mid(), (x + width).mid()
        inside_left, inside_right = left > branch.low, right < branch.high
        if (not inside_left or miss(left) < 0) and (not inside_right or miss(right) > 0):
            a = left if inside_left else branch.low
            b = right if inside_right else branch.high
            return a.union(b)
        width *= 8
    raise PrecisionError("output_law: a preimage could not be enclosed")


def _end(setting: Setting, branch: Branch, end: flint.arb, y: flint.arb) -> flint.arb:
    """The end of a branch; where y may lie just inside its image, all starts that may go to y."""
    value = setting.map.point(end)[0]
    if value < y or value > y:
        return end
    # y is the fold's image up to rounding: F moves by at least k d^2/2 within d of the fold
    for fold in (branch.below, branch.above):
        if fold is not None and fold.point is end:
            reach = (2 * flint.arb(abs(value - y).upper()) / fold.curvature).sqrt()
            around = end + flint.arb(0, reach.upper())
            if not (around > fold.low and around < fold.high):
                raise PrecisionError(
                    "output_law: a point is too close to the image of a fold for the precision"
                )
            return around
    return end


def below(setting: Setting, y: flint.arb) -> flint.arb:
    """The output's distribution function."""
    total = _zero()
    for branch in setting.branches:
        first, last = branch.below is None, branch.above is None
        x = preimage(setting, branch, y)
        start = setting.start
        if branch.rising:
            total += start.beyond(x, -1) if first else start.between(branch.low, x)
        else:
            total += start.beyond(x, 1) if last else start.between(x, branch.high)
    # starts beyond the tails
    for tail in setting.tails:
        beyond = setting.start.beyond(tail.start, tail.side)
        if not (y - tail.value) * tail.way < 0:
            total += flint.arb(0, abs(beyond).upper())
    return total


def output_density(setting: Setting, y: flint.arb) -> flint.arb:
    """The density of R; not finite where y may be the image of a fold."""
    total = _zero()
    for branch in setting.branches:
        ends = [setting.map.point(x)[0] for x in (branch.low, branch.high)]
        least, most = ends if branch.rising else ends[::-1]
        if y < least or y > most:
            continue
        x = preimage(setting, branch, y)
        slope = abs(setting.map.point(x)[1])
        total += setting.start.local(x).log_density.exp() / slope
    # a start beyond a tail that goes to y has less than the tail's density there
    for tail in setting.tails:
        if not (y - tail.value) * tail.way < 0:
            height = setting.start.local(tail.start).log_density.exp() / abs(tail.slope)
            total += flint.arb(0, abs(height).upper())
    return total


# Pieces


@dataclass(frozen=True)
class Piece:
    """Base starts from `low` to `high`, exact; the base and the other branches that cover the piece."""

    low: flint.arb
    high: flint.arb
    base: Branch
    others: tuple[Branch, ...]
    cut: flint.arb | None
    """The fold's image at the end away from the middle; None at a tail."""
    at_low: bool
    """Whether that end is `low`."""


@dataclass(frozen=True)
class Place:
    """At a base start: y, F' of the base, the preimages' mass rates, log p."""

    y: flint.arb
    slope: flint.arb
    starts: tuple[flint.arb, ...]
    rates: tuple[flint.arb, ...]

    @property
    def mass_rate(self) -> flint.arb:
        """W."""
        return sum(self.rates, _zero())


def images(setting: Setting, branch: Branch) -> tuple[flint.arb, flint.arb]:
    ends = [setting.map.point(x)[0] for x in (branch.low, branch.high)]
    return (ends[0], ends[1]) if branch.rising else (ends[1], ends[0])


def pieces(setting: Setting) -> list[Piece]:
    """The pieces between the tails."""
    spans = [images(setting, b) for b in setting.branches]
    cuts: list[flint.arb] = []
    folds = [b.above for b in setting.branches if b.above is not None]
    values = {id(f): setting.map.point(f.point)[0] for f in folds}
    tail = sorted((t.value for t in setting.tails), key=lambda v: float(v.mid()))
    inner = sorted(values.values(), key=lambda v: float(v.mid()))
    cuts = [tail[0], *inner, tail[1]]
    if not all(a < b for a, b in pairwise(cuts)):
        raise PrecisionError("output_law: the images of two folds coincide or cannot be told apart")
    found: list[Piece] = []
    for i, (c, d) in enumerate(pairwise(cuts)):
        middle = ((c + d) / 2).mid()
        covering = [
            b for b, (least, most) in zip(setting.branches, spans, strict=True) if least < middle < most
        ]
        for cut, lower in ((c, True), (d, False)):
            j = i if lower else i + 1
            base = covering[0]
            for fold in folds:
                if values[id(fold)] is cut:
                    base = next((b for b in covering if b.below is fold or b.above is fold), base)
            others = tuple(b for b in covering if b is not base)
            turn = preimage(setting, base, middle)
            begin = _start_of(setting, base, cut, values, outer=j in (0, len(cuts) - 1))
            found.append(_piece(base, others, begin, turn, None if j in (0, len(cuts) - 1) else cut))
    return found


def _start_of(
    setting: Setting, base: Branch, cut: flint.arb, values: dict[int, flint.arb], outer: bool
) -> flint.arb:
    """The base start whose image is the cut."""
    for fold, end in ((base.below, base.low), (base.above, base.high)):
        if fold is not None and values[id(fold)] is cut:
            return end
    if outer:
        ends = (base.low, base.high)
        return min(ends, key=lambda x: float(abs(setting.map.point(x)[0] - cut).mid()))
    return preimage(setting, base, cut)


def _piece(
    base: Branch, others: tuple[Branch, ...], begin: flint.arb, turn: flint.arb, cut: flint.arb | None
) -> Piece:
    middle = turn.mid()
    if begin < turn:
        return Piece(flint.arb(begin.upper()), middle, base, others, cut, True)
    return Piece(middle, flint.arb(begin.lower()), base, others, cut, False)


class Along:
    """Values along one piece."""

    def __init__(self, setting: Setting, piece: Piece) -> None:
        """With nothing known yet."""
        self.setting, self.piece = setting, piece
        self._last: dict[int, flint.arb] = {}

    def place(self, x: flint.arb) -> Place:
        """The preimages of F(x)."""
        setting, piece = self.setting, self.piece
        y, slope = setting.map.point(x)
        starts, rates = [x], [setting.start.local(x).log_density.exp()]
        for i, branch in enumerate(piece.others):
            other = preimage(setting, branch, y, self._last.get(i))
            self._last[i] = other
            starts.append(other)
            rate = setting.start.local(other).log_density.exp() * abs(slope / setting.map.point(other)[1])
            rates.append(rate)
        return Place(y, slope, tuple(starts), tuple(rates))

    def around(
        self, centre: flint.arb, rho: flint.arb
    ) -> tuple[Place, flint.arb, flint.arb, flint.arb] | None:
        """The centre's values, the image's radius, how far log |F'| and log W move on the disc."""
        setting = self.setting
        found = setting.map.disc(centre, rho)
        if found is None or not found.least_speed > 0:
            return None
        slope_sway = -(1 - found.wobble / abs(found.slope)).log()
        place = self.place(centre)
        moved = _zero()
        for i, (start, rate) in enumerate(zip(place.starts, place.rates, strict=True)):
            middle = start.mid()
            sway_here, reach = slope_sway, rho
            if i:
                other = self._companion(start, found.speed * rho)
                if other is None:
                    return None
                reach, other_sway = other
                reach = flint.arb((reach + start.rad()).upper())
                sway_here = slope_sway + other_sway
            sway = setting.start.local(middle).sway(reach, density=True)
            if sway is None:
                return None
            total = sway.log_density + (sway_here if i else 0)
            moved += rate * (total.exp() - 1)
        share = moved / place.mass_rate
        if not share < 1:
            return None
        return (
            place,
            found.speed * rho,
            flint.arb(slope_sway.upper()),
            flint.arb((-(1 - share).log()).upper()),
        )

    def _companion(self, start: flint.arb, image: flint.arb) -> tuple[flint.arb, flint.arb] | None:
        """Picard's radius around another preimage, and how far log |F'| moves there."""
        centre = start.mid()
        slope = abs(self.setting.map.point(centre)[1])
        if not slope > 0:
            return None
        for factor in (1.5, 3):
            reach = flint.arb((factor * image / slope + 2 * start.rad()).upper())
            found = self.setting.map.disc(centre, reach)
            if found is not None and found.least_speed * (reach - start.rad()) >= image:
                return reach, -(1 - found.wobble / abs(found.slope)).log()
        return None

    def masses(
        self, a: flint.arb, b: flint.arb
    ) -> tuple[list[tuple[flint.arb, flint.arb]], flint.arb, flint.arb]:
        """Each branch's starts over a base interval, and y at its ends; the cut included."""
        setting, piece = self.setting, self.piece
        ya, yb = setting.map.point(a)[0], setting.map.point(b)[0]
        if piece.cut is not None and piece.at_low and a is piece.low:
            ya = piece.cut
        if piece.cut is not None and not piece.at_low and b is piece.high:
            yb = piece.cut
        spans = []
        for branch in (piece.base, *piece.others):
            ends = [preimage(setting, branch, y) for y in (ya, yb)]
            low, high = (ends[0], ends[1]) if branch.rising == piece.base.rising else (ends[1], ends[0])
            spans.append((low, high))
        return spans, ya, yb

    def mass(self, spans: list[tuple[flint.arb, flint.arb]]) -> list[flint.arb]:
        """The output's mass from each branch, upper bounds."""
        between = self.setting.start.between
        return [flint.arb(abs(between(low, high)).upper()) for low, high in spans]
