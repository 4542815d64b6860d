"""What the numerics cost; skipped unless `--benchmark-only` or `--benchmark-enable` is given.

The yardsticks are stated: one mmse at 30 digits at least 30 times faster than `mpmath.quad` over a finite
range split at atoms and midpoints; a 1000-step path KL with K = 8 at 30 digits in under 20 s, in the fast
tier in under 0.2 s. Processor time is measured, not the clock on the wall.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import mpmath
import pytest
from mpmath import mpf

from numerics import Mixture, Schedule, line, mmse, mutual_information, path, path_kl

pytestmark = pytest.mark.benchmark(timer=time.process_time)

THREE = Mixture(["1/5", "1/2", "3/10"], [-3, 0, 4])

EIGHT = Mixture(
    ["1/10", "3/20", "1/20", "1/5", "1/10", "3/20", "1/10", "3/20"], [-4, -3, -1, 0, "1/2", 2, 3, 5]
)


@pytest.fixture(autouse=True)
def nothing_cached() -> None:
    path.knot_values.cache_clear()
    line._TABLES.clear()


def by_quad(target: Mixture, t: str, digits: int) -> Any:
    """The mmse by mpmath.quad, the range cut at the atoms and midpoints, at twelve deviations."""
    with mpmath.workdps(digits + 10):
        w = [mpf(x.numerator) / x.denominator for x in target.weights]
        s = mpmath.sqrt(mpf(t))
        a = [s * mpf(x.numerator) / x.denominator for (x,) in target.means]

        def integrand(z: Any) -> Any:
            p = [x * mpmath.npdf(z, y) for x, y in zip(w, a, strict=True)]
            total = mpmath.fsum(p)
            mean = mpmath.fsum(x * y for x, y in zip(p, a, strict=True)) / total
            return mpmath.fsum(x * (y - mean) ** 2 for x, y in zip(p, a, strict=True))

        atoms = sorted(a)
        middles = [(x + y) / 2 for x, y in pairwise(atoms)]
        cuts = sorted({atoms[0] - 12, *atoms, *middles, atoms[-1] + 12})
        return mpmath.quad(integrand, cuts) / s**2


def timed(function: Callable[[], Any]) -> tuple[float, Any]:
    began = time.process_time()
    value = function()
    return time.process_time() - began, value


@pytest.mark.parametrize("t", ["0.5", "3"])
def test_one_mmse_at_30_digits_against_mpmath_quad(benchmark: Any, t: str) -> None:
    slow, reference = timed(lambda: by_quad(THREE, t, 30))
    value = benchmark.pedantic(lambda: mmse(THREE, t, digits=30), setup=line._TABLES.clear, rounds=15)
    with mpmath.workdps(40):
        assert abs(mpf(value.mid().str(40, radius=False)) - reference) < mpf(10) ** -29
    ratio = slow / benchmark.stats.stats.median
    benchmark.extra_info["quad seconds"] = slow
    benchmark.extra_info["times faster than mpmath.quad"] = ratio
    print(f"\nmmse at t = {t}: mpmath.quad {slow:.3f} s, {ratio:.0f} times the certified engine's time")
    assert ratio > 30


def test_one_information_at_30_digits(benchmark: Any) -> None:
    benchmark.pedantic(lambda: mutual_information(THREE, 3, digits=30), setup=line._TABLES.clear, rounds=15)


@pytest.mark.parametrize("variance", ["1", "1/10"])
def test_a_thousand_steps_at_30_digits(benchmark: Any, variance: str) -> None:
    target = Mixture(EIGHT.weights, EIGHT.means, variance)

    def setup() -> None:
        path.knot_values.cache_clear()
        line._TABLES.clear()

    value = benchmark.pedantic(
        lambda: path_kl(target, Schedule.ddpm_linear(1000), digits=30), setup=setup, rounds=1
    )
    assert value.rad() < 1e-30
    assert benchmark.stats.stats.max < 20


@pytest.mark.parametrize("variance", ["1", "1/10"])
def test_a_thousand_steps_in_the_fast_tier(benchmark: Any, variance: str) -> None:
    target = Mixture(EIGHT.weights, EIGHT.means, variance)
    value = benchmark.pedantic(
        lambda: path_kl(target, Schedule.ddpm_linear(1000)), setup=path.knot_values.cache_clear, rounds=5
    )
    assert value > 0
    assert benchmark.stats.stats.median < 0.2
