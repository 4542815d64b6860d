"""Matching of p moments of the posterior: what one step and a whole path cost, as rates.

What belongs here: the statements of section 6 of the mathematics, as data, and falsehoods that look like
them. What does not: the expansion of one step (`theory.calculus.steps`), the ladders
(`diffcert.rates.moments`).

A sampler that replaces the posterior mean by a random estimate with the posterior's first p moments has

    one step:     KL = delta^(p+1)/(2 (p + 1)!) E|kappa_(p+1)(posterior) - kappa_(p+1)(estimate)|^2 + o(.),
    whole path:   KL of the order n^-p on n steps to a fixed end,

p = 1 the posterior mean itself, p = 2 a Gaussian estimate, p = 3 the Gauss rule of two nodes on a line.
"""

from __future__ import annotations

from math import factorial

import sympy as sp

from theory.planted import PLANTED
from theory.rate import Condition, Rate
from theory.statement import Source

__all__ = ["RATES", "RATE_TWINS", "path", "step"]

_PAPER = Source(
    "Reeves and Pfister 2025, Information-Theoretic Proofs for Diffusion Sampling",
    "2502.02305",
    "",
    "matching of higher moments; the number of the theorem there is unconfirmed",
)
_ORDERS = (1, 2, 3)
_MANY = {1: "1 moment", 2: "2 moments", 3: "3 moments"}

_delta = sp.Symbol("delta", positive=True)
_gap = sp.Symbol("gap", positive=True)
_n = sp.Symbol("n", positive=True)

_estimate = {
    1: "the estimate is the posterior mean",
    2: "the estimate is Gaussian with the posterior's mean and variance",
    3: "the estimate is the Gauss rule of two nodes, which has the posterior's first three moments",
}
_exact = Condition("the posterior is the exact one, and the path starts at the right law")
_fixed = Condition("uniform steps from a fixed snr to a fixed snr")
_letters = {
    "delta": "the step of the snr",
    "gap": "E|kappa_(p+1)(posterior) - kappa_(p+1)(estimate)|^2 at the beginning of the step",
    "n": "the number of steps",
}


def _step(p: int, **changes: object) -> Rate:
    fields: dict[str, object] = {
        "id": f"reeves-pfister/moments-step-{p}",
        "title": f"One step that matches {_MANY[p]}: its leading term",
        "truth": f"step_kl_matched_{p}",
        "formula": _delta ** (p + 1) * _gap / (2 * factorial(p + 1)),
        "variables": {"delta": "down"},
        "source": _PAPER,
        "relation": "==",
        "hypotheses": (Condition(_estimate[p]), _exact),
        "note": "the coefficient is that of theory.calculus.leading_coefficient",
        "letters": {key: _letters[key] for key in ("delta", "gap")},
    }
    return Rate(**{**fields, **changes})  # type: ignore[arg-type]


def _path(p: int, **changes: object) -> Rate:
    fields: dict[str, object] = {
        "id": f"reeves-pfister/moments-path-{p}",
        "title": f"A path whose steps match {_MANY[p]}: order {p} in the number of steps",
        "truth": f"path_kl_matched_{p}",
        "formula": _n ** (-p),
        "variables": {"n": "up"},
        "source": _PAPER,
        "relation": "~",
        "hypotheses": (Condition(_estimate[p]), _exact, _fixed),
        "letters": {"n": _letters["n"]},
    }
    return Rate(**{**fields, **changes})  # type: ignore[arg-type]


step = {p: _step(p) for p in _ORDERS}
"""p -> the leading term of one step."""

path = {p: _path(p) for p in _ORDERS}
"""p -> the order of a whole path."""

RATES: tuple[Rate, ...] = (*step.values(), *path.values())
"""The rates of this module, in the order of the documentation."""


def _twin(of: Rate, what: str, why_false: str, **changes: object) -> dict[str, object]:
    return {
        "id": f"{of.id}/twin-{what}",
        "source": PLANTED,
        "twin_of": of.id,
        "why_false": why_false,
        "note": "",
        **changes,
    }


def _twins() -> tuple[Rate, ...]:
    found = []
    for p in _ORDERS:
        no_two = _delta ** (p + 1) * _gap / factorial(p + 1)
        found.append(
            _step(
                p,
                **_twin(
                    step[p],
                    "factorial",
                    f"the coefficient is 1/(2 ({p} + 1)!): the factor 2 is missing, the ratio tends to 1/2",
                    title=f"One step that matches {_MANY[p]}: the coefficient 1/({p} + 1)!",
                    formula=no_two,
                ),
            )
        )
        found.append(
            _step(
                p,
                **_twin(
                    step[p],
                    "order",
                    f"p matched moments leave a term of order p + 1 = {p + 1}, not {p + 2}",
                    title=f"One step that matches {_MANY[p]}: order {p + 2} in the step",
                    formula=_delta ** (p + 2) * _gap / (2 * factorial(p + 1)),
                    relation="<=",
                ),
            )
        )
        found.append(
            _path(
                p,
                **_twin(
                    path[p],
                    "order",
                    f"n steps of order {p + 1} each add up to order {p}, not {p + 1}",
                    title=f"A path that matches {_MANY[p]}: order {p + 1} in the number of steps",
                    formula=_n ** (-p - 1),
                    relation="<=",
                ),
            )
        )
    return tuple(found)


RATE_TWINS: tuple[Rate, ...] = _twins()
"""The planted falsehoods of this module."""
