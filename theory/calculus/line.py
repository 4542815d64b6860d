"""The posterior-cumulant calculus in one dimension: derivatives of M and I to any order.

What belongs here: polynomials in the posterior cumulants k1, k2, ..., the generator on them, and what
its powers say about M and I. What does not: central moments (`moments`), several dimensions
(`tensors`), numbers (`series`).

The posterior given `Y_t = y` has the cumulants `k_n = d_y^n psi`, `psi = log E exp(A y - t A^2/2)`,
and psi satisfies `d_t psi = -(psi'' + psi'^2)/2`. Differentiating n times in y,

    d_t k_n = -(1/2) k_(n+2) - (1/2) sum_(j=0..n) binom(n, j) k_(1+j) k_(1+n-j).

Along `dY = k1 dt + dB` the generator is `L = d_t + k1 d_y + (1/2) d_y^2`; its last two terms cancel
k_(n+2) and the summands j = 0 and j = n:

    L k_n = -(1/2) sum_(j=1..n-1) binom(n, j) k_(1+j) k_(1+n-j),    d_y k_n = k_(n+1).

For a core with bounded support the expectation of a polynomial P in the cumulants is differentiable,
`(d/dt) E P = E L P`. With `M = E k2` and `I' = M/2` all derivatives follow.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from math import comb

import sympy as sp

from theory.calculus.polynomials import DiffusionAlgebra, Monomial, Polynomial

__all__ = [
    "cumulant",
    "cumulant_derivative",
    "cumulant_generator",
    "from_expression",
    "information_derivative",
    "mmse_derivative",
    "mmse_polynomial",
    "to_expression",
]


def cumulant(order: int) -> sp.Symbol:
    """The symbol of the posterior cumulant of the given order: k1 (the mean), k2 (the variance), ...

    Raises ValueError for an order below 1.
    """
    if order < 1:
        raise ValueError(f"order: {order}; the order of a cumulant is at least 1")
    return sp.Symbol(f"k{order}")


@cache
def _drift(order: int) -> Polynomial[int]:
    """L k_n; the summands j and n - j are equal, so that the coefficients are integers."""
    terms: dict[Monomial[int], int] = {}
    for j in range(1, order // 2 + 1):
        twice = -comb(order, j) * (1 if 2 * j == order else 2)
        terms[(1 + j, 1 + order - j)] = twice // 2
    return terms


_algebra: DiffusionAlgebra[int] = DiffusionAlgebra(raised=lambda n: n + 1, drift=_drift)


@cache
def mmse_polynomial(order: int) -> Polynomial[int]:
    """The polynomial P with `M^(order) = E P`, as a mapping from monomials to integers.

    A monomial is the sorted tuple of the orders of its cumulants: `(2, 2, 3)` is `k2^2 k3`. All have
    weight 2 (order + 1). Raises ValueError for a negative order.
    """
    if order < 0:
        raise ValueError(f"order: {order}; the order of a derivative is at least 0")
    if order == 0:
        return {(2,): 1}
    return _algebra.generator(mmse_polynomial(order - 1))


def mmse_derivative(order: int) -> sp.Expr:
    """The polynomial P in the posterior cumulants k2, k3, ... with `M^(order)(t) = E P`.

    `mmse_derivative(2)` is `2*k2**3 - k3**2`. At t = 0 the posterior is the prior. The polynomial is
    unique, since cumulants of different order are algebraically independent. Unit: that of the core
    to the power 2 (order + 1). Raises ValueError for a negative order.
    """
    return to_expression(mmse_polynomial(order))


def information_derivative(order: int) -> sp.Expr:
    """The polynomial P in the posterior cumulants k2, k3, ... with `I^(order)(t) = E P`, order >= 1.

    By `I' = M/2` (Guo, Shamai and Verdu 2005). Nats. Raises ValueError for an order below 1: I
    itself is no polynomial in posterior cumulants.
    """
    if order < 1:
        raise ValueError(f"order: {order}; only derivatives of I, of order at least 1, are polynomials")
    return sp.expand(mmse_derivative(order - 1) / 2)


def cumulant_generator(expression: sp.Expr) -> sp.Expr:
    """L P for a polynomial P in k1, k2, ...: the polynomial with `(d/dt) E P = E L P`.

    Raises ValueError for anything but a polynomial in these symbols.
    """
    return to_expression(_algebra.generator(from_expression(expression)))


def cumulant_derivative(expression: sp.Expr) -> sp.Expr:
    """d_y P for a polynomial P in k1, k2, ..., the derivative in the observation.

    Raises ValueError for anything but a polynomial in these symbols.
    """
    return to_expression(_algebra.derivative(from_expression(expression)))


def to_expression(polynomial: Polynomial[int], letter: str = "k") -> sp.Expr:
    """The sympy form of a polynomial, its generator n written as the symbol `letter` + n."""
    return sp.Add(
        *(
            sp.Mul(_number(coefficient), *(sp.Symbol(f"{letter}{order}") for order in monomial))
            for monomial, coefficient in polynomial.items()
        )
    )


def from_expression(expression: sp.Expr, letter: str = "k") -> Polynomial[int]:
    """The polynomial of a sympy expression in the symbols `letter` + n.

    Raises ValueError if the expression is no polynomial with numerical coefficients in them.
    """
    if isinstance(expression, int | Fraction):
        expression = sp.Rational(expression)
    if not isinstance(expression, sp.Expr):
        raise ValueError(f"expression: {expression!r} is not a sympy expression")
    orders = {}
    for symbol in expression.free_symbols:
        order = symbol.name.removeprefix(letter)
        if not order.isdecimal() or symbol != sp.Symbol(f"{letter}{int(order)}") or int(order) < 1:
            raise ValueError(f"expression: {symbol} is none of the symbols {letter}1, {letter}2, ...")
        orders[symbol] = int(order)
    if not orders:
        return {(): expression} if expression != 0 else {}
    symbols = sorted(orders, key=lambda symbol: orders[symbol])
    try:
        terms = sp.Poly(expression, *symbols).terms()
    except sp.PolynomialError as error:
        raise ValueError(f"expression: {expression} is not a polynomial") from error
    return {
        tuple(orders[s] for s, power in zip(symbols, powers, strict=True) for _ in range(power)): c
        for powers, c in terms
        if c != 0
    }


def _number(value: object) -> sp.Expr:
    return value if isinstance(value, sp.Expr) else sp.Rational(value)
