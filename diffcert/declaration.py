"""A claim's declaration as plain data with a digest: the same text in every process.

What belongs here: turning a declaration into data that depends on nothing but what was declared.
What does not: the record itself (`claim`), files (`certificate`).

Everything that can change a verdict is in it: truth, relation, formula, hypotheses. So are title and
source, which a reader relies on. The derivation and the instances are not.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from fractions import Fraction
from typing import Any

import sympy

from theory.statement import Bound

__all__ = ["canonical", "declaration", "declaration_digest", "digest_of"]

_LEFT_OUT = frozenset(("derivation",))


def declaration(bound: Bound) -> dict[str, Any]:
    """The declaration as plain JSON data; formulas in sympy's constructor notation."""
    data: dict[str, Any] = _plain(bound)
    return data


def declaration_digest(bound: Bound) -> str:
    """The SHA-256 of the declaration, in hexadecimal."""
    return digest_of(declaration(bound))


def canonical(data: Any) -> str:
    """The one JSON text of plain data: keys sorted, no white space, ASCII."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def digest_of(data: Any) -> str:
    """The SHA-256 of the canonical text of plain data, in hexadecimal."""
    return hashlib.sha256(canonical(data).encode("ascii")).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, sympy.Basic):
        return sympy.srepr(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: _plain(getattr(value, field.name))
            for field in fields(value)
            if field.name not in _LEFT_OUT
        }
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted((_plain(item) for item in value), key=canonical)
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, Fraction):
        return str(value)
    if callable(value):
        return f"{getattr(value, '__module__', '')}:{getattr(value, '__qualname__', type(value).__name__)}"
    return repr(value)
