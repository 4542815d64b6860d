"""Every derivation of the package, found by following what the bounds and identities use."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

import theory
from theory import tweedie
from theory.cumulants import Space
from theory.derivation import Axiom, Derivation, Proposition, is_given
from theory.statement import Bound


def _reached(roots: list[Proposition]) -> list[Proposition]:
    found: list[Proposition] = []
    waiting = list(roots)
    while waiting:
        proposition = waiting.pop(0)
        if proposition in found:
            continue
        found.append(proposition)
        if isinstance(proposition, Derivation):
            waiting += proposition.uses
    return found


def _written() -> Iterator[Proposition]:
    """The propositions of the package's modules, by themselves or as a bound's derivation."""
    for module in pkgutil.walk_packages(theory.__path__, "theory."):
        for value in vars(importlib.import_module(module.name)).values():
            several = isinstance(value, tuple | list | dict)
            for item in (value.values() if isinstance(value, dict) else value) if several else (value,):
                proposition = item.derivation if isinstance(item, Bound) else item
                if isinstance(proposition, Proposition) and not is_given(proposition):
                    yield proposition


_ROOTS: list[Proposition] = [
    *_written(),
    tweedie.posterior_mean(2, 2),
    tweedie.posterior_covariance(2, 1, 2),
    Space().psi_generator,
    Space().covariance_generator,
]
PROPOSITIONS = _reached(_ROOTS)
DERIVATIONS = [p for p in PROPOSITIONS if isinstance(p, Derivation)]
AXIOMS = [p for p in PROPOSITIONS if isinstance(p, Axiom)]
