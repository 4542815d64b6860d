"""Schedules: knots against the published formulas, the dictionary, refusals, round trips."""

from __future__ import annotations

import json
import math
import time
from fractions import Fraction
from itertools import pairwise
from typing import Any

import flint
import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mpf

import numerics
from numerics import Mixture, Schedule
from numerics.arithmetic import balls
from tests.numerics import published, reference

DERANDOMISED = settings(derandomize=True, deadline=None, max_examples=40)

DIGITS = 40


def target(variance: Any) -> Mixture:
    return Mixture(["1/3", "2/3"], [0, 1], variance)


NAMED: list[tuple[str, dict[str, Any]]] = [
    *[
        (name, {"steps": steps, "spacing": spacing})
        for name in ("ddpm_linear", "scaled_linear", "cosine")
        for steps, spacing in (
            (1, "linspace"),
            (10, "linspace"),
            (7, "leading"),
            (7, "trailing"),
            (1000, "trailing"),
        )
    ],
    ("karras", {"steps": 1}),
    ("karras", {"steps": 18}),
    ("flow_matching", {"steps": 28}),
    ("li_cai_wei", {"steps": 50}),
    ("li_cai_wei", {"steps": 200, "c0": 1, "c1": 5}),
]


@pytest.mark.parametrize("variance", ["0", "1", "2/7"])
@pytest.mark.parametrize(("name", "arguments"), NAMED, ids=lambda x: str(x))
def test_knots_against_the_published_formulas(name: str, arguments: dict[str, Any], variance: str) -> None:
    """In balls and mpmath to 40 digits, in floats to the last digit."""
    schedule = getattr(Schedule, name)(**arguments)
    with mpmath.workdps(DIGITS + 30):
        truth = published.snr(published.PUBLISHED[name](**arguments), variance)
        if len(truth) < 2:
            with pytest.raises(ValueError, match="no step is left"):
                schedule.snr(target(variance))
            return
        certified = schedule.snr(target(variance), digits=DIGITS)
        independent = schedule.snr(target(variance), digits=DIGITS, engine="mpmath")
        fast = schedule.snr(target(variance))
        assert len(certified) == len(independent) == len(fast) == len(truth)
        assert all(a.mid() < b.mid() for a, b in pairwise(certified))
        for t, ball, number, machine in zip(truth, certified, independent, fast, strict=True):
            assert reference.contains(ball, t, t * mpf(10) ** (-DIGITS - 15))
            assert ball.rad() <= abs(ball.mid()) * flint.arb(10) ** -DIGITS
            assert abs(number - t) <= t * mpf(10) ** -DIGITS
            assert abs(machine - t) <= t * mpf(2) ** -52


