"""Multigraphs with loops and coloured vertices, and their canonical form.

What belongs here: the graphs as combinatorial objects, their components, and one representative of each
isomorphism class. What does not: what they stand for (`tensors`) and how they are written (`notation`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TypeAlias

__all__ = ["Multigraph", "canonical"]

Edge: TypeAlias = tuple[int, int]
Matrix: TypeAlias = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Multigraph:
    """A multigraph: `colours[i]` is the colour of vertex i, `edges` its edges.

    Edges are kept sorted, as pairs (i, j) with i <= j. An edge (i, i) is a loop, and repeated edges are
    parallel. Isomorphic graphs are unequal in general: compare their canonical forms. Raises ValueError
    for an edge between vertices that there are not, or a vertex without edges.
    """

    colours: tuple[int, ...]
    edges: tuple[Edge, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "edges", tuple(sorted((min(e), max(e)) for e in self.edges)))
        ends = {end for edge in self.edges for end in edge}
        if ends != set(range(len(self.colours))):
            raise ValueError(
                f"edges: the ends are {sorted(ends)}; they must be the vertices "
                f"0 to {len(self.colours) - 1}, each at least once"
            )

    def _repr_latex_(self) -> str:
        from theory.calculus.notation import index_notation, named_form

        return rf"$\displaystyle {named_form(self) or index_notation(self)}$"

    @cached_property
    def degrees(self) -> tuple[int, ...]:
        """The number of half-edges at each vertex; a loop counts twice."""
        ends = Counter(end for edge in self.edges for end in edge)
        return tuple(ends[vertex] for vertex in range(len(self.colours)))

    @cached_property
    def multiplicities(self) -> Matrix:
        """The symmetric matrix of the numbers of edges, the numbers of loops on its diagonal."""
        count = Counter(self.edges)
        size = range(len(self.colours))
        return tuple(tuple(count[min(i, j), max(i, j)] for j in size) for i in size)

    @cached_property
    def components(self) -> tuple[Multigraph, ...]:
        """The connected components, in the order of their first vertices."""
        if len(self.colours) == 0:
            return ()
        parts: list[set[int]] = []
        for i, j in self.edges:
            touched = [part for part in parts if i in part or j in part]
            parts = [part for part in parts if part not in touched]
            parts.append({i, j}.union(*touched))
        parts.sort(key=min)
        return (self,) if len(parts) == 1 else tuple(self._restricted(sorted(p)) for p in parts)

    def _restricted(self, vertices: Sequence[int]) -> Multigraph:
        position = {vertex: i for i, vertex in enumerate(vertices)}
        return Multigraph(
            tuple(self.colours[vertex] for vertex in vertices),
            tuple((position[i], position[j]) for i, j in self.edges if i in position),
        )

    def relabelled(self, order: Sequence[int]) -> Multigraph:
        """The same graph with vertex `order[i]` renamed i; `order` is a permutation of the vertices."""
        return self._restricted(order)

    def union(self, *others: Multigraph) -> Multigraph:
        """The disjoint union with other graphs."""
        colours, edges = list(self.colours), list(self.edges)
        for other in others:
            shift = len(colours)
            colours.extend(other.colours)
            edges.extend((i + shift, j + shift) for i, j in other.edges)
        return Multigraph(tuple(colours), tuple(edges))


@lru_cache(maxsize=1 << 18)
def canonical(graph: Multigraph) -> Multigraph:
    """The representative of the graph's isomorphism class: equal for isomorphic graphs, and for no others.

    Isomorphisms preserve colours, multiplicities and loops. Connected components are put in order
    each by itself; within one, vertices are told apart by refinement (McKay and Piperno 2014,
    Practical graph isomorphism II) and the orders that remain are compared.
    """
    if len(graph.components) != 1:
        parts = sorted((canonical(part) for part in graph.components), key=_size_first)
        return parts[0].union(*parts[1:]) if parts else graph
    matrix = graph.multiplicities
    start = _ranks([(graph.colours[v], graph.degrees[v], matrix[v][v]) for v in range(len(graph.colours))])
    best = min(_orders(matrix, start), key=lambda order: _certificate(matrix, order))
    return graph.relabelled(best)


def _size_first(graph: Multigraph) -> tuple[object, ...]:
    return (len(graph.edges), len(graph.colours), graph.colours, graph.edges)


def _certificate(matrix: Matrix, order: Sequence[int]) -> list[list[int]]:
    """The matrix in this order of the vertices, the greatest multiplicities first."""
    return [[-matrix[v][u] for u in order[: i + 1]] for i, v in enumerate(order)]


def _ranks(keys: Sequence[object]) -> tuple[int, ...]:
    place = {key: rank for rank, key in enumerate(sorted(set(keys)))}  # type: ignore[type-var]
    return tuple(place[key] for key in keys)


def _refined(matrix: Matrix, classes: tuple[int, ...]) -> tuple[int, ...]:
    """The coarsest refinement of the classes in which like vertices have like neighbourhoods."""
    size = range(len(classes))
    while True:
        finer = _ranks(
            [(classes[v], tuple(sorted((classes[u], matrix[v][u]) for u in size))) for v in size]
        )
        if finer == classes:
            return classes
        classes = finer


def _orders(matrix: Matrix, classes: tuple[int, ...]) -> Iterator[list[int]]:
    """Orders of the vertices, a set of them that depends on the isomorphism class alone.

    (Up to automorphisms: of two vertices that a transposition exchanges only one is tried first.)
    """
    classes = _refined(matrix, classes)
    cells: dict[int, list[int]] = {}
    for vertex, cell in enumerate(classes):
        cells.setdefault(cell, []).append(vertex)
    several = [cell for cell in sorted(cells) if len(cells[cell]) > 1]
    if not several:
        yield sorted(range(len(classes)), key=lambda vertex: classes[vertex])
        return
    tried: list[int] = []
    for vertex in cells[several[0]]:
        if any(_twins(matrix, vertex, other) for other in tried):
            continue
        tried.append(vertex)
        split = tuple(2 * cell + (cell == several[0] and u != vertex) for u, cell in enumerate(classes))
        yield from _orders(matrix, split)


def _twins(matrix: Matrix, v: int, w: int) -> bool:
    """True if exchanging two vertices of one class is an automorphism."""
    return matrix[v][v] == matrix[w][w] and all(
        matrix[v][u] == matrix[w][u] for u in range(len(matrix)) if u not in (v, w)
    )
