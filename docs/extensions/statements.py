"""Directives that write pages from the package's own tables, so that no formula is typed twice.

What belongs here: statements, derivations, tables and pictures as docutils nodes. Only plain nodes are
made: every builder can write them.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from typing import Any, TypeGuard

import matplotlib
from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx import addnodes
from sphinx.application import Sphinx

import diffcert
from diffcert import family
from theory.derivation import Axiom, Cases, Derivation, Lemma, Proposition, Step, is_given
from theory.identities import GROUPS, IDENTITIES
from theory.rendering import RELATIONS, latex

__all__ = ["setup"]


def _text(source: str) -> nodes.paragraph:
    """A paragraph of plain text in which `code` is marked by grave accents."""
    paragraph = nodes.paragraph()
    paragraph.extend(_inline(source))
    return paragraph


_SYMBOLS = re.compile(
    r"\b(?P<base>[A-Za-z])_(?:\((?P<sum>[^()]+)\)|(?P<index>\w)\b)|\b(?P<greek>kappa|epsilon|tau|psi)\b"
)
_SIGNS = {">=": "\u2265", "<=": "\u2264"}


def _inline(source: str) -> list[nodes.Node]:
    """Plain text in which `t_(k+1)` and `kappa` become mathematics and what is in grave accents code."""
    parts: list[nodes.Node] = []
    for i, piece in enumerate(source.split("`")):
        if i % 2:
            parts.append(_literal(piece))
            continue
        place = 0
        for found in _SYMBOLS.finditer(piece):
            parts.append(_plain(piece[place : found.start()]))
            parts.append(_math(_symbol(found)))
            place = found.end()
        parts.append(_plain(piece[place:]))
    return parts


def _symbol(found: re.Match[str]) -> str:
    if found["greek"]:
        return rf"\var{found['greek']}" if found["greek"] == "epsilon" else rf"\{found['greek']}"
    return f"{found['base']}_{{{found['sum'] or found['index']}}}"


def _plain(text: str) -> nodes.Text:
    for written, sign in _SIGNS.items():
        text = text.replace(written, sign)
    return nodes.Text(text)


def _formula(latex: str) -> nodes.math_block:
    node = nodes.math_block(latex, latex)
    node["number"], node["label"], node["nowrap"] = None, None, False
    return node


def _math(latex: str) -> nodes.math:
    return nodes.math(latex, latex)


def _labelled(label: str, *content: nodes.Node) -> nodes.paragraph:
    paragraph = nodes.paragraph()
    paragraph += nodes.strong(label, label)
    paragraph += nodes.Text(" ")
    paragraph.extend(content)
    return paragraph


def _bullets(items: Iterable[Sequence[nodes.Node]]) -> nodes.bullet_list:
    listing = nodes.bullet_list()
    for item in items:
        entry, paragraph = nodes.list_item(), nodes.paragraph()
        paragraph.extend(item)
        entry += paragraph
        listing += entry
    return listing


def _table(
    titles: Sequence[str], widths: Sequence[int], rows: Iterable[Sequence[Sequence[nodes.Node]]]
) -> nodes.table:
    table, group = nodes.table(), nodes.tgroup(cols=len(titles))
    for width in widths:
        group += nodes.colspec(colwidth=width)
    head, body = nodes.thead(), nodes.tbody()
    head += _row([[nodes.Text(title)] for title in titles])
    for cells in rows:
        body += _row(cells)
    group += head
    group += body
    table += group
    return table


def _row(cells: Sequence[Sequence[nodes.Node]]) -> nodes.row:
    row = nodes.row()
    for cell in cells:
        entry, paragraph = nodes.entry(), nodes.paragraph()
        paragraph.extend(cell)
        entry += paragraph
        row += entry
    return row


def _literal(text: str) -> nodes.literal:
    return nodes.literal(text, text)


def _anchor(kind: str, name: str) -> str:
    """The label of the section of a claim or lemma."""
    return f"{kind}-" + re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _reference(kind: str, name: str) -> addnodes.pending_xref:
    """A link to the section of a claim or lemma, on whichever page it is."""
    target = _anchor(kind, name)
    link = addnodes.pending_xref(
        "", refdomain="std", reftype="ref", reftarget=target, refexplicit=True, refwarn=True
    )
    link += nodes.inline(name, name, classes=["std", "std-ref"])
    return link


class _Page(Directive):
    """A directive that writes sections with labels."""

    def section(self, kind: str, name: str, title: str) -> nodes.section:
        """A new section that `_reference(kind, name)` links to."""
        environment = self.state.document.settings.env
        label = _anchor(kind, name)
        environment.domains.standard_domain.note_hyperlink_target(label, environment.docname, label, title)
        section = nodes.section(ids=[label], names=[label])
        section += nodes.title(title, "", *_inline(title))
        return section


# Statements


class Statements(_Page):
    """`.. statements:: theory.bounds.module`: every bound of the module, with its derivation.

    A second argument names another list of bounds than `ALL`.
    """

    required_arguments = 1
    optional_arguments = 1

    def run(self) -> list[nodes.Node]:
        """One section per statement."""
        name, which = (*self.arguments, "ALL")[:2]
        module = import_module(name)
        return [
            _statement(self.section("claim", bound.id, bound.title), diffcert.find(bound.id).bound)
            for bound in getattr(module, which)
        ]


def _framed(statement: str, *classes: str) -> nodes.container:
    frame = nodes.container(classes=["statement", *classes])
    frame += _formula(statement)
    return frame


def _statement(section: nodes.section, bound: Any) -> nodes.section:
    section += _framed(bound.latex(), *(["falsehood"] if bound.is_twin else []))
    section += _labelled("Identifier.", _literal(bound.id))
    if bound.is_twin:
        section += _labelled("What is wrong with it.", *_inline(f"{_sentence(bound.why_false)}"))
        section += _labelled("It imitates", _reference("claim", bound.twin_of), nodes.Text("."))
    section.extend(_hypotheses(bound))
    if not bound.is_twin:
        section += _labelled("Source.", *_inline(f"{bound.source}."))
        section.extend(_falsehoods(bound))
    if bound.derivation is not None:
        section.extend(_derivation(bound.derivation))
    return section


def _sentence(text: str) -> str:
    """The text with a capital, unless it begins with a symbol, and a full stop."""
    first = text[:1].upper() if text[:2].isalpha() else text[:1]
    return first + text[1:].rstrip(".") + "."


def _hypotheses(bound: Any) -> list[nodes.Node]:
    if not bound.hypotheses:
        return [_labelled("Hypotheses.", nodes.Text("None."))]
    items = []
    for hypothesis in bound.hypotheses:
        item: list[nodes.Node] = _inline(_sentence(hypothesis.text)[:-1])
        if hypothesis.relation is not None:
            item += [nodes.Text(": "), _math(hypothesis.latex())]
        item.append(nodes.Text("."))
        items.append(item)
    return [_labelled("Hypotheses."), _bullets(items)]


def _falsehoods(bound: Any) -> list[nodes.Node]:
    twins = [twin.bound for twin in diffcert.twins() if twin.bound.twin_of == bound.id]
    if not twins:
        return []
    names: list[nodes.Node] = []
    for twin in twins:
        names += [nodes.Text(", ")] if names else []
        names.append(_reference("claim", twin.id))
    return [_labelled("Planted beside it.", *names, nodes.Text("."))]


# Derivations


class Lemmas(_Page):
    """`.. lemmas::`: everything that the derivations of the claims use, the simplest first."""

    def run(self) -> list[nodes.Node]:
        """One section per proposition that is derived, and one table of what is not."""
        used = list(_all_used())
        sections: list[nodes.Node] = []
        for proposition in used:
            if _is_lemma(proposition) and proposition.title not in _IDENTITY_TITLES:
                sections.append(_proved(self, proposition))
        axioms = self.section("lemma", "axioms", "What is taken without proof")
        axioms += _text("Definitions, the hypotheses themselves, and published results.")
        axioms += _axioms(used)
        return [*sections, axioms]


class Identities(_Page):
    """`.. identities::`: the identities of the table with their derivations, and what only they use."""

    def run(self) -> list[nodes.Node]:
        """One section per group, one for what is derived on the way, one table of what is not."""
        sections = []
        for heading, group in GROUPS.items():
            section = self.section("identities", heading, heading)
            for name, derivation in group.items():
                section += _proved(self, derivation, name)
            sections.append(section)
        elsewhere = {p.title for p in _all_used() if isinstance(p, Derivation)}
        used = [p for p in _used_by(IDENTITIES.values()) if not is_given(p)]
        on_the_way = self.section("identities", "on the way", "On the way")
        for proposition in used:
            if _is_lemma(proposition) and proposition.title not in _IDENTITY_TITLES | elsewhere:
                on_the_way += _proved(self, proposition)
        axioms = self.section("identities", "axioms", "What is taken without proof here")
        known = list(_all_used())
        axioms += _text("Besides what is listed with the lemmas.")
        axioms += _axioms([p for p in used if p not in known])
        return [*sections, on_the_way, axioms]


_IDENTITY_TITLES = {derivation.title for derivation in IDENTITIES.values()}


def _is_lemma(proposition: Proposition) -> TypeGuard[Derivation]:
    """True for what is derived and is no claim."""
    return isinstance(proposition, Derivation) and _home(proposition) is None


def _proved(page: _Page, derivation: Derivation, name: str = "") -> nodes.section:
    """The section of one derivation; `name` is its key in the table of identities."""
    section = page.section("lemma", derivation.title, _sentence(derivation.title)[:-1])
    section += _framed(latex(derivation.statement))
    if name:
        section += _labelled("Name.", _literal(name))
    section.extend(_conditions(derivation))
    section.extend(_derivation(derivation))
    return section


def _axioms(used: Iterable[Proposition]) -> nodes.table:
    """A table of the axioms among propositions."""
    rows = []
    for axiom in used:
        if isinstance(axiom, Axiom):
            why = str(axiom.source) if axiom.source is not None else axiom.because
            rows.append([_inline(axiom.title), [_math(latex(axiom.statement))], _inline(_sentence(why))])
    return _table(("name", "statement", "why"), (24, 40, 36), rows)


def _true_bounds() -> list[Any]:
    return [*diffcert.bounds.ALL.values(), *diffcert.bounds.LOW_RANK.values()]


def _all_used() -> Iterator[Proposition]:
    """What the derivations of all claims use, each after what it uses itself."""
    bounds = _true_bounds()
    yield from _used_by(bound.derivation for bound in bounds if bound.derivation is not None)


def _used_by(derivations: Iterable[Derivation]) -> Iterator[Proposition]:
    """What derivations use, each after what it uses itself."""
    seen: set[Proposition | str] = set()

    def visit(proposition: Proposition) -> Iterator[Proposition]:
        name = proposition.title if isinstance(proposition, Derivation) else proposition
        if name in seen:
            return
        seen.add(name)
        if isinstance(proposition, Derivation):
            for inner in proposition.uses:
                yield from visit(inner)
        yield proposition

    for derivation in derivations:
        for proposition in derivation.uses:
            yield from visit(proposition)


def _conditions(derivation: Derivation) -> list[nodes.Node]:
    items = [[_math(latex(condition))] for condition in derivation.conditions]
    items += [_inline(hypothesis.text) for hypothesis in derivation.hypotheses]
    return [_labelled("Where"), _bullets(items)] if items else []


def _derivation(derivation: Derivation) -> list[nodes.Node]:
    """The chain, one link below the other, each with its reason; cases below it."""
    chain = nodes.bullet_list(classes=["derivation"])
    first = nodes.list_item()
    first += _formula(latex(derivation.start))
    chain += first
    for step in derivation.steps:
        link = nodes.list_item()
        sign = RELATIONS[step.relation][0]
        link += _formula(f"{sign}\\; {latex(step.rhs)}")
        link += _reason(step)
        chain += link
    parts: list[nodes.Node] = [_labelled("Derivation."), chain]
    for step in derivation.steps:
        if isinstance(step.rule, Cases):
            for hypothesis, case in step.rule.cases:
                parts.append(_labelled("Case:", *_inline(_sentence(hypothesis.text))))
                parts += _derivation(case)[1:]
    return parts


def _reason(step: Step) -> nodes.paragraph:
    """Why a link of a chain holds: its rule, with links to what the rule uses."""
    rule = step.rule
    words: list[nodes.Node] = []
    match rule:
        case Lemma():
            words += _name(rule.proposition)
            if rule.weight != 1:
                words += [nodes.Text(", weight "), _math(latex(rule.weight))]
            for variable, low, high in rule.over:
                kind = "summed over" if variable.is_integer else "integrated over"
                words += [nodes.Text(f", {kind} "), _math(latex(variable)), nodes.Text(" from ")]
                words += [_math(latex(low)), nodes.Text(" to "), _math(latex(high))]
        case Cases():
            words.append(nodes.Text("in every case"))
        case _:
            words.append(nodes.Text(rule.name))
    for i, proposition in enumerate(rule.using):
        words += [nodes.Text("; " if i else " ("), *_name(proposition)]
    if rule.using:
        words.append(nodes.Text(")"))
    if step.note:
        words += [nodes.Text("; "), *_inline(step.note)]
    paragraph = nodes.paragraph(classes=["reason"])
    paragraph.extend(words)
    return paragraph


def _name(proposition: Proposition) -> list[nodes.Node]:
    """The title of a proposition, as a link if it is proved; an assumption is spelled out."""
    if is_given(proposition):
        return [nodes.Text(f"{proposition.title} "), _math(latex(proposition.statement))]
    if not isinstance(proposition, Derivation):
        return _inline(proposition.title)
    home = _home(proposition)
    return [_reference("lemma", proposition.title) if home is None else _reference("claim", home)]


def _home(derivation: Derivation) -> str | None:
    """The claim that a derivation belongs to, if any."""
    for bound in _true_bounds():
        if bound.derivation is not None and bound.derivation.title == derivation.title:
            return str(bound.id)
    return None


# Tables


class Quantities(Directive):
    """`.. quantities::`: the symbols that a formula may use."""

    def run(self) -> list[nodes.Node]:
        """One table."""
        rows = []
        for row in diffcert.QUANTITIES.values():
            name = f"{row.key}[{row.indices}]" if row.indexed else row.key
            shown = rf"{row.latex}_k" if row.indexed else row.latex
            meaning, values = _inline(row.meaning), _inline(row.range)
            rows.append([[_literal(name)], [_math(shown)], meaning, [nodes.Text(row.unit)], values])
        titles = ("name in theory.symbols", "symbol", "meaning", "unit", "range")
        return [_table(titles, (22, 8, 40, 12, 22), rows)]


class Predicates(Directive):
    """`.. predicates::`: the hypotheses that have a name."""

    def run(self) -> list[nodes.Node]:
        """One table."""
        rows = [[[_literal(key)], _inline(meaning)] for key, meaning in diffcert.PREDICATES.items()]
        return [_table(("name", "meaning"), (20, 60), rows)]


class Family(Directive):
    """`.. family::`: the built-in targets and schedules."""

    def run(self) -> list[nodes.Node]:
        """Two tables."""
        targets = []
        for name, target in family.TARGETS.items():
            atoms = ", ".join(str(point[0]) for point in target.means)
            weights = ", ".join(str(weight) for weight in target.weights)
            if len(set(target.weights)) == 1 and len(target.weights) > 2:
                weights = f"{target.weights[0]} each"
            targets.append(
                [
                    [_literal(name)],
                    [nodes.Text(atoms)],
                    [nodes.Text(weights)],
                    [nodes.Text(str(target.variance))],
                ]
            )
        schedules = [
            [[_literal(name)], [nodes.Text(", ".join(str(count) for count in counts))]]
            for name, counts in family.STEPS.items()
        ]
        return [
            _table(("target", "means", "weights", "variance"), (14, 40, 30, 10), targets),
            _table(("schedule", "steps"), (20, 40), schedules),
        ]


# Pictures


class Picture(Directive):
    """`.. picture:: target schedule steps`: the mmse curve with the schedule's steps on it."""

    required_arguments = 3
    has_content = True

    def run(self) -> list[nodes.Node]:
        """The drawing, inline, for builders that write HTML, and its caption for all."""
        name, schedule, steps = self.arguments
        target = family.named_target(name)
        instance = diffcert.Instance(
            target,
            family.named_schedule(schedule, int(steps), target),
            target_name=name,
            schedule_name=schedule,
        )
        caption = " ".join(self.content)
        stream = io.StringIO()
        with matplotlib.rc_context({"svg.hashsalt": "diffcert"}):
            diffcert.mmse_figure(instance).savefig(
                stream, format="svg", metadata={"Date": None, "Title": caption}
            )
        drawing = stream.getvalue()
        drawing = drawing[drawing.index("<svg") :]
        return [nodes.raw("", f'<div class="picture">{drawing}</div>', format="html"), _text(caption)]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directives."""
    app.add_directive("picture", Picture)
    app.add_directive("statements", Statements)
    app.add_directive("lemmas", Lemmas)
    app.add_directive("identities", Identities)
    app.add_directive("quantities", Quantities)
    app.add_directive("predicates", Predicates)
    app.add_directive("family", Family)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
