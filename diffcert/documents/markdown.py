"""A report as Markdown: headings, tables and bars of text, with nothing that needs a renderer.

What belongs here: Markdown's markup and its escapes. What does not: what a report says (`model`).
"""

from __future__ import annotations

import re

from diffcert.documents.charts import bars
from diffcert.documents.model import Document, Entry
from diffcert.documents.rates import RATE_HEADS, further, rate_cells

__all__ = ["markdown"]

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~])")


def markdown(document: Document) -> str:
    """The document as Markdown text."""
    lines = [f"# {document.title}", "", f"{_text(document.summary)}.", "", f"{_text(document.tier)} "]
    lines[-1] += f"Written by diffcert {_text(document.version)}."
    lines += ["", "| claim | verdicts | constant | attained at |", "|---|---|---:|---|"]
    for entry in document.entries:
        extreme = entry.extreme
        place = "" if extreme is None else _text(extreme.label)
        lines.append(f"| `{_code(entry.id)}` | {_text(entry.words)} | {entry.constant} | {place} |")
    lines += ["", _constant_text(document)]
    for entry in document.entries:
        lines += ["", *_section(entry)]
    if document.notes:
        lines += ["", "## Notes", "", *(f"- {_text(note)}" for note in document.notes)]
    return "\n".join(lines) + "\n"


def _constant_text(document: Document) -> str:
    if document.twins:
        return "A planted falsehood is refuted by a ratio above 1 (below 1 for a lower bound)."
    return (
        "The constant is the least c with truth <= c bound on every case (the largest with truth >= c"
        " bound for a lower bound)."
    )


def _section(entry: Entry) -> list[str]:
    lines = [f"## {_text(entry.title)}", "", f"`{_code(entry.id)}`, {_text(entry.source)}", ""]
    lines += ["```latex", entry.statement.replace("```", ""), "```", ""]
    lines += [f"- needs: {_text(text)}" for text in entry.hypotheses]
    lines += [f"- verdicts: {_text(entry.words)}"]
    lines += [
        f"- not applicable to {count} case{'s' * (count != 1)}: {_text(reason)}"
        for reason, count in entry.needs
    ]
    if entry.is_rate:
        lines += ["", f"| ladder | {' | '.join(RATE_HEADS)} | verdict |", "|---|---:|---:|---:|---:|---|"]
        for case in entry.rows:
            found = " | ".join(_text(text) for text in (case.label, *rate_cells(case)))
            reason = f" ({_text(case.reason)})" if case.reason else ""
            lines.append(f"| {found} | {_text(case.words)}{reason} |")
        said = [(case, line) for case in entry.rows for line in further(case)]
        return [*lines, "", *(f"- {_text(case.label)}: {_text(line)}" for case, line in said)]
    if entry.rows:
        lines += [
            "",
            "| worst case | bound | truth | truth / bound | verdict |",
            "|---|---:|---:|---:|---|",
        ]
        for case in entry.rows:
            reason = f" ({_text(case.reason)})" if case.reason else ""
            cells = (case.bound, case.truth, case.ratio, _text(case.words) + reason)
            lines.append(f"| {_text(case.label)} | {' | '.join(cells)} |")
    drawn = bars(entry.rows)
    if drawn:
        lines += ["", "```text", *(line.replace("```", "") for line in drawn), "```"]
    return lines


def _text(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _code(text: str) -> str:
    return " ".join(text.replace("`", "'").replace("|", "/").split())
