"""The directives of the domain `cert`: they record what a document claims, and decide nothing.

What belongs here: from the lines of a directive to a record. What does not: the forms of options
(`syntax`), numbering and statuses (`project`), pages (`content`).

A mistake in a directive is a record too: Sphinx repeats no message of a document that it does not read
again, so what is merely reported while reading would be red in the first build and green in the
second. For the same reason the directives part their lines themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from diffcert.sphinx import syntax
from diffcert.sphinx.location import location
from diffcert.sphinx.nodes import block_placeholder, record_of
from diffcert.sphinx.standing import EXPECTABLE_OF_STATEMENTS

__all__ = ["DIRECTIVES", "KINDS", "unknown_directive"]

Reader = Callable[[str], Any]

KINDS = ("theorem", "lemma", "proposition", "corollary", "identity", "conjecture", "definition")
"""What a statement may be called."""


def _kind(text: str) -> str:
    if text not in KINDS:
        raise ValueError(f"kind: {syntax.shown(text)} is not one of {', '.join(KINDS)}")
    return text


def _flag(text: str) -> bool:
    if text not in ("", "open"):
        raise ValueError(f"{syntax.shown(text)} follows an option that takes nothing")
    return True


def _text(text: str) -> str:
    return " ".join(text.split())


_WORK: Mapping[str, Reader] = {
    "params": syntax.parameters,
    "digits": lambda text: syntax.whole(text, "digits"),
    "expect": syntax.expected,
    "timeout": lambda text: syntax.positive(text, "timeout"),
}


class _Recorded(SphinxDirective):
    """A directive that leaves a record in its place."""

    has_content = True
    kind: ClassVar[str]
    readers: ClassVar[Mapping[str, Reader]] = {}
    argument: ClassVar[str] = ""
    """What the argument is: "" for none, "required" or "optional"."""
    takes_text: ClassVar[bool] = False

    def run(self) -> list[nodes.Node]:
        """The placeholder, with the author's own text in it."""
        record: dict[str, Any] = {
            "type": self.kind,
            "problem": "",
            **location(self.state_machine.get_source_and_line(self.lineno), self.env, self.lineno),
        }
        place = block_placeholder(record)
        self.set_source_info(place)
        first = self.content_offset + 1 == self.lineno or self._opens_with_text()
        try:
            parts = syntax.block(self.content, tuple(self.readers), first)
            record.update(self.read(parts))
            if self.takes_text:
                body = self.content[parts.body :]
                self.state.nested_parse(body, self.content_offset + parts.body, place)
            elif any(line.strip() for line in self.content[parts.body :]):
                raise ValueError("it takes no text")
            record["titled"] = self.titled(parts, place)
        except ValueError as error:
            record["problem"] = str(error)
        return [place]

    def _opens_with_text(self) -> bool:
        """Whether the first line is an argument although parsers count lines in other ways."""
        first = self.content[0].strip() if self.content else ""
        return bool(first) and not first.startswith(":") and bool(self.argument)

    def read(self, parts: syntax.Block) -> dict[str, Any]:
        """The record of the argument and options; ValueError for what has not the right form."""
        result: dict[str, Any] = {}
        if self.argument == "":
            if parts.argument:
                raise ValueError(f"it takes no argument, but {syntax.shown(parts.argument)} is one")
        elif parts.argument or self.argument == "required":
            if not parts.argument:
                raise ValueError("the name is missing: it stands behind the two colons")
            result["name"] = syntax.name(parts.argument)
        for option, text in parts.options.items():
            if not text and self.readers[option] is not _flag:
                raise ValueError(f"{option}: nothing is given")
            try:
                result[option] = self.readers[option](text)
            except ValueError as error:
                message = str(error)
                known = message.startswith(f"{option}:")
                raise ValueError(message if known else f"{option}: {message}") from None
        return result

    def titled(self, parts: syntax.Block, place: nodes.container) -> bool:
        """Whether the placeholder's first child is a title."""
        return False


