"""Reports as documents: every claim in each language, rounded to the safe side, nothing run or fetched."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from fractions import Fraction
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

import diffcert
from diffcert import verification
from diffcert.cli import main
from diffcert.documents.charts import svg
from diffcert.documents.html import html
from diffcert.documents.latex import latex
from diffcert.documents.markdown import markdown
from diffcert.documents.mathml import mathml
from diffcert.documents.model import _directed, document, read_report

LANGUAGES = ("html", "latex", "markdown")
WRITERS = {"html": html, "latex": latex, "markdown": markdown}


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The JSON file of every claim in machine numbers on two targets."""
    place = tmp_path_factory.mktemp("report") / "quick.json"
    report = diffcert.verify(digits=None, targets=["binary", "skew-0"])
    place.write_text(report.to_json(), encoding="utf-8")
    return place


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The JSON file of some planted falsehoods in balls, one of which has the bound 0."""
    place = tmp_path_factory.mktemp("report") / "twins.json"
    chosen = [bound for bound in diffcert.bounds.TWINS if bound.startswith("reeves-pfister/")]
    place.write_text(diffcert.verify(chosen, twins=True).to_json(), encoding="utf-8")
    return place


def _ids(path: Path) -> list[str]:
    return [claim["id"] for claim in json.loads(path.read_text())["claims"]]


# What is in a document


def test_every_claim_is_in_every_language(quick: Path, tmp_path: Path, capsys: Any) -> None:
    arguments = [part for name in LANGUAGES for part in (f"--{name}", str(tmp_path / f"r.{name}"))]
    assert main(["report", "--json", str(quick), *arguments]) in (0, 1)
    out, err = capsys.readouterr()
    assert err == ""
    assert out.strip() == json.loads(quick.read_text())["summary"]
    data = json.loads(quick.read_text())
    assert len(data["claims"]) >= 9
    texts = {name: (tmp_path / f"r.{name}").read_text(encoding="utf-8") for name in LANGUAGES}
    for claim in data["claims"]:
        assert f"`{claim['id']}`" in texts["markdown"]
        assert f"<code>{claim['id']}</code>" in texts["html"]
        assert claim["id"] in re.sub(r"\\allowbreak\{\}", "", texts["latex"])
        assert claim["statement"] in texts["latex"]
        assert claim["statement"] in texts["markdown"]
    for text in texts.values():
        assert "no verdict is certain" in text
        assert "karras, 18 steps" in text


def test_a_run_and_its_file_give_the_same(tmp_path: Path, capsys: Any) -> None:
    selection = ["--target", "binary", "--schedule", "karras", "--digits", "12"]
    code = main(["verify", *selection, "--json", str(tmp_path / "r.json")])
    assert main(["report", *selection, "--markdown", str(tmp_path / "run.md")]) == code
    assert (
        main(["report", "--json", str(tmp_path / "r.json"), "--markdown", str(tmp_path / "file.md")])
        == code
    )
    assert (tmp_path / "run.md").read_bytes() == (tmp_path / "file.md").read_bytes()
    assert "decided in balls that began at 12 digits" in (tmp_path / "run.md").read_text()
    capsys.readouterr()


def test_refutations_are_shown(twins: Path) -> None:
    made = document(read_report(twins))
    assert made.twins
    for entry in made.entries:
        assert entry.status == "refuted"
    for name, writer in WRITERS.items():
        text = writer(made)
        assert "refuted" in text, name
        assert "Planted falsehoods" in text
    finite = [entry for entry in made.entries if entry.constant]
    assert all(Fraction(entry.constant) > 1 for entry in finite)
    assert len(finite) < len(made.entries)  # where the bound is 0 there is no constant


def test_constants_cover_every_case(quick: Path) -> None:
    made = document(read_report(quick))
    checked = 0
    for entry in made.entries:
        for case in entry.evaluated:
            if case.relation == "<=":
                assert case.ratio_high is not None
                assert case.ratio_high <= Fraction(entry.constant)
                checked += 1
    assert checked > 50


def test_certified_digits_survive_the_file() -> None:
    instance = diffcert.Instance(diffcert.TARGETS["binary"], snr=1, target_name="binary")
    verdict = diffcert.compare("reeves-pfister/information-entropy", instance)
    claim = diffcert.find("reeves-pfister/information-entropy")
    report = verification.conclude([claim], [verification.Case(claim, instance)], {0: verdict}, 30)
    (entry,) = document(json.loads(report.to_json())).entries
    (case,) = entry.cases
    assert (case.label, case.truth, case.bound) == ("binary, snr 1", "0.336831", "0.693147")
    assert entry.constant == "0.4860"  # 0.485944... rounded up


@given(st.fractions(min_value=Fraction(1, 10**12), max_value=10**12), st.booleans())
def test_constants_are_rounded_to_the_safe_side(value: Fraction, up: bool) -> None:
    shown = Fraction(_directed(value, up))
    assert (shown >= value) if up else (shown <= value)
    assert abs(shown - value) <= value / 1000


# The languages


class _Tags(HTMLParser):
    """Counts what a page opens and closes, and what it would fetch."""

    VOID = frozenset(("meta", "br", "link", "img"))

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.fetched: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        for name, value in attributes:
            if name in ("src", "href", "xlink:href") and not (value or "").startswith("#"):
                self.fetched.append(value or "")
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_html_is_whole_and_alone(quick: Path, twins: Path) -> None:
    for path in (quick, twins):
        page = html(document(read_report(path)))
        tags = _Tags()
        tags.feed(page)
        assert tags.open == []
        assert tags.fetched == []
        assert {"math", "svg", "table", "circle"} <= tags.seen
        assert "script" not in tags.seen
        assert "@import" not in page
        assert "url(" not in page


def test_every_statement_is_mathml() -> None:
    for bound in (*diffcert.bounds.ALL.values(), *diffcert.bounds.TWINS.values()):
        made = mathml(bound.latex())
        assert made.startswith("<math "), (bound.id, made)
        ElementTree.fromstring(made)


@pytest.mark.parametrize(
    "formula", [r"\href{x}{y}", "{", "}", r"\frac{1}", r"\begin{matrix}", "x^", "<b>&", r"\left("]
)
def test_unknown_formulas_are_shown_as_they_are(formula: str) -> None:
    made = mathml(formula)
    assert made.startswith(("<code>", "<math "))
    ElementTree.fromstring(made)
    assert "<b>" not in made


def test_svg_is_well_formed(quick: Path) -> None:
    drawn = [svg(entry) for entry in document(read_report(quick)).entries]
    assert sum(1 for text in drawn if text) >= 8
    for text in drawn:
        if text:
            root = ElementTree.fromstring(text)
            assert root.tag == "svg"
            _, _, width, height = (float(x) for x in root.attrib["viewBox"].split())
            for circle in root.iter("circle"):
                assert 0 < float(circle.attrib["cx"]) < width
                assert 0 < float(circle.attrib["cy"]) < height


def test_latex_is_balanced(quick: Path, twins: Path) -> None:
    for path in (quick, twins):
        text = latex(document(read_report(path)))
        without = re.sub(r"\\[{}%&_#$\\]", "", text)
        assert without.count("{") == without.count("}")
        opened = re.findall(r"\\begin\{(\w+\*?)\}", text)
        closed = re.findall(r"\\end\{(\w+\*?)\}", text)
        assert sorted(opened) == sorted(closed)
        assert text.isascii()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="there is no TeX")
def test_latex_compiles(quick: Path, tmp_path: Path) -> None:
    (tmp_path / "r.tex").write_text(latex(document(read_report(quick))))
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "r.tex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "r.pdf").stat().st_size > 10_000


def test_what_others_wrote_is_only_text(quick: Path) -> None:
    data = json.loads(quick.read_text())
    data["claims"] = data["claims"][:1]
    data["cases"] = [case for case in data["cases"] if case["claim"] == data["claims"][0]["id"]][:3]
    evil = "<script>alert(1)</script> \\input{/etc/passwd} | `x` # \u202e"
    data["claims"][0]["title"] = data["claims"][0]["source"] = evil
    data["claims"][0]["statement"] = "\\input{/etc/passwd}\\end{equation*}\\write18{x}"
    data["cases"][0]["instance"]["target"]["name"] = evil
    made = document(data)
    page, paper, text = html(made), latex(made), markdown(made)
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    body = paper.partition(r"\begin{document}")[2]
    assert "\\input" not in body
    assert "\\write" not in body
    assert "\u202e" not in paper
    rows = [line for line in text.splitlines() if line.startswith("| ") and "script" in line]
    assert rows
    assert all("<script" not in row.replace("\\<", "") for row in rows)


# Bad input


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "report: give at least one of --html FILE, --latex FILE, --markdown FILE"),
        (["--html", "/no/such/r.html"], "--html: there is no folder"),
        (["--html", "r", "--latex", "r"], "--latex: r is needed for something else"),
        (["--html", "r", "--json", "none.json"], "--json: none.json: does not exist"),
        (["--html", "r", "--quick", "--digits", "9"], "--digits: it has no meaning together with --quick"),
        (
            ["--html", "r", "--json", "good.json", "--quick"],
            "--quick: it has no meaning together with --json",
        ),
        (["--html", "r", "--json", "bad.json"], "--json: bad.json: "),
        (["--html", "good.json", "--json", "good.json"], "--html: good.json is needed for something else"),
        (["--html", "r", "--claim", "no/such"], "unknown id"),
    ],
)
def test_bad_input(
    arguments: list[str],
    says: str,
    quick: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Any,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.json").write_bytes(quick.read_bytes())
    (tmp_path / "bad.json").write_text('{"format": "diffcert report 1"}')
    assert main(["report", *arguments]) == 2
    err = capsys.readouterr().err
    assert says in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("claims", 3),
        ("cases", [{}]),
        ("format", "x"),
        ("digits", "__import__('os')"),
        ("claims", []),
        ("cases", [None]),
    ],
)
def test_damaged_reports(key: str, value: Any, quick: Path, tmp_path: Path) -> None:
    place = tmp_path / "r.json"
    place.write_text(json.dumps({**json.loads(quick.read_text()), key: value}))
    with pytest.raises(ValueError, match=r"--json: .*r\.json: ") as caught:
        read_report(place)
    assert "\n" not in str(caught.value)


def test_numbers_that_are_none(quick: Path, tmp_path: Path) -> None:
    data = json.loads(quick.read_text())
    case = next(case for case in data["cases"] if case["truth"])
    for text in ("1e99999999", "x", "1/0"):
        case["truth"] = {"value": text, "error": "0", "functional": "path_kl", "method": ""}
        place = tmp_path / "r.json"
        place.write_text(json.dumps(data))
        with pytest.raises(ValueError, match="is not a decimal number"):
            read_report(place)
