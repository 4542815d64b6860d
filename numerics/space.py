"""The certified engine for atoms that span two or three dimensions.

What belongs here: the tensor trapezoidal rule with its remainder and truncation, in balls or in machine
numbers with a proven bound of their rounding, and the clusters that replace it where the signal-to-noise
ratio is large. What does not: a single integral on the line (`line`).

The remainder is that of `quadrature`, one coordinate at a time. The spacings h_j may differ from axis to
axis; along axis j the atoms spread over s w_j, w_j their extent, and B_j(eta_j) bounds the integrals
int |f(x + i eta_j e_j)| dx. Poisson summation leaves the Fourier coefficients at 2 pi (k_1/h_1, ...,
k_r/h_r), k != 0; with j the axis of the largest |k_j| = m, moving the line of integration of that
coordinate bounds such a coefficient by B_j(eta_j) x_j^m, x_j = e^{-2 pi eta_j/h_j}. At most
2 (2m+1)^(r-1) of the k have their largest coordinate k_j = m or -m on axis j, so that

    |h_1 ... h_r sum f(k h) - int f| <= sum_j B_j sum_{m >= 1} 2 (2m+1)^(r-1) x_j^m.

Nodes further than rho from every s b_i may be left out. There phi(x) <= e^{-(1-c) rho^2/2} times
e^{-c |x|^2/2}/(2 pi)^{r/2}, whose sum over the whole lattice is at most (theta/sqrt(c))^r with
theta = 1 + 4 e^{-2 pi^2/h^2} (h <= 1); c = r/rho^2. The integrands are bounded as on the line.

Atoms are measured from their mean in units of their diameter; t is in those units.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from operator import mul
from typing import Any

import flint
import numpy as np
import numpy.typing as npt

from numerics.arithmetic import balls, to_ball
from numerics.cores import Functional, log_of
from numerics.line import MOST_NODES
from numerics.quadrature import Strip, best_eta
from numerics.space_grid import Cloud, Plan, plan
from numerics.space_machine import from_machine, machine_integral, rounding_bound
from numerics.truth import PrecisionError

__all__ = ["MOST_BALL_TERMS", "MOST_MACHINE_TERMS", "integral"]

Array = npt.NDArray[np.float64]

MOST_MACHINE_TERMS = 3_000_000_000
"""The stated cost of one value in machine numbers: nodes times atoms."""

MOST_BALL_TERMS = 8 * MOST_NODES
"""The same in balls."""

_MOST_EXCESS = 8.0
"""log of how much the rounding of machine numbers may exceed a tolerance that balls cannot reach."""


def integral(cloud: Cloud, t: flint.arb, functional: Functional, log_tolerance: float) -> flint.arb:
    """The tensor trapezoidal sum as a ball, in machine numbers where their rounding allows it.

    Raises PrecisionError beyond `MOST_BALL_TERMS` in balls, `MOST_MACHINE_TERMS` in machine numbers.
    """
    t_float = float(t.mid())
    log_size = _log_size(cloud, t_float, functional)
    decay = max(log_size - log_tolerance, 0)
    grid = plan(cloud, t_float, functional, decay)
    rounding = rounding_bound(cloud, t_float, functional, grid)
    exact_t = t.rad() <= t.mid() * flint.arb(2) ** -60
    excess = math.log(rounding) - log_tolerance
    terms = grid.nodes * len(cloud.weights)
    machine = exact_t and (excess < -1 or (terms > MOST_BALL_TERMS and excess < _MOST_EXCESS))
    limit = MOST_MACHINE_TERMS if machine else MOST_BALL_TERMS
    if not terms <= limit:
        raise PrecisionError(
            f"{functional}: at snr x diameter^2 = {t_float:.6g} in {cloud.rank} dimensions this precision"
            f" takes {grid.nodes:.3g} nodes, too many for {len(cloud.weights)} atoms"
        )
    if machine:
        total = flint.arb(machine_integral(cloud, t_float, functional, grid))
        bits = 64
    else:
        growth = math.log2(2 + t_float + math.sqrt(t_float) * grid.reach) + math.log2(grid.nodes)
        bits = 32 * (int(decay / math.log(2) + growth + 24) // 32 + 1)
        total = _ball_integral(cloud, t, functional, grid, bits)
    with balls(64).precision():
        error = _remainder(cloud, t, functional, [h.ball() for h in grid.h])
        error += _truncation(cloud, t, functional, grid)
        if machine:
            error += from_machine(cloud, t, rounding)
        error = error.upper()
        margin = (-error).union(error)
    with balls(bits).precision():
        return total + margin


def _log_size(cloud: Cloud, t: float, functional: Functional) -> float:
    variance = float(cloud.variance)
    if functional == "mutual_information":
        return math.log(0.75 + t * variance)
    return log_of(cloud.variance)


def _strip(cloud: Cloud, t: flint.arb, functional: Functional, axis: int) -> Strip:
    """The strip bound along an axis, with M <= V/(1 + tV/r), C <= M/4 and, for the information, R <= 1."""
    variance, root = to_ball(cloud.variance), t.sqrt()
    places = [b[axis] for b in cloud.atoms]
    spread = root * to_ball(max(places) - min(places)) * to_ball(cloud.lengths[axis]).sqrt()
    if functional == "mutual_information":
        return Strip(t * variance / 2 + 2 * flint.arb(-1).exp(), spread, 1, reach=root)
    mmse = variance / (1 + t * variance / cloud.rank)
    if functional == "mmse":
        return Strip(mmse, spread, 1)
    return Strip(mmse / 4, spread, 3)


def _remainder(cloud: Cloud, t: flint.arb, functional: Functional, h: Sequence[flint.arb]) -> flint.arb:
    """The bound of the module's docstring for the spacings h_1, ..., h_r."""
    total = flint.arb(0)
    for axis, step in enumerate(h):
        strip = _strip(cloud, t, functional, axis)
        eta = flint.arb(best_eta(float(step), float(strip.spread), strip.secant_power))
        x = (-2 * flint.arb.pi() * eta / step).exp()
        once, square = x / (1 - x), x / ((1 - x) * (1 - x))
        if cloud.rank == 2:
            lattice = 4 * square + 2 * once
        else:
            lattice = 8 * square * (1 + x) / (1 - x) + 8 * square + 2 * once
        total += strip.bound(eta) * lattice
    return total


