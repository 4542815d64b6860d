"""Forms that lose digits to cancellation when they are evaluated as they are written.

What belongs here: finding log(1 + x), exp(x) - 1, b^x - 1 and sqrt(1 + x) - 1 in an expression. What does
not: their evaluation (`elementary`).

`log(1 + x)` at x = 1e-20 is 0 in machine numbers, `log1p(x)` is right to the last digit. The forms
below are equal wherever both are defined, and as good in every number system.
"""

from __future__ import annotations

from typing import NamedTuple

import sympy as sp

__all__ = ["Difference", "difference", "exponent_of", "one_plus"]


class Difference(NamedTuple):
    """A sum read as `coefficient * (power - 1) + rest`."""

    coefficient: sp.Rational
    power: sp.Expr
    rest: sp.Expr


def one_plus(expression: sp.Expr) -> sp.Expr | None:
    """The x of 1 + x, or None for an expression of another form."""
    if not isinstance(expression, sp.Add):
        return None
    constant, x = expression.as_coeff_Add(rational=True)
    return x if constant == 1 else None


def exponent_of(expression: sp.Expr) -> sp.Expr | None:
    """The x of exp(x), or None for an expression of another form."""
    if isinstance(expression, sp.exp):
        return expression.args[0]
    if isinstance(expression, sp.Pow) and expression.base is sp.E:
        return expression.exp
    return None


def difference(expression: sp.Add) -> Difference | None:
    """The sum with a power and its constant taken together, or None where there is no such pair."""
    constant, others = expression.as_coeff_Add(rational=True)
    if not constant:
        return None
    terms = sp.Add.make_args(others)
    for position, term in enumerate(terms):
        coefficient, factor = term.as_coeff_Mul(rational=True)
        if coefficient == -constant and _is_near_one(factor):
            return Difference(coefficient, factor, sp.Add(*terms[:position], *terms[position + 1 :]))
    return None


def _is_near_one(factor: sp.Expr) -> bool:
    """Whether 1 can be taken from a factor more accurately than by a subtraction."""
    if exponent_of(factor) is not None:
        return True
    if not isinstance(factor, sp.Pow):
        return False
    if factor.exp == sp.S.Half:
        return one_plus(factor.base) is not None
    return not factor.exp.is_number
