"""Pictures of output laws: densities beside each other, and errors against steps with fitted slopes.

What belongs here: drawing. matplotlib is imported as the picture is drawn, and only there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from numerics.output_law.law import OutputLaw
from numerics.output_law.tensor_law import TensorLaw

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["law_figure", "order_figure"]

_POINTS = 1500
_PIXELS = 240


def law_figure(law: OutputLaw, reference: str = "target", title: str = "") -> Figure:
    """A figure of the densities of target (or last level) and output, and of their difference.

    In one dimension curves, in two maps in colour; raises ValueError beyond, for a discrete target as
    reference, and for means on a line in the plane.
    """
    from matplotlib.figure import Figure

    target = law.target
    if target.dimension > 1 and (target.dimension, target.core.rank) != (2, 2):
        raise ValueError(
            f"plot: the target has dimension {target.dimension} and its means span {target.core.rank};"
            " densities are drawn in one dimension, or for means that span the plane"
        )
    if reference == "target" and not target.variance:
        raise ValueError("plot: the target is discrete and has no density; give --reference last-level")
    if isinstance(law, TensorLaw):
        return _plane_figure(law, reference, title)
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


def _plane_figure(law: TensorLaw, reference: str, title: str) -> Figure:
    """Maps of reference, output and difference beside each other."""
    from matplotlib.figure import Figure

    (left, right), (low, high) = law.extents(reference, 4)
    x, y = np.linspace(left, right, _PIXELS), np.linspace(low, high, _PIXELS)
    points = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    wanted = law.reference_density(points, reference).reshape(_PIXELS, _PIXELS)
    output = np.asarray(law.density(points)).reshape(_PIXELS, _PIXELS)
    name = "target" if reference == "target" else "law at the last level"
    figure = Figure(figsize=(12.0, 4.2), layout="constrained")
    panels = figure.subplots(1, 3, sharex=True, sharey=True)
    top = max(float(wanted.max()), float(output.max()))
    levels = np.linspace(0, top, 9)[1:]
    shades: Any = None
    for axes, values, heading in ((panels[0], wanted, name), (panels[1], output, "output")):
        shades = axes.pcolormesh(x, y, values, cmap="viridis", vmin=0, vmax=top, shading="gouraud")
        axes.contour(x, y, values, levels=levels, colors="white", linewidths=0.5)
        axes.set(title=heading, xlabel="x1", aspect="equal")
    figure.colorbar(shades, ax=panels[:2], shrink=0.8)
    change = output - wanted
    most = float(np.abs(change).max()) or 1.0
    shades = panels[2].pcolormesh(x, y, change, cmap="RdBu_r", vmin=-most, vmax=most, shading="gouraud")
    panels[2].contour(x, y, change, levels=[0], colors="0.3", linewidths=0.6)
    panels[2].set(title="output - " + name, xlabel="x1", aspect="equal")
    panels[0].set(ylabel="x2")
    figure.colorbar(shades, ax=panels[2], shrink=0.8)
    figure.suptitle(f"{title}, {law.sampler!r}: total variation {law.tv(reference):.6g}", fontsize="medium")
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
