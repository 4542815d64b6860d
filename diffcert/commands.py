"""The commands behind the command line: verify, compare, list, show.

What belongs here: from parsed options to text on standard output and an exit code. What does not:
parsing (`cli`), tables (`report`), the work itself (`verification`, `comparison`).
Bad input is a ValueError with one line; `cli` prints it.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from pathlib import Path
from typing import Any

from diffcert import family, files, registry, verification
from diffcert.claim import Claim
from diffcert.instance import Instance
from diffcert.report import Report, write_json
from diffcert.streams import discard_output, printable, say
from diffcert.tables import counterexamples, natural_width, remarks, table
from diffcert.verdict import Verdict
from numerics import Mixture, Schedule

__all__ = ["COMMANDS"]

DIGITS = 30
_NARROWEST = 60
"""A table is not squeezed into fewer columns: verdicts would be cut."""

_INTERRUPTED = "interrupted; the finished cases are above"


def _digits(options: argparse.Namespace) -> int | None:
    """The digits asked for; None for the fast tier."""
    if options.quick and options.digits is not None:
        raise ValueError("--digits: it has no meaning together with --quick")
    if options.quick:
        return None
    return DIGITS if options.digits is None else int(options.digits)


def _writable(option: str, name: str | None, *taken: str | None) -> Path | None:
    """The path of a file to be written, looked at before any work is done.

    `taken` are the files that the command reads, or writes already.
    """
    if name is None:
        return None
    path = Path(name)
    if not name or path.is_dir():
        raise ValueError(f"{option}: {name!r} is a folder, not a file")
    if not path.parent.is_dir():
        raise ValueError(f"{option}: there is no folder {path.parent}")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise ValueError(f"{option}: {path} cannot be written")
    for other in taken:
        if other is not None and os.path.realpath(files.path_of(other)) == os.path.realpath(path):
            raise ValueError(f"{option}: {path} is needed for something else")
    return path


def _print(report: Report, every: bool) -> None:
    from rich.console import Console

    console = Console(markup=False, highlight=False, emoji=False, soft_wrap=False)
    made = table(report, every)
    console.width = max(console.width, _NARROWEST) if console.is_terminal else natural_width(made)
    console.print(made)
    for line in counterexamples(report) if report.twins else remarks(report):
        print(line)
    print(report.summary)


def _save(report: Report, path: Path | None) -> None:
    if path is None:
        return
    try:
        write_json(report, path)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise ValueError(f"--json: {path} cannot be written: {error.strerror or error}") from error


def _progress(total: int) -> Any:
    """A progress bar on standard error, shown only on a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    return Progress(
        TextColumn("checking"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def _finish(
    claims: Sequence[Claim],
    cases: Sequence[verification.Case],
    outcomes: dict[int, Verdict],
    options: argparse.Namespace,
    place: Path | None,
    interrupted: str,
) -> int:
    twins = getattr(options, "twins", False)
    report = verification.conclude(claims, cases, outcomes, _digits(options), twins)
    try:
        _print(report, getattr(options, "all", True))
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        discard_output()  # what was found out counts all the same
    with suppress(BrokenPipeError):
        _save(report, place)
    if interrupted:
        say(f"diffcert: {interrupted}")
    return 0 if report.succeeded else 1


def _processors() -> int:
    """The number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def verify(options: argparse.Namespace) -> int:
    """Check claims over their families; 0, 1 or 130."""
    digits = _digits(options)
    if options.quick and options.twins:
        raise ValueError("--twins: machine numbers refute nothing; leave out --quick")
    place = _writable("--json", options.json)
    cases, claims = verification.prepare(
        options.claim, digits, options.target, options.schedule, options.steps, options.twins
    )
    workers = 1 if digits is None else _processors()
    if options.twins:
        finished = verification.run_twins(cases, digits)
    else:
        finished = verification.run(cases, digits, workers)
    outcomes: dict[int, Verdict] = {}
    interrupted, code = "", None
    with _progress(len(cases)) as progress:
        bar = progress.add_task("checking", total=len(cases))
        try:
            for position, verdict in finished:
                outcomes[position] = verdict
                done = position + 1 if options.twins else len(outcomes)
                progress.update(bar, completed=done)
        except KeyboardInterrupt:
            finished.close()
            interrupted, code = _INTERRUPTED, 130
        except BrokenProcessPool:
            interrupted, code = "a worker process ended unexpectedly; the rest is not finished", 1
    result = _finish(claims, cases, outcomes, options, place, interrupted)
    return result if code is None else code


def _target(text: str) -> tuple[Mixture, str]:
    if text not in family.TARGETS and files.looks_like_a_file(text):
        return files.read_target(text), printable(Path(text).stem)
    return family.named_target(text), text


def _schedule(options: argparse.Namespace, target: Mixture) -> tuple[Schedule, str]:
    text: str = options.schedule
    if text not in family.SCHEDULES and files.looks_like_a_file(text):
        if options.steps is not None:
            raise ValueError("--steps: the file has its own number of steps")
        return files.read_schedule(text, options.convention, options.reverse), printable(Path(text).name)
    for option, given in (("--convention", options.convention), ("--reverse", options.reverse)):
        if given:
            raise ValueError(f"{option}: it belongs to a file, and {text!r} is a built-in schedule")
    if text in family.SCHEDULES and options.steps is None:
        raise ValueError(f"--steps: a number of steps is needed for the schedule {text!r}")
    return family.named_schedule(text, options.steps or 1, target), text


def _instance(options: argparse.Namespace) -> Instance:
    target, target_name = _target(options.target)
    parameters = {} if options.epsilon is None else {"epsilon": options.epsilon}
    if (options.schedule is None) == (options.snr is None):
        raise ValueError("--schedule: give a schedule, or one --snr instead")
    if options.schedule is None:
        for name in ("steps", "convention", "reverse", "plot"):
            if getattr(options, name):
                raise ValueError(f"--{name}: it belongs to a schedule, and there is none")
        return Instance(target, snr=options.snr, parameters=parameters, target_name=target_name)
    schedule, schedule_name = _schedule(options, target)
    return Instance(
        target,
        schedule,
        parameters=parameters,
        target_name=target_name,
        schedule_name=schedule_name,
    )


def _fitting(claims: Iterable[Claim], instance: Instance) -> list[Claim]:
    """The claims whose quantities the instance defines."""
    from diffcert.bindings import BINDINGS

    return [
        claim for claim in claims if all(BINDINGS[key].defined_for(instance) for key in claim.bound.symbols)
    ]


def compare(options: argparse.Namespace) -> int:
    """Check one instance; 0 or 1."""
    digits = _digits(options)
    place = _writable("--json", options.json, options.target, options.schedule)
    if options.plot is not None:
        from diffcert import plots

        plots.check_path(options.plot)
        _writable("--plot", options.plot, options.json)
    instance = _instance(options)
    if options.claim:
        claims: Sequence[Claim] = registry.select(options.claim)
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
    except KeyboardInterrupt:
        _finish(claims, cases, outcomes, options, place, _INTERRUPTED)
        return 130
    result = _finish(claims, cases, outcomes, options, place, "")
    if options.plot is not None:
        plots.save(instance, options.plot)
    return result


def list_(options: argparse.Namespace) -> int:
    """Print the claims, planted falsehoods, targets and schedules; 0."""
    claims, twins = registry.claims(), registry.twins()
    width = max(len(claim.id) for claim in (*claims, *twins))
    print("claims:")
    for claim in claims:
        print(f"  {claim.id:<{width}}  {claim.title}")
    print("planted falsehoods (verify --twins):")
    for claim in twins:
        print(f"  {claim.id:<{width}}  {claim.title}")
    print("targets (variance 1, and 0 with -0 behind the name):")
    print(f"  {' '.join(family.TARGETS)}")
    print("schedules (steps in the built-in family):")
    for name, counts in family.STEPS.items():
        print(f"  {name:<{width}}  {' '.join(str(count) for count in counts)}")
    return 0


def show(options: argparse.Namespace) -> int:
    """Print a claim's statement, hypotheses, source and derivation; 0."""
    for claim in registry.select([options.id]):
        bound = claim.bound
        print(f"{claim.id}: {bound.title}\n")
        print(_indented(bound.unicode()))
        if bound.is_twin:
            print(f"\nplanted falsehood: {bound.why_false}")
        print("\nhypotheses:" if bound.hypotheses else "\nhypotheses: none")
        for hypothesis in bound.hypotheses:
            print(f"  - {hypothesis.text}")
        print(f"\nsource: {bound.source}")
        if bound.derivation is not None:
            print(f"\nderivation:\n{_indented(bound.derivation.unicode())}")
    return 0


def _indented(text: str) -> str:
    return "\n".join(f"    {line}".rstrip() for line in text.splitlines())


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "verify": verify,
    "compare": compare,
    "list": list_,
    "show": show,
}
"""Name of the command -> what it does."""
