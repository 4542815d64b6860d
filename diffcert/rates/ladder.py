"""Ladders: the instances along which a rate is looked at, as exact data.

What belongs here: a rung, a ladder, their validation. What does not: measuring (`quantities`) and deciding
(`decide`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from types import MappingProxyType
from typing import Any, TypeAlias

from diffcert.declaration import canonical
from diffcert.instance import Instance
from diffcert.rates.quantities import plain
from numerics.exact import rational, short, shown, text

__all__ = ["Ladder", "Quantity", "Rung"]


LARGEST_EXPONENT = 300
"""Values of symbols lie between 1e-300 and 1e300."""


@dataclass(frozen=True)
class Quantity:
    """A value of a symbol that is itself measured: the entropy of the rung's target, say.

    `name` is a measured quantity; `arguments` are its own, or None for those of the rung.
    """

    name: str
    arguments: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise ValueError(f"quantity: {shown(self.name)} is not a name")
        if self.arguments is not None:
            object.__setattr__(self, "arguments", MappingProxyType(plain(self.arguments)))

    def __hash__(self) -> int:
        return hash(canonical(self.to_dict()))

    def __reduce__(self) -> tuple[Any, ...]:
        return Quantity, (self.name, None if self.arguments is None else dict(self.arguments))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data."""
        own = None if self.arguments is None else dict(self.arguments)
        return {"quantity": self.name, "arguments": own}


def shown_call(name: str, *arguments: Any) -> str:
    """A call in at most 120 characters."""
    line = f"{name}({', '.join(map(repr, arguments))})"
    return line if len(line) <= 120 else line[:117] + "..."


Value: TypeAlias = Fraction | Quantity


@dataclass(frozen=True, init=False)
class Rung:
    """One instance of a ladder: the values of the rate's symbols, and the arguments of what is measured.

    `values` are exact numbers above zero (int, Fraction, "1/3", "1e-3"; a float is the binary number that
    it is), or a `Quantity` that is measured. `arguments` are plain data: texts, integers, fractions, lists,
    tables. Instead of arguments an `instance` may be given, for the quantities of the table of symbols
    (path_kl, mmse, entropy, ...), which are then evaluated to `digits` digits (None: in machine numbers).
    Raises ValueError naming the argument, the value and the rule.
    """

    values: Mapping[str, Value]
    arguments: Mapping[str, Any]

    def __init__(
        self,
        values: Mapping[str, Any],
        arguments: Mapping[str, Any] | None = None,
        *,
        instance: Instance | None = None,
        digits: int | None = 12,
    ) -> None:
        if not isinstance(values, Mapping) or not values:
            raise ValueError(f"values: {shown(values)} is not a table of symbols and their values")
        exact: dict[str, Value] = {}
        for name, value in values.items():
            if not isinstance(name, str) or not name.isidentifier():
                raise ValueError(f"values: {shown(name)} is not the name of a symbol")
            if isinstance(value, Quantity):
                exact[name] = value
                continue
            number = rational(value, f"values: {name}", LARGEST_EXPONENT)
            if not number > 0:
                raise ValueError(f"values: {name}: {shown(value)} is not above zero")
            exact[name] = number
        if instance is not None:
            if arguments is not None:
                raise ValueError("arguments: give arguments or an instance, not both")
            if not isinstance(instance, Instance):
                raise ValueError(f"instance: {shown(instance)} is not an Instance")
            from diffcert.inputs import exact_inputs

            arguments = {"instance": exact_inputs(instance), "digits": digits}
        if arguments is not None and not isinstance(arguments, Mapping):
            raise ValueError(f"arguments: {shown(arguments)} is not a table of arguments")
        object.__setattr__(self, "values", MappingProxyType(exact))
        object.__setattr__(self, "arguments", MappingProxyType(plain(arguments or {})))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rung) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash(canonical(self.to_dict()))

    def __reduce__(self) -> tuple[Any, ...]:
        return Rung, (dict(self.values), dict(self.arguments))

    def __repr__(self) -> str:
        """The call that makes this rung, or its beginning."""
        return shown_call("Rung", dict(self.to_dict()["values"]), dict(self.arguments))

    @property
    def label(self) -> str:
        """One line: "K = 2, T = 50", in the order of the names, which a rung in a file keeps."""
        return ", ".join(
            f"{name} = {value.name if isinstance(value, Quantity) else short(value)}"
            for name, value in sorted(self.values.items())
        )

    def to_dict(self) -> dict[str, Any]:
        """The rung as plain JSON data; numbers are texts."""
        values = {
            name: value.to_dict() if isinstance(value, Quantity) else text(value)
            for name, value in self.values.items()
        }
        return {"values": values, "arguments": dict(self.arguments)}

    @classmethod
    def from_dict(cls, data: Any) -> Rung:
        """The rung that `to_dict` wrote; ValueError for anything else."""
        if not isinstance(data, Mapping) or set(data) != {"values", "arguments"}:
            raise ValueError("rung: not a table of values and arguments")
        if not isinstance(data["values"], Mapping):
            raise ValueError("rung: values: not a table")
        values: dict[str, Any] = {}
        for name, value in data["values"].items():
            if isinstance(value, Mapping):
                if set(value) != {"quantity", "arguments"}:
                    raise ValueError(f"rung: values: {shown(name)}: not a measured quantity")
                values[name] = Quantity(value["quantity"], value["arguments"])
            else:
                values[name] = value
        return cls(values, data["arguments"])


