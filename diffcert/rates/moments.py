"""Matching of moments: the costs of steps and paths, and the ladders on which their rates are looked at.

What belongs here: the quantities of `theory.bounds.moments`, each by two routes, and its ladders. What does
not: the statements, and the samplers (`numerics.samplers`).

The first route is that of `numerics`: certified balls for the posterior mean (p = 1), its integral of
rho - 1 - log rho for p = 2 and 3. The second works in extended precision and shares nothing with it but the
certified mutual information:

    p = 1   mpmath, its own quadrature;
    p = 2   (1/2) E log(1 + delta Var) - (I(t + delta) - I(t)), the entropies of two Gaussians;
    p = 3   int f log(f/g), f and g the two densities of the step, by the trapezoidal rule.

The gap of the cumulants, E (kappa_(p+1)(posterior) - kappa_(p+1)(estimate))^2, has p = 1: Var^2;
p = 2: kappa_3^2; p = 3: (m_4 - m_2^2 - m_3^2/m_2)^2, what the Gauss rule of two nodes misses of the fourth
moment (the squared norm of the monic polynomial of degree two). At t = 0 the posterior is the prior, and
the gap a rational number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from diffcert.rates.ladder import Ladder, Quantity, Rung
from diffcert.rates.quantities import Measure
from numerics.arithmetic import balls
from numerics.exact import integer, rational, text
from numerics.output_law.mixture import Line
from numerics.output_law.score_errors import mean_over_level
from numerics.path import path_kl_truth
from numerics.sampler_path import sampler_path_kl
from numerics.samplers import MomentMatched
from numerics.schedules import Schedule
from numerics.targets import Mixture
from numerics.truth import Truth

__all__ = ["LADDERS", "QUANTITIES"]

Array = npt.NDArray[Any]
_LONG = np.longdouble
_ORDERS = (1, 2, 3)
_DIGITS = 14
_REACH = 9.5
_CORE_BLOCK = 1 << 18


def _mixture(target: Any) -> Mixture:
    from diffcert.family import named_target

    if isinstance(target, str):
        return named_target(target)
    made = Mixture.from_dict(dict(target))
    if not isinstance(made, Mixture):
        raise ValueError("target: not a mixture on a line")
    return made


def _one_step(t: Any, delta: Any) -> Schedule:
    start, size = rational(t, "t"), rational(delta, "delta")
    return Schedule.from_snr([start, start + size])


def _uniform(first: Any, last: Any, steps: Any) -> Schedule:
    a, b, n = rational(first, "first"), rational(last, "last"), integer(steps, "steps", 1)
    return Schedule.from_snr([a + (b - a) * k / n for k in range(n + 1)])


# The first route


def _cost(p: int, target: Any, schedule: Schedule) -> Truth:
    if p == 1:
        return path_kl_truth(_mixture(target), schedule, digits=_DIGITS)
    return sampler_path_kl(_mixture(target), schedule, MomentMatched(p))


def _central(weights: Any, away: Any, order: int) -> Any:
    """The central moments of orders 2 to `order` of laws on atoms, shape (K, n) or (K,)."""
    mean = sum(w * a for w, a in zip(weights, away, strict=True))
    return [
        sum(w * (a - mean) ** k for w, a in zip(weights, away, strict=True)) for k in range(2, order + 1)
    ]


def _missed(p: int, moments: Sequence[Any]) -> Any:
    """kappa_(p+1) of the posterior less that of the estimate, from central moments."""
    if p == 1:
        return moments[0]
    if p == 2:
        return moments[1]
    second, third, fourth = moments
    return fourth - second * second - third * third / second


def _gap(p: int, target: Any, t: Any) -> Any:
    mixture, start = _mixture(target), rational(t, "t")
    atoms = [point[0] for point in mixture.means]
    if not start:
        return Fraction(_missed(p, _central(mixture.weights, atoms, p + 1)) ** 2)
    line = Line.of(mixture.weights, atoms, float(1 / start))

    def square(x: Array) -> Array:
        probabilities, away = line.probabilities(x)
        return np.asarray(_missed(p, _central(probabilities, away, p + 1)) ** 2)

    value, error = mean_over_level(line, square)
    return Truth("gap", value, error, "fast", None, "trapezoidal rule, machine numbers")


# The second route


def _law(target: Any, t: Fraction) -> tuple[Array, Array, Array]:
    """Posterior probabilities (K, n), atoms (K,) and weights of nodes (n,) at snr t, extended precision."""
    mixture = _mixture(target)
    weights = np.array([_long(w) for w in mixture.weights])
    atoms = np.array([_long(m[0]) for m in mixture.means])
    if not t:
        return weights[:, None], atoms, np.ones(1, dtype=_LONG)
    shifts = atoms * np.sqrt(_long(t))
    h = min(_LONG(1) / 6, _LONG("0.35") / max(np.ptp(shifts), _LONG("0.1")))
    low, high = shifts.min() - _REACH, shifts.max() + _REACH
    z = low + h * np.arange(int(np.ceil((high - low) / h)) + 1)
    parts = weights[:, None] * np.exp(-((z - shifts[:, None]) ** 2) / 2)
    total = parts.sum(axis=0)
    kept = total > _LONG("1e-24")
    mass = h * total[kept] / np.sqrt(2 * _pi())
    return parts[:, kept] / total[kept], atoms, mass


def _long(value: Fraction) -> Any:
    """The number in extended precision, as the sum of two machine numbers."""
    high = float(value)
    return _LONG(high) + _LONG(float(value - Fraction(high)))


def _pi() -> Any:
    return 4 * np.arctan(_LONG(1))


def _second_gap(p: int, target: Any, t: Any) -> Any:
    probabilities, atoms, mass = _law(target, rational(t, "t"))
    moments = _central(probabilities, atoms[:, None] * np.ones_like(probabilities), p + 1)
    value = (mass * _missed(p, moments) ** 2).sum()
    return _stated(value, abs(value) * 1e-13)


def _second_cost(p: int, target: Any, schedule: Schedule) -> Any:
    mixture = _mixture(target)
    if p == 1:
        return path_kl_truth(mixture, schedule, digits=10, engine="mpmath")
    knots = [rational(str(t), "t") for t in schedule.to_dict()["snr"]]
    inner = sum(_entropies(target, a, b - a) for a, b in pairwise(knots))
    if p == 3:
        costs = sum(_densities(target, a, b - a) for a, b in pairwise(knots))
        # a node's part is insensitive to the quotient g/f at 1: what is lost goes with int f |g/f - 1|
        lost = 100 * np.finfo(_LONG).eps * np.sqrt(2 * abs(costs) * len(knots))
        return _stated(costs, abs(costs) * 1e-12 + lost)
    from numerics.channel import mutual_information

    with balls(256).precision():
        before, after = (mutual_information(mixture, t, digits=30) for t in (knots[0], knots[-1]))
        exact = (after - before).mid().fmpq()
    middle = Fraction(int(exact.p), int(exact.q))
    value = inner - _long(middle)
    return _stated(value, abs(value) * 1e-13 + len(knots) * abs(inner) * np.finfo(_LONG).eps * 100)


def _entropies(target: Any, t: Fraction, delta: Fraction) -> Any:
    """(1/2) E log(1 + delta Var)."""
    probabilities, atoms, mass = _law(target, t)
    (variance,) = _central(probabilities, atoms[:, None] * np.ones_like(probabilities), 2)
    return (mass * np.log1p(_long(delta) * variance)).sum() / 2


def _densities(target: Any, t: Fraction, delta: Fraction) -> Any:
    """E int f log(f/g) of a step that estimates by the Gauss rule of two nodes."""
    probabilities, atoms, mass = _law(target, t)
    root = np.sqrt(_long(delta))
    total, width = _LONG(0), max(1, _CORE_BLOCK // 400)
    for first in range(0, len(mass), width):
        part = slice(first, first + width)
        shares = probabilities[:, part]
        at = root * (atoms[:, None] - (shares * atoms[:, None]).sum(axis=0))
        second, third, _ = _central(shares, at, 4)
        middle = third / second / 2
        reach = np.sqrt(middle * middle + second)
        nodes = np.array([middle - reach, middle + reach])
        right = -nodes[0] / (nodes[1] - nodes[0])
        total += (mass[part] * _divergence(shares, at, np.array([1 - right, right]), nodes)).sum()
    return total


def _divergence(shares: Array, at: Array, weights: Array, nodes: Array) -> Array:
    span = max(float(np.abs(at).max()), float(np.abs(nodes).max()))
    h = min(_LONG(1) / 6, _LONG("0.35") / _LONG(max(2 * span, 0.1)))
    count = int(np.ceil((span + _REACH) / h))
    w = h * np.arange(-count, count + 1, dtype=_LONG)[:, None]
    true = sum(p * np.exp(-((w - a) ** 2) / 2) for p, a in zip(shares, at, strict=True))
    guess = sum(p * np.exp(-((w - a) ** 2) / 2) for p, a in zip(weights, nodes, strict=True))
    small = (true < _LONG("1e-30")) | (guess < _LONG("1e-30"))
    quotient = np.where(small, 1, guess) / np.where(small, 1, true)
    # f log(f/g) + g - f: the same integral, without a first-order term to cancel
    return np.asarray(
        h * (np.where(small, 0, true) * (quotient - 1 - np.log(quotient))).sum(axis=0) / np.sqrt(2 * _pi())
    )


def _stated(value: Any, error: Any) -> tuple[Fraction, Fraction]:
    numerator, denominator = value.as_integer_ratio()
    return Fraction(int(numerator), int(denominator)), Fraction(float(error))


# The table


def _step_route(cost: Callable[[int, Any, Schedule], Any], p: int) -> Callable[..., Any]:
    def step(target: Any, t: Any, delta: Any) -> Any:
        return cost(p, target, _one_step(t, delta))

    return step


def _path_route(cost: Callable[[int, Any, Schedule], Any], p: int) -> Callable[..., Any]:
    def path(target: Any, first: Any, last: Any, steps: Any) -> Any:
        return cost(p, target, _uniform(first, last, steps))

    return path


def _gap_route(gap: Callable[[int, Any, Any], Any], p: int) -> Callable[..., Any]:
    def of_cumulants(target: Any, t: Any, delta: Any = None) -> Any:
        return gap(p, target, t)

    return of_cumulants


_ROUTE = {
    1: "the mpmath engine",
    2: "entropies of two Gaussians, extended precision",
    3: "the two densities of the step, extended precision",
}

_MANY = {1: "1 moment", 2: "2 moments", 3: "3 moments"}

QUANTITIES: tuple[Measure, ...] = (
    *(
        Measure(
            f"step_kl_matched_{p}",
            f"the KL of one step from snr t to t + delta whose estimate matches {_MANY[p]}, in nats",
            _step_route(_cost, p),
            _step_route(_second_cost, p),
            _ROUTE[p],
        )
        for p in _ORDERS
    ),
    *(
        Measure(
            f"path_kl_matched_{p}",
            f"the path KL of uniform steps from snr first to last that match {_MANY[p]}, in nats",
            _path_route(_cost, p),
            _path_route(_second_cost, p),
            _ROUTE[p],
        )
        for p in _ORDERS
    ),
    *(
        Measure(
            f"cumulant_gap_{p + 1}",
            f"E|kappa_{p + 1}(posterior) - kappa_{p + 1}(estimate)|^2 at snr t, {p} moments matched",
            _gap_route(_gap, p),
            _gap_route(_second_gap, p),
            "extended precision, another grid",
        )
        for p in _ORDERS
    ),
)
"""The quantities of this module."""


# The ladders


def _steps_down(p: int, target: str, t: str) -> Ladder:
    rungs = [
        Rung(
            {
                "delta": Fraction(1, 2**k),
                "gap": Quantity(f"cumulant_gap_{p + 1}", {"target": target, "t": t}),
            },
            {"target": target, "t": t, "delta": text(Fraction(1, 2**k))},
        )
        for k in range(4, 12)
    ]
    return Ladder(f"{target}, t = {t}", "delta", rungs, quick=6)


def _more_steps(p: int, target: str, first: str, last: str) -> Ladder:
    rungs = [
        Rung({"n": n}, {"target": target, "first": first, "last": last, "steps": n})
        for n in (4, 8, 16, 32, 64, 128)
    ]
    return Ladder(f"{target}, snr {first} to {last}", "n", rungs, quick=5)


LADDERS: Mapping[str, tuple[Ladder, ...]] = MappingProxyType(
    {
        **{
            f"reeves-pfister/moments-step-{p}": (
                _steps_down(p, "three", "0"),
                _steps_down(p, "three-0", "1/3"),
                _steps_down(p, "five", "2"),
            )
            for p in _ORDERS
        },
        **{
            f"reeves-pfister/moments-path-{p}": (
                _more_steps(p, "three", "0", "1/4"),
                _more_steps(p, "five", "1/2", "2"),
            )
            for p in _ORDERS
        },
    }
)
"""Rate -> its ladders."""
