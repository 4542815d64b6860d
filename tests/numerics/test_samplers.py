"""Samplers: declarations as data, coefficients against the textbook formulas, score errors."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from numerics import Mixture, Schedule, samplers
from numerics.arithmetic import balls
from numerics.levels import Level
from numerics.output_law.chain import levels_of
from numerics.output_law.score_errors import score_error_mean_square

THREE = Mixture(["1/5", "1/2", "3/10"], [-3, 0, 4])
PAIR = Mixture(["1/4", "3/4"], [-1, 1], "1/2")
OPS = balls(128)


@pytest.mark.parametrize("kind", samplers.ALL, ids=lambda kind: kind.__name__)
def test_every_sampler_declares_order_citation_and_convention(kind: type[samplers.Sampler]) -> None:
    sampler = kind()
    assert sampler.order in (1, 2)
    assert re.search(r"\d{4}\.\d{5}", sampler.citation)
    assert sampler.convention in ("alpha_bar", "sigmas", "snr")
    assert isinstance(sampler.stochastic, bool)
    assert sampler == kind()
    assert hash(sampler) == hash(kind())
    assert repr(sampler).startswith(f"samplers.{kind.__name__}(")
    assert kind(score_error="1/10").score_error == Fraction(1, 10)
    assert kind(score_error=0) == sampler
    assert "score_error='1/10'" in repr(kind(score_error="0.1"))
    assert kind(score_error=lambda x, k: x).score_error is not None
    with pytest.raises(ValueError, match="score_error: 'x' is neither a number nor a function"):
        kind(score_error="x")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: samplers.MomentMatched(0), "order: 0 is below 1"),
        (lambda: samplers.MomentMatched(4), "order: 4 is neither 2 nor odd"),
        (lambda: samplers.MomentMatched(2.5), "order: 2.5 is not an integer"),
        (lambda: samplers.Ddim(2), "eta: 2 is not between 0 and 1"),
        (lambda: samplers.Ddim("-1e-9"), "eta: '-1e-9' is not between 0 and 1"),
        (lambda: samplers.Ddpm(0), "variance: 0 is not positive"),
        (lambda: samplers.Ddpm("small"), "variance: 'small' is neither a number nor one of"),
    ],
)
def test_bad_arguments_name_argument_value_and_rule(make: object, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        make()  # type: ignore[operator]


def test_ddpm_step_is_the_textbook_one() -> None:
    """mu = (x + (1 - alpha) score)/sqrt(alpha), and the three published variances."""
    target, ab, following = PAIR, Fraction(2, 5), Fraction(3, 5)
    alpha, v = ab / following, target.variance
    q = 1 - ab + ab * v
    with OPS.precision():
        level, after = (Level(OPS.number(a), OPS.number(1 - a)) for a in (ab, following))
        variances = {
            "beta": 1 - alpha,
            "beta_tilde": (1 - alpha) * (1 - following) / (1 - ab),
            "matched": (1 - alpha) * (1 - following + following * v) / q,
            "1/7": Fraction(1, 7),
        }
        for name, variance in variances.items():
            keep, pull, noise = samplers.Ddpm(name).step(level, after, v, OPS)
            # the score is (sqrt(ab) f - x)/q
            root = math.sqrt(alpha)
            assert float(keep.mid()) == pytest.approx(float(1 - (1 - alpha) / q) / root, rel=1e-15)
            assert float(pull.mid()) == pytest.approx(
                float((1 - alpha) / q) * math.sqrt(ab) / root, rel=1e-15
            )
            assert float(noise.mid()) == pytest.approx(float(variance), rel=1e-15)


@pytest.mark.parametrize("eta", ["0", "1/3", "1"])
def test_ddim_step_is_the_textbook_one(eta: str) -> None:
    target, ab, following = PAIR, 0.4, 0.6
    with OPS.precision():
        level, after = (Level(OPS.number(a), OPS.number(1 - a)) for a in (Fraction(2, 5), Fraction(3, 5)))
        keep, pull, noise = samplers.Ddim(eta).step(level, after, target.variance, OPS)
    x, f, v = 0.7, -0.3, 0.5
    denoised = ((1 - ab) * f + math.sqrt(ab) * v * x) / (1 - ab + ab * v)
    sigma = float(Fraction(eta)) * math.sqrt((1 - following) / (1 - ab) * (1 - ab / following))
    eps = (x - math.sqrt(ab) * denoised) / math.sqrt(1 - ab)
    expected = math.sqrt(following) * denoised + math.sqrt(1 - following - sigma**2) * eps
    assert float(keep.mid()) * x + float(pull.mid()) * f == pytest.approx(expected, rel=1e-14)
    assert float(noise.mid()) == pytest.approx(sigma**2, rel=1e-14, abs=1e-30)


def test_ddim_with_eta_one_is_ddpm_with_beta_tilde_where_the_component_is_a_point() -> None:
    target = Mixture(["1/2", "1/2"], [-1, 1], 0)
    with OPS.precision():
        for level, after in pairwise(levels_of(Schedule.ddpm_linear(10), target, OPS)):
            one = samplers.Ddim(1).step(level, after, target.variance, OPS)
            other = samplers.Ddpm("beta_tilde").step(level, after, target.variance, OPS)
            assert all(a.overlaps(b) for a, b in zip(one, other, strict=True))


def test_mean_square_of_a_score_error_is_exact() -> None:
    schedule = Schedule.ddpm_linear(10)
    assert score_error_mean_square(THREE, schedule, samplers.Ddpm(), 3).value == 0
    constant = score_error_mean_square(THREE, schedule, samplers.Ddpm(score_error="3/10"), 3)
    assert constant.value == pytest.approx(0.09, rel=1e-15)
    # e(x) = x: the second moment of the noised variable, exactly
    with OPS.precision():
        level = levels_of(schedule, THREE, OPS)[3]
        second = float((level.signal * (OPS.number(THREE.second_moment) + 1) + level.noise).mid())
    linear = score_error_mean_square(THREE, schedule, samplers.Ddim(score_error=lambda x, k: x), 3)
    assert linear.value == pytest.approx(second, rel=1e-13)
    assert abs(linear.value - second) <= linear.error + 1e-15 * second
    # e(x) = cos(w x): (1 + E cos 2wx)/2 from the characteristic function
    root, w = math.sqrt(float(level.signal.mid())), 0.7
    spread = float((level.signal + level.noise).mid())
    characteristic = sum(
        float(p) * math.cos(2 * w * root * float(a[0]))
        for p, a in zip(THREE.weights, THREE.means, strict=True)
    )
    expected = (1 + characteristic * math.exp(-2 * w * w * spread)) / 2
    wave = score_error_mean_square(
        THREE, schedule, samplers.Heun(score_error=lambda x, k: np.cos(w * x)), 3
    )
    assert wave.value == pytest.approx(expected, rel=1e-13)
    with pytest.raises(ValueError, match="index: 10 exceeds 9"):
        score_error_mean_square(THREE, schedule, samplers.Ddpm(), 10)
