"""Latent components, Renyi entropies, posterior cumulants: derivations, mutants, formulas."""

from __future__ import annotations

import pickle
from dataclasses import replace
from math import log, log1p, sqrt

import numpy as np
import pytest
import sympy as sp

from theory import bounds
from theory import symbols as sym
from theory.bounds import aghapour_bayraktar, companion, cumulants, entropy_rates
from theory.derivation import DerivationError
from theory.proofs import latent

TRUE = [*aghapour_bayraktar.MIXTURES, *companion.ALL, *cumulants.ALL]
TWINS = [*aghapour_bayraktar.MIXTURE_TWINS, *companion.TWINS, *cumulants.TWINS]
RATES = [*entropy_rates.RATES, *entropy_rates.RATE_TWINS]


@pytest.mark.parametrize("bound", [b for b in TRUE if b.derivation is not None], ids=lambda b: b.id)
def test_every_derivation_proves_its_statement(bound: bounds.Bound) -> None:
    bound.check()


def test_only_the_third_cumulant_is_proved_in_words() -> None:
    assert [bound.id for bound in TRUE if bound.derivation is None] == ["diffcert/third-cumulant"]
    assert "k3^2 <= k2^2 (D^2 - 4 k2)" in " ".join((cumulants.__doc__ or "").split())


def test_every_statement_has_a_falsehood_beside_it() -> None:
    assert {twin.twin_of for twin in TWINS} == {bound.id for bound in TRUE} <= set(bounds.FURTHER)
    assert {twin.id for twin in TWINS} <= set(bounds.FURTHER_TWINS)
    assert not set(bounds.FURTHER) & {*bounds.ALL, *bounds.TWINS, *bounds.FURTHER_TWINS}
    for twin in TWINS:
        assert twin.is_twin
        assert twin.counterexample
        assert "/twin-" in twin.id
        original = bounds.FURTHER[twin.twin_of or ""]
        assert twin.formula != original.formula or twin.hypotheses != original.hypotheses
    assert {rate.twin_of for rate in entropy_rates.RATE_TWINS} == {rate.id for rate in entropy_rates.RATES}


def test_the_polynomials_are_those_of_the_mathematics() -> None:
    """Typed from section 2, not computed."""
    q = sym.QUANTITIES

    def mean(name: str) -> sp.Symbol:
        return q[f"cumulants_{name}"].symbol

    second = 2 * mean("2_2_2") - mean("3_3")
    third = -6 * mean("2_2_2_2") + 12 * mean("2_3_3") - mean("4_4")
    fourth = 24 * mean("2_2_2_2_2") - 120 * mean("2_2_3_3") + 20 * mean("2_4_4")
    fourth += 30 * mean("3_3_4") - mean("5_5")
    for bound, typed in zip(cumulants.ALL, (second, third, fourth), strict=False):
        assert sp.expand(bound.formula - typed) == 0


def test_without_the_shared_covariance_nothing_is_proved() -> None:
    for derivation in (latent.latent_nonnegative, latent.latent_mmse_information, latent.latent_entropy):
        kept = tuple(h for h in derivation.hypotheses if h is not latent.shared_covariance)
        with pytest.raises(DerivationError):
            replace(derivation, hypotheses=kept).check()


def test_the_variance_by_the_renyi_entropy_on_random_laws() -> None:
    """The lemma by plain numbers: equality for two atoms, an inequality for more."""
    rng = np.random.default_rng(7)
    for _ in range(300):
        count = int(rng.integers(2, 7))
        w, a = rng.dirichlet(np.full(count, 0.3)), rng.normal(size=count)
        variance = float(w @ (a - w @ a) ** 2)
        pairs = float(sum(sqrt(w[i] * w[j]) for i in range(count) for j in range(i)))
        assert 2 * log(float(np.sqrt(w).sum())) == pytest.approx(log1p(2 * pairs), abs=1e-12)
        bound = float(np.ptp(a)) ** 2 * pairs**2
        assert variance <= bound * (1 + 1e-9)
        if count == 2:
            assert variance == pytest.approx(bound, rel=1e-9)


def test_the_leading_terms_of_a_rare_atom() -> None:
    """The proof's integrals, with sympy and by plain numbers."""
    l = sp.Symbol("l", positive=True)  # noqa: E741
    # with x = e^l, the integral of e^l (1 + e^l)^-3 over the line is that of (1 + x)^-3 over x > 0
    assert sp.integrate((1 + l) ** -3, (l, 0, sp.oo)) == sp.Rational(1, 2)
    for size in (1e3, 1e5):
        # C(t) is eps (16 pi L)^(-1/2) e^(-L x^2/4) at t = 2 L (1 + x): its square root, integrated over t
        x = np.linspace(-0.5, 0.5, 200001)
        root = (16 * np.pi * size) ** -0.25 * np.exp(-size * x**2 / 8)
        total = float(np.trapezoid(root, 2 * size * (1 + x)))
        assert total == pytest.approx((64 * np.pi * size) ** 0.25, rel=1e-6)
        assert total**2 / 4 == pytest.approx(2 * sqrt(np.pi * size), rel=1e-6)


@pytest.mark.parametrize("item", [*TRUE, *TWINS], ids=lambda b: b.id)
def test_everything_can_be_shown_and_travels(item: bounds.Bound) -> None:
    for text in (item.latex(), item.unicode(), *(h.latex() for h in item.hypotheses)):
        assert text
        assert "Dummy" not in text
    if item.derivation is not None:
        assert item.derivation.latex().count(r"\begin{aligned}") >= 1
    assert pickle.loads(pickle.dumps(item)) == item


@pytest.mark.parametrize("rate", RATES, ids=lambda r: r.id)
def test_rates_can_be_shown_and_travel(rate: object) -> None:
    copy = pickle.loads(pickle.dumps(rate))
    assert copy == rate
    assert rate.latex()  # type: ignore[attr-defined]
    assert rate.unicode()  # type: ignore[attr-defined]
    assert set(rate.letters) >= rate.symbols  # type: ignore[attr-defined]


def test_sources_say_what_is_known() -> None:
    for item in (*TRUE, *entropy_rates.RATES):
        assert item.source.theorem or item.source.note
    assert aghapour_bayraktar.PAPER != companion.PAPER
