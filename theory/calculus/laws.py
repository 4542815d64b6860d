"""The cumulants of a discrete law, exactly: numbers on the line, tensors in R^d.

What belongs here: from points and weights to cumulants, and to the inner products that determine M and I.
What does not: what is done with them (`tensors`, `series`).
"""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations_with_replacement, product
from math import comb
from typing import Any

import numpy as np
import sympy as sp

from theory.calculus.moments import cumulants_from_moments

__all__ = ["cumulant_tensors", "cumulants", "exact_law", "rational"]


def rational(value: object, name: str) -> Fraction:
    """The exact value of an int, a Fraction, a rational of sympy, a float, or a string like "1/3".

    Raises ValueError, with the name of the argument, for anything else, NaN and infinities.
    """
    try:
        if isinstance(value, sp.Rational):
            return Fraction(int(value.p), int(value.q))
        if isinstance(value, numbers.Integral):
            return Fraction(int(value))
        if isinstance(value, str | Fraction):
            return Fraction(value)
        if isinstance(value, float | np.floating):
            return Fraction(float(value))
    except (ValueError, OverflowError, ZeroDivisionError):
        pass
    raise ValueError(f"{name}: {value!r} is not a rational number")


def exact_law(
    weights: Sequence[Any], points: Sequence[Any]
) -> tuple[tuple[Fraction, ...], tuple[tuple[Fraction, ...], ...]]:
    """The weights (K) and the points (K, d) as Fractions; points of shape (K) are on the line.

    Raises ValueError for weights that are negative or do not sum to one, and for shapes that disagree.
    """
    w = tuple(rational(weight, "weights") for weight in weights)
    if not w or min(w) < 0 or sum(w) != 1:
        raise ValueError(f"weights: {[str(x) for x in w]} must be non-negative and sum to 1")
    a = tuple(
        tuple(rational(x, "points") for x in point)
        if isinstance(point, Sequence | np.ndarray) and not isinstance(point, str)
        else (rational(point, "points"),)
        for point in points
    )
    if len(a) != len(w) or len({len(point) for point in a}) != 1 or not a[0]:
        raise ValueError(
            f"points: of lengths {[len(point) for point in a]}; there must be {len(w)} of one length"
        )
    return w, a


def cumulants(weights: Sequence[Any], points: Sequence[Any], order: int) -> list[sp.Rational]:
    """The cumulants k1, ..., k_order of a discrete law on the line, exact.

    Weights and points are taken exactly, as `rational` says. Raises ValueError for a law that is none,
    or is not on the line.
    """
    w, a = exact_law(weights, points)
    if len(a[0]) != 1:
        raise ValueError(f"points: of length {len(a[0])}; scalar cumulants need a law on the line")
    mean = sum((p * x for p, (x,) in zip(w, a, strict=True)), Fraction(0))
    central = [
        sum((p * (x - mean) ** n for p, (x,) in zip(w, a, strict=True)), Fraction(0))
        for n in range(2, order + 1)
    ]
    return [sp.Rational(k) for k in cumulants_from_moments(mean, central)[:order]]


