"""Proofs for mixtures of which X itself is estimated: what the latent component costs.

What belongs here: L and I_Z under a shared covariance, the latent part of the path KL, and the chain rule
for any covariances. What does not: the split itself (`theory.mixtures`), one shared variance whose core
takes the place of X (`paths`).

Where all components have the covariance S, E[X|Y, Z] = (1 + s S)^-1 (mu_Z + S Y), so that L(s) = E|(1 + s
S)^-1 (mu_Z - E[mu_Z|Y_s])|^2. Along each eigenvector of S the factor falls with s. Y_s/s is X plus noise
of covariance 1/s: mu_Z plus Gaussian noise of covariance S + 1/s, which falls with s as well, so that
mu_Z is known better and better. Hence L does not increase. Where the covariances differ Y_s also tells Z
by its size, and L may rise.
"""

from __future__ import annotations

import sympy as sp

from theory import facts
from theory import symbols as sym
from theory.derivation import Algebra, Axiom, Calculus, Cases, Derivation, Lemma, Link, chain, given
from theory.mixtures import (
    information_chain,
    latent_information,
    latent_mmse,
    latent_slope,
    path_split,
)
from theory.proofs.paths import bounded_ratio_information, first_step, next_knot
from theory.statement import Hypothesis, Source

__all__ = [
    "general_covariances",
    "latent_entropy",
    "latent_mmse_information",
    "latent_nonnegative",
    "latent_start",
    "shared_covariance",
]

shared_covariance = Hypothesis.named("shared_covariance")

_s, _k, _n, _t = sym.snr, sym.k, sym.number_of_steps, sym.knots
_kappa, _T, _t1 = sym.kappa, sym.last, sym.first_positive
_steps = (_k, 0, _n - 1)
_a = sp.Symbol("a", nonnegative=True)
_b = sp.Symbol("b", nonnegative=True)
_u = sp.Symbol("u", nonnegative=True)
_L, _I = latent_mmse, latent_information
_decline = sp.Function("L^-", nonnegative=True)

_decline_defined = Axiom(
    "the decline of L",
    sp.Eq(sp.Derivative(_L(_s), _s), -_decline(_s), evaluate=False),
    variables=(_s,),
    because="the meaning of the symbol",
)
_decline_nonnegative = Axiom(
    "L does not increase under a shared covariance",
    sp.Ge(_decline(_s), 0, evaluate=False),
    variables=(_s,),
    hypotheses=(shared_covariance,),
    because="L(s) = E|(1 + s S)^(-1) (mu_Z - E[mu_Z|Y_s])|^2 with the shared covariance S, and both "
    "factors decrease: Y_s/s is mu_Z in Gaussian noise of covariance S + 1/s",
)
_latent_nonnegative = Axiom(
    "I(Z; Y) >= 0",
    sp.Ge(_I(_s), 0, evaluate=False),
    variables=(_s,),
    source=Source(facts.COVER_THOMAS, "", "corollary to Theorem 2.6.3"),
)
_latent_at_zero = Axiom(
    "I_Z(0) = 0",
    sp.Eq(_I(0), 0, evaluate=False),
    because="the observation Y_0 = 0 carries no information",
)
_at_most_entropy = Axiom(
    "I(Z; Y) is at most the entropy of Z",
    sp.Le(_I(_s), sym.latent_entropy, evaluate=False),
    variables=(_s,),
    source=Source(facts.COVER_THOMAS, "", "Theorem 2.4.1", "with H(Z|Y) >= 0 for discrete Z"),
)
_mmse_nonnegative = Axiom(
    "L >= 0",
    sp.Ge(_L(_s), 0, evaluate=False),
    variables=(_s,),
    because="L is the mean of a square",
)
_slopes = (latent_slope, _decline_defined)

_decreases = Derivation(
    title="L does not increase",
    statement=sp.Le(_L(_b), _L(_a), evaluate=False),
    variables=(_a, _b),
    conditions=(sp.Le(_a, _b),),
    hypotheses=(shared_covariance,),
    steps=chain(
        _L(_b),
        Link(
            "<=",
            _L(_b) + sp.Integral(_decline(_u), (_u, _a, _b)),
            Lemma(_decline_nonnegative, ((_s, _u),), over=((_u, _a, _b),)),
        ),
        Link("==", _L(_a), Calculus((_decline_defined,))),
    ),
)

