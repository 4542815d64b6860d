"""Strategies for points with a spacing and a strip, which claims on the trapezoidal rule are about.

What belongs here: grids coarse enough for a missing factor in a bound to show. What does not: points
without a grid (`instances`).

The strip lies inside the one that the density leaves free of zeros, eta D sqrt(s) < pi: a part of it, or
the one at which the bound itself is least.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from diffcert.strategies.needs import Needs
from diffcert.strategies.targets import mixtures

if TYPE_CHECKING:
    from diffcert.instance import Instance
    from numerics import Target

__all__ = ["quadratures"]

WIDEST = 8
"""Beyond it exp(eta^2/2) makes every bound empty."""

_SPACINGS = tuple(Fraction(x) for x in ("2", "1", "5", "3", "1/2", "3/10"))
_PARTS = tuple(Fraction(x) for x in ("1/2", "9/10", "1/4", "99/100", "1/10"))
_SPREADS = tuple(Fraction(x) for x in ("1", "1/10", "10", "1/1000", "40", "3"))
"""The signal-to-noise ratio in units of 4/D^2, the square of half the distance of the outermost atoms."""
_BEST = (False, False, True, True)
_FINENESS = 2**10


@st.composite
def quadratures(draw: st.DrawFn, needs: Needs, targets: st.SearchStrategy[Target] | None) -> Instance:
    """A target with a signal-to-noise ratio, a coarse spacing and a strip."""
    from diffcert.instance import Instance
    from numerics.quadrature import best_eta

    target = draw(
        mixtures(min_atoms=2, shapes=("pair", "plain", "rare", "plain")) if targets is None else targets
    )
    size = target.core.diameter_squared or Fraction(1)
    snr = 4 * draw(st.sampled_from(_SPREADS)) / size
    spread = math.sqrt(snr * target.core.diameter_squared)
    spacing = draw(st.sampled_from(_SPACINGS))
    if draw(st.sampled_from(_BEST)):
        eta = best_eta(float(spacing), spread, draw(st.sampled_from((1, 3))))
    else:
        widest = math.pi / spread if spread else WIDEST
        eta = min(widest, WIDEST) * float(draw(st.sampled_from(_PARTS)))
    strip = Fraction(max(1, math.floor(_FINENESS * eta)), _FINENESS)
    return Instance(target, snr=snr, parameters={"spacing": spacing, "strip": strip})
