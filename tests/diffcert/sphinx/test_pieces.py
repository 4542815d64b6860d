"""Tables: a reason that is long goes across them, a short one stays with its case."""

from __future__ import annotations

from typing import Any

import pytest
from docutils import nodes

from diffcert.sphinx.content import Writer
from diffcert.sphinx.pieces import table


def test_a_row_of_one_cell_goes_across() -> None:
    made = table(("a", "b", "c"), (1, 1, 1), [[[nodes.Text(x)] for x in "xyz"], [[nodes.Text("all")]]])
    rows = [list(row.findall(nodes.entry)) for row in made.findall(nodes.row)]
    assert [len(row) for row in rows] == [3, 3, 1]
    assert rows[2][0]["morecols"] == 2


@pytest.mark.parametrize(
    ("reason", "rows"), [("", 1), ("equal to 30 digits", 1), ("the ratio rises " * 9, 2)]
)
def test_long_reasons_have_rows_of_their_own(reason: str, rows: int) -> None:
    row = {
        "label": "three",
        "truth": "1",
        "bound": "2",
        "ratio": "0.5",
        "status": "holds",
        "reason": reason,
    }

    def link(view: Any, node: nodes.Node) -> nodes.Node:
        return node

    for form, count in (("html", rows), ("latex", rows), ("man", 1)):
        (body,) = Writer(form, link)._cases([row]).findall(nodes.tbody)
        assert len(body) == count
        assert reason.strip() in body.astext()
