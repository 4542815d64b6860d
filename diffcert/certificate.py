"""Certificate: all that is needed to check a verdict again without trusting whoever issued it.

What belongs here: the record, its one text, writing it and reading it within limits. What does not:
deriving the verdict again (`recheck`), options and tables (`commands`).

A certificate is plain JSON: exact inputs, the digest of the claim's declaration, the enclosures of
both sides as decimals, the verdict, versions, the digest of the sources. Each part carries a digest of
its own, so that a changed character is found and its part named. A digest proves nothing about the
mathematics; that is what `check` is for. The file is read as data: nothing in it is evaluated, and no
module is imported because of what it says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diffcert.declaration import declaration_digest, digest_of
from diffcert.enclosure import ball_text
from diffcert.inputs import exact_inputs
from diffcert.rates.verdict import RateVerdict
from diffcert.sources import sources_digest, versions
from diffcert.verdict import Verdict

if TYPE_CHECKING:
    from diffcert.recheck import Check

__all__ = ["FORMAT", "Certificate"]

FORMAT = "diffcert certificate 1"
RATE_FORMAT = "diffcert rate certificate 1"
LARGEST_FILE = 32 * 2**20
LONGEST_INTEGER = 18
LONGEST_NUMBER = 5000
DEEPEST = 8

PARTS = ("format", "claim", "instance", "verdict", "method", "truth", "bound", "ratio", "made_with")
"""The parts of a certificate, each with a digest of its own."""

_ENCLOSURE = {"mid": str, "rad": str}
_SHAPES: dict[str, dict[str, type | tuple[type, ...]]] = {
    "claim": {"id": str, "title": str, "statement": str, "source": str, "declaration": str},
    "verdict": {
        "status": str,
        "relation": str,
        "reason": str,
        "hypotheses": list,
        "notes": list,
    },
    "method": {"engine": str, "quadrature": (str, type(None)), "digits": int, "asked": int},
    "made_with": {"sources": str, "versions": dict},
}
_DECIMAL = re.compile(r"-?\d(\.\d+)?(e-?\d{1,5})?", re.ASCII)


@dataclass(frozen=True)
class Certificate:
    """A verdict with everything that is needed to check it again.

    Made by `Certificate.of(verdict)` or `Certificate.read(path)`; `data` is the plain JSON data.
    """

    data: Mapping[str, Any]

    @classmethod
    def of(cls, verdict: Verdict, asked: int | None = None) -> Certificate:
        """The certificate of a verdict in balls, or of a verdict on a rate.

        `asked` is the number of digits at which the comparison began (default: as the verdict
        says). Raises ValueError for a verdict in machine numbers, which certifies nothing, and for
        a claim that is not in the registry.
        """
        from diffcert import registry

        if not isinstance(verdict, Verdict):
            raise ValueError(f"verdict: {type(verdict).__name__} is not a Verdict")
        if verdict.engine != "certified":
            raise ValueError(f"verdict: the engine {verdict.engine!r} certifies nothing; give digits")
        if isinstance(verdict, RateVerdict):
            from diffcert.rates.certificate import RateCertificate

            return RateCertificate.of(verdict)
        asked = verdict.asked if asked is None else asked
        digits = verdict.digits or asked or 30
        instance = verdict.instance
        seen = set(instance.target.notes)
        parts = {
            "format": FORMAT,
            "claim": claim_part(registry.find(verdict.claim_id).bound),
            "instance": exact_inputs(instance),
            "verdict": verdict_part(verdict, seen),
            "method": {
                "engine": verdict.engine,
                "quadrature": None if verdict.truth is None else verdict.truth.method,
                "digits": digits,
                "asked": digits if asked is None else asked,
            },
            "truth": None
            if verdict.truth is None
            else {"functional": verdict.truth.functional, **_enclosure(verdict.truth.value, digits)},
            "bound": None if verdict.bound is None else _enclosure(verdict.bound, digits),
            "ratio": None if verdict.ratio is None else _enclosure(verdict.ratio, digits),
            "made_with": {"sources": sources_digest(), "versions": versions()},
        }
        return cls({**parts, "digests": digests(parts)})

    @classmethod
    def read(cls, path: str | Path) -> Certificate:
        """The certificate in a file; ValueError, in one line naming the file, for anything else."""
        place = Path(path)
        try:
            if not place.is_file():
                raise ValueError("is not a file" if place.exists() else "does not exist")
            if place.stat().st_size > LARGEST_FILE:
                raise ValueError(f"is larger than {LARGEST_FILE // 2**20} MB")
            return cls.from_json(place.read_bytes().decode("utf-8"))
        except OSError as error:
            raise ValueError(f"certificate: {place}: {error.strerror or error}") from None
        except UnicodeDecodeError:
            raise ValueError(f"certificate: {place}: is not UTF-8 text") from None
        except ValueError as error:
            raise ValueError(f"certificate: {place}: {one_line_of(error)}") from None

    @classmethod
    def from_json(cls, text: str) -> Certificate:
        """The certificate in a JSON text; ValueError for anything else."""
        try:
            data = json.loads(
                text,
                parse_int=_integer,
                parse_float=_no_float,
                parse_constant=_no_float,
                object_pairs_hook=_unique,
            )
        except RecursionError:
            raise ValueError("is nested too deeply") from None
        except json.JSONDecodeError as error:
            raise ValueError(f"is not valid JSON: {one_line_of(error)}") from None
        if isinstance(data, dict) and data.get("format") == RATE_FORMAT:
            from diffcert.rates.certificate import RateCertificate

            return RateCertificate.of_data(data)
        _check_shape(data)
        return cls(data)

    def to_json(self) -> str:
        """The one JSON text of the certificate: sorted keys, no dates, the same bytes every time."""
        return json.dumps(self.data, indent=1, sort_keys=True, ensure_ascii=True) + "\n"

    @property
    def name(self) -> str:
        """The name of its file: claim and instance in words, and a digest of both."""
        claim, instance = self.data["claim"]["id"], self.data["instance"]
        words = [claim, str(instance["target"]["name"])]
        if "schedule" in instance:
            words.append(str(instance["schedule"]["label"]))
        slug = "--".join(re.sub(r"[^A-Za-z0-9]+", "-", word).strip("-")[:60] for word in words)
        asked = self.data["method"]["asked"]
        return f"{slug}--{digest_of([claim, instance, asked])[:12]}.json"

    def write(self, folder: str | Path) -> Path:
        """The path of the file that was written into the folder, in one step.

        Raises ValueError where the folder does not exist.
        """
        from diffcert.report import write_text

        place = Path(folder)
        if not place.is_dir():
            raise ValueError(f"certificates: there is no folder {place}")
        write_text(place / self.name, self.to_json())
        return place / self.name

    def check(self, *, any_sources: bool = False) -> Check:
        """What became of deriving the verdict again: `.agrees`, and `.findings` in words.

        The claim is looked up in the registry by its id. The verdict is derived in mpmath at as many
        digits as the margin needs and six more, and every decimal of the enclosures in balls. With
        `any_sources` a certificate made by other source files may agree.
        """
        from diffcert.recheck import Checker

        return Checker().check(self, any_sources=any_sources)

    def changed_parts(self) -> list[str]:
        """The parts whose digest does not fit: something in them was changed after they were issued."""
        parts = self.parts
        stated, actual = self.data["digests"], digests(self.data, parts)
        return [part for part in (*parts, "all") if stated.get(part) != actual[part]]

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of its parts."""
        return PARTS

    def __repr__(self) -> str:
        """Status, claim and file name."""
        return f"<Certificate {self.data['verdict']['status']}: {self.data['claim']['id']}, {self.name}>"


