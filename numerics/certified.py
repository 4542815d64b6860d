"""The certified engine: functionals of a core, as balls.

What belongs here: units, and which rule serves which core and signal-to-noise ratio. The rules are in
`line`, `space` and `clusters`, for structured cores in `orthogonal`, for X itself in `whole_engines`.
"""

from __future__ import annotations

import math

import flint

from numerics import line, orthogonal, space, whole_engines
from numerics.arithmetic import balls, to_ball
from numerics.clusters import Clusters, clusters_of
from numerics.cores import POWERS, Core, Functional, PointCore, log_of
from numerics.space_grid import cloud_of
from numerics.structured import OrthogonalCore, ProductCore
from numerics.truth import SpanError
from numerics.whole import WholeCore

__all__ = ["MOST_RANK", "value"]

MOST_RANK = 3
"""The widest span of the means that quadrature covers."""


def value(core: Core, functional: Functional, t: flint.arb, log_tolerance: float) -> flint.arb:
    """An enclosure of the functional at signal-to-noise ratio t >= 0.

    Its radius is about exp(log_tolerance), plus what the radius of t costs. Raises SpanError for
    atoms that span more than three dimensions, PrecisionError at the stated cost.
    """
    if core.rank == 0:
        return flint.arb(0)
    if isinstance(core, ProductCore):
        share = value(core.factor, functional, t, log_tolerance - math.log(core.copies))
        with balls(_bits_of(log_tolerance) + share.mid().bits()).precision():
            return share * core.copies
    if isinstance(core, OrthogonalCore):
        return orthogonal.certified_value(core, functional, t, log_tolerance)
    if isinstance(core, WholeCore):
        return whole_engines.certified_value(core, functional, t, log_tolerance, value)
    if not isinstance(core, PointCore):
        raise TypeError(f"no engine for {core!r}")
    if core.rank > MOST_RANK:
        raise SpanError(f"means: they span {core.rank} dimensions; quadrature covers up to {MOST_RANK}")
    power = POWERS[functional]
    log_unit = power * log_of(core.diameter_squared)
    bits = _bits_of(log_tolerance - log_unit) + t.mid().bits()
    with balls(bits).precision():
        unit = to_ball(core.diameter_squared)
        inner = _in_units(core, functional, t * unit, log_tolerance - log_unit)
        return inner * unit**power


def _bits_of(log_tolerance: float) -> int:
    """A working precision at which numbers of size one are good to exp(log_tolerance)."""
    return 64 + max(0, int(-log_tolerance / math.log(2)))


def _in_units(core: PointCore, functional: Functional, t: flint.arb, log_tolerance: float) -> flint.arb:
    if t.upper() == 0:
        return _at_zero(core, functional, log_tolerance)
    clusters = clusters_of(core, float(t.mid()), log_tolerance)
    if clusters is not None:
        return _from_clusters(clusters, functional, t, log_tolerance)
    if core.rank == 1:
        return line.integral(line.law_of_core(core), t, functional, log_tolerance)
    return space.integral(cloud_of(core), t, functional, log_tolerance)


def _at_zero(core: PointCore, functional: Functional, log_tolerance: float) -> flint.arb:
    with balls(_bits_of(log_tolerance)).precision():
        if functional == "mmse":
            return to_ball(core.variance / core.diameter_squared)
        if functional == "mutual_information":
            return flint.arb(0)
        return to_ball(core.covariance_norm_squared / core.diameter_squared**2)


def _from_clusters(
    clusters: Clusters, functional: Functional, t: flint.arb, log_tolerance: float
) -> flint.arb:
    with balls(_bits_of(log_tolerance)).precision():
        total = flint.arb(0)
        for probability, piece in zip(clusters.probabilities, clusters.pieces, strict=True):
            weight = to_ball(probability)
            total += weight * value(piece, functional, t, log_tolerance)
            if functional == "mutual_information":
                total -= weight * weight.log()
        with balls(64).precision():
            exchanged = clusters.exchanged(t, functional)
        return total + exchanged
