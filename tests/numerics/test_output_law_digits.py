"""Output laws of deterministic samplers in balls: closed forms, other engines, bounds at coarse radii."""

from __future__ import annotations

import cmath
import math
import random
import re
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise

import flint
import mpmath
import pytest

from numerics import Mixture, PrecisionError, Schedule, SpanError, samplers
from numerics.arithmetic import balls
from numerics.output_law import OutputLaw, certified_panels, output_law
from numerics.output_law.certified_setting import setting_of
from numerics.output_law.certified_tilt import Tilted
from numerics.output_law.law import DISTANCES

THREE = Mixture(["1/5", "1/2", "3/10"], [-3, 0, 4])
PAIR = Mixture(["1/2", "1/2"], [-1, 1], 0)
RULES = [samplers.Ddim(), samplers.Euler(), samplers.Heun(), samplers.DpmSolverPlusPlus()]
SIGMAS = ["10", "3", "1", "3/10", "0"]


def folded() -> OutputLaw:
    """The Heun map that is not monotone."""
    return output_law(PAIR, Schedule.from_sigmas([1, "1/10"]), samplers.Heun(), "normal")


def linear_map(sampler: samplers.Sampler, v: mpmath.mpf) -> mpmath.mpf:
    """The slope of the map for one atom at 0, by the textbook recursions on D = v x/(sigma^2 + v)."""
    levels = [mpmath.mpf(Fraction(x).numerator) / Fraction(x).denominator for x in SIGMAS]
    x, before, length = mpmath.mpf(1), None, mpmath.mpf(0)
    for now, following in pairwise(levels):
        d = v * x / (now**2 + v)
        if following == 0 or not isinstance(sampler, samplers.Heun | samplers.DpmSolverPlusPlus):
            x = d + following / now * (x - d)
        elif isinstance(sampler, samplers.Heun):
            slope = (x - d) / now
            moved = x + (following - now) * slope
            x += (following - now) * (slope + (moved - v * moved / (following**2 + v)) / following) / 2
        else:
            h = mpmath.log(now / following)
            wanted = d if before is None else d + (d - before) * h / (2 * length)
            x, before, length = following / now * x + (1 - following / now) * wanted, d, h
    return x


@pytest.mark.parametrize(
    "sampler",
    [s if s == samplers.Heun() else pytest.param(s, marks=pytest.mark.slow) for s in RULES],
    ids=str,
)
def test_a_gaussian_target_agrees_with_closed_forms_in_all_digits(sampler: samplers.Sampler) -> None:
    law = output_law(Mixture([1], [0], 2), Schedule.from_sigmas(SIGMAS), sampler, "normal")
    with mpmath.workdps(60):
        s = 10 * linear_map(sampler, mpmath.mpf(2))
        t, r = mpmath.sqrt(2), s * s / 2
        z = mpmath.sqrt(mpmath.log(r) / (1 / t**2 - 1 / s**2))
        exact = {
            "tv": abs(mpmath.erf(z / (s * mpmath.sqrt(2))) - mpmath.erf(z / (t * mpmath.sqrt(2)))),
            "kl": (1 / r - 1 + mpmath.log(r)) / 2,
            "reverse_kl": (r - 1 - mpmath.log(r)) / 2,
            "hellinger": mpmath.sqrt(1 - mpmath.sqrt(2 * s * t / (s * s + t * t))),
            "wasserstein_1": abs(s - t) * mpmath.sqrt(2 / mpmath.pi),
            "wasserstein_2": abs(s - t),
        }
        y = mpmath.mpf("0.7")
        exact["density"] = mpmath.exp(-(y**2) / (2 * s * s)) / (s * mpmath.sqrt(2 * mpmath.pi))
        exact["cdf"] = mpmath.erfc(-y / (s * mpmath.sqrt(2))) / 2
        values = {name: law.truth(name, digits=25).value for name in DISTANCES}
        values |= {"density": law.density("0.7", digits=25), "cdf": law.cdf("0.7", digits=25)}
        for name, value in values.items():
            with balls(200).precision():
                found = flint.arb(mpmath.nstr(exact[name], 50)) - value
                assert abs(found) < flint.arb(10) ** -25 * flint.arb(str(exact[name])), name


@pytest.mark.parametrize("start", ["exact", "normal"])
def test_ddim_on_karras_levels_agrees_with_floats_within_their_stated_error(start: str) -> None:
    law = output_law(THREE, Schedule.karras(18), samplers.Ddim(), start)
    for name in DISTANCES[:-1]:
        ball, fast = law.truth(name, digits=20), law.truth(name)
        assert abs(float(ball.value.mid()) - fast.value) <= fast.error <= 1e-12, name
        assert ball.engine == "certified"
        assert ball.radius <= abs(ball.value) * flint.arb(10) ** -20


