"""A rate of one's own through the public interface: declared, compared, refused."""

from __future__ import annotations

import pytest
import sympy as sp

import diffcert
from diffcert import Condition, Instance, Ladder, Mixture, Rate, RateClaim, Rung, Schedule, Source, Status

c = sp.Symbol("c", positive=True)
n, T = sp.Symbol("n", positive=True), sp.Symbol("T", positive=True)
THREE = Mixture(["1/5", "1/2", "3/10"], [-3, 0, 4], variance=1)
UNIFORM = Ladder(
    "three, uniform",
    "n",
    [Rung({"n": k}, instance=Instance(THREE, Schedule.uniform(k, 1))) for k in (10, 20, 40, 80, 160, 320)],
)
TV = ((50, "0.05831"), (100, "0.03578"), (200, "0.02117"), (400, "0.01218"), (800, "0.00687"))
"""Total variation of Li, Cai and Wei's schedule on two atoms, with the last digit's rounding."""
GIVEN = Ladder("two atoms", "T", [Rung({"T": t}, {"value": v, "error": "5e-6"}) for t, v in TV])


def rate(formula, relation="<=", truth="path_kl", ladders=UNIFORM, **more):
    return RateClaim(
        "mine/rate", formula, truth=truth, relation=relation, ladders=ladders, replace=True, **more
    )


@pytest.mark.parametrize(
    ("formula", "relation", "expected"),
    [
        (1 / n, "<=", "consistent"),
        (1 / n, "~", "consistent"),
        (sp.log(n) / n, "<=", "consistent"),
        (sp.log(n) / n, "~", "inconsistent"),
        (n ** sp.Rational(-11, 10), "<=", "inconsistent"),
        (1 / n**2, "<=", "inconsistent"),
        (1 / (n * sp.log(n)), "<=", "inconsistent"),
        (1 / n, "==", "inconsistent"),
        (sp.Rational(1439, 1000) / n, "==", "consistent"),
    ],
)
def test_the_path_kl_of_uniform_steps(formula, relation, expected):
    verdict = diffcert.compare(rate(formula, relation), UNIFORM)
    assert verdict.status.value == expected
    assert verdict.fit.proven
    assert verdict.fit.power.low < -1.0 < verdict.fit.power.high + 0.04
    with pytest.raises(TypeError, match="neither true nor false"):
        bool(verdict)


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        (sp.log(T) / T, "consistent"),
        (sp.log(T) ** 4 / T, "consistent"),
        (1 / T, "inconsistent"),
        (T ** sp.Rational(-11, 10), "inconsistent"),
        (sp.sqrt(sp.log(T)) / T, "undecided"),  # five rungs of four digits do not tell
    ],
)
def test_numbers_of_a_table(formula, expected):
    verdict = diffcert.compare(rate(formula, truth="value", ladders=GIVEN), GIVEN)
    assert verdict.status.value == expected
    assert verdict.fit.tail == pytest.approx(-0.826, abs=2e-3)


def harmonic(n):
    """sum 1/k for k <= n"""
    return sum(sp.Rational(1, k) for k in range(1, n + 1)) + 0.0


def test_a_function_of_ones_own():
    ladder = Ladder("harmonic", "n", [Rung({"n": k}, {"n": k}) for k in (8, 16, 32, 64, 128, 256)])
    with_log = diffcert.compare(rate(sp.log(n), truth=harmonic, ladders=ladder), ladder)
    bounded = diffcert.compare(rate(sp.Integer(1), truth=harmonic, ladders=ladder), ladder)
    assert (with_log.status, bounded.status) == ("consistent", "inconsistent")
    leading = diffcert.compare(rate(sp.log(n), "==", truth=harmonic, ladders=ladder), ladder)
    assert leading.status == "consistent"
    assert leading.fit.constant_text.endswith("(float)")


