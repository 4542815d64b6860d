"""Taylor series of M and I: at t = 0 from the core's cumulants, at any t from the posterior's expectations.

What belongs here: coefficients, the rigorous enclosure that they and a remainder give at small t, and the
criterion for M convex at a point. What does not: the derivatives themselves (`line`, `tensors`), and
why the remainder holds (`remainder`).

At t = 0 the posterior is the core's law. The coefficients are exact, but the series need not converge:
for A = +-1 the coefficients of I grow like n! (8/pi^2)^n.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from math import factorial
from typing import Any, TypeAlias

import sympy as sp

from theory.calculus import laws, tensors
from theory.calculus.line import mmse_derivative, mmse_polynomial, to_expression
from theory.calculus.polynomials import evaluate
from theory.calculus.remainder import information_remainder, mmse_remainder
from theory.calculus.replicas import copies_needed, information_coefficients

__all__ = [
    "Expectation",
    "information_enclosure",
    "information_series",
    "information_series_of_law",
    "information_taylor",
    "mmse_curvature",
    "mmse_enclosure",
    "mmse_is_convex",
    "mmse_series",
    "mmse_series_of_law",
    "mmse_taylor",
    "required_monomials",
]

Expectation: TypeAlias = Callable[[sp.Expr], Any] | Mapping[sp.Expr, Any]
"""The posterior's expectations at one t: of a polynomial in k2, k3, ..., or of its monomials."""

_MOST_COPIES = 300_000


def information_series(cumulants: Sequence[Any], order: int) -> list[sp.Expr]:
    """The Taylor coefficients of t^1, t^2, ..., t^order of I(t) at t = 0, from the core's cumulants.

    `cumulants` are k1, k2, ..., at least `order` of them, on the line; k1 does not matter. Rational
    numbers (int, Fraction, str, a float as the binary number that it is) give exact rationals, sympy
    expressions give polynomials in them. Nats. The series need not converge: see
    `information_remainder`. Raises ValueError for too few cumulants, or a negative order.
    """
    if order < 0:
        raise ValueError(f"order: {order}; it must be at least 0")
    _enough(cumulants, order)
    values = mmse_series(cumulants, order - 1) if order else []
    return [value / (2 * n) for n, value in enumerate(values, start=1)]


def mmse_series(cumulants: Sequence[Any], order: int) -> list[sp.Expr]:
    """The Taylor coefficients of t^0, t^1, ..., t^order of M(t) at t = 0, from the core's cumulants.

    `cumulants` are k1, k2, ..., at least `order` + 1 of them; otherwise as `information_series`.
    """
    if order < 0:
        raise ValueError(f"order: {order}; it must be at least 0")
    _enough(cumulants, order + 1)
    values = [_entry(value, i) for i, value in enumerate(cumulants, start=1)]
    return [
        sp.sympify(evaluate(mmse_polynomial(n), lambda k: values[k - 1]), strict=True) / factorial(n)
        for n in range(order + 1)
    ]


def information_series_of_law(
    weights: Sequence[Any], points: Sequence[Any], order: int
) -> list[sp.Rational]:
    """The Taylor coefficients of t^1, ..., t^order of I(t) at t = 0 for a discrete law, exact.

    `weights` (K) and `points`, (K) on the line or (K, d), are taken exactly. On the line by cumulants; in
    R^d by sums over independent copies for few atoms, for many through the multigraphs of the
    derivatives (whose number limits the order to about 8). Nats. Raises ValueError for a law that is
    none, or a negative order.
    """
    if order < 0:
        raise ValueError(f"order: {order}; it must be at least 0")
    w, a = laws.exact_law(weights, points)
    if len(a[0]) == 1:
        return information_series(laws.cumulants(w, [x for (x,) in a], order), order)
    if copies_needed(len(w), order) <= _MOST_COPIES:
        return [sp.Rational(value) for value in information_coefficients(w, a, order)]
    tensor = laws.cumulant_tensors(w, a, order)
    return [
        sp.Rational(tensors.tensor_information_derivative(n).evaluate(tensor) / factorial(n))
        for n in range(1, order + 1)
    ]


def mmse_series_of_law(weights: Sequence[Any], points: Sequence[Any], order: int) -> list[sp.Rational]:
    """The Taylor coefficients of t^0, ..., t^order of M(t) at t = 0 for a discrete law, exact.

    Since M = 2 I'. Otherwise as `information_series_of_law`.
    """
    if order < 0:
        raise ValueError(f"order: {order}; it must be at least 0")
    information = information_series_of_law(weights, points, order + 1)
    return [2 * n * value for n, value in enumerate(information, start=1)]


