"""The map of a deterministic sampler in balls: at points, on complex discs, and on rays to infinity.

What belongs here: the three kinds of values that `flow.compose` carries. What does not: mixtures
(`certified_tilt`), folds (`certified_folds`).

Discs. A value carries V(c) and V'(c) at the centre of the disc |z - c| <= rho of starts, and a bound
`wobble` of |V'(z) - V'(c)| on it (and V''(c) with a bound of |V'' - V''(c)|). Then |V(z) - V(c)| <=
(|V'(c)| + wobble) rho, so that the denoiser is needed on a disc around V(c), where `certified_tilt`
bounds how far its slope kept + lever t k2 moves: with D' = slope, |D'(V) V' - D'(V(c)) V'(c)| <=
|D'(V(c))| wobble + sway (|V'(c)| + wobble).

Heun's step is first enclosed as a map of its own input on the disc that contains the image so far, then
joined by the chain rule: of what its two estimates add and subtract, only the sum grows.

Rays. For all starts from x outwards a value carries V(x) and a ball that contains V' on the whole ray.
Where that is of one sign, V runs away from V(x) on one side, and the posterior there gives the atoms
short of the outermost one at most the weight they have relative to it at V(x), so Var <= sum e_i
gap_i^2; always 0 <= Var <= D^2/4.
"""

from __future__ import annotations

from typing import Any

import flint

from numerics.output_law.certified_tilt import Tilted
from numerics.output_law.flow import Flow, compose

__all__ = ["CertifiedMap", "Disc", "Ray"]


class _Point:
    """V and V' at a start."""

    __slots__ = ("slope", "value")

    def __init__(self, value: flint.arb, slope: flint.arb) -> None:
        self.value, self.slope = value, slope

    def __add__(self, other: Any) -> _Point:
        if not isinstance(other, _Point):
            return _Point(self.value + other, self.slope)
        return _Point(self.value + other.value, self.slope + other.slope)

    __radd__ = __add__

    def __sub__(self, other: _Point) -> _Point:
        return _Point(self.value - other.value, self.slope - other.slope)

    def __mul__(self, factor: flint.arb) -> _Point:
        return _Point(self.value * factor, self.slope * factor)


class Ray(_Point):
    """V at the end of a ray of starts, and a ball that contains V' on all of it.

    `side` is the direction of the ray, 0 where it is not known.
    """

    __slots__ = ("side",)

    def __init__(self, value: flint.arb, slope: flint.arb, side: int) -> None:
        super().__init__(value, slope)
        self.side = side

    def __add__(self, other: Any) -> Ray:
        if not isinstance(other, _Point):
            return Ray(self.value + other, self.slope, self.side)
        return Ray(self.value + other.value, self.slope + other.slope, self.side)

    __radd__ = __add__

    def __sub__(self, other: _Point) -> Ray:
        return Ray(self.value - other.value, self.slope - other.slope, self.side)

    def __mul__(self, factor: flint.arb) -> Ray:
        return Ray(self.value * factor, self.slope * factor, self.side)

    @property
    def way(self) -> int:
        """Where the images run: 1 to the right, 0 where that is not known."""
        return self.side if self.slope > 0 else -self.side if self.slope < 0 else 0

    def inside(self) -> Ray:
        """The identity on the image."""
        return Ray(self.value, flint.arb(1), self.way)

    def joined(self, step: Ray) -> Ray:
        """A step's map of the image."""
        return Ray(step.value, step.slope * self.slope, self.side)


class _LostError(Exception):
    """A denoiser may have a pole on the disc."""


class Disc:
    """V, V', V'' at the centre of a disc of radius rho, and bounds of how far V' and V'' move on it."""

    __slots__ = ("bend", "rho", "slope", "twist", "value", "wobble")

    def __init__(
        self,
        value: flint.arb,
        slope: flint.arb,
        wobble: flint.arb,
        bend: flint.arb,
        twist: flint.arb,
        rho: flint.arb,
    ) -> None:
        self.value, self.slope, self.wobble = value, slope, wobble
        self.bend, self.twist, self.rho = bend, twist, rho

    @property
    def speed(self) -> flint.arb:
        """A bound of |V'| on the disc."""
        return flint.arb((abs(self.slope) + self.wobble).upper())

    @property
    def least_speed(self) -> flint.arb:
        """A lower bound of |V'| on the disc."""
        return flint.arb((abs(self.slope) - self.wobble).lower())

    def __add__(self, other: Any) -> Disc:
        if not isinstance(other, Disc):
            return Disc(self.value + other, self.slope, self.wobble, self.bend, self.twist, self.rho)
        return Disc(
            self.value + other.value,
            self.slope + other.slope,
            self.wobble + other.wobble,
            self.bend + other.bend,
            self.twist + other.twist,
            self.rho,
        )

    __radd__ = __add__

    def __sub__(self, other: Disc) -> Disc:
        return Disc(
            self.value - other.value,
            self.slope - other.slope,
            self.wobble + other.wobble,
            self.bend - other.bend,
            self.twist + other.twist,
            self.rho,
        )

    def __mul__(self, factor: flint.arb) -> Disc:
        size = abs(factor)
        return Disc(
            self.value * factor,
            self.slope * factor,
            self.wobble * size,
            self.bend * factor,
            self.twist * size,
            self.rho,
        )

    def settled(self) -> Disc:
        """The same with the better of two bounds of how far V' moves."""
        other = (abs(self.bend) + self.twist) * self.rho
        self.wobble = flint.arb(self.wobble.min(other).upper())
        return self

    def inside(self) -> Disc:
        """The identity on the disc around V(c) that contains the image."""
        one, zero = flint.arb(1), flint.arb(0)
        return Disc(self.value, one, zero, zero, zero, flint.arb((self.settled().speed * self.rho).upper()))

    def after(
        self, slope: flint.arb, wobble: flint.arb, bend: flint.arb, twist: flint.arb, value: Any
    ) -> Disc:
        """g(V) on the disc: g's value and derivatives at V(c), and how far those move on the image."""
        own, speed = abs(self.slope), self.speed
        change = abs(slope) * self.wobble + wobble * speed
        turn = abs(bend) * self.wobble * (2 * own + self.wobble) + twist * speed * speed
        turn += abs(slope) * self.twist + wobble * (abs(self.bend) + self.twist)
        return Disc(
            value,
            slope * self.slope,
            flint.arb(change.upper()),
            bend * self.slope * self.slope + slope * self.bend,
            flint.arb(turn.upper()),
            self.rho,
        )


