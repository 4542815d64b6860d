"""Every mutant of every derivation is rejected."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import pytest
import sympy as sp

from tests.theory.inventory import DERIVATIONS
from tests.theory.mutation import RELATIONS, mutants, survivors
from theory.derivation import Derivation


def name(derivation: Derivation) -> str:
    return derivation.title


@pytest.mark.parametrize("derivation", DERIVATIONS, ids=name)
def test_a_sample_of_mutants_is_rejected(derivation: Derivation) -> None:
    assert survivors(derivation, parts=2) == []


@pytest.mark.slow
@pytest.mark.parametrize("derivation", DERIVATIONS, ids=name)
def test_every_mutant_is_rejected(derivation: Derivation) -> None:
    assert survivors(derivation) == []


@pytest.mark.parametrize("derivation", DERIVATIONS, ids=name)
def test_a_change_of_one_side_breaks_the_chain(derivation: Derivation) -> None:
    """What is changed on one side of one step no longer fits its neighbour, or the statement."""
    for number, step in enumerate(derivation.steps):
        for side in ("lhs", "rhs"):
            _, mutant = next(mutants(getattr(step, side)))
            changed = replace(step, **{side: mutant})
            steps = (*derivation.steps[:number], changed, *derivation.steps[number + 1 :])
            failures = replace(derivation, steps=steps).failures
            assert any("does not end where" in f or "ends of the chain" in f for f in failures)


@pytest.mark.parametrize("derivation", DERIVATIONS, ids=name)
def test_another_statement_is_not_proved(derivation: Derivation) -> None:
    statement = derivation.statement
    for what, mutant in islice(mutants(statement.rhs), 40):
        changed = statement.func(statement.lhs, mutant, evaluate=False)
        assert not replace(derivation, statement=changed).holds, what
    signs = {"<=": sp.Le, ">=": sp.Ge, "==": sp.Eq, "<": sp.Lt, ">": sp.Gt}
    assert set(RELATIONS) < set(signs)
    for relation, func in signs.items():
        if relation != derivation.relation:
            changed = func(statement.lhs, statement.rhs, evaluate=False)
            assert not replace(derivation, statement=changed).holds


DEFINED = {
    ("geometric steps, at least two of them", "several_steps"),
    ("the covariance moment is at least the squared mmse over the rank", "r > 0"),
    ("posterior covariance and Jacobian", "signal_positive"),
    ("one step's KL", "k <= n - 1"),
    ("one step's KL with the posterior's covariance", "k <= n - 1"),
}
"""What is asked for only so that the expressions have a meaning."""


@pytest.mark.parametrize("derivation", DERIVATIONS, ids=name)
def test_no_hypothesis_or_condition_is_idle(derivation: Derivation) -> None:
    """Without any one of its hypotheses and conditions a derivation fails."""
    for hypothesis in derivation.hypotheses:
        fewer = tuple(h for h in derivation.hypotheses if h != hypothesis)
        idle = replace(derivation, hypotheses=fewer).holds
        assert idle == ((derivation.title, hypothesis.key) in DEFINED), hypothesis.key
    for condition in derivation.conditions:
        fewer = tuple(c for c in derivation.conditions if c != condition)
        idle = replace(derivation, conditions=fewer).holds
        assert idle == ((derivation.title, str(condition)) in DEFINED), condition


@pytest.mark.parametrize("derivation", DERIVATIONS, ids=name)
def test_nothing_is_used_that_is_not_needed(derivation: Derivation) -> None:
    """Without any one of the propositions that a step uses the step fails."""
    for number, step in enumerate(derivation.steps):
        for proposition in step.rule.using:
            fewer = tuple(p for p in step.rule.using if p != proposition)
            changed = replace(step, rule=replace(step.rule, using=fewer))
            steps = (*derivation.steps[:number], changed, *derivation.steps[number + 1 :])
            assert not replace(derivation, steps=steps).holds, (number + 1, proposition.title)
