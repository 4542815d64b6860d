"""Proofs of the good phase: among the knots c t_k, 1 <= c <= 1 + kappa, some are as good as the average.

What belongs here: knots in constant ratio 1 + kappa, averaged over their phase c with the weight dc/c.
What does not: one list of knots at a time (`geometric`, `convex`).

The average of `c (t_(k+1) - t_k) M(c t_k)` is an integral of M from t_k to t_(k+1), with no bound in
between: the sum over the steps telescopes. That is where `kappa/log(1 + kappa)` comes from. No convexity.
"""

from __future__ import annotations

import sympy as sp

from theory import facts
from theory import symbols as sym
from theory.channel import I, M
from theory.derivation import Algebra, Axiom, Calculus, Derivation, Lemma, Link, chain
from theory.immse import information_slope
from theory.proofs.channel import information_increment, mmse_decreases, mmse_information
from theory.statement import Hypothesis

__all__ = [
    "good_phase",
    "good_phase_positive",
    "information_concave",
    "information_increases",
    "mean_ratio",
    "phase_kl",
]

_s, _k, _n, _t = sym.snr, sym.k, sym.number_of_steps, sym.knots
_T, _t0, _V, _kappa, _t1 = sym.last, sym.first, sym.variance, sym.kappa, sym.first_positive
_I_T, _half = sym.information_last, sp.Rational(1, 2)
_a = sp.Symbol("a", nonnegative=True)
_b = sp.Symbol("b", nonnegative=True)
_u = sp.Symbol("u", nonnegative=True)
_c = sp.Symbol("c", positive=True)
_ordered = (sp.Le(_a, _b),)
_phases = (_c, 1, 1 + _kappa)
_log = sp.log(1 + _kappa)

mean_ratio = _kappa / _log
"""kappa/log(1 + kappa): the mean of c over the phases with the weight dc/c; at most 1 + kappa/2."""

phase_kl = sp.Function("K", nonnegative=True)
"""The path KL of the matched sampler on the knots c t_0, ..., c t_n, as a function of the phase c."""

information_increases = Derivation(
    title="the information does not decrease",
    statement=sp.Le(I(_a), I(_b), evaluate=False),
    variables=(_a, _b),
    conditions=_ordered,
    steps=chain(
        I(_a),
        Link(
            "<=",
            I(_a) + (_b - _a) * M(_b) / 2,
            Lemma(facts.mmse_nonnegative, ((_s, _b),), weight=(_b - _a) / 2),
        ),
        Link("<=", I(_b), Lemma(information_increment, ((_a, _a), (_b, _b)))),
    ),
)
"""I(a) <= I(b) for a <= b."""

information_concave = Derivation(
    title="the information gained is at most half the step times the earlier mmse",
    statement=sp.Le(I(_b), I(_a) + (_b - _a) * M(_a) / 2, evaluate=False),
    variables=(_a, _b),
    conditions=_ordered,
    steps=chain(
        I(_b),
        Link("==", I(_a) + sp.Integral(M(_u), (_u, _a, _b)) / 2, Calculus((information_slope(),))),
        Link(
            "<=",
            I(_a) + sp.Integral(M(_a), (_u, _a, _b)) / 2,
            Lemma(mmse_decreases, ((_a, _a), (_b, _u)), weight=_half, over=((_u, _a, _b),)),
        ),
        Link("==", I(_a) + (_b - _a) * M(_a) / 2, Calculus()),
    ),
)
"""I(b) <= I(a) + (b - a) M(a)/2 for a <= b."""

_least = Axiom(
    "the least over the phases",
    sp.Le(sym.best_phase_kl, phase_kl(_c), evaluate=False),
    variables=(_c,),
    conditions=(sp.Le(1, _c), sp.Le(_c, 1 + _kappa)),
    because="an infimum is at most each of the values",
)
_identity = Axiom(
    "path identity for the knots c t_k",
    sp.Eq(
        phase_kl(_c),
        sp.Sum(_c * sym.steps[_k] * M(_c * _t[_k]), (_k, 0, _n - 1)) / 2 - (I(_c * _T) - I(_c * _t0)),
        evaluate=False,
    ),
    variables=(_c,),
    because="the path identity holds for every list of knots",
)


