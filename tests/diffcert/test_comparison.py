"""From a claim and an instance to a verdict."""

from __future__ import annotations

import pytest
import sympy

import diffcert
from diffcert import Claim, Instance, Mixture, PrecisionError, Schedule, Status, bounds, compare, symbols
from diffcert.bindings import Values
from diffcert.comparison import Evaluation, precisions

THREE = Mixture(["1/5", "1/2", "3/10"], [-3, 0, 4])
PATH = Instance(THREE, Schedule.ddpm_linear(20))
MONOTONE = bounds.reeves_pfister.monotone


@pytest.mark.parametrize("claim", ["reeves-pfister/monotone", MONOTONE])
def test_a_bound_that_holds(claim):
    verdict = compare(claim, PATH)
    assert verdict
    assert (verdict.status, verdict.digits, verdict.engine) == (Status.HOLDS, 30, "certified")
    assert verdict.truth.value < verdict.bound
    assert verdict.ratio.overlaps(verdict.truth.value / verdict.bound)
    assert dict(verdict.hypotheses) == {"matched_sampler": True}


def test_a_bound_that_is_not_registered_needs_no_claim():
    from dataclasses import replace

    assert compare(replace(MONOTONE, id="other"), PATH, digits=15).claim_id == "other"


def test_a_hypothesis_that_fails():
    verdict = compare("reeves-pfister/uniform-steps", PATH)
    assert verdict.status is Status.NOT_APPLICABLE
    assert verdict.reason == "it needs: all steps have the same size"
    assert verdict.truth is verdict.bound is verdict.ratio is None


def test_quantities_that_the_instance_does_not_define():
    assert compare("reeves-pfister/mmse-information", PATH).reason == "the instance lacks a single snr"
    verdict = compare("aghapour-bayraktar/step-complexity", Instance(THREE, snr=1))
    assert verdict.status is Status.NOT_APPLICABLE
    assert verdict.reason == "the instance lacks a schedule and the parameter epsilon"


def test_the_precision_is_raised_until_the_case_is_decided():
    apart = Instance(Mixture(["1/2", "1/2"], [0, 1], variance=0), snr=400)
    verdict = compare("reeves-pfister/information-entropy", apart, digits=15)
    assert verdict.status is Status.HOLDS
    assert verdict.digits == 30


@pytest.mark.parametrize("digits", [7, 15, 30])
def test_the_precision_is_raised_until_a_digit_of_both_sides_is_known(digits):
    rare = diffcert.registry.find("reeves-pfister/bounded-ratio-information/twin-four-fifths")
    verdict = compare(rare, rare.family()[0], digits)  # both sides are near 1e-146
    assert verdict.status is Status.REFUTED
    assert 74 < verdict.digits == {7: 112, 15: 120, 30: 120}[digits]


@pytest.mark.parametrize(
    ("digits", "tried"),
    [(15, (15, 30, 60, 120, 240)), (60, (60, 120, 240)), (200, (200, 400, 800)), (500, (500, 1000))],
)
def test_the_precisions_that_are_tried(digits, tried):
    assert precisions(digits) == tried


def test_an_equality_stays_undecided_and_says_so():
    claim = Claim("mine/level", symbols.path_kl * 1, instances=[PATH])
    verdict = compare(claim, PATH, digits=10)
    assert verdict.status is Status.UNDECIDED
    assert verdict.digits == 40
    assert verdict.reason == "the enclosures of truth and bound overlap at 40 digits"
    with pytest.raises(TypeError):
        bool(verdict)


def test_an_identity():
    same = Claim("mine/same", 2 * symbols.path_kl / 2, relation="==", instances=[PATH])
    assert compare(same, PATH, digits=20).status is Status.HOLDS
    other = Claim("mine/other", symbols.path_kl * (1 + sympy.Rational(1, 10**9)), relation="==")
    assert compare(other, PATH, digits=20).status is Status.REFUTED


