"""Schedules from the papers' formulas, in plain mpmath: nothing of `numerics` is imported here.

Levels are pairs of squared coefficients (signal, noise); everything is computed at the precision that the
caller has set.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import mpmath
from mpmath import mp, mpf

from tests.numerics.reference import exact

TRAINING = 1000

Pair = tuple[Any, Any]


def linear_betas() -> list[Any]:
    """Ho, Jain and Abbeel 2020, section 4: beta from 1e-4 to 0.02, linear."""
    low, high = exact("1e-4"), exact("0.02")
    return [low + (high - low) * j / (TRAINING - 1) for j in range(TRAINING)]


def scaled_linear_betas() -> list[Any]:
    """Rombach et al. 2022: sqrt(beta) linear from sqrt(0.00085) to sqrt(0.012)."""
    low, high = mpmath.sqrt(exact("0.00085")), mpmath.sqrt(exact("0.012"))
    return [(low + (high - low) * j / (TRAINING - 1)) ** 2 for j in range(TRAINING)]


def cosine_betas() -> list[Any]:
    """Nichol and Dhariwal 2021, equation 17: s = 0.008, beta clipped at 0.999."""

    def squared_cosine(u: Any) -> Any:
        return mpmath.cos((u + exact("0.008")) / exact("1.008") * mp.pi / 2) ** 2

    level = [squared_cosine(mpf(j) / TRAINING) for j in range(TRAINING + 1)]
    return [min(1 - level[j + 1] / level[j], exact("0.999")) for j in range(TRAINING)]


def indices(steps: int, spacing: str) -> list[int]:
    """Sub-sampled training indices in ascending order, as numpy's expressions in diffusers give them."""
    if spacing == "linspace":
        ends = [Fraction(i * (TRAINING - 1), max(steps - 1, 1)) for i in range(steps)]
        return [round(x) for x in ends]
    if spacing == "leading":
        return [i * (TRAINING // steps) for i in range(steps)]
    down = [TRAINING - Fraction(TRAINING * i, steps) for i in range(steps)]
    return sorted(round(x) - 1 for x in down)


def preserving(betas: Sequence[Any], steps: int, spacing: str) -> list[Pair]:
    """(alpha_bar, 1 - alpha_bar) from the noisiest chosen level to the noise-free one."""
    products = [mpf(1)]
    for beta in betas:
        products.append(products[-1] * (1 - beta))
    chosen = [products[i + 1] for i in reversed(indices(steps, spacing))]
    return [(x, 1 - x) for x in chosen] + [(mpf(1), mpf(0))]


def ddpm_linear(steps: int, spacing: str = "linspace") -> list[Pair]:
    return preserving(linear_betas(), steps, spacing)


def scaled_linear(steps: int, spacing: str = "linspace") -> list[Pair]:
    return preserving(scaled_linear_betas(), steps, spacing)


def cosine(steps: int, spacing: str = "linspace") -> list[Pair]:
    return preserving(cosine_betas(), steps, spacing)


def karras(steps: int) -> list[Pair]:
    """Karras et al. 2022, equation 5: sigma_min 0.002, sigma_max 80, rho = 7, then 0."""
    high, low = mpmath.root(80, 7), mpmath.root(exact("0.002"), 7)
    sigmas = [(high + mpf(i) / max(steps - 1, 1) * (low - high)) ** 7 for i in range(steps)]
    return [(mpf(1), sigma**2) for sigma in [*sigmas, mpf(0)]]


def flow_matching(steps: int) -> list[Pair]:
    """Lipman et al. 2023, the straight path, tau = 1 - k/n."""
    return [((mpf(k) / steps) ** 2, (1 - mpf(k) / steps) ** 2) for k in range(steps + 1)]


def li_cai_wei(steps: int, c0: int = 2, c1: int = 10) -> list[Pair]:
    """Li, Cai and Wei 2025: alpha_bar_T = T^-c0, alpha_bar_{t-1} = ab_t + c1 log(T)/T ab_t (1 - ab_t)."""
    level, gap = mpf(steps) ** -c0, 1 - mpf(steps) ** -c0
    pairs = [(level, gap)]
    for _ in range(steps - 1):
        gain = c1 * mpmath.log(steps) / steps * level * gap
        level, gap = level + gain, gap - gain
        pairs.append((level, gap))
    return pairs


PUBLISHED: dict[str, Callable[..., list[Pair]]] = {
    "ddpm_linear": ddpm_linear,
    "scaled_linear": scaled_linear,
    "cosine": cosine,
    "karras": karras,
    "flow_matching": flow_matching,
    "li_cai_wei": li_cai_wei,
}


def snr(pairs: Sequence[Pair], variance: Any) -> list[Any]:
    """The core's knots signal / (noise + signal v); without the noise-free level where v = 0."""
    v = exact(variance)
    return [signal / (noise + signal * v) for signal, noise in pairs if v or noise]
