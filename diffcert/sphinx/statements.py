"""Statements as data for a page: what is claimed, under which hypotheses, and how it is known.

What belongs here: from a Claim, Bound or Proposition to plain JSON. It runs in a worker. What does not:
numbers (`tasks`), nodes (`content`). Mathematics within words stands between dollar signs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import diffcert
from diffcert import Bound, Claim, Rate, RateClaim
from diffcert.sphinx import standing as st
from theory.derivation import Axiom, Cases, Derivation, Proposition, Step
from theory.exposition import reason
from theory.rendering import RELATIONS, flat, latex, unicode

__all__ = ["claim", "described", "needs_a_check"]


def claim(found: Any) -> Claim | RateClaim:
    """The claim that is meant; ValueError for an object that has nothing to be compared."""
    if isinstance(found, Claim | RateClaim):
        return found
    if isinstance(found, Bound | Rate):
        return diffcert.find(found)
    kind = type(found).__name__
    raise ValueError(f"an object of type {kind} cannot be compared; a Claim, RateClaim, Bound or Rate can")


def needs_a_check(found: Any) -> bool:
    """Whether only a computation can tell: a Claim or Bound without a derivation, or a rate."""
    bound = found.bound if isinstance(found, Claim | RateClaim) else found
    return isinstance(bound, Rate) or (isinstance(bound, Bound) and bound.derivation is None)


def described(found: Any) -> dict[str, Any]:
    """A statement's title, mathematics, hypotheses, source and proof.

    "status" is empty where a computation has to tell. ValueError for an object that states nothing.
    """
    if isinstance(found, Claim | Bound):
        return _of_bound(found.bound if isinstance(found, Claim) else found)
    if isinstance(found, RateClaim | Rate):
        return _of_rate(found.bound if isinstance(found, RateClaim) else found)
    if isinstance(found, Proposition):
        return _of_proposition(found)
    raise ValueError(
        f"an object of type {type(found).__name__} states nothing;"
        " a Claim, RateClaim, Bound, Rate, Derivation or Axiom does"
    )


def _of_rate(rate: Rate) -> dict[str, Any]:
    """A rate: its derivation, where it has one, is shown, and proves no implied constant by itself."""
    return {
        "id": rate.id,
        "title": rate.title,
        "latex": rate.latex(),
        "unicode": rate.unicode(),
        "hypotheses": [_hypothesis(hypothesis) for hypothesis in rate.hypotheses],
        "source": "" if rate.source.paper == "own" else str(rate.source),
        "falsehood": rate.why_false,
        **_proof(rate.derivation),
        "status": "",
        "message": "",
    }


def _of_bound(bound: Bound) -> dict[str, Any]:
    result: dict[str, Any] = {
        "id": bound.id,
        "title": bound.title,
        "latex": bound.latex(),
        "unicode": bound.unicode(),
        "hypotheses": [_hypothesis(hypothesis) for hypothesis in bound.hypotheses],
        "source": "" if bound.source.paper == "own" else str(bound.source),
        "falsehood": bound.why_false,
        **_proof(bound.derivation),
        "status": "",
        "message": "",
    }
    if bound.derivation is not None:
        try:
            bound.check()
            result["status"] = st.DERIVED
        except ValueError as error:
            result["status"], result["message"] = st.ERROR, " ".join(str(error).split())
    return result


def _of_proposition(found: Proposition) -> dict[str, Any]:
    result: dict[str, Any] = {
        "title": found.title,
        "latex": latex(found.statement),
        "unicode": unicode(found.statement),
        "hypotheses": [
            *(
                {"text": "", "latex": latex(condition), "plain": flat(condition)}
                for condition in found.conditions
            ),
            *(_hypothesis(hypothesis) for hypothesis in found.hypotheses),
        ],
        "source": "",
        "falsehood": "",
        **_proof(found),
        "status": st.CONJECTURE,
        "message": "",
    }
    if isinstance(found, Axiom):
        cited = found.source is not None
        result["status"] = st.CITED if cited else st.DEFINITION
        result["source"] = str(found.source) if cited else found.because
    elif isinstance(found, Derivation):
        result["status"] = st.ERROR if found.failures else st.DERIVED
        result["message"] = "; ".join(found.failures)
    return result


def _hypothesis(hypothesis: Any) -> dict[str, str]:
    relation = hypothesis.relation is not None
    return {
        "text": hypothesis.text,
        "latex": hypothesis.latex() if relation else "",
        "plain": flat(hypothesis.relation) if relation else "",
    }


def _key(proposition: Proposition) -> str:
    """What tells a proposition from any other: its title and statement."""
    return hashlib.sha256(f"{proposition.title}\n{latex(proposition.statement)}".encode()).hexdigest()[:16]


def _proof(proposition: Proposition | None) -> dict[str, Any]:
    """The steps of a proof, what it uses directly or not, and what it takes without proof."""
    if not isinstance(proposition, Derivation):
        key = "" if proposition is None else _key(proposition)
        return {"key": key, "rests_on": [], "taken": [], "steps": [], "start": None, "cases": []}
    used = list(_all_used(proposition))
    taken = [
        {
            "title": axiom.title,
            "latex": latex(axiom.statement),
            "plain": flat(axiom.statement),
            "why": str(axiom.source) if axiom.source is not None else axiom.because,
        }
        for axiom in used
        if isinstance(axiom, Axiom)
    ]
    return {
        "key": _key(proposition),
        "rests_on": [_key(other) for other in used],
        "taken": taken,
        **_chain(proposition),
    }


def _all_used(derivation: Derivation) -> Iterator[Proposition]:
    seen: set[str] = set()
    waiting = list(derivation.uses)
    while waiting:
        proposition = waiting.pop(0)
        if _key(proposition) in seen:
            continue
        seen.add(_key(proposition))
        yield proposition
        if isinstance(proposition, Derivation):
            waiting += proposition.uses


def _chain(derivation: Derivation) -> dict[str, Any]:
    """The chain of a derivation: where it starts, each step with its reason, and cases."""
    return {
        "start": {"latex": latex(derivation.start), "unicode": unicode(derivation.start)},
        "steps": [_step(step) for step in derivation.steps],
        "cases": [
            {"text": hypothesis.text, **_chain(case)}
            for step in derivation.steps
            if isinstance(step.rule, Cases)
            for hypothesis, case in step.rule.cases
        ],
    }


def _step(step: Step) -> dict[str, str]:
    sign, plain = RELATIONS[step.relation]
    return {
        "latex": rf"{sign}\; {latex(step.rhs)}",
        "unicode": unicode(step.rhs),
        "sign": plain,
        "reason": reason(step, lambda expression: f"${latex(expression)}$"),
        "plain": reason(step, flat),
    }