@dataclass(frozen=True, init=False)
class Ladder:
    """A row of instances along which one symbol grows, or tends to 0: data only.

    `variable` is the symbol that moves, strictly up or strictly down from rung to rung. `quick` is how many
    of the rungs, the first ones, `--quick` looks at (default: all). Raises ValueError naming the rule.
    """

    name: str
    variable: str
    rungs: tuple[Rung, ...]
    quick: int
    note: str

    def __init__(
        self, name: str, variable: str, rungs: Iterable[Rung], quick: int | None = None, note: str = ""
    ) -> None:
        if not isinstance(name, str) or not name or len(name) > 200 or "\n" in name:
            raise ValueError(f"ladder: {shown(name)} is not a short name")
        where = f"ladder {name}"
        if not isinstance(variable, str):
            raise ValueError(f"{where}: variable: {shown(variable)} is not the name of a symbol")
        if isinstance(rungs, Mapping | str) or not isinstance(rungs, Iterable):
            raise ValueError(f"{where}: rungs: {shown(rungs)} is not a list of Rung")
        made = tuple(rungs)
        for place, rung in enumerate(made):
            if not isinstance(rung, Rung):
                raise ValueError(f"{where}: rungs[{place}]: {shown(rung)} is not a Rung")
            if variable not in rung.values:
                raise ValueError(f"{where}: rungs[{place}]: there is no value of {variable}")
            if set(rung.values) != set(made[0].values):
                raise ValueError(f"{where}: rungs[{place}]: its symbols are not those of the first rung")
        if len(made) < 2:
            raise ValueError(f"{where}: rungs: {len(made)} of them; a ladder has at least two")
        moving = [rung.values[variable] for rung in made]
        if not any(isinstance(value, Quantity) for value in moving):
            numbers = [value for value in moving if isinstance(value, Fraction)]
            pairs = list(pairwise(numbers))
            if not all(a < b for a, b in pairs) and not all(a > b for a, b in pairs):
                raise ValueError(f"{where}: {variable} moves neither strictly up nor strictly down")
        count = len(made) if quick is None else quick
        if isinstance(count, bool) or not isinstance(count, int) or not 2 <= count <= len(made):
            raise ValueError(f"{where}: quick: {shown(quick)} is not between 2 and {len(made)}")
        if not isinstance(note, str):
            raise ValueError(f"{where}: note: {shown(note)} is not a text")
        fields = {"name": name, "variable": variable, "rungs": made, "quick": count, "note": note}
        for key, value in fields.items():
            object.__setattr__(self, key, value)

    def __reduce__(self) -> tuple[Any, ...]:
        return Ladder, (self.name, self.variable, self.rungs, self.quick, self.note)

    def __repr__(self) -> str:
        """The name, the variable, and where it moves."""
        return f"<Ladder {self.label}>"

    def shortened(self) -> Ladder:
        """The ladder of the first rungs, which `--quick` looks at."""
        if self.quick == len(self.rungs):
            return self
        return Ladder(self.name, self.variable, self.rungs[: self.quick], None, self.note)

    @property
    def label(self) -> str:
        """One line for tables: "binary, T = 50 ... 800 (5 rungs)"."""
        first, last = (
            value.name if isinstance(value, Quantity) else short(value)
            for value in (self.rungs[0].values[self.variable], self.rungs[-1].values[self.variable])
        )
        ends = first if first == last else f"{self.variable} = {first} ... {last}"
        return f"{self.name}, {ends} ({len(self.rungs)} rungs)"

    # What tables ask of any instance.

    @property
    def kind(self) -> str:
        """ "ladder"."""
        return "ladder"

    @property
    def target_name(self) -> str:
        """The ladder's name."""
        return self.name

    @property
    def schedule_name(self) -> str:
        """The ladder's name: each ladder is a family of its own."""
        return self.name

    @property
    def schedule(self) -> None:
        """None: the rungs have their own."""
        return None

    def to_dict(self) -> dict[str, Any]:
        """The ladder as plain JSON data; numbers are texts."""
        return {
            "name": self.name,
            "variable": self.variable,
            "rungs": [rung.to_dict() for rung in self.rungs],
            "note": self.note,
        }

    @classmethod
    def from_dict(cls, data: Any) -> Ladder:
        """The ladder that `to_dict` wrote; ValueError for anything else."""
        if not isinstance(data, Mapping) or set(data) != {"name", "variable", "rungs", "note"}:
            raise ValueError("ladder: not a table of name, variable, rungs and note")
        if not isinstance(data["rungs"], list) or len(data["rungs"]) > 1000:
            raise ValueError("ladder: rungs: not a list of at most 1000")
        rungs = [Rung.from_dict(rung) for rung in data["rungs"]]
        return cls(data["name"], data["variable"], rungs, None, data["note"])
