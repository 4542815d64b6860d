"""What a report says, as plain data: the same from a run as from its JSON file.

What belongs here: reading a report's data, rounding, the worst cases, the constants. What does not:
any markup.

A number is shown to the digits that its enclosure supports. The constant of a claim `truth <= bound`
is the largest truth / bound of its cases, rounded up: the least c such that truth <= c bound on all of
them. For `>=` it is the smallest, rounded down. A rate has a case for each ladder, and its constant covers
every rung of them; it says "(float)" where a rung is a machine number.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import flint

from diffcert.enclosure import certified_digits
from diffcert.inputs import read_instance
from diffcert.rates.fit import Estimate
from diffcert.rates.ladder import Ladder
from diffcert.report import FORMAT
from diffcert.verdict import Status
from numerics.arithmetic import balls

__all__ = ["Along", "Case", "Document", "Entry", "document", "read_report"]

LARGEST_FILE = 512 * 2**20
FLOAT_ROUNDING = 1e-12
_DECIMAL = re.compile(r"-?\d+(\.\d+)?(e[+-]?\d{1,5})?", re.ASCII)
_LOUDEST = ("refuted", "inconsistent", "undecided", "holds", "consistent", "below_the_bound_float")
_PASSING = 3
"""Statuses from this place on are those of a claim that stands."""


@dataclass(frozen=True)
class Along:
    """What a rate's case says besides: the fit in texts, and the ratio over the variable for a plot."""

    variable: str
    constant: str
    proven: bool
    trend: str
    power: str
    formula: str
    lines: tuple[str, ...]
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Case:
    """One claim at one instance, or along one ladder: texts for a table, and floats for a plot."""

    label: str
    family: str
    place: float | None
    place_name: str
    status: str
    relation: str
    bound: str
    truth: str
    ratio: str
    reason: str
    ratio_low: Fraction | None
    ratio_high: Fraction | None
    along: Along | None = None

    @property
    def words(self) -> str:
        """The status in words."""
        return Status(self.status).text

    @property
    def height(self) -> float | None:
        """The ratio as a float, for plots."""
        if self.ratio_low is None or self.ratio_high is None:
            return None
        return float((self.ratio_low + self.ratio_high) / 2)


