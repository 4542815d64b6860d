"""Whether the mmse is convex: the answers, certified and fast, and what they may cost."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import flint
import mpmath
import numpy as np
import pytest

from numerics import Mixture, PrecisionError, SpanError, convexity
from numerics.convexity import (
    _first_stretch,
    _lower_ratio,
    _Proof,
    _start,
    mmse_is_convex,
    mmse_is_convex_fast,
    mmse_second_derivative,
)
from numerics.curvature import Budget, Sums, enclose
from tests.numerics.mixtures import FAMILY, parts, random_mixture, unit_law

SKEW = Mixture(["19/20", "1/20"], [0, 1])


def thirds(b: int, i: int, j: int) -> Mixture:
    return Mixture([Fraction(i, 30), Fraction(j, 30), Fraction(30 - i - j, 30)], [0, Fraction(b, 20), 1])


def test_stretches_are_as_long_as_proved_and_no_longer() -> None:
    rng = random.Random(2)
    for _ in range(50):
        law = unit_law(random_mixture(rng))
        second, third, square = _start(law)
        length = _first_stretch(law)
        assert (length > 0) is (second > 0)
        longer = Fraction(length) * Fraction(1001, 1000)
        if length:
            assert (
                max(
                    second - square * Fraction(length),
                    second + third * Fraction(length) - 3 * square * Fraction(length) ** 2,
                )
                >= 0
            )
            assert max(second - square * longer, second + third * longer - 3 * square * longer**2) < 0
        sums = enclose(law, flint.arb(0.5), 12.0, Budget())
        ratio = _lower_ratio(sums)
        assert (ratio > 0) is bool(sums.second > 0)
        if ratio:
            assert 0 <= float(sums.second.mid()) / float(sums.square.mid()) - ratio < 1e-3


@pytest.mark.parametrize("last", [1, "7.5", 100])
@pytest.mark.parametrize("name", FAMILY)
def test_family_is_convex(name: str, last: int | str) -> None:
    assert mmse_is_convex(FAMILY[name], last) is True
    assert mmse_is_convex_fast(FAMILY[name], last)


def test_simple_answers() -> None:
    one = Mixture(["1/3", "2/3"], [2, 2])
    assert mmse_is_convex(one, 5) is True
    assert mmse_is_convex_fast(one, 5)
    for last in ("1e-12", "1/10", 1, 100):
        assert mmse_is_convex(SKEW, last) is False
        assert not mmse_is_convex_fast(SKEW, last)
    for target in (SKEW, FAMILY["three"]):
        assert mmse_is_convex(target, 0) is True
        assert mmse_is_convex_fast(target, 0)
    in_the_plane = Mixture(["1/2", "1/2"], [[0, 3], [4, 0]])
    assert mmse_is_convex(in_the_plane, 1) is True


@pytest.mark.parametrize("exponent", [2, 5, 9, 14])
@pytest.mark.parametrize("last", ["1/100", 1, 1000])
def test_bernoulli_is_convex_from_one_sixth(exponent: int, last: str | int) -> None:
    with mpmath.workdps(40):
        threshold = Fraction(str((1 - mpmath.sqrt(1 - mpmath.mpf(4) / 6)) / 2))
    for sign, expected in ((1, True), (-1, False)):
        p = threshold + Fraction(sign, 10**exponent)
        assert mmse_is_convex(Mixture([1 - p, p], [0, 1]), last) is expected


def test_start_is_the_limit() -> None:
    """M''(0) and M'''(0) against M''(h), h = 1e-6 and 2e-6, in the units of the core's law."""
    target = Mixture(["1/5", "1/2", "3/10"], [0, "3/7", 1])
    second, third, square = _start(unit_law(target))
    near, far = (float(mmse_second_derivative(target, h, 25)) for h in ("1e-6", "2e-6"))
    assert 2 * near - far == pytest.approx(float(second), rel=1e-10)
    assert (far - near) * 1e6 == pytest.approx(float(third), rel=1e-4)
    assert square == target.core.variance**2


def test_second_derivative_zero_at_the_start() -> None:
    """M''(0) = 0 exactly: then the sign of M'''(0) tells."""
    rising = thirds(5, 15, 10)
    second, third, _ = _start(unit_law(rising))
    assert second == 0 < third
    falling = Mixture(["1/140", "2/231", "517/532", "272/21945"], [-8, -7, 0, "19/2"])
    second, third, _ = _start(unit_law(falling))
    assert second == 0 > third
    for last in ("1e-20", "1/100", 1, 100):
        assert mmse_is_convex(rising, last) is True
        assert mmse_is_convex_fast(rising, last)
        assert mmse_is_convex(falling, last) is False
        assert not mmse_is_convex_fast(falling, last)


def test_turning_point_is_bracketed() -> None:
    """Where M'' changes sign the answer changes, and only there."""
    target = Mixture(["1/30", "14/15", "1/30"], [0, "9/20", 1])
    low, high = Fraction(0), Fraction(3)
    for _ in range(10):
        middle = (low + high) / 2
        answer = mmse_is_convex(target, middle)
        assert answer is not None
        assert mmse_is_convex_fast(target, middle) is answer
        low, high = (middle, high) if answer else (low, middle)
    assert mmse_second_derivative(target, low) > 0
    assert mmse_second_derivative(target, high) < 0


def test_by_a_hair() -> None:
    """Least M''/E k2^2: -9e-5 at snr 1.75, -1.1e-5 at snr 170, then 5e-5."""
    early, late = thirds(7, 4, 25), thirds(1, 16, 3)
    assert mmse_is_convex(early, "1/100") is True
    assert mmse_is_convex(early, 2) is False
    assert mmse_is_convex(late, 100) is True
    assert mmse_is_convex(late, 200) is False
    assert not mmse_is_convex_fast(late, 200)
    assert mmse_is_convex(thirds(1, 15, 3), 300) is True


@pytest.mark.slow
def test_by_less_than_a_hair() -> None:
    """Least M''/E k2^2: 1.4e-6."""
    assert mmse_is_convex(thirds(1, 3, 16), 300) is True


def check_against_a_scan(seed: int, count: int) -> None:
    rng = random.Random(seed)
    answers = {True: 0, False: 0, None: 0}
    for _ in range(count):
        mixture = random_mixture(rng)
        unit = mixture.core.diameter_squared
        last = Fraction(10) ** rng.randint(-2, 3) / unit
        answer = mmse_is_convex(mixture, last)
        times = np.geomspace(1e-3 / float(unit), float(last), 60) if last * unit > 1 else [float(last)]
        least = min((a - b) / c for a, b, c in (parts(mixture, t) for t in times)) / float(unit)
        answers[answer] += 1
        if answer is True:
            assert least > -1e-9, (mixture, last)
        if answer is False:
            start = _start(unit_law(mixture))[0]
            assert least < 1e-9 or start < 0, (mixture, last)
        if answer is not None and abs(least) > 1e-6:
            assert mmse_is_convex_fast(mixture, last) is answer, (mixture, last)
    assert answers[None] <= count // 20
    assert min(answers[True], answers[False]) >= count // 10


def test_random_mixtures_against_a_scan() -> None:
    check_against_a_scan(11, 20)


@pytest.mark.slow
def test_many_random_mixtures_against_a_scan() -> None:
    check_against_a_scan(12, 400)


def test_tiny_weights() -> None:
    half = Fraction(1, 2)
    tiny = Fraction(1, 10**30)
    outside = Mixture([tiny, half, half - tiny], [-1, 0, 1])
    assert mmse_is_convex(outside, 100) is True
    close = Mixture([tiny, half, half - tiny], ["1/100", 0, 1])
    assert mmse_is_convex(close, 100) is True
    assert mmse_is_convex(close, 10**4) is False
    assert not mmse_is_convex_fast(close, 10**4)


def test_shift_scale_and_order_do_not_matter() -> None:
    for name, last in (("three", 1), ("five", 3)):
        target = FAMILY[name]
        shifted = [a[0] + 10**6 for a in target.means]
        scaled = [-3 * a[0] for a in target.means][::-1]
        assert mmse_is_convex(Mixture(target.weights, shifted), last) is True
        assert mmse_is_convex(Mixture(target.weights[::-1], scaled), Fraction(last, 9)) is True
    assert mmse_is_convex(Mixture(SKEW.weights, [10**6, 10**6 + 1]), 1) is False


def test_last_as_a_ball() -> None:
    target = Mixture(["1/30", "14/15", "1/30"], [0, "9/20", 1])
    assert mmse_is_convex(target, flint.arb(0.3, 0.01)) is True
    assert mmse_is_convex(target, flint.arb(0.5, 0.01)) is False
    assert mmse_is_convex(target, flint.arb(0.36, 0.05)) is None
    assert mmse_is_convex(SKEW, flint.arb(0, 0.1)) is None
    assert mmse_is_convex(SKEW, flint.arb(0)) is True


def test_undecided_where_it_costs_too_much() -> None:
    assert mmse_is_convex(FAMILY["three"], "1e70") is None
    with pytest.raises(PrecisionError, match="nothing is scanned"):
        mmse_is_convex_fast(FAMILY["three"], "1e70")
    proof = _Proof(unit_law(FAMILY["grid16"]), 30, budget=Budget(1000))
    with pytest.raises(PrecisionError, match="exponentials"):
        proof.run(Fraction(3600), Fraction(3600))


@pytest.mark.parametrize("last", [-1, "-1/2", "x", math.nan, math.inf, flint.arb(-1), flint.arb("nan")])
def test_bad_last(last: object) -> None:
    for function in (mmse_is_convex, mmse_is_convex_fast):
        with pytest.raises(ValueError, match="last"):
            function(SKEW, last)


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match="digits"):
        mmse_is_convex(SKEW, 1, digits=0)
    triangle = Mixture(["1/3"] * 3, [[0, 0], [1, 0], [0, 1]])
    for function in (mmse_is_convex, mmse_is_convex_fast, mmse_second_derivative):
        with pytest.raises(SpanError):
            function(triangle, 1)
    with pytest.raises(ValueError, match="t: "):
        mmse_second_derivative(SKEW, flint.arb(0, 1))


def test_precision_of_the_caller_does_not_matter() -> None:
    target = Mixture(["1/4", "1/4", "1/2"], [0, 2, 5])
    before, near = flint.ctx.prec, flint.arb(0.365, 1e-6)
    try:
        flint.ctx.prec = 7
        assert mmse_is_convex(target, "1.234") is True
        rough = mmse_second_derivative(target, "1.234", 25)
        assert mmse_is_convex(Mixture(["1/30", "14/15", "1/30"], [0, "9/20", 1]), near) is True
        assert flint.ctx.prec == 7
    finally:
        flint.ctx.prec = before
    fine = mmse_second_derivative(target, "1.234", 40)
    assert rough.overlaps(fine)
    assert rough.rel_accuracy_bits() > 70


def test_no_answer_without_certainty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a scan that misses a dip nor one that sees a false one makes a wrong answer."""
    late, law = thirds(1, 16, 3), unit_law(thirds(1, 16, 3))
    assert mmse_is_convex(late, 200) is False
    monkeypatch.setattr(convexity, "_scan", lambda law, end: (1.0, 1.0))
    assert not _Proof(law, 30).run(Fraction(200), Fraction(200))
    monkeypatch.setattr(convexity, "_scan", lambda law, end: (1.0, -1.0))
    assert _Proof(law, 30).run(Fraction(100), Fraction(100)) is True
    for centre in (-1, 1):
        vague = Sums(*(flint.arb(x, r) for x, r in ((centre, 2), (1, 0), (1, 0), (1, 0), (1, 0))))
        monkeypatch.setattr(convexity, "enclose", lambda *arguments, vague=vague: vague)
        assert _Proof(law, 30).run(Fraction(100), Fraction(100)) is None
