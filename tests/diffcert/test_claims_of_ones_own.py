"""One's own theorem: declared, registered, found, decided."""

from __future__ import annotations

import pytest
import sympy

import diffcert
from diffcert import Claim, Hypothesis, Instance, Mixture, Schedule, Source, Status, bounds, symbols
from diffcert import registry as reg

BINARY = Mixture(["1/2", "1/2"], [-1, 1])
PATH = Instance(BINARY, Schedule.karras(5))


def test_a_true_theorem_of_ones_own():
    claim = Claim(
        "mine/thm-1",
        symbols.kappa * symbols.entropy + symbols.first_positive * symbols.variance / 2,
        instances=[PATH],
        source="a preprint",
        hypotheses=["matched_sampler"],
    )
    report = diffcert.verify(["mine/thm-1"], digits=15)
    assert [verdict.status for verdict in report.verdicts] == [Status.HOLDS]
    assert report.succeeded
    assert str(claim.source) == "a preprint (as given by the claim)"
    assert diffcert.find("mine/thm-1") is claim
    assert claim in diffcert.claims(entry=False)


def test_a_false_theorem_of_ones_own():
    Claim("mine/thm-2", symbols.entropy / 1000, instances=lambda: iter([PATH]))
    report = diffcert.verify("mine/thm-2", digits=15)
    assert [verdict.status for verdict in report.verdicts] == [Status.REFUTED]
    assert not report.succeeded


def test_other_truths_and_relations():
    point = Instance(BINARY, snr=1)
    Claim("mine/lower", 0, truth="mmse", relation=">=", instances=[point])
    Claim("mine/equal", symbols.mutual_information * 1, truth="mutual_information", relation="==")
    assert diffcert.compare("mine/lower", point, digits=15).status is Status.HOLDS
    assert diffcert.compare("mine/equal", point, digits=15).status is Status.HOLDS


def test_the_built_in_family_by_default():
    paths = Claim("mine/paths", symbols.entropy).family()
    points = Claim("mine/points", symbols.entropy, truth="mutual_information").family()
    counted = Claim("mine/counted", symbols.epsilon).family()
    assert {i.kind for i in paths} == {i.kind for i in counted} == {"path"}
    assert {i.kind for i in points} == {"point"}
    assert all(i.parameter("epsilon") for i in counted)
    assert (len(paths), len(points)) == (160, 50)


def test_a_bound_brings_its_own():
    claim = Claim("mine/monotone", bounds.reeves_pfister.monotone, instances=[PATH])
    assert claim.hypotheses == bounds.reeves_pfister.monotone.hypotheses
    assert claim.bound.id == "mine/monotone"
    assert diffcert.compare(claim, PATH, digits=15).claim_id == "mine/monotone"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"id": "", "bound": symbols.entropy}, "id: '' is not of the form"),
        ({"id": "two words", "bound": symbols.entropy}, "id: 'two words' is not of the form"),
        ({"id": 3, "bound": symbols.entropy}, "id: 3 is not of the form"),
        ({"id": "a", "bound": "kappa*H"}, "bound: 'kappa\\*H' is text, which is never parsed"),
        ({"id": "a", "bound": None}, "bound: NoneType is neither"),
        ({"id": "a", "bound": True}, "bound: bool is neither"),
        ({"id": "a", "bound": symbols.entropy, "title": 3}, "title: 3 is not a text"),
        ({"id": "a", "bound": sympy.Symbol("H")}, "use theory.symbols.entropy"),
        ({"id": "a", "bound": sympy.Symbol("zeta")}, "stands for no quantity"),
        ({"id": "a", "bound": sympy.gamma(symbols.entropy)}, "gamma"),
        ({"id": "a", "bound": symbols.entropy, "truth": "kl"}, "truth: 'kl' is not one of"),
        ({"id": "a", "bound": symbols.entropy, "truth": "knots"}, "truth: 'knots' is not one of"),
        ({"id": "a", "bound": symbols.entropy, "relation": "<"}, "relation '<' is not one of"),
        ({"id": "a", "bound": symbols.entropy, "hypotheses": "convex"}, "not a list of Hypothesis"),
        ({"id": "a", "bound": symbols.entropy, "hypotheses": ["convex"]}, "unknown predicate"),
        ({"id": "a", "bound": symbols.entropy, "hypotheses": [1]}, "1 is not a Hypothesis"),
        ({"id": "a", "bound": symbols.entropy, "source": 1}, "source: 1 is neither"),
        ({"id": "a", "bound": symbols.entropy, "instances": [1]}, "1 is not an Instance"),
        ({"id": "a", "bound": symbols.entropy, "instances": []}, "instances: there are none"),
        ({"id": "a", "bound": symbols.entropy, "instances": 3}, "instances: neither None"),
        ({"id": "a", "bound": bounds.ours.convex_halved, "relation": ">="}, "brings its own"),
    ],
)
def test_bad_declarations(arguments, message):
    with pytest.raises(ValueError, match=message):
        Claim(**arguments)
    assert "a" not in reg._CLAIMS


def test_text_is_never_evaluated(tmp_path):
    trap = tmp_path / "trap"
    with pytest.raises(ValueError, match="never parsed"):
        Claim("a", f"__import__('pathlib').Path({str(trap)!r}).touch()")
    assert not trap.exists()


