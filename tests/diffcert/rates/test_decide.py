"""The rule that decides a rate, on ladders whose truth is known."""

from __future__ import annotations

import math
import random
from collections import Counter

import pytest

from diffcert.rates.decide import Point, decide, logarithms, windows

OCTAVES = [50 * 2**k for k in range(6)]
DECADES = [10.0**k for k in range(1, 7)]
FIVE = OCTAVES[:5]
FINE = [50, 75, 100, 150, 200, 300, 400, 600, 800, 1200, 1600]
log = math.log


def points(ratio, xs, error=0.0):
    found = []
    for x in xs:
        value = ratio(x)
        found.append(Point(x, value - error * abs(value), value + error * abs(value)))
    return found


def status(ratio, xs, relation="<=", error=0.0):
    return decide(points(ratio, xs, error), relation).status.value


@pytest.mark.parametrize("xs", [OCTAVES, FIVE, DECADES, FINE], ids=["octaves", "five", "decades", "fine"])
@pytest.mark.parametrize(
    "ratio",
    [
        lambda n: 1.0,
        lambda n: 1 + 10 / n,  # n^-1 (1 + 10/n) against n^-1
        lambda n: 1 - 5 / n,
        lambda n: 1 - 1 / math.sqrt(n),
        lambda n: 1 - 1 / log(n),  # a limit that is reached as slowly as that
        lambda n: log(n) / (log(n) + 3),
        lambda n: 1 / log(n),
        lambda n: log(n) ** -3,
        lambda n: n**-0.1,
        lambda n: 1 - math.exp(-n / 20),
        lambda n: 7e300 * (1 - 1 / n),
        lambda n: 1e-300 * (1 - 1 / n),
    ],
)
def test_what_stays_bounded_is_consistent(ratio, xs):
    assert status(ratio, xs) == "consistent"


@pytest.mark.parametrize("xs", [OCTAVES, FIVE, DECADES, FINE], ids=["octaves", "five", "decades", "fine"])
@pytest.mark.parametrize(
    "ratio",
    [
        lambda n: n**0.1,  # truth n^-1 against n^-1.1
        lambda n: n**0.03,
        lambda n: n**0.5,
        lambda n: log(n),  # truth n^-1 log n against n^-1
        lambda n: log(n) + 5,
        lambda n: log(n) ** 4,
        lambda n: math.sqrt(log(n)),
        lambda n: log(n) * (1 + 3 / n),
        lambda n: 1e-200 * n,
    ],
)
def test_what_grows_is_inconsistent(ratio, xs):
    assert status(ratio, xs) == "inconsistent"


@pytest.mark.parametrize(
    ("truth", "formula", "expected"),
    [
        (lambda n: 1 / n, lambda n: n**-1.1, "inconsistent"),
        (lambda n: 1 / n, lambda n: n**-0.9, "consistent"),
        (lambda n: (1 + 10 / n) / n, lambda n: 1 / n, "consistent"),
        (lambda n: (1 + 10 / n) / n, lambda n: n**-1.1, "inconsistent"),
        (lambda n: (1 - 10 / n) / n, lambda n: n**-1.1, "inconsistent"),
        (lambda n: log(n) / n, lambda n: 1 / n, "inconsistent"),
        (lambda n: log(n) / n, lambda n: log(n) / n, "consistent"),
        (lambda n: log(n) ** 2 / n, lambda n: log(n) / n, "inconsistent"),
        (lambda n: log(n) / n, lambda n: log(n) ** 4 / n, "consistent"),
        (lambda n: 1 / n**2, lambda n: 1 / n, "consistent"),
    ],
)
def test_truth_against_formula(truth, formula, expected):
    assert status(lambda n: truth(n) / formula(n), OCTAVES) == expected


def test_the_border_is_undecided():
    assert status(lambda n: log(log(n)), OCTAVES) == "undecided"
    assert "about 1" in decide(points(lambda n: log(log(n)), OCTAVES), "<=").reason
    assert status(lambda n: 1 - n**-0.2, FIVE) == "undecided"


def test_a_ratio_that_only_just_turned_upwards_is_undecided():
    assert status(lambda n: log(n) + 700 / n, OCTAVES) == "undecided"


@pytest.mark.parametrize(
    ("xs", "word"), [(OCTAVES[:3], "3 rungs"), ([100, 110, 120, 130, 140], "factor"), ([50], "1 rungs")]
)
def test_a_short_ladder_is_undecided(xs, word):
    decision = decide(points(lambda n: 1.0, xs), "<=")
    assert decision.status.value == "undecided"
    assert "too short" in decision.reason
    assert word in decision.reason


def test_points_have_to_grow():
    with pytest.raises(ValueError, match="does not grow"):
        decide([Point(2, 1, 1), Point(1, 1, 1)], "<=")


# Errors


@pytest.mark.parametrize("error", [1e-12, 1e-9, 1e-6, 1e-4])
def test_stated_errors_do_not_change_what_is_decided(error):
    rng = random.Random(7)
    for ratio, expected in [
        (lambda n: 1.0, "consistent"),
        (lambda n: n**0.1, "inconsistent"),
        (log, "inconsistent"),
        (lambda n: 1 - 1 / math.sqrt(n), "consistent"),
        (lambda n: 1 - 1 / log(n), "consistent"),
        (lambda n: 1 + 10 / n, "consistent"),
    ]:
        for _ in range(50):
            shaken = [
                Point(p.x, p.low * (1 + error * (u - 1)), p.high * (1 + error * (u + 1)))
                for p in points(ratio, OCTAVES)
                for u in [rng.uniform(-1, 1)]
            ]
            assert decide(shaken, "<=").status.value == expected


