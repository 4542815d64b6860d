"""From the JSON of `params` to instances: exact data in, the package's own objects out.

What belongs here: the layouts, which are those of `diffcert.files` and of `Instance.to_dict`. What does
not: reading files. A text that is no built-in name is an error: no path is ever opened.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from diffcert import Instance, Schedule, samplers
from diffcert.family import named_schedule, named_target
from diffcert.files import CONVENTIONS
from numerics import Target

__all__ = ["instance", "selection"]

_COMMENTS = ("about", "name", "source")
_SELECTING = frozenset(("targets", "schedules", "steps", "ladders"))
MOST_STEPS = 100_000
_MOST_NESTED = 16


def _shown(value: Any) -> str:
    line = " ".join(repr(value).split())
    return line if len(line) <= 60 else line[:57] + "..."


def _integer(value: Any, what: str) -> int:
    if not isinstance(value, str) or not re.fullmatch(r"\d{1,9}", value, re.ASCII):
        raise ValueError(f"{what}: {_shown(value)} is not a positive integer")
    if not 1 <= int(value) <= MOST_STEPS:
        raise ValueError(f"{what}: {value} is not between 1 and {MOST_STEPS}")
    return int(value)


def selection(params: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The arguments of `verify` that select among a claim's own instances, or None for one instance.

    Keys: targets, schedules (names), steps (numbers); of a rate, ladders (names).
    """
    if params is None:
        return {}
    if not _SELECTING.issuperset(params):
        return None
    chosen: dict[str, Any] = {}
    for key in ("targets", "schedules", "ladders"):
        if key in params:
            values = params[key] if isinstance(params[key], list) else [params[key]]
            if not all(isinstance(value, str) for value in values):
                raise ValueError(f"{key}: {_shown(params[key])} is not a list of names")
            chosen["targets" if key == "ladders" else key] = values
    if "steps" in params:
        values = params["steps"] if isinstance(params["steps"], list) else [params["steps"]]
        chosen["steps"] = [_integer(value, "steps") for value in values]
    return chosen


def instance(params: Mapping[str, Any]) -> Instance:
    """The instance that an object of `params` describes; ValueError naming the key, value and rule.

    Keys: target (a name, or an object as in a file of `diffcert.files`); schedule (a name with steps,
    a list of levels under alpha_bar, sigmas, times or snr, or an object with "type"); sampler
    ("matched", or an object with variance); start; snr; parameters or epsilon.
    """
    for key in ("targets", "schedules"):
        if key in params:
            raise ValueError(f"{key}: it selects among a claim's own instances; write {key[:-1]} here")
    if "target" not in params:
        raise ValueError("params: the key 'target' is missing")
    target, target_name = _target(params["target"])
    schedule, schedule_name = _schedule(params, target)
    start = params.get("start", "exact")
    if not isinstance(start, str):
        raise ValueError(f"start: {_shown(start)} is not a text")
    return Instance(
        target,
        schedule,
        sampler=_sampler(params.get("sampler")),
        start=start,
        snr=params.get("snr"),
        parameters=_parameters(params),
        target_name=target_name,
        schedule_name=schedule_name,
    )


def _parameters(params: Mapping[str, Any]) -> Mapping[str, Any] | None:
    given = params.get("parameters")
    if "epsilon" not in params:
        return given
    if given is not None:
        raise ValueError("epsilon: it is given beside 'parameters'")
    return {"epsilon": params["epsilon"]}


def _target(data: Any) -> tuple[Target, str | None]:
    if isinstance(data, str):
        return named_target(data), data
    if not isinstance(data, Mapping):
        raise ValueError(f"target: {_shown(data)} is neither a name nor an object")
    name = data.get("name")
    return Target.from_dict(_table(data, 0)), name if isinstance(name, str) else None


def _table(data: Mapping[str, Any], depth: int) -> dict[str, Any]:
    """A target's object, and those within it, without comments and with whole numbers as such."""
    if depth > _MOST_NESTED:
        raise ValueError(f"target: more than {_MOST_NESTED} targets inside one another")
    kept = {key: value for key, value in data.items() if key not in _COMMENTS}
    for key in ("weights", "means", "covariances"):
        if key in kept and not isinstance(kept[key], list):
            raise ValueError(f"{key}: {_shown(kept[key])} is not a list")
    for key in ("components", "copies", "gaussian_directions"):
        if key in kept:
            if not isinstance(kept[key], str) or not re.fullmatch(r"\d{1,20}", kept[key], re.ASCII):
                raise ValueError(f"{key}: {_shown(kept[key])} is not an integer")
            kept[key] = int(kept[key])
    if isinstance(kept.get("target"), Mapping):
        kept["target"] = _table(kept["target"], depth + 1)
    return kept


def _schedule(params: Mapping[str, Any], target: Any) -> tuple[Schedule | None, str | None]:
    data = params.get("schedule")
    if data is None:
        if "steps" in params:
            raise ValueError("steps: there is no schedule that has them")
        return None, None
    if isinstance(data, str):
        if "steps" not in params:
            raise ValueError(f"steps: the schedule {_shown(data)} needs them")
        return named_schedule(data, _integer(params["steps"], "steps"), target), data
    if "steps" in params:
        raise ValueError("steps: they belong into the object that describes the schedule")
    if not isinstance(data, Mapping):
        raise ValueError(f"schedule: {_shown(data)} is neither a name nor an object")
    label = data.get("label", data.get("name"))
    kept = {key: value for key, value in data.items() if key not in (*_COMMENTS, "label")}
    name = label if isinstance(label, str) else None
    if "type" in kept:
        if not isinstance(kept["type"], str):
            raise ValueError(f"type: {_shown(kept['type'])} is not the name of a schedule")
        if "steps" in kept:
            kept["steps"] = _integer(kept["steps"], "steps")
        return Schedule.from_dict(kept), name
    if len(kept) != 1 or (convention := next(iter(kept))) not in CONVENTIONS:
        raise ValueError(
            f"schedule: {_shown(sorted(kept))} is not one list of levels ({', '.join(CONVENTIONS)})"
        )
    levels = kept[convention]
    if not isinstance(levels, list):
        raise ValueError(f"{convention}: {_shown(levels)} is not a list")
    return CONVENTIONS[convention](levels), name


def _sampler(data: Any) -> Any:
    if data is None or data == "matched":
        return None
    if isinstance(data, str):
        return samplers.Ddpm(variance=data)
    if isinstance(data, Mapping) and set(data) == {"variance"}:
        return samplers.Ddpm(variance=data["variance"])
    raise ValueError(f'sampler: {_shown(data)} is neither a name nor {{"variance": ...}}')
