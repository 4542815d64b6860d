"""Structured targets of any size: independent copies of a target, and orthogonal equiprobable atoms.

What belongs here: `Product` and `Orthogonal`, their validation, serialisation and cores. What does
not: their functionals (`orthogonal`; a product's are multiples of its factor's).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from numerics.arithmetic import Arithmetic
from numerics.cores import Core, PointCore
from numerics.exact import integer, shown, text
from numerics.targets import Target, checked_keys, checked_sample, non_negative
from numerics.whole import WholeCore

__all__ = ["MOST_COMPONENTS", "MOST_COPIES", "Orthogonal", "OrthogonalCore", "Product", "ProductCore"]

MOST_COMPONENTS = 10**9
"""The largest K of `Orthogonal`."""

MOST_COPIES = 10**9
"""The largest number of copies in one `Product`, and of its Gaussian directions."""

MOST_NESTED = 8
"""How many products may stand inside one another."""


@dataclass(frozen=True)
class OrthogonalCore:
    """K >= 2 equiprobable atoms b e_1, ..., b e_K."""

    components: int
    radius_squared: Fraction
    """b^2 > 0."""

    @property
    def rank(self) -> int:
        """The dimension K - 1 of the affine span of the atoms."""
        return self.components - 1

    @property
    def variance(self) -> Fraction:
        """V = E|A - EA|^2 = b^2 (1 - 1/K)."""
        return self.radius_squared * Fraction(self.components - 1, self.components)

    @property
    def length_squared(self) -> Fraction:
        """The square of the longest length in the core: the diameter's, 2 b^2."""
        return 2 * self.radius_squared

    @property
    def diameter_squared(self) -> Fraction:
        """D^2 = 2 b^2, the squared distance between two atoms."""
        return 2 * self.radius_squared

    def entropy(self, arithmetic: Arithmetic) -> Any:
        """The entropy log K in nats, in the given number system (within its `precision()`)."""
        return arithmetic.log(arithmetic.number(self.components))


@dataclass(frozen=True)
class ProductCore:
    """m independent copies of a core, in orthogonal subspaces: M, I, C, H, V and ranks add."""

    factor: PointCore | OrthogonalCore | WholeCore
    copies: int

    @property
    def rank(self) -> int:
        """The dimension of the affine span of the atoms."""
        return self.copies * self.factor.rank

    @property
    def variance(self) -> Fraction:
        """V = E|A - EA|^2."""
        return self.copies * self.factor.variance

    @property
    def length_squared(self) -> Fraction:
        """The square of the longest length in one factor."""
        return self.factor.length_squared

    @property
    def diameter_squared(self) -> Fraction:
        """D^2, the largest squared distance between two atoms: m times the factor's."""
        return self.copies * self.factor.diameter_squared

    def entropy(self, arithmetic: Arithmetic) -> Any:
        """The entropy in nats, in the given number system (within its `precision()`)."""
        return self.copies * self.factor.entropy(arithmetic)


