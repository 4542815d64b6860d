"""The fast engine: the same functionals in machine numbers, vectorised over signal-to-noise ratios.

What belongs here: numpy code and its error estimate. Nothing here proves anything; `certified` does.

The law is that of the core's coordinates, in units of its diameter. Spacing and range come from the
strip bound at machine precision. On a line the sums are of positive terms, so that small values keep
their relative accuracy; in two and three dimensions the error is relative to the functional's scale.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from numerics import orthogonal_fast, whole_engines
from numerics.clusters import clusters_of, least_gap_squared
from numerics.cores import POWERS, Core, Functional, PointCore, log_of
from numerics.line import Law, law_of_core, window_of
from numerics.quadrature import spacing
from numerics.space_grid import cloud_of, plan
from numerics.space_machine import machine_integral
from numerics.structured import OrthogonalCore, ProductCore
from numerics.truth import PrecisionError, SpanError
from numerics.whole import WholeCore

__all__ = [
    "ABSOLUTE_ERROR",
    "CANCELLATION",
    "RELATIVE_ERROR",
    "cancellation",
    "error_of",
    "information_is_weak",
    "tails",
    "values",
]

Array = npt.NDArray[np.float64]

RELATIVE_ERROR = 2e-13
"""The stated relative error of a value; a test holds it to account."""

ABSOLUTE_ERROR = 1e-22
"""The stated absolute error on a line and for orthogonal atoms, relative to the functional's scale; it
matters for tails only."""

SPATIAL_ERROR = 1e-13
"""The stated error in two and three dimensions, relative to the functional's scale."""

CANCELLATION = 4e-15
"""The stated error of an entropy minus a mean posterior entropy, relative to that entropy."""

_DECAY = {"mmse": 34.0, "mutual_information": 40.0, "covariance_moment": 34.0}
_REACH = 8.8
_MOST_CELLS = 1 << 15
_MANY_NODES = 1 << 14
_MOST_NODES = 1 << 22
_MOST_SPATIAL_TERMS = 1 << 29
_CLUSTER_LOG = -55.0
_WEAK_SPREAD = 30.0


def values(core: Core, functional: Functional, t: Sequence[float] | Array) -> Array:
    """The functional at each signal-to-noise ratio; t has shape (n,), and so has the result.

    Raises SpanError for a span of more than three dimensions, PrecisionError where a value takes more
    than four million nodes (on a line; 5e8 nodes times atoms in two and three dimensions).
    """
    t = np.asarray(t, dtype=float)
    result = np.zeros(len(t))
    if core.rank == 0 or not len(t):
        return result
    if isinstance(core, ProductCore):
        return core.copies * values(core.factor, functional, t)
    if isinstance(core, OrthogonalCore):
        return orthogonal_fast.values(core, functional, t)
    if isinstance(core, WholeCore):
        return whole_engines.fast_values(core, functional, t, values)[0]
    if not isinstance(core, PointCore):
        raise TypeError(f"no engine for {core!r}")
    unit = float(core.diameter_squared)
    scaled = t * unit
    if core.rank == 1:
        _on_line(core, functional, scaled, result)
    elif core.rank <= 3:
        for i, ratio in enumerate(scaled):
            result[i] = _in_space(core, functional, float(ratio))
    else:
        raise SpanError(f"means: they span {core.rank} dimensions; quadrature covers up to 3")
    return result * unit ** POWERS[functional]


def error_of(core: Core, functional: Functional, t: float, value: float, log_scale: float) -> float:
    """The stated error of a fast value of a functional at t with the given log of its scale."""
    if core.rank == 0:
        return 0.0
    if isinstance(core, WholeCore):
        added = whole_engines.fast_values(core, functional, np.array([t]), values)[1]
        return RELATIVE_ERROR * abs(value) + float(added[0]) + float(cancellation(core, [t])[0])
    absolute = SPATIAL_ERROR if _is_spatial(core) else ABSOLUTE_ERROR
    error = RELATIVE_ERROR * abs(value) + absolute * math.exp(log_scale)
    if functional == "mutual_information":
        error += float(cancellation(core, [t])[0])
    return error


def cancellation(core: Core, t: Sequence[float] | Array) -> Array:
    """What a mutual information at each t may lose in a subtraction: from the entropy on a line, from
    (t/2) V in two and three dimensions."""
    t = np.asarray(t, dtype=float)
    if isinstance(core, ProductCore):
        return core.copies * cancellation(core.factor, t)
    if isinstance(core, WholeCore) and not core.is_general:
        return cancellation(core.target.core, t / (1 + t * float(core.target.variance)))
    if core.rank == 0 or not isinstance(core, PointCore):
        return np.zeros(len(t))
    if core.rank > 1:
        return CANCELLATION * t * float(core.variance)
    entropy = -math.fsum(float(w) * log_of(w) for w in core.weights)
    weak = information_is_weak(law_of_core(core), t * float(core.diameter_squared))
    return np.where(weak, 0.0, CANCELLATION * entropy)


