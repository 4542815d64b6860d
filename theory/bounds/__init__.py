"""The statements to be verified, one module per paper, and the planted falsehoods.

`ALL` and `TWINS` map ids to bounds on channels and paths, `LOW_RANK` and `LOW_RANK_TWINS` to those on
low-rank mixtures. What belongs here: statements as data. What does not: proofs.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from theory.bounds import aghapour_bayraktar, ours, reeves_pfister, twins, wang
from theory.statement import Bound

__all__ = [
    "ALL",
    "LOW_RANK",
    "LOW_RANK_TWINS",
    "TWINS",
    "aghapour_bayraktar",
    "ours",
    "reeves_pfister",
    "twins",
    "wang",
]

ALL: Mapping[str, Bound] = MappingProxyType(
    {bound.id: bound for bound in (*reeves_pfister.ALL, *aghapour_bayraktar.ALL, *ours.ALL)}
)
"""Every statement about the Gaussian channel that is claimed to be true, id -> Bound."""

TWINS: Mapping[str, Bound] = MappingProxyType({bound.id: bound for bound in twins.ALL})
"""Every planted falsehood about the Gaussian channel, id -> Bound."""

LOW_RANK: Mapping[str, Bound] = MappingProxyType({bound.id: bound for bound in wang.ALL})
"""Every statement about low-rank mixtures that is claimed to be true, id -> Bound."""

LOW_RANK_TWINS: Mapping[str, Bound] = MappingProxyType({bound.id: bound for bound in wang.TWINS})
"""Every planted falsehood about low-rank mixtures, id -> Bound."""
