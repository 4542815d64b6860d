"""The best schedule: independent optimisers, exact cases, several optima, limits, export, comparison."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import scipy.integrate
import scipy.optimize

from numerics import Mixture, PrecisionError, Product, Schedule, Target, covariance_moment, mmse, path_kl
from numerics.arithmetic import balls, to_ball
from numerics.best import MOST_BEST_STEPS, best_limit, best_schedules
from numerics.best_compare import FAMILIES, compare_with_usual, family, steps_needed
from numerics.best_curve import curve_of
from numerics.best_export import export

BINARY = Mixture(["1/2", "1/2"], [-1, 1], 1)
THREE = Mixture(["1/5", "1/2", "3/10"], [-3, 0, 4], 1)
FIVE = Mixture(["1/10", "1/5", "3/10", "1/5", "1/5"], [-5, -2, 0, 1, 6], 1)
SKEW = Mixture(["1/100", "99/100"], [0, 1], 1)
TARGETS = {"binary": BINARY, "three": THREE, "five": FIVE, "skew": SKEW}

SCALES = Mixture(["1/4", "1/4", "1/2"], [0, 1, 30], 0)
"""Two scales, gaps 1 and 29: with start 0, stop 100 and three steps there are two minima and a saddle."""

every_target = pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS.keys())


def knots_of(schedule: Schedule) -> tuple[Fraction, ...]:
    knots: tuple[Fraction, ...] = schedule.parameters["snr"]
    return knots


def relative_residuals(target: Mixture, schedule: Schedule, digits: int) -> list[float]:
    """(M(t_{k-1}) - M(t_k)) / (delta_k C(t_k)) - 1 at the inner knots, in balls."""
    knots = knots_of(schedule)
    values = [mmse(target, t, digits=digits) for t in knots]
    moments = [covariance_moment(target, t, digits=digits) for t in knots]
    residuals = []
    with balls(4 * digits + 64).precision():
        for k in range(1, len(knots) - 1):
            slope = moments[k] * to_ball(knots[k + 1] - knots[k])
            residual = (values[k - 1] - values[k]) / slope - 1
            assert residual.rad() < 10.0 ** (3 - digits)
            residuals.append(float(residual.mid()))
    return residuals


# Against routes that share nothing with the search


def mpmath_equations(knots: list[mpmath.mpf]) -> list[mpmath.mpf]:
    """The stationarity equations of `BINARY` from its closed form, by mpmath quadrature.

    For A = +-1: M(t) = 1 - E tanh(t + sqrt(t) N), C(t) = E sech(t + sqrt(t) N)^4.
    """

    def expectation(f, t):
        points = [-12, -8, -4, 0, 4, 8, 12]
        return mpmath.quad(lambda n: mpmath.npdf(n) * f(t + mpmath.sqrt(t) * n), points)

    m = [1 - expectation(mpmath.tanh, t) for t in knots]
    c = [expectation(lambda y: mpmath.sech(y) ** 4, t) for t in knots[1:-1]]
    return [m[k - 1] - m[k] - (knots[k + 1] - knots[k]) * c[k - 1] for k in range(1, len(knots) - 1)]


def test_three_steps_against_mpmath_findroot() -> None:
    """Knots of the binary target to 14 digits by mpmath alone, from a rough start."""
    with mpmath.workdps(18):
        root = mpmath.findroot(
            lambda *inner: mpmath_equations([mpmath.mpf(0), *inner, mpmath.mpf(1)]), [0.3, 0.6], tol=1e-24
        )
        found = knots_of(Schedule.best(BINARY, 3, digits=15))[1:-1]
        for mine, other in zip(found, root, strict=True):
            assert abs(mpmath.mpf(mine.numerator) / mine.denominator - other) < mpmath.mpf("2e-15")


def sums(target: Mixture, t: float) -> tuple[float, float]:
    """M(t) and C(t) by a fine Riemann sum in machine numbers, straight from the definitions."""
    weights = np.array([float(w) for w in target.weights])
    atoms = np.array([float(a[0]) for a in target.means])
    s = math.sqrt(t)
    z = np.arange(s * atoms.min() - 14, s * atoms.max() + 14, 0.01)
    joint = weights * np.exp(-((z[:, None] - s * atoms) ** 2) / 2) / math.sqrt(2 * math.pi)
    density = joint.sum(axis=1)
    posterior = joint / density[:, None]
    covariance = (posterior * (atoms - (posterior @ atoms)[:, None]) ** 2).sum(axis=1)
    return 0.01 * float(density @ covariance), 0.01 * float(density @ covariance**2)


@every_target
def test_eight_steps_against_a_system_solver(target: Mixture) -> None:
    """Knots to 10 digits: scipy's solver on the stationarity equations, from equal steps."""

    def equations(inner: np.ndarray) -> list[float]:
        knots = [0.0, *inner.tolist(), 1.0]
        m, c = zip(*(sums(target, abs(t)) for t in knots), strict=True)
        return [(m[k - 1] - m[k]) / c[k] - (knots[k + 1] - knots[k]) for k in range(1, 8)]

    solution = scipy.optimize.root(equations, np.arange(1, 8) / 8, tol=1e-14)
    best = best_schedules(target, 8)
    assert len(best) == 1
    found = [float(t) for t in knots_of(best[0].schedule)[1:-1]]
    assert found == pytest.approx(solution.x.tolist(), rel=1e-10)


