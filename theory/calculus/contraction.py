"""The value of a polynomial in cumulant tensors on arrays.

What belongs here: the contraction of arrays along the edges of multigraphs. What does not: where the
arrays come from (`laws`).
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from string import ascii_letters
from typing import TYPE_CHECKING, Any

import numpy as np

from theory.calculus.multigraphs import Multigraph

if TYPE_CHECKING:
    from theory.calculus.tensors import TensorPolynomial

__all__ = ["contract", "exact_array"]


def contract(polynomial: TensorPolynomial, families: Mapping[int, Mapping[int, Any]]) -> Any:
    """The value of the polynomial, where `families[colour][n]` is the tensor of order n of that colour.

    A scalar, or an array over the leading axes of the tensors. Raises KeyError for a missing tensor,
    ValueError for shapes that disagree.
    """
    arrays = {
        (colour, order): exact_array(tensor)
        for colour, tensors in families.items()
        for order, tensor in tensors.items()
    }
    for (_, order), array in arrays.items():
        if array.ndim < order or len(set(array.shape[array.ndim - order :])) > 1:
            raise ValueError(
                f"cumulants[{order}]: the shape {array.shape} must end in {order} equal lengths"
            )
    values: dict[Multigraph, Any] = {}
    result: Any = 0
    for graph, coefficient in polynomial:
        term: Any = 1
        for part in graph.components:
            if part not in values:
                values[part] = _component(part, arrays)
            term = term * values[part]
        result = result + _scaled(term, coefficient)
    return result


def exact_array(values: Any) -> np.ndarray[Any, Any]:
    """The values as an array, integers turned into Fractions so that division stays exact."""
    array = np.asarray(values)
    if array.dtype.kind in "iu" or (array.dtype == object and any(isinstance(x, int) for x in array.flat)):
        exact = np.empty(array.shape, dtype=object)
        for position, value in np.ndenumerate(array):
            exact[position] = Fraction(int(value)) if isinstance(value, int | np.integer) else value
        return exact
    return array


def _component(graph: Multigraph, arrays: Mapping[tuple[int, int], np.ndarray[Any, Any]]) -> Any:
    letters: list[str] = ["" for _ in graph.colours]
    for letter, (i, j) in zip(ascii_letters, graph.edges, strict=False):
        letters[i] += letter
        letters[j] += letter
    if len(graph.edges) > len(ascii_letters):
        raise ValueError(f"graph: {len(graph.edges)} edges; at most {len(ascii_letters)} can be contracted")
    operands = [arrays[colour, degree] for colour, degree in zip(graph.colours, graph.degrees, strict=True)]
    written = ",".join("..." + indices for indices in letters) + "->..."
    value = np.einsum(written, *operands, optimize="greedy")
    return value[()] if isinstance(value, np.ndarray) else value


def _scaled(value: Any, coefficient: Fraction) -> Any:
    """The product in whole numbers only, which every kind of number takes."""
    product = value * coefficient.numerator
    return product if coefficient.denominator == 1 else product / coefficient.denominator
