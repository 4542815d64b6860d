"""How the quantities of low-rank mixtures are evaluated: the rows that `bindings` takes in.

What belongs here: the rows. What does not: the algorithms (`numerics.low_rank_*`), any claim.

The quantities on the left of the statements are evaluated by Gaussian conditioning, by dual numbers, or
from their definition in rational arithmetic; none of them by the formula of its statement. The fast
tier rounds a ball.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from math import isqrt
from typing import Any

from numerics.arithmetic import Arithmetic, balls, bits_for, mpmath_numbers
from numerics.low_rank_conditioning import (
    conditioned_covariance,
    conditioned_jacobian,
    conditioned_mean,
    conditioned_slope,
    conditioned_weights,
)
from numerics.low_rank_exact import Vector, distance_squared, dot, matrix_of
from numerics.low_rank_learning import (
    assignments,
    captured_energy,
    denoising_loss,
    principal_energies,
    sample_energy,
)
from numerics.low_rank_recovery import farthest_optimum, least_singular_value, subspace_distance

__all__ = ["rows"]

_FLOAT_DIGITS = 30
_GUARD = 10
Row = tuple[str, str, Callable[[Any], Any], Callable[[Any], Any] | None, str]


def rows() -> Iterator[Row]:
    """The rows: key, what it needs, its value, its exact value or None, how it is evaluated."""
    yield from _channel()
    yield from _posterior()
    yield from _samples()


def _exact(key: str, needs: str, exact: Callable[[Any], Fraction]) -> Row:
    return key, needs, lambda values: values.arithmetic.number(exact(values)), exact, "rational arithmetic"


def _listed(key: str, exact: Callable[[Any], Sequence[Fraction]]) -> Row:
    def numbers(values: Any) -> list[Any]:
        return [values.arithmetic.number(value) for value in exact(values)]

    return key, "observation", numbers, lambda values: tuple(exact(values)), "rational arithmetic"


def _at(values: Any, compute: Callable[[Arithmetic], Any]) -> Any:
    """A single number at the precision asked for, and what large exponents add to it."""
    extra = values.instance.observation.magnitude_bits
    if values.engine == "mpmath":
        ops: Arithmetic = mpmath_numbers(values.digits + 2 * _GUARD + extra // 3)
    else:
        ops = balls(bits_for((values.digits or _FLOAT_DIGITS) + 2 * _GUARD) + 2 * extra)
    with ops.precision():
        result = compute(ops)
        return float(result.mid()) if values.engine == "fast" else result


def _number(key: str, compute: Callable[[Any, Arithmetic], Any], method: str) -> Row:
    return key, "observation", lambda values: _at(values, lambda ops: compute(values, ops)), None, method


def _inner(vector: Vector, entries: Sequence[Any], ops: Arithmetic) -> Any:
    total = ops.number(0)
    for weight, entry in zip(vector, entries, strict=True):
        total = total + ops.number(weight) * entry
    return total


# One observation


def _channel() -> Iterator[Row]:
    yield _exact("signal", "low_rank", lambda values: values.instance.signal)
    yield _exact("noise", "low_rank", lambda values: values.instance.noise)
    yield _exact("number_of_components", "low_rank", lambda values: Fraction(values.target.components))
    yield _listed("mixture_weights", lambda values: values.target.weights)
    yield _listed("subspace_ranks", lambda values: [Fraction(r) for r in values.target.ranks])

    def probabilities(values: Any) -> list[Any]:
        if values.engine == "fast":
            return list(_seen(values).weights(values.arithmetic))
        return list(_at(values, _seen(values).weights))

    yield "probabilities", "observation", probabilities, None, "closed form"
    yield _number(
        "first_probability", lambda values, ops: conditioned_weights(_seen(values), ops)[0], _BAYES
    )
    yield _listed(
        "energies", lambda values: [q - max(_seen(values).energies) for q in _seen(values).energies]
    )
    yield _listed("along", lambda values: [dot(values.instance.v, p) for p in _seen(values).points])
    yield _listed("across", lambda values: [dot(values.instance.w, p) for p in _seen(values).points])
    yield _listed(
        "overlaps",
        lambda values: [
            dot(values.instance.v, subspace.project(values.instance.w))
            for subspace in values.target.subspaces
        ],
    )
    yield _exact("largest_energy", "observation", lambda values: max(_seen(values).energies))
    yield _exact("observation_energy", "observation", lambda values: dot(*[_seen(values).point] * 2))
    yield _exact("largest_rank", "low_rank", lambda values: Fraction(max(values.target.ranks)))


_BAYES = "Gaussian conditioning and Bayes' rule"


def _seen(values: Any) -> Any:
    return values.instance.observation


def _posterior() -> Iterator[Row]:
    def mean(values: Any, ops: Arithmetic) -> Any:
        return _inner(values.instance.v, conditioned_mean(_seen(values), ops), ops)

    def mean_energy(values: Any, ops: Arithmetic) -> Any:
        total = ops.number(0)
        for entry in conditioned_mean(_seen(values), ops):
            total = total + entry * entry
        return total

    def jacobian(values: Any, ops: Arithmetic) -> Any:
        slope = conditioned_slope(_seen(values), values.instance.w, ops)
        return _inner(values.instance.v, slope, ops)

    def trace(values: Any, ops: Arithmetic) -> Any:
        total = ops.number(0)
        for i, row in enumerate(conditioned_jacobian(_seen(values), ops)):
            total = total + row[i]
        return total

    def offset(values: Any, ops: Arithmetic) -> Any:
        seen = _seen(values)
        jacobian = seen.offset(ops)
        total = ops.number(0)
        for entry in (entry for row in jacobian for entry in row):
            total = total + entry * entry
        return ops.sqrt(total)

    def covariance(values: Any, ops: Arithmetic) -> Any:
        matrix = conditioned_covariance(_seen(values), ops)
        return _inner(values.instance.v, [_inner(values.instance.w, row, ops) for row in matrix], ops)

    yield _number("posterior_mean_along", mean, _BAYES)
    yield _number("mean_energy", mean_energy, _BAYES)
    yield _number("jacobian_along", jacobian, _BAYES + ", dual numbers")
    yield _number("jacobian_trace", trace, _BAYES + ", dual numbers")
    yield _number("jacobian_offset", offset, "closed form without cancellation")
    yield _number("covariance_along", covariance, _BAYES)
    yield _number("remaining_probability", lambda values, ops: _seen(values).remaining(ops), "closed form")


# Samples


def _rank(values: Any) -> int:
    return int(values.target.ranks[0])


def _network_rank(values: Any) -> Fraction:
    chosen = assignments(values.target, values.instance.noisy_samples)
    return Fraction(sum(values.target.ranks[k] for k in chosen), len(chosen))


def _noise_squared(values: Any) -> Fraction:
    return sum((dot(error, error) for error in values.instance.errors), Fraction(0))


def _root(squared: Fraction) -> Fraction | None:
    root = Fraction(isqrt(squared.numerator), isqrt(squared.denominator))
    return root if root * root == squared else None


def _square_root(key: str, needs: str, squared: Callable[[Any], Fraction], method: str) -> Row:
    def value(values: Any) -> Any:
        number = squared(values)
        root = _root(number)
        if root is not None:
            return values.arithmetic.number(root)
        return values.arithmetic.sqrt(values.arithmetic.number(number))

    return key, needs, value, lambda values: _root(squared(values)), method


def _within_rank(values: Any) -> bool:
    """Whether the samples span at most r dimensions: then PCA captures all their energy."""
    return int(matrix_of(values.instance.noisy_samples).rank()) <= _rank(values)


def _principal_energy(values: Any) -> Any:
    if _within_rank(values):
        return values.arithmetic.number(sample_energy(values.instance.noisy_samples))
    found = _spectral(
        values,
        lambda digits, engine: principal_energies(values.instance.noisy_samples, digits, engine)[
            : _rank(values)
        ],
    )
    total = values.arithmetic.number(0)
    for value in found:
        total = total + value
    return total


def _spectral(values: Any, compute: Callable[[int | None, str | None], Any]) -> Any:
    if values.engine == "fast":
        return compute(None, None)
    return compute(values.digits + _GUARD, values.engine)


def _farthest(values: Any) -> Fraction:
    subspace = values.target.subspaces[0]
    return distance_squared(farthest_optimum(subspace, values.instance.samples), subspace)


def _span(values: Any) -> int:
    return int(matrix_of(values.instance.samples).rank())


def _least_singular_value(values: Any) -> Any:
    if _span(values) < _rank(values):
        return values.arithmetic.number(0)
    return _spectral(
        values,
        lambda digits, engine: least_singular_value(values.instance.samples, _rank(values), digits, engine),
    )


def _samples() -> Iterator[Row]:
    yield _exact("number_of_samples", "samples", lambda values: Fraction(len(values.instance.samples)))
    yield _exact("ambient_dimension", "low_rank", lambda values: Fraction(values.target.dimension))
    yield _exact("subspace_rank", "low_rank", lambda values: Fraction(_rank(values)))
    yield _exact("network_rank", "samples", _network_rank)
    yield _exact("samples_rank", "samples", lambda values: Fraction(_span(values)))
    yield _exact("sample_energy", "samples", lambda values: sample_energy(values.instance.noisy_samples))
    yield _exact(
        "captured_energy",
        "samples",
        lambda values: captured_energy(values.target, values.instance.noisy_samples),
    )
    yield (
        "principal_energy",
        "samples",
        _principal_energy,
        lambda values: sample_energy(values.instance.noisy_samples) if _within_rank(values) else None,
        "isolated roots of the exact polynomial",
    )
    key, needs, value, exact, _ = _exact(
        "training_loss",
        "samples",
        lambda values: denoising_loss(
            values.target, values.instance.noisy_samples, values.instance.signal, values.instance.noise
        ),
    )
    yield key, needs, value, exact, "its definition, rational arithmetic"
    yield _square_root("farthest_distance", "inside", _farthest, "an optimum, constructed exactly")
    yield (
        "subspace_distance",
        "inside",
        lambda values: _spectral(
            values,
            lambda digits, engine: subspace_distance(
                values.target.subspaces[0], values.instance.noisy_samples, digits, engine
            ),
        ),
        None,
        "certified eigenvectors",
    )
    yield _square_root("noise_norm", "samples", _noise_squared, "rational arithmetic")
    yield (
        "least_singular_value",
        "samples",
        _least_singular_value,
        lambda values: Fraction(0) if _span(values) < _rank(values) else None,
        "isolated roots of the exact polynomial",
    )
