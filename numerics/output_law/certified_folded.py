"""Distances of the image of a law under a map that folds, enclosed by balls.

What belongs here: integrals over the pieces of `certified_pieces`, between the images of the folds. What
does not: monotone maps (`certified_single`, `certified_transport`).

With W the output's mass per dx of a piece's base variable x and y = F(x) the distances are integrals
over x as in `certified_single`, kl = int p(F) |F'| log(p(F) |F'|/W) dx. Panels shrink towards the folds,
and the last is bounded: with dQ, dP the masses of a small interval, int p log(q/p) <= dQ,
int q log(p/q) <= dP, int sqrt(pq) <= sqrt(dP dQ), and for q = sum_b q_b over m branches
int q log q <= sum_b int q_b log(m q_b) (convexity), where -int log|F'| <= l (1 + |log(k l)|) over a
length l from a fold with |F''| >= k.
"""

from __future__ import annotations

from collections.abc import Sequence

import flint

from numerics.output_law.certified_folds import Branch
from numerics.output_law.certified_panels import integrals
from numerics.output_law.certified_pieces import Along, Place, below, images, pieces, preimage
from numerics.output_law.certified_setting import Discrete, Setting
from numerics.output_law.certified_single import divergence_tails
from numerics.output_law.certified_transport import Spot, moment, quantile, quantile_reach, run_sum, tails
from numerics.truth import PrecisionError

__all__ = ["divergences", "first_order", "second_order", "total_variation"]

_MOST_CELLS = 60_000


def _zero() -> flint.arb:
    return flint.arb(0)


def _top(*values: flint.arb) -> flint.arb:
    result = values[0]
    for value in values[1:]:
        result = result.max(value)
    return flint.arb(result.upper())


def _reference_mass(setting: Setting, one: flint.arb, other: flint.arb) -> flint.arb:
    law = setting.mixture
    return flint.arb(abs(law.between(one, other) if one < other else law.between(other, one)).upper())


# Divergences


def _half_log(t: flint.arb) -> flint.arb:
    return (t / (2 * flint.arb.pi())).log() / 2


def divergences(setting: Setting) -> tuple[flint.arb, flint.arb, flint.arb]:
    """KL(reference || output), KL(output || reference) and 1 - int sqrt(pq)."""
    law = setting.mixture
    total = divergence_tails(setting)
    for piece in pieces(setting):
        line = Along(setting, piece)

        def node(x: flint.arb, line: Along = line) -> list[flint.arb]:
            place = line.place(x)
            p = law.local(place.y).log_density + abs(place.slope).log()
            rate = place.mass_rate
            ratio = rate.log() - p
            return [-ratio * p.exp(), ratio * rate, ((p + rate.log()) / 2).exp()]

        def bound(centre: flint.arb, rho: flint.arb, line: Along = line) -> list[flint.arb] | None:
            found = line.around(centre, rho)
            if found is None:
                return None
            place, radius, slope_sway, rate_sway = found
            here = law.local(place.y)
            sway = here.sway(flint.arb((radius + place.y.rad()).upper()), density=True)
            if sway is None:
                return None
            p = here.log_density + abs(place.slope).log()
            q = place.mass_rate.log()
            size = abs(q - p) + rate_sway + sway.log_density + slope_sway
            p, q = p + sway.log_density + slope_sway, q + rate_sway
            return [size * p.exp(), size * q.exp(), ((p + q) / 2).exp()]

        def crude(a: flint.arb, b: flint.arb, line: Along = line) -> list[flint.arb]:
            return _small(setting, line, a, b)

        found = integrals(piece.low, piece.high, node, bound, crude, setting.tolerance, "divergences", 1)
        total = [x + y for x, y in zip(total, found, strict=True)]
    return total[0], total[1], 1 - total[2]


def _small(setting: Setting, line: Along, a: flint.arb, b: flint.arb) -> list[flint.arb]:
    """Bounds of int p |log(p/q)|, int q |log(q/p)| and int sqrt(pq) over a small base interval."""
    law, start = setting.mixture, setting.start
    spans, ya, yb = line.masses(a, b)
    parts = line.mass(spans)
    q, p = sum(parts, _zero()), _reference_mass(setting, ya, yb)
    infinite = flint.arb.pos_inf()
    centre = ((spans[0][0] + spans[0][1]) / 2).mid()
    half = flint.arb((spans[0][1] - centre).max(centre - spans[0][0]).upper())
    found, sway = setting.map.disc(centre, half), start.local(centre).sway(half, density=True)
    kl = infinite
    if found is not None and sway is not None:
        least = start.local(centre).log_density - sway.log_density - found.speed.log()
        kl = _top(q, p * _top(_half_log(law.t) - least, _zero()))
    near = law.nearest(ya)
    far = _top(abs(ya - law.atoms[near]), abs(yb - law.atoms[near]))
    depth = law.t * far * far / 2 - law.weights[near].log() - _half_log(law.t)
    common = _top(flint.arb(len(parts)).log() + _half_log(start.t) + depth, _zero())
    reverse = _zero()
    for (low, high), part, branch in zip(spans, parts, (line.piece.base, *line.piece.others), strict=True):
        reverse += _steep(setting, branch, low, high, part, common)
    return [kl, _top(reverse, p), _top((p * q).sqrt())]


