"""Proofs with the first step, from snr zero, apart from the others.

What belongs here: the first step by the supremum of C on it, the others by the ratio of the knots without
what belongs to the first. What does not: how large that supremum is (`covariance`).
"""

from __future__ import annotations

import sympy as sp

from theory import facts
from theory import symbols as sym
from theory.channel import C, M
from theory.derivation import Algebra, Calculus, Derivation, Lemma, Link, Proposition, chain, given
from theory.immse import information_slope, mmse_slope, path_identity_positive
from theory.proofs.channel import mmse_decreases
from theory.proofs.covariance import covariance_grows, diameter_bound
from theory.proofs.paths import next_knot

__all__ = [
    "first_apart",
    "later_steps",
    "start_step",
    "start_step_core",
    "start_step_diameter",
]

_s, _k, _n, _t = sym.snr, sym.k, sym.number_of_steps, sym.knots
_T, _V, _D, _kappa, _t1 = sym.last, sym.variance, sym.diameter, sym.kappa, sym.first_positive
_hypotheses = (facts.matched, facts.starts_at_zero)
_start = (given(facts.starts_at_zero.relation), facts.first_positive_is_second)
_slopes = (information_slope(), mmse_slope())
_a, _b = mmse_decreases.variables

later_steps = (
    _kappa * (sym.information_last - sym.information_first_positive)
    + _kappa * (_t1 * sym.mmse_at[1] - _T * sym.mmse_at[_n]) / 2
)
"""What the steps after the first cost at most: kappa (I(T) - I(t_1)) + (kappa/2) (t_1 M(t_1) - T M(T))."""


def _first(bound: sp.Expr) -> sp.Expr:
    """Half the integral of a bound of C times the distance to t_1, over the first step."""
    return sp.Integral(bound * (_t1 - _s), (_s, 0, _t1)) / 2


def _rest(distance: sp.Expr) -> sp.Expr:
    inside = sp.Integral(C(_s) * distance, (_s, _t[_k], _t[_k + 1]))
    return sp.Sum(inside, (_k, 1, _n - 1)) / 2


first_apart = Derivation(
    title="the first step apart from the others",
    statement=sp.Le(sym.path_kl, _first(C(_s)) + later_steps, evaluate=False),
    hypotheses=_hypotheses,
    steps=chain(
        sym.path_kl,
        Link("==", path_identity_positive.statement.rhs, Algebra((path_identity_positive,))),
        Link("==", _first(C(_s)) + _rest(_t[_k + 1] - _s), Algebra(_start)),
        Link(
            "<=",
            _first(C(_s)) + _rest(_kappa * _s),
            Lemma(
                next_knot,
                ((_k, _k), (_s, _s)),
                weight=C(_s) / 2,
                over=((_s, _t[_k], _t[_k + 1]), (_k, 1, _n - 1)),
            ),
        ),
        Link(
            "==",
            _first(C(_s)) + later_steps,
            Calculus((facts.information_at_first_positive, facts.first_positive_is_second, *_slopes)),
        ),
    ),
)
"""KL <= (1/2) int C(s) (t_1 - s) ds over the first step, and the later steps."""


def _with_first(
    title: str, supremum: sp.Expr, *links: Link, using: tuple[Proposition, ...] = ()
) -> Derivation:
    """The derivation of KL <= (t_1^2/4) supremum + the later steps."""
    result = _t1**2 * supremum / 4 + later_steps
    return Derivation(
        title=title,
        statement=sp.Le(sym.path_kl, result, evaluate=False),
        hypotheses=_hypotheses,
        steps=chain(
            sym.path_kl,
            Link("<=", _first(C(_s)) + later_steps, Lemma(first_apart)),
            *links,
            Link("==", result, Calculus(using)),
        ),
    )


def _by(
    bound: sp.Expr,
    proposition: Proposition,
    at: tuple[tuple[sp.Symbol, sp.Expr], ...],
    weight: sp.Expr = sp.S.One,
) -> Link:
    """The link that puts a bound in the place of C, or of what bounds it, on the first step."""
    gap = Lemma(proposition, at, weight=weight * (_t1 - _s) / 2, over=((_s, 0, _t1),))
    return Link("<=", _first(bound) + later_steps, gap)


start_step = _with_first(
    "the first step by the supremum of C",
    sym.covariance_supremum,
    _by(sym.covariance_supremum, facts.supremum_of_covariance, ((_s, _s),)),
)
"""KL <= (t_1^2/4) sup C, and the later steps."""

start_step_diameter = _with_first(
    "the first step by the diameter",
    _D**2 * _V / 4,
    _by(_D**2 * M(_s) / 4, diameter_bound, ((_s, _s),)),
    _by(_D**2 * _V / 4, mmse_decreases, ((_a, sp.S.Zero), (_b, _s)), _D**2 / 4),
)
"""KL <= (t_1^2/4) (D^2/4) V, and the later steps."""

start_step_core = _with_first(
    "the first step by the covariance of the core",
    sym.covariance_norm * sp.exp(_D**2 * _t1),
    _by(C(0) * sp.exp(_D**2 * _s), covariance_grows, ((_a, sp.S.Zero), (_b, _s))),
    _by(
        C(0) * sp.exp(_D**2 * _t1),
        facts.exponential_increases,
        tuple(
            zip(facts.exponential_increases.variables, (_D**2 * _s, _D**2 * _t1), strict=True),
        ),
        C(0),
    ),
    using=(facts.covariance_of_the_core,),
)
"""KL <= (t_1^2/4) |Cov A|_F^2 exp(D^2 t_1), and the later steps."""
