"""Numbers in, enclosures out: targets, the Gaussian channel, schedules, samplers, errors."""

from numerics import samplers
from numerics.channel import covariance_moment, mmse, mutual_information
from numerics.path import path_kl
from numerics.schedules import Schedule
from numerics.structured import Orthogonal, Product
from numerics.targets import Mixture, Target
from numerics.truth import PrecisionError, SpanError, Truth

__all__ = [
    "Mixture",
    "Orthogonal",
    "PrecisionError",
    "Product",
    "Schedule",
    "SpanError",
    "Target",
    "Truth",
    "covariance_moment",
    "mmse",
    "mutual_information",
    "path_kl",
    "samplers",
]
