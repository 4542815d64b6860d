"""Mixtures of equal Gaussians on a line in balls: posterior moments, densities, tails, and bounds on discs.

What belongs here: closed forms at a point, and how far they move on a complex disc around it. What does
not: maps (`certified_map`), integrals (`certified_panels`).

Theorem (discs). Let pi_i be the posterior probabilities of atoms a_i at snr t and a real point c,
g_i = a_i - sum pi a, and for |z| <= r let u_i = t |g_i| r,

    zeta = sum pi_i (e^{u_i} - 1 - u_i),    E_j = sum pi_i |g_i|^j (e^{u_i} - 1).

If zeta < 1 the mixture's density has no zero on the disc around c, and there

    |k2(c+z) - k2(c)| <= (E_2 + k2 zeta)/(1 - zeta) + (E_1/(1 - zeta))^2, |k3(c+z) - k3(c)| <= (E_3 +
    |k3| zeta)/(1 - zeta) + 3 E_1 (k2 + E_2)/(1 - zeta)^2 + 2 (E_1/(1 - zeta))^3, |log p(c+z) - log p(c)|
    <= t |f(c) - c| r + t r^2/2 - log(1 - zeta),

k2 and k3 the posterior's cumulants, f its mean, log p continued analytically.

Proof. The posterior at c + z has weights pi_i e^{w_i}/Z with w_i = t g_i z, |w_i| <= u_i. As sum pi g = 0,
|Z - 1| = |sum pi_i (e^{w_i} - 1 - w_i)| <= zeta. Moments about f(c): N_j = sum pi_i g_i^j e^{w_i} differs
from its value at z = 0 (0, k2, k3 for j = 1, 2, 3) by at most E_j. Then k2(c+z) = N_2/Z - (N_1/Z)^2,
k3(c+z) = N_3/Z - 3 N_1 N_2/Z^2 + 2 (N_1/Z)^3, and p(c+z)/p(c) = Z e^{t (f(c) - c) z - t z^2/2}. q.e.d.

The sums are of positive numbers, taken in machine numbers from upper bounds of their terms and enlarged
by 1e-9, which covers their rounding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import flint

__all__ = ["Local", "Sway", "Tilted", "upper"]

_TINY = 1e-290
_ENLARGED = 1 + 1e-9


def upper(ball: flint.arb) -> float:
    """A machine number at least |ball|; infinite where there is none."""
    value = float(ball.abs_upper())
    return value * (1 + 1e-15) + _TINY if value == value else math.inf


_Row = tuple[flint.arb, flint.arb, flint.arb, flint.arb, float, float, float]


@dataclass(frozen=True)
class Sway:
    """How far the log density and the second and third cumulants move on a disc."""

    log_density: flint.arb
    second: flint.arb
    third: flint.arb


class Local:
    """The posterior at a real point: the nearest atom, the mean from the point, cumulants, log density."""

    __slots__ = ("_parts", "_tilted", "away", "mean", "near", "second", "third", "total")

    def __init__(self, tilted: Tilted, point: flint.arb, third: bool) -> None:
        near = tilted.nearest(point)
        self._tilted, self.near = tilted, near
        self.away = point - tilted.atoms[near]
        """The point minus its nearest atom."""
        zero = flint.arb(0)
        total, first, second, cube = flint.arb(1), zero, zero, zero
        parts: list[tuple[float, float, float]] = []
        dropped = 0
        away, radius = float(self.away.mid()), float(self.away.rad())
        cut = tilted.cut
        for constant, rate, gap, square, coarse, steep, wide in tilted.table(near):
            lean = steep * away
            doubt = 1e-12 * (abs(coarse) + abs(lean)) + abs(steep) * radius
            if coarse + lean < cut - doubt:
                dropped += 1
                parts.append((math.exp(coarse + lean + doubt), coarse + lean + doubt, wide))
                continue
            part = (constant + rate * self.away).exp()
            total += part
            moment = part * gap
            first += moment
            second += part * square
            if third:
                cube += moment * square
            parts.append((upper(part), coarse + lean + doubt, wide))
        if dropped:
            left = flint.arb(0, 1) * (dropped * flint.arb(cut).exp())
            reach = tilted.diameter
            total += left
            first += left * reach
            second += left * reach * reach
            if third:
                cube += left * reach * reach * reach
        self.total = total
        mean = first / total
        self.mean = mean
        """f minus the nearest atom."""
        raw = second / total
        self.second = raw - mean * mean
        self.third = cube / total - 3 * mean * raw + 2 * mean * mean * mean if third else None
        self._parts = parts

    @property
    def log_density(self) -> flint.arb:
        """log p at the point."""
        own = self._tilted
        square = self.away * self.away
        return own.log_height[self.near] - own.t * square / 2 + self.total.log()

    def sway(self, r: flint.arb, third: bool = False, density: bool = False) -> Sway | None:
        """The theorem's bounds on the disc of radius r; None where zeta may reach 1."""
        own = self._tilted
        rate = upper(own.t * r)
        zeta = one = two = three = 0.0
        if self._parts:
            whole = float(self.total.abs_lower()) * (1 - 1e-15)
            if not whole > 0:
                return None
            shift, slack = float(self.mean.mid()), float(self.mean.rad()) + 1e-14 * own.breadth
            log_whole = math.log(whole)
            weights = [(1 / whole, 0.0, 0.0), *self._parts]
        else:
            weights = []
        for part, log_part, gap in weights:
            g = abs(gap - shift) + slack
            u = rate * g + _TINY
            if u > 20:
                if not log_part - log_whole + u < 300:
                    return None
                grown = max(math.exp(log_part - log_whole + u + 1e-9 * (1 + u)), _TINY)
                bowed = grown
            else:
                weight = max(part / whole, _TINY)
                grown = weight * math.expm1(u)
                bowed = weight * u * u / 2 * math.exp(u) if u < 0.5 else grown - weight * u * (1 - 1e-15)
            zeta += bowed
            one += g * grown
            two += g * g * grown
            three += g * g * g * grown
        zeta *= _ENLARGED
        if not zeta < 0.99:
            return None
        rest = 1 - zeta
        second = upper(self.second)
        moved = (two + second * zeta) / rest + (one / rest) ** 2
        turned = 0.0
        if third:
            assert self.third is not None
            turned = (three + upper(self.third) * zeta) / rest
            turned += 3 * one * (second + two) / rest**2 + 2 * (one / rest) ** 3
        log = flint.arb(0)
        if density:
            log = own.t * r * (abs(self.mean - self.away) + r / 2) - flint.arb(
                math.log1p(-zeta) * _ENLARGED
            )
        return Sway(log, flint.arb(moved * _ENLARGED), flint.arb(turned * _ENLARGED))


