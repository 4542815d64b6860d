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
