"""Distances between two laws on a line in machine numbers, each with an error estimate.

What belongs here: integration over pieces of the line. A piece is parametrised by xi: a point y(xi), and
the densities of output and reference with respect to xi, so that the image of a start under an
increasing map needs no inversion. Integrals are taken by Gauss-Legendre panels, halved until the halves
agree; kinks of |.| and jumps of quantiles are halved down to nothing. With r = log(output/reference),

    KL(reference || output) = int reference (e^r - 1 - r),
    hellinger^2 = (1/2) int reference (e^{r/2} - 1)^2,

positive integrands without cancellation (both have mass one; the defect is reported beside them).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from numerics.output_law.grids import legendre
from numerics.output_law.mixture import Line

__all__ = [
    "Divergences",
    "Piece",
    "Sample",
    "Tables",
    "divergence_integrands",
    "divergences",
    "wasserstein",
]

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.intp]

NODES = 20
_XI, _WEIGHTS = legendre(NODES)
_DEPTH = 52
_MOST_PANELS = 1 << 10
_NEGLIGIBLE = 1e-14
_RELATIVE = 1e-14
_SMALL = 1e-22
_DEEP = 36.0
_DEEP_ERROR = 1e-5
"""Stated relative error of a log ratio beyond `_DEEP`: the density is that far below the other's."""


@dataclass(frozen=True)
class Sample:
    """At points xi: y relative to the piece's centre, |dy/dxi|, log(output/reference), log reference.

    Densities are with respect to xi. Where the reference is discrete `log_reference` is 0, and the ratio
    the log of the output's density.
    """

    y: Array
    slope: Array
    log_ratio: Array
    log_reference: Array

    @property
    def output(self) -> Array:
        """The density of the output."""
        return np.asarray(np.exp(self.log_reference + self.log_ratio))


@dataclass(frozen=True)
class Piece:
    """A part of the line: panel edges in xi, the laws there, the reference relative to the centre."""

    centre: float
    edges: Array
    evaluate: Callable[[Array], Sample]
    reference: Line
    steep: bool = False
    """Whether xi is a start and y may jump: W_1 is then taken over the output's mass."""
    tolerance: float = _RELATIVE
    """Relative to the integrals; above the noise of `evaluate`."""


def _cumulative() -> Array:
    """S with int_0^{xi_i} p = sum_j S[i, j] p(xi_j) for polynomials through the nodes."""
    x = 2 * _XI - 1
    basis = np.polynomial.legendre.legvander(x, NODES - 1)
    integrals = np.empty_like(basis)
    for k in range(NODES):
        unit = np.zeros(k + 1)
        unit[k] = 1.0
        integrals[:, k] = np.polynomial.legendre.legval(x, np.polynomial.legendre.legint(unit, lbnd=-1))
    inverse = (2 * np.arange(NODES)[:, None] + 1) * basis.T * _WEIGHTS
    return np.asarray(integrals @ inverse / 2)


_CUMULATIVE = _cumulative()
_BARYCENTRIC = np.array([1 / np.prod(np.delete(4 * (x - _XI), i)) for i, x in enumerate(_XI)])


Integrand = Callable[[Index, Array], Array]
"""From panel indices (p,) and points (p, m) to values (j, p, m)."""


def _adaptive(
    integrand: Integrand,
    low: Array,
    high: Array,
    least: float,
    tolerance: float = _RELATIVE,
    deciding: int | None = None,
) -> tuple[Array, Array, tuple[Array, Array]]:
    """Integrals of j functions over panels, their error estimates, and the accepted panels.

    The first `deciding` of the functions (all by default) decide which panels are divided.
    """
    index = np.arange(len(low), dtype=np.intp)

    def rule(chosen: Index, left: Array, right: Array) -> Array:
        length = right - left
        values = integrand(chosen, left[:, None] + length[:, None] * _XI)
        return np.asarray(np.einsum("jpm,m->jp", values, _WEIGHTS) * length)

    whole = rule(index, low, high)
    size = np.abs(whole).sum(axis=1)
    total, error, most = np.zeros(len(size)), np.zeros(len(size)), 2 * len(low) + _MOST_PANELS
    kept: list[tuple[Array, Array]] = []
    for depth in range(_DEPTH):
        middle = (low + high) / 2
        both = np.concatenate([index, index])
        left, right = np.concatenate([low, middle]), np.concatenate([middle, high])
        halves = rule(both, left, right)
        count = len(index)
        refined = halves[:, :count] + halves[:, count:]
        gap = np.abs(refined - whole)
        small = np.abs(refined) + np.abs(whole) <= _NEGLIGIBLE * size[:, None]
        fine = (small | (gap <= (tolerance * size + least)[:, None] / 8))[:deciding].all(axis=0)
        if depth == _DEPTH - 1 or count > most:
            fine[:] = True
        total += refined[:, fine].sum(axis=1)
        error += gap[:, fine].sum(axis=1)
        kept.append((low[fine], high[fine]))
        if fine.all():
            break
        again = np.concatenate([~fine, ~fine])
        index, low, high, whole = both[again], left[again], right[again], halves[:, again]
    panels = np.concatenate([k[0] for k in kept]), np.concatenate([k[1] for k in kept])
    return total, error + 1e-15 * size, panels


