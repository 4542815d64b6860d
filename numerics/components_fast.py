"""The latent part in machine numbers: on a line by the plan of `components_strip`, in two and three
dimensions by tensor trapezoidal sums that are refined until two agree.

What belongs here: numpy code and its error estimate. Nothing here proves anything.

On a line spacing and windows are those of the strip bound at machine precision. Beyond it nothing bounds
the remainder: h is divided by 1.4 until two sums agree. Convergence is exponential in 1/h, so the error
of the last sum is about the relative difference to the power 1.4; ten times the power 1.3 is stated.
Relative to the noise the integrands are sum r_k |m_k - mean|^2 and sum w_k psi(r_k/w_k), psi(x) = x log x
- x + 1: positive terms, so that small values keep their relative accuracy.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from numerics.components_latent import LatentLaw
from numerics.components_plan import log_amplitude, machine_law, plan
from numerics.components_strip import Kind, Plan
from numerics.cores import log_of
from numerics.truth import PrecisionError

__all__ = ["ABSOLUTE_ERROR", "RELATIVE_ERROR", "fast_value", "fast_values"]

Array = npt.NDArray[np.float64]

RELATIVE_ERROR = 1e-12
"""The stated relative error on a line; a test holds it to account."""

ABSOLUTE_ERROR = 2e-14
"""The stated absolute error of I(Z;Y_t) in units of max(H(Z), 1), for several clusters or levels."""

SPATIAL_ERROR = {2: 1e-11, 3: 1e-9}
"""The relative error at which refinement stops, by dimension."""

_DECAY = 34.0
_LEAST_LOG = -200.0
_MOST_EXPONENTIALS = 1 << 28
_CHUNK = 1 << 14
_BUCKETS = 6
_SPATIAL_REACH = {2: 8.2, 3: 7.4}
_WEAK = 100.0
_HIDE_ABOVE = 300_000.0


@dataclass(frozen=True)
class _Cloud:
    """The law of (Z, R) at one snr in r dimensions; arrays with components first.

    Differences from the likeliest component, the reference, are carried without cancellation.
    """

    t: float
    w: Array
    log_w: Array
    mu: Array
    c: Array
    scale: Array
    """T_k = I + t Sigma_k."""
    precision: Array
    """P_k = T_k^-1."""
    shrunk: Array
    """I - P_k."""
    log_det: Array
    reference: int
    shift: Array
    """c_k - c_ref."""
    bend: Array
    """P_ref - P_k."""
    log_det_shift: Array
    """log det T_k - log det T_ref."""

    @property
    def tilted(self) -> bool:
        """Whether posterior means are measured from z/s: where the noise is the smaller part."""
        return bool(self.log_det.max() > math.log(2) * self.c.shape[1])


@lru_cache(maxsize=64)
def _numbers(law: LatentLaw) -> tuple[Array, Array, Array, Array, Array, int]:
    """log weights, means, covariances, and their exact differences from the likeliest component."""
    roots = np.array([math.sqrt(float(q)) for q in law.lengths])
    squares = np.outer(roots, roots)
    ref = max(range(len(law.weights)), key=lambda k: law.weights[k])
    mu, sigma = law.means, law.covariances
    means = np.array([[float(x) for x in point] for point in mu]) * roots
    steps = np.array([[float(x - y) for x, y in zip(point, mu[ref], strict=True)] for point in mu]) * roots
    wide = np.array([[[float(x) for x in row] for row in rows] for rows in sigma]) * squares
    change = np.array(
        [
            [
                [float(x - y) for x, y in zip(a, b, strict=True)]
                for a, b in zip(rows, sigma[ref], strict=True)
            ]
            for rows in sigma
        ]
    )
    return np.array([log_of(w) for w in law.weights]), means, wide, steps, change * squares, ref


def _cloud(law: LatentLaw, t: float) -> _Cloud:
    log_w, mu, sigma, steps, change, ref = _numbers(law)
    values, vectors = np.linalg.eigh(sigma)
    values = t * np.maximum(values, 0)
    back = np.swapaxes(vectors, 1, 2)
    precision = (vectors / (1 + values)[:, None, :]) @ back
    root = (vectors[ref] / np.sqrt(1 + values[ref])) @ back[ref]
    ratio = np.linalg.eigvalsh(root @ (t * change) @ root)
    return _Cloud(
        t,
        np.exp(log_w),
        log_w,
        mu,
        math.sqrt(t) * mu,
        (vectors * (1 + values)[:, None, :]) @ back,
        precision,
        (vectors * (values / (1 + values))[:, None, :]) @ back,
        np.log1p(values).sum(axis=1),
        ref,
        math.sqrt(t) * steps,
        precision @ (t * change) @ precision[ref],
        np.log1p(np.maximum(ratio, -1 + 1e-16)).sum(axis=1),
    )


def _sum_at(cloud: _Cloud, kind: Kind, z: Array, members: list[int], positive: bool) -> float:
    """The sum over nodes z, of shape (n, r), of the integrand for the members."""
    offset = z[None] - cloud.c[members][:, None, :]
    pulled = offset @ cloud.precision[members]
    likelihood = -(offset * pulled).sum(axis=2) / 2 - cloud.log_det[members][:, None] / 2
    logs = likelihood + cloud.log_w[members][:, None]
    top = logs.max(axis=0)
    posterior = np.exp(logs - top)
    total = posterior.sum(axis=0)
    density = np.exp(top - z.shape[1] / 2 * math.log(2 * math.pi)) * total
    posterior /= total
    ratio, weak = likelihood, np.zeros(len(z), dtype=bool)
    if cloud.reference in members:
        ratio = likelihood - likelihood[members.index(cloud.reference)]
        weak = ratio.max(axis=0) < _WEAK
    near = z[weak] - cloud.c[cloud.reference]
    linear = (cloud.shift[members][:, None, :] @ cloud.precision[members])[:, 0, :]
    curved = near @ cloud.bend[members]
    if kind == "mmse":
        if cloud.tilted:
            values = pulled / -math.sqrt(cloud.t)
        else:
            gain = cloud.shrunk[members] / math.sqrt(cloud.t)
            values = cloud.mu[members][:, None, :] + offset @ gain
        if weak.any():
            values[:, weak] = (linear[:, None, :] + curved) / math.sqrt(cloud.t)
        mean = (posterior[:, :, None] * values).sum(axis=0)
        scatter = (posterior * ((values - mean) ** 2).sum(axis=2)).sum(axis=0)
        return float(density @ scatter)
    if not positive:
        safe = np.where(posterior > 0, posterior, 1)
        return float(density @ (posterior * np.log(safe)).sum(axis=0))
    weights = cloud.w[members][:, None]
    excess = posterior / weights - 1
    if weak.any():
        level = (linear * cloud.shift[members]).sum(axis=1) + cloud.log_det_shift[members]
        tilt = (curved * near).sum(axis=2) / 2 + linear @ near.T - level[:, None] / 2
        tilt = np.expm1(np.where(np.abs(ratio[:, weak]) < 0.5, tilt, ratio[:, weak]))
        mean = (weights * tilt).sum(axis=0)
        excess[:, weak] = (tilt - mean) / (1 + mean)
    return float(density @ (weights * _psi(excess)).sum(axis=0))


def _psi(x: Array) -> Array:
    """(1 + x) log(1 + x) - x without cancellation."""
    series = np.zeros_like(x)
    small = np.clip(x, -0.1, 0.1)
    for n in range(16, 1, -1):
        series = series * -small + 1 / (n * (n - 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        direct = np.where(x > -1, (1 + x) * np.log1p(np.maximum(x, -1 + 1e-300)), 0) - x
    return np.where(np.abs(x) < 0.1, series * x * x, direct)


def fast_value(law: LatentLaw, kind: Kind, t: float) -> tuple[float, float]:
    """L(t) or I(Z;Y_t) and its error estimate; PrecisionError where it takes too many nodes."""
    if law.rank == 0 or (t == 0 and kind == "mutual_information"):
        return 0.0, 0.0
    if t == 0:
        value = float(law.latent_variance)
        return value, 1e-15 * value
    if law.rank == 1:
        return _on_line(law, kind, t)
    return _in_space(law, kind, t)


def fast_values(law: LatentLaw, kind: Kind, t: Array) -> tuple[Array, Array]:
    """`fast_value` at each snr: values and error estimates."""
    pairs = [fast_value(law, kind, float(x)) for x in t]
    return np.array([x for x, _ in pairs]), np.array([e for _, e in pairs])


# On a line


@lru_cache(maxsize=4096)
def _plan(law: LatentLaw, kind: Kind, bucket: int, log_tolerance: int) -> Plan:
    """The plan at the middle of a bucket of signal-to-noise ratios; its spacings are reduced a little."""
    return plan(machine_law(law, 2.0 ** (bucket / _BUCKETS)), kind, log_tolerance, _HIDE_ABOVE)


def _on_line(law: LatentLaw, kind: Kind, t: float) -> tuple[float, float]:
    unit = float(law.lengths[0])
    ratio = t * unit
    cloud = _cloud(law, t)
    log_unit = math.log(unit) if kind == "mmse" else 0.0
    amplitude = log_amplitude(machine_law(law, ratio), kind)
    tolerance = math.floor(amplitude - _DECAY)
    entropy = -float(cloud.w @ cloud.log_w)
    while True:
        chosen = _plan(law, kind, round(_BUCKETS * math.log2(ratio)), tolerance)
        if chosen.nodes > _MOST_EXPONENTIALS:
            raise PrecisionError(
                f"latent {kind}: at snr {t:.6g} the fast engine takes {chosen.nodes:.3g} exponentials"
                f" (limit {_MOST_EXPONENTIALS})"
            )
        whole = len(chosen.clusters) == len(chosen.pieces) == 1 and not chosen.pieces[0].outer
        total = 0.0
        for piece in chosen.pieces:
            h = 0.9375 * float(piece.h)  # dyadic, so that k h is exact
            before, every = list(piece.outer), [*piece.outer, *piece.inner]
            for z in _nodes(cloud, piece.inner, piece.reach, h):
                total += h * _sum_at(cloud, kind, z, every, whole)
                if len(before) > 1:
                    total -= h * _sum_at(cloud, kind, z, before, False)
        small = total / math.exp(log_unit)
        if kind == "mutual_information" and not whole:
            total = small = entropy + total
            small = max(small, ABSOLUTE_ERROR)
        if small <= 0 or math.log(small) - _DECAY + 4 > tolerance or tolerance < _LEAST_LOG:
            break
        tolerance = math.floor(max(math.log(small) - _DECAY, _LEAST_LOG - 1))
    error = RELATIVE_ERROR * abs(total) + math.exp(tolerance + log_unit + 2)
    if kind == "mutual_information" and not whole:
        error += ABSOLUTE_ERROR * max(entropy, 1.0)
    return total, error


def _nodes(cloud: _Cloud, inner: tuple[int, ...], reach: tuple[float, ...], h: float) -> Iterator[Array]:
    """The nodes in the windows of a piece, in chunks of shape (n, 1)."""
    centre = cloud.c[list(inner), 0]
    half = (np.array(reach) + 0.3) * np.sqrt(cloud.scale[list(inner), 0, 0])
    spans = sorted(zip(np.floor((centre - half) / h), np.ceil((centre + half) / h), strict=True))
    merged: list[list[float]] = []
    for low, high in spans:
        if merged and low <= merged[-1][1] + 1:
            merged[-1][1] = max(high, merged[-1][1])
        else:
            merged.append([low, high])
    for low, high in merged:
        for first in range(0, int(high - low) + 1, _CHUNK):
            size = min(_CHUNK, int(high - low) + 1 - first)
            nodes: Array = h * (low + first + np.arange(size, dtype=float))
            yield nodes[:, None]


# In two and three dimensions


def _in_space(law: LatentLaw, kind: Kind, t: float) -> tuple[float, float]:
    cloud = _turned(_cloud(law, t))
    members = list(range(len(cloud.w)))
    diagonal = np.diagonal(cloud.scale, axis1=1, axis2=2)
    narrow = 1 / np.sqrt(np.diagonal(cloud.precision, axis1=1, axis2=2).max(axis=0))
    tail = SPATIAL_ERROR[law.rank] / 10
    half = _SPATIAL_REACH[law.rank] * np.sqrt(diagonal)
    low, high = (cloud.c - half).min(axis=0), (cloud.c + half).max(axis=0)
    previous, factor = math.nan, 0.8
    while True:
        h = factor * narrow
        counts = np.ceil((high - low) / h).astype(int) + 1
        if float(np.prod(counts.astype(float))) * len(members) > _MOST_EXPONENTIALS:
            raise PrecisionError(
                f"latent {kind}: at snr {t:.6g} in {law.rank} dimensions the fast engine takes more than"
                f" {_MOST_EXPONENTIALS} exponentials"
            )
        total = math.prod(float(x) for x in h) * math.fsum(
            _sum_at(cloud, kind, z, members, True) for z in _tensor(low, h, counts)
        )
        if total == 0:
            return 0.0, 0.0
        relative = 10 * (abs(total - previous) / abs(total)) ** 1.3
        if relative <= SPATIAL_ERROR[law.rank]:
            return total, (relative + tail) * abs(total)
        previous, factor = total, factor / 1.4


def _turned(cloud: _Cloud) -> _Cloud:
    """The same law in axes along which the average covariance is diagonal."""
    _, axes = np.linalg.eigh(np.einsum("k,kij->ij", cloud.w, cloud.scale))
    return replace(
        cloud,
        mu=cloud.mu @ axes,
        c=cloud.c @ axes,
        scale=axes.T @ cloud.scale @ axes,
        precision=axes.T @ cloud.precision @ axes,
        shrunk=axes.T @ cloud.shrunk @ axes,
        shift=cloud.shift @ axes,
        bend=axes.T @ cloud.bend @ axes,
    )


def _tensor(low: Array, h: Array, counts: npt.NDArray[np.int64]) -> Iterator[Array]:
    """The nodes of a tensor grid in chunks of shape (n, r)."""
    shape = tuple(int(count) for count in counts)
    for first in range(0, math.prod(shape), _CHUNK):
        flat = np.arange(first, min(first + _CHUNK, math.prod(shape)))
        yield low + h * np.stack(np.unravel_index(flat, shape), axis=1)