@every_target
def test_eight_steps_against_a_minimiser(target: Mixture) -> None:
    """Path KL to 10 digits and knots to the 4 that differences of machine numbers give."""

    def knots(gaps: np.ndarray) -> np.ndarray:
        shares = np.exp(np.append(gaps, 0.0))
        return np.cumsum(shares)[:-1] / shares.sum()

    def objective(gaps: np.ndarray) -> float:
        return math.log(path_kl(target, Schedule.from_snr([0, *knots(gaps).tolist(), 1])))

    result = scipy.optimize.minimize(objective, np.zeros(7), method="BFGS", options={"gtol": 1e-7})
    best = best_schedules(target, 8)[0]
    assert result.fun == pytest.approx(math.log(best.path_kl), rel=1e-10)
    assert result.fun >= math.log(best.path_kl) - 1e-12
    assert knots(result.x) == pytest.approx([float(t) for t in knots_of(best.schedule)[1:-1]], rel=1e-4)


@every_target
def test_two_steps_against_a_scalar_root(target: Mixture) -> None:
    def derivative(t: float) -> float:
        return float(mmse(target, 0) - mmse(target, t) - (1 - t) * covariance_moment(target, t))

    root = scipy.optimize.brentq(derivative, 1e-3, 0.999, xtol=1e-14, rtol=1e-13)
    assert float(knots_of(Schedule.best(target, 2))[1]) == pytest.approx(root, rel=1e-11)


# Knots and path KL to the stated digits


@every_target
@pytest.mark.parametrize("steps", [2, 8, 100])
def test_fast_knots_agree_with_refined_ones(target: Mixture, steps: int) -> None:
    fast = best_schedules(target, steps)[0]
    refined = best_schedules(target, steps, digits=22)[0]
    for a, b in zip(knots_of(fast.schedule)[1:-1], knots_of(refined.schedule)[1:-1], strict=True):
        assert abs(a - b) <= Fraction(1, 10**11) * b
    assert float(refined.path_kl) == pytest.approx(fast.path_kl, rel=1e-12)
    assert fast.kind == "minimum"


@every_target
def test_refined_knots_are_stationary(target: Mixture) -> None:
    schedule = Schedule.best(target, 8, digits=30)
    assert max(map(abs, relative_residuals(target, schedule, 40))) < 1e-27


@pytest.mark.slow
@every_target
def test_a_thousand_steps(target: Mixture) -> None:
    fast = best_schedules(target, 1000)
    assert len(fast) == 1
    refined = best_schedules(target, 1000, digits=20)[0]
    for a, b in zip(knots_of(fast[0].schedule)[1:-1], knots_of(refined.schedule)[1:-1], strict=True):
        assert abs(a - b) <= Fraction(1, 10**11) * b
    assert float(refined.path_kl) == pytest.approx(fast[0].path_kl, rel=1e-12)


def test_check_values() -> None:
    """Made with digits=30 and confirmed by the stationarity equations in balls."""
    best = best_schedules(THREE, 8, digits=20)[0]
    assert best.path_kl.overlaps(path_kl(THREE, best.schedule, digits=25))
    assert float(best.path_kl) == pytest.approx(0.1471585584194324, rel=1e-14)
    expected = [0.0472656086501, 0.107663786897, 0.184838692822, 0.283508789197]
    assert [float(t) for t in knots_of(best.schedule)[1:5]] == pytest.approx(expected, rel=1e-11)


