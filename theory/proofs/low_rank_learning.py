"""Low-rank mixtures: training losses on samples, and recovery of a subspace.

What belongs here: derivations for the statements of `bounds.wang` about samples, with the facts about
projections that they rest on. What does not: the posterior of one observation (`low_rank`).
"""

from __future__ import annotations

import sympy as sp

from theory import low_rank_symbols as sym
from theory.channel import PathVariable, StepMean
from theory.derivation import Algebra, Axiom, Derivation, Lemma, Link, chain
from theory.proofs.low_rank import c
from theory.statement import Hypothesis, Source

__all__ = [
    "bracket",
    "clustering_loss",
    "enough_samples",
    "few_samples",
    "full_rank",
    "general_position",
    "noiseless",
    "noisy_recovery",
    "one_component",
    "pca_loss",
    "pca_optimum",
    "sample_complexity",
    "too_few_samples",
]

_s, _g, _K = sym.signal, sym.noise, sym.number_of_components
bracket = (c * _s) ** 2 - 2 * c * _s
"""(c s)^2 - 2 c s, the factor of the captured energy in the training loss; negative for s > 0."""

one_component = Hypothesis("one_component", "there is one component", sp.Eq(_K, 1))
enough_samples = Hypothesis(
    "enough_samples", "there are at least r samples", sp.Ge(sym.number_of_samples, sym.subspace_rank)
)
too_few_samples = Hypothesis(
    "too_few_samples", "there are fewer than r samples", sp.Lt(sym.number_of_samples, sym.subspace_rank)
)
general_position = Hypothesis(
    "general_position",
    "the samples are in general position: they span min(N, r) dimensions",
    sp.Eq(sym.samples_rank, sp.Min(sym.number_of_samples, sym.subspace_rank)),
)
noiseless = Hypothesis("noiseless", "the samples have no noise", sp.Eq(sym.noise_norm, 0))
full_rank = Hypothesis(
    "full_rank", "the noiseless samples span the subspace", sp.Gt(sym.least_singular_value, 0)
)

# Training losses

_X2 = PathVariable("X_2", nonnegative=True)
_Q = PathVariable("Q", nonnegative=True)
_Y = PathVariable("Y", real=True)
_W = PathVariable("W", nonnegative=True)
_over_the_network = StepMean(
    _X2 - 2 * c * (_s * _Q + _g * _Y) + c**2 * (_s**2 * _Q + 2 * _s * _g * _Y + _g**2 * _W)
)
loss_written_out = Axiom(
    "the training loss, multiplied out",
    sp.Eq(sym.training_loss, _over_the_network, evaluate=False),
    because="|x - c P (s x + g eps)|^2 with P^2 = P = P^T, averaged over the samples and the noise; "
    "X_2 = |x|^2, Q = |P x|^2, Y = <P x, eps>, W = |P eps|^2",
)
mean_of_energy = Axiom(
    "the mean energy of the samples",
    sp.Eq(StepMean(_X2), sym.sample_energy, evaluate=False),
    because="its definition",
)
mean_of_captured = Axiom(
    "the mean captured energy",
    sp.Eq(StepMean(_Q), sym.captured_energy, evaluate=False),
    because="its definition, |P x|^2 = |U^T x|^2",
)
mean_of_cross = Axiom(
    "the noise is centred",
    sp.Eq(StepMean(_Y), 0, evaluate=False),
    because="eps is independent of the sample and has mean zero",
)
mean_of_noise = Axiom(
    "the noise on a subspace",
    sp.Eq(StepMean(_W), sym.network_rank, evaluate=False),
    because="E|P eps|^2 = tr P is the dimension of the subspace",
)
largest_captured = Axiom(
    "the energy that a subspace captures",
    sp.Le(sym.captured_energy, sym.principal_energy, evaluate=False),
    hypotheses=(one_component,),
    source=Source("Fan 1949, On a theorem of Weyl concerning eigenvalues", "", "Theorem 1"),
)
_loss_formula = sym.sample_energy + c**2 * _g**2 * sym.network_rank + bracket * sym.captured_energy
_optimum_formula = sym.sample_energy + c**2 * _g**2 * sym.network_rank + bracket * sym.principal_energy
_means = (mean_of_energy, mean_of_captured, mean_of_cross, mean_of_noise)

training_loss = Derivation(
    title="the training loss of a low-rank network",
    statement=sp.Eq(sym.training_loss, _loss_formula, evaluate=False),
    steps=chain(
        sym.training_loss,
        Link("==", _over_the_network, Algebra((loss_written_out,))),
        Link("==", _loss_formula, Algebra(_means)),
    ),
)
"""L = mean |x|^2 + c^2 g^2 r + [(c s)^2 - 2 c s] mean |U^T x|^2."""
pca_loss = clustering_loss = training_loss

pca_optimum = Derivation(
    title="principal components minimise the training loss",
    statement=sp.Ge(sym.training_loss, _optimum_formula, evaluate=False),
    hypotheses=(one_component,),
    steps=chain(
        sym.training_loss,
        Link("==", _loss_formula, Algebra((training_loss,))),
        Link(
            ">=",
            _optimum_formula,
            Lemma(largest_captured, weight=_s**2 * (_s**2 + 2 * _g**2) / (_s**2 + _g**2) ** 2),
        ),
    ),
)
"""L is at least its value at the principal components: the bracket is negative."""

# Recovery

