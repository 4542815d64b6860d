"""The derivations hold, agree with numbers, and the checker accepts nothing that is false."""

from __future__ import annotations

from dataclasses import replace
from math import log

import numpy as np
import pytest
import sympy as sp
from sympy.core.function import AppliedUndef

from tests.theory.inventory import AXIOMS, DERIVATIONS
from tests.theory.world import BINARY, FIVE, SKEW, THREE, Law, World, geometric, uniform
from theory import bounds, facts, immse, steps
from theory import symbols as sym
from theory.channel import C, I, M, PathMean, PathVariable, StepMean, path_mean
from theory.cumulants import Space
from theory.derivation import (
    Algebra,
    Axiom,
    Calculus,
    Cases,
    Derivation,
    DerivationError,
    Lemma,
    Link,
    Proposition,
    Step,
    chain,
    given,
)
from theory.proofs import channel, paths

k, n, t, s = sym.k, sym.number_of_steps, sym.knots, sym.snr
u = sp.Symbol("u", nonnegative=True)
x = sp.Symbol("x", real=True)
y = sp.Symbol("y", real=True)
y_path = PathVariable("y", real=True)


@pytest.mark.parametrize("derivation", DERIVATIONS, ids=lambda d: d.title)
def test_it_holds(derivation: Derivation) -> None:
    derivation.check()
    assert derivation.holds
    assert derivation.failures == ()


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_identities_in_every_dimension(dimension: int) -> None:
    space = Space(dimension)
    for derivation in (
        immse.information_slope(dimension),
        immse.mmse_slope(dimension),
        space.heat_equation,
        space.psi_equation,
        space.psi_generator,
        space.covariance_generator,
    ):
        derivation.check()


def test_dimension_is_at_least_one() -> None:
    with pytest.raises(ValueError, match="dimension: 0"):
        Space(0)


@pytest.mark.parametrize("bound", bounds.ALL.values(), ids=lambda b: b.id)
def test_every_bound_is_proved(bound: bounds.Bound) -> None:
    bound.check()


# Numbers: each statement and each link, on laws and paths, by quadrature

WORLDS = [
    World(THREE, (0.0, 0.1, 0.25, 0.9)),
    World(SKEW, (0.3, 0.5, 2.0, 5.0)),
    World(FIVE, uniform(4, 0.0, 2.0)),
    World(BINARY, uniform(3, 0.5, 2.0)),
    World(BINARY, geometric(4, 0.1, 3.0), epsilon=3.0),
    World(THREE, geometric(12, 0.01, 2.0), epsilon=0.9),
    World(BINARY, geometric(1, 1.0, 0.4), epsilon=0.5),
    World(SKEW, geometric(6, 0.2, 5.0)[1:]),
]
OTHER_SAMPLERS = {"exact_mean", "optimal_sampler", "narrow_sampler"}
"""Hypotheses about samplers that no world here has."""
VARIABLES = {
    sym.snr: 0.7,
    sp.Symbol("a", nonnegative=True): 0.2,
    sp.Symbol("b", nonnegative=True): 1.1,
    u: 0.6,
    sym.k: 1,
    x: 1.3,
    sp.Symbol("a", real=True): 0.4,
    sp.Symbol("b", real=True): 0.9,
}


def meaning(world: World, key: str) -> bool:
    """Whether a named predicate holds in a world, decided here and in floats."""
    knots = np.array(world.knots)
    if key in ("matched_sampler", "matched_variance", "right_start", "exact_score"):
        return True
    if key == "uniform_steps":
        return bool(np.allclose(np.diff(knots), knots[-1] / (len(knots) - 1) - knots[0] / (len(knots) - 1)))
    if key == "geometric_steps":
        positive = knots[1:]
        return knots[0] == 0 and np.allclose(positive[1:] * positive[0], positive[:-1] * positive[1:2])
    if key == "constant_ratio":
        return knots[0] > 0 and np.allclose(knots[1:] * knots[0], knots[:-1] * knots[1])
    if key == "mmse_convex":
        grid = np.linspace(0, knots[-1], 40)
        return all(world.law.at(float(point))["M''"] >= 0 for point in grid)
    raise NotImplementedError(key)


