"""The covariance moment C against the mmse and against itself at another signal-to-noise ratio.

What belongs here: C <= (D^2/4) M, and how fast C can rise and fall, in terms of the diameter D of the
atoms. What does not: paths.

The posterior lives on the atoms, so that its mean is in their convex hull and no draw is further from it
than D. Two independent draws from the posterior, minus its mean, are x and x', and g = <x, x'>; then
`|Cov|_F^2` is the mean of g^2 and `|kappa_3|^2`, the sum of the squared third cumulants, that of g^3.
"""

from __future__ import annotations

from functools import cache

import sympy as sp

from theory import facts
from theory import symbols as sym
from theory.channel import C, M, PathVariable, path_mean
from theory.cumulants import Space
from theory.derivation import Algebra, Axiom, Calculus, Derivation, Lemma, Link, chain
from theory.facts import eigenvalues
from theory.statement import Source

__all__ = [
    "covariance_decay",
    "covariance_diameter",
    "covariance_falls",
    "covariance_grows",
    "covariance_growth",
    "covariance_rise",
    "covariance_slope",
    "diameter_bound",
    "third_cumulant",
]

_s, _r, _D = sym.snr, sym.rank, sym.diameter
_a = sp.Symbol("a", nonnegative=True)
_b = sp.Symbol("b", nonnegative=True)
_j = sp.Symbol("j", integer=True, nonnegative=True)
_g = PathVariable("g", real=True)
_ordered = (sp.Le(_a, _b),)
_POPOVICIU = Source(
    "Popoviciu 1935, Sur les equations algebriques ayant toutes leurs racines reelles",
    "",
    "",
    "the variance of what lies in an interval of length D is at most D^2/4; here along each eigenvector",
)


def _eigenvalue_sum(power: int) -> sp.Expr:
    return sp.Sum(eigenvalues[_j] ** power, (_j, 0, _r - 1))


def _popoviciu(power: int) -> Axiom:
    """The mean of sum lambda^power (D^2/4 - lambda) is non-negative."""
    gap = eigenvalues[_j] ** power * (_D**2 / 4 - eigenvalues[_j])
    return Axiom(
        "no posterior variance exceeds a quarter of the squared diameter",
        sp.Ge(path_mean(sp.Sum(gap, (_j, 0, _r - 1))), 0, evaluate=False),
        variables=(_s,),
        source=_POPOVICIU,
    )


diameter_bound = Derivation(
    title="C is at most a quarter of the squared diameter times M",
    statement=sp.Le(C(_s), _D**2 * M(_s) / 4, evaluate=False),
    variables=(_s,),
    steps=chain(
        C(_s),
        Link("==", path_mean(_eigenvalue_sum(2)), Algebra((facts.moment_by_eigenvalues,))),
        Link("<=", _D**2 * path_mean(_eigenvalue_sum(1)) / 4, Lemma(_popoviciu(1), ((_s, _s),))),
        Link("==", _D**2 * M(_s) / 4, Algebra((facts.mmse_by_eigenvalues,))),
    ),
)
"""C(s) <= (D^2/4) M(s)."""

covariance_diameter = Derivation(
    title="the covariance moment by the mmse and the diameter",
    statement=sp.Le(sym.covariance_moment, _D**2 * sym.mmse / 4, evaluate=False),
    steps=chain(
        sym.covariance_moment,
        Link("<=", _D**2 * sym.mmse / 4, Lemma(diameter_bound, ((_s, _s),))),
    ),
)
"""The same in the symbols of the table."""

# The slope of C


def _third(space: Space) -> sp.Expr:
    """The sum of the squared third cumulants: of the third derivatives of psi."""
    return sp.Add(
        *(sp.Derivative(space.psi, x, y, z) ** 2 for x in space.y for y in space.y for z in space.y)
    )


def _cube(space: Space) -> sp.Expr:
    """tr Cov^3, from the second derivatives of psi."""
    hessian, places = space.hessian(space.psi), range(space.dimension)
    return sp.Add(
        *(hessian[i][j] * hessian[j][k] * hessian[k][i] for i in places for j in places for k in places)
    )


