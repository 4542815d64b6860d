"""The certified engine: nesting, closed forms, invariances, the promise of `digits`, extreme laws."""

from __future__ import annotations

import time
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from typing import Any

import flint
import mpmath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mpf

from numerics import Mixture, PrecisionError, SpanError, covariance_moment, mmse, mutual_information
from numerics.channel import functional_truth
from tests.numerics import reference

DERANDOMISED = settings(derandomize=True, deadline=None, max_examples=25)

NAMES: dict[str, Callable[..., Any]] = {
    "mmse": mmse,
    "mutual_information": mutual_information,
    "covariance_moment": covariance_moment,
}

THREE = Mixture(["1/5", "1/2", "3/10"], [-3, 0, 4])
BINARY = Mixture(["1/2", "1/2"], [-1, 1])
SKEW = Mixture(["19/20", "1/20"], [0, 1])
FIVE = Mixture(["1/10", "3/10", "1/5", "3/10", "1/10"], [-2, "-1/2", "1/3", 1, "5/2"])

LAWS = {"three": THREE, "binary": BINARY, "skew": SKEW, "five": FIVE}


def scale(target: Mixture, name: str) -> Any:
    """What `digits` refers to: V, V^2, max(H, 1)."""
    v = reference.exact(target.core.variance)
    return {"mmse": v, "covariance_moment": v**2}.get(
        name, max(mpf(1), reference.entropy(target.core.weights))
    )


def promise(target: Mixture, name: str, value: flint.arb, digits: int) -> Any:
    """10^-n max(|value|, 10^-n scale), in mpmath."""
    size = max(abs(reference.midpoint(value)), mpf(10) ** -digits * scale(target, name))
    return mpf(10) ** -digits * size


@pytest.mark.parametrize("t", ["1/1000", "1/3", "2", "7"])
@pytest.mark.parametrize("law", LAWS)
def test_against_the_reference(law: str, t: str) -> None:
    """By Gauss-Legendre, formulas of its own: to 28 digits of the scale."""
    target = LAWS[law]
    truth = reference.functionals(target.weights, [m for (m,) in target.means], t)
    with mpmath.workdps(50):
        for name, function in NAMES.items():
            ball = function(target, t, digits=28)
            assert reference.contains(ball, truth[name], mpf(10) ** -29 * scale(target, name))
            assert reference.midpoint(ball.rad()) <= promise(target, name, ball, 28)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("law", LAWS)
def test_nesting(law: str, name: str) -> None:
    """Enclosures at 5, 20, 40 and 80 digits have a point in common, and radii as promised."""
    for t in ("1e-6", "1/3", "3", "60", "5000"):
        balls = [NAMES[name](LAWS[law], t, digits=digits) for digits in (5, 20, 40, 80)]
        finest = balls[-1]
        with mpmath.workdps(200):
            for ball, digits in zip(balls, (5, 20, 40, 80), strict=True):
                assert reference.contains(
                    ball, reference.midpoint(finest), reference.midpoint(finest.rad())
                )
                assert reference.midpoint(ball.rad()) <= promise(LAWS[law], name, ball, digits)


def test_the_series_at_small_t() -> None:
    """Section 13: I = t/2 - t^2/4 + t^3/6 - (5/24) t^4 + ... for A = +-1; M and C by I' = M/2, M' = -C."""
    for exponent in (6, 8, 10):
        t = Fraction(1, 10**exponent)
        information = t / 2 - t**2 / 4 + t**3 / 6 - Fraction(5, 24) * t**4
        error = 1 - t + t**2 - Fraction(5, 3) * t**3
        moment = 1 - 2 * t + 5 * t**2
        with mpmath.workdps(60):
            assert reference.contains(mutual_information(BINARY, t, digits=40), information, 3 * t**5)
            assert reference.contains(mmse(BINARY, t, digits=40), error, 5 * t**4)
            assert reference.contains(covariance_moment(BINARY, t, digits=40), moment, 20 * t**3)


def test_half_the_entropy_of_a_bit() -> None:
    """I = (log 2)/2 at t = 1.044013315, correctly rounded, noise deviation 0.978694."""
    with mpmath.workdps(30):
        half = mpmath.log(2) / 2
        below = mutual_information(BINARY, "1.0440133145", digits=20)
        above = mutual_information(BINARY, "1.0440133155", digits=20)
        assert reference.midpoint(below.upper()) < half < reference.midpoint(above.lower())
        assert round(float(1 / mpmath.sqrt(mpf("1.044013315"))), 6) == 0.978694


def test_zero_is_exact() -> None:
    assert reference.contains(mmse(THREE, 0, digits=30), THREE.core.variance)
    assert reference.contains(covariance_moment(THREE, 0, digits=30), THREE.core.variance**2)
    zero = mutual_information(THREE, 0, digits=30)
    assert zero == 0
    assert zero.rad() == 0


