"""The independent engine: the same functionals in mpmath, by formulas and a quadrature of its own.

What belongs here: nothing shared with the certified engine - pairwise formulas instead of moments,
densities instead of geometric progressions, a fixed-step rule whose step is halved until two sums
agree instead of a remainder bound. It serves as a second route to every number.

The law is that of the core's coordinates, in [0, 1]; t is in those units.
"""

from __future__ import annotations

from typing import Any

import mpmath

from numerics.arithmetic import mpmath_numbers
from numerics.certified import Functional, Law
from numerics.truth import PrecisionError

__all__ = ["evaluate"]

MOST_NODES = 400_000


def evaluate(law: Law, t: Any, functional: Functional, digits: int, tolerance: Any = 0) -> tuple[Any, Any]:
    """The functional at t, and the difference of the last two sums plus what both leave out, as mpf.

    The step is halved until two sums agree to 10^-digits relative, or to `tolerance` absolute.
    Raises PrecisionError beyond `MOST_NODES` nodes.
    """
    arithmetic = mpmath_numbers(2 * digits + 15)
    with arithmetic.precision():
        w = [arithmetic.number(x) for x in law.weights]
        b = [arithmetic.number(x) for x in law.atoms]
        t = +mpmath.mpf(t)
        tolerance = mpmath.mpf(tolerance)
        entropy = -mpmath.fsum(x * mpmath.log(x) for x in w)
        if t == 0:
            return _at_zero(w, b, functional), mpmath.mpf(0)
        limit = entropy if functional == "mutual_information" else mpmath.mpf(0)
        missing = _missing(w, b, t)
        if missing <= max(tolerance, mpmath.mpf(10) ** (-2 * digits) * arithmetic.number(law.variance)) / 4:
            return limit, missing
        integrand = _INTEGRANDS[functional]
        s = mpmath.sqrt(t)
        reach = mpmath.sqrt(2 * mpmath.log(10) * (2 * digits + 5)) + 1
        low, high = s * b[0] - reach, s * b[-1] + reach
        h = 1 / (1 + s * (b[-1] - b[0]))
        count, previous = int(mpmath.ceil((high - low) / h)), None
        while count <= MOST_NODES:
            total = h * mpmath.fsum(integrand(w, b, s, low + k * h) for k in range(count + 1))
            if previous is not None:
                change = abs(total - previous)
                if change <= max(tolerance, abs(total) * mpmath.mpf(10) ** (-digits - 1)):
                    return total, change + mpmath.mpf(10) ** (-2 * digits - 4)
            previous, h, count = total, h / 2, 2 * count
        raise PrecisionError(f"{functional}: the mpmath engine needs more than {MOST_NODES} nodes")


def _at_zero(w: list[Any], b: list[Any], functional: Functional) -> Any:
    """The functional of the law itself, whose atoms are measured from the mean."""
    variance = mpmath.fsum(x * y * y for x, y in zip(w, b, strict=True))
    return {"mmse": variance, "mutual_information": mpmath.mpf(0)}.get(functional, variance**2)


def _missing(w: list[Any], b: list[Any], t: Any) -> Any:
    """A bound on M(t), H - I(t) and C(t) from the overlaps of pairs of atoms."""
    return 2 * mpmath.fsum(
        mpmath.sqrt(w[i] * w[j]) * mpmath.exp(-t * (b[i] - b[j]) ** 2 / 8)
        for i in range(len(w))
        for j in range(i)
    )


def _joint(w: list[Any], b: list[Any], s: Any, z: Any) -> list[Any]:
    return [x * mpmath.npdf(z, s * y) for x, y in zip(w, b, strict=True)]


def _pairs(p: list[Any], b: list[Any]) -> Any:
    """sum over pairs of p_i p_j (a_i - a_j)^2, which is p^2 Cov."""
    return mpmath.fsum(p[i] * p[j] * (b[i] - b[j]) ** 2 for i in range(len(p)) for j in range(i))


def _mmse(w: list[Any], b: list[Any], s: Any, z: Any) -> Any:
    p = _joint(w, b, s, z)
    return _pairs(p, b) / mpmath.fsum(p)


def _covariance_moment(w: list[Any], b: list[Any], s: Any, z: Any) -> Any:
    p = _joint(w, b, s, z)
    return _pairs(p, b) ** 2 / mpmath.fsum(p) ** 3


def _information(w: list[Any], b: list[Any], s: Any, z: Any) -> Any:
    p = _joint(w, b, s, z)
    log_total = mpmath.log(mpmath.fsum(p))
    return mpmath.fsum(x * (mpmath.log(x / y) - log_total) for x, y in zip(p, w, strict=True))


_INTEGRANDS = {
    "mmse": _mmse,
    "mutual_information": _information,
    "covariance_moment": _covariance_moment,
}