def _over_phases(integrand: sp.Expr) -> sp.Expr:
    return sp.Integral(integrand, _phases)


def _ratio(hypothesis: Hypothesis, first: int) -> Axiom:
    """t_(k+1) = (1 + kappa) t_k from an index on."""
    return Axiom(
        "constant ratio of knots",
        sp.Eq(_t[_k + 1], (1 + _kappa) * _t[_k], evaluate=False),
        variables=(_k,),
        conditions=_from(first),
        hypotheses=(hypothesis,),
        because="their ratio is the same, so that the greatest one is 1 + kappa",
    )


def _substitution(hypothesis: Hypothesis, first: int) -> Axiom:
    """The integral of t_k M(c t_k) over the phases is that of M over the step."""
    return Axiom(
        "change of variables",
        sp.Eq(
            sp.Integral(_t[_k] * M(_c * _t[_k]), _phases),
            sp.Integral(M(_u), (_u, _t[_k], _t[_k + 1])),
            evaluate=False,
        ),
        variables=(_k,),
        conditions=_from(first),
        hypotheses=(hypothesis,),
        because="u = c t_k runs from t_k to (1 + kappa) t_k = t_(k+1)",
    )


def _exchange(first: int) -> Axiom:
    """The integral over the phases of a sum over the steps is the sum of the integrals."""
    inside, steps = _t[_k] * M(_c * _t[_k]), (_k, first, _n - 1)
    return Axiom(
        "the integral of a sum",
        sp.Eq(_over_phases(sp.Sum(inside, steps)), sp.Sum(_over_phases(inside), steps), evaluate=False),
        because="the integral is linear",
    )


def _from(first: int) -> tuple[sp.Rel, ...]:
    """Conditions on the index of a step in constant ratio."""
    below = sp.Le(_k, _n - 1)
    return (sp.Ge(_k, first, evaluate=False), below) if first else (below,)


def _averaged(first: int, hypothesis: Hypothesis, others: sp.Expr) -> tuple[Link, ...]:
    """Links from the integrated path error, written in M and I, to what the steps gain on average.

    `others` is what does not belong to the steps from `first` on, which are those in constant ratio.
    """
    steps = (_k, first, _n - 1)
    here = M(_c * _t[_k])
    rest = _over_phases(others)
    return (
        Link(
            "==",
            _over_phases(_kappa * sp.Sum(_t[_k] * here, steps) / 2 + others),
            Lemma(_ratio(hypothesis, first), ((_k, _k),), weight=here / 2, over=(steps, _phases)),
        ),
        Link(
            "==",
            _kappa * sp.Sum(_over_phases(_t[_k] * here), steps) / 2 + rest,
            Lemma(_exchange(first), weight=_kappa / 2),
        ),
        Link(
            "==",
            _kappa * sp.Sum(sp.Integral(M(_u), (_u, _t[_k], _t[_k + 1])), steps) / 2 + rest,
            Lemma(_substitution(hypothesis, first), ((_k, _k),), weight=_kappa / 2, over=(steps,)),
        ),
        Link(
            "==",
            _kappa * (_I_T - I(_t[first])) + rest,
            Calculus((information_slope(),)),
            note="the sum telescopes",
        ),
    )


_start = _log * sym.best_phase_kl
_into_average = (
    Link("==", _over_phases(sym.best_phase_kl / _c), Calculus()),
    Link("<=", _over_phases(phase_kl(_c) / _c), Lemma(_least, ((_c, _c),), weight=1 / _c, over=(_phases,))),
)
_later = Lemma(information_increases, ((_a, _T), (_b, _c * _T)), weight=1 / _c, over=(_phases,))
_first_cost = _t1 * _V / 2
_at_end = I(_c * _T) / _c
_gained = _kappa * (_I_T - I(_t[1]))