def cumulant_tensors(weights: Any, points: Any, order: int) -> dict[int, np.ndarray[Any, Any]]:
    """The cumulant tensors of order 1 to `order` of a discrete law, or of many laws on common points.

    `weights` has the shape (..., K), `points` (K, d) or (K); the tensor of order n has the shape
    (..., d, ..., d). Where no entry is a float (or comes in a float array), rational entries give exact
    Fractions; arrays of dtype object keep their own kind of number. Raises ValueError for shapes that
    disagree, and for rational or float weights that are negative or do not sum to one (floats: within
    1e-9).
    """
    w, a = _numbers(weights, "weights"), _numbers(points, "points")
    if a.ndim == 1:
        a = a[:, None]
    if a.ndim != 2 or w.ndim < 1 or w.shape[-1] != a.shape[0] or 0 in a.shape:
        raise ValueError(f"points: of shape {a.shape} do not match weights of shape {w.shape}")
    if all(isinstance(x, Fraction) for x in w.flat):
        _check_weights(w, 0)
    elif w.dtype != object:
        _check_weights(w, 1e-9)
    w, a = _alike(w, a), _alike(a, w)
    dimension = a.shape[1]
    mean = [(w * a[:, i]).sum(axis=-1) for i in range(dimension)]
    centred = [a[:, i] - np.asarray(mean[i])[..., None] for i in range(dimension)]
    central = _CentralMoments(w, centred)
    tensors = {1: np.stack([np.asarray(m) for m in mean], axis=-1)}
    for n in range(2, order + 1):
        entries = {
            indices: central.cumulant(tuple(indices.count(i) for i in range(dimension)))
            for indices in combinations_with_replacement(range(dimension), n)
        }
        tensor = np.empty((*w.shape[:-1], *(dimension,) * n), dtype=tensors[1].dtype)
        for indices in product(range(dimension), repeat=n):
            place: Any = (Ellipsis, *indices)
            tensor[place] = entries[tuple(sorted(indices))]
        tensors[n] = tensor
    return {n: tensors[n] for n in range(1, order + 1)}


class _CentralMoments:
    """Joint central moments and cumulants of one set of weights, by multi-index, each computed once."""

    def __init__(self, weights: np.ndarray[Any, Any], centred: list[np.ndarray[Any, Any]]) -> None:
        self._weights = weights
        self._centred = centred
        self._moments: dict[tuple[int, ...], Any] = {}
        self._cumulants: dict[tuple[int, ...], Any] = {}

    def moment(self, powers: tuple[int, ...]) -> Any:
        if powers not in self._moments:
            values = self._weights
            for coordinate, power in zip(self._centred, powers, strict=True):
                if power:
                    values = values * coordinate**power
            self._moments[powers] = values.sum(axis=-1)
        return self._moments[powers]

    def cumulant(self, powers: tuple[int, ...]) -> Any:
        """The cumulant of a multi-index alpha = e + rest, from mu_alpha and cumulants of lower order:

        the sum over 0 <= beta <= rest of `binom(rest, beta) k_(beta + e) mu_(rest - beta)` is mu_alpha.
        """
        if powers not in self._cumulants:
            first = next(i for i, power in enumerate(powers) if power)
            rest = tuple(power - (i == first) for i, power in enumerate(powers))
            value = self.moment(powers)
            for part in product(*(range(power + 1) for power in rest)):
                if 1 <= sum(part) <= sum(rest) - 2:
                    ways = 1
                    for power, taken in zip(rest, part, strict=True):
                        ways *= comb(power, taken)
                    block = tuple(taken + (i == first) for i, taken in enumerate(part))
                    others = tuple(p - taken for p, taken in zip(rest, part, strict=True))
                    value = value - ways * self.cumulant(block) * self.moment(others)
            self._cumulants[powers] = value
        return self._cumulants[powers]


def _numbers(values: Any, name: str) -> np.ndarray[Any, Any]:
    array = np.asarray(values)
    if array.dtype.kind == "f":
        return array
    if array.dtype.kind == "U":
        array = np.asarray(values, dtype=object)
    exact = np.empty(array.shape, dtype=object)
    for position, value in np.ndenumerate(array):
        known = isinstance(value, str | Fraction | numbers.Integral | sp.Rational)
        exact[position] = rational(value, name) if known else value
    return exact


def _alike(array: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The array in floats where the other has floats and this one is rational."""
    if other.dtype.kind == "f" and all(isinstance(x, Fraction) for x in array.flat):
        return array.astype(other.dtype)
    return array


def _check_weights(weights: np.ndarray[Any, Any], tolerance: float) -> None:
    sums = weights.sum(axis=-1)
    if not (np.all(weights >= 0) and np.all(abs(sums - 1) <= tolerance)):
        raise ValueError("weights: they must be non-negative and sum to 1")
