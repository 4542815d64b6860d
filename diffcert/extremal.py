"""How far the constants of the bounds by the ratio of knots are exhausted: three families of instances.

What belongs here: families, indexed by one parameter, whose cost over bound tends to one, and enclosures
of that quotient. What does not: the bounds (`theory.bounds`), which hold on every member.

**First step.** One step from zero to T on two equal atoms: K = t_1 V/2 - I(T) and I <= log 2.

**Half of kappa, convex mmse.** Two equal atoms on n geometric knots of a small ratio that exhaust the
information.

**All of kappa, without convexity.** A in {0, 1} with P(A = 1) = p = e^-L. By Bayes' rule the log-odds of
A = 1 at snr s are, under A = 1, l = -L' + s/2 + sqrt(s) N with L' = log((1 - p)/p), and
M(s) = p E[1/(1 + e^l) | A = 1]. So for every u

    M(s)/p >= m(s) = Phi((L' - u - s/2)/sqrt(s))/(1 + e^-u).

The last of the knots 0, s (1 + kappa)^-3, ..., s, s (1 + kappa) costs kappa s M(s)/2 - (I(T) - I(s)), the
mmse does not increase, so that I(s) >= s M(s)/2, and I(T) <= H <= p (L + 1). With V <= p the quotient is
at least

    [(1 + kappa) s m(s)/2 - (L + 1)] / [kappa (L + 1) + s (1 + kappa)^-3/2].

With s = 2 L x, x < 1, it tends to x as L and kappa grow: the mmse falls late and, on the scale of s, at
once. These are inequalities for real p, far below any weight for which a quadrature is at hand.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import flint

from diffcert.comparison import compare
from diffcert.instance import Instance
from numerics import Mixture, Schedule
from numerics.arithmetic import balls
from numerics.exact import rational

__all__ = ["first_step_quotient", "halved_quotient", "kappa_quotient"]

_BITS = 192
_TWO_ATOMS = (["1/2", "1/2"], [-1, 1], 0)
_STEPS_FROM_ZERO = 3


def first_step_quotient(last: Any, digits: int = 20) -> Any:
    """K/(t_1 V/2) as a ball, for one step from zero to `last` on two equal atoms at +-1."""
    schedule = Schedule.from_snr([0, last])
    return compare("diffcert/convex-halved", Instance(Mixture(*_TWO_ATOMS), schedule), digits).ratio


def halved_quotient(steps: int, first: Any, last: Any, digits: int = 20) -> Any:
    """K/(t_1 V/2 + kappa I(T)/2) as a ball, on geometric knots and two equal atoms at +-1."""
    schedule = Schedule.geometric(steps, first, last)
    return compare("diffcert/convex-halved", Instance(Mixture(*_TWO_ATOMS), schedule), digits).ratio


def kappa_quotient(log_rarity: Any, kappa: Any = 1000) -> Any:
    """A lower bound of K/(kappa I(T) + t_1 V/2), as a ball, for an atom of weight e^-log_rarity.

    The best of the snr s = 2 L x and of u, on grids. Raises ValueError for log_rarity below 1 or kappa not
    positive.
    """
    exponent, ratio = rational(log_rarity, "log_rarity"), rational(kappa, "kappa")
    if exponent < 1:
        raise ValueError(f"log_rarity: {exponent} is less than 1")
    if ratio <= 0:
        raise ValueError(f"kappa: {ratio} is not positive")
    ops = balls(_BITS)
    with ops.precision():
        rarity, wide = ops.number(exponent), ops.number(ratio)
        odds = rarity + (-(-rarity).exp()).log1p()
        found = [
            _quotient(rarity, odds, wide, 1 - ops.number(share) / rarity.sqrt(), ops.number(u))
            for share in (Fraction(k, 8) for k in range(1, 48))
            if share * share < exponent
            for u in (3, 5, 8, 12)
        ]
        return max(found, key=lambda ball: float(ball.lower()))


def _quotient(rarity: Any, odds: Any, kappa: Any, share: Any, u: Any) -> Any:
    s = 2 * rarity * share
    below = (odds - u - s / 2) / s.sqrt()
    mmse = (-below / flint.arb(2).sqrt()).erfc() / 2 / (1 + (-u).exp())
    cost = (1 + kappa) * s * mmse / 2 - (rarity + 1)
    return cost / (kappa * (rarity + 1) + s / (1 + kappa) ** _STEPS_FROM_ZERO / 2)
