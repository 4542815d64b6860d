"""Numbers, names and statuses of a project, from results that are given here."""

from __future__ import annotations

import re
from typing import Any

import pytest
from docutils import nodes

from diffcert.sphinx import standing as st
from diffcert.sphinx.content import Writer
from diffcert.sphinx.findings import Findings
from diffcert.sphinx.graph import drawing, layers
from diffcert.sphinx.lemmas import lemmas
from diffcert.sphinx.lookup import NotThereError, find
from diffcert.sphinx.pieces import words
from diffcert.sphinx.project import Project, Settings, anchor
from diffcert.sphinx.store import digest
from diffcert.sphinx.views import page_digests, view

ROW = {"label": "here", "status": "holds", "bound": "2", "truth": "1", "ratio": "0.5", "reason": ""}


def _record(type_: str, **given: Any) -> dict[str, Any]:
    return {"type": type_, "problem": "", "where": "page.rst:1", "host": "", **given}


def _stated(name: str, status: str = st.DERIVED, **given: Any) -> dict[str, Any]:
    return _record("theorem", name=name, object=f"mine:{name}", status_=status, **given)


def _compared(name: str, of: str, status: str, **given: Any) -> dict[str, Any]:
    return _record("comparison", name=name, of=of, status_=status, **given)


def _verdict(status: str) -> dict[str, Any]:
    return {
        "status": status,
        "message": "",
        "relation": "<=",
        "digits": 30,
        "cases": 1,
        "counts": {status: 1},
        "worst": {**ROW, "status": status},
        "rows": [{**ROW, "status": status}],
        "numbers": {"truth": {"mid": "1", "rad": "0"}, "bound": {"mid": "2", "rad": "0"}},
        "tightness": {"low": "1/2", "high": "1/2", "label": "here"},
    }


def _findings(*records: dict[str, Any], order: tuple[str, ...] = ("page",), **more: Any) -> Findings:
    pages = {"page": list(records), **more}
    project = Project(pages, order, Settings(fail_on=frozenset(st.FAILING)))
    for entry in project.entries.values():
        status = entry.record.get("status_", "")
        if entry.kind == "comparison":
            project.results[digest(project.task("comparison", entry))] = _verdict(status)
        elif entry.object:
            described = {"status": status, "message": "", "source": "", "key": entry.name, "steps": [1, 2]}
            computed = status in (st.HOLDS, st.REFUTED, st.UNDECIDED, st.NOT_APPLICABLE)
            result = {**described, "status": ""} if computed else described
            project.results[digest(project.task("statement", entry))] = result
            project.results[digest(project.task("check", entry))] = _verdict(status)
    return Findings(project)


def _statuses(findings: Findings) -> dict[str, str]:
    return {entry.name: standing.status for entry, standing in findings.standing.items()}


@pytest.mark.parametrize("weak", [status for status in st.ORDER if status not in (st.DERIVED, st.HOLDS)])
def test_the_weakest_of_its_own_and_of_what_it_uses(weak: str):
    if weak == st.DEFINITION:
        middle = _record("theorem", name="b", kind="definition")
    elif weak == st.CITED:
        middle = _record("theorem", name="b", source="a paper")
    elif weak == st.CONJECTURE:
        middle = _record("theorem", name="b")
    else:
        middle = _stated("b", weak)
    found = _statuses(_findings(_stated("a", uses=["b"]), middle, _stated("c", uses=["a"])))
    expected = st.DERIVED if weak == st.DEFINITION else weak
    assert found == {"a": expected, "b": weak, "c": expected}


def test_a_conjecture_stays_one_however_well_it_holds():
    findings = _findings(
        _stated("a", st.HOLDS, kind="conjecture"), _stated("b", st.REFUTED, kind="conjecture")
    )
    assert _statuses(findings) == {"a": st.CONJECTURE, "b": st.REFUTED}


