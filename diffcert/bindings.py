"""The one table that binds the symbols of a formula to quantities of an instance.

What belongs here: the table, and `Values`, which evaluates its entries lazily and once. What does
not: the symbols' meaning (`theory.symbols`), the algorithms (`numerics`), any claim.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from math import isqrt
from typing import Any

import numpy as np

from diffcert import (
    enclosed,
    entropy_bindings,
    li_cai_wei,
    li_cai_wei_bindings,
    low_rank,
    low_rank_bindings,
)
from diffcert.instance import Instance
from diffcert.output_bindings import OUTPUT, output_truth
from diffcert.rationals import RATIONALS, exact_ends, exact_knots
from numerics import Mixture, PrecisionError, Schedule, SpanError, Target, score_error_mean_square
from numerics.arithmetic import FLOATS, Arithmetic, balls, bits_for, mpmath_numbers
from numerics.channel import Engine, choose_engine, functional_truth
from numerics.constant_errors import constant_error_moments
from numerics.cores import Functional
from numerics.early_stopping import early_stopping_truth
from numerics.path import KnotValues, knot_values, path_kl_truth
from numerics.path_start import start_kl_truth
from numerics.samplers import Ddpm
from numerics.trapezoid import trapezoid_error_truth
from numerics.truth import Truth

__all__ = ["BINDINGS", "Binding", "Values", "evaluate"]

GUARD_BITS = 64
GUARD_DIGITS = 20
_CHANNEL: dict[str, Functional] = {
    "mmse": "mmse",
    "mutual_information": "mutual_information",
    "covariance_moment": "covariance_moment",
}
_TRAPEZOIDS: dict[str, Functional] = {
    "trapezoid_mmse": "mmse",
    "trapezoid_information": "mutual_information",
    "trapezoid_covariance": "covariance_moment",
}
_MATCHED_AT = {"beta": Fraction(1), "beta_tilde": Fraction(0)}
"""The component variance for which a named reverse variance is the matched one."""

_ENCLOSED: dict[str, Callable[[Values], tuple[Any, Any]]] = {
    "best_phase_kl": enclosed.best_phase_kl,
    "best_rate": enclosed.best_rate,
    "covariance_supremum": enclosed.covariance_supremum,
}
FLOAT_ROUNDING = 1e-12
"""Relative error granted to a quantity that the fast tier computes in closed form."""


def _arithmetic(engine: Engine, digits: int | None) -> Arithmetic:
    if engine == "fast" or digits is None:
        return FLOATS
    if engine == "certified":
        # The promise reaches down to 10^-2n of the scale, also for a difference of two informations.
        return balls(bits_for(2 * digits) + GUARD_BITS)
    return mpmath_numbers(digits + GUARD_DIGITS)


class Values(Mapping[str, Any]):
    """The values of the table's keys at one instance in one number system, each evaluated once.

    Scalars are floats, balls or mpmath numbers; the keys indexed by knots are sequences of them.
    `exact(key)` is the same as a Fraction where the quantity is rational and known as such.
    Raises KeyError for a key that the instance does not define.
    """

    def __init__(self, instance: Instance, digits: int | None, engine: str | None = None) -> None:
        self.instance = instance
        self.engine, self.digits = choose_engine(digits, engine)
        self.arithmetic = _arithmetic(self.engine, self.digits)
        self._known: dict[str, Any] = {}
        self._exact: dict[str, Any] = {}
        self._truths: dict[str, Truth] = {}
        self._paths: dict[str, KnotValues] = {}

    def __contains__(self, key: object) -> bool:
        return key in BINDINGS and BINDINGS[str(key)].defined_for(self.instance)

    def __iter__(self) -> Iterator[str]:
        return (key for key in BINDINGS if key in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __getitem__(self, key: str) -> Any:
        if key not in self._known:
            if key not in self:
                raise KeyError(key)
            with self.precision():
                self._known[key] = BINDINGS[key].value(self)
        return self._known[key]

    def precision(self) -> AbstractContextManager[None]:
        """The context in which these numbers are to be combined."""
        return self.arithmetic.precision()

    def exact(self, key: str) -> Any:
        """The key's value as a Fraction (a tuple of them for knots), or None where none is known."""
        exact = BINDINGS[key].exact if key in self else None
        if exact is None:
            return None
        if key not in self._exact:
            self._exact[key] = exact(self)
        return self._exact[key]

    def truth(self, key: str) -> Truth:
        """The key's value with the engine and method that made it."""
        if key not in self._truths:
            if key not in self:
                raise KeyError(key)
            self._truths[key] = self._evaluate(key)
        return self._truths[key]

    def _evaluate(self, key: str) -> Truth:
        instance = self.instance
        if key == "path_kl":
            return self._path_kl()
        if key == "start_kl":
            return start_kl_truth(self.target, self.schedule, instance.start, self.digits, self.engine)
        if key in _TRAPEZOIDS:
            step = instance.parameter("spacing")
            functional = _TRAPEZOIDS[key]
            found = trapezoid_error_truth(
                functional, self.target, instance.snr, step, self.digits, self.engine
            )
            return replace(found, functional=key)
        if key in OUTPUT:
            return output_truth(key, instance, self.digits, self.engine)
        if key == "early_stopping":
            return early_stopping_truth(self.target, instance.snr, self.digits, self.engine)
        if key in _CHANNEL:
            return functional_truth(_CHANNEL[key], instance.target, instance.snr, self.digits, self.engine)
        if key in _ENCLOSED:
            with self.precision():
                value, error = enclosed.within(*_ENCLOSED[key](self), self.engine)
            return Truth(key, value, error, self.engine, self.digits, "between two bounds, on a grid")
        value = self[key]
        if isinstance(value, Sequence | np.ndarray):
            raise ValueError(f"{key}: a list of values, not a single one")
        error = FLOAT_ROUNDING * abs(value) if self.engine == "fast" else 0.0
        return Truth(key, value, float(error), self.engine, self.digits, BINDINGS[key].method)

    def _path_kl(self) -> Truth:
        instance = self.instance
        rule = instance.ddpm
        plain = rule is not None and not callable(rule.score_error)
        try:
            return path_kl_truth(
                instance.target,
                self.schedule,
                sampler=instance.sampler if rule is None else rule,
                start=instance.start,
                digits=self.digits,
                engine=self.engine,
            )
        except ValueError as error:
            if plain or self.digits is None or isinstance(error, SpanError):
                raise
            raise PrecisionError(f"path_kl: known in machine numbers only (digits=None): {error}") from None

    @property
    def target(self) -> Target:
        """The instance's target."""
        return self.instance.target

    @property
    def schedule(self) -> Schedule:
        """The instance's schedule; to be asked only of a path."""
        if self.instance.schedule is None:
            raise KeyError("schedule")
        return self.instance.schedule

    def at_knots(self, moment: str = "mmse") -> KnotValues:
        """The values at the knots, with the given moment; one pass serves every claim."""
        if moment not in self._paths:
            self._paths[moment] = self._evaluate_path(moment)
        return self._paths[moment]

    def _evaluate_path(self, moment: str) -> KnotValues:
        # `knot_values` keeps its results by its arguments as they are written, so the mmse is asked
        # for in the words in which `path_kl_truth` asks, and shared with it.
        arguments: tuple[Any, ...] = (self.target, self.schedule)
        if self.digits is not None:
            arguments += (self.digits,) if self.engine == "certified" else (self.digits, self.engine)
        if moment == "mmse":
            return knot_values(*arguments)
        return knot_values(*arguments, moments=(moment,))

    def some_path(self) -> KnotValues:
        """Whatever was evaluated at the knots already, or the mmse."""
        return next(iter(self._paths.values()), None) or self.at_knots()


