"""The posterior-cumulant calculus in R^d: contracted products of cumulant tensors as multigraphs.

What belongs here: the polynomials whose monomials are multigraphs, the generator on them, and the
derivatives of M and I. What does not: isomorphism (`multigraphs`), rendering (`notation`), laws (`laws`).

A vertex of degree n stands for the tensor kappa_n, an edge for a contraction: `tr Cov` is one vertex
with a loop, `|kappa_3|^2` two vertices joined by three edges. From `d_t psi = -(Lap psi + |grad
psi|^2)/2`, differentiated in the directions of a set S of n half-edges,

    L kappa_S = -(1/2) sum over the proper non-empty subsets U of S of kappa_(U+a) kappa_(S-U+a),

summed over the new direction a; the subsets U = S and U = {} cancel against <m, grad>, the trace of
kappa_(S+a+a) against Lap/2. So L splits each vertex in all 2^n - 2 ordered ways, weight -1/2, and joins
the parts by a new edge; by Ito's rule it also joins each pair of vertices by a new edge, weight +1. What
is contracted elsewhere stays contracted: this holds for loops too.

A second family, *estimate*, stands for the cumulant tensors lambda_n of the law that a sampler draws from
in place of the posterior: its psi solves the same equation while Y still moves with the posterior
mean, so that the subsets U = S and U = {} leave `<m - l, grad> lambda_S`, l the estimate's mean: a new
leaf of either family, weights +1 and -1. See `steps`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import combinations, product
from math import comb
from typing import Any

import sympy as sp

from theory.calculus.multigraphs import Edge, Multigraph, canonical

__all__ = [
    "ESTIMATE",
    "POSTERIOR",
    "TensorPolynomial",
    "tensor_information_derivative",
    "tensor_mmse_derivative",
]

POSTERIOR = 0
"""The colour of a vertex that stands for a cumulant tensor of the posterior."""
ESTIMATE = 1
"""The colour of a vertex that stands for a cumulant tensor of the law that a sampler draws from."""

_LETTERS = {POSTERIOR: "k", ESTIMATE: "l"}


@dataclass(frozen=True)
class TensorPolynomial:
    """A linear combination of contracted products of cumulant tensors.

    `terms` maps multigraphs in canonical form to non-zero rationals: build one with
    `TensorPolynomial.of`. Equal polynomials compare equal.
    """

    terms: Mapping[Multigraph, Fraction]

    @classmethod
    def of(cls, terms: Iterable[tuple[Multigraph, Fraction | int]]) -> TensorPolynomial:
        """The sum of terms (graph, coefficient); isomorphic graphs are merged."""
        merged: dict[Multigraph, Fraction] = {}
        for graph, coefficient in terms:
            form = canonical(graph)
            merged[form] = merged.get(form, Fraction(0)) + coefficient
        return cls({form: c for form, c in merged.items() if c != 0})

    def __hash__(self) -> int:
        return hash(frozenset(self.terms.items()))

    def __len__(self) -> int:
        return len(self.terms)

    def __iter__(self) -> Iterator[tuple[Multigraph, Fraction]]:
        """The terms in a fixed order: many vertices first, as powers of the covariance come first."""
        return iter(sorted(self.terms.items(), key=lambda term: _written_order(term[0])))

    def __add__(self, other: TensorPolynomial) -> TensorPolynomial:
        return TensorPolynomial.of([*self.terms.items(), *other.terms.items()])

    def __sub__(self, other: TensorPolynomial) -> TensorPolynomial:
        return self + (-1) * other

    def __mul__(self, other: TensorPolynomial | int | Fraction) -> TensorPolynomial:
        if isinstance(other, TensorPolynomial):
            return TensorPolynomial.of(
                (one.union(two), a * b) for one, a in self.terms.items() for two, b in other.terms.items()
            )
        return TensorPolynomial({g: c * other for g, c in self.terms.items() if c * other != 0})

    __rmul__ = __mul__

    def generator(self) -> TensorPolynomial:
        """L of the polynomial: `(d/dt) E F = E L F`."""
        return TensorPolynomial.of(
            (child, coefficient * weight)
            for graph, coefficient in self.terms.items()
            for child, weight in _driven(graph)
        )

    def on_line(self) -> sp.Expr:
        """The polynomial for d = 1: every vertex of degree n becomes k_n (of the estimate: l_n)."""
        return sp.Add(
            *(
                sp.Rational(coefficient) * sp.Mul(*(sp.Symbol(name) for name in _names(graph)))
                for graph, coefficient in self.terms.items()
            )
        )

    def kept(self, wanted: Callable[[Multigraph], bool]) -> TensorPolynomial:
        """The terms whose graph satisfies the condition."""
        return TensorPolynomial({g: c for g, c in self.terms.items() if wanted(g)})

    def evaluate(self, cumulants: Mapping[int, Any], estimate: Mapping[int, Any] | None = None) -> Any:
        """The value where kappa_n is the array `cumulants[n]` (and the estimate's `estimate[n]`).

        Shape of `cumulants[n]`: (..., d, ..., d), n axes of length d after any leading axes, over
        which the evaluation is vectorised. Exact for arrays of Fractions (dtype object).
        Raises KeyError for a tensor that is needed and missing, ValueError for shapes that disagree.
        """
        from theory.calculus.contraction import contract

        families = {POSTERIOR: cumulants, ESTIMATE: estimate or {}}
        return contract(self, families)

    def latex(self) -> str:
        """The LaTeX of the polynomial: traces and norms where a term has them, else indices."""
        from theory.calculus.notation import latex

        return latex(self)

    def unicode(self) -> str:
        """The one-line text of the polynomial: traces and norms where a term has them, else indices."""
        from theory.calculus.notation import unicode

        return unicode(self)

    def _repr_latex_(self) -> str:
        return rf"$\displaystyle {self.latex()}$"

    def __str__(self) -> str:
        return self.unicode()


def _names(graph: Multigraph) -> list[str]:
    return [
        f"{_LETTERS[colour]}{degree}" for colour, degree in zip(graph.colours, graph.degrees, strict=True)
    ]


def _written_order(graph: Multigraph) -> tuple[Any, ...]:
    degrees = sorted(zip(graph.degrees, graph.colours, strict=True))
    return (-len(graph.colours), degrees, graph.colours, graph.edges)


def _driven(graph: Multigraph) -> Iterator[tuple[Multigraph, Fraction]]:
    for pair in combinations(range(len(graph.colours)), 2):
        yield Multigraph(graph.colours, (*graph.edges, pair)), Fraction(1)
    for vertex, colour in enumerate(graph.colours):
        yield from _splits(graph, vertex)
        if colour == ESTIMATE:
            joined = (*graph.edges, (vertex, len(graph.colours)))
            yield Multigraph((*graph.colours, POSTERIOR), joined), Fraction(1)
            yield Multigraph((*graph.colours, ESTIMATE), joined), Fraction(-1)


def _splits(graph: Multigraph, vertex: int) -> Iterator[tuple[Multigraph, Fraction]]:
    """The splits of a vertex; which of several parallel edges move is counted, not enumerated."""
    new = len(graph.colours)
    row = graph.multiplicities[vertex]
    untouched = [edge for edge in graph.edges if vertex not in edge]
    bundles = [_moves(vertex, new, other, number) for other, number in enumerate(row) if number]
    for choice in product(*bundles):
        edges = [edge for bundle, _ in choice for edge in bundle]
        ends = {end for edge in edges for end in edge}
        if vertex in ends and new in ends:
            ways = 1
            for _, number in choice:
                ways *= number
            split = Multigraph((*graph.colours, graph.colours[vertex]), (*untouched, *edges, (vertex, new)))
            yield split, Fraction(-ways, 2)


def _moves(vertex: int, new: int, other: int, number: int) -> list[tuple[list[Edge], int]]:
    """Where `number` parallel edges from the vertex go when it splits, with the number of ways."""
    if other != vertex:
        return [
            ([(vertex, other)] * (number - moved) + [(new, other)] * moved, comb(number, moved))
            for moved in range(number + 1)
        ]
    return [
        (
            [(vertex, vertex)] * stay + [(new, new)] * move + [(vertex, new)] * (number - stay - move),
            comb(number, stay) * comb(number - stay, move) * 2 ** (number - stay - move),
        )
        for stay in range(number + 1)
        for move in range(number + 1 - stay)
    ]


@cache
def tensor_mmse_derivative(order: int) -> TensorPolynomial:
    """The polynomial F in the posterior's cumulant tensors with `M^(order)(t) = E F`.

    Every graph has order + 1 edges. `tensor_mmse_derivative(2)` is `2 tr Cov^3 - |k3|^2`. The number of
    graphs grows about threefold with each order. Raises ValueError for a negative order.
    """
    if order < 0:
        raise ValueError(f"order: {order}; the order of a derivative is at least 0")
    if order == 0:
        return TensorPolynomial.of([(Multigraph((POSTERIOR,), ((0, 0),)), 1)])
    return tensor_mmse_derivative(order - 1).generator()


def tensor_information_derivative(order: int) -> TensorPolynomial:
    """The polynomial F in the posterior's cumulant tensors with `I^(order)(t) = E F`, order >= 1.

    By `I' = M/2` (Guo, Shamai and Verdu 2005). Nats. Raises ValueError for an order below 1.
    """
    if order < 1:
        raise ValueError(f"order: {order}; only derivatives of I, of order at least 1, are polynomials")
    return tensor_mmse_derivative(order - 1) * Fraction(1, 2)
