"""The picture of a path error: the mmse curve with the schedule's steps on it.

What belongs here: drawing. What does not: the numbers (`bindings`). matplotlib is imported as the
picture is drawn, and only there.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from diffcert.bindings import Values
from diffcert.enclosure import certified_digits
from diffcert.instance import Instance
from numerics.channel import fast_values

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["SUFFIXES", "check_path", "mmse_figure", "save"]

SUFFIXES = (".png", ".svg", ".pdf")

_WIDE_RANGE = 100.0
"""Schedules whose positive knots span more than this factor are drawn over log t."""

_CURVE_POINTS = 4000
_UNSEEN = 500
"""A logarithmic axis ends where all that follows is below the highest point divided by this."""

_MOST_MARKS = 60

Array = npt.NDArray[np.float64]


def check_path(path: str | Path) -> Path:
    """The path of a picture to be written; ValueError for a suffix or a folder that will not do."""
    place = Path(path)
    if place.suffix.lower() not in SUFFIXES:
        raise ValueError(f"plot: {place} does not end in {', '.join(SUFFIXES)}")
    if place.is_dir():
        raise ValueError(f"plot: {place} is a folder")
    if not place.parent.is_dir():
        raise ValueError(f"plot: there is no folder {place.parent}")
    return place


def mmse_figure(instance: Instance) -> Figure:
    """A figure of the mmse M(t) and of the step function that the sampler puts in its place.

    The sampler keeps the posterior mean of t_k until t_(k+1): it pays M(t_k) where the path pays
    M(t). The area between the two is twice the path KL of the matched sampler, in nats; the lower
    panel shows it alone, on a scale of its own. Where the knots span several scales, t M(t) is drawn
    over log t, which keeps areas faithful. Raises ValueError for an instance without a schedule.
    """
    if instance.schedule is None:
        raise ValueError("plot: the instance has no schedule")
    from matplotlib.figure import Figure

    values = Values(Instance(instance.target, instance.schedule), None)
    knots = np.array([float(t) for t in values["knots"]])
    heights = np.array([float(m) for m in values["mmse_at"]])
    positive = knots[knots > 0]
    logarithmic = bool(positive[-1] > _WIDE_RANGE * positive[0])
    t, held = _staircase(knots, heights, logarithmic)
    curve = np.asarray(fast_values(instance.target.core, "mmse", t))
    factor = t if logarithmic else np.ones_like(t)
    figure = Figure(figsize=(8.0, 6.0), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    _draw(upper, t, factor * curve, factor * held, "t " if logarithmic else "")
    lower.fill_between(t, 0 * t, factor * (held - curve), color="C1", alpha=0.5, lw=0)
    left, right = _shown(t, factor * held) if logarithmic else (t[0], t[-1])
    _mark(upper, knots[(knots >= left) & (knots <= right)], len(knots))
    truth = values.truth("path_kl")
    upper.set_title(
        f"{instance.label}\nshaded area = 2 × path KL of the matched sampler,"
        f" path KL = {certified_digits(truth.value, 6, truth.error)} nats",
        fontsize="medium",
        parse_math=False,
    )
    figure.legend(frameon=False, fontsize="small", loc="outside lower center", ncols=2)
    unit = "dimensionless" if logarithmic else "length²"
    upper.set_ylabel(f"{'t M' if logarithmic else 'M'} ({unit})")
    lower.set_ylabel(f"difference\n({unit})")
    lower.set_xlabel(_axis_label(logarithmic, bool(knots[0] == 0), bool(left > t[0] or right < t[-1])))
    if logarithmic:
        lower.set_xscale("log")
    else:
        lower.ticklabel_format(axis="x", useOffset=False)
    lower.set_xlim(left, right)
    for axes in (upper, lower):
        axes.set_ylim(bottom=0)
    return figure


def _staircase(knots: Array, heights: Array, logarithmic: bool) -> tuple[Array, Array]:
    """Points t along every step and the value that the sampler holds there.

    On a logarithmic axis a first step from zero is shown from a twentieth of its end.
    """
    shown = knots.copy()
    if logarithmic and knots[0] == 0:
        shown[0] = knots[1] / 20
    per_step = int(np.clip(_CURVE_POINTS // len(shown), 8, 1000))
    between = np.geomspace if logarithmic else np.linspace
    steps = [between(left, right, per_step) for left, right in pairwise(shown)]
    return np.concatenate(steps), np.repeat(heights[:-1], per_step)


def _shown(t: Array, height: Array) -> tuple[float, float]:
    """The part of a logarithmic axis outside which the curve and the steps are too low to be seen."""
    seen = np.flatnonzero(_UNSEEN * height > height.max())
    return (float(t[seen[0]]), float(t[seen[-1]])) if len(seen) else (float(t[0]), float(t[-1]))


def _draw(axes: Any, t: Array, curve: Array, held: Array, factor: str) -> None:
    area = "area over log t" if factor else "area"
    axes.fill_between(t, curve, held, color="C1", alpha=0.35, lw=0, label=f"{area}: 2 × path KL")
    axes.plot(t, held, color="C1", lw=1.1, label=f"{factor}M(t_k), held from t_k to t_(k+1)")
    axes.plot(t, curve, color="C0", lw=1.6, label=f"{factor}M(t), the mmse")


def _axis_label(logarithmic: bool, from_zero: bool, cut: bool) -> str:
    label = "t, signal-to-noise ratio of the core (1/length²)"
    if not logarithmic:
        return label
    lines = [f"{label}, logarithmic: t M(t) over log t has the area of M(t) over t"]
    if from_zero:
        lines.append("the first step begins at t = 0, left of the axis")
    if cut:
        lines.append(f"beyond the axis all is below 1/{_UNSEEN} of the highest point")
    return "\n".join(lines)


def _mark(axes: Any, knots: Array, all_knots: int) -> None:
    """Ticks at the knots, as long as they can be told apart."""
    name = f"the {all_knots} knots"
    if len(knots) < all_knots:
        name = f"{len(knots)} of {name}"
    if len(knots) <= _MOST_MARKS:
        axes.plot(
            knots,
            np.zeros_like(knots),
            ls="",
            marker="|",
            color="0.3",
            ms=7,
            clip_on=False,
            label=name,
        )


def save(instance: Instance, path: str | Path) -> None:
    """Draw `mmse_figure` into a PNG, SVG or PDF file.

    Raises ValueError for another suffix, and where matplotlib is missing.
    """
    place = check_path(path)
    try:
        figure = mmse_figure(instance)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "matplotlib":
            raise
        raise ValueError("plot: matplotlib is missing; install diffcert[plot]") from error
    metadata = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(place.suffix.lower(), {})
    try:
        figure.savefig(place, dpi=150, metadata=metadata)
    except OSError as error:
        raise ValueError(f"plot: {place} cannot be written: {error.strerror or error}") from error
