"""Strategies for low-rank mixtures, noisy observations of them, and samples.

What belongs here: what claims on low-rank mixtures are asked about. What does not: mixtures of Gaussians
(`targets`).

Everything is built. A subspace is the graph of a linear map from its first r coordinates, or spanned by
coordinates of its own: different maps have different graphs. Samples are in general position because
their coefficients begin with a triangle with ones on its diagonal.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from diffcert.strategies.needs import Needs, satisfied
from diffcert.strategies.numbers import shares

if TYPE_CHECKING:
    from diffcert.low_rank import LowRankInstance
    from numerics import LowRankMixture

__all__ = ["low_rank_instances", "low_rank_mixtures"]

MOST_DIMENSIONS = 5
MOST_SAMPLES = 6

_RARE = (Fraction(1, 10**30), Fraction(1, 100))
_SLOPES = tuple(Fraction(x) for x in ("0", "1", "-1", "2", "1/2", "3/4"))
_STEPS = tuple(Fraction(x) for x in ("1", "1/100", "2", "1/2"))
_CHANNELS = tuple(
    (Fraction(s), Fraction(g))
    for s, g in (("1", "1"), ("1", "1/2"), ("1", "1/10"), ("1/1000", "1"), ("1", "1/50"), ("2", "1/10"))
)
"""Pairs (s, g): as much noise as signal, less, nearly all noise, hardly any."""
_OFFSETS = tuple(Fraction(x) for x in ("0", "1", "1/50", "-1", "1/2"))
_COORDINATES = tuple(Fraction(x) for x in ("0", "1", "-1", "2", "1/2", "1/3"))
_ERRORS = tuple(Fraction(x) for x in ("0", "1/10", "1/1000", "1/3"))
_TURNS = tuple(Fraction(x) for x in ("1/2", "2/5", "3/5", "1/4"))
"""What noise leaves of the least sample, where it turns a direction."""

Vectors = list[list[Fraction]]


@st.composite
def low_rank_mixtures(
    draw: st.DrawFn,
    *,
    min_components: int = 1,
    max_components: int = 3,
    ranks: Sequence[int] | None = None,
) -> LowRankMixture:
    """Low-rank mixtures of different subspaces in two to five dimensions, of equal ranks or not.

    Orthogonal subspaces, nearly equal ones, the whole space and rare components are among them. `ranks`
    lists the ranks that the first subspace may have (default: all).
    """
    from numerics import LowRankMixture

    count = draw(st.integers(min_components, max_components))
    first = draw(st.sampled_from(range(1, 4) if ranks is None else ranks))
    if count > 1 and draw(st.sampled_from((False, False, True))):
        more = draw(st.lists(st.sampled_from((1, 1, 2)), min_size=count - 1, max_size=count - 1))
        return LowRankMixture.spanned(draw(_weights(count)), _on_axes([first, *more]))
    room = 0 if count == 1 else 1
    dimension = draw(st.integers(max(2, first + room), MOST_DIMENSIONS))
    subspaces, slope = [], Fraction(0)
    for k in range(count):
        rank = first if k == 0 else draw(st.integers(1, dimension - 1))
        slope += draw(st.sampled_from(_STEPS)) if k else draw(st.sampled_from(_SLOPES))
        subspaces.append(draw(_graphs(rank, dimension, slope)))
    return LowRankMixture.spanned(draw(_weights(count)), subspaces)


@st.composite
def _graphs(draw: st.DrawFn, rank: int, dimension: int, slope: Fraction) -> Vectors:
    """The graph of a linear map from the first coordinates, whose first entry is the slope."""
    free = dimension - rank
    entries = st.lists(st.sampled_from(_SLOPES), min_size=free, max_size=free)
    vectors = [[Fraction(int(i == j)) for j in range(rank)] + draw(entries) for i in range(rank)]
    if free:
        vectors[0][rank] = slope
    return vectors


def _on_axes(sizes: Sequence[int]) -> list[Vectors]:
    """Subspaces spanned by coordinates of their own."""
    axes = [[Fraction(int(i == j)) for j in range(sum(sizes))] for i in range(sum(sizes))]
    return [axes[sum(sizes[:k]) : sum(sizes[: k + 1])] for k in range(len(sizes))]


@st.composite
def _weights(draw: st.DrawFn, count: int) -> list[Fraction]:
    if count > 1 and draw(st.sampled_from((False, False, False, True))):
        rare = draw(st.sampled_from(_RARE))
        return [*((1 - rare) * share for share in shares([1] * (count - 1))), rare]
    return shares(draw(st.lists(st.integers(1, 9), min_size=count, max_size=count)))


def low_rank_instances(
    needs: Needs, targets: st.SearchStrategy[LowRankMixture] | None
) -> st.SearchStrategy[LowRankInstance]:
    """Low-rank instances: an observation where one is asked for, else samples."""
    if "observation" in needs.wanted:
        return _observations(needs, targets)
    pairs = [
        (rank, n)
        for rank in range(1, MOST_DIMENSIONS)
        for n in range(1, MOST_SAMPLES + 1)
        if satisfied(needs, {"number_of_samples": n, "subspace_rank": rank})
    ]
    if not pairs:
        raise ValueError("claim: no number of samples that is tried here satisfies its hypotheses")
    return _samplings(needs, targets, tuple(pairs))


def _components(needs: Needs) -> tuple[int, int]:
    """The least and the largest number of components that a claim is about."""
    if "inside" in needs.wanted or not satisfied(needs, {"number_of_components": 2}):
        return 1, 1
    return 1 if satisfied(needs, {"number_of_components": 1}) else 2, 3


def _targets(needs: Needs, ranks: Sequence[int] | None = None) -> st.SearchStrategy[LowRankMixture]:
    least, most = _components(needs)
    return low_rank_mixtures(min_components=least, max_components=most, ranks=ranks)


@st.composite
def _observations(
    draw: st.DrawFn, needs: Needs, targets: st.SearchStrategy[LowRankMixture] | None
) -> LowRankInstance:
    """A point in a subspace, near it or between two, and two directions."""
    from diffcert.low_rank import LowRankInstance

    target = draw(_targets(needs) if targets is None else targets)
    signal, noise = draw(st.sampled_from(_CHANNELS))
    if "signal" not in needs.positive and draw(
        st.sampled_from((False, False, False, False, True, False, False, False))
    ):
        signal = Fraction(0)
    d, basis = target.dimension, target.subspaces[0].basis
    offset = draw(st.sampled_from(_OFFSETS))
    x = [sum(column) + offset / (j + 2) for j, column in enumerate(zip(*basis, strict=True))]
    directions = st.lists(st.sampled_from(_COORDINATES), min_size=d, max_size=d)
    return LowRankInstance(target, signal, noise, x=x, v=draw(directions), w=draw(directions))


@st.composite
def _samplings(
    draw: st.DrawFn,
    needs: Needs,
    targets: st.SearchStrategy[LowRankMixture] | None,
    pairs: Sequence[tuple[int, int]],
) -> LowRankInstance:
    """Samples in general position, of every component in turn, with and without noise.

    `pairs` lists the ranks of the first component with the numbers of samples that a claim is about.
    """
    from diffcert.low_rank import LowRankInstance

    signal, noise = draw(st.sampled_from(_CHANNELS))
    noiseless = "noise_norm" in needs.zero
    if targets is None and "inside" in needs.wanted and not noiseless and draw(st.booleans()):
        return draw(_turned(signal, noise))
    rank, n = draw(st.sampled_from(pairs))
    target = draw(_targets(needs, [rank]) if targets is None else targets)
    samples = draw(_in_general_position([space.basis for space in target.subspaces], n))
    size = Fraction(0) if noiseless else draw(st.sampled_from(_ERRORS))
    drawn = st.lists(st.integers(-4, 4), min_size=target.dimension, max_size=target.dimension)
    errors = [[size * e for e in draw(drawn)] for _ in samples] if size else None
    return LowRankInstance(target, signal, noise, samples=samples, errors=errors)


@st.composite
def _in_general_position(draw: st.DrawFn, bases: Sequence[Any], n: int) -> Vectors:
    """n points, of each subspace in turn: any r of one subspace are independent up to its rank."""
    points, taken = [], [0] * len(bases)
    for i in range(n):
        k = i % len(bases)
        rank = len(bases[k])
        row = [Fraction(c) for c in draw(st.lists(st.integers(-3, 3), min_size=rank, max_size=rank))]
        if taken[k] < rank:
            row[taken[k]] = Fraction(1)
            row[taken[k] + 1 :] = [Fraction(0)] * (rank - taken[k] - 1)
        taken[k] += 1
        points.append(_combined(row, bases[k]))
    return points


@st.composite
def _turned(draw: st.DrawFn, signal: Fraction, noise: Fraction) -> LowRankInstance:
    """A sample of a line in the plane and one at 0, and noise that turns the direction by a right angle.

    It leaves a part of the first sample, and puts a little more than that across the line at 0.
    """
    from diffcert.low_rank import LowRankInstance
    from numerics import LowRankMixture

    slope = draw(st.sampled_from(_SLOPES))
    line = [Fraction(1), slope]
    left = draw(st.sampled_from(_TURNS))
    more = left + draw(st.sampled_from((Fraction(1, 100), Fraction(1, 10))))
    errors = [[(left - 1) * c for c in line], [-more * slope, more]]
    target = LowRankMixture.spanned([1], [[line]])
    return LowRankInstance(target, signal, noise, samples=[line, [0, 0]], errors=errors)


def _combined(row: Sequence[Fraction], basis: Any) -> list[Fraction]:
    return [
        sum((c * x for c, x in zip(row, column, strict=True)), Fraction(0))
        for column in zip(*basis, strict=True)
    ]