_from_zero = Derivation(
    title="geometric knots from zero, averaged over their phase",
    statement=sp.Le(_start, _kappa * _first_cost + (_kappa - _log) * _I_T, evaluate=False),
    hypotheses=(facts.geometric,),
    steps=chain(
        _start,
        *_into_average,
        Link(
            "==",
            _over_phases(
                sp.Sum(sym.steps[_k] * M(_c * _t[_k]), (_k, 1, _n - 1)) / 2 + _first_cost - _at_end
            ),
            Algebra(
                (
                    _identity,
                    facts.geometric_start,
                    facts.first_positive_is_second,
                    facts.information_at_zero,
                )
            ),
            note="the first step apart",
        ),
        *_averaged(1, facts.geometric, _first_cost - _at_end),
        Link("<=", _gained + _over_phases(_first_cost - _I_T / _c), _later),
        Link("==", _kappa * _first_cost + (_kappa - _log) * _I_T - _kappa * I(_t[1]), Calculus()),
        Link(
            "<=",
            _kappa * _first_cost + (_kappa - _log) * _I_T,
            Lemma(facts.information_nonnegative, ((_s, _t[1]),), weight=_kappa),
        ),
    ),
)
"""log(1 + kappa) inf KL <= kappa t_1 V/2 + (kappa - log(1 + kappa)) I(T)."""

good_phase = Derivation(
    title="a good phase of geometric knots from zero",
    statement=sp.Le(sym.best_phase_kl, mean_ratio * _first_cost + (mean_ratio - 1) * _I_T, evaluate=False),
    hypotheses=(facts.geometric, facts.ratio_positive),
    steps=chain(
        sym.best_phase_kl,
        Link(
            "<=",
            mean_ratio * _first_cost + (mean_ratio - 1) * _I_T,
            Lemma(_from_zero, weight=1 / _log),
        ),
    ),
)
"""inf KL <= c t_1 V/2 + (c - 1) I(T), c = kappa/log(1 + kappa), on geometric knots from zero."""

_at_start = I(_c * _t0) / _c
_all_gained = _kappa * (_I_T - I(_t0))

_from_positive = Derivation(
    title="knots in constant ratio, averaged over their phase",
    statement=sp.Le(_start, (_kappa - _log) * _I_T, evaluate=False),
    hypotheses=(facts.constant_ratio,),
    steps=chain(
        _start,
        *_into_average,
        Link(
            "==",
            _over_phases(sp.Sum(sym.steps[_k] * M(_c * _t[_k]), (_k, 0, _n - 1)) / 2 + _at_start - _at_end),
            Algebra((_identity,)),
        ),
        *_averaged(0, facts.constant_ratio, _at_start - _at_end),
        Link("<=", _all_gained + _over_phases(_at_start - _I_T / _c), _later),
        Link(
            "<=",
            _all_gained + _over_phases((I(_t0) + (_c - 1) * _t0 * M(_t0) / 2) / _c - _I_T / _c),
            Lemma(information_concave, ((_a, _t0), (_b, _c * _t0)), weight=1 / _c, over=(_phases,)),
        ),
        Link(
            "<=",
            _all_gained + _over_phases((I(_t0) + (_c - 1) * I(_t0)) / _c - _I_T / _c),
            Lemma(mmse_information, ((_s, _t0),), weight=(_c - 1) / (2 * _c), over=(_phases,)),
        ),
        Link("==", (_kappa - _log) * _I_T, Calculus()),
    ),
)
"""log(1 + kappa) inf KL <= (kappa - log(1 + kappa)) I(T)."""

good_phase_positive = Derivation(
    title="a good phase of knots in constant ratio",
    statement=sp.Le(sym.best_phase_kl, (mean_ratio - 1) * _I_T, evaluate=False),
    hypotheses=(facts.constant_ratio, facts.ratio_positive),
    steps=chain(
        sym.best_phase_kl,
        Link("<=", (mean_ratio - 1) * _I_T, Lemma(_from_positive, weight=1 / _log)),
    ),
)
"""inf KL <= (c - 1) I(T), c = kappa/log(1 + kappa), on knots in constant ratio from t_0 > 0."""
