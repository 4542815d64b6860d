"""Recovery of subspaces as rates: both routes, the true ones consistent, the planted ones not."""

from __future__ import annotations

import pytest

from diffcert.rates import judge, ladders
from diffcert.rates.low_rank import LADDERS, QUANTITIES
from diffcert.verdict import Status
from theory.bounds import wang


@pytest.mark.parametrize("rate", wang.RATES, ids=lambda r: r.id)
def test_the_rates_are_consistent(rate) -> None:
    for ladder in ladders(rate.id):
        assert judge(rate, ladder).status is Status.CONSISTENT, ladder.name


@pytest.mark.parametrize("twin", wang.RATE_TWINS, ids=lambda r: r.id)
def test_the_planted_ones_are_inconsistent_on_a_ladder(twin) -> None:
    assert Status.INCONSISTENT in {judge(twin, ladder).status for ladder in ladders(twin.id, twin.twin_of)}


def test_the_least_constant_of_the_noisy_bound_is_small() -> None:
    for ladder in LADDERS["wang/noisy-bound"]:
        assert float(judge(wang.noisy_bound, ladder).fit.constant) < 2.5


def test_two_routes() -> None:
    by_name = {quantity.name: quantity for quantity in QUANTITIES}
    for rate_id, name in (
        ("wang/noisy-bound", "recovery_per_noise"),
        ("wang/transition", "recovery_threshold"),
    ):
        for ladder in LADDERS[rate_id]:
            arguments = dict(ladder.rungs[1].arguments)
            first = by_name[name].function(**arguments)
            second = by_name[name].second(**arguments)
            assert first[0] == pytest.approx(second[0], rel=1e-9)
            assert 0 < first[1] < first[0] / 3
