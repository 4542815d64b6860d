"""Directives that write tables of the package that state nothing: symbols, hypotheses, instances, axioms.

What belongs here: tables as docutils nodes, by the pieces of `diffcert.sphinx`. What does not: statements
(`claims`), pictures (`pictures`).
"""

from __future__ import annotations

from typing import Any

import sympy as sp
from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.addnodes import only
from sphinx.application import Sphinx

import diffcert
from diffcert import Bound, Rate, family
from diffcert.rates import MEASURED
from diffcert.sphinx.lemmas import claimed, used_by
from diffcert.sphinx.pieces import bullets, table, words
from theory import IDENTITIES
from theory.derivation import Axiom, is_given
from theory.rendering import latex
from theory.symbols import key_of

__all__ = ["setup"]


def _literal(text: str) -> nodes.literal:
    return nodes.literal(text, text)


def _math(formula: str) -> nodes.math:
    return nodes.math(formula, formula)


def _sentence(text: str) -> str:
    """The text with a capital, unless it begins with a symbol, and a full stop."""
    return (text[:1].upper() if text[:2].isalpha() else text[:1]) + text[1:].rstrip(".") + "."


class Axioms(Directive):
    """`.. axioms::`: what the derivations of claims and identities take without proof."""

    def run(self) -> list[nodes.Node]:
        """One table."""
        derivations = [bound.derivation for bound in claimed() if bound.derivation is not None]
        rows = []
        for axiom in used_by([*derivations, *IDENTITIES.values()]):
            if isinstance(axiom, Axiom) and not is_given(axiom):
                why = str(axiom.source) if axiom.source is not None else axiom.because
                rows.append([words(axiom.title), [_math(latex(axiom.statement))], words(_sentence(why))])
        return [table(("name", "statement", "why"), (24, 40, 36), rows)]


class Quantities(Directive):
    """`.. quantities::`: the symbols that a formula may use."""

    def run(self) -> list[nodes.Node]:
        """One table."""
        rows = []
        for row in diffcert.QUANTITIES.values():
            name = f"{row.key}[{row.indices}]" if row.indexed else row.key
            shown = rf"{row.latex}_k" if row.indexed else row.latex
            meaning, values = words(row.meaning), words(row.range)
            rows.append([[_literal(name)], [_math(shown)], meaning, [nodes.Text(row.unit)], values])
        titles = ("name in theory.symbols", "symbol", "meaning", "unit", "range")
        return [table(titles, (22, 8, 40, 12, 22), rows)]


class Letters(Directive):
    """`.. letters:: ID`: what the symbols of a statement mean, and what is measured; folded in HTML."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """One list, in the order of the table of symbols."""
        bound = diffcert.find(self.arguments[0]).bound
        items = _of_rate(bound) if isinstance(bound, Rate) else _of_bound(bound)
        opening = '<details class="letters"><summary>What the symbols mean</summary>'
        elsewhere = only("", nodes.paragraph("", "The symbols:"), expr="not html")
        return [
            nodes.raw("", opening, format="html"),
            elsewhere,
            bullets(items),
            nodes.raw("", "</details>", format="html"),
        ]


def _of_bound(bound: Bound) -> list[list[nodes.Node]]:
    needed = {key_of(bound.truth), *bound.symbols}
    rows = [row for key, row in diffcert.QUANTITIES.items() if key in needed]
    return [
        [_math(rf"{row.latex}_k" if row.indexed else row.latex), nodes.Text(": "), *words(row.meaning)]
        for row in rows
    ]


def _of_rate(rate: Rate) -> list[list[nodes.Node]]:
    what = rate.truth.replace("_", " ")
    measured = [nodes.Text(f"{what} (measured): "), *words(MEASURED[rate.truth].meaning)]
    letters = [
        [_math(latex(sp.Symbol(name))), nodes.Text(": "), *words(rate.letters[name])]
        for name in sorted(rate.symbols)
    ]
    note = [words(_sentence(rate.note))] if rate.note else []
    return [measured, *letters, *note]


class Predicates(Directive):
    """`.. predicates::`: the hypotheses that have a name."""

    def run(self) -> list[nodes.Node]:
        """One table."""
        rows = [[[_literal(key)], words(meaning)] for key, meaning in diffcert.PREDICATES.items()]
        return [table(("name", "meaning"), (20, 60), rows)]


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
            table(("target", "means", "weights", "variance"), (14, 40, 30, 10), targets),
            table(("schedule", "steps"), (20, 40), schedules),
        ]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directives."""
    app.add_directive("axioms", Axioms)
    app.add_directive("quantities", Quantities)
    app.add_directive("letters", Letters)
    app.add_directive("predicates", Predicates)
    app.add_directive("family", Family)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
