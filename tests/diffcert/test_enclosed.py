"""Enclosed quantities: they contain what another route finds, in every engine, and say what they mean."""

from __future__ import annotations

from fractions import Fraction

import flint
import numpy as np
import pytest

from diffcert import Instance, Mixture, Schedule, Values, evaluate
from diffcert.enclosed import covariance_norm
from diffcert.family import constant_ratios, phases, reverse_variances, spans
from numerics import Orthogonal, Product, best_limit, covariance_moment, path_kl
from numerics.samplers import Ddpm

SKEW = Mixture(["19/20", "1/20"], [0, 1], 0)
THREE = Mixture(["1/5", "1/2", "3/10"], [-3, 0, 4])
BINARY = Mixture(["1/2", "1/2"], [-1, 1], 0)
TARGETS = [SKEW, THREE, BINARY]
DOUBLING = [Fraction(2**i, 50) for i in range(6)]


def scaled(schedule: list[Fraction], phase: Fraction) -> Schedule:
    return Schedule.from_snr([phase * t for t in schedule])


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("start", [[], [Fraction(0)]])
def test_the_best_phase_lies_between_its_bounds(target, start):
    knots = [*start, *DOUBLING]
    ball = evaluate("best_phase_kl", Instance(target, Schedule.from_snr(knots)), digits=20).value
    costs = [path_kl(target, scaled(knots, 1 + Fraction(i, 60))) for i in range(61)]
    assert float(ball.lower()) <= min(costs) <= float(ball.upper()) * (1 + 1e-9)
    assert float(ball.rad()) < 0.3 * float(ball.mid())


def test_with_more_digits_the_phases_are_finer():
    instance = Instance(BINARY, Schedule.from_snr(DOUBLING))
    coarse, fine = (evaluate("best_phase_kl", instance, digits=d).value for d in (20, 60))
    assert fine.rad() < coarse.rad()
    assert coarse.overlaps(fine)


def test_one_knot_has_one_phase():
    """kappa is 0: no phase but c = 1, and the ball is as narrow as its digits."""
    instance = Instance(THREE, Schedule.from_snr([0, Fraction(1, 2)]))
    ball = evaluate("best_phase_kl", instance, digits=20).value
    with_balls = path_kl(THREE, instance.schedule, digits=20)
    assert ball.lower() <= with_balls <= ball.upper() + flint.arb("1e-9")
    assert ball.upper() >= with_balls - flint.arb("1e-9")


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("last", [Fraction(1, 1000), Fraction(1, 2), Fraction(5)])
def test_the_supremum_lies_between_its_bounds(target, last):
    ball = evaluate("covariance_supremum", Instance(target, Schedule.from_snr([0, last])), digits=15).value
    values = [covariance_moment(target, last * Fraction(i, 40)) for i in range(41)]
    assert float(ball.lower()) <= max(values) * (1 + 1e-9)
    assert max(values) <= float(ball.upper()) * (1 + 1e-9)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("ends", [("1/10", "1/2"), ("1/2", "8"), ("1", "1000")])
def test_the_rate_of_the_best_schedule_lies_between_its_bounds(target, ends):
    """Against Gauss-Legendre quadrature of sqrt(C)."""
    ball = evaluate("best_rate", Instance(target, Schedule.from_snr(list(ends))), digits=15).value
    other = best_limit(target, *ends).value
    assert ball.is_finite()
    assert float(ball.lower()) <= other * (1 + 1e-8)
    assert other <= float(ball.upper()) * (1 + 1e-8)


@pytest.mark.parametrize("key", ["best_phase_kl", "covariance_supremum", "best_rate"])
def test_engines_agree_within_the_enclosure(key):
    instance = Instance(SKEW, Schedule.from_snr(["1/10", "1/5", "2/5"]))
    ball = evaluate(key, instance, digits=15).value
    for digits, engine in ((None, "fast"), (10, "mpmath")):
        truth = evaluate(key, instance, digits=digits, engine=engine)
        assert float(ball.lower()) * (1 - 1e-8) <= truth.value + truth.error
        assert truth.value - truth.error <= float(ball.upper()) * (1 + 1e-8)
        assert truth.error >= 0


def test_the_norm_of_the_covariance():
    plane = Mixture(["1/4", "1/4", "1/2"], [[0, 0], [2, 0], [1, 3]])
    weights = np.array([float(w) for w in plane.weights])
    points = np.array([[float(x) for x in a] for a in plane.means])
    centred = points - weights @ points
    assert float(covariance_norm(plane.core)) == pytest.approx(
        float(np.sum((centred.T * weights @ centred) ** 2)), rel=1e-13
    )
    assert covariance_norm(THREE.core) == THREE.core.variance**2
    assert covariance_norm(Product(THREE, copies=7).core) == 7 * THREE.core.variance**2
    corners = Orthogonal(components=3, radius=2)
    as_points = Mixture(["1/3"] * 3, [[2, 0, 0], [0, 2, 0], [0, 0, 2]])
    assert covariance_norm(corners.core) == covariance_norm(as_points.core)
    assert covariance_norm(Mixture([1], [5]).core) == 0


@pytest.mark.parametrize("variance", ["beta", "beta_tilde", "1/7", "matched", "optimal"])
@pytest.mark.parametrize("v", [Fraction(0), Fraction(1, 3), Fraction(1), Fraction(3)])
def test_ratios_of_variances_by_the_textbook_formula(variance, v):
    """From alpha_bar itself: the posterior variance for v over the textbook's."""
    target = Mixture(["1/2", "1/2"], [-1, 1], v)
    levels = [Fraction(i, 10) for i in (1, 4, 6, 9)]
    instance = Instance(target, Schedule.from_alpha_bar(levels), sampler=Ddpm(variance))
    values = Values(instance, 20)
    found = [float(x) for x in values["variance_ratio"]]
    for k, rho in enumerate(found):
        a, b = levels[k], levels[k + 1]
        beta_tilde = (1 - a / b) * (1 - b) / (1 - a)
        matched = (1 - a / b) * (1 - b + b * v) / (1 - a + a * v)
        size = float(values["steps"][k] * values["mmse_at"][k])
        used = {
            "beta": float(1 - a / b),
            "beta_tilde": float(beta_tilde),
            "1/7": 1 / 7,
            "matched": float(matched),
            "optimal": float(matched) * (1 + size),
        }[variance]
        assert rho == pytest.approx(float(matched) / used, rel=1e-12)


def test_families_are_what_their_claims_ask_for():
    assert all(i.schedule.name == "geometric" for i in phases())
    assert all(i.sampler is None for i in (*phases(), *constant_ratios(), *spans()))
    assert {i.sampler.variance for i in reverse_variances()} == {
        "beta",
        "beta_tilde",
        "optimal",
        Fraction(1, 10),
    }
    assert max(i.target.dimension for i in reverse_variances()) == 4
    for instance in (*constant_ratios(), *spans()):
        assert Values(instance, 15)["first"] > 0
    for instance in reverse_variances():
        assert np.isfinite(path_kl(instance.target, instance.schedule, sampler=instance.sampler))
