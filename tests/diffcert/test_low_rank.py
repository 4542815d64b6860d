"""Low-rank instances: claims about them hold, their twins are refuted, and bad input is named."""

from __future__ import annotations

import json
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from diffcert import (
    Claim,
    LowRankInstance,
    LowRankMixture,
    Status,
    Values,
    compare,
    evaluate,
    find,
    symbols,
    verify,
)
from diffcert.bindings import BINDINGS
from diffcert.family import default_for, from_counterexample
from diffcert.low_rank import TARGETS, observations, samplings
from theory.bounds import wang
from theory.low_rank_symbols import ROWS

IDS = [bound.id for bound in wang.ALL]
KEYS = [row.key for row in ROWS]
LINES = LowRankMixture.spanned(["1/2", "1/2"], [[[1, 0]], [[3, 4]]])
PLANE = TARGETS["plane"]

fractions = st.fractions(-3, 3, max_denominator=5)


@st.composite
def random_targets(draw: st.DrawFn, components: int) -> LowRankMixture:
    d = draw(st.integers(2, 5))
    seed = draw(st.integers(0, 10**6))
    rng = np.random.default_rng(seed)
    vectors = []
    for _ in range(components):
        rank = int(rng.integers(1, d + 1))
        vectors.append((np.eye(d, dtype=int)[:rank] * 12 + rng.integers(-2, 3, (rank, d))).tolist())
    counts = rng.integers(1, 9, components)
    return LowRankMixture.spanned([f"{c}/{counts.sum()}" for c in counts], vectors)


@st.composite
def random_observations(draw: st.DrawFn) -> LowRankInstance:
    target = draw(random_targets(draw(st.integers(1, 4))))
    vector = st.lists(fractions, min_size=target.dimension, max_size=target.dimension)
    signal, noise = draw(st.sampled_from([("1", "1/2"), ("1/100", "1"), ("2", "1/30"), ("1", "1/1000000")]))
    return LowRankInstance(target, signal, noise, x=draw(vector), v=draw(vector), w=draw(vector))


@st.composite
def random_samplings(draw: st.DrawFn) -> LowRankInstance:
    target = draw(random_targets(draw(st.sampled_from([1, 1, 2, 3]))))
    n = draw(st.integers(1, 6))
    samples = [
        target.exact_sample(i % target.components, 1, seed=draw(st.integers(0, 10**6)))[0] for i in range(n)
    ]
    size = draw(st.sampled_from([Fraction(0), Fraction(1, 1000), Fraction(1, 3)]))
    rng = np.random.default_rng(n)
    errors = [[size * int(x) for x in row] for row in rng.integers(-4, 5, (n, target.dimension))]
    return LowRankInstance(
        target, "1", draw(st.sampled_from(["1/9", "1", "5"])), samples=samples, errors=errors
    )


@pytest.mark.parametrize("claim_id", IDS)
def test_no_instance_refutes_the_claim(claim_id: str) -> None:
    statuses: Counter[Status] = Counter()
    needs = {BINDINGS[key].needs for key in find(claim_id).bound.symbols}

    @settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(random_observations() if "observation" in needs else random_samplings())
    def check(instance: LowRankInstance) -> None:
        verdict = compare(claim_id, instance, digits=20)
        statuses[verdict.status] += 1
        assert verdict.status in (Status.HOLDS, Status.NOT_APPLICABLE), verdict

    check()
    assert statuses[Status.HOLDS] >= 3


@pytest.mark.parametrize("digits", [20, None])
@pytest.mark.parametrize("claim_id", IDS)
def test_the_built_in_family(claim_id: str, digits: int | None) -> None:
    good = Status.HOLDS if digits else Status.BELOW_THE_BOUND_FLOAT
    found = Counter(compare(claim_id, i, digits=digits).status for i in default_for(find(claim_id).bound))
    assert set(found) <= {good, Status.NOT_APPLICABLE}
    assert found[good] >= 5


@pytest.mark.parametrize("twin", wang.TWINS, ids=lambda b: b.id)
def test_every_twin_is_refuted_by_its_counterexample(twin) -> None:
    instance = from_counterexample(twin.counterexample)
    verdict = compare(twin.id, instance, digits=20)
    assert verdict.status is Status.REFUTED
    assert compare(twin.twin_of, instance, digits=20).status in (Status.HOLDS, Status.NOT_APPLICABLE)


def test_the_missing_sample_in_exact_numbers() -> None:
    """One sample of a plane: an optimum at distance sqrt 2, where the falsehood says 0."""
    twin = next(twin for twin in wang.TWINS if twin.id.endswith("one-less"))
    instance = from_counterexample(twin.counterexample)
    verdict = compare(twin.id, instance)
    assert abs(float(verdict.truth.value) - 2**0.5) < 1e-15
    assert verdict.bound == 0
    assert json.loads(json.dumps(verdict.to_dict()))["instance"]["samples"] == [["1", "2", "0", "0"]]


