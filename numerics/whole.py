"""X itself in the place of the core: what a sampler estimates that does not split off the noise of the
components.

What belongs here: the target that says so, its core as exact data, and `estimated`, which reads the option
`estimate`. What does not: quadrature (`whole_engines`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, NoReturn

import flint
import mpmath
import numpy as np
import numpy.typing as npt

from numerics.arithmetic import Arithmetic
from numerics.cores import Core
from numerics.exact import choice, shown
from numerics.targets import Target, checked_keys
from numerics.truth import SpanError

__all__ = ["ESTIMATES", "Whole", "WholeCore", "estimated"]

ESTIMATES = ("core", "X")
"""What a sampler may estimate: the core A, or X = A + noise itself."""


@dataclass(frozen=True)
class WholeCore:
    """The law of X itself, of the given target, where it is not discrete."""

    target: Target
    rank: int
    """The dimension of the smallest affine space that holds X."""
    variance: Fraction
    """V = E|X - EX|^2."""
    length_squared: Fraction
    """Functionals change on no shorter scale of snr than one over this."""
    is_general: bool = False
    """Whether components have different covariances."""

    @cached_property
    def _hash(self) -> int:
        return hash((self.target, self.rank, self.variance))

    def __hash__(self) -> int:
        return self._hash

    @property
    def diameter_squared(self) -> NoReturn:
        """None: SpanError, for X is unbounded."""
        raise SpanError("target: X itself is unbounded and has no diameter")

    def entropy(self, arithmetic: Arithmetic) -> Any:
        """The entropy of X, which is infinite."""
        infinite = {"ball": flint.arb.pos_inf(), "mpmath": mpmath.inf}
        return infinite.get(arithmetic.name, math.inf)


@dataclass(frozen=True)
class Whole(Target, type_name="whole"):
    """The same law with X itself in the place of the core: the sampler estimates X and knows no v.

    `target` is any target. Knots are signal-to-noise ratios of X (those of a target with v = 0), so that
    `variance` is 0 here, and mmse, mutual information and path KL are those of X. Components of different
    covariances are estimated so in any case. Raises ValueError if `target` is no target.
    """

    target: Target

    def __init__(self, target: Any) -> None:
        if not isinstance(target, Target):
            raise ValueError(f"target: {shown(target)} is not a target")
        object.__setattr__(self, "target", target.target if isinstance(target, Whole) else target)

    variance = Fraction(0)
    """0: the channel's variable is X itself, so that knots are those of a target with v = 0."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What was changed in the target, and that X is estimated."""
        note = "X itself is estimated; knots are its snr"
        return (*(x for x in self.target.notes if x != note), note)

    @property
    def dimension(self) -> int:
        """The ambient dimension d."""
        return self.target.dimension

    @property
    def second_moment(self) -> Fraction:
        """E|X|^2, about the origin."""
        return self.target.second_moment + self.target.dimension * self.target.variance

    @cached_property
    def core(self) -> Core:
        """The law of X; where v = 0 that of the target's core."""
        v, d, core = self.target.variance, self.target.dimension, self.target.core
        if not v:
            return core
        return WholeCore(self.target, d, core.variance + d * v, core.length_squared + v)

    def sample(self, rng: np.random.Generator, n: int) -> npt.NDArray[np.float64]:
        """n independent draws of X as floats, of shape (n, d); ValueError beyond 10^8 numbers."""
        return self.target.sample(rng, n)

    def __repr__(self) -> str:
        return f"Whole({self.target!r})"

    def to_dict(self) -> dict[str, Any]:
        """The target as plain JSON data, the one whose X it is inside."""
        return {"type": "whole", "target": self.target.to_dict()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Whole:
        """The target that `to_dict` wrote; ValueError names a missing or unknown key."""
        checked_keys(data, "whole", ("target",), ())
        inner = data["target"]
        if isinstance(inner, Mapping) and inner.get("type") == "whole":
            raise ValueError("target: a whole inside a whole")
        return cls(Target.from_dict(inner))


def estimated(target: Any, estimate: str | None = None) -> Target:
    """The target in which what `estimate` names is the channel's variable: "core", "X", or as it is.

    Raises ValueError for a target or an estimate that is none, and for the core of components of
    different covariances, which have none.
    """
    if not isinstance(target, Target):
        raise ValueError(f"target: {shown(target)} is not a target")
    if estimate is None:
        return target
    if choice(estimate, "estimate", ESTIMATES) == "X":
        return target if isinstance(target.core, WholeCore) else Whole(target)
    inner = target.target if isinstance(target, Whole) else target
    if isinstance(inner.core, WholeCore):
        raise ValueError("estimate: components of different covariances have no core; X is estimated")
    return inner
