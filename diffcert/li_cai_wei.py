"""Instances of the schedule of Li, Cai and Wei: its parameters, one level, and a mixture noised to it.

What belongs here: the record, its validation, and the built-in family. What does not: what its quantities
are (`li_cai_wei_bindings`), the schedule as a list of levels for samplers (`numerics.schedules`), which is
refused where c1 log T/T exceeds 1. Here it is not: what fails there is to be seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

from diffcert.instance import Instance
from numerics import Mixture, Schedule, Target
from numerics.exact import integer, rational, shown, text
from numerics.low_rank_exact import Vector, vector_of

__all__ = ["LiCaiWeiInstance"]

NEEDS = {
    "recursion": "the parameters of the schedule of Li, Cai and Wei",
    "level": "one level of the schedule of Li, Cai and Wei",
    "noised_point": "a level of the schedule of Li, Cai and Wei, and a point",
    "trace_threshold": "a level of the schedule of Li, Cai and Wei, and a factor C_1",
}
"""What a quantity may need of such an instance -> what an instance without it lacks."""

MOST_LEVELS = 20_000
_KEYS = ("target", "levels", "c0", "c1", "level", "x", "factor")
_ATOM = Mixture([1], [0], 1)


@dataclass(frozen=True, init=False, repr=False)
class LiCaiWeiInstance(Instance):
    """The schedule of Li, Cai and Wei, one of its levels, and a mixture noised to that level.

    alpha_bar_T = T^-c0 and alpha_bar_{t-1} = alpha_bar_t (1 + beta (1 - alpha_bar_t)), beta = c1 log T/T.
    `steps` is the paper's T (T levels, T - 1 steps), and beta may exceed 1. `level` t, 2 <= t <= T, is
    where single steps are looked at: from alpha_bar_t to alpha_bar_(t-1). `target` is a mixture of variance
    1, by default a single component, `x` a point (a number or d of them; by default 0) at which the score's
    Jacobian is taken, `factor` the C_1 of the threshold C_1 log(KT); level 1 will do for these. Numbers are
    exact: int, Fraction, string; a float is the binary number that it is. Raises ValueError naming the
    argument, the value and the rule.
    """

    steps: int
    c0: Fraction
    c1: Fraction
    level: int | None
    x: Vector
    factor: Fraction | None

    def __init__(
        self,
        steps: Any,
        c0: Any = 2,
        c1: Any = 10,
        level: Any = None,
        target: Mixture | None = None,
        x: Any = None,
        factor: Any = None,
        target_name: str | None = None,
    ) -> None:
        count = integer(steps, "steps", 2, MOST_LEVELS)
        law = _ATOM if target is None else target
        if not isinstance(law, Mixture) or law.variance != 1:
            raise ValueError(f"target: {shown(target)} is not a mixture of variance 1")
        numbers = {"c0": rational(c0, "c0"), "c1": rational(c1, "c1")}
        c = None if factor is None else rational(factor, "factor")
        for name, number in (*numbers.items(), ("factor", c)):
            if number is not None and number <= 0:
                raise ValueError(f"{name}: {text(number)} is not positive")
        point = (Fraction(0),) * law.dimension
        if x is not None:
            alone = law.dimension == 1 and not isinstance(x, list | tuple)
            point = vector_of([x] if alone else x, "x", law.dimension)
        place = None if level is None else integer(level, "level", 1, count)
        if place is None and (x is not None or factor is not None):
            raise ValueError("level: a point and a factor belong to a level, and there is none")
        if c is not None and law.core.rank > 1:
            raise ValueError("factor: the tail of the trace is for means on a line")
        named: dict[str, Any] = {
            "target": law,
            "schedule": None,
            "sampler": None,
            "start": "exact",
            "snr": None,
            "parameters": (),
            "target_name": ("one" if target is None else "own")
            if target_name is None
            else str(target_name),
            "schedule_name": "",
            "steps": count,
            **numbers,
            "level": place,
            "x": point,
            "factor": c,
        }
        for name, value in named.items():
            object.__setattr__(self, name, value)

    @property
    def kind(self) -> str:
        """ "li_cai_wei"."""
        return "li_cai_wei"

    @property
    def index(self) -> int:
        """The place of the instance's level among the levels from the noisiest, T - t."""
        if self.level is None:
            raise KeyError("level")
        return self.steps - self.level

    def defines(self, needs: str) -> bool:
        """Whether the instance has what a quantity needs, a key of `NEEDS`."""
        if needs == "recursion":
            return True
        if self.level is None:
            return False
        if needs == "level":
            return self.level > 1
        return needs == "noised_point" or (needs == "trace_threshold" and self.factor is not None)

    @property
    def label(self) -> str:
        """One line for tables: "T 100, c0 2, c1 10, level 70, three, x 1/2"."""
        parts = [f"T {self.steps}", f"c0 {text(self.c0)}", f"c1 {text(self.c1)}"]
        if self.level is not None:
            parts.append(f"level {self.level}")
        if self.target != _ATOM:
            parts.append(self.target_name)
        if any(self.x):
            parts.append(f"x {', '.join(text(c) for c in self.x[:3])}")
        if self.factor is not None:
            parts.append(f"C1 {text(self.factor)}")
        return ", ".join(parts)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was changed on the way in: weights renormalised, atoms merged."""
        return self.target.notes

    def __repr__(self) -> str:
        arguments = [f"steps={self.steps}", f"c0={text(self.c0)!r}", f"c1={text(self.c1)!r}"]
        if self.level is not None:
            arguments.append(f"level={self.level}")
        if self.target != _ATOM:
            arguments.append(f"target={self.target!r}")
        if any(self.x):
            arguments.append(f"x={[text(c) for c in self.x]}")
        if self.factor is not None:
            arguments.append(f"factor={text(self.factor)!r}")
        return f"LiCaiWeiInstance({', '.join(arguments)})"

    def to_dict(self) -> dict[str, Any]:
        """The instance as plain JSON data with exact inputs; numbers are strings."""
        data: dict[str, Any] = {
            "target": {"name": self.target_name, **self.target.to_dict()},
            "levels": self.steps,
            "c0": text(self.c0),
            "c1": text(self.c1),
        }
        if self.level is not None:
            data |= {"level": self.level, "x": [text(c) for c in self.x]}
        if self.factor is not None:
            data["factor"] = text(self.factor)
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> LiCaiWeiInstance:
        """The instance that `to_dict` wrote; ValueError names a missing or unknown key."""
        if not isinstance(data, Mapping) or not isinstance(data.get("target"), Mapping):
            raise ValueError("instance: not a table with the key target")
        for key in data:
            if key not in _KEYS:
                raise ValueError(f"instance: unknown key {shown(key)} ({', '.join(_KEYS)})")
        for key in ("levels", "c0", "c1"):
            if key not in data:
                raise ValueError(f"instance: the key {key!r} is missing")
        target = dict(data["target"])
        name = target.pop("name", None)
        given = {key: value for key, value in data.items() if key not in ("target", "levels")}
        law: Any = Target.from_dict(target)
        return cls(data["levels"], target=law, **given, target_name=name)


# The built-in family

_PARAMETERS = (
    (4, "3/4", "5/2"),
    (8, "1/2", "3"),
    (9, "1", "4"),
    (20, "1", "5"),
    (50, "2", "10"),
    (100, "2", "10"),
    (100, "1", "4"),
    (100, "2", "3"),
    (100, "2", "21"),
    (400, "2", "10"),
    (400, "3", "12"),
    (400, "2", "8/3"),
    (1600, "2", "10"),
)
"""T, c0, c1: few and many steps, the ratio c1/c0 at and below 4, c1 log T/T close to 1 and small."""

_MIXTURES: tuple[tuple[str, Mixture], ...] = (
    ("two", Mixture(["1/2", "1/2"], [-2, 2], 1)),
    ("far", Mixture(["1/2", "1/2"], [-20, 20], 1)),
    ("rare", Mixture(["99/100", "1/100"], [0, 7], 1)),
    ("three", Mixture(["1/5", "1/2", "3/10"], [-3, 0, 4], 1)),
    ("row", Mixture(["1/8"] * 8, [3 * i for i in range(8)], 1)),
)
_PLANE = Mixture(["1/2", "1/4", "1/4"], [[0, 0, 0], [3, 1, 0], [-1, 2, 2]], 1)


@lru_cache(maxsize=1)
def recursions() -> tuple[LiCaiWeiInstance, ...]:
    """The schedules of the family."""
    return tuple(LiCaiWeiInstance(*parameters) for parameters in _PARAMETERS)


@lru_cache(maxsize=1)
def levels() -> tuple[LiCaiWeiInstance, ...]:
    """The first level, the last at which a step begins, and one between, of every schedule."""
    return tuple(
        LiCaiWeiInstance(*parameters, level=level)
        for parameters in _PARAMETERS
        for level in sorted({parameters[0], (4 * parameters[0]) // 5, 2}, reverse=True)
        if level > 1
    )


@lru_cache(maxsize=1)
def points() -> tuple[LiCaiWeiInstance, ...]:
    """Every mixture at some levels of one schedule, at points between and on its means."""
    made = [
        LiCaiWeiInstance(100, level=level, target=law, x=x, target_name=name)
        for name, law in _MIXTURES
        for level in (100, 80, 70, 1)
        for x in (0, "3/2")
    ]
    made += [
        LiCaiWeiInstance(
            100, level=level, target=_PLANE, x=["1/2", "1", "-1"], target_name="three in space"
        )
        for level in (85, 80)
    ]
    return tuple(made)


@lru_cache(maxsize=1)
def tails() -> tuple[LiCaiWeiInstance, ...]:
    """Every mixture on a line at some levels, with thresholds from small to large."""
    return tuple(
        LiCaiWeiInstance(100, level=level, target=law, factor=factor, target_name=name)
        for name, law in _MIXTURES
        for level in (90, 83, 78, 70)
        for factor in ("1/10", "1/2", "2", "4")
    )


def family_for(needs: Iterable[str]) -> tuple[Instance, ...]:
    """The built-in instances that define what a statement needs."""
    wanted = frozenset(needs)
    if "trace_threshold" in wanted:
        return tails()
    if "noised_point" in wanted:
        return points()
    return levels() if "level" in wanted else recursions()


def from_counterexample(data: Mapping[str, Any]) -> LiCaiWeiInstance:
    """The instance that a planted falsehood states as its counterexample.

    Keys: steps, c0, c1; level; weights, means; x; factor.
    """
    given = {key: value for key, value in data.items() if key not in ("weights", "means")}
    if "weights" in data:
        given["target"] = Mixture(data["weights"], data["means"], 1)
    return LiCaiWeiInstance(**given, target_name="counterexample")


def schedule_of(instance: LiCaiWeiInstance) -> Schedule:
    """The instance's schedule for samplers; ValueError where c1 log T/T exceeds 1."""
    return Schedule.li_cai_wei(instance.steps, instance.c0, instance.c1)
