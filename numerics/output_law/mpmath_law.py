"""Distances of a deterministic sampler's output in mpmath: the independent route.

What belongs here: the samplers' steps written from their definitions in sigma, preimages, and integrals
over y by a double-exponential rule whose step is halved until two results agree. It shares the noise
levels with the other engines and nothing else; turning points are found on a grid, and errors are
estimates.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, partial
from itertools import pairwise
from typing import Any

import mpmath

from numerics.arithmetic import mpmath_numbers
from numerics.output_law.certified_law import check
from numerics.output_law.chain import Chain, levels_of
from numerics.samplers import DpmSolverPlusPlus, Heun
from numerics.truth import PrecisionError, Truth

__all__ = ["mpmath_truth"]

METHOD = "double-exponential rule over the output's line, mpmath"

_SCAN = 3000
_MOST_HALVINGS = 9

Number = Any


@dataclass(frozen=True)
class _Law:
    """sum w_i N(a_i, variance); variance 0 is the discrete law."""

    weights: list[Number]
    atoms: list[Number]
    variance: Number

    def density(self, x: Number) -> Number:
        """The density."""
        parts = (
            w * mpmath.exp(-((x - a) ** 2) / (2 * self.variance))
            for w, a in zip(self.weights, self.atoms, strict=True)
        )
        return mpmath.fsum(parts) / mpmath.sqrt(2 * mpmath.pi * self.variance)

    def tail(self, x: Number, side: int) -> Number:
        """The mass below (side -1) or above x; an atom at x counts below."""
        if not self.variance:
            inside = (w for w, a in zip(self.weights, self.atoms, strict=True) if (a <= x) == (side < 0))
            return mpmath.fsum(inside)
        root = mpmath.sqrt(2 * self.variance)
        parts = (
            w * mpmath.erfc(side * (x - a) / root) for w, a in zip(self.weights, self.atoms, strict=True)
        )
        return mpmath.fsum(parts) / 2


class _Output:
    """The map, its branches, and the output's density and distribution function, in units of R."""

    def __init__(self, chain: Chain, digits: int) -> None:
        """Within mpmath's working precision."""
        ops = mpmath_numbers(digits)
        target, schedule, sampler = chain.target, chain.schedule, chain.sampler
        self.sampler, self.v = sampler, ops.number(target.variance)
        self.weights = [ops.number(w) for w in chain.weights]
        self.atoms = [ops.number(a[0]) for a in sorted(target.means)]
        self.mean = mpmath.fsum(w * a for w, a in zip(self.weights, self.atoms, strict=True))
        levels = levels_of(schedule, target, ops)
        self.silent = not levels[0].signal > 0
        self.sigmas: list[Number] = [
            None if not x.signal > 0 else mpmath.sqrt(x.noise / x.signal) for x in levels
        ]
        error = sampler.score_error
        constant = ops.number(error) if isinstance(error, Fraction) else mpmath.mpf(0)
        by_core = schedule.convention == "snr"
        self.errors = [
            constant * (1 if not by_core or s is None else s**2 / (s**2 + self.v)) for s in self.sigmas
        ]
        first, last = levels[0], levels[-1]
        own = _Law([mpmath.mpf(1)], [mpmath.mpf(0)], mpmath.mpf(1))
        if not self.silent and chain.start == "normal":
            unit = first.noise if schedule.convention == "sigmas" else mpmath.mpf(1)
            own = _Law([mpmath.mpf(1)], [mpmath.mpf(0)], unit / first.signal)
        elif not self.silent:
            own = _Law(self.weights, self.atoms, self.v + first.noise / first.signal)
        self.start = own
        self.last = _Law(self.weights, self.atoms, self.v + last.noise / last.signal)
        self.scale = mpmath.mpf(1) if by_core else mpmath.sqrt(last.signal)
        self.goal = mpmath.mpf(10) ** (-digits / mpmath.mpf(3))
        self.small = mpmath.mpf(10) ** (-mpmath.mpf(digits) * 9 / 10)

    def reference(self, name: str, noise_free: bool) -> _Law:
        """The law that the output is compared with."""
        if name == "last_level" or (noise_free and self.v):
            return self.last
        return _Law(self.weights, [a / self.scale for a in self.atoms], self.v / self.scale**2)

    def _denoised(self, k: int, r: Number, slope: Number) -> tuple[Number, Number]:
        """E[X | x] with its derivative by the start."""
        square = self.sigmas[k] ** 2
        spread = square + self.v
        logs = [
            mpmath.log(w) - (r - a) ** 2 / (2 * spread)
            for w, a in zip(self.weights, self.atoms, strict=True)
        ]
        top = max(logs)
        parts = [mpmath.exp(x - top) for x in logs]
        total = mpmath.fsum(parts)
        mean = mpmath.fsum(p * a for p, a in zip(parts, self.atoms, strict=True)) / total
        second = mpmath.fsum(p * (a - mean) ** 2 for p, a in zip(parts, self.atoms, strict=True)) / total
        value = (square * mean + self.v * r) / spread + self.errors[k]
        return value, (square * second / spread + self.v) / spread * slope

    def map(self, start: Number) -> tuple[Number, Number]:
        """The output from a start, with its derivative."""
        r, slope, first = start, mpmath.mpf(1), 0
        if self.silent:
            r, slope, first = self.mean + self.errors[0] + self.sigmas[1] * start, self.sigmas[1], 1
        before: tuple[Number, Number, Number] | None = None
        for k in range(first, len(self.sigmas) - 1):
            now, following = self.sigmas[k], self.sigmas[k + 1]
            d, bend = self._denoised(k, r, slope)
            if isinstance(self.sampler, Heun) and following:
                step = following - now
                drift, turn = (r - d) / now, (slope - bend) / now
                euler, euler_slope = r + step * drift, slope + step * turn
                other, other_bend = self._denoised(k + 1, euler, euler_slope)
                r += step * (drift + (euler - other) / following) / 2
                slope += step * (turn + (euler_slope - other_bend) / following) / 2
                continue
            wanted, wanted_bend = d, bend
            if isinstance(self.sampler, DpmSolverPlusPlus) and following:
                length = mpmath.log(now / following)
                if before is not None:
                    share = length / (2 * before[2])
                    wanted, wanted_bend = d + share * (d - before[0]), bend + share * (bend - before[1])
                before = d, bend, length
            kept = following / now
            r, slope = kept * r + (1 - kept) * wanted, kept * slope + (1 - kept) * wanted_bend
        return r, slope

    @cached_property
    def ends(self) -> tuple[Number, Number]:
        """Starts beyond which neither law has mass."""
        found = []
        for side in (-1, 1):
            edge = self.start.atoms[-1 if side > 0 else 0]
            width = mpmath.sqrt(self.start.variance)
            reach = mpmath.sqrt(-2 * mpmath.log(self.goal)) * width * mpmath.mpf("1.2")
            for _ in range(300):
                x = edge + side * reach
                y, slope = self.map(x)
                way = side if slope > 0 else -side
                last = self.last.tail(y, way) < self.goal * self.goal
                if last and abs(y) >= abs(self.atoms[-1 if way > 0 else 0]) / min(self.scale, 1):
                    break
                reach *= mpmath.mpf("1.3")
            found.append(x)
        return found[0], found[1]

    @cached_property
    def branches(self) -> list[tuple[Number, Number, Number, Number]]:
        """Ends and their images of the intervals on which the map is monotone."""
        low, high = self.ends
        with mpmath.workdps(20):
            marks = [low + (high - low) * i / _SCAN for i in range(_SCAN + 1)]
            signs = [self.map(x)[1] > 0 for x in marks]
        turns = [(marks[i], marks[i + 1]) for i in range(_SCAN) if signs[i] != signs[i + 1]]
        cuts = [low]
        for a, b in turns:
            cuts.append(_zero_between(lambda x: self.map(x)[1], mpmath.mpf(a), mpmath.mpf(b), self.small))
        cuts.append(high)
        values = [self.map(x)[0] for x in cuts]
        while len(cuts) > 2 and not (
            min(values[1:-1]) > min(values[0], values[-1])
            and max(values[1:-1]) < max(values[0], values[-1])
        ):
            cuts[0] -= (high - low) / 4
            cuts[-1] += (high - low) / 4
            values[0], values[-1] = self.map(cuts[0])[0], self.map(cuts[-1])[0]
        return [(a, b, c, d) for (a, b), (c, d) in zip(pairwise(cuts), pairwise(values), strict=True)]

    def preimages(self, y: Number) -> list[tuple[Number, Number]]:
        """The starts that go to y, with the map's slope there."""
        found = []
        for a, b, c, d in self.branches:
            if (c - y) * (d - y) >= 0:
                continue
            low, high, x = a, b, (a + b) / 2
            for _ in range(400):
                value, slope = self.map(x)
                if (value < y) == (d > c):
                    low = x
                else:
                    high = x
                moved = x - (value - y) / slope if slope else low
                moved = moved if low < moved < high else (low + high) / 2
                done = abs(moved - x) <= self.small * (abs(x) + self.small)
                x = moved
                if done:
                    break
            found.append((x, self.map(x)[1]))
        return found

    def density(self, y: Number) -> Number:
        """The density of R."""
        return mpmath.fsum(self.start.density(x) / abs(slope) for x, slope in self.preimages(y))

    def below(self, y: Number) -> Number:
        """P(R <= y): rising branches add from below, falling ones from above."""
        total = mpmath.mpf(0 if self.branches[0][3] > self.branches[0][2] else 1)
        found = self.preimages(y)
        for x, slope in found:
            mass = self.start.tail(x, -1)
            total += mass if slope > 0 else -mass
        if not found:
            least = min(min(c, d) for _, _, c, d in self.branches)
            return mpmath.mpf(0 if y <= least else 1)
        return total


