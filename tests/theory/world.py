"""Numbers for formulas, by a route of their own: a discrete law on the line, its channel, a path.

What belongs here: plain float quadrature and an evaluator of sympy expressions that shares nothing with
`theory.lowering` and `numerics`. What does not: tests.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from itertools import pairwise
from math import ceil, exp, log
from operator import mul
from typing import Any

import numpy as np
import sympy as sp
from sympy.core.function import AppliedUndef

from tests.theory.errands import output_distances, quantile_cost, trapezoid_errors
from theory import symbols as sym
from theory.channel import PathMean
from theory.facts import eigenvalues

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(24)

_AT_SNR = {sym.mmse: "M", sym.mutual_information: "I", sym.covariance_moment: "C"}


@dataclass(frozen=True)
class Law:
    """A discrete law on the line in Gaussian noise: its functionals by the trapezoid rule."""

    weights: tuple[float, ...]
    atoms: tuple[float, ...]

    @cached_property
    def _known(self) -> dict[float, dict[str, float]]:
        return {}

    @cached_property
    def variance(self) -> float:
        return self.at(0.0)["M"]

    @property
    def diameter(self) -> float:
        return max(self.atoms) - min(self.atoms)

    @property
    def entropy(self) -> float:
        return float(-sum(w * log(w) for w in self.weights))

    def posterior(self, snr: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Weights of a quadrature over sqrt(t) A + N, posterior mean and variance at its nodes."""
        w, a = np.array(self.weights), np.array(self.atoms) - self.atoms[0]
        root, h = snr**0.5, 0.02
        z = np.arange(min(root * a) - 13, max(root * a) + 13, h)[:, None]
        logs = np.log(w) - (z - root * a) ** 2 / 2
        top = logs.max(axis=1, keepdims=True)
        density = np.exp(top[:, 0]) * np.exp(logs - top).sum(axis=1) * h / (2 * np.pi) ** 0.5
        share = np.exp(logs - top)
        share /= share.sum(axis=1, keepdims=True)
        return density, share, a

    def at(self, snr: float) -> dict[str, float]:
        """M, I, C and M'' at a signal-to-noise ratio."""
        if snr not in self._known:
            density, share, a = self.posterior(snr)
            mean = share @ a
            centred = a - mean[:, None]
            k2, k3 = (np.sum(share * centred**power, axis=1) for power in (2, 3))
            with np.errstate(divide="ignore", invalid="ignore"):
                surprise = np.where(share > 0, share * np.log(share), 0.0).sum(axis=1)
            self._known[snr] = {
                "M": float(density @ k2),
                "C": float(density @ k2**2),
                "I": self.entropy + float(density @ surprise),
                "M''": float(density @ (2 * k2**3 - k3**2)),
            }
        return self._known[snr]

    def variances(self, snr: float) -> tuple[np.ndarray, np.ndarray]:
        """Weights of a quadrature over the observation, and the posterior variance at its nodes."""
        density, share, a = self.posterior(snr)
        return density, np.sum(share * (a - (share @ a)[:, None]) ** 2, axis=1)


