"""The measured quantities of rates: what is put beside a formula with an implied constant.

What belongs here: the record of a measured quantity, the table of all of them, evaluating one with exact
arguments. What does not: the quantities of one paper (its own module here), how a rate is decided
(`decide`).

A quantity is a function of exact keyword arguments, which are plain JSON data: texts, integers, lists and
tables; a fraction is a text ("1/3"). It returns a `Truth`: an enclosure where an engine gives one, else a
value with its stated error. An int, a Fraction, a ball, a float and a pair (value, error) are taken too. A
quantity should have a second route, a function of the same arguments that shares as little as possible with
the first: certificates are checked with it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from importlib import import_module
from types import MappingProxyType
from typing import Any

import flint
import mpmath

from diffcert.declaration import canonical
from numerics.arithmetic import balls
from numerics.exact import rational, shown, text
from numerics.truth import Truth

__all__ = ["MEASURED", "Measure", "Measured", "measure", "measured", "plain"]

PAPERS = ("moments", "entropy", "low_rank", "li_cai_wei")
"""The modules of this package that bring quantities (`QUANTITIES`) and ladders (`LADDERS`)."""

BITS = 256
"""Working precision of what is done with measured values; the values bring their own."""

FLOAT_FLOOR = Fraction(1, 10**12)
"""Relative error granted to a machine number, whatever its function states."""

DEEPEST = 6


@dataclass(frozen=True)
class Measure:
    """A measured quantity: its name, its meaning, the function, and a second route to the same number.

    `function(**arguments)` and `second(**arguments)` return a Truth or a number; `second_route` says in
    words what the second one does differently.
    """

    name: str
    meaning: str
    function: Callable[..., Any]
    second: Callable[..., Any] | None = None
    second_route: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise ValueError(f"quantity: {shown(self.name)} is not a name")
        for function in (self.function, self.second):
            if function is not None and not callable(function):
                raise ValueError(f"quantity {self.name}: {shown(function)} is not a function")


@dataclass(frozen=True)
class Measured:
    """A measured number: a ball that contains it, whether that is proven, and how it was made.

    `enclosed` is True for balls and exact numbers; for a machine number the ball is its stated error.
    """

    ball: Any
    enclosed: bool
    method: str
    notes: tuple[str, ...] = ()


def plain(value: Any, name: str = "arguments", depth: int = 0) -> Any:
    """An argument as plain JSON data; fractions and floats become exact texts. ValueError otherwise."""
    if depth > DEEPEST:
        raise ValueError(f"{name}: nested more than {DEEPEST} deep")
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, Fraction | float):
        return text(rational(value, name, 2000))
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise ValueError(f"{name}: the key {shown(key)} is not a text")
        return {key: plain(item, f"{name}.{key}", depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, f"{name}[{i}]", depth + 1) for i, item in enumerate(value)]
    raise ValueError(f"{name}: {shown(value)} is not plain data (text, integer, fraction, list, table)")


# The table


def _own_table() -> Iterator[Measure]:
    """What any ladder may measure: a quantity of the table of symbols, and numbers as they are given."""
    from theory import symbols

    yield Measure("value", "a number as it is given, with its stated error", _given)
    for key, row in symbols.QUANTITIES.items():
        if not row.indexed:
            yield Measure(
                key, row.meaning, _Of(key), _Of(key, "mpmath"), "the mpmath engine, its own quadrature"
            )


def _given(value: Any, error: Any = 0) -> Any:
    """A number as it is given."""
    number, half = rational(value, "value", 2000), rational(error, "error", 2000)
    if half < 0:
        raise ValueError(f"error: {text(half)} is negative")
    if not half:
        return number
    with balls(BITS).precision():
        return Truth("value", flint.arb(_ball(number), _ball(half)), 0.0, "given", None, "as given")


@dataclass(frozen=True)
class _Of:
    """A quantity of the table of symbols at an instance."""

    key: str
    engine: str | None = None

    def __call__(self, instance: Any, digits: int | None = 12) -> Truth:
        from diffcert.bindings import Values
        from diffcert.inputs import read_instance

        values = Values(read_instance(instance), digits, None if digits is None else self.engine)
        return values.truth(self.key)


_USERS: dict[str, Measure] = {}


@lru_cache(maxsize=1)
def _built_in() -> Mapping[str, Measure]:
    table = {row.name: row for row in _own_table()}
    for paper in PAPERS:
        for row in import_module(f"diffcert.rates.{paper}").QUANTITIES:
            if row.name in table:
                raise ValueError(f"quantity {row.name}: two quantities go by this name")
            table[row.name] = row
    return MappingProxyType(table)


class _Table(Mapping[str, Measure]):
    """Name -> measured quantity; loaded as it is first looked at."""

    def __getitem__(self, name: str) -> Measure:
        return _USERS[name] if name in _USERS else _built_in()[name]

    def __iter__(self) -> Iterator[str]:
        yield from _built_in()
        yield from _USERS

    def __len__(self) -> int:
        return len(_built_in()) + len(_USERS)


MEASURED: Mapping[str, Measure] = _Table()
"""Every measured quantity, name -> Measure."""


def measured(
    name: str,
    meaning: str = "",
    *,
    second: Callable[..., Any] | None = None,
    second_route: str = "",
    replace: bool = False,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator that enters a function of exact keyword arguments into the table of quantities.

    Raises ValueError for a name that is taken; `replace` allows it for one's own.
    """

    def enter(function: Callable[..., Any]) -> Callable[..., Any]:
        row = Measure(
            name, meaning or (function.__doc__ or name).splitlines()[0], function, second, second_route
        )
        if name in _built_in():
            raise ValueError(f"quantity: {name!r} is built in; choose another name")
        if name in _USERS and not replace and _origin(_USERS[name].function) != _origin(function):
            raise ValueError(f"quantity: {name!r} is already another one; say replace=True")
        _USERS[name] = row
        _measured.cache_clear()
        return function

    return enter


