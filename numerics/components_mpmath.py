"""The latent part in mpmath, an independent route: pairwise formulas, a fixed step verified by halving.

What belongs here: nothing shared with the certified tier's plan or bounds. On a line, at moderate ratios
of widths only (one grid for all components); PrecisionError elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import mpmath

from numerics.arithmetic import mpmath_numbers
from numerics.components_latent import LatentLaw
from numerics.components_strip import Kind
from numerics.truth import PrecisionError, SpanError

__all__ = ["independent_value"]

MOST_NODES = 100_000


def independent_value(
    law: LatentLaw, kind: Kind, t: Any, digits: int, tolerance: Any = 0
) -> tuple[Any, Any]:
    """L(t) or I(Z;Y_t) as mpf, and the difference of the last two sums.

    The step is halved until two sums agree to 10^-digits relative, or to `tolerance` absolute.
    Raises SpanError beyond a line, PrecisionError beyond `MOST_NODES` nodes.
    """
    if law.rank == 0 or (t == 0 and kind == "mutual_information"):
        return mpmath.mpf(0), mpmath.mpf(0)
    if law.rank > 1:
        raise SpanError(f"target: the latent part has {law.rank} dimensions; the mpmath engine covers one")
    ops = mpmath_numbers(2 * digits + 15)
    with ops.precision():
        if t == 0:
            return ops.number(law.latent_variance), mpmath.mpf(0)
        unit = mpmath.sqrt(ops.number(law.lengths[0]))
        w = [ops.number(x) for x in law.weights]
        a = [ops.number(point[0]) * unit for point in law.means]
        v = [ops.number(rows[0][0]) * unit**2 for rows in law.covariances]
        s = mpmath.sqrt(t)
        widths = [mpmath.sqrt(1 + t * x) for x in v]
        reach = mpmath.sqrt(2 * mpmath.log(10) * (2 * digits + 5)) + 1
        low = min(s * x - reach * y for x, y in zip(a, widths, strict=True))
        high = max(s * x + reach * y for x, y in zip(a, widths, strict=True))
        h = min(widths) / 2
        previous = None
        while True:
            count = int(mpmath.ceil((high - low) / h))
            if count > MOST_NODES:
                raise PrecisionError(
                    f"latent {kind}: the mpmath engine needs more than {MOST_NODES} nodes at this precision"
                )
            terms = (_INTEGRANDS[kind](low + k * h, w, a, v, s, widths) for k in range(count + 1))
            total = h * mpmath.fsum(terms)
            if previous is not None:
                change = abs(total - previous)
                if change <= max(tolerance, abs(total) * mpmath.mpf(10) ** (-digits - 1)):
                    return total, change
            previous, h = total, h / 2


def _densities(z: Any, w: Sequence[Any], a: Sequence[Any], s: Any, widths: Sequence[Any]) -> list[Any]:
    return [x * mpmath.npdf(z, s * y, width) for x, y, width in zip(w, a, widths, strict=True)]


def _latent_mmse(
    z: Any, w: Sequence[Any], a: Sequence[Any], v: Sequence[Any], s: Any, widths: Sequence[Any]
) -> Any:
    """sum over pairs of p_i p_j (m_i - m_j)^2 / p, m the Gaussian posterior means."""
    p = _densities(z, w, a, s, widths)
    total = mpmath.fsum(p)
    if not total:
        return mpmath.mpf(0)
    m = [(x + s * y * z) / (width * width) for x, y, width in zip(a, v, widths, strict=True)]
    pairs = (p[i] * p[j] * (m[i] - m[j]) ** 2 for i in range(len(p)) for j in range(i))
    return mpmath.fsum(pairs) / total


def _information(
    z: Any, w: Sequence[Any], a: Sequence[Any], v: Sequence[Any], s: Any, widths: Sequence[Any]
) -> Any:
    """sum of p_i log(posterior_i / w_i)."""
    p = _densities(z, w, a, s, widths)
    total = mpmath.fsum(p)
    return mpmath.fsum(x * mpmath.log(x / (y * total)) for x, y in zip(p, w, strict=True) if x)


_INTEGRANDS = {"mmse": _latent_mmse, "mutual_information": _information}
