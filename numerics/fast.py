"""The fast engine: the same functionals in machine numbers, vectorised over signal-to-noise ratios.

What belongs here: numpy code and its error estimate. Nothing here proves anything; `certified` does.

The law is that of the core's coordinates, in [0, 1]; t is in those units. Spacing and range come from
the strip bound at machine precision. The sums are of positive terms, so that small values keep their
relative accuracy.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from numerics.certified import Functional, Law, cuts_of, log_of, split, window_of
from numerics.quadrature import spacing
from numerics.truth import PrecisionError

__all__ = ["ABSOLUTE_ERROR", "CANCELLATION", "RELATIVE_ERROR", "evaluate", "information_is_weak"]

Array = npt.NDArray[np.float64]

RELATIVE_ERROR = 2e-13
"""The stated relative error of a value; a test holds it to account."""

ABSOLUTE_ERROR = 1e-22
"""The stated absolute error, relative to the functional's scale; it matters for tails only."""

CANCELLATION = 4e-15
"""The stated error of an entropy minus a mean posterior entropy, relative to that entropy."""

_DECAY = {"mmse": 34.0, "mutual_information": 40.0, "covariance_moment": 34.0}
_REACH = 8.8
_MOST_CELLS = 1 << 15
_MANY_NODES = 1 << 14
_MOST_NODES = 1 << 22
_CLUSTER_LOG = -55.0
_WEAK_SPREAD = 30.0


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
        decay = _DECAY[functional]
        narrow = window_of(law, (widest / float(law.span)) ** 2, decay)
        power = 3 if functional == "covariance_moment" else 1
        h = float(spacing(decay, widest if narrow is None else narrow, power))
        reach = _REACH + _excess(law, widest, functional)
        nodes = (widest + 2 * reach) / h + 1
        if nodes > _MANY_NODES:
            for i in group:
                result[i] = _wide(law, float(t[i]), functional, h, reach, nodes)
            continue
        size = max(1, int(_MOST_CELLS / (nodes * len(law.atoms))))
        for first in range(0, len(group), size):
            part = group[first : first + size]
            result[part] = _batch(law, t[part], functional, h, reach, math.ceil(nodes))
    return result


def _excess(law: Law, spread: float, functional: Functional) -> float:
    """How far beyond the atoms the integrand p Cov^2 reaches where weights are uneven.

    For a weight w at a scaled distance x beyond the rest it is like w^2 phi(z - 2 x), until the
    posterior turns to that atom, at z = x/2 + log(1/w)/x: so it reaches min(x, log(1/w)/x - x/2) beyond
    it, which is largest where the two are equal.
    """
    if functional != "covariance_moment" or not spread:
        return 0.0
    return min(spread, math.sqrt(-log_of(law.least_weight) / 1.5))


def _wide(law: Law, t: float, functional: Functional, h: float, reach: float, nodes: float) -> float:
    """One value at a large spread: from the clusters where there are gaps, else by brute force."""
    size = {"mmse": 1, "mutual_information": 0, "covariance_moment": 2}[functional]
    cuts = cuts_of(law, t, _CLUSTER_LOG + size * log_of(law.variance))
    if cuts:
        total = 0.0
        for probability, piece, _, _ in split(law, cuts):
            weight = float(probability)
            if len(piece.atoms) > 1:
                total += weight * float(evaluate(piece, np.array([t]), functional)[0])
            if functional == "mutual_information":
                total -= weight * log_of(probability)
        return total
    if nodes > _MOST_NODES:
        raise PrecisionError(
            f"{functional}: at snr x diameter^2 = {t * float(law.span) ** 2:.6g} the fast engine takes"
            f" {nodes:.3g} nodes (limit {_MOST_NODES})"
        )
    return float(_batch(law, np.array([t]), functional, h, reach, math.ceil(nodes))[0])


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
