"""Certificates of rates: written, read, derived again, and caught when changed."""

from __future__ import annotations

import copy
import json
import re
from fractions import Fraction

import pytest
import sympy as sp

import diffcert
from diffcert import Certificate, Instance, Ladder, Mixture, RateClaim, Rung, Schedule
from diffcert.certificate import digests
from diffcert.rates import judge, ladders
from diffcert.rates.certificate import PARTS, RateCertificate, stated_rungs, stated_verdict
from theory import bounds

n = sp.Symbol("n", positive=True)
RATE = "reeves-pfister/moments-step-2"
TWIN = "reeves-pfister/moments-step-2/twin-order"


def issued(claim_id=RATE, place=0):
    rate = {**bounds.RATES, **bounds.RATE_TWINS}[claim_id]
    return Certificate.of(judge(rate, ladders(claim_id, rate.twin_of)[place]))


def changed(certificate, change, sealed=True):
    data = copy.deepcopy(dict(certificate.data))
    change(data)
    if sealed:
        data["digests"] = digests(data, PARTS)
    return RateCertificate.of_data(data)


@pytest.mark.parametrize("claim_id", [RATE, TWIN, "reeves-pfister/moments-step-1"])
def test_a_certificate_agrees(claim_id, tmp_path):
    certificate = issued(claim_id)
    path = certificate.write(tmp_path)
    again = Certificate.read(path)
    assert isinstance(again, RateCertificate)
    assert again.to_json() == certificate.to_json() == path.read_text()
    check = again.check()
    assert check.agrees, check.findings
    assert check.text == "agree"


def _rung(data):
    return data["rungs"][2]


def _scaled(part, factor):
    part["mid"] = str(float(part["mid"]) * factor)


CHANGES = {
    "status": (lambda d: d["verdict"].update(status="inconsistent"), "verdict"),
    "reason": (lambda d: d["verdict"].update(reason="because"), "verdict: status and reason"),
    "relation": (lambda d: d["verdict"].update(relation="<="), "verdict: its relation"),
    "truth": (lambda d: _scaled(_rung(d)["truth"], 1.001), "truth: .* is found"),
    "truth in the last digits": (lambda d: _scaled(_rung(d)["truth"], 1 + 3e-11), "truth: .* is found"),
    "radius": (lambda d: _rung(d)["truth"].update(rad="1e-6"), "wider than what was measured"),
    "formula": (lambda d: _scaled(_rung(d)["formula"], 1.001), "formula: .* is found"),
    "float as enclosure": (lambda d: _rung(d).update(enclosed=True), "how it was measured"),
    "method": (lambda d: _rung(d).update(method="balls"), "how it was measured"),
    "constant": (lambda d: d["fit"].update(constant="0.9000"), "fit: it is not what"),
    "trend": (lambda d: d["fit"]["trend"].update(value="0"), "fit: it is not what"),
    "proven": (lambda d: d["fit"].update(proven=True), "fit: it is not what"),
    "rung left out": (lambda d: d["rungs"].__setitem__(1, None), "rungs: they are not those"),
    "claim": (lambda d: d["claim"].update(id="reeves-pfister/moments-step-1"), "claim: its"),
    "declaration": (lambda d: d["claim"].update(declaration="0" * 64), "claim: its declaration"),
    "unknown claim": (lambda d: d["claim"].update(id="no/such"), "claim: .*unknown id"),
    "another kind": (lambda d: d["claim"].update(id="reeves-pfister/monotone"), "is not a rate"),
    "module": (lambda d: d["claim"].update(id="os:system"), "is not an id"),
    "ladder's form": (
        lambda d: d["ladder"]["rungs"][0]["values"].update(delta="2/32"),
        "ladder: it is not in the form",
    ),
    "ladder's variable": (lambda d: d["ladder"].update(variable="x"), "ladder: .*no value of x"),
    "arguments": (
        lambda d: d["ladder"]["rungs"][0]["arguments"].update(target="five"),
        "truth: .* is found",
    ),
    "sources": (lambda d: d["made_with"].update(sources="0" * 64), "made_with: sources"),
}


@pytest.mark.parametrize(("change", "finding"), CHANGES.values(), ids=list(CHANGES))
def test_a_change_is_found_even_with_new_digests(change, finding):
    check = changed(issued(), change).check()
    assert not check.agrees
    assert any(re.search(finding, line) for line in check.findings), check.findings
    assert all("\n" not in line for line in check.findings)


def test_a_change_without_new_digests_is_named_by_its_part():
    check = changed(issued(), lambda d: d["fit"].update(constant="9"), sealed=False).check()
    assert "fit: its digest does not fit" in check.findings[0]


def test_a_smaller_constant_is_found_by_rational_arithmetic():
    from diffcert.rates.recheck import _constant

    parts = [part for part in issued().data["rungs"] if part is not None]
    stated = issued().data["fit"]["constant"]
    assert list(_constant(stated, parts)) == []
    assert "does not cover" in next(_constant(str(Fraction(stated) * Fraction(999, 1000)), parts))
    assert "not the least" in next(_constant(str(Fraction(stated) * Fraction(1003, 1000)), parts))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.pop("fit"), "the part 'fit' is missing"),
        (lambda d: d.update(more=1), "the part 'more' is not known"),
        (lambda d: d["rungs"].pop(), "not as long as the ladder"),
        (lambda d: _rung(d).pop("truth"), "the key 'truth' is missing"),
        (lambda d: _rung(d)["truth"].update(mid="1+1"), "is not a decimal number"),
        (lambda d: _rung(d)["truth"].update(rad="-1"), "rad is negative"),
        (lambda d: d["ladder"].pop("rungs"), "has no rungs"),
        (lambda d: d["verdict"].update(status=3), "is of the wrong type"),
        (lambda d: d.update(fit=3), "the part 'fit' is not a table"),
        (lambda d: d["made_with"]["versions"].update(numpy=3), "is not a text"),
    ],
)
def test_what_has_not_the_shape_is_no_certificate(change, message, tmp_path):
    data = copy.deepcopy(dict(issued().data))
    change(data)
    path = tmp_path / "x.json"
    path.write_text(json.dumps(data))
    with pytest.raises(ValueError, match=message) as caught:
        Certificate.read(path)
    assert "\n" not in str(caught.value)


