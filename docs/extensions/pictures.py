"""Directives for pictures of the low-rank statements, drawn from the package's own numbers.

What belongs here: the figures of `diffcert.low_rank_plots` as nodes. What does not: statements.
"""

from __future__ import annotations

import io
from typing import Any

import matplotlib
from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.application import Sphinx

from diffcert.low_rank_plots import digits_figure, transition_figure
from diffcert.sphinx.pieces import escaped
from numerics.low_rank_transition import transition

__all__ = ["setup"]


def _drawn(figure: Any, caption: str) -> list[nodes.Node]:
    """The drawing, inline, for builders that write HTML, and its caption for all."""
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
        nodes.paragraph("", caption),
    ]


class DigitsPicture(Directive):
    """`.. digits-picture::`: the low-rank picture on the digits, or a note where it cannot be drawn."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """The drawing and its caption."""
        caption = " ".join(self.content)
        try:
            return _drawn(digits_figure(), caption)
        except ImportError as error:
            return [nodes.paragraph("", f"The picture was not drawn: {error}")]


class TransitionPicture(Directive):
    """`.. transition-picture::`: the transition over N/r at a fixed and at a growing dimension."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """The drawing and its caption."""
        curves = [
            transition(d, r, range(1, 2 * r + 1), noise, trials=10, seed=r)
            for r, d, noise in ((4, 48, "0"), (4, 48, "1/10"), (8, 48, "1/10"), (8, 96, "1/10"))
        ]
        return _drawn(transition_figure(curves), " ".join(self.content))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directives."""
    app.add_directive("digits-picture", DigitsPicture)
    app.add_directive("transition-picture", TransitionPicture)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
