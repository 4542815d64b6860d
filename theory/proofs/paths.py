"""Proofs of the bounds for any list of knots: monotone, uniform steps, bounded ratio.

What belongs here: derivations that start from the path identity. What does not: geometric knots
(`geometric`, `convex`), and the statements themselves (`bounds`).
"""

from __future__ import annotations

import sympy as sp

from theory import facts
from theory import symbols as sym
from theory.channel import C, I, M
from theory.derivation import (
    Algebra,
    Calculus,
    Cases,
    Derivation,
    Lemma,
    Link,
    Proposition,
    chain,
    given,
)
from theory.immse import (
    information_slope,
    mmse_slope,
    path_identity,
    path_identity_positive,
)
from theory.proofs.channel import (
    information_by_dimension,
    information_increment,
    mmse_decreases,
    mmse_information,
)
from theory.statement import Hypothesis

__all__ = [
    "bounded_ratio_entropy",
    "bounded_ratio_information",
    "dimension_baseline",
    "first_step",
    "from_zero",
    "monotone",
    "next_knot",
    "uniform_steps",
]

_s, _k, _n, _t = sym.snr, sym.k, sym.number_of_steps, sym.knots
_T, _V, _kappa = sym.last, sym.variance, sym.kappa
_a, _b = mmse_decreases.variables
_steps = (_k, 0, _n - 1)
_slopes = (information_slope(), mmse_slope())

_drop = sym.steps[_k] * (sym.mmse_at[_k] - sym.mmse_at[_k + 1])

monotone = Derivation(
    title="each step costs at most its drop of the mmse",
    statement=sp.Le(sym.path_kl, sp.Sum(_drop, _steps) / 2, evaluate=False),
    hypotheses=(facts.matched,),
    steps=chain(
        sym.path_kl,
        Link("==", path_identity.statement.rhs, Algebra((path_identity,))),
        Link(
            "==",
            sp.Sum(
                sym.steps[_k] * sym.mmse_at[_k] / 2 - (sym.information_at[_k + 1] - sym.information_at[_k]),
                _steps,
            ),
            Algebra(),
        ),
        Link(
            "<=",
            sp.Sum(_drop, _steps) / 2,
            Lemma(
                information_increment,
                ((_a, _t[_k]), (_b, _t[_k + 1])),
                over=(_steps,),
            ),
        ),
    ),
)

_size = (_T - sym.first) / _n

uniform_steps = Derivation(
    title="uniform steps cost at most T V/(2n)",
    statement=sp.Le(sym.path_kl, _T * _V / (2 * _n), evaluate=False),
    hypotheses=(facts.matched, facts.uniform),
    steps=chain(
        sym.path_kl,
        Link("<=", sp.Sum(_drop, _steps) / 2, Lemma(monotone)),
        Link(
            "==",
            sp.Sum(_size * (sym.mmse_at[_k] - sym.mmse_at[_k + 1]), _steps) / 2,
            Lemma(
                facts.uniform_size,
                ((_k, _k),),
                weight=(sym.mmse_at[_k] - sym.mmse_at[_k + 1]) / 2,
                over=(_steps,),
            ),
        ),
        Link("==", _size * (M(sym.first) - M(_T)) / 2, Algebra()),
        Link(
            "<=",
            _size * M(sym.first) / 2,
            Lemma(facts.mmse_nonnegative, ((_s, _T),), weight=_size / 2),
        ),
        Link(
            "<=",
            _size * _V / 2,
            Lemma(mmse_decreases, ((_a, sp.S.Zero), (_b, sym.first)), weight=_size / 2),
        ),
        Link(
            "<=",
            _T * _V / (2 * _n),
            Lemma(facts.knots_nonnegative, ((_k, sp.S.Zero),), weight=_V / (2 * _n)),
        ),
    ),
)

next_knot = Derivation(
    title="the next knot is at most kappa s away",
    statement=sp.Le(_t[_k + 1] - _s, _kappa * _s, evaluate=False),
    variables=(_k, _s),
    conditions=(
        sp.Gt(_t[_k], 0, evaluate=False),
        sp.Le(_k, _n - 1),
        sp.Le(_t[_k], _s, evaluate=False),
    ),
    steps=chain(
        _t[_k + 1] - _s,
        Link("<=", (1 + _kappa) * _t[_k] - _s, Lemma(facts.ratio_bounded, ((_k, _k),))),
        Link(
            "<=",
            (1 + _kappa) * _s - _s,
            Lemma(given(sp.Le(_t[_k], _s, evaluate=False)), weight=1 + _kappa),
        ),
        Link("==", _kappa * _s, Algebra()),
    ),
)
"""t_(k+1) - s <= kappa s for s in the step from t_k > 0."""


def _cost(first: int, distance: sp.Expr) -> sp.Expr:
    """(1/2) sum over the steps from a given one of int C(s) distance ds."""
    inside = sp.Integral(C(_s) * distance, (_s, _t[_k], _t[_k + 1]))
    return sp.Sum(inside, (_k, first, _n - 1)) / 2


_over = ((_s, _t[_k], _t[_k + 1]),)
_ratio = {"proposition": next_knot, "at": ((_k, _k), (_s, _s)), "weight": C(_s) / 2}

