"""Users' files: what is read, and the one line that says what is wrong."""

from __future__ import annotations

import os
import struct
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from diffcert import Mixture, Schedule, read_schedule, read_target

TWO = Mixture(["1/4", "3/4"], ["-0.1", "1e-3"], variance="0.5")


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.json", '{"weights": [0.25, 0.75], "means": [-0.1, 1e-3], "variance": 0.5}'),
        ("t.json", '\ufeff{"weights": ["1/4", "3/4"], "means": [[-0.1], [0.001]], "variance": "1/2"}'),
        ("t.JSON", TWO.to_json()),
        ("t.toml", "about = 'mine'\nweights = [0.25, 0.75]\nmeans = [-0.1, 1e-3]\nvariance = 0.5\n"),
    ],
)
def test_targets_are_read_exactly(tmp_path, name, content):
    assert read_target(write(tmp_path / name, content)) == TWO


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.json", "", "is not valid JSON"),
        ("t.json", "{", "is not valid JSON"),
        ("t.json", "[" * 100_000, "nested too deeply"),
        ("t.json", "[]", "not a table with the keys weights, means and variance"),
        ("t.json", '{"weights": [1]}', "the key 'means' is missing"),
        ("t.json", '{"weights": [1], "means": [0], "colour": 1}', "unknown key 'colour'"),
        ("t.json", '{"weights": [1], "weights": [1], "means": [0]}', "'weights' occurs twice"),
        ("t.json", '{"weights": "1", "means": [0]}', "weights: '1' is not a list"),
        ("t.json", '{"weights": [], "means": []}', "the list is empty"),
        ("t.json", '{"weights": [0.5, 0.4], "means": [0, 1]}', "the sum is 9/10, not 1"),
        ("t.json", '{"weights": [1.5, -0.5], "means": [0, 1]}', r"weights\[1\]: '?-0.5'? is negative"),
        ("t.json", '{"weights": [1], "means": [NaN]}', "'NaN' is not a number"),
        ("t.json", '{"weights": [1], "means": [-Infinity]}', "'-Infinity' is not a number"),
        ("t.json", '{"weights": [1], "means": [1e999999999]}', "exponent .* exceeds"),
        ("t.json", '{"weights": [1], "means": [null]}', "None is not a number"),
        ("t.json", '{"weights": [1], "means": [true]}', "True is not a number"),
        ("t.json", '{"weights": [1], "means": [0], "variance": -1}', "variance: '?-1'? is negative"),
        ("t.json", '{"weights": [1], "means": ["__import__(\'os\')"]}', "is not a number"),
        ("t.json", b"\xff\xfe", "is not UTF-8 text"),
        ("t.toml", "weights = [1", "is not valid TOML"),
        ("t.toml", "weights = [1]\nmeans = [inf]", "'inf' is not a number"),
        ("t.toml", "weights = [1]\nmeans = [1979-05-27]", "is not a number"),
        ("t.toml", "weights = [1]\nmeans = [" + "9" * 5000 + "]", "TOML"),
        ("t.yaml", "weights: 1", "does not end in .toml, .json"),
    ],
)
def test_bad_targets(tmp_path, name, content, message):
    path = write(tmp_path / name, content)
    with pytest.raises(ValueError, match=message) as caught:
        read_target(path)
    assert "\n" not in str(caught.value)
    assert name in str(caught.value)


def test_things_that_are_no_files(tmp_path):
    for place, message in (
        (tmp_path, "is a folder"),
        (tmp_path / "none.json", "there is no file"),
        (Path("a" * 3000 + ".json"), "a file name of 3005 characters"),
        (Path("a\0b.json"), "null byte|cannot be read|there is no file"),
    ):
        with pytest.raises(ValueError, match=message):
            read_target(place)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "p.json")
    with pytest.raises(ValueError, match="not a regular file"):
        read_target(tmp_path / "p.json")


LEVELS = ["0.1", "0.5", "1"]
ALPHA = Schedule.from_alpha_bar(LEVELS)


