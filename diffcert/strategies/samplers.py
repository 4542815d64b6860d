"""Strategies for samplers and for the errors of their scores.

What belongs here: the rules of `numerics.samplers`, and errors as functions that can be typed again. What
does not: which of them an instance accepts (`instances`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from diffcert.strategies.numbers import positive_numbers

if TYPE_CHECKING:
    from numerics.samplers import Sampler

__all__ = ["Bump", "Drift", "Ripple", "reverse_variances", "samplers", "samplers_of", "score_errors"]


class _Written:
    """Frozen records of exact numbers that print as the call that makes them."""

    def __post_init__(self) -> None:
        from dataclasses import fields

        from numerics.exact import rational

        for field in fields(self):  # type: ignore[arg-type]
            object.__setattr__(self, field.name, rational(getattr(self, field.name), field.name))

    def __repr__(self) -> str:
        from numerics.exact import text

        numbers = ", ".join(f"{name}={text(value)!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({numbers})"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """What IPython and hypothesis print: the call that makes this."""
        printer.text(repr(self))


@dataclass(frozen=True, repr=False)
class Drift(_Written):
    """The score error `slope * x`, the same at every step."""

    slope: Fraction

    def __call__(self, x: Any, k: int) -> Any:
        """The error at points x (shape (n,)) of step k."""
        return float(self.slope) * x


@dataclass(frozen=True, repr=False)
class Ripple(_Written):
    """The score error `size * sin(frequency * x)`, which changes its sign from one step to the next."""

    size: Fraction
    frequency: Fraction

    def __call__(self, x: Any, k: int) -> Any:
        """The error at points x (shape (n,)) of step k."""
        import numpy as np

        return (-1) ** k * float(self.size) * np.sin(float(self.frequency) * x)


@dataclass(frozen=True, repr=False)
class Bump(_Written):
    """The score error `size * exp(-((x - centre) / width)^2)`: large at one place and nowhere else."""

    size: Fraction
    centre: Fraction
    width: Fraction

    def __call__(self, x: Any, k: int) -> Any:
        """The error at points x (shape (n,)) of step k."""
        import numpy as np

        return float(self.size) * np.exp(-(((x - float(self.centre)) / float(self.width)) ** 2))


_SIZES = tuple(Fraction(x) for x in ("1/10", "-1/10", "1/100", "1", "1e-6"))


def score_errors(functions: bool = True) -> st.SearchStrategy[Fraction | Callable[..., Any]]:
    """Score errors: exact constants and, with `functions`, smooth functions of x and the step.

    The functions are `Drift`, `Ripple` and `Bump`, which print as the call that makes them.
    """
    sizes = st.sampled_from(_SIZES)
    constants = st.one_of(sizes, st.fractions(-1, 1, max_denominator=16))
    if not functions:
        return constants
    return st.one_of(
        constants,
        st.builds(Drift, sizes),
        st.builds(Ripple, sizes, st.sampled_from([Fraction(1), Fraction(3), Fraction(1, 2)])),
        st.builds(Bump, sizes, st.integers(-3, 3).map(Fraction), positive_numbers()),
    )


def reverse_variances() -> st.SearchStrategy[str | Fraction]:
    """What `samplers.Ddpm` takes for its variance: the named ones, and numbers."""
    return st.one_of(
        st.sampled_from(("matched", "beta", "beta_tilde", "optimal")),
        st.sampled_from([Fraction(x) for x in ("1/10", "1/100", "1", "1e-6")]),
    )


def samplers(score_errors: st.SearchStrategy[Any] | None = None) -> st.SearchStrategy[Sampler]:
    """Every sampler of `numerics.samplers` with its parameters.

    `score_errors` is a strategy for their errors (default: none).
    """
    from numerics.samplers import ALL

    return _samplers(ALL, st.none() if score_errors is None else score_errors)


def samplers_of(wanted: type) -> st.SearchStrategy[Any]:
    """The samplers of one class of `numerics.samplers`, or of all for their base."""
    from numerics.samplers import ALL

    return _samplers(tuple(rule for rule in ALL if issubclass(rule, wanted)), st.none())


@st.composite
def _samplers(
    draw: st.DrawFn, wanted: tuple[type[Sampler], ...], errors: st.SearchStrategy[Any]
) -> Sampler:
    from numerics import samplers as rules

    rule = draw(st.sampled_from(wanted))
    error = draw(errors)
    made: Any = rule
    if rule is rules.Ddpm:
        return rules.Ddpm(draw(reverse_variances()), score_error=error)
    if rule is rules.MomentMatched:
        return rules.MomentMatched(draw(st.sampled_from((2, 1, 3, 5, 9))), score_error=error)
    if rule is rules.Ddim:
        eta = draw(st.sampled_from([Fraction(x) for x in ("0", "1", "1/2", "1/10")]))
        return rules.Ddim(eta, score_error=error)
    sampler: Sampler = made(score_error=error)
    return sampler
