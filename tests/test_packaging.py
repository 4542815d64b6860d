"""The package as others get it: what the wheel holds, what an import costs, nothing private."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib import import_module
from pathlib import Path

import pytest

import diffcert
from tests.documents import ROOT, shell_environment

PACKAGES = ("theory", "numerics", "diffcert")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def _tracked() -> list[Path]:
    """The project's own files: those that git knows, or without git all that are not built."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    names = [name for name in listed.stdout.split("\0") if name]
    if listed.returncode or not names:
        kept = [*PACKAGES, "tests", "docs", ".ci"]
        files = [path for folder in kept for path in (ROOT / folder).rglob("*")]
        files += [path for path in ROOT.iterdir() if path.suffix in (".md", ".toml", ".cff")]
        built = {"__pycache__", "_build"}
        return [path for path in files if path.is_file() and not built & set(path.parts)]
    return [ROOT / name for name in names if (ROOT / name).is_file()]


# The wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel, built without a network where the build backend is installed."""
    place = tmp_path_factory.mktemp("wheel")
    isolation = ["--no-build-isolation"] if importlib.util.find_spec("hatchling") else []
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", *isolation, str(ROOT)],
        cwd=place,
        check=True,
        stdin=subprocess.DEVNULL,
    )
    (built,) = place.glob("*.whl")
    return zipfile.ZipFile(built)


@pytest.mark.slow
def test_wheel_holds_the_three_packages_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    folders = {name.split("/")[0] for name in names}
    assert folders == {*PACKAGES, f"diffcert-{diffcert.__version__}.dist-info"}
    sources = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.suffix in (".py", ".css") or path.name == "py.typed"
    }
    assert {name for name in names if ".dist-info" not in name} == sources
    assert {f"{package}/py.typed" for package in PACKAGES} <= names


@pytest.mark.slow
def test_wheel_declares_the_command_and_the_licence(wheel: zipfile.ZipFile) -> None:
    information = f"diffcert-{diffcert.__version__}.dist-info"
    entry_points = wheel.read(f"{information}/entry_points.txt").decode()
    assert "diffcert = diffcert.cli:main" in entry_points
    metadata = wheel.read(f"{information}/METADATA").decode()
    assert "License-Expression: MIT" in metadata
    assert any(name.endswith("LICENSE") for name in wheel.namelist())


# One version


def test_one_version(tmp_path: Path) -> None:
    version = PROJECT["version"]
    assert diffcert.__version__ == version
    printed = subprocess.run(
        [sys.executable, "-m", "diffcert", "--version"],
        cwd=tmp_path,
        env=shell_environment(tmp_path),
        capture_output=True,
        text=True,
        check=True,
    )
    assert printed.stdout == f"diffcert {version}\n"
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(r"^version: (.*)$", citation, re.MULTILINE)[1] == version  # type: ignore[index]
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(r"^## \[(.*?)\]", changelog, re.MULTILINE)[1] == version  # type: ignore[index]


# Imports


def test_import_is_light(tmp_path: Path) -> None:
    program = (
        "import json, sys, diffcert, diffcert.cli; diffcert.__version__;"
        "print(json.dumps(sorted(m.partition('.')[0] for m in sys.modules)))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=shell_environment(tmp_path),
        capture_output=True,
        text=True,
        check=True,
    )
    heavy = {"sympy", "flint", "numpy", "mpmath", "rich", "matplotlib", "theory", "numerics"}
    assert not heavy & set(json.loads(loaded.stdout))


@pytest.mark.parametrize("package", PACKAGES)
def test_public_names_are_there(package: str) -> None:
    module = import_module(package)
    for name in module.__all__:
        assert getattr(module, name) is not None


@pytest.mark.parametrize("package", ["theory", "numerics"])
def test_diffcert_has_every_public_name_of_the_others(package: str) -> None:
    module = import_module(package)
    for name in module.__all__:
        assert name in diffcert.__all__
        assert getattr(diffcert, name) is getattr(module, name)


# Nothing private, nothing that ties the project to a place


def test_no_registry_and_no_path_of_a_machine() -> None:
    words = ["pypi" + ".org", "pythonhosted" + ".org", "anaconda" + ".org", "conda" + "-forge"]
    places = ["/home" + "/", "/Users" + "/", "/root" + "/", "/tmp" + "/", "/work" + "/", "C:" + "\\"]
    found = []
    for path in _tracked():
        text = path.read_bytes().decode("utf-8", errors="replace")
        found += [f"{path.relative_to(ROOT)}: {word}" for word in [*words, *places] if word in text]
    assert not found


def test_no_lock_file() -> None:
    locks = ("poetry.lock", "uv.lock", "Pipfile.lock", "pdm.lock", "requirements.txt")
    assert not [path for path in _tracked() if path.name in locks]


def test_no_module_edits_the_path() -> None:
    edits = re.compile(r"sys\.path\.(insert|append)|sys\.path\s*\+?=")
    found = [
        path.relative_to(ROOT).as_posix()
        for path in _tracked()
        if path.suffix == ".py" and path.parts[-2] == "docs" and edits.search(path.read_text("utf-8"))
    ]
    assert not found


# The walls


@pytest.mark.parametrize(
    ("package", "forbidden"),
    [
        ("theory", {"numerics", "diffcert", "flint"}),
        ("numerics", {"theory", "diffcert", "sympy"}),
    ],
)
def test_walls(package: str, forbidden: set[str]) -> None:
    found = []
    for path in (ROOT / package).rglob("*.py"):
        for name in re.findall(r"^\s*(?:from|import)\s+(\w+)", path.read_text("utf-8"), re.MULTILINE):
            if name in forbidden:
                found.append(f"{path.relative_to(ROOT)} imports {name}")
    assert not found


# Documented nouns


def test_every_public_class_is_in_the_glossary_or_the_reference() -> None:
    pages = [ROOT / "docs" / "glossary.rst", *(ROOT / "docs" / "reference").glob("*.rst")]
    text = "\n".join(page.read_text("utf-8") for page in pages)
    for name in diffcert.__all__:
        if isinstance(getattr(diffcert, name), type):
            assert re.search(rf"diffcert\.{name}\b", text), name
