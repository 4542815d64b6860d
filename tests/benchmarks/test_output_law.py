"""Output laws beside a simulation of 10^6 samples; skipped unless `--benchmark-only` is given.

The yardsticks are those stated for output laws: 1,000 steps on a line in under 3 s, linear in the number of
steps; and in one run the time and the error of a histogram of 10^6 simulated iterates.
"""

from __future__ import annotations

import time
from typing import Any

import pytest

from numerics import Mixture, Schedule, certified_tv, output_law
from numerics.output_law.chain import chain_of
from tests.benchmarks.record import timed
from tests.benchmarks.simulation import histogram_tv

pytestmark = pytest.mark.benchmark(timer=time.process_time)

THREE = Mixture(["1/5", "1/2", "3/10"], [-3, 0, 4])
DISTANCES = ("tv", "kl", "reverse_kl", "hellinger", "wasserstein_1", "wasserstein_2")


def every_distance(steps: int) -> list[float]:
    chain_of.cache_clear()
    law = output_law(THREE, Schedule.ddpm_linear(steps))
    return [law.truth(name, "last_level").value for name in DISTANCES]


@pytest.mark.parametrize("steps", [10, 100, 1000])
def test_every_distance(benchmark: Any, steps: int) -> None:
    benchmark.pedantic(every_distance, (steps,), rounds=3, warmup_rounds=1)
    assert benchmark.stats.stats.min < 3


def test_it_is_linear_in_the_steps(benchmark: Any) -> None:
    def measure() -> float:
        few, many = (timed(lambda n=n: every_distance(n), 3)[0] for n in (250, 1000))  # type: ignore[misc]
        return many / few

    ratio = benchmark.pedantic(measure, rounds=1)
    benchmark.extra_info["time for 1,000 steps over time for 250"] = ratio
    assert ratio < 6


@pytest.mark.parametrize("steps", [20, 100])
def test_beside_a_simulation(benchmark: Any, steps: int) -> None:
    schedule = Schedule.ddpm_linear(steps)
    own, truth = timed(lambda: output_law(THREE, schedule).truth("tv", "last_level"), 3)
    seconds, estimate = benchmark.pedantic(lambda: timed(lambda: histogram_tv(THREE, schedule)), rounds=1)
    benchmark.extra_info["times faster than the simulation"] = seconds / own
    benchmark.extra_info["error of the simulation"] = abs(estimate - truth.value)
    benchmark.extra_info["stated error"] = truth.error
    print(
        f"\n{steps} steps: TV {truth.value:.12f} +/- {truth.error:.1g} in {own:.3f} s;"
        f" simulated {estimate:.6f} (off by {abs(estimate - truth.value):.1g}) in {seconds:.1f} s"
    )
    assert truth.error < 1e-10
    assert 1e-5 < abs(estimate - truth.value) < 0.02
    assert seconds > own


def test_fifty_certified_steps(benchmark: Any) -> None:
    schedule = Schedule.uniform(50, 1)
    truth = benchmark.pedantic(lambda: certified_tv(THREE, schedule), rounds=3)
    fast = output_law(THREE, schedule).truth("tv", "last_level")
    assert truth.value.rad() < 1e-10
    assert abs(float(truth.value.mid()) - fast.value) < 1e-10 + fast.error
