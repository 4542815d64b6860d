"""The commands list and show: what there is, and a claim in full.

What belongs here: printing declarations. What does not: evaluating anything.
"""

from __future__ import annotations

import argparse

from diffcert import family, registry

__all__ = ["list_", "show"]


def list_(options: argparse.Namespace) -> int:
    """Print the claims, planted falsehoods, targets and schedules; 0."""
    claims, twins = registry.claims(), registry.twins()
    width = max(len(claim.id) for claim in (*claims, *twins))
    print("claims:")
    for claim in claims:
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
    """Print a claim's statement, hypotheses, source and derivation; 0."""
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
        if bound.derivation is not None:
            print(f"\nderivation:\n{_indented(bound.derivation.unicode())}")
    return 0


def _indented(text: str) -> str:
    return "\n".join(f"    {line}".rstrip() for line in text.splitlines())
