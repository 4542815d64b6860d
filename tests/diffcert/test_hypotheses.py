"""Hypotheses are true, false, or not known; exact inputs are decided exactly."""

from __future__ import annotations

from itertools import accumulate

import pytest

from diffcert import PREDICATES, Hypothesis, Instance, Mixture, Schedule, Values, samplers, symbols
from diffcert.hypotheses import _PREDICATES, check, in_order, is_costly

BINARY = Mixture(["1/2", "1/2"], [-1, 1])
DISCRETE = Mixture(["1/2", "1/2"], [-1, 1], variance=0)
SKEW = Mixture(["19/20", "1/20"], [0, 1], variance=0)
ONE = Mixture([1], [0])


def ask(predicate, schedule, target=BINARY, digits=20, **more):
    return check(Hypothesis.named(predicate), Values(Instance(target, schedule, **more), digits))


def snr(*knots):
    return Schedule.from_snr(list(knots))


def test_every_predicate_is_decided_somehow():
    assert set(_PREDICATES) == set(PREDICATES)


@pytest.mark.parametrize("digits", [None, 20])
@pytest.mark.parametrize(
    ("predicate", "schedule", "outcome"),
    [
        ("uniform_steps", Schedule.uniform(7), True),
        ("uniform_steps", snr("0", "1/3", "2/3", "1"), True),
        ("uniform_steps", snr("1/7", "2/7", "3/7"), True),
        ("uniform_steps", snr("1/7", "5/7"), True),
        ("uniform_steps", snr("0", "0.333", "0.667", "1"), False),
        ("uniform_steps", Schedule.geometric(5), False),
        ("uniform_steps", Schedule.karras(5), False),
        ("geometric_steps", Schedule.geometric(5), True),
        ("geometric_steps", snr("0", "1/9", "1/3", "1", "3"), True),
        ("geometric_steps", snr("1/9", "1/3", "1"), False),
        ("geometric_steps", snr("0", "1/9", "1/3", "0.99"), False),
        ("geometric_steps", snr("0", "1/9"), True),
        ("geometric_steps", Schedule.ddpm_linear(5), False),
        ("starts_at_zero", Schedule.uniform(5), True),
        ("starts_at_zero", Schedule.karras(5), False),
        ("starts_positive", Schedule.karras(5), True),
        ("starts_positive", Schedule.geometric(5), False),
        ("starts_at_zero", Schedule.flow_matching(5), True),
        ("finite_snr", Schedule.cosine(5), True),
    ],
)
def test_schedules(predicate, schedule, outcome, digits):
    assert ask(predicate, schedule, digits=digits) is outcome


def test_the_last_level_counts_as_it_is_for_the_target():
    schedule = Schedule.from_sigmas([2, 1, 0])
    assert ask("finite_snr", schedule, DISCRETE) is True
    assert Values(Instance(DISCRETE, schedule), 20)["number_of_steps"] == 1


def test_a_list_of_decimals_is_not_uniform_because_it_looks_so():
    rounded = ["0", *accumulate([1] * 3, lambda a, _: a + 1)]
    assert ask("uniform_steps", snr("0", *[f"{k / 3:.15f}" for k in rounded[1:]])) is False


def test_equal_steps_in_balls_are_not_known():
    irrational = Schedule.karras(1)
    assert ask("uniform_steps", irrational) is True
    alpha_bars = Schedule.scaled_linear(2)
    assert ask("uniform_steps", alpha_bars) is False


@pytest.mark.parametrize(
    ("sampler", "start", "target", "outcome"),
    [
        (None, "exact", BINARY, True),
        (samplers.Ddpm(), "exact", BINARY, True),
        (None, "normal", BINARY, False),
        (samplers.Ddpm("beta"), "exact", BINARY, True),
        (samplers.Ddpm("beta"), "exact", DISCRETE, False),
        (samplers.Ddpm("beta_tilde"), "exact", BINARY, False),
        (samplers.Ddpm("beta_tilde"), "exact", DISCRETE, True),
        (samplers.Ddpm("optimal"), "exact", BINARY, False),
        (samplers.Ddpm("optimal"), "exact", ONE, True),
        (samplers.Ddpm("1/100"), "exact", BINARY, False),
        (None, "normal", ONE, None),
        (None, "normal", Mixture([1], [2]), False),
    ],
)
def test_matched_sampler(sampler, start, target, outcome):
    schedule = Schedule.ddpm_linear(5)
    assert ask("matched_sampler", schedule, target, sampler=sampler, start=start) is outcome


