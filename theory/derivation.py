"""Derivations: chains of relations, each link checked by machine.

What belongs here: propositions, rules, and the record of a derivation. What does not: the verification
of a link (`checker`), and any particular derivation (`immse`, `steps`, `proofs`).

A derivation is a chain `e_0 R_1 e_1 R_2 e_2 ...`. Each link has a rule:

- `Algebra`: both sides are equal, by rearranging alone.
- `Calculus`: both sides are equal once derivatives and integrals are evaluated.
- `Lemma`: the two sides differ by a non-negative weight times the gap of a proposition, instantiated,
  and summed or integrated if need be. The proposition's conditions are checked where it is used.
- `Cases`: the statement is proved in each of several cases that leave none out.

Equalities may be used by naming their propositions in `using`. A link by `Algebra` or `Calculus` is an
equality and must be declared as one; a link by an inequality must be declared in its very direction.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple, TypeAlias

import sympy as sp

from theory.rendering import latex
from theory.statement import Hypothesis, Source

__all__ = [
    "Algebra",
    "Axiom",
    "Calculus",
    "Cases",
    "Derivation",
    "DerivationError",
    "Lemma",
    "Link",
    "Proposition",
    "Range",
    "Rule",
    "Step",
    "chain",
    "given",
    "is_given",
]

SIGNS = {sp.Equality: "==", sp.LessThan: "<=", sp.GreaterThan: ">="}
Range: TypeAlias = tuple[sp.Symbol, Any, Any]
"""A summation index or integration variable with its limits."""


class DerivationError(ValueError):
    """A derivation that does not prove its statement; the message lists what fails."""


@dataclass(frozen=True)
class Proposition:
    """A statement that others may use.

    `statement` is a relation, valid for all values of `variables` that satisfy `conditions`, for
    instances that satisfy `hypotheses`.
    """

    title: str
    statement: sp.Rel
    variables: tuple[sp.Symbol, ...] = ()
    conditions: tuple[sp.Rel, ...] = ()
    hypotheses: tuple[Hypothesis, ...] = ()

    @property
    def relation(self) -> str:
        """The relation of the statement: one of <= >= < > ==."""
        return str(self.statement.rel_op)

    @cached_property
    def failures(self) -> tuple[str, ...]:
        """What is wrong with the proposition's own proof; empty if nothing is."""
        return ()

    def _repr_latex_(self) -> str:
        return rf"$\displaystyle {latex(self.statement)}$"

    def __getstate__(self) -> dict[str, Any]:
        """The fields; relations in parts, since sympy would evaluate them when it reads them back."""
        state = {key: value for key, value in self.__dict__.items() if key != "failures"}
        state["statement"] = _in_parts(self.statement)
        state["conditions"] = tuple(map(_in_parts, self.conditions))
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.__dict__["statement"] = _put_together(*state["statement"])
        self.__dict__["conditions"] = tuple(_put_together(*parts) for parts in state["conditions"])


def _in_parts(relation: sp.Rel) -> tuple[Any, sp.Expr, sp.Expr]:
    return relation.func, relation.lhs, relation.rhs


def _put_together(func: Any, lhs: sp.Expr, rhs: sp.Expr) -> sp.Rel:
    return func(lhs, rhs, evaluate=False)


@dataclass(frozen=True)
class Axiom(Proposition):
    """A statement taken without proof: a definition, a hypothesis, or a published result.

    Exactly one of `source` and `because` is given: a publication, or the definition it spells out.
    """

    source: Source | None = None
    because: str = ""

    def __post_init__(self) -> None:
        if (self.source is None) == (not self.because):
            raise ValueError(f"axiom {self.title}: give exactly one of source and because")


def given(relation: sp.Rel) -> Axiom:
    """The axiom that a condition of the derivation at hand holds; the checker looks it up there."""
    return Axiom(title=_GIVEN, statement=relation, because=_GIVEN)


def is_given(proposition: Proposition) -> bool:
    """True for an axiom made by `given`."""
    return isinstance(proposition, Axiom) and proposition.title == _GIVEN


_GIVEN = "assumption"


@dataclass(frozen=True)
class Algebra:
    """The rule that both sides are equal, by rearranging and by the equalities in `using`."""

    using: tuple[Proposition, ...] = ()
    name = "algebra"


@dataclass(frozen=True)
class Calculus:
    """The rule that both sides are equal once derivatives and integrals are evaluated.

    `antiderivative` is one for the integrand at hand, in the variable of the integral; it is checked.
    """

    using: tuple[Proposition, ...] = ()
    antiderivative: sp.Expr | None = None
    name = "calculus"


