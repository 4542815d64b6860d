"""What LaTeX needs: characters, tables and formulas that fit, statuses in colour."""

from __future__ import annotations

import pytest
from docutils import nodes

pytest.importorskip("sphinx", reason="Sphinx is missing; install diffcert[docs]")

from diffcert.sphinx.latex import adapted, preamble
from diffcert.sphinx.pieces import badge, table
from theory.rendering import unicode
from theory.symbols import QUANTITIES


def _in_page(*made: nodes.Node, within: nodes.Element | None = None) -> list[nodes.Node]:
    place = nodes.container()
    parent = nodes.section() if within is None else within
    parent += place
    return adapted(made, place)


def _long(rows: int) -> nodes.table:
    return table(("a", "b"), (50, 50), [[[nodes.Text("x")]] * 2] * rows)


def test_every_character_is_declared_once_and_none_of_ascii():
    lines = [line for line in preamble().splitlines() if line.startswith(r"\certdeclare{")]
    codes = [line[len(r"\certdeclare{") :].partition("}")[0] for line in lines]
    assert len(set(codes)) == len(codes)
    assert all(int(code, 16) > 0x7F for code in codes)
    declared = {chr(int(code, 16)) for code in codes}
    assert set("αΩκ≤≥∞∂∑⋅₀ₖ²⎛⎪┃╇━∎") <= declared
    drawn = "".join(unicode(row.symbol) for row in QUANTITIES.values() if not row.indexed)
    assert {sign for sign in drawn if ord(sign) > 0xFF} <= declared | {"…"}  # LaTeX's own


def test_tables_are_as_wide_as_the_page_and_may_be_broken():
    short, long = _in_page(_long(3), _long(20))
    assert isinstance(short, nodes.table)
    assert isinstance(long, nodes.table)
    assert "colwidths-given" in short["classes"]
    assert "longtable" not in short["classes"]
    assert "longtable" in long["classes"]
    (framed,) = _in_page(_long(20), within=nodes.admonition())
    assert isinstance(framed, nodes.table)
    assert "longtable" not in framed["classes"]


@pytest.mark.parametrize(
    ("formula", "length", "fitted"),
    [(nodes.math, 20, False), (nodes.math, 400, True), (nodes.math_block, 400, True)],
)
def test_long_formulas_are_made_to_fit(formula: type[nodes.Element], length: int, fitted: bool):
    source = "x + " * (length // 4)
    node = formula(source, source, label=None)
    (made,) = _in_page(nodes.paragraph("", "", node))
    assert ("resizebox" in made.astext()) is fitted
    assert source in made.astext()


def test_formulas_of_several_lines_stay():
    source = r"a &= b \\ " * 40
    (made,) = _in_page(nodes.math_block(source, source, label=None))
    assert isinstance(made, nodes.math_block)
    cases = r"\begin{cases} a & b \\ c & d \end{cases}" * 10
    (made,) = _in_page(nodes.math_block(cases, cases, label=None))
    assert isinstance(made, nodes.raw)


def test_statuses_are_coloured_but_not_in_titles():
    (line,) = _in_page(nodes.paragraph("", "", badge("refuted", "refuted, as expected")))
    assert line.astext() == r"\textcolor[HTML]{A01313}{refuted, as expected}"
    (title,) = _in_page(badge("holds", "holds"), within=nodes.title())
    assert title.astext() == "holds"
