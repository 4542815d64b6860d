"""The nodes that stand for what is not known yet while a document is read.

What belongs here: placeholders, each with the record of what the author wrote. They are ordinary
container and inline nodes, so that whatever walks a document before `transform` puts others in their
place - tables of contents, translation, search - knows what to do with them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from docutils import nodes

__all__ = ["block_placeholder", "inline_placeholder", "is_placeholder", "placeholders", "record_of"]


def block_placeholder(record: dict[str, Any]) -> nodes.container:
    """A directive's place; its children become the author's own text."""
    return nodes.container(classes=["cert"], record=record)


def inline_placeholder(rawtext: str, text: str, record: dict[str, Any]) -> nodes.inline:
    """A role's place; its child is what the author wrote."""
    return nodes.inline(rawtext, text, record=record)


def is_placeholder(node: nodes.Node) -> bool:
    """Whether a node stands for something that is to be put in its place."""
    return isinstance(node, nodes.container | nodes.inline) and "record" in node


def record_of(node: nodes.Element) -> dict[str, Any]:
    """What the author wrote: the placeholder's record."""
    record: dict[str, Any] = node["record"]
    return record


def placeholders(document: nodes.Node) -> Iterator[nodes.Element]:
    """The placeholders of a tree, in order."""
    yield from list(document.findall(is_placeholder))
