"""Strategies for instances: what a claim is asked about, built so that its hypotheses hold.

What belongs here: joining targets, schedules, samplers and parameters. What does not: each of them.

Knots are written in units at which the target changes: 1, 1/D^2, and for an atom of small weight w the
signal-to-noise ratio 2 log(1/w)/D^2 at which it is told from the others (exactly, to two digits). An
instance drawn without regard to it sees a rare atom never or always.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from diffcert.strategies.extremes import MOST_FINE_STEPS, STEPS, suited
from diffcert.strategies.li_cai_wei import li_cai_wei_instances
from diffcert.strategies.low_rank import low_rank_instances
from diffcert.strategies.needs import Needs, bound_of, needs_of
from diffcert.strategies.numbers import MULTIPLES, positive_numbers, rounded, shares
from diffcert.strategies.quadratures import quadratures
from diffcert.strategies.samplers import reverse_variances, score_errors
from diffcert.strategies.schedules import schedules as any_schedules
from diffcert.strategies.targets import general_mixtures, mixtures, units

if TYPE_CHECKING:
    from diffcert.claim import Claim
    from diffcert.instance import Instance
    from numerics import Mixture, Schedule, Target
    from theory.statement import Bound

__all__ = ["instances"]

MOST_STEPS = 128
MOST_COSTLY_STEPS = 6
MOST_STEPS_TO_ACCURACY = 400
MODERATE = 40
"""The largest D^2 s where a formula grows like exp(D^2 s)."""

SATURATED = Fraction(2000)
"""The largest D^2 s of a point: beyond it what is left to learn is below what any precision promises."""

_LEAST_ACCURACY = 1e-60
_ACCURACIES = tuple(Fraction(x) for x in ("1/2", "1", "1/4", "2", "1/8"))
_EVERYDAY = 3
"""How many everyday instances there are for one of each extreme family, on average."""

_PARTS = tuple(Fraction(x) for x in ("1", "1/2", "1/10", "1/100"))
_RARELY = (*(False,) * 10, True, *(False,) * 10)
_GAPS = tuple(Fraction(x) for x in ("1", "2", "1/2", "3/2"))
_RISES = tuple(Fraction(x) for x in ("1/4", "1/2", "1/10", "1/5"))
_BEGINNINGS = tuple(Fraction(x) for x in ("0", "1/4", "1/10", "1/2"))
_SPANS = tuple(Fraction(x) for x in ("1", "1/10", "1/1000", "1/40"))
_REACHES = tuple(Fraction(x) for x in ("100", "10", "1e4", "1e3"))


def instances(
    claim: Claim | Bound | str | None = None,
    *,
    kind: str | None = None,
    targets: st.SearchStrategy[Any] | None = None,
    schedules: st.SearchStrategy[Schedule] | None = None,
    samplers: st.SearchStrategy[Any] | None = None,
    max_steps: int = MOST_FINE_STEPS,
) -> st.SearchStrategy[Instance]:
    """Instances: paths and points, or what a claim is about, with its hypotheses built in.

    With a `claim` (a Claim, a Bound or an id; not a rate, which is about ladders) schedules, samplers and
    parameters are what its hypotheses ask for; one that cannot be built, such as the convexity of the
    mmse, is made likely. `kind` is "path", "point" or "target" where there is no claim (default: paths and
    points). `targets`, `schedules` and `samplers` are strategies that take the place of the built-in
    ones; the sampler is by default the matched one. `max_steps` is the largest number of steps (more than
    128 only on geometric knots). Raises ValueError for bad arguments.
    """
    from numerics.exact import integer

    integer(max_steps, "max_steps", 1, 1000)
    if claim is not None:
        if kind is not None:
            raise ValueError(f"kind: the claim says it; {kind!r} was given beside it")
        needs = needs_of(bound_of(claim))
        for name, given in (("schedules", schedules), ("samplers", samplers)):
            if given is not None and needs.kind != "path":
                raise ValueError(f"{name}: the instances of this claim have none")
        if needs.kind == "low_rank":
            return low_rank_instances(needs, targets)
        if needs.kind == "li_cai_wei":
            return li_cai_wei_instances(needs, targets)
        made = _instances(needs, targets, schedules, samplers, max_steps)
        if targets is not None or schedules is not None or samplers is not None:
            return made
        most = min(max_steps, MOST_COSTLY_STEPS) if needs.costly else max_steps
        # The first is what a failing example shrinks towards.
        return st.one_of(*[made] * _EVERYDAY, *(family(needs, most) for family in suited(needs)))
    if kind is None:
        kinds = [Needs("path"), Needs("point")]
        return st.one_of(*(_instances(n, targets, schedules, samplers, max_steps) for n in kinds))
    if kind not in ("path", "point", "target"):
        raise ValueError(f"kind: {kind!r} is none of path, point, target")
    return _instances(Needs(kind), targets, schedules, samplers, max_steps)


@st.composite
def _instances(
    draw: st.DrawFn,
    needs: Needs,
    targets: st.SearchStrategy[Target] | None,
    schedules: st.SearchStrategy[Schedule] | None,
    samplers: st.SearchStrategy[Any] | None,
    max_steps: int,
) -> Instance:
    from diffcert.instance import Instance

    if needs.kind == "spacing":
        return draw(quadratures(needs, targets))
    if needs.outputs:
        targets = _close_atoms() if targets is None else targets
        schedules = _short_paths(needs) if schedules is None else schedules
    target: Any = draw(_targets(needs) if targets is None else targets)
    if needs.kind == "target":
        return Instance(target)
    unit = Fraction(1) if needs.latent else draw(st.sampled_from(units(target)))
    if needs.kind == "point":
        return Instance(target, snr=draw(_points(needs, target, unit)))
    if needs.epsilon:
        return draw(_to_accuracy(needs, target))
    if schedules is None:
        schedules = _schedules(needs, unit, max_steps, levels_only=samplers is not None)
        if needs.divides and not (needs.latent or needs.any_variance or needs.predicates & STEPS):
            schedules = _moderate(needs, target)
    schedule = draw(schedules)
    start = draw(st.sampled_from(("exact", "normal"))) if needs.starts else "exact"
    sampler = draw(_samplers(needs) if samplers is None else samplers)
    return Instance(target, schedule, sampler=sampler, start=start)


def _targets(needs: Needs) -> st.SearchStrategy[Target]:
    """Targets with two atoms or more where one would make a claim empty."""
    if needs.latent:
        return general_mixtures("shared_covariance" in needs.predicates)
    least = 2 if needs.positive & {"rank", "entropy", "variance", "diameter"} or needs.epsilon else 1
    shapes: dict[str, Any] = {}
    if "mmse_convex" in needs.predicates:
        shapes = {"shapes": ("pair", "pair", "plain", "pair", "degenerate")}
    elif "mmse_not_convex" in needs.predicates:
        shapes = {"shapes": ("rare", "rare", "rare", "plain")}
        least = 2
    if needs.discrete:
        shapes["variances"] = (0,)
    if needs.ambient or needs.predicates & {"exact_mean", "optimal_sampler"}:
        each = [mixtures(min_atoms=least, dimension=d, **shapes) for d in (1, 2, 4, 8)]
        return st.one_of(*each)
    return mixtures(min_atoms=least, **shapes)


@st.composite
def _with_a_ratio(draw: st.DrawFn, unit: Fraction, most: int) -> Schedule:
    """Geometric knots of two steps or more, so that there is a ratio."""
    from numerics import Schedule

    steps = draw(st.sampled_from([n for n in (2, 3, 4, 6, 12, 40) if n <= max(most, 2)]))
    first = draw(positive_numbers(extremes=True)) * unit / 10
    return Schedule.geometric(steps, first, first * draw(st.sampled_from(_REACHES)))


@st.composite
def _close_atoms(draw: st.DrawFn) -> Mixture:
    """Two or three atoms on a line, near enough for short steps to leave something to learn."""
    from numerics import Mixture

    gaps = draw(st.lists(st.sampled_from(_GAPS), min_size=1, max_size=2))
    counts = draw(st.lists(st.integers(1, 9), min_size=len(gaps) + 1, max_size=len(gaps) + 1))
    atoms = [sum(gaps[:k], Fraction(0)) for k in range(len(counts))]
    return Mixture(shares(counts), atoms, draw(st.sampled_from((1, 0))))


@st.composite
def _short_paths(draw: st.DrawFn, needs: Needs) -> Schedule:
    """Two or three steps that are not short: those for which the law of the last iterate is enclosed."""
    from numerics import Schedule

    first = draw(st.sampled_from([k for k in _BEGINNINGS if k or needs.start != "positive"]))
    rises = draw(st.lists(st.sampled_from(_RISES), min_size=2, max_size=3))
    first = Fraction(0) if needs.start == "zero" else first
    return Schedule.from_snr([first + sum(rises[:k], Fraction(0)) for k in range(len(rises) + 1)])


@st.composite
def _moderate(draw: st.DrawFn, needs: Needs, target: Mixture) -> Schedule:
    """Knots up to a signal-to-noise ratio at which the mmse is not yet too small to divide by."""
    from numerics import Schedule

    gaps = draw(st.lists(st.integers(1, 12), min_size=2, max_size=5))
    last = MODERATE * draw(st.sampled_from(_SPANS)) / (target.core.diameter_squared or 1)
    first = {"zero": 0, "positive": 1, None: draw(st.sampled_from((0, 1)))}[needs.start]
    return Schedule.from_snr([last * sum(gaps[:k]) / sum(gaps) for k in range(first, len(gaps) + 1)])


@st.composite
def _points(draw: st.DrawFn, needs: Needs, target: Mixture, unit: Fraction) -> Fraction:
    multiple = draw(st.one_of(st.sampled_from(MULTIPLES), positive_numbers(extremes=True)))
    size = Fraction(0) if needs.latent else target.core.diameter_squared
    most = MODERATE if needs.moderate else SATURATED
    if size and multiple * unit * size > most:
        return multiple * rounded(1 / float(size)) if multiple <= most else most / size
    if not needs.moderate and "snr" not in needs.positive and draw(st.sampled_from(_RARELY)):
        return Fraction(0)
    return multiple * unit


def _schedules(
    needs: Needs, unit: Fraction, most: int, levels_only: bool = False
) -> st.SearchStrategy[Schedule]:
    """Schedules with what the hypotheses ask; noise levels where reverse variances need them."""
    kinds: tuple[str, ...] | None = None
    predicates = needs.predicates
    if needs.latent:
        kinds = ("from_snr", "geometric", "uniform", "constant_ratio")
    elif needs.any_variance or levels_only:
        kinds = ("from_alpha_bar", "from_times", "from_alpha_bar", "from_sigmas", "li_cai_wei")
    elif "geometric_steps" in predicates:
        if "kappa" in needs.positive:
            return _with_a_ratio(unit, min(most, MOST_COSTLY_STEPS if needs.costly else MOST_STEPS))
        kinds = ("geometric",)
    elif "uniform_steps" in predicates:
        kinds = ("uniform",)
    elif "constant_ratio" in predicates:
        kinds = ("constant_ratio",)
    return any_schedules(
        kinds=kinds,
        start=None if kinds in (("geometric",), ("uniform",)) or needs.any_variance else needs.start,
        max_steps=min(most, MOST_COSTLY_STEPS if needs.costly else MOST_STEPS),
        unit=unit,
        noise_free=not (needs.any_variance or levels_only or "finite_snr" in predicates),
        enormous=not (needs.costly or needs.latent),
    )


def _samplers(needs: Needs) -> st.SearchStrategy[Any]:
    """Reverse variances where the claim is about any, the best one where it is about that one."""
    from numerics.samplers import Ddpm

    if "optimal_sampler" in needs.predicates:
        return st.just(Ddpm("optimal"))
    if "narrow_sampler" in needs.predicates:
        return st.sampled_from((Ddpm("beta_tilde"), Ddpm(Fraction(1, 10**6)), Ddpm()))
    if needs.errors and not needs.any_variance:
        return st.one_of(st.none(), st.builds(Ddpm, st.just("matched"), score_errors(functions=False)))
    if needs.any_variance and needs.errors:
        return st.builds(Ddpm, reverse_variances(), score_errors(functions=False))
    if "exact_mean" in needs.predicates:
        numbers = ("1/10", "1/100", "1")
        named = [Ddpm(name) for name in ("beta_tilde", "beta", "optimal", "matched")]
        return st.sampled_from([*named, *(Ddpm(Fraction(x)) for x in numbers)])
    return st.none()


@st.composite
def _to_accuracy(draw: st.DrawFn, needs: Needs, target: Mixture) -> Instance:
    """A geometric schedule of the least number of steps that the hypotheses allow, or a few more."""
    from diffcert.instance import Instance
    from numerics import Schedule
    from numerics.arithmetic import FLOATS

    spread = target.core.variance
    entropy = float(target.core.entropy(FLOATS))
    epsilon = rounded(max(entropy, _LEAST_ACCURACY)) * draw(st.sampled_from(_ACCURACIES))
    first = epsilon / spread * draw(st.sampled_from(_PARTS))
    last = first * draw(st.sampled_from(_REACHES))

    def with_steps(steps: int) -> Instance:
        schedule = Schedule.geometric(steps, first, last)
        return Instance(target, schedule, parameters={"epsilon": epsilon})

    low, high = 1, 2
    while not _enough(needs, with_steps(high)) and high < MOST_STEPS_TO_ACCURACY:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _enough(needs, with_steps(middle)) else (middle, high)
    return with_steps(max(2, high + draw(st.sampled_from((0, 1, 0, 3)))))


def _enough(needs: Needs, instance: Instance) -> bool:
    """Whether machine numbers satisfy the hypotheses on the number of steps."""
    from diffcert.bindings import Values
    from diffcert.hypotheses import check

    values = Values(instance, None)
    return all(check(hypothesis, values) is True for hypothesis in needs.steps_relation)
