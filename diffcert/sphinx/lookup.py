"""Finding what a document names: an id of the registry, a lemma, or `package.module:attribute`.

What belongs here: importing, in a worker process, and saying what is not there. What does not: what
may be named at all (`syntax`).
"""

from __future__ import annotations

import importlib
from typing import Any

import diffcert
from diffcert.sphinx.lemmas import IDENTITY, LEMMA, identities, lemmas

__all__ = ["NotThereError", "find"]


class NotThereError(LookupError):
    """What a document names does not exist here, so nothing could be run."""


def find(reference: str) -> Any:
    """The object; NotThereError for a module, attribute or id that does not exist.

    What a module raises while it is imported is passed on.
    """
    module_name, colon, attribute = reference.partition(":")
    if not colon:
        if reference.startswith((IDENTITY, LEMMA)):
            return _proved(reference)
        try:
            return diffcert.find(reference)
        except ValueError as error:
            raise NotThereError(str(error)) from error
    found: Any = importlib.import_module(module_name)
    for part in attribute.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            raise NotThereError(f"{module_name} has no attribute {attribute}") from None
    return found


def _proved(name: str) -> Any:
    """The built-in identity or lemma of that name."""
    table = identities() if name.startswith(IDENTITY) else lemmas()
    if name not in table:
        kind = name.partition("/")[0]
        raise NotThereError(f"there is no built-in {kind} {name!r}")
    return table[name]
