"""How entropies, latent parts and posterior cumulants are evaluated: the rows that `bindings` takes in.

What belongs here: the rows. What does not: the algorithms (`numerics`), any claim.

Latent quantities are those of a target whose X itself is estimated: a `GeneralMixture`, or `Whole` of any
target with one shared variance v. For the latter, with q = 1 + s v and u = s/q (see
`numerics.whole_engines`) L(s) = M(u)/q^2 and I_Z(s) = I(u), M and I those of the core.

Derivatives of the mmse are central differences of C = -M', whose values come from the channel's own
quadrature, not from posterior cumulants. By Taylor's formula the differences of the stencils for C', C''
and C''' are off by at most h^2/6, h^2/12 and h^2/3 times the supremum of |M^(order + 2)|, for which there
is a bound by the diameter alone (`theory.calculus.mmse_derivative_bound`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import pairwise
from typing import Any

import flint

from diffcert.instance import Instance
from numerics import GeneralMixture, PrecisionError, Whole
from numerics.arithmetic import Arithmetic, balls, bits_for, mpmath_numbers, to_ball
from numerics.channel import functional_truth
from numerics.components_path import general_mmse, general_mutual_information, general_path_kl
from numerics.cores import Functional, PointCore
from numerics.posterior_moments import cumulant_moment
from numerics.structured import OrthogonalCore, ProductCore
from numerics.whole import WholeCore

__all__ = ["NEEDS", "defines", "renyi_entropy", "rows"]

NEEDS = {
    "discrete": "a core with finitely many atoms",
    "latent": "a mixture of which X itself is estimated",
    "latent_path": "a mixture of which X itself is estimated, with a schedule",
    "latent_point": "a mixture of which X itself is estimated, at a single snr",
    "line": "a core on a line, at a single snr",
    "line_positive": "a core on a line, at a single snr above 0",
}
"""What a quantity may need of an instance -> what an instance without it lacks."""

Row = tuple[str, str, Callable[[Any], Any], Callable[[Any], Any] | None, str]

_FLOAT_DIGITS = 25
"""Digits of the balls that the fast tier rounds, where it has no route of its own."""


def defines(instance: Instance, needs: str) -> bool:
    """Whether an instance has what a quantity needs."""
    target = instance.target
    match needs:
        case "discrete":
            return not _is_whole(target.core)
        case "latent" | "latent_path" | "latent_point":
            kind = needs.partition("_")[2]
            return isinstance(target, GeneralMixture | Whole) and kind in ("", instance.kind)
        case _:
            on_a_line = isinstance(target.core, PointCore) and target.core.rank <= 1
            return on_a_line and bool(instance.kind == "point") and (needs == "line" or instance.snr != 0)


def _is_whole(core: Any) -> bool:
    return isinstance(core.factor if isinstance(core, ProductCore) else core, WholeCore)


def rows() -> Iterator[Row]:
    """The rows: key, what it needs, its value, its exact value or None, how it is evaluated."""
    yield "renyi_entropy", "discrete", _renyi, None, "closed form"
    yield "latent_entropy", "latent", _latent_entropy, None, "closed form"
    yield (
        "latent_variance",
        "latent",
        lambda values: values.arithmetic.number(_latent_variance(values)),
        _latent_variance,
        "rational arithmetic",
    )
    yield "latent_mmse", "latent_point", _latent_mmse, None, "trapezoidal rule"
    yield "latent_information", "latent_point", _latent_information, None, "trapezoidal rule"
    yield "latent_kl", "latent_path", _latent_kl, None, "trapezoidal rule"
    yield "gaussian_kl", "latent_path", _gaussian_kl, None, "closed form"
    yield "conditional_information_last", "latent_path", _conditional_information, None, "closed form"
    for order, key in ((2, "mmse_second"), (3, "mmse_third"), (4, "mmse_fourth")):
        yield (
            key,
            "line_positive",
            _Derivative(order),
            None,
            "central differences of C, with their remainder",
        )
    for orders in _MEANS:
        yield f"cumulants_{'_'.join(map(str, orders))}", "line", _Mean(orders), None, "trapezoidal rule"


_MEANS = (
    (3, 3),
    (2, 2, 2),
    (2, 2, 2, 2),
    (2, 3, 3),
    (4, 4),
    (2, 2, 2, 2, 2),
    (2, 2, 3, 3),
    (2, 4, 4),
    (3, 3, 4),
    (5, 5),
)


# Entropies


def renyi_entropy(core: Any, ops: Arithmetic) -> Any:
    """H_1/2 = 2 log(sum sqrt(w_i)) of a core, in nats, within the arithmetic's precision."""
    match core:
        case ProductCore():
            return core.copies * renyi_entropy(core.factor, ops)
        case OrthogonalCore():
            return ops.log(ops.number(core.components))
        case PointCore():
            if core.rank == 0:
                return ops.number(0)
            roots = [ops.sqrt(ops.number(w)) for w in core.weights]
            # (sum sqrt(w))^2 - 1 is twice the sum over pairs, which does not cancel for rare atoms
            pairs = ops.number(0)
            before = roots[0]
            for root in roots[1:]:
                pairs = pairs + before * root
                before = before + root
            return ops.log1p(2 * pairs)
    raise ValueError(f"renyi_entropy: not known for a {type(core).__name__}")


