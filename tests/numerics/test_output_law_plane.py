"""Output laws in the plane and in space: products, Gaussians, direct quadrature, refinement, reductions."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise, product

import numpy as np
import numpy.typing as npt
import pytest

from numerics import Mixture, PrecisionError, Schedule, SpanError, samplers
from numerics.output_law import output_law, tensor_law, tensor_steps
from numerics.output_law.tensor_grids import convolve, gaussian_sum, split
from numerics.output_law.tensor_law import TensorLaw

Array = npt.NDArray[np.float64]

LEFT = Mixture(["3/10", "7/10"], [-2, 1])
RIGHT = Mixture(["2/5", "3/5"], [0, 3])
TRIANGLE = Mixture(["1/5", "1/2", "3/10"], [[-3, 0], [0, 2], [4, -1]])
CORNERS = Mixture(["1/5", "3/10", "1/4", "1/4"], [[-1, 0, 0], [1, 1, 0], [1, -1, 1], [0, 0, 2]])
SHORT = Schedule.from_alpha_bar(["1/10", "1/4", "1/2", "4/5"])
DIVERGENCES = ("tv", "kl", "reverse_kl", "hellinger")
AXES = np.array([[0.6, 0.8], [-0.8, 0.6]])


def rotated(first: Mixture, second: Mixture, tail: tuple[int, ...] = ()) -> Mixture:
    """The product of two laws on lines, turned by a rational rotation, in so many more dimensions."""
    pairs = list(
        product(
            zip(first.weights, first.means, strict=True), zip(second.weights, second.means, strict=True)
        )
    )
    means = [
        [Fraction(3, 5) * a - Fraction(4, 5) * b, Fraction(4, 5) * a + Fraction(3, 5) * b, *tail]
        for (_, (a,)), (_, (b,)) in pairs
    ]
    return Mixture([w * u for (w, _), (u, _) in pairs], means, first.variance)


@pytest.mark.parametrize("start", ["exact", "normal"])
@pytest.mark.parametrize(
    ("schedule", "sampler"),
    [
        pytest.param(Schedule.ddpm_linear(8), samplers.Ddpm(), marks=pytest.mark.slow),
        pytest.param(Schedule.flow_matching(6), samplers.Ddpm("beta"), marks=pytest.mark.slow),
        pytest.param(Schedule.karras(6), samplers.Ddpm("beta_tilde"), marks=pytest.mark.slow),
        pytest.param(SHORT, samplers.Ddpm("1/5"), marks=pytest.mark.slow),
        (SHORT, samplers.MomentMatched(1)),
        pytest.param(Schedule.li_cai_wei(50), samplers.Ddim("1/2"), marks=pytest.mark.slow),
        pytest.param(Schedule.scaled_linear(6), samplers.Ddim("1/2"), marks=pytest.mark.slow),
        (Schedule.cosine(6), samplers.Ddim()),
    ],
    ids=str,
)
def test_a_product_is_the_product_of_its_lines(
    schedule: Schedule, sampler: samplers.Sampler, start: str
) -> None:
    plane = output_law(rotated(LEFT, RIGHT), schedule, sampler, start)
    lines = [output_law(x, schedule, sampler, start) for x in (LEFT, RIGHT)]
    for reference in ("target", "last_level"):
        for name in ("kl", "reverse_kl"):
            truth = plane.truth(name, reference)
            expected = sum(line.truth(name, reference).value for line in lines)
            assert abs(truth.value - expected) <= truth.error < 1e-6
        truth = plane.truth("hellinger", reference)
        affinity = math.prod(1 - line.hellinger(reference) ** 2 for line in lines)
        assert abs(truth.value - math.sqrt(1 - affinity)) <= truth.error < 1e-6
        assert plane.truth("tv", reference).error < 1e-6
        expected = math.hypot(*(line.wasserstein(2, reference) for line in lines))
        assert plane.wasserstein(2, reference) == pytest.approx(expected, abs=1e-10)
    x = np.array([[0.3, -0.2], [1.5, 2.0], [-2.0, 0.5], [0.0, 4.0]])
    along = x @ AXES.T
    expected = lines[0].density(along[:, 0]) * lines[1].density(along[:, 1])
    assert plane.density(x) == pytest.approx(expected, rel=3e-6)


def test_total_variation_of_a_product_is_that_of_a_fine_grid() -> None:
    lines = [output_law(x, SHORT) for x in (LEFT, RIGHT)]
    truth = output_law(rotated(LEFT, RIGHT), SHORT).truth("tv")
    x = np.linspace(-9, 10, 3801)
    output = np.multiply.outer(lines[0].density(x), lines[1].density(x))
    wanted = np.multiply.outer(lines[0].reference_density(x), lines[1].reference_density(x))
    assert truth.error < 1e-6
    # the kinks of |p - q| cost a sum with spacing h about h^2/12 of the slopes there
    assert truth.value == pytest.approx(
        float(np.abs(output - wanted).sum() * (x[1] - x[0]) ** 2 / 2), abs=2e-6
    )


def quadrature(
    target: Mixture, levels: list[float], variance: str, points: int
) -> tuple[Array, Array, float]:
    """The output by direct sums over transition densities in x, matched or beta; an independent route."""
    weights = np.array([float(w) for w in target.weights])
    atoms = np.array([[float(c) for c in a] for a in target.means])
    line = np.linspace(-11, 11, points)
    h = line[1] - line[0]
    x = np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1).reshape(-1, 2)

    def true(ab: float) -> Array:
        away = x[:, None, :] - math.sqrt(ab) * atoms
        return np.asarray(np.exp(-(away**2).sum(axis=2) / 2) @ weights / (2 * math.pi))

    density = true(levels[0])
    for ab, after in pairwise(levels):
        away = x[:, None, :] - math.sqrt(ab) * atoms
        posterior = np.exp(-(away**2).sum(axis=2) / 2) * weights
        posterior /= posterior.sum(axis=1, keepdims=True)
        alpha = ab / after
        centre = math.sqrt(alpha) * x + math.sqrt(after) * (1 - alpha) * (posterior @ atoms)
        noise = (1 - alpha) * (1.0 if variance == "beta" else (1 - after) / (1 - ab))
        parts = [np.exp(-((line[:, None] - centre[:, j]) ** 2) / (2 * noise)) for j in range(2)]
        density = ((parts[0] * density) @ parts[1].T * h * h / (2 * math.pi * noise)).ravel()
    return density, true(levels[-1]), h


@pytest.mark.parametrize("variance", ["beta", "beta_tilde"])
def test_direct_kernel_quadrature_agrees(variance: str) -> None:
    """With v = 1 "beta" is the matched variance."""
    density, true, h = quadrature(TRIANGLE, [0.1, 0.25, 0.5, 0.8], variance, 141)
    law = output_law(TRIANGLE, SHORT, samplers.Ddpm(variance))
    kept = (density > 1e-250) & (true > 1e-250)
    p, q = true[kept], density[kept]
    assert law.kl("last_level") == pytest.approx(float((p * np.log(p / q)).sum() * h * h), abs=1e-9)
    assert law.reverse_kl("last_level") == pytest.approx(float((q * np.log(q / p)).sum() * h * h), abs=1e-9)
    root = math.sqrt(float(((np.sqrt(p) - np.sqrt(q)) ** 2).sum() * h * h / 2))
    assert law.hellinger("last_level") == pytest.approx(root, abs=1e-9)
    # no sum with kinks: |p - q| on this grid is good to about h^2/12 = 2e-3 of itself
    assert law.tv("last_level") == pytest.approx(float(np.abs(p - q).sum() * h * h / 2), rel=2e-3)


@pytest.mark.slow
def test_stated_errors_cover_a_much_finer_grid(monkeypatch: pytest.MonkeyPatch) -> None:
    law = output_law(TRIANGLE, Schedule.ddpm_linear(12), samplers.Ddpm("beta_tilde"), "normal")
    truths = {name: law.truth(name) for name in DIVERGENCES}
    finer = tensor_steps.Settings(11.0, 16, -45.0, 16)
    monkeypatch.setattr(tensor_law, "settings_of", lambda rank, fine: finer)
    again = output_law(TRIANGLE, Schedule.ddpm_linear(12), samplers.Ddpm("beta_tilde"), "normal")
    for name, truth in truths.items():
        assert truth.error < 1e-6
        assert abs(truth.value - again.truth(name).value) <= truth.error
    assert isinstance(law, TensorLaw)
    for window in law._fine:
        assert float(np.exp(window.log).sum()) * window.spacing**2 == pytest.approx(1, abs=1e-9)


@pytest.mark.slow
def test_far_apart_atoms_fall_into_windows_of_their_own_and_keep_their_mass() -> None:
    target = Mixture(["1/4", "3/4"], [-40, 30], "1/100")
    both = rotated(target, Mixture(["1/2", "1/2"], [0, 25], "1/100"))
    knots = Schedule.geometric(40, "1/1000", 100)
    law = output_law(both, knots, samplers.Ddpm())
    lines = [output_law(x, knots) for x in (target, Mixture(["1/2", "1/2"], [0, 25], "1/100"))]
    assert isinstance(law, TensorLaw)
    assert len(law._fine) == 4
    truth = law.truth("kl", "last_level")
    assert abs(truth.value - sum(x.kl("last_level") for x in lines)) <= truth.error < 1e-6


def test_steps_of_1e_16_cost_no_accuracy() -> None:
    tail = [str(1 - Fraction(1, 10**k)) for k in (4, 8, 12, 16)]
    schedule = Schedule.from_alpha_bar(["1/10", "1/2", "9/10", "99/100", *tail, "1"])
    law = output_law(rotated(LEFT, RIGHT), schedule)
    expected = sum(output_law(x, schedule).kl() for x in (LEFT, RIGHT))
    truth = law.truth("kl")
    assert abs(truth.value - expected) <= truth.error < 1e-8


def test_ambient_dimension_is_reduced_to_the_span() -> None:
    plane = output_law(TRIANGLE, SHORT, samplers.Ddpm("beta"))
    for dimension in (10, 1000):
        means = [[*mean, *[2] * (dimension - 2)] for mean in TRIANGLE.means]
        law = output_law(Mixture(TRIANGLE.weights, means), SHORT, samplers.Ddpm("beta"))
        for name in DIVERGENCES:
            assert getattr(law, name)("last_level") == pytest.approx(
                getattr(plane, name)("last_level"), abs=1e-9
            )
    point = np.array([0.4, -0.3, *[2 * math.sqrt(0.8)] * 8])
    ten = Mixture(TRIANGLE.weights, [[*mean, *[2] * 8] for mean in TRIANGLE.means])
    expected = plane.density(point[:2]) / (2 * math.pi) ** 4
    assert output_law(ten, SHORT, samplers.Ddpm("beta")).density(point) == pytest.approx(expected, rel=1e-6)


def test_coinciding_and_collinear_atoms_fall_to_the_line() -> None:
    line = Mixture(["1/5", "1/2", "3/10"], [[0, 0], [3, 4], [6, 8]])
    wide = Mixture(["1/5", "1/4", "1/4", "3/10"], [[0, 0], [3, 4], [3, 4], [6, 8]])
    assert not isinstance(output_law(wide, SHORT), TensorLaw)
    assert output_law(wide, SHORT).kl() == output_law(line, SHORT).kl()
    near = Mixture(["1/5", "1/2", "3/10"], [[0, 0], [3, 4 + Fraction(1, 10**7)], [6, 8]])
    assert isinstance(output_law(near, SHORT), TensorLaw)
    assert output_law(near, SHORT).kl("last_level") == pytest.approx(line_kl(line), abs=1e-6)


def line_kl(line: Mixture) -> float:
    return output_law(line, SHORT).kl("last_level")


def test_a_vector_of_score_errors_acts_along_and_across_the_span() -> None:
    error = ["1/10", "-1/5", 0, "3/10"]
    law = output_law(
        rotated(LEFT, RIGHT, (0, 2)), SHORT, samplers.Ddpm("beta", score_error=error), "normal"
    )
    along = [
        Fraction(3, 5) * Fraction(1, 10) - Fraction(4, 5) * Fraction(1, 5),
        -Fraction(4, 5) * Fraction(1, 10) - Fraction(3, 5) * Fraction(1, 5),
    ]
    lines = [
        output_law(x, SHORT, samplers.Ddpm("beta", score_error=e or None), "normal")
        for x, e in [
            (LEFT, along[0]),
            (RIGHT, along[1]),
            (Mixture([1], [0]), 0),
            (Mixture([1], [2]), Fraction(3, 10)),
        ]
    ]
    for name in ("kl", "reverse_kl"):
        expected = sum(getattr(x, name)("last_level") for x in lines)
        assert getattr(law, name)("last_level") == pytest.approx(expected, abs=1e-8)
    expected = math.sqrt(sum(x.wasserstein(2, "last_level") ** 2 for x in lines))
    assert law.wasserstein(2, "last_level") == pytest.approx(expected, abs=1e-8)
    x = np.array([0.3, 0.2, 0.1, 1.5])
    places = [*(AXES @ x[:2]), x[2], x[3]]
    expected = math.prod(line.density(float(c)) for line, c in zip(lines, places, strict=True))
    assert law.density(x) == pytest.approx(expected, rel=1e-6)


def test_discrete_targets_are_singular_to_the_output() -> None:
    law = output_law(Mixture(TRIANGLE.weights, TRIANGLE.means, 0), SHORT)
    assert law.tv() == law.hellinger() == 1
    assert math.isinf(law.kl())
    assert math.isinf(law.reverse_kl())
    assert law.truth("kl", "last_level").error < 1e-6


@pytest.mark.slow
def test_euler_is_ddim() -> None:
    schedule = Schedule.from_sigmas([20, 7, 3, 1, "1/3", 0])
    ddim, euler = (output_law(TRIANGLE, schedule, x, "normal") for x in (samplers.Ddim(), samplers.Euler()))
    assert ddim.kl() == pytest.approx(euler.kl(), abs=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("start", ["exact", "normal"])
def test_in_space_a_product_is_the_product_of_its_lines(start: str) -> None:
    lines = [
        Mixture(["1/2", "1/2"], [-1, 1]),
        Mixture(["1/4", "3/4"], [0, 1]),
        Mixture(["1/2", "1/2"], [0, 2]),
    ]
    schedule = Schedule.from_alpha_bar(["1/5", "3/5", "9/10"])
    cells = list(product(*(zip(x.weights, x.means, strict=True) for x in lines)))
    means = [[mean[0] for _, mean in cell] for cell in cells]
    target = Mixture([math.prod(weight for weight, _ in cell) for cell in cells], means)
    law = output_law(target, schedule, samplers.Ddpm("beta_tilde"), start)
    made = [output_law(x, schedule, samplers.Ddpm("beta_tilde"), start) for x in lines]
    for name in ("kl", "reverse_kl"):
        truth = law.truth(name, "last_level")
        expected = sum(getattr(x, name)("last_level") for x in made)
        assert abs(truth.value - expected) <= truth.error < 1e-4
    assert law.truth("tv", "last_level").error < 1e-4
    assert law.wasserstein(2, "last_level") == pytest.approx(
        math.hypot(*(x.wasserstein(2, "last_level") for x in made)), abs=1e-9
    )


@pytest.mark.slow
def test_in_space_a_single_step_keeps_mass_and_states_its_error() -> None:
    schedule = Schedule.from_snr(["1/2", "1"])
    law = output_law(CORNERS, schedule)
    truth = law.truth("kl", "last_level")
    assert truth.value > 0
    assert truth.error < 1e-4
    assert isinstance(law, TensorLaw)
    for window in law._fine:
        assert float(np.exp(window.log).sum()) * window.spacing**3 == pytest.approx(1, abs=1e-6)


def test_gaussian_sums_and_narrow_convolutions_are_those_of_gaussians() -> None:
    rng = np.random.default_rng(5)
    images, mass = rng.uniform(-2, 2, (3, 3, 2)), rng.random((3, 3))
    start, h, shape = np.array([-6.0, -6.0]), 0.125, (97, 97)
    x = tensor_steps.grid_points(start, h, shape)
    for deviation in (0.14, 0.2, 0.3, 0.6, 1.0):
        made = gaussian_sum(images, mass, deviation**2, start, h, shape, 2)
        away = ((x[:, :, None, None] - images) ** 2).sum(axis=-1)
        direct = (np.exp(-away / (2 * deviation**2)) * mass).sum(axis=(2, 3)) / (2 * math.pi * deviation**2)
        assert np.abs(made - direct).max() < 2e-9 * direct.max()
    square = (x**2).sum(axis=-1)
    normal = np.exp(-square / 2) / (2 * math.pi)
    for ratio in (0, 1e-32, 1e-3, 0.3, 1.2, 5.0):
        wide = 1 + ratio * h * h
        direct = np.exp(-square / (2 * wide)) / (2 * math.pi * wide)
        inner = slice(16, -16)  # beyond the ends there is nothing
        assert np.abs(convolve(normal, ratio, 12) - direct)[inner, inner].max() < 2e-12


def test_boxes_are_cut_where_layers_are_empty() -> None:
    filled = np.zeros((40, 40), dtype=bool)
    filled[2:6, 3:9] = filled[30:33, 3:9] = filled[30:33, 30:35] = True
    assert split(filled, 5) == [((2, 6), (3, 9)), ((30, 33), (3, 9)), ((30, 33), (30, 35))]


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (
            lambda: output_law(TRIANGLE, SHORT, samplers.MomentMatched(2)),
            SpanError,
            "sampler: samplers.Mom",
        ),
        (lambda: output_law(TRIANGLE, SHORT, samplers.Heun()), SpanError, "sampler: samplers.Heun()"),
        (
            lambda: output_law(TRIANGLE, SHORT).wasserstein(1),
            SpanError,
            "wasserstein: no closed form of W_1",
        ),
        (lambda: output_law(TRIANGLE, SHORT).cdf(0), SpanError, "cdf: the target has more than one"),
        (
            lambda: output_law(Mixture(["1/5"] * 5, [[0] * 4, *np.eye(4, dtype=int).tolist()]), SHORT),
            SpanError,
            "means: they span 4 dimensions",
        ),
        (
            lambda: output_law(TRIANGLE, SHORT, samplers.Ddpm(score_error="1/10")),
            SpanError,
            "score_error: means that span 2 dimensions need a constant vector of 2 numbers",
        ),
        (
            lambda: output_law(LEFT, SHORT, samplers.Ddpm(score_error=["1/10"])),
            ValueError,
            "score_error: a vector needs means that span a plane",
        ),
        (
            lambda: output_law(Mixture(["1/3"] * 3, [[0, 0], [900, 0], [0, 900]], 0), SHORT).kl(
                "last_level"
            ),
            PrecisionError,
            "output_law: a grid of",
        ),
    ],
)
def test_what_cannot_be_had_is_refused_in_one_line(
    call: Callable[[], object], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=re.escape(message)):
        call()
