"""Derivatives of the mmse in posterior cumulants, and a bound of the third one, with planted falsehoods.

What belongs here: the statements of the posterior-cumulant calculus at one snr, for a core on a line, as
data. What does not: their proofs (`theory.proofs.posterior_cumulants`), polynomials of any order
(`theory.calculus`).

**The third cumulant.** Let Y be the posterior minus its mean, -m <= Y <= u, m + u <= D. The means of (m +
Y)(Y - c)^2 and (u - Y)(Y - c)^2 are not negative; at c = k2/m and c = -k2/u they are k3 + m k2 - k2^2/m
and u k2 - k2^2/u - k3, times m and u: a = m k3 + m^2 k2 - k2^2 >= 0 and b = u^2 k2 - k2^2 - u k3 >= 0.
With d = u - m and p = m u >= k2 (the mean of (m + Y)(u - Y)) the product a b >= 0 reads p k3^2 <= d k2 k3
(p + k2) + k2^2 (p - k2)^2 - d^2 k2^3. As 2 d k2 k3 <= k3^2 + d^2 k2^2, this gives (p - k2) k3^2/2 <= d^2
k2^2 (p - k2)/2 + k2^2 (p - k2)^2, hence k3^2 <= k2^2 (d^2 + 2 (p - k2)) where p > k2, and by continuity
k3 = d k2 where p = k2 (two atoms). As d^2 + 4 p = (m + u)^2 <= D^2 and p >= k2, k3^2 <= k2^2 (D^2 - 4
k2), with equality for two atoms at distance D. Its mean is `third_cumulant`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sympy as sp

from theory import facts
from theory import symbols as sym
from theory.planted import twin
from theory.proofs import posterior_cumulants as proofs
from theory.statement import Bound, Source

__all__ = ["ALL", "PAPER", "TWINS", "mmse_fourth", "mmse_second", "mmse_third", "third_cumulant"]

PAPER = "diffcert"
_PROVED = Source(PAPER, "", "", "proved here for a core on a line, by Dynkin's formula")


def _identity(name: str, title: str, proof: Any) -> Bound:
    return Bound(
        id=f"diffcert/{name}",
        title=title,
        truth=proof.statement.lhs,
        relation="==",
        formula=proof.statement.rhs,
        hypotheses=(facts.snr_positive,),
        source=_PROVED,
        derivation=proof,
    )


mmse_second = _identity(
    "mmse-second", "The second derivative of the mmse in posterior cumulants", proofs.mmse_second
)
mmse_third = _identity(
    "mmse-third", "The third derivative of the mmse in posterior cumulants", proofs.mmse_third
)
mmse_fourth = _identity(
    "mmse-fourth", "The fourth derivative of the mmse in posterior cumulants", proofs.mmse_fourth
)
third_cumulant = Bound(
    id="diffcert/third-cumulant",
    title="The third cumulant of the posterior by the second one and the diameter",
    truth=sym.cumulants_3_3,
    relation="<=",
    formula=sym.diameter**2 * sym.covariance_moment - 4 * sym.cumulants_2_2_2,
    hypotheses=(),
    source=Source(PAPER, "", "", "proved here, in the module's documentation; equality for two atoms"),
)

_SKEW = {"weights": ("19/20", "1/20"), "means": ("0", "1"), "variance": "0", "snr": "1"}
_NEARLY_TWO = {
    "weights": ("949/1000", "1/1000", "1/20"),
    "means": ("0", "1/2", "1"),
    "variance": "0",
    "snr": "1/10",
}
_THREE = {"weights": ("1/5", "1/2", "3/10"), "means": ("-3", "0", "4"), "variance": "0", "snr": "1/10"}


def _twin(
    of: Bound, what: str, title: str, why_false: str, formula: sp.Expr, at: Mapping[str, Any] = _THREE
) -> Bound:
    return twin(of, what, title, why_false, at, formula)


mmse_second_gaussian = _twin(
    mmse_second,
    "no-skewness",
    "The second derivative of the mmse as if posteriors were symmetric",
    "the third cumulant enters with a minus sign, which is how the mmse can fail to be convex",
    2 * sym.cumulants_2_2_2,
    _SKEW,
)
mmse_third_cross = _twin(
    mmse_third,
    "six",
    "The third derivative of the mmse with 6 in place of 12",
    "the derivative of k3^2 along the path gives a second k2 k3^2 beside that of k2^3",
    mmse_third.formula - 6 * sym.cumulants_2_3_3,
)
mmse_fourth_cross = _twin(
    mmse_fourth,
    "no-cross-term",
    "The fourth derivative of the mmse without the mean of k3^2 k4",
    "the generator joins the two k3 and splits a k4",
    mmse_fourth.formula - 30 * sym.cumulants_3_3_4,
)
third_cumulant_eight = _twin(
    third_cumulant,
    "eight",
    "The third cumulant of the posterior, with 8 in place of 4",
    "for two atoms there is equality with 4",
    sym.diameter**2 * sym.covariance_moment - 8 * sym.cumulants_2_2_2,
    _NEARLY_TWO,
)

ALL = (mmse_second, mmse_third, mmse_fourth, third_cumulant)
"""The statements of this module, in the order of the documentation."""

TWINS = (mmse_second_gaussian, mmse_third_cross, mmse_fourth_cross, third_cumulant_eight)
"""The planted falsehoods beside them."""
