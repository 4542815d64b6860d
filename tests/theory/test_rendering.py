"""Everything that is shown: LaTeX that the pages can render, and text that a terminal can hold."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.theory.formulas import formulas
from tests.theory.inventory import DERIVATIONS, PROPOSITIONS
from theory import QUANTITIES, bounds, calculus, lower, lower_relation
from theory import symbols as sym
from theory.rendering import WIDTH, flat, latex, unicode, unicode_lines, unicode_rows

EVERY_BOUND = [*bounds.ALL.values(), *bounds.TWINS.values()]
k, n = sym.k, sym.number_of_steps


@pytest.fixture(scope="module")
def rendered() -> Callable[[str], str]:
    """The converter of the documentation, which refuses what it does not know."""
    pytest.importorskip("latex2mathml")
    pytest.importorskip("sphinx")
    from diffcert.sphinx.mathml import mathml

    def convert(text: str) -> str:
        assert text.count("{") == text.count("}")
        assert text.count(r"\left") == text.count(r"\right")
        found: str = mathml(text, True)
        assert found.startswith("<math")
        return found

    return convert


def inner(thing: Any) -> str:
    """What `_repr_latex_` gives, without its dollar signs."""
    text = thing._repr_latex_()
    assert text[0] == text[-1] == "$"
    return str(text[1:-1]).removeprefix(r"\displaystyle ")


def without_words(text: str) -> str:
    """LaTeX without the arguments of its \\text commands."""
    kept, *parts = text.split(r"\text{")
    for part in parts:
        depth, end = 1, 0
        while depth:
            depth += {"{": 1, "}": -1}.get(part[end], 0)
            end += 1
        kept += part[end:]
    return kept


# LaTeX


@pytest.mark.parametrize("row", QUANTITIES.values(), ids=lambda row: row.key)
def test_symbols(row: Any, rendered: Callable[[str], str]) -> None:
    symbol = row.symbol[k + 1] if row.indexed else row.symbol
    assert rendered(latex(symbol))
    assert latex(symbol).startswith(row.latex)
    assert unicode(symbol).startswith(row.text)
    assert len(unicode(symbol).splitlines()) == 1


@pytest.mark.parametrize("bound", EVERY_BOUND, ids=lambda b: b.id)
def test_statements(bound: Any, rendered: Callable[[str], str]) -> None:
    assert inner(bound) == bound.latex()
    for thing in (bound, *bound.hypotheses, lower(bound.formula), lower_relation(bound.statement)):
        assert rendered(inner(thing))


@pytest.mark.parametrize("derivation", DERIVATIONS, ids=lambda d: d.title)
def test_derivations(derivation: Any, rendered: Callable[[str], str]) -> None:
    text = inner(derivation)
    assert text == derivation.latex()
    assert text.count(r"\begin") == text.count(r"\end")
    written = rendered(without_words(text))
    assert written.count("<mtr>") >= len(derivation.steps)
    for step in derivation.steps:
        for side in (step.lhs, step.rhs):
            assert rendered(latex(side))
    for words in re.findall(r"\$([^$]+)\$", text):
        assert rendered(words)


@pytest.mark.parametrize("proposition", PROPOSITIONS, ids=lambda p: p.title)
def test_propositions(proposition: Any, rendered: Callable[[str], str]) -> None:
    assert rendered(latex(proposition.statement))
    assert unicode(proposition.statement)
    for condition in proposition.conditions:
        assert rendered(latex(condition))


@pytest.mark.parametrize("order", range(1, 6))
def test_polynomials_in_cumulants(order: int, rendered: Callable[[str], str]) -> None:
    for polynomial in (calculus.mmse_derivative(order), calculus.information_derivative(order)):
        for thing in (polynomial, lower(polynomial), calculus.to_central_moments(polynomial)):
            assert rendered(inner(thing))
    for polynomial in calculus.mean_step_expansion(order + 1).values():
        assert rendered(inner(polynomial))


@pytest.mark.parametrize("order", range(1, 5))
def test_polynomials_in_cumulant_tensors(order: int, rendered: Callable[[str], str]) -> None:
    derivative = calculus.tensor_mmse_derivative(order)
    several = [derivative, calculus.tensor_information_derivative(order)]
    several += calculus.tensor_step_expansion(1, order + 1).values()
    for polynomial in several:
        assert rendered(inner(polynomial))
        assert rendered(inner(lower(polynomial)))
        assert "\n" not in polynomial.unicode()
        for graph, _ in polynomial:
            assert rendered(calculus.index_notation(graph))
            named = calculus.named_form(graph)
            assert named is None or rendered(named)


@given(formula=formulas())
@settings(max_examples=25, deadline=None)
def test_random_formulas(rendered: Callable[[str], str], formula: sp.Expr) -> None:
    assert rendered(latex(formula))
    assert rendered(inner(lower(formula)))
    for text in (unicode(formula), flat(formula)):
        assert "**" not in text
        assert "Dummy" not in text


def test_what_stands_in_them(rendered: Callable[[str], str]) -> None:
    written = rendered(inner(bounds.aghapour_bayraktar.geometric_steps))
    for part in ("≤", "otherwise", "<mfrac>", "<msub>", "<msup>", "<mtable"):
        assert part in written


# Text


def text_of(bound: Any) -> list[str]:
    lines = bound.unicode().splitlines()
    if bound.derivation is not None:
        lines += bound.derivation.unicode().splitlines()
    return list(lines)


@pytest.mark.parametrize("bound", EVERY_BOUND, ids=lambda b: b.id)
def test_nothing_is_wider_than_the_page(bound: Any) -> None:
    for line in text_of(bound):
        assert len(line) <= WIDTH + 10, line
        assert line == line.rstrip()
        assert "\t" not in line
        assert "**" not in line
        assert "\\" not in line


@pytest.mark.parametrize("derivation", DERIVATIONS, ids=lambda d: d.title)
def test_derivations_as_text(derivation: Any) -> None:
    text = derivation.unicode()
    assert text.count("[") >= len(derivation.steps)
    assert "Dummy" not in text
    assert "Sum(" not in text
    assert "Integral(" not in text


terms = st.lists(
    st.sampled_from(
        [
            sym.kappa * sym.entropy,
            sp.sqrt(sym.last) / 7,
            -sym.variance / sym.rank,
            sym.mmse_at[k],
            -sym.last,
            sp.Sum(sym.steps[k] * sym.mmse_at[k], (k, 0, n - 1)),
            sp.log(1 + sym.kappa),
            -sp.pi,
        ]
    ),
    min_size=2,
    max_size=8,
    unique=True,
)


@given(parts=terms, width=st.integers(5, 60))
@settings(max_examples=80, deadline=None)
def test_a_broken_sum_has_all_its_terms(parts: list[sp.Expr], width: int) -> None:
    """Read along their baselines, the rows are the unbroken sum."""
    expression = sp.Add(*parts)
    rows = unicode_rows(expression, width)
    whole, baseline = unicode_lines(expression)
    joined = " ".join(lines[place] for lines, place in rows)
    assert re.sub(r"\s+", "", joined) == re.sub(r"\s+", "", whole[baseline])
    assert sum(len("".join(lines).replace(" ", "")) for lines, _ in rows) == len(
        "".join(whole).replace(" ", "")
    )
    widest = max(unicode_lines(abs(part))[0] for part in parts)
    for lines, _ in rows:
        assert max(map(len, lines)) <= max(width, max(map(len, widest)) + 20)
    if max(map(len, whole)) <= width:
        assert len(rows) == 1


def test_a_wide_relation_is_broken_below_its_sign() -> None:
    wide = sum(
        (sp.Sum(sym.steps[k] * sym.mmse_at[k] ** j * sym.kappa, (k, j, n - 1)) for j in range(1, 9)),
        sp.S(0),
    )
    lines = unicode(sp.Le(sym.path_kl, wide, evaluate=False)).splitlines()
    assert max(map(len, lines)) <= WIDTH
    starts = [line for line in lines if line.startswith("KL ≤ ")]
    assert len(starts) == 1
    assert sum(line.startswith("       + ") for line in lines) == 1
    assert sum(line.count("Σ") for line in lines) == 8


def test_minus_signs_come_last() -> None:
    assert flat(-sym.mmse_at[k + 1] / 2 + sym.mmse_at[k] / 2) == "Mₖ/2 - Mₖ₊₁/2"
    assert flat(-sym.kappa) == "-κ"


def test_a_name_with_a_superscript_takes_no_second_one():
    mean, plain = sp.IndexedBase("m^Z"), sp.IndexedBase("A")
    assert latex(mean[k] ** 2) == r"\left(m^{Z}_{k}\right)^{2}"
    assert latex(plain[k] ** 2) == "A_{k}^{2}"
    doubled = re.compile(r"\^\{[^{}]*\}(_\{[^{}]*\})?\^")
    for proposition in PROPOSITIONS:
        assert not doubled.search(latex(proposition.statement)), proposition.title
