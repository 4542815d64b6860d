"""The verdict on a rate at one ladder: consistent, inconsistent or undecided, with all that was measured.

What belongs here: the record, and how it is made from a rate and a ladder. What does not: the rule
(`decide`), the numbers read off (`fit`), the measuring (`quantities`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import Any

import flint

from diffcert.enclosure import ball_text
from diffcert.rates.decide import Decision, Point, decide
from diffcert.rates.fit import Fit, fit
from diffcert.rates.ladder import Ladder, Quantity, Rung
from diffcert.rates.quantities import BITS, Measured, measure
from diffcert.rationals import RATIONALS, IrrationalError
from diffcert.verdict import Status, Verdict
from diffcert.verdict import decide as decide_balls
from numerics.arithmetic import balls
from numerics.truth import Truth
from theory.lowering import Formula, lower, lower_relation
from theory.rate import Rate

__all__ = ["MeasuredRung", "RateVerdict", "judge", "lowered", "measure_rung", "value_of"]

STATED_DIGITS = 18
"""Digits to which measured values are written down."""


@dataclass(frozen=True)
class MeasuredRung:
    """A rung with the truth and the formula on it, as balls."""

    rung: Rung
    truth: Measured
    formula: Any
    ratio: Any

    @property
    def enclosed(self) -> bool:
        """Whether the ratio is proven to lie in its ball."""
        return self.truth.enclosed

    def to_dict(self) -> dict[str, Any]:
        """Truth, formula and ratio as decimals whose interval contains the ball, and how they were made."""
        return {
            "truth": _stated(self.truth.ball),
            "formula": _stated(self.formula),
            "ratio": _stated(self.ratio),
            "enclosed": self.enclosed,
            "method": self.truth.method,
        }


def _stated(ball: Any) -> dict[str, str]:
    middle, radius = ball_text(ball, STATED_DIGITS)
    return {"mid": middle, "rad": radius}


@dataclass(frozen=True, eq=False)
class RateVerdict(Verdict):
    """What is known about a rate along one ladder (`instance`).

    `rungs` are the measured rungs, `left_out` those where a hypothesis fails; `fit` has the least constant,
    the trend and the exponents, `decision` the windows behind the status. `truth`, `bound` and `ratio` are
    those of the rung that needs the largest constant. The status is consistent, inconsistent, undecided or
    not_applicable; `bool(verdict)` always raises: no finite ladder proves or refutes a rate.
    """

    rungs: tuple[MeasuredRung, ...] = ()
    left_out: tuple[str, ...] = ()
    fit: Fit | None = None
    decision: Decision | None = None
    variable: str = ""
    positions: tuple[float, ...] = ()
    """The variable on each of `rungs`, which stand in the order in which the ladder goes to its limit."""

    @property
    def lines(self) -> list[str]:
        """The least constant, the trend and the exponents in words."""
        return [] if self.fit is None else self.fit.lines(self.variable)

    def to_dict(self) -> dict[str, Any]:
        """The verdict as plain JSON data: the ladder, what was measured on it, and what was read off."""
        return {
            **super().to_dict(),
            "rate": {
                "variable": self.variable,
                "rungs": [rung.to_dict() for rung in self.rungs],
                "positions": [repr(x) for x in self.positions],
                "left_out": list(self.left_out),
                "fit": None if self.fit is None else self.fit.to_dict(),
                "lines": self.lines,
            },
        }

    def __repr__(self) -> str:
        numbers = "" if self.fit is None else f", least constant {self.fit.constant_text}"
        reason = f", reason={self.reason!r}" if self.reason else ""
        return (
            f"<RateVerdict {self.status.text}: {self.claim_id} on {self.instance.label}{numbers}{reason}>"
        )

    def _repr_latex_(self) -> str:
        words = rf"\text{{{self.status.text}}}"
        if self.fit is None:
            return f"${words}$"
        return rf"${words}:\quad C \ge {self.fit.constant}$"


@lru_cache(maxsize=256)
def lowered(rate: Rate) -> tuple[Formula, tuple[Any, ...]]:
    """The rate's formula and the relations among its hypotheses, as functions over a number system."""
    own = sorted(rate.formula.free_symbols, key=str)
    conditions = []
    for hypothesis in rate.hypotheses:
        if hypothesis.relation is not None:
            letters = sorted(hypothesis.relation.free_symbols, key=str)
            conditions.append((hypothesis, lower_relation(hypothesis.relation, letters)))
    return lower(rate.formula, own), tuple(conditions)


