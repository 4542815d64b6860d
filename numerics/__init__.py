"""Numbers in, enclosures out: targets, the Gaussian channel, schedules, samplers, errors."""

from numerics import samplers
from numerics.best import StationarySchedule, best_limit, best_schedules
from numerics.best_compare import compare_with_usual, steps_needed
from numerics.channel import covariance_moment, mmse, mutual_information
from numerics.components import GeneralMixture
from numerics.components_path import Split, general_mmse, general_mutual_information, general_path_kl
from numerics.low_rank import LowRankMixture
from numerics.low_rank_posterior import (
    posterior_covariance,
    posterior_jacobian,
    posterior_mean,
    posterior_weights,
)
from numerics.output_law import OutputLaw, output_law
from numerics.output_law.certified import certified_tv
from numerics.output_law.score_errors import score_error_mean_square
from numerics.path import path_kl
from numerics.sampler_path import sampler_path_kl
from numerics.schedules import Schedule
from numerics.structured import Orthogonal, Product
from numerics.targets import Mixture, Target
from numerics.truth import PrecisionError, SpanError, Truth
from numerics.whole import Whole

__all__ = [
    "GeneralMixture",
    "LowRankMixture",
    "Mixture",
    "Orthogonal",
    "OutputLaw",
    "PrecisionError",
    "Product",
    "Schedule",
    "SpanError",
    "Split",
    "StationarySchedule",
    "Target",
    "Truth",
    "Whole",
    "best_limit",
    "best_schedules",
    "certified_tv",
    "compare_with_usual",
    "covariance_moment",
    "general_mmse",
    "general_mutual_information",
    "general_path_kl",
    "mmse",
    "mutual_information",
    "output_law",
    "path_kl",
    "posterior_covariance",
    "posterior_jacobian",
    "posterior_mean",
    "posterior_weights",
    "sampler_path_kl",
    "samplers",
    "score_error_mean_square",
    "steps_needed",
]
