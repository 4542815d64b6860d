"""A Sphinx extension whose pages say what was decided by a computation, and fail where it was not.

    extensions = ["diffcert.sphinx"]

Directives and roles of the domain `cert` only record what a document claims. Each claim is evaluated
once, in a process of its own, after all pages are read, against a store keyed by what can change the
answer; the exit status of the build follows from the verdicts. Nothing in a document is evaluated.

What belongs here: the entry point alone, so that a worker process loads no Sphinx. The rooms:
`syntax`, `directives`, `roles`, `domain` (reading); `project`, `standing`, `rounding` (what is known);
`store`, `evaluation`, `worker`, `tasks` (computing); `content`, `pieces`, `graph`, `transform`,
`mathml`, `latex` (writing); `build` (when).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

__all__ = ["setup"]


def setup(app: Sphinx) -> dict[str, Any]:
    """The metadata of the extension, once its domain, settings and handlers are registered."""
    from diffcert.sphinx.build import setup as register

    return register(app)
