"""Pages from views: plain docutils nodes, which every builder can write.

What belongs here: layout. What does not: what is shown (`views`), drawing the graph (`graph`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from docutils import nodes

from diffcert.sphinx import chart
from diffcert.sphinx import standing as st
from diffcert.sphinx.pieces import badge, bullets, escaped, labelled, paragraph, table, words

__all__ = ["Writer", "plot_file"]

View = dict[str, Any]
Link = Callable[[View, nodes.Node], nodes.Node]

_PLAIN = frozenset(("text", "man", "texinfo"))
"""The formats without mathematics and without frames."""

_LONGEST_REASON = 60
"""A reason of more characters has a row of its own, across the table; manual pages have no such rows."""


def _said(standing: View) -> str:
    """The status in words, with what was expected of it."""
    if not standing["expected"]:
        return str(standing["words"])
    if standing["expected"] == standing["words"]:
        return f"{standing['words']}, as expected"
    return f"{standing['words']}, but {standing['expected']} was expected"


def _evidence(standing: View) -> list[nodes.Node]:
    """Why the status is what it is."""
    return words(str(standing["evidence"]), formulas=standing["authored"])


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


class Writer:
    """Nodes for one builder: `form` is its output's format, `link` makes a link to an entry."""

    def __init__(self, form: str, link: Link) -> None:
        self.form = form
        self.link = link

    def formula(self, latex: str, plain: str) -> nodes.Node:
        """A displayed formula: mathematics, or lines of text where the format has none."""
        if self.form in _PLAIN:
            return nodes.literal_block(plain, plain, language="none")
        node = nodes.math_block(latex, latex)
        node["number"], node["label"], node["nowrap"], node["no-wrap"] = None, None, False, False
        return node

    def inline_formula(self, latex: str, plain: str) -> nodes.Node:
        """A formula within a line."""
        return nodes.Text(plain) if self.form in _PLAIN else nodes.math(latex, latex)

    def to(self, view: View) -> nodes.Node:
        """A link to an entry by its label."""
        return self.link(view, nodes.Text(view["label"]))

    def many(self, views: Sequence[View]) -> list[nodes.Node]:
        """Links parted by commas."""
        found: list[nodes.Node] = []
        for view in views:
            found += [nodes.Text(", ")] if found else []
            found.append(self.to(view))
        return found

    def standing(self, standing: View) -> nodes.paragraph:
        """The line that says what is known, and why."""
        content: list[nodes.Node] = [badge(standing["status"], _said(standing))]
        if standing["evidence"]:
            content += [nodes.Text(": "), *_evidence(standing), nodes.Text(".")]
        return labelled("Status:", *content)

    # Directives

    def theorem(
        self, view: View, title: Sequence[nodes.Node], text: Sequence[nodes.Node]
    ) -> list[nodes.Node]:
        """A statement in a frame."""
        classes = ["cert", "cert-theorem", st.class_name(view["standing"]["status"])]
        heading: nodes.Element = nodes.title("", view["label"])
        frame: nodes.Element = nodes.admonition(classes=classes)
        if self.form in _PLAIN:
            heading = nodes.paragraph("", "", nodes.strong("", view["label"]))
            frame = nodes.container(classes=classes)
        named = list(title) or words(view["title"])
        if named:
            heading += [nodes.Text(" ("), *named, nodes.Text(")")]
        frame += heading
        frame.extend(text)
        statement = view["statement"]
        if statement.get("latex"):
            frame += self.formula(statement["latex"], statement["unicode"])
            frame.extend(self._hypotheses(statement["hypotheses"]))
            if statement["falsehood"]:
                frame += labelled("What is wrong with it:", *words(statement["falsehood"]), nodes.Text("."))
        source = view["source"] or statement.get("source", "")
        if source:
            frame += labelled("Source:", *words(source), nodes.Text("."))
        if view["uses"]:
            frame += labelled("It rests on", *self.many(view["uses"]), nodes.Text("."))
        frame += self.standing(view["standing"])
        return [*_target(view), frame]

    def _hypotheses(self, hypotheses: Sequence[View]) -> list[nodes.Node]:
        if not hypotheses:
            return []
        items: list[list[nodes.Node]] = []
        for hypothesis in hypotheses:
            item = words(hypothesis["text"])
            if hypothesis["latex"]:
                item += [nodes.Text(": ")] if item else []
                item.append(self.inline_formula(hypothesis["latex"], hypothesis["plain"]))
            items.append(item)
        return [paragraph(nodes.Text("Where")), bullets(items)]

    def comparison(self, view: View, text: Sequence[nodes.Node]) -> list[nodes.Node]:
        """A table of cases, and the plot of the worst."""
        frame = nodes.container(classes=["cert", "cert-comparison"])
        result, heading = view["result"], [nodes.strong(view["label"], f"{view['label']}.")]
        about = view["statement"]
        if about is not None:
            heading += [nodes.Text(" "), self.to(about), nodes.Text(" beside the exact values.")]
        elif result:
            heading += [nodes.Text(" "), *words(result["title"]), nodes.Text(".")]
        frame += paragraph(*heading)
        frame.extend(text)
        if result and about is None:
            frame += self.formula(result["latex"], result["unicode"])
        told = [row for row in result.get("rows", ()) if row["status"] != st.NOT_APPLICABLE]
        if told:
            frame += self._cases(told)
        notes = [f"Note: {note}" for note in result.get("notes", ())]
        if result.get("left_out"):
            notes.append(f"{_counted(result['left_out'], 'further case')} not shown")
        total = sum(result.get("counts", {}).values())
        if total > len(result.get("rows", ())):
            notes.append("Of each schedule the worst case is shown")
        frame.extend(paragraph(*words(note, formulas=False), nodes.Text(".")) for note in notes)
        if len(result.get("counts", {})) > 1 or total > 1:
            idle = {row["reason"]: None for row in result["rows"] if row["status"] == st.NOT_APPLICABLE}
            why = {st.NOT_APPLICABLE: f" ({'; '.join(idle)})"} if any(idle) else {}
            # What comes out of the store is in another order.
            counts = [(word, result["counts"][word]) for word in st.ORDER if word in result["counts"]]
            counted = ", ".join(f"{word} {count}{why.get(word, '')}" for word, count in counts)
            said = f"{_counted(total, 'case')}: {counted}."
            frame += paragraph(*words(said, formulas=False))
        frame += self.standing(view["standing"])
        if view["standing"]["problem"]:
            frame += _problem(view["standing"]["problem"])
        elif result.get("constant"):
            said = f"The least constant that covers every rung is {result['constant']}."
            frame += paragraph(nodes.Text(said))
        elif view["least"]:
            frame += paragraph(nodes.Text(f"The ratio is at least {view['least']} in every case."))
        frame.extend(self._chart(result.get("points", {})))
        frame.extend(self._plot(view))
        return [*_target(view), frame]

    def _cases(self, rows: Sequence[View]) -> nodes.table:
        cells: list[Sequence[Sequence[nodes.Node]]] = []
        for row in rows:
            apart = len(row["reason"]) > _LONGEST_REASON and self.form not in _PLAIN
            short = not apart and row["reason"]
            why = words(f" ({row['reason']})", formulas=False) if short else []
            cells.append(
                [
                    [nodes.Text(row["label"]), *why],
                    *([nodes.Text(row[name])] for name in ("truth", "bound", "ratio")),
                    [badge(row["status"], row["status"])],
                ]
            )
            if apart:
                cells.append([words(row["reason"], formulas=False)])
        return table(("case", "truth", "bound", "truth / bound", "verdict"), (36, 16, 16, 16, 16), cells)

    def _chart(self, points: View) -> list[nodes.Node]:
        if self.form != "html" or sum(map(len, points.values())) < chart.LEAST_CASES:
            return []
        caption = chart.said(points)
        opening = f'<div class="cert-chart" role="img" aria-label="{escaped(caption)}">'
        drawing = nodes.raw("", f"{opening}{chart.svg(points)}</div>", format="html")
        return [drawing, paragraph(nodes.Text(caption), classes=["cert-caption"])]

    def _plot(self, view: View) -> list[nodes.Node]:
        plot = view["plot"]
        if "svg" not in plot:
            return [paragraph(nodes.Text(f"No plot: {plot['problem']}."))] if "problem" in plot else []
        caption = plot["caption"]
        shown: list[nodes.Node] = []
        if self.form == "html":
            picture = (
                f'<div class="cert-plot" role="img" aria-label="{escaped(caption)}">{plot["svg"]}</div>'
            )
            shown.append(nodes.raw("", picture, format="html"))
        elif self.form == "latex":
            include = rf"\noindent\sphinxincludegraphics{{{plot_file(plot)}}}"
            shown.append(nodes.raw("", include, format="latex"))
        else:
            caption += " The picture is on the pages in HTML and PDF."
        return [*shown, paragraph(nodes.Text(caption), classes=["cert-caption"])]

    def derivation(self, view: View, text: Sequence[nodes.Node]) -> list[nodes.Node]:
        """The chain of a derivation, each step with its reason."""
        proof, chosen = view["proof"], set(view["chosen"])
        of = view["of"]
        heading: list[nodes.Node] = [nodes.Text("Derivation of ")]
        heading += [self.to(of)] if of is not None else words(proof.get("title") or view["reference"])
        steps = proof.get("steps") or []
        shown = [number for number in range(1, len(steps) + 1) if not chosen or number in chosen]
        counted = _counted(len(steps), "step")
        if chosen and steps:
            counted = f"{_counted(len(shown), 'step')} of {len(steps)}"
        chain: list[nodes.Node] = []
        if steps:
            chain += self._chain(proof, shown)
        if view["problem"]:
            chain.append(_problem(view["problem"]))
        if proof.get("taken") and not chosen:
            chain.append(paragraph(nodes.Text("Taken without proof:")))
            chain.append(bullets(self._taken(axiom) for axiom in proof["taken"]))
        frame = nodes.container(classes=["cert", "cert-derivation"])
        if view["collapsible"] and self.form == "html":
            name = of["label"] if of is not None else proof.get("title") or view["reference"]
            summary = escaped(f"Derivation of {name} ({counted})".replace("$", "").replace("`", ""))
            chain.insert(0, nodes.raw("", f"<details><summary>{summary}</summary>", format="html"))
            chain.append(nodes.raw("", "</details>", format="html"))
        else:
            chain.insert(0, paragraph(nodes.strong("", "", *heading), nodes.Text(f" ({counted}).")))
        frame.extend(text)
        frame.extend(chain)
        return [frame]

    def _chain(self, proof: View, shown: Sequence[int]) -> list[nodes.Node]:
        parts: list[nodes.Node] = []
        if 1 in shown:
            parts.append(self.formula(proof["start"]["latex"], proof["start"]["unicode"]))
        listing = nodes.bullet_list(classes=["cert-steps"])
        for number in shown:
            step = proof["steps"][number - 1]
            item = nodes.list_item()
            item += paragraph(nodes.Text(f"Step {number}: "), *self._reason(step), nodes.Text("."))
            item += self.formula(step["latex"], f"{step['sign']}\n{step['unicode']}")
            listing += item
        parts.append(listing)
        for case in proof["cases"]:
            parts.append(labelled("Case:", *words(case["text"]), nodes.Text(".")))
            parts += self._chain(case, range(1, len(case["steps"]) + 1))
        return parts

    def _reason(self, step: View) -> list[nodes.Node]:
        return [nodes.Text(step["plain"])] if self.form in _PLAIN else words(step["reason"])

    def _taken(self, axiom: View) -> list[nodes.Node]:
        formula = self.inline_formula(axiom["latex"], axiom["plain"])
        return [*words(axiom["title"]), nodes.Text(": "), formula, nodes.Text("; "), *words(axiom["why"])]

    def status(self, view: View) -> list[nodes.Node]:
        """The table of all statements, and of all comparisons."""
        parts: list[nodes.Node] = []
        if view["statements"]:
            rows = [
                [
                    [self.to(row), nodes.Text(" "), *words(row["title"])],
                    [badge(row["standing"]["status"], _said(row["standing"]))],
                    _evidence(row["standing"]),
                    self.many(row["uses"]),
                ]
                for row in view["statements"]
            ]
            parts.append(table(("statement", "status", "why", "rests on"), (30, 14, 32, 24), rows))
        if view["comparisons"]:
            rows = [
                [
                    [self.to(row), *([nodes.Text(f" {row['name']}")] if row["name"] else [])],
                    [
                        self.to(row["of"])
                        if row["of"]
                        else nodes.literal(row["reference"], row["reference"])
                    ],
                    [badge(row["standing"]["status"], _said(row["standing"]))],
                    words(row["standing"]["problem"] or row["standing"]["evidence"], formulas=False),
                ]
                for row in view["comparisons"]
            ]
            parts.append(table(("comparison", "of", "verdict", "why"), (20, 24, 16, 40), rows))
        return parts or [paragraph(nodes.Text("Nothing is stated."))]

    def mistake(self, view: View) -> list[nodes.Node]:
        """What is wrong, in place of what was meant."""
        return [_problem(view["problem"])]

    # Roles

    def number(self, view: View) -> nodes.Node:
        """The number, and that it is wrong if it is."""
        text = view["shown"]
        if not view["problem"]:
            return nodes.inline(text, text, classes=["cert-number"])
        said = f"{text} [{view['problem']}]"
        return nodes.strong(said, said, classes=["cert-number", "cert-wrong"])

    def role_badge(self, view: View) -> nodes.Node:
        """The status of an entry, with a link to it."""
        if view["link"] is None:
            said = f"[{view['problem']}]"
            return nodes.strong(said, said, classes=["cert-wrong"])
        return self.link(view["link"], badge(view["standing"]["status"], _said(view["standing"])))


def plot_file(plot: View) -> str:
    """The name of a plot's file beside the LaTeX output."""
    from diffcert.sphinx.store import digest

    return f"cert-{digest(plot['svg'])[:16]}.pdf"


def _target(view: View) -> list[nodes.Node]:
    return [nodes.target("", "", ids=[view["anchor"]])]


def _problem(text: str) -> nodes.Node:
    frame = nodes.admonition(classes=["error", "cert", "cert-problem"])
    frame += nodes.title("Error", "Error")
    frame += paragraph(nodes.Text(text))
    return frame
