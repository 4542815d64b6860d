"""The strategies: exact, built, pasteable, and able to find a planted false bound."""

from __future__ import annotations

import re
from collections import Counter
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, find, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import HypothesisException, UnsatisfiedAssumption

import diffcert
from diffcert import (
    BINDINGS,
    Instance,
    Mixture,
    Schedule,
    Status,
    claims,
    compare,
    samplers,
    twins,
)
from diffcert import find as find_claim
from diffcert import strategies as own
from diffcert.strategies.numbers import rounded
from diffcert.strategies.schedules import KINDS
from diffcert.strategies.targets import units
from theory.statement import Bound

NAMES = {**vars(own), **{name: getattr(diffcert, name) for name in diffcert.__all__}}
STEP = Schedule.from_snr([0, 1])
FEW = settings(max_examples=40, deadline=None, derandomize=True, database=None)
MANY = settings(max_examples=300, deadline=None, derandomize=True, database=None)

STRATEGIES: dict[str, Any] = {
    "mixtures": own.mixtures(),
    "mixtures in space": own.mixtures(dimension=3, max_rank=2, min_atoms=3),
    "schedules": own.schedules(),
    "samplers": own.samplers(own.score_errors()),
    "score_errors": own.score_errors(),
    "instances": own.instances(),
    "paths to an extreme": own.instances("reeves-pfister/bounded-ratio-information"),
    "grids": own.instances("diffcert/quadrature-mmse"),
    "low-rank observations": own.instances("wang/directions"),
    "low-rank samples": own.instances("wang/noisy-recovery"),
    "several subspaces": own.instances("wang/clustering-loss"),
    "li-cai-wei": own.instances("li-cai-wei/trace-tail"),
    "instances with samplers": own.instances(kind="path", samplers=own.samplers(own.score_errors())),
}


def pasted(text: str) -> Any:
    """What a reader gets who pastes a repr."""
    return eval(text, dict(NAMES))  # noqa: S307


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_example_prints_as_the_call_that_makes_it(name: str) -> None:
    from hypothesis.vendor.pretty import pretty

    @FEW
    @given(STRATEGIES[name])
    def check(example: Any) -> None:
        if isinstance(example, Fraction):
            return
        assert pasted(repr(example)) == example
        assert pretty(example) == repr(example)

    check()


@pytest.mark.parametrize("name", STRATEGIES)
def test_nothing_is_filtered(name: str) -> None:
    """No draw is rejected, and no health check is suppressed."""
    rejected: list[Any] = []

    @settings(max_examples=100, deadline=None, derandomize=True, database=None)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        try:
            data.draw(STRATEGIES[name])
        except UnsatisfiedAssumption as error:
            rejected.append(error)

    check()
    assert not rejected


def _seen(strategy: st.SearchStrategy[Any], **kinds: Any) -> Counter[str]:
    counts = Counter[str]()

    @MANY
    @given(strategy)
    def look(example: Any) -> None:
        counts.update(name for name, holds in kinds.items() if holds(example))

    look()
    return counts


def test_the_edge_cases_are_among_the_targets() -> None:
    seen = _seen(
        own.mixtures(),
        one_atom=lambda m: len(m.weights) == 1,
        coinciding=lambda m: any("merged" in note for note in m.notes),
        rare=lambda m: min(m.weights) <= Fraction(1, 10**30),
        discrete=lambda m: m.variance == 0,
        collinear=lambda m: m.dimension > 1 and m.core.rank == 1,
        far=lambda m: m.core.diameter_squared >= 10**6,
        near=lambda m: 0 < m.core.diameter_squared <= Fraction(1, 10**4),
    )
    for kind in ("one_atom", "coinciding", "rare", "discrete", "collinear", "far", "near"):
        assert seen[kind] >= 2, kind


def test_the_edge_cases_are_among_the_schedules() -> None:
    target = Mixture(["1/2", "1/2"], [-1, 1])
    seen = _seen(
        own.schedules(),
        tiny=lambda s: 0 < s.snr(target)[1] < 1e-5,
        huge=lambda s: s.snr(target)[-1] > 1e11,
        one_step=lambda s: s.steps == 1,
        many_steps=lambda s: s.steps > 50,
        from_zero=lambda s: s.snr(target)[0] == 0,
        enormous_end=lambda s: s.snr(target)[-1] > 1e7 * s.snr(target)[-2] > 0,
        **{kind: lambda s, kind=kind: s.name == kind for kind in KINDS if kind != "constant_ratio"},
    )
    assert not {kind for kind in KINDS if kind != "constant_ratio" and not seen[kind]}
    for kind in ("tiny", "huge", "one_step", "many_steps", "from_zero", "enormous_end"):
        assert seen[kind] >= 2, kind


