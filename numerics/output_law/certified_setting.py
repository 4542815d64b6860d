"""A deterministic sampler's map with its start and a reference, in balls: what the distances share.

What belongs here: the ends of the line beyond which neither law has mass, values along the line and their
bounds on discs. What does not: distances (`certified_single`, `certified_folded`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import flint

from numerics.arithmetic import balls
from numerics.output_law.certified_folds import Branch, branches_between
from numerics.output_law.certified_map import CertifiedMap, Disc, Ray
from numerics.output_law.certified_tilt import Tilted
from numerics.output_law.chain import Chain, levels_of, positions
from numerics.output_law.flow import flow_of
from numerics.samplers import Ddim, Euler
from numerics.truth import PrecisionError

__all__ = ["Around", "Here", "Setting", "Tail", "setting_of"]

_MOST_STRETCHES = 400


@dataclass(frozen=True)
class Discrete:
    """A law on finitely many points, increasing."""

    weights: list[flint.arb]
    atoms: list[flint.arb]


@dataclass(frozen=True)
class Tail:
    """The ray of starts from `start` to side * infinity: F there, and a ball with F' on it."""

    start: flint.arb
    side: int
    value: flint.arb
    slope: flint.arb

    @property
    def way(self) -> int:
        """Where the images run: 1 to the right."""
        return self.side if self.slope > 0 else -self.side


@dataclass(frozen=True)
class Here:
    """At a start: F, F', log densities of the start and of the reference at F."""

    value: flint.arb
    slope: flint.arb
    log_start: flint.arb
    log_reference: flint.arb

    @property
    def log_ratio(self) -> flint.arb:
        """log(output/reference) on a monotone map."""
        return self.log_start - self.log_reference - abs(self.slope).log()


@dataclass(frozen=True)
class Around:
    """On a disc around a start: F with its bounds, the centre's values, how far both logs move."""

    disc: Disc
    radius: flint.arb
    """Of the image."""
    here: Here
    start_sway: flint.arb
    reference_sway: flint.arb

    tilt: flint.arb
    """The derivative of the log ratio at the centre."""
    tilt_sway: flint.arb
    """How far that moves; infinite where F' may vanish."""

    @property
    def slope_sway(self) -> flint.arb:
        """How far log F' moves; infinite where F' may vanish."""
        share = self.disc.wobble / abs(self.disc.slope)
        return -(1 - share).log() if share < 1 else flint.arb.pos_inf()

    @property
    def sway(self) -> flint.arb:
        """How far the log ratio moves."""
        apart = self.start_sway + self.reference_sway + self.slope_sway
        return flint.arb(apart.min((abs(self.tilt) + self.tilt_sway) * self.disc.rho).upper())


