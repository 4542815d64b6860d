"""Random formulas as claims: no verdict contradicts an evaluation that shares no code with it.

Here the formulas are evaluated by a walk over the sympy tree in mpmath numbers, the quantities by
the plainest quadrature.
"""

from __future__ import annotations

import operator
import random
from itertools import pairwise

import mpmath
import pytest
import sympy as sp

from diffcert import Bound, Instance, Mixture, Schedule, Source, Status, compare, symbols
from diffcert.comparison import Evaluation
from theory.lowering import LoweringError, lower

INSTANCES = (
    Instance(Mixture(["1/2", "1/2"], [-1, 1], 0), Schedule.from_snr([0, "1/2", 1, 4])),
    Instance(Mixture(["1/5", "1/2", "3/10"], [-3, 0, 4], 1), Schedule.from_snr(["1/3", "2/3", 1, "7/3"])),
    Instance(Mixture([1], [2], 0), Schedule.from_snr([0, 1, 2])),
)
SCALARS = ("first", "first_positive", "last", "number_of_steps", "kappa", "information_last", "entropy")
SCALARS += ("variance", "second_moment", "diameter", "rank", "component_variance", "path_kl")
LISTS = ("knots", "mmse_at", "information_at", "covariance_moment_at")
TRUTHS = ("path_kl", "kappa", "entropy", "variance", "information_last")
RELATIONS = {"<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt}
DIGITS = 30
CLOSE = mpmath.mpf(10) ** -20


def exact(numbers):
    """Fractions as mpmath numbers."""
    return [mpmath.mpf(number.numerator) / number.denominator for number in numbers]


def moments(weights, atoms, t):
    """M(t), C(t) and I(t), by the trapezoid rule over y of the density of sqrt(t) A + N."""
    root, h = mpmath.sqrt(t), mpmath.mpf(1) / 30
    sums = [mpmath.mpf(0)] * 3
    y = root * min(atoms) - 12
    while y < root * max(atoms) + 12:
        parts = [w * mpmath.exp(-((y - root * a) ** 2) / 2) for w, a in zip(weights, atoms, strict=True)]
        p = sum(parts)
        mean = sum(q * a for q, a in zip(parts, atoms, strict=True)) / p
        spread = sum(q * (a - mean) ** 2 for q, a in zip(parts, atoms, strict=True)) / p
        terms = (spread, spread**2, -mpmath.log(p))
        sums = [total + p * term for total, term in zip(sums, terms, strict=True)]
        y += h
    mmse, covariance, information = (h / mpmath.sqrt(2 * mpmath.pi) * total for total in sums)
    return mmse, covariance, information - mpmath.mpf(1) / 2


def quantities(instance):
    """The table's quantities at an instance, key -> mpmath number or list of them."""
    target = instance.target
    weights, atoms = exact(target.weights), exact(mean for (mean,) in target.means)
    knots = exact(instance.schedule.parameters["snr"])
    mean = sum(w * a for w, a in zip(weights, atoms, strict=True))
    variance = sum(w * (a - mean) ** 2 for w, a in zip(weights, atoms, strict=True))
    at_zero = (variance, variance**2, mpmath.mpf(0))
    rows = [moments(weights, atoms, t) if t and variance else at_zero for t in knots]
    mmse, covariance, information = zip(*rows, strict=True)
    steps = [after - before for before, after in pairwise(knots)]
    positive = [t for t in knots if t]
    held = sum(step * m for step, m in zip(steps, mmse, strict=False)) / 2
    return {
        "knots": knots,
        "steps": steps,
        "mmse_at": mmse,
        "covariance_moment_at": covariance,
        "information_at": information,
        "first": knots[0],
        "first_positive": positive[0],
        "last": knots[-1],
        "number_of_steps": mpmath.mpf(len(steps)),
        "kappa": max(after / before - 1 for before, after in pairwise(positive)),
        "information_last": information[-1],
        "entropy": -sum(w * mpmath.log(w) for w in weights),
        "variance": variance,
        "second_moment": sum(w * a**2 for w, a in zip(weights, atoms, strict=True)),
        "diameter": max(atoms) - min(atoms),
        "rank": mpmath.mpf(len(atoms) > 1),
        "component_variance": exact([target.variance])[0],
        "path_kl": held - (information[-1] - information[0]),
    }


class UndefinedError(Exception):
    """The formula has no value here, or one that mpmath cannot tell."""


def told_apart(a, b):
    if a != b and abs(a - b) < CLOSE * (1 + abs(a)):
        raise UndefinedError
    return a, b


def value(e, of, at):
    """The expression's value: `of` are the quantities, `at` the indices of the sums around it."""
    if isinstance(e, sp.Rational):
        return mpmath.mpf(int(e.p)) / int(e.q)
    if isinstance(e, sp.Indexed):
        return of[symbols.key_of(e)][int(value(e.indices[0], of, at))]
    if isinstance(e, sp.Symbol):
        return mpmath.mpf(at[e]) if e in at else of[symbols.key_of(e)]
    if isinstance(e, sp.Sum):
        index, low, high = e.limits[0]
        span = range(int(value(low, of, at)), int(value(high, of, at)) + 1)
        return mpmath.fsum(value(e.function, of, {**at, index: here}) for here in span)
    if isinstance(e, sp.Piecewise):
        (first, condition), (other, _) = e.args
        sides = told_apart(value(condition.lhs, of, at), value(condition.rhs, of, at))
        return value(first if RELATIONS[condition.rel_op](*sides) else other, of, at)
    if e in (sp.pi, sp.E):
        return +mpmath.pi if e == sp.pi else mpmath.exp(1)
    parts = [value(part, of, at) for part in e.args]
    if isinstance(e, sp.ceiling | sp.floor):
        told_apart(parts[0], mpmath.nint(parts[0]))
    if (isinstance(e, sp.Pow) and parts[0] == 0 and parts[1] < 0) or (
        isinstance(e, sp.log) and parts[0] <= 0
    ):
        raise UndefinedError
    functions = {sp.Add: mpmath.fsum, sp.Mul: mpmath.fprod, sp.Pow: lambda p: mpmath.power(*p)}
    functions |= {sp.Max: max, sp.Min: min, sp.Abs: lambda p: abs(p[0])}
    named = {sp.exp: mpmath.exp, sp.log: mpmath.log, sp.cos: mpmath.cos}
    named |= {sp.ceiling: mpmath.ceil, sp.floor: mpmath.floor}
    result = named[e.func](parts[0]) if e.func in named else functions[e.func](parts)
    if isinstance(result, mpmath.mpc) or not mpmath.isfinite(result):
        raise UndefinedError
    return result


def formula(rng, depth, index=None):
    """A random expression in the table's symbols."""
    n = symbols.number_of_steps
    if depth == 0 or rng.random() < 0.15:
        leaves = [
            sp.Rational(rng.randint(-5, 5), rng.randint(1, 7)),
            rng.choice([sp.pi, sp.E]),
            getattr(symbols, rng.choice(LISTS))[rng.choice([0, n, n - 1])],
            *(getattr(symbols, rng.choice(SCALARS)) for _ in range(3)),
        ]
        if index is not None:
            of = getattr(symbols, rng.choice(LISTS))
            leaves += [index, of[index], of[index + 1], symbols.steps[index]]
        return rng.choice(leaves)

    def part():
        return formula(rng, depth - 1, index)

    kind = rng.randrange(8)
    if kind < 2:
        return part() + part()
    if kind < 4:
        return part() * part()
    if kind == 4:
        return part() ** rng.choice([2, 3, -1, sp.Rational(1, 2), sp.Rational(2, 3), n, symbols.entropy])
    if kind == 5:
        one = (sp.log, sp.exp, sp.Abs, sp.cos, sp.ceiling, sp.floor)
        return (
            rng.choice([sp.Max, sp.Min])(part(), part()) if rng.random() < 0.3 else rng.choice(one)(part())
        )
    if kind == 6:
        relation = rng.choice([sp.Lt, sp.Le, sp.Gt, sp.Ge])
        return sp.Piecewise((part(), relation(part(), part())), (part(), True))
    if index is not None:
        return part()
    index = sp.Symbol("j", integer=True)
    return sp.Sum(formula(rng, depth - 1, index), (index, rng.choice([0, 1]), n - 1))


def usable(expression):
    if not isinstance(expression, sp.Expr) or expression.has(sp.zoo, sp.nan, sp.oo, sp.I):
        return False
    try:
        lower(expression)
    except LoweringError:  # sympy joins nested conditions with connectives that are not supported
        return False
    return True


@pytest.fixture(scope="module")
def both_ways():
    """The instances, their values for verdicts, and their values by this module."""
    evaluations = [Evaluation(instance) for instance in INSTANCES]
    with mpmath.workdps(DIGITS):
        independent = [quantities(instance) for instance in INSTANCES]
    return list(zip(INSTANCES, evaluations, independent, strict=True))


@pytest.mark.parametrize("seed", range(4))
def test_no_verdict_is_wrong(seed, both_ways):
    rng = random.Random(seed)
    decided = 0
    for _ in range(80):
        made = formula(rng, rng.randint(1, 3))
        if not usable(made):
            continue
        truth, relation = rng.choice(TRUTHS), rng.choice(["<=", ">="])
        source = Source("random", "", "", "made up")
        bound = Bound("own/random", "", getattr(symbols, truth), relation, made, (), source)
        for instance, shared, of in both_ways:
            verdict = compare(bound, instance, 12, shared)
            with mpmath.workdps(DIGITS):
                try:
                    right = value(made, of, {})
                except (UndefinedError, OverflowError, ZeroDivisionError):
                    continue
                left = of[truth]
                if abs(left - right) < CLOSE * (1 + abs(left)):
                    continue
                expected = Status.HOLDS if RELATIONS[relation](left, right) else Status.REFUTED
                assert verdict.status in (expected, Status.UNDECIDED), (made, instance)
                decided += verdict.status is expected
    assert decided > 100
