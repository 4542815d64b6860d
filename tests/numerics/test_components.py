"""Mixtures whose components have their own covariances: target, strip bound, engines, path."""

from __future__ import annotations

import itertools
import math
import random
import threading
from fractions import Fraction

import flint
import mpmath
import numpy as np
import pytest

from numerics import Mixture, Schedule, mmse, mutual_information
from numerics.arithmetic import balls, to_ball
from numerics.components import GeneralMixture
from numerics.components_fast import fast_value
from numerics.components_latent import latent_law
from numerics.components_line import line_value
from numerics.components_path import general_mmse, general_mutual_information, general_path_kl
from numerics.components_plan import machine_law, plan
from numerics.components_shield import certainly_hidden
from numerics.components_strip import (
    Piece,
    Plan,
    Strip,
    ball_law,
    between_clusters,
    left_out,
    live_arc,
    strip_bound,
    strip_remainder,
)
from numerics.quadrature import Spacing
from numerics.targets import Target
from numerics.truth import PrecisionError, SpanError

F = Fraction
KINDS = ("mmse", "mutual_information")
GENERAL = {"mmse": general_mmse, "mutual_information": general_mutual_information}
THREE = GeneralMixture(["1/2", "3/10", "1/5"], [0, 1, 4], [1, "1/4", 9])
PAIR = GeneralMixture(["1/2", "1/2"], [0, 0], [1, 4])
PLANE = GeneralMixture(
    ["1/2", "1/3", "1/6"], [[0, 0], [2, 1], [-1, 3]], [[[1, 0], [0, 4]], [[2, 1], [1, 1]], [[1, 0], [0, 0]]]
)


def ball(value, bits=200):
    with balls(bits).precision():
        return to_ball(F(value))


def same(x, y, digits):
    """Whether two balls overlap and both are good to `digits` digits relative."""
    bits = int(digits * 3.33)
    return x.overlaps(y) and x.rel_accuracy_bits() >= bits and y.rel_accuracy_bits() >= bits


@pytest.fixture(autouse=True)
def _precision():
    """Balls are compared at a precision that loses nothing."""
    before = flint.ctx.prec
    flint.ctx.prec = 300
    yield
    flint.ctx.prec = before


# The target


def test_round_trip():
    matrices = GeneralMixture(
        ["1/3", "2/3"], [[0, 1], [2, "1/7"]], [[[2, "1/2"], ["1/2", 1]], [[0, 0], [0, 3]]]
    )
    for target in (THREE, PAIR, PLANE, matrices):
        assert Target.from_json(target.to_json()) == target
        assert eval(repr(target), {"GeneralMixture": GeneralMixture}) == target  # noqa: S307
        assert hash(Target.from_json(target.to_json())) == hash(target)


def test_scalar_matrices_are_numbers():
    matrices = GeneralMixture(["1/2", "1/2"], [[0, 0], [1, 0]], [[[2, 0], [0, 2]], [[3, 0], [0, 3]]])
    assert matrices == GeneralMixture(["1/2", "1/2"], [[0, 0], [1, 0]], [2, 3])
    assert GeneralMixture([1], [0], [[["1/4"]]]) == GeneralMixture([1], [0], ["1/4"])


def test_merging_and_dropping():
    target = GeneralMixture(["1/4", "1/4", "1/2", 0], [0, 0, 0, 5], [1, 1, 2, 7])
    assert target.weights == (F(1, 2), F(1, 2))
    assert len(target.notes) == 2


@pytest.mark.parametrize(
    ("covariances", "message"),
    [
        ([1, -1], "covariances[1]: -1 is negative"),
        ([1], "covariances: 1 entries, but means has 2"),
        ([1, "x"], "covariances[1]"),
        ([1, float("nan")], "covariances[1]"),
        ([1, [[1]]], "covariances: numbers and matrices are mixed"),
        ([[[1, 0], [0, 1]], [[1, 2], [2, 1]]], "covariances[1]: not positive semidefinite"),
        ([[[1, 0], [0, 1]], [[-1, 0], [0, 1]]], "covariances[1]: not positive semidefinite"),
        ([[[1, 0], [0, 1]], [[0, 1], [1, 0]]], "covariances[1]: not positive semidefinite"),
        ([[[1, 0], [0, 1]], [[1, 0.1], [0.2, 1]]], "covariances[1]: not symmetric"),
        ([[[1, 0], [0, 1]], [[1, 0]]], "covariances[1]: 1 rows"),
        ([[[1, 0], [0, 1]], [[1, 0], [0]]], "covariances[1][1]: 1 entries"),
        ([[1, 0], [0, 1]], "covariances[0][0]: 1 is not a row"),
        ([], "covariances: the list is empty"),
        (3, "covariances: 3 is not a list"),
    ],
)
def test_one_line_errors(covariances, message):
    with pytest.raises(ValueError, match=r"^covariances") as error:
        GeneralMixture(["1/2", "1/2"], [[0, 0], [1, 1]], covariances)
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


