"""The command `schedule best`: the schedule that a target itself asks for, beside the usual ones.

What belongs here: its text, file and exit code. What does not: the search (`numerics.best`), the
drawing (`diffcert.plots`).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import Any

from diffcert.commands.common import progress_bar, target_of, writable
from diffcert.enclosure import certified_digits

__all__ = ["schedule"]

_SHOWN = 40


def schedule(options: argparse.Namespace) -> int:
    """Print the best schedule, and how the usual ones compare; 0."""
    from diffcert import plots
    from numerics.best import best_limit, best_schedules
    from numerics.best_compare import compare_with_usual
    from numerics.best_export import export

    place = writable("--output", options.output, options.target)
    if place is not None and place.suffix.lower() != ".json":
        raise ValueError(f"--output: {place} does not end in .json")
    if options.plot is not None:
        plots.check_path(options.plot)
        writable("--plot", options.plot, options.output, options.target)
    target, name = target_of(options.target)
    start = 0 if options.start is None else options.start
    with progress_bar("searching") as progress:
        bar = progress.add_task("", total=3)
        found = best_schedules(target, options.steps, start, options.stop, options.digits)
        best = found[0]
        levels = [] if options.export is None else export(best.schedule, target, options.export)
        progress.update(bar, advance=1)
        limit = best_limit(target, start, options.stop)
        progress.update(bar, advance=1)
        beside = compare_with_usual(target, options.steps, start, options.stop)
        progress.update(bar, advance=1)
    print(f"{name}, {options.steps} steps: path KL {_number(best.path_kl)} nats")
    print(
        f"steps x path KL: {_number(options.steps * best.path_kl)}; in the limit {_number(limit.value)}\n"
    )
    _print_knots(best.schedule.snr(target), levels, options.export)
    if len(found) > 1:
        print("\nstationary schedules found, the best first:")
        for point in found:
            print(f"  path KL {_number(point.path_kl)}  {point.kind}")
    print(f"\n{'schedule':<16}{'path KL':>12}{'steps for the same error':>28}")
    print(f"{'best':<16}{_number(best.path_kl):>12}{options.steps:>28}")
    for family, value in beside.usual.items():
        needed = beside.needed[family]
        print(f"{family:<16}{_number(value):>12}{'out of reach' if needed is None else needed:>28}")
    if place is not None:
        convention = options.export or "snr"
        numbers = levels or best.schedule.parameters["snr"]
        text = json.dumps({convention: [_exact(x) for x in numbers]}, indent=1)
        place.write_text(text + "\n", encoding="utf-8")
        print(f"\n{convention} written to {place}; --schedule {place} reads it")
    if options.plot is not None:
        plots.write(
            lambda: plots.steps_figure(target, name, options.steps, start, options.stop), options.plot
        )
    return 0


def _number(value: Any) -> str:
    return certified_digits(value, 8, 1e-11 * abs(value) if isinstance(value, float) else 0.0)


def _exact(level: Any) -> str:
    """A level as a decimal string or fraction that reads back as the same number."""
    return repr(level) if isinstance(level, float) else str(level)


def _print_knots(knots: Sequence[float], levels: Sequence[float], convention: str | None) -> None:
    heading = f"{'k':>5}  {'snr':>20}"
    print(heading if convention is None else f"{heading}  {convention:>22}")
    for k, t in enumerate(knots):
        if len(knots) > _SHOWN and _SHOWN // 2 <= k < len(knots) - _SHOWN // 2:
            if k == _SHOWN // 2:
                print(f"{'...':>5}")
            continue
        row = f"{k:>5}  {t:>20.12g}"
        print(row if convention is None else f"{row}  {levels[k]:>22.16g}")
