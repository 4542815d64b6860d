"""A second route to the channel's functionals, in plain mpmath: nothing of `numerics` is imported here.

Composite Gauss-Legendre quadrature over a finite range, on panels no longer than the distance to the
nearest singularity of the integrand; posterior means and variances in two passes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import mpmath
from mpmath import mp, mpf

DIGITS = 45
"""Working precision of the reference; its quadrature is good to about 30 digits."""

ORDER = 28


def exact(value: int | str | Fraction) -> Any:
    """The number at the current precision."""
    fraction = Fraction(value)
    return mpf(fraction.numerator) / fraction.denominator


@lru_cache(maxsize=4)
def legendre(order: int) -> tuple[list[Any], list[Any]]:
    """Nodes and weights on [-1, 1] by Newton's method from Chebyshev's guesses."""
    nodes, weights = [], []
    with mp.workdps(DIGITS + 10):
        for i in range(order):
            x = mpmath.cos(mp.pi * (i + mpf(3) / 4) / (order + mpf(1) / 2))
            for _ in range(8):
                before, here = mpf(1), x
                for n in range(2, order + 1):
                    before, here = here, ((2 * n - 1) * x * here - (n - 1) * before) / n
                slope = order * (x * here - before) / (x * x - 1)
                x -= here / slope
            nodes.append(x)
            weights.append(2 / ((1 - x * x) * slope * slope))
    return nodes, weights


def integrate(function: Callable[[Any], Sequence[Any]], start: Any, stop: Any, longest: Any) -> list[Any]:
    """The integrals of the components of a vector function, on equal panels no longer than `longest`."""
    nodes, weights = legendre(ORDER)
    panels = int(mpmath.ceil((stop - start) / longest))
    half = (stop - start) / panels / 2
    totals: list[Any] | None = None
    for k in range(panels):
        middle = start + (2 * k + 1) * half
        for x, w in zip(nodes, weights, strict=True):
            values = function(middle + half * x)
            if totals is None:
                totals = [mpf(0)] * len(values)
            totals = [total + half * w * value for total, value in zip(totals, values, strict=True)]
    assert totals is not None
    return totals


@dataclass(frozen=True)
class Values:
    """M, I and C at one signal-to-noise ratio."""

    mmse: Any
    mutual_information: Any
    covariance_moment: Any

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name)


def functionals(weights: Sequence[Any], atoms: Sequence[Any], t: Any) -> Values:
    """M(t), I(t), C(t) of the discrete law on the line, to about 30 digits of the largest integrand."""
    with mp.workdps(DIGITS):
        w = [exact(x) for x in weights]
        a = [exact(x) for x in atoms]
        s = mpmath.sqrt(t if isinstance(t, mpf) else exact(t))
        spread = s * (max(a) - min(a))

        def integrands(z: Any) -> tuple[Any, Any, Any]:
            exponents = [-((z - s * x) ** 2) / 2 for x in a]
            joint = [p * mpmath.exp(e) for p, e in zip(w, exponents, strict=True)]
            density = mpmath.fsum(joint)
            mean = mpmath.fsum(q * x for q, x in zip(joint, a, strict=True)) / density
            variance = mpmath.fsum(q * (x - mean) ** 2 for q, x in zip(joint, a, strict=True)) / density
            log_density = mpmath.log(density)
            gain = mpmath.fsum(q * (e - log_density) for q, e in zip(joint, exponents, strict=True))
            return density * variance, gain, density * variance**2

        longest = min(mpf(1), mp.pi / (spread + mpf("1e-9")))
        found = integrate(integrands, s * min(a) - 13, s * max(a) + 13, longest)
        return Values(*(x / mpmath.sqrt(2 * mp.pi) for x in found))


def entropy(weights: Sequence[Any]) -> Any:
    """H at the reference precision."""
    with mp.workdps(DIGITS):
        return -mpmath.fsum(exact(w) * mpmath.log(exact(w)) for w in weights)


def midpoint(ball: Any) -> Any:
    """A ball's midpoint as an mpf, rounded to the current mpmath precision."""
    mantissa, exponent = ball.mid().man_exp()
    return mpmath.ldexp(mpf(int(mantissa)), int(exponent))


def fraction_of(value: Any) -> Fraction:
    """An integer, Fraction, mpf or ball of radius zero as the exact number that it is."""
    if isinstance(value, int | Fraction):
        return Fraction(value)
    if isinstance(value, mpf):
        sign, mantissa, exponent, _ = value._mpf_
        return (-1) ** sign * Fraction(int(mantissa)) * Fraction(2) ** exponent
    assert value.is_exact()
    mantissa, exponent = value.man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


def contains(ball: Any, value: Any, slack: Any = 0) -> bool:
    """Whether a number lies in the ball widened by `slack`; in exact arithmetic."""
    distance = abs(fraction_of(ball.mid()) - fraction_of(value))
    return distance <= fraction_of(ball.rad()) + fraction_of(slack)
