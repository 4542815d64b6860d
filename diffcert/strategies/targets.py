"""Strategies for targets.

What belongs here: discrete laws of the means and the components' variance. What does not: noise levels
(`schedules`).

Everything is built: weights are whole counts over their sum, atoms are sums of gaps. One atom, coinciding
atoms, atoms of weight 1e-30 and below, means on a line in several dimensions are among the examples.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from diffcert.strategies.numbers import LADDER, positive_numbers, rounded, shares

if TYPE_CHECKING:
    from numerics import GeneralMixture, Mixture

__all__ = ["MOST_ATOMS", "VARIANCES", "general_mixtures", "mixtures", "units"]

VARIANCES = tuple(Fraction(v) for v in ("1", "0", "1/2", "1/100", "4", "0"))
_OWN_VARIANCES = tuple(Fraction(v) for v in ("1", "1/4", "1/2", "2", "4"))
MOST_ATOMS = 12
MOST_DIMENSIONS = 12

RARE = tuple(Fraction(1, 10**k) for k in (1, 2, 3, 6, 12, 30, 100))
"""Weights of a rare atom."""

_SHAPES = ("plain", "pair", "plain", "rare", "plain", "rare", "clusters", "degenerate")
_STARTS = tuple(Fraction(x) for x in ("0", "-1", "-3", "1/3", "1e6"))
_DIRECTIONS = (1, 2, -2, 0, 1, 3, -1, 2, 1, 0, 1, 1)
"""Along which a line lies in several dimensions; the first two have length 1 and sqrt(5)."""

Law = tuple[list[Fraction], list[Fraction]]


def mixtures(
    *,
    min_atoms: int = 1,
    max_atoms: int = 4,
    dimension: int | None = None,
    max_rank: int = 1,
    variances: Sequence[Any] | None = None,
    shapes: Sequence[str] = _SHAPES,
) -> st.SearchStrategy[Mixture]:
    """Exact Gaussian mixtures with `min_atoms` to `max_atoms` distinct atoms.

    `dimension` is that of the space (default: mostly 1, up to 4); the means span at most `max_rank`
    dimensions of it, 1 to 3. `variances` lists the components' variances (default: 1, 0, 1/2, 1/100, 4).
    `shapes` are "plain", "pair" (symmetric), "rare" (one atom of weight down to 1e-100), "clusters" (tiny
    and huge gaps) and "degenerate" (one atom, or several that coincide; left out where two atoms are
    asked for). Raises ValueError for bad arguments.
    """
    from numerics.exact import integer, rationals

    least = integer(min_atoms, "min_atoms", 1, MOST_ATOMS)
    most = integer(max_atoms, "max_atoms", least, MOST_ATOMS)
    rank = integer(max_rank, "max_rank", 1, 3)
    if dimension is not None:
        integer(dimension, "dimension", rank, MOST_DIMENSIONS)
    kept = [shape for shape in shapes if most > 1 or shape in ("plain", "degenerate")]
    kept = [shape for shape in kept if least == 1 or shape != "degenerate"]
    for shape in shapes:
        if shape not in _SHAPES:
            raise ValueError(f"shapes: {shape!r} is none of {', '.join(dict.fromkeys(_SHAPES))}")
    if not kept:
        raise ValueError("shapes: none of them has so many atoms")
    spread = VARIANCES if variances is None else rationals(variances, "variances")
    return _mixtures(least, most, dimension, rank, tuple(spread), tuple(kept))


@st.composite
def _mixtures(
    draw: st.DrawFn,
    least: int,
    most: int,
    dimension: int | None,
    rank: int,
    variances: tuple[Fraction, ...],
    shapes: tuple[str, ...],
) -> Mixture:
    from numerics import Mixture

    branches = [_laws(least, most, shape) for shape in shapes]
    if "plain" in shapes and least <= 2 <= most:
        # hypothesis shrinks towards what takes the fewest choices: that is to be two equal atoms.
        branches = [st.sampled_from(LADDER).map(_two_atoms), *branches]
    weights, atoms = draw(st.one_of(*branches))
    variance = draw(st.sampled_from(variances))
    space = draw(st.sampled_from((1, 1, 1, 1, 1, 2, 3, 4))) if dimension is None else dimension
    if space < 2:
        return Mixture(weights, atoms, variance)
    points = [[x * c for c in _DIRECTIONS[:space]] for x in atoms]
    for axis in range(1, min(rank, space)):
        offsets = draw(st.lists(st.integers(-2, 2), min_size=len(atoms), max_size=len(atoms)))
        for point, offset in zip(points, offsets, strict=True):
            point[axis] += offset
    return Mixture(weights, points, variance)


@st.composite
def general_mixtures(draw: st.DrawFn, shared: bool) -> GeneralMixture:
    """Mixtures of two or three components on a line, of which X itself is estimated.

    The components' variances are their own, or one for all where it is to be `shared`.
    """
    from numerics import GeneralMixture

    weights, atoms = draw(st.one_of(_laws(2, 3, "plain"), _laws(2, 3, "pair")))
    sizes = st.sampled_from(_OWN_VARIANCES)
    spread = [draw(sizes)] * len(atoms)
    if not shared:
        spread[1:] = draw(st.lists(sizes, min_size=len(atoms) - 1, max_size=len(atoms) - 1))
    return GeneralMixture(weights, atoms, spread)


@st.composite
def _laws(draw: st.DrawFn, least: int, most: int, shape: str) -> Law:
    """Weights and atoms on a line, the atoms in increasing order."""
    if shape == "degenerate" or most == 1:
        at = draw(st.sampled_from(_STARTS))
        copies = draw(st.integers(1, 3)) if shape == "degenerate" else 1
        return shares([1] * copies), [at] * copies
    if shape == "pair" and least <= 2:
        half = draw(positive_numbers())
        return [Fraction(1, 2)] * 2, [-half, half]
    size = draw(st.integers(max(2, least), min(most, 3) if shape == "rare" and least <= 3 else most))
    gaps = draw(st.lists(_gaps(shape), min_size=size - 1, max_size=size - 1))
    start = draw(st.sampled_from(_STARTS))
    atoms = [start + sum(gaps[:i], Fraction(0)) for i in range(size)]
    if shape == "rare":
        return draw(_rare_weights(size)), atoms
    return shares(draw(st.lists(st.integers(1, 20), min_size=size, max_size=size))), atoms


def _two_atoms(distance: Fraction) -> Law:
    return [Fraction(1, 2)] * 2, [Fraction(0), distance]


def _gaps(shape: str) -> st.SearchStrategy[Fraction]:
    if shape == "clusters":
        return st.sampled_from([Fraction(x) for x in ("1", "1e-6", "1000", "1/100", "30")])
    return positive_numbers()


@st.composite
def _rare_weights(draw: st.DrawFn, size: int) -> list[Fraction]:
    """One atom, the last one if need be, of weight 1/10 to 1e-100; the others share the rest."""
    rare = draw(st.sampled_from(RARE))
    others = [1] * (size - 1) if size == 2 else draw(st.lists(st.integers(1, 9), min_size=2, max_size=2))
    place = draw(st.sampled_from((size - 1, 0)))
    weights = [(1 - rare) * share for share in shares(others)]
    return [*weights[:place], rare, *weights[place:]]


def units(target: Mixture) -> tuple[Fraction, ...]:
    """The scales of the signal-to-noise ratio on which a target changes; 1 comes first."""
    size, lightest = target.core.diameter_squared, min(target.weights)
    if len(target.weights) < 2:
        return (Fraction(1),)
    found = [Fraction(1), rounded(1 / float(size))]
    if lightest <= Fraction(1, 50):
        told = 2 * -math.log(lightest)
        found += [rounded(told / float(size))] * 3
    return tuple(found)
