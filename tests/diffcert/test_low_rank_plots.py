"""The pictures of the low-rank statements show the numbers that they are drawn from."""

from __future__ import annotations

import numpy as np
import pytest

from diffcert.low_rank_plots import digits_figure, transition_figure
from numerics.low_rank_images import digits
from numerics.low_rank_transition import transition


def test_the_transition() -> None:
    curve = transition(8, 2, [1, 2, 3], trials=2)
    (axes,) = transition_figure([curve]).axes
    x, y = axes.lines[0].get_data()
    assert list(x) == [0.5, 1.0, 1.5]
    assert tuple(y) == curve.distances
    with pytest.raises(ValueError, match="curves: there are none"):
        transition_figure([])


def test_the_digits() -> None:
    pytest.importorskip("sklearn")
    left, right = digits_figure(ranks=(2,), image=3).axes
    assert len([line for line in left.lines if len(line.get_xdata()) > 2]) == 11
    assert left.lines[0].get_ydata()[0] == pytest.approx(1 - digits().spectrum(0)[0])
    drawn = right.lines[0].get_ydata()
    expected = digits().jacobian_spectrum(2, 3, "1/4")[: len(drawn)]
    assert np.allclose(drawn, np.maximum(expected, 1e-9))
