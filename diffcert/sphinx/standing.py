"""What is known of a statement, in words, from the weakest to the strongest.

What belongs here: the words, their order, and how they combine. What does not: how one of them is
found out (`tasks`), or which statement rests on which (`project`).
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = [
    "CONJECTURE",
    "DEFINITION",
    "DERIVED",
    "ERROR",
    "EXPECTABLE",
    "EXPECTABLE_OF_STATEMENTS",
    "FAILING",
    "HOLDS",
    "INCONSISTENT",
    "NOT_APPLICABLE",
    "NOT_RUN",
    "ORDER",
    "REFUTED",
    "SETTLED",
    "class_name",
    "weakest",
]

REFUTED = "refuted"
INCONSISTENT = "inconsistent"
ERROR = "error"
UNDECIDED = "undecided"
NOT_RUN = "not run"
NOT_APPLICABLE = "not applicable"
CONJECTURE = "conjecture"
CONSISTENT = "consistent"
CITED = "cited"
DERIVED = "derived"
HOLDS = "holds"
DEFINITION = "definition"

ORDER = (
    REFUTED,
    INCONSISTENT,
    ERROR,
    UNDECIDED,
    NOT_RUN,
    NOT_APPLICABLE,
    CONJECTURE,
    CONSISTENT,
    CITED,
    DERIVED,
    HOLDS,
    DEFINITION,
)
"""Every status, the weakest first. A definition claims nothing, so nothing is weakened by it."""

FAILING = (REFUTED, INCONSISTENT, ERROR, UNDECIDED, NOT_RUN)
"""The statuses that fail a build unless a document expects them (`cert_fail_on`)."""

SETTLED = frozenset((REFUTED, INCONSISTENT, NOT_APPLICABLE, CONSISTENT, CITED, DERIVED, HOLDS, DEFINITION))
"""The statuses that the sources alone decide: only these are kept in the store."""

EXPECTABLE = (HOLDS, REFUTED, UNDECIDED, NOT_APPLICABLE, CONSISTENT, INCONSISTENT)
"""The verdicts that a document may expect of a comparison."""

EXPECTABLE_OF_STATEMENTS = (*EXPECTABLE, DERIVED, CITED, CONJECTURE)
"""The statuses that it may expect of a statement."""


def weakest(statuses: Iterable[str]) -> str:
    """The weakest of the statuses; "definition" (nothing is claimed) if there are none."""
    return min(statuses, key=ORDER.index, default=DEFINITION)


def class_name(status: str) -> str:
    """The name of the style class of a status."""
    return f"cert-status-{status.replace(' ', '-')}"
