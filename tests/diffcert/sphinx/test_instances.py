"""Instances from the JSON of a document."""

from __future__ import annotations

import json

import pytest

from diffcert import Instance, Mixture, Schedule, samplers
from diffcert.family import TARGETS
from diffcert.sphinx.instances import instance, selection
from diffcert.sphinx.syntax import parameters

BINARY = {"weights": ["1/2", "1/2"], "means": [-1, 1]}


def _read(**data: object) -> Instance:
    return instance(parameters(json.dumps(data)))


def test_names():
    found = _read(target="three", schedule="karras", steps=5)
    assert found.label == "three, karras, 5 steps"
    assert (found.target, found.schedule) == (TARGETS["three"], Schedule.karras(5))


def test_objects():
    found = _read(target={"name": "mine", **BINARY}, schedule={"label": "few", "sigmas": [10, 1, 0.1]})
    assert found.target == Mixture(["1/2", "1/2"], [-1, 1])
    assert found.schedule == Schedule.from_sigmas(["10", "1", "0.1"])
    assert found.label == "mine, few, 2 steps"
    declared = _read(target=BINARY, schedule={"type": "cosine", "steps": 7, "spacing": "trailing"})
    assert declared.schedule == Schedule.cosine(7, spacing="trailing")


def test_everything_else():
    found = _read(
        target="three",
        schedule="karras",
        steps=5,
        sampler={"variance": "beta"},
        start="normal",
        epsilon=0.1,
    )
    assert found == Instance(
        TARGETS["three"],
        Schedule.karras(5),
        sampler=samplers.Ddpm(variance="beta"),
        start="normal",
        parameters={"epsilon": "0.1"},
        target_name="three",
        schedule_name="karras",
    )
    assert _read(target="three", snr="3").snr == 3


@pytest.mark.parametrize("label", ["three", "grid16-0"])
def test_what_an_instance_writes_is_read_back(label: str):
    for given in (
        Instance(TARGETS[label], Schedule.karras(5), target_name=label, schedule_name="karras"),
        Instance(TARGETS[label], snr="1/3", target_name=label, parameters={"epsilon": 1}),
        Instance(TARGETS[label], Schedule.from_snr([0, "1/3", 1]), target_name=label),
    ):
        assert _read(**given.to_dict()) == given


def test_selections():
    assert selection(None) == {}
    assert selection(parameters('{"targets": "three", "schedules": ["karras"], "steps": [18, 40]}')) == {
        "targets": ["three"],
        "schedules": ["karras"],
        "steps": [18, 40],
    }
    assert selection({"target": "three"}) is None


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"schedule": "karras", "steps": 5}, "'target' is missing"),
        ({"target": "/etc/passwd"}, "target: '/etc/passwd' is not one of"),
        ({"target": [3]}, "target: .* is neither"),
        ({"target": {"file": "x"}}, "unknown key"),
        ({"target": {**BINARY, "means": "open('x')"}}, "means: .* is not a list"),
        ({"target": {**BINARY, "weights": ["1/2", "exec('1')"]}}, "is not a number"),
        ({"target": "three", "schedule": "karras"}, "steps: .* needs them"),
        ({"target": "three", "steps": 3}, "steps: there is no schedule"),
        ({"target": "three", "schedule": "karras", "steps": 0}, "steps: 0 is not between"),
        ({"target": "three", "schedule": "karras", "steps": 10**8}, "steps: 100000000 is not between"),
        ({"target": "three", "schedule": "karras", "steps": [3]}, "steps: .* is not a positive integer"),
        ({"target": "three", "schedule": {"type": "from_dict"}}, "schedule: type"),
        ({"target": "three", "schedule": {"type": ["x"]}}, "type: .* is not the name"),
        ({"target": "three", "schedule": {"sigmas": [1], "snr": [1]}}, "is not one list of levels"),
        ({"target": "three", "schedule": {"sigmas": "x.csv"}}, "sigmas: 'x.csv' is not a list"),
        ({"target": "three", "schedule": "x.csv", "steps": 3}, "schedule: 'x.csv' is not one of"),
        ({"target": "three", "schedule": "karras", "steps": 3, "sampler": "os.system"}, "variance: "),
        ({"target": "three", "schedule": "karras", "steps": 3, "sampler": ["x"]}, "sampler: "),
        ({"target": "three", "start": 3}, "start: "),
        ({"target": "three", "targets": ["three"]}, "targets: it selects among"),
        ({"target": "three", "epsilon": 1, "parameters": {"epsilon": 1}}, "epsilon: "),
    ],
)
def test_wrong(data: dict[str, object], message: str):
    with pytest.raises(ValueError, match=message):
        _read(**data)
