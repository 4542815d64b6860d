"""The commands law and order: what a sampler returns, and how fast that approaches the target.

What belongs here: samplers by name, the text of the two commands. What does not: the law itself
(`numerics.output_law`), the drawing (`diffcert.law_plots`).
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from diffcert import family, interrupts, plots
from diffcert.commands.common import progress_bar, schedule_of, target_of, writable
from diffcert.enclosure import ball_text, certified_digits
from diffcert.inputs import exact_inputs
from diffcert.instance import Instance
from diffcert.report import write_text
from numerics import Mixture, PrecisionError, SpanError, samplers
from numerics.output_law import output_law
from numerics.output_law.certified import certified_tv
from numerics.output_law.law import DISTANCES
from numerics.samplers import Sampler
from numerics.truth import Truth

__all__ = ["SAMPLERS", "fitted_exponent", "law", "order", "sampler_named"]

SAMPLERS: dict[str, Callable[[str | None], Sampler]] = {
    "ddpm": lambda text: samplers.Ddpm() if text is None else samplers.Ddpm(text.replace("-", "_")),
    "moment-matched": lambda text: samplers.MomentMatched(2 if text is None else _integer(text)),
    "ddim": lambda text: samplers.Ddim(0 if text is None else text),
    "euler": lambda text: _plain(samplers.Euler, text),
    "heun": lambda text: _plain(samplers.Heun, text),
    "dpm-solver++": lambda text: _plain(samplers.DpmSolverPlusPlus, text),
}
"""Name -> the sampler for what follows the colon, if anything does."""

_NAMES = {
    "tv": "total variation",
    "kl": "KL(reference || output)",
    "reverse_kl": "KL(output || reference)",
    "hellinger": "Hellinger",
    "wasserstein_1": "Wasserstein 1",
    "wasserstein_2": "Wasserstein 2",
}


def _integer(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 9):
        raise ValueError(f"--sampler: the order {text!r} is not a positive integer")
    return int(text)


def _plain(kind: Callable[[], Sampler], text: str | None) -> Sampler:
    if text is not None:
        raise ValueError(f"--sampler: nothing belongs behind this name, and {text!r} stands there")
    return kind()


def sampler_named(text: str) -> Sampler:
    """The sampler NAME or NAME:WHAT: ddpm:beta, moment-matched:3, ddim:1/2; ValueError."""
    name, colon, what = text.partition(":")
    if name not in SAMPLERS:
        raise ValueError(f"--sampler: {text[:40]!r} is none of {', '.join(SAMPLERS)}")
    return SAMPLERS[name](what if colon else None)


def _mixture(text: str) -> tuple[Mixture, str]:
    target, name = target_of(text)
    if not isinstance(target, Mixture):
        raise ValueError(f"--target: {name} is no mixture with one shared variance; output laws need one")
    return target, name


def law(options: argparse.Namespace) -> int:
    """Print the distances of a sampler's output from the target; 0, or 1 if one is out of reach."""
    place = writable("--json", options.json, options.target, options.schedule)
    if options.plot is not None:
        plots.check_path(options.plot)
        writable("--plot", options.plot, options.target, options.schedule, options.json)
    target, target_name = _mixture(options.target)
    schedule, schedule_name = schedule_of(options, target)
    sampler = sampler_named(options.sampler)
    reference, digits = options.reference.replace("-", "_"), options.digits
    with progress_bar("computing the law") as progress:
        bar = progress.add_task("", total=len(DISTANCES))
        made = output_law(target, schedule, sampler, options.start)
        found: dict[str, Truth | Exception] = {}
        for name in DISTANCES:
            found[name] = _measured(made, name, reference, digits)
            progress.update(bar, advance=1)
    against = "the target" if reference == "target" else "the law at the last level"
    how = "with the estimated error" if digits is None else "every digit proven"
    print(f"{target_name}, {schedule_name}, {schedule.steps} steps, {sampler!r}, start {options.start}")
    print(f"distance of the output from {against}, {how}:")
    width = max(20, (digits or 0) + 8)
    for name, truth in found.items():
        value, error = _words(truth, digits, made)
        print(f"  {_NAMES[name]:<26}{value:>{width}}  {error}".rstrip())
    if options.certified:
        ball = certified_tv(target, schedule, sampler, options.start, reference).value
        low, high = (x.str(12, radius=False) for x in (ball.lower(), ball.upper()))
        print(f"  total variation, certified: between {low} and {high}")
    notes = dict.fromkeys((*made.notes, *(note for truth in found.values() for note in _notes(truth))))
    for note in notes:
        print(f"note: {note}")
    if place is not None:
        instance = Instance(
            target,
            schedule,
            sampler=sampler,
            start=options.start,
            target_name=target_name,
            schedule_name=schedule_name,
        )
        write_text(place, _json(instance, reference, digits, found, list(notes)))
    if options.plot is not None:
        from diffcert.law_plots import law_figure

        plots.write(lambda: law_figure(made, reference, f"{target_name}, {schedule_name}"), options.plot)
    return 1 if any(isinstance(truth, PrecisionError) for truth in found.values()) else 0


