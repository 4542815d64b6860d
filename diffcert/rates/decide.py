r"""Whether a ladder of ratios is consistent with a rate: one rule, for every rate.

What belongs here: the rule and its reasons. What does not: least constants and exponents (`fit`), measuring
(`quantities`).

No finite ladder proves or refutes a statement with an implied constant. What a ladder can show is whether
the ratio r = truth/formula, at its end, behaves like a sequence that stays bounded or like one that does
not. That is what is decided, with u the logarithm of the variable:

- r = O(1) is in question only where r rises. Let r'(u) be its slope against u. If r' falls like u^-b, then
  r converges for b > 1 and grows without bound for b <= 1 (Bertrand's scale; b = 1 is log log). A factor
  log(x) too little in the formula gives r' constant, b = 0; sqrt(log x) gives b = 1/2; a power x^a too
  little gives b = -a u < 0; a slow limit 1 - 1/log x gives b = 2, and 1 - x^-a gives b = a u. The fitted
  exponent of r itself separates none of these: at x from 50 to 1600 the ratio log x rises like x^0.18, and
  1 - 1/sqrt(x) is still rising too.
- A *window* is four rungs s apart, the last one the end of the ladder: three increments d_1, d_2, d_3 of r
  per unit of u, and the b of each pair of them, each an interval that contains what the errors of r allow.
  There is a window for every stride s, and one that spans the whole ladder. It says

    growing      if all three increments are certainly positive, every b is at most 3/4, and the ratio grows
                 by a twentieth at least over the window,
    converging   if none is certainly negative, the first certainly positive and every b at least 5/4,
    falling      if the last increment is certainly not positive, and there is at most one turn before it,
    flat         if no increment differs from 0 by more than its error, and the errors exclude a power of
    0.05, and nothing otherwise (b near 1, a ratio that has just turned upwards, errors too large).

- `<=` is inconsistent if a window says growing and none says converging or falling; consistent if some
  window speaks and none says growing; undecided otherwise. Two windows that contradict each other decide
  nothing: the ladder is too short to have reached its own asymptotics.
- `>=` is the same for 1/r, `~` asks both.
- `==` asks that r tends to 1. Beyond the last rung a converging r still moves by a remainder R, from below
  or from above: what two increments of the finest window that converges leave of a term C x^-a, or of a
  term C u^-a; the interval of limits is the hull of both models and of two pairs of increments (of a window
  that is flat: the rungs' intervals). It is consistent if that interval comes nearer to 1 than a quarter
  of the present distance |1 - r|, inconsistent if it stays away by more than half of that distance and of
  R, undecided between.
  A ratio that moves without slowing down is inconsistent if it moves away from 1, or is off by more than
  half.

Errors. A rung is an interval: the ball of an engine, or a machine number with its stated error and 1e-12 of
it. Where r turns more than once it is irregular (rounded indices, maxima over a grid), and half of the
largest reversal is added to the error of every rung. A ladder needs four rungs and a factor of 4 between
its ends; three quarters and five quarters leave room for what the second order does to b on a ladder of a
few octaves. u is log x where the ladder starts at x = e or above, else log(x/x_0) + 1, which has no unit.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeAlias

from diffcert.verdict import Status

__all__ = ["LEAST_RUNGS", "LEAST_SPAN", "Decision", "Point", "Window", "decide", "logarithms", "windows"]

LEAST_RUNGS = 4
LEAST_SPAN = 4.0
GROWING = 0.75
CONVERGING = 1.25
FLAT_POWER = 0.05
"""A ratio whose errors allow a larger power of the variable than this is not called flat."""
FLOOR = 1e-12
TINY = 1e-300
"""Ratios below this are zero."""
LEAST_GROWTH = 0.05
"""Growth over a window by less than this fraction is not told from what rounded counts and grids do."""
NEAR, FAR = 0.25, 0.5
"""How much of the present distance from 1 may be left in the limit, and how much may certainly not."""

Says: TypeAlias = Literal["growing", "converging", "falling", "flat", "nothing"]
Range: TypeAlias = tuple[float, float]


@dataclass(frozen=True)
class Point:
    """A rung: the variable, turned so that it grows, and an interval that contains the ratio."""

    x: float
    low: float
    high: float

    @property
    def ratio(self) -> float:
        """The middle of the interval."""
        return (self.low + self.high) / 2

    @property
    def error(self) -> float:
        """Half the length of the interval, and what double precision takes."""
        return (self.high - self.low) / 2 + FLOOR * abs(self.ratio)


@dataclass(frozen=True)
class Window:
    """Four rungs and what their ratios say.

    `slowing` is the range of b for a ratio that moves one way, `limit` that of its limit, where it has one.
    """

    rungs: tuple[int, ...]
    says: Says
    slowing: Range | None = None
    limit: Range | None = None


@dataclass(frozen=True)
class Decision:
    """A status (consistent, inconsistent, undecided), the reason in words, and the windows behind it.

    `limit` is the interval in which the ratio's limit is expected, where it has one.
    """

    status: Status
    reason: str
    windows: tuple[Window, ...] = ()
    limit: Range | None = None


def logarithms(xs: Sequence[float]) -> list[float]:
    """The variable's logarithms, shifted so that the first is at least 1."""
    first = max(math.log(xs[0]), 1.0)
    return [first + math.log(x / xs[0]) for x in xs]


