"""Expressions to nodes: a graph of closures in which equal subexpressions are one node.

What belongs here: which node an expression becomes. What does not: what an operation does
(`elementary`), and the arguments (`arguments`).

A node is evaluated at most once per call and, inside a sum, at most once per index; what does not
depend on the index is evaluated once. Branches of a Piecewise are evaluated only where needed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
import sympy as sp

from theory.lowering import elementary
from theory.lowering.accuracy import difference, exponent_of, one_plus
from theory.lowering.arguments import number, sequence
from theory.lowering.conditions import RELATIONS, choose, compare, every, negated, some
from theory.lowering.elementary import Frame, LoweringError
from theory.lowering.indices import integer_node, picked, span
from theory.symbols import QUANTITIES

__all__ = ["Compiler", "Node"]

Node: TypeAlias = Callable[[Frame], Any]
Scope: TypeAlias = tuple[sp.Symbol, ...]


class Compiler:
    """Expressions to nodes; equal expressions under the same indices give the same node."""

    def __init__(self, names: Mapping[sp.Basic, str]) -> None:
        self._names = names
        self._nodes: dict[tuple[sp.Basic, Scope], Node] = {}
        self._count = 0

    def node(self, expression: sp.Basic, scope: Scope = ()) -> Node:
        """The shared node of an expression inside the sums over the indices in `scope`."""
        used = expression.free_symbols
        while scope and scope[-1] not in used:
            scope = scope[:-1]
        found = self._nodes.get((expression, scope))
        if found is None:
            found = self._remembering(self._compile(expression, scope), len(scope))
            self._nodes[expression, scope] = found
        return found

    def _remembering(self, plain: Node, depth: int) -> Node:
        slot = self._count
        self._count += 1

        def shared(frame: Frame) -> Any:
            known = frame.known[depth]
            if slot not in known:
                known[slot] = plain(frame)
            return known[slot]

        return shared

    def _compile(self, expression: sp.Basic, scope: Scope) -> Node:
        match expression:
            case sp.Rational():
                return _constant(Fraction(int(expression.p), int(expression.q)))
            case sp.Float():
                return _constant(Fraction(*_exact(expression)))
            case sp.Symbol():
                return _index(expression) if expression in scope else self._quantity(expression)
            case sp.Indexed():
                return self._indexed(expression)
            case sp.Sum():
                return self._sum(expression.function, expression.limits, scope)
            case sp.Integral():
                return self.node(_integrated(expression), scope)
            case sp.Piecewise():
                return self._piecewise(expression, scope)
            case sp.Add():
                return self._added(expression, scope)
            case sp.Pow():
                return self._power(expression, scope)
            case sp.log():
                return self._logarithm(expression, scope)
            case _:
                return self._operation(expression, scope)

    def _quantity(self, symbol: sp.Symbol) -> Node:
        name = self._names.get(symbol, "")
        if not name:
            raise LoweringError(f"{symbol}: this quantity needs an index")
        return lambda frame: (
            frame.values[name] if frame.arrays else number(frame.ops, name, frame.values[name])
        )

    def _operation(self, expression: sp.Basic, scope: Scope) -> Node:
        if expression is sp.pi:
            return lambda frame: frame.ops.pi()
        if expression is sp.E:
            return lambda frame: frame.ops.exp(frame.ops.number(1))
        operation = _OPERATIONS.get(expression.func)
        if operation is None:
            raise LoweringError(
                f"{expression} cannot be evaluated: {expression.func.__name__} is not one of "
                "+ - * / **, exp, log, sqrt, cos, Min, Max, Abs, ceiling, floor, Sum, Integral, Piecewise"
            )
        nodes = [self.node(argument, scope) for argument in expression.args]

        def apply(frame: Frame) -> Any:
            return operation(frame, [node(frame) for node in nodes])

        return apply

    def _added(self, total: sp.Add, scope: Scope) -> Node:
        pair = difference(total)
        if pair is None:
            return self._operation(total, scope)
        factor, above_one = self.node(pair.coefficient), self._minus_one(pair.power, scope)
        if not pair.rest:
            return lambda frame: factor(frame) * above_one(frame)
        rest = self.node(pair.rest, scope)
        return lambda frame: factor(frame) * above_one(frame) + rest(frame)

    def _minus_one(self, power: sp.Expr, scope: Scope) -> Node:
        """The node of power - 1, without cancellation."""
        exponent = exponent_of(power)
        if exponent is not None:
            inner = self.node(exponent, scope)
            return lambda frame: elementary.exponential_minus_one(frame, inner(frame))
        base, excess = self.node(power.base, scope), one_plus(power.base)
        if power.exp == sp.S.Half and excess is not None:
            above = self.node(excess, scope)
            return lambda frame: (
                above(frame) * elementary.reciprocal(frame, 1 + elementary.root(frame, base(frame)))
            )
        raised = self.node(power.exp, scope)
        return lambda frame: elementary.power_minus_one(frame, base(frame), raised(frame))

    def _logarithm(self, logarithm: sp.log, scope: Scope) -> Node:
        (argument,) = logarithm.args
        excess = one_plus(argument)
        inner = self.node(argument if excess is None else excess, scope)
        if excess is None:
            return lambda frame: elementary.logarithm(frame, inner(frame))
        return lambda frame: elementary.logarithm_of_one_plus(frame, inner(frame))

    def _power(self, power: sp.Pow, scope: Scope) -> Node:
        if power.base is sp.E:
            inner = self.node(power.exp, scope)
            return lambda frame: elementary.exponential(frame, inner(frame))
        base, exponent = self.node(power.base, scope), power.exp
        if exponent.is_Integer:
            n = int(exponent)
            return lambda frame: elementary.whole_power(frame, base(frame), n)
        if exponent.is_Rational and exponent.q == 2:
            p = int(exponent.p)
            return lambda frame: elementary.whole_power(frame, elementary.root(frame, base(frame)), p)
        raised = self.node(exponent, scope)
        return lambda frame: elementary.power(frame, base(frame), raised(frame))

    def _indexed(self, expression: sp.Indexed) -> Node:
        name = self._names[expression.base]
        if len(expression.indices) != 1:
            raise LoweringError(f"{expression}: a quantity of the table has one index")
        place = integer_node(expression.indices[0], self._names)

        def pick(frame: Frame) -> Any:
            if frame.arrays:
                return picked(frame, expression, frame.values[name], place(frame))
            found = picked(frame, expression, sequence(name, frame.values[name]), place(frame))
            return number(frame.ops, name, found)

        return pick

    def _sum(self, body: sp.Expr, limits: tuple[sp.Tuple, ...], scope: Scope) -> Node:
        """The sum over the last of the limits, of the sums over the others."""
        *inner_limits, (letter, lower_limit, upper_limit) = limits
        index = sp.Dummy(str(letter), integer=True, nonnegative=True)
        named = {letter: index}
        start, stop = integer_node(lower_limit, self._names), integer_node(upper_limit, self._names)
        inside = (*scope, index)
        depth = len(inside)
        if inner_limits:
            renamed = tuple(
                sp.Tuple(x, *(end.xreplace(named) for end in ends)) for x, *ends in inner_limits
            )
            shadowed = letter in {x for x, *_ in inner_limits}
            rest = body if shadowed else body.xreplace(named)
            term = self._remembering(self._sum(rest, renamed, inside), depth)
        else:
            term = self.node(body.xreplace(named), inside)

        def add(frame: Frame) -> Any:
            result = frame.ops.number(0)
            first, last = start(frame), stop(frame)
            by_row = isinstance(first, np.ndarray) or isinstance(last, np.ndarray)
            inner = frame.within(depth)
            for here in span(first, last):
                inner.indices[index] = here
                inner.known[depth] = {}
                value = term(inner)
                if by_row:
                    value = frame.ops.where((first <= here) & (here <= last), value, 0)
                result = result + value
            return result

        return add

    def _piecewise(self, choice: sp.Piecewise, scope: Scope) -> Node:
        branches = [
            (self.node(value, scope), self._condition(condition, scope)) for value, condition in choice.args
        ]

        def chosen(frame: Frame, rest: int = 0) -> Any:
            if rest == len(branches):
                if frame.arrays:
                    return np.nan
                raise LoweringError(f"{choice}: no branch applies")
            value, condition = branches[rest]
            return choose(frame, condition(frame), lambda: value(frame), lambda: chosen(frame, rest + 1))

        return chosen

    def _condition(self, condition: sp.Basic, scope: Scope) -> Node:
        """A node that gives the outcome of a condition."""
        if condition == sp.true or condition == sp.false:
            constant = condition == sp.true
            return lambda frame: (np.array(constant), np.array(not constant)) if frame.arrays else constant
        if isinstance(condition, sp.And | sp.Or | sp.Not):
            tests = [self._condition(part, scope) for part in condition.args]
            if isinstance(condition, sp.Not):
                return lambda frame: negated(tests[0](frame))
            joined = every if isinstance(condition, sp.And) else some
            return lambda frame: joined(frame, tests)
        if not isinstance(condition, sp.Rel) or condition.rel_op not in RELATIONS:
            raise LoweringError(f"the condition {condition} is not made of relations")
        relation = str(condition.rel_op)
        left, right = self.node(condition.lhs, scope), self.node(condition.rhs, scope)
        return lambda frame: compare(frame, relation, left(frame), right(frame))


def _exact(number: sp.Float) -> tuple[int, int]:
    """Numerator and denominator of the binary number that a sympy Float is."""
    sign, mantissa, exponent, _ = (int(x) for x in number._mpf_)
    signed = -mantissa if sign else mantissa
    return (signed << exponent, 1) if exponent >= 0 else (signed, 1 << -exponent)


def _constant(value: Fraction) -> Node:
    return lambda frame: frame.ops.number(value)


def _index(symbol: sp.Symbol) -> Node:
    return lambda frame: frame.ops.number(frame.indices[symbol])


def _integrated(integral: sp.Integral) -> sp.Expr:
    """The value of an integral of polynomials in the variables, in closed form.

    `b^(j+1) - a^(j+1)` is written as (b - a) times a sum, which does not cancel.
    """
    body = integral.function
    for x, *ends in integral.limits:
        if len(ends) != 2 or x in _TABLE:
            raise LoweringError(f"{integral}: an integral needs limits and a variable of its own")
        low, high = ends
        try:
            terms = sp.Poly(body, x).terms()
        except sp.PolynomialError:
            raise LoweringError(f"{integral}: only polynomials in {x} are integrated") from None
        body = (high - low) * sp.Add(
            *(c / (j + 1) * sp.Add(*(high**i * low ** (j - i) for i in range(j + 1))) for (j,), c in terms)
        )
    return body


_TABLE = {row.symbol for row in QUANTITIES.values()}


def _sum_of(frame: Frame, terms: list[Any]) -> Any:
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def _product_of(frame: Frame, factors: list[Any]) -> Any:
    product = factors[0]
    for factor in factors[1:]:
        product = product * factor
    return product


_OPERATIONS: dict[Any, Callable[[Frame, list[Any]], Any]] = {
    sp.Add: _sum_of,
    sp.Mul: _product_of,
    sp.exp: lambda frame, x: elementary.exponential(frame, x[0]),
    sp.cos: lambda frame, x: frame.ops.cos(x[0]),
    sp.ceiling: lambda frame, x: frame.ops.ceil(x[0]),
    sp.floor: lambda frame, x: -frame.ops.ceil(-x[0]),
    sp.Max: lambda frame, x: elementary.greatest(frame, x),
    sp.Min: lambda frame, x: -elementary.greatest(frame, [-value for value in x]),
    sp.Abs: lambda frame, x: elementary.greatest(frame, [x[0], -x[0]]),
}
