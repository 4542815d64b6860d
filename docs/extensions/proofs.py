"""A directive that shows the proofs in docstrings, beside the code that rests on them.

What belongs here: docstrings of modules and functions as they are written. What does not: derivations that
a machine checks (`claims`).
"""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.application import Sphinx

__all__ = ["setup"]


class Proof(Directive):
    """`.. proof:: module` or `module:function`: what its docstring says, after the first line."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """The name, and the text as it is written."""
        module, _, name = self.arguments[0].partition(":")
        found: Any = import_module(module)
        text = inspect.getdoc(getattr(found, name) if name else found) or ""
        first, _, rest = text.partition("\n")
        if not rest.strip():
            raise self.error(f"{self.arguments[0]} proves nothing")
        where = f"{module}.{name}" if name else module
        heading = nodes.paragraph("", "", nodes.literal(where, where), nodes.Text(f": {first}"))
        block = nodes.literal_block(rest.strip(), rest.strip(), language="none", classes=["proof"])
        return [heading, block]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("proof", Proof)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
