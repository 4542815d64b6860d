"""Matching of moments: both routes of every quantity, the calculus' coefficient, and the rates."""

from __future__ import annotations

from fractions import Fraction
from math import factorial

import pytest
import sympy as sp

from diffcert.family import TARGETS
from diffcert.rates import judge, ladders, measure
from diffcert.rates.moments import QUANTITIES
from numerics import Schedule, covariance_moment, path_kl
from numerics.arithmetic import balls
from theory import bounds
from theory.bounds import moments
from theory.calculus import cumulants, leading_coefficient

STEP = {"target": "three-0", "t": "1/3", "delta": "1/16"}
START = {"target": "three", "t": "0", "delta": "1/64"}
PATH = {"target": "five", "first": "1/2", "last": "1", "steps": 6}


@pytest.mark.parametrize("p", [1, 2, 3])
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("step_kl_matched_{p}", STEP),
        ("step_kl_matched_{p}", START),
        ("path_kl_matched_{p}", PATH),
        ("cumulant_gap_{q}", STEP),
        ("cumulant_gap_{q}", START),
    ],
)
def test_two_routes_meet(name, arguments, p):
    key = name.format(p=p, q=p + 1)
    first, second = measure(key, arguments), measure(key, arguments, second=True)
    with balls(256).precision():
        assert first.ball.overlaps(second.ball)
        assert abs(first.ball - second.ball).mid() < 1e-10 * first.ball.mid()


def test_every_quantity_has_a_second_route_and_a_meaning():
    for row in QUANTITIES:
        assert row.second is not None
        assert row.second_route
        assert "nats" in row.meaning or "kappa" in row.meaning


def test_the_first_order_is_the_path_kl_of_the_mean():
    exact = path_kl(TARGETS["three-0"], Schedule.from_snr(["1/3", "19/48"]), digits=20)
    assert measure("step_kl_matched_1", STEP).ball.overlaps(exact)
    assert measure("step_kl_matched_1", STEP).enclosed
    assert not measure("step_kl_matched_2", STEP).enclosed
    gap = measure("cumulant_gap_2", STEP).ball
    assert gap.overlaps(covariance_moment(TARGETS["three-0"], "1/3", digits=13))


@pytest.mark.parametrize("p", [1, 2])
def test_the_gap_at_the_prior_is_the_cumulant_of_the_law(p):
    target = TARGETS["three"]
    law = {a: w for w, (a,) in zip(target.weights, target.means, strict=True)}
    found = cumulants(list(law.values()), list(law), p + 1)
    exact = Fraction(found[p]) ** 2
    assert measure(f"cumulant_gap_{p + 1}", START).enclosed
    ball = measure(f"cumulant_gap_{p + 1}", START).ball
    with balls(256).precision():
        assert abs(ball - exact.numerator / balls(256).number(exact.denominator)) < 1e-60


@pytest.mark.parametrize("p", [1, 2, 3])
def test_the_coefficient_is_that_of_the_calculus(p):
    leading = leading_coefficient(p)
    k, el = sp.symbols(f"k{p + 1} l{p + 1}")
    delta, gap = sp.Symbol("delta", positive=True), sp.Symbol("gap", positive=True)
    by_gap = leading.subs(el, 0).subs(k, sp.sqrt(gap)) * delta ** (p + 1)
    assert sp.simplify(by_gap - moments.step[p].formula) == 0
    assert sp.simplify(leading - (k - el) ** 2 / (2 * factorial(p + 1))) == 0


@pytest.mark.parametrize("rate_id", [rate.id for rate in moments.RATES])
def test_the_rates_are_consistent_on_their_ladders(rate_id):
    rate = bounds.RATES[rate_id]
    for ladder in ladders(rate_id):
        verdict = judge(rate, ladder)
        assert verdict.status == "consistent", verdict
        p = int(rate_id[-1])
        if "path" in rate_id:
            assert verdict.fit.tail == pytest.approx(-p, abs=0.1)
        else:
            assert verdict.fit.tail == pytest.approx(p + 1, abs=0.06)
            low, high = verdict.decision.limit
            assert low <= 1 + 1e-3
            assert high >= 1 - 0.01


@pytest.mark.parametrize("twin_id", [rate.id for rate in moments.RATE_TWINS])
def test_the_twins_are_inconsistent_on_every_ladder(twin_id):
    rate = bounds.RATE_TWINS[twin_id]
    for ladder in ladders(twin_id, rate.twin_of):
        assert judge(rate, ladder).status == "inconsistent"
        assert judge(rate, ladder, digits=None).status == "inconsistent"


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("step_kl_matched_2", {**STEP, "target": "no"}, "target: 'no' is not one of"),
        ("step_kl_matched_2", {**STEP, "delta": "-1"}, "knots|snr|increas"),
        ("step_kl_matched_2", {"target": "three"}, "TypeError"),
        ("path_kl_matched_3", {**PATH, "steps": 0}, "steps: 0 is below 1"),
        ("path_kl_matched_4", PATH, "is not a measured quantity"),
    ],
)
def test_bad_arguments_are_refused(name, arguments, message):
    with pytest.raises(ValueError, match=message):
        measure(name, arguments)


def test_a_target_of_ones_own():
    data = TARGETS["three-0"].to_dict()
    named = measure("cumulant_gap_3", STEP).ball
    assert measure("cumulant_gap_3", {**STEP, "target": data}).ball.overlaps(named)
