"""R^d: the generator, the derivatives, their reduction to the line, writing, and evaluation."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations, product
from math import factorial

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.theory.calculus.laws import laws
from tests.theory.calculus.test_multigraphs import multigraphs
from theory.calculus import (
    ESTIMATE,
    POSTERIOR,
    Multigraph,
    TensorPolynomial,
    cumulant_generator,
    cumulant_tensors,
    cumulants,
    index_notation,
    mmse_derivative,
    named_form,
    tensor_information_derivative,
    tensor_mmse_derivative,
)
from theory.calculus.replicas import information_coefficients


def _cycle(length):
    return Multigraph((0,) * length, tuple((i, (i + 1) % length) for i in range(length)))


def _norm(order):
    return Multigraph((0, 0), ((0, 1),) * order)


def test_first_derivatives():
    theta = Multigraph((0, 0, 0), ((0, 1), (0, 1), (0, 2), (2, 1)))
    assert tensor_mmse_derivative(0) == TensorPolynomial.of([(Multigraph((0,), ((0, 0),)), 1)])
    assert tensor_mmse_derivative(1) == TensorPolynomial.of([(_cycle(2), -1)])
    assert tensor_mmse_derivative(2) == TensorPolynomial.of([(_cycle(3), 2), (_norm(3), -1)])
    assert tensor_mmse_derivative(3) == TensorPolynomial.of([(_cycle(4), -6), (theta, 12), (_norm(4), -1)])


@pytest.mark.parametrize("order", range(8))
def test_the_line_is_d_equal_to_one(order):
    assert sp.expand(tensor_mmse_derivative(order).on_line() - mmse_derivative(order)) == 0
    halved = tensor_information_derivative(order + 1).on_line()
    assert sp.expand(halved - mmse_derivative(order) / 2) == 0


@settings(max_examples=50, deadline=None)
@given(multigraphs(4, 5))
def test_generator_reduces_to_the_line(graph):
    graph = Multigraph((POSTERIOR,) * len(graph.colours), graph.edges)
    polynomial = TensorPolynomial.of([(graph, 1)])
    difference = polynomial.generator().on_line() - cumulant_generator(polynomial.on_line())
    assert sp.expand(difference) == 0


@settings(max_examples=50, deadline=None)
@given(multigraphs(4, 5))
def test_generator_as_stated(graph):
    """Half-edge by half-edge: every pair of vertices joined, every vertex split in all ordered ways."""
    graph = Multigraph((POSTERIOR,) * len(graph.colours), graph.edges)
    size = len(graph.colours)
    colours = (*graph.colours, POSTERIOR)
    terms = [
        (Multigraph(graph.colours, (*graph.edges, pair)), Fraction(1))
        for pair in combinations(range(size), 2)
    ]
    for vertex in range(size):
        halves = [
            (e, side) for e, ends in enumerate(graph.edges) for side in (0, 1) if ends[side] == vertex
        ]
        for moves in product([False, True], repeat=len(halves)):
            if any(moves) and not all(moves):
                edges = [list(ends) for ends in graph.edges]
                for (e, side), move in zip(halves, moves, strict=True):
                    edges[e][side] = size if move else vertex
                split = Multigraph(colours, (*(tuple(e) for e in edges), (vertex, size)))
                terms.append((split, Fraction(-1, 2)))
    assert TensorPolynomial.of([(graph, 1)]).generator() == TensorPolynomial.of(terms)


@settings(max_examples=15, deadline=None)
@given(st.integers(2, 3).flatmap(laws))
def test_derivatives_at_zero_by_copies(law):
    """Exact, by a route without cumulants: sums over independent copies of the law."""
    tensors = cumulant_tensors(law.weights, law.points, 6)
    coefficients = information_coefficients(law.weights, law.points, 6)
    for n, coefficient in enumerate(coefficients, start=1):
        value = tensor_information_derivative(n).evaluate(tensors)
        assert isinstance(value, Fraction)
        assert value == coefficient * factorial(n)


@settings(max_examples=20, deadline=None)
@given(laws(1))
def test_tensors_of_a_law_on_the_line(law):
    tensors = cumulant_tensors(law.weights, law.points, 7)
    scalars = cumulants(law.weights, law.points, 7)
    assert [tensors[n].item() for n in range(1, 8)] == scalars


@settings(max_examples=20, deadline=None)
@given(laws(2), laws(1))
def test_cumulants_of_a_product_law(first, second):
    """Cumulants of independent coordinates: no mixed entries."""
    weights = [v * w for v in first.weights for w in second.weights]
    points = [a + b for a in first.points for b in second.points]
    together = cumulant_tensors(weights, points, 4)
    one = cumulant_tensors(first.weights, first.points, 4)
    two = cumulant_tensors(second.weights, second.points, 4)
    for n in range(1, 5):
        for indices in np.ndindex(*(3,) * n):
            if all(i < 2 for i in indices):
                expected = one[n][indices]
            elif all(i == 2 for i in indices):
                expected = two[n].item()
            else:
                expected = 0
            assert together[n][indices] == expected


def test_many_posteriors_at_once():
    random = np.random.default_rng(1)
    weights = random.dirichlet(np.ones(4), size=(2, 3))
    points = random.normal(size=(4, 3))
    many = cumulant_tensors(weights, points, 5)
    assert many[4].shape == (2, 3, 3, 3, 3, 3)
    values = tensor_mmse_derivative(4).evaluate(many)
    assert values.shape == (2, 3)
    for position in np.ndindex(2, 3):
        single = cumulant_tensors(weights[position], points, 5)
        assert tensor_mmse_derivative(4).evaluate(single) == pytest.approx(values[position], rel=1e-12)


def test_covariance_of_a_known_law():
    tensors = cumulant_tensors(["1/2", "1/4", "1/4"], [[0, 0], [4, 0], [0, 4]], 2)
    assert tensors[1].tolist() == [1, 1]
    assert tensors[2].tolist() == [[3, -1], [-1, 3]]
    assert tensor_mmse_derivative(1).evaluate({2: [[3, -1], [-1, 3]]}) == -20
    assert tensor_mmse_derivative(2).evaluate({2: [[1, 0], [0, 2]], 3: np.zeros((2, 2, 2), int)}) == 18


def test_integer_tensors_divide_exactly():
    value = tensor_information_derivative(1).evaluate({2: np.array([[1, 0], [0, 2]])})
    assert value == Fraction(3, 2)
    assert isinstance(value, Fraction)


def test_algebra_of_polynomials():
    one, two = tensor_mmse_derivative(1), tensor_mmse_derivative(2)
    tensors = cumulant_tensors(["1/2", "1/3", "1/6"], [[0, 1], [1, 0], [2, 3]], 4)
    values = [p.evaluate(tensors) for p in (one, two)]
    assert (one * two).evaluate(tensors) == values[0] * values[1]
    assert (one + 2 * two - one * Fraction(1, 3)).evaluate(tensors) == values[0] * Fraction(
        2, 3
    ) + 2 * values[1]
    assert len(one - one) == 0
    assert hash(one + two) == hash(two + one)
    assert (one - one).unicode() == "0"
    left = (one * two).generator()
    assert len(left) > len(one.generator() * two + one * two.generator())


def test_writing():
    assert tensor_mmse_derivative(3).unicode() == "−6 tr Cov⁴ + 12 ⟨κ₃, (1 ⊗ 1 ⊗ Cov) κ₃⟩ − |κ₄|²_F"
    assert tensor_mmse_derivative(2).latex() == (
        r"2\, \operatorname{tr} \mathrm{Cov}^{3} - \lVert \kappa_{3} \rVert_F^2"
    )
    assert tensor_information_derivative(2).latex() == r"-\frac{1}{2}\, \lVert \mathrm{Cov} \rVert_F^2"
    assert tensor_mmse_derivative(2)._repr_latex_().startswith(r"$\displaystyle 2\, ")
    assert str(tensor_mmse_derivative(0)) == "tr Cov"
    assert index_notation(_cycle(4), "unicode") == "Cov[ab] Cov[bc] Cov[cd] Cov[ad]"
    assert index_notation(_norm(3), "latex") == r"\kappa_{abc}\, \kappa_{abc}"
    two_loops = Multigraph((0,), ((0, 0), (0, 0)))
    assert index_notation(two_loops, "unicode") == "κ[aabb]"
    assert named_form(two_loops) is None
    mixed = Multigraph((POSTERIOR, ESTIMATE), ((0, 1),) * 3)
    assert named_form(mixed, "latex") == r"\langle \kappa_{3}, \widehat{\kappa}_{3} \rangle"
    assert named_form(Multigraph((0, 0), ((0, 1),)), "unicode") == "|m|²"
    quadratic = Multigraph((0, 0, 0, 0), ((0, 1), (1, 2), (2, 3)))
    assert named_form(quadratic, "unicode") == "mᵀ Cov² m"
    assert named_form(_cycle(3).union(_cycle(3)), "unicode") == "(tr Cov³)²"
    assert named_form(_cycle(3).union(two_loops), "unicode") is None


@settings(deadline=None)
@given(multigraphs(4, 6))
def test_index_notation_is_the_contraction(graph):
    """Read back the written indices with einsum: the same number as the evaluation."""
    written = index_notation(graph, "unicode").split(" ")
    letters = [factor[factor.index("[") + 1 : -1] for factor in written]
    hats = ["\u0302" in factor for factor in written]
    random = np.random.default_rng(0)
    posterior, estimate = (_symmetric(random, 12) for _ in range(2))
    operands = [(estimate if hat else posterior)[len(ls)] for ls, hat in zip(letters, hats, strict=True)]
    direct = np.einsum(",".join(letters) + "->", *operands, optimize="greedy")
    value = TensorPolynomial.of([(graph, 1)]).evaluate(posterior, estimate)
    assert value == pytest.approx(direct, rel=1e-9, abs=1e-9)


def _symmetric(random, order):
    """Symmetric tensors of orders 1 to `order` in the plane."""
    tensors = {}
    for n in range(1, order + 1):
        by_count = random.normal(size=n + 1)
        tensor = np.empty((2,) * n)
        for indices in np.ndindex(*tensor.shape):
            tensor[indices] = by_count[sum(indices)]
        tensors[n] = tensor
    return tensors


def test_wrong_input():
    with pytest.raises(ValueError, match="order: -1"):
        tensor_mmse_derivative(-1)
    with pytest.raises(ValueError, match="order: 0"):
        tensor_information_derivative(0)
    with pytest.raises(ValueError, match=r"cumulants\[2\]: the shape"):
        tensor_mmse_derivative(1).evaluate({2: np.zeros((2, 3))})
    with pytest.raises(KeyError):
        tensor_mmse_derivative(2).evaluate({2: np.eye(2)})
    with pytest.raises(ValueError, match="weights"):
        cumulant_tensors(["1/2", "1/3"], [0, 1], 2)
    with pytest.raises(ValueError, match="weights"):
        cumulant_tensors([0.5, 0.6], [0.0, 1.0], 2)
    with pytest.raises(ValueError, match="points"):
        cumulant_tensors(["1/2", "1/2"], [0, 1, 2], 2)
