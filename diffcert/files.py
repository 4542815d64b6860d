"""A user's files: targets from TOML or JSON, noise levels from JSON, CSV or NPY.

What belongs here: reading, and saying in one line what is wrong with a file. What does not: the
rules for numbers (`numerics.exact`), targets and schedules (`numerics`).

Numbers are read as the decimals that are written, never through a float; an NPY file holds binary
numbers, which are taken as they are. Nothing in a file is evaluated or unpickled.
"""

from __future__ import annotations

import csv
import io
import json
import os
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from numerics import Schedule, Target

__all__ = ["CONVENTIONS", "looks_like_a_file", "path_of", "read_schedule", "read_target"]

CONVENTIONS: dict[str, Callable[[Any], Schedule]] = {
    "alpha_bar": Schedule.from_alpha_bar,
    "sigmas": Schedule.from_sigmas,
    "times": Schedule.from_times,
    "snr": Schedule.from_snr,
}
"""Convention -> the constructor of a schedule from a list of such levels."""

TARGET_SUFFIXES = (".toml", ".json")
SCHEDULE_SUFFIXES = (".json", ".csv", ".npy")
LARGEST_FILE = 32 * 2**20
LONGEST_NAME = 1000
_MOST_NESTED = 16
_COMMENTS = {"about", "name", "source"}


def looks_like_a_file(text: str) -> bool:
    """Whether an option's value means a file and not one of the built-in names."""
    return "/" in text or "\\" in text or "." in text or os.path.exists(text)


def _bytes(path: Path, what: str, suffixes: Sequence[str]) -> bytes:
    if len(str(path)) > LONGEST_NAME:
        raise ValueError(f"{what}: a file name of {len(str(path))} characters")
    try:
        if path.is_dir():
            raise ValueError(f"{what}: {path} is a folder, not a file")
        if path.suffix.lower() not in suffixes:
            raise ValueError(f"{what}: {path} does not end in {', '.join(suffixes)}")
        if not path.exists():
            raise ValueError(f"{what}: there is no file {path}")
        if not path.is_file():
            raise ValueError(f"{what}: {path} is not a regular file")
        if path.stat().st_size > LARGEST_FILE:
            raise ValueError(f"{what}: {path} is larger than {LARGEST_FILE // 2**20} MB")
        return path.read_bytes()
    except OSError as error:
        raise ValueError(f"{what}: {path} cannot be read: {error.strerror or error}") from error


def _text(path: Path, what: str, suffixes: Sequence[str]) -> str:
    try:
        return _bytes(path, what, suffixes).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{what}: {path} is not UTF-8 text (byte {error.start})") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    for key in keys:
        if keys.count(key) > 1:
            raise ValueError(f"the key {key!r} occurs twice")
    return dict(pairs)


def _json(text: str, path: Path, what: str) -> Any:
    try:
        return json.loads(
            text,
            parse_float=str,
            parse_int=str,
            parse_constant=str,
            object_pairs_hook=_unique,
        )
    except RecursionError as error:
        raise ValueError(f"{what}: {path} is nested too deeply") from error
    except ValueError as error:
        raise ValueError(f"{what}: {path} is not valid JSON: {_line(error)}") from error


def _toml(text: str, path: Path, what: str) -> Any:
    try:
        return tomllib.loads(text, parse_float=str)
    except RecursionError as error:
        raise ValueError(f"{what}: {path} is nested too deeply") from error
    except ValueError as error:
        raise ValueError(f"{what}: {path} is not valid TOML: {_line(error)}") from error


def _line(error: Exception) -> str:
    return " ".join(str(error).split())


def _named(path: Path, error: ValueError) -> ValueError:
    """The same error, with the file in front."""
    return ValueError(f"{path}: {_line(error)}")


def _list(value: Any, key: str) -> Any:
    if not isinstance(value, list):
        raise ValueError(f"{key}: {value!r} is not a list")
    return value


def read_target(path: str | Path) -> Target:
    """The target in a TOML or JSON file: a mixture with the keys weights, means and variance (default 1)
    or covariances, or of another kind by its `type`, with the arguments of its class as keys.

    `type` is "mixture", "general_mixture", "product", "orthogonal" or "whole"; the `target` of a product
    or a whole is a table of its own. Raises ValueError, in one line naming the file, the argument, the
    value and the rule.
    """
    place = Path(path)
    text = _text(place, "target", TARGET_SUFFIXES)
    parse = _toml if place.suffix.lower() == ".toml" else _json
    data = parse(text, place, "target")
    try:
        if not isinstance(data, Mapping):
            raise ValueError("target: not a table with the keys weights, means and variance")
        return Target.from_dict(_table(data, 0))
    except ValueError as error:
        raise _named(place, error) from error