@dataclass(frozen=True)
class Orthogonal(Target, type_name="orthogonal"):
    """K orthogonal equiprobable components: X = A + sqrt(v) xi in R^K, A uniform on b e_1, ..., b e_K.

    `components` is K, 1 to 10^9, `radius` the number b >= 0, `variance` the shared v >= 0. Numbers are
    exact, as for `Mixture`. Raises ValueError naming the argument, the value and the rule.
    """

    components: int
    radius: Fraction
    variance: Fraction = Fraction(1)
    notes: tuple[str, ...] = field(default=(), compare=False)

    def __init__(self, components: Any, radius: Any, variance: Any = 1) -> None:
        count = integer(components, "components", 1, MOST_COMPONENTS)
        length = non_negative(radius, "radius")
        notes: tuple[str, ...] = ()
        if not length and count > 1:
            notes = (f"radius 0: the {count} atoms coincide",)
        object.__setattr__(self, "components", count)
        object.__setattr__(self, "radius", length)
        object.__setattr__(self, "variance", non_negative(variance, "variance"))
        object.__setattr__(self, "notes", notes)

    @property
    def dimension(self) -> int:
        """The ambient dimension d = K."""
        return self.components

    @property
    def second_moment(self) -> Fraction:
        """E|A|^2 = b^2, about the origin."""
        return self.radius**2

    @cached_property
    def core(self) -> PointCore | OrthogonalCore:
        """The law of the atoms; a single point if they coincide."""
        if self.components == 1 or not self.radius:
            return PointCore((Fraction(1),), ((),), (), Fraction(0))
        if self.components == 2:
            half = Fraction(1, 2)
            ends = ((Fraction(0),), (Fraction(1),))
            return PointCore((half, half), ends, (Fraction(1),), 2 * self.radius**2)
        return OrthogonalCore(self.components, self.radius**2)

    def sample(self, rng: np.random.Generator, n: int) -> npt.NDArray[np.float64]:
        """n independent draws of X as floats, of shape (n, K); ValueError beyond 10^8 numbers."""
        n = checked_sample(n, self.dimension)
        result = float(self.variance) ** 0.5 * rng.standard_normal((n, self.components))
        result[np.arange(n), rng.integers(self.components, size=n)] += float(self.radius)
        return np.asarray(result)

    def __repr__(self) -> str:
        radius, variance = text(self.radius), text(self.variance)
        return f"Orthogonal(components={self.components}, radius={radius!r}, variance={variance!r})"

    def to_dict(self) -> dict[str, Any]:
        """The target as plain JSON data; numbers other than K are strings."""
        return {
            "type": "orthogonal",
            "components": self.components,
            "radius": text(self.radius),
            "variance": text(self.variance),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Orthogonal:
        """The target that `to_dict` wrote; ValueError names a missing or unknown key."""
        checked_keys(data, "orthogonal", ("components", "radius"), ("variance",))
        return cls(data["components"], data["radius"], data.get("variance", 1))


@dataclass(frozen=True)
class Product(Target, type_name="product"):
    """m independent copies of a target, and of Gaussian directions N(0, v): one law in R^(m d + g).

    `target` is any target, `copies` is m, 1 to 10^9; `gaussian_directions`, 0 to 10^9, are g further
    coordinates with the target's variance v, which leave the core as it is. Raises ValueError naming
    the argument, the value and the rule.
    """

    target: Target
    copies: int = 1
    gaussian_directions: int = 0

    def __init__(self, target: Any, copies: Any = 1, gaussian_directions: Any = 0) -> None:
        if not isinstance(target, Target):
            raise ValueError(f"target: {shown(target)} is not a target")
        inner, depth = target, 1
        while isinstance(inner, Product):
            inner, depth = inner.target, depth + 1
        if depth > MOST_NESTED:
            raise ValueError(f"target: more than {MOST_NESTED} products inside one another")
        object.__setattr__(self, "target", target)
        object.__setattr__(self, "copies", integer(copies, "copies", 1, MOST_COPIES))
        further = integer(gaussian_directions, "gaussian_directions", 0, MOST_COPIES)
        object.__setattr__(self, "gaussian_directions", further)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was changed in the factor."""
        return self.target.notes

    @property
    def variance(self) -> Fraction:
        """The shared variance v of the components."""
        return self.target.variance

    @property
    def dimension(self) -> int:
        """The ambient dimension m d + g."""
        return self.copies * self.target.dimension + self.gaussian_directions

    @property
    def second_moment(self) -> Fraction:
        """E|A|^2, about the origin."""
        return self.copies * self.target.second_moment

    @cached_property
    def core(self) -> Core:
        """The product of the factor's core with itself."""
        core = self.target.core
        if self.copies == 1 or core.rank == 0:
            return core
        if isinstance(core, ProductCore):
            return ProductCore(core.factor, core.copies * self.copies)
        if isinstance(core, PointCore | OrthogonalCore | WholeCore):
            return ProductCore(core, self.copies)
        raise ValueError(f"target: no products of {shown(self.target)}")

    def sample(self, rng: np.random.Generator, n: int) -> npt.NDArray[np.float64]:
        """n independent draws of X as floats, of shape (n, m d + g); ValueError beyond 10^8 numbers."""
        n = checked_sample(n, self.dimension)
        copies = self.target.sample(rng, n * self.copies)
        copies = copies.reshape(n, self.copies * self.target.dimension)
        noise = float(self.variance) ** 0.5 * rng.standard_normal((n, self.gaussian_directions))
        return np.concatenate([copies, noise], axis=1)

    def __repr__(self) -> str:
        further = f", gaussian_directions={self.gaussian_directions}" if self.gaussian_directions else ""
        return f"Product({self.target!r}, copies={self.copies}{further})"

    def to_dict(self) -> dict[str, Any]:
        """The target as plain JSON data, its factor inside."""
        data = {"type": "product", "target": self.target.to_dict(), "copies": self.copies}
        if self.gaussian_directions:
            data["gaussian_directions"] = self.gaussian_directions
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Product:
        """The target that `to_dict` wrote; ValueError names a missing or unknown key."""
        checked_keys(data, "product", ("target",), ("copies", "gaussian_directions"))
        inner: Any = data
        for _ in range(MOST_NESTED + 1):
            if not isinstance(inner, Mapping) or inner.get("type") != "product":
                break
            inner = inner.get("target")
        else:
            raise ValueError(f"target: more than {MOST_NESTED} products inside one another")
        target = Target.from_dict(data["target"])
        return cls(target, data.get("copies", 1), data.get("gaussian_directions", 0))
