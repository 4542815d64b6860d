"""Proofs with the Renyi entropy of order 1/2: the variance of the core, uniform steps, the best schedule.

What belongs here: what follows from V <= (D^2/4) (e^H - 1)^2, H the Renyi entropy of order 1/2, and the
bound of a path by its information and the ratios of its losses. What does not: Shannon's entropy
(`paths`, `rates`).

In pairs of different atoms, u_p = sqrt(w_i w_j), V = sum u_p^2 |a_i - a_j|^2 <= D^2 sum u_p^2, while
e^H = (sum sqrt(w_i))^2 = 1 + 2 sum u_p; and a sum of squares is at most the square of the sum.
"""

from __future__ import annotations

import sympy as sp

from theory import facts
from theory import symbols as sym
from theory.channel import C, M
from theory.derivation import Algebra, Axiom, Calculus, Derivation, Lemma, Link, chain
from theory.immse import mmse_slope, path_identity
from theory.proofs.channel import information_increment, mmse_decreases
from theory.proofs.paths import uniform_steps

__all__ = ["best_rate_renyi", "best_rate_variance", "loss_ratios", "uniform_renyi", "variance_renyi"]

_s, _n, _T, _t0 = sym.snr, sym.number_of_steps, sym.last, sym.first
_V, _D, _H = sym.variance, sym.diameter, sym.renyi_entropy
_p = sp.Symbol("p", integer=True, nonnegative=True)
_pairs = (_p, 0, sp.Symbol("P", integer=True, nonnegative=True) - 1)
_u = sp.IndexedBase("u", nonnegative=True)
_l = sp.IndexedBase("l", nonnegative=True)
_sum = sp.Sum(_u[_p], _pairs)
_squares = sp.Sum(_u[_p] ** 2, _pairs)

_a, _b = mmse_decreases.variables
_k = sym.k
_steps = (_k, 0, _n - 1)
_gain = sym.information_at[_k + 1] - sym.information_at[_k]

_variance_by_pairs = Axiom(
    "the variance by pairs of atoms",
    sp.Eq(_V, sp.Sum(_u[_p] ** 2 * _l[_p], _pairs), evaluate=False),
    because="E|A - EA|^2 = (1/2) E|A - A'|^2 for an independent copy A', with u^2 = w_i w_j and l = "
    "|a_i - a_j|^2 for each pair of different atoms",
)
_diameter = Axiom(
    "definition of D",
    sp.Le(_l[_p], _D**2, evaluate=False),
    variables=(_p,),
    because="D is the greatest distance between two atoms",
)
_sum_of_squares = Axiom(
    "a sum of squares is at most the square of the sum",
    sp.Le(_squares, _sum**2, evaluate=False),
    because="the terms u are not negative, and so are their products",
)
_renyi = Axiom(
    "definition of the Renyi entropy of order 1/2",
    sp.Eq(_sum, (sp.exp(_H) - 1) / 2, evaluate=False),
    because="e^H = (sum sqrt(w_i))^2 = 1 + 2 sum of sqrt(w_i w_j) over the pairs of different atoms",
)
_bound = _D**2 * (sp.exp(_H) - 1) ** 2 / 4

variance_renyi = Derivation(
    title="the variance of the core by its Renyi entropy of order 1/2",
    statement=sp.Le(_V, _bound, evaluate=False),
    steps=chain(
        _V,
        Link("==", _variance_by_pairs.statement.rhs, Algebra((_variance_by_pairs,))),
        Link("<=", _D**2 * _squares, Lemma(_diameter, ((_p, _p),), weight=_u[_p] ** 2, over=(_pairs,))),
        Link("<=", _D**2 * _sum**2, Lemma(_sum_of_squares, weight=_D**2)),
        Link("==", _bound, Algebra((_renyi,))),
    ),
)
"""V <= (D^2/4) (e^H - 1)^2."""

uniform_renyi = Derivation(
    title="uniform steps by the Renyi entropy of order 1/2",
    statement=sp.Le(sym.path_kl, _T * _bound / (2 * _n), evaluate=False),
    hypotheses=(facts.matched, facts.uniform),
    steps=chain(
        sym.path_kl,
        Link("<=", _T * _V / (2 * _n), Lemma(uniform_steps)),
        Link("<=", _T * _bound / (2 * _n), Lemma(variance_renyi, weight=_T / (2 * _n))),
    ),
)
"""KL <= T D^2 (e^H - 1)^2/(8 n) for n uniform steps."""

