"""Every derivation of the package, found by following what the bounds and identities use."""

from __future__ import annotations

from theory import bounds, immse, steps
from theory.cumulants import Space
from theory.derivation import Axiom, Derivation, Proposition


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
    immse.path_identity,
    immse.path_identity_positive,
    immse.information_slope(),
    immse.mmse_slope(),
    steps.step_identity,
    Space().psi_generator,
    Space().covariance_generator,
]
PROPOSITIONS = _reached(_ROOTS)
DERIVATIONS = [p for p in PROPOSITIONS if isinstance(p, Derivation)]
AXIOMS = [p for p in PROPOSITIONS if isinstance(p, Axiom)]
