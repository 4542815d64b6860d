"""Two and three dimensions: against sums of the line's values, against mpmath, and the bounds themselves at
coarse spacings and short reaches, where a missing factor cannot hide.
"""

from __future__ import annotations

import math
import random
import time
from dataclasses import replace
from fractions import Fraction
from itertools import product

import flint
import mpmath
import numpy as np
import pytest

from numerics import (
    Mixture,
    PrecisionError,
    Schedule,
    covariance_moment,
    mmse,
    mutual_information,
    path_kl,
    space,
    space_machine,
)
from numerics.arithmetic import balls, to_ball
from numerics.channel import functional_truth
from numerics.cores import Functional
from numerics.quadrature import Spacing
from numerics.space_grid import Cloud, Plan, cloud_of, plan
from numerics.space_machine import machine_integral, rounding_bound
from tests.numerics import reference

NAMES = {"mmse": mmse, "mutual_information": mutual_information, "covariance_moment": covariance_moment}

functionals = pytest.mark.parametrize("name", list(NAMES))

ONE = Mixture(["1/3", "2/3"], [0, 1], 1)
TWO = Mixture(["1/5", "1/2", "3/10"], [-1, 0, "4/3"], 1)
FLAT = Mixture(["1/4", "3/4"], [0, "1/10"], 1)

TRIANGLE = Mixture(["1/5", "1/2", "3/10"], [[0, 0], [1, 0], [0, 2]], 1)
SIMPLEX = Mixture(["1/10", "2/10", "3/10", "4/10"], [[0, 0, 0], [1, 0, 0], [0, 2, 0], [1, 1, "3/2"]], 1)

TURNS = {
    2: [["3/5", "4/5"], ["-4/5", "3/5"]],
    3: [["2/3", "2/3", "1/3"], ["-2/3", "1/3", "2/3"], ["1/3", "-2/3", "2/3"]],
}


def product_of(*lines: Mixture) -> Mixture:
    """Independent coordinates, turned by a rational rotation: functionals are sums of the lines' ones."""
    turn = [[Fraction(x) for x in row] for row in TURNS[len(lines)]]
    weights, atoms = [], []
    for chosen in product(*(range(len(line.weights)) for line in lines)):
        weights.append(
            math.prod((m.weights[i] for m, i in zip(lines, chosen, strict=True)), start=Fraction(1))
        )
        point = [m.means[i][0] for m, i in zip(lines, chosen, strict=True)]
        atoms.append([sum(a * x for a, x in zip(row, point, strict=True)) for row in turn])
    return Mixture(weights, atoms, 1)


@functionals
@pytest.mark.parametrize("t", ["1e-9", "1/10", 2, 12, 1000, "1e9"])
@pytest.mark.parametrize("lines", [(ONE, TWO), (TWO, FLAT)], ids=["plane", "flat"])
def test_a_plane_is_the_sum_of_its_lines(lines: tuple[Mixture, ...], t: str, name: str) -> None:
    ball = NAMES[name](product_of(*lines), t, digits=15)
    with balls(120).precision():
        parts = [NAMES[name](line, t, digits=25) for line in lines]
        scale = functional_truth(name, product_of(*lines), "0").value + flint.arb(1)
        assert abs(ball - sum(parts)) <= flint.arb("1e-15") * abs(sum(parts)).max(
            flint.arb("1e-15") * scale
        )


@functionals
@pytest.mark.parametrize("t", ["1e-9", "1/10", 1, "1e9"])
def test_a_space_is_the_sum_of_its_lines(t: str, name: str) -> None:
    lines = (ONE, Mixture(["1/5", "4/5"], [0, "2/3"], 1), FLAT)
    ball = NAMES[name](product_of(*lines), t, digits=10)
    with balls(120).precision():
        parts = [NAMES[name](line, t, digits=25) for line in lines]
        assert abs(ball - sum(parts)) <= flint.arb("1e-10") * abs(sum(parts)).max(flint.arb("1e-9"))


@functionals
def test_the_mpmath_engine(name: str) -> None:
    slow = NAMES[name](TRIANGLE, "3/2", digits=8, engine="mpmath")
    ball = NAMES[name](TRIANGLE, "3/2", digits=15)
    with mpmath.workdps(30):
        assert abs(slow - reference.midpoint(ball)) < mpmath.mpf(10) ** -9


