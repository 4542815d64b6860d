"""The posterior-cumulant calculus: derivatives and series of M and I, and of one step's KL, to any order.

What belongs here: computations on polynomials in posterior cumulants, on the line and in R^d. What does
not: proofs of single identities (`theory.derivation`), targets and quadrature.

`line` and `moments` are the calculus in one dimension, `multigraphs`, `tensors`, `contraction` and
`notation` the one in R^d, `laws` makes cumulants of discrete laws, `series`, `remainder` and `steps`
are what follows.
"""

from __future__ import annotations

from theory.calculus.cumulant_bounds import absolute_moment_bound, cumulant_bound, nuclear_bound
from theory.calculus.laws import cumulant_tensors, cumulants
from theory.calculus.line import (
    cumulant,
    cumulant_derivative,
    cumulant_generator,
    information_derivative,
    mmse_derivative,
)
from theory.calculus.moments import (
    central_moment,
    cumulants_from_moments,
    moments_from_cumulants,
    to_central_moments,
    to_cumulants,
)
from theory.calculus.multigraphs import Multigraph, canonical
from theory.calculus.notation import index_notation, named_form
from theory.calculus.remainder import information_remainder, mmse_derivative_bound, mmse_remainder
from theory.calculus.series import (
    information_enclosure,
    information_series,
    information_series_of_law,
    information_taylor,
    mmse_curvature,
    mmse_enclosure,
    mmse_is_convex,
    mmse_series,
    mmse_series_of_law,
    mmse_taylor,
    required_monomials,
)
from theory.calculus.steps import (
    estimate_cumulant,
    gaussian_step,
    gaussian_step_expansion,
    leading_coefficient,
    mean_step_expansion,
    step_expansion,
    tensor_gaussian_step_expansion,
    tensor_leading_coefficient,
    tensor_mean_step_expansion,
    tensor_step_expansion,
)
from theory.calculus.tensors import (
    ESTIMATE,
    POSTERIOR,
    TensorPolynomial,
    tensor_information_derivative,
    tensor_mmse_derivative,
)

__all__ = [
    "ESTIMATE",
    "POSTERIOR",
    "Multigraph",
    "TensorPolynomial",
    "absolute_moment_bound",
    "canonical",
    "central_moment",
    "cumulant",
    "cumulant_bound",
    "cumulant_derivative",
    "cumulant_generator",
    "cumulant_tensors",
    "cumulants",
    "cumulants_from_moments",
    "estimate_cumulant",
    "gaussian_step",
    "gaussian_step_expansion",
    "index_notation",
    "information_derivative",
    "information_enclosure",
    "information_remainder",
    "information_series",
    "information_series_of_law",
    "information_taylor",
    "leading_coefficient",
    "mean_step_expansion",
    "mmse_curvature",
    "mmse_derivative",
    "mmse_derivative_bound",
    "mmse_enclosure",
    "mmse_is_convex",
    "mmse_remainder",
    "mmse_series",
    "mmse_series_of_law",
    "mmse_taylor",
    "moments_from_cumulants",
    "named_form",
    "nuclear_bound",
    "required_monomials",
    "step_expansion",
    "tensor_gaussian_step_expansion",
    "tensor_information_derivative",
    "tensor_leading_coefficient",
    "tensor_mean_step_expansion",
    "tensor_mmse_derivative",
    "tensor_step_expansion",
    "to_central_moments",
    "to_cumulants",
]