@cache
def covariance_slope(dimension: int = 1) -> Derivation:
    """The derivation of C' = E[|kappa_3|^2 - 2 tr Cov^3], written out in the coordinates of R^dimension."""
    space = Space(dimension)
    norm = sp.Add(*(entry**2 for row in space.hessian(space.psi) for entry in row))
    moment = Axiom(
        "definition of C",
        sp.Eq(C(_s), path_mean(norm), evaluate=False),
        because="the mean squared Frobenius norm of the posterior covariance, the Hessian of psi",
    )
    dynkin = Axiom(
        "Dynkin's formula",
        sp.Eq(
            sp.Derivative(path_mean(norm), _s),
            path_mean(space.generator(norm)),
            evaluate=False,
        ),
        source=Source(
            "Oksendal, Stochastic Differential Equations, 6th edition",
            "",
            "Theorem 7.4.1",
            "posterior covariances are bounded, since the atoms are",
        ),
    )
    slope = sp.Derivative(C(_s), _s)
    result = path_mean(_third(space)) - 2 * path_mean(_cube(space))
    return Derivation(
        title="C' = E[|kappa_3|^2 - 2 tr Cov^3]",
        statement=sp.Eq(slope, result, evaluate=False),
        variables=(_s,),
        steps=chain(
            slope,
            Link("==", sp.Derivative(path_mean(norm), _s), Calculus((moment,))),
            Link("==", path_mean(space.generator(norm)), Calculus((dynkin,))),
            Link("==", result, Calculus((space.psi_equation,))),
        ),
    )


_line = Space(1)
_third_by_draws = Axiom(
    "third cumulants by two draws",
    sp.Eq(path_mean(_third(_line)), path_mean(_g**3), evaluate=False),
    because="the third derivatives of psi are the posterior's third central moments E[x x x], and "
    "|E[x x x]|^2 = E <x, x'>^3 for independent draws",
)
_moment_by_draws = Axiom(
    "C by two draws",
    sp.Eq(C(_s), path_mean(_g**2), evaluate=False),
    because="the posterior covariance is E[x x], and |E[x x]|^2 = E <x, x'>^2 for independent draws",
)
_cube_by_eigenvalues = Axiom(
    "tr Cov^3 by eigenvalues",
    sp.Eq(path_mean(_cube(_line)), path_mean(_eigenvalue_sum(3)), evaluate=False),
    because="the Hessian of psi is the posterior covariance, and tr Cov^3 the sum of cubed eigenvalues",
)
_draws_bounded = Axiom(
    "two draws from the posterior",
    sp.Ge(path_mean(_g**2 * (_D**2 - _g)), 0, evaluate=False),
    variables=(_s,),
    because="|<x, x'>| <= |x| |x'| <= D^2: no atom is further than D from a point of their convex hull",
)
_cubes_nonnegative = Axiom(
    "tr Cov^3 >= 0",
    sp.Ge(path_mean(_eigenvalue_sum(3)), 0, evaluate=False),
    variables=(_s,),
    because="the eigenvalues of a covariance are non-negative",
)
_third_nonnegative = Axiom(
    "|kappa_3|^2 >= 0",
    sp.Ge(path_mean(_third(_line)), 0, evaluate=False),
    variables=(_s,),
    because="a sum of squares is non-negative, and so is its mean",
)

third_cumulant = Derivation(
    title="the third cumulants by the covariance and the diameter",
    statement=sp.Le(path_mean(_third(_line)), _D**2 * C(_s), evaluate=False),
    variables=(_s,),
    steps=chain(
        path_mean(_third(_line)),
        Link("==", path_mean(_g**3), Algebra((_third_by_draws,))),
        Link("<=", _D**2 * path_mean(_g**2), Lemma(_draws_bounded, ((_s, _s),))),
        Link("==", _D**2 * C(_s), Algebra((_moment_by_draws,))),
    ),
)
"""E|kappa_3|^2 <= D^2 C."""

_slope = sp.Derivative(C(_s), _s)

covariance_rise = Derivation(
    title="C rises at most at the rate D^2",
    statement=sp.Le(_slope, _D**2 * C(_s), evaluate=False),
    variables=(_s,),
    steps=chain(
        _slope,
        Link("==", covariance_slope().statement.rhs, Calculus((covariance_slope(),))),
        Link(
            "==",
            path_mean(_third(_line)) - 2 * path_mean(_eigenvalue_sum(3)),
            Algebra((_cube_by_eigenvalues,)),
        ),
        Link(
            "<=",
            path_mean(_third(_line)),
            Lemma(_cubes_nonnegative, ((_s, _s),), weight=sp.Integer(2)),
        ),
        Link("<=", _D**2 * C(_s), Lemma(third_cumulant, ((_s, _s),))),
    ),
)
"""C'(s) <= D^2 C(s)."""