def test_a_comparison_decides_its_statement():
    findings = _findings(_stated("a"), _compared("n", "a", st.REFUTED), _stated("b", uses=["a"]))
    assert _statuses(findings) == {"n": st.REFUTED, "a": st.REFUTED, "b": st.REFUTED}
    said = [message.text for message in findings.messages()]
    assert said[0] == "Theorem 1 (a): refuted: Comparison 1: at here: the truth 1 exceeds the bound 2"
    assert said[2] == "Theorem 2 (b): refuted (through Theorem 1): it rests on Theorem 1 (a)"
    by_reference = _findings(_stated("a"), _compared("n", "mine:a", st.REFUTED))
    assert _statuses(by_reference)["a"] == st.REFUTED


def test_a_comparison_decides_every_statement_of_the_same_object():
    twice = {**_stated("b"), "object": "mine:a"}
    findings = _findings(_stated("a"), twice, _compared("n", "a", st.REFUTED))
    assert _statuses(findings) == {"n": st.REFUTED, "a": st.REFUTED, "b": st.REFUTED}


def test_a_comparison_may_call_the_claim_by_another_name():
    project = Project(
        {"page": [_stated("a"), _compared("n", "built-in/a", st.REFUTED)]}, ("page",), Settings()
    )
    statement, comparison = project.entries.values()
    described = {"status": st.DERIVED, "message": "", "source": "", "steps": [1], "id": "built-in/a"}
    project.results[digest(project.task("statement", statement))] = described
    verdict = {**_verdict(st.REFUTED), "claim": "built-in/a"}
    project.results[digest(project.task("comparison", comparison))] = verdict
    assert _statuses(Findings(project)) == {"a": st.REFUTED, "n": st.REFUTED}


def test_what_is_expected_of_a_comparison_still_decides_its_statement():
    for status in (st.REFUTED, st.INCONSISTENT):
        findings = _findings(_stated("a"), _compared("n", "a", status, expect=status))
        assert _statuses(findings) == {"a": status, "n": status}
    findings = _findings(_stated("a"), _compared("n", "a", st.UNDECIDED, expect=st.UNDECIDED))
    assert _statuses(findings)["a"] == st.DERIVED


def test_a_refutation_is_weaker_than_a_derivation_that_fails():
    findings = _findings(_stated("a", st.ERROR), _compared("n", "a", st.REFUTED))
    assert _statuses(findings)["a"] == st.REFUTED


def test_a_statement_may_be_expected_to_be_derived():
    for status in (st.DERIVED, st.HOLDS):
        findings = _findings(_stated("a", status, expect=st.DERIVED))
        assert [message.fails for message in findings.messages()] == [True] * (status != st.DERIVED)


def test_a_message_is_text_and_a_source_may_have_mathematics():
    page = [_record("theorem", name="a", source="$x^2$"), _stated("b", st.ERROR)]
    findings = _findings(*page)
    shown = [view(findings, "page", place)["standing"] for place in (0, 1)]
    assert [standing["authored"] for standing in shown] == [True, False]
    writer = Writer("html", lambda to, content: content)
    formulas = [
        len(list(writer.standing({**standing, "evidence": "$x^2$ and kappa"}).findall(nodes.math)))
        for standing in shown
    ]
    assert formulas == [2, 1]
    for source, inside in (("a $b$ c", ["b"]), ("it costs $5", []), ("$x$ for $5", ["x"]), ("a $$ b", [])):
        made = words(source)
        assert [node.astext() for node in made if isinstance(node, nodes.math)] == inside
        assert len("".join(node.astext() for node in made)) == len(source) - 2 * len(inside)


def test_a_comparison_beside_the_point_decides_nothing():
    findings = _findings(_stated("a"), _compared("n", "a", st.NOT_APPLICABLE))
    assert _statuses(findings)["a"] == st.DERIVED
    assert [message.fails for message in findings.messages()] == [False]


@pytest.mark.parametrize("status", [st.HOLDS, st.REFUTED, st.UNDECIDED, st.NOT_APPLICABLE, st.CONSISTENT])
@pytest.mark.parametrize("expected", st.EXPECTABLE)
def test_expectations(status: str, expected: str):
    findings = _findings(_compared("n", "mine:x", status, expect=expected))
    assert [message.fails for message in findings.messages()] == ([] if status == expected else [True])


