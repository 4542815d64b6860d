"""The built-in instances of claims on errors of the score, outputs, early stopping and quadrature.

What belongs here: samplers with errors and wrong starts, short paths, points with coarse spacings, as data.
What does not: the family that every claim is asked about (`family`).
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from math import floor, sqrt

from diffcert.instance import Instance
from numerics import Mixture, Product, Schedule, samplers
from numerics.quadrature import best_eta

__all__ = ["SPACINGS", "errors", "line_in_four", "outputs", "quadratures", "stopping"]

SPACINGS = (Fraction(3, 10), Fraction(1), Fraction(2), Fraction(5))
"""Coarse spacings, at which a missing factor in a bound shows."""


def line_in_four() -> Mixture:
    """Three atoms on a line in four dimensions."""
    atoms = [[x, 2 * x, 0, 2 * x] for x in (-1, 0, 1)]
    return Mixture(["1/4", "1/2", "1/4"], atoms, Fraction(1, 2))


@lru_cache(maxsize=1)
def errors() -> tuple[Instance, ...]:
    """Some targets with a constant error of the score, with a wrong start, with both and with neither."""
    from diffcert.family import TARGETS

    levels = Schedule.from_alpha_bar([Fraction(i, 10) for i in (1, 3, 5, 7, 9)])
    knots = Schedule.from_snr([Fraction(i, 10) for i in (1, 2, 4, 6)])
    schedules = (("fifths", levels), ("knots", knots), ("ddpm-linear", Schedule.ddpm_linear(20)))
    targets = {name: TARGETS[name] for name in ("binary", "three", "five-0")}
    targets["line-in-four"] = line_in_four()
    known_by = {Fraction(0): ("matched", "beta_tilde"), Fraction(1): ("matched", "beta")}
    return tuple(
        Instance(
            target,
            schedule,
            sampler=samplers.Ddpm(variance, error),
            start=start,
            target_name=label,
            schedule_name=name,
        )
        for label, target in targets.items()
        for name, schedule in schedules
        for variance in known_by.get(target.variance, ("matched",))
        for error in (None, Fraction(1, 10), Fraction(-2))
        for start in ("exact", "normal")
    )


@lru_cache(maxsize=1)
def stopping() -> tuple[Instance, ...]:
    """The built-in points, and a line in four dimensions, a product of 1000 copies and a single atom."""
    from diffcert.family import POINTS, TARGETS, points

    more = {
        "line-in-four": line_in_four(),
        "thousand": Product(TARGETS["binary"], copies=1000),
        "point": Mixture([1], [[1, 2]], 0),
    }
    return (
        *points(),
        *(Instance(target, snr=snr, target_name=label) for label, target in more.items() for snr in POINTS),
    )


@lru_cache(maxsize=1)
def outputs() -> tuple[Instance, ...]:
    """Short paths of two steps or more on a line, whose last iterate has a certified law."""
    from diffcert.family import TARGETS

    doubling = Schedule.from_snr([Fraction(2**i, 10) for i in range(4)])
    halves = Schedule.from_snr([0, Fraction(1, 4), Fraction(1, 2)])
    levels = Schedule.from_alpha_bar([Fraction(i, 10) for i in (1, 3, 5)])
    cases = (
        ("doubling", doubling, None, "exact"),
        ("doubling", doubling, None, "normal"),
        ("halves", halves, None, "exact"),
        ("fifths", levels, samplers.Ddpm("beta_tilde"), "exact"),
        ("fifths", levels, samplers.Ddpm(Fraction(1, 10)), "normal"),
    )
    return tuple(
        Instance(TARGETS[label], schedule, sampler, start, target_name=label, schedule_name=name)
        for label in ("binary", "three", "five")
        for name, schedule, sampler, start in cases
    )


@lru_cache(maxsize=2)
def quadratures(power: int) -> tuple[Instance, ...]:
    """Targets at snr 1/1000 to 10 with coarse spacings, and the best strip for sec theta to this power."""
    from diffcert.family import POINTS, TARGETS

    found = []
    for label in ("binary-0", "skew-0", "three-0", "five-0"):
        target = TARGETS[label]
        for snr in POINTS[:4]:
            spread = sqrt(float(snr * target.core.diameter_squared))
            for spacing in SPACINGS:
                strip = Fraction(floor(2**20 * best_eta(float(spacing), spread, power)), 2**20)
                parameters = {"spacing": spacing, "strip": strip}
                found.append(Instance(target, snr=snr, parameters=parameters, target_name=label))
    return tuple(found)
