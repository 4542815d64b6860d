"""The path KL: check values, independent forms, monotonicity, conventions, reverse variances, starts."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise
from typing import Any

import flint
import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mpf

from numerics import (
    Mixture,
    PrecisionError,
    Schedule,
    SpanError,
    covariance_moment,
    mmse,
    mutual_information,
    path_kl,
    samplers,
)
from numerics.path import knot_values, path_kl_truth
from tests.numerics import published, reference

DERANDOMISED = settings(derandomize=True, deadline=None, max_examples=20)

THREE = Mixture(weights=["1/5", "1/2", "3/10"], means=[-3, 0, 4], variance=1)

CHECK_VALUES: dict[str, tuple[Schedule, str]] = {
    "ddpm_linear, 20, linspace": (Schedule.ddpm_linear(20), "0.10332313649222297459"),
    "ddpm_linear, 20, leading": (Schedule.ddpm_linear(20, spacing="leading"), "0.09796390258972875222"),
    "ddpm_linear, 20, trailing": (Schedule.ddpm_linear(20, spacing="trailing"), "0.09796314382301381659"),
    "scaled_linear, 20, linspace": (Schedule.scaled_linear(20), "0.06861829586263654352"),
    "scaled_linear, 20, leading": (Schedule.scaled_linear(20, spacing="leading"), "0.06498528437152187650"),
    "scaled_linear, 20, trailing": (
        Schedule.scaled_linear(20, spacing="trailing"),
        "0.06511216031621690060",
    ),
    "cosine, 20, linspace": (Schedule.cosine(20), "0.07804393511292321888"),
    "cosine, 20, leading": (Schedule.cosine(20, spacing="leading"), "0.07375829487740491198"),
    "cosine, 20, trailing": (Schedule.cosine(20, spacing="trailing"), "0.07408248411195211347"),
    "karras, 18": (Schedule.karras(18), "0.21495183271958057338"),
    "flow_matching, 28": (Schedule.flow_matching(28), "0.05887329665845763504"),
    "li_cai_wei, 50": (Schedule.li_cai_wei(50), "0.12872473706293558258"),
    "geometric, 25": (Schedule.geometric(25), "0.09772614930676631638"),
    "uniform, 50": (Schedule.uniform(50), "0.02940993792067762914"),
}
"""The target `three`, matched variance, exact start: computed independently, to 20 decimals."""


@pytest.mark.parametrize("case", CHECK_VALUES)
def test_check_values(case: str) -> None:
    schedule, typed = CHECK_VALUES[case]
    value = path_kl(THREE, schedule, digits=25)
    assert reference.contains(value, Fraction(typed), Fraction(1, 2 * 10**20))
    assert value.rad() < 1e-25
    assert abs(path_kl(THREE, schedule) - float(typed)) < 1e-12 * float(typed)


@pytest.mark.parametrize("case", ["karras, 18", "scaled_linear, 20, trailing"])
def test_check_values_by_the_independent_engine(case: str) -> None:
    schedule, typed = CHECK_VALUES[case]
    truth = path_kl_truth(THREE, schedule, digits=10, engine="mpmath")
    with mpmath.workdps(30):
        assert abs(truth.value - mpf(typed)) < mpf(10) ** -11
        assert abs(truth.value - mpf(typed)) <= truth.error + mpf(10) ** -20


# Independent forms


def by_reference(target: Mixture, knots: list[Any]) -> Any:
    """(1/2) sum delta M - (I_n - I_0) from the reference's values, for a target on the line."""
    atoms = [m for (m,) in target.means]
    values = [reference.functionals(target.weights, atoms, t) for t in knots]
    total = sum((b - a) * v.mmse for (a, b), v in zip(pairwise(knots), values, strict=False)) / 2
    return total - values[-1].mutual_information + values[0].mutual_information


def test_against_the_reference_at_every_knot() -> None:
    target = Mixture(["1/3", "2/3"], ["-1/2", 1], "1/4")
    with mpmath.workdps(reference.DIGITS):
        for name, arguments in (("karras", {"steps": 4}), ("cosine", {"steps": 3, "spacing": "trailing"})):
            knots = published.snr(published.PUBLISHED[name](**arguments), "1/4")
            truth = by_reference(target, knots)
            value = path_kl(target, getattr(Schedule, name)(**arguments), digits=20)
            assert reference.contains(value, truth, mpf(10) ** -25)


