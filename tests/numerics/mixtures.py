"""Targets for the tests of M'', and a sum for it that shares nothing with the code under test."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import numpy as np

from numerics import Mixture
from numerics.line import Law, core_law

FAMILY = {
    "binary": Mixture(["1/2", "1/2"], [-1, 1]),
    "three": Mixture(["1/5", "1/2", "3/10"], [-3, 0, 4]),
    "five": Mixture(["1/10", "3/10", "1/5", "3/10", "1/10"], [-2, "-1/2", "1/3", 1, "5/2"]),
    "grid16": Mixture(["1/16"] * 16, [Fraction(2 * i, 5) - 3 for i in range(16)]),
}


def parts(mixture: Mixture, t: float, h: float | None = None, shift: float = 0.0) -> np.ndarray:
    """2 E k2^3, E k3^2 and E k2^2 by an independent sum in machine numbers."""
    weights = np.array([float(w) for w in mixture.weights])
    atoms = np.array([float(a[0]) for a in mixture.means])
    s = math.sqrt(t)
    if h is None:
        h = min(0.05, 0.3 / (1 + s * float(np.ptp(atoms))))
    first = math.floor((s * atoms.min() - 12) / h)
    z = h * (shift + np.arange(first, math.ceil((s * atoms.max() + 12) / h)))
    exponent = np.log(weights) - (z[:, None] - s * atoms) ** 2 / 2
    top = exponent.max(axis=1)
    joint = np.exp(exponent - top[:, None])
    total = joint.sum(axis=1)
    posterior = joint / total[:, None]
    centred = atoms - (posterior @ atoms)[:, None]
    k2, k3 = (posterior * centred**2).sum(axis=1), (posterior * centred**3).sum(axis=1)
    density = np.exp(top) * total * h / math.sqrt(2 * math.pi)
    return np.array([(density * f).sum() for f in (2 * k2**3, k3**2, k2**2)])


def random_mixture(rng: random.Random, most: int = 6) -> Mixture:
    atoms = sorted({Fraction(rng.randint(-40, 40), rng.choice([1, 2, 4])) for _ in range(most)})
    kind = rng.random()
    atoms = atoms[: max(2, rng.randint(2, most))]
    if kind < 0.6:
        weights = [Fraction(rng.randint(1, 20)) for _ in atoms]
    else:
        weights = [Fraction(1, 10 ** rng.randint(0, 8 if kind > 0.8 else 1)) for _ in atoms]
    return Mixture([w / sum(weights) for w in weights], atoms)


def unit_law(mixture: Mixture) -> Law:
    law = core_law(mixture.core)
    assert law is not None
    return law
