"""The table of quantities: complete, right, and independent of what a caller leaves behind."""

from __future__ import annotations

import threading
from fractions import Fraction

import flint
import mpmath
import pytest

from diffcert import BINDINGS, QUANTITIES, Instance, Mixture, Schedule, SpanError, Values, evaluate
from diffcert.entropy_bindings import NEEDS as ENTROPY_NEEDS
from diffcert.li_cai_wei import NEEDS as LI_CAI_WEI_NEEDS
from diffcert.low_rank import NEEDS as LOW_RANK_NEEDS
from numerics import mmse, path_kl

THREE = Mixture(["1/5", "1/2", "3/10"], [-3, 0, 4])
PATH = Instance(THREE, Schedule.ddpm_linear(20), target_name="three")
POINT = Instance(THREE, snr=3, parameters={"epsilon": "1/10", "spacing": 2, "strip": "1/9"})
PUBLISHED = "0.10332313649222297459"


BETWEEN_BOUNDS = {"best_phase_kl", "best_rate", "covariance_supremum", "output_kl", "output_tv"}
"""Enclosed on a grid that depends on the engine; `test_enclosed` and `test_path_claims` compare them."""


def exact(number):
    """The exact value of a ball's midpoint or of an mpf."""
    if isinstance(number, mpmath.mpf):
        return Fraction(*(int(part) for part in mpmath.libmp.to_rational(number._mpf_)))
    mantissa, exponent = number.mid().man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


def test_the_table_binds_every_symbol():
    assert list(BINDINGS) == list(QUANTITIES)


@pytest.mark.parametrize("engine", ["fast", "certified", pytest.param("mpmath", marks=pytest.mark.slow)])
def test_every_quantity_has_a_value_in_every_engine(engine):
    instances = [Instance(THREE, Schedule.geometric(4), parameters={"epsilon": 1}), POINT]
    digits = None if engine == "fast" else 15
    seen = set()
    for instance in instances:
        values = Values(instance, digits, engine)
        assert set(values) == {key for key in BINDINGS if key in values}
        assert len(values) == len(set(values))
        for key in values:
            if BINDINGS[key].needs in ENTROPY_NEEDS:
                continue  # tests/diffcert/test_entropy.py has them all
            value = values[key]
            assert len(value) >= 4 if QUANTITIES[key].indexed else float(value) > -1e-30
            seen.add(key)
    elsewhere = {**LOW_RANK_NEEDS, **ENTROPY_NEEDS, **LI_CAI_WEI_NEEDS}
    assert seen == {key for key in BINDINGS if BINDINGS[key].needs not in elsewhere}


def test_engines_agree():
    short = Instance(THREE, Schedule.karras(4))
    fast, balls, independent = (
        Values(short, digits, engine)
        for digits, engine in ((None, "fast"), (20, "certified"), (15, "mpmath"))
    )
    for key in set(balls) - BETWEEN_BOUNDS:
        if QUANTITIES[key].indexed:
            rows = zip(fast[key], balls[key], independent[key], strict=True)
        else:
            rows = [(fast[key], balls[key], independent[key])]
        for quick, ball, other in rows:
            assert quick == pytest.approx(float(ball), rel=1e-10, abs=1e-300)
            assert abs(exact(ball) - exact(other)) <= abs(exact(ball)) / 10**14


def test_published_value():
    truth = evaluate("path_kl", PATH, digits=30)
    assert abs(exact(truth.value) - Fraction(PUBLISHED)) < Fraction(1, 10**20)
    assert truth.functional == "path_kl"
    assert truth.engine == "certified"
    assert evaluate("path_kl", PATH).value == pytest.approx(float(PUBLISHED), rel=1e-12)


def test_quantities_of_the_target():
    values = Values(POINT, 30)
    assert values.exact("variance") == Fraction(33, 5) - Fraction(3, 5) ** 2
    assert values.exact("second_moment") == Fraction(33, 5)
    assert values.exact("diameter") == 7
    assert values.exact("rank") == 1
    assert values.exact("epsilon") == Fraction(1, 10)
    assert values.exact("entropy") is None
    assert values.exact("path_kl") is None
    assert Values(Instance(Mixture(["1/2", "1/2"], [[0, 0], [1, 1]])), 30).exact("diameter") is None


