"""Putting plain nodes in the place of placeholders, for every builder.

What belongs here: the post-transform. What does not: how things look (`content`, `graph`).
"""

from __future__ import annotations

from typing import Any, cast

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.nodes import make_refnode

from diffcert.sphinx.content import Writer
from diffcert.sphinx.domain import CertDomain
from diffcert.sphinx.findings import Findings
from diffcert.sphinx.graph import graph
from diffcert.sphinx.latex import adapted
from diffcert.sphinx.nodes import placeholders
from diffcert.sphinx.pieces import latex_signs
from diffcert.sphinx.views import view

View = dict[str, Any]

__all__ = ["Replacement"]


class Replacement(SphinxPostTransform):
    """Write what is known into the pages."""

    default_priority = 5

    def run(self, **_: Any) -> None:
        """Replace each placeholder; unknown links are marked in the text."""
        domain = cast(CertDomain, self.env.get_domain("cert"))
        findings: Findings | None = domain.findings
        for node in placeholders(self.document):
            if findings is None:
                self._bare(node)
            else:
                self._replace(node, findings)

    def _bare(self, node: nodes.Element) -> None:
        """Leave the author's own words where nothing was evaluated."""
        node["classes"] = []
        node.replace_self(list(node.children) or [nodes.Text("")])

    def _replace(self, node: nodes.Element, findings: Findings) -> None:
        docname, place = node["place"]
        shown = view(findings, docname, place)
        writer = Writer(self.app.builder.format, lambda to, content: self._link(docname, to, content))
        text = list(node.children)
        title: list[nodes.Node] = []
        if node["record"].get("titled"):
            title = list(cast(nodes.Element, text.pop(0)).children)
        made = self._made(writer, shown, docname, title, text)
        node["classes"] = []
        if writer.form == "latex":
            made = adapted(latex_signs(made), node)
        node.replace_self(made)

    def _made(
        self, writer: Writer, shown: View, docname: str, title: list[nodes.Node], text: list[nodes.Node]
    ) -> list[nodes.Node]:
        kind = shown["type"]
        if kind == "number" or (kind == "mistake" and text and isinstance(text[0], nodes.Text)):
            return [writer.number({"shown": "".join(map(_words, text)), **shown})]
        if kind == "badge":
            return [writer.role_badge(shown)]
        if shown["problem"] and kind != "derivation" and kind != "theorem" and kind != "comparison":
            return writer.mistake(shown)
        if kind == "theorem":
            return writer.theorem(shown, title, text)
        if kind == "comparison":
            return writer.comparison(shown, text)
        if kind == "derivation":
            return writer.derivation(shown, text)
        if kind == "status":
            return writer.status(shown)
        return graph(writer, shown, lambda to: self._uri(docname, to))

    def _link(self, docname: str, to: View, content: nodes.Node) -> nodes.Node:
        if self.app.builder.format == "man":
            return content
        made: nodes.Node = make_refnode(
            self.app.builder, docname, to["docname"], to["anchor"], cast(nodes.Element, content), to["name"]
        )
        return made

    def _uri(self, docname: str, to: View) -> str:
        same = docname == to["docname"]
        page = "" if same else self.app.builder.get_relative_uri(docname, to["docname"])
        # A builder of one page has pages within it, and anchors of its own for them.
        return f"{'' if page.startswith('#') else page}#{to['anchor']}"


def _words(node: nodes.Node) -> str:
    return str(node.astext())
