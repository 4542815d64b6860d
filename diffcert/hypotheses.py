"""Whether a hypothesis holds at an instance: true, false, or not known.

What belongs here: the named predicates, relations between quantities, and the order in which they
are looked at. What does not: bounds, and verdicts (`comparison`).

Where every quantity of a relation is rational it is decided exactly; otherwise in balls, where an
uncertain comparison is None. A declared schedule is decided from its declaration, a list of knots
from the exact rationals that it consists of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from typing import Any

from diffcert.bindings import BINDINGS, Values
from diffcert.rationals import RATIONALS, IrrationalError
from diffcert.verdict import decide
from numerics import Target
from numerics.convexity import mmse_is_convex, mmse_is_convex_fast
from theory.lowering import lower_relation
from theory.statement import Hypothesis

__all__ = ["check", "in_order", "is_costly"]

FLOAT_TOLERANCE = 1e-9
"""How far two numbers may differ, relative to the larger, and still count as equal in the fast tier."""


def _exact_relation(hypothesis: Hypothesis, values: Values) -> bool | None:
    """The relation decided in rational arithmetic, or None where that is not possible."""
    exact: dict[str, Any] = {}
    for key in sorted(hypothesis.symbols):
        value = values.exact(key)
        if value is None:
            return None
        exact[key] = value
    try:
        lhs, sign, rhs = lower_relation(hypothesis.relation)(RATIONALS, exact)
    except (IrrationalError, ZeroDivisionError):
        return None
    return decide(lhs, sign, rhs)


def _relation(hypothesis: Hypothesis, values: Values) -> bool | None:
    exact = _exact_relation(hypothesis, values)
    if exact is not None:
        return exact
    try:
        with values.precision():
            lhs, sign, rhs = lower_relation(hypothesis.relation)(values.arithmetic, values)
    except ZeroDivisionError:
        return None
    return _in_floats(lhs, sign, rhs) if values.engine == "fast" else decide(lhs, sign, rhs)


def _in_floats(lhs: float, sign: str, rhs: float) -> bool | None:
    """The fast tier's comparison: sides that rounding may have parted count as equal.

    A strict relation between such sides is not decided.
    """
    if lhs != rhs and abs(lhs - rhs) <= FLOAT_TOLERANCE * max(abs(lhs), abs(rhs)):
        return True if sign in ("<=", ">=", "==") else None
    return decide(lhs, sign, rhs)


# Predicates


def _matched_sampler(values: Values) -> bool | None:
    return _all(_exact_score(values), _matched_variance(values), _right_start(values))


def _all(*outcomes: bool | None) -> bool | None:
    """Whether all hold: false as soon as one fails, whatever is not known of the others."""
    return False if False in outcomes else (None if None in outcomes else True)


def _exact_score(values: Values) -> bool | None:
    sampler = values.instance.sampler
    return sampler is None or sampler.score_error is None


def _matched_variance(values: Values) -> bool | None:
    instance, rule = values.instance, values.instance.ddpm
    if rule is None:
        return False
    # beta and beta_tilde are the matched variance of components of variance one and zero.
    matched_at = {"beta": Fraction(1), "beta_tilde": Fraction(0)}
    if rule.variance == "matched":
        return True
    if rule.variance in matched_at:
        return bool(instance.target.variance == matched_at[str(rule.variance)])
    if rule.variance == "optimal":
        return instance.target.core.rank == 0
    with values.precision():
        ratios = values["variance_ratio"]
        other = any(decide(rho, sign, 1) is False for rho in ratios for sign in ("<=", ">="))
    return False if other else None


def _exact_mean(values: Values) -> bool | None:
    if values.instance.ddpm is None:
        return False
    return _all(_exact_score(values), _right_start(values))


def _optimal_sampler(values: Values) -> bool | None:
    rule = values.instance.ddpm
    if rule is None or rule.variance != "optimal":
        return values.target.core.rank == 0 and _matched_sampler(values) is True
    return _exact_mean(values)


def _narrow_sampler(values: Values) -> bool | None:
    rule = values.instance.ddpm
    if rule is None:
        return None
    if rule.variance in ("matched", "beta_tilde"):
        return True
    if rule.variance == "beta":
        return bool(values.target.variance >= 1)
    if rule.variance == "optimal":
        return values.target.core.rank == 0
    with values.precision():
        outcomes = [decide(rho, ">=", 1) for rho in values["variance_ratio"]]
    return False if False in outcomes else (None if None in outcomes else True)


def _right_start(values: Values) -> bool | None:
    """Whether the normal start is the right one: at t_0 = 0 it is, later the law is no normal one."""
    if values.instance.start == "exact":
        return True
    at_zero = _starts_at_zero(values)
    if at_zero is not False:
        return at_zero
    centred_normal = values.target.core.rank == 0 and values.target.second_moment == 0
    return None if centred_normal else False


def _all_equal(numbers: Sequence[Any]) -> bool | None:
    """Whether all numbers are equal; balls that merely overlap give None."""
    if len(numbers) < 2:
        return True
    if isinstance(numbers[0], Fraction):
        return all(x == numbers[0] for x in numbers)
    if isinstance(numbers[0], float):
        largest = max(abs(x) for x in numbers)
        return bool(max(numbers) - min(numbers) <= FLOAT_TOLERANCE * largest)
    outcomes = [decide(x, "==", numbers[0]) for x in numbers[1:]]
    return False if False in outcomes else (None if None in outcomes else True)


def _knots(values: Values) -> Sequence[Any]:
    exact = values.exact("knots")
    if exact is not None:
        return tuple(exact)
    return [float(t) for t in values["knots"]] if values.engine == "fast" else values["knots"]


def _uniform_steps(values: Values) -> bool | None:
    if values.schedule.name == "uniform":
        return True
    with values.precision():
        return _all_equal([after - before for before, after in pairwise(_knots(values))])


def _geometric_steps(values: Values) -> bool | None:
    if values.schedule.name == "geometric":
        return True
    starts = _starts_at_zero(values)
    if starts is False:
        return False
    with values.precision():
        same = _all_equal([after / before for before, after in pairwise(_knots(values)[1:])])
    return False if same is False else (None if starts is None else same)


def _constant_ratio(values: Values) -> bool | None:
    starts = _starts_positive(values)
    if starts is False:
        return False
    with values.precision():
        same = _all_equal([after / before for before, after in pairwise(_knots(values))])
    return False if same is False else (None if starts is None else same)


def _starts_at_zero(values: Values) -> bool | None:
    return decide(_knots(values)[0], "==", 0)


def _starts_positive(values: Values) -> bool | None:
    return decide(_knots(values)[0], ">", 0)


MOST_STEPS = 12
LEAST_RAISE = Fraction(1, 20)


def _short_path(values: Values) -> bool | None:
    """Whether there are few steps, none of them short beside the snr."""
    if values.schedule.steps > MOST_STEPS:
        return False
    with values.precision():
        knots = _knots(values)
        least = 1 + (
            LEAST_RAISE if isinstance(knots[0], Fraction) else values.arithmetic.number(LEAST_RAISE)
        )
        outcomes = [decide(after, ">=", before * least) for before, after in pairwise(knots)]
    return _all(*outcomes)


def _finite_snr(values: Values) -> bool | None:
    with values.precision():
        knots = values["knots"]
        return all(t - t == 0 if isinstance(t, float) else bool(abs(t).is_finite()) for t in knots)


def _mmse_convex(values: Values) -> bool | None:
    last = values["last"]
    if values.engine == "fast" or values.digits is None:
        return mmse_is_convex_fast(values.target, float(last))
    exact = values.exact("last")
    if exact is None:
        return mmse_is_convex(values.target, last, digits=values.digits)
    return _convex_up_to(values.target, exact, values.digits)


@lru_cache(maxsize=64)
def _convex_up_to(target: Target, last: Fraction, digits: int) -> bool | None:
    """The certified answer, kept: several claims ask it of the same target and T."""
    return mmse_is_convex(target, last, digits=digits)


def _mmse_not_convex(values: Values) -> bool | None:
    convex = _mmse_convex(values)
    return None if convex is None else not convex


def _shared_covariance(values: Values) -> bool | None:
    covariances = getattr(values.target, "covariances", None)
    return covariances is None or all(entry == covariances[0] for entry in covariances)


_RELATION_COST = 2
_COSTLY = 9

_PREDICATES: dict[str, tuple[int, Callable[[Values], bool | None]]] = {
    "matched_sampler": (0, _matched_sampler),
    "exact_mean": (0, _exact_mean),
    "optimal_sampler": (0, _optimal_sampler),
    "narrow_sampler": (1, _narrow_sampler),
    "matched_variance": (0, _matched_variance),
    "right_start": (0, _right_start),
    "short_path": (1, _short_path),
    "exact_score": (0, _exact_score),
    "uniform_steps": (1, _uniform_steps),
    "geometric_steps": (1, _geometric_steps),
    "constant_ratio": (1, _constant_ratio),
    "starts_at_zero": (1, _starts_at_zero),
    "starts_positive": (1, _starts_positive),
    "finite_snr": (1, _finite_snr),
    "shared_covariance": (0, _shared_covariance),
    "mmse_convex": (_COSTLY, _mmse_convex),
    "mmse_not_convex": (_COSTLY, _mmse_not_convex),
}
"""Key -> (cost, how it is decided); the keys are those of `theory.statement.PREDICATES`."""


def _cost(hypothesis: Hypothesis) -> int:
    if hypothesis.predicate is None:
        return _RELATION_COST
    return _PREDICATES[hypothesis.predicate][0]


def is_costly(hypothesis: Hypothesis) -> bool:
    """Whether the hypothesis takes as long to decide as the claim itself."""
    return _cost(hypothesis) >= _COSTLY


def in_order(hypotheses: Iterable[Hypothesis]) -> list[Hypothesis]:
    """The hypotheses, the cheap ones first."""
    return sorted(hypotheses, key=_cost)


def check(hypothesis: Hypothesis, values: Values) -> bool | None:
    """Whether the hypothesis certainly holds, certainly fails, or (None) is not known.

    In the fast tier "certainly" is up to float accuracy where no exact route exists. Raises
    KeyError for a relation whose quantities the instance does not define.
    """
    if hypothesis.predicate is not None:
        return _PREDICATES[hypothesis.predicate][1](values)
    for key in hypothesis.symbols:
        if key not in values:
            raise KeyError(f"{BINDINGS[key].lacking}")
    return _relation(hypothesis, values)
