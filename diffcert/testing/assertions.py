"""The assertions: a claim at instances, and one number beside another.

What belongs here: what is asked, at which precision, and which exception an answer becomes. What does not:
the words (`messages`), deciding (`diffcert.comparison`).

Nothing heavy is imported before the first call.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any

from diffcert.testing.records import RECORDS

if TYPE_CHECKING:
    from diffcert.claim import Claim
    from diffcert.verdict import Verdict
    from theory.statement import Bound

__all__ = [
    "Configured",
    "NotApplicableError",
    "RefutedError",
    "UndecidedError",
    "assert_bound",
    "assert_holds",
]


class RefutedError(AssertionError):
    """A claim or a bound is certainly false at an instance."""


class UndecidedError(AssertionError):
    """Neither true nor false could be shown, after the precision was raised."""


class NotApplicableError(AssertionError):
    """A hypothesis of the claim fails at the instance, which says nothing of the claim."""


class Configured(Enum):
    """The marker of an argument that the test's settings give."""

    DIGITS = "as configured"

    def __repr__(self) -> str:
        return "<as configured>"


def assert_holds(
    claim: Claim | Bound | str,
    subject: Any = None,
    schedule: Any = None,
    *,
    sampler: Any = None,
    start: str = "exact",
    snr: Any = None,
    parameters: Mapping[str, Any] | None = None,
    digits: int | Configured | None = Configured.DIGITS,
    not_applicable: str = "fail",
    undecided: str = "fail",
) -> Verdict:
    """The verdict on a claim that holds; of several instances the one of the largest truth / bound.

    `claim` is a Claim, a Bound or an id. `subject` is an Instance, a list of them, a target (with
    `schedule`, `sampler`, `start`, or `snr`, and `parameters`), or None for the claim's own instances.
    `digits` is that of the marker, the option or the configuration, else 30; None is the fast tier.
    Undecided cases are tried at more digits, as `compare` says. Where the claim does not apply,
    `not_applicable` says "fail", or "pass"; within a test of hypothesis "fail" rejects the example
    instead. `undecided` says "fail", or "pass" for searches that reach instances where both sides agree to
    more digits than there are.

    Raises RefutedError, UndecidedError or NotApplicableError, each an AssertionError that shows both
    sides, their ratio, the precision, and a call to paste; ValueError for bad arguments.
    """
    __tracebackhide__ = True
    from diffcert import registry
    from diffcert.comparison import compare
    from numerics.exact import choice

    choice(not_applicable, "not_applicable", ("fail", "pass"))
    choice(undecided, "undecided", ("fail", "pass"))
    if isinstance(claim, str) and ":" in claim:
        claim = registry.load(claim)[0].id
    asked = RECORDS.settings.digits if isinstance(digits, Configured) else digits
    cases = _instances(claim, subject, schedule, sampler, start, snr, parameters)
    verdicts = []
    for instance in cases:
        verdict = compare(claim, instance, asked)
        _judge(verdict, asked, not_applicable if len(cases) == 1 else "pass", undecided)
        verdicts.append(verdict)
    if not any(verdict.status != "not_applicable" for verdict in verdicts) and not_applicable == "fail":
        raise NotApplicableError(
            f"not applicable: {verdicts[0].claim_id} applies to none of {len(cases)} instances;"
            f" {verdicts[0].reason}"
        )
    return max(verdicts, key=_tightest)


def _tightest(verdict: Verdict) -> float:
    from diffcert.testing.messages import share_in_use

    share = share_in_use(verdict)
    return -1.0 if share is None else share