_start_zero = given(facts.starts_at_zero.relation)
_zero = (_start_zero, facts.first_positive_is_second, facts.information_at_zero)
_t1 = sym.first_positive
_first_cost = _t1 * _V / 2
_I_T = sym.information_last

from_zero = Derivation(
    title="bounded ratio of knots, path from snr zero",
    statement=sp.Le(sym.path_kl, _kappa * _I_T + _first_cost, evaluate=False),
    hypotheses=(facts.matched, facts.starts_at_zero),
    steps=chain(
        sym.path_kl,
        Link("==", _cost(0, _t[_k + 1] - _s), Algebra((path_identity_positive,))),
        Link(
            "==",
            _first_cost - I(_t1) + _cost(1, _t[_k + 1] - _s),
            Calculus((*_zero, *_slopes)),
        ),
        Link(
            "<=",
            _first_cost - I(_t1) + _cost(1, _kappa * _s),
            Lemma(**_ratio, over=(*_over, (_k, 1, _n - 1))),
        ),
        Link(
            "==",
            _first_cost - I(_t1) + _kappa * (_t1 * M(_t1) - _T * M(_T)) / 2 + _kappa * (_I_T - I(_t1)),
            Calculus((facts.first_positive_is_second, *_slopes)),
        ),
        Link(
            "<=",
            _first_cost - I(_t1) + _kappa * _t1 * M(_t1) / 2 + _kappa * (_I_T - I(_t1)),
            Lemma(facts.mmse_nonnegative, ((_s, _T),), weight=_kappa * _T / 2),
        ),
        Link(
            "<=",
            _first_cost - I(_t1) + _kappa * _I_T,
            Lemma(mmse_information, ((_s, _t1),), weight=_kappa / 2),
        ),
        Link(
            "<=",
            _kappa * _I_T + _first_cost,
            Lemma(facts.information_nonnegative, ((_s, _t1),)),
        ),
    ),
)

_from_positive = Derivation(
    title="bounded ratio of knots, path from positive snr",
    statement=sp.Le(sym.path_kl, _kappa * _I_T, evaluate=False),
    hypotheses=(facts.matched, facts.starts_positive),
    steps=chain(
        sym.path_kl,
        Link("==", _cost(0, _t[_k + 1] - _s), Algebra((path_identity_positive,))),
        Link("<=", _cost(0, _kappa * _s), Lemma(**_ratio, over=(*_over, _steps))),
        Link(
            "==",
            _kappa * (sym.first * M(sym.first) - _T * M(_T)) / 2 + _kappa * (_I_T - sym.information_first),
            Calculus(_slopes),
        ),
        Link(
            "<=",
            _kappa * sym.first * M(sym.first) / 2 + _kappa * (_I_T - sym.information_first),
            Lemma(facts.mmse_nonnegative, ((_s, _T),), weight=_kappa * _T / 2),
        ),
        Link("<=", _kappa * _I_T, Lemma(mmse_information, ((_s, sym.first),), weight=_kappa / 2)),
    ),
)

first_step = sp.Piecewise((_first_cost, sp.Eq(sym.first, 0)), (0, True))
"""What the first step costs at most where the path starts at snr zero: t_1 V/2, otherwise 0."""

bounded_ratio_information = Derivation(
    title="bounded ratio of knots",
    statement=sp.Le(sym.path_kl, _kappa * _I_T + first_step, evaluate=False),
    hypotheses=(facts.matched,),
    steps=chain(
        sym.path_kl,
        Link(
            "<=",
            _kappa * _I_T + first_step,
            Cases(((facts.starts_at_zero, from_zero), (facts.starts_positive, _from_positive))),
        ),
    ),
)
"""KL <= kappa I(T), plus t_1 V/2 where t_0 = 0."""


def _with_information_bounded(
    title: str, formula: sp.Expr, by: Proposition, hypotheses: tuple[Hypothesis, ...]
) -> Derivation:
    """The derivation of KL <= formula from a bound on I(T): `by` with its variable at T."""
    (variable,) = by.variables
    return Derivation(
        title=title,
        statement=sp.Le(sym.path_kl, formula, evaluate=False),
        hypotheses=hypotheses,
        steps=chain(
            sym.path_kl,
            Link("<=", _kappa * _I_T + first_step, Lemma(bounded_ratio_information)),
            Link("<=", formula, Lemma(by, ((variable, _T),), weight=_kappa)),
        ),
    )


bounded_ratio_entropy = _with_information_bounded(
    "bounded ratio of knots, by the entropy",
    _kappa * sym.entropy + first_step,
    facts.information_at_most_entropy,
    (facts.matched,),
)
"""KL <= kappa H, plus t_1 V/2 where t_0 = 0."""

dimension_baseline = _with_information_bounded(
    "bounded ratio of knots, by the dimension of the span",
    _kappa * (sym.rank / 2) * sp.log(1 + _T * _V / sym.rank) + first_step,
    information_by_dimension,
    (facts.matched, facts.two_atoms),
)
"""KL <= kappa (r/2) log(1 + T V/r), plus t_1 V/2 where t_0 = 0."""
