"""Every claim has a property test: a random search for an instance, or part of a ladder, that refutes it.

What belongs here: which claims are covered, read off the tests themselves. What does not: the searches.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from importlib import import_module
from types import FunctionType

from diffcert import claims
from tests.documents import ROOT

SEARCHES = ("test_no_instance_refutes_the_claim", "test_no_part_of_a_ladder_is_inconsistent")
"""What a property test of claims is called, wherever it is."""


def searches() -> Iterator[FunctionType]:
    """The property tests of claims in all folders of tests."""
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        named = [name for name in SEARCHES if f"\ndef {name}(" in text]
        if named:
            module = import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
            yield from (getattr(module, name) for name in named)


def covered(search: FunctionType) -> set[str]:
    """The ids that a property test is parametrised with."""
    found: set[str] = set()
    for mark in getattr(search, "pytestmark", ()):
        if mark.name == "parametrize" and mark.args[0] in ("claim_id", "rate_id", "bound"):
            found |= {value if isinstance(value, str) else value.id for value in mark.args[1]}
    return found


def test_every_claim_has_a_property_test() -> None:
    found = set[str]()
    for search in searches():
        assert "@given(" in inspect.getsource(search), search.__module__
        assert covered(search), search.__module__
        assert all(mark.name not in ("skip", "slow") for mark in getattr(search, "pytestmark", ()))
        found |= covered(search)
    assert found == {claim.id for claim in claims(entry=False)}
