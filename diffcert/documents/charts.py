"""The picture of a claim: truth / bound of every case, over steps or snr.

What belongs here: where the points and the lines are, and the SVG, LaTeX and text that show them. What
does not: the rest of a document. Nothing is imported to draw; coordinates are rounded, so that the same
report gives the same bytes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from diffcert.documents.model import Case, Entry

__all__ = ["Chart", "bars", "chart", "picture", "svg"]

WIDTH, HEIGHT = 440, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 22, 10, 34
_TALL = 5.0
"""Ratios beyond this are drawn on a logarithmic axis."""

_COLOURS = {"refuted": "#c0262d", "inconsistent": "#c0262d", "undecided": "#b8860b"}
_BLOCKS = 30


@dataclass(frozen=True)
class Chart:
    """Points (x, y, case) in a frame of WIDTH by HEIGHT, y upwards; ticks with their labels."""

    points: tuple[tuple[float, float, Case], ...]
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    one: float
    """The height at which truth and bound are equal."""
    x_name: str


def chart(entry: Entry) -> Chart | None:
    """The chart of a claim; None where no case has both a ratio and a place on the axis."""
    shown = [case for case in entry.evaluated if case.place and case.place > 0]
    heights = [case.height for case in shown if case.height is not None]
    if not shown:
        return None
    places = [math.log10(case.place) for case in shown if case.place]
    low, high = math.floor(min(places)), math.ceil(max(places))
    high = max(high, low + 1)
    x_ticks = tuple((_x((k - low) / (high - low)), _power(k)) for k in range(low, high + 1))
    logarithmic = max(heights) > _TALL
    least = min([h for h in heights if h > 0], default=1.0)
    if logarithmic:
        bottom, top = math.floor(math.log10(min(least, 1))), math.ceil(math.log10(max(heights)))
        every = max(1, (top - bottom) // 6)
        marks = [(float(k), _power(k)) for k in range(bottom, top + 1, every)]
    else:
        bottom, top = 0, 1
        size = max(1.0, *heights)
        marks = [(x, f"{size * x:.3g}") for x in (0.0, 0.25, 0.5, 0.75, 1.0)]

    def y(value: float) -> float:
        if logarithmic:
            at = math.log10(value) if value > 0 else bottom
            return _y((at - bottom) / max(1, top - bottom))
        return _y(value / size)

    points = tuple(
        (_x((math.log10(case.place) - low) / (high - low)), y(case.height), case)
        for case in shown
        if case.place and case.height is not None
    )
    y_ticks = tuple((_y((at - bottom) / max(1, top - bottom)), text) for at, text in marks)
    return Chart(points, x_ticks, y_ticks, y(1.0), shown[0].place_name)


def _x(fraction: float) -> float:
    return round(_LEFT + fraction * (WIDTH - _LEFT - _RIGHT), 1)


def _y(fraction: float) -> float:
    return round(_BOTTOM + fraction * (HEIGHT - _TOP - _BOTTOM), 1)


def _power(exponent: int) -> str:
    return str(10**exponent) if 0 <= exponent <= 4 else f"1e{exponent}"


def svg(entry: Entry) -> str:
    """The chart as an SVG element; empty where there is none."""
    made = chart(entry)
    if made is None:
        return ""
    lines = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img"'
        f' aria-label="truth / bound of {escape(entry.id, quote=True)}"'
        ' font-family="sans-serif" font-size="10" fill="currentColor">'
    ]
    left, right = _x(0), _x(1)
    for at, text in made.y_ticks:
        y = HEIGHT - at
        lines.append(f'<path d="M{left} {y:.1f}H{right}" stroke="currentColor" stroke-opacity=".15"/>')
        lines.append(f'<text x="{left - 5}" y="{y + 3:.1f}" text-anchor="end">{text}</text>')
    for at, text in made.x_ticks:
        lines.append(f'<text x="{at}" y="{HEIGHT - _BOTTOM + 13}" text-anchor="middle">{text}</text>')
    lines.append(
        f'<path d="M{left} {HEIGHT - made.one:.1f}H{right}" stroke="#c0262d" stroke-dasharray="4 3"/>'
    )
    for x, y, case in made.points:
        colour = _COLOURS.get(case.status, "#1f6fb4")
        title = escape(f"{case.label}: truth / bound = {case.ratio}, {case.words}")
        lines.append(
            f'<circle cx="{x}" cy="{HEIGHT - y:.1f}" r="3" fill="{colour}" fill-opacity=".7">'
            f"<title>{title}</title></circle>"
        )
    middle = (left + right) / 2
    lines.append(f'<text x="{middle:.1f}" y="{HEIGHT - 5}" text-anchor="middle">{made.x_name}</text>')
    lines.append(
        f'<text transform="translate(11 {(HEIGHT - _BOTTOM + _TOP) / 2:.1f}) rotate(-90)"'
        ' text-anchor="middle">truth / bound</text>'
    )
    return "\n".join([*lines, "</svg>"])


def picture(entry: Entry) -> str:
    """The chart in LaTeX's own picture environment; empty where there is none."""
    made = chart(entry)
    if made is None:
        return ""
    left, right = _x(0), _x(1)
    width = right - left
    lines = [rf"\setlength{{\unitlength}}{{0.75pt}}\begin{{picture}}({WIDTH},{HEIGHT})"]
    for at, text in made.y_ticks:
        lines.append(rf"\put({left},{at}){{\line(1,0){{{width:.1f}}}}}")
        lines.append(rf"\put({left - 4},{at}){{\makebox(0,0)[r]{{\scriptsize {text}}}}}")
    for at, text in made.x_ticks:
        lines.append(rf"\put({at},{_BOTTOM - 9}){{\makebox(0,0){{\scriptsize {text}}}}}")
    lines.append(rf"\linethickness{{1.2pt}}\put({left},{made.one}){{\line(1,0){{{width:.1f}}}}}\thinlines")
    for x, y in dict.fromkeys((x, y) for x, y, _ in made.points):
        lines.append(rf"\put({x},{y}){{\circle*{{4}}}}")
    lines.append(rf"\put({(left + right) / 2:.1f},5){{\makebox(0,0){{\scriptsize {made.x_name}}}}}")
    return "\n".join([*lines, r"\end{picture}"])


def bars(cases: Sequence[Case]) -> list[str]:
    """The worst ratio of each schedule family as a bar of text; the whole length is 1."""
    shown = [case for case in cases if case.height is not None]
    width = max((len(case.family or case.label) for case in shown), default=0)
    lines = []
    for case in shown:
        height = case.height or 0.0
        filled = max(0, min(_BLOCKS, round(height * _BLOCKS)))
        more = ">" if height > 1 else " "
        name = case.family or case.label
        lines.append(f"{name:<{width}}  |{'#' * filled}{' ' * (_BLOCKS - filled)}|{more} {case.ratio}")
    return lines
