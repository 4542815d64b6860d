"""The statements to be verified, one module per paper, and the planted falsehoods.

`ALL` and `TWINS` map ids to bounds. What belongs here: statements as data. What does not: proofs.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from theory.bounds import aghapour_bayraktar, ours, reeves_pfister, twins
from theory.statement import Bound

__all__ = ["ALL", "TWINS", "aghapour_bayraktar", "ours", "reeves_pfister", "twins"]

ALL: Mapping[str, Bound] = MappingProxyType(
    {bound.id: bound for bound in (*reeves_pfister.ALL, *aghapour_bayraktar.ALL, *ours.ALL)}
)
"""Every statement that is claimed to be true, id -> Bound."""

TWINS: Mapping[str, Bound] = MappingProxyType({bound.id: bound for bound in twins.ALL})
"""Every planted falsehood, id -> Bound."""