def test_verify_runs_them() -> None:
    report = verify(IDS, digits=15)
    assert {verdict.status for verdict in report.verdicts} <= {Status.HOLDS, Status.NOT_APPLICABLE}
    twins = verify([twin.id for twin in wang.TWINS], digits=15, twins=True)
    assert Counter(v.status for v in twins.verdicts)[Status.REFUTED] == len(wang.TWINS)


@pytest.mark.parametrize("engine", ["fast", "certified", "mpmath"])
def test_every_quantity_has_a_value_in_every_engine(engine: str) -> None:
    digits = None if engine == "fast" else 15
    both = LowRankInstance(
        PLANE, 1, "1/2", x=[1, 2, 3, 4], samples=PLANE.exact_sample(0, 3, 1), errors=[["1/9", 0, 0, 0]] * 3
    )
    reference = Values(both, 30)
    values = Values(both, digits, engine)
    assert [key for key in values if key in KEYS] == KEYS
    assert set(values) == set(KEYS)
    for key in KEYS:
        pairs = zip(values[key], reference[key], strict=True) if BINDINGS[key].key in INDEXED else None
        for value, ball in pairs or [(values[key], reference[key])]:
            assert float(value) == pytest.approx(float(ball), rel=1e-11, abs=1e-14), key


INDEXED = {row.key for row in ROWS if row.indexed}


def test_a_quantity_that_is_lacking_is_named() -> None:
    seen = LowRankInstance(LINES, x=[1, 2])
    with pytest.raises(ValueError, match="training_loss needs a low-rank target with samples"):
        evaluate("training_loss", seen)
    with pytest.raises(ValueError, match="needs a low-rank target with an observation"):
        evaluate("jacobian_along", LowRankInstance(LINES, samples=[[1, 0]]))
    with pytest.raises(ValueError, match="farthest_distance needs samples of a single low-rank subspace"):
        evaluate("farthest_distance", LowRankInstance(PLANE, samples=[[1, 0, 0, 0]]))
    with pytest.raises(ValueError, match="entropy needs"):
        evaluate("entropy", seen)
    verdict = compare("reeves-pfister/monotone", seen)
    assert verdict.status is Status.NOT_APPLICABLE


@pytest.mark.parametrize("noise", ["1e-8", "1e-20"])
def test_tiny_noise(noise: str) -> None:
    x = [1, Fraction(1, 100)]
    instance = LowRankInstance(LINES, 1, noise, x=x, w=[1, -2])
    for claim_id in IDS[:6]:
        assert compare(claim_id, instance, digits=25).status is Status.HOLDS, claim_id


@pytest.mark.parametrize("instance", [*observations()[::7], *samplings()[::5]], ids=lambda i: i.label)
def test_it_travels_as_json(instance: LowRankInstance) -> None:
    again = LowRankInstance.from_dict(json.loads(json.dumps(instance.to_dict())))
    assert again == instance
    assert hash(again) == hash(instance)
    assert again.label == instance.label


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "x, samples: a low-rank instance needs"),
        ({"x": [1, 2, 3]}, "x: 3 coordinates"),
        ({"x": [1, 2], "v": [1]}, "v: 1 coordinates"),
        ({"samples": [[1, 2]], "v": [1, 0]}, "v, w: they belong to an observation"),
        ({"samples": [[1, 2]], "errors": [[0, 1], [1, 1]]}, "errors: 2 entries, but samples has 1"),
        ({"x": [1, 2], "noise": 0}, "noise: 0 is not positive"),
        ({"x": [1, 2], "signal": "-1"}, "signal: '-1' is negative"),
        ({"x": [1, float("nan")]}, r"x\[1\]: nan is not finite"),
    ],
)
def test_bad_input(arguments, message) -> None:
    with pytest.raises(ValueError, match=message):
        LowRankInstance(LINES, **arguments)
    with pytest.raises(ValueError, match="target: 'lines' is not a LowRankMixture"):
        LowRankInstance("lines", x=[1, 2])
    with pytest.raises(ValueError, match="instance: unknown key 'y'"):
        LowRankInstance.from_dict({"target": {}, "y": 1})


def test_a_claim_of_ones_own() -> None:
    """The trace of the Jacobian is at most c times the rank for one subspace, and not below it."""
    c = symbols.signal / (symbols.signal**2 + symbols.noise**2)
    seen = LowRankInstance(PLANE, 1, "1/3", x=[1, 2, 3, 4])
    true = Claim(
        "mine/trace", c * symbols.largest_rank, truth="jacobian_trace", relation="==", replace=True
    )
    false = Claim(
        "mine/trace-ambient",
        c * symbols.ambient_dimension,
        truth="jacobian_trace",
        relation="==",
        replace=True,
    )
    assert compare(true, seen).status is Status.HOLDS
    assert compare(false, seen).status is Status.REFUTED
