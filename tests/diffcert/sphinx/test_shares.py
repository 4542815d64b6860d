"""How tasks are divided among workers: all of them, evenly, what belongs together in one place."""

from __future__ import annotations

import pytest

from diffcert.sphinx.evaluation import Job, _shares

JOBS = [
    Job({"object": f"{family}/{number}", "operation": operation}, 1.0)
    for family, many in (("one", 30), ("two", 7), ("three", 3))
    for number in range(many)
    for operation in ("statement", "check")
]


@pytest.mark.parametrize("count", [1, 2, 3, 8])
@pytest.mark.parametrize("jobs", [JOBS, JOBS[:24], JOBS[-3:]])
def test_every_task_is_in_one_share_and_none_is_long(jobs: list[Job], count: int) -> None:
    shares = _shares(jobs, count)
    assert len(shares) == count
    assert sorted(job.key for share in shares for job in share) == sorted(job.key for job in jobs)
    assert max(map(len, shares)) <= -(-len(jobs) // count) * 3 / 2
    assert _shares(jobs[::-1], count) == shares


def test_a_small_family_is_not_divided() -> None:
    shares = _shares(JOBS, 2)
    homes = {n for n, share in enumerate(shares) for job in share if job.task["object"].startswith("two")}
    assert len(homes) == 1
