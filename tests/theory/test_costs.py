"""What steps and paths of other samplers cost, against the divergence of the laws themselves."""

from __future__ import annotations

from itertools import pairwise
from math import sqrt

import numpy as np
import pytest
import sympy as sp

from tests.theory.divergence import GRID, WIDTH, mean_divergence, normal
from tests.theory.world import BINARY, SKEW, THREE, Law, World
from theory import calculus, gaussian_step, immse, path_costs, reverse_variance, step_costs, steps
from theory import symbols as sym
from theory.channel import PathMean
from theory.derivation import Derivation

k, n, d = sym.k, sym.number_of_steps, sym.dimension


def shares(law: Law, y: np.ndarray, t: float) -> tuple[np.ndarray, np.ndarray]:
    """The density of Y_t at y, and the posterior weights of the atoms."""
    atoms = np.array(law.atoms)
    parts = np.array(law.weights) * normal(y[:, None], t * atoms, t)
    return parts.sum(axis=1), parts / np.maximum(parts.sum(axis=1), 1e-300)[:, None]


def evaluated(world: World, formula: sp.Expr, values: dict[sp.Basic, float]) -> float:
    """A formula with its sums written out, at the numbers of a world."""
    steps_number = len(world.knots) - 1
    return float(world.evaluate(formula.subs(n, steps_number).doit(), values))


def test_path_with_errors_and_a_wrong_start() -> None:
    """The path KL of a sampler with a bad drift from a bad start, step by step from the densities."""
    law, knots = THREE, (0.3, 0.55, 0.9)
    atoms = np.array(law.atoms)
    start, posterior = shares(law, GRID, knots[0])
    wrong = normal(GRID, 0.4, 3.0)
    start_kl = float(np.sum(start * (np.log(np.maximum(start, 1e-300)) - np.log(wrong))) * WIDTH)
    total, errors = start_kl, {}
    for i, (low, high) in enumerate(pairwise(knots)):
        density, posterior = shares(law, GRID, low)
        delta, mean = high - low, posterior @ atoms
        error = 0.3 * np.sin(GRID) + 0.1 * i
        errors[step_costs.score_error[i]] = float(np.sum(density * error**2) * WIDTH)
        true = sum(
            posterior[:, [j]] * normal(GRID[None, :], (GRID + delta * a)[:, None], delta)
            for j, a in enumerate(atoms)
        )
        sampled = normal(GRID[None, :], (GRID + delta * (mean + error))[:, None], delta)
        total += mean_divergence(density * WIDTH, np.asarray(true), sampled)
    world = World(law, knots)
    values = {path_costs.start_kl: start_kl, **errors}
    for derivation in (path_costs.erring_path, path_costs.erring_path_positive):
        assert evaluated(world, derivation.statement.rhs, values) == pytest.approx(total, rel=1e-9)


@pytest.mark.parametrize(
    ("exact", "erring"),
    [
        (immse.path_identity, path_costs.erring_path),
        (immse.path_identity_positive, path_costs.erring_path_positive),
    ],
    ids=["first form", "without cancellation"],
)
def test_no_error_and_the_right_start_is_the_path_identity(exact: Derivation, erring: Derivation) -> None:
    without = erring.statement.rhs.subs(path_costs.start_kl, 0)
    without = without.replace(
        lambda e: isinstance(e, sp.Indexed) and e.base == step_costs.score_error, lambda e: sp.S.Zero
    )
    assert sp.expand(without.doit() - exact.statement.rhs.doit()) == 0


class Ddpm:
    """One reverse step of DDPM from alpha_bar 0.4 to 0.6, by densities in DDPM's own coordinates."""

    law, variance = Law((0.3, 0.5, 0.2), (-1.0, 0.5, 2.0)), 0.5
    here, there = 0.4, 0.6

    def __init__(self) -> None:
        grid, self.width = np.linspace(-9.0, 9.0, 1201, retstep=True)
        atoms, self.alpha = np.array(self.law.atoms), self.here / self.there
        spread = [1 - ab + ab * self.variance for ab in (self.here, self.there)]
        parts = np.array(self.law.weights) * normal(grid[:, None], sqrt(self.here) * atoms, spread[0])
        self.density = parts.sum(axis=1)
        share = parts / self.density[:, None]
        pull = sqrt(self.alpha) * spread[1] / spread[0]
        self.push = (1 - self.alpha) * sqrt(self.there) / spread[0]
        self.matched = (1 - self.alpha) * spread[1] / spread[0]
        self.centres = pull * grid
        self.mean = share @ atoms
        self.true = np.asarray(
            sum(
                share[:, [j]] * normal(grid[None, :], (self.centres + self.push * a)[:, None], self.matched)
                for j, a in enumerate(atoms)
            )
        )
        self.grid = grid
        self.world = World(
            self.law, tuple(ab / q for ab, q in zip((self.here, self.there), spread, strict=True))
        )

    def cost(self, variance: float) -> float:
        sampled = normal(self.grid[None, :], (self.centres + self.push * self.mean)[:, None], variance)
        return mean_divergence(self.density * self.width, self.true, sampled, self.width)

    def formula(self, expression: sp.Expr, variance: float | None = None) -> float:
        """A formula of the step at the numbers of this one."""
        values: dict[sp.Basic, float] = {
            d: 1.0,
            steps.step_kl[0]: self.world.path_kl,
            reverse_variance.matched_deviation[0]: sqrt(self.matched),
        }
        if variance is not None:
            values[reverse_variance.reverse_variance] = variance
        return float(self.world.evaluate(expression.subs(k, 0), values))


