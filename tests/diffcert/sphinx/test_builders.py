"""Every builder, in one process or in four, to the byte."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.diffcert.sphinx.conftest import CONF, Paper

pytestmark = pytest.mark.slow

INDEX = r"""
Paper
=====

.. toctree::

   page1
   page2
   page3
   page4
   page5

.. cert:graph::

.. cert:status::
"""

PAGE1 = r"""
First
=====

.. cert:theorem:: monotone
   :title: Each step costs at most its drop of :math:`M`
   :object: theory.bounds.reeves_pfister:monotone
   :uses: lemma, defined

   Words of the author.

.. cert:theorem:: lemma
   :kind: lemma
   :source: Guo, Shamai and Verdu 2005

   :math:`I' = M/2`.

.. cert:theorem:: defined
   :kind: definition

   A *definition* claims nothing.

.. cert:derivation::
   :of: monotone
   :collapsible:

   It is short.
"""

PAGE2 = r"""
Second, with :cert:num:`0.111 <values>` in its title
====================================================

.. cert:comparison:: values
   :of: monotone
   :params: {"target": {"weights": ["1/2", "1/2"], "means": [-1, 1]}, "schedule": "karras", "steps": 3}
   :min-ratio: 0.1
   :plot:

   A caption.

At most :cert:num:`<= 0.12 <values>`, see :cert:ref:`monotone` and :cert:ref:`this lemma <lemma>`,
:cert:status:`good` and :cert:status:`values`.
"""

PAGE3 = r"""
Third
=====

.. cert:theorem:: good
   :object: paper:good
   :uses: monotone

   Characters that LaTeX has to be told of: α ≤ Ω, ∑ x², ⟨a, b⟩ ∈ ℝ, ``⎛ aₖ ⎞ ━╇━``, and Σ → ∞.

::

   ┏━━┳━━┓
   ┃ x̂ ┃ ᾱ ┃
"""

PAGE4 = r"""
Fourth
======

.. cert:theorem:: false
   :object: paper:bad
   :expect: refuted
"""

PAGE5 = r"""
Fifth
=====

.. cert:theorem:: halved
   :object: theory.bounds.ours:convex_halved

.. cert:derivation::
   :of: theory.bounds.ours:convex_halved
   :steps: 1
"""


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Paper:
    """A paper with true statements and false ones that are said to be false."""
    paper = Paper(tmp_path_factory.mktemp("mixed"))
    paper.write_library(
        "paper", 'good = claim("good", symbols.entropy)\nbad = claim("bad", symbols.entropy / 9)'
    )
    paper.write(index=INDEX, page1=PAGE1, page2=PAGE2, page3=PAGE3, page4=PAGE4, page5=PAGE5)
    built = paper.build("html", "-j1", out="html-1")
    assert (built.returncode, built.stderr) == (0, "")
    return paper


def test_four_processes_write_what_one_writes(mixed: Paper):
    built = mixed.build("html", "-j4", out="html-4")
    assert (built.returncode, built.stderr) == (0, "")
    assert mixed.contents("html-4") == mixed.contents("html-1")


def test_nothing_that_was_stored_shows(mixed: Paper):
    shutil.rmtree(mixed.folder / "build" / ".diffcert")
    built = mixed.build("html", "-j4", out="html-anew")
    assert (built.returncode, built.stderr) == (0, "")
    assert mixed.contents("html-anew") == mixed.contents("html-1")


def _elements(page: str) -> Iterator[str]:
    yield from re.findall(r"<(?:script|link|img|iframe|source|image)\b[^>]*>", page)


def test_pages_read_without_a_network(mixed: Paper):
    for path in sorted((mixed.folder / "build" / "html-1").glob("*.html")):
        for element in _elements(path.read_text(encoding="utf-8")):
            assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//""", element), (
                f"{path.name}: {element}"
            )


def test_html(mixed: Paper):
    first = mixed.page("page1.html", "html-1")
    assert 'id="cert-monotone"' in first
    assert "Theorem 1" in first
    assert "<math" in first
    assert "<details><summary>Derivation of Theorem 1 (3 steps)</summary>" in first
    assert first.count("<details>") == first.count("</details>") == 1
    second = mixed.page("page2.html", "html-1")
    assert 'href="page1.html#cert-monotone"' in second
    assert ">this lemma<" in second
    assert 'aria-label="The mmse and the steps of the schedule' in second
    index = mixed.page("index.html", "html-1")
    for words in ("cited (through Lemma 2)", "refuted, as expected", "definition", "derived", "holds"):
        assert words in index or words in first
    assert 'href="page3.html#cert-good"' in index


@pytest.mark.parametrize("builder", ["text", "man", "latex", "epub", "singlehtml", "texinfo"])
def test_builders_that_write_pages(mixed: Paper, builder: str):
    built = mixed.build(builder)
    assert (built.returncode, built.stderr) == (0, "")


