"""Rigorous bounds on the derivatives of M, and with them on the remainder of a Taylor polynomial.

What belongs here: rational upper bounds that hold for every core of diameter D, at every t. What does
not: the coefficients (`series`), and bounds on single cumulants (`cumulant_bounds`).

The Taylor series need not converge: for A = +-1 the coefficients of I grow like n! (8/pi^2)^n. A
remainder therefore cannot be pushed to zero by raising the order; at each t there is a best order.

Every posterior lives on the atoms, so that its cumulants obey the bounds of a law of diameter D.

- Rank 1: the polynomial of the derivative with |coefficients|, at k_j = c_j D^j.
- Any rank, low order: term by term in the graphs of the derivative. Choose vertices that leave no cycle
  when they are removed. Write each chosen tensor as a combination of products of vectors; what is left is a
  forest of tensors fed with vectors, contracted from the leaves inward: at each step a tensor fed with
  vectors in all places but one is a vector, no longer than its spectral norm allows. So a term is at most
  the product of the nuclear bounds of the chosen vertices and the spectral bounds c_n of the others; the
  best choice is taken.
- Any rank, high order: given Y_t the channel starts afresh with the posterior as its prior, so that
  `M^(n)(t) = E M_nu^(n)(0)` over the posteriors nu. The sums over copies in `replicas` bound the right
  side: `m! [t^m] E (Z - 1)^j` is the sum, over sequences of m pairs out of j copies that use every copy, of
  the mean of the product of the pairs' inner products. A copy used once contributes zero (A is centred);
  otherwise `|<A_p, A_q>| <= |A_p| |A_q|`, and copies are independent: a sequence contributes at most the
  product of `beta_degree D^degree`.
"""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from functools import cache
from itertools import chain, combinations
from math import comb, factorial

from theory.calculus import tensors
from theory.calculus.cumulant_bounds import absolute_moment_bound, cumulant_bound, nuclear_bound
from theory.calculus.laws import rational
from theory.calculus.line import mmse_polynomial
from theory.calculus.multigraphs import Multigraph
from theory.calculus.polynomials import evaluate

__all__ = ["information_remainder", "mmse_derivative_bound", "mmse_remainder"]

_GREATEST_ORDER_OF_GRAPHS = 8


def mmse_derivative_bound(order: int, diameter_squared: object, rank: int | None = 1) -> Fraction:
    """A rational B with |M^(order)(t)| <= B for all t >= 0 and all cores of the given diameter and rank.

    `diameter_squared` is D^2, exact (an int, a Fraction, a string, ...); rank None holds for every rank.
    B is a number times D^(2 order + 2). Raises ValueError for a negative order or D^2, or a rank below 1.
    """
    if order < 0:
        raise ValueError(f"order: {order}; the order of a derivative is at least 0")
    squared = rational(diameter_squared, "diameter_squared")
    if squared < 0:
        raise ValueError(f"diameter_squared: {squared} is negative")
    return _unit_bound(order, rank) * squared ** (order + 1)


def mmse_remainder(order: int, diameter_squared: object, last: object, rank: int | None = 1) -> Fraction:
    """A rational R with |M(t) - its Taylor polynomial of degree `order` at 0| <= R for t in [0, last].

    Taylor's theorem with `mmse_derivative_bound`. The same R serves the expansion at any t_0 over the
    interval [t_0, t_0 + last]. Raises ValueError as `mmse_derivative_bound` does, and for last < 0.
    """
    return mmse_derivative_bound(order + 1, diameter_squared, rank) * _power(last, order + 1)


def information_remainder(
    order: int, diameter_squared: object, last: object, rank: int | None = 1
) -> Fraction:
    """A rational R with |I(t) - its Taylor polynomial of degree `order` at 0| <= R for t in [0, last].

    Nats. Since `I^(order+1) = M^(order)/2`; `order` is at least 0. The same R serves the expansion at
    any t_0 over [t_0, t_0 + last]. Raises ValueError as `mmse_derivative_bound` does, and for last < 0.
    """
    return mmse_derivative_bound(order, diameter_squared, rank) / 2 * _power(last, order + 1)


