"""Statements with an implied constant: a rate and the conditions under which it is stated.

What belongs here: the record of such a statement, as data. What does not: ladders of instances and how a
rate is decided (`diffcert.rates`), statements with explicit constants (`statement`).

The formula of a rate is written in the rate's own symbols (T, K, d, n, H, eps, p), plain sympy symbols that
are real numbers above zero; no constant in front of it is claimed, except with the relation "==".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import sympy as sp

from theory.rendering import latex, unicode
from theory.statement import Source

if TYPE_CHECKING:
    from theory.derivation import Derivation

__all__ = ["RATE_RELATIONS", "Condition", "Rate", "RateRelation"]

RateRelation: TypeAlias = Literal["<=", ">=", "~", "=="]

RATE_RELATIONS: Mapping[str, str] = MappingProxyType(
    {
        "<=": "at most a constant times the formula",
        ">=": "at least a positive constant times the formula",
        "~": "between two positive constants times the formula",
        "==": "the formula in the leading order: the ratio tends to 1",
    }
)
"""The relations of a rate -> what they say of the measured quantity."""

_SIGNS = {"<=": r"\lesssim", ">=": r"\gtrsim", "~": r"\asymp", "==": r"\sim"}
"""Relation -> its LaTeX sign."""

_TEXTS = {
    "<=": "{truth} ≤ C f for some constant C, with f =",
    ">=": "{truth} ≥ c f for some constant c > 0, with f =",
    "~": "c f ≤ {truth} ≤ C f for some constants c > 0 and C, with f =",
    "==": "{truth}/f tends to 1, with f =",
}
"""Relation -> the statement's first line."""

DIRECTIONS = ("up", "down")


def _own_symbols(expression: sp.Basic, where: str) -> frozenset[str]:
    """The names of the symbols; ValueError for indexed quantities and two symbols of one name."""
    found = [s for s in expression.free_symbols if isinstance(s, sp.Symbol)]
    if expression.atoms(sp.IndexedBase) or len(found) < len(expression.free_symbols):
        raise ValueError(f"{where}: indexed quantities have no place in a rate")
    names = sorted(symbol.name for symbol in found)
    for one, other in pairwise(names):
        if one == other:
            raise ValueError(f"{where}: two different symbols go by the name {one}")
    for name in names:
        if not name.isidentifier():
            raise ValueError(f"{where}: the symbol {name!r} has no name that a keyword can have")
    return frozenset(names)


@dataclass(frozen=True)
class Condition:
    """One condition of a rate: a text, and a relation in the rate's symbols where it is one.

    A relation is decided on every rung of a ladder; where it fails, the rung is left out. A condition
    without a relation (exact scores, a matched start) is met by how the ladder is built: the quantity
    that is measured, or its arguments, say so.
    """

    text: str
    relation: sp.Rel | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.text, str) or not self.text:
            raise ValueError(f"condition: {self.text!r} is not a text")
        if self.relation is not None:
            if not isinstance(self.relation, sp.Rel):
                raise ValueError(f"condition {self.text}: {self.relation!r} is not a relation")
            _own_symbols(self.relation, f"condition {self.text}")

    @property
    def key(self) -> str:
        """What the condition is called in tables: its text."""
        return self.text

    def latex(self) -> str:
        """LaTeX of the condition: its relation as mathematics, or its text."""
        return rf"\text{{{self.text}}}" if self.relation is None else latex(self.relation)

    def unicode(self) -> str:
        """Unicode text of the condition."""
        return self.text if self.relation is None else unicode(self.relation)

    def _repr_latex_(self) -> str:
        return f"${self.latex()}$"