def test_singular_covariances_are_exact():
    third = [["1/9", "2/9"], ["2/9", "4/9"]]
    assert GeneralMixture([1], [[0, 0]], [third]).spectra[0].trace == F(5, 9)
    with pytest.raises(ValueError, match="not positive semidefinite"):
        GeneralMixture([1], [[0, 0]], [[["1/9", "2/9"], ["2/9", F(4, 9) - F(1, 10**60)]]])


def test_moments_and_samples():
    rng = np.random.default_rng(1)
    x = PLANE.sample(rng, 200_000)
    assert x.shape == (200_000, 2)
    assert abs((x**2).sum(axis=1).mean() / float(PLANE.second_moment) - 1) < 0.02
    assert abs(x.var(axis=0).sum() / float(PLANE.total_variance) - 1) < 0.02
    assert PLANE.variance == 0
    assert PLANE.core.variance == PLANE.total_variance
    with pytest.raises(ValueError, match="have no core"):
        mmse(PLANE, 1, estimate="core")


# Closed forms


@pytest.mark.parametrize("t", [0, "1/3", 7, "1e9", "1e-9"])
def test_one_gaussian(t):
    target = GeneralMixture([1], [[5, 0]], [[[2, 1], [1, 2]]])
    x = ball(F(t))
    found = general_mmse(target, t, digits=30)
    assert found.latent == 0
    with balls(200).precision():
        assert same(found.total, 3 / (1 + 3 * x) + 1 / (1 + x), 30)
        expected = ((1 + 3 * x).log() + (1 + x).log()) / 2
    information = general_mutual_information(target, t, digits=30).total
    assert information == 0 if t == 0 else same(information, expected, 30)


def test_gaussian_path_term_by_term():
    knots = [F(0), F(1, 3), F(2), F(50)]
    target = GeneralMixture(["1/4", "3/4"], [[0, 0], [0, 0]], [[[2, 1], [1, 2]], [[1, 0], [0, 5]]])
    found = general_path_kl(target, Schedule.from_snr(knots)).gaussian
    total = 0.0
    for weight, eigenvalues in ((0.25, (1, 3)), (0.75, (1, 5))):
        for a, (t, following) in itertools.product(eigenvalues, itertools.pairwise(knots)):
            x = float((following - t) * a / (1 + t * a))
            total += weight * (x - math.log1p(x)) / 2
    assert abs(found - total) < 1e-14


def test_gaussian_part_in_many_dimensions():
    d = 100_000
    target = GeneralMixture([1], [[0] * d], [2])
    assert same(general_mmse(target, 3, digits=30).total, ball(F(2 * d, 7)), 30)
    n = 24
    hilbert = [[F(1, i + j + 1) for j in range(n)] for i in range(n)]
    target = GeneralMixture([1], [[0] * n], [hilbert])
    certified = general_mutual_information(target, 5, digits=25).total
    independent = general_mutual_information(target, 5, digits=25, engine="mpmath").total
    assert abs(certified - flint.arb(mpmath.nstr(independent, 30))) < 1e-23


# One shared variance: X = A + sqrt(v) xi has core snr t' = t/(1 + t v)


@pytest.mark.parametrize("v", ["1/10", 1, 7])
@pytest.mark.parametrize("t", ["1/50", 1, 40])
def test_shared_variance_is_the_core(v, t):
    core = Mixture(["1/5", "1/2", "3/10"], [-3, 0, 4], v)
    width = 1 + F(t) * F(v)
    inner = F(t) / width
    with balls(200).precision():
        expected_mmse = mmse(core, inner, digits=30) / to_ball(width) ** 2 + to_ball(F(v) / width)
        expected = mutual_information(core, inner, digits=30) + to_ball(width).log() / 2
    assert same(general_mmse(core, t, digits=30).total, expected_mmse, 28)
    assert same(general_mutual_information(core, t, digits=30).total, expected, 28)
    with balls(200).precision():
        latent = mmse(core, inner, digits=30) / to_ball(width) ** 2
    assert same(general_mmse(core, t, digits=30).latent, latent, 28)


