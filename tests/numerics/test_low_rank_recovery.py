"""Recovery of a subspace: exact thresholds, the worst optimum, noise, and the transition."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import numpy as np
import pytest

from numerics.low_rank import LowRankMixture
from numerics.low_rank_exact import Subspace, distance_squared
from numerics.low_rank_recovery import (
    farthest_optimum,
    is_optimum,
    least_singular_value,
    recovered_subspace,
    recovery_threshold,
    subspace_distance,
)
from numerics.low_rank_transition import noise_rate, transition
from numerics.truth import PrecisionError


def random_target(rank: int, dimension: int, seed: int) -> LowRankMixture:
    rng = np.random.default_rng(seed)
    return LowRankMixture.spanned([1], [rng.integers(-9, 10, (rank, dimension)).tolist()])


@pytest.mark.parametrize("dimension", [3, 6, 12])
def test_exactly_r_samples_are_needed(dimension: int) -> None:
    """The threshold is r itself, at fixed d and for d growing with r: linear with slope one."""
    for rank in range(1, dimension + 1):
        assert recovery_threshold(random_target(rank, dimension, rank).subspaces[0], seed=rank) == rank


@pytest.mark.parametrize(("rank", "dimension"), [(1, 2), (2, 4), (3, 4), (4, 5), (3, 9), (5, 5)])
def test_the_worst_optimum(rank: int, dimension: int) -> None:
    target = random_target(rank, dimension, 5)
    truth = target.subspaces[0]
    rng = np.random.default_rng(0)
    for n in range(1, rank + 2):
        samples = target.exact_sample(0, n, seed=n)
        far = farthest_optimum(truth, samples)
        assert is_optimum(far, samples)
        assert far.rank == rank
        assert distance_squared(far, truth) == 2 * min(max(rank - n, 0), dimension - rank)
        recovered = recovered_subspace(samples, rank)
        assert (recovered == truth) if n >= rank else (recovered is None)
        # No other optimum is farther: the samples with random directions added.
        for _ in range(20):
            added = [tuple(Fraction(int(x)) for x in row) for row in rng.integers(-4, 5, (rank, dimension))]
            other = Subspace.spanned_by([*samples, *added][: max(rank, n)])
            if other.rank == rank:
                assert is_optimum(other, samples)
                assert distance_squared(other, truth) <= distance_squared(far, truth)


def test_samples_in_special_position_do_not_recover() -> None:
    target = LowRankMixture.spanned([1], [[[1, 0, 0, 0], [0, 1, 0, 0]]])
    samples = [[1, 1, 0, 0], [2, 2, 0, 0], [0, 0, 0, 0]]
    assert recovered_subspace(samples, 2) is None
    assert distance_squared(farthest_optimum(target.subspaces[0], samples), target.subspaces[0]) == 2
    zeros = farthest_optimum(target.subspaces[0], [[0, 0, 0, 0]])
    assert distance_squared(zeros, target.subspaces[0]) == 4


def noisy(target: LowRankMixture, n: int, size: Fraction, seed: int):
    rng = np.random.default_rng(seed)
    clean = target.exact_sample(0, n, seed=seed)
    errors = [[size * int(x) for x in row] for row in rng.integers(-9, 10, (n, target.dimension))]
    samples = [[a + b for a, b in zip(p, e, strict=True)] for p, e in zip(clean, errors, strict=True)]
    return clean, samples, float(sum(x * x for e in errors for x in e)) ** 0.5


@pytest.mark.parametrize("n", [2, 3, 5, 9])
@pytest.mark.parametrize("size", ["1/10000000000", "1/1000", "1/10"])
def test_the_distance_under_noise(n: int, size: str) -> None:
    target = random_target(2, 5, 1)
    clean, samples, error = noisy(target, n, Fraction(size), seed=n)
    truth = target.subspaces[0]
    fast = subspace_distance(truth, samples)
    ball = subspace_distance(truth, samples, digits=25)
    with mpmath.workdps(50):
        independent = subspace_distance(truth, samples, digits=25, engine="mpmath")
    assert fast == pytest.approx(float(ball), rel=1e-5 if size.startswith("1/100000") else 1e-11)
    assert float(independent) == pytest.approx(float(ball), rel=1e-13)
    assert ball.rad() < 1e-25
    sigma = [least_singular_value(clean, 2, *more) for more in ((), (25,), (25, "mpmath"))]
    assert float(sigma[1]) == pytest.approx(sigma[0], rel=1e-12)
    assert float(sigma[2]) == pytest.approx(sigma[0], rel=1e-12)
    assert float(ball) <= 2 * 2**0.5 * error / sigma[0]


def test_the_constant_is_nearly_reached() -> None:
    """Noise that turns the leading direction: distance sqrt 2 at |E| just above sigma/sqrt 2."""
    line = Subspace.spanned_by([(Fraction(1), Fraction(0))])
    samples = [[Fraction(499, 1000), 0], [0, Fraction(1, 2)]]
    assert float(subspace_distance(line, samples, digits=20)) == pytest.approx(2**0.5)
    error = (0.501**2 + 0.5**2) ** 0.5
    assert 2**0.5 / error == pytest.approx(2, rel=1e-2)


def test_exact_distance_of_samples_of_the_right_rank() -> None:
    plane = Subspace.spanned_by(
        [(Fraction(1), Fraction(0), Fraction(0)), (Fraction(0), Fraction(1), Fraction(0))]
    )
    inside = [[1, 2, 0], [1, 0, 0], [2, 2, 0]]
    assert subspace_distance(plane, inside) == 0.0
    assert subspace_distance(plane, inside, digits=20) == 0
    # Equal energies: nothing isolates the leading directions, and yet the span is known.
    turned = [[1, 0, 0], [0, 0, 1]]
    assert float(subspace_distance(plane, turned, digits=20)) == pytest.approx(2**0.5, rel=1e-15)
    with pytest.raises(PrecisionError, match="may coincide"):
        subspace_distance(plane, [[1, 0, 0], [0, 1, 0], [0, 0, 1]], digits=20)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: recovered_subspace([[1, 0], [0, 1]], 1), "span 2 dimensions, more than the rank 1"),
        (lambda: recovered_subspace([[1, 0]], 3), "rank: 3 exceeds 2"),
        (lambda: farthest_optimum(random_target(1, 3, 0).subspaces[0], [[1, 1, 1]]), "not all of them lie"),
        (
            lambda: subspace_distance(random_target(2, 3, 0).subspaces[0], [[1, 1, 1]]),
            "span 1 dimensions, fewer",
        ),
        (lambda: least_singular_value([[1, 2]], 2), "rank: 2 exceeds 1"),
        (lambda: transition(4, 4, [1]), "rank: 4 exceeds 3"),
        (lambda: transition(4, 2, [0]), r"counts\[0\]: 0 is below 1"),
        (lambda: transition(4, 2, [1], noise=-1), "noise: -1.0 is negative"),
        (lambda: noise_rate([(1, 2, 4)]), r"ladder\[0\]: N: 1 is below 2"),
        (lambda: noise_rate([]), "ladder: the list is empty"),
        (lambda: noise_rate([(2, 1, 4)], noise=0), "noise: 0 leaves nothing"),
    ],
)
def test_bad_input(call, message) -> None:
    with pytest.raises(ValueError, match=message):
        call()


# Averages


def test_without_noise_the_transition_is_a_step() -> None:
    curve = transition(16, 4, range(1, 9), trials=5)
    assert all(distance > 0.3 for distance in curve.distances[:3])
    assert all(distance < 1e-12 for distance in curve.distances[3:])
    assert curve.distances[0] > curve.distances[1] > curve.distances[2]


@pytest.mark.parametrize("dimensions", [lambda r: 64, lambda r: 8 * r])
def test_the_transition_is_linear_in_the_rank(dimensions) -> None:
    """With noise too, at a fixed dimension and at one that grows: N at the half-way point is near r."""
    ranks = (2, 4, 8)
    thresholds = [
        transition(dimensions(r), r, range(1, 3 * r), "1/10", trials=12, seed=r).threshold() for r in ranks
    ]
    slope, offset = np.polyfit(ranks, thresholds, 1)
    assert slope == pytest.approx(0.75, abs=0.2)
    assert abs(offset) < 0.6
    assert all(r / 2 < t <= r for r, t in zip(ranks, thresholds, strict=True))


def test_simulations_repeat() -> None:
    one, other = (transition(8, 2, [1, 2, 3], "1/5", trials=3, seed=4) for _ in range(2))
    assert one == other
    assert one.threshold(2.0) == 1.0
    assert one.threshold(1e-9) == float("inf")


def test_the_noisy_rate_has_a_constant() -> None:
    ladder = [(n, r, d) for d in (16, 48) for r in (1, 2, 4) for n in (r, 2 * r, 8 * r)]
    rate = noise_rate(ladder)
    assert rate.constant == max(rate.ratios)
    assert rate.constant < 3
    assert rate.exponents()["N"] < 0
    assert abs(rate.exponents()["d"]) < 0.2
    assert noise_rate([(4, 2, 8)], trials=2).exponents() == {}