def claim_part(bound: Any) -> dict[str, str]:
    """What a certificate says about a claim."""
    return {
        "id": bound.id,
        "title": bound.title,
        "statement": bound.latex(),
        "source": str(bound.source),
        "declaration": declaration_digest(bound),
    }


def verdict_part(verdict: Verdict, seen: set[str]) -> dict[str, Any]:
    """What a certificate says about what was decided; notes on how inputs were given are left out."""
    return {
        "status": verdict.status.value,
        "relation": verdict.relation,
        "reason": verdict.reason,
        "hypotheses": [[key, outcome] for key, outcome in verdict.hypotheses],
        "notes": [note for note in verdict.notes if note not in seen],
    }


def digests(data: Mapping[str, Any], parts: Sequence[str] = PARTS) -> dict[str, str]:
    """The digest of each part, and of all of them together."""
    found = {part: digest_of(data[part]) for part in parts}
    return {**found, "all": digest_of(found)}


def interval(part: Mapping[str, str]) -> tuple[Fraction, Fraction] | None:
    """The ends of the interval that a part states; None where it says "not determined"."""
    if part["rad"] == "inf":
        return None
    middle, radius = Fraction(part["mid"]), Fraction(part["rad"])
    return middle - radius, middle + radius


def _enclosure(ball: Any, digits: int) -> dict[str, str]:
    middle, radius = ball_text(ball, digits)
    return {"mid": middle, "rad": radius}