def test_discrete_target_is_its_core():
    core = Mixture(["1/5", "1/2", "3/10"], [-3, 0, 4], 0)
    schedule = Schedule.ddpm_linear(20)
    found = general_path_kl(core, schedule, digits=20)
    assert found.gaussian == 0
    from numerics import path_kl

    assert same(found.total, path_kl(core, schedule, digits=20), 19)
    assert any("noise-free" in note for note in found.notes)


# The strip bound, held to account at coarse spacings


def random_law(r, most=5):
    count = r.randint(2, most)
    weights = [r.randint(1, 50) ** r.choice([1, 3]) for _ in range(count)]
    means = [F(r.randint(-400, 400), 100) for _ in range(count)]
    variances = [F(r.choice([0, 1, 30, 100, 400, 2500, r.randint(1, 900)]), 100) for _ in range(count)]
    return GeneralMixture([F(w, sum(weights)) for w in weights], means, variances)


def integrand(law, kind, members, z):
    p = [law.w[i] * (-law.a[i] * (z - law.c[i]) * (z - law.c[i]) / 2).exp() / law.tau[i] for i in members]
    p = [x / (2 * flint.arb.pi()).sqrt() for x in p]
    total = sum(p, flint.arb(0))
    if kind == "mutual_information":
        return sum((x * (x / total).log() for x in p), flint.arb(0))
    m = [law.mu[i] + (1 - law.a[i]) / law.s * (z - law.c[i]) for i in members]
    pairs = itertools.combinations(range(len(members)), 2)
    return sum((p[i] * p[j] * (m[i] - m[j]) * (m[i] - m[j]) for i, j in pairs), flint.arb(0)) / total


def grid_sum(law, kind, members, h, lowest=-math.inf, windows=None):
    reach = 14
    low = min(float(law.c[i]) - reach * float(law.tau[i]) for i in members)
    high = max(float(law.c[i]) + reach * float(law.tau[i]) for i in members)
    total = flint.arb(0)
    for k in range(math.floor(low / float(h)), math.ceil(high / float(h)) + 1):
        total += integrand(law, kind, members, h * k)
    return total * h


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(12))
def test_remainder_at_coarse_spacings(kind, seed):
    r = random.Random(seed)
    target = random_law(r)
    reduced = latent_law(target)
    if reduced.rank == 0:
        return
    t = F(10) ** r.randint(-3, 1) * r.randint(1, 9)
    v = [rows[0][0] for rows in reduced.covariances]
    truth = line_value(reduced, kind, ball(t), -60.0)
    with balls(160).precision():
        law = ball_law(reduced, ball(t))
        members = list(range(len(law.w)))
        if kind == "mutual_information":
            truth += sum((w * w.log() for w in law.w), flint.arb(0))
        usable = 0
        for h in (F(5), F(3), F(2), F(1), F(1, 2), F(3, 10)):
            error = abs(grid_sum(law, kind, members, to_ball(h)) - truth)
            for eta in (0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1.2, 2.0, 3.0):
                bound = strip_remainder(law, v, kind, members, Strip(eta, 5.0), to_ball(h))
                usable += bool(bound.is_finite())
                assert not bound < error
        assert usable


@pytest.mark.parametrize("seed", range(12))
def test_the_density_is_nowhere_smaller_than_the_theorem_says(seed):
    """|p(z)| >= c sum |p_i(z)| on a grid in the strip, up to close to the widest strip allowed."""
    r = random.Random(500 + seed)
    reduced = latent_law(random_law(r, 4))
    if reduced.rank == 0:
        return
    v = [rows[0][0] for rows in reduced.covariances]
    with balls(80).precision():
        law = ball_law(reduced, ball(F(r.randint(1, 300), 10)))
        members = list(range(len(law.w)))
        a, c = (np.array([float(x) for x in values]) for values in (law.a, law.c))
        log_w = np.array([math.log(float(x / y)) for x, y in zip(law.w, law.tau, strict=True)])
        span = max(abs(c)) + 12 / math.sqrt(min(a))
        tightest = math.inf
        for margin, eta in itertools.product((0.2, 0.5, 1.0, 2.5, 4.0, 7.0), np.geomspace(0.02, 6.0, 60)):
            arc = live_arc(law, v, members, Strip(float(eta), margin))
            if arc is None:
                continue
            z = np.linspace(-span, span, 4001) + 1j * eta
            q = log_w[:, None] - a[:, None] * (z - c[:, None]) ** 2 / 2
            p = np.exp(q - q.real.max(axis=0))
            ratio = (abs(p.sum(axis=0)) / abs(p).sum(axis=0)).min()
            assert ratio >= float(arc.cosine) - 1e-9
            tightest = min(tightest, ratio - float(arc.cosine))
        assert tightest < 0.2