def information_enclosure(
    cumulants: Sequence[Any], order: int, diameter_squared: object, t: object
) -> tuple[Fraction, Fraction]:
    """Rational numbers lower <= I(t) <= upper for a core on the line: Taylor polynomial and remainder.

    `cumulants` are the core's k1, ..., k_order, rational; `diameter_squared` is the square of an upper
    bound on the distance of its atoms. Nats. Raises ValueError for a t below 0 or a cumulant that is not
    rational.
    """
    radius = information_remainder(order, diameter_squared, t)
    return _around([sp.Integer(0), *information_series(cumulants, order)], radius, t)


def mmse_enclosure(
    cumulants: Sequence[Any], order: int, diameter_squared: object, t: object
) -> tuple[Fraction, Fraction]:
    """Rational numbers lower <= M(t) <= upper for a core on the line: Taylor polynomial and remainder.

    `cumulants` are the core's k1, ..., k_(order+1), rational; otherwise as `information_enclosure`.
    """
    radius = mmse_remainder(order, diameter_squared, t)
    return _around(mmse_series(cumulants, order), radius, t)


def required_monomials(order: int) -> list[sp.Expr]:
    """The monomials in k2, k3, ... whose expectations give the derivatives of M up to this order."""
    return [
        to_expression({monomial: 1}) for n in range(order + 1) for monomial in sorted(mmse_polynomial(n))
    ]


def mmse_taylor(expectation: Expectation, order: int) -> list[Any]:
    """The Taylor coefficients M^(j)(t)/j!, j = 0, ..., order, from the posterior's expectations at t.

    `expectation` is either a function that returns the expectation of a polynomial in the symbols k2,
    k3, ..., or a mapping from monomials (`required_monomials`) to their expectations. The values may be
    of any kind that can be added, and multiplied and divided by whole numbers: floats, mpmath numbers,
    balls, Fractions, arrays. Raises KeyError for a monomial that is missing.
    """
    return [_quotient(_expected(expectation, n), factorial(n)) for n in range(order + 1)]


def information_taylor(expectation: Expectation, order: int) -> list[Any]:
    """The Taylor coefficients I^(j)(t)/j!, j = 1, ..., order, from the posterior's expectations at t.

    Nats. As `mmse_taylor`; the value of I(t) itself is no expectation of a polynomial.
    """
    return [_quotient(_expected(expectation, n - 1), 2 * factorial(n)) for n in range(1, order + 1)]


def mmse_curvature(cumulants: Sequence[Any]) -> sp.Expr:
    """M''(0) = 2 k2^3 - k3^2 from the core's cumulants k1, k2, k3, exact; numbers as `mmse_series`.

    In R^d `2 tr Cov^3 - |k3|^2`, which `tensors.tensor_mmse_derivative(2)` evaluates.
    """
    return 2 * mmse_series(cumulants, 2)[2]


def mmse_is_convex(expectation: Expectation) -> bool | None:
    """Whether M'' >= 0 at a point, `E[2 k2^3 - k3^2] >= 0`: True, False, or None where it is undecided.

    `expectation` as in `mmse_taylor`. Undecided are balls that contain both signs, NaN, and expressions
    of unknown sign. At t = 0 the expectation is the value at the core's cumulants: exact for rational
    ones, `mmse_is_convex(lambda p: p.subs({"k2": ..., "k3": ...}))`.
    """
    value = _expected(expectation, 2)
    if (value >= 0) == True:  # noqa: E712  (relations of sympy are not bools)
        return True
    return False if (value < 0) == True else None  # noqa: E712


def _expected(expectation: Expectation, order: int) -> Any:
    if not isinstance(expectation, Mapping):
        return expectation(mmse_derivative(order))
    result: Any = 0
    for monomial, coefficient in mmse_polynomial(order).items():
        key = to_expression({monomial: 1})
        if key not in expectation:
            raise KeyError(f"expectation: the monomial {key} is missing")
        result = result + expectation[key] * coefficient
    return result


def _quotient(value: Any, number: int) -> Any:
    return Fraction(value, number) if isinstance(value, int) else value / number


def _around(coefficients: Sequence[sp.Expr], radius: Fraction, t: object) -> tuple[Fraction, Fraction]:
    time = laws.rational(t, "t")
    value = Fraction(0)
    for coefficient in reversed(coefficients):
        value = value * time + laws.rational(coefficient, "cumulants")
    return value - radius, value + radius


def _enough(cumulants: Sequence[Any], needed: int) -> None:
    if len(cumulants) < needed:
        raise ValueError(f"cumulants: {len(cumulants)} are given; {needed} are needed")


def _entry(value: Any, position: int) -> Any:
    if isinstance(value, sp.Expr):
        return value
    return sp.Rational(laws.rational(value, f"cumulants[{position - 1}]"))