def applies(world: World, proposition: Proposition) -> bool:
    values = VARIABLES | {sym.snr: 0.7 if sym.k not in proposition.variables else world.knots[1] * 1.1}
    if not all(
        meaning(world, h.key) if h.relation is None else world.true(h.relation, values)
        for h in proposition.hypotheses
    ):
        return False
    if sym.k in proposition.variables and len(world.knots) < 3:
        return False
    return all(world.true(condition, values) for condition in proposition.conditions)


def scope(world: World, proposition: Proposition) -> dict[sp.Basic, float]:
    if sym.k in proposition.variables:
        return VARIABLES | {sym.snr: world.knots[1] * 1.1}
    return VARIABLES


def has_numbers(expression: sp.Basic) -> bool:
    """True if `World` can evaluate it: no path measure beyond the eigenvalues, no psi, no D_k.

    No symbols either that stand for what a world has not, such as the coordinates of another sampler.
    """
    strange = {call.func.__name__ for call in expression.atoms(AppliedUndef)} - {"M", "I", "C"}
    bases = {str(base) for base in expression.atoms(sp.IndexedBase)}
    known = {"t", "delta", "M", "I", "C", "lambda"}
    random = {str(symbol) for symbol in expression.free_symbols} & {"A", "m", "x", "y"}
    means = expression.has(PathMean, StepMean) and not expression.has(facts.eigenvalues)
    labels = {base.label for base in expression.atoms(sp.IndexedBase)}
    numbers = {*VARIABLES, *WORLDS[0].symbols}
    numbers |= {sym.mmse, sym.mutual_information, sym.covariance_moment}
    free = {symbol for symbol in expression.free_symbols - labels if isinstance(symbol, sp.Symbol)}
    slopes = any(d.variable_count[0][1] != 2 for d in expression.atoms(sp.Derivative))
    return not (strange or bases - known or means or slopes or (random - {"x"}) or free - numbers)


def agree(world: World, relation: str, lhs: float, rhs: float) -> bool:
    slack = 1e-9 * max(1.0, abs(lhs), abs(rhs))
    return {
        "<=": lhs <= rhs + slack,
        ">=": lhs >= rhs - slack,
        "==": abs(lhs - rhs) <= slack,
        ">": lhs > rhs,
        "<": lhs < rhs,
    }[relation]


def numeric(derivation: Derivation) -> list[Step]:
    """The links between numbers; those of psi and of one step's densities are tested further down."""
    if any(hypothesis.key in OTHER_SAMPLERS for hypothesis in derivation.hypotheses):
        return []
    return [step for step in derivation.steps if has_numbers(step.lhs) and has_numbers(step.rhs)]


@pytest.mark.parametrize("derivation", list(filter(numeric, DERIVATIONS)), ids=lambda d: d.title)
def test_links_agree_with_numbers(derivation: Derivation) -> None:
    links = numeric(derivation)
    worlds = [world for world in WORLDS if applies(world, derivation)]
    assert worlds, "no world satisfies the hypotheses"
    for world in worlds:
        values = scope(world, derivation)
        for step in links:
            lhs, rhs = (world.evaluate(side, values) for side in (step.lhs, step.rhs))
            assert agree(world, step.relation, lhs, rhs), (step, lhs, rhs)


def test_axioms_agree_with_numbers() -> None:
    tested = 0
    for axiom in AXIOMS:
        statement = axiom.statement
        if has_numbers(statement) and not {h.key for h in axiom.hypotheses} & OTHER_SAMPLERS:
            for world in WORLDS:
                if applies(world, axiom):
                    values = scope(world, axiom)
                    lhs, rhs = (world.evaluate(side, values) for side in statement.args)
                    assert agree(world, axiom.relation, lhs, rhs), (axiom.title, lhs, rhs)
                    tested += 1
    assert tested > 60


