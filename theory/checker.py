"""The verification of one link of a derivation.

What belongs here: for each rule, what must hold so that it gives the link. What does not: algebra and
calculus (`normal_form`), signs (`positivity`), and the records (`derivation`).

A link that cannot be verified is not proved; nothing here says that it is false.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sympy as sp
from sympy.core.function import AppliedUndef

from theory.algebra import captures
from theory.derivation import (
    SIGNS,
    Algebra,
    Calculus,
    Cases,
    Derivation,
    Lemma,
    Proposition,
    Rule,
    Step,
    is_given,
)
from theory.normal_form import Equation, NormalForm
from theory.positivity import Facts
from theory.statement import Hypothesis, relation_between

__all__ = ["Setting", "step_failures"]


@dataclass(frozen=True)
class Setting:
    """What a derivation may rely on: conditions on its variables, and its hypotheses."""

    conditions: tuple[sp.Rel, ...]
    hypotheses: tuple[Hypothesis, ...]

    @property
    def relations(self) -> tuple[sp.Rel, ...]:
        """Everything that is assumed and is a relation."""
        assumed = (hypothesis.relation for hypothesis in self.hypotheses)
        return self.conditions + tuple(relation for relation in assumed if relation is not None)

    @property
    def facts(self) -> Facts:
        """The same, for the sign prover."""
        return Facts().also(self.relations)


_UNVERIFIABLE = (
    ArithmeticError,
    AttributeError,
    LookupError,
    NotImplementedError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What sympy raises where an expression makes no sense."""


@lru_cache(maxsize=65536)
def step_failures(step: Step, setting: Setting) -> tuple[str, ...]:
    """What is wrong with one link of a chain."""
    if step.relation not in SIGNS.values():
        return (f"unknown relation {step.relation!r}",)
    try:
        match step.rule:
            case Algebra() | Calculus():
                return _equality_failures(step, step.rule, setting)
            case Lemma():
                return _lemma_failures(step, step.rule, setting)
            case Cases():
                return _cases_failures(step, step.rule, setting)
    except _UNVERIFIABLE as error:
        return (f"cannot be verified: {error}",)


def _usable(proposition: Proposition, setting: Setting, facts: Facts) -> tuple[str, ...]:
    """Why a proposition may not be used here: it is unproved, or asks for more than is known."""
    if is_given(proposition):
        assumed = proposition.statement in setting.relations
        return () if assumed else (f"{proposition.statement} is not assumed",)
    failures = [f"{proposition.title}: {failure}" for failure in proposition.failures]
    failures += [
        f"{proposition.title} needs the hypothesis {hypothesis.key}"
        for hypothesis in proposition.hypotheses
        if hypothesis not in setting.hypotheses
        and not (hypothesis.relation is not None and facts.holds(hypothesis.relation))
    ]
    return tuple(failures)


def _normal_form(rule: Rule, setting: Setting, facts: Facts) -> tuple[NormalForm, Facts, tuple[str, ...]]:
    """The normal form under the equalities in `using`, the facts with its signs, and failures."""
    failures: list[str] = []
    equations = []
    for proposition in rule.using:
        failures += _usable(proposition, setting, facts)
        sides = proposition.statement
        if not proposition.variables:
            failures += _unmet(proposition, {}, facts, (), setting)
        match sides:
            case sp.Equality():
                equations.append(
                    Equation(sides.lhs, sides.rhs, proposition.variables, proposition.conditions)
                )
                if is_given(proposition) and not sides.rhs.is_number:
                    failures.append(f"{sides} is assumed: only a number can be put in for {sides.lhs}")
                if isinstance(sides.lhs, sp.Symbol | sp.Indexed) and not proposition.variables:
                    facts = facts.also((sides,))
            case sp.StrictGreaterThan() if (
                sides.rhs == 0
                and isinstance(sides.lhs, AppliedUndef)
                and sides.lhs.args == proposition.variables
                and all(facts.holds(condition) for condition in proposition.conditions)
            ):
                facts = facts.with_positive((sides.lhs.func,))
            case _:
                failures.append(f"{proposition.title} is neither an equality nor a sign")
    calculus = not isinstance(rule, Algebra)
    antiderivative = rule.antiderivative if isinstance(rule, Calculus) else None
    form = NormalForm(tuple(equations), facts, calculus, antiderivative)
    return form, facts, tuple(failures)


def _equality_failures(step: Step, rule: Algebra | Calculus, setting: Setting) -> tuple[str, ...]:
    if step.relation != "==":
        return (f"{rule.name} proves ==, not {step.relation}",)
    form, _, failures = _normal_form(rule, setting, setting.facts)
    if not form.is_zero(step.lhs - step.rhs):
        failures += (f"not equal by {rule.name}: {step.lhs} and {step.rhs}",)
    integrals = step.lhs.atoms(sp.Integral) | step.rhs.atoms(sp.Integral)
    if form.antiderivative is not None and not any(map(form.integrates, integrals)):
        failures += (f"{form.antiderivative} is the antiderivative of no integrand",)
    return failures


