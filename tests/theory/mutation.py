"""Mutants of derivations: one number, sign, exponent, coefficient or relation changed at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, partial
from typing import Any, TypeAlias

import pytest
import sympy as sp
from sympy.core.function import AppliedUndef

from theory import checker
from theory.derivation import Calculus, Derivation, Lemma, Step

RELATIONS = ("<=", ">=", "==")
Change: TypeAlias = Callable[[], tuple[str, Derivation] | None]


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
    for what, build in sites(expression):
        if (mutant := build()) is not None:
            yield what, mutant


def sites(expression: sp.Basic) -> Iterator[tuple[str, Callable[[], sp.Basic | None]]]:
    """Every change in one place, and what makes the mutant: None if it differs in writing alone."""
    expression = sp.sympify(expression, strict=True)

    @cache
    def original() -> sp.Basic:
        return _canonical(expression)

    def differing(build: Callable[[], sp.Basic]) -> sp.Basic | None:
        mutant = build()
        return None if _canonical(mutant) == original() else mutant

    for what, build in _everywhere(expression):
        yield what, partial(differing, build)


def _everywhere(expression: sp.Basic) -> Iterator[tuple[str, Callable[[], sp.Basic]]]:
    for what, mutant in _local(expression):
        yield what, partial(_itself, mutant)
    for position, argument in enumerate(expression.args):
        if not _is_name(expression, position):
            for what, build in _everywhere(argument):
                yield what, partial(_with_argument, expression, position, build)


def _itself(expression: sp.Basic) -> sp.Basic:
    return expression


def _with_argument(parent: sp.Basic, position: int, build: Callable[[], sp.Basic]) -> sp.Basic:
    arguments = list(parent.args)
    arguments[position] = build()
    return parent.func(*arguments)


def _is_name(parent: sp.Basic, position: int) -> bool:
    """True for what is a name and not a value: the base of an index, a bound variable."""
    if isinstance(parent, sp.Derivative):
        return position > 0
    return isinstance(parent, sp.Indexed | sp.Tuple | sp.IndexedBase) and position == 0


def _canonical(expression: sp.Basic) -> sp.Basic:
    """The expression with the signs inside squares, derivatives and sums written alike."""

    def signed(derivative: sp.Derivative) -> sp.Expr:
        number, rest = derivative.expr.as_coeff_Mul()
        return number * sp.Derivative(rest, *derivative.variable_count)

    def summed(total: sp.Sum) -> sp.Expr:
        number, rest = total.function.as_coeff_Mul()
        return number * sp.Sum(rest, *total.limits)

    def turned(power: sp.Pow) -> sp.Expr:
        return (-power.base) ** power.exp

    pulled = sp.sympify(expression).replace(lambda e: isinstance(e, sp.Derivative), signed)
    pulled = pulled.replace(lambda e: isinstance(e, sp.Sum), summed)
    return pulled.replace(
        lambda e: isinstance(e, sp.Pow) and e.exp.is_even and e.base.could_extract_minus_sign(),
        turned,
    )


def derivation_mutants(
    derivation: Derivation, parts: int | None = None
) -> Iterator[tuple[str, Derivation]]:
    """The mutants of a derivation: of the expressions of its chain, its relations and its rules.

    An expression of the chain is changed where one step ends and where the next one begins, so that
    the steps still fit together and it is the steps that must fail. All of them, or about as many as
    `parts`, evenly spread; the others are not made.
    """
    changes = list(_changes(derivation))
    for change in changes[:: 1 if parts is None else max(1, len(changes) // parts)]:
        found = change()
        if found is not None:
            yield found


def _changes(derivation: Derivation) -> Iterator[Change]:
    """What makes each mutant; None for one that differs in writing alone."""
    steps, statement = derivation.steps, derivation.statement
    for number, step in enumerate(steps):

        def end(mutant: sp.Basic, number: int = number) -> Derivation:
            changed = [*steps]
            changed[number] = replace(steps[number], rhs=mutant)
            if number + 1 < len(steps):
                changed[number + 1] = replace(steps[number + 1], lhs=mutant)
                return replace(derivation, steps=tuple(changed))
            ends_there = statement.func(statement.lhs, mutant, evaluate=False)
            return replace(derivation, steps=tuple(changed), statement=ends_there)

        def with_rule(rule: Any, number: int = number) -> Derivation:
            return _with_step(derivation, number, replace(steps[number], rule=rule))

        yield from (partial(_changed, f"{w} after step {number + 1}", b, end) for w, b in sites(step.rhs))
        for relation in RELATIONS:
            if relation != step.relation:
                other = _with_step(derivation, number, replace(step, relation=relation))
                yield partial(_itself, (f"step {number + 1} with {relation}", other))
        yield from (
            partial(_changed, f"step {number + 1}, {w}", b, with_rule) for w, b in _rule_sites(step)
        )

    def start(mutant: sp.Basic) -> Derivation:
        begins_there = statement.func(mutant, statement.rhs, evaluate=False)
        return replace(
            derivation, steps=(replace(steps[0], lhs=mutant), *steps[1:]), statement=begins_there
        )

    yield from (partial(_changed, f"{w} at the start", b, start) for w, b in sites(derivation.start))


def _changed(
    what: str, build: Callable[[], Any], put: Callable[[Any], Derivation]
) -> tuple[str, Derivation] | None:
    mutant = build()
    return None if mutant is None else (f"{what}: {mutant}", put(mutant))


def _with_step(derivation: Derivation, number: int, step: Step) -> Derivation:
    steps = (*derivation.steps[:number], step, *derivation.steps[number + 1 :])
    return replace(derivation, steps=steps)


def _rule_sites(step: Step) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Changes of a rule: of weights, of the values of variables, of ranges and antiderivatives."""
    rule = step.rule

    def put(build: Callable[[], Any], where: Callable[[Any], Any]) -> Any:
        mutant = build()
        return None if mutant is None else where(mutant)

    if isinstance(rule, Calculus) and rule.antiderivative is not None:
        (variable,) = {integral.variables[0] for integral in step.lhs.atoms(sp.Integral)}

        def antiderivative(mutant: Any) -> Any:
            slope = sp.simplify(sp.diff(mutant - rule.antiderivative, variable))
            return None if slope == 0 else replace(rule, antiderivative=mutant)

        for what, build in sites(rule.antiderivative):
            yield f"{what} of the antiderivative", partial(put, build, antiderivative)
    if isinstance(rule, Lemma):
        for what, build in sites(rule.weight):
            yield f"{what} of the weight", partial(put, build, lambda mutant: replace(rule, weight=mutant))
        for position, (variable, value) in enumerate(rule.at):

            def at(mutant: Any, position: int = position, variable: sp.Symbol = variable) -> Lemma:
                return replace(rule, at=(*rule.at[:position], (variable, mutant), *rule.at[position + 1 :]))

            for what, build in sites(value):
                yield f"{what} of {variable}", partial(put, build, at)
        for position, limits in enumerate(rule.over):
            for side in (1, 2):

                def over(mutant: Any, position: int = position, side: int = side) -> Lemma:
                    changed = list(rule.over[position])
                    changed[side] = mutant
                    return replace(
                        rule, over=(*rule.over[:position], tuple(changed), *rule.over[position + 1 :])
                    )

                for what, build in sites(limits[side]):
                    yield f"{what} of a limit", partial(put, build, over)


def survivors(derivation: Derivation, parts: int | None = None) -> list[str]:
    """The mutants that hold; the steps that a mutant shares with the derivation are not checked again."""
    assert derivation.holds
    step_failures = checker.step_failures
    shared = {id(step) for step in derivation.steps}

    def failures(step: Step, setting: checker.Setting) -> list[str]:
        return [] if id(step) in shared else step_failures(step, setting)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checker, "step_failures", failures)
        return [what for what, mutant in derivation_mutants(derivation, parts) if mutant.holds]
