"""A sympy expression becomes a function over a namespace of operations that is passed in.

What belongs here: the translation, for floats, arrays, mpmath numbers, balls and fractions alike. What
does not: the number systems themselves (`numerics.arithmetic`), and the decision of a comparison.

`formula` is the way in. `naming` says what the arguments of an expression are called, `arguments` checks
what is given for them, `compiler` turns expressions into nodes, `indices` integers and sums' limits,
`conditions` relations, `elementary` is what a single operation does where it is not defined, `accuracy`
finds the forms that lose digits to cancellation.
"""

from __future__ import annotations

from theory.lowering.elementary import ArrayOperations, LoweringError, Operations
from theory.lowering.formula import Formula, LoweredRelation, lower, lower_relation

__all__ = [
    "ArrayOperations",
    "Formula",
    "LoweredRelation",
    "LoweringError",
    "Operations",
    "lower",
    "lower_relation",
]
