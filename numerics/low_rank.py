"""Low-rank mixtures: equal or unequal subspaces, each with a standard Gaussian on it.

What belongs here: the target's definition and validation, draws from it. What does not: posteriors
(`low_rank_posterior`), learning a subspace from samples (`low_rank_learning`, `low_rank_recovery`).

Source: Wang et al. 2024 (arXiv:2409.02426), the mixture of low-rank Gaussians.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from numerics.exact import choice, integer, items, parse_json, rational, shown, text
from numerics.low_rank_exact import Subspace, Vector, dot, vectors_of
from numerics.targets import ROUNDING, _parse_weights

__all__ = ["LowRankMixture"]

_GRID = 1024
"""Exact draws have coefficients that are multiples of 1/1024."""


def _is_inexact(basis: Any) -> bool:
    return any(isinstance(x, float | np.floating) for row in basis for x in row)


def _checked_basis(basis: Any, name: str) -> tuple[Subspace, bool]:
    """The span of an orthonormal d x r basis, and whether floats were rounded to that span."""
    entries = items(basis, name)
    rows = vectors_of(entries, name)
    columns: list[Vector] = list(zip(*rows, strict=True))
    if len(columns) > len(rows):
        raise ValueError(f"{name}: {len(columns)} columns in dimension {len(rows)}")
    tolerance = ROUNDING if _is_inexact(entries) else Fraction(0)
    off = Fraction(0)
    for i, one in enumerate(columns):
        for j, other in enumerate(columns[: i + 1]):
            error = abs(dot(one, other) - (i == j))
            off = max(off, error)
            if error > tolerance:
                raise ValueError(
                    f"{name}: columns {j} and {i} have the inner product {shown(dot(one, other))}; "
                    "orthonormal columns are needed (LowRankMixture.spanned takes any independent vectors)"
                )
    return Subspace.spanned_by(columns), off > 0


@dataclass(frozen=True)
class LowRankMixture:
    """A mixture of Gaussians on subspaces: X given component k is N(0, U_k U_k^T) in R^d.

    `weights` has shape (K,) and sums to one; `bases` are K matrices U_k of shape (d, r_k) with
    orthonormal columns, 1 <= r_k <= d, the r_k equal or not. Numbers are exact: int, Fraction, "3/5";
    exact columns must be orthonormal exactly, float columns to 1e-12, and stand for their exact span.
    `LowRankMixture.spanned` takes any independent rational vectors instead. Components of weight zero
    are dropped, equal subspaces merged; `notes` says what was changed. Raises ValueError naming the
    argument, the value and the rule.
    """

    weights: tuple[Fraction, ...]
    subspaces: tuple[Subspace, ...]
    notes: tuple[str, ...] = field(default=(), compare=False)

    def __init__(self, weights: Any, bases: Any) -> None:
        checked = [_checked_basis(basis, f"bases[{k}]") for k, basis in enumerate(items(bases, "bases"))]
        notes: tuple[str, ...] = ()
        if any(rounded for _, rounded in checked):
            notes = ("the float bases are orthonormal to 1e-12 and stand for their exact spans",)
        self._settle(weights, [subspace for subspace, _ in checked], notes, "bases")

    @classmethod
    def spanned(cls, weights: Any, vectors: Any) -> LowRankMixture:
        """The mixture on the spans of exact vectors: K lists of r_k independent vectors of length d."""
        subspaces = []
        for k, entry in enumerate(items(vectors, "vectors")):
            rows = vectors_of(entry, f"vectors[{k}]")
            if not any(any(row) for row in rows) or Subspace.spanned_by(rows).rank < len(rows):
                raise ValueError(f"vectors[{k}]: the {len(rows)} vectors are not linearly independent")
            subspaces.append(Subspace.spanned_by(rows))
        mixture = cls.__new__(cls)
        mixture._settle(weights, subspaces, (), "vectors")
        return mixture

    def _settle(self, weights: Any, subspaces: list[Subspace], notes: tuple[str, ...], name: str) -> None:
        probabilities, more = _parse_weights(weights)
        if len(subspaces) != len(probabilities):
            raise ValueError(f"weights: {len(probabilities)} entries, but {name} has {len(subspaces)}")
        for k, subspace in enumerate(subspaces):
            if subspace.dimension != subspaces[0].dimension:
                raise ValueError(
                    f"{name}[{k}]: dimension {subspace.dimension}, but {name}[0] has "
                    f"{subspaces[0].dimension}"
                )
        merged: dict[Subspace, Fraction] = {}
        for weight, subspace in zip(probabilities, subspaces, strict=True):
            if weight:
                merged[subspace] = merged.get(subspace, Fraction(0)) + weight
        dropped = sum(1 for weight in probabilities if not weight)
        notes += more
        if dropped:
            notes += (f"{dropped} component{'s' * (dropped > 1)} of weight zero dropped",)
        if len(merged) + dropped < len(subspaces):
            notes += (f"{len(subspaces) - dropped} subspaces merged into {len(merged)} distinct ones",)
        object.__setattr__(self, "weights", tuple(merged.values()))
        object.__setattr__(self, "subspaces", tuple(merged))
        object.__setattr__(self, "notes", notes)

    @property
    def dimension(self) -> int:
        """The ambient dimension d."""
        return self.subspaces[0].dimension

    @property
    def components(self) -> int:
        """The number K of components."""
        return len(self.weights)

    @property
    def ranks(self) -> tuple[int, ...]:
        """The dimensions r_k of the subspaces."""
        return tuple(subspace.rank for subspace in self.subspaces)

    @property
    def second_moment(self) -> Fraction:
        """E|X|^2, the mean rank."""
        return sum((w * r for w, r in zip(self.weights, self.ranks, strict=True)), Fraction(0))

    def orthonormal_bases(self) -> tuple[npt.NDArray[np.float64], ...]:
        """Orthonormal bases U_k as float matrices of shape (d, r_k)."""
        return tuple(
            np.linalg.qr(np.array([[float(x) for x in row] for row in subspace.basis]).T)[0]
            for subspace in self.subspaces
        )

    def sample(self, rng: np.random.Generator, n: int) -> npt.NDArray[np.float64]:
        """n independent draws of X as floats, of shape (n, d)."""
        n = integer(n, "n", 0, 10**9)
        bases = self.orthonormal_bases()
        weights = np.array([float(w) for w in self.weights])
        component = rng.choice(len(bases), size=n, p=weights / weights.sum())
        draws = np.empty((n, self.dimension))
        for k, basis in enumerate(bases):
            here = component == k
            draws[here] = rng.standard_normal((int(here.sum()), basis.shape[1])) @ basis.T
        return draws

    def exact_sample(self, component: int, n: int, seed: int) -> tuple[Vector, ...]:
        """n exact points of one component's subspace, in general position for almost every seed.

        The coefficients with respect to the subspace's rational basis are rounded standard normal
        draws, multiples of 1/1024: for statements about spans, not about the Gaussian law.
        """
        component = integer(component, "component", 0, self.components - 1)
        n = integer(n, "n", 1, 10**6)
        rng = np.random.default_rng(integer(seed, "seed", 0))
        basis = self.subspaces[component].basis
        drawn = np.rint(rng.standard_normal((n, len(basis))) * _GRID).astype(int)
        return tuple(_combination([Fraction(int(c), _GRID) for c in row], basis) for row in drawn)

    def to_dict(self) -> dict[str, Any]:
        """The target as plain JSON data; each subspace by independent vectors, numbers as strings."""
        return {
            "type": "low_rank_mixture",
            "weights": [text(w) for w in self.weights],
            "vectors": [[[text(x) for x in row] for row in s.basis] for s in self.subspaces],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> LowRankMixture:
        """The target that `to_dict` wrote, or one with `bases`; ValueError names a bad key."""
        if not isinstance(data, Mapping):
            raise ValueError("target: not a table with the keys weights and bases (or vectors)")
        for key in data:
            if key not in ("type", "weights", "bases", "vectors"):
                raise ValueError(f"target: unknown key {shown(key)} (weights, bases, vectors)")
        choice(data.get("type", "low_rank_mixture"), "target: type", ("low_rank_mixture",))
        if "weights" not in data or ("bases" in data) == ("vectors" in data):
            raise ValueError("target: the keys weights and exactly one of bases and vectors are needed")
        if "bases" in data:
            return cls(data["weights"], data["bases"])
        return cls.spanned(data["weights"], data["vectors"])

    def to_json(self) -> str:
        """The target as JSON text."""
        return json.dumps(self.to_dict())

    @classmethod
    def from_json(cls, source: str) -> LowRankMixture:
        """The target read from JSON text; bare numbers are read as exact decimals."""
        return cls.from_dict(parse_json(source, "target"))

    def __repr__(self) -> str:
        data = self.to_dict()
        return f"LowRankMixture.spanned(weights={data['weights']}, vectors={data['vectors']})"


def _combination(coefficients: Sequence[Fraction], rows: Sequence[Vector]) -> Vector:
    return tuple(
        sum((c * row[i] for c, row in zip(coefficients, rows, strict=True)), Fraction(0))
        for i in range(len(rows[0]))
    )


def channel_numbers(signal: Any, noise: Any) -> tuple[Fraction, Fraction]:
    """The exact s >= 0 and g > 0 of x = s X + g eps; ValueError for anything else."""
    s, g = rational(signal, "signal"), rational(noise, "noise")
    if s < 0:
        raise ValueError(f"signal: {shown(signal)} is negative")
    if g <= 0:
        raise ValueError(f"noise: {shown(noise)} is not positive")
    return s, g
