"""The registry of claims: built in, declared in the session, or brought by other packages.

What belongs here: finding a claim by its id or its `package.module:attribute`, and keeping ids
unique. What does not: the table of quantities (`bindings`), the built-in instances (`family`).

Three sources: the statements of `theory.bounds`, rates among them; the entry point group
`diffcert.claims`; and every `Claim` or `RateClaim` that a program makes, which enters as it is made.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any, TypeAlias

from diffcert.claim import Claim
from diffcert.rates.claim import RateClaim
from theory.rate import Rate
from theory.statement import Bound

__all__ = ["ENTRY_POINTS", "AnyClaim", "claims", "find", "load", "reference", "register", "twins"]

AnyClaim: TypeAlias = Claim | RateClaim
"""What the registry keeps: statements about single instances, and statements about ladders of them."""

ENTRY_POINTS = "diffcert.claims"

_LOCK = threading.RLock()
_CLAIMS: dict[str, AnyClaim] = {}
_BUILT_IN: set[str] = set()
_REFERENCES: dict[str, str] = {}


def register(claim: AnyClaim, *, replace: bool = False) -> None:
    """Enter a claim under its id; a claim does this itself as it is made.

    Raises ValueError for an id that belongs to a different claim, unless `replace` is given; a
    built-in id cannot be replaced.
    """
    with _LOCK:
        _fill()
        known = _CLAIMS.get(claim.id)
        if known is not None and not _same(known, claim):
            if claim.id in _BUILT_IN:
                raise ValueError(f"id: {claim.id!r} is a built-in claim; choose another id")
            if not replace:
                raise ValueError(
                    f"id: {claim.id!r} is already a different claim; choose another id, or say replace=True"
                )
            _REFERENCES.pop(claim.id, None)
        if known is None or claim.id not in _BUILT_IN:
            _CLAIMS[claim.id] = claim


def _same(one: AnyClaim, other: AnyClaim) -> bool:
    return (
        type(one) is type(other)
        and bool(one.bound == other.bound)
        and _origin(one.instances) == _origin(other.instances)
    )


def _origin(instances: Any) -> Any:
    """What identifies a family: its instances, or the name of the function that makes them."""
    if callable(instances):
        names = (getattr(instances, "__module__", None), getattr(instances, "__qualname__", None))
        return names if all(names) else instances
    return instances


def _fill() -> None:
    """Enter the statements of `theory.bounds`, once."""
    if _BUILT_IN:
        return
    from theory import bounds

    true = (bounds.ALL, bounds.FURTHER, bounds.LOW_RANK)
    tables = (*true, bounds.TWINS, bounds.FURTHER_TWINS, bounds.LOW_RANK_TWINS)
    built_in = [bound for table in tables for bound in table.values()]
    _BUILT_IN.update(bound.id for bound in built_in)
    rates = [rate for table in (bounds.RATES, bounds.RATE_TWINS) for rate in table.values()]
    _BUILT_IN.update(rate.id for rate in rates)
    for bound in built_in:
        _CLAIMS[bound.id] = _as_claim(bound)
    for rate in rates:
        _CLAIMS[rate.id] = RateClaim(rate.id, rate, ladders=_Ladders(rate.id, rate.twin_of))


@dataclass(frozen=True)
class _Ladders:
    """The built-in ladders of a rate; a planted falsehood without its own runs on those of the true one."""

    rate_id: str
    twin_of: str | None

    def __call__(self) -> tuple[Any, ...]:
        from diffcert import rates

        return rates.ladders(self.rate_id, self.twin_of)


def _as_claim(bound: Bound) -> Claim:
    instances = None
    if bound.is_twin:
        instances = _twin_family(bound)
    return Claim(bound.id, bound, instances=instances)


def _twin_family(bound: Bound) -> Any:
    def family_of_twin() -> tuple[Any, ...]:
        from diffcert import family

        own = (family.from_counterexample(bound.counterexample),) if bound.counterexample else ()
        return (*own, *family.cheap_first(family.default_for(bound)))

    return family_of_twin


def load_entry_points() -> tuple[AnyClaim, ...]:
    """The claims that installed packages declare under `diffcert.claims`.

    An entry point names a Claim or a list of them. Raises ValueError, naming the entry point, for
    one that cannot be loaded.
    """
    found: list[AnyClaim] = []
    for point in sorted(entry_points(group=ENTRY_POINTS), key=lambda point: point.name):
        where = f"entry point {point.name!r} of {ENTRY_POINTS}"
        found += _attribute(f"{point.module}:{point.attr}", where)
    return tuple(found)


def load(reference: str) -> tuple[AnyClaim, ...]:
    """The claim or claims at `package.module:attribute`.

    Raises ValueError, in one line, for a module that cannot be imported and an attribute that is
    missing or no Claim.
    """
    return _attribute(reference, f"claim {reference!r}")


def _attribute(reference: str, where: str) -> tuple[AnyClaim, ...]:
    module_name, _, attribute = reference.partition(":")
    if not all(part.isidentifier() for part in module_name.split(".")) or not all(
        part.isidentifier() for part in attribute.split(".")
    ):
        raise ValueError(f"{where}: not of the form package.module:attribute")
    try:
        importlib.invalidate_caches()
        value: Any = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise ValueError(f"{where}: there is no module {error.name}") from error
    except (Exception, SystemExit) as error:
        message = f"{type(error).__name__}: {error}".splitlines()[0]
        raise ValueError(f"{where}: importing {module_name} failed: {message}") from error
    for part in attribute.split("."):
        try:
            value = getattr(value, part)
        except AttributeError as error:
            raise ValueError(f"{where}: {module_name} has no attribute {attribute}") from error
        except Exception as error:
            message = f"{type(error).__name__}: {error}".splitlines()[0]
            raise ValueError(f"{where}: reading {attribute} failed: {message}") from error
    several = value if isinstance(value, list | tuple) else (value,)
    for claim in several:
        if not isinstance(claim, AnyClaim):
            kind = type(claim).__name__
            raise ValueError(f"{where}: {attribute} is of type {kind}, not a diffcert.Claim")
        _REFERENCES[claim.id] = reference
    return tuple(several)


def reference(claim: AnyClaim) -> str | None:
    """How another process finds the claim: a built-in id, `package.module:attribute`, or None."""
    with _LOCK:
        if claim.id in _BUILT_IN:
            return claim.id
        return _REFERENCES.get(claim.id)


def claims(*, entry: bool = True) -> tuple[AnyClaim, ...]:
    """Every claim that is meant to be true: built in, brought by packages, declared so far."""
    with _LOCK:
        _fill()
        if entry:
            load_entry_points()
        return tuple(claim for claim in _CLAIMS.values() if not claim.is_twin)


def twins() -> tuple[AnyClaim, ...]:
    """Every planted falsehood."""
    with _LOCK:
        _fill()
        return tuple(claim for claim in _CLAIMS.values() if claim.is_twin)


def find(claim: AnyClaim | Bound | Rate | str) -> AnyClaim:
    """The claim meant by a claim, a built-in Bound or Rate, an id, or `package.module:attribute`.

    Raises ValueError naming what is unknown, with the ids that come close.
    """
    if isinstance(claim, AnyClaim):
        return claim
    with _LOCK:
        _fill()
        if isinstance(claim, Bound | Rate):
            known = _CLAIMS.get(claim.id)
            if known is not None and known.bound == claim:
                return known
            word = "Claim" if isinstance(claim, Bound) else "RateClaim"
            raise ValueError(f"claim: the bound {claim.id} is not registered; make a {word} of it")
        if not isinstance(claim, str):
            raise ValueError(f"claim: {claim!r} is neither a Claim, a Bound nor an id")
        if claim not in _CLAIMS and ":" not in claim:
            load_entry_points()
        if claim in _CLAIMS:
            return _CLAIMS[claim]
    raise ValueError(f"claim: unknown id {claim!r}; {_near(claim)}")


def select(wanted: Iterable[AnyClaim | Bound | Rate | str]) -> tuple[AnyClaim, ...]:
    """The claims meant by a list, without repetitions; texts with a colon are loaded."""
    chosen: dict[str, AnyClaim] = {}
    for item in wanted:
        found = load(item) if isinstance(item, str) and ":" in item else (find(item),)
        chosen.update({claim.id: claim for claim in found})
    return tuple(chosen.values())


def _near(claim_id: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(claim_id, _CLAIMS, n=3)
    if near:
        return f"did you mean {' or '.join(near)}?"
    return "`diffcert list` shows the ids"
