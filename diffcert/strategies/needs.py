"""What a claim asks of an instance, read off its formula and its hypotheses.

What belongs here: turning hypotheses into what can be built. What does not: building it (`instances`).

A hypothesis in one symbol is tried at zero and at one: `t_0 = 0` fails at one, so the path starts at zero;
`kappa > 0` fails at zero, so there are several positive knots. So do symbols at whose zero the formula has
no value. Hypotheses that cannot be built are left to
the verdict, which says that the claim does not apply.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from diffcert.claim import Claim
    from theory.statement import Bound, Hypothesis

__all__ = ["Needs", "bound_of", "needs_of", "satisfied"]

_BETWEEN_BOUNDS = frozenset(("best_phase_kl", "best_rate", "covariance_supremum"))
"""Quantities that are enclosed on a grid, for each step anew."""

_OUTPUTS = frozenset(("output_kl", "output_tv"))
_AT_A_POINT = frozenset(("line", "line_positive", "latent_point"))


@dataclass(frozen=True)
class Needs:
    """What the instances of a claim are to have."""

    kind: str
    """ "path", "point", "target", "spacing", "low_rank" or "li_cai_wei"."""
    wanted: frozenset[str] = frozenset()
    """What its quantities need of an instance, in the words of `diffcert.bindings`."""
    relations: tuple[Hypothesis, ...] = ()
    """The hypotheses that relate quantities."""
    predicates: frozenset[str] = frozenset()
    zero: frozenset[str] = frozenset()
    """Quantities that are to be zero."""
    positive: frozenset[str] = frozenset()
    """Quantities that are to be positive."""
    epsilon: bool = False
    ambient: bool = False
    """Whether the dimension of the space matters."""
    moderate: bool = False
    """Whether the formula grows like an exponential of the snr."""
    divides: bool = False
    """Whether the formula divides by the mmse at knots, where it may not be too small to be told from 0."""
    errors: bool = False
    """Whether the score may have an error."""
    starts: bool = False
    """Whether the start may be a wrong one."""
    outputs: bool = False
    """Whether the law of the output is asked for, which short paths on a line have."""
    discrete: bool = False
    """Whether the components are to have no variance."""
    latent: bool = False
    """Whether X itself is estimated, and the components have covariances of their own."""
    costly: bool = False
    """Whether few steps are enough."""
    steps_relation: Any = None
    """Hypotheses on the number of steps."""

    @property
    def start(self) -> str | None:
        """ "zero", "positive" or None: where the path starts."""
        if "starts_at_zero" in self.predicates or "first" in self.zero:
            return "zero"
        if self.predicates & {"starts_positive", "constant_ratio"} or "first" in self.positive:
            return "positive"
        return None

    @property
    def any_variance(self) -> bool:
        """Whether the sampler need not be the matched one."""
        if not self.predicates.isdisjoint(("exact_mean", "optimal_sampler")):
            return True
        return self.errors and self.predicates.isdisjoint(("matched_sampler", "matched_variance"))


def bound_of(claim: Claim | Bound | str) -> Bound:
    """The bound meant by a Claim, a Bound or a claim's id; ValueError for anything else."""
    from diffcert import registry
    from theory.statement import Bound

    bound = claim if isinstance(claim, Bound) else registry.find(claim).bound
    if not isinstance(bound, Bound):
        raise ValueError(
            f"claim {bound.id}: a rate says nothing of a single instance; it is compared along ladders of"
            " them, which diffcert.verify does"
        )
    return bound