def test_more_digits_nest() -> None:
    law = output_law(THREE, Schedule.karras(18), samplers.Ddim(), "normal")
    for name in ("tv", "kl", "reverse_kl", "hellinger", "wasserstein_1"):
        few, some, many = (law.truth(name, digits=n).value for n in (10, 30, 60))
        with balls(400).precision():
            assert few.contains(some.mid()), name
            assert some.overlaps(many), name
            assert few.overlaps(many), name
            assert many.rad() < abs(many) * flint.arb(10) ** -60


CASES = [
    (Schedule.flow_matching(6), samplers.Ddim(score_error="1/5"), "exact"),
    (Schedule.from_snr(["1/100", "1/10", "1/2", "9/10"]), samplers.Heun(score_error="1/5"), "exact"),
    (
        Schedule.from_alpha_bar(["1/10", "2/5", "4/5"]),
        samplers.DpmSolverPlusPlus(score_error="-1/5"),
        "normal",
    ),
    (Schedule.geometric(5), samplers.Euler(), "normal"),
    (Schedule.ddpm_linear(8), samplers.Heun(), "normal"),
]


@pytest.mark.parametrize(("schedule", "sampler", "start"), CASES, ids=str)
@pytest.mark.parametrize("reference", ["target", pytest.param("last_level", marks=pytest.mark.slow)])
def test_every_sampler_convention_and_reference_agrees_with_the_fast_engine(
    schedule: Schedule, sampler: samplers.Sampler, start: str, reference: str
) -> None:
    law = output_law(THREE, schedule, sampler, start)
    for name in ("tv", "kl", "reverse_kl", "hellinger", "wasserstein_1"):
        ball, fast = law.truth(name, reference, digits=12).value, law.truth(name, reference)
        assert abs(float(ball.mid()) - fast.value) <= fast.error, name


def test_the_stated_errors_of_one_atom_cover_rounding() -> None:
    levels = Schedule.from_alpha_bar(["3/5", "73/100", "37/50"])
    one = output_law(Mixture([1], ["9/5"], "1/3"), levels, samplers.Heun(score_error="-7/10"))
    step = Schedule.from_alpha_bar(["3/100", 1])
    other = output_law(Mixture([1], ["1/2"], "1/10"), step, samplers.DpmSolverPlusPlus(score_error="3/5"))
    for law, name, reference in ((one, "tv", "last_level"), (other, "wasserstein_1", "target")):
        ball, fast = law.truth(name, reference, digits=16).value, law.truth(name, reference)
        assert abs(ball - fast.value).lower() <= fast.error, name


@pytest.mark.slow
def test_the_w2_of_short_schedules_agrees_with_the_fast_engine() -> None:
    law = output_law(THREE, CASES[2][0], CASES[2][1], "normal")
    ball, fast = law.wasserstein(2, "last_level", digits=10), law.truth("wasserstein_2", "last_level")
    assert abs(float(ball.mid()) - fast.value) <= fast.error + 1e-10 * fast.value


def test_a_discrete_target_has_exact_divergences_and_certified_wasserstein_distances() -> None:
    law = output_law(Mixture(["1/4", "3/4"], [-1, 2], 0), Schedule.ddpm_linear(8), samplers.Ddim())
    assert law.tv(digits=20) == 1
    assert law.hellinger(digits=20) == 1
    assert law.kl(digits=20) == flint.arb.pos_inf()
    for order in (1, 2):
        fast = law.truth(f"wasserstein_{order}")
        assert abs(float(law.wasserstein(order, digits=15).mid()) - fast.value) <= fast.error


def test_an_output_equal_to_the_reference_has_distances_that_contain_zero() -> None:
    """One atom, v = 0: DDIM carries every level's law into the next one's."""
    law = output_law(Mixture([1], [3], 0), Schedule.karras(5), samplers.Ddim())
    for name in ("tv", "kl", "reverse_kl", "hellinger", "wasserstein_1"):
        ball = law.truth(name, "last_level", digits=8).value
        assert ball.contains(0)
        assert ball.rad() < 1e-16
    assert abs(law.wasserstein(1, "last_level")) <= law.truth("wasserstein_1", "last_level").error


# Folds


