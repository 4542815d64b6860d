"""Leading hypothesis towards instances at which a bound is tight.

What belongs here: the target of the search. What does not: the assertions (`diffcert.testing`).

What is found is the worst found, never the worst there is: a search reaches no supremum.
"""

from __future__ import annotations

import math
from contextlib import suppress
from typing import TYPE_CHECKING

import hypothesis
from hypothesis.errors import InvalidArgument

if TYPE_CHECKING:
    from diffcert.verdict import Verdict

__all__ = ["target_tightness"]


def target_tightness(verdict: Verdict, label: str = "") -> float | None:
    """The share of the bound in use (truth / bound, or bound / truth of a lower one), as a target.

    hypothesis then looks for larger ones; it takes finite numbers only, others are left out, and None
    is returned. `label` is the target's name (default: the claim's id). To be called within a test of
    hypothesis, where the first of several verdicts with one label counts; outside it only returns the
    number. Raises ValueError for what is no verdict on an instance.
    """
    from diffcert.testing.messages import share_in_use
    from diffcert.verdict import Verdict
    from numerics.exact import shown

    if not isinstance(verdict, Verdict):
        raise ValueError(f"verdict: {shown(verdict)} is not the verdict on an instance")
    share = share_in_use(verdict)
    if share is None or not math.isfinite(share):
        return None
    if hypothesis.currently_in_test_context():
        # A second call with the same label is an error of hypothesis.
        with suppress(InvalidArgument):
            hypothesis.target(share, label=label or verdict.claim_id)
    return share
