"""Low-rank instances: a low-rank mixture with one noisy observation, with samples, or with both.

What belongs here: the record, its validation, and the built-in family. What does not: what its
quantities are (`low_rank_bindings`), the target itself (`numerics.low_rank`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Any

from diffcert.instance import Instance
from numerics.exact import shown, text
from numerics.low_rank import LowRankMixture, channel_numbers
from numerics.low_rank_exact import Vector, vector_of, vectors_of
from numerics.low_rank_posterior import Observation

__all__ = ["LowRankInstance"]

NEEDS = {
    "low_rank": "a low-rank target",
    "observation": "a low-rank target with an observation",
    "samples": "a low-rank target with samples",
    "inside": "samples of a single low-rank subspace",
}
"""What a quantity may need of a low-rank instance -> what an instance without it lacks."""

_KEYS = ("target", "signal", "noise", "x", "v", "w", "samples", "errors")


@dataclass(frozen=True, init=False, repr=False)
class LowRankInstance(Instance):
    """A low-rank mixture with the observation x = s X + g eps, with N samples, or with both.

    `signal` s >= 0 and `noise` g > 0; `x` is the observation, `v` and `w` the directions in which matrices
    and vectors are read (default: the first coordinate, and v). `samples` are N points of length d, the
    noiseless ones, and `errors` (default: none) what noise adds to them. Statements about recovery are
    about samples that lie in the only subspace. Numbers are exact: int, Fraction, string; a float is the
    binary number that it is. Raises ValueError naming the argument, the value and the rule.
    """

    target: Any
    signal: Fraction
    noise: Fraction
    x: Vector | None
    v: Vector
    w: Vector
    samples: tuple[Vector, ...]
    errors: tuple[Vector, ...]

    def __init__(
        self,
        target: LowRankMixture,
        signal: Any = 1,
        noise: Any = 1,
        x: Any = None,
        v: Any = None,
        w: Any = None,
        samples: Any = None,
        errors: Any = None,
        target_name: str | None = None,
    ) -> None:
        if not isinstance(target, LowRankMixture):
            raise ValueError(f"target: {shown(target)} is not a LowRankMixture")
        d = target.dimension
        s, g = channel_numbers(signal, noise)
        if x is None and samples is None:
            raise ValueError("x, samples: a low-rank instance needs an observation or samples")
        if x is None and (v is not None or w is not None):
            raise ValueError("v, w: they belong to an observation x, and there is none")
        first = tuple(Fraction(int(i == 0)) for i in range(d))
        direction = first if v is None else vector_of(v, "v", d)
        points = () if samples is None else vectors_of(samples, "samples", d)
        added = () if errors is None else vectors_of(errors, "errors", d)
        if added and len(added) != len(points):
            raise ValueError(f"errors: {len(added)} entries, but samples has {len(points)}")
        named = {
            "target": target,
            "schedule": None,
            "sampler": None,
            "start": "exact",
            "snr": None,
            "parameters": (),
            "target_name": "own" if target_name is None else str(target_name),
            "schedule_name": "",
            "signal": s,
            "noise": g,
            "x": None if x is None else vector_of(x, "x", d),
            "v": direction,
            "w": direction if w is None else vector_of(w, "w", d),
            "samples": points,
            "errors": added if any(map(any, added)) else (),
        }
        for name, value in named.items():
            object.__setattr__(self, name, value)

    @property
    def kind(self) -> str:
        """ "low_rank"."""
        return "low_rank"

    @cached_property
    def observation(self) -> Observation:
        """The observation x; to be asked only where there is one."""
        if self.x is None:
            raise KeyError("x")
        return Observation(self.target, self.x, self.signal, self.noise)

    @cached_property
    def noisy_samples(self) -> tuple[Vector, ...]:
        """The samples with what noise adds to them."""
        if not self.errors:
            return self.samples
        return tuple(
            tuple(a + b for a, b in zip(point, error, strict=True))
            for point, error in zip(self.samples, self.errors, strict=True)
        )

    def defines(self, needs: str) -> bool:
        """Whether the instance has what a quantity needs, a key of `NEEDS`."""
        if needs == "low_rank":
            return True
        if needs == "observation":
            return self.x is not None
        if needs == "samples":
            return bool(self.samples)
        single = self.target.components == 1 and bool(self.samples)
        return needs == "inside" and single and self.target.subspaces[0].contains(self.samples)

    @property
    def label(self) -> str:
        """One line for tables: "line and plane, s 1, g 1/2, 3 samples"."""
        parts = [self.target_name, f"s {text(self.signal)}", f"g {text(self.noise)}"]
        if self.x is not None:
            parts.append(f"x {_written(self.x)}")
        if self.samples:
            count = len(self.samples)
            parts.append(f"{count} {'noisy ' if self.errors else ''}sample{'s' * (count != 1)}")
        return ", ".join(parts)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was changed on the way in: weights renormalised, subspaces merged."""
        return tuple(self.target.notes)

    def __repr__(self) -> str:
        data = {key: value for key, value in self.to_dict().items() if key != "target"}
        arguments = ", ".join(f"{key}={value!r}" for key, value in data.items())
        return f"LowRankInstance({self.target!r}, {arguments})"

    def to_dict(self) -> dict[str, Any]:
        """The instance as plain JSON data with exact inputs; numbers are strings."""
        data: dict[str, Any] = {
            "target": {"name": self.target_name, **self.target.to_dict()},
            "signal": text(self.signal),
            "noise": text(self.noise),
        }
        if self.x is not None:
            data |= {name: [text(c) for c in getattr(self, name)] for name in ("x", "v", "w")}
        for name in ("samples", "errors"):
            if getattr(self, name):
                data[name] = [[text(c) for c in point] for point in getattr(self, name)]
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> LowRankInstance:
        """The instance that `to_dict` wrote; ValueError names a missing or unknown key."""
        if not isinstance(data, Mapping) or not isinstance(data.get("target"), Mapping):
            raise ValueError("instance: not a table with the key target")
        for key in data:
            if key not in _KEYS:
                raise ValueError(f"instance: unknown key {shown(key)} ({', '.join(_KEYS)})")
        target = dict(data["target"])
        name = target.pop("name", None)
        given = {key: value for key, value in data.items() if key != "target"}
        return cls(LowRankMixture.from_dict(target), **given, target_name=name)