# Reading, within limits


def one_line_of(error: Exception) -> str:
    """The message of an exception on one line of at most 300 characters."""
    return " ".join(str(error).split())[:300]


def _integer(text: str) -> int:
    if len(text) > LONGEST_INTEGER:
        raise ValueError(f"an integer of {len(text)} characters")
    return int(text)


def _no_float(text: str) -> Any:
    raise ValueError(f"the number {text[:40]}: numbers are decimal strings in a certificate")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        raise ValueError("a key occurs twice in one table")
    return table


def _check_shape(data: Any) -> None:
    """Raise ValueError, naming the place, unless the data have the shape of a certificate."""
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise ValueError(f"is not a certificate: 'format' is not {FORMAT!r}")
    if nesting(data) > DEEPEST:
        raise ValueError(f"is nested more than {DEEPEST} deep")
    expected = {*PARTS, "digests"}
    for key in sorted(expected ^ set(data)):
        raise ValueError(f"the part {key[:40]!r} is {'missing' if key in expected else 'not known'}")
    for part, shape in _SHAPES.items():
        fits(data[part], shape, part)
    for part in ("truth", "bound", "ratio"):
        if data[part] is not None:
            shape = {"functional": str, **_ENCLOSURE} if part == "truth" else {**_ENCLOSURE}
            fits(data[part], shape, part)
            check_numbers(data[part], part)
    if not isinstance(data["instance"], dict) or not isinstance(data["instance"].get("target"), dict):
        raise ValueError("the part 'instance' has no target")
    fits(data["digests"], dict.fromkeys((*PARTS, "all"), str), "digests")
    check_versions(data["made_with"]["versions"])
    for digits in (data["method"]["digits"], data["method"]["asked"]):
        if isinstance(digits, bool) or not 1 <= digits <= 1000:
            raise ValueError("method: digits are not between 1 and 1000")


def check_versions(versions: Mapping[str, Any]) -> None:
    """Nothing, if every version is a text; ValueError otherwise."""
    for key, item in versions.items():
        if not isinstance(item, str):
            raise ValueError(f"made_with: versions: {key[:40]!r} is not a text")


def nesting(data: Any, deepest: int = DEEPEST) -> int:
    """How deep tables and lists are nested, counted no further than needed."""
    level, depth = [data], 0
    while level and depth <= deepest:
        inner: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                inner += item.values()
            elif isinstance(item, list):
                inner += item
        level, depth = inner, depth + 1
    return depth


def fits(part: Any, shape: Mapping[str, Any], name: str) -> None:
    """Nothing, if a part is a table with exactly these keys, of these types; ValueError otherwise."""
    if not isinstance(part, dict):
        raise ValueError(f"the part {name!r} is not a table")
    for key in sorted(set(shape) ^ set(part)):
        raise ValueError(f"{name}: the key {key[:40]!r} is {'missing' if key in shape else 'not known'}")
    for key, kind in shape.items():
        if not isinstance(part[key], kind):
            raise ValueError(f"{name}: {key} is of the wrong type")


def check_numbers(part: Mapping[str, str], name: str) -> None:
    """Nothing, if a part states an interval in decimals; ValueError otherwise."""
    for key, word in (("mid", "nan"), ("rad", "inf")):
        text = part[key]
        if text == word and part["rad"] == "inf":
            continue
        if len(text) > LONGEST_NUMBER or not _DECIMAL.fullmatch(text):
            raise ValueError(f"{name}: {key} is not a decimal number")
    if part["rad"] != "inf" and part["rad"].startswith("-"):
        raise ValueError(f"{name}: rad is negative")
