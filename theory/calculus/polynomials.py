"""Sparse polynomials in graded generators, and the generator of a diffusion acting on them.

What belongs here: the arithmetic of such polynomials and the second-order operator that a rule for
each generator determines. What does not: which generators there are and what they mean (`line`,
`steps`), and sympy.

A monomial is the sorted tuple of its generators with repetition, `(2, 2, 3)` for `k2^2 k3`; a
polynomial maps monomials to coefficients. Polynomials are never changed once they are returned.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

__all__ = ["DiffusionAlgebra", "Monomial", "Polynomial", "evaluate", "multiply", "total"]


class Letter(Hashable, Protocol):
    """What names a generator: hashable and ordered."""

    def __lt__(self, other: Any, /) -> bool: ...


G = TypeVar("G", bound=Letter)
Monomial: TypeAlias = tuple[G, ...]
Polynomial: TypeAlias = Mapping[tuple[G, ...], Any]


def total(terms: Iterable[tuple[Monomial[G], Any]]) -> dict[Monomial[G], Any]:
    """The polynomial that is the sum of terms (monomial, coefficient), equal monomials merged."""
    merged: dict[Monomial[G], Any] = {}
    for monomial, coefficient in terms:
        merged[monomial] = merged.get(monomial, 0) + coefficient
    return {monomial: coefficient for monomial, coefficient in merged.items() if coefficient != 0}


def multiply(left: Polynomial[G], right: Polynomial[G]) -> dict[Monomial[G], Any]:
    """The product of two polynomials."""
    return total(
        (tuple(sorted(one + other)), a * b) for one, a in left.items() for other, b in right.items()
    )


def evaluate(polynomial: Polynomial[G], value: Callable[[G], Any]) -> Any:
    """The value of a polynomial where each generator has the given value.

    The values may be of any ring that takes multiplication by the coefficients.
    """
    result: Any = 0
    for monomial, coefficient in polynomial.items():
        term = coefficient
        for generator, power in Counter(monomial).items():
            term = term * value(generator) ** power
        result = result + term
    return result


@dataclass(frozen=True)
class DiffusionAlgebra(Generic[G]):
    """Polynomials in functions f of (y, t), with d_y and the generator L of a diffusion of unit rate.

    `raised(f)` is the generator d_y f, and `drift(f)` the polynomial L f. By Ito's rule
    `L(FG) = F LG + G LF + (d_y F)(d_y G)`, so that these two determine L on all polynomials.
    """

    raised: Callable[[G], G]
    drift: Callable[[G], Polynomial[G]]

    def derivative(self, polynomial: Polynomial[G]) -> dict[Monomial[G], Any]:
        """d_y of the polynomial, by Leibniz' rule."""
        return total(
            (_replaced(monomial, (f,), (self.raised(f),)), coefficient * power)
            for monomial, coefficient in polynomial.items()
            for f, power in Counter(monomial).items()
        )

    def generator(self, polynomial: Polynomial[G]) -> dict[Monomial[G], Any]:
        """L of the polynomial: each factor driven once, and each pair of factors raised once."""
        return total(
            term
            for monomial, coefficient in polynomial.items()
            for term in self._terms(monomial, coefficient)
        )

    def _terms(self, monomial: Monomial[G], coefficient: Any) -> Iterable[tuple[Monomial[G], Any]]:
        powers = Counter(monomial)
        for f, power in powers.items():
            for piece, weight in self.drift(f).items():
                yield _replaced(monomial, (f,), piece), coefficient * power * weight
        factors = list(powers)
        for position, f in enumerate(factors):
            pairs = powers[f] * (powers[f] - 1) // 2
            if pairs:
                up = self.raised(f)
                yield _replaced(monomial, (f, f), (up, up)), coefficient * pairs
            for g in factors[position + 1 :]:
                raised = (self.raised(f), self.raised(g))
                yield _replaced(monomial, (f, g), raised), coefficient * powers[f] * powers[g]


def _replaced(monomial: Monomial[G], old: Monomial[G], new: Monomial[G]) -> Monomial[G]:
    factors = list(monomial)
    for f in old:
        factors.remove(f)
    factors.extend(new)
    factors.sort()
    return tuple(factors)