@dataclass(frozen=True)
class Binding:
    """One row of the table: a symbol's key, what it needs, and how it is evaluated.

    `needs`: "target" (defined for every instance), "path" (a schedule), "point" (one snr), or the
    name of a parameter. `exact` is the rational value, or None where there is none. `of_ddpm`: whether
    it is defined for samplers of one reverse variance per step only; `at_point`: whether it needs one snr
    beside its parameter.
    """

    key: str
    needs: str
    value: Callable[[Values], Any]
    exact: Callable[[Values], Any] | None = None
    method: str = "closed form"
    of_ddpm: bool = False
    at_point: bool = False

    def defined_for(self, instance: Instance) -> bool:
        """Whether the instance defines this quantity."""
        if isinstance(instance, low_rank.LowRankInstance):
            return instance.defines(self.needs)
        if isinstance(instance, li_cai_wei.LiCaiWeiInstance):
            return instance.defines(self.needs)
        if self.needs in low_rank.NEEDS or self.needs in li_cai_wei.NEEDS:
            return False
        if self.needs in entropy_bindings.NEEDS:
            return entropy_bindings.defines(instance, self.needs)
        if self.needs in ("path", "point"):
            return instance.kind == self.needs and not (self.of_ddpm and instance.ddpm is None)
        if self.at_point and instance.kind != "point":
            return False
        return self.needs == "target" or instance.parameter(self.needs) is not None

    @property
    def lacking(self) -> str:
        """What an instance that does not define this quantity lacks."""
        if self.of_ddpm:
            return "a schedule with a sampler of one reverse variance per step"
        if self.at_point:
            return f"a single snr with the parameter {self.needs}"
        own = {**low_rank.NEEDS, **entropy_bindings.NEEDS, **li_cai_wei.NEEDS}
        words = {"path": "a schedule", "point": "a single snr", **own}
        return words.get(self.needs, f"the parameter {self.needs}")


