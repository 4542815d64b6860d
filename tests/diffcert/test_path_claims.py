"""Samplers with errors, other samplers and wrong starts: which claims are about them, and what they say."""

from __future__ import annotations

import json
from typing import Any

import pytest

import diffcert
from diffcert import Certificate, Instance, Mixture, Schedule, Status, bounds, compare, evaluate, samplers
from diffcert.inputs import exact_inputs, read_instance
from theory import symbols as sym

THREE = Mixture(["1/5", "1/2", "3/10"], [-3, 0, 4], 1)
SHORT = Schedule.from_snr(["1/10", "1/5", "2/5", "4/5"])
LEVELS = Schedule.from_alpha_bar(["1/10", "3/10", "1/2"])
RATIOS = Schedule.from_snr(["0", "1/5", "2/5", "4/5"])


def _small(x: Any, k: int) -> Any:
    return 0.1 * x


MATCHED = [None, samplers.Ddpm(), samplers.Ddpm("beta"), samplers.MomentMatched(1)]
EXACT = [*MATCHED, samplers.Ddpm("beta_tilde"), samplers.Ddpm("optimal"), samplers.Ddim(1)]
ERRING = [
    samplers.Ddpm(score_error="1/7"),
    samplers.MomentMatched(1, "1/7"),
    samplers.Ddpm(score_error=_small),
]
OTHERS = [
    samplers.Ddpm("beta_tilde", "1/7"),
    samplers.Ddim("1/2"),
    samplers.MomentMatched(3),
    samplers.Heun(),
    samplers.Euler(),
    samplers.DpmSolverPlusPlus(),
]
ON_PATHS = [
    bound for bound in bounds.ALL.values() if bound.truth == sym.path_kl and "epsilon" not in bound.symbols
]


def _applies(bound: Any, sampler: Any, start: str, schedule: Schedule) -> bool:
    """Whether the predicates on sampler and start hold, by the lists above."""
    right = start == "exact" or schedule is RATIOS
    erring = sampler in ERRING
    met = {
        "matched_sampler": sampler in MATCHED and right,
        "exact_mean": sampler in EXACT and right,
        "optimal_sampler": sampler == samplers.Ddpm("optimal") and right,
        "narrow_sampler": sampler not in OTHERS,
        "matched_variance": sampler in MATCHED or erring,
        "right_start": right,
        "exact_score": sampler is None or sampler.score_error is None,
    }
    return all(met[h.predicate] for h in bound.hypotheses if h.predicate in met)


@pytest.mark.parametrize("bound", ON_PATHS, ids=lambda b: b.id)
@pytest.mark.parametrize("sampler", [*EXACT, *ERRING, *OTHERS], ids=repr)
def test_a_bound_is_asked_only_about_the_samplers_it_is_stated_for(bound: Any, sampler: Any) -> None:
    for schedule in (LEVELS, RATIOS):
        if schedule is RATIOS and sampler not in (None, samplers.Ddpm()):
            continue
        for start in ("exact", "normal"):
            verdict = compare(bound, Instance(THREE, schedule, sampler, start), digits=12)
            assert verdict.status is not Status.REFUTED
            if not _applies(bound, sampler, start, schedule):
                assert verdict.status is Status.NOT_APPLICABLE, verdict


@pytest.mark.parametrize("sampler", [*EXACT, *ERRING, *OTHERS], ids=repr)
@pytest.mark.parametrize("start", ["exact", "normal"])
def test_the_fast_tier_refutes_nothing_either(sampler: Any, start: str) -> None:
    for bound in ON_PATHS:
        verdict = compare(bound, Instance(THREE, LEVELS, sampler, start), digits=None)
        assert verdict.status in (Status.NOT_APPLICABLE, Status.BELOW_THE_BOUND_FLOAT), verdict


def test_one_atom_makes_every_random_estimate_exact() -> None:
    one = Mixture([1], [0], 1)
    for sampler in (samplers.MomentMatched(2), samplers.MomentMatched(5), samplers.Ddpm("optimal")):
        instance = Instance(one, LEVELS, sampler)
        assert compare("reeves-pfister/monotone", instance).status is Status.HOLDS
        assert evaluate("path_kl", instance, digits=20).value == 0


@pytest.mark.parametrize(
    "sampler", [samplers.Ddpm("beta", "-3/7"), samplers.Ddim(1, "1/2"), samplers.Ddpm(score_error=["1/3"])]
)
def test_json_and_certificates_with_a_constant_error(sampler: Any) -> None:
    instance = Instance(THREE, LEVELS, sampler, "normal")
    again = read_instance(json.loads(json.dumps(exact_inputs(instance))))
    assert again == instance
    verdict = compare("reeves-pfister/path-with-errors", instance, digits=20)
    certificate = Certificate.from_json(Certificate.of(verdict, 20).to_json())
    result = certificate.check()
    assert result.agrees, result.findings
    other = Instance(THREE, LEVELS, samplers.Ddpm("beta"), "normal")
    data = {**certificate.data, "instance": exact_inputs(other)}
    assert not Certificate(data).check().agrees


