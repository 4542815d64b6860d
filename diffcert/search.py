"""The candidates of a search for sharp instances, in exact rationals, and the moves between them.

What belongs here: what a candidate is, how simple it is, its neighbours. What does not: scoring and
the walk (`sharpness`), files (`search_state`).

A candidate is a discrete law on a line (weights in whole counts, atoms from 0 up) with either a list of
knots, a geometric or uniform schedule, or one snr; and epsilon where the claim asks for it. A reverse
variance is that of the family's member from which a walk began. Numbers are kept on a ladder of small
denominators, so that what is found can be read and typed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from math import gcd, lcm
from random import Random
from typing import Any, cast

from diffcert import family
from diffcert.bindings import BINDINGS
from diffcert.instance import Instance
from diffcert.rationals import exact_knots
from numerics import Mixture, Schedule, samplers
from numerics.exact import rational, rationals, text
from theory.statement import Bound

__all__ = ["Candidate", "Space", "nice"]

MOST_ATOMS = 8
MOST_KNOTS = 40
MOST_STEPS = 300
MOST_STEPS_TO_ACCURACY = 2000
LARGEST_COUNT = 10**12
LARGEST, LEAST = Fraction(10**6), Fraction(1, 10**6)
DENOMINATORS = (1, 4, 16, 64)

SEARCHED = frozenset(("target", "path", "point", "epsilon"))
"""What quantities may need that the candidates have; the keys of `Binding.needs`."""

_FACTORS = tuple(
    Fraction(x) for x in ("2", "1/2", "3/2", "2/3", "5/4", "4/5", "10", "1/10", "17/16", "16/17")
)


def nice(value: Fraction, denominator: int) -> Fraction:
    """The nearest number with that denominator at most; below 1, the inverse of the nearest to 1/x."""
    if value == 0:
        return value
    if abs(value) >= 1:
        return value.limit_denominator(denominator)
    return 1 / (1 / value).limit_denominator(denominator)


@dataclass(frozen=True)
class Candidate:
    """One target with what it is asked about; all numbers are exact.

    `kind` is "snr" (knots), "geometric" (steps, first, last), "uniform" (steps, last), "point" (one
    snr) or "target"; `numbers` are the ones named in brackets.
    """

    counts: tuple[int, ...]
    atoms: tuple[Fraction, ...]
    kind: str
    numbers: tuple[Fraction, ...]
    epsilon: Fraction | None = None
    variance: Fraction = Fraction(0)
    sampler: str | None = None

    def instance(self) -> Instance:
        """The instance that it stands for; ValueError for one that cannot be made."""
        total = sum(self.counts)
        target = Mixture([Fraction(c, total) for c in self.counts], list(self.atoms), self.variance)
        schedule, snr = None, None
        if self.kind == "snr":
            schedule = Schedule.from_snr(self.numbers)
        elif self.kind == "geometric":
            schedule = Schedule.geometric(int(self.numbers[0]), *self.numbers[1:])
        elif self.kind == "uniform":
            schedule = Schedule.uniform(int(self.numbers[0]), self.numbers[1])
        elif self.kind == "point":
            snr = self.numbers[0]
        parameters = None if self.epsilon is None else {"epsilon": self.epsilon}
        return Instance(
            target,
            schedule,
            sampler=None if self.sampler is None else samplers.Ddpm(self.sampler),
            snr=snr,
            parameters=parameters,
            target_name="found",
        )

    @property
    def complexity(self) -> int:
        """The length of what must be typed: bits of every number, and something for each of them."""
        total = sum(4 + count.bit_length() for count in self.counts)
        more = () if self.epsilon is None else (self.epsilon,)
        for number in (*self.atoms, *self.numbers, *more):
            total += 2 + abs(number.numerator).bit_length() + number.denominator.bit_length()
        return total

    def to_dict(self) -> dict[str, Any]:
        """The candidate as plain JSON data; numbers are strings."""
        return {
            "counts": [str(count) for count in self.counts],
            "atoms": [text(x) for x in self.atoms],
            "kind": self.kind,
            "numbers": [text(x) for x in self.numbers],
            "epsilon": None if self.epsilon is None else text(self.epsilon),
            "variance": text(self.variance),
            "sampler": self.sampler,
        }

    @classmethod
    def from_dict(cls, data: Any) -> Candidate:
        """The candidate that `to_dict` wrote; ValueError for anything else."""
        if not isinstance(data, Mapping) or set(data) != set(cls.__dataclass_fields__):
            raise ValueError("a candidate has other keys than it should")
        counts = rationals(data["counts"], "counts")
        kinds = {"snr": None, "geometric": 3, "uniform": 2, "point": 1, "target": 0}
        numbers = rationals(data["numbers"], "numbers") if data["numbers"] else ()
        if not isinstance(data["kind"], str) or data["kind"] not in kinds:
            raise ValueError("kind: not one of those of a candidate")
        if kinds[data["kind"]] not in (None, len(numbers)) or any(
            c.denominator > 1 or c < 1 for c in counts
        ):
            raise ValueError("a candidate's numbers do not fit its kind")
        made = cls(
            tuple(int(count) for count in counts),
            rationals(data["atoms"], "atoms"),
            data["kind"],
            numbers,
            None if data["epsilon"] is None else rational(data["epsilon"], "epsilon"),
            rational(data["variance"], "variance"),
            data["sampler"],
        )
        made.instance()
        return made


def _searched(key: str) -> bool:
    return BINDINGS[key].needs in SEARCHED


class Space:
    """The candidates on which a bound may be defined, where to start among them, and their moves."""

    def __init__(self, bound: Bound, own: Iterable[Instance] = ()) -> None:
        needs = {BINDINGS[key].needs for key in bound.symbols}
        if not needs <= SEARCHED:
            raise ValueError(
                f"claim {bound.id}: it needs {BINDINGS[min(bound.symbols, key=_searched)].lacking};"
                " the search covers discrete laws on a line with knots or one snr"
            )
        named = {h.predicate for h in bound.hypotheses if h.predicate}
        self.epsilon = "epsilon" in needs
        self.shifted = "second_moment" not in bound.symbols
        self.from_zero = "starts_positive" not in named
        self.most_steps = MOST_STEPS_TO_ACCURACY if self.epsilon else MOST_STEPS
        self.keeps_variance = "component_variance" in bound.symbols
        if "point" in needs:
            self.kinds: tuple[str, ...] = ("point",)
        elif "path" not in needs:
            self.kinds = ("target",)
        elif "geometric_steps" in named:
            self.kinds = ("geometric",)
        elif "uniform_steps" in named:
            self.kinds = ("uniform",)
        else:
            self.kinds = ("snr", "snr", "snr", "geometric", "uniform")
        self.starts = self._starts(bound, own)

    def _starts(self, bound: Bound, own: Iterable[Instance]) -> tuple[Candidate, ...]:
        """Members of the families that are candidates, the cheap ones first."""
        try:
            built_in: tuple[Instance, ...] = family.default_for(bound)
        except ValueError:
            built_in = ()
        most = self.most_steps if self.epsilon else MOST_KNOTS
        found: dict[Candidate, None] = {}
        for members in (own, built_in):
            for instance in family.cheap_first(tuple(members)):
                if instance.schedule is None or instance.schedule.steps <= most:
                    candidate = self._of(instance)
                    if candidate is not None:
                        found[candidate] = None
        return tuple(found)

    def _of(self, instance: Instance) -> Candidate | None:
        """The candidate that an instance is, for what the theorems see of it: its core."""
        target, schedule = instance.target, instance.schedule
        if type(target) is not Mixture or target.dimension != 1 or len(target.weights) > MOST_ATOMS:
            return None
        common = lcm(*(w.denominator for w in target.weights))
        counts = tuple(int(w * common) for w in target.weights)
        if max(counts) > LARGEST_COUNT or instance.start != "exact":
            return None
        sampler = None
        if instance.sampler is not None:
            if type(instance.sampler) is not samplers.Ddpm or instance.sampler.score_error is not None:
                return None
            sampler = str(instance.sampler.variance)
        kind, numbers = "target", cast("tuple[Fraction, ...]", ())
        if schedule is not None and schedule.name in ("geometric", "uniform"):
            kind, numbers = schedule.name, tuple(Fraction(str(x)) for _, x in schedule.parameters_items)
        elif schedule is not None:
            knots = exact_knots(target, schedule)
            if knots is None:
                return None
            kind, numbers = "snr", knots
        elif instance.snr is not None:
            kind, numbers = "point", (instance.snr,)
        if kind not in self.kinds:
            return None
        atoms = tuple(point[0] for point in target.means)
        variance = target.variance if self.keeps_variance or sampler else Fraction(0)
        epsilon = instance.parameter("epsilon")
        return self._tidied(Candidate(counts, atoms, kind, numbers, epsilon, variance, sampler))

    def start(self, restart: int, rng: Random) -> Candidate:
        """Where the walk begins again: the families' members in turn with ones made at random."""
        if self.starts and restart % 2 == 0:
            return self.starts[(restart // 2) % len(self.starts)]
        return self._random(rng)

    def _random(self, rng: Random) -> Candidate:
        size = rng.randint(2, 4)
        atoms = tuple(Fraction(x) for x in sorted(rng.sample(range(9), size)))
        counts = tuple(rng.choice((1, 1, 2, 3, 5, 10, 100, 10**4, 10**8)) for _ in atoms)
        kind = rng.choice(self.kinds)
        scale = Fraction(2) ** rng.randint(-6, 6)
        numbers: tuple[Fraction, ...] = ()
        if kind == "snr":
            steps = rng.randint(1, 6)
            growth = rng.choice((Fraction(1), Fraction(3, 2), Fraction(2), Fraction(4)))
            knots, width = [Fraction(0) if self.from_zero else scale], scale
            for _ in range(steps):
                knots.append(nice(knots[-1] + width, 64))
                width *= growth
            numbers = tuple(knots)
        elif kind == "geometric":
            numbers = (Fraction(rng.randint(2, 30)), scale / 64, scale)
        elif kind == "uniform":
            numbers = (Fraction(rng.randint(1, 20)), scale)
        elif kind == "point":
            numbers = (scale,)
        epsilon = Fraction(1, rng.choice((1, 2, 5, 10, 100))) if self.epsilon else None
        return self._tidied(Candidate(counts, atoms, kind, numbers, epsilon))

    def neighbour(self, candidate: Candidate, rng: Random) -> Candidate:
        """A candidate near another; one to three moves away."""
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            moves = list(self._moves(candidate))
            candidate = self._tidied(rng.choice(moves)(candidate, rng))
        return candidate

    def simpler(self, candidate: Candidate, rng: Random) -> Candidate:
        """A candidate near another with fewer or rounder numbers."""
        for _ in range(rng.choice((1, 1, 2))):
            shorten = rng.choice((_fewer_atoms, _rounder_counts, _rounder_atoms, _rounder_numbers))
            candidate = self._tidied(shorten(candidate, rng))
        return candidate

    def _moves(self, candidate: Candidate) -> Iterator[Any]:
        yield from (_recount, _recount, _move_atom, _move_atom, _change_atoms, _scale_atoms)
        if candidate.kind != "target":
            yield from (_move_number, _move_number, _move_number, _scale_numbers)
        if candidate.kind == "snr":
            yield from (_change_knots, _change_knots)
        if candidate.kind in ("geometric", "uniform"):
            yield from (_change_steps, _change_steps)
        if candidate.epsilon is not None:
            yield _change_epsilon

    def _tidied(self, candidate: Candidate) -> Candidate:
        """The same within limits: atoms distinct and increasing from 0, knots increasing."""
        weights: dict[Fraction, int] = {}
        for count, atom in zip(candidate.counts, candidate.atoms, strict=True):
            weights[atom] = weights.get(atom, 0) + count
        atoms = sorted(weights)
        if len(atoms) < 2 or atoms[-1] - atoms[0] > LARGEST:
            atoms, weights = [Fraction(0), Fraction(1)], {Fraction(0): 1, Fraction(1): 1}
        least = atoms[0] if self.shifted else Fraction(0)
        divisor = gcd(*weights.values())
        counts = tuple(min(weights[a] // divisor, LARGEST_COUNT) for a in atoms)
        numbers = candidate.numbers
        if candidate.kind == "snr":
            knots = sorted({min(max(x, Fraction(0)), LARGEST) for x in numbers})
            if not self.from_zero:
                knots = [x for x in knots if x]
            numbers = tuple(knots) if len(knots) > 1 else (*knots, Fraction(1), Fraction(2))[:2]
            if numbers[0] >= numbers[1]:
                numbers = (Fraction(0) if self.from_zero else Fraction(1), Fraction(2))
        elif candidate.kind == "geometric":
            steps = max(2, min(self.most_steps, int(numbers[0])))
            first = min(max(numbers[1], LEAST), LARGEST / 2)
            numbers = (Fraction(steps), first, max(min(numbers[2], LARGEST), 2 * first))
        elif candidate.kind == "uniform":
            steps = max(1, min(MOST_KNOTS, int(numbers[0])))
            numbers = (Fraction(steps), min(max(numbers[1], LEAST), LARGEST))
        elif candidate.kind == "point":
            numbers = (min(max(numbers[0], LEAST), LARGEST),)
        return replace(candidate, counts=counts, atoms=tuple(a - least for a in atoms), numbers=numbers)


# Moves


def _recount(candidate: Candidate, rng: Random) -> Candidate:
    counts, place = list(candidate.counts), rng.randrange(len(candidate.counts))
    change = rng.choice((1, -1, Fraction(2), Fraction(1, 2), Fraction(10), Fraction(1, 10)))
    new = counts[place] + change if isinstance(change, int) else int(counts[place] * change)
    counts[place] = max(1, min(int(new), LARGEST_COUNT))
    return replace(candidate, counts=tuple(counts))


def _move_atom(candidate: Candidate, rng: Random) -> Candidate:
    atoms, place = list(candidate.atoms), rng.randrange(len(candidate.atoms))
    width = max(atoms) - min(atoms)
    step = width * Fraction(rng.choice((-1, 1)), 2 ** rng.randint(1, 7))
    atoms[place] = nice(atoms[place] + step, rng.choice(DENOMINATORS))
    return replace(candidate, atoms=tuple(atoms))


def _change_atoms(candidate: Candidate, rng: Random) -> Candidate:
    counts, atoms = list(candidate.counts), list(candidate.atoms)
    if len(atoms) > 2 and (len(atoms) >= MOST_ATOMS or rng.random() < 0.5):
        place = rng.randrange(len(atoms))
        del counts[place], atoms[place]
    else:
        width = max(atoms) - min(atoms)
        atoms.append(nice(min(atoms) + width * Fraction(rng.randint(-4, 12), 8), rng.choice(DENOMINATORS)))
        counts.append(rng.choice((1, max(counts), max(1, min(counts)))))
    return replace(candidate, counts=tuple(counts), atoms=tuple(atoms))


def _scale_atoms(candidate: Candidate, rng: Random) -> Candidate:
    factor, denominator = rng.choice(_FACTORS), rng.choice(DENOMINATORS)
    return replace(candidate, atoms=tuple(nice(a * factor, denominator) for a in candidate.atoms))


def _move_number(candidate: Candidate, rng: Random) -> Candidate:
    numbers = list(candidate.numbers)
    low = 1 if candidate.kind in ("geometric", "uniform") else 0
    place = rng.randrange(low, len(numbers))
    denominator = rng.choice(DENOMINATORS)
    if candidate.kind == "snr" and rng.random() < 0.5:
        # Between its neighbours, which keeps the others' steps.
        below = numbers[place - 1] if place else numbers[place]
        above = numbers[place + 1] if place + 1 < len(numbers) else 2 * numbers[place]
        numbers[place] = nice(below + (above - below) * Fraction(rng.randint(1, 15), 16), denominator)
    else:
        numbers[place] = nice(numbers[place] * rng.choice(_FACTORS), denominator)
    return replace(candidate, numbers=tuple(numbers))


def _scale_numbers(candidate: Candidate, rng: Random) -> Candidate:
    factor, denominator = rng.choice(_FACTORS), rng.choice(DENOMINATORS)
    keep = 1 if candidate.kind in ("geometric", "uniform") else 0
    scaled = tuple(nice(x * factor, denominator) for x in candidate.numbers[keep:])
    return replace(candidate, numbers=(*candidate.numbers[:keep], *scaled))


def _change_knots(candidate: Candidate, rng: Random) -> Candidate:
    knots = list(candidate.numbers)
    if len(knots) > 2 and (len(knots) > MOST_KNOTS or rng.random() < 0.5):
        del knots[rng.randrange(len(knots))]
    elif rng.random() < 0.3:
        knots.append(nice(knots[-1] * rng.choice((Fraction(2), Fraction(3, 2), Fraction(4))), 16))
    else:
        below, above = rng.choice(list(pairwise(knots)))
        knots.append(nice((below + above) / 2, rng.choice(DENOMINATORS)))
    return replace(candidate, numbers=tuple(knots))


def _change_steps(candidate: Candidate, rng: Random) -> Candidate:
    steps = int(candidate.numbers[0])
    new = rng.choice((steps + 1, steps - 1, 2 * steps, steps // 2, steps * 9 // 8, steps * 8 // 9))
    return replace(candidate, numbers=(Fraction(new), *candidate.numbers[1:]))


def _change_epsilon(candidate: Candidate, rng: Random) -> Candidate:
    epsilon = (candidate.epsilon or Fraction(1)) * rng.choice(_FACTORS)
    within = min(max(nice(epsilon, rng.choice(DENOMINATORS)), LEAST), Fraction(100))
    return replace(candidate, epsilon=within)


# Simpler ones


def _fewer_atoms(candidate: Candidate, rng: Random) -> Candidate:
    if candidate.kind == "snr" and len(candidate.numbers) > 2 and rng.random() < 0.5:
        dropped = rng.randrange(len(candidate.numbers))
        kept = tuple(x for place, x in enumerate(candidate.numbers) if place != dropped)
        return replace(candidate, numbers=kept)
    if len(candidate.atoms) == 2:
        return _rounder_atoms(candidate, rng)
    dropped = rng.randrange(len(candidate.atoms))
    return replace(
        candidate,
        counts=tuple(x for place, x in enumerate(candidate.counts) if place != dropped),
        atoms=tuple(x for place, x in enumerate(candidate.atoms) if place != dropped),
    )


def _rounder_counts(candidate: Candidate, rng: Random) -> Candidate:
    unit = rng.choice((2, 3, 5, 10, 10, 100))
    least = min(candidate.counts)
    if rng.random() < 0.5:
        return replace(candidate, counts=tuple(max(1, count // unit) for count in candidate.counts))
    return replace(candidate, counts=tuple(_round(Fraction(count, least)) for count in candidate.counts))


def _round(number: Fraction) -> int:
    """A number of one digit and zeros near a number from 1 up."""
    power = int(10 ** (len(str(int(number))) - 1))
    return max(1, int(number / power + Fraction(1, 2)) * power)


def _rounder(number: Fraction, rng: Random) -> Fraction:
    if not number:
        return number
    if rng.random() < 0.5:
        return nice(number, rng.choice((1, 1, 2, 4)))
    size = abs(number)
    rounded = Fraction(_round(size)) if size >= 1 else 1 / Fraction(_round(1 / size))
    return rounded if number > 0 else -rounded


def _rounder_atoms(candidate: Candidate, rng: Random) -> Candidate:
    width = max(candidate.atoms) - min(candidate.atoms)
    if rng.random() < 0.3 and candidate.kind != "target":
        # The unit of length is free: snr x width^2 stays.
        keep = 1 if candidate.kind in ("geometric", "uniform") else 0
        scaled = tuple(x * width**2 for x in candidate.numbers[keep:])
        atoms = tuple((a - min(candidate.atoms)) / width for a in candidate.atoms)
        return replace(candidate, atoms=atoms, numbers=(*candidate.numbers[:keep], *scaled))
    return replace(candidate, atoms=tuple(_rounder(a, rng) for a in candidate.atoms))


def _rounder_numbers(candidate: Candidate, rng: Random) -> Candidate:
    numbers = list(candidate.numbers)
    if candidate.epsilon is not None and (not numbers or rng.random() < 0.2):
        return replace(candidate, epsilon=_rounder(candidate.epsilon, rng))
    if not numbers:
        return candidate
    place = rng.randrange(len(numbers))
    if place == 0 and candidate.kind in ("geometric", "uniform"):
        numbers[0] = Fraction(max(1, int(numbers[0]) // 2) if rng.random() < 0.5 else _round(numbers[0]))
    else:
        numbers[place] = _rounder(numbers[place], rng)
    return replace(candidate, numbers=tuple(numbers))