@dataclass(frozen=True)
class Divergences:
    """tv, kl, reverse_kl, hellinger^2 and the defect of mass, with their error estimates, (5,) each."""

    values: Array
    errors: Array


def divergence_integrands(sample: Sample) -> Array:
    """tv, kl, reverse_kl, hellinger^2, the defect, and what lies too deep for either KL; shape (7, n)."""
    r, reference, output = sample.log_ratio, np.exp(sample.log_reference), sample.output
    small = np.abs(r) < 1.0
    s = np.where(small, r, 0.0)
    grown = np.expm1(s)
    half = np.expm1(s / 2)
    near = np.where(np.abs(s) < 0.02, _quadratic(s), grown - s)
    near_reverse = np.where(np.abs(s) < 0.02, _quadratic(-s) * (1 + grown), s * (1 + grown) - grown)
    with np.errstate(invalid="ignore"):
        change = np.where(small, reference * grown, output - reference)
        kl = np.where(small, reference * near, output - reference * (1 + r))
        reverse = np.where(small, reference * near_reverse, reference + output * (r - 1))
        root = np.sqrt(output) - np.sqrt(reference)
        hellinger = np.where(small, reference * half * half, root * root)
    deep = np.where(np.abs(r) > _DEEP, np.abs(r), 0.0)
    lost, lost_reverse = np.where(r < 0, reference * deep, 0.0), np.where(r > 0, output * deep, 0.0)
    return np.stack([np.abs(change) / 2, kl, reverse, hellinger / 2, change, lost, lost_reverse])


def _quadratic(r: Array) -> Array:
    """e^r - 1 - r for small r."""
    total = np.zeros_like(r)
    for n in range(9, 1, -1):
        total = (total + 1) * r / n
    return total * r


def divergences(pieces: Sequence[Piece]) -> Divergences:
    """The four divergences and the defect of mass, over all pieces."""
    values, errors = np.zeros(7), np.zeros(7)
    for piece in pieces:

        def integrand(_: Index, xi: Array, piece: Piece = piece) -> Array:
            return divergence_integrands(piece.evaluate(xi.ravel())).reshape(7, *xi.shape)

        # the last two have a jump, and serve only to state an error
        total, error, _ = _adaptive(
            integrand, piece.edges[:-1], piece.edges[1:], _SMALL, piece.tolerance, deciding=5
        )
        values += total
        errors += error
    errors[1:3] += _DEEP_ERROR * values[5:]
    return Divergences(values[:5], errors[:5])


@dataclass(frozen=True)
class _Table:
    """Distribution functions at the Gauss nodes of panels: output from below and above, difference."""

    low: Array
    high: Array
    below: Array
    above: Array
    difference: Array

    def at(self, index: Index, xi: Array, values: Array) -> Array:
        """A tabulated function at points xi, shape (p, m), of panels, shape (p,)."""
        share = (xi - self.low[index][:, None]) / (self.high - self.low)[index][:, None]
        away = share[:, :, None] - _XI
        exact = np.abs(away) < 1e-15
        weights = _BARYCENTRIC / np.where(exact, 1.0, away)
        found = np.einsum("pmk,pk->pm", weights, values[index]) / weights.sum(axis=2)
        hit = exact.any(axis=2)
        if hit.any():
            nearest = exact.argmax(axis=2)
            found = np.where(hit, np.take_along_axis(values[index], nearest, axis=1), found)
        return np.asarray(found)


@dataclass(frozen=True)
class Tables:
    """The distribution functions of the output over all pieces."""

    pieces: tuple[Piece, ...]

    @cached_property
    def made(self) -> list[_Table]:
        """One table per piece."""
        discrete = self.pieces[0].reference.variance == 0
        parts = []
        for piece in self.pieces:

            def masses(_: Index, xi: Array, piece: Piece = piece) -> Array:
                sample = piece.evaluate(xi.ravel())
                found = [sample.output] + [np.exp(sample.log_reference)] * (not discrete)
                return np.stack(found).reshape(-1, *xi.shape)

            _, _, (low, high) = _adaptive(masses, piece.edges[:-1], piece.edges[1:], 1e-18, piece.tolerance)
            order = np.argsort(low)
            low, high = low[order], high[order]
            xi = low[:, None] + (high - low)[:, None] * _XI
            sample = piece.evaluate(xi.ravel())
            output = sample.output.reshape(xi.shape) * (high - low)[:, None]
            change = np.zeros_like(output)
            if not discrete:
                change = divergence_integrands(sample)[4].reshape(xi.shape) * (high - low)[:, None]
            parts.append((low, high, output, change))
        masses_of = [float((part[2] @ _WEIGHTS).sum()) for part in parts]
        tables, moved_before = [], 0.0
        for i, (low, high, output, change) in enumerate(parts):
            mass, moved = output @ _WEIGHTS, change @ _WEIGHTS
            inner = output @ _CUMULATIVE.T
            before = math.fsum(masses_of[:i]) + np.concatenate([[0.0], np.cumsum(mass)[:-1]])
            after = math.fsum(masses_of[i + 1 :]) + np.concatenate([np.cumsum(mass[:0:-1])[::-1], [0.0]])
            shifted = moved_before + np.concatenate([[0.0], np.cumsum(moved)])
            below, above = before[:, None] + inner, after[:, None] + (mass[:, None] - inner)
            difference = shifted[:-1, None] + change @ _CUMULATIVE.T
            tables.append(_Table(low, high, below, above, difference))
            moved_before = float(shifted[-1])
        return tables