class Tilted:
    """sum_i w_i N(a_i, 1/t) on a line, in balls; the atoms increase."""

    def __init__(self, weights: list[flint.arb], atoms: list[flint.arb], t: flint.arb) -> None:
        """Within the precision that its values are taken at."""
        self.weights, self.atoms, self.t = weights, atoms, t
        self.diameter = atoms[-1] - atoms[0]
        self.breadth = upper(self.diameter)
        self.cut = -(flint.ctx.prec * math.log(2) + 20)
        """Atoms whose part is certainly below e^cut count as a radius."""
        self._logs = [w.log() for w in weights]
        half = (t / (2 * flint.arb.pi())).log() / 2
        self.log_height = [x + half for x in self._logs]
        self._tables: dict[int, list[_Row]] = {}
        self._places = [float((a - atoms[0]).mid()) for a in atoms]
        self._rate = float(t.mid())
        self._shares = [float(x.mid()) for x in self._logs]

    def nearest(self, point: flint.arb) -> int:
        """The atom of the largest part at a point, as far as machine numbers tell."""
        if len(self.atoms) == 1:
            return 0
        x, half = float((point - self.atoms[0]).mid()), self._rate / 2
        best, found = -math.inf, 0
        for i, (share, place) in enumerate(zip(self._shares, self._places, strict=True)):
            value = share - half * (x - place) ** 2
            if value > best:
                best, found = value, i
        return found

    def table(self, near: int) -> list[_Row]:
        """(c, s, gap, gap^2) with log(part of i/part of near) = c + s (x - a_near); c, s, gap as floats."""
        if near not in self._tables:
            rows: list[_Row] = []
            for i, atom in enumerate(self.atoms):
                if i == near:
                    continue
                gap = atom - self.atoms[near]
                rate = self.t * gap
                constant = self._logs[i] - self._logs[near] - rate * gap / 2
                coarse, steep, wide = (float(x.mid()) for x in (constant, rate, gap))
                rows.append((constant, rate, gap, gap * gap, coarse, steep, wide))
            self._tables[near] = rows
        return self._tables[near]

    def local(self, point: flint.arb, third: bool = False) -> Local:
        """The posterior at a point."""
        return Local(self, point, third)

    def beyond(self, point: flint.arb, side: int) -> flint.arb:
        """P(X > point) for side 1, P(X < point) for side -1."""
        root = (self.t / 2).sqrt()
        parts = (
            w * ((point - a) * root * side).erfc() for w, a in zip(self.weights, self.atoms, strict=True)
        )
        return sum(parts, flint.arb(0)) / 2

    def between(self, low: flint.arb, high: flint.arb) -> flint.arb:
        """P(low < X < high), from the smaller tails."""
        if float(((low + high) / 2 - (self.atoms[0] + self.atoms[-1]) / 2).mid()) > 0:
            return self.beyond(low, 1) - self.beyond(high, 1)
        return self.beyond(high, -1) - self.beyond(low, -1)

    def overshoot(self, point: flint.arb, side: int) -> tuple[flint.arb, flint.arb, flint.arb]:
        """E tau^k over the part of the law beyond a point, tau the distance from it; k = 0, 1, 2."""
        variance = 1 / self.t
        root = (self.t / 2).sqrt()
        sums = [flint.arb(0)] * 3
        for w, a in zip(self.weights, self.atoms, strict=True):
            z = (point - a) * side
            mass = (z * root).erfc() / 2
            height = (-self.t * z * z / 2).exp() * (self.t / (2 * flint.arb.pi())).sqrt()
            first = variance * height - z * mass
            square = (variance + z * z) * mass - z * variance * height
            sums = [s + w * x for s, x in zip(sums, (mass, first, square), strict=True)]
        return sums[0], sums[1], sums[2]
