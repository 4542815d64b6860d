"""What is read off a ladder: least constants, exponents and their spread."""

from __future__ import annotations

import math
from fractions import Fraction

import flint
import pytest

from diffcert.rates.fit import Estimate, fit, least_constant
from diffcert.rates.refit import refit
from numerics.arithmetic import balls

OCTAVES = [50, 100, 200, 400, 800, 1600]


def points(values):
    return [flint.arb(value) for value in values]


def read(truth, formula, xs=OCTAVES, enclosed=True):
    return fit(xs, points(map(truth, xs)), points(map(formula, xs)), [enclosed] * len(xs))


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        ([1, 2, 3], "3.000"),
        ([Fraction(1, 3)], "0.3334"),
        ([Fraction(12345, 10**9)], "1.235e-5"),
        ([Fraction(99999, 100000)], "1.000"),
        ([Fraction(5, 2), Fraction(10**30 + 1, 10**30)], "2.500"),
        ([123456], "1.235e5"),
        ([Fraction(1, 2**100)], "7.889e-31"),
        ([2**400], "2.583e120"),
        ([0], "0"),
    ],
)
def test_the_least_constant_is_rounded_up(ends, expected):
    with balls(256).precision():
        exact = [flint.fmpq(Fraction(e).numerator, Fraction(e).denominator) for e in ends]
        found = least_constant([flint.arb(value) for value in exact])
    assert found == expected
    assert Fraction(found) >= max(ends)


def test_the_least_constant_covers_the_whole_ball():
    assert Fraction(least_constant([flint.arb(1, 0.001)])) >= Fraction(1001, 1000)
    with pytest.raises(ValueError, match="not a finite number"):
        least_constant([flint.arb("nan")])


def test_a_pure_power_is_found_without_spread():
    found = read(lambda n: 3 / n**1.5, lambda n: 1 / n)
    assert found.power.value == pytest.approx(-1.5)
    assert found.power.spread < 1e-9
    assert found.trend.value == pytest.approx(-0.5)
    assert found.tail == pytest.approx(-1.5)
    assert found.formula.text == "-1"


def test_power_and_logarithm_together():
    found = read(lambda n: math.log(n) ** 2 / n, lambda n: 1 / n)
    p, q = found.power_log
    assert (p.value, q.value) == pytest.approx((-1, 2), abs=1e-6)
    assert max(p.spread, q.spread) < 1e-6
    assert found.power.value > -0.75  # a power alone takes the logarithms for a part of it
    assert found.power.spread > 0.02


def test_how_well_log_and_power_are_separated_is_said():
    near = read(lambda n: 1 / n, lambda n: 1 / n)
    far = read(lambda n: 1 / n, lambda n: 1 / n, xs=[3 * 16**k for k in range(6)])
    assert near.separation.distance < 0.03 < far.separation.distance
    assert near.separation.slope == pytest.approx(0.18, abs=0.02)
    assert "log T is T^0.18 here to within" in near.separation.text("T")
    shaken = [1 + 0.01 * (-1) ** i for i in range(6)]
    values = [s / n for s, n in zip(shaken, OCTAVES, strict=True)]
    loose = fit(OCTAVES, points(values), points(1 / n for n in OCTAVES), [False] * 6)
    assert loose.power_log[1].spread > 5 * loose.separation.joint.spread


def test_the_spread_covers_a_second_order_term_in_part():
    found = read(lambda n: (1 + 10 / n) / n, lambda n: 1 / n)
    assert found.power.low < found.power.value < found.power.high
    assert found.power.value < -1
    assert found.power.high == pytest.approx(-1, abs=0.02)


def test_float_rungs_are_labelled():
    assert read(lambda n: 1 / n, lambda n: 1 / n, enclosed=False).constant_text == "1.000 (float)"
    assert read(lambda n: 1 / n, lambda n: 1 / n).constant_text == "1.000"


def test_few_rungs_and_vanishing_truths_have_no_exponents():
    short = read(lambda n: 1 / n, lambda n: 1 / n, xs=[50, 100])
    assert short.power is None
    assert short.trend is None
    assert short.constant == "1.000"
    zero = read(lambda n: 0, lambda n: 1 / n)
    assert zero.power is None
    assert zero.constant == "0"
    assert zero.formula is not None
    small = read(lambda n: 1 / n, lambda n: 1 / n, xs=[1, 2, 4, 8, 16])
    assert small.power_log is None


def test_a_falling_variable():
    xs = [1 / 2**k for k in range(3, 10)]
    found = read(lambda d: d**2 * (1 + d), lambda d: d**2, xs=xs)
    assert found.tail == pytest.approx(2, abs=0.01)
    assert found.power_log is None


def test_normal_equations_give_the_same():
    truth, formula = (lambda n: math.log(n) ** 1.3 / n**1.1 * (1 + 3 / n)), (lambda n: 1 / n)
    found = read(truth, formula)
    parts = [
        {"truth": {"mid": repr(truth(n)), "rad": "1e-20"}, "formula": {"mid": repr(formula(n)), "rad": "0"}}
        for n in OCTAVES
    ]
    again = refit(OCTAVES, parts, up=True)
    assert again["trend"] == pytest.approx(found.trend.value, rel=1e-9)
    assert again["power"] == pytest.approx(found.power.value, rel=1e-9)
    assert again["formula"] == pytest.approx(found.formula.value, rel=1e-9)
    assert again["tail"] == pytest.approx(found.tail, rel=1e-9)
    assert again["p"] == pytest.approx(found.power_log[0].value, rel=1e-7)
    assert again["q"] == pytest.approx(found.power_log[1].value, rel=1e-7)


@pytest.mark.parametrize(
    ("estimate", "text"),
    [
        (Estimate(-0.831, -0.88, -0.80), "-0.83 +/- 0.05"),
        (Estimate(2.0, 2.0, 2.0), "2"),
        (Estimate(-1.00004, -1.0001, -1.0), "-1.0000 +/- 0.0001"),
        (Estimate(math.nan, 0, 1), "not determined"),
    ],
)
def test_the_text_of_an_estimate(estimate, text):
    assert estimate.text == text