def test_a_function_is_known_in_machine_numbers_only() -> None:
    instance = Instance(THREE, SHORT, samplers.Ddpm(score_error=_small))
    claim = "reeves-pfister/score-error"
    fast = compare(claim, instance, digits=None)
    assert fast.status is Status.BELOW_THE_BOUND_FLOAT
    twin = compare(f"{claim}/twin-dropped", instance, digits=None)
    assert twin.status is Status.UNDECIDED
    exact = compare(claim, instance, digits=20)
    assert exact.status is Status.UNDECIDED
    assert "machine numbers only" in exact.reason
    with pytest.raises(ValueError, match="its score error is a function") as error:
        Certificate.of(exact)
    assert "\n" not in str(error.value)


def test_a_constant_function_is_that_constant() -> None:
    """Machine numbers of a function, balls of the number."""
    function = samplers.Ddpm(score_error=lambda x, k: 0 * x + 0.25)
    fast = evaluate("path_kl", Instance(THREE, LEVELS, function))
    ball = evaluate("path_kl", Instance(THREE, LEVELS, samplers.Ddpm(score_error="1/4")), digits=20)
    assert fast.value == pytest.approx(float(ball.value), rel=1e-11)
    moments = [
        diffcert.Values(Instance(THREE, LEVELS, rule), digits)["score_error_at"]
        for rule, digits in ((function, None), (samplers.Ddpm(score_error="1/4"), 20))
    ]
    assert [float(x) for x in moments[0]] == pytest.approx([float(x) for x in moments[1]], rel=1e-11)


def test_exact_moments_are_rational() -> None:
    values = diffcert.Values(Instance(THREE, LEVELS, samplers.Ddpm(score_error="1/4")), 20)
    # 1 + ab v/(1 - ab) = 1/(1 - ab) for v = 1
    assert [x * 16 for x in values.exact("score_error_at")] == [
        1 / (1 - ab) ** 2 for ab in values.exact("knots")[:-1]
    ]
    assert values.exact("start_kl") == 0


@pytest.mark.parametrize("key", ["output_kl", "output_tv"])
def test_the_last_iterate_in_three_engines(key: str) -> None:
    for start in ("exact", "normal"):
        instance = Instance(THREE, SHORT, start=start)
        ball = evaluate(key, instance, digits=20).value
        assert ball.contains(evaluate(key, instance).value)
        assert ball.contains(float(evaluate(key, instance, 15, "mpmath").value))
    for digits, sampler in ((20, samplers.Heun()), (20, samplers.Ddpm(score_error="1/7"))):
        with pytest.raises(diffcert.PrecisionError, match="machine numbers only"):
            evaluate("output_kl", Instance(THREE, SHORT, sampler), digits)


def test_what_a_point_lacks() -> None:
    lacking = compare("diffcert/quadrature-mmse", Instance(THREE, snr=1, parameters={"spacing": 1}))
    assert lacking.status is Status.NOT_APPLICABLE
    assert "strip" in lacking.reason
    outside = Instance(THREE, snr=1, parameters={"spacing": 1, "strip": "1/2"})
    verdict = compare("diffcert/quadrature-mmse", outside)
    assert verdict.status is Status.NOT_APPLICABLE
    assert "pi/2" in verdict.reason
    path = Instance(THREE, SHORT, parameters={"spacing": 1, "strip": "1/9"})
    assert compare("diffcert/quadrature-mmse", path).status is Status.NOT_APPLICABLE
    with pytest.raises(ValueError, match="strip: 0 is not positive"):
        Instance(THREE, snr=1, parameters={"strip": 0})


@pytest.mark.parametrize(
    "claim",
    [
        "reeves-pfister/early-stopping",
        "reeves-pfister/score-error",
        "reeves-pfister/wrong-start",
        "reeves-pfister/path-with-errors",
        "diffcert/quadrature-mmse",
        "diffcert/quadrature-covariance",
        "diffcert/quadrature-information",
    ],
)
def test_the_built_in_family_holds(claim: str) -> None:
    report = diffcert.verify([claim], digits=20)
    assert {verdict.status for verdict in report.verdicts} <= {Status.HOLDS, Status.NOT_APPLICABLE}
    assert sum(verdict.status is Status.HOLDS for verdict in report.verdicts) >= 40


def test_quadrature_is_nearly_attained() -> None:
    """At small snr the theorem's bound is the error itself: no factor can be left out."""
    for claim in ("mmse", "covariance"):
        report = diffcert.verify([f"diffcert/quadrature-{claim}"], digits=20)
        assert max(float(verdict.ratio) for verdict in report.verdicts) > 0.999
