"""Directives that draw the recorded benchmarks, `docs/benchmarks.json`.

What belongs here: pictures and tables of a record. Measuring is in `tests/benchmarks/record.py`.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import matplotlib
from docutils import nodes
from docutils.parsers.rst import Directive
from matplotlib.figure import Figure
from sphinx.application import Sphinx

from diffcert.sphinx.pieces import escaped

RECORD = Path(__file__).resolve().parents[1] / "benchmarks.json"

MARKS = {
    "diffcert, certified": ("C0", "o"),
    "diffcert, fast": ("C1", "s"),
    "mpmath.quad": ("C2", "^"),
    "acb.integral": ("C3", "v"),
    "scipy.integrate.quad": ("C4", "D"),
    "Monte Carlo, 10^6": ("C5", "x"),
}


def _read() -> dict[str, Any]:
    record: dict[str, Any] = json.loads(RECORD.read_text(encoding="utf-8"))
    return record


def _inline(figure: Figure, caption: str) -> list[nodes.Node]:
    stream = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "diffcert"}):
        figure.savefig(stream, format="svg", metadata={"Date": None, "Title": caption})
    drawing = stream.getvalue()
    drawing = drawing[drawing.index("<svg") :]
    return [
        nodes.raw(
            "",
            f'<div class="picture" role="img" aria-label="{escaped(caption)}">{drawing}</div>',
            format="html",
        ),
        nodes.paragraph(caption, caption),
    ]


class Ratios(Directive):
    """`.. speed-ratios::`: the time of two peers over that of the certified engine."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """One panel for each peer, a line for each number of atoms."""
        values = _read()["mmse"]
        figure = Figure(figsize=(8.0, 3.6), layout="constrained")
        panels = figure.subplots(1, 2, sharey=True)
        for panel, peer in zip(panels, ("mpmath.quad", "acb.integral"), strict=True):
            for (count, row), mark in zip(values.items(), "o^s", strict=True):
                snrs = [float(t) for t in row]
                ratios = [c[peer]["seconds"] / c["diffcert, certified"]["seconds"] for c in row.values()]
                panel.plot(snrs, ratios, marker=mark, label=f"{count} atoms")
            panel.set(xscale="log", yscale="log", title=peer, xlabel="signal-to-noise ratio t")
            panel.grid(alpha=0.3)
        panels[0].set_ylabel("times slower than diffcert")
        panels[1].legend()
        return _inline(figure, " ".join(self.content))


class Digits(Directive):
    """`.. speed-digits::`: digits reached against seconds, every tool and case."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """One mark for each case."""
        record = _read()
        cases = [case for row in record["mmse"].values() for case in row.values()]
        figure = Figure(figsize=(8.0, 4.4), layout="constrained")
        axes = figure.subplots()
        for name, (color, marker) in MARKS.items():
            seconds = [case[name]["seconds"] for case in cases]
            digits = [case[name]["digits"] for case in cases]
            axes.scatter(seconds, digits, color=color, marker=marker, s=24, alpha=0.8, label=name)
        axes.set(xscale="log", xlabel="seconds for one mmse", ylabel="correct digits")
        axes.grid(alpha=0.3)
        figure.legend(loc="outside right center")
        return _inline(figure, " ".join(self.content))


class Table(Directive):
    """`.. speed-table::`: the median ratios, the schedules, and digits per second."""

    def run(self) -> list[nodes.Node]:
        """Rows of a name and a figure."""
        record = _read()
        rows = [
            (f"{name}: seconds over those of diffcert, certified (median)", f"{ratio:.0f}")
            for name, ratio in record["median ratios"].items()
        ]
        rows += [
            (name if "over" in name else f"{name}: seconds", f"{value:.3g}")
            for name, value in record["schedules"].items()
        ]
        for steps, law in record["output laws"].items():
            rows += [
                (
                    f"total variation of the output after {steps} steps, a histogram of 10^6 simulated "
                    f"iterates: seconds (off by {law['simulation, error']:.1g})",
                    f"{law['simulation, seconds']:.3g}",
                ),
                (f"the same by diffcert: seconds (error {law['error']:.1g})", f"{law['seconds']:.3g}"),
            ]
        cases = [case for row in record["mmse"].values() for case in row.values()]
        for name in MARKS:
            rate = sorted(max(0.0, c[name]["digits"]) / c[name]["seconds"] for c in cases)
            rows.append((f"{name}: correct digits per second (median)", f"{rate[len(rate) // 2]:.3g}"))
        versions = ", ".join(f"{name} {version}" for name, version in record["versions"].items())
        table = nodes.table(classes=["docutils"])
        group = nodes.tgroup(cols=2)
        table += group
        group += [nodes.colspec(colwidth=70), nodes.colspec(colwidth=20)]
        body = nodes.tbody()
        group += body
        for row in rows:
            line = nodes.row()
            body += line
            for text in row:
                cell = nodes.entry()
                cell += nodes.paragraph(text, text)
                line += cell
        note = f"Recorded in one run with {versions}; processor time of one core."
        return [table, nodes.paragraph(note, note)]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directives."""
    app.add_directive("speed-ratios", Ratios)
    app.add_directive("speed-digits", Digits)
    app.add_directive("speed-table", Table)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
