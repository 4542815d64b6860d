"""W_2 between a core and its noised version: three engines, another route, extremes."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest

from numerics import Mixture, Orthogonal, Product, SpanError
from numerics.arithmetic import balls
from numerics.early_stopping import early_stopping_truth
from tests.theory.errands import quantile_cost

THREE = Mixture(["1/5", "1/2", "3/10"], [-3, 0, 4], 0)
BINARY = Mixture(["1/2", "1/2"], [-1, 1], 0)


@pytest.mark.parametrize("snr", ["1/100", "1", "7/2", "20"])
@pytest.mark.parametrize("target", [THREE, BINARY, Mixture(["9/10", "1/10"], [0, 1], 1)])
def test_engines_agree_and_so_does_another_route(target: Mixture, snr: str) -> None:
    fast = early_stopping_truth(target, snr)
    ball = early_stopping_truth(target, snr, 30).value
    other = early_stopping_truth(target, snr, 15, "mpmath").value
    assert ball.rad() < 1e-30 * float(1 / Fraction(snr))
    assert abs(float(ball) - fast.value) <= fast.error
    assert float(other) == pytest.approx(float(ball), rel=1e-14)
    weights, atoms = [float(w) for w in target.weights], [float(x) for (x,) in target.means]
    assert quantile_cost(weights, atoms, float(Fraction(snr))) == pytest.approx(float(ball), rel=1e-11)


def test_enclosures_nest() -> None:
    found = [early_stopping_truth(THREE, "1/3", digits).value for digits in (15, 40, 90)]
    assert all(wide.contains(narrow) for wide, narrow in pairwise(found))


def test_orthogonal_noise_and_independent_copies_add() -> None:
    """The atoms of `far` are twice sqrt(1 + 4) apart."""
    far = Mixture(["1/2", "1/2"], [[-1, -2, 0], [1, 2, 0]], 0)
    line = Mixture(["1/2", "1/2"], [0, "4.472135954999579392818347337462552470881236719223"], 0)
    wide = early_stopping_truth(far, 2, 30).value
    assert abs(wide - early_stopping_truth(line, 2, 30).value - 1) < 1e-29
    copies = early_stopping_truth(Product(THREE, 1000), 2, 20).value
    assert abs(copies - 1000 * early_stopping_truth(THREE, 2, 30).value) < 1e-12


def test_one_atom_costs_all_of_the_noise() -> None:
    with balls(150).precision():
        assert abs(early_stopping_truth(Mixture([1], [[3, 1]], 0), 7, 30).value * 7 - 2) < 1e-28
    assert early_stopping_truth(Mixture([1], [3], 0), 7).value == pytest.approx(1 / 7)


@pytest.mark.parametrize("snr", ["1/1000000", "1", "1000000"])
def test_extremes(snr: str) -> None:
    """Rare atoms, fifty atoms, atoms nearly together: never above d/s, always to the digits."""
    rare = Mixture([1 - Fraction(1, 10**30), Fraction(1, 10**30)], [0, 1], 0)
    many = Mixture([Fraction(1, 50)] * 50, list(range(50)), 0)
    near = Mixture(["1/2", "1/2"], [0, Fraction(1, 10**12)], 0)
    for target in (rare, many, near):
        ball = early_stopping_truth(target, snr, 20).value
        assert ball.rad() < 1e-20 / float(Fraction(snr))
        assert ball.lower() <= 1 / float(Fraction(snr)) * (1 + 1e-15)
        assert ball > 0


@pytest.mark.parametrize(
    ("target", "snr", "message"),
    [(THREE, 0, "not positive"), (THREE, "x", "not a number"), ("three", 1, "is not a target")],
)
def test_bad_arguments(target: object, snr: object, message: str) -> None:
    for digits in (None, 20):
        with pytest.raises(ValueError, match=message):
            early_stopping_truth(target, snr, digits)  # type: ignore[arg-type]


def test_wider_spans_say_so() -> None:
    with pytest.raises(SpanError, match="means on a line"):
        early_stopping_truth(Orthogonal(5, 1, 0), 1, 20)