def test_ids_are_unique():
    first = Claim("mine/one", symbols.entropy)
    Claim("mine/one", symbols.entropy)
    with pytest.raises(ValueError, match="already a different claim"):
        Claim("mine/one", symbols.entropy / 2)
    assert diffcert.find("mine/one").bound == first.bound
    other = Claim("mine/one", symbols.entropy / 2, replace=True)
    assert diffcert.find("mine/one") is other


def test_built_in_ids_are_taken():
    with pytest.raises(ValueError, match="is a built-in claim"):
        Claim("reeves-pfister/monotone", symbols.entropy, replace=True)


def test_an_unknown_id_gets_a_hint():
    with pytest.raises(ValueError, match="did you mean reeves-pfister/monotone"):
        diffcert.find("reeves-pfister/monotome")
    with pytest.raises(ValueError, match="`diffcert list`"):
        diffcert.find("zzz")
    with pytest.raises(ValueError, match="neither a Claim, a Bound nor an id"):
        diffcert.find(3)


def test_instances_that_raise_are_reported():
    def broken():
        raise RuntimeError("no luck")

    Claim("mine/broken", symbols.entropy, instances=broken)
    with pytest.raises(ValueError, match="its instances raised RuntimeError: no luck"):
        diffcert.verify(["mine/broken"])


def test_a_hypothesis_of_ones_own():
    long = Hypothesis("long", "there are at least ten steps", symbols.number_of_steps >= 10)
    Claim("mine/long", symbols.entropy, hypotheses=[long], instances=[PATH])
    verdict = diffcert.compare("mine/long", PATH, digits=15)
    assert verdict.status is Status.NOT_APPLICABLE
    assert verdict.reason == "it needs: there are at least ten steps"


def test_a_source_of_ones_own():
    source = Source("A and B 2026", "2601.00001", "Theorem 3")
    assert Claim("mine/sourced", symbols.entropy, source=source).source is source


MODULE = """\
import diffcert
from diffcert import symbols

good = diffcert.Claim(
    "theirs/good", symbols.kappa * symbols.information_last + symbols.last, hypotheses=["matched_sampler"]
)
bad = diffcert.Claim("theirs/bad", symbols.entropy / 10**6)
both = [good, bad]
number = 3
"""


def test_a_claim_from_a_module(run, tmp_path):
    (tmp_path / "theirs.py").write_text(MODULE)
    only = ("--target", "binary", "--schedule", "karras", "--digits", "15")
    good = run("-m", "diffcert", "verify", "--claim", "theirs:good", *only)
    assert (good.returncode, good.stderr) == (0, "")
    assert "2 cases of 1 claim at 15 digits: holds 2," in good.stdout
    bad = run("-m", "diffcert", "verify", "--claim", "theirs:both", *only)
    assert bad.returncode == 1
    assert "holds 2, refuted 2," in bad.stdout
    wrong = run("-m", "diffcert", "verify", "--claim", "theirs:number")
    assert wrong.returncode == 2
    assert (
        wrong.stderr
        == "diffcert: error: claim 'theirs:number': number is of type int, not a diffcert.Claim\n"
    )


def test_a_module_that_fails(run, tmp_path):
    (tmp_path / "theirs.py").write_text("raise SystemExit('gone')\n")
    done = run("-m", "diffcert", "show", "theirs:claim")
    assert done.returncode == 2
    assert done.stderr == (
        "diffcert: error: claim 'theirs:claim': importing theirs failed: SystemExit: gone\n"
    )


@pytest.mark.slow
def test_entry_points(run, tmp_path):
    site = tmp_path / "site"
    information = site / "theirs-1.0.dist-info"
    information.mkdir(parents=True)
    (site / "theirs.py").write_text(MODULE)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("[diffcert.claims]\ngood = theirs:good\n")
    listed = run("-m", "diffcert", "list", more_path=str(site))
    assert "theirs/good" in listed.stdout
    only = ("--target", "binary", "--schedule", "karras", "--steps", "18", "--digits", "15")
    done = run("-m", "diffcert", "verify", "--claim", "theirs/good", *only, more_path=str(site))
    assert (done.returncode, done.stderr) == (0, "")
    (information / "entry_points.txt").write_text("[diffcert.claims]\ngood = theirs:gone\n")
    broken = run("-m", "diffcert", "verify", *only, more_path=str(site))
    assert broken.returncode == 2
    assert broken.stderr == (
        "diffcert: error: entry point 'good' of diffcert.claims: theirs has no attribute gone\n"
    )


def test_a_formula_too_deep_for_the_translation_is_one_line(monkeypatch):
    def deep(_):
        raise RecursionError

    monkeypatch.setattr("diffcert.claim.lower", deep)
    with pytest.raises(ValueError, match="bound: the expression is nested too deeply"):
        Claim("mine/deep", symbols.entropy)


def test_an_attribute_that_raises_is_one_line(tmp_path, monkeypatch):
    (tmp_path / "raising.py").write_text("def __getattr__(name):\n    raise RuntimeError('no')\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match=r"claim 'raising:thm': reading thm failed: RuntimeError: no"):
        reg.load("raising:thm")
