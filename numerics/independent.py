"""The independent engine: the same functionals in mpmath, by formulas and a quadrature of its own.

What belongs here: nothing shared with the certified engine - centred sums instead of moments,
densities instead of geometric progressions, a fixed-step rule whose step is halved until two sums
agree instead of a remainder bound. It serves as a second route to every number.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import mpmath

from numerics import orthogonal_mpmath, whole_engines
from numerics.arithmetic import mpmath_numbers
from numerics.cores import POWERS, Core, Functional, PointCore
from numerics.structured import OrthogonalCore, ProductCore
from numerics.truth import PrecisionError, SpanError
from numerics.whole import WholeCore

__all__ = ["value"]

MOST_NODES = 400_000


def value(core: Core, functional: Functional, t: Any, digits: int, tolerance: Any = 0) -> tuple[Any, Any]:
    """The functional at t, and the difference of the last two sums plus what both leave out, as mpf.

    The step is halved until two sums agree to 10^-digits relative, or to `tolerance` absolute.
    Raises PrecisionError beyond `MOST_NODES` nodes.
    """
    if core.rank == 0:
        return mpmath.mpf(0), mpmath.mpf(0)
    if isinstance(core, ProductCore):
        share, error = value(core.factor, functional, t, digits, tolerance / core.copies)
        with mpmath_numbers(2 * digits + 15).precision():
            return core.copies * share, core.copies * error
    if isinstance(core, OrthogonalCore):
        return orthogonal_mpmath.value(core, functional, t, digits, tolerance)
    if isinstance(core, WholeCore):
        with mpmath_numbers(2 * digits + 15).precision():
            return whole_engines.independent_value(
                core, functional, +mpmath.mpf(t), digits, tolerance, value
            )
    if not isinstance(core, PointCore):
        raise TypeError(f"no engine for {core!r}")
    if core.rank > 3:
        raise SpanError(f"means: they span {core.rank} dimensions; quadrature covers up to 3")
    arithmetic = mpmath_numbers(2 * digits + 15)
    with arithmetic.precision():
        unit = mpmath.sqrt(arithmetic.number(core.diameter_squared))
        scales = [unit * mpmath.sqrt(arithmetic.number(q)) for q in core.lengths]
        atoms = [
            [arithmetic.number(x) * scale for x, scale in zip(point, scales, strict=True)]
            for point in core.coordinates
        ]
        weights = [arithmetic.number(x) for x in core.weights]
        tolerance = mpmath.mpf(tolerance)
        t = +mpmath.mpf(t)
        if t == 0:
            at_zero = _INTEGRANDS[functional](weights, weights, atoms)
            return (mpmath.mpf(0) if functional == "mutual_information" else at_zero), mpmath.mpf(0)
        scale = unit ** (2 * POWERS[functional])
        small = mpmath.mpf(10) ** (-2 * digits) * arithmetic.number(core.variance) ** POWERS[functional]
        missing = _missing(weights, atoms, t) * scale
        if missing <= max(tolerance, small) / 4:
            entropy = -mpmath.fsum(x * mpmath.log(x) for x in weights)
            return entropy if functional == "mutual_information" else mpmath.mpf(0), missing
        rule = _halved_on_a_line if core.rank == 1 else _halved
        total, change = rule(weights, atoms, mpmath.sqrt(t), functional, digits, tolerance)
        return total, change + mpmath.mpf(10) ** (-2 * digits - 4) * scale


def _reach(digits: int) -> Any:
    """How far from an atom its density is above 10^(-2 digits - 5)."""
    return mpmath.sqrt(2 * mpmath.log(10) * (2 * digits + 5)) + 1


def _too_many(functional: Functional) -> PrecisionError:
    return PrecisionError(f"{functional}: the mpmath engine needs more than {MOST_NODES} nodes")


def _halved_on_a_line(
    w: list[Any], b: list[list[Any]], s: Any, functional: Functional, digits: int, tolerance: Any
) -> tuple[Any, Any]:
    """As `_halved`, for one axis: a halved grid keeps its old nodes, a node sees the atoms in reach."""
    reach, line = _reach(digits), [point[0] for point in b]
    low, high = s * min(line) - reach, s * max(line) + reach
    h = 1 / (1 + s * (max(line) - min(line)))
    integrand, centres = _INTEGRANDS[functional], [s * x for x in line]
    seen, far = [float(c) for c in centres], float(reach)

    def term(z: Any) -> Any:
        at = float(z)
        near = [i for i, c in enumerate(seen) if abs(at - c) <= far]
        joint = [w[i] * mpmath.npdf(z, centres[i]) for i in near]
        return integrand(joint, [w[i] for i in near], [b[i] for i in near])

    count = int(mpmath.ceil((high - low) / h)) + 1
    if 2 * count > MOST_NODES:
        raise _too_many(functional)
    total = h * mpmath.fsum(term(low + k * h) for k in range(count))
    while 2 * count <= MOST_NODES:
        fresh = h * mpmath.fsum(term(low + k * h + h / 2) for k in range(count))
        previous, total, h, count = total, (total + fresh) / 2, h / 2, 2 * count
        change = abs(total - previous)
        if change <= max(tolerance, abs(total) * mpmath.mpf(10) ** (-digits - 1)):
            return total, change
    raise _too_many(functional)


def _halved(
    w: list[Any], b: list[list[Any]], s: Any, functional: Functional, digits: int, tolerance: Any
) -> tuple[Any, Any]:
    """The sum over a grid whose spacing is halved until two sums agree, and their difference."""
    reach = _reach(digits)
    axes = list(zip(*b, strict=True))
    h = 1 / (1 + s * max(max(axis) - min(axis) for axis in axes))
    integrand = _INTEGRANDS[functional]
    previous = None
    while True:
        lows = [s * min(axis) - reach for axis in axes]
        counts = [
            int(mpmath.ceil((s * max(axis) + reach - low) / h)) + 1
            for axis, low in zip(axes, lows, strict=True)
        ]
        if math.prod(counts) > MOST_NODES:
            raise _too_many(functional)
        grids = [[low + k * h for k in range(n)] for low, n in zip(lows, counts, strict=True)]
        total = h ** len(axes) * _grid_sum(integrand, w, b, s, grids)
        if previous is not None:
            change = abs(total - previous)
            if change <= max(tolerance, abs(total) * mpmath.mpf(10) ** (-digits - 1)):
                return total, change
        previous, h = total, h / 2


def _grid_sum(integrand: Any, w: list[Any], b: list[list[Any]], s: Any, grids: list[list[Any]]) -> Any:
    """The integrand summed over a product grid; densities are products over the axes."""
    tables = [[[mpmath.npdf(z, s * point[j]) for point in b] for z in grid] for j, grid in enumerate(grids)]
    terms = []
    for lines in itertools.product(*tables):
        joint = list(w)
        for line in lines:
            joint = [p * x for p, x in zip(joint, line, strict=True)]
        terms.append(integrand(joint, w, b))
    return mpmath.fsum(terms)


def _squared(a: Sequence[Any], b: Sequence[Any]) -> Any:
    return mpmath.fsum((x - y) ** 2 for x, y in zip(a, b, strict=True))


def _missing(w: list[Any], b: list[list[Any]], t: Any) -> Any:
    """A bound on M(t), H - I(t) and C(t) for diameter 1 from the overlaps of pairs of atoms."""
    return 2 * mpmath.fsum(
        mpmath.sqrt(w[i] * w[j]) * mpmath.exp(-t * _squared(b[i], b[j]) / 8)
        for i in range(len(w))
        for j in range(i)
    )


def _mmse(p: list[Any], w: list[Any], b: list[list[Any]]) -> Any:
    """sum of p_i |a_i - m|^2 with the posterior mean m."""
    total = mpmath.fsum(p)
    if not total:
        return mpmath.mpf(0)
    mean = [mpmath.fdot(p, axis) / total for axis in zip(*b, strict=True)]
    return mpmath.fsum(x * _squared(point, mean) for x, point in zip(p, b, strict=True))


def _covariance_moment(p: list[Any], w: list[Any], b: list[list[Any]]) -> Any:
    """p |Cov|^2 with every entry of Cov from the centred atoms."""
    total = mpmath.fsum(p)
    if not total:
        return mpmath.mpf(0)
    mean = [mpmath.fdot(p, axis) / total for axis in zip(*b, strict=True)]
    centred = [[x - m for x, m in zip(point, mean, strict=True)] for point in b]
    entries = (
        mpmath.fsum(q * x[j] * x[k] for q, x in zip(p, centred, strict=True)) / total
        for j in range(len(mean))
        for k in range(len(mean))
    )
    return total * mpmath.fsum(entry**2 for entry in entries)


def _information(p: list[Any], w: list[Any], b: list[list[Any]]) -> Any:
    """sum of p_i log(posterior_i / w_i)."""
    total = mpmath.fsum(p)
    if not total:
        return mpmath.mpf(0)
    log_total = mpmath.log(total)
    return mpmath.fsum(x * (mpmath.log(x / y) - log_total) for x, y in zip(p, w, strict=True) if x)


_INTEGRANDS = {
    "mmse": _mmse,
    "mutual_information": _information,
    "covariance_moment": _covariance_moment,
}
