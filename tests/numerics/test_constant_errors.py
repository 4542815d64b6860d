"""Constant errors of the score and wrong starts in the path KL, beside the densities themselves."""

from __future__ import annotations

from itertools import pairwise

import flint
import numpy as np
import pytest

from numerics import Mixture, Product, Schedule, path_kl, sampler_path_kl, samplers
from numerics.path import path_kl_truth
from numerics.path_start import start_kl_truth

THREE = Mixture(["1/5", "1/2", "3/10"], [-3, 0, 4], "1/2")
LINE = Mixture(["1/4", "1/2", "1/4"], [[-1, -2], [0, 0], [1, 2]], "1/2")
SCHEDULES = [
    Schedule.from_alpha_bar(["0.1", "0.4", "0.6", "0.9"]),
    Schedule.from_sigmas([3, 1, "1/2"]),
    Schedule.from_snr(["0", "1/2", "1"]),
    Schedule.flow_matching(4),
    Schedule.ddpm_linear(5),
]


@pytest.mark.parametrize("target", [THREE, LINE])
@pytest.mark.parametrize(
    "schedule",
    [*SCHEDULES[:2], *(pytest.param(s, marks=pytest.mark.slow) for s in SCHEDULES[2:])],
    ids=lambda s: s.name,
)
@pytest.mark.parametrize("variance", ["matched", "beta", "beta_tilde", "optimal", "1/10"])
@pytest.mark.parametrize("start", ["exact", "normal"])
def test_engines_agree(target: Mixture, schedule: Schedule, variance: str, start: str) -> None:
    """The machine numbers take the drift apart, the balls add mean squares."""
    rule = samplers.Ddpm(variance, score_error="1/7")
    fast = sampler_path_kl(target, schedule, rule, start)
    ball = path_kl_truth(target, schedule, rule, start, 20).value
    other = path_kl_truth(target, schedule, rule, start, 15, "mpmath").value
    if fast.value == float("inf"):
        assert ball == flint.arb.pos_inf()
        return
    assert float(ball) == pytest.approx(fast.value, rel=1e-12)
    assert float(other) == pytest.approx(float(ball), rel=1e-14)
    assert ball.rad() < 1e-20 * float(ball)


def direct(atoms: list[float], weights: list[float], knots: list[float], e: float) -> float:
    """The path KL of a path from 0 through one inner knot, from the two joint densities."""
    t, last = knots[1:]
    w, a = np.array(weights), np.array(atoms)
    y = np.arange(-12, 12, 0.05)
    z = np.arange(-20, 20, 0.05)

    def gauss(x: np.ndarray, variance: float) -> np.ndarray:
        return np.exp(-x * x / (2 * variance)) / np.sqrt(2 * np.pi * variance)

    given = np.array([gauss(y - t * x, t) for x in a])
    after = np.array([gauss(z[:, None] - y[None, :] - (last - t) * x, last - t) for x in a])
    true = np.einsum("i,ij,ikj->kj", w, given, after)
    mean = (w * a) @ given / (w @ given) + e
    first = gauss(y - t * (w @ a + e), t)
    sampled = first * gauss(z[:, None] - y - (last - t) * mean, last - t)
    inside = true > 1e-250
    return float(
        0.05**2 * np.sum(true[inside] * np.log(true[inside] / np.maximum(sampled[inside], 1e-300)))
    )


@pytest.mark.parametrize("e", [0, 0.25, -1])
def test_beside_the_joint_densities(e: float) -> None:
    target = Mixture(["3/10", "7/10"], [-1, 1], 0)
    rule = samplers.Ddpm(score_error=e)
    exact = path_kl(target, Schedule.from_snr(["0", "1/2", "5/4"]), rule, digits=15)
    found = direct([-1.0, 1.0], [0.3, 0.7], [0.0, 0.5, 1.25], e)
    assert float(exact) == pytest.approx(found, rel=1e-8)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda s: s.name)
def test_a_wrong_start_is_the_difference(schedule: Schedule) -> None:
    for target in (THREE, LINE, Product(THREE, 3)):
        ball = start_kl_truth(target, schedule, "normal", 20).value
        kl = [path_kl(target, schedule, start=start, digits=20) for start in ("normal", "exact")]
        assert abs(kl[0] - kl[1] - ball) < 1e-15
        for digits, engine in ((None, None), (15, "mpmath")):
            found = start_kl_truth(target, schedule, "normal", digits, engine)
            assert float(found.value) == pytest.approx(float(ball), rel=1e-9, abs=1e-13)
        assert start_kl_truth(target, schedule, "exact", 20).value == 0


def test_a_wrong_start_beside_the_densities() -> None:
    schedule = Schedule.from_alpha_bar(["1/2", "3/4"])
    ball = start_kl_truth(THREE, schedule, "normal", 20).value
    x = np.arange(-20, 20, 0.001)
    variance = 0.5 + 0.5 * 0.5
    parts = [
        w * np.exp(-((x - 0.5**0.5 * a) ** 2) / (2 * variance)) / np.sqrt(2 * np.pi * variance)
        for w, a in ((0.2, -3), (0.5, 0), (0.3, 4))
    ]
    p = np.sum(parts, axis=0)
    q = np.exp(-x * x / 2) / np.sqrt(2 * np.pi)
    assert float(ball) == pytest.approx(0.001 * float(np.sum(p * np.log(p / q))), rel=1e-10)


def test_errors_add_for_any_target() -> None:
    """A product is no mixture on a line: only the balls' route is there, in machine numbers too."""
    target, schedule = Product(THREE, 3), Schedule.from_snr(["1/10", "1/2", "1"])
    rule = samplers.Ddpm(score_error="1/3")
    steps = [b - a for a, b in pairwise((0.1, 0.5, 1))]
    more = path_kl(target, schedule, rule, digits=20) - path_kl(target, schedule, digits=20)
    assert float(more) == pytest.approx(sum(steps) / 9 / 2)
    assert path_kl(target, schedule, rule) == pytest.approx(
        float(path_kl(target, schedule, rule, digits=20))
    )


def test_a_vector_counts_by_its_length() -> None:
    schedule = Schedule.from_alpha_bar(["1/10", "1/2", "4/5"])
    corners = Mixture(["1/3"] * 3, [[0, 0], [1, 0], [0, 1]], 1)
    for target in (corners, LINE):
        by_vector, by_number = (
            path_kl(target, schedule, samplers.Ddpm(score_error=error), digits=20)
            for error in (["3/5", "-4/5"], 1)
        )
        assert by_vector.overlaps(by_number)
        assert path_kl(target, schedule, samplers.Ddpm(score_error=["3/5", "-4/5"])) == pytest.approx(
            float(by_vector)
        )
    with pytest.raises(ValueError, match="it has 3 coordinates, the target has 2 dimensions"):
        path_kl(corners, schedule, samplers.Ddpm(score_error=[1, 2, 3]), digits=20)


def test_functions_are_refused_in_balls() -> None:
    rule = samplers.Ddpm(score_error=lambda x, k: 0 * x)
    with pytest.raises(ValueError, match="fast engine only"):
        path_kl(THREE, SCHEDULES[0], rule, digits=20)
