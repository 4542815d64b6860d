"""The plain second route to output laws, against the first."""

from __future__ import annotations

import numpy as np
import pytest

from numerics import Mixture, Schedule, output_law, samplers
from numerics.direct_chain import ERROR, direct_law, direct_tv, float_levels

PAIR = Mixture(["1/2", "1/2"], [-2, 2], 1)
THREE = Mixture(["1/5", "1/2", "3/10"], [-3, 0, 4], 1)


@pytest.mark.parametrize(("target", "steps"), [(PAIR, 50), (PAIR, 120), (THREE, 60)])
@pytest.mark.parametrize("start", ["exact", "normal"])
def test_both_routes_agree(target, steps, start):
    schedule = Schedule.li_cai_wei(steps)
    law = output_law(target, schedule, samplers.Ddpm("beta"), start)
    assert abs(direct_tv(target, schedule, start=start) - law.tv("last_level")) < ERROR


def test_both_routes_agree_with_an_error_of_the_score():
    schedule = Schedule.li_cai_wei(50)
    signal, noise = float_levels(schedule)
    factor = noise / np.sqrt(signal)
    rule = samplers.Ddpm("beta", score_error=lambda x, k: factor[k] * 0.2 * np.cos(x))
    first = output_law(PAIR, schedule, rule).tv("last_level")
    second = direct_tv(PAIR, schedule, lambda x, k: 0.2 * np.cos(x))
    assert abs(first - second) < ERROR
    assert abs(first - direct_tv(PAIR, schedule)) > 1e-3


def test_one_component_is_reproduced():
    assert direct_tv(Mixture([1], ["1/2"], 1), Schedule.li_cai_wei(50)) < ERROR


def test_the_density_has_mass_one():
    law = direct_law(THREE, Schedule.li_cai_wei(50))
    assert law.spacing * law.density.sum() == pytest.approx(1, abs=1e-7)
    assert 1 - law.alpha_bar < 1e-4


def test_levels_keep_the_noise_that_rounding_would_lose():
    signal, noise = float_levels(Schedule.li_cai_wei(100))
    assert signal[-1] == 1.0
    assert 1.1e-20 < noise[-1] < 1.2e-20
    assert np.all(np.diff(noise) < 0)