def test_one_step_by_two_fold_quadrature() -> None:
    """D_k of two atoms, from the densities of the true and the sampler's step."""
    law, start, size = BINARY, 0.8, 0.6
    density, share, atoms = law.posterior(start)
    z, h = np.linspace(-9, 9, 3001, retstep=True)
    root = size**0.5
    total = 0.0
    for weight, posterior in zip(density[::5] * 5, share[::5], strict=True):
        mean = posterior @ atoms
        bells = np.exp(-((z[:, None] - root * (atoms - mean)) ** 2) / 2) @ posterior / (2 * np.pi) ** 0.5
        ratio = np.log(np.maximum(bells, 1e-300)) + z**2 / 2 + log(2 * np.pi) / 2
        total += weight * float(np.sum(bells * ratio) * h)
    assert total == pytest.approx(World(law, (start, start + size)).path_kl, rel=1e-8)


@pytest.mark.parametrize("law", [BINARY, SKEW, THREE, FIVE])
def test_slopes_by_differences(law: Law) -> None:
    h = 1e-3
    for snr in (0.2, 1.0, 3.0):
        here = law.at(snr)

        def slope(name: str, snr: float = snr) -> float:
            far, near = (law.at(snr + c * h)[name] - law.at(snr - c * h)[name] for c in (2, 1))
            return (8 * near - far) / (12 * h)

        assert slope("I") == pytest.approx(here["M"] / 2, rel=1e-8)
        assert slope("M") == pytest.approx(-here["C"], rel=1e-8)
        assert slope("C") == pytest.approx(-here["M''"], rel=1e-7)


# The checker: arguments that look like proofs


def derivation(statement: sp.Rel, *links: Link, **more: object) -> Derivation:
    return Derivation(title="attempt", statement=statement, steps=chain(statement.lhs, *links), **more)  # type: ignore[arg-type]


def le(lhs: sp.Expr, rhs: sp.Expr) -> sp.Rel:
    return sp.Le(lhs, rhs, evaluate=False)


def eq(lhs: sp.Expr, rhs: sp.Expr) -> sp.Rel:
    return sp.Eq(lhs, rhs, evaluate=False)


nonnegative = facts.mmse_nonnegative
slopes = (immse.information_slope(), immse.mmse_slope())
bump = Axiom("a square", sp.Ge(x**2, 0, evaluate=False), variables=(x,), because="a square")
below = Axiom(
    "order", le(x, y), variables=(x, y), conditions=(sp.Le(x, y),), because="the condition itself"
)

weights = sp.IndexedBase("w", real=True)
bound_index = sp.Symbol("j", integer=True, nonnegative=True)
"""The index that the sum of squares binds."""

f, g = sp.Function("f"), sp.Function("g")