@pytest.mark.parametrize("name", NAMES)
def test_one_distinct_atom_gives_exact_zero(name: str) -> None:
    for target in (Mixture([1], [5]), Mixture(["1/2", "1/2"], [["1/3", 2], ["1/3", 2]])):
        for t in (0, "1/3", 10**9):
            value = NAMES[name](target, t, digits=30)
            assert value == 0
            assert value.rad() == 0


# Invariances: the same law written differently

small = st.fractions(-5, 5, max_denominator=12)


@st.composite
def laws(draw: st.DrawFn) -> tuple[list[Fraction], list[Fraction]]:
    count = draw(st.integers(2, 5))
    parts = draw(st.lists(st.integers(1, 30), min_size=count, max_size=count))
    atoms = draw(st.lists(small, min_size=count, max_size=count, unique=True))
    return [Fraction(part, sum(parts)) for part in parts], atoms


ratios = st.fractions(Fraction(1, 50), 3, max_denominator=50)


@given(laws(), ratios, st.integers(-(10**6), 10**6), st.integers(-8, 8), st.randoms(use_true_random=False))
@DERANDOMISED
def test_shift_scale_permutation_and_merging(
    law: tuple[list[Fraction], list[Fraction]], t: Fraction, shift: int, exponent: int, rng: Any
) -> None:
    """A + c, l A at t/l^2 (M l^2, I, C l^4), atoms reordered, an atom split in two."""
    weights, atoms = law
    plain = Mixture(weights, atoms)
    factor = Fraction(10) ** exponent
    order = list(range(len(atoms)))
    rng.shuffle(order)
    moved = Mixture(
        [*(weights[i] for i in order), Fraction(0)], [*(factor * atoms[i] + shift for i in order), 17]
    )
    split = Mixture([weights[0] / 3, *weights[1:], 2 * weights[0] / 3], [*atoms, atoms[0]])
    for name, power in (("mmse", 2), ("mutual_information", 0), ("covariance_moment", 4)):
        value = functional_truth(name, plain, t, digits=18).value
        other = functional_truth(name, moved, t / factor**2, digits=25).value
        again = functional_truth(name, split, t, digits=25).value
        unit = flint.arb(flint.fmpq((factor**power).numerator, (factor**power).denominator))
        with mpmath.workdps(60):
            size = reference.midpoint(other / unit)
            assert reference.contains(value, size, abs(size) * mpf(10) ** -14)
            assert reference.contains(value, again.mid(), again.rad())


@given(laws(), ratios)
@DERANDOMISED
def test_inequalities_between_the_functionals(
    law: tuple[list[Fraction], list[Fraction]], t: Fraction
) -> None:
    """t M <= 2 I <= 2 H, M <= V/(1 + tV), I <= log(1 + tV)/2, C <= (D^2/4) M, C >= M^2."""
    target = Mixture(*law)
    error, information, moment = (f(target, t, digits=25) for f in NAMES.values())
    variance, span = target.core.variance, target.core.diameter_squared
    with mpmath.workdps(40):
        m, i, c = (reference.midpoint(x) for x in (error, information, moment))
        ratio, v, entropy = (reference.exact(x) for x in (t, variance, 0))
        entropy = reference.entropy(target.weights)
        tiny = mpf(10) ** -20
        assert ratio * m <= 2 * i + tiny
        assert i <= entropy + tiny
        assert m <= v / (1 + ratio * v) + tiny
        assert i <= mpmath.log(1 + ratio * v) / 2 + tiny
        assert m * m - tiny <= c <= reference.exact(span) / 4 * m + tiny


# Extreme laws


@pytest.mark.parametrize("weight", ["1e-30", "1e-12"])
@pytest.mark.parametrize("t", ["1e-3", "1", "9", "150"])
def test_a_weight_of_almost_nothing(weight: str, t: str) -> None:
    """The binary law with P(1) = w, by the one-dimensional integral over the posterior of the rare atom."""
    rare = Fraction(weight)
    target = Mixture([1 - rare, rare], [0, 1])
    with mpmath.workdps(110):
        w, s = reference.exact(rare), mpmath.sqrt(reference.exact(Fraction(t)))

        def posterior(z: Any) -> Any:
            return 1 / (1 + (1 - w) / w * mpmath.exp(s * s / 2 - s * z))

        def integrands(z: Any) -> tuple[Any, Any]:
            p = posterior(z)
            density = (1 - w) * mpmath.npdf(z) + w * mpmath.npdf(z - s)
            return density * p * (1 - p), density * (p * (1 - p)) ** 2

        turn = s / 2 + mpmath.log((1 - w) / w) / s
        low, high = mpf(-20), max(mpf(25), s + 20)
        cuts = sorted({low, high, *(x for x in (mpf(0), s, 2 * s, turn) if low < x < high)})
        error = moment = mpf(0)
        for start, stop in pairwise(cuts):
            part = reference.integrate(integrands, start, stop, min(mpf(1), 2 / s))
            error, moment = error + part[0], moment + part[1]
        for name, truth in (("mmse", error), ("covariance_moment", moment)):
            ball = NAMES[name](target, t, digits=15)
            assert reference.contains(ball, truth, truth * mpf(10) ** -20)
            assert reference.midpoint(ball.rad()) <= promise(target, name, ball, 15)