def test_the_form_without_cancellation() -> None:
    """(1/2) int C(s) (next(s) - s) ds, by a Gauss-Legendre rule over each step."""
    schedule = Schedule.from_snr(["1/10", "3/10", "7/10", "3/2", 2])
    with mpmath.workdps(reference.DIGITS):
        knots = [mpf(t.numerator) / t.denominator for t in schedule.parameters["snr"]]
        total = mpf(0)
        for start, stop in pairwise(knots):
            total += reference.integrate(
                lambda s, stop=stop: (
                    reference.midpoint(covariance_moment(THREE, s, digits=25)) * (stop - s) / 2,
                ),
                start,
                stop,
                (stop - start) / 2,
            )[0]
        value = path_kl(THREE, schedule, digits=22)
        assert reference.contains(value, total, mpf(10) ** -20)


def test_short_steps_lose_no_digits() -> None:
    """Steps of 1e-9: the sum of the two large terms cancels 18 digits, D = delta^2 C/4 - delta^3 .../12."""
    step = Fraction(1, 10**9)
    for start in (Fraction(0), Fraction(1, 2)):
        schedule = Schedule.from_snr([start, start + step])
        value = path_kl(THREE, schedule, digits=25)
        with mpmath.workdps(50):
            moment = reference.midpoint(covariance_moment(THREE, start, digits=40))
            slope = (reference.midpoint(covariance_moment(THREE, start + step, digits=40)) - moment) / mpf(
                10
            ) ** -9
            expansion = mpf(10) ** -18 / 4 * moment + mpf(10) ** -27 / 12 * slope
            assert abs(reference.midpoint(value) - expansion) < mpf(10) ** -14 * expansion
        assert path_kl(THREE, schedule) == pytest.approx(float(expansion), rel=1e-12)


@st.composite
def instances(draw: st.DrawFn) -> tuple[Mixture, list[Fraction]]:
    count = draw(st.integers(2, 4))
    parts = draw(st.lists(st.integers(1, 20), min_size=count, max_size=count))
    atoms = draw(
        st.lists(st.fractions(-3, 3, max_denominator=9), min_size=count, max_size=count, unique=True)
    )
    knots = draw(st.lists(st.fractions(0, 6, max_denominator=40), min_size=2, max_size=5, unique=True))
    return Mixture([Fraction(p, sum(parts)) for p in parts], atoms), sorted(knots)


@given(instances(), st.fractions(0, 1, max_denominator=30))
@DERANDOMISED
def test_inserting_a_knot_never_increases_the_path_kl(
    instance: tuple[Mixture, list[Fraction]], position: Fraction
) -> None:
    target, knots = instance
    inner = knots[0] + (knots[-1] - knots[0]) * (position * Fraction(98, 100) + Fraction(1, 100))
    coarse = path_kl(target, Schedule.from_snr(knots), digits=20)
    fine = path_kl(target, Schedule.from_snr(sorted({*knots, inner})), digits=20)
    assert coarse > 0
    assert not fine > coarse
    fast = path_kl_truth(target, Schedule.from_snr(knots))
    assert abs(fast.value - coarse) <= fast.error + 1e-20


@given(instances())
@DERANDOMISED
def test_nesting_and_the_promise(instance: tuple[Mixture, list[Fraction]]) -> None:
    target, knots = instance
    schedule = Schedule.from_snr(knots)
    values = [path_kl(target, schedule, digits=digits) for digits in (6, 20, 40)]
    for value, digits in zip(values, (6, 20, 40), strict=True):
        assert reference.contains(value, values[-1].mid(), values[-1].rad())
        unit = flint.arb(10) ** -digits
        assert value.rad() <= unit * abs(value).max(unit * max(1.0, math.log(len(target.weights))))


