"""What hypothesis loads as it is imported: strategies for our types, and profiles.

What belongs here: registration. What does not: the strategies (`diffcert.strategies`).

Nothing of numerics is imported and no strategy is built: a type that is loaded is registered with a
function, one that is not is registered as soon as `diffcert` hands it out.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

__all__ = ["register", "register_loaded"]


def _mixtures(_: type) -> Any:
    from diffcert.strategies import mixtures

    return mixtures()


def _schedules(_: type) -> Any:
    from diffcert.strategies import schedules

    return schedules()


def _samplers(wanted: type) -> Any:
    from diffcert.strategies.samplers import samplers_of

    return samplers_of(wanted)


def _instances(_: type) -> Any:
    from diffcert.strategies import instances

    return instances()


_TYPES: tuple[tuple[str, tuple[str, ...], Callable[[type], Any]], ...] = (
    ("numerics.targets", ("Mixture", "Target"), _mixtures),
    ("numerics.schedules", ("Schedule",), _schedules),
    (
        "numerics.samplers",
        ("Sampler", "Ddpm", "MomentMatched", "Ddim", "Euler", "Heun", "DpmSolverPlusPlus"),
        _samplers,
    ),
    ("diffcert.instance", ("Instance",), _instances),
)
"""Module, types, and the function that is asked for their strategy."""

_DONE: set[str] = set()


def register_loaded() -> None:
    """Register the strategies of those types that are loaded and not registered yet."""
    from hypothesis import strategies as st

    for name, types, strategy in _TYPES:
        module = sys.modules.get(name)
        if name in _DONE or module is None or not all(hasattr(module, word) for word in types):
            continue
        _DONE.add(name)
        for word in types:
            st.register_type_strategy(getattr(module, word), strategy)


def register() -> None:
    """The entry point: profiles, and the types that are loaded already.

    Profile "diffcert" has no deadline, since a first call of sympy takes longer than any; profile
    "diffcert-nightly" searches for new examples: random, and ten times as many.
    """
    from hypothesis import HealthCheck, settings

    slow = (HealthCheck.too_slow,)
    settings.register_profile("diffcert", deadline=None, suppress_health_check=slow)
    settings.register_profile(
        "diffcert-nightly",
        deadline=None,
        suppress_health_check=slow,
        max_examples=1000,
        derandomize=False,
        print_blob=True,
    )
    register_loaded()
