"""The ladders of the rates in entropies: copies, orthogonal atoms, wider cores, rare atoms, more steps.

What belongs here: the rungs, as data. What does not: what is measured on them (`entropy`), the statements
(`theory.bounds.entropy_rates`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from types import MappingProxyType
from typing import Any, TypeAlias

from diffcert.inputs import exact_inputs
from diffcert.instance import Instance
from diffcert.rates.ladder import Ladder, Quantity, Rung
from numerics.exact import text
from numerics.structured import Orthogonal, Product
from numerics.targets import Mixture, Target

__all__ = ["LADDERS"]

Row: TypeAlias = tuple[Target, Fraction, Fraction, dict[str, Any]]
"""Target, epsilon, T and further values."""


def _of_target(name: str, target: Target) -> Quantity:
    """A quantity of the table of symbols at a target."""
    return Quantity(name, {"instance": exact_inputs(Instance(target, snr=1)), "digits": 12})


def _needed(
    name: str,
    variable: str,
    rows: Sequence[Row],
    quick: int | None = None,
) -> Ladder:
    """A ladder of step counts; each row is target, epsilon, T and further values."""
    rungs = [
        Rung(
            {
                "H": _of_target("entropy", target),
                "V": target.core.variance,
                "T": last,
                "eps": epsilon,
                **further,
            },
            {"target": target.to_dict(), "epsilon": text(epsilon), "last": text(last)},
        )
        for target, epsilon, last, further in rows
    ]
    return Ladder(name, variable, rungs, quick)


_TENTH = Fraction(1, 10)
_LOW = Mixture(["49/50", "1/50"], [0, 3], 1)
_BINARY = Mixture(["1/2", "1/2"], [-1, 1], 1)
_THREE = Mixture(["1/5", "1/2", "3/10"], [-3, 0, 4], 1)


def _entropy_ladders() -> tuple[Ladder, ...]:
    one = Fraction(1)
    low: list[Row] = [(Product(_LOW, m), _TENTH, one, {}) for m in (1, 2, 4, 8, 16, 32, 64, 128, 204)]
    half: list[Row] = [(Product(_BINARY, m), _TENTH, one, {}) for m in (1, 2, 4, 8, 16, 29)]
    orthogonal: list[Row] = [
        (Orthogonal(k, 10, 1), Fraction(1, 2), one, {})
        for k in (2, 3, 5, 12, 48, 400, 20_000, 3_000_000, 485_000_000)
    ]
    return (
        _needed("copies of entropy 0.1", "H", low),
        _needed("copies of a fair coin", "H", half),
        _needed("orthogonal atoms", "H", orthogonal, 5),
    )


def _moment_ladders() -> tuple[Ladder, ...]:
    rows: list[Row] = [
        (Mixture(["1/2", "1/2"], [-(2**j), 2**j], 1), _TENTH, Fraction(1), {}) for j in range(11)
    ]
    three: list[Row] = [
        (Mixture(_THREE.weights, [x[0] * 2**j for x in _THREE.means], 1), _TENTH, Fraction(1), {})
        for j in range(-1, 9)
    ]
    return _needed("a fair coin, wider", "V", rows), _needed("three, wider", "V", three)


def _accuracy_ladders() -> tuple[Ladder, ...]:
    rows: list[Row] = [(_THREE, Fraction(1, 2**j), Fraction(1), {}) for j in range(1, 9)]
    return (_needed("three, finer", "eps", rows),)


def _dimension_ladders() -> tuple[Ladder, ...]:
    rows: list[Row] = [
        (Product(_THREE, 1, 4**j - 1) if j else _THREE, _TENTH, Fraction(1), {"d": 4**j}) for j in range(11)
    ]
    return (_needed("three, in more dimensions", "d", rows),)


def _discrete_ladders() -> tuple[Ladder, ...]:
    rows: list[Row] = [
        (
            Mixture(["1/2", "1/2"], [-1, 1], 0),
            _TENTH,
            Fraction(4**j) * 64,
            {"d": 4**j, "w": Fraction(1, 8)},
        )
        for j in range(11)
    ]
    return (_needed("a fair coin in d dimensions, W2 accuracy 1/8", "d", rows),)


def _rare(exponent: int) -> Mixture:
    weight = Fraction(1, 10**exponent)
    return Mixture([1 - weight, weight], [0, 1], 0)


def _rare_ladder(name: str, exponents: tuple[int, ...], ends: tuple[Fraction, Fraction] | None) -> Ladder:
    """Rare atoms: from 0 to 8 L + 60, or between two multiples of L = log(1/eps), rounded to integers."""
    rungs = []
    for exponent in exponents:
        target, size = _rare(exponent), exponent * math.log(10)
        start = Fraction(0) if ends is None else Fraction(round(float(ends[0]) * size))
        stop = Fraction(round(8 * size + 60)) if ends is None else Fraction(round(float(ends[1]) * size))
        values = {
            "eps": Fraction(1, 10**exponent),
            "H": _of_target("entropy", target),
            "H_half": _of_target("renyi_entropy", target),
            "T": stop,
            "D": 1,
        }
        if ends is not None:
            values["t_0"] = start
        arguments = {"target": target.to_dict(), "start": text(start), "stop": text(stop)}
        rungs.append(Rung(values, arguments))
    return Ladder(name, "eps", rungs)


_EXPONENTS = (2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96)


def _linear_ladders() -> tuple[Ladder, ...]:
    rungs = [
        Rung(
            {
                "H": _of_target("entropy", target),
                "t_0": Fraction(1, 100),
                "T": Fraction(10),
            },
            {"target": target.to_dict(), "start": "1/100", "stop": "10"},
        )
        for m in (1, 2, 4, 8, 16, 32)
        for target in (Product(_BINARY, m),)
    ]
    return (Ladder("copies of a fair coin, snr 1/100 to 10", "H", rungs),)


def _adaptive_ladders(density: str, names: tuple[str, ...]) -> tuple[Ladder, ...]:
    ladders = []
    for name in names:
        rungs = [
            Rung(
                {
                    "n": n,
                    "best": Quantity("best_kl"),
                    "limit": Quantity("loss_limit"),
                },
                {"target": name, "start": "1/100", "stop": "2", "steps": n, "density": density},
            )
            for n in (4, 8, 16, 32, 64, 128)
        ]
        ladders.append(Ladder(f"{name}, snr 1/100 to 2", "n", rungs, quick=4))
    return tuple(ladders)


def _range_ladders() -> tuple[Ladder, ...]:
    rungs = [
        Rung(
            {"T": 2**j, "best": Quantity("best_limit")},
            {"target": "binary", "start": "1/100", "stop": text(Fraction(2**j))},
        )
        for j in range(2, 8)
    ]
    return (Ladder("a fair coin, snr 1/100 to T", "T", rungs),)


LADDERS: Mapping[str, tuple[Ladder, ...]] = MappingProxyType(
    {
        "aghapour-bayraktar/steps-entropy": _entropy_ladders(),
        "aghapour-bayraktar/steps-moment": _moment_ladders(),
        "aghapour-bayraktar/steps-accuracy": _accuracy_ladders(),
        "aghapour-bayraktar/steps-dimension": _dimension_ladders(),
        "aghapour-bayraktar/discrete-steps": _discrete_ladders(),
        "companion/rare-atom": (_rare_ladder("a rare atom", _EXPONENTS, None),),
        "companion/renyi-endpoint": (
            _rare_ladder("a rare atom", _EXPONENTS, None),
            _rare_ladder("a rare atom, snr L to 4 L", _EXPONENTS[1:], (Fraction(1), Fraction(4))),
        ),
        "companion/renyi-endpoint/twin-ratio": (
            _rare_ladder("a rare atom, snr L to 4 L", _EXPONENTS[1:], (Fraction(1), Fraction(4))),
        ),
        "companion/entropy-linear": _linear_ladders(),
        "companion/loss-drops": _adaptive_ladders("drops", ("binary", "three", "five")),
        "companion/loss-density/twin-range": _range_ladders(),
        "companion/loss-density": _adaptive_ladders("loss", ("binary", "three", "five")),
    }
)
"""Rate -> its ladders."""
