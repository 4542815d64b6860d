"""What each placeholder shows, as plain data that a page is made of and nothing else.

What belongs here: choosing what is shown. Two equal views make equal pages, so a page is written anew
exactly if one of its views has changed. What does not: nodes (`content`, `graph`).
"""

from __future__ import annotations

from typing import Any

from diffcert.sphinx import standing as st
from diffcert.sphinx.findings import Findings
from diffcert.sphinx.project import Entry, Record
from diffcert.sphinx.store import digest

__all__ = ["page_digests", "view"]

View = dict[str, Any]


def _link(entry: Entry) -> View:
    return {"docname": entry.docname, "anchor": entry.anchor, "label": entry.label, "name": entry.name}


def _standing(findings: Findings, entry: Entry) -> View:
    """The badge and the words behind it, with what was expected and what is wrong."""
    standing = findings.standing[entry]
    expected = entry.record.get("expect")
    return {
        "status": standing.status,
        "words": standing.words,
        "expected": "" if expected in (None, st.HOLDS) else str(expected),
        "evidence": standing.evidence,
        "authored": standing.authored,
        "problem": standing.problem,
    }


def _theorem(findings: Findings, record: Record, entry: Entry) -> View:
    described = findings.described(entry)
    checked = findings.checked(entry) if described.get("status") == "" else {}
    kept = ("latex", "unicode", "hypotheses", "source", "falsehood")
    return {
        **_link(entry),
        "title": described.get("title", ""),
        "statement": {key: described[key] for key in kept if key in described},
        "source": record.get("source", ""),
        "standing": _standing(findings, entry),
        "uses": [_link(used) for used in findings.uses.get(entry, [])],
        "checked": checked.get("counts", {}),
    }


def _comparison(findings: Findings, record: Record, entry: Entry) -> View:
    result = {} if entry.problem else findings.compared(entry)
    kept = (
        "claim",
        "title",
        "latex",
        "unicode",
        "relation",
        "digits",
        "rows",
        "left_out",
        "notes",
        "counts",
        "constant",
        "points",
    )
    return {
        **_link(entry),
        "statement": None if entry.statement is None else _link(entry.statement),
        "result": {key: result[key] for key in kept if key in result},
        "plot": result.get("plot", {}) if record.get("plot") else {},
        "least": record.get("min-ratio", ""),
        "standing": _standing(findings, entry),
    }


def _derivation(findings: Findings, record: Record) -> View:
    described, statement, problem = findings.of_derivation(record)
    kept = ("title", "start", "steps", "cases", "taken")
    return {
        "of": None if statement is None else _link(statement),
        "reference": record.get("of", ""),
        "proof": {} if problem and not described.get("steps") else {k: described.get(k) for k in kept},
        "problem": problem,
        "chosen": record.get("steps", []),
        "collapsible": bool(record.get("collapsible")),
    }


def _row(findings: Findings, entry: Entry) -> View:
    title = entry.record.get("title") or findings.described(entry).get("title") or entry.name
    uses = [_link(used) for used in findings.uses.get(entry, [])]
    return {**_link(entry), "title": title, "standing": _standing(findings, entry), "uses": uses}


def _compared_row(findings: Findings, entry: Entry) -> View:
    what = entry.statement
    return {
        **_link(entry),
        "of": None if what is None else _link(what),
        "reference": str(entry.record.get("of", "")),
        "standing": _standing(findings, entry),
    }


def view(findings: Findings, docname: str, place: int) -> View:
    """What the placeholder at a place shows."""
    project = findings.project
    record = project.records[docname][place]
    kind = record["type"]
    shown: View = {"type": kind, "problem": record["problem"]}
    if kind in ("theorem", "comparison"):
        entry = project.entries[docname, place]
        make = _theorem if kind == "theorem" else _comparison
        return {**shown, **make(findings, record, entry)}
    if kind == "derivation":
        return {**shown, **_derivation(findings, record)}
    if kind == "number":
        return {**shown, "shown": record["shown"], "problem": findings.of_number(record)}
    if kind in ("badge", "reference"):
        found = project.named.get(record.get("of", ""))
        standing = None if found is None else _standing(findings, found)
        if kind == "reference":
            standing = None
        link = None if found is None else _link(found)
        return {**shown, "link": link, "standing": standing, "problem": findings.of_link(record)}
    if kind in ("status", "graph"):
        statements, comparisons = project.statements(), project.comparisons()
        if record.get("here"):
            comparisons = [entry for entry in comparisons if entry.docname == docname]
            wanted = {entry for entry in statements if entry.docname == docname}
            if kind == "graph":
                wanted |= {used for entry in list(wanted) for used in findings.reached(entry)}
            statements = [entry for entry in statements if entry in wanted]
        return {
            **shown,
            "statements": [_row(findings, entry) for entry in statements],
            "comparisons": [_compared_row(findings, entry) for entry in comparisons],
        }
    return shown


def page_digests(findings: Findings) -> dict[str, str]:
    """Document -> digest of all that its placeholders show."""
    records = findings.project.records
    return {
        docname: digest([view(findings, docname, place) for place in range(len(records[docname]))])
        for docname in findings.project.order
    }
