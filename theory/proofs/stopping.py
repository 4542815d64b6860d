"""Proof that stopping early costs at most d/s in squared Wasserstein distance.

What belongs here: this one derivation. What does not: the statement itself (`bounds.reeves_pfister`).
"""

from __future__ import annotations

import sympy as sp

from theory import symbols as sym
from theory.channel import PathVariable
from theory.derivation import Algebra, Axiom, Derivation, Lemma, Link, chain
from theory.facts import snr_positive
from theory.steps import coordinates, summed

__all__ = ["early_stopping"]

_s, _d = sym.snr, sym.dimension
_W = sp.IndexedBase(PathVariable("W", real=True))[coordinates[0]]

_coupling = Axiom(
    "a coupling",
    sp.Le(sym.early_stopping, summed((_W / _s) ** 2), evaluate=False),
    hypotheses=(snr_positive,),
    because="A and Y_s/s = A + W_s/s have the two laws, and W_2^2 is the least mean squared distance of "
    "variables with these laws",
)
_motion = Axiom(
    "Brownian motion",
    sp.Eq(summed(_W**2), _d * _s, evaluate=False),
    because="each of the d coordinates of W_s has the variance s",
)

early_stopping = Derivation(
    title="stopping at snr s costs at most d/s",
    statement=sp.Le(sym.early_stopping, _d / _s, evaluate=False),
    hypotheses=(snr_positive,),
    steps=chain(
        sym.early_stopping,
        Link("<=", summed((_W / _s) ** 2), Lemma(_coupling)),
        Link("==", _d / _s, Algebra((_motion,))),
    ),
)
"""W_2(law of A, law of Y_s/s)^2 <= d/s."""
