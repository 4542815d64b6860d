"""Instance: what a claim is asked about.

What belongs here: the record and its validation at the border. What does not: evaluating it
(`bindings`), or the built-in instances (`family`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

from numerics import Schedule, Target, samplers
from numerics.exact import rational, text

__all__ = ["Instance"]

STARTS = ("exact", "normal")
PARAMETERS = ("epsilon", "spacing", "strip")
_OWN = "own"


def _label_of(schedule: Schedule | None) -> str:
    return "" if schedule is None else schedule.name.replace("_", "-")


def _exact_parameters(parameters: Any) -> tuple[tuple[str, Fraction], ...]:
    if not isinstance(parameters, Mapping):
        raise ValueError(f"parameters: {parameters!r} is not a mapping from names to numbers")
    unknown = sorted((key for key in parameters if key not in PARAMETERS), key=str)
    if unknown:
        raise ValueError(f"parameters: unknown name {unknown[0]!r} ({', '.join(PARAMETERS)})")
    exact = {name: rational(value, name) for name, value in parameters.items()}
    for name, value in exact.items():
        if value <= 0:
            raise ValueError(f"{name}: {value} is not positive")
    return tuple(sorted(exact.items()))


@dataclass(frozen=True, init=False)
class Instance:
    """A target with a schedule (a path) or with one signal-to-noise ratio (a point), and parameters.

    `schedule` and `snr` exclude each other; with neither, only quantities of the target itself are
    defined. `sampler` (any of `samplers`, with or without a score error; default: the matched variance)
    and `start` ("exact" or "normal") belong to a path. `parameters` may give epsilon, and spacing and
    strip for the trapezoidal rule. Numbers are exact: int, Fraction, string; a float is the binary number
    that it is. `target_name` and `schedule_name` are labels for tables.
    Raises ValueError naming the argument, the value and the rule.
    """

    target: Target
    schedule: Schedule | None
    sampler: Any
    start: str
    snr: Fraction | None
    parameters: tuple[tuple[str, Fraction], ...]
    target_name: str
    schedule_name: str

    def __init__(
        self,
        target: Target,
        schedule: Schedule | None = None,
        sampler: Any = None,
        start: str = "exact",
        snr: Any = None,
        parameters: Mapping[str, Any] | None = None,
        target_name: str | None = None,
        schedule_name: str | None = None,
    ) -> None:
        if not isinstance(target, Target):
            raise ValueError(f"target: {target!r} is not a target")
        if schedule is not None and not isinstance(schedule, Schedule):
            raise ValueError(f"schedule: {schedule!r} is not a Schedule")
        if sampler is not None and not isinstance(sampler, samplers.Sampler):
            raise ValueError(f"sampler: {sampler!r} is not a sampler (samplers.Ddpm(...) or another)")
        if start not in STARTS:
            raise ValueError(f"start: {start!r} is not one of {', '.join(STARTS)}")
        if schedule is not None and snr is not None:
            raise ValueError("snr: an instance has a schedule or one snr, not both")
        if schedule is None and (sampler is not None or start != "exact"):
            raise ValueError("sampler, start: they belong to a schedule, and there is none")
        ratio = None if snr is None else rational(snr, "snr")
        if ratio is not None and ratio < 0:
            raise ValueError(f"snr: {snr} is negative")
        named = {
            "target": target,
            "schedule": schedule,
            "sampler": sampler,
            "start": start,
            "snr": ratio,
            "parameters": _exact_parameters({} if parameters is None else parameters),
            "target_name": _OWN if target_name is None else str(target_name),
            "schedule_name": _label_of(schedule) if schedule_name is None else str(schedule_name),
        }
        for name, value in named.items():
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        """The call that makes this instance."""
        arguments = [repr(self.target)]
        if self.schedule is not None:
            arguments.append(repr(self.schedule))
        if self.sampler is not None:
            arguments.append(f"sampler={self.sampler!r}")
        if self.start != "exact":
            arguments.append(f"start={self.start!r}")
        if self.snr is not None:
            arguments.append(f"snr={text(self.snr)!r}")
        if self.parameters:
            arguments.append(f"parameters={ {name: text(value) for name, value in self.parameters} }")
        if self.target_name != _OWN:
            arguments.append(f"target_name={self.target_name!r}")
        if self.schedule_name != _label_of(self.schedule):
            arguments.append(f"schedule_name={self.schedule_name!r}")
        return f"Instance({', '.join(arguments)})"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """What IPython and hypothesis print: the call that makes this."""
        printer.text(repr(self))

    @cached_property
    def ddpm(self) -> samplers.Ddpm | None:
        """The sampler as one of a single reverse variance per step, None for those that are not.

        The mean alone (`MomentMatched(1)`, and any order where there is one atom) is the matched variance,
        `Ddim(1)` the variance beta_tilde.
        """
        sampler = self.sampler
        if sampler is None:
            return samplers.Ddpm()
        if type(sampler) is samplers.Ddpm:
            return sampler
        if type(sampler) is samplers.MomentMatched:
            alone = sampler.order == 1 or self.target.core.rank == 0
            return samplers.Ddpm("matched", sampler.score_error) if alone else None
        if type(sampler) is samplers.Ddim and sampler.eta == 1:
            return samplers.Ddpm("beta_tilde", sampler.score_error)
        return None

    @property
    def kind(self) -> str:
        """ "path" (with a schedule), "point" (with one snr) or "target" (with neither)."""
        if self.schedule is not None:
            return "path"
        return "target" if self.snr is None else "point"

    def parameter(self, name: str) -> Fraction | None:
        """The exact value of a parameter, or None where the instance does not give it."""
        return dict(self.parameters).get(name)

    @property
    def label(self) -> str:
        """One line for tables: "three, ddpm-linear, 20 steps"."""
        parts = [self.target_name]
        if self.schedule is not None:
            steps = self.schedule.steps
            parts += [self.schedule_name, f"{steps} step{'s' * (steps != 1)}"]
        if self.snr is not None:
            parts.append(f"snr {text(self.snr)}")
        parts += [f"{name} {text(value)}" for name, value in self.parameters]
        if self.sampler is not None:
            parts.append(repr(self.sampler))
        if self.start != "exact":
            parts.append(f"start {self.start}")
        return ", ".join(parts)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was changed on the way in: weights renormalised, atoms merged, a level dropped."""
        from_schedule = () if self.schedule is None else self.schedule.notes(self.target)
        return (*self.target.notes, *from_schedule)

    def to_dict(self) -> dict[str, Any]:
        """The instance as plain JSON data with exact inputs; numbers are strings."""
        data: dict[str, Any] = {"target": {"name": self.target_name, **self.target.to_dict()}}
        if self.schedule is not None:
            data["schedule"] = {"label": self.schedule_name, **self.schedule.to_dict()}
            data["sampler"] = "matched" if self.sampler is None else repr(self.sampler)
            data["start"] = self.start
        if self.snr is not None:
            data["snr"] = text(self.snr)
        if self.parameters:
            data["parameters"] = {name: text(value) for name, value in self.parameters}
        return data
