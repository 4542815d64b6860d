"""The chart of ratios: where its dots and ticks are, and which cases have one."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
from typing import Any

import pytest

from diffcert import claims, verify
from diffcert.sphinx import chart
from diffcert.sphinx.tasks import _points

CASES = [
    {"binary": [(0.5, "holds"), (0.9, "holds")], "a<b": [(0.0017, "holds"), (1.2, "refuted")]},
    {"x": [(1e-67, "holds"), (0.7, "holds")]},
    {"x": [(0.998, "holds"), (1.0, "holds")]},
    {"x": [(1.01, "holds"), (6.5e28, "holds")]},
]


@pytest.mark.parametrize("points", CASES)
def test_dots_are_where_the_ticks_say(points: Any) -> None:
    drawing = ET.fromstring(chart.svg(points))
    space = "{http://www.w3.org/2000/svg}"

    def placed(kind: str) -> list[float]:
        lines = [line for line in drawing.iter(f"{space}line") if line.get("class") == kind]
        return [float(line.get("x1", "nan")) for line in lines]

    grid = placed("cert-grid")
    labels = [text.text or "" for text in drawing.iter(f"{space}text")]
    names = [float(label) for label in labels if re.fullmatch(r"[\d.e+-]+", label)]
    assert 2 <= len(grid) == len(names)
    assert len(grid) <= 11
    scale = (grid[-1] - grid[0]) / (math.log(names[-1]) - math.log(names[0]))
    dots = list(drawing.iter(f"{space}circle"))
    expected = [pair for row in points.values() for pair in row]
    assert len(dots) == len(expected)
    for dot, (ratio, status) in zip(dots, expected, strict=True):
        where = grid[0] + scale * (math.log(ratio) - math.log(names[0]))
        assert float(dot.get("cx", "nan")) == pytest.approx(where, abs=0.5)
        assert dot.get("class") == f"cert-status-{status}"
    assert placed("cert-one") == [pytest.approx(grid[0] - scale * math.log(names[0]), abs=0.5)]


def test_it_says_the_range_in_words() -> None:
    assert "from 0.0017 to 1.2;" in chart.said(CASES[0])


def test_inequalities_have_points_and_equations_have_none() -> None:
    by_id = {claim.id: claim for claim in claims(entry=False)}
    chosen: dict[str, Any] = {
        "digits": 15,
        "targets": ["binary", "three"],
        "schedules": ["uniform"],
        "steps": [50],
    }
    bounded = verify([by_id["reeves-pfister/monotone"]], **chosen).verdicts
    points = _points(bounded)
    assert list(points) == ["binary", "three"]
    ratios = [ratio for row in points.values() for ratio, _ in row]
    assert ratios == [pytest.approx(float(v.ratio.mid()), rel=1e-2) for v in bounded]
    equal = verify([by_id["li-cai-wei/step-noise"]], digits=15).verdicts
    assert _points(equal) == {}