class CertifiedMap:
    """The map from the start to R at the last level, within one working precision."""

    def __init__(
        self, flow: Flow, weights: list[flint.arb], atoms: list[flint.arb], error: flint.arb | None
    ) -> None:
        """The flow in balls, the core on the line in increasing order, and a constant score error."""
        self.flow, self.atoms = flow, atoms
        self.stages = [Tilted(weights, atoms, s.t) if s.t > 0 else None for s in flow.stages]
        zero = flint.arb(0)
        self.shifts = [s.error * error if error is not None else zero for s in flow.stages]
        mean = sum((w * a for w, a in zip(weights, atoms, strict=True)), zero)
        self.mean = mean if error is None else mean + error
        self._wide = flint.arb(2) ** (-flint.ctx.prec // 2) * (1 + atoms[-1] - atoms[0])
        self._gains = [s.lever * s.t for s in flow.stages]

    def point(self, start: flint.arb) -> tuple[flint.arb, flint.arb]:
        """F and F' at a start."""
        stages, shifts, gains, steps = self.stages, self.shifts, self._gains, self.flow.stages

        def denoise(k: int, v: _Point) -> _Point:
            tilted, stage = stages[k], steps[k]
            assert tilted is not None
            here = tilted.local(v.value)
            mean = tilted.atoms[here.near] + here.mean
            value = stage.lever * mean + stage.kept * v.value + shifts[k]
            return _Point(value, (stage.kept + gains[k] * here.second) * v.slope)

        end = compose(self.flow, _Point(start, flint.arb(1)), self.mean, denoise)
        if start.is_exact() or (end.value.rad() < self._wide and end.slope.is_finite()):
            return end.value, end.slope
        # balls that depend on each other have grown: the mean value theorem around the middle
        around = self.disc(start.mid(), flint.arb(start.rad()))
        if around is None:
            return end.value, end.slope
        shift, turn = (around.speed * start.rad()).upper(), around.wobble.upper()
        return around.value + flint.arb(0, shift), around.slope + flint.arb(0, turn)

    def disc(self, centre: flint.arb, rho: flint.arb) -> Disc | None:
        """F on the disc of radius rho around a real start; None where it may have a pole there."""
        stages, shifts, gains, steps = self.stages, self.shifts, self._gains, self.flow.stages

        def denoise(k: int, v: Disc) -> Disc:
            tilted, stage, gain = stages[k], steps[k], gains[k]
            assert tilted is not None
            here = tilted.local(v.value, third=True)
            sway = here.sway(v.settled().speed * v.rho, third=True)
            if sway is None:
                raise _LostError
            mean = tilted.atoms[here.near] + here.mean
            value = stage.lever * mean + stage.kept * v.value + shifts[k]
            curl = gain * stage.t
            return v.after(
                stage.kept + gain * here.second,
                gain * sway.second,
                curl * here.third,
                curl * sway.third,
                value,
            )

        def leave(outer: Disc, step: Disc) -> Disc:
            step.settled()
            return outer.after(step.slope, step.wobble, step.bend, step.twist, step.value)

        zero = flint.arb(0)
        start = Disc(centre, flint.arb(1), zero, zero, zero, rho)
        try:
            end: Disc = compose(self.flow, start, self.mean, denoise, Disc.inside, leave)
        except _LostError:
            return None
        end.settled()
        return end if end.wobble.is_finite() else None

    def ray(self, start: flint.arb, side: int) -> Ray:
        """F(start), and a ball with F' on the ray from there to side * infinity."""
        stages, shifts, gains, steps = self.stages, self.shifts, self._gains, self.flow.stages

        def denoise(k: int, v: Ray) -> Ray:
            tilted, stage = stages[k], steps[k]
            assert tilted is not None
            here = tilted.local(v.value)
            mean = tilted.atoms[here.near] + here.mean
            value = stage.lever * mean + stage.kept * v.value + shifts[k]
            most = tilted.diameter * tilted.diameter / 4
            way = v.way
            if way:
                last = len(tilted.atoms) - 1 if way > 0 else 0
                away = v.value - tilted.atoms[last]
                rows = tilted.table(last)
                tail = sum(((c + s * away).exp() * square for c, s, _, square, *_ in rows), flint.arb(0))
                most = most.min(tail)
            variance = flint.arb(0).union(flint.arb(most.upper()))
            return Ray(value, (stage.kept + gains[k] * variance) * v.slope, v.side)

        begin = Ray(start, flint.arb(1), side)
        end: Ray = compose(self.flow, begin, self.mean, denoise, Ray.inside, Ray.joined)
        return end
