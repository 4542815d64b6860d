"""The chain rule and the path of a mixture of Gaussians, against quadrature over the observation."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import sympy as sp

from tests.theory.divergence import mean_divergence, normal
from theory import components, mixtures
from theory import symbols as sym

s = sym.snr


class Components:
    """Two Gaussians of different variances; everything by quadrature over the observation."""

    weights, means, variances = np.array([0.35, 0.65]), np.array([-1.5, 2.0]), np.array([0.3, 1.7])

    def given(self, y: np.ndarray, t: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Density of Y_t at y; posterior weights, means and variances of the components."""
        spread = t**2 * self.variances + t
        parts = self.weights * normal(y[:, None], t * self.means, spread)
        density = np.maximum(parts.sum(axis=1), 1e-300)
        mean = self.means + t * self.variances * (y[:, None] - t * self.means) / spread
        return density, parts / density[:, None], mean, self.variances * t / spread

    def at(self, t: float) -> dict[str, float]:
        """The functionals at a signal-to-noise ratio."""
        y, h = np.linspace(-12 - 14 * t, 12 + 16 * t, 6001, retstep=True)
        density, share, mean, variance = self.given(y, t)
        overall = (share * mean).sum(axis=1)
        entropy = -float(np.sum(density * np.log(density)) * h)
        of_components = float(self.weights @ np.log(2 * np.pi * np.e * (t**2 * self.variances + t))) / 2
        return {
            "M": float(np.sum(density * ((share * (variance + mean**2)).sum(axis=1) - overall**2)) * h),
            "M_X|Z": float(self.weights @ variance),
            "L": float(np.sum(density * (share * (mean - overall[:, None]) ** 2).sum(axis=1)) * h),
            "I": entropy - float(np.log(2 * np.pi * np.e * t)) / 2,
            "I_Z": entropy - of_components,
        }

    def formula(self, expression: sp.Expr, knots: tuple[float, ...] = ()) -> float:
        """A formula of `mixtures` or `components` at these numbers."""
        free = {str(symbol): symbol for symbol in expression.free_symbols}
        changes = {
            free[name]: value for name, value in (("K", 2), ("d", 1), ("n", len(knots) - 1)) if name in free
        }
        written = (
            expression.subs(changes)
            .subs({sym.first: knots[0], sym.last: knots[-1]} if knots else {})
            .doit()
        )
        for i in reversed(range(len(knots))):
            written = written.subs(sym.knots[i], knots[i])
            if i + 1 < len(knots):
                written = written.subs(sym.steps[i], knots[i + 1] - knots[i])
        values: dict[sp.Basic, float] = {}
        for call in written.atoms(sp.Function):
            match call.func.__name__:
                case "w":
                    values[call] = float(self.weights[int(call.args[0])])
                case "lambda":
                    values[call] = float(self.variances[int(call.args[0])])
                case "I_Z" | "L" | "M" | "I" as name:
                    values[call] = self.at(float(call.args[0]))[name]
        return float(written.xreplace(values))


@pytest.mark.parametrize("t", [0.05, 0.7, 4.0])
def test_chain_rules_of_a_mixture(t: float) -> None:
    mixture = Components()
    here = mixture.at(t)
    conditional = mixture.formula(components.conditional_information_value.statement.rhs.subs(s, t))
    assert here["I"] == pytest.approx(here["I_Z"] + conditional, rel=1e-10)
    squares = mixture.formula(components.conditional_mmse_value.statement.rhs.subs(s, t))
    assert squares == pytest.approx(here["M_X|Z"], rel=1e-12)
    assert here["M"] == pytest.approx(squares + here["L"], rel=1e-10)
    h = 1e-2 * t
    far, near = (mixture.at(t + c * h)["I_Z"] - mixture.at(t - c * h)["I_Z"] for c in (2, 1))
    assert (8 * near - far) / (12 * h) == pytest.approx(here["L"] / 2, rel=1e-6)


def test_the_integral_of_the_latent_mmse() -> None:
    mixture = Components()
    nodes, weights = np.polynomial.legendre.leggauss(16)
    edges = [1e-3, 0.1, 0.5, 1.5, 5.0, 20.0]
    mass = sum(
        (b - a) / 2 * weight * mixture.at((a + b) / 2 + (b - a) / 2 * node)["L"]
        for a, b in pairwise(edges)
        for node, weight in zip(nodes, weights, strict=True)
    )
    gained = mixture.at(edges[-1])["I_Z"] - mixture.at(edges[0])["I_Z"]
    assert mass == pytest.approx(2 * gained, rel=1e-8)
    entropy = -float(mixture.weights @ np.log(mixture.weights))
    assert entropy < mass < 2 * entropy, "and half the bound would be false"


def test_path_of_a_mixture_in_two_parts() -> None:
    mixture, knots = Components(), (0.2, 0.5, 1.1)
    y, h = np.linspace(-13.0, 17.0, 1501, retstep=True)
    total = 0.0
    for low, high in pairwise(knots):
        density, share, mean, variance = mixture.given(y, low)
        delta, overall = high - low, (share * mean).sum(axis=1)
        true = sum(
            share[:, [z]]
            * normal(y[None, :], (y + delta * mean[:, z])[:, None], delta + delta**2 * variance[z])
            for z in (0, 1)
        )
        sampled = normal(y[None, :], (y + delta * overall)[:, None], delta)
        total += mean_divergence(density * h, np.asarray(true), sampled, h)
    formula = mixtures.path_split.statement.rhs
    assert mixture.formula(formula, knots) == pytest.approx(total, rel=1e-8)
