"""Formulas: expressions, relations and tensor polynomials as functions over a number system.

What belongs here: the public callables, and `lower`, which makes them. What does not: the translation
(`compiler`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import sympy as sp

from theory.lowering.arguments import framed, tensor
from theory.lowering.compiler import Compiler, Node
from theory.lowering.elementary import Frame, LoweringError, Operations, finite
from theory.lowering.naming import named
from theory.rendering import RELATIONS, latex

if TYPE_CHECKING:
    from theory.calculus import TensorPolynomial

__all__ = ["Formula", "LoweredRelation", "lower", "lower_relation"]

Values: TypeAlias = Mapping[str, Any]
Own: TypeAlias = Sequence[sp.Symbol | sp.IndexedBase]


def lower(expression: sp.Expr | TensorPolynomial, arguments: Own = ()) -> Formula:
    """The callable `Formula(ops, values)` that evaluates an expression.

    The expression is written in the table's symbols, in the symbols of `theory.calculus` (k2, l3, mu4),
    and in those declared in `arguments`; or it is a polynomial in cumulant tensors. Raises
    LoweringError (a ValueError) for functions other than exp, log, roots, powers, Min, Max, Abs,
    ceiling, floor, cos, Sum, Piecewise and integrals of polynomials, and ValueError for any other
    symbol.
    """
    if not isinstance(expression, sp.Expr):
        if _is_tensor_polynomial(expression):
            return _lowered_tensors(expression)
        raise LoweringError(f"not a sympy expression: {type(expression).__name__}")
    try:
        names = named(expression, arguments)
        node = Compiler(names).node(expression)
    except RecursionError:
        raise LoweringError("the expression is nested too deeply") from None
    indexed = frozenset(name for base, name in names.items() if isinstance(base, sp.IndexedBase))
    axes = {name: int(name in indexed) for name in names.values()}
    return Formula(expression, frozenset(axes), axes, indexed, node)


def _is_tensor_polynomial(thing: object) -> bool:
    from theory.calculus import TensorPolynomial

    return isinstance(thing, TensorPolynomial)


def _lowered_tensors(polynomial: Any) -> Formula:
    """The callable of a polynomial in cumulant tensors: k2, k3, ... and the estimate's l2, l3, ..."""
    from theory.calculus import ESTIMATE, POSTERIOR
    from theory.calculus.contraction import contract

    letters = {POSTERIOR: "k", ESTIMATE: "l"}
    needed = {
        (colour, degree)
        for graph in polynomial.terms
        for colour, degree in zip(graph.colours, graph.degrees, strict=True)
    }
    axes = {f"{letters[colour]}{degree}": degree for colour, degree in needed}

    def node(frame: Frame) -> Any:
        families: dict[int, dict[int, Any]] = {POSTERIOR: {}, ESTIMATE: {}}
        for colour, degree in needed:
            name = f"{letters[colour]}{degree}"
            families[colour][degree] = tensor(frame, name, degree)
        lengths = {t.shape[-1] for tensors in families.values() for t in tensors.values()}
        if len(lengths) > 1:
            raise ValueError(
                f"{', '.join(sorted(axes))}: their last axes have the lengths {sorted(lengths)}"
            )
        return frame.ops.number(0) + contract(polynomial, families)

    return Formula(polynomial, frozenset(axes), axes, frozenset(), node)


def lower_relation(relation: sp.Rel, arguments: Own = ()) -> LoweredRelation:
    """The callable that evaluates both sides of a relation: `(ops, values) -> (lhs, "<=", rhs)`.

    The comparison itself is not decided here. Raises as `lower` does, and LoweringError for a
    relation that sympy has already evaluated to True or False.
    """
    if not isinstance(relation, sp.Rel):
        raise LoweringError(f"not a relation between symbols: {relation!r}")
    return LoweredRelation(
        lower(relation.lhs, arguments), str(relation.rel_op), lower(relation.rhs, arguments)
    )


@dataclass(frozen=True)
class Formula:
    """An expression as a function over a number system.

    `symbols` are the names of the quantities that it needs.
    """

    expression: Any
    symbols: frozenset[str]
    _axes: Mapping[str, int]
    _indexed: frozenset[str]
    _node: Node

    def __hash__(self) -> int:
        return hash(self.expression)

    def __call__(self, ops: Operations, values: Values | None = None, /, **named: Any) -> Any:
        """The value in the number system `ops`, the arguments given in a mapping, or by name.

        Single numbers (`FLOATS`, `balls`, `mpmath_numbers`): `values` maps names to numbers of that
        system, and indexed quantities to sequences of them; int, Fraction and strings such as "1/3" are
        taken exactly.

        Arrays (`ARRAYS`): all instances at once. Quantities have the shape (m,) or any leading shape,
        those at knots and steps (m, n + 1) and (m, n), cumulant tensors (m, d, ..., d); leading axes
        broadcast, and the result has their shape. Rows may differ in their number of steps: they are
        padded to the longest (or lists of different length), and `number_of_steps` has the shape (m,).
        Where a single number would raise, arrays hold NaN; branches of a condition are evaluated for
        all rows and taken where they apply.

        NaN is the value of what is not defined (log of a number that is not positive, an even root of a
        negative number, 0 to a negative power) and, for machine numbers, of what overflows. Raises
        ValueError for names that are missing or unknown and for values and shapes that do not fit,
        LoweringError (a ValueError) for an index outside the values, ZeroDivisionError for a division
        by zero.
        """
        frame = framed(self._axes, self._indexed, ops, values, named)
        with ops.precision(), np.errstate(all="ignore"):
            try:
                result = finite(frame, self._node(frame))
            except RecursionError:
                raise LoweringError("the expression is nested too deeply") from None
        if frame.arrays:
            return np.array(np.broadcast_to(result, frame.shape))[()]
        return result

    def latex(self) -> str:
        """LaTeX of the expression (no dollar signs)."""
        return latex(self.expression) if isinstance(self.expression, sp.Basic) else self.expression.latex()

    def _repr_latex_(self) -> str:
        return rf"$\displaystyle {self.latex()}$"


@dataclass(frozen=True)
class LoweredRelation:
    """Both sides of a relation as functions over a number system."""

    lhs: Formula
    relation: str
    rhs: Formula

    @property
    def symbols(self) -> frozenset[str]:
        """The names of the quantities that either side needs."""
        return self.lhs.symbols | self.rhs.symbols

    def __call__(
        self, ops: Operations, values: Values | None = None, /, **named: Any
    ) -> tuple[Any, str, Any]:
        """The values of both sides, and the relation between them, one of <= >= < > == !=."""
        unknown = sorted(set(named) - self.symbols)
        if unknown:
            takes = ", ".join(sorted(self.symbols))
            raise ValueError(f"{', '.join(unknown)}: not an argument of this relation, which takes {takes}")
        sides = [
            side(ops, values, **{name: value for name, value in named.items() if name in side.symbols})
            for side in (self.lhs, self.rhs)
        ]
        return sides[0], self.relation, sides[1]

    def _repr_latex_(self) -> str:
        sign = RELATIONS[self.relation][0]
        return rf"$\displaystyle {self.lhs.latex()} {sign} {self.rhs.latex()}$"