def _written(vector: Iterable[Fraction]) -> str:
    """A point in a label: at most four coordinates are written."""
    texts = [text(c) for c in vector]
    if len(texts) > 4 or sum(map(len, texts)) > 40:
        return f"({texts[0][:12]}, ...)"
    return f"({', '.join(texts)})"


# The built-in family

_AXES = tuple(tuple(str(int(i == j)) for i in range(6)) for j in range(6))

TARGETS: Mapping[str, LowRankMixture] = {
    "line": LowRankMixture.spanned([1], [[[3, 4]]]),
    "plane": LowRankMixture.spanned([1], [[[1, 2, 0, 2], [2, 0, 1, -1]]]),
    "whole": LowRankMixture.spanned([1], [[[1, 0], [0, 1]]]),
    "line and plane": LowRankMixture.spanned(["1/3", "2/3"], [[[3, 4, 0]], [[1, 0, 0], [0, 1, 1]]]),
    "near lines": LowRankMixture.spanned(["1/2", "1/2"], [[[1, 0]], [["1", "1/100"]]]),
    "rare plane": LowRankMixture.spanned(
        [1 - Fraction(1, 10**30), Fraction(1, 10**30)], [[[1, 0, 0, 0]], [[0, 1, 0, 0], [0, 0, 1, 0]]]
    ),
    "orthogonal": LowRankMixture.spanned(["1/2", "1/3", "1/6"], [_AXES[:2], _AXES[2:3], _AXES[3:6]]),
}
"""Name -> built-in low-rank target; lines, planes, unequal ranks and weights, near and orthogonal ones."""

_CHANNELS = (("1", "1/2"), ("1/1000", "1"), ("1", "1/50"))
"""Pairs (s, g): much noise, nearly all noise, little noise."""


@lru_cache(maxsize=1)
def observations() -> tuple[LowRankInstance, ...]:
    """Every built-in target with a point near a subspace and one between them, at three noise levels."""
    result = []
    for name, target in TARGETS.items():
        d = target.dimension
        inside = target.exact_sample(0, 1, seed=1)[0]
        between = tuple(Fraction(1, i + 2) for i in range(d))
        near = tuple(a + b / 50 for a, b in zip(inside, between, strict=True))
        for signal, noise in _CHANNELS:
            for x in (near, between):
                result.append(
                    LowRankInstance(
                        target,
                        signal,
                        noise,
                        x=x,
                        v=between,
                        w=[(-1) ** i for i in range(d)],
                        target_name=name,
                    )
                )
    return tuple(result)


def _perturbed(samples: tuple[Vector, ...], size: Fraction) -> tuple[Vector, ...]:
    """Errors of about the given size, without pattern."""
    return tuple(
        tuple(size * Fraction((7 * i + 5 * j + 3 * i * j) % 11 - 5, 5) for j in range(len(point)))
        for i, point in enumerate(samples)
    )


@lru_cache(maxsize=1)
def samplings() -> tuple[LowRankInstance, ...]:
    """Built-in targets with exact samples: of one subspace for recovery, of several for clustering."""
    result = []
    for name in ("line", "plane"):
        target = TARGETS[name]
        for n in range(1, 2 * target.ranks[0] + 2):
            samples = target.exact_sample(0, n, seed=n)
            for size in (Fraction(0), Fraction(1, 1000), Fraction(1, 10)):
                errors = _perturbed(samples, size)
                result.append(
                    LowRankInstance(target, "1", "1/2", samples=samples, errors=errors, target_name=name)
                )
    wide = LowRankMixture.spanned([1], [_AXES[:5]])
    result += [
        LowRankInstance(wide, samples=wide.exact_sample(0, n, seed=n), target_name="hyperplane")
        for n in range(1, 8)
    ]
    for name in ("line and plane", "near lines", "orthogonal"):
        target = TARGETS[name]
        for signal, noise in _CHANNELS:
            drawn = [p for k in range(target.components) for p in target.exact_sample(k, 3, seed=k)]
            moved = _perturbed(tuple(drawn), Fraction(1, 10))
            result.append(
                LowRankInstance(target, signal, noise, samples=drawn, errors=moved, target_name=name)
            )
    return tuple(result)


def family_for(needs: Iterable[str]) -> tuple[Instance, ...]:
    """The built-in instances that define what a statement needs."""
    wanted = frozenset(needs)
    instances = observations() if "observation" in wanted else samplings()
    return tuple(i for i in instances if all(i.defines(need) for need in wanted))


def from_counterexample(data: Mapping[str, Any]) -> LowRankInstance:
    """The low-rank instance that a planted falsehood states as its counterexample.

    Keys: weights, vectors; signal, noise; x, v, w; samples, errors.
    """
    given = {key: value for key, value in data.items() if key not in ("weights", "vectors")}
    target = LowRankMixture.spanned(data["weights"], data["vectors"])
    return LowRankInstance(target, **given, target_name="counterexample")
