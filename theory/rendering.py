"""Formulas as a mathematician writes them: LaTeX for pages and notebooks, unicode for a terminal.

What belongs here: how a symbol, an index or a function is printed. What does not: any formula.
"""

from __future__ import annotations

from typing import Any

import sympy as sp
from sympy.core.sorting import ordered
from sympy.printing.latex import LatexPrinter
from sympy.printing.pretty.pretty import PrettyPrinter
from sympy.printing.pretty.pretty_symbology import pretty_symbol, pretty_use_unicode
from sympy.printing.pretty.stringpict import prettyForm, stringPict
from sympy.printing.str import StrPrinter

from theory import symbols

__all__ = ["RELATIONS", "WIDTH", "flat", "latex", "unicode", "unicode_lines", "unicode_rows"]

WIDTH = 96
"""The columns of a terminal that two-dimensional text fits into, wherever a sum can be broken."""

RELATIONS: dict[str, tuple[str, str]] = {
    "==": ("=", "="),
    "<=": (r"\le", "≤"),
    ">=": (r"\ge", "≥"),
    "<": ("<", "<"),
    ">": (">", ">"),
    "!=": (r"\ne", "≠"),
}
"""Relation -> (LaTeX, unicode)."""

_LATEX_NAMES = {row.symbol: row.latex for row in symbols.QUANTITIES.values() if not row.indexed}
_TEXT_NAMES = {row.symbol: row.text for row in symbols.QUANTITIES.values() if not row.indexed}
_INDEXED_LATEX = {str(row.symbol): row.latex for row in symbols.QUANTITIES.values() if row.indexed}
_INDEXED_TEXT = {str(row.symbol): row.text for row in symbols.QUANTITIES.values() if row.indexed}

_SUBSCRIPTS = str.maketrans(
    {
        **dict(zip("0123456789", "₀₁₂₃₄₅₆₇₈₉", strict=True)),
        **dict(zip("aehijklmnoprstuvx", "ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ", strict=True)),
        "+": "₊",
        "-": "₋",
        " ": "",
        ",": " ",
    }
)


class _PositiveFirst:
    """Sums are printed with a term first that does not begin with a minus sign, if there is one."""

    def _as_ordered_terms(self, expr: sp.Add, order: str | None = None) -> list[sp.Expr]:
        terms: list[sp.Expr] = super()._as_ordered_terms(expr, order=order)  # type: ignore[misc]
        return sorted(terms, key=lambda term: bool(term.could_extract_minus_sign()))


class _Latex(_PositiveFirst, LatexPrinter):  # type: ignore[misc]
    """sympy's LaTeX, with knots and steps as plain subscripts."""

    def _print_Indexed(self, expr: sp.Indexed, exp: str | None = None) -> str:
        name = _INDEXED_LATEX.get(str(expr.base), self._print(expr.base.label))
        written = f"{name}_{{{','.join(self._print(index) for index in expr.indices)}}}"
        return written if exp is None else f"{written}^{{{exp}}}"

    def _helper_print_standard_power(self, expr: sp.Pow, template: str) -> str:
        base = self._print(expr.base)
        if isinstance(expr.base, sp.Indexed) and "^" in base:
            # A name that has a superscript of its own takes no second one.
            return str(template % (rf"\left({base}\right)", self._print(expr.exp)))
        return str(super()._helper_print_standard_power(expr, template))

    def _print_Relational(self, expr: Any) -> str:
        sign = RELATIONS[expr.rel_op][0]
        return f"{self._print(expr.lhs)} {sign} {self._print(expr.rhs)}"

    def _print_Piecewise(self, expr: sp.Piecewise) -> str:
        rows = []
        for value, condition in expr.args:
            when = r"\text{otherwise}" if condition == sp.true else self._print(condition)
            rows.append(f"{self._print(value)} & {when}")
        return r"\begin{cases} " + r" \\ ".join(rows) + r" \end{cases}"


class _Unicode(_PositiveFirst, PrettyPrinter):  # type: ignore[misc]
    """sympy's two-dimensional text, with subscripts for indices and the names of the table."""

    def _print_Symbol(self, symbol: sp.Symbol, bold_name: bool = False) -> Any:
        if symbol in _TEXT_NAMES:
            return prettyForm(_TEXT_NAMES[symbol])
        return super()._print_Symbol(symbol, bold_name)

    def _print_Indexed(self, expr: sp.Indexed) -> Any:
        name = _INDEXED_TEXT.get(str(expr.base), str(expr.base))
        index = ",".join(str(index) for index in expr.indices).replace(" ", "")
        if set(index) <= set(map(chr, _SUBSCRIPTS)):
            return prettyForm(name + index.translate(_SUBSCRIPTS), binding=prettyForm.ATOM)
        return prettyForm(f"{name}[{index}]", binding=prettyForm.ATOM)

    def _print_Sum(self, expr: sp.Sum) -> Any:
        body = self._operand(expr.function)
        for index, low, high in expr.limits:
            body = self._applied("Σ", sp.Eq(index, low, evaluate=False), high, body)
        return body

    def _print_Integral(self, expr: sp.Integral) -> Any:
        body = self._operand(expr.function)
        for variable, low, high in expr.limits:
            differential = prettyForm(" d" + self._print(variable).s)
            body = self._applied("∫", low, high, prettyForm(*body.right(differential)))
        return body

    def _print_Max(self, expr: sp.Basic) -> Any:
        return self._helper_print_function(
            expr.func, tuple(ordered(expr.args)), func_name=type(expr).__name__
        )

    _print_Min = _print_Max

    def _operand(self, function: sp.Expr) -> Any:
        form = self._print(function)
        return prettyForm(*form.parens()) if isinstance(function, sp.Add) else form

    def _applied(self, sign: str, low: sp.Basic, high: sp.Basic, body: Any) -> Any:
        """A sign with its limits below and above it, before what it applies to."""
        form = prettyForm(*stringPict(sign).above(self._print(high)))
        form = prettyForm(*form.below(self._print(low)))
        form = prettyForm(*stringPict.next(form, stringPict(" "), body))
        form.binding = prettyForm.MUL
        return form


