"""A report as one HTML file: MathML and SVG in it, no script, no network.

What belongs here: HTML's markup, its escapes and the style. What does not: what a report says
(`model`), charts (`charts`), formulas (`mathml`).
"""

from __future__ import annotations

from html import escape

from diffcert.documents.charts import svg
from diffcert.documents.mathml import mathml
from diffcert.documents.model import Case, Document, Entry
from diffcert.documents.rates import RATE_HEADS, further, rate_cells, rate_svg

__all__ = ["html"]

_STYLE = """\
:root{color-scheme:light dark}
body{font:15px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem}
h1,h2{line-height:1.2}h2{margin-top:2.5rem}
table{border-collapse:collapse;width:100%;margin:1rem 0}
th,td{padding:.25rem .6rem;text-align:left;vertical-align:top;border-bottom:1px solid #8884}
td.number,th.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
code{font-family:ui-monospace,monospace;font-size:.9em}
.statement{margin:1rem 0;font-size:1.15em;overflow:auto hidden;padding:.4rem 0}
.refuted,.inconsistent{color:#c0262d;font-weight:bold}.undecided{color:#b8860b;font-weight:bold}
.holds,.consistent,.below_the_bound_float{color:#1a7f37}
svg{max-width:100%;height:auto}.small{font-size:.9em;opacity:.8}
"""


def html(document: Document) -> str:
    """The document as HTML text, which shows all there is without a network."""
    rows = "\n".join(_summary_row(place, entry) for place, entry in enumerate(document.entries))
    sections = "\n".join(_section(place, entry) for place, entry in enumerate(document.entries))
    notes = "".join(f"<li>{_text(note)}</li>" for note in document.notes)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{_text(document.title)}</title>
<style>
{_STYLE}</style>
</head>
<body>
<h1>{_text(document.title)}</h1>
<p>{_text(document.summary)}. {_text(document.tier)} Written by diffcert {_text(document.version)}.</p>
<table>
<thead><tr><th>claim</th><th>verdicts</th><th class="number">constant</th><th>attained at</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
<p class="small">{_constant_text(document)}</p>
{sections}
{f"<h2>Notes</h2><ul>{notes}</ul>" if notes else ""}
</body>
</html>
"""


def _constant_text(document: Document) -> str:
    if document.twins:
        return "A planted falsehood is refuted by a ratio above 1 (below 1 for a lower bound)."
    return (
        "The constant is the least c with truth &le; c bound on every case (the largest with truth &ge;"
        " c bound for a lower bound)."
    )


def _summary_row(place: int, entry: Entry) -> str:
    attained = "" if entry.extreme is None else _text(entry.extreme.label)
    return (
        f'<tr><td><a href="#claim-{place}"><code>{_text(entry.id)}</code></a></td>'
        f'<td class="{entry.status}">{_text(entry.words)}</td>'
        f'<td class="number">{_text(entry.constant)}</td><td>{attained}</td></tr>'
    )


def _section(place: int, entry: Entry) -> str:
    table = _rate_table if entry.is_rate else _table
    parts = [
        f'<h2 id="claim-{place}">{_text(entry.title)}</h2>',
        f"<p><code>{_text(entry.id)}</code>, {_text(entry.source)}</p>",
        f'<div class="statement">{mathml(entry.statement)}</div>',
        "<ul>",
        *(f"<li>needs: {_text(text)}</li>" for text in entry.hypotheses),
        f"<li>verdicts: {_text(entry.words)}</li>",
        *(
            f"<li>not applicable to {count} case{'s' * (count != 1)}: {_text(reason)}</li>"
            for reason, count in entry.needs
        ),
        "</ul>",
    ]
    parts += table(entry)
    drawn = rate_svg(entry) if entry.is_rate else svg(entry)
    return "\n".join([*parts, f"<p>{drawn}</p>"] if drawn else parts)


def _table(entry: Entry) -> list[str]:
    parts: list[str] = []
    if entry.rows:
        parts += [
            '<table><thead><tr><th>worst case</th><th class="number">bound</th>'
            '<th class="number">truth</th><th class="number">truth / bound</th>'
            "<th>verdict</th></tr></thead>",
            "<tbody>",
            *(_row(case) for case in entry.rows),
            "</tbody></table>",
        ]
    return parts


def _rate_table(entry: Entry) -> list[str]:
    """The ladders of a rate: least constant, trend, exponents with their spread."""
    rows = []
    for case in entry.rows:
        reason = f'<br><span class="small">{_text(case.reason)}</span>' if case.reason else ""
        more = "".join(f"<br>{_text(line)}" for line in further(case))
        numbers = "".join(f'<td class="number">{_text(text)}</td>' for text in rate_cells(case))
        rows.append(
            f'<tr><td>{_text(case.label)}<span class="small">{more}</span></td>{numbers}'
            f'<td class="{case.status}">{_text(case.words)}{reason}</td></tr>'
        )
    heads = "".join(f'<th class="number">{_text(head)}</th>' for head in RATE_HEADS)
    head = f"<table><thead><tr><th>ladder</th>{heads}<th>verdict</th></tr></thead>"
    return [head, "<tbody>", *rows, "</tbody></table>"] if rows else []


def _row(case: Case) -> str:
    reason = f'<br><span class="small">{_text(case.reason)}</span>' if case.reason else ""
    numbers = "".join(
        f'<td class="number">{_text(text)}</td>' for text in (case.bound, case.truth, case.ratio)
    )
    return (
        f"<tr><td>{_text(case.label)}</td>{numbers}"
        f'<td class="{case.status}">{_text(case.words)}{reason}</td></tr>'
    )


def _text(text: str) -> str:
    return escape(" ".join(text.split()), quote=True)
