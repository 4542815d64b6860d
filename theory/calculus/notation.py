"""Contracted products of cumulant tensors in writing: indices, traces and norms.

What belongs here: the LaTeX and the text of graphs and of their linear combinations. What does not: the
graphs themselves (`multigraphs`) and what they mean (`tensors`).

In writing `m`, `Cov` and `kappa` are the tensors of order 1, 2 and more; the estimate's wear a hat.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from string import ascii_letters
from typing import TYPE_CHECKING, Literal, TypeAlias

from theory.calculus.multigraphs import Multigraph

if TYPE_CHECKING:
    from theory.calculus.tensors import TensorPolynomial

__all__ = ["index_notation", "latex", "named_form", "unicode"]

Style: TypeAlias = Literal["latex", "unicode"]
Chain: TypeAlias = tuple[int, ...]
_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


@dataclass(frozen=True)
class _Writer:
    """The pieces of one style of writing."""

    style: Style

    def tensor(self, degree: int, colour: int) -> str:
        if self.style == "latex":
            name = {1: "m", 2: r"\mathrm{Cov}"}.get(degree, r"\kappa")
            return rf"\widehat{{{name}}}" if colour else name
        name = {1: "m", 2: "Cov"}.get(degree, "κ")
        return name[0] + "\u0302" + name[1:] if colour else name

    def numbered(self, degree: int, colour: int) -> str:
        name = self.tensor(degree, colour)
        if degree <= 2:
            return name
        return f"{name}_{{{degree}}}" if self.style == "latex" else name + self._sub(degree)

    def indexed(self, degree: int, colour: int, indices: Sequence[str]) -> str:
        name = self.tensor(degree, colour)
        joined = "".join(indices)
        if self.style == "latex":
            return f"{name}_{{{joined}}}"
        return f"{name}[{joined}]"

    def power(self, base: str, exponent: int) -> str:
        if exponent == 1:
            return base
        return f"{base}^{{{exponent}}}" if self.style == "latex" else base + self._super(exponent)

    def word(self, matrices: Sequence[str]) -> str:
        """A product of matrices, equal neighbours written as powers."""
        powers = [(name, len(list(run))) for name, run in groupby(matrices)]
        return (r"\, " if self.style == "latex" else " ").join(self.power(n, e) for n, e in powers)

    def norm(self, name: str, frobenius: bool) -> str:
        if self.style == "latex":
            return rf"\lVert {name} \rVert" + ("_F^2" if frobenius else "^2")
        return f"|{name}|" + ("²_F" if frobenius else "²")

    def trace(self, word: str, several: bool) -> str:
        if self.style == "latex":
            return r"\operatorname{tr}" + (rf"({word})" if several else f" {word}")
        return f"tr({word})" if several else f"tr {word}"

    def inner(self, left: str, factors: Sequence[str], right: str) -> str:
        """<left, (factor tensor ... tensor factor) right>, trivial factors written 1."""
        if self.style == "latex":
            middle = r" \otimes ".join(factors)
            applied = rf"({middle})\, {right}" if factors else right
            return rf"\langle {left}, {applied} \rangle"
        middle = " ⊗ ".join(factors)
        return f"⟨{left}, ({middle}) {right}⟩" if factors else f"⟨{left}, {right}⟩"

    def form(self, left: str, word: str, right: str) -> str:
        if self.style == "latex":
            return rf"{left}^{{\top}} {word}\, {right}"
        return f"{left}ᵀ {word} {right}"

    def product(self, factors: Sequence[str]) -> str:
        return (r"\, " if self.style == "latex" else " ").join(factors)

    def coefficient(self, value: Fraction) -> str:
        if value == 1:
            return ""
        if value.denominator == 1 or self.style == "unicode":
            return f"{value}" + (r"\, " if self.style == "latex" else " ")
        return rf"\frac{{{value.numerator}}}{{{value.denominator}}}\, "

    @staticmethod
    def _super(number: int) -> str:
        return str(number).translate(_SUPERSCRIPTS)

    @staticmethod
    def _sub(number: int) -> str:
        return str(number).translate(_SUBSCRIPTS)


def latex(polynomial: TensorPolynomial, indices: bool = False) -> str:
    """The LaTeX of a polynomial; with `indices` every term in index notation."""
    return _polynomial(polynomial, "latex", indices)


def unicode(polynomial: TensorPolynomial, indices: bool = False) -> str:
    """The one-line text of a polynomial; with `indices` every term in index notation."""
    return _polynomial(polynomial, "unicode", indices)


def _polynomial(polynomial: TensorPolynomial, style: Style, indices: bool) -> str:
    writer = _Writer(style)
    written = ""
    for graph, coefficient in polynomial:
        named = None if indices else named_form(graph, style)
        body = index_notation(graph, style) if named is None else named
        magnitude = abs(coefficient)
        term = writer.coefficient(magnitude) + body if body else str(magnitude)
        minus = "-" if style == "latex" else "−"
        if coefficient < 0:
            written += f" {minus} {term}" if written else f"{minus}{term}"
        else:
            written += f" + {term}" if written else term
    return written or "0"


def index_notation(graph: Multigraph, style: Style = "latex") -> str:
    """The product of the tensors with an index for each edge, repeated indices summed.

    In one line of text: `κ[abc] κ[abd] Cov[cd]`.
    """
    writer = _Writer(style)
    factors, lettered = [], 0
    for part in graph.components:
        order = _reading_order(part)
        at = _indices(part, order, lettered)
        lettered += len(part.edges)
        factors += [writer.indexed(part.degrees[v], part.colours[v], at[v]) for v in order]
    return writer.product(factors)


def _reading_order(graph: Multigraph) -> list[int]:
    """The vertices of a connected graph: tensors of order 3 and more, means, then chains of covariances."""
    hubs = [v for v, degree in enumerate(graph.degrees) if degree != 2]
    order = sorted(hubs, key=lambda v: -graph.degrees[v]) or [0]
    while len(order) < len(graph.colours):
        rows = [graph.multiplicities[v] for v in reversed(order)]
        left = [v for v in range(len(graph.colours)) if v not in order]
        order.append(next(v for row in rows for v in left if row[v]))
    return order


def _indices(graph: Multigraph, order: Sequence[int], lettered: int) -> list[list[str]]:
    """The letters at each vertex, nearest neighbours first; around a cycle the farthest first."""
    place = {v: i for i, v in enumerate(order)}
    cycle = all(degree == 2 for degree in graph.degrees)
    ends = [sorted((place[i], place[j])) for i, j in graph.edges]
    ends.sort(key=lambda pair: (pair[0], -pair[1] if cycle else pair[1]))
    at: list[list[str]] = [[] for _ in order]
    for number, pair in enumerate(ends, start=lettered):
        letter = ascii_letters[number] if number < len(ascii_letters) else f"{{i_{{{number}}}}}"
        for end in pair:
            at[order[end]].append(letter)
    return at


def named_form(graph: Multigraph, style: Style = "latex") -> str | None:
    """The graph in traces, norms and inner products, or None where one of its components has no such form.

    A cycle of covariances is a trace of their product; two tensors joined directly are a squared
    Frobenius norm, or an inner product; two tensors joined by chains of covariances an inner product
    `<kappa_n, (Cov^p x Cov^q x ...) kappa_n>`, one factor for each chain.
    """
    writer = _Writer(style)
    parts = [_named_component(part, writer) for part in graph.components]
    known = Counter(part for part in parts if part is not None)
    if known.total() < len(parts):
        return None
    return writer.product([part if n == 1 else writer.power(f"({part})", n) for part, n in known.items()])


def _named_component(graph: Multigraph, writer: _Writer) -> str | None:
    hubs = [v for v, degree in enumerate(graph.degrees) if degree != 2]
    matrices = {v: writer.tensor(2, c) for v, c in enumerate(graph.colours)}
    if not hubs:
        around = _chain(graph, 0)
        colours = [graph.colours[v] for v in around]
        if len(around) == 2 and colours[0] == colours[1]:
            return writer.norm(matrices[0], frobenius=True)
        word = writer.word([matrices[v] for v in around])
        return writer.trace(word, several=len(set(colours)) > 1)
    if len(hubs) != 2 or graph.degrees[hubs[0]] != graph.degrees[hubs[1]]:
        return None
    one, two = hubs
    chains = _chains_between(graph, one, two)
    if len(chains) != graph.degrees[one]:
        return None
    left, right = (writer.numbered(graph.degrees[v], graph.colours[v]) for v in hubs)
    words = [writer.word([matrices[v] for v in chain]) for chain in chains]
    if not any(words):
        if left == right:
            return writer.norm(left, frobenius=graph.degrees[one] > 1)
        return writer.inner(left, [], right)
    if graph.degrees[one] == 1:
        return writer.form(left, words[0], right)
    factors = sorted((word or "1" for word in words), key=lambda word: (word != "1", word))
    return writer.inner(left, factors, right)


def _chain(graph: Multigraph, start: int) -> Chain:
    """The vertices of a cycle in order, from `start`."""
    around, previous, current = [start], -1, start
    while True:
        row = graph.multiplicities[current]
        ahead = [v for v, number in enumerate(row) if number and v not in (current, previous)]
        if previous == -1:
            ahead = ahead[:1]
        if not ahead or ahead[0] == start:
            return tuple(around)
        previous, current = current, ahead[0]
        around.append(current)


def _chains_between(graph: Multigraph, one: int, two: int) -> list[Chain]:
    """The chains of vertices of degree 2 from `one` to `two`; direct edges are empty chains."""
    rows = graph.multiplicities
    chains: list[Chain] = [()] * rows[one][two]
    for first, number in enumerate(rows[one]):
        if not number or first in (one, two):
            continue
        inner, previous, current = [first], one, first
        while current != two:
            ahead = [v for v, n in enumerate(rows[current]) if n and v != previous]
            if not ahead:
                break
            previous, current = current, ahead[0]
            if current == one:
                break
            if current != two:
                inner.append(current)
        if current == two:
            chains.append(tuple(inner))
    return chains
