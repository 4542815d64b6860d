"""RateClaim: a statement with an implied constant, and the ladders on which it is looked at.

What belongs here: the record, and its validation at the border. What does not: measuring (`quantities`)
and deciding (`decide`), where claims are kept (`diffcert.registry`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import InitVar, dataclass
from dataclasses import replace as with_changes
from fractions import Fraction
from typing import Any, TypeAlias

import sympy

from diffcert.claim import ID
from diffcert.rates import quantities
from diffcert.rates.ladder import Ladder
from numerics.exact import shown
from theory.rate import Rate
from theory.statement import Source

__all__ = ["RateClaim"]

Ladders: TypeAlias = Iterable[Ladder] | Callable[[], Iterable[Ladder]]


@dataclass(frozen=True, eq=False)
class RateClaim:
    """A theorem with an implied constant, looked at along ladders of exact instances.

    `bound` is a `Rate`, or a sympy expression in plain symbols of one's own, such as
    `log(T)**2/T` with `T = sympy.Symbol("T", positive=True)` (never text: nothing a user writes is parsed
    or evaluated). For an expression, `truth` is the name of a measured quantity (`diffcert.rates.MEASURED`,
    or one's own, entered with `diffcert.rates.measured`), or a function of exact keyword arguments;
    `relation` is "<=" (is O of, the default), ">=", "~" (both) or "==" (the ratio tends to 1); `hypotheses`
    are texts or `Condition`s; `source` is a `Source` or a text. A `Rate` brings its own, and giving them
    again is an error. `ladders` is a `Ladder`, a list of them, or a function that returns one: the symbols
    of the formula have a value on every rung.

    A claim enters the registry as it is made, so that `verify(["mine/rate"])` finds it; there is one
    verdict for each ladder. The same id with a different content is refused, unless `replace=True`.
    Raises ValueError naming the argument, the value and the rule.
    """

    id: str
    bound: Any
    truth: Any = None
    relation: str | None = None
    ladders: Any = None
    hypotheses: Any = None
    source: Source | str | None = None
    title: str = ""
    replace: InitVar[bool] = False

    def __post_init__(self, replace: bool) -> None:
        if not isinstance(self.id, str) or not ID.fullmatch(self.id):
            raise ValueError(f"id: {shown(self.id)} is not of the form 'mine/rate-1'")
        if not isinstance(self.title, str):
            raise ValueError(f"title: {shown(self.title)} is not a text")
        ladders = _ladders(self.id, self.ladders)
        if isinstance(self.bound, Rate):
            rate = self._with_rate()
        else:
            rate = self._with_expression(_made(self.id, ladders))
        settled = {
            "bound": rate,
            "truth": rate.truth,
            "relation": rate.relation,
            "hypotheses": rate.hypotheses,
            "source": rate.source,
            "title": rate.title,
            "ladders": ladders,
        }
        for name, value in settled.items():
            object.__setattr__(self, name, value)
        if not callable(ladders):
            _fitting(rate, ladders)
        from diffcert.rates.verdict import lowered

        try:
            lowered(rate)
        except RecursionError:
            raise ValueError("bound: the expression is nested too deeply") from None
        from diffcert import registry

        registry.register(self, replace=replace)

    def _with_rate(self) -> Rate:
        for name in ("truth", "relation", "hypotheses", "source"):
            if getattr(self, name) is not None:
                raise ValueError(f"{name}: the rate {self.bound.id} brings its own")
        rate: Rate = self.bound
        return with_changes(rate, id=self.id, title=self.title or rate.title)

    def _with_expression(self, ladders: Iterable[Ladder]) -> Rate:
        if isinstance(self.bound, str | bytes):
            raise ValueError(
                f"bound: {shown(self.bound)} is text, which is never parsed; write a sympy expression"
            )
        if isinstance(self.bound, bool) or not isinstance(self.bound, int | sympy.Expr):
            raise ValueError(f"bound: {type(self.bound).__name__} is neither a Rate nor a sympy expression")
        relation: Any = "<=" if self.relation is None else self.relation
        return Rate(
            id=self.id,
            title=self.title or self.id,
            truth=_truth(self.truth),
            formula=self.bound,
            variables=_variables(self.id, ladders),
            source=_source(self.source),
            relation=relation,
            hypotheses=() if self.hypotheses is None else self.hypotheses,
        )

    @property
    def is_twin(self) -> bool:
        """Whether the claim is a planted falsehood."""
        return self.bound.is_twin is True

    @property
    def instances(self) -> Any:
        """The ladders, as they were given."""
        return self.ladders

    def family(self) -> tuple[Ladder, ...]:
        """The ladders of the claim. Raises ValueError if they cannot be made or do not fit the rate."""
        found = _made(self.id, self.ladders)
        _fitting(self.bound, found)
        return found

    def _repr_latex_(self) -> str:
        return str(self.bound._repr_latex_())

    def __repr__(self) -> str:
        return f"<RateClaim {self.id}: {self.truth} {self.relation} {self.bound.formula}>"


def _ladders(claim_id: str, ladders: Any) -> Any:
    """The ladders as a tuple, or the function that makes them; ValueError for anything else."""
    if callable(ladders) and not isinstance(ladders, Ladder):
        return ladders
    if isinstance(ladders, Ladder):
        return (ladders,)
    if ladders is None or isinstance(ladders, str | Mapping) or not isinstance(ladders, Iterable):
        raise ValueError(f"claim {claim_id}: ladders: {shown(ladders)} is not a list of Ladder")
    made = tuple(ladders)
    if not made:
        raise ValueError(f"claim {claim_id}: ladders: there are none")
    names = set()
    for ladder in made:
        if not isinstance(ladder, Ladder):
            raise ValueError(f"claim {claim_id}: ladders: {shown(ladder)} is not a Ladder")
        if ladder.name in names:
            raise ValueError(f"claim {claim_id}: ladders: two go by the name {ladder.name}")
        names.add(ladder.name)
    return made


def _made(claim_id: str, ladders: Any) -> tuple[Ladder, ...]:
    """The ladders; those of a function are made now. Raises ValueError if they cannot be."""
    if not callable(ladders):
        return tuple(ladders)
    try:
        made = ladders()
    except Exception as error:
        kind = type(error).__name__
        raise ValueError(f"claim {claim_id}: its ladders raised {kind}: {error}") from error
    if callable(made) and not isinstance(made, Ladder):
        raise ValueError(f"claim {claim_id}: its ladders are a function that returns {shown(made)}")
    return tuple(_ladders(claim_id, made))


def _fitting(rate: Rate, ladders: Iterable[Ladder]) -> None:
    """Nothing, if every ladder has the rate's symbols and moves along one of its variables."""
    for ladder in ladders:
        if ladder.variable not in rate.variables:
            known = ", ".join(rate.variables)
            raise ValueError(
                f"ladder {ladder.name}: {ladder.variable} is not a variable of the rate ({known})"
            )
        missing = sorted(rate.symbols - set(ladder.rungs[0].values))
        if missing:
            raise ValueError(f"ladder {ladder.name}: its rungs have no value of {', '.join(missing)}")


def _variables(claim_id: str, ladders: Iterable[Ladder]) -> dict[str, str]:
    """The variables of the ladders, each with the direction in which it moves."""
    found: dict[str, str] = {}
    for ladder in ladders:
        first, last = (ladder.rungs[i].values[ladder.variable] for i in (0, -1))
        down = isinstance(first, Fraction) and isinstance(last, Fraction) and first > last
        direction = "down" if down else "up"
        if found.setdefault(ladder.variable, direction) != direction:
            raise ValueError(
                f"claim {claim_id}: ladders: {ladder.variable} goes up in one and down in another"
            )
    return found


def _truth(truth: Any) -> str:
    if callable(truth):
        return quantities.own(truth)
    if not isinstance(truth, str):
        raise ValueError(f"truth: {shown(truth)} is neither the name of a measured quantity nor a function")
    return quantities.find(truth).name


def _source(source: Any) -> Source:
    if source is None:
        return Source("own", "", "", "no source given")
    if isinstance(source, str):
        return Source(source, "", "", "as given by the claim")
    if isinstance(source, Source):
        return source
    raise ValueError(f"source: {shown(source)} is neither a Source nor a text")
