"""Samplers: the rule of one step, with its order, citation and convention as data.

What belongs here: declarations and the coefficients of one step between two noise levels. The errors
themselves are in `path`, `sampler_path` and `output_law`.

A level is the pair (signal, noise) = (s, n) of squared coefficients, x = sqrt(s) X + sqrt(n) N, and
q = n + s v the variance of x given the core. A stochastic step is

    x' = a x + b f(x) + sqrt(c) N,    f(x) = E[A | x] the posterior mean of the core,

and `step` returns (a, b, c). In these units the denoiser is E[X | x] = (n f + sqrt(s) v x)/q, so that an
error e of the denoiser is an error (q/n) e of f. For knots of the core the denoiser is f itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from numerics.arithmetic import Arithmetic
from numerics.exact import integer, items, rational, rationals, shown, text
from numerics.levels import Level

__all__ = [
    "ALL",
    "Coefficients",
    "Ddim",
    "Ddpm",
    "DpmSolverPlusPlus",
    "Euler",
    "Heun",
    "MomentMatched",
    "Sampler",
    "ScoreError",
]

Array: TypeAlias = npt.NDArray[np.float64]

ScoreError: TypeAlias = Fraction | tuple[Fraction, ...] | Callable[[Array, int], Array]
"""What is added to the denoiser: a constant, a constant vector (of the target's dimension), or a function
of x (shape (n,)) and the step's index k."""

_NAMED = ("matched", "beta", "beta_tilde", "optimal")

_MOST_MOMENTS = 31


class Coefficients(NamedTuple):
    """x' = keep x + pull f(x) + sqrt(noise) N in one number system."""

    keep: Any
    pull: Any
    noise: Any


def _parse_error(score_error: Any) -> ScoreError | None:
    if score_error is None:
        return None
    if callable(score_error):
        function: ScoreError = score_error
        return function
    if isinstance(score_error, Sequence | np.ndarray) and not isinstance(score_error, str):
        vector = tuple(rationals(items(score_error, "score_error"), "score_error"))
        return vector if any(vector) else None
    try:
        number = rational(score_error, "score_error")
    except ValueError:
        raise ValueError(f"score_error: {shown(score_error)} is neither a number nor a function") from None
    return number or None


def _shown_error(score_error: ScoreError | None) -> list[str]:
    if score_error is None:
        return []
    written = repr(text(score_error)) if isinstance(score_error, Fraction) else "..."
    if isinstance(score_error, tuple):
        written = repr([text(x) for x in score_error])
    elif hasattr(score_error, "__dataclass_fields__"):
        written = repr(score_error)
    return [f"score_error={written}"]


class Sampler:
    """The rule of one step; subclasses declare `order`, `citation`, `convention` and `stochastic`.

    `order` is the exponent p of the error n^-p on smooth schedules: of the path KL for a stochastic
    sampler, of the map for a deterministic one. `score_error` is added to the denoiser.
    """

    order: int = 1
    citation: str
    convention: str
    score_error: ScoreError | None

    @property
    def stochastic(self) -> bool:
        """Whether the step adds noise; if not, the output is a function of the start."""
        return True

    def __repr__(self) -> str:
        return f"samplers.{type(self).__name__}({', '.join(self._arguments())})"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """What IPython and hypothesis print: the call that makes this."""
        printer.text(repr(self))

    def _arguments(self) -> list[str]:
        return _shown_error(self.score_error)


@dataclass(frozen=True, repr=False)
class Ddpm(Sampler):
    """The ancestral (DDPM) step with the exact posterior mean and a choice of reverse variance.

    `variance` is "matched" (the conditional variance for the target's own v, with which the step is
    the localization sampler on the core), "beta" (matched to v = 1), "beta_tilde" (matched to v = 0),
    "optimal" (least path KL), or a number: the reverse variance of every step, in the scale of the
    variance-preserving convention. Source: Ho, Jain and Abbeel 2020 (2006.11239), section 3.2.
    """

    variance: str | Fraction = "matched"
    score_error: ScoreError | None = None

    order = 1
    citation = "Ho, Jain and Abbeel 2020, Denoising diffusion probabilistic models, 2006.11239"
    convention = "alpha_bar"

    def __init__(self, variance: Any = "matched", score_error: Any = None) -> None:
        object.__setattr__(self, "score_error", _parse_error(score_error))
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

    def _arguments(self) -> list[str]:
        value = self.variance if isinstance(self.variance, str) else text(self.variance)
        return [f"variance={value!r}", *_shown_error(self.score_error)]

    @property
    def matched(self) -> bool:
        """Whether this is the sampler whose path KL the theorems bound."""
        return self.variance == "matched" and self.score_error is None

    def variance_ratio(self, level: Level, following: Level, v: Fraction, ops: Arithmetic) -> Any | None:
        """rho = matched variance / this variance for the step between two levels; None if infinite.

        Not defined for "matched" (rho = 1) and "optimal" (rho depends on the mmse).
        """
        own = ops.number(v)
        if self.variance == "beta":
            if v == 1:
                return ops.number(1)
            return _through(level, following, own) / _through(level, following, ops.number(1))
        if self.variance == "beta_tilde":
            if not v:
                return ops.number(1)
            if following.noise_free:
                return None
            return _through(level, following, own) / _through(level, following, ops.number(0))
        signal, noise = following.signal, following.noise
        kept = (signal * level.noise - level.signal * noise) / (signal * (signal + noise))
        matched = kept * _through(level, following, own)
        return matched / ops.number(Fraction(self.variance))

    def step(
        self, level: Level, following: Level, v: Fraction, ops: Arithmetic, gain: Any = None
    ) -> Coefficients:
        """The step between two levels; `gain` is delta M / d, needed for the optimal variance only."""
        matched = _matched(level, following, v, ops)
        if self.variance == "matched":
            return matched
        if self.variance == "optimal":
            return matched._replace(noise=matched.noise * (1 + gain))
        rho = self.variance_ratio(level, following, v, ops)
        return matched._replace(noise=ops.number(0) if rho is None else matched.noise / rho)


@dataclass(frozen=True, repr=False)
class MomentMatched(Sampler):
    """The localization step with a random estimate that has the posterior's first `order` moments.

    Z' = Z + delta A_hat + sqrt(delta) N. Order 1 is the mean (`Ddpm`), order 2 a Gaussian A_hat with
    the posterior's covariance, order 2m - 1 the m-node Gauss rule of the posterior (one dimension;
    exact where m is at least the number of atoms). Source: Reeves and Pfister 2025 (2502.02305),
    matching of higher moments.
    """

    order: int = 2
    score_error: ScoreError | None = None

    citation = "Reeves and Pfister 2025, 2502.02305, matching of higher moments"
    convention = "snr"

    def __init__(self, order: Any = 2, score_error: Any = None) -> None:
        count = integer(order, "order", 1, _MOST_MOMENTS)
        if count > 2 and count % 2 == 0:
            raise ValueError(f"order: {count} is neither 2 nor odd (2m - 1 for a Gauss rule of m nodes)")
        object.__setattr__(self, "order", count)
        object.__setattr__(self, "score_error", _parse_error(score_error))

    def _arguments(self) -> list[str]:
        return [f"order={self.order}", *_shown_error(self.score_error)]

    @property
    def nodes(self) -> int | None:
        """The number of nodes of the Gauss rule; None for the Gaussian estimate of order 2."""
        return None if self.order == 2 else (self.order + 1) // 2

    def step(
        self, level: Level, following: Level, v: Fraction, ops: Arithmetic, gain: Any = None
    ) -> Coefficients:
        """The step between two levels, in which f stands for the random estimate."""
        return _matched(level, following, v, ops)


@dataclass(frozen=True, repr=False)
class Ddim(Sampler):
    """The DDIM step; eta = 0 is deterministic, eta = 1 the ancestral step with variance beta_tilde.

    x' = sqrt(s') D + sqrt(n' - g^2) (x - sqrt(s) D)/sqrt(n) + g N with D = E[X | x] and
    g^2 = eta^2 n' (n - n' s/s')/n. Source: Song, Meng and Ermon 2021 (2010.02502), equations 12 and 16.
    """

    eta: Fraction = Fraction(0)
    score_error: ScoreError | None = None

    order = 1
    citation = "Song, Meng and Ermon 2021, Denoising diffusion implicit models, 2010.02502"
    convention = "alpha_bar"

    def __init__(self, eta: Any = 0, score_error: Any = None) -> None:
        number = rational(eta, "eta")
        if not 0 <= number <= 1:
            raise ValueError(f"eta: {shown(eta)} is not between 0 and 1")
        object.__setattr__(self, "eta", number)
        object.__setattr__(self, "score_error", _parse_error(score_error))

    def _arguments(self) -> list[str]:
        return [f"eta={text(self.eta)!r}", *_shown_error(self.score_error)]

    @property
    def stochastic(self) -> bool:
        return bool(self.eta)

    def step(
        self, level: Level, following: Level, v: Fraction, ops: Arithmetic, gain: Any = None
    ) -> Coefficients:
        """The step between two levels."""
        s, n = level.signal, level.noise
        s_next, n_next = following.signal, following.noise
        own, q = ops.number(v), n + s * ops.number(v)
        if following.noise_free:
            noise = slope = ops.number(0)
        else:
            eta = ops.number(self.eta)
            noise = eta * eta * n_next * (n - n_next * s / s_next) / n
            slope = ops.sqrt((n_next - noise) / n)
        towards = ops.sqrt(s_next) - slope * ops.sqrt(s)
        return Coefficients(slope + towards * ops.sqrt(s) * own / q, towards * n / q, noise)


@dataclass(frozen=True, repr=False)
class Euler(Sampler):
    """Euler's rule for the probability-flow ODE in sigma = sqrt(n/s); the same map as Ddim(eta=0).

    Source: Karras et al. 2022 (2206.00364), algorithm 1 without its correction.
    """

    score_error: ScoreError | None = None

    order = 1
    citation = "Karras, Aittala, Aila and Laine 2022, EDM, 2206.00364, algorithm 1"
    convention = "sigmas"

    def __init__(self, score_error: Any = None) -> None:
        object.__setattr__(self, "score_error", _parse_error(score_error))

    @property
    def stochastic(self) -> bool:
        return False


@dataclass(frozen=True, repr=False)
class Heun(Sampler):
    """Heun's rule for the probability-flow ODE in sigma = sqrt(n/s), Euler's at the step to sigma = 0.

    The map need not be monotone at large steps. Source: Karras et al. 2022 (2206.00364), algorithm 1.
    """

    score_error: ScoreError | None = None

    order = 2
    citation = "Karras, Aittala, Aila and Laine 2022, EDM, 2206.00364, algorithm 1"
    convention = "sigmas"

    def __init__(self, score_error: Any = None) -> None:
        object.__setattr__(self, "score_error", _parse_error(score_error))

    @property
    def stochastic(self) -> bool:
        return False


@dataclass(frozen=True, repr=False)
class DpmSolverPlusPlus(Sampler):
    """DPM-Solver++(2M): two-step data prediction in lambda = log(sqrt(s/n)).

    The first step, and the step to a noise-free level, are of first order. Source: Lu et al. 2022
    (2211.01095), algorithm 2.
    """

    score_error: ScoreError | None = None

    order = 2
    citation = "Lu, Zhou, Bao, Chen, Li and Zhu 2022, DPM-Solver++, 2211.01095, algorithm 2"
    convention = "alpha_bar"

    def __init__(self, score_error: Any = None) -> None:
        object.__setattr__(self, "score_error", _parse_error(score_error))

    @property
    def stochastic(self) -> bool:
        return False


ALL: tuple[type[Sampler], ...] = (Ddpm, MomentMatched, Ddim, Euler, Heun, DpmSolverPlusPlus)
"""Every sampler."""


def _through(level: Level, following: Level, v: Any) -> Any:
    """(noise' + signal' v) / (noise + signal v), the primes for the following level."""
    return (following.noise + following.signal * v) / (level.noise + level.signal * v)


def _matched(level: Level, following: Level, v: Fraction, ops: Arithmetic) -> Coefficients:
    """The localization step of the core: a share 1 - t/t' towards the posterior mean, exact noise."""
    own = ops.number(v)
    q, q_next = level.noise + level.signal * own, following.noise + following.signal * own
    share = (following.signal * level.noise - level.signal * following.noise) / (following.signal * q)
    root = ops.sqrt(level.signal / following.signal)
    return Coefficients(root * q_next / q, ops.sqrt(following.signal) * share, q_next * share)
