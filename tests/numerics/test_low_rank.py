"""Low-rank mixtures: the posterior by three routes, its extremes, and bad input."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numerics.arithmetic import FLOATS, balls, mpmath_numbers
from numerics.low_rank import LowRankMixture
from numerics.low_rank_conditioning import (
    conditioned_covariance,
    conditioned_jacobian,
    conditioned_mean,
    conditioned_weights,
)
from numerics.low_rank_posterior import (
    Observation,
    posterior_covariance,
    posterior_jacobian,
    posterior_mean,
    posterior_means,
    posterior_weights,
)

LINE_AND_PLANE = LowRankMixture(
    ["1/3", "2/3"], [[["3/5"], ["4/5"], [0]], [[1, 0], [0, "5/13"], [0, "12/13"]]]
)
X = ["1", "1/2", "-1"]


def lines(*angles: float) -> LowRankMixture:
    """Equiprobable lines in the plane, through rational points near the given angles."""
    vectors = [
        [[Fraction(np.cos(a)).limit_denominator(99), Fraction(np.sin(a)).limit_denominator(99)]]
        for a in angles
    ]
    return LowRankMixture.spanned([Fraction(1, len(angles))] * len(angles), vectors)


small = st.integers(-4, 4)


@st.composite
def mixtures(draw: st.DrawFn) -> LowRankMixture:
    """One to three subspaces of any dimensions in R^2 to R^4."""
    d = draw(st.integers(2, 4))
    counts = draw(st.lists(st.integers(1, 9), min_size=1, max_size=3))
    bases = []
    for _ in counts:
        rank = draw(st.integers(1, d))
        # Independent: the identity in front.
        order = draw(st.permutations(range(d)))
        rows = []
        for i in range(rank):
            rest = draw(st.lists(small, min_size=d - rank, max_size=d - rank))
            row = [0] * d
            for place, value in zip(order, [int(i == j) for j in range(rank)] + rest, strict=True):
                row[place] = value
            rows.append(row)
        bases.append(rows)
    return LowRankMixture.spanned([Fraction(c, sum(counts)) for c in counts], bases)


@st.composite
def observations(draw: st.DrawFn) -> Observation:
    target = draw(mixtures())
    x = draw(
        st.lists(
            st.fractions(-3, 3, max_denominator=7), min_size=target.dimension, max_size=target.dimension
        )
    )
    signal = draw(st.sampled_from(["0", "1/1000", "1/2", "1", "3"]))
    noise = draw(st.sampled_from(["1/20", "1/2", "1", "30"]))
    return Observation.of(target, x, signal, noise)


def matrices_overlap(one, other) -> bool:
    return all(a.overlaps(b) for r, q in zip(one, other, strict=True) for a, b in zip(r, q, strict=True))


@given(observations())
@settings(max_examples=40, deadline=None)
def test_closed_forms_agree_with_gaussian_conditioning(seen: Observation) -> None:
    ops = balls(300 + 2 * seen.magnitude_bits)
    with ops.precision():
        pairs = [
            ([seen.weights(ops)], [conditioned_weights(seen, ops)]),
            ([seen.mean(ops)], [conditioned_mean(seen, ops)]),
            (seen.jacobian(ops), conditioned_jacobian(seen, ops)),
            (seen.covariance(ops), conditioned_covariance(seen, ops)),
        ]
        for closed, brute in pairs:
            assert matrices_overlap(closed, brute)
            assert all(entry.rad() < 1e-40 for row in (*closed, *brute) for entry in row)


@given(observations())
@settings(max_examples=30, deadline=None)
def test_engines_agree(seen: Observation) -> None:
    arguments = (seen.target, seen.point, seen.signal, seen.noise)
    for compute in (posterior_weights, posterior_mean, posterior_jacobian, posterior_covariance):
        fast = compute(*arguments)
        exact = np.array(compute(*arguments, digits=25), dtype=object)
        independent = np.array(compute(*arguments, digits=25, engine="mpmath"), dtype=object)
        assert fast.shape == exact.shape == independent.shape
        scale = max((abs(float(value)) for value in exact.flat), default=0.0)
        for quick, ball, other in zip(fast.flat, exact.flat, independent.flat, strict=True):
            assert abs(quick - float(ball)) <= 1e-12 * scale
            with mpmath_numbers(60).precision():
                middle = mpmath.mpf(ball.mid().str(40, radius=False))
                assert abs(middle - other) <= mpmath.mpf(10) ** -22 * (scale + mpmath.mpf(10) ** -30)


@given(observations())
@settings(max_examples=30, deadline=None)
def test_tweedie_of_second_order(seen: Observation) -> None:
    if seen.signal == 0:
        return
    ops = balls(200 + 2 * seen.magnitude_bits)
    with ops.precision():
        factor = ops.number(seen.noise**2 / seen.signal)
        scaled = [[factor * entry for entry in row] for row in seen.jacobian(ops)]
        assert matrices_overlap(scaled, seen.covariance(ops))


def test_the_jacobian_is_the_derivative_by_differences() -> None:
    arguments = (LINE_AND_PLANE, "1", "1/2")
    jacobian = posterior_jacobian(arguments[0], X, *arguments[1:])
    with mpmath_numbers(60).precision():
        step = Fraction(1, 10**12)
        for j in range(3):
            ends = []
            for sign in (1, -1):
                moved = [Fraction(x) + sign * step * (i == j) for i, x in enumerate(X)]
                ends.append(posterior_mean(arguments[0], moved, *arguments[1:], digits=50, engine="mpmath"))
            slopes = [(a - b) / (2 * mpmath.mpf(10) ** -12) for a, b in zip(*ends, strict=True)]
            assert np.allclose([float(s) for s in slopes], jacobian[:, j], rtol=1e-14, atol=1e-15)


def test_the_posterior_mean_by_quadrature() -> None:
    """Bayes' rule as an integral over the coefficients: lines and a plane in R^2."""
    target = LowRankMixture.spanned(["1/4", "1/4", "1/2"], [[[3, 4]], [[1, 0]], [[1, 0], [0, 1]]])
    x, s, g = np.array([0.7, -0.4]), 0.8, 0.6
    grid = np.linspace(-9, 9, 1201)
    total, first, second = 0.0, np.zeros(2), np.zeros((2, 2))
    for weight, basis in zip(target.weights, target.orthonormal_bases(), strict=True):
        axes = np.meshgrid(*[grid] * basis.shape[1], indexing="ij")
        points = np.stack([a.ravel() for a in axes]).T @ basis.T
        prior = (
            np.exp(-(points**2).sum(axis=1) / 2)
            * ((grid[1] - grid[0]) / np.sqrt(2 * np.pi)) ** basis.shape[1]
        )
        density = float(weight) * prior * np.exp(-((x - s * points) ** 2).sum(axis=1) / (2 * g**2))
        total += density.sum()
        first += density @ points
        second += (points * density[:, None]).T @ points
    mean = first / total
    arguments = (target, ["7/10", "-2/5"], "4/5", "3/5")
    assert np.allclose(posterior_mean(*arguments), mean, rtol=1e-12)
    assert np.allclose(posterior_covariance(*arguments), second / total - np.outer(mean, mean), rtol=1e-11)


