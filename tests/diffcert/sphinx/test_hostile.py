"""Documents that mean no good: nothing of theirs runs, and everything ends."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from tests.diffcert.sphinx.conftest import CONF, Paper

pytestmark = pytest.mark.slow

CALL = "__import__('pathlib').Path('{trap}').touch()"

DIRECTIVES = [
    ".. cert:theorem:: {call}",
    ".. cert:theorem:: t1\n   :object: {call}",
    ".. cert:theorem:: t2\n   :object: {call}:x",
    ".. cert:theorem:: t3\n   :object: os:system",
    ".. cert:theorem:: t4\n   :object: antigravity:x",
    ".. cert:theorem:: t5\n   :object: {folder}/trap.py:x",
    ".. cert:theorem:: t6\n   :object: ../trap:x",
    ".. cert:theorem:: t7\n   :object: trap:x",
    ".. cert:theorem:: t8\n   :uses: {call}",
    ".. cert:theorem:: t9\n   :object: paper:good\n   :digits: {call}",
    ".. cert:theorem:: t10\n   :object: paper:good\n   :digits: 999999",
    ".. cert:theorem:: t11\n   :object: paper:good\n   :timeout: 1e999",
    ".. cert:theorem:: t12\n   :object: paper:claim",
    ".. cert:theorem:: t13\n   :object: paper:good.family",
    ".. cert:theorem:: t14\n   :object: paper:good.bound.truth",
    ".. cert:derivation::\n   :of: {call}",
    ".. cert:derivation::\n   :of: paper:good\n   :steps: 1-999999999",
]

PARAMETERS = [
    '{"target": "CALL", "schedule": "karras", "steps": 3}',
    '{"target": "../../../etc/passwd", "schedule": "karras", "steps": 3}',
    '{"target": {"weights": ["CALL", 1], "means": [0, 1]}, "schedule": "karras", "steps": 3}',
    '{"target": {"weights": [1, 1e999999999], "means": [0, 1]}, "schedule": "karras", "steps": 3}',
    '{"target": {"weights": [1], "means": ["sympy.exp(1)"]}, "snr": 1}',
    '{"target": "three", "schedule": "karras", "steps": 999999999999999999}',
    '{"target": "three", "schedule": {"type": "__init__", "steps": 3}}',
    '{"target": "three", "schedule": {"type": "from_dict", "steps": 3}}',
    '{"target": "three", "schedule": {"alpha_bar": "CALL"}}',
    '{"target": "three", "schedule": "karras", "steps": 3, "sampler": "CALL"}',
    '{"target": "three", "schedule": "karras", "steps": 3, "start": "CALL"}',
    '{"target": "three", "snr": "9" * 9}',
    '{"target": "three", "parameters": {"epsilon": "CALL"}}',
    '{"target": "three", "schedule": {"path": "/etc/passwd"}}',
    "[" * 5000,
]


def test_a_hostile_document_runs_nothing(tmp_path: Path):
    paper = Paper(tmp_path)
    trap = tmp_path / "sprung"
    (paper.library / "trap.py").write_text(f"open({str(trap)!r}, 'w')\n", encoding="utf-8")
    call = CALL.format(trap=trap)
    parts = [part.format(call=call, folder=paper.library) for part in DIRECTIVES]
    parts += [
        f".. cert:comparison:: c{number}\n   :of: reeves-pfister/monotone\n   :timeout: 20\n"
        f"   :params: {text.replace('CALL', call)}"
        for number, text in enumerate(PARAMETERS)
    ]
    parts.append(
        f":cert:num:`{call} <c0>` :cert:status:`{call}` :cert:num:`1 <os:getcwd>` :cert:ref:`{call}`"
    )
    paper.write(
        conf=CONF + 'cert_modules = ["paper"]\n', index="Paper\n=====\n\n" + "\n\n".join(parts) + "\n"
    )
    built = paper.build("html", "-j2")
    assert built.returncode == 1
    assert not trap.exists()
    assert "Traceback" not in built.stderr
    lines = [line for line in built.stderr.splitlines() if ": ERROR: " in line]
    assert len(lines) == len(built.stderr.splitlines()) == len(DIRECTIVES) + len(PARAMETERS) + 4
    assert all("index.rst:" in line for line in lines)
    assert paper.build("html", "-j1").stderr == built.stderr


CLAIMS = """
import os, sys

def forever():
    while True:
        pass

def asleep():
    import time
    time.sleep(1000)

def greedy():
    kept = []
    while True:
        kept.append(bytearray(10**7))

def gone():
    os._exit(3)

def noisy():
    print("a line that is not of the protocol")
    sys.stdout.flush()
    raise RuntimeError("an error\\nof two lines")

