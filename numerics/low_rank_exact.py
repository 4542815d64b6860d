"""Linear algebra over the rationals for low-rank targets: subspaces, projections, ranks, distances.

What belongs here: what is exact without any number system. What does not: targets, posteriors.

Only the span of a basis enters a low-rank target, and the orthogonal projection on the span of
rational vectors is rational: P = B (B^T B)^{-1} B^T. Irrational orthonormal bases of rational spans
are therefore never needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, TypeAlias

import flint

from numerics.exact import items, rationals

__all__ = [
    "Subspace",
    "Vector",
    "complement_in",
    "distance_squared",
    "dot",
    "from_flint",
    "matrix_of",
    "vector_of",
    "vectors_of",
]

Vector: TypeAlias = tuple[Fraction, ...]


def from_flint(number: Any) -> Fraction:
    """The Fraction that a flint rational is."""
    return Fraction(int(number.p), int(number.q))


def matrix_of(rows: Sequence[Sequence[Fraction]]) -> flint.fmpq_mat:
    """The exact matrix with the given rows (at least one)."""
    width = len(rows[0])
    return flint.fmpq_mat(
        len(rows), width, [flint.fmpq(x.numerator, x.denominator) for row in rows for x in row]
    )


def column_of(vector: Sequence[Fraction]) -> flint.fmpq_mat:
    """The exact matrix with one column."""
    return flint.fmpq_mat(len(vector), 1, [flint.fmpq(x.numerator, x.denominator) for x in vector])


def rows_of(matrix: flint.fmpq_mat) -> tuple[Vector, ...]:
    """The rows of an exact matrix."""
    return tuple(tuple(from_flint(x) for x in row) for row in matrix.tolist())


def dot(a: Sequence[Fraction], b: Sequence[Fraction]) -> Fraction:
    """The inner product of two exact vectors."""
    return sum((x * y for x, y in zip(a, b, strict=True) if x and y), Fraction(0))


def vector_of(values: Any, name: str, dimension: int | None = None) -> Vector:
    """An exact vector from a list of numbers; ValueError naming the argument if its length is wrong."""
    vector = rationals(values, name)
    if dimension is not None and len(vector) != dimension:
        raise ValueError(
            f"{name}: {len(vector)} coordinates, but the target lives in dimension {dimension}"
        )
    return vector


def vectors_of(values: Any, name: str, dimension: int | None = None) -> tuple[Vector, ...]:
    """Exact vectors of one length from a list of lists; ValueError naming the first bad one."""
    entries = items(values, name)
    first = vector_of(entries[0], f"{name}[0]", dimension)
    rest = (vector_of(entry, f"{name}[{i}]", len(first)) for i, entry in enumerate(entries[1:], 1))
    return (first, *rest)


@dataclass(frozen=True)
class Subspace:
    """A subspace of Q^d with its orthogonal projection, by linearly independent rational vectors.

    Two are equal if they are the same subspace (`basis` is the reduced row echelon form).
    """

    basis: tuple[Vector, ...]

    @classmethod
    def spanned_by(cls, vectors: Sequence[Vector]) -> Subspace:
        """The span of exact vectors, which need not be independent; some must differ from zero."""
        reduced, rank = matrix_of(vectors).rref()
        rows = rows_of(reduced)[:rank]
        if not rows:
            raise ValueError("vectors: all of them are zero")
        return cls(rows)

    @property
    def dimension(self) -> int:
        """The dimension d of the space around it."""
        return len(self.basis[0])

    @property
    def rank(self) -> int:
        """The dimension r of the subspace."""
        return len(self.basis)

    @cached_property
    def _rows(self) -> flint.fmpq_mat:
        return matrix_of(self.basis)

    @cached_property
    def _dual(self) -> flint.fmpq_mat:
        """(B^T B)^{-1} B^T for the matrix B of the basis as columns."""
        return (self._rows * self._rows.transpose()).inv() * self._rows

    @cached_property
    def projection(self) -> flint.fmpq_mat:
        """The orthogonal projection P, a d x d matrix."""
        return self._rows.transpose() * self._dual

    def project(self, vector: Vector) -> Vector:
        """P x."""
        column = self._rows.transpose() * (self._dual * column_of(vector))
        return tuple(from_flint(x) for x in column.entries())

    def energy(self, vector: Vector) -> Fraction:
        """|P x|^2 = |U^T x|^2 for every orthonormal basis U."""
        return dot(vector, self.project(vector))

    def contains(self, vectors: Sequence[Vector]) -> bool:
        """Whether all vectors lie in the subspace."""
        return all(self.project(vector) == vector for vector in vectors)

    def overlap(self, other: Subspace) -> Fraction:
        """tr(P Q), between 0 and the smaller rank."""
        cross = self._rows * other._rows.transpose()
        product = (self._rows * self._rows.transpose()).inv() * cross
        product = product * (other._rows * other._rows.transpose()).inv() * cross.transpose()
        return sum((from_flint(product[i, i]) for i in range(self.rank)), Fraction(0))


def distance_squared(one: Subspace, other: Subspace) -> Fraction:
    """|P - Q|_F^2 = r_P + r_Q - 2 tr(P Q), exact."""
    return one.rank + other.rank - 2 * one.overlap(other)


def complement_in(vectors: Sequence[Vector], subspace: Subspace | None, dimension: int) -> list[Vector]:
    """A basis of the vectors of a subspace (None: of the whole space) that are orthogonal to others."""
    if subspace is None:
        rows = [tuple(Fraction(int(i == j)) for j in range(dimension)) for i in range(dimension)]
    else:
        rows = list(subspace.basis)
    if not vectors:
        return rows
    conditions = matrix_of(vectors) * matrix_of(rows).transpose()
    return [_combined(kernel, rows) for kernel in _kernel(conditions)]


def _combined(coefficients: Vector, rows: Sequence[Vector]) -> Vector:
    return tuple(
        sum((c * row[i] for c, row in zip(coefficients, rows, strict=True) if c), Fraction(0))
        for i in range(len(rows[0]))
    )


def _kernel(matrix: flint.fmpq_mat) -> list[Vector]:
    """A basis of the solutions of A x = 0."""
    reduced, rank = matrix.rref()
    rows = rows_of(reduced)[:rank]
    pivots = [next(j for j, x in enumerate(row) if x) for row in rows]
    found = []
    for free in range(matrix.ncols()):
        if free in pivots:
            continue
        solution = [Fraction(0)] * matrix.ncols()
        solution[free] = Fraction(1)
        for row, pivot in zip(rows, pivots, strict=True):
            solution[pivot] = -row[free]
        found.append(tuple(solution))
    return found