def _power(last: object, order: int) -> Fraction:
    """last^order / order!"""
    length = rational(last, "last")
    if length < 0:
        raise ValueError(f"last: {length} is negative")
    return length**order / factorial(order)


@cache
def _unit_bound(order: int, rank: int | None) -> Fraction:
    """The bound on |M^(order)| for D = 1."""
    if rank == 1:
        sizes = {monomial: abs(c) for monomial, c in mmse_polynomial(order).items()}
        return Fraction(evaluate(sizes, cumulant_bound))
    if order <= _GREATEST_ORDER_OF_GRAPHS:
        return sum(
            (abs(c) * _graph_bound(graph, rank) for graph, c in tensors.tensor_mmse_derivative(order)),
            Fraction(0),
        )
    return _by_copies(order, rank)


def _graph_bound(graph: Multigraph, rank: int | None) -> Fraction:
    """The least bound over the sets of vertices that leave a forest when they are removed."""
    vertices = range(len(graph.colours))
    best: Fraction | None = None
    for removed in chain.from_iterable(combinations(vertices, k) for k in range(len(vertices) + 1)):
        if _is_forest([e for e in graph.edges if not set(e) & set(removed)]):
            bound = Fraction(1)
            for v, degree in enumerate(graph.degrees):
                bound *= nuclear_bound(degree, rank) if v in removed else cumulant_bound(degree)
            best = bound if best is None else min(best, bound)
    assert best is not None
    return best


def _is_forest(edges: list[tuple[int, int]]) -> bool:
    parent: dict[int, int] = {}

    def root(v: int) -> int:
        while v in parent:
            v = parent[v]
        return v

    for i, j in edges:
        a, b = root(i), root(j)
        if a == b:
            return False
        parent[a] = b
    return True


def _by_copies(order: int, rank: int | None) -> Fraction:
    """2 (order + 1)! times the bound on the coefficient of t^(order + 1) of I."""
    pairs = order + 1
    if pairs == 1:
        return absolute_moment_bound(2, rank)
    one = {
        (a, b): absolute_moment_bound(a + 2 * b, rank) / (factorial(a) * factorial(b))
        for b in range(pairs + 1)
        for a in range(2 * (pairs - b) + 1)
        if a + 2 * b >= 2
    }
    several, total = one, Fraction(0)
    for copies in range(2, pairs + 1):
        several = _multiplied(several, one, 2 * pairs)
        total += _sequences(several, pairs) / (copies * (copies - 1))
    return 2 * total


def _sequences(several: dict[tuple[int, int], Fraction], pairs: int) -> Fraction:
    """The sum over sequences of pairs of copies of the product of the copies' beta.

    The sum of the products x_p x_q over pairs is (s1^2 - s2)/2 in power sums, and `several` is the
    generating function of the means of s1^a s2^b/(a! b!), with x_v^degree read as beta_degree.
    """
    terms = (
        Fraction((-1) ** b, 2**pairs)
        * comb(pairs, b)
        * factorial(2 * (pairs - b))
        * factorial(b)
        * several.get((2 * (pairs - b), b), Fraction(0))
        for b in range(pairs + 1)
    )
    return sum(terms, Fraction(0))


def _multiplied(
    left: dict[tuple[int, int], Fraction], right: dict[tuple[int, int], Fraction], weight: int
) -> dict[tuple[int, int], Fraction]:
    result: defaultdict[tuple[int, int], Fraction] = defaultdict(Fraction)
    for (a, b), x in left.items():
        for (c, d), y in right.items():
            if a + c + 2 * (b + d) <= weight:
                result[a + c, b + d] += x * y
    return dict(result)
