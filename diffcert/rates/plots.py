"""Pictures of rates: what was measured and the formula on logarithmic axes, and their ratio.

What belongs here: drawing. What does not: the numbers (`verdict`, `fit`). matplotlib is imported as the
picture is drawn, and only there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from diffcert.rates.verdict import RateVerdict

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["rate_figure"]


def rate_figure(verdicts: RateVerdict | Sequence[RateVerdict]) -> Figure:
    """A figure of a rate along its ladders, one row for each variable.

    Left: the truth (points) and the formula times the least constant (lines), on logarithmic axes. Right:
    the ratio truth/formula; a power of the variable is a straight line, a limit a line that levels off.
    Raises ValueError where nothing was measured.
    """
    given = [verdicts] if isinstance(verdicts, RateVerdict) else list(verdicts)
    drawn = [verdict for verdict in given if verdict.fit is not None]
    if not drawn:
        raise ValueError("verdicts: there is no ladder on which a rate was measured")
    from matplotlib.figure import Figure

    variables = list(dict.fromkeys(verdict.variable for verdict in drawn))
    figure = Figure(figsize=(9, 3.4 * len(variables)), layout="constrained")
    panels = figure.subplots(len(variables), 2, squeeze=False)
    for variable, (left, right) in zip(variables, panels, strict=True):
        rows = [verdict for verdict in drawn if verdict.variable == variable]
        for place, verdict in enumerate(rows):
            _draw(left, right, verdict, f"C{place % 10}")
        left.set(xlabel=variable, title="truth, and formula times the least constant", xscale="log")
        left.set_yscale("log", nonpositive="mask")
        right.set(xlabel=variable, title="truth / formula", xscale="log")
        right.set_yscale("log", nonpositive="mask")
        right.legend(frameon=False, fontsize="small")
        low, high = right.get_ylim()
        if high < 10 * low:  # as decimals: 1.05, not 1.05 x 10^0
            right.yaxis.set_major_formatter("{x:g}")
            right.yaxis.set_minor_formatter("{x:g}")
    return figure


def _draw(left: Axes, right: Axes, verdict: RateVerdict, colour: str) -> None:
    assert verdict.fit is not None
    constant, xs = float(verdict.fit.constant), verdict.positions
    truths = [float(rung.truth.ball.mid()) for rung in verdict.rungs]
    formulas = [constant * float(rung.formula.mid()) for rung in verdict.rungs]
    ratios = [float(rung.ratio.mid()) for rung in verdict.rungs]
    left.plot(xs, truths, "o", ms=4, color=colour)
    left.plot(xs, formulas, "-", lw=1, color=colour)
    name = f"{verdict.instance.target_name}: {verdict.status.text}"
    right.plot(xs, ratios, "o-", ms=4, lw=1, color=colour, label=name)