def tails(core: Core, t: Sequence[float] | Array) -> Array:
    """The stated absolute error of the mmse at each t; on a line and for orthogonal atoms it matters in
    tails only.

    What is left out between clusters on a line is below e^{-t gap^2/8} V, and below `ABSOLUTE_ERROR` V.
    """
    t = np.asarray(t, dtype=float)
    if core.rank == 0:
        return np.zeros(len(t))
    if isinstance(core, ProductCore):
        return core.copies * tails(core.factor, t)
    if isinstance(core, WholeCore):
        _, errors = whole_engines.fast_values(core, "mmse", t, values)
        if core.is_general:
            return errors
        q = 1 + t * float(core.target.variance)
        return tails(core.target.core, t / q) / q**2 + errors
    variance = float(core.variance)
    if _is_spatial(core):
        return np.full(len(t), SPATIAL_ERROR * variance)
    if not isinstance(core, PointCore):
        separated = core.rank * np.exp(-t * float(core.length_squared) / 8)
        return np.asarray(variance * np.minimum(separated, ABSOLUTE_ERROR))
    gap = float(core.diameter_squared) * least_gap_squared(core)
    return len(core.weights) * variance * np.minimum(np.exp(-t * gap / 8), ABSOLUTE_ERROR)


def _is_spatial(core: Core) -> bool:
    factor = core.factor if isinstance(core, ProductCore) else core
    return isinstance(factor, PointCore) and factor.rank > 1


def _on_line(core: PointCore, functional: Functional, t: Array, result: Array) -> None:
    law = law_of_core(core)
    spread = np.sqrt(t) * float(law.span)
    keys = np.ceil(8 * np.log2(1 + spread))
    power = 3 if functional == "covariance_moment" else 1
    for key in np.unique(keys):
        group = np.flatnonzero(keys == key)
        widest = 2.0 ** (key / 8) - 1
        decay = _DECAY[functional]
        narrow = window_of(law, widest**2, decay)
        h = float(spacing(decay, widest if narrow is None else narrow, power))
        reach = _REACH + _excess(law, widest, functional)
        nodes = (widest + 2 * reach) / h + 1
        if nodes > _MANY_NODES:
            for i in group:
                result[i] = _wide(core, float(t[i]), functional, h, reach, nodes)
            continue
        size = max(1, int(_MOST_CELLS / (nodes * len(law.atoms))))
        for first in range(0, len(group), size):
            part = group[first : first + size]
            result[part] = _batch(law, t[part], functional, h, reach, math.ceil(nodes))


def _wide(core: PointCore, t: float, functional: Functional, h: float, reach: float, nodes: float) -> float:
    """One value at a large spread: from the clusters where there are gaps, else by brute force."""
    from_clusters = _from_clusters(core, t, functional)
    if from_clusters is not None:
        return from_clusters
    _within(functional, t, nodes, _MOST_NODES)
    return float(_batch(law_of_core(core), np.array([t]), functional, h, reach, math.ceil(nodes))[0])


def _within(functional: Functional, t: float, nodes: float, limit: int) -> None:
    if nodes > limit:
        raise PrecisionError(
            f"{functional}: at snr x diameter^2 = {t:.6g} the fast engine takes {nodes:.3g} nodes"
            f" (limit {limit})"
        )


def _from_clusters(core: PointCore, t: float, functional: Functional) -> float | None:
    relative = POWERS[functional] * log_of(core.variance / core.diameter_squared)
    clusters = clusters_of(core, t, _CLUSTER_LOG + relative)
    if clusters is None:
        return None
    total = 0.0
    for probability, piece in zip(clusters.probabilities, clusters.pieces, strict=True):
        weight = float(probability)
        total += weight * float(values(piece, functional, np.array([t]))[0])
        if functional == "mutual_information":
            total -= weight * log_of(probability)
    return total


