"""Strategies of hypothesis for targets, schedules, samplers and instances, in exact rationals.

    from hypothesis import given
    from diffcert.strategies import instances, target_tightness
    from diffcert.testing import assert_holds

    @given(instances("mine/thm-1"))
    def test_my_theorem(instance):
        target_tightness(assert_holds("mine/thm-1", instance))

Examples are built, not filtered, print as the call that makes them, and shrink to numbers that can be
read. Importing this loads hypothesis and nothing of numerics; that waits for the first strategy.
"""

from diffcert.strategies.instances import instances
from diffcert.strategies.samplers import Bump, Drift, Ripple, samplers, score_errors
from diffcert.strategies.schedules import schedules
from diffcert.strategies.targets import mixtures
from diffcert.strategies.tightness import target_tightness

__all__ = [
    "Bump",
    "Drift",
    "Ripple",
    "instances",
    "mixtures",
    "samplers",
    "schedules",
    "score_errors",
    "target_tightness",
]
