"""One number beside another, as balls.

What belongs here: turning what a user compares into enclosures, and the outcome in words. What does not:
claims (`assertions`).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import flint
import mpmath

from diffcert.enclosure import certified_digits
from diffcert.verdict import decide
from numerics.arithmetic import balls, bits_for
from numerics.exact import rational, shown
from numerics.truth import Truth

__all__ = ["Comparison", "balls_of", "enclosed"]

_SHOWN = 12
_LARGEST = 10**4


def enclosed(side: Any, name: str) -> Any:
    """The ball of a number, a Truth or a ball, to be called within the precision; ValueError otherwise."""
    if isinstance(side, flint.arb):
        return side
    if isinstance(side, Truth):
        if isinstance(side.value, flint.arb):
            return side.value
        return _exact(side.value, name) + flint.arb(0, _upper(side.error))
    return _exact(side, name)


def balls_of(left: Any, right: Any) -> tuple[Any, Any]:
    """Both sides of a comparison as balls; ValueError for what is no number."""
    with balls(bits_for(_SHOWN * 4)).precision():
        return enclosed(left, "left"), enclosed(right, "right")


def _upper(error: float) -> Any:
    return flint.arb(error)


def _exact(value: Any, name: str) -> Any:
    number = _rational(value, name)
    if isinstance(number, Fraction):
        return flint.arb(flint.fmpq(number.numerator, number.denominator))
    return flint.arb(number)


def _rational(value: Any, name: str) -> Fraction | str:
    """An exact number, or "nan", "inf" or "-inf" of a machine number; ValueError for anything else."""
    if isinstance(value, mpmath.mpf | float) and not mpmath.isfinite(value):
        return "nan" if mpmath.isnan(value) else ("inf" if value > 0 else "-inf")
    try:
        return rational(value, name, _LARGEST)
    except ValueError:
        raise ValueError(
            f"{name}: {shown(value)} is neither a number between 1e-{_LARGEST} and 1e{_LARGEST} in size,"
            " a ball, a Truth nor a function of the digits"
        ) from None


def _exactly(*sides: Any) -> list[Fraction] | None:
    """The sides as exact numbers, or None where one is an enclosure or not finite."""
    if any(isinstance(side, flint.arb | Truth) for side in sides):
        return None
    numbers = [_rational(side, "side") for side in sides]
    finite = [number for number in numbers if isinstance(number, Fraction)]
    return finite if len(finite) == len(sides) else None


@dataclass(frozen=True)
class Comparison:
    """`truth relation bound` at one precision.

    `status` is "holds", "refuted", "loose" (it holds, but the ratio is below the least one) or
    "undecided".
    """

    status: str
    truth: Any
    relation: str
    bound: Any
    ratio: Any
    least: Fraction | None
    digits: int
    machine: bool

    @classmethod
    def of(cls, truth: Any, relation: str, bound: Any, least: Fraction | None, digits: int) -> Comparison:
        """The comparison with that many digits; sides that are functions are called with them.

        Exact numbers are compared exactly. Tight means that the smaller side is at least `least` times the
        larger; ValueError where the larger is negative, since no ratio says how tight that is.
        """
        left = truth(digits) if callable(truth) else truth
        right = bound(digits) if callable(bound) else bound
        ops = balls(bits_for(digits) + 64)
        with ops.precision():
            a, b = enclosed(left, "truth"), enclosed(right, "bound")
            exact = _exactly(left, right)
            one, other = (a, b) if exact is None else exact
            outcome = decide(one, relation, other)
            upwards = relation in ("<=", "<")
            part, whole = (a, b) if upwards else (b, a)
            ratio = None if whole.contains(0) else part / whole
            if ratio is not None and ratio.is_nan():
                ratio = None
            status = {True: "holds", False: "refuted", None: "undecided"}[outcome]
            if outcome and least is not None:
                if whole < 0:
                    raise ValueError(
                        "min_ratio: both sides are negative, and no ratio says how tight that is"
                    )
                small, large = (one, other) if upwards else (other, one)
                share = least * large if exact else (ops.number(least) * large if least else ops.number(0))
                tight = decide(small, ">=", share)
                status = {True: "holds", False: "loose", None: "undecided"}[tight]
            machine = any(isinstance(side, Truth) and side.engine != "certified" for side in (left, right))
            machine = machine or any(isinstance(side, float) for side in (left, right))
            return cls(status, a, relation, b, ratio, least, digits, machine)

    @property
    def share(self) -> float | None:
        """The ratio as a float."""
        return None if self.ratio is None else float(self.ratio.mid())

    @property
    def counted(self) -> str:
        """The status as the summary counts it."""
        if self.status == "holds" and self.machine:
            return "below_the_bound_float"
        return "refuted" if self.status == "loose" else self.status

    @property
    def label(self) -> str:
        """Both sides in words."""
        return f"{certified_digits(self.truth, 6)} {self.relation} {certified_digits(self.bound, 6)}"

    def message(self, name: str, asked: int, movable: bool) -> str:
        """What to say where this is not what a test wants."""
        first = {
            "refuted": f"refuted: {name}",
            "loose": f"not tight: {name} holds, but uses too little of its bound",
            "undecided": f"undecided: {name} (this is no refutation)",
            "holds": f"holds: {name}",
        }[self.status]
        lines = [first, f"  truth = {certified_digits(self.truth, _SHOWN)}, to be {self.relation}"]
        lines.append(f"  bound = {certified_digits(self.bound, _SHOWN)}")
        if self.ratio is not None:
            word = "truth / bound" if self.relation in ("<=", "<") else "bound / truth"
            least = "" if self.least is None else f", to be at least {self.least}"
            lines.append(f"  {word} = {certified_digits(self.ratio, _SHOWN)}{least}")
        raised = f", raised from {asked}" if self.digits > asked else ""
        kind = "machine numbers with their error estimate"
        if not self.machine:
            kind = f"{self.digits} digits{raised}"
        lines.append(f"  precision: {kind}")
        if self.status == "undecided":
            lines.append(f"  the enclosures overlap; {_hint(movable)}")
        return "\n".join(lines)


def _hint(movable: bool) -> str:
    if movable:
        return "the sides may be equal, or need more digits"
    return "pass functions of the digits, and the precision is raised"
