"""An instance as exact plain data, and back: what a certificate states and a checker reads.

What belongs here: writing an instance so that it can be read again exactly, and reading it. What does
not: users' own files (`files`), certificates (`certificate`).

Nothing that is read is evaluated or imported: types are looked up by name among those of `numerics`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from fractions import Fraction
from typing import Any

from diffcert.instance import Instance
from diffcert.li_cai_wei import LiCaiWeiInstance
from diffcert.low_rank import LowRankInstance
from numerics import Schedule, Target, samplers
from numerics.exact import shown, text

__all__ = ["exact_inputs", "read_instance"]

MOST_STEPS = 100_000
MOST_ATOMS = 10_000


def exact_inputs(instance: Instance) -> dict[str, Any]:
    """The instance as plain JSON data with exact inputs, such that `read_instance` gives it back.

    Raises ValueError for an instance that plain data cannot state.
    """
    data = dict(instance.to_dict())
    if instance.schedule is not None:
        data["sampler"] = _sampler_data(instance.sampler)
    again = read_instance(data)
    if {**again.to_dict(), "sampler": None} != {**instance.to_dict(), "sampler": None}:
        raise ValueError(f"instance: {instance.label} cannot be written as plain data")
    return data


def read_instance(data: Any) -> Instance:
    """The instance that `exact_inputs` wrote; ValueError in one line for anything else."""
    table = _table(data, "instance")
    target_data = _table(table.get("target"), "target")
    if "levels" in table:
        _name_in(dict(target_data), "name", "target")
        return LiCaiWeiInstance.from_dict(table)
    if target_data.get("type") == "low_rank_mixture":
        _name_in(dict(target_data), "name", "target")
        return LowRankInstance.from_dict(table)
    known = ("target", "schedule", "sampler", "start", "snr", "parameters")
    for key in table:
        if key not in known:
            raise ValueError(f"instance: unknown key {shown(key)} ({', '.join(known)})")
    target, target_name = _read_target(table.get("target"))
    schedule, schedule_name = _read_schedule(table.get("schedule"))
    start = table.get("start", "exact")
    if not isinstance(start, str):
        raise ValueError(f"start: {shown(start)} is not a text")
    return Instance(
        target,
        schedule,
        sampler=_read_sampler(table.get("sampler")),
        start=start,
        snr=table.get("snr"),
        parameters=None if "parameters" not in table else _table(table["parameters"], "parameters"),
        target_name=target_name,
        schedule_name=schedule_name,
    )


def _table(data: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(data, Mapping):
        raise ValueError(f"{name}: {shown(data)} is not a table")
    return data


def _name_in(table: dict[str, Any], key: str, where: str) -> str:
    name = table.pop(key, None)
    if not isinstance(name, str) or len(name) > 200:
        raise ValueError(f"{where}: {key}: {shown(name)} is not a short text")
    return name


def _read_target(data: Any) -> tuple[Target, str]:
    table = dict(_table(data, "target"))
    name = _name_in(table, "name", "target")
    means = table.get("means")
    if isinstance(means, list) and len(means) > MOST_ATOMS:
        raise ValueError(f"target: {len(means)} atoms, more than {MOST_ATOMS}")
    return Target.from_dict(table), name


def _read_schedule(data: Any) -> tuple[Schedule | None, str | None]:
    if data is None:
        return None, None
    table = dict(_table(data, "schedule"))
    label = _name_in(table, "label", "schedule")
    steps = table.get("steps", 1)
    if isinstance(steps, bool) or not isinstance(steps, int) or not 1 <= steps <= MOST_STEPS:
        raise ValueError(f"schedule: steps: {shown(steps)} is not between 1 and {MOST_STEPS}")
    for key, value in table.items():
        if isinstance(value, list) and len(value) > MOST_STEPS + 1:
            raise ValueError(f"schedule: {key}: {len(value)} levels, more than {MOST_STEPS + 1}")
    return Schedule.from_dict(table), label


def _sampler_data(sampler: Any) -> dict[str, Any]:
    if sampler is None:
        return {"type": "default"}
    values = {field.name: getattr(sampler, field.name) for field in fields(sampler)}
    if callable(values.get("score_error")):
        raise ValueError(
            "sampler: its score error is a function, which plain data cannot state; a number can be"
        )
    return {
        "type": type(sampler).__name__,
        **{key: _plain_number(value) for key, value in values.items()},
    }


def _plain_number(value: Any) -> Any:
    if isinstance(value, tuple):
        return [text(x) for x in value]
    return text(value) if isinstance(value, Fraction) else value


def _read_sampler(data: Any) -> Any:
    if data is None:
        return None
    table = dict(_table(data, "sampler"))
    kind = table.pop("type", None)
    if kind == "default" and not table:
        return None
    made = getattr(samplers, kind) if isinstance(kind, str) and kind in samplers.__all__ else None
    if not isinstance(made, type):
        raise ValueError(f"sampler: {shown(kind)} is not one of {', '.join(samplers.__all__)}")
    known = {field.name for field in fields(made)}
    for key in table:
        if key not in known:
            raise ValueError(f"sampler: unknown key {shown(key)} ({', '.join(sorted(known))})")
    return made(**table)
