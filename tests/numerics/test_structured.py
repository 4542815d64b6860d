"""Structured targets: two routes to every value, bounds at coarse grids, extremes, serialisation."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from typing import Any

import flint
import mpmath
import numpy as np
import pytest

from numerics import (
    Mixture,
    Orthogonal,
    Product,
    Schedule,
    Target,
    covariance_moment,
    mmse,
    mutual_information,
    orthogonal_fast,
    orthogonal_inner,
    path_kl,
    samplers,
)
from numerics import orthogonal as engine
from numerics.arithmetic import balls
from numerics.channel import functional_truth
from numerics.cores import Functional
from numerics.path import path_kl_truth
from numerics.quadrature import Spacing
from numerics.structured import OrthogonalCore

FUNCTIONALS: tuple[Functional, ...] = ("mmse", "mutual_information", "covariance_moment")


def as_mixture(components: int, radius: Any, variance: Any = 1) -> Mixture:
    axes = [[radius if i == j else 0 for j in range(components)] for i in range(components)]
    return Mixture([Fraction(1, components)] * components, axes, variance)


def as_mpf(ball: flint.arb) -> Any:
    return mpmath.mpf(ball.mid().str(60, radius=False))


def test_check_values() -> None:
    target = Orthogonal(5, "3/2")
    assert 1 - mmse(target, 1) / 2.25 == pytest.approx(0.53048280, abs=5e-9)
    assert mutual_information(target, 1) == pytest.approx(0.70360708, abs=5e-9)
    value = mmse(target, 1, digits=30)
    assert value.overlaps(flint.arb("1.0564136927090717269532165953424 +/- 1e-30"))


@pytest.mark.parametrize("functional", FUNCTIONALS)
@pytest.mark.parametrize("t", ["1/100", "1/2", "2"])
@pytest.mark.parametrize(("components", "digits"), [(2, 40), (3, 12), (4, 5)])
def test_few_components_equal_the_mixture(
    components: int, digits: int, t: str, functional: Functional
) -> None:
    ours = functional_truth(functional, Orthogonal(components, "3/2"), t, digits).value
    theirs = functional_truth(functional, as_mixture(components, "3/2"), t, digits).value
    assert ours.overlaps(theirs)
    assert float(ours.rad()) <= 10.0**-digits * float(ours)


@pytest.mark.parametrize("digits", [4, 10, 25, 60])
def test_two_components_are_the_binary_mixture_at_distance_b_root_two(digits: int) -> None:
    line = Mixture(["1/2", "1/2"], [0, 3])
    for k in range(-6, 6):
        t = Fraction(3) ** k / 50
        for functional, factor in zip(FUNCTIONALS, (2, 1, 4), strict=True):
            ours = functional_truth(functional, Orthogonal(2, 3), t, digits).value
            theirs = functional_truth(functional, line, 2 * t, digits + 5).value
            assert ours.overlaps(factor * theirs)


@pytest.mark.parametrize("functional", FUNCTIONALS)
@pytest.mark.parametrize(
    ("components", "t"),
    [
        (5, "9/4"),
        (2, "1/1000"),
        (1024, "1/4"),
        (3, "20"),
        (10**6, "4"),
    ],
)
def test_independent_engine(components: int, t: str, functional: Functional) -> None:
    target = Orthogonal(components, 1)
    other = functional_truth(functional, target, t, 6, "mpmath").value
    value = functional_truth(functional, target, t, 12).value
    with mpmath.workdps(40):
        assert abs(other - as_mpf(value)) <= mpmath.mpf(10) ** -6 * abs(other)


def test_independent_engine_shares_its_summands(monkeypatch: pytest.MonkeyPatch) -> None:
    """Inner times outer nodes are 800,000 here, and every summand is an exponential of one."""
    calls = 0
    plain = mpmath.exp

    def counted(x: Any) -> Any:
        nonlocal calls
        calls += 1
        return plain(x)

    monkeypatch.setattr(mpmath, "exp", counted)
    value = functional_truth("mmse", Orthogonal(10**6, 3), 4, 8, "mpmath").value
    assert float(value) == pytest.approx(float(functional_truth("mmse", Orthogonal(10**6, 3), 4, 12).value))
    assert calls < 40_000


@pytest.mark.parametrize("functional", FUNCTIONALS)
@pytest.mark.parametrize("components", [10**6, 10**9])
def test_independent_engine_for_many_components(components: int, functional: Functional) -> None:
    target = Orthogonal(components, 3)
    other = functional_truth(functional, target, 1, 8, "mpmath").value
    value = functional_truth(functional, target, 1, 12).value
    with mpmath.workdps(40):
        assert abs(other - as_mpf(value)) <= mpmath.mpf(10) ** -8 * abs(other)


@pytest.mark.parametrize("functional", FUNCTIONALS)
@pytest.mark.parametrize("components", [2, 7, 1024, 10**6, 10**9])
def test_fast_engine_keeps_its_stated_error(components: int, functional: Functional) -> None:
    target = Orthogonal(components, 2)
    for rho in (1e-6, 1e-3, 0.05, 0.3, 1.0, 2.5, 5.0, 8.0, 11.0):
        t = Fraction(rho) ** 2 / 4
        quick = functional_truth(functional, target, t)
        exact = functional_truth(functional, target, t, 18).value
        assert abs(quick.value - float(exact)) <= quick.error + 1e-30


@pytest.mark.parametrize("functional", FUNCTIONALS)
def test_many_fast_values_are_interpolated(functional: Functional) -> None:
    core = OrthogonalCore(50, Fraction(1))
    t = np.concatenate([[0.0], np.geomspace(1e-7, 200, 900)])
    many = orthogonal_fast.values(core, functional, t)
    few = np.concatenate(
        [orthogonal_fast.values(core, functional, t[i : i + 1]) for i in range(0, 901, 60)]
    )
    assert many[::60] == pytest.approx(few, rel=1e-13, abs=1e-22)


@pytest.mark.parametrize("functional", FUNCTIONALS)
@pytest.mark.parametrize("components", [3, 1024, 10**9])
@pytest.mark.parametrize("t", ["1e-8", "1/50", "2", "25", "60"])
def test_enclosures_nest(components: int, t: str, functional: Functional) -> None:
    target = Orthogonal(components, 1)
    values = [functional_truth(functional, target, t, n).value for n in (8, 20, 45)]
    scale = {"mmse": 1.0, "mutual_information": math.log(components), "covariance_moment": 1.0}[functional]
    for n, a in zip((8, 20, 45), values, strict=True):
        assert a.overlaps(values[-1])
        size = max(abs(float(a)), 10.0**-n * scale)
        assert float(a.rad()) <= 10.0**-n * size * 1.001


# Remainders, at coarse spacings


@pytest.mark.parametrize("rho", [0.05, 0.4, 1.0, 3.0])
@pytest.mark.parametrize("h", [0.3, 0.6, 1.1, 2.0])
def test_inner_remainder_holds_at_coarse_spacings(rho: float, h: float) -> None:
    with balls(200).precision():
        fine = [_inner(rho, flint.arb(1) / 64, j, 900) for j in range(3)]
        for j in range(3):
            error = orthogonal_inner.inner_error(flint.arb(rho), flint.arb(h), j, math.ceil(14 / h))
            coarse = _inner(rho, flint.arb(h), j, math.ceil(14 / h))
            for a, b in zip(coarse, fine[j], strict=True):
                assert abs(a - b).upper() <= error + flint.arb(10) ** -35


def _inner(rho: float, h: flint.arb, j: int, reach: int) -> list[flint.arb]:
    values = []
    for x in (-3, -1, 0, 2):
        total = flint.arb(0)
        for k in range(-reach, reach + 1):
            z = h * k
            u = (x + rho * z).exp()
            total += (-(z * z) / 2 - u).exp() * u**j
        values.append(total * h / (2 * flint.arb.pi()).sqrt())
    return values


@pytest.mark.parametrize("rho", [0.02, 0.1, 0.2])
@pytest.mark.parametrize("terms", [1, 2, 4, 8])
def test_series_remainder_holds_for_few_terms(rho: float, terms: int) -> None:
    grid = orthogonal_inner.Plan(Spacing(8, -3), 1, 0, -3, 2, terms)
    with balls(200).precision():
        sums = orthogonal_inner.inner_sums(flint.arb(rho), 2, grid, 200)
        for j in range(3):
            fine = _inner(rho, flint.arb(1) / 64, j, 900)
            for x, b in zip((-3, -1, 0, 2), fine, strict=True):
                assert sums[j][x + 3].overlaps(b + flint.arb(0, 1e-40))
            assert orthogonal_inner.series_error(flint.arb(rho), j, terms) > 0


@pytest.mark.parametrize("functional", FUNCTIONALS)
@pytest.mark.parametrize("components", [2, 30, 10**6])
@pytest.mark.parametrize("rho", [0.3, 1.5, 4.0])
@pytest.mark.parametrize("widen", [2, 4, 8])
def test_outer_remainder_holds_at_coarse_spacings(
    components: int, rho: float, widen: int, functional: Functional
) -> None:
    """Every `widen`-th node of a fine grid, against the fine sum."""
    with balls(160).precision():
        t = flint.arb(rho) * rho
        fine = engine.plan(components, rho, functional, 60, 90, -60, -60, series=False)
        value = engine.outer_sum(components, functional, t, fine, 160)
        step = fine.delta.ball() * fine.stride * widen
        coarse = orthogonal_inner.Plan(
            fine.delta,
            fine.stride * widen,
            fine.reach,
            fine.first // widen,
            -(-fine.last // widen),
        )
        rough = engine.outer_sum(components, functional, t, coarse, 160)
        bound = min(
            engine.outer_remainder(components, t, functional, step, decay) for decay in (3.0, 10.0, 30.0)
        )
        assert abs(rough - value).lower() <= bound


@pytest.mark.parametrize("functional", FUNCTIONALS)
@pytest.mark.parametrize("components", [2, 40, 10**9])
def test_tail_bounds_hold(components: int, functional: Functional) -> None:
    for rho in (3, 6, 10):
        t = flint.arb(rho * rho)
        bound = (components - 1) * math.exp(-rho * rho / 4)
        value = float(functional_truth(functional, Orthogonal(components, 1), t, 12).value)
        if functional == "mutual_information":
            value = math.log(components) - value
        factor = {"mmse": 0.5, "mutual_information": 1.0, "covariance_moment": 0.25}[functional]
        assert value <= factor * bound * (1 + 1e-9) + 1e-10


# Extremes


@pytest.mark.parametrize("components", [2, 3, 10**9])
@pytest.mark.parametrize(
    ("radius", "t"), [("1e-75", "1e-75"), (1, "1e-9"), (1, "1e9"), ("1e75", "1e75"), ("1e-3", 7)]
)
def test_extremes(components: int, radius: Any, t: Any) -> None:
    target = Orthogonal(components, radius)
    for functional in FUNCTIONALS:
        value = functional_truth(functional, target, t, 12).value
        assert value.is_finite()
        quick = functional_truth(functional, target, t)
        assert abs(quick.value - float(value)) <= quick.error + 2 * float(value.rad()) + 1e-323


def test_zero_snr_and_small_snr() -> None:
    target = Orthogonal(10**6, 2)
    assert mmse(target, 0, digits=20).overlaps(flint.arb(4) * (10**6 - 1) / 10**6)
    assert mutual_information(target, 0, digits=20) == 0
    assert covariance_moment(target, 0) == pytest.approx(16 * (10**6 - 1) / 1e12, rel=1e-13)
    with balls(64).precision():
        t = flint.arb(0, 1e-40).union(flint.arb(0))
        value = engine.certified_value(target.core, "mmse", abs(t), -40.0)
    assert value.overlaps(flint.arb(4) * (10**6 - 1) / 10**6)


def test_one_distinct_atom_gives_exact_zero() -> None:
    for target in (Orthogonal(1, 3), Orthogonal(9, 0), Product(Orthogonal(1, 3), 10**9)):
        for functional in FUNCTIONALS:
            assert functional_truth(functional, target, 2, 10).value == 0
            assert functional_truth(functional, target, 2).value == 0
            assert functional_truth(functional, target, 2, 10, "mpmath").value == 0
    assert Orthogonal(9, 0).notes


# Products


@pytest.mark.parametrize("functional", FUNCTIONALS)
def test_product_adds(functional: Functional) -> None:
    square = Mixture(["1/4"] * 4, [[1, 1], [1, -1], [-1, 1], [-1, -1]])
    line = Mixture(["1/2", "1/2"], [-1, 1])
    ours = functional_truth(functional, Product(line, 2), "3/2", 12).value
    assert ours.overlaps(functional_truth(functional, square, "3/2", 12).value)


def test_hypercube_of_a_million_dimensions() -> None:
    line = Mixture(["1/2", "1/2"], [-1, 1])
    cube = Product(line, 10**6)
    assert (cube.dimension, cube.core.rank, cube.core.variance) == (10**6, 10**6, 10**6)
    assert cube.second_moment == 10**6
    assert mmse(cube, "1/2", digits=20).overlaps(10**6 * mmse(line, "1/2", digits=25))
    assert mutual_information(cube, 1) == pytest.approx(10**6 * mutual_information(line, 1), rel=1e-14)
    value = mutual_information(cube, "1044013315/1000000000", digits=12)
    assert float(value) / 10**6 == pytest.approx(math.log(2) / 2, rel=1e-9)


def test_products_nest() -> None:
    inner = Orthogonal(1024, 2)
    nested = Product(Product(inner, 10), 100)
    assert nested.core == Product(inner, 1000).core
    assert nested.dimension == 1024 * 1000
    assert mmse(nested, 1) == pytest.approx(1000 * mmse(inner, 1), rel=1e-14)
    other = mmse(Product(Orthogonal(3, 1), 7), 2, digits=8, engine="mpmath")
    assert float(other) == pytest.approx(7 * mmse(Orthogonal(3, 1), 2), rel=1e-8)


# Path KL

SCHEDULES = (
    Schedule.ddpm_linear(steps=20),
    Schedule.karras(steps=18),
    Schedule.geometric(steps=30, first="1e-4", last=300),
)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda s: s.name)
@pytest.mark.parametrize("components", [3, 1024, 10**9])
def test_path_kl_engines_agree(components: int, schedule: Schedule) -> None:
    target = Orthogonal(components, 3, 1)
    quick = path_kl_truth(target, schedule)
    exact = path_kl(target, schedule, digits=20)
    assert abs(quick.value - float(exact)) <= 1e-12 * float(exact)
    assert abs(quick.value - float(exact)) <= quick.error
    assert float(exact.rad()) <= 1e-20 * max(float(exact), 1e-20 * math.log(components))


CHOICES = Schedule.from_alpha_bar(["0.01", "0.3", "0.8", "0.95"])


@pytest.mark.parametrize("variance", ["beta", "optimal", "beta_tilde"])
def test_path_kl_with_choices_equals_the_mixture(variance: str) -> None:
    options: dict[str, Any] = {"sampler": samplers.Ddpm(variance), "start": "normal"}
    ours, theirs = Orthogonal(3, 2, "1/2"), as_mixture(3, 2, "1/2")
    value = path_kl(ours, CHOICES, digits=12, **options)
    assert value.overlaps(path_kl(theirs, CHOICES, digits=12, **options))
    assert path_kl(ours, CHOICES, **options) == pytest.approx(float(value), rel=1e-11)


@pytest.mark.slow
@pytest.mark.parametrize("variance", ["beta", "optimal", "beta_tilde"])
def test_path_kl_with_choices_by_mpmath(variance: str) -> None:
    options: dict[str, Any] = {"sampler": samplers.Ddpm(variance), "start": "normal"}
    target = Orthogonal(3, 2, "1/2")
    other = path_kl(target, CHOICES, digits=6, engine="mpmath", **options)
    assert float(other) == pytest.approx(float(path_kl(target, CHOICES, digits=12, **options)), rel=1e-6)


def test_ambient_dimension_matters_for_other_variances_only() -> None:
    schedule = Schedule.from_alpha_bar(["0.01", "0.3", "0.8"])
    plain, padded = Orthogonal(3, 2, "1/2"), Product(Orthogonal(3, 2, "1/2"), gaussian_directions=7)
    assert padded.dimension == 10
    assert path_kl(plain, schedule) == path_kl(padded, schedule)
    axes = [[2 if i == j else 0 for j in range(10)] for i in range(3)]
    mixture = Mixture(["1/3"] * 3, axes, "1/2")
    options: dict[str, Any] = {"sampler": samplers.Ddpm("beta"), "start": "normal", "digits": 12}
    assert path_kl(padded, schedule, **options).overlaps(path_kl(mixture, schedule, **options))


def test_path_kl_of_products_is_a_multiple() -> None:
    schedule = Schedule.cosine(steps=10)
    for factor in (Mixture(["1/5", "1/2", "3/10"], [-3, 0, 4]), Orthogonal(100, 4, 1)):
        for options in ({}, {"sampler": samplers.Ddpm("beta_tilde"), "start": "normal"}):
            if options and factor.variance:
                options["sampler"] = samplers.Ddpm("beta")
            one = path_kl(factor, schedule, **options)
            many = path_kl(Product(factor, 10**6), schedule, **options)
            assert many == pytest.approx(10**6 * one, rel=1e-11)


# Targets


@pytest.mark.parametrize(
    "target",
    [
        Orthogonal(10**6, "1/3", "0.05"),
        Product(Orthogonal(5, 2), 7),
        Product(Product(Mixture(["1/2", "1/2"], [0, 1]), 3), 10**9, gaussian_directions=4),
    ],
)
def test_round_trips(target: Target) -> None:
    assert Target.from_json(target.to_json()) == target
    assert type(target).from_dict(json.loads(target.to_json())) == target
    assert eval(repr(target), {"Mixture": Mixture, "Orthogonal": Orthogonal, "Product": Product}) == target  # noqa: S307
    assert hash(Target.from_dict(target.to_dict())) == hash(target)


def test_json_of_a_mixture_needs_no_type() -> None:
    target = Target.from_json('{"weights": [0.25, 0.75], "means": [0, 1.5], "variance": 0.1}')
    assert target == Mixture(["1/4", "3/4"], [0, "3/2"], "1/10")


def deep_product(depth: int) -> dict[str, Any]:
    data: dict[str, Any] = {"type": "orthogonal", "components": 2, "radius": 1}
    for _ in range(depth):
        data = {"type": "product", "target": data, "copies": 2}
    return data


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Orthogonal(0, 1), "components: 0 is below 1"),
        (lambda: Orthogonal(10**9 + 1, 1), "components: 1000000001 exceeds 1000000000"),
        (lambda: Orthogonal(2.5, 1), "components: 2.5 is not an integer"),
        (lambda: Orthogonal(3, -1), "radius: -1 is negative"),
        (lambda: Orthogonal(3, float("nan")), "radius: nan is not finite"),
        (lambda: Orthogonal(3, 1, "-1/2"), "variance: '-1/2' is negative"),
        (lambda: Product(3, 2), "target: 3 is not a target"),
        (lambda: Product(Orthogonal(3, 1), 0), "copies: 0 is below 1"),
        (lambda: Product(Orthogonal(3, 1), 10**9 + 1), "copies: 1000000001 exceeds"),
        (lambda: Target.from_json('{"type": "cube"}'), "target: type: 'cube' is none of mixture"),
        (lambda: Target.from_json("[1]"), "target: .* is not a table"),
        (lambda: Target.from_dict({"type": "orthogonal", "radius": 1}), "key 'components' is missing"),
        (lambda: Target.from_dict({"type": "orthogonal", "k": 1}), "unknown key 'k'"),
        (lambda: Target.from_dict({"type": "product"}), "the key 'target' is missing"),
        (lambda: Target.from_dict(deep_product(500)), "products inside one another"),
        (lambda: Orthogonal(10**9, 1).sample(np.random.default_rng(0), 1), "exceed 100000000 numbers"),
        (lambda: mmse(Orthogonal(3, 1), -1), "t: -1 is negative"),
        (lambda: mmse("cube", 1), "target: 'cube' is not a target"),
    ],
)
def test_one_line_errors(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_samples() -> None:
    rng = np.random.default_rng(1)
    x = Orthogonal(3, 2, "1/4").sample(rng, 40_000)
    assert x.shape == (40_000, 3)
    assert x.mean(axis=0) == pytest.approx([2 / 3] * 3, abs=0.03)
    assert (x**2).sum(axis=1).mean() == pytest.approx(4 + 3 / 4, abs=0.05)
    y = Product(Orthogonal(3, 2, "1/4"), 2, gaussian_directions=1).sample(rng, 40_000)
    assert y.shape == (40_000, 7)
    assert y.var(axis=0) == pytest.approx([4 * 2 / 9 + 0.25] * 6 + [0.25], abs=0.03)
    assert np.corrcoef(y[:, 0], y[:, 3])[0, 1] == pytest.approx(0, abs=0.02)