def test_fast_values_keep_their_stated_errors() -> None:
    rng = random.Random(5)
    for _ in range(8):
        count, r = rng.randint(3, 6), rng.choice((2, 2, 2, 3))
        weights = [Fraction(rng.randint(1, 50)) for _ in range(count + r - 2)]
        atoms = [[Fraction(rng.randint(-9, 9), 4) for _ in range(r)] for _ in weights]
        target = Mixture([w / sum(weights) for w in weights], atoms, 1)
        t = Fraction(10) ** rng.randint(-4, 0) * rng.choice((1, 3))
        for name in NAMES:
            fast = functional_truth(name, target, t)
            exact = NAMES[name](target, t, digits=15 if target.core.rank < 3 else 10)
            assert abs(fast.value - float(exact.mid())) <= fast.error + 2 * float(exact.rad())


def coarse(cloud: Cloud, t: float, spacings: list[Spacing], reach: float = 12.0) -> Plan:
    """A grid of given spacings, generous in its range."""
    ranges = []
    for axis, q, h in zip(zip(*cloud.atoms, strict=True), cloud.lengths, spacings, strict=True):
        size = math.sqrt(t * float(q))
        low, high = size * float(min(axis)) - reach, size * float(max(axis)) + reach
        ranges.append((math.floor(low / float(h)), math.ceil(high / float(h))))
    return Plan(tuple(spacings), reach, tuple(ranges))


def clouds() -> list[Cloud]:
    rng = random.Random(11)
    found = [cloud_of(TRIANGLE.core), cloud_of(SIMPLEX.core)]
    for r in (2, 2, 3):
        weights = [Fraction(rng.randint(1, 30)) for _ in range(r + 2)]
        atoms = [[Fraction(rng.randint(-8, 8)) for _ in range(r)] for _ in weights]
        found.append(cloud_of(Mixture([w / sum(weights) for w in weights], atoms).core))
    return found


@functionals
def test_the_remainder_at_coarse_spacings(name: Functional) -> None:
    """Spacings of up to three, different from axis to axis; what is visible must be below the bound."""
    seen = 0
    for cloud in clouds():
        for t in (0.25, 4.0) if cloud.rank == 3 else (0.25, 4.0, 25.0):
            fine = coarse(cloud, t, [Spacing(1, -3 + (t < 5))] * cloud.rank)
            truth = machine_integral(cloud, t, name, fine)
            for widths in ((12, 12, 12), (20, 8, 14), (6, 24, 16), (5, 5, 5)):
                grid = coarse(cloud, t, [Spacing(w, -3) for w in widths[: cloud.rank]])
                error = abs(machine_integral(cloud, t, name, grid) - truth)
                with balls(64).precision():
                    bound = space._remainder(cloud, flint.arb(t), name, [h.ball() for h in grid.h])
                assert error <= float(bound.upper()) + 1e-13
                seen += error > 1e-6
    assert seen > 8


@functionals
def test_the_truncation_at_short_reaches(name: Functional) -> None:
    for cloud in clouds():
        for t in (0.25, 4.0):
            full = coarse(cloud, t, [Spacing(1, -2)] * cloud.rank)
            truth = machine_integral(cloud, t, name, full)
            for reach in (2.0, 3.0, 4.0, 5.0):
                grid = replace(coarse(cloud, t, list(full.h), reach), reach=reach)
                lost = abs(machine_integral(cloud, t, name, grid) - truth)
                with balls(64).precision():
                    bound = space._truncation(cloud, flint.arb(t), name, grid)
                assert lost <= float(bound.upper()) + 1e-13


def test_nodes_left_out_are_far_from_every_atom() -> None:
    """Every node within reach of an atom is in a block."""
    cloud, t = cloud_of(TRIANGLE.core), 40.0
    grid = plan(cloud, t, "mmse", 20.0)
    nodes = [float(h) * np.arange(a, b + 1) for h, (a, b) in zip(grid.h, grid.ranges, strict=True)]
    centres = math.sqrt(t) * np.array([[float(x.mid()) for x in b] for b in cloud.points(64)])
    rest = np.full(len(centres), grid.reach**2)
    taken = np.zeros((len(nodes[0]), len(nodes[1])), dtype=bool)
    for first, last, low, high in space_machine._near_blocks(nodes[0], nodes[1], centres, rest, 7):
        taken[first:last, low:high] = True
    squared = ((nodes[0][:, None, None] - centres[:, 0]) ** 2) + (nodes[1][:, None] - centres[:, 1]) ** 2
    assert not (squared.min(axis=2) < grid.reach**2)[~taken].any()
    assert (~taken).any()


