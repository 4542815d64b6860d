"""K equiprobable orthogonal atoms b e_1, ..., b e_K: every functional as one outer and one inner integral.

What belongs here: the Laplace-transform formulas, for any K up to billions, in balls and in machine
numbers. What does not: the core as a target (`structured`).

Let rho = sqrt(t) b, X = e^{rho N} with N ~ N(0, 1), and G_j(lambda) = E X^j e^{-lambda X}, so that
G_j = (-1)^j g^(j) for g = G_0. With Y generated from atom 1 the posterior is proportional to
(e^{rho^2} X_1, X_2, ..., X_K), and 1/x^n = int_0^inf lambda^{n-1} e^{-lambda x} d lambda / Gamma(n) gives

    E P_1^a P_2^c = e^{-rho^2/2} / Gamma(n) int_0^inf lambda^{n-1} G_{a+1} G_c g^{K-2} d lambda,   n = a + c,

(G_0 g^{K-2} = g^{K-1} for c = 0), and Frullani's integral

    E log(sum_j Y_j / Y_1) = e^{-rho^2/2} int_0^inf (1 - g^{K-1}) G_1 d lambda / lambda = H - I.

M = b^2 (1 - E P_1) and C = b^4 (E P_1 - 2 E P_1^2 + E P_1^3 + (K-1) E P_1 P_2^2), since
E sum_i f(P_i) = E f(P_1)/P_1 for the exchangeable posterior.

Both integrals are trapezoidal sums with proven remainders. Outer, in x = log lambda: for |y| < pi/2
|G_j(lambda e^{iy})| <= G_j(lambda cos y) and |1 - g^{K-1}(lambda e^{iy})| <= sec(y) (1 - g^{K-1}(lambda cos y)),
from |1 - e^{-zu}| <= |z| int_0^u e^{-s Re z} ds; so B(eta) = sec(eta)^n times the value itself (n = 1 for the
entropy). Inner, in N: for |y| < pi/(2 rho) |X^j e^{-lambda X}| <= min(X^j, (j/(e lambda cos(rho y)))^j) and
B(eta) = e^{eta^2/2} min(e^{j^2 rho^2/2}, (j/(e lambda cos(rho eta)))^j).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import lru_cache

import flint
import numpy as np
import numpy.typing as npt

from numerics.arithmetic import balls, to_ball
from numerics.cores import Functional
from numerics.quadrature import Spacing, gaussian_tail
from numerics.truth import PrecisionError

__all__ = ["certified_value", "fast_value"]

Array = npt.NDArray[np.float64]

MOST_SIGNAL = 60.0
"""Beyond this rho the atoms are told apart: the bounds on what is left serve, or PrecisionError."""

_TERMS: dict[str, tuple[tuple[int, int, int], ...]] = {
    "mmse": ((1, 0, 1),),
    "covariance_moment": ((1, 0, 1), (2, 0, -2), (3, 0, 1), (1, 2, 1)),
}
"""(a, c, coefficient) of the moments E P_1^a P_2^c; the last carries a factor K - 1."""
