"""A certificate's verdict derived again, by a route that shares no value with the first.

What belongs here: what is derived, at how many digits, and what is said where it does not fit. What
does not: reading certificates (`certificate`), options and processes (`commands`).

Three things are asked of a certificate.

- Its parts: their digests, the claim's declaration against the registry's, the inputs against the
  rules, the sources against those here.
- Its verdict: truth, bound and the relations among the hypotheses in mpmath, with that engine's own
  quadrature and the formula lowered anew. If the sides differ by the fraction m of the larger one,
  ceil(-log10 m) digits tell them apart; six more are taken. An identity, which no digits tell apart,
  is looked at to 13. Named conditions of a schedule and the
  convexity of the mmse have no second route and are decided again in balls.
- Its decimals: the comparison is made again in balls. Where its enclosures are not the stated ones to
  the letter, each stated interval must contain a ball of at least twelve more digits.

An mpmath value carries an error estimate and no proof: this route can expose a wrong verdict, the
proof of a right one is in the balls.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import flint
import mpmath

from diffcert.bindings import Values
from diffcert.certificate import Certificate, claim_part, interval, verdict_part
from diffcert.comparison import Evaluation, compare, precisions
from diffcert.enclosure import ball_text, certified_digits
from diffcert.hypotheses import check as check_hypothesis
from diffcert.independent import IndependentValues
from diffcert.inputs import read_instance
from diffcert.instance import Instance
from diffcert.rates.certificate import RateCertificate
from diffcert.sources import sources_digest, versions
from diffcert.verdict import Status, Verdict, decide
from numerics.channel import MOST_DIGITS
from theory import symbols
from theory.lowering import lower
from theory.statement import Bound

__all__ = ["Check", "Checker"]

SPARE_DIGITS = 6
REFINED_DIGITS = 12
IDENTITY_DIGITS = 13
"""An identity is looked at to this many digits in mpmath; its further ones are known from balls alone."""

_LADDER = 3
"""Digits are raised to 7, 10, 13, ...: certificates on one target then share values."""

_LEVEL_DIGITS = 19
"""Digits for sides whose balls overlap and that were decided all the same: they are exactly equal."""

_SHOWN = 16
"""Characters of a mantissa that are shown in a finding."""

_FINE = Status.HOLDS, Status.REFUTED


@dataclass(frozen=True)
class Check:
    """What became of deriving a certificate's verdict again.

    `findings` says, part by part, what does not fit; none means that it agrees. `digits` is the
    precision of the mpmath route, None where there was nothing to evaluate.
    """

    certificate: Certificate
    findings: tuple[str, ...]
    digits: int | None = None
    remarks: tuple[str, ...] = ()

    @property
    def agrees(self) -> bool:
        """Whether everything that the certificate says was found again."""
        return not self.findings

    @property
    def text(self) -> str:
        """ "agree" or "disagree"."""
        return "agree" if self.agrees else "disagree"


class Checker:
    """Checks certificates; those on the same instance share its values."""

    def __init__(self) -> None:
        self._instance: Instance | None = None
        self._evaluation: Evaluation | None = None
        self._independent: dict[int, Values] = {}

    def check(self, certificate: Certificate, *, any_sources: bool = False) -> Check:
        """What became of deriving the verdict again."""
        if isinstance(certificate, RateCertificate):
            return certificate.check(any_sources=any_sources)
        data = certificate.data
        findings = [
            f"{part}: its digest does not fit; it was changed after it was issued"
            for part in certificate.changed_parts()
            if part != "all" or certificate.changed_parts() == ["all"]
        ]
        findings += sources_findings(data["made_with"]["sources"], any_sources)
        remarks = version_remarks(data["made_with"])
        bound, wrong = _claim(data["claim"])
        findings += wrong
        instance, wrong = _instance(data["instance"])
        findings += wrong
        digits: int | None = None
        if bound is not None and instance is not None:
            self._use(instance)
            try:
                digits, wrong = self._derive(bound, instance, data)
            except (ArithmeticError, ValueError) as error:
                wrong = [f"verdict: it could not be derived again: {error}"]
            findings += wrong
        return Check(certificate, tuple(dict.fromkeys(findings)), digits, tuple(remarks))

    def _use(self, instance: Instance) -> None:
        if instance != self._instance:
            self._instance = instance
            self._evaluation = Evaluation(instance)
            self._independent = {}

    def _values(self, instance: Instance, digits: int) -> Values:
        """Values in mpmath at that many digits or a few more."""
        for known in sorted(self._independent):
            if digits <= known <= digits + SPARE_DIGITS:
                return self._independent[known]
        self._independent[digits] = IndependentValues(instance, digits)
        return self._independent[digits]

    def _derive(self, bound: Bound, instance: Instance, data: Any) -> tuple[int | None, list[str]]:
        again = _again(bound, instance, data["method"]["asked"], self._evaluation)
        findings = list(_verdict(data, again, set(instance.target.notes)))
        digits: int | None = None
        if again.truth is not None and again.bound is not None and again.status in _FINE:
            digits, wrong = self._independently(bound, instance, again, data)
            findings += wrong
        findings += self._hypotheses(bound, instance, again, digits or SPARE_DIGITS + 1)
        findings += self._decimals(bound, instance, again, data)
        return digits, findings

    # The second route

    def _independently(
        self, bound: Bound, instance: Instance, again: Verdict, data: Any
    ) -> tuple[int, list[str]]:
        digits, level = _digits_needed(again)
        findings: list[str] = []
        for wanted in dict.fromkeys((digits, min(2 * digits + SPARE_DIGITS, MOST_DIGITS))):
            try:
                findings = list(self._at(bound, instance, again, data, wanted, level))
            except (ArithmeticError, ValueError) as error:
                return wanted, [f"verdict: the second route does not reach it: {error}"]
            digits = wanted
            if not findings:
                break
        return digits, findings

    def _at(
        self, bound: Bound, instance: Instance, again: Verdict, data: Any, digits: int, level: bool
    ) -> Iterator[str]:
        values = self._values(instance, digits)
        truth = values.truth(symbols.key_of(bound.truth))
        with values.precision():
            right = lower(bound.formula)(values.arithmetic, values)
            left = truth.value
            larger = max(abs(left), abs(right))
            slack = _slack(left, larger, digits) + mpmath.mpf(truth.error)
            for name, number, error in (
                ("truth", left, slack),
                ("bound", right, _slack(right, larger, digits)),
            ):
                if data[name] is not None and not _inside(data[name], number, error):
                    shown = mpmath.nstr(number, min(digits, 12))
                    where = f"mpmath finds {shown} at {digits} digits"
                    yield f"{name}: {where}, the certificate {_said(data[name])}"
            both = slack + _slack(right, larger, digits)
            outcome = _outcome(left, again.relation, right, both, level)
        status = data["verdict"]["status"]
        found = {True: "holds", False: "refuted", None: "undecided"}[outcome]
        if found != status:
            yield f"verdict: the certificate says {status}, mpmath at {digits} digits finds {found}"

    def _hypotheses(self, bound: Bound, instance: Instance, again: Verdict, digits: int) -> Iterator[str]:
        """Relations among the hypotheses, decided again in mpmath."""
        relations = {h.key: h for h in bound.hypotheses if h.relation is not None}
        for key, outcome in again.hypotheses:
            if outcome is None or key not in relations:
                continue
            found = check_hypothesis(relations[key], self._values(instance, digits))
            if found is not None and found != outcome:
                yield f"verdict: hypothesis {key} is {outcome} in balls and {found} in mpmath"

    # Every decimal

    def _decimals(self, bound: Bound, instance: Instance, again: Verdict, data: Any) -> Iterator[str]:
        digits = again.digits or data["method"]["digits"]
        known = {
            "truth": None if again.truth is None else again.truth.value,
            "bound": again.bound,
            "ratio": again.ratio,
        }
        finer: dict[str, Any] | None = None
        for name, ball in known.items():
            stated = data[name]
            if (stated is None) != (ball is None):
                yield f"{name}: it is {'missing' if stated is None else 'stated, and there is none'}"
                continue
            if stated is None or (stated["mid"], stated["rad"]) == ball_text(ball, digits):
                continue
            if finer is None:
                finer = self._finer(bound, instance, digits)
            if not _contains(stated, finer[name]):
                shown = certified_digits(finer[name], min(digits, _SHOWN))
                yield f"{name}: the stated interval {_said(stated)} does not contain the value {shown}"
            elif not _as_sharp(stated, ball):
                yield f"{name}: the stated radius {stated['rad']} is not that of {digits} digits"

    def _finer(self, bound: Bound, instance: Instance, digits: int) -> dict[str, Any]:
        values = Values(instance, min(digits + REFINED_DIGITS, MOST_DIGITS))
        truth = values.truth(symbols.key_of(bound.truth)).value
        with values.precision():
            right = lower(bound.formula)(values.arithmetic, values)
            ratio = flint.arb("nan") if right.contains(0) else truth / right
        return {"truth": truth, "bound": right, "ratio": ratio}


def _again(bound: Bound, instance: Instance, digits: int, shared: Evaluation | None) -> Verdict:
    """The comparison in balls; what cannot be evaluated is undecided, as in a run over a family."""
    try:
        return compare(bound, instance, digits, shared)
    except ValueError as error:
        return Verdict(
            Status.UNDECIDED, bound.id, instance, bound.relation, digits=digits, reason=str(error)
        )


# The parts


def sources_findings(stated: str, any_sources: bool) -> list[str]:
    """What is said of sources that are not those here."""
    if stated == sources_digest() or any_sources:
        return []
    return [
        f"made_with: sources {stated[:12]} are not those here ({sources_digest()[:12]});"
        " --any-sources accepts others"
    ]


def version_remarks(made_with: Any) -> list[str]:
    """What is said of versions that are not those here."""
    here, there = versions(), made_with["versions"]
    differing = [name for name in sorted({*here, *there}) if here.get(name) != there.get(name)]
    return [f"{name} {there.get(name, 'none')}, here {here.get(name, 'none')}" for name in differing]


def _claim(stated: Any) -> tuple[Bound | None, list[str]]:
    """The registry's bound of that id, and what the certificate says otherwise about it."""
    from diffcert import registry

    try:
        if ":" in stated["id"]:
            raise ValueError(f"{stated['id'][:80]!r} is not an id; name modules with --claim")
        bound = registry.find(stated["id"]).bound
    except ValueError as error:
        return None, [f"claim: {error}"]
    here = claim_part(bound)
    if not isinstance(bound, Bound):
        return None, [f"claim: {bound.id} is a rate, and this is no certificate of one"]
    differing = [key for key in here if here[key] != stated[key]]
    return bound, [f"claim: its {key} is not that of {bound.id} here" for key in differing]