def _quantile(reference: Line, below: Array, above: Array, guess: Array) -> Array:
    """T with P(reference <= T) = below, solved in the smaller tail; all of shape (n,)."""
    if not reference.variance:
        order = np.argsort(reference.atoms)
        steps = np.cumsum(np.exp(reference.log_weights[order]))
        return np.asarray(reference.atoms[order][np.minimum(np.searchsorted(steps, below), len(order) - 1)])
    reach = 38 * reference.width
    low = np.full(below.shape, float(reference.atoms.min()) - reach)
    high = np.full(below.shape, float(reference.atoms.max()) + reach)
    lower = below < above
    goal = np.log(np.maximum(np.where(lower, below, above), 1e-300))
    found = np.clip(guess, low, high)
    active = np.arange(len(found))
    for _ in range(200):
        x = found[active]
        under, over = reference.tails(x)
        side = lower[active]
        tail = np.maximum(np.where(side, under, over), 1e-310)
        miss = np.log(tail) - goal[active]
        miss = np.where(side, miss, -miss)
        low[active] = np.where(miss <= 0, x, low[active])
        high[active] = np.where(miss >= 0, x, high[active])
        slope = np.exp(reference.log_density(x) - np.log(tail))
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            moved = x - miss / slope
        bad = ~((moved > low[active]) & (moved < high[active]))
        moved = np.where(bad, (low[active] + high[active]) / 2, moved)
        found[active] = moved
        done = np.abs(moved - x) <= 4e-16 * np.maximum(np.abs(x), reference.width)
        active = active[~done]
        if not len(active):
            break
    return found


def wasserstein(pieces: Sequence[Piece], order: int) -> tuple[float, float]:
    """W_1, or W_2 squared, with its error estimate."""
    tables = Tables(tuple(pieces)).made
    value = error = 0.0
    for piece, table in zip(pieces, tables, strict=True):
        discrete = piece.reference.variance == 0

        def first(index: Index, xi: Array, piece: Piece = piece, table: _Table = table) -> Array:
            sample = piece.evaluate(xi.ravel())
            if piece.reference.variance == 0:
                under = piece.reference.tails(sample.y)[0].reshape(xi.shape)
                difference = table.at(index, xi, table.below) - under
            else:
                difference = table.at(index, xi, table.difference)
            return np.abs(difference * sample.slope.reshape(xi.shape))[None]

        def second(index: Index, xi: Array, piece: Piece = piece, table: _Table = table) -> Array:
            sample = piece.evaluate(xi.ravel())
            below = table.at(index, xi, table.below).ravel()
            above = table.at(index, xi, table.above).ravel()
            goal = _quantile(piece.reference, below, above, sample.y)
            return (np.abs(sample.y - goal) ** order * sample.output).reshape(1, *xi.shape)

        low, high = table.low, table.high
        chosen, least = first if order == 1 and not piece.steep else second, 1e-17 if discrete else 1e-24
        total, doubt, _ = _adaptive(chosen, low, high, least, piece.tolerance)
        value += float(total[0])
        error += float(doubt[0])
    if order == 1:
        for (left, table), (right, _) in pairwise(zip(pieces, tables, strict=True)):
            between, more = _gap(left, right, table)
            value, error = value + between, error + more
    return value, error


def _gap(left: Piece, right: Piece, table: _Table) -> tuple[float, float]:
    """int |difference of the distribution functions| between two pieces, where the output has no mass."""
    ends = left.evaluate(left.edges[-1:]).y[0], right.evaluate(right.edges[:1]).y[0]
    start, end = float(ends[0]), float(ends[1]) + (right.centre - left.centre)
    if end <= start:
        return 0.0, 0.0
    if left.reference.variance:
        constant = abs(float(table.difference[-1] @ _at_end()))
        return constant * (end - start), 1e-15 * (end - start)
    level = float(table.below[-1] @ _at_end())

    def integrand(_: Index, y: Array) -> Array:
        return np.abs(level - left.reference.tails(y.ravel())[0]).reshape(1, *y.shape)

    cuts = np.array([start, *sorted(a for a in left.reference.atoms if start < a < end), end])
    total, error, _ = _adaptive(integrand, cuts[:-1], cuts[1:], 1e-17)
    return float(total[0]), float(error[0])


def _at_end() -> Array:
    """Weights of the interpolation to the right end of a panel."""
    weights = _BARYCENTRIC / (1.0 - _XI)
    return np.asarray(weights / weights.sum())
