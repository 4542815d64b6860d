"""Means of products of posterior cumulants: three engines, snr zero, remainders, bad input."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import comb

import flint
import numpy as np
import pytest

from numerics import Mixture, Orthogonal, PrecisionError, SpanError, covariance_moment, mmse
from numerics.arithmetic import balls, to_ball
from numerics.convexity import mmse_second_derivative
from numerics.posterior_moments import _bound, cumulant_moment

THREE = Mixture(["1/5", "1/2", "3/10"], [-3, 0, 4], 1)
FIVE = Mixture(["1/10", "3/10", "1/5", "3/10", "1/10"], [-2, "-1/2", "1/3", 1, "5/2"], 0)
RARE = Mixture([1 - Fraction(1, 10**30), Fraction(1, 10**30)], [0, 1], 0)
ORDERS = [(3, 3), (2, 2, 2), (2, 3, 3), (4, 4), (3, 3, 4), (5, 5), (3,), (2, 2, 2, 2, 2)]


def direct(target: Mixture, t: float, orders: tuple[int, ...]) -> float:
    """The mean by a plain float sum over a fine grid, cumulants from raw moments."""
    weights = np.array([float(w) for w in target.weights])
    atoms = np.array([float(a) for (a,) in target.means])
    z = np.arange(-40, 40, 0.01)[:, None]
    joint = weights * np.exp(-((z - t**0.5 * atoms) ** 2) / 2) / (2 * np.pi) ** 0.5
    p = joint.sum(axis=1)
    kept = p > 1e-290
    share = joint[kept] / p[kept][:, None]
    raw = [np.sum(share * atoms**n, axis=1) for n in range(6)]
    cumulants = [None, raw[1]]
    for n in range(2, 6):
        cumulants.append(raw[n] - sum(comb(n - 1, m - 1) * cumulants[m] * raw[n - m] for m in range(1, n)))
    product = p[kept] * np.prod([cumulants[n] for n in orders], axis=0)
    return float(product.sum() * 0.01)


@pytest.mark.parametrize("orders", ORDERS, ids=str)
@pytest.mark.parametrize("t", ["0", "1/100", "1", "7"])
def test_the_engines_agree(orders: tuple[int, ...], t: str) -> None:
    for target in (THREE, FIVE):
        ball = cumulant_moment(target, t, orders, digits=20).value
        fast = cumulant_moment(target, t, orders)
        other = cumulant_moment(target, t, orders, digits=15, engine="mpmath").value
        middle = float(ball.mid())
        assert abs(fast.value - middle) <= fast.error + 1e-15 * abs(middle)
        assert abs(float(other) - middle) <= 1e-13 * max(abs(middle), 1e-30)
        if float(Fraction(t)) > 0:
            assert direct(target, float(Fraction(t)), orders) == pytest.approx(middle, rel=1e-7, abs=1e-9)


def test_products_that_have_other_names() -> None:
    for t in ("1/50", "1", "20"):
        with balls(256).precision():
            square = cumulant_moment(THREE, t, (2, 2), digits=25).value
            assert square.overlaps(covariance_moment(THREE, t, digits=25))
            assert cumulant_moment(THREE, t, (2,), digits=25).value.overlaps(mmse(THREE, t, digits=25))
            second = 2 * cumulant_moment(THREE, t, (2, 2, 2), digits=25).value
            second -= cumulant_moment(THREE, t, (3, 3), digits=25).value
            assert second.overlaps(mmse_second_derivative(THREE, t, digits=20))


def test_at_snr_zero_the_posterior_is_the_prior() -> None:
    p = Fraction(1, 20)
    skew = Mixture([1 - p, p], [0, 1], 0)
    k2, k3 = p * (1 - p), p * (1 - p) * (1 - 2 * p)
    with balls(256).precision():
        value = cumulant_moment(skew, 0, (2, 3, 3), digits=40).value
        assert value.overlaps(to_ball(k2 * k3 * k3))
        assert value.rel_accuracy_bits() > 130


@pytest.mark.parametrize("t", ["1/1000", "1", "30"])
def test_enclosures_nest(t: str) -> None:
    with balls(600).precision():
        values = [cumulant_moment(FIVE, t, (2, 3, 3), digits=n).value for n in (10, 20, 40)]
        for coarse, fine in pairwise(values):
            assert coarse.overlaps(fine)
            assert fine.rad() < coarse.rad()


def test_coarse_grids_stay_within_their_remainder() -> None:
    """The remainder, factor by factor: a coarse sum differs from the truth, but by no more than is said."""
    from numerics.posterior_moments import _Line

    line = _Line(
        (Fraction(-1, 2), Fraction(1, 10), Fraction(1, 2)), FIVE.weights[:3], Fraction(1), (2, 3, 3)
    )
    weights = tuple(w / sum(FIVE.weights[:3]) for w in FIVE.weights[:3])
    line.weights = weights
    with balls(400).precision():
        for t in (flint.arb("0.05"), flint.arb(2), flint.arb(40)):
            truth = line.certified(t, 90.0)
            for decay in (0.5, 1.0, 2.0, 4.0, 8.0, 16.0):
                coarse = line.certified(t, decay)
                assert coarse.overlaps(truth)
                assert coarse.rad() > 0


def test_sizes_of_cumulants_are_bounds() -> None:
    """|k_n| of a law on [-1/2, 1/2] is within the bound that the remainder rests on."""
    rng = np.random.default_rng(5)
    for _ in range(200):
        count = rng.integers(2, 6)
        w, a = rng.dirichlet(np.ones(count)), rng.uniform(-0.5, 0.5, count)
        raw = [float(np.sum(w * a**n)) for n in range(6)]
        cumulants = [0.0, raw[1]]
        for n in range(2, 6):
            cumulants.append(
                raw[n] - sum(comb(n - 1, m - 1) * cumulants[m] * raw[n - m] for m in range(1, n))
            )
            assert abs(cumulants[n]) <= float(_bound((n,)))


def test_extremes() -> None:
    assert cumulant_moment(Mixture([1], [5], 1), 3, (2, 2), digits=20).value == 0
    rare = cumulant_moment(RARE, 1, (2, 2), digits=40).value
    assert rare.rel_accuracy_bits() > 60
    assert 0 < float(rare.mid()) < 1e-59
    moved = Mixture(THREE.weights, [x + 10**6 for (x,) in THREE.means], 1)
    with balls(200).precision():
        here = cumulant_moment(THREE, "1/3", (3, 3, 4), digits=25).value
        assert here.overlaps(cumulant_moment(moved, "1/3", (3, 3, 4), digits=25).value)


@pytest.mark.parametrize(
    "arguments",
    [
        {"orders": ()},
        {"orders": (1,)},
        {"orders": (9,)},
        {"orders": "22"},
        {"orders": (2.5,)},
        {"orders": (8, 8, 8, 2)},
        {"t": -1},
        {"t": "nan"},
        {"target": 3},
    ],
)
def test_bad_input_is_refused_in_one_line(arguments: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"^\w") as caught:
        cumulant_moment(**{"target": THREE, "t": 1, "orders": (2, 2), **arguments})  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_only_lines_are_covered() -> None:
    with pytest.raises(SpanError):
        cumulant_moment(Orthogonal(5, 1), 1, (2, 2), digits=10)
    with pytest.raises(PrecisionError):
        cumulant_moment(THREE, 10**9, (2, 2), digits=10)