def _table(data: Mapping[str, Any], depth: int) -> dict[str, Any]:
    """A target's table and those inside it without comments, its counts as integers."""
    if depth > _MOST_NESTED:
        raise ValueError(f"target: more than {_MOST_NESTED} targets inside one another")
    kept = {key: value for key, value in data.items() if key not in _COMMENTS}
    for key in ("weights", "means", "covariances"):
        if key in kept:
            _list(kept[key], key)
    for key in ("components", "copies", "gaussian_directions"):
        if isinstance(kept.get(key), str):
            kept[key] = _count(kept[key], key)
    if isinstance(kept.get("target"), Mapping):
        kept["target"] = _table(kept["target"], depth + 1)
    return kept


def _count(text: str, key: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 20:
        raise ValueError(f"{key}: {text[:40]!r} is not an integer")
    return int(text)


def read_schedule(path: str | Path, convention: str | None = None, reverse: bool = False) -> Schedule:
    """The schedule in a JSON, CSV or NPY file of noise levels, from noise to data.

    JSON: `{"alpha_bar": [...]}`, or with `sigmas`, `times` or `snr` as the key; a bare list; what
    `Schedule.to_json` wrote; or named lists, `{"convention": "sigmas", "schedules": {"mine":
    [...]}}`, of which `FILE.json:NAME` is one. CSV: one number per line, with or without a heading
    that names the convention; several columns need one. NPY: a one-dimensional array.
    `convention` is needed where the file does not say; `reverse` is for lists stored from data to
    noise. Raises ValueError, in one line naming the file, the argument, the value and the rule.
    """
    if convention is not None and convention not in CONVENTIONS:
        raise ValueError(f"convention: {convention!r} is not one of {', '.join(CONVENTIONS)}")
    place, name = _split(str(path))
    suffix = place.suffix.lower()
    if name is not None and suffix != ".json":
        raise ValueError(f"schedule: only a .json file has named lists, not {place}")
    readers = {".csv": _from_csv, ".npy": _from_npy}
    if suffix in readers:
        own, levels = readers[suffix](place)
    else:
        text = _text(place, "schedule", SCHEDULE_SUFFIXES)
        data = _json(text, place, "schedule")
        try:
            if isinstance(data, Mapping) and "type" in data:
                return _declared(data, name, convention, reverse)
            own, levels = _from_json(data, name)
        except ValueError as error:
            raise _named(place, error) from error
    try:
        return _built(own, levels, convention, reverse)
    except ValueError as error:
        raise _named(place, error) from error


def path_of(text: str) -> Path:
    """The file that an option's value means, without the name of a list in it."""
    return _split(text)[0]


def _split(text: str) -> tuple[Path, str | None]:
    """FILE.json:NAME as its two parts; a file that exists under the whole text is that file."""
    head, colon, name = text.rpartition(":")
    if colon and head.lower().endswith(SCHEDULE_SUFFIXES) and not os.path.exists(text):
        return Path(head), name
    return Path(text), None


def _built(own: str | None, levels: Any, convention: str | None, reverse: bool) -> Schedule:
    if own is not None and convention is not None and own != convention:
        raise ValueError(f"convention: {convention} was given, but the file says {own}")
    chosen = own or convention
    if chosen is None:
        raise ValueError(
            f"convention: the file does not say what its numbers are ({', '.join(CONVENTIONS)})"
        )
    numbers = list(levels)
    return CONVENTIONS[chosen](numbers[::-1] if reverse else numbers)


def _declared(data: Mapping[str, Any], name: str | None, convention: str | None, reverse: bool) -> Schedule:
    """A schedule written by `Schedule.to_json`."""
    given = {"convention": convention, "a name after the file": name, "reverse": reverse or None}
    for option, value in given.items():
        if value is not None:
            raise ValueError(f"{option}: the file declares the schedule {data['type']!r} itself")
    kept = dict(data)
    if not isinstance(kept["type"], str):
        raise ValueError(f"type: {kept['type']!r} is not the name of a schedule")
    if isinstance(kept.get("steps"), str):
        try:
            kept["steps"] = int(kept["steps"])
        except ValueError as error:
            raise ValueError(f"steps: {kept['steps']!r} is not an integer") from error
    return Schedule.from_dict(kept)


def _from_json(data: Any, name: str | None) -> tuple[str | None, Any]:
    if isinstance(data, list):
        if name is not None:
            raise ValueError(f"schedule: there is no list {name!r}; the file is one bare list")
        return None, data
    if not isinstance(data, Mapping):
        raise ValueError("schedule: neither a list of numbers nor a table with such lists")
    known = {*CONVENTIONS, *_COMMENTS, "convention", "schedules"}
    for key in data:
        if key not in known:
            raise ValueError(f"schedule: unknown key {key!r} ({', '.join(CONVENTIONS)}, schedules)")
    own = data.get("convention")
    if own is not None and not (isinstance(own, str) and own in CONVENTIONS):
        raise ValueError(f"convention: {own!r} is not one of {', '.join(CONVENTIONS)}")
    if "schedules" in data:
        return own, _named_list(data["schedules"], name)
    if name is not None:
        raise ValueError(f"schedule: there is no list {name!r}; the file has no 'schedules'")
    present = [key for key in CONVENTIONS if key in data]
    if len(present) != 1:
        raise ValueError(
            f"schedule: {len(present)} of the keys {', '.join(CONVENTIONS)} are there, not one"
        )
    if own is not None and own != present[0]:
        raise ValueError(f"convention: it says {own}, but the list is called {present[0]}")
    return present[0], _list(data[present[0]], present[0])


def _named_list(lists: Any, name: str | None) -> Any:
    if not isinstance(lists, Mapping) or not lists:
        raise ValueError("schedules: not a table of named lists")
    names = ", ".join(lists)
    if name is None:
        if len(lists) > 1:
            raise ValueError(f"schedule: choose one of the lists with FILE.json:NAME ({names})")
        name = next(iter(lists))
    if name not in lists:
        raise ValueError(f"schedule: there is no list {name!r} ({names})")
    return _list(lists[name], f"schedules.{name}")


def _from_csv(path: Path) -> tuple[str | None, Any]:
    text = _text(path, "schedule", SCHEDULE_SUFFIXES)
    try:
        rows = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text), strict=True)]
    except csv.Error as error:
        raise ValueError(f"schedule: {path} is not valid CSV: {_line(error)}") from error
    rows = [row for row in rows if any(row)]
    if not rows:
        raise ValueError(f"schedule: {path} is empty")
    headings = [cell for cell in rows[0] if cell in CONVENTIONS]
    if len(headings) > 1:
        raise ValueError(f"schedule: {path} has several columns of levels: {', '.join(headings)}")
    if headings:
        column = rows[0].index(headings[0])
        for number, row in enumerate(rows[1:], 2):
            if len(row) <= column:
                raise ValueError(f"schedule: {path}: row {number} has no column {headings[0]}")
        return headings[0], [row[column] for row in rows[1:]]
    if len(rows) == 1:
        return None, rows[0]
    for number, row in enumerate(rows, 1):
        if len(row) != 1:
            raise ValueError(
                f"schedule: {path}: row {number} has {len(row)} columns; several columns need a"
                f" heading, one of {', '.join(CONVENTIONS)}"
            )
    return None, [row[0] for row in rows]


def _from_npy(path: Path) -> tuple[str | None, Any]:
    import numpy as np

    stream = io.BytesIO(_bytes(path, "schedule", SCHEDULE_SUFFIXES))
    try:
        if _declared_size(stream) > LARGEST_FILE:
            raise ValueError
        array = np.lib.format.read_array(stream, allow_pickle=False)
    except (ValueError, TypeError, EOFError, MemoryError, OverflowError, KeyError) as error:
        raise ValueError(f"schedule: {path} is not a NPY file that holds an array of numbers") from error
    if array.ndim != 1:
        raise ValueError(f"schedule: {path} has shape {array.shape}, not (n,)")
    if array.dtype.kind not in "fiu" or array.dtype.itemsize > 8:
        raise ValueError(f"schedule: {path} holds {array.dtype}, not real numbers of at most 64 bits")
    return None, array.tolist()


def _declared_size(stream: io.BytesIO) -> int:
    """The number of bytes that the header promises; the stream is rewound."""
    import numpy as np

    version = np.lib.format.read_magic(stream)
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }.get(version)
    if read is None:
        raise ValueError
    shape, _, dtype = read(stream)
    stream.seek(0)
    size = max(1, dtype.itemsize)
    for length in shape:
        size *= int(length)
    return size
