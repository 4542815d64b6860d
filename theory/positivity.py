"""A small prover for signs: is an expression certainly non-negative under the facts in force?

What belongs here: orderings of symbols and knots, and the change of variables to their non-negative
increments, after which a sign can be read off. What does not: equalities (`normal_form`). The answer
False means "not proved", never "negative".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations
from typing import Any, NamedTuple

import sympy as sp
from sympy.core.function import AppliedUndef

from theory import symbols as sym
from theory.channel import unfold

__all__ = ["Facts"]


@dataclass(frozen=True)
class Facts:
    """What may be assumed: relations between symbols, and functions known to be positive.

    That the knots increase and are not negative is known without being told.
    """

    relations: tuple[sp.Rel, ...] = ()
    positive_functions: tuple[Any, ...] = ()

    def also(self, relations: Iterable[sp.Basic]) -> Facts:
        """These facts and further relations."""
        added = tuple(unfold(relation) for relation in relations if isinstance(relation, sp.Rel))
        return Facts(self.relations + added, self.positive_functions)

    def between(self, variable: sp.Symbol, lower: sp.Expr, upper: sp.Expr) -> Facts:
        """These facts, and that a variable lies between two expressions."""
        return self.also((sp.Le(lower, variable, evaluate=False), sp.Le(variable, upper, evaluate=False)))

    def with_positive(self, functions: Iterable[Any]) -> Facts:
        """These facts, and that functions of the snr are positive everywhere."""
        return Facts(self.relations, self.positive_functions + tuple(functions))

    def nonnegative(self, expression: sp.Expr) -> bool:
        """True if the expression is proved to be at least 0."""
        return _proved(self, unfold(sp.sympify(expression, strict=True)), strictly=False)

    def positive(self, expression: sp.Expr) -> bool:
        """True if the expression is proved to be greater than 0."""
        return _proved(self, unfold(sp.sympify(expression, strict=True)), strictly=True)

    def holds(self, relation: sp.Basic) -> bool:
        """True if a relation is proved; an equality only if it is trivial."""
        if relation == sp.true:
            return True
        match relation:
            case sp.StrictLessThan() | sp.StrictGreaterThan():
                return self.positive(relation.gts - relation.lts)
            case sp.LessThan() | sp.GreaterThan():
                return self.nonnegative(relation.gts - relation.lts)
            case sp.Equality():
                return bool(sp.expand(self.put_in(unfold(relation.lhs - relation.rhs))) == 0)
        return False

    def admits(self, variable: sp.Symbol, value: sp.Expr) -> bool:
        """True if a value is proved to have the sign, and to be an integer or real, as its variable says.

        Values are real if their logarithms are: those of what is proved to be positive.
        """
        if variable == value:
            return True
        if variable.is_real and not all(self.positive(log.args[0]) for log in value.atoms(sp.log)):
            return False
        return (
            (not variable.is_integer or bool(value.is_integer))
            and (not variable.is_positive or self.positive(value))
            and (not variable.is_nonnegative or self.nonnegative(value))
        )

    def put_in(self, expression: sp.Basic) -> sp.Basic:
        """The expression with the known values of symbols and knots put in."""
        for relation in self.relations:
            if isinstance(relation, sp.Equality) and _is_point(relation.lhs):
                expression = expression.xreplace({relation.lhs: relation.rhs})
        return expression


class _Order(NamedTuple):
    """`low <= high` (or `<`), where high is a single symbol or knot."""

    low: sp.Expr
    high: sp.Basic
    strict: bool


_Changes = Sequence[tuple[sp.Basic, sp.Expr]]


@lru_cache(maxsize=8192)
def _proved(facts: Facts, expression: sp.Expr, *, strictly: bool) -> bool:
    if _has_sign(expression, strictly):
        return True
    changed = _in_increments(facts, expression)
    if _has_sign(changed, strictly):
        return True
    numerator, denominator = sp.fraction(sp.together(changed))
    numerator, denominator = sp.expand(numerator), sp.factor_terms(denominator)
    return _has_sign(denominator, strictly=True) and (
        _has_sign(numerator, strictly) or _has_sign(sp.factor_terms(numerator), strictly)
    )


def _has_sign(expression: sp.Expr, strictly: bool) -> bool:
    return bool(expression.is_positive if strictly else expression.is_nonnegative)


def _in_increments(facts: Facts, expression: sp.Expr) -> sp.Expr:
    """The expression in the increments from each symbol or knot to the next larger one."""
    expression = facts.put_in(expression)
    orders = _orders(facts)
    integers = _increments([order for order in orders if _is_integer(order.high)])
    expression = _changed(expression, integers)
    others = [
        _Order(_changed(order.low, integers), _changed(order.high, integers), order.strict)
        for order in orders
        if not _is_integer(order.high)
    ]
    sides = [expression, *(side for order in others for side in (order.low, order.high))]
    points = {atom for side in sides for atom in side.atoms(sp.Indexed) if atom.base == sym.knots}
    expression = _changed(expression, _increments([*others, *_knot_orders(points)]))
    positive = {
        call: sp.Dummy(positive=True)
        for call in expression.atoms(AppliedUndef)
        if call.func in facts.positive_functions
    }
    return expression.xreplace(positive)


def _changed(expression: sp.Basic, changes: _Changes) -> sp.Expr:
    for old, new in changes:
        expression = expression.subs(old, new)
    return expression


def _is_point(expression: sp.Basic) -> bool:
    return isinstance(expression, sp.Symbol | sp.Indexed)


def _is_integer(point: sp.Basic) -> bool:
    return isinstance(point, sp.Symbol) and bool(point.is_integer)


def _orders(facts: Facts) -> list[_Order]:
    """The facts that bound a single symbol or knot from below by symbols and knots."""
    found = []
    for relation in facts.relations:
        if not isinstance(relation, sp.Equality | sp.Unequality):
            constant, high = facts.put_in(relation.gts).as_coeff_Add()
            if _is_point(high) and not relation.lts.has(sp.Function):
                strict = isinstance(relation, sp.StrictLessThan | sp.StrictGreaterThan)
                found.append(_Order(facts.put_in(relation.lts) - constant, high, strict))
    return found


def _knot_orders(points: Iterable[sp.Indexed]) -> list[_Order]:
    """That the knots increase and are not negative."""
    knots = sorted(points, key=str)
    rising = [
        _Order(low, high, bool((high.indices[0] - low.indices[0]).is_positive))
        for low, high in permutations(knots, 2)
        if (high.indices[0] - low.indices[0]).is_nonnegative
    ]
    return rising + [_Order(sp.S.Zero, knot, bool(knot.indices[0].is_positive)) for knot in knots]


def _increments(orders: list[_Order]) -> _Changes:
    """Each point as its greatest lower neighbour plus a non-negative increment, highest first.

    Of lower neighbours that are not comparable the one with more below it is kept.
    """
    below: dict[sp.Basic, list[_Order]] = {}
    for order in orders:
        below.setdefault(order.high, []).append(order)

    def under(expression: sp.Expr, seen: frozenset[sp.Basic] = frozenset()) -> set[sp.Expr]:
        """Everything that is known to be at most an expression."""
        found: set[sp.Expr] = set()
        for point in below.keys() - seen:
            if point == expression or (not _is_point(expression) and expression.has(point)):
                for order in below[point]:
                    found |= {order.low} | under(order.low, seen | {point})
        return found

    changes, height = [], {}
    for point, lows in below.items():
        best = max(lows, key=lambda order: (len(under(order.low)), order.low != 0)).low
        strict = any(order.strict for order in lows if order.low == best)
        sign = {"positive": True} if strict else {"nonnegative": True}
        integer = {"integer": True} if _is_integer(point) else {}
        changes.append((point, best + sp.Dummy(**sign, **integer)))
        height[point] = len(under(point))
    return sorted(changes, key=lambda change: -height[change[0]])
