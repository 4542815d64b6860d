"""Training losses of low-rank networks and what minimises them, by independent routes."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numerics.low_rank import LowRankMixture
from numerics.low_rank_exact import Subspace, complement_in, distance_squared
from numerics.low_rank_learning import (
    assignments,
    captured_energy,
    denoising_loss,
    fit_subspaces,
    principal_energies,
    sample_energy,
)

PLANE = LowRankMixture.spanned([1], [[[1, 2, 0, 2], [2, 0, 1, -1]]])
CLUSTERS = LowRankMixture.spanned(
    ["1/2", "1/3", "1/6"], [[[1, 0, 0, 0]], [[0, 1, 0, 0], [0, 0, 1, 0]], [[0, 1, 0, 3]]]
)
vectors = st.lists(st.fractions(-3, 3, max_denominator=5), min_size=4, max_size=4)


def loss_by_averaging(target: LowRankMixture, samples, signal, noise) -> float:
    """The loss with the expectation as an exact average: the nodes +-sqrt(d) e_j have the moments of eps up
    to order three, and the residual is of degree one."""
    s, g = float(Fraction(signal)), float(Fraction(noise))
    c = s / (s**2 + g**2)
    bases = target.orthonormal_bases()
    total = 0.0
    for sample in np.array([[float(x) for x in p] for p in samples]):
        basis = max(bases, key=lambda b: np.sum((sample @ b) ** 2))
        for j, sign in product(range(len(sample)), (1, -1)):
            eps = np.zeros(len(sample))
            eps[j] = sign * np.sqrt(len(sample))
            output = c * basis @ (basis.T @ (s * sample + g * eps))
            total += np.sum((sample - output) ** 2) / (2 * len(sample))
    return total / len(samples)


@given(
    st.lists(vectors, min_size=1, max_size=4),
    st.sampled_from(["0", "1/2", "1", "7"]),
    st.sampled_from(["1/10", "1", "3"]),
)
@settings(max_examples=30, deadline=None)
@pytest.mark.parametrize("target", [PLANE, CLUSTERS])
def test_the_loss_is_the_average_over_the_noise(target, samples, signal, noise) -> None:
    energies = [sorted(s.energy(tuple(p)) for s in target.subspaces) for p in samples]
    if any(len(e) > 1 and e[-1] - e[-2] < Fraction(1, 10**6) for e in energies):
        return
    loss = denoising_loss(target, samples, signal, noise)
    assert float(loss) == pytest.approx(
        loss_by_averaging(target, samples, signal, noise), rel=1e-11, abs=1e-14
    )
    s, g = Fraction(signal), Fraction(noise)
    c = s / (s**2 + g**2)
    chosen = assignments(target, samples)
    rank = Fraction(sum(target.ranks[k] for k in chosen), len(samples))
    bracket = (c * s) ** 2 - 2 * c * s
    formula = sample_energy(samples) + c**2 * g**2 * rank + bracket * captured_energy(target, samples)
    assert loss == formula
    assert bracket <= 0


def test_principal_components_are_the_best_subspace() -> None:
    rng = np.random.default_rng(0)
    samples = rng.integers(-5, 6, (7, 4)).tolist()
    best = sum(float(value) for value in principal_energies(samples, digits=25)[:2])
    (basis,), _, captured = fit_subspaces(np.array(samples, dtype=float), [2])
    assert captured == pytest.approx(best, rel=1e-13)
    rounded = LowRankMixture.spanned([1], [np.rint(basis.T * 10**6).astype(int).tolist()])
    assert best - 1e-9 < float(captured_energy(rounded, samples)) <= best
    for _ in range(50):
        other = LowRankMixture.spanned([1], [rng.integers(-9, 10, (2, 4)).tolist()])
        assert float(captured_energy(other, samples)) <= best
        assert denoising_loss(other, samples, 1, 1) >= denoising_loss(rounded, samples, 1, 1)


def test_spectra_by_three_engines() -> None:
    samples = np.random.default_rng(1).integers(-9, 10, (5, 8)).tolist()
    fast = principal_energies(samples)
    balls = principal_energies(samples, digits=40)
    independent = principal_energies(samples, digits=40, engine="mpmath")
    assert len(fast) == len(balls) == len(independent) == 5
    for a, b, c in zip(fast, balls, independent, strict=True):
        assert a == pytest.approx(float(b), rel=1e-13)
        assert float(b) == pytest.approx(float(c), rel=1e-14)
        assert b.rad() < 1e-38


def test_repeated_eigenvalues_are_repeated() -> None:
    values = principal_energies([[2, 0, 0], [0, 2, 0], [0, 0, 1]], digits=20)
    assert [float(v) for v in values] == pytest.approx([4 / 3, 4 / 3, 1 / 3], rel=1e-15)


def test_clustering_finds_the_subspaces() -> None:
    target = LowRankMixture.spanned(
        ["1/2", "1/2"], [[[1, 0, 0, 0, 0], [0, 1, 1, 0, 0]], [[0, 0, 0, 1, 0], [0, 1, -1, 0, 2]]]
    )
    points = np.array([[float(x) for x in p] for k in (0, 1) for p in target.exact_sample(k, 30, seed=k)])
    bases, labels, captured = fit_subspaces(points, [2, 2], seed=3)
    assert captured == pytest.approx(np.mean(np.sum(points**2, axis=1)), rel=1e-12)
    assert len(set(labels[:30])) == len(set(labels[30:])) == 1
    found = sorted(np.round(b @ b.T, 9).tolist() for b in bases)
    truth = sorted(np.round(b @ b.T, 9).tolist() for b in target.orthonormal_bases())
    assert np.allclose(found, truth, atol=1e-8)


def test_ties_go_to_the_first() -> None:
    target = LowRankMixture.spanned(["1/2", "1/2"], [[[1, 0]], [[0, 1]]])
    assert assignments(target, [[1, 1], [1, 2], [2, 1]]) == (0, 1, 0)


def test_projections() -> None:
    plane = Subspace.spanned_by(
        [(Fraction(1), Fraction(1), Fraction(0)), (Fraction(0), Fraction(1), Fraction(1))]
    )
    assert plane.projection * plane.projection == plane.projection
    assert plane.projection == plane.projection.transpose()
    (normal,) = complement_in(plane.basis, None, 3)
    assert plane.project(normal) == (0, 0, 0)
    line = Subspace.spanned_by([normal])
    assert distance_squared(plane, line) == 3
    assert distance_squared(plane, plane) == 0
    same = Subspace.spanned_by(
        [(Fraction(1), Fraction(2), Fraction(1)), (Fraction(1), Fraction(0), Fraction(-1))]
    )
    assert same == plane
    assert hash(same) == hash(plane)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: denoising_loss(PLANE, [[1, 2]], 1, 1), r"samples\[0\]: 2 coordinates"),
        (lambda: denoising_loss(PLANE, [], 1, 1), "samples: the list is empty"),
        (lambda: denoising_loss(PLANE, [[1, 2, 3, 4]], 1, 0), "noise: 0 is not positive"),
        (lambda: denoising_loss("PLANE", [[1]], 1, 1), "target: str is not"),
        (lambda: principal_energies([[1, 2], [3]]), r"samples\[1\]: 1 coordinates"),
        (lambda: fit_subspaces(np.zeros((3, 2)), [3]), r"ranks\[0\]: 3 exceeds 2"),
        (lambda: fit_subspaces(np.zeros(3), [1]), r"samples: an array of shape \(3,\)"),
        (lambda: fit_subspaces(np.full((3, 2), np.nan), [1]), "samples: an array"),
        (lambda: fit_subspaces(np.zeros((3, 2)), []), r"ranks: \[\] for 3 samples"),
    ],
)
def test_bad_input(call, message) -> None:
    with pytest.raises(ValueError, match=message):
        call()
