"""The search for sharp instances: what it finds is so, and stopping it changes nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import diffcert
from diffcert.cli import main
from diffcert.search import SEARCHED, Candidate, Space, nice
from diffcert.search_state import Entry, State
from diffcert.sharpness import Search, sharpen
from theory import symbols as sym

TWIN = "diffcert/frozen-covariance/twin"
TRUE = "reeves-pfister/mmse-information"


# What it finds


def test_a_true_claim_is_sharp_and_stands() -> None:
    found = sharpen(TRUE, tries=150)
    assert not found.refuted
    assert (found.tries, found.claim_id) == (150, TRUE)
    assert found.worst is not None
    assert found.simplest is not None
    assert found.worst.status == found.simplest.status == "holds"
    # M(s) <= 2 I(s)/s is an equality as s goes to 0.
    assert 0.999 < float(found.worst.ratio.mid()) < 1
    assert float(found.simplest.ratio.mid()) >= 0.99 * float(found.worst.ratio.mid()) - 1e-12


def test_a_falsehood_is_refuted_by_exact_numbers() -> None:
    """Its planted counterexample is not among the beginnings; it is found."""
    found = sharpen(TWIN, tries=150)
    assert found.refuted
    assert found.worst is not None
    assert found.simplest is not None
    assert float(found.worst.ratio.mid()) >= float(found.simplest.ratio.mid()) > 1
    assert len(repr(found.simplest.instance)) <= len(repr(found.worst.instance))
    for verdict in (found.worst, found.simplest):
        again = diffcert.compare(TWIN, verdict.instance, digits=45)
        assert again.status == "refuted"


def test_a_claim_of_ones_own_that_is_too_strong() -> None:
    """KL <= 0.45 kappa H + t_1 V/2 fails, since (1/2) kappa H is approached."""
    claim = diffcert.Claim(
        "mine/too-strong",
        bound=sym.kappa * sym.entropy * Fraction(9, 20) + sym.first_positive * sym.variance / 2,
        hypotheses=["matched_sampler", "geometric_steps"],
    )
    found = sharpen(claim, tries=400)
    assert found.refuted
    assert found.simplest is not None
    assert found.simplest.instance.schedule is not None
    assert found.simplest.instance.schedule.name == "geometric"


def test_a_claim_that_never_applies(capsys: Any) -> None:
    claim = diffcert.Claim("mine/never", bound=sym.entropy, hypotheses=["mmse_convex", "mmse_not_convex"])
    found = sharpen(claim, tries=5)
    assert (found.worst, found.simplest, found.applied, found.refuted) == (None, None, 0, False)
    assert main(["sharpen", "mine/never", "--tries", "5"]) == 0
    assert "no instance was found on which the claim is decided" in capsys.readouterr().out


@pytest.mark.parametrize("claim", [*diffcert.bounds.ALL, *diffcert.bounds.TWINS])
def test_every_claim_can_be_searched(claim: str) -> None:
    if not {diffcert.BINDINGS[key].needs for key in diffcert.find(claim).bound.symbols} <= SEARCHED:
        with pytest.raises(ValueError, match="the search covers discrete laws on a line"):
            Search(claim)
        return
    search = Search(claim)
    for _ in range(2):
        search.step()
    assert search.state.tries == 2


# Stopping and going on


def test_in_pieces_as_in_one(tmp_path: Path) -> None:
    whole, pieces = tmp_path / "whole.json", tmp_path / "pieces.json"
    one = sharpen(TRUE, tries=90, seed=3, state=whole)
    for tries in (1, 17, 60, 90):
        last = sharpen(TRUE, tries=tries, seed=3, state=pieces)
    assert whole.read_bytes() == pieces.read_bytes()
    assert (repr(one.worst), repr(one.simplest)) == (repr(last.worst), repr(last.simplest))
    assert sharpen(TRUE, tries=50, seed=3, state=pieces).tries == 90
    other = tmp_path / "other.json"
    sharpen(TRUE, tries=90, seed=4, state=other)
    assert json.loads(other.read_text())["front"] != json.loads(whole.read_text())["front"]


def _start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    home = str(Path(diffcert.__file__).parents[1])
    return subprocess.Popen(
        [sys.executable, "-m", "diffcert", "sharpen", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": home},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_killed_at_any_moment(tmp_path: Path) -> None:
    process = _start(tmp_path, TRUE, "--tries", "10000000", "--state", "killed.json")
    state = tmp_path / "killed.json"
    deadline = time.monotonic() + 60
    while not state.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    done = json.loads(state.read_text())["tries"]
    assert done > 0
    arguments = (TRUE, "--tries", str(done + 300), "--state")
    resumed = _start(tmp_path, *arguments, "killed.json")
    out, err = resumed.communicate(timeout=120)
    straight, _ = _start(tmp_path, *arguments, "straight.json").communicate(timeout=120)
    assert (resumed.returncode, err) == (0, "")
    assert out == straight
    assert state.read_bytes() == (tmp_path / "straight.json").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix == ".json") == [
        "killed.json",
        "straight.json",
    ]


def test_interrupted(tmp_path: Path) -> None:
    process = _start(tmp_path, TRUE, "--budget", "100", "--state", "s.json")
    deadline = time.monotonic() + 60
    while not (tmp_path / "s.json").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "worst found, ratio" in out
    assert err.startswith("diffcert: interrupted after ")
    assert err.endswith("; the same command goes on from s.json\n")


def test_a_budget_ends() -> None:
    began = time.monotonic()
    found = sharpen(TRUE, budget=0.5)
    assert found.tries > 0
    assert time.monotonic() - began < 20


# Bad input


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"tries": 0}, "tries: 0 is below 1"),
        ({"tries": 1.5}, "tries: 1.5 is not an integer"),
        ({"budget": 0}, "budget: 0 is not a positive number"),
        ({"budget": float("nan")}, "budget: nan is not"),
        ({"seed": -1}, "seed: -1 is below 0"),
        ({"tries": 1, "digits": 0}, "digits: 0 is below 1"),
        ({"tries": 1, "state": "/no/such/folder/s.json"}, "No such file"),
    ],
)
def test_bad_arguments(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises((ValueError, OSError), match=says):
        sharpen(TRUE, **arguments)


def _damage(data: dict[str, Any], key: str, value: Any) -> str:
    return json.dumps({**data, key: value})


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda data: "", "is not the state of a search"),
        (lambda data: json.dumps(data)[:200], "is not the state of a search"),
        (lambda data: "[" * 100_000, "is not the state of a search"),
        (lambda data: _damage(data, "format", "x"), "'format' is not"),
        (lambda data: _damage(data, "tries", -1), "tries is not a count"),
        (lambda data: _damage(data, "front", [{}]), "other keys"),
        (lambda data: _damage(data, "front", 3), "front is not a short list"),
        (lambda data: _damage(data, "seed", 9), "was begun with seed 9, not 0"),
        (lambda data: _damage(data, "claim", TWIN), "belongs to the claim"),
        (lambda data: _damage(data, "declaration", "0"), "an older form"),
        (lambda data: _damage(data, "extra", "0"), "its keys are not"),
        (
            lambda data: _damage(
                data, "current", {"score": "1", "candidate": {"counts": "__import__('os')"}}
            ),
            "other keys",
        ),
    ],
)
def test_damaged_states(damage: Any, says: str, tmp_path: Path, capsys: Any) -> None:
    place = tmp_path / "s.json"
    sharpen(TRUE, tries=3, state=place)
    place.write_text(damage(json.loads(place.read_text())))
    assert main(["sharpen", TRUE, "--tries", "5", "--state", str(place)]) == 2
    err = capsys.readouterr().err
    assert says in err
    assert err.count("\n") == 1


def test_command_line(capsys: Any) -> None:
    assert main(["sharpen", TWIN, "--tries", "60"]) == 1
    out, err = capsys.readouterr()
    assert err == ""
    assert "refuted, in balls at 30 digits" in out
    assert "counterexample (simplest found), ratio 1." in out
    assert main(["sharpen", TWIN, "--tries", "60", "--budget", "3"]) == 2
    assert main(["sharpen", "no/such", "--tries", "6"]) == 2
    assert main(["sharpen", TWIN, "--budget", "nan"]) == 2


# Candidates


@given(
    st.fractions(min_value=-(10**6), max_value=10**6, max_denominator=10**9), st.sampled_from((1, 4, 64))
)
def test_nice_numbers_are_near_and_short(value: Fraction, denominator: int) -> None:
    rounded = nice(value, denominator)
    assert abs(rounded - value) <= abs(value) * Fraction(1, denominator)
    assert rounded.denominator <= denominator or rounded.numerator in range(-denominator, denominator + 1)


@pytest.mark.parametrize("claim", ["reeves-pfister/monotone", "aghapour-bayraktar/step-complexity", TRUE])
def test_every_move_makes_an_instance(claim: str) -> None:
    space = Space(diffcert.find(claim).bound)
    rng = Random(5)
    for restart in range(6):
        candidate = space.start(restart, rng)
        for _ in range(120):
            step = space.neighbour if rng.random() < 0.7 else space.simpler
            candidate = step(candidate, rng)
            instance = candidate.instance()
            assert instance.target.weights == diffcert.Instance(instance.target).target.weights
            assert Candidate.from_dict(json.loads(json.dumps(candidate.to_dict()))) == candidate


@given(st.lists(st.tuples(st.floats(0, 2), st.integers(1, 60)), max_size=150))
def test_the_front_keeps_its_ends(entries: list[tuple[float, int]]) -> None:
    state = State("x", "y", 0)
    made = [
        Entry(score, Candidate((1, count), (Fraction(0), Fraction(1)), "point", (Fraction(count),)))
        for score, count in entries
    ]
    for entry in made:
        state.enter(entry)
    best = max((entry.score for entry in made), default=None)
    assert (state.worst.score if state.worst else None) == best
    sizes = [entry.candidate.complexity for entry in state.front]
    assert sizes == sorted(set(sizes))
    scores = [entry.score for entry in state.front]
    assert scores == sorted(set(scores))
