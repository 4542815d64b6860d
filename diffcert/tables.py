"""Reports for people: tables whose every digit is certified, and the lines below them.

What belongs here: which rows there are and how numbers are rounded. What does not: the record and
its JSON (`report`), options and streams (`commands`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from diffcert.enclosure import certified_digits
from diffcert.instance import Instance
from diffcert.rates.ladder import Ladder
from diffcert.rates.verdict import RateVerdict
from diffcert.registry import AnyClaim
from diffcert.report import Report, families
from diffcert.verdict import Status, Verdict

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["counterexamples", "describe", "natural_width", "remarks", "table"]

_STYLES = {
    Status.REFUTED: "bold red",
    Status.INCONSISTENT: "bold red",
    Status.UNDECIDED: "bold yellow",
    Status.NOT_APPLICABLE: "dim",
}

_WIDEST = 76


def describe(instance: Instance | Ladder) -> str:
    """The exact inputs of an instance on one line; a ladder by its label."""
    if isinstance(instance, Ladder):
        return instance.label
    if instance.kind in ("low_rank", "li_cai_wei"):
        return repr(instance)
    parts = [repr(instance.target)]
    if instance.schedule is not None:
        parts.append(repr(instance.schedule))
    if instance.sampler is not None:
        parts.append(repr(instance.sampler))
    if instance.start != "exact":
        parts.append(f"start {instance.start}")
    parts += [f"{name} = {value}" for name, value in instance.parameters]
    if instance.snr is not None:
        parts.append(f"snr = {instance.snr}")
    return ", ".join(parts)


def _heading(claim: AnyClaim) -> str:
    """The claim and where it comes from."""
    source = claim.bound.source
    authors = source.paper.split(",")[0]
    return f"{claim.id} ({authors}{', ' + source.theorem if source.theorem else ''})"


@dataclass(frozen=True)
class _Row:
    label: str
    status: Status
    numbers: tuple[str, str, str] = ("", "", "")
    reason: str = ""


def _numbers(verdict: Verdict) -> tuple[str, str, str]:
    """Bound, truth and ratio, to digits that their enclosures or error estimates support."""
    if verdict.truth is None or verdict.bound is None:
        return "", "", ""
    value, error = verdict.truth.value, verdict.truth.error
    truth = certified_digits(value, 6, error)
    bound = certified_digits(verdict.bound, 6, _rounding(verdict.bound))
    if verdict.ratio is None:
        return bound, truth, ""
    half = _rounding(verdict.ratio)
    if error and value:
        half += abs(verdict.ratio) * error / abs(value)
    return bound, truth, certified_digits(verdict.ratio, 5, half)


def _rounding(value: Any) -> float:
    return 1e-12 * abs(value) if isinstance(value, float) else 0.0


def _worst_of(verdict: Verdict, members: Sequence[Verdict]) -> str:
    """The case and how many it is the worst of, with those that are not applicable set apart."""
    idle = sum(1 for member in members if member.status is Status.NOT_APPLICABLE)
    if len(members) == 1:
        return verdict.instance.label
    left_out = f"; {idle} not applicable" if idle else ""
    return f"{verdict.instance.label} (worst of {len(members) - idle}{left_out})"


def _row(verdict: Verdict, label: str) -> _Row:
    reason = verdict.reason
    if isinstance(verdict, RateVerdict):
        reason = "\n".join([*verdict.lines, reason])
    return _Row(label, verdict.status, _numbers(verdict), reason)


def _worst_rows(verdicts: Sequence[Verdict]) -> Iterator[_Row]:
    """The worst case of each schedule family; families to which the claim does not apply in one row."""
    idle: dict[str, list[tuple[str, int]]] = {}
    for worst, members in families(verdicts):
        if worst.status is Status.NOT_APPLICABLE:
            name = worst.instance.schedule_name or "every case"
            idle.setdefault(worst.reason, []).append((name, len(members)))
        else:
            yield _row(worst, _worst_of(worst, members))
    for reason, left_out in idle.items():
        names = ", ".join(name for name, _ in left_out)
        count = sum(cases for _, cases in left_out)
        label = f"{names} ({count} case{'s' * (count != 1)})"
        yield _Row(label, Status.NOT_APPLICABLE, reason=reason)


def table(report: Report, every: bool = False) -> Table:
    """A rich table: the worst case of each claim and schedule family, or every case.

    The claims are headings, unless all verdicts are about one instance: then it is the title, and
    each claim has one row. Ratio is truth / bound.
    """
    from rich.table import Table
    from rich.text import Text

    instances = {verdict.instance for verdict in report.verdicts}
    single = instances.pop() if every and len(instances) == 1 else None
    first = "claim (source), worst case (target, schedule, steps)"
    if every:
        first = "claim (source)" if single else "claim (source), case"
    made = Table(show_edge=False, pad_edge=False, title_justify="left")
    made.title = None if single is None else Text(single.label)
    made.add_column(first, overflow="fold", max_width=_WIDEST)
    for name in ("bound", "truth", "ratio"):
        made.add_column(name, justify="right", no_wrap=True)
    made.add_column("verdict")

    def add(row: _Row, indent: str) -> None:
        label = Text(indent + row.label)
        if row.reason:
            for line in row.reason.splitlines():
                label.append(f"\n{indent}  {line}", style="dim")
        verdict = Text(row.status.text, style=_STYLES.get(row.status, "green"))
        made.add_row(label, *row.numbers, verdict)

    for claim in report.claims:
        verdicts = report.of(claim)
        if single is not None:
            for verdict in verdicts:
                add(_row(verdict, _heading(claim)), "")
            continue
        made.add_section()
        made.add_row(Text(_heading(claim), style="bold"))
        rows = (_row(v, v.instance.label) for v in verdicts) if every else _worst_rows(verdicts)
        for row in rows:
            add(row, "  ")
    return made


def natural_width(made: Table, least: int = 80) -> int:
    """The width at which a table is printed without folding more than it asks for."""
    from rich.console import Console

    wide = Console(width=10_000)
    return max(least, wide.measure(made).maximum)


def remarks(report: Report) -> list[str]:
    """What the reader of the table should know besides: notes, and cases that do not hold."""
    notes = {note: None for verdict in report.verdicts for note in verdict.notes}
    lines = [f"note: {note}" for note in notes]
    for verdict in report.verdicts:
        if verdict.status is Status.UNDECIDED:
            lines.append(f"undecided: {verdict.claim_id} at {verdict.instance.label}: {verdict.reason}")
        elif verdict.status.is_against:
            word = verdict.status.text
            lines.append(f"{word}: {verdict.claim_id} at {describe(verdict.instance)}")
    return lines


def counterexamples(report: Report) -> list[str]:
    """The first refutation of each claim, with its exact inputs."""
    found: dict[str, str] = {}
    for verdict in report.verdicts:
        if verdict.status.is_against:
            found.setdefault(verdict.claim_id, describe(verdict.instance))
    return [f"counterexample to {claim_id}: {inputs}" for claim_id, inputs in found.items()]