@dataclass(frozen=True)
class Entry:
    """One claim with its cases."""

    id: str
    title: str
    statement: str
    hypotheses: tuple[str, ...]
    source: str
    cases: tuple[Case, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Status -> number of cases, the loudest first."""
        found = Counter(case.status for case in self.cases)
        order = (*_LOUDEST, *sorted(found))
        return {status: found[status] for status in dict.fromkeys(order) if found[status]}

    @property
    def status(self) -> str:
        """The status that says most against the claim."""
        return next(iter(self.counts), "not_applicable")

    @property
    def words(self) -> str:
        """Every status with its number of cases."""
        return ", ".join(f"{Status(name).text} {count}" for name, count in self.counts.items())

    @property
    def evaluated(self) -> tuple[Case, ...]:
        """The cases in which both sides were evaluated."""
        return tuple(case for case in self.cases if case.height is not None)

    @property
    def extreme(self) -> Case | None:
        """The case nearest to the bound."""
        decided = self.evaluated
        if not decided:
            return None
        if decided[0].relation == ">=" and not self.is_rate:
            return min(decided, key=lambda case: case.ratio_low or Fraction(0))
        return max(decided, key=lambda case: case.ratio_high or Fraction(0))

    @property
    def constant(self) -> str:
        """The least constant that covers all cases; empty where there is none."""
        case = self.extreme
        if self.is_rate:
            shown = "" if case is None else _directed(case.ratio_high, up=True)
            proven = all(case.along is None or case.along.proven for case in self.evaluated)
            return shown if proven or not shown else f"{shown} (float)"
        if case is None or case.relation == "==":
            return ""
        if case.relation == ">=":
            return _directed(case.ratio_low, up=False)
        return _directed(case.ratio_high, up=True)

    @property
    def is_rate(self) -> bool:
        """Whether the claim is a statement with an implied constant."""
        return any(case.along is not None for case in self.cases)

    @property
    def rows(self) -> tuple[Case, ...]:
        """The worst case of each schedule family that the claim applies to; every ladder of a rate."""
        groups: dict[str, list[Case]] = {}
        for case in self.cases:
            if case.status != "not_applicable":
                groups.setdefault(case.family, []).append(case)
        return tuple(max(members, key=_badness) for members in groups.values())

    @property
    def needs(self) -> tuple[tuple[str, int], ...]:
        """Why cases are not applicable, with their number."""
        reasons = Counter(case.reason for case in self.cases if case.status == "not_applicable")
        return tuple(reasons.items())


@dataclass(frozen=True)
class Document:
    """A report: its summary, and the claims in their order."""

    version: str
    summary: str
    tier: str
    twins: bool
    succeeded: bool
    entries: tuple[Entry, ...]
    notes: tuple[str, ...]

    @property
    def title(self) -> str:
        """The heading."""
        return "Planted falsehoods and their refutations" if self.twins else "Claims and verdicts"


def read_report(path: str | Path) -> dict[str, Any]:
    """The data in a file of `verify --json`; ValueError naming the file for anything else."""
    place = Path(path)
    try:
        if not place.is_file():
            raise ValueError("is not a file" if place.exists() else "does not exist")
        if place.stat().st_size > LARGEST_FILE:
            raise ValueError(f"is larger than {LARGEST_FILE // 2**20} MB")
        data = json.loads(place.read_text(encoding="utf-8"))
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise ValueError(f"is not a report: 'format' is not {FORMAT!r}")
        document(data)
    except OSError as error:
        raise ValueError(f"--json: {place}: {error.strerror or error}") from None
    except RecursionError:
        raise ValueError(f"--json: {place}: is nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"--json: {place}: {' '.join(str(error).split())[:200]}") from None
    except (KeyError, TypeError, AttributeError):
        raise ValueError(f"--json: {place}: is not a whole report") from None
    return data


def document(data: Mapping[str, Any], wanted: Sequence[str] | None = None) -> Document:
    """The document of a report's data, of the claims with the `wanted` ids or of all.

    Raises ValueError for data that are no report's, or a claim that is not in it.
    """
    known = [str(claim["id"]) for claim in data["claims"]]
    for claim_id in wanted or ():
        if claim_id not in known:
            raise ValueError(f"claim {claim_id!r} is not in the report")
    cases: dict[str, list[Case]] = {claim_id: [] for claim_id in known}
    notes: dict[str, None] = {}
    for item in data["cases"]:
        if item["claim"] not in cases:
            raise ValueError(f"a case is about {str(item['claim'])[:60]!r}, which is not among the claims")
        cases[item["claim"]].append(_case(item))
        if not wanted or item["claim"] in wanted:
            notes.update(dict.fromkeys(str(note) for note in item["notes"]))
    entries = tuple(
        Entry(
            str(claim["id"]),
            str(claim["title"]),
            str(claim["statement"]),
            tuple(str(hypothesis["text"]) for hypothesis in claim["hypotheses"]),
            str(claim["source"]),
            tuple(cases[claim["id"]]),
        )
        for claim in data["claims"]
        if not wanted or claim["id"] in wanted
    )
    digits = data["digits"]
    tier = (
        "Machine numbers: no verdict is certain."
        if digits is None
        else f"Every verdict is decided in balls that began at {int(digits)} digits."
    )
    if any(entry.is_rate for entry in entries):
        tier += " A rate is consistent or inconsistent on its ladders, never proved or refuted by them."
    return Document(
        str(data["version"]),
        str(data["summary"]),
        tier,
        bool(data["planted_falsehoods"]),
        bool(data["succeeded"]),
        entries,
        tuple(notes),
    )


def _case(item: Mapping[str, Any]) -> Case:
    instance = item["instance"]
    along = _along(item) if "rate" in item else None
    schedule = instance.get("schedule")
    place, name = None, ""
    if schedule is not None:
        place, name = float(_steps(schedule)), "steps"
    elif "snr" in instance:
        place, name = float(Fraction(instance["snr"])), "snr"
    ends = _interval(item["ratio"])
    bound, truth = _ball(item["bound"]), _ball(item["truth"])
    evaluated = item["bound"] is not None and item["truth"] is not None
    family = "" if schedule is None else str(schedule["label"])
    return Case(
        _label(instance) if along is None else _ladder_label(instance),
        family if along is None else str(instance["name"]),
        place,
        name,
        Status(item["status"]).value,
        str(item["relation"]),
        certified_digits(bound, 6) if evaluated else "",
        certified_digits(truth, 6) if evaluated else "",
        certified_digits(_ball(item["ratio"]), 5) if evaluated and item["ratio"] else "",
        str(item["reason"]),
        None if ends is None else ends[0],
        None if ends is None else ends[1],
        along,
    )


def _along(item: Mapping[str, Any]) -> Along:
    rate, variable = item["rate"], str(item["rate"]["variable"])
    points = []
    for place, part in zip(rate["positions"], rate["rungs"], strict=True):
        ends = _interval(part["ratio"])
        if ends is not None:
            points.append((float(place), float((ends[0] + ends[1]) / 2)))
    fit = rate["fit"] or {}
    return Along(
        variable,
        str(fit.get("constant", "")),
        bool(fit.get("proven", True)),
        _estimate(fit.get("trend")),
        _estimate(fit.get("power")),
        _estimate(fit.get("formula")),
        tuple(str(line) for line in rate["lines"]),
        tuple(points),
    )


def _estimate(part: Mapping[str, str] | None) -> str:
    if part is None:
        return ""
    return Estimate(*(float(part[key]) for key in ("value", "low", "high"))).text


def _ladder_label(ladder: Mapping[str, Any]) -> str:
    return Ladder.from_dict(ladder).label


def _steps(schedule: Mapping[str, Any]) -> int:
    if "steps" in schedule:
        return int(schedule["steps"])
    return max(len(value) for value in schedule.values() if isinstance(value, list)) - 1


def _label(instance: Mapping[str, Any]) -> str:
    """One line: target, schedule and steps or snr, parameters, and what is not the default."""
    if instance["target"].get("type") == "low_rank_mixture" or "levels" in instance:
        return read_instance(instance).label
    parts = [str(instance["target"]["name"])]
    schedule = instance.get("schedule")
    if schedule is not None:
        steps = _steps(schedule)
        parts += [str(schedule["label"]), f"{steps} step{'s' * (steps != 1)}"]
    if "snr" in instance:
        parts.append(f"snr {instance['snr']}")
    parts += [f"{name} {value}" for name, value in instance.get("parameters", {}).items()]
    if instance.get("sampler", "matched") != "matched":
        parts.append(str(instance["sampler"]))
    if instance.get("start", "exact") != "exact":
        parts.append(f"start {instance['start']}")
    return ", ".join(parts)


def _interval(number: Mapping[str, str] | None, rounding: float = 0.0) -> tuple[Fraction, Fraction] | None:
    """The ends of a number of the JSON file, None for one that is missing or not finite."""
    if number is None:
        return None
    keys = ("mid", "rad") if "mid" in number else ("value", "error")
    middle, radius = (str(number.get(key, "0")) for key in keys)
    if middle in ("nan", "inf", "-inf") or radius == "inf":
        return None
    if not (_DECIMAL.fullmatch(middle) and _DECIMAL.fullmatch(radius)):
        raise ValueError(f"{middle[:40]!r} is not a decimal number")
    centre, half = Fraction(middle), Fraction(radius)
    if keys[0] == "value":
        half += abs(centre) * Fraction(rounding)
    return centre - half, centre + half


def _ball(number: Mapping[str, str] | None) -> Any:
    """A number of the JSON file as a ball; a machine number without an error has its rounding."""
    ends = _interval(number, FLOAT_ROUNDING)
    if ends is None:
        return flint.arb("nan")
    low, high = ends
    with balls(512).precision():
        middle = (low + high) / 2
        half = (high - low) / 2
        ball = flint.arb(flint.fmpq(middle.numerator, middle.denominator))
        return ball + flint.arb(0, flint.arb(flint.fmpq(half.numerator, half.denominator)).upper())


def _directed(value: Fraction | None, up: bool, digits: int = 4) -> str:
    """A positive number as a decimal of that many digits, rounded up or down."""
    if value is None or value <= 0:
        return "0" if value == 0 else ""
    exponent = math.floor(_log10(value)) - digits + 1
    scaled = value / Fraction(10) ** exponent
    whole = -(-scaled.numerator // scaled.denominator) if up else scaled.numerator // scaled.denominator
    shown = str(whole)
    if exponent == 0:
        return shown
    if -8 <= exponent < 0:
        padded = shown.zfill(1 - exponent)
        return f"{padded[:exponent]}.{padded[exponent:]}"
    return f"{shown[0]}.{shown[1:]}e{exponent + len(shown) - 1}"


def _log10(value: Fraction) -> float:
    shift = value.numerator.bit_length() - value.denominator.bit_length()
    return (math.log(float(value / Fraction(2) ** shift)) + shift * math.log(2)) / math.log(10)


def _badness(case: Case) -> tuple[int, Fraction]:
    order = _LOUDEST.index(case.status) if case.status in _LOUDEST else len(_LOUDEST)
    if case.ratio_low is None or case.ratio_high is None:
        return -min(order, _PASSING), Fraction(0)
    middle = (case.ratio_low + case.ratio_high) / 2
    if case.relation == ">=":
        return -min(order, _PASSING), 1 / middle if middle else Fraction(10**9)
    return -min(order, _PASSING), abs(middle - 1) if case.relation == "==" else middle
