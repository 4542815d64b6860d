"""One property test per rate of the registry: no ladder, and no part of one, may speak against it.

The rungs of a ladder are measured once; what is random is which of them are looked at.
"""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from diffcert import Status, bounds, find, twins
from diffcert.rates import MEASURED, Ladder, RateClaim, judge, ladders

LEAST = 4
"""A random part of a ladder keeps as many rungs as the rule needs, its first and last among them."""


def parts(ladder: Ladder) -> st.SearchStrategy[Ladder]:
    """Parts of a ladder that keep its ends."""
    count = len(ladder.rungs)
    inner = st.sets(st.integers(1, count - 2), min_size=max(0, min(LEAST, count) - 2))
    return inner.map(
        lambda kept: Ladder(
            ladder.name, ladder.variable, [ladder.rungs[i] for i in sorted({0, count - 1, *kept})]
        )
    )


def quick(rate_id: str, twin_of: str | None = None) -> list[Ladder]:
    return [ladder.shortened() for ladder in ladders(rate_id, twin_of)]


@pytest.mark.parametrize("rate_id", list(bounds.RATES))
def test_the_first_rungs_are_consistent(rate_id):
    for ladder in quick(rate_id):
        verdict = judge(bounds.RATES[rate_id], ladder, digits=None)
        assert verdict.status is Status.CONSISTENT, verdict


@pytest.mark.parametrize("rate_id", list(bounds.RATES))
def test_no_part_of_a_ladder_is_inconsistent(rate_id):
    rate, statuses = bounds.RATES[rate_id], Counter()
    for ladder in quick(rate_id):

        @settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @given(parts(ladder))
        def check(part: Ladder) -> None:
            verdict = judge(rate, part)
            statuses[verdict.status] += 1
            assert verdict.status is not Status.INCONSISTENT, verdict

        check()
    assert statuses[Status.CONSISTENT] >= 1


@pytest.mark.slow
@pytest.mark.parametrize("rate_id", list(bounds.RATES))
def test_the_whole_ladders_are_consistent(rate_id):
    for ladder in ladders(rate_id):
        assert judge(bounds.RATES[rate_id], ladder).status is Status.CONSISTENT


@pytest.mark.slow
@pytest.mark.parametrize("twin_id", list(bounds.RATE_TWINS))
def test_every_twin_is_inconsistent_on_one_of_its_ladders(twin_id):
    twin = bounds.RATE_TWINS[twin_id]
    assert twin.why_false
    assert twin.twin_of in bounds.RATES
    cheap_first = sorted(ladders(twin_id, twin.twin_of), key=lambda ladder: len(ladder.rungs))
    assert any(judge(twin, ladder).status is Status.INCONSISTENT for ladder in cheap_first)


def test_every_rate_has_a_twin():
    assert {twin.twin_of for twin in bounds.RATE_TWINS.values()} == set(bounds.RATES)


def test_the_registry_has_the_rates_of_the_theory():
    for rate_id in (*bounds.RATES, *bounds.RATE_TWINS):
        claim = find(rate_id)
        assert isinstance(claim, RateClaim)
        assert claim.truth in MEASURED
        assert all(ladder.variable in claim.bound.variables for ladder in claim.family())
    assert set(bounds.RATE_TWINS) <= {twin.id for twin in twins()}


@pytest.mark.parametrize("rate_id", list(bounds.RATES))
def test_a_ladder_is_long_enough_to_decide(rate_id):
    for ladder in quick(rate_id):
        assert len(ladder.rungs) >= LEAST
        assert len({rung.label for rung in ladder.rungs} | {str(rung) for rung in ladder.rungs}) > 1
