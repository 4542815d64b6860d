"""The certified engine for atoms that span two or three dimensions.

What belongs here: the tensor trapezoidal rule with its remainder and truncation, in balls or in machine
numbers with a proven bound of their rounding, and the clusters that replace it where the signal-to-noise
ratio is large. What does not: a single integral on the line (`certified`).

The remainder is that of `quadrature`, taken along k/|k| for every k in the dual lattice: in the direction
of k the atoms spread over at most s D, so with one eta for all k

    |h^r sum f(k h) - int f| <= B(eta) sum_{k != 0} e^{-2 pi eta |k| / h},

and |k| is at least the largest |k_j|, of which (2m+1)^r - (2m-1)^r points have the value m.

Nodes further than rho from every s b_i may be left out. There phi(x) <= e^{-(1-c) rho^2/2} times
e^{-c |x|^2/2}/(2 pi)^{r/2}, whose sum over the whole lattice is at most (theta/sqrt(c))^r with
theta = 1 + 4 e^{-2 pi^2/h^2} (h <= 1); c = r/rho^2. The integrands are bounded as on the line.

Atoms are measured from their mean in units of their diameter; t is in those units.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from operator import mul
from typing import Any

import flint
import numpy as np
import numpy.typing as npt

from numerics.arithmetic import balls, to_ball
from numerics.cores import Functional, PointCore, log_of
from numerics.line import MOST_NODES
from numerics.quadrature import Spacing, Strip, best_eta, spacing
from numerics.truth import PrecisionError

__all__ = ["Cloud", "cloud_of", "integral", "machine_integral", "plan"]

Array = npt.NDArray[np.float64]

MOST_MACHINE_NODES = 400_000_000
"""The stated cost of one value in machine numbers."""

_UNIT = 2.0**-53
_CELLS = 1 << 16


@dataclass(frozen=True, eq=False)
class Cloud:
    """A discrete law in R^r, r = 2 or 3, its atoms measured from its mean; identity is equality."""

    weights: tuple[Fraction, ...]
    atoms: tuple[tuple[Fraction, ...], ...]
    lengths: tuple[Fraction, ...]
    variance: Fraction

    @property
    def rank(self) -> int:
        """The dimension r."""
        return len(self.lengths)

    @lru_cache(maxsize=16)  # noqa: B019 - clouds are themselves cached, and few
    def points(self, bits: int) -> list[list[flint.arb]]:
        """The atoms in an orthonormal basis, as balls."""
        roots = [to_ball(q).sqrt() for q in self.lengths]
        return [[to_ball(x) * root for x, root in zip(b, roots, strict=True)] for b in self.atoms]


@lru_cache(maxsize=1024)
def cloud_of(core: PointCore) -> Cloud:
    """The law of the core's coordinates, measured from its mean."""
    mean = [
        sum((w * x for w, x in zip(core.weights, axis, strict=True)), Fraction(0))
        for axis in zip(*core.coordinates, strict=True)
    ]
    atoms = tuple(tuple(x - m for x, m in zip(b, mean, strict=True)) for b in core.coordinates)
    variance = core.variance / core.diameter_squared
    return Cloud(core.weights, atoms, core.lengths, variance)


@dataclass(frozen=True)
class Plan:
    """Spacing, reach and the ranges of nodes k_j = low ... high in each direction."""

    h: Spacing
    reach: float
    ranges: tuple[tuple[int, int], ...]

    @property
    def nodes(self) -> float:
        """The number of nodes of the enclosing box."""
        return math.prod(float(high - low + 1) for low, high in self.ranges)


