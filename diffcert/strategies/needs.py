"""What a claim asks of an instance, read off its formula and its hypotheses.

What belongs here: turning hypotheses into what can be built. What does not: building it (`instances`).

A hypothesis in one symbol is tried at zero and at one: `t_0 = 0` fails at one, so the path starts at zero;
`kappa > 0` fails at zero, so there are several positive knots. Hypotheses that cannot be built are left to
the verdict, which says that the claim does not apply.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from diffcert.claim import Claim
    from theory.statement import Bound, Hypothesis

__all__ = ["Needs", "bound_of", "needs_of"]

_BETWEEN_BOUNDS = frozenset(("best_phase_kl", "best_rate", "covariance_supremum"))
"""Quantities that are enclosed on a grid, for each step anew."""

_OUTPUTS = frozenset(("output_kl", "output_tv"))
_AT_A_POINT = frozenset(("line", "line_positive", "latent_point"))


@dataclass(frozen=True)
class Needs:
    """What the instances of a claim are to have."""

    kind: str
    """ "path", "point" or "target"."""
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

    @property
    def thresholds(self) -> bool:
        """Whether a path may go past the snr at which a rare atom is seen."""
        convex = "mmse_convex" in self.predicates
        other = self.epsilon or self.costly or self.any_variance or self.errors or self.starts
        return self.kind == "path" and not (other or self.outputs or self.latent or convex)


def bound_of(claim: Claim | Bound | str) -> Bound:
    """The bound meant by a Claim, a Bound or a claim's id; ValueError for anything else."""
    from diffcert import registry
    from theory.statement import Bound

    bound = claim if isinstance(claim, Bound) else registry.find(claim).bound
    if not isinstance(bound, Bound):
        raise ValueError(f"claim {bound.id}: a rate is compared along a ladder, which is not made here")
    return bound


def needs_of(bound: Bound) -> Needs:
    """What the instances of a bound are to have; ValueError for one that none of ours can have."""
    import sympy

    from diffcert import li_cai_wei, low_rank
    from diffcert.bindings import BINDINGS

    needs = {BINDINGS[key].needs for key in bound.symbols}
    needs |= {"point" for need in needs if need in _AT_A_POINT}
    needs |= {"path" for need in needs if need == "latent_path"}
    if not needs.isdisjoint(low_rank.NEEDS):
        raise ValueError(f"claim {bound.id}: low-rank instances are not made here")
    if not needs.isdisjoint(li_cai_wei.NEEDS):
        raise ValueError(
            f"claim {bound.id}: instances of the schedule of Li, Cai and Wei are not made here"
        )
    if "spacing" in needs:
        raise ValueError(f"claim {bound.id}: instances with a spacing are not made here")
    if "point" in needs and not needs.isdisjoint(("path", "epsilon")):
        raise ValueError(f"claim {bound.id}: no instance has both one snr and a path")
    known = dict(_at_zero_or_one(bound.hypotheses))
    on_steps = tuple(h for h in bound.hypotheses if len(h.symbols) > 1 and "number_of_steps" in h.symbols)
    predicates = frozenset(h.predicate for h in bound.hypotheses if h.predicate is not None)
    strict = not predicates.isdisjoint(("matched_sampler", "exact_mean", "optimal_sampler"))
    errors = "score_error_at" in bound.symbols or "matched_variance" in predicates
    starts = "start_kl" in bound.symbols or "matched_variance" in predicates
    return Needs(
        kind="point" if "point" in needs else "path" if needs & {"path", "epsilon"} else "target",
        predicates=predicates,
        zero=frozenset(key for key, value in known.items() if value == "zero"),
        positive=frozenset(key for key, value in known.items() if value == "positive"),
        epsilon="epsilon" in needs,
        ambient="dimension" in bound.symbols,
        moderate=bool(bound.formula.has(sympy.exp)),
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