def family(name):
    return Claim("mine/" + name, symbols.entropy, instances=globals()[name])

endless, sleeping, hungry, leaving, loud = map(family, ["forever", "asleep", "greedy", "gone", "noisy"])
good = claim("good", symbols.entropy)
"""


def test_claims_that_never_end_are_ended(tmp_path: Path):
    paper = Paper(tmp_path)
    paper.write_library("paper", CLAIMS)
    names = ("endless", "sleeping", "hungry", "leaving", "loud", "good")
    seconds = {"endless": 4, "sleeping": 4}
    parts = [
        f".. cert:theorem:: {name}\n   :object: paper:{name}\n   :timeout: {seconds.get(name, 60)}"
        for name in names
    ]
    paper.write(conf=CONF + "cert_memory = 2048\n", index="Paper\n=====\n\n" + "\n\n".join(parts) + "\n")
    start = time.monotonic()
    built = paper.build()
    assert time.monotonic() - start < 300
    assert built.returncode == 1
    said = {line.split("(")[1].split(")")[0]: line for line in built.stderr.splitlines()}
    assert "it did not end within 4 seconds (timeout)" in said["endless"]
    assert "it did not end within 4 seconds (timeout)" in said["sleeping"]
    assert "MemoryError" in said["hungry"]
    assert "the worker ended with code 3" in said["leaving"]
    assert "RuntimeError: an error of two lines" in said["loud"]
    assert "good" not in said
    assert "cert-status-holds" in paper.page("index.html")
    processes = [path.read_bytes() for path in _commands()]
    assert not [command for command in processes if str(paper.library).encode() in command]


def test_what_is_done_when_a_build_is_interrupted_stays_done(tmp_path: Path):
    paper = Paper(tmp_path)
    paper.write_library("endless", "def forever():\n    while True:\n        pass\n\n\nnever = "
                        'Claim("mine/never", symbols.entropy, instances=forever)')  # fmt: skip
    page = "Paper\n=====\n\n.. cert:theorem:: good\n   :object: paper:good\n"
    paper.write(index=f"{page}\n.. cert:theorem:: never\n   :object: endless:never\n")
    running = paper.start("html", "-j2")
    folder = paper.folder / "build" / ".diffcert" / "verdicts"

    def kept() -> list[Path]:
        return [
            path for path in folder.glob("*.json") if '"paper:good"' in path.read_text(encoding="utf-8")
        ]

    until = time.monotonic() + 120
    while len(kept()) < 2 and running.poll() is None and time.monotonic() < until:
        time.sleep(0.2)
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=60)
    assert running.returncode != 0
    assert not [path for path in _commands() if str(paper.library).encode() in path.read_bytes()]
    paper.write(index=page)
    built = paper.build("html", "-D", "cert_evaluate=0")
    assert (built.returncode, built.stderr) == (0, "")
    assert "cert-status-holds" in paper.page("index.html")


SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(2)>"
TEX = r"\\input{/etc/hostname} \\end{document} % & # _ ^ ~ $\\input{/etc/hostname}$ $ `x`"


def test_what_stands_in_parameters_is_text_on_every_page(tmp_path: Path):
    paper = Paper(tmp_path)
    atoms = '"weights": ["1/2", "1/2"], "means": [-1, 1]'
    name = SCRIPT + TEX
    parts = [
        f".. cert:comparison:: c{number}\n   :of: paper:good\n   :plot:\n   :params: {params}\n"
        for number, params in enumerate(
            (
                f'{{"target": {{"name": "{name}", {atoms}}}, "schedule": "karras", "steps": 3}}',
                f'{{"target": {{{atoms}}}, "schedule": {{"snr": [0, 1], "label": "{name} ]]> -->"}}}}',
            )
        )
    ]
    parts.append(
        f'.. cert:comparison:: wrong\n   :of: paper:good\n   :params: {{"target": "{SCRIPT}{TEX}"}}\n'
    )
    paper.write(index="Paper\n=====\n\n" + "\n".join(parts) + "\n.. cert:status::\n")
    built = paper.build()
    assert built.returncode == 1
    assert len(built.stderr.splitlines()) == 1
    page = paper.page("index.html")
    assert "&lt;img src=x onerror" in page
    assert "<img" not in page
    assert "<script>alert" not in page
    assert r"$\input{/etc/hostname}$" in page
    assert paper.build("latex").returncode == 1
    source = paper.page("paper.tex", "latex")
    assert r"\textbackslash{}input" in source
    assert r"\input{" not in source
    assert source.count(r"\end{document}") == 1


def _commands() -> list[Path]:
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            path.read_bytes()
        except OSError:
            continue
        found.append(path)
    return found
