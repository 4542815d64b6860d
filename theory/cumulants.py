"""The equations behind the posterior cumulants: Z, its logarithm psi, and the generator.

What belongs here: the derivations that the calculus rests on, in the coordinates of R^d. What does
not: mmse and mutual information (`immse`), derivatives of higher order (`calculus`).

`Z(y, s) = E exp(<A, y> - s |A|^2/2)` over the core, `psi = log Z`, at snr s. The posterior given
`Y_s = y` has density `exp(<A, y> - s |A|^2/2)/Z` with respect to the law of A, so that the derivatives
of psi in y are its cumulants: the gradient is the posterior mean, the Hessian the posterior covariance.
Along `dY = (posterior mean) ds + dB` the generator is `L = d_s + <grad psi, grad> + Laplacian/2`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import sympy as sp

from theory.channel import PathVariable, PriorMean, RandomVariable
from theory.derivation import Axiom, Calculus, Derivation, Link, chain
from theory.symbols import snr

__all__ = ["Space"]


@dataclass(frozen=True)
class Space:
    """R^d in coordinates: the core's and the observation's, the partition function and its log."""

    dimension: int = 1

    def __post_init__(self) -> None:
        if self.dimension < 1:
            raise ValueError(f"dimension: {self.dimension} is below 1")

    @cached_property
    def _marks(self) -> tuple[str, ...]:
        if self.dimension == 1:
            return ("",)
        return tuple(f"_{i}" for i in range(1, self.dimension + 1))

    @cached_property
    def y(self) -> tuple[PathVariable, ...]:
        """The coordinates of the observation."""
        return tuple(PathVariable(f"y{mark}", real=True) for mark in self._marks)

    @cached_property
    def atom(self) -> tuple[RandomVariable, ...]:
        """The coordinates of the core A."""
        return tuple(RandomVariable(f"A{mark}", real=True) for mark in self._marks)

    @cached_property
    def partition(self) -> sp.Expr:
        """Z(y, s)."""
        return sp.Function("Z", positive=True)(*self.y, snr)

    @cached_property
    def psi(self) -> sp.Expr:
        """psi(y, s) = log Z(y, s)."""
        return sp.Function("psi", real=True)(*self.y, snr)

    def gradient(self, function: sp.Expr) -> tuple[sp.Expr, ...]:
        """The first derivatives in y."""
        return tuple(sp.Derivative(function, y) for y in self.y)

    def hessian(self, function: sp.Expr) -> tuple[tuple[sp.Expr, ...], ...]:
        """The second derivatives in y."""
        return tuple(tuple(sp.Derivative(function, x, y) for x in self.y) for y in self.y)

    def laplacian(self, function: sp.Expr) -> sp.Expr:
        """The sum of the pure second derivatives in y."""
        return sp.Add(*(sp.Derivative(function, (y, 2)) for y in self.y))

    def generator(self, function: sp.Expr) -> sp.Expr:
        """L applied to a function of y and s, the derivatives not carried out."""
        drift = (
            slope * sp.Derivative(function, y)
            for slope, y in zip(self.gradient(self.psi), self.y, strict=True)
        )
        return sp.Derivative(function, snr) + sp.Add(*drift) + self.laplacian(function) / 2

    @cached_property
    def partition_definition(self) -> Axiom:
        """Z = E exp(<A, y> - s |A|^2/2)."""
        inner = sp.Add(*(a * y for a, y in zip(self.atom, self.y, strict=True)))
        weight = sp.exp(inner - snr * sp.Add(*(a**2 for a in self.atom)) / 2)
        return Axiom(
            "definition of Z",
            sp.Eq(self.partition, PriorMean(weight), evaluate=False),
            variables=(*self.y, snr),
            because="the likelihood ratio of Y_s given A against Brownian motion, averaged over A",
        )

    @cached_property
    def psi_definition(self) -> Axiom:
        """psi = log Z."""
        return Axiom(
            "definition of psi",
            sp.Eq(self.psi, sp.log(self.partition), evaluate=False),
            variables=(*self.y, snr),
            because="psi = log Z",
        )

    @cached_property
    def heat_equation(self) -> Derivation:
        """d_s Z = -(1/2) Laplacian Z."""
        squares = sp.Add(*(a**2 for a in self.atom))
        inside = self.partition_definition.statement.rhs.args[0]
        slope = sp.Derivative(self.partition, snr)
        using = (self.partition_definition,)
        result = -self.laplacian(self.partition) / 2
        return Derivation(
            title="heat equation for Z",
            statement=sp.Eq(slope, result, evaluate=False),
            variables=(*self.y, snr),
            steps=chain(
                slope,
                Link("==", -PriorMean(squares * inside) / 2, Calculus(using)),
                Link("==", result, Calculus(using)),
            ),
        )

    @cached_property
    def psi_equation(self) -> Derivation:
        """d_s psi = -(1/2) (Laplacian psi + |grad psi|^2)."""
        slope = sp.Derivative(self.psi, snr)
        squares = sp.Add(*(part**2 for part in self.gradient(self.psi)))
        result = -(self.laplacian(self.psi) + squares) / 2
        return Derivation(
            title="equation for psi",
            statement=sp.Eq(slope, result, evaluate=False),
            variables=(*self.y, snr),
            steps=chain(
                slope,
                Link(
                    "==",
                    sp.Derivative(self.partition, snr) / self.partition,
                    Calculus((self.psi_definition,)),
                ),
                Link(
                    "==",
                    -self.laplacian(self.partition) / (2 * self.partition),
                    Calculus((self.heat_equation,)),
                ),
                Link("==", result, Calculus((self.psi_definition,))),
            ),
        )

    @cached_property
    def psi_generator(self) -> Derivation:
        """L psi = |grad psi|^2/2."""
        squares = sp.Add(*(part**2 for part in self.gradient(self.psi)))
        start = self.generator(self.psi)
        return Derivation(
            title="generator of psi",
            statement=sp.Eq(start, squares / 2, evaluate=False),
            variables=(*self.y, snr),
            steps=chain(
                start,
                Link(
                    "==",
                    -(self.laplacian(self.psi) + squares) / 2 + squares + self.laplacian(self.psi) / 2,
                    Calculus((self.psi_equation,)),
                ),
                Link("==", squares / 2, Calculus()),
            ),
        )

    @cached_property
    def covariance_generator(self) -> Derivation:
        """L tr Cov = -|Cov|_F^2 for the posterior covariance, the Hessian of psi."""
        start = self.generator(self.laplacian(self.psi))
        norm = sp.Add(*(entry**2 for row in self.hessian(self.psi) for entry in row))
        return Derivation(
            title="generator of the trace of the posterior covariance",
            statement=sp.Eq(start, -norm, evaluate=False),
            variables=(*self.y, snr),
            steps=chain(
                start,
                Link("==", -norm, Calculus((self.psi_equation,))),
            ),
        )