@dataclass(frozen=True)
class World:
    """A law and the knots of a path: a value for every symbol of the table."""

    law: Law
    knots: tuple[float, ...]
    epsilon: float = 0.1
    component_variance: float = 1.0
    dimension: int = 1
    sampler: str = "matched"
    score_error: float = 0.0
    start: str = "exact"
    spacing: float = 2.0
    strip: float = 0.5

    @cached_property
    def path_kl(self) -> float:
        at = [self.law.at(t) for t in self.knots]
        steps = np.diff(self.knots)
        drops = sum(step * here["M"] for step, here in zip(steps, at, strict=False))
        matched = float(drops / 2 - (at[-1]["I"] - at[0]["I"]))
        return (
            self.start_kl
            + matched
            + sum(
                self.dimension * (rho - 1 - log(rho)) / 2
                + (rho - 1) * step * here["M"] / 2
                + rho * step * self.score_error**2 / 2
                for rho, step, here in zip(self.variance_ratios, steps, at, strict=False)
            )
        )

    @cached_property
    def start_kl(self) -> float:
        """KL(Y_(t_0) || N(0, t_0)) for the normal start, by the density of Y_(t_0)."""
        first = self.knots[0]
        if self.start == "exact" or not first:
            return 0.0
        w, a = np.array(self.law.weights), np.array(self.law.atoms)
        h = 0.01 * first**0.5
        reach = first * np.abs(a).max() + 12 * first**0.5
        y = np.arange(-reach, reach, h)[:, None]
        noise = np.exp(-(y**2) / (2 * first)) / (2 * np.pi * first) ** 0.5
        density = (w * noise * np.exp(y * a - first * a * a / 2)).sum(axis=1)
        return float(h * np.sum(density * np.log(np.maximum(density, 1e-300) / noise[:, 0])))

    @cached_property
    def output(self) -> Mapping[str, float]:
        """KL and total variation of the last iterate."""
        law, right = self.law, self.start == "exact"
        return output_distances(
            law.weights, law.atoms, self.knots, self.variance_ratios, self.score_error, right
        )

    @cached_property
    def variance_ratios(self) -> list[float]:
        """The matched variance over the sampler's, from alpha_bar = t/(1 + t (1 - v)) at each knot."""
        v = self.component_variance
        levels = [t / (1 + t * (1 - v)) for t in self.knots]
        ratios = []
        for k, (a, b) in enumerate(pairwise(levels)):
            if self.sampler == "matched":
                ratios.append(1.0)
            elif self.sampler == "optimal":
                step = self.knots[k + 1] - self.knots[k]
                ratios.append(1 / (1 + step * self.law.at(self.knots[k])["M"] / self.dimension))
            else:
                w = {"beta": 1, "beta_tilde": 0}[self.sampler]
                own, used = ((1 - b + b * x) / (1 - a + a * x) for x in (v, w))
                ratios.append(own / used)
        return ratios

    @cached_property
    def best_phase_kl(self) -> float:
        """The least path KL on a grid of 17 phases, ends included: a little above the infimum."""
        kappa = self.symbols[sym.kappa]
        phases = np.exp(np.linspace(0, log(1 + kappa), 17))
        return min(World(self.law, tuple(float(c) * t for t in self.knots)).path_kl for c in phases)

    @cached_property
    def best_rate(self) -> float:
        """(1/4) (int sqrt(C))^2, by the trapezoid rule in a cube root of the snr."""
        roots = np.linspace(self.knots[0] ** (1 / 3), self.knots[-1] ** (1 / 3), 60)
        values = [3 * x**2 * self.law.at(float(x**3))["C"] ** 0.5 for x in roots]
        return float(np.trapezoid(values, roots)) ** 2 / 4

    @cached_property
    def covariance_supremum(self) -> float:
        """The greatest C at 9 points up to the first positive knot."""
        first = next(t for t in self.knots if t > 0)
        return max(self.law.at(float(s))["C"] for s in np.linspace(0, first, 9))

    @cached_property
    def symbols(self) -> Mapping[sp.Basic, float]:
        law, knots = self.law, self.knots
        ratios = [b / a - 1 for a, b in pairwise(knots) if a > 0]
        return {
            sym.first: knots[0],
            sym.first_positive: next(t for t in knots if t > 0),
            sym.last: knots[-1],
            sym.number_of_steps: len(knots) - 1,
            sym.kappa: max(ratios, default=0.0),
            sym.information_first: law.at(knots[0])["I"],
            sym.information_last: law.at(knots[-1])["I"],
            sym.entropy: law.entropy,
            sym.variance: law.variance,
            sym.rank: 1,
            sym.dimension: self.dimension,
            sym.component_variance: self.component_variance,
            sym.diameter: law.diameter,
            sym.covariance_norm: law.variance**2,
            sym.information_first_positive: law.at(next(t for t in knots if t > 0))["I"],
            sym.epsilon: self.epsilon,
            sym.path_kl: self.path_kl,
            sym.start_kl: self.start_kl,
        }

    def values(self, snr: float | None = None, also: Collection[str] = ()) -> dict[str, Any]:
        """The same by key, for lowered formulas; `also` names those that take longer."""
        found: dict[str, Any] = {sym.key_of(symbol): v for symbol, v in self.symbols.items()}
        at = [self.law.at(t) for t in self.knots]
        found |= {
            "knots": list(self.knots),
            "steps": [b - a for a, b in pairwise(self.knots)],
            "mmse_at": [here["M"] for here in at],
            "information_at": [here["I"] for here in at],
            "covariance_moment_at": [here["C"] for here in at],
        }
        slow = {"best_phase_kl", "best_rate", "covariance_supremum"}
        found |= {key: getattr(self, key) for key in slow.intersection(also)}
        if "variance_ratio" in also:
            found["variance_ratio"] = self.variance_ratios
        if "score_error_at" in also:
            found["score_error_at"] = [self.score_error**2] * (len(self.knots) - 1)
        found |= {key: self.output[key] for key in {"output_kl", "output_tv"}.intersection(also)}
        if snr is not None:
            here = self.law.at(snr)
            found |= {"snr": snr, "mmse": here["M"], "mutual_information": here["I"]}
            found["covariance_moment"] = here["C"]
            found |= self._at_point(snr, here, also)
        return found

    def _at_point(self, snr: float, here: dict[str, float], also: Collection[str]) -> dict[str, float]:
        w, a = self.law.weights, self.law.atoms
        if "early_stopping" in also:
            return {"early_stopping": quantile_cost(w, a, snr) + (self.dimension - 1) / snr}
        if "spacing" not in also:
            return {}
        off = trapezoid_errors(w, a, snr, self.spacing, here)
        mean = sum(p * x for p, x in zip(w, a, strict=True))
        names = {"M": "trapezoid_mmse", "C": "trapezoid_covariance", "I": "trapezoid_information"}
        return {
            "spacing": self.spacing,
            "strip": self.strip,
            "radius": max(abs(x - mean) for x in a),
            **{names[key]: value for key, value in off.items()},
        }

    def evaluate(self, e: sp.Basic, scope: Mapping[sp.Basic, Any]) -> Any:
        """The number that an expression stands for; `scope` has the values of its free variables."""
        if e in scope:
            return scope[e]
        if e in self.symbols:
            return self.symbols[e]
        if e in _AT_SNR:
            return self.law.at(scope[sym.snr])[_AT_SNR[e]]
        if e.is_Number:
            return float(e)

        def of(part: sp.Basic, **more: Any) -> Any:
            return self.evaluate(part, scope)

        match e:
            case sp.Indexed() if e.base != eigenvalues:
                return self._indexed(e.base, round(of(e.indices[0])))
            case sp.Derivative():
                ((variable, times),) = e.variable_count
                assert (e.expr.func.__name__, times) == ("M", 2)
                return self.law.at(of(variable))["M''"]
            case AppliedUndef():
                return self.law.at(float(of(e.args[0])))[e.func.__name__]
            case sp.Sum():
                ((k, low, high),) = e.limits
                indices = range(round(of(low)), round(of(high)) + 1)
                return sum(self.evaluate(e.function, {**scope, k: i}) for i in indices)
            case sp.Integral():
                return self._integral(e, scope)
            case sp.Piecewise():
                return next(of(value) for value, condition in e.args if self.true(condition, scope))
            case PathMean():
                density, variance = self.law.variances(of(e.args[1]))
                inner = {**scope, eigenvalues[0]: variance}
                total = sp.sympify(e.args[0]).subs(sym.rank, 1).doit()
                return float(density @ self.evaluate(total, inner))
            case sp.Add():
                return sum(of(part) for part in e.args)
            case sp.Mul():
                return reduce(mul, (of(part) for part in e.args))
            case sp.Pow():
                return of(e.base) ** of(e.exp)
            case sp.log():
                return log(of(e.args[0]))
            case sp.exp():
                return exp(of(e.args[0]))
            case sp.ceiling():
                return ceil(of(e.args[0]))
        raise NotImplementedError(f"{e.func}: {e}")

    def true(self, relation: sp.Basic, scope: Mapping[sp.Basic, Any]) -> bool:
        """Whether a relation holds between the values of its sides."""
        if relation in (sp.true, sp.false):
            return bool(relation)
        lhs, rhs = (self.evaluate(side, scope) for side in relation.args)
        return bool(relation.func(sp.Float(lhs), sp.Float(rhs)))

    def _indexed(self, base: sp.IndexedBase, index: int) -> float:
        assert 0 <= index < len(self.knots)
        t = self.knots[index]
        if base == sym.knots:
            return t
        if base == sym.steps:
            return self.knots[index + 1] - t
        return self.law.at(t)[str(base)]

    def _integral(self, e: sp.Integral, scope: Mapping[sp.Basic, Any]) -> float:
        ((variable, low, high),) = e.limits
        a, b = (float(self.evaluate(limit, scope)) for limit in (low, high))
        panels = np.linspace(a, b, 5)
        total = 0.0
        for left, right in pairwise(panels):
            for node, weight in zip(_NODES, _WEIGHTS, strict=True):
                here = {**scope, variable: float(left + (right - left) * (node + 1) / 2)}
                total += weight * (right - left) / 2 * self.evaluate(e.function, here)
        return total


