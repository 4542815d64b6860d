"""The commands list and show: what there is, and a claim in full.

What belongs here: printing declarations. What does not: evaluating anything.
"""

from __future__ import annotations

import argparse

from diffcert import family, registry
from diffcert.rates.claim import RateClaim
from diffcert.rates.quantities import MEASURED

__all__ = ["list_", "show"]


def list_(options: argparse.Namespace) -> int:
    """Print the claims, rates, planted falsehoods, targets and schedules; 0."""
    claims, twins = registry.claims(), registry.twins()
    width = max(len(claim.id) for claim in (*claims, *twins))
    for heading, rates in (("claims:", False), ("rates (an implied constant, along ladders):", True)):
        print(heading)
        for claim in claims:
            if isinstance(claim, RateClaim) == rates:
                print(f"  {claim.id:<{width}}  {claim.title}")
    print("planted falsehoods (verify --twins):")
    for claim in twins:
        print(f"  {claim.id:<{width}}  {claim.title}")
    print("targets (variance 1, and 0 with -0 behind the name):")
    print(f"  {' '.join(family.TARGETS)}")
    print("schedules (steps in the built-in family):")
    for name, counts in family.STEPS.items():
        print(f"  {name:<{width}}  {' '.join(str(count) for count in counts)}")
    return 0


def show(options: argparse.Namespace) -> int:
    """Print a claim's statement, hypotheses, source and derivation, and a rate's ladders; 0."""
    for claim in registry.select([options.id]):
        bound = claim.bound
        print(f"{claim.id}: {bound.title}\n")
        print(_indented(bound.unicode()))
        if bound.is_twin:
            print(f"\nplanted falsehood: {bound.why_false}")
        print("\nhypotheses:" if bound.hypotheses else "\nhypotheses: none")
        for hypothesis in bound.hypotheses:
            print(f"  - {hypothesis.text}")
        print(f"\nsource: {bound.source}")
        if isinstance(claim, RateClaim):
            _show_ladders(claim)
        if bound.derivation is not None:
            print(f"\nderivation:\n{_indented(bound.derivation.unicode())}")
    return 0


def _show_ladders(claim: RateClaim) -> None:
    rate = claim.bound
    print(f"\nit says: {rate.truth} is {rate.meaning}")
    if rate.truth in MEASURED:
        print(f"    {rate.truth}: {MEASURED[rate.truth].meaning}")
    for letter, meaning in rate.letters.items():
        print(f"    {letter}: {meaning}")
    if rate.note:
        print(f"    {rate.note}")
    print("\nladders:")
    for ladder in claim.family():
        print(f"  - {ladder.label}{f'; {ladder.note}' if ladder.note else ''}")


def _indented(text: str) -> str:
    return "\n".join(f"    {line}".rstrip() for line in text.splitlines())
