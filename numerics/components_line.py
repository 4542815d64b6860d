"""The certified latent part on a line: L(t) and I(Z;Y_t) as balls.

What belongs here: the sums over nodes and the working precision. What does not: the bounds and their proof
(`components_strip`), the choice of parameters (`components_plan`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import flint

from numerics.arithmetic import balls, to_ball
from numerics.components_latent import LatentLaw
from numerics.components_plan import log_amplitude, machine_law, plan
from numerics.components_strip import (
    BallLaw,
    Kind,
    Piece,
    ball_law,
    between_clusters,
    left_out,
    strip_remainder,
)
from numerics.truth import PrecisionError

__all__ = ["MOST_EXPONENTIALS", "line_value"]

MOST_EXPONENTIALS = 4_000_000
"""The stated cost of one value: nodes times components."""


def _ranges(law: BallLaw, piece: Piece, h: flint.arb) -> list[tuple[int, int]]:
    """The indices of the nodes in the windows, as disjoint increasing ranges (both ends included)."""
    spans = []
    for i, rho in zip(piece.inner, piece.reach, strict=True):
        first = ((law.c[i] - rho * law.tau[i]) / h).lower().floor().unique_fmpz()
        last = ((law.c[i] + rho * law.tau[i]) / h).upper().ceil().unique_fmpz()
        if first is None or last is None:
            raise PrecisionError("latent part: the nodes cannot be told at this precision")
        spans.append((int(first), int(last)))
    merged: list[tuple[int, int]] = []
    for low, high in sorted(spans):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return merged


def _sum(law: BallLaw, v: Sequence[Fraction], kind: Kind, piece: Piece) -> flint.arb:
    """h times the sum of f_S - f_S' over the nodes in the windows."""
    members = piece.outer + piece.inner
    before = len(piece.outer)
    h = piece.h.ball()
    log_scale = [(law.w[i] * h / law.tau[i]).log() - (2 * flint.arb.pi()).log() / 2 for i in members]
    rates = [-law.a[i] / 2 for i in members]
    centres = [law.c[i] for i in members]
    means = [law.mu[i] for i in members]
    slopes = [law.s * to_ball(v[i]) * law.a[i] for i in members]
    total = flint.arb(0)
    count = len(members)
    for low, high in _ranges(law, piece, h):
        for k in range(low, high + 1):
            z = h * k
            offsets = [z - c for c in centres]
            logs = [b + r * u * u for b, r, u in zip(log_scale, rates, offsets, strict=True)]
            density = [x.exp() for x in logs]
            if kind == "mutual_information":
                total += _entropy(density, logs, count)
                if before > 1:
                    total -= _entropy(density, logs, before)
            else:
                values = [m + b * u for m, b, u in zip(means, slopes, offsets, strict=True)]
                total += _scatter(density, values, count)
                if before > 1:
                    total -= _scatter(density, values, before)
    return total


def _entropy(density: list[Any], logs: list[Any], count: int) -> Any:
    """sum p_i log(p_i/p) over the first `count` components."""
    total = density[0]
    weighted = density[0] * logs[0]
    for i in range(1, count):
        total = total + density[i]
        weighted = weighted + density[i] * logs[i]
    return weighted - total * total.log()


def _scatter(density: list[Any], values: list[Any], count: int) -> Any:
    """sum p_i (m_i - mean)^2 over the first `count` components."""
    total = density[0]
    first = density[0] * values[0]
    for i in range(1, count):
        total = total + density[i]
        first = first + density[i] * values[i]
    mean = first / total
    scatter = flint.arb(0)
    for i in range(count):
        rest = values[i] - mean
        scatter = scatter + density[i] * (rest * rest)
    return scatter


def line_value(law: LatentLaw, kind: Kind, t: flint.arb, log_tolerance: float) -> flint.arb:
    """An enclosure of L(t) ("mmse") or I(Z;Y_t) ("mutual_information") for a law on a line.

    Its radius is about exp(log_tolerance), absolute, plus what the radius of t costs. Raises
    PrecisionError beyond four million exponentials.
    """
    unit = law.lengths[0]
    with balls(64).precision():
        ratio = float((t * to_ball(unit)).mid())
        log_unit = float(to_ball(unit).log().mid()) if kind == "mmse" else 0.0
    machine = machine_law(law, ratio)
    tolerance = log_tolerance - log_unit
    amplitude = log_amplitude(machine, kind)
    chosen = plan(machine, kind, min(tolerance, amplitude - 1))
    if chosen.nodes > MOST_EXPONENTIALS:
        raise PrecisionError(
            f"latent {kind}: at snr {float(t.mid()):.6g} the certified engine takes {chosen.nodes:.3g}"
            f" exponentials (limit {MOST_EXPONENTIALS})"
        )
    far = 1 + float(abs(machine.c).max() / machine.tau.min())
    lost = max(0.0, amplitude) - tolerance + math.log(1 + chosen.nodes)
    bits = 64 + max(0, int(lost / math.log(2))) + 2 * int(math.log2(far))
    v = [rows[0][0] for rows in law.covariances]
    with balls(160).precision():
        coarse = ball_law(law, t * to_ball(unit))
        error = between_clusters(coarse, v, kind, chosen)
        for piece in chosen.pieces:
            h = piece.h.ball()
            error += strip_remainder(coarse, v, kind, piece.outer + piece.inner, piece.strip, h)
            if piece.outer_strip is not None:
                error += strip_remainder(coarse, v, kind, piece.outer, piece.outer_strip, h)
            error += left_out(coarse, v, kind, piece, h)
        bound = error.upper()
    with balls(bits).precision():
        fine = ball_law(law, t * to_ball(unit))
        total = flint.arb(0)
        for piece in chosen.pieces:
            total += _sum(fine, v, kind, piece)
        if not bound.is_finite():
            return flint.arb(0, flint.arb.pos_inf())
        total += flint.arb(0, bound)
        if kind == "mutual_information":
            return total + _entropy_of(fine)
        return total * to_ball(unit)


def _entropy_of(law: BallLaw) -> flint.arb:
    """H(Z)."""
    return -sum((w * w.log() for w in law.w), flint.arb(0))
