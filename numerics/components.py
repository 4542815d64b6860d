"""Mixtures whose components differ in variance or covariance, exact.

What belongs here: the target's definition, validation and serialisation. What does not: the Gaussian part
(`components_gaussian`), the latent part (`components_latent` and the engines), errors (`components_path`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any, TypeAlias

import flint
import numpy as np
import numpy.typing as npt

from numerics.components_gaussian import Spectrum, spectrum_of
from numerics.cores import Point, PointCore, point_core
from numerics.exact import items, rationals, shown, text
from numerics.targets import (
    Mixture,
    Target,
    _parse_means,
    _parse_weights,
    checked_keys,
    checked_sample,
    non_negative,
)
from numerics.whole import WholeCore

__all__ = ["MOST_ENTRIES", "GeneralMixture", "Matrix"]

Matrix: TypeAlias = tuple[Point, ...]

MOST_ENTRIES = 1_000_000
"""How many entries all covariance matrices together may have."""


def _is_table(entry: Any) -> bool:
    return isinstance(entry, Sequence | np.ndarray) and not isinstance(entry, str)


def _parse_matrix(entry: Any, dimension: int, name: str) -> Matrix:
    rows = items(entry, name)
    if len(rows) != dimension:
        raise ValueError(f"{name}: {len(rows)} rows, but the means have {dimension} coordinates")
    parsed = []
    for i, row in enumerate(rows):
        if not _is_table(row):
            raise ValueError(f"{name}[{i}]: {shown(row)} is not a row; give K numbers or K matrices")
        numbers = rationals(row, f"{name}[{i}]")
        if len(numbers) != dimension:
            raise ValueError(f"{name}[{i}]: {len(numbers)} entries, but a row has {dimension}")
        parsed.append(numbers)
    for i in range(dimension):
        for j in range(i):
            if parsed[i][j] != parsed[j][i]:
                raise ValueError(
                    f"{name}: not symmetric, entry [{i}][{j}] is {shown(parsed[i][j])}"
                    f" and [{j}][{i}] is {shown(parsed[j][i])}"
                )
    return tuple(parsed)


def _parse_covariances(covariances: Any, dimension: int) -> tuple[Fraction, ...] | tuple[Matrix, ...]:
    entries = items(covariances, "covariances")
    tables = [_is_table(entry) for entry in entries]
    if any(tables) and not all(tables):
        raise ValueError("covariances: numbers and matrices are mixed; give K numbers or K matrices")
    if not tables[0]:
        return tuple(non_negative(v, f"covariances[{i}]") for i, v in enumerate(entries))
    if len(entries) * dimension**2 > MOST_ENTRIES:
        raise ValueError(f"covariances: {len(entries)} x {dimension}^2 entries exceed {MOST_ENTRIES}")
    matrices = tuple(_parse_matrix(e, dimension, f"covariances[{i}]") for i, e in enumerate(entries))
    scalars = [_scalar(matrix) for matrix in matrices]
    if any(v is None for v in scalars):
        return matrices
    return tuple(non_negative(v, f"covariances[{i}]") for i, v in enumerate(scalars))


def _scalar(matrix: Matrix) -> Fraction | None:
    """v if the matrix is v I, else None."""
    v = matrix[0][0]
    for i, row in enumerate(matrix):
        if any(x != (v if i == j else 0) for j, x in enumerate(row)):
            return None
    return v


@dataclass(frozen=True)
class GeneralMixture(Target, type_name="general_mixture"):
    """A Gaussian mixture X | Z=k ~ N(mu_k, Sigma_k) in R^d whose components have their own covariances.

    `weights` has shape (K,), `means` (K,) or (K, d), `covariances` (K,) - numbers v_k, Sigma_k = v_k I -
    or (K, d, d): exactly symmetric and positive semidefinite. Numbers are exact, as for `Mixture`.
    Components of weight zero are dropped and coinciding ones merged; `notes` says so. The sampler
    estimates X itself: the knots are those of a target with v = 0, so `variance` is 0 here and the law of
    X stands in the place of the core. Raises ValueError naming the argument, the value and the rule.
    """

    weights: tuple[Fraction, ...]
    means: tuple[Point, ...]
    covariances: tuple[Fraction, ...] | tuple[Matrix, ...]
    notes: tuple[str, ...] = field(default=(), compare=False)

    def __init__(self, weights: Any, means: Any, covariances: Any) -> None:
        points = _parse_means(means)
        probabilities, notes = _parse_weights(weights)
        if len(points) != len(probabilities):
            raise ValueError(f"weights: {len(probabilities)} entries, but means has {len(points)}")
        parsed = _parse_covariances(covariances, len(points[0]))
        if len(parsed) != len(points):
            raise ValueError(f"covariances: {len(parsed)} entries, but means has {len(points)}")
        merged: dict[tuple[Point, Fraction | Matrix], Fraction] = {}
        kinds: tuple[Fraction | Matrix, ...] = parsed
        for weight, point, covariance in zip(probabilities, points, kinds, strict=True):
            if weight:
                key = (point, covariance)
                merged[key] = merged.get(key, Fraction(0)) + weight
        dropped = sum(1 for weight in probabilities if not weight)
        if dropped:
            notes += (f"{dropped} component{'s' * (dropped > 1)} of weight zero dropped",)
        if len(merged) + dropped < len(points):
            notes += (f"{len(points) - dropped} components merged into {len(merged)} distinct ones",)
        object.__setattr__(self, "weights", tuple(merged.values()))
        object.__setattr__(self, "means", tuple(point for point, _ in merged))
        object.__setattr__(self, "covariances", tuple(covariance for _, covariance in merged))
        object.__setattr__(self, "notes", notes)
        for i, entry in enumerate(parsed):
            if not isinstance(entry, Fraction):
                spectrum_of(entry, len(points[0]), f"covariances[{i}]")

    @classmethod
    def of(cls, mixture: Mixture) -> GeneralMixture:
        """The same law as a mixture of one shared variance, with X itself as what is estimated."""
        return cls(mixture.weights, mixture.means, [mixture.variance] * len(mixture.weights))

    variance = Fraction(0)
    """0: the channel's variable is X itself, so that knots are those of a target with v = 0."""

    @property
    def dimension(self) -> int:
        """The ambient dimension d."""
        return len(self.means[0])

    @property
    def isotropic(self) -> bool:
        """Whether every covariance is a number times the identity."""
        return isinstance(self.covariances[0], Fraction)

    @cached_property
    def core(self) -> PointCore | WholeCore:
        """The law of X, which is what is estimated; discrete if every covariance is zero."""
        if not any(spectrum.trace for spectrum in self.spectra):
            return point_core(self.weights, self.means)
        return WholeCore(self, self._rank(), self.total_variance, self.total_variance, True)

    def _rank(self) -> int:
        """The dimension of the smallest affine space that holds X: the range of sum Sigma_k and more."""
        d = self.dimension
        if self.isotropic:
            return d
        rows = [[x - y for x, y in zip(a, self.means[0], strict=True)] for a in self.means[1:]]
        rows += [[sum((m[i][j] for m in self.matrices), Fraction(0)) for j in range(d)] for i in range(d)]
        common = math.lcm(*(x.denominator for row in rows for x in row))
        return int(flint.fmpz_mat([[int(x * common) for x in row] for row in rows]).rank())

    @cached_property
    def spectra(self) -> tuple[Spectrum, ...]:
        """The exact spectrum of each component's covariance."""
        return tuple(
            spectrum_of(covariance, self.dimension, f"covariances[{i}]")
            for i, covariance in enumerate(self.covariances)
        )

    @cached_property
    def second_moment(self) -> Fraction:
        """E|X|^2, about the origin."""
        squares = (sum((x * x for x in a if x), Fraction(0)) for a in self.means)
        terms = (
            w * (square + spectrum.trace)
            for w, square, spectrum in zip(self.weights, squares, self.spectra, strict=True)
        )
        return sum(terms, Fraction(0))

    @cached_property
    def total_variance(self) -> Fraction:
        """V = E|X - EX|^2, the mmse at snr 0."""
        mean = [
            sum((w * x for w, x in zip(self.weights, axis, strict=True) if x), Fraction(0))
            for axis in zip(*self.means, strict=True)
        ]
        return self.second_moment - sum((x * x for x in mean), Fraction(0))

    @property
    def matrices(self) -> tuple[Matrix, ...]:
        """The covariances as matrices, numbers times the identity written out."""
        d, zero = self.dimension, Fraction(0)
        return tuple(
            tuple(tuple(c if i == j else zero for j in range(d)) for i in range(d))
            if isinstance(c, Fraction)
            else c
            for c in self.covariances
        )

    def sample(self, rng: np.random.Generator, n: int) -> npt.NDArray[np.float64]:
        """n independent draws of X as floats, of shape (n, d); ValueError beyond 10^8 numbers."""
        n = checked_sample(n, self.dimension)
        weights = np.array([float(w) for w in self.weights])
        means = np.array([[float(x) for x in point] for point in self.means])
        component = rng.choice(len(weights), size=n, p=weights / weights.sum())
        noise = rng.standard_normal((n, self.dimension))
        kinds: tuple[Fraction | Matrix, ...] = self.covariances
        for k, covariance in enumerate(kinds):
            chosen = component == k
            if isinstance(covariance, Fraction):
                noise[chosen] *= float(covariance) ** 0.5
                continue
            rows = np.array([[float(x) for x in row] for row in covariance])
            values, vectors = np.linalg.eigh(rows)
            noise[chosen] = noise[chosen] @ (vectors * np.sqrt(np.maximum(values, 0))).T
        return np.asarray(means[component] + noise)

    def _plain(self, flat_points: bool) -> dict[str, Any]:
        means: list[Any] = [[text(x) for x in point] for point in self.means]
        if flat_points and self.dimension == 1:
            means = [point[0] for point in means]
        covariances: list[Any] = [
            text(c) if isinstance(c, Fraction) else [[text(x) for x in row] for row in c]
            for c in self.covariances
        ]
        return {"weights": [text(w) for w in self.weights], "means": means, "covariances": covariances}

    def __repr__(self) -> str:
        plain = self._plain(True)
        return f"GeneralMixture({', '.join(f'{key}={value}' for key, value in plain.items())})"

    def to_dict(self) -> dict[str, Any]:
        """The target as plain JSON data; numbers are strings, so that nothing is rounded."""
        return {"type": "general_mixture", **self._plain(False)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> GeneralMixture:
        """The target that `to_dict` wrote; ValueError names a missing or unknown key."""
        checked_keys(data, "general_mixture", ("weights", "means", "covariances"), ())
        return cls(data["weights"], data["means"], data["covariances"])
