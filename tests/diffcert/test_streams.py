"""The command line on streams that are narrow, full, closed or gone, and in folders that are."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import diffcert
from diffcert import Claim, symbols
from diffcert.cli import main
from diffcert.commands import common
from diffcert.report import write_text
from diffcert.streams import one_line, printable

ONE = ("--target", "binary", "--schedule", "karras", "--steps", "3", "--digits", "15")
MONOTONE = ("--claim", "reeves-pfister/monotone")
FULL = Path("/dev/full")


def test_text_for_terminals():
    assert printable("a\x1b[31mb\udcff\n") == "a?[31mb??"
    assert one_line(" two\n lines \x07") == "two lines ?"


def test_an_error_cannot_send_escapes_to_the_terminal(capsys):
    assert main(["compare", "--target", "no\x1b[31m.toml", *ONE[2:]]) == 2
    assert capsys.readouterr().err == "diffcert: error: target: there is no file no?[31m.toml\n"


def test_a_file_name_cannot_break_the_table(capsys, tmp_path):
    target = tmp_path / "a\nb\x1b[31m.json"
    target.write_text('{"weights": [1], "means": [0]}')
    assert main(["compare", "--target", str(target), *ONE[2:], *MONOTONE]) == 0
    assert capsys.readouterr().out.startswith("a?b?[31m, karras, 3 steps")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_an_encoding_without_mathematics(run, encoding):
    done = run("-m", "diffcert", "show", "reeves-pfister/monotone", PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (0, "")
    assert r"\u03a3" in done.stdout
    assert "derivation:" in done.stdout


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("arguments", [("list",), ("compare", *ONE, *MONOTONE)])
def test_a_full_device(arguments):
    root = Path(diffcert.__file__).parents[1]
    with FULL.open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "diffcert", *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            cwd=root,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (2, "diffcert: error: No space left on device\n")


def test_a_closed_standard_error_gets_nothing_onto_standard_output(capsys, monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    assert main(["frob"]) == 2
    assert capsys.readouterr().out == ""


def test_the_exit_code_stands_when_the_reader_has_gone(monkeypatch, tmp_path):
    def gone(*_):
        raise BrokenPipeError

    Claim("mine/false", symbols.entropy / 10**9)
    monkeypatch.setattr(common, "_print", gone)
    monkeypatch.setattr(common, "discard_output", lambda: None)
    place = tmp_path / "r.json"
    assert main(["compare", *ONE, "--claim", "mine/false", "--json", str(place)]) == 1
    assert json.loads(place.read_text())["counts"]["refuted"] == 1


def test_a_folder_that_is_gone(run):
    script = (
        "import os, sys, tempfile; here = tempfile.mkdtemp(); os.chdir(here); os.rmdir(here)\n"
        "from diffcert.cli import main; sys.exit(main(['list']))"
    )
    done = run("-c", script)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_link_stays_and_its_file_is_written(tmp_path):
    real, link = tmp_path / "real.json", tmp_path / "link.json"
    real.write_text("old")
    link.symlink_to("real.json")
    write_text(link, "new")
    assert link.is_symlink()
    assert real.read_text() == "new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.json", "real.json"]


def test_what_is_not_text_becomes_an_escape(tmp_path):
    write_text(tmp_path / "r.json", json.dumps("b\udcff", ensure_ascii=False))
    assert json.loads((tmp_path / "r.json").read_text()) == "b\udcff"


@pytest.mark.skipif(not os.path.exists("/dev/stdout"), reason="there is no /dev/stdout")
@pytest.mark.parametrize("name", ["/dev/stdout", "out.txt"])
def test_json_behind_the_table_in_one_file(tmp_path, name):
    out = tmp_path / "out.txt"
    root = str(Path(diffcert.__file__).parents[1])
    with out.open("w") as stream:
        done = subprocess.run(
            [sys.executable, "-m", "diffcert", "compare", *ONE, *MONOTONE, "--json", name],
            stdout=stream,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": root},
            check=False,
        )
    assert done.returncode == 0
    text = out.read_text()
    assert text.startswith("binary, karras, 3 steps")
    assert json.loads(text[text.index("{") :])["succeeded"] is True
    if name.startswith("/dev"):
        assert os.path.islink(name)
