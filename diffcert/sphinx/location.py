"""Where a directive stands: a file and a line, also for one in a docstring.

What belongs here: what a message says about a place. What does not: the message.
"""

from __future__ import annotations

import inspect
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.environment import BuildEnvironment

__all__ = ["location"]

_DOCSTRING = ":docstring of "


def location(
    source_and_line: tuple[str | None, int | None], env: BuildEnvironment, lineno: int
) -> dict[str, str]:
    """The place as "where" (file:line) and, for a docstring, "host" (module:attribute and its line).

    A line within a docstring says nothing about the file, so "where" is then the first line of the
    object that has the docstring, if it can be found, and "host" counts from there.
    """
    source, line = source_and_line
    path = source or str(env.doc2path(env.docname))
    if _DOCSTRING not in path:
        return {"where": f"{path}:{line or lineno}", "host": ""}
    file, _, dotted = path.partition(_DOCSTRING)
    module, attribute, first = _hosting(dotted)
    host = f"{module}:{attribute}" if attribute else module
    return {
        "where": f"{file}:{first}" if first else file,
        "host": f"{host}, line {line or lineno} of its docstring",
    }


def _hosting(dotted: str) -> tuple[str, str, int | None]:
    """The module, the attribute and the first line of the object of that name.

    Only modules that are loaded already are looked at; nothing is imported.
    """
    parts = dotted.split(".")
    for count in range(len(parts), 0, -1):
        module: Any = sys.modules.get(".".join(parts[:count]))
        if module is None:
            continue
        found, first = module, None
        try:
            for part in parts[count:]:
                found = inspect.getattr_static(found, part)
            found = getattr(found, "__func__", getattr(found, "fget", found))
            first = max(1, inspect.getsourcelines(found)[1])
        except Exception:  # an object without source, or one that is not there
            first = None
        return ".".join(parts[:count]), ".".join(parts[count:]), first
    return dotted, "", None