_increment = Derivation(
    title="the information gained about the component is at least half the step times the later L",
    statement=sp.Le((_b - _a) * _L(_b) / 2, _I(_b) - _I(_a), evaluate=False),
    variables=(_a, _b),
    conditions=(sp.Le(_a, _b),),
    hypotheses=(shared_covariance,),
    steps=chain(
        (_b - _a) * _L(_b) / 2,
        Link("==", sp.Integral(_L(_b), (_u, _a, _b)) / 2, Calculus()),
        Link(
            "<=",
            sp.Integral(_L(_u), (_u, _a, _b)) / 2,
            Lemma(_decreases, ((_a, _u), (_b, _b)), weight=sp.Rational(1, 2), over=((_u, _a, _b),)),
        ),
        Link("==", _I(_b) - _I(_a), Calculus((latent_slope,))),
    ),
)

_times_snr = Derivation(
    title="snr times L is at most twice the information about the component",
    statement=sp.Le(_s * _L(_s), 2 * _I(_s), evaluate=False),
    variables=(_s,),
    hypotheses=(shared_covariance,),
    steps=chain(
        _s * _L(_s),
        Link(
            "<=",
            2 * (_I(_s) - _I(0)),
            Lemma(_increment, ((_a, sp.S.Zero), (_b, _s)), weight=sp.Integer(2)),
        ),
        Link("==", 2 * _I(_s), Algebra((_latent_at_zero,))),
    ),
)

latent_mmse_information = Derivation(
    title="L is at most twice the information about the component per unit of snr",
    statement=sp.Le(sym.latent_mmse, 2 * sym.latent_information / _s, evaluate=False),
    hypotheses=(facts.snr_positive, shared_covariance),
    steps=chain(
        sym.latent_mmse,
        Link("<=", 2 * sym.latent_information / _s, Lemma(_times_snr, ((_s, _s),), weight=1 / _s)),
    ),
)
"""L(s) <= 2 I_Z(s)/s for s > 0, under a shared covariance."""

# The latent part of the path

_defined = Axiom(
    "definition of the latent part",
    sp.Eq(
        sym.latent_kl,
        sp.Sum(sym.steps[_k] * _L(_t[_k]), _steps) / 2 - (_I(sym.last) - _I(sym.first)),
        evaluate=False,
    ),
    because="the meaning of the symbol",
)


def _cost(first: int, distance: sp.Expr) -> sp.Expr:
    inside = sp.Integral(_decline(_s) * distance, (_s, _t[_k], _t[_k + 1]))
    return sp.Sum(inside, (_k, first, _n - 1)) / 2


_positive_form = Derivation(
    title="the latent part without cancellation",
    statement=sp.Eq(sym.latent_kl, _cost(0, _t[_k + 1] - _s), evaluate=False),
    steps=chain(
        sym.latent_kl,
        Link("==", _defined.statement.rhs, Algebra((_defined,))),
        Link("==", _cost(0, _t[_k + 1] - _s), Calculus(_slopes)),
    ),
)

latent_nonnegative = Derivation(
    title="the latent part is not negative",
    statement=sp.Ge(sym.latent_kl, 0, evaluate=False),
    hypotheses=(shared_covariance,),
    steps=chain(
        sym.latent_kl,
        Link("==", _cost(0, _t[_k + 1] - _s), Algebra((_positive_form,))),
        Link(
            ">=",
            sp.S.Zero,
            Lemma(
                _decline_nonnegative,
                ((_s, _s),),
                weight=(_t[_k + 1] - _s) / 2,
                over=((_s, _t[_k], _t[_k + 1]), _steps),
            ),
        ),
    ),
)
"""KL_Z >= 0 under a shared covariance."""

latent_start = sp.Piecewise((_t1 * sym.latent_variance / 2, sp.Eq(sym.first, 0)), (0, True))
"""What the first step costs the component where the path starts at snr zero: t_1 V_Z/2, otherwise 0."""

_over = ((_s, _t[_k], _t[_k + 1]),)
_ratio = {"proposition": next_knot, "at": ((_k, _k), (_s, _s)), "weight": _decline(_s) / 2}
_first_cost = _t1 * sym.latent_variance / 2
_zero = (given(facts.starts_at_zero.relation), facts.first_positive_is_second, _latent_at_zero)


def _to_the_entropy(before: sp.Expr, after: sp.Expr, at: sp.Expr) -> tuple[Link, ...]:
    """The links from the bound in L(at) and I_Z(T) to kappa H_Z; `before` is what stands beside it."""
    return (
        Link(
            "<=",
            before + _kappa * at * _L(at) / 2 + _kappa * (_I(_T) - _I(at)),
            Lemma(_mmse_nonnegative, ((_s, _T),), weight=_kappa * _T / 2),
        ),
        Link("<=", before + _kappa * _I(_T), Lemma(_times_snr, ((_s, at),), weight=_kappa / 2)),
        Link(
            "<=",
            before + _kappa * sym.latent_entropy,
            Lemma(_at_most_entropy, ((_s, _T),), weight=_kappa),
        ),
    ) + (() if before == after else (Link("<=", after + _kappa * sym.latent_entropy, _drop(_t1)),))


