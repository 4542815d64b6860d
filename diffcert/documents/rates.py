"""The rates in a report: cells of their table, and the ratio over the variable on logarithmic axes.

What belongs here: what the three languages share about rates. What does not: their markup, other claims
(`charts`). A line of slope a in the picture is a ratio that goes like the variable to the power a.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape

from diffcert.documents.model import Case, Entry

__all__ = ["RATE_HEADS", "further", "rate_cells", "rate_picture", "rate_svg"]

RATE_HEADS = ("least constant", "trend of the ratio", "exponent of the truth", "of the formula")
"""The heads of the columns between ladder and verdict."""

WIDTH, HEIGHT = 440, 210
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 14, 12, 34
_COLOURS = ("#1f6fb4", "#b8860b", "#1a7f37", "#8a3ffc", "#c0262d", "#0f7b7b")


def rate_cells(case: Case) -> tuple[str, str, str, str]:
    """Least constant, trend, exponent of the truth and of the formula, with their spread."""
    along = case.along
    if along is None or not along.constant:
        return "", "", "", ""
    constant = along.constant if along.proven else f"{along.constant} (float)"
    return constant, along.trend, along.power, along.formula


def further(case: Case) -> tuple[str, ...]:
    """What else is read off a ladder: the powers of the variable and of its logarithm together."""
    return () if case.along is None else case.along.lines[2:]


@dataclass(frozen=True)
class _Axes:
    """The lines of the ladders along one variable, in a frame of WIDTH by HEIGHT, y upwards."""

    variable: str
    lines: tuple[tuple[Case, tuple[tuple[float, float], ...]], ...]
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]


def _axes(entry: Entry) -> list[_Axes]:
    """One picture for each variable."""
    groups: dict[str, list[Case]] = {}
    for case in entry.cases:
        if case.along is not None and len(_drawn(case)) > 1:
            groups.setdefault(case.along.variable, []).append(case)
    return [_axes_of(variable, cases) for variable, cases in groups.items()]


def _drawn(case: Case) -> list[tuple[float, float]]:
    points = () if case.along is None else case.along.points
    return [(math.log10(x), math.log10(y)) for x, y in points if x > 0 and y > 0]


def _axes_of(variable: str, cases: list[Case]) -> _Axes:
    points = [point for case in cases for point in _drawn(case)]
    (left, right), (low, high) = (_range([p[i] for p in points]) for i in (0, 1))

    def x(value: float) -> float:
        return round(_LEFT + (value - left) / (right - left) * (WIDTH - _LEFT - _RIGHT), 1)

    def y(value: float) -> float:
        return round(_BOTTOM + (value - low) / (high - low) * (HEIGHT - _TOP - _BOTTOM), 1)

    lines = tuple((case, tuple((x(a), y(b)) for a, b in _drawn(case))) for case in cases)
    return _Axes(
        variable,
        lines,
        tuple((x(at), text) for at, text in _ticks(left, right)),
        tuple((y(at), text) for at, text in _ticks(low, high)),
    )


def _range(values: list[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    margin = max(0.05 * (high - low), 0.02)
    return low - margin, high + margin


def _ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Powers of ten, or where there are few of them 1, 2, 5 times these, or even steps."""
    for factors in ((1.0,), (1.0, 2.0, 5.0), (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0)):
        found = [
            (k + math.log10(f), f * 10.0**k)
            for k in range(math.floor(low), math.ceil(high) + 1)
            for f in factors
            if low <= k + math.log10(f) <= high
        ]
        if len(found) >= 3:
            every = -(-len(found) // 8)
            return [(at, f"{value:.4g}") for at, value in found[::every]]
    return [(low + (high - low) * i / 4, f"{10 ** (low + (high - low) * i / 4):.4g}") for i in range(5)]


def rate_svg(entry: Entry) -> str:
    """The pictures as SVG elements; empty where there is nothing to draw."""
    return "\n".join(_svg(entry, axes) for axes in _axes(entry))


def _svg(entry: Entry, axes: _Axes) -> str:
    right, middle = WIDTH - _RIGHT, (_LEFT + WIDTH - _RIGHT) / 2
    name = escape(f"truth / formula of {entry.id} over {axes.variable}", quote=True)
    lines = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img"'
        f' aria-label="{name}" font-family="sans-serif" font-size="10" fill="currentColor">'
    ]
    for at, text in axes.y_ticks:
        y = HEIGHT - at
        lines.append(f'<path d="M{_LEFT} {y:.1f}H{right}" stroke="currentColor" stroke-opacity=".15"/>')
        lines.append(f'<text x="{_LEFT - 5}" y="{y + 3:.1f}" text-anchor="end">{text}</text>')
    for at, text in axes.x_ticks:
        lines.append(f'<text x="{at}" y="{HEIGHT - _BOTTOM + 13}" text-anchor="middle">{text}</text>')
    for place, (case, points) in enumerate(axes.lines):
        colour = _COLOURS[place % len(_COLOURS)]
        path = "L".join(f"{x} {HEIGHT - y:.1f}" for x, y in points)
        title = escape(f"{case.label}: {case.words}")
        lines.append(f'<path d="M{path}" fill="none" stroke="{colour}"><title>{title}</title></path>')
        for x, y in points:
            circle = f'<circle cx="{x}" cy="{HEIGHT - y:.1f}" r="3" fill="{colour}">'
            lines.append(f"{circle}<title>{title}</title></circle>")
    lines.append(
        f'<text x="{middle:.1f}" y="{HEIGHT - 5}" text-anchor="middle">{escape(axes.variable)}</text>'
    )
    lines.append(
        f'<text transform="translate(11 {(HEIGHT - _BOTTOM + _TOP) / 2:.1f}) rotate(-90)"'
        ' text-anchor="middle">truth / formula</text>'
    )
    return "\n".join([*lines, "</svg>"])


def rate_picture(entry: Entry) -> str:
    """The pictures in LaTeX's own picture environment; empty where there is nothing to draw."""
    return "\n\n".join(_picture(axes) for axes in _axes(entry))


def _picture(axes: _Axes) -> str:
    width = WIDTH - _LEFT - _RIGHT
    name = axes.variable if axes.variable.isalnum() else axes.variable.replace("_", r"\_")
    lines = [rf"\setlength{{\unitlength}}{{0.75pt}}\begin{{picture}}({WIDTH},{HEIGHT})"]
    for at, text in axes.y_ticks:
        lines.append(rf"\put({_LEFT},{at}){{\line(1,0){{{width:.1f}}}}}")
        lines.append(rf"\put({_LEFT - 4},{at}){{\makebox(0,0)[r]{{\scriptsize {text}}}}}")
    for at, text in axes.x_ticks:
        lines.append(rf"\put({at},{_BOTTOM - 9}){{\makebox(0,0){{\scriptsize {text}}}}}")
    for place, (_, points) in enumerate(axes.lines):
        mark = r"\circle*{4}" if place % 2 == 0 else r"\circle{4}"
        lines += [rf"\put({x},{y}){{{mark}}}" for x, y in points]
    lines.append(rf"\put({_LEFT + width / 2:.1f},5){{\makebox(0,0){{\scriptsize {name}}}}}")
    return "\n".join([*lines, r"\end{picture}"])
