"""M'' = E[2 k2^3 - k3^2] of a law on a line, enclosed for whole intervals of t at once.

What belongs here: the sums over nodes, what they leave out, their remainder. What does not: what is
concluded from the sign of M'' (`convexity`).

The law is that of the core's coordinates: D = 1, K atoms b_i; its posterior is p_i/p, with
p_i(z) = w_i phi(z - s b_i), s = sqrt(t), and k2, k3 are the posterior's cumulants. Proofs:

1. Two inequalities. Let Y be centred, -m <= Y <= u, m + u = 1. E[(m + Y)(Y - c)^2] >= 0 and
   E[(u - Y)(Y - c)^2] >= 0 at the best c give k2/m - m <= k3/k2 <= u - k2/u. As k2 <= m u,
   u + k2/u <= 1, that is (u - k2/u)^2 <= 1 - 4 k2, and likewise with m. So
   k3^2 <= k2^2 (1 - 4 k2) and |2 k2^3 - k3^2| <= k2^2.
2. Intervals of t. At the nodes z = s x, x = k h, p_i is w_i e^{-t d_i}, d_i = (x - b_i)^2/2, up to a
   factor common to all i and all nodes. So for t in a ball of relative radius e the posterior
   log-odds are uncertain by about e times their size, however large t is. One more common factor,
   e^{-gamma t}, is taken out: it changes neither the sign of M'' nor M''/C, where C = E k2^2.
3. Remainder. Over three iid draws from the posterior k3 is the mean of a symmetric polynomial; for
   draws 0, x, 1 it is (1 + x)(2 - x)(1 - 2x)/6, in absolute value at most half of
   (2/3)(1 - x + x^2), which belongs to 2 k2; for draws closer together all the more. So k2 bounds |k3| term
   by term, and with 2 k2^3 <= k2^2/2, at x + iy,
   |p k2^2| <= e^{y^2/2} sec(theta)^3 (p k2^2)(x),
   |p (2 k2^3 - k3^2)| <= (3/2) e^{y^2/2} sec(theta)^5 (p k2^2)(x):
   the strip bounds of `quadrature` with j = 3 and 5. The first has a relative remainder rho < 1, so
   that C lies between sum/(1 + rho) and sum/(1 - rho): no other bound of C is needed.
4. A wider strip at large t. Let the line be cut into cells, of atoms i, and let the atoms outside a
   set of atoms of extent <= W have p_l <= delta p_i in all, in the cell of i (the p_l/p_i are monotone
   in x: the ends of the cell tell). The others have phases in an arc of length s|y|W, so with
   theta = s|y|W/2 |p(x + iy)| >= e^{y^2/2} (cos(theta) (1 - delta) - delta) p(x), and
   cos(theta) - 2 delta may take the place of cos(theta) in 3.
5. Nodes left out. For every i, p k2 <= sum_l p_l (b_l - b_i)^2 and p >= p_i, so
   p k2^2 <= (K - 1) sum_l (b_l - b_i)^4 p_l^2/p_i. With v = 2 b_l - b_i the quotient p_l^2/p_i is
   (w_l^2/w_i) e^{t ((b_l - b_i)^2 - (x - v)^2/2)}. Of nodes no nearer to v than r at most two have
   distances in [r + m h, r + m h + h): they sum to at most 2/(1 - e^{-t h r - t h^2/2}) times the
   value at distance r.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import flint

from numerics.arithmetic import balls, to_ball
from numerics.line import Law
from numerics.nodes import MOST_TERMS, Nodes, choose
from numerics.quadrature import Strip, remainder
from numerics.truth import PrecisionError

__all__ = [
    "Budget",
    "LocalStrip",
    "Sums",
    "bits_of",
    "enclose",
    "second_strip",
    "square_strip",
]


@dataclass
class Budget:
    """Exponentials left to one answer."""

    terms: int = MOST_TERMS

    def spend(self, terms: int) -> None:
        """Take off `terms`; PrecisionError where there are not as many left."""
        if terms > self.terms:
            raise PrecisionError(f"convexity: it takes more than {MOST_TERMS} exponentials")
        self.terms -= terms


@dataclass(frozen=True)
class LocalStrip(Strip):
    """A strip bound with cos(theta) - 2 `lost` for cos(theta), by 4.; `spread` is s W."""

    lost: Any = 0

    def bound(self, eta: flint.arb) -> flint.arb:
        """B(eta), a ball; infinite where p is not known to have no zero."""
        theta = eta * self.spread / 2
        cosine = theta.cos() - 2 * self.lost
        if not (theta < flint.arb.pi() / 2 and cosine > 0):
            return flint.arb.pos_inf()
        result: flint.arb = (eta * eta / 2).exp() * self.amplitude / cosine**self.secant_power
        return result


def square_strip(square: Any, spread: Any, lost: Any = 0) -> LocalStrip:
    """The strip bound of p k2^2, whose integral is `square`."""
    return LocalStrip(square, spread, 3, lost=lost)


def second_strip(square: Any, spread: Any, lost: Any = 0) -> LocalStrip:
    """The strip bound of p (2 k2^3 - k3^2), from the integral `square` of p k2^2."""
    return LocalStrip(square * 3 / 2, spread, 5, lost=lost)


@dataclass(frozen=True)
class Sums:
    """M'' and C for all points of a ball t, both without their common positive factor.

    `error` is the part of the radius of M'' that is remainder and omitted nodes.
    """

    second: flint.arb
    square: flint.arb
    error: flint.arb
    h: flint.arb
    gamma: flint.arb

    def factor(self, t: flint.arb) -> flint.arb:
        """The common factor, h sqrt(t/(2 pi)) e^(-gamma t)."""
        return self.h * (t / (2 * flint.arb.pi())).sqrt() * (-self.gamma * t).exp()


@dataclass(frozen=True)
class _Pair:
    """What the sums need of an atom l beside the atom i of a cell, as balls."""

    index: int  # l
    gap: flint.arb  # b_l - b_i
    middle: flint.arb  # (b_i + b_l)/2
    odds: flint.arb  # w_l/w_i
    centre: flint.arb  # 2 b_l - b_i
    size: flint.arb  # w_l^2 (b_l - b_i)^4 / w_i

    def most(self, t: flint.arb, ends: tuple[flint.arb, flint.arb]) -> flint.arb:
        """An upper bound of p_l/p_i, which is monotone in x, between two x (also infinite ones)."""
        start, end = ((t * self.gap * (x - self.middle)).exp() for x in ends)
        return (start.max(end) * self.odds).upper()


@dataclass(frozen=True)
class _Site:
    """An atom i with all others, as balls."""

    atom: flint.arb
    weight: flint.arb
    pairs: list[_Pair]


@lru_cache(maxsize=256)
def _sites(law: Law, bits: int) -> list[_Site]:
    """The atoms; at the current precision, which is `bits`."""
    points = list(zip(law.atoms, law.weights, strict=True))
    sites = []
    for a, x in points:
        pairs = []
        for index, (b, y) in enumerate(points):
            if a != b:
                exact = b - a, (a + b) / 2, y / x, 2 * b - a, y * y * (b - a) ** 4 / x
                pairs.append(_Pair(index, *map(to_ball, exact)))
        sites.append(_Site(to_ball(a), to_ball(x), pairs))
    return sites


def bits_of(accuracy: float, t: float) -> int:
    """The working precision for sums at t to about e^-accuracy."""
    return 64 * (1 + int((accuracy + math.log(1 + t) + 16) / math.log(2)) // 64)


def enclose(law: Law, t: flint.arb, accuracy: float, budget: Budget) -> Sums:
    """M'' and C at all points of a ball t > 0, to about e^-accuracy C plus what its radius costs.

    Raises PrecisionError where that exceeds the budget.
    """
    top = float(t.upper()) * (1 + 1e-9)
    nodes = choose(law, float(t.mid()), top, accuracy)
    bits = bits_of(accuracy, top)
    with balls(bits).precision():
        sites, step, gamma = _sites(law, bits), nodes.h.ball(), flint.arb(nodes.gamma)
        negligible = flint.arb(-2 * accuracy - 20).exp()
        second = square = omitted = flint.arb(0)
        for i, first, last in nodes.kept:
            table, base = _table(t, (step * first, step * last), sites[i], negligible)
            budget.spend((last - first + 1) * (len(table) + 1))
            sums = _kept(t, gamma, step, range(first, last + 1), sites[i], table, base)
            second, square = second + sums[0], square + sums[1]
        for i, start, stop in nodes.omitted:
            omitted += _omitted(t, gamma, step, start, stop, sites[i])
        omitted = omitted.upper()
        width, spread, lost = _strip(law, t, nodes, sites)
        rho = remainder(width, square_strip(flint.arb(1), spread, lost)).upper()
        if not rho < 1:
            square = flint.arb("nan")
        square = square.union(square + omitted) / (1 + (-rho).union(rho))
        error = remainder(width, second_strip(square, spread, lost)).upper() + omitted
        return Sums(second + (-error).union(error), square, error, step, gamma)


def _strip(
    law: Law, t: flint.arb, nodes: Nodes, sites: list[_Site]
) -> tuple[flint.arb, flint.arb, flint.arb]:
    """The spacing of z, s W and delta."""
    root = t.sqrt()
    extent, lost = flint.arb(0), flint.arb(0)
    for cell in nodes.cells:
        ends = flint.arb(cell.start), flint.arb(cell.end)
        site = sites[cell.atom]
        far = [pair.most(t, ends) for pair in site.pairs if pair.index not in cell.near]
        lost = lost.max(sum(far, flint.arb(0)))
        reach = law.atoms[max(cell.near)] - law.atoms[min(cell.near)]
        extent = extent.max(to_ball(reach))
    return nodes.h.ball() * root, root * extent, lost.upper()


_Row = tuple[flint.arb, flint.arb, flint.arb, flint.arb]


def _table(
    t: flint.arb, ends: tuple[flint.arb, flint.arb], site: _Site, negligible: flint.arb
) -> tuple[list[_Row], list[flint.arb]]:
    """The atoms that matter between two nodes, and what the others add to the moments, in one ball."""
    table = []
    base = [flint.arb(1), flint.arb(0), flint.arb(0), flint.arb(0)]
    for pair in site.pairs:
        most = pair.most(t, ends)
        if most < negligible:
            odds = flint.arb(0).union(most)
            base = [total + odds * pair.gap**m for m, total in enumerate(base)]
        else:
            table.append((t * pair.gap, pair.middle, pair.odds, pair.gap))
    return table, base


def _kept(
    t: flint.arb,
    gamma: flint.arb,
    step: flint.arb,
    nodes: range,
    site: _Site,
    table: list[_Row],
    base: list[flint.arb],
) -> tuple[flint.arb, flint.arb]:
    """The sums of p (2 k2^3 - k3^2) and p k2^2, times e^(gamma t), over nodes in the cell of atom i.

    The posterior's moments are taken about b_i, from the odds p_l/p_i.
    """
    second = square = flint.arb(0)
    for k in nodes:
        x = step * k
        s0, s1, s2, s3 = base
        for rate, middle, odds, gap in table:
            q = (rate * (x - middle)).exp() * odds
            s0 += q
            q *= gap
            s1 += q
            q *= gap
            s2 += q
            s3 += q * gap
        density = (t * (gamma - (x - site.atom) ** 2 / 2)).exp() * site.weight * s0
        s1, s2, s3 = s1 / s0, s2 / s0, s3 / s0
        k2 = s2 - s1 * s1
        k3 = s3 - s1 * (3 * s2 - 2 * s1 * s1)
        part = density * k2 * k2
        square += part
        second += 2 * part * k2 - density * k3 * k3
    return second, square


def _omitted(
    t: flint.arb,
    gamma: flint.arb,
    step: flint.arb,
    first: int | None,
    last: int | None,
    site: _Site,
) -> flint.arb:
    """A bound of the sum of p k2^2, times e^(gamma t), over k = first ... last, by 5. with any atom i.

    By 1. it bounds the sum of p |2 k2^3 - k3^2| as well.
    """
    total = flint.arb(0)
    for pair in site.pairs:
        distance = flint.arb(0)
        if first is not None:
            distance = distance.max(step * first - pair.centre)
        if last is not None:
            distance = distance.max(pair.centre - step * last)
        decay = -(-t * step * (distance + step / 2)).expm1()
        largest = (t * (pair.gap**2 - distance * distance / 2 + gamma)).exp() * pair.size
        total += 2 * largest / decay
    return total * len(site.pairs)
