"""The statements of Li, Cai and Wei: proved where they say so, true by mpmath alone, their twins false."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from numerics.arithmetic import mpmath_numbers
from theory import li_cai_wei_symbols as lcw
from theory import lower, lower_relation
from theory.bounds import li_cai_wei, li_cai_wei_rates
from theory.proofs import li_cai_wei as proofs
from theory.statement import Bound
from theory.symbols import QUANTITIES, key_of

OPS = mpmath_numbers(50)
DEEP = mpmath_numbers(300)
"""For noises that are far below 1: they are differences from 1."""

DERIVED = [bound for bound in li_cai_wei.ALL if bound.derivation is not None]


def number(value: Any) -> Any:
    exact = Fraction(value)
    return mpmath.mpf(exact.numerator) / exact.denominator


def values_of(data: Mapping[str, Any]) -> dict[str, Any]:
    """The quantities of an instance from their definitions, by mpmath alone (call within 60 digits)."""
    steps, c0, c1 = data["steps"], number(data["c0"]), number(data["c1"])
    beta = c1 * mpmath.log(steps) / steps
    signal = mpmath.mpf(steps) ** -c0
    levels = [signal]
    for _ in range(steps - 1):
        signal = signal + beta * signal * (1 - signal)
        levels.append(signal)
    values: dict[str, Any] = {
        "paper_steps": steps,
        "start_exponent": c0,
        "rate_constant": c1,
        "step_rate": beta,
        "alpha_bar_at": levels,
        "last_noise": 1 - levels[-1],
        "half_steps": sum(1 for a in levels if a < mpmath.mpf(1) / 2),
    }
    if "level" in data:
        place = steps - data["level"]
        a = levels[place]
        values["level_alpha_bar"] = a
        if data["level"] > 1:
            after = levels[place + 1]
            alpha = a / after
            values |= {
                "step_noise": 1 - alpha,
                "odds_growth": after / (1 - after) * (1 - a) / a,
                "noise_share": (1 - alpha) / (1 - a),
                "noise_share_after": (1 - alpha) / (alpha - a),
            }
        if "weights" in data:
            values |= _trace(data, a, steps)
    return values


def _trace(data: Mapping[str, Any], a: Any, steps: int) -> dict[str, Any]:
    weights, means = [number(w) for w in data["weights"]], [number(m) for m in data["means"]]

    def density(x: Any) -> Any:
        return sum(w * mpmath.npdf(x, mpmath.sqrt(a) * m) for w, m in zip(weights, means, strict=True))

    def spread(x: Any) -> Any:
        parts = [w * mpmath.npdf(x, mpmath.sqrt(a) * m) for w, m in zip(weights, means, strict=True)]
        mean = sum(p * m for p, m in zip(parts, means, strict=True)) / sum(parts)
        return sum(p * (m - mean) ** 2 for p, m in zip(parts, means, strict=True)) / sum(parts)

    reach = mpmath.sqrt(a) * max(abs(m) for m in means) + 12
    values = {
        "mixture_components": len(weights),
        "trace_mean": a * _integral(lambda x: density(x) * spread(x), reach),
    }
    if "x" in data:
        x = number(data["x"][0])
        values |= {
            "score_trace": 1 + mpmath.diff(lambda z: mpmath.log(density(z)), x, 2),
            "posterior_spread": spread(x),
        }
    if "factor" in data:
        c = number(data["factor"])
        threshold = c * mpmath.log(len(weights) * steps)
        values |= {
            "tail_factor": c,
            "trace_tail": _integral(lambda x: density(x) * (a * spread(x) > threshold), reach, 3_000),
        }
    return values


def _integral(function: Any, reach: Any, count: int = 300) -> Any:
    h = 2 * reach / count
    return h * sum(function(-reach + (k + mpmath.mpf(1) / 2) * h) for k in range(count))


def applies(bound: Bound, values: Mapping[str, Any], ops: Any = OPS) -> bool:
    signs = {"<": "__lt__", "<=": "__le__", ">": "__gt__", ">=": "__ge__"}
    for hypothesis in bound.hypotheses:
        lhs, relation, rhs = lower_relation(hypothesis.relation)(ops, values)
        if not getattr(mpmath.mpf(lhs), signs[relation])(mpmath.mpf(rhs)):
            return False
    return True


def excess(bound: Bound, values: Mapping[str, Any], ops: Any = OPS) -> Any:
    """By how much the statement is violated, relative to the larger side; at most 0 if it holds."""
    truth = mpmath.mpf(values[key_of(bound.truth)])
    formula = mpmath.mpf(lower(bound.formula)(ops, values))
    signed = {"<=": truth - formula, ">=": formula - truth, "==": abs(truth - formula)}[bound.relation]
    return signed / max(abs(truth), abs(formula))


@pytest.mark.parametrize("twin", li_cai_wei.TWINS, ids=lambda b: b.id)
def test_a_twin_fails_on_its_counterexample_and_its_original_does_not(twin: Bound) -> None:
    original = next(bound for bound in li_cai_wei.ALL if bound.id == twin.twin_of)
    with OPS.precision():
        values = values_of(twin.counterexample)
        assert applies(twin, values)
        assert excess(twin, values) > 1e-2
        if applies(original, values):
            assert excess(original, values) < 1e-6
        else:
            assert twin.id.endswith(("/twin-any-rate", "/twin-four-thirds"))


def test_every_statement_has_a_twin_and_every_rate() -> None:
    assert [twin.twin_of for twin in li_cai_wei.TWINS] == [bound.id for bound in li_cai_wei.ALL]
    assert {twin.twin_of for twin in li_cai_wei_rates.RATE_TWINS} == {
        rate.id for rate in li_cai_wei_rates.RATES
    }
    for twin in (*li_cai_wei.TWINS, *li_cai_wei_rates.RATE_TWINS):
        assert twin.is_twin
        assert "/twin-" in twin.id
        assert twin.derivation is None


@pytest.mark.parametrize("bound", DERIVED, ids=lambda b: b.id)
def test_what_is_derived_is_proved(bound: Bound) -> None:
    bound.check()
    assert "proved here" in bound.source.note


def test_what_has_no_derivation_is_proved_by_induction_in_words() -> None:
    without = {bound.id.split("/")[1] for bound in li_cai_wei.ALL if bound.derivation is None}
    assert without == {
        "noise-product",
        "noise-positive",
        "last-noise",
        "last-noise-power",
        "half-steps",
        "half-steps-least",
    }
    assert "by induction" in (proofs.__doc__ or "")


@given(
    st.lists(
        st.tuples(st.integers(1, 20), st.integers(-30, 30)),
        min_size=2,
        max_size=5,
        unique_by=lambda p: p[1],
    )
)
@settings(max_examples=40, deadline=None)
def test_the_steps_of_the_tail_bound_hold_in_numbers(atoms: list[tuple[int, int]]) -> None:
    """E exp(tr/4) <= E exp(|U - U'|^2/8) <= (1 + S_w^2)/2 <= (K + 1)/2, by quadrature."""
    weights = np.array([float(c) for c, _ in atoms])
    weights /= weights.sum()
    u = np.array([m / 4 for _, m in atoms])
    x = np.linspace(-20, 20, 4001)
    parts = weights[:, None] * np.exp(-((x - u[:, None]) ** 2) / 2) / np.sqrt(2 * np.pi)
    density = parts.sum(axis=0)
    shares = parts / density
    trace = (shares * (u[:, None] - u @ shares) ** 2).sum(axis=0)
    gaps = np.exp((u[:, None] - u) ** 2 / 8)
    pairs = np.einsum("ix,jx,ij->x", shares, shares, gaps)
    first, second = (0.01 * (density * f).sum() for f in (np.exp(trace / 4), pairs))
    third = (1 + np.sqrt(weights).sum() ** 2) / 2
    assert first <= second * (1 + 1e-9)
    assert second <= third * (1 + 1e-9)
    assert third <= (len(atoms) + 1) / 2 * (1 + 1e-9)


@pytest.mark.parametrize("bound", li_cai_wei.ALL, ids=lambda b: b.id)
def test_the_record_is_complete(bound: Bound) -> None:
    assert bound.source.note
    assert bound.source.arxiv == "2504.05300"
    assert bound.symbols >= bound.formula_symbols
    assert pickle.loads(pickle.dumps(bound)) == bound == replace(bound)
    assert bound.latex()
    assert bound.unicode()


def test_the_rows_are_in_the_table() -> None:
    assert [row.key for row in lcw.ROWS] == [key for key in QUANTITIES if key in lcw.__all__]
    assert sorted(lcw.__all__) == sorted(row.key for row in lcw.ROWS)


schedules = st.builds(
    lambda steps, c0, share: {
        "steps": steps,
        "c0": str(c0),
        # c1 log T/T up to 0.98
        "c1": str(Fraction(int(980 * share * steps / float(mpmath.log(steps))), 1000) + Fraction(1, 1000)),
    },
    st.integers(2, 90),
    st.sampled_from([Fraction(n, 4) for n in range(1, 13)]),
    st.floats(0.01, 1),
)


@given(schedules, st.integers(2, 90))
@settings(max_examples=60, deadline=None)
def test_no_schedule_violates_a_statement(data: dict[str, Any], level: int) -> None:
    with DEEP.precision():
        values = values_of({**data, "level": max(2, min(level, data["steps"]))})
        for bound in li_cai_wei.ALL:
            if key_of(bound.truth) in values and applies(bound, values, DEEP):
                assert excess(bound, values, DEEP) < 1e-20, bound.id


def test_the_exponent_of_the_last_noise_tends_to_the_difference_of_the_constants() -> None:
    """1 - alpha_bar_1 is about T^-(c1 - c0): c1/c0 > 4/3 is enough for T^(-c1/4) in the limit, 1 for 0."""
    with OPS.precision():
        for c0, c1 in (("1", "4"), ("2", "8/3"), ("2", "3")):
            found = []
            for steps in (200, 800, 3200):
                last = values_of({"steps": steps, "c0": c0, "c1": c1})["last_noise"]
                found.append(float(-mpmath.log(last) / mpmath.log(steps)))
            limit = float(Fraction(c1) - Fraction(c0))
            gaps = [abs(exponent - limit) for exponent in found]
            assert gaps[0] > gaps[1] > gaps[2]
            assert gaps[2] < 0.012
        stuck = values_of({"steps": 3200, "c0": "2", "c1": "2"})["last_noise"]
        assert stuck > mpmath.mpf("0.5")


@pytest.mark.parametrize(
    "rate", [*li_cai_wei_rates.RATES, *li_cai_wei_rates.RATE_TWINS], ids=lambda r: r.id
)
def test_a_rate_is_data(rate: Any) -> None:
    assert pickle.loads(pickle.dumps(rate)) == rate
    assert rate.latex()
    assert rate.unicode()
    assert set(rate.letters) == rate.symbols | set(rate.variables)
    assert isinstance(rate.formula, sp.Expr)