@dataclass(frozen=True)
class Lemma:
    """The rule that both sides differ by `weight` times the gap of a proposition.

    `at` gives the proposition's variables their values; the gap is then summed and integrated over
    the ranges in `over`, the innermost first. `proofs` are derivations of those conditions of the
    proposition that are not plain from the facts at hand.
    """

    proposition: Proposition
    at: tuple[tuple[sp.Symbol, sp.Expr], ...] = ()
    weight: sp.Expr = sp.S.One
    over: tuple[Range, ...] = ()
    using: tuple[Proposition, ...] = ()
    proofs: tuple[Derivation, ...] = ()
    name = "lemma"


@dataclass(frozen=True)
class Cases:
    """The rule that the statement holds in each of several cases that leave none out."""

    cases: tuple[tuple[Hypothesis, Derivation], ...]
    name = "cases"
    using: tuple[Proposition, ...] = ()


Rule: TypeAlias = Algebra | Calculus | Lemma | Cases


@dataclass(frozen=True)
class Step:
    """One link of a chain: two expressions, the relation between them, and the rule that gives it."""

    lhs: sp.Expr
    relation: str
    rhs: sp.Expr
    rule: Rule
    note: str = ""


class Link(NamedTuple):
    """A link as it is written down in a chain: everything but the side it shares with the last."""

    relation: str
    expression: Any
    rule: Rule
    note: str = ""


def chain(start: Any, *links: Link) -> tuple[Step, ...]:
    """The steps of a chain that begins at `start`, each from the end of the one before."""
    ends = [sp.sympify(start, strict=True), *(sp.sympify(link.expression, strict=True) for link in links)]
    return tuple(
        Step(lhs, link.relation, rhs, link.rule, link.note)
        for lhs, rhs, link in zip(ends, ends[1:], links, strict=False)
    )


@dataclass(frozen=True)
class Derivation(Proposition):
    """A statement with a chain of relations that proves it."""

    steps: tuple[Step, ...] = ()
    note: str = ""

    @property
    def start(self) -> sp.Expr:
        """The left end of the chain."""
        return self.steps[0].lhs

    @property
    def end(self) -> sp.Expr:
        """The right end of the chain."""
        return self.steps[-1].rhs

    @cached_property
    def failures(self) -> tuple[str, ...]:
        """What fails, one line each: links, what they use, and the end; empty if all is proved."""
        from theory.checker import Setting, step_failures

        setting = Setting(self.conditions, self.hypotheses)
        if not self.steps:
            return ("there is no step",)
        if not isinstance(self.statement, sp.Rel):
            return (f"{self.statement} is no relation",)
        found: list[str] = []
        for number, step in enumerate(self.steps, 1):
            found += [f"step {number}: {failure}" for failure in step_failures(step, setting)]
        found += [
            f"step {number} does not end where step {number + 1} begins"
            for number, (step, after) in enumerate(pairwise(self.steps), 1)
            if step.rhs != after.lhs
        ]
        declared = SIGNS.get(type(self.statement))
        if declared is None:
            found.append(f"a derivation proves <=, >= or ==, not {self.statement}")
        elif declared != self._composed():
            found.append(f"the steps compose to {self._composed()}, the statement is {declared}")
        if (self.start, self.end) != (self.statement.lhs, self.statement.rhs):
            found.append("the ends of the chain are not the sides of the statement")
        return tuple(found)

    def _composed(self) -> str:
        """The relation between the two ends of the chain, or what is wrong with it."""
        kinds = {step.relation for step in self.steps} - {"=="}
        return kinds.pop() if len(kinds) == 1 else ("==" if not kinds else "no relation")

    @property
    def uses(self) -> tuple[Proposition, ...]:
        """The propositions that the steps use directly, in the order of first use."""
        found: list[Proposition] = []
        for step in self.steps:
            match step.rule:
                case Lemma():
                    found += [step.rule.proposition, *step.rule.proofs]
                case Cases():
                    found += [case for _, case in step.rule.cases]
            found += step.rule.using
        return tuple(dict.fromkeys(p for p in found if not is_given(p)))

    @property
    def holds(self) -> bool:
        """True if every step is verified and the chain proves the statement."""
        return not self.failures

    def check(self) -> None:
        """Nothing, if the derivation proves its statement; raises DerivationError otherwise."""
        if self.failures:
            raise DerivationError(f"{self.title}: " + "; ".join(self.failures))

    def latex(self) -> str:
        """LaTeX of the chain, an `aligned` environment with the reason beside each step."""
        from theory.exposition import derivation_latex

        return derivation_latex(self)

    def unicode(self) -> str:
        """The chain as unicode text, one step below the other with its reason."""
        from theory.exposition import derivation_unicode

        return derivation_unicode(self)

    def _repr_latex_(self) -> str:
        return f"${self.latex()}$"

    def _repr_html_(self) -> str:
        """The chain for notebooks, escaped, with nothing from elsewhere."""
        from html import escape

        return f"<p>{escape(self._repr_latex_())}</p>"