def _zero_between(function: Callable[[Number], Number], low: Number, high: Number, small: Number) -> Number:
    """A zero between two points of opposite signs, by bisection."""
    sign = function(low) > 0
    for _ in range(10000):
        middle = (low + high) / 2
        if high - low <= small * abs(middle) or not low < middle < high:
            break
        if (function(middle) > 0) == sign:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _double_exponential(
    function: Callable[[Number], list[Number]], low: Number, high: Number, goal: Number
) -> tuple[list[Number], Number]:
    """Integrals over an interval and the difference of the last two of them."""
    half, middle = (high - low) / 2, (high + low) / 2
    reach = mpmath.asinh(2 / mpmath.pi * mpmath.atanh(1 - mpmath.eps * 4))

    def part(t: Number) -> list[Number]:
        u = mpmath.pi / 2 * mpmath.sinh(t)
        y = middle + half * mpmath.tanh(u)
        if not low < y < high:
            return []
        weight = half * mpmath.pi / 2 * mpmath.cosh(t) / mpmath.cosh(u) ** 2
        return [weight * x for x in function(y)]

    step = mpmath.mpf(1) / 2
    count = int(reach / step)
    parts = [p for p in (part(step * i) for i in range(-count, count + 1)) if p]
    sums = [mpmath.fsum(column) for column in zip(*parts, strict=True)]
    result = [step * s for s in sums]
    gap = mpmath.inf
    for _ in range(_MOST_HALVINGS):
        step /= 2
        count = int(reach / step)
        fresh = [p for p in (part(step * i) for i in range(-count - (count + 1) % 2, count + 1, 2)) if p]
        sums = [s + mpmath.fsum(column) for s, column in zip(sums, zip(*fresh, strict=True), strict=True)]
        following = [step * s for s in sums]
        gap = max(abs(a - b) for a, b in zip(result, following, strict=True))
        result = following
        if gap <= goal:
            return result, gap
    raise PrecisionError(f"output_law: halving the step stopped at a difference of {mpmath.nstr(gap, 3)}")


