"""What a sampler really returns: the law of its last iterate, and distances from the target.

What belongs here: the one public function. `chain` reduces the problem to a line, `stochastic` and
`deterministic` compute the law there, `distances` integrate, `law` is the object that is returned.
"""

from __future__ import annotations

from numerics.output_law.chain import chain_of
from numerics.output_law.deterministic_law import DeterministicLaw
from numerics.output_law.law import OutputLaw
from numerics.output_law.stochastic_law import StochasticLaw
from numerics.output_law.tensor_law import TensorLaw
from numerics.samplers import Ddpm, Sampler
from numerics.schedules import Schedule
from numerics.targets import Mixture

__all__ = ["OutputLaw", "output_law"]


def output_law(
    target: Mixture, schedule: Schedule, sampler: Sampler | None = None, start: str = "exact"
) -> OutputLaw:
    """The law of the sampler's last iterate, from the exact law of the first level or the actual start.

    `sampler` defaults to `samplers.Ddpm()`; `start` is "exact" or "normal": N(0, I) in the
    variance-preserving and flow-matching conventions, N(0, sigma_max^2 I) in the variance-exploding one.
    Raises ValueError for bad arguments, SpanError for means that span more than a line, PrecisionError
    where a grid would take more than `stochastic.MOST_NODES` nodes.
    """
    chain = chain_of(target, schedule, Ddpm() if sampler is None else sampler, start, most=3)
    if chain.places:
        return TensorLaw(chain)
    return StochasticLaw(chain) if chain.sampler.stochastic else DeterministicLaw(chain)