class Theorem(_Recorded):
    """`.. cert:theorem:: name`: a statement, numbered, with the status that follows from its object."""

    kind = "theorem"
    argument = "required"
    takes_text = True
    readers: ClassVar[Mapping[str, Reader]] = {
        "kind": _kind,
        "title": _text,
        "object": lambda text: syntax.object_reference(text, "object"),
        "uses": syntax.names,
        "source": _text,
        **_WORK,
        "expect": lambda text: syntax.expected(text, EXPECTABLE_OF_STATEMENTS),
    }

    def titled(self, parts: syntax.Block, place: nodes.container) -> bool:
        """Whether there is a title: its markup is read here, where the author wrote it."""
        title = _text(parts.options.get("title", ""))
        if not title:
            return False
        content, messages = self.state.inline_text(title, self.lineno)
        place.insert(0, nodes.rubric(title, "", *content))
        place.extend(messages)
        record_of(place)["title"] = _with_dollars(content)
        return True


def _with_dollars(content: Sequence[nodes.Node]) -> str:
    """The title as text, its mathematics between dollar signs."""
    return "".join(
        f"${node.astext()}$" if isinstance(node, nodes.math) else node.astext() for node in content
    )


class Derivation(_Recorded):
    """`.. cert:derivation::` with `of`: the steps of a proof, each checked by machine."""

    kind = "derivation"
    takes_text = True
    readers: ClassVar[Mapping[str, Reader]] = {
        "of": lambda text: syntax.object_reference(text, "of"),
        "steps": syntax.step_range,
        "collapsible": _flag,
        "timeout": lambda text: syntax.positive(text, "timeout"),
    }

    def read(self, parts: syntax.Block) -> dict[str, Any]:
        """The record; `of` is required."""
        return _with_of(super().read(parts))


class Comparison(_Recorded):
    """`.. cert:comparison:: [name]` with `of`: a claim beside the exact values."""

    kind = "comparison"
    argument = "optional"
    takes_text = True
    readers: ClassVar[Mapping[str, Reader]] = {
        "of": lambda text: syntax.object_reference(text, "of"),
        **_WORK,
        "min-ratio": lambda text: syntax.positive(text, "min-ratio"),
        "plot": _flag,
    }

    def read(self, parts: syntax.Block) -> dict[str, Any]:
        """The record; `of` is required."""
        return _with_of(super().read(parts))


def _with_of(record: dict[str, Any]) -> dict[str, Any]:
    if "of" not in record:
        raise ValueError("of: it is missing; it names a statement or package.module:attribute")
    return record


class Status(_Recorded):
    """`.. cert:status::`: the table of all statements and comparisons, or of those on this page."""

    kind = "status"
    readers: ClassVar[Mapping[str, Reader]] = {"here": _flag}


class Graph(_Recorded):
    """`.. cert:graph::`: which statement rests on which, of all or of those on this page."""

    kind = "graph"
    readers: ClassVar[Mapping[str, Reader]] = {"here": _flag}


DIRECTIVES: dict[str, type[SphinxDirective]] = {
    directive.kind: directive for directive in (Theorem, Derivation, Comparison, Status, Graph)
}
"""Name -> directive."""


class _Unknown(SphinxDirective):
    """A directive that does not exist: an error at every build, and not only at the first."""

    has_content = True
    written: ClassVar[str] = ""

    def run(self) -> list[nodes.Node]:
        """A placeholder that carries the problem."""
        known = ", ".join(f"cert:{name}" for name in sorted(DIRECTIVES))
        record = {
            "type": "mistake",
            "problem": f"there is no directive cert:{self.written} ({known})",
            **location(self.state_machine.get_source_and_line(self.lineno), self.env, self.lineno),
        }
        place = block_placeholder(record)
        self.set_source_info(place)
        return [place]


def unknown_directive(name: str) -> type[SphinxDirective]:
    """The directive for a name that is none."""
    return type("Unknown", (_Unknown,), {"written": name})
