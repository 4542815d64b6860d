"""Tensor trapezoidal sums in machine numbers, with a proven bound of their rounding.

What belongs here: numpy code made of correctly rounded operations, and the bound. What does not: the
remainder and truncation of the sum (`space`), the choice of the grid (`space_grid`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import flint
import numpy as np
import numpy.typing as npt

from numerics.arithmetic import balls, to_ball
from numerics.cores import Functional
from numerics.space_grid import Cloud, Plan

__all__ = ["from_machine", "machine_integral", "rounding_bound"]

Array = npt.NDArray[np.float64]

_UNIT = 2.0**-53
_CELLS = 1 << 16


def from_machine(cloud: Cloud, t: flint.arb, rounding: float) -> flint.arb:
    """The rounding error, underflow, and what rounding t itself costs: |dM/dt|, |dC/dt|, |dI/dt| <= V."""
    return flint.arb(rounding) + to_ball(cloud.variance) * t * flint.arb(2) ** -51 + flint.arb(2) ** -900


def rounding_bound(cloud: Cloud, t: float, functional: Functional, grid: Plan) -> float:
    """An upper bound of the rounding error of `machine_integral`.

    With u = 2^-53 and K atoms: the p_i carry at most (r + 4) u of relative error, a sum over atoms K u,
    a row of n nodes n u, and rows are added exactly. For mmse and covariance moment: relative errors of a
    sum of non-negative terms, g in all. The deviations x_i - m are wrong by at most c u, c = K + r + 10,
    from the rounding of the atoms and of the mean, which changes p Cov by at most
    p (2 c u sqrt(Cov) + (c u)^2), in the mean at most 2 c u sqrt(M) + (c u)^2. For |Cov|^2 the entries are
    wrong by as much, and tr Cov <= 1/2 for atoms of diameter 1, so that r times the same bound serves.

    For the information: p L with L = log p + |z|^2/2 is wrong by at most p times (K + r + 6) u (1 + |L|)
    from p, 5 u (|log p| + 1) from `_log`, 6 u |z|^2/2 and 4 u |L|. As x log x >= -1/e, the sum of p |L| is
    at most that of p L and 2/e: tV/2 + 3/4; that of p |z|^2 is r + tV, and |log p| <= |L| + |z|^2/2.
    """
    count, r = len(cloud.weights), cloud.rank
    row = max(high - low + 1 for low, high in grid.ranges)
    variance = float(cloud.variance)
    if functional == "mutual_information":
        logs, square = t * variance / 2 + 0.75, (r + t * variance) / 2
        parts = (count + r + 6) * (1 + logs) + 5 * (logs + square + 1) + 6 * square + (4 + row) * logs
        return 1.3 * _UNIT * (parts + t * variance)
    mmse = variance / (1 + t * variance / r)
    g, shift = (count + 2 * r + 16 + row) * _UNIT, (count + r + 10) * _UNIT
    bound = 1.3 * (g * mmse + 2 * shift * math.sqrt(mmse) + shift**2)
    return bound if functional == "mmse" else r * bound


def machine_integral(cloud: Cloud, t: float, functional: Functional, grid: Plan) -> float:
    """The tensor trapezoidal sum in machine numbers.

    Everything but the one-dimensional tables, which are rounded from balls, is a sum, product or quotient;
    nodes further than the reach from every atom are left out in whole blocks.
    """
    r, steps = cloud.rank, [h.ball() for h in grid.h]
    with balls(96).precision():
        s = flint.arb(t).sqrt()
        points = cloud.points(96)
        tables = [
            np.array([[_normal(h * k - s * b[j]) for k in range(low, high + 1)] for b in points])
            for j, (h, (low, high)) in enumerate(zip(steps, grid.ranges, strict=True))
        ]
        volume = flint.arb(1)
        for h in steps:
            volume *= h / (2 * flint.arb.pi()).sqrt()
        centres = np.array([[float((s * x).mid()) for x in b] for b in points])
    atoms = np.array([[float(x.mid()) for x in b] for b in points])
    weights = np.array([float(w) for w in cloud.weights])
    nodes = [
        float(h) * np.arange(low, high + 1) for h, (low, high) in zip(grid.h, grid.ranges, strict=True)
    ]
    squares = [axis**2 / 2 for axis in nodes]
    size = max(1, _CELLS // (len(atoms) * len(squares[-1])))
    rows: list[float] = []
    for k in range(1 if r == 2 else len(nodes[0])):
        factor, height, rest = weights, 0.0, np.full(len(atoms), grid.reach**2)
        if r == 3:
            factor, height = weights * tables[0][:, k], squares[0][k]
            rest = rest - (nodes[0][k] - centres[:, 0]) ** 2
        near = _near_blocks(nodes[-2], nodes[-1], centres[:, -2:], rest, size)
        for first, last, low, high in near:
            joint = (factor[:, None] * tables[-2][:, first:last])[:, :, None] * tables[-1][
                :, None, low:high
            ]
            if functional == "mutual_information":
                half = height + squares[-2][first:last, None] + squares[-1][low:high]
                rows.extend(_log_rows(joint.sum(axis=0), half).tolist())
            else:
                rows.extend(_covariance_rows(functional, atoms, joint).tolist())
    total = math.fsum(rows) * float(volume.mid())
    return t * float(cloud.variance) / 2 - total if functional == "mutual_information" else total


def _near_blocks(
    rows: Any, columns: Any, centres: Any, rest: Any, size: int
) -> Iterator[tuple[int, int, int, int]]:
    """Blocks of rows of a plane with the range of columns that are within reach of an atom.

    `rest` is what the squared distance in the plane may be, for each atom; a margin is added, since
    taking more nodes is always allowed.
    """
    for first in range(0, len(rows), size):
        block = rows[first : first + size]
        away = np.maximum(np.maximum(block[0] - centres[:, 0], centres[:, 0] - block[-1]), 0.0)
        left = rest * (1 + 1e-9) + 1e-9 - away**2
        if (left > 0).any():
            width = np.sqrt(np.maximum(left, 0.0))
            low = np.searchsorted(columns, (centres[:, 1] - width)[left > 0].min()) - 1
            high = np.searchsorted(columns, (centres[:, 1] + width)[left > 0].max()) + 1
            yield first, first + len(block), max(int(low), 0), min(int(high), len(columns))


def _normal(x: flint.arb) -> float:
    return float((-x * x / 2).exp().mid())


def _log_rows(density: Array, half_square: Array) -> Array:
    """p log(p/phi) summed along the rows of a plane. Nodes where p underflows to 0 count 0."""
    kept = density > 1e-290
    ratio = _log(np.where(kept, density, 1.0)) + half_square
    return np.asarray(np.where(kept, density * ratio, 0.0).sum(axis=1))


def _log(x: Array) -> Array:
    """log of positive numbers to 5 u (|log x| + 1), by operations that are correctly rounded.

    x = 2^e m with m in [sqrt(1/2), sqrt(2)], log m = 2 artanh z with z = (m - 1)/(m + 1), |z| <= 0.1716,
    where m - 1 is exact. z is good to 2 u, the sum over odd powers up to z^21 to 6 u relative and 0.1 u
    (truncation), |log m| <= 0.35; e log 2 is good to 2 u, and |e log 2| <= |log x| + 0.35.
    """
    mantissa, exponent = np.frexp(x)
    small = mantissa < math.sqrt(0.5)
    mantissa = np.where(small, 2 * mantissa, mantissa)
    z = (mantissa - 1) / (mantissa + 1)
    square = z * z
    series = np.full_like(x, 2 / 21)
    for n in range(19, 0, -2):
        series = series * square + 2 / n
    return np.asarray((exponent - small) * math.log(2) + z * series)


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
