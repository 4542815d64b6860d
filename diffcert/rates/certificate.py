"""The certificate of a rate along a ladder: what was measured, what was read off, what was decided.

What belongs here: the record, its shape, writing it. What does not: deriving it again (`recheck`), the
certificate of a single instance and what both share (`diffcert.certificate`).

It states the exact rungs, on each the intervals of truth and formula as decimals, the fit and the verdict
as they follow from these decimals, versions, and the digest of the sources. It is plain JSON, and read as
data.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import flint

from diffcert.certificate import (
    DEEPEST,
    RATE_FORMAT,
    Certificate,
    check_numbers,
    check_versions,
    claim_part,
    digests,
    fits,
    interval,
    nesting,
)
from diffcert.declaration import digest_of
from diffcert.rates.ladder import Ladder
from diffcert.rates.quantities import BITS, Measured
from diffcert.rates.verdict import MeasuredRung, RateVerdict, conclude
from diffcert.sources import sources_digest, versions
from diffcert.verdict import Status, Verdict
from numerics.arithmetic import balls
from theory.rate import Rate

if TYPE_CHECKING:
    from diffcert.recheck import Check

__all__ = ["PARTS", "RateCertificate", "stated_rungs", "stated_verdict"]

PARTS = ("format", "claim", "ladder", "rungs", "fit", "verdict", "made_with")
"""The parts of a certificate of a rate, each with a digest of its own."""

_SHAPES: dict[str, dict[str, type | tuple[type, ...]]] = {
    "claim": {"id": str, "title": str, "statement": str, "source": str, "declaration": str},
    "verdict": {"status": str, "relation": str, "reason": str, "hypotheses": list, "left_out": list},
    "made_with": {"sources": str, "versions": dict},
}
_RUNG = {"truth": dict, "formula": dict, "enclosed": bool, "method": str}
_INTERVAL = {"mid": str, "rad": str}
_DEEPEST = DEEPEST + 6
"""Arguments of a rung are themselves tables."""


@dataclass(frozen=True)
class RateCertificate(Certificate):
    """A verdict on a rate with everything that is needed to check it again.

    Made by `Certificate.of(verdict)` or `Certificate.read(path)`; `data` is the plain JSON data.
    """

    @classmethod
    def of(cls, verdict: Verdict, asked: int | None = None) -> RateCertificate:
        """The certificate of a verdict on a rate along a whole ladder.

        Raises ValueError for another verdict, one on a shortened ladder, and a claim that is not in the
        registry.
        """
        from diffcert import registry

        if not isinstance(verdict, RateVerdict):
            raise ValueError(f"verdict: {type(verdict).__name__} is not a RateVerdict")
        if verdict.engine != "certified":
            raise ValueError("verdict: it is about the first rungs of a ladder only; give digits")
        claim = registry.find(verdict.claim_id)
        ladder: Any = verdict.instance
        measured = {rung.rung: rung for rung in verdict.rungs}
        parts = {
            "format": RATE_FORMAT,
            "claim": claim_part(claim.bound),
            "ladder": ladder.to_dict(),
            "rungs": [_rung_part(measured.get(rung)) for rung in ladder.rungs],
            "made_with": {"sources": sources_digest(), "versions": versions()},
        }
        again = verdict
        if verdict.rungs:
            found = stated_rungs(ladder, parts["rungs"])
            again = stated_verdict(claim.bound, ladder, found, verdict.left_out, verdict.hypotheses)
        parts["fit"] = None if again.fit is None else again.fit.to_dict()
        parts["verdict"] = {
            "status": again.status.value,
            "relation": again.relation,
            "reason": again.reason,
            "hypotheses": [[key, outcome] for key, outcome in again.hypotheses],
            "left_out": list(again.left_out),
        }
        return cls({**parts, "digests": digests(parts, PARTS)})

    @classmethod
    def of_data(cls, data: Any) -> RateCertificate:
        """The certificate with these data; ValueError unless they have the shape of one."""
        _check_shape(data)
        return cls(data)

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of its parts."""
        return PARTS

    @property
    def name(self) -> str:
        """The name of its file: claim and ladder in words, and a digest of both."""
        claim, ladder = self.data["claim"]["id"], self.data["ladder"]
        words = [claim, "ladder", str(ladder["name"])]
        slug = "--".join(re.sub(r"[^A-Za-z0-9]+", "-", word).strip("-")[:60] for word in words)
        return f"{slug}--{digest_of([claim, ladder])[:12]}.json"

    def check(self, *, any_sources: bool = False) -> Check:
        """What became of deriving the verdict again: `.agrees`, and `.findings` in words.

        The claim is looked up in the registry. Every rung is measured again, and by the second route of its
        quantity where there is one; the fit and the verdict are computed anew.
        """
        from diffcert.rates.recheck import check

        return check(self, any_sources=any_sources)


