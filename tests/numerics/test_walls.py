"""The two walls: `theory` never imports `numerics` or flint, `numerics` never imports `theory` or sympy."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

FORBIDDEN = {
    "theory": {"numerics", "flint", "diffcert"},
    "numerics": {"theory", "sympy", "diffcert"},
}

RUNS_TEXT = {"eval", "exec", "sympify", "parse_expr", "compile", "__import__"}


def sources(package: str) -> list[Path]:
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    return sorted(Path(spec.origin).parent.rglob("*.py"))


def imported(tree: ast.AST) -> set[str]:
    """Top-level names of every import, also those inside functions and by `importlib`."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add((node.module or "").partition(".")[0])
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "import_module":
            found |= {str(x.value).partition(".")[0] for x in node.args if isinstance(x, ast.Constant)}
    return found


@pytest.mark.parametrize("package", FORBIDDEN)
def test_no_module_reaches_over_the_wall(package: str) -> None:
    files = sources(package)
    assert len(files) > 5
    for path in files:
        crossing = imported(ast.parse(path.read_text(encoding="utf-8"))) & FORBIDDEN[package]
        assert not crossing, f"{path.name} imports {sorted(crossing)}"


@pytest.mark.parametrize("package", FORBIDDEN)
def test_importing_one_side_loads_nothing_of_the_other(package: str) -> None:
    script = f"import sys, {package}; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in run.stdout.split()}
    assert package in loaded
    assert not loaded & FORBIDDEN[package] - {"flint"}, (
        "flint apart, which sympy loads where it is installed"
    )


@pytest.mark.parametrize("package", ["numerics", "theory"])
def test_no_text_is_ever_run(package: str) -> None:
    for path in sources(package):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                function = node.func
                called = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
                if called == "compile" and isinstance(function, ast.Attribute):
                    continue  # re.compile
                if called == "sympify" and any(
                    word.arg == "strict" and getattr(word.value, "value", False) is True
                    for word in node.keywords
                ):
                    continue  # refuses text
                assert called not in RUNS_TEXT, f"{path.name}:{node.lineno} calls {called}"


def test_the_tests_of_the_wall_see_an_import() -> None:
    for source in (
        "import sympy.core",
        "from sympy import S",
        "def f():\n    import sympy",
        "import importlib\nimportlib.import_module('sympy.abc')",
    ):
        assert "sympy" in imported(ast.parse(source))
