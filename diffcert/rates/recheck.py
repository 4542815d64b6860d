"""A certificate of a rate derived again.

What belongs here: what is derived, and what is said where it does not fit. What does not: the certificate
(`certificate`), the one of a single instance (`diffcert.recheck`).

- Its parts: digests, the claim's declaration, the ladder, the sources.
- What was read off: the least constant in rational arithmetic, and every fitted exponent by normal
  equations in mpmath, from the stated decimals; the fit and the verdict as a whole, from the same.
- What was measured: every rung is measured again, by the first route and by the second one of its quantity
  where there is one, and the formula in mpmath. The intervals have to meet. From what the second route
  finds the rule is applied once more.

A quantity without a second route, and rungs that it does not reach, are named among the remarks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import mpmath

from diffcert import recheck as single
from diffcert.certificate import claim_part, interval
from diffcert.enclosure import certified_digits
from diffcert.rates.certificate import RateCertificate, stated_rungs, stated_verdict
from diffcert.rates.claim import RateClaim
from diffcert.rates.ladder import Ladder, Quantity, Rung
from diffcert.rates.quantities import BITS, FLOAT_FLOOR, MEASURED, Measured, measure
from diffcert.rates.refit import refit
from diffcert.rates.verdict import MeasuredRung, RateVerdict, judge, lowered, value_of
from diffcert.recheck import Check
from diffcert.verdict import Status
from numerics.arithmetic import balls, mpmath_numbers
from theory.rate import Rate

__all__ = ["check"]

_DIGITS = 40
_SHARP = 1000
"""A stated radius may be this much larger than the one found again."""


def check(certificate: RateCertificate, *, any_sources: bool = False) -> Check:
    """What became of deriving the verdict on a rate again."""
    data = certificate.data
    changed = certificate.changed_parts()
    findings = [
        f"{part}: its digest does not fit; it was changed after it was issued"
        for part in changed
        if part != "all" or changed == ["all"]
    ]
    findings += single.sources_findings(data["made_with"]["sources"], any_sources)
    remarks = single.version_remarks(data["made_with"])
    claim, wrong = _claim(data["claim"])
    findings += wrong
    ladder, wrong = _ladder(data["ladder"])
    findings += wrong
    if claim is not None and ladder is not None:
        try:
            more, said = _derive(claim.bound, ladder, data)
        except (ArithmeticError, ValueError) as error:
            more, said = [f"verdict: it could not be derived again: {' '.join(str(error).split())}"], []
        findings += more
        remarks += said
    return Check(certificate, tuple(dict.fromkeys(findings)), None, tuple(dict.fromkeys(remarks)))


def _claim(stated: Any) -> tuple[RateClaim | None, list[str]]:
    from diffcert import registry

    try:
        if ":" in stated["id"]:
            raise ValueError(f"{stated['id'][:80]!r} is not an id; name modules with --claim")
        found = registry.find(stated["id"])
    except ValueError as error:
        return None, [f"claim: {error}"]
    if not isinstance(found, RateClaim):
        return None, [f"claim: {found.id} is not a rate"]
    here = claim_part(found.bound)
    differing = [key for key in here if here[key] != stated[key]]
    return found, [f"claim: its {key} is not that of {found.id} here" for key in differing]


def _ladder(stated: Any) -> tuple[Ladder | None, list[str]]:
    try:
        ladder = Ladder.from_dict(stated)
    except ValueError as error:
        return None, [f"ladder: {error}"]
    if ladder.to_dict() != stated:
        return ladder, ["ladder: it is not in the form in which ladders are written"]
    return ladder, []


def _derive(rate: Rate, ladder: Ladder, data: Any) -> tuple[list[str], list[str]]:
    stated = data["verdict"]
    try:
        again = judge(rate, ladder)
    except ValueError as error:
        again = RateVerdict(
            Status.UNDECIDED,
            rate.id,
            ladder,  # type: ignore[arg-type]
            rate.relation,
            reason=str(error),
        )
    findings = list(_measured(again, ladder, data))
    for key in ("relation", "left_out", "hypotheses"):
        here = {
            "relation": again.relation,
            "left_out": list(again.left_out),
            "hypotheses": [[name, outcome] for name, outcome in again.hypotheses],
        }[key]
        if here != stated[key]:
            findings.append(f"verdict: its {key} is not the one that was derived again")
    if again.status.value != stated["status"]:
        said = stated["status"][:40]
        findings.append(f"verdict: the certificate says {said}, derived again it is {again.status.value}")
    if not again.rungs:
        if again.reason != stated["reason"] or data["fit"] is not None or any(data["rungs"]):
            findings.append("verdict: its reason is not the one that was derived again")
        return findings, []
    if any(
        (part is None) != (rung not in {m.rung for m in again.rungs}) for rung, part in _pairs(ladder, data)
    ):
        return [*findings, "rungs: they are not those that the hypotheses leave"], []
    findings += _read_off(rate, ladder, again, data)
    more, remarks = _second(rate, ladder, again, data)
    return findings + more, remarks


def _pairs(ladder: Ladder, data: Any) -> Iterator[tuple[Rung, Any]]:
    return zip(ladder.rungs, data["rungs"], strict=True)


# What was measured


def _measured(again: RateVerdict, ladder: Ladder, data: Any) -> Iterator[str]:
    """The stated intervals beside those that are found again by the first route."""
    known = {rung.rung: rung for rung in again.rungs}
    for rung, part in _pairs(ladder, data):
        found = known.get(rung)
        if part is None or found is None:
            continue
        for name, ball in (("truth", found.truth.ball), ("formula", found.formula)):
            where = f"rungs: {rung.label}: {name}"
            yield from _beside(where, part[name], ball, sharp=True, proven=found.enclosed)
        if (part["enclosed"], part["method"]) != (found.enclosed, found.truth.method):
            yield f"rungs: {rung.label}: how it was measured is not what was derived again"


def _beside(
    where: str, part: Any, ball: Any, *, sharp: bool = False, proven: bool = False
) -> Iterator[str]:
    low, high = _ends(ball)
    ends = interval(part)
    if ends is None:
        yield f"{where}: the stated interval is not finite"
        return
    if ends[1] < low or high < ends[0]:
        shown = certified_digits(ball, 12)
        yield f"{where}: {shown} is found, the certificate says {part['mid'][:18]} +/- {part['rad'][:12]}"
    floor = FLOAT_FLOOR * max(abs(low), abs(high))
    if sharp and (ends[1] - ends[0]) > _SHARP * max(high - low, floor):
        yield f"{where}: the stated radius {part['rad'][:12]} is wider than what was measured"
    if proven and (ends[1] - ends[0]) < (high - low - floor) / 2:
        yield f"{where}: the stated radius {part['rad'][:12]} is narrower than what was measured"


def _ends(ball: Any) -> tuple[Fraction, Fraction]:
    """The ends of a ball, exactly, and a last digit of room."""
    with balls(4 * BITS).precision():
        low, high = ball.lower().fmpq(), ball.upper().fmpq()
    ends = Fraction(int(low.p), int(low.q)), Fraction(int(high.p), int(high.q))
    room = max(abs(ends[0]), abs(ends[1])) / 10**30
    return ends[0] - room, ends[1] + room


# What was read off


def _read_off(rate: Rate, ladder: Ladder, again: RateVerdict, data: Any) -> Iterator[str]:
    rungs = stated_rungs(ladder, data["rungs"])
    found = stated_verdict(rate, ladder, rungs, again.left_out, again.hypotheses)
    if found.fit is None and data["fit"] is None:
        if (found.status.value, found.reason) != (data["verdict"]["status"], data["verdict"]["reason"]):
            yield "verdict: status and reason are not what the stated rungs give"
        return
    if found.fit is None or found.fit.to_dict() != data["fit"]:
        yield "fit: it is not what the stated rungs give"
        return
    if (found.status.value, found.reason) != (data["verdict"]["status"], data["verdict"]["reason"]):
        yield "verdict: status and reason are not what the stated rungs give"
    parts = [part for part in data["rungs"] if part is not None]
    up = rate.variables[ladder.variable] == "up"
    xs = [_float_of(m.rung, ladder.variable) for m in rungs]
    for name, value in refit(xs, parts, up=up).items():
        stated = data["fit"][name]
        if stated is None or value is None:
            if stated is not value:
                yield f"fit: {name} is {'missing' if stated is None else 'stated, and there is none'}"
        elif not _close(float(stated if isinstance(stated, str) else stated["value"]), value):
            yield f"fit: {name} is {value:.6g} by normal equations, the certificate says otherwise"
    yield from _constant(data["fit"]["constant"], parts)
    for m in again.rungs:
        bound, truth = _ends(m.formula)[0], _ends(m.truth.ball)[1]
        if truth > Fraction(data["fit"]["constant"]) * bound * (1 + FLOAT_FLOOR * _SHARP):
            yield f"fit: the least constant does not cover what is found on the rung {m.rung.label}"


def _close(stated: float, value: float) -> bool:
    return abs(stated - value) <= 1e-5 * max(1.0, abs(value))


def _constant(stated: str, parts: Sequence[Any]) -> Iterator[str]:
    """The least constant, in rational arithmetic."""
    ratios = []
    for part in parts:
        truth, formula = interval(part["truth"]), interval(part["formula"])
        if truth is None or formula is None or not formula[0] > 0:
            yield "fit: constant: a rung has no finite ratio"
            return
        ratios.append(truth[1] / formula[0])
    largest, constant = max(ratios), Fraction(stated)
    if largest > constant * (1 + Fraction(1, 10**12)):
        yield f"fit: the least constant {stated} does not cover every rung"
    elif largest < constant * (1 - Fraction(2, 10**3)):
        yield f"fit: the least constant {stated} is not the least one"


def _float_of(rung: Rung, variable: str) -> float:
    return float(value_of(rung, variable).ball.mid())


# The second route


def _second(rate: Rate, ladder: Ladder, again: RateVerdict, data: Any) -> tuple[list[str], list[str]]:
    findings: list[str] = []
    remarks: list[str] = []
    row = MEASURED[rate.truth]
    if row.second is None:
        remarks.append(f"{rate.truth}: no second route is known, it was measured twice by the first")
    parts = dict(_pairs(ladder, data))
    others: list[MeasuredRung] = []
    for one in again.rungs:
        label, part = one.rung.label, parts[one.rung]
        findings += _formula(rate, one.rung, part["formula"], label, remarks)
        if row.second is None:
            continue
        try:
            truth = measure(rate.truth, one.rung.arguments, second=True)
        except ArithmeticError as error:
            remarks.append(
                f"{label}: the second route does not reach it: {' '.join(str(error).split())[:100]}"
            )
            others.append(one)
            continue
        findings += _beside(
            f"rungs: {label}: truth, by {row.second_route or 'the second route'}", part["truth"], truth.ball
        )
        with balls(BITS).precision():
            others.append(replace(one, truth=truth, ratio=truth.ball / one.formula))
    if row.second is not None and not findings:
        other = stated_verdict(rate, ladder, tuple(others), again.left_out, again.hypotheses)
        if other.status is not again.status and Status.UNDECIDED not in (other.status, again.status):
            findings.append(f"verdict: what the second route finds is {other.status.value}")
    return findings, remarks


def _formula(rate: Rate, rung: Rung, part: Any, label: str, remarks: list[str]) -> Iterator[str]:
    """The formula in mpmath, with the second routes of what is measured in it."""
    ops = mpmath_numbers(_DIGITS)
    formula, _ = lowered(rate)
    numbers: dict[str, Any] = {}
    slack = 0.0
    with ops.precision():
        for name in formula.symbols:
            found = _symbol(rung, name, remarks)
            low, high = _ends(found.ball)
            middle = (low + high) / 2
            numbers[name] = mpmath.mpf(middle.numerator) / middle.denominator
            if not isinstance(rung.values[name], Fraction):
                slack += 100 * float((high - low) / middle) + 1e-12
        value = formula(ops, numbers)
        ends = interval(part)
        if ends is None:
            yield f"rungs: {label}: formula: the stated interval is not finite"
            return
        low, high = (mpmath.mpf(end.numerator) / end.denominator for end in ends)
        room = abs(value) * (mpmath.mpf(10) ** -15 + slack)
        if not low - room <= value <= high + room:
            found = mpmath.nstr(value, 12)
            yield f"rungs: {label}: formula: mpmath finds {found}, the certificate says otherwise"


def _symbol(rung: Rung, name: str, remarks: list[str]) -> Measured:
    value = rung.values[name]
    if not isinstance(value, Quantity):
        return value_of(rung, name)
    if MEASURED[value.name].second is None:
        remarks.append(f"{value.name}: no second route is known")
        return value_of(rung, name)
    arguments = rung.arguments if value.arguments is None else value.arguments
    try:
        return measure(value.name, arguments, second=True)
    except ArithmeticError:
        remarks.append(f"{value.name}: the second route does not reach {rung.label}")
        return value_of(rung, name)
