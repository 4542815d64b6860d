"""Proofs of the derivatives of the mmse in posterior cumulants, for a core on a line.

What belongs here: M'', M''' and M'''' as means of polynomials in k2, k3, ..., each from the one before by
Dynkin's formula and the equation for psi. What does not: the polynomials of any order and of any
dimension, which `theory.calculus` computes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory import symbols as sym
from theory.calculus.line import mmse_polynomial
from theory.channel import MMSE_SLOPES, C, M, path_mean
from theory.cumulants import Space
from theory.derivation import Algebra, Axiom, Calculus, Derivation, Link, chain
from theory.immse import dynkin, mmse_slope, moment_definition

__all__ = ["cumulant_form", "mmse_fourth", "mmse_second", "mmse_third"]

_s = sym.snr
_line = Space(1)
(_y,) = _line.y
_NAMES = {1: "first", 2: "second", 3: "third", 4: "fourth"}
_SYMBOLS = {2: sym.mmse_second, 3: sym.mmse_third, 4: sym.mmse_fourth}


def _cumulant(order: int) -> sp.Expr:
    return sp.Derivative(_line.psi, (_y, order))


def _polynomial(order: int, generator: Callable[[int], sp.Expr]) -> sp.Expr:
    """The polynomial P with M^(order) = E P, in the cumulants that `generator` gives."""
    return sp.Add(*(c * sp.Mul(*map(generator, orders)) for orders, c in mmse_polynomial(order).items()))


def _symbol(orders: tuple[int, ...]) -> sp.Symbol:
    return sym.QUANTITIES[f"cumulants_{'_'.join(map(str, orders))}"].symbol


def cumulant_form(order: int) -> sp.Expr:
    """M^(order) in the table's symbols for means of products of posterior cumulants; order 2, 3 or 4."""
    return sp.Add(*(c * _symbol(orders) for orders, c in mmse_polynomial(order).items()))


def _definitions(order: int) -> tuple[Axiom, ...]:
    return tuple(
        Axiom(
            "mean of a product of posterior cumulants",
            sp.Eq(_symbol(orders), path_mean(sp.Mul(*map(_cumulant, orders))), evaluate=False),
            because="the n-th cumulant of the posterior is the n-th derivative of psi",
        )
        for orders in mmse_polynomial(order)
    )


def _mean(order: int) -> sp.Expr:
    return path_mean(_polynomial(order, _cumulant))


def _meaning(order: int) -> Axiom:
    """The slope of M^(order - 1) is M^(order)."""
    below = M if order == 1 else MMSE_SLOPES[order - 1]
    return Axiom(
        f"the {_NAMES[order]} derivative of the mmse",
        sp.Eq(sp.Derivative(below(_s), _s), MMSE_SLOPES[order](_s), evaluate=False),
        variables=(_s,),
        because="the meaning of the symbol",
    )


@cache
def _form(order: int) -> Derivation:
    """M^(order)(s) as a mean, in derivatives of psi."""
    symbol = MMSE_SLOPES[order](_s)
    if order == 1:
        links: tuple[Link, ...] = (
            Link("==", sp.Derivative(M(_s), _s), Calculus((_meaning(1),))),
            Link("==", -C(_s), Calculus((mmse_slope(),))),
            Link("==", _mean(1), Calculus((moment_definition(_line), _line.psi_definition))),
        )
    else:
        below = _polynomial(order - 1, _cumulant)
        links = (
            Link("==", sp.Derivative(MMSE_SLOPES[order - 1](_s), _s), Calculus((_meaning(order),))),
            Link("==", sp.Derivative(_mean(order - 1), _s), Calculus((_form(order - 1),))),
            Link("==", path_mean(_line.generator(below)), Calculus((dynkin(_line, below),))),
            Link("==", _mean(order), Calculus((_line.psi_equation,))),
        )
    return Derivation(
        title=f"{_NAMES[order]} derivative of the mmse in derivatives of psi",
        statement=sp.Eq(symbol, _mean(order), evaluate=False),
        variables=(_s,),
        steps=chain(symbol, *links),
    )


def _derivative(order: int) -> Derivation:
    """The derivation of M^(order) in posterior cumulants."""
    symbol, form = _SYMBOLS[order], cumulant_form(order)
    return Derivation(
        title=f"{_NAMES[order]} derivative of the mmse in posterior cumulants",
        statement=sp.Eq(symbol, form, evaluate=False),
        steps=chain(
            symbol,
            Link("==", _mean(order), Calculus((_form(order),))),
            Link("==", form, Algebra(_definitions(order))),
        ),
    )


mmse_second = _derivative(2)
"""M'' = E[2 k2^3 - k3^2]."""
mmse_third = _derivative(3)
"""The third derivative of M is E[-6 k2^4 + 12 k2 k3^2 - k4^2]."""
mmse_fourth = _derivative(4)
"""The fourth derivative of M is E[24 k2^5 - 120 k2^2 k3^2 + 20 k2 k4^2 + 30 k3^2 k4 - k5^2]."""
