"""The statements, comparisons and numbers of a whole project: names, numbers, and what has to be computed.

What belongs here: gathering records in the order of the table of contents. What does not: what came out
(`findings`), nodes (`content`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from diffcert.sphinx.evaluation import Job
from diffcert.sphinx.store import digest

__all__ = ["Entry", "Project", "Settings", "anchor"]

Record = dict[str, Any]
_CHECKED_DIGITS = 15
_LONGEST_SECONDS = 86_400.0


@dataclass(frozen=True)
class Settings:
    """What a configuration says about evaluation and about what fails a build."""

    digits: int = 30
    timeout: float = 300.0
    fail_on: frozenset[str] = frozenset()


def anchor(name: str) -> str:
    """The id of a statement on its page."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    # Names that differ only in what an id cannot hold stay apart.
    return f"cert-{plain}" if plain == name else f"cert-{plain}-{digest(name)[:6]}"


@dataclass(eq=False)
class Entry:
    """A statement or a comparison, with its number and what others call it."""

    record: Record
    docname: str
    number: int
    problem: str = ""
    object: str = ""
    """The id or `module:attribute` of what is stated or compared; "" if there is none."""
    comparisons: list[Entry] = field(default_factory=list)
    statement: Entry | None = None

    @property
    def name(self) -> str:
        """The name that the author gave, or ""."""
        return str(self.record.get("name", ""))

    @property
    def kind(self) -> str:
        """What it is called: theorem, lemma, ..., comparison."""
        if self.record["type"] == "comparison":
            return "comparison"
        return str(self.record.get("kind", "theorem"))

    @property
    def label(self) -> str:
        """The kind and number: "Theorem 3"."""
        return f"{self.kind.capitalize()} {self.number}"

    @property
    def anchor(self) -> str:
        """The id on its page."""
        return anchor(self.name) if self.name and not self.problem else f"cert-{self.kind}-{self.number}"

    @property
    def hint(self) -> str:
        """What a link to it shows when it is pointed at."""
        return str(self.record.get("title") or self.name).replace("$", "")


class Project:
    """All that the documents of a project claim, numbered in the order of `documents`."""

    def __init__(
        self, records: Mapping[str, Sequence[Record]], order: Sequence[str], settings: Settings
    ) -> None:
        self.records = records
        self.order = [docname for docname in order if docname in records]
        self.settings = settings
        self.entries: dict[tuple[str, int], Entry] = {}
        self.named: dict[str, Entry] = {}
        self.results: dict[str, dict[str, Any]] = {}
        self._gather()
        for entry in self.entries.values():
            if entry.kind == "comparison":
                self._attach(entry)

    def _gather(self) -> None:
        numbers = {"statement": 0, "comparison": 0}
        for docname, place, record in self.all_records():
            if record["type"] not in ("theorem", "comparison"):
                continue
            counter = "comparison" if record["type"] == "comparison" else "statement"
            numbers[counter] += 1
            entry = Entry(record, docname, numbers[counter], record["problem"])
            entry.object = str(record.get("object", ""))
            self.entries[docname, place] = entry
            if not entry.name:
                continue
            first = self.named.setdefault(entry.name, entry)
            if first is not entry:
                # A page does not tell where on this machine it was built.
                line = re.split(r"[\\/]", str(first.record["where"]))[-1]
                entry.problem = f"the name {entry.name!r} is taken: {line}"

    def _attach(self, comparison: Entry) -> None:
        """Find what a comparison is of, and tell every statement of the same object."""
        of = str(comparison.record.get("of", ""))
        stated = self.named.get(of)
        if stated is not None and stated.kind != "comparison":
            comparison.statement, comparison.object = stated, stated.object
            if not stated.object and not comparison.problem:
                comparison.problem = f"of: {stated.label} ({of}) has no object that could be compared"
        else:
            comparison.object = of
            comparison.statement = next((s for s in self.statements() if of and s.object == of), None)
        for statement in self.statements():
            same = statement.object != "" and statement.object == comparison.object
            if same or statement is comparison.statement:
                statement.comparisons.append(comparison)

    def all_records(self) -> Iterator[tuple[str, int, Record]]:
        """Document, place and record of everything, in order."""
        for docname in self.order:
            for place, record in enumerate(self.records[docname]):
                yield docname, place, record

    def statements(self) -> list[Entry]:
        """The statements, in order."""
        return [entry for entry in self.entries.values() if entry.kind != "comparison"]

    def comparisons(self) -> list[Entry]:
        """The comparisons, in order."""
        return [entry for entry in self.entries.values() if entry.kind == "comparison"]

    # What has to be computed

    def timeout(self, record: Record) -> float:
        """The seconds that a record's evaluation may take."""
        given = record.get("timeout")
        numerator, _, denominator = str(self.settings.timeout if given is None else given).partition("/")
        return min(float(numerator) / float(denominator or 1), _LONGEST_SECONDS)

    def task(self, operation: str, entry: Entry) -> dict[str, Any]:
        """The task of an operation on an entry's object.

        A statement that is compared over the same instances is not evaluated a second time to be checked.
        """
        record = entry.record
        if operation == "check":
            given = (record.get("params"), record.get("digits"))
            for comparison in entry.comparisons:
                beside = comparison.record
                same = (beside.get("params"), record.get("digits") and beside.get("digits")) == given
                if same and not comparison.problem:
                    return self.task("comparison", comparison)
        compared = operation in ("check", "comparison")
        # Whole families are checked to fewer digits; an undecided case raises them by itself.
        usual = min(self.settings.digits, _CHECKED_DIGITS) if operation == "check" else self.settings.digits
        return {
            "operation": operation,
            "object": entry.object,
            "params": record.get("params") if compared else None,
            "digits": record.get("digits", usual) if compared else 0,
            "plot": bool(record.get("plot")),
        }

    def object_task(self, operation: str, reference: str) -> dict[str, Any]:
        """The task of an operation on an object that no entry has."""
        return {"operation": operation, "object": reference, "params": None, "digits": 0, "plot": False}

    def derived_object(self, record: Record) -> tuple[str, Entry | None, str]:
        """What a derivation is of: the object, the statement if there is one, and what is wrong."""
        of = str(record.get("of", ""))
        stated = self.named.get(of)
        if stated is None or stated.kind == "comparison":
            return of, None, ""
        problem = "" if stated.object else f"of: {stated.label} ({of}) has no object with a derivation"
        return stated.object, stated, problem

    def jobs(self) -> Iterator[Job]:
        """All that has to be computed."""
        for entry in self.entries.values():
            if entry.problem or not entry.object:
                continue
            seconds = self.timeout(entry.record)
            operations = ("comparison",) if entry.kind == "comparison" else ("statement", "check")
            for operation in operations:
                yield Job(self.task(operation, entry), seconds)
        for _, _, record in self.all_records():
            if record["problem"]:
                continue
            if record["type"] == "derivation":
                reference, _, problem = self.derived_object(record)
                if reference and not problem:
                    yield Job(self.object_task("statement", reference), self.timeout(record))
            elif record["type"] == "number" and ":" in record["source"]:
                yield Job(self.object_task("number", record["source"]), self.timeout(record))

    def result(self, task: dict[str, Any]) -> dict[str, Any]:
        """The result of a task; "not run" where nothing was computed."""
        missing = {"status": "not run", "message": "this builder evaluates nothing"}
        return self.results.get(digest(task), missing)
