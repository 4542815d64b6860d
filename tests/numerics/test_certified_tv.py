"""The certified total variation: against the fast engine, closed forms, and its bounds at coarse grids."""

from __future__ import annotations

import math
import random
from fractions import Fraction
from itertools import pairwise
from typing import Any

import flint
import numpy as np
import pytest
from scipy.integrate import quad

from numerics import Mixture, Schedule, samplers
from numerics.arithmetic import balls
from numerics.output_law import certified, output_law
from numerics.output_law.absolute import half_l1
from numerics.output_law.certified import certified_tv
from numerics.output_law.gaussian_sums import GaussianSum, moved, rounded_sum

DISCRETE = Mixture(["1/3", "2/3"], [0, 1], 0)
THREE = Mixture(["1/5", "1/2", "3/10"], [-3, 0, 4], 1)
TWO = Mixture(["1/2", "1/2"], [-2, 2], 1)


@pytest.mark.parametrize(
    ("target", "schedule", "sampler", "start", "reference"),
    [
        (THREE, Schedule.ddpm_linear(20), samplers.Ddpm(), "exact", "target"),
        (THREE, Schedule.ddpm_linear(20), samplers.Ddpm(), "normal", "target"),
        (THREE, Schedule.uniform(50, 1), samplers.Ddpm(), "exact", "last_level"),
        (TWO, Schedule.ddpm_linear(10), samplers.Ddpm("beta"), "exact", "target"),
        (TWO, Schedule.flow_matching(12), samplers.Ddpm("1/2"), "exact", "target"),
        (TWO, Schedule.from_alpha_bar(["1/10", "1/2", "9/10"]), samplers.Ddim(1), "normal", "target"),
        (TWO, Schedule.from_alpha_bar(["1/10", "1/2", "9/10"]), samplers.Ddim("1/2"), "exact", "target"),
        (
            Mixture(["1/3", "2/3"], [0, 1], 0),
            Schedule.geometric(8, 1, 40),
            samplers.Ddpm(),
            "exact",
            "last_level",
        ),
    ],
)
def test_it_contains_the_fast_value(
    target: Mixture, schedule: Schedule, sampler: Any, start: str, reference: str
) -> None:
    ball = certified_tv(target, schedule, sampler, start, reference).value
    fast = output_law(target, schedule, sampler, start).truth("tv", reference)
    assert ball.rad() < 1e-10
    assert abs(ball - fast.value).lower() <= fast.error


@pytest.mark.slow
def test_it_contains_the_fast_value_at_random_laws() -> None:
    rng = random.Random(5)
    for _ in range(15):
        count = rng.choice([2, 3, 8])
        parts = [Fraction(rng.randint(1, 1000)) for _ in range(count)]
        atoms = [Fraction(rng.randint(-400, 400), 100) for _ in range(count)]
        target = Mixture([x / sum(parts) for x in parts], atoms, rng.choice(["1", "1/4", "3"]))
        schedule = rng.choice(
            [
                Schedule.ddpm_linear(15),
                Schedule.cosine(12),
                Schedule.geometric(10, "1/100", 1 / target.variance),
            ]
        )
        ball = certified_tv(target, schedule).value
        fast = output_law(target, schedule).truth("tv")
        assert abs(ball - fast.value).lower() <= fast.error, (target, schedule)


def test_one_gaussian_is_exact() -> None:
    """The matched sampler of one atom makes no error; with the variance of another it is Gaussian."""
    one = Mixture([1], [3], 2)
    assert certified_tv(one, Schedule.ddpm_linear(5)).value == 0
    law = output_law(one, Schedule.ddpm_linear(5), samplers.Ddpm("beta"))
    ball = certified_tv(one, Schedule.ddpm_linear(5), samplers.Ddpm("beta")).value
    assert abs(ball - law.tv()).lower() <= law.truth("tv").error


def test_a_line_in_the_plane_is_its_line() -> None:
    line = Mixture(["1/5", "1/2", "3/10"], [-5, 0, "20/3"], 1)
    plane = Mixture(["1/5", "1/2", "3/10"], [[-3, -4], [0, 0], [4, "16/3"]], 1)
    a, b = (certified_tv(x, Schedule.ddpm_linear(6)).value for x in (line, plane))
    assert a.overlaps(b)
    assert a.rad() < 1e-11


def test_a_discrete_target_is_at_distance_one() -> None:
    truth = certified_tv(Mixture(["1/2", "1/2"], [0, 1], 0), Schedule.ddpm_linear(5))
    assert truth.value == 1


def test_steps_too_short_for_a_grid_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certified, "MOST_NODES", 6000)
    truth = certified_tv(TWO, Schedule.li_cai_wei(50), reference="last_level")
    assert "bounded, not made" in truth.notes[-1]
    assert truth.value.rad() < 1e-2
    assert truth.value.contains(output_law(TWO, Schedule.li_cai_wei(50)).tv("last_level"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sampler": samplers.Heun()}, "no certified total variation"),
        ({"sampler": samplers.Ddim()}, "no certified total variation"),
        ({"sampler": samplers.Ddpm("optimal")}, "no certified total variation"),
        ({"sampler": samplers.Ddpm(score_error="1/10")}, "score error"),
        ({"sampler": samplers.Ddpm("beta_tilde")}, "no noise"),
        ({"start": "cold"}, "start"),
        ({"reference": "nothing"}, "reference"),
        ({"target": Mixture(["1/2", "1/2"], [[0, 1], [1, 2]], 1), "start": "normal"}, "dimension 2"),
    ],
)
def test_bad_arguments(arguments: dict[str, Any], message: str) -> None:
    given = {"target": THREE, "schedule": Schedule.ddpm_linear(4), **arguments}
    with pytest.raises(ValueError, match=message):
        certified_tv(**given)