def test_the_dictionary_between_conventions() -> None:
    """The same noise as sigmas, alpha_bar or times is the same path, whatever v."""
    sigmas = [Fraction(5), Fraction(2), Fraction(2, 3), Fraction(1, 4), Fraction(0)]
    same = [
        Schedule.from_sigmas(sigmas),
        Schedule.from_alpha_bar([1 / (1 + s * s) for s in sigmas]),
        Schedule.from_times([s / (1 + s) for s in sigmas]),
    ]
    for variance in ("0", "1", "2/7"):
        target = Mixture(["1/5", "1/2", "3/10"], [-3, 0, 4], variance)
        core = Schedule.from_snr([1 / (s * s + target.variance) for s in sigmas if s or target.variance])
        truth = path_kl(target, core, digits=25)
        for schedule in same:
            assert path_kl(target, schedule, digits=25).overlaps(truth)
            assert path_kl(target, schedule) == pytest.approx(float(truth.mid()), rel=1e-12)


def test_only_the_line_through_the_means_matters() -> None:
    flat = Mixture(["1/5", "1/2", "3/10"], [-9, 0, 12], "1/2")
    solid = Mixture(["1/5", "1/2", "3/10"], [[-2, -7, -5], [1, -1, 1], [5, 7, 9]], "1/2")
    for schedule in (Schedule.karras(5), Schedule.uniform(3)):
        assert path_kl(solid, schedule) == path_kl(flat, schedule)
        assert path_kl(solid, schedule, digits=20).overlaps(path_kl(flat, schedule, digits=20))


@pytest.mark.parametrize("last", ["1e16", "1e30"])
def test_a_last_step_to_enormous_snr(last: str) -> None:
    """delta about 1e16 times a tail of M: the digits are those of the tail."""
    for start in ("10", "40"):
        target = Mixture(["1/5", "1/2", "3/10"], [-3, 0, 4], 0)
        schedule = Schedule.from_snr(["1", start, last])
        with mpmath.workdps(80):
            first = reference.midpoint(mmse(target, 1, digits=60))
            tail = reference.midpoint(mmse(target, start, digits=60))
            gain = reference.entropy(target.weights) - reference.midpoint(
                mutual_information(target, 1, digits=40)
            )
            truth = ((mpf(start) - 1) * first + (mpf(last) - mpf(start)) * tail) / 2 - gain
            value = path_kl(target, schedule, digits=20)
            assert reference.contains(value, truth, mpf(10) ** -30 * truth + mpf(10) ** -38)
            assert value.rad() <= abs(value) * flint.arb(10) ** -20
            fast = path_kl_truth(target, schedule)
            assert abs(mpf(fast.value) - truth) <= fast.error
            assert abs(mpf(fast.value) - truth) <= mpf(10) ** -11 * truth


def test_one_atom_costs_nothing() -> None:
    point = Mixture([1], [[3, 4]])
    for options in ({}, {"digits": 20}, {"digits": 20, "engine": "mpmath"}):
        assert path_kl(point, Schedule.karras(5), **options) == 0


# Reverse variances


def section_four(variance: str) -> Any:
    target = Mixture(["3/10", "1/2", "1/5"], [-1, "1/2", 2], "1/2")
    step = Schedule.from_alpha_bar(["0.4", "0.6"])
    return path_kl(target, step, sampler=samplers.Ddpm(variance=variance), digits=20)


@pytest.mark.parametrize(
    ("variance", "printed"),
    [("beta_tilde", "0.07387"), ("matched", "0.01418"), ("beta", "0.002685"), ("optimal", "0.000533")],
)
def test_the_printed_reverse_variances(variance: str, printed: str) -> None:
    """Mathematics, section 4: A in {-1, 1/2, 2}, w = .3, .5, .2, v = 1/2, alpha_bar .4 -> .6."""
    half_unit = Fraction(1, 2 * 10 ** len(printed.split(".")[1]))
    assert reference.contains(section_four(variance), Fraction(printed), half_unit)


