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

from diffcert.sphinx.pieces import words

__all__ = ["setup"]


class Proof(Directive):
    """`.. proof:: module` or `module:function`: what its docstring says, but for what belongs there."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """The name, and the text as it is written."""
        module, _, name = self.arguments[0].partition(":")
        found: Any = import_module(module)
        text = inspect.getdoc(getattr(found, name) if name else found) or ""
        first, *rest = text.split("\n\n")
        proof = "\n\n".join(piece for piece in rest if not piece.startswith("What belongs here"))
        if not proof:
            raise self.error(f"{self.arguments[0]} proves nothing")
        where = f"{module}.{name}" if name else module
        heading = nodes.paragraph("", "", nodes.literal(where, where), nodes.Text(": "), *words(first))
        block = nodes.literal_block(proof, proof, language="none", classes=["proof"])
        return [heading, block]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("proof", Proof)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