@pytest.mark.parametrize("weight", ["1/3", "1/2", "2/3", "9/10"])
def test_a_zero_of_the_density_is_outside_every_strip(weight):
    """Equal means: l(z) = A + C z^2/2 = i pi where z^2 = 2 (i pi - A)/C."""
    reduced = latent_law(GeneralMixture([weight, 1 - F(weight)], [0, 0], [1, 4]))
    v = [rows[0][0] for rows in reduced.covariances]
    for t in (F(1, 2), F(1), F(20)):
        wide, narrow = float(1 + 4 * t), float(1 + t)
        level = math.log(float(F(weight)) / (1 - float(F(weight)))) + math.log(wide / narrow) / 2
        height = abs(((2 * (1j * math.pi - level) / (1 / wide - 1 / narrow)) ** 0.5).imag)
        with balls(80).precision():
            law = ball_law(reduced, ball(t))
            allowed = []
            for margin, share in itertools.product((1.0, 3.0, 6.0, 9.0), np.linspace(0.1, 3, 59)):
                if live_arc(law, v, [0, 1], Strip(float(share * height), margin)) is not None:
                    allowed.append(share)
        assert 0.3 < max(allowed) < 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(6))
def test_strip_bound_covers_the_integral_along_the_strip(kind, seed):
    r = random.Random(100 + seed)
    reduced = latent_law(random_law(r, 3))
    if reduced.rank == 0:
        return
    t = F(r.randint(1, 40), 10)
    v = [rows[0][0] for rows in reduced.covariances]
    with balls(80).precision():
        law = ball_law(reduced, ball(t))
        members = list(range(len(law.w)))
        for eta in (0.1, 0.3, 0.6, 1.0):
            bound = strip_bound(law, v, kind, members, Strip(eta, 5.0))
            if not bound.is_finite():
                continue
            h, total = 0.05, 0.0
            span = max(abs(float(c)) + 10 * float(x) for c, x in zip(law.c, law.tau, strict=True))
            for k in range(int(-span / h), int(span / h) + 1):
                total += h * _modulus(law, kind, members, complex(k * h, eta))
            assert total <= 1.0001 * float(bound.upper())


def _modulus(law, kind, members, z):
    """|f(z)|, the phases continued from the real line."""
    a = [float(law.a[i]) for i in members]
    c = [float(law.c[i]) for i in members]
    q = [math.log(float(law.w[i] / law.tau[i])) - a[i] * (z - c[i]) ** 2 / 2 for i in members]
    top = max(x.real for x in q)
    p = [np.exp(x - top) for x in q]
    scale = math.exp(top) / math.sqrt(2 * math.pi)
    total = sum(p)
    if kind == "mmse":
        m = [float(law.mu[i]) + (1 - a[i]) / float(law.s) * (z - c[i]) for i in members]
        pairs = itertools.combinations(members, 2)
        return scale * abs(sum(p[i] * p[j] * (m[i] - m[j]) ** 2 for i, j in pairs) / total)
    ys = np.linspace(0, z.imag, 41)
    x = z.real + 1j * ys
    path = [math.log(float(law.w[i] / law.tau[i])) - a[i] * (x - c[i]) ** 2 / 2 for i in members]
    sums = np.exp(np.array(path) - path[0]).sum(axis=0)
    log_total = path[0][-1] + math.log(abs(sums[-1])) + 1j * np.unwrap(np.angle(sums))[-1]
    return scale * abs(sum(p[i] * (q[i] - log_total) for i in members))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(8))