def _measured(made: Any, name: str, reference: str, digits: int | None) -> Truth | Exception:
    """A distance, or why there is none; ValueError where no distance of this law has digits."""
    try:
        truth: Truth = made.truth(name, reference, digits)
    except (SpanError, PrecisionError) as error:
        if digits is not None and isinstance(error, SpanError):
            raise
        return error
    return truth


def _words(truth: Truth | Exception, digits: int | None, made: Any) -> tuple[str, str]:
    """The value and its error, for the table."""
    if isinstance(truth, PrecisionError):
        return "out of reach", ""
    if not isinstance(truth, Truth):
        wide = made.target.core.rank > 1
        return "no closed form known" if wide else "does not factorise", ""
    if _is_infinite(truth.value):
        return "infinite", ""
    if digits is not None:
        return certified_digits(truth.value, digits), ""
    return certified_digits(truth.value, 12, max(truth.error, 1e-18)), f"+/- {truth.error:.1e}"


def _is_infinite(value: Any) -> bool:
    """Whether a float or a ball is infinite, not merely unknown."""
    if isinstance(value, float):
        return math.isinf(value)
    return bool(not value.is_finite() and value > 0)


def _notes(truth: Truth | Exception) -> tuple[str, ...]:
    if isinstance(truth, Truth):
        return truth.notes
    return (" ".join(str(truth).split()),) if isinstance(truth, PrecisionError) else ()


def _json(
    instance: Instance,
    reference: str,
    digits: int | None,
    found: Mapping[str, Truth | Exception],
    notes: list[str],
) -> str:
    """The law's distances in full precision, with exact inputs; balls as decimals that contain them."""
    distances: dict[str, Any] = {}
    for name, truth in found.items():
        if not isinstance(truth, Truth):
            distances[name] = {"reason": " ".join(str(truth).split())}
        elif _is_infinite(truth.value):
            distances[name] = {"value": "inf"}
        elif digits is None:
            distances[name] = {"value": repr(truth.value), "error": repr(truth.error)}
        else:
            middle, radius = ball_text(truth.value, digits)
            distances[name] = {"mid": middle, "rad": radius}
    data = {
        "instance": exact_inputs(instance),
        "reference": reference,
        "engine": "fast" if digits is None else "certified",
        "digits": digits,
        "distances": distances,
        "notes": notes,
    }
    return json.dumps(data, indent=1, ensure_ascii=True) + "\n"


# Orders of convergence

_MEASURED = ("tv", "kl", "wasserstein_2")


