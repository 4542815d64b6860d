"""Whether the mmse M is convex on [0, last]: a certified three-valued answer, and a float scan.

What belongs here: what follows from the sign of M'' = E[2 k2^3 - k3^2], k2 and k3 the posterior's
cumulants. What does not: its evaluation (`curvature`, whose D = 1 is used here too).

Past a certified point, and from 0 on, convexity is known for a stretch; elsewhere M'' is enclosed
over whole intervals of t. For the stretches let C = E k2^2. Cumulants of a law on an interval of
length 1 obey k2 <= 1/4, |k3| <= k2 sqrt(1 - 4 k2) (see `curvature`) and, as k2^2 <= E Y^4 <= k2 for Y
centred, -2 k2^2 <= k4 <= k2 - 3 k2^2. So 6 k2^4 + k4^2 <= k2^2, |k4| <= k2, and
|k5| <= E|Y|^5 + 10 k2 |k3| <= 1.97 k2. As u^2 (1 - 4 u) <= 1/108,

- M''' = E[-6 k2^4 + 12 k2 k3^2 - k4^2] >= -C;
- M'''' = E[24 k2^5 - 120 k2^2 k3^2 + 20 k2 k4^2 + 30 k3^2 k4 - k5^2]
  >= -(120/108 + 60/108 + 1.97^2) C >= -6 C.

Let M'' > 0 at a, or just after a = 0, and let t be its next zero. On [a, t] C' = -M'' <= 0, hence
C <= C(a) and 0 = M''(t) >= M''(a) - C(a) (t - a); from a = 0 also
0 >= M''(0) + M'''(0) t - 3 C(0) t^2. So M'' >= 0 on [a, a + M''(a)/C(a)], and on [0, l] as long as
M''(0) + M'''(0) l - 3 C(0) l^2 >= 0, even where M''(0) = 0 < M'''(0).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from typing import Any

import flint
import numpy as np

from numerics.arithmetic import balls, to_ball
from numerics.channel import choose_engine, snr
from numerics.cores import PointCore
from numerics.curvature import Budget, Sums, bits_of, enclose
from numerics.exact import rational
from numerics.line import Law, core_law
from numerics.nodes import MOST_TERMS, ratios
from numerics.structured import ProductCore
from numerics.targets import Target
from numerics.truth import PrecisionError

__all__ = ["MOST_TERMS", "mmse_is_convex", "mmse_is_convex_fast", "mmse_second_derivative"]

_SCAN_FROM = 0.02
_COARSE, _COARSE_NOISE = 14.0, 1e-4
_FINE, _FINE_NOISE = 26.0, 1e-9

_SMALL = 4.0
"""Stretches are tried below this snr, intervals alone above it."""

_LEAST_FACTOR, _LEAST_ACCURACY = 1e-6, 2.0

_LEAST, _LARGEST = Fraction(1, 10**100), Fraction(10**12)
"""The scan looks between these ratios."""


def mmse_is_convex(target: Target, last: Any, digits: int = 30) -> bool | None:
    """Whether M is convex on [0, last], certified; None where that was not decided.

    `last` is a signal-to-noise ratio >= 0 (an exact number or flint.arb). True only with a proof that
    M'' >= 0 on all of [0, last]; False only with a certified point where M'' < 0. It spends at most
    `MOST_TERMS` exponentials, and resolves the sign of M'' at a point down to 10^-digits D^2 E k2^2.
    Raises ValueError for bad arguments, SpanError where the means span more than a line.
    """
    choose_engine(digits, "certified")
    return _decide(_on_line(target)[0], *_ends(last), digits)


def mmse_is_convex_fast(target: Target, last: Any) -> bool:
    """Whether M'' >= 0 at all points of a float scan of [0, last]; it proves nothing.

    Raises ValueError, SpanError, and PrecisionError where a point takes too many nodes.
    """
    core, _ = _on_line(target)
    law = core_law(core)
    low, _ = _ends(last)
    if law is None or not low:
        return True
    if _negative_at_once(law):
        return False
    end = low * core.diameter_squared
    if end > _LEAST and _scan(law, float(min(end, _LARGEST)))[1] < -_FINE_NOISE:
        return False
    if end > _LARGEST:
        raise PrecisionError(f"last: beyond snr x diameter^2 = {float(_LARGEST)} nothing is scanned")
    return True


def mmse_second_derivative(target: Target, t: Any, digits: int = 15) -> flint.arb:
    """An enclosure of M''(t) = E[2 k2^3 - k3^2] to about 10^-digits D^2 E k2^2.

    In sixth powers of the units of the means. The answer for a ball t encloses M'' at all its points.
    Raises ValueError (also for a ball t that is neither 0 nor certainly positive), SpanError, and
    PrecisionError where it takes more than `MOST_TERMS` exponentials.
    """
    choose_engine(digits, "certified")
    core, copies = _on_line(target)
    accuracy = digits * math.log(10) + 5
    law = core_law(core)
    ratio = snr(t, "certified", bits_of(accuracy, 1.0))
    if law is None:
        return flint.arb(0)
    size = float(ratio.upper()) * float(core.diameter_squared)
    bits = bits_of(accuracy, size)
    with balls(bits).precision():
        unit = to_ball(core.diameter_squared)
        if ratio == 0:
            return copies * to_ball(_start(law)[0]) * unit**3
        if not ratio > 0:
            raise ValueError(f"t: {t} may be zero; give 0 or a positive ball")
        ratio = snr(t, "certified", bits) * unit
    sums = enclose(law, ratio, accuracy, Budget())
    with balls(bits).precision():
        return copies * sums.second * sums.factor(ratio) * unit**3


def _on_line(target: Target) -> tuple[PointCore, int]:
    """The core on a line of whose copies, that many, the target is made; SpanError if there is none."""
    core = target.core
    factor, copies = (core.factor, core.copies) if isinstance(core, ProductCore) else (core, 1)
    core_law(factor)
    assert isinstance(factor, PointCore)
    return factor, copies


def _ends(last: Any) -> tuple[Fraction, Fraction]:
    """The exact lower and upper end of what was given for `last`."""
    if isinstance(last, flint.arb):
        if not last.is_finite() or last < 0:
            raise ValueError(f"last: {last} is not a finite signal-to-noise ratio >= 0")
        pairs = last.mid().man_exp(), last.rad().man_exp()
        middle, radius = (Fraction(int(m)) * Fraction(2) ** int(e) for m, e in pairs)
        return max(middle - radius, Fraction(0)), middle + radius
    exact = rational(last, "last")
    if exact < 0:
        raise ValueError(f"last: {last} is negative; a signal-to-noise ratio is >= 0")
    return exact, exact


@lru_cache(maxsize=256)
def _start(law: Law) -> tuple[Fraction, Fraction, Fraction]:
    """M''(0), M'''(0) and C(0), exactly."""

    def moment(n: int) -> Fraction:
        return sum((w * b**n for w, b in zip(law.weights, law.atoms, strict=True)), Fraction(0))

    k2, k3 = moment(2), moment(3)
    k4 = moment(4) - 3 * k2 * k2
    return 2 * k2**3 - k3**2, -6 * k2**4 + 12 * k2 * k3**2 - k4**2, k2**2


def _negative_at_once(law: Law) -> bool:
    """Whether M'' < 0 at 0 or just after it, exactly."""
    second, third, _ = _start(law)
    return second < 0 or (second == 0 and third < 0)


def _first_stretch(law: Law) -> float:
    """An l with M'' >= 0 on [0, l], as large as the two bounds give; 0.0 if there is none."""
    second, third, square = _start(law)
    if second < 0:
        return 0.0
    a, b = float(second / square), float(third / square)
    root = math.sqrt(b * b + 12 * a)
    length = max(a, 2 * a / (root - b) if b < 0 else (b + root) / 6) * (1 - 1e-9)
    exact = Fraction(length)
    if second >= square * exact or second + third * exact >= 3 * square * exact**2:
        return length
    return 0.0


def _scan(law: Law, end: float) -> tuple[float, float]:
    """The point of (0, end] where M''/C is least, as far as a scan can tell, and that value."""
    low = min(_SCAN_FROM, end / 2)
    times = np.geomspace(low, end, 6 + int(4 * math.log(end / low)))
    accuracy = _COARSE
    for _ in range(4):
        times[-1] = min(times[-1], end)
        found = ratios(law, times, accuracy)
        best = int(found.argmin())
        around = slice(max(best - 1, 0), best + 2)
        point, least = float(times[best]), float(found[best])
        if accuracy == _COARSE and least > max(_COARSE_NOISE, np.ptp(found[around])):
            break
        times = np.geomspace(times[around][0], times[around][-1], 9)
        accuracy = _FINE
    return point, least


@lru_cache(maxsize=4096)
def _decide(core: PointCore, low: Fraction, high: Fraction, digits: int) -> bool | None:
    """The answer of `mmse_is_convex` for an end known to lie in [low, high]."""
    law = core_law(core)
    if law is None or not high:
        return True
    if low and _negative_at_once(law):
        return False
    try:
        return _Proof(law, digits).run(low * core.diameter_squared, high * core.diameter_squared)
    except PrecisionError:
        return None


@dataclass
class _Proof:
    """One march along [0, end], and what it learns on the way."""

    law: Law
    digits: int
    accuracy: float = 6.0
    budget: Budget = field(default_factory=Budget)

    def run(self, low: Fraction, high: Fraction) -> bool | None:
        """Whether M'' >= 0 up to an end that lies in [low, high]."""
        reached, factor = _first_stretch(self.law), 0.05
        if reached >= high:
            return True
        inside = math.nextafter(float(min(low, _LARGEST)), 0)
        if inside > _LEAST:
            worst, ratio = _scan(self.law, inside)
            if ratio < 0 and self.at(worst).second < 0:
                return False
        if not reached or high > _LARGEST:
            return None
        end = math.nextafter(float(high), math.inf)
        while reached < end:
            if reached < _SMALL:
                stretch = _lower_ratio(self.at(reached))
                if stretch > factor * reached:
                    reached += stretch
                    continue
            goal = min(reached * (1 + factor), end)
            with balls(64).precision():
                between = flint.arb(reached).union(flint.arb(goal))
            sums = self.enclose(between, self.accuracy)
            error, radius = float(sums.error), float(sums.second.rad())
            if sums.second > 0:
                reached, factor = goal, min(1.1 * factor, 0.5)
                blurred = error > 0.2 * float(sums.second)
                self.accuracy = max(_LEAST_ACCURACY, self.accuracy + (0.5 if blurred else -0.5))
            elif not error < radius / 2 and self.accuracy < self.limit:
                self.accuracy += 1.0
            elif factor > _LEAST_FACTOR:
                factor /= 1.4
            else:
                return self.refuted_beyond(reached, inside)
        return True

    def refuted_beyond(self, reached: float, inside: float) -> bool | None:
        """False if M'' < 0 is certain somewhere in the neighbourhood, None otherwise."""
        for exponent in range(1, 7):
            t = reached * (1 + 10.0**-exponent)
            if t <= inside and self.at(t).second < 0:
                return False
        return None

    @property
    def limit(self) -> float:
        """The accuracy that `digits` allow."""
        return self.digits * math.log(10)

    def enclose(self, t: flint.arb, accuracy: float) -> Sums:
        """The sums for a ball t, paid from the budget."""
        return enclose(self.law, t, accuracy, self.budget)

    def at(self, t: float) -> Sums:
        """The sums at a point, as accurate as it takes to know the sign, if `digits` allow that."""
        accuracy = self.accuracy
        while True:
            sums = self.enclose(flint.arb(t), accuracy)
            if sums.second > 0 or sums.second < 0 or accuracy > self.limit:
                return sums
            accuracy = 1.5 * accuracy + 4


def _lower_ratio(sums: Sums) -> float:
    """A float just below M''/C; 0.0 where that is not known to be positive."""
    with balls(64).precision():
        ratio = float((sums.second / sums.square).lower())
    return ratio * (1 - 1e-9) if math.isfinite(ratio) and ratio > 0 else 0.0
