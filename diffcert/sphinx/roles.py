"""The roles of the domain `cert`: a link, a badge, a checked number.

What belongs here: from the text of a role to a record. What does not: the form of a number (`syntax`),
whether it is right (`rounding`).
"""

from __future__ import annotations

from typing import Any, ClassVar

from docutils import nodes
from sphinx.roles import XRefRole
from sphinx.util.docutils import SphinxRole

from diffcert.sphinx import syntax
from diffcert.sphinx.location import location
from diffcert.sphinx.nodes import inline_placeholder

__all__ = ["ROLES", "unknown_role"]


class _Recorded(SphinxRole):
    """A role that leaves a record in its place."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """The placeholder, which shows what the author wrote until it is replaced."""
        record: dict[str, Any] = {"type": "mistake", "problem": "", **self._where()}
        try:
            record.update(self.read())
        except ValueError as error:
            record["problem"] = str(error)
        place = inline_placeholder(self.rawtext, str(record.get("shown", self.text)), record)
        self.set_source_info(place)
        return [place], []

    def _where(self) -> dict[str, str]:
        return location(self.get_source_info(self.lineno), self.env, self.lineno)

    def read(self) -> dict[str, Any]:
        """The record; ValueError for a text that has not the right form."""
        raise NotImplementedError


class StatusRole(_Recorded):
    """`:cert:status:`name``: the status of a statement or comparison, in words."""

    def read(self) -> dict[str, Any]:
        """The record of the name."""
        return {"type": "badge", "of": syntax.name(self.text.strip())}


class NumberRole(_Recorded):
    """`:cert:num:`0.0387 <name.truth>``: a number that has to be a rounding of the enclosure."""

    def read(self) -> dict[str, Any]:
        """The record of the number and of what it is about."""
        written = syntax.quoted(self.text)
        return {
            "type": "number",
            "shown": f"{written.sign} {written.number}".strip(),
            **written._asdict(),
        }


class _Unknown(_Recorded):
    written: ClassVar[str] = ""

    def read(self) -> dict[str, Any]:
        """Nothing; the problem is that there is no such role."""
        known = ", ".join(f"cert:{name}" for name in sorted(ROLES))
        raise ValueError(f"there is no role cert:{self.written} ({known})")


class ReferenceRole(XRefRole):
    """`:cert:ref:`name``: a link whose text is "Theorem 3", or what the author gives."""

    def process_link(
        self, env: Any, refnode: Any, has_explicit_title: bool, title: str, target: str
    ) -> tuple[str, str]:
        """The title and target, with the place kept for messages."""
        refnode["record"] = {
            "type": "reference",
            "problem": "",
            "of": target.strip(),
            **location(self.get_source_info(self.lineno), env, self.lineno),
        }
        return title, target.strip()


ROLES: dict[str, SphinxRole] = {
    "num": NumberRole(),
    "ref": ReferenceRole(innernodeclass=nodes.inline, warn_dangling=False),
    "status": StatusRole(),
}
"""Name -> role."""


def unknown_role(name: str) -> SphinxRole:
    """The role for a name that is none."""
    made: SphinxRole = type("Unknown", (_Unknown,), {"written": name})()
    return made