def test_an_identity_says_to_how_many_digits():
    k, n = symbols.k, symbols.number_of_steps
    held = sympy.Sum(symbols.steps[k] * symbols.mmse_at[k], (k, 0, n - 1)) / 2
    right = held - (symbols.information_last - symbols.information_first)
    Claim("mine/path", right, relation="==")
    assert compare("mine/path", PATH).reason == "equal to 30 digits"
    Claim("mine/nearly", right * (1 + sympy.Rational(1, 10**31)), relation="==")
    assert compare("mine/nearly", PATH).status is Status.REFUTED


def test_verdicts_can_be_copied():
    import copy
    import pickle

    verdict = compare(MONOTONE, PATH, digits=15)
    for again in (copy.deepcopy(verdict), pickle.loads(pickle.dumps(verdict))):
        assert again.to_dict() == verdict.to_dict()


def test_a_bound_that_is_no_number_is_undecided():
    one = Instance(Mixture([1], [0]), Schedule.karras(3))
    claim = Claim("mine/undefined", sympy.log(symbols.variance), instances=[one])
    verdict = compare(claim, one, digits=10)
    assert verdict.status is Status.UNDECIDED
    assert verdict.reason == "the bound is not a finite number here"
    assert compare(claim, one, digits=None).status is Status.UNDECIDED


def test_an_open_hypothesis_leaves_the_case_open():
    centred = Instance(Mixture([1], [0]), Schedule.ddpm_linear(5), start="normal")
    verdict = compare(MONOTONE, centred, digits=10)
    assert verdict.status is Status.UNDECIDED
    assert verdict.reason.startswith("not decided whether: the sampler uses")
    assert dict(verdict.hypotheses) == {"matched_sampler": None}


def test_a_costly_hypothesis_is_not_asked_in_vain(monkeypatch):
    from diffcert import hypotheses

    def never(values):
        raise AssertionError("asked")

    monkeypatch.setitem(hypotheses._PREDICATES, "mmse_convex", (9, never))
    assert compare("diffcert/convex-halved", PATH).status is Status.NOT_APPLICABLE
    vague = Instance(THREE, Schedule.geometric(4), diffcert.samplers.Ddpm("1/100"))
    verdict = compare("diffcert/convex-halved", vague, digits=10)
    assert verdict.status is not Status.HOLDS


def test_a_precision_out_of_reach_is_undecided(monkeypatch):
    def refuse(self, key):
        raise PrecisionError("path_kl: 3 digits reached")

    monkeypatch.setattr(Values, "_evaluate", refuse)
    verdict = compare(MONOTONE, PATH, digits=10)
    assert verdict.status is Status.UNDECIDED
    assert verdict.reason == "path_kl: 3 digits reached"


def test_the_fast_tier_never_says_holds():
    verdict = compare(MONOTONE, PATH, digits=None)
    assert verdict.status is Status.BELOW_THE_BOUND_FLOAT
    assert (verdict.engine, verdict.digits) == ("fast", None)
    assert verdict.ratio == pytest.approx(verdict.truth.value / verdict.bound)
    level = compare(
        "reeves-pfister/information-entropy",
        Instance(Mixture(["1/2", "1/2"], [0, 1], variance=0), snr=4000),
        digits=None,
    )
    assert level.status is Status.BELOW_THE_BOUND_FLOAT
    assert level.reason.startswith("within the float error")


def test_the_fast_tier_refutes_nothing():
    false = Claim("mine/false", symbols.path_kl / 2, instances=[PATH])
    verdict = compare(false, PATH, digits=None)
    assert verdict.status is Status.UNDECIDED
    assert verdict.reason == "not below the bound (float); digits=30 decides"
    assert compare(false, PATH, digits=15).status is Status.REFUTED


def test_values_are_shared():
    shared = Evaluation(PATH)
    first = compare(MONOTONE, PATH, 20, shared)
    second = compare("reeves-pfister/bounded-ratio-information", PATH, 20, shared)
    assert first.truth is second.truth


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nope", PATH), "claim: unknown id 'nope'"),
        ((MONOTONE, THREE), "instance: .* is not an Instance"),
        ((MONOTONE, PATH, 0), "digits: 0"),
        ((MONOTONE, PATH, 2.5), "digits: 2.5"),
        ((MONOTONE, PATH, "30"), "digits: '30'"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        compare(*arguments)
