"""What is given for the arguments of a formula: checked, and brought into the form that nodes read.

What belongs here: names, kinds and shapes of arguments. What does not: evaluation (`compiler`).

**Arrays.** A quantity with one value per instance is an array of the shape (m,), or of any leading
shape, or a single number; one with values at knots or steps has the index as its last axis, (m, n + 1)
or (m, n). Leading axes broadcast. Schedules of different length are rows padded to the longest, or a
list of lists; then `number_of_steps` has one entry per row, and what stands behind a row's end is not
read.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from theory.lowering.elementary import Frame, LoweringError, Operations, is_array_namespace, undefined
from theory.symbols import QUANTITIES

__all__ = ["framed", "leading_shape", "number", "sequence", "tensor"]

_STEPS = "number_of_steps"
_NO_NUMBERS = (bool, np.bool_, str, bytes, complex, list, tuple, dict, set, type(None))


def framed(
    axes: Mapping[str, int],
    indexed: frozenset[str],
    ops: Operations,
    values: Mapping[str, Any] | None,
    given: Mapping[str, Any],
) -> Frame:
    """The frame of a call with these arguments, by name in `values`, or as keywords in `given`.

    `axes` says of each argument how many axes a single value of it has, `indexed` which have values at
    knots or steps. `values` may hold more than is needed, keywords may not. Raises ValueError for names
    that are unknown or missing; for arrays also for entries that are no numbers, and shapes that do not
    fit.
    """
    unknown = sorted(set(given) - set(axes))
    if unknown:
        takes = ", ".join(sorted(axes)) or "no arguments"
        raise ValueError(f"{', '.join(unknown)}: not an argument of this formula, which takes {takes}")
    if values is not None and not isinstance(values, Mapping):
        raise ValueError(f"values: {type(values).__name__} is not a mapping from names to values")
    present = given if values is None else (_Merged(given, values) if given else values)
    missing = sorted(name for name in axes if name not in present)
    if missing:
        raise ValueError(f"{', '.join(missing)}: no value is given")
    if not is_array_namespace(ops):
        return Frame(ops, present)
    arrays = {name: _array(name, present[name], name in indexed) for name in sorted(axes)}
    counts = arrays.get(_STEPS) if indexed else None
    if counts is None:
        _check_lengths({name: arrays[name].shape for name in indexed})
    else:
        _check_lengths_against(counts, {name: arrays[name].shape for name in indexed})
    shape = leading_shape({name: _leading(name, array, axes[name]) for name, array in arrays.items()})
    ragged = counts is not None and _differ(counts)
    if ragged:
        _cut(arrays, indexed, counts)
    for name in indexed:
        arrays[name] = np.ascontiguousarray(np.moveaxis(arrays[name], -1, 0))
    return Frame(ops, arrays, arrays=True, ragged=ragged, shape=shape)


class _Merged(Mapping[str, Any]):
    """Keywords before a mapping, which may be lazy."""

    def __init__(self, given: Mapping[str, Any], values: Mapping[str, Any]) -> None:
        self._layers = (given, values)

    def __contains__(self, name: object) -> bool:
        return any(name in layer for layer in self._layers)

    def __getitem__(self, name: str) -> Any:
        return next(layer[name] for layer in self._layers if name in layer)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(name for layer in self._layers for name in layer))

    def __len__(self) -> int:
        return sum(1 for _ in self)


# Single numbers


def number(ops: Operations, name: str, value: Any) -> Any:
    """A value as a number of the system: exact ones are converted, those of the system taken as such."""
    if isinstance(value, float | np.floating):
        return _binary(ops, float(value))
    if isinstance(value, int | Fraction | np.integer) and not isinstance(value, bool):
        return ops.number(int(value) if isinstance(value, np.integer) else value)
    if isinstance(value, str):
        return ops.number(_fraction(name, value))
    if isinstance(value, np.ndarray) and value.ndim:
        raise LoweringError(f"{name}: an array of shape {value.shape}; {ops.name} numbers are single ones")
    if isinstance(value, _NO_NUMBERS):
        raise LoweringError(f"{name}: {_shown(value)} is not a number")
    return value


def _binary(ops: Operations, value: float) -> Any:
    """A machine number as the binary number that it is."""
    if ops.name == "float":
        return value
    return ops.number(Fraction(value)) if math.isfinite(value) else undefined(ops)


def _fraction(name: str, text: str) -> Fraction:
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise LoweringError(f"{name}: {_shown(text)} is not a number") from None


def sequence(name: str, value: Any) -> Sequence[Any]:
    """A value that has one number per knot or step; LoweringError for a single one."""
    if isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.ndim):
        return value  # type: ignore[return-value]
    if isinstance(value, str | np.ndarray) or not hasattr(value, "__len__"):
        raise LoweringError(f"{name}: {_shown(value)} is a single value; one per knot or step is needed")
    return value  # type: ignore[no-any-return]


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


# Arrays


def _array(name: str, value: Any, indexed: bool) -> Any:
    """The value as an array of floats; rows of different length are padded with NaN."""
    if isinstance(value, np.ma.MaskedArray):
        value = np.ma.filled(value.astype(float), np.nan)
    if isinstance(value, Mapping | set | frozenset):
        raise ValueError(f"{name}: {type(value).__name__} is not an array")
    try:
        found = np.asarray(value)
    except ValueError:
        if not indexed:
            raise ValueError(f"{name}: its rows differ in length") from None
        found = _padded(name, value)
    if found.dtype.kind == "O":
        found = _converted(name, found)
    if found.dtype.kind not in "fiu":
        raise ValueError(f"{name}: entries of the type {found.dtype} are not numbers")
    if indexed and not found.ndim:
        raise ValueError(f"{name}: {_shown(value)} is a single value; one per knot or step is needed")
    return found.astype(float, copy=False)


def _padded(name: str, rows: Any) -> Any:
    """Rows of different length as one array, NaN behind their ends."""
    kept = [_converted(name, np.asarray(row, dtype=object)) for row in rows]
    if any(row.ndim != 1 for row in kept):
        raise ValueError(f"{name}: rows of different length must be lists of numbers")
    table = np.full((len(kept), max(map(len, kept))), np.nan)
    for place, row in enumerate(kept):
        table[place, : len(row)] = row
    return table


def _converted(name: str, entries: Any) -> Any:
    """Objects (int, Fraction, mpf, ...) as floats."""
    result = np.empty(entries.shape)
    for place, entry in np.ndenumerate(entries):
        try:
            if isinstance(entry, _NO_NUMBERS):
                raise TypeError
            result[place] = float(entry)
        except OverflowError:
            result[place] = np.nan
        except (TypeError, ValueError):
            raise ValueError(f"{name}: {_shown(entry)} is not a number") from None
    return result


def _leading(name: str, array: Any, axes: int) -> tuple[int, ...]:
    """The leading axes of an array; the last ones of a tensor must be of one length."""
    own = array.shape[array.ndim - axes :] if array.ndim >= axes else ()
    if len(own) != axes or len(set(own)) > 1:
        raise ValueError(f"{name}: the shape {array.shape} must end in {axes} equal lengths")
    return tuple(array.shape[: array.ndim - axes])


def leading_shape(shapes: Mapping[str, tuple[int, ...]]) -> tuple[int, ...]:
    """The shape that the leading axes broadcast to; ValueError where they do not."""
    try:
        return np.broadcast_shapes(*shapes.values())
    except ValueError:
        written = ", ".join(f"{name} {shape}" for name, shape in shapes.items() if shape)
        raise ValueError(f"the leading axes do not broadcast: {written}") from None


def _at_knots(name: str) -> bool | None:
    """Whether a quantity of the table has values at knots (n + 1), not at steps (n); None for others."""
    row = QUANTITIES.get(name)
    return None if row is None else row.indices == "0..n"


def _check_lengths(shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Raise ValueError unless the last axes fit one number of steps."""
    implied: dict[int, str] = {}
    for name, shape in sorted(shapes.items()):
        at_knots = _at_knots(name)
        if at_knots is not None:
            implied[shape[-1] - at_knots] = name
    if len(implied) > 1:
        written = ", ".join(f"{name} {shapes[name]}" for name in sorted(implied.values()))
        raise ValueError(f"the last axes do not belong to one number of steps: {written}")