def own(function: Callable[..., Any]) -> str:
    """The name under which a function of a claim is entered: its module and qualified name."""
    module, name = _origin(function)
    if not isinstance(module, str) or not isinstance(name, str):
        raise ValueError(f"truth: {shown(function)} is a function without a name")
    key, place = f"{module}:{name}", 1
    while key in _USERS and _USERS[key].function is not function:
        place += 1
        key = f"{module}:{name}#{place}"
    meaning = (function.__doc__ or key).strip().splitlines()[0]
    _USERS[key] = Measure(key, meaning, function)
    return key


def _origin(function: Any) -> Any:
    return getattr(function, "__module__", None), getattr(function, "__qualname__", function)


def find(name: str) -> Measure:
    """The quantity of that name; ValueError with the names that come close."""
    if name in MEASURED:
        return MEASURED[name]
    from difflib import get_close_matches

    near = get_close_matches(name, MEASURED, n=3)
    raise ValueError(
        f"truth: {shown(name)} is not a measured quantity"
        + (f"; did you mean {' or '.join(near)}?" if near else " (diffcert.rates.MEASURED lists them)")
    )


# Evaluating


def measure(name: str, arguments: Mapping[str, Any], *, second: bool = False) -> Measured:
    """The number that a quantity has with these arguments, evaluated once in a process.

    With `second` by the quantity's second route. Raises ValueError for an unknown name, arguments that do
    not fit, a result that is no number, and where there is no second route; ArithmeticError from engines.
    """
    row = find(name)
    if second and row.second is None:
        raise ValueError(f"quantity {name}: it has no second route")
    return _measured(name, canonical(plain(arguments)), second)


@lru_cache(maxsize=4096)
def _measured(name: str, arguments: str, second: bool) -> Measured:
    import json

    row = find(name)
    function = row.second if second else row.function
    assert function is not None
    try:
        result = function(**json.loads(arguments))
    except (ValueError, ArithmeticError):
        raise
    except Exception as error:  # a user's function may raise anything
        said = " ".join(str(error).split())[:200]
        raise ValueError(f"quantity {name}: {type(error).__name__}: {said}") from error
    return _as_measured(name, result)


def _as_measured(name: str, result: Any) -> Measured:
    if isinstance(result, Truth):
        inner = _number(name, result.value, result.error)
        exact = result.engine in ("certified", "exact", "given") or inner.enclosed
        return Measured(inner.ball, exact and inner.enclosed, result.method, result.notes)
    if isinstance(result, tuple) and len(result) == 2:
        return _number(name, *result)
    return _number(name, result, 0)


def _number(name: str, value: Any, error: Any) -> Measured:
    with balls(BITS).precision():
        if isinstance(value, flint.arb):
            half = _ball(rational(error, f"quantity {name}: error", 4000)) if error else flint.arb(0)
            return Measured(value + flint.arb(0, half), not error, "balls")
        if isinstance(value, int | Fraction) and not isinstance(value, bool):
            return (
                Measured(_ball(Fraction(value)), True, "exact") if not error else _float(name, value, error)
            )
        if isinstance(value, mpmath.mpf) or hasattr(value, "__float__"):
            return _float(name, value, error)
    raise ValueError(f"quantity {name}: {shown(value)} is not a number")


def _float(name: str, value: Any, error: Any) -> Measured:
    number = float(value) if not isinstance(value, mpmath.mpf | Fraction | int) else value
    if isinstance(number, float) and not math.isfinite(number):
        raise ValueError(f"quantity {name}: {number} is not finite")
    exact = rational(number, f"quantity {name}", 4000)
    half = abs(rational(error, f"quantity {name}: error", 4000)) if error else Fraction(0)
    half += abs(exact) * (FLOAT_FLOOR if isinstance(number, float) else 0)
    return Measured(flint.arb(_ball(exact), _ball(half)), False, "machine numbers")


def _ball(value: Fraction) -> Any:
    return flint.arb(flint.fmpq(value.numerator, value.denominator))
