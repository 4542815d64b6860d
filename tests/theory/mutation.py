"""Mutants of derivations: one number, sign, exponent, coefficient or relation changed at a time.

What belongs here: making mutants. What does not: checking them (`test_mutants`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import sympy as sp
from sympy.core.function import AppliedUndef

from theory.derivation import Calculus, Derivation, Lemma, Step

RELATIONS = ("<=", ">=", "==")


def _local(node: sp.Basic) -> Iterator[tuple[str, sp.Basic]]:
    """Mutants of one node: what is changed, and the node that takes its place."""
    if isinstance(node, sp.Number):
        yield "number", node + 1
        yield "coefficient", 2 * node
        yield "sign", -node
    elif isinstance(node, sp.Pow):
        yield "exponent", sp.Pow(node.base, node.exp + 1)
        yield "exponent", sp.Pow(node.base, -node.exp)
    elif isinstance(node, sp.Symbol | sp.Indexed | AppliedUndef):
        yield "exponent", node**2
        yield "sign", -node
        yield "coefficient", 2 * node
    elif isinstance(node, sp.Expr):
        yield "sign", -node
        yield "coefficient", 2 * node


def mutants(expression: sp.Basic) -> Iterator[tuple[str, sp.Basic]]:
    """Every expression that differs from the given one in one place, and not in writing alone."""
    for what, mutant in _everywhere(sp.sympify(expression)):
        if _canonical(mutant) != _canonical(expression):
            yield what, mutant


def _everywhere(expression: sp.Basic) -> Iterator[tuple[str, sp.Basic]]:
    yield from _local(expression)
    for position, argument in enumerate(expression.args):
        if not _is_name(expression, position):
            for what, mutant in _everywhere(argument):
                arguments = list(expression.args)
                arguments[position] = mutant
                yield what, expression.func(*arguments)


def _is_name(parent: sp.Basic, position: int) -> bool:
    """True for what is a name and not a value: the base of an index, a bound variable."""
    if isinstance(parent, sp.Derivative):
        return position > 0
    return isinstance(parent, sp.Indexed | sp.Tuple | sp.IndexedBase) and position == 0


def _canonical(expression: sp.Basic) -> sp.Basic:
    """The expression with (a - b)^2 and (b - a)^2 written alike."""

    def signed(derivative: sp.Derivative) -> sp.Expr:
        number, rest = derivative.expr.as_coeff_Mul()
        return number * sp.Derivative(rest, *derivative.variable_count)

    def turned(power: sp.Pow) -> sp.Expr:
        return (-power.base) ** power.exp

    pulled = sp.sympify(expression).replace(lambda e: isinstance(e, sp.Derivative), signed)
    return pulled.replace(
        lambda e: isinstance(e, sp.Pow) and e.exp.is_even and e.base.could_extract_minus_sign(),
        turned,
    )


def derivation_mutants(derivation: Derivation) -> Iterator[tuple[str, Derivation]]:
    """Every mutant of a derivation: of the expressions of its chain, its relations and its rules.

    An expression of the chain is changed where one step ends and where the next one begins, so that
    the steps still fit together and it is the steps that must fail.
    """
    steps = derivation.steps
    for number, step in enumerate(steps):
        for what, mutant in mutants(step.rhs):
            changed = [*steps[:number], replace(step, rhs=mutant), *steps[number + 1 :]]
            statement = derivation.statement
            if number + 1 < len(steps):
                changed[number + 1] = replace(steps[number + 1], lhs=mutant)
            else:
                statement = statement.func(statement.lhs, mutant, evaluate=False)
            yield (
                f"{what} after step {number + 1}: {mutant}",
                replace(derivation, steps=tuple(changed), statement=statement),
            )
        for relation in RELATIONS:
            if relation != step.relation:
                yield (
                    f"step {number + 1} with {relation}",
                    _with_step(derivation, number, replace(step, relation=relation)),
                )
        for what, rule in _rule_mutants(step):
            yield (
                f"step {number + 1}, {what}",
                _with_step(derivation, number, replace(step, rule=rule)),
            )
    for what, mutant in mutants(derivation.start):
        statement = derivation.statement.func(mutant, derivation.statement.rhs, evaluate=False)
        changed_first = replace(steps[0], lhs=mutant)
        yield (
            f"{what} at the start: {mutant}",
            replace(derivation, steps=(changed_first, *steps[1:]), statement=statement),
        )


def _with_step(derivation: Derivation, number: int, step: Step) -> Derivation:
    steps = (*derivation.steps[:number], step, *derivation.steps[number + 1 :])
    return replace(derivation, steps=steps)


def _rule_mutants(step: Step) -> Iterator[tuple[str, Any]]:
    """Mutants of a rule: of weights, of the values of variables, of ranges and antiderivatives."""
    rule = step.rule
    if isinstance(rule, Calculus) and rule.antiderivative is not None:
        (variable,) = {integral.variables[0] for integral in step.lhs.atoms(sp.Integral)}
        for what, mutant in mutants(rule.antiderivative):
            if sp.simplify(sp.diff(mutant - rule.antiderivative, variable)) != 0:
                yield f"{what} of the antiderivative: {mutant}", replace(rule, antiderivative=mutant)
    if isinstance(rule, Lemma):
        for what, mutant in mutants(rule.weight):
            yield f"{what} of the weight: {mutant}", replace(rule, weight=mutant)
        for position, (variable, value) in enumerate(rule.at):
            for what, mutant in mutants(value):
                at = (*rule.at[:position], (variable, mutant), *rule.at[position + 1 :])
                yield f"{what} of {variable}: {mutant}", replace(rule, at=at)
        for position, limits in enumerate(rule.over):
            for side in (1, 2):
                for what, mutant in mutants(limits[side]):
                    changed = list(limits)
                    changed[side] = mutant
                    over = (*rule.over[:position], tuple(changed), *rule.over[position + 1 :])
                    yield f"{what} of a limit: {mutant}", replace(rule, over=over)