def _instance(stated: Any) -> tuple[Instance | None, list[str]]:
    try:
        instance = read_instance(stated)
    except ValueError as error:
        return None, [f"instance: {error}"]
    from diffcert.inputs import exact_inputs

    if exact_inputs(instance) != stated:
        return instance, ["instance: it is not in the form in which instances are written"]
    return instance, []


def _verdict(data: Any, again: Verdict, seen: set[str]) -> Iterator[str]:
    """What was decided again in balls, beside what is stated."""
    here, stated = verdict_part(again, seen), data["verdict"]
    if here["status"] != stated["status"]:
        yield f"verdict: the certificate says {stated['status'][:40]}, derived again it is {here['status']}"
    for key in ("relation", "reason", "hypotheses", "notes"):
        if here[key] != stated[key]:
            yield f"verdict: its {key} is not the one that was derived again"
    method = data["method"]
    quadrature = None if again.truth is None else again.truth.method
    functional = None if again.truth is None else again.truth.functional
    if (method["engine"], method["quadrature"]) != (again.engine, quadrature):
        yield "method: engine and quadrature are not those of this verdict"
    if (again.digits or method["asked"]) != method["digits"]:
        yield f"method: digits {method['digits']}, derived again {again.digits}"
    if method["digits"] not in precisions(method["asked"]):
        yield f"method: {method['digits']} digits do not come from {method['asked']} asked for"
    if data["truth"] is not None and data["truth"]["functional"] != functional:
        yield f"truth: the functional is {functional}, not {data['truth']['functional'][:40]}"


