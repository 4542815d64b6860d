"""Li, Cai and Wei: the ladders on which the rates of their theorem are looked at.

What belongs here: the ladders, as data. What does not: what is measured on them
(`li_cai_wei_quantities`), the statements (`theory.bounds.li_cai_wei_rates`).
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import Any

from diffcert.rates.ladder import Ladder, Quantity, Rung
from diffcert.rates.li_cai_wei_quantities import QUANTITIES, SHAPES
from numerics.exact import text

__all__ = ["LADDERS", "QUANTITIES"]

_PAIR = {"weights": ["1/2", "1/2"], "means": ["-2", "2"]}


def _row(components: int, spacing: int = 2) -> dict[str, Any]:
    """K equal components in a row."""
    places = [text(Fraction(spacing * (2 * i - components + 1), 2)) for i in range(components)]
    return {"weights": [f"1/{components}"] * components, "means": places}


def _steps(last: int) -> tuple[int, ...]:
    """Numbers of levels; c1 log T/T is at most 1 from T = 36 on."""
    return tuple(n for n in (40, 80, 160, 320, 640, 1280) if n <= last)


def _more_steps(name: str, target: Any, components: int, last: int) -> Ladder:
    """More and more steps."""
    rungs = [Rung({"T": n, "K": components, "d": 1}, {"target": target, "steps": n}) for n in _steps(last)]
    return Ladder(name, "T", rungs, quick=4)


_TWO_STEPS = _more_steps("two at distance 4", _PAIR, 2, 1280)
_MORE_STEPS = (_TWO_STEPS, _more_steps("three", "three", 3, 640))
_MORE_COMPONENTS = Ladder(
    "in a row, T = 40",
    "K",
    [Rung({"T": 40, "K": k, "d": 1}, {"target": _row(k), "steps": 40}) for k in (2, 3, 4, 6, 8, 12, 16)],
    quick=5,
)
_MORE_DIMENSIONS = Ladder(
    "two at distance 4, T = 40",
    "d",
    [
        Rung({"T": 40, "K": 2, "d": d}, {"target": _PAIR, "steps": 40, "dimension": d})
        for d in (1, 4, 16, 64, 256, 1024, 4096)
    ],
    quick=4,
)


def _less_error(shape: str) -> Ladder:
    rungs = [
        Rung(
            {"T": 40, "eps": Fraction(1, 2**j)},
            {"target": _PAIR, "steps": 40, "eps": text(Fraction(1, 2**j)), "shape": shape},
        )
        for j in range(2, 9)
    ]
    return Ladder(f"{shape} error, T = 40", "eps", rungs, quick=4)


def _more_steps_with_error(shape: str, last: int) -> Ladder:
    rungs = [
        Rung({"T": n, "eps": Fraction(1, 64)}, {"target": _PAIR, "steps": n, "eps": "1/64", "shape": shape})
        for n in _steps(last)
    ]
    return Ladder(f"{shape} error 1/64", "T", rungs, quick=4)


def _nearer() -> Ladder:
    rungs = []
    for j in range(2, 10):
        near = {"target": _PAIR, "weight": text(Fraction(1, 2**j)), "place": "9"}
        rungs.append(
            Rung(
                {"T": 40, "d": 1, "eps": Quantity("li_cai_wei_distance", near)},
                {**near, "steps": 40},
            )
        )
    return Ladder("a further component at 9, T = 40", "eps", rungs, quick=5)


_TRACE_STEPS = Ladder(
    "two components at any distance",
    "T",
    [Rung({"T": 10**k, "K": 2}, {"probability": f"1e-{k}"}) for k in (2, 4, 8, 16, 32, 64, 128)],
    quick=5,
)
_TRACE_COMPONENTS = Ladder(
    "independent pairs, T = 100",
    "K",
    [
        Rung(
            {"T": 100, "K": 2**m},
            {"target": _PAIR, "alpha_bar": "2/5", "copies": m, "probability": "1/100"},
        )
        for m in (4, 8, 16, 32, 64, 128)
    ],
    quick=4,
)
_NARROW_DIMENSIONS = Ladder(
    "one component, T = 4000",
    "d",
    [Rung({"T": 4000, "K": 1, "d": d}, {"dimension": d, "steps": 4000}) for d in (1, 4, 16, 64, 256, 1024)],
)
_NARROW_STEPS = Ladder(
    "one component, d = 16",
    "T",
    [
        Rung({"T": n, "K": 1, "d": 16}, {"dimension": 16, "steps": n})
        for n in (50, 100, 200, 400, 800, 1600, 3200)
    ],
)

_ERRORS = tuple(_less_error(shape) for shape in SHAPES if shape != "bump")
_ERRORS_BY_STEPS = (_more_steps_with_error("bump", 1280),)

LADDERS: Mapping[str, tuple[Ladder, ...]] = MappingProxyType(
    {
        "li-cai-wei/tv": (*_MORE_STEPS, _MORE_COMPONENTS, _MORE_DIMENSIONS),
        "li-cai-wei/tv/twin-square": _MORE_STEPS,
        "li-cai-wei/tv/twin-six-fifths": _MORE_STEPS,
        "li-cai-wei/tv/twin-no-log": _MORE_STEPS,
        "li-cai-wei/tv/twin-dimension": (_MORE_DIMENSIONS,),
        "li-cai-wei/tv/twin-variance": (_NARROW_DIMENSIONS,),
        "li-cai-wei/tv-leading": _MORE_STEPS,
        "li-cai-wei/kl-leading": _MORE_STEPS,
        "li-cai-wei/score": (*_ERRORS, *_ERRORS_BY_STEPS),
        "li-cai-wei/score/twin-square": _ERRORS,
        "li-cai-wei/score/twin-no-log": _ERRORS_BY_STEPS,
        "li-cai-wei/approximation": (_nearer(),),
        "li-cai-wei/trace-rate": (_TRACE_STEPS,),
        "li-cai-wei/trace-product": (_TRACE_COMPONENTS,),
        "li-cai-wei/narrow": (_NARROW_DIMENSIONS, _NARROW_STEPS),
        "li-cai-wei/narrow/twin-dimension-free": (_NARROW_DIMENSIONS,),
    }
)
"""Rate -> its ladders."""