def test_every_sampler_and_every_score_error_is_drawn() -> None:
    seen = _seen(own.samplers(), **{r.__name__: lambda s, r=r: type(s) is r for r in samplers.ALL})
    assert set(seen) == {rule.__name__ for rule in samplers.ALL}
    kinds = (own.Drift, own.Ripple, own.Bump, Fraction)
    seen = _seen(own.score_errors(), **{k.__name__: lambda e, k=k: isinstance(e, k) for k in kinds})
    assert set(seen) == {kind.__name__ for kind in kinds}


def test_score_errors_are_the_functions_that_they_say() -> None:
    x = np.array([-1.0, 0.0, 2.0])
    assert own.Drift("1/10")(x, 0) == pytest.approx([-0.1, 0, 0.2], rel=1e-15)
    assert own.Ripple(1, "1/2")(x, 1) == pytest.approx(-np.sin(x / 2), rel=1e-15)
    assert own.Bump(2, 2, 1)(x, 3) == pytest.approx([2 * np.exp(-9), 2 * np.exp(-4), 2], rel=1e-14)
    with pytest.raises(ValueError, match="size: 'x' is not a number"):
        own.Ripple("x", 1)


def test_examples_shrink_to_what_can_be_read() -> None:
    quick = settings(max_examples=2000, deadline=None, derandomize=True, database=None)
    two = find(own.mixtures(), lambda m: len(m.weights) == 2, settings=quick)
    assert two == Mixture(["1/2", "1/2"], [0, 1])
    late = find(own.schedules(kinds=["from_snr"]), lambda s: s.last_knot > 6, settings=quick)
    assert late.steps == 1
    assert all(knot.denominator == 1 for knot in late.parameters["snr"])


def test_a_failing_instance_shrinks_to_few_atoms_and_steps() -> None:
    seen: list[Instance] = []

    # Without the phase "explain", which varies the example again after it was shrunk.
    @settings(MANY, phases=[Phase.generate, Phase.shrink])
    @given(own.instances(kind="path"))
    def fails(instance: Instance) -> None:
        if instance.target.core.rank == 1:
            seen.append(instance)
            raise ValueError("one of rank one")

    with pytest.raises(ValueError, match="one of rank one"):
        fails()
    assert repr(seen[-1]) == (
        "Instance(Mixture(weights=['1/2', '1/2'], means=['0', '1'], variance='1'), "
        "Schedule.from_snr(['0', '1']))"
    )


# Claims


@pytest.mark.parametrize(
    ("claim_id", "holds"),
    [
        ("diffcert/convex-halved", lambda s: s.name == "geometric"),
        ("reeves-pfister/uniform-steps", lambda s: s.name == "uniform"),
        ("diffcert/start-step", lambda s: s.snr(Mixture([1], [0]))[0] == 0),
        ("diffcert/good-phase-positive", lambda s: s.parameters["snr"][0] > 0),
    ],
)
def test_what_a_claim_asks_of_the_schedule_is_built(claim_id: str, holds: Any) -> None:
    @FEW
    @given(own.instances(claim_id))
    def check(instance: Instance) -> None:
        assert holds(instance.schedule)

    check()


CLAIMS = (
    *("reeves-pfister/mmse-information", "diffcert/covariance-diameter"),
    *(
        pytest.param(claim_id, marks=pytest.mark.slow)
        for claim_id in (
            "diffcert/reverse-variance",
            "reeves-pfister/monotone",
            "reeves-pfister/bounded-ratio-information",
            "aghapour-bayraktar/geometric-steps",
            "aghapour-bayraktar/step-complexity",
            "aghapour-bayraktar/latent-entropy",
            "diffcert/optimal-variance-matched",
        )
    ),
)