def _check_lengths_against(counts: Any, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Raise ValueError for numbers of steps that are none, and for last axes that do not fit them."""
    wrong = counts[~((counts >= 0) & (counts == np.floor(counts)) & (counts < 2**53))]
    if wrong.size:
        raise LoweringError(f"{_STEPS} = {wrong.flat[0]} is used as an index and is not an exact integer")
    if not counts.size:
        return
    most, ragged = int(counts.max()), _differ(counts)
    for name, shape in sorted(shapes.items()):
        at_knots = _at_knots(name)
        if at_knots is None:
            continue
        length, needed = shape[-1], most + at_knots
        if length < needed or (length > needed and not ragged):
            raise ValueError(f"{name}: of shape {shape}; for {most} steps its last axis must be {needed}")


def _differ(counts: Any) -> bool:
    """Whether rows differ in their number of steps."""
    return bool(counts.size and counts.min() != counts.max())


def _cut(arrays: dict[str, Any], indexed: frozenset[str], counts: Any) -> None:
    """Put NaN behind the ends of rows."""
    for name in sorted(indexed):
        at_knots = _at_knots(name)
        if at_knots is not None:
            behind = np.arange(arrays[name].shape[-1]) >= (counts + at_knots)[..., None]
            arrays[name] = np.where(behind, np.nan, arrays[name])


# Tensors


def tensor(frame: Frame, name: str, order: int) -> Any:
    """A cumulant tensor of the given order as an array of numbers of the system."""
    value = frame.values[name]
    if frame.arrays:
        return value
    entries = np.asarray(value, dtype=object)
    made = np.empty(entries.shape, dtype=object)
    for place, entry in np.ndenumerate(entries):
        made[place] = number(frame.ops, name, entry)
    if _leading(name, made, order):
        raise ValueError(f"{name}: the shape {made.shape} has leading axes, which only arrays may have")
    return made
