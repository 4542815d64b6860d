"""The command line: what it prints, its exit codes, its one line for bad input."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import diffcert
from diffcert.cli import main

ONE = ("--target", "binary", "--schedule", "karras", "--steps", "18", "--digits", "15")
FILE = '{"weights": [0.5, 0.5], "means": [0, 3], "variance": 1}'


def test_version_and_module(run):
    done = run("-m", "diffcert", "--version")
    assert (done.returncode, done.stdout) == (0, f"diffcert {diffcert.__version__}\n")


def test_help(capsys):
    assert main(["--help"]) == 0
    assert "exit codes" in capsys.readouterr().out


def test_verify(capsys, tmp_path):
    code = main(["verify", *ONE, "--json", str(tmp_path / "r.json")])
    out, err = capsys.readouterr()
    assert (code, err) == (0, "")
    assert "reeves-pfister/monotone" in out
    assert "binary, karras, 18 steps" in out
    assert "it needs: all steps have the same size" in out
    assert out.splitlines()[-1] == (
        "7 cases of 7 claims at 15 digits: holds 4, refuted 0, undecided 0, not applicable 3"
    )
    assert len(json.loads((tmp_path / "r.json").read_text())["cases"]) == 7


def test_verify_all(capsys):
    assert main(["verify", "--all", "--claim", "reeves-pfister/monotone", *ONE[:4]]) == 0
    out = capsys.readouterr().out
    assert "18 steps" in out
    assert "40 steps" in out


def test_verify_quick(capsys):
    assert main(["verify", "--quick", *ONE[:6]]) == 0
    out = capsys.readouterr().out
    assert "below the bound (float)" in out
    assert "holds" not in out


def test_verify_twins(capsys):
    assert main(["verify", "--twins", "--claim", "diffcert/frozen-covariance/twin"]) == 0
    out = capsys.readouterr().out
    assert "1.0239" in out
    assert (
        "counterexample to diffcert/frozen-covariance/twin: Mixture(weights=['19/20', '1/20'],"
        " means=['0', '1'], variance='0'), Schedule.from_snr(['0', '1/10'])"
    ) in out


def test_a_planted_falsehood_among_the_claims_is_refuted(capsys):
    only = ("--schedule", "from-snr", "--target", "counterexample")
    assert main(["verify", "--claim", "diffcert/frozen-covariance/twin", *only]) == 1
    out = capsys.readouterr().out
    assert "refuted 1" in out


def test_compare(capsys, tmp_path):
    picture = tmp_path / "p.svg"
    arguments = ["compare", "--target", "three", "--schedule", "ddpm-linear", "--steps", "20"]
    assert main([*arguments, "--plot", str(picture), "--json", str(tmp_path / "r.json")]) == 0
    out = capsys.readouterr().out
    assert "0.103323" in out
    assert picture.read_bytes().startswith(b"<?xml")
    data = json.loads((tmp_path / "r.json").read_text())
    assert data["cases"][0]["truth"]["mid"].startswith("1.0332313649222297459")


def test_compare_ones_own_files(capsys, tmp_path):
    target, levels = tmp_path / "mine.json", tmp_path / "levels.csv"
    target.write_text(FILE)
    levels.write_text("0.9\n0.5\n0.1\n")
    options = ["--schedule", str(levels), "--convention", "alpha_bar", "--reverse"]
    assert main(["compare", "--target", str(target), *options, "--digits", "15"]) == 0
    out = capsys.readouterr().out
    assert "mine, levels.csv, 2 steps" in out
    assert main(["compare", "--target", str(target), *options, "--quick"]) == 0


def test_compare_at_one_snr(capsys):
    assert main(["compare", "--target", "three", "--snr", "1/3", "--digits", "15"]) == 0
    assert "10 cases of 10 claims at 15 digits: holds 10," in capsys.readouterr().out


def test_compare_with_an_accuracy(capsys):
    path = ("--schedule", "geometric", "--steps", "25", "--epsilon", "1/2", "--digits", "15")
    assert main(["compare", "--target", "three", *path]) == 0
    assert "three, geometric, 25 steps, epsilon 1/2" in capsys.readouterr().out


def test_list_and_show(capsys):
    assert main(["list"]) == 0
    listed = capsys.readouterr().out
    for claim in (*diffcert.claims(), *diffcert.twins()):
        assert claim.id in listed
        assert main(["show", claim.id]) == 0
        shown = capsys.readouterr().out
        assert claim.bound.unicode().splitlines()[0].rstrip() in shown
        assert str(claim.source) in shown
        assert ("planted falsehood" in shown) == claim.is_twin
        assert ("derivation:" in shown) == (claim.bound.derivation is not None)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["prove"], "argument COMMAND: invalid choice: 'prove'"),
        (["verify", "--digits", "0"], "argument --digits: 0 is not between 1 and 1000"),
        (["verify", "--digits", "-3"], "argument --digits: -3 is not between 1 and 1000"),
        (["verify", "--digits", "100000"], "argument --digits: 100000 is not between 1 and 1000"),
        (["verify", "--digits", "abc"], "argument --digits: 'abc' is not an integer"),
        (["verify", "--digits", "1_0"], "argument --digits: '1_0' is not an integer"),
        (["verify", "--digits", "٣"], "is not an integer"),
        (["verify", "--digits", "9", "--digits", "8"], "argument --digits: it is given twice"),
        (["compare", *ONE, "--steps", "3"], "argument --steps: it is given twice"),
        (["compare", *ONE, "--target", "skew"], "argument --target: it is given twice"),
        (["verify", "--digits", "9" * 5000], "is not an integer"),
        (["verify", "--steps", "0"], "argument --steps: 0 is not between 1 and 100000"),
        (["verify", "--steps", "7", "--schedule", "karras"], "there are steps 18, 40"),
        (["verify", "--target", "nope"], "target: 'nope' is not one of binary, binary-0, skew"),
        (["verify", "--schedule", "nope"], "schedule: 'nope' is not one of ddpm-linear"),
        (["verify", "--claim", "nope"], "claim: unknown id 'nope'"),
        (["verify", "--claim", "nope:nope"], "there is no module nope"),
        (["verify", "--claim", "os.path:join"], "join is of type function, not a diffcert.Claim"),
        (["verify", "--claim", "os:nope"], "os has no attribute nope"),
        (["verify", "--claim", "../x:y"], "not of the form package.module:attribute"),
        (["verify", "--json", "/nowhere/r.json"], "--json: there is no folder"),
        (["verify", "--json", "."], "--json: '.' is a folder"),
        (["verify", "--quick", "--digits", "9"], "no meaning together with --quick"),
        (["verify", "--quick", "--twins"], "machine numbers refute nothing"),
        (["verify", "--claims", "x"], "unrecognized arguments: --claims"),
        (["show", "nope"], "claim: unknown id 'nope'"),
        (["compare", "--target", "three"], "--schedule: give a schedule, or one --snr instead"),
        (["compare", "--target", "nope", "--snr", "1"], "target: 'nope' is not one of binary"),
        (["compare", "--target", "no.toml", "--snr", "1"], "target: there is no file no.toml"),
        (["compare", "--target", "three", "--snr", "x"], "snr: 'x' is not a number"),
        (["compare", "--target", "three", "--snr", "1e999999999"], "snr: the exponent"),
        (["compare", "--target", "three", "--snr", "1", "--epsilon", "0"], "epsilon: 0 is not"),
        (["compare", "--target", "three", "--snr", "1", "--plot", "p.png"], "--plot: it belongs to"),
        (["compare", "--target", "three", "--schedule", "karras"], "--steps: a number of steps"),
        (["compare", "--target", "three", "--schedule", "nope", "--steps", "5"], "schedule: 'nope'"),
        (["compare", *ONE[:6], "--reverse"], "--reverse: it belongs to a file"),
        (["compare", *ONE[:6], "--plot", "p.gif"], "does not end in .png, .svg, .pdf"),
        (["compare", "--target", "three", "--schedule", "li-cai-wei", "--steps", "5"], "exceeds 1"),
        (["compare", "--target", "three", "--schedule", "cosine", "--steps", "1001"], "steps: 1001"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(capsys, arguments, message):
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("diffcert: error: ")
    assert err.count("\n") == 1
    assert message in err


def test_a_target_of_a_wider_span_is_one_line(capsys, tmp_path):
    wide = tmp_path / "wide.json"
    corners = "[[0, 0, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]"
    wide.write_text(f'{{"weights": [0.2, 0.2, 0.2, 0.2, 0.2], "means": {corners}}}')
    assert main(["compare", "--target", str(wide), "--schedule", "karras", "--steps", "5"]) == 2
    assert "means: they span 4 dimensions" in capsys.readouterr().err


def test_the_reader_may_leave(run):
    code = (
        "import os, sys\n"
        "from diffcert.cli import main\n"
        "read, write = os.pipe()\n"
        "os.close(read)\n"
        "os.dup2(write, 1)\n"
        "sys.exit(main(['list']))"
    )
    done = run("-c", code)
    assert (done.returncode, done.stderr) == (0, "")


def test_no_input_is_written_over(capsys, tmp_path):
    target, levels = tmp_path / "mine.json", tmp_path / "levels.json"
    target.write_text(FILE)
    levels.write_text('{"convention": "sigmas", "schedules": {"a": [2, 1]}}')
    (tmp_path / "link.json").symlink_to("mine.json")
    given = ("compare", "--target", str(target), "--schedule", f"{levels}:a")
    for place in (target, levels, tmp_path / "link.json"):
        assert main([*given, "--json", str(place)]) == 2
        assert "is needed for something else" in capsys.readouterr().err
    both = str(tmp_path / "p.svg")
    assert main([*given, "--json", both, "--plot", both]) == 2
    assert target.read_text() == FILE


def test_a_picture_that_cannot_be_written_does_not_cost_the_table(capsys, monkeypatch):
    from diffcert import plots

    def fails(*_):
        raise ValueError("plot: no")

    monkeypatch.setattr(plots, "save", fails)
    assert main(["compare", *ONE, "--plot", "p.png"]) == 2
    out, err = capsys.readouterr()
    assert "reeves-pfister/monotone" in out
    assert err == "diffcert: error: plot: no\n"


def test_an_interrupted_comparison_keeps_what_is_finished(capsys, monkeypatch, tmp_path):
    from diffcert import comparison

    honest, calls = comparison.compare, []

    def interrupted(*arguments):
        calls.append(arguments)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return honest(*arguments)

    monkeypatch.setattr(comparison, "compare", interrupted)
    assert main(["compare", *ONE, "--json", str(tmp_path / "r.json")]) == 130
    out, err = capsys.readouterr()
    assert "24 not finished" in out
    assert err == "diffcert: interrupted; the finished cases are above\n"
    assert len(json.loads((tmp_path / "r.json").read_text())["cases"]) == 2


def test_one_digit_is_one_digit(capsys):
    assert main(["compare", *ONE[:6], "--digits", "1", "--claim", "reeves-pfister/monotone"]) == 0
    assert "1 case of 1 claim at 1 digit: holds 1" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="no process groups here")
def test_an_interrupted_run_keeps_what_is_finished(tmp_path):
    report = tmp_path / "r.json"
    process = subprocess.Popen(
        [sys.executable, "-m", "diffcert", "verify", "--json", str(report), "--digits", "60"],
        cwd=Path(diffcert.__file__).parents[1],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    time.sleep(12)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err == "diffcert: interrupted; the finished cases are above\n"
    data = json.loads(report.read_text())
    assert data["missing"] > 0
    assert data["cases"]
    assert data["succeeded"] is False


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc to look for processes")
def test_workers_do_not_survive_their_parent():
    process = subprocess.Popen(
        [sys.executable, "-m", "diffcert", "verify", "--digits", "60"],
        cwd=Path(diffcert.__file__).parents[1],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )

    def members():
        count = 0
        for path in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                state, _, _, session = path.read_text().rpartition(")")[2].split()[:4]
                count += session == str(process.pid) and state != "Z"
        return count

    time.sleep(12)
    assert members() > 1
    process.kill()
    process.wait()
    for _ in range(100):
        if not members():
            return
        time.sleep(0.1)
    pytest.fail("worker processes are left behind")


def work(run, *arguments):
    """The processor time in seconds of a run that succeeds, whatever else the machine does."""
    resource = pytest.importorskip("resource")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = run("-m", "diffcert", "verify", *arguments)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert (done.returncode, done.stderr) == (0, "")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.slow
def test_everything_holds_within_three_minutes_on_two_cores(run):
    assert work(run) < 2 * 180


@pytest.mark.slow
def test_every_planted_falsehood_is_refuted(run):
    assert work(run, "--twins") < 60


@pytest.mark.slow
def test_the_quick_run_is_quick(run):
    assert work(run, "--quick") < 2 * 30