class Setting:
    """The map, the start, the reference, the two tails and the monotone branches between them."""

    def __init__(
        self,
        sampler_map: CertifiedMap,
        start: Tilted,
        reference: Tilted | Discrete,
        scale: flint.arb,
        tolerance: flint.arb,
        increasing: bool,
    ) -> None:
        """Within the working precision; `increasing` says that F' > 0 is known."""
        self.map, self.start, self.reference = sampler_map, start, reference
        self.scale, self.tolerance = scale, tolerance
        self.tails = (self._tail(-1), self._tail(1))
        self.low, self.high = self.tails[0].start, self.tails[1].start
        if increasing:
            self.branches = [Branch(self.low, self.high, True)]
        else:
            self.branches = branches_between(sampler_map, self.low, self.high)
            self._stretch()

    @property
    def monotone(self) -> bool:
        """Whether the map has no fold; proven."""
        return len(self.branches) == 1

    @property
    def mixture(self) -> Tilted:
        """The reference where it has a density."""
        assert isinstance(self.reference, Tilted)
        return self.reference

    def _tail(self, side: int, after: flint.arb | None = None) -> Tail:
        goal = self.tolerance * flint.arb(2) ** -20
        atoms, t = self.start.atoms, self.start.t
        edge = atoms[-1] if side > 0 else atoms[0]
        reach = (2 * -goal.log() / t).sqrt()
        for _ in range(_MOST_STRETCHES):
            x = _short(edge + side * reach)
            reach = reach * flint.arb(1.25)
            if after is not None and not (x - after) * side > 0:
                continue
            ray: Ray = self.map.ray(x, side)
            if not (ray.slope > 0 or ray.slope < 0) or not self.start.beyond(x, side) < goal:
                continue
            tail = Tail(x, side, ray.value, ray.slope)
            if self._left_over(tail) < goal:
                return tail
        raise PrecisionError("output_law: the tails of the map could not be bounded")

    def _left_over(self, tail: Tail) -> flint.arb:
        if isinstance(self.reference, Discrete):
            last = self.reference.atoms[-1] if tail.way > 0 else self.reference.atoms[0]
            return flint.arb(0) if (tail.value - last) * tail.way > 0 else flint.arb(1)
        return self.reference.beyond(tail.value, tail.way)

    def _stretch(self) -> None:
        """Move the tails out until their images lie beyond those of the folds."""
        values = [self.map.point(b.above.point)[0] for b in self.branches if b.above is not None]
        tails = []
        for tail in self.tails:
            while not all((tail.value - y) * tail.way > 0 for y in values):
                tail = self._tail(tail.side, tail.start)
            tails.append(tail)
        if tails[0].start is not self.low or tails[1].start is not self.high:
            self.tails = (tails[0], tails[1])
            self.low, self.high = tails[0].start, tails[1].start
            self.branches = branches_between(self.map, self.low, self.high)

    # Values

    def here(self, x: flint.arb) -> Here:
        """Values at a start."""
        value, slope = self.map.point(x)
        return Here(value, slope, self.start.local(x).log_density, self.mixture.local(value).log_density)

    def around(self, centre: flint.arb, rho: flint.arb) -> Around | None:
        """Bounds on the disc of radius rho; None where something may not be analytic there."""
        found = self.map.disc(centre, rho)
        if found is None:
            return None
        radius = flint.arb((found.speed * rho).upper())
        at_start, at_image = self.start.local(centre), self.mixture.local(found.value)
        one, other = at_start.sway(rho, density=True), at_image.sway(radius, density=True)
        if one is None or other is None:
            return None
        here = Here(found.value, found.slope, at_start.log_density, at_image.log_density)
        tilt = tilt_sway = flint.arb.pos_inf()
        if found.least_speed > 0:
            t, s = self.start.t, self.mixture.t
            force, pull = t * (at_start.mean - at_start.away), s * (at_image.mean - at_image.away)
            turned = t * (1 + t * (at_start.second + one.second)) * rho
            bent = s * (1 + s * (at_image.second + other.second)) * radius
            curl = found.bend / found.slope
            curled = (found.twist + abs(curl) * found.wobble) / found.least_speed
            tilt = force - pull * found.slope - curl
            tilt_sway = turned + abs(pull) * found.wobble + bent * found.speed + curled
            if len(self.map.atoms) == len(self.start.atoms) == len(self.mixture.atoms) == 1:
                # F is affine and the log ratio a quadratic polynomial
                tilt_sway = abs(s * found.slope * found.slope - t) * rho
        return Around(found, radius, here, one.log_density, other.log_density, tilt, tilt_sway)


def _short(x: flint.arb) -> flint.arb:
    """A number of 24 bits near x."""
    value = float(x.mid())
    if not value:
        return flint.arb(0)
    step = 2.0 ** (math.frexp(value)[1] - 24)
    return flint.arb(round(value / step)) * flint.arb(step)


def setting_of(chain: Chain, reference: str, digits: float, bits: int) -> Setting:
    """The setting of a chain in one dimension, within `balls(bits).precision()`.

    Tails hold less than 10^-digits of either law. PrecisionError where the folds are not isolated.
    """
    ops = balls(bits)
    target, schedule, sampler = chain.target, chain.schedule, chain.sampler
    by_core = schedule.convention == "snr"
    levels = levels_of(schedule, target, ops)
    flow = flow_of(sampler, target, levels, by_core, ops)
    atoms, _ = positions(target, ops)
    weights = [ops.number(w) for w in chain.weights]
    error = sampler.score_error
    assert error is None or isinstance(error, Fraction)
    sampler_map = CertifiedMap(flow, weights, atoms, None if error is None else ops.number(error))
    first, last = levels[0], levels[-1]
    one, v = ops.number(1), ops.number(target.variance)
    zero = ops.number(0)
    if flow.first_sigma is not None:
        start = Tilted([one], [zero], one)
    elif chain.start == "normal":
        unit = first.noise if schedule.convention == "sigmas" else one
        start = Tilted([one], [zero], first.signal / unit)
    else:
        start = Tilted(weights, atoms, first.signal / (first.noise + first.signal * v))
    scale = one if by_core else ops.sqrt(last.signal)
    law: Tilted | Discrete
    if reference == "last_level" or (last.noise_free and target.variance):
        law = Tilted(weights, atoms, last.signal / (last.noise + last.signal * v))
    elif target.variance:
        law = Tilted(weights, [a / scale for a in atoms], scale * scale / v)
    else:
        law = Discrete(weights, [a / scale for a in atoms])
    tolerance = flint.arb(10) ** (-flint.arb(digits))
    return Setting(sampler_map, start, law, scale, tolerance, isinstance(sampler, Ddim | Euler))