@pytest.mark.parametrize("variance", ["beta_tilde", "matched", "beta", "optimal", "3/10"])
@pytest.mark.parametrize("convention", ["alpha_bar", "snr"])
def test_reverse_variances_by_brute_force(variance: str, convention: str) -> None:
    """KL(joint law of two noised variables || sampler's joint law), by a double integral on a grid."""
    w, a, v = np.array([0.3, 0.5, 0.2]), np.array([-1, 0.5, 2]), 0.5
    noisy, clean = 0.4, 0.6
    x = np.linspace(-9, 9, 721)[:, None]
    y = np.linspace(-9, 9, 721)[None, :]
    cell = (18 / 720) ** 2

    def normal(z: Any, mean: Any, var: float) -> Any:
        return np.exp(-((z - mean) ** 2) / (2 * var)) / math.sqrt(2 * math.pi * var)

    def law(z: Any, level: float) -> Any:
        return sum(
            p * normal(z, math.sqrt(level) * m, 1 - level + level * v) for p, m in zip(w, a, strict=True)
        )

    kept = noisy / clean
    joint = law(y, clean) * normal(x, math.sqrt(kept) * y, 1 - kept)
    marginal = law(x, noisy)
    mean = (joint * y).sum(axis=1, keepdims=True) / joint.sum(axis=1, keepdims=True)
    total = (1 - kept) * (1 - clean + clean * v) / (1 - noisy + noisy * v)
    second = (joint * (y - mean) ** 2).sum() * cell
    used = {
        "matched": total,
        "beta_tilde": (1 - kept) * (1 - clean) / (1 - noisy),
        "beta": 1 - kept,
        "optimal": second,
        "3/10": 0.3,
    }[variance]
    sampled = marginal * normal(y, mean, used)
    brute = float((joint * np.log(joint / sampled)).sum() * cell)
    schedule = {
        "alpha_bar": Schedule.from_alpha_bar(["0.4", "0.6"]),
        "snr": Schedule.from_snr([Fraction(2, 5) / Fraction(4, 5), Fraction(3, 5) / Fraction(7, 10)]),
    }[convention]
    target = Mixture(["3/10", "1/2", "1/5"], [-1, "1/2", 2], "1/2")
    rule = samplers.Ddpm(variance=variance)
    assert float(path_kl(target, schedule, rule, digits=15).mid()) == pytest.approx(brute, rel=1e-8)
    assert path_kl(target, schedule, rule) == pytest.approx(brute, rel=1e-8)


def test_reverse_variances_in_every_engine_and_convention() -> None:
    """Balls, floats and mpmath, by the formula of section 4 typed here, in d = 3 as well."""
    sigmas = [Fraction(2), Fraction(2, 3), Fraction(1, 4)]
    levels = [1 / (1 + s * s) for s in sigmas]
    line = Mixture(["1/5", "1/2", "3/10"], [-3, 0, 4], "2/7")
    space = Mixture(["1/5", "1/2", "3/10"], [[-1, -2, -2], [0, 0, 0], ["4/3", "8/3", "8/3"]], "2/7")
    for target, d in ((line, 1), (space, 3)):
        for variance in ("beta", "beta_tilde", "1/20"):
            with mpmath.workdps(50):
                truth = reference.midpoint(path_kl(target, Schedule.from_sigmas(sigmas), digits=40))
                for ab, ab_next in pairwise(levels):
                    kept = 1 - ab / ab_next

                    def reverse(v: Fraction, ab: Fraction, ab_next: Fraction, kept: Fraction) -> Fraction:
                        return kept * (1 - ab_next + ab_next * v) / (1 - ab + ab * v)

                    named = {
                        "beta": reverse(Fraction(1), ab, ab_next, kept),
                        "beta_tilde": reverse(Fraction(0), ab, ab_next, kept),
                        "1/20": Fraction(1, 20),
                    }
                    rho = reference.exact(reverse(Fraction(2, 7), ab, ab_next, kept) / named[variance])
                    knots = [x / (1 - x + x * Fraction(2, 7)) for x in (ab, ab_next)]
                    gain = reference.exact(knots[1] - knots[0]) * reference.midpoint(
                        mmse(target, knots[0], digits=40)
                    )
                    truth += mpf(d) / 2 * (rho - 1 - mpmath.log(rho)) + (rho - 1) * gain / 2
                rule = samplers.Ddpm(variance)
                for schedule in (Schedule.from_sigmas(sigmas), Schedule.from_alpha_bar(levels)):
                    ball = path_kl(target, schedule, rule, digits=25)
                    assert reference.contains(ball, truth, mpf(10) ** -30)
                    fast = path_kl_truth(target, schedule, rule)
                    assert abs(mpf(fast.value) - truth) <= fast.error <= 1e-11 * truth
                slow = path_kl_truth(target, Schedule.from_sigmas(sigmas), rule, digits=8, engine="mpmath")
                assert abs(slow.value - truth) <= slow.error + mpf(10) ** -16


