"""What the LaTeX of a document needs beside what Sphinx writes: characters, tables that fit, colours.

What belongs here: the lines for the preamble, and changes to nodes that only LaTeX needs. What does not:
layout (`content`), words with mathematics in them (`pieces`).

pdflatex stops at a character that it does not know, so those that formulas and tables in plain text are
made of are declared; one that is declared already (Greek letters in a Greek document) stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from docutils import nodes

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.config import Config

__all__ = ["adapted", "preamble", "register"]


def _pairs(text: str) -> dict[str, str]:
    """Every second word by the one before it."""
    words = text.split()
    return dict(zip(words[::2], words[1::2], strict=True))


_SIGNS = _pairs(
    "α alpha β beta γ gamma δ delta ε varepsilon ζ zeta η eta θ theta ι iota κ kappa λ lambda μ mu ν nu"
    " ξ xi π pi ρ rho σ sigma ς varsigma τ tau υ upsilon φ varphi χ chi ψ psi ω omega Γ Gamma Δ Delta"
    " Θ Theta Λ Lambda Ξ Xi Π Pi Σ Sigma Υ Upsilon Φ Phi Ψ Psi Ω Omega"
    " ≤ leq ≥ geq ≠ neq ≈ approx ≲ lesssim ≳ gtrsim ≡ equiv ∼ sim ≃ simeq ∝ propto ≪ ll ≫ gg ∞ infty"
    " ∂ partial ∇ nabla ∑ sum ∏ prod ∫ int √ surd ∈ in ∉ notin ⊂ subset ⊆ subseteq ∪ cup ∩ cap"
    " ∅ emptyset ∀ forall ∃ exists ⋅ cdot ∗ ast ∘ circ ⊗ otimes ⊕ oplus ⊥ perp ∥ parallel ‖ Vert"
    " ∧ wedge ∨ vee → rightarrow ← leftarrow ↔ leftrightarrow ⇒ Rightarrow ⇔ Leftrightarrow ↦ mapsto"
    " ⟨ langle ⟩ rangle ⌊ lfloor ⌋ rfloor ⌈ lceil ⌉ rceil ℓ ell ∎ blacksquare ⋯ cdots ′ prime"
)
_RAISED = _pairs("⁰ 0 ¹ 1 ² 2 ³ 3 ⁴ 4 ⁵ 5 ⁶ 6 ⁷ 7 ⁸ 8 ⁹ 9 ⁺ + ⁻ - ⁿ n ᵀ T")
_LOWERED = _pairs(
    "₀ 0 ₁ 1 ₂ 2 ₃ 3 ₄ 4 ₅ 5 ₆ 6 ₇ 7 ₈ 8 ₉ 9 ₊ + ₋ - ₐ a ₑ e ₕ h ᵢ i ⱼ j ₖ k ₗ l ₘ m ₙ n ₒ o ₚ p ᵣ r ₛ s"
    " ₜ t ᵤ u ᵥ v ₓ x"
)
_LETTERS = _pairs("ℝ R ℕ N ℤ Z ℂ C ℙ P 𝔼 E")
_PIECES = _pairs(
    "⎛ / ⎜ | ⎝ \\ ⎞ \\ ⎟ | ⎠ / ⎡ [ ⎢ [ ⎣ [ ⎤ ] ⎥ ] ⎦ ] ⎧ / ⎨ < ⎩ \\ ⎪ | ⎫ \\ ⎬ > ⎭ / ⎮ | ⌠ / ⌡ / ╱ / ╲ \\"
)
_BOXES = range(0x2500, 0x2580)
_ACROSS, _DOWN = "━═╌╍┄┅┈┉╴╶╸╺", "┃║╎╏┆┇┊┋╵╷╹╻"
_KNOWN = "─│└├╱╲"
"""Those of the boxes that Sphinx draws, and those that are written above."""


def _declared() -> Iterator[tuple[str, str]]:
    """Each character with what LaTeX writes for it."""
    yield "−", r"\ensuremath{-}"
    yield "ᾱ", r"\ensuremath{\bar\alpha}"
    yield "\N{COMBINING CIRCUMFLEX ACCENT}", r"\llap{\textasciicircum}"
    yield "\N{COMBINING MACRON}", r"\llap{\textasciimacron}"
    for sign, name in _SIGNS.items():
        yield sign, rf"\ensuremath{{\{name}}}"
    for sign, letter in _LETTERS.items():
        yield sign, rf"\ensuremath{{\mathbb{{{letter}}}}}"
    for sign, text in _RAISED.items():
        yield sign, rf"\ensuremath{{^{{{text}}}}}"
    for sign, text in _LOWERED.items():
        yield sign, rf"\ensuremath{{_{{{text}}}}}"
    for sign, text in _PIECES.items():
        yield sign, r"\textbackslash{}" if text == "\\" else text
    for sign in map(chr, _BOXES):
        if sign in _KNOWN:
            continue
        drawn = "2500" if sign in _ACROSS else "2502" if sign in _DOWN else "+"
        yield sign, drawn if drawn == "+" else rf"\sphinxunichar{{{drawn}}}"
    yield "█", r"\rule{0.5em}{1.5ex}"


def preamble() -> str:
    """The declarations, for an engine that needs them."""
    lines = [
        rf"\certdeclare{{{ord(sign):04X}}}{{{sign}}}{{{written}}}" for sign, written in sorted(_declared())
    ]
    return "\n".join(
        (
            r"% Characters of formulas and tables in plain text, where LaTeX knows none of that name.",
            r"\ifdefined\DeclareUnicodeCharacter",
            r"\def\certdeclare#1#2#3{\ifcsname u8:\detokenize{#2}\endcsname\else"
            r"\DeclareUnicodeCharacter{#1}{#3}\fi}",
            *lines,
            r"\fi",
            "",
        )
    )


_COLOURS = {
    "holds": "1B6E32",
    "derived": "1B6E32",
    "cited": "1A4F8B",
    "consistent": "1A4F8B",
    "definition": "1A4F8B",
    "conjecture": "5F4B00",
    "not-applicable": "5F4B00",
    "undecided": "7A3E00",
    "not-run": "7A3E00",
}
"""Those of `cert.css`; every other status is red."""
_RED = "A01313"
_PREFIX = "cert-status-"
_LINES_WITHIN = re.compile(r"\\begin\{cases\}.*?\\end\{cases\}|\\substack\{[^{}]*\}", re.DOTALL)
_LONGEST_FORMULA = 150
_LONGEST_DISPLAY = 240
"""LaTeX of more characters, within a line or on one of its own, may be wider than the page."""
_MOST_ROWS = 8
"""A longer table may be broken by the end of a page."""


def adapted(made: Sequence[nodes.Node], place: nodes.Node) -> list[nodes.Node]:
    """The nodes that are put into a place: tables as wide as the page, statuses in their colours."""
    holder = nodes.Element("", *made)
    around = list(_around(place))
    framed = any(isinstance(node, nodes.Admonition | nodes.entry | nodes.footnote) for node in around)
    for table in holder.findall(nodes.table):
        if "cert-table" in table["classes"]:
            rows = sum(1 for _ in table.findall(nodes.row))
            long = ["longtable"] if rows > _MOST_ROWS and not framed else []
            table["classes"] += ["colwidths-given", *long]
    for inline in list(holder.findall(nodes.math)):
        if len(inline.astext()) > _LONGEST_FORMULA:
            inline.replace_self(nodes.raw("", _shrunk(inline.astext()), format="latex"))
    for display in list(holder.findall(nodes.math_block)):
        formula = display.astext()
        single = r"\\" not in _LINES_WITHIN.sub("", formula) and not display["label"]
        if len(formula) > _LONGEST_DISPLAY and single:
            fitted = _fitted(rf"\displaystyle {formula}")
            display.replace_self(nodes.raw("", rf"\begin{{center}}{fitted}\end{{center}}", format="latex"))
    if not any(isinstance(node, nodes.title) for node in around):
        for badge in list(holder.findall(nodes.strong)):
            _colour(badge)
    return list(holder.children)


def _shrunk(formula: str) -> str:
    """A formula within a line, no wider than the line: there may be no place where it can be broken."""
    # The line before it may end early.
    return rf"\hfil\penalty0\hfilneg{_fitted(formula)}"


def _fitted(formula: str) -> str:
    size = r"\ifdim\width>\linewidth\linewidth\else\width\fi"
    return rf"\resizebox{{{size}}}{{!}}{{\({formula}\)}}"


def _around(node: nodes.Node) -> Iterator[nodes.Node]:
    parent = node.parent
    while parent is not None:
        yield parent
        parent = parent.parent


def _colour(badge: nodes.strong) -> None:
    status = next((name for name in badge["classes"] if name.startswith(_PREFIX)), None)
    if status is None:
        return
    colour = _COLOURS.get(status.removeprefix(_PREFIX), _RED)
    opening = nodes.raw("", rf"\textcolor[HTML]{{{colour}}}{{", format="latex")
    inline = nodes.inline("", "", opening)
    badge.replace_self(inline)
    inline += badge
    inline += nodes.raw("", "}", format="latex")


def _extend_preamble(app: Sphinx, config: Config) -> None:
    given: dict[str, Any] = dict(config.latex_elements)
    config.latex_elements = {**given, "preamble": preamble() + str(given.get("preamble", ""))}


def register(app: Sphinx) -> None:
    """Put the declarations before the preamble of an author."""
    app.connect("config-inited", _extend_preamble)
