"""Inequalities for the mmse and the mutual information at one signal-to-noise ratio.

What belongs here: what paths need to know about M, I and C. What does not: paths.
"""

from __future__ import annotations

import sympy as sp

from theory import facts
from theory import symbols as sym
from theory.channel import C, I, M, path_mean
from theory.derivation import Algebra, Calculus, Derivation, Lemma, Link, chain
from theory.facts import eigenvalues
from theory.immse import information_slope, mmse_slope

__all__ = [
    "cauchy_schwarz",
    "information_by_dimension",
    "information_entropy",
    "information_increment",
    "mmse_by_dimension",
    "mmse_decreases",
    "mmse_information",
    "mmse_quotient",
]

_s, _r, _V = sym.snr, sym.rank, sym.variance
_a = sp.Symbol("a", nonnegative=True)
_b = sp.Symbol("b", nonnegative=True)
_u = sp.Symbol("u", nonnegative=True)
_w = sp.Symbol("w", nonnegative=True)
_ordered = (sp.Le(_a, _b),)

mmse_decreases = Derivation(
    title="the mmse does not increase",
    statement=sp.Le(M(_b), M(_a), evaluate=False),
    variables=(_a, _b),
    conditions=_ordered,
    steps=chain(
        M(_b),
        Link(
            "<=",
            M(_b) + sp.Integral(C(_u), (_u, _a, _b)),
            Lemma(facts.moment_nonnegative, ((_s, _u),), over=((_u, _a, _b),)),
        ),
        Link("==", M(_a), Calculus((mmse_slope(),))),
    ),
)
"""M(b) <= M(a) for a <= b."""

information_increment = Derivation(
    title="the information gained is at least half the step times the later mmse",
    statement=sp.Le((_b - _a) * M(_b) / 2, I(_b) - I(_a), evaluate=False),
    variables=(_a, _b),
    conditions=_ordered,
    steps=chain(
        (_b - _a) * M(_b) / 2,
        Link("==", sp.Integral(M(_b), (_u, _a, _b)) / 2, Calculus()),
        Link(
            "<=",
            sp.Integral(M(_u), (_u, _a, _b)) / 2,
            Lemma(
                mmse_decreases,
                ((_a, _u), (_b, _b)),
                weight=sp.Rational(1, 2),
                over=((_u, _a, _b),),
            ),
        ),
        Link("==", I(_b) - I(_a), Calculus((information_slope(),))),
    ),
)
"""(b - a) M(b)/2 <= I(b) - I(a) for a <= b."""

mmse_information = Derivation(
    title="snr times mmse is at most twice the information",
    statement=sp.Le(_s * M(_s), 2 * I(_s), evaluate=False),
    variables=(_s,),
    steps=chain(
        _s * M(_s),
        Link(
            "<=",
            2 * (I(_s) - I(0)),
            Lemma(information_increment, ((_a, sp.S.Zero), (_b, _s)), weight=sp.Integer(2)),
        ),
        Link("==", 2 * I(_s), Algebra((facts.information_at_zero,))),
    ),
)
"""s M(s) <= 2 I(s)."""

mmse_quotient = Derivation(
    title="the mmse is at most twice the information per unit of snr",
    statement=sp.Le(sym.mmse, 2 * sym.mutual_information / _s, evaluate=False),
    hypotheses=(facts.snr_positive,),
    steps=chain(
        sym.mmse,
        Link(
            "<=",
            2 * sym.mutual_information / _s,
            Lemma(mmse_information, ((_s, _s),), weight=1 / _s),
        ),
    ),
)
"""M(s) <= 2 I(s)/s for s > 0."""

information_entropy = Derivation(
    title="mutual information is at most entropy",
    statement=sp.Le(sym.mutual_information, sym.entropy, evaluate=False),
    steps=chain(
        sym.mutual_information,
        Link("<=", sym.entropy, Lemma(facts.information_at_most_entropy, ((_s, _s),))),
    ),
)
"""I(s) <= H."""

# The dimension of the span