def _renyi(values: Any) -> Any:
    return renyi_entropy(values.target.core, values.arithmetic)


# The latent component


def _latent_entropy(values: Any) -> Any:
    target, ops = values.target, values.arithmetic
    if isinstance(target, Whole):
        return target.target.core.entropy(ops)
    return -sum((w * ops.log(w) for w in map(ops.number, target.weights)), ops.number(0))


def _latent_variance(values: Any) -> Fraction:
    target = values.target
    if isinstance(target, Whole):
        return Fraction(target.target.core.variance)
    pairs = list(zip(target.weights, target.means, strict=True))
    total = Fraction(0)
    for axis in range(target.dimension):
        mean = sum((w * a[axis] for w, a in pairs), Fraction(0))
        total += sum((w * (a[axis] - mean) ** 2 for w, a in pairs), Fraction(0))
    return total


def _of_core(values: Any, functional: Functional, t: Any) -> Any:
    """M or I of the core of a whole target at u = t/(1 + t v)."""
    inner = values.target.target
    return functional_truth(
        functional, inner, t / (1 + t * _variance(values, t)), values.digits, values.engine
    ).value


def _variance(values: Any, t: Any) -> Any:
    """v, exact beside an exact snr."""
    v = values.target.target.variance
    return v if isinstance(t, Fraction) else values.arithmetic.number(v)


def _latent_mmse(values: Any) -> Any:
    return _latent_at(values, values.instance.snr)


def _latent_at(values: Any, t: Any) -> Any:
    if isinstance(values.target, Whole):
        q = values.arithmetic.number(1 + t * _variance(values, t)) if isinstance(t, Fraction) else None
        q = 1 + t * _variance(values, t) if q is None else q
        return _of_core(values, "mmse", t) / (q * q)
    return general_mmse(values.target, t, values.digits, values.engine).latent


def _latent_information(values: Any) -> Any:
    return _information_at(values, values.instance.snr)


def _information_at(values: Any, t: Any) -> Any:
    if isinstance(values.target, Whole):
        return _of_core(values, "mutual_information", t)
    return general_mutual_information(values.target, t, values.digits, values.engine).latent


def _knots(values: Any) -> list[Any]:
    exact = values.exact("knots")
    if exact is not None and values.engine != "fast":
        return list(exact)
    return [float(t) for t in values["knots"]] if values.engine == "fast" else list(values["knots"])


def _latent_kl(values: Any) -> Any:
    if not isinstance(values.target, Whole):
        return general_path_kl(values.target, values.schedule, values.digits, values.engine).latent
    knots, ops = _knots(values), values.arithmetic
    total = ops.number(0)
    for before, after in pairwise(knots):
        size = after - before
        number = ops.number(size) if isinstance(size, Fraction) else size
        total = total + number * _latent_at(values, before)
    return total / 2 - (_information_at(values, knots[-1]) - _information_at(values, knots[0]))


def _gaussian_kl(values: Any) -> Any:
    if not isinstance(values.target, Whole):
        return general_path_kl(values.target, values.schedule, values.digits, values.engine).gaussian
    ops, v = values.arithmetic, values.target.target.variance
    total = ops.number(0)
    for before, after in pairwise(_knots(values)):
        x = (after - before) * _variance(values, after) / (1 + before * _variance(values, before))
        share = ops.number(x) if isinstance(x, Fraction) else x
        total = total + (share - ops.log1p(share))
    return total * values.target.dimension / 2 if v else ops.number(0)


