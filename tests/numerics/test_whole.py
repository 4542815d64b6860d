"""X itself as what is estimated: against the split into parts, against mpmath, and against the core.

A sampler of a given reverse variance is one and the same whatever it is said to estimate: its path KL,
computed from the core's channel and from that of X, is one number.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import flint
import numpy as np
import pytest

from numerics import (
    GeneralMixture,
    Mixture,
    Orthogonal,
    Product,
    Schedule,
    SpanError,
    Target,
    Whole,
    covariance_moment,
    general_mmse,
    general_mutual_information,
    general_path_kl,
    mmse,
    mutual_information,
    path_kl,
    samplers,
)
from numerics.arithmetic import FLOATS, balls, mpmath_numbers, to_ball
from numerics.channel import functional_truth
from numerics.path import path_kl_truth

THREE = Mixture(["1/5", "1/2", "3/10"], [-3, 0, 4], "1/2")
PLANE = Mixture(["1/5", "1/2", "3/10"], [[-3, 0, 1], [0, 0, 1], [1, 4, 1]], "1/3")
UNEQUAL = Mixture(["1/3", "2/3"], [0, 1], covariances=["1/4", 2])
LEVELS = Schedule.from_alpha_bar(["1/1000", "1/10", "1/3", "2/3", "9/10", "99/100"])

FUNCTIONS = {"mmse": mmse, "mutual_information": mutual_information, "covariance_moment": covariance_moment}


@pytest.mark.parametrize("start", ["exact", "normal"])
@pytest.mark.parametrize("variance", ["beta", "beta_tilde", "optimal", "1/100"])
@pytest.mark.parametrize(
    "target", [THREE, PLANE, Product(THREE, 10**6, 3)], ids=["three", "plane", "product"]
)
def test_one_sampler_has_one_path_kl(target: Target, variance: str, start: str) -> None:
    sampler = samplers.Ddpm(variance)
    options = {"sampler": sampler, "start": start, "digits": 10}
    of_core = path_kl(target, LEVELS, estimate="core", **options)
    of_x = path_kl(target, LEVELS, estimate="X", **options)
    assert abs(of_core - of_x) < 1e-9 * of_core
    assert of_core.overlaps(of_x)
    fast = path_kl_truth(target, LEVELS, sampler, start, estimate="X")
    assert abs(fast.value - float(of_core.mid())) <= fast.error + 1e-9 * fast.value


def test_what_is_matched_depends_on_what_is_estimated() -> None:
    of_x = path_kl(THREE, LEVELS, digits=15, estimate="X")
    assert of_x.overlaps(path_kl(THREE, LEVELS, samplers.Ddpm("beta_tilde"), digits=15))
    assert of_x > path_kl(THREE, LEVELS, digits=15)


@pytest.mark.parametrize("t", [0, "1e-9", "1/3", 7, "1e9"])
def test_against_the_split(t: Any) -> None:
    general = GeneralMixture.of(THREE)
    for function, split in ((mmse, general_mmse), (mutual_information, general_mutual_information)):
        expected = split(general, t, digits=20).total
        for target in (general, Whole(THREE)):
            assert abs(function(target, t, digits=20) - expected) <= 1e-19 * abs(expected)
            assert function(target, t) == pytest.approx(float(expected.mid()), rel=1e-12)
            slow = function(target, t, digits=10, engine="mpmath")
            assert float(slow) == pytest.approx(float(expected.mid()), rel=1e-10)


def test_the_path_against_the_split() -> None:
    schedule = Schedule.karras(12)
    for target in (UNEQUAL, GeneralMixture.of(THREE)):
        expected = general_path_kl(target, schedule, digits=15).total
        assert path_kl(target, schedule, digits=15).overlaps(expected)
        fast = path_kl_truth(target, schedule)
        assert abs(fast.value - float(expected.mid())) <= fast.error + 1e-14 * fast.value
        slow = path_kl(target, schedule, digits=8, engine="mpmath")
        assert float(slow) == pytest.approx(float(expected.mid()), rel=1e-8)
    triple = path_kl(Product(UNEQUAL, 3), schedule, digits=15)
    assert triple.overlaps(3 * path_kl(UNEQUAL, schedule, digits=15))


@pytest.mark.parametrize("name", list(FUNCTIONS))
def test_engines_agree(name: str) -> None:
    for target in (THREE, PLANE, Orthogonal(5, 2, "1/7"), Product(THREE, 3, 2)):
        digits = 8 if target is PLANE else 12
        ball = FUNCTIONS[name](target, "3/2", digits=digits, estimate="X")
        fast = functional_truth(name, target, "3/2", estimate="X")
        assert abs(fast.value - float(ball.mid())) <= fast.error + 2.0 * float(ball.rad())
        if target is not PLANE:
            slow = FUNCTIONS[name](target, "3/2", digits=6, engine="mpmath", estimate="X")
            assert float(slow) == pytest.approx(float(ball.mid()), rel=1e-6)


def test_slopes() -> None:
    """2 dI/dt = M and dM/dt = -C, by central differences in balls."""
    width = Fraction(1, 10**10)
    at = [2 - width, 2, 2 + width]
    with balls(200).precision():
        step = to_ball(width)
        m = [mmse(THREE, t, digits=40, estimate="X") for t in at]
        i = [mutual_information(THREE, t, digits=40, estimate="X") for t in at]
        c = covariance_moment(THREE, 2, digits=20, estimate="X")
        assert abs((i[2] - i[0]) / step - m[1]) < 1e-15
        assert abs((m[0] - m[2]) / (2 * step) - c) < 1e-15


def test_a_gaussian_by_hand() -> None:
    target = Whole(Mixture([1], [[3, 1]], "1/2"))
    assert target.core.rank == 2
    assert mmse(target, 4, digits=20).overlaps(flint.arb(1) / 3)
    with balls(100).precision():
        assert mutual_information(target, 4, digits=20).overlaps(flint.arb(3).log())
        assert covariance_moment(target, 4, digits=20).overlaps(flint.arb(1) / 18)


def test_without_noise_nothing_changes() -> None:
    discrete = Mixture(["1/2", "1/2"], [0, 1], 0)
    assert Whole(discrete).core == discrete.core
    assert mmse(discrete, 2, digits=10, estimate="X").overlaps(mmse(discrete, 2, digits=10))
    equal = GeneralMixture(["1/2", "1/2"], [0, 1], [0, 0])
    assert equal.core == discrete.core


def test_definitions() -> None:
    for target in (Whole(PLANE), Whole(Product(PLANE, 2, 1)), UNEQUAL, Product(UNEQUAL, 2)):
        assert Target.from_json(target.to_json()) == target
        assert target.variance == 0
        draws = target.sample(np.random.default_rng(3), 200_000)
        assert (draws**2).sum(axis=1).mean() == pytest.approx(float(target.second_moment), rel=0.03)
        assert mmse(target, 0, digits=10).overlaps(
            flint.arb(flint.fmpq(target.core.variance.numerator, target.core.variance.denominator))
        )
    assert Whole(Whole(PLANE)) == Whole(PLANE)
    assert "X itself is estimated; knots are its snr" in Whole(PLANE).notes
    core = Whole(PLANE).core
    for ops in (FLOATS, balls(64), mpmath_numbers(20)):
        assert core.entropy(ops) == math.inf
    with pytest.raises(SpanError, match="no diameter"):
        _ = core.diameter_squared


def test_ranks() -> None:
    singular = Mixture(
        ["1/2", "1/2"],
        [[0, 0, 0], [0, 0, 0]],
        covariances=[[[1, 1, 0], [1, 1, 0], [0, 0, 0]], [[0, 0, 0], [0, 0, 0], [0, 0, 0]]],
    )
    assert singular.core.rank == 1
    moved = Mixture(["1/2", "1/2"], [[0, 0, 0], [1, 0, 0]], covariances=singular.covariances)
    assert moved.core.rank == 2
    assert Mixture(["1/2", "1/2"], [[0, 0], [1, 0]], covariances=[0, 1]).core.rank == 2


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: mmse(UNEQUAL, 1, estimate="core"),
            "estimate: components of different covariances have no core",
        ),
        (lambda: mmse(THREE, 1, estimate="Y"), "estimate: 'Y' is none of core, X"),
        (
            lambda: covariance_moment(UNEQUAL, 1),
            "covariance_moment: not available for components of different",
        ),
        (lambda: Whole(3), "target: 3 is not a target"),
        (lambda: Mixture([1], [0], 2, covariances=[1]), "variance: given beside covariances"),
        (
            lambda: Target.from_dict({"type": "whole", "target": {"type": "whole"}}),
            "target: a whole inside",
        ),
        (
            lambda: Target.from_dict({"weights": [1], "means": [0], "variance": 1, "covariances": [1]}),
            "variance: ",
        ),
    ],
)
def test_one_line_errors(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}") as caught:
        make()
    assert "\n" not in str(caught.value)
