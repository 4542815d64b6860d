"""Rates on the command line, in tables, in JSON, in documents and in pictures."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree

import pytest

import diffcert
from diffcert.cli import main
from diffcert.documents.html import html
from diffcert.documents.latex import latex
from diffcert.documents.markdown import markdown
from diffcert.documents.model import document, read_report

CHOSEN = ("reeves-pfister/moments-step-2", "reeves-pfister/moments-path-1")
ARGUMENTS = [part for claim_id in CHOSEN for part in ("--claim", claim_id)]
TWIN = "reeves-pfister/moments-step-1/twin-factorial"


@pytest.fixture(scope="module")
def report():
    return diffcert.verify(list(CHOSEN))


def test_verify_prints_constants_and_exponents(capsys):
    assert main(["verify", *ARGUMENTS]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "least constant 0.2663; ratio ~ n^(-0.02 +/- 0.03)" in out
    assert "least constant 2.079 (float)" in out
    assert "5 cases of 2 claims at 30 digits: refuted 0, undecided 0, consistent 5" in out


def test_quick_looks_at_the_first_rungs(capsys):
    assert main(["verify", "--quick", "--all", *ARGUMENTS]) == 0
    assert "delta = 1/16 ... 1/512 (6 rungs)" in capsys.readouterr().out


def test_twins(capsys):
    assert main(["verify", "--twins", "--claim", TWIN]) == 0
    out = capsys.readouterr().out
    assert "inconsistent 1" in out
    assert f"counterexample to {TWIN}: three, t = 0" in out
    assert main(["verify", "--claim", TWIN]) == 1


def test_a_ladder_can_be_selected(capsys):
    assert main(["verify", "--claim", CHOSEN[1], "--target", "five, snr 1/2 to 2"]) == 0
    assert "1 case of 1 claim" in capsys.readouterr().out


def test_list_and_show(capsys):
    assert main(["list"]) == 0
    listed = capsys.readouterr().out
    assert re.search(r"^rates \(an implied constant, along ladders\):$", listed, re.MULTILINE)
    assert all(claim_id in listed for claim_id in diffcert.bounds.RATES)
    assert main(["show", CHOSEN[0]]) == 0
    shown = capsys.readouterr().out
    assert "step_kl_matched_2/f tends to 1, with f =" in shown
    assert "- three, t = 0, delta = 1/16 ... 1/2048 (8 rungs)" in shown
    assert main(["show", TWIN]) == 0
    assert "planted falsehood: the coefficient is" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["compare", "--target", "three", "--snr", "1", "--claim", CHOSEN[0]], "is a rate, which has"),
        (["sharpen", CHOSEN[0]], "is a rate; it has ladders"),
        (["verify", "--claim", CHOSEN[0], "--steps", "50"], "no case of these claims is selected"),
    ],
)
def test_what_rates_do_not_have_is_refused_in_one_line(arguments, message, capsys):
    assert main(arguments) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1


def test_all_claims_on_one_instance_leave_rates_out(capsys):
    assert main(["compare", "--target", "three", "--snr", "1", "--quick"]) == 0
    assert "moments" not in capsys.readouterr().out


@pytest.mark.slow
def test_certificates_are_written_and_checked(tmp_path, capsys):
    folder = tmp_path / "certificates"
    assert main(["verify", "--claim", CHOSEN[0], "--certificates", str(folder)]) == 0
    assert "3 certificates in" in capsys.readouterr().out
    assert main(["check", str(folder)]) == 0
    assert "3 certificates: agree 3, disagree 0" in capsys.readouterr().out
    (victim, *_) = sorted(folder.glob("*.json"))
    text = victim.read_text()
    victim.write_text(text.replace('"status": "consistent"', '"status": "inconsistent"'))
    assert main(["check", str(folder)]) == 1
    assert "agree 2, disagree 1" in capsys.readouterr().out


@pytest.mark.slow
def test_workers_give_the_same(report):
    again = diffcert.verify(list(CHOSEN), workers=2)
    assert again.to_json() == report.to_json()


def test_documents(report, tmp_path):
    path = tmp_path / "report.json"
    path.write_text(report.to_json(), encoding="utf-8")
    made = document(read_report(path))
    assert [entry.constant for entry in made.entries] == ["2.079 (float)", "0.2663"]
    for entry in made.entries:
        for case in entry.cases:
            assert len(case.along.points) == (8 if "step" in entry.id else 6)
    in_html, in_latex, in_markdown = html(made), latex(made), markdown(made)
    for heading in ("least constant", "trend of the ratio", "exponent of the truth", "of the formula"):
        assert heading in in_html
        assert heading in in_latex
        assert heading in in_markdown
    assert "0.2663" in in_html
    assert "0.2663" in in_latex
    assert "0.2663" in in_markdown
    assert "-1.02 +/- 0.03" in in_html
    assert r"-1.02 $\pm$ 0.03" in in_latex
    assert "p + 0.35 q" in in_html
    assert "p + 0.35 q" in in_markdown
    assert "\u224d" in in_html
    assert "\u223c" in in_html
    drawings = re.findall(r"<svg.*?</svg>", in_html, re.DOTALL)
    assert len(drawings) == 2
    circles = [len(ElementTree.fromstring(drawing).findall("circle")) for drawing in drawings]
    assert circles == [24, 12]
    assert in_latex.count(r"\begin{picture}") == 2
    assert in_latex.count(r"\begin{longtable}") == in_latex.count(r"\end{longtable}") == 3


def test_a_report_that_was_changed_is_refused(report, tmp_path):
    data = json.loads(report.to_json())
    data["cases"][0]["instance"]["rungs"] = 3
    path = tmp_path / "report.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(ValueError, match="rungs"):
        read_report(path)


def test_a_picture(report):
    pytest.importorskip("matplotlib")
    figure = diffcert.rate_figure(list(report.verdicts))
    assert len(figure.axes) == 4
    assert [axes.get_xscale() for axes in figure.axes] == ["log"] * 4
    assert [len(axes.lines) for axes in figure.axes] == [6, 3, 4, 2]
    with pytest.raises(ValueError, match="no ladder"):
        diffcert.rate_figure([])


def test_the_notebook_shows_a_verdict_in_latex(report):
    assert report.verdicts[0]._repr_latex_() == r"$\text{consistent}:\quad C \ge 2.079$"
    assert repr(report.verdicts[0]).startswith(f"<RateVerdict consistent: {CHOSEN[0]} on three")