def mpmath_truth(chain: Chain, distance: str, reference: str, digits: int) -> dict[str, Truth]:
    """The distance as an mpf with an estimated error, by name, with others that were found on the way.

    Raises ValueError and SpanError like the certified engine, PrecisionError where the integrals do not
    settle.
    """
    check(chain)
    working = 3 * digits + 15
    with mpmath_numbers(working).precision():
        output = _Output(chain, working)
        law = output.reference(reference, chain.schedule.ends_noise_free)
        notes = chain.notes
        if len(output.branches) > 1:
            notes = (*notes, f"the sampler's map is not monotone: {len(output.branches) - 1} folds found")

        def truth(name: str, value: Number, error: Number) -> Truth:
            return Truth(name, +value, float(error), "mpmath", digits, METHOD, notes)

        if not law.variance and not distance.startswith("wasserstein"):
            exact = {"tv": 1, "kl": mpmath.inf, "reverse_kl": mpmath.inf, "hellinger": 1}
            return {name: truth(name, mpmath.mpf(x), 0) for name, x in exact.items()}
        goal = mpmath.mpf(10) ** (-digits - 3)
        if distance == "tv":
            value, error = _absolute(output, law, goal, lambda y: output.density(y) - law.density(y))
            return {"tv": truth("tv", value / 2, error / 2)}
        if distance == "wasserstein_1":
            value, error = _absolute(output, law, goal, lambda y: output.below(y) - law.tail(y, -1))
            return {distance: truth(distance, value * output.scale, error * output.scale)}
        if distance == "wasserstein_2":
            value, error = _coupling(output, law, goal)
            root = mpmath.sqrt(value)
            return {distance: truth(distance, root * output.scale, error / (2 * root) * output.scale)}
        return {name: truth(name, *pair) for name, pair in _divergences(output, law, goal).items()}


