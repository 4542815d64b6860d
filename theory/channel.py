"""The channel as abstract functions of the signal-to-noise ratio, and expectations over it.

What belongs here: the objects that derivations calculate with, and how the table's symbols unfold into
them. What does not: statements about them (`facts`), and rewriting rules (`normal_form`).

`Y_t = t A + W_t` with a Brownian motion W; M, I and C are functions of the snr t.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from theory import symbols as sym

__all__ = [
    "MMSE_SLOPES",
    "C",
    "I",
    "M",
    "PathMean",
    "PathVariable",
    "PriorMean",
    "RandomVariable",
    "StepMean",
    "TargetMean",
    "convexity",
    "path_mean",
    "unfold",
]

M = sp.Function("M", nonnegative=True)
"""The mmse as a function of the snr."""
I = sp.Function("I", nonnegative=True)  # noqa: E741
"""The mutual information as a function of the snr."""
C = sp.Function("C", nonnegative=True)
"""The covariance moment as a function of the snr."""
MMSE_SLOPES = {order: sp.Function(f"M^({order})", real=True) for order in (1, 2, 3, 4)}
"""The derivatives of the mmse as functions of the snr, order -> function."""
_L = sp.Function("L", nonnegative=True)
_I_Z = sp.Function("I_Z", nonnegative=True)
_I_XZ = sp.Function("I_X|Z", nonnegative=True)


class RandomVariable(sp.Symbol):  # type: ignore[misc]
    """A symbol that is random under the law of the core."""


class PathVariable(sp.Symbol):  # type: ignore[misc]
    """A symbol that is random under the law of the observation Y_t, such as its value y."""


class _Mean(sp.Function):  # type: ignore[misc]
    """A linear operator; what is constant under it may be taken out."""

    nargs = (1,)
    _random: tuple[type, ...] = (RandomVariable, PathVariable)
    _latex_name = r"\mathbb{E}"
    _text_name = "E"

    @classmethod
    def is_random(cls, expression: sp.Expr) -> bool:
        """True if the expression depends on what this mean averages over."""
        inner = {mean: sp.Dummy() for mean in expression.atoms(_Mean)}
        free = expression.xreplace(inner).free_symbols
        return any(isinstance(symbol, cls._random) for symbol in free)

    def of(self, random: sp.Expr) -> sp.Expr:
        """The same expectation of something else."""
        return self.func(random, *self.args[1:])

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        written = rf"{self._latex_name}\left[{printer._print(self.args[0])}\right]"
        return written if exp is None else f"{written}^{{{exp}}}"

    def _pretty(self, printer: Any) -> Any:
        from sympy.printing.pretty.stringpict import prettyForm, stringPict

        form = prettyForm(*printer._print(self.args[0]).parens("[", "]"))
        form = prettyForm(*stringPict.next(stringPict(self._text_name), form))
        form.binding = prettyForm.FUNC
        return form


class PriorMean(_Mean):
    """The expectation over the core A alone; its law does not change with the snr."""

    _random = (RandomVariable,)
    _latex_name = r"\mathbb{E}_A"
    _text_name = "E_A"


class TargetMean(PriorMean):
    """The expectation over the target X, whatever its law."""

    _latex_name = r"\mathbb{E}_X"
    _text_name = "E_X"


class PathMean(_Mean):
    """The expectation over the core and the observation Y_s; the snr s is the second argument.

    It depends on the snr even where what is averaged does not show it.
    """

    nargs = (2,)


class StepMean(_Mean):
    """The expectation over the law of one step, or of one Gaussian, which is fixed."""


def path_mean(expression: sp.Expr) -> sp.Expr:
    """The expectation over the core and the observation at the snr s of the table."""
    return PathMean(expression, sym.snr)


def convexity(s: sp.Expr) -> sp.Expr:
    """The second derivative of the mmse at s."""
    return sp.Derivative(M(s), (s, 2))


_SYMBOLS: dict[sp.Basic, sp.Expr] = {
    sym.first: sym.knots[0],
    sym.last: sym.knots[sym.number_of_steps],
    sym.information_first: I(sym.knots[0]),
    sym.information_last: I(sym.knots[sym.number_of_steps]),
    sym.variance: M(sp.S.Zero),
    sym.mmse: M(sym.snr),
    sym.mutual_information: I(sym.snr),
    sym.covariance_moment: C(sym.snr),
    sym.latent_mmse: _L(sym.snr),
    sym.latent_information: _I_Z(sym.snr),
    sym.latent_variance: _L(sp.S.Zero),
    sym.conditional_information_last: _I_XZ(sym.knots[sym.number_of_steps]),
    sym.mmse_second: MMSE_SLOPES[2](sym.snr),
    sym.mmse_third: MMSE_SLOPES[3](sym.snr),
    sym.mmse_fourth: MMSE_SLOPES[4](sym.snr),
}

_FUNCTIONS = {
    sym.mmse_at: M,
    sym.information_at: I,
    sym.covariance_moment_at: C,
}


def unfold(expression: sp.Basic) -> sp.Basic:
    """The expression with the table's symbols written out by their definitions.

    `t_0`, `T`, `delta_k`, `M_k`, `I(T)`, ... become knots and functions of knots; V becomes M(0).
    """

    def written(indexed: sp.Indexed) -> sp.Expr:
        (index,) = indexed.indices
        if indexed.base == sym.steps:
            return sym.knots[index + 1] - sym.knots[index]
        return _FUNCTIONS[indexed.base](sym.knots[index])

    replaced = {
        atom: written(atom)
        for atom in expression.atoms(sp.Indexed)
        if atom.base == sym.steps or atom.base in _FUNCTIONS
    }
    return expression.xreplace(replaced | _SYMBOLS)