def test_the_logarithm() -> None:
    rng = np.random.default_rng(2)
    x = np.concatenate([10.0 ** rng.uniform(-290, 2, 4000), rng.uniform(0.5, 2, 4000), [1.0, 0.5, 2.0]])
    x = np.concatenate([x, np.nextafter(math.sqrt(0.5), [0, 1]), 1 + rng.uniform(-1e-9, 1e-9, 500)])
    found = space_machine._log(x)
    with mpmath.workdps(40):
        for a, b in zip(x.tolist(), found.tolist(), strict=True):
            exact = mpmath.log(mpmath.mpf(a))
            assert abs(b - exact) <= 5 * 2.0**-53 * (abs(exact) + 1)


@functionals
def test_machine_sums_against_balls(name: Functional) -> None:
    for cloud in clouds():
        for t in (0.01, 3.0, 40.0):
            grid = plan(cloud, t, name, 12.0)
            if grid.nodes > 3e5:
                continue
            machine = machine_integral(cloud, t, name, grid)
            exact = space._ball_integral(cloud, flint.arb(t), name, grid, 128)
            rounding = rounding_bound(cloud, t, name, grid)
            with balls(64).precision():
                left_out = space._truncation(cloud, flint.arb(t), name, grid)
            assert abs(machine - float(exact.mid())) <= rounding + float(left_out.upper())


def test_enclosures_nest() -> None:
    for t in ("1/7", 9):
        for function in NAMES.values():
            values = [function(TRIANGLE, t, digits=digits) for digits in (5, 15, 22)]
            assert values[0].overlaps(values[1])
            assert values[1].overlaps(values[2])
            assert values[2].rad() < values[1].rad() < values[0].rad()


def test_the_ambient_dimension_does_not_matter() -> None:
    """A plane in 20,000 dimensions: the same core, the same ball, at the same cost once it is read."""
    wide = [[x, *[0] * 19_997, y, 0] for x, y in TRIANGLE.means]
    target = Mixture(TRIANGLE.weights, [[str(x) for x in point] for point in wide], 1)
    began = time.process_time()
    assert target.core == TRIANGLE.core
    assert time.process_time() - began < 5
    assert target.dimension == 20_000
    assert mmse(target, 2, digits=12).mid() == mmse(TRIANGLE, 2, digits=12).mid()


def test_path_kl_adds_too() -> None:
    schedule = Schedule.from_snr([0, "1/10", "1/2", 1, 3])
    whole = path_kl(product_of(ONE, TWO), schedule, digits=12)
    with balls(100).precision():
        parts = path_kl(ONE, schedule, digits=20) + path_kl(TWO, schedule, digits=20)
        assert abs(whole - parts) < 1e-12 * parts
        assert path_kl(product_of(ONE, TWO), schedule) == pytest.approx(float(parts.mid()), rel=1e-11)


def test_what_is_out_of_reach_is_said_at_once() -> None:
    began = time.monotonic()
    crowd = Mixture(["1/64"] * 64, [[i % 4, i // 4 % 4, i // 16] for i in range(64)])
    for digits in (None, 10, 300):
        with pytest.raises(PrecisionError, match="nodes"):
            mmse(crowd, 300, digits=digits)
    assert time.monotonic() - began < 10


def test_derivatives() -> None:
    """I' = M/2 and M' = -C in the plane."""
    width = Fraction(1, 10**6)
    with balls(128).precision():
        step = 2 * to_ball(width)
        i = [mutual_information(TRIANGLE, 2 + side * width, digits=22) for side in (-1, 1)]
        m = [mmse(TRIANGLE, 2 + side * width, digits=22) for side in (-1, 1)]
        assert abs((i[1] - i[0]) / step - mmse(TRIANGLE, 2, digits=15) / 2) < 1e-11
        assert abs((m[0] - m[1]) / step - covariance_moment(TRIANGLE, 2, digits=15)) < 1e-11