@pytest.mark.parametrize("schedule", [Schedule.uniform(5), Schedule.flow_matching(5), snr("0", "1")])
def test_from_pure_noise_the_normal_start_is_the_right_one(schedule):
    assert ask("matched_sampler", schedule, start="normal") is True
    matched = Values(Instance(BINARY, schedule), 20)["path_kl"]
    assert Values(Instance(BINARY, schedule, start="normal"), 20)["path_kl"].overlaps(matched)


def test_a_beta_sampler_on_unit_components_costs_what_the_matched_one_costs():
    schedule = Schedule.ddpm_linear(5)
    matched, beta = (
        Values(Instance(BINARY, schedule, sampler), 20)["path_kl"]
        for sampler in (None, samplers.Ddpm("beta"))
    )
    assert matched.overlaps(beta)


def test_convexity():
    assert ask("mmse_convex", Schedule.geometric(5), BINARY) is True
    assert ask("mmse_not_convex", Schedule.geometric(5), BINARY) is False
    assert ask("mmse_convex", Schedule.geometric(5), SKEW) is False
    assert ask("mmse_not_convex", Schedule.geometric(5), SKEW) is True


def test_relations_between_rationals_are_decided_exactly():
    third = Hypothesis("third", "", symbols.first_positive <= symbols.variance / 3)
    schedule = Schedule.geometric(4, first="1/3", last=2)
    assert check(third, Values(Instance(BINARY, schedule), 20)) is True
    assert check(third, Values(Instance(BINARY, schedule), None)) is True
    below = Hypothesis("below", "", symbols.first_positive < symbols.variance / 3)
    assert check(below, Values(Instance(BINARY, schedule), 20)) is False


@pytest.mark.parametrize("digits", [None, 20])
@pytest.mark.parametrize("knots", [("1/3", "2/3", "4/3"), ("0", "1/3", "2/3"), ("0.7", "1.4")])
def test_relations_that_touch_are_decided_where_the_knots_are_rational(knots, digits):
    values = Values(Instance(BINARY, snr(*knots)), digits)
    for relation, outcome in (
        (symbols.kappa <= 1, True),
        (symbols.kappa >= 1, True),
        (symbols.kappa < 1, False),
        (symbols.steps[symbols.number_of_steps - 1] <= symbols.last / 2, True),
    ):
        assert check(Hypothesis("touches", "", relation), values) is outcome


def test_exact_kappa_and_steps():
    values = Values(Instance(BINARY, snr("0", "1/3", "1", "2")), 20)
    assert values.exact("kappa") == 2
    assert [str(step) for step in values.exact("steps")] == ["1/3", "2/3", "1"]
    assert Values(Instance(BINARY, snr("0", "1")), 20).exact("kappa") == 0
    assert Values(Instance(BINARY, Schedule.karras(3)), 20).exact("kappa") is None


def test_a_relation_that_divides_by_zero_is_not_known():
    relation = Hypothesis("undefined", "", 1 / (symbols.variance - 1) <= 3)
    for digits in (None, 20):
        assert check(relation, Values(Instance(BINARY, snr("0", "1")), digits)) is None


def test_rounding_does_not_make_a_hypothesis_fail_in_the_fast_tier():
    values = Values(Instance(Mixture(["1/3", "2/3"], [0, "1/7"]), snr("0", "1")), None)
    first = symbols.mmse_at[0]
    for factor in (1 - 1e-13, 1 + 1e-13):
        assert check(Hypothesis("touches", "", first >= factor * symbols.variance), values) is True
        assert check(Hypothesis("strict", "", first > factor * symbols.variance), values) is None
    assert check(Hypothesis("above", "", first > 2 * symbols.variance), values) is False
    one = Values(Instance(ONE, snr("0", "1")), None)
    assert check(Hypothesis("positive", "", symbols.entropy > 0), one) is False


def test_relations_that_are_equal_but_irrational_are_not_known():
    import sympy

    equal = Hypothesis("equal", "", sympy.Le(symbols.entropy, sympy.log(2), evaluate=False))
    assert check(equal, Values(Instance(BINARY, snr=1), 20)) is None


def test_the_cheap_ones_come_first():
    costly, cheap = Hypothesis.named("mmse_convex"), Hypothesis.named("matched_sampler")
    relation = Hypothesis("r", "", symbols.rank > 0)
    assert in_order([costly, relation, cheap]) == [cheap, relation, costly]
    assert [is_costly(h) for h in (costly, relation, cheap)] == [True, False, False]