@pytest.mark.parametrize("builder", ["gettext", "linkcheck", "dummy"])
def test_builders_that_write_none_evaluate_nothing(mixed: Paper, builder: str, tmp_path: Path):
    paper = Paper(tmp_path)
    paper.write(index=INDEX, page1=PAGE1, page2=PAGE2, page3=PAGE3, page4=PAGE4, page5=PAGE5)
    built = paper.build(builder)
    assert (built.returncode, built.stderr) == (0, "")
    assert not (paper.folder / "build" / ".diffcert").exists()


def test_the_text(mixed: Paper):
    assert mixed.build("text").returncode == 0
    text = mixed.page("page1.txt", "text")
    assert "**Theorem 1** (Each step costs at most its drop of M)" in text
    assert "KL ≤" in text
    assert "**cited (through Lemma 2)**" in text
    last = mixed.page("page5.txt", "text")
    assert "**Status:** **derived**: symbolically, all " in last
    assert "* Step 1: " in last
    assert "Step 2: " not in last


def test_latex_is_typeset(mixed: Paper):
    assert mixed.build("latex").returncode == 0
    folder = mixed.folder / "build" / "latex"
    source = (folder / "paper.tex").read_text(encoding="utf-8")
    assert r"\label{\detokenize{page1:cert-monotone}}" in source
    assert r"\hyperref[\detokenize{page1:cert-monotone}]" in source
    picture = re.search(r"\\sphinxincludegraphics\{(cert-\w+\.pdf)\}", source)
    assert picture is not None
    assert (folder / picture[1]).read_bytes().startswith(b"%PDF")
    _, begin, body = source.partition(r"\begin{document}")
    assert begin
    signs = re.sub(r"\\\(.*?\\\)|\\begin\{split\}.*?\\end\{split\}", "", body, flags=re.S)
    assert not re.search("[≤≥≈κε]", signs)
    assert r"\textcolor[HTML]{A01313}{\sphinxstylestrong{refuted, as expected}}" in body
    if shutil.which("latexmk") is None or shutil.which("pdflatex") is None:
        pytest.skip("no TeX on this machine")
    run = subprocess.run(
        ["latexmk", "-pdf", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"],
        cwd=folder,
        capture_output=True,
        timeout=300,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-3000:]
    log = (folder / "paper.log").read_text(encoding="utf-8", errors="replace")
    assert not re.search(r"Overfull \\hbox \(\d{2,}", log)


def test_a_statement_in_a_docstring(tmp_path: Path):
    paper = Paper(tmp_path)
    paper.write(
        conf=CONF.replace('"diffcert.sphinx"]', '"diffcert.sphinx", "sphinx.ext.autodoc"]'),
        index="Paper\n=====\n\n.. autofunction:: documented.sampler\n",
    )
    (paper.library / "documented.py").write_text(
        '"""A module."""\n\n\ndef sampler():\n    """A sampler.\n\n'
        '    .. cert:theorem:: gone\n       :object: paper:gone\n    """\n',
        encoding="utf-8",
    )
    built = paper.build()
    assert built.returncode == 1
    assert (
        f"{paper.library / 'documented.py'}:4: ERROR: documented:sampler, line 3 of its docstring"
        in built.stderr
    )
    assert "Theorem 1 (gone): not run: paper has no attribute gone" in built.stderr


def test_a_verdict_on_an_older_library_is_not_run(tmp_path: Path):
    paper = Paper(tmp_path)
    paper.write(index="Paper\n=====\n\n.. cert:theorem:: good\n   :object: paper:good\n")
    assert paper.build().returncode == 0
    offline = ("-D", "cert_evaluate=0")
    assert paper.build("html", *offline).returncode == 0
    paper.write_library("paper", 'good = claim("good", symbols.entropy) ')
    for build in ("first", "second"):
        built = paper.build("html", *offline)
        assert built.returncode == 1, build
        assert "Theorem 1 (good): not run: there is no stored verdict" in built.stderr
        assert "cert-status-not-run" in paper.page("index.html")
    assert paper.build().returncode == 0
    assert "cert-status-holds" in paper.page("index.html")


def test_builders_that_share_what_they_read_notice_an_edit_each(tmp_path: Path):
    paper = Paper(tmp_path)
    paper.write(index="Paper\n=====\n\n.. cert:theorem:: good\n   :object: paper:good\n")
    for builder in ("html", "text"):
        assert paper.build(builder, trees="shared").returncode == 0
    paper.write_library("paper", 'good = claim("good", symbols.entropy / 9)')
    for builder, page in (("html", "index.html"), ("text", "index.txt")):
        assert paper.build(builder, trees="shared").returncode == 1
        assert "refuted" in paper.page(page, builder)


def test_the_pages_of_a_book_are_xml(mixed: Paper):
    assert mixed.build("epub").returncode == 0
    for path in sorted((mixed.folder / "build" / "epub").glob("*.xhtml")):
        ElementTree.fromstring(path.read_text(encoding="utf-8").replace("<!DOCTYPE html>", ""))
