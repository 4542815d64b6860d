"""Quantities of a path that are enclosed between two bounds instead of computed to all digits.

What belongs here: the least path KL over the phases, the supremum of C on the first step, the rate of the
best schedule. What does not: quantities with a closed form or a quadrature (`bindings`).

Each is returned as `(lower, upper)`; balls that contain the true ends. With more digits the grid is finer.

**Phases.** `K(c) = (1/2) sum over steps of int C(s) (c t_(k+1) - s) ds`, over s from c t_k to c t_(k+1),
is the path KL on the knots c t_k. For c between c_j and c_(j+1) each step is at least what is left of it
from c_(j+1) t_k to c_j t_(k+1): the knot c t_(k+1) is no earlier than c_j t_(k+1). That is the KL of a
step, by M and I at its ends. The values K(c_j) bound the infimum from above.

**Supremum of C.** `-(D^2/2) C <= C' <= D^2 C`: on a cell of length h, C is at most `C(a) exp(D^2 h)`, at
most `C(b) exp(D^2 h/2)`, and so at most `C(a)^(1/3) C(b)^(2/3) exp(D^2 h/3)`, since where both apply the
less of them is at most that mean; and at most `(D^2/4) M(a)`. It is at least its values at the ends.

**Rate.** On a cell from a to b, of length h, with `M(a) - M(b) = int C`: `int sqrt(C)` is at most
`sqrt(h (M(a) - M(b)))` (Cauchy and Schwarz) and at least `(M(a) - M(b))/sqrt(sup C)`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from numerics.channel import functional_truth
from numerics.cores import Functional, PointCore
from numerics.structured import OrthogonalCore, ProductCore

if TYPE_CHECKING:
    from diffcert.bindings import Values

__all__ = [
    "best_phase_kl",
    "best_rate",
    "covariance_norm",
    "covariance_supremum",
    "radius_squared",
    "within",
]

DIGITS = 12
"""Digits of M, I and C, more where the grids are finer: the width of an enclosure comes from its grid."""

FAST_PHASES = 4
PHASES = 8
CELLS = 8
_GRID_DIGITS = 30
"""Digits for which the grids have the sizes above; twice the digits, twice as fine."""


def within(low: Any, high: Any, engine: str) -> tuple[Any, float]:
    """An enclosure as a value and its error: a ball with error 0, or the middle and half the width."""
    if engine == "certified":
        return low.union(high), 0.0
    return (low + high) / 2, float(abs(high - low)) / 2


class _Channel:
    """M, I and C of an instance's core at any snr, in the number system of its values."""

    def __init__(self, values: Values) -> None:
        self._target, self._engine = values.target, values.engine
        self._digits = None if values.digits is None else min(values.digits, _refined(values, DIGITS))
        self._core_moment = values.exact("covariance_norm")
        self.ops = values.arithmetic
        self.variance = self.ops.number(values.target.core.variance)
        self.diameter_squared = self.ops.number(values.target.core.diameter_squared)

    def _at(self, functional: Functional, t: Any) -> Any:
        return functional_truth(functional, self._target, t, self._digits, self._engine).value

    def mmse(self, t: Any) -> Any:
        return self.variance if t == 0 else self._at("mmse", t)

    def information(self, t: Any) -> Any:
        return self.ops.number(0) if t == 0 else self._at("mutual_information", t)

    def moment(self, t: Any) -> Any:
        return self.ops.number(self._core_moment) if t == 0 else self._at("covariance_moment", t)

    def supremum(self, a: Any, b: Any, moments: tuple[Any, Any], mmse: Any) -> Any:
        """An upper bound of C on [a, b] from C at both ends and M at a."""
        rise = self.diameter_squared * (b - a)
        first, last = moments
        bounds = [self.diameter_squared * mmse / 4]
        if rise < _STEEP:
            bounds += [first * self.ops.exp(rise), last * self.ops.exp(rise / 2)]
        if rise < _STEEP and first > 0 and last > 0:
            mean = (self.ops.log(first) + 2 * self.ops.log(last) + rise) / 3
            bounds.append(self.ops.exp(mean))
        return self.least(bounds)

    def least(self, numbers: Sequence[Any]) -> Any:
        return -self.ops.maximum([-x for x in numbers])