def _instances(
    claim: Any,
    subject: Any,
    schedule: Any,
    sampler: Any,
    start: str,
    snr: Any,
    parameters: Mapping[str, Any] | None,
) -> list[Any]:
    from diffcert import registry
    from diffcert.instance import Instance
    from numerics import Target
    from numerics.exact import shown

    options = {
        "schedule": schedule,
        "sampler": sampler,
        "snr": snr,
        "parameters": parameters,
        "start": None if start == "exact" else start,
    }
    if isinstance(subject, Target):
        return [Instance(subject, schedule, sampler, start, snr, parameters)]
    for name, value in options.items():
        if value is not None:
            raise ValueError(f"{name}: it belongs to a target, and {shown(subject)} is none")
    if subject is None:
        return list(registry.find(claim).family())
    if isinstance(subject, Instance):
        return [subject]
    if isinstance(subject, Iterable) and not isinstance(subject, str | bytes):
        cases = list(subject)
        for case in cases:
            if not isinstance(case, Instance):
                raise ValueError(f"subject: {shown(case)} is not an Instance")
        if cases:
            return cases
    raise ValueError(f"subject: {shown(subject)} is neither an Instance, a list of them, nor a target")


def _judge(verdict: Verdict, asked: int | None, not_applicable: str, undecided: str) -> None:
    """Count a verdict, and raise what it is in a test."""
    __tracebackhide__ = True
    from diffcert.testing import messages

    share = messages.share_in_use(verdict)
    RECORDS.add(
        verdict.claim_id, verdict.status.value, share, verdict.instance.label, repr(verdict.instance)
    )
    if verdict.status == "refuted":
        worst = RECORDS.add_refuted(verdict.claim_id, messages.excess(verdict), verdict)
        raise RefutedError(messages.report_of(verdict, asked, worst))
    if verdict.status == "undecided" and undecided == "fail":
        raise UndecidedError(messages.report_of(verdict, asked))
    if verdict.status == "not_applicable" and not_applicable == "fail":
        _reject_example()
        raise NotApplicableError(messages.report_of(verdict, asked))


def _reject_example() -> None:
    """Within a test of hypothesis: this example does not count."""
    import sys

    hypothesis = sys.modules.get("hypothesis")
    if hypothesis is not None and hypothesis.currently_in_test_context():
        hypothesis.reject()


def assert_bound(
    truth: Any,
    bound: Any,
    min_ratio: Any = None,
    *,
    relation: str = "<=",
    digits: int | Configured | None = Configured.DIGITS,
    name: str = "",
) -> Any:
    """truth / bound, where `truth relation bound` certainly holds and the ratio is at least `min_ratio`.

    Each side is a ball, a Truth, an exact number (int, Fraction, "1/3"), a float, or a function of
    the number of digits that returns one of these: functions are called again with two and four times
    the digits before anything is called undecided. For a Truth in machine numbers the error estimate
    counts as an enclosure. `relation` is <=, >=, < or >; for >= and > the ratio is bound / truth. `name`
    is what the summary calls it (default: the test). The ratio is a ball, or None where the divisor may
    be 0.

    Raises RefutedError (also for a ratio certainly below `min_ratio`) or UndecidedError; ValueError for
    bad arguments.
    """
    __tracebackhide__ = True
    from diffcert.testing.sides import Comparison
    from numerics.exact import choice, integer, rational

    choice(relation, "relation", ("<=", ">=", "<", ">"))
    least = None if min_ratio is None else rational(min_ratio, "min_ratio")
    configured = RECORDS.settings.digits if isinstance(digits, Configured) else digits
    first = 30 if configured is None else integer(configured, "digits", 1, 10_000)
    movable = callable(truth) or callable(bound)
    for factor in (1, 2, 4) if movable else (1,):
        compared = Comparison.of(truth, relation, bound, least, factor * first)
        if compared.status != "undecided":
            break
    called = name or RECORDS.settings.test.rpartition("::")[2] or "assert_bound"
    RECORDS.add(called, compared.counted, compared.share, compared.label, "")
    message = compared.message(called, first, movable)
    if compared.status == "undecided":
        raise UndecidedError(message)
    if compared.status != "holds":
        raise RefutedError(message)
    return compared.ratio
