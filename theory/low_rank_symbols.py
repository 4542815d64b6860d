"""The symbols of low-rank mixtures: one noisy observation, samples, and subspaces learnt from them.

What belongs here: rows of the table of `symbols`, which takes them in. What does not: formulas.

The observation is x = s X + g eps; v and w are two directions of the instance. An indexed quantity has
one value per component, k = 0, ..., K - 1. Projections are P_k = U_k U_k^T.
"""

from __future__ import annotations

import sympy as sp

from theory.quantity import Quantity

__all__ = [
    "across",
    "along",
    "ambient_dimension",
    "captured_energy",
    "covariance_along",
    "energies",
    "farthest_distance",
    "first_probability",
    "jacobian_along",
    "jacobian_offset",
    "jacobian_trace",
    "largest_energy",
    "largest_rank",
    "least_singular_value",
    "mean_energy",
    "mixture_weights",
    "network_rank",
    "noise",
    "noise_norm",
    "number_of_components",
    "number_of_samples",
    "observation_energy",
    "overlaps",
    "posterior_mean_along",
    "principal_energy",
    "probabilities",
    "remaining_probability",
    "sample_energy",
    "samples_rank",
    "signal",
    "subspace_distance",
    "subspace_rank",
    "subspace_ranks",
    "training_loss",
]

signal = sp.Symbol("s_t", nonnegative=True)
noise = sp.Symbol("gamma_t", positive=True)
number_of_components = sp.Symbol("K_c", integer=True, positive=True)
mixture_weights = sp.IndexedBase("pi", positive=True)
subspace_ranks = sp.IndexedBase("R", positive=True)
probabilities = sp.IndexedBase("omega", nonnegative=True)
first_probability = sp.Symbol("omega_0", nonnegative=True)
energies = sp.IndexedBase("q", real=True)
along = sp.IndexedBase("p", real=True)
across = sp.IndexedBase("h", real=True)
overlaps = sp.IndexedBase("b", real=True)
largest_energy = sp.Symbol("q_max", nonnegative=True)
observation_energy = sp.Symbol("x_2", nonnegative=True)
largest_rank = sp.Symbol("r_max", integer=True, positive=True)
posterior_mean_along = sp.Symbol("m_v", real=True)
mean_energy = sp.Symbol("m_2", nonnegative=True)
jacobian_along = sp.Symbol("J_vw", real=True)
jacobian_trace = sp.Symbol("J_tr", nonnegative=True)
jacobian_offset = sp.Symbol("J_off", nonnegative=True)
covariance_along = sp.Symbol("S_vw", real=True)
remaining_probability = sp.Symbol("eta", nonnegative=True)
number_of_samples = sp.Symbol("N", integer=True, positive=True)
ambient_dimension = sp.Symbol("d_x", integer=True, positive=True)
subspace_rank = sp.Symbol("r_1", integer=True, positive=True)
network_rank = sp.Symbol("r_U", positive=True)
samples_rank = sp.Symbol("r_X", integer=True, nonnegative=True)
sample_energy = sp.Symbol("E_X", nonnegative=True)
captured_energy = sp.Symbol("E_U", nonnegative=True)
principal_energy = sp.Symbol("E_1", nonnegative=True)
training_loss = sp.Symbol("L", nonnegative=True)
farthest_distance = sp.Symbol("D_far", nonnegative=True)
subspace_distance = sp.Symbol("D_P", nonnegative=True)
noise_norm = sp.Symbol("E_F", nonnegative=True)
least_singular_value = sp.Symbol("sigma_r", nonnegative=True)


def _norm(inside: str, foot: str = "") -> str:
    return rf"\lVert {inside}\rVert{foot}"


_COMPONENTS = "0..K-1"

