"""The built-in targets, schedules and instances that claims are checked on by default.

What belongs here: the family as data, and which part of it a bound is asked about. What does not:
users' own files (`files`), evaluating anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from functools import lru_cache, partial
from types import MappingProxyType
from typing import Any

from diffcert import entropy_families, li_cai_wei, low_rank, path_families
from diffcert.bindings import BINDINGS
from diffcert.instance import Instance
from numerics import Mixture, Schedule, Target, samplers
from numerics.arithmetic import balls
from theory.statement import Bound

__all__ = [
    "SCHEDULES",
    "TARGETS",
    "constant_ratios",
    "default_for",
    "from_counterexample",
    "from_zero",
    "geometric",
    "moderate_points",
    "named_schedule",
    "named_target",
    "paths",
    "phases",
    "points",
    "reverse_variances",
    "spans",
    "step_complexity",
    "steps_needed",
]

_ATOMS: dict[str, tuple[list[str], list[str]]] = {
    "binary": (["1/2", "1/2"], ["-1", "1"]),
    "skew": (["19/20", "1/20"], ["0", "1"]),
    "three": (["1/5", "1/2", "3/10"], ["-3", "0", "4"]),
    "five": (["1/10", "3/10", "1/5", "3/10", "1/10"], ["-2", "-1/2", "1/3", "1", "5/2"]),
    "grid16": (["1/16"] * 16, [str(Fraction(2 * i - 15, 5)) for i in range(16)]),
}

TARGETS: Mapping[str, Mixture] = MappingProxyType(
    {
        f"{name}{suffix}": Mixture(weights, means, variance)
        for name, (weights, means) in _ATOMS.items()
        for suffix, variance in (("", 1), ("-0", 0))
    }
)
"""Name -> built-in target; a name has v = 1, and v = 0 with "-0" behind it."""

FIRST_KNOT = Fraction(1, 1000)
LAST_KNOT_OF_A_DISCRETE_TARGET = 100
POINTS = (Fraction(1, 1000), Fraction(1, 10), Fraction(1), Fraction(10), Fraction(100))
ACCURACIES = (Fraction(1), Fraction(1, 10), Fraction(1, 100))


def _last_knot(target: Target) -> Fraction:
    """T = 1/v, or 100 where v = 0."""
    if target.variance == 0:
        return Fraction(LAST_KNOT_OF_A_DISCRETE_TARGET)
    return 1 / target.variance


SCHEDULES: Mapping[str, Callable[[int, Mixture], Schedule]] = MappingProxyType(
    {
        "ddpm-linear": lambda steps, target: Schedule.ddpm_linear(steps),
        "scaled-linear": lambda steps, target: Schedule.scaled_linear(steps),
        "karras": lambda steps, target: Schedule.karras(steps),
        "cosine": lambda steps, target: Schedule.cosine(steps),
        "flow-matching": lambda steps, target: Schedule.flow_matching(steps),
        "li-cai-wei": lambda steps, target: Schedule.li_cai_wei(steps),
        "geometric": lambda steps, target: Schedule.geometric(
            steps, first=FIRST_KNOT, last=_last_knot(target)
        ),
        "uniform": lambda steps, target: Schedule.uniform(steps, last=_last_knot(target)),
    }
)
"""Name -> the schedule with that many steps for a target."""

STEPS: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {
        "ddpm-linear": (10, 20, 50, 100, 250, 1000),
        "scaled-linear": (50,),
        "karras": (18, 40),
        "cosine": (50,),
        "flow-matching": (28,),
        "li-cai-wei": (50, 200),
        "geometric": (25, 100),
        "uniform": (50,),
    }
)
"""Name -> the numbers of steps in the built-in family."""


def shortened(text: str) -> str:
    """A text that fits into an error message."""
    return text if len(text) <= 80 else f"{text[:77]}..."


def named_target(name: str) -> Mixture:
    """The built-in target of that name; ValueError listing the names for any other."""
    if name not in TARGETS:
        raise ValueError(f"target: {shortened(name)!r} is not one of {', '.join(TARGETS)}")
    return TARGETS[name]


def named_schedule(name: str, steps: int, target: Mixture) -> Schedule:
    """The named schedule with that many steps; ValueError listing the names for any other."""
    if name not in SCHEDULES:
        raise ValueError(f"schedule: {shortened(name)!r} is not one of {', '.join(SCHEDULES)}")
    return SCHEDULES[name](steps, target)


@lru_cache(maxsize=1)
def paths() -> tuple[Instance, ...]:
    """Every built-in target on every built-in schedule, from the right law."""
    return tuple(
        Instance(target, SCHEDULES[name](steps, target), target_name=label, schedule_name=name)
        for label, target in TARGETS.items()
        for name, counts in STEPS.items()
        for steps in counts
    )


@lru_cache(maxsize=1)
def points() -> tuple[Instance, ...]:
    """Every built-in target at single signal-to-noise ratios from 1/1000 to 100."""
    return tuple(
        Instance(target, snr=snr, target_name=label) for label, target in TARGETS.items() for snr in POINTS
    )


@lru_cache(maxsize=1)
def step_complexity() -> tuple[Instance, ...]:
    """Every built-in target with epsilon in 1, 1/10, 1/100, on as many steps as the theorem asks for.

    The schedule is geometric from epsilon/V to T; targets with T V <= epsilon are left out, since
    no step is needed there.
    """
    return tuple(
        Instance(
            target,
            Schedule.geometric(
                steps=steps_needed(target, epsilon),
                first=epsilon / target.core.variance,
                last=_last_knot(target),
            ),
            parameters={"epsilon": epsilon},
            target_name=label,
            schedule_name="geometric",
        )
        for label, target in TARGETS.items()
        for epsilon in ACCURACIES
        if _last_knot(target) * target.core.variance > epsilon
    )


@lru_cache(maxsize=1)
def phases() -> tuple[Instance, ...]:
    """Every built-in target on geometric knots of ratio 2 from 1/100 on, for claims about their phase."""
    return tuple(
        Instance(
            target,
            Schedule.geometric(doublings + 1, Fraction(1, 100), Fraction(2**doublings, 100)),
            target_name=label,
            schedule_name="geometric",
        )
        for label, target in TARGETS.items()
        for doublings in (_DOUBLINGS[target.variance == 0],)
    )


_DOUBLINGS = (6, 13)
"""How often 1/100 is doubled up to T: to 64/100 for v = 1, to 81.92 for v = 0."""


def geometric() -> tuple[Instance, ...]:
    """The geometric knots among `paths`: one T per target, for claims about a mmse convex up to T."""
    return tuple(instance for instance in paths() if instance.schedule_name == "geometric")


def moderate_points() -> tuple[Instance, ...]:
    """The instances of `points` up to snr 10, for claims whose bounds grow like exp(D^2 s)."""
    return tuple(instance for instance in points() if instance.snr is not None and instance.snr <= 10)


def from_zero() -> tuple[Instance, ...]:
    """The instances of `paths` that start at snr zero."""
    names = ("geometric", "uniform", "flow-matching")
    return tuple(instance for instance in paths() if instance.schedule_name in names)


@lru_cache(maxsize=1)
def constant_ratios() -> tuple[Instance, ...]:
    """Every built-in target on knots t_0, 2 t_0, 4 t_0, ... from t_0 = 1/50 on."""
    return tuple(
        Instance(
            target,
            Schedule.from_snr([Fraction(2**i, 50) for i in range(doublings)]),
            target_name=label,
            schedule_name="doubling",
        )
        for label, target in TARGETS.items()
        for doublings in (_DOUBLINGS[target.variance == 0],)
    )


@lru_cache(maxsize=1)
def spans() -> tuple[Instance, ...]:
    """Paths that start at t_0 > 0: doubling knots and DDPM, for claims about [t_0, T] alone."""
    named = tuple(
        instance
        for instance in paths()
        if instance.schedule_name == "ddpm-linear" and instance.schedule and instance.schedule.steps == 10
    )
    return (*constant_ratios(), *named)


SAMPLERS = ("beta", "beta_tilde", "optimal", Fraction(1, 10))
"""The reverse variances of the built-in family; a number is that of every step."""


@lru_cache(maxsize=1)
def reverse_variances() -> tuple[Instance, ...]:
    """Some targets, one of them in four dimensions, with every kind of reverse variance.

    No schedule ends at the noise-free level, where `beta_tilde` costs infinitely much.
    """
    levels = Schedule.from_alpha_bar([Fraction(i, 10) for i in (1, 3, 5, 7, 9)])
    knots = Schedule.geometric(12, Fraction(1, 100), Fraction(1, 2))
    targets = {name: TARGETS[name] for name in ("binary", "three", "five", "five-0")}
    targets["line-in-four"] = path_families.line_in_four()
    return tuple(
        Instance(
            target,
            schedule,
            sampler=samplers.Ddpm(variance),
            target_name=label,
            schedule_name=name,
        )
        for label, target in targets.items()
        for name, schedule in (("fifths", levels), ("geometric", knots))
        for variance in SAMPLERS
    )


def steps_needed(target: Target, epsilon: Fraction) -> int:
    """n = 1 + ceil(log(T V/epsilon)/log(1 + epsilon/(2H)))."""
    for bits in (128, 512, 2048):
        ops = balls(bits)
        with ops.precision():
            entropy = target.core.entropy(ops)
            ratio = ops.number(_last_knot(target) * target.core.variance / epsilon)
            steps = ops.log(ratio) / ops.log1p(ops.number(epsilon) / (2 * entropy))
            whole = ops.ceil(steps).unique_fmpz()
            if whole is not None:
                return 1 + int(whole)
    raise ArithmeticError("the number of steps lies too close to an integer to be told")


def default_for(bound: Bound) -> tuple[Instance, ...]:
    """The built-in instances on which the bound is defined; a ValueError if there are none."""
    needs = {BINDINGS[key].needs for key in bound.symbols}
    if not needs.isdisjoint(low_rank.NEEDS):
        return low_rank.family_for(needs)
    if not needs.isdisjoint(li_cai_wei.NEEDS):
        return li_cai_wei.family_for(needs)
    original = bound.twin_of or bound.id
    if original in entropy_families.FAMILIES:
        return entropy_families.FAMILIES[original]()
    for need, own in entropy_families.NEEDED.items():
        if need in needs:
            return own()
    predicates = {hypothesis.predicate for hypothesis in bound.hypotheses}
    for words, own in _OWN_FAMILIES:
        if not words.isdisjoint({bound.id, *predicates, *bound.symbols}):
            return own()
    if "point" in needs and not needs.isdisjoint(("path", "epsilon")):
        raise ValueError(
            f"claim {bound.id}: it mixes quantities at one snr with those of a path or with epsilon; "
            "no built-in instance defines both"
        )
    if "epsilon" in needs:
        return step_complexity()
    return points() if "point" in needs else paths()


_OWN_FAMILIES: tuple[tuple[frozenset[str], Callable[[], tuple[Instance, ...]]], ...] = (
    (frozenset(("start_kl", "score_error_at")), path_families.errors),
    (frozenset(("output_kl", "output_tv")), path_families.outputs),
    (frozenset(("early_stopping",)), path_families.stopping),
    (frozenset(("trapezoid_covariance",)), partial(path_families.quadratures, 3)),
    (frozenset(("trapezoid_mmse", "trapezoid_information")), partial(path_families.quadratures, 1)),
    (frozenset(("constant_ratio",)), constant_ratios),
    (frozenset(("best_phase_kl",)), phases),
    (frozenset(("diffcert/convex-below",)), geometric),
    (frozenset(("covariance_supremum", "information_first_positive")), from_zero),
    (frozenset(("diffcert/covariance-growth", "diffcert/covariance-growth/twin-none")), moderate_points),
    (frozenset(("best_rate",)), spans),
    (frozenset(("exact_mean", "optimal_sampler", "variance_ratio")), reverse_variances),
)
"""Predicates, quantities and ids that ask for instances of another kind, and those."""


def from_counterexample(data: Mapping[str, Any]) -> Instance:
    """The instance that a planted falsehood states as its counterexample.

    Keys: weights, means, variance; snr_knots, geometric (steps, first, last) or snr; sampler (its reverse
    variance), score_error, start; parameters.
    """
    if "vectors" in data:
        return low_rank.from_counterexample(data)
    if "c1" in data:
        return li_cai_wei.from_counterexample(data)
    if "covariances" in data:
        target: Target = Mixture(data["weights"], data["means"], covariances=data["covariances"])
    else:
        target = Mixture(data["weights"], data["means"], data.get("variance", 1))
    schedule = None
    if "geometric" in data:
        schedule = Schedule.geometric(**data["geometric"])
    elif "snr_knots" in data:
        schedule = Schedule.from_snr(data["snr_knots"])
    return Instance(
        target,
        schedule,
        sampler=_counterexample_sampler(data),
        start=data.get("start", "exact"),
        snr=data.get("snr"),
        parameters=data.get("parameters"),
        target_name="counterexample",
        schedule_name=None if schedule is None else schedule.name.replace("_", "-"),
    )


def _counterexample_sampler(data: Mapping[str, Any]) -> samplers.Ddpm | None:
    if "sampler" not in data and "score_error" not in data:
        return None
    return samplers.Ddpm(data.get("sampler", "matched"), data.get("score_error"))


_LADDER_COST = 20_000
"""A ladder takes seconds, like a path of a thousand steps of a wide target."""


def cheap_first(instances: tuple[Instance, ...]) -> Iterator[Instance]:
    """The instances in order of their cost: few steps and few atoms first."""
    yield from sorted(instances, key=cost)


def cost(instance: Any) -> int:
    """A rough measure of the work that an instance takes."""
    if instance.kind == "ladder":
        return _LADDER_COST
    if isinstance(instance, li_cai_wei.LiCaiWeiInstance):
        return instance.steps
    if isinstance(instance, low_rank.LowRankInstance):
        return int(instance.target.dimension * instance.target.components)
    steps = 1 if instance.schedule is None else instance.schedule.steps
    wide = 3 if instance.target.variance == 0 else 1
    atoms = len(getattr(instance.target, "weights", ())) or 1
    return steps * atoms * wide
