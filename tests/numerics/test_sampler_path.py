"""Path KL of every stochastic sampler: agreement with `path`, the entropy form of order 2, rates."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from numerics import Mixture, PrecisionError, Schedule, mutual_information, path_kl, samplers
from numerics.sampler_path import sampler_path_kl

THREE = Mixture(["1/5", "1/2", "3/10"], [-3, 0, 4])
LEVELS = Schedule.from_alpha_bar(["1/10", "1/4", "2/5", "3/5"])


@pytest.mark.parametrize("start", ["exact", "normal"])
@pytest.mark.parametrize("variance", ["matched", "beta", "beta_tilde", "optimal", "1/7"])
def test_gaussian_steps_agree_with_the_certified_path(variance: str, start: str) -> None:
    sampler = samplers.Ddpm(variance)
    exact = float(path_kl(THREE, LEVELS, sampler, start, digits=20).mid())
    truth = sampler_path_kl(THREE, LEVELS, sampler, start)
    assert truth.value == pytest.approx(exact, rel=1e-11)
    assert abs(truth.value - exact) <= truth.error


def test_steps_of_seventy_orders_of_magnitude() -> None:
    """The ratio of the variances, 1 + excess, rounds to 0 there."""
    target = Mixture([1 - Fraction("1e-300"), Fraction("1e-300")], [0, 1], 0)
    far, beta = Schedule.from_snr(["0", "1e-70", "1", "1e70"]), samplers.Ddpm("beta")
    exact = float(path_kl(target, far, beta, digits=15).mid())
    assert sampler_path_kl(target, far, beta).value == pytest.approx(exact, rel=1e-12)


def test_order_two_with_atoms_too_far_apart_for_machine_numbers() -> None:
    """1e35 deviations apart, where a grid around each atom is lost; (1/2) E log(1 + delta Cov) is 11.26."""
    rare = Mixture([1 - Fraction("1e-60"), Fraction("1e-60")], [0, 1], 0)
    even = Mixture(["1/2", "1/2"], [0, 1], 0)
    far, rule = Schedule.from_snr(["0", "1e-70", "1", "1e70"]), samplers.MomentMatched(2)
    for target in (rare, even):
        with pytest.raises(PrecisionError, match="beyond machine numbers"):
            sampler_path_kl(target, far, rule)
    exact = (70 - 60) * math.log(10) / 2 - 1 / 4
    assert float(path_kl(rare, far, rule, digits=12)) == pytest.approx(exact, rel=1e-9)


def test_order_two_is_the_entropy_of_its_gaussian() -> None:
    """(1/2) E log(1 + delta Cov) - (I(t + delta) - I(t)), by an independent sum."""
    knots = [0.0, 0.1, 0.35, 1.0]
    atoms, weights = np.array([-3.0, 0.0, 4.0]), np.array([0.2, 0.5, 0.3])
    total = 0.0
    for t, after in pairwise(knots):
        z = np.linspace(-14, 14 + 7 * math.sqrt(after), 40001) - 3 * math.sqrt(t)
        joint = weights[:, None] * np.exp(-((z - math.sqrt(t) * atoms[:, None]) ** 2) / 2)
        density = joint.sum(axis=0)
        posterior = joint / density
        mean = atoms @ posterior
        cov = ((atoms[:, None] - mean) ** 2 * posterior).sum(axis=0)
        expected = (density * np.log1p((after - t) * cov)).sum() * (z[1] - z[0]) / math.sqrt(2 * math.pi)
        total += expected / 2
    total -= float(mutual_information(THREE, 1, digits=20).mid())
    truth = sampler_path_kl(THREE, Schedule.from_snr(["0", "0.1", "0.35", "1"]), samplers.MomentMatched(2))
    assert truth.value == pytest.approx(total, rel=1e-10)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_rates_are_the_declared_ones(order: int) -> None:
    """n^-p, with the leading coefficient of mathematics.md, section 6, on a short uniform step at 0."""
    coarse, fine = (
        sampler_path_kl(THREE, Schedule.uniform(n, "1/10"), samplers.MomentMatched(order)).value
        for n in (8, 16)
    )
    assert math.log2(coarse / fine) == pytest.approx(order, abs=0.25)


@pytest.mark.parametrize("order", [2, 3])
def test_the_leading_coefficient_of_one_step(order: int) -> None:
    """delta^{p+1}/(2 (p+1)!) |kappa_{p+1} - kappa_{p+1}(estimate)|^2 at t = 0, where the posterior is A."""
    atoms, weights = np.array([-3.0, 0.0, 4.0]), np.array([0.2, 0.5, 0.3])
    centred = atoms - weights @ atoms
    k2, k3, k4 = (float(weights @ centred**p) for p in (2, 3, 4))
    # the fourth moment of the two-node rule with moments 0, k2, k3
    gap = k3 if order == 2 else k4 - (k2**2 + k3**2 / k2)
    delta = 1e-6
    truth = sampler_path_kl(THREE, Schedule.uniform(1, "1e-6"), samplers.MomentMatched(order))
    leading = delta ** (order + 1) / (2 * math.factorial(order + 1)) * gap**2
    assert truth.value == pytest.approx(leading, rel=1e-3)


def test_score_errors_add_their_mean_square() -> None:
    exact = path_kl(THREE, LEVELS)
    knots = LEVELS.snr(THREE)
    noises = [0.9, 0.75, 0.6]
    # an error e of the denoiser is e q/n of f, and q = 1
    added = sum((b - a) * (0.3 / n) ** 2 / 2 for (a, b), n in zip(pairwise(knots), noises, strict=True))
    for error in ("3/10", lambda x, k: np.full_like(x, 0.3)):
        truth = sampler_path_kl(THREE, LEVELS, samplers.Ddpm(score_error=error))
        assert truth.value == pytest.approx(exact + added, rel=1e-11)


def test_ddim_with_eta_one_and_a_discrete_target_is_the_matched_sampler() -> None:
    points = Mixture(["1/4", "3/4"], [-1, 2], 0)
    truth = sampler_path_kl(points, LEVELS, samplers.Ddim(1))
    assert truth.value == pytest.approx(path_kl(points, LEVELS), rel=1e-11)
    assert sampler_path_kl(points, LEVELS, samplers.Ddim("1/2")).value > truth.value


def test_infinite_where_a_step_has_no_noise() -> None:
    for sampler in (samplers.Heun(), samplers.Ddim(1), samplers.Ddpm("beta_tilde")):
        truth = sampler_path_kl(THREE, Schedule.ddpm_linear(5), sampler)
        assert truth.value == math.inf
        assert any("infinite" in note for note in truth.notes)