def _conditional_information(values: Any) -> Any:
    if not isinstance(values.target, Whole):
        last = values["last"]
        return general_mutual_information(values.target, last, values.digits, values.engine).gaussian
    ops = values.arithmetic
    return (
        values.target.dimension * ops.log1p(values["last"] * ops.number(values.target.target.variance)) / 2
    )


# Posterior cumulants


class _Mean:
    """E[k_a k_b ...] at the instance's snr."""

    def __init__(self, orders: tuple[int, ...]) -> None:
        self._orders = orders

    def __call__(self, values: Any) -> Any:
        return cumulant_moment(
            values.target, values.instance.snr, self._orders, values.digits, values.engine
        ).value


_STENCILS: dict[int, tuple[tuple[tuple[int, Fraction], ...], Fraction]] = {
    1: (((1, Fraction(1, 2)), (-1, Fraction(-1, 2))), Fraction(1, 6)),
    2: (((1, Fraction(1)), (0, Fraction(-2)), (-1, Fraction(1))), Fraction(1, 12)),
    3: (
        ((2, Fraction(1, 2)), (1, Fraction(-1)), (-1, Fraction(1)), (-2, Fraction(-1, 2))),
        Fraction(1, 3),
    ),
}
"""Order of the derivative of C -> the weights at multiples of h, and the factor of h^2 in the remainder."""


class _Derivative:
    """M^(order) at the instance's snr, order 2, 3 or 4, by differences of C."""

    def __init__(self, order: int) -> None:
        self._order = order

    def __call__(self, values: Any) -> Any:
        from theory.calculus import mmse_derivative_bound

        core, t = values.target.core, values.instance.snr
        if core.rank == 0:
            return values.arithmetic.number(0)
        digits = _FLOAT_DIGITS if values.digits is None else values.digits
        engine = "mpmath" if values.engine == "mpmath" else "certified"
        size = mmse_derivative_bound(self._order, core.diameter_squared)
        rest = mmse_derivative_bound(self._order + 2, core.diameter_squared)
        for more in (0, 15, 60):
            value = self._at(values.target, t, digits + more, size, rest, engine)
            if engine == "mpmath" or _digits_of(value) >= digits:
                break
        else:
            raise PrecisionError(f"derivative {self._order} of the mmse: {digits} digits are out of reach")
        return float(value.mid()) if values.engine == "fast" else value

    def _at(
        self, target: Any, t: Fraction, digits: int, size: Fraction, rest: Fraction, engine: str
    ) -> Any:
        """The derivative with an absolute error of about 10^-digits times its a priori size."""
        weights, factor = _STENCILS[self._order - 1]
        allowed = size / 10**digits
        h = _power_below(min(t / 4, _root(allowed / (2 * factor * rest))))
        power = self._order - 1
        fourth = target.core.variance**2
        needed = fourth * 4 * len(weights) / (allowed * h**power)
        asked = max(digits, math.ceil(_log10(needed))) + 2
        parts = [
            (
                weight / h**power,
                functional_truth("covariance_moment", target, t + k * h, asked, engine).value,
            )
            for k, weight in weights
        ]

        ops: Arithmetic = (
            mpmath_numbers(2 * asked + 15) if engine == "mpmath" else balls(bits_for(2 * asked) + 64)
        )
        with ops.precision():
            total = sum((ops.number(weight) * value for weight, value in parts), ops.number(0))
            if engine == "mpmath":
                return -total
            return -total + flint.arb(0, (to_ball(factor * h * h * rest)).upper())


def _digits_of(value: Any) -> float:
    """How many digits of a ball are known."""
    return float(value.rel_accuracy_bits()) * math.log10(2)


def _log10(number: Fraction) -> float:
    return (math.log(number.numerator) - math.log(number.denominator)) / math.log(10)


def _root(number: Fraction) -> Fraction:
    """A lower bound of the square root, a power of ten."""
    return Fraction(10) ** math.floor(_log10(number) / 2)


def _power_below(number: Fraction) -> Fraction:
    return Fraction(10) ** math.floor(_log10(number))
