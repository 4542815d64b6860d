"""How sharp a claim is: a search for the targets and schedules on which it is nearest to fail.

What belongs here: scoring, the walk, the two verdicts that come out of it. What does not: candidates
and moves (`search`), the state's file (`search_state`), options (`commands`).

The search is a walk in exact rationals, scored in machine numbers; what it reports is decided in balls.
It finds lower bounds on the largest ratio and proves nothing about the supremum: hence "worst found".
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from diffcert.claim import Claim
from diffcert.comparison import compare
from diffcert.declaration import declaration_digest
from diffcert.instance import Instance
from diffcert.search import Candidate, Space
from diffcert.search_state import Entry, State
from diffcert.verdict import Status, Verdict
from numerics.exact import integer
from theory.statement import Bound

__all__ = ["Search", "Sharpness", "sharpen"]

TRIES = 2000
PATIENCE = 80
"""Tries without improvement after which the walk begins again elsewhere."""

SAVED_EVERY = 1.0
"""Seconds between two states on disk."""

_NEARLY = 0.99
"""The simplest instance has at least this part of the worst one's ratio."""

_VIOLATION = 1e-9
_PROGRESS = 1e-6
"""Less than this, relative, is no improvement, and is not worth longer numbers."""

_SIMPLIFYING, _BOLD, _NEARLY_BOLD = 0.25, 0.05, 0.9
"""Parts of the tries that simplify, and that accept a candidate a tenth less bad."""

_CHECKED = 8
"""Candidates that are tried in balls for each of the two verdicts."""


@dataclass(frozen=True)
class Sharpness:
    """What a search has found: the worst instance and the simplest that is nearly as bad, in balls.

    Both are None where the claim applied to no candidate. For a claim that fails, `worst` is the
    counterexample with the largest ratio and `simplest` the one that is quickest to type. `finished`
    is False after an interruption.
    """

    claim_id: str
    seed: int
    tries: int
    applied: int
    worst: Verdict | None
    simplest: Verdict | None
    finished: bool = True

    @property
    def refuted(self) -> bool:
        """Whether a counterexample was found."""
        return any(v is not None and v.status is Status.REFUTED for v in (self.worst, self.simplest))


class Search:
    """The search for one claim, try by try; its state is whole after each."""

    def __init__(self, claim: Claim | Bound | str, seed: int = 0, state: str | Path | None = None) -> None:
        from diffcert import registry

        found = registry.find(claim)
        if not isinstance(found, Claim):
            raise ValueError(
                f"claim: {found.id} is a rate; it has ladders, and no single instance to search"
            )
        self.bound = found.bound
        self.seed = integer(seed, "seed", 0, 2**63)
        self.space = Space(self.bound, _own(found))
        self.path = None if state is None else Path(state)
        digest = declaration_digest(self.bound)
        if self.path is not None and self.path.exists():
            self.state = State.read(self.path, self.bound.id, digest, self.seed)
        else:
            self.state = State(self.bound.id, digest, self.seed)
        self._saved = time.monotonic()

    def step(self) -> None:
        """One try: a candidate, its score, and whether the walk goes there."""
        state = self.state
        rng = Random(f"{self.seed} {state.tries}")
        target = self._to_simplify()
        if target is not None and rng.random() < _SIMPLIFYING:
            candidate = self.space.simpler(target, rng)
            score = self.score(candidate)
            if score is not None:
                state.enter(Entry(score, candidate))
        else:
            score = self._walk(rng)
        state.applied += score is not None
        state.tries += 1

    def _walk(self, rng: Random) -> float | None:
        """One step of the walk, or a new beginning; the score of the candidate that was looked at."""
        state = self.state
        current = state.current
        if current is None or state.idle >= PATIENCE:
            candidate, current = self._beginning(rng), None
            state.restarts, state.idle = state.restarts + 1, 0
        else:
            candidate = self.space.neighbour(current.candidate, rng)
            state.idle += 1
        score = self.score(candidate)
        if score is not None:
            entry = Entry(score, candidate)
            state.enter(entry)
            bold = rng.random() < _BOLD and current is not None and score > _NEARLY_BOLD * current.score
            if current is None or score > current.score or bold:
                if current is not None and score > current.score * (1 + _PROGRESS):
                    state.idle = 0
                current = entry
        state.current = current
        return score

    def _to_simplify(self) -> Candidate | None:
        """The simplest candidate so far that is nearly as bad as the worst, or violates the claim."""
        worst = self.state.worst
        if worst is None:
            return None
        enough = min(_NEARLY * worst.score, self._violating())
        return next((e.candidate for e in self.state.front if e.score >= enough), None)

    def _violating(self) -> float:
        return _VIOLATION if self.bound.relation == "==" else 1 + _VIOLATION

    def _beginning(self, rng: Random) -> Candidate:
        """Half of the beginnings after the first ones are near what was found so far."""
        front = self.state.front
        if front and self.state.restarts > 4 and rng.random() < 0.5:
            return self.space.neighbour(rng.choice(front).candidate, rng)
        return self.space.start(self.state.restarts, rng)

    def score(self, candidate: Candidate) -> float | None:
        """How near the claim is to fail: above 1 it fails, in machine numbers; None: no answer."""
        try:
            verdict = compare(self.bound, candidate.instance(), None)
        except ValueError:
            return None
        if verdict.truth is None or verdict.bound is None or verdict.status is Status.NOT_APPLICABLE:
            return None
        if any(outcome is not True for _, outcome in verdict.hypotheses):
            return None
        return _score(self.bound.relation, verdict.truth.value, verdict.truth.error, verdict.bound)

    def save(self, now: bool = True) -> None:
        """Write the state to its file, if it has one; without `now` only if the last is a second old."""
        if self.path is not None and (now or time.monotonic() - self._saved >= SAVED_EVERY):
            self.state.write(self.path)
            self._saved = time.monotonic()

    def result(self, digits: int = 30, finished: bool = True) -> Sharpness:
        """The verdicts in balls on what was found so far."""
        state = self.state
        ranked = sorted(state.front, key=lambda e: (-e.score, e.candidate.complexity))
        worst = self._worst(list(self._decided(ranked[:_CHECKED], digits)))
        simplest = worst
        if worst is not None:
            simple = sorted(state.front, key=lambda e: (e.candidate.complexity, -e.score))
            enough = self._enough(worst)
            fit = [entry for entry in simple if entry.score >= enough]
            for verdict in self._decided(fit[:_CHECKED], digits):
                if verdict.status is worst.status:
                    simplest = verdict
                    break
        return Sharpness(self.bound.id, self.seed, state.tries, state.applied, worst, simplest, finished)

    def _worst(self, verdicts: list[Verdict]) -> Verdict | None:
        """The worst verdict; of those within a millionth of it the last, which is the simplest."""
        largest = max((self._badness(v) for v in verdicts), default=0.0)
        refuted = [v for v in verdicts if v.status is Status.REFUTED]
        near = [v for v in refuted or verdicts if self._badness(v) >= largest * (1 - _PROGRESS)]
        return near[-1] if near else max(refuted or verdicts, key=self._badness, default=None)

    def _enough(self, worst: Verdict) -> float:
        if worst.status is Status.REFUTED:
            return self._violating()
        return _NEARLY * self._badness(worst)

    def _decided(self, entries: list[Entry], digits: int) -> Iterator[Verdict]:
        for entry in entries:
            try:
                verdict = compare(self.bound, entry.candidate.instance(), digits)
            except ValueError:
                continue
            if verdict.status in (Status.HOLDS, Status.REFUTED):
                yield verdict

    def _badness(self, verdict: Verdict) -> float:
        if verdict.truth is None or verdict.bound is None:
            return -math.inf
        truth, bound = float(verdict.truth.value.mid()), float(verdict.bound.mid())
        return _score(self.bound.relation, truth, 0.0, bound)