FALSE = {
    "an inequality called an equality": derivation(
        eq(sp.S.Zero, M(s)), Link("==", M(s), Lemma(nonnegative, ((s, s),)))
    ),
    "an equality called an inequality": derivation(le(2 * x, 2 * x + 0 * y), Link("<=", x + x, Algebra())),
    "the wrong direction": derivation(
        le(M(s), sp.S.Zero), Link("<=", sp.S.Zero, Lemma(nonnegative, ((s, s),)))
    ),
    "mixed directions": derivation(
        le(M(s), I(s)),
        Link(">=", sp.S.Zero, Lemma(nonnegative, ((s, s),))),
        Link("<=", I(s), Lemma(facts.information_nonnegative, ((s, s),))),
    ),
    "a negative weight": derivation(
        le(sp.S.Zero, -M(s)), Link("<=", -M(s), Lemma(nonnegative, ((s, s),), weight=sp.S.NegativeOne))
    ),
    "a weight of unknown sign": derivation(
        le(sp.S.Zero, x * M(s)), Link("<=", x * M(s), Lemma(nonnegative, ((s, s),), weight=x))
    ),
    "a range that runs backwards": derivation(
        le(sp.S.Zero, sp.Integral(M(u), (u, s, 0))),
        Link("<=", sp.Integral(M(u), (u, s, 0)), Lemma(nonnegative, ((s, u),), over=((u, s, 0),))),
    ),
    "a sum that may run backwards": derivation(
        le(sp.S.Zero, sp.Sum(M(t[k]), (k, 3, n - 1))),
        Link(
            "<=",
            sp.Sum(M(t[k]), (k, 3, n - 1)),
            Lemma(nonnegative, ((s, t[k]),), over=((k, 3, n - 1),)),
        ),
    ),
    "a range below the variable's assumption": derivation(
        le(sp.S.Zero, sp.Integral(M(u), (u, -1, 0))),
        Link("<=", sp.Integral(M(u), (u, -1, 0)), Lemma(nonnegative, ((s, u),), over=((u, -1, 0),))),
    ),
    "a value below the variable's assumption": derivation(
        le(sp.S.Zero, M(-s)), Link("<=", M(-s), Lemma(nonnegative, ((s, -s),)))
    ),
    "a condition that is not met": derivation(
        le(M(s), M(2 * s)),
        Link(
            "<=",
            M(2 * s),
            Lemma(
                channel.mmse_decreases,
                tuple(zip(channel.mmse_decreases.variables, (2 * s, s), strict=True)),
            ),
        ),
    ),
    "a condition met by a proof of something else": derivation(
        le(x, y), Link("<=", y, Lemma(below, ((x, x), (y, y)), proofs=(channel.mmse_information,)))
    ),
    "a proof under assumptions of its own": derivation(
        le(x, y),
        Link(
            "<=",
            y,
            Lemma(
                below,
                ((x, x), (y, y)),
                proofs=(
                    derivation(
                        sp.Le(x, y),
                        Link("<=", y, Lemma(given(sp.Le(x, y)))),
                        conditions=(sp.Le(x, y),),
                    ),
                ),
            ),
        ),
    ),
    "the ratio of knots at the knot zero": derivation(
        le(t[1], (1 + sym.kappa) * t[0]),
        Link("<=", (1 + sym.kappa) * t[0], Lemma(facts.ratio_bounded, ((k, sp.S.Zero),))),
    ),
    "an assumption that nobody made": derivation(
        le(sym.first, sp.S.Zero), Link("<=", sp.S.Zero, Lemma(given(le(sym.first, sp.S.Zero))))
    ),
    "a hypothesis that nobody made": derivation(
        eq(sym.first, sp.S.Zero), Link("==", sp.S.Zero, Algebra((facts.geometric_start,)))
    ),
    "a variable without a value": derivation(le(sp.S.Zero, M(s)), Link("<=", M(s), Lemma(nonnegative))),
    "an integral over a pole": derivation(
        eq(sp.Integral(1 / (x - 1), (x, 0, 3)), sp.log(2)),
        Link("==", sp.log(2), Calculus()),
    ),
    "an antiderivative with a pole": derivation(
        eq(sp.Integral(1 / (x - 1) ** 2, (x, 0, 2)), sp.Integer(-2)),
        Link("==", sp.Integer(-2), Calculus(antiderivative=-1 / (x - 1))),
    ),
    "an antiderivative of something else": derivation(
        eq(sp.Integral(x, (x, 0, 2)), sp.Integer(2)),
        Link("==", sp.Integer(2), Calculus(antiderivative=x**2)),
    ),
    "calculus without the slopes": derivation(
        eq(sp.Integral(M(u), (u, 0, s)) / 2, I(s) - I(0)), Link("==", I(s) - I(0), Calculus())
    ),
    "algebra that integrates": derivation(
        eq(sp.Integral(u, (u, 0, s)), s**2 / 2), Link("==", s**2 / 2, Algebra())
    ),
    "the information at zero left out": derivation(
        eq(sp.Integral(M(u), (u, 0, s)) / 2, I(s)), Link("==", I(s), Calculus(slopes))
    ),
    "a value at one snr used at all of them": derivation(
        eq(sp.Integral(M(s), (s, 0, 2)), 2 * x),
        Link("==", 2 * x, Calculus((Axiom("a value", eq(M(s), x), because="at this s"),))),
    ),
    "the derivative of what is assumed at a point": derivation(
        eq(sp.Derivative(M(s), s), sp.S.Zero),
        Link("==", sp.S.Zero, Calculus((given(eq(M(s), x)),))),
        conditions=(eq(M(s), x),),
    ),
    "a bound variable that stands in an assumption": derivation(
        le(sp.S.Zero, sp.Integral((u - 5) * M(u), (u, 0, 9))),
        Link(
            "<=",
            sp.Integral((u - 5) * M(u), (u, 0, 9)),
            Lemma(nonnegative, ((s, u),), weight=u - 5, over=((u, 0, 9),)),
        ),
        conditions=(sp.Ge(u, 5),),
    ),
    "a value that a sum would bind": derivation(
        le(sp.S.Zero, x),
        Link(
            "<=",
            x,
            Lemma(facts.mean_square_nonnegative, ((x, bound_index), (s, s))),
        ),
    ),
    "a constant that is random": derivation(
        le(
            sp.S.Zero,
            facts.mean_square_nonnegative.statement.lhs.subs(x, facts.eigenvalues[0]),
        ),
        Link(
            "<=",
            facts.mean_square_nonnegative.statement.lhs.subs(x, facts.eigenvalues[0]),
            Lemma(facts.mean_square_nonnegative, ((x, facts.eigenvalues[0]), (s, s))),
        ),
    ),
    "cases that leave one out": replace(
        paths.bounded_ratio_information,
        steps=(
            replace(
                paths.bounded_ratio_information.steps[0],
                rule=Cases(paths.bounded_ratio_information.steps[0].rule.cases[:1]),  # type: ignore[union-attr]
            ),
        ),
    ),
    "cases mixed up": replace(
        paths.bounded_ratio_information,
        steps=(
            replace(
                paths.bounded_ratio_information.steps[0],
                rule=Cases(paths.bounded_ratio_information.steps[0].rule.cases[::-1]),  # type: ignore[union-attr]
            ),
        ),
    ),
    "a lemma that is not proved": derivation(
        le(M(s), I(s)),
        Link(
            "<=",
            I(s),
            Lemma(
                Derivation(
                    title="unproved",
                    statement=le(M(s), I(s)),
                    variables=(s,),
                    steps=chain(M(s), Link("<=", I(s), Algebra())),
                ),
                ((s, s),),
            ),
        ),
    ),
    "no step at all": Derivation(title="empty", statement=le(M(s), I(s)), steps=()),
    "a strict statement": derivation(
        sp.Lt(sp.S.Zero, M(s), evaluate=False), Link("<=", M(s), Lemma(nonnegative, ((s, s),)))
    ),
    "a relation that is none": derivation(le(x, y), Link("<", y, Algebra())),
    "an equation used where its condition fails": derivation(
        eq(x, sp.S.Zero),
        Link(
            "==",
            sp.S.Zero,
            Algebra((Axiom("a value", eq(x, sp.S.Zero), conditions=(sp.Gt(y, 0),), because="so"),)),
        ),
    ),
    "a mean of something constant taken for a constant": derivation(
        eq(sp.Derivative(path_mean(y_path), s), sp.S.Zero), Link("==", sp.S.Zero, Calculus())
    ),
    "a sign at some arguments taken for one at all of them": derivation(
        le(sp.S.Zero, 1 / M(s)),
        Link(
            "<=",
            1 / M(s),
            Lemma(
                facts.nonnegative_term,
                weight=1 / M(s),
                using=(Axiom("a sign", sp.Gt(M(0), 0, evaluate=False), because="V > 0"),),
            ),
        ),
    ),
    "a definition used below its variable's assumption": derivation(
        eq(f(sp.S.NegativeOne), sp.S.NegativeOne),
        Link("==", sp.S.NegativeOne, Algebra((Axiom("f", eq(f(u), u), variables=(u,), because="so"),))),
    ),
    "a definition of all integers used between them": derivation(
        eq(f(sp.Rational(1, 2)), sp.Rational(1, 2)),
        Link("==", sp.Rational(1, 2), Algebra((Axiom("f", eq(f(k), k), variables=(k,), because="so"),))),
    ),
    "a definition by a derivative used at another point": derivation(
        eq(sp.Derivative(g(-x, y), y), sp.Derivative(g(x, y), y)),
        Link(
            "==",
            sp.Derivative(g(x, y), y),
            Calculus((Axiom("g", eq(g(x, y), sp.Derivative(f(x, y), x)), (x, y), because="so"),)),
        ),
    ),
    "a derivative at another point": derivation(
        eq(sp.Derivative(f(x), x).subs(x, 2 * y), sp.Derivative(f(x), x).subs(x, y)),
        Link("==", sp.Derivative(f(x), x).subs(x, y), Calculus()),
    ),
    "a logarithm of what may be negative for a real number": derivation(
        le(sp.S.Zero, sp.log(x) ** 2),
        Link("<=", sp.log(x) ** 2, Lemma(bump, ((x, sp.log(x)),))),
    ),
    "a slope used below zero": derivation(
        eq(sp.Derivative(M(x), x), -C(x)), Link("==", -C(x), Calculus(slopes))
    ),
    "a slope integrated from below zero": derivation(
        eq(sp.Integral(M(x), (x, -1, 0)), 2 * I(0) - 2 * I(-1)),
        Link("==", 2 * I(0) - 2 * I(-1), Calculus(slopes)),
    ),
    "the derivative of a sum in its limit": derivation(
        eq(sp.Derivative(sp.Sum(k, (k, 0, n)), n), sp.S.Zero), Link("==", sp.S.Zero, Calculus())
    ),
    "the derivative of a sum term by term with a term left out": derivation(
        eq(sp.Derivative(sp.Sum(x**k, (k, 0, n - 1)), x), sp.Sum(k * x ** (k - 1), (k, 2, n - 1))),
        Link("==", sp.Sum(k * x ** (k - 1), (k, 2, n - 1)), Calculus()),
    ),
    "sums exchanged with a range that depends on the other": derivation(
        eq(sp.Sum(t[k], (k, 0, bound_index), (bound_index, 0, n - 1)), n * sp.Sum(t[k], (k, 0, n - 1))),
        Link("==", n * sp.Sum(t[k], (k, 0, n - 1)), Algebra()),
    ),
    "no relation": Derivation(title="truth", statement=sp.true, steps=chain(x, Link("==", x, Algebra()))),
    "nonsense": derivation(le(x, sp.zoo), Link("==", sp.zoo, Calculus())),
}


