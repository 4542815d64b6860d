"""Low-rank mixtures: the posterior of one observation.

What belongs here: derivations for the statements of `bounds.wang`, with the facts about Gaussian
conditioning that they rest on. What does not: training and recovery (`low_rank_learning`).

The observation is x = s X + g eps, and it moves along x = x_0 + tau w where a derivative is taken.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from theory import low_rank_symbols as sym
from theory.channel import PathVariable
from theory.derivation import Algebra, Axiom, Calculus, Derivation, Lemma, Link, chain
from theory.statement import Hypothesis
from theory.symbols import k

__all__ = [
    "c",
    "covariance",
    "density",
    "directions",
    "jacobian",
    "mean_over",
    "phi",
    "posterior_mean",
    "posterior_weights",
    "rho",
    "several_components",
    "signal_positive",
    "trace",
]

PAPER = "Wang et al. 2024, Diffusion Models Learn Low-Dimensional Distributions via Subspace Clustering"

_s, _g, _K = sym.signal, sym.noise, sym.number_of_components
c = _s / (_s**2 + _g**2)
"""The factor of the posterior mean on a subspace."""
phi = _s**2 / (2 * _g**2 * (_s**2 + _g**2))
"""Half the difference of the precisions off and on a subspace."""
rho = _g**2 / (_s**2 + _g**2)
"""The variance that the observation leaves on a subspace."""

_R, _q, _p, _h, _b = sym.subspace_ranks, sym.energies, sym.along, sym.across, sym.overlaps


def _over(term: Any) -> sp.Sum:
    return sp.Sum(term, (k, 0, _K - 1))


density = sym.mixture_weights[k] * sp.exp(_R[k] * sp.log(rho) / 2 + phi * _q[k])
"""The joint density of component k and the observation, up to a factor that all share."""


def mean_over(value: Any) -> sp.Expr:
    """The posterior mean of a quantity that depends on the component."""
    return _over(sym.probabilities[k] * value)


several_components = Hypothesis("several_components", "there are at least two components", sp.Gt(_K, 1))
signal_positive = Hypothesis("signal_positive", "the signal is not zero", sp.Gt(_s, 0))
# One observation

_omega = sym.probabilities
_Z = _over(density)
_total = sp.Symbol("Z", positive=True)
_conditional = sp.IndexedBase(PathVariable("mu", real=True))
_tau = sp.Symbol("tau", real=True)
_line_mean = sp.Function("m", real=True)
_q0 = sp.IndexedBase(PathVariable("alpha", real=True))
_p0 = sp.IndexedBase(PathVariable("beta", real=True))
_h0 = sp.IndexedBase(PathVariable("nu", real=True))
_w0 = sp.IndexedBase(PathVariable("zeta", real=True))

total_density = Axiom(
    "the density of the observation",
    sp.Eq(_total, _Z, evaluate=False),
    because="Z is the sum of the joint densities",
)
bayes = Axiom(
    "posterior probabilities of the components",
    sp.Eq(_omega[k], density / _total, evaluate=False),
    variables=(k,),
    because="Bayes' rule: given k, x is N(0, s^2 P_k + g^2 I), with the determinant g^(2d) rho^(-r_k) and "
    "the inverse (I - (s^2/(s^2 + g^2)) P_k)/g^2; the common factor cancels",
)
first_of_all = Axiom(
    "the first posterior probability",
    sp.Eq(sym.first_probability, _omega[0], evaluate=False),
    because="its definition",
)
probabilities_sum = Axiom(
    "posterior probabilities sum to one",
    sp.Eq(_over(_omega[k]), 1, evaluate=False),
    because="they are probabilities",
)
total_mean = Axiom(
    "the posterior mean by components",
    sp.Eq(sym.posterior_mean_along, mean_over(_conditional[k]), evaluate=False),
    because="the law of total expectation; mu_k is <v, E[X|x, k]>",
)
conditional_mean = Axiom(
    "the posterior mean of one component",
    sp.Eq(_conditional[k], c * _p[k], evaluate=False),
    variables=(k,),
    because="given k and x, X = U_k a with a ~ N(c U_k^T x, rho I)",
)
_trace_by_components = (
    (mean_over(rho * _R[k] + c**2 * _q[k]) + c**2 * sym.largest_energy * mean_over(1) - sym.mean_energy)
    * _s
    / _g**2
)
mean_square_by_components = Axiom(
    "the posterior second moment by components",
    sp.Eq(sym.jacobian_trace, _trace_by_components, evaluate=False),
    hypotheses=(signal_positive,),
    because="Tweedie's formula of second order, J = (s/g^2) Cov(X|x), and "
    "tr Cov = E[|X|^2|x] - |E[X|x]|^2, where E[|X|^2|x, k] = rho r_k + c^2 |P_k x|^2",
)
_covariance_by_components = mean_over(rho * _b[k] + c**2 * _p[k] * _h[k]) - c**2 * mean_over(
    _p[k]
) * mean_over(_h[k])
total_covariance = Axiom(
    "law of total covariance",
    sp.Eq(sym.covariance_along, _covariance_by_components, evaluate=False),
    because="given k and x, X has the covariance rho P_k and the mean c P_k x",
)
jacobian_on_the_line = Axiom(
    "the Jacobian as a derivative along a line",
    sp.Eq(sym.jacobian_along, sp.Derivative(_line_mean(_tau), _tau), evaluate=False),
    because="<v, J w> is the derivative of m(tau) = <v, E[X | x = x_0 + tau w]>",
)
mean_on_the_line = Axiom(
    "the posterior mean along a line",
    sp.Eq(
        _line_mean(_tau),
        c
        * _over(
            sym.mixture_weights[k]
            * sp.exp(_R[k] * sp.log(rho) / 2 + phi * (_q0[k] + 2 * _tau * _h0[k] + _tau**2 * _w0[k]))
            * (_p0[k] + _tau * _b[k])
        )
        / _over(
            sym.mixture_weights[k]
            * sp.exp(_R[k] * sp.log(rho) / 2 + phi * (_q0[k] + 2 * _tau * _h0[k] + _tau**2 * _w0[k]))
        ),
        evaluate=False,
    ),
    variables=(_tau,),
    because="the formula of the posterior mean at x_0 + tau w; alpha_k, beta_k, nu_k are q_k, p_k, h_k at "
    "x_0, and zeta_k = <w, P_k w>; q_k less any constant serves as well",
)
energies_on_the_line = Axiom(
    "the energies along a line",
    sp.Eq(_q[k], _q0[k] + 2 * _tau * _h0[k] + _tau**2 * _w0[k], evaluate=False),
    variables=(k,),
    because="|P_k (x_0 + tau w)|^2 multiplied out",
)
along_on_the_line = Axiom(
    "the projections on v along a line",
    sp.Eq(_p[k], _p0[k] + _tau * _b[k], evaluate=False),
    variables=(k,),
    because="<v, P_k (x_0 + tau w)> multiplied out",
)
across_on_the_line = Axiom(
    "the projections on w along a line",
    sp.Eq(_h[k], _h0[k] + _tau * _w0[k], evaluate=False),
    variables=(k,),
    because="<w, P_k (x_0 + tau w)> multiplied out",
)

posterior_weights = Derivation(
    title="the posterior probabilities of a low-rank mixture",
    statement=sp.Eq(sym.first_probability, density.subs(k, 0) / _Z, evaluate=False),
    steps=chain(
        sym.first_probability,
        Link("==", _omega[0], Algebra((first_of_all,))),
        Link("==", density.subs(k, 0) / _total, Algebra((bayes,))),
        Link("==", density.subs(k, 0) / _Z, Algebra((total_density,))),
    ),
)
"""omega_0 in proportion to pi_0 rho^(r_0/2) exp(phi |P_0 x|^2)."""

posterior_mean = Derivation(
    title="the posterior mean of a low-rank mixture",
    statement=sp.Eq(sym.posterior_mean_along, c * mean_over(_p[k]), evaluate=False),
    steps=chain(
        sym.posterior_mean_along,
        Link("==", mean_over(_conditional[k]), Algebra((total_mean,))),
        Link("==", c * mean_over(_p[k]), Algebra((conditional_mean,))),
    ),
)
"""<v, E[X|x]> = c sum omega_k <v, P_k x>."""


def _jacobian(mean: Any) -> sp.Expr:
    spread = mean(_p[k] * _h[k]) - mean(_p[k]) * mean(_h[k])
    return c * (mean(_b[k]) + 2 * phi * spread)


_jacobian_formula = _jacobian(mean_over)

jacobian = Derivation(
    title="the Jacobian of the posterior mean of a low-rank mixture",
    statement=sp.Eq(sym.jacobian_along, _jacobian_formula, evaluate=False),
    steps=chain(
        sym.jacobian_along,
        Link("==", sp.Derivative(_line_mean(_tau), _tau), Algebra((jacobian_on_the_line,))),
        Link(
            "==",
            _jacobian(lambda value: _over(density * value) / _Z),
            Calculus((mean_on_the_line, energies_on_the_line, along_on_the_line, across_on_the_line)),
        ),
        Link("==", _jacobian(lambda value: _over(density * value) / _total), Algebra((total_density,))),
        Link("==", _jacobian_formula, Algebra((bayes,))),
    ),
)
"""<v, J w> = c [sum omega_k <v, P_k w> + 2 phi (posterior covariance of <v, P_k x> and <w, P_k x>)]."""

_trace_formula = (
    c * (mean_over(_R[k]) + 2 * phi * (mean_over(_q[k]) + sym.largest_energy))
    - 2 * phi / c * sym.mean_energy
)

trace = Derivation(
    title="the trace of the Jacobian of the posterior mean",
    statement=sp.Eq(sym.jacobian_trace, _trace_formula, evaluate=False),
    hypotheses=(signal_positive,),
    steps=chain(
        sym.jacobian_trace,
        Link("==", _trace_by_components, Algebra((mean_square_by_components,))),
        Link("==", _trace_formula, Algebra((probabilities_sum,))),
    ),
)
"""tr J = c [sum omega_k r_k + 2 phi sum omega_k |P_k x|^2] - (2 phi/c) |E[X|x]|^2."""

covariance = Derivation(
    title="posterior covariance and Jacobian",
    statement=sp.Eq(sym.covariance_along, _g**2 / _s * sym.jacobian_along, evaluate=False),
    hypotheses=(signal_positive,),
    steps=chain(
        sym.covariance_along,
        Link("==", _covariance_by_components, Algebra((total_covariance,))),
        Link("==", _g**2 / _s * _jacobian_formula, Algebra()),
        Link("==", _g**2 / _s * sym.jacobian_along, Algebra((jacobian,))),
    ),
)
"""Cov(X|x) = (g^2/s) J."""

_A = sp.Symbol("A", nonnegative=True)
_B = sp.Symbol("B", nonnegative=True)
triangle = Axiom(
    "the triangle inequality for the Jacobian",
    sp.Le(sym.jacobian_offset, c * _A + 2 * c * phi * _B, evaluate=False),
    because="J - c P = c sum omega_k (P_k - P) + 2 c phi S; A is the Frobenius norm of the first sum, B "
    "the trace of S = sum omega_k (P_k x - m)(P_k x - m)^T, at least its Frobenius norm",
)
projections_apart = Axiom(
    "projections are not far apart",
    sp.Le(_A, sym.remaining_probability * sp.sqrt(2 * sym.largest_rank), evaluate=False),
    because="|P_k - P|_F^2 = r_k + r - 2 tr(P_k P) <= 2 r_max, and the weights of the others sum to eta",
)
projected_points_apart = Axiom(
    "projections of a point are not far apart",
    sp.Le(_B, sym.remaining_probability * sym.observation_energy, evaluate=False),
    because="P_k x lies on the sphere of diameter |x| through 0 and x, so that the variance of P_k x is at "
    "most (1 - sum omega_k^2) |x|^2/2, and 1 - sum omega_k^2 <= 1 - (1 - eta)^2 <= 2 eta",
)

_directions_formula = (
    c * sym.remaining_probability * (sp.sqrt(2 * sym.largest_rank) + 2 * phi * sym.observation_energy)
)
directions = Derivation(
    title="directions of the Jacobian",
    statement=sp.Le(sym.jacobian_offset, _directions_formula, evaluate=False),
    steps=chain(
        sym.jacobian_offset,
        Link("<=", c * _A + 2 * c * phi * _B, Lemma(triangle)),
        Link(
            "<=",
            c * sym.remaining_probability * sp.sqrt(2 * sym.largest_rank) + 2 * c * phi * _B,
            Lemma(projections_apart, weight=c),
        ),
        Link("<=", _directions_formula, Lemma(projected_points_apart, weight=2 * c * phi)),
    ),
)
"""|J - c P|_F <= c eta (sqrt(2 r_max) + 2 phi |x|^2): near one component J has the range of its P."""