covariance_falls = Derivation(
    title="C falls at most at the rate D^2/2",
    statement=sp.Ge(_slope, -(_D**2) * C(_s) / 2, evaluate=False),
    variables=(_s,),
    steps=chain(
        _slope,
        Link("==", covariance_slope().statement.rhs, Calculus((covariance_slope(),))),
        Link(
            ">=",
            -2 * path_mean(_cube(_line)),
            Lemma(_third_nonnegative, ((_s, _s),)),
        ),
        Link("==", -2 * path_mean(_eigenvalue_sum(3)), Algebra((_cube_by_eigenvalues,))),
        Link(
            ">=",
            -(_D**2) * path_mean(_eigenvalue_sum(2)) / 2,
            Lemma(_popoviciu(2), ((_s, _s),), weight=sp.Integer(2)),
        ),
        Link("==", -(_D**2) * C(_s) / 2, Algebra((facts.moment_by_eigenvalues,))),
    ),
)
"""C'(s) >= -(D^2/2) C(s)."""

# C at two signal-to-noise ratios


def _over(rate: sp.Expr) -> sp.Expr:
    """C(a) carried from a to b at a rate, and what the true slope adds."""
    excess = sp.exp(rate * (_b - _s)) * (_slope - rate * C(_s))
    return C(_a) * sp.exp(rate * (_b - _a)) + sp.Integral(excess, (_s, _a, _b))


def _carried(rate: sp.Expr, relation: str, by: Derivation, title: str) -> Derivation:
    """C(a) exp(rate (b - a)) against C(b), from C' against rate C."""
    start = C(_a) * sp.exp(rate * (_b - _a))
    sides = sp.Le if relation == "<=" else sp.Ge
    weight = sp.exp(rate * (_b - _s))
    return Derivation(
        title=title,
        statement=sides(start, C(_b), evaluate=False),
        variables=(_a, _b),
        conditions=_ordered,
        steps=chain(
            start,
            Link(relation, _over(rate), Lemma(by, ((_s, _s),), weight=weight, over=((_s, _a, _b),))),
            Link("==", C(_b), Calculus(antiderivative=weight * C(_s))),
        ),
    )


covariance_grows = _carried(_D**2, ">=", covariance_rise, "C grows at most like exp(D^2 s)")
"""C(b) <= C(a) exp(D^2 (b - a)) for a <= b."""

_covariance_shrinks = _carried(-(_D**2) / 2, "<=", covariance_falls, "C shrinks at most like exp(-D^2 s/2)")

covariance_growth = Derivation(
    title="the covariance moment by that of the core, from above",
    statement=sp.Le(sym.covariance_moment, sym.covariance_norm * sp.exp(_D**2 * _s), evaluate=False),
    steps=chain(
        sym.covariance_moment,
        Link("<=", C(0) * sp.exp(_D**2 * _s), Lemma(covariance_grows, ((_a, sp.S.Zero), (_b, _s)))),
        Link("==", sym.covariance_norm * sp.exp(_D**2 * _s), Algebra((facts.covariance_of_the_core,))),
    ),
)
"""C(s) <= |Cov A|_F^2 exp(D^2 s)."""

covariance_decay = Derivation(
    title="the covariance moment by that of the core, from below",
    statement=sp.Ge(sym.covariance_moment, sym.covariance_norm * sp.exp(-(_D**2) * _s / 2), evaluate=False),
    steps=chain(
        sym.covariance_moment,
        Link(
            ">=",
            C(0) * sp.exp(-(_D**2) * _s / 2),
            Lemma(_covariance_shrinks, ((_a, sp.S.Zero), (_b, _s))),
        ),
        Link(
            "==", sym.covariance_norm * sp.exp(-(_D**2) * _s / 2), Algebra((facts.covariance_of_the_core,))
        ),
    ),
)
"""C(s) >= |Cov A|_F^2 exp(-D^2 s/2)."""
