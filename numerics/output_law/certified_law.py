"""Distances, density and distribution function of a deterministic sampler's output to any number of digits.

What belongs here: what can be certified, the choice of the working precision, the promise of `digits`. What
does not: the integrals (`certified_single`, `certified_transport`, `certified_folded`).

`digits=n` promises a radius of at most 10^-n max(|value|, 10^-n), for Wasserstein distances times the
standard deviation of the last level's law.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import flint

from numerics.arithmetic import balls, bits_for
from numerics.channel import radius_reached
from numerics.exact import rational, shown
from numerics.output_law import certified_folded, certified_pieces, certified_single, certified_transport
from numerics.output_law.certified_folds import CrowdedError
from numerics.output_law.certified_setting import Setting, setting_of
from numerics.output_law.chain import Chain
from numerics.truth import PrecisionError, SpanError, Truth

__all__ = ["MOST_FOLDS", "certified_points", "certified_truth", "check", "point_of"]

MOST_FOLDS = 12
"""The most folds for distances other than W_1; the time grows with their square."""
_ATTEMPTS = 6
_GUARD = 8

METHOD = "change of variables in balls, Gauss-Legendre panels with a proven error"


def check(chain: Chain) -> None:
    """ValueError for a sampler or score error, SpanError for a dimension, without certified distances."""
    if chain.sampler.stochastic:
        raise ValueError(
            f"sampler: {chain.sampler!r} is stochastic; certified digits are for deterministic ones"
        )
    if chain.target.dimension != 1:
        raise SpanError(
            f"target: it has dimension {chain.target.dimension}; certified output laws are one-dimensional"
        )
    error = chain.sampler.score_error
    if error is not None and not isinstance(error, Fraction):
        raise ValueError("score_error: a function has no enclosure; certified output laws take a constant")


def certified_truth(chain: Chain, distance: str, reference: str, digits: int) -> dict[str, Truth]:
    """The distance as a ball, by name, with others that were found on the way.

    Raises ValueError, SpanError (`check`), and PrecisionError where folds are not isolated or the
    promise is not kept.
    """
    check(chain)
    notes = chain.notes

    def truth(name: str, value: flint.arb, more: tuple[str, ...] = ()) -> Truth:
        return Truth(name, value, 0.0, "certified", digits, METHOD, (*notes, *more))

    wasserstein = distance.startswith("wasserstein")
    if reference == "target" and not chain.target.variance and not wasserstein:
        infinite = flint.arb.pos_inf()
        exact = {"tv": flint.arb(1), "kl": infinite, "reverse_kl": infinite, "hellinger": flint.arb(1)}
        return {name: truth(name, value) for name, value in exact.items()}
    scale = math.log(float(chain.scale) * _deviation(chain)) if wasserstein else 0.0
    wanted = float(digits + _GUARD)
    reached = ""
    for _ in range(_ATTEMPTS):
        setting, bits = _prepared(chain, reference, wanted)
        with balls(bits).precision():
            found = _found(setting, distance)
            value = found[distance]
            if radius_reached(value, digits, scale):
                folds = len(setting.branches) - 1
                more = (f"the sampler's map is not monotone: {folds} folds, isolated",) if folds else ()
                kept = {name: x for name, x in found.items() if radius_reached(x, digits, 0.0)}
                return {name: truth(name, x, more) for name, x in {**kept, distance: value}.items()}
            wanted += _missing(value, digits, scale)
            reached = value.rad().str(3, radius=False)
    raise PrecisionError(f"{distance}: {digits} digits were asked for; the radius reached is {reached}")


def _prepared(chain: Chain, reference: str, wanted: float) -> tuple[Setting, int]:
    """The setting and its working precision in bits."""
    bits = bits_for(wanted) + 96
    folded = False
    for attempt in range(_ATTEMPTS):
        try:
            with balls(bits).precision():
                setting = setting_of(chain, reference, wanted, bits)
        except CrowdedError:
            if attempt == _ATTEMPTS - 1:
                raise
            bits = 2 * bits
            continue
        if setting.monotone or folded:
            break
        # a start beside a fold is known to half of the digits of its image
        bits, folded = 2 * bits, True
    return setting, bits


def _deviation(chain: Chain) -> float:
    """The standard deviation of R at the last level."""
    weights, atoms = chain.weights, chain.atoms
    mean = sum((w * a for w, a in zip(weights, atoms, strict=True)), Fraction(0))
    spread = sum((w * (a - mean) ** 2 for w, a in zip(weights, atoms, strict=True)), Fraction(0))
    return math.sqrt(float(spread) + 1 / chain.knots[-1])


def _missing(value: flint.arb, digits: int, scale: float) -> float:
    """How many digits more to work with."""
    if not value.is_finite():
        return digits + 10.0
    size = max(
        float(abs(value).abs_lower().log().mid()) if abs(value) > 0 else -math.inf,
        scale - digits * math.log(10),
    )
    goal = size - digits * math.log(10)
    excess = float(value.rad().log().mid()) - goal
    return max(excess / math.log(10), 0.0) + 4


def _root(square: flint.arb) -> flint.arb:
    """The root of what is known to be at least 0."""
    if square > 0:
        return square.sqrt()
    return flint.arb(0).union(flint.arb(square.abs_upper()).sqrt())


def _found(setting: Setting, distance: str) -> dict[str, flint.arb]:
    single = setting.monotone
    folds = len(setting.branches) - 1
    if folds > MOST_FOLDS and distance != "wasserstein_1":
        raise PrecisionError(
            f"{distance}: the map has {folds} folds, isolated (limit {MOST_FOLDS}; wasserstein_1 has none)"
        )
    if distance == "wasserstein_1":
        value = (
            certified_transport.first_order(setting) if single else certified_folded.first_order(setting)
        )
        return {distance: value * setting.scale}
    if distance == "wasserstein_2":
        value = (
            certified_transport.second_order(setting) if single else certified_folded.second_order(setting)
        )
        return {distance: _root(value) * setting.scale}
    if distance == "tv":
        total = certified_single.total_variation if single else certified_folded.total_variation
        return {distance: total(setting)}
    divergences = certified_single.divergences if single else certified_folded.divergences
    kl, reverse, square = divergences(setting)
    return {"kl": kl, "reverse_kl": reverse, "hellinger": _root(square)}


def certified_points(chain: Chain, points: list[Fraction], digits: int, density: bool) -> list[Any]:
    """The output's density or distribution function at exact points, as balls.

    The radius is at most 10^-digits max(|value|, 10^-digits) (for a density in units of the last level's
    deviation); at the image of a fold the density is infinite and PrecisionError says so.
    """
    check(chain)
    scale = -math.log(float(chain.scale) * _deviation(chain)) if density else 0.0
    wanted = float(2 * digits + _GUARD)
    for _ in range(_ATTEMPTS):
        setting, bits = _prepared(chain, "last_level", wanted)
        with balls(bits).precision():
            values = []
            for point in points:
                y = balls(bits).number(point) / setting.scale
                value = (
                    certified_pieces.output_density(setting, y)
                    if density
                    else certified_pieces.below(setting, y)
                )
                values.append(value / setting.scale if density else value)
            if all(radius_reached(x, digits, scale) for x in values):
                return values
        wanted += digits + 10
    worst = max(values, key=lambda x: float(x.rad()) if x.is_finite() else math.inf)
    raise PrecisionError(f"output_law: {digits} digits were asked for; the worst value is {worst.str(5)}")


def point_of(x: Any) -> Fraction:
    """An exact point from a number; ValueError."""
    try:
        return rational(x, "x")
    except ValueError:
        raise ValueError(f"x: {shown(x)} is not a number") from None
