"""Small pieces of a page: words with mathematics in them, labels, lists, tables, badges.

What belongs here: docutils nodes that know nothing of statements. What does not: layout (`content`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from docutils import nodes

from diffcert.sphinx import standing as st

__all__ = ["badge", "bullets", "escaped", "labelled", "latex_signs", "paragraph", "table", "words"]

_SYMBOLS = re.compile(
    r"\b(?P<base>[A-Za-z])_(?:\((?P<sum>[^()]+)\)|(?P<index>\w)\b)|\b(?P<greek>kappa|epsilon|tau|psi)\b"
)
_SIGNS = {">=": "≥", "<=": "≤", "==": "="}


def words(source: str, formulas: bool = True) -> list[nodes.Node]:
    """Text in which `$...$`, t_(k+1) and kappa are mathematics, and what is in grave accents is code.

    Without `formulas` a dollar sign is one: so a message is written, which may quote the parameters of a
    document, and what stands in those is no LaTeX.
    """
    parts: list[nodes.Node] = []
    pieces = source.split("$") if formulas else [source]
    if len(pieces) % 2 == 0:  # the last sign has no other
        pieces[-2:] = [f"{pieces[-2]}${pieces[-1]}"]
    for i, piece in enumerate(pieces):
        if i % 2:
            parts += [nodes.math(piece, piece)] if piece else [nodes.Text("$$")]
            continue
        for j, text in enumerate(piece.split("`")):
            parts += [nodes.literal(text, text)] if j % 2 else _plain(text)
    return parts


def _plain(text: str) -> list[nodes.Node]:
    parts: list[nodes.Node] = []
    place = 0
    for found in _SYMBOLS.finditer(text):
        parts.append(nodes.Text(_signs(text[place : found.start()])))
        symbol = (
            {"epsilon": r"\varepsilon"}.get(found["greek"], rf"\{found['greek']}")
            if found["greek"]
            else f"{found['base']}_{{{found['sum'] or found['index']}}}"
        )
        parts.append(nodes.math(symbol, symbol))
        place = found.end()
    parts.append(nodes.Text(_signs(text[place:])))
    return [part for part in parts if part.astext()]


def _signs(text: str) -> str:
    for written, sign in _SIGNS.items():
        text = text.replace(written, sign)
    return text


_LATEX = {"≤": r"\le", "≥": r"\ge", "≈": r"\approx", "≠": r"\ne", "κ": r"\kappa", "ε": r"\varepsilon"}


def latex_signs(made: Sequence[nodes.Node]) -> list[nodes.Node]:
    """The nodes with signs that no text font of LaTeX has as mathematics."""
    holder = nodes.Element("", *made)
    for text in list(holder.findall(nodes.Text)):
        if isinstance(text.parent, nodes.math | nodes.math_block | nodes.raw | nodes.literal_block):
            continue
        pieces = re.split(f"([{''.join(_LATEX)}])", text.astext())
        if len(pieces) > 1:
            text.parent.replace(text, [_in_latex(piece) for piece in pieces if piece])
    return list(holder.children)


def _in_latex(piece: str) -> nodes.Node:
    return nodes.math(_LATEX[piece], _LATEX[piece]) if piece in _LATEX else nodes.Text(piece)


def paragraph(*content: nodes.Node, classes: Sequence[str] = ()) -> nodes.paragraph:
    """A paragraph of these nodes."""
    made = nodes.paragraph(classes=list(classes))
    made.extend(content)
    return made


def labelled(label: str, *content: nodes.Node) -> nodes.paragraph:
    """A paragraph that begins with a word in bold."""
    return paragraph(nodes.strong(label, label), nodes.Text(" "), *content)


def bullets(items: Iterable[Sequence[nodes.Node]]) -> nodes.bullet_list:
    """A list of paragraphs."""
    listing = nodes.bullet_list()
    for item in items:
        listing += nodes.list_item("", paragraph(*item))
    return listing


def table(
    titles: Sequence[str], widths: Sequence[int], rows: Iterable[Sequence[Sequence[nodes.Node]]]
) -> nodes.table:
    """A table of paragraphs; a row of one cell goes across all columns."""
    made = nodes.table(classes=["cert-table"])
    group = nodes.tgroup(cols=len(titles))
    for width in widths:
        group += nodes.colspec(colwidth=width)
    head, body = nodes.thead(), nodes.tbody()
    head += _row([[nodes.Text(title)] for title in titles])
    for cells in rows:
        body += _row(cells) if len(cells) == len(titles) else _across(cells[0], len(titles))
    group += head
    group += body
    made += group
    return made


def _row(cells: Sequence[Sequence[nodes.Node]]) -> nodes.row:
    row = nodes.row()
    for cell in cells:
        row += nodes.entry("", paragraph(*cell))
    return row


def _across(cell: Sequence[nodes.Node], columns: int) -> nodes.row:
    return nodes.row("", nodes.entry("", paragraph(*cell), morecols=columns - 1))


def badge(status: str, text: str) -> nodes.Node:
    """A status in words; its class gives the colour, where there is one."""
    return nodes.strong(text, text, classes=["cert-status", st.class_name(status)])


def escaped(text: str) -> str:
    """A text as it stands in HTML."""
    for sign, written in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        text = text.replace(sign, written)
    return text