def test_one_step_has_nothing_to_choose() -> None:
    (only,) = best_schedules(THREE, 1)
    assert knots_of(only.schedule) == (0, 1)
    assert only.path_kl == pytest.approx(path_kl(THREE, Schedule.from_snr([0, 1])), rel=1e-13)


def test_gaussian_like_scaling() -> None:
    """X scaled by s: knots over s^2, the same path KL."""
    wide = Mixture(["1/5", "1/2", "3/10"], [-30, 0, 40], 100)
    for a, b in zip(knots_of(Schedule.best(THREE, 5)), knots_of(Schedule.best(wide, 5)), strict=True):
        assert abs(a - 100 * b) <= Fraction(2, 10**11) * a


# Optimality


@every_target
@pytest.mark.parametrize("steps", [2, 8, 100])
def test_no_perturbation_is_better(target: Mixture, steps: int) -> None:
    best = best_schedules(target, steps)[0]
    knots = np.array([float(t) for t in knots_of(best.schedule)])
    rng = np.random.default_rng(steps)
    for size in (1e-2, 1e-1, 0.4):
        for _ in range(10):
            moved = knots.copy()
            room = np.minimum(np.diff(knots)[:-1], np.diff(knots)[1:])
            moved[1:-1] += size * room * rng.uniform(-1, 1, steps - 1)
            value = path_kl(target, Schedule.from_snr(moved))
            assert value > best.path_kl * (1 + 1e-12)


def test_more_steps_are_better_and_less_and_less() -> None:
    """The cost of a step has the Monge property, so that the optimum is convex in the number of steps."""
    values = [best_schedules(THREE, n)[0].path_kl for n in range(1, 13)]
    falls = [a - b for a, b in itertools.pairwise(values)]
    assert all(fall > 0 for fall in falls)
    assert all(a > b for a, b in itertools.pairwise(falls))


def test_two_local_optima() -> None:
    """t_1 on one scale or on the other: both minima, and the saddle between them, checked in balls."""
    found = best_schedules(SCALES, 3, stop=100, digits=20)
    assert [point.kind for point in found] == ["minimum", "minimum", "saddle"]
    for point in found:
        assert max(map(abs, relative_residuals(SCALES, point.schedule, 30))) < 1e-17
    values = [float(point.path_kl) * 3 for point in found]
    assert values == pytest.approx([22.32585, 23.10956, 26.10362], abs=1e-5)
    assert values == sorted(values)


def test_two_local_optima_by_a_scan_of_its_own() -> None:
    """The sign changes of t_3(t_1) - 100 on 2,000 values of t_1, with the public functionals."""

    def overshoot(first: float) -> float:
        moment = covariance_moment(SCALES, first)
        second = first + (mmse(SCALES, 0) - mmse(SCALES, first)) / moment if moment else math.inf
        if not second < 100:
            return math.inf
        moment = covariance_moment(SCALES, second)
        drop = mmse(SCALES, first) - mmse(SCALES, second)
        return second + drop / moment - 100 if moment else math.inf

    firsts = np.geomspace(1e-4, 99, 2000)
    signs = [overshoot(float(t)) > 0 for t in firsts]
    roots = [i for i in range(len(signs) - 1) if signs[i] != signs[i + 1]]
    found = sorted(float(knots_of(point.schedule)[1]) for point in best_schedules(SCALES, 3, stop=100))
    assert len(roots) == len(found) == 3
    for i, t in zip(roots, found, strict=True):
        assert firsts[i] <= t <= firsts[i + 1]


@pytest.mark.parametrize("stop", [1, 100, 1000])
@pytest.mark.parametrize("steps", [2, 3, 5, 8, 12, 20])
def test_no_stationary_point_is_missing(stop: int, steps: int) -> None:
    """Poincare and Hopf: the sum of (-1)^descents is 1. And none beats brute force on a coarse grid."""
    found = best_schedules(SCALES, steps, stop=stop)
    assert sum((-1) ** point.descents for point in found) == 1
    curve = curve_of(SCALES.core, Fraction(0), Fraction(stop), 100)
    rng = np.random.default_rng(1)
    for _ in range(200):
        x = np.sort(rng.uniform(0, math.log1p(curve.end), steps - 1))
        knots = np.concatenate([[0.0], np.expm1(x), [curve.width]])
        assert curve.steps(knots)[1].sum() >= found[0].path_kl


# The limit


