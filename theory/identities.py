"""The identities of the subject, each with its derivation, under the names that pages and tests use.

What belongs here: the table. What does not: the derivations themselves, and bounds (`theory.bounds`).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from theory import gaussian_step, immse, mixtures, path_costs, reverse_variance, step_costs, steps, tweedie
from theory.derivation import Derivation

__all__ = ["GROUPS", "IDENTITIES"]

GROUPS: Mapping[str, Mapping[str, Derivation]] = MappingProxyType(
    {
        "The posterior from the score": {
            "tweedie-mean": tweedie.posterior_mean(),
            "tweedie-covariance": tweedie.posterior_covariance(),
            "mixture-mean": tweedie.mixture_mean,
            "mixture-variance": tweedie.mixture_variance,
        },
        "Information and mmse": {
            "information-slope": immse.information_slope(),
            "mmse-slope": immse.mmse_slope(),
        },
        "One step": {
            "step": steps.step_identity,
            "step-with-error": step_costs.erring_step,
            "reverse-variance": reverse_variance.reverse_variance_step,
            "matched-variance": reverse_variance.matched_variance,
            "reverse-variance-units": reverse_variance.matched_scale,
            "reverse-variance-slope": reverse_variance.reverse_variance_slope,
            "optimal-variance": reverse_variance.optimal_variance_step,
            "optimal-variance-is-best": reverse_variance.optimal_variance_is_best,
            "gaussian-step": gaussian_step.gaussian_step,
        },
        "Whole paths": {
            "path": immse.path_identity,
            "path-positive": immse.path_identity_positive,
            "path-with-errors": path_costs.erring_path,
            "path-with-errors-positive": path_costs.erring_path_positive,
            "path-gaussian": path_costs.gaussian_path,
        },
        "Mixtures": {
            "mixture-information": mixtures.information_chain,
            "mixture-mmse": mixtures.mmse_chain,
            "mixture-latent-slope": mixtures.latent_slope,
            "mixture-latent-integral": mixtures.latent_integral,
            "mixture-path": mixtures.path_split,
        },
    }
)
"""Heading -> identities, name -> Derivation, in the order of the documentation."""

IDENTITIES: Mapping[str, Derivation] = MappingProxyType(
    {name: derivation for group in GROUPS.values() for name, derivation in group.items()}
)
"""Name -> Derivation."""
