"""Targets: the laws to be sampled, exact.

What belongs here: a target's definition, its validation and serialisation. What does not: the
reduction to the span of the means (`cores`), quadrature.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from numerics.cores import Core, Point, PointCore, point_core
from numerics.exact import (
    LARGEST_EXPONENT,
    choice,
    integer,
    items,
    parse_json,
    rational,
    rationals,
    short,
    shown,
    text,
)

__all__ = ["MOST_SAMPLED", "Core", "Mixture", "Target", "checked_keys", "checked_sample", "non_negative"]

ROUNDING = Fraction(1, 10**12)
"""Float weights whose sum is this close to one are divided by their exact sum."""

LEAST_WEIGHT_EXPONENT = 300
"""Weights other than 0 are at least 1e-300."""

MOST_SAMPLED = 10**8
"""How many numbers one call of `sample` may return."""


class Target(ABC):
    """A law X = A + sqrt(v) xi in R^d to be sampled: a core A and one shared component variance v.

    What every target says of itself: `dimension` d, `variance` v, `second_moment` E|A|^2, `core` (the
    law of A, reduced exactly), `notes` (what was changed on the way in). Targets are immutable,
    hashable, and equal if their definitions are; `Target.from_json` reads any of them.
    """

    _types: ClassVar[dict[str, type[Target]]] = {}

    def __init_subclass__(cls, type_name: str) -> None:
        Target._types[type_name] = cls

    @property
    @abstractmethod
    def dimension(self) -> int:
        """The ambient dimension d."""

    @property
    @abstractmethod
    def variance(self) -> Fraction:
        """The shared component variance v."""

    @property
    @abstractmethod
    def notes(self) -> tuple[str, ...]:
        """What was changed on the way in."""

    @property
    @abstractmethod
    def second_moment(self) -> Fraction:
        """E|A|^2, about the origin."""

    @property
    @abstractmethod
    def core(self) -> Core:
        """The law of A, reduced exactly."""

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """What IPython and hypothesis print: the call that makes this."""
        printer.text(repr(self))

    @abstractmethod
    def sample(self, rng: np.random.Generator, n: int) -> npt.NDArray[np.float64]:
        """n independent draws of X as floats, of shape (n, d); ValueError beyond 10^8 numbers."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """The target as plain JSON data; numbers are strings, so that nothing is rounded."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Target:
        """The target that `to_dict` wrote, of the kind that its "type" names (mixture if none)."""
        if not isinstance(data, Mapping):
            raise ValueError(f"target: {shown(data)} is not a table")
        kind = choice(data.get("type", "mixture"), "target: type", tuple(Target._types))
        return Target._types[kind].from_dict(data)

    def to_json(self) -> str:
        """The target as JSON text."""
        return json.dumps(self.to_dict())

    @classmethod
    def from_json(cls, source: str) -> Self:
        """The target read from JSON text; bare numbers are read as exact decimals."""
        target = cls.from_dict(parse_json(source, "target"))
        assert isinstance(target, cls)
        return target


def non_negative(value: Any, name: str) -> Fraction:
    """The exact value of a number >= 0; ValueError naming the argument otherwise."""
    number = rational(value, name)
    if number < 0:
        raise ValueError(f"{name}: {shown(value)} is negative")
    return number


def checked_sample(n: Any, dimension: int) -> int:
    """A number of draws whose n d numbers are at most `MOST_SAMPLED`."""
    count = integer(n, "n", 0, 10**9)
    if count * dimension > MOST_SAMPLED:
        raise ValueError(f"n: {shown(count)} draws in dimension {dimension} exceed {MOST_SAMPLED} numbers")
    return count


def checked_keys(data: Any, kind: str, required: tuple[str, ...], optional: tuple[str, ...]) -> None:
    """ValueError unless `data` is a table of that kind with these keys."""
    names = ", ".join((*required, *optional))
    if not isinstance(data, Mapping):
        raise ValueError(f"target: not a table with the keys {names}")
    for key in data:
        if key not in ("type", *required, *optional):
            raise ValueError(f"target: unknown key {shown(key)} ({names})")
    for key in required:
        if key not in data:
            raise ValueError(f"target: the key {key!r} is missing")
    choice(data.get("type", kind), "target: type", (kind,))


def _parse_means(means: Any) -> tuple[Point, ...]:
    entries = items(means, "means")
    points = [isinstance(entry, Sequence | np.ndarray) and not isinstance(entry, str) for entry in entries]
    if any(points) and not all(points):
        raise ValueError("means: numbers and points are mixed; give K numbers or K points")
    if not points[0]:
        return tuple((x,) for x in rationals(entries, "means"))
    parsed = tuple(rationals(entry, f"means[{i}]") for i, entry in enumerate(entries))
    for i, point in enumerate(parsed):
        if len(point) != len(parsed[0]):
            raise ValueError(f"means[{i}]: {len(point)} coordinates, but means[0] has {len(parsed[0])}")
    return parsed


