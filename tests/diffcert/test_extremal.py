"""Families that exhaust the constants: beside the engine, monotone, and beyond 99 hundredths."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import log

import pytest

from diffcert import Instance, Mixture, Schedule, compare
from diffcert.extremal import first_step_quotient, halved_quotient, kappa_quotient


def test_each_family_passes_ninety_nine_hundredths() -> None:
    assert first_step_quotient(1000) > 0.99
    assert halved_quotient(1600, "1/100000", 40) > 0.99
    assert kappa_quotient(10**6) > 0.99


def test_none_passes_one() -> None:
    found = [kappa_quotient(10**k) for k in range(1, 9)]
    assert all(a < b for a, b in pairwise(found))
    assert all(0 < x < 1 for x in found)
    assert kappa_quotient(10**6, 10**6) < 1


@pytest.mark.parametrize(("decimals", "snr"), [(12, 45), (50, 195), (100, 405)])
def test_the_inequality_is_below_the_exact_quotient(decimals: int, snr: int) -> None:
    p, kappa = Fraction(1, 10**decimals), 1000
    target = Mixture([1 - p, p], [0, 1], 0)
    knots = [Fraction(0), *(Fraction(snr) * Fraction(1 + kappa) ** j for j in range(-3, 2))]
    exact = compare(
        "reeves-pfister/bounded-ratio-information", Instance(target, Schedule.from_snr(knots)), digits=20
    ).ratio
    bound = kappa_quotient(Fraction(round(1000 * decimals * log(10)), 1000), kappa)
    # the best member of a finer family may be a little above this one
    assert 0.7 * float(exact) < float(bound) < float(exact) + 0.02


@pytest.mark.parametrize(("arguments", "message"), [((0,), "less than 1"), ((10, 0), "not positive")])
def test_bad_arguments(arguments: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        kappa_quotient(*arguments)