@every_target
def test_limit_constant(target: Mixture) -> None:
    limit = best_limit(target)
    root = scipy.integrate.quad(
        lambda t: math.sqrt(covariance_moment(target, t)), 0, 1, epsabs=0, epsrel=1e-12, limit=200
    )[0]
    assert limit.value == pytest.approx(root**2 / 4, rel=1e-11)
    assert limit.error < 1e-11 * limit.value
    gaps = [abs(n * best_schedules(target, n)[0].path_kl / limit.value - 1) for n in (50, 100, 200)]
    assert gaps[0] > gaps[1] > gaps[2]
    assert gaps[2] < 0.01
    assert gaps[1] / gaps[2] == pytest.approx(2, rel=0.05)


def test_limit_against_entropy() -> None:
    """lim n KL_best <= (1/2) I(T) log(T / t_0)."""
    bound = math.log(100) / 2 * math.log(2)
    assert best_limit(BINARY, "1/100", 1).value < bound


# Ends, extremes, errors


def test_discrete_target_with_a_far_end() -> None:
    discrete = Mixture(["1/2", "1/2"], [-1, 1], 0)
    for steps in (1, 2, 8, 100):
        best = best_schedules(discrete, steps, stop=10**6)[0]
        assert path_kl(discrete, best.schedule) == pytest.approx(best.path_kl, rel=1e-12)
    near, far = (best_limit(discrete, stop=stop) for stop in (1000, 10**9))
    assert near.value == pytest.approx(far.value, rel=1e-11)


def test_start_after_zero() -> None:
    schedule = Schedule.best(THREE, 8, start="1/3", stop="2/3", digits=20)
    assert knots_of(schedule)[0] == Fraction(1, 3)
    assert knots_of(schedule)[-1] == Fraction(2, 3)
    assert max(map(abs, relative_residuals(THREE, schedule, 40))) < 1e-17


def test_narrow_range_far_out() -> None:
    schedule = Schedule.best(BINARY, 4, start=3, stop=Fraction(3) + Fraction(1, 10**6))
    steps = [float(b - a) for a, b in itertools.pairwise(knots_of(schedule))]
    assert steps == pytest.approx([2.5e-7] * 4, rel=1e-5)


def test_weights_of_1e_30() -> None:
    rare = Mixture([Fraction(1, 10**30), 1 - Fraction(1, 10**30)], [0, 1], 1)
    best = best_schedules(rare, 4, stop=10**4)[0]
    assert path_kl(rare, best.schedule) == pytest.approx(best.path_kl, rel=1e-11)


def test_plane() -> None:
    plane = Mixture(["1/4", "1/4", "1/2"], [[0, 0], [3, 1], [-1, 2]], 1)
    best = best_schedules(plane, 3)[0]
    assert path_kl(plane, best.schedule) == pytest.approx(best.path_kl, rel=1e-11)
    moved = [x * (1 + 1e-3 * (0 < i < 3)) for i, x in enumerate(knots_of(best.schedule))]
    assert path_kl(plane, Schedule.from_snr(moved)) > best.path_kl


def test_single_atom() -> None:
    one = Mixture([1], [3], 1)
    (only,) = best_schedules(one, 4)
    assert only.path_kl == 0
    assert path_kl(one, only.schedule) == 0
    assert best_limit(one).value == 0


@pytest.mark.parametrize(
    ("target", "place"),
    [
        (Mixture([1 - Fraction("1e-250"), Fraction("1e-250")], [0, 1], 0), "1e-250"),
        (Product(Mixture(["1/2", "1/2"], ["-1e74", "1e74"], 0), copies=10**9), "1e157"),
    ],
)
def test_a_variance_whose_square_is_no_machine_number(target: Target, place: str) -> None:
    for call in (best_limit, lambda *ends: best_schedules(target, 3, *ends[1:])):
        with pytest.raises(PrecisionError, match=f"about {place}, is not between 1e-142 and 1e150"):
            call(target, 0, 1000)