def _parse_weights(weights: Any) -> tuple[tuple[Fraction, ...], tuple[str, ...]]:
    entries = items(weights, "weights")
    parsed = rationals(entries, "weights", LEAST_WEIGHT_EXPONENT)
    for i, weight in enumerate(parsed):
        if weight < 0:
            raise ValueError(f"weights[{i}]: {shown(entries[i])} is negative")
    total = sum(parsed, Fraction(0))
    if total == 1:
        return parsed, ()
    inexact = any(isinstance(weight, float | np.floating) for weight in entries)
    if inexact and abs(total - 1) <= ROUNDING:
        excess = float(total - 1)
        note = f"the float weights sum to 1 {excess:+.3g} and were divided by their exact sum"
        return tuple(weight / total for weight in parsed), (note,)
    raise ValueError(f"weights: the sum is {short(total)}, not 1")


@dataclass(frozen=True)
class Mixture(Target, type_name="mixture"):
    """A Gaussian mixture X = A + sqrt(v) xi in R^d with one shared component variance v >= 0.

    `weights` has shape (K,) and sums to one, `means` has shape (K,) or (K, d), `variance` is the
    number v (v = 0: a discrete target). Numbers are exact: int, Fraction, "1/3",
    "0.05", "1e-3"; a float is the binary number that it is. Components of weight zero are dropped and
    coinciding atoms merged; `notes` says what was changed. With `covariances`, of shape (K,) or (K, d, d),
    in place of `variance` the call gives a `GeneralMixture`, of which X itself is estimated. Raises
    ValueError naming the argument, the value and the rule.
    """

    weights: tuple[Fraction, ...]
    means: tuple[Point, ...]
    variance: Fraction = Fraction(1)
    notes: tuple[str, ...] = field(default=(), compare=False)

    def __new__(
        cls, weights: Any = (), means: Any = (), variance: Any = 1, covariances: Any = None
    ) -> Mixture:
        """The mixture, or a GeneralMixture if there are covariances (it is no Mixture: it has no v)."""
        if covariances is None:
            return super().__new__(cls)
        if variance != 1:
            raise ValueError("variance: given beside covariances; give one of them")
        from numerics.components import GeneralMixture

        return GeneralMixture(weights, means, covariances)  # type: ignore[return-value]

    def __init__(self, weights: Any, means: Any, variance: Any = 1, covariances: Any = None) -> None:
        points = _parse_means(means)
        probabilities, notes = _parse_weights(weights)
        if len(points) != len(probabilities):
            raise ValueError(f"weights: {len(probabilities)} entries, but means has {len(points)}")
        spread = non_negative(variance, "variance")
        merged: dict[Point, Fraction] = {}
        for weight, point in zip(probabilities, points, strict=True):
            if weight:
                merged[point] = merged.get(point, Fraction(0)) + weight
        dropped = sum(1 for weight in probabilities if not weight)
        if dropped:
            notes += (f"{dropped} component{'s' * (dropped > 1)} of weight zero dropped",)
        if len(merged) + dropped < len(points):
            notes += (f"{len(points) - dropped} atoms merged into {len(merged)} distinct ones",)
        object.__setattr__(self, "weights", tuple(merged.values()))
        object.__setattr__(self, "means", tuple(merged))
        object.__setattr__(self, "variance", spread)
        object.__setattr__(self, "notes", notes)

    @property
    def dimension(self) -> int:
        """The ambient dimension d."""
        return len(self.means[0])

    @cached_property
    def core(self) -> PointCore:
        """The discrete law of the means, reduced exactly to its affine span."""
        core = point_core(self.weights, self.means)
        limit = 10 ** (2 * LARGEST_EXPONENT)
        if core.rank and not Fraction(1, limit) <= core.diameter_squared <= limit:
            raise ValueError(
                f"means: the atoms' diameter is not between 1e-{LARGEST_EXPONENT} and 1e{LARGEST_EXPONENT}"
            )
        return core

    @cached_property
    def second_moment(self) -> Fraction:
        """E|A|^2, about the origin."""
        terms = (w * x * x for w, a in zip(self.weights, self.means, strict=True) for x in a if x)
        return sum(terms, Fraction(0))

    def sample(self, rng: np.random.Generator, n: int) -> npt.NDArray[np.float64]:
        """n independent draws of X as floats, of shape (n, d); ValueError beyond 10^8 numbers."""
        n = checked_sample(n, self.dimension)
        weights = np.array([float(w) for w in self.weights])
        means = np.array([[float(x) for x in point] for point in self.means])
        component = rng.choice(len(weights), size=n, p=weights / weights.sum())
        noise = rng.standard_normal((n, self.dimension))
        return np.asarray(means[component] + float(self.variance) ** 0.5 * noise)

    def __repr__(self) -> str:
        weights = [text(w) for w in self.weights]
        means: list[Any] = [[text(x) for x in point] for point in self.means]
        if self.dimension == 1:
            means = [point[0] for point in means]
        return f"Mixture(weights={weights}, means={means}, variance={text(self.variance)!r})"

    def to_dict(self) -> dict[str, Any]:
        """The target as plain JSON data; numbers are strings, so that nothing is rounded."""
        return {
            "type": "mixture",
            "weights": [text(w) for w in self.weights],
            "means": [[text(x) for x in point] for point in self.means],
            "variance": text(self.variance),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Mixture:
        """The target that `to_dict` wrote, or one with covariances; ValueError names a bad key."""
        checked_keys(data, "mixture", ("weights", "means"), ("variance", "covariances"))
        if "covariances" in data and "variance" in data:
            raise ValueError("variance: given beside covariances; give one of them")
        return cls(data["weights"], data["means"], data.get("variance", 1), data.get("covariances"))
