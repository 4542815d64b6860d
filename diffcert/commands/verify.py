"""The commands verify and compare: claims over the built-in family, and on one instance.

What belongs here: from parsed options to a table and an exit code. What does not: parsing (`cli`),
the work itself (`verification`, `comparison`).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from concurrent.futures.process import BrokenProcessPool

from diffcert import interrupts, registry, verification
from diffcert.claim import Claim
from diffcert.commands.common import (
    INTERRUPTED,
    Folder,
    digits_of,
    finish,
    progress_bar,
    schedule_of,
    target_of,
    writable,
)
from diffcert.instance import Instance
from diffcert.rates.claim import RateClaim
from diffcert.registry import AnyClaim
from diffcert.verdict import Verdict

__all__ = ["compare", "verify"]


def verify(options: argparse.Namespace) -> int:
    """Check claims over their families; 0, 1 or 130."""
    digits = digits_of(options)
    if options.quick and options.twins:
        raise ValueError("--twins: machine numbers refute nothing; leave out --quick")
    place = writable("--json", options.json)
    folder = Folder(options)
    cases, claims = verification.prepare(
        options.claim, digits, options.target, options.schedule, options.steps, options.twins
    )
    workers = verification.useful_workers(cases, digits)
    if options.twins:
        finished = verification.run_twins(cases, digits)
    else:
        finished = verification.run(cases, digits, workers)
    outcomes: dict[int, Verdict] = {}
    interrupted, code = "", None
    with progress_bar("checking") as progress:
        bar = progress.add_task("checking", total=len(cases))
        try:
            for position, verdict in finished:
                outcomes[position] = verdict
                folder.take(verdict)
                done = position + 1 if options.twins else len(outcomes)
                progress.update(bar, completed=done)
        except KeyboardInterrupt:
            interrupts.taken()
            finished.close()
            interrupted, code = INTERRUPTED, 130
        except BrokenProcessPool:
            interrupted, code = "a worker process ended unexpectedly; the rest is not finished", 1
    result = finish(claims, cases, outcomes, options, place, interrupted, folder)
    return result if code is None else code


def _instance(options: argparse.Namespace) -> Instance:
    target, target_name = target_of(options.target)
    parameters = {} if options.epsilon is None else {"epsilon": options.epsilon}
    if (options.schedule is None) == (options.snr is None):
        raise ValueError("--schedule: give a schedule, or one --snr instead")
    if options.schedule is None:
        for name in ("steps", "convention", "reverse", "plot"):
            if getattr(options, name):
                raise ValueError(f"--{name}: it belongs to a schedule, and there is none")
        return Instance(target, snr=options.snr, parameters=parameters, target_name=target_name)
    schedule, schedule_name = schedule_of(options, target)
    return Instance(
        target,
        schedule,
        parameters=parameters,
        target_name=target_name,
        schedule_name=schedule_name,
    )


def _fitting(claims: Iterable[AnyClaim], instance: Instance) -> list[Claim]:
    """The claims whose quantities the instance defines; rates are not about single instances."""
    from diffcert.bindings import BINDINGS

    return [
        claim
        for claim in claims
        if isinstance(claim, Claim)
        and all(BINDINGS[key].defined_for(instance) for key in claim.bound.symbols)
    ]


def compare(options: argparse.Namespace) -> int:
    """Check one instance; 0 or 1."""
    digits = digits_of(options)
    place = writable("--json", options.json, options.target, options.schedule)
    if options.plot is not None:
        from diffcert import plots

        plots.check_path(options.plot)
        writable("--plot", options.plot, options.json)
    folder = Folder(options)
    instance = _instance(options)
    if options.claim:
        claims: Sequence[AnyClaim] = registry.select(options.claim)
        for claim in claims:
            if isinstance(claim, RateClaim):
                raise ValueError(
                    f"--claim: {claim.id} is a rate, which has ladders: diffcert verify --claim {claim.id}"
                )
    else:
        claims = _fitting(registry.claims(), instance)
    from diffcert.comparison import Evaluation
    from diffcert.comparison import compare as one

    shared = Evaluation(instance)
    cases = [verification.Case(claim, instance) for claim in claims]
    outcomes: dict[int, Verdict] = {}
    try:
        for position, case in enumerate(cases):
            outcomes[position] = one(case.claim, instance, digits, shared)
            folder.take(outcomes[position])
    except KeyboardInterrupt:
        interrupts.taken()
        finish(claims, cases, outcomes, options, place, INTERRUPTED, folder)
        return 130
    result = finish(claims, cases, outcomes, options, place, "", folder)
    if options.plot is not None:
        plots.save(instance, options.plot)
    return result
