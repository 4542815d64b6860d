"""The domain `cert`: what the documents of a project claim, as plain data.

What belongs here: records by document, kept and merged as Sphinx asks. What does not: their meaning
(`project`). Nothing is kept outside the environment.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx import addnodes
from sphinx.domains import Domain, ObjType
from sphinx.util.nodes import make_refnode

from diffcert.sphinx.directives import DIRECTIVES, unknown_directive
from diffcert.sphinx.nodes import is_placeholder, record_of
from diffcert.sphinx.roles import ROLES, unknown_role

if TYPE_CHECKING:
    from sphinx.builders import Builder
    from sphinx.environment import BuildEnvironment

    from diffcert.sphinx.findings import Findings
    from diffcert.sphinx.project import Project

__all__ = ["CertDomain"]


class CertDomain(Domain):
    """Statements, derivations, comparisons and numbers of a project.

    `data["documents"]` maps each document to its records, in their order. `project` is what is known
    about them in the running build; it is never pickled.
    """

    name = "cert"
    label = "diffcert"
    object_types: ClassVar[dict[str, ObjType]] = {"statement": ObjType("statement", "ref", "status")}
    directives: ClassVar[dict[str, type[Directive]]] = dict(DIRECTIVES)
    roles: ClassVar[dict[str, Any]] = dict(ROLES)
    initial_data: ClassVar[dict[str, Any]] = {"documents": {}}
    data_version = 1
    project: Project | None = None
    findings: Findings | None = None

    def directive(self, name: str) -> Any:
        """The directive of that name; for a name that is none, one that says so at every build."""
        known = super().directive(name)
        return known if known is not None or self._is_default() else unknown_directive(name)

    def role(self, name: str) -> Any:
        """The role of that name; for a name that is none, one that says so at every build."""
        known = super().role(name)
        return known if known is not None or self._is_default() else unknown_role(name)

    def _is_default(self) -> bool:
        """Whether names without a domain are looked up here first: then they may be anyone's."""
        current: Any = getattr(self.env, "current_document", None) or self.env.temp_data
        return current.get("default_domain") is self

    @property
    def documents(self) -> dict[str, list[dict[str, Any]]]:
        """Document -> its records."""
        documents: dict[str, list[dict[str, Any]]] = self.data["documents"]
        return documents

    def clear_doc(self, docname: str) -> None:
        """Forget a document."""
        self.documents.pop(docname, None)

    def merge_domaindata(self, docnames: AbstractSet[str], otherdata: dict[str, Any]) -> None:
        """Take over what another process has read."""
        for docname in docnames:
            if docname in otherdata["documents"]:
                self.documents[docname] = otherdata["documents"][docname]

    def process_doc(self, env: BuildEnvironment, docname: str, document: nodes.document) -> None:
        """Collect the records of a document, and tell each placeholder its own."""
        records: list[dict[str, Any]] = []
        for node in document.findall(_is_ours):
            node["place"] = (docname, len(records))
            records.append(record_of(node))
        if records:
            self.documents[docname] = records

    def resolve_xref(
        self,
        env: BuildEnvironment,
        fromdocname: str,
        builder: Builder,
        typ: str,
        target: str,
        node: addnodes.pending_xref,
        contnode: nodes.Element,
    ) -> nodes.Element | None:
        """The link to a statement; its text is the kind and number unless the author gave one."""
        if self.project is None:
            return None
        found = self.project.named.get(target)
        if found is None:
            said = f"[there is no statement or comparison {target!r}]"
            return nodes.strong(said, said, classes=["cert-wrong"])
        if not node["refexplicit"]:
            text = found.label
            contnode = nodes.inline(text, text, classes=["cert-ref"])
        return make_refnode(builder, fromdocname, found.docname, found.anchor, contnode, found.hint)

    def resolve_any_xref(self, *_: Any, **__: Any) -> list[tuple[str, nodes.reference]]:
        """Nothing: a name means a statement only where `cert:ref` says so."""
        return []

    def get_objects(self) -> Iterable[tuple[str, str, str, str, str, int]]:
        """The statements, for the inventory and the search."""
        from diffcert.sphinx.project import anchor

        for docname, records in sorted(self.documents.items()):
            for record in records:
                if record["type"] == "theorem" and "name" in record:
                    name = record["name"]
                    shown = record.get("title") or name
                    yield name, shown, "statement", docname, anchor(name), 1


def _is_ours(node: nodes.Node) -> bool:
    if is_placeholder(node):
        return True
    return isinstance(node, addnodes.pending_xref) and node.get("refdomain") == "cert" and "record" in node
