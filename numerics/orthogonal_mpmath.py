"""The independent engine for orthogonal atoms: nested sums in mpmath whose steps are halved.

What belongs here: nothing shared with `orthogonal`. The posterior weights are taken as they are, without a
change of measure: with Y = e^{rho^2} X, X = e^{rho N}, h_j(lambda) = E Y^j e^{-lambda Y} and
g_j(lambda) = E X^j e^{-lambda X}, g = g_0,

    E P_1^a = int_0^inf lambda^{a-1} h_a g^{K-1} d lambda / Gamma(a),
    E P_1 P_2^2 = int_0^inf lambda^2 h_1 g_2 g^{K-2} d lambda / 2,
    M = b^2 (1 - E P_1),     C = b^4 (E P_1 - 2 E P_1^2 + E P_1^3 + (K-1) E P_1 P_2^2),
    I = log K + rho^2 - int_0^inf (e^{-lambda} - h_0 g^{K-1}) d lambda / lambda,

the last from E log(Y_1 + X_2 + ...) by Frullani's integral, E log Y_1 = rho^2. The inner expectation is a
trapezoidal sum in N, the outer one in log lambda over a range that ends where the terms vanish.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Any

import mpmath

from numerics.arithmetic import mpmath_numbers
from numerics.cores import POWERS, Functional
from numerics.structured import OrthogonalCore
from numerics.truth import PrecisionError

__all__ = ["value"]

MOST_NODES = 2_000_000
"""Inner times outer nodes."""


def value(
    core: OrthogonalCore, functional: Functional, t: Any, digits: int, tolerance: Any = 0
) -> tuple[Any, Any]:
    """The functional at t and the difference of the last two sums, as mpf.

    Both steps are halved until two sums agree to 10^-digits relative, or to `tolerance` absolute.
    Raises PrecisionError beyond `MOST_NODES`.
    """
    count = core.components
    size = len(str(count))
    arithmetic = mpmath_numbers(2 * digits + 2 * size + 15)
    with arithmetic.precision():
        unit = arithmetic.number(core.radius_squared) ** POWERS[functional]
        square = arithmetic.number(core.radius_squared) * t
        goal = max(mpmath.mpf(tolerance) / unit, mpmath.mpf(10) ** (-2 * digits))
        if not square:
            at_zero = {"mmse": 1 - mpmath.mpf(1) / count, "mutual_information": mpmath.mpf(0)}
            return unit * at_zero.get(functional, mpmath.mpf(count - 1) / count**2), mpmath.mpf(0)
        missing = (count - 1) * mpmath.exp(-square / 4)
        if missing <= goal / 4:
            known = mpmath.log(count) if functional == "mutual_information" else mpmath.mpf(0)
            return unit * known, unit * missing
        total, change = _halved(count, functional, square, digits, goal, size)
        return unit * total, unit * change


def _halved(
    count: int, functional: Functional, square: Any, digits: int, goal: Any, size: int
) -> tuple[Any, Any]:
    depth = mpmath.log(10) * (2 * digits + size + 5)
    rho = mpmath.sqrt(square)
    outer = 10 / mpmath.mpf(2.4 * (digits + 4))
    finer = 10 / mpmath.mpf(2.4 * (digits + 4 + size))
    inner = 4 * mpmath.sqrt(finer) / 3
    if rho > mpmath.sqrt(finer) / 3:
        inner = min(inner, finer / (rho + finer / rho / 8))
    previous = None
    while True:
        total = _outer(count, functional, rho, inner, outer, depth)
        if previous is not None:
            change = abs(total - previous)
            if change <= max(goal, abs(total) * mpmath.mpf(10) ** (-digits - 1)):
                return total, change
        previous, inner, outer = total, inner / 2, outer / 2


def _outer(count: int, functional: Functional, rho: Any, inner: Any, outer: Any, depth: Any) -> Any:
    reach = mpmath.sqrt(2 * depth) + 1
    nodes = 2 * int(mpmath.ceil(reach / inner)) + 1
    first = -depth - mpmath.log(count) - rho * rho
    last = rho * reach + mpmath.log(depth) + 1
    steps = int(mpmath.ceil((last - first) / outer))
    if nodes * steps > MOST_NODES:
        raise PrecisionError(
            f"{functional}: the mpmath engine needs more than {MOST_NODES} nodes at this precision"
        )
    points = [(k - nodes // 2) * inner for k in range(nodes)]
    weights = [inner * mpmath.npdf(z) for z in points]
    plain = [mpmath.exp(rho * z) for z in points]
    own = [mpmath.exp(rho * rho) * x for x in plain]
    terms = []
    for k in range(steps + 1):
        x = first + k * outer
        terms.append(_integrand(count, functional, x, mpmath.exp(x), weights, plain, own))
    total = outer * mpmath.fsum(terms)
    if functional == "mmse":
        return 1 - total
    return mpmath.log(count) + rho * rho - total if functional == "mutual_information" else total


def _integrand(
    count: int, functional: Functional, x: Any, scale: Any, w: list[Any], plain: list[Any], own: list[Any]
) -> Any:
    """The outer integrand in log lambda = x, for b = 1; vanishing terms are left out."""
    most = 2 * mpmath.mp.prec / scale
    plain, own = plain[: bisect_left(plain, most)], own[: bisect_left(own, most)]
    decay = [a * mpmath.exp(-scale * u) for a, u in zip(w, plain, strict=False)]
    g = mpmath.fsum(decay)
    mine = [a * mpmath.exp(-scale * u) for a, u in zip(w, own, strict=False)]
    if functional == "mutual_information":
        return mpmath.exp(-scale) - mpmath.fsum(mine) * g ** (count - 1)
    moments = []
    for _ in range(1 if functional == "mmse" else 3):
        mine = [scale * u * a for u, a in zip(own, mine, strict=True)]
        moments.append(mpmath.fsum(mine))
    if functional == "mmse":
        return moments[0] * g ** (count - 1)
    second = mpmath.fsum((scale * u) ** 2 * a for u, a in zip(plain, decay, strict=True))
    pure = moments[0] - 2 * moments[1] + moments[2] / 2
    cross = (count - 1) * moments[0] * second * g ** (count - 2) / 2
    return pure * g ** (count - 1) + cross
