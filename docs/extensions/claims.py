"""Directives that write statements of the package's own tables out in the directives of `diffcert.sphinx`.

What belongs here: which statements, in which sections, over which instances. Everything that is said of
them comes from `cert:theorem`, `cert:comparison` and `cert:derivation`. What does not: tables of the
package that state nothing (`tables`), pictures (`pictures`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.parsing import nested_parse_to_nodes

import diffcert
from diffcert.sphinx.lemmas import identities, lemmas
from diffcert.sphinx.pieces import words
from theory.derivation import Derivation
from theory.identities import GROUPS
from theory.rate import Rate

__all__ = ["setup"]

MODERATE = '{"steps": [10, 18, 25, 28, 50]}'
"""The part of the built-in family that a page is about; `diffcert verify` takes all of it."""

SELECTED = {
    "aghapour-bayraktar/step-complexity": '{"targets": ["binary", "three", "five"]}',
    "li-cai-wei/tv": '{"ladders": ["three"]}',
    "li-cai-wei/score": '{"ladders": ["constant error, T = 40", "sine error, T = 40"]}',
    "reeves-pfister/moments-path-2": '{"ladders": ["three, snr 0 to 1/4"]}',
    "reeves-pfister/moments-path-3": '{"ladders": ["three, snr 0 to 1/4"]}',
    "diffcert/best-schedule-entropy": '{"targets": ["binary", "skew-0", "three", "five"]}',
}
"""Claims with instances of their own that take long: the part of them that a page is about."""

DIGITS = 15
"""Digits of the comparisons, of which six are shown."""

TWIN_DIGITS = 30
"""Digits at which a planted falsehood is refuted: the first refutation is enough."""


def _sentence(text: str) -> str:
    """The text with a capital, unless it begins with a symbol."""
    return (text[:1].upper() if text[:2].isalpha() else text[:1]) + text[1:].rstrip(".")


def _heading(kind: str, name: str, title: str, under: str) -> list[str]:
    label = f"{kind}-" + re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    text = "".join(map(_markup, words(_sentence(title))))
    return [f".. _{label}:", "", text, under * len(text), ""]


def _markup(node: nodes.Node) -> str:
    """A piece of a title as it is written in reStructuredText; an escaped blank parts it and vanishes."""
    plain = node.astext()
    if isinstance(node, nodes.math):
        return rf"\ :math:`{plain}`\ "
    return rf"\ ``{plain}``\ " if isinstance(node, nodes.literal) else re.sub(r"([*|\\_])", r"\\\1", plain)


def _directive(name: str, argument: str, options: dict[str, str], text: Sequence[str] = ()) -> list[str]:
    lines = [f".. cert:{name}:: {argument}".rstrip()]
    lines += [f"   :{option}: {value}".rstrip() for option, value in options.items()]
    return [*lines, "", *(f"   {line}" for line in text), ""]


def _selection(bound: Any) -> str:
    """The instances of a claim's comparison; "" for all that the claim has."""
    if bound.id in SELECTED:
        return SELECTED[bound.id]
    if isinstance(bound, Rate):
        return ""
    return MODERATE if set(diffcert.family.paths()) <= set(diffcert.find(bound.id).family()) else ""


def _beside(bound: Any) -> str:
    """The falsehoods planted beside a statement, or the statement that a falsehood imitates."""
    if bound.is_twin:
        return f"It imitates :cert:ref:`{bound.twin_of}`."
    twins = [twin.id for twin in diffcert.twins() if twin.bound.twin_of == bound.id]
    links = [f":cert:ref:`{twin.rpartition('/')[2]} <{twin}>`" for twin in twins]
    return f"Planted beside it: {', '.join(links)}." if links else ""


def statement(bound: Any) -> list[str]:
    """The section of a bound or rate: the statement, the exact values beside it, its derivation."""
    words = [f"Identifier: ``{bound.id}``. {_beside(bound)}".rstrip()]
    heading = _heading("claim", bound.id, bound.title, "~")
    if bound.is_twin:
        expected = "inconsistent" if isinstance(bound, Rate) else "refuted"
        about = {"kind": "conjecture", "object": bound.id, "expect": expected, "digits": str(TWIN_DIGITS)}
        return [*heading, *_directive("theorem", bound.id, about, words), *_letters(bound)]
    over = {"params": _selection(bound)} if _selection(bound) else {}
    work = {**over, "digits": str(DIGITS)}
    drawn = {"plot": ""} if isinstance(bound, Rate) else {}
    lines = [
        *heading,
        *_directive("theorem", bound.id, {"object": bound.id, **work}, words),
        *_letters(bound),
        *_directive("comparison", f"{bound.id}/values", {"of": bound.id, **work, **drawn}),
    ]
    return [*lines, *(_derivation(bound.id) if bound.derivation is not None else [])]


def _letters(bound: Any) -> list[str]:
    return [f".. letters:: {bound.id}", ""]


def _derivation(name: str) -> list[str]:
    return _directive("derivation", "", {"of": name, "collapsible": ""})


def proved(name: str, kind: str, derivation: Derivation, under: str) -> list[str]:
    """The section of an identity or lemma with its derivation."""
    words = [f"Name: ``{name.partition('/')[2]}``."] if kind == "identity" else []
    return [
        *_heading("lemma", derivation.title, derivation.title, under),
        *_directive("theorem", name, {"kind": kind, "object": name}, words),
        *_derivation(name),
    ]


class _Written(SphinxDirective):
    """A directive that is replaced by others."""

    def lines(self) -> Iterator[str]:
        """The lines in its place."""
        raise NotImplementedError

    def run(self) -> list[nodes.Node]:
        """The nodes of the lines."""
        here = self.get_source_info()
        lines = list(self.lines())
        content = StringList(lines, items=[(here[0], here[1] - 1)] * len(lines))
        parsed: list[nodes.Node] = nested_parse_to_nodes(self.state, content, allow_section_headings=True)
        return parsed


class Statements(_Written):
    """`.. statements:: theory.bounds.module [NAME]`: every statement of a list, `ALL` if none is named."""

    required_arguments = 1
    optional_arguments = 1

    def lines(self) -> Iterator[str]:
        """One section per statement."""
        name, which = (*self.arguments, "ALL")[:2]
        listed: Iterable[Any] = getattr(import_module(name), which)
        for bound in listed:
            yield from statement(diffcert.find(bound.id).bound)


class Identities(_Written):
    """`.. identities::`: the identities of the table, in their groups."""

    def lines(self) -> Iterator[str]:
        """One section per group, one below it per identity."""
        names = {id(derivation): name for name, derivation in identities().items()}
        for heading, group in GROUPS.items():
            yield from _heading("identities", heading, heading, "-")
            for derivation in group.values():
                yield from proved(names[id(derivation)], "identity", derivation, "~")


class Lemmas(_Written):
    """`.. lemmas::`: everything that derivations of claims and identities use, the simplest first."""

    def lines(self) -> Iterator[str]:
        """One section per lemma."""
        for name, derivation in lemmas().items():
            yield from proved(name, "lemma", derivation, "-")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directives."""
    app.add_directive("statements", Statements)
    app.add_directive("identities", Identities)
    app.add_directive("lemmas", Lemmas)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
