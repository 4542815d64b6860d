"""Cumulants and central moments: the exact change of variables, both ways.

What belongs here: the passage between the symbols k2, k3, ... and mu2, mu3, ..., and between numbers of
the two kinds. What does not: laws (`laws`), derivatives of M and I (`line`).

For a centred law `mu_n = E (A - EA)^n`, and from `E e^(xA) = e^(K(x))`, differentiated once,

    mu_n = k_n + sum_(j=2..n-2) binom(n - 1, j - 1) k_j mu_(n-j),

which read from right to left gives k_n. The mean k1 has no central moment and stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import cache
from math import comb
from typing import Any

import sympy as sp

from theory.calculus.line import from_expression, to_expression
from theory.calculus.polynomials import Monomial, Polynomial, multiply, total

__all__ = [
    "central_moment",
    "cumulants_from_moments",
    "moments_from_cumulants",
    "to_central_moments",
    "to_cumulants",
]


def central_moment(order: int) -> sp.Symbol:
    """The symbol of the posterior's central moment of the given order: mu2 (the variance), mu3, ...

    Raises ValueError for an order below 2.
    """
    if order < 2:
        raise ValueError(f"order: {order}; central moments of order below 2 are constants")
    return sp.Symbol(f"mu{order}")


@cache
def _cumulant_in_moments(order: int) -> Polynomial[int]:
    terms: list[tuple[Monomial[int], Any]] = [((order,), 1)]
    for j in range(2, order - 1):
        product = multiply(_cumulant_in_moments(j), {(order - j,): -comb(order - 1, j - 1)})
        terms.extend(product.items())
    return total(terms)


@cache
def _moment_in_cumulants(order: int) -> Polynomial[int]:
    terms: list[tuple[Monomial[int], Any]] = [((order,), 1)]
    for j in range(2, order - 1):
        product = multiply(_moment_in_cumulants(order - j), {(j,): comb(order - 1, j - 1)})
        terms.extend(product.items())
    return total(terms)


def _substituted(
    polynomial: Polynomial[int], replacement: Callable[[int], Polynomial[int]]
) -> Polynomial[int]:
    """The polynomial with generators replaced; products of the last factors are shared."""

    @cache
    def product(monomial: Monomial[int]) -> Polynomial[int]:
        if not monomial:
            return {(): 1}
        return multiply(replacement(monomial[0]), product(monomial[1:]))

    return total(
        (monomial, coefficient * weight)
        for original, coefficient in polynomial.items()
        for monomial, weight in product(original).items()
    )


def to_central_moments(expression: sp.Expr) -> sp.Expr:
    """The same polynomial in central moments mu2, mu3, ..., given one in cumulants k1, k2, ...

    The mean k1 stays. `to_central_moments(k4)` is `mu4 - 3*mu2**2`. Raises ValueError for anything
    but a polynomial in the cumulants.
    """
    return _translated(expression, "k", "mu", _cumulant_in_moments)


def to_cumulants(expression: sp.Expr) -> sp.Expr:
    """The same polynomial in cumulants k2, k3, ..., given one in central moments mu2, mu3, ...

    The mean k1 may occur and stays. `to_cumulants(mu4)` is `k4 + 3*k2**2`. Raises ValueError for
    anything but a polynomial in these symbols.
    """
    return _translated(expression, "mu", "k", _moment_in_cumulants)


def _translated(
    expression: sp.Expr, old: str, new: str, replacement: Callable[[int], Polynomial[int]]
) -> sp.Expr:
    mean = sp.Symbol("k1")
    given = sp.sympify(expression, strict=True)
    if sp.Symbol("mu1") in given.free_symbols:
        raise ValueError("expression: mu1 is zero by definition; the mean is written k1")
    marked = given.xreplace({mean: sp.Symbol(f"{old}1")})
    result = _substituted(from_expression(marked, old), lambda n: {(1,): 1} if n == 1 else replacement(n))
    return to_expression(result, new).xreplace({sp.Symbol(f"{new}1"): mean})


def cumulants_from_moments(mean: Any, central: Sequence[Any]) -> list[Any]:
    """The cumulants k1, ..., k_n of a law with the given mean and central moments mu2, ..., mu_n.

    The entries may be numbers or expressions of any kind; rational ones give exact results.
    """
    mu = {order: _exact(value) for order, value in enumerate(central, start=2)}
    k = {1: _exact(mean)}
    for n in mu:
        k[n] = mu[n] - sum(comb(n - 1, j - 1) * k[j] * mu[n - j] for j in range(2, n - 1))
    return list(k.values())


def moments_from_cumulants(cumulants: Sequence[Any]) -> list[Any]:
    """The central moments mu2, ..., mu_n of a law with the given cumulants k1, k2, ..., k_n.

    The entries may be numbers or expressions of any kind; rational ones give exact results.
    """
    k = {order: _exact(value) for order, value in enumerate(cumulants, start=1)}
    mu: dict[int, Any] = {}
    for n in range(2, len(k) + 1):
        mu[n] = k[n] + sum(comb(n - 1, j - 1) * k[j] * mu[n - j] for j in range(2, n - 1))
    return list(mu.values())


def _exact(value: Any) -> Any:
    return Fraction(value) if isinstance(value, int) else value
