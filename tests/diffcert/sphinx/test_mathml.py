"""Formulas as MathML."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

import diffcert

pytest.importorskip("latex2mathml", reason="latex2mathml is missing; install diffcert[docs]")

from diffcert.sphinx.mathml import mathml


@pytest.mark.parametrize("name", sorted(diffcert.bounds.ALL))
def test_every_statement_is_written(name: str):
    root = ElementTree.fromstring(mathml(diffcert.bounds.ALL[name].latex(), display=True))
    assert root.get("display") == "block"
    assert re.search("[≤≥=]", "".join(root.itertext()))


def test_what_is_not_known_is_refused():
    with pytest.raises(ValueError, match="unknowncommand"):
        mathml(r"\unknowncommand{x}", display=False)


def test_mathematics_within_words():
    made = mathml(r"a \le b \text{ summed over $k$ from $0$ to $n - 1$}", display=True)
    assert "$" not in made
    words = [
        element.text for element in ElementTree.fromstring(made).iter() if element.tag.endswith("mtext")
    ]
    assert [word.replace("\u00a0", " ").strip() for word in words] == ["summed over", "from", "to"]
    assert "$" in mathml(r"\text{one $ alone}", display=False)
    assert mathml(r"\text{a $x_{1}$}", display=False) == mathml(r"\text{a }{x_{1}}", display=False)
