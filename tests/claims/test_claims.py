"""One property test per claim of the registry: no random instance may refute it.

Targets are random rational mixtures, schedules random in every convention; what a claim's
hypotheses ask of the schedule is built, not filtered.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from math import ceil, log, log1p
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from diffcert import Instance, Mixture, Schedule, Status, bounds, claims, compare, path_kl, samplers, twins
from diffcert.family import from_counterexample
from numerics.arithmetic import FLOATS, balls

DIGITS = 20
MOST_SNR = 8

nice = st.sampled_from([Fraction(n, d) for d in (1, 2, 3, 4, 5, 7) for n in range(1, 3 * d + 1)])


@st.composite
def mixtures(draw: st.DrawFn) -> Mixture:
    """Mixtures of two to four distinct atoms on a line, with v = 0, 1 or 1/3."""
    gaps = draw(st.lists(nice, min_size=1, max_size=3))
    counts = draw(st.lists(st.integers(1, 20), min_size=len(gaps) + 1, max_size=len(gaps) + 1))
    start = draw(st.integers(-3, 3))
    atoms = [start + sum(gaps[:i], Fraction(0)) for i in range(len(counts))]
    weights = [Fraction(count, sum(counts)) for count in counts]
    return Mixture(weights, atoms, draw(st.sampled_from([0, 1, Fraction(1, 3)])))


@st.composite
def increasing(draw: st.DrawFn, from_zero: bool) -> list[Fraction]:
    """Increasing rationals from 0 or above to at most MOST_SNR."""
    counts = draw(st.lists(st.integers(1, 12), min_size=2, max_size=6))
    total = sum(counts)
    last = draw(st.sampled_from([Fraction(1, 10), Fraction(1), Fraction(MOST_SNR)]))
    knots = [Fraction(sum(counts[: i + 1])) * last / total for i in range(len(counts))]
    return [Fraction(0), *knots] if from_zero else knots


any_schedule = st.one_of(
    st.builds(Schedule.from_snr, st.booleans().flatmap(increasing)),
    st.builds(Schedule.ddpm_linear, st.integers(2, 6)),
    st.builds(Schedule.cosine, st.integers(2, 6)),
    st.builds(Schedule.flow_matching, st.integers(2, 6)),
    st.builds(Schedule.geometric, st.integers(2, 8), nice.map(lambda x: x / 100), st.just(4)),
    st.builds(
        lambda levels: Schedule.from_alpha_bar([x / (1 + x) for x in levels]),
        st.booleans().flatmap(increasing),
    ),
)
geometric = st.builds(
    Schedule.geometric,
    st.integers(2, 10),
    nice.map(lambda x: x / 50),
    st.sampled_from([Fraction(1), Fraction(MOST_SNR)]),
)
uniform = st.builds(Schedule.uniform, st.integers(1, 8), nice)


@st.composite
def constant_ratio(draw: st.DrawFn) -> Schedule:
    """Knots t_0 > 0, (1 + kappa) t_0, ... with a rational kappa, up to at most MOST_SNR."""
    first, ratio = draw(nice) / 50, 1 + draw(nice)
    knots = [first]
    while len(knots) < 2 or (knots[-1] * ratio <= MOST_SNR and len(knots) < 7):
        knots.append(knots[-1] * ratio)
    return Schedule.from_snr(knots)


@st.composite
def with_samplers(draw: st.DrawFn, variances: list[Any]) -> Instance:
    """A target in one or three dimensions, noise levels, and one of the reverse variances."""
    target = draw(mixtures())
    if draw(st.booleans()):
        points = [[x, -2 * x, 2 * x] for (x,) in target.means]
        target = Mixture(target.weights, points, target.variance)
    levels = [x / (1 + x) for x in draw(increasing(draw(st.booleans())))]
    return Instance(
        target, Schedule.from_alpha_bar(levels), sampler=samplers.Ddpm(draw(st.sampled_from(variances)))
    )


@st.composite
def with_errors(draw: st.DrawFn, errors: list[Any], starts: list[str]) -> Instance:
    """A target in one or three dimensions on any schedule, with a score error and a start."""
    target = draw(mixtures())
    if draw(st.booleans()):
        points = [[x, -2 * x, 2 * x] for (x,) in target.means]
        target = Mixture(target.weights, points, target.variance)
    schedule = draw(any_schedule)
    known_by = {Fraction(0): ["matched", "beta_tilde"], Fraction(1): ["matched", "beta"]}
    named = known_by.get(target.variance, ["matched"]) if schedule.convention != "snr" else ["matched"]
    sampler = samplers.Ddpm(draw(st.sampled_from(named)), draw(st.sampled_from(errors)))
    return Instance(target, schedule, sampler, draw(st.sampled_from(starts)))


@st.composite
def short_paths(draw: st.DrawFn) -> Instance:
    """A target on a line and two or three steps that are not short, from either start."""
    first, gaps = draw(st.sampled_from([0, "1/4", "1/2"])), draw(st.lists(nice, min_size=2, max_size=3))
    knots = [Fraction(first)]
    for gap in gaps:
        knots.append(knots[-1] + min(gap, 1) / 2)
    start, target = draw(st.sampled_from(["exact", "normal"])), draw(mixtures())
    assume(path_kl(target, Schedule.from_snr(knots)) > 1e-4)  # the enclosures have radii of about 1e-6
    return Instance(target, Schedule.from_snr(knots), start=start)


@st.composite
def coarse_grids(draw: st.DrawFn) -> Instance:
    """A point with a spacing and a strip that lies inside theta < pi/2."""
    target, snr = draw(mixtures()), draw(nice) / draw(st.sampled_from([1, 100]))
    widest = 3.1 / (float(snr) * float(target.core.diameter_squared)) ** 0.5
    strip = Fraction(round(4096 * min(widest, 8) * draw(st.sampled_from([0.1, 0.5, 0.9]))), 4096)
    spacing = draw(st.sampled_from(["1/3", "1", "2", "5"]))
    return Instance(
        target, snr=snr, parameters={"spacing": spacing, "strip": max(strip, Fraction(1, 4096))}
    )


@st.composite
def enough_steps(draw: st.DrawFn) -> Instance:
    """A target and an accuracy on the number of steps that the step complexity asks for, or a few more."""
    target = draw(mixtures())
    last, variance = Fraction(draw(st.integers(1, MOST_SNR))), target.core.variance
    epsilon = last * variance / draw(st.integers(2, 40))
    entropy = target.core.entropy(FLOATS)
    needed = 1 + ceil(log(float(last * variance / epsilon)) / log1p(float(epsilon) / (2 * entropy)))
    steps = max(2, needed + draw(st.integers(0, 3)))
    schedule = Schedule.geometric(min(steps, 60), epsilon / variance, last)
    return Instance(target, schedule, parameters={"epsilon": epsilon})


def instances_for(claim_id: str) -> st.SearchStrategy[Instance]:
    """Instances on which the claim's hypotheses have a chance to hold."""
    bound = bounds.ALL[claim_id]
    predicates = {hypothesis.predicate for hypothesis in bound.hypotheses}
    if "epsilon" in bound.symbols:
        return enough_steps()
    if "spacing" in bound.symbols:
        return coarse_grids()
    if not bound.symbols.isdisjoint(("output_kl", "output_tv")):
        return short_paths()
    if "matched_variance" in predicates:
        errors = [None] if "exact_score" in predicates else [None, "1/3", -2]
        starts = ["exact"] if "right_start" in predicates else ["exact", "normal"]
        return with_errors(errors, starts)
    if "exact_mean" in predicates:
        return with_samplers(["matched", "beta_tilde", "beta", "optimal", Fraction(1, 100)])
    if "optimal_sampler" in predicates:
        return with_samplers(["optimal"])
    if not bound.symbols.isdisjoint(("snr", "mutual_information", "covariance_moment")):
        snr = st.one_of(nice, nice.map(lambda x: x / 1000))
        return st.builds(lambda target, s: Instance(target, snr=s), mixtures(), snr)
    schedule = any_schedule
    if "geometric_steps" in predicates:
        schedule = geometric
    elif "uniform_steps" in predicates:
        schedule = uniform
    elif "constant_ratio" in predicates:
        schedule = constant_ratio()
    elif {hypothesis.key for hypothesis in bound.hypotheses} & {"starts_at_zero"}:
        schedule = st.builds(Schedule.from_snr, increasing(True))
    elif {hypothesis.key for hypothesis in bound.hypotheses} & {"starts_positive"}:
        schedule = st.builds(Schedule.from_snr, increasing(False))
    return st.builds(Instance, mixtures(), schedule)