def test_the_folds_of_heun_are_isolated_with_proof() -> None:
    """The turning points of the step as it is defined, by mpmath."""
    with balls(160).precision():
        setting = setting_of(folded()._chain, "last_level", 20, 160)
        points = [b.above.point for b in setting.branches if b.above is not None]
        assert [b.rising for b in setting.branches] == [True, False, True, False, True]
    with mpmath.workdps(30):

        def heun(x: mpmath.mpf) -> mpmath.mpf:
            first = x - mpmath.tanh(x)
            moved = x - mpmath.mpf("0.9") * first
            return x - mpmath.mpf("0.45") * (first + (moved - mpmath.tanh(100 * moved)) * 10)

        ends = [(-2.6, -2.3), (-0.035, -0.03), (0.03, 0.035), (2.3, 2.6)]
        for point, bracket in zip(points, ends, strict=True):
            turn = mpmath.findroot(lambda x: mpmath.diff(heun, x), bracket, solver="anderson", tol=1e-20)
            assert float(abs(point - flint.arb(mpmath.nstr(turn, 25))).upper()) < 1e-12


def test_distances_of_a_folded_map() -> None:
    law = folded()
    truth = law.truth("wasserstein_1", "last_level", digits=14)
    assert any("4 folds, isolated" in note for note in truth.notes)
    assert abs(float(truth.value.mid()) - law.wasserstein(1, "last_level")) < 1e-12
    assert abs(float(law.wasserstein(1, digits=14).mid()) - law.wasserstein(1)) < 1e-12
    for x in ("2", "-3", "1"):
        assert float(law.cdf(x, digits=12).mid()) == pytest.approx(law.cdf(float(x)), abs=1e-12)
        assert float(law.density(x, digits=12).mid()) == pytest.approx(law.density(float(x)), rel=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize("distance", ["tv", "kl", "wasserstein_2"])
def test_the_independent_engine_agrees_on_a_folded_map(distance: str) -> None:
    """Base starts and panels against preimages and a double-exponential rule in y."""
    law = folded()
    law.truth(distance, "last_level", digits=8)
    names = ("kl", "reverse_kl", "hellinger") if distance == "kl" else (distance,)
    for name in names:
        ball = law.truth(name, "last_level", digits=8)
        other = law.truth(name, "last_level", digits=8, engine="mpmath")
        fast = law.truth(name, "last_level")
        with mpmath.workdps(30):
            gap = float(abs(mpmath.mpf(ball.value.mid().str(25, radius=False)) - other.value))
        assert gap <= float(ball.radius) + other.error + 1e-20, name
        assert abs(float(ball.value.mid()) - fast.value) <= fast.error + float(ball.radius), name


def test_the_independent_engine_agrees() -> None:
    target = Mixture(["3/10", "7/10"], [-1, 2], "1/2")
    law = output_law(target, Schedule.from_sigmas([3, 1]), samplers.DpmSolverPlusPlus(score_error="1/10"))
    for name in ("kl", "reverse_kl", "hellinger"):
        ball = law.truth(name, "last_level", digits=12)
        other = law.truth(name, "last_level", digits=6, engine="mpmath")
        assert other.engine == "mpmath"
        assert abs(float(ball.value.mid()) - float(other.value)) <= 1e-12


@pytest.mark.slow
@pytest.mark.parametrize("distance", ["tv", "wasserstein_1", "wasserstein_2"])
@pytest.mark.parametrize(
    "sampler", [samplers.Heun(), samplers.DpmSolverPlusPlus(score_error="1/10")], ids=str
)
def test_the_independent_engine_agrees_in_every_distance(distance: str, sampler: samplers.Sampler) -> None:
    target = Mixture(["3/10", "7/10"], [-1, 2], "1/2")
    law = output_law(target, Schedule.from_sigmas([4, 1, "1/3"]), sampler)
    ball = law.truth(distance, "last_level", digits=10)
    other = law.truth(distance, "last_level", digits=6, engine="mpmath")
    assert abs(float(ball.value.mid()) - float(other.value)) <= other.error + 1e-10


@pytest.mark.slow
def test_folds_narrower_than_any_grid_are_found() -> None:
    """Heun on Karras levels with v = 0 turns 40 times, on starts of total probability 2e-7."""
    law = output_law(Mixture(THREE.weights, [-3, 0, 4], 0), Schedule.karras(18), samplers.Heun(), "normal")
    with balls(220).precision():
        setting = setting_of(law._chain, "last_level", 20, 220)
        assert len(setting.branches) == 41
        width = setting.branches[-1].low - setting.branches[0].high
        assert width < 200
    with pytest.raises(PrecisionError, match="tv: the map has 40 folds, isolated"):
        law.tv("last_level", digits=8)
    # the fast engine misses them, and its error says so
    truth = law.truth("tv", "last_level")
    assert 1e-8 < truth.error < 1e-5


# Bounds


def test_the_bounds_on_discs_hold_and_are_sharp_at_first_order() -> None:
    """Random mixtures and coarse discs, against the cumulants at complex points."""
    rng = random.Random(5)
    closest = [0.0, 0.0, 0.0]
    for _ in range(150):
        count = rng.randint(2, 5)
        atoms = sorted(rng.uniform(-3, 3) for _ in range(count))
        weights = [rng.random() + 0.01 for _ in range(count)]
        weights = [w / math.fsum(weights) for w in weights]
        t, c, r = 10 ** rng.uniform(-1, 1), rng.uniform(-4, 4), 10 ** rng.uniform(-3, 0)

        def values(
            z: complex, atoms: list[float] = atoms, weights: list[float] = weights, t: float = t
        ) -> tuple[complex, complex, complex]:
            parts = [w * cmath.exp(-t * (z - a) ** 2 / 2) for w, a in zip(weights, atoms, strict=True)]
            total = sum(parts)
            mean = sum(p * a for p, a in zip(parts, atoms, strict=True)) / total
            second = sum(p * (a - mean) ** 2 for p, a in zip(parts, atoms, strict=True)) / total
            third = sum(p * (a - mean) ** 3 for p, a in zip(parts, atoms, strict=True)) / total
            return total, second, third

        with balls(120).precision():
            law = Tilted([flint.arb(w) for w in weights], [flint.arb(a) for a in atoms], flint.arb(t))
            sway = law.local(flint.arb(c), third=True).sway(flint.arb(r), third=True, density=True)
        if sway is None:
            continue
        limits = [float(x) for x in (sway.log_density, sway.second, sway.third)]
        centre = values(complex(c))
        for k in range(24):
            z = c + r * cmath.exp(2j * math.pi * k / 24)
            total, second, third = values(z)
            moved = [abs(cmath.log(total / centre[0])), abs(second - centre[1]), abs(third - centre[2])]
            if moved[0] > 3:
                moved[0] = 0.0  # another sheet of the logarithm
            for i in range(3):
                assert moved[i] <= limits[i] * (1 + 1e-6) + 1e-13
                closest[i] = max(closest[i], moved[i] / (limits[i] + 1e-9))
    assert min(closest) > 0.4


@pytest.mark.parametrize("distance", [0.3, 0.6, 1.0, 2.5])
def test_the_error_of_panels_holds_for_a_pole_at_any_distance(distance: float) -> None:
    """int 1/(x^2 + a^2) over [-1, 1], with |f| <= 1/(a^2 - r^2) on a disc that the pole is outside of."""
    with balls(200).precision():
        a = flint.arb(distance)

        def bound(centre: flint.arb, rho: flint.arb) -> list[flint.arb] | None:
            away = (centre * centre + a * a).sqrt() - rho
            return [1 / (away * away)] if away > 0 else None

        for digits in (3, 10, 40):
            (found,) = certified_panels.integrals(
                flint.arb(-1),
                flint.arb(1),
                lambda x: [1 / (x * x + a * a)],
                bound,
                lambda x, y: [(y - x) / (a * a)],
                flint.arb(10) ** -digits,
                "test",
                1,
            )
            exact = 2 * (1 / a).atan() / a
            assert found.contains(exact)
            assert found.rad() < flint.arb(10) ** -(digits - 3)


def test_the_rule_without_its_error_would_not_contain_the_integral() -> None:
    with balls(200).precision():
        rough = certified_panels._panel(lambda x: [1 / (x * x + 1)], flint.arb(0), flint.arb(1), 6)[0]
        assert not rough.contains(flint.arb.pi() / 2)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda law: law.tv(digits=0), ValueError, "digits: 0 is not between 1 and"),
        (lambda law: law.tv(digits="x"), ValueError, "digits: 'x' is not an integer"),
        (lambda law: law.tv(engine="mpmath"), ValueError, "digits: missing; the mpmath engine needs"),
        (lambda law: law.truth("x", digits=5), ValueError, "distance: 'x' is none of tv, kl"),
        (lambda law: law.density("x", digits=5), ValueError, "x: 'x' is not a number"),
        (
            lambda law: output_law(THREE, Schedule.karras(4)).tv(digits=5),
            ValueError,
            "digits: samplers.Ddpm(variance='matched') has no output law to 5 digits",
        ),
        (
            lambda law: output_law(THREE, Schedule.karras(4), samplers.Ddim(score_error=math.sin)).tv(
                digits=5
            ),
            ValueError,
            "score_error: a function has no enclosure",
        ),
        (
            lambda law: output_law(Mixture([1], [[0, 0]]), Schedule.karras(4), samplers.Ddim()).tv(
                digits=5
            ),
            SpanError,
            "target: it has dimension 2; certified output laws are one-dimensional",
        ),
    ],
)
def test_bad_arguments_name_argument_value_and_rule(
    call: Callable[[OutputLaw], object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=re.escape(message)):
        call(output_law(THREE, Schedule.karras(4), samplers.Ddim()))
