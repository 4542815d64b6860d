"""Write the figures of the documentation's page on speed: one run, one machine, every peer.

    python -m tests.benchmarks.record docs/benchmarks.json

What belongs here: measuring and writing. What is measured is in `peers`; nothing is asserted.
"""

from __future__ import annotations

import json
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import flint
import mpmath
import numpy as np
import scipy

from numerics import Mixture, Schedule, line, mmse, output_law, path, path_kl
from numerics.arithmetic import balls
from numerics.output_law.chain import chain_of
from tests.benchmarks import peers
from tests.benchmarks.simulation import histogram_tv

DIGITS = 30


def timed(function: Callable[[], Any], rounds: int = 1) -> tuple[float, Any]:
    """The least processor time of some rounds, in seconds, and the last value."""
    times, value = [], None
    for _ in range(rounds):
        began = time.process_time()
        value = function()
        times.append(time.process_time() - began)
    return min(times), value


def rounded(value: float) -> float:
    """Three figures: what a timing is worth."""
    return float(f"{value:.3g}")


def digits_of(value: Any, reference: flint.arb) -> float:
    """Correct digits of a value, at most those of the reference."""
    with balls(300).precision():
        exact = flint.arb(mpmath.nstr(value, 60)) if isinstance(value, mpmath.mpf) else flint.arb(value)
        worst = abs(exact - reference).abs_upper() / reference
        return float(-worst.log() / flint.arb(10).log())


def one_value(count: int, snr: str) -> dict[str, Any]:
    """Seconds and digits of every tool for one mmse."""
    target = peers.law(count)
    reference = mmse(target, snr, digits=60)

    def own() -> Any:
        line._TABLES.clear()
        return mmse(target, snr, digits=DIGITS)

    tools: dict[str, tuple[Callable[[], Any], int]] = {
        "diffcert, certified": (own, 5),
        "diffcert, fast": (lambda: mmse(target, snr), 5),
        "mpmath.quad": (lambda: peers.mpmath_quad(target, snr, DIGITS), 1),
        "acb.integral": (lambda: peers.acb_integral(target, snr, DIGITS), 1),
        "scipy.integrate.quad": (lambda: peers.scipy_quad(target, float(snr)), 1),
        "Monte Carlo, 10^6": (lambda: peers.monte_carlo(target, float(snr))[0], 1),
    }
    found = {}
    for name, (function, rounds) in tools.items():
        seconds, value = timed(function, rounds)
        with mpmath.workdps(80):
            found[name] = {
                "seconds": float(f"{seconds:.3g}"),
                "digits": round(digits_of(value, reference), 1),
            }
    return found


def knots_by_scipy(target: Mixture, knots: list[float], every: int) -> float:
    """Seconds per knot of `scipy.integrate.quad`, over every so many knots."""
    seconds, _ = timed(lambda: [peers.scipy_quad(target, t) for t in knots[::every]])
    return seconds / len(knots[::every])


def schedules() -> dict[str, float]:
    """Seconds of a 1000-step path KL with K = 8, and of the fast mmse per knot against scipy's."""
    target = peers.law(8)
    target = Mixture(target.weights, target.means, 1)
    schedule = Schedule.ddpm_linear(1000)

    def cleared(**options: Any) -> Any:
        path.knot_values.cache_clear()
        line._TABLES.clear()
        return path_kl(target, schedule, **options)

    certain, _ = timed(lambda: cleared(digits=DIGITS))
    fast, _ = timed(cleared, 3)
    knots = [float(t) for t in schedule.snr(target)]
    by_scipy = knots_by_scipy(target, [t for t in knots if t > 0], 25)
    return {
        "path KL, 1000 steps, K = 8, 30 digits": rounded(certain),
        "path KL, 1000 steps, K = 8, fast": rounded(fast),
        "scipy.integrate.quad per knot over fast per knot": rounded(by_scipy / (fast / 1000)),
    }


def output_laws() -> dict[str, Any]:
    """Seconds and errors of the TV of an output, computed and estimated from simulated iterates."""
    target = Mixture(["1/5", "1/2", "3/10"], [-3, 0, 4])
    found = {}
    for steps in (20, 100):
        schedule = Schedule.ddpm_linear(steps)

        def own(schedule: Schedule = schedule) -> Any:
            chain_of.cache_clear()
            return output_law(target, schedule).truth("tv", "last_level")

        seconds, truth = timed(own, 3)
        simulated, estimate = timed(lambda schedule=schedule: histogram_tv(target, schedule))  # type: ignore[misc]
        found[str(steps)] = {
            "seconds": rounded(seconds),
            "error": rounded(truth.error),
            "simulation, seconds": rounded(simulated),
            "simulation, error": rounded(abs(estimate - truth.value)),
        }
    return found


def main() -> None:
    values = {f"{k}": {t: one_value(k, t) for t in peers.SNRS} for k in peers.COUNTS}
    every = [case for row in values.values() for case in row.values()]
    ratios = {
        name: float(
            f"{median(c[name]['seconds'] / c['diffcert, certified']['seconds'] for c in every):.3g}"
        )
        for name in ("mpmath.quad", "acb.integral")
    }
    versions = {"python": platform.python_version(), "numpy": np.__version__, "scipy": scipy.__version__}
    versions |= {"mpmath": mpmath.__version__, "python-flint": flint.__version__}
    record = {
        "digits": DIGITS,
        "versions": versions,
        "median ratios": ratios,
        "schedules": schedules(),
        "output laws": output_laws(),
        "mmse": values,
    }
    Path(sys.argv[1]).write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