def test_windows_leave_out_no_more_than_the_bound(kind, seed):
    r = random.Random(200 + seed)
    reduced = latent_law(random_law(r, 4))
    if reduced.rank == 0:
        return
    t = F(10) ** r.randint(-1, 2)
    v = [rows[0][0] for rows in reduced.covariances]
    with balls(160).precision():
        law = ball_law(reduced, ball(t))
        order = sorted(range(len(law.w)), key=lambda i: -float(law.tau[i]))
        for split in range(len(order)):
            outer, inner = tuple(order[:split]), tuple(order[split:])
            for rho, h in ((2.0, F(1, 8)), (3.0, F(1, 2)), (4.5, F(1, 4))):
                reach = tuple(rho + 0.01 + float(h) / float(law.tau[i]) for i in inner)
                piece = Piece(outer, inner, Spacing(1, -3), Strip(0.1, 5.0), None, reach, 0.0)
                bound = left_out(law, v, kind, piece, to_ball(h))
                low = min(float(law.c[i]) - 12 * float(law.tau[i]) for i in order)
                high = max(float(law.c[i]) + 12 * float(law.tau[i]) for i in order)
                omitted = flint.arb(0)
                for k in range(math.floor(low / float(h)), math.ceil(high / float(h)) + 1):
                    z = to_ball(h) * k
                    if all(abs(z - law.c[i]) > x * law.tau[i] for i, x in zip(inner, reach, strict=True)):
                        change = integrand(law, kind, order, z)
                        if len(outer) > 1:
                            change -= integrand(law, kind, outer, z)
                        omitted += abs(change) * to_ball(h)
                assert not bound < omitted


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("gap", [2, 5, 9])
def test_clusters_cost_no_more_than_the_bound(kind, gap):
    both = latent_law(GeneralMixture(["1/4", "1/4", "1/2"], [0, 1, gap], [1, "1/4", 2]))
    t = ball(2)
    whole = line_value(both, kind, t, -60.0)
    with balls(160).precision():
        law = ball_law(both, t)
        v = [rows[0][0] for rows in both.covariances]
        bound = between_clusters(law, v, kind, Plan(((0, 1), (2,)), ()))
        members = [0, 1]
        part = grid_sum(law, kind, members, flint.arb(1) / 64)
        if kind == "mutual_information":
            part -= sum((w * w.log() for w in law.w), flint.arb(0))
        assert not bound < abs(whole - part)
        signed = whole - part if kind == "mmse" else part - whole
        assert not signed < -1e-30
        assert bound < 5 * abs(whole - part) * 10


def test_hidden_pairs_are_verified():
    target = GeneralMixture(["1/2", "1/4", "1/4"], [0, 1, 0], [0, 0, 1])
    law = latent_law(target)
    chosen = plan(machine_law(law, 1e6), "mmse", -70.0)
    strips = [piece.strip for piece in chosen.pieces if piece.strip.shields]
    assert strips
    v = [rows[0][0] for rows in law.covariances]
    with balls(160).precision():
        exact = ball_law(law, ball(10**6))
        for strip in strips:
            bound = strip_bound(exact, v, "mmse", [0, 1, 2], strip)
            assert bound.is_finite()
            bare = Strip(strip.eta, strip.margin)
            assert not strip_bound(exact, v, "mmse", [0, 1, 2], bare).is_finite()
            shield = strip.shields[0]
            i, j = shield.pair
            constant = exact.a[i] * exact.a[j] * (exact.c[i] - exact.c[j]) ** 2
            margin, wide = flint.arb(strip.margin), flint.arb(10**6)
            assert certainly_hidden(exact, v, shield, constant, margin, flint.arb(strip.eta))
            assert not certainly_hidden(exact, v, shield, constant, flint.arb(10**6), wide)


# Engines against each other


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(10))
def test_mpmath_against_certified(kind, seed):
    r = random.Random(300 + seed)
    target = random_law(r, 3)
    t = F(r.randint(1, 300), 10)
    certified = GENERAL[kind](target, t, digits=15).total
    independent = GENERAL[kind](target, t, digits=15, engine="mpmath").total
    assert abs(certified - flint.arb(mpmath.nstr(independent, 25))) <= 1e-15 * certified


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(25))
def test_fast_keeps_its_stated_error(kind, seed):
    r = random.Random(400 + seed)
    target = random_law(r, 8)
    law = latent_law(target)
    if law.rank == 0:
        return
    t = F(10) ** r.randint(-6, 8) * r.randint(1, 9)
    value, error = fast_value(law, kind, float(t))
    exact = line_value(law, kind, ball(float(t)), math.log(max(value, 1e-60)) - 40)
    assert abs(exact - value) <= error
    assert error <= 3e-12 * value + 1e-13 * (kind != "mmse") + 1e-80