# The rule


def decide(points: Sequence[Point], relation: str, letter: str = "x") -> Decision:
    """Whether the ratios along a ladder are consistent with `truth relation formula`, by the rule above.

    `letter` is what the growing variable is called in the reason. Raises ValueError for points that are
    not in the order of growing x.
    """
    if any(not a.x < b.x for a, b in pairwise(points)):
        raise ValueError("ladder: the variable does not grow from rung to rung")
    short = _too_short(points)
    if short:
        return Decision(Status.UNDECIDED, f"the ladder is too short: {short}")
    if relation == "<=":
        return _bounded(points, "the ratio", letter)
    below = _bounded(_inverse(points), "the inverse ratio", letter) if relation in (">=", "~") else None
    if below is None:
        return _to_one(points)
    return below if relation == ">=" else _both(_bounded(points, "the ratio", letter), below)


def _too_short(points: Sequence[Point]) -> str:
    if len(points) < LEAST_RUNGS:
        return f"{len(points)} rungs, {LEAST_RUNGS} needed"
    span = points[-1].x / points[0].x
    if span < LEAST_SPAN * (1 - FLOOR):
        return f"the variable moves by a factor of {span:.3g}, {LEAST_SPAN:g} needed"
    return ""


def _bounded(points: Sequence[Point] | None, what: str, letter: str) -> Decision:
    if points is None:
        return Decision(Status.UNDECIDED, "the truth is not certainly above zero on every rung")
    found = windows(points)
    said = {window.says: window for window in reversed(found)}
    limit = next((window.limit for window in found if window.limit is not None), None)
    if "growing" in said:
        if "converging" in said or "falling" in said:
            reason = f"{what} grows on one scale and settles on another"
            return Decision(Status.UNDECIDED, reason, found)
        a, b = points[-2:]
        power = math.log(b.ratio / a.ratio) / math.log(b.x / a.x)
        slowing = _slowing(said["growing"])
        reason = f"{what} grows, like {letter}^{power:.2f} at the end, and does not slow down: {slowing}"
        return Decision(Status.INCONSISTENT, reason, found)
    if "falling" in said:
        return Decision(Status.CONSISTENT, f"{what} falls at the end of the ladder", found, limit)
    if "converging" in said:
        reason = f"{what} rises towards a limit: {_slowing(said['converging'])}"
        return Decision(Status.CONSISTENT, reason, found, limit)
    if "flat" in said:
        return Decision(Status.CONSISTENT, f"{what} is constant within its errors", found, limit)
    return Decision(Status.UNDECIDED, _why_open(found, points, what), found)


def _both(above: Decision, below: Decision) -> Decision:
    for status in (Status.INCONSISTENT, Status.UNDECIDED):
        for one in (above, below):
            if one.status is status:
                return one
    reason = f"{above.reason}; {below.reason}"
    return Decision(Status.CONSISTENT, reason, above.windows, above.limit)


