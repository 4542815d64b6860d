"""The divergence of one step's laws, by quadrature in both ends of the step.

What belongs here: densities on a grid. What does not: tests, and anything of `theory`.
"""

from __future__ import annotations

import numpy as np

GRID, WIDTH = np.linspace(-14.0, 18.0, 1601, retstep=True)


def normal(x: np.ndarray, mean: np.ndarray | float, variance: np.ndarray | float) -> np.ndarray:
    return np.exp(-((x - mean) ** 2) / (2 * variance)) / np.sqrt(2 * np.pi * variance)


def mean_divergence(
    weights: np.ndarray, true: np.ndarray, sampled: np.ndarray, width: float = WIDTH
) -> float:
    """E KL of rows of densities on a grid."""
    ratio = np.log(np.maximum(true, 1e-300)) - np.log(np.maximum(sampled, 1e-300))
    return float(weights @ np.sum(true * ratio, axis=1) * width)
