"""Putting a claim beside the exact value: from an instance to a verdict.

What belongs here: checking the hypotheses, evaluating both sides, raising the precision until the
case is decided or the last precision is spent. What does not: families of instances
(`verification`).
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache
from typing import Any

from diffcert.bindings import BINDINGS, Values
from diffcert.claim import Claim
from diffcert.hypotheses import check, in_order, is_costly
from diffcert.instance import Instance
from diffcert.rates.claim import RateClaim
from diffcert.rates.ladder import Ladder
from diffcert.rates.verdict import judge
from diffcert.rationals import RATIONALS, IrrationalError
from diffcert.verdict import Status, Verdict, agrees, decide
from numerics.channel import MOST_DIGITS, choose_engine
from numerics.exact import shown
from numerics.truth import PrecisionError
from theory.lowering import Formula, lower
from theory.rate import Rate
from theory.statement import Bound

__all__ = ["Evaluation", "compare", "precisions"]

_RAISED = (1, 2, 4)
"""Factors by which the digits are raised before a case is called undecided."""

_BLIND_DIGITS = 240
"""Digits to which a side is raised of which not even the first one is known."""

_FLOAT_ROUNDING = 1e-12
"""Relative float accuracy of a bound."""

_LEVEL = 1e-9
"""A truth above its bound by less than its error estimate and this fraction is level with it."""


@lru_cache(maxsize=1024)
def _lowered(formula: Any) -> Formula:
    return lower(formula)


class Evaluation:
    """The values of one instance at whatever precisions were asked for, shared among claims."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self._values: dict[int | None, Values] = {}

    def values(self, digits: int | None) -> Values:
        """The instance's values at that many digits; None is the fast tier."""
        if digits not in self._values:
            self._values[digits] = Values(self.instance, digits)
        return self._values[digits]


def compare(
    claim: Claim | RateClaim | Bound | Rate | str,
    instance: Instance | Ladder,
    digits: int | None = 30,
    evaluation: Evaluation | None = None,
) -> Verdict:
    """The verdict on a claim at an instance: truth, bound, their ratio, and what they decide.

    `claim` is a Claim, a Bound or a claim's id. With `digits=n` both sides are balls; a case that is
    undecided is tried again at 2n and 4n digits before the verdict says so, and at 8n, 16n, ... up to
    240 while a side is a ball about 0 or no number, so that not one of its digits is known.
    `digits=None` is the fast tier, which never says "holds". A hypothesis that fails makes the verdict
    not applicable, one that is not decided makes it undecided. `evaluation` shares values between
    claims. A rate is compared along a `Ladder`, and the verdict is a `RateVerdict`.
    Raises ValueError for bad arguments, SpanError for means that span more than a line.
    """
    bound = claim if isinstance(claim, Bound | Rate) else _find(claim).bound
    if isinstance(bound, Rate):
        if not isinstance(instance, Ladder):
            raise ValueError(
                f"instance: the rate {bound.id} is compared along a Ladder, not at {shown(instance)}"
            )
        choose_engine(digits, None)
        return judge(bound, instance, digits)
    if not isinstance(instance, Instance):
        raise ValueError(f"instance: {shown(instance)} is not an Instance")
    shared = Evaluation(instance) if evaluation is None else evaluation
    blank = Verdict(
        Status.UNDECIDED,
        bound.id,
        instance,
        bound.relation,
        engine="fast" if digits is None else "certified",
        asked=digits,
    )
    shared.values(digits)
    lacking = sorted({BINDINGS[key].lacking for key in bound.symbols if not _defined(key, instance)})
    if lacking:
        reason = f"the instance lacks {' and '.join(lacking)}"
        return replace(blank, status=Status.NOT_APPLICABLE, reason=reason)
    if digits is None:
        return _fast(bound, shared.values(None), blank)
    verdict = blank
    for raised in precisions(digits):
        if raised > _RAISED[-1] * digits and not _blind(verdict):
            break
        try:
            verdict = _certified(bound, shared.values(raised), blank, digits)
        except ArithmeticError as error:
            if verdict.reason:
                return verdict
            return replace(blank, digits=raised, reason=_out_of_reach(error))
        if verdict.status is not Status.UNDECIDED:
            break
    return verdict


def precisions(digits: int) -> tuple[int, ...]:
    """The digits at which a comparison that begins at `digits` may be settled, in their order.

    An engine's promise of n digits reaches down to 10^-2n of its scale. Where both sides are smaller
    than that, four times a few digits show nothing of them; hence the doublings beyond.
    """
    tried = [min(digits * factor, MOST_DIGITS) for factor in _RAISED]
    while 2 * tried[-1] <= _BLIND_DIGITS:
        tried.append(2 * tried[-1])
    return tuple(dict.fromkeys(tried))


def _blind(verdict: Verdict) -> bool:
    """Whether a side was evaluated to a ball about 0 or to no number: none of its digits is known."""
    sides = (verdict.bound, None if verdict.truth is None else verdict.truth.value)
    return any(side is not None and side.contains(0) and not side.is_zero() for side in sides)