def _marks(output: _Output, law: _Law) -> list[Number]:
    """Points between which the laws are smooth: images of folds, atoms and what surrounds them."""
    values = [x for _, _, c, d in output.branches for x in (c, d)]
    low, high = min(values), max(values)
    inner = [*values, *law.atoms]
    width = mpmath.sqrt(output.last.variance)
    inner += [a + k * width for a in law.atoms for k in (-8, -4, -2, 2, 4, 8)]
    inner += [(a + b) / 2 for a, b in pairwise(law.atoms)]
    kept = sorted(y for y in inner if low <= y <= high)
    marks = [kept[0]]
    for y in kept[1:]:
        if y - marks[-1] > output.small * (high - low):
            marks.append(y)
    return marks


def _absolute(
    output: _Output, law: _Law, goal: Number, difference: Callable[[Number], Number]
) -> tuple[Number, Number]:
    """int |difference| between sign changes found on a grid."""
    total = error = mpmath.mpf(0)
    for a, b in pairwise(_marks(output, law)):
        with mpmath.workdps(mpmath.mp.dps // 2):
            grid = [a + (b - a) * (2 * i + 1) / 80 for i in range(40)]
            signs = [difference(y) > 0 for y in grid]
        cuts = [a]
        for i in range(39):
            if signs[i] != signs[i + 1]:
                cuts.append(_zero_between(difference, mpmath.mpf(grid[i]), mpmath.mpf(grid[i + 1]), goal))
        cuts.append(b)
        for c, d in pairwise(cuts):
            (value,), gap = _double_exponential(lambda y: [difference(y)], c, d, goal)
            total, error = total + abs(value), error + gap
    return total, error + goal


def _divergences(output: _Output, law: _Law, goal: Number) -> dict[str, tuple[Number, Number]]:
    """KL both ways and the Hellinger distance."""

    def integrand(y: Number) -> list[Number]:
        q, p = output.density(y), law.density(y)
        if not q or not p:
            return [mpmath.mpf(0)] * 3
        log = mpmath.log(q / p)
        return [-p * log, q * log, mpmath.sqrt(p * q)]

    sums, error = [mpmath.mpf(0)] * 3, mpmath.mpf(0)
    for a, b in pairwise(_marks(output, law)):
        values, gap = _double_exponential(integrand, a, b, goal)
        sums, error = [s + x for s, x in zip(sums, values, strict=True)], error + gap
    kl, reverse, affinity = sums
    square = max(1 - affinity, mpmath.mpf(0))
    root, error = mpmath.sqrt(square), error + goal
    doubt = error / max(root, mpmath.sqrt(error))
    return {"kl": (kl, error), "reverse_kl": (reverse, error), "hellinger": (root, doubt)}


def _quantile(output: _Output, law: _Law, level: Number) -> Number:
    """The reference's quantile; against a discrete law the atom."""
    if not law.variance:
        total = mpmath.mpf(0)
        for w, a in zip(law.weights, law.atoms, strict=True):
            total += w
            if level <= total:
                return a
        return law.atoms[-1]
    reach = mpmath.sqrt(-4 * mpmath.log(output.small) * law.variance)
    low, high = law.atoms[0] - reach, law.atoms[-1] + reach
    x = (low + high) / 2
    for _ in range(600):
        value = law.tail(x, -1) - level
        low, high = (x, high) if value < 0 else (low, x)
        density = law.density(x)
        moved = x - value / density if density else low
        moved = moved if low < moved < high else (low + high) / 2
        done = abs(moved - x) <= output.small * (1 + abs(x))
        x = moved
        if done:
            break
    return x


def _excess(output: _Output, level: Number, y: Number) -> Number:
    return output.below(y) - level


def _coupling(output: _Output, law: _Law, goal: Number) -> tuple[Number, Number]:
    """W_2^2 as an integral over the output's mass."""
    cuts = _marks(output, law)
    if not law.variance:
        level = mpmath.mpf(0)
        for w in law.weights[:-1]:
            level += w
            ends = cuts[0], cuts[-1]
            cuts = sorted({*cuts, _zero_between(partial(_excess, output, level), *ends, goal * goal)})

    def integrand(y: Number) -> list[Number]:
        return [(y - _quantile(output, law, output.below(y))) ** 2 * output.density(y)]

    total = error = mpmath.mpf(0)
    for a, b in pairwise(cuts):
        (value,), gap = _double_exponential(integrand, a, b, goal)
        total, error = total + value, error + gap
    return total, error + goal