def test_one_subspace_is_linear() -> None:
    target = LowRankMixture([1], [[["3/5", 0], ["4/5", 0], [0, 1]]])
    x = [1, 2, 3]
    assert np.allclose(posterior_mean(target, x, 1, 1), 0.5 * np.array([3 / 5 * 2.2, 4 / 5 * 2.2, 3]))
    jacobian = posterior_jacobian(target, x, 1, 1, digits=30)
    assert [float(jacobian[i][i]) for i in range(3)] == pytest.approx([0.18, 0.32, 0.5], rel=1e-15)
    assert np.linalg.matrix_rank(posterior_jacobian(target, x, 1, 1)) == 2


def test_the_whole_space_shrinks() -> None:
    target = LowRankMixture([1], [[[1, 0], [0, 1]]])
    assert posterior_mean(target, [3, -5], 2, 1).tolist() == pytest.approx([6 / 5, -2])
    assert np.allclose(posterior_covariance(target, [3, -5], 2, 1), np.eye(2) / 5)


def test_vectorised_means_agree() -> None:
    rng = np.random.default_rng(0)
    points = np.rint(256 * rng.standard_normal((20, 3))) / 256
    many = posterior_means(LINE_AND_PLANE, points, "1", "1/2")
    for x, mean in zip(points, many, strict=True):
        assert np.allclose(posterior_mean(LINE_AND_PLANE, x, "1", "1/2"), mean, rtol=1e-12, atol=1e-14)