def _in_space(core: PointCore, functional: Functional, t: float) -> float:
    from_clusters = _from_clusters(core, t, functional)
    if from_clusters is not None:
        return from_clusters
    cloud = cloud_of(core)
    grid = plan(cloud, t, functional, _DECAY[functional])
    _within(functional, t, grid.nodes, _MOST_SPATIAL_TERMS // len(core.weights))
    return machine_integral(cloud, t, functional, grid)


def _excess(law: Law, spread: float, functional: Functional) -> float:
    """How far beyond the atoms the integrand p Cov^2 reaches where weights are uneven.

    For a weight w at a scaled distance x beyond the rest it is like w^2 phi(z - 2 x), until the
    posterior turns to that atom, at z = x/2 + log(1/w)/x: so it reaches min(x, log(1/w)/x - x/2) beyond
    it, which is largest where the two are equal.
    """
    if functional != "covariance_moment" or not spread:
        return 0.0
    return min(spread, math.sqrt(-log_of(law.least_weight) / 1.5))


@lru_cache(maxsize=1024)
def _arrays(law: Law) -> tuple[Array, Array, Array]:
    """The logarithms of the weights, the atoms, and what is lost in rounding these; each (atom, 1)."""
    log_weights = np.array([log_of(w) for w in law.weights])
    atoms = np.array([float(b) for b in law.atoms])
    lost = np.array([float(b - Fraction(x)) for b, x in zip(law.atoms, atoms.tolist(), strict=True)])
    return log_weights[:, None], atoms[:, None], lost[:, None]


def _batch(law: Law, t: Array, functional: Functional, h: float, reach: float, nodes: int) -> Array:
    """The trapezoidal sums for one spacing; arrays of shape (snr, atom, node)."""
    log_weights, atoms, lost = _arrays(law)
    s = np.sqrt(t)[:, None]
    z = s * atoms[0] - reach + h * np.arange(nodes)
    exponents = z[:, None, :] - s[:, None] * atoms
    exponents *= exponents
    exponents *= -0.5
    exponents += log_weights
    top = exponents.max(axis=1)
    exponents -= top[:, None, :]
    posterior = np.exp(exponents)
    scale = np.exp(top) * (h / math.sqrt(2 * math.pi))
    if functional == "mutual_information":
        return _information(law, t, z, exponents, posterior, scale)
    total = posterior.sum(axis=1)
    posterior /= total[:, None, :]
    density = scale * total
    mean = atoms[:, 0] @ posterior
    np.subtract(atoms, mean[:, None, :], out=exponents)
    exponents += lost
    exponents *= exponents
    covariance = np.einsum("ijk,ijk->ik", posterior, exponents)
    if functional == "covariance_moment":
        covariance *= covariance
    return np.asarray(np.einsum("ik,ik->i", density, covariance))


def information_is_weak(law: Law, t: Array) -> npt.NDArray[np.bool_]:
    """Where the mutual information is taken without subtraction from the entropy."""
    entropy = -math.fsum(float(w) * log_of(w) for w in law.weights)
    small: npt.NDArray[np.bool_] = t * float(law.variance) < 0.5 * entropy
    return small & (np.sqrt(t) * float(law.span) < _WEAK_SPREAD)


def _information(law: Law, t: Array, z: Array, exponents: Array, likelihood: Array, scale: Array) -> Array:
    """H minus the mean posterior entropy; where the signal is weak (t/2) V - int p log(p/phi).

    `likelihood` is relative to the likeliest atom, whose 1 is left out of sums that 1 would drown.
    """
    weights = np.array([float(w) for w in law.weights])[:, None]
    entropy = -math.fsum(float(w) * log_of(w) for w in law.weights)
    likeliest = exponents.argmax(axis=1)[:, None, :]
    np.put_along_axis(likelihood, likeliest, 0.0, axis=1)
    rest = likelihood.sum(axis=1)
    lost = (1 + rest) * np.log1p(rest) - np.einsum("ijk,ijk->ik", likelihood, exponents)
    result: Array = entropy - np.einsum("ik,ik->i", scale, lost)
    variance = float(law.variance)
    weak = information_is_weak(law, t)
    if weak.any():
        atoms = _arrays(law)[1]
        s = np.sqrt(t[weak])[:, None, None]
        tilt = s * atoms * z[weak][:, None, :] - t[weak][:, None, None] * atoms**2 / 2
        mean_tilt = -t[weak][:, None] * variance / 2
        ratio = (weights * _exponential_remainder(tilt)).sum(axis=1) + mean_tilt
        density = (scale * (1 + rest))[weak]
        result[weak] = t[weak] * variance / 2 - (density * np.log1p(ratio)).sum(axis=1)
    return result


def _exponential_remainder(x: Array) -> Array:
    """e^x - 1 - x without cancellation."""
    series = np.zeros_like(x)
    for n in range(14, 1, -1):
        series = (series + 1) * x / n
    return np.where(np.abs(x) < 0.5, series * x, np.expm1(x) - x)