def test_functions_of_the_same_name_are_kept_apart():
    found = []
    for factor in (1, 7):

        def truth(n, factor=factor):
            return (factor, 0)

        ladder = Ladder("constant", "n", [Rung({"n": k}, {"n": k}) for k in (8, 16, 32, 64)])
        claim = RateClaim(f"mine/constant-{factor}", 1, truth=truth, ladders=ladder, replace=True)
        found.append((claim, ladder))
    assert [diffcert.compare(*pair).fit.constant for pair in found] == ["1.000", "7.000"]


def test_a_condition_leaves_rungs_out():
    claim = rate(1 / n, hypotheses=[Condition("at least 20 steps", n >= 20), "exact scores"])
    verdict = diffcert.compare(claim, UNIFORM)
    assert verdict.status == "consistent"
    assert len(verdict.rungs) == 5
    assert verdict.left_out == ("n = 10: at least 20 steps fails",)
    assert "1 of 6 rungs are left out" in verdict.reason
    none = diffcert.compare(rate(1 / n, hypotheses=[Condition("many steps", n >= 1000)]), UNIFORM)
    assert none.status is Status.NOT_APPLICABLE
    assert none.reason.startswith("no rung is left: n = 10: many steps fails")


@pytest.mark.parametrize(
    ("relation", "kept"),
    [
        (sp.Eq(3 * c, 1), True),
        (sp.Eq(c + sp.Rational(2, 3), 1), True),
        (sp.Ne(3 * c, 1), False),
        (sp.Le(7 * c, sp.Rational(7, 3)), True),
        (sp.Gt(7 * c, sp.Rational(7, 3)), False),
        (sp.Eq(3 * c * n, n), True),
        (sp.Le(sp.sqrt(c), sp.Rational(3, 5)), True),
    ],
)
def test_a_condition_between_rational_numbers_is_decided_exactly(relation, kept):
    """1/3 is no binary number: balls about it overlap and decide nothing."""
    rungs = [Rung({"n": k, "c": "1/3"}, {"value": 1, "error": 0}) for k in (10, 20, 40, 80)]
    ladder = Ladder("a third", "n", rungs)
    claim = rate(
        sp.Integer(1),
        truth="value",
        ladders=ladder,
        hypotheses=[Condition("it is", relation)],
    )
    verdict = diffcert.compare(claim, ladder)
    assert len(verdict.rungs) == (4 if kept else 0)
    assert kept or verdict.left_out[0].endswith("it is fails")


def test_a_run_over_ones_own_rate():
    rate(1 / n**2)
    report = diffcert.verify(["mine/rate"])
    assert not report.succeeded
    assert report.counts["inconsistent"] == 1
    assert "inconsistent 1" in report.summary
    rate(1 / n)
    assert diffcert.verify(["mine/rate"]).succeeded
    assert diffcert.verify(["mine/rate"], digits=None).succeeded


def _raises(n):
    raise KeyError("no such thing")


def _text(n):
    return "0.1"


def _nan(n):
    return float("nan")


