"""The command sharpen: the instances on which a claim is nearest to fail, or fails.

What belongs here: progress, interruption, what is printed. What does not: the search (`sharpness`).
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from diffcert import interrupts, registry, sharpness
from diffcert.commands.common import DIGITS, writable
from diffcert.enclosure import certified_digits
from diffcert.search_state import State
from diffcert.sharpness import Search, Sharpness
from diffcert.streams import say
from diffcert.tables import describe
from diffcert.verdict import Status, Verdict

__all__ = ["sharpen"]


def sharpen(options: argparse.Namespace) -> int:
    """Search for the largest truth/bound; 0, or 1 if a counterexample was found, or 130."""
    if options.budget is not None and options.tries is not None:
        raise ValueError("--budget: give a number of tries or of seconds, not both")
    claims = registry.select([options.id])
    if len(claims) > 1:
        raise ValueError(f"{options.id}: {len(claims)} claims; name one of them")
    writable("--state", options.state)
    tries = options.tries
    if tries is None and options.budget is None:
        tries = sharpness.TRIES
    digits = DIGITS if options.digits is None else options.digits
    search = Search(claims[0].id, options.seed or 0, None if options.state is None else Path(options.state))
    interrupted = False
    with _bar(tries, options.budget) as (progress, shown):
        try:
            sharpness.run(search, tries, options.budget, shown)
        except KeyboardInterrupt:
            interrupts.taken()
            interrupted = True
        progress.stop()
    result = search.result(digits, finished=not interrupted)
    _print(result, claims[0].bound.relation, digits)
    if interrupted:
        more = f"; the same command goes on from {options.state}" if options.state else ""
        say(f"diffcert: interrupted after {result.tries} tries{more}")
        return 130
    return 1 if result.refuted else 0


class _bar:  # noqa: N801 (used as a function)
    """A progress bar on standard error, shown only on a terminal, with the worst ratio so far."""

    def __init__(self, tries: int | None, budget: float | None) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        console = Console(stderr=True)
        self.progress = Progress(
            TextColumn("searching"),
            BarColumn(),
            TextColumn("{task.fields[tries]} tries, worst {task.fields[worst]}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._tries, self._budget = tries, budget
        self._task = self.progress.add_task("", total=tries or budget, tries=0, worst="not found")

    def __enter__(self) -> tuple[Any, Any]:
        self.progress.start()
        return self.progress, self._show

    def __exit__(self, *_: object) -> None:
        self.progress.stop()

    def _show(self, state: State, spent: float | None) -> None:
        worst = "not found" if state.worst is None else f"{state.worst.score:.5g}"
        done = spent if self._tries is None else state.tries
        self.progress.update(self._task, completed=done or 0, tries=state.tries, worst=worst)


def _print(result: Sharpness, relation: str, digits: int) -> None:
    print(
        f"{result.claim_id}: {result.tries} tries, seed {result.seed};"
        f" the claim says something about {result.applied} of them"
    )
    if result.worst is None or result.simplest is None:
        print("no instance was found on which the claim is decided")
        return
    if result.refuted:
        print(f"refuted, in balls at {digits} digits")
        _print_one("counterexample (worst found)", result.worst)
        if result.simplest is not result.worst:
            _print_one("counterexample (simplest found)", result.simplest)
        return
    print(f"no counterexample was found; verified in balls at {digits} digits")
    _print_one("worst found", result.worst)
    if result.simplest is not result.worst:
        _print_one("simplest found within 1% of it", result.simplest)
    least = {"<=": "largest", ">=": "smallest"}.get(relation)
    if least:
        print(f"(worst found: the {least} ratio of all instances may lie beyond it)")


def _print_one(heading: str, verdict: Verdict) -> None:
    truth = bound = ""
    for digits in range(8, 30, 3):  # as many as tell the two apart
        truth = certified_digits(verdict.truth.value, digits) if verdict.truth else ""
        bound = certified_digits(verdict.bound, digits)
        if truth != bound:
            break
    ratio = "" if verdict.ratio is None else f", ratio {certified_digits(verdict.ratio, 6)}"
    sign = verdict.relation if verdict.status is Status.HOLDS else f"not {verdict.relation}"
    print(f"{heading}{ratio}:")
    print(f"  {describe(verdict.instance)}")
    print(f"  truth {truth} {sign} bound {bound}")
