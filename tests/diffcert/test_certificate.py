"""Certificates: the same bytes every time, derived again by another route, and no tampering unseen."""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import flint
import pytest

import diffcert
from diffcert import bindings, family
from diffcert.certificate import Certificate, digests
from diffcert.cli import main
from diffcert.independent import IndependentValues
from diffcert.inputs import exact_inputs, read_instance
from diffcert.sources import modules, sources_digest
from numerics import Mixture, Product, Schedule, samplers
from theory import symbols as sym

BINARY = family.TARGETS["binary"]
ID = "aghapour-bayraktar/bounded-ratio-entropy"


def _instance(**more: Any) -> diffcert.Instance:
    arguments = {"schedule": Schedule.geometric(6, "1/100", 1), "target_name": "binary", **more}
    return diffcert.Instance(BINARY, **arguments)


@pytest.fixture(scope="module")
def certificate() -> Certificate:
    return Certificate.of(diffcert.compare(ID, _instance(schedule=Schedule.ddpm_linear(5)), digits=20))


@pytest.fixture
def file(certificate: Certificate, tmp_path: Path) -> Path:
    return certificate.write(tmp_path)


def _edited(certificate: Certificate, sealed: bool = False, **parts: Any) -> Certificate:
    """The certificate with some parts updated; sealed again on demand."""
    data = copy.deepcopy(dict(certificate.data))
    for name, changes in parts.items():
        data[name].update(changes)
    if sealed:
        data["digests"] = digests(data)
    return Certificate.from_json(json.dumps(data))


# What is issued


def test_agrees_and_reads_back(certificate: Certificate, file: Path) -> None:
    again = Certificate.read(file)
    assert again.data == certificate.data
    result = again.check()
    assert result.agrees, result.findings
    assert result.text == "agree"
    assert result.digits == 7  # the sides differ by most of the larger one: 1 digit, and six more


@pytest.mark.slow
def test_bytes_do_not_depend_on_the_process(run: Any, tmp_path: Path) -> None:
    selection = ("--target", "skew", "--schedule", "karras", "--steps", "18", "--digits", "12")
    contents = []
    for seed in ("1", "2"):
        folder = tmp_path / seed
        done = run(
            "-m", "diffcert", "verify", *selection, "--certificates", str(folder), PYTHONHASHSEED=seed
        )
        assert done.returncode == 0, done.stderr
        contents.append({path.name: path.read_bytes() for path in folder.iterdir()})
        assert f"{len(contents[-1])} certificates in" in done.stdout
    assert contents[0] == contents[1]
    assert len(contents[0]) >= 7


def test_reformatted_files_agree(certificate: Certificate, tmp_path: Path) -> None:
    place = tmp_path / "other.json"
    place.write_text(json.dumps(certificate.data, indent=7))
    assert Certificate.read(place).check().agrees


@pytest.mark.parametrize("digits", [1, 12, 40])
@pytest.mark.parametrize(
    ("claim", "instance", "status"),
    [
        ("diffcert/frozen-covariance/twin", None, "refuted"),
        ("reeves-pfister/uniform-steps", _instance(), "not_applicable"),
        ("reeves-pfister/monotone", _instance(), "holds"),
        ("reeves-pfister/mmse-information", diffcert.Instance(BINARY, snr="1/7"), "holds"),
        (
            "aghapour-bayraktar/geometric-steps",
            diffcert.Instance(Mixture([1], [3]), snr=1),
            "not_applicable",
        ),
    ],
)
def test_every_status(claim: str, instance: Any, status: str, digits: int) -> None:
    if instance is None:
        instance = family.from_counterexample(diffcert.find(claim).bound.counterexample)
    verdict = diffcert.compare(claim, instance, digits=digits)
    assert verdict.status == status
    result = Certificate.of(verdict, digits).check()
    assert result.agrees, result.findings


def test_an_undecided_case_and_an_identity() -> None:
    level = diffcert.Claim("mine/level", bound=sym.entropy, truth="entropy", instances=[_instance()])
    same = diffcert.Claim("mine/same", bound=sym.mmse, truth="mmse", relation="==")
    point = diffcert.Instance(BINARY, snr=1)
    for claim, instance, status in ((level, _instance(), "undecided"), (same, point, "holds")):
        verdict = diffcert.compare(claim, instance, digits=15)
        assert verdict.status == status
        result = Certificate.of(verdict).check()
        assert result.agrees, result.findings


