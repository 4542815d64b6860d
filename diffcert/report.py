"""Report: the verdicts of a run, which of them are the worst, and the run as JSON in full precision.

What belongs here: the record and its file. What does not: evaluating cases (`verification`), tables
for people (`tables`). Nothing here depends on the clock.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from diffcert.registry import AnyClaim
from diffcert.verdict import Status, Verdict

__all__ = ["Report", "families", "write_json"]

FORMAT = "diffcert report 1"

_SEVERITY = {
    Status.REFUTED: 5,
    Status.INCONSISTENT: 4,
    Status.UNDECIDED: 3,
    Status.HOLDS: 2,
    Status.BELOW_THE_BOUND_FLOAT: 2,
    Status.CONSISTENT: 2,
    Status.NOT_APPLICABLE: 0,
}


@dataclass(frozen=True)
class Report:
    """The verdicts of a run, in the order of claims and instances.

    `missing` counts cases that were planned and not finished (an interrupted run). A run of planted
    falsehoods (`twins`) succeeds if each is refuted, or inconsistent if it is a rate; any other if no case
    is refuted, inconsistent or undecided.
    """

    claims: tuple[AnyClaim, ...]
    verdicts: tuple[Verdict, ...]
    digits: int | None
    missing: int = 0
    twins: bool = False

    @property
    def counts(self) -> dict[str, int]:
        """Status -> number of cases; refuted and undecided are always there."""
        found = Counter(verdict.status for verdict in self.verdicts)
        always = (Status.REFUTED, Status.UNDECIDED)
        return {status.value: found[status] for status in Status if found[status] or status in always}

    @property
    def succeeded(self) -> bool:
        """Whether the run is complete and says what it was to say."""
        if self.missing:
            return False
        if self.twins:
            refuted = {v.claim_id for v in self.verdicts if v.status.is_against}
            return refuted == {claim.id for claim in self.claims}
        return all(verdict.status.passes for verdict in self.verdicts)

    @property
    def summary(self) -> str:
        """One line: how many cases of how many claims, and what became of them."""
        tier = "in machine numbers" if self.digits is None else f"at {self.digits} digit{_s(self.digits)}"
        cases, claims = len(self.verdicts), len(self.claims)
        what = "planted falsehood" if self.twins else "claim"
        parts = ", ".join(f"{Status(name).text} {count}" for name, count in self.counts.items())
        line = f"{cases} case{_s(cases)} of {claims} {what}{_s(claims)} {tier}: {parts}"
        return line + (f"; {self.missing} not finished" if self.missing else "")

    def of(self, claim: AnyClaim) -> tuple[Verdict, ...]:
        """The verdicts on one claim."""
        return tuple(verdict for verdict in self.verdicts if verdict.claim_id == claim.id)

    def worst(self) -> tuple[Verdict, ...]:
        """For each claim and schedule family the case that says most against the claim.

        Refuted before undecided before the rest; among equals the one nearest to its bound.
        """
        return tuple(row[0] for claim in self.claims for row in families(self.of(claim)))

    def to_dict(self) -> dict[str, Any]:
        """The report as plain JSON data: every case in full precision, no timings, no dates."""
        from diffcert import __version__

        return {
            "format": FORMAT,
            "version": __version__,
            "digits": self.digits,
            "units": "nats for information and KL, squared length for the mmse",
            "planted_falsehoods": self.twins,
            "succeeded": self.succeeded,
            "summary": self.summary,
            "counts": self.counts,
            "missing": self.missing,
            "claims": [
                {
                    "id": claim.id,
                    "title": claim.title,
                    "statement": claim.bound.latex(),
                    "hypotheses": [
                        {"key": hypothesis.key, "text": hypothesis.text}
                        for hypothesis in claim.bound.hypotheses
                    ],
                    "source": str(claim.source),
                }
                for claim in self.claims
            ],
            "cases": [verdict.to_dict() for verdict in self.verdicts],
        }

    def to_json(self) -> str:
        """The report as JSON text."""
        return json.dumps(self.to_dict(), indent=1, ensure_ascii=False) + "\n"


def _s(count: int) -> str:
    return "" if count == 1 else "s"


# The worst case


def _closeness(verdict: Verdict) -> float:
    """How near the truth is to its bound: the ratio, or its inverse for a lower bound."""
    if verdict.ratio is None:
        return 0.0
    ratio = verdict.ratio
    value = float(ratio.mid()) if hasattr(ratio, "mid") else float(ratio)
    if verdict.relation == ">=":
        return 1 / value if value else float("inf")
    return abs(value - 1) if verdict.relation == "==" else value


def _badness(verdict: Verdict) -> tuple[int, float]:
    closeness = _closeness(verdict)
    return _SEVERITY[verdict.status], closeness if closeness == closeness else float("inf")


def families(verdicts: Sequence[Verdict]) -> Iterator[tuple[Verdict, tuple[Verdict, ...]]]:
    """The worst verdict of each schedule family, with all of that family."""
    groups: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        groups.setdefault(verdict.instance.schedule_name, []).append(verdict)
    for members in groups.values():
        yield max(members, key=_badness), tuple(members)


# Files


def _is_stream(path: Path) -> bool:
    """Whether the path is a device or a pipe, or what standard output or error is written to."""
    if path.exists() and not path.is_file():
        return True
    for descriptor in (1, 2):
        with suppress(OSError):
            if os.path.samestat(path.stat(), os.fstat(descriptor)):
                return True
    return False


def write_text(path: Path, text: str) -> None:
    """Write a file in one step: a reader sees the old content or the new, never a part.

    A symbolic link stays, and the file that it leads to is written; a device, a pipe or the standard
    output's own file gets the text appended.
    """
    if _is_stream(path):
        with path.open("a", encoding="utf-8", errors="backslashreplace") as stream:
            stream.write(text)
        return
    path = Path(os.path.realpath(path))
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as stream:
            stream.write(text)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(name, 0o666 & ~mask)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_json(report: Report, path: str | Path) -> None:
    """Write the report as JSON, in one step."""
    write_text(Path(path), report.to_json())