def _to_one(points: Sequence[Point]) -> Decision:
    found, last = windows(points), points[-1]
    away = last.ratio - 1
    moving = next((w for w in found if w.slowing is not None and w.slowing[1] <= GROWING), None)
    settled = next((w for w in found if w.limit is not None), None)
    if moving is not None:
        if settled is not None:
            reason = "the ratio moves on one scale and settles on another"
            return Decision(Status.UNDECIDED, reason, found)
        leaving = (moving.says == "growing") == (away > 0) and abs(away) > last.error
        if leaving or abs(away) > FAR:
            reason = f"the ratio does not settle, and is {last.ratio:.4g} at the end of the ladder"
            return Decision(Status.INCONSISTENT, reason, found)
    if settled is None or settled.limit is None:
        return Decision(Status.UNDECIDED, "no limit of the ratio is in sight", found)
    low, high = settled.limit
    gap = max(low - 1, 1 - high, 0.0)
    where = f"{low:.6g}" if high - low < 1e-5 * abs(high) else f"{low:.6g} ... {high:.6g}"
    if gap <= max(NEAR * abs(away), last.error):
        return Decision(Status.CONSISTENT, f"the ratio tends to {where}", found, settled.limit)
    still = min(abs(low - last.ratio), abs(high - last.ratio))
    if gap >= FAR * max(abs(away), still):
        return Decision(Status.INCONSISTENT, f"the ratio tends to {where}, not to 1", found, settled.limit)
    reason = f"the ratio tends to {where}; 1 is neither near nor far enough"
    return Decision(Status.UNDECIDED, reason, found, settled.limit)


def _slowing(window: Window) -> str:
    low, high = window.slowing or (math.nan, math.nan)
    return f"b = {low:.2f} ... {high:.2f}"


def _why_open(found: Sequence[Window], points: Sequence[Point], what: str) -> str:
    known = [window.slowing for window in found if window.slowing is not None]
    if known:
        low, high = known[0]
        return f"{what} rises, and whether to a limit is open: b = {low:.2f} ... {high:.2f} about 1"
    if max(p.error for p in points) > FLAT_POWER * max(abs(p.ratio) for p in points):
        return "the errors of the measured values, or the irregularity of the ratio, are too large"
    return f"{what} has no settled direction at the end of the ladder"


def _inverse(points: Sequence[Point]) -> list[Point] | None:
    if any(not p.low > 0 for p in points):
        return None
    return [Point(p.x, 1 / p.high, 1 / p.low) for p in points]


# Windows


