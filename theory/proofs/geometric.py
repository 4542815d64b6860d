"""Proofs for geometric knots from snr zero: the explicit ratio, and the steps that suffice.

What belongs here: derivations for knots 0, t_1, ..., t_n = T in constant ratio, without convexity.
What does not: the halved constant (`convex`), and the statements themselves (`bounds`).
"""

from __future__ import annotations

import sympy as sp

from theory import facts
from theory import symbols as sym
from theory.derivation import Algebra, Cases, Derivation, Lemma, Link, chain, given
from theory.proofs.paths import from_zero

__all__ = ["entropy_with_ratio", "geometric_ratio", "geometric_steps", "step_complexity"]

_n, _T, _V, _H = sym.number_of_steps, sym.last, sym.variance, sym.entropy
_t1, _kappa, _epsilon = sym.first_positive, sym.kappa, sym.epsilon
_first_cost = _t1 * _V / 2
_half = sp.Rational(1, 2)

_ratio = (_T / _t1) ** (1 / (_n - 1)) - 1
geometric_ratio = sp.Piecewise((_ratio, sp.Gt(_n, 1)), (0, True))
"""kappa of the knots 0, t_1, ..., t_n = T in constant ratio, in terms of t_1, T and n."""

entropy_with_ratio = Derivation(
    title="bounded ratio of knots by the entropy, path from snr zero",
    statement=sp.Le(sym.path_kl, _first_cost + _kappa * _H, evaluate=False),
    hypotheses=(facts.matched, facts.geometric),
    steps=chain(
        sym.path_kl,
        Link(
            "<=",
            _kappa * sym.information_last + _first_cost,
            Lemma(from_zero, using=(facts.geometric_start,)),
        ),
        Link(
            "<=",
            _first_cost + _kappa * _H,
            Lemma(facts.information_at_most_entropy, ((sym.snr, _T),), weight=_kappa),
        ),
    ),
)
"""KL <= t_1 V/2 + kappa H on geometric knots from zero."""

_single = Derivation(
    title="geometric steps, one of them",
    statement=sp.Le(sym.path_kl, _first_cost, evaluate=False),
    hypotheses=(facts.matched, facts.geometric, facts.single_step),
    steps=chain(
        sym.path_kl,
        Link("<=", _first_cost + _kappa * _H, Lemma(entropy_with_ratio)),
        Link("<=", _first_cost, Lemma(facts.geometric_ratio_single, weight=_H)),
    ),
)

_several = Derivation(
    title="geometric steps, at least two of them",
    statement=sp.Le(sym.path_kl, _first_cost + _ratio * _H, evaluate=False),
    hypotheses=(facts.matched, facts.geometric, facts.several_steps),
    steps=chain(
        sym.path_kl,
        Link("<=", _first_cost + _kappa * _H, Lemma(entropy_with_ratio)),
        Link("==", _first_cost + _ratio * _H, Algebra((facts.geometric_last,))),
    ),
)

_by_entropy = _first_cost + geometric_ratio * _H

geometric_steps = Derivation(
    title="geometric steps by the entropy",
    statement=sp.Le(sym.path_kl, _by_entropy, evaluate=False),
    hypotheses=(facts.matched, facts.geometric),
    steps=chain(
        sym.path_kl,
        Link(
            "<=",
            _by_entropy,
            Cases(((facts.single_step, _single), (facts.several_steps, _several))),
        ),
    ),
)
"""KL <= t_1 V/2 + ((T/t_1)^(1/(n-1)) - 1) H."""

# The steps that suffice

_share = _epsilon / (2 * _H)
_log_share = sp.log(1 + _share)
_log_range = sp.log(_T / _t1)
_needed = (facts.geometric, facts.entropy_positive)
_enough = (facts.entropy_positive, facts.enough_steps, facts.several_steps)
_a, _b = facts.exponential_increases.variables
(_x,) = facts.upward.variables

_exponent = Derivation(
    title="enough steps make the logarithm of the ratio small",
    statement=sp.Le(_log_range / (_n - 1), _log_share, evaluate=False),
    hypotheses=_enough,
    steps=chain(
        _log_range / (_n - 1),
        Link(
            "<=",
            sp.ceiling(_log_range / _log_share) * _log_share / (_n - 1),
            Lemma(
                facts.upward,
                ((_x, _log_range / _log_share),),
                weight=_log_share / (_n - 1),
            ),
        ),
        Link(
            "<=",
            _log_share,
            Lemma(given(facts.enough_steps.relation), weight=_log_share / (_n - 1)),
        ),
    ),
)

_ratio_small_several = Derivation(
    title="enough steps make the ratio small, at least two of them",
    statement=sp.Le(_kappa, _share, evaluate=False),
    hypotheses=(facts.geometric, *_enough),
    steps=chain(
        _kappa,
        Link("==", _ratio, Algebra((facts.geometric_last,))),
        Link("==", sp.exp(_log_range / (_n - 1)) - 1, Algebra()),
        Link(
            "<=",
            _share,
            Lemma(
                facts.exponential_increases,
                ((_a, _log_range / (_n - 1)), (_b, _log_share)),
                proofs=(_exponent,),
            ),
        ),
    ),
)

_ratio_small_single = Derivation(
    title="enough steps make the ratio small, one of them",
    statement=sp.Le(_kappa, _share, evaluate=False),
    hypotheses=(facts.geometric, facts.entropy_positive, facts.single_step),
    steps=chain(
        _kappa,
        Link("<=", sp.S.Zero, Lemma(facts.geometric_ratio_single)),
        Link("<=", _share, Lemma(facts.nonnegative_term, weight=_share)),
    ),
)

_ratio_small = Derivation(
    title="enough steps make the ratio small",
    statement=sp.Le(_kappa, _share, evaluate=False),
    hypotheses=(facts.geometric, facts.entropy_positive, facts.enough_steps),
    steps=chain(
        _kappa,
        Link(
            "<=",
            _share,
            Cases(
                (
                    (facts.single_step, _ratio_small_single),
                    (facts.several_steps, _ratio_small_several),
                )
            ),
        ),
    ),
)
"""kappa <= epsilon/(2H)."""

step_complexity = Derivation(
    title="steps that suffice",
    statement=sp.Le(sym.path_kl, _epsilon, evaluate=False),
    hypotheses=(
        facts.matched,
        facts.geometric,
        facts.entropy_positive,
        facts.first_knot_small,
        facts.enough_steps,
    ),
    steps=chain(
        sym.path_kl,
        Link("<=", _first_cost + _kappa * _H, Lemma(entropy_with_ratio)),
        Link(
            "<=",
            _epsilon / 2 + _kappa * _H,
            Lemma(given(facts.first_knot_small.relation), weight=_half),
        ),
        Link("<=", _epsilon, Lemma(_ratio_small, weight=_H)),
    ),
)
"""KL <= epsilon with t_1 V <= epsilon and enough geometric steps."""
