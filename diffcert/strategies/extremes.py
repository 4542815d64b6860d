"""Strategies for paths at which the bounds by the ratio of knots are nearly exhausted.

What belongs here: families of which the library knows that cost over bound tends to one along them
(`diffcert.extremal`), as named edge cases. What does not: everyday instances (`instances`).

- *Exhausted*: two equal atoms on geometric knots of a small ratio that take in all of the information: the
  cost tends to kappa I(T)/2.
- *One long step* from zero on two equal atoms: the cost tends to t_1 V/2.
- *At a threshold*: a rare atom, with a knot just before the signal-to-noise ratio at which it is told from
  the other, and the next ones far beyond: the cost tends to kappa I(T). For quantities of the span alone
  the next knot is just beyond.
- *Two scales*: where the loss drops at once and then stays, the sum over the ratios of losses is exhausted.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from diffcert.strategies.needs import Needs
from diffcert.strategies.numbers import rounded
from diffcert.strategies.targets import units

if TYPE_CHECKING:
    from diffcert.instance import Instance
    from numerics import Schedule, Target

__all__ = ["MOST_FINE_STEPS", "STEPS", "at_threshold", "exhausted", "suited", "two_scales"]

STEPS = frozenset(("uniform_steps", "geometric_steps", "constant_ratio"))
"""The hypotheses on the sizes of steps."""

MOST_FINE_STEPS = 400
"""Enough for a cost of 0.995 kappa I(T)/2; a certified path of so many steps takes about a second."""

_RARE = tuple(Fraction(1, 10**k) for k in (100, 12, 140, 30, 100))
_LENGTHS = tuple(Fraction(x) for x in ("1", "2", "1/10"))
_DEVIATIONS = (2.25, 2.0, 0.0, 1.0, 2.5)
_RATIOS = tuple(Fraction(x) for x in ("100", "10", "2", "1000", "100"))

_FINE = tuple(
    (steps, Fraction(first), Fraction(last))
    for steps, first, last in (
        (25, "1/1000", "20"),
        (64, "1/10000", "20"),
        (16, "1/100", "12"),
        (100, "1/10000", "100"),
        (MOST_FINE_STEPS, "1/40000", "20"),
    )
)
"""Steps, first and last knot: the finer the ratio, the less the first step may cost."""
_MOST_LATENT_STEPS = 32
"""Mixtures with covariances of their own take a second for so many."""

_LONG = tuple(Fraction(x) for x in ("1000", "100", "1e4", "1e6"))
_COARSE = tuple(Fraction(x) for x in ("2", "4", "5/4", "32"))
_SPANS = tuple((Fraction(x), Fraction(y)) for x, y in (("1/4", "8"), ("1/16", "16"), ("1/100", "32")))
_NARROW = tuple(Fraction(x) for x in ("1/100", "1/4"))
_FAR = tuple(Fraction(10) ** k for k in (6, 3, 4))
_RARE_AND_FAR = tuple(Fraction(1, 10**k) for k in (6, 3, 4))
_INNER = tuple(Fraction(x) for x in ("1/10", "1", "1/100"))
_HALF = [Fraction(1, 2)] * 2


@st.composite
def at_threshold(draw: st.DrawFn, needs: Needs) -> Instance:
    """A rare atom, and knots just before and beyond the snr at which it is told from the other.

    That is s = 2 L/D^2 for a weight of e^-L. The log-odds have a deviation of sqrt(2 L) there, so the
    change takes a share of s of the order of 1/sqrt(L).
    """
    from diffcert.instance import Instance
    from numerics import Mixture, Schedule

    rare = draw(st.sampled_from(_RARE[:2] if needs.costly else _RARE))
    length = draw(st.sampled_from(_LENGTHS))
    target = Mixture([1 - rare, rare], [0, length], 0 if needs.discrete else draw(st.sampled_from((0, 1))))
    width, told = draw(st.sampled_from(_DEVIATIONS)) / math.sqrt(-math.log(rare)), float(units(target)[-1])
    if needs.costly:
        knots = [rounded(max(1 - width, 0.3) * told), rounded((1 + max(width, 0.1)) * told)]
        return Instance(
            target, Schedule.from_snr([Fraction(0), *knots] if needs.start == "zero" else knots)
        )
    before = rounded(max(1 - width, 0.3) * told)
    ratio = draw(st.sampled_from(_RATIOS))
    below, above = draw(st.integers(0, 3)), draw(st.integers(1, 3))
    if "geometric_steps" in needs.predicates:
        steps = below + above + 1
        return Instance(target, Schedule.geometric(steps, before / ratio**below, before * ratio**above))
    if "uniform_steps" in needs.predicates:
        return Instance(target, Schedule.uniform(below + above, before * (below + above)))
    knots = [before * ratio**k for k in range(-below, above + 1)]
    if "constant_ratio" not in needs.predicates:
        zero = needs.start == "zero" or (needs.start is None and not draw(st.booleans()))
        knots = ([Fraction(0)] if zero else []) + knots[draw(st.integers(0, below)) :]
    return Instance(target, Schedule.from_snr(knots))


@st.composite
def exhausted(draw: st.DrawFn, needs: Needs, most: int) -> Instance:
    """Two equal atoms on knots of small ratio that take in the information, or on one long step."""
    from diffcert.instance import Instance
    from numerics import Schedule

    half: Fraction = draw(st.sampled_from(_LENGTHS))
    target, unit = _pair(draw, half, needs), 1 / half**2
    once = needs.start != "positive" and "kappa" not in needs.positive
    if once and draw(st.sampled_from((False, False, True))):
        return Instance(target, Schedule.geometric(1, *[draw(st.sampled_from(_LONG)) * unit] * 2))
    return Instance(target, draw(_in_small_ratio(needs, unit, most)))


def _pair(draw: st.DrawFn, half: Fraction, needs: Needs) -> Target:
    from numerics import GeneralMixture, Mixture

    if needs.latent:
        return GeneralMixture(_HALF, [-half, half], [draw(st.sampled_from(_NARROW)) * half**2] * 2)
    return Mixture(_HALF, [-half, half], 0 if needs.discrete else draw(st.sampled_from((0, 1))))


@st.composite
def _in_small_ratio(draw: st.DrawFn, needs: Needs, unit: Fraction, most: int) -> Schedule:
    """Geometric knots from early to late, after a step from zero where the path may begin there.

    Where it may not they are written out, in a simple ratio.
    """
    from numerics import Schedule

    if needs.start != "positive" and not needs.costly:
        most = min(most, _MOST_LATENT_STEPS) if needs.latent else most
        fitting = [fine for fine in _FINE if fine[0] <= most]
        steps, first, last = draw(st.sampled_from(fitting or [(max(most, 2), *_FINE[0][1:])]))
        return Schedule.geometric(steps, first * unit, last * unit)
    ratio = draw(st.sampled_from(_COARSE))
    first, last = draw(st.sampled_from(_SPANS))
    steps = max(1, min(most - 1, math.floor(math.log(last / first) / math.log(ratio))))
    if needs.start != "positive":
        return Schedule.geometric(steps + 1, first * unit, first * unit * ratio**steps)
    return Schedule.from_snr([first * unit * ratio**k for k in range(steps + 1)])


@st.composite
def two_scales(draw: st.DrawFn, needs: Needs) -> Instance:
    """Two atoms and a rare one far off, which is told from them at once: then the loss stays for long."""
    from diffcert.instance import Instance
    from numerics import Mixture, Schedule

    far, rare = draw(st.sampled_from(_FAR)), draw(st.sampled_from(_RARE_AND_FAR))
    target = Mixture([Fraction(1, 2), Fraction(1, 2) - rare, rare], [0, 1, far], 0)
    widths = draw(st.lists(st.sampled_from(_INNER), min_size=1, max_size=3))
    knots = [sum(widths[:k], Fraction(0)) for k in range(len(widths) + 1)]
    first = Fraction(1, 100) if needs.start == "positive" else Fraction(0)
    return Instance(target, Schedule.from_snr([first + knot for knot in knots]))


def suited(needs: Needs) -> tuple[Any, ...]:
    """Which of these families satisfy the hypotheses of a claim, as functions of needs and steps."""
    if needs.kind != "path" or needs.epsilon or needs.outputs:
        return ()
    if needs.any_variance or needs.errors or needs.starts:
        return ()
    if needs.divides:
        return () if needs.predicates & STEPS else (lambda needs, most: two_scales(needs),)
    found: list[Any] = []
    if needs.predicates.isdisjoint(("mmse_not_convex", "uniform_steps")):
        found.append(exhausted)
    narrow = needs.costly and not needs.predicates.isdisjoint(("geometric_steps", "constant_ratio"))
    if not (narrow or needs.latent) and "mmse_convex" not in needs.predicates:
        found.append(lambda needs, most: at_threshold(needs))
    return tuple(found)