def test_atoms_that_nearly_coincide() -> None:
    """Atoms 1e-12 apart: close to the merged law, and away from it by the pair's own variance."""
    gap = Fraction(1, 10**12)
    target = Mixture(["1/4", "1/4", "1/2"], [0, gap, 1])
    merged = Mixture(["1/2", "1/2"], [0, 1])
    with mpmath.workdps(60):
        for name, function in NAMES.items():
            near, limit = function(target, 1, digits=40), function(merged, 1, digits=40)
            difference = abs(reference.midpoint(near) - reference.midpoint(limit))
            assert mpf(10) ** -14 < difference < mpf(10) ** -11, name
        own = reference.midpoint(mmse(target, 10**6, digits=40))
        assert abs(own - reference.exact(gap**2 / 8)) < mpf(10) ** -30
        apart = mutual_information(target, Fraction(10**30), digits=20)
        assert reference.contains(apart, reference.entropy(target.weights))


def test_tails_at_large_t() -> None:
    """A = +-1: M e^{t/2} sqrt(t) -> sqrt(pi/2)..., by the integral of sech; exact far below any double."""
    for t in (50, 2000, 10**5):
        with mpmath.workdps(60):
            s = mpmath.sqrt(mpf(t))
            integral = reference.integrate(
                lambda u, s=s: (mpmath.exp(-(u**2) / 2 / s**2) / mpmath.cosh(u),), mpf(-80), mpf(80), mpf(1)
            )[0]
            truth = mpmath.exp(-mpf(t) / 2) / s / mpmath.sqrt(2 * mpmath.pi) * integral
            ball = mmse(BINARY, t, digits=20)
            if truth > mpf(10) ** -38:
                assert reference.contains(ball, truth, truth * mpf(10) ** -25)
            else:
                assert reference.contains(ball, truth)
                assert reference.midpoint(ball.upper()) <= mpf(10) ** -39
            missing = mpmath.log(2) - reference.midpoint(mutual_information(BINARY, t, digits=20))
            assert missing <= 2 * mpmath.exp(-mpf(t) / 2) / 2 + mpf(10) ** -19


@pytest.mark.parametrize("t", [10**9, 10**16, 10**70])
def test_beyond_any_overlap_the_entropy_remains(t: int) -> None:
    with mpmath.workdps(60):
        for target in LAWS.values():
            assert reference.contains(
                mutual_information(target, t, digits=40), reference.entropy(target.weights), mpf(10) ** -44
            )
            assert reference.midpoint(mmse(target, t, digits=40).upper()) <= mpf(10) ** -78


def test_clusters_agree_with_the_single_sum() -> None:
    """Well separated pairs: the decomposition at low precision against the plain sum at high precision."""
    target = Mixture(["1/10", "2/10", "3/10", "4/10"], [0, "1/10", 5, "51/10"])
    for t in ("20", "60"):
        for name, function in NAMES.items():
            coarse, fine = function(target, t, digits=6), function(target, t, digits=60)
            assert reference.contains(coarse, reference.midpoint(fine), reference.midpoint(fine.rad())), (
                name
            )


# What t may be


def test_the_same_t_in_every_spelling() -> None:
    with mpmath.workdps(60):
        third = mpf(1) / 3
    spellings = ["0.375", Fraction(3, 8), 0.375, mpf("0.375"), flint.arb(0.375)]
    values = [mmse(THREE, t, digits=30) for t in spellings]
    assert all(value.overlaps(values[0]) and value.rad() < 1e-29 for value in values)
    assert mmse(THREE, third, digits=30).overlaps(mmse(THREE, "1/3", digits=30))
    assert not mmse(THREE, 1 / 3, digits=30).overlaps(mmse(THREE, "1/3", digits=30))
    assert mmse(THREE, 1 / 3, digits=30).overlaps(mmse(THREE, Fraction(1 / 3), digits=30))


def test_a_ball_as_t_covers_all_its_points() -> None:
    wide = flint.arb("0.5 +/- 1e-10")
    for name, function in NAMES.items():
        value = function(THREE, wide, digits=6)
        for point in ("0.4999999999", "0.5", "0.5000000001"):
            assert value.contains(function(THREE, point, digits=30)), name
        assert value.rad() < 1e-6
    with pytest.raises(
        PrecisionError, match=r"^mmse: 30 digits promised, but at t = .* the radius reached"
    ):
        mmse(THREE, wide, digits=30)


