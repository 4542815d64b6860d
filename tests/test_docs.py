"""The site: every example on it is executed, it builds without a warning, and it needs no network."""

from __future__ import annotations

import doctest
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest

import diffcert
import diffcert.strategies
import diffcert.testing
import numerics
import theory.calculus
import theory.derivation
from diffcert.sphinx.lemmas import identities, lemmas
from diffcert.sphinx.project import anchor
from tests.documents import ROOT, blocks, run_console, save_file

DOCS = ROOT / "docs"
PAGES = sorted(path for path in DOCS.rglob("*.rst") if "_build" not in path.parts)
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def _name(path: Path) -> str:
    return path.relative_to(DOCS).as_posix()


WITH_EXAMPLES = [page for page in PAGES if ">>> " in page.read_text(encoding="utf-8")]
WITH_COMMANDS = [page for page in PAGES if any(b.language == "console" for b in blocks(page))]


@pytest.fixture
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Claims that an example declares are forgotten when it ends."""
    from diffcert import registry

    registry.claims()
    monkeypatch.setattr(registry, "_CLAIMS", dict(registry._CLAIMS))


@pytest.mark.parametrize("page", WITH_EXAMPLES, ids=_name)
@pytest.mark.usefixtures("own_registry")
def test_python_examples(page: Path) -> None:
    parsed = doctest.DocTestParser().get_doctest(
        page.read_text(encoding="utf-8"), {"diffcert": diffcert}, _name(page), str(page), 0
    )
    report: list[str] = []
    runner = doctest.DocTestRunner(optionflags=FLAGS, verbose=False)
    runner.run(parsed, out=report.append)
    assert not runner.failures, "".join(report)


@pytest.mark.parametrize(
    "page",
    [pytest.param(p, marks=[] if p.stem == "index" else pytest.mark.slow) for p in WITH_COMMANDS],
    ids=_name,
)
def test_console_examples(page: Path, tmp_path: Path) -> None:
    for block in blocks(page):
        if save_file(block, tmp_path) or block.language != "console":
            continue
        for run in run_console(block, tmp_path):
            assert run.actual == run.expected, f"{_name(page)}, line {block.line}: {run.command}"


# The built site: one process builds it for all. DIFFCERT_SITE may name a folder with a build of it, `html`,
# and its `store`.

BUILT = os.environ.get("DIFFCERT_SITE")
ON_THE_SITE = pytest.mark.xdist_group("site")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where verdicts are kept, for every build of these tests."""
    return Path(BUILT, "store") if BUILT else tmp_path_factory.mktemp("store")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, store: Path) -> Path:
    """The site, built from nothing with warnings as errors."""
    if BUILT:
        return Path(BUILT, "html")
    place = tmp_path_factory.mktemp("site")
    _build(place / "html", "html", store)
    return place / "html"


