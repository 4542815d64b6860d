"""What the assertions of one test run found: how tight each claim was, and where.

What belongs here: counting, the worst ratio, plain data between processes, the summary's lines, and the
settings of the test that runs. What does not: evaluating anything. Only the standard library is imported.
"""

from __future__ import annotations

import json
import math
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["DIGITS", "RECORDS", "Records", "Settings", "Tightness", "summary_lines"]

DIGITS = 30
"""Digits of a comparison where nobody says otherwise."""

_WORDS = {"not_applicable": "n/a", "below_the_bound_float": "below (float)"}
_KEYS = ("counts", "ratio", "label", "example", "test")


@dataclass(frozen=True)
class Settings:
    """Precision and store of the test that runs; `test` is its node id."""

    test: str = ""
    digits: int | None = DIGITS
    store: Path | None = None


@dataclass
class Tightness:
    """What was found about one claim: how often each status, and the largest share of its bound in use.

    `ratio` is truth / bound for an upper bound and bound / truth for a lower one, `label` the instance
    in words, `example` the call that makes it, `test` the test that found it.
    """

    counts: Counter[str] = field(default_factory=Counter)
    ratio: float | None = None
    label: str = ""
    example: str = ""
    test: str = ""

    def add(self, other: Tightness) -> None:
        """Take in what was found elsewhere."""
        self.counts.update(other.counts)
        if other.ratio is not None and (self.ratio is None or other.ratio > self.ratio):
            self.ratio, self.label = other.ratio, other.label
            self.example, self.test = other.example, other.test


class Records:
    """The findings of a process; those of the running test and the refuted verdicts apart."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.settings = Settings()
        self._pending: dict[str, Tightness] = {}
        self._refuted: dict[str, list[tuple[float, Any]]] = {}

    @contextmanager
    def using(self, settings: Settings) -> Iterator[None]:
        """The context in which a test runs; what it refutes is forgotten at the beginning of the next."""
        before, self.settings = self.settings, settings
        with self._lock:
            self._refuted.clear()
        try:
            yield
        finally:
            self.settings = before

    def add(self, claim: str, status: str, ratio: float | None, label: str, example: str) -> None:
        """Note one verdict."""
        finite = None if ratio is None or math.isnan(ratio) else ratio
        found = Tightness(Counter({status: 1}), finite, label, example, self.settings.test)
        with self._lock:
            self._pending.setdefault(claim, Tightness()).add(found)

    def add_refuted(self, claim: str, ratio: float, verdict: Any) -> Any:
        """The verdict of the largest excess among those refuted in this test, this one included.

        The last one is kept as well: hypothesis ends with the simplest.
        """
        with self._lock:
            known = self._refuted.setdefault(claim, [(ratio, verdict)] * 2)
            known[1] = (ratio, verdict)
            if ratio > known[0][0]:
                known[0] = (ratio, verdict)
            return known[0][1]

    def refuted(self) -> dict[str, tuple[Any, Any]]:
        """Claim -> the simplest and the worst verdict that refuted it in this test."""
        with self._lock:
            return {claim: (last[1], worst[1]) for claim, (worst, last) in self._refuted.items()}

    def take(self) -> str | None:
        """The findings since the last call as JSON text, or None if there are none."""
        with self._lock:
            pending, self._pending = self._pending, {}
        if not pending:
            return None
        rows = {claim: {key: getattr(found, key) for key in _KEYS} for claim, found in pending.items()}
        return json.dumps(rows)


RECORDS = Records()
"""The findings of this process."""


def merged(texts: Iterable[str]) -> dict[str, Tightness]:
    """What `take` wrote, in this process or in others, joined by claim."""
    total: dict[str, Tightness] = {}
    for text in texts:
        for claim, row in json.loads(text).items():
            found = Tightness(**{**row, "counts": Counter(row["counts"])})
            total.setdefault(claim, Tightness()).add(found)
    return total


def summary_lines(texts: Iterable[str], examples: bool = False) -> list[str]:
    """The table of a run: for each claim how often each status came, the worst ratio, and where.

    With `examples` the call that makes the worst instance follows.
    """
    total = merged(texts)
    width = max((len(claim) for claim in total), default=0)
    lines = []
    for claim in sorted(total):
        found = total[claim]
        counts = ", ".join(f"{_WORDS.get(s, s)} {n}" for s, n in sorted(found.counts.items()))
        line = f"{claim:{width}}  {counts}"
        if found.ratio is not None:
            line += f"; worst found {found.ratio:.6g} at {found.label}"
        lines.append(line)
        if examples and found.example:
            lines.append(f"    {found.example}")
    return lines