BAD = [
    (lambda: rate("1/n"), "bound: '1/n' is text, which is never parsed"),
    (lambda: rate(True), "bound: bool is neither a Rate nor a sympy expression"),
    (lambda: rate(1 / n, truth="path_lk"), "'path_lk' is not a measured quantity; did you mean path_kl"),
    (lambda: rate(1 / n, truth=3), "truth: 3 is neither the name of a measured quantity nor a function"),
    (lambda: rate(1 / T), "ladder three, uniform: its rungs have no value of T"),
    (lambda: rate(1 / n, ladders=[]), "claim mine/rate: ladders: there are none"),
    (lambda: rate(1 / n, ladders=None), "ladders: None is not a list of Ladder"),
    (lambda: rate(1 / n, ladders=[3]), "ladders: 3 is not a Ladder"),
    (lambda: rate(1 / n, ladders=[UNIFORM, UNIFORM]), "two go by the name three, uniform"),
    (lambda: rate(1 / n, ladders=lambda: 3), "ladders: 3 is not a list of Ladder"),
    (lambda: rate(1 / n, ladders=lambda: 1 / 0), "its ladders raised ZeroDivisionError"),
    (lambda: rate(1 / n, "<"), "relation: '<' is not one of <=, >=, ~, =="),
    (lambda: rate(sp.gamma(n)), "gamma is not one of"),
    (lambda: rate(sp.IndexedBase("a")[0] / n), "indexed quantities have no place in a rate"),
    (lambda: rate(sp.Symbol("n") / n), "two different symbols go by the name n"),
    (lambda: rate(sp.Symbol("a b")), "the symbol 'a b' has no name"),
    (lambda: rate(1 / n, hypotheses="exact"), "hypotheses: give a list of Condition or texts"),
    (lambda: rate(1 / n, hypotheses=[3]), "hypotheses: 3 is not a Condition"),
    (lambda: rate(1 / n, source=3), "source: 3 is neither a Source nor a text"),
    (lambda: rate(1 / n, title=3), "title: 3 is not a text"),
    (lambda: RateClaim("a b", 1 / n, truth="path_kl", ladders=UNIFORM), "id: 'a b' is not of the form"),
    (lambda: RateClaim("reeves-pfister/monotone", 1 / n, truth="path_kl", ladders=UNIFORM), "built-in"),
    (lambda: diffcert.compare(rate(-1 / n), UNIFORM), "the formula is not certainly above zero"),
    (lambda: diffcert.compare(rate(1 / n), Instance(THREE)), "is compared along a Ladder, not at"),
    (lambda: diffcert.compare(rate(1 / n), GIVEN), "T is not a variable of mine/rate"),
    (lambda: diffcert.compare("reeves-pfister/monotone", UNIFORM), "is not an Instance"),
    (lambda: diffcert.compare(rate(1 / n, truth=_raises), UNIFORM), "TypeError"),
    (lambda: _own(_raises), "KeyError: 'no such thing'"),
    (lambda: _own(_text), "'0.1' is not a number"),
    (lambda: _own(_nan), "nan is not finite"),
    (lambda: diffcert.Claim("mine/x", _declared("up")), "is a Rate; make a RateClaim of it"),
    (lambda: _declared("sideways"), "'sideways' is not one of up, down"),
    (lambda: RateClaim("mine/x", _declared("up"), truth="path_kl", ladders=UNIFORM), "brings its own"),
    (lambda: Condition(""), "condition: '' is not a text"),
    (lambda: Condition("many", 3), "condition many: 3 is not a relation"),
    (lambda: diffcert.sharpen(rate(1 / n)), "mine/rate is a rate"),
]


def _declared(direction):
    return Rate("x", "x", "path_kl", 1 / n, {"n": direction}, Source("x", "", "", "x"))


def _own(function):
    ladder = Ladder("own", "n", [Rung({"n": k}, {"n": k}) for k in (1, 2, 4, 8)])
    return diffcert.compare(rate(1 / n, truth=function, ladders=ladder), ladder)


@pytest.mark.parametrize(("make", "message"), BAD, ids=[message[:40] for _, message in BAD])
def test_bad_input_is_refused_in_one_line(make, message):
    with pytest.raises(ValueError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_the_same_id_with_another_content_is_refused():
    rate(1 / n)
    with pytest.raises(ValueError, match="already a different claim"):
        RateClaim("mine/rate", 1 / n**3, truth="path_kl", ladders=UNIFORM)
    with pytest.raises(ValueError, match="already a different claim"):
        diffcert.Claim("mine/rate", 1, truth="path_kl")


def test_measured_quantities_of_ones_own():
    @diffcert.measured("mine_square", "n squared", replace=True)
    def square(n):
        return n * n

    ladder = Ladder("squares", "n", [Rung({"n": k}, {"n": k}) for k in (2, 4, 8, 16, 32)])
    verdict = diffcert.compare(rate(n**2, "==", truth="mine_square", ladders=ladder), ladder)
    assert verdict.status == "consistent"
    assert verdict.fit.constant_text == "1.000"
    with pytest.raises(ValueError, match="'path_kl' is built in"):
        diffcert.measured("path_kl")(square)
    with pytest.raises(ValueError, match="already another one"):
        diffcert.measured("mine_square")(harmonic)