def _digits_needed(verdict: Verdict) -> tuple[int, bool]:
    """Digits that tell the sides apart and six more; and whether the sides are exactly equal.

    For an identity: those to which it was claimed and six more, but at most `IDENTITY_DIGITS`.
    """
    least = SPARE_DIGITS + 1
    if verdict.relation == "==" and verdict.status is Status.HOLDS:
        return min((verdict.digits or 1) + SPARE_DIGITS, IDENTITY_DIGITS), False
    truth, bound = verdict.truth.value if verdict.truth else flint.arb(0), verdict.bound
    if truth.overlaps(bound):  # it was decided in rational numbers, or both balls are one point
        return _LEVEL_DIGITS, True
    from numerics.arithmetic import balls

    with balls(64 + int(abs(truth - bound).mid().bits())).precision():
        margin = abs(truth - bound).abs_lower() / abs(truth).abs_upper().max(abs(bound).abs_upper())
        lost = 0 if not margin > 0 else math.ceil(-float(margin.log().mid()) / math.log(10))
    rungs = -(-max(0, lost + SPARE_DIGITS - least) // _LADDER)
    return min(least + rungs * _LADDER, MOST_DIGITS), False


def _slack(number: Any, larger: Any, digits: int) -> Any:
    """What rounding and cancellation may cost a value that is asked for to `digits` digits."""
    return abs(number) * mpmath.mpf(10) ** (2 - digits) + larger * mpmath.mpf(10) ** (-2 * digits)


def _outcome(left: Any, relation: str, right: Any, slack: Any, level: bool) -> bool | None:
    if not (mpmath.isfinite(left) and mpmath.isfinite(right)):
        return decide(left, relation, right)
    if level or relation == "==":
        if abs(left - right) <= slack:
            return relation in ("<=", ">=", "==")
        return decide(left, relation, right)
    if abs(left - right) <= slack:
        return None
    return decide(left, relation, right)


def _inside(stated: Any, number: Any, error: Any) -> bool:
    """Whether a value lies within its error of the stated interval."""
    ends = interval(stated)
    if ends is None:
        return True
    low, high = (mpmath.mpf(end.numerator) / end.denominator for end in ends)
    return bool(low - error <= number <= high + error)


def _contains(stated: Any, ball: Any) -> bool:
    """Whether the stated interval certainly contains the whole ball."""
    ends = interval(stated)
    if ends is None:
        return not ball.is_finite()
    low, high = (flint.fmpq(end.numerator, end.denominator) for end in ends)
    from numerics.arithmetic import balls

    with balls(256 + int(ball.mid().bits())).precision():
        return bool(flint.arb(low) <= ball and ball <= flint.arb(high))


def _as_sharp(stated: Any, ball: Any) -> bool:
    """Whether the stated radius is at most a thousand times that of the ball, or two last digits."""
    from fractions import Fraction

    rounded = Fraction(ball_text(ball, 30)[1]) if ball.is_finite() else None
    if rounded is None or stated["rad"] == "inf":
        return rounded is None and stated["rad"] == "inf"
    return Fraction(stated["rad"]) <= 1000 * max(rounded, Fraction(ball_text(ball, 60)[1]))


def _said(stated: Any) -> str:
    mantissa, exponent_sign, exponent = stated["mid"].partition("e")
    shown = mantissa if len(mantissa) <= _SHOWN else f"{mantissa[:_SHOWN]}..."
    return f"{shown}{exponent_sign}{exponent} +/- {stated['rad'][:20]}"