def plan(cloud: Cloud, t: float, functional: Functional, decay: float) -> Plan:
    """The grid whose remainder and truncation are about exp(-decay) of the functional's scale."""
    r, s = cloud.rank, math.sqrt(t)
    decay += math.log(4**r) + math.log(4)
    h = spacing(decay, s, 3 if functional == "covariance_moment" else 1)
    if float(h) > 1:
        h = Spacing(8, -3)
    reach = math.sqrt(2 * decay + 2 * r * math.log(2 * decay) + 6)
    ranges = []
    for axis, q in zip(zip(*cloud.atoms, strict=True), cloud.lengths, strict=True):
        size = s * math.sqrt(float(q))
        low, high = size * float(min(axis)) - reach, size * float(max(axis)) + reach
        ranges.append((math.floor(low / float(h)), math.ceil(high / float(h))))
    return Plan(h, reach, tuple(ranges))


def integral(cloud: Cloud, t: flint.arb, functional: Functional, log_tolerance: float) -> flint.arb:
    """The tensor trapezoidal sum as a ball, in machine numbers where their rounding allows it.

    Raises PrecisionError beyond `MOST_NODES` nodes in balls, `MOST_MACHINE_NODES` in machine numbers.
    """
    t_float = float(t.mid())
    log_size = _log_size(cloud, t_float, functional)
    decay = max(log_size - log_tolerance, 0)
    grid = plan(cloud, t_float, functional, decay)
    rounding = _rounding(cloud, t_float, functional, grid)
    exact_t = t.rad() <= t.mid() * flint.arb(2) ** -60
    machine = functional != "mutual_information" and exact_t and math.log(rounding) < log_tolerance - 1
    limit = MOST_MACHINE_NODES if machine else MOST_NODES
    if not grid.nodes <= limit:
        raise PrecisionError(
            f"{functional}: at snr x diameter^2 = {t_float:.6g} in {cloud.rank} dimensions this precision"
            f" takes {grid.nodes:.3g} nodes (limit {limit})"
        )
    if machine:
        total = flint.arb(machine_integral(cloud, t_float, functional, grid))
        bits = 64
    else:
        growth = math.log2(2 + t_float + math.sqrt(t_float) * grid.reach) + math.log2(grid.nodes)
        bits = 32 * (int(decay / math.log(2) + growth + 24) // 32 + 1)
        total = _ball_integral(cloud, t, functional, grid, bits)
    with balls(64).precision():
        error = _remainder(cloud, t, functional, grid.h.ball())
        error += _truncation(cloud, t, functional, grid)
        if machine:
            error += _from_machine(cloud, t, rounding)
        error = error.upper()
        margin = (-error).union(error)
    with balls(bits).precision():
        return total + margin


def _log_size(cloud: Cloud, t: float, functional: Functional) -> float:
    variance = float(cloud.variance)
    if functional == "mutual_information":
        return math.log(0.75 + t * variance)
    return log_of(cloud.variance)


def _strip(cloud: Cloud, t: flint.arb, functional: Functional) -> Strip:
    """The strip bound, with M <= V/(1 + tV/r), C <= M/4 and, for the information, R <= 1."""
    variance, spread = to_ball(cloud.variance), t.sqrt()
    if functional == "mutual_information":
        return Strip(t * variance / 2 + 2 * flint.arb(-1).exp(), spread, 1, reach=spread)
    mmse = variance / (1 + t * variance / cloud.rank)
    if functional == "mmse":
        return Strip(mmse, spread, 1)
    return Strip(mmse / 4, spread, 3)


def _remainder(cloud: Cloud, t: flint.arb, functional: Functional, h: flint.arb) -> flint.arb:
    strip = _strip(cloud, t, functional)
    eta = flint.arb(best_eta(float(h), float(strip.spread), strip.secant_power))
    x = (-2 * flint.arb.pi() * eta / h).exp()
    if cloud.rank == 2:
        lattice = 8 * x / ((1 - x) * (1 - x))
    else:
        lattice = 24 * x * (1 + x) / ((1 - x) * (1 - x) * (1 - x)) + 2 * x / (1 - x)
    return strip.bound(eta) * lattice


def _truncation(cloud: Cloud, t: flint.arb, functional: Functional, grid: Plan) -> flint.arb:
    """An upper bound of the sum over the nodes further than rho from every s b_i.

    p Cov <= sum p_i |b_i|^2 and p |Cov|^2 <= p Cov / 4 there, and |L| <= s |z| + t/2 <= s |x_i| + 3t/2
    with x_i = z - s b_i, as all |b_i| <= 1; |x| e^{-c x^2/4} <= sqrt(2/(c e)).
    """
    h, rho, r = grid.h.ball(), flint.arb(grid.reach), cloud.rank
    c = r / (rho * rho)
    theta = 1 + 4 * (-2 * flint.arb.pi() * flint.arb.pi() / (h * h)).exp()
    tail = (-(1 - c) * rho * rho / 2).exp() * (theta / c.sqrt()) ** r
    if functional == "mutual_information":
        linear = (2 / (c * flint.arb(1).exp())).sqrt() * flint.arb(2) ** (flint.arb(r) / 2)
        return tail * (t.sqrt() * linear + 3 * t / 2)
    tail *= to_ball(cloud.variance)
    return tail / 4 if functional == "covariance_moment" else tail


# In balls


def _moments(cloud: Cloud, functional: Functional, points: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """For every atom the factors whose p-weighted sums make the integrand."""
    r = cloud.rank
    rows: list[list[Any]] = []
    for b in points:
        if functional == "mutual_information":
            rows.append([1])
        elif functional == "mmse":
            rows.append([1, *b, sum(x * x for x in b)])
        else:
            rows.append([1, *b, *(b[j] * b[k] for j in range(r) for k in range(j + 1))])
    return rows


def _ball_integral(cloud: Cloud, t: flint.arb, functional: Functional, grid: Plan, bits: int) -> flint.arb:
    """The sum in balls: exponentials as geometric progressions, sums over atoms as matrix products."""
    with balls(bits).precision():
        r, count, step, s = cloud.rank, len(cloud.weights), grid.h.ball(), t.sqrt()
        points = cloud.points(bits)
        factors = [
            [_progression(s * b[j], t * b[j] * b[j] / 2, step, *grid.ranges[j]) for b in points]
            for j in range(r)
        ]
        gaussians = [
            [(-(step * k) * (step * k) / 2).exp() for k in range(low, high + 1)]
            for low, high in grid.ranges
        ]
        moments = _moments(cloud, functional, points)
        orders = len(moments[0])
        weights = [to_ball(w) for w in cloud.weights]
        rows, columns = len(gaussians[-2]), len(gaussians[-1])
        right = flint.arb_mat(count, columns, [x for line in factors[-1] for x in line])
        total = flint.arb(0)
        for outer, weight in _slices(factors, gaussians, weights):
            left = [
                outer[i] * moments[i][m] * factors[-2][i][k]
                for m in range(orders)
                for k in range(rows)
                for i in range(count)
            ]
            sums = (flint.arb_mat(orders * rows, count, left) * right).entries()
            for k, (low, high) in enumerate(_near(cloud, t, grid, outer_index=weight[1])):
                if low > high:
                    continue
                lines = [
                    sums[(m * rows + k) * columns + low : (m * rows + k) * columns + high + 1]
                    for m in range(orders)
                ]
                value = _line_sum(functional, r, gaussians[-1][low : high + 1], lines)
                total += weight[0] * gaussians[-2][k] * value
        volume = (step / (2 * flint.arb.pi()).sqrt()) ** r
        total *= volume
        if functional == "mutual_information":
            total = t * to_ball(cloud.variance) / 2 - total
        return total


def _progression(
    rate: flint.arb, offset: flint.arb, step: flint.arb, low: int, high: int
) -> list[flint.arb]:
    """e^{rate k h - offset} for k = low ... high."""
    ratio, current = (rate * step).exp(), (rate * step * low - offset).exp()
    values = []
    for _ in range(high - low + 1):
        values.append(current)
        current = current * ratio
    return values


def _slices(
    factors: Sequence[Any], gaussians: Sequence[Any], weights: Sequence[flint.arb]
) -> Iterator[tuple[list[flint.arb], tuple[flint.arb, int]]]:
    """The planes of the grid: the atoms' factors there, and the plane's weight and index."""
    if len(factors) == 2:
        yield list(weights), (flint.arb(1), 0)
        return
    for k, gaussian in enumerate(gaussians[0]):
        yield [w * line[k] for w, line in zip(weights, factors[0], strict=True)], (gaussian, k)


def _near(cloud: Cloud, t: flint.arb, grid: Plan, outer_index: int) -> Iterator[tuple[int, int]]:
    """For every row of a plane the range of columns that are within reach of an atom, as indices.

    Computed in machine numbers with a margin of a node: taking more nodes is always allowed.
    """
    h, s = float(grid.h), math.sqrt(float(t.mid()))
    roots = [math.sqrt(float(q)) for q in cloud.lengths]
    points = [[s * float(x) * root for x, root in zip(b, roots, strict=True)] for b in cloud.atoms]
    (low1, high1), (low2, high2) = grid.ranges[-2], grid.ranges[-1]
    height = 0.0 if cloud.rank == 2 else (grid.ranges[0][0] + outer_index) * h
    for k in range(low1, high1 + 1):
        first, last = high2 + 1, low2 - 1
        for point in points:
            away = (k * h - point[-2]) ** 2 + (0.0 if cloud.rank == 2 else (height - point[0]) ** 2)
            left = grid.reach**2 * (1 + 1e-9) - away
            if left > 0:
                width = math.sqrt(left)
                first = min(first, math.floor((point[-1] - width) / h) - 1)
                last = max(last, math.ceil((point[-1] + width) / h) + 1)
        yield max(first, low2) - low2, min(last, high2) - low2


def _line_sum(
    functional: Functional, r: int, weights: Sequence[flint.arb], lines: Sequence[Sequence[flint.arb]]
) -> flint.arb:
    """The weighted integrand summed along one line of nodes."""
    total = flint.arb(0)
    if functional == "mutual_information":
        for w, a in zip(weights, lines[0], strict=True):
            total += w * a * a.log()
    elif functional == "mmse":
        for w, a, *b, c in zip(weights, *lines, strict=True):
            total += w * (c - sum(map(mul, b, b)) / a)
    else:
        pairs = [(j, k) for j in range(r) for k in range(j + 1)]
        for w, a, *rest in zip(weights, *lines, strict=True):
            b = rest[:r]
            square = flint.arb(0)
            for (j, k), second in zip(pairs, rest[r:], strict=True):
                entry = second - b[j] * b[k] / a
                square += entry * entry if j == k else 2 * entry * entry
            total += w * square / a
    return total


# In machine numbers, with a bound of their rounding


def _from_machine(cloud: Cloud, t: flint.arb, rounding: float) -> flint.arb:
    """The rounding error, underflow, and what rounding t itself costs: |dM/dt|, |dC/dt| <= M <= V."""
    return flint.arb(rounding) + to_ball(cloud.variance) * t * flint.arb(2) ** -51 + flint.arb(2) ** -900


def _rounding(cloud: Cloud, t: float, functional: Functional, grid: Plan) -> float:
    """An upper bound of the rounding error of `machine_integral` for mmse and covariance moment.

    With u = 2^-53 and K atoms: the p_i carry at most (r + 4) u of relative error, a sum over atoms K u,
    a row of n nodes n u, and rows are added exactly: relative errors of a sum of non-negative terms, g
    in all. The deviations x_i - m are wrong by at most c u, c = K + r + 10, from the rounding of the
    atoms and of the mean, which changes p Cov by at most p (2 c u sqrt(Cov) + (c u)^2), in the mean
    at most 2 c u sqrt(M) + (c u)^2. For |Cov|^2 the entries are wrong by as much, and tr Cov <= 1/2 for
    atoms of diameter 1, so that r times the same bound serves.
    """
    count, r = len(cloud.weights), cloud.rank
    row = max(high - low + 1 for low, high in grid.ranges)
    variance = float(cloud.variance)
    mmse = variance / (1 + t * variance / r)
    g, shift = (count + 2 * r + 16 + row) * _UNIT, (count + r + 10) * _UNIT
    bound = 1.3 * (g * mmse + 2 * shift * math.sqrt(mmse) + shift**2)
    return bound if functional == "mmse" else r * bound


def machine_integral(cloud: Cloud, t: float, functional: Functional, grid: Plan) -> float:
    """The tensor trapezoidal sum in machine numbers.

    For mmse and covariance moment everything but the one-dimensional tables, which are rounded from
    balls, is a sum, product or quotient; the mutual information takes logarithms, and is not certified.
    """
    r, h = cloud.rank, grid.h.ball()
    with balls(96).precision():
        s = flint.arb(t).sqrt()
        points = cloud.points(96)
        tables = [
            np.array([[_normal(h * k - s * b[j]) for k in range(low, high + 1)] for b in points])
            for j, (low, high) in enumerate(grid.ranges)
        ]
        volume = float(((h / (2 * flint.arb.pi()).sqrt()) ** r).mid())
    atoms = np.array([[float(x.mid()) for x in b] for b in points])
    weights = np.array([float(w) for w in cloud.weights])
    squares = [(float(grid.h) * np.arange(low, high + 1)) ** 2 / 2 for low, high in grid.ranges]
    size = max(1, _CELLS // (len(atoms) * len(squares[-1])))
    rows: list[float] = []
    outer = [(weights, 0.0)] if r == 2 else zip((weights[:, None] * tables[0]).T, squares[0], strict=True)
    for factor, height in outer:
        plane = factor[:, None] * tables[-2]
        for first in range(0, plane.shape[1], size):
            joint = plane[:, first : first + size, None] * tables[-1][:, None, :]
            if functional == "mutual_information":
                half = height + squares[-2][first : first + size, None] + squares[-1]
                rows.extend(_log_rows(joint.sum(axis=0), half).tolist())
            else:
                rows.extend(_covariance_rows(functional, atoms, joint).tolist())
    total = math.fsum(rows) * volume
    return t * float(cloud.variance) / 2 - total if functional == "mutual_information" else total


def _normal(x: flint.arb) -> float:
    return float((-x * x / 2).exp().mid())


def _log_rows(density: Array, half_square: Array) -> Array:
    """p log(p/phi) summed along the rows of a plane."""
    positive = density > 0
    ratio = np.log(density, out=np.zeros_like(density), where=positive) + half_square
    return np.asarray((density * ratio).sum(axis=1))


def _covariance_rows(functional: Functional, atoms: Array, joint: Array) -> Array:
    """p Cov or p |Cov|^2 from deviations from the posterior mean, summed along the rows of a plane.

    Nodes where p underflows to 0 count 0.
    """
    density = joint.sum(axis=0)
    inverse = np.divide(1.0, density, out=np.zeros_like(density), where=density > 1e-290)
    means = [np.tensordot(axis, joint, 1) * inverse for axis in atoms.T]
    if functional == "mmse":
        total = np.zeros_like(density)
        for p, atom in zip(joint, atoms, strict=True):
            total += p * sum((x - m) * (x - m) for x, m in zip(atom, means, strict=True))
        return np.asarray(total.sum(axis=1))
    square = np.zeros_like(density)
    for j, axis in enumerate(atoms.T):
        for k in range(j + 1):
            entry = np.zeros_like(density)
            for p, x, y in zip(joint, axis, atoms.T[k], strict=True):
                entry += p * (x - means[j]) * (y - means[k])
            square += entry * entry if j == k else 2 * entry * entry
    return np.asarray((square * inverse).sum(axis=1))
