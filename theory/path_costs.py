"""The path KL of samplers with errors of the score and a wrong start, or with the posterior's covariance.

What belongs here: whole paths, from the costs of single steps (`step_costs`, `gaussian_step`). What does
not: the sampler with the exact posterior mean and the right start (`immse`), other reverse variances and
bounds (`proofs`).

Along each path the sampler is a Markov chain like the true one, so that the path KL is the KL of the laws
of the start plus the mean KL of every step, under the true law.
"""

from __future__ import annotations

import sympy as sp

from theory import facts
from theory import symbols as sym
from theory.channel import C
from theory.derivation import Algebra, Axiom, Calculus, Derivation, Lemma, Link, chain
from theory.gaussian_step import gaussian_step, gaussian_step_kl
from theory.immse import information_slope, mmse_slope
from theory.statement import Source
from theory.step_costs import erring_step, erring_step_kl, score_error
from theory.steps import step_identity

__all__ = [
    "erring_path",
    "erring_path_kl",
    "erring_path_positive",
    "gaussian_path",
    "gaussian_path_kl",
    "start_kl",
]

_s, _k, _n, _t = sym.snr, sym.k, sym.number_of_steps, sym.knots
_delta, _M = sym.steps[_k], sym.mmse_at[_k]
_steps = (_k, 0, _n - 1)
_gain = sym.information_last - sym.information_first

start_kl = sym.start_kl
"""KL(law of Y_(t_0) || law of the sampler's start)."""
erring_path_kl = sp.Symbol("KL_e", nonnegative=True)
"""The path KL of a sampler that starts from any law and has drift (posterior mean + e_k)."""
gaussian_path_kl = sp.Symbol("KL_N", nonnegative=True)
"""The path KL of the sampler whose estimates are Gaussian with the posterior's mean and covariance."""


def _chain_rule(path: sp.Expr, start: sp.Expr, step: sp.Expr, note: str) -> Axiom:
    """The path KL as that of the start and those of the steps."""
    return Axiom(
        "chain rule of the KL divergence",
        sp.Eq(path, start + sp.Sum(step, _steps), evaluate=False),
        source=Source(facts.COVER_THOMAS, "", "Theorem 2.5.3", note),
    )


_errors = sp.Sum(_delta * score_error[_k], _steps) / 2
_exact = sp.Sum(_delta * _M, _steps) / 2 - _gain
_cost = sp.Sum(sp.Integral(C(_s) * (_t[_k + 1] - _s), (_s, _t[_k], _t[_k + 1])), _steps) / 2
_erring_steps = sp.Sum(erring_step_kl[_k], _steps)
_erring_rule = _chain_rule(
    erring_path_kl,
    start_kl,
    erring_step_kl[_k],
    "both paths are Markov chains; their starts may differ in law",
)

erring_path = Derivation(
    title="path identity with errors of the score and a wrong start",
    statement=sp.Eq(erring_path_kl, start_kl + _errors + _exact, evaluate=False),
    steps=chain(
        erring_path_kl,
        Link("==", start_kl + _erring_steps, Algebra((_erring_rule,))),
        Link(
            "==",
            start_kl + sp.Sum(erring_step.statement.rhs, _steps),
            Lemma(erring_step, ((_k, _k),), over=(_steps,)),
        ),
        Link(
            "==",
            start_kl + _errors + _exact,
            Lemma(step_identity, ((_k, _k),), over=(_steps,)),
        ),
    ),
)
"""KL_0 + (1/2) sum delta_k E|e_k|^2 + (1/2) sum delta_k M(t_k) - (I(T) - I(t_0))."""

erring_path_positive = Derivation(
    title="path identity with errors of the score and a wrong start, without cancellation",
    statement=sp.Eq(erring_path_kl, start_kl + _errors + _cost, evaluate=False),
    steps=chain(
        erring_path_kl,
        Link("==", start_kl + _errors + _exact, Algebra((erring_path,))),
        Link("==", start_kl + _errors + _cost, Calculus((information_slope(), mmse_slope()))),
    ),
)
"""KL_0 + (1/2) sum delta_k E|e_k|^2 + (1/2) sum of int C(s) (t_(k+1) - s) ds over the steps."""

_gaussian_steps = sp.Sum(gaussian_step_kl[_k], _steps)
_log_det = gaussian_step.statement.rhs + (sym.information_at[_k + 1] - sym.information_at[_k])

gaussian_path = Derivation(
    title="path identity with the posterior's covariance",
    statement=sp.Eq(gaussian_path_kl, sp.Sum(_log_det, _steps) - _gain, evaluate=False),
    steps=chain(
        gaussian_path_kl,
        Link(
            "==",
            _gaussian_steps,
            Algebra(
                (
                    _chain_rule(
                        gaussian_path_kl,
                        sp.S.Zero,
                        gaussian_step_kl[_k],
                        "both paths are Markov chains with the same law of the start",
                    ),
                )
            ),
        ),
        Link(
            "==",
            sp.Sum(gaussian_step.statement.rhs, _steps),
            Lemma(gaussian_step, ((_k, _k),), over=(_steps,)),
        ),
        Link("==", sp.Sum(_log_det, _steps) - _gain, Algebra()),
    ),
)
"""(1/2) sum E log det(1 + delta_k Cov) - (I(T) - I(t_0))."""
