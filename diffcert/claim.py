"""Claim: a relation between a bound and a truth over a family of instances.

What belongs here: the record, and its validation at the border. What does not: where claims are
kept (`registry`), how they are decided (`comparison`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import InitVar, dataclass
from dataclasses import replace as with_changes
from typing import Any

import sympy

from diffcert.instance import Instance
from theory import symbols
from theory.lowering import lower
from theory.rate import Rate
from theory.statement import Bound, Hypothesis, Source

__all__ = ["Claim"]

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*", re.ASCII)
"""What an id looks like: words with slashes between them."""

Instances = Iterable[Instance] | Callable[[], Iterable[Instance]]


def _source(source: Any) -> Source:
    if source is None:
        return Source("own", "", "", "no source given")
    if isinstance(source, str):
        return Source(source, "", "", "as given by the claim")
    if isinstance(source, Source):
        return source
    raise ValueError(f"source: {source!r} is neither a Source nor a text")


def _hypotheses(hypotheses: Any) -> tuple[Hypothesis, ...]:
    if isinstance(hypotheses, Hypothesis | str) or not isinstance(hypotheses, Iterable):
        raise ValueError(f"hypotheses: {hypotheses!r} is not a list of Hypothesis")
    result = []
    for hypothesis in hypotheses:
        if isinstance(hypothesis, str):
            hypothesis = Hypothesis.named(hypothesis)
        if not isinstance(hypothesis, Hypothesis):
            raise ValueError(f"hypotheses: {hypothesis!r} is not a Hypothesis")
        result.append(hypothesis)
    return tuple(result)


def _truth(truth: Any) -> Any:
    quantity = symbols.QUANTITIES.get(truth) if isinstance(truth, str) else None
    if quantity is None or quantity.indexed:
        known = ", ".join(key for key, row in symbols.QUANTITIES.items() if not row.indexed)
        raise ValueError(f"truth: {truth!r} is not one of {known}")
    return quantity.symbol


@dataclass(frozen=True, eq=False)
class Claim:
    """A theorem to be put beside the exact values: `truth relation bound` wherever it applies.

    `bound` is a `Bound` of `theory.bounds`, or a sympy expression in the symbols of
    `theory.symbols` (never text: nothing a user writes is parsed or evaluated). For an expression,
    `truth` is the key of the bounded quantity (default "path_kl"), `relation` one of <=, >=, ==
    (default <=), `hypotheses` a list of `Hypothesis` or names of predicates, `source` a `Source` or
    a text; a `Bound` brings its own, and giving them again is an error. A bound on path_kl is meant
    for the matched sampler unless you say otherwise: put "matched_sampler" among the hypotheses if
    your theorem needs it. `instances` is an iterable of `Instance`, a callable that returns one, or
    None for the built-in family.

    A claim enters the registry as it is made, so that `verify(["mine/thm-1"])` finds it. The same
    id with a different content is refused with a ValueError, unless `replace=True`.
    Raises ValueError naming the argument, the value and the rule.
    """

    id: str
    bound: Any
    truth: str | None = None
    relation: str | None = None
    hypotheses: tuple[Hypothesis, ...] | None = None
    instances: Instances | None = None
    source: Source | str | None = None
    title: str = ""
    replace: InitVar[bool] = False

    def __post_init__(self, replace: bool) -> None:
        if not isinstance(self.id, str) or not ID.fullmatch(self.id):
            raise ValueError(f"id: {self.id!r} is not of the form 'mine/thm-1'")
        if isinstance(self.instances, Instance | str) or not (
            self.instances is None or callable(self.instances) or isinstance(self.instances, Iterable)
        ):
            raise ValueError("instances: neither None, nor a list of Instance, nor a callable")
        if not isinstance(self.title, str):
            raise ValueError(f"title: {self.title!r} is not a text")
        bound = self._with_bound() if isinstance(self.bound, Bound) else self._with_expression()
        settled = {
            "bound": bound,
            "truth": symbols.key_of(bound.truth),
            "relation": bound.relation,
            "hypotheses": bound.hypotheses,
            "source": bound.source,
            "title": bound.title,
            "instances": self.instances
            if self.instances is None or callable(self.instances)
            else tuple(self.instances),
        }
        for name, value in settled.items():
            object.__setattr__(self, name, value)
        if isinstance(self.instances, tuple):
            _checked(self.id, self.instances)
        try:
            lower(bound.formula)
        except RecursionError:
            raise ValueError("bound: the expression is nested too deeply") from None
        from diffcert import registry

        registry.register(self, replace=replace)

    def _with_bound(self) -> Bound:
        given = [
            name
            for name in ("truth", "relation", "hypotheses", "source")
            if getattr(self, name) is not None
        ]
        if given:
            raise ValueError(f"{given[0]}: the bound {self.bound.id} brings its own")
        bound: Bound = self.bound
        return with_changes(bound, id=self.id, title=self.title or bound.title)

    def _with_expression(self) -> Bound:
        if isinstance(self.bound, str | bytes):
            raise ValueError(
                f"bound: {self.bound!r} is text, which is never parsed; "
                "write an expression in theory.symbols"
            )
        if isinstance(self.bound, int) and not isinstance(self.bound, bool):
            object.__setattr__(self, "bound", sympy.Integer(self.bound))
        if isinstance(self.bound, Rate):
            raise ValueError(f"bound: {self.bound.id} is a Rate; make a RateClaim of it, with ladders")
        if not isinstance(self.bound, sympy.Expr):
            raise ValueError(
                f"bound: {type(self.bound).__name__} is neither a Bound nor a sympy expression"
            )
        relation: Any = "<=" if self.relation is None else self.relation
        return Bound(
            id=self.id,
            title=self.title or self.id,
            truth=_truth("path_kl" if self.truth is None else self.truth),
            relation=relation,
            formula=self.bound,
            hypotheses=_hypotheses(() if self.hypotheses is None else self.hypotheses),
            source=_source(self.source),
        )

    @property
    def is_twin(self) -> bool:
        """Whether the claim is a planted falsehood."""
        return bool(self.bound.is_twin)

    def family(self) -> tuple[Instance, ...]:
        """The instances of the claim; the built-in family where the claim names none.

        Raises ValueError if what the claim names are not instances, or cannot be made.
        """
        from diffcert import family

        if self.instances is None:
            return family.default_for(self.bound)
        if not callable(self.instances):
            return _checked(self.id, tuple(self.instances))
        try:
            made = tuple(self.instances())
        except Exception as error:
            kind = type(error).__name__
            raise ValueError(f"claim {self.id}: its instances raised {kind}: {error}") from error
        return _checked(self.id, made)

    def _repr_latex_(self) -> str:
        return str(self.bound._repr_latex_())

    def _repr_html_(self) -> str:
        return str(self.bound._repr_html_())

    def __repr__(self) -> str:
        return f"<Claim {self.id}: {self.truth} {self.relation} {self.bound.formula}>"


def _checked(claim_id: str, instances: tuple[Any, ...]) -> tuple[Instance, ...]:
    if not instances:
        raise ValueError(f"claim {claim_id}: instances: there are none")
    for instance in instances:
        if not isinstance(instance, Instance):
            raise ValueError(f"claim {claim_id}: instances: {instance!r} is not an Instance")
    return instances