def test_the_optimal_variance_by_its_formula() -> None:
    """(d/2) log(1 + delta M/d) - (I_{k+1} - I_k), summed over the steps, in d = 1 and 3."""
    knots = [Fraction(1, 4), Fraction(1), Fraction(3)]
    line = Mixture(["1/5", "1/2", "3/10"], [-3, 0, 4], "1/4")
    space = Mixture(["1/5", "1/2", "3/10"], [[-1, -2, -2], [0, 0, 0], ["4/3", "8/3", "8/3"]], "1/4")
    with mpmath.workdps(50):
        gains = [
            reference.exact(b - a) * reference.midpoint(mmse(line, a, digits=40))
            for a, b in pairwise(knots)
        ]
        learnt = reference.midpoint(mutual_information(line, knots[-1], digits=40)) - reference.midpoint(
            mutual_information(line, knots[0], digits=40)
        )
        for target, d in ((line, 1), (space, 3)):
            truth = sum(mpf(d) / 2 * mpmath.log(1 + gain / d) for gain in gains) - learnt
            rule, schedule = samplers.Ddpm("optimal"), Schedule.from_snr(knots)
            assert reference.contains(path_kl(target, schedule, rule, digits=25), truth, mpf(10) ** -30)
            fast = path_kl_truth(target, schedule, rule)
            assert abs(mpf(fast.value) - truth) <= fast.error <= 1e-11 * truth
            slow = path_kl_truth(target, schedule, rule, digits=6, engine="mpmath")
            assert abs(slow.value - truth) <= slow.error + mpf(10) ** -12


def test_the_optimal_variance_is_the_least() -> None:
    target = Mixture(["1/5", "1/2", "3/10"], [[-3, 0], [0, 0], [4, 0]], "1/2")
    schedule = Schedule.from_alpha_bar(["0.1", "0.5", "0.9"])
    best = path_kl(target, schedule, samplers.Ddpm("optimal"), digits=15)
    for other in ("matched", "beta", "beta_tilde", "1/3", "2"):
        assert best < path_kl(target, schedule, samplers.Ddpm(other), digits=15)


def test_the_named_variances_are_matched_to_their_v() -> None:
    for variance, name in ((0, "beta_tilde"), (1, "beta")):
        target = Mixture(["1/5", "1/2", "3/10"], [-3, 0, 4], variance)
        for schedule in (Schedule.karras(4), Schedule.cosine(4), Schedule.flow_matching(4)):
            matched = path_kl(target, schedule, digits=20)
            assert path_kl(target, schedule, samplers.Ddpm(name), digits=20).overlaps(matched)


@pytest.mark.parametrize("variance", ["1", "1/3", "0.3", "3"])
def test_no_reverse_variance_at_the_noise_free_end_costs_everything(variance: str) -> None:
    """beta_tilde is 0 for a step to the noise-free level: infinite in every engine, with a note."""
    target = Mixture(["1/5", "4/5"], [0, 1], variance)
    end = 1 / target.variance
    schedules = [
        Schedule.karras(3),
        Schedule.from_alpha_bar([0, 1]),
        Schedule.uniform(2, last=end),
        Schedule.geometric(3, first=end / 100, last=end),
        Schedule.from_snr([0, end / 2, end]),
    ]
    for schedule in schedules:
        for options in ({}, {"digits": 10}, {"digits": 3, "engine": "mpmath"}):
            truth = path_kl_truth(target, schedule, samplers.Ddpm("beta_tilde"), **options)
            assert float(truth.value) == math.inf, schedule
            assert "infinite" in truth.notes[-1]
            assert float(path_kl(target, schedule, samplers.Ddpm("1/10"), **options)) < math.inf
    with pytest.raises(ValueError, match="a knot beyond 1/v is no noise level"):
        path_kl(target, Schedule.from_snr([0, end * 2]), samplers.Ddpm("beta"))


