"""Theorems about diffusion sampling beside the exact errors that they bound.

    import diffcert

    target = diffcert.Mixture(weights=["1/5", "1/2", "3/10"], means=[-3, 0, 4], variance=1)
    schedule = diffcert.Schedule.ddpm_linear(steps=20)
    verdict = diffcert.compare("reeves-pfister/monotone", diffcert.Instance(target, schedule))
    verdict.status, verdict.truth, verdict.bound, verdict.ratio

Every public name of `theory` and `numerics` is found here too. Names are imported as they are first
used: importing the package itself loads nothing heavy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from diffcert.bindings import BINDINGS as BINDINGS
    from diffcert.bindings import Binding as Binding
    from diffcert.bindings import Values as Values
    from diffcert.bindings import evaluate as evaluate
    from diffcert.claim import Claim as Claim
    from diffcert.comparison import compare as compare
    from diffcert.family import TARGETS as TARGETS
    from diffcert.files import read_schedule as read_schedule
    from diffcert.files import read_target as read_target
    from diffcert.instance import Instance as Instance
    from diffcert.plots import mmse_figure as mmse_figure
    from diffcert.registry import claims as claims
    from diffcert.registry import find as find
    from diffcert.registry import twins as twins
    from diffcert.report import Report as Report
    from diffcert.verdict import Status as Status
    from diffcert.verdict import Verdict as Verdict
    from diffcert.verdict import decide as decide
    from diffcert.verification import verify as verify
    from numerics import Mixture as Mixture
    from numerics import PrecisionError as PrecisionError
    from numerics import Schedule as Schedule
    from numerics import SpanError as SpanError
    from numerics import Truth as Truth
    from numerics import covariance_moment as covariance_moment
    from numerics import mmse as mmse
    from numerics import mutual_information as mutual_information
    from numerics import path_kl as path_kl
    from numerics import samplers as samplers
    from theory import PREDICATES as PREDICATES
    from theory import QUANTITIES as QUANTITIES
    from theory import Bound as Bound
    from theory import Formula as Formula
    from theory import Hypothesis as Hypothesis
    from theory import LoweredRelation as LoweredRelation
    from theory import LoweringError as LoweringError
    from theory import Quantity as Quantity
    from theory import Source as Source
    from theory import bounds as bounds
    from theory import lower as lower
    from theory import lower_relation as lower_relation
    from theory import symbols as symbols

__version__ = "0.1.0"

_HOMES: dict[str, tuple[str, ...]] = {
    "diffcert.bindings": ("BINDINGS", "Binding", "Values", "evaluate"),
    "diffcert.claim": ("Claim",),
    "diffcert.comparison": ("compare",),
    "diffcert.family": ("TARGETS",),
    "diffcert.files": ("read_schedule", "read_target"),
    "diffcert.instance": ("Instance",),
    "diffcert.plots": ("mmse_figure",),
    "diffcert.registry": ("claims", "find", "twins"),
    "diffcert.report": ("Report",),
    "diffcert.verdict": ("Status", "Verdict", "decide"),
    "diffcert.verification": ("verify",),
    "numerics": (
        "Mixture",
        "PrecisionError",
        "Schedule",
        "SpanError",
        "Truth",
        "covariance_moment",
        "mmse",
        "mutual_information",
        "path_kl",
        "samplers",
    ),
    "theory": (
        "PREDICATES",
        "QUANTITIES",
        "Bound",
        "Formula",
        "Hypothesis",
        "LoweredRelation",
        "LoweringError",
        "Quantity",
        "Source",
        "bounds",
        "lower",
        "lower_relation",
        "symbols",
    ),
}
"""Module -> the public names that are found in it."""

_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = ["__version__", *sorted(_HOME)]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
