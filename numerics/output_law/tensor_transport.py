"""Wasserstein distances in the plane and in space, where a closed form is known.

What belongs here: cores that are products of laws on orthogonal lines. There every step acts on each line
alone, the output law is a product like the reference, and W_2^2 adds up over the lines: the optimal maps on
the lines make the optimal map. What does not: couplings of laws without that structure, and W_1, whose cost
|x - y| does not add up.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from numerics.arithmetic import balls
from numerics.output_law.chain import Chain, Complement, exact_of
from numerics.output_law.distances import wasserstein
from numerics.output_law.stochastic_law import StochasticLaw
from numerics.output_law.tensor_frame import product_frame
from numerics.samplers import Ddpm

__all__ = ["factors", "product_transport"]

_NOTHING = Complement(0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0)


def factors(chain: Chain) -> list[Chain] | None:
    """The chains on the lines of which the core is a product, in the same units; None if it is none."""
    found = product_frame(chain.target)
    if found is None:
        return None
    frame, laws = found
    ops = balls(256)
    result = []
    with ops.precision():
        error = chain.sampler.score_error
        drift = [Fraction(0)] * frame.rank
        if isinstance(error, tuple):
            drift = [exact_of(x) for x in frame.coordinates(error, ops)]
        for vector, law, shift in zip(frame.vectors, laws, drift, strict=True):
            length = ops.sqrt(ops.number(sum((x * x for x in vector), Fraction(0))))
            places = sorted(law)
            result.append(
                replace(
                    chain,
                    sampler=Ddpm(score_error=shift or None),
                    atoms=tuple(exact_of(ops.number(x) / length) for x in places),
                    weights=tuple(law[x] for x in places),
                    complement=_NOTHING,
                    places=(),
                    drift=(),
                )
            )
    return result


def product_transport(chain: Chain, reference: str) -> tuple[float, float] | None:
    """W_2^2 within the span and its error estimate, in units of R; None where the core is no product."""
    chains = factors(chain)
    if chains is None:
        return None
    value = error = 0.0
    for factor in chains:
        law = StochasticLaw(factor)
        fine, doubt = wasserstein(law._pieces(reference, True), 2)
        coarse, _ = wasserstein(law._pieces(reference, False), 2)
        value, error = value + fine, error + doubt + abs(fine - coarse) + 1e-15
    return value, error
