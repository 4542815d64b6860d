"""One step's KL as an expansion in its size delta, to any order.

What belongs here: the expansion for the mean sampler, for every sampler that matches p moments of the
posterior, its leading term, and the closed form of the Gaussian step. What does not: whole paths, and
the step's exact identity as a proof (`theory.steps`).

Given Y_t = y the true increment is `delta A + sqrt(delta) N`, A from the posterior, and the sampler's
`delta A' + sqrt(delta) N`, A' from an *estimate* of the posterior. Let m and l be the means of A and A'
given what a channel has shown of them up to time delta, the channel driven by A. The divergence of the
laws of the two increments, averaged over y, is (Girsanov; or d/d delta of E log(Z/Z') below)

    D(delta) = (1/2) int_0^delta E|m - l|^2.

With `psi' = log E exp(<A', y> - s|A'|^2/2)` for the estimate, the cumulants lambda_n = d_y^n psi' solve the
same equation in s as those of the posterior, but Y still drifts with m: in one dimension

    L l_n = -(1/2) sum_(j=1..n-1) binom(n, j) l_(1+j) l_(1+n-j) + (k1 - l1) l_(n+1).

So the coefficient of delta^j is `E L^(j-1) (k1 - l1)^2/2` over j!, at the cumulants of the posterior and of
the estimate at delta = 0, where l_i = k_i for i <= p. The first that survives joins the two means p times:
`E|k_(p+1) - l_(p+1)|^2/(2 (p + 1)!)`. The estimate must have exponential moments of every order, as
bounded and Gaussian ones do; the series need not converge.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from math import comb, factorial
from typing import TypeAlias

import sympy as sp

from theory.calculus.line import cumulant, information_derivative
from theory.calculus.multigraphs import Multigraph
from theory.calculus.polynomials import DiffusionAlgebra, Monomial, Polynomial
from theory.calculus.tensors import (
    ESTIMATE,
    POSTERIOR,
    TensorPolynomial,
    tensor_information_derivative,
)
from theory.channel import I, PathMean, PathVariable

__all__ = [
    "estimate_cumulant",
    "gaussian_step",
    "gaussian_step_expansion",
    "leading_coefficient",
    "mean_step_expansion",
    "step_expansion",
    "tensor_gaussian_step_expansion",
    "tensor_leading_coefficient",
    "tensor_mean_step_expansion",
    "tensor_step_expansion",
]

Letter: TypeAlias = tuple[int, int]
"""A cumulant: its family, and its order."""


def estimate_cumulant(order: int) -> sp.Symbol:
    """The symbol of the estimate's cumulant of the given order: l1, l2, ...

    Raises ValueError for an order below 1.
    """
    if order < 1:
        raise ValueError(f"order: {order}; the order of a cumulant is at least 1")
    return sp.Symbol(f"l{order}")


@cache
def _drift(letter: Letter) -> Polynomial[Letter]:
    family, n = letter
    terms: dict[Monomial[Letter], int] = {}
    for j in range(1, n // 2 + 1):
        twice = -comb(n, j) * (1 if 2 * j == n else 2)
        terms[(family, 1 + j), (family, 1 + n - j)] = twice // 2
    if family == ESTIMATE:
        terms[(POSTERIOR, 1), (ESTIMATE, n + 1)] = 1
        terms[(ESTIMATE, 1), (ESTIMATE, n + 1)] = -1
    return terms


_algebra: DiffusionAlgebra[Letter] = DiffusionAlgebra(
    raised=lambda letter: (letter[0], letter[1] + 1), drift=_drift
)


@cache
def _squared_difference(order: int) -> Polynomial[Letter]:
    """L^order (k1 - l1)^2."""
    if order == 0:
        k, el = (POSTERIOR, 1), (ESTIMATE, 1)
        return {(k, k): 1, (k, el): -2, (el, el): 1}
    return _algebra.generator(_squared_difference(order - 1))


def step_expansion(matched: int, order: int) -> dict[int, sp.Expr]:
    """The coefficients of delta^j, j = matched + 1, ..., order, of one step's KL, on the line.

    For a sampler whose estimate has the posterior's first `matched` >= 1 moments. Each coefficient is
    the expectation of the polynomial that is returned, in the posterior's cumulants k2, k3, ... and the
    estimate's l_n, n > matched (below, l_n = k_n). Lower coefficients vanish. Nats. Raises ValueError for
    matched < 1.
    """
    if matched < 1:
        raise ValueError(f"matched: {matched}; the estimate must have at least the posterior's mean")
    return {
        j: _written(_squared_difference(j - 1), matched) / (2 * factorial(j))
        for j in range(matched + 1, order + 1)
    }


def _written(polynomial: Polynomial[Letter], matched: int) -> sp.Expr:
    """The sympy form, the first cumulants of the estimate identified with the posterior's."""
    return sp.Add(
        *(
            sp.Mul(
                coefficient,
                *(
                    estimate_cumulant(n) if family == ESTIMATE and n > matched else cumulant(n)
                    for family, n in monomial
                ),
            )
            for monomial, coefficient in polynomial.items()
        )
    )


def mean_step_expansion(order: int) -> dict[int, sp.Expr]:
    """The coefficients of delta^j, j = 2, ..., order, of one step's KL for the mean sampler.

    Expectations of polynomials in k2, k3, ...: `-I^(j)/j!`, since D = (delta/2) M - (I(t + delta) - I(t)).
    It is `step_expansion(1, order)` for the point mass, l_n = 0 for n >= 2. Nats.
    """
    return {j: -_information_coefficient(j) for j in range(2, order + 1)}