def geometric(steps: int, first: float, last: float) -> tuple[float, ...]:
    """Knots 0, t_1, ..., t_n = T in constant ratio."""
    if steps == 1:
        return (0.0, last)
    ratio = (last / first) ** (1 / (steps - 1))
    return (0.0, *(first * ratio**i for i in range(steps)))


def uniform(steps: int, first: float, last: float) -> tuple[float, ...]:
    """Equidistant knots."""
    return tuple(first + (last - first) * i / steps for i in range(steps + 1))


def law_of(weights: Sequence[Any], atoms: Sequence[Any]) -> Law:
    """A law from exact numbers, or points on the first axis."""
    places = [a if isinstance(a, str) else a[0] for a in atoms]
    assert all(x == "0" for a in atoms if not isinstance(a, str) for x in a[1:])
    return Law(
        tuple(float(sp.Rational(str(w))) for w in weights),
        tuple(float(sp.Rational(str(a))) for a in places),
    )


BINARY = Law((0.5, 0.5), (-1.0, 1.0))
SKEW = Law((0.95, 0.05), (0.0, 1.0))
THREE = Law((0.2, 0.5, 0.3), (-3.0, 0.0, 4.0))
FIVE = Law((0.1, 0.3, 0.2, 0.3, 0.1), (-2.0, -0.5, 1 / 3, 1.0, 2.5))
