"""The covariance moment of a core between two signal-to-noise ratios, sampled once and then cheap.

What belongs here: a piecewise Chebyshev interpolant of log C in machine numbers, and integrals against
it. What does not: schedules (`best`), and any claim of proof.

Units: tau = (t - start) V and c = C / V^2, so that the path KL (1/2) int C(s) (next(s) - s) ds is the
same integral of c over tau. The interpolation variable is x = log(1 + tau / (1 + start V)). Since c is
interpolated as exp of a polynomial, small values keep their relative accuracy, and every integral below
is a sum of positive terms: nothing cancels however short the steps are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import flint
import numpy as np
import numpy.typing as npt

from numerics import certified, fast
from numerics.cores import POWERS, Functional, log_of
from numerics.truth import PrecisionError

__all__ = ["Curve", "curve_of"]

Array = npt.NDArray[np.float64]

_DEGREE = 23
_TOLERANCE = 4e-14
_NOISE = 1e-8
_MOST_PIECES = 256
_RELIABLE = 1e-19
"""Below this share of its scale a fast value is checked against a certified one."""

_AGREES = 1e-12

_VARIANCES = (-142, 150)
"""V lies between these powers of ten: nothing above 1e-19 V^2, where certified values begin, underflows."""

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(20)
_NODES, _WEIGHTS = (_NODES + 1) / 2, _WEIGHTS / 2


@dataclass(frozen=True, eq=False)
class Curve:
    """c(tau) on 0 <= tau <= end, taken as zero on end < tau <= width."""

    width: float
    """(stop - start) V."""
    scale: float
    """1 / (1 + start V)."""
    edges: Array
    """Ends of the pieces in x, shape (p + 1,)."""
    coefficients: Array
    """Chebyshev coefficients of log c on each piece, shape (degree + 1, p)."""
    slopes: Array
    """Those of the derivative by x, shape (degree, p)."""
    error: float
    """The estimated relative error of c: the last coefficients."""
    left_out: float
    """At least int c from end to width."""

    @property
    def end(self) -> float:
        """Beyond this tau what is left of C matters for no schedule that is asked for."""
        return min(self.width, math.expm1(float(self.edges[-1])) / self.scale)

    def log_value(self, tau: Array) -> Array:
        """log c at each tau in [0, end]."""
        return self._series(self.coefficients, np.log1p(tau * self.scale))

    def log_slope(self, tau: Array) -> Array:
        """d log c / d tau at each tau in [0, end]."""
        slopes = self._series(self.slopes, np.log1p(tau * self.scale))
        return np.asarray(slopes * self.scale / (1 + tau * self.scale))

    def _series(self, coefficients: Array, x: Array) -> Array:
        piece = np.clip(np.searchsorted(self.edges, x, side="right") - 1, 0, len(self.edges) - 2)
        low, high = self.edges[piece], self.edges[piece + 1]
        y = (2 * x - low - high) / (high - low)
        b1, b2 = np.zeros_like(x), np.zeros_like(x)
        for row in coefficients[:0:-1]:
            b1, b2 = row[piece] + 2 * y * b1 - b2, b1
        return np.asarray(coefficients[0][piece] + y * b1 - b2)

    def steps(self, knots: Array) -> tuple[Array, Array]:
        """For increasing knots in [0, width] the integrals of c over every step, and their path KLs.

        The latter is (1/2) int c(s) (b - s) ds over the step from a to b. Shapes (n,), (n,).
        """
        inner = np.expm1(self.edges[1:-1]) / self.scale
        inner = inner[(inner > knots[0]) & (inner < min(self.end, knots[-1]))]
        cut = np.minimum(np.unique(np.concatenate([knots, inner])), self.end)
        left, length = cut[:-1], np.diff(cut)
        step = np.searchsorted(knots, left, side="right") - 1
        nodes = left[:, None] + length[:, None] * _NODES
        mass = np.exp(self.log_value(nodes.ravel())).reshape(nodes.shape) * (length[:, None] * _WEIGHTS)
        ahead = knots[np.minimum(step + 1, len(knots) - 1)][:, None] - nodes
        n = len(knots) - 1
        step = np.minimum(step, n - 1)
        integral = np.bincount(step, mass.sum(axis=1), n).astype(float)
        error = np.bincount(step, (mass * ahead).sum(axis=1), n).astype(float)
        return integral, error / 2

    def root_integral(self) -> tuple[float, float]:
        """int sqrt(c) dtau, which is int sqrt(C) dt, up to the end, and a bound on the rest.

        By Cauchy and Schwarz the rest is at most the root of (width - end) int c.
        """
        points = np.expm1(self.edges) / self.scale
        nodes = points[:-1, None] + np.diff(points)[:, None] * _NODES
        values = np.exp(self.log_value(nodes.ravel()) / 2).reshape(nodes.shape)
        rest = math.sqrt(max(0.0, self.width - self.end) * self.left_out)
        return math.fsum((np.diff(points) * (values @ _WEIGHTS)).tolist()), rest


def _log_samples(core: Any, functional: Functional, start: Fraction, tau: Array) -> Array:
    """The log of the functional, in units of V or V^2.

    A fast value far below the scale is replaced by a certified one, up to the first of its piece, from the
    smallest, with which it agrees.
    """
    variance = float(core.variance)
    power = POWERS[functional]
    t = float(start) + tau / variance
    values = fast.values(core, functional, t) / variance**power
    logs = np.log(np.maximum(values, 1e-300))
    small = np.flatnonzero(values < _RELIABLE)
    for group in np.split(small, np.flatnonzero(np.diff(small // (_DEGREE + 1))) + 1):
        for i in sorted(group, key=lambda i: values[i]):
            exact = _log_certified(core, functional, float(t[i])) - power * log_of(core.variance)
            agrees = abs(exact - logs[i]) < _AGREES
            logs[i] = exact
            if agrees:
                break
    return logs


def _log_certified(core: Any, functional: Functional, t: float) -> float:
    """The log of the functional where it is far below its scale.

    No farther than the square of what `_end` cuts off at, since C >= M^2 / r by Jensen's inequality.
    """
    scale = POWERS[functional] * log_of(core.variance)
    for log_tolerance in (-80.0, -160.0, -320.0):
        ball = certified.value(core, functional, flint.arb(t), scale + log_tolerance)
        if ball.rel_accuracy_bits() >= 50:
            return float(ball.log().mid())
    raise PrecisionError(f"{functional}: no relative accuracy at t = {t:.6g}")


def _end(core: Any, start: Fraction, width: float, scale: float, log_least: float) -> tuple[float, float]:
    """The x beyond which M < V exp(log_least) and C is left out, and a bound on int c beyond it.

    The search starts from snr of the order 1/D^2, where values are cheap.
    """
    last = math.log1p(width * scale)
    variance = float(core.variance)

    def dropped(x: float) -> bool:
        t = float(start) + math.expm1(x) / scale / variance
        value = float(fast.values(core, "mmse", np.array([t]))[0]) / variance
        if value >= _RELIABLE:
            return math.log(value) < log_least
        ball = certified.value(core, "mmse", flint.arb(t), log_of(core.variance) + log_least - 3)
        return float(ball.mid()) < math.exp(log_least) * variance

    size = float(core.length_squared)
    low, high = 0.0, min(last, math.log1p(scale * variance / size))
    while not dropped(high):
        if high >= last:
            return last, 0.0
        low, high = high, min(last, 2 * high)
    for _ in range(6):
        middle = (low + high) / 2
        low, high = (low, middle) if dropped(middle) else (middle, high)
    return high, math.exp(log_least)


@lru_cache(maxsize=32)
def curve_of(core: Any, start: Fraction, stop: Fraction, steps: int) -> Curve:
    """The curve of a core of positive variance between two signal-to-noise ratios, for up to n steps.

    Its end is where what is left out, at most (stop - start) int C / 2, is e^-32 of the path KL to be
    expected, (1/4n) (int sqrt(C) dt)^2. The last step of a best schedule takes about 1/n of int sqrt(C), so
    that no inner knot comes near the end. Raises PrecisionError for a variance whose square
    machine numbers do not hold.
    """
    place, (least, most) = log_of(core.variance) / math.log(10), _VARIANCES
    if not least <= place <= most:
        raise PrecisionError(
            f"best schedule: the variance of the means, about 1e{place:.0f}, is not"
            f" between 1e{least} and 1e{most}: machine numbers do not hold its square"
        )
    scale = float(1 / (1 + start * core.variance))
    width = float((stop - start) * core.variance)
    log_start = float(_log_samples(core, "mmse", start, np.zeros(1))[0])
    log_least = log_start - math.log1p(width) - math.log(steps) - 28
    while True:
        curve = _curve(core, start, width, scale, *_end(core, start, width, scale, log_least))
        wanted = 2 * math.log(curve.root_integral()[0]) - math.log(2 * steps * width) - 32
        if not curve.left_out or log_least <= wanted:
            return curve
        log_least = wanted - 2


def _curve(core: Any, start: Fraction, width: float, scale: float, last: float, left_out: float) -> Curve:
    """The interpolant on 0 <= x <= last.

    Pieces are halved until the last coefficients of log c are below 4e-14, or stop decreasing because
    the samples' own noise is reached (in two and three dimensions far down the tail).
    """
    count = max(1, math.ceil(last))
    todo = [(last * i / count, last * (i + 1) / count) for i in range(count)]
    angles = (np.arange(_DEGREE + 1) + 0.5) * math.pi / (_DEGREE + 1)
    transform = np.cos(np.outer(np.arange(_DEGREE + 1), angles)) * (2 / (_DEGREE + 1))
    transform[0] /= 2
    done: list[tuple[float, float, Array]] = []
    error = 0.0
    while todo:
        x = np.array([(a + b) / 2 + (b - a) / 2 * np.cos(angles) for a, b in todo])
        tau = np.minimum(np.expm1(x) / scale, width)
        logs = _log_samples(core, "covariance_moment", start, tau.ravel()).reshape(x.shape)
        pieces, todo = todo, []
        for (a, b), row in zip(pieces, logs, strict=True):
            series = transform @ row
            tail, before = np.abs(series[-4:]).max(), np.abs(series[-12:-8]).max()
            noisy = tail < _NOISE and tail > before / 8
            small = tail < _TOLERANCE and np.ptp(row) < 12
            if small or noisy or len(done) + len(todo) >= _MOST_PIECES:
                done.append((a, b, series))
                error = max(error, float(tail))
            else:
                todo += [(a, (a + b) / 2), ((a + b) / 2, b)]
    done.sort(key=lambda piece: piece[0])
    edges = np.array([piece[0] for piece in done] + [done[-1][1]])
    coefficients = np.array([piece[2] for piece in done]).T
    half = np.diff(edges) / 2
    slopes = np.polynomial.chebyshev.chebder(coefficients) / half
    return Curve(width, scale, edges, coefficients, slopes, error, left_out)
