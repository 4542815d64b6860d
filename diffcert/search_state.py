"""The state of a search, whole at every moment: what it has found, and where it goes on.

What belongs here: the record, and its file. What does not: the search itself (`sharpness`).

Random numbers are a function of the seed and the number of the try, so that the state holds no
generator: a search that goes on from its file does what it would have done without a stop.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from diffcert.report import write_text
from diffcert.search import Candidate

__all__ = ["Entry", "State"]

FORMAT = "diffcert search 1"
LARGEST_FILE = 4 * 2**20
MOST_ENTRIES = 100


@dataclass(frozen=True)
class Entry:
    """A candidate with its score in machine numbers."""

    score: float
    candidate: Candidate

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data; the score is the decimal that reads back as the same number."""
        return {"score": repr(self.score), "candidate": self.candidate.to_dict()}

    @classmethod
    def from_dict(cls, data: Any) -> Entry:
        """The entry that `to_dict` wrote; ValueError for anything else."""
        if not isinstance(data, Mapping) or set(data) != {"score", "candidate"}:
            raise ValueError("an entry has other keys than score and candidate")
        score = float(data["score"]) if isinstance(data["score"], str) else math.nan
        if math.isnan(score):
            raise ValueError("an entry's score is not a number")
        return cls(score, Candidate.from_dict(data["candidate"]))


@dataclass
class State:
    """How far a search has come.

    `front` holds the candidates that no simpler one beats, from the simplest to the worst for the
    claim; `current` is where the walk stands, `idle` the tries since it last improved, `restarts` how
    often it began again, `applied` on how many candidates the claim had something to say.
    """

    claim: str
    declaration: str
    seed: int
    tries: int = 0
    applied: int = 0
    restarts: int = 0
    idle: int = 0
    current: Entry | None = None
    front: list[Entry] = field(default_factory=list)

    def enter(self, entry: Entry) -> bool:
        """Put a candidate on the front if it belongs there; whether it did."""
        size = entry.candidate.complexity
        if any(e.score >= entry.score and e.candidate.complexity <= size for e in self.front):
            return False
        kept = [e for e in self.front if e.score > entry.score or e.candidate.complexity < size]
        self.front = sorted([*kept, entry], key=lambda e: (e.candidate.complexity, e.score))
        if len(self.front) > MOST_ENTRIES:
            # Both ends stay, and of the others all but the one that is least worse than its neighbour.
            gaps = {k: self.front[k].score - self.front[k - 1].score for k in range(1, MOST_ENTRIES)}
            del self.front[min(gaps, key=lambda k: (gaps[k], k))]
        return True

    @property
    def worst(self) -> Entry | None:
        """The candidate with the largest score."""
        return max(self.front, key=lambda entry: entry.score, default=None)

    def write(self, path: Path) -> None:
        """Write the state in one step: a process killed at any moment leaves the old file or the new."""
        data = {
            "format": FORMAT,
            "claim": self.claim,
            "declaration": self.declaration,
            "seed": self.seed,
            "tries": self.tries,
            "applied": self.applied,
            "restarts": self.restarts,
            "idle": self.idle,
            "current": None if self.current is None else self.current.to_dict(),
            "front": [entry.to_dict() for entry in self.front],
        }
        write_text(path, json.dumps(data, indent=1, sort_keys=True) + "\n")

    @classmethod
    def read(cls, path: Path, claim: str, declaration: str, seed: int) -> State:
        """The state in a file; ValueError for another claim, another seed, or no state at all."""
        try:
            if path.stat().st_size > LARGEST_FILE:
                raise ValueError(f"larger than {LARGEST_FILE // 2**20} MB")
            data = json.loads(path.read_text(encoding="utf-8"))
            state = cls._from_dict(data)
        except OSError as error:
            raise ValueError(f"state: {path}: {error.strerror or error}") from None
        except (ValueError, RecursionError, OverflowError) as error:
            line = " ".join(str(error).split())[:200]
            raise ValueError(f"state: {path} is not the state of a search: {line}") from None
        if (state.claim, state.declaration) != (claim, declaration):
            raise ValueError(
                f"state: {path} belongs to the claim {state.claim[:80]!r}, or to an older form of it"
            )
        if state.seed != seed:
            raise ValueError(f"state: {path} was begun with seed {state.seed}, not {seed}")
        return state

    @classmethod
    def _from_dict(cls, data: Any) -> State:
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise ValueError(f"'format' is not {FORMAT!r}")
        expected = {*cls.__dataclass_fields__, "format"}
        if set(data) != expected:
            raise ValueError(f"its keys are not {', '.join(sorted(expected))}")
        for key in ("seed", "tries", "applied", "restarts", "idle"):
            if isinstance(data[key], bool) or not isinstance(data[key], int) or data[key] < 0:
                raise ValueError(f"{key} is not a count")
        if not isinstance(data["claim"], str) or not isinstance(data["declaration"], str):
            raise ValueError("claim and declaration are not texts")
        if not isinstance(data["front"], list) or len(data["front"]) > MOST_ENTRIES:
            raise ValueError("front is not a short list")
        current = None if data["current"] is None else Entry.from_dict(data["current"])
        plain = {key: value for key, value in data.items() if key not in ("format", "current", "front")}
        return cls(**plain, current=current, front=[Entry.from_dict(item) for item in data["front"]])
