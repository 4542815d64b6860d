"""Reading what an author wrote: options, names, references, parameters and numbers, as plain text.

What belongs here: the forms, and one line saying what is wrong with anything else. Nothing is
evaluated and nothing is imported; whatever has the right form is handed on as data. What does not:
docutils (`directives`, `roles`), the meaning of parameters (`instances`).
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from diffcert.sphinx.standing import EXPECTABLE

__all__ = [
    "Block",
    "Quoted",
    "block",
    "expected",
    "name",
    "names",
    "object_reference",
    "parameters",
    "positive",
    "quoted",
    "step_range",
    "whole",
]

LONGEST_REFERENCE = 300
LONGEST_PARAMETERS = 100_000
DEEPEST_PARAMETERS = 100
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*", re.ASCII)
_OPTION = re.compile(r":([A-Za-z][A-Za-z0-9_-]*):(?:\s+(.*))?\s*", re.ASCII)
_KEY = re.compile(r"^([A-Za-z][A-Za-z0-9_-]*):(\s|$)", re.ASCII)
_DECIMAL = re.compile(r"\d{1,300}(\.\d{0,300})?|\.\d{1,300}", re.ASCII)
_QUOTIENT = re.compile(r"(\d{1,300})/(\d{1,300})", re.ASCII)


def shown(text: str) -> str:
    """A text as it may stand in a message: one line, at most 60 characters, quoted."""
    line = " ".join(text.split())
    return repr(line if len(line) <= 60 else line[:57] + "...")


class Block(NamedTuple):
    """The parts of a directive: its argument, its options, and the line on which its text begins."""

    argument: str
    options: dict[str, str]
    body: int


def block(lines: Sequence[str], known: Sequence[str], on_first_line: bool) -> Block:
    """The parts of a directive's lines; ValueError naming an option that is unknown or given twice.

    The argument comes first, if the directive's own line has one; options follow, one per line, and go
    on until the next option or an empty line; what remains is text. In Markdown the options may also
    stand between two lines of `---`, without the first colon.
    """
    lines, fenced = _without_fence(lines)
    argument: list[str] = []
    options: dict[str, list[str]] = {}
    current: list[str] | None = argument if on_first_line else None
    place = 0
    for place, line in enumerate(lines):  # noqa: B007
        found = _OPTION.fullmatch(line.strip())
        if found is not None:
            option = found[1]
            if option not in known:
                allowed = ", ".join(known) or "it has none"
                raise ValueError(f"unknown option {shown(option)} ({allowed})")
            if option in options:
                raise ValueError(f"the option {option} is given twice")
            current = options[option] = [found[2] or ""]
        elif not line.strip() or current is None:
            break
        else:
            current.append(line.strip())
    else:
        place = len(lines)
    place = place if fenced is None else fenced + 1
    joined = {option: "\n".join(parts).strip() for option, parts in options.items()}
    return Block(" ".join(argument).strip(), joined, place)


def _without_fence(lines: Sequence[str]) -> tuple[list[str], int | None]:
    """The lines with options between `---` as others write them, and where the second `---` is."""
    fences = [place for place, line in enumerate(lines) if line.strip() == "---"]
    if len(fences) < 2 or fences[0] > 1:
        return list(lines), None
    first, last = fences[:2]
    inner = [_KEY.sub(r":\1:\2", line.strip()) for line in lines[first + 1 : last] if line.strip()]
    return [*lines[:first], *inner], last


def name(text: str, what: str = "name") -> str:
    """A name of letters, digits and . _ - / such as `mine/thm-1`."""
    if not _NAME.fullmatch(text) or len(text) > LONGEST_REFERENCE:
        raise ValueError(f"{what}: {shown(text)} is not of the form mine/thm-1")
    return text


def names(text: str) -> list[str]:
    """Names parted by commas or spaces, each once."""
    return list(dict.fromkeys(name(part, "uses") for part in text.replace(",", " ").split()))


def object_reference(text: str, what: str) -> str:
    """A name, or `package.module:attribute`; a module of Python itself is refused."""
    if len(text) > LONGEST_REFERENCE:
        raise ValueError(f"{what}: {shown(text)} is longer than {LONGEST_REFERENCE} characters")
    module, colon, attribute = text.partition(":")
    if not colon:
        return name(text, what)
    parts = [*module.split("."), *attribute.split(".")]
    if not all(part.isidentifier() for part in parts):
        raise ValueError(f"{what}: {shown(text)} is not of the form package.module:attribute")
    if any(part.startswith("_") for part in parts):
        raise ValueError(f"{what}: {shown(text)} names something private")
    if parts[0] in sys.stdlib_module_names:
        raise ValueError(f"{what}: {shown(text)} is in a module of Python itself, which states nothing")
    return text


_KEYS = (
    "target",
    "schedule",
    "steps",
    "sampler",
    "start",
    "snr",
    "parameters",
    "epsilon",
    "targets",
    "ladders",
    "schedules",
)
"""What an instance, or a selection of the claim's own instances, may say."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise ValueError(f"the key {shown(key)} occurs twice")
        result[key] = value
    return result