@pytest.mark.parametrize(
    "bad",
    [-1, "-1/3", float("nan"), float("inf"), "x", None, True, 1j, [1], "1e999999999", mpf(-1), mpf("nan")],
    ids=str,
)
def test_a_bad_t_is_refused(bad: Any) -> None:
    began = time.monotonic()
    for options in ({}, {"digits": 20}, {"digits": 20, "engine": "mpmath"}):
        for function in NAMES.values():
            with pytest.raises(ValueError, match=r"^t: ") as refusal:
                function(THREE, bad, **options)
            assert "\n" not in str(refusal.value)
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("bad", ["0 +/- 1", "-1", "nan", "inf"])
def test_a_ball_that_is_no_ratio_is_refused(bad: str) -> None:
    for options in ({}, {"digits": 20}, {"digits": 20, "engine": "mpmath"}):
        with pytest.raises(ValueError, match=r"^t: "):
            mmse(THREE, flint.arb(bad), **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"digits": 0}, "digits: 0 is not between 1 and 1000"),
        ({"digits": 1001}, "digits: 1001 is not between"),
        ({"digits": 2.5}, "digits: 2.5 is not an integer"),
        ({"digits": True}, "digits: True is not an integer"),
        ({"digits": "30"}, "digits: '30' is not an integer"),
        ({"digits": 10**5000}, "digits: .* is not between"),
        ({"engine": "certified"}, "digits: missing"),
        ({"engine": "mpmath"}, "digits: missing"),
        ({"engine": "fast", "digits": 10}, "digits: 10 given, but the fast engine"),
        ({"engine": "exact", "digits": 10}, "engine: 'exact' is none of fast, certified, mpmath"),
        ({"engine": ["fast"]}, r"engine: \['fast'\] is none of"),
    ],
)
def test_bad_engines_and_digits_are_refused(options: dict[str, Any], message: str) -> None:
    for function in NAMES.values():
        with pytest.raises(ValueError, match=f"^{message}"):
            function(THREE, 1, **options)


def test_bad_targets_and_names_are_refused() -> None:
    for bad in (None, "three", 3, [1]):
        with pytest.raises(ValueError, match=r"^target: .* is not a target$"):
            mmse(bad, 1)
    for bad in (None, "variance", ["mmse"]):
        with pytest.raises(ValueError, match=r"^functional: .* is none of mmse, "):
            functional_truth(bad, THREE, 1)
    wide = Mixture(["1/5"] * 5, [[0, 0, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    for options in ({}, {"digits": 20}, {"digits": 20, "engine": "mpmath"}):
        for function in NAMES.values():
            with pytest.raises(SpanError, match=r"^means: they span 4 dimensions"):
                function(wide, 1, **options)


def test_what_is_out_of_reach_is_said_at_once() -> None:
    """64 atoms with no gap wide enough to cut: refused before a node is visited; a wider spread is easy."""
    target = Mixture(["1/64"] * 64, range(64))
    began = time.monotonic()
    with pytest.raises(PrecisionError, match=r"^mutual_information: at snr x diameter\^2 = .* nodes"):
        mutual_information(target, 10**3, digits=1000)
    assert mutual_information(target, 10**9, digits=1000).rad() < flint.arb(10) ** -990
    assert time.monotonic() - began < 10


def test_a_truth_is_an_enclosure() -> None:
    truth = functional_truth("mmse", THREE, "1/3", digits=20)
    assert (truth.functional, truth.engine, truth.digits, truth.error) == ("mmse", "certified", 20, 0.0)
    assert truth.lower() <= truth.value.mid() <= truth.upper()
    assert truth.radius == truth.value.rad()
    noted = functional_truth("mmse", Mixture(["1/4", "1/4", "1/2"], [0, 0, 1]), 1, digits=5)
    assert "merged" in noted.notes[0]


@pytest.mark.slow
@pytest.mark.parametrize(("digits", "snrs"), [(20, ("1/10", "30", "1e12")), (200, ("30",))])
def test_sixty_four_uneven_atoms(digits: int, snrs: tuple[str, ...]) -> None:
    weights = [Fraction(1, 2 ** (i % 20)) for i in range(64)]
    atoms = [Fraction(7 * i * i % 101, 10) for i in range(64)]
    target = Mixture([w / sum(weights) for w in weights], atoms)
    for t in snrs:
        for name, function in NAMES.items():
            low, high = function(target, t, digits=digits), function(target, t, digits=digits + 20)
            assert reference.contains(low, high.mid(), high.rad()), name
