"""Strategies for schedules.

What belongs here: noise levels of every convention, built so that they increase. What does not: which of
them a claim asks for (`instances`).

Knots of the core and lists of levels are written in a unit, the signal-to-noise ratio at which the
target changes (`instances` passes it): half of it, four times it. Steps that end at enormous
signal-to-noise ratios are among the examples.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from diffcert.strategies.numbers import MULTIPLES, positive_numbers, rounded

if TYPE_CHECKING:
    from numerics import Schedule

__all__ = ["KINDS", "schedules"]

KINDS = (
    "from_snr",
    "geometric",
    "uniform",
    "constant_ratio",
    "ddpm_linear",
    "scaled_linear",
    "cosine",
    "karras",
    "flow_matching",
    "li_cai_wei",
    "from_alpha_bar",
    "from_sigmas",
    "from_times",
)
"""The constructors of `Schedule`; "constant_ratio" are lists of knots t_0, r t_0, r^2 t_0, ..."""

_OF_LEVELS = frozenset(KINDS[4:])
_FROM_ZERO = frozenset(("from_snr", "geometric", "uniform", "flow_matching"))
_POSITIVE = frozenset(KINDS) - {"geometric", "uniform", "flow_matching"}
_USUAL = (
    *("from_snr", "geometric", "from_snr", "geometric", "uniform", "constant_ratio"),
    *("from_alpha_bar", *KINDS[4:]),
)

_ENORMOUS = tuple(Fraction(10) ** k for k in (4, 8, 16))
_RATIOS = tuple(Fraction(x) for x in ("2", "3/2", "4", "10", "100", "11/10", "5/4", "1000"))
_SPANS = tuple(Fraction(10) ** k for k in (1, 2, 3, 5, 6))
_FIRSTS = tuple(Fraction(x) for x in ("1/10", "1", "1/100", "1/1000", "1/6", "1e-6"))
_FINE = tuple(Fraction(x) for x in ("1/4", "1/8", "1/10", "1/16"))
_COUNTS = (1, 2, 3, 4, 5, 6, 8, 12)


def schedules(
    *,
    kinds: Sequence[str] | None = None,
    start: str | None = None,
    max_steps: int = 128,
    unit: Any = 1,
    noise_free: bool = True,
    enormous: bool = True,
) -> st.SearchStrategy[Schedule]:
    """Exact schedules of one to `max_steps` steps, mostly of a few.

    `kinds` are names of `KINDS` (default: all); `start` is "zero" or "positive", the first knot, or None
    for both. `unit` is the scale of the signal-to-noise ratios, of knots and of lists of levels. Without
    `noise_free` no schedule ends at a level free of noise, without `enormous` no list of knots ends at a
    huge multiple of the others. Where v = 0 a level free of noise is dropped, so schedules of levels have
    two steps or more. Raises ValueError for bad arguments.
    """
    from numerics.exact import integer, rational

    most = integer(max_steps, "max_steps", 1, 1000)
    scale = rational(unit, "unit")
    if scale <= 0:
        raise ValueError(f"unit: {unit!r} is not positive")
    if start not in (None, "zero", "positive"):
        raise ValueError(f"start: {start!r} is none of None, zero, positive")
    asked = _USUAL if kinds is None else tuple(kinds)
    for kind in asked:
        if kind not in KINDS:
            raise ValueError(f"kinds: {kind!r} is none of {', '.join(KINDS)}")
    allowed = {None: frozenset(KINDS), "zero": _FROM_ZERO, "positive": _POSITIVE}[start]
    lists = frozenset(("from_alpha_bar", "from_sigmas", "from_times", "li_cai_wei"))
    kept = [kind for kind in asked if kind in allowed]
    if most < 2:
        kept = [kind for kind in kept if kind not in _OF_LEVELS]
    if not noise_free:
        kept = [kind for kind in kept if kind not in _OF_LEVELS or kind in lists]
    if not kept:
        raise ValueError(f"kinds: none of {', '.join(asked)} fits the other arguments")
    branches = [_of_kind(kind, start, most, scale, noise_free, enormous) for kind in kept]
    # hypothesis shrinks towards what takes the fewest choices: that is to be one step.
    return st.one_of(*([_one_step(start, scale)] if "from_snr" in kept else []), *branches)


@st.composite
def _one_step(draw: st.DrawFn, start: str | None, unit: Fraction) -> Schedule:
    from numerics import Schedule

    first = unit if start == "positive" else Fraction(0)
    return Schedule.from_snr([first, first + unit * draw(st.sampled_from(MULTIPLES))])


@st.composite
def _of_kind(
    draw: st.DrawFn,
    kind: str,
    start: str | None,
    most: int,
    unit: Fraction,
    noise_free: bool,
    enormous: bool,
) -> Schedule:
    from numerics import Schedule

    if kind == "from_snr":
        return Schedule.from_snr([t * unit for t in draw(_knots(start, most, enormous))])
    if kind == "constant_ratio":
        return Schedule.from_snr([t * unit for t in draw(_in_constant_ratio(most))])
    if kind == "geometric":
        steps, first, last = draw(_geometric(most))
        return Schedule.geometric(steps, first * unit, last * unit)
    if kind == "uniform":
        steps = draw(st.sampled_from([n for n in _COUNTS if n <= most]))
        return Schedule.uniform(steps, draw(_multiples()) * unit)
    if kind == "li_cai_wei":
        return Schedule.li_cai_wei(draw(st.integers(2, min(8, most))), c1=1)
    if kind.startswith("from_"):
        return draw(_levels(kind, start, most, noise_free, unit))
    steps = draw(st.sampled_from([n for n in _COUNTS if 2 <= n <= most]))
    constructor: Any = getattr(Schedule, kind)
    made: Schedule = constructor(steps)
    return made


def _multiples() -> st.SearchStrategy[Fraction]:
    return st.one_of(st.sampled_from(MULTIPLES), positive_numbers(extremes=True))


@st.composite
def _knots(draw: st.DrawFn, start: str | None, most: int, enormous: bool) -> list[Fraction]:
    """Increasing knots: one step or a few from zero or later, sometimes the last one enormous."""
    zero = start == "zero" or (start is None and not draw(st.booleans()))
    knots = [Fraction(0) if zero else draw(_multiples())]
    for width in draw(st.lists(_multiples(), min_size=1, max_size=min(4, most))):
        knots.append(knots[-1] + width)
    if enormous and len(knots) <= most and draw(st.sampled_from((False, False, False, True))):
        knots.append(knots[-1] * draw(st.sampled_from(_ENORMOUS)))
    return knots


@st.composite
def _in_constant_ratio(draw: st.DrawFn, most: int) -> list[Fraction]:
    first, ratio = draw(_multiples()), draw(st.sampled_from(_RATIOS))
    steps = draw(st.integers(1, min(most, 6 if ratio >= 10 else 12)))
    return [first * ratio**k for k in range(steps + 1)]


@st.composite
def _geometric(draw: st.DrawFn, most: int) -> tuple[int, Fraction, Fraction]:
    """Steps, first and last: one step, a few, or so many that their ratio is close to one."""
    first = draw(st.sampled_from(_FIRSTS))
    span = draw(st.sampled_from(_SPANS))
    fine = draw(st.sampled_from((None, None, *_FINE)))
    if fine is None:
        steps = draw(st.sampled_from([n for n in (2, 1, *_COUNTS[2:]) if n <= most]))
    else:
        steps = min(most, 1 + math.ceil(math.log(span) / math.log1p(fine)))
    return steps, first * span if steps == 1 else first, first * span


@st.composite
def _levels(
    draw: st.DrawFn, kind: str, start: str | None, most: int, noise_free: bool, unit: Fraction
) -> Schedule:
    """A list of noise levels from noise to data: x, by whole gaps over their sum, with odds in the unit.

    Where the signal is x of the whole the odds x/(1 - x) are the signal-to-noise ratio of alpha_bar, and
    the root of that of times and sigmas.
    """
    from numerics import Schedule

    size = draw(st.integers(2, min(5, most)))
    gaps = draw(st.lists(st.integers(1, 12), min_size=size + 2, max_size=size + 2))
    rises = [Fraction(sum(gaps[: i + 1]), sum(gaps)) for i in range(size + 1)]
    if noise_free and draw(st.booleans()):
        rises[-1] = Fraction(1)
    scale = unit if unit == 1 or kind == "from_alpha_bar" else rounded(math.sqrt(unit))
    rises = [scale * x / (1 - x + scale * x) for x in rises]
    if kind == "from_alpha_bar":
        return Schedule.from_alpha_bar([Fraction(0), *rises[1:]] if start == "zero" else rises)
    if kind == "from_times":
        return Schedule.from_times([1 - x for x in rises])
    largest = draw(st.sampled_from([Fraction(x) for x in ("1", "10", "80")]))
    return Schedule.from_sigmas([largest * (1 - x) for x in rises])
