"""What the arguments of an expression are called.

What belongs here: from symbols to names. What does not: values (`arguments`).

A symbol of the table goes by its key, a posterior cumulant or central moment of `theory.calculus` (k2,
l3, mu4) and a symbol that the caller declares by its own name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import sympy as sp

from theory import symbols
from theory.lowering.elementary import LoweringError

__all__ = ["named"]

_CALCULUS = re.compile(r"(k|l|mu)([1-9][0-9]{0,3})")


def named(expression: sp.Expr, own: Sequence[sp.Symbol | sp.IndexedBase] = ()) -> Mapping[sp.Basic, str]:
    """The quantities in an expression (symbols, bases of indexed ones) -> their names.

    Indices of sums and variables of integrals are no quantities. Raises ValueError for a symbol that is
    neither in the table nor known otherwise, and for two that go by one name.
    """
    declared = {symbol: _own_name(symbol) for symbol in own}
    bases = expression.atoms(sp.IndexedBase)
    labels = {base.label for base in bases}
    plain = {s for s in expression.free_symbols - labels if isinstance(s, sp.Symbol)}
    names = {found: declared.get(found) or _name(found) for found in (*bases, *plain)}
    holders: dict[str, sp.Basic] = {}
    for found, name in names.items():
        if holders.setdefault(name, found) is not found:
            raise LoweringError(f"{name}: two different symbols of the formula go by this name")
    return MappingProxyType(names)


def _own_name(symbol: object) -> str:
    name = str(symbol)
    if not isinstance(symbol, sp.Symbol | sp.IndexedBase) or not name.isidentifier():
        raise LoweringError(f"arguments: {symbol!r} is no symbol with a name that a keyword can have")
    if name in symbols.QUANTITIES:
        raise LoweringError(f"arguments: {name} is the name of a quantity of the table")
    return name


def _name(symbol: sp.Basic) -> str:
    return str(symbol) if _of_the_calculus(symbol) else symbols.key_of(symbol)


def _of_the_calculus(symbol: sp.Basic) -> bool:
    """Whether a symbol is a cumulant or a central moment of the calculus, assumptions included."""
    found = _CALCULUS.fullmatch(str(symbol))
    if found is None or not isinstance(symbol, sp.Symbol):
        return False
    from theory.calculus import central_moment, cumulant, estimate_cumulant

    family, order = found[1], int(found[2])
    if family == "mu":
        return order >= 2 and symbol == central_moment(order)
    return bool(symbol == (cumulant(order) if family == "k" else estimate_cumulant(order)))
