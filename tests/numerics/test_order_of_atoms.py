"""No result depends on the order in which the atoms are written."""

from __future__ import annotations

from itertools import permutations

import pytest

from numerics import Mixture, Schedule, certified_tv, output_law, path_kl, samplers
from numerics.sampler_path import sampler_path_kl

ATOMS = (("1/10", -3), ("7/10", 0), ("1/5", 4))
SCHEDULE = Schedule.ddpm_linear(5)


def written(order: tuple[int, ...], dimension: int = 1) -> Mixture:
    weights = [ATOMS[i][0] for i in order]
    if dimension == 1:
        return Mixture(weights, [ATOMS[i][1] for i in order], 1)
    return Mixture(weights, [[-ATOMS[i][1], 1, 2 * ATOMS[i][1]] for i in order], 1)


@pytest.mark.parametrize("dimension", [pytest.param(1, marks=pytest.mark.slow), 3])
@pytest.mark.parametrize("sampler", [samplers.Ddpm(), samplers.Ddim(), samplers.Heun()], ids=repr)
def test_output_laws(sampler: samplers.Sampler, dimension: int) -> None:
    laws = [output_law(written(p, dimension), SCHEDULE, sampler) for p in permutations(range(3))]
    for distance in ("hellinger", "kl", "wasserstein_2"):
        values = [law.truth(distance, "last_level") for law in laws]
        assert max(x.value for x in values) - min(x.value for x in values) <= 4 * max(
            x.error for x in values
        )


def test_a_law_is_that_of_its_mirror_image() -> None:
    law = output_law(written((2, 1, 0)), SCHEDULE)
    mirrored = output_law(Mixture(["1/10", "7/10", "1/5"], [3, 0, -4], 1), SCHEDULE)
    assert law.density(4.2) == pytest.approx(mirrored.density(-4.2), rel=1e-9)
    assert law.density(4.2) > 1.5 * law.density(-3.2)


@pytest.mark.parametrize("order", list(permutations(range(3)))[1:], ids=str)
def test_paths_and_certified_values(order: tuple[int, ...]) -> None:
    first, other = written((0, 1, 2)), written(order)
    for sampler in (samplers.Ddpm(), samplers.MomentMatched(2), samplers.MomentMatched(3)):
        values = [sampler_path_kl(target, SCHEDULE, sampler) for target in (first, other)]
        assert values[0].value == pytest.approx(values[1].value, rel=1e-12)
    assert path_kl(first, SCHEDULE, digits=20).overlaps(path_kl(other, SCHEDULE, digits=20))
    levels = Schedule.uniform(6, 1)
    assert certified_tv(first, levels).value.overlaps(certified_tv(other, levels).value)
