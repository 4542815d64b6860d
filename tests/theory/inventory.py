"""Every derivation of the package, found by following what the bounds and identities use."""

from __future__ import annotations

from theory import bounds, tweedie
from theory.cumulants import Space
from theory.derivation import Axiom, Derivation, Proposition
from theory.identities import IDENTITIES


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


_ROOTS: list[Proposition] = [
    *(bound.derivation for bound in bounds.ALL.values() if bound.derivation is not None),
    *IDENTITIES.values(),
    tweedie.posterior_mean(2, 2),
    tweedie.posterior_covariance(2, 1, 2),
    Space().psi_generator,
    Space().covariance_generator,
]
PROPOSITIONS = _reached(_ROOTS)
DERIVATIONS = [p for p in PROPOSITIONS if isinstance(p, Derivation)]
AXIOMS = [p for p in PROPOSITIONS if isinstance(p, Axiom)]
