"""The fast engine: the same functionals in machine numbers, vectorised over signal-to-noise ratios.

What belongs here: numpy code and its error estimate. Nothing here proves anything; `certified` does.

The law is that of the core's coordinates, in [0, 1]; t is in those units. Spacing and range come from
the strip bound at machine precision. The sums are of positive terms, so that small values keep their
relative accuracy.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from numerics.certified import Functional, Law, cuts_of, log_of, split, window_of
from numerics.quadrature import spacing
from numerics.truth import PrecisionError

__all__ = ["ABSOLUTE_ERROR", "RELATIVE_ERROR", "evaluate"]

Array = npt.NDArray[np.float64]

RELATIVE_ERROR = 2e-13
"""The stated relative error of a value; a test holds it to account."""

ABSOLUTE_ERROR = 1e-22
"""The stated absolute error, relative to the functional's scale; it matters for tails only."""

_DECAY = 34.0
_REACH = 8.8
_MOST_CELLS = 1 << 15
_MANY_NODES = 1 << 14
_MOST_NODES = 1 << 22
_CLUSTER_LOG = -55.0
_WEAK_SPREAD = 20.0


def evaluate(law: Law, t: Array, functional: Functional) -> Array:
    """The functional at each signal-to-noise ratio; t has shape (n,), and so has the result.

    Raises PrecisionError where a value takes more than four million nodes.
    """
    result = np.empty(len(t))
    if not len(t):
        return result
    spread = np.sqrt(t) * float(law.span)
    keys = np.ceil(8 * np.log2(1 + spread))
    for key in np.unique(keys):
        group = np.flatnonzero(keys == key)
        widest = 2.0 ** (key / 8) - 1
        narrow = window_of(law, (widest / float(law.span)) ** 2, _DECAY)
        power = 3 if functional == "covariance_moment" else 1
        h = float(spacing(_DECAY, widest if narrow is None else narrow, power))
        nodes = (widest + 2 * _REACH) / h + 1
        if nodes > _MANY_NODES:
            for i in group:
                result[i] = _wide(law, float(t[i]), functional, h, nodes)
            continue
        size = max(1, int(_MOST_CELLS / (nodes * len(law.atoms))))
        for first in range(0, len(group), size):
            part = group[first : first + size]
            result[part] = _batch(law, t[part], functional, h, math.ceil(nodes))
    return result


def _wide(law: Law, t: float, functional: Functional, h: float, nodes: float) -> float:
    """One value at a large spread: from the clusters where there are gaps, else by brute force."""
    cuts = cuts_of(law, t, _CLUSTER_LOG)
    if cuts:
        total = 0.0
        for probability, piece, _, _ in split(law, cuts):
            weight = float(probability)
            if len(piece.atoms) > 1:
                total += weight * float(evaluate(piece, np.array([t]), functional)[0])
            if functional == "mutual_information" and weight:
                total -= weight * math.log(weight)
        return total
    if nodes > _MOST_NODES:
        raise PrecisionError(
            f"{functional}: at snr x diameter^2 = {t * float(law.span) ** 2:.6g} the fast engine takes"
            f" {nodes:.3g} nodes (limit {_MOST_NODES})"
        )
    return float(_batch(law, np.array([t]), functional, h, math.ceil(nodes))[0])


def _batch(law: Law, t: Array, functional: Functional, h: float, nodes: int) -> Array:
    """The trapezoidal sums for one spacing; arrays of shape (snr, atom, node)."""
    log_weights = np.array([log_of(w) for w in law.weights])[:, None]
    atoms = np.array([float(b) for b in law.atoms])
    s = np.sqrt(t)[:, None]
    z = s * atoms[0] - _REACH + h * np.arange(nodes)
    exponents = z[:, None, :] - (s * atoms)[:, :, None]
    exponents *= exponents
    exponents *= -0.5
    exponents += log_weights
    top = exponents.max(axis=1)
    exponents -= top[:, None, :]
    posterior = np.exp(exponents)
    total = posterior.sum(axis=1)
    posterior /= total[:, None, :]
    density = np.exp(top) * total * (h / math.sqrt(2 * math.pi))
    if functional == "mutual_information":
        exponents -= np.log(total)[:, None, :]
        lost = -np.einsum("ijk,ijk,ik->i", posterior, exponents, density)
        return _information(law, t, z, log_weights, atoms, lost, density)
    mean = atoms @ posterior
    np.subtract(atoms[:, None], mean[:, None, :], out=exponents)
    exponents *= exponents
    covariance = np.einsum("ijk,ijk->ik", posterior, exponents)
    if functional == "covariance_moment":
        covariance *= covariance
    return np.asarray(np.einsum("ik,ik->i", density, covariance))


def _information(
    law: Law, t: Array, z: Array, log_weights: Array, atoms: Array, lost: Array, density: Array
) -> Array:
    """H minus the mean posterior entropy `lost`; where the signal is weak (t/2) V - int p log(p/phi)."""
    variance = float(law.variance)
    entropy = -float((np.exp(log_weights) * log_weights).sum())
    result = entropy - lost
    weak = (t * variance < entropy) & (np.sqrt(t) * float(law.span) < _WEAK_SPREAD)
    if weak.any():
        s, b = np.sqrt(t[weak])[:, None, None], atoms[:, None]
        tilt = s * b * z[weak][:, None, :] - t[weak][:, None, None] * b**2 / 2
        mean_tilt = -t[weak][:, None] * variance / 2
        ratio = (np.exp(log_weights) * _exponential_remainder(tilt)).sum(axis=1) + mean_tilt
        result[weak] = t[weak] * variance / 2 - (density[weak] * np.log1p(ratio)).sum(axis=1)
    return result


def _exponential_remainder(x: Array) -> Array:
    """e^x - 1 - x without cancellation."""
    series = np.zeros_like(x)
    for n in range(14, 1, -1):
        series = (series + 1) * x / n
    return np.where(np.abs(x) < 0.5, series * x, np.expm1(x) - x)
