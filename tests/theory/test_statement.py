"""Records and symbols: what they refuse, and how they are printed."""

from __future__ import annotations

import ast
import pickle
from pathlib import Path
from typing import Any

import pytest
import sympy as sp

import theory
from theory import PREDICATES, QUANTITIES, Bound, Hypothesis, Source, bounds
from theory import symbols as sym
from theory.rendering import flat, latex, unicode
from theory.statement import relation_between, table_keys

SOURCE = Source("a paper", "", "Theorem 1")


@pytest.mark.parametrize("key", QUANTITIES)
def test_every_key_is_an_attribute(key: str) -> None:
    row = QUANTITIES[key]
    assert getattr(sym, key) is row.symbol
    assert key in sym.__all__
    assert sym.key_of(row.symbol) == key
    assert row.meaning
    assert row.unit
    assert row.range
    assert row.indexed == bool(row.indices)
    if row.indexed:
        assert sym.key_of(row.symbol[sym.k + 1]) == key


def test_the_table_is_read_only() -> None:
    with pytest.raises(TypeError):
        QUANTITIES["kappa"] = QUANTITIES["rank"]  # type: ignore[index]


def test_a_symbol_with_other_assumptions_is_told_apart() -> None:
    with pytest.raises(ValueError, match=r"use theory\.symbols\.kappa"):
        sym.key_of(sp.Symbol("kappa"))
    with pytest.raises(ValueError, match=r"use theory\.symbols\.mmse_at"):
        sym.key_of(sp.IndexedBase("M")[0])
    with pytest.raises(ValueError, match="stands for no quantity"):
        sym.key_of(sp.Symbol("z"))


def test_summation_indices_are_no_quantities() -> None:
    assert table_keys(bounds.reeves_pfister.monotone.formula) == {"steps", "mmse_at", "number_of_steps"}
    with pytest.raises(ValueError, match="stands for no quantity"):
        table_keys(sym.k + sym.kappa)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "exactly one"),
        ({"relation": sym.kappa > 1, "predicate": "mmse_convex"}, "exactly one"),
        ({"predicate": "nice"}, "unknown predicate"),
        ({"relation": sp.true}, "not a relation"),
        ({"relation": sp.Symbol("z") > 1}, "stands for no quantity"),
    ],
)
def test_hypotheses_are_checked(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Hypothesis("key", "text", **arguments)


def test_named_hypotheses() -> None:
    for predicate, text in PREDICATES.items():
        hypothesis = Hypothesis.named(predicate)
        assert (hypothesis.key, hypothesis.text) == (predicate, text)
        assert hypothesis.symbols == frozenset()
        assert hypothesis.unicode() == text
    with pytest.raises(ValueError, match="known: matched_sampler"):
        Hypothesis.named("nice")


def bound(**changes: Any) -> Bound:
    fields: dict[str, Any] = {
        "id": "mine/one",
        "title": "one",
        "truth": sym.path_kl,
        "relation": "<=",
        "formula": sym.kappa,
        "hypotheses": (),
        "source": SOURCE,
    }
    return Bound(**(fields | changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"relation": "<"}, "is not one of <=, >=, =="),
        ({"formula": "kappa"}, "must be a sympy expression"),
        ({"formula": sp.Symbol("z")}, "stands for no quantity"),
        ({"truth": sp.Symbol("z")}, "stands for no quantity"),
        (
            {"why_false": "it is", "derivation": bounds.reeves_pfister.monotone.derivation},
            "falsehood has no derivation",
        ),
    ],
)
def test_bounds_are_checked(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        bound(**changes)


def test_a_source_says_what_is_known() -> None:
    with pytest.raises(ValueError, match="note must say"):
        Source("a paper", "1234.56789", "")
    assert str(Source("a paper", "1234.56789", "Theorem 2", "part 1")) == (
        "a paper, arXiv:1234.56789, Theorem 2 (part 1)"
    )


def test_relations_stay_as_written() -> None:
    assert relation_between(sp.Integer(1), "<=", sp.Integer(2)).rel_op == "<="
    with pytest.raises(ValueError, match="is not one of"):
        relation_between(sym.kappa, "<", sym.last)


def test_latex_of_a_statement() -> None:
    text = bounds.ours.convex_halved.latex()
    assert text.startswith(r"\mathrm{KL} \le ")
    assert r"\frac{I(T)\,\kappa}{2}" in text
    assert bounds.ours.convex_halved._repr_latex_().startswith("$")
    monotone = bounds.reeves_pfister.monotone.latex()
    assert r"M_{k} - M_{k + 1}" in monotone
    assert r"\delta_{k}" in monotone
    assert r"\varepsilon" in bounds.aghapour_bayraktar.step_complexity.latex()


def test_unicode_of_a_statement() -> None:
    assert bounds.reeves_pfister.monotone.unicode() == (
        "     n - 1\n       Σ   (Mₖ - Mₖ₊₁)⋅δₖ\n     k = 0\nKL ≤ ────────────────────\n              2"
    )
    assert unicode(sym.mmse_at[sp.Symbol("q", integer=True)]) == "M[q]"
    assert flat(sym.kappa / 2 + sym.mmse_at[sym.k] ** 2) == "κ/2 + Mₖ^2"
    assert latex(sym.first >= 1) == r"t_0 \ge 1"


@pytest.mark.parametrize("item", [*bounds.ALL.values(), *bounds.TWINS.values()], ids=lambda b: b.id)
def test_everything_can_be_shown(item: Bound) -> None:
    for text in (item.latex(), item.unicode(), *(h.latex() for h in item.hypotheses)):
        assert text
        assert "Dummy" not in text
    if item.derivation is not None:
        for text in (item.derivation.latex(), item.derivation.unicode()):
            assert "Dummy" not in text
            assert text.count("$") % 2 == 0
        assert item.derivation.latex().count(r"\begin{aligned}") >= 1


def test_braces_of_derivations_balance() -> None:
    for item in bounds.ALL.values():
        assert item.derivation is not None
        text = item.derivation.latex()
        assert text.count("{") == text.count("}")
        assert text.count(r"\begin") == text.count(r"\end")


def test_cases_and_assumptions_are_spelled_out() -> None:
    derivation = bounds.reeves_pfister.bounded_ratio_information.derivation
    assert derivation is not None
    text = derivation.unicode()
    assert "Case: the path starts at t_0 = 0" in text
    assert "assumption: t₀ = 0" in text
    assert r"\text{Case: the path starts at $t_{0}$ $>$ 0.}" in derivation.latex()


def test_bounds_travel_between_processes() -> None:
    for item in (*bounds.ALL.values(), *bounds.TWINS.values()):
        copy = pickle.loads(pickle.dumps(item))
        assert copy == item


def test_public_names_exist() -> None:
    for name in theory.__all__:
        assert getattr(theory, name) is not None


def test_the_walls() -> None:
    """theory imports neither numerics, nor diffcert, nor flint (sympy may, for itself)."""
    root = Path(theory.__file__).parent
    for file in root.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            for name in names:
                assert name.split(".")[0] not in {"numerics", "diffcert", "flint"}, file
