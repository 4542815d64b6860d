"""The tangent of the logarithm lies above it.

What belongs here: inequalities between elementary functions that the choice of a variance rests on. What
does not: anything about a channel.
"""

from __future__ import annotations

import sympy as sp

from theory.derivation import Algebra, Calculus, Derivation, Lemma, Link, chain
from theory.facts import nonnegative_term

__all__ = ["exponential_tangent", "logarithm_tangent"]

_x = sp.Symbol("x", real=True)
_c = sp.Symbol("c", nonnegative=True)
_u = sp.Symbol("u", nonnegative=True)
_a = sp.Symbol("a", real=True)
_b = sp.Symbol("b", real=True)

_remainder = _x**2 * (_c - _u) * sp.exp(_u * _x)

exponential_tangent = Derivation(
    title="the exponential lies above its tangent",
    statement=sp.Le(1 + _c * _x, sp.exp(_c * _x), evaluate=False),
    variables=(_c, _x),
    steps=chain(
        1 + _c * _x,
        Link(
            "<=",
            1 + _c * _x + sp.Integral(_remainder, (_u, 0, _c)),
            Lemma(nonnegative_term, weight=_remainder, over=((_u, 0, _c),)),
        ),
        Link(
            "==",
            sp.exp(_c * _x),
            Calculus(antiderivative=(_x * (_c - _u) + 1) * sp.exp(_u * _x)),
        ),
    ),
)
"""1 + c x <= exp(c x): Taylor's formula with the integral remainder."""

logarithm_tangent = Derivation(
    title="the logarithm lies below its tangent",
    statement=sp.Le(sp.log(_a), sp.log(_b) + _a / _b - 1, evaluate=False),
    variables=(_a, _b),
    conditions=(sp.Gt(_a, 0), sp.Gt(_b, 0)),
    steps=chain(
        sp.log(_a),
        Link("==", sp.log(_b) + (1 + (sp.log(_a) - sp.log(_b))) - 1, Algebra()),
        Link(
            "<=",
            sp.log(_b) + _a / _b - 1,
            Lemma(exponential_tangent, ((_c, sp.S.One), (_x, sp.log(_a) - sp.log(_b)))),
        ),
    ),
)
"""log a <= log b + a/b - 1 for a, b > 0; with a = 1 + x and b = 1: x - log(1 + x) >= 0."""
