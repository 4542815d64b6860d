"""What the best schedule costs, against the mutual information; and a path error from below.

What belongs here: the limit of n times the path KL of the best n steps, `(1/4) (int sqrt(C) ds)^2`, against
I(T), and the sum of drops of the mmse as a lower bound where the mmse is convex. What does not: geometric
knots (`geometric`, `convex`, `phases`).
"""

from __future__ import annotations

import sympy as sp

from theory import facts
from theory import symbols as sym
from theory.channel import C, M, convexity
from theory.derivation import Algebra, Calculus, Derivation, Lemma, Link, chain
from theory.immse import information_slope, mmse_slope, path_identity_positive
from theory.proofs.channel import mmse_information

__all__ = ["best_schedule_entropy", "convex_below", "logarithm"]

_s, _k, _n, _t = sym.snr, sym.k, sym.number_of_steps, sym.knots
_T, _t0 = sym.last, sym.first
_slopes = (information_slope(), mmse_slope())
_quarter, _half = sp.Rational(1, 4), sp.Rational(1, 2)

# The best schedule

_u = sp.Symbol("u", nonnegative=True)
_x, _y = facts.square_nonnegative.variables
_range = sp.log(1 + (_T - _t0) / _t0)

logarithm = Derivation(
    title="the logarithm as an integral",
    statement=sp.Eq(sp.Integral(1 / _s, (_s, _t0, _T)), _range, evaluate=False),
    hypotheses=(facts.starts_positive,),
    steps=chain(
        sp.Integral(1 / _s, (_s, _t0, _T)),
        Link("==", _range, Calculus(antiderivative=sp.log(1 + (_s - _t0) / _t0))),
    ),
)
"""The integral of 1/s from t_0 to T is log(1 + (T - t_0)/t_0)."""

_root = sp.Integral(sp.sqrt(C(_u)), (_u, _t0, _T))
_one, _other = sp.sqrt(_s) * sp.sqrt(C(_s)), _root / (_range * sp.sqrt(_s))
_weighted = sp.Integral(_s * C(_s), (_s, _t0, _T))

best_schedule_entropy = Derivation(
    title="the best schedule by the mutual information",
    statement=sp.Le(sym.best_rate, sym.information_last * sp.log(_T / _t0) / 2, evaluate=False),
    hypotheses=(facts.starts_positive,),
    steps=chain(
        sym.best_rate,
        Link("==", _root**2 / 4, Algebra((facts.rate_of_the_best,))),
        Link(
            "<=",
            _root**2 / 4 + _range * sp.Integral((_one - _other) ** 2, (_s, _t0, _T)) / 4,
            Lemma(
                facts.square_nonnegative,
                ((_x, _one), (_y, _other)),
                weight=_range / 4,
                over=((_s, _t0, _T),),
            ),
            note="Cauchy and Schwarz, for sqrt(s C) and 1/sqrt(s)",
        ),
        Link(
            "==",
            _range * _weighted / 4
            - _root**2 / 4
            + _root**2 * sp.Integral(1 / _s, (_s, _t0, _T)) / (4 * _range),
            Algebra(),
        ),
        Link("==", _range * _weighted / 4, Algebra((logarithm,))),
        Link(
            "==",
            _range * (_t0 * M(_t0) - _T * M(_T) + 2 * (sym.information_last - sym.information_first)) / 4,
            Calculus(_slopes),
            note="by parts",
        ),
        Link(
            "<=",
            _range * (_t0 * M(_t0) + 2 * (sym.information_last - sym.information_first)) / 4,
            Lemma(facts.mmse_nonnegative, ((_s, _T),), weight=_range * _T / 4),
        ),
        Link(
            "<=",
            sym.information_last * _range / 2,
            Lemma(mmse_information, ((_s, _t0),), weight=_range / 4),
        ),
        Link("==", sym.information_last * sp.log(_T / _t0) / 2, Algebra()),
    ),
)
"""(1/4) (int sqrt(C) ds)^2 <= (1/2) I(T) log(T/t_0)."""

# From below

_steps = (_k, 0, _n - 1)
_drops = sp.Sum(sym.steps[_k] * (sym.mmse_at[_k] - sym.mmse_at[_k + 1]), _steps) / 4
_arch = (_s - _t[_k]) * (_t[_k + 1] - _s) / 4


def _on_steps(integrand: sp.Expr) -> sp.Expr:
    return sp.Sum(sp.Integral(integrand, (_s, _t[_k], _t[_k + 1])), _steps)


convex_below = Derivation(
    title="convex mmse: each step costs at least half of what it costs at most",
    statement=sp.Ge(sym.path_kl, _drops, evaluate=False),
    hypotheses=(facts.matched, facts.convex),
    steps=chain(
        sym.path_kl,
        Link("==", path_identity_positive.statement.rhs, Algebra((path_identity_positive,))),
        Link(
            "==",
            _drops + _on_steps(_arch * convexity(_s)),
            Calculus((mmse_slope(),)),
            note="by parts twice, against the antiderivative of the distance to the middle of the step",
        ),
        Link(
            ">=",
            _drops,
            Lemma(
                facts.convex_mmse,
                ((_s, _s),),
                weight=_arch,
                over=((_s, _t[_k], _t[_k + 1]), _steps),
            ),
        ),
    ),
)
"""KL >= (1/4) sum delta_k (M_k - M_(k+1)) where M is convex on [0, T]."""