def _plain(data: Any) -> None:
    """Refuse data too deep to be passed on, and texts that a page or a terminal cannot show as they are."""
    waiting = [(data, 0)]
    while waiting:
        value, depth = waiting.pop()
        if depth > DEEPEST_PARAMETERS:
            raise ValueError("params: nested too deeply")
        if isinstance(value, str):
            if not value.isprintable():
                raise ValueError(f"params: {shown(value)} holds a character that cannot be printed")
        else:
            waiting += [(key, depth) for key in value if isinstance(value, dict)]
            inner = value.values() if isinstance(value, dict) else value
            waiting += [(entry, depth + 1) for entry in inner if isinstance(entry, dict | list | str)]


def parameters(text: str) -> Any:
    """The JSON of `params`: an object, or a list of them; numbers stay the decimals that are written."""
    if len(text) > LONGEST_PARAMETERS:
        raise ValueError(f"params: {len(text)} characters, more than {LONGEST_PARAMETERS}")
    try:
        data = json.loads(
            text, parse_float=str, parse_int=str, parse_constant=str, object_pairs_hook=_unique
        )
    except RecursionError:
        raise ValueError("params: nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"params: not valid JSON: {' '.join(str(error).split())}") from None
    _plain(data)
    listed = data if isinstance(data, list) else [data]
    if not listed:
        raise ValueError("params: an empty list")
    for entry in listed:
        if not isinstance(entry, dict):
            raise ValueError(f"params: {shown(json.dumps(entry))} is not an object {{...}}")
        for key in entry:
            if key not in _KEYS:
                raise ValueError(f"params: unknown key {shown(key)} ({', '.join(_KEYS)})")
    return data


def whole(text: str, what: str) -> int:
    """A positive integer of at most six digits."""
    if not re.fullmatch(r"\d{1,6}", text, re.ASCII) or int(text) == 0:
        raise ValueError(f"{what}: {shown(text)} is not an integer from 1 to 999999")
    return int(text)


def positive(text: str, what: str) -> str:
    """A positive decimal or quotient, as it is written."""
    quotient = _QUOTIENT.fullmatch(text)
    if not (_DECIMAL.fullmatch(text) or (quotient and int(quotient[2]))) or not Fraction(text):
        raise ValueError(f"{what}: {shown(text)} is not a positive number such as 0.5 or 1/2")
    return text


def expected(text: str, known: Sequence[str] = EXPECTABLE) -> str:
    """The status that a document expects, one of those that are known."""
    verdict = text.replace("_", " ").replace("-", " ")
    if verdict not in known:
        raise ValueError(f"expect: {shown(text)} is not one of {', '.join(known)}")
    return verdict


def step_range(text: str) -> list[int]:
    """Numbers of steps such as `1-3, 5`, in order, each once."""
    chosen: set[int] = set()
    for part in text.replace(",", " ").split():
        first, dash, last = part.partition("-")
        low = whole(first, "steps")
        high = whole(last, "steps") if dash else low
        if high < low or high > 10_000:
            raise ValueError(f"steps: {shown(part)} is not a range such as 1-3")
        chosen.update(range(low, high + 1))
    if not chosen:
        raise ValueError("steps: no step is named")
    return sorted(chosen)


class Quoted(NamedTuple):
    """A number in the text: how it is rounded, its digits, and the enclosure that it speaks of."""

    rounding: str
    """"nearest", "up", "down", or "" for what becomes the side (a bound is rounded outward)."""
    sign: str
    number: str
    source: str
    quantity: str


_QUOTED = re.compile(
    r"(?P<how><=|≤|at most|>=|≥|at least|=|≈|about)?\s*"
    r"(?P<number>[-−+]?(?:\d{1,200}(?:\.\d{0,200})?|\.\d{1,200})(?:[eE][-+]?\d{1,3})?(?:\s?%)?)"
    r"\s*<(?P<source>[^<>]+)>",
    re.ASCII,
)
_UP, _DOWN = ("<=", "≤", "at most"), (">=", "≥", "at least")
_SIGNS = {"<=": "≤", ">=": "≥"}
QUANTITIES = ("truth", "bound", "ratio", "constant")


def quoted(text: str) -> Quoted:
    """The parts of `0.0387 <name.truth>`; ValueError if it is not of that form.

    `<=` or `at most` before the number says that it is rounded up, `>=` or `at least` that it is rounded
    down, `=` or `about` that it is the nearest.
    """
    found = _QUOTED.fullmatch(" ".join(text.split()))
    if found is None:
        raise ValueError(f"{shown(text)} is not of the form 0.0387 <name> or 0.0387 <name.bound>")
    how = found["how"] or ""
    source, quantity = found["source"].strip(), ""
    if ":" not in source:
        head, dot, last = source.rpartition(".")
        if dot and last in QUANTITIES:
            source, quantity = head, last
    object_reference(source, "number")
    rounding = "up" if how in _UP else "down" if how in _DOWN else "nearest" if how else ""
    return Quoted(rounding, _SIGNS.get(how, how), found["number"].replace("−", "-"), source, quantity)
