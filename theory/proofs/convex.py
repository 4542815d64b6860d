"""Proof of the halved constant: geometric knots from snr zero, convex mmse.

What belongs here: this one derivation. What does not: the statement itself (`bounds.ours`).

With `C = -M'` the path KL is `(1/2) int C(s) (next(s) - s) ds`. Take off what the bound pays for,
`int C(s) (t_1 + kappa s/2) ds`, and integrate the rest by parts once more, against `M'' >= 0`: on
geometric knots its antiderivative is, up to sign, a square plus a non-negative linear function.
"""

from __future__ import annotations

import sympy as sp

from theory import facts
from theory import symbols as sym
from theory.channel import C, M, convexity
from theory.derivation import Algebra, Calculus, Derivation, Lemma, Link, chain
from theory.immse import information_slope, mmse_slope, path_identity_positive

__all__ = ["convex_halved"]

_s, _k, _n, _t = sym.snr, sym.k, sym.number_of_steps, sym.knots
_T, _V, _kappa, _t1 = sym.last, sym.variance, sym.kappa, sym.first_positive
_start = (facts.geometric_start, facts.first_positive_is_second)
_using = (*_start, facts.information_at_zero, information_slope(), mmse_slope())
_later = (_k, 1, _n - 1)


def _first(integrand: sp.Expr) -> sp.Expr:
    """Half the integral over the first step."""
    return sp.Integral(integrand, (_s, 0, _t1)) / 2


def _rest(integrand: sp.Expr) -> sp.Expr:
    """Half the sum of the integrals over the later steps."""
    return sp.Sum(sp.Integral(integrand, (_s, _t[_k], _t[_k + 1])), _later) / 2


_bound = _t1 * _V / 2 + _kappa * sym.information_last / 2
_paid = _bound - (_t1 / 2 + _kappa * _T / 4) * M(_T)
_distance = _t[_k + 1] - _s - _t1 - _kappa * _s / 2
_square_first = (_kappa + 2) * _s**2 / 4
_square = (_kappa + 2) * (_s - 2 * (1 + _kappa) * _t[_k] / (_kappa + 2)) ** 2 / 4
_linear = _t1 * _s - _t1**2 / (_kappa + 2)
_end = _kappa**2 * _T**2 / (4 * (_kappa + 2)) + _t1 * _T - _t1**2 / (_kappa + 2)
_bend = convexity(_s)
_half = sp.Rational(1, 2)
_on_step = ((_s, _t[_k], _t[_k + 1]), _later)

convex_halved = Derivation(
    title="geometric steps with convex mmse cost half",
    statement=sp.Le(sym.path_kl, _bound, evaluate=False),
    hypotheses=(facts.matched, facts.geometric, facts.convex),
    steps=chain(
        sym.path_kl,
        Link("==", path_identity_positive.statement.rhs, Algebra((path_identity_positive,))),
        Link(
            "==",
            _first(C(_s) * (_t1 - _s)) + _rest(C(_s) * (_t[_k + 1] - _s)),
            Algebra(_start),
            note="the first step apart",
        ),
        Link(
            "==",
            _paid - _first(C(_s) * (1 + _kappa / 2) * _s) + _rest(C(_s) * _distance),
            Calculus(_using),
            note="taking off half the integral of C(s) (t_1 + kappa s/2)",
        ),
        Link(
            "==",
            _paid
            - _end * C(_T) / 2
            - _first(_square_first * _bend)
            - _rest(_square * _bend)
            - _rest(_linear * _bend),
            Calculus((*_start, facts.geometric_knots, mmse_slope())),
            note="by parts, the boundary terms telescope",
        ),
        Link(
            "<=",
            _paid - _end * C(_T) / 2 - _rest(_square * _bend) - _rest(_linear * _bend),
            Lemma(
                facts.convex_mmse,
                ((_s, _s),),
                weight=_square_first / 2,
                over=((_s, 0, _t1),),
                using=_start,
            ),
        ),
        Link(
            "<=",
            _paid - _end * C(_T) / 2 - _rest(_linear * _bend),
            Lemma(facts.convex_mmse, ((_s, _s),), weight=_square / 2, over=_on_step),
        ),
        Link(
            "<=",
            _paid - _end * C(_T) / 2,
            Lemma(facts.convex_mmse, ((_s, _s),), weight=_linear / 2, over=_on_step, using=_start),
        ),
        Link(
            "<=",
            _paid,
            Lemma(facts.moment_nonnegative, ((_s, _T),), weight=_end / 2, using=_start),
        ),
        Link(
            "<=",
            _bound,
            Lemma(facts.mmse_nonnegative, ((_s, _T),), weight=_t1 / 2 + _kappa * _T / 4),
        ),
    ),
)
"""KL <= t_1 V/2 + (kappa/2) I(T) on geometric knots from zero, M convex on [0, T]."""