def _differences(values: Values) -> list[Any]:
    knots = values["knots"]
    return [after - before for before, after in pairwise(knots)]


def _is_zero(number: Any) -> bool:
    return bool(number == 0)


def _positive(values: Values) -> list[Any]:
    knots = list(values["knots"])
    return knots[1:] if _is_zero(knots[0]) else knots


def _kappa(values: Values) -> Any:
    positive = _positive(values)
    if len(positive) < 2:
        return values.arithmetic.number(0)
    ratios = [after / before - 1 for before, after in pairwise(positive)]
    return values.arithmetic.maximum(ratios)


def _information_first_positive(values: Values) -> Any:
    first = values["first_positive"]
    return functional_truth("mutual_information", values.target, first, values.digits, values.engine).value


def _variance_ratios(values: Values) -> list[Any]:
    """rho_k from the knots alone: with t = a/(1 - a + a v), a component variance w in place of v makes
    the noise 1 - a + a w larger by the factor 1 + (w - v) t, and a = t/(1 + (1 - v) t).
    """
    knots, v = list(values["knots"]), values.target.variance
    number = values.arithmetic.number
    rule = values.instance.ddpm
    variance = "matched" if rule is None else rule.variance
    if variance == "matched":
        return [number(1) for _ in knots[1:]]
    if variance == "optimal":
        mmse, d = values["mmse_at"], values.target.dimension
        return [1 / (1 + (b - a) * m / d) for (a, b), m in zip(pairwise(knots), mmse, strict=False)]
    if variance in _MATCHED_AT:
        excess = number(_MATCHED_AT[str(variance)] - v)
        return [(1 + a * excess) / (1 + b * excess) for a, b in pairwise(knots)]
    levels = [t / (1 + t * number(1 - v)) for t in knots]
    v_number = number(v)
    return [
        (1 - a / b) * (1 - b + b * v_number) / (1 - a + a * v_number) / number(Fraction(variance))
        for a, b in pairwise(levels)
    ]


