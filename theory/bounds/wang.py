"""Statements of Wang et al. on low-rank mixtures, with a planted falsehood beside each.

What belongs here: the statements, as data. What does not: their proofs (`theory.proofs.low_rank`).

A counterexample is the data of a low-rank instance: `weights` and `vectors` (one list of spanning
vectors per subspace), `signal` and `noise`, and what the statement asks for: `x`, `v`, `w`; `samples`,
`errors`.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from theory import low_rank_symbols as sym
from theory.planted import PLANTED, twin
from theory.proofs import low_rank as proofs
from theory.proofs import low_rank_learning as learning
from theory.rate import Condition, Rate
from theory.statement import Bound, Hypothesis, Source
from theory.symbols import k

__all__ = [
    "ALL",
    "PAPER",
    "RATES",
    "RATE_TWINS",
    "TWINS",
    "clustering_loss",
    "covariance",
    "directions",
    "few_samples",
    "jacobian",
    "noisy_bound",
    "noisy_recovery",
    "pca_loss",
    "pca_optimum",
    "posterior_mean",
    "posterior_weights",
    "sample_complexity",
    "trace",
    "transition",
    "transition_ambient",
    "transition_law",
]

PAPER = proofs.PAPER
_ARXIV = "2409.02426"
_AS_IN = "as in the paper; the number of the theorem there is unconfirmed"
_UNEQUAL = _AS_IN + "; here the ranks may be unequal and the subspaces need not be orthogonal"

_s, _g = sym.signal, sym.noise


def _bound(name: str, title: str, proof: Any, note: str = _AS_IN, hypotheses: Any = None) -> Bound:
    """The statement that a derivation proves."""
    return Bound(
        id=f"wang/{name}",
        title=title,
        truth=proof.statement.lhs,
        relation=proof.relation,
        formula=proof.statement.rhs,
        hypotheses=proof.hypotheses if hypotheses is None else hypotheses,
        source=Source(PAPER, _ARXIV, "", note),
        derivation=proof,
    )


posterior_weights = _bound(
    "posterior-weights",
    "The posterior probabilities of the components",
    proofs.posterior_weights,
    _UNEQUAL,
)
posterior_mean = _bound(
    "posterior-mean", "The posterior mean of a low-rank mixture", proofs.posterior_mean, _UNEQUAL
)
jacobian = _bound(
    "jacobian", "The Jacobian of the posterior mean of a low-rank mixture", proofs.jacobian, _UNEQUAL
)
trace = _bound("trace", "The trace of the Jacobian", proofs.trace, _UNEQUAL)
covariance = _bound(
    "covariance", "The posterior covariance is the Jacobian times g^2/s", proofs.covariance, _UNEQUAL
)
directions = _bound(
    "directions",
    "Near one component the Jacobian is a multiple of its projection",
    proofs.directions,
    "in the manner of the paper, which says that the Jacobian is nearly of the rank of one component; "
    "the explicit bound is proved here",
)
pca_loss = _bound(
    "pca-loss",
    "One subspace: the training loss by the energy that it captures",
    learning.pca_loss,
    hypotheses=(learning.one_component,),
)
pca_optimum = _bound(
    "pca-optimum", "One subspace: principal components minimise the training loss", learning.pca_optimum
)
clustering_loss = _bound(
    "clustering-loss",
    "Several subspaces: the training loss by the energy that the clusters capture",
    learning.clustering_loss,
    _AS_IN + "; with hard assignment, the ranks may be unequal",
    (proofs.several_components,),
)
sample_complexity = _bound(
    "sample-complexity",
    "As many samples as the rank recover the subspace exactly",
    learning.sample_complexity,
)
few_samples = _bound("few-samples", "Fewer samples than the rank leave a bad optimum", learning.few_samples)
noisy_recovery = _bound(
    "noisy-recovery",
    "With noise the error is at most in proportion to it",
    learning.noisy_recovery,
    "in the manner of the paper, whose bound c_1 sqrt(sum |e_i|^2)/(sqrt N - sqrt(r - 1)) has "
    "implied constants and follows by the least singular value of a Gaussian matrix; proved here",
)

ALL = (
    posterior_weights,
    posterior_mean,
    jacobian,
    trace,
    covariance,
    directions,
    pca_loss,
    pca_optimum,
    clustering_loss,
    sample_complexity,
    few_samples,
    noisy_recovery,
)
"""The statements of this module, in the order of the documentation."""

# Planted falsehoods

_R, _q, _p, _h, _b = sym.subspace_ranks, sym.energies, sym.along, sym.across, sym.overlaps
_c, _phi, _rho = proofs.c, proofs.phi, proofs.rho
_mean = proofs.mean_over

_LINE_AND_PLANE = {
    "weights": ("1/3", "2/3"),
    "vectors": ((("3", "4", "0"),), (("1", "0", "0"), ("0", "1", "1"))),
    "signal": "1",
    "noise": "1/2",
    "x": ("1", "1/2", "-1"),
    "v": ("1", "0", "0"),
    "w": ("1", "0", "0"),
}
_TWO_PLANES = {
    "weights": ("1/2", "1/2"),
    "vectors": ((("1", "0", "0", "0"), ("0", "1", "0", "0")), (("0", "0", "1", "0"), ("0", "0", "0", "1"))),
    "signal": "1",
    "noise": "1/2",
    "samples": (("1", "2", "0", "0"), ("0", "0", "-1", "1"), ("3", "0", "0", "0")),
}
_PLANE = {
    "weights": ("1",),
    "vectors": ((("1", "0", "0", "0"), ("0", "1", "0", "0")),),
    "signal": "1",
    "noise": "1/2",
}


def _over(term: sp.Expr) -> sp.Sum:
    return sp.Sum(term, (k, 0, sym.number_of_components - 1))


_unranked = sym.mixture_weights[k] * sp.exp(_phi * _q[k])

posterior_weights_no_ranks = twin(
    posterior_weights,
    "no-ranks",
    "The posterior probabilities without the factor of the ranks",
    "the densities of components of unequal ranks differ by rho^(r_k/2)",
    _LINE_AND_PLANE,
    _unranked.subs(k, 0) / _over(_unranked),
)
posterior_mean_unshrunk = twin(
    posterior_mean,
    "unshrunk",
    "The posterior mean by dividing by the signal",
    "on its subspace the prior pulls the mean towards 0: c = s/(s^2 + g^2), not 1/s",
    _LINE_AND_PLANE,
    _mean(_p[k]) / _s,
)
jacobian_sign = twin(
    jacobian,
    "sign",
    "The Jacobian with a sign turned",
    "the square of the mean is subtracted, not added",
    _LINE_AND_PLANE,
    _c * (_mean(_b[k]) + 2 * _phi * (_mean(_p[k] * _h[k]) + _mean(_p[k]) * _mean(_h[k]))),
)
trace_no_factor = twin(
    trace,
    "no-factor",
    "The trace of the Jacobian without the factor c",
    "every term of the Jacobian carries c = s/(s^2 + g^2)",
    _LINE_AND_PLANE,
    _mean(_R[k]) + 2 * _phi * (_mean(_q[k]) + sym.largest_energy) - 2 * _phi / _c**2 * sym.mean_energy,
)
covariance_frozen = twin(
    covariance,
    "frozen",
    "The posterior covariance of frozen components",
    "the covariance between the means of the components is left out",
    _LINE_AND_PLANE,
    _rho * _mean(_b[k]),
)
directions_no_spread = twin(
    directions,
    "no-spread",
    "The Jacobian near one component, without the spread of the projected points",
    "between two subspaces the posterior mean turns fast: the term with phi is not small",
    {
        "weights": ("1/2", "1/2"),
        "vectors": ((("1", "0"),), (("0", "1"),)),
        "signal": "1",
        "noise": "1/10",
        "x": ("1", "1"),
        "v": ("1", "0"),
        "w": ("1", "0"),
    },
    _c * sym.remaining_probability * sp.sqrt(2 * sym.largest_rank),
)
pca_loss_ambient = twin(
    pca_loss,
    "ambient",
    "The training loss with d where r belongs",
    "only the noise on the subspace passes the network: c^2 g^2 r, not c^2 g^2 d",
    {**_PLANE, "samples": (("1", "2", "0", "0"), ("1", "0", "1", "-1"))},
    sym.sample_energy + _c**2 * _g**2 * sym.ambient_dimension + learning.bracket * sym.captured_energy,
)
pca_optimum_single = twin(
    pca_optimum,
    "single",
    "The least training loss with c s in place of 2 c s",
    "the cross term of the square has the factor 2",
    {**_PLANE, "samples": (("1", "2", "0", "0"), ("3", "-1", "0", "0"))},
    sym.sample_energy
    + _c**2 * _g**2 * sym.network_rank
    + ((_c * _s) ** 2 - _c * _s) * sym.principal_energy,
)
clustering_loss_all_ranks = twin(
    clustering_loss,
    "all-ranks",
    "The training loss of the clusters with the noise of all subspaces",
    "a sample is denoised by one subspace, whose rank counts, not by all K of them",
    _TWO_PLANES,
    sym.sample_energy
    + _c**2 * _g**2 * sym.network_rank * sym.number_of_components
    + learning.bracket * sym.captured_energy,
)
sample_complexity_one_less = twin(
    sample_complexity,
    "one-less",
    "One sample less than the rank recovers the subspace",
    "r - 1 samples leave a direction free",
    {**_PLANE, "samples": (("1", "2", "0", "0"),)},
    hypotheses=(
        Hypothesis(
            "one_sample_less",
            "there are at least r - 1 samples",
            sp.Ge(sym.number_of_samples, sym.subspace_rank - 1),
        ),
        learning.general_position,
        learning.noiseless,
    ),
)
few_samples_no_room = twin(
    few_samples,
    "no-room",
    "The distance of the worst optimum, as if there were room for it",
    "a subspace of dimension above d/2 meets every other one of its dimension: at most d - r directions "
    "are lost",
    {
        "weights": ("1",),
        "vectors": ((("1", "0", "0", "0"), ("0", "1", "0", "0"), ("0", "0", "1", "0")),),
        "signal": "1",
        "noise": "1/2",
        "samples": (("1", "2", "3", "0"),),
    },
    sp.sqrt(2 * (sym.subspace_rank - sym.number_of_samples)),
)
noisy_recovery_first_order = twin(
    noisy_recovery,
    "first-order",
    "The error of recovery with the constant of small noise",
    "sqrt 2 is right to first order; noise of about 7/10 of the least singular value turns the leading "
    "direction",
    {
        "weights": ("1",),
        "vectors": ((("1", "0"),),),
        "signal": "1",
        "noise": "1/2",
        "samples": (("1", "0"), ("0", "0")),
        "errors": (("-51/100", "0"), ("0", "1/2")),
    },
    sp.sqrt(2) * sym.noise_norm / sym.least_singular_value,
)

TWINS = (
    posterior_weights_no_ranks,
    posterior_mean_unshrunk,
    jacobian_sign,
    trace_no_factor,
    covariance_frozen,
    directions_no_spread,
    pca_loss_ambient,
    pca_optimum_single,
    clustering_loss_all_ranks,
    sample_complexity_one_less,
    few_samples_no_room,
    noisy_recovery_first_order,
)
"""The planted falsehoods, in the order of the statements."""

# Statements with implied constants

_N, _r, _d = (sp.Symbol(letter, positive=True) for letter in "Nrd")
_LETTERS = {
    "N": "the number of samples",
    "r": "the dimension of the subspace",
    "d": "the ambient dimension",
}
_gaussian = Condition("samples U a_i + e_i with Gaussian a_i and e_i, seeded")
_enough = Condition("there are at least r samples", sp.Ge(_N, _r))

noisy_bound = Rate(
    id="wang/noisy-bound",
    title="With noise the error is at most c_1 sqrt(sum |e_i|^2)/(sqrt N - sqrt(r - 1))",
    truth="recovery_per_noise",
    formula=1 / (sp.sqrt(_N) - sp.sqrt(_r - 1)),
    variables={"N": "up", "r": "up", "d": "up"},
    source=Source(PAPER, _ARXIV, "", _AS_IN),
    hypotheses=(_gaussian, _enough),
    note="with probability at least 1 - 2^-(N - r + 1) - e^(-c_2 N), of which the last term is left out: "
    "the measured number is the quantile at 1 - 2^-(N - r + 1); the least constant is c_1",
    letters=_LETTERS,
)

transition = Rate(
    id="wang/transition",
    title="The phase transition of recovery is at a number of samples linear in the rank",
    truth="recovery_threshold",
    formula=_r,
    variables={"r": "up"},
    source=Source(PAPER, _ARXIV, "", _AS_IN),
    relation="~",
    hypotheses=(_gaussian,),
    note="at an ambient dimension that grows with the rank; for a fixed one see wang/transition-law",
    letters={key: _LETTERS[key] for key in "r"},
)

transition_law = Rate(
    id="wang/transition-law",
    title="Without noise the phase transition is at r (3d - 4r)/(4d - 5r) samples, 3r/4 in large dimension",
    truth="recovery_threshold",
    formula=_r * (3 * _d - 4 * _r) / (4 * _d - 5 * _r),
    variables={"r": "up"},
    source=Source(
        "diffcert",
        "",
        "",
        "N < r samples leave r - N directions, which are uniform in d - N dimensions: |P_hat - P|_F^2 is "
        "2 (r - N)(d - r)/(d - N) in the mean, a quarter of 2r at this N",
    ),
    relation="==",
    hypotheses=(_gaussian, Condition("no noise")),
    note="at a fixed ambient dimension as at one that grows with the rank",
    letters={key: _LETTERS[key] for key in "rd"},
)

transition_ambient = Rate(
    id="wang/transition-ambient",
    title="The phase transition of recovery does not move with the ambient dimension",
    truth="recovery_threshold",
    formula=_r,
    variables={"d": "up"},
    source=Source(PAPER, _ARXIV, "", _AS_IN),
    hypotheses=(_gaussian,),
    letters={key: _LETTERS[key] for key in "rd"},
)

RATES = (noisy_bound, transition, transition_law, transition_ambient)
"""The statements with implied constants, in the order of the documentation."""


def _rate_twin(of: Rate, what: str, title: str, why_false: str, formula: sp.Expr, **changes: Any) -> Rate:
    """A falsehood made from a rate by replacing its formula."""
    return Rate(
        id=f"{of.id}/twin-{what}",
        title=title,
        truth=of.truth,
        formula=formula,
        variables=of.variables,
        source=PLANTED,
        hypotheses=of.hypotheses,
        twin_of=of.id,
        why_false=why_false,
        letters=_LETTERS,
        **changes,
    )


RATE_TWINS = (
    _rate_twin(
        noisy_bound,
        "no-rank",
        "With noise the error is at most in proportion to 1/sqrt(N)",
        "as many samples as the rank leave a least singular value of the order 1/sqrt(r), not sqrt(r)",
        1 / sp.sqrt(_N),
    ),
    _rate_twin(
        noisy_bound,
        "ambient",
        "With noise the error falls with the ambient dimension",
        "the noise is measured by its whole norm, and its share orthogonal to the subspace does not fall",
        noisy_bound.formula / sp.sqrt(_d),
    ),
    _rate_twin(
        transition,
        "root",
        "The phase transition is at a number of samples of the order of the root of the rank",
        "fewer than r samples leave directions free, in proportion to r - N",
        sp.sqrt(_r),
    ),
    _rate_twin(
        transition_law,
        "rank",
        "Without noise the phase transition is at as many samples as the rank",
        "at the rank all is recovered; half of the distance is lost a quarter earlier",
        _r,
        relation="==",
    ),
    _rate_twin(
        transition_ambient,
        "ambient",
        "The phase transition is at a number of samples linear in the ambient dimension",
        "the samples need to span the subspace, not the space around it: d where r belongs",
        _d,
        relation="~",
    ),
)
"""The planted falsehoods among them."""
