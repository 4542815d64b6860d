"""Rates on a page: theorem, comparison and number of a statement with an implied constant."""

from __future__ import annotations

import pytest

from tests.diffcert.sphinx.conftest import Paper

CLAIMS = """
import sympy
from diffcert import Ladder, RateClaim, Rung

n = sympy.Symbol("n", positive=True)
LADDER = Ladder("uniform", "n", [
    Rung({"n": k}, instance=Instance(BINARY, Schedule.uniform(k, 1))) for k in (8, 16, 32, 64, 128)
])
first = RateClaim("mine/first", 1 / n, truth="path_kl", ladders=LADDER, title="First order")
second = RateClaim("mine/second", n ** POWER, truth="path_kl", ladders=LADDER)
"""

PAGE = """
Paper
=====

.. cert:theorem:: order
   :object: paper:first

.. cert:comparison:: numbers
   :of: paper:first
   :plot:

The constant :cert:num:`at most 0.1005 <numbers.constant>` covers them.

.. cert:comparison:: false
   :of: paper:second
   :params: {"ladders": ["uniform"]}
   :expect: inconsistent
"""


@pytest.mark.slow
def test_a_rate_is_compared_on_a_page(paper: Paper):
    paper.write_library("paper", CLAIMS.replace("POWER", "-2"))
    paper.write(index=PAGE)
    built = paper.build()
    assert built.returncode == 1
    assert "0.1005" in built.stderr
    constant = paper.page("index.html").split("least constant that covers every rung is ")[1].split("<")[0]
    paper.write(index=PAGE.replace("0.1005", constant.rstrip(".")))
    built = paper.build()
    assert (built.returncode, built.stderr) == (0, "")
    page = paper.page("index.html")
    assert "cert-status-consistent" in page
    assert "cert-status-inconsistent" in page
    assert "inconsistent, as expected" in page
    assert "Truth, formula and their ratio along uniform, n = 8 ... 128 (5 rungs)" in page
    assert "<svg" in page
    assert "on 1 ladder; the least constant that covers them is" in page
    text = paper.build("text")
    assert (text.returncode, text.stderr) == (0, "")


@pytest.mark.slow
def test_an_inconsistent_rate_fails_the_build_and_stays_red(paper: Paper):
    paper.write_library("paper", CLAIMS.replace("POWER", "-2"))
    number = "The constant :cert:num:`at most 0.1005 <numbers.constant>` covers them."
    paper.write(index=PAGE.replace("   :expect: inconsistent\n", "").replace(number, ""))
    for _ in range(2):
        built = paper.build()
        assert built.returncode == 1
        assert "inconsistent: at uniform, n = 8 ... 128 (5 rungs)" in built.stderr
    paper.write_library("paper", CLAIMS.replace("POWER", "-1"))
    built = paper.build()
    assert (built.returncode, built.stderr) == (0, "")