@pytest.mark.parametrize(
    ("name", "content", "options"),
    [
        ("s.json", '{"alpha_bar": [0.1, 0.5, 1]}', {}),
        ("s.json", '{"about": "x", "alpha_bar": [0.1, 0.5, 1], "convention": "alpha_bar"}', {}),
        ("s.json", "[0.1, 0.5, 1]", {"convention": "alpha_bar"}),
        ("s.json", "[1, 0.5, 0.1]", {"convention": "alpha_bar", "reverse": True}),
        ("s.json", '{"convention": "alpha_bar", "schedules": {"a": [0.1, 0.5, 1]}}', {}),
        ("s.json", ALPHA.to_json(), {}),
        ("s.csv", "0.1\n0.5\n1\n", {"convention": "alpha_bar"}),
        ("s.csv", "0.1, 0.5, 1\n", {"convention": "alpha_bar"}),
        ("s.csv", "alpha_bar\r\n0.1\r\n0.5\r\n\r\n1\r\n", {}),
        ("s.csv", ",alpha_bar,beta\n0,0.1,9\n1,0.5,9\n2,1,9\n", {}),
    ],
)
def test_levels_are_read_exactly(tmp_path, name, content, options):
    assert read_schedule(write(tmp_path / name, content), **options) == ALPHA


def test_the_other_conventions(tmp_path):
    for key, levels, made in (
        ("sigmas", "[2, 0.5, 0]", Schedule.from_sigmas(["2", "0.5", "0"])),
        ("times", "[1, 0.5, 0]", Schedule.from_times(["1", "0.5", "0"])),
        ("snr", "[0, 0.5, 2]", Schedule.from_snr(["0", "0.5", "2"])),
    ):
        assert read_schedule(write(tmp_path / "s.json", f'{{"{key}": {levels}}}')) == made


def test_declared_schedules(tmp_path):
    for schedule in (Schedule.ddpm_linear(20, "trailing"), Schedule.geometric(5, "1/7", 3)):
        assert read_schedule(write(tmp_path / "s.json", schedule.to_json())) == schedule
    bare = write(tmp_path / "s.json", '{"type": "karras", "steps": 7}')
    assert read_schedule(bare) == Schedule.karras(7)


def test_named_lists(tmp_path):
    path = write(tmp_path / "s.json", '{"convention": "sigmas", "schedules": {"a": [3, 1], "b": [2, 1]}}')
    assert read_schedule(f"{path}:b") == Schedule.from_sigmas([2, 1])
    with pytest.raises(ValueError, match=r"choose one .* \(a, b\)"):
        read_schedule(path)
    with pytest.raises(ValueError, match=r"there is no list 'c' \(a, b\)"):
        read_schedule(f"{path}:c")


def test_arrays_are_the_binary_numbers_that_they_hold(tmp_path):
    levels = np.linspace(0.1, 0.9, 5)
    np.save(tmp_path / "s.npy", levels)
    read = read_schedule(tmp_path / "s.npy", "alpha_bar").parameters["alpha_bar"]
    assert read == tuple(Fraction(float(x)) for x in levels)
    np.save(tmp_path / "s.npy", np.array([3, 2, 1]))
    assert read_schedule(tmp_path / "s.npy", "sigmas") == Schedule.from_sigmas([3, 2, 1])