# Extremes


@pytest.mark.parametrize("noise", ["1e-8", "1e-20", "1e-30"])
def test_tiny_noise_decides_the_component(noise: str) -> None:
    """phi is about 1/(2 g^2): the weights of the others are below every float, and positive balls."""
    near = lines(0.1, 0.6)
    x = near.exact_sample(0, 1, seed=3)[0]
    weights = posterior_weights(near, x, 1, noise, digits=30)
    assert weights[1] > 0
    assert weights[1] < 1e-300
    assert weights[1].rad() <= weights[1] * 1e-20
    assert posterior_weights(near, x, 1, noise).tolist() == [1.0, 0.0]
    assert posterior_mean(near, x, 1, noise) == pytest.approx([float(c) for c in x], rel=1e-13)


def test_tiny_noise_and_nearly_equal_energies() -> None:
    """The exponents differ by about 1 although each is of size 1e16: no digit is lost."""
    target = LowRankMixture.spanned(["1/2", "1/2"], [[[1, 0]], [[0, 1]]])
    x = [1, 1 + Fraction(1, 10**16)]
    difference = (Fraction(x[1]) ** 2 - 1) / (2 * Fraction(1, 10**16) * (1 + Fraction(1, 10**16)))
    expected = 1 / (1 + np.exp(float(difference)))
    assert posterior_weights(target, x, 1, "1e-8")[0] == pytest.approx(expected, rel=1e-14)
    ball = posterior_weights(target, x, 1, "1e-8", digits=40)[0]
    assert float(ball) == pytest.approx(expected, rel=1e-14)
    assert ball.rad() < 1e-40


def test_no_signal_leaves_the_prior() -> None:
    assert posterior_mean(LINE_AND_PLANE, X, 0, 1).tolist() == [0, 0, 0]
    assert posterior_weights(LINE_AND_PLANE, X, 0, 1).tolist() == pytest.approx([1 / 3, 2 / 3])
    prior = sum(
        float(w) * b @ b.T
        for w, b in zip(LINE_AND_PLANE.weights, LINE_AND_PLANE.orthonormal_bases(), strict=True)
    )
    for signal in ("0", "1e-40"):
        assert np.allclose(posterior_covariance(LINE_AND_PLANE, X, signal, 1), prior, rtol=1e-14)
    slope = posterior_jacobian(LINE_AND_PLANE, X, "1e-40", 1) * 1e40
    assert np.allclose(slope, prior, rtol=1e-14)


def test_rare_components_and_coinciding_subspaces() -> None:
    rare = LowRankMixture.spanned([1 - Fraction(1, 10**30), "1e-30"], [[[1, 0]], [[0, 1]]])
    x = [0, 4]
    odds = float(Fraction(1, 10**30)) * np.exp(8)
    assert posterior_weights(rare, x, 1, 1, digits=30)[1] < 1e-26
    assert posterior_weights(rare, x, 1, 1)[1] == pytest.approx(odds * np.exp(-4) / (1 + odds), rel=1e-12)
    near = LowRankMixture.spanned(["1/2", "1/2"], [[[1, 0]], [[1, "1e-20"]]])
    alone = LowRankMixture.spanned([1], [[[1, 0]]])
    assert np.allclose(posterior_mean(near, [1, 1], 1, 1), posterior_mean(alone, [1, 1], 1, 1), atol=1e-19)
    same = LowRankMixture.spanned(["1/2", "1/4", "1/4"], [[[1, 1]], [[-2, -2]], [[1, 0]]])
    assert same.weights == (Fraction(3, 4), Fraction(1, 4))
    assert same.notes == ("3 subspaces merged into 2 distinct ones",)