def _steep(
    setting: Setting, branch: Branch, low: flint.arb, high: flint.arb, part: flint.arb, common: flint.arb
) -> flint.arb:
    """A bound of int phi (common + |log |F'||) over starts of a branch."""
    length = flint.arb((high - low).upper())
    for fold in (branch.below, branch.above):
        if fold is not None and low >= fold.low and high <= fold.high:
            # |F'(s)| >= k |s - fold|
            reach = _top(abs(high - fold.point), abs(low - fold.point), length)
            height = _half_log(setting.start.t).exp()
            share = (fold.curvature * reach).log()
            return height * reach * (common + 1 + abs(share))
    centre = ((low + high) / 2).mid()
    found = setting.map.disc(centre, flint.arb((high - centre).max(centre - low).upper()))
    if found is None or not found.least_speed > 0:
        return flint.arb.pos_inf()
    return part * (common + abs(found.least_speed.log()))


def total_variation(setting: Setting) -> flint.arb:
    """(1/2) int |q - p|, from the intervals on which the sign of q - p is certain."""
    law, tolerance = setting.mixture, setting.tolerance
    total = unknown = _zero()
    for piece in pieces(setting):
        line = Along(setting, piece)
        waiting, count = [(piece.low, piece.high)], 0
        while waiting:
            a, b = waiting.pop()
            count += 1
            if count > _MOST_CELLS:
                raise PrecisionError(
                    f"tv: {_MOST_CELLS} cells reach only the start {a.str(6, radius=False)}"
                )
            centre = ((a + b) / 2).mid()
            largest = None
            found = line.around(centre, flint.arb((b - centre).max(centre - a).upper()))
            if found is not None:
                place, radius, slope_sway, rate_sway = found
                here = law.local(place.y)
                sway = here.sway(flint.arb((radius + place.y.rad()).upper()), density=True)
                if sway is not None:
                    ratio = place.mass_rate.log() - here.log_density - abs(place.slope).log()
                    apart = rate_sway + sway.log_density + slope_sway
                    largest = flint.arb((abs(ratio) + apart).upper())
                    if abs(ratio) > apart:
                        total += abs(_difference(setting, line, a, b))
                        continue
            if largest is None or largest < 30 or not a < centre < b:
                spans, ya, yb = line.masses(a, b)
                p = _reference_mass(setting, ya, yb)
                doubt = flint.arb((sum(line.mass(spans), _zero()) + p).upper())
                at_end = (piece.at_low and a is piece.low) or (not piece.at_low and b is piece.high)
                if largest is not None and not at_end:
                    doubt = doubt.min(flint.arb((p * (largest.exp() - 1)).upper()))
                if doubt < tolerance or not a < centre < b:
                    unknown += doubt
                    continue
            waiting += [(centre, b), (a, centre)]
    for tail in setting.tails:
        beyond = setting.start.beyond(tail.start, tail.side) + law.beyond(tail.value, tail.way)
        unknown += flint.arb(abs(beyond).upper())
    return (total + _zero().union(flint.arb(unknown.upper()))) / 2


def _difference(setting: Setting, line: Along, a: flint.arb, b: flint.arb) -> flint.arb:
    """int (q - p) dy over a base interval."""
    spans, ya, yb = line.masses(a, b)
    law = setting.mixture
    q = sum((setting.start.between(low, high) for low, high in spans), _zero())
    return q - (law.between(ya, yb) if ya < yb else law.between(yb, ya))


# Wasserstein distances


def first_order(setting: Setting) -> flint.arb:
    """W_1."""
    order = sorted(setting.tails, key=lambda t: t.way)
    ends = [flint.arb(order[0].value.upper()), flint.arb(order[1].value.lower())]

    def spot(y: flint.arb) -> Spot:
        return Spot(y, y, below(setting, y))

    def area(a: Spot, b: Spot) -> flint.arb:
        inner = _zero()
        for branch in setting.branches:
            inner += moment(setting, preimage(setting, branch, a.y), preimage(setting, branch, b.y))
        return b.y * b.below - a.y * a.below - inner

    marks = [ends[0], *_jumps(setting, ends), ends[1]]
    return run_sum(setting, marks, spot, area, "wasserstein_1") + tails(setting, 1)


def _jumps(setting: Setting, ends: list[flint.arb]) -> list[flint.arb]:
    law = setting.reference
    if not isinstance(law, Discrete):
        return []
    return [a.mid() for a in law.atoms if ends[0] < a < ends[1]]


def second_order(setting: Setting) -> flint.arb:
    """W_2^2."""
    total = tails(setting, 2)
    for piece in pieces(setting):
        total += _coupled(setting, Along(setting, piece))
    return total


