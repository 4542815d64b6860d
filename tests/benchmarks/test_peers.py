"""The certified and the fast engine beside their peers; skipped unless `--benchmark-only` is given.

The yardsticks are stated: over the cases of `peers`, in one run, the median time of `mpmath.quad` is at
least 50 times and that of `acb.integral` at least 10 times the certified engine's, at 30 digits; the
fast tier takes per knot of a 1000-step schedule at most a hundredth of `scipy.integrate.quad`.
"""

from __future__ import annotations

from statistics import median
from typing import Any

import mpmath
import pytest

from numerics import Mixture, Schedule, line, mmse, path, path_kl
from tests.benchmarks import peers
from tests.benchmarks.record import knots_by_scipy, timed

LAWS = {count: peers.law(count) for count in peers.COUNTS}
CASES = [(count, snr) for count in peers.COUNTS for snr in peers.SNRS]


def own(count: int, snr: str) -> Any:
    line._TABLES.clear()
    return mmse(LAWS[count], snr, digits=30)


@pytest.mark.parametrize(("count", "snr"), CASES)
def test_one_mmse_at_30_digits(benchmark: Any, count: int, snr: str) -> None:
    value = benchmark(own, count, snr)
    with mpmath.workdps(40):
        reference = peers.mpmath_quad(LAWS[count], snr, 30)
        assert abs(mpmath.mpf(value.mid().str(45, radius=False)) - reference) < mpmath.mpf(10) ** -29


def test_the_median_ratios(benchmark: Any) -> None:
    def measure() -> tuple[float, float]:
        quads, adaptive = [], []
        for count, snr in CASES:
            seconds, _ = timed(lambda c=count, t=snr: own(c, t), 5)  # type: ignore[misc]
            target = LAWS[count]
            quads.append(timed(lambda x=target, t=snr: peers.mpmath_quad(x, t, 30))[0] / seconds)  # type: ignore[misc]
            adaptive.append(timed(lambda x=target, t=snr: peers.acb_integral(x, t, 30))[0] / seconds)  # type: ignore[misc]
        return median(quads), median(adaptive)

    by_quad, by_acb = benchmark.pedantic(measure, rounds=1)
    benchmark.extra_info["times faster than mpmath.quad"] = by_quad
    benchmark.extra_info["times faster than acb.integral"] = by_acb
    assert by_quad > 50
    assert by_acb > 10


def test_a_thousand_knots_in_the_fast_tier(benchmark: Any) -> None:
    law = LAWS[8]
    target = Mixture(law.weights, law.means, 1)
    schedule = Schedule.ddpm_linear(1000)
    benchmark.pedantic(
        lambda: path_kl(target, schedule), setup=path.knot_values.cache_clear, rounds=5, warmup_rounds=1
    )
    knots = [float(t) for t in schedule.snr(target) if t > 0]
    ratio = knots_by_scipy(law, knots, 25) / (benchmark.stats.stats.median / 1000)
    benchmark.extra_info["times faster than scipy.integrate.quad, per knot"] = ratio
    assert ratio > 100