def windows(points: Sequence[Point]) -> tuple[Window, ...]:
    """What the ratios say at every stride, the finest first, and over the whole ladder."""
    last = len(points) - 1
    chosen = [tuple(range(last - 3 * stride, last + 1, stride)) for stride in range(1, last // 3 + 1)]
    whole = (0, round(last / 3), round(2 * last / 3), last)
    if whole not in chosen:
        chosen.append(whole)
    regular = _with_irregularity(points)
    logs = logarithms([point.x for point in points])
    return tuple(_window(regular, logs, rungs) for rungs in chosen)


def _with_irregularity(points: Sequence[Point]) -> list[Point]:
    """The points, with half of the largest reversal added to each error where r turns more than once."""
    moves = [b.ratio - a.ratio for a, b in pairwise(points)]
    noise = [a.error + b.error for a, b in pairwise(points)]
    certain = [move for move, doubt in zip(moves, noise, strict=True) if abs(move) > doubt]
    turns = [min(abs(a), abs(b)) for a, b in pairwise(certain) if a * b < 0]
    if len(turns) < 2:
        return list(points)
    more = max(turns) / 2
    return [Point(p.x, p.low - more, p.high + more) for p in points]


def _window(points: Sequence[Point], logs: Sequence[float], rungs: tuple[int, ...]) -> Window:
    four, at = [points[i] for i in rungs], [logs[i] for i in rungs]
    widths = [b - a for a, b in pairwise(at)]
    slopes = [(b.ratio - a.ratio) / w for (a, b), w in zip(pairwise(four), widths, strict=True)]
    errors = [(a.error + b.error) / w for (a, b), w in zip(pairwise(four), widths, strict=True)]
    signs = [0 if abs(d) <= e else 1 if d > 0 else -1 for d, e in zip(slopes, errors, strict=True)]
    if not any(signs):
        return _flat(rungs, four, at)
    if signs[0] and -signs[0] not in signs:
        return _one_way(rungs, four[-1], at, [signs[0] * d for d in slopes], errors, signs)
    turns = sum(1 for a, b in pairwise([sign for sign in signs if sign]) if a != b)
    falling = signs[-1] < 0 and turns <= 1
    return Window(rungs, "falling" if falling else "nothing")


def _flat(rungs: tuple[int, ...], four: Sequence[Point], at: Sequence[float]) -> Window:
    low, high = max(p.low for p in four), min(p.high for p in four)
    first, last = four[0], four[-1]
    largest = max(abs(last.ratio) + last.error, abs(first.ratio) + first.error)
    drift = abs(last.ratio - first.ratio) + last.error + first.error
    if largest > TINY and drift > FLAT_POWER * (at[-1] - at[0]) * largest:
        return Window(rungs, "nothing")
    limit = (min(low, high), max(low, high))
    return Window(rungs, "flat", None, (limit[0] - last.error, limit[1] + last.error))


def _one_way(
    rungs: tuple[int, ...],
    last: Point,
    at: Sequence[float],
    slopes: Sequence[float],
    errors: Sequence[float],
    signs: Sequence[int],
) -> Window:
    """A ratio that rises throughout, or falls: how its slope slows down, and where that leads."""
    middles = [(a + b) / 2 for a, b in pairwise(at)]
    lows, highs = [], []
    for i, j in ((0, 1), (0, 2), (1, 2)):
        if not signs[i]:
            continue
        scale = math.log(middles[j] / middles[i])
        lows.append(_log_quotient(slopes[i] - errors[i], slopes[j] + errors[j]) / scale)
        highs.append(_log_quotient(slopes[i] + errors[i], slopes[j] - errors[j]) / scale)
    slowing = min(lows), max(highs)
    up = signs[0] > 0
    says: Says = "nothing"
    risen = sum((b - a) * d for (a, b), d in zip(pairwise(at), slopes, strict=True))
    enough = risen >= LEAST_GROWTH * abs(last.ratio)
    if slowing[1] <= GROWING and all(signs) and enough:
        says = "growing"
    elif slowing[0] >= CONVERGING:
        says = "converging"
    limit = None
    if says == "converging":
        widths = [b - a for a, b in pairwise(at)]
        steps = zip(slopes, errors, widths, strict=True)
        limit = _limit(last, up, at, [(w * (d - e), w * (d + e)) for d, e, w in steps])
    if not up:
        says = "falling" if signs[-1] or limit is not None else "nothing"
    return Window(rungs, says, slowing, limit)


def _log_quotient(above: float, below: float) -> float:
    """log(above/below) of a positive number and one that may be zero or less, which counts as tiny."""
    return math.log(above) - math.log(below) if below > 0 else math.inf


def _limit(last: Point, up: bool, at: Sequence[float], moves: Sequence[Range]) -> Range:
    """The interval in which a ratio settles: what it still has to go in both models, for both pairs."""
    found: list[float] = []
    for first in (0, 1):
        for before, after in itertools.product(moves[first], moves[2]):
            found += [_still_to_go(model, at, first, before, after) for model in (_power, _logarithmic)]
    least, most = min(found), max(found)
    if up:
        return last.low + least, last.high + most
    return last.low - most, last.high - least


def _power(rate: float, u: float, end: float) -> float:
    """What remains at u of a term x^-rate, in units of what remains at the end."""
    return math.exp(min(rate * (end - u), 700.0))


def _logarithmic(rate: float, u: float, end: float) -> float:
    """What remains at u of a term u^-rate, in units of what remains at the end."""
    return math.exp(min(rate * math.log(end / u), 700.0))


def _still_to_go(
    model: Callable[[float, float, float], float],
    at: Sequence[float],
    first: int,
    before: float,
    after: float,
) -> float:
    """What a ratio has still to go that moved by `before` in one increment and by `after` in the last.

    The model's rate is found by bisection: the quotient of the two increments falls as the rate grows.
    """
    if after <= 0:
        return 0.0
    end = at[3]

    def part(rate: float, i: int) -> float:
        return model(rate, at[i], end) - model(rate, at[i + 1], end)

    low, high = 1e-6, 1.0
    while part(high, 2) * before > after * part(high, first) and high < 1e4:
        high *= 2
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (
            (middle, high) if part(middle, 2) * before > after * part(middle, first) else (low, middle)
        )
    return after / part(high, 2)