@pytest.mark.parametrize(
    ("variance", "known"),
    [(0.0, 0.07387), (0.5, 0.01418), (1.0, 0.002685)],
    ids=["beta_tilde", "matched", "beta"],
)
def test_reverse_variance(variance: float, known: float) -> None:
    ddpm = Ddpm()
    spread = [1 - ab + ab * variance for ab in (ddpm.here, ddpm.there)]
    used = (1 - ddpm.alpha) * spread[1] / spread[0]
    direct = ddpm.cost(used)
    assert direct == pytest.approx(known, rel=5e-4)
    formula = reverse_variance.reverse_variance_step.statement.rhs
    assert ddpm.formula(formula, used) == pytest.approx(direct, rel=1e-9)


def test_optimal_reverse_variance() -> None:
    ddpm = Ddpm()
    best = ddpm.formula(reverse_variance.optimal_variance)
    direct = ddpm.cost(best)
    assert direct == pytest.approx(0.000533, rel=1e-3)
    value = reverse_variance.optimal_variance_step.statement.rhs
    assert ddpm.formula(value) == pytest.approx(direct, rel=1e-7)
    for factor in (0.5, 0.9, 0.99, 1.01, 1.1, 2.0):
        assert ddpm.cost(factor * best) > direct
    slope = reverse_variance.reverse_variance_slope.statement.rhs
    for variance in (0.8 * best, best, 1.3 * best):
        h = 1e-4
        far, near = (ddpm.cost(variance + c * h) - ddpm.cost(variance - c * h) for c in (2, 1))
        assert (8 * near - far) / (12 * h) == pytest.approx(ddpm.formula(slope, variance), abs=1e-7)


def test_units_of_the_matched_step() -> None:
    """The variance and the coefficient from the joint covariance of the two noised variables given A."""
    ddpm = Ddpm()
    here, there, v = ddpm.here, ddpm.there, ddpm.variance
    spread = [1 - ab + ab * v for ab in (here, there)]
    shared = sqrt(here / there) * spread[1]
    matched = spread[1] - shared**2 / spread[0]
    push = sqrt(there) - shared / spread[0] * sqrt(here)
    values = {"a": here, "b": there, "v": v, "tau^2": matched, "c": push}

    def number(side: sp.Expr) -> float:
        return float(side.subs({symbol: values[str(symbol)] for symbol in side.free_symbols}))

    for derivation in (reverse_variance.matched_variance, reverse_variance.matched_scale):
        for step in derivation.steps:
            assert number(step.lhs) == pytest.approx(number(step.rhs), rel=1e-12)
    low, high = ddpm.world.knots
    assert number(reverse_variance.matched_scale.statement.rhs) == pytest.approx(high - low, rel=1e-12)


@pytest.mark.parametrize("law", [BINARY, SKEW, THREE])
def test_the_step_with_the_posterior_covariance(law: Law) -> None:
    world = World(law, (0.4, 0.9))
    atoms = np.array(law.atoms)
    density, posterior = shares(law, GRID, 0.4)
    mean = posterior @ atoms
    variance = posterior @ atoms**2 - mean**2
    true = sum(
        posterior[:, [j]] * normal(GRID[None, :], (GRID + 0.5 * a)[:, None], 0.5)
        for j, a in enumerate(atoms)
    )
    sampled = normal(GRID[None, :], (GRID + 0.5 * mean)[:, None], (0.5 + 0.25 * variance)[:, None])
    direct = mean_divergence(density * WIDTH, np.asarray(true), sampled)
    formula = gaussian_step.gaussian_step.statement.rhs.subs({k: 0, d: 1}).doit()
    (expectation,) = formula.atoms(PathMean)
    weights, spread = law.variances(0.4)
    inner = {expectation: float(weights @ np.log1p(0.5 * spread))}
    assert world.evaluate(formula, inner) == pytest.approx(direct, rel=1e-8)
    path = path_costs.gaussian_path.statement.rhs.subs({n: 1, d: 1}).doit()
    (expectation,) = path.atoms(PathMean)
    assert world.evaluate(path, {expectation: inner.popitem()[1]}) == pytest.approx(direct, rel=1e-8)


def test_the_closed_form_is_the_one_that_the_calculus_expands() -> None:
    t, delta = sp.Symbol("t", nonnegative=True), sp.Symbol("delta", positive=True)
    closed = calculus.gaussian_step(t, delta)
    proved = gaussian_step.gaussian_step.statement.rhs.subs({k: 0, d: 1}).doit()
    (mine,), (theirs,) = proved.atoms(PathMean), closed.atoms(PathMean)
    random = {str(e): e for e in mine.args[0].atoms(sp.Indexed)}
    (eigenvalue,) = (e for name, e in random.items() if name.startswith("lambda"))
    (k2,) = (e for e in theirs.args[0].free_symbols if str(e) == "k2")
    same = mine.args[0].subs(eigenvalue, k2).subs(sym.steps[0], delta)
    assert same == theirs.args[0]
    assert proved.coeff(mine) == closed.coeff(theirs) == sp.Rational(1, 2)