def test_enclosures_nest():
    for kind, t in itertools.product(KINDS, ("1/100", 3, 1000)):
        values = [GENERAL[kind](THREE, t, digits=n).latent for n in (20, 40, 80)]
        for coarse, fine in itertools.pairwise(values):
            assert coarse.overlaps(fine)
            assert fine.rad() < coarse.rad()


def test_information_is_half_the_integrated_mmse():
    for t in (0.05, 1.0, 20.0):
        h = 1e-3 * t
        for part in ("latent", "total"):
            # a central difference of order four
            values = {
                k: getattr(general_mutual_information(THREE, t + k * h, digits=25), part)
                for k in (-2, -1, 1, 2)
            }
            slope = (8 * (values[1] - values[-1]) - (values[2] - values[-2])) / (12 * h)
            expected = getattr(general_mmse(THREE, t, digits=25), part)
            assert abs(2 * slope - expected) < 1e-10 * expected


# Invariances and dimension


def test_embedding_is_invariant():
    inner = GeneralMixture(["1/3", "2/3"], [0, 2], [1, 3])
    u = [F(3, 5), F(0), F(4, 5)]
    along = [[x * y for y in u] for x in u]
    across = [[F(int(i == j)) - along[i][j] for j in range(3)] for i in range(3)]

    def matrix(v):
        return [[v * along[i][j] + 5 * across[i][j] for j in range(3)] for i in range(3)]

    outer = GeneralMixture(
        ["1/3", "2/3"], [[7, 0, 1], [7 + 2 * u[0], 0, 1 + 2 * u[2]]], [matrix(1), matrix(3)]
    )
    for kind in KINDS:
        a, b = (GENERAL[kind](target, "5/4", digits=30).latent for target in (inner, outer))
        assert same(a, b, 28)
    assert latent_law(outer).rank == 1


def test_shift_scale_and_order():
    a = general_mmse(THREE, 2, digits=25).latent
    shifted = GeneralMixture(
        THREE.weights, [F(point[0]) + 10**6 for point in THREE.means], THREE.covariances
    )
    assert same(general_mmse(shifted, 2, digits=25).latent, a, 24)
    order = [2, 0, 1]
    permuted = GeneralMixture(
        *([x[i] for i in order] for x in (THREE.weights, THREE.means, THREE.covariances))
    )
    assert same(general_mmse(permuted, 2, digits=25).latent, a, 24)
    scale = F(10) ** 20
    means = [scale * point[0] for point in THREE.means]
    scaled = GeneralMixture(THREE.weights, means, [scale**2 * v for v in THREE.covariances])
    with balls(160).precision():
        back = general_mmse(scaled, 2 / scale**2, digits=25).latent / to_ball(scale**2)
    assert same(back, a, 24)


def test_product_in_the_plane():
    """Z = (Z1, Z2) with independent coordinates: both functionals add."""
    one = (["1/3", "2/3"], [0, 2], [1, 3])
    two = (["1/4", "3/4"], [0, 1], ["1/2", 2])
    first, second = GeneralMixture(*one), GeneralMixture(*two)
    weights, means, covariances = [], [], []
    for i, j in itertools.product(range(2), range(2)):
        weights.append(F(one[0][i]) * F(two[0][j]))
        means.append([one[1][i], two[1][j]])
        covariances.append([[one[2][i], 0], [0, two[2][j]]])
    both = GeneralMixture(weights, means, covariances)
    for kind, t in itertools.product(KINDS, (0.3, 4.0)):
        value, error = fast_value(latent_law(both), kind, t)
        parts = [GENERAL[kind](target, t, digits=20).latent for target in (first, second)]
        assert abs(parts[0] + parts[1] - value) <= error
        assert error < 2e-11 * value


def test_rotation_in_the_plane():
    c, s = F(3, 5), F(4, 5)
    turn = [[c, -s], [s, c]]

    def times(a, b):
        return [[sum(a[i][k] * b[k][j] for k in range(2)) for j in range(2)] for i in range(2)]

    transpose = [list(column) for column in zip(*turn, strict=True)]
    means = [[sum(turn[i][k] * point[k] for k in range(2)) for i in range(2)] for point in PLANE.means]
    turned = GeneralMixture(
        PLANE.weights, means, [times(times(turn, matrix), transpose) for matrix in PLANE.matrices]
    )
    for kind in KINDS:
        (a, e), (b, f) = (fast_value(latent_law(target), kind, 2.0) for target in (PLANE, turned))
        assert abs(a - b) <= e + f


