"""Three-valued comparison, and a verdict that is no bool."""

from __future__ import annotations

from fractions import Fraction

import flint
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diffcert import Instance, Mixture, Status, Verdict
from diffcert.verdict import RELATIONS, agrees, decide

arb = flint.arb
NAN = arb("nan")


@pytest.mark.parametrize(
    ("lhs", "relation", "rhs", "outcome"),
    [
        (arb(1), "<=", arb(2), True),
        (arb(2), "<=", arb(1), False),
        (arb(1), "<=", arb(1), True),
        (arb(1), "<", arb(1), False),
        (arb(1, 1), "<=", arb(2, 1), None),
        (arb(1, 1), "<=", arb(4, 1), True),
        (arb(4, 1), "<=", arb(1, 1), False),
        (arb(1, 0.5), "==", arb(1, 0.5), None),
        (arb(1), "==", arb(1), True),
        (arb(1), "!=", arb(1), False),
        (arb(1), "==", arb(2, 0.5), False),
        (arb(1), "!=", arb(2, 0.5), True),
        (NAN, "<=", arb(1), None),
        (arb(1), ">", NAN, None),
        (NAN, "==", NAN, None),
        (arb(1), "<=", arb.pos_inf(), True),
        (arb.pos_inf(), "<=", arb(1), False),
        (Fraction(1, 3), "<", Fraction(1, 2), True),
        (Fraction(1, 3), "==", Fraction(1, 3), True),
        (arb(1) / 3, "==", Fraction(1, 3), None),
        (float("nan"), "<=", 1.0, None),
        (1.0, ">=", 2.0, False),
    ],
)
def test_decide(lhs, relation, rhs, outcome):
    assert decide(lhs, relation, rhs) is outcome


def test_touching_balls_are_never_called_refuted():
    assert decide(arb(0.5, 0.5), "<=", arb(1.5, 0.5)) is not False
    assert decide(arb(1.5, 0.5), "<=", arb(0.5, 0.5)) is None


def test_an_unknown_relation_is_refused():
    with pytest.raises(ValueError, match="relation: '~' is not one of"):
        decide(1, "~", 2)


numbers = st.fractions(min_value=-4, max_value=4, max_denominator=8)
radii = st.fractions(min_value=0, max_value=2, max_denominator=8)


@given(numbers, radii, numbers, radii, st.sampled_from(RELATIONS))
def test_a_decision_is_true_of_the_end_points(a, r, b, s, relation):
    ends = [(x, y) for x in (a - r, a, a + r) for y in (b - s, b, b + s)]
    truths = {decide(x, relation, y) for x, y in ends}
    outcome = decide(arb(float(a), float(r)), relation, arb(float(b), float(s)))
    if outcome is not None:
        assert truths == {outcome}


def test_an_identity_to_some_digits():
    close, wide = arb(1, "1e-20"), arb(1, "1e-5")
    assert agrees(close, arb(1), 15) is True
    assert agrees(close, arb(1), 25) is None
    assert agrees(wide, arb(1), 15) is None
    assert agrees(close, arb(1.5), 15) is False
    assert agrees(NAN, arb(1), 15) is None
    assert agrees(arb(0), arb(0), 15) is True


POINT = Instance(Mixture(["1/2", "1/2"], [0, 1]), snr=1)


@pytest.mark.parametrize("status", list(Status))
def test_only_holds_and_refuted_are_truth_values(status):
    verdict = Verdict(status, "some/claim", POINT, "<=")
    if status is Status.HOLDS:
        assert verdict
    elif status is Status.REFUTED:
        assert not verdict
    else:
        with pytest.raises(TypeError, match=r"neither true nor false"):
            bool(verdict)
    assert status.text in repr(verdict)
    assert status == status.name.lower()


def test_what_lets_a_run_succeed():
    failing = {status for status in Status if not status.passes}
    assert failing == {Status.REFUTED, Status.UNDECIDED, Status.INCONSISTENT}