def _refined(values: Values, count: int) -> int:
    return count * max(1, -(-(values.digits or 0) // _GRID_DIGITS))


def _knots(values: Values) -> list[Any]:
    return list(values.schedule.snr(values.target, values.digits, values.engine))


@dataclass(frozen=True)
class _Path:
    """The knots of one phase, with M and I there."""

    knots: list[Any]
    mmse: list[Any]
    information: list[Any]


def best_phase_kl(values: Values) -> tuple[Any, Any]:
    """The infimum of the path KL over the phases 1 <= c <= 1 + kappa, between two bounds, in nats."""
    channel, knots = _Channel(values), _knots(values)
    ops = channel.ops
    count = FAST_PHASES if values.engine == "fast" else _refined(values, PHASES)
    with values.precision():
        log = ops.log(1 + values["kappa"])
        paths = []
        for j in range(count + 1):
            at = [t if t == 0 else t * ops.exp(log * j / count) for t in knots]
            paths.append(_Path(at, [channel.mmse(t) for t in at], [channel.information(t) for t in at]))
        above = [_cost(ops, path, path) for path in paths]
        below = [_cost(ops, first, last) for first, last in pairwise(paths)]
        return channel.least(below), channel.least(above)


def _cost(ops: Any, first: _Path, last: _Path) -> Any:
    """What a path between two phases costs at least; for one phase, what it costs.

    Each step is taken from the knot of the last phase to the next knot of the first, if it is later.
    """
    total = ops.number(0)
    for k in range(len(first.knots) - 1):
        size = first.knots[k + 1] - last.knots[k]
        step = size * last.mmse[k] / 2 - (first.information[k + 1] - last.information[k])
        if first is last:
            total = total + step
        elif size > 0:
            total = total + ops.maximum([step, ops.number(0)])
    return total


def covariance_supremum(values: Values) -> tuple[Any, Any]:
    """The supremum of C over 0 <= s <= t_1, between two bounds, in fourth powers of length."""
    channel, knots = _Channel(values), _knots(values)
    with values.precision():
        first = next(t for t in knots[:2] if t != 0)
        count = _refined(values, CELLS)
        nodes = [channel.ops.number(0), *(first * j / count for j in range(1, count + 1))]
        moments = [channel.moment(t) for t in nodes]
        above = [
            channel.supremum(a, b, ends, channel.mmse(a))
            for (a, b), ends in zip(pairwise(nodes), pairwise(moments), strict=True)
        ]
        return channel.ops.maximum(moments), channel.ops.maximum([*above, *moments])


def best_rate(values: Values) -> tuple[Any, Any]:
    """(1/4) (int sqrt(C) ds)^2 from t_0 to T, between two bounds, in nats."""
    channel, knots = _Channel(values), _knots(values)
    ops = channel.ops
    with values.precision():
        nodes = _cells(values, knots[0], knots[-1])
        mmse, moments = [channel.mmse(s) for s in nodes], [channel.moment(s) for s in nodes]
        low, high = ops.number(0), ops.number(0)
        for i, (a, b) in enumerate(pairwise(nodes)):
            drop = mmse[i] - mmse[i + 1]
            high = high + ops.sqrt((b - a) * _size(drop))
            most = channel.supremum(a, b, (moments[i], moments[i + 1]), mmse[i])
            if drop > 0 and most > 0:
                low = low + drop / ops.sqrt(most)
        return low * low / 4, high * high / 4


def _cells(values: Values, first: Any, last: Any) -> list[Any]:
    """Nodes from t_0 to T: steps of a quarter of s, finer than 1/D^2 where C is not small."""
    wide = float(values.target.core.diameter_squared)
    finer = 0.5 if values.engine == "fast" else _refined(values, 1)
    end, here = float(_middle(last)), float(_middle(first))
    nodes = [first]
    while wide:
        size = max(here / 4, 0.01 / wide)
        if here < _FINE_UNTIL / wide:
            size = min(size, _FINE / wide)
        here += size / finer
        if here >= end * (1 - 1e-9):
            break
        nodes.append(values.arithmetic.number(Fraction(here)))
    return [*nodes, last]


_FINE = 0.5
_STEEP = 100
"""Beyond this D^2 h the exponentials say nothing."""


def _size(number: Any) -> Any:
    """An upper bound of a number that is not negative, and not negative itself."""
    return number.abs_upper() if hasattr(number, "abs_upper") else abs(number)


_FINE_UNTIL = 40.0


def _middle(number: Any) -> Any:
    return number.mid() if hasattr(number, "mid") else number


def radius_squared(core: Any) -> Fraction:
    """The square of the greatest distance of an atom of a core from its mean, exactly.

    ValueError for a core that lists no atoms and is no product or orthogonal core.
    """
    match core:
        case PointCore():
            lengths = core.lengths
            axes = list(zip(*core.coordinates, strict=True))
            means = [
                sum((w * x for w, x in zip(core.weights, axis, strict=True)), Fraction(0)) for axis in axes
            ]
            farthest = max(
                sum((q * (x - m) ** 2 for q, x, m in zip(lengths, point, means, strict=True)), Fraction(0))
                for point in core.coordinates
            )
            return Fraction(core.diameter_squared) * farthest
        case ProductCore():
            return core.copies * radius_squared(core.factor)
        case OrthogonalCore():
            return core.radius_squared * Fraction(core.components - 1, core.components)
    raise ValueError(f"radius: not known for a {type(core).__name__}")


def covariance_norm(core: Any) -> Fraction:
    """|Cov A|_F^2 of a core, exactly; ValueError for a core of several dimensions that cannot tell."""
    if hasattr(core, "covariance_norm_squared"):
        return Fraction(core.covariance_norm_squared)
    match core:
        case ProductCore():
            return core.copies * covariance_norm(core.factor)
        case OrthogonalCore():
            # Cov = (b^2/K) (identity - all ones/K), of rank K - 1
            return core.radius_squared**2 * Fraction(core.components - 1, core.components**2)
    if core.rank > 1:
        raise ValueError(f"covariance_norm: not known for a {type(core).__name__}")
    return Fraction(core.variance) ** 2