def value_of(rung: Rung, name: str) -> Measured:
    """The value of a symbol on a rung: exact, or measured."""
    value = rung.values[name]
    if isinstance(value, Quantity):
        return measure(value.name, rung.arguments if value.arguments is None else value.arguments)
    return Measured(flint.arb(flint.fmpq(value.numerator, value.denominator)), True, "exact")


def measure_rung(
    rate: Rate, rung: Rung, variable: str, *, second: bool = False
) -> tuple[MeasuredRung | None, str, dict[str, bool | None]]:
    """The rung with truth and formula; or None, the reason why it is left out; and its conditions.

    With `second` the truth is measured by the quantity's second route. Raises ValueError where a symbol has
    no value or the formula is not above zero, and what the quantity raises.
    """
    missing = sorted(rate.symbols - set(rung.values))
    if missing:
        raise ValueError(f"ladder: {rung.label}: there is no value of {', '.join(missing)}")
    formula, conditions = lowered(rate)
    ops = balls(BITS)
    with ops.precision():
        known = {name: value_of(rung, name) for name in rate.symbols}
        numbers = {name: value.ball for name, value in known.items()}
        outcomes: dict[str, bool | None] = {}
        for hypothesis, sides in conditions:
            outcomes[hypothesis.key] = _condition(sides, rung, ops, numbers)
            if not outcomes[hypothesis.key]:
                word = "fails" if outcomes[hypothesis.key] is False else "is not decided"
                return None, f"{rung.label}: {hypothesis.text} {word}", outcomes
        bound = formula(ops, {name: numbers[name] for name in formula.symbols})
        if not bound > 0:
            raise ValueError(f"ladder: {rung.label}: the formula is not certainly above zero there")
        truth = measure(rate.truth, rung.arguments, second=second)
        if not truth.ball.is_finite():
            raise ValueError(f"ladder: {rung.label}: {rate.truth} is not a finite number there")
        if truth.ball < 0:
            raise ValueError(f"ladder: {rung.label}: {rate.truth} is negative there")
        if not all(value.enclosed for value in known.values()):
            truth = replace(truth, enclosed=False)
        return MeasuredRung(rung, truth, bound, truth.ball / bound), "", outcomes


def _condition(sides: Any, rung: Rung, ops: Any, numbers: dict[str, Any]) -> bool | None:
    """Whether a condition is met on a rung; sides whose balls overlap may be rational and equal."""
    outcome = decide_balls(*sides(ops, {name: numbers[name] for name in sides.symbols}))
    values = {name: rung.values[name] for name in sides.symbols}
    if outcome is None and not any(isinstance(value, Quantity) for value in values.values()):
        try:
            outcome = decide_balls(*sides(RATIONALS, values))
        except (IrrationalError, ZeroDivisionError):
            return None
    return outcome


