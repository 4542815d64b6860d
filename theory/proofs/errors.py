"""Proofs for samplers whose posterior mean has an error, or whose start is wrong.

What belongs here: the path identities of the statements in `bounds.reeves_pfister`, and what the output
inherits from the path. What does not: the costs themselves (`step_costs`, `path_costs`).
"""

from __future__ import annotations

import sympy as sp

from theory import facts
from theory import symbols as sym
from theory.derivation import Algebra, Axiom, Derivation, Lemma, Link, chain
from theory.path_costs import erring_path, erring_path_kl
from theory.proofs.variances import matched_form
from theory.statement import Source

__all__ = [
    "data_processing",
    "error_cost",
    "path_with_errors",
    "pinsker",
    "score_error",
    "wrong_start",
]

_k, _n = sym.k, sym.number_of_steps
_steps = (_k, 0, _n - 1)

error_cost = sp.Sum(sym.steps[_k] * sym.score_error_at[_k], _steps) / 2
"""(1/2) sum delta_k E_k, what errors of the posterior mean cost."""

_meaning = Axiom(
    "the path KL of a sampler with errors",
    sp.Eq(sym.path_kl, erring_path_kl, evaluate=False),
    hypotheses=(facts.matched_variance,),
    because="the meaning of the symbol for a sampler of this kind",
)
_right_start = Axiom(
    "the right start costs nothing",
    sp.Eq(sym.start_kl, 0),
    hypotheses=(facts.right_start,),
    because="the KL of a law from itself",
)
_no_error = Axiom(
    "no error of the score",
    sp.Eq(sym.score_error_at[_k], 0, evaluate=False),
    variables=(_k,),
    conditions=(sp.Le(_k, _n - 1),),
    hypotheses=(facts.exact_score,),
    because="e_k = 0",
)

path_with_errors = Derivation(
    title="the path KL with errors of the score and a wrong start",
    statement=sp.Eq(sym.path_kl, sym.start_kl + error_cost + matched_form, evaluate=False),
    hypotheses=(facts.matched_variance,),
    steps=chain(
        sym.path_kl,
        Link("==", erring_path_kl, Algebra((_meaning,))),
        Link("==", sym.start_kl + error_cost + matched_form, Algebra((erring_path,))),
    ),
)
"""KL = KL_0 + (1/2) sum delta_k E_k + (1/2) sum delta_k M_k - (I(T) - I(t_0))."""

score_error = Derivation(
    title="errors of the score cost (1/2) sum delta_k E_k",
    statement=sp.Eq(sym.path_kl, error_cost + matched_form, evaluate=False),
    hypotheses=(facts.matched_variance, facts.right_start),
    steps=chain(
        sym.path_kl,
        Link("==", sym.start_kl + error_cost + matched_form, Algebra((path_with_errors,))),
        Link("==", error_cost + matched_form, Algebra((_right_start,))),
    ),
)
"""KL = (1/2) sum delta_k E_k + (1/2) sum delta_k M_k - (I(T) - I(t_0)) from the right start."""

wrong_start = Derivation(
    title="a wrong start costs its KL",
    statement=sp.Eq(sym.path_kl, sym.start_kl + matched_form, evaluate=False),
    hypotheses=(facts.matched_variance, facts.exact_score),
    steps=chain(
        sym.path_kl,
        Link("==", sym.start_kl + error_cost + matched_form, Algebra((path_with_errors,))),
        Link(
            "==",
            sym.start_kl + matched_form,
            Lemma(_no_error, ((_k, _k),), weight=sym.steps[_k] / 2, over=(_steps,)),
        ),
    ),
)
"""KL = KL_0 + (1/2) sum delta_k M_k - (I(T) - I(t_0)) with the exact posterior mean."""

_processing = Axiom(
    "data processing",
    sp.Le(sym.output_kl, sym.path_kl, evaluate=False),
    source=Source(facts.COVER_THOMAS, "", "Theorem 2.5.3", "the last iterate is a coordinate of the path"),
)
_x, _y = (sp.Symbol(name, nonnegative=True) for name in "xy")
_root = Axiom(
    "the square root increases",
    sp.Le(sp.sqrt(_x / 2), sp.sqrt(_y / 2), evaluate=False),
    variables=(_x, _y),
    conditions=(sp.Le(_x, _y),),
    because="its derivative is positive",
)
_pinsker = Axiom(
    "Pinsker's inequality",
    sp.Le(sym.output_tv, sp.sqrt(sym.output_kl / 2), evaluate=False),
    source=Source(facts.COVER_THOMAS, "", "Lemma 11.6.1", "TV is half the L1 distance; nats"),
)

data_processing = Derivation(
    title="the output is no further off than the path",
    statement=sp.Le(sym.output_kl, sym.path_kl, evaluate=False),
    steps=chain(sym.output_kl, Link("<=", sym.path_kl, Lemma(_processing))),
)
"""KL(Y_T || Z_T) <= the path KL."""

pinsker = Derivation(
    title="the output's total variation by the path KL",
    statement=sp.Le(sym.output_tv, sp.sqrt(sym.path_kl / 2), evaluate=False),
    steps=chain(
        sym.output_tv,
        Link("<=", sp.sqrt(sym.output_kl / 2), Lemma(_pinsker)),
        Link(
            "<=",
            sp.sqrt(sym.path_kl / 2),
            Lemma(_root, ((_x, sym.output_kl), (_y, sym.path_kl)), proofs=(data_processing,)),
        ),
    ),
)
"""TV(Y_T, Z_T) <= sqrt(path KL / 2)."""
