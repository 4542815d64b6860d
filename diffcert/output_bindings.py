"""Distances of a sampler's last iterate from the law at the last level, for the table of quantities.

What belongs here: which engine of `numerics` serves which request. What does not: the distances themselves.

In balls the radius is what the method gives, whatever digits are asked for. The second route is the machine
numbers' law of the output with its error estimate, in mpmath's type.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import mpmath

from numerics import Mixture, PrecisionError, Schedule, output_law, samplers
from numerics.output_law.certified import certified_tv
from numerics.output_law.certified_kl import certified_output_kl
from numerics.truth import SpanError, Truth

__all__ = ["OUTPUT", "output_truth"]

OUTPUT = {"output_kl": "kl", "output_tv": "tv"}
"""Key of the table -> name of the distance."""


def output_truth(key: str, instance: Any, digits: int | None, engine: str) -> Truth:
    """The distance named by a key of `OUTPUT` at a path.

    Raises SpanError for targets that are no mixtures with means on a line, PrecisionError where balls are
    asked for and the sampler's output has none.
    """
    target, rule = instance.target, instance.sampler or samplers.Ddpm()
    if type(target) is not Mixture or target.core.rank > 1:
        raise SpanError(f"{key}: the law of the output is available for mixtures with means on a line")
    if engine == "certified":
        try:
            found = _certified(key, target, instance.schedule, instance.ddpm or rule, instance.start)
        except SpanError:
            raise
        except ValueError as error:
            raise PrecisionError(f"{key}: known in machine numbers only (digits=None): {error}") from None
        return _named(found, key, found.value, 0.0, digits)
    truth = _fast(key, target, instance.schedule, rule, instance.start)
    if engine == "mpmath":
        return _named(truth, key, mpmath.mpf(truth.value), truth.error, digits, "mpmath")
    return _named(truth, key, truth.value, truth.error, None)


def _named(
    found: Truth, key: str, value: Any, error: float, digits: int | None, engine: str | None = None
) -> Truth:
    return Truth(key, value, error, engine or found.engine, digits, found.method, found.notes)


@lru_cache(maxsize=64)
def _certified(key: str, target: Mixture, schedule: Schedule, rule: Any, start: str) -> Truth:
    if key == "output_kl":
        return certified_output_kl(target, schedule, rule, start)
    return certified_tv(target, schedule, rule, start, "last_level")


@lru_cache(maxsize=64)
def _fast(key: str, target: Mixture, schedule: Schedule, rule: Any, start: str) -> Truth:
    return output_law(target, schedule, rule, start).truth(OUTPUT[key], "last_level")
