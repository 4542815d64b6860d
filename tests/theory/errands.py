"""Numbers for what a path leaves behind, by a route of their own: output, early stopping, quadrature.

What belongs here: plain float integration for `world`. What does not: tests.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import erfc, pi, sqrt

import numpy as np

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(24)


def _cdf(x: float) -> float:
    return erfc(-x / sqrt(2)) / 2


def quantile_cost(weights: Sequence[float], atoms: Sequence[float], snr: float) -> float:
    """W_2(law of A, law of Y_s/s)^2 on the line, by Gauss rules between the quantiles."""
    order = np.argsort(atoms)
    w, a = np.array(weights)[order], np.array(atoms)[order]
    width = 1 / sqrt(snr)
    cuts = [float(a[0]) - 12 * width]
    for level in np.cumsum(w)[:-1]:
        low, high = float(a[0]) - 12 * width, float(a[-1]) + 12 * width
        for _ in range(200):
            middle = (low + high) / 2
            below = sum(p * _cdf((middle - b) / width) for p, b in zip(w, a, strict=True))
            low, high = (middle, high) if below < level else (low, middle)
        cuts.append(low)
    cuts.append(float(a[-1]) + 12 * width)
    total = 0.0
    for atom, (left, right) in zip(a, pairwise(cuts), strict=True):
        panels = np.linspace(left, right, 2 + int((right - left) / width))
        for start, end in pairwise(panels):
            y = start + (end - start) * (_NODES + 1) / 2
            density = sum(p * np.exp(-(((y - b) / width) ** 2) / 2) for p, b in zip(w, a, strict=True)) / (
                width * sqrt(2 * pi)
            )
            total += (end - start) / 2 * float(_WEIGHTS @ (density * (y - atom) ** 2))
    return total


def trapezoid_errors(
    weights: Sequence[float], atoms: Sequence[float], snr: float, spacing: float, exact: dict[str, float]
) -> dict[str, float]:
    """|sum over the nodes k h - value| for M, C and I, `exact` the values, along sqrt(s)(A - EA) + N."""
    w = np.array(weights)
    b = np.array(atoms) - float(w @ np.array(atoms))
    reach = sqrt(snr) * float(abs(b).max()) + 14
    z = spacing * np.arange(-int(reach / spacing) - 1, int(reach / spacing) + 2)[:, None]
    phi = np.exp(-(z[:, 0] ** 2) / 2) / sqrt(2 * pi)
    parts = w * np.exp(sqrt(snr) * b * z - snr * b * b / 2)
    whole = parts.sum(axis=1)
    mean = parts @ b / whole
    spread = (parts * (b - mean[:, None]) ** 2).sum(axis=1)
    variance = float(w @ (b * b))
    sums = {
        "M": spacing * float(phi @ spread),
        "C": spacing * float(phi @ (spread**2 / whole)),
        "I": snr * variance / 2 - spacing * float(phi @ (whole * np.log(whole))),
    }
    return {key: abs(value - exact[key]) for key, value in sums.items()}


def output_distances(
    weights: Sequence[float],
    atoms: Sequence[float],
    knots: Sequence[float],
    ratios: Sequence[float],
    error: float,
    right: bool,
) -> dict[str, float]:
    """KL and total variation between Y_T and the last iterate, by kernels on a grid of the line.

    `ratios` are matched over used variances, `error` a constant error of the posterior mean, `right`
    whether the start has the law of Y_(t_0).
    """
    w, a = np.array(weights), np.array(atoms)
    smallest = min(float(y - x) for x, y in pairwise(knots))
    h = sqrt(min(smallest / max(ratios), knots[0] or smallest)) / 5
    last = knots[-1]
    reach = 10 * sqrt(last) + last * abs(error)
    y = np.arange(last * min(float(a.min()), 0) - reach, last * max(float(a.max()), 0) + reach, h)

    def law(t: float) -> np.ndarray:
        return sum(p * np.exp(-((y - t * x) ** 2) / (2 * t)) for p, x in zip(w, a, strict=True)) / sqrt(
            2 * pi * t
        )

    q = None
    if knots[0] > 0:
        q = law(knots[0]) if right else np.exp(-(y**2) / (2 * knots[0])) / sqrt(2 * pi * knots[0])
    for (t, following), rho in zip(pairwise(knots), ratios, strict=True):
        logs = np.log(w) + np.outer(y, a) - t * a * a / 2
        share = np.exp(logs - logs.max(axis=1, keepdims=True))
        mean = (share @ a) / share.sum(axis=1) + error
        # in the variable Y a step of variance delta/rho, and the matched drift
        delta = following - t
        if q is None:
            centre = delta * (float(w @ a) + error)
            q = np.exp(-((y - centre) ** 2) * rho / (2 * delta)) * sqrt(rho / (2 * pi * delta))
            continue
        images = y + delta * mean
        kernel = np.exp(-((y[:, None] - images[None, :]) ** 2) * rho / (2 * delta))
        q = h * sqrt(rho / (2 * pi * delta)) * (kernel @ q)
    p = law(last)
    inside = p > 1e-300
    kl = h * float(np.sum(p[inside] * np.log(p[inside] / np.maximum(q[inside], 1e-300))))
    return {"output_kl": kl, "output_tv": h / 2 * float(abs(p - q).sum())}
