"""What an assertion says: the verdict in words, both numbers, and an example to paste.

What belongs here: text. What does not: deciding (`diffcert.verdict`), counting (`records`).
"""

from __future__ import annotations

import math
import re
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from diffcert.verdict import Verdict

__all__ = ["call_of", "compared_lines", "imports_of", "program_of", "report_of", "share_in_use"]

_NAME = re.compile(r"(?<![\w.'\"])([A-Za-z_]\w*)(?=[.(])")
_SHOWN = 12
_STRATEGIES = ("Bump", "Drift", "Ripple")


def share_in_use(verdict: Verdict) -> float | None:
    """truth / bound of an upper bound, bound / truth of a lower one; None for identities and without both.

    Infinite where an upper bound of 0 is exceeded.
    """
    if verdict.truth is None or verdict.bound is None or verdict.relation == "==":
        return None
    truth, bound = _middle(verdict.truth.value), _middle(verdict.bound)
    upper, lower = (truth, bound) if verdict.relation == "<=" else (bound, truth)
    ratio = None if verdict.ratio is None else _middle(verdict.ratio)
    if ratio is not None and math.isfinite(ratio) and (ratio or verdict.relation == "<="):
        return ratio if verdict.relation == "<=" else 1 / ratio
    if lower:
        return upper / lower
    return math.inf if upper > 0 else None


def _middle(value: Any) -> float:
    return float(value.mid()) if hasattr(value, "mid") else float(value)


def excess(verdict: Verdict) -> float:
    """How badly a verdict is refuted, for ranking: the share in use, or the relative difference."""
    share = share_in_use(verdict)
    if share is not None:
        return share
    if verdict.truth is None or verdict.bound is None:
        return 0.0
    truth, bound = _middle(verdict.truth.value), _middle(verdict.bound)
    larger = max(abs(truth), abs(bound))
    return abs(truth - bound) / larger if larger else 0.0


def call_of(verdict: Verdict) -> str:
    """The call that compares again."""
    return f"compare({verdict.claim_id!r}, {verdict.instance!r}, digits={verdict.digits})"


def imports_of(call: str) -> str:
    """The import lines that a call needs."""
    import diffcert

    names = sorted({name for name in _NAME.findall(call) if name in diffcert.__all__})
    lines = [f"from diffcert import {', '.join(names)}"] if names else []
    own = sorted({name for name in _NAME.findall(call) if name in _STRATEGIES})
    if own:
        lines.append(f"from diffcert.strategies import {', '.join(own)}")
    return "\n".join(lines)


def program_of(verdict: Verdict, test: str) -> str:
    """A program that shows a verdict again, with a comment that says where it comes from."""
    from diffcert import registry

    call = call_of(verdict)
    lines = [f"# {verdict.status.text}: {verdict.claim_id}, in {test}"]
    try:
        known = registry.reference(registry.find(verdict.claim_id)) is not None
    except ValueError:
        known = False
    if not known:
        lines.append("# (the claim is declared by the tests: import it first)")
    return "\n".join([*lines, *imports_of(call).splitlines(), call])


def report_of(verdict: Verdict, asked: int | None, worst: Verdict | None = None) -> str:
    """The message for a verdict that is not what a test wants; `worst` is a worse one of the same test."""
    lines = [f"{verdict.status.text}: {verdict.claim_id}"]
    if verdict.status == "undecided":
        lines[0] += " (this is no refutation)"
    lines += _numbers(verdict, asked)
    lines += [f"  instance: {verdict.instance.label}", "  to see it again:"]
    call = call_of(verdict)
    lines += [f"    {line}" for line in (*imports_of(call).splitlines(), call)]
    if worst is not None and repr(worst.instance) != repr(verdict.instance):
        share = share_in_use(worst)
        ratio = "" if share is None else f", ratio {share:.6g}"
        lines += [f"  the worst found in this test{ratio}:", f"    {worst.instance!r}"]
    return "\n".join(lines)


def _numbers(verdict: Verdict, asked: int | None) -> list[str]:
    from diffcert.enclosure import certified_digits

    lines = []
    if verdict.truth is not None and verdict.bound is not None:
        truth = certified_digits(verdict.truth.value, _SHOWN, verdict.truth.error)
        bound = certified_digits(verdict.bound, _SHOWN)
        lines.append(f"  {verdict.truth.functional} = {truth}, which is claimed to be {verdict.relation}")
        lines.append(f"  bound = {bound}")
    if verdict.ratio is not None:
        lines.append(f"  truth / bound = {certified_digits(verdict.ratio, _SHOWN)}")
    lines.append(f"  precision: {_precision(verdict, asked)}")
    if verdict.reason:
        lines.append(f"  reason: {verdict.reason}")
    return lines


def _precision(verdict: Verdict, asked: int | None) -> str:
    if verdict.digits is None:
        return "machine numbers" if verdict.engine == "fast" else "not evaluated"
    if asked is not None and verdict.digits > asked:
        return f"{verdict.digits} digits, raised from {asked}"
    return f"{verdict.digits} digits"


def compared_lines(operator: str, left: Any, right: Any) -> list[str] | None:
    """What to say of a failed `assert left operator right` of balls or Truths; None for others."""
    flint, truths = sys.modules.get("flint"), sys.modules.get("numerics.truth")
    if flint is None or operator not in ("<=", ">=", "<", ">", "==", "!="):
        return None
    kinds: tuple[type, ...] = (flint.arb,)
    if truths is not None and operator not in ("==", "!="):
        kinds = (flint.arb, truths.Truth)
    if not isinstance(left, kinds) and not isinstance(right, kinds):
        return None
    from diffcert.enclosure import certified_digits
    from diffcert.testing.sides import balls_of
    from diffcert.verdict import decide

    try:
        one, other = balls_of(left, right)
        outcome = decide(one, operator, other)
        sides = [certified_digits(side, _SHOWN) for side in (one, other)]
    except (TypeError, ValueError, OverflowError):
        return None
    lines = [f"{sides[0]} {operator} {sides[1]}"]
    if outcome is False:
        lines.append("refuted: no two points of the enclosures are so related")
    else:
        lines.append("undecided: the enclosures overlap; a ball's comparison is False unless it is certain")
        lines.append("ask for more digits, or use diffcert.testing.assert_bound, which does")
    if not other.contains(0):
        lines.append(f"left / right = {certified_digits(one / other, _SHOWN)}")
    return lines
