"""How large the cumulants of a law of diameter D can be: rational bounds, proved.

What belongs here: bounds on moments, scalar cumulants and cumulant tensors from the diameter alone. What
does not: what they imply for M and I (`remainder`).

**Absolute moments.** `E|A - EA|^j <= beta_j D^j`, j >= 2. On the line, with atoms in [0, 1] and p the
mean, |a - p|^j is convex in a, so that its mean is at most `p (1 - p)^j + (1 - p) p^j`; beta_j bounds the
maximum over p from above, cell by cell. In rank r `beta_j = r/(2 (r + 1))`, since |A - EA| <= D and
`V <= R^2 <= D^2 r/(2 (r + 1))` with the circumradius R (Jung). For every rank, 1/2.

**Cumulants on the line.** `|k_n| <= c_n D^n` (take D = 1):

- c_2 = 1/4 (Popoviciu). c_4 = 1/8: by `mu4 >= k2^2`, `k4 = mu4 - 3 k2^2 >= -2 k2^2 >= -1/8`; by `mu4 <=
  k2` (the distances to the mean are at most 1), `k4 <= k2 - 3 k2^2 <= 1/12`. Attained by the fair coin.
- c_3 = 77/800 >= 1/(6 sqrt 3). With atoms in [0, 1], q = 1 - mean and tau = k2/q <= 1 - q:
  `E (A - a)^2 (1 - A) >= 0` at `a = mean - tau` says `mu3 <= q tau (q - tau)`. Over tau <= 1 - q its
  maximum is q^3/4 <= 2/27 if q <= 2/3, and q (1 - q)(2 q - 1) <= 1/(6 sqrt 3) otherwise. Then reflect.
- otherwise the lesser of two. (a) `n! pi^(2-n)/8`, pi replaced by 333/106 from below: for |y| < pi the
  numbers e^(iyA), turned by the mid-range, have real parts >= cos(y/2) > 0, so that `f(z) = log E
  e^(z (A - EA))` is analytic in |Im z| < pi; there `Re f(z) <= log E e^(x (A - EA)) <= x^2/8` (Hoeffding),
  x = Re z. On |z| = R < pi the function `u - Re f`, u = R^2 cos(theta)^2/8, is >= 0 with mean R^2/16,
  and u has no harmonic of order n >= 3: the n-th coefficient of f, times R^n, is at most twice that
  mean. Let R tend to pi. (b) By partitions, below.

**Tensors.** Write kappa_n in central moments: the sum over the partitions of the n half-edges into blocks
of two or more of `+-(blocks - 1)!` times the tensor product of the blocks' moments. Hence kappa_n is a
combination of products of vectors whose total weight (nuclear norm) is at most the sum over these
partitions of `(blocks - 1)!` times the product of the beta_block, times D^n. Contracted with n unit
vectors it is at most c_n D^n (spectral norm): for equal vectors u it is a cumulant of <A, u>, of diameter
at most D, and a symmetric tensor takes its maximum at equal vectors (Banach 1938).
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from math import comb, factorial

__all__ = ["absolute_moment_bound", "cumulant_bound", "nuclear_bound"]

_PI_BELOW = Fraction(333, 106)
_CELLS = 1 << 9
_GRID = 10**6


@cache
def cumulant_bound(order: int) -> Fraction:
    """A number c with |k_order| <= c D^order for every law on an interval of length D, order >= 2.

    It also bounds the spectral norm of the cumulant tensor of every law of diameter D in R^d. Proof in
    the module's text; sharp for the orders 2 and 4, within 1/1000 for the order 3. Raises ValueError
    for an order below 2: the mean has no such bound.
    """
    if order < 2:
        raise ValueError(f"order: {order}; cumulants of order below 2 are not bounded by the diameter")
    if order <= 4:
        return {2: Fraction(1, 4), 3: Fraction(77, 800), 4: Fraction(1, 8)}[order]
    analytic = factorial(order) / (8 * _PI_BELOW ** (order - 2))
    return min(analytic, nuclear_bound(order, 1))


@cache
def nuclear_bound(order: int, rank: int | None = None) -> Fraction:
    """A number c with nuclear norm of kappa_order <= c D^order for all laws of diameter D and given rank.

    Rank None holds for every rank. Raises ValueError for an order below 2 or a rank below 1.
    """
    if order < 2:
        raise ValueError(f"order: {order}; cumulants of order below 2 are not bounded by the diameter")
    by_blocks: dict[tuple[int, int], Fraction] = {(0, 0): Fraction(1)}
    for size in range(2, order + 1):
        for blocks in range(1, size // 2 + 1):
            by_blocks[size, blocks] = sum(
                (
                    comb(size - 1, block - 1)
                    * absolute_moment_bound(block, rank)
                    * by_blocks.get((size - block, blocks - 1), Fraction(0))
                    for block in range(2, size + 1)
                ),
                Fraction(0),
            )
    return sum((factorial(b - 1) * by_blocks[order, b] for b in range(1, order // 2 + 1)), Fraction(0))


@cache
def absolute_moment_bound(order: int, rank: int | None = 1) -> Fraction:
    """A number beta with E|A - EA|^order <= beta D^order for every law of diameter D and given rank.

    The rank is the dimension of the affine span; None holds for every rank. Raises ValueError for an
    order below 2 or a rank below 1.
    """
    if order < 2:
        raise ValueError(f"order: {order}; it must be at least 2")
    if rank is None:
        return Fraction(1, 2)
    if rank < 1:
        raise ValueError(f"rank: {rank}; it must be at least 1")
    if rank > 1:
        return Fraction(rank, 2 * (rank + 1))
    if order <= 3:
        return Fraction(1, 2**order)
    # p (1 - p)^order + (1 - p) p^order for p in [0, 1/2], in units of 1/(2 cells): each factor at the
    # end of the cell where it is greatest.
    unit = 2 * _CELLS
    greatest = max(
        (cell + 1) * (unit - cell) ** order + (unit - cell) * (cell + 1) ** order for cell in range(_CELLS)
    )
    return Fraction(-(-greatest * _GRID // unit ** (order + 1)), _GRID)
