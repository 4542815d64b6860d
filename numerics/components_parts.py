"""The two parts of a functional of X for components of different covariances, engine by engine.

What belongs here: scales, and which rule serves which part. What does not: precision (`components_path`),
the rules themselves (`components_gaussian`, `components_line`, `components_fast`, `components_mpmath`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import flint
import mpmath

from numerics.arithmetic import balls, to_ball
from numerics.components import GeneralMixture
from numerics.components_gaussian import certified_spectral, independent_eigenvalues
from numerics.components_latent import LatentLaw
from numerics.components_line import line_value
from numerics.components_strip import Kind
from numerics.cores import log_of
from numerics.truth import SpanError

__all__ = ["certified_latent", "independent_spectral", "log_scale", "log_size", "machine_spectral"]


def log_scale(target: GeneralMixture, functional: str) -> float:
    """log of the scale that `digits` refers to: V = E|X - EX|^2 for the mmse, else max(H(Z), 1)."""
    if functional == "mmse":
        return log_of(target.total_variance)
    entropy = -sum(float(w) * log_of(w) for w in target.weights)
    return math.log(max(1.0, entropy))


def log_size(value: float) -> float:
    """log of the size of a float, no less than that of the smallest one."""
    return math.log(max(abs(value), 5e-324))


def certified_latent(law: LatentLaw, kind: Kind, t: flint.arb, log_tolerance: float) -> flint.arb:
    if law.rank == 0 or (kind == "mutual_information" and t.is_zero()):
        return flint.arb(0)
    if law.rank > 1:
        raise SpanError(
            f"target: the latent part has {law.rank} dimensions; the certified engine covers one"
            " (the fast engine three)"
        )
    if t.is_zero():
        with balls(
            64 + max(0, int((log_size(float(law.latent_variance)) - log_tolerance) * 1.5))
        ).precision():
            return to_ball(law.latent_variance)
    return line_value(law, kind, t, log_tolerance)


def machine_spectral(target: GeneralMixture, functional: str, knots: Sequence[flint.arb]) -> float:
    """The Gaussian part, correctly rounded but for the knots' own rounding."""
    for bits in (96, 192, 384, 1024):
        value = certified_spectral(target.weights, target.spectra, functional, knots, bits)
        if value.is_zero() or value.rel_accuracy_bits() >= 53:
            break
    return float(value.mid())


def independent_spectral(target: GeneralMixture, functional: str, knots: Sequence[Any]) -> Any:
    """The Gaussian part over eigenvalues found by mpmath, at mpmath's working precision."""
    total = mpmath.mpf(0)
    for weight, matrix in zip(target.weights, target.matrices, strict=True):
        share = mpmath.mpf(weight.numerator) / weight.denominator
        for eigenvalue in independent_eigenvalues(matrix):
            if functional == "mmse":
                total += share * eigenvalue / (1 + knots[0] * eigenvalue)
            elif functional == "mutual_information":
                total += share * mpmath.log1p(knots[0] * eigenvalue) / 2
            else:
                for t, following in pairwise(knots):
                    x = (following - t) * eigenvalue / (1 + t * eigenvalue)
                    total += share * (x - mpmath.log1p(x)) / 2
    return total
