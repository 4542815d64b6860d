"""The built-in instances of claims on entropies, latent components and posterior cumulants.

What belongs here: targets in large ambient dimensions, mixtures with covariances of their own, cores with
rare atoms, as data. What does not: the family that every claim is asked about (`family`), ladders
(`rates`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from functools import lru_cache

from diffcert.instance import Instance
from numerics import GeneralMixture, Mixture, Orthogonal, Product, Schedule, Target, Whole

__all__ = [
    "FAMILIES",
    "NEEDED",
    "WIDE",
    "cumulant_points",
    "latent_paths",
    "latent_points",
    "rare_paths",
    "wide_paths",
    "wide_step_complexity",
]

_THREE = Mixture(["1/5", "1/2", "3/10"], [-3, 0, 4], 1)
_BINARY = Mixture(["1/2", "1/2"], [-1, 1], 1)
_SKEW = Mixture(["19/20", "1/20"], [0, 1], 0)
_FIVE = Mixture(["1/10", "3/10", "1/5", "3/10", "1/10"], [-2, "-1/2", "1/3", 1, "5/2"], 1)
_MILLION = 10**6
_FLAT = Mixture(["1/5", "1/2", "3/10"], [[3 * x, *(-x,) * 15] for x in (-3, 0, 4)], 1)


def _wide() -> Iterable[tuple[str, Target]]:
    yield "three in 1", _THREE
    yield "three in 16", _FLAT
    yield "three in 10^6", Product(_THREE, 1, _MILLION - 1)
    yield "orthogonal 16", Orthogonal(16, 3, 1)
    yield "orthogonal 10^6", Orthogonal(_MILLION, 6, 1)
    yield "binary, 16 copies", Product(_BINARY, 16)
    yield "binary, 10^6 copies", Product(_BINARY, _MILLION)


WIDE: dict[str, Target] = dict(_wide())
"""Name -> target with one shared variance, in ambient dimension 1, 16 and 10^6."""


@lru_cache(maxsize=1)
def wide_paths() -> tuple[Instance, ...]:
    """The wide targets on geometric knots: few for orthogonal atoms, where the second route is slow."""
    return tuple(
        Instance(target, Schedule.geometric(steps, first, 1), target_name=name, schedule_name="geometric")
        for name, target in WIDE.items()
        for steps, first in ((3, Fraction(1, 4)), (25, Fraction(1, 1000)))
        if steps == 3 or not isinstance(target, Orthogonal)
    )


def _mixtures() -> Iterable[tuple[str, Target]]:
    yield "three, v = 1/4", GeneralMixture(["1/5", "1/2", "3/10"], [-3, 0, 4], ["1/4"] * 3)
    yield "three in 16, X itself", Whole(_FLAT)
    yield "three in 10^6, X itself", Whole(Product(_THREE, 1, _MILLION - 1))
    plane = [[["2", "0"], ["0", "1/3"]]] * 2
    yield "plane, shared", GeneralMixture(["1/4", "3/4"], [[-1, 0], [2, 0]], plane)
    yield "scales", GeneralMixture(["1/2", "1/2"], [0, 0], [1, 4])
    yield "three, unequal", GeneralMixture(["1/5", "1/2", "3/10"], [-3, 0, 4], [1, "1/4", 2])


@lru_cache(maxsize=1)
def latent_paths() -> tuple[Instance, ...]:
    """Mixtures of which X itself is estimated, the last two with covariances of their own."""
    schedules = (
        ("geometric", Schedule.geometric(16, Fraction(1, 100), 30)),
        ("doubling", Schedule.from_snr([Fraction(2**i, 20) for i in range(9)])),
        ("one step", Schedule.from_snr([0, 1])),
    )
    return tuple(
        Instance(target, schedule, target_name=name, schedule_name=label)
        for name, target in _mixtures()
        for label, schedule in schedules
    )


@lru_cache(maxsize=1)
def latent_points() -> tuple[Instance, ...]:
    """The same mixtures at single signal-to-noise ratios."""
    return tuple(
        Instance(target, snr=snr, target_name=name)
        for name, target in _mixtures()
        for snr in (Fraction(1, 100), Fraction(1), Fraction(20))
    )


def _rare(exponent: int) -> tuple[str, Target]:
    weight = Fraction(1, 10**exponent)
    return f"rare 1e-{exponent}", Mixture([1 - weight, weight], [0, 1], 0)


def _discrete() -> Iterable[tuple[str, Target]]:
    yield _rare(3)
    yield _rare(12)
    yield "skew-0", _SKEW
    yield "three-0", Mixture(_THREE.weights, _THREE.means, 0)
    yield "five-0", Mixture(_FIVE.weights, _FIVE.means, 0)
    yield "two rare", Mixture(["999998/1000000", "1/1000000", "1/1000000"], [0, 1, -1], 0)


@lru_cache(maxsize=1)
def rare_paths() -> tuple[Instance, ...]:
    """Discrete targets, some with rare atoms, on uniform and on doubling knots up to snr 64/D^2."""
    return tuple(
        Instance(target, schedule, target_name=name, schedule_name=label)
        for name, target in _discrete()
        for end in (64 / target.core.diameter_squared,)
        for label, schedule in (
            ("uniform", Schedule.uniform(12, end)),
            ("doubling", Schedule.from_snr([end / 2**i for i in range(5, -1, -1)])),
        )
    )


@lru_cache(maxsize=1)
def cumulant_points() -> tuple[Instance, ...]:
    """Cores on a line of three atoms or more, at snr from 1/(100 D^2) to 20/D^2."""
    targets = {
        "three": _THREE,
        "five": _FIVE,
        "five-0": Mixture(_FIVE.weights, _FIVE.means, 0),
        "lopsided": Mixture(["9/10", "9/100", "1/100"], [0, 1, 3], 1),
    }
    return tuple(
        Instance(target, snr=share / target.core.diameter_squared, target_name=name)
        for name, target in targets.items()
        for share in (Fraction(1, 100), Fraction(1), Fraction(5), Fraction(20))
    )


@lru_cache(maxsize=1)
def wide_step_complexity() -> tuple[Instance, ...]:
    """Some of the wide targets with epsilon = 1 or 1/10, on as many steps as the theorem asks for."""
    from diffcert.family import steps_needed

    return tuple(
        Instance(
            WIDE[name],
            Schedule.geometric(steps_needed(WIDE[name], epsilon), epsilon / WIDE[name].core.variance, 1),
            parameters={"epsilon": epsilon},
            target_name=name,
            schedule_name="geometric",
        )
        for name, epsilon in (
            ("three in 16", Fraction(1)),
            ("three in 16", Fraction(1, 10)),
            ("three in 10^6", Fraction(1, 10)),
        )
    )


def _usual_step_complexity() -> tuple[Instance, ...]:
    from diffcert.family import step_complexity

    return (*step_complexity(), *wide_step_complexity())


def _with_usual(further: Callable[[], tuple[Instance, ...]]) -> Callable[[], tuple[Instance, ...]]:
    def both() -> tuple[Instance, ...]:
        from diffcert.family import paths

        return (*paths(), *further())

    return both


FAMILIES: dict[str, Callable[[], tuple[Instance, ...]]] = {
    "aghapour-bayraktar/bounded-ratio-entropy": _with_usual(wide_paths),
    "aghapour-bayraktar/geometric-steps": _with_usual(wide_paths),
    "aghapour-bayraktar/step-complexity": _usual_step_complexity,
    "companion/uniform-renyi": rare_paths,
    "companion/best-rate-renyi": rare_paths,
    "companion/loss-ratios": rare_paths,
}
"""Id of a claim -> its built-in instances."""

NEEDED: dict[str, Callable[[], tuple[Instance, ...]]] = {
    "latent_path": latent_paths,
    "latent_point": latent_points,
    "latent": latent_paths,
    "line_positive": cumulant_points,
    "line": cumulant_points,
}
"""What a quantity needs (`entropy_bindings.NEEDS`) -> instances that have it, the first that applies."""
