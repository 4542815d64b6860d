"""Integrals of analytic functions over an interval in balls: Gauss-Legendre panels with a proven error.

What belongs here: the rule, its error and the division of the interval. What does not: integrands.

Theorem (one panel). Let f be analytic with |f| <= M on the disc of radius 2 h around the centre of a panel
of half-length h. The n-point Gauss-Legendre rule, n >= 2, then misses the integral by at most

    (64/15) M h r^{-2n}/(1 - r^{-2}),    r = 2 + sqrt(3).

Proof. The disc contains the ellipse with foci at the ends and semi-axes (r + 1/r) h/2 = 2 h and
(r - 1/r) h/2. On [-1, 1] the Chebyshev coefficients of f have |a_k| <= 2 M r^{-k} (Bernstein). The rule is
exact for k < 2n and for odd k; for even k >= 2n it misses T_k by at most 2 + 2/(k^2 - 1) <= 32/15. The sum
over even k >= 2n is (64/15) M r^{-2n}/(1 - r^{-2}). q.e.d.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise

import flint

from numerics.truth import PrecisionError

__all__ = ["MOST_PANELS", "integrals"]

MOST_PANELS = 30_000
"""The most panels of one integral, those given up and divided included."""
_REACH = 2
_LOG_RATE = 2 * math.log(2 + math.sqrt(3))

Values = Sequence[flint.arb]


@lru_cache(maxsize=64)
def _rule(bits: int, count: int) -> tuple[tuple[flint.arb, flint.arb], ...]:
    """Nodes in [0, 1) and weights; the others follow by symmetry."""
    half = [flint.arb.legendre_p_root(count, k, weight=True) for k in range((count + 1) // 2)]
    return tuple((x, w) for x, w in half)


def _panel(
    node: Callable[[flint.arb], Values], centre: flint.arb, h: flint.arb, count: int
) -> list[flint.arb]:
    total: list[flint.arb] | None = None
    for k, (x, w) in enumerate(_rule(flint.ctx.prec, count)):
        middle = count % 2 == 1 and k == count // 2
        for sign in (1,) if middle else (1, -1):
            values = node(centre + sign * h * x)
            if total is None:
                total = [flint.arb(0)] * len(values)
            total = [t + w * v for t, v in zip(total, values, strict=True)]
    assert total is not None
    return [t * h for t in total]


def integrals(
    low: flint.arb,
    high: flint.arb,
    node: Callable[[flint.arb], Values],
    bound: Callable[[flint.arb, flint.arb], Values | None],
    crude: Callable[[flint.arb, flint.arb], Values],
    tolerance: flint.arb,
    name: str,
    first: int = 8,
) -> list[flint.arb]:
    """The integrals of several functions between exact ends.

    `node` gives their values at a point, `bound` bounds of their sizes on the disc of a radius around a
    centre (None where they may not be analytic there), `crude` bounds of the integral of their sizes
    over an interval. A panel may miss `tolerance`. Raises PrecisionError, naming what was computed.
    """
    digits = -float(tolerance.log().mid())
    most = 8 + math.ceil(1.2 * digits / _LOG_RATE)
    step = (high - low) / first
    marks = [low, *((low + step * i).mid() for i in range(1, first)), high]
    waiting = list(pairwise(marks))[::-1]
    total: list[flint.arb] = []
    count = 0
    while waiting:
        a, b = waiting.pop()
        count += 1
        if count > MOST_PANELS:
            raise PrecisionError(
                f"{name}: {MOST_PANELS} panels reach only the start {a.str(6, radius=False)}"
            )
        centre, h = (a + b) / 2, (b - a) / 2
        sizes = bound(centre.mid(), flint.arb((_REACH * h + centre.rad()).upper()))
        nodes = None
        if sizes is not None:
            largest = max(
                (flint.arb((abs(s) * h / tolerance).upper()) for s in sizes),
                key=lambda s: _log(s),
                default=None,
            )
            need = 0.0 if largest is None else _log(largest) + 1.6
            nodes = 0 if need <= 0 else 3 * math.ceil(max(need / _LOG_RATE, 2) / 3)
        if nodes is not None and nodes <= most:
            assert sizes is not None
            if nodes:
                found = _panel(node, centre, h, nodes)
                rate = (2 + flint.arb(3).sqrt()) ** (-2 * nodes)
                factor = flint.arb(64) / 15 * h * rate / (1 - (2 + flint.arb(3).sqrt()) ** -2)
                found = [x + _radius(s * factor) for x, s in zip(found, sizes, strict=True)]
            else:
                found = [_radius(2 * h * s) for s in sizes]
        else:
            rest = crude(a, b)
            if all(x < tolerance for x in rest):
                found = [_radius(x) for x in rest]
            else:
                middle = centre.mid()
                if not a < middle < b:
                    raise PrecisionError(
                        f"{name}: not integrable near the start {middle.str(6, radius=False)}"
                    )
                waiting += [(middle, b), (a, middle)]
                continue
        total = found if not total else [t + x for t, x in zip(total, found, strict=True)]
    return total


def _log(ball: flint.arb) -> float:
    """log of a positive number as a float; -inf for 0, inf for what is not finite."""
    if not ball.is_finite():
        return math.inf
    if not ball > 0:
        return -math.inf
    return float(ball.log().mid())


def _radius(size: flint.arb) -> flint.arb:
    return flint.arb(0, abs(size).upper())