# The pieces


@pytest.mark.parametrize("h", [4.0, 2.0, 1.0, 0.5])
@pytest.mark.parametrize("t", ["1/100", "1/2", "3"])
def test_one_step_at_coarse_grids_misses_no_more_than_its_bound(h: float, t: str) -> None:
    """|T q - sum|_1 by numerical integration, where the error is large enough to be seen."""
    with balls(128).precision():
        atoms = [flint.arb(-1), flint.arb(2)]
        q, _ = rounded_sum([0.4, 0.6], [flint.arb(-0.5), flint.arb(1)], flint.arb(1))
        ratio = flint.arb(Fraction(t).numerator) / Fraction(t).denominator
        kernel = certified._Kernel(ratio, flint.arb(0.6), flint.arb(0.4), flint.arb(0.8))
        images = certified._images(
            kernel, [flint.arb(0.3), flint.arb(0.7)], atoms, 1 / 64, -64 * 12, 64 * 24
        )
        fine = np.array([float(m.mid()) for m in images])
        bounds = [certified._discretisation(q, kernel, flint.arb(3), h, 0.05 * k) for k in range(1, 60)]
        bound = min(float(x.upper()) for x in bounds if x.is_finite())
    x = (np.arange(len(fine)) - 64 * 12) / 64
    density = sum(
        c * np.exp(-((x - m) ** 2) / 2) / math.sqrt(2 * math.pi)
        for c, m in zip(q.weights, q.centres, strict=True)
    )
    step, deviation = round(64 * h), math.sqrt(0.8)
    y = np.linspace(-12, 12, 1601)[:, None]

    def mixed(spacing: float, some: slice) -> Any:
        parts = np.exp(-((y - fine[some]) ** 2) / (2 * 0.8)) / (deviation * math.sqrt(2 * math.pi))
        return spacing * parts @ density[some]

    missed = float(np.abs(mixed(1 / 64, slice(None)) - mixed(h, slice(0, None, step))).sum()) * 24 / 1600
    assert missed <= bound * (1 + 1e-6)
    if h == 4.0:
        assert missed > 1e-4


def test_half_l1_of_two_gaussians() -> None:
    with balls(128).precision():
        for shift, radius in ((1e-9, 1e-7), (0.3, 1e-12), (5.0, 1e-12), (40.0, 1e-12)):
            a = GaussianSum(np.array([1.0]), np.array([0.0]), 1.0)
            b = GaussianSum(np.array([1.0]), np.array([shift]), 1.0)
            exact = (flint.arb(shift) / flint.arb(8).sqrt()).erf()
            found = half_l1(a, b)
            assert found.overlaps(exact)
            assert found.rad() < radius


def test_half_l1_of_crossing_sums() -> None:
    rng = np.random.default_rng(3)
    weights = rng.random(40)
    q = GaussianSum(weights / weights.sum(), rng.normal(size=40) * 2, 0.25)
    p = GaussianSum(np.array([0.5, 0.5]), np.array([-1.0, 1.5]), 1.5)

    def gap(x: float) -> float:
        def value(s: GaussianSum) -> float:
            u = (x - s.centres) / s.width
            return float(s.weights @ np.exp(-u * u / 2)) / (s.width * math.sqrt(2 * math.pi))

        return abs(value(q) - value(p)) / 2

    cuts = np.linspace(-14, 14, 400)
    expected = math.fsum(quad(gap, a, b, epsabs=1e-11)[0] for a, b in pairwise(cuts))
    with balls(128).precision():
        assert abs(half_l1(q, p) - expected).lower() < 1e-8


def test_values_of_a_sum_are_within_their_bound() -> None:
    rng = np.random.default_rng(1)
    q = GaussianSum(rng.random(200), rng.normal(size=200) * 3, 0.37)
    values, relative = q.values(0.125, -100, 201)
    samples = q.samples(0.125, -100, 201)
    with balls(128).precision():
        for k in range(0, 201, 8):
            value, slope, bend = q.at(0.125 * (k - 100), 0.0625)
            assert abs(value - values[k]).upper() <= relative * values[k] + 1e-15
            assert abs(value - samples.value[k]).upper() <= samples.value_error[k]
            assert abs(slope - samples.slope[k]).upper() <= samples.slope_error[k]
            for x in np.linspace(-0.0625, 0.0625, 5):
                u = (0.125 * (k - 100) + x - q.centres) / q.width
                second = (
                    q.weights @ (np.exp(-u * u / 2) * (u * u - 1)) / (q.width**3 * math.sqrt(2 * math.pi))
                )
                assert abs(second) <= samples.bend[k] * (1 + 1e-9)
                assert abs(second) <= bend * (1 + 1e-9)


def test_moving_a_gaussian() -> None:
    with balls(128).precision():
        assert moved(1.0, flint.arb(1)) == 0
        assert moved(1.0, flint.arb("1.1")) > 0.02
        with pytest.raises(ValueError, match="variance"):
            moved(1.0, flint.arb(4))
