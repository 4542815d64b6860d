"""The low-rank picture on the digits; skipped where scikit-learn is missing."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from numerics.low_rank_images import digits


def test_without_the_package_a_message_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(ImportError, match=r"pip install 'diffcert\[images\]'"):
        digits()


@pytest.fixture(scope="module")
def data():
    pytest.importorskip("sklearn")
    return digits()


def test_classes_are_of_low_rank(data) -> None:
    assert data.images.shape == (1797, 64)
    assert np.mean(np.sum(data.images**2, axis=1)) == pytest.approx(64)
    for label in range(10):
        spectrum = data.spectrum(label)
        assert spectrum.sum() == pytest.approx(1)
        assert (np.diff(spectrum) <= 1e-15).all()
        assert data.leading_fraction(label, 8) > 0.94
        assert data.leading_fraction(label, 8) > data.leading_fraction(None, 8)
        gram = data.of_class(label).T @ data.of_class(label)
        assert spectrum == pytest.approx(np.linalg.eigvalsh(gram)[::-1] / np.trace(gram), abs=1e-12)


def test_the_jacobian_has_the_rank_of_one_class(data) -> None:
    values = data.jacobian_spectrum(4, image=0, noise="1/4")
    c = 1 / (1 + 1 / 16)
    assert values[:4] == pytest.approx(c, rel=0.05)
    assert values[4] < 0.1 * c
    assert int((values > c / 2).sum()) == 4


def test_bad_input(data) -> None:
    with pytest.raises(ValueError, match="label: 10 exceeds 9"):
        data.spectrum(10)
    with pytest.raises(ValueError, match="rank: 0 is below 1"):
        data.mixture(0)
