"""Schedules: noise levels in the user's convention, turned into signal-to-noise knots for a target.

What belongs here: the named constructors and their validation, knots at a precision, serialisation.
What does not: the formulas of the levels (`levels`), errors (`path`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any, TypeAlias

from numerics.arithmetic import Arithmetic, balls, bits_for, mpmath_numbers
from numerics.channel import choose_engine
from numerics.exact import choice, integer, parse_json, rational, rationals, short, shown, text
from numerics.levels import KNOTS, LEVELS, TRAINING_LEVELS, Level
from numerics.targets import Target
from numerics.truth import PrecisionError

__all__ = ["MOST_STEPS", "Schedule"]

MOST_STEPS = 1_000_000

Parameter: TypeAlias = Fraction | str | tuple[Fraction, ...]

_CONVENTIONS = {
    "karras": "sigmas",
    "from_sigmas": "sigmas",
    "flow_matching": "times",
    "from_times": "times",
    "geometric": "snr",
    "uniform": "snr",
    "from_snr": "snr",
    "best": "snr",
}

LISTS = {
    "from_alpha_bar": "alpha_bar",
    "from_sigmas": "sigmas",
    "from_times": "times",
    "from_snr": "snr",
    "best": "snr",
}


def _checked_list(values: Any, name: str, low: int, high: int | None, increasing: bool) -> Any:
    numbers = rationals(values, name)
    if len(numbers) < 2:
        raise ValueError(f"{name}: one level makes no step; give at least two")
    for i, x in enumerate(numbers):
        if x < low or (high is not None and x > high):
            rule = f"at least {low}" if high is None else f"between {low} and {high}"
            raise ValueError(f"{name}[{i}]: {short(x)} is not {rule}")
    steps = [b - a if increasing else a - b for a, b in pairwise(numbers)]
    if any(step <= 0 for step in steps):
        i = next(i for i, step in enumerate(steps) if step <= 0)
        hint = "; reverse the list" if all(step < 0 for step in steps) else ""
        word = "increase" if increasing else "decrease"
        raise ValueError(
            f"{name}[{i + 1}]: {short(numbers[i + 1])} follows {short(numbers[i])}, but levels must"
            f" {word} from noise to data{hint}"
        )
    return numbers


@dataclass(frozen=True)
class Schedule:
    """A list of noise levels from noise to data, in one of the usual conventions.

    Made by the named constructors. `steps=n` means n transitions and n + 1 levels, the last one free
    of noise; where the target is discrete (v = 0) that level is dropped, and `notes` says so. Levels
    are exact formulas: irrational ones are recomputed at every precision.
    """

    name: str
    parameters_items: tuple[tuple[str, Parameter], ...]

    @property
    def parameters(self) -> dict[str, Any]:
        """The constructor's arguments, exact."""
        return dict(self.parameters_items)

    @property
    def steps(self) -> int:
        """The number of steps as asked for; for a list, one less than its length."""
        parameters = self.parameters
        if self.name in LISTS:
            return len(parameters[LISTS[self.name]]) - 1
        return int(parameters["steps"])

    @property
    def convention(self) -> str:
        """ "alpha_bar", "sigmas", "times" (flow matching) or "snr" (knots of the core)."""
        return _CONVENTIONS.get(self.name, "alpha_bar")

    @property
    def ends_noise_free(self) -> bool:
        """Whether the last level is free of noise; False for knots of the core."""
        if self.name in LISTS:
            clean = {"alpha_bar": 1, "sigmas": 0, "times": 0}.get(self.convention)
            return bool(self.parameters[LISTS[self.name]][-1] == clean)
        return self.name not in (*KNOTS, "li_cai_wei")

    @property
    def last_knot(self) -> Fraction:
        """The last knot of a schedule in the snr convention, exactly; ValueError for the others."""
        if self.convention != "snr":
            raise ValueError(f"schedule: the last knot of {self.name} depends on the target")
        parameters = self.parameters
        last: Fraction = parameters["snr"][-1] if "snr" in parameters else parameters["last"]
        return last

    # Constructors

    @classmethod
    def _spaced(cls, name: str, steps: int, spacing: str) -> Schedule:
        count = integer(steps, "steps", 1, TRAINING_LEVELS)
        choice(spacing, "spacing", ("linspace", "leading", "trailing"))
        return cls(name, (("steps", Fraction(count)), ("spacing", spacing)))

    @classmethod
    def ddpm_linear(cls, steps: int, spacing: str = "linspace") -> Schedule:
        """DDPM's linear beta from 1e-4 to 0.02 over 1000 training levels, sub-sampled (Ho et al. 2020)."""
        return cls._spaced("ddpm_linear", steps, spacing)

    @classmethod
    def scaled_linear(cls, steps: int, spacing: str = "linspace") -> Schedule:
        """sqrt(beta) linear from sqrt(0.00085) to sqrt(0.012) (latent diffusion, Rombach et al. 2022)."""
        return cls._spaced("scaled_linear", steps, spacing)

    @classmethod
    def cosine(cls, steps: int, spacing: str = "linspace") -> Schedule:
        """The cosine schedule, s = 0.008, beta clipped at 0.999 (Nichol and Dhariwal 2021)."""
        return cls._spaced("cosine", steps, spacing)

    @classmethod
    def karras(cls, steps: int) -> Schedule:
        """EDM's sigmas, from 80 to 0.002 with rho = 7, then 0 (Karras et al. 2022)."""
        return cls("karras", (("steps", Fraction(integer(steps, "steps", 1, MOST_STEPS))),))

    @classmethod
    def flow_matching(cls, steps: int) -> Schedule:
        """Linear interpolation times tau = 1 - k/n (Lipman et al. 2023)."""
        return cls("flow_matching", (("steps", Fraction(integer(steps, "steps", 1, MOST_STEPS))),))

    @classmethod
    def li_cai_wei(cls, steps: int, c0: Any = 2, c1: Any = 10) -> Schedule:
        """alpha_bar_T = T^-c0, alpha_bar_{t-1} = alpha_bar_t (1 + c1 (log T/T) (1 - alpha_bar_t)).

        `steps` is the paper's T; the levels are alpha_bar_T, ..., alpha_bar_1 (2504.05300). Raises
        ValueError unless c1 log T / T <= 1, without which alpha_bar can pass 1.
        """
        count = integer(steps, "steps", 2, MOST_STEPS)
        exponent, rate = rational(c0, "c0"), rational(c1, "c1")
        for name, value in (("c0", exponent), ("c1", rate)):
            if value <= 0:
                raise ValueError(f"{name}: {short(value)} is not positive")
        with balls(128).precision():
            ops = balls(128)
            if not ops.number(rate) * ops.log(ops.number(count)) <= count:
                raise ValueError(
                    f"steps: at T = {count}, c1 log(T)/T exceeds 1 (c1 = {short(rate)}) and alpha_bar"
                    " can pass 1"
                )
        return cls("li_cai_wei", (("steps", Fraction(count)), ("c0", exponent), ("c1", rate)))

    @classmethod
    def geometric(cls, steps: int, first: Any = "1e-3", last: Any = 1) -> Schedule:
        """Knots of the core 0, t_1 = first, ..., t_n = last in constant ratio."""
        count = integer(steps, "steps", 1, MOST_STEPS)
        low, high = rational(first, "first"), rational(last, "last")
        if low <= 0:
            raise ValueError(f"first: {short(low)} is not positive")
        if count == 1 and low != high:
            raise ValueError(f"steps: 1 step from 0 needs first = last, not {short(low)} and {short(high)}")
        if count > 1 and high <= low:
            raise ValueError(f"last: {short(high)} does not exceed first = {short(low)}")
        return cls("geometric", (("steps", Fraction(count)), ("first", low), ("last", high)))

    @classmethod
    def uniform(cls, steps: int, last: Any = 1) -> Schedule:
        """Knots of the core k last / n."""
        count = integer(steps, "steps", 1, MOST_STEPS)
        high = rational(last, "last")
        if high <= 0:
            raise ValueError(f"last: {short(high)} is not positive")
        return cls("uniform", (("steps", Fraction(count)), ("last", high)))

    @classmethod
    def from_alpha_bar(cls, alpha_bar: Any) -> Schedule:
        """The user's alpha_bar, increasing from noise to data, between 0 and 1."""
        return cls("from_alpha_bar", (("alpha_bar", _checked_list(alpha_bar, "alpha_bar", 0, 1, True)),))

    @classmethod
    def from_sigmas(cls, sigmas: Any) -> Schedule:
        """The user's sigmas, decreasing from noise to data; a final 0 is the noise-free level."""
        return cls("from_sigmas", (("sigmas", _checked_list(sigmas, "sigmas", 0, None, False)),))

    @classmethod
    def from_times(cls, times: Any) -> Schedule:
        """The user's flow-matching times, decreasing from 1 (noise) towards 0."""
        return cls("from_times", (("times", _checked_list(times, "times", 0, 1, False)),))

    @classmethod
    def from_snr(cls, snr: Any) -> Schedule:
        """The user's knots of the core, increasing, at least 0."""
        return cls("from_snr", (("snr", _checked_list(snr, "snr", 0, None, True)),))

    @classmethod
    def best(
        cls, target: Target, steps: int, start: Any = 0, stop: Any = None, digits: int | None = None
    ) -> Schedule:
        """The schedule of least path KL for the target that `best_schedules` finds, its knots rounded.

        From snr `start` of the core to `stop` (1/v by default; needed where v = 0). Knots are good to 12
        digits, or to `digits`; the last may be off by one. Raises ValueError, SpanError, PrecisionError.
        """
        from numerics.best import best_schedules

        return best_schedules(target, steps, start, stop, digits)[0].schedule

    @classmethod
    def of_best(cls, snr: Any, digits: int) -> Schedule:
        """A schedule as `best` returns it, from its knots rounded to so many digits of t - start."""
        knots = _checked_list(snr, "snr", 0, None, True)
        return cls("best", (("snr", knots), ("digits", Fraction(integer(digits, "digits", 1, 1000)))))

    # Levels and knots

    def levels(self, ops: Arithmetic) -> list[Level]:
        """The levels from noise to data in a number system, within its `precision()`.

        Raises ValueError for the snr convention, whose knots are the core's and not levels.
        """
        if self.name in KNOTS:
            raise ValueError(f"schedule: {self.name} gives knots of the core, not noise levels")
        return LEVELS[self.name](self.parameters, ops)

    def knots(self, target: Target, ops: Arithmetic) -> list[Any]:
        """The core's signal-to-noise ratios in a number system, within its `precision()`."""
        if not isinstance(target, Target):
            raise ValueError(f"target: {shown(target)} is not a target")
        if self.name in KNOTS:
            return KNOTS[self.name](self.parameters, ops)
        variance = ops.number(target.variance)
        levels = [level for level in self.levels(ops) if target.variance or not level.noise_free]
        if len(levels) < 2:
            raise ValueError(
                "schedule: without its noise-free level no step is left, and the target has v = 0"
            )
        return [level.signal / (level.noise + level.signal * variance) for level in levels]

    def snr(self, target: Target, digits: int | None = None, engine: str | None = None) -> list[Any]:
        """The core's signal-to-noise knots, increasing: floats, balls or mpf.

        With `digits=n` each is good to n digits. The noise-free level is dropped where v = 0.
        """
        chosen, digits = choose_engine(digits, engine)
        if chosen == "mpmath" and digits is not None:
            with mpmath_numbers(digits + 15).precision():
                return self.knots(target, mpmath_numbers(digits + 15))
        if digits is None:
            return [float(t.mid()) for t in self.certified_knots(target, 64)]
        return self.certified_knots(target, bits_for(digits))

    def certified_knots(self, target: Target, bits: int) -> list[Any]:
        """The knots as balls that are certainly increasing, each good to `bits` bits relative."""
        extra = 64 + self.steps.bit_length()
        for _ in range(8):
            ops = balls(bits + extra)
            with ops.precision():
                knots = self.knots(target, ops)
                if all(t.rel_accuracy_bits() >= bits for t in knots[1:]) and all(
                    a < b for a, b in pairwise(knots)
                ):
                    return knots
            extra *= 2
        raise PrecisionError(f"schedule: the knots of {self.name} are too close to be told apart")

    def notes(self, target: Target) -> tuple[str, ...]:
        """What the reader of a result should know: a dropped noise-free level."""
        if not isinstance(target, Target):
            raise ValueError(f"target: {shown(target)} is not a target")
        if self.name == "best":
            digits = self.parameters["digits"]
            return (f"best schedule: stationary knots, rounded to {digits} digits of t - start",)
        if target.variance or not self.ends_noise_free:
            return ()
        return (
            "v = 0: the noise-free last level (snr infinite) is dropped; the path ends one knot earlier",
        )

    # Serialisation

    def __repr__(self) -> str:
        arguments = []
        for key, value in self.parameters_items:
            if self.name == "best" and key == "digits":
                arguments.append(f"digits={value}")
            elif isinstance(value, tuple):
                arguments.append(repr([text(x) for x in value]))
            elif key == "steps":
                arguments.append(f"steps={value}")
            else:
                shown = value if isinstance(value, str) else text(value)
                arguments.append(f"{key}={shown!r}")
        name = "of_best" if self.name == "best" else self.name
        return f"Schedule.{name}({', '.join(arguments)})"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """What IPython and hypothesis print: the call that makes this."""
        printer.text(repr(self))

    def to_dict(self) -> dict[str, Any]:
        """The schedule as plain JSON data: its constructor and exact parameters."""
        data: dict[str, Any] = {"type": self.name}
        for key, value in self.parameters_items:
            if isinstance(value, tuple):
                data[key] = [text(x) for x in value]
            elif key == "steps" or (self.name == "best" and key == "digits"):
                data[key] = int(str(value))
            else:
                data[key] = value if isinstance(value, str) else text(value)
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Schedule:
        """The schedule that `to_dict` wrote; ValueError names a missing or unknown key."""
        if not isinstance(data, Mapping):
            raise ValueError("schedule: not a table with the key 'type'")
        name = choice(data.get("type"), "schedule: type", (*LEVELS, *KNOTS))
        arguments = {key: value for key, value in data.items() if key != "type"}
        allowed = {
            "li_cai_wei": {"steps", "c0", "c1"},
            "geometric": {"steps", "first", "last"},
            "uniform": {"steps", "last"},
            "karras": {"steps"},
            "flow_matching": {"steps"},
            "best": {"snr", "digits"},
        }.get(name, {LISTS[name]} if name in LISTS else {"steps", "spacing"})
        for key in arguments:
            if key not in allowed:
                known = ", ".join(sorted(allowed))
                raise ValueError(f"schedule: unknown key {shown(key)} ({known})")
        for required in ("snr", "digits") if name == "best" else (LISTS.get(name, "steps"),):
            if required not in arguments:
                raise ValueError(f"schedule: the key {required!r} is missing")
        constructor: Callable[..., Schedule] = getattr(cls, "of_best" if name == "best" else name)
        return constructor(**arguments)

    def to_json(self) -> str:
        """The schedule as JSON text."""
        return json.dumps(self.to_dict())

    @classmethod
    def from_json(cls, source: str) -> Schedule:
        """The schedule read from JSON text; bare numbers are read as exact decimals."""
        return cls.from_dict(parse_json(source, "schedule"))