class _Flat(_PositiveFirst, StrPrinter):  # type: ignore[misc]
    """One line of text with the names of the table."""

    printmethod = "_flat"

    def _print_Symbol(self, expr: sp.Symbol) -> str:
        return _TEXT_NAMES.get(expr) or str(pretty_symbol(expr.name))

    def _print_Indexed(self, expr: sp.Indexed) -> str:
        return str(_Unicode({"use_unicode": True})._print_Indexed(expr).s)

    def _print_Pow(self, expr: sp.Pow, rational: bool = False) -> str:
        return str(super()._print_Pow(expr, rational)).replace("**", "^")

    def _print_Max(self, expr: sp.Basic) -> str:
        return f"{type(expr).__name__}({', '.join(self._print(arg) for arg in ordered(expr.args))})"

    _print_Min = _print_Max


def latex(expression: Any) -> str:
    """The LaTeX of an expression or relation in the table's notation (no dollar signs)."""
    printer = _Latex({"symbol_names": _LATEX_NAMES, "mul_symbol": r"\,"})
    return str(printer.doprint(expression))


def unicode(expression: Any) -> str:
    """The two-dimensional unicode text of an expression or relation in the table's notation.

    A sum that is wider than `WIDTH` is broken between its terms.
    """
    if not isinstance(expression, sp.Rel):
        rows = unicode_rows(expression)
        return "\n".join(line for lines, _ in rows for line in lines)
    left, sign = _form(expression.lhs), f" {RELATIONS[expression.rel_op][1]} "
    rows = unicode_rows(expression.rhs, WIDTH - left.width() - len(sign))
    if len(rows) == 1:
        return "\n".join(unicode_lines(expression)[0])
    first = stringPict("\n".join(rows[0][0]), rows[0][1])
    lines = str(stringPict(*stringPict.next(left, sign, first))).split("\n")
    indent = " " * (left.width() + len(sign) + 2)
    lines += [indent + line for below, _ in rows[1:] for line in below]
    return "\n".join(line.rstrip() for line in lines)


def unicode_lines(expression: Any) -> tuple[list[str], int]:
    """The lines of the two-dimensional text, and the number of the line that an = would stand in."""
    return _lines(_form(expression))


def unicode_rows(expression: Any, width: int = WIDTH) -> list[tuple[list[str], int]]:
    """As `unicode_lines`, in several rows if the expression is a sum that is wider than `width`.

    Each row but the first begins with a sign. A single term is never broken.
    """
    whole = _form(expression)
    if whole.width() <= width or not isinstance(expression, sp.Add):
        return [_lines(whole)]
    rows: list[Any] = []
    for term in _Unicode()._as_ordered_terms(expression):
        negative = bool(term.could_extract_minus_sign())
        form = _form(-term if negative else term)
        if isinstance(term, sp.Add):
            form = prettyForm(*form.parens())
        longer = (
            stringPict(*stringPict.next(rows[-1], " - " if negative else " + ", form)) if rows else None
        )
        if longer is not None and longer.width() <= width:
            rows[-1] = longer
        elif rows:
            rows.append(stringPict(*stringPict.next("- " if negative else "+ ", form)))
        else:
            rows.append(stringPict(*stringPict.next("-", form)) if negative else form)
    return [_lines(row) for row in rows]


def _form(expression: Any) -> Any:
    before = pretty_use_unicode(True)
    try:
        return _Unicode({"use_unicode": True, "wrap_line": False})._print(expression)
    finally:
        pretty_use_unicode(before)


def _lines(form: Any) -> tuple[list[str], int]:
    return [line.rstrip() for line in str(form).split("\n")], int(form.baseline)


def flat(expression: Any) -> str:
    """One line of unicode text, for formulas inside a sentence."""
    lines, _ = unicode_lines(expression)
    if len(lines) == 1:
        return lines[0]
    return str(_Flat().doprint(expression)).replace("*", "⋅")
