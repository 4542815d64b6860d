"""The low-rank statements: proved, true by numbers of another route, and their twins false."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy as sp

from numerics.arithmetic import FLOATS
from theory import low_rank_symbols as sym
from theory import lower, lower_relation
from theory.bounds import wang
from theory.proofs import low_rank, low_rank_learning
from theory.statement import Bound
from theory.symbols import QUANTITIES, key_of

DERIVATIONS = list(
    {bound.derivation.title: bound.derivation for bound in wang.ALL if bound.derivation}.values()
)


def floats(value: Any) -> Any:
    return np.array([[float(Fraction(x)) for x in row] for row in value])


def orthonormal(vectors: Any) -> Any:
    return np.linalg.qr(floats(vectors).T)[0]


def values_of(data: Mapping[str, Any]) -> dict[str, Any]:
    """The quantities of a low-rank instance by numpy alone."""
    s, g = (float(Fraction(data[key])) for key in ("signal", "noise"))
    weights = [float(Fraction(w)) for w in data["weights"]]
    bases = [orthonormal(vectors) for vectors in data["vectors"]]
    c, d = s / (s**2 + g**2), bases[0].shape[0]
    values: dict[str, Any] = {
        "signal": s,
        "noise": g,
        "number_of_components": len(weights),
        "mixture_weights": weights,
        "subspace_ranks": [b.shape[1] for b in bases],
        "largest_rank": max(b.shape[1] for b in bases),
        "ambient_dimension": d,
        "subspace_rank": bases[0].shape[1],
    }
    if "x" in data:
        values |= _posterior(data, s, g, weights, [b @ b.T for b in bases], c)
    if "samples" in data:
        values |= _learning(data, s, g, bases, c)
    return values


def _posterior(
    data: Mapping[str, Any], s: float, g: float, weights: Any, projections: Any, c: float
) -> dict[str, Any]:
    x, v, w = (floats([data[key]])[0] for key in ("x", "v", "w"))

    def mean(point: Any) -> tuple[Any, Any]:
        """The posterior probabilities and mean by densities and conditioning."""
        densities, means = [], []
        for weight, p in zip(weights, projections, strict=True):
            covariance = s**2 * p + g**2 * np.eye(len(point))
            solved = np.linalg.solve(covariance, point)
            densities.append(weight * np.exp(-point @ solved / 2) / np.sqrt(np.linalg.det(covariance)))
            means.append(s * p @ solved)
        probabilities = np.array(densities) / sum(densities)
        return probabilities, probabilities @ np.array(means)

    omega, m = mean(x)
    step = 1e-5
    jacobian = np.column_stack(
        [(mean(x + step * e)[1] - mean(x - step * e)[1]) / (2 * step) for e in np.eye(len(x))]
    )
    second = sum(
        o * (p - s**2 * p @ np.linalg.inv(s**2 * p + g**2 * np.eye(len(x))) @ p + np.outer(q, q))
        for o, p, q in zip(omega, projections, [c * p @ x for p in projections], strict=True)
    )
    likeliest = int(omega.argmax())
    energies = [float(x @ p @ x) for p in projections]
    return {
        "probabilities": omega,
        "first_probability": omega[0],
        "energies": [e - max(energies) for e in energies],
        "largest_energy": max(energies),
        "along": [v @ p @ x for p in projections],
        "across": [w @ p @ x for p in projections],
        "overlaps": [v @ p @ w for p in projections],
        "observation_energy": x @ x,
        "posterior_mean_along": v @ m,
        "mean_energy": m @ m,
        "jacobian_along": v @ jacobian @ w,
        "jacobian_trace": np.trace(jacobian),
        "jacobian_offset": np.linalg.norm(jacobian - c * projections[likeliest]),
        "covariance_along": v @ (second - np.outer(m, m)) @ w,
        "remaining_probability": 1 - omega[likeliest],
    }


def _learning(data: Mapping[str, Any], s: float, g: float, bases: Any, c: float) -> dict[str, Any]:
    clean = floats(data["samples"])
    errors = floats(data.get("errors", [["0"] * clean.shape[1]] * len(clean)))
    points, n, rank = clean + errors, len(clean), bases[0].shape[1]
    chosen = [max(bases, key=lambda b: np.sum((x @ b) ** 2)) for x in points]
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((200_000, points.shape[1]))
    losses = [
        np.sum((x - c * (s * x + g * noise) @ b @ b.T) ** 2, axis=1).mean()
        for x, b in zip(points, chosen, strict=True)
    ]
    spectrum = np.linalg.svd(points, compute_uv=False) ** 2 / n
    leading = np.linalg.svd(points)[2][:rank]
    p = bases[0] @ bases[0].T
    return {
        "number_of_samples": n,
        "samples_rank": np.linalg.matrix_rank(clean),
        "network_rank": np.mean([b.shape[1] for b in chosen]),
        "sample_energy": np.mean(np.sum(points**2, axis=1)),
        "captured_energy": np.mean([np.sum((x @ b) ** 2) for x, b in zip(points, chosen, strict=True)]),
        "principal_energy": spectrum[:rank].sum(),
        "training_loss": np.mean(losses),
        "farthest_distance": _farthest(clean, bases[0]),
        "subspace_distance": np.linalg.norm(leading.T @ leading - p),
        "noise_norm": np.linalg.norm(errors),
        "least_singular_value": np.linalg.svd(clean, compute_uv=False)[rank - 1] if n >= rank else 0.0,
    }


def _farthest(clean: Any, basis: Any) -> float:
    """The largest distance by search: the samples with directions of the complement first."""
    d, rank = basis.shape
    missing = rank - np.linalg.matrix_rank(clean)
    outside = np.linalg.svd(basis.T)[2][rank:]
    span = np.linalg.svd(clean)[2][: rank - missing]
    rest = np.vstack([outside, basis.T])
    added = list(span)
    for vector in rest:
        left = vector - sum(((vector @ a) * a for a in added), np.zeros(d))
        if len(added) < rank and np.linalg.norm(left) > 1e-9:
            added.append(left / np.linalg.norm(left))
    found = np.array(added)
    return float(np.linalg.norm(found.T @ found - basis @ basis.T))


def applies(bound: Bound, values: Mapping[str, Any]) -> bool:
    outcomes = []
    for hypothesis in bound.hypotheses:
        lhs, relation, rhs = lower_relation(hypothesis.relation)(FLOATS, values)
        outcomes.append(
            {"<": lhs < rhs, "<=": lhs <= rhs, ">": lhs > rhs, ">=": lhs >= rhs, "==": lhs == rhs}[relation]
        )
    return all(outcomes)


def excess(bound: Bound, values: Mapping[str, Any]) -> float:
    """By how much the statement is violated, relative to the larger side; at most 0 if it holds."""
    truth, formula = float(values[key_of(bound.truth)]), float(lower(bound.formula)(FLOATS, values))
    scale = max(abs(truth), abs(formula), 1e-12)
    signed = {"<=": truth - formula, ">=": formula - truth, "==": abs(truth - formula)}[bound.relation]
    return signed / scale


ACCURACY = 4e-3
"""What the draws of the noise leave of the training loss; everything else is far more accurate."""


@pytest.mark.parametrize("twin", wang.TWINS, ids=lambda b: b.id)
def test_a_twin_fails_on_its_counterexample_and_its_original_does_not(twin: Bound) -> None:
    original = next(bound for bound in wang.ALL if bound.id == twin.twin_of)
    values = values_of(twin.counterexample)
    assert applies(twin, values)
    assert excess(twin, values) > 0.05
    if applies(original, values):
        assert excess(original, values) < ACCURACY
    else:
        assert twin is wang.TWINS[9]


def test_every_statement_has_a_twin() -> None:
    assert [twin.twin_of for twin in wang.TWINS] == [bound.id for bound in wang.ALL]
    for twin in wang.TWINS:
        assert twin.is_twin
        assert "/twin-" in twin.id
        with pytest.raises(ValueError, match="no derivation"):
            twin.check()


@pytest.mark.parametrize("bound", wang.ALL, ids=lambda b: b.id)
def test_every_statement_is_proved(bound: Bound) -> None:
    bound.check()
    assert "unconfirmed" in bound.source.note or "proved here" in bound.source.note
    names = [name for name in wang.__all__ if getattr(wang, name) is bound]
    assert names == [bound.id.split("/")[1].replace("-", "_")]


@pytest.mark.parametrize("bound", [*wang.ALL, *wang.TWINS], ids=lambda b: b.id)
def test_it_can_be_shown_and_sent(bound: Bound) -> None:
    for text in (bound.latex(), bound.unicode(), *(h.latex() for h in bound.hypotheses)):
        assert text
        assert "Dummy" not in text
    assert pickle.loads(pickle.dumps(bound)) == bound
    if bound.derivation is not None:
        text = bound.derivation.latex()
        assert text.count("{") == text.count("}")
        assert "Dummy" not in bound.derivation.unicode()


# What the derivations take for granted, by sympy in small dimensions


@pytest.mark.parametrize(("dimension", "rank"), [(2, 1), (3, 2)])
def test_the_loss_multiplied_out(dimension: int, rank: int) -> None:
    """|x - c P (s x + g eps)|^2 averaged over eps, for P = U U^T with symbolic x, s, g and rational U."""
    columns = {
        1: [[sp.Rational(3, 5), sp.Rational(4, 5)]],
        2: [[1, 0, 0], [0, sp.Rational(5, 13), sp.Rational(12, 13)]],
    }
    u = sp.Matrix(columns[rank]).T
    x, e = (
        sp.Matrix(sp.symbols(f"x:{dimension}", real=True)),
        sp.Matrix(sp.symbols(f"e:{dimension}", real=True)),
    )
    s, g = sym.signal, sym.noise
    residual = x - low_rank.c * u * u.T * (s * x + g * e)
    square = sp.expand(residual.dot(residual))
    # E eps_i eps_j is 1 for i = j, otherwise 0, and eps is centred: half the trace of the Hessian in eps.
    centre = square.subs(dict.fromkeys(e, 0))
    square = centre + sum(sp.diff(square, a, 2) for a in e) / 2
    inside = u.T * x
    formula = x.dot(x) + low_rank.c**2 * g**2 * rank + low_rank_learning.bracket * inside.dot(inside)
    assert sp.simplify(square - formula) == 0


@pytest.mark.parametrize(("dimension", "components"), [(2, 2), (2, 3)])
def test_the_jacobian_by_sympy(dimension: int, components: int) -> None:
    """The derivative of the posterior mean of explicit lines, against the formula."""
    x = sp.Matrix(sp.symbols(f"x:{dimension}", real=True))
    directions = [sp.Matrix(v) for v in ([1, 0], [sp.Rational(3, 5), sp.Rational(4, 5)], [0, 1])][
        :components
    ]
    projections = [u * u.T for u in directions]
    at = {sym.signal: 1, sym.noise: sp.Rational(1, 2)}
    c, phi = (e.subs(at) for e in (low_rank.c, low_rank.phi))
    weights = [sp.exp(phi * (x.T * p * x)[0]) for p in projections]
    omega = [w / sum(weights) for w in weights]
    mean = sum((o * p * x for o, p in zip(omega, projections, strict=True)), sp.zeros(dimension, 1))
    spread = sum(
        (o * p * x * x.T * p for o, p in zip(omega, projections, strict=True)), sp.zeros(dimension)
    )
    formula = c * (
        sum((o * p for o, p in zip(omega, projections, strict=True)), sp.zeros(dimension))
        + 2 * phi * (spread - mean * mean.T)
    )
    point = {x[0]: sp.Rational(2, 3), x[1]: sp.Rational(-1, 5)}
    difference = ((c * mean).jacobian(x) - formula).subs(point)
    assert all(abs(sp.N(entry, 40)) < sp.Float("1e-30") for entry in difference)


def test_the_bracket_is_negative() -> None:
    s, g = sym.signal, sym.noise
    written = -(s**2) * (s**2 + 2 * g**2) / (s**2 + g**2) ** 2
    assert sp.simplify(low_rank_learning.bracket - written) == 0


def test_the_symbols_are_in_the_table() -> None:
    for row in sym.ROWS:
        assert QUANTITIES[row.key] is row
        assert getattr(sym, row.key) is row.symbol
    assert {row.key for row in sym.ROWS} == set(sym.__all__)
