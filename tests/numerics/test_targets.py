"""Targets: what a mixture is, how its core is reduced, what is refused, round trips, samples."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import numerics
from numerics import Mixture, SpanError, mmse
from numerics.arithmetic import FLOATS, balls, mpmath_numbers
from tests.numerics import reference

DERANDOMISED = settings(derandomize=True, deadline=None, max_examples=60)

small = st.fractions(min_value=-20, max_value=20, max_denominator=50)


@st.composite
def mixtures(draw: st.DrawFn, dimension: int | None = None) -> Mixture:
    """Mixtures with rational entries, in one to three dimensions, atoms allowed to coincide."""
    d = draw(st.integers(1, 3)) if dimension is None else dimension
    count = draw(st.integers(1, 6))
    parts = draw(st.lists(st.integers(1, 40), min_size=count, max_size=count))
    means = draw(st.lists(st.lists(small, min_size=d, max_size=d), min_size=count, max_size=count))
    variance = draw(st.fractions(min_value=0, max_value=5, max_denominator=20))
    weights = [Fraction(part, sum(parts)) for part in parts]
    return Mixture(weights, means, variance)


def test_attributes_are_exact() -> None:
    target = Mixture(weights=["1/5", "1/2", "3/10"], means=[-3, 0, 4], variance="0.25")
    assert target.weights == (Fraction(1, 5), Fraction(1, 2), Fraction(3, 10))
    assert target.means == ((Fraction(-3),), (Fraction(0),), (Fraction(4),))
    assert target.variance == Fraction(1, 4)
    assert target.dimension == 1
    assert target.notes == ()
    assert Mixture([1], [5]).variance == 1


def test_the_core_by_hand() -> None:
    core = Mixture(["1/5", "1/2", "3/10"], [-3, 0, 4]).core
    assert core.weights == (Fraction(1, 5), Fraction(1, 2), Fraction(3, 10))
    assert core.coordinates == ((0,), (Fraction(3, 7),), (1,))
    assert core.lengths == (1,)
    assert core.rank == 1
    assert core.diameter_squared == 49
    assert core.variance == Fraction(9, 5) + Fraction(48, 10) - Fraction(3, 5) ** 2
    assert Mixture(["1/5", "1/2", "3/10"], [-3, 0, 4]).second_moment == Fraction(66, 10)


def test_the_entropy_in_three_number_systems() -> None:
    core = Mixture(["1/5", "1/2", "3/10"], [-3, 0, 4]).core
    truth = reference.entropy(core.weights)
    assert core.entropy(FLOATS) == pytest.approx(float(truth), rel=1e-15)
    ops = balls(150)
    with ops.precision():
        assert reference.contains(core.entropy(ops), truth, mpmath.mpf(10) ** -40)
    numbers = mpmath_numbers(40)
    with numbers.precision():
        assert abs(core.entropy(numbers) - truth) < mpmath.mpf(10) ** -38
    assert Mixture([1], [3]).core.entropy(FLOATS) == 0


@given(mixtures())
@DERANDOMISED
def test_core_against_definitions(target: Mixture) -> None:
    core, atoms = target.core, target.means
    centre = [
        sum(w * a[i] for w, a in zip(target.weights, atoms, strict=True)) for i in range(target.dimension)
    ]
    spread = sum(
        w * sum((x - c) ** 2 for x, c in zip(a, centre, strict=True))
        for w, a in zip(target.weights, atoms, strict=True)
    )
    widest = max(sum((x - y) ** 2 for x, y in zip(a, b, strict=True)) for a in atoms for b in atoms)
    differences = np.array([[float(x - y) for x, y in zip(a, atoms[0], strict=True)] for a in atoms])
    assert core.variance == spread
    assert core.diameter_squared == widest
    assert core.rank == np.linalg.matrix_rank(differences, tol=1e-9)
    assert sorted(core.weights) == sorted(target.weights)
    if core.rank == 1:
        assert core.coordinates[0] == (0,)
        assert core.coordinates[-1] == (1,)
        assert list(core.coordinates) == sorted(set(core.coordinates))
    if core.rank > 3:
        with pytest.raises(SpanError, match=rf"^means: they span {core.rank} dimensions"):
            mmse(target, 1)


def test_means_on_a_line_in_space_have_the_core_of_the_line() -> None:
    line = Mixture(["1/5", "1/2", "3/10"], [-9, 0, 12]).core
    space = Mixture(["1/5", "1/2", "3/10"], [[-2, -7, -5], [1, -1, 1], [5, 7, 9]]).core
    assert space == line


def test_exact_collinearity_is_decided_not_guessed() -> None:
    nearly = Mixture(["1/3", "1/3", "1/3"], [[0, 0], [1, 1], [2, "2.00000000000000000000000000000001"]])
    assert nearly.core.rank == 2
    line = Mixture(["1/3", "1/3", "1/3"], [[0, 0], [1, 1], [2, 2]])
    with balls(64).precision():
        assert abs(mmse(nearly, 1, digits=15) - mmse(line, 1, digits=15)) < 1e-14


def test_merging_and_dropping_are_noted() -> None:
    target = Mixture(["1/4", "1/4", "1/2", 0], [1, "1.0", 0, 7])
    assert target.weights == (Fraction(1, 2), Fraction(1, 2))
    assert target.means == ((1,), (0,))
    assert target.notes == ("1 component of weight zero dropped", "3 atoms merged into 2 distinct ones")
    assert target == Mixture(["1/2", "1/2"], [1, 0])
    assert hash(target) == hash(Mixture(["1/2", "1/2"], [1, 0]))


def test_float_weights_are_divided_by_their_sum_and_it_says_so() -> None:
    target = Mixture([0.1] * 10, list(range(10)))
    assert sum(target.weights) == 1
    assert len(set(target.weights)) == 1
    assert len(target.notes) == 1
    assert "divided by their exact sum" in target.notes[0]
    assert Mixture([0.5, 0.5], [0, 1]).notes == ()
    with pytest.raises(ValueError, match=r"^weights: the sum is .*, not 1$"):
        Mixture([0.1, 0.9 + 1e-11], [0, 1])
    with pytest.raises(ValueError, match=r"^weights: the sum is 0\.9999999999999, not 1$"):
        Mixture(["0.5", "0.4999999999999"], [0, 1])


BAD: list[tuple[dict[str, Any], str]] = [
    ({"weights": [1, 1], "means": [0, 1]}, "weights: the sum is 2, not 1"),
    ({"weights": ["3/2", "-1/2"], "means": [0, 1]}, r"weights\[1\]: '-1/2' is negative"),
    ({"weights": [1], "means": [0, 1]}, "weights: 1 entries, but means has 2"),
    ({"weights": [], "means": [0]}, "weights: the list is empty"),
    ({"weights": ["1/2", "x"], "means": [0, 1]}, r"weights\[1\]: 'x' is not a number"),
    ({"weights": {"a": 1}, "means": [0]}, "weights: .* is not a list of numbers"),
    ({"weights": "1", "means": [0]}, "weights: '1' is not a list of numbers"),
    ({"weights": [1], "means": []}, "means: the list is empty"),
    ({"weights": [1], "means": [[]]}, r"means\[0\]: the list is empty"),
    ({"weights": [1], "means": 3}, "means: 3 is not a list of numbers"),
    ({"weights": [1], "means": np.array(0.5)}, "means: .* is not a list of numbers"),
    ({"weights": [1], "means": [[[1]]]}, r"means\[0\]\[0\]: \[1\] is not a number"),
    ({"weights": [1], "means": [float("nan")]}, r"means\[0\]: nan is not finite"),
    ({"weights": ["1/2", "1/2"], "means": [0, [1]]}, "means: numbers and points are mixed"),
    (
        {"weights": ["1/2", "1/2"], "means": [[0, 1], [1]]},
        r"means\[1\]: 1 coordinates, but means\[0\] has 2",
    ),
    ({"weights": [1], "means": [0], "variance": -1}, "variance: -1 is negative"),
    ({"weights": [1], "means": [0], "variance": "inf"}, "variance: 'inf' is not a number"),
    ({"weights": [1], "means": [0], "variance": None}, "variance: None is not a number"),
    ({"weights": [1], "means": [0], "variance": [1]}, r"variance: \[1\] is not a number"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD)
def test_malformed_mixtures_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}") as refusal:
        Mixture(**arguments)
    assert "\n" not in str(refusal.value)


@given(mixtures())
@DERANDOMISED
def test_round_trips(target: Mixture) -> None:
    assert Mixture.from_json(target.to_json()) == target
    assert Mixture.from_dict(json.loads(json.dumps(target.to_dict()))) == target
    names = {name: getattr(numerics, name) for name in numerics.__all__}
    pasted = eval(repr(target), {"__builtins__": {}}, names)  # noqa: S307 - our own repr, in a test
    assert pasted == target


def test_numbers_in_json_are_decimal() -> None:
    target = Mixture.from_json('{"weights": [0.1, 0.9], "means": [0.1, 1e-3], "variance": 0.7}')
    assert target == Mixture(["1/10", "9/10"], ["1/10", "1/1000"], "7/10")
    assert target.notes == ()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("[", "target: not JSON"),
        ("[" * 100_000, "target: not JSON"),
        ("[1]", "target: not a table"),
        ('{"means": [0]}', "target: the key 'weights' is missing"),
        ('{"weights": [1]}', "target: the key 'means' is missing"),
        ('{"weights": [1], "means": [0], "mean": 1}', "target: unknown key 'mean'"),
        ('{"type": "product", "weights": [1], "means": [0]}', "target: .*'product'"),
        ('{"weights": [1], "means": [NaN]}', r"means\[0\]: 'NaN' is not a number"),
        ('{"weights": [true], "means": [0]}', r"weights\[0\]: True is not a number"),
        (None, "target: None is not JSON text"),
    ],
)
def test_malformed_json_is_refused(source: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}") as refusal:
        Mixture.from_json(source)
    assert "\n" not in str(refusal.value)


def test_samples_have_the_shape_and_law_of_the_target() -> None:
    target = Mixture(["1/4", "3/4"], [[0, 0], [4, 8]], "1/4")
    draws = target.sample(np.random.default_rng(5), 4000)
    assert draws.shape == (4000, 2)
    assert draws.dtype == np.float64
    upper = draws[:, 0] > 2
    # six standard deviations of a fixed seed: 6 sqrt(3/16/4000) and 6 (1/2)/sqrt(3000)
    assert abs(upper.mean() - 0.75) < 0.042
    assert np.abs(draws[upper].mean(axis=0) - [4, 8]).max() < 0.055
    assert np.abs(draws[upper].std(axis=0) - 0.5).max() < 0.055
    again = target.sample(np.random.default_rng(5), 4000)
    assert np.array_equal(draws, again)


def test_a_discrete_target_samples_its_atoms_only() -> None:
    draws = Mixture(["1/2", "1/2"], [-1, 3], 0).sample(np.random.default_rng(1), 200)
    assert draws.shape == (200, 1)
    assert set(draws.ravel().tolist()) == {-1.0, 3.0}
    assert Mixture([1], [0]).sample(np.random.default_rng(1), 0).shape == (0, 1)
    for bad in (-1, 1.5, "3", True, None):
        with pytest.raises(ValueError, match=r"^n: "):
            Mixture([1], [0]).sample(np.random.default_rng(1), bad)


def test_entropy_in_floats_with_a_weight_near_one() -> None:
    target = Mixture(["1e-26", 1 - Fraction(1, 10**26)], [0, 1])
    with balls(200).precision():
        exact = float(target.core.entropy(balls(200)).mid())
    assert target.core.entropy(FLOATS) == pytest.approx(exact, rel=1e-14)
