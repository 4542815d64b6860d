"""Certified KL between the law at the last level and the output of a stochastic sampler.

What belongs here: the integral of p log(p/q). What does not: the explicit approximation of q and what it
misses (`certified`, `gaussian_sums`).

In the core's variable R at the last level p is a mixture of Gaussians of variance 1/t, so that
int p log p = -(1/2) log(2 pi e/t) - I(t). The explicit q~ is off by at most m in L1, and by at most m/s
everywhere, s the deviation of the last step's noise: what was missed before that noise is smoothed by
it, and what the step itself misses is bounded through its kernel as well (moving a Gaussian by e changes
it by 0.8 e/s in L1 and by 0.25 e/s^2 in height; a relative change r of its variance by r, and by 0.4 r/s).

On a cell of half-width r about c, with u = x - c and |q~''| <= b, q lies within e of q~(c) + q~'(c) u,
e = b r^2/2 + m/s + rounding. The logarithm of an affine function is concave: it is at least its chord and
at most its tangent, both affine, and int p and int p u over the cell are known. Where q may vanish, and
beyond the cells, q >= (1/2) phi_s(|x - c_0| + M), since the iterate before the last noise is within M of
c_0 with probability 1/2 at least, and q <= 1/(s sqrt(2 pi)).
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import flint

from numerics.arithmetic import balls
from numerics.channel import functional_truth
from numerics.exact import choice
from numerics.output_law.certified import BITS, begun, check_sampler, stepped
from numerics.output_law.gaussian_sums import GaussianSum, rounded_sum
from numerics.samplers import Ddpm, Sampler
from numerics.schedules import Schedule
from numerics.targets import Mixture
from numerics.truth import PrecisionError, Truth

__all__ = ["certified_output_kl"]

MOST_CELLS = 100_000
"""The most cells of one integral."""
_CELLS_PER_WIDTH = (64, 512)
"""The second, where the first leaves more than a tenth open."""
_DIGITS = 20


@lru_cache(maxsize=64)
def certified_output_kl(
    target: Mixture, schedule: Schedule, sampler: Sampler | None = None, start: str = "exact"
) -> Truth:
    """KL(law at the last level || law of the sampler's output), in nats, as a ball.

    For the samplers and targets of `certified_tv`, whose every step must be made. The radius is what the
    method gives: about 1e-4, at most a tenth of the KL, or 1e-6. Raises ValueError for other samplers,
    SpanError, PrecisionError where a step or the integral takes too many nodes. Source: mathematics.md,
    section 7.
    """
    rule = Ddpm() if sampler is None else sampler
    choice(start, "start", ("exact", "normal"))
    check_sampler(target, rule, start)
    with balls(2 * BITS).precision():
        run = begun(target, schedule, rule, start)
    weights, where, wide = run.weights, run.atoms, run.at_last
    with balls(BITS).precision():
        current, missed = rounded_sum(*run.opening)
        reached = _interval(*current.reach())
        for index, kernel in enumerate(run.kernels):
            before = _interval(*current.reach())
            made = stepped(current, kernel, weights, where)
            if made is None:
                raise PrecisionError(f"output_kl: step {index} takes too many nodes")
            current, more = made
            missed += more
            reached = kernel.keep * before + kernel.pull * where[0].union(where[-1])
        entropy = (2 * flint.arb.pi() * wide).log() / 2 + flint.arb("0.5")
        entropy += functional_truth("mutual_information", target, 1 / wide, _DIGITS).value
        law = _Law(weights, where, wide)
        value = _divergence(law, current, missed, reached, _CELLS_PER_WIDTH[0]) - entropy
        for cells in _CELLS_PER_WIDTH[1:]:
            if value.rad() < abs(value).upper() / 10:
                break
            try:
                finer = _divergence(law, current, missed, reached, cells) - entropy
            except PrecisionError:
                break
            value = finer.intersection(value)
        if value.upper() > 0:
            value = value.intersection(flint.arb(0).union(value.upper()))
    notes = (*target.notes, *schedule.notes(target))
    return Truth(
        "output_kl", value, 0.0, "certified", None, "explicit sums of Gaussians, cell by cell", notes
    )


def _interval(low: float, high: float) -> flint.arb:
    return flint.arb(low).union(flint.arb(high))


class _Law:
    """The mixture p: its mass and its first moment on intervals, and what lies beyond."""

    def __init__(self, weights: list[flint.arb], atoms: list[flint.arb], variance: flint.arb) -> None:
        self.weights, self.atoms, self.variance = weights, atoms, variance
        self.width = variance.sqrt()

    def ends(self, x: flint.arb) -> list[tuple[flint.arb, flint.arb, flint.arb]]:
        """Of each component: the mass below x, the mass above it, the density at x times the variance."""
        found = []
        scale = 1 / (self.width * flint.arb(2).sqrt())
        height = self.width / (2 * flint.arb.pi()).sqrt()
        for a in self.atoms:
            u = (x - a) * scale
            found.append(((-u).erfc() / 2, u.erfc() / 2, height * (-(u * u)).exp()))
        return found

    def between(self, left: Any, right: Any, centre: flint.arb) -> tuple[flint.arb, flint.arb]:
        """int p and int p (x - centre) between two points, from `ends`."""
        mass = moment = flint.arb(0)
        for w, a, (below, above, height), (below_r, above_r, height_r) in zip(
            self.weights, self.atoms, left, right, strict=True
        ):
            share = above - above_r if a < centre else below_r - below
            mass += w * share
            moment += w * ((a - centre) * share + height - height_r)
        return mass, moment

    def beyond(self, ends: Any, edge: flint.arb, centre: flint.arb, reach: flint.arb, side: int) -> Any:
        """int p and int p (|x - centre| + reach)^2 over what lies beyond an edge on one side."""
        mass = square = flint.arb(0)
        for w, a, (below, above, height) in zip(self.weights, self.atoms, ends, strict=True):
            tail = above if side > 0 else below
            far = abs(a - centre) + reach
            u = side * (edge - a)
            mass += w * tail
            square += w * (self.variance * tail + u * height + 2 * far * height + far * far * tail)
        return mass, square


def _divergence(p: _Law, q: GaussianSum, missed: flint.arb, reached: flint.arb, cells: int) -> flint.arb:
    """-int p log q as a ball, with so many cells in the narrower of both widths."""
    s = flint.arb(q.width)
    off = float((missed / s).upper())
    width = float(p.width.mid())
    h = 2.0 ** math.floor(math.log2(min(q.width, width) / cells))
    low, high = float(p.atoms[0].mid()) - 12 * width, float(p.atoms[-1].mid()) + 12 * width
    first, count = math.floor(low / h), 0
    count = math.ceil(high / h) - first + 1
    if not count < MOST_CELLS:
        raise PrecisionError(f"output_kl: the integral takes {count:.3g} cells (limit {MOST_CELLS})")
    seen = q.samples(h, first, count)
    r = flint.arb(h) / 2
    centre = flint.arb(reached.mid())
    reach = abs(reached - centre).upper()
    highest = -(s * (2 * flint.arb.pi()).sqrt()).log()
    lower = upper = flint.arb(0)
    """Bounds of int p log q."""
    bad_mass = bad_square = flint.arb(0)
    left = p.ends((flint.arb(first) - flint.arb("0.5")) * h)
    edges = [left]
    for k in range(count):
        x = flint.arb(first + k) * h
        right = p.ends(x + r)
        mass, moment = p.between(left, right, x)
        left = right
        value, slope = flint.arb(float(seen.value[k])), flint.arb(float(seen.slope[k]))
        error = flint.arb(float(seen.bend[k])) * r * r / 2 + float(seen.value_error[k])
        error = (error + r * float(seen.slope_error[k]) + off).upper()
        at_left, at_right = value - error - slope * r, value - error + slope * r
        if not (at_left > 0 and at_right > 0):
            bad_mass += mass
            far = abs(x - centre).upper() + r + reach
            bad_square += mass * far * far
            continue
        ends = at_left.log(), at_right.log()
        lower += mass * (ends[0] + ends[1]) / 2 + moment * (ends[1] - ends[0]) / (2 * r)
        top = value + error
        upper += mass * top.log() + moment * slope / top
    edges.append(left)
    for side, ends_at, place in ((-1, edges[0], first - 0.5), (1, edges[1], first + count - 0.5)):
        mass, square = p.beyond(ends_at, flint.arb(place) * h, centre, flint.arb(reach), side)
        bad_mass += mass
        bad_square += square
    least = bad_mass * (highest - flint.arb(2).log()) - bad_square / (2 * s * s)
    return -(lower + least).union(upper + bad_mass * highest)