def test_sides_that_are_exactly_equal() -> None:
    single = diffcert.Instance(Mixture([1], [3]), Schedule.uniform(3))
    verdict = diffcert.compare("reeves-pfister/monotone", single)
    assert verdict.status == "holds"
    assert Certificate.of(verdict).check().agrees


@pytest.mark.parametrize(
    "instance",
    [
        _instance(sampler=samplers.Ddpm("beta"), start="normal"),
        _instance(sampler=samplers.Ddpm("1/7"), parameters={"epsilon": "1/3"}),
        diffcert.Instance(BINARY, Schedule.from_sigmas(["7/2", "1e-3", 0]), schedule_name="mine"),
        diffcert.Instance(Mixture([0.5, 0.5], [0.1, 0.2]), snr=0.3),
        diffcert.Instance(Product(BINARY, 10**6), Schedule.cosine(4)),
    ],
    ids=repr,
)
def test_inputs_are_exact(instance: diffcert.Instance) -> None:
    data = json.loads(json.dumps(exact_inputs(instance)))
    assert read_instance(data) == instance


def test_machine_numbers_certify_nothing(tmp_path: Path, capsys: Any) -> None:
    verdict = diffcert.compare(ID, _instance(), digits=None)
    with pytest.raises(ValueError, match="'fast' certifies nothing"):
        Certificate.of(verdict)
    with pytest.raises(ValueError, match="is not a Verdict"):
        Certificate.of("holds")  # type: ignore[arg-type]
    assert main(["verify", "--quick", "--certificates", str(tmp_path / "c")]) == 2
    assert "--certificates: machine numbers certify nothing" in capsys.readouterr().err


# Tampering