@pytest.mark.parametrize("attempt", FALSE.values(), ids=FALSE.keys())
def test_what_is_not_proved_is_rejected(attempt: Derivation) -> None:
    assert not attempt.holds
    assert attempt.failures
    with pytest.raises(DerivationError, match=attempt.title):
        attempt.check()


def test_functions_are_not_differentiated_at_other_arguments() -> None:
    """The equation for d_s psi(y, s) says nothing about psi(y^2, s) by mere substitution."""
    space = Space()
    (point,) = space.y
    squares = space.gradient(space.psi)[0] ** 2 / 2
    start = space.generator(space.psi)
    moved = start.xreplace({start.args[0]: sp.Derivative(space.psi.xreplace({point: point**2}), s)})
    for argument in start.args:
        if argument.has(sp.Derivative(space.psi, s)):
            moved = start - argument + sp.Derivative(space.psi.xreplace({point: point**2}), s)
    assert moved != start
    attempt = derivation(eq(moved, squares), Link("==", squares, Calculus((space.psi_equation,))))
    assert not attempt.holds


def test_sums_shift_and_telescope() -> None:
    shifted = sp.Sum(t[k + 1] * M(t[k + 1]), (k, 0, n - 2))
    plain = sp.Sum(t[k] * M(t[k]), (k, 1, n - 1))
    derivation(eq(shifted, plain), Link("==", plain, Algebra())).check()
    drop = sp.Sum(M(t[k]) - M(t[k + 1]), (k, 0, n - 1))
    ends = M(sym.first) - M(sym.last)
    derivation(eq(drop, ends), Link("==", ends, Algebra())).check()
    off = sp.Sum(t[k] * M(t[k]), (k, 1, n))
    assert not derivation(eq(shifted, off), Link("==", off, Algebra())).holds
    constant = sp.Sum(sp.S.One, (k, 2, n))
    derivation(eq(constant, n - 1), Link("==", n - 1, Algebra())).check()