def _build(place: Path, builder: str, store: Path) -> None:
    doctrees = place.parent / f"doctrees-{place.name}"
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-j", "2", "-b", builder]
    command += ["-D", f"cert_store={store}"]
    home = str(Path(diffcert.__file__).resolve().parents[1])
    finished = subprocess.run(
        [*command, "-d", str(doctrees), str(DOCS), str(place)],
        env={**os.environ, "PYTHONPATH": home},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr


def _html(site: Path) -> dict[str, str]:
    return {
        path.relative_to(site).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(site.rglob("*.html"))
    }


@ON_THE_SITE
@pytest.mark.slow
def test_reads_without_a_network(site: Path) -> None:
    for name, page in _html(site).items():
        for tag in re.findall(r"<(?:script|link|img|iframe|source)\b[^>]*>", page):
            assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//""", tag), f"{name}: {tag}"
    for style in site.rglob("*.css"):
        text = style.read_text(encoding="utf-8")
        assert not re.search(r"(?:@import|url\()\s*[\"']?(?:https?:)?//", text), style.name


@ON_THE_SITE
@pytest.mark.slow
def test_every_public_name_has_an_entry(site: Path) -> None:
    from sphinx.util.inventory import InventoryFile

    with (site / "objects.inv").open("rb") as stream:
        inventory = InventoryFile.load(stream, "", lambda base, name: name)
    entries = {name for kind, names in inventory.items() if kind.startswith("py:") for name in names}
    missing = [
        name
        for package in (diffcert, numerics, theory)
        for name in package.__all__
        if f"diffcert.{name}" not in entries
    ]
    missing += [
        f"{module.__name__}.{name}"
        for module in (theory.calculus, theory.derivation, diffcert.strategies, diffcert.testing)
        for name in module.__all__
        if isinstance(getattr(module, name), type | FunctionType)
        and f"{module.__name__}.{name}" not in entries
    ]
    missing += [
        f"diffcert.samplers.{sampler.__name__}"
        for sampler in diffcert.samplers.ALL
        if f"diffcert.samplers.{sampler.__name__}" not in entries
    ]
    assert not missing


@ON_THE_SITE
@pytest.mark.slow
def test_pages_show_no_raw_markup_and_no_address(site: Path) -> None:
    for name, page in _html(site).items():
        text = re.sub(r"<(script|style|pre|code|svg)\b.*?</\1>", "", page, flags=re.DOTALL)
        words = re.sub(r"<[^>]*>", "", text)
        assert "`" not in words, f"{name}: {words[words.index('`') - 80 :][:160]}"
        assert not re.search(r"object at 0x|&lt;function |:(?:math|doc|class|term|cert:\w+):", words), name


@ON_THE_SITE
@pytest.mark.slow
def test_every_picture_has_words(site: Path) -> None:
    for name, page in _html(site).items():
        for tag in re.findall(r"<img\b[^>]*_images/[^>]*>", page):
            alt = re.search(r'alt="([^"]*)"', tag)
            assert alt is not None, f"{name}: {tag}"
            assert len(alt[1].split()) > 3, f"{name}: {tag}"
        drawings = re.findall(r"(<[^>]*>)\s*<svg\b[^>]*viewBox", page[page.index("<article") :])
        for opening in drawings:
            assert re.search(r'aria-label="[^"]+ [^"]+ [^"]+"', opening), f"{name}: {opening}"


@ON_THE_SITE
@pytest.mark.slow
def test_every_claim_and_every_quantity_is_on_a_page(site: Path) -> None:
    pages = "".join(_html(site).values())
    tables = diffcert.bounds
    further = (*tables.FURTHER, *tables.FURTHER_TWINS)
    rates = (*tables.RATES, *tables.RATE_TWINS)
    low_rank = (*tables.LOW_RANK, *tables.LOW_RANK_TWINS)
    for claim_id in (*tables.ALL, *tables.TWINS, *further, *low_rank, *rates):
        assert f">{claim_id}<" in pages, claim_id
    for key in diffcert.QUANTITIES:
        assert re.search(rf">{key}(\[[^<]*\])?<", pages), key


@ON_THE_SITE
@pytest.mark.slow
def test_every_statement_stands_on_a_page_with_its_status_and_proof(site: Path) -> None:
    """Claims have values beside them, derivations their steps; what is planted is refuted as expected."""
    pages = {name: page for name, page in _html(site).items() if name.startswith("claims/")}
    for claim in (*diffcert.claims(entry=False), *diffcert.twins()):
        stated = [page for page in pages.values() if f'id="{anchor(claim.id)}"' in page]
        assert len(stated) == 1, claim.id
        values = f'id="{anchor(f"{claim.id}/values")}"'
        assert (values in stated[0]) is not claim.is_twin, claim.id
    text = "".join(pages.values())
    proved = [b for b in _bounds() if b.derivation is not None and not b.is_twin]
    assert text.count("<details><summary>") == len(proved) + len(lemmas()) + len(identities())
    for name in (*lemmas(), *identities()):
        assert f'id="{anchor(name)}"' in text, name


@ON_THE_SITE
@pytest.mark.slow
def test_no_page_shows_an_error(site: Path) -> None:
    for name, page in _html(site).items():
        assert "cert-problem" not in page, name
        assert "cert-wrong" not in page, name


def _bounds() -> list[Any]:
    tables = diffcert.bounds
    return [
        bound
        for table in (tables.ALL, tables.FURTHER, tables.LOW_RANK, tables.RATES)
        for bound in table.values()
    ]


def test_every_paper_has_a_page() -> None:
    written = "".join(page.read_text(encoding="utf-8") for page in sorted((DOCS / "claims").glob("*.rst")))
    modules = {path.stem for path in Path(theory.bounds.__file__).parent.glob("[!_]*.py")}
    assert set(re.findall(r"^ *\.\. statements:: theory\.bounds\.(\w+)", written, re.MULTILINE)) == modules


@ON_THE_SITE
@pytest.mark.slow
def test_the_notebook_was_executed(site: Path) -> None:
    notebook = json.loads((DOCS / "notebook.ipynb").read_text(encoding="utf-8"))
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells)
    page = (site / "notebook.html").read_text(encoding="utf-8")
    assert page.count("cell_output") >= len(cells) - 1
    assert "<img" in page
    assert "<math" in page
    assert "refuted" in page
    assert "$" not in re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.DOTALL)


@ON_THE_SITE
@pytest.mark.slow
def test_mathematics_is_mathml(site: Path) -> None:
    page = (site / "quadrature.html").read_text(encoding="utf-8")
    assert page.count("<math ") > 100
    assert "\\(" not in page
    assert "mathjax" not in page.lower()


@ON_THE_SITE
@pytest.mark.slow
def test_builds_are_equal(site: Path, tmp_path: Path) -> None:
    """No timing, date or order of a hash table is in the pages: nothing is taken from the first build."""
    _build(tmp_path / "again", "html", tmp_path / "store")
    assert _html(site) == _html(tmp_path / "again")


@ON_THE_SITE
@pytest.mark.slow
@pytest.mark.parametrize("builder", ["text", "man", "latex", "epub"])
def test_other_builders(builder: str, tmp_path: Path, store: Path) -> None:
    _build(tmp_path / builder, builder, store)
