"""Output laws of deterministic samplers: linear maps, folds, an independent change of variables."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.stats import norm

from numerics import Mixture, Schedule, samplers
from numerics.output_law import output_law
from numerics.output_law.law import DISTANCES

THREE = Mixture(["1/5", "1/2", "3/10"], [-3, 0, 4])
PAIR = Mixture(["1/2", "1/2"], [-1, 1], 0)
RULES = [samplers.Ddim(), samplers.Euler(), samplers.Heun(), samplers.DpmSolverPlusPlus()]


@pytest.mark.parametrize("sampler", RULES, ids=str)
def test_one_atom_is_a_linear_map(sampler: samplers.Sampler) -> None:
    """The slope by the textbook recursions on D = (sigma^2 a + v x)/(sigma^2 + v)."""
    sigmas, v = [10.0, 3.0, 1.0, 0.3, 0.0], 2.0
    law = output_law(
        Mixture([1], [0], 2), Schedule.from_sigmas(["10", "3", "1", "3/10", "0"]), sampler, "normal"
    )
    x, before, length = 1.0, None, None
    for now, following in pairwise(sigmas):
        d = v * x / (now**2 + v)
        if following == 0 or not isinstance(sampler, samplers.Heun | samplers.DpmSolverPlusPlus):
            x = d + following / now * (x - d)
        elif isinstance(sampler, samplers.Heun):
            slope = (x - d) / now
            moved = x + (following - now) * slope
            x = x + (following - now) * (slope + (moved - v * moved / (following**2 + v)) / following) / 2
        else:
            h = math.log(now / following)
            wanted = d if before is None else d + (d - before) * h / (2 * length)
            x, before, length = following / now * x + (1 - following / now) * wanted, d, h
    variance = (10.0 * x) ** 2
    r = variance / v
    assert law.kl() == pytest.approx((1 / r - 1 + math.log(r)) / 2, rel=1e-10)
    assert law.wasserstein(2) == pytest.approx(abs(math.sqrt(variance) - math.sqrt(v)), rel=1e-10)
    assert law.cdf(0.7) == pytest.approx(norm.cdf(0.7 / math.sqrt(variance)), abs=1e-14)


def test_euler_is_ddim() -> None:
    for schedule in (Schedule.karras(10), Schedule.flow_matching(6), Schedule.ddpm_linear(8)):
        one, other = (output_law(THREE, schedule, rule, "normal") for rule in RULES[:2])
        assert one.tv() == other.tv()


@pytest.mark.parametrize(
    "sampler",
    [pytest.param(s, marks=pytest.mark.slow) if s == samplers.Heun() else s for s in RULES],
    ids=str,
)
def test_the_order_is_seen(sampler: samplers.Sampler) -> None:
    levels = [Schedule.from_sigmas([str(4 - 3 * i / n) for i in range(n + 1)]) for n in (16, 32, 64)]
    errors = [output_law(THREE, s, sampler).wasserstein(1, "last_level") for s in levels]
    slopes = [math.log2(a / b) for a, b in pairwise(errors)]
    assert slopes[-1] == pytest.approx(sampler.order, abs=0.15)


def heun(x: float) -> float:
    """One step of Heun's rule for atoms at +-1, v = 0, sigma 1 -> 0.1, from its definition."""
    first = x - math.tanh(x)
    moved = x - 0.9 * first
    return x - 0.45 * (first + (moved - math.tanh(moved / 0.01)) / 0.1)


