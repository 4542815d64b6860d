"""A normal form for sums over knots, integrals of M, I and C, derivatives and expectations.

What belongs here: identities of algebra and calculus, applied until equal expressions look equal.
What does not: statements of the subject; those come in as equations, passed by whoever uses them.

- A sum over steps becomes sums from 0 to n - 1 of monomials whose least index is k, plus single
  terms at the ends: shifted sums merge, and what telescopes leaves its ends.
- An integral becomes values of an antiderivative at its limits: by parts down the ladder that the
  given derivatives define (with I' = M/2 and M' = -C: C, M, I), explicitly for rational functions
  without a pole, and by an unnamed antiderivative otherwise.
- A derivative is carried out, with the given derivatives of M, I, ...
- An expectation is linear.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from itertools import count
from typing import Any, NamedTuple

import sympy as sp
from sympy.core.function import AppliedUndef

from theory import symbols as sym
from theory.algebra import MEANS, captures, expanded, outermost, split, terms, vanishes
from theory.channel import PriorMean, unfold
from theory.positivity import Facts

__all__ = ["Equation", "NormalForm"]

_RATIO = sp.Symbol("q", positive=True)


class Equation(NamedTuple):
    """An equation that may be used from left to right, for all values of its variables.

    `conditions` must hold where it is used.
    """

    lhs: sp.Expr
    rhs: sp.Expr
    variables: tuple[sp.Symbol, ...] = ()
    conditions: tuple[sp.Rel, ...] = ()


@cache
def _bound_symbol(depth: int, integer: bool, nonnegative: bool) -> sp.Dummy:
    """The name of the variable bound by the sum or integral at a depth: no other has it."""
    kind = {"integer": True} if integer else {"real": True}
    return sp.Dummy(f"bound{depth}", **kind, **({"nonnegative": True} if nonnegative else {}))


@cache
def _sum_index(height: int) -> sp.Dummy:
    """The index of a sum in normal form that has sums of lower heights in it."""
    return sp.Dummy(f"j{height}", integer=True, nonnegative=True)


def _free_sum_index(part: sp.Expr) -> sp.Dummy:
    """The index for a sum over `part`."""
    used = {limits[0] for total in part.atoms(sp.Sum) for limits in total.limits}
    return next(_sum_index(h) for h in count() if used <= {_sum_index(i) for i in range(h)})


class _Scope(NamedTuple):
    """Where a subexpression stands: the facts there, and the number of sums and integrals around."""

    facts: Facts
    depth: int = 0

    def bind(self, variable: sp.Symbol, low: sp.Expr, high: sp.Expr) -> tuple[_Scope, sp.Dummy]:
        """The scope inside a sum or integral, and the name that its variable has there."""
        integer, nonnegative = bool(variable.is_integer), self.facts.nonnegative(low)
        fresh = _bound_symbol(self.depth, integer, nonnegative)
        return _Scope(self.facts.between(fresh, low, high), self.depth + 1), fresh


@dataclass(frozen=True)
class NormalForm:
    """Brings expressions to normal form under equations and facts.

    Without `calculus`, integrals and derivatives are not evaluated. `antiderivative` is one for some
    integrand, in the variable of its integral; it is checked by differentiation.
    """

    equations: tuple[Equation, ...] = ()
    facts: Facts = field(default_factory=Facts)
    calculus: bool = False
    antiderivative: sp.Expr | None = None

    def __call__(self, expression: sp.Expr) -> sp.Expr:
        """The normal form of an expression."""
        parts = (term.as_coeff_Mul() for term in sp.Add.make_args(sp.sympify(expression, strict=True)))
        return sp.Add(*(sp.expand(number * _normal_term(self, part)) for number, part in parts))

    def is_zero(self, expression: sp.Expr) -> bool:
        """True if the expression is proved to vanish identically."""
        return vanishes(self(expression))

    def integrates(self, integral: sp.Integral) -> bool:
        """True if `antiderivative` is one for this integral."""
        ((variable, low, high),) = integral.limits
        facts = self.facts.between(variable, unfold(low), unfold(high))
        body = self._walk(self._written(integral.function), _Scope(facts))
        return self._has_antiderivative(body, variable, variable, _Scope(facts))

    # The equations, by what they rewrite

    def _written(self, expression: sp.Expr) -> sp.Expr:
        """The expression unfolded; in the ratio q = 1 + kappa where knots are powers of it."""
        written = unfold(expression)
        return written.subs(sym.kappa, _RATIO - 1) if self._in_ratio else written

    @cached_property
    def _in_ratio(self) -> bool:
        return any(equation.variables and equation.rhs.has(sym.kappa) for equation in self.equations)

    @cached_property
    def _entries(self) -> tuple[Equation, ...]:
        return tuple(
            equation._replace(lhs=self._written(equation.lhs), rhs=self._written(equation.rhs))
            for equation in self.equations
        )

    @cached_property
    def _slopes(self) -> dict[tuple[Any, int], Equation]:
        """First derivatives of functions, by the function and the position of the variable."""
        found = {}
        for entry in self._entries:
            if isinstance(entry.lhs, sp.Derivative) and isinstance(entry.lhs.expr, AppliedUndef):
                ((variable, times),) = entry.lhs.variable_count
                if times != 1 or entry.conditions or set(entry.lhs.expr.args) != set(entry.variables):
                    raise ValueError(f"cannot use the equation for {entry.lhs}")
                found[entry.lhs.expr.func, entry.lhs.expr.args.index(variable)] = entry
        return found

    @cached_property
    def _knots(self) -> tuple[Equation, ...]:
        """Values of all knots, or of another indexed quantity, as functions of the index."""
        return tuple(
            entry for entry in self._entries if entry.variables and isinstance(entry.lhs, sp.Indexed)
        )

    @cached_property
    def _definitions(self) -> dict[Any, Equation]:
        """Functions written out, for all values of their arguments."""
        return {
            entry.lhs.func: entry
            for entry in self._entries
            if entry.variables
            and isinstance(entry.lhs, AppliedUndef)
            and sorted(entry.lhs.args, key=str) == sorted(entry.variables, key=str)
        }

    @cached_property
    def _values(self) -> dict[sp.Basic, sp.Expr]:
        """Everything else: the left side itself is replaced."""
        found = {}
        for entry in self._entries:
            if not entry.variables:
                found[_sums_renamed(entry.lhs)] = entry.rhs
            elif not any(
                entry in kind for kind in (self._slopes.values(), self._knots, self._definitions.values())
            ):
                raise ValueError(f"cannot use an equation for {entry.lhs} with free variables")
        return found

    # The walk

    def _walk(self, e: sp.Expr, scope: _Scope, inside: bool = False) -> sp.Expr:
        """The normal form below one node; `inside` an argument of M, I, C or another function."""
        if e in self._values:
            return self._walk(self._values[e], scope, inside)
        match e:
            case sp.Symbol() | sp.Number() | sp.Piecewise():
                return e
            case sp.Indexed():
                return self._knot(e, scope, inside)
            case sp.Sum():
                return self._sum(e, scope)
            case sp.Integral():
                return self._integral(e, scope)
            case sp.Derivative():
                return self._derivative(e, scope)
            case AppliedUndef():
                return self._call(e, scope)
            case sp.Subs():
                raise ValueError(f"a derivative at another point: {e}")
            case _ if isinstance(e, MEANS):
                return self._mean(e, scope)
        if not e.args:
            return e
        walked = e.func(*(self._walk(argument, scope, inside) for argument in e.args))
        if isinstance(walked, sp.Pow) and not (walked.exp.is_integer or walked.exp.is_Rational):
            return _as_exponential(walked, scope.facts)
        return walked

    def _knot(self, e: sp.Indexed, scope: _Scope, inside: bool) -> sp.Expr:
        index = self._walk(e.indices[0], scope, True)
        written = e.base[index]
        if written in self._values:
            return self._walk(self._values[written], scope, inside)
        if not inside:
            for entry in self._knots:
                at = {entry.variables[0]: index}
                if entry.lhs.xreplace(at) == written and _holding(entry, at, scope.facts):
                    return entry.rhs.xreplace(at)
        return written

    def _call(self, e: AppliedUndef, scope: _Scope) -> sp.Expr:
        written = e.func(*(self._walk(argument, scope, True) for argument in e.args))
        if written in self._values:
            return self._walk(self._values[written], scope)
        definition = self._definitions.get(e.func)
        if definition is None:
            return written
        at = dict(zip(definition.lhs.args, written.args, strict=True))
        if not _holding(definition, at, scope.facts) or captures(definition.rhs, at.values()):
            return written
        if definition.rhs.has(sp.Derivative) and written != definition.lhs:
            return written
        return self._walk(definition.rhs.subs(at, simultaneous=True), scope)

    def _mean(self, e: sp.Expr, scope: _Scope) -> sp.Expr:
        at = e.func(e.args[0], *(self._walk(argument, scope, True) for argument in e.args[1:]))
        total = sp.S.Zero
        for term in terms(self._walk(e.args[0], scope)):
            constant, random = split(term, e.is_random)
            value = sp.S.One if random == 1 else at.of(random)
            known = self._values.get(value)
            total += constant * (value if known is None else self._walk(known, scope))
        return total

    # Derivatives

    def _derivative(self, e: sp.Derivative, scope: _Scope) -> sp.Expr:
        result = self._walk(e.expr, scope)
        if not self.calculus:
            return sp.Derivative(result, *e.variable_count)
        variables = [v for v, times in e.variable_count for _ in range(int(times))]
        with_slopes = {
            call.args[i]
            for call in result.atoms(AppliedUndef)
            for i in range(len(call.args))
            if (call.func, i) in self._slopes
        }
        for variable in sorted(variables, key=lambda v: v not in with_slopes):
            result = self._differentiated(result, variable, scope)
        return result

    def _differentiated(self, e: sp.Expr, variable: sp.Symbol, scope: _Scope) -> sp.Expr:
        """The derivative of a walked expression, by the chain rule and the given derivatives."""
        special = [
            atom
            for atom in outermost(e, (AppliedUndef, sp.Derivative, sp.Sum, *MEANS))
            if variable in atom.free_symbols
        ]
        stand_in = {atom: sp.Function(f"f{i}")(variable) for i, atom in enumerate(special)}
        result = sp.diff(e.xreplace(stand_in), variable)
        slopes = {
            sp.Derivative(call, variable): self._slope(atom, variable, scope)
            for atom, call in stand_in.items()
        }
        back = {call: atom for atom, call in stand_in.items()}
        return result.xreplace(slopes).xreplace(back)

    def _slope(self, e: sp.Expr, variable: sp.Symbol, scope: _Scope) -> sp.Expr:
        """The derivative of a function's value, of a derivative, of a sum, or of an expectation."""
        if isinstance(e, PriorMean):
            return self._mean(e.of(self._differentiated(e.args[0], variable, scope)), scope)
        if isinstance(e, sp.Sum) and not any(limit.has(variable) for limit in e.limits):
            inner = scope.facts
            for limits in reversed(e.limits):
                inner = inner.between(*limits)
            slope = self._differentiated(e.function, variable, scope._replace(facts=inner))
            return self._sum(sp.Sum(slope, *e.limits), scope)
        call = e.expr if isinstance(e, sp.Derivative) else e
        if isinstance(call, AppliedUndef) and variable in call.args:
            known = self._slopes.get((call.func, call.args.index(variable)))
            if known is not None and (call.args == known.lhs.expr.args or not known.rhs.has(sp.Derivative)):
                at = dict(zip(known.lhs.expr.args, call.args, strict=True))
                if not _holding(known, at, scope.facts):
                    raise ValueError(f"{known.lhs} is not given at {call}")
                result = self._walk(known.rhs.subs(at, simultaneous=True), scope)
                further = e.variable_count if isinstance(e, sp.Derivative) else ()
                for other in (v for v, times in further for _ in range(int(times))):
                    result = self._differentiated(result, other, scope)
                return result
        derivative = _plain_derivative(e, variable)
        known_value = self._values.get(derivative)
        return derivative if known_value is None else self._walk(known_value, scope)

    # Integrals

    def _integral(self, e: sp.Integral, scope: _Scope) -> sp.Expr:
        ((variable, low, high),) = e.limits
        low, high = (self._walk(limit, scope, True) for limit in (low, high))
        inner, fresh = scope.bind(variable, low, high)
        body = self._walk(e.function.xreplace({variable: fresh}), inner)
        if self._has_antiderivative(body, variable, fresh, inner):
            primitive = self._walk(self._written(self.antiderivative), inner)
            return self._between(primitive, variable, low, high, scope)
        total = sp.S.Zero
        for term in terms(body):
            constant, part = split(term, lambda factor: fresh in factor.free_symbols)
            primitive = self._primitive(part, fresh, inner)
            total += constant * self._between(primitive, fresh, low, high, scope)
        return total

    def _has_antiderivative(
        self, body: sp.Expr, variable: sp.Symbol, fresh: sp.Symbol, scope: _Scope
    ) -> bool:
        """True if `antiderivative`, its variable renamed, is one for a walked integrand."""
        if not self.calculus or self.antiderivative is None:
            return False
        here = self._written(self.antiderivative).xreplace({variable: fresh})
        primitive = self._walk(here, scope)
        slope = self._differentiated(primitive, fresh, scope)
        return _is_regular(primitive, scope.facts) and vanishes(expanded(slope - body))

    def _between(
        self, primitive: sp.Expr, variable: sp.Symbol, low: sp.Expr, high: sp.Expr, scope: _Scope
    ) -> sp.Expr:
        upper, lower = (primitive.subs(variable, limit) for limit in (high, low))
        return self._walk(upper, scope) - self._walk(lower, scope)

    def _primitive(self, part: sp.Expr, variable: sp.Symbol, scope: _Scope) -> sp.Expr:
        """An antiderivative of a monomial; an unnamed one where the calculus knows none."""
        if part == 1:
            return variable
        if self.calculus:
            if part.is_rational_function(variable) and _is_regular(part, scope.facts):
                return sp.integrate(part, variable)
            power, rest = part.as_independent(*part.atoms(AppliedUndef), as_Add=False)
            step = self._ladder(rest, variable, scope)
            if step is not None and power.is_polynomial(variable):
                result = power * step
                for term in terms(sp.diff(power, variable) * step):
                    constant, inner = split(term, lambda f: variable in f.free_symbols)
                    if constant != 0:
                        result -= constant * self._primitive(inner, variable, scope)
                return result
        return _unnamed_primitive(part, variable)

    def _ladder(self, call: sp.Expr, variable: sp.Symbol, scope: _Scope) -> sp.Expr | None:
        """The antiderivative of f(x) where some g' is a constant times f, or of f' itself."""
        if isinstance(call, sp.Derivative) and call.variable_count == ((variable, 1),):
            return call.expr
        for entry in self._slopes.values():
            if len(entry.variables) == 1:
                at = {entry.variables[0]: variable}
                ratio = entry.rhs.xreplace(at) / call
                if ratio.is_Number and _holding(entry, at, scope.facts):
                    return entry.lhs.expr.xreplace(at) / ratio
        return None

    # Sums

    def _sum(self, e: sp.Sum, scope: _Scope) -> sp.Expr:
        *within, (index, low, high) = e.limits
        low, high = (self._walk(limit, scope, True) for limit in (low, high))
        inner, fresh = scope.bind(index, low, high)
        summand = sp.Sum(e.function, *within) if within else e.function
        body = self._walk(summand.xreplace({index: fresh}), inner)
        total = sp.S.Zero
        for term in terms(body):
            constant, part = split(term, lambda factor: fresh in factor.free_symbols)
            total += constant * self._monomial_sum(part, fresh, low, high, scope)
        return total

    def _monomial_sum(
        self, part: sp.Expr, index: sp.Symbol, low: sp.Expr, high: sp.Expr, scope: _Scope
    ) -> sp.Expr:
        """The sum of a monomial as one from 0 to n - 1, corrected at the ends."""
        if part == 1:
            return high - low + 1
        shift, j = _least_offset(part, index), _free_sum_index(part)
        constant, part = split(
            sp.expand_power_exp(part.subs(index, j - shift)),
            lambda factor: j in factor.free_symbols,
        )
        low, high = sp.expand(low + shift), sp.expand(high + shift)
        offset, symbol = sp.expand(high + 1).as_coeff_Add()

        def at(*positions: sp.Expr) -> sp.Expr:
            return sp.Add(*(self._walk(part.subs(j, place), scope) for place in positions))

        if (high - low).is_Integer:
            return constant * at(*(low + i for i in range(int(high - low) + 1)))
        if not (symbol.is_Symbol and offset.is_Integer and low.is_Integer):
            return constant * sp.Sum(part, (j, low, high))
        first, beyond = int(low), int(offset)
        return constant * (
            sp.Sum(part, (j, 0, symbol - 1))
            - at(*map(sp.Integer, range(first)))
            + at(*map(sp.Integer, range(first, 0)))
            + at(*(symbol + i for i in range(beyond)))
            - at(*(symbol + i for i in range(beyond, 0)))
        )


