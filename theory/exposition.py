"""Derivations written out for readers: LaTeX and unicode, one link per line with its reason.

What belongs here: layout. What does not: how a formula is printed (`rendering`), and any checking.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator

import sympy as sp

from theory.derivation import Algebra, Calculus, Cases, Derivation, Lemma, Proposition, Step, is_given
from theory.rendering import RELATIONS, WIDTH, flat, latex, unicode_rows

__all__ = ["derivation_latex", "derivation_unicode", "reason", "text_latex"]


def reason(step: Step, write: Callable[[object], str]) -> str:
    """Why a link holds, in a few words; `write` renders the mathematics in it."""
    rule = step.rule
    match rule:
        case Algebra() | Calculus():
            words = rule.name
        case Lemma():
            words = _named(rule.proposition, write)
            if rule.weight != 1:
                words += f", weight {write(rule.weight)}"
            for variable, low, high in rule.over:
                words += f", {_range(variable, low, high, write)}"
        case Cases():
            words = "in either case"
    if rule.using:
        words += f" ({'; '.join(_named(proposition, write) for proposition in rule.using)})"
    return f"{words}; {step.note}" if step.note else words


def _named(proposition: Proposition, write: Callable[[object], str]) -> str:
    """How a reason refers to a proposition: an assumption is spelled out."""
    if is_given(proposition):
        return f"{proposition.title}: {write(proposition.statement)}"
    return proposition.title


def _range(variable: sp.Symbol, low: sp.Expr, high: sp.Expr, write: Callable[[object], str]) -> str:
    kind = "summed over" if variable.is_integer else "integrated over"
    ends = (write(sp.sympify(limit, strict=True)) for limit in (low, high))
    return f"{kind} {write(variable)} from {' to '.join(ends)}"


def _cases(derivation: Derivation) -> Iterator[tuple[str, Derivation]]:
    """The cases of the links that are proved by cases."""
    for step in derivation.steps:
        if isinstance(step.rule, Cases):
            for hypothesis, case in step.rule.cases:
                yield hypothesis.text, case


def derivation_latex(derivation: Derivation) -> str:
    """LaTeX of a derivation: an `aligned` environment; cases follow below it, each with its own."""

    def inline(expression: object) -> str:
        return f"${latex(expression)}$"

    rows = [rf"& {latex(derivation.start)}"]
    for step in derivation.steps:
        sign = RELATIONS[step.relation][0]
        why = text_latex(reason(step, inline))
        rows.append(rf"{sign}\; & {latex(step.rhs)} && \text{{{why}}}")
    blocks = [_environment("aligned", rows)]
    for text, case in _cases(derivation):
        blocks += [rf"\text{{Case: {text_latex(text)}.}}", derivation_latex(case)]
    return blocks[0] if len(blocks) == 1 else _environment("gathered", blocks)


def _environment(name: str, rows: list[str]) -> str:
    return rf"\begin{{{name}}}" + "\n" + " \\\\\n".join(rows) + "\n" + rf"\end{{{name}}}"


_MATHEMATICS = re.compile(
    r"[A-Za-z]_(?:\([^)]*\)|\w)|\b[A-Z]'+|\b(?:kappa|epsilon|tau|psi)\b|>=|<=|[<>]|\^"
)
_WRITTEN = {
    **{name: rf"\{name}" for name in ("kappa", "tau", "psi")},
    "epsilon": r"\varepsilon",
    ">=": r"\ge",
    "<=": r"\le",
    "^": r"\hat{}",
}


def text_latex(text: str) -> str:
    """Words for LaTeX's text mode: symbols such as t_0 or >= become mathematics.

    What stands between dollar signs is left alone.
    """

    def mathematics(match: re.Match[str]) -> str:
        found = match.group()
        if "_" in found and found not in _WRITTEN:
            base, index = found.split("_", 1)
            return f"${base}_{{{index.strip('()')}}}$"
        return f"${_WRITTEN.get(found, found)}$"

    parts = text.split("$")
    for i in range(0, len(parts), 2):
        plain = parts[i].replace("%", r"\%").replace("&", r"\&").replace("#", r"\#")
        parts[i] = _MATHEMATICS.sub(mathematics, plain)
    return "$".join(parts)


def derivation_unicode(derivation: Derivation, indent: str = "") -> str:
    """Unicode text of a derivation, cases indented below it."""
    lines = _block(derivation.start, indent, " ")
    for step in derivation.steps:
        lines += _block(step.rhs, indent, RELATIONS[step.relation][1])
        lines += _wrapped(f"[{reason(step, flat)}]", indent)
    for text, case in _cases(derivation):
        lines += ["", f"{indent}  Case: {text}", derivation_unicode(case, indent + "  ")]
    return "\n".join(lines)


def _block(expression: sp.Expr, indent: str, sign: str) -> list[str]:
    """Lines of a formula, the relation before the line that it stands in, long sums in several rows."""
    first, *others = unicode_rows(expression, WIDTH - len(indent) - 6)
    lines, baseline = first
    block = [
        f"{indent}  {sign if number == baseline else ' '} {line}".rstrip()
        for number, line in enumerate(lines)
    ]
    return block + [f"{indent}      {line}".rstrip() for lines, _ in others for line in lines]


def _wrapped(words: str, indent: str) -> list[str]:
    """A reason in lines of the page's width."""
    start = f"{indent}        "
    return textwrap.wrap(
        words,
        width=WIDTH,
        initial_indent=start,
        subsequent_indent=start + " ",
        break_long_words=False,
        break_on_hyphens=False,
    )
