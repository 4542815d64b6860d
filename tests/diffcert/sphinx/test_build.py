"""Builds of real projects: what fails, what stays red, and what is written anew."""

from __future__ import annotations

import pytest

from tests.diffcert.sphinx.conftest import Paper

INDEX = """
Paper
=====

.. toctree::

   one
   two

.. cert:status::
"""

ONE = """
One
===

.. cert:theorem:: first
   :object: paper:first

.. cert:comparison:: numbers
   :of: first

The error is :cert:num:`0.111 <numbers>`; :cert:ref:`first` :cert:status:`first`.
"""

TWO = """
Two
===

.. cert:theorem:: second
   :object: paper:second
"""


FIRST = 'first = claim("first", symbols.entropy / {})'
SECOND = 'second = claim("second", symbols.entropy * 2)'


@pytest.mark.slow
def test_an_edit_of_the_library_alone_turns_the_page_red(paper: Paper):
    paper.write(index=INDEX, one=ONE, two=TWO)
    paper.write_library("paper", FIRST.format(1) + "\n" + SECOND)
    built = paper.build()
    assert (built.returncode, built.stderr) == (0, "")
    assert "Theorem 1" in paper.page("one.html")
    assert "cert-status-refuted" not in paper.page("one.html")
    before = paper.stamps()

    # The same size, and perhaps the same second: bytecode of the first version must not be used.
    paper.write_library("paper", FIRST.format(9) + "\n" + SECOND)
    for build in ("first", "second, unchanged"):
        built = paper.build()
        assert built.returncode == 1, build
        where = f"{paper.docs / 'one.rst'}:5: ERROR: Theorem 1 (first): refuted: "
        assert where in built.stderr
        assert "exceeds the bound 0.0770164" in built.stderr
        assert f"{paper.docs / 'one.rst'}:8: ERROR: Comparison 1 (numbers): refuted: " in built.stderr
    after = paper.stamps()
    rewritten = {name for name in ("index", "one", "two") if before[name] != after[name]}
    assert rewritten == {"index", "one"}
    assert "cert-status-refuted" in paper.page("one.html")


def test_what_is_not_as_it_is_said_to_be_fails_at_every_build(paper: Paper):
    paper.write_library(
        "paper", 'good = claim("good", symbols.entropy)\nbad = claim("bad", symbols.entropy / 9)'
    )
    paper.write(
        index="""
Paper
=====

.. cert:theorem:: rests
   :object: paper:good
   :uses: wrong

.. cert:theorem:: wrong
   :object: paper:bad
   :expect: refuted

.. cert:theorem:: surprise
   :object: paper:good
   :expect: refuted

.. cert:theorem:: absent
   :object: nowhere.to_be_found:claim

.. cert:theorem:: renamed
   :object: paper:gone

.. cert:theorem:: unsupported
   :source: somebody 1999
   :uses: absent, nothing

.. cert:theorem:: loose
   :object: paper:good

.. cert:comparison:: slack
   :of: loose
   :min-ratio: 0.9

Not :cert:num:`0.112 <slack>`, nor :cert:num:`>= 0.7 <slack.bound>` or :cert:num:`0.693 <slack.bound>`.

.. cert:theorm:: misspelt

   Text.

.. cert:status::
   :unknown: option
"""
    )
    first, second = paper.build(), paper.build()
    assert first.returncode == second.returncode == 1
    assert first.stderr == second.stderr
    said = {line.split(": ERROR: ")[0].rpartition(":")[2]: line for line in first.stderr.splitlines()}
    expected = {
        "5": "Theorem 1 (rests): refuted (through Theorem 2): it rests on Theorem 2 (wrong)",
        "13": "Theorem 3 (surprise): expected refuted, found holds: at binary, karras, 3 steps",
        "17": "Theorem 4 (absent): not run: there is no module nowhere",
        "20": "Theorem 5 (renamed): not run: paper has no attribute gone",
        "23": "Theorem 6 (unsupported): not run: it uses 'nothing', which is stated nowhere",
        "30": "Comparison 1 (slack): min-ratio: the ratio is 0.16 at binary, karras, 3 steps, below 0.9",
        "36": "there is no directive cert:theorm",
        "40": "unknown option 'unknown'",
    }
    for line, message in expected.items():
        assert message in said[line], line
    for message in (
        "0.112 is not a valid rounding of 0.110890054",
        "write 0.111",
        "0.7 is not a valid rounding down of 0.693147180559...; write 0.6",
        "0.693 is not a valid rounding up of 0.693147180559...; write 0.694",
    ):
        assert message in first.stderr
    assert len(first.stderr.splitlines()) == len(expected) + 3
    page = paper.page("index.html")
    assert "refuted, as expected" in page
    assert "holds, but refuted was expected" in page
