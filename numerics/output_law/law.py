"""The law of what a sampler returns, and its distances from the target and from the last level's law.

What belongs here: the public object, references, the orthogonal Gaussian factor. What does not: how the
law on the line is computed (`stochastic`, `deterministic`) or integrated (`distances`).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from numerics.channel import choose_engine
from numerics.exact import choice, shown
from numerics.output_law.chain import Chain, Complement
from numerics.output_law.distances import Divergences, Piece, divergences, wasserstein
from numerics.output_law.mixture import Line
from numerics.samplers import Sampler
from numerics.schedules import Schedule
from numerics.targets import Mixture
from numerics.truth import SpanError, Truth

__all__ = ["DISTANCES", "REFERENCES", "OutputLaw"]

Array = npt.NDArray[np.float64]

REFERENCES = ("target", "last_level")

DISTANCES = ("tv", "kl", "reverse_kl", "hellinger", "wasserstein_1", "wasserstein_2")

_ROUNDING = 1e-14
_RELATIVE = 4e-13
"""Relative rounding of total variations and of W_1, beside the absolute one."""


class OutputLaw(ABC):
    """The law of the last iterate, in the user's own variable at the last level.

    That is sqrt(alpha_bar) X + ..., X + sigma N or (1 - tau) X + tau N, and Y_T/T for knots of the core.
    Distances are from the target ("target", the default) or from the law of the noised target at the
    last level ("last_level"): kl is KL(reference || output), hellinger sqrt(1 - int sqrt(pq)), in nats
    and in the units of the means. `truth` gives each with its error estimate.
    """

    method: str

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._known: dict[tuple[str, str], tuple[float, float]] = {}

    @property
    def target(self) -> Mixture:
        """The target."""
        return self._chain.target

    @property
    def schedule(self) -> Schedule:
        """The schedule."""
        return self._chain.schedule

    @property
    def sampler(self) -> Sampler:
        """The sampler."""
        return self._chain.sampler

    @property
    def start(self) -> str:
        """ "exact" or "normal"."""
        return self._chain.start

    @property
    def notes(self) -> tuple[str, ...]:
        """What the reader of a result should know."""
        return self._chain.notes

    # What the two kinds of law provide

    @abstractmethod
    def _pieces(self, reference: str, fine: bool) -> Sequence[Piece]:
        """Pieces of the line of the means, in units of R, at the finer or the coarser resolution."""

    @abstractmethod
    def _line_density(self, x: Array) -> Array:
        """The density along the line, in the units of the output."""

    @abstractmethod
    def _line_cdf(self, x: Array) -> Array:
        """The distribution function along the line, in the units of the output."""

    # Densities

    def density(self, x: Any, digits: int | None = None) -> Any:
        """The density at x: a number or shape (n,) in one dimension, (d,) or (n, d) beyond.

        With `digits` x is an exact number (or a list of them) and the density a ball, as for `truth`.
        """
        if digits is not None:
            return self._points_enclosed(x, int(choose_engine(digits, None)[1] or 0), True)
        points, single = self._points(x)
        if self.target.dimension == 1:
            values = self._line_density(points)
        else:
            along, square = self._split(points)
            rest = self._chain.complement
            log = rest.dimension * math.log(2 * math.pi * rest.variance) + square / rest.variance
            values = self._line_density(along) * np.exp(-log / 2)
        return float(values[0]) if single else values

    def cdf(self, x: Any, digits: int | None = None) -> Any:
        """P(output <= x) in one dimension; x is a number or has shape (n,).

        With `digits` x is an exact number (or a list of them) and the probability a ball, as for `truth`.
        """
        if digits is not None:
            return self._points_enclosed(x, int(choose_engine(digits, None)[1] or 0), False)
        if self.target.dimension != 1:
            raise SpanError("cdf: the target has more than one dimension")
        points, single = self._points(x)
        values = self._line_cdf(points)
        return float(values[0]) if single else values

    def reference_density(self, x: Any, reference: str = "target") -> Array:
        """The reference's density in one dimension, at points of shape (n,), in the output's units."""
        choice(reference, "reference", REFERENCES)
        if self.target.dimension != 1:
            raise SpanError("reference_density: the target has more than one dimension")
        if reference == "target" and not self.target.variance:
            raise ValueError("reference: the target is discrete and has no density")
        scale = float(self._chain.scale)
        points = self._points(x)[0]
        return np.exp(self._reference(reference, Fraction(0)).log_density(points / scale)) / scale

    def extent(self, reference: str = "target", deviations: float = 5) -> tuple[float, float]:
        """An interval that holds the reference's atoms and so many deviations of a component beyond."""
        choice(reference, "reference", REFERENCES)
        line = self._reference(reference, Fraction(0))
        scale, margin = float(self._chain.scale), deviations * line.width
        return scale * (float(line.atoms.min()) - margin), scale * (float(line.atoms.max()) + margin)

    def _points(self, x: Any) -> tuple[Array, bool]:
        try:
            points = np.asarray(x, dtype=float)
        except (TypeError, ValueError):
            raise ValueError(f"x: {shown(x)} is not a number or an array of numbers") from None
        if not np.isfinite(points).all():
            raise ValueError("x: a point is not finite")
        dimension = self.target.dimension
        if dimension == 1 and points.ndim <= 1:
            return np.atleast_1d(points), points.ndim == 0
        if dimension > 1 and points.ndim in (1, 2) and points.shape[-1] == dimension:
            return np.atleast_2d(points), points.ndim == 1
        raise ValueError(f"x: an array of shape {points.shape}, but points have {dimension} coordinates")

    def _split(self, points: Array) -> tuple[Array, Array]:
        """The coordinate along the line, and the squared distance from the mean across it."""
        means = np.array([[float(c) for c in a] for a in sorted(self.target.means)])
        axis = means[-1] - means[0] if len(means) > 1 else np.eye(self.target.dimension)[0]
        axis = axis / np.linalg.norm(axis)
        first, last = float(self._chain.atoms[0]), float(self._chain.atoms[-1])
        if last != first and float(means[0] @ axis - means[-1] @ axis) * (first - last) < 0:
            axis = -axis
        foot = means[0] - (means[0] @ axis) * axis
        rest = self._chain.complement
        shrunk = foot * (rest.mean / rest.offset) if rest.offset else foot
        along = points @ axis
        across = points - along[:, None] * axis - shrunk
        return along, (across * across).sum(axis=1)

    # Distances

    # floats; with `digits` balls, with engine="mpmath" too mpf, where `truth` says they are to be had

    def tv(self, reference: str = "target", digits: int | None = None, engine: str | None = None) -> Any:
        """The total variation distance, between 0 and 1."""
        return self._value("tv", reference, digits, engine)

    def kl(self, reference: str = "target", digits: int | None = None, engine: str | None = None) -> Any:
        """KL(reference || output) in nats."""
        return self._value("kl", reference, digits, engine)

    def reverse_kl(
        self, reference: str = "target", digits: int | None = None, engine: str | None = None
    ) -> Any:
        """KL(output || reference) in nats."""
        return self._value("reverse_kl", reference, digits, engine)

    def hellinger(
        self, reference: str = "target", digits: int | None = None, engine: str | None = None
    ) -> Any:
        """sqrt(1 - int sqrt(pq)), between 0 and 1."""
        return self._value("hellinger", reference, digits, engine)

    def wasserstein(
        self, order: int, reference: str = "target", digits: int | None = None, engine: str | None = None
    ) -> Any:
        """W_1 or W_2, in the units of the means."""
        if isinstance(order, bool) or order not in (1, 2):
            raise ValueError(f"order: {shown(order)} is neither 1 nor 2")
        return self._value(f"wasserstein_{order}", reference, digits, engine)

    def truth(
        self,
        distance: str,
        reference: str = "target",
        digits: int | None = None,
        engine: str | None = None,
    ) -> Truth:
        """A distance ("tv", "kl", ..., "wasserstein_2") with its error estimate, or as an enclosure.

        `digits=n` gives a ball of radius at most 10^-n max(|value|, 10^-n), for Wasserstein distances
        times the standard deviation of the last level's law; with engine="mpmath" an mpf by an
        independent route. Both are for deterministic samplers in one dimension with a constant score
        error or none; ValueError or SpanError for others, PrecisionError where the promise cannot be
        kept.
        """
        chosen, number = choose_engine(digits, engine)
        if chosen == "fast" or number is None:
            value, error = self._pair(distance, reference)
            return Truth(distance, value, error, "fast", None, self.method, self.notes)
        choice(distance, "distance", DISTANCES)
        choice(reference, "reference", REFERENCES)
        return self._enclosed(distance, reference, number, chosen)

    def _value(self, distance: str, reference: str, digits: int | None, engine: str | None) -> Any:
        if digits is None and engine is None:
            return self._pair(distance, reference)[0]
        return self.truth(distance, reference, digits, engine).value

    def _enclosed(self, distance: str, reference: str, digits: int, engine: str) -> Truth:
        """A distance by the certified or the mpmath engine; ValueError where there is none."""
        raise ValueError(
            f"digits: {self.sampler!r} has no output law to {digits} digits; deterministic samplers in one"
            " dimension have"
        )

    def _points_enclosed(self, x: Any, digits: int, density: bool) -> Any:
        """The density or distribution function by the certified engine; ValueError where there is none."""
        raise ValueError(
            f"digits: {self.sampler!r} has no output law to {digits} digits; deterministic samplers in one"
            " dimension have"
        )

    def _pair(self, distance: str, reference: str) -> tuple[float, float]:
        choice(distance, "distance", DISTANCES)
        choice(reference, "reference", REFERENCES)
        if (distance, reference) not in self._known:
            if distance.startswith("wasserstein"):
                found = {distance: self._transport(int(distance[-1]), reference)}
            elif reference == "target" and not self.target.variance:
                exact = {"tv": 1.0, "kl": math.inf, "reverse_kl": math.inf, "hellinger": 1.0}
                found = {name: (value, 0.0) for name, value in exact.items()}
            else:
                found = self._divergences(reference)
            self._known.update({(name, reference): pair for name, pair in found.items()})
        pair = self._known[distance, reference]
        if math.isnan(pair[0]):
            raise SpanError(
                f"{distance}: the output's variance or mean across the line of the means differs from the"
                " reference's, and this distance does not factorise; kl, hellinger and wasserstein(2) do"
            )
        return pair

    def _rest(self, reference: str) -> tuple[int, float, float, float, float]:
        """Dimension, variances of output and reference, relative excess and shift across the line."""
        rest: Complement = self._chain.complement
        if reference == "last_level" or (self.schedule.ends_noise_free and self.target.variance):
            return rest.dimension, rest.variance, rest.level_variance, rest.excess, rest.shift
        v = float(self.target.variance)
        excess = (rest.variance - v) / v if v else math.inf
        return rest.dimension, rest.variance, v, excess, rest.mean - rest.offset

    def _divergences(self, reference: str) -> dict[str, tuple[float, float]]:
        found = self._refined(reference)
        values, errors = found.values, found.errors + abs(found.values[4]) + _ROUNDING
        dimension, output, other, excess, shift = self._rest(reference)
        tv, kl, reverse, square = (float(x) for x in values[:4])
        if dimension and (excess or shift):
            log = math.log1p(excess)
            kl += (dimension * (log - excess / (1 + excess)) + shift * shift / output) / 2
            reverse += (dimension * (excess - log) + shift * shift / other) / 2
            half = dimension / 2 * (log / 2 - math.log1p(excess / 2)) - shift * shift / (
                4 * (output + other)
            )
            square = square - (1 - square) * math.expm1(half)
            tv = math.nan
        root = math.sqrt(max(square, 0.0))
        doubt = float(errors[3]) / max(root, math.sqrt(float(errors[3])))
        return {
            "tv": (min(tv, 1.0), float(errors[0]) + _RELATIVE * tv),
            "kl": (kl, float(errors[1])),
            "reverse_kl": (reverse, float(errors[2])),
            "hellinger": (min(root, 1.0), doubt),
        }

    def _refined(self, reference: str) -> Divergences:
        fine = divergences(self._pieces(reference, True))
        coarse = divergences(self._pieces(reference, False))
        return Divergences(fine.values, fine.errors + np.abs(fine.values - coarse.values))

    def _transport(self, order: int, reference: str) -> tuple[float, float]:
        dimension, output, other, excess, shift = self._rest(reference)
        scale = float(self._chain.scale)
        value, doubt = wasserstein(self._pieces(reference, True), order)
        coarse, _ = wasserstein(self._pieces(reference, False), order)
        width = float(self._chain.atoms[-1] - self._chain.atoms[0]) + 1 / math.sqrt(self._chain.knots[-1])
        doubt += abs(value - coarse) + _ROUNDING * width**order
        doubt += _RELATIVE * value if order == 1 else 0.0
        value, doubt = value * scale**order, doubt * scale**order
        if order == 1:
            return (math.nan if dimension and (excess or shift) else value), doubt
        if dimension and (excess or shift):
            value += dimension * (math.sqrt(output) - math.sqrt(other)) ** 2 + shift * shift
        root = math.sqrt(max(value, 0.0))
        return root, doubt / max(root, math.sqrt(doubt))

    # Shared by the two kinds

    def _line(self, centre: Fraction) -> Line:
        """The true law of R at the last level, seen from a centre."""
        chain = self._chain
        return Line.of(chain.weights, chain.atoms, 1 / chain.knots[-1], centre)

    def _reference(self, reference: str, centre: Fraction) -> Line:
        """The reference's law in the units of R, seen from a centre."""
        chain = self._chain
        if reference == "last_level":
            return self._line(centre)
        if self.schedule.ends_noise_free and self.target.variance and chain.scale == 1:
            return self._line(centre)
        variance = float(self.target.variance / chain.scale**2)
        return Line.of(chain.weights, [a / chain.scale for a in chain.atoms], variance, centre)
