"""Noise levels and knots of the named schedules, as formulas evaluated in a number system.

What belongs here: the published formulas. What does not: validation and serialisation (`schedules`).

A level is the pair (signal, noise) of squared coefficients: (alpha_bar, 1 - alpha_bar) for a
variance-preserving schedule, (1, sigma^2) for a variance-exploding one, ((1 - tau)^2, tau^2) for flow
matching. The core's signal-to-noise ratio is signal / (noise + signal v). Both are carried, because
1 - alpha_bar loses every digit where alpha_bar saturates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple

from numerics.arithmetic import Arithmetic

__all__ = ["KNOTS", "LEVELS", "TRAINING_LEVELS", "Level"]

TRAINING_LEVELS = 1000


class Level(NamedTuple):
    """Squared coefficients of signal and noise, in one number system."""

    signal: Any
    noise: Any
    noise_free: bool = False


def _spaced(steps: int, spacing: str) -> list[int]:
    """Indices of the training levels, from the noisiest to the cleanest."""
    n, levels = steps, TRAINING_LEVELS
    if spacing == "linspace":
        chosen = [round(Fraction(i * (levels - 1), n - 1)) if n > 1 else 0 for i in range(n)]
    elif spacing == "leading":
        chosen = [i * (levels // n) for i in range(n)]
    else:
        chosen = [round(levels - Fraction(levels * i, n)) - 1 for i in range(n)][::-1]
    return chosen[::-1]


def _preserving(steps: int, spacing: str, factors: Sequence[Any], one: Any) -> list[Level]:
    """Sub-sampled levels of a variance-preserving schedule with the given alpha_1 ... alpha_1000."""
    products, product = [], one
    for factor in factors:
        product = product * factor
        products.append(product)
    levels = [Level(products[i], one - products[i]) for i in _spaced(steps, spacing)]
    return [*levels, Level(one, one - one, noise_free=True)]


@lru_cache(maxsize=1)
def _ddpm_alphas() -> list[Fraction]:
    first, last = Fraction(1, 10**4), Fraction(2, 100)
    return [1 - first - (last - first) * Fraction(j, TRAINING_LEVELS - 1) for j in range(TRAINING_LEVELS)]


def _ddpm_linear(p: Mapping[str, Any], ops: Arithmetic) -> list[Level]:
    factors = [ops.number(alpha) for alpha in _ddpm_alphas()]
    return _preserving(int(p["steps"]), p["spacing"], factors, ops.number(1))


def _scaled_linear(p: Mapping[str, Any], ops: Arithmetic) -> list[Level]:
    first = ops.sqrt(ops.number(Fraction(85, 10**5)))
    last = ops.sqrt(ops.number(Fraction(12, 1000)))
    factors = [
        1 - (first + (last - first) * j / (TRAINING_LEVELS - 1)) ** 2 for j in range(TRAINING_LEVELS)
    ]
    return _preserving(int(p["steps"]), p["spacing"], factors, ops.number(1))


def _cosine(p: Mapping[str, Any], ops: Arithmetic) -> list[Level]:
    offset = Fraction(8, 1000)
    quarter = ops.pi() / 2

    def alpha_bar(j: int) -> Any:
        root = ops.cos(ops.number((Fraction(j, TRAINING_LEVELS) + offset) / (1 + offset)) * quarter)
        return root * root

    least = ops.number(1 - Fraction(999, 1000))
    values = [alpha_bar(j) for j in range(TRAINING_LEVELS + 1)]
    factors = [ops.maximum([values[j + 1] / values[j], least]) for j in range(TRAINING_LEVELS)]
    return _preserving(int(p["steps"]), p["spacing"], factors, ops.number(1))


def _karras(p: Mapping[str, Any], ops: Arithmetic) -> list[Level]:
    n, rho = int(p["steps"]), 7
    most = ops.exp(ops.log(ops.number(80)) / rho)
    least = ops.exp(ops.log(ops.number(Fraction(2, 1000))) / rho)
    one = ops.number(1)
    sigmas = [(most + (least - most) * i / max(n - 1, 1)) ** rho for i in range(n)]
    return [*(Level(one, sigma**2) for sigma in sigmas), Level(one, one - one, noise_free=True)]


def _times(taus: Sequence[Fraction], ops: Arithmetic) -> list[Level]:
    return [Level(ops.number((1 - tau) ** 2), ops.number(tau**2), noise_free=tau == 0) for tau in taus]


def _flow_matching(p: Mapping[str, Any], ops: Arithmetic) -> list[Level]:
    n = int(p["steps"])
    return _times([1 - Fraction(i, n) for i in range(n + 1)], ops)


def _li_cai_wei(p: Mapping[str, Any], ops: Arithmetic) -> list[Level]:
    n = int(p["steps"])
    log_t = ops.log(ops.number(n))
    rate = ops.number(p["c1"]) * log_t / n
    signal = ops.exp(-ops.number(p["c0"]) * log_t)
    noise = 1 - signal
    levels = [Level(signal, noise)]
    for _ in range(n - 1):
        signal, noise = signal * (1 + rate * noise), noise * (1 - rate * signal)
        levels.append(Level(signal, noise))
    return levels


def _from_alpha_bar(p: Mapping[str, Any], ops: Arithmetic) -> list[Level]:
    return [Level(ops.number(a), ops.number(1 - a), noise_free=a == 1) for a in p["alpha_bar"]]


def _from_sigmas(p: Mapping[str, Any], ops: Arithmetic) -> list[Level]:
    return [Level(ops.number(1), ops.number(s**2), noise_free=s == 0) for s in p["sigmas"]]


def _from_times(p: Mapping[str, Any], ops: Arithmetic) -> list[Level]:
    return _times(p["times"], ops)


LEVELS: dict[str, Callable[[Mapping[str, Any], Arithmetic], list[Level]]] = {
    "ddpm_linear": _ddpm_linear,
    "scaled_linear": _scaled_linear,
    "cosine": _cosine,
    "karras": _karras,
    "flow_matching": _flow_matching,
    "li_cai_wei": _li_cai_wei,
    "from_alpha_bar": _from_alpha_bar,
    "from_sigmas": _from_sigmas,
    "from_times": _from_times,
}


def _geometric(p: Mapping[str, Any], ops: Arithmetic) -> list[Any]:
    n, first, last = int(p["steps"]), p["first"], p["last"]
    knots = [ops.number(0), ops.number(first)]
    ratio = ops.log(ops.number(last / first)) / max(n - 1, 1)
    knots += [ops.number(first) * ops.exp(ratio * i) for i in range(1, n - 1)]
    return knots if n == 1 else [*knots, ops.number(last)]


def _uniform(p: Mapping[str, Any], ops: Arithmetic) -> list[Any]:
    n = int(p["steps"])
    return [ops.number(p["last"] * Fraction(i, n)) for i in range(n + 1)]


def _from_snr(p: Mapping[str, Any], ops: Arithmetic) -> list[Any]:
    return [ops.number(t) for t in p["snr"]]


KNOTS: dict[str, Callable[[Mapping[str, Any], Arithmetic], list[Any]]] = {
    "geometric": _geometric,
    "uniform": _uniform,
    "from_snr": _from_snr,
    "best": _from_snr,
}
