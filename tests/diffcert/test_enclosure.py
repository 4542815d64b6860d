"""Decimal text never says more than the ball."""

from __future__ import annotations

import copy
import math
import pickle
from fractions import Fraction
from multiprocessing.reduction import ForkingPickler

import flint
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diffcert.enclosure import ball_text, certified_digits


def exact(ball):
    """The exact end points of a ball."""
    middle, radius = (
        Fraction(int(m)) * Fraction(2) ** int(e) for m, e in (ball.mid().man_exp(), ball.rad().man_exp())
    )
    return middle - radius, middle + radius


balls = st.builds(
    lambda m, e, r, f: flint.arb((m, e), (r, f)),
    st.integers(-(2**90), 2**90),
    st.integers(-150, 60),
    st.integers(0, 2**20),
    st.integers(-200, -20),
)


@given(balls, st.integers(1, 60))
def test_the_printed_interval_contains_the_ball(ball, digits):
    middle, radius = (Fraction(text) for text in ball_text(ball, digits))
    low, high = exact(ball)
    assert middle - radius <= low <= high <= middle + radius


@given(balls, st.integers(1, 40))
def test_the_printed_interval_is_not_much_wider(ball, digits):
    middle, radius = (Fraction(text) for text in ball_text(ball, digits))
    low, high = exact(ball)
    assert radius <= (high - low) * Fraction(51, 100) + abs(middle) / Fraction(10) ** digits


@given(balls, st.integers(1, 12))
def test_every_point_rounds_to_the_printed_digits(ball, digits):
    text = certified_digits(ball, digits)
    low, high = exact(ball)
    if text.startswith("within"):
        bound = Fraction(text.split()[1])
        assert -bound <= low <= high <= bound
        return
    shown = Fraction(text)
    mantissa, _, exponent = text.partition("e")
    decimals = len(mantissa.partition(".")[2]) - int(exponent or 0)
    unit = Fraction(1, 2) / Fraction(10) ** decimals
    assert shown - unit <= low <= high <= shown + unit


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (0.1, 0.0, "0.100000"),
        (0.1, 1e-4, "0.100"),
        (0.25, 1.0, "within 1.3 of 0"),
        (-2.5e-7, 1e-15, "-2.50000e-7"),
        (12345.678, 1e-9, "12345.7"),
        (0.0, 0.0, "0"),
        (math.nan, 0.0, "not determined"),
        (math.inf, 0.0, "infinite"),
        (1.0, math.nan, "not determined"),
        (1.0, math.inf, "not determined"),
    ],
)
def test_floats_are_printed_with_their_error(value, error, text):
    assert certified_digits(value, 6, error) == text


def test_balls_that_are_not_finite():
    assert certified_digits(flint.arb("nan")) == "not determined"
    assert certified_digits(flint.arb.pos_inf()) == "infinite"
    assert ball_text(flint.arb("nan"), 30) == ("nan", "inf")


def test_a_ball_of_enormous_exponent_is_printed_at_once():
    tiny = (-(flint.arb(10) ** 13)).exp()
    assert ball_text(tiny, 10)[0].endswith("e-4342944819033")


@given(balls)
def test_a_ball_survives_the_way_between_processes(ball):
    for again in (
        pickle.loads(ForkingPickler.dumps(ball)),
        pickle.loads(pickle.dumps(ball)),
        copy.deepcopy(ball),
    ):
        assert exact(again) == exact(ball)


@pytest.mark.parametrize("ball", [flint.arb.pos_inf(), flint.arb.neg_inf(), flint.arb("nan")])
def test_infinite_balls_survive_too(ball):
    again = pickle.loads(ForkingPickler.dumps(ball))
    assert str(again) == str(ball)


def test_a_half_line_becomes_unknown_rather_than_smaller():
    half_line = flint.arb(0).union(flint.arb.pos_inf())
    assert pickle.loads(ForkingPickler.dumps(half_line)).is_nan()


def test_a_rational_matrix_survives_pickling():
    matrix = flint.fmpq_mat(2, 3, [flint.fmpq(i, 7) for i in range(-2, 4)])
    assert pickle.loads(pickle.dumps(matrix)) == matrix
    assert pickle.loads(pickle.dumps(flint.fmpq_mat(0, 2))).ncols() == 2
