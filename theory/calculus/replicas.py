"""M and I at t = 0 through independent copies of the core: a route that needs no cumulants.

What belongs here: the Taylor coefficients of I as finite sums over copies, for a discrete law in any
dimension. What does not: cumulants (`series`), and bounds (`remainder`, which uses the same sums).

Let A be centred, W_t a Brownian motion and `Z = E exp(<A, W_t> - t |A|^2/2)` over A, so that Z is the
density of the law of Y_t with respect to that of W_t. Then `I = (t/2) E|A|^2 - E Z log Z`, and

    E Z log Z = sum_(j>=2) (-1)^j / (j (j - 1)) E (Z - 1)^j,

as an asymptotic series at t = 0, where E (Z - 1)^j = O(t^j) because A is centred. For independent
copies A_1, A_2, ... of A

    E Z^l = E exp(t sum_(p<q<=l) <A_p, A_q>):

only inner products of atoms enter, whatever the dimension.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import comb, factorial, lcm, prod

__all__ = ["copies_needed", "information_coefficients"]


def copies_needed(atoms: int, order: int) -> int:
    """The number of ways to place up to `order` copies on the atoms: the cost of the sums."""
    return comb(atoms + order, order)


def information_coefficients(
    weights: Sequence[Fraction], points: Sequence[Sequence[Fraction]], order: int
) -> list[Fraction]:
    """The Taylor coefficients of t^1, ..., t^order of I at t = 0, exact, for a discrete law in R^d.

    `weights` sum to one; the points have a common dimension. Nats. The work grows with
    `copies_needed`, and does not depend on the dimension.
    """
    gram = _centred_gram(weights, points)
    variance = sum((w * gram[i][i] for i, w in enumerate(weights)), Fraction(0))
    moments = _exponential_moments(weights, gram, order)
    coefficients = [variance / 2] if order >= 1 else []
    for m in range(2, order + 1):
        power = Fraction(0)
        for j in range(2, m + 1):
            centred = sum(
                (-1) ** (j - copies) * comb(j, copies) * moments[copies][m] for copies in range(2, j + 1)
            )
            power += Fraction((-1) ** j, j * (j - 1)) * centred
        coefficients.append(-power)
    return coefficients


def _centred_gram(
    weights: Sequence[Fraction], points: Sequence[Sequence[Fraction]]
) -> list[list[Fraction]]:
    mean = [
        sum((w * x for w, x in zip(weights, column, strict=True)), Fraction(0))
        for column in zip(*points, strict=True)
    ]
    centred = [[x - m for x, m in zip(point, mean, strict=True)] for point in points]
    return [
        [sum((x * y for x, y in zip(a, b, strict=True)), Fraction(0)) for b in centred] for a in centred
    ]


def _exponential_moments(
    weights: Sequence[Fraction], gram: Sequence[Sequence[Fraction]], order: int
) -> dict[int, list[Fraction]]:
    """The coefficients of t^0, ..., t^order of E Z^l for l = 2, ..., order, in whole numbers inside."""
    unit = lcm(*(x.denominator for row in gram for x in row))
    inner = [[int(x * unit) for x in row] for row in gram]
    whole = lcm(*(w.denominator for w in weights))
    shares = [int(w * whole) for w in weights]
    size = range(len(weights))
    result = {}
    for copies in range(2, order + 1):
        sums = [0] * (order + 1)
        for counts in _placements(copies, len(weights)):
            ways = factorial(copies) // prod(factorial(c) for c in counts)
            ways *= prod(share**c for share, c in zip(shares, counts, strict=True))
            if not ways:
                continue
            occupied = [i for i in size if counts[i]]
            twice = sum(counts[i] * counts[j] * inner[i][j] for i in occupied for j in occupied)
            twice -= sum(counts[i] * inner[i][i] for i in occupied)
            for m in range(order + 1):
                sums[m] += ways
                ways *= twice
        result[copies] = [
            Fraction(s, whole**copies * (2 * unit) ** m * factorial(m)) for m, s in enumerate(sums)
        ]
    return result


def _placements(copies: int, atoms: int) -> Iterator[tuple[int, ...]]:
    if atoms == 1:
        yield (copies,)
        return
    for first in range(copies + 1):
        for rest in _placements(copies - first, atoms - 1):
            yield (first, *rest)
