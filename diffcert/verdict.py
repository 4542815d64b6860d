"""Verdict: holds, refuted, undecided, not applicable - and the three-valued comparison behind it.

What belongs here: the statuses, the record, deciding a relation between two enclosures. What does
not: evaluating anything (`bindings`), or raising the precision until a relation is decided
(`comparison`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Any

import flint

from diffcert.enclosure import ball_text, certified_digits
from diffcert.instance import Instance
from numerics.truth import Truth

__all__ = ["RELATIONS", "Status", "Verdict", "agrees", "decide"]

RELATIONS = ("<=", ">=", "<", ">", "==", "!=")


class Status(StrEnum):
    """What is known about a claim at an instance; each is equal to its name as a string."""

    HOLDS = "holds"
    REFUTED = "refuted"
    UNDECIDED = "undecided"
    NOT_APPLICABLE = "not_applicable"
    BELOW_THE_BOUND_FLOAT = "below_the_bound_float"
    """The fast tier's best: no enclosure, so never "holds"."""
    CONSISTENT = "consistent"
    INCONSISTENT = "inconsistent"

    @property
    def text(self) -> str:
        """The status in words, for tables."""
        if self is Status.BELOW_THE_BOUND_FLOAT:
            return "below the bound (float)"
        return self.value.replace("_", " ")

    @property
    def is_against(self) -> bool:
        """Whether the case speaks against the claim: refuted, or for a rate inconsistent."""
        return self in (Status.REFUTED, Status.INCONSISTENT)

    @property
    def passes(self) -> bool:
        """Whether a run that contains this status may still succeed."""
        return self not in (Status.REFUTED, Status.UNDECIDED, Status.INCONSISTENT)


def decide(lhs: Any, relation: str, rhs: Any) -> bool | None:
    """Whether `lhs relation rhs` is certainly true, certainly false, or (None) not known.

    Balls: True only if the relation holds for every pair of points, False only if it fails for
    every pair; overlapping balls and NaN give None. Exact numbers and floats: the ordinary
    comparison, NaN gives None. Raises ValueError for an unknown relation.
    """
    if relation not in RELATIONS:
        raise ValueError(f"relation: {relation!r} is not one of {', '.join(RELATIONS)}")
    if isinstance(lhs, flint.arb) or isinstance(rhs, flint.arb):
        return _decide_balls(_ball(lhs), relation, _ball(rhs))
    if lhs != lhs or rhs != rhs:
        return None
    outcomes = {
        "<=": lhs <= rhs,
        ">=": lhs >= rhs,
        "<": lhs < rhs,
        ">": lhs > rhs,
        "==": lhs == rhs,
        "!=": lhs != rhs,
    }
    return bool(outcomes[relation])


def _ball(value: Any) -> Any:
    if isinstance(value, Fraction):
        return flint.arb(flint.fmpq(value.numerator, value.denominator))
    return value if isinstance(value, flint.arb) else flint.arb(value)


def _decide_balls(lhs: Any, relation: str, rhs: Any) -> bool | None:
    # arb's comparisons are True only when certain, and False when false or unknown.
    if lhs.is_nan() or rhs.is_nan():
        return None
    if relation == "<=":
        return True if lhs <= rhs else (False if lhs > rhs else None)
    if relation == ">=":
        return True if lhs >= rhs else (False if lhs < rhs else None)
    if relation == "<":
        return True if lhs < rhs else (False if lhs >= rhs else None)
    if relation == ">":
        return True if lhs > rhs else (False if lhs <= rhs else None)
    equal = True if lhs == rhs else (False if lhs != rhs else None)
    return equal if relation == "==" or equal is None else not equal


def agrees(lhs: Any, rhs: Any, digits: int) -> bool | None:
    """Whether two balls are equal to `digits` digits: the reading of a claimed identity.

    True if their difference contains 0 and its radius is below 10^-digits of the larger side,
    False if they are certainly different, None otherwise. To be called within the `precision()`
    of the balls' number system.
    """
    if decide(lhs, "==", rhs) is False:
        return False
    difference = lhs - rhs
    if not difference.is_finite():
        return None
    larger = lhs.abs_lower().max(rhs.abs_lower())
    if difference.rad() == 0 and difference.is_zero():
        return True
    small = difference.rad() < larger / flint.arb(10) ** digits
    return True if difference.contains(0) and small else None


