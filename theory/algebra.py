"""Expansion, and the test whether an expression vanishes identically.

What belongs here: algebra in which sums, integrals, M(s), E[...] and the like are mere unknowns. What
does not: rules for those (`normal_form`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import count

import sympy as sp
from sympy.core.function import AppliedUndef

from theory.channel import PathMean, PriorMean, StepMean

__all__ = ["MEANS", "captures", "expanded", "outermost", "split", "terms", "vanishes"]

MEANS = (PathMean, PriorMean, StepMean)
"""The expectation operators."""

_OPAQUE = (sp.Sum, sp.Derivative, AppliedUndef, sp.Piecewise, *MEANS)


def expanded(expression: sp.Expr) -> sp.Expr:
    """The expression multiplied out, powers split by their exponents; sums and the like untouched."""
    away = _unknowns(outermost(expression, _OPAQUE))
    back = {dummy: atom for atom, dummy in away.items()}
    return sp.expand(sp.expand_power_base(expression.xreplace(away)), log=False).xreplace(back)


def terms(expression: sp.Expr) -> tuple[sp.Expr, ...]:
    """The terms of the expression multiplied out."""
    return tuple(sp.Add.make_args(expanded(expression)))


def split(term: sp.Expr, depends: Callable[[sp.Expr], bool]) -> tuple[sp.Expr, sp.Expr]:
    """A product as (the factors that do not depend, those that do)."""
    factors = sp.Mul.make_args(term)
    dependent = [depends(factor) for factor in factors]
    constant = [f for f, yes in zip(factors, dependent, strict=True) if not yes]
    rest = [f for f, yes in zip(factors, dependent, strict=True) if yes]
    return sp.Mul(*constant), sp.Mul(*rest)


def outermost(expression: sp.Expr, kinds: tuple[type, ...]) -> list[sp.Expr]:
    """The largest subexpressions of the given kinds, in a fixed order."""

    def walk(node: sp.Basic) -> Iterator[sp.Expr]:
        if isinstance(node, kinds):
            yield node
        else:
            for argument in node.args:
                yield from walk(argument)

    return list(dict.fromkeys(walk(expression)))


def captures(expression: sp.Basic, values: Iterable[sp.Expr]) -> bool:
    """True if a sum, integral or expectation in the expression would bind a symbol of the values."""
    bound = expression.atoms(sp.Symbol) - expression.free_symbols
    free = frozenset().union(*(value.free_symbols for value in values))
    means = expression.atoms(*MEANS)
    return bool(bound & free) or any(mean.is_random(v) for mean in means for v in values)


def vanishes(expression: sp.Expr) -> bool:
    """True if the expression is proved to be zero for all values of its unknowns.

    Unknowns are its symbols, and its sums, integrals, values of functions and expectations.
    """
    if expression == 0:
        return True
    unknowns = _unknowns(outermost(expression, (*_OPAQUE, sp.Integral, sp.Indexed)))
    plain = _without_symbolic_powers(expression.xreplace(unknowns))
    if not all(_vanishes_at(plain, seed) for seed in (29, 43, 71)):
        return False
    functions = outermost(plain, (sp.Function,))
    rational = plain.xreplace(_unknowns(functions))
    if sp.expand(sp.fraction(sp.together(rational))[0]) == 0:
        return True
    return bool(functions) and bool(sp.simplify(sp.expand_log(plain)) == 0)


def _unknowns(atoms: Iterable[sp.Expr]) -> dict[sp.Expr, sp.Dummy]:
    """Symbols to stand for parts of an expression that are not looked into."""
    return {
        atom: sp.Dummy(nonnegative=True) if atom.is_nonnegative else sp.Dummy(real=True) for atom in atoms
    }


def _without_symbolic_powers(expression: sp.Expr) -> sp.Expr:
    """The expression with unknowns for powers such as q^n, so that q^(2n) is a square."""
    changes: dict[sp.Expr, sp.Expr] = {}
    unknown: dict[tuple[sp.Expr, sp.Expr], sp.Dummy] = {}
    for power in expression.atoms(sp.Pow):
        times, exponent = power.exp.as_coeff_Mul()
        if not exponent.is_Number and times.is_Integer:
            symbol = unknown.setdefault((power.base, exponent), sp.Dummy(nonnegative=True))
            changes[power] = symbol**times
    return expression.xreplace(changes)


def _vanishes_at(plain: sp.Expr, seed: int) -> bool:
    """False if the value at one point is certainly not zero: most wrong identities end here."""
    point = {
        symbol: sp.Integer(number) if symbol.is_integer else sp.Rational(number, 7)
        for symbol, number in zip(
            sorted(plain.free_symbols, key=str),
            (2 + pow(seed, power, 97) for power in count(1)),
            strict=False,
        )
    }
    value = plain.xreplace(point)
    if not value.is_Rational:
        value = value.evalf(30)
    return not value.is_number or not value.is_finite or bool(abs(value) < sp.Float("1e-20"))