ROWS = (
    Quantity("signal", signal, "s, the factor of X in x = s X + g eps", "1", "s >= 0", "s_t", "sₜ"),
    Quantity(
        "noise",
        noise,
        "g, the factor of the noise in x = s X + g eps",
        "length",
        "g > 0",
        r"\gamma_t",
        "γₜ",
    ),
    Quantity(
        "number_of_components",
        number_of_components,
        "K, the number of components of the low-rank mixture",
        "1",
        "K >= 1",
        "K",
        "K",
    ),
    Quantity(
        "mixture_weights",
        mixture_weights,
        "pi_k, the weights of the low-rank mixture",
        "1",
        "0 < pi_k <= 1",
        r"\pi",
        "π",
        _COMPONENTS,
    ),
    Quantity(
        "subspace_ranks",
        subspace_ranks,
        "r_k, the dimensions of the subspaces",
        "1",
        "1 <= r_k <= d",
        "r",
        "r",
        _COMPONENTS,
    ),
    Quantity(
        "probabilities",
        probabilities,
        "omega_k, the posterior probabilities of the components, given x",
        "1",
        "0 <= omega_k <= 1",
        r"\omega",
        "ω",
        _COMPONENTS,
    ),
    Quantity(
        "first_probability",
        first_probability,
        "omega_0, the posterior probability of the first component",
        "1",
        "0 <= omega_0 <= 1",
        r"\omega_0",
        "ω₀",
    ),
    Quantity(
        "energies",
        energies,
        "q_k, the energy |P_k x|^2 of the observation in each subspace, less the largest of them",
        "length^2",
        "q_k <= 0",
        "q",
        "q",
        _COMPONENTS,
    ),
    Quantity(
        "along",
        along,
        "p_k = <v, P_k x>, the projections of the observation in the direction v",
        "length",
        "real",
        "p",
        "p",
        _COMPONENTS,
    ),
    Quantity(
        "across",
        across,
        "h_k = <w, P_k x>, the projections of the observation in the direction w",
        "length",
        "real",
        "h",
        "h",
        _COMPONENTS,
    ),
    Quantity("overlaps", overlaps, "b_k = <v, P_k w>", "1", "real", "b", "b", _COMPONENTS),
    Quantity(
        "largest_energy",
        largest_energy,
        "the largest energy |P_k x|^2 over the components",
        "length^2",
        ">= 0",
        r"q_{\max}",
        "q_max",
    ),
    Quantity(
        "observation_energy", observation_energy, "|x|^2", "length^2", ">= 0", _norm("x", "^2"), "|x|²"
    ),
    Quantity(
        "largest_rank",
        largest_rank,
        "the largest of the dimensions r_k",
        "1",
        "1 <= r_max <= d",
        r"r_{\max}",
        "r_max",
    ),
    Quantity(
        "posterior_mean_along",
        posterior_mean_along,
        "<v, E[X|x]>, the posterior mean in the direction v",
        "length",
        "real",
        r"\langle v, \mathbb{E}[X|x]\rangle",
        "⟨v, E[X|x]⟩",
    ),
    Quantity(
        "mean_energy",
        mean_energy,
        "|E[X|x]|^2, the squared norm of the posterior mean",
        "length^2",
        ">= 0",
        _norm(r"\mathbb{E}[X|x]", "^2"),
        "|E[X|x]|²",
    ),
    Quantity(
        "jacobian_along",
        jacobian_along,
        "<v, J w>, the derivative of <v, E[X|x]> along w",
        "1",
        "real",
        r"\langle v, J w\rangle",
        "⟨v, J w⟩",
    ),
    Quantity(
        "jacobian_trace",
        jacobian_trace,
        "tr J, the trace of the Jacobian of the posterior mean",
        "1",
        ">= 0",
        r"\mathrm{tr} J",
        "tr J",
    ),
    Quantity(
        "jacobian_offset",
        jacobian_offset,
        "|J - c P|_F for the projection P of the component of largest posterior probability, "
        "c = s/(s^2 + g^2)",
        "1",
        ">= 0",
        _norm("J - c P", "_F"),
        "|J - c P|",
    ),
    Quantity(
        "covariance_along",
        covariance_along,
        "<v, Cov(X|x) w>, the posterior covariance in the directions v and w",
        "length^2",
        "real",
        r"\langle v, \mathrm{Cov}(X|x) w\rangle",
        "⟨v, Cov(X|x) w⟩",
    ),
    Quantity(
        "remaining_probability",
        remaining_probability,
        "the posterior probability of all components but the likeliest one",
        "1",
        "0 <= eta <= 1 - 1/K",
        r"\eta",
        "η",
    ),
    Quantity("number_of_samples", number_of_samples, "N, the number of samples", "1", "N >= 1", "N", "N"),
    Quantity(
        "ambient_dimension",
        ambient_dimension,
        "d, the dimension of the space of the subspaces",
        "1",
        "d >= 1",
        "d",
        "d",
    ),
    Quantity(
        "subspace_rank",
        subspace_rank,
        "r, the dimension of the subspace (of the first of several)",
        "1",
        "1 <= r <= d",
        "r",
        "r",
    ),
    Quantity(
        "network_rank",
        network_rank,
        "the mean over the samples of the dimension of the subspace that denoises them; r if there is one",
        "1",
        "1 <= r <= d",
        r"\bar r",
        "r̄",
    ),
    Quantity(
        "samples_rank",
        samples_rank,
        "the dimension of the span of the noiseless samples",
        "1",
        "0 <= r_X <= min(N, r)",
        "r_X",
        "r_X",
    ),
    Quantity(
        "sample_energy",
        sample_energy,
        "the mean of |x_i|^2 over the samples",
        "length^2",
        ">= 0",
        r"\overline{\lVert x_i\rVert^2}",
        "mean |xᵢ|²",
    ),
    Quantity(
        "captured_energy",
        captured_energy,
        "the mean over the samples of their largest energy |P_k x_i|^2 in one of the network's subspaces: "
        "what subspace clustering maximises, and PCA where there is one subspace",
        "length^2",
        ">= 0",
        r"\overline{\lVert U^T x_i\rVert^2}",
        "mean |Uᵀxᵢ|²",
    ),
    Quantity(
        "principal_energy",
        principal_energy,
        "the sum of the r largest eigenvalues of the mean of x_i x_i^T: the most that PCA captures",
        "length^2",
        ">= 0",
        r"\lambda_1 + \dots + \lambda_r",
        "λ₁+…+λᵣ",
    ),
    Quantity(
        "training_loss",
        training_loss,
        "the mean over the samples of E|x_i - c P (s x_i + g eps)|^2, P the projection of the network's "
        "subspace that holds most of x_i, c = s/(s^2 + g^2)",
        "length^2",
        ">= 0",
        r"\mathcal{L}",
        "L",
    ),
    Quantity(
        "farthest_distance",
        farthest_distance,
        "the largest |P_hat - P|_F over the optima P_hat of PCA of rank r on the noiseless samples",
        "1",
        ">= 0",
        r"\max\lVert\hat P - P\rVert_F",
        "max |P̂ - P|",
    ),
    Quantity(
        "subspace_distance",
        subspace_distance,
        "|P_hat - P|_F for PCA of rank r on the samples with their noise",
        "1",
        ">= 0",
        r"\lVert\hat P - P\rVert_F",
        "|P̂ - P|",
    ),
    Quantity(
        "noise_norm",
        noise_norm,
        "sqrt(sum |e_i|^2) for the noise e_i of the samples",
        "length",
        ">= 0",
        _norm("E", "_F"),
        "|E|",
    ),
    Quantity(
        "least_singular_value",
        least_singular_value,
        "the r-th singular value of the matrix of the noiseless samples",
        "length",
        ">= 0",
        r"\sigma_r",
        "σᵣ",
    ),
)
"""The rows of the table, in the order of the documentation."""
