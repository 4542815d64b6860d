"""Pictures of output laws: densities beside each other, and errors against steps with fitted slopes.

What belongs here: drawing. matplotlib is imported as the picture is drawn, and only there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from numerics.output_law.law import OutputLaw

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["law_figure", "order_figure"]

_POINTS = 1500


def law_figure(law: OutputLaw, reference: str = "target", title: str = "") -> Figure:
    """A figure of the densities of target (or last level) and output, and of their difference.

    In one dimension only; raises ValueError beyond, and for a discrete target as reference.
    """
    from matplotlib.figure import Figure

    target = law.target
    if target.dimension != 1:
        raise ValueError(f"plot: the target has dimension {target.dimension}; densities are drawn in one")
    if reference == "target" and not target.variance:
        raise ValueError("plot: the target is discrete and has no density; give --reference last-level")
    low, high = law.extent(reference)
    x = np.linspace(low, high, _POINTS)
    wanted = law.reference_density(x, reference)
    output = np.asarray(law.density(x))
    figure = Figure(figsize=(8.0, 6.0), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    name = "target" if reference == "target" else "law at the last level"
    upper.plot(x, wanted, color="C0", lw=1.8, label=name)
    upper.plot(x, output, color="C1", lw=1.4, ls="--", label=f"output of {law.sampler!r}")
    upper.legend(loc="upper right", fontsize="small")
    upper.set(ylabel="density", ylim=(0, None), title=f"{title}\ntotal variation {law.tv(reference):.6g}")
    lower.fill_between(x, output - wanted, color="C3", alpha=0.5, lw=0)
    lower.axhline(0, color="0.4", lw=0.8)
    lower.set(xlabel="x", ylabel="output - " + ("target" if reference == "target" else "reference"))
    return figure


def order_figure(values: Mapping[str, Sequence[tuple[int, float, float]]], title: str) -> Figure:
    """A log-log figure of (steps, value, error) for each distance, with a fitted power law."""
    from matplotlib.figure import Figure

    from diffcert.commands.law import fitted_exponent

    figure = Figure(figsize=(8.0, 5.2), layout="constrained")
    axes = figure.subplots()
    for (name, rows), marker in zip(values.items(), "osD^", strict=False):
        steps = np.array([n for n, _, _ in rows], dtype=float)
        heights = np.array([v for _, v, _ in rows])
        label = name.replace("_", " ")
        if len(rows) > 1:
            power, _ = fitted_exponent([(n, v) for n, v, _ in rows])
            constant = np.exp(np.mean(np.log(heights) + power * np.log(steps)))
            label += f"   fitted n^{-power:.3f}"
            axes.plot(steps, constant * steps**-power, color="0.6", lw=0.8, ls=":")
        axes.plot(steps, heights, marker=marker, ms=5, lw=1, label=label)
    ticks = sorted({n for rows in values.values() for n, _, _ in rows})
    axes.set(xscale="log", yscale="log", xlabel="steps", ylabel="distance", title=title)
    axes.set_xticks(ticks, [str(n) for n in ticks])
    axes.set_xticks([], minor=True)
    axes.grid(alpha=0.3)
    axes.legend()
    return figure
