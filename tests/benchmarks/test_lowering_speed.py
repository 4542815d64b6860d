"""What formulas cost on arrays; skipped unless `--benchmark-only` or `--benchmark-enable` is given.

The yardstick: 1000 schedules of 100 steps at least 20 times faster at once than one after the other in the
same machine numbers. Processor time is measured, not the clock on the wall.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
import sympy as sp

from numerics.arithmetic import ARRAYS, FLOATS
from theory import bounds, calculus, lower
from theory import symbols as sym

pytestmark = pytest.mark.benchmark(timer=time.process_time)

INSTANCES, STEPS = 1000, 100
k, n = sym.k, sym.number_of_steps


def paths(ragged: bool = False) -> dict[str, Any]:
    """Knots and the mmse at them, of schedules of 100 steps, or of 1 to 100 steps."""
    rng = np.random.default_rng(1)
    knots = np.cumsum(rng.random((INSTANCES, STEPS + 1)), axis=1)
    return {
        "knots": knots,
        "steps": np.diff(knots),
        "mmse_at": 1 / (1 + knots),
        "number_of_steps": rng.integers(1, STEPS + 1, INSTANCES) if ragged else STEPS,
        "kappa": rng.random(INSTANCES),
        "last": knots[:, -1],
    }


def one_by_one(values: dict[str, Any]) -> list[dict[str, Any]]:
    """The same values as lists of machine numbers, as the scalar route likes them best."""
    rows = []
    for place in range(INSTANCES):
        row = {key: value[place].tolist() if np.ndim(value) else value for key, value in values.items()}
        rows.append(row)
    return rows


FORMULAS = {
    "monotone": bounds.reeves_pfister.monotone.formula,
    "logarithms": sp.Sum(
        sp.log(1 + sym.steps[k] * sym.mmse_at[k]) * (1 + sym.kappa) ** (1 / (1 + sym.knots[k])),
        (k, 0, n - 1),
    ),
    "conditions": sp.Sum(
        sp.Piecewise((sym.mmse_at[k] ** 2, sym.steps[k] > sym.kappa), (sp.sqrt(sym.knots[k]), True)),
        (k, 0, n),
    ),
}


@pytest.mark.parametrize("ragged", [False, True], ids=["equal", "ragged"])
@pytest.mark.parametrize("name", FORMULAS)
def test_a_thousand_schedules_at_once(benchmark: Any, name: str, ragged: bool) -> None:
    expression = FORMULAS[name] if name != "conditions" else FORMULAS[name].subs(n, n - 1)
    formula, values = lower(expression), paths(ragged)
    rows = one_by_one(values)
    began = time.process_time()
    expected = [formula(FLOATS, row) for row in rows]
    slow = time.process_time() - began
    found = benchmark.pedantic(lambda: formula(ARRAYS, values), rounds=10, warmup_rounds=2)
    assert found == pytest.approx(expected, rel=1e-12)
    ratio = slow / benchmark.stats.stats.median
    benchmark.extra_info["times faster than one by one"] = ratio
    print(f"\n{name}: one by one {slow:.3f} s, {ratio:.0f} times the time on arrays")
    assert ratio > 20


def test_a_polynomial_in_cumulants_at_once(benchmark: Any) -> None:
    formula = lower(calculus.mmse_derivative(8))
    rng = np.random.default_rng(2)
    values = {name: rng.random(100_000) for name in formula.symbols}
    began = time.process_time()
    expected = [formula(FLOATS, {key: float(v[i]) for key, v in values.items()}) for i in range(1000)]
    slow = 100 * (time.process_time() - began)
    found = benchmark.pedantic(lambda: formula(ARRAYS, values), rounds=5, warmup_rounds=1)
    assert found[:1000] == pytest.approx(expected, rel=1e-9, abs=1e-6)
    assert slow / benchmark.stats.stats.median > 20
