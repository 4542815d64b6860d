"""The statements to be verified, one module per paper, and the planted falsehoods.

`ALL` and `TWINS` map ids to bounds on channels and paths, `LOW_RANK` and `LOW_RANK_TWINS` to those on
low-rank mixtures, `FURTHER` and `FURTHER_TWINS` to those in latent components, Renyi entropies and
posterior cumulants, `RATES` and `RATE_TWINS` to statements with an implied constant. What belongs here:
statements as data. What does not: proofs.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from theory.bounds import (
    aghapour_bayraktar,
    companion,
    cumulants,
    entropy_rates,
    li_cai_wei,
    li_cai_wei_rates,
    moments,
    ours,
    reeves_pfister,
    twins,
    wang,
)
from theory.rate import Rate
from theory.statement import Bound

__all__ = [
    "ALL",
    "FURTHER",
    "FURTHER_TWINS",
    "LOW_RANK",
    "LOW_RANK_TWINS",
    "RATES",
    "RATE_TWINS",
    "TWINS",
    "aghapour_bayraktar",
    "companion",
    "cumulants",
    "entropy_rates",
    "li_cai_wei",
    "li_cai_wei_rates",
    "moments",
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

FURTHER: Mapping[str, Bound] = MappingProxyType(
    {
        bound.id: bound
        for bound in (*aghapour_bayraktar.MIXTURES, *companion.ALL, *cumulants.ALL, *li_cai_wei.ALL)
    }
)
"""Every statement on latent components, Renyi entropies and posterior cumulants, id -> Bound."""

FURTHER_TWINS: Mapping[str, Bound] = MappingProxyType(
    {
        bound.id: bound
        for bound in (
            *aghapour_bayraktar.MIXTURE_TWINS,
            *companion.TWINS,
            *cumulants.TWINS,
            *li_cai_wei.TWINS,
        )
    }
)
"""Every planted falsehood beside them, id -> Bound."""

RATES: Mapping[str, Rate] = MappingProxyType(
    {rate.id: rate for rate in (*moments.RATES, *entropy_rates.RATES, *wang.RATES, *li_cai_wei_rates.RATES)}
)
"""Every statement with an implied constant, id -> Rate."""

RATE_TWINS: Mapping[str, Rate] = MappingProxyType(
    {
        rate.id: rate
        for rate in (
            *moments.RATE_TWINS,
            *entropy_rates.RATE_TWINS,
            *wang.RATE_TWINS,
            *li_cai_wei_rates.RATE_TWINS,
        )
    }
)
"""Every planted falsehood among the statements with an implied constant, id -> Rate."""
