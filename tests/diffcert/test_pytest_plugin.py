"""The pytest plugin and the assertions, mostly as a stranger's test file sees them."""

from __future__ import annotations

import json
import operator
import re
import subprocess
import sys
from fractions import Fraction
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import flint
import mpmath
import pytest

import diffcert
from diffcert import Claim, Instance, Mixture, Schedule, Status, compare, evaluate, path_kl, symbols
from diffcert.testing import (
    NotApplicableError,
    RefutedError,
    Store,
    UndecidedError,
    assert_bound,
    assert_holds,
    read_counterexample,
    replay,
    save_counterexample,
)
from diffcert.testing.records import Records, summary_lines
from numerics.truth import Truth

PAIR = Mixture(["1/2", "1/2"], [-1, 1], 0)
STEP = Schedule.from_snr([0, 1])
TWIN = "reeves-pfister/bounded-ratio-information/twin-no-start"
INSTALLED = any(point.value == "diffcert.pytest_plugin" for point in entry_points(group="pytest11"))

PROPERTY = """
from hypothesis import given, settings
from diffcert.strategies import instances, target_tightness
from diffcert.testing import assert_holds

@settings(max_examples=200, deadline=None, database=None)
@given(instances({claim!r}))
def test_theorem(instance):
    target_tightness(assert_holds({claim!r}, instance))
"""

OWN = """
from diffcert import Claim, symbols as s

# A constant that looks right: the first step is left out.
Claim(
    id="mine/thm-1",
    bound=s.kappa * s.information_last,
    hypotheses=["matched_sampler"],
    source="a draft",
)
"""


@pytest.fixture
def stranger(run: Any, tmp_path: Path) -> Any:
    """Run pytest on one test file in an empty folder."""
    plugin = [] if INSTALLED else ["-p", "diffcert.pytest_plugin"]

    def start(text: str, *options: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "test_mine.py").write_text(text, encoding="utf-8")
        xdist = [] if "-n" in options else ["-p", "no:xdist"]
        return run("-m", "pytest", "-p", "no:cacheprovider", *plugin, *xdist, *options)

    return start


def pasted(output: str) -> subprocess.CompletedProcess[str]:
    """What happens to a reader who pastes the example from a failure into a program of their own."""
    _, found, after = output.partition("counterexamples to paste (diffcert)")
    if not found:
        after = output.partition("to see it again:\n")[2]
    lines = [re.sub(r"^(E? +)?", "", line) if not found else line for line in after.splitlines()]
    call = next(i for i, line in enumerate(lines) if line.startswith("compare("))
    start = next(i for i, line in enumerate(lines) if line.startswith("from diffcert"))
    program = "\n".join([*lines[start:call], f"print({lines[call]}.status)"])
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=Path.cwd()
    )


@pytest.mark.parametrize(
    "claim",
    [
        TWIN,
        pytest.param("diffcert/frozen-covariance/twin", marks=pytest.mark.slow),
        pytest.param("diffcert/covariance-growth/twin-none", marks=pytest.mark.slow),
        pytest.param("wang/noisy-recovery/twin-first-order", marks=pytest.mark.slow),
        pytest.param("li-cai-wei/trace-tail/twin-fast", marks=pytest.mark.slow),
    ],
)
def test_a_strangers_file_finds_a_planted_false_bound(stranger: Any, claim: str) -> None:
    finished = stranger(PROPERTY.format(claim=claim), "--diffcert-store=kept")
    assert finished.returncode == 1, finished.stdout + finished.stderr
    assert f"refuted: {claim}" in finished.stdout
    assert "truth / bound" in finished.stdout or "bound = 0" in finished.stdout
    assert "tightness (diffcert)" in finished.stdout
    assert f"# refuted: {claim}, in test_mine.py::test_theorem\nfrom diffcert import" in finished.stdout
    again = pasted(finished.stdout)
    assert again.stdout == "refuted\n", again.stderr


