"""Random formulas in the table's symbols, and random values for them."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import sympy as sp
from hypothesis import strategies as st

from theory import symbols as sym

k, n = sym.k, sym.number_of_steps
positive = st.fractions(min_value=Fraction(1, 50), max_value=20, max_denominator=64)

KEYS = frozenset(
    ["kappa", "last", "entropy", "variance", "number_of_steps", "knots", "steps", "mmse_at", "first"]
)
"""What the random formulas are made of."""


def length(key: str, steps: int) -> int:
    """The number of values of an indexed quantity."""
    return steps + (sym.QUANTITIES[key].indices == "0..n")


@st.composite
def instances(
    draw: st.DrawFn, keys: frozenset[str], number: st.SearchStrategy[Any] = positive, steps: int = 0
) -> dict[str, Any]:
    """Exact values for some symbols of the table, not necessarily those of a path."""
    count = steps or draw(st.integers(1, 6))
    values: dict[str, Any] = {}
    for key in sorted(keys):
        if sym.QUANTITIES[key].indexed:
            size = length(key, count)
            values[key] = draw(st.lists(number, min_size=size, max_size=size))
        elif key == "number_of_steps":
            values[key] = count
        elif key in ("rank", "dimension"):
            values[key] = draw(st.integers(1, 5))
        elif key == "first":
            values[key] = draw(st.sampled_from([Fraction(0), Fraction(1, 3)]))
        else:
            values[key] = draw(number)
    return values


@st.composite
def formulas(draw: st.DrawFn) -> sp.Expr:
    """Formulas that are positive wherever the symbols are, so that every operation is defined."""
    symbols = [sym.kappa, sym.last, sym.entropy, sym.variance, sym.number_of_steps]
    leaves = st.sampled_from([*symbols, sp.Integer(2), sp.Rational(3, 7), sp.pi])
    bases = st.sampled_from([sym.knots, sym.mmse_at])
    indexed = st.builds(lambda base, i: base[i], bases, st.integers(0, 1))
    i, u = sp.Symbol("i", integer=True, nonnegative=True), sp.Dummy("u")

    def grown(inner: st.SearchStrategy[sp.Expr]) -> st.SearchStrategy[sp.Expr]:
        return st.one_of(
            st.builds(lambda a, b: a + b, inner, inner),
            st.builds(lambda a, b: a * b, inner, inner),
            st.builds(lambda a, b: a / b, inner, inner),
            st.builds(sp.sqrt, inner),
            st.builds(lambda a: a ** sp.Rational(2, 3), inner),
            st.builds(lambda a: a ** sp.Rational(-3, 2), inner),
            st.builds(lambda a: a ** sp.Integer(-2), inner),
            st.builds(lambda a: sp.log(1 + a), inner),
            st.builds(lambda a: sp.log(2 + a) + sp.sqrt(1 + a) - 1, inner),
            st.builds(lambda a: 2 + sp.cos(a), inner),
            st.builds(lambda a: sp.exp(-1 / (1 + a)), inner),
            st.builds(lambda a: sp.exp(1 / (1 + a)) - 1, inner),
            st.builds(lambda a: 1 - sp.exp(-a), inner),
            st.builds(lambda a, b: sp.Max(a, b), inner, inner),
            st.builds(lambda a, b: sp.Min(a, b), inner, inner),
            st.builds(lambda a, b: (1 + a) ** (1 / (1 + b)), inner, inner),
            st.builds(lambda a, b: (1 + a) ** (1 / (1 + b)) - 1, inner, inner),
            st.builds(lambda a: (1 + 1 / (1 + a)) ** n, inner),
            st.builds(lambda a: 1 + abs(1 - a), inner),
            st.builds(lambda a: a + sp.ceiling(sym.kappa) + sp.floor(sym.last), inner),
            st.builds(lambda a: sp.Sum(a * sym.mmse_at[k], (k, 0, n - 1)), inner),
            st.builds(lambda a: sp.Sum(a + sym.steps[k] / sym.knots[k + 1], (k, 0, n - 1)), inner),
            st.builds(lambda a: a + sp.Sum(sym.mmse_at[i] * sym.knots[k], (i, 0, k), (k, 0, n)), inner),
            st.builds(lambda a: sym.mmse_at[n] + a * sym.steps[n - 1], inner),
            st.builds(lambda a, b: sp.Integral(a * u**2 + u, (u, b, b + a)), inner, inner),
            st.builds(lambda a, b: sp.Piecewise((a, sp.Eq(sym.first, 0)), (b, True)), inner, inner),
            st.builds(
                lambda a, b, c: sp.Piecewise(
                    (a, sp.And(sp.Gt(sym.kappa, sp.pi), sp.Gt(n, 1))),
                    (b, sp.Or(sp.Gt(sym.entropy, 3), sp.Eq(sym.first, 0))),
                    (c, True),
                ),
                inner,
                inner,
                inner,
            ),
        )

    return draw(st.recursive(st.one_of(leaves, indexed), grown, max_leaves=8))


def _real(make: Callable[..., Any], parts: Sequence[Any]) -> sp.Expr:
    """What is made of the parts, or the first of them where sympy knows that it is no real number."""
    try:
        formula = make(*parts)
    except (TypeError, ValueError):
        return parts[0]
    return parts[0] if formula.has(sp.zoo, sp.nan, sp.oo, sp.I) else formula


@st.composite
def hostile(draw: st.DrawFn) -> sp.Expr:
    """Formulas of which parts are undefined, overflow, or are chosen by a condition that is undefined."""
    symbols = [sym.kappa, sym.last, sym.entropy, sym.variance, sym.number_of_steps, sym.first]
    leaves = st.sampled_from([*symbols, sp.Integer(-1), sp.Rational(3, 7), sym.knots[0], sym.mmse_at[n]])

    def grown(inner: st.SearchStrategy[sp.Expr]) -> st.SearchStrategy[sp.Expr]:
        def made(make: Callable[..., Any], *parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
            return st.builds(lambda *drawn: _real(make, drawn), *parts)

        powers = [2, 3, -1, -2, sp.Rational(1, 2), sp.Rational(-1, 2), sp.Rational(1, 3), n, sym.entropy]
        compared = st.sampled_from([sp.Lt, sp.Le, sp.Gt, sp.Ge])
        joined = st.sampled_from([sp.And, sp.Or])
        relations = st.builds(lambda r, a, b: r(a, b), compared, inner, inner)
        conditions = st.one_of(relations, st.builds(lambda j, p, q: j(p, q), joined, relations, relations))
        return st.one_of(
            made(operator.add, inner, inner),
            made(operator.sub, inner, inner),
            made(operator.mul, inner, inner),
            made(operator.pow, inner, st.sampled_from(powers)),
            made(sp.log, inner),
            made(lambda a: sp.exp(50 * a), inner),
            made(lambda a: sp.exp(a) - 1, inner),
            made(lambda a: sp.log(1 + a), inner),
            made(abs, inner),
            made(sp.Max, inner, inner),
            made(sp.Min, inner, inner),
            made(lambda a: sp.Sum(a * sym.mmse_at[k] ** 2, (k, 1, n - 1)), inner),
            made(lambda a, c, b: sp.Piecewise((a, c), (b, True)), inner, conditions, inner),
        )

    return draw(st.recursive(leaves, grown, max_leaves=6))


def stacked(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The values of several instances as arrays; rows of different length are padded with NaN."""
    values: dict[str, Any] = {}
    for key in rows[0]:
        entries = [row[key] for row in rows]
        if isinstance(entries[0], list):
            table = np.full((len(rows), max(map(len, entries))), np.nan)
            for place, entry in enumerate(entries):
                table[place, : len(entry)] = [float(x) for x in entry]
            values[key] = table
        else:
            values[key] = np.array([float(x) for x in entries])
    return values