def _score_errors(values: Values) -> list[Any]:
    """E_k; a function's mean square is known in machine numbers only."""
    rule = values.instance.ddpm
    if rule is None or not callable(rule.score_error):
        return constant_error_moments(values.target, values.schedule, rule or Ddpm(), values.arithmetic)
    if values.engine != "fast":
        raise PrecisionError(
            "score_error_at: the mean square of a function is known in machine numbers only (digits=None)"
        )
    if not isinstance(values.target, Mixture):
        raise SpanError("score_error_at: a function needs a mixture with means on a line")
    one = replace(rule, score_error=Fraction(1))
    factors = constant_error_moments(values.target, values.schedule, one, values.arithmetic)
    return [
        factor * score_error_mean_square(values.target, values.schedule, rule, k).value
        for k, factor in enumerate(factors)
    ]


def _exact_score_errors(values: Values) -> tuple[Fraction, ...] | None:
    rule = values.instance.ddpm
    if rule is None or callable(rule.score_error):
        return None
    if rule.score_error is not None and values.exact("knots") is None:
        return None
    steps = int(values.exact("number_of_steps"))
    if rule.score_error is None:
        return (Fraction(0),) * steps
    return tuple(constant_error_moments(values.target, values.schedule, rule, RATIONALS))


def _exact_start_kl(values: Values) -> Fraction | None:
    return Fraction(0) if values.instance.start == "exact" else None


def _exact_early_stopping(values: Values) -> Fraction | None:
    """d/s for a single atom."""
    snr = values.instance.snr
    return Fraction(values.target.dimension) / snr if snr and not values.target.core.rank else None


def _exact_steps(values: Values) -> tuple[Fraction, ...] | None:
    knots = values.exact("knots")
    return None if knots is None else tuple(after - before for before, after in pairwise(knots))


def _exact_kappa(values: Values) -> Fraction | None:
    knots = values.exact("knots")
    if knots is None:
        return None
    ratios = (after / before - 1 for before, after in pairwise(knots) if before)
    return max(ratios, default=Fraction(0))


def _diameter(values: Values) -> Any:
    squared = values.target.core.diameter_squared
    return values.arithmetic.sqrt(values.arithmetic.number(squared))


def _exact_diameter(values: Values) -> Fraction | None:
    return _rational_root(values.target.core.diameter_squared)


def _radius(values: Values) -> Any:
    return values.arithmetic.sqrt(values.arithmetic.number(enclosed.radius_squared(values.target.core)))


def _exact_radius(values: Values) -> Fraction | None:
    return _rational_root(enclosed.radius_squared(values.target.core))


def _rational_root(squared: Fraction) -> Fraction | None:
    root = Fraction(isqrt(squared.numerator), isqrt(squared.denominator))
    return root if root * root == squared else None


def _rational(key: str, needs: str, exact: Callable[[Values], Fraction]) -> Binding:
    """The row of a quantity that is rational by nature."""
    return Binding(key, needs, lambda values: values.arithmetic.number(exact(values)), exact)


def _parameter(name: str) -> Binding:
    """The row of a parameter of the instance."""
    return _rational(name, name, lambda values: values.instance.parameter(name) or Fraction(0))


def _end(key: str, place: int, value: Callable[[Values], Any]) -> Binding:
    """The row of one of the path's distinguished knots, at its place in `exact_ends`."""
    return Binding(key, "path", value, lambda values: exact_ends(values.target, values.schedule)[place])


def _moment(key: str, moment: str) -> Binding:
    return Binding(key, "path", lambda values: getattr(values.at_knots(moment), moment))


def _truth(key: str, needs: str) -> Binding:
    return Binding(key, needs, lambda values: values.truth(key).value)