@pytest.mark.slow
def test_stated_error_in_space():
    space = GeneralMixture(["1/2", "1/3", "1/6"], [[0, 0, 0], [2, 1, 1], [-1, 3, 0]], [1, 2, "1/2"])
    for kind in KINDS:
        value, error = fast_value(latent_law(space), kind, 0.5)
        assert error < 1e-8 * value
    # a third coordinate that adds nothing but its own pair of components
    for kind, t in itertools.product(KINDS, (0.3, 2.0)):
        parts = [GeneralMixture(["1/2", "1/2"], [0, i], [1, i + 1]) for i in range(3)]
        weights, means, covariances = [], [], []
        for choice in itertools.product(range(2), repeat=3):
            weights.append(F(1, 8))
            means.append([choice[i] * i for i in range(3)])
            diagonal = [1 + choice[i] * i for i in range(3)]
            covariances.append([[diagonal[i] if i == j else 0 for j in range(3)] for i in range(3)])
        value, error = fast_value(latent_law(GeneralMixture(weights, means, covariances)), kind, t)
        total = sum((GENERAL[kind](part, t, digits=20).latent for part in parts), flint.arb(0))
        assert abs(total - value) <= error


def test_span_errors():
    target = GeneralMixture(["1/2", "1/2"], [[0] * 4, [1] * 4], [1, 2])
    with pytest.raises(SpanError, match="more than 3 dimensions"):
        general_mmse(target, 1)
    with pytest.raises(SpanError, match="certified engine covers one"):
        general_mmse(PLANE, 1, digits=10)
    with pytest.raises(SpanError, match="mpmath engine covers one"):
        general_mmse(PLANE, 1, digits=10, engine="mpmath")


# The path


@pytest.mark.parametrize(
    "schedule",
    [Schedule.ddpm_linear(20), Schedule.karras(18), Schedule.flow_matching(28), Schedule.geometric(25)],
    ids=lambda schedule: schedule.name,
)
def test_path_engines_agree(schedule):
    fast = general_path_kl(THREE, schedule)
    certified = general_path_kl(THREE, schedule, digits=18)
    for part, error in zip(("gaussian", "latent", "total"), fast.errors, strict=True):
        exact = getattr(certified, part)
        assert abs(exact - getattr(fast, part)) <= error + 1e-15 * abs(exact)
        assert exact.rad() <= 1e-18 * abs(exact)
    assert certified.total > 0


def test_path_against_mpmath():
    schedule = Schedule.from_snr([0, "1/10", "1/2", 3])
    certified = general_path_kl(THREE, schedule, digits=20)
    independent = general_path_kl(THREE, schedule, digits=12, engine="mpmath")
    for part in ("gaussian", "latent", "total"):
        value = flint.arb(mpmath.nstr(getattr(independent, part), 25))
        assert abs(getattr(certified, part) - value) < 1e-12 * abs(value)


def test_path_is_the_integral_of_the_derivative():
    """(1/2) sum delta M - dI against (1/2) int (M(t_k) - M(s)) ds by Gauss-Legendre, part by part."""
    knots = [F(0), F(1, 2), F(2)]
    found = general_path_kl(THREE, Schedule.from_snr(knots), digits=20)
    nodes, weights = np.polynomial.legendre.leggauss(40)
    for part in ("gaussian", "latent", "total"):
        total = 0.0
        for t, following in itertools.pairwise(map(float, knots)):
            at = t + (following - t) * (nodes + 1) / 2
            start = getattr(general_mmse(THREE, t), part)
            values = np.array([start - getattr(general_mmse(THREE, x), part) for x in at])
            total += (following - t) / 4 * float(weights @ values)
        assert abs(getattr(found, part) - total) < 1e-12