def _find(claim: Claim | RateClaim | str) -> Claim | RateClaim:
    from diffcert import registry

    return registry.find(claim)


def _defined(key: str, instance: Instance) -> bool:
    return BINDINGS[key].defined_for(instance)


def _hypotheses(
    bound: Bound, values: Values
) -> tuple[tuple[tuple[str, bool | None], ...], str | None, str | None]:
    """What is known of each hypothesis, the text of the one that fails, of one that is open.

    The cheap ones come first, and nothing is asked once one has failed; the costly ones are not
    asked while another is open.
    """
    outcomes: dict[str, bool | None] = {}
    open_one: str | None = None
    for hypothesis in in_order(bound.hypotheses):
        costly = open_one is not None and is_costly(hypothesis)
        outcome = None if costly else check(hypothesis, values)
        outcomes[hypothesis.key] = outcome
        if outcome is False:
            return tuple(outcomes.items()), hypothesis.text, None
        if outcome is None and open_one is None:
            open_one = hypothesis.text
    return tuple(outcomes.items()), None, open_one


def _certified(bound: Bound, values: Values, blank: Verdict, asked: int) -> Verdict:
    """The verdict at the precision of the values; an identity is to hold to the digits asked for."""
    outcomes, fails, not_known = _hypotheses(bound, values)
    started = replace(blank, digits=values.digits, hypotheses=outcomes)
    if fails is not None:
        reason = f"it needs: {fails}"
        return replace(started, status=Status.NOT_APPLICABLE, reason=reason)
    truth = values.truth(_key(bound))
    with values.precision():
        right = _lowered(bound.formula)(values.arithmetic, values)
        ratio = None if right.contains(0) else truth.value / right
        if bound.relation == "==":
            outcome = agrees(truth.value, right, asked)
        else:
            outcome = decide(truth.value, bound.relation, right)
    filled = replace(started, truth=truth, bound=right, ratio=ratio, notes=truth.notes)
    if not_known is not None:
        return replace(filled, reason=f"not decided whether: {not_known}")
    if outcome is None:
        outcome = _exactly(bound, values)
    if outcome is None:
        return replace(filled, reason=_why_open(right, truth.value, values.digits))
    if outcome and bound.relation == "==":
        return replace(filled, status=Status.HOLDS, reason=f"equal to {asked} digits")
    return replace(filled, status=Status.HOLDS if outcome else Status.REFUTED)


def _exactly(bound: Bound, values: Values) -> bool | None:
    """The relation decided in rational arithmetic, or None where a side is not known to be rational."""
    keys = bound.formula_symbols | {_key(bound)}
    exact = {key: values.exact(key) for key in keys}
    if any(value is None for value in exact.values()):
        return None
    try:
        return decide(exact[_key(bound)], bound.relation, _lowered(bound.formula)(RATIONALS, exact))
    except (IrrationalError, ZeroDivisionError):
        return None


def _out_of_reach(error: ArithmeticError) -> str:
    """Why an engine gave up: a precision that it cannot promise, or a magnitude that it cannot hold."""
    if isinstance(error, PrecisionError):
        return str(error)
    if isinstance(error, ZeroDivisionError):
        return "the bound divides by zero here"
    return f"the magnitudes are out of reach ({error})"


def _why_open(right: Any, left: Any, digits: int | None) -> str:
    for side, name in ((right, "bound"), (left, "truth")):
        if not side.is_finite():
            return f"the {name} is not a finite number here"
    return f"the enclosures of truth and bound overlap at {digits} digits"


def _fast(bound: Bound, values: Values, blank: Verdict) -> Verdict:
    import numpy as np

    try:
        with np.errstate(all="ignore"):
            outcomes, fails, not_known = _hypotheses(bound, values)
            started = replace(blank, hypotheses=outcomes)
            if fails is not None:
                reason = f"it needs: {fails}"
                return replace(started, status=Status.NOT_APPLICABLE, reason=reason)
            truth = values.truth(_key(bound))
            right = float(_lowered(bound.formula)(values.arithmetic, values))
    except ArithmeticError as error:
        return replace(blank, reason=_out_of_reach(error))
    ratio = truth.value / right if right else None
    filled = replace(started, truth=truth, bound=right, ratio=ratio, notes=truth.notes)
    if not_known is not None:
        return replace(filled, reason=f"not decided whether: {not_known}")
    scale = max(abs(right), abs(truth.value))
    slack = 0.0
    if math.isfinite(scale):
        slack = min(truth.error, _LEVEL * scale) + _FLOAT_ROUNDING * scale
    sides = {"<=": truth.value - right, ">=": right - truth.value}
    excess = sides.get(bound.relation, abs(truth.value - right))
    if not excess <= slack:
        return replace(filled, reason="not below the bound (float); digits=30 decides")
    remark = ""
    if excess + truth.error > 0:
        remark = f"within the float error estimate of {truth.error + slack:.1e}"
    return replace(filled, status=Status.BELOW_THE_BOUND_FLOAT, reason=remark)


def _key(bound: Bound) -> str:
    from theory import symbols

    return symbols.key_of(bound.truth)
