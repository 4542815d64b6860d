"""Statements as data: a source, hypotheses, and a bound with its formula.

What belongs here: the record of what is claimed, by whom, and under which conditions. What does
not: proofs (`derivation`), numbers (`lowering`), and the statements themselves (`bounds`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import sympy as sp

from theory import symbols
from theory.rendering import RELATIONS, latex, unicode

if TYPE_CHECKING:
    from theory.derivation import Derivation

__all__ = [
    "PREDICATES",
    "Bound",
    "Hypothesis",
    "Relation",
    "Source",
    "relation_between",
    "table_keys",
]

Relation: TypeAlias = Literal["<=", ">=", "=="]

PREDICATES: Mapping[str, str] = MappingProxyType(
    {
        "matched_sampler": "the sampler uses the exact posterior mean and the matched variance, "
        "and starts from the right law",
        "exact_mean": "the sampler uses the exact posterior mean and any reverse variance, and starts from "
        "the right law",
        "optimal_sampler": "the sampler uses the exact posterior mean and the reverse variance of least "
        "cost, and starts from the right law",
        "narrow_sampler": "no step's reverse variance exceeds the matched one",
        "matched_variance": "the sampler uses the posterior mean, with or without an error that is a "
        "function of the observation, and the matched variance; any start",
        "right_start": "the sampler starts from the right law",
        "short_path": "the path has at most 12 steps, each of which raises the snr by a twentieth or more: "
        "those for which the law of the last iterate is enclosed in seconds",
        "exact_score": "the posterior mean that the sampler uses has no error",
        "uniform_steps": "all steps have the same size",
        "geometric_steps": "t_0 = 0, and t_(k+1)/t_k is the same for all k >= 1",
        "constant_ratio": "t_0 > 0, and t_(k+1)/t_k is the same for all k >= 0",
        "mmse_convex": "M is convex on [0, T]",
        "mmse_not_convex": "M is not convex on [0, T]",
        "starts_at_zero": "the path starts at t_0 = 0",
        "starts_positive": "the path starts at t_0 > 0",
        "finite_snr": "every knot is finite",
        "shared_covariance": "all components have the same covariance",
    }
)
"""The conditions on an instance that are not a relation between symbols, key -> meaning."""

_SYMPY_RELATIONS = {"<=": sp.Le, ">=": sp.Ge, "==": sp.Eq}


@dataclass(frozen=True)
class Source:
    """Where a statement was published.

    `theorem` is empty where the number is not known to us; `note` then says what is known.
    """

    paper: str
    arxiv: str
    theorem: str
    note: str = ""

    def __post_init__(self) -> None:
        if not self.theorem and not self.note:
            raise ValueError("source: without a theorem number the note must say what is known")

    def __str__(self) -> str:
        parts = [self.paper]
        if self.arxiv:
            parts.append(f"arXiv:{self.arxiv}")
        if self.theorem:
            parts.append(self.theorem)
        return ", ".join(parts) + (f" ({self.note})" if self.note else "")


@dataclass(frozen=True)
class Hypothesis:
    """One condition of a statement: a relation between symbols of the table, or a named predicate.

    Exactly one of `relation` and `predicate` is given; raises ValueError otherwise, for a predicate
    that `PREDICATES` does not list, and for a relation in symbols that the table does not list.
    """

    key: str
    text: str
    relation: sp.Rel | None = None
    predicate: str | None = None

    def __post_init__(self) -> None:
        if (self.relation is None) == (self.predicate is None):
            raise ValueError(f"hypothesis {self.key}: give exactly one of relation and predicate")
        if self.predicate is not None and self.predicate not in PREDICATES:
            raise ValueError(
                f"hypothesis {self.key}: unknown predicate {self.predicate!r} "
                f"(known: {', '.join(PREDICATES)})"
            )
        if self.relation is not None:
            if not isinstance(self.relation, sp.Rel):
                raise ValueError(
                    f"hypothesis {self.key}: {self.relation!r} is not a relation between symbols"
                )
            table_keys(self.relation)

    @classmethod
    def named(cls, predicate: str) -> Hypothesis:
        """The hypothesis that a predicate of `PREDICATES` holds."""
        if predicate not in PREDICATES:
            raise ValueError(f"unknown predicate {predicate!r} (known: {', '.join(PREDICATES)})")
        return cls(predicate, PREDICATES[predicate], predicate=predicate)

    @property
    def symbols(self) -> frozenset[str]:
        """The keys of the symbols in the relation; empty for a predicate."""
        return frozenset() if self.relation is None else table_keys(self.relation)

    def latex(self) -> str:
        """LaTeX of the hypothesis: its relation as mathematics, a predicate as text."""
        return rf"\text{{{self.text}}}" if self.relation is None else latex(self.relation)

    def unicode(self) -> str:
        """Unicode text of the hypothesis."""
        return self.text if self.relation is None else unicode(self.relation)

    def _repr_latex_(self) -> str:
        return f"${self.latex()}$"


def relation_between(lhs: Any, relation: str, rhs: Any) -> sp.Rel:
    """The unevaluated sympy relation `lhs relation rhs`; ValueError for an unknown relation."""
    if relation not in _SYMPY_RELATIONS:
        raise ValueError(f"relation: {relation!r} is not one of {', '.join(_SYMPY_RELATIONS)}")
    return _SYMPY_RELATIONS[relation](lhs, rhs, evaluate=False)


def table_keys(expression: sp.Basic) -> frozenset[str]:
    """The keys of all quantities of the table in an expression or relation.

    Summation indices are not quantities. Raises ValueError for a symbol that is in no sum's limits
    and not in the table.
    """
    keys = {symbols.key_of(base) for base in expression.atoms(sp.IndexedBase)}
    labels = {base.label for base in expression.atoms(sp.IndexedBase)}
    for symbol in expression.free_symbols - labels:
        if isinstance(symbol, sp.Symbol):
            keys.add(symbols.key_of(symbol))
    return frozenset(keys)


@dataclass(frozen=True)
class Bound:
    """A statement `truth relation formula` with its hypotheses, source and derivation.

    `truth` is the symbol of the bounded quantity, `formula` an expression in the symbols of
    `theory.symbols`. A planted falsehood names in `twin_of` the true bound it imitates and says in
    `why_false` what is wrong with it; `counterexample` are plain exact data of an instance on which
    it fails: `weights`, `means`, `variance`, and `snr_knots`, `geometric` (`steps`, `first`,
    `last`) or `snr`, and `sampler` and `parameters` where they matter.

    Raises ValueError for a formula in symbols that the table does not list.
    """

    id: str
    title: str
    truth: sp.Symbol
    relation: Relation
    formula: sp.Expr
    hypotheses: tuple[Hypothesis, ...]
    source: Source
    derivation: Derivation | None = None
    twin_of: str | None = None
    why_false: str = ""
    counterexample: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if self.relation not in _SYMPY_RELATIONS:
            raise ValueError(
                f"bound {self.id}: relation {self.relation!r} is not one of {', '.join(_SYMPY_RELATIONS)}"
            )
        if not isinstance(self.formula, sp.Expr):
            raise ValueError(
                f"bound {self.id}: the formula must be a sympy expression in the symbols of "
                f"theory.symbols, not {type(self.formula).__name__}"
            )
        symbols.key_of(self.truth)
        table_keys(self.formula)
        if self.why_false and self.derivation is not None:
            raise ValueError(f"bound {self.id}: a planted falsehood has no derivation")

    @property
    def statement(self) -> sp.Rel:
        """The sympy relation `truth relation formula`, unevaluated."""
        return relation_between(self.truth, self.relation, self.formula)

    @property
    def is_twin(self) -> bool:
        """True if the statement is a planted falsehood."""
        return bool(self.why_false)

    @property
    def symbols(self) -> frozenset[str]:
        """The keys of all quantities that the statement and its hypotheses need."""
        needed = table_keys(self.formula) | {symbols.key_of(self.truth)}
        return needed.union(*(hypothesis.symbols for hypothesis in self.hypotheses))

    @property
    def formula_symbols(self) -> frozenset[str]:
        """The keys of the quantities in the formula alone."""
        return table_keys(self.formula)

    def check(self) -> None:
        """Nothing, if the derivation proves exactly this statement under these hypotheses.

        Raises ValueError where there is no derivation, where it proves something else or needs more
        hypotheses, and DerivationError (a ValueError) where one of its steps fails.
        """
        if self.derivation is None:
            raise ValueError(f"bound {self.id}: there is no derivation")
        if self.derivation.statement != self.statement:
            raise ValueError(f"bound {self.id}: the derivation proves another statement")
        extra = [h.key for h in self.derivation.hypotheses if h not in self.hypotheses]
        if extra or self.derivation.conditions:
            raise ValueError(f"bound {self.id}: the derivation needs more: {', '.join(extra)}")
        self.derivation.check()

    def latex(self) -> str:
        """LaTeX of the statement (no dollar signs)."""
        sign = RELATIONS[self.relation][0]
        return f"{latex(self.truth)} {sign} {latex(self.formula)}"

    def unicode(self) -> str:
        """Two-dimensional unicode text of the statement."""
        return unicode(self.statement)

    def _repr_latex_(self) -> str:
        return rf"$\displaystyle {self.latex()}$"

    def _repr_html_(self) -> str:
        """Title, source, statement and hypotheses for notebooks, escaped, with nothing from elsewhere."""
        needed = "".join(f"<li>{escape(hypothesis.text)}</li>" for hypothesis in self.hypotheses)
        return (
            f"<p><strong>{escape(self.title)}</strong> ({escape(str(self.source))})</p>"
            f"<p>{escape(self._repr_latex_())}</p>" + (f"<ul>{needed}</ul>" if needed else "")
        )