@pytest.mark.parametrize(("least", "said"), [("1/2", []), ("0.51", ["below 0.51"])])
def test_tightness(least: str, said: list[str]):
    findings = _findings(_compared("n", "mine:x", st.HOLDS, **{"min-ratio": least}))
    messages = [message.text for message in findings.messages()]
    assert len(messages) == len(said)
    assert all(part in message for part, message in zip(said, messages, strict=True))


def test_nothing_unsettled_passes():
    for status in (st.ERROR, st.NOT_RUN, st.UNDECIDED, st.REFUTED, st.INCONSISTENT):
        assert [message.fails for message in _findings(_stated("a", status)).messages()] == [True]
    project = Project({"page": [_stated("a")]}, ["page"], Settings(fail_on=frozenset(st.FAILING)))
    assert _statuses(Findings(project)) == {"a": st.NOT_RUN}


def test_circles_and_missing_names():
    findings = _findings(_stated("a", uses=["b"]), _stated("b", uses=["a"]), _stated("c", uses=["gone"]))
    assert _statuses(findings) == {"a": st.ERROR, "b": st.ERROR, "c": st.NOT_RUN}
    assert "it rests on itself: a, b" in next(findings.messages()).text


def test_the_same_name_twice():
    findings = _findings(_stated("a"), {**_stated("a"), "where": "page.rst:9"})
    messages = list(findings.messages())
    assert [message.where for message in messages] == ["page.rst:9"]
    assert "the name 'a' is taken: page.rst:1" in messages[0].text


def test_numbers_follow_the_order_of_the_pages():
    pages = {"late": [_stated("c")], "early": [_stated("b")]}
    findings = _findings(_stated("a"), order=("early", "page", "late"), **pages)
    labels = {entry.name: entry.label for entry in findings.project.statements()}
    assert labels == {"b": "Theorem 1", "a": "Theorem 2", "c": "Theorem 3"}


def test_a_page_changes_only_with_what_it_shows():
    def digests(status: str) -> dict[str, str]:
        other = [_stated("other"), _record("badge", of="a")]
        alone = [_stated("alone")]
        findings = _findings(_stated("a", status), order=("page", "x", "y"), x=other, y=alone)
        return page_digests(findings)

    before, after = digests(st.DERIVED), digests(st.REFUTED)
    assert {page for page in before if before[page] != after[page]} == {"page", "x"}


def test_numbers_in_the_text():
    def said(quantity: str, number: str, rounding: str = "") -> str:
        record = _record(
            "number", source="n", quantity=quantity, number=number, rounding=rounding, shown=number
        )
        findings = _findings(_compared("n", "mine:x", st.HOLDS), record)
        return str(view(findings, "page", 1)["problem"])

    assert said("", "1.0") == said("truth", "1") == said("bound", "2", "down") == ""
    assert "write 1" in said("", "3")
    assert "it has no ratio" in said("ratio", "0.5")


def test_the_graph_puts_everything_below_what_it_rests_on():
    def row(name: str, *uses: str) -> dict[str, Any]:
        links = [{"docname": "p", "anchor": use} for use in uses]
        standing = {"status": st.HOLDS, "words": "holds"}
        return {
            "docname": "p",
            "anchor": name,
            "label": "Theorem 1",
            "name": "<a&b>",
            "title": "$x$",
            "uses": links,
            "standing": standing,
        }

    rows = [row("a", "b", "c"), row("b", "c"), row("c"), row("d", "d")]
    assert [[r["anchor"] for r in level] for level in layers(rows)] == [["c", "d"], ["b"], ["a"]]
    picture = drawing(rows, lambda view: f"#{view['anchor']}")
    assert picture == drawing(rows, lambda view: f"#{view['anchor']}")
    assert picture.count("<rect") == 4
    assert "&lt;a&amp;b&gt;" in picture
    circle = [row("a", "b"), row("b", "a")]
    assert sorted(r["anchor"] for level in layers(circle) for r in level) == ["a", "b"]


