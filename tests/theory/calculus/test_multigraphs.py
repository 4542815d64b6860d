"""The canonical form against brute force over all permutations."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from theory.calculus import Multigraph, canonical


@st.composite
def multigraphs(draw, most_vertices=5, most_edges=7):
    """Multigraphs with loops, parallel edges and two colours, connected or not."""
    ends = st.integers(0, draw(st.integers(1, most_vertices)) - 1)
    edges = draw(st.lists(st.tuples(ends, ends), min_size=1, max_size=most_edges))
    used = sorted({end for edge in edges for end in edge})
    place = {vertex: i for i, vertex in enumerate(used)}
    colours = draw(st.lists(st.integers(0, 1), min_size=len(used), max_size=len(used)))
    return Multigraph(tuple(colours), tuple((place[i], place[j]) for i, j in edges))


def _isomorphic(one, two):
    if sorted(one.colours) != sorted(two.colours) or len(one.edges) != len(two.edges):
        return False
    for order in permutations(range(len(one.colours))):
        edges = sorted(tuple(sorted((order[i], order[j]))) for i, j in one.edges)
        if tuple(edges) == two.edges and all(
            one.colours[v] == two.colours[order[v]] for v in range(len(order))
        ):
            return True
    return False


@settings(deadline=None)
@given(multigraphs(), st.randoms(use_true_random=False))
def test_relabelled_graphs_have_one_form(graph, random):
    order = list(range(len(graph.colours)))
    random.shuffle(order)
    other = graph.relabelled(order)
    assert canonical(other) == canonical(graph)
    assert _isomorphic(canonical(graph), graph)
    assert canonical(canonical(graph)) == canonical(graph)


@settings(deadline=None)
@given(multigraphs(4, 4), multigraphs(4, 4))
def test_equal_forms_mean_isomorphic(one, two):
    assert (canonical(one) == canonical(two)) == _isomorphic(one, two)


@pytest.mark.parametrize(
    ("edges_one", "edges_two"),
    [
        # regular graphs that refinement alone cannot tell apart
        ([(i, (i + 1) % 6) for i in range(6)], [(0, 1), (1, 2), (0, 2), (3, 4), (4, 5), (3, 5)]),
        (
            [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 0), (0, 3), (1, 4), (2, 5)],
            [(0, 1), (1, 2), (2, 0), (3, 4), (4, 5), (5, 3), (0, 3), (1, 4), (2, 5)],
        ),
        # a doubled pair and a loop exchanged
        ([(0, 0), (0, 1), (1, 1)], [(0, 1), (0, 1), (0, 1)]),
    ],
)
def test_like_degrees_are_told_apart(edges_one, edges_two):
    one, two = (
        Multigraph((0,) * (1 + max(max(e) for e in edges)), tuple(edges))
        for edges in (edges_one, edges_two)
    )
    assert sorted(one.degrees) == sorted(two.degrees)
    assert canonical(one) != canonical(two)


def test_colours_count():
    edges = ((0, 1), (0, 1), (1, 2), (0, 2))
    assert canonical(Multigraph((0, 0, 1), edges)) != canonical(Multigraph((0, 1, 0), edges))
    assert canonical(Multigraph((1, 0, 0), edges)) == canonical(Multigraph((0, 1, 0), edges))


def test_complete_graphs_are_quick():
    size = 12
    edges = tuple((i, j) for i in range(size) for j in range(i))
    assert canonical(Multigraph((0,) * size, edges)).degrees == (size - 1,) * size


def test_degrees_and_components():
    graph = Multigraph((0, 0, 0), ((1, 0), (0, 0), (2, 2)))
    assert graph.edges == ((0, 0), (0, 1), (2, 2))
    assert graph.degrees == (3, 1, 2)
    assert graph.components == (
        Multigraph((0, 0), ((0, 0), (0, 1))),
        Multigraph((0,), ((0, 0),)),
    )
    assert Multigraph((), ()).components == ()


@pytest.mark.parametrize(("colours", "edges"), [((0,), ()), ((0, 0), ((0, 2),)), ((0, 0, 0), ((0, 1),))])
def test_bad_graphs_are_refused(colours, edges):
    with pytest.raises(ValueError, match="edges: the ends are"):
        Multigraph(colours, edges)