def _leaves(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(data, dict | list) and data:
        for key in data if isinstance(data, dict) else range(len(data)):
            yield from _leaves(data[key], (*path, key))
    else:
        yield path


def _other(value: Any) -> Any:
    """Another value of the same kind: a digit more, another word."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, list):
        return ["x"]
    if value is None:
        return "x"
    digits = [place for place, c in enumerate(value) if c.isdigit()]
    if value and digits and len(digits) * 2 > len(value):
        place = digits[min(2, len(digits) - 1)]
        return value[:place] + str((int(value[place]) + 1) % 10) + value[place + 1 :]
    return value + "x"


def _changed(data: Any, path: tuple[Any, ...]) -> Any:
    made = copy.deepcopy(data)
    place = made
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = _other(place[path[-1]])
    assert made != data, path
    return made


def _verdict_on(data: Any) -> tuple[bool, str]:
    """Whether the check says agree, and what it says."""
    try:
        result = Certificate.from_json(json.dumps(data)).check()
    except ValueError as error:
        return False, str(error)
    return result.agrees, " / ".join(result.findings)


def test_every_leaf_is_guarded(certificate: Certificate) -> None:
    data = dict(certificate.data)
    paths = list(_leaves(data))
    assert len(paths) > 45
    for path in paths:
        agrees, said = _verdict_on(_changed(data, path))
        assert not agrees, path
        assert "\n" not in said
        if path[0] not in ("digests", "format"):
            assert path[0] in said or "digests" in said, (path, said)


LABELS = {("instance", "target", "name"), ("instance", "schedule", "label")}


def test_a_new_seal_hides_nothing(certificate: Certificate) -> None:
    """Everything but printed names and versions is derived again, whatever the digests say.

    A radius that is changed in its third digit still states a true interval; see below for the others.
    """
    data = dict(certificate.data)
    for path in _leaves({key: value for key, value in data.items() if key != "digests"}):
        if path in LABELS or path[:2] == ("made_with", "versions") or path[1:] == ("rad",):
            continue
        made = _changed(data, path)
        made["digests"] = digests(made)
        agrees, _ = _verdict_on(made)
        assert not agrees, path


@pytest.mark.parametrize("removed", ["claim", "digests", "verdict", "truth"])
def test_missing_parts(certificate: Certificate, removed: str) -> None:
    data = {key: value for key, value in certificate.data.items() if key != removed}
    with pytest.raises(ValueError, match=f"the part '{removed}' is missing"):
        Certificate.from_json(json.dumps(data))


@pytest.mark.parametrize("name", ["truth", "bound", "ratio"])
def test_intervals_must_be_true_and_sharp(certificate: Certificate, name: str) -> None:
    part = certificate.data[name]
    mantissa, e, exponent = part["mid"].partition("e")
    for changes in ({"rad": "1e-90"}, {"rad": "1"}, {"mid": f"{mantissa[:12]}{e}{exponent}"}):
        result = _edited(certificate, sealed=True, **{name: changes}).check()
        assert any(finding.startswith(f"{name}: ") for finding in result.findings), changes


def test_what_was_changed_is_said(certificate: Certificate) -> None:
    weights = _edited(certificate, instance={"target": {**certificate.data["instance"]["target"]}})
    assert weights.check().agrees
    target = {**certificate.data["instance"]["target"], "weights": ["1/3", "2/3"]}
    result = _edited(certificate, instance={"target": target}).check()
    assert "instance: its digest does not fit; it was changed after it was issued" in result.findings
    assert any(finding.startswith("truth: ") for finding in result.findings)
    result = _edited(
        certificate, sealed=True, instance={"target": {**target, "weights": ["1/3", "1/3"]}}
    ).check()
    assert result.findings == ("instance: weights: the sum is 2/3, not 1",)
    result = _edited(certificate, sealed=True, verdict={"status": "refuted"}).check()
    assert any(f.startswith("verdict: the certificate says refuted, mpmath at") for f in result.findings)
    result = _edited(certificate, sealed=True, claim={"id": "reeves-pfister/monotone"}).check()
    assert "claim: its declaration is not that of reeves-pfister/monotone here" in result.findings


def test_other_sources(certificate: Certificate) -> None:
    other = _edited(certificate, sealed=True, made_with={"sources": "0" * 64})
    (finding,) = other.check().findings
    assert finding.startswith("made_with: sources 000000000000 are not those here")
    assert other.check(any_sources=True).agrees
    older = _edited(
        certificate,
        sealed=True,
        made_with={"versions": {**certificate.data["made_with"]["versions"], "mpmath": "0.1"}},
    )
    result = older.check()
    assert result.agrees
    assert any(remark.startswith("mpmath 0.1, here ") for remark in result.remarks)


def test_sources_are_those_of_the_evaluation() -> None:
    names = modules()
    assert {"diffcert.comparison", "diffcert.bindings", "numerics.path", "theory.bounds.ours"} <= set(names)
    assert not {"diffcert.cli", "diffcert.tables", "diffcert.commands", "diffcert.certificate"} & set(names)
    loaded = {name for name in sys.modules if name in names}
    assert len(loaded) > len(names) / 2
    assert len(sources_digest()) == 64


def test_a_wrong_certified_engine_is_found_by_the_second_route(monkeypatch: pytest.MonkeyPatch) -> None:
    """The balls are wrong in the issuer and in the checker alike; mpmath disagrees."""
    right = bindings.path_kl_truth

    def wrong(*arguments: Any, **named: Any) -> Any:
        truth = right(*arguments, **named)
        if truth.engine != "certified":
            return truth
        return replace(truth, value=truth.value * flint.arb("1.0001"))

    monkeypatch.setattr(bindings, "path_kl_truth", wrong)
    verdict = diffcert.compare(ID, _instance(), digits=20)
    assert verdict.status == "holds"
    (finding,) = Certificate.of(verdict).check().findings
    assert finding.startswith("truth: mpmath finds ")


def test_the_second_route_on_long_schedules() -> None:
    """Interpolated between few knots, and still good to the digits asked for."""
    instance = diffcert.Instance(family.TARGETS["three"], Schedule.ddpm_linear(250))
    route = IndependentValues(instance, 7).truth("path_kl")
    ball = diffcert.evaluate("path_kl", instance, digits=25).value
    off = abs(float(route.value) - float(ball.mid()))
    assert route.method == "mpmath, interpolated"
    assert off <= route.error < 1e-9 * float(ball.mid())


# Hostile files

_HEAD = '{"format": "diffcert certificate 1", '
HOSTILE = {
    "empty": "",
    "not JSON": "{",
    "list": "[]",
    "other format": '{"format": "diffcert report 1"}',
    "format only": _HEAD + '"x": 1}',
    "deep": _HEAD + '"a": ' + "[" * 100_000 + "]" * 100_000 + "}",
    "deep enough": _HEAD + '"a": ' + "[" * 50 + "]" * 50 + "}",
    "long integer": _HEAD + '"a": ' + "9" * 100_000 + "}",
    "float": _HEAD + '"a": 0.5}',
    "nan": _HEAD + '"a": NaN}',
    "twice": _HEAD + '"a": "1", "a": "2"}',
    "surrogate": _HEAD + '"\\ud800": "1"}',
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_files(text: str, tmp_path: Path, capsys: Any) -> None:
    place = tmp_path / "c.json"
    place.write_text(text)
    with pytest.raises(ValueError, match="certificate: ") as caught:
        Certificate.read(place)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1000
    assert main(["check", str(place)]) == 2
    out, err = capsys.readouterr()
    assert out.startswith("unreadable  ")
    assert err.startswith("diffcert: error: certificate: ")


@pytest.mark.parametrize(
    ("part", "changes", "says"),
    [
        ("instance", {"schedule": {"type": "uniform", "steps": 10**9, "last": "1", "label": "u"}}, "steps"),
        ("instance", {"snr": "1/0", "schedule": None}, "instance: "),
        ("instance", {"sampler": {"type": "Ddpm", "variance": "__import__('os')"}}, "variance"),
        ("instance", {"sampler": {"type": "os"}}, "sampler"),
        ("instance", {"target": {"name": "x", "type": "object"}}, "type"),
        ("claim", {"id": "os:system"}, "claim: 'os:system' is not an id"),
        ("claim", {"id": "no/such"}, "unknown id"),
    ],
)
def test_hostile_contents(certificate: Certificate, part: str, changes: Any, says: str) -> None:
    result = _edited(certificate, sealed=True, **{part: changes}).check()
    assert not result.agrees
    assert any(says in finding for finding in result.findings), result.findings


def test_numbers_within_limits(certificate: Certificate) -> None:
    for text in ("1e999999", "1" * 6000, "0x1", "1_0", "", "inf", "1 "):
        with pytest.raises(ValueError, match="mid is not a decimal number"):
            _edited(certificate, truth={"mid": text})
    with pytest.raises(ValueError, match="rad is negative"):
        _edited(certificate, truth={"rad": "-1e-9"})
    with pytest.raises(ValueError, match="digits are not between"):
        _edited(certificate, method={"digits": 10**9})


OWN = """\
from pathlib import Path
import diffcert
from diffcert import symbols as sym
Path(__file__).with_name("imported").touch()
claim = diffcert.Claim(
    "mine/thm-1",
    bound=2 * sym.kappa * sym.entropy + sym.first_positive * sym.variance / 2,
    instances=[diffcert.Instance(diffcert.TARGETS["binary"], diffcert.Schedule.uniform(2))],
)
"""


@pytest.mark.slow
def test_own_claims_need_the_users_word(run: Any, tmp_path: Path) -> None:
    (tmp_path / "paper.py").write_text(OWN)
    arguments = ("--claim", "paper:claim", "--certificates", "certs")
    assert run("-m", "diffcert", "verify", *arguments, more_path=str(tmp_path)).returncode == 0
    (tmp_path / "imported").unlink()
    done = run("-m", "diffcert", "check", "certs", more_path=str(tmp_path))
    assert done.returncode == 1
    assert "unknown id 'mine/thm-1'" in done.stdout
    assert not (tmp_path / "imported").exists()
    done = run("-m", "diffcert", "check", "certs", "--claim", "paper:claim", more_path=str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("1 certificate: agree 1, disagree 0\n")


# The command


def test_check_command(certificate: Certificate, file: Path, capsys: Any) -> None:
    assert main(["check", str(file.parent), "--jobs", "1"]) == 0
    assert capsys.readouterr().out == f"agree       {file.name}\n1 certificate: agree 1, disagree 0\n"
    bad = _edited(certificate, sealed=True, bound={"mid": "9"})
    (file.parent / "bad.json").write_text(bad.to_json())
    assert main(["check", str(file.parent), "--jobs", "1"]) == 1
    out = capsys.readouterr().out
    assert "disagree    bad.json\n            bound: " in out
    assert out.endswith("2 certificates: agree 1, disagree 1\n")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nowhere.json"], "does not exist"),
        (["."], "there is no certificate in ."),
        ([""], "names no file"),
        (["x", "--claim", "notareference"], "--claim: 'notareference' is not of the form"),
        (["x", "--jobs", "0"], "0 is not between"),
    ],
)
def test_check_bad_input(
    arguments: list[str], says: str, capsys: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["check", *arguments]) == 2
    err = capsys.readouterr().err
    assert says in err
    assert err.count("\n") == 1


def test_certificates_folder(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "file").write_text("")
    for place, says in (
        (str(tmp_path / "file"), "is not a folder"),
        (str(tmp_path / "no" / "such"), "No such file or directory"),
        ("", "is not a folder"),
    ):
        assert main(["compare", "--target", "binary", "--snr", "1", "--certificates", place]) == 2
        assert says in capsys.readouterr().err