_N, _r, _d = sym.number_of_samples, sym.subspace_rank, sym.ambient_dimension
_overlap = sp.Symbol("O", nonnegative=True)
_missed = sp.Symbol("U_Q", nonnegative=True)
_lost = sp.Symbol("X_Q", nonnegative=True)
_noisy = sp.Symbol("Y_Q", nonnegative=True)
_kept_noise = sp.Symbol("E_Q", nonnegative=True)

distance_by_overlap = Axiom(
    "the distance of two projections of rank r",
    sp.Eq(sym.farthest_distance, sp.sqrt(2 * (_r - _overlap)), evaluate=False),
    because="|P_hat - P|_F^2 = r + r - 2 O with O = tr(P_hat P); the farthest optimum has the "
    "least overlap",
)
overlap_of_the_span = Axiom(
    "the only optimum",
    sp.Eq(_overlap, _r, evaluate=False),
    hypotheses=(enough_samples, general_position, noiseless),
    because="r samples in general position span the subspace, and an optimum contains the samples: "
    "P_hat = P",
)
least_overlap = Axiom(
    "the least overlap of an optimum",
    sp.Eq(_overlap, _r - sp.Min(_r - _N, _d - _r), evaluate=False),
    hypotheses=(too_few_samples, general_position, noiseless),
    because="every subspace of rank r that contains the N samples is an optimum; beside them two "
    "subspaces of dimension r - N in dimension d - N meet in at least max(0, 2(r - N) - (d - N)) "
    "dimensions, attained, and N + max(0, 2r - N - d) = r - min(r - N, d - r)",
)
sample_complexity = Derivation(
    title="r samples recover the subspace",
    statement=sp.Eq(sym.farthest_distance, 0, evaluate=False),
    hypotheses=(enough_samples, general_position, noiseless),
    steps=chain(
        sym.farthest_distance,
        Link("==", sp.sqrt(2 * (_r - _overlap)), Algebra((distance_by_overlap,))),
        Link("==", sp.S.Zero, Algebra((overlap_of_the_span,))),
    ),
)
"""N >= r noiseless samples in general position leave one optimum: the subspace."""

_far = sp.sqrt(2 * sp.Min(_r - _N, _d - _r))
few_samples = Derivation(
    title="fewer than r samples leave bad optima",
    statement=sp.Eq(sym.farthest_distance, _far, evaluate=False),
    hypotheses=(too_few_samples, general_position, noiseless),
    steps=chain(
        sym.farthest_distance,
        Link("==", sp.sqrt(2 * (_r - _overlap)), Algebra((distance_by_overlap,))),
        Link("==", _far, Algebra((least_overlap,))),
    ),
)
"""N < r samples: the farthest optimum is at the distance sqrt(2 min(r - N, d - r))."""

distance_missed = Axiom(
    "the distance by what is missed",
    sp.Eq(sym.subspace_distance, sp.sqrt(2) * _missed, evaluate=False),
    because="with R = I - P_hat, U_Q = |R U|_F and U_Q^2 = r - tr(P_hat P) = |P_hat - P|_F^2/2",
)
missed_by_lost = Axiom(
    "what is missed of the subspace is lost of the samples",
    sp.Le(sym.least_singular_value * _missed, _lost, evaluate=False),
    because="X = U A with sigma_r(A) = sigma_r(X), and X_Q = |R U A|_F >= sigma_r(A) |R U|_F",
)
lost_triangle = Axiom(
    "what is lost of the samples without noise",
    sp.Le(_lost, _noisy + _kept_noise, evaluate=False),
    because="X = (X + E) - E; Y_Q = |R (X + E)|_F, E_Q = |R E|_F",
)
best_approximation = Axiom(
    "the best approximation of rank r",
    sp.Le(_noisy, sym.noise_norm, evaluate=False),
    source=Source(
        "Eckart and Young 1936, The approximation of one matrix by another of lower rank", "", "(4)"
    ),
)
projected_noise = Axiom(
    "a projection shortens",
    sp.Le(_kept_noise, sym.noise_norm, evaluate=False),
    because="R is an orthogonal projection",
)
_sigma = sym.least_singular_value
noisy_recovery = Derivation(
    title="recovery from noisy samples",
    statement=sp.Le(sym.subspace_distance, 2 * sp.sqrt(2) * sym.noise_norm / _sigma, evaluate=False),
    hypotheses=(full_rank,),
    steps=chain(
        sym.subspace_distance,
        Link("==", sp.sqrt(2) * _missed, Algebra((distance_missed,))),
        Link("<=", sp.sqrt(2) * _lost / _sigma, Lemma(missed_by_lost, weight=sp.sqrt(2) / _sigma)),
        Link(
            "<=",
            sp.sqrt(2) * (_noisy + _kept_noise) / _sigma,
            Lemma(lost_triangle, weight=sp.sqrt(2) / _sigma),
        ),
        Link(
            "<=",
            sp.sqrt(2) * (sym.noise_norm + _kept_noise) / _sigma,
            Lemma(best_approximation, weight=sp.sqrt(2) / _sigma),
        ),
        Link(
            "<=",
            2 * sp.sqrt(2) * sym.noise_norm / _sigma,
            Lemma(projected_noise, weight=sp.sqrt(2) / _sigma),
        ),
    ),
)
"""|P_hat - P|_F <= 2 sqrt(2) |E|_F/sigma_r(X)."""