def _coupled(setting: Setting, line: Along) -> flint.arb:
    """int (F - T)^2 W dx over a piece."""
    law, piece = setting.reference, line.piece
    reached = _Level(setting, line)

    def node(x: flint.arb) -> list[flint.arb]:
        place = line.place(x)
        gap = place.y - reached.target(place)
        return [gap * gap * place.mass_rate]

    def bound(centre: flint.arb, rho: flint.arb) -> list[flint.arb] | None:
        found = line.around(centre, rho)
        if found is None:
            return None
        place, radius, _, rate_sway = found
        at = reached.target(place)
        reach: flint.arb | None = _zero()
        if isinstance(law, Discrete):
            ends = [(centre - rho).mid().max(piece.low), (centre + rho).mid().min(piece.high)]
            if not at.is_exact() or any(reached.target(line.place(x)) != at for x in ends):
                return None
        else:
            reach = quantile_reach(law, at, place.mass_rate, rate_sway, rho)
        if reach is None:
            return None
        gap = abs(place.y - at) + radius + reach
        return [gap * gap * place.mass_rate * rate_sway.exp()]

    def crude(a: flint.arb, b: flint.arb) -> list[flint.arb]:
        spans, ya, yb = line.masses(a, b)
        rising = piece.base.rising
        starts = [
            ((low, high) if branch.rising == rising else (high, low))
            for (low, high), branch in zip(spans, (piece.base, *piece.others), strict=True)
        ]
        mass = sum(line.mass(spans), _zero())
        return [reached.cost((ya, yb), [reached.level([ends[i] for ends in starts]) for i in (0, 1)], mass)]

    return integrals(piece.low, piece.high, node, bound, crude, setting.tolerance, "wasserstein_2", 1)[0]


class _Level:
    """The reference's quantile at the output's distribution function."""

    def __init__(self, setting: Setting, line: Along) -> None:
        """The output's mass on the branches that lie below the piece, and above."""
        self.setting, self.line = setting, line
        self._last: flint.arb | None = None
        piece, self._outside = line.piece, [_zero(), _zero()]
        inside = setting.map.point(((piece.low + piece.high) / 2).mid())[0]
        for branch in setting.branches:
            if branch is piece.base or branch in piece.others:
                continue
            above = images(setting, branch)[0] > inside
            self._outside[above] += self._whole(branch)

    def _whole(self, branch: Branch) -> flint.arb:
        """The mass of a branch, with the ray beyond its tail."""
        start = self.setting.start
        if branch.below is None:
            return start.beyond(branch.high, -1)
        return (
            start.beyond(branch.low, 1) if branch.above is None else start.between(branch.low, branch.high)
        )

    def _parts(self, branch: Branch, x: flint.arb) -> tuple[flint.arb, flint.arb]:
        """The masses of a branch's starts whose images lie below and above that of x, with the rays."""
        start = self.setting.start
        left = start.beyond(x, -1) if branch.below is None else start.between(branch.low, x)
        right = start.beyond(x, 1) if branch.above is None else start.between(x, branch.high)
        return (left, right) if branch.rising else (right, left)

    def level(self, starts: Sequence[flint.arb]) -> tuple[flint.arb, flint.arb]:
        """The output's masses below and above where the covering branches have these preimages."""
        piece = self.line.piece
        parts = [self._parts(b, x) for b, x in zip((piece.base, *piece.others), starts, strict=True)]
        return sum((p[0] for p in parts), self._outside[0]), sum((p[1] for p in parts), self._outside[1])

    def target(self, place: Place) -> flint.arb:
        """T at a place."""
        return self.at_level(*self.level(place.starts))

    def cost(
        self, y: tuple[flint.arb, flint.arb], levels: list[tuple[flint.arb, flint.arb]], mass: flint.arb
    ) -> flint.arb:
        """A bound of int (y - T)^2 dQ between two points, from the masses below and above each."""
        law = self.setting.reference
        if not isinstance(law, Discrete):
            for side in (0, 1):
                if all(level[side] > 0 for level in levels):
                    continue
                # that mass may vanish at one end: with T' at the other
                # (y - T)^2 <= 2 (y - T')^2 + 2 (T' - T)^2
                known = [level for level in levels if level[side] > 0 and level[1 - side] > 0]
                if not known:
                    return flint.arb.pos_inf()
                point = self.at_level(*known[0])
                gap = _top(*(abs(v - point) for v in y))
                return 2 * gap * gap * mass + 2 * abs(law.overshoot(point, 2 * side - 1)[2])
        ta, tb = (self.at_level(*level) for level in levels)
        gap = _top(abs(y[0] - tb), abs(y[1] - ta))
        return gap * gap * mass

    def at_level(self, level: flint.arb, above: flint.arb) -> flint.arb:
        """T with these masses of the output below and above.

        Against a discrete law a ball over the atoms that the level may belong to.
        """
        law = self.setting.reference
        if not isinstance(law, Discrete):
            self._last = quantile(law, level, above, self._last)
            return self._last
        cumulated, found = _zero(), list[flint.arb]()
        for w, a in zip(law.weights, law.atoms, strict=True):
            before, cumulated = cumulated, cumulated + w
            if not (level < before or level > cumulated):
                found.append(a)
        result = found[0] if found else law.atoms[0 if level < 0.5 else -1]
        for a in found[1:]:
            result = result.union(a)
        return result
