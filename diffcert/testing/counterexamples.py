"""Counterexamples as files: written when a claim is refuted, read and tried again later.

What belongs here: the file's format, saving, replaying. What does not: an instance's own plain data
(`diffcert.inputs`), certificates, which prove a verdict (`diffcert.certificate`).

A file is read as data: nothing in it is evaluated or imported.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from diffcert.claim import Claim
    from diffcert.instance import Instance
    from diffcert.verdict import Verdict

__all__ = ["Counterexample", "Store", "read_counterexample", "replay", "save_counterexample"]

FORMAT = "diffcert counterexample 1"
LARGEST_FILE = 32 * 2**20
_KEYS = ("format", "claim", "kind", "statement", "instance", "found")


@dataclass(frozen=True)
class Counterexample:
    """An instance at which a claim was refuted: the claim's id, the instance, and what was found."""

    claim: str
    instance: Instance
    kind: str
    found: dict[str, Any]

    def replay(self, digits: int | None = 30, claim: Claim | None = None) -> Verdict:
        """The verdict as it is now; `claim` takes the place of the one registered under the id."""
        from diffcert.comparison import compare

        return compare(self.claim if claim is None else claim, self.instance, digits)


def save_counterexample(path: str | Path, verdict: Verdict, kind: str = "simplest") -> Path:
    """The path of the JSON file that now holds a refuted verdict's claim and instance.

    A folder is given a file named after the claim. `kind` is a word of your own, such as "worst". The
    same verdict gives the same bytes. Raises ValueError for a verdict that refutes nothing and for an
    instance that plain data cannot state.
    """
    from diffcert.inputs import exact_inputs
    from diffcert.report import write_text
    from diffcert.verdict import Verdict

    if not isinstance(verdict, Verdict) or verdict.status != "refuted":
        raise ValueError(f"verdict: {verdict!r} refutes nothing")
    place = Path(path)
    if place.suffix != ".json":
        place = place / f"{_slug(verdict.claim_id)}--{_slug(kind)}.json"
    plain = verdict.to_dict()
    data = {
        "format": FORMAT,
        "claim": verdict.claim_id,
        "kind": str(kind),
        "statement": _statement(verdict),
        "instance": exact_inputs(verdict.instance),
        "found": {key: plain[key] for key in ("status", "relation", "digits", "truth", "bound", "ratio")},
    }
    place.parent.mkdir(parents=True, exist_ok=True)
    write_text(place, json.dumps(data, indent=1, ensure_ascii=True) + "\n")
    return place


def _statement(verdict: Verdict) -> str:
    """The claim in words of sympy, for the reader of the file."""
    from diffcert import registry

    try:
        bound = registry.find(verdict.claim_id).bound
    except ValueError:
        return ""
    return f"{verdict.truth.functional if verdict.truth else bound.truth} {bound.relation} {bound.formula}"


def _slug(words: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", words).strip("-")[:100] or "unnamed"


def _distinct(test: str) -> str:
    """The slug of a test's node id; with digits where it is cut, or where another may have the same."""
    lossless = re.fullmatch(r"[A-Za-z0-9_./:]+", test) and len(test) <= 100
    return _slug(test) if lossless else f"{_slug(test)}-{sha256(test.encode()).hexdigest()[:6]}"


def read_counterexample(path: str | Path) -> Counterexample:
    """The counterexample in a file; ValueError, in one line naming the file, for anything else."""
    from diffcert.inputs import read_instance

    place = Path(path)
    try:
        if place.stat().st_size > LARGEST_FILE:
            raise ValueError(f"is larger than {LARGEST_FILE // 2**20} MB")
        data = json.loads(place.read_text(encoding="utf-8"))
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise ValueError(f"is not of the format {FORMAT!r}")
        for key in (*_KEYS, *data):
            if key not in data or key not in _KEYS:
                raise ValueError(f"the key {key[:40]!r} is {'not known' if key in data else 'missing'}")
        for key, kind in (("claim", str), ("kind", str), ("found", dict)):
            if not isinstance(data[key], kind):
                raise ValueError(f"{key} is of the wrong type")
        return Counterexample(data["claim"], read_instance(data["instance"]), data["kind"], data["found"])
    except OSError as error:
        raise ValueError(f"counterexample: {place}: {error.strerror or error}") from None
    except RecursionError:
        raise ValueError(f"counterexample: {place}: is nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"counterexample: {place}: {' '.join(str(error).split())}") from None


def replay(path: str | Path, digits: int | None = 30) -> Verdict:
    """The verdict on a saved counterexample as it is now; ValueError for a file that is none."""
    return read_counterexample(path).replay(digits)


@dataclass(frozen=True)
class Store:
    """A folder of counterexamples, made when the first is saved."""

    folder: Path

    def files(self) -> tuple[Path, ...]:
        """The files of the folder, in order."""
        return tuple(sorted(self.folder.glob("*.json")))

    def counterexamples(self, claim: str | None = None) -> Iterator[Counterexample]:
        """What is kept, of one claim or of all."""
        for path in self.files():
            kept = read_counterexample(path)
            if claim is None or kept.claim == claim:
                yield kept

    def replay(self, claim: str | None = None, digits: int | None = 30) -> tuple[Verdict, ...]:
        """The verdicts on what is kept, as they are now."""
        return tuple(kept.replay(digits) for kept in self.counterexamples(claim))

    def save(self, verdict: Verdict, kind: str = "simplest", test: str = "") -> Path:
        """The path of the file that now holds a refuted verdict, named after the claim and the test.

        A test whose name does not survive in the name of a file is told from others by a few hexadecimal
        digits.
        """
        words = [_slug(verdict.claim_id), *([_distinct(test)] if test else []), _slug(kind)]
        return save_counterexample(self.folder / f"{'--'.join(words)}.json", verdict, kind)
