"""Entropies, latent components, posterior cumulants: engines compared, claims, twins, families."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import flint
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from diffcert import Instance, Status, compare, evaluate, verify
from diffcert.bindings import BINDINGS, Values
from diffcert.entropy_bindings import NEEDS
from diffcert.entropy_families import WIDE, cumulant_points, latent_paths, latent_points, wide_paths
from diffcert.family import from_counterexample
from numerics import (
    GeneralMixture,
    Mixture,
    Orthogonal,
    Product,
    Schedule,
    Whole,
    general_mmse,
    general_path_kl,
)
from numerics.arithmetic import balls
from theory.bounds import FURTHER, aghapour_bayraktar, companion, cumulants

TRUE = [*aghapour_bayraktar.MIXTURES, *companion.ALL, *cumulants.ALL]
TWINS = [*aghapour_bayraktar.MIXTURE_TWINS, *companion.TWINS, *cumulants.TWINS]
KEYS = [key for key, binding in BINDINGS.items() if binding.needs in NEEDS]
THREE = Mixture(["1/5", "1/2", "3/10"], [-3, 0, 4], "1/4")
UNEQUAL = GeneralMixture(["1/3", "2/3"], [0, 1], [1, "1/4"])
KNOTS = Schedule.from_snr(["1/10", "1/2", 2])
PLACES = [
    Instance(THREE, snr="1/3"),
    Instance(Whole(THREE), snr="1/3"),
    Instance(Whole(THREE), KNOTS),
    Instance(UNEQUAL, snr="1/3"),
    Instance(UNEQUAL, KNOTS),
]


def test_every_quantity_agrees_in_every_engine() -> None:
    seen = set()
    for place in PLACES:
        fast, ball, other = (Values(place, n, e) for n, e in ((None, "fast"), (20, None), (15, "mpmath")))
        for key in KEYS:
            if key not in ball:
                continue
            seen.add(key)
            middle = float(ball[key].mid())
            assert ball[key].rel_accuracy_bits() > 60 or middle == 0
            assert float(fast[key]) == pytest.approx(middle, rel=1e-10, abs=1e-14), key
            assert float(other[key]) == pytest.approx(middle, rel=1e-12, abs=1e-14), key
    assert seen == set(KEYS)


def test_a_whole_target_and_its_components_agree() -> None:
    """Two routes to L, I_Z and both parts: through the core at u = t/q, and through the components."""
    general = GeneralMixture.of(THREE)
    for knots in (KNOTS, Schedule.geometric(6, "1/10", 3), Schedule.from_snr([0, 1])):
        whole, components = (Values(Instance(target, knots), 25) for target in (Whole(THREE), general))
        split = general_path_kl(THREE, knots, digits=25)
        with balls(200).precision():
            for key in ("latent_kl", "gaussian_kl", "conditional_information_last", "latent_entropy"):
                assert whole[key].overlaps(components[key]), key
            assert whole["latent_kl"].overlaps(split.latent)
            assert (whole["latent_kl"] + whole["gaussian_kl"]).overlaps(whole["path_kl"])
    for snr in ("1/100", "3"):
        whole, components = (Values(Instance(target, snr=snr), 25) for target in (Whole(THREE), general))
        with balls(200).precision():
            assert whole["latent_mmse"].overlaps(components["latent_mmse"])
            assert whole["latent_mmse"].overlaps(general_mmse(THREE, snr, digits=25).latent)
            assert whole["latent_information"].overlaps(components["latent_information"])


def test_the_matched_path_does_not_see_the_ambient_dimension() -> None:
    schedule = Schedule.geometric(25, "1/1000", 1)
    one, many = (
        evaluate("path_kl", Instance(WIDE[name], schedule), 25) for name in ("three in 1", "three in 10^6")
    )
    assert str(one.value) == str(many.value)
    # X itself in 10^6 dimensions costs the Gaussian directions, each by the closed form
    wide = Values(Instance(Whole(WIDE["three in 10^6"]), schedule), 25)
    narrow = Values(Instance(Whole(WIDE["three in 1"]), schedule), 25)
    with balls(200).precision():
        assert wide["latent_kl"].overlaps(narrow["latent_kl"])
        assert wide["gaussian_kl"].overlaps(10**6 * narrow["gaussian_kl"])


def test_the_renyi_entropy_of_structured_cores() -> None:
    with balls(200).precision():
        third = evaluate("renyi_entropy", Instance(Orthogonal(3, 2), snr=1), 25).value
        assert third.overlaps(Values(Instance(Orthogonal(3, 1), snr=1), 25)["entropy"])
        factor = Mixture(["1/4", "3/4"], [0, 1], 0)
        one, many = (
            Values(Instance(target, snr=1), 25)["renyi_entropy"] for target in (factor, Product(factor, 7))
        )
        assert (7 * one).overlaps(many)
        # (1/2 + sqrt(3)/2)^2 = 1 + sqrt(3)/2
        assert one.overlaps((1 + flint.arb(3).sqrt() / 2).log())
    rare = Mixture([1 - Fraction(1, 10**60), Fraction(1, 10**60)], [0, 1], 0)
    assert float(evaluate("renyi_entropy", Instance(rare, snr=1)).value) == pytest.approx(2e-30, rel=1e-12)
    with pytest.raises(ValueError, match="finitely many atoms"):
        evaluate("renyi_entropy", Instance(Whole(THREE), snr=1))


def test_derivatives_by_differences_are_those_of_the_posterior() -> None:
    """M'' to M'''' at many precisions, the remainder inside the ball."""
    for snr in ("1/1000", "1"):
        coarse, fine = (Values(Instance(THREE, snr=snr), digits) for digits in (8, 25))
        for key in ("mmse_second", "mmse_third", "mmse_fourth"):
            with balls(300).precision():
                assert coarse[key].overlaps(fine[key])
                assert fine[key].rad() < coarse[key].rad()
            claim = f"diffcert/{key.replace('_', '-')}"
            assert compare(claim, Instance(THREE, snr=snr), digits=15).status is Status.HOLDS
    with pytest.raises(ValueError, match="above 0"):
        evaluate("mmse_third", Instance(THREE, snr=0), 20)


@pytest.mark.parametrize("twin", TWINS, ids=lambda b: b.id)
def test_every_twin_is_refuted_by_its_counterexample(twin: Any) -> None:
    place = from_counterexample(twin.counterexample)
    verdict = compare(twin.id, place, digits=20)
    assert verdict.status is Status.REFUTED
    original = compare(twin.twin_of, place, digits=20)
    dropped = {h.key for h in FURTHER[twin.twin_of].hypotheses} - {h.key for h in twin.hypotheses}
    assert original.status is (Status.NOT_APPLICABLE if dropped else Status.HOLDS)


def test_treating_l_like_an_mmse_is_refuted_by_numbers() -> None:
    """s L(s) against 2 I_Z(s) for equal means: the ratio tends to 2 as s tends to 0."""
    scales = GeneralMixture(["1/2", "1/2"], [0, 0], [1, 4])
    ratios = []
    for snr in (Fraction(1), Fraction(1, 100), Fraction(1, 10_000)):
        values = Values(Instance(scales, snr=snr), 30)
        with balls(200).precision():
            ratios.append(
                float((values["latent_mmse"] * values["snr"] / values["latent_information"] / 2).mid())
            )
    assert ratios == sorted(ratios)
    assert 1.999 < ratios[-1] < 2
    step = Values(Instance(scales, Schedule.from_snr([0, 1])), 30)
    with balls(200).precision():
        assert step["latent_kl"].overlaps(-Values(Instance(scales, snr=1), 30)["latent_information"])
        assert step["latent_kl"] < 0


weights = st.lists(st.integers(1, 20), min_size=2, max_size=4).map(
    lambda counts: [Fraction(count, sum(counts)) for count in counts]
)


@st.composite
def places(draw: st.DrawFn, kind: str) -> Instance:
    """Mixtures of which X is estimated, or cores on a line, with shared or unequal covariances."""
    w = draw(weights)
    means = [Fraction(draw(st.integers(-12, 12)), 4) for _ in w]
    shared = draw(st.booleans())
    first = Fraction(draw(st.integers(1, 12)), 4)
    covariances = [first if shared else Fraction(draw(st.integers(1, 12)), 4) for _ in w]
    snr = Fraction(draw(st.integers(1, 40)), 10)
    if kind == "line":
        return Instance(Mixture(w, [3 * i + a / 4 for i, a in enumerate(means)], 1), snr=snr / 10)
    target = GeneralMixture(w, means, covariances)
    if kind == "point":
        return Instance(target, snr=snr)
    start = draw(st.sampled_from([Fraction(0), Fraction(1, 20)]))
    sizes = draw(st.lists(st.integers(1, 8), min_size=1, max_size=4))
    knots = [start + snr * sum(sizes[:i]) / sum(sizes) for i in range(len(sizes) + 1)]
    return Instance(target, Schedule.from_snr(knots))


@pytest.mark.parametrize("bound", [*aghapour_bayraktar.MIXTURES, *cumulants.ALL[:3]], ids=lambda b: b.id)
def test_no_instance_refutes_the_claim(bound: Any) -> None:
    kind = "line" if bound in cumulants.ALL else "point" if bound.truth.name == "L_s" else "path"
    held = []

    @settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(places(kind))
    def check(place: Instance) -> None:
        verdict = compare(bound.id, place, digits=15)
        assert verdict.status in (Status.HOLDS, Status.NOT_APPLICABLE), verdict
        held.append(verdict.status is Status.HOLDS)

    check()
    assert sum(held) >= 4


@pytest.mark.parametrize("bound", [*companion.ALL, cumulants.third_cumulant], ids=lambda b: b.id)
def test_the_family_verifies(bound: Any) -> None:
    report = verify([bound.id], digits=20)
    assert {v.status for v in report.verdicts} <= {Status.HOLDS, Status.NOT_APPLICABLE}
    assert sum(v.status is Status.HOLDS for v in report.verdicts) >= 6


def test_the_families_cover_what_the_paper_is_about() -> None:
    assert {place.target.dimension for place in wide_paths()} >= {1, 16, 10**6}
    unequal = [p for p in latent_paths() if len(set(getattr(p.target, "covariances", (0,)))) > 1]
    assert unequal
    assert {place.target.dimension for place in latent_points()} >= {1, 2, 16, 10**6}
    assert all(place.target.core.rank == 1 and len(place.target.weights) > 2 for place in cumulant_points())
