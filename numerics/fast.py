"""The fast engine: the same functionals in machine numbers, vectorised over signal-to-noise ratios.

What belongs here: numpy code and its error estimate. Nothing here proves anything; `certified` does.

The law is that of the core's coordinates, in units of its diameter. Spacing and range come from the
strip bound at machine precision. On a line the sums are of positive terms, so that small values keep
their relative accuracy; in two and three dimensions the error is relative to the functional's scale.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from numerics import orthogonal_fast, space
from numerics.clusters import clusters_of, least_gap_squared
from numerics.cores import POWERS, Core, Functional, PointCore, log_of
from numerics.line import Law, law_of, window_of
from numerics.quadrature import spacing
from numerics.structured import OrthogonalCore, ProductCore
from numerics.truth import PrecisionError, SpanError

__all__ = ["ABSOLUTE_ERROR", "RELATIVE_ERROR", "error_of", "tails", "values"]

Array = npt.NDArray[np.float64]

RELATIVE_ERROR = 2e-13
"""The stated relative error of a value; a test holds it to account."""

ABSOLUTE_ERROR = 1e-22
"""The stated absolute error on a line and for orthogonal atoms, relative to the functional's scale; it
matters for tails only."""

SPATIAL_ERROR = 1e-13
"""The stated error in two and three dimensions, relative to the functional's scale."""

_DECAY = {"mmse": 34.0, "mutual_information": 40.0, "covariance_moment": 34.0}
_REACH = 8.8
_MOST_CELLS = 1 << 15
_MANY_NODES = 1 << 14
_MOST_NODES = 1 << 22
_MOST_SPATIAL_NODES = 1 << 26
_CLUSTER_LOG = -55.0
_WEAK_SPREAD = 20.0


def values(core: Core, functional: Functional, t: Array) -> Array:
    """The functional at each signal-to-noise ratio; t has shape (n,), and so has the result.

    Raises SpanError for a span of more than three dimensions, PrecisionError where a value takes more
    than four million nodes (on a line; 67 million in two and three dimensions).
    """
    result = np.zeros(len(t))
    if core.rank == 0 or not len(t):
        return result
    if isinstance(core, ProductCore):
        return core.copies * values(core.factor, functional, t)
    if isinstance(core, OrthogonalCore):
        return orthogonal_fast.values(core, functional, t)
    if not isinstance(core, PointCore):
        raise TypeError(f"no engine for {core!r}")
    unit = float(core.diameter_squared)
    scaled = np.asarray(t, dtype=float) * unit
    if core.rank == 1:
        _on_line(core, functional, scaled, result)
    elif core.rank <= 3:
        for i, ratio in enumerate(scaled):
            result[i] = _in_space(core, functional, float(ratio))
    else:
        raise SpanError(f"means: they span {core.rank} dimensions; quadrature covers up to 3")
    return result * unit ** POWERS[functional]


def error_of(core: Core, value: float, log_scale: float) -> float:
    """The stated error of a fast value of a functional with the given log of its scale."""
    if core.rank == 0:
        return 0.0
    factor = core.factor if isinstance(core, ProductCore) else core
    spatial = isinstance(factor, PointCore) and factor.rank > 1
    absolute = SPATIAL_ERROR if spatial else ABSOLUTE_ERROR
    return RELATIVE_ERROR * abs(value) + absolute * math.exp(log_scale)


def tails(core: Core, t: Array) -> Array:
    """The stated absolute error of the mmse at each t; on a line and for orthogonal atoms it matters in
    tails only."""
    if core.rank == 0:
        return np.zeros(len(t))
    if isinstance(core, ProductCore):
        return core.copies * tails(core.factor, t)
    variance = float(core.variance)
    if isinstance(core, PointCore) and core.rank > 1:
        return np.full(len(t), SPATIAL_ERROR * variance)
    if not isinstance(core, PointCore):
        separated = core.rank * np.exp(-t * float(core.length_squared) / 8)
        return np.asarray(variance * np.minimum(separated, ABSOLUTE_ERROR))
    gap = float(core.diameter_squared) * least_gap_squared(core)
    return len(core.weights) * variance * np.minimum(np.exp(-t * gap / 8), ABSOLUTE_ERROR)


def _on_line(core: PointCore, functional: Functional, t: Array, result: Array) -> None:
    law = law_of(core)
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
    return float(_batch(law_of(core), np.array([t]), functional, h, reach, math.ceil(nodes))[0])


def _within(functional: Functional, t: float, nodes: float, limit: int) -> None:
    if nodes > limit:
        raise PrecisionError(
            f"{functional}: at snr x diameter^2 = {t:.6g} the fast engine takes {nodes:.3g} nodes"
            f" (limit {limit})"
        )


def _from_clusters(core: PointCore, t: float, functional: Functional) -> float | None:
    clusters = clusters_of(core, t, _CLUSTER_LOG)
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
    cloud = space.cloud_of(core)
    grid = space.plan(cloud, t, functional, _DECAY[functional])
    _within(functional, t, grid.nodes, _MOST_SPATIAL_NODES)
    return space.machine_integral(cloud, t, functional, grid)


def _excess(law: Law, spread: float, functional: Functional) -> float:
    """How far beyond the atoms the integrand p Cov^2 reaches where weights are uneven.

    For a weight w at distance D from the rest it is like w^2 phi(z - 2 s D), until the posterior turns
    to that atom, at z = s D/2 + log(1/w)/(s D).
    """
    if functional != "covariance_moment" or not spread:
        return 0.0
    return max(0.0, min(spread, -log_of(law.least_weight) / spread - spread / 2))


def _batch(law: Law, t: Array, functional: Functional, h: float, reach: float, nodes: int) -> Array:
    """The trapezoidal sums for one spacing; arrays of shape (snr, atom, node)."""
    log_weights = np.array([log_of(w) for w in law.weights])[:, None]
    atoms = np.array([float(b) for b in law.atoms])
    s = np.sqrt(t)[:, None]
    z = s * atoms[0] - reach + h * np.arange(nodes)
    exponents = z[:, None, :] - (s * atoms)[:, :, None]
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
    mean = atoms @ posterior
    np.subtract(atoms[:, None], mean[:, None, :], out=exponents)
    exponents *= exponents
    covariance = np.einsum("ijk,ijk->ik", posterior, exponents)
    if functional == "covariance_moment":
        covariance *= covariance
    return np.asarray(np.einsum("ik,ik->i", density, covariance))


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
    weak = (t * variance < 0.5 * entropy) & (np.sqrt(t) * float(law.span) < _WEAK_SPREAD)
    if weak.any():
        atoms = np.array([float(b) for b in law.atoms])[:, None]
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
