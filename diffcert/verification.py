"""Checking claims over their families of instances, in this process or in several.

What belongs here: which cases there are, in which order and where they are evaluated, `verify`.
What does not: a single case (`comparison`), tables and files (`report`), options (`cli`).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from diffcert import family, registry
from diffcert.claim import Claim
from diffcert.comparison import Evaluation, compare
from diffcert.instance import Instance
from diffcert.rates.claim import RateClaim
from diffcert.rates.ladder import Ladder
from diffcert.rates.verdict import RateVerdict
from diffcert.registry import AnyClaim
from diffcert.report import Report
from diffcert.verdict import Status, Verdict
from diffcert.workers import processors, run_tasks
from numerics.channel import choose_engine
from theory.rate import Rate
from theory.statement import Bound

__all__ = ["Case", "plan", "run", "verify"]

_FEW = 4
"""Up to this many instances are not worth starting worker processes for."""


@dataclass(frozen=True)
class Case:
    """One claim at one instance, or one rate along one ladder."""

    claim: AnyClaim
    instance: Instance | Ladder


def _names(given: Iterable[str] | None, known: Iterable[str], what: str) -> frozenset[str] | None:
    if given is None:
        return None
    names = dict.fromkeys(known)
    chosen = frozenset((given,) if isinstance(given, str) else given)
    for name in sorted(chosen):
        if name not in names:
            raise ValueError(f"{what}: {family.shortened(name)!r} is not one of {', '.join(names)}")
    return chosen


def plan(
    claims: Sequence[AnyClaim],
    targets: Iterable[str] | None = None,
    schedules: Iterable[str] | None = None,
    steps: Iterable[int] | int | None = None,
) -> list[Case]:
    """Every case of the claims, in the order of claims and instances.

    `targets`, `schedules` (names) and `steps` select among the instances; an instance without a
    schedule is left out if either of the last two is given. Raises ValueError for an unknown name
    and where nothing is left.
    """
    families: dict[str, tuple[Instance | Ladder, ...]] = {claim.id: claim.family() for claim in claims}
    labels = {i.target_name: None for members in families.values() for i in members}
    kinds = {i.schedule_name: None for members in families.values() for i in members if i.schedule}
    wanted_targets = _names(targets, (*family.TARGETS, *labels), "target")
    wanted_schedules = _names(schedules, (*family.SCHEDULES, *kinds), "schedule")
    wanted_steps = None if steps is None else frozenset((steps,) if isinstance(steps, int) else steps)

    def selected(instance: Instance | Ladder) -> bool:
        if wanted_targets is not None and instance.target_name not in wanted_targets:
            return False
        if wanted_schedules is not None and instance.schedule_name not in wanted_schedules:
            return False
        return wanted_steps is None or (
            instance.schedule is not None and instance.schedule.steps in wanted_steps
        )

    cases = [
        Case(claim, instance) for claim in claims for instance in families[claim.id] if selected(instance)
    ]
    if not cases:
        raise ValueError(_nothing(families, wanted_schedules))
    return cases


def _nothing(families: dict[str, tuple[Instance | Ladder, ...]], schedules: frozenset[str] | None) -> str:
    counts = sorted(
        {
            instance.schedule.steps
            for members in families.values()
            for instance in members
            if instance.schedule is not None and (schedules is None or instance.schedule_name in schedules)
        }
    )
    shown = ", ".join(str(count) for count in counts[:20])
    return (
        "target, schedule, steps: no case of these claims is selected"
        + (f"; there are steps {shown}" if counts else "")
        + " (`diffcert compare` takes any)"
    )


def _judge(
    claim: AnyClaim, instance: Instance | Ladder, digits: int | None, shared: Evaluation | None
) -> Verdict:
    try:
        return compare(claim, instance, digits, shared)
    except ValueError as error:
        made: Any = RateVerdict if isinstance(instance, Ladder) else Verdict
        undecided: Verdict = made(
            Status.UNDECIDED,
            claim.id,
            instance,
            claim.bound.relation,
            engine="fast" if digits is None else "certified",
            digits=digits,
            reason=str(error),
        )
        return undecided


def _shared(instance: Instance | Ladder) -> Evaluation | None:
    """What the claims on one instance share; rungs remember their own values."""
    return None if isinstance(instance, Ladder) else Evaluation(instance)


# Where the cases are evaluated

Indexed: TypeAlias = tuple[int, Verdict]
_Task: TypeAlias = tuple[Instance | Ladder, tuple[tuple[int, str, str], ...], int | None]


def run(cases: Sequence[Case], digits: int | None, workers: int = 1) -> Generator[Indexed, None, None]:
    """The verdict on each case with its place in the list, as they are finished.

    All claims on one instance are evaluated together and share its values. With `workers` above 1
    the instances are divided among spawned processes; claims that another process cannot find
    again (made in the running program) stay in this one.
    """
    groups: dict[Instance | Ladder, list[int]] = {}
    for place, case in enumerate(cases):
        groups.setdefault(case.instance, []).append(place)
    if workers > 1 and len(groups) > _FEW:
        yield from _in_processes(cases, groups, digits, workers)
    else:
        for instance, places in groups.items():
            yield from _here(cases, instance, places, digits)


def useful_workers(cases: Sequence[Case], digits: int | None) -> int:
    """How many processes pay: one for instances in machine numbers, all for balls and for ladders."""
    pays = digits is not None or any(isinstance(case.instance, Ladder) for case in cases)
    return processors() if pays else 1


def _here(
    cases: Sequence[Case], instance: Instance | Ladder, places: Iterable[int], digits: int | None
) -> Generator[Indexed, None, None]:
    shared = _shared(instance)
    for place in places:
        yield place, _judge(cases[place].claim, instance, digits, shared)


def _in_processes(
    cases: Sequence[Case], groups: dict[Instance | Ladder, list[int]], digits: int | None, workers: int
) -> Generator[Indexed, None, None]:
    tasks: list[_Task] = []
    kept: list[tuple[Instance | Ladder, list[int]]] = []
    for instance, places in groups.items():
        references = {place: registry.reference(cases[place].claim) for place in places}
        away = tuple(
            (place, cases[place].claim.id, reference)
            for place, reference in references.items()
            if reference is not None
        )
        if away:
            tasks.append((instance, away, digits))
        home = [place for place, reference in references.items() if reference is None]
        if home:
            kept.append((instance, home))
    # The largest tasks first, one per further worker, then the small ones: there is progress to be
    # seen from the beginning, and no worker is left with a large task at the end.
    tasks.sort(key=lambda task: family.cost(task[0]))
    small = max(0, len(tasks) - workers + 1)
    tasks = tasks[small:][::-1] + tasks[:small]
    finished = run_tasks(_work, tasks, max(2, workers))
    try:
        for instance, places in kept:
            yield from _here(cases, instance, places, digits)
        for results in finished:
            yield from results
    finally:
        finished.close()


def _work(task: _Task) -> list[Indexed]:
    """What a worker process does with one instance."""
    instance, away, digits = task
    shared = _shared(instance)
    return [
        (place, _judge(_found(claim_id, reference), instance, digits, shared))
        for place, claim_id, reference in away
    ]


def _found(claim_id: str, reference: str) -> AnyClaim:
    if ":" in reference:
        return next(claim for claim in registry.load(reference) if claim.id == claim_id)
    return registry.find(claim_id)


def run_twins(cases: Sequence[Case], digits: int | None) -> Generator[Indexed, None, None]:
    """The verdicts on planted falsehoods; each is left alone as soon as one case speaks against it."""
    refuted: set[str] = set()
    for place, case in enumerate(cases):
        if case.claim.id in refuted:
            continue
        verdict = _judge(case.claim, case.instance, digits, _shared(case.instance))
        if verdict.status.is_against:
            refuted.add(case.claim.id)
        yield place, verdict


def verify(
    claims: Iterable[AnyClaim | Bound | Rate | str] | None = None,
    *,
    digits: int | None = 30,
    targets: Iterable[str] | None = None,
    schedules: Iterable[str] | None = None,
    steps: Iterable[int] | int | None = None,
    twins: bool = False,
    workers: int = 1,
    progress: Callable[[int, int], Any] | None = None,
) -> Report:
    """The report on claims over their families of instances, and on rates along their ladders.

    `claims`: claims, Bounds, Rates, ids or `package.module:attribute`; every claim of the registry by
    default, or every planted falsehood with `twins=True`, which succeeds only if each is refuted (a rate:
    inconsistent on a ladder). `digits=None` is the fast tier, with the first rungs of each ladder.
    `targets`, `schedules` and `steps` select instances. `workers` above 1 spawns processes (guard your
    script with `if __name__ == "__main__"`). `progress` is called with the number of finished cases and of
    all. Raises ValueError for bad arguments.
    """
    cases, chosen = prepare(claims, digits, targets, schedules, steps, twins)
    outcomes: dict[int, Verdict] = {}
    for place, verdict in run_twins(cases, digits) if twins else run(cases, digits, workers):
        outcomes[place] = verdict
        if progress is not None:
            progress(place + 1 if twins else len(outcomes), len(cases))
    return conclude(chosen, cases, outcomes, digits, twins)


def prepare(
    claims: Iterable[AnyClaim | Bound | Rate | str] | None,
    digits: int | None,
    targets: Iterable[str] | None,
    schedules: Iterable[str] | None,
    steps: Iterable[int] | int | None,
    twins: bool,
) -> tuple[list[Case], tuple[AnyClaim, ...]]:
    """The cases and claims meant by the arguments of `verify`; ValueError for bad ones."""
    choose_engine(digits, None)
    if twins and digits is None:
        raise ValueError("twins: the fast tier refutes nothing; give a number of digits")
    if isinstance(claims, str | Claim | RateClaim | Bound | Rate):
        claims = [claims]
    if claims is not None and not isinstance(claims, Iterable):
        raise ValueError(f"claims: {claims!r} is neither a claim nor a list of claims")
    if claims is None:
        chosen = registry.twins() if twins else registry.claims()
    else:
        chosen = registry.select(claims)
        true = next((claim for claim in chosen if twins and not claim.is_twin), None)
        if true is not None:
            raise ValueError(f"claim: {true.id} is no planted falsehood; leave out --twins")
    return plan(chosen, targets, schedules, steps), chosen


def conclude(
    claims: Sequence[AnyClaim],
    cases: Sequence[Case],
    outcomes: dict[int, Verdict],
    digits: int | None,
    twins: bool = False,
) -> Report:
    """The report on the cases finished so far, in their order."""
    ordered = tuple(outcomes[place] for place in sorted(outcomes))
    settled = {v.claim_id for v in ordered if v.status.is_against} if twins else set()
    missing = sum(
        1 for place, case in enumerate(cases) if place not in outcomes and case.claim.id not in settled
    )
    present = {case.claim.id for case in cases}
    asked = tuple(claim for claim in claims if claim.id in present)
    return Report(asked, ordered, digits, missing=missing, twins=twins)
