"""The site: every example on it is executed, it builds without a warning, and it needs no network."""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from pathlib import Path
from types import FunctionType

import pytest

import diffcert
import numerics
import theory.calculus
import theory.derivation
from tests.documents import ROOT, blocks, run_console, save_file
from theory import Bound

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


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=_name)
def test_console_examples(page: Path, tmp_path: Path) -> None:
    for block in blocks(page):
        if save_file(block, tmp_path) or block.language != "console":
            continue
        for run in run_console(block, tmp_path):
            assert run.actual == run.expected, f"{_name(page)}, line {block.line}: {run.command}"


# The built site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built from nothing with warnings as errors."""
    place = tmp_path_factory.mktemp("site")
    _build(place / "html", "html")
    return place / "html"


def _build(place: Path, builder: str) -> None:
    doctrees = place.parent / f"doctrees-{place.name}"
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", builder]
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


def test_reads_without_a_network(site: Path) -> None:
    for name, page in _html(site).items():
        for tag in re.findall(r"<(?:script|link|img|iframe|source)\b[^>]*>", page):
            assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//""", tag), f"{name}: {tag}"
    for style in site.rglob("*.css"):
        text = style.read_text(encoding="utf-8")
        assert not re.search(r"(?:@import|url\()\s*[\"']?(?:https?:)?//", text), style.name


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
        for module in (theory.calculus, theory.derivation)
        for name in module.__all__
        if isinstance(getattr(module, name), type | FunctionType)
        and f"{module.__name__}.{name}" not in entries
    ]
    assert not missing


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


def test_every_derivation_is_on_its_page(site: Path) -> None:
    for module, bounds in _bounds_by_module().items():
        page = (site / "claims" / f"{module}.html").read_text(encoding="utf-8")
        derived = sum(1 for bound in bounds if bound.derivation is not None)
        assert page.count("<strong>Derivation.</strong>") == derived
        assert page.count('class="statement') >= len(bounds)


def _bounds_by_module() -> dict[str, tuple[Bound, ...]]:
    return {
        name: getattr(theory.bounds, name).ALL
        for name in ("reeves_pfister", "aghapour_bayraktar", "ours", "twins")
    }


def test_every_paper_has_a_page() -> None:
    modules = {path.stem for path in Path(theory.bounds.__file__).parent.glob("[!_]*.py")}
    assert {page.stem for page in (DOCS / "claims").glob("*.rst")} - {
        "index",
        "identities",
        "lemmas",
    } == modules


def test_mathematics_is_mathml(site: Path) -> None:
    page = (site / "quadrature.html").read_text(encoding="utf-8")
    assert page.count("<math ") > 100
    assert "\\(" not in page
    assert "mathjax" not in page.lower()


@pytest.mark.slow
def test_builds_are_equal(site: Path, tmp_path: Path) -> None:
    """No timing, date or order of a hash table is in the pages."""
    _build(tmp_path / "again", "html")
    assert _html(site) == _html(tmp_path / "again")


@pytest.mark.slow
@pytest.mark.parametrize("builder", ["text", "man", "latex", "epub"])
def test_other_builders(builder: str, tmp_path: Path) -> None:
    _build(tmp_path / builder, builder)
