"""The table of identities, and false variants of them that are not proved."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sympy as sp
from sympy.core.function import AppliedUndef

from theory import (
    components,
    gaussian_step,
    mixtures,
    path_costs,
    reverse_variance,
    step_costs,
    steps,
    tweedie,
)
from theory import symbols as sym
from theory.derivation import Derivation, Link, chain
from theory.identities import GROUPS, IDENTITIES

k, d, s = sym.k, sym.dimension, sym.snr


def test_the_table_has_every_identity_once() -> None:
    assert list(IDENTITIES) == [name for group in GROUPS.values() for name in group]
    titles = [derivation.title for derivation in IDENTITIES.values()]
    assert len(set(titles)) == len(titles)
    for derivation in IDENTITIES.values():
        assert derivation.latex().startswith(r"\begin{aligned}")
        assert derivation.unicode()


# Variants that are false


def with_end(derivation: Derivation, end: sp.Expr) -> Derivation:
    """The derivation with another end of its chain, and the statement that goes with it."""
    last = replace(derivation.steps[-1], rhs=end)
    statement = derivation.statement.func(derivation.statement.lhs, end, evaluate=False)
    return replace(derivation, steps=(*derivation.steps[:-1], last), statement=statement)


def in_one_step(derivation: Derivation, end: sp.Expr) -> Derivation:
    """A claim of another end by the last rule alone."""
    rule = derivation.steps[-1].rule
    statement = derivation.statement.func(derivation.start, end, evaluate=False)
    link = Link(derivation.steps[-1].relation, end, rule)
    return replace(derivation, statement=statement, steps=chain(derivation.start, link))


_tweedie, _second = tweedie.posterior_mean().statement.rhs, tweedie.posterior_covariance().statement.rhs
(_score,), (_bend,) = _tweedie.atoms(AppliedUndef), _second.atoms(sp.Derivative)
_delta, _mmse, _gain = sym.steps[k], sym.mmse_at[k], sym.information_at[k + 1] - sym.information_at[k]
_v, _tau = reverse_variance.reverse_variance, reverse_variance.matched_deviation[k]
_rho = _tau**2 / _v
_step = steps.step_kl[k]
_error = step_costs.score_error[k]
_L, _I_Z = mixtures.latent_mmse, mixtures.latent_information
_split = mixtures.path_split.statement.rhs
_best, _formula = reverse_variance.optimal_variance_step, reverse_variance.reverse_variance_step

FALSE = {
    "the score with the wrong sign": (tweedie.posterior_mean(), _tweedie.subs(_score, -_score)),
    "the Hessian with the wrong sign": (tweedie.posterior_covariance(), _second.subs(_bend, -_bend)),
    "the Hessian without the identity": (
        tweedie.posterior_covariance(),
        sp.expand(_second).coeff(_bend) * _bend,
    ),
    "the mean not rescaled": (tweedie.posterior_mean(), _tweedie * sp.Symbol("alpha", positive=True)),
    "an error that costs twice": (step_costs.erring_step, _step + _delta * _error),
    "an error that costs its root": (step_costs.erring_step, _step + _delta * sp.sqrt(_error) / 2),
    "an error that costs nothing": (step_costs.erring_step, _step),
    "a start that costs nothing": (
        path_costs.erring_path,
        path_costs.erring_path.statement.rhs - path_costs.start_kl,
    ),
    "the variances the wrong way round": (
        _formula,
        _step + (d / sp.Integer(2)) * (1 / _rho - 1 - sp.log(1 / _rho)) + (_rho - 1) * _delta * _mmse / 2,
    ),
    "no dimension": (
        _formula,
        _step + (_rho - 1 - sp.log(_rho)) / 2 + (_rho - 1) * _delta * _mmse / 2,
    ),
    "the third term dropped": (_formula, _step + (d / sp.Integer(2)) * (_rho - 1 + sp.log(1 / _rho))),
    "the optimum at any dimension": (_best, d * sp.log(1 + _delta * _mmse) / 2 - _gain),
    "the matched variance is best": (
        reverse_variance.optimal_variance_is_best,
        reverse_variance.reverse_kl(k, _v) - _delta * _mmse,
    ),
    "a slope of the other sign": (
        reverse_variance.reverse_variance_slope,
        -reverse_variance.reverse_variance_slope.statement.rhs,
    ),
    "the determinant without its half": (
        gaussian_step.gaussian_step,
        2 * gaussian_step.gaussian_step.statement.rhs + _gain,
    ),
    "the mmse less the latent mmse": (
        mixtures.mmse_chain,
        components.conditional_mmse(s) - _L(s),
    ),
    "the latent slope without its half": (mixtures.latent_slope, _L(s)),
    "the integral of L by the entropy alone": (mixtures.latent_integral, mixtures.latent_entropy),
    "a path without its latent part": (mixtures.path_split, _split - _I_Z(sym.first) + _I_Z(sym.last)),
    "a path without its logarithms": (mixtures.path_split, _split.replace(sp.log, lambda _: sp.S.Zero)),
}


@pytest.mark.parametrize(("derivation", "end"), FALSE.values(), ids=FALSE.keys())
def test_false_variants_are_not_proved(derivation: Derivation, end: sp.Expr) -> None:
    assert derivation.holds
    assert end != derivation.end
    assert not with_end(derivation, end).holds
    assert not in_one_step(derivation, end).holds