@dataclass(frozen=True)
class Rate:
    """A statement `truth relation formula` with an implied constant.

    `truth` is the name of a measured quantity (`diffcert.rates.MEASURED`), `formula` an expression in the
    rate's own symbols. `variables` are those that a ladder may run through, each with its direction: "up"
    for what grows, "down" for what tends to 0. `relation` is "<=" (is O of), ">=", "~" (both) or "=="
    (the formula is the exact leading term). `hypotheses` are `Condition`s or plain texts. A planted
    falsehood names in `twin_of` the true rate it imitates and says in `why_false` what is wrong with it.
    `letters` explains the symbols, name -> meaning.

    Raises ValueError naming the rate, the argument and the rule.
    """

    id: str
    title: str
    truth: str
    formula: sp.Expr
    variables: Mapping[str, str]
    source: Source
    relation: RateRelation = "<="
    hypotheses: tuple[Condition, ...] = ()
    derivation: Derivation | None = None
    twin_of: str | None = None
    why_false: str = ""
    note: str = ""
    letters: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        where = f"rate {self.id}"
        if not isinstance(self.truth, str) or not self.truth:
            raise ValueError(f"{where}: truth: {self.truth!r} is not the name of a measured quantity")
        if self.relation not in RATE_RELATIONS:
            raise ValueError(
                f"{where}: relation: {self.relation!r} is not one of {', '.join(RATE_RELATIONS)}"
            )
        formula = sp.Integer(self.formula) if type(self.formula) is int else self.formula
        if not isinstance(formula, sp.Expr):
            raise ValueError(
                f"{where}: formula: {type(self.formula).__name__} is not a sympy expression; "
                "text is never parsed"
            )
        object.__setattr__(self, "formula", formula)
        _own_symbols(formula, f"{where}: formula")
        if not isinstance(self.variables, Mapping) or not self.variables:
            raise ValueError(f"{where}: variables: {self.variables!r} is not like {{'T': 'up'}}")
        for name, direction in self.variables.items():
            if not isinstance(name, str) or not name.isidentifier():
                raise ValueError(f"{where}: variables: {name!r} is not the name of a symbol")
            if direction not in DIRECTIONS:
                raise ValueError(f"{where}: variables: {direction!r} is not one of {', '.join(DIRECTIONS)}")
        object.__setattr__(self, "variables", MappingProxyType(dict(self.variables)))
        object.__setattr__(self, "letters", MappingProxyType(dict(self.letters)))
        if isinstance(self.hypotheses, str | Condition):
            raise ValueError(f"{where}: hypotheses: give a list of Condition or texts")
        given = tuple(Condition(h) if isinstance(h, str) else h for h in self.hypotheses)
        wrong = next((h for h in given if not isinstance(h, Condition)), None)
        if wrong is not None:
            raise ValueError(f"{where}: hypotheses: {wrong!r} is not a Condition")
        object.__setattr__(self, "hypotheses", given)
        if not isinstance(self.source, Source):
            raise ValueError(f"{where}: source: {self.source!r} is not a Source")
        if self.why_false and self.derivation is not None:
            raise ValueError(f"{where}: a planted falsehood has no derivation")

    def __hash__(self) -> int:
        return hash((self.id, self.truth, self.formula, self.relation))

    def __reduce__(self) -> tuple[Any, ...]:
        fields = (self.id, self.title, self.truth, self.formula, dict(self.variables), self.source)
        rest = (self.relation, self.hypotheses, self.derivation, self.twin_of, self.why_false, self.note)
        return Rate, (*fields, *rest, dict(self.letters))

    @property
    def is_twin(self) -> bool:
        """True if the statement is a planted falsehood."""
        return bool(self.why_false)

    @property
    def symbols(self) -> frozenset[str]:
        """The names of the symbols that formula and hypotheses need on every rung."""
        found = _own_symbols(self.formula, f"rate {self.id}: formula")
        for hypothesis in self.hypotheses:
            if hypothesis.relation is not None:
                found |= _own_symbols(hypothesis.relation, f"condition {hypothesis.text}")
        return found

    @property
    def formula_symbols(self) -> frozenset[str]:
        """The names of the symbols in the formula alone."""
        return _own_symbols(self.formula, f"rate {self.id}: formula")

    @property
    def meaning(self) -> str:
        """What the relation says of the measured quantity, in words."""
        return RATE_RELATIONS[self.relation]

    def latex(self) -> str:
        """LaTeX of the statement (no dollar signs)."""
        name = "".join(c if c.isalnum() and c.isascii() else " " for c in self.truth)
        return rf"\text{{{' '.join(name.split())}}} {_SIGNS[self.relation]} {latex(self.formula)}"

    def unicode(self) -> str:
        """Unicode text of the statement."""
        return _TEXTS[self.relation].format(truth=self.truth) + "\n" + unicode(self.formula)

    def _repr_latex_(self) -> str:
        return rf"$\displaystyle {self.latex()}$"