@lru_cache(maxsize=65536)
def _normal_term(form: NormalForm, term: sp.Expr) -> sp.Expr:
    return expanded(form._walk(form._written(term), _Scope(form.facts)))


def _holding(entry: Equation, at: dict[sp.Symbol, sp.Expr], facts: Facts) -> bool:
    """True if the equation may be used at these values of its variables."""
    return all(facts.admits(variable, value) for variable, value in at.items()) and all(
        facts.holds(condition.xreplace(at)) for condition in entry.conditions
    )


def _as_exponential(power: sp.Pow, facts: Facts) -> sp.Expr:
    """A power with a symbolic exponent as exp(exponent log(base)), if the base is positive."""
    if facts.positive(power.base):
        return sp.exp(power.exp * sp.log(power.base))
    return power


def _is_regular(e: sp.Expr, facts: Facts) -> bool:
    """True if denominators and arguments of logarithms are proved to be positive."""
    delicate = [log.args[0] for log in e.atoms(sp.log)]
    delicate += [p.base for p in e.atoms(sp.Pow) if not p.exp.is_nonnegative]
    return all(facts.positive(argument) for argument in delicate)


def _sums_renamed(e: sp.Expr) -> sp.Expr:
    """An expectation with the indices of the sums in it named as in normal form."""
    if not isinstance(e, MEANS):
        return e
    renamed = NormalForm()._walk(e, _Scope(Facts()))
    return renamed if isinstance(renamed, MEANS) else e


