"""The output law of a stochastic sampler as an object: windows made into pieces of the line.

What belongs here: starts without signal, resolutions, densities of the output. The steps are in
`stochastic`.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cached_property

import numpy as np
import numpy.typing as npt

from numerics.output_law.branches import gauss_rule
from numerics.output_law.chain import Chain
from numerics.output_law.distances import Piece, Sample, Tables
from numerics.output_law.grids import REACH, interpolate
from numerics.output_law.law import OutputLaw
from numerics.output_law.mixture import Line
from numerics.output_law.stochastic import Window, run
from numerics.samplers import MomentMatched

__all__ = ["StochasticLaw", "begin"]

Array = npt.NDArray[np.float64]

COARSE, FINE = 1.0, 1.4
"""The two resolutions whose difference is part of the error estimate."""

_PANEL = 8


class StochasticLaw(OutputLaw):
    """The law of a stochastic sampler's last iterate, on grids, at two resolutions."""

    method = "push-forward and convolution on uniform grids, refined"

    @cached_property
    def _fine(self) -> list[Window]:
        return run(self._chain, FINE, begin(self._chain))

    @cached_property
    def _coarse(self) -> list[Window]:
        return run(self._chain, COARSE, begin(self._chain))

    def _pieces(self, reference: str, fine: bool) -> list[Piece]:
        windows = self._fine if fine else self._coarse
        lines = [self._reference(reference, window.centre) for window in windows]
        owners = _owners(windows, lines)
        return [
            self._piece(window, line, owners == i)
            for i, (window, line) in enumerate(zip(windows, lines, strict=True))
        ]

    def _piece(self, window: Window, reference: Line, own: npt.NDArray[np.bool_]) -> Piece:
        true = self._line(window.centre)
        same = np.array_equal(true.atoms, reference.atoms) and true.variance == reference.variance

        def evaluate(x: Array) -> Sample:
            log_true = true.log_density(x)
            ratio, _ = interpolate(window.ratio, window.start, window.spacing, x)
            if not reference.variance:
                return Sample(x, np.ones_like(x), log_true + ratio, np.zeros_like(x))
            log_reference = log_true if same else reference.log_density(x)
            if not same:
                ratio = ratio + (log_true - log_reference)
            return Sample(x, np.ones_like(x), ratio, log_reference)

        return Piece(float(window.centre), _edges(window, reference, true, own), evaluate, reference)

    def _line_density(self, x: Array) -> Array:
        scale = float(self._chain.scale)
        result = np.zeros(len(x))
        for window in self._fine:
            at = x / scale - float(window.centre)
            inside = (at >= window.start) & (at <= window.end)
            ratio, _ = interpolate(window.ratio, window.start, window.spacing, at[inside])
            log_true = self._line(window.centre).log_density(at[inside])
            result[inside] += np.exp(log_true + ratio) / scale
        return result

    @cached_property
    def _tables(self) -> Tables:
        return Tables(tuple(self._pieces("last_level", True)))

    def _line_cdf(self, x: Array) -> Array:
        result = np.zeros(len(x))
        for piece, table in zip(self._tables.pieces, self._tables.made, strict=True):
            at = x / float(self._chain.scale) - piece.centre
            panel = np.clip(np.searchsorted(table.low, at) - 1, 0, len(table.low) - 1)
            inside = (at >= table.low[0]) & (at <= table.high[-1])
            found = table.at(panel[inside], at[inside, None], table.below)
            result[inside] = found[:, 0]
            result[at > table.high[-1]] = table.below[-1, -1]
        return np.clip(result, 0.0, 1.0)


def _owners(windows: list[Window], lines: list[Line]) -> npt.NDArray[np.intp]:
    """For every atom of the reference, the window that is nearest."""
    away = [
        np.maximum(np.maximum(window.start - line.atoms, line.atoms - window.end), 0.0)
        for window, line in zip(windows, lines, strict=True)
    ]
    return np.asarray(np.argmin(np.stack(away), axis=0))


def _edges(window: Window, reference: Line, true: Line, own: npt.NDArray[np.bool_]) -> Array:
    """Panel edges over a window and the reference's atoms that belong to it."""
    length = max(window.spacing * _PANEL, min(reference.width, true.width) / 2)
    count = max(1, round((window.end - window.start) / length))
    edges = [np.linspace(window.start, window.end, count + 1)]
    atoms, width = reference.atoms[own], reference.width
    if not width:
        edges.append(atoms)
    elif len(atoms):
        low, high = float(atoms.min()) - REACH * width, float(atoms.max()) + REACH * width
        for start, end in ((low, window.start), (window.end, high)):
            if end > start:
                edges.append(np.linspace(start, end, int(min((end - start) / length, 4096.0)) + 2))
        if width < 2 * length:
            marks = width * np.array(
                [-11.0, -8.0, -6.0, -4.5, -3.0, -1.5, 0.0, 1.5, 3.0, 4.5, 6.0, 8.0, 11.0]
            )
            edges.append((atoms[:, None] + marks).ravel())
    return np.unique(np.concatenate(edges))


def begin(chain: Chain) -> list[tuple[float, Fraction, float]] | None:
    """The law after the first step where the first level has no signal: (probability, mean, variance)."""
    step, sampler = chain.steps[0], chain.sampler
    if step.t > 0:
        return None
    error = sampler.score_error
    if error is not None and not isinstance(error, Fraction):
        raise ValueError("score_error: a function at a first level without signal is not supported")
    mean = sum((w * a for w, a in zip(chain.weights, chain.atoms, strict=True)), Fraction(0))
    variance = sum(
        (w * (a - mean) ** 2 for w, a in zip(chain.weights, chain.atoms, strict=True)), Fraction(0)
    )
    shift = Fraction(step.lever) * error if error is not None else Fraction(0)
    pull = Fraction(step.pull)
    kept = chain.first_kept
    if isinstance(sampler, MomentMatched) and sampler.order == 2:
        return [(1.0, mean * pull + shift, step.noise + step.pull**2 * float(variance))]
    if isinstance(sampler, MomentMatched) and sampler.nodes is not None and sampler.order > 1:
        count = sampler.nodes
        if count >= len(chain.atoms):
            nodes = [(float(w), a) for w, a in zip(chain.weights, chain.atoms, strict=True)]
        else:
            away = np.array([[float(a - mean)] for a in chain.atoms])
            found, shares, _ = gauss_rule(np.array([[float(w)] for w in chain.weights]), away, count)
            nodes = [
                (float(w), mean + Fraction(float(x)))
                for x, w in zip(found[:, 0], shares[:, 0], strict=True)
            ]
        return [(share, node * pull + shift, step.noise) for share, node in nodes]
    return [(1.0, mean * pull + shift, step.noise + kept)]
