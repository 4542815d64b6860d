"""Docstrings are plain text with `code` in grave accents; here they become reStructuredText.

What belongs here: escaping what is mathematics in a docstring, |x| or x*, and markup elsewhere.
"""

from __future__ import annotations

import re
from typing import Any

from sphinx.application import Sphinx

__all__ = ["setup"]

_MARKUP = re.compile(r"[|*\\]|_(?=\W|$)")


def escape(app: Sphinx, what: str, name: str, of: Any, options: Any, lines: list[str]) -> None:
    """Escape the lines of one docstring in place, but for what stands between grave accents."""
    pieces = "\n".join(lines).split("`")
    pieces[::2] = [_MARKUP.sub(lambda found: "\\" + found[0], piece) for piece in pieces[::2]]
    # Code ends before a letter only where an escaped blank parts the two: `Condition`s.
    pieces[2::2] = [rf"\ {piece}" if piece[:1].isalnum() else piece for piece in pieces[2::2]]
    lines[:] = "`".join(pieces).split("\n")


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to autodoc."""
    app.connect("autodoc-process-docstring", escape)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