@pytest.mark.parametrize("noise", [1e-9, 1e-4, 1e-2])
def test_unstated_noise_about_a_constant_is_hardly_ever_growth(noise):
    rng, found = random.Random(3), Counter()
    for _ in range(300):
        found[status(lambda n: 1 + noise * rng.uniform(-1, 1), OCTAVES)] += 1
    assert found["inconsistent"] <= 6
    assert found["consistent"] >= 150


def test_large_errors_are_undecided():
    decision = decide(points(lambda n: 1.0, OCTAVES, error=0.3), "<=")
    assert decision.status.value == "undecided"
    assert "too large" in decision.reason
    assert status(lambda n: n**0.1, OCTAVES, error=0.3) == "undecided"


def test_an_irregular_ratio_is_judged_by_what_exceeds_its_irregularity():
    wiggle = {x: 1 + 0.02 * (-1) ** i for i, x in enumerate(FINE)}
    assert status(lambda n: wiggle[n], FINE) == "consistent"
    assert status(lambda n: n * wiggle[n], FINE) in ("inconsistent", "undecided")
    assert status(lambda n: wiggle[n] / n, FINE) == "consistent"


def test_growth_that_rounding_can_make_is_not_called_growth():
    counts = {1: 0.5679, 64: 0.5712, 4096: 0.5759, 2**20: 0.5805}
    assert status(lambda n: counts[n], list(counts)) == "undecided"
    assert status(lambda n: log(n) + 50, OCTAVES) == "inconsistent"


# The other relations


def test_at_least_and_of_the_order():
    assert status(lambda n: 1 / n, OCTAVES, ">=") == "inconsistent"
    assert status(lambda n: 1 / log(n), OCTAVES, ">=") == "inconsistent"
    assert status(lambda n: log(n), OCTAVES, ">=") == "consistent"
    assert status(lambda n: 2 - 1 / n, OCTAVES, "~") == "consistent"
    assert status(lambda n: n**0.1, OCTAVES, "~") == "inconsistent"
    assert status(lambda n: n**-0.1, OCTAVES, "~") == "inconsistent"
    assert status(lambda n: 0.0, OCTAVES, ">=") == "undecided"


def test_a_limit_that_is_overshot_while_the_ratio_still_bends_is_undecided():
    bending = {16: 0.4259, 32: 0.5885, 64: 0.7334, 128: 0.8424, 512: 0.9541}
    assert decide(points(lambda n: bending[n], list(bending)), "==").status.value == "undecided"


@pytest.mark.parametrize("xs", [OCTAVES, DECADES], ids=["octaves", "decades"])
@pytest.mark.parametrize(
    ("ratio", "expected"),
    [
        (lambda n: 1.0, "consistent"),
        (lambda n: 1 + 1 / n, "consistent"),
        (lambda n: 1 - 1 / math.sqrt(n) + 2 / n, "consistent"),
        (lambda n: 1 - 1 / log(n), "consistent"),
        (lambda n: 2 + 1 / n, "inconsistent"),
        (lambda n: 0.5 - 0.3 / n, "inconsistent"),
        (lambda n: 1.01 + 1 / n, "inconsistent"),
        (lambda n: 1 / n, "inconsistent"),
        (lambda n: 1e-9 * n, "inconsistent"),
        (lambda n: n**0.1, "inconsistent"),
        (log, "inconsistent"),
        (lambda n: 0.999, "inconsistent"),
    ],
)
def test_the_leading_term(ratio, expected, xs):
    assert status(ratio, xs, "==") == expected


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("limit", [1.0, 3.0, 0.25])
@pytest.mark.parametrize("term", [lambda n: 1 / n, lambda n: 1 / math.sqrt(n), lambda n: 1 / log(n)])
def test_the_limit_is_enclosed(term, limit, sign):
    low, high = decide(points(lambda n: limit + sign * term(n) / 4, OCTAVES), "<=").limit
    assert low <= limit * (1 + 1e-6)
    assert limit * (1 - 1e-6) <= high


# Windows


def test_windows_reach_to_the_last_rung_at_every_stride():
    found = windows(points(log, FINE))
    rungs = [(7, 8, 9, 10), (4, 6, 8, 10), (1, 4, 7, 10), (0, 3, 7, 10)]
    assert [window.rungs for window in found] == rungs
    assert {window.says for window in found} == {"growing"}
    assert all(abs(b) < 1e-6 for window in found for b in window.slowing)


@pytest.mark.parametrize("q", [0.5, -1.0, 2.0])
def test_the_slope_of_a_power_of_the_logarithm_is_found(q):
    (window, *_) = windows(points(lambda n: 5 + math.copysign(1, q) * log(n) ** q, OCTAVES))
    assert window.slowing == pytest.approx((1 - q, 1 - q), abs=0.03)


def test_logarithms_have_no_unit_where_they_start_below_e():
    assert logarithms([1, 2, 4])[0] == 1.0
    assert logarithms([1e-5, 2e-5, 4e-5]) == pytest.approx(logarithms([1, 2, 4]))
    assert logarithms([50, 100]) == pytest.approx([log(50), log(100)])