def test_a_heun_map_that_folds_is_treated_right() -> None:
    law = output_law(PAIR, Schedule.from_sigmas([1, "1/10"]), samplers.Heun(), "normal")
    assert heun(0.1) == pytest.approx(4.151, abs=5e-4)
    assert heun(0.5) == pytest.approx(2.886, abs=5e-4)
    assert any("not monotone: 4 folds" in note for note in law.notes)
    turn = [
        brentq(lambda x: heun(x + 1e-6) - heun(x - 1e-6), a, b, xtol=1e-13)
        for a, b in ((0.02, 0.1), (1, 4))
    ]
    ends = [-30.0, -turn[1], -turn[0], turn[0], turn[1], 30.0]

    def cdf(y: float) -> float:
        total = 0.0
        for a, b in pairwise(ends):
            low, high = heun(a), heun(b)
            if (low - y) * (high - y) < 0:
                x = brentq(lambda z: heun(z) - y, a, b, xtol=1e-15, rtol=1e-15)
                total += norm.cdf(x) - norm.cdf(a) if high > low else norm.cdf(b) - norm.cdf(x)
            elif max(low, high) <= y:
                total += norm.cdf(b) - norm.cdf(a)
        return total

    def reference(y: float) -> float:
        return (norm.cdf((y - 1) / 0.1) + norm.cdf((y + 1) / 0.1)) / 2

    points = np.array([-4.3, -3.0, -1.19, -1.0, 0.2, 1.0, 1.3, 2.0, 3.5, 4.37])
    assert law.cdf(points) == pytest.approx([cdf(y) for y in points], abs=1e-11)
    cuts = sorted({-4.38, 4.38, *(heun(x) for x in ends[1:-1]), -1.0, 0.0, 1.0, -1.1, 1.1})
    expected = sum(
        quad(lambda y: abs(cdf(y) - reference(y)), a, b, limit=200, epsabs=1e-10)[0]
        for a, b in pairwise(cuts)
    )
    assert law.wasserstein(1, "last_level") == pytest.approx(expected, abs=2e-8)
    # below the inner fold value the output has almost no mass: TV from the distribution functions
    grid = np.linspace(-2.2, 2.2, 4001)
    difference = law.cdf(grid) - np.array([reference(y) for y in grid])
    assert law.tv("last_level") >= np.abs(difference[:, None] - difference[::40]).max() - 1e-12
    assert law.tv("last_level") == pytest.approx(0.975081162945, abs=1e-10)


def test_both_starts_and_all_distances_have_small_stated_errors() -> None:
    for start in ("exact", "normal"):
        law = output_law(THREE, Schedule.karras(18), samplers.Ddim(), start)
        for name in DISTANCES:
            assert law.truth(name).error <= 1e-11


def test_a_score_error_moves_a_linear_map() -> None:
    """One atom at 0, v = 0: R' = (sigma'/sigma) R + (1 - sigma'/sigma) e."""
    law = output_law(
        Mixture([1], [0], 0), Schedule.from_sigmas([2, 1]), samplers.Ddim(score_error="1/3"), "exact"
    )
    assert law.wasserstein(2, "last_level") == pytest.approx(1 / 6, rel=1e-10)
    function = output_law(
        Mixture([1], [0], 0), Schedule.from_sigmas([2, 1]), samplers.Euler(score_error=lambda x, k: x / 5)
    )
    # slope 1/2 + 1/10
    assert function.wasserstein(2, "last_level") == pytest.approx(0.2, rel=1e-9)


def test_heun_needs_a_first_level_with_signal() -> None:
    with pytest.raises(ValueError, match="sampler: Heun's rule in sigma needs a first level with signal"):
        output_law(THREE, Schedule.flow_matching(4), samplers.Heun()).tv()
    with pytest.raises(ValueError, match="sampler: a knot beyond 1/v"):
        output_law(THREE, Schedule.geometric(4, "1e-3", 5), samplers.Ddim()).tv()


@pytest.mark.parametrize("sampler", RULES, ids=str)
@pytest.mark.parametrize("start", ["exact", "normal"])
def test_in_space_the_factor_across_the_line_follows_the_same_rule(
    sampler: samplers.Sampler, start: str
) -> None:
    """One atom at 0: every coordinate is the one-dimensional output."""
    schedule = Schedule.from_sigmas(["10", "3", "1", "3/10", "0"])
    flat = output_law(Mixture([1], [0], 2), schedule, sampler, start)
    space = output_law(Mixture([1], [[0, 0, 0]], 2), schedule, sampler, start)
    assert space.kl() == pytest.approx(3 * flat.kl(), rel=1e-9)
    assert space.wasserstein(2) == pytest.approx(math.sqrt(3) * flat.wasserstein(2), rel=1e-9)
    # an atom away from the origin, across the line: its offset is carried too
    moved = output_law(Mixture([1], [[0, 5]], 2), schedule, sampler, start)
    line = output_law(Mixture([1], [5], 2), schedule, sampler, start)
    assert moved.wasserstein(2) ** 2 == pytest.approx(
        flat.wasserstein(2) ** 2 + line.wasserstein(2) ** 2, rel=1e-9
    )
