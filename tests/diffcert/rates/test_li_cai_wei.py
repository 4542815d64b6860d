"""The rates of Li, Cai and Wei: published values, both routes, exact normalisation, every verdict."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from diffcert.rates import judge, ladders, measure
from diffcert.rates.li_cai_wei import LADDERS, QUANTITIES
from diffcert.rates.li_cai_wei_quantities import SHAPES, _score_error
from diffcert.verdict import Status
from numerics import Mixture, Schedule, output_law, samplers, score_error_mean_square
from numerics.direct_chain import float_levels
from theory import bounds
from theory.bounds import li_cai_wei_rates

PAIR = {"weights": ["1/2", "1/2"], "means": ["-2", "2"]}
ROW = {"weights": ["1/4"] * 4, "means": ["-3", "-1", "1", "3"]}
EXAMPLES = {
    "li_cai_wei_tv": [{"target": PAIR, "steps": 50}, {"target": ROW, "steps": 60, "start": "normal"}],
    "li_cai_wei_kl": [{"target": PAIR, "steps": 50}, {"target": ROW, "steps": 60}],
    "li_cai_wei_score_tv": [
        {"target": ROW, "steps": 50, "eps": "1/16", "shape": shape} for shape in SHAPES
    ],
    "li_cai_wei_distance": [{"target": PAIR, "weight": "1/8", "place": "1"}],
    "li_cai_wei_approximation_excess": [{"target": PAIR, "steps": 50, "weight": "1/8", "place": "5"}],
    "li_cai_wei_pair_trace": [{"probability": "1/50"}, {"probability": "1e-40"}],
    "li_cai_wei_product_trace": [
        {"target": PAIR, "alpha_bar": "1/2", "copies": 5, "probability": "1/10", "cells": 40}
    ],
    "li_cai_wei_narrow_tv": [{"dimension": 1, "steps": 50}, {"dimension": 300, "steps": 100}],
}


@pytest.mark.parametrize("name", [row.name for row in QUANTITIES])
def test_two_routes_meet(name):
    for arguments in EXAMPLES[name]:
        first, second = measure(name, arguments), measure(name, arguments, second=True)
        assert first.ball.overlaps(second.ball), (arguments, first.ball, second.ball)
        if name != "li_cai_wei_product_trace":
            assert second.ball.rad() < 1e-3 * abs(float(first.ball.mid()))


TABLE = {
    50: (".05831", ".01053"),
    100: (".03577", ".004025"),
    200: (".02117", ".001426"),
    400: (".01218", ".000476"),
    800: (".00687", ".000152"),
}
"""T: TV and output KL of two atoms at +-2 (c0 = 2, c1 = 10); at T = 100 the TV is 0.0357741."""


@pytest.mark.parametrize("steps", [50, 100, 200, pytest.param(400, marks=pytest.mark.slow)])
def test_the_published_table(steps):
    tv, kl = TABLE[steps]
    arguments = {"target": PAIR, "steps": steps}
    for name, written in (("li_cai_wei_tv", tv), ("li_cai_wei_kl", kl)):
        value = float(measure(name, arguments).ball.mid())
        last = 10.0 ** -(len(written) - 1)
        assert abs(value - float(written)) <= last, (steps, value)


@pytest.mark.slow
def test_the_published_table_at_its_end_and_beyond():
    values = [float(measure("li_cai_wei_tv", {"target": PAIR, "steps": n}).ball.mid()) for n in (800, 1600)]
    assert values[0] == pytest.approx(0.00687, abs=1e-5)
    assert values[1] == pytest.approx(0.0038155, abs=1e-7)
    assert float(measure("li_cai_wei_kl", {"target": PAIR, "steps": 800}).ball.mid()) == pytest.approx(
        0.000152, abs=1e-6
    )


@pytest.mark.parametrize("rate", li_cai_wei_rates.RATES, ids=lambda r: r.id)
def test_a_rate_is_consistent_on_its_ladders(rate):
    for ladder in ladders(rate.id):
        verdict = judge(rate, ladder, None)
        assert verdict.status is Status.CONSISTENT, (ladder.name, verdict.reason)
        assert verdict.fit is not None


@pytest.mark.parametrize("rate", li_cai_wei_rates.RATE_TWINS, ids=lambda r: r.id)
def test_a_planted_rate_is_inconsistent(rate):
    found = [judge(rate, ladder, None).status for ladder in ladders(rate.id, rate.twin_of)]
    assert Status.INCONSISTENT in found
    assert Status.CONSISTENT not in found


def test_every_rate_has_ladders_and_every_ladder_a_rate():
    ids = {rate.id for rate in (*li_cai_wei_rates.RATES, *li_cai_wei_rates.RATE_TWINS)}
    assert set(LADDERS) <= ids
    assert {rate.id for rate in li_cai_wei_rates.RATES} <= set(LADDERS)
    assert ids <= {*bounds.RATES, *bounds.RATE_TWINS}


def test_the_dimension_changes_nothing():
    values = [
        measure("li_cai_wei_tv", {"target": PAIR, "steps": 50, "dimension": d}).ball
        for d in (1, 2, 16, 2000)
    ]
    assert all(value.overlaps(values[0]) for value in values)
    law = output_law(
        Mixture(["1/2", "1/2"], [[-2] + [0] * 15, [2] + [0] * 15], 1),
        Schedule.li_cai_wei(50),
        samplers.Ddpm("beta"),
    )
    assert values[0].overlaps(measure("value", {"value": law.tv("last_level"), "error": "1e-12"}).ball)


@pytest.mark.slow
def test_many_dimensions():
    one, many = (
        measure("li_cai_wei_tv", {"target": PAIR, "steps": 50, "dimension": d}).ball for d in (1, 10**5)
    )
    assert one.overlaps(many)


@pytest.mark.slow
def test_sixty_four_components():
    row = {"weights": ["1/64"] * 64, "means": [f"{2 * i - 63}/2" for i in range(64)]}
    tv = float(measure("li_cai_wei_tv", {"target": row, "steps": 50}).ball.mid())
    assert 0.06 < tv < 0.2
    assert tv < 0.011 * math.log(64 * 50) ** 2 * math.log(50) ** 2 / 50


@pytest.mark.parametrize("shape", SHAPES)
def test_the_error_of_the_score_has_the_size_that_the_paper_asks_for(shape):
    """The mean over t = 1, ..., T of E e(x_t)^2, by quadrature under the true laws."""
    target = Mixture(ROW["weights"], ROW["means"], 1)
    schedule = Schedule.li_cai_wei(60)
    error = _score_error(target, schedule, Fraction(1, 8), shape)
    signal, noise = float_levels(schedule)
    weights = np.array([float(Fraction(w)) for w in ROW["weights"]])
    centres = np.array([float(m) for m in ROW["means"]])
    x = np.linspace(-15, 15, 3001)
    squares = []
    for k, a in enumerate(signal):
        law = weights @ np.exp(-((x - math.sqrt(a) * centres[:, None]) ** 2) / 2) / math.sqrt(2 * math.pi)
        # the bump has no error at t = 1, where no step begins
        squares.append(0.0 if shape == "bump" and k == 59 else 0.01 * float(law @ error(x, k) ** 2))
    assert np.mean(squares) == pytest.approx(1 / 64, rel=1e-9)
    # the error of the denoiser that the samplers take, against the engine's own mean square
    factor = noise / np.sqrt(signal)
    rule = samplers.Ddpm("beta", score_error=lambda x, k: factor[k] * error(x, k))
    for k in (0, 10, 25):
        found = score_error_mean_square(target, schedule, rule, k).value
        assert found == pytest.approx(factor[k] ** 2 * squares[k], rel=1e-9)


def test_an_error_of_the_score_moves_one_component_by_what_it_should():
    """For N(0, 1) and a constant error the output is N(m, 1), m by the recursion of the means."""
    one = {"weights": ["1"], "means": ["0"]}
    schedule = Schedule.li_cai_wei(50)
    signal, _ = float_levels(schedule)
    shift = 0.0
    for a, after in pairwise(signal):
        alpha = a / after
        shift = math.sqrt(alpha) * shift + (1 - alpha) / math.sqrt(alpha) / 4
    expected = math.erf(shift / 2 / math.sqrt(2))
    value = measure("li_cai_wei_score_tv", {"target": one, "steps": 50, "eps": "1/4"})
    assert float(value.ball.mid()) == pytest.approx(expected, rel=1e-6)


def test_the_distance_of_a_target_from_a_mixture_by_hand():
    """N(0, 1) against (7/8) N(0, 1) + (1/8) N(2, 1): an eighth of the distance of the two normals."""
    one = {"weights": ["1"], "means": ["0"]}
    value = measure("li_cai_wei_distance", {"target": one, "weight": "1/8", "place": "2"})
    assert value.enclosed
    assert float(value.ball.mid()) == pytest.approx(math.erf(1 / math.sqrt(2)) / 8, rel=1e-12)


def test_a_sampler_that_knows_the_mixture_alone_is_off_by_the_distance():
    far = {"target": PAIR, "steps": 50, "weight": "1/4", "place": "40"}
    value = float(measure("li_cai_wei_approximation_excess", far).ball.mid())
    assert 0.18 < value < 0.25


def test_the_narrow_sampler_against_the_line():
    """The exact chi-square form in one dimension against the output law of the sampler."""
    law = output_law(Mixture([1], [0], 1), Schedule.li_cai_wei(60), samplers.Ddpm("beta_tilde"))
    value = measure("li_cai_wei_narrow_tv", {"dimension": 1, "steps": 60})
    assert value.enclosed
    assert float(value.ball.mid()) == pytest.approx(law.tv(), abs=1e-9)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("li_cai_wei_tv", {"target": PAIR, "steps": 20}, "exceeds 1"),
        ("li_cai_wei_tv", {"target": {**PAIR, "variance": "2"}, "steps": 50}, "variance 1"),
        ("li_cai_wei_tv", {"target": PAIR, "steps": 50, "dimension": 0}, "dimension"),
        ("li_cai_wei_tv", {"target": PAIR, "steps": 50, "reference": "moon"}, "reference"),
        ("li_cai_wei_score_tv", {"target": PAIR, "steps": 50, "eps": "1/8", "shape": "star"}, "shape"),
        ("li_cai_wei_distance", {"target": PAIR, "weight": "2", "place": "1"}, "weight"),
        ("li_cai_wei_pair_trace", {"probability": "1"}, "probability"),
        ("li_cai_wei_narrow_tv", {"dimension": 10**6, "steps": 50}, "dimension"),
    ],
)
def test_bad_arguments_are_refused(name, arguments, message):
    with pytest.raises(ValueError, match=message):
        measure(name, arguments)


def test_what_the_exact_values_say_that_the_theorem_does_not():
    """log T/T in place of log(KT)^2 log(T)^2/T; a flat effect of an equal error at every level."""
    steps = (50, 100, 200)
    ratios = [
        float(measure("li_cai_wei_tv", {"target": PAIR, "steps": n}).ball.mid()) * n / math.log(n)
        for n in steps
    ]
    assert 0.74 < ratios[0] < ratios[1] < ratios[2] < 0.84
    flat = [
        float(measure("li_cai_wei_score_tv", {"target": PAIR, "steps": n, "eps": "1/64"}).ball.mid())
        for n in steps
    ]
    assert flat[0] > flat[1] > flat[2] > 0.9 * flat[0]
    bump = [
        float(
            measure(
                "li_cai_wei_score_tv", {"target": PAIR, "steps": n, "eps": "1/64", "shape": "bump"}
            ).ball.mid()
        )
        / math.sqrt(math.log(n))
        for n in steps
    ]
    assert max(bump) < 1.03 * min(bump)