def _truncation(cloud: Cloud, t: flint.arb, functional: Functional, grid: Plan) -> flint.arb:
    """An upper bound of the sum over the nodes further than rho from every s b_i.

    p Cov <= sum p_i |b_i|^2 and p |Cov|^2 <= p Cov / 4 there, and |L| <= s |z| + t/2 <= s |x_i| + 3t/2
    with x_i = z - s b_i, as all |b_i| <= 1; |x| e^{-c x^2/4} <= sqrt(2/(c e)).
    """
    rho, r = flint.arb(grid.reach), cloud.rank
    c = r / (rho * rho)
    tail = (-(1 - c) * rho * rho / 2).exp()
    for width in grid.h:
        h = width.ball()
        tail *= (1 + 4 * (-2 * flint.arb.pi() * flint.arb.pi() / (h * h)).exp()) / c.sqrt()
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
        r, count, s = cloud.rank, len(cloud.weights), t.sqrt()
        steps = [h.ball() for h in grid.h]
        points = cloud.points(bits)
        factors = [
            [_progression(s * b[j], t * b[j] * b[j] / 2, steps[j], *grid.ranges[j]) for b in points]
            for j in range(r)
        ]
        gaussians = [
            [(-(step * k) * (step * k) / 2).exp() for k in range(low, high + 1)]
            for step, (low, high) in zip(steps, grid.ranges, strict=True)
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
        for step in steps:
            total *= step / (2 * flint.arb.pi()).sqrt()
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
    steps, s = [float(h) for h in grid.h], math.sqrt(float(t.mid()))
    roots = [math.sqrt(float(q)) for q in cloud.lengths]
    points = [[s * float(x) * root for x, root in zip(b, roots, strict=True)] for b in cloud.atoms]
    (low1, high1), (low2, high2) = grid.ranges[-2], grid.ranges[-1]
    height = 0.0 if cloud.rank == 2 else (grid.ranges[0][0] + outer_index) * steps[0]
    h, across = steps[-1], steps[-2]
    for k in range(low1, high1 + 1):
        first, last = high2 + 1, low2 - 1
        for point in points:
            away = (k * across - point[-2]) ** 2 + (0.0 if cloud.rank == 2 else (height - point[0]) ** 2)
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