def test_fifty_components() -> None:
    rng = np.random.default_rng(1)
    vectors = rng.integers(-5, 6, (50, 2, 8)).tolist()
    target = LowRankMixture.spanned([Fraction(1, 50)] * 50, vectors)
    x = rng.integers(-3, 4, 8).tolist()
    weights = posterior_weights(target, x, 1, "1/3", digits=20)
    assert abs(sum(float(w) for w in weights) - 1) < 1e-14
    seen = Observation.of(target, x, 1, "1/3")
    assert np.allclose(conditioned_mean(seen, FLOATS), posterior_mean(target, x, 1, "1/3"), rtol=1e-12)


# The record


def test_bases_by_floats_stand_for_their_span() -> None:
    root = 0.5**0.5
    target = LowRankMixture(["1/2", "1/2"], [[[root], [root]], [[0.6], [0.8]]])
    assert target.subspaces[0].basis == ((1, 1),)
    assert "orthonormal to 1e-12" in target.notes[0]


def test_it_travels_as_json() -> None:
    again = LowRankMixture.from_json(LINE_AND_PLANE.to_json())
    assert again == LINE_AND_PLANE
    assert hash(again) == hash(LINE_AND_PLANE)
    assert LowRankMixture.from_dict({"weights": ["1"], "bases": [[["3/5"], ["4/5"]]]}).ranks == (1,)


def test_draws_have_the_right_moments() -> None:
    draws = LINE_AND_PLANE.sample(np.random.default_rng(0), 200_000)
    expected = sum(
        float(w) * b @ b.T
        for w, b in zip(LINE_AND_PLANE.weights, LINE_AND_PLANE.orthonormal_bases(), strict=True)
    )
    assert np.allclose(draws.T @ draws / len(draws), expected, atol=0.01)
    assert LINE_AND_PLANE.second_moment == Fraction(5, 3)
    assert LINE_AND_PLANE.subspaces[1].contains(LINE_AND_PLANE.exact_sample(1, 5, seed=2))


@pytest.mark.parametrize(
    ("weights", "bases", "message"),
    [
        ([1], [[[1, 0], [0, 2]]], r"bases\[0\]: columns 1 and 1 have the inner product 4"),
        ([1], [[[1], [1]]], r"inner product 2; orthonormal columns are needed"),
        ([1], [[[0.7], [0.7]]], "inner product"),
        ([1], [[[1, 0, 0], [0, 1, 0]]], "3 columns in dimension 2"),
        (["1/2"], [[[1], [0]]], "weights: the sum is 1/2, not 1"),
        (["1/2", "1/2"], [[[1], [0]]], "weights: 2 entries, but bases has 1"),
        (["1/2", "1/2"], [[[1], [0]], [[1], [0], [0]]], r"bases\[1\]: dimension 3, but bases\[0\] has 2"),
        ([1], [[["x"], [0]]], r"bases\[0\]\[0\]\[0\]: 'x' is not a number"),
        ([1], [[[float("nan")], [0]]], "is not finite"),
        ([1], [[[1], [0, 1]]], r"bases\[0\]\[1\]: 2 coordinates"),
        ([1], [], "bases: the list is empty"),
        ([1], "text", "bases: 'text' is not a list"),
    ],
)
def test_bad_targets(weights, bases, message) -> None:
    with pytest.raises(ValueError, match=message):
        LowRankMixture(weights, bases)


def test_dependent_vectors_are_refused() -> None:
    with pytest.raises(ValueError, match=r"vectors\[0\]: the 2 vectors are not linearly independent"):
        LowRankMixture.spanned([1], [[[1, 2], [2, 4]]])
    with pytest.raises(ValueError, match=r"vectors\[0\]: the 1 vectors are not"):
        LowRankMixture.spanned([1], [[[0, 0]]])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((LINE_AND_PLANE, [1, 2], 1, 1), "x: 2 coordinates, but .* dimension 3"),
        ((LINE_AND_PLANE, X, -1, 1), "signal: -1 is negative"),
        ((LINE_AND_PLANE, X, 1, 0), "noise: 0 is not positive"),
        ((LINE_AND_PLANE, X, 1, 1, 0), "digits: 0 is not between"),
        ((LINE_AND_PLANE, X, 1, 1, None, "certified"), "digits: missing"),
        (("text", X, 1, 1), "target: str is not a LowRankMixture"),
    ],
)
def test_bad_observations(arguments, message) -> None:
    with pytest.raises(ValueError, match=message):
        posterior_mean(*arguments)