# Starts


@pytest.mark.parametrize(
    ("schedule", "deviation", "signal", "noise"),
    [
        (Schedule.from_alpha_bar(["0.3", "0.6"]), 1.0, 0.3, 0.7),
        (Schedule.from_sigmas(["3/2", "1/2"]), 1.5, 1.0, 2.25),
        (Schedule.from_times(["0.8", "0.5"]), 1.0, 0.04, 0.64),
    ],
    ids=["alpha_bar", "sigmas", "times"],
)
def test_a_normal_start_by_brute_force(
    schedule: Schedule, deviation: float, signal: float, noise: float
) -> None:
    """KL(noised law || N(0, deviation^2)) by the trapezoidal rule over a fine grid."""
    w, a, v = np.array([0.2, 0.5, 0.3]), np.array([-3, 0, 4]), 0.25
    target = Mixture(["1/5", "1/2", "3/10"], [-3, 0, 4], "1/4")
    z = np.linspace(-40, 40, 80_001)[:, None]
    variance = noise + signal * v
    density = (
        np.exp(-((z - math.sqrt(signal) * a) ** 2) / (2 * variance)) @ w / math.sqrt(2 * math.pi * variance)
    )
    z = z[:, 0]
    log_normal = -(z**2) / (2 * deviation**2) - math.log(deviation * math.sqrt(2 * math.pi))
    positive = density > 0
    brute = np.sum(density[positive] * (np.log(density[positive]) - log_normal[positive])) * 0.001
    for options in ({}, {"digits": 12}, {"digits": 6, "engine": "mpmath"}):
        exact = path_kl(target, schedule, **options)
        normal = path_kl(target, schedule, start="normal", **options)
        assert float(normal - exact) == pytest.approx(float(brute), rel=1e-9)


def test_a_normal_start_in_space_and_on_the_core() -> None:
    """d = 3: each further dimension adds (q - 1 - log q)/2; knots of the core compare with N(0, t_0)."""
    space = Mixture(["1/5", "1/2", "3/10"], [[-1, -2, -2], [0, 0, 0], ["4/3", "8/3", "8/3"]], "1/4")
    line = Mixture(["1/5", "1/2", "3/10"], [-3, 0, 4], "1/4")
    schedule = Schedule.from_alpha_bar(["0.3", "0.6"])
    extra = path_kl(space, schedule, start="normal", digits=20) - path_kl(
        line, schedule, start="normal", digits=20
    )
    q = mpf("0.7") + mpf("0.3") / 4
    assert float(extra.mid()) == pytest.approx(float(q - 1 - mpmath.log(q)), rel=1e-12)
    knots = Schedule.from_snr(["1/2", 2])
    more = path_kl(line, knots, start="normal", digits=20) - path_kl(line, knots, digits=20)
    truth = Fraction(66, 10) / 4 - Fraction(0)
    information = mutual_information(line, "1/2", digits=30)
    assert (more + information).contains(flint.arb(flint.fmpq(truth.numerator, truth.denominator)))
    free = Schedule.from_snr([0, 2])
    assert path_kl(line, free, start="normal", digits=20).overlaps(path_kl(line, free, digits=20))
    assert path_kl(line, Schedule.flow_matching(4), start="normal") == pytest.approx(
        path_kl(line, Schedule.flow_matching(4)), rel=1e-12
    )


# Knot values


def test_knot_values_are_those_of_the_channel() -> None:
    schedule = Schedule.flow_matching(3)
    names = ("mmse", "covariance_moment", "information")
    for options in ({}, {"digits": 15}, {"digits": 6, "engine": "mpmath"}):
        values = knot_values(THREE, schedule, moments=names, **options)
        assert len(values.knots) == len(values.mmse) == len(values.covariance_moment) == 4
        for k, t in enumerate(values.knots):
            for function, found in (
                (mmse, values.mmse[k]),
                (covariance_moment, values.covariance_moment[k]),
                (mutual_information, values.information[k]),
            ):
                truth = reference.midpoint(function(THREE, flint.arb(t) if not k else t, digits=25))
                near = found.mid() if isinstance(found, flint.arb) else found
                assert float(near) == pytest.approx(float(truth), rel=1e-6 if options else 1e-12)
        assert float(values.information_first) == float(values.information[0])
        assert float(values.information_last) == float(values.information[-1])
    plain = knot_values(THREE, schedule)
    assert plain.covariance_moment == []
    assert plain.information == []
    with pytest.raises(ValueError, match=r"^moments: 'variance' is none of mmse, "):
        knot_values(THREE, schedule, moments=("variance",))