def test_the_smallest_variance_that_is_taken() -> None:
    """C is near 1e-280 at 0: the limit is that of the rare atom, 2 sqrt(pi log(1/w)) w to a few percent."""
    rare = Mixture([1 - Fraction("1e-140"), Fraction("1e-140")], [0, 1], 0)
    assert best_limit(rare, 0, 10_000).value == pytest.approx(
        2 * math.sqrt(math.pi * 140 * math.log(10)) * 1e-140, rel=0.02
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"steps": 0}, "steps: 0 is below 1"),
        ({"steps": MOST_BEST_STEPS + 1}, "steps: 2001 exceeds 2000"),
        ({"steps": 4, "start": -1}, "start: -1 is negative"),
        ({"steps": 4, "start": 1}, "stop: 1 does not exceed start = 1"),
        ({"steps": 4, "stop": 0}, "stop: 0 does not exceed start = 0"),
        ({"steps": 4, "digits": 51}, "digits: 51 exceeds 50"),
    ],
)
def test_errors(arguments: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        best_schedules(THREE, **arguments)


def test_discrete_target_needs_a_stop() -> None:
    with pytest.raises(ValueError, match="stop: missing"):
        Schedule.best(Mixture(["1/2", "1/2"], [-1, 1], 0), 4)
    with pytest.raises(ValueError, match="is not a target"):
        Schedule.best("three", 4)


# The schedule as an object; export


def test_schedule_round_trip() -> None:
    schedule = Schedule.best(THREE, 4)
    assert schedule.steps == 4
    assert schedule.convention == "snr"
    assert Schedule.from_json(schedule.to_json()) == schedule
    assert eval(repr(schedule)) == schedule  # noqa: S307
    assert schedule.notes(THREE) == ("best schedule: stationary knots, rounded to 12 digits of t - start",)
    with pytest.raises(ValueError, match="'digits' is missing"):
        Schedule.from_dict({"type": "best", "snr": ["0", "1"]})


@pytest.mark.parametrize("variance", ["1/2", "1", "3"])
@pytest.mark.parametrize("convention", ["alpha_bar", "sigmas", "times"])
def test_export_reads_back(convention: str, variance: str) -> None:
    target = Mixture(["1/5", "1/2", "3/10"], [-3, 0, 4], variance)
    schedule = Schedule.best(target, 6, start="1/1000")
    levels = export(schedule, target, convention, digits=30)
    listed = [x.mid().str(40, radius=False) for x in levels]
    again = getattr(Schedule, f"from_{convention}")(listed).snr(target, digits=25)
    with balls(200).precision():
        for t, u in zip(knots_of(schedule), again, strict=True):
            assert abs(u / to_ball(t) - 1) < 1e-20
    floats = export(schedule, target, convention)
    assert floats == pytest.approx([float(x) for x in levels], rel=1e-15)
    assert floats[-1] == {"alpha_bar": 1.0, "sigmas": 0.0, "times": 0.0}[convention]


def test_export_of_named_schedules() -> None:
    assert export(Schedule.karras(5), THREE, "sigmas")[-1] == 0
    assert export(Schedule.karras(5), THREE, "sigmas")[0] == pytest.approx(80, rel=1e-15)
    assert export(Schedule.flow_matching(4), THREE, "times") == pytest.approx([1, 0.75, 0.5, 0.25, 0])


def test_export_errors() -> None:
    with pytest.raises(ValueError, match="knot 0 is 0, where sigma is infinite"):
        export(Schedule.best(THREE, 4), THREE, "sigmas")
    with pytest.raises(ValueError, match="beyond 1/v"):
        export(Schedule.best(THREE, 4, stop=2), THREE, "alpha_bar")
    with pytest.raises(ValueError, match="convention"):
        export(Schedule.best(THREE, 4), THREE, "beta")


# Beside the usual schedules


@pytest.mark.parametrize("name", FAMILIES)
def test_steps_needed(name: str) -> None:
    make = family(name, stop=1)
    goal = 0.15
    count = steps_needed(THREE, goal, make)
    assert count is not None
    assert path_kl(THREE, make(count)) <= goal
    try:
        before = make(count - 1)
    except ValueError:
        return
    assert path_kl(THREE, before) > goal


def test_steps_out_of_reach() -> None:
    assert steps_needed(THREE, 1e-9, family("ddpm_linear")) is None
    assert steps_needed(THREE, "1e-3", family("uniform"), most=10) is None
    with pytest.raises(ValueError, match="error"):
        steps_needed(THREE, 0, family("uniform"))


def test_comparison() -> None:
    table = compare_with_usual(THREE, 20)
    assert set(table.usual) | {"li_cai_wei"} == set(FAMILIES)
    assert all(value > table.path_kl for value in table.usual.values())
    assert all(count is None or count > 20 for count in table.needed.values())
    assert table.usual["ddpm_linear"] == pytest.approx(0.10332313649222297, rel=1e-12)


def test_four_dimensions_are_refused() -> None:
    """A span of four dimensions is refused as by every functional."""
    simplex = Mixture(["1/5"] * 5, np.eye(5).tolist(), 1)
    with pytest.raises((ValueError, PrecisionError)):
        best_schedules(simplex, 3)
