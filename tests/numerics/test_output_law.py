"""Output laws of stochastic samplers: published figures, closed forms, an independent kernel quadrature."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise

import mpmath
import numpy as np
import pytest

from numerics import Mixture, PrecisionError, Schedule, SpanError, samplers
from numerics.arithmetic import balls
from numerics.output_law import output_law, stochastic, stochastic_law
from numerics.output_law.chain import chain_of, levels_of
from numerics.output_law.law import DISTANCES

TWO = Mixture(["1/2", "1/2"], [-2, 2])
THREE = Mixture(["1/5", "1/2", "3/10"], [-3, 0, 4])
POINTS = Mixture(["1/4", "3/4"], [-1, 2], 0)
ONE = Mixture([1], [3], 2)
SHORT = Schedule.from_alpha_bar(["1/10", "1/4", "1/2", "4/5"])


@pytest.mark.parametrize(
    ("steps", "tv", "kl"),
    [(50, 5831, 1053e-5), (100, 3577, 4025e-6), (200, 2117, 1426e-6), (400, 1219, 476e-6)],
)
def test_published_figures_of_two_atoms(steps: int, tv: int, kl: float) -> None:
    """mathematics.md, section 7, where 0.0357741 and 0.0121851 stand as .03578 and .01218: not rounded."""
    law = output_law(TWO, Schedule.li_cai_wei(steps))
    assert round(law.tv("last_level") * 1e5) == tv
    assert law.kl("last_level") == pytest.approx(kl, abs=5e-6 if steps == 50 else 5e-7)


def kernel_quadrature(
    target: Mixture, schedule: Schedule, start: str, order: int, digits: int = 20
) -> tuple[list[mpmath.mpf], list[mpmath.mpf], mpmath.mpf, mpmath.mpf]:
    """The law of Y_n in the localization form by direct integration of the transition densities.

    Shares nothing with the code under test: mpmath, the variable Y, a fixed grid, no push-forward.
    Returns the density of the output and of the truth on a grid, its spacing, and the last knot.
    """
    with mpmath.workdps(digits):
        weights = [mpmath.mpf(w.numerator) / w.denominator for w in target.weights]
        atoms = [mpmath.mpf(a[0].numerator) / a[0].denominator for a in target.means]
        v = mpmath.mpf(target.variance.numerator) / target.variance.denominator
        levels = [mpmath.mpf(x.numerator) / x.denominator for x in schedule.parameters["alpha_bar"]]
        knots = [ab / (1 - ab + ab * v) for ab in levels]

        def normal(x: mpmath.mpf, variance: mpmath.mpf) -> mpmath.mpf:
            return mpmath.exp(-x * x / (2 * variance)) / mpmath.sqrt(2 * mpmath.pi * variance)

        def true(y: mpmath.mpf, t: mpmath.mpf) -> mpmath.mpf:
            return mpmath.fsum(w * normal(y - t * a, t) for w, a in zip(weights, atoms, strict=True))

        def posterior(y: mpmath.mpf, t: mpmath.mpf) -> tuple[mpmath.mpf, mpmath.mpf]:
            parts = [w * normal(y - t * a, t) for w, a in zip(weights, atoms, strict=True)]
            total = mpmath.fsum(parts)
            mean = mpmath.fsum(p * a for p, a in zip(parts, atoms, strict=True)) / total
            second = mpmath.fsum(p * (a - mean) ** 2 for p, a in zip(parts, atoms, strict=True))
            return mean, second / total

        def grid(t: mpmath.mpf, wide: mpmath.mpf) -> tuple[list[mpmath.mpf], mpmath.mpf]:
            low, high = t * min(atoms) - 8 * wide, t * max(atoms) + 8 * wide
            count = 150
            h = (high - low) / count
            return [low + i * h for i in range(count + 1)], h

        t = knots[0]
        begun = t * t / levels[0]
        xs, h = grid(t, mpmath.sqrt(max(t, begun)))
        density = [normal(x, begun) if start == "normal" else true(x, t) for x in xs]
        for before, after in pairwise(knots):
            delta = after - before
            moments = [posterior(x, before) for x in xs]
            ys, following = grid(after, mpmath.sqrt(after) * mpmath.mpf("1.25"))
            density = [
                h
                * mpmath.fsum(
                    p * normal(y - x - delta * mean, delta + (delta**2 * second if order == 2 else 0))
                    for p, x, (mean, second) in zip(density, xs, moments, strict=True)
                )
                for y in ys
            ]
            xs, h = ys, following
        return density, [true(x, knots[-1]) for x in xs], h, xs[1] - xs[0]


@pytest.mark.parametrize(("start", "order"), [("exact", 1), ("normal", 1), ("exact", 2)])
def test_direct_kernel_quadrature_agrees(start: str, order: int) -> None:
    target = Mixture(["3/10", "7/10"], [-1, 2])
    schedule = Schedule.from_alpha_bar(["1/10", "2/5", "4/5"])
    density, true, h, _ = kernel_quadrature(target, schedule, start, order)
    with mpmath.workdps(20):
        kl = float(h * mpmath.fsum(p * mpmath.log(p / q) for p, q in zip(true, density, strict=True)))
        reverse = float(h * mpmath.fsum(q * mpmath.log(q / p) for p, q in zip(true, density, strict=True)))
        affinity = h * mpmath.fsum(mpmath.sqrt(p * q) for p, q in zip(true, density, strict=True))
        hellinger = float(mpmath.sqrt(1 - affinity))
    law = output_law(target, schedule, samplers.MomentMatched(order), start)
    assert law.kl("last_level") == pytest.approx(kl, rel=1e-10)
    assert law.reverse_kl("last_level") == pytest.approx(reverse, rel=1e-10)
    assert law.hellinger("last_level") == pytest.approx(hellinger, rel=1e-10)


def gaussian(
    schedule: Schedule, sampler: samplers.Sampler, start: str, target: Mixture
) -> tuple[float, float]:
    """Mean and variance of the output for a single atom, by recursion in x."""
    ops = balls(200)
    with ops.precision():
        levels = levels_of(schedule, target, ops)
        mean, variance = ops.sqrt(levels[0].signal) * ops.number(target.means[0][0]), ops.number(0)
        variance = levels[0].noise + levels[0].signal * ops.number(target.variance)
        if start == "normal":
            mean, variance = (
                ops.number(0),
                levels[0].noise if schedule.convention == "sigmas" else ops.number(1),
            )
        for level, following in pairwise(levels):
            keep, pull, noise = sampler.step(level, following, target.variance, ops, ops.number(0))  # type: ignore[attr-defined]
            mean = keep * mean + pull * ops.number(target.means[0][0])
            variance = keep * keep * variance + noise
        return float(mean.mid()), float(variance.mid())


def hellinger_of_gaussians(mean: float, variance: float) -> float:
    """Between N(mean, variance) and N(3, 2), without the cancellation of 1 - affinity."""
    with mpmath.workdps(50):
        m, s = mpmath.mpf(mean), mpmath.mpf(variance)
        affinity = mpmath.sqrt(2 * mpmath.sqrt(2 * s) / (2 + s)) * mpmath.exp(
            -((m - 3) ** 2) / (4 * (2 + s))
        )
        return float(mpmath.sqrt(max(mpmath.mpf(0), 1 - affinity)))


@pytest.mark.parametrize("start", ["exact", "normal"])
@pytest.mark.parametrize(
    ("schedule", "sampler"),
    [
        (Schedule.karras(18), samplers.Ddpm("beta")),
        (Schedule.ddpm_linear(20), samplers.Ddpm("beta_tilde")),
        (Schedule.ddpm_linear(10), samplers.Ddpm("1/10")),
        (Schedule.flow_matching(12), samplers.Ddim("1/2")),
        (Schedule.scaled_linear(10), samplers.MomentMatched(2)),
    ],
    ids=str,
)
def test_gaussian_targets_have_closed_forms(
    schedule: Schedule, sampler: samplers.Sampler, start: str
) -> None:
    mean, variance = gaussian(schedule, sampler, start, ONE)
    law = output_law(ONE, schedule, sampler, start)
    r, shift = variance / 2, (mean - 3) ** 2
    exact = {
        "kl": (1 / r - 1 + math.log(r) + shift / variance) / 2,
        "reverse_kl": (r - 1 - math.log(r) + shift / 2) / 2,
        "wasserstein_2": math.hypot(mean - 3, math.sqrt(variance) - math.sqrt(2)),
        "hellinger": hellinger_of_gaussians(mean, variance),
    }
    for name, value in exact.items():
        truth = law.truth(name, "last_level" if name != "wasserstein_2" else "target")
        assert abs(truth.value - value) <= truth.error + 1e-15, name
        # where a distance that is a root is 0 its square is known to 1e-14
        root = name in ("hellinger", "wasserstein_2") and value < 1e-3
        assert truth.error <= (2e-7 if root else 1e-9), name
    x = np.array([-1.0, 2.5, 3.0, 6.0])
    expected = np.exp(-((x - mean) ** 2) / (2 * variance)) / math.sqrt(2 * math.pi * variance)
    assert law.density(x) == pytest.approx(expected, rel=1e-9)
    below = [0.5 * math.erfc((mean - t) / math.sqrt(2 * variance)) for t in x]
    assert law.cdf(x) == pytest.approx(below, abs=1e-11)


@pytest.mark.parametrize(
    ("target", "schedule", "sampler", "start"),
    [
        (THREE, Schedule.ddpm_linear(20), samplers.Ddpm(), "normal"),
        (THREE, Schedule.karras(18), samplers.Ddpm("beta_tilde"), "exact"),
        (THREE, SHORT, samplers.MomentMatched(3), "exact"),
        (POINTS, Schedule.li_cai_wei(120), samplers.Ddpm(), "exact"),
        (THREE, Schedule.flow_matching(10), samplers.Ddim("1/3"), "normal"),
    ],
    ids=str,
)
def test_stated_errors_cover_a_much_finer_grid(
    target: Mixture,
    schedule: Schedule,
    sampler: samplers.Sampler,
    start: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    law = output_law(target, schedule, sampler, start)
    stated = {name: law.truth(name, "last_level") for name in DISTANCES}
    monkeypatch.setattr(stochastic_law, "FINE", 2.3)
    finer = output_law(target, schedule, sampler, start)
    for name, truth in stated.items():
        better = finer.truth(name, "last_level").value
        assert abs(truth.value - better) <= truth.error, name
        assert truth.error <= 1e-8


def test_ddim_without_noise_is_the_same_by_grids_and_by_change_of_variables() -> None:
    sampler = samplers.Ddim()
    for start in ("exact", "normal"):
        law = output_law(THREE, Schedule.karras(18), sampler, start)
        grids = stochastic_law.StochasticLaw(chain_of(THREE, Schedule.karras(18), sampler, start))
        for name in DISTANCES:
            assert law.truth(name).value == pytest.approx(grids.truth(name).value, abs=1e-10), name


def test_discrete_target_is_singular_to_the_output_but_at_a_finite_distance() -> None:
    law = output_law(POINTS, Schedule.li_cai_wei(120))
    assert (law.tv(), law.kl(), law.reverse_kl(), law.hellinger()) == (1, math.inf, math.inf, 1)
    # The levels end at sigma below 1e-9: what is left is the atoms' masses
    below = law.cdf(0.5)
    assert law.wasserstein(1) == pytest.approx(3 * abs(below - 0.25), abs=1e-9)
    assert law.wasserstein(2) == pytest.approx(3 * math.sqrt(abs(below - 0.25)), abs=1e-9)
    assert law.tv("last_level") == pytest.approx(abs(below - 0.25), rel=1e-9)


def test_gauss_rule_with_as_many_nodes_as_atoms_returns_the_target() -> None:
    law = output_law(THREE, SHORT, samplers.MomentMatched(5))
    assert law.tv("last_level") < 1e-12
    assert law.kl("last_level") < 1e-12


def test_early_steps_without_signal_start_from_the_noise() -> None:
    """At tau = 1 both starts are the same law; a knot at 0 likewise."""
    for schedule in (Schedule.flow_matching(8), Schedule.geometric(8)):
        one, other = (output_law(THREE, schedule, start=start) for start in ("exact", "normal"))
        assert one.tv("last_level") == other.tv("last_level")


def test_a_rotated_target_in_space_has_the_distances_of_its_line() -> None:
    line = Mixture(["1/5", "1/2", "3/10"], [-5, 0, 10])
    space = Mixture(["1/5", "1/2", "3/10"], [[-3 + 1, 4 + 2, 7], [1, 2, 7], [6 + 1, -8 + 2, 7]])
    schedule = Schedule.ddpm_linear(10)
    flat, law = output_law(line, schedule), output_law(space, schedule)
    for name in DISTANCES:
        assert law.truth(name).value == pytest.approx(flat.truth(name).value, abs=1e-11), name
    # the density is the line's times the Gaussian across it
    along = law.density([1 + 0.6, 2 - 0.8, 7 + 0.5])
    assert along == pytest.approx(flat.density(1.0) * math.exp(-0.125) / (2 * math.pi), rel=1e-9)


def test_across_the_line_a_mismatched_variance_is_an_exact_gaussian_factor() -> None:
    space = Mixture([1], [[0, 3, 0]], 2)
    schedule, sampler = Schedule.ddpm_linear(10), samplers.Ddpm("beta")
    law = output_law(space, schedule, sampler)
    _, variance = gaussian(schedule, sampler, "exact", ONE)
    r = variance / 2
    assert law.kl() == pytest.approx(3 * (1 / r - 1 + math.log(r)) / 2, rel=1e-9)
    assert law.reverse_kl() == pytest.approx(3 * (r - 1 - math.log(r)) / 2, rel=1e-9)
    assert law.wasserstein(2) == pytest.approx(
        math.sqrt(3) * abs(math.sqrt(variance) - math.sqrt(2)), rel=1e-9
    )
    affinity = (2 * math.sqrt(2 * variance) / (2 + variance)) ** 1.5
    assert law.hellinger() == pytest.approx(math.sqrt(1 - affinity), rel=1e-7)
    with pytest.raises(SpanError, match="tv: the output's variance or mean across"):
        law.tv()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: output_law("x", SHORT), "target: 'x' is not a Mixture"),
        (lambda: output_law(THREE, "x"), "schedule: 'x' is not a Schedule"),
        (lambda: output_law(THREE, SHORT, "x"), "sampler: 'x' is not a sampler"),
        (lambda: output_law(THREE, SHORT, start="x"), "start: 'x' is none of exact, normal"),
        (lambda: output_law(THREE, SHORT).tv("x"), "reference: 'x' is none of target, last_level"),
        (lambda: output_law(THREE, SHORT).wasserstein(3), "order: 3 is neither 1 nor 2"),
        (lambda: output_law(THREE, SHORT).density("x"), "x: 'x' is not a number"),
        (lambda: output_law(THREE, SHORT).density([math.nan]), "x: a point is not finite"),
        (lambda: output_law(THREE, SHORT).density([[1.0]]), "x: an array of shape (1, 1)"),
        (
            lambda: output_law(Mixture(["1/5"] * 5, [[0] * 4, *np.eye(4, dtype=int).tolist()]), SHORT),
            "means: they span 4",
        ),
        (
            lambda: output_law(THREE, SHORT, samplers.Ddpm(score_error=lambda x, k: x * math.nan)).tv(),
            "score_error: at step 0 it returned",
        ),
        (
            lambda: output_law(POINTS, Schedule.from_sigmas([1, 0])),
            "schedule: without its noise-free level",
        ),
    ],
)
def test_bad_arguments_name_argument_value_and_rule(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        call()


@pytest.mark.parametrize(
    "sampler",
    [
        samplers.Ddpm("beta", score_error=lambda x, k: 0.2 * np.sin(x)),
        samplers.Ddim("1/2", score_error="1/5"),
        samplers.MomentMatched(3),
        samplers.MomentMatched(2),
    ],
    ids=str,
)
def test_a_simulation_of_a_million_paths_agrees_to_three_digits(sampler: samplers.Sampler) -> None:
    """Written from the samplers' definitions, in x, with numpy's generator."""
    rng = np.random.default_rng(7)
    levels = [float(x) for x in (0.1, 0.25, 0.5, 0.8)]
    weights, atoms = np.array([0.2, 0.5, 0.3]), np.array([-3.0, 0.0, 4.0])
    size = 10**6
    x = rng.standard_normal(size)
    for k, (ab, after) in enumerate(pairwise(levels)):
        logs = np.log(weights)[:, None] - (x - math.sqrt(ab) * atoms[:, None]) ** 2 / 2
        posterior = np.exp(logs - logs.max(axis=0))
        posterior /= posterior.sum(axis=0)
        mean = atoms @ posterior
        clean = (1 - ab) * mean + math.sqrt(ab) * x
        if isinstance(sampler, samplers.MomentMatched):
            clean = mean
            alpha = ab / after
            if sampler.order == 2:
                second = ((atoms[:, None] - mean) ** 2 * posterior).sum(axis=0)
                estimate = mean + np.sqrt(second) * rng.standard_normal(size)
            else:
                centred = atoms[:, None] - mean
                k2, k3 = ((centred**p * posterior).sum(axis=0) for p in (2, 3))
                skew = k3 / np.maximum(k2, 1e-300) ** 1.5
                upper = (skew + np.sqrt(skew**2 + 4)) / 2
                chance = 1 / (1 + upper**2)
                node = np.where(rng.random(size) < chance, upper, -1 / upper)
                estimate = mean + np.sqrt(k2) * node
            # X_{s-1} given x and A: the matched step, q = q' = 1
            moved = math.sqrt(alpha) * x + math.sqrt(after) * (1 - alpha) * estimate
            x = moved + math.sqrt(1 - alpha) * rng.standard_normal(size)
            continue
        if isinstance(sampler.score_error, Fraction):
            clean = clean + float(sampler.score_error)
        elif sampler.score_error is not None:
            clean = clean + sampler.score_error(x, k)
        eps = (x - math.sqrt(ab) * clean) / math.sqrt(1 - ab)
        if isinstance(sampler, samplers.Ddim):
            sigma = float(sampler.eta) * math.sqrt((1 - after) / (1 - ab) * (1 - ab / after))
            moved = math.sqrt(after) * clean + math.sqrt(1 - after - sigma**2) * eps
        else:
            alpha = ab / after
            moved = (x - (1 - alpha) / math.sqrt(1 - ab) * eps) / math.sqrt(alpha)
            sigma = math.sqrt(1 - alpha)
        x = moved + sigma * rng.standard_normal(size)
    law = output_law(THREE, SHORT, sampler, "normal")
    points = np.linspace(-4, 5, 19)
    empirical = np.searchsorted(np.sort(x), points) / size
    assert np.abs(law.cdf(points) - empirical).max() < 2.5e-3


@pytest.mark.slow
def test_a_step_too_far_for_machine_numbers() -> None:
    law = output_law(TWO, Schedule.from_snr(["0", "1e-70", "1"]))
    with pytest.raises(PrecisionError, match="step 1 takes the snr from 1e-70 to 1, too far"):
        law.tv()


def test_convolutions_are_taken_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A single call of half a minute would keep an interrupt waiting."""
    values, stencil = np.sin(np.arange(1000.0)), np.linspace(1, 2, 31)
    monkeypatch.setattr(stochastic, "_CONVOLVED", 31 * 70)
    calls: list[int] = []
    plain = np.convolve
    monkeypatch.setattr(np, "convolve", lambda *a: calls.append(len(a[0])) or plain(*a))
    expected = plain(values, stencil, "valid")
    assert stochastic._convolved(values, stencil) == pytest.approx(expected, abs=1e-12)
    assert len(calls) == 14
    assert max(calls) == 100


def test_the_stated_error_covers_tails_far_below_the_reference() -> None:
    """An output far narrower than the target: its KL is made in tails that machine numbers lose."""
    one, schedule, sampler = Mixture([1], [3], 2), Schedule.li_cai_wei(60), samplers.Ddpm("1/1000")
    mean, variance = gaussian(schedule, sampler, "exact", one)
    r = variance / 2
    exact = (1 / r - 1 + math.log(r) + (mean - 3) ** 2 / variance) / 2
    truth = output_law(one, schedule, sampler).truth("kl", "last_level")
    assert exact > 10
    assert abs(truth.value - exact) <= truth.error