_root = sp.Integral(sp.sqrt(C(_s)), (_s, _t0, _T))
_length = _T - _t0
_x, _y = facts.square_nonnegative.variables
_v = sp.Symbol("v", nonnegative=True)
_inner = sp.Integral(sp.sqrt(C(_v)), (_v, _t0, _T))

best_rate_variance = Derivation(
    title="the best schedule by the variance",
    statement=sp.Le(sym.best_rate, _T * _V / 4, evaluate=False),
    steps=chain(
        sym.best_rate,
        Link("==", _inner**2 / 4, Algebra((facts.rate_of_the_best,))),
        Link(
            "<=",
            _inner**2 / 4
            + _length * sp.Integral((sp.sqrt(C(_s)) - _inner / _length) ** 2, (_s, _t0, _T)) / 4,
            Lemma(
                facts.square_nonnegative,
                ((_x, sp.sqrt(C(_s))), (_y, _inner / _length)),
                weight=_length / 4,
                over=((_s, _t0, _T),),
            ),
            note="Cauchy and Schwarz, for sqrt(C) and 1",
        ),
        Link("==", _length * sp.Integral(C(_s), (_s, _t0, _T)) / 4, Calculus()),
        Link("==", _length * (M(_t0) - M(_T)) / 4, Calculus((mmse_slope(),))),
        Link(
            "<=",
            _length * M(_t0) / 4,
            Lemma(facts.mmse_nonnegative, ((_s, _T),), weight=_length / 4),
        ),
        Link(
            "<=",
            _length * _V / 4,
            Lemma(mmse_decreases, ((_a, sp.S.Zero), (_b, _t0)), weight=_length / 4),
        ),
        Link(
            "<=",
            _T * _V / 4,
            Lemma(facts.knots_nonnegative, ((sym.k, sp.S.Zero),), weight=_V / 4),
        ),
    ),
)
"""(1/4) (int sqrt(C) ds)^2 <= T V/4."""

best_rate_renyi = Derivation(
    title="the best schedule by the Renyi entropy of order 1/2",
    statement=sp.Le(sym.best_rate, _T * _bound / 4, evaluate=False),
    steps=chain(
        sym.best_rate,
        Link("<=", _T * _V / 4, Lemma(best_rate_variance)),
        Link("<=", _T * _bound / 4, Lemma(variance_renyi, weight=_T / 4)),
    ),
)
"""(1/4) (int sqrt(C) ds)^2 <= (T D^2/16) (e^H - 1)^2."""

loss_ratios = Derivation(
    title="each step costs at most the information it gains times the relative drop of the loss",
    statement=sp.Le(
        sym.path_kl,
        sp.Sum(_gain * (sym.mmse_at[_k] - sym.mmse_at[_k + 1]) / sym.mmse_at[_k + 1], _steps),
        evaluate=False,
    ),
    hypotheses=(facts.matched, facts.two_atoms),
    steps=chain(
        sym.path_kl,
        Link("==", path_identity.statement.rhs, Algebra((path_identity,))),
        Link("==", sp.Sum(sym.steps[_k] * sym.mmse_at[_k] / 2 - _gain, _steps), Algebra()),
        Link(
            "<=",
            sp.Sum(_gain * sym.mmse_at[_k] / sym.mmse_at[_k + 1] - _gain, _steps),
            Lemma(
                information_increment,
                ((_a, sym.knots[_k]), (_b, sym.knots[_k + 1])),
                weight=sym.mmse_at[_k] / sym.mmse_at[_k + 1],
                over=(_steps,),
                using=(facts.mmse_positive,),
            ),
        ),
        Link(
            "==",
            sp.Sum(_gain * (sym.mmse_at[_k] - sym.mmse_at[_k + 1]) / sym.mmse_at[_k + 1], _steps),
            Algebra(),
        ),
    ),
)
"""KL <= sum (I(t_(k+1)) - I(t_k)) (M_k - M_(k+1))/M_(k+1), for any knots."""
