"""The low-rank picture on real images: the handwritten digits that ship with scikit-learn.

What belongs here: how much of each class lies in few directions, and the Jacobian of a low-rank denoiser
fitted to the images. What does not: fitting in general (`low_rank_learning`). scikit-learn is needed for
the images alone and imported where they are read.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from numerics.exact import integer, rational
from numerics.low_rank import LowRankMixture
from numerics.low_rank_posterior import posterior_jacobian

__all__ = ["Digits", "digits"]

_GRID = 1024
Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Digits:
    """1797 images of 8 x 8 pixels with their classes: `images` of shape (n, 64), `labels` 0 to 9.

    Each image is divided by one number, so that the mean of |x|^2 is the number of pixels.
    """

    images: Array
    labels: npt.NDArray[np.int64]

    def of_class(self, label: int) -> Array:
        """The images of one class."""
        chosen: Array = self.images[self.labels == integer(label, "label", 0, 9)]
        return chosen

    def spectrum(self, label: int | None = None) -> Array:
        """The fractions of the energy |x|^2 in the leading directions of a class (None: of all images).

        64 numbers, largest first, that sum to one; directions about the origin, as in a low-rank mixture.
        """
        images = self.images if label is None else self.of_class(label)
        values = np.linalg.svd(images, compute_uv=False) ** 2
        fractions = np.zeros(images.shape[1])
        fractions[: len(values)] = values / values.sum()
        return fractions

    def leading_fraction(self, label: int | None, rank: int) -> float:
        """The fraction of the energy in the `rank` leading directions of a class (None: of all images)."""
        return float(self.spectrum(label)[: integer(rank, "rank", 1, 64)].sum())

    def mixture(self, rank: int) -> LowRankMixture:
        """The low-rank mixture with one subspace per class: its `rank` leading directions.

        The directions are rounded to multiples of 1/1024, so that the subspaces are exact and small.
        """
        rank = integer(rank, "rank", 1, 64)
        bases = []
        for label in range(10):
            _, _, directions = np.linalg.svd(self.of_class(label), full_matrices=False)
            bases.append([[f"{int(x)}/{_GRID}" for x in row] for row in np.rint(directions[:rank] * _GRID)])
        counts = np.bincount(self.labels, minlength=10)
        weights = [f"{count}/{counts.sum()}" for count in counts]
        return LowRankMixture.spanned(weights, bases)

    def jacobian_spectrum(self, rank: int, image: int, noise: str = "1/2", seed: int = 0) -> Array:
        """The singular values of the Jacobian of the fitted denoiser at one noisy image, largest first.

        The image is scaled to |x|^2 = rank, as a draw from the mixture is on average; s = 1.
        """
        x = self.images[integer(image, "image", 0, len(self.images) - 1)]
        x = x * np.sqrt(rank) / np.linalg.norm(x)
        noisy = x + float(rational(noise, "noise")) * np.random.default_rng(seed).standard_normal(x.shape)
        point = [int(value) for value in np.rint(noisy * _GRID)]
        scaled = [f"{value}/{_GRID}" for value in point]
        jacobian = posterior_jacobian(self.mixture(rank), scaled, 1, noise)
        return np.linalg.svd(jacobian, compute_uv=False)


def digits() -> Digits:
    """The handwritten digits that ship with scikit-learn.

    Raises ImportError saying what to install where scikit-learn is missing.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise ImportError("the digits need scikit-learn: pip install 'diffcert[images]'") from error
    images, labels = load_digits(return_X_y=True)
    images = np.asarray(images, dtype=np.float64)
    scale = np.sqrt((images**2).sum(axis=1).mean() / images.shape[1])
    return Digits(images / scale, np.asarray(labels, dtype=np.int64))
