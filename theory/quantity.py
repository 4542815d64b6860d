"""What one row of the table of quantities is.

What belongs here: the record. What does not: the rows (`symbols`, `low_rank_symbols`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import sympy as sp

__all__ = ["Quantity", "SymbolLike"]

SymbolLike: TypeAlias = sp.Symbol | sp.IndexedBase


@dataclass(frozen=True)
class Quantity:
    """One row of the table: what a symbol stands for.

    `symbol` is the sympy object to write formulas with; `latex` and `text` are how it is printed.
    For an indexed quantity `indices` says which indices exist (n is the number of steps), otherwise
    it is empty.
    """

    key: str
    symbol: SymbolLike
    meaning: str
    unit: str
    range: str
    latex: str
    text: str
    indices: str = ""

    @property
    def indexed(self) -> bool:
        """True if the quantity has one value per index, such as per knot or per step."""
        return isinstance(self.symbol, sp.IndexedBase)