GROUP = """
from hypothesis import Phase, given, settings
from diffcert import Claim, symbols as s
from diffcert.strategies import instances
from diffcert.testing import assert_holds

own = Claim("mine/growth", bound=s.covariance_norm, truth="covariance_moment", relation="<=")

# Undecided at snr 0, where both sides are equal, and refuted elsewhere: two failures in one test.
@settings(max_examples=150, deadline=None, database=None, derandomize=True, phases=[Phase.generate])
@given(instances("diffcert/covariance-growth/twin-none"))
def test_theorem(instance):
    assert_holds("diffcert/covariance-growth/twin-none", instance)

def test_own():
    from diffcert import Mixture
    assert_holds(own, Mixture(["19/20", "1/20"], [0, 1], 0), snr=1)
"""


@pytest.mark.slow
@pytest.mark.parametrize("style", ["--tb=native", "--tb=no", "-n2"])
def test_what_is_to_be_pasted_has_nothing_before_it(stranger: Any, style: str) -> None:
    """Whatever the style, and though hypothesis reports several failures as a group, with marks."""
    options = ["-n", "2"] if style == "-n2" else [style]
    finished = stranger(GROUP, *options, "-q", "--strict-markers", "--assert=plain")
    assert finished.returncode == 1, finished.stdout + finished.stderr
    summary = finished.stdout.partition("counterexamples to paste (diffcert)")[2]
    assert (
        "# refuted: diffcert/covariance-growth/twin-none, in test_mine.py::test_theorem\nfrom " in summary
    )
    assert "# (the claim is declared by the tests: import it first)\nfrom diffcert import" in summary
    again = pasted(finished.stdout.replace("mine/growth", "diffcert/covariance-growth/twin-none"))
    assert again.stdout == "refuted\n", again.stderr


@pytest.mark.slow
def test_a_bound_of_ones_own(stranger: Any, tmp_path: Path) -> None:
    finished = stranger(OWN + PROPERTY.format(claim="mine/thm-1"), "--diffcert-store=kept", "-v")
    assert finished.returncode == 1, finished.stdout + finished.stderr
    assert "refuted: mine/thm-1" in finished.stdout
    simplest = read_counterexample(next((tmp_path / "kept").glob("*--simplest.json")))
    worst = read_counterexample(next((tmp_path / "kept").glob("*--worst.json")))
    assert simplest.claim == worst.claim == "mine/thm-1"
    for kept in (simplest, worst):
        assert kept.replay(claim=diffcert.find(TWIN)).status is Status.REFUTED
    assert "counterexamples of diffcert" in finished.stdout


@pytest.mark.slow
def test_summary_from_two_processes(stranger: Any) -> None:
    text = """
import pytest
from diffcert import Instance, Mixture, Schedule
from diffcert.testing import assert_holds

PAIR = Mixture(["1/2", "1/2"], [-1, 1], 0)

@pytest.mark.parametrize("last", ["1/100", "1", "4"])
def test_step(last):
    assert_holds("reeves-pfister/monotone", PAIR, Schedule.from_snr([0, last]))
"""
    finished = stranger(text, "-n", "2")
    assert finished.returncode == 0, finished.stdout + finished.stderr
    line = "reeves-pfister/monotone  holds 3; worst found 0.73399 at own, from-snr, 1 step"
    assert line in finished.stdout.splitlines()


@pytest.mark.slow
def test_a_process_that_dies_takes_only_its_own_findings(stranger: Any) -> None:
    text = """
import os
from diffcert import Mixture, Schedule
from diffcert.testing import assert_holds

PAIR = Mixture(["1/2", "1/2"], [-1, 1], 0)

def test_step():
    assert_holds("reeves-pfister/monotone", PAIR, Schedule.from_snr([0, 4]))

def test_dies():
    assert_holds("reeves-pfister/monotone", PAIR, Schedule.from_snr([0, 1]))
    os._exit(3)
"""
    finished = stranger(text, "-n", "2")
    assert finished.returncode == 1, finished.stdout + finished.stderr
    assert "crashed while running" in finished.stdout
    assert re.search(r"reeves-pfister/monotone  holds 1; worst found 0\.\d+ at own", finished.stdout)