def _plain_derivative(e: sp.Expr, variable: sp.Symbol) -> sp.Derivative:
    """The derivative, not carried out, its variables in one order: derivatives commute."""
    variables = [variable]
    if isinstance(e, sp.Derivative):
        variables += [v for v, times in e.variable_count for _ in range(int(times))]
        e = e.expr
    return sp.Derivative(e, *sorted(variables, key=str))


def _unnamed_primitive(part: sp.Expr, variable: sp.Symbol) -> sp.Expr:
    """A function that stands for an antiderivative of `part`, the same for equal integrands.

    What `part` depends on besides the variable is passed to it, so that indices shift in it too.
    """
    others = [atom for atom in outermost(part, (sp.Indexed, sp.Symbol)) if atom != variable]
    blanks = {atom: sp.Symbol(f"x{i}") for i, atom in enumerate(others)}
    pattern = part.xreplace(blanks | {variable: sp.Symbol("x")})
    return sp.Function(f"antiderivative of {sp.srepr(pattern)}")(variable, *others)


def _least_offset(part: sp.Expr, index: sp.Symbol) -> int:
    """The least c over the indices k + c in a monomial; 0 if there is none."""
    differences = (sp.expand(atom.indices[0] - index) for atom in part.atoms(sp.Indexed))
    return min((int(c) for c in differences if c.is_Integer), default=0)