def test_the_latent_part_can_be_negative():
    """Equal means: L(0) = 0, so one step from 0 has latent part -I(Z;Y_T), exactly."""
    found = general_path_kl(PAIR, Schedule.from_snr([0, 1]), digits=20)
    information = general_mutual_information(PAIR, 1, digits=20).latent
    assert found.latent < 0
    assert same(found.latent, -information, 19)
    assert found.total > 0
    assert abs(found.latent + flint.arb("0.04568998171072400249")) < 1e-19
    # also away from t_0 = 0, and with unequal means
    other = GeneralMixture(["1/2", "1/2"], [0, 1], [1, 25])
    assert general_path_kl(other, Schedule.from_snr(["1/100", "1/5"]), digits=20).latent < 0


def test_bounds_that_fail_for_the_latent_part():
    """t L <= 2 I(Z;Y_t) fails, and L increases, for equal means and unequal variances; both hold for X."""
    small, large = "1/100", "1/10"
    latent = {t: general_mmse(PAIR, t, digits=20) for t in (0, small, large)}
    assert latent[0].latent == 0
    assert latent[small].latent < latent[large].latent
    for t in (small, large):
        information = general_mutual_information(PAIR, t, digits=20)
        assert ball(t) * latent[t].latent > 2 * information.latent
        assert ball(t) * latent[t].total <= 2 * information.total
    assert latent[small].total > latent[large].total
    # the leading orders: L = t Var(v), 2 I = t^2 Var(v)/2, Var(v) = 9/4
    tiny = F(1, 10**9)
    ratio = ball(tiny) * general_mmse(PAIR, tiny, digits=20).latent
    ratio /= 2 * general_mutual_information(PAIR, tiny, digits=20).latent
    assert abs(ratio - 2) < 1e-7


# Extremes


@pytest.mark.parametrize("t", ["1e-9", 1, "1e9"])
@pytest.mark.parametrize(
    "target",
    [
        GeneralMixture(["1/2", "1/4", "1/4"], [0, 1, 0], [0, 0, 1]),
        GeneralMixture(["1/2", "1/2"], [0, "1e-12"], [1, "1.000000000001"]),
        GeneralMixture([1 - F(1, 10**30), F(1, 10**30)], [0, 1], [1, 4]),
        GeneralMixture(["1/2", "1/2"], [0, 0], ["1e-12", "1e12"]),
        GeneralMixture(["1/2", "1/2"], [0, "1e30"], [1, 2]),
        PAIR,
    ],
    ids=["atoms", "close", "weights", "widths", "far", "pair"],
)
def test_extremes_keep_the_promise(target, t):
    for kind in KINDS:
        found = GENERAL[kind](target, t, digits=15)
        scale = float(target.total_variance) if kind == "mmse" else 1.0
        for part in (found.gaussian, found.latent, found.total):
            assert part.rad() <= 1.01e-15 * max(float(abs(part).upper()), 1e-15 * scale)
        fast = GENERAL[kind](target, t)
        assert abs(found.latent - fast.latent) <= fast.errors[1] + 1e-25 * scale


def test_many_components_and_digits():
    r = random.Random(5)
    wide = GeneralMixture([F(1, 64)] * 64, list(range(64)), [F(r.randint(50, 150), 100) for _ in range(64)])
    found = general_mmse(wide, "1/10", digits=12).latent
    assert abs(found - general_mmse(wide, "1/10").latent) < 1e-11
    assert general_mmse(THREE, 1, digits=200).total.rel_accuracy_bits() > 664


def test_out_of_reach_is_an_error():
    lattice = GeneralMixture(
        [F(1, 200)] * 200, [3 * i for i in range(200)], [F(i % 7, 3) for i in range(200)]
    )
    with pytest.raises(PrecisionError, match="exponentials"):
        general_mmse(lattice, 1, digits=300)


def test_precision_of_the_caller_does_not_matter():
    reference = general_mmse(THREE, 2, digits=30).total
    results = []

    def work(digits):
        results.append(general_mmse(THREE, 2, digits=digits).total)

    before = flint.ctx.prec
    try:
        flint.ctx.prec = 13
        threads = [threading.Thread(target=work, args=(digits,)) for digits in (30, 12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert flint.ctx.prec == 13
    finally:
        flint.ctx.prec = before
    assert all(result.overlaps(reference) for result in results)


def test_truth_of_a_part():
    found = general_path_kl(PAIR, Schedule.from_snr([0, 1]), digits=15)
    truth = found.truth("latent")
    assert truth.engine == "certified"
    assert truth.upper() < 0
    with pytest.raises(ValueError, match="part"):
        found.truth("core")