@pytest.mark.parametrize(
    ("name", "content", "options", "message"),
    [
        ("s.json", "[0.1, 0.5]", {}, "convention: the file does not say"),
        ("s.json", "[0.1, 0.5]", {"convention": "beta"}, "convention: 'beta' is not one of"),
        ("s.json", '{"alpha_bar": [0.1, 0.5]}', {"convention": "sigmas"}, "but the file says"),
        ("s.json", '{"alpha_bar": [0.1, 0.5], "convention": "sigmas"}', {}, "list is called"),
        ("s.json", '{"alpha_bar": [0.1], "sigmas": [1]}', {}, "2 of the keys"),
        ("s.json", "{}", {}, "0 of the keys"),
        ("s.json", '{"beta": [0.1, 0.2]}', {}, "unknown key 'beta'"),
        ("s.json", '{"convention": "beta", "schedules": {}}', {}, "'beta' is not one of"),
        ("s.json", '{"convention": ["snr"], "schedules": {"a": [1, 2]}}', {}, "is not one of"),
        ("s.json", '{"convention": "snr", "schedules": {}}', {}, "not a table of named lists"),
        ("s.json", '{"alpha_bar": 0.5}', {}, "is not a list"),
        ("s.json", '{"alpha_bar": []}', {}, "the list is empty"),
        ("s.json", '{"alpha_bar": [0.5]}', {}, "at least two"),
        ("s.json", '{"alpha_bar": [0.5, 0.1]}', {}, "must increase"),
        ("s.json", '{"alpha_bar": [0.5, 0.5]}', {}, "must increase"),
        ("s.json", '{"alpha_bar": [0.5, 1.5]}', {}, "not between 0 and 1"),
        ("s.json", '{"alpha_bar": [0.5, NaN]}', {}, "'NaN' is not a number"),
        ("s.json", '{"alpha_bar": [[0.5], [0.6]]}', {}, "is not a number"),
        ("s.json", '"0.5"', {}, "neither a list of numbers nor a table"),
        ("s.json", '{"type": ["karras"], "steps": 7}', {}, "is not the name of a schedule"),
        ("s.json", '{"type": "karras", "steps": "x"}', {}, "'x' is not an integer"),
        ("s.json", '{"type": "karras", "steps": 7}', {"reverse": True}, "reverse: the file declares"),
        ("s.csv", "", {}, "is empty"),
        ("s.csv", "a,b\n1,2\n", {"convention": "sigmas"}, "has 2 columns"),
        ("s.csv", "snr,sigmas\n1,2\n", {}, "several columns of levels"),
        ("s.csv", "a,sigmas\n1\n", {}, "row 2 has no column sigmas"),
        ("s.csv", "2\nnan\n", {"convention": "sigmas"}, "'nan' is not a number"),
        ("s.csv", '"2\n', {"convention": "sigmas"}, "is not valid CSV"),
        ("s.csv", b"\xff", {"convention": "sigmas"}, "is not UTF-8 text"),
        ("s.npy", b"", {"convention": "sigmas"}, "not a NPY file"),
        ("s.npy", b"PK\x03\x04", {"convention": "sigmas"}, "not a NPY file"),
        ("s.txt", "2", {"convention": "sigmas"}, "does not end in"),
    ],
)
def test_bad_levels(tmp_path, name, content, options, message):
    path = write(tmp_path / name, content)
    with pytest.raises(ValueError, match=message) as caught:
        read_schedule(path, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.array([0.5, None], dtype=object), "not a NPY file that holds an array of numbers"),
        (np.array([1.0, np.nan]), "nan is not finite"),
        (np.array([np.inf, 1.0]), "inf is not finite"),
        (np.ones((2, 2)), r"has shape \(2, 2\)"),
        (np.array(["a", "b"]), "not real numbers"),
        (np.array([1j, 2j]), "not real numbers"),
        (np.array([True, False]), "not real numbers"),
        (np.array([]), "the list is empty"),
    ],
)
def test_bad_arrays(tmp_path, array, message):
    np.save(tmp_path / "s.npy", array, allow_pickle=True)
    with pytest.raises(ValueError, match=message):
        read_schedule(tmp_path / "s.npy", "sigmas")


@pytest.mark.parametrize("shape", ["(10**11,)", "(100000000000,)", "(print(),)"])
def test_a_header_is_not_believed(tmp_path, shape):
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    content = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode()
    with pytest.raises(ValueError, match="not a NPY file"):
        read_schedule(write(tmp_path / "s.npy", content), "sigmas")
