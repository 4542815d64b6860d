"""Samplers: the rule of one step, with its order, citation and convention as data.

What belongs here: declarations and the closed-form cost of a reverse variance. The errors
themselves are in `path`.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from numerics.arithmetic import Arithmetic
from numerics.exact import rational, shown, text
from numerics.levels import Level

__all__ = ["Ddpm"]

_NAMED = ("matched", "beta", "beta_tilde", "optimal")


@dataclass(frozen=True)
class Ddpm:
    """The ancestral (DDPM) step with the exact posterior mean and a choice of reverse variance.

    `variance` is "matched" (the conditional variance for the target's own v, with which the step is
    the localization sampler on the core), "beta" (matched to v = 1), "beta_tilde" (matched to v = 0),
    "optimal" (least path KL), or a number: the reverse variance of every step, in the scale of the
    variance-preserving convention. Source: Ho, Jain and Abbeel 2020 (2006.11239), section 3.2.
    """

    variance: str | Fraction = "matched"

    order = 1
    citation = "Ho, Jain and Abbeel 2020, Denoising diffusion probabilistic models, 2006.11239"
    convention = "alpha_bar"

    def __init__(self, variance: Any = "matched") -> None:
        if isinstance(variance, str) and variance in _NAMED:
            object.__setattr__(self, "variance", variance)
            return
        try:
            number = rational(variance, "variance")
        except ValueError:
            names = ", ".join(_NAMED)
            raise ValueError(
                f"variance: {shown(variance)} is neither a number nor one of {names}"
            ) from None
        if number <= 0:
            raise ValueError(f"variance: {shown(variance)} is not positive")
        object.__setattr__(self, "variance", number)

    def __repr__(self) -> str:
        shown = self.variance if isinstance(self.variance, str) else text(self.variance)
        return f"samplers.Ddpm(variance={shown!r})"

    @property
    def matched(self) -> bool:
        """Whether this is the sampler whose path KL the theorems bound."""
        return self.variance == "matched"

    def variance_ratio(self, level: Level, following: Level, v: Fraction, ops: Arithmetic) -> Any | None:
        """rho = matched variance / this variance for the step between two levels; None if infinite.

        Not defined for "matched" (rho = 1) and "optimal" (rho depends on the mmse).
        """
        own = ops.number(v)
        if self.variance == "beta":
            return _through(level, following, own) / _through(level, following, ops.number(1))
        if self.variance == "beta_tilde":
            if not v:
                return ops.number(1)
            if following.noise_free:
                return None
            return _through(level, following, own) / _through(level, following, ops.number(0))
        total, total_following = level.signal + level.noise, following.signal + following.noise
        alpha_bar, alpha_bar_following = level.signal / total, following.signal / total_following
        kept = 1 - alpha_bar / alpha_bar_following
        matched = kept * _through(level, following, own) * (total / total_following)
        return matched / ops.number(Fraction(self.variance))


def _through(level: Level, following: Level, v: Any) -> Any:
    """(noise' + signal' v) / (noise + signal v), the primes for the following level."""
    return (following.noise + following.signal * v) / (level.noise + level.signal * v)