@pytest.mark.parametrize("claim_id", list(bounds.ALL))
def test_no_instance_refutes_the_claim(claim_id):
    statuses: Counter[Status] = Counter()

    slow = not bounds.ALL[claim_id].symbols.isdisjoint(("output_kl", "output_tv"))
    count = 8 if slow else 25

    @settings(max_examples=count, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(instances_for(claim_id))
    def check(instance: Instance) -> None:
        verdict = compare(claim_id, instance, digits=DIGITS)
        statuses[verdict.status] += 1
        assert verdict.status in (Status.HOLDS, Status.NOT_APPLICABLE), verdict

    check()
    assert statuses[Status.HOLDS] >= 5


@pytest.mark.slow
@pytest.mark.parametrize("claim_id", list(bounds.ALL))
def test_a_longer_search_finds_nothing_either(claim_id):
    slow = not bounds.ALL[claim_id].symbols.isdisjoint(("output_kl", "output_tv"))

    @settings(max_examples=15 if slow else 400, deadline=None, suppress_health_check=list(HealthCheck))
    @given(instances_for(claim_id))
    def check(instance: Instance) -> None:
        verdict = compare(claim_id, instance, digits=DIGITS)
        assert verdict.status in (Status.HOLDS, Status.NOT_APPLICABLE), verdict

    check()


def test_the_registry_is_that_of_the_theory():
    built_in = {claim.id for claim in claims(entry=False)}
    assert {*bounds.ALL, *bounds.LOW_RANK, *bounds.FURTHER, *bounds.RATES} <= built_in
    planted = (bounds.TWINS, bounds.LOW_RANK_TWINS, bounds.FURTHER_TWINS, bounds.RATE_TWINS)
    assert {twin.id for twin in twins()} == {twin_id for table in planted for twin_id in table}


def test_every_claim_has_a_twin():
    true = {*bounds.ALL, *bounds.LOW_RANK, *bounds.FURTHER, *bounds.RATES}
    assert {twin.bound.twin_of for twin in twins()} == true


@pytest.mark.parametrize("twin_id", list(bounds.TWINS))
def test_every_twin_is_refuted_by_its_counterexample(twin_id):
    twin = bounds.TWINS[twin_id]
    assert twin.why_false
    verdict = compare(twin_id, from_counterexample(twin.counterexample), digits=DIGITS)
    assert verdict.status is Status.REFUTED
    with balls(256).precision():
        excess = verdict.truth.value - verdict.bound
        outcome = {"<=": excess > 0, ">=": excess < 0, "==": excess != 0}
    assert outcome[twin.relation]


@pytest.mark.parametrize("twin_id", list(bounds.TWINS))
def test_the_original_holds_where_its_twin_is_refuted(twin_id):
    twin = bounds.TWINS[twin_id]
    original = compare(twin.twin_of, from_counterexample(twin.counterexample), digits=DIGITS)
    dropped = {h.key for h in bounds.ALL[twin.twin_of].hypotheses} - {h.key for h in twin.hypotheses}
    assert original.status is (Status.NOT_APPLICABLE if dropped else Status.HOLDS)


def test_the_frozen_covariance_is_refuted_on_the_skewed_target():
    skew = Mixture(["19/20", "1/20"], [0, 1], variance=0)
    verdict = compare("diffcert/frozen-covariance/twin", Instance(skew, Schedule.from_snr(["0", "0.1"])))
    assert verdict.status is Status.REFUTED
    assert f"{float(verdict.ratio):.4f}" == "1.0239"
