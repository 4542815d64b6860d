"""Runs over families: selection, processes, reports."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest

import diffcert
from diffcert import Claim, Instance, Mixture, Schedule, Status, family, symbols, verification
from diffcert.report import Report, write_json
from diffcert.tables import describe, remarks, table

SMALL = {"targets": ["binary", "skew-0"], "schedules": ["karras", "uniform"], "digits": 15}


def plain(report):
    """What a report says, without the identity of its objects."""
    return json.loads(report.to_json())


def test_the_family_is_the_published_one():
    assert len(family.TARGETS) == 10
    assert len(family.paths()) == 160
    grid = family.TARGETS["grid16"]
    assert (grid.means[0], grid.means[-1], len(grid.means)) == ((-3,), (3,), 16)
    assert {t.variance for t in family.TARGETS.values()} == {0, 1}
    last = {i.schedule.parameters["last"] for i in family.paths() if i.schedule_name == "uniform"}
    assert last == {1, 100}


def test_step_complexity_takes_as_many_steps_as_the_theorem_asks():
    for instance in family.step_complexity():
        epsilon = instance.parameter("epsilon")
        variance = instance.target.core.variance
        parameters = instance.schedule.parameters
        assert parameters["first"] == epsilon / variance
        assert parameters["last"] * variance > epsilon
    skipped = {(i.target_name, i.parameter("epsilon")) for i in family.step_complexity()}
    assert ("skew", Fraction(1)) not in skipped
    assert ("skew", Fraction(1, 100)) in skipped
    assert ("binary", Fraction(1)) not in skipped


def test_selection():
    report = diffcert.verify(["reeves-pfister/monotone"], steps=[18], **SMALL)
    assert [verdict.instance.label for verdict in report.verdicts] == [
        "binary, karras, 18 steps",
        "skew-0, karras, 18 steps",
    ]
    assert report.succeeded
    assert report.counts == {"holds": 2, "refuted": 0, "undecided": 0}
    assert report.summary == "2 cases of 1 claim at 15 digits: holds 2, refuted 0, undecided 0"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"targets": ["nope"]}, "target: 'nope' is not one of binary, binary-0"),
        ({"schedules": ["nope"]}, "schedule: 'nope' is not one of ddpm-linear"),
        (
            {"steps": [7], "schedules": ["karras"]},
            "no case of these claims is selected; there are steps 18, 40",
        ),
        ({"claims": ["nope"]}, "claim: unknown id"),
        ({"claims": "os:path"}, "path is of type module"),
        ({"claims": 3}, "claims: 3 is neither a claim nor a list"),
        ({"digits": 0}, "digits: 0"),
        ({"digits": 5000}, "digits: 5000"),
        ({"twins": True, "digits": None}, "the fast tier refutes nothing"),
        ({"twins": True, "claims": ["reeves-pfister/monotone"]}, "is no planted falsehood"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        diffcert.verify(**arguments)


def test_one_number_of_steps_needs_no_list():
    report = diffcert.verify("reeves-pfister/monotone", digits=None, targets="binary", steps=18)
    assert [verdict.instance.schedule_name for verdict in report.verdicts] == ["karras"]


def test_processes_say_the_same_as_one():
    wanted = ["reeves-pfister/monotone", "reeves-pfister/uniform-steps"]
    alone = diffcert.verify(wanted, **SMALL)
    calls = []
    together = diffcert.verify(wanted, workers=2, progress=lambda *c: calls.append(c), **SMALL)
    assert plain(alone) == plain(together)
    assert calls[-1] == (len(together.verdicts), len(together.verdicts))


def test_a_claim_of_this_process_stays_in_it():
    Claim("mine/here", symbols.entropy + symbols.last)
    report = diffcert.verify(["mine/here", "reeves-pfister/monotone"], workers=2, **SMALL)
    assert {verdict.claim_id for verdict in report.verdicts} == {"mine/here", "reeves-pfister/monotone"}
    assert report.counts["holds"] == len(report.verdicts) == 12


def test_a_target_out_of_reach_is_undecided_and_the_rest_goes_on():
    corners = [[0, 0, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    wide = Instance(Mixture(["1/5"] * 5, corners), Schedule.karras(3))
    fine = Instance(Mixture(["1/2", "1/2"], [0, 1]), Schedule.karras(3))
    Claim("mine/mixed", symbols.last * symbols.variance, instances=[wide, fine])
    report = diffcert.verify(["mine/mixed"], digits=15)
    assert [verdict.status for verdict in report.verdicts] == [Status.UNDECIDED, Status.HOLDS]
    assert "span 4 dimensions" in report.verdicts[0].reason
    assert not report.succeeded
    assert any(line.startswith("undecided: mine/mixed") for line in remarks(report))


def test_the_json_contains_the_balls(tmp_path):
    report = diffcert.verify(["reeves-pfister/monotone", "diffcert/convex-halved"], **SMALL)
    write_json(report, tmp_path / "report.json")
    data = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert len(data["cases"]) == len(report.verdicts)
    for case, verdict in zip(data["cases"], report.verdicts, strict=True):
        assert case["status"] == verdict.status.value
        target = dict(case["instance"]["target"])
        assert target.pop("name") == verdict.instance.target_name
        assert Mixture.from_dict(target) == verdict.instance.target
        if verdict.bound is None:
            assert case["bound"] is None
            assert case["reason"]
            continue
        for key, ball in (
            ("truth", verdict.truth.value),
            ("bound", verdict.bound),
            ("ratio", verdict.ratio),
        ):
            middle, radius = Fraction(case[key]["mid"]), Fraction(case[key]["rad"])
            ends = (
                Fraction(int(m)) * Fraction(2) ** int(e)
                for m, e in (ball.mid().man_exp(), ball.rad().man_exp())
            )
            exact_middle, exact_radius = ends
            assert middle - radius <= exact_middle - exact_radius
            assert exact_middle + exact_radius <= middle + radius
            assert radius < Fraction(1, 10**13) * middle


def test_the_json_is_the_same_every_time():
    once, again = (diffcert.verify(["reeves-pfister/monotone"], **SMALL) for _ in range(2))
    assert once.to_json() == again.to_json()


def test_floats_in_the_json_read_back_exactly():
    report = diffcert.verify(["reeves-pfister/monotone"], **{**SMALL, "digits": None})
    for case, verdict in zip(plain(report)["cases"], report.verdicts, strict=True):
        assert float(case["truth"]["value"]) == verdict.truth.value
        assert float(case["truth"]["error"]) == verdict.truth.error
        assert float(case["bound"]["value"]) == verdict.bound


def test_the_worst_case_of_each_schedule():
    report = diffcert.verify(["reeves-pfister/monotone"], **SMALL)
    worst = {verdict.instance.schedule_name: verdict for verdict in report.worst()}
    assert set(worst) == {"karras", "uniform"}
    for name, verdict in worst.items():
        members = [v for v in report.verdicts if v.instance.schedule_name == name]
        assert not any(v.ratio > verdict.ratio for v in members)


def test_a_refuted_case_is_the_worst_whatever_its_ratio():
    lower = Instance(Mixture(["1/2", "1/2"], [0, 1]), snr=1)
    upper = Instance(Mixture(["1/2", "1/2"], [0, 9]), snr=1)
    Claim("mine/half", "1" and symbols.diameter / 10, truth="mmse", instances=[lower, upper])
    report = diffcert.verify(["mine/half"], digits=15)
    assert report.worst()[0].status is Status.REFUTED
    assert any(line.startswith("refuted: mine/half at Mixture(") for line in remarks(report))


def test_an_incomplete_report_does_not_succeed():
    cases, claims = verification.prepare(
        ["reeves-pfister/monotone"], 15, ["binary"], ["karras"], None, False
    )
    _, verdict = next(iter(verification.run(cases, 15)))
    report = verification.conclude(claims, cases, {0: verdict}, 15)
    assert (report.missing, report.succeeded) == (1, False)
    assert report.summary.endswith("holds 1, refuted 0, undecided 0; 1 not finished")
    assert plain(report)["missing"] == 1


def test_twins_stop_at_the_first_refutation():
    report = diffcert.verify(["diffcert/frozen-covariance/twin"], twins=True, digits=15)
    (verdict,) = report.verdicts
    assert verdict.status is Status.REFUTED
    assert report.succeeded
    assert "Schedule.from_snr(['0', '1/10'])" in describe(verdict.instance)
    assert float(verdict.ratio) == pytest.approx(1.0239, abs=5e-5)


def test_a_twin_that_is_not_refuted_fails_the_run():
    twin = diffcert.find("diffcert/frozen-covariance/twin")
    point = diffcert.compare(twin, Instance(Mixture(["1/2", "1/2"], [0, 1]), Schedule.uniform(9)))
    assert point.status is Status.HOLDS
    assert not Report((twin,), (point,), 30, twins=True).succeeded


def test_tables_have_a_row_for_each_schedule_and_one_for_what_does_not_apply():
    report = diffcert.verify(["reeves-pfister/uniform-steps"], **SMALL)
    assert table(report).row_count == 1 + 2
    assert table(report, every=True).row_count == 1 + len(report.verdicts) == 1 + 6
