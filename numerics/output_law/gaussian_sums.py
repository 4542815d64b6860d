"""Explicit sums of Gaussian densities in machine numbers, with proven bounds of their rounding.

What belongs here: values, slopes and masses of q(x) = sum_j c_j phi_s(x - m_j). What does not: where such
sums come from (`certified`).

On a grid x_i = i h a component is A r^n G_n, n = i - i_0 the distance from the node nearest to m_j,
d = i_0 h - m_j, A = c_j phi_s(d), r = e^{-d h/s^2}, G_n = e^{-(h n)^2/(2 s^2)}: only these three are
exponentials, and they are rounded from balls; the rest is multiplications and additions of positive
numbers, each wrong by at most u = 2^-53 relatively. Components are cut at `REACH` deviations.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import flint
import numpy as np
import numpy.typing as npt

__all__ = ["REACH", "UNIT", "GaussianSum", "Samples", "rounded_sum"]

Array: TypeAlias = npt.NDArray[np.float64]

UNIT = 2.0**-53
REACH = 9.0
_CELLS = 1 << 18
_FAR = 12.5
"""Deviations beyond which less than 1e-32 of a component lies."""
_NOTHING = 1e-290
"""More than what underflow takes from any sum here."""


@dataclass(frozen=True)
class Samples:
    """Values at grid nodes, and bounds valid within half a spacing of each; see `GaussianSum.samples`."""

    value: Array
    slope: Array
    bend: Array
    value_error: Array
    slope_error: Array


@dataclass(frozen=True, eq=False)
class GaussianSum:
    """q(x) = sum_j c_j phi_s(x - m_j); the floats c_j >= 0, m_j and s are exact numbers."""

    weights: Array
    centres: Array
    width: float

    @property
    def mass(self) -> flint.arb:
        """The integral of q, as a ball at the current precision."""
        whole = math.fsum(self.weights)
        return flint.arb(whole, whole * 2 * UNIT)

    def reach(self, deviations: float = REACH) -> tuple[float, float]:
        """An interval that all components keep to within so many deviations."""
        margin = deviations * self.width
        return float(self.centres.min()) - margin, float(self.centres.max()) + margin

    def values(self, h: float, first: int, count: int) -> tuple[Array, float]:
        """q at first h, ..., (first + count - 1) h without the cut parts, and a relative error bound.

        h is a power of two.
        """
        total, overlap, n = self._sums(h, first, count, 1)
        return total[0], (3 * n + overlap + 16) * UNIT

    def samples(self, h: float, first: int, count: int) -> Samples:
        """q, q' and a bound of |q''| within r = h/2 of the nodes, with bounds of the errors of q and q'.

        With u s the node's distance from a component, phi_s is at most phi_s(u s) e^{|u| r/s} within r, and
        |phi_s''| <= phi_s (1 + (|u| + r/s)^2)/s^2 <= phi_s (1 + u^2) (1 + r/s + r^2/s^2)/s^2.
        """
        s, r = self.width, h / 2
        (value, slope, spread), overlap, n = self._sums(h, first, count, 3)
        relative = (3 * n + overlap + 32) * UNIT
        nearest = REACH - r / s
        cut = float(self.mass.upper()) * math.exp(-(nearest**2) / 2) / (s * math.sqrt(2 * math.pi))
        # |u|/s <= (1 + u^2/s^2)/2 bounds the sum of absolute values that q' is made of
        largest = (value + spread) / (2 * s)
        growth = math.exp((REACH + 1) * r / s)
        wider = 1 + r / s + (r / s) ** 2
        bend = growth * (1 + relative) * wider * (value + spread) / s**2
        return Samples(
            value,
            slope,
            bend * (1 + 1e-12) + cut * (1 + REACH**2) / s**2,
            relative * value + cut + _NOTHING,
            relative * 2 * largest + cut * REACH / s + _NOTHING,
        )

    def _sums(self, h: float, first: int, count: int, orders: int) -> tuple[Array, int, int]:
        """Sums of phi, of phi' and of phi u^2/s^2; the most components that overlap; the reach in nodes."""
        s = self.width
        n = math.ceil(REACH * s / h) + 1
        nearest = np.rint(self.centres / h)
        inside = np.flatnonzero((nearest >= first - n) & (nearest < first + count + n) & (self.weights > 0))
        total = np.zeros((orders, count + 4 * n + 2))
        table = self._table(h, n)
        offsets = np.arange(-n, n + 1) * h
        size = max(1, _CELLS // (2 * n + 1))
        marks = np.zeros(count + 4 * n + 3)
        for begin in range(0, len(inside), size):
            part = inside[begin : begin + size]
            distance = nearest[part] * h - self.centres[part]
            rows = self._rows(part, distance, h, n) * table
            places = (nearest[part] - first).astype(int) + n
            for k, (place, row) in enumerate(zip(places.tolist(), rows, strict=True)):
                window = slice(place, place + 2 * n + 1)
                marks[place] += 1
                marks[place + 2 * n + 1] -= 1
                total[0, window] += row
                if orders > 1:
                    u = (offsets + distance[k]) / s
                    total[1, window] -= row * u / s
                    total[2, window] += row * u * u
        overlap = int(marks.cumsum().max()) if len(inside) else 0
        return total[:, 2 * n : 2 * n + count], overlap, n

    def _table(self, h: float, n: int) -> Array:
        ratio = flint.arb(h) / flint.arb(self.width)
        half = [float((-(ratio * k) * (ratio * k) / 2).exp().mid()) for k in range(n + 1)]
        return np.array(half[:0:-1] + half)

    def _rows(self, part: npt.NDArray[np.intp], distance: Array, h: float, n: int) -> Array:
        """c phi_s(d) r^k for k = -n ... n, of shape (component, 2 n + 1)."""
        s = flint.arb(self.width)
        unit = 1 / (s * (2 * flint.arb.pi()).sqrt())
        square, step = 1 / (2 * s * s), flint.arb(h) / (s * s)
        balls = [flint.arb(d) for d in distance.tolist()]
        height = np.array([float(((-(d * d) * square).exp() * unit).mid()) for d in balls])
        falling = np.array([float((-(d * step)).exp().mid()) for d in balls])
        rising = np.array([float((d * step).exp().mid()) for d in balls])
        rows = np.empty((len(balls), 2 * n + 1))
        rows[:, n] = height * self.weights[part]
        rows[:, n + 1 :] = falling[:, None]
        rows[:, :n] = rising[:, None]
        rows[:, n:] = rows[:, n:].cumprod(axis=1)
        rows[:, :n] = rows[:, n - 1 :: -1].cumprod(axis=1)[:, ::-1] if n else 0.0
        rows[:, :n] *= rows[:, n : n + 1]
        return rows

    def at(self, x: float, r: float) -> tuple[flint.arb, flint.arb, float]:
        """q(x), q'(x) as balls at the current precision, and a bound of |q''| within r of x."""
        s = flint.arb(self.width)
        near = np.abs(x - self.centres) <= _FAR * self.width
        value, slope, spread = flint.arb(0), flint.arb(0), flint.arb(0)
        for c, m in zip(self.weights[near].tolist(), self.centres[near].tolist(), strict=True):
            u = (flint.arb(x) - m) / s
            part = c * (-u * u / 2).exp()
            value, slope, spread = value + part, slope - part * u, spread + part * u * u
        unit = 1 / (s * (2 * flint.arb.pi()).sqrt())
        ratio = r / self.width
        growth = math.exp((_FAR + 1) * ratio) * (1 + ratio + ratio**2)
        cut = self.mass.upper() * unit * 1e-30 / min(self.width**2, 1.0)
        blur = flint.arb(0, cut)
        bend = float(((value + spread) * unit / (s * s) * growth + cut).upper()) * (1 + 1e-12)
        return value * unit + blur, slope * unit / s + blur, bend

    def below(self, x: float) -> flint.arb:
        """The integral of q up to x, as a ball at the current precision."""
        scale = 1 / (flint.arb(self.width) * flint.arb(2).sqrt())
        u = (x - self.centres) / self.width
        total = flint.arb(math.fsum(self.weights[u > 40]))
        total += flint.arb(0, 2 * UNIT) * total
        for c, m in zip(
            self.weights[abs(u) <= 40].tolist(), self.centres[abs(u) <= 40].tolist(), strict=True
        ):
            total += c * ((flint.arb(m) - flint.arb(x)) * scale).erfc() / 2
        whole = float(self.mass.upper())
        return total + flint.arb(0, whole * 1e-300)


def rounded_sum(
    weights: Sequence[Any], centres: Sequence[Any], variance: flint.arb
) -> tuple[GaussianSum, flint.arb]:
    """A mixture given in balls, rounded to machine numbers, and a bound of the L1 distance between the two.

    Moving a Gaussian of deviation s by e changes it by at most 2 e/(s sqrt(2 pi)) in L1; changing its
    variance by a factor r, |r - 1| < 1/2, by at most |r - 1| (Pinsker, and r - 1 - log r <= (r - 1)^2).
    """
    width = float(variance.sqrt().mid())
    c = np.array([float(flint.arb(w).mid()) for w in weights])
    m = np.array([float(flint.arb(a).mid()) for a in centres])
    error = moved(width, variance)
    density = 2 / (flint.arb(width) * (2 * flint.arb.pi()).sqrt())
    for weight, centre, x, y in zip(weights, centres, c.tolist(), m.tolist(), strict=True):
        error += (
            abs(flint.arb(weight) - x).upper() + abs(weight) * abs(centre - flint.arb(y)).upper() * density
        )
    return GaussianSum(c, m, width), flint.arb(error.upper())


def moved(width: float, variance: flint.arb) -> flint.arb:
    """A bound of the L1 distance of N(0, width^2) from N(0, variance)."""
    ratio = abs(flint.arb(width) * width / variance - 1)
    if not ratio < 0.5:
        raise ValueError(f"variance: {variance.str(5)} is not {width}^2")
    return flint.arb(ratio.upper())
