"""The graph of which statement rests on which: a drawing for HTML, a list for every format.

What belongs here: layers, places and the SVG. What does not: which statements rest on which
(`findings`). The drawing depends on nothing but the view, and names every status in words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from docutils import nodes

from diffcert.sphinx import standing as st
from diffcert.sphinx.content import Writer
from diffcert.sphinx.pieces import badge, bullets, escaped, words

__all__ = ["drawing", "graph", "layers"]

View = dict[str, Any]

_WIDTH, _HEIGHT = 200, 46
_GAP_X, _GAP_Y = 24, 46
_MARGIN = 12
_LONGEST = 24
_MOST_ABREAST = 5
"""Boxes side by side; a layer with more goes on in the next row."""


def graph(writer: Writer, view: View, uri: Callable[[View], str]) -> list[nodes.Node]:
    """The drawing, where the format can hold one, and the same as a list."""
    statements = view["statements"]
    if not statements:
        return [nodes.paragraph("", "Nothing is stated.")]
    parts: list[nodes.Node] = []
    if writer.form == "html":
        about = 'role="group" aria-label="Which statement rests on which; the list below says the same"'
        picture = f'<div class="cert-graph" {about}>{drawing(statements, uri)}</div>'
        parts.append(nodes.raw("", picture, format="html"))
    items: list[list[nodes.Node]] = []
    for row in statements:
        item = [
            writer.to(row),
            nodes.Text(" "),
            *words(row["title"]),
            nodes.Text(" ("),
            badge(row["standing"]["status"], row["standing"]["words"]),
        ]
        item.append(nodes.Text(")"))
        if row["uses"]:
            item += [nodes.Text(" rests on "), *writer.many(row["uses"])]
        items.append(item)
    return [*parts, bullets(items)]


def _key(view: View) -> tuple[str, str]:
    return view["docname"], view["anchor"]


def layers(statements: Sequence[View]) -> list[list[View]]:
    """The statements in rows: each below all that it rests on (circles are cut where they close)."""
    by_key = {_key(row): row for row in statements}
    depth: dict[tuple[str, str], int] = {}
    # As many rounds as there are statements settle every acyclic part; what still moves is a circle.
    for key in by_key:
        depth[key] = 0
    for _ in range(len(by_key)):
        moved = False
        for key, row in by_key.items():
            below = [
                depth[_key(used)] + 1 for used in row["uses"] if _key(used) in depth and _key(used) != key
            ]
            wanted = min(max(below, default=0), len(by_key) - 1)
            if wanted > depth[key]:
                depth[key], moved = wanted, True
        if not moved:
            break
    used_depths = sorted(set(depth.values()))
    return [[row for key, row in by_key.items() if depth[key] == level] for level in used_depths]


def _beneath(statement: View, by_key: Mapping[tuple[str, str], View]) -> set[tuple[str, str]]:
    """What a statement rests on through others that it rests on: those lines are not drawn."""
    found: set[tuple[str, str]] = set()
    waiting = [_key(used) for used in statement["uses"] if _key(used) != _key(statement)]
    while waiting:
        below = by_key.get(waiting.pop())
        for used in below["uses"] if below is not None else ():
            if _key(used) not in found:
                found.add(_key(used))
                waiting.append(_key(used))
    # In a circle everything is beneath everything: there all lines are drawn.
    return set() if _key(statement) in found else found


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def drawing(statements: Sequence[View], uri: Callable[[View], str]) -> str:
    """The graph as SVG: boxes in layers, a line from each statement to each that it rests on directly."""
    rows = [
        layer[first : first + _MOST_ABREAST]
        for layer in layers(statements)
        for first in range(0, len(layer), _MOST_ABREAST)
    ]
    widest = max(len(row) for row in rows)
    width = 2 * _MARGIN + widest * _WIDTH + (widest - 1) * _GAP_X
    height = 2 * _MARGIN + len(rows) * _HEIGHT + (len(rows) - 1) * _GAP_Y
    places: dict[tuple[str, str], tuple[int, int]] = {}
    for level, row in enumerate(rows):
        used = len(row) * _WIDTH + (len(row) - 1) * _GAP_X
        left = (width - used) // 2
        for column, statement in enumerate(row):
            x = left + column * (_WIDTH + _GAP_X)
            places[_key(statement)] = (x, _MARGIN + level * (_HEIGHT + _GAP_Y))
    lines, boxes = [], []
    by_key = {_key(row): row for row in statements}
    for statement in statements:
        x, y = places[_key(statement)]
        beneath = _beneath(statement, by_key)
        for other in statement["uses"]:
            if _key(other) in places and _key(other) not in beneath:
                to_x, to_y = places[_key(other)]
                lines.append(_line(x + _WIDTH // 2, y, to_x + _WIDTH // 2, to_y + _HEIGHT))
        boxes.append(_box(statement, x, y, uri(statement)))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" aria-label="Which statement rests on which">'
        f"{''.join(lines)}{''.join(boxes)}</svg>"
    )


def _line(x: int, y: int, to_x: int, to_y: int) -> str:
    middle = (y + to_y) // 2
    path = f"M{x} {y}C{x} {middle} {to_x} {middle} {to_x} {to_y}"
    head = f"M{to_x - 4} {to_y + 7}L{to_x} {to_y}L{to_x + 4} {to_y + 7}"
    return f'<path class="cert-edge" d="{path}"/><path class="cert-edge" d="{head}"/>'


def _box(statement: View, x: int, y: int, target: str) -> str:
    standing = statement["standing"]
    middle = x + _WIDTH // 2
    name = statement["name"].rpartition("/")[2]
    label = f"{statement['label']}: {name}" if name else statement["label"]
    style = st.class_name(standing["status"])
    return (
        f'<a href="{escaped(target)}"><g class="cert-box {style}">'
        f"<title>{escaped(statement['title'].replace('$', ''))}</title>"
        f'<rect x="{x}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" rx="5"/>'
        f'<text x="{middle}" y="{y + 19}" text-anchor="middle">{escaped(_short(label))}</text>'
        f'<text class="cert-words" x="{middle}" y="{y + 36}" text-anchor="middle">'
        f"{escaped(_short(standing['words']))}</text></g></a>"
    )
