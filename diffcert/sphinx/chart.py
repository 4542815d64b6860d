"""A chart of how tight a bound is over its cases: a dot for each ratio of truth and bound.

What belongs here: SVG as text, drawn from numbers alone, in the colours of the page. What does not: the
mmse with its steps, and rates, which are drawn by matplotlib (`tasks`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from diffcert.sphinx import standing as st
from diffcert.sphinx.pieces import escaped

__all__ = ["LEAST_CASES", "said", "svg"]

LEAST_CASES = 4
"""With fewer cases the table says it all."""

_WIDTH, _LEFT, _RIGHT, _ROW, _TOP, _BOTTOM = 640, 130, 20, 18, 8, 36
_MOST_TICKS = 7


def svg(points: Mapping[str, Sequence[tuple[float, str]]]) -> str:
    """The drawing: a row for each group of cases, a dot for each (ratio, status), a line at one.

    The axis is logarithmic; ratios are above zero.
    """
    logs = [math.log10(ratio) for row in points.values() for ratio, _ in row]
    low, high = min(0.0, *logs), max(0.0, *logs)
    margin = 0.04 * max(high - low, 0.1)
    low, high = low - margin, high + margin
    height = _TOP + _ROW * len(points) + _BOTTOM
    floor = _TOP + _ROW * len(points)

    def across(log: float) -> str:
        return f"{_LEFT + (log - low) / (high - low) * (_WIDTH - _LEFT - _RIGHT):.1f}"

    parts = [f'<svg viewBox="0 0 {_WIDTH} {height}" xmlns="http://www.w3.org/2000/svg">']
    for log, label in _ticks(low, high):
        x = across(log)
        parts.append(f'<line class="cert-grid" x1="{x}" y1="{_TOP}" x2="{x}" y2="{floor}"/>')
        parts.append(f'<text x="{x}" y="{floor + 14}" text-anchor="middle">{label}</text>')
    x = across(0.0)
    parts.append(f'<line class="cert-one" x1="{x}" y1="{_TOP}" x2="{x}" y2="{floor}"/>')
    for place, (name, row) in enumerate(points.items()):
        y = _TOP + _ROW * place + _ROW // 2
        parts.append(f'<text x="{_LEFT - 10}" y="{y + 4}" text-anchor="end">{escaped(name)}</text>')
        for ratio, status in row:
            where = across(math.log10(ratio))
            parts.append(f'<circle class="{st.class_name(status)}" cx="{where}" cy="{y}" r="4"/>')
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts.append(f'<text x="{middle:.1f}" y="{height - 4}" text-anchor="middle">truth / bound</text></svg>')
    return "".join(parts)


def _ticks(low: float, high: float) -> list[tuple[float, str]]:
    """The logarithms of few round numbers between the ends, with their names."""
    first, last = math.ceil(low), math.floor(high)
    if 1 <= last - first <= 2:
        numbers = [lead * 10.0**n for n in range(first - 1, last + 1) for lead in (1, 2, 5)]
        return [(math.log10(x), f"{x:g}") for x in numbers if low <= math.log10(x) <= high]
    if last - first > 2:
        step = -(-(last - first + 1) // _MOST_TICKS)
        powers = range(-(-first // step) * step, last + 1, step)
        return [(float(n), f"{10.0**n:g}") for n in powers]
    size = 10.0 ** math.floor(math.log10(10**high - 10**low))
    while (10**high - 10**low) / size > _MOST_TICKS:
        size *= 2 if f"{size:e}"[0] in "15" else 2.5
    counts = range(math.ceil(10**low / size), math.floor(10**high / size) + 1)
    return [(math.log10(n * size), f"{n * size:g}") for n in counts if n > 0]


def said(points: Mapping[str, Sequence[Any]]) -> str:
    """What the drawing shows, in words."""
    ratios = [ratio for row in points.values() for ratio, _ in row]
    return f"Truth over bound, from {min(ratios):g} to {max(ratios):g}; on the line at 1 they are equal."
