"""Proofs of the quadrature theorem: the trapezoidal rule's error by the integrals on two lines.

What belongs here: the three derivations. What does not: the statements themselves (`bounds.ours`).

At z = x + iy the phases of the components p_i of the density lie in an arc of length 2 theta,
theta = sqrt(s) |y| D/2, so that cos(theta) e^{y^2/2} p(x) <= |p(z)| <= e^{y^2/2} p(x). The integrands p Cov
and p Cov^2 are quotients with p and p^3 below, S_2 - S_1^2/S_0 with numerators of bilinear kind.
"""

from __future__ import annotations

import sympy as sp

from theory import symbols as sym
from theory.derivation import Axiom, Derivation, Lemma, Link, chain
from theory.statement import Hypothesis, Source

__all__ = [
    "angle",
    "decay",
    "inside_strip",
    "quadrature_covariance",
    "quadrature_information",
    "quadrature_mmse",
]

_s, _h, _eta, _D = sym.snr, sym.spacing, sym.strip, sym.diameter

angle = sp.sqrt(_s) * _D * _eta / 2
"""theta = sqrt(s) D eta/2."""
decay = sp.exp(2 * sp.pi * _eta / _h) - 1
"""e^{2 pi eta/h} - 1."""
growth = sp.exp(_eta**2 / 2)
"""e^{eta^2/2}."""

inside_strip = Hypothesis(
    "inside_strip", "theta = sqrt(s) D eta/2 is below pi/2", sp.Lt(sp.sqrt(_s) * _D * _eta, sp.pi)
)

_norm = sp.Symbol("B", nonnegative=True)
_TREFETHEN = Source(
    "Trefethen and Weideman 2014, The exponentially convergent trapezoidal rule",
    "",
    "Theorem 5.1",
    "B is the larger of the integrals of |f(x + iy)| over y = eta and y = -eta",
)


def _proof(truth: sp.Symbol, size: sp.Expr, title: str, because: str) -> Derivation:
    """The derivation of truth <= 2 size/(e^{2 pi eta/h} - 1)."""
    poisson = Axiom(
        "Poisson summation",
        sp.Le(truth, 2 * _norm / decay, evaluate=False),
        source=_TREFETHEN,
    )
    strip = Axiom(
        "the strip bound",
        sp.Le(2 * _norm / decay, 2 * size / decay, evaluate=False),
        hypotheses=(inside_strip,),
        because=because,
    )
    return Derivation(
        title=title,
        statement=sp.Le(truth, 2 * size / decay, evaluate=False),
        hypotheses=(inside_strip,),
        steps=chain(
            truth,
            Link("<=", 2 * _norm / decay, Lemma(poisson)),
            Link("<=", 2 * size / decay, Lemma(strip)),
        ),
    )


quadrature_mmse = _proof(
    sym.trapezoid_mmse,
    sym.mmse * growth / sp.cos(angle),
    "the trapezoidal rule for the mmse",
    "|p Cov|(x + iy) <= e^{y^2/2} sec(theta) (p Cov)(x), integrated over x, and e^{2 pi eta/h} > 1",
)
"""|trapezoid - M| <= 2 M e^{eta^2/2} sec(theta)/(e^{2 pi eta/h} - 1)."""

quadrature_covariance = _proof(
    sym.trapezoid_covariance,
    sym.covariance_moment * growth / sp.cos(angle) ** 3,
    "the trapezoidal rule for the covariance moment",
    "|p Cov^2|(x + iy) <= e^{y^2/2} sec^3(theta) (p Cov^2)(x), integrated over x, and e^{2 pi eta/h} > 1",
)
"""|trapezoid - C| <= 2 C e^{eta^2/2} sec^3(theta)/(e^{2 pi eta/h} - 1)."""

quadrature_information = _proof(
    sym.trapezoid_information,
    growth
    * (
        _s * sym.variance / 2
        - sym.mutual_information
        + 2 * sp.exp(-1)
        - sp.log(sp.cos(angle))
        + sp.sqrt(_s) * _eta * sym.radius
    ),
    "the trapezoidal rule for the mutual information",
    "p/phi is a positive sum of exponentials: L = log(p/phi) has log cos theta <= Re L(x + iy) - L(x) <= 0 "
    "and |Im L| <= sqrt(s) eta R; |p| grows by e^{y^2/2}; and int p |L| <= int p L + 2/e with "
    "int p L = s V/2 - I, since u log u >= -1/e; and e^{2 pi eta/h} > 1",
)
"""|trapezoid - I| <= 2 e^{eta^2/2} (s V/2 - I + 2/e + log sec theta + sqrt(s) eta R)/(e^{2 pi eta/h} - 1).
"""
