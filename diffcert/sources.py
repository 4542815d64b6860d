"""What a verdict was made with: a digest of the source files, and the versions of what they stand on.

What belongs here: finding the modules that an evaluation can reach, and their digest. What does not:
what is done with it (`certificate`).

The modules are those that `diffcert.comparison` imports, directly or through others, read from the
source text: nothing is imported or executed to find them. Tables, pictures and options are not among
them, so that a change of a heading leaves every digest as it was.
"""

from __future__ import annotations

import ast
import hashlib
import platform
from collections.abc import Iterator
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

__all__ = ["modules", "sources_digest", "versions"]

PACKAGES = ("theory", "numerics", "diffcert")
ROOT = "diffcert.comparison"
RATES = "diffcert.rates"
_QUANTITIES = f"{RATES}.quantities"
"""It names, in PAPERS, the modules with the quantities and ladders of each paper; found by name."""
_LAZY = "diffcert"
"""`diffcert/__init__` names every public module, and evaluates nothing."""

_DEPENDENCIES = ("python-flint", "mpmath", "numpy", "sympy")

_HOME = Path(__file__).resolve().parents[1]


def versions() -> dict[str, str]:
    """The versions of Python, of this package and of the libraries that it computes with."""
    from diffcert import __version__

    found = {"diffcert": __version__, "python": platform.python_version()}
    for name in _DEPENDENCIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "unknown"
    return dict(sorted(found.items()))


@lru_cache(maxsize=1)
def modules() -> tuple[str, ...]:
    """The names of the modules that an evaluation can reach, sorted."""
    reached: set[str] = set()
    waiting = [ROOT, *_papers()]
    while waiting:
        name = waiting.pop()
        if name in reached or name == _LAZY:
            continue
        path = _path(name)
        if path is None:
            continue
        reached.add(name)
        waiting += _imports(path, name)
    return tuple(sorted(reached))


@lru_cache(maxsize=1)
def sources_digest() -> str:
    """The SHA-256 of the names and contents of `modules()`, in hexadecimal.

    Line ends count as "\\n", so that a checkout on another system has the same digest.
    """
    total = hashlib.sha256()
    for name in modules():
        path = _path(name)
        if path is not None:
            content = hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()
            total.update(f"{name} {content}\n".encode())
    return total.hexdigest()


def _papers() -> tuple[str, ...]:
    """The modules with the quantities and ladders of rates, read from the text of the table."""
    path = _path(_QUANTITIES)
    tree = ast.parse(b"" if path is None else path.read_bytes())
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "PAPERS":
            return tuple(f"{RATES}.{paper}" for paper in ast.literal_eval(node.value))
    return ()


def _path(name: str) -> Path | None:
    """The source file of a module of ours; None for anything else."""
    parts = name.split(".")
    if parts[0] not in PACKAGES:
        return None
    place = _HOME.joinpath(*parts)
    for candidate in (place.with_suffix(".py"), place / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


def _imports(path: Path, name: str) -> Iterator[str]:
    """The modules that a file imports, wherever in it; packages count with their `__init__`."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _with_parents(alias.name)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
                base = ".".join([*package[: len(package) - node.level + 1], *filter(None, [base])])
            yield from _with_parents(base)
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _with_parents(name: str) -> Iterator[str]:
    parts = name.split(".")
    return (".".join(parts[: count + 1]) for count in range(len(parts)))
