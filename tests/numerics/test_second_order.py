"""The order-2 sampler's path KL: balls, mpmath and machine numbers against each other."""

from __future__ import annotations

import random
import signal

import flint
import mpmath
import pytest

from numerics import Mixture, Schedule, path_kl, samplers
from numerics.sampler_path import sampler_path_kl
from numerics.second_order import _integral

ORDER_2 = samplers.MomentMatched(2)
THREE = Mixture(["1/5", "1/2", "3/10"], [-3, 0, 4])
DISCRETE = Mixture(["1/5", "1/2", "3/10"], [-3, 0, 4], 0)


@pytest.mark.parametrize("start", ["exact", "normal"])
def test_balls_and_mpmath_agree(start: str) -> None:
    schedule = Schedule.ddpm_linear(4)
    ball = path_kl(THREE, schedule, ORDER_2, start, digits=20)
    other = path_kl(THREE, schedule, ORDER_2, start, digits=15, engine="mpmath")
    with mpmath.workdps(30):
        assert abs(mpmath.mpf(ball.mid().str(30, radius=False)) / other - 1) < mpmath.mpf(10) ** -15


@pytest.mark.parametrize(
    ("target", "schedule"),
    [
        (THREE, Schedule.ddpm_linear(20)),
        (THREE, Schedule.li_cai_wei(50)),
        (THREE, Schedule.uniform(10, 1)),
        (DISCRETE, Schedule.karras(18)),
        (DISCRETE, Schedule.geometric(10, first="1/1000", last=100)),
        (Mixture(["1/4", "1/2", "1/4"], [0, "1/100", 1], 1), Schedule.karras(18)),
        pytest.param(
            Mixture(["1/1000", "999/1000"], [-30, 1], "1/10"), Schedule.cosine(12), marks=pytest.mark.slow
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_machine_numbers_are_as_near_as_they_say(target: Mixture, schedule: Schedule) -> None:
    """Close and far atoms, steps whose increments spread over 10 and over 1,000 deviations."""
    ball = path_kl(target, schedule, ORDER_2, digits=12)
    fast = sampler_path_kl(target, schedule, ORDER_2)
    assert abs(fast.value - float(ball.mid())) <= fast.error + 2e-15 * fast.value
    assert fast.error <= 2e-11 * fast.value


def test_radius_and_nesting() -> None:
    schedule = Schedule.from_snr([0, "1/10", "1/2", 3])
    balls = [path_kl(THREE, schedule, ORDER_2, digits=digits) for digits in (8, 16, 32)]
    for digits, ball in zip((8, 16, 32), balls, strict=True):
        assert float(ball.rad()) <= 10.0**-digits * float(ball.mid())
    assert balls[0].contains(balls[1]) or balls[0].overlaps(balls[1])
    assert balls[1].overlaps(balls[2])
    assert balls[0].overlaps(balls[2])


def test_it_is_below_the_order_one_path_and_zero_for_one_atom() -> None:
    schedule = Schedule.ddpm_linear(6)
    assert path_kl(THREE, schedule, ORDER_2, digits=10) < path_kl(THREE, schedule, digits=10)
    assert path_kl(Mixture([1], [3], 1), schedule, ORDER_2, digits=10) == 0


@pytest.mark.slow
def test_machine_numbers_at_random_laws() -> None:
    rng = random.Random(5)
    for _ in range(15):
        count = rng.randint(2, 6)
        weights = [rng.choice([1, 1, 2, 5, 100, 10**6]) for _ in range(count)]
        total = sum(weights)
        means = rng.sample(range(-40, 41), count)
        scale = rng.choice([1, 10, 100])
        target = Mixture(
            [f"{w}/{total}" for w in weights],
            [f"{m}/{scale}" for m in means],
            rng.choice(["0", "1/100", "1"]),
        )
        knots = ["0", *sorted({f"{rng.randint(1, 1000)}/100" for _ in range(4)}, key=lambda x: int(x[:-4]))]
        schedule = (
            Schedule.from_snr(knots) if not target.variance else Schedule.ddpm_linear(rng.randint(2, 9))
        )
        ball = path_kl(target, schedule, ORDER_2, digits=12)
        fast = sampler_path_kl(target, schedule, ORDER_2)
        allowed = fast.error + 2e-15 * fast.value + float(ball.rad())
        assert abs(fast.value - float(ball.mid())) <= allowed, (target, schedule)


def test_an_interrupt_within_the_integral_is_an_interrupt() -> None:
    def integrand(z: flint.acb, analytic: bool) -> flint.acb:
        signal.raise_signal(signal.SIGINT)
        return z

    with pytest.raises(KeyboardInterrupt):
        _integral(integrand, 0, 1, flint.arb(1))