def order(options: argparse.Namespace) -> int:
    """Print distances for several numbers of steps and the exponents that fit them; 0."""
    counts = _counts(options.steps)
    if options.plot is not None:
        plots.check_path(options.plot)
        writable("--plot", options.plot, options.target)
    target, target_name = _mixture(options.target)
    sampler = sampler_named(options.sampler)
    if options.schedule not in family.SCHEDULES:
        raise ValueError(f"--schedule: {options.schedule[:40]!r} is none of {', '.join(family.SCHEDULES)}")
    values: dict[str, list[tuple[int, float, float]]] = {name: [] for name in (*_MEASURED, "path_kl")}
    with progress_bar("computing laws") as progress:
        bar = progress.add_task("", total=len(counts))
        try:
            for n in counts:
                _measure(values, n, options, target, sampler)
                progress.update(bar, advance=1)
        except KeyboardInterrupt:
            interrupts.taken()
            counts = [n for n, _, _ in values["tv"]]
            if not counts:
                raise
    values = {name: rows for name, rows in values.items() if rows}
    print(f"{target_name}, {options.schedule}, {sampler!r}, start {options.start}")
    print(f"declared order {sampler.order}")
    print(f"{'steps':>8}" + "".join(f"{name:>20}" for name in values))
    for i, n in enumerate(counts):
        cells = [certified_digits(rows[i][1], 8, max(rows[i][2], 1e-18)) for rows in values.values()]
        print(f"{n:>8}" + "".join(f"{cell:>20}" for cell in cells))
    if len(counts) > 1:
        fits = {name: fitted_exponent([(n, v) for n, v, _ in rows]) for name, rows in values.items()}
        print(f"{'fitted':>8}" + "".join(f"{'n^' + format(-p, '.3f'):>20}" for p, _ in fits.values()))
        print(f"{'spread':>8}" + "".join(f"{format(spread, '.3f'):>20}" for _, spread in fits.values()))
    if options.plot is not None:
        from diffcert.law_plots import order_figure

        title = f"{target_name}, {options.schedule}, {sampler!r}"
        plots.write(lambda: order_figure(values, title), options.plot)
    return 0


def _counts(text: str) -> list[int]:
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() and len(part) < 7 and int(part) for part in parts):
        raise ValueError(f"--steps: {text[:40]!r} is not a list of positive integers like 10,20,40")
    counts = [int(part) for part in parts]
    if sorted(set(counts)) != counts:
        raise ValueError(f"--steps: {text[:40]!r} does not increase")
    return counts


def _measure(
    values: dict[str, list[tuple[int, float, float]]],
    n: int,
    options: argparse.Namespace,
    target: Any,
    sampler: Sampler,
) -> None:
    from numerics.sampler_path import sampler_path_kl

    schedule = family.named_schedule(options.schedule, n, target)
    reference = options.reference.replace("-", "_")
    made = output_law(target, schedule, sampler, options.start)
    for name in _MEASURED:
        try:
            truth = made.truth(name, reference)
        except (SpanError, PrecisionError):
            continue
        if math.isfinite(truth.value) and truth.value > truth.error:
            values[name].append((n, float(truth.value), float(truth.error)))
    if sampler.stochastic and options.start == "exact":
        path = sampler_path_kl(target, schedule, sampler)
        if math.isfinite(path.value):
            values["path_kl"].append((n, float(path.value), float(path.error)))


def fitted_exponent(points: Sequence[tuple[int, float]]) -> tuple[float, float]:
    """p of the least-squares fit of c n^-p, and half the spread of the slopes between neighbours."""
    logs = [(math.log(n), math.log(v)) for n, v in points]
    mean_x = math.fsum(x for x, _ in logs) / len(logs)
    mean_y = math.fsum(y for _, y in logs) / len(logs)
    above = math.fsum((x - mean_x) * (y - mean_y) for x, y in logs)
    below = math.fsum((x - mean_x) ** 2 for x, _ in logs)
    slopes = [-(y1 - y0) / (x1 - x0) for (x0, y0), (x1, y1) in pairwise(logs)]
    return -above / below, (max(slopes) - min(slopes)) / 2