def test_a_verdict_that_cannot_be_certified_is_refused():
    rate = bounds.RATES[RATE]
    with pytest.raises(ValueError, match="certifies nothing; give digits"):
        Certificate.of(judge(rate, ladders(RATE)[0], digits=None))


def test_undecided_and_not_applicable_verdicts_have_certificates():
    three = Mixture(["1/5", "1/2", "3/10"], [-3, 0, 4], variance=1)
    rungs = [Rung({"n": k}, instance=Instance(three, Schedule.uniform(k, 1))) for k in (4, 8, 16, 32)]
    short = Ladder("short", "n", rungs[:3])
    claim = RateClaim("mine/certified", 1 / n, truth="path_kl", ladders=short, replace=True)
    certificate = Certificate.of(diffcert.compare(claim, short))
    assert certificate.data["verdict"]["status"] == "undecided"
    assert certificate.check().agrees, certificate.check().findings
    many = [diffcert.Condition("many steps", n >= 100)]
    claim = RateClaim(
        "mine/certified", 1 / n, truth="path_kl", ladders=short, hypotheses=many, replace=True
    )
    certificate = Certificate.of(diffcert.compare(claim, short))
    assert certificate.data["verdict"]["status"] == "not_applicable"
    assert certificate.check().agrees, certificate.check().findings
    lied = changed(certificate, lambda d: d["verdict"].update(reason="no reason"))
    assert not lied.check().agrees


@pytest.mark.parametrize(
    ("values", "formula", "reason"),
    [
        (["-1"] * 4, 1 / n, "value is negative there"),
        (["1"] * 4, 1 / (n - 4), "the formula is not certainly above zero there"),
        (["1e-1500"] * 4, 1 / n, "out of the range of machine numbers"),
        (["0"] * 4, 1 / n, "constant within its errors"),
    ],
)
def test_what_cannot_be_judged_has_a_certificate(values, formula, reason):
    rungs = [Rung({"n": 4**k}, {"value": v}) for k, v in enumerate(values, 1)]
    ladder = Ladder("extreme", "n", rungs)
    claim = RateClaim("mine/extreme", formula, truth="value", ladders=ladder, replace=True)
    (verdict,) = diffcert.verify([claim]).verdicts
    assert reason in verdict.reason
    certificate = Certificate.of(verdict)
    assert certificate.check().agrees, certificate.check().findings
    assert not changed(certificate, lambda d: d["verdict"].update(status="inconsistent")).check().agrees


def test_a_quantity_without_a_second_route_is_named():
    ladder = Ladder("given", "n", [Rung({"n": k}, {"value": f"1/{k}"}) for k in (4, 8, 16, 32, 64)])
    claim = RateClaim("mine/given", 1 / n, truth="value", ladders=ladder, replace=True)
    check = Certificate.of(diffcert.compare(claim, ladder)).check()
    assert check.agrees
    assert any("no second route" in remark for remark in check.remarks)


def given(values, error="0", **more):
    """A ladder of given numbers with two symbols, and a claim on it."""
    k = sp.Symbol("a", positive=True)
    rungs = [Rung({"n": 4 * 2**i, "a": 1}, {"value": v, "error": error}) for i, v in enumerate(values)]
    ladder = Ladder("given", "n", rungs)
    return RateClaim("mine/given", k / n, truth="value", ladders=ladder, replace=True, **more), ladder


def test_a_rung_that_is_left_out_has_the_same_name_in_the_file(tmp_path):
    claim, ladder = given(["1"] * 6, hypotheses=[diffcert.Condition("many steps", n >= 8)])
    certificate = Certificate.of(diffcert.compare(claim, ladder))
    assert certificate.data["verdict"]["left_out"] == ["a = 1, n = 4: many steps fails"]
    check = Certificate.read(certificate.write(tmp_path)).check()
    assert check.agrees, check.findings


def test_intervals_that_are_narrower_than_what_is_known_prove_no_smaller_constant():
    """Every stated interval lies in the true one, and the fit is what they give."""
    claim, ladder = given([f"1/{4 * 2**i}" for i in range(6)], error="1/1000")
    certificate = Certificate.of(diffcert.compare(claim, ladder))

    def narrowed(data):
        for part in data["rungs"]:
            part["truth"]["rad"] = "1e-9"
        again = stated_verdict(claim.bound, ladder, stated_rungs(ladder, data["rungs"]), (), ())
        data["fit"] = again.fit.to_dict()
        data["verdict"].update(status=again.status.value, reason=again.reason)

    check = changed(certificate, narrowed).check()
    assert any("narrower than what was measured" in line for line in check.findings)
    assert any("the least constant does not cover what is found" in line for line in check.findings)


def test_the_quantities_of_every_paper_are_among_the_sources():
    from diffcert.rates.quantities import PAPERS
    from diffcert.sources import modules

    assert {f"diffcert.rates.{paper}" for paper in PAPERS} <= set(modules())
