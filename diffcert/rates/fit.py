"""What is read off a ladder: the least constant, its trend, and the exponents of what was measured.

What belongs here: these numbers and how far they can be trusted. What does not: whether a rate is
consistent (`decide`), measuring (`quantities`).

- The *least constant* that covers all rungs is the largest upper end of truth/formula, rounded up to four
  digits. It is proven where every rung is an enclosure, and labelled "(float)" where one is not.
- The *trend* is the slope of log(ratio) against log(x), by least squares over the ladder.
- The *exponents* are those of the truth: p in x^p alone, and (p, q) in x^p (log x)^q together.
- Each *spread* is the range of the same fit over the sub-ladders: every run of neighbouring rungs of at
  least half of the ladder, and the ladder without any one rung. It is no confidence interval: a systematic
  term of second order moves all sub-ladders together.
- The *tail* is the exponent of the truth between the last two rungs in the direction of the limit, without
  a spread: what the truth does at the end of the ladder.
- Over a few octaves log x is close to a power of x. `Separation` says how close: the slope m of the line
  through (log x, log log x), and the largest distance from it. Then only p + m q is well determined, and q
  by itself as badly as the spread says.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from diffcert.enclosure import ball_text
from numerics.arithmetic import balls

__all__ = ["Estimate", "Fit", "Separation", "fit", "least_constant"]

DIGITS = 4
BITS = 256
LEAST_LOGARITHM = 2.0
"""Powers of log x are fitted where the ladder starts at this x or above."""


@dataclass(frozen=True)
class Estimate:
    """A fitted number over the whole ladder, and its range over the sub-ladders."""

    value: float
    low: float
    high: float

    @property
    def spread(self) -> float:
        """The larger of the distances from the value to the ends of the range."""
        return max(self.high - self.value, self.value - self.low)

    @property
    def text(self) -> str:
        """ "-0.83 +/- 0.05", the spread rounded up."""
        if not (math.isfinite(self.value) and math.isfinite(self.spread)):
            return "not determined"
        if self.spread < 1e-9 and abs(self.value - round(self.value)) < 1e-9:
            return f"{round(self.value)}"
        places = 2 if self.spread >= 0.005 else 4
        up = math.ceil(self.spread * 10**places - 1e-9) / 10**places
        value = round(self.value, places) + 0.0
        return f"{value:.{places}f} +/- {up:.{places}f}"


@dataclass(frozen=True)
class Separation:
    """How well a power of log x is told from a power of x on a ladder.

    log log x is within `distance` of `slope` times log x plus a constant; `joint` is the exponent
    p + slope * q, which is determined where p and q are not.
    """

    slope: float
    distance: float
    joint: Estimate

    def text(self, variable: str) -> str:
        """The separation in words."""
        percent = 100 * math.expm1(self.distance)
        return (
            f"log {variable} is {variable}^{self.slope:.2f} here to within {percent:.2g} percent: "
            f"p + {self.slope:.2f} q = {self.joint.text}"
        )


@dataclass(frozen=True)
class Fit:
    """What is read off a ladder.

    `constant` is the least constant in decimals, rounded up; `proven` says whether every rung is an
    enclosure; `worst` is the place of the rung that needs it. `trend` is the exponent of the ratio;
    `power` that of the truth alone, `tail` the same at the end of the ladder; `power_log` are p and q
    together, None where the ladder has fewer than five rungs or log x is no scale on it; `formula` are the
    exponents of the formula on the same rungs.
    """

    constant: str
    proven: bool
    worst: int
    trend: Estimate | None
    power: Estimate | None
    formula: Estimate | None
    power_log: tuple[Estimate, Estimate] | None
    separation: Separation | None
    tail: float | None = None

    @property
    def constant_text(self) -> str:
        """The least constant, with "(float)" behind it where it is not proven."""
        return self.constant if self.proven else f"{self.constant} (float)"

    def lines(self, variable: str) -> list[str]:
        """The fit in words, one line each."""
        said = [f"least constant {self.constant_text}"]
        if self.trend is not None:
            said[0] += f"; ratio ~ {variable}^({self.trend.text})"
        if self.power is not None and self.formula is not None and self.tail is not None:
            said.append(
                f"truth ~ {variable}^({self.power.text}), at the end {variable}^({self.tail:.2f}); "
                f"formula ~ {variable}^({self.formula.text})"
            )
        if self.power_log is not None and self.separation is not None:
            p, q = self.power_log
            said.append(f"truth ~ {variable}^p (log {variable})^q: p = {p.text}, q = {q.text}")
            said.append(self.separation.text(variable))
        return said

    def to_dict(self) -> dict[str, Any]:
        """The fit as plain JSON data; numbers are decimal texts."""
        return {
            "constant": self.constant,
            "proven": self.proven,
            "worst": self.worst,
            "trend": _plain(self.trend),
            "power": _plain(self.power),
            "formula": _plain(self.formula),
            "tail": None if self.tail is None else f"{self.tail:.6g}",
            "p": None if self.power_log is None else _plain(self.power_log[0]),
            "q": None if self.power_log is None else _plain(self.power_log[1]),
            "separation": None
            if self.separation is None
            else {
                "slope": f"{self.separation.slope:.6g}",
                "distance": f"{self.separation.distance:.6g}",
                "joint": _plain(self.separation.joint),
            },
        }


def _plain(estimate: Estimate | None) -> dict[str, str] | None:
    if estimate is None:
        return None
    return {name: f"{getattr(estimate, name):.6g}" for name in ("value", "low", "high")}


def fit(
    xs: Sequence[float], truths: Sequence[Any], formulas: Sequence[Any], enclosed: Sequence[bool]
) -> Fit:
    """What is read off a ladder; truths and formulas are balls, formulas above zero.

    `xs` is the variable as it is (it may fall), in the order in which the ladder goes to its limit.
    Exponents are None where a truth is not certainly above zero, or there are fewer than three rungs.
    """
    with balls(BITS).precision():
        ratios = [truth / formula for truth, formula in zip(truths, formulas, strict=True)]
        worst = max(range(len(ratios)), key=lambda i: float(ratios[i].upper()))
        constant = least_constant(ratios)
        positive = all(truth > 0 for truth in truths)
        logs = [_log(value) for value in truths] if positive else []
        own = [_log(value) for value in formulas]
    at = [math.log(x) for x in xs]
    trend = power = formula = tail = None
    if len(at) >= 3:
        formula = _spread(at, own, _slope, 2)
        if positive:
            trend = _spread(at, [a - b for a, b in zip(logs, own, strict=True)], _slope, 2)
            power = _spread(at, logs, _slope, 2)
            tail = (logs[-1] - logs[-2]) / (at[-1] - at[-2])
    pair = separation = None
    if positive and len(at) >= 5 and min(xs) >= LEAST_LOGARITHM:
        pair = _spread(at, logs, _power_of(0), 4), _spread(at, logs, _power_of(1), 4)
        separation = _separation(at, logs)
    return Fit(constant, all(enclosed), worst, trend, power, formula, pair, separation, tail)


def _log(ball: Any) -> float:
    return float(ball.mid().log().mid())


def least_constant(ratios: Sequence[Any]) -> str:
    """The least decimal of four digits that is at least the upper end of every ball."""
    highest = max((ratio.upper() for ratio in ratios), key=lambda end: float(end))
    for ratio in ratios:
        highest = highest.max(ratio.upper())
    if not highest.is_finite():
        raise ValueError("ladder: a ratio is not a finite number")
    middle, radius = (Fraction(part) for part in ball_text(highest, 30))
    end = middle + radius
    if end <= 0:
        return "0"
    exponent = len(str(int(end))) - 1 if end >= 1 else -len(str(int(1 / end)))
    while end < Fraction(10) ** exponent:
        exponent -= 1
    while end >= Fraction(10) ** (exponent + 1):
        exponent += 1
    unit = Fraction(10) ** (exponent - DIGITS + 1)
    steps = -(-end // unit)
    digits, place = int(steps), exponent - DIGITS + 1
    return _decimal(digits, place) if digits < 10**DIGITS else _decimal(digits // 10, place + 1)


def _decimal(number: int, exponent: int) -> str:
    """number 10^exponent as a decimal text, exactly."""
    if -8 < exponent <= 0:
        digits = str(number).rjust(-exponent + 1, "0")
        return digits if exponent == 0 else f"{digits[:exponent]}.{digits[exponent:]}"
    text = str(number)
    mantissa = text[0] + (f".{text[1:]}" if len(text) > 1 else "")
    return f"{mantissa}e{exponent + len(text) - 1}"


# Least squares


def _design(at: Sequence[float]) -> Any:
    return np.array([[1.0, a, math.log(a)] for a in at])


def _slope(at: Sequence[float], values: Sequence[float]) -> float:
    return float(np.polyfit(np.array(at), np.array(values), 1)[0])


def _power_of(place: int) -> Callable[[Sequence[float], Sequence[float]], float]:
    def found(at: Sequence[float], values: Sequence[float]) -> float:
        return float(np.linalg.lstsq(_design(at), np.array(values), rcond=None)[0][1 + place])

    return found


def _sub_ladders(count: int, least: int) -> Iterator[list[int]]:
    """Runs of neighbours of at least half of the rungs, and the ladder without any one rung."""
    shortest = max(least, -(-count // 2))
    for length in range(shortest, count + 1):
        for first in range(count - length + 1):
            yield list(range(first, first + length))
    if count - 1 >= least:
        for left_out in range(1, count - 1):
            yield [i for i in range(count) if i != left_out]


def _spread(
    at: Sequence[float],
    values: Sequence[float],
    estimate: Callable[[Sequence[float], Sequence[float]], float],
    least: int,
) -> Estimate:
    found = [
        estimate([at[i] for i in chosen], [values[i] for i in chosen])
        for chosen in _sub_ladders(len(at), least)
    ]
    whole = estimate(at, values)
    return Estimate(whole, min(*found, whole), max(*found, whole))


def _separation(at: Sequence[float], logs: Sequence[float]) -> Separation:
    inner = [math.log(a) for a in at]
    slope, start = np.polyfit(np.array(at), np.array(inner), 1)
    distance = max(abs(b - slope * a - start) for a, b in zip(at, inner, strict=True))
    p, q = _power_of(0), _power_of(1)

    def joint(some: Sequence[float], values: Sequence[float]) -> float:
        return p(some, values) + float(slope) * q(some, values)

    return Separation(float(slope), float(distance), _spread(at, logs, joint, 4))