def judge(rate: Rate, ladder: Ladder, digits: int | None = 30) -> RateVerdict:
    """The verdict on a rate along a ladder; `digits=None` looks at the ladder's first rungs only.

    Raises ValueError where the ladder does not fit the rate.
    """
    if ladder.variable not in rate.variables:
        known = ", ".join(rate.variables)
        raise ValueError(
            f"ladder {ladder.name}: {ladder.variable} is not a variable of {rate.id} ({known})"
        )
    direction = rate.variables[ladder.variable]
    used = ladder if digits is not None else ladder.shortened()
    blank = RateVerdict(
        Status.UNDECIDED,
        rate.id,
        used,  # type: ignore[arg-type]
        rate.relation,
        digits=digits,
        engine="fast" if digits is None else "certified",
        variable=ladder.variable,
    )
    found: list[MeasuredRung] = []
    left_out: list[str] = []
    outcomes: dict[str, bool | None] = {h.key: True for h in rate.hypotheses}
    for rung in used.rungs:
        try:
            measured, why, conditions = measure_rung(rate, rung, ladder.variable)
        except ArithmeticError as error:
            return replace(blank, reason=f"{rung.label}: {' '.join(str(error).split())}")
        if measured is None:
            left_out.append(why)
            outcomes.update({key: value for key, value in conditions.items() if not value})
        else:
            found.append(measured)
    hypotheses = tuple(outcomes.items())
    started = replace(blank, hypotheses=hypotheses, left_out=tuple(left_out))
    if not found:
        return replace(started, status=Status.NOT_APPLICABLE, reason=f"no rung is left: {left_out[0]}")
    return conclude(started, found, direction)


def conclude(blank: RateVerdict, found: Sequence[MeasuredRung], direction: str) -> RateVerdict:
    """The verdict on measured rungs: what is read off them, and what the rule says."""
    variable = blank.variable
    if blank.left_out:
        blank = replace(blank, hypotheses=tuple((key, True) for key, _ in blank.hypotheses))
    xs = [_position(one.rung, variable) for one in found]
    rising = all(a < b for a, b in pairwise(xs))
    falling = all(a > b for a, b in pairwise(xs))
    if len(xs) > 1 and not (rising or falling):
        raise ValueError(f"ladder {blank.instance.label}: {variable} moves neither strictly up nor down")
    if rising != (direction == "up"):
        found, xs = found[::-1], xs[::-1]
    if any(_out_of_range(one.ratio) for one in found):
        reason = "the ratio is out of the range of machine numbers"
        return replace(blank, reason=reason, rungs=tuple(found), positions=tuple(xs))
    read = fit(xs, [m.truth.ball for m in found], [m.formula for m in found], [m.enclosed for m in found])
    points = []
    with balls(BITS).precision():
        for x, one in zip(xs, found, strict=True):
            points.append(Point(x if direction == "up" else 1 / x, *_ends(one.ratio)))
    letter = variable if direction == "up" else f"(1/{variable})"
    decision = decide(points, blank.relation, letter)
    worst = found[read.worst]
    functional = worst.truth
    notes = tuple(dict.fromkeys(note for one in found for note in one.truth.notes))
    engine = "certified" if functional.enclosed else "fast"
    value: Any = functional.ball if functional.enclosed else float(functional.ball.mid())
    error = 0.0 if functional.enclosed else float(functional.ball.rad())
    reason = decision.reason
    if blank.left_out:
        reason += f"; {len(blank.left_out)} of {len(blank.left_out) + len(found)} rungs are left out"
    return replace(
        blank,
        status=decision.status,
        reason=reason,
        truth=Truth("truth", value, error, engine, None, functional.method),
        bound=worst.formula,
        ratio=worst.ratio,
        notes=notes,
        rungs=tuple(found),
        fit=read,
        positions=tuple(xs),
        decision=decision,
    )


def _out_of_range(ratio: Any) -> bool:
    """Whether a ratio is not zero, and beyond what a machine number can hold."""
    size = ratio.abs_upper()
    return bool(not size.is_zero() and not (flint.arb("1e-290") < size < flint.arb("1e290")))


def _position(rung: Rung, variable: str) -> float:
    value = rung.values[variable]
    if isinstance(value, Quantity):
        return float(value_of(rung, variable).ball.mid())
    return float(value)


def _ends(ball: Any) -> tuple[float, float]:
    """The ends of a ball as floats, rounded outward."""
    low, high = float(ball.lower().mid()), float(ball.upper().mid())
    return math.nextafter(low, -math.inf), math.nextafter(high, math.inf)
