"""Names for what built-in derivations use, so that a document can state it: `identity/...`, `lemma/...`.

What belongs here: names, and the order from the simplest on. What does not: the derivations themselves
(`theory`), finding anything else that a document names (`lookup`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from types import MappingProxyType

from theory import IDENTITIES, bounds
from theory.derivation import Derivation, Proposition
from theory.statement import Bound

__all__ = ["IDENTITY", "LEMMA", "claimed", "identities", "lemmas", "used_by"]

IDENTITY = "identity/"
LEMMA = "lemma/"


def claimed() -> Iterator[Bound]:
    """Every built-in bound that is claimed to be true."""
    for table in (bounds.ALL, bounds.FURTHER, bounds.LOW_RANK):
        yield from table.values()


def used_by(derivations: Iterable[Derivation]) -> Iterator[Proposition]:
    """What derivations use, directly or not, each after what it uses itself."""
    seen: set[Proposition | str] = set()

    def visit(proposition: Proposition) -> Iterator[Proposition]:
        key = proposition.title if isinstance(proposition, Derivation) else proposition
        if key in seen:
            return
        seen.add(key)
        if isinstance(proposition, Derivation):
            for inner in proposition.uses:
                yield from visit(inner)
        yield proposition

    for derivation in derivations:
        for proposition in derivation.uses:
            yield from visit(proposition)


@cache
def identities() -> Mapping[str, Derivation]:
    """`identity/NAME` -> the derivation of `theory.IDENTITIES` of that name."""
    return MappingProxyType({f"{IDENTITY}{name}": found for name, found in IDENTITIES.items()})


@cache
def lemmas() -> Mapping[str, Derivation]:
    """`lemma/TITLE` -> what built-in derivations use and is neither a claim nor an identity of the table.

    The simplest come first. The letters and digits of the title make the name.
    """
    bounds_and_identities = [bound.derivation for bound in claimed() if bound.derivation is not None]
    bounds_and_identities += IDENTITIES.values()
    elsewhere = {derivation.title for derivation in bounds_and_identities}
    found: dict[str, Derivation] = {}
    for proposition in used_by(bounds_and_identities):
        if not isinstance(proposition, Derivation) or proposition.title in elsewhere:
            continue
        plain = re.sub(r"[^a-z0-9]+", "-", proposition.title.lower()).strip("-")
        same = sum(1 for name in found if name == LEMMA + plain or name.startswith(f"{LEMMA}{plain}--"))
        found[f"{LEMMA}{plain}--{same + 1}" if same else LEMMA + plain] = proposition
    return MappingProxyType(found)