def test_kappa():
    knots = ["0", "1", "3", "4"]
    assert float(Values(Instance(THREE, Schedule.from_snr(knots)), 20)["kappa"]) == 2
    assert float(Values(Instance(THREE, Schedule.from_snr(knots[1:])), 20)["kappa"]) == 2
    assert Values(Instance(THREE, Schedule.from_snr(["0", "1"])), 20)["kappa"] == 0


def test_exact_knots():
    uniform = Values(Instance(THREE, Schedule.uniform(3)), 20)
    assert uniform.exact("knots") == (0, Fraction(1, 3), Fraction(2, 3), 1)
    geometric = Values(Instance(THREE, Schedule.geometric(3, first="1/7", last=2)), 20)
    assert geometric.exact("knots") is None
    assert [geometric.exact(k) for k in ("first", "first_positive", "last")] == [0, Fraction(1, 7), 2]
    listed = Values(Instance(THREE, Schedule.from_alpha_bar(["0.1", "0.5", "1"])), 20)
    assert listed.exact("knots") == (Fraction(1, 10), Fraction(1, 2), 1)
    assert listed.exact("first_positive") == Fraction(1, 10)
    assert Values(PATH, 20).exact("last") is None


@pytest.mark.parametrize(
    ("quantity", "instance", "digits", "engine", "message"),
    [
        ("nope", PATH, 30, None, "quantity: 'nope' is not one of snr, mmse"),
        (["mmse"], POINT, 30, None, "is not one of snr, mmse"),
        ("mmse", THREE, 30, None, "instance: .* is not an Instance"),
        ("mmse", PATH, 30, None, "quantity: mmse needs a single snr"),
        ("path_kl", POINT, 30, None, "quantity: path_kl needs a schedule"),
        ("epsilon", PATH, 30, None, "quantity: epsilon needs the parameter epsilon"),
        ("knots", PATH, 30, None, "knots: a list of values"),
        ("entropy", PATH, 0, None, "digits: 0"),
        ("entropy", PATH, 30, "slow", "engine: 'slow'"),
        ("entropy", PATH, None, "certified", "digits"),
    ],
)
def test_bad_arguments(quantity, instance, digits, engine, message):
    with pytest.raises(ValueError, match=message):
        evaluate(quantity, instance, digits, engine)


def test_wider_spans_say_so():
    corners = [[0, 0, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    wide = Instance(Mixture(["1/5"] * 5, corners), snr=1)
    with pytest.raises(SpanError, match="span 4 dimensions"):
        evaluate("mmse", wide, digits=20)
    assert evaluate("rank", wide, digits=20).value == 4


def test_nothing_depends_on_the_precision_that_a_caller_left():
    expected = evaluate("path_kl", PATH, digits=40).value
    flint.ctx.prec, mpmath.mp.prec = 8, 8
    try:
        fresh = Instance(THREE, Schedule.from_snr(["1/10", "1/2", "1"]))
        hostile = Values(fresh, 40)
        kappa, kl = hostile["kappa"], hostile["path_kl"]
        assert (flint.ctx.prec, mpmath.mp.prec) == (8, 8)
        again = evaluate("path_kl", PATH, digits=40).value
    finally:
        flint.ctx.default()
        mpmath.mp.dps = 15
    assert again.repr() == expected.repr()
    assert kappa.contains(4)
    assert kl.rad() < flint.arb("1e-40")


def test_threads_at_different_digits():
    outcomes: dict[int, list[object]] = {}

    def work(digits: int) -> None:
        outcomes[digits] = [
            Values(Instance(THREE, Schedule.karras(6 + i)), digits)["path_kl"] for i in range(4)
        ]

    threads = [threading.Thread(target=work, args=(digits,)) for digits in (10, 25, 60, 110)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for digits, balls in outcomes.items():
        for i, ball in enumerate(balls):
            assert ball.rad() < flint.arb(f"1e-{digits}")
            alone = path_kl(THREE, Schedule.karras(6 + i), digits=digits)
            assert alone.overlaps(ball)


def test_values_are_those_of_numerics():
    assert evaluate("mmse", POINT, digits=25).value.overlaps(mmse(THREE, 3, digits=25))
