"""Verdicts kept between builds, each with all that could change it.

What belongs here: files of JSON, written in one step, and whether what they say is still true. What does
not: what is worth keeping (`evaluation`).

A result is found under what was asked, and is used only while every source file that was loaded for it
has the same content, is found in the same place, every package has the same version, and every module
that was looked for in vain is still missing. Nothing is imported to find that out.

A file carries the digest of its content: one that was damaged, or edited by hand, is not believed. That
is no signature. Whoever can write the folder could as well write the library: a folder from somebody
else is worth what they are.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sys
import tempfile
from importlib import invalidate_caches
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

__all__ = ["Store", "digest", "place"]

FORMAT = 2

_OWN = "diffcert"


def digest(data: Any) -> str:
    """The SHA-256 of plain data, in hexadecimal."""
    text = json.dumps(data, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def place(found: ModuleSpec | None) -> str | None:
    """The file of a module, or the folders of a package without one; None where there is no module."""
    if found is None:
        return None
    if found.origin is not None:
        return os.path.realpath(found.origin)
    return os.pathsep.join(sorted(map(os.path.realpath, found.submodule_search_locations or ())))


class Store:
    """Results in a folder, by task; it is made when something is first kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._hashes: dict[str, str] = {}
        self._versions: dict[str, str] = {}
        self._places: dict[tuple[str, tuple[str, ...] | None], str | None] = {}
        invalidate_caches()

    def _file(self, task: dict[str, Any]) -> Path:
        asked = {
            "format": FORMAT,
            "python": [platform.python_implementation(), *sys.version_info[:3]],
            "task": task,
        }
        return self.folder / "verdicts" / f"{digest(asked)}.json"

    def get(self, task: dict[str, Any]) -> dict[str, Any] | None:
        """The result of a task, or None where there is none that is still true."""
        kept = _read(self._file(task))
        if kept is None or kept.get("task") != task or kept.pop("digest", None) != digest(kept):
            return None
        if not self._unchanged(kept.get("sources")):
            return None
        result = kept.get("result")
        return result if isinstance(result, dict) else None

    def put(self, task: dict[str, Any], result: dict[str, Any], sources: dict[str, Any]) -> None:
        """Keep a result with the sources that it was made with."""
        kept = {"task": task, "result": result, "sources": sources}
        _write(self._file(task), {**kept, "digest": digest(kept)})

    def _unchanged(self, sources: Any) -> bool:
        if not isinstance(sources, dict) or set(sources) != {"files", "places", "versions", "absent"}:
            return False
        try:
            return (
                _OWN in sources["places"]
                and all(self._hash(path) == known for path, known in sources["files"].items())
                and all(self._is_there(name, *known) for name, known in sources["places"].items())
                and all(self._version(name) == known for name, known in sources["versions"].items())
                and all(self._place(name, path) is None for name, path in sources["absent"].items())
            )
        except (OSError, PackageNotFoundError, AttributeError, TypeError, ValueError):
            return False

    def _hash(self, path: str) -> str:
        if path not in self._hashes:
            self._hashes[path] = hashlib.sha256(Path(path).read_bytes()).hexdigest()
        return self._hashes[path]

    def _version(self, name: str) -> str:
        if name not in self._versions:
            self._versions[name] = version(name)
        return self._versions[name]

    def _is_there(self, name: str, known: str, path: list[str] | None) -> bool:
        """Whether importing a name would load what it loaded."""
        found = self._place(name, path)
        # What is not found at all has a finder of its own, as editable installs do.
        return found == known or (found is None and path is None)

    def _place(self, name: str, path: list[str] | None) -> str | None:
        """What importing this name would load, from a package's folders or from anywhere."""
        key = name, None if path is None else tuple(path)
        if key not in self._places:
            self._places[key] = place(PathFinder.find_spec(name, path))
        return self._places[key]

    # What the pages of an output folder show

    def _shown(self, output: str) -> Path:
        return self.folder / "pages" / f"{digest(output)}.json"

    def shown(self, output: str) -> dict[str, str]:
        """Document -> digest of what its page in this output showed when it was last written."""
        kept = _read(self._shown(output)) or {}
        pages = kept.get("pages")
        return pages if isinstance(pages, dict) else {}

    def note_shown(self, output: str, pages: dict[str, str]) -> None:
        """Remember what the pages of an output show."""
        if pages != self.shown(output):
            _write(self._shown(output), {"output": output, "pages": pages})


def _read(path: Path) -> dict[str, Any] | None:
    """The object in a file; None for a file that is missing or damaged."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def _write(path: Path, data: dict[str, Any]) -> None:
    """Write in one step: a reader sees the old content or the new, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump(data, stream, indent=1, sort_keys=True)
            stream.write("\n")
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