def gaussian_step_expansion(order: int) -> dict[int, sp.Expr]:
    """The coefficients of delta^j, j = 3, ..., order, of one step's KL for the Gaussian step.

    The estimate is Gaussian with the posterior's mean and variance; expanded from `gaussian_step`.
    Expectations of polynomials in k2, k3, ...: it is `step_expansion(2, order)` for l_n = 0, n >= 3. Nats.
    """
    return {
        j: sp.Rational((-1) ** (j + 1), 2 * j) * cumulant(2) ** j - _information_coefficient(j)
        for j in range(3, order + 1)
    }


def _information_coefficient(j: int) -> sp.Expr:
    return sp.expand(information_derivative(j) / factorial(j))


def leading_coefficient(matched: int) -> sp.Expr:
    """The coefficient of delta^(matched + 1): the expectation of (k_(p+1) - l_(p+1))^2/(2 (p + 1)!).

    p = `matched` >= 1. Nats. Raises ValueError for matched < 1.
    """
    return sp.factor(step_expansion(matched, matched + 1)[matched + 1])


def gaussian_step(
    t: sp.Expr | None = None, delta: sp.Expr | None = None, dimension: sp.Expr | int = 1
) -> sp.Expr:
    """One step's KL for the Gaussian estimate with the posterior's mean and covariance, in closed form.

    `E log det(1 + delta Cov)/2 - (I(t + delta) - I(t))`: the sampler's increment is Gaussian, with the
    first two moments of the true one, so that the divergence is the difference of their entropies. On the
    line `Cov` is the `PathVariable` k2. Nats.
    """
    t = sp.Symbol("t", nonnegative=True) if t is None else t
    delta = sp.Symbol("delta", positive=True) if delta is None else delta
    if dimension == 1:
        spread = 1 + delta * PathVariable("k2")
    else:
        covariance = sp.MatrixSymbol("Cov", dimension, dimension)
        spread = sp.Determinant(sp.Identity(dimension) + delta * covariance)
    return PathMean(sp.log(spread), t) / 2 - (I(t + delta) - I(t))


@cache
def _squared_distance(order: int) -> TensorPolynomial:
    """L^order |m - l|^2 in R^d."""
    if order == 0:
        weights = {(POSTERIOR, POSTERIOR): 1, (POSTERIOR, ESTIMATE): -2, (ESTIMATE, ESTIMATE): 1}
        return TensorPolynomial.of(
            (Multigraph(colours, ((0, 1),)), weight) for colours, weight in weights.items()
        )
    return _squared_distance(order - 1).generator()


def tensor_step_expansion(matched: int, order: int) -> dict[int, TensorPolynomial]:
    """The coefficients of delta^j, j = matched + 1, ..., order, of one step's KL, in R^d.

    As `step_expansion`, in the cumulant tensors of the posterior and of the estimate. Raises ValueError
    for matched < 1.
    """
    if matched < 1:
        raise ValueError(f"matched: {matched}; the estimate must have at least the posterior's mean")
    return {
        j: _identified(_squared_distance(j - 1), matched) * Fraction(1, 2 * factorial(j))
        for j in range(matched + 1, order + 1)
    }


def tensor_mean_step_expansion(order: int) -> dict[int, TensorPolynomial]:
    """The coefficients of delta^j, j = 2, ..., order, of one step's KL for the mean sampler, in R^d.

    As `mean_step_expansion`, in the posterior's cumulant tensors.
    """
    return {j: tensor_information_derivative(j) * Fraction(-1, factorial(j)) for j in range(2, order + 1)}


def tensor_gaussian_step_expansion(order: int) -> dict[int, TensorPolynomial]:
    """The coefficients of delta^j, j = 3, ..., order, of one step's KL for the Gaussian step, in R^d.

    As `gaussian_step_expansion`, in the posterior's cumulant tensors; `log det` expands in the traces of
    powers of the covariance.
    """
    return {
        j: TensorPolynomial.of([(_covariance_cycle(j), Fraction((-1) ** (j + 1), 2 * j))])
        - tensor_information_derivative(j) * Fraction(1, factorial(j))
        for j in range(3, order + 1)
    }


def _covariance_cycle(length: int) -> Multigraph:
    """tr Cov^length"""
    edges = tuple((i, (i + 1) % length) for i in range(length))
    return Multigraph((POSTERIOR,) * length, edges)


def tensor_leading_coefficient(matched: int) -> TensorPolynomial:
    """The coefficient of delta^(matched + 1) in R^d: |kappa_(p+1) - lambda_(p+1)|^2/(2 (p + 1)!).

    p = `matched` >= 1; the norm runs over all d^(p+1) entries. Raises ValueError for matched < 1.
    """
    return tensor_step_expansion(matched, matched + 1)[matched + 1]


def _identified(polynomial: TensorPolynomial, matched: int) -> TensorPolynomial:
    return TensorPolynomial.of(
        (
            Multigraph(
                tuple(
                    POSTERIOR if degree <= matched else colour
                    for colour, degree in zip(graph.colours, graph.degrees, strict=True)
                ),
                graph.edges,
            ),
            coefficient,
        )
        for graph, coefficient in polynomial.terms.items()
    )