def needs_of(bound: Bound) -> Needs:
    """What the instances of a bound are to have; ValueError for one that none of ours can have."""
    import sympy

    from diffcert import li_cai_wei, low_rank
    from diffcert.bindings import BINDINGS

    needs = {BINDINGS[key].needs for key in bound.symbols}
    needs |= {"point" for need in needs if need in _AT_A_POINT}
    needs |= {"path" for need in needs if need == "latent_path"}
    known = dict(_at_zero_or_one(bound.hypotheses))
    predicates = frozenset(h.predicate for h in bound.hypotheses if h.predicate is not None)
    common: dict[str, Any] = {
        "wanted": frozenset(needs),
        "relations": tuple(h for h in bound.hypotheses if h.relation is not None),
        "predicates": predicates,
        "zero": frozenset(key for key, value in known.items() if value == "zero"),
        "positive": frozenset(key for key, value in known.items() if value == "positive")
        | frozenset(_undefined_at_zero(bound)),
    }
    for kind, own in (("low_rank", low_rank.NEEDS), ("li_cai_wei", li_cai_wei.NEEDS)):
        if not needs.isdisjoint(own):
            if not needs <= own.keys():
                raise ValueError(f"claim {bound.id}: no instance has all that it is about")
            return Needs(kind, **common)
    if "spacing" in needs:
        if not needs <= {"point", "spacing", "strip", "target"}:
            raise ValueError(f"claim {bound.id}: no instance has all that it is about")
        return Needs("spacing", **common)
    if "point" in needs and not needs.isdisjoint(("path", "epsilon")):
        raise ValueError(f"claim {bound.id}: no instance has both one snr and a path")
    on_steps = tuple(h for h in bound.hypotheses if len(h.symbols) > 1 and "number_of_steps" in h.symbols)
    strict = not predicates.isdisjoint(("matched_sampler", "exact_mean", "optimal_sampler"))
    errors = "score_error_at" in bound.symbols or "matched_variance" in predicates
    starts = "start_kl" in bound.symbols or "matched_variance" in predicates
    return Needs(
        kind="point" if "point" in needs else "path" if needs & {"path", "epsilon"} else "target",
        **common,
        epsilon="epsilon" in needs,
        ambient="dimension" in bound.symbols,
        moderate=bool(bound.formula.has(sympy.exp)),
        divides=_divides_by(bound.formula, "mmse_at"),
        errors=errors and not strict and "exact_score" not in predicates,
        starts=starts and not strict and "right_start" not in predicates,
        outputs=not _OUTPUTS.isdisjoint(bound.symbols),
        discrete="discrete" in needs,
        latent=not needs.isdisjoint(("latent", "latent_path", "latent_point")),
        costly=not _BETWEEN_BOUNDS.isdisjoint(bound.symbols),
        steps_relation=on_steps,
    )


def _at_zero_or_one(hypotheses: tuple[Hypothesis, ...]) -> Iterator[tuple[str, str]]:
    """The quantities that a relation in one symbol forces to be zero, or not to be."""
    import sympy

    for hypothesis in hypotheses:
        if hypothesis.relation is None or len(hypothesis.symbols) != 1:
            continue
        (key,) = hypothesis.symbols
        free = hypothesis.relation.free_symbols
        if len(free) != 1:
            continue
        (symbol,) = free
        if hypothesis.relation.subs(symbol, 0) == sympy.false:
            yield key, "positive"
        elif hypothesis.relation.subs(symbol, 1) == sympy.false:
            yield key, "zero"


def _divides_by(formula: Any, key: str) -> bool:
    """Whether the indexed quantity is in a denominator."""
    import sympy

    from theory.symbols import QUANTITIES

    base = QUANTITIES[key].symbol
    powers = [power for power in formula.atoms(sympy.Pow) if power.exp.could_extract_minus_sign()]
    return any(entry.base == base for power in powers for entry in power.base.atoms(sympy.Indexed))


def _undefined_at_zero(bound: Bound) -> Iterator[str]:
    """The quantities at whose zero the formula has no value, as log(T/t_0) has none at t_0 = 0."""
    import sympy

    from theory.symbols import QUANTITIES

    for key in bound.formula_symbols:
        symbol = QUANTITIES[key].symbol
        if isinstance(symbol, sympy.Symbol):
            value = bound.formula.subs(symbol, 0)
            if value.has(sympy.zoo, sympy.nan, sympy.oo, -sympy.oo):
                yield key


def satisfied(needs: Needs, values: Mapping[str, Any]) -> bool:
    """Whether no relation between the quantities that are given fails at their values, exact or floats."""
    from diffcert.rationals import RATIONALS, IrrationalError
    from diffcert.verdict import decide
    from numerics.arithmetic import FLOATS
    from theory.lowering import lower_relation

    for hypothesis in needs.relations:
        if not hypothesis.symbols <= values.keys():
            continue
        relation: Any = lower_relation(hypothesis.relation)
        try:
            sides = relation(RATIONALS, {key: Fraction(value) for key, value in values.items()})
        except IrrationalError:
            sides = relation(FLOATS, {key: float(value) for key, value in values.items()})
        if decide(*sides) is False:
            return False
    return True