@pytest.mark.parametrize("claim_id", CLAIMS)
def test_theorems_survive_and_are_decided(claim_id: str) -> None:
    """No extreme example refutes a theorem, and next to none is left undecided or is out of its scope.

    Undecided remains where a path begins when nothing is left to learn: both sides are then below the
    least magnitude that a precision promises, or equal to more digits than it has.
    """
    statuses: Counter[Status] = Counter()

    @settings(max_examples=60, deadline=None, derandomize=True, database=None)
    @given(own.instances(claim_id))
    def check(instance: Instance) -> None:
        statuses[compare(claim_id, instance).status] += 1

    check()
    assert not statuses[Status.REFUTED]
    assert statuses[Status.HOLDS] >= 0.9 * sum(statuses.values())


def first_refutation(twin_id: str, number: int, most: int = 200) -> int | None:
    """How many examples it takes until the planted falsehood is refuted, None if more than `most`."""
    begun, found = 0, None

    class Refuted(Exception):  # noqa: N818
        pass

    @seed(number)
    @settings(
        max_examples=most,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(own.instances(twin_id))
    def look(instance: Instance) -> None:
        nonlocal begun, found
        begun += 1
        if begun <= most and compare(twin_id, instance).status is Status.REFUTED:
            found = found or begun
            raise Refuted

    try:
        look()
    except Refuted:
        return found
    except HypothesisException:
        pass
    return None


REACHED = (
    "reeves-pfister/bounded-ratio-information/twin-four-fifths",
    "reeves-pfister/early-stopping/twin-rank",
    "reeves-pfister/path-with-errors/twin-any-variance",
    "aghapour-bayraktar/step-complexity/twin-no-logarithm",
    "aghapour-bayraktar/latent-entropy/twin-quarter",
    "diffcert/convex-halved/twin-not-convex",
    "diffcert/covariance-growth/twin-none",
    "diffcert/reverse-variance/twin-rank",
    "diffcert/quadrature-mmse/twin-no-growth",
    "companion/loss-ratios/twin-half",
    "li-cai-wei/noise-positive/twin-any-rate",
    "li-cai-wei/trace-tail/twin-fast",
    "wang/clustering-loss/twin-all-ranks",
    "wang/few-samples/twin-no-room",
    "wang/noisy-recovery/twin-first-order",
)
"""Some of every family; the slow run looks for all of them."""

SINGLE = [claim for claim in (*claims(entry=False), *twins()) if isinstance(claim.bound, Bound)]
"""Every claim about single instances, true and false."""


@pytest.mark.parametrize("twin_id", REACHED)
def test_a_planted_false_bound_is_found_within_200_examples(twin_id: str) -> None:
    assert find_claim(twin_id).is_twin
    assert first_refutation(twin_id, 0) is not None


@pytest.mark.slow
@pytest.mark.parametrize("twin_id", [claim.id for claim in SINGLE if claim.is_twin])
def test_every_planted_false_bound_is_found(twin_id: str) -> None:
    assert all(first_refutation(twin_id, number) is not None for number in (1, 2))


def test_every_claim_but_the_rates_has_its_instances() -> None:
    """Each defines all that its claim is about."""
    for claim in SINGLE:
        found: list[Instance] = []

        @settings(FEW, max_examples=3, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
        @given(own.instances(claim.id))
        def look(instance: Instance) -> None:
            found.append(instance)  # noqa: B023

        look()
        for instance in found:
            lacking = {key for key in claim.bound.symbols if not BINDINGS[key].defined_for(instance)}
            assert not lacking, (claim.id, instance)


def test_no_rate_has() -> None:
    for claim in (*claims(entry=False), *twins()):
        if claim not in SINGLE:
            with pytest.raises(
                ValueError, match=r"a rate says nothing of a single instance; .* ladders"
            ) as e:
                own.instances(claim.id)
            assert "\n" not in str(e.value)


# Units, arguments, registration


def test_units_are_where_a_rare_atom_is_seen() -> None:
    rare = Fraction(1, 10**30)
    target = Mixture([1 - rare, rare], [0, 2], 0)
    assert units(target)[0] == 1
    assert units(target)[-1] == pytest.approx(2 * 30 * np.log(10) / 4, rel=0.05)
    assert units(Mixture([1], [5])) == (1,)
    assert rounded(0.0001234) == Fraction(12, 10**5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: own.mixtures(min_atoms=0), "min_atoms: 0 is below 1"),
        (lambda: own.mixtures(min_atoms=3, max_atoms=2), "max_atoms: 2 is below 3"),
        (lambda: own.mixtures(shapes=["round"]), "shapes: 'round' is none of"),
        (lambda: own.mixtures(min_atoms=2, shapes=["degenerate"]), "shapes: none of them"),
        (lambda: own.mixtures(dimension=1, max_rank=2), "dimension: 1 is below 2"),
        (lambda: own.schedules(kinds=["best"]), "kinds: 'best' is none of"),
        (lambda: own.schedules(start="late"), "start: 'late' is none of"),
        (lambda: own.schedules(unit=0), "unit: 0 is not positive"),
        (lambda: own.schedules(kinds=["uniform"], start="positive"), "kinds: none of uniform fits"),
        (lambda: own.instances(kind="walk"), "kind: 'walk' is none of"),
        (lambda: own.instances("reeves-pfister/monotone", kind="path"), "kind: the claim says it"),
        (lambda: own.instances("nope"), "unknown id 'nope'"),
        (lambda: own.instances("wang/trace", schedules=own.schedules()), "schedules: the instances of"),
        (lambda: own.instances("wang/trace", samplers=own.samplers()), "samplers: the instances of"),
        (lambda: own.instances(max_steps=0), "max_steps: 0 is below 1"),
    ],
)
def test_bad_arguments_are_refused_at_once(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        make()


@pytest.mark.parametrize("kind", [Mixture, Schedule, Instance, samplers.Sampler, samplers.Ddim])
def test_types_find_their_strategy(kind: type) -> None:
    @settings(max_examples=5, deadline=None, derandomize=True, database=None)
    @given(st.from_type(kind))
    def check(example: Any) -> None:
        assert isinstance(example, kind)

    check()


def test_hypothesis_alone_loads_nothing_of_ours_that_is_heavy(run: Any) -> None:
    code = (
        "import sys\nimport hypothesis\nimport diffcert.hypothesis_plugin as p\np.register()\n"
        "import diffcert.strategies\n"
        "heavy = {'sympy', 'flint', 'numpy', 'mpmath', 'numerics', 'theory', 'matplotlib', 'rich'}\n"
        "print(sorted(heavy & set(sys.modules)), 'diffcert-nightly' in hypothesis.settings._profiles)\n"
    )
    finished = run("-c", code)
    assert finished.stdout == "[] True\n", finished.stdout + finished.stderr


@pytest.mark.parametrize("first", ["hypothesis", pytest.param("diffcert", marks=pytest.mark.slow)])
def test_registration_works_in_either_order(run: Any, first: str) -> None:
    lines = {
        "hypothesis": "import diffcert.hypothesis_plugin as p, hypothesis; p.register()",
        "diffcert": "from diffcert import Mixture",
    }
    second = next(name for name in lines if name != first)
    code = (
        f"{lines[first]}\n{lines[second]}\n"
        "from hypothesis import find, strategies as st\n"
        "print(find(st.from_type(Mixture), lambda m: True))"
    )
    finished = run("-c", code)
    assert finished.stdout.startswith("Mixture(weights="), finished.stderr


def test_profiles() -> None:
    assert settings.get_profile("diffcert").deadline is None
    nightly = settings.get_profile("diffcert-nightly")
    assert nightly.deadline is None
    assert not nightly.derandomize
    assert nightly.max_examples == 1000


def test_target_tightness_passes_on_finite_numbers_only() -> None:
    pair = Mixture(["1/2", "1/2"], [-1, 1], 0)
    tight = compare("reeves-pfister/monotone", Instance(pair, Schedule.from_snr([0, "1/1000"])))
    assert own.target_tightness(tight) == pytest.approx(float(tight.ratio))
    lower = compare("diffcert/covariance-decay", Instance(pair, snr=1))
    assert own.target_tightness(lower) == pytest.approx(1 / float(lower.ratio))
    empty = compare("reeves-pfister/monotone", Instance(Mixture([1], [0]), Schedule.from_snr([0, 1])))
    assert own.target_tightness(empty) is None
    nothing = compare("reeves-pfister/bounded-ratio-information/twin-no-start", Instance(pair, STEP))
    assert own.target_tightness(nothing) is None
    with pytest.raises(ValueError, match="verdict: None is not the verdict on an instance"):
        own.target_tightness(None)
    seen = []

    @settings(max_examples=20, deadline=None, derandomize=True, database=None)
    @given(own.instances("reeves-pfister/mmse-information"))
    def search(instance: Instance) -> None:
        verdict = compare("reeves-pfister/mmse-information", instance)
        seen.append(own.target_tightness(verdict))
        assert own.target_tightness(verdict) == seen[-1]

    search()
    assert max(x for x in seen if x is not None) <= 1
