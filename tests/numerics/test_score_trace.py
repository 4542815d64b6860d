"""The trace of the score's Jacobian: two routes at a point, its tail by three, products, the best pair."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise

import flint
import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numerics import Mixture, Orthogonal, PrecisionError, SpanError
from numerics.arithmetic import FLOATS, balls, mpmath_numbers
from numerics.score_trace import line_of, posterior_spread_at, score_trace_at, trace_tail
from numerics.trace_laws import pair_quantile, product_quantile, product_trace_tail

PAIR = Mixture(["1/2", "1/2"], [-2, 2], 1)
THREE = Mixture(["1/5", "1/2", "3/10"], [-3, 0, 4], 1)
SPACE = Mixture(["1/2", "1/4", "1/4"], [[0, 0, 0], [3, 1, 0], [-1, 2, 2]], 1)


def overlaps(ball, number, slack=0.0):
    with balls(256).precision():
        return bool((ball + flint.arb(0, slack)).overlaps(flint.arb(mpmath.nstr(number, 30))))


@st.composite
def mixtures(draw):
    counts = draw(st.lists(st.integers(1, 20), min_size=2, max_size=5))
    means = draw(st.lists(st.integers(-24, 24), min_size=len(counts), max_size=len(counts), unique=True))
    return Mixture([Fraction(c, sum(counts)) for c in counts], [Fraction(m, 4) for m in means], 1)


@pytest.mark.parametrize("target", [PAIR, THREE, SPACE], ids=["pair", "three", "space"])
@pytest.mark.parametrize("x", ["0", "7/3"])
def test_the_trace_is_alpha_bar_times_the_spread(target, x):
    point = [Fraction(x)] * target.dimension
    for ops in (balls(200), mpmath_numbers(40), FLOATS):
        with ops.precision():
            a = ops.number(Fraction(2, 7))
            trace = score_trace_at(target, a, point, ops)
            spread = a * posterior_spread_at(target, a, point, ops)
            if ops is FLOATS:
                assert trace == pytest.approx(spread, rel=1e-12)
            else:
                assert abs(trace - spread) < mpmath.mpf("1e-35") if ops.name == "mpmath" else True
                assert ops.name == "mpmath" or (trace.overlaps(spread) and trace.rad() < 1e-50)


def test_the_trace_is_that_of_differences_of_the_score():
    a, h = 0.3, 1e-4
    weights = np.array([float(w) for w in SPACE.weights])
    centres = math.sqrt(a) * np.array([[float(c) for c in m] for m in SPACE.means])

    def log_density(x):
        return math.log(weights @ np.exp(-((x - centres) ** 2).sum(axis=1) / 2))

    x = np.array([0.4, -0.2, 1.1])
    trace = 3 + sum(
        (log_density(x + h * e) - 2 * log_density(x) + log_density(x - h * e)) / h**2 for e in np.eye(3)
    )
    exact = [Fraction(2, 5), Fraction(-1, 5), Fraction(11, 10)]
    assert score_trace_at(SPACE, a, exact, FLOATS) == pytest.approx(trace, abs=1e-6)


@given(mixtures(), st.integers(1, 20), st.integers(1, 40))
@settings(max_examples=20, deadline=None)
def test_balls_and_mpmath_agree_on_the_tail(target, level, share):
    alpha_bar = Fraction(level, 20)
    spread = max(m[0] for m in target.means) - min(m[0] for m in target.means)
    threshold = alpha_bar * spread * spread * share / 160
    ball = trace_tail(target, alpha_bar, threshold, 12)
    assert overlaps(ball, trace_tail(target, alpha_bar, threshold, 12, "mpmath"), 1e-16)
    assert ball.rad() <= 1e-12 * max(abs(float(ball.mid())), 1e-24)


def test_the_tail_of_a_pair_in_closed_form():
    """trace > x where |z| < (2/D) arcosh(D/(2 sqrt x)), z counted from the middle of the two."""
    for level, x in (("1/2", "1/3"), ("9/10", "2"), ("1", "399/100")):
        a = Fraction(level)
        distance = 4 * math.sqrt(a)
        reach = 2 / distance * math.acosh(distance / (2 * math.sqrt(Fraction(x))))
        ends = (distance / 2 - reach) / math.sqrt(2), (distance / 2 + reach) / math.sqrt(2)
        expected = (math.erf(ends[1]) - math.erf(ends[0])) / 2
        assert float(trace_tail(PAIR, a, x, 20).mid()) == pytest.approx(expected, rel=1e-9)


def test_draws_have_that_tail():
    rng = np.random.default_rng(7)
    a = 0.4
    x = math.sqrt(a) * THREE.sample(rng, 200_000)[:, 0] + math.sqrt(1 - a) * rng.standard_normal(200_000)
    centres = math.sqrt(a) * np.array([float(m[0]) for m in THREE.means])
    weights = np.array([float(w) for w in THREE.weights])
    parts = weights[:, None] * np.exp(-((x - centres[:, None]) ** 2) / 2)
    parts /= parts.sum(axis=0)
    mean = centres @ parts
    trace = (parts * (centres[:, None] - mean) ** 2).sum(axis=0)
    for threshold in ("1/10", "1", "2"):
        share = float((trace > float(Fraction(threshold))).mean())
        exact = float(trace_tail(THREE, "2/5", threshold, 10).mid())
        assert share == pytest.approx(exact, abs=4 * math.sqrt(exact * (1 - exact) / 200_000))


@pytest.mark.parametrize("threshold", ["0", "1/1000000", "1/2", "199/100", "2", "201/100", "50"])
def test_enclosures_of_more_digits_nest(threshold):
    found = [trace_tail(PAIR, "1/2", threshold, digits) for digits in (5, 20, 40, 80)]
    with balls(600).precision():
        assert all(a.overlaps(b) for a in found for b in found)
        assert all(after.rad() <= before.rad() for before, after in pairwise(found))


def test_the_largest_trace_is_a_quarter_of_the_squared_distance():
    """At the threshold D^2/4 = 2 the roots coincide: the tail is zero, and enclosed as such."""
    ball = trace_tail(PAIR, "1/2", 2, 15)
    assert ball.contains(0)
    assert ball.rad() < 1e-30
    assert trace_tail(PAIR, "1/2", "2000001/1000000", 15) == 0
    assert trace_tail(PAIR, "1/2", "1999999/1000000", 15) > 0


def test_extremes():
    assert trace_tail(Mixture([1], [5], 1), "1/2", "1/10", 10) == 0
    rare = Mixture([1 - Fraction(1, 10**30), Fraction(1, 10**30)], [0, 8], 1)
    small = trace_tail(rare, 1, 1, 10)
    assert 0 < small < 1e-9
    assert small.rad() <= 1e-10 * float(small.mid())
    far = Mixture(["1/2", "1/2"], [0, 60], 1)
    assert trace_tail(far, 1, 800, 10).contains(0)
    tiny = trace_tail(far, 1, 800, 90)
    assert 0 < tiny < 1e-150
    many = Mixture([Fraction(1, 16)] * 16, range(16), 1)
    assert overlaps(trace_tail(many, "1/3", "7/10", 6), trace_tail(many, "1/3", "7/10", 6, "mpmath"), 1e-10)
    shifted = Mixture(["1/2", "1/2"], [10**9 - 2, 10**9 + 2], 1)
    assert trace_tail(shifted, "1/2", 1, 20).overlaps(trace_tail(PAIR, "1/2", 1, 20))
    plane = Mixture(["1/2", "1/2"], [[0, 0], [Fraction(12, 5), Fraction(16, 5)]], 1)
    assert trace_tail(plane, "1/2", 1, 20).overlaps(trace_tail(PAIR, "1/2", 1, 20))


def test_bad_input_is_refused_in_one_line():
    for arguments, message in (
        ((Mixture([1], [0], 2), "1/2", 1), "not a mixture of variance 1"),
        ((Orthogonal(3, 1, 1), "1/2", 1), "not a mixture of variance 1"),
        ((PAIR, "1/2", -1), "negative"),
        ((PAIR, "1/2", "one"), "threshold"),
    ):
        with pytest.raises(ValueError, match=message):
            trace_tail(*arguments)
    with pytest.raises(SpanError, match="span 2 dimensions"):
        trace_tail(SPACE, "1/2", 1)
    with pytest.raises(PrecisionError, match="out of reach"):
        trace_tail(PAIR, flint.arb(0.5, 1e-6), 1, 20)
    with pytest.raises(ValueError, match="copies"):
        product_trace_tail(PAIR, "1/2", 1, 0)
    with pytest.raises(ValueError, match="alpha_bar"):
        product_quantile(PAIR, 2, "1/10", 3)
    for wrong in (0, 1, "1/2", -1):
        with pytest.raises(ValueError, match="probability"):
            pair_quantile(wrong)


def test_a_product_of_one_is_the_line_itself():
    for threshold in ("1/10", "1/2", "1"):
        whole = product_trace_tail(PAIR, "2/5", threshold, 1, cells=64)
        exact = trace_tail(PAIR, "2/5", threshold, 12)
        assert whole.overlaps(exact)
        assert whole.rad() < 0.1


def test_finer_grids_of_products_nest_and_contain_draws():
    rng = np.random.default_rng(3)
    a, copies = 0.4, 6
    z = 2 * math.sqrt(a) * rng.choice([-1.0, 1.0], (100_000, copies)) + rng.standard_normal(
        (100_000, copies)
    )
    trace = (4 * a / np.cosh(2 * math.sqrt(a) * z) ** 2).sum(axis=1)
    share = float((trace > 3).mean())
    balls_found = [product_trace_tail(PAIR, "2/5", 3, copies, cells) for cells in (32, 128, 512)]
    assert all(b.overlaps(flint.arb(share, 5e-3)) for b in balls_found)
    assert balls_found[2].rad() < balls_found[1].rad() < balls_found[0].rad()
    quantile = product_quantile(PAIR, "2/5", "1/20", copies, 512)
    assert quantile.overlaps(flint.arb(float(np.quantile(trace, 0.95)), 0.02))


def test_the_best_pair_is_a_pair_and_no_other_is_better():
    """At the quantile x of 1/100 some distance has the tail 1/100, and none of a grid has more."""
    x = Fraction(mpmath.nstr(pair_quantile("1/100", 15), 14))
    tails = []
    for squared in range(18, 60):
        target = Mixture(["1/2", "1/2"], [0, 10], 1)
        tails.append(float(trace_tail(target, Fraction(squared, 100), x, 8).mid()))
    assert 0.0099 < max(tails) <= 0.0100000001


def test_the_quantiles_of_pairs_are_twice_the_logarithm_in_the_limit():
    ratios = [float(pair_quantile(f"1e-{k}", 8)) / (k * math.log(10)) for k in (4, 16, 64, 256)]
    assert ratios == sorted(ratios)
    assert 1.9 < ratios[2] < ratios[3] < 2


@given(mixtures(), st.integers(1, 20), st.integers(1, 60))
@settings(max_examples=30, deadline=None)
def test_the_proven_tail_holds(target, level, share):
    threshold = Fraction(share, 4)
    bound = (len(target.weights) + 1) / 2 * math.exp(-threshold / 4)
    assert float(trace_tail(target, Fraction(level, 20), threshold, 8).upper()) <= bound


def test_the_line_starts_at_zero():
    with balls(128).precision():
        line = line_of(THREE, flint.arb(1) / 4, balls(128))
        assert [float(u.mid()) for u in line.points] == pytest.approx([0, 1.5, 3.5])
        assert float(line.spread.mid()) == pytest.approx(3.5)


def test_components_very_far_apart():
    """Cells are few where one component has all the probability, however far the other is."""
    far = Mixture(["1/4", "3/4"], [0, 10**6], 1)
    assert trace_tail(far, "1/2", "1/3", 15).contains(0)
    mixed = Mixture(["1/4", "1/2", "1/4"], [0, 400, 404], 1)
    near = Mixture(["2/3", "1/3"], [0, 4], 1)
    with balls(400).precision():
        value = trace_tail(mixed, "1/2", "1/3", 15)
        part = trace_tail(near, "1/2", "1/3", 15) * 3 / 4
        assert abs(value - part) < 1e-14
    with pytest.raises(PrecisionError, match="cells"):
        trace_tail(Mixture(["1/4", "1/2", "1/4"], [0, 10**6, 10**6 + 4], 1), "1/2", "1/3", 15)
