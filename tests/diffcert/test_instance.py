"""An instance is checked as it is made."""

from __future__ import annotations

import json
import pickle
from fractions import Fraction

import pytest

from diffcert import Instance, Mixture, Schedule, samplers

TARGET = Mixture(["1/2", "1/2"], [-1, 1])
SCHEDULE = Schedule.ddpm_linear(10)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"target": "three"}, "target: 'three' is not a target"),
        ({"target": TARGET, "schedule": "karras"}, "schedule: 'karras' is not a Schedule"),
        ({"target": TARGET, "schedule": SCHEDULE, "sampler": 1}, "sampler: 1 is not a sampler"),
        ({"target": TARGET, "schedule": SCHEDULE, "start": "cold"}, "start: 'cold' is not one of"),
        ({"target": TARGET, "schedule": SCHEDULE, "snr": 1}, "snr: .* not both"),
        ({"target": TARGET, "snr": -1}, "snr: -1 is negative"),
        ({"target": TARGET, "snr": "nan"}, "snr: 'nan' is not a number"),
        ({"target": TARGET, "snr": float("inf")}, "snr: inf is not finite"),
        ({"target": TARGET, "start": "normal"}, "they belong to a schedule"),
        ({"target": TARGET, "parameters": {"epsilon": 0}}, "epsilon: 0 is not positive"),
        ({"target": TARGET, "parameters": {"delta": 1}}, "parameters: unknown name 'delta'"),
        ({"target": TARGET, "parameters": [1]}, "parameters: .* is not a mapping"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        Instance(**arguments)


def test_kinds_and_labels():
    path = Instance(TARGET, SCHEDULE, target_name="binary")
    point = Instance(TARGET, snr="1/3", parameters={"epsilon": "0.1"})
    assert (path.kind, point.kind, Instance(TARGET).kind) == ("path", "point", "target")
    assert path.label == "binary, ddpm-linear, 10 steps"
    assert point.label == "own, snr 1/3, epsilon 1/10"
    assert point.parameter("epsilon") == Fraction(1, 10)
    assert point.parameter("other") is None


def test_instances_are_values():
    one, other = (Instance(TARGET, SCHEDULE, samplers.Ddpm("beta"), "normal") for _ in range(2))
    assert one == other
    assert hash(one) == hash(other)
    assert pickle.loads(pickle.dumps(one)) == one


def test_the_json_form_reads_back_exactly():
    data = json.loads(json.dumps(Instance(TARGET, SCHEDULE, snr=None).to_dict()))
    name = data["target"].pop("name")
    label = data["schedule"].pop("label")
    assert (name, label) == ("own", "ddpm-linear")
    assert Mixture.from_dict(data["target"]) == TARGET
    assert Schedule.from_dict(data["schedule"]) == SCHEDULE


@pytest.mark.parametrize(
    "instance",
    [
        Instance(TARGET),
        Instance(TARGET, snr="1/3", target_name="binary"),
        Instance(TARGET, SCHEDULE, parameters={"epsilon": "1/10"}, schedule_name="mine"),
        Instance(TARGET, SCHEDULE, samplers.Ddpm("1/7"), start="normal"),
    ],
)
def test_the_repr_makes_the_instance_again(instance):
    assert eval(repr(instance)) == instance  # noqa: S307


def test_labels_are_text():
    instance = Instance(TARGET, SCHEDULE, target_name=3, schedule_name=4)
    assert (instance.target_name, instance.schedule_name) == ("3", "4")


def test_notes_say_what_was_changed():
    discrete = Mixture(["1/2", "1/4", "1/4"], [0, 1, 1], variance=0)
    notes = " ".join(Instance(discrete, SCHEDULE).notes)
    assert "merged" in notes
    assert "dropped" in notes
