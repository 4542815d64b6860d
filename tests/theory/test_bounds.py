"""The statements: the true ones hold and the planted ones fail, by numbers of another route."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from numerics.arithmetic import FLOATS
from tests.theory.world import FIVE, Law, World, geometric, law_of, uniform
from theory import bounds, lower, lower_relation
from theory import symbols as sym
from theory.derivation import DerivationError

LARGEST_EXPONENT = 700
"""exp of more is no float."""

TRUE, TWINS = list(bounds.ALL.values()), list(bounds.TWINS.values())


def predicate(world: World, key: str) -> bool:
    knots = np.array(world.knots)
    curvature = [world.law.at(float(t))["M''"] for t in np.linspace(0, knots[-1], 60)]
    return {
        "matched_sampler": world.sampler == "matched" and world.score_error == 0 and world.start == "exact",
        "exact_mean": world.score_error == 0 and world.start == "exact",
        "matched_variance": world.sampler == "matched",
        "right_start": world.start == "exact",
        "short_path": len(knots) <= 13 and bool((knots[1:] >= 1.05 * knots[:-1]).all()),
        "exact_score": world.score_error == 0,
        "optimal_sampler": world.sampler == "optimal" and world.score_error == 0 and world.start == "exact",
        "narrow_sampler": min(world.variance_ratios) >= 1,
        "starts_at_zero": knots[0] == 0,
        "constant_ratio": bool(knots[0] > 0 and np.allclose(knots[1:] * knots[0], knots[:-1] * knots[1])),
        "uniform_steps": bool(np.allclose(np.diff(knots), (knots[-1] - knots[0]) / (len(knots) - 1))),
        "geometric_steps": bool(
            knots[0] == 0 and np.allclose(knots[2:] * knots[1], knots[1:-1] * knots[min(2, len(knots) - 1)])
        ),
        "mmse_convex": min(curvature) >= 0,
        "mmse_not_convex": min(curvature) < 0,
    }[key]


def applies(bound: bounds.Bound, world: World, values: Mapping[str, Any]) -> bool:
    for hypothesis in bound.hypotheses:
        if hypothesis.predicate is not None:
            if not predicate(world, hypothesis.predicate):
                return False
        else:
            lhs, relation, rhs = lower_relation(hypothesis.relation)(FLOATS, values)
            signs = {"<=": lhs <= rhs, ">=": lhs >= rhs, "<": lhs < rhs, ">": lhs > rhs, "==": lhs == rhs}
            if not signs[relation]:
                return False
    return True


def ratio(bound: bounds.Bound, values: Mapping[str, Any]) -> float:
    """Above 1 where the bound fails: truth over bound, or bound over truth.

    Infinite where what should be larger is zero and the other is not. For an identity 1 and the
    difference, relative to the sides and to I(T), the size of the terms that cancel in them.
    """
    formula, truth = lower(bound.formula)(FLOATS, values), values[sym.key_of(bound.truth)]
    if bound.relation == "==":
        return 1 + abs(truth - formula) / max(abs(truth), abs(formula), values["information_last"])
    less, more = (truth, formula) if bound.relation == "<=" else (formula, truth)
    return less / more if more > 0 else (0.0 if less <= 0 else float("inf"))


def world_of(counterexample: Mapping[str, Any]) -> tuple[World, float | None]:
    law = law_of(counterexample["weights"], counterexample["means"])
    snr = float(Fraction(counterexample["snr"])) if "snr" in counterexample else None
    if "geometric" in counterexample:
        data = counterexample["geometric"]
        knots = geometric(data["steps"], *(float(Fraction(data[end])) for end in ("first", "last")))
    else:
        knots = tuple(float(Fraction(t)) for t in counterexample.get("snr_knots", ("0", "1")))
    parameters = counterexample.get("parameters", {})
    first = counterexample["means"][0]
    world = World(
        law,
        knots,
        float(Fraction(parameters.get("epsilon", "1"))),
        float(Fraction(counterexample["variance"])),
        1 if isinstance(first, str) else len(first),
        counterexample.get("sampler", "matched"),
        float(Fraction(counterexample.get("score_error", "0"))),
        counterexample.get("start", "exact"),
        float(Fraction(parameters.get("spacing", "2"))),
        float(Fraction(parameters.get("strip", "1/2"))),
    )
    return world, snr


@pytest.mark.parametrize("twin", TWINS, ids=lambda b: b.id)
def test_a_twin_fails_on_its_counterexample(twin: bounds.Bound) -> None:
    world, snr = world_of(twin.counterexample)
    values = world.values(snr, twin.symbols)
    assert applies(twin, world, values)
    assert ratio(twin, values) > 1.005
    largest = (
        1 / Fraction(twin.counterexample["variance"]) if twin.counterexample["variance"] != "0" else None
    )
    assert largest is None or max(world.knots) <= largest


@pytest.mark.parametrize("twin", TWINS, ids=lambda b: b.id)
def test_the_original_of_a_twin_holds_there(twin: bounds.Bound) -> None:
    original = bounds.ALL[twin.twin_of or ""]
    world, snr = world_of(twin.counterexample)
    values = world.values(snr, original.symbols)
    if applies(original, world, values):
        assert ratio(original, values) <= 1 + 1e-9
    else:
        assert twin in (
            bounds.twins.convex_halved_not_convex,
            bounds.twins.convex_below_not_convex,
            bounds.twins.step_complexity_no_logarithm,
            bounds.twins.path_with_errors_any_variance,
        )


def test_every_bound_has_a_twin() -> None:
    assert {twin.twin_of for twin in TWINS} == set(bounds.ALL)
    assert not set(bounds.TWINS) & set(bounds.ALL)
    for twin in TWINS:
        assert twin.is_twin
        assert twin.why_false
        assert twin.derivation is None
        assert "/twin" in twin.id
        with pytest.raises(ValueError, match="no derivation"):
            twin.check()


@st.composite
def laws(draw: st.DrawFn) -> Law:
    size = draw(st.integers(2, 4))
    counts = draw(st.lists(st.integers(1, 40), min_size=size, max_size=size))
    gaps = draw(st.lists(st.floats(0.3, 3), min_size=size - 1, max_size=size - 1))
    return Law(tuple(c / sum(counts) for c in counts), tuple(np.cumsum([0.0, *gaps]).tolist()))


@st.composite
def paths(draw: st.DrawFn) -> tuple[float, ...]:
    steps = draw(st.integers(1, 6))
    kind = draw(st.sampled_from(["geometric", "ratio", "uniform", "free"]))
    if kind == "ratio":
        return geometric(steps + 1, draw(st.floats(0.01, 0.5)), draw(st.floats(0.6, 8)))[1:]
    if kind == "geometric":
        return geometric(steps, draw(st.floats(0.01, 0.5)), draw(st.floats(0.6, 8)))
    start = draw(st.sampled_from([0.0, 0.2, 1.0]))
    if kind == "uniform":
        return uniform(steps, start, start + draw(st.floats(0.1, 5)))
    gaps = draw(st.lists(st.floats(0.01, 2), min_size=steps, max_size=steps))
    return (start, *(start + np.cumsum(gaps)).tolist())


@pytest.mark.parametrize("bound", TRUE, ids=lambda b: b.id)
@given(
    law=laws(),
    path=paths(),
    snr=st.floats(0.01, 20),
    epsilon=st.floats(0.01, 3),
    dimension=st.sampled_from([1, 3]),
    sampler=st.sampled_from(["matched", "beta", "optimal"]),
    wrong=st.sampled_from([(0.0, "exact"), (0.3, "exact"), (0.0, "normal"), (0.3, "normal")]),
    grid=st.sampled_from([(2.0, 0.5), (5.0, 0.1), (2.0, 1.5)]),
)
@settings(max_examples=8, deadline=None)
def test_a_bound_holds_wherever_it_applies(
    bound: bounds.Bound,
    law: Law,
    path: tuple[float, ...],
    snr: float,
    epsilon: float,
    dimension: int,
    sampler: str,
    wrong: tuple[float, str],
    grid: tuple[float, float],
) -> None:
    if bound.symbols.isdisjoint(("start_kl", "score_error_at", "output_kl", "output_tv")):
        wrong = (0.0, "exact")
    if not bound.symbols.isdisjoint(("output_kl", "output_tv")):
        # kernels on a grid: few and long steps
        path, dimension = tuple(t for t in path[:4] if t <= 4), 1
        assume(len(path) > 1 and min(np.diff(path)) > 0.1 and not 0 < path[0] < 0.1)
        sampler = "matched" if sampler == "optimal" else sampler
    world = World(law, path, epsilon, 0.5, dimension, sampler, *wrong, *grid)
    values = world.values(snr, bound.symbols)
    assume(law.diameter**2 * snr < LARGEST_EXPONENT)
    if applies(bound, world, values):
        assert ratio(bound, values) <= 1 + 1e-9


def test_the_start_needs_its_term() -> None:
    """One step from zero: kappa is 0, and t_1 V/2 pays for everything."""
    world = World(FIVE, (0.0, 2.0))
    values = world.values()
    assert values["kappa"] == 0
    assert lower(bounds.reeves_pfister.bounded_ratio_information.formula)(FLOATS, values) == pytest.approx(
        FIVE.variance
    )


def test_few_tiny_first_steps_are_not_enough() -> None:
    """With t_1 far below epsilon/V the range T/t_1 counts, not T V/epsilon."""
    epsilon, law = 0.5, FIVE
    needed = 1 + int(np.ceil(np.log(10 * law.variance / epsilon) / np.log(1 + epsilon / (2 * law.entropy))))
    world = World(law, geometric(needed, 1e-40, 10.0), epsilon)
    assert world.path_kl > epsilon
    assert not applies(bounds.aghapour_bayraktar.step_complexity, world, world.values())


@pytest.mark.parametrize("bound", [*TRUE, *TWINS], ids=lambda b: b.id)
def test_the_record_is_complete(bound: bounds.Bound) -> None:
    assert bound.title
    assert bound.source.theorem or bound.source.note
    assert bound.symbols >= bound.formula_symbols
    assert bound.statement.args == (bound.truth, bound.formula)
    samplers = {"matched_sampler", "exact_mean", "optimal_sampler", "matched_variance"}
    on_paths = bound.truth == sym.path_kl
    dropped = bound is bounds.twins.path_with_errors_any_variance
    assert on_paths == (dropped or any(h.predicate in samplers for h in bound.hypotheses))
    assert hash(bound) == hash(replace(bound))
    assert bound == replace(bound)


def test_names_are_ids() -> None:
    for module in (bounds.reeves_pfister, bounds.aghapour_bayraktar, bounds.ours, bounds.twins):
        for bound in module.ALL:
            names = [name for name in module.__all__ if getattr(module, name) is bound]
            assert len(names) == 1
            if module is not bounds.twins:
                assert bound.id.split("/")[1].replace("-", "_") == names[0]


def test_a_bound_with_another_formula_is_not_proved() -> None:
    bound = bounds.reeves_pfister.uniform_steps
    for changed in (
        replace(bound, formula=bound.formula / 2),
        replace(bound, relation=">="),
        replace(bound, hypotheses=bound.hypotheses[:1]),
        replace(bound, truth=sym.mmse),
    ):
        with pytest.raises(ValueError, match=r"another statement|needs more"):
            changed.check()


def test_a_broken_derivation_is_reported() -> None:
    bound = bounds.reeves_pfister.uniform_steps
    assert bound.derivation is not None
    steps = bound.derivation.steps
    broken = replace(bound.derivation, steps=(replace(steps[0], relation=">="), *steps[1:]))
    with pytest.raises(DerivationError, match="step 1"):
        replace(bound, derivation=broken).check()
