"""Process-wide precision: no result depends on it, every call restores it, threads may differ."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

import flint
import mpmath
import pytest

from numerics import (
    Mixture,
    PrecisionError,
    Schedule,
    covariance_moment,
    mmse,
    mutual_information,
    path_kl,
    samplers,
)
from numerics.arithmetic import balls, mpmath_numbers
from numerics.channel import functional_truth
from numerics.path import knot_values
from tests.numerics import reference

TARGET = Mixture(["1/5", "1/2", "3/10"], [-3, 0, 4], "1/3")

POINT = mpmath.mpf(0.3)

STEPS = Schedule.from_snr([0, "1/3", "7/10", "3/2"])


@contextmanager
def left_by_the_caller(bits: int) -> Iterator[None]:
    before = flint.ctx.prec, mpmath.mp.prec
    flint.ctx.prec, mpmath.mp.prec = bits, bits
    try:
        yield
        assert (flint.ctx.prec, mpmath.mp.prec) == (bits, bits)
    finally:
        flint.ctx.prec, mpmath.mp.prec = before


def forget() -> None:
    """Empty the caches, so that nothing is answered from an earlier precision."""
    for name, module in list(sys.modules.items()):
        if name.startswith("numerics"):
            for member in vars(module).values():
                if hasattr(member, "cache_clear"):
                    member.cache_clear()
    sys.modules["numerics.line"]._TABLES.clear()  # type: ignore[attr-defined]


def exactly(value: Any) -> Any:
    """A result as data that compares equal only if every bit is equal."""
    if isinstance(value, flint.arb):
        return tuple(tuple(map(int, part.man_exp())) for part in (value.mid(), value.rad()))
    if isinstance(value, mpmath.mpf):
        return tuple(map(int, value._mpf_))
    return [exactly(x) for x in value] if isinstance(value, list) else value


CALLS: dict[str, Callable[[], Any]] = {
    "mmse": lambda: mmse(TARGET, "1/3", digits=25),
    "mutual_information": lambda: mutual_information(TARGET, "0.1", digits=25),
    "covariance_moment": lambda: covariance_moment(TARGET, 0.3, digits=25),
    "clusters": lambda: mutual_information(TARGET, 10**4, digits=20),
    "mmse, mpmath": lambda: mmse(TARGET, "1/3", digits=8, engine="mpmath"),
    "mutual_information, mpmath": lambda: mutual_information(TARGET, "0.1", digits=8, engine="mpmath"),
    "far, mpmath": lambda: mutual_information(TARGET, 10**5, digits=8, engine="mpmath"),
    "a ball for mpmath": lambda: mmse(TARGET, flint.arb(0.3), digits=8, engine="mpmath"),
    "an mpf for balls": lambda: mmse(TARGET, POINT, digits=20),
    "fast": lambda: mmse(TARGET, "1/3"),
    "path": lambda: path_kl(TARGET, Schedule.karras(4), digits=20),
    "path, mpmath": lambda: path_kl(TARGET, STEPS, digits=6, engine="mpmath"),
    "path, fast": lambda: path_kl(TARGET, Schedule.cosine(5)),
    "path, beta, normal": lambda: path_kl(
        TARGET, Schedule.karras(3), samplers.Ddpm("beta"), "normal", digits=20
    ),
    "path, beta, fast": lambda: path_kl(TARGET, Schedule.karras(3), samplers.Ddpm("beta"), "normal"),
    "knots": lambda: Schedule.cosine(4).snr(TARGET, digits=30),
    "knots, mpmath": lambda: Schedule.karras(4).snr(TARGET, digits=30, engine="mpmath"),
    "knots, fast": lambda: Schedule.li_cai_wei(50).snr(TARGET),
    "knot values": lambda: knot_values(TARGET, STEPS, 10, moments=("information",)).information,
}


@pytest.mark.parametrize("name", CALLS)
def test_results_do_not_depend_on_what_the_caller_left(name: str) -> None:
    forget()
    usual = exactly(CALLS[name]())
    for bits in (2, 10_000):
        forget()
        with left_by_the_caller(bits):
            found = CALLS[name]()
        assert exactly(found) == usual, bits


@pytest.mark.parametrize("options", [{"digits": 20}, {"digits": 20, "engine": "mpmath"}])
def test_the_ends_of_a_truth(options: dict[str, Any]) -> None:
    """lower <= value <= upper, within a thousandth of the radius, whatever precision is set."""
    truth = functional_truth("mmse", TARGET, "1/3", **options)
    value = truth.value.mid() if isinstance(truth.value, flint.arb) else truth.value
    radius = reference.fraction_of(truth.radius)
    for bits in (2, 53, 10_000):
        with left_by_the_caller(bits):
            below = reference.fraction_of(value) - reference.fraction_of(truth.lower())
            above = reference.fraction_of(truth.upper()) - reference.fraction_of(value)
        assert radius * Fraction(999, 1000) <= below <= radius * Fraction(1001, 1000)
        assert radius * Fraction(999, 1000) <= above <= radius * Fraction(1001, 1000)


@pytest.mark.parametrize(
    "call",
    [
        lambda: mmse(TARGET, -1, digits=20),
        lambda: mmse(TARGET, flint.arb("1 +/- 0.1"), digits=20),
        lambda: mmse(Mixture(["1/64"] * 64, range(64)), 1000, digits=1000),
        lambda: path_kl(TARGET, Schedule.from_sigmas([3, 1]), sampler="beta", digits=5),  # type: ignore[arg-type]
    ],
)
def test_errors_restore_it_too(call: Callable[[], Any]) -> None:
    with left_by_the_caller(77), pytest.raises((ValueError, PrecisionError)):
        call()


def test_contexts_nest_and_restore() -> None:
    with left_by_the_caller(61):
        with balls(100).precision(), mpmath_numbers(50).precision():
            assert flint.ctx.prec == 100
            assert mpmath.mp.dps == 50
            with pytest.raises(ZeroDivisionError), balls(30).precision(), mpmath_numbers(9).precision():
                1 / (flint.ctx.prec + mpmath.mp.dps - 39)
            assert flint.ctx.prec == 100
            assert mpmath.mp.dps == 50
        assert flint.ctx.prec == 61
        assert mpmath.mp.prec == 61


def test_threads_at_different_digits() -> None:
    """Eight threads, two engines, many precisions: bit for bit what one thread alone gets."""
    jobs: list[Callable[[], Any]] = []
    for digits in (7, 15, 28, 60):
        jobs += [
            lambda digits=digits: mmse(TARGET, "1/7", digits=digits),
            lambda digits=digits: covariance_moment(TARGET, "5/7", digits=digits),
            lambda digits=digits: path_kl(TARGET, Schedule.flow_matching(4), digits=digits),
            lambda digits=digits: Schedule.cosine(3).snr(TARGET, digits=digits),
            lambda digits=digits: Schedule.karras(3).snr(TARGET, digits=digits, engine="mpmath"),
        ]
    jobs += [
        lambda: mutual_information(TARGET, "2/7", digits=6, engine="mpmath"),
        lambda: path_kl(TARGET, Schedule.karras(6)),
    ]
    forget()
    alone = [exactly(job()) for job in jobs]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for _ in range(3):
            forget()
            with ThreadPoolExecutor(8) as pool, left_by_the_caller(53):
                together = [exactly(x) for x in pool.map(lambda job: job(), jobs + jobs[::-1])]
            assert together[: len(jobs)] == alone
            assert together[len(jobs) :] == alone[::-1]
    finally:
        sys.setswitchinterval(interval)
