"""The second route's values: mpmath, with the long lists of knots interpolated.

What belongs here: where a schedule has many knots, few evaluations of the mmse in mpmath from which
the value at each knot is interpolated. What does not: the quadrature itself (`numerics.independent`),
what the values are used for (`recheck`).

M is analytic in a sector around the positive axis, so that on [2^p, 2^(p+2)] its interpolants in
log t, at N Chebyshev points, converge like rho^-N with rho near 4.7. N is taken for the digits asked
for; at three knots of every such panel the interpolant is compared with a direct evaluation, and where
it is further off than the digits allow, every knot of the panel is evaluated directly.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import Any

import mpmath

from diffcert.bindings import Values
from diffcert.instance import Instance
from numerics.arithmetic import mpmath_numbers
from numerics.channel import independent_value
from numerics.path import KnotValues
from numerics.targets import Core
from numerics.truth import Truth

__all__ = ["IndependentValues"]

_RATE = 1.4
"""Interpolation points per digit: log 10/log rho is 1.5, and the width of the sector is no less."""

_LOSS = 8
"""Digits more than asked for: what the difference of sum and information costs. One number for most
schedules, so that those of one target share their interpolation points."""

_PROBES = 3
_FEWEST = 40
"""Schedules with fewer knots are evaluated knot by knot."""


class IndependentValues(Values):
    """The values of an instance in mpmath, as `Values(instance, digits, "mpmath")` has them."""

    def __init__(self, instance: Instance, digits: int) -> None:
        super().__init__(instance, digits, "mpmath")
        self._digits = digits

    def _evaluate_path(self, moment: str) -> KnotValues:
        steps = self.schedule.steps
        if moment != "mmse" or steps < _FEWEST or self.target.core.rank != 1:
            return super()._evaluate_path(moment)
        digits = self._digits + max(_LOSS, 4 + len(str(steps)))
        core = self.target.core
        with mpmath_numbers(2 * self._digits + 15).precision():
            knots = self.schedule.knots(self.target, self.arithmetic)
            mmse = _at_knots(core, knots, digits)
            first, last = (
                independent_value(core, "mutual_information", t, digits)[0] for t in (knots[0], knots[-1])
            )
            parts = [(b - a) * m / 2 for (a, b), m in zip(pairwise(knots), mmse, strict=False)]
            total = mpmath.fsum(parts) - (last - first)
            error = float((last + mpmath.fsum(parts)) * mpmath.mpf(10) ** (1 - digits))
        return KnotValues(knots, mmse, [], [], first, last, total, error)

    def _evaluate(self, key: str) -> Truth:
        sampler = self.instance.sampler
        matched = sampler is None or getattr(sampler, "matched", False)
        if key != "path_kl" or not matched or self.instance.start != "exact":
            return super()._evaluate(key)
        path = self.at_knots()
        return Truth(
            key, path.path_kl, path.path_kl_error, self.engine, self.digits, "mpmath, interpolated"
        )


def _at_knots(core: Core, knots: list[Any], digits: int) -> list[Any]:
    """M at every knot, to `digits` digits of the value or of 10^-digits V."""
    found: dict[int, Any] = {}
    panels: dict[int, list[int]] = {}
    for place, t in enumerate(knots):
        if t > 0:
            panels.setdefault(int(mpmath.floor(mpmath.log(t, 4))), []).append(place)
        else:
            found[place] = _direct(core, t, digits)
    for panel, places in panels.items():
        found.update(_on_panel(core, panel, {place: knots[place] for place in places}, digits))
    return [found[place] for place in range(len(knots))]


def _on_panel(core: Core, panel: int, knots: dict[int, Any], digits: int) -> dict[int, Any]:
    """M at the knots of one panel."""
    count = int(_RATE * digits) + 4
    if len(knots) <= count + _PROBES:
        return {place: _direct(core, t, digits) for place, t in knots.items()}
    x, values = _nodes(core, panel, count, digits)
    made = {place: _interpolated(x, values, mpmath.log(t)) for place, t in knots.items()}
    places = list(knots)
    largest = max(abs(value) for value in values)
    for probe in range(_PROBES):
        place = places[(2 * probe + 1) * len(places) // (2 * _PROBES)]
        off = abs(made[place] - _direct(core, knots[place], digits))
        if off > largest * mpmath.mpf(10) ** (-digits):
            return {place: _direct(core, t, digits) for place, t in knots.items()}
    return made


def _direct(core: Core, t: Any, digits: int) -> Any:
    return independent_value(core, "mmse", t, digits)[0]


@lru_cache(maxsize=512)
def _nodes(core: Core, panel: int, count: int, digits: int) -> tuple[list[Any], list[Any]]:
    """The Chebyshev points of a panel in log t, and M at them."""
    with mpmath_numbers(2 * digits + 15).precision():
        low, width = panel * mpmath.log(4), mpmath.log(4)
        x = [low + width * (1 - mpmath.cos(mpmath.pi * k / count)) / 2 for k in range(count + 1)]
        return x, [_direct(core, mpmath.exp(point), digits) for point in x]


def _interpolated(x: list[Any], values: list[Any], at: Any) -> Any:
    """The polynomial through the Chebyshev points, by the second barycentric formula."""
    above = below = mpmath.mpf(0)
    last = len(x) - 1
    for k, (point, value) in enumerate(zip(x, values, strict=True)):
        if at == point:
            return value
        weight = (-1) ** k / (at - point) / (2 if k in (0, last) else 1)
        above += weight * value
        below += weight
    return above / below
