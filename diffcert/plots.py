"""Pictures of path errors: the mmse curve with a schedule's steps on it, and errors against steps.

What belongs here: drawing. What does not: the numbers (`bindings`). matplotlib is imported as the
picture is drawn, and only there.
"""

from __future__ import annotations

from collections.abc import Callable
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

__all__ = ["SUFFIXES", "check_path", "mmse_figure", "save", "steps_figure", "write"]

SUFFIXES = (".png", ".svg", ".pdf")

_WIDE_RANGE = 100.0
"""Schedules whose positive knots span more than this factor are drawn over log t."""

_CURVE_POINTS = 4000
_UNSEEN = 500
"""A logarithmic axis ends where all that follows is below the highest point divided by this."""

_MOST_MARKS = 60
_MARKERS = "^v<>sDPX"

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


def steps_figure(target: Any, name: str, steps: int, start: Any = 0, stop: Any = None) -> Figure:
    """A figure of the path KL against the number of steps, for the best and for the usual schedules.

    Both axes are logarithmic. A horizontal line marks the best path KL of `steps` steps: where a curve
    crosses it that schedule has the same error. Arguments as for `numerics.best.best_schedules`.
    """
    from matplotlib.figure import Figure

    from numerics import path_kl
    from numerics.best import best_limit, best_schedules
    from numerics.best_compare import FAMILIES, family

    best = best_schedules(target, steps, start, stop)[0]
    high = best.schedule.parameters["snr"][-1]
    counts = sorted({*(2**k for k in range(1, 11) if 2**k <= max(64, 8 * steps)), steps})
    figure = Figure(figsize=(8.0, 5.2), layout="constrained")
    axes = figure.subplots()
    for number, usual in enumerate(FAMILIES if target.variance else ("geometric", "uniform")):
        make, points = family(usual, start, high), []
        for n in counts:
            try:
                points.append((n, float(path_kl(target, make(n)))))
            except ValueError:
                continue
        axes.plot(*zip(*points, strict=True), marker=_MARKERS[number], ms=4, lw=1, label=usual)
    values = [float(best_schedules(target, n, start, stop)[0].path_kl) for n in counts]
    axes.plot(counts, values, color="k", marker="o", ms=4, lw=2, label="best")
    limit = float(best_limit(target, start, stop).value)
    axes.plot(counts, [limit / n for n in counts], color="k", ls=":", lw=1, label="limit of best, c/n")
    axes.axhline(float(best.path_kl), color="0.5", lw=0.8)
    axes.annotate(
        f"best with {steps} steps", (counts[-1], float(best.path_kl)), ha="right", va="bottom", color="0.35"
    )
    axes.set(xscale="log", yscale="log", xlabel="steps", ylabel="path KL (nats)", title=name)
    ticks = [n for n in counts if n == steps or not 0.75 < n / steps < 1.4]
    axes.set_xticks(ticks, [str(n) for n in ticks], minor=False)
    axes.set_xticks([], minor=True)
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")
    return figure


def save(instance: Instance, path: str | Path) -> None:
    """Draw `mmse_figure` into a PNG, SVG or PDF file; errors as for `write`."""
    write(lambda: mmse_figure(instance), path)


def write(draw: Callable[[], Figure], path: str | Path) -> None:
    """Draw a figure into a PNG, SVG or PDF file.

    Raises ValueError for another suffix, and where matplotlib is missing.
    """
    place = check_path(path)
    try:
        figure = draw()
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "matplotlib":
            raise
        raise ValueError("plot: matplotlib is missing; install diffcert[plot]") from error
    metadata = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(place.suffix.lower(), {})
    try:
        figure.savefig(place, dpi=150, metadata=metadata)
    except OSError as error:
        raise ValueError(f"plot: {place} cannot be written: {error.strerror or error}") from error