def test_the_graph_leaves_out_what_others_say_and_does_not_grow_wide():
    def row(name: str, *uses: str) -> dict[str, Any]:
        return {
            "docname": "p",
            "anchor": name,
            "label": "Lemma 1",
            "name": name,
            "title": name,
            "uses": [{"docname": "p", "anchor": use} for use in uses],
            "standing": {"status": st.HOLDS, "words": "holds"},
        }

    def lines(*rows: dict[str, Any]) -> int:
        return drawing(rows, lambda view: "#").count("cert-edge") // 2

    assert lines(row("a", "b", "c"), row("b", "c"), row("c")) == 2
    assert lines(row("a", "b", "c"), row("b"), row("c")) == 2
    assert lines(row("a", "b"), row("b", "a")) == 2
    wide = drawing([row(f"n{k}") for k in range(23)], lambda view: "#")
    assert wide.count("<rect") == 23
    assert int(re.findall(r'width="(\d+)"', wide)[0]) < 1200


def test_a_page_may_show_what_is_on_it_alone():
    here, there = [_stated("a", uses=["b"]), _stated("c")], [_stated("b", uses=["d"]), _stated("d")]
    graph, table = _record("graph", here=True), _record("status", here=True)
    whole = _record("status")
    findings = _findings(*here, graph, table, whole, other=there, order=("page", "other"))

    def shown(place: int) -> list[str]:
        return [row["name"] for row in view(findings, "page", place)["statements"]]

    assert shown(2) == ["a", "c", "b", "d"]
    assert shown(3) == ["a", "c"]
    assert shown(4) == ["a", "c", "b", "d"]


def test_what_is_compared_is_not_evaluated_twice():
    def operations(*records: dict[str, Any]) -> list[str]:
        project = Project({"page": list(records)}, ("page",), Settings())
        unique = {job.key: job.task["operation"] for job in project.jobs()}
        return sorted(unique.values())

    params = {"targets": ["three"]}
    plain, chosen = _stated("a", st.HOLDS), _stated("a", st.HOLDS, params=params)
    assert operations(plain, _compared("n", "a", st.HOLDS)) == ["comparison", "statement"]
    same = _compared("n", "a", st.HOLDS, params=params)
    assert operations(chosen, same) == ["comparison", "statement"]
    assert operations(plain, same) == ["check", "comparison", "statement"]
    assert operations(_stated("a", digits=20), same) == ["check", "comparison", "statement"]
    broken = {**_compared("n", "a", st.HOLDS), "problem": "no"}
    assert operations(plain, broken) == ["check", "statement"]


def test_counts_are_shown_in_one_order_fresh_or_from_the_store():
    comparison = _compared("n", "mine:x", st.HOLDS)
    findings = _findings(comparison)
    shown = view(findings, "page", 0)
    texts = []
    for order in ((st.NOT_APPLICABLE, st.HOLDS), (st.HOLDS, st.NOT_APPLICABLE)):
        result = {**shown["result"], "counts": dict.fromkeys(order, 3), "title": "t"}
        writer = Writer("text", lambda to, content: content)
        nodes = writer.comparison({**shown, "result": {**result, "unicode": "x", "latex": "x"}}, [])
        texts.append("\n".join(node.astext() for node in nodes))
    assert "6 cases: not applicable 3, holds 3." in texts[0]
    assert texts[0] == texts[1]


def test_lemmas_and_identities_have_names():
    assert find("identity/path").title == "path identity"
    assert all(find(name) is derivation for name, derivation in lemmas().items())
    assert len({derivation.title for derivation in lemmas().values()}) == len(lemmas())
    with pytest.raises(NotThereError, match="no built-in lemma 'lemma/nothing'"):
        find("lemma/nothing")


def test_anchors_are_different():
    names = ["a/b", "a-b", "A-b", "a.b", "a_b"]
    assert len({anchor(name) for name in names}) == len(names)
