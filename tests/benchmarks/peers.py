"""The same mmse by the tools that people would otherwise use, each in its best form.

What belongs here: the peers and the laws they are timed on. Each function returns the mmse of atoms in
one dimension at a signal-to-noise ratio; the integrand shares its exponentials, and ranges are cut at
the atoms and their midpoints.
"""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise
from typing import Any

import flint
import mpmath
import numpy as np
from mpmath import mpf
from scipy import integrate

from numerics import Mixture

COUNTS = (2, 8, 32)
SNRS = ("0.1", "0.5", "3", "20", "100")
SAMPLES = 1_000_000


def law(count: int) -> Mixture:
    """K atoms in [-1, 1] at uneven places with uneven weights: no symmetry to profit from."""
    atoms = [
        Fraction(2 * i, count - 1) - 1 + Fraction((-1) ** i * (i % 3), 10 * count) for i in range(count)
    ]
    parts = [1 + (5 * i) % 7 for i in range(count)]
    return Mixture([Fraction(part, sum(parts)) for part in parts], atoms)


def _cuts(atoms: list[Any], reach: Any) -> list[Any]:
    inner = [x for a, b in pairwise(atoms) for x in (a, (a + b) / 2)]
    return [atoms[0] - reach, *inner, atoms[-1], atoms[-1] + reach]


def mpmath_quad(target: Mixture, t: str, digits: int) -> Any:
    """The mmse by `mpmath.quad` at the given digits, twelve deviations beyond the atoms."""
    with mpmath.workdps(digits + 5):
        s = mpmath.sqrt(mpf(t))
        weights = [mpf(w.numerator) / w.denominator for w in target.weights]
        atoms = [s * a.numerator / a.denominator for (a,) in target.means]
        pairs = sorted(zip(atoms, weights, strict=True))
        atoms = [a for a, _ in pairs]

        def integrand(z: Any) -> Any:
            zero = first = second = mpf(0)
            for a, w in pairs:
                d = z - a
                p = w * mpmath.exp(-d * d / 2)
                zero += p
                first += p * d
                second += p * d * d
            return second - first * first / zero

        return mpmath.quad(integrand, _cuts(atoms, mpf(12))) / s**2 / mpmath.sqrt(2 * mpmath.pi)


def acb_integral(target: Mixture, t: str, digits: int) -> flint.arb:
    """The mmse by the adaptive rigorous integration of `flint.acb.integral`, tails left out at twelve."""
    before = flint.ctx.dps
    flint.ctx.dps = digits + 5
    try:
        s = (flint.arb(t)).sqrt()
        pairs = sorted(
            ((flint.arb(a.numerator) / a.denominator * s, w) for (a,), w in _components(target)),
            key=lambda pair: float(pair[0].mid()),
        )
        mass = [(a, flint.arb(w.numerator) / w.denominator) for a, w in pairs]

        def integrand(z: flint.acb, _: bool) -> flint.acb:
            zero, first, second = flint.acb(0), flint.acb(0), flint.acb(0)
            for a, w in mass:
                d = z - a
                p = w * (-d * d / 2).exp()
                q = p * d
                zero += p
                first += q
                second += q * d
            return second - first * first / zero

        cuts = _cuts([a.mid() for a, _ in mass], flint.arb(12))
        tolerance = flint.arb(10) ** -digits
        total = sum(
            (flint.acb.integral(integrand, a, b, abs_tol=tolerance).real for a, b in pairwise(cuts)),
            flint.arb(0),
        )
        return total / s**2 / (2 * flint.arb.pi()).sqrt()
    finally:
        flint.ctx.dps = before


def _components(target: Mixture) -> Any:
    return zip(target.means, target.weights, strict=True)


def scipy_quad(target: Mixture, t: float) -> float:
    """The mmse by `scipy.integrate.quad` at a relative tolerance of 1e-12, piece by piece."""
    s = math.sqrt(t)
    pairs = sorted((s * float(a), float(w)) for (a,), w in _components(target))
    atoms = np.array([a for a, _ in pairs])
    weights = np.array([w for _, w in pairs])

    def integrand(z: float) -> float:
        d = z - atoms
        p = weights * np.exp(-d * d / 2)
        first = float(p @ d)
        return float(p @ (d * d)) - first * first / float(p.sum())

    pieces = pairwise(_cuts([a for a, _ in pairs], 12.0))
    total = math.fsum(
        integrate.quad(integrand, a, b, epsabs=1e-15, epsrel=1e-12, limit=200)[0] for a, b in pieces
    )
    return total / t / math.sqrt(2 * math.pi)


def monte_carlo(target: Mixture, t: float, samples: int = SAMPLES, seed: int = 0) -> tuple[float, float]:
    """The mmse as the mean of the posterior variance over samples, and its standard error."""
    rng = np.random.default_rng(seed)
    s = math.sqrt(t)
    atoms = np.array([s * float(a) for (a,) in target.means])
    weights = np.array([float(w) for w in target.weights])
    values = []
    for _ in range(0, samples, 10_000):
        picked = atoms[rng.choice(len(atoms), size=10_000, p=weights)]
        d = picked[:, None] + rng.standard_normal((10_000, 1)) - atoms
        p = weights * np.exp(-d * d / 2)
        total = p.sum(axis=1)
        first = (p * d).sum(axis=1) / total
        values.append((p * d * d).sum(axis=1) / total - first**2)
    every = np.concatenate(values) / t
    return float(every.mean()), float(every.std() / math.sqrt(len(every)))
