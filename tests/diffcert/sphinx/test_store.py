"""What is kept between builds, and when it is believed."""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

import diffcert
from diffcert.sphinx import store, tasks, worker
from diffcert.sphinx.store import Store, digest

TASK = {"operation": "check", "object": "mine:claim"}
RESULT = {"status": "holds", "message": ""}


def _sources(**more: Any) -> dict[str, Any]:
    place = [os.path.realpath(str(diffcert.__file__)), None]
    return {"files": {}, "places": {"diffcert": place}, "versions": {}, "absent": {}, **more}


def _only_file(folder: Path) -> Path:
    (file,) = (folder / "verdicts").glob("*.json")
    return file


def test_what_was_put_is_found_while_nothing_changes(tmp_path: Path):
    source = tmp_path / "mine.py"
    source.write_text("x = 1\n", encoding="utf-8")
    sources = _sources(files={os.path.realpath(source): _digest_of(source)})
    Store(tmp_path).put(TASK, RESULT, sources)
    assert Store(tmp_path).get(TASK) == RESULT
    assert Store(tmp_path).get({**TASK, "digits": 30}) is None
    source.write_text("x = 2\n", encoding="utf-8")
    assert Store(tmp_path).get(TASK) is None
    source.unlink()
    assert Store(tmp_path).get(TASK) is None


def _digest_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_what_was_edited_by_hand_is_not_believed(tmp_path: Path):
    Store(tmp_path).put(TASK, {**RESULT, "status": "refuted"}, _sources())
    file = _only_file(tmp_path)
    honest = file.read_text(encoding="utf-8")
    file.write_text(honest.replace("refuted", "holds"), encoding="utf-8")
    assert Store(tmp_path).get(TASK) is None
    file.write_text(honest, encoding="utf-8")
    assert Store(tmp_path).get(TASK) == {**RESULT, "status": "refuted"}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"task": 1}',
        b"cos\nsystem\n(S'touch x'\ntR.",
        b"\x80\x04\x95",
        b'{"task": NaN, "digest": 1e999}',
    ],
)
def test_damaged_files_are_as_good_as_none(tmp_path: Path, content: bytes):
    keeper = Store(tmp_path)
    keeper.put(TASK, RESULT, _sources())
    _only_file(tmp_path).write_bytes(content)
    assert Store(tmp_path).get(TASK) is None
    (tmp_path / "pages").mkdir()
    keeper.note_shown("html", {"index": "0"})
    (shown,) = (tmp_path / "pages").glob("*.json")
    shown.write_bytes(content)
    assert Store(tmp_path).shown("html") == {}


@pytest.mark.parametrize(
    "sources",
    [
        None,
        [],
        {},
        {"files": {}, "places": {}, "versions": {}, "absent": {}},
        {"files": 3, "places": {"diffcert": ["x", None]}, "versions": {}, "absent": {}},
        {"files": {}, "places": {"diffcert": 3}, "versions": {}, "absent": {}},
        {
            "files": {},
            "places": {"diffcert": ["/elsewhere/diffcert.py", None]},
            "versions": {},
            "absent": {},
        },
        {"files": {}, "places": {"diffcert": [3, 4]}, "versions": {3: 4}, "absent": {}},
    ],
)
def test_sources_that_say_too_little_are_not_believed(tmp_path: Path, sources: Any):
    Store(tmp_path).put(TASK, RESULT, _sources())
    kept = {"task": TASK, "result": RESULT, "sources": json.loads(json.dumps(sources))}
    _only_file(tmp_path).write_text(json.dumps({**kept, "digest": digest(kept)}), encoding="utf-8")
    assert Store(tmp_path).get(TASK) is None


def test_a_worker_takes_down_what_it_looked_for_in_vain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, worker._Missed()])
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("a_module_that_is_not_there", "diffcert.nothing_of_that_name"):
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module(name)
    sources, _ = tasks._sources(TASK)
    assert sources["absent"]["a_module_that_is_not_there"] is None
    assert sources["absent"]["diffcert.nothing_of_that_name"] == list(diffcert.__path__)
    own = str(Path(store.__file__).resolve())
    assert sources["files"][own] == _digest_of(Path(own))
    assert sources["places"]["diffcert.sphinx.store"][0] == own
    assert "numpy" in sources["versions"]
    kept = {key: sources["absent"][key] for key in sources["absent"] if "not" in key}
    ours = {name: place for name, place in sources["places"].items() if name.startswith("diffcert")}
    Store(tmp_path).put(TASK, RESULT, {**sources, "absent": kept, "places": ours})
    assert Store(tmp_path).get(TASK) == RESULT
    (tmp_path / "a_module_that_is_not_there.py").write_text("", encoding="utf-8")
    assert Store(tmp_path).get(TASK) is None


def test_a_module_that_was_missing_and_is_there_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    package = tmp_path / "apackage"
    package.mkdir()
    absent = {"a_module_of_constants": None, "apackage.extra": [str(package)]}
    Store(tmp_path).put(TASK, RESULT, _sources(absent=absent))
    assert Store(tmp_path).get(TASK) == RESULT
    for appeared in (tmp_path / "a_module_of_constants.py", package / "extra.py"):
        appeared.write_text("", encoding="utf-8")
        assert Store(tmp_path).get(TASK) is None
        appeared.unlink()
        assert Store(tmp_path).get(TASK) == RESULT


def test_a_module_that_another_one_hides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    first, package = tmp_path / "first", tmp_path / "second" / "apackage"
    first.mkdir()
    package.mkdir(parents=True)
    (package / "claims.py").write_text("", encoding="utf-8")
    monkeypatch.setattr(sys, "path", [str(first), str(tmp_path / "second"), *sys.path])
    folder, file = os.path.realpath(package), os.path.realpath(package / "claims.py")
    places = {"apackage": [folder, None], "apackage.claims": [file, [folder]]}
    Store(tmp_path).put(TASK, RESULT, _sources(places={**_sources()["places"], **places}))
    assert Store(tmp_path).get(TASK) == RESULT
    hiding = package / "claims"
    hiding.mkdir()
    (hiding / "__init__.py").write_text("", encoding="utf-8")
    assert Store(tmp_path).get(TASK) is None
    (hiding / "__init__.py").unlink()
    hiding.rmdir()
    assert Store(tmp_path).get(TASK) == RESULT
    (first / "apackage").mkdir()
    (first / "apackage" / "__init__.py").write_text("", encoding="utf-8")
    assert Store(tmp_path).get(TASK) is None