def test_sums_in_sums_and_their_derivatives() -> None:
    size = sp.Symbol("K", integer=True, positive=True)
    j = bound_index
    nested = sp.Sum(weights[j] * sp.Sum(sp.exp(-x * t[k]), (k, 0, n - 1)), (j, 0, size - 1))
    assert len(sp.Sum(sp.exp(-x * t[k]), (k, 0, n - 1), (j, 0, size - 1)).limits) == 2
    slope = -sp.Sum(weights[j] * sp.Sum(t[k] * sp.exp(-x * t[k]), (k, 0, n - 1)), (j, 0, size - 1))
    derivation(eq(sp.Derivative(nested, x), slope), Link("==", slope, Calculus())).check()
    assert not derivation(eq(sp.Derivative(nested, x), -slope), Link("==", -slope, Calculus())).holds
    flat = sp.Sum(weights[j] * sp.exp(-x * t[k]), (k, 0, n - 1), (j, 0, size - 1))
    derivation(eq(flat, nested), Link("==", nested, Algebra())).check()
    constant = sp.Sum(sp.S.One, (k, 0, n - 1), (j, 0, size - 1))
    derivation(eq(constant, n * size), Link("==", n * size, Algebra())).check()


def test_sums_in_expectations_are_alike_whatever_their_index() -> None:
    one, other = (path_mean(sp.Sum(facts.eigenvalues[i], (i, 0, sym.rank - 1))) for i in (k, bound_index))
    known = Axiom("a mean", eq(one, M(s)), because="by definition")
    derivation(eq(2 * other, 2 * M(s)), Link("==", 2 * M(s), Algebra((known,)))).check()


def test_integration_by_parts() -> None:
    cost = sp.Integral(C(u) * (s - u), (u, 0, s))
    value = s * sym.variance - 2 * (I(s) - I(0))
    derivation(eq(cost, value), Link("==", value, Calculus(slopes))).check()
    wrong = s * sym.variance - (I(s) - I(0))
    assert not derivation(eq(cost, wrong), Link("==", wrong, Calculus(slopes))).holds


def test_an_axiom_has_a_source_or_a_reason() -> None:
    with pytest.raises(ValueError, match="exactly one of source and because"):
        Axiom("nothing", le(x, y))
    for axiom in AXIOMS:
        assert (axiom.source is None) == bool(axiom.because)


def test_text_is_never_parsed() -> None:
    with pytest.raises(sp.SympifyError):
        chain("x", Link("==", x, Algebra()))


def test_the_reason_for_a_failure_is_told() -> None:
    attempt = FALSE["a negative weight"]
    assert "weight" in attempt.failures[0]
    assert attempt.failures[0].startswith("step 1: ")


def test_step_identity_uses_what_it_says() -> None:
    titles = [proposition.title for proposition in steps.step_identity.uses]
    assert "compensation identity" in titles
    assert "chain rule of mutual information" in titles
