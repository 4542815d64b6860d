"""Proofs for whole paths with reverse variances other than the matched one.

What belongs here: the path identity for any reverse variance and for the best one, and what follows. What
does not: one step (`reverse_variance`).
"""

from __future__ import annotations

import sympy as sp

from theory import facts
from theory import symbols as sym
from theory.channel import C
from theory.derivation import Algebra, Axiom, Calculus, Derivation, Lemma, Link, chain
from theory.immse import information_slope, mmse_slope
from theory.proofs.logarithm import logarithm_tangent
from theory.reverse_variance import (
    matched_deviation,
    optimal_variance,
    optimal_variance_step,
    reverse_kl,
    reverse_variance,
    reverse_variance_step,
)
from theory.statement import Hypothesis, Source
from theory.steps import step_identity

__all__ = [
    "dimension_term",
    "matched_form",
    "optimal_variance_matched",
    "optimal_variance_path",
    "reverse_variance_path",
]

_s, _k, _n, _d = sym.snr, sym.k, sym.number_of_steps, sym.dimension
_steps = (_k, 0, _n - 1)
_rho = sym.variance_ratio[_k]
_loss = sym.steps[_k] * sym.mmse_at[_k]
_used = matched_deviation[_k] ** 2 / _rho
_gain = sym.information_at[_k + 1] - sym.information_at[_k]

matched_form = sp.Sum(_loss, _steps) / 2 - (sym.information_last - sym.information_first)
"""The path KL of the matched sampler: (1/2) sum delta_k M_k - (I(T) - I(t_0))."""
_dimension = sp.Sum(_d * (_rho - 1 + sp.log(1 / _rho)), _steps) / 2
_spread = sp.Sum((_rho - 1) * _loss, _steps) / 2


def _chain_rule(hypothesis: Hypothesis, variance: sp.Expr, which: str) -> Axiom:
    return Axiom(
        "chain rule of the KL divergence",
        sp.Eq(sym.path_kl, sp.Sum(reverse_kl(_k, variance), _steps), evaluate=False),
        hypotheses=(hypothesis,),
        source=Source(
            facts.COVER_THOMAS,
            "",
            "Theorem 2.5.3",
            f"both paths are Markov chains with the same law of the start; {which}",
        ),
    )


_any = _chain_rule(facts.exact_mean, _used, "rho_k is the matched variance over the one that is used")
_best = _chain_rule(facts.optimal_sampler, optimal_variance, "each step with its best variance")

reverse_variance_path = Derivation(
    title="path identity for any reverse variance",
    statement=sp.Eq(sym.path_kl, matched_form + _dimension + _spread, evaluate=False),
    hypotheses=(facts.exact_mean,),
    steps=chain(
        sym.path_kl,
        Link("==", _any.statement.rhs, Algebra((_any,))),
        Link(
            "==",
            sp.Sum(reverse_variance_step.statement.rhs.subs(reverse_variance, _used), _steps),
            Lemma(reverse_variance_step, ((_k, _k), (reverse_variance, _used)), over=(_steps,)),
        ),
        Link("==", matched_form + _dimension + _spread, Algebra((step_identity,))),
    ),
)
"""The matched path KL + sum (d/2)(rho_k - 1 - log rho_k) + sum (rho_k - 1) delta_k M_k/2."""

_distance = sp.Integral(C(_s) * (sym.knots[_k + 1] - _s), (_s, sym.knots[_k], sym.knots[_k + 1]))
_ratio_at_least_one = Axiom(
    "no variance above the matched one",
    sp.Ge(_rho, 1, evaluate=False),
    variables=(_k,),
    conditions=(sp.Le(_k, _n - 1),),
    hypotheses=(facts.narrow_sampler,),
    because="rho_k is the matched variance over the one that is used",
)

dimension_term = Derivation(
    title="a reverse variance below the matched one costs at least the dimension term",
    statement=sp.Ge(sym.path_kl, _dimension, evaluate=False),
    hypotheses=(facts.exact_mean, facts.narrow_sampler),
    steps=chain(
        sym.path_kl,
        Link("==", matched_form + _dimension + _spread, Algebra((reverse_variance_path,))),
        Link(
            ">=",
            matched_form + _dimension,
            Lemma(_ratio_at_least_one, ((_k, _k),), weight=_loss / 2, over=(_steps,)),
        ),
        Link(
            "==",
            sp.Sum(_distance, _steps) / 2 + _dimension,
            Calculus((information_slope(), mmse_slope())),
        ),
        Link(
            ">=",
            _dimension,
            Lemma(
                facts.moment_nonnegative,
                ((_s, _s),),
                weight=(sym.knots[_k + 1] - _s) / 2,
                over=((_s, sym.knots[_k], sym.knots[_k + 1]), _steps),
            ),
        ),
    ),
)
"""KL >= (d/2) sum (rho_k - 1 - log rho_k) where rho_k >= 1: it grows with the dimension."""

_tangent_at, _tangent_point = logarithm_tangent.variables

optimal_variance_matched = Derivation(
    title="the best reverse variance costs at most the matched one",
    statement=sp.Le(sym.path_kl, matched_form, evaluate=False),
    hypotheses=(facts.optimal_sampler,),
    steps=chain(
        sym.path_kl,
        Link("==", _best.statement.rhs, Algebra((_best,))),
        Link(
            "==",
            sp.Sum(optimal_variance_step.statement.rhs, _steps),
            Lemma(optimal_variance_step, ((_k, _k),), over=(_steps,)),
        ),
        Link(
            "<=",
            matched_form,
            Lemma(
                logarithm_tangent,
                ((_tangent_at, 1 + _loss / _d), (_tangent_point, sp.S.One)),
                weight=_d / 2,
                over=(_steps,),
            ),
        ),
    ),
)
"""KL <= (1/2) sum delta_k M_k - (I(T) - I(t_0)), the path KL of the matched variance."""

optimal_variance_path = Derivation(
    title="path identity for the best reverse variance",
    statement=sp.Eq(
        sym.path_kl,
        sp.Sum(_d * sp.log(1 + _loss / _d), _steps) / 2 - (sym.information_last - sym.information_first),
        evaluate=False,
    ),
    hypotheses=(facts.optimal_sampler,),
    steps=chain(
        sym.path_kl,
        Link("==", _best.statement.rhs, Algebra((_best,))),
        Link(
            "==",
            sp.Sum(optimal_variance_step.statement.rhs, _steps),
            Lemma(optimal_variance_step, ((_k, _k),), over=(_steps,)),
        ),
        Link(
            "==",
            sp.Sum(_d * sp.log(1 + _loss / _d), _steps) / 2
            - (sym.information_last - sym.information_first),
            Algebra(),
        ),
    ),
)
"""KL = (d/2) sum log(1 + delta_k M_k/d) - (I(T) - I(t_0))."""
