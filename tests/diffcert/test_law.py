"""The command law: proven digits, its JSON, what it refuses."""

from __future__ import annotations

import json
from fractions import Fraction

import flint
import pytest

from diffcert import Mixture, Schedule, output_law, samplers
from diffcert.cli import main
from diffcert.inputs import read_instance
from numerics.arithmetic import balls, to_ball

KARRAS = ("law", "--target", "binary", "--schedule", "karras", "--steps", "4", "--sampler", "ddim")
BINARY = Mixture(["1/2", "1/2"], [-1, 1], 1)
LAW = output_law(BINARY, Schedule.karras(4), samplers.Ddim(), start="normal")


@pytest.mark.slow
def test_every_distance_to_the_digits_asked_for(capsys, tmp_path):
    place = tmp_path / "law.json"
    code = main([*KARRAS, "--start", "normal", "--digits", "11", "--json", str(place)])
    out, err = capsys.readouterr()
    assert (code, err) == (0, "")
    assert "distance of the output from the target, every digit proven:" in out
    data = json.loads(place.read_text())
    assert (data["engine"], data["digits"], data["reference"]) == ("certified", 11, "target")
    instance = read_instance(data["instance"])
    assert (instance.target, instance.schedule) == (BINARY, Schedule.karras(4))
    assert (instance.sampler, instance.start) == (samplers.Ddim(), "normal")
    lines = dict(line.rsplit(maxsplit=1) for line in out.splitlines()[2:])
    titles = iter(lines)
    for name, part in data["distances"].items():
        fast, finer = LAW.truth(name), LAW.truth(name, digits=15).value
        middle, radius = Fraction(part["mid"]), Fraction(part["rad"])
        assert radius <= Fraction(1, 10**11)
        with balls(200).precision():
            assert (to_ball(middle) + flint.arb(0, to_ball(radius))).contains(finer)
        assert abs(float(middle) - fast.value) <= fast.error + 1e-15
        shown = lines[next(titles)]
        assert len(shown.lstrip("0.").replace(".", "")) == 11
        assert abs(Fraction(shown) - middle) <= Fraction(1, 10**11) * max(1, 10 * middle)


def test_machine_numbers_in_full_precision(capsys, tmp_path):
    place = tmp_path / "law.json"
    assert main([*KARRAS, "--reference", "last-level", "--json", str(place)]) == 0
    assert "with the estimated error" in capsys.readouterr().out
    data = json.loads(place.read_text())
    assert (data["engine"], data["digits"], data["reference"]) == ("fast", None, "last_level")
    truth = output_law(BINARY, Schedule.karras(4), samplers.Ddim()).truth("tv", "last_level")
    assert data["distances"]["tv"] == {"value": repr(truth.value), "error": repr(truth.error)}


def test_distances_that_are_infinite(capsys, tmp_path):
    (tmp_path / "points.json").write_text('{"weights": ["1/2", "1/2"], "means": [-1, 1], "variance": 0}')
    (tmp_path / "levels.json").write_text('["2", "1/2"]')
    place = tmp_path / "law.json"
    files = ("--target", str(tmp_path / "points.json"), "--schedule", str(tmp_path / "levels.json"))
    more = ("--convention", "sigmas", "--sampler", "ddim", "--digits", "9", "--json", str(place))
    assert main(["law", *files, *more]) == 0
    assert "KL(reference || output)               infinite" in capsys.readouterr().out
    found = json.loads(place.read_text())["distances"]
    assert (found["tv"], found["kl"]) == ({"mid": "1", "rad": "0"}, {"value": "inf"})


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            ("--sampler", "ddpm", "--digits", "20"),
            "digits: samplers.Ddpm(variance='matched') has no output law",
        ),
        (("--sampler", "ddim:1/2", "--digits", "20"), "digits: samplers.Ddim(eta='1/2') has no output law"),
        (("--sampler", "ddim", "--digits", "0"), "0 is not between 1 and 1000"),
        (("--sampler", "ddim", "--digits", "9", "--digits", "9"), "given twice"),
        (
            ("--sampler", "ddim", "--json", "a.svg", "--plot", "a.svg"),
            "--plot: a.svg is needed for something else",
        ),
    ],
)
def test_what_is_refused(capsys, tmp_path, monkeypatch, more, message):
    monkeypatch.chdir(tmp_path)
    assert main([*KARRAS[:-2], *more]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert len(err.splitlines()) == 1


def test_means_in_the_plane_have_no_certified_law(capsys, tmp_path):
    (tmp_path / "plane.json").write_text(
        '{"weights": ["1/3", "1/3", "1/3"], "means": [[0, 0], [1, 0], [0, 1]], "variance": 1}'
    )
    plane = ("--target", str(tmp_path / "plane.json"), *KARRAS[3:])
    assert main(["law", *plane, "--digits", "9"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_distance_out_of_reach_is_said_and_not_thrown(capsys, tmp_path):
    (tmp_path / "snr.json").write_text('["0", "1e-70", "1"]')
    place = tmp_path / "law.json"
    far = ("--schedule", str(tmp_path / "snr.json"), "--convention", "snr", "--json", str(place))
    assert main(["law", "--target", "binary", *far]) == 1
    out, err = capsys.readouterr()
    assert err == ""
    assert out.count("out of reach") == 6
    assert "note: output_law: step 1 takes the snr from 1e-70 to 1, too far for machine numbers" in out
    assert json.loads(place.read_text())["distances"]["tv"]["reason"].startswith("output_law: step 1")
