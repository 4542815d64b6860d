"""The inner integrals F_j(x) = E u^j e^{-u}, u = e^{x + rho N}, at the outer nodes, in balls.

What belongs here: the two ways to compute them and the proofs of their errors. What does not: the outer sum
(`orthogonal`).

By sums. u^j e^{-u} at N + iy, |y| < pi/(2 rho), is at most (j/(e cos(rho y)))^j in size, so F_j, by the
trapezoidal rule in N, has the strip bound e^{eta^2/2} ((j/e) sec(rho eta))^j of `quadrature`, spread 2 rho;
and as u^j e^{-u} <= (j/e)^j the nodes beyond +-R weigh at most 2 (j/e)^j Q(R). The nodes are
N = k delta/rho and x = q l delta with a dyadic delta, so that every F_j is a correlation of Gaussian
weights with one table of u^j e^{-u} at u = e^{m delta}, which does not depend on t. Both are rounded to
multiples of 2^-bits, and their products summed exactly.

By series, where rho is small. f_j(y) = e^{j y - e^y} is entire, and in the disc of radius r < pi/2 about a
real point at most B = (j/(e cos r))^j in size. So |f_j^{(2m)}| <= (2m)! B/r^{2m} on the line, and by
Taylor's formula, odd moments of N being zero,

    |F_j(x) - sum_{n < m} f_j^{(2n)}(x) rho^{2n}/(2^n n!)| <= B (2m-1)!! (rho/r)^{2m}.

The derivatives are e^{-u} times polynomials in u: d/dy u^k e^{-u} = (k u^k - u^{k+1}) e^{-u}.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass

import flint

from numerics.arithmetic import balls
from numerics.quadrature import Spacing, Strip, gaussian_tail, remainder
from numerics.truth import PrecisionError

__all__ = ["Plan", "inner_error", "inner_sums", "series_error", "terms_of_series"]

_RADIUS = 1.25
_MOST_TERMS = 600
_MOST_ENTRIES = 400_000
_NOTHING = (flint.fmpz(0),) * 3


@dataclass(frozen=True)
class Plan:
    """The grid: outer nodes x = q l delta for first <= l <= last, inner nodes |k| <= reach.

    With `terms` > 0 the inner integrals are series of so many terms, and q = 1.
    """

    delta: Spacing
    stride: int
    reach: int
    first: int
    last: int
    terms: int = 0

    @property
    def entries(self) -> float:
        """The size of the table of u^j e^{-u}, or the number of terms."""
        outer, inner = self.last - self.first + 1, 2 * self.reach + 1
        if self.terms:
            return outer * self.terms / 4
        return min(self.stride, inner) * (outer + inner // self.stride + 1)


def inner_sums(rho: flint.arb, degree: int, grid: Plan, bits: int) -> list[list[flint.arb]]:
    """F_0, ..., F_degree at the outer nodes, as balls that contain the integrals."""
    if grid.terms:
        return _series(rho, degree, grid, bits)
    return _correlation(rho, degree, grid, bits)


# By series


def terms_of_series(rho: float, degree: int, decay: float) -> int | None:
    """The least m at which the remainder of the series is below e^-decay; None if there is none."""
    bound = -degree * math.log(math.e * math.cos(_RADIUS) / max(degree, 1))
    ratio = 2 * math.log(rho / _RADIUS)
    for m in range(1, _MOST_TERMS):
        change = math.log(2 * m - 1) + ratio
        if change > 0:
            return None
        bound += change
        if bound < -decay:
            return m
    return None


def series_error(rho: flint.arb, j: int, terms: int) -> flint.arb:
    """An upper bound of the remainder of the series for F_j after m terms."""
    with balls(64).precision():
        radius = flint.arb(_RADIUS)
        most = (j / (flint.arb(1).exp() * radius.cos())) ** j
        odd = flint.arb(2 * terms).fac() / (flint.arb(terms).fac() * flint.arb(2) ** terms)
        return (most * odd * (rho / radius) ** (2 * terms)).upper()


def _series(rho: flint.arb, degree: int, grid: Plan, bits: int) -> list[list[flint.arb]]:
    """e^{-u} times a polynomial in u at every node."""
    step = grid.delta.ball()
    u = [(step * k).exp() for k in range(grid.first, grid.last + 1)]
    decay = [(-x).exp() for x in u]
    result = []
    for j in range(degree + 1):
        powers = flint.fmpz_poly([0] * j + [1])
        total, factor = flint.arb_poly([]), flint.arb(1)
        for n in range(grid.terms):
            total += flint.arb_poly(powers) * factor
            for _ in range(2):
                powers = powers.derivative() * _IDENTITY - powers * _IDENTITY
            factor = factor * rho * rho / (2 * (n + 1))
        error = series_error(rho, j, grid.terms)
        margin = (-error).union(error)
        result.append([total(x) * e + margin for x, e in zip(u, decay, strict=True)])
    return result


_IDENTITY = flint.fmpz_poly([0, 1])


# By sums


def _correlation(rho: flint.arb, degree: int, grid: Plan, bits: int) -> list[list[flint.arb]]:
    """The sums over the grid: with k = q i + r and m = q l + k, for each r a product of polynomials.

    If the weights w are wrong by at most e and the entries of the table, in [0, 1], by at most 2^(1-bits),
    a sum over n nodes is wrong by at most n e + 2^(1-bits) (sum w + n e), and sum w <= 1 + h.
    """
    h, q = grid.delta.ball() / rho, grid.stride
    norm = h / (2 * flint.arb.pi()).sqrt()
    half, wrong = [], flint.arb(0)
    for k in range(grid.reach + 1):
        weight = norm * (-(h * k) * (h * k) / 2).exp()
        half.append(_fixed(weight, bits))
        wrong = wrong.max(abs(weight - flint.arb((half[-1], -bits))).upper())
    table = _table(grid.delta, bits)
    nodes, count = 2 * grid.reach + 1, grid.last - grid.first + 1
    sums = [flint.fmpz_poly([]) for _ in range(degree + 1)]
    for r in range(min(q, nodes)):
        ks = range(-grid.reach + r, grid.reach + 1, q)
        weights = flint.fmpz_poly([half[abs(k)] for k in reversed(ks)])
        lines = table(range(q * grid.first + ks[0], q * grid.last + ks[-1] + 1, q))
        for j in range(degree + 1):
            product = (weights * flint.fmpz_poly([line[j] for line in lines])).coeffs()
            sums[j] += flint.fmpz_poly(product[len(ks) - 1 : len(ks) - 1 + count])
    rounding = nodes * wrong + flint.arb((1, 1 - bits)) * (1 + h + nodes * wrong)
    result = []
    for j, poly in enumerate(sums):
        error = (inner_error(rho, h, j, grid.reach) + rounding).upper()
        margin = (-error).union(error)
        result.append([flint.arb((poly[i], -2 * bits)) + margin for i in range(count)])
    return result


def inner_error(rho: flint.arb, h: flint.arb, j: int, reach: int) -> flint.arb:
    """An upper bound of the error of every F_j at inner spacing h: remainder and truncation."""
    with balls(64).precision():
        most = (flint.arb(j) / flint.arb(1).exp()) ** j
        return (remainder(h, Strip(most, 2 * rho, j)) + 2 * most * gaussian_tail(reach * h)).upper()


def _fixed(x: flint.arb, bits: int) -> flint.fmpz:
    """The midpoint of a ball as a multiple of 2^-bits, rounded down."""
    mantissa, exponent = x.mid().man_exp()
    shift = int(exponent) + bits
    return mantissa << shift if shift >= 0 else mantissa >> -shift


class _Table:
    """u^j e^{-u}, j = 0, 1, 2, at u = e^{m delta} as multiples of 2^-bits, wrong by at most 2^(1-bits).

    For u > 2 log(2) bits + 20 all three are below 2^-bits: u - 2 log u >= u/2 >= log(2) bits.
    """

    def __init__(self, delta: Spacing, bits: int) -> None:
        self.delta, self.bits = delta, bits
        self.most = math.log(2 * math.log(2) * bits + 21) / float(delta)
        self.entries: dict[int, tuple[flint.fmpz, ...]] = {}

    def __call__(self, indices: range) -> list[tuple[flint.fmpz, ...]]:
        missing = [m for m in indices if m not in self.entries]
        with balls(self.bits + 64).precision():
            step, unit = self.delta.ball(), flint.arb((1, 1 - self.bits))
            self.entries.update((m, self._entry(step * m, unit)) for m in missing if m <= self.most)
        return [self.entries.get(m, _NOTHING) for m in indices]

    def _entry(self, log_u: flint.arb, unit: flint.arb) -> tuple[flint.fmpz, ...]:
        u = log_u.exp()
        value, entry = (-u).exp(), []
        for _ in range(3):
            entry.append(_fixed(value, self.bits))
            if not abs(value - flint.arb((entry[-1], -self.bits))) < unit:
                raise PrecisionError("the working precision does not hold the table")
            value *= u
        return tuple(entry)


def _table(delta: Spacing, bits: int) -> _Table:
    """The table for a spacing and precision, kept from knot to knot."""
    table = _TABLES.pop((delta, bits), None) or _Table(delta, bits)
    _TABLES[delta, bits] = table
    while len(_TABLES) > 1 and sum(len(x.entries) for x in _TABLES.values()) > _MOST_ENTRIES:
        _TABLES.popitem(last=False)
    return table


_TABLES: OrderedDict[tuple[Spacing, int], _Table] = OrderedDict()
