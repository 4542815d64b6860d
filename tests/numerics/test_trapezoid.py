"""The error of the trapezoidal rule at coarse spacings: engines, another route, the theorem's bound."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import flint
import pytest

from numerics import Mixture, SpanError, covariance_moment, mmse, mutual_information
from numerics.arithmetic import balls
from numerics.line import core_law, strip_of
from numerics.quadrature import remainder
from numerics.trapezoid import trapezoid_error_truth
from tests.theory.errands import trapezoid_errors

THREE = Mixture(["1/5", "1/2", "3/10"], [-3, 0, 4], 0)
BINARY = Mixture(["1/2", "1/2"], [-1, 1], 1)
VALUES: dict[str, Any] = {
    "mmse": mmse,
    "mutual_information": mutual_information,
    "covariance_moment": covariance_moment,
}
LETTERS = {"mmse": "M", "mutual_information": "I", "covariance_moment": "C"}


@pytest.mark.parametrize("functional", list(VALUES))
@pytest.mark.parametrize("target", [THREE, BINARY])
@pytest.mark.parametrize(("snr", "spacing"), [("1/10", "2"), ("1", "5"), ("10", "1"), ("1", "3/10")])
def test_engines_agree_and_so_does_another_route(
    target: Mixture, functional: Any, snr: str, spacing: str
) -> None:
    ball = trapezoid_error_truth(functional, target, snr, spacing, 20).value
    assert ball.rad() < 1e-20 * float(ball)
    other = trapezoid_error_truth(functional, target, snr, spacing, 10, "mpmath").value
    assert float(other) == pytest.approx(float(ball), rel=1e-9)
    assert trapezoid_error_truth(functional, target, snr, spacing).value == pytest.approx(float(ball))
    weights, atoms = [float(w) for w in target.weights], [float(x) for (x,) in target.means]
    exact = {letter: float(VALUES[name](target, snr)) for name, letter in LETTERS.items()}
    found = trapezoid_errors(weights, atoms, float(Fraction(snr)), float(Fraction(spacing)), exact)
    assert found[LETTERS[functional]] == pytest.approx(float(ball), rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("functional", list(VALUES))
@pytest.mark.parametrize("spacing", ["3/10", "1", "2", "5"])
@pytest.mark.parametrize("snr", ["1/1000", "1/10", "1", "10"])
def test_the_remainder_of_the_engine_covers_it(functional: Any, spacing: str, snr: str) -> None:
    """In units of the diameter, which is what the engine's strip is stated in."""
    for target in (THREE, BINARY):
        law = core_law(target.core)
        assert law is not None
        power = {"mmse": 1, "mutual_information": 0, "covariance_moment": 2}[functional]
        with balls(128).precision():
            unit = flint.arb(int(target.core.diameter_squared))
            t = flint.arb(flint.fmpq(*Fraction(snr).as_integer_ratio())) * unit
            bound = remainder(flint.arb(float(Fraction(spacing))), strip_of(law, t, functional, None))
            error = trapezoid_error_truth(functional, target, snr, spacing, 20).value
            assert error.lower() <= (bound * unit**power).upper() * (1 + 1e-12)


def test_one_atom_has_no_error() -> None:
    assert trapezoid_error_truth("mmse", Mixture([1], [2], 0), 1, 1, 20).value == 0
    assert trapezoid_error_truth("mmse", Mixture([1], [2], 0), 1, 1).value == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("mmse", THREE, 1, 0), "spacing: 0 is not positive"),
        (("mmse", THREE, 1, "wide"), "spacing: 'wide' is not a number"),
        (("mean", THREE, 1, 1), "functional: 'mean'"),
        (("mmse", "three", 1, 1), "is not a target"),
    ],
)
def test_bad_arguments(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        trapezoid_error_truth(*arguments, 20)


def test_wider_spans_say_so() -> None:
    with pytest.raises(SpanError):
        trapezoid_error_truth("mmse", Mixture(["1/3"] * 3, [[0, 0], [1, 0], [0, 1]]), 1, 1, 20)