def _score(relation: str, truth: float, error: float, bound: float) -> float:
    if not (math.isfinite(truth) and math.isfinite(bound)) or math.isnan(error):
        return -math.inf
    if relation == "==":
        scale = max(abs(truth), abs(bound))
        return (abs(truth - bound) - error) / scale if scale else 0.0
    above, below = (truth - error, bound) if relation == "<=" else (bound, truth + error)
    if below > 0:
        return above / below
    return math.inf if above > 0 else 0.0


def _own(claim: Claim) -> tuple[Instance, ...]:
    """A claim's own instances; a planted falsehood's counterexample is left to be found."""
    if claim.is_twin or claim.instances is None:
        return ()
    return claim.family()


def sharpen(
    claim: Claim | Bound | str,
    tries: int | None = None,
    *,
    budget: float | None = None,
    seed: int = 0,
    state: str | Path | None = None,
    digits: int = 30,
    progress: Callable[[State, float | None], Any] | None = None,
) -> Sharpness:
    """The worst and the simplest instance that a search finds, as verdicts in balls.

    `tries` candidates are looked at in all (default 2000), or as many as `budget` seconds allow. With
    `state` the search goes on from that file and keeps it up to date; killed at any moment and started
    again it ends where it would have ended. `progress` is called with the state and the seconds spent.
    Raises ValueError for bad arguments.
    """
    most = _tries(tries, budget)
    search = Search(claim, seed, state)
    run(search, most, budget, progress)
    return search.result(integer(digits, "digits", 1, 1000))


def _tries(tries: int | None, budget: float | None) -> int | None:
    if budget is not None and not (isinstance(budget, int | float) and 0 < budget < math.inf):
        raise ValueError(f"budget: {budget!r} is not a positive number of seconds")
    if tries is None:
        return TRIES if budget is None else None
    return integer(tries, "tries", 1, 10**9)


def run(
    search: Search,
    tries: int | None,
    budget: float | None,
    progress: Callable[[State, float | None], Any] | None = None,
) -> None:
    """Take steps until there were `tries` in all or `budget` seconds are over; the state is saved."""
    began = time.monotonic()
    try:
        while tries is None or search.state.tries < tries:
            spent = time.monotonic() - began
            if budget is not None and spent >= budget:
                break
            search.step()
            search.save(now=False)
            if progress is not None:
                progress(search.state, spent)
    finally:
        search.save()