_j = sp.Symbol("j", integer=True, nonnegative=True)
_x = facts.mean_square_nonnegative.variables[0]
_rank_positive = (sp.Gt(_r, 0),)

cauchy_schwarz = Derivation(
    title="the covariance moment is at least the squared mmse over the rank",
    statement=sp.Le(M(_s) ** 2 / _r, C(_s), evaluate=False),
    variables=(_s,),
    conditions=_rank_positive,
    steps=chain(
        M(_s) ** 2 / _r,
        Link(
            "<=",
            M(_s) ** 2 / _r + path_mean(sp.Sum((eigenvalues[_j] - M(_s) / _r) ** 2, (_j, 0, _r - 1))),
            Lemma(facts.mean_square_nonnegative, ((_x, M(_s) / _r), (_s, _s))),
        ),
        Link(
            "==",
            path_mean(sp.Sum(eigenvalues[_j] ** 2, (_j, 0, _r - 1))),
            Algebra((facts.mmse_by_eigenvalues,)),
        ),
        Link("==", C(_s), Algebra((facts.moment_by_eigenvalues,))),
    ),
)
"""M(s)^2/r <= C(s)."""

_inverse = Derivation(
    title="the inverse of the mmse grows at least like snr over the rank",
    statement=sp.Le(1 / _V + _u / _r, 1 / M(_u), evaluate=False),
    variables=(_u,),
    conditions=_rank_positive,
    steps=chain(
        1 / _V + _u / _r,
        Link("==", 1 / M(0) + sp.Integral(1 / _r, (_w, 0, _u)), Calculus()),
        Link(
            "<=",
            1 / M(0) + sp.Integral(C(_w) / M(_w) ** 2, (_w, 0, _u)),
            Lemma(
                cauchy_schwarz,
                ((_s, _w),),
                weight=1 / M(_w) ** 2,
                over=((_w, 0, _u),),
                using=(facts.mmse_positive,),
            ),
        ),
        Link("==", 1 / M(_u), Calculus((mmse_slope(), facts.mmse_positive), antiderivative=1 / M(_w))),
    ),
)

mmse_by_dimension = Derivation(
    title="the mmse is at most that of a Gaussian of the same variance",
    statement=sp.Le(M(_u), _V / (1 + _u * _V / _r), evaluate=False),
    variables=(_u,),
    conditions=_rank_positive,
    steps=chain(
        M(_u),
        Link(
            "<=",
            1 / (1 / _V + _u / _r),
            Lemma(
                facts.reciprocal_decreases,
                tuple(
                    zip(
                        facts.reciprocal_decreases.variables,
                        (1 / _V + _u / _r, 1 / M(_u)),
                        strict=True,
                    )
                ),
                using=(facts.mmse_positive,),
                proofs=(_inverse,),
            ),
        ),
        Link("==", _V / (1 + _u * _V / _r), Algebra()),
    ),
)
"""M(u) <= V/(1 + u V/r)."""

information_by_dimension = Derivation(
    title="the information is at most that of a Gaussian of the same variance",
    statement=sp.Le(I(_s), _r * sp.log(1 + _s * _V / _r) / 2, evaluate=False),
    variables=(_s,),
    conditions=_rank_positive,
    steps=chain(
        I(_s),
        Link("==", I(0) + sp.Integral(M(_u), (_u, 0, _s)) / 2, Calculus((information_slope(),))),
        Link(
            "<=",
            I(0) + sp.Integral(_V / (1 + _u * _V / _r), (_u, 0, _s)) / 2,
            Lemma(
                mmse_by_dimension,
                ((_u, _u),),
                weight=sp.Rational(1, 2),
                over=((_u, 0, _s),),
            ),
        ),
        Link(
            "==",
            _r * sp.log(1 + _s * _V / _r) / 2,
            Calculus(
                (facts.information_at_zero,),
                antiderivative=_r * sp.log(1 + _u * _V / _r),
            ),
        ),
    ),
)
"""I(s) <= (r/2) log(1 + s V/r)."""