def _rung_part(rung: MeasuredRung | None) -> dict[str, Any] | None:
    if rung is None:
        return None
    stated = rung.to_dict()
    return {key: stated[key] for key in _RUNG}


def stated_rungs(ladder: Ladder, parts: Any) -> tuple[MeasuredRung, ...]:
    """The measured rungs as they are stated: the intervals of their decimals."""
    found = []
    for rung, part in zip(ladder.rungs, parts, strict=True):
        if part is None:
            continue
        truth, formula = _ball(part["truth"]), _ball(part["formula"])
        with balls(BITS).precision():
            ratio = truth / formula
        found.append(MeasuredRung(rung, Measured(truth, part["enclosed"], part["method"]), formula, ratio))
    return tuple(found)


def _ball(part: Mapping[str, str]) -> Any:
    ends = interval(part)
    if ends is None:
        raise ValueError("rungs: an interval is not finite")
    middle, radius = (ends[0] + ends[1]) / 2, (ends[1] - ends[0]) / 2
    with balls(BITS).precision():
        return flint.arb(_exact(middle), _exact(radius))


def _exact(value: Fraction) -> Any:
    return flint.arb(flint.fmpq(value.numerator, value.denominator))


def stated_verdict(
    rate: Rate,
    ladder: Ladder,
    found: tuple[MeasuredRung, ...],
    left_out: tuple[str, ...],
    hypotheses: tuple[tuple[str, bool | None], ...],
) -> RateVerdict:
    """What follows from measured rungs: the fit and the verdict."""
    blank = RateVerdict(
        Status.UNDECIDED,
        rate.id,
        ladder,  # type: ignore[arg-type]
        rate.relation,
        variable=ladder.variable,
        left_out=left_out,
        hypotheses=hypotheses,
    )
    return conclude(blank, found, rate.variables[ladder.variable])


def _check_shape(data: Mapping[str, Any]) -> None:
    """Raise ValueError, naming the place, unless the data have the shape of a certificate of a rate."""
    if nesting(data, _DEEPEST) > _DEEPEST:
        raise ValueError(f"is nested more than {_DEEPEST} deep")
    expected = {*PARTS, "digests"}
    for key in sorted(expected ^ set(data)):
        raise ValueError(f"the part {key[:40]!r} is {'missing' if key in expected else 'not known'}")
    for part, shape in _SHAPES.items():
        fits(data[part], shape, part)
    if not isinstance(data["ladder"], dict) or not isinstance(data["ladder"].get("rungs"), list):
        raise ValueError("the part 'ladder' has no rungs")
    if not isinstance(data["rungs"], list) or len(data["rungs"]) != len(data["ladder"]["rungs"]):
        raise ValueError("the part 'rungs' is not as long as the ladder")
    for place, rung in enumerate(data["rungs"]):
        if rung is None:
            continue
        fits(rung, _RUNG, f"rungs[{place}]")
        for key in ("truth", "formula"):
            fits(rung[key], _INTERVAL, f"rungs[{place}]: {key}")
            check_numbers(rung[key], f"rungs[{place}]: {key}")
    if data["fit"] is not None and not isinstance(data["fit"], dict):
        raise ValueError("the part 'fit' is not a table")
    fits(data["digests"], dict.fromkeys((*PARTS, "all"), str), "digests")
    check_versions(data["made_with"]["versions"])
