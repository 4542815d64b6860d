"""A sympy expression becomes a function over a namespace of operations that is passed in.

What belongs here: the translation, for floats (numpy arrays too), mpmath numbers and balls alike.
What does not: the number systems themselves, and the decision of a comparison.

An expression is compiled once into a graph of closures in which equal subexpressions are one node.
A node is evaluated at most once per call and, inside a sum, at most once per index; what does not
depend on the index is evaluated once. Branches of a Piecewise are evaluated only where needed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol, TypeAlias

import sympy as sp

from theory import symbols
from theory.statement import table_keys

__all__ = ["Formula", "LoweredRelation", "LoweringError", "Operations", "lower", "lower_relation"]

Values: TypeAlias = Mapping[str, Any]


class Operations(Protocol):
    """The operations of one number system; its numbers support + - * / ** and mix with int."""

    @property
    def name(self) -> str: ...
    def precision(self) -> AbstractContextManager[None]: ...
    def number(self, value: int | Fraction) -> Any: ...
    def exp(self, x: Any) -> Any: ...
    def log(self, x: Any) -> Any: ...
    def sqrt(self, x: Any) -> Any: ...
    def cos(self, x: Any) -> Any: ...
    def ceil(self, x: Any) -> Any: ...
    def pi(self) -> Any: ...
    def maximum(self, values: Sequence[Any]) -> Any: ...


class LoweringError(ValueError):
    """An expression contains something that has no meaning as a number here."""


@dataclass
class _Frame:
    """One call: the number system, the values, the indices in force, and what is known so far.

    `known[depth]` holds the nodes that depend on the indices of the sums down to that depth.
    """

    ops: Operations
    values: Values
    indices: dict[sp.Symbol, int]
    known: list[dict[int, Any]]


_Node: TypeAlias = Callable[[_Frame], Any]


def lower(expression: sp.Expr) -> Formula:
    """The callable `Formula(ops, values)` that evaluates an expression in the table's symbols.

    Raises LoweringError (a ValueError) for functions other than exp, log, roots, powers, Min, Max,
    Abs, ceiling, floor, cos, Sum and Piecewise, and ValueError for symbols outside the table.
    """
    if not isinstance(expression, sp.Expr):
        raise LoweringError(f"not a sympy expression: {type(expression).__name__}")
    keys = table_keys(expression)
    compiler = _Compiler()
    node = compiler.node(expression)
    return Formula(expression=expression, symbols=keys, _node=node)


def lower_relation(relation: sp.Rel) -> LoweredRelation:
    """The callable that evaluates both sides of a relation: `(ops, values) -> (lhs, "<=", rhs)`.

    The comparison itself is not decided here. Raises as `lower` does, and LoweringError for a
    relation that sympy has already evaluated to True or False.
    """
    if not isinstance(relation, sp.Rel):
        raise LoweringError(f"not a relation between symbols: {relation!r}")
    return LoweredRelation(lower(relation.lhs), relation.rel_op, lower(relation.rhs))


@dataclass(frozen=True)
class Formula:
    """An expression as a function over a number system.

    `symbols` are the keys of the quantities that it needs.
    """

    expression: sp.Expr
    symbols: frozenset[str]
    _node: _Node

    def __call__(self, ops: Operations, values: Values) -> Any:
        """The value in the number system `ops`.

        `values` maps keys of the table to numbers of that system, indexed quantities to sequences
        of them (or arrays whose first axis is the index, the others then being carried along); int
        and Fraction are taken exactly. Raises KeyError naming a key that is missing.
        """
        missing = sorted(self.symbols - set(values))
        if missing:
            raise KeyError(f"no value for {', '.join(missing)}")
        with ops.precision():
            return self._node(_Frame(ops, values, {}, [{}]))


@dataclass(frozen=True)
class LoweredRelation:
    """Both sides of a relation as functions over a number system."""

    lhs: Formula
    relation: str
    rhs: Formula

    @property
    def symbols(self) -> frozenset[str]:
        """The keys of the quantities that either side needs."""
        return self.lhs.symbols | self.rhs.symbols

    def __call__(self, ops: Operations, values: Values) -> tuple[Any, str, Any]:
        """The values of both sides, and the relation between them, one of <= >= < > == !=."""
        return self.lhs(ops, values), self.relation, self.rhs(ops, values)


class _Compiler:
    """Expressions to nodes; equal expressions under the same indices give the same node."""

    def __init__(self) -> None:
        self._nodes: dict[tuple[sp.Basic, tuple[sp.Symbol, ...]], _Node] = {}
        self._count = 0

    def node(self, expression: sp.Basic, scope: tuple[sp.Symbol, ...] = ()) -> _Node:
        """The shared node of an expression inside the sums over the indices in `scope`."""
        used = expression.free_symbols
        while scope and scope[-1] not in used:
            scope = scope[:-1]
        found = self._nodes.get((expression, scope))
        if found is None:
            found = self._remembering(self._compile(expression, scope), len(scope))
            self._nodes[expression, scope] = found
        return found

    def _remembering(self, plain: _Node, depth: int) -> _Node:
        slot = self._count
        self._count += 1

        def shared(frame: _Frame) -> Any:
            known = frame.known[depth]
            if slot not in known:
                known[slot] = plain(frame)
            return known[slot]

        return shared

    def _compile(self, expression: sp.Basic, scope: tuple[sp.Symbol, ...]) -> _Node:
        match expression:
            case sp.Rational():
                return _constant(Fraction(int(expression.p), int(expression.q)))
            case sp.Float():
                return _constant(Fraction(*(int(x) for x in _exact(expression))))
            case sp.Symbol():
                return _index(expression) if expression in scope else _quantity(expression)
            case sp.Indexed():
                return self._indexed(expression)
            case sp.Sum():
                return self._sum(expression.function, expression.limits, scope)
            case sp.Piecewise():
                return self._piecewise(expression, scope)
            case sp.Pow():
                return self._power(expression, scope)
            case _:
                return self._operation(expression, scope)

    def _operation(self, expression: sp.Basic, scope: tuple[sp.Symbol, ...]) -> _Node:
        if expression is sp.pi:
            return lambda frame: frame.ops.pi()
        if expression is sp.E:
            return lambda frame: frame.ops.exp(frame.ops.number(1))
        operation = _OPERATIONS.get(expression.func)
        if operation is None:
            raise LoweringError(
                f"{expression} cannot be evaluated: {expression.func.__name__} is not one of "
                "+ - * / **, exp, log, sqrt, cos, Min, Max, Abs, ceiling, floor, Sum, Piecewise"
            )
        nodes = [self.node(argument, scope) for argument in expression.args]

        def apply(frame: _Frame) -> Any:
            return operation(frame.ops, [node(frame) for node in nodes])

        return apply

    def _power(self, power: sp.Pow, scope: tuple[sp.Symbol, ...]) -> _Node:
        base, exponent = self.node(power.base, scope), power.exp
        if power.base is sp.E:
            inner = self.node(exponent, scope)
            return lambda frame: frame.ops.exp(inner(frame))
        if exponent.is_Integer:
            n = int(exponent)
            return lambda frame: _whole_power(frame.ops, base(frame), n)
        if exponent.is_Rational and exponent.q == 2:
            p = int(exponent.p)
            if p < 0:
                return lambda frame: frame.ops.number(1) / frame.ops.sqrt(base(frame)) ** -p
            return lambda frame: frame.ops.sqrt(base(frame)) ** p
        inner = self.node(exponent, scope)

        def raised(frame: _Frame) -> Any:
            value = inner(frame)
            whole = _whole(value)
            if whole is not None:
                return _whole_power(frame.ops, base(frame), whole)
            return frame.ops.exp(value * frame.ops.log(base(frame)))

        return raised

    def _indexed(self, expression: sp.Indexed) -> _Node:
        key = symbols.key_of(expression)
        if len(expression.indices) != 1:
            raise LoweringError(f"{expression}: a quantity of the table has one index")
        position = _integer_node(expression.indices[0])

        def pick(frame: _Frame) -> Any:
            sequence = frame.values[key]
            where = position(frame)
            if not 0 <= where < len(sequence):
                raise LoweringError(f"{expression}: index {where} is outside 0..{len(sequence) - 1}")
            return _taken(frame.ops, sequence[where])

        return pick

    def _sum(self, body: sp.Expr, limits: tuple[sp.Tuple, ...], scope: tuple[sp.Symbol, ...]) -> _Node:
        """The sum over the last of the limits, of the sums over the others."""
        *inner_limits, (letter, lower_limit, upper_limit) = limits
        index = sp.Dummy(str(letter), integer=True, nonnegative=True)
        named = {letter: index}
        start, stop = _integer_node(lower_limit), _integer_node(upper_limit)
        inside = (*scope, index)
        depth = len(inside)
        if inner_limits:
            renamed = tuple(sp.Tuple(x, a.xreplace(named), b.xreplace(named)) for x, a, b in inner_limits)
            shadowed = letter in {x for x, _, _ in inner_limits}
            rest = body if shadowed else body.xreplace(named)
            term = self._remembering(self._sum(rest, renamed, inside), depth)
        else:
            term = self.node(body.xreplace(named), inside)

        def add(frame: _Frame) -> Any:
            result = frame.ops.number(0)
            known = [*frame.known[: len(scope) + 1], {}]
            inner = _Frame(frame.ops, frame.values, dict(frame.indices), known)
            for here in range(start(frame), stop(frame) + 1):
                inner.indices[index] = here
                known[depth] = {}
                result = result + term(inner)
            return result

        return add

    def _piecewise(self, choice: sp.Piecewise, scope: tuple[sp.Symbol, ...]) -> _Node:
        branches = [
            (self.node(value, scope), self._condition(condition, scope)) for value, condition in choice.args
        ]

        def choose(frame: _Frame, rest: int = 0) -> Any:
            if rest == len(branches):
                raise LoweringError(f"{choice}: no branch applies")
            value, condition = branches[rest]
            holds = condition(frame)
            if holds is True:
                return value(frame)
            if holds is False:
                return choose(frame, rest + 1)
            if isinstance(holds, _Undefined):
                return holds.value
            return _either(holds, lambda: value(frame), lambda: choose(frame, rest + 1))

        return choose

    def _condition(self, condition: sp.Basic, scope: tuple[sp.Symbol, ...]) -> _Node:
        """A node that gives True, False, None (undecided) or an array of truth values."""
        if condition == sp.true or condition == sp.false:
            constant = condition == sp.true
            return lambda frame: constant
        if not isinstance(condition, sp.Rel):
            raise LoweringError(f"the condition {condition} is not a single relation")
        compare = _COMPARISONS[condition.rel_op]
        left, right = self.node(condition.lhs, scope), self.node(condition.rhs, scope)

        def decide(frame: _Frame) -> Any:
            sides = left(frame), right(frame)
            outcome = compare(*sides)
            if outcome is None:
                undefined = [side for side in sides if hasattr(side, "is_nan") and side.is_nan()]
                return _Undefined(undefined[0]) if undefined else None
            return outcome

        return decide


def _exact(number: sp.Float) -> tuple[int, int]:
    """Numerator and denominator of the binary number that a sympy Float is."""
    sign, mantissa, exponent, _ = number._mpf_
    signed = -int(mantissa) if sign else int(mantissa)
    return (signed << exponent, 1) if exponent >= 0 else (signed, 1 << -exponent)


def _constant(value: Fraction) -> _Node:
    return lambda frame: frame.ops.number(value)


def _taken(ops: Operations, value: Any) -> Any:
    """A value as a number of the system: exact ones are converted, the others are taken as such."""
    if isinstance(value, int | Fraction):
        return ops.number(value)
    return value


def _quantity(symbol: sp.Symbol) -> _Node:
    key = symbols.key_of(symbol)
    return lambda frame: _taken(frame.ops, frame.values[key])


def _index(symbol: sp.Symbol) -> _Node:
    return lambda frame: frame.ops.number(frame.indices[symbol])


def _integer_node(expression: sp.Expr) -> Callable[[_Frame], int]:
    """A function of the frame that gives an index or limit as an int."""
    if expression.is_Integer:
        constant = int(expression)
        return lambda frame: constant
    names = sorted(expression.free_symbols, key=str)
    offset = expression.subs(dict.fromkeys(names, 0))
    slopes = [expression.coeff(name) for name in names]
    linear = sum((c * name for c, name in zip(slopes, names, strict=True)), offset)
    if not (offset.is_Integer and all(c.is_Integer for c in slopes) and linear == expression):
        raise LoweringError(f"the index {expression} is not an integer combination of symbols")
    constant, factors = int(offset), [int(c) for c in slopes]

    def evaluate(frame: _Frame) -> int:
        total = constant
        for factor, name in zip(factors, names, strict=True):
            if name in frame.indices:
                total += factor * frame.indices[name]
            else:
                total += factor * _as_int(frame.values[symbols.key_of(name)], name)
        return total

    return evaluate


def _as_int(value: Any, name: sp.Symbol) -> int:
    """The int that a number is; LoweringError if it is none or not exact."""
    if isinstance(value, int):
        return value
    whole = value.unique_fmpz() if hasattr(value, "unique_fmpz") else int(value)
    if whole is None or not value == whole:
        raise LoweringError(f"{name} = {value} is used as an index and is not an exact integer")
    return int(whole)


@dataclass(frozen=True)
class _Undefined:
    """The outcome of a condition with a side that is not a number; so is what it chooses."""

    value: Any


def _either(condition: Any, value: Callable[[], Any], other: Callable[[], Any]) -> Any:
    """The choice under a condition that is undecided (None) or an array of truth values.

    Undecided: the hull of both branches (of balls), NaN for numbers that have no hull, since only
    a comparison with NaN leaves those undecided. An array: the branches element by element.
    """
    if condition is None:
        branch = value()
        return branch.union(other()) if hasattr(branch, "union") else branch * float("nan")
    import numpy

    with numpy.errstate(all="ignore"):
        return numpy.where(condition, value(), other())


def _decided(yes: Any, no: Any) -> Any:
    """True, False or None from a comparison that is certain and one that is certainly wrong."""
    if getattr(yes, "ndim", 0):
        return yes
    if yes:
        return True
    return False if no else None


_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "<": lambda a, b: _decided(a < b, a >= b),
    "<=": lambda a, b: _decided(a <= b, a > b),
    ">": lambda a, b: _decided(a > b, a <= b),
    ">=": lambda a, b: _decided(a >= b, a < b),
    "==": lambda a, b: _decided(a == b, a != b),
    "!=": lambda a, b: _decided(a != b, a == b),
}


_MOST_FACTORS = 10_000


def _whole(value: Any) -> int | None:
    """An exponent that is exactly an integer of moderate size, as an int; None for any other."""
    if getattr(value, "ndim", 0):
        return None
    if hasattr(value, "is_exact"):
        exact = value.is_exact() and value.is_integer()
        number = int(value.unique_fmpz()) if exact else None
    else:
        number = int(value) if abs(value) <= _MOST_FACTORS and value == int(value) else None
    return number if number is not None and abs(number) <= _MOST_FACTORS else None


def _whole_power(ops: Operations, base: Any, n: int) -> Any:
    """base^n by multiplication, which balls that contain 0 and negative numbers allow."""
    if n < 0:
        return ops.number(1) / _whole_power(ops, base, -n)
    result, square = None, base
    while n:
        if n & 1:
            result = square if result is None else result * square
        n >>= 1
        if n:
            square = square * square
    return ops.number(1) if result is None else result


def _added(ops: Operations, terms: list[Any]) -> Any:
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def _multiplied(ops: Operations, factors: list[Any]) -> Any:
    product = factors[0]
    for factor in factors[1:]:
        product = product * factor
    return product


_OPERATIONS: dict[Any, Callable[[Operations, list[Any]], Any]] = {
    sp.Add: _added,
    sp.Mul: _multiplied,
    sp.exp: lambda ops, x: ops.exp(x[0]),
    sp.log: lambda ops, x: ops.log(x[0]),
    sp.cos: lambda ops, x: ops.cos(x[0]),
    sp.ceiling: lambda ops, x: ops.ceil(x[0]),
    sp.floor: lambda ops, x: -ops.ceil(-x[0]),
    sp.Max: lambda ops, x: ops.maximum(x),
    sp.Min: lambda ops, x: -ops.maximum([-value for value in x]),
    sp.Abs: lambda ops, x: ops.maximum([x[0], -x[0]]),
}
