"""Pictures of the low-rank statements: the digits, and the transition over the number of samples.

What belongs here: drawing. What does not: the numbers (`numerics.low_rank_images`, `low_rank_transition`).
matplotlib is imported as the picture is drawn, and only there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from numerics.low_rank_images import Digits, digits
from numerics.low_rank_transition import Transition

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["digits_figure", "transition_figure"]

_SHOWN = 24
"""Directions and singular values that are drawn."""


def digits_figure(ranks: Sequence[int] = (4, 8), image: int = 0) -> Figure:
    """A figure of the low-rank picture on the handwritten digits that ship with scikit-learn.

    Left: the fraction of the energy that the leading directions of each class leave out, and of all images
    together. Right: the singular values of the Jacobian of the low-rank denoiser at one noisy image, for
    each rank of the fitted subspaces: as many are near c = 1/(1 + g^2) as one class has directions. Raises
    ImportError where scikit-learn or matplotlib is missing.
    """
    from matplotlib.figure import Figure

    data = digits()
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    _draw_spectra(left, data)
    for rank in ranks:
        values = data.jacobian_spectrum(rank, image, "1/4")[:_SHOWN]
        right.plot(
            range(1, len(values) + 1), np.maximum(values, 1e-9), "o-", ms=3, lw=1, label=f"rank {rank}"
        )
    right.axhline(1 / (1 + 1 / 16), color="0.6", lw=1, ls=":")
    right.set(
        xlabel="singular value, by size",
        title="Jacobian of the denoiser at a noisy image, g = 1/4",
        yscale="log",
        ylim=(1e-6, 3),
    )
    right.legend(frameon=False)
    return figure


def _draw_spectra(axes: Axes, data: Digits) -> None:
    for label in range(10):
        left_out = 1 - np.cumsum(data.spectrum(label))[:_SHOWN]
        axes.plot(
            range(1, _SHOWN + 1), left_out, lw=1, color="C0", label="one class" if label == 0 else None
        )
    whole = 1 - np.cumsum(data.spectrum())[:_SHOWN]
    axes.plot(range(1, _SHOWN + 1), whole, lw=1.6, color="C3", label="all classes")
    axes.set(xlabel="leading directions", title="fraction of the energy left out", yscale="log")
    axes.legend(frameon=False)


def transition_figure(curves: Iterable[Transition]) -> Figure:
    """A figure of transition curves over N/r: the mean distance of PCA from the subspace of its samples.

    Raises ValueError where there are no curves.
    """
    from matplotlib.figure import Figure

    drawn = list(curves)
    if not drawn:
        raise ValueError("curves: there are none")
    figure = Figure(figsize=(5, 3.6), layout="constrained")
    axes = figure.subplots()
    for curve in drawn:
        label = f"r = {curve.rank}, d = {curve.dimension}, noise {curve.noise:g}"
        axes.plot([n / curve.rank for n in curve.counts], curve.distances, "o-", ms=3, lw=1, label=label)
    axes.axvline(1, color="0.6", lw=1, ls=":")
    axes.set(xlabel="N/r", ylabel="mean distance over its maximum", ylim=(-0.02, 1.02))
    axes.legend(frameon=False, fontsize="small")
    return figure
