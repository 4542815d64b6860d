"""M'' as an enclosure: against direct integrals, and each of its error bounds by itself."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import flint
import mpmath
import numpy as np
import pytest

from numerics import Mixture, mmse
from numerics.arithmetic import balls, to_ball
from numerics.convexity import mmse_second_derivative
from numerics.curvature import (
    Budget,
    LocalStrip,
    Sums,
    _kept,
    _omitted,
    _sites,
    _strip,
    _table,
    enclose,
    second_strip,
    square_strip,
)
from numerics.nodes import choose
from numerics.quadrature import remainder
from tests.numerics.mixtures import FAMILY, parts, random_mixture, unit_law

# The value of M''


def direct(mixture: Mixture, t: str, digits: int) -> mpmath.mpf:
    """M''(t) by a fixed-step sum in mpmath, verified by halving the step."""
    with mpmath.workdps(digits + 15):
        s = mpmath.sqrt(mpmath.mpf(t))
        atoms = [mpmath.mpf(a[0].numerator) / a[0].denominator for a in mixture.means]
        weights = [mpmath.mpf(w.numerator) / w.denominator for w in mixture.weights]

        def f(z: mpmath.mpf) -> mpmath.mpf:
            joint = [w * mpmath.npdf(z, s * a) for w, a in zip(weights, atoms, strict=True)]
            p = mpmath.fsum(joint)
            mean = mpmath.fsum(q * a for q, a in zip(joint, atoms, strict=True)) / p
            k2, k3 = (
                mpmath.fsum(q * (a - mean) ** n for q, a in zip(joint, atoms, strict=True)) / p
                for n in (2, 3)
            )
            return p * (2 * k2**3 - k3**2)

        low, high = s * min(atoms) - 13, s * max(atoms) + 13
        coarse, fine = (
            (high - low) / n * mpmath.fsum(f(low + (high - low) * k / n) for k in range(n + 1))
            for n in (300, 600)
        )
        assert abs(coarse - fine) <= abs(fine) * mpmath.mpf(10) ** -digits
        return fine


@pytest.mark.parametrize(("name", "t"), [("binary", "0.2"), ("three", "0.05"), ("five", "1.5")])
def test_second_derivative_is_the_direct_integral(name: str, t: str) -> None:
    value = mmse_second_derivative(FAMILY[name], t, 20)
    reference = direct(FAMILY[name], t, 18)
    with mpmath.workdps(40):
        middle = mpmath.mpf(value.mid().str(40, radius=False))
        assert abs(middle - reference) <= 2e-18 * abs(reference)
    assert value.rel_accuracy_bits() > 60


@pytest.mark.parametrize("t", ["1/2", "3", "40"])
def test_second_derivative_is_the_second_difference_of_the_mmse(t: str) -> None:
    """[M(t + h) - 2 M(t) + M(t - h)]/h^2 = M''(t) + O(h^2), at two steps."""
    target, centre = FAMILY["three"], Fraction(t)
    exact = mmse_second_derivative(target, t, 20)
    errors = []
    for h in (Fraction(1, 10**4), Fraction(1, 2 * 10**4)):
        with balls(400).precision():
            values = [mmse(target, centre + k * h, digits=60) for k in (-1, 0, 1)]
            difference = (values[0] - 2 * values[1] + values[2]) / flint.arb(float(h)) ** 2
            errors.append(float(abs(difference / exact - 1).mid()))
    assert errors[0] < 1e-5
    assert errors[1] == pytest.approx(errors[0] / 4, rel=0.01)


def test_second_derivative_at_zero_is_exact_and_scales() -> None:
    three = FAMILY["three"]
    atoms = [(w, a[0]) for w, a in zip(three.weights, three.means, strict=True)]
    mean = sum(w * a for w, a in atoms)
    k2, k3 = (sum(w * (a - mean) ** n for w, a in atoms) for n in (2, 3))
    with balls(256).precision():
        assert mmse_second_derivative(three, 0).overlaps(to_ball(2 * k2**3 - k3**2))
    moved = Mixture(three.weights, [10**6 - 2 * a[0] for a in three.means])
    for t in (Fraction(1, 7), 5, 100):
        here, there = mmse_second_derivative(three, t), mmse_second_derivative(moved, Fraction(t, 4))
        with balls(128).precision():
            assert (here * 64).overlaps(there)
        assert here.rel_accuracy_bits() > 40
    assert mmse_second_derivative(Mixture([1], [3]), 1) == 0


def test_second_derivative_of_a_ball_encloses_all_its_points() -> None:
    for name, mixture in FAMILY.items():
        for t in (0.01, 0.3, 2.0, 30.0):
            wide = mmse_second_derivative(mixture, flint.arb(t, t / 50))
            for u in (-1, -0.4, 0.7, 1):
                assert wide.overlaps(mmse_second_derivative(mixture, t * (1 + u / 51))), (name, t, u)


def test_second_derivative_at_enormous_snr() -> None:
    """M'' -> constant e^(-t g^2/8) t^(-1/2) with the smallest gap g: here (3/10 1/2)^... over g = 3."""
    values = [mmse_second_derivative(FAMILY["three"], t, 10) for t in (10**6, 4 * 10**6)]
    with balls(128).precision():
        rates = [(v * flint.arb(t).sqrt()).log() for v, t in zip(values, (10**6, 4 * 10**6), strict=True)]
        slope = (rates[1] - rates[0]) / (3 * 10**6)
    assert float(slope) == pytest.approx(-9 / 8, rel=1e-9)


# The error bounds, each by itself


def test_remainder_bounds_the_error_of_coarse_sums() -> None:
    """|trapezoid - integral| <= remainder at coarse h; and not by much, so that no factor is spare."""
    rng = random.Random(5)
    tightest = {(strip, late): 0.0 for strip in (square_strip, second_strip) for late in (False, True)}
    for _ in range(60):
        count = rng.randint(2, 5)
        atoms = [0, *sorted(Fraction(rng.randint(1, 99), 100) for _ in range(count - 2)), 1]
        mixture = Mixture(*_normal([rng.random() ** 2 + 1e-6 for _ in atoms], atoms))
        t = 10 ** rng.uniform(-3, 2)
        a, b, c = parts(mixture, t, 0.01)
        for h in (0.3, 0.5, 0.8, 1.2, 2.0, 3.0, 5.0):
            for shift in (0.0, rng.random()):
                x, y, z = parts(mixture, t, h, shift)
                for strip, error in ((square_strip, abs(z - c)), (second_strip, abs(x - y - a + b))):
                    spread = flint.arb(math.sqrt(t))
                    bound = float(remainder(flint.arb(h), strip(flint.arb(c), spread)))
                    assert error <= bound + 1e-12 * c
                    if error > 1e-9 * c:
                        key = strip, t > 10
                        tightest[key] = max(tightest[key], error / bound)
    assert tightest[square_strip, False] > 0.99
    assert tightest[square_strip, True] > 0.45
    assert tightest[second_strip, False] > 0.45
    assert tightest[second_strip, True] > 0.35


def _normal(weights: list[float], atoms: list[Fraction | int]) -> tuple[list[Fraction], list[Fraction]]:
    exact = [Fraction(w) for w in weights]
    merged = {Fraction(a): w for a, w in zip(atoms, exact, strict=True)}
    total = sum(merged.values())
    return [w / total for w in merged.values()], list(merged)


def test_local_strip_bounds_the_error_where_the_extent_is_smaller() -> None:
    narrow, tightest = 0, 0.0
    for name in ("five", "grid16", "three"):
        law = unit_law(FAMILY[name])
        mixture = Mixture(law.weights, law.atoms)
        for t in (20.0, 100.0, 500.0, 2000.0):
            nodes = choose(law, t, t, 8.0)
            with balls(64).precision():
                _, spread, lost = _strip(law, flint.arb(t), nodes, _sites(law, 64))
            assert lost < 0.011
            narrow += float(spread) < 0.9 * math.sqrt(t)
            a, b, c = parts(mixture, t)
            for h in (0.3, 0.6, 1.0, 1.5, 2.5):
                x, y, z = parts(mixture, t, h, 0.37)
                for strip, error in ((square_strip, abs(z - c)), (second_strip, abs(x - y - a + b))):
                    bound = float(remainder(flint.arb(h), strip(flint.arb(c), spread, lost)))
                    assert error <= bound + 1e-9 * c, (name, t, h)
                    if error > 1e-7 * c:
                        tightest = max(tightest, error / bound)
    assert narrow >= 5
    assert tightest > 0.1


def test_local_strip_knows_what_it_lost() -> None:
    """delta covers the far atoms at points within the cells, also where weights are extreme."""
    for weights in (["1/4"] * 4, ["1e-9", "0.5", "0.3", Fraction(2, 10) - Fraction(1, 10**9)]):
        law = unit_law(Mixture(weights, [0, 1, 3, 7]))
        atoms, logs = (np.array([float(x) for x in y]) for y in (law.atoms, law.weights))
        logs = np.log(logs)
        for t in (30.0, 300.0, 3000.0):
            nodes = choose(law, t, t, 8.0)
            with balls(64).precision():
                lost = float(_strip(law, flint.arb(t), nodes, _sites(law, 64))[2])
            for cell in nodes.cells:
                far = [i for i in range(4) if i not in cell.near]
                x = np.linspace(max(cell.start, -9), min(cell.end, 9), 201)[:, None]
                odds = np.exp(
                    logs - logs[cell.atom] - t / 2 * ((x - atoms) ** 2 - (x - atoms[[cell.atom]]) ** 2)
                )
                assert odds[:, far].sum(axis=1).max(initial=0.0) <= lost * (1 + 1e-6)


def test_local_strip_bounds_the_density() -> None:
    """|p(x + iy)| >= e^(y^2/2) (cos(theta) - 2 delta) p(x), for the near atoms 0 and 1/4 beside 1."""
    weights, atoms, s = np.array([0.6, 0.39, 0.01]), np.array([0.0, 0.25, 1.0]), 0.7
    x = np.linspace(-6, 0.1, 400)[:, None]
    real = weights * np.exp(-((x - s * atoms) ** 2) / 2)
    lost = float((real[:, 2] / real[:, 0]).max())
    assert lost < 0.02
    smallest = 1.0
    for y in np.linspace(0.1, 6, 60):
        shifted = weights * np.exp(-((x + 1j * y - s * atoms) ** 2) / 2)
        least = float((abs(shifted.sum(axis=1)) / real.sum(axis=1)).min())
        strip = LocalStrip(flint.arb(1), flint.arb(s / 4), 1, lost=flint.arb(lost))
        bound = math.exp(y * y) / float(strip.bound(flint.arb(y)))
        assert bound <= least * (1 + 1e-12)
        smallest = min(smallest, least / (math.exp(y * y / 2) * math.cos(s * y / 8)))
    assert smallest < 1


def test_far_atoms_are_enclosed_together() -> None:
    """The sums with some atoms in one ball contain those with each by itself."""
    law = unit_law(FAMILY["five"])
    with balls(64).precision():
        site = _sites(law, 64)[1]
        t, gamma, step = flint.arb(40), flint.arb(0), flint.arb(2) ** -6
        nodes = range(-12, -8)
        ends = step * nodes[0], step * nodes[-1]
        exact_table, exact_base = _table(t, ends, site, flint.arb(0))
        table, base = _table(t, ends, site, flint.arb(0.05))
        assert 0 < len(table) < len(exact_table) == 4
        exact = _kept(t, gamma, step, nodes, site, exact_table, exact_base)
        together = _kept(t, gamma, step, nodes, site, table, base)
    for narrow, wide in zip(exact, together, strict=True):
        assert wide.contains(narrow)


def test_omitted_nodes_are_bounded() -> None:
    rng = random.Random(7)
    closest = 0.0
    for _ in range(60):
        mixture = random_mixture(rng, 4)
        law = unit_law(mixture)
        t, h = 10 ** rng.uniform(-1, 3), 10 ** rng.uniform(-2.5, -1)
        site = rng.randrange(len(law.atoms))
        first, last = sorted(rng.randint(int(-1.5 / h), int(1.5 / h)) for _ in range(2))
        weights, atoms = (np.array([float(x) for x in y]) for y in (law.weights, law.atoms))
        x = h * np.arange(first, last + 1)
        exponent = np.log(weights) - t / 2 * (x[:, None] - atoms) ** 2
        top = exponent.max(axis=1)
        posterior = np.exp(exponent - top[:, None])
        total = posterior.sum(axis=1)
        posterior /= total[:, None]
        k2 = (posterior * (atoms - (posterior @ atoms)[:, None]) ** 2).sum(axis=1)
        actual = float((np.exp(top) * total * k2**2).sum())
        with balls(64).precision():
            arguments = flint.arb(t), flint.arb(0), flint.arb(h)
            bound = float(_omitted(*arguments, first, last, _sites(law, 64)[site]))
            without_end = float(_omitted(*arguments, first, None, _sites(law, 64)[site]))
        assert actual <= bound * (1 + 1e-9)
        assert bound <= without_end * (1 + 1e-9)
        if actual > 1e-250:
            closest = max(closest, actual / bound)
    assert closest > 0.05


def test_sums_enclose_at_any_accuracy() -> None:
    """Coarse enclosures contain fine ones, of M'' and of C, and the radius is what was asked for."""

    def absolute(sums: Sums, t: flint.arb) -> tuple[flint.arb, flint.arb]:
        with balls(256).precision():
            factor = sums.factor(t)
            return sums.second * factor, sums.square * factor

    rng = random.Random(3)
    for _ in range(12):
        law = unit_law(random_mixture(rng))
        for t in (flint.arb(x) for x in (1e-3, 0.1, 1.0, 10.0, 60.0, 400.0)):
            second, square = absolute(enclose(law, t, 60.0, Budget()), t)
            for accuracy in (-1.0, 0.0, 1.0, 3.0, 8.0, 20.0):
                sums = enclose(law, t, accuracy, Budget())
                if sums.square.is_finite():
                    assert absolute(sums, t)[0].overlaps(second)
                    assert absolute(sums, t)[1].overlaps(square)
                if accuracy >= 3:
                    assert float(sums.second.rad() / sums.square.mid()) < math.exp(3 - accuracy)


def test_inequalities_between_cumulants() -> None:
    """On an interval of length 1: those that the stretches and the remainder rest on."""
    rng = np.random.default_rng(1)
    for _ in range(3000):
        count = rng.integers(2, 6)
        atoms = np.r_[0, rng.random(count - 2), 1]
        weights = rng.random(count) ** rng.integers(1, 12)
        weights /= weights.sum()
        centred = atoms - weights @ atoms
        k2, k3, m4, m5 = (float(weights @ centred**n) for n in (2, 3, 4, 5))
        k4, k5 = m4 - 3 * k2**2, m5 - 10 * k2 * k3
        tiny = 1e-12 * k2**2
        assert k3**2 <= k2**2 * (1 - 4 * k2) + tiny
        assert abs(2 * k2**3 - k3**2) <= k2**2
        assert 12 * k2 * k3**2 - 6 * k2**4 - k4**2 >= -(k2**2)
        fourth = 24 * k2**5 - 120 * k2**2 * k3**2 + 20 * k2 * k4**2 + 30 * k3**2 * k4 - k5**2
        assert fourth >= -6 * k2**2
    x = np.linspace(0, 1, 1001)
    assert np.all(abs((1 + x) * (2 - x) * (1 - 2 * x)) / 6 <= (1 - x + x**2) / 3 + 1e-15)


def test_kernel_of_the_third_cumulant() -> None:
    """k3 = E of (1 + x)(2 - x)(1 - 2 x)/6, scaled, over ordered triples; 2 k2 = E (2/3)(1 - x + x^2)."""
    weights, atoms = [Fraction(1, 5), Fraction(1, 2), Fraction(3, 10)], [Fraction(a) for a in (-3, 0, 4)]
    points = list(zip(weights, atoms, strict=True))
    mean = sum(w * a for w, a in points)
    third = second = Fraction(0)
    for u, a in points:
        for v, b in points:
            for w, c in points:
                low, middle, high = sorted((a, b, c))
                span = high - low
                x = (middle - low) / span if span else Fraction(0)
                third += u * v * w * span**3 * (1 + x) * (2 - x) * (1 - 2 * x) / 6
                second += u * v * w * span**2 * Fraction(2, 3) * (1 - x + x * x)
    assert third == sum(w * (a - mean) ** 3 for w, a in points)
    assert second == 2 * sum(w * (a - mean) ** 2 for w, a in points)