def test_the_indices_are_those_of_the_usual_samplers() -> None:
    """The spacings as numpy expressions, at steps where no index lies half way between two integers."""
    for steps in (10, 20, 25, 50, 100, 250):
        linspace = np.linspace(0, 999, steps).round().astype(int)
        trailing = np.round(np.arange(1000, 0, -1000 / steps)).astype(int) - 1
        leading = np.arange(steps) * (1000 // steps)
        assert published.indices(steps, "linspace") == linspace.tolist()
        assert published.indices(steps, "trailing") == trailing[::-1].tolist()
        assert published.indices(steps, "leading") == leading.tolist()


def test_pinned_irrational_knots() -> None:
    """Typed: two of EDM's sigmas, by logarithms in decimal arithmetic; cosine by its closed form."""
    knots = Schedule.karras(18).snr(target(0), digits=30)
    for i, sigma in (
        (9, "1.9233398370400499293889570498867723"),
        (16, "0.0075280199627840704024042067763524"),
    ):
        t = 1 / Fraction(sigma) ** 2
        assert reference.contains(knots[i], t, mpf(10) ** -26)
    with mpmath.workdps(50):
        powers = [mpmath.root(1 / reference.midpoint(t), 14) for t in knots]
        assert all(
            abs(a - 2 * b + c) < mpf(10) ** -29
            for a, b, c in zip(powers, powers[1:], powers[2:], strict=False)
        )
    cosine = Schedule.cosine(1000).snr(target(0), digits=30)
    with mpmath.workdps(50):
        start, half, last = (mpmath.cos(mpf(u) / 1008 * mpmath.pi / 2) ** 2 for u in (8, 508, 1007))
        level, clipped = half / start, last / start / 1000
        assert reference.contains(cosine[500], level / (1 - level), mpf(10) ** -38)
        assert reference.contains(cosine[0], clipped / (1 - clipped), mpf(10) ** -40)


def test_knots_of_the_core() -> None:
    assert Schedule.uniform(4, last="1/2").snr(target(3)) == [0, 0.125, 0.25, 0.375, 0.5]
    assert Schedule.from_snr([0, "1/4", 2]).snr(target(3)) == [0, 0.25, 2]
    geometric = Schedule.geometric(4, first="1/8", last=1).snr(target(0), digits=20)
    with mpmath.workdps(40):
        truth = [mpf(0), mpf(1) / 8, mpf(1) / 4, mpf(1) / 2, mpf(1)]
        assert len(geometric) == 5
        for ball, t in zip(geometric, truth, strict=True):
            assert reference.contains(ball, t)
    assert Schedule.geometric(1, first="1/2", last="1/2").snr(target(0)) == [0, 0.5]


def test_the_dictionary_of_conventions() -> None:
    """The same noise written in three ways has the same core snr, for every component variance."""
    sigmas = [Fraction(7, 2), Fraction(4, 3), Fraction(1, 2), Fraction(1, 9)]
    same = [
        Schedule.from_sigmas([str(s) for s in sigmas]),
        Schedule.from_alpha_bar([str(1 / (1 + s * s)) for s in sigmas]),
        Schedule.from_times([str(s / (1 + s)) for s in sigmas]),
    ]
    for variance in (Fraction(0), Fraction(1), Fraction(3, 11)):
        for schedule in same:
            for ball, s in zip(schedule.snr(target(variance), digits=30), sigmas, strict=True):
                assert reference.contains(ball, 1 / (s * s + variance))


def test_the_noise_free_level_is_dropped_where_the_target_is_discrete() -> None:
    for schedule in (Schedule.karras(5), Schedule.flow_matching(5), Schedule.from_alpha_bar([0, "1/2", 1])):
        assert len(schedule.snr(target(1))) == len(schedule.snr(target(0))) + 1
        assert schedule.notes(target(1)) == ()
        (note,) = schedule.notes(target(0))
        assert "dropped" in note
        assert schedule.snr(target("1/4"))[-1] == 4
    noisy_end = Schedule.from_sigmas([2, 1])
    assert noisy_end.notes(target(0)) == ()
    assert noisy_end.snr(target(0)) == [0.25, 1]
    with pytest.raises(ValueError, match="no step is left"):
        Schedule.from_sigmas([1, 0]).snr(target(0))


def test_saturated_alpha_bar_keeps_its_digits() -> None:
    """1 - alpha_bar of Li-Cai-Wei's last levels is far below the precision of alpha_bar in doubles."""
    schedule = Schedule.li_cai_wei(1000, c0=2, c1=50)
    knots = schedule.snr(target(0))
    with mpmath.workdps(120):
        truth = published.snr(published.li_cai_wei(1000, c0=2, c1=50), 0)
        assert truth[-1] > 1e100
        assert all(abs(knot - t) <= t * mpf(2) ** -52 for knot, t in zip(knots, truth, strict=True))


def test_attributes() -> None:
    schedule = Schedule.cosine(20, spacing="leading")
    assert (schedule.name, schedule.steps, schedule.convention) == ("cosine", 20, "alpha_bar")
    assert schedule.parameters == {"steps": 20, "spacing": "leading"}
    assert Schedule.from_sigmas([3, 1, 0]).steps == 2
    assert Schedule.from_sigmas([3, 1, 0]).convention == "sigmas"
    assert Schedule.flow_matching(3).convention == "times"
    assert Schedule.li_cai_wei(50).parameters == {"steps": 50, "c0": 2, "c1": 10}
    assert Schedule.geometric(25).parameters["first"] == Fraction(1, 1000)
    with pytest.raises(ValueError, match="knots of the core, not noise levels"):
        Schedule.uniform(3).levels(balls(64))


EVERY = [
    Schedule.ddpm_linear(20),
    Schedule.scaled_linear(5, spacing="trailing"),
    Schedule.cosine(7, spacing="leading"),
    Schedule.karras(18),
    Schedule.flow_matching(28),
    Schedule.li_cai_wei(50, c0="1/2", c1="5.5"),
    Schedule.geometric(25, first="1e-4", last="7/3"),
    Schedule.uniform(50, last="100"),
    Schedule.from_alpha_bar(["0.001", 0.1, "1/2", 1]),
    Schedule.from_sigmas(["80", "1/3", 0]),
    Schedule.from_times([1, "0.9", "1/7"]),
    Schedule.from_snr([0, "1e-3", 4]),
    Schedule.of_best([0, "0.0125", 4], digits=12),
]


@pytest.mark.parametrize("schedule", EVERY, ids=lambda s: s.name)
def test_round_trips(schedule: Schedule) -> None:
    assert Schedule.from_json(schedule.to_json()) == schedule
    assert Schedule.from_dict(json.loads(json.dumps(schedule.to_dict()))) == schedule
    assert Schedule.from_dict(schedule.to_dict()).snr(target(1)) == schedule.snr(target(1))
    names = {name: getattr(numerics, name) for name in numerics.__all__}
    pasted = eval(repr(schedule), {"__builtins__": {}}, names)  # noqa: S307 - our own repr, in a test
    assert pasted == schedule
    assert hash(pasted) == hash(schedule)


def test_every_constructor_is_in_the_round_trip() -> None:
    constructors = {
        name
        for name, member in vars(Schedule).items()
        if isinstance(member, classmethod)
        and not name.startswith("_")
        and name not in ("from_dict", "from_json", "best")
    }
    made = {repr(schedule).partition("(")[0].removeprefix("Schedule.") for schedule in EVERY}
    assert constructors == made


@given(st.lists(st.fractions(0, 50, max_denominator=60), min_size=2, max_size=8, unique=True))
@DERANDOMISED
def test_lists_are_kept_exactly(values: list[Fraction]) -> None:
    values.sort()
    schedule = Schedule.from_snr([str(x) for x in values])
    assert schedule.parameters["snr"] == tuple(values)
    for ball, t in zip(schedule.snr(target(1), digits=25), values, strict=True):
        assert reference.contains(ball, t)
    assert Schedule.from_sigmas(values[::-1]).parameters["sigmas"] == tuple(values[::-1])
    assert Schedule.from_json(schedule.to_json()) == schedule


BAD: list[tuple[str, dict[str, Any], str]] = [
    ("karras", {"steps": 0}, "steps: 0 is below 1"),
    ("karras", {"steps": -3}, "steps: -3 is below 1"),
    ("karras", {"steps": 1.5}, "steps: 1.5 is not an integer"),
    ("karras", {"steps": True}, "steps: True is not an integer"),
    ("karras", {"steps": None}, "steps: None is not an integer"),
    ("karras", {"steps": "18"}, "steps: '18' is not an integer"),
    ("karras", {"steps": 10**9}, "steps: 1000000000 exceeds 1000000"),
    ("ddpm_linear", {"steps": 1001}, "steps: 1001 exceeds 1000"),
    ("cosine", {"steps": 5, "spacing": "even"}, "spacing: 'even' is none of linspace, leading, trailing"),
    ("cosine", {"steps": 5, "spacing": None}, "spacing: None is none of"),
    ("cosine", {"steps": 5, "spacing": np.array(["leading", "x"])}, "spacing: .* is none of"),
    ("flow_matching", {"steps": 0}, "steps: 0 is below 1"),
    ("li_cai_wei", {"steps": 1}, "steps: 1 is below 2"),
    ("li_cai_wei", {"steps": 30}, r"steps: at T = 30, c1 log\(T\)/T exceeds 1"),
    ("li_cai_wei", {"steps": 50, "c0": 0}, "c0: 0 is not positive"),
    ("li_cai_wei", {"steps": 50, "c1": -1}, "c1: -1 is not positive"),
    ("geometric", {"steps": 5, "first": 0}, "first: 0 is not positive"),
    ("geometric", {"steps": 5, "first": 2, "last": 1}, "last: 1 does not exceed first = 2"),
    ("geometric", {"steps": 1}, "steps: 1 step from 0 needs first = last"),
    ("uniform", {"steps": 5, "last": 0}, "last: 0 is not positive"),
    ("uniform", {"steps": 5, "last": float("nan")}, "last: nan is not finite"),
    ("from_alpha_bar", {"alpha_bar": ["0.1", "1.1"]}, r"alpha_bar\[1\]: 11/10 is not between 0 and 1"),
    ("from_alpha_bar", {"alpha_bar": ["0.9", "0.1"]}, r"alpha_bar\[1\]: .*increase.*reverse the list"),
    ("from_alpha_bar", {"alpha_bar": ["0.1", "0.1", "0.2"]}, r"alpha_bar\[1\]: 1/10 follows 1/10"),
    ("from_alpha_bar", {"alpha_bar": ["0.1"]}, "alpha_bar: one level makes no step"),
    ("from_alpha_bar", {"alpha_bar": []}, "alpha_bar: the list is empty"),
    ("from_alpha_bar", {"alpha_bar": [["0.1", "0.2"]]}, r"alpha_bar\[0\]: .* is not a number"),
    ("from_alpha_bar", {"alpha_bar": "0.1"}, "alpha_bar: '0.1' is not a list of numbers"),
    ("from_sigmas", {"sigmas": [1, -1]}, r"sigmas\[1\]: -1 is not at least 0"),
    ("from_sigmas", {"sigmas": [0, 1]}, r"sigmas\[1\]: .*decrease.*reverse the list"),
    ("from_sigmas", {"sigmas": [3, 1, 2]}, r"sigmas\[2\]: 2 follows 1, but levels must decrease"),
    ("from_sigmas", {"sigmas": [1, np.nan]}, r"sigmas\[1\]: nan is not finite"),
    ("from_times", {"times": [2, 1]}, r"times\[0\]: 2 is not between 0 and 1"),
    ("from_snr", {"snr": [-1, 0]}, r"snr\[0\]: -1 is not at least 0"),
    ("from_snr", {"snr": [0, "1e999999999"]}, r"snr\[1\]: "),
    ("from_snr", {"snr": np.eye(2)}, r"snr\[0\]: .* is not a number"),
]


@pytest.mark.parametrize(
    ("name", "arguments", "message"), BAD, ids=lambda x: x if isinstance(x, str) else ""
)
def test_malformed_schedules_are_refused(name: str, arguments: dict[str, Any], message: str) -> None:
    began = time.monotonic()
    with pytest.raises(ValueError, match=f"^{message}") as refusal:
        getattr(Schedule, name)(**arguments)
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 250
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{", "schedule: not JSON"),
        ("[" * 100_000, "schedule: not JSON"),
        ("[]", "schedule: not a table"),
        ("{}", "schedule: type: None is none of"),
        ('{"type": "linear", "steps": 3}', "schedule: type: 'linear' is none of"),
        ('{"type": ["karras"], "steps": 3}', "schedule: type: .* is none of"),
        ('{"type": "karras"}', "schedule: the key 'steps' is missing"),
        ('{"type": "from_snr", "steps": 3}', "schedule: unknown key 'steps'"),
        ('{"type": "karras", "steps": 3, "rho": 7}', "schedule: unknown key 'rho'"),
        ('{"type": "karras", "steps": 3.0}', "steps: '3.0' is not an integer"),
        ('{"type": "from_snr", "snr": [0, NaN]}', r"snr\[1\]: 'NaN' is not a number"),
        (None, "schedule: None is not JSON text"),
    ],
)
def test_malformed_json_is_refused(source: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}") as refusal:
        Schedule.from_json(source)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("bad", [None, "three", 3, [1]])
def test_knots_are_for_a_target(bad: Any) -> None:
    for call in (Schedule.karras(3).snr, Schedule.karras(3).notes):
        with pytest.raises(ValueError, match=r"^target: .* is not a target$"):
            call(bad)


def test_close_knots_are_told_apart() -> None:
    """Distinct exact levels are told apart even where floats coincide, and never reordered."""
    close = Schedule.from_snr([1, Fraction(1) + Fraction(1, 10**60), 2])
    one, next_, _ = close.snr(target(1), digits=10)
    assert one < next_
    assert close.snr(target(1))[:2] == [1.0, 1.0]


def test_extreme_knots_are_floats_that_increase() -> None:
    knots = Schedule.geometric(200, first="1e-70", last="1e70").snr(target(0))
    assert knots[0] == 0
    assert all(a < b and math.isfinite(b) for a, b in pairwise(knots))
