"""The command check: certificates derived again, one line for each.

What belongs here: finding the files, dividing them among processes, printing. What does not: reading
a certificate (`certificate`), deriving it again (`recheck`).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path

from diffcert import interrupts, registry
from diffcert.certificate import Certificate
from diffcert.commands.common import progress_bar
from diffcert.declaration import canonical
from diffcert.rates.certificate import RateCertificate
from diffcert.recheck import Check, Checker
from diffcert.streams import one_line, say
from diffcert.workers import processors, run_tasks

__all__ = ["check"]

_Task = tuple[tuple[int, Certificate], ...]
_LADDER_COST = 10_000
"""A ladder measured twice takes seconds."""


def check(options: argparse.Namespace) -> int:
    """Check certificate files; 0 if all agree, 1 if one does not, 2 for a file that is none, 130."""
    references = tuple(options.claim or ())
    _load(references)
    paths = _paths(options.files)
    certificates: dict[int, Certificate] = {}
    unreadable: dict[int, str] = {}
    for place, path in enumerate(paths):
        try:
            certificates[place] = Certificate.read(path)
        except ValueError as error:
            unreadable[place] = one_line(str(error))
    workers = min(options.jobs or processors(), processors())
    work = partial(_work, any_sources=options.any_sources)
    finished = run_tasks(work, _tasks(certificates, workers), workers, _load, (references,))
    done: dict[int, Check] = {}
    code, ending = 0, ""
    with progress_bar("checking") as progress:
        bar = progress.add_task("checking", total=len(certificates))
        try:
            for results in finished:
                done.update(results)
                progress.update(bar, completed=len(done))
        except KeyboardInterrupt:
            interrupts.taken()
            finished.close()
            code, ending = 130, "interrupted; the finished certificates are above"
        except BrokenProcessPool:
            code, ending = 1, "a worker process ended unexpectedly; the rest is not checked"
    _print(paths, done, unreadable)
    if ending:
        say(f"diffcert: {ending}")
    for line in unreadable.values():
        say(f"diffcert: error: {line}")
    if code:
        return code
    return 2 if unreadable else 0 if all(result.agrees for result in done.values()) else 1


def _load(references: Sequence[str]) -> None:
    """Fill the registry before any certificate is looked at."""
    registry.claims()
    for reference in references:
        if ":" not in reference:
            raise ValueError(f"--claim: {reference!r} is not of the form package.module:attribute")
        registry.load(reference)


def _paths(names: Sequence[str]) -> list[Path]:
    """The files meant by the arguments; a folder stands for the .json files in it."""
    found: dict[Path, None] = {}
    for name in names:
        if not name:
            raise ValueError("check: an empty text names no file")
        path = Path(name)
        if path.is_dir():
            inside = sorted(path.glob("*.json"))
            if not inside:
                raise ValueError(f"check: there is no certificate in {path}")
            found.update(dict.fromkeys(inside))
        else:
            found[path] = None
    return list(found)


def _tasks(certificates: dict[int, Certificate], workers: int) -> list[_Task]:
    """Certificates that share values, together: those on one target, or on one instance."""

    def grouped(parts: Sequence[str]) -> dict[str, list[tuple[int, Certificate]]]:
        groups: dict[str, list[tuple[int, Certificate]]] = {}
        for place, certificate in certificates.items():
            if isinstance(certificate, RateCertificate):
                key = canonical(certificate.data["ladder"])
            else:
                instance = certificate.data["instance"]
                key = canonical([instance.get(part) for part in parts])
            groups.setdefault(key, []).append((place, certificate))
        return groups

    by_instance = grouped(("target", "schedule", "sampler", "start", "snr", "parameters"))
    if workers <= 1:
        return [tuple(group) for group in by_instance.values()]
    by_target = grouped(("target",))
    groups = by_target if len(by_target) >= 4 * workers else by_instance
    return [tuple(group) for group in sorted(groups.values(), key=_cost, reverse=True)]


def _cost(group: Sequence[tuple[int, Certificate]]) -> int:
    """A rough measure of the work: levels times atoms."""
    total = 0
    for _, certificate in group:
        if isinstance(certificate, RateCertificate):
            total += _LADDER_COST
            continue
        instance = certificate.data["instance"]
        steps = (instance.get("schedule") or {}).get("steps", 1)
        atoms = instance["target"].get("weights")
        total += (steps if isinstance(steps, int) else 1) * (len(atoms) if isinstance(atoms, list) else 1)
    return total


def _work(task: _Task, any_sources: bool) -> list[tuple[int, Check]]:
    """What a process does with certificates that share values."""
    checker = Checker()
    ordered = sorted(task, key=lambda item: canonical(item[1].data.get("instance")))
    return [(place, checker.check(certificate, any_sources=any_sources)) for place, certificate in ordered]


def _print(paths: Sequence[Path], done: dict[int, Check], unreadable: dict[int, str]) -> None:
    remarks: dict[str, None] = {}
    for place, path in enumerate(paths):
        if place in unreadable:
            print(f"unreadable  {one_line(str(path))}")
        elif place in done:
            result = done[place]
            print(f"{result.text:<10}  {one_line(path.name)}")
            for finding in result.findings:
                print(f"            {one_line(finding)}")
            remarks.update(dict.fromkeys(result.remarks))
    for remark in remarks:
        print(f"note: issued with {one_line(remark)}")
    agree = sum(1 for result in done.values() if result.agrees)
    count = len(done)
    line = f"{count} certificate{'s' * (count != 1)}: agree {agree}, disagree {count - agree}"
    left = len(paths) - len(done) - len(unreadable)
    line += f", unreadable {len(unreadable)}" if unreadable else ""
    print(line + (f"; {left} not checked" if left else ""))
