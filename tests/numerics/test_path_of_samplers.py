"""The path KL of samplers other than the exact Ddpm goes through the same function."""

from __future__ import annotations

import pytest

from numerics import Mixture, Schedule, path_kl, sampler_path_kl, samplers
from numerics.path import path_kl_truth

THREE = Mixture(["1/5", "1/2", "3/10"], [-3, 0, 4], 1)
SCHEDULE = Schedule.ddpm_linear(8)


OTHERS = [samplers.MomentMatched(2), samplers.Ddpm(score_error="1/10"), samplers.Ddim(1), samplers.Heun()]


@pytest.mark.parametrize("sampler", OTHERS)
def test_it_is_that_of_the_sampler(sampler: samplers.Sampler) -> None:
    assert path_kl_truth(THREE, SCHEDULE, sampler) == sampler_path_kl(THREE, SCHEDULE, sampler)


def test_a_score_error_counts() -> None:
    erring = path_kl(THREE, SCHEDULE, samplers.Ddpm(score_error="1/10"))
    assert erring > path_kl(THREE, SCHEDULE) + 1e-4


def test_digits_are_refused() -> None:
    with pytest.raises(ValueError, match="digits: "):
        path_kl(THREE, SCHEDULE, samplers.MomentMatched(3), digits=20)
