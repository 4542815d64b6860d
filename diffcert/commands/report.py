"""The command report: a run, or the JSON file of an earlier one, as a document.

What belongs here: where the data come from and where the document goes. What does not: what a document
says and its markup (`documents`).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from importlib import import_module
from typing import Any

from diffcert import interrupts, registry, verification
from diffcert.commands.common import digits_of, progress_bar, writable
from diffcert.documents.model import Document, document, read_report
from diffcert.report import write_text
from diffcert.streams import say
from diffcert.verdict import Verdict

__all__ = ["report"]

LANGUAGES = ("html", "latex", "markdown")


def report(options: argparse.Namespace) -> int:
    """Write the documents; 0 if every claim stands, 1 if not, 130."""
    digits = digits_of(options)
    asked = {name: getattr(options, name) for name in LANGUAGES if getattr(options, name) is not None}
    if not asked:
        raise ValueError(
            f"report: give at least one of {', '.join(f'--{name} FILE' for name in LANGUAGES)}"
        )
    taken = [options.json]
    places = {}
    for name, value in asked.items():
        places[name] = writable(f"--{name}", value, *taken)
        taken.append(value)
    if options.json is None:
        data, code = _computed(options, digits)
        wanted = None
    else:
        for name in ("digits", "quick", "target", "schedule"):
            if getattr(options, name):
                raise ValueError(f"--{name}: it has no meaning together with --json")
        data, code = read_report(options.json), 0
        wanted = _wanted(options.claim)
    made = document(data, wanted)
    for name, place in places.items():
        if place is not None:
            try:
                write_text(place, _writer(name)(made))
            except OSError as error:
                raise ValueError(
                    f"--{name}: {place} cannot be written: {error.strerror or error}"
                ) from error
    print(made.summary)
    return code or (0 if made.succeeded else 1)


def _writer(name: str) -> Callable[[Document], str]:
    writer: Callable[[Document], str] = getattr(import_module(f"diffcert.documents.{name}"), name)
    return writer


def _wanted(claims: list[str] | None) -> list[str] | None:
    return None if not claims else [claim.id for claim in registry.select(claims)]


def _computed(options: argparse.Namespace, digits: int | None) -> tuple[dict[str, Any], int]:
    """The data of a run made now; after Ctrl-C, of the cases finished so far."""
    cases, claims = verification.prepare(
        options.claim, digits, options.target, options.schedule, None, False
    )
    finished = verification.run(cases, digits, verification.useful_workers(cases, digits))
    outcomes: dict[int, Verdict] = {}
    code = 0
    with progress_bar("checking") as progress:
        bar = progress.add_task("checking", total=len(cases))
        try:
            for position, verdict in finished:
                outcomes[position] = verdict
                progress.update(bar, completed=len(outcomes))
        except KeyboardInterrupt:
            interrupts.taken()
            finished.close()
            say("diffcert: interrupted; the document has the finished cases")
            code = 130
        except BrokenProcessPool:
            say("diffcert: a worker process ended unexpectedly; the document has the finished cases")
            code = 1
    return verification.conclude(claims, cases, outcomes, digits).to_dict(), code
