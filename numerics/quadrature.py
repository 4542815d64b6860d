"""The trapezoidal rule on the line with a proven error: remainder, spacing, truncation.

What belongs here: the strip bound and what follows from it for a single integral. What does not:
which integrals are taken (`certified`).

Let f be analytic in a strip with int |f(x + iy)| dx <= B(eta) for y = +-eta. By Poisson summation

    |h sum_k f(kh) - int f| <= 2 B(eta) / (exp(2 pi eta / h) - 1)        for every such eta.

The integrands are functions of the channel output z = sqrt(t) A + N, with p_i(z) = w_i phi(z - s a_i),
s = sqrt(t), and p their sum. At z = x + iy the phases of the p_i lie in an arc of length s|y|D, so with
theta = s eta D / 2 < pi/2

    cos(theta) e^{y^2/2} p(x) <= |p(x + iy)| <= e^{y^2/2} p(x),

and B(eta) = e^{eta^2/2} sec(theta)^j B0, with j = 1 for p Cov (B0 = M) and j = 3 for p Cov^2 (B0 = C).
For p log(p/phi), with the atoms measured from any point c and R = max |a_i - c|,
B(eta) = e^{eta^2/2} (B0 + log sec(theta) + s R eta), B0 >= (t/2) E|A - c|^2 - I + 2/e.

The whole spread s D is not needed. Let G be s times the widest gap between neighbouring atoms, and at x
let L be the atoms with |s a_i - x'| <= w/2, x' the point of the hull of the s a_i nearest to x. The others
satisfy p_i <= (w_i / w_*) e^{-(w^2 - G^2)/8} p_*, * the atom nearest to x, so together they are at most
epsilon p(x), epsilon = e^{-(w^2 - G^2)/8} / min w_i. The phases of L lie in an arc of length |y| w, hence

    |p(x + iy)| >= e^{y^2/2} ((1 - epsilon) cos(theta) - epsilon) p(x),      theta = w eta / 2,

and this bracket takes the place of cos(theta) above (measured from the middle of L the phase of p/phi stays
within pi/2, which adds pi/2 to the bound for p log(p/phi)). The number of nodes then grows like s D
instead of (s D)^2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import flint

__all__ = ["Spacing", "Strip", "best_eta", "gaussian_tail", "remainder", "spacing", "window"]

LOG2 = math.log(2)


@dataclass(frozen=True)
class Strip:
    """What the strip bound needs to know of an integrand.

    `amplitude` is B0 (a ball or number >= 0), `spread` is s D, or w with `slack` the epsilon that
    belongs to it, `secant_power` is j, and `reach` is s R for the integrand of the mutual information,
    None for the others.
    """

    amplitude: Any
    spread: Any
    secant_power: int
    reach: Any = None
    slack: Any = 0

    def bound(self, eta: flint.arb) -> flint.arb:
        """B(eta), a ball; infinite where theta is not certainly below pi/2."""
        theta = eta * self.spread / 2
        cosine = (1 - self.slack) * theta.cos() - self.slack
        if not (theta < flint.arb.pi() / 2 and cosine > 0):
            return flint.arb.pos_inf()
        growth: flint.arb = (eta * eta / 2).exp()
        if self.reach is None:
            growth *= self.amplitude / cosine**self.secant_power
        else:
            phase = self.reach * eta + (0 if self.slack == 0 else flint.arb.pi() / 2)
            growth *= self.amplitude - cosine.log() + phase
        return growth


def remainder(h: flint.arb, strip: Strip) -> flint.arb:
    """An upper bound (a ball) of |trapezoidal sum - integral| at spacing h, at the current precision.

    Valid at every h > 0, however coarse; the width of the strip is chosen to make it small, and the
    bound is evaluated in balls at that width, so the choice cannot make it wrong.
    """
    eta = flint.arb(best_eta(float(h), float(strip.spread), strip.secant_power))
    return 2 * strip.bound(eta) / (2 * flint.arb.pi() * eta / h).expm1()


def window(spread: float, gap: float, log_least_weight: float, decay: float) -> float | None:
    """The w at which epsilon is small beside cos(theta), or None where the whole spread is no wider."""
    width = math.sqrt(gap * gap + 8 * (math.log(64 * (decay + 2)) - log_least_weight))
    return width if width < spread else None


def _slope(eta: float, spread: float, power: int) -> float:
    return eta + power * spread / 2 * math.tan(eta * spread / 2)


def _upper_eta(spread: float) -> float:
    """A width just inside the strip; without a spread the strip is the plane."""
    return 1e9 if spread < 1e-9 else min(1e9, math.pi / spread * (1 - 1e-9))


def best_eta(h: float, spread: float, power: int) -> float:
    """The eta that minimises eta^2/2 + j log sec(theta) - 2 pi eta / h."""
    low, high = 0.0, _upper_eta(spread)
    goal = 2 * math.pi / h
    for _ in range(60):
        middle = (low + high) / 2
        if _slope(middle, spread, power) < goal:
            low = middle
        else:
            high = middle
    return low


@dataclass(frozen=True)
class Spacing:
    """A dyadic spacing h = mantissa 2^exponent, so that every node k h is exact."""

    mantissa: int
    exponent: int

    @property
    def value(self) -> Fraction:
        """h as an exact number."""
        return Fraction(self.mantissa) * Fraction(2) ** self.exponent

    def ball(self) -> flint.arb:
        """h as a ball of radius zero."""
        return flint.arb((self.mantissa, self.exponent))

    def __float__(self) -> float:
        return math.ldexp(self.mantissa, self.exponent)


@lru_cache(maxsize=1 << 14)
def spacing(decay: float, spread: float, power: int) -> Spacing:
    """The widest dyadic spacing at which the exponent of the remainder is below -decay.

    The exponent is min over eta of eta^2/2 + j log sec(theta) - 2 pi eta / h; at the minimum
    2 pi / h equals its slope in eta, which leaves -eta^2/2 + j (log sec(theta) - theta tan(theta)).
    """
    low, high = 0.0, _upper_eta(spread)
    for _ in range(32):
        eta = (low + high) / 2
        theta = eta * spread / 2
        exponent = -eta * eta / 2 - power * (math.log(math.cos(theta)) + theta * math.tan(theta))
        if -exponent < decay:
            low = eta
        else:
            high = eta
    h = 2 * math.pi / _slope(high, spread, power)
    mantissa, exponent2 = math.frexp(h)
    return Spacing(int(mantissa * 64), exponent2 - 6)


def gaussian_tail(u: flint.arb) -> flint.arb:
    """An upper bound of int_u^inf phi(x) dx for u >= 0: exp(-u^2/2)/2."""
    return (-(u * u) / 2).exp() / 2
