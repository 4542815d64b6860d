"""Step counts, rare atoms, loss-adaptive schedules: two routes, known limits, verdicts on rates."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import log, pi, sqrt

import pytest

from diffcert import Status
from diffcert.rates import judge, ladders
from diffcert.rates.entropy import DENSITIES, LADDERS, QUANTITIES, loss_adaptive
from diffcert.rates.quantities import measure
from numerics import Mixture, Product, Schedule, best_limit, mmse, mutual_information, path_kl
from theory.bounds import RATE_TWINS, RATES, entropy_rates

THREE = Mixture(["1/5", "1/2", "3/10"], [-3, 0, 4], 1)
BINARY = Mixture(["1/2", "1/2"], [-1, 1], 1)


@pytest.mark.slow
@pytest.mark.parametrize("rate", entropy_rates.RATES, ids=lambda r: r.id)
def test_true_rates_are_consistent_on_every_ladder(rate: object) -> None:
    for ladder in ladders(rate.id):  # type: ignore[attr-defined]
        verdict = judge(rate, ladder)  # type: ignore[arg-type]
        assert verdict.status is Status.CONSISTENT, (ladder.name, verdict.reason)


@pytest.mark.slow
@pytest.mark.parametrize("twin", entropy_rates.RATE_TWINS, ids=lambda r: r.id)
def test_false_rates_are_inconsistent_on_some_ladder(twin: object) -> None:
    own = twin.id if twin.id in LADDERS else twin.twin_of  # type: ignore[attr-defined]
    verdicts = [judge(twin, ladder) for ladder in ladders(own)]  # type: ignore[arg-type]
    assert any(verdict.status is Status.INCONSISTENT for verdict in verdicts)
    assert all(verdict.status is not Status.CONSISTENT for verdict in verdicts)


@pytest.mark.slow
def test_both_routes_agree_on_the_first_and_a_later_rung() -> None:
    for rate_id, found in LADDERS.items():
        rate = {**RATES, **RATE_TWINS}[rate_id]
        for ladder in found:
            rungs = ladder.rungs[:1] if "orthogonal" in ladder.name else (ladder.rungs[0], ladder.rungs[3])
            for rung in rungs:
                first = measure(rate.truth, rung.arguments)
                second = measure(rate.truth, rung.arguments, second=True)
                assert first.ball.overlaps(second.ball), (rate_id, ladder.name, rung.label)
    assert all(row.second is not None for row in QUANTITIES)


def test_the_number_of_steps_is_the_least_one() -> None:
    epsilon, last = Fraction(1, 10), Fraction(1)
    arguments = {"target": THREE.to_dict(), "epsilon": "1/10", "last": "1"}
    found = int(float(measure("steps_needed", arguments).ball.mid()))
    first = epsilon / THREE.core.variance
    assert path_kl(THREE, Schedule.geometric(found, first, last), digits=10) <= float(epsilon)
    assert path_kl(THREE, Schedule.geometric(found - 1, first, last), digits=10) > float(epsilon)
    wide = Product(THREE, 1, 10**6)
    same = measure("steps_needed", {"target": wide.to_dict(), "epsilon": "1/10", "last": "1"})
    assert int(float(same.ball.mid())) == found


def test_a_rare_atom_costs_what_the_proof_says() -> None:
    """Q/eps against 2 sqrt(pi L), and both squared entropies, at weights from 1e-4 to 1e-96."""
    ratios = {}
    for exponent in (4, 12, 32, 96):
        weight, size = Fraction(1, 10**exponent), exponent * log(10)
        target = Mixture([1 - weight, weight], [0, 1], 0)
        limit = best_limit(target, 0, Fraction(round(8 * size + 60))).value
        ratios[exponent] = limit / (2 * sqrt(pi * size) * float(weight))
        renyi = 2 * sqrt(float(weight))
        assert limit / renyi**2 == pytest.approx(sqrt(pi * size) / 2, rel=0.3)
        assert limit / (float(weight) * size) ** 2 > 1 / float(weight) / size**1.5
    assert list(ratios.values()) == sorted(ratios.values(), reverse=True)
    assert 1 < ratios[96] < 1.02


def test_equal_information_shares_the_information() -> None:
    schedule = loss_adaptive(THREE, 12, "1/100", 2, "loss")
    knots = schedule.snr(THREE, digits=15)
    values = [float(mutual_information(THREE, t, digits=15).mid()) for t in knots]
    gains = [b - a for a, b in pairwise(values)]
    assert max(gains) / min(gains) == pytest.approx(1, rel=2e-3)
    assert schedule.steps == 12


def test_the_drops_are_nearly_the_best_density() -> None:
    for target in (THREE, BINARY):
        best = best_limit(target, "1/100", 2).value
        cost = {
            density: 256 * path_kl(target, loss_adaptive(target, 256, "1/100", 2, density))
            for density in DENSITIES
        }
        assert cost["drops"] == pytest.approx(best, rel=0.02)
        gained = float(
            (
                mutual_information(target, 2, digits=15) - mutual_information(target, "1/100", digits=15)
            ).mid()
        )
        fallen = log(
            float(mmse(target, "1/100", digits=15).mid()) / float(mmse(target, 2, digits=15).mid())
        )
        assert cost["loss"] == pytest.approx(gained * fallen / 2, rel=0.02)


@pytest.mark.parametrize(
    "arguments",
    [
        {"steps": 0},
        {"start": 0},
        {"start": 3},
        {"density": "mmse"},
        {"stop": "inf"},
        {"steps": 2.5},
    ],
)
def test_bad_input_of_the_adaptive_schedule_is_refused(arguments: dict[str, object]) -> None:
    given = {"target": THREE, "steps": 4, "start": "1/100", "stop": 2, "density": "loss", **arguments}
    with pytest.raises(ValueError, match=r"^\w") as caught:
        loss_adaptive(**given)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_too_large_a_first_knot_is_refused() -> None:
    with pytest.raises(ValueError, match="epsilon/V"):
        measure("steps_needed", {"target": BINARY.to_dict(), "epsilon": "5", "last": "1"})