def _drop(at: sp.Expr) -> Lemma:
    return Lemma(_latent_nonnegative, ((_s, at),))


_from_zero = Derivation(
    title="the latent part by the entropy of the component, path from snr zero",
    statement=sp.Le(
        sym.latent_kl, _kappa * sym.latent_entropy + _t1 * sym.latent_variance / 2, evaluate=False
    ),
    hypotheses=(shared_covariance, facts.starts_at_zero),
    steps=chain(
        sym.latent_kl,
        Link("==", _cost(0, _t[_k + 1] - _s), Algebra((_positive_form,))),
        Link("==", _first_cost - _I(_t1) + _cost(1, _t[_k + 1] - _s), Calculus((*_zero, *_slopes))),
        Link(
            "<=",
            _first_cost - _I(_t1) + _cost(1, _kappa * _s),
            Lemma(**_ratio, over=(*_over, (_k, 1, _n - 1))),
        ),
        Link(
            "==",
            _first_cost
            - _I(_t1)
            + _kappa * (_t1 * _L(_t1) - _T * _L(_T)) / 2
            + _kappa * (_I(_T) - _I(_t1)),
            Calculus((facts.first_positive_is_second, *_slopes)),
        ),
        *_to_the_entropy(_first_cost - _I(_t1), _first_cost, _t1),
    ),
)

_t0 = sym.first

_from_positive = Derivation(
    title="the latent part by the entropy of the component, path from positive snr",
    statement=sp.Le(sym.latent_kl, _kappa * sym.latent_entropy, evaluate=False),
    hypotheses=(shared_covariance, facts.starts_positive),
    steps=chain(
        sym.latent_kl,
        Link("==", _cost(0, _t[_k + 1] - _s), Algebra((_positive_form,))),
        Link("<=", _cost(0, _kappa * _s), Lemma(**_ratio, over=(*_over, _steps))),
        Link(
            "==",
            _kappa * (_t0 * _L(_t0) - _T * _L(_T)) / 2 + _kappa * (_I(_T) - _I(_t0)),
            Calculus(_slopes),
        ),
        *_to_the_entropy(sp.S.Zero, sp.S.Zero, _t0),
    ),
)

_latent_by_entropy = Derivation(
    title="the latent part by the entropy of the component",
    statement=sp.Le(sym.latent_kl, _kappa * sym.latent_entropy + latent_start, evaluate=False),
    hypotheses=(shared_covariance,),
    steps=chain(
        sym.latent_kl,
        Link(
            "<=",
            _kappa * sym.latent_entropy + latent_start,
            Cases(((facts.starts_at_zero, _from_zero), (facts.starts_positive, _from_positive))),
        ),
    ),
)

_split = Axiom(
    "definition of the Gaussian part",
    sp.Eq(sym.gaussian_kl, path_split.statement.rhs - _defined.statement.rhs, evaluate=False),
    because="the meaning of the symbol",
)

latent_entropy = Derivation(
    title="path KL of X by the entropy of its component",
    statement=sp.Le(
        sym.path_kl, sym.gaussian_kl + _kappa * sym.latent_entropy + latent_start, evaluate=False
    ),
    hypotheses=(facts.matched, shared_covariance),
    steps=chain(
        sym.path_kl,
        Link("==", path_split.statement.rhs, Algebra((path_split,))),
        Link("==", sym.gaussian_kl + sym.latent_kl, Algebra((_split, _defined))),
        Link(
            "<=",
            sym.gaussian_kl + _kappa * sym.latent_entropy + latent_start,
            Lemma(_latent_by_entropy),
        ),
    ),
)
"""KL <= KL_X|Z + kappa H_Z, plus t_1 V_Z/2 where t_0 = 0, under a shared covariance."""

# Any covariances

_T_n = sym.last

general_covariances = Derivation(
    title="path KL of X by the entropy of its component and the information given it",
    statement=sp.Le(
        sym.path_kl,
        _kappa * (sym.latent_entropy + sym.conditional_information_last) + first_step,
        evaluate=False,
    ),
    hypotheses=(facts.matched,),
    steps=chain(
        sym.path_kl,
        Link("<=", _kappa * sym.information_last + first_step, Lemma(bounded_ratio_information)),
        Link(
            "==",
            _kappa * (_I(_T_n) + sym.conditional_information_last) + first_step,
            Algebra((information_chain,)),
        ),
        Link(
            "<=",
            _kappa * (sym.latent_entropy + sym.conditional_information_last) + first_step,
            Lemma(_at_most_entropy, ((_s, _T_n),), weight=_kappa),
        ),
    ),
)
"""KL <= kappa (H_Z + I(X; Y_T|Z)), plus t_1 V/2 where t_0 = 0, whatever the covariances."""
