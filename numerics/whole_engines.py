"""mmse, mutual information and covariance moment of X itself, in the three engines.

What belongs here: how those of X follow from those of the core, or of its components. What does not: the
targets (`whole`, `components`), quadrature, the split into parts (`components_path`).

X = A + sqrt(v) xi in R^d, Y_t = t X + W_t, q = 1 + t v. Then Y_t/t is A with noise of variance v + 1/t in
each coordinate: the core's channel at u = t/q. Given (A, Y) X is Gaussian with mean (A + v Y)/q and
covariance (v/q) I, so that Cov(X|Y) = (v/q) I + Cov(A|Y)/q^2, and

    I(X;Y_t) = (d/2) log q + I(u),    M_X(t) = d v/q + M(u)/q^2,
    C_X(t) = d v^2/q^2 + 2 v M(u)/q^3 + C(u)/q^4

(the chain rule for the first). All terms are non-negative. Components of different covariances: the split
of `components_path`, Gaussian and latent part.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import flint
import mpmath
import numpy as np
import numpy.typing as npt

from numerics.arithmetic import FLOATS, balls, to_ball
from numerics.components import GeneralMixture
from numerics.components_fast import fast_values as fast_latent
from numerics.components_gaussian import certified_spectral
from numerics.components_latent import latent_law
from numerics.components_mpmath import independent_value as independent_latent
from numerics.components_parts import (
    certified_latent,
    independent_spectral,
    log_scale,
    machine_spectral,
)
from numerics.components_strip import Kind
from numerics.cores import Core, Functional, log_of
from numerics.structured import ProductCore
from numerics.whole import WholeCore

__all__ = ["certified_value", "fast_values", "independent_value", "information_scale"]

Array = npt.NDArray[np.float64]

Certified = Callable[[Core, Functional, flint.arb, float], flint.arb]
Machine = Callable[[Core, Functional, Array], Array]
Independent = Callable[[Core, Functional, Any, int, Any], tuple[Any, Any]]


def information_scale(core: Core) -> float:
    """max(H, 1): what digits of information refer to; for X itself H is the entropy of its components."""
    if isinstance(core, ProductCore) and isinstance(core.factor, WholeCore):
        return core.copies * information_scale(core.factor)
    if isinstance(core, WholeCore):
        if isinstance(core.target, GeneralMixture):
            return math.exp(log_scale(core.target, "mutual_information"))
        core = core.target.core
    return max(1.0, float(core.entropy(FLOATS)))


def _kind(functional: Functional) -> Kind:
    if functional == "covariance_moment":
        raise ValueError(
            "covariance_moment: not available for components of different covariances, only mmse, mutual"
            " information and path KL"
        )
    return functional


def certified_value(
    core: WholeCore, functional: Functional, t: flint.arb, log_tolerance: float, of: Certified
) -> flint.arb:
    """An enclosure of radius about exp(log_tolerance); `of` evaluates the core of one shared variance."""
    target = core.target
    if isinstance(target, GeneralMixture):
        kind = _kind(functional)
        size = log_of(core.variance) if kind == "mmse" else math.log(4 + math.log1p(float(t.mid())))
        bits = 96 + max(0, int((size - log_tolerance) / math.log(2))) + t.mid().bits()
        gaussian = certified_spectral(target.weights, target.spectra, kind, [t], bits)
        latent = certified_latent(latent_law(target), kind, t, log_tolerance - 1)
        with balls(bits).precision():
            return gaussian + latent
    v, d = target.variance, target.dimension
    size = max(2 * log_of(core.variance), 0.0) + math.log(d + 1) + math.log1p(float(t.mid()))
    bits = 96 + max(0, int((size - log_tolerance) / math.log(2))) + t.mid().bits()
    with balls(bits).precision():
        q, ball = 1 + t * to_ball(v), to_ball(v)
        u = t / q
        wider = log_tolerance + float(q.lower().log())
        inner = target.core
        if functional == "mutual_information":
            return d * q.log() / 2 + of(inner, functional, u, log_tolerance - 1)
        mmse = of(inner, "mmse", u, wider + float(q.lower().log()) - 2 - max(0.0, log_of(v)))
        if functional == "mmse":
            return d * ball / q + mmse / (q * q)
        moment = of(inner, functional, u, log_tolerance + 4 * float(q.lower().log()) - 2)
        return (d * ball * ball + 2 * ball * mmse / q + moment / (q * q)) / (q * q)


def fast_values(core: WholeCore, functional: Functional, t: Array, of: Machine) -> tuple[Array, Array]:
    """The values at an array of t and the error that they add to those of the core, as floats."""
    target = core.target
    if isinstance(target, GeneralMixture):
        kind = _kind(functional)
        latent, errors = fast_latent(latent_law(target), kind, t)
        gaussian = np.array([machine_spectral(target, kind, [flint.arb(float(x))]) for x in t])
        return gaussian + latent, errors + 1e-15 * np.abs(gaussian)
    v, d, inner = float(target.variance), target.dimension, target.core
    q = 1 + t * v
    u = t / q
    if functional == "mutual_information":
        result = d * np.log1p(t * v) / 2 + of(inner, functional, u)
    elif functional == "mmse":
        result = d * v / q + of(inner, "mmse", u) / q**2
    else:
        result = (d * v * v + 2 * v * of(inner, "mmse", u) / q + of(inner, functional, u) / q**2) / q**2
    return result, 2e-15 * result


def independent_value(
    core: WholeCore, functional: Functional, t: Any, digits: int, tolerance: Any, of: Independent
) -> tuple[Any, Any]:
    """The value and its error estimate as mpf, at mpmath's working precision."""
    target = core.target
    if isinstance(target, GeneralMixture):
        kind = _kind(functional)
        gaussian = independent_spectral(target, kind, [t])
        latent, error = independent_latent(latent_law(target), kind, t, digits, tolerance)
        return gaussian + latent, error + abs(gaussian) * mpmath.mpf(10) ** (-2 * digits)
    v = mpmath.mpf(target.variance.numerator) / target.variance.denominator
    d, inner = target.dimension, target.core
    q = 1 + t * v
    u = t / q

    def weighted(parts: Sequence[tuple[Functional, Any]], known: Any) -> tuple[Any, Any]:
        total, error = known, known * mpmath.mpf(10) ** (-2 * digits - 5)
        for name, factor in parts:
            value, change = of(inner, name, u, digits, tolerance / (len(parts) * factor))
            total, error = total + factor * value, error + factor * change
        return total, error

    if functional == "mutual_information":
        return weighted([(functional, mpmath.mpf(1))], d * mpmath.log1p(t * v) / 2)
    if functional == "mmse":
        return weighted([("mmse", 1 / q**2)], d * v / q)
    return weighted([("mmse", 2 * v / q**3), (functional, 1 / q**4)], d * v * v / q**2)