def test_notes_come_with_the_truth() -> None:
    discrete = Mixture(["1/4", "1/4", "1/2"], [1, 1, 0], 0)
    truth = path_kl_truth(discrete, Schedule.karras(4), digits=10)
    assert any("merged" in note for note in truth.notes)
    assert any("dropped" in note for note in truth.notes)
    assert (truth.functional, truth.engine, truth.digits) == ("path_kl", "certified", 10)
    assert path_kl_truth(THREE, Schedule.karras(4)).notes == ()


# Refusals


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"target": None}, "target: None is not a target"),
        ({"schedule": [0, 1]}, r"schedule: \[0, 1\] is not a Schedule"),
        ({"sampler": "beta"}, "sampler: 'beta' is not a sampler"),
        ({"start": "gaussian"}, "start: 'gaussian' is none of exact, normal"),
        ({"start": None}, "start: None is none of"),
        ({"digits": 0}, "digits: 0 is not between"),
        ({"engine": "mpmath"}, "digits: missing"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}") as refusal:
        path_kl(**{"target": THREE, "schedule": Schedule.karras(3), **arguments})
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("variance", "message"),
    [
        (0, "variance: 0 is not positive"),
        ("-1/2", "variance: '-1/2' is not positive"),
        ("gamma", "variance: 'gamma' is neither a number nor one of matched, beta, beta_tilde, optimal"),
        (None, "variance: None is neither"),
        (True, "variance: True is neither"),
        (math.nan, "variance: nan is neither"),
    ],
)
def test_bad_reverse_variances_are_refused(variance: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        samplers.Ddpm(variance=variance)


def test_samplers_are_data() -> None:
    rule = samplers.Ddpm(variance="0.05")
    assert rule.variance == Fraction(1, 20)
    assert rule == samplers.Ddpm(Fraction(1, 20))
    assert not rule.matched
    assert samplers.Ddpm().matched
    pasted = eval(repr(rule), {"__builtins__": {}}, {"samplers": samplers})  # noqa: S307 - our own repr
    assert pasted == rule
    assert (rule.order, rule.convention) == (1, "alpha_bar")
    assert "2006.11239" in rule.citation


def test_wide_spans_are_named() -> None:
    wide = Mixture(["1/5"] * 5, [[0, 0, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    for options in ({}, {"digits": 10}, {"digits": 10, "engine": "mpmath"}):
        with pytest.raises(SpanError, match=r"^means: they span 4 dimensions"):
            path_kl(wide, Schedule.karras(3), **options)


def test_out_of_reach_is_said() -> None:
    crowd = Mixture(["1/64"] * 64, range(64), 0)
    with pytest.raises(PrecisionError):
        path_kl(crowd, Schedule.from_snr([0, 1000, 2000]), digits=900)


# Long paths


def test_a_hundred_steps_in_all_the_digits() -> None:
    schedule = Schedule.ddpm_linear(100)
    truth = path_kl(THREE, schedule, digits=30)
    fast = path_kl_truth(THREE, schedule)
    assert truth.rad() < 1e-30
    assert abs(fast.value - truth) <= fast.error <= 1e-12 * fast.value


@pytest.mark.slow
@pytest.mark.parametrize("steps", [1000, 10_000])
def test_long_paths(steps: int) -> None:
    target = Mixture(["1/8"] * 8, [-4, -3, -1, 0, "1/2", 2, 3, 5], "1/10")
    schedule = Schedule.karras(steps)
    truth = path_kl(target, schedule, digits=20)
    fast = path_kl_truth(target, schedule)
    assert abs(fast.value - truth) <= fast.error <= 2e-12 * fast.value
    coarse = path_kl(target, Schedule.karras(steps // 10), digits=20)
    assert truth < coarse