@dataclass(frozen=True, eq=False)
class Verdict:
    """What is known about one claim at one instance.

    `bound` and `ratio` (truth / bound) are numbers of the engine's system, balls in the certified
    one; they and `truth` are None where nothing was evaluated. `digits` is the precision at which
    the case was settled, `asked` the one at which it began, None for the fast tier. `reason` is one
    line: which hypothesis fails, why the case is not decided, or to how many digits an identity holds.
    `hypotheses` gives each hypothesis' key with True, False or None.
    `bool(verdict)` raises unless the status is holds or refuted.
    """

    status: Status
    claim_id: str
    instance: Instance
    relation: str
    truth: Truth | None = None
    bound: Any = None
    ratio: Any = None
    digits: int | None = None
    engine: str = "certified"
    reason: str = ""
    notes: tuple[str, ...] = ()
    hypotheses: tuple[tuple[str, bool | None], ...] = ()
    asked: int | None = None

    def __bool__(self) -> bool:
        """True for holds, False for refuted; TypeError for anything else, which is neither."""
        if self.status is Status.HOLDS:
            return True
        if self.status is Status.REFUTED:
            return False
        raise TypeError(
            f"the verdict on {self.claim_id} is {self.status.text!r}, neither true nor false; "
            "look at verdict.status"
        )

    def __repr__(self) -> str:
        numbers = ""
        if self.truth is not None and self.bound is not None:
            numbers = (
                f", truth={certified_digits(self.truth.value, 12, self.truth.error)}"
                f", bound={certified_digits(self.bound, 12)}"
            )
        reason = f", reason={self.reason!r}" if self.reason else ""
        return f"<Verdict {self.status.text}: {self.claim_id} at {self.instance.label}{numbers}{reason}>"

    def _repr_html_(self) -> str:
        """A table of one column for notebooks, escaped, with nothing from elsewhere."""
        from html import escape

        rows = {"claim": self.claim_id, "instance": self.instance.label, "verdict": self.status.text}
        if self.truth is not None and self.bound is not None:
            rows[self.truth.functional] = certified_digits(self.truth.value, 12, self.truth.error)
            rows[f"bound ({self.relation})"] = certified_digits(self.bound, 12)
        if self.ratio is not None:
            rows["truth / bound"] = certified_digits(self.ratio, 6)
        rows |= {"reason": self.reason} if self.reason else {}
        cells = (f"<tr><th>{escape(key)}</th><td>{escape(value)}</td></tr>" for key, value in rows.items())
        return f"<table>{''.join(cells)}</table>"

    def _repr_latex_(self) -> str:
        words = rf"\text{{{self.status.text}}}"
        if self.truth is None or self.bound is None:
            return f"${words}$"
        sign = {"<=": r"\le", ">=": r"\ge", "==": "="}[self.relation]
        truth = certified_digits(self.truth.value, 12, self.truth.error)
        return rf"${words}:\quad {truth} {sign} {certified_digits(self.bound, 12)}$"

    def to_dict(self) -> dict[str, Any]:
        """The verdict as plain JSON data: exact inputs, balls as decimal midpoint and radius.

        The interval [mid - rad, mid + rad] of the strings contains the ball.
        """
        return {
            "claim": self.claim_id,
            "instance": self.instance.to_dict(),
            "status": self.status.value,
            "relation": self.relation,
            "engine": self.engine,
            "digits": self.digits,
            "truth": None
            if self.truth is None
            else {
                "functional": self.truth.functional,
                "method": self.truth.method,
                **_number(self.truth.value, self.digits, self.truth.error),
            },
            "bound": None if self.bound is None else _number(self.bound, self.digits),
            "ratio": None if self.ratio is None else _number(self.ratio, self.digits),
            "hypotheses": dict(self.hypotheses),
            "reason": self.reason,
            "notes": list(self.notes),
        }


def _number(value: Any, digits: int | None, error: float | None = None) -> dict[str, str]:
    if isinstance(value, flint.arb):
        middle, radius = ball_text(value, digits or 30)
        return {"mid": middle, "rad": radius}
    text = {"value": repr(float(value)) if isinstance(value, float) else str(value)}
    return text if error is None else {**text, "error": repr(float(error))}