def _lemma_failures(step: Step, rule: Lemma, setting: Setting) -> tuple[str, ...]:
    proposition = rule.proposition
    form, facts, using_failures = _normal_form(rule, setting, setting.facts)
    failures = [*using_failures, *_usable(proposition, setting, facts)]
    inner, range_failures = _ranged(rule, facts, setting)
    at = dict(rule.at)
    failures += range_failures
    failures += _misplaced(proposition, at, inner)
    failures += _unmet(proposition, at, inner, rule.proofs, setting)
    sides = proposition.statement
    lhs, rhs = (side.subs(at, simultaneous=True) for side in (sides.lhs, sides.rhs))
    if proposition.relation == "==":
        if step.relation != "==":
            failures.append(f"an equality proves ==, not {step.relation}")
        gap = rhs - lhs
    else:
        if step.relation == "==":
            failures.append("an inequality does not prove ==")
        gap = rhs - lhs if isinstance(sides, sp.LessThan | sp.StrictLessThan) else lhs - rhs
        if not inner.nonnegative(rule.weight):
            failures.append(f"the weight {rule.weight} is not proved to be non-negative")
    total = rule.weight * gap
    for variable, low, high in rule.over:
        whole = sp.Sum if variable.is_integer else sp.Integral
        total = whole(total, (variable, low, high))
    difference = step.rhs - step.lhs if step.relation != ">=" else step.lhs - step.rhs
    if not form.is_zero(difference - total):
        failures.append(f"the sides do not differ by the weight times the gap of {proposition.title}")
    elif step.relation != "==" and form.is_zero(total):
        failures.append("the sides are equal: the inequality is not needed")
    return tuple(failures)


def _ranged(rule: Lemma, facts: Facts, setting: Setting) -> tuple[Facts, list[str]]:
    """The facts within the ranges of a lemma, and what is wrong with the ranges."""
    failures = []
    for variable, low, high in reversed(rule.over):
        if any(variable in relation.free_symbols for relation in setting.relations):
            failures.append(f"{variable} runs over a range and stands in an assumption")
        if not facts.nonnegative(high - low + (1 if variable.is_integer else 0)):
            failures.append(f"the range of {variable} may run backwards")
        if variable.is_nonnegative and not facts.nonnegative(low):
            failures.append(f"the range of {variable} may leave the non-negative numbers")
        facts = facts.between(variable, low, high)
    return facts, failures


def _misplaced(proposition: Proposition, at: Mapping[sp.Symbol, sp.Expr], facts: Facts) -> list[str]:
    """What is wrong with the values for a proposition's variables."""
    if set(at) != set(proposition.variables):
        return [f"{proposition.title}: its variables are not those that get values"]
    failures = [
        f"{proposition.title}: {value} may be no value for {variable}"
        for variable, value in at.items()
        if not facts.admits(variable, value)
    ]
    if captures(proposition.statement, at.values()):
        failures.append(f"{proposition.title}: a value contains what is bound in it")
    return failures


def _unmet(
    proposition: Proposition,
    at: Mapping[sp.Symbol, sp.Expr],
    facts: Facts,
    proofs: tuple[Derivation, ...],
    setting: Setting,
) -> list[str]:
    """The conditions of an instantiated proposition that neither the facts nor a proof give."""
    failures = [f"{proof.title}: {failure}" for proof in proofs for failure in proof.failures]
    failures += [
        f"{proof.title} relies on more than is assumed here"
        for proof in proofs
        if not set(proof.hypotheses) <= set(setting.hypotheses)
        or not set(proof.conditions) <= set(setting.relations)
    ]
    proved = {proof.statement for proof in proofs}
    for condition in proposition.conditions:
        here = condition.func(
            *(side.subs(at, simultaneous=True) for side in condition.args), evaluate=False
        )
        if here not in proved and not facts.holds(here):
            failures.append(f"{proposition.title}: the condition {here} is not proved")
    return failures


def _cases_failures(step: Step, rule: Cases, setting: Setting) -> tuple[str, ...]:
    failures: list[str] = []
    conditions = [hypothesis.relation for hypothesis, _ in rule.cases]
    if not _exhaustive(conditions, setting.facts):
        failures.append(f"the cases {conditions} may leave some out")
    for hypothesis, derivation in rule.cases:
        failures += [f"{derivation.title}: {failure}" for failure in derivation.failures]
        allowed = {*setting.hypotheses, hypothesis}
        if not set(derivation.hypotheses) <= allowed:
            failures.append(f"{derivation.title} needs more hypotheses than its case has")
        if not set(derivation.conditions) <= set(setting.conditions):
            failures.append(f"{derivation.title} needs more conditions than its case has")
        relation = relation_between(
            _in_case(step.lhs, hypothesis), step.relation, _in_case(step.rhs, hypothesis)
        )
        if derivation.statement != relation:
            failures.append(f"{derivation.title} does not prove {relation}")
    return tuple(failures)


def _exhaustive(conditions: list[Any], facts: Facts) -> bool:
    """True if the conditions are x = c and x > c where x >= c is known."""
    match conditions:
        case [sp.Equality() as equal, sp.StrictGreaterThan() as above]:
            return equal.args == above.args and facts.nonnegative(equal.lhs - equal.rhs)
    return False


def _in_case(expression: sp.Expr, hypothesis: Hypothesis) -> sp.Expr:
    """The expression with each Piecewise decided by the case, x = c or x > c."""
    relation = hypothesis.relation
    if relation is None:
        return expression
    equal = isinstance(relation, sp.Equality)
    x, c = relation.args
    truth = {sp.Eq(x, c): equal, sp.Gt(x, c): not equal, sp.true: True}
    changes = {}
    for choice in expression.atoms(sp.Piecewise):
        for value, condition in choice.args:
            if condition not in truth:
                break
            if truth[condition]:
                changes[choice] = value
                break
    return expression.xreplace(changes)