def _table() -> Iterator[Binding]:
    yield _rational("snr", "point", lambda values: values.instance.snr or Fraction(0))
    yield _truth("mmse", "point")
    yield _truth("mutual_information", "point")
    yield _truth("covariance_moment", "point")
    yield Binding(
        "knots",
        "path",
        lambda values: values.some_path().knots,
        lambda values: exact_knots(values.target, values.schedule),
    )
    yield Binding("steps", "path", _differences, _exact_steps)
    yield _moment("mmse_at", "mmse")
    yield _moment("covariance_moment_at", "covariance_moment")
    yield _moment("information_at", "information")
    yield _end("first", 0, lambda values: values["knots"][0])
    yield _end("first_positive", 1, lambda values: _positive(values)[0])
    yield _end("last", 2, lambda values: values["knots"][-1])
    yield _rational("number_of_steps", "path", lambda values: Fraction(len(values["knots"]) - 1))
    yield Binding("kappa", "path", _kappa, _exact_kappa)
    yield Binding("information_first", "path", lambda values: values.some_path().information_first)
    yield Binding("information_first_positive", "path", _information_first_positive)
    yield Binding("information_last", "path", lambda values: values.some_path().information_last)
    yield Binding("entropy", "target", lambda values: values.target.core.entropy(values.arithmetic))
    yield _rational("variance", "target", lambda values: values.target.core.variance)
    yield _rational("second_moment", "target", lambda values: values.target.second_moment)
    yield _rational(
        "covariance_norm", "target", lambda values: enclosed.covariance_norm(values.target.core)
    )
    yield _truth("covariance_supremum", "path")
    yield Binding("diameter", "target", _diameter, _exact_diameter)
    yield _rational("rank", "target", lambda values: Fraction(values.target.core.rank))
    yield _rational("dimension", "target", lambda values: Fraction(values.target.dimension))
    yield _rational("component_variance", "target", lambda values: values.target.variance)
    yield Binding("variance_ratio", "path", _variance_ratios, of_ddpm=True)
    yield _rational(
        "epsilon", "epsilon", lambda values: values.instance.parameter("epsilon") or Fraction(0)
    )
    yield _truth("path_kl", "path")
    yield _truth("best_phase_kl", "path")
    yield _truth("best_rate", "path")
    yield replace(_truth("start_kl", "path"), exact=_exact_start_kl)
    yield Binding("score_error_at", "path", _score_errors, _exact_score_errors, of_ddpm=True)
    yield replace(_truth("early_stopping", "point"), exact=_exact_early_stopping)
    for key in OUTPUT:
        yield _truth(key, "path")
    yield Binding("radius", "target", _radius, _exact_radius)
    for name in ("spacing", "strip"):
        yield _parameter(name)
    for key in _TRAPEZOIDS:
        yield replace(_truth(key, "spacing"), at_point=True)
    for row in (*entropy_bindings.rows(), *low_rank_bindings.rows(), *li_cai_wei_bindings.rows()):
        yield Binding(*row)


BINDINGS: dict[str, Binding] = {binding.key: binding for binding in _table()}
"""Key of `theory.symbols.QUANTITIES` -> how it is evaluated at an instance."""


def evaluate(
    quantity: str, instance: Instance, digits: int | None = None, engine: str | None = None
) -> Truth:
    """The value of a quantity of the table at an instance, as a Truth.

    `quantity` is a key of the table with a single value, such as "path_kl" (nats), "mmse" or
    "entropy". `digits=None` is the fast tier (float), `digits=n` the certified one (balls);
    `engine="mpmath"` the independent route. Raises ValueError for an unknown quantity, for one that
    the instance does not define and for digits out of range, PrecisionError where the digits cannot
    be reached.
    """
    if not isinstance(quantity, str) or quantity not in BINDINGS:
        raise ValueError(f"quantity: {quantity!r} is not one of {', '.join(BINDINGS)}")
    if not isinstance(instance, Instance):
        raise ValueError(f"instance: {instance!r} is not an Instance")
    values = Values(instance, digits, engine)
    if quantity not in values:
        raise ValueError(f"quantity: {quantity} needs {BINDINGS[quantity].lacking}")
    return values.truth(quantity)
