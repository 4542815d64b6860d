"""The mpmath engine: a second route to every number, its error estimates, its limits."""

from __future__ import annotations

import ast
import random
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import flint
import mpmath
import pytest
from mpmath import mpf

from numerics import (
    Mixture,
    PrecisionError,
    Schedule,
    covariance_moment,
    independent,
    mmse,
    mutual_information,
)
from numerics.channel import functional_truth
from numerics.path import path_kl_truth
from tests.numerics import reference

NAMES = {"mmse": mmse, "mutual_information": mutual_information, "covariance_moment": covariance_moment}

THREE = Mixture(["1/5", "1/2", "3/10"], [-3, 0, 4])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("t", ["1/1000", "1/3", "2", "40"])
def test_against_the_certified_engine(name: str, t: str) -> None:
    digits = 15
    truth = functional_truth(name, THREE, t, digits=digits, engine="mpmath")  # type: ignore[arg-type]
    ball = NAMES[name](THREE, t, digits=35)
    assert isinstance(truth.value, mpf)
    assert (truth.engine, truth.digits) == ("mpmath", digits)
    with mpmath.workdps(80):
        error = abs(truth.value - reference.midpoint(ball))
        assert error <= truth.error + reference.midpoint(ball.rad())
        promise = mpf(10) ** -digits * max(abs(truth.value), mpf(10) ** -digits)
        assert error <= promise
        assert truth.error <= promise


@pytest.mark.parametrize("name", NAMES)
def test_tails_keep_the_absolute_promise(name: str) -> None:
    """Values of 1e-16 and less at 8 digits: 10^-2n of the scale is asked for, and stated."""
    sizes = {"mmse": float(THREE.core.variance), "covariance_moment": float(THREE.core.variance) ** 2}
    for t in (26, 30, 33):
        truth = functional_truth(name, THREE, t, digits=8, engine="mpmath")  # type: ignore[arg-type]
        ball = NAMES[name](THREE, t, digits=25)
        with mpmath.workdps(80):
            error = abs(truth.value - reference.midpoint(ball))
            assert error <= truth.error + reference.midpoint(ball.rad())
            assert truth.error <= mpf(10) ** -8 * max(
                abs(truth.value), mpf(10) ** -8 * sizes.get(name, 1.03)
            )


def test_against_the_reference() -> None:
    values = reference.functionals(THREE.weights, [m for (m,) in THREE.means], "1/3")
    with mpmath.workdps(60):
        for name, function in NAMES.items():
            found = function(THREE, "1/3", digits=25, engine="mpmath")
            assert abs(found - values[name]) < mpf(10) ** -25 * values[name]


@pytest.mark.parametrize("name", NAMES)
def test_errors_are_within_their_estimates(name: str) -> None:
    rng = random.Random(4)
    for _ in range(12):
        count = rng.choice([2, 3])
        parts = [Fraction(1, 10 ** rng.choice([0, 0, 1, 3, 9])) for _ in range(count)]
        target = Mixture([p / sum(parts) for p in parts], rng.sample(range(-3, 4), count))
        t = Fraction(10 ** rng.uniform(-5, 1.5)).limit_denominator(10**9)
        truth = functional_truth(name, target, t, digits=8, engine="mpmath")  # type: ignore[arg-type]
        ball = NAMES[name](target, t, digits=20)
        with mpmath.workdps(60):
            error = abs(truth.value - reference.midpoint(ball))
            assert error <= truth.error + reference.midpoint(ball.rad()), (target, t)


def test_limits_are_exact() -> None:
    for digits in (5, 15):
        with mpmath.workdps(60):
            far = mutual_information(THREE, 10**6, digits=digits, engine="mpmath")
            assert abs(far - reference.entropy(THREE.weights)) < mpf(10) ** (-2 * digits)
            assert mmse(THREE, 10**6, digits=digits, engine="mpmath") == 0
        near = functional_truth("mutual_information", THREE, "1e-40", digits=digits, engine="mpmath")
        assert abs(near.value) <= mpf(10) ** (-2 * digits)
    for name in NAMES:
        assert NAMES[name](Mixture([1], [7]), 3, digits=10, engine="mpmath") == 0


def test_t_is_taken_exactly() -> None:
    """A decimal is not rounded to a double on the way, and a long mpf keeps its digits."""
    with mpmath.workdps(15):
        decimal = mmse(THREE, "1/3", digits=30, engine="mpmath")
        from_ball = mmse(THREE, flint.arb(0.375), digits=20, engine="mpmath")
    with mpmath.workdps(60):
        third = mpf(1) / 3
    long = mmse(THREE, third, digits=30, engine="mpmath")
    ball, exact = mmse(THREE, "1/3", digits=40), mmse(THREE, "3/8", digits=40)
    with mpmath.workdps(60):
        assert abs(decimal - reference.midpoint(ball)) < mpf(10) ** -29
        assert abs(long - reference.midpoint(ball)) < mpf(10) ** -29
        assert abs(from_ball - reference.midpoint(exact)) < mpf(10) ** -19


@pytest.mark.parametrize("t", ["450000", "1e8", "1e14"])
def test_what_costs_too_much_is_refused_at_once(t: str) -> None:
    target = Mixture(["1/3", "1/3", "1/3"], [0, "1e-7", 1])
    began = time.monotonic()
    with pytest.raises(PrecisionError, match=r"^mmse: the mpmath engine needs more than \d+ nodes$"):
        mmse(target, t, digits=10, engine="mpmath")
    assert time.monotonic() - began < 10


def test_knots_that_saturate() -> None:
    """Li-Cai-Wei's last knots agree in the first hundred digits where v > 0."""
    target = Mixture(["1/3", "2/3"], [0, 1], "1/7")
    schedule = Schedule.li_cai_wei(36, c0="1/2", c1=10)
    slow = path_kl_truth(target, schedule, digits=4, engine="mpmath")
    ball = path_kl_truth(target, schedule, digits=12).value
    with mpmath.workdps(40):
        assert abs(slow.value - reference.midpoint(ball)) <= slow.error + mpf(10) ** -12


def test_nothing_is_shared_with_the_certified_engine() -> None:
    """From the certified engine nothing is imported, from `quadrature` neither."""
    tree = ast.parse(Path(independent.__file__).read_text(encoding="utf-8"))
    imported: dict[str, set[Any]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            imported.setdefault(node.module or "", set()).update(alias.name for alias in node.names)
        assert not (isinstance(node, ast.Attribute) and node.attr in ("quad", "quadts", "quadgl"))
    for module in ("certified", "line", "space", "clusters", "fast", "orthogonal", "quadrature"):
        assert f"numerics.{module}" not in imported
    assert "flint" not in {name.partition(".")[0] for name in imported}