@pytest.mark.slow
def test_a_store_that_cannot_be_written_is_said(stranger: Any, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("a file, not a folder")
    text = f"""
from diffcert import Mixture, Schedule
from diffcert.testing import assert_holds

def test_one():
    assert_holds({TWIN!r}, Mixture(["1/2", "1/2"], [-1, 1], 0), Schedule.from_snr([0, 1]))
"""
    finished = stranger(text, "--diffcert-store=kept")
    assert finished.returncode == 1
    assert f"refuted: {TWIN}" in finished.stdout
    assert "simplest: not saved: " in finished.stdout
    assert "INTERNALERROR" not in finished.stdout + finished.stderr


def test_it_can_be_left_out(run: Any, tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text("def test_a(): pass", encoding="utf-8")
    assert run("-m", "pytest", "-p", "no:cacheprovider", "-p", "no:diffcert").returncode == 0


def test_marker_option_and_fixtures(stranger: Any) -> None:
    text = """
import pytest
from diffcert import Instance, Mixture, Schedule
from diffcert.testing import assert_holds

INSTANCE = Instance(Mixture(["1/2", "1/2"], [-1, 1], 0), Schedule.from_snr([0, 1]))

def test_option(diffcert_digits, diffcert_store):
    assert diffcert_digits == 25
    assert diffcert_store.folder.name == "kept"
    assert assert_holds("reeves-pfister/monotone", INSTANCE).digits == 25

@pytest.mark.diffcert(digits=12)
def test_marker(diffcert_digits):
    assert diffcert_digits == 12
    assert assert_holds("reeves-pfister/monotone", INSTANCE).digits == 12
    assert assert_holds("reeves-pfister/monotone", INSTANCE, digits=40).digits == 40

@pytest.mark.diffcert(digits=None)
def test_fast():
    assert assert_holds("reeves-pfister/monotone", INSTANCE).status == "below_the_bound_float"
"""
    finished = stranger(
        text, "--strict-markers", "-W", "error", "--diffcert-digits=25", "--diffcert-store=kept"
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr


@pytest.mark.parametrize(
    ("options", "text", "message"),
    [
        (["--diffcert-digits=0"], "def test_a(): pass", "--diffcert-digits: 0 is not between"),
        (["--diffcert-digits=-1"], "def test_a(): pass", "--diffcert-digits: -1 is not between"),
        (["--diffcert-digits=1000000000"], "def test_a(): pass", "1000000000 is not between 1 and"),
        (["--diffcert-digits=x"], "def test_a(): pass", "invalid int value"),
        (
            [],
            "import pytest\n@pytest.mark.diffcert(digit=3)\ndef test_a(): pass",
            "the marker is written diffcert(digits=...)",
        ),
        (
            [],
            "import pytest\n@pytest.mark.diffcert(digits='x')\ndef test_a(): pass",
            "digits: 'x' is not an integer",
        ),
    ],
)
def test_bad_settings_are_said(stranger: Any, options: list[str], text: str, message: str) -> None:
    finished = stranger(text, *options)
    assert finished.returncode != 0
    assert message in finished.stdout + finished.stderr


def test_a_project_that_does_not_use_it_sees_nothing(stranger: Any) -> None:
    text = """
import sys

def test_plain():
    heavy = {"numpy", "sympy", "flint", "mpmath", "numerics", "theory"}
    assert not heavy & set(sys.modules)
"""
    finished = stranger(text, "-p", "no:hypothesispytest", "-W", "error")
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "tightness" not in finished.stdout


def test_plugin_and_assertions_load_nothing_heavy(run: Any) -> None:
    code = (
        "import sys, diffcert.pytest_plugin, diffcert.testing, diffcert.hypothesis_plugin\n"
        "heavy = {'sympy', 'numpy', 'flint', 'mpmath', 'numerics', 'theory', 'hypothesis', 'rich'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    finished = run("-c", code)
    assert finished.stdout.strip() == "[]", finished.stderr


def test_a_plain_comparison_shows_the_verdict(stranger: Any) -> None:
    text = """
from flint import arb
from diffcert import Instance, Mixture, Schedule, evaluate, path_kl

RECORD = evaluate("path_kl", Instance(Mixture(["1/2", "1/2"], [-1, 1], 0), Schedule.from_snr([0, 1])), 20)
TRUTH = path_kl(Mixture(["1/2", "1/2"], [-1, 1], 0), Schedule.from_snr([0, 1]), digits=20)

def test_refuted():
    assert TRUTH <= arb("0.1")

def test_undecided():
    assert TRUTH <= arb("0.15", 1)

def test_record_holds():
    assert RECORD <= 0.2

def test_record_refuted():
    assert RECORD <= 0.1

def test_record_undecided():
    assert RECORD <= arb("0.15", 1)
"""
    output = stranger(text).stdout
    # once each, and again in the summary where pytest does not shorten it (in CI)
    assert output.count("refuted: no two points of the enclosures are so related") in (2, 4)
    assert "TypeError: path_kl <= [+/- 1.16]: the enclosures overlap" in output
    assert "4 failed, 1 passed" in output
    assert "refuted: no two points of the enclosures are so related" in output
    assert "left / right = 1.63" in output
    assert "undecided: the enclosures overlap" in output


# The assertions by themselves


def test_refuted_is_told_from_undecided() -> None:
    with pytest.raises(RefutedError) as refuted:
        assert_holds(TWIN, PAIR, STEP, digits=20)
    message = str(refuted.value)
    assert message.startswith(f"refuted: {TWIN}\n")
    assert "precision: 20 digits" in message
    assert "from diffcert import Instance, Mixture, Schedule, compare\n" in message
    again = pasted(message + "\n")
    assert again.stdout == "refuted\n", again.stderr
    # M(s) = exp(-s) cannot be told from itself.
    same = Claim(id="tests/same", truth="mmse", bound=symbols.mmse, relation="<=", title="equal sides")
    with pytest.raises(UndecidedError, match=r"no refutation[\s\S]*40 digits, raised from 10"):
        assert_holds(same, PAIR, snr=1, digits=10)


def test_the_precision_is_raised_before_undecided_is_said() -> None:
    exact = evaluate("path_kl", Instance(PAIR, STEP), digits=60).value
    ops = diffcert.balls(300)
    with ops.precision():
        close = exact * (1 + ops.number(1) / 10**25)
    asked = []

    def truth(digits: int) -> Any:
        asked.append(digits)
        return path_kl(PAIR, STEP, digits=digits)

    ratio = assert_bound(truth, close, "0.999", digits=15)
    assert asked == [15, 30]
    assert 0.999 < float(ratio.mid()) < 1.001


def test_the_worst_of_several_is_returned_and_named() -> None:
    instances = [Instance(PAIR, Schedule.from_snr([0, last])) for last in ("1/10", "4", "1")]
    verdicts = [compare("reeves-pfister/monotone", instance) for instance in instances]
    worst = assert_holds("reeves-pfister/monotone", instances)
    assert float(worst.ratio) == max(float(verdict.ratio) for verdict in verdicts)


def test_a_claim_that_does_not_apply() -> None:
    late = Schedule.from_snr([1, 2])
    with pytest.raises(NotApplicableError, match="it needs: "):
        assert_holds("diffcert/start-step", PAIR, late)
    verdict = assert_holds("diffcert/start-step", PAIR, late, not_applicable="pass")
    assert verdict.status is Status.NOT_APPLICABLE
    with pytest.raises(NotApplicableError, match="applies to none of 2 instances"):
        assert_holds("diffcert/start-step", [Instance(PAIR, late)] * 2)


def test_notebooks_are_given_escaped_tables() -> None:
    instance = Instance(PAIR, STEP, target_name="<script>alert(1)</script>")
    verdict = compare("reeves-pfister/monotone", instance)
    claim = diffcert.find("reeves-pfister/monotone")
    shown = (
        verdict._repr_html_(),
        verdict.truth._repr_html_(),
        claim._repr_html_(),
        claim.bound.derivation._repr_html_(),
    )
    for text in shown:
        assert "<script" not in text
        assert "http" not in text
    assert "&lt;script&gt;" in shown[0]
    assert "<td>holds</td>" in shown[0]
    assert "0.16316917965316838799519520001" in shown[1]
    assert "&lt;=" in shown[0]
    assert claim.title in shown[2]


INFINITE = float("inf")


@pytest.mark.parametrize(
    ("truth", "bound", "least", "ratio"),
    [
        (0, 0, "1/2", None),
        ("1/3", "1/2", "2/3", "2/3"),
        (Fraction(1, 3), mpmath.mpf(1), 0, "1/3"),
        ("1/3", "1/3", 1, 1),
        (1, INFINITE, 0, 0),
        (1, mpmath.inf, None, 0),
        (INFINITE, INFINITE, None, None),
        (-1, 1, None, -1),
        (-2, -1, None, 2),
        (flint.arb(0, 1), 2, None, 0),
    ],
)
def test_numbers_at_the_extremes(truth: Any, bound: Any, least: Any, ratio: Any) -> None:
    found = assert_bound(truth, bound, least, name="extremes")
    if ratio is None:
        assert found is None
    else:
        assert found.overlaps(flint.arb(flint.fmpq(*Fraction(ratio).as_integer_ratio())))


@pytest.mark.parametrize(
    ("truth", "bound", "least", "error", "message"),
    [
        (1, "1/2", None, RefutedError, "truth / bound = 2"),
        (INFINITE, 1, None, RefutedError, "truth = infinite"),
        (1, INFINITE, "1/2", RefutedError, "not tight"),
        (-2, -1, "1/2", ValueError, "min_ratio: both sides are negative"),
        (True, 1, None, ValueError, "truth: True is neither a number"),
        (1, 2, INFINITE, ValueError, "min_ratio: inf is not finite"),
        ("1/3", 1, "1/2", RefutedError, r"not tight: .*\n[\s\S]*to be at least 1/2"),
        (float("nan"), 1, None, UndecidedError, "not determined"),
        (object(), 1, None, ValueError, "truth: .* is neither a number"),
        (1, [2], None, ValueError, "bound: .* is neither a number"),
        (1, 2, "x", ValueError, "min_ratio: 'x' is not a number"),
    ],
)
def test_bounds_on_numbers(truth: Any, bound: Any, least: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        assert_bound(truth, bound, least, name="numbers")


def test_a_machine_number_with_its_error_is_an_enclosure() -> None:
    fast = evaluate("path_kl", Instance(PAIR, STEP), digits=None)
    sharp = evaluate("path_kl", Instance(PAIR, STEP), digits=30)
    assert_bound(fast, sharp.value * 2, "0.4")
    with pytest.raises(UndecidedError, match="machine numbers with their error estimate"):
        assert_bound(fast, sharp)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nope", PAIR), "unknown id 'nope'"),
        (("reeves-pfister/monotone", 3), "subject: 3 is neither an Instance"),
        (("reeves-pfister/monotone", []), r"subject: \[\] is neither"),
        (("reeves-pfister/monotone", [PAIR]), "is not an Instance"),
        (("reeves-pfister/monotone", Instance(PAIR, STEP), STEP), "schedule: it belongs to a target"),
    ],
)
def test_bad_arguments(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        assert_holds(*arguments)


def test_a_truth_is_compared_or_an_error() -> None:
    ball = evaluate("path_kl", Instance(PAIR, STEP), digits=30)
    machine = evaluate("path_kl", Instance(PAIR, STEP))
    independent = evaluate("path_kl", Instance(PAIR, STEP), digits=20, engine="mpmath")
    for truth in (ball, machine, independent):
        assert truth <= 1
        assert truth < Fraction(1, 5)
        assert not truth > mpmath.mpf("0.2")
        assert truth >= 0.1
        assert not truth >= float("inf")
        assert flint.arb("0.1") <= truth
        assert mpmath.mpf(1) > truth
        for other in (ball, machine, independent, float("nan"), flint.arb("nan"), flint.arb(0, 1)):
            for relation in (operator.le, operator.lt, operator.ge, operator.gt):
                with pytest.raises(TypeError, match="neither true nor false"):
                    relation(truth, other)
        for other in ("1/3", None, True, [1]):
            with pytest.raises(TypeError, match="not supported between"):
                truth <= other  # noqa: B015
    close = 1 + Fraction(1, 10**60)
    one = Truth("path_kl", flint.arb(1), 0.0, "certified", 30, "")
    assert one < close
    assert one <= 1
    assert not one < 1


# Counterexamples


def test_counterexamples_are_kept_and_replayed(tmp_path: Path) -> None:
    instance = Instance(PAIR, STEP, target_name="pair")
    verdict = compare(TWIN, instance)
    place = save_counterexample(tmp_path, verdict)
    assert place.read_bytes() == save_counterexample(tmp_path / "again", verdict).read_bytes()
    kept = read_counterexample(place)
    assert (kept.claim, kept.instance, kept.kind) == (TWIN, instance, "simplest")
    assert replay(place, digits=15).status is Status.REFUTED
    assert json.loads(place.read_text())["found"]["status"] == "refuted"
    store = Store(tmp_path)
    store.save(verdict, "worst", "test_mine[1]")
    assert [v.status for v in store.replay(TWIN)] == [Status.REFUTED] * 2
    assert store.replay("mine/other") == ()


def test_tests_do_not_share_a_file(tmp_path: Path) -> None:
    """Of two files with equal names, parametrised with what no file name can hold, or very long."""
    verdict, store = compare(TWIN, Instance(PAIR, STEP)), Store(tmp_path)
    names = ["a/test_mine.py::test_it", "b/test_mine.py::test_it", "a.py::t[1/2]", "a.py::t[1-2]"]
    names += [f"a.py::test[{'x' * 200}{i}]" for i in range(2)]
    assert len({store.save(verdict, "worst", name) for name in names}) == len(names)
    assert store.save(verdict, "worst", names[0]) in store.files()
    assert all(len(path.name) < 255 for path in store.files())


def test_only_refutations_are_counterexamples(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="refutes nothing"):
        save_counterexample(tmp_path, compare("reeves-pfister/monotone", Instance(PAIR, STEP)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("not json", "Expecting value"),
        ("[]", "is not of the format"),
        ({"format": "other"}, "is not of the format"),
        ({"claim": 3}, "claim is of the wrong type"),
        ({"extra": 1}, "the key 'extra' is not known"),
        ({"instance": {"target": {}}}, "target: name"),
        ({"instance": "/etc/passwd"}, "instance"),
        ({"instance": {"target": {"weights": ["__import__('os').abort()"], "means": [0]}}}, "target"),
        ({"instance": {"target": {"weights": ["1e999999999"], "means": [0]}}}, "target"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_a_file_that_is_no_counterexample(tmp_path: Path, change: Any, message: str) -> None:
    place = save_counterexample(tmp_path, compare(TWIN, Instance(PAIR, STEP)))
    text = change
    if isinstance(change, dict):
        text = json.dumps({**json.loads(place.read_text()), **change})
    place.write_text(text)
    with pytest.raises(ValueError, match=re.escape(message)) as error:
        read_counterexample(place)
    assert "\n" not in str(error.value)
    with pytest.raises(ValueError, match="No such file"):
        replay(tmp_path / "nowhere.json")


def test_records_join_what_several_processes_found() -> None:
    one, other = Records(), Records()
    one.add("a", "holds", 0.5, "here", "Instance(1)")
    other.add("a", "holds", 0.75, "there", "Instance(2)")
    other.add("a", "not_applicable", float("nan"), "nowhere", "")
    other.add("b", "undecided", None, "there", "")
    texts = [text for text in (one.take(), other.take()) if text]
    assert one.take() is None
    assert summary_lines(texts, examples=True) == [
        "a  holds 2, n/a 1; worst found 0.75 at there",
        "    Instance(2)",
        "b  undecided 1",
    ]
