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

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from diffcert.bindings import BINDINGS as BINDINGS
    from diffcert.bindings import Binding as Binding
    from diffcert.bindings import Values as Values
    from diffcert.bindings import evaluate as evaluate
    from diffcert.certificate import Certificate as Certificate
    from diffcert.claim import Claim as Claim
    from diffcert.comparison import compare as compare
    from diffcert.family import TARGETS as TARGETS
    from diffcert.files import read_schedule as read_schedule
    from diffcert.files import read_target as read_target
    from diffcert.instance import Instance as Instance
    from diffcert.li_cai_wei import LiCaiWeiInstance as LiCaiWeiInstance
    from diffcert.low_rank import LowRankInstance as LowRankInstance
    from diffcert.plots import mmse_figure as mmse_figure
    from diffcert.rates import Ladder as Ladder
    from diffcert.rates import RateClaim as RateClaim
    from diffcert.rates import RateVerdict as RateVerdict
    from diffcert.rates import Rung as Rung
    from diffcert.rates import measured as measured
    from diffcert.rates.plots import rate_figure as rate_figure
    from diffcert.recheck import Check as Check
    from diffcert.registry import claims as claims
    from diffcert.registry import find as find
    from diffcert.registry import twins as twins
    from diffcert.report import Report as Report
    from diffcert.sharpness import Sharpness as Sharpness
    from diffcert.sharpness import sharpen as sharpen
    from diffcert.verdict import Status as Status
    from diffcert.verdict import Verdict as Verdict
    from diffcert.verdict import decide as decide
    from diffcert.verification import verify as verify
    from numerics import GeneralMixture as GeneralMixture
    from numerics import LowRankMixture as LowRankMixture
    from numerics import Mixture as Mixture
    from numerics import Orthogonal as Orthogonal
    from numerics import OutputLaw as OutputLaw
    from numerics import PrecisionError as PrecisionError
    from numerics import Product as Product
    from numerics import Schedule as Schedule
    from numerics import SpanError as SpanError
    from numerics import Split as Split
    from numerics import StationarySchedule as StationarySchedule
    from numerics import Target as Target
    from numerics import Truth as Truth
    from numerics import Whole as Whole
    from numerics import best_limit as best_limit
    from numerics import best_schedules as best_schedules
    from numerics import certified_tv as certified_tv
    from numerics import compare_with_usual as compare_with_usual
    from numerics import covariance_moment as covariance_moment
    from numerics import general_mmse as general_mmse
    from numerics import general_mutual_information as general_mutual_information
    from numerics import general_path_kl as general_path_kl
    from numerics import mmse as mmse
    from numerics import mutual_information as mutual_information
    from numerics import output_law as output_law
    from numerics import path_kl as path_kl
    from numerics import posterior_covariance as posterior_covariance
    from numerics import posterior_jacobian as posterior_jacobian
    from numerics import posterior_mean as posterior_mean
    from numerics import posterior_weights as posterior_weights
    from numerics import sampler_path_kl as sampler_path_kl
    from numerics import samplers as samplers
    from numerics import score_error_mean_square as score_error_mean_square
    from numerics import steps_needed as steps_needed
    from numerics.arithmetic import ARRAYS as ARRAYS
    from numerics.arithmetic import FLOATS as FLOATS
    from numerics.arithmetic import balls as balls
    from numerics.arithmetic import mpmath_numbers as mpmath_numbers
    from theory import IDENTITIES as IDENTITIES
    from theory import PREDICATES as PREDICATES
    from theory import QUANTITIES as QUANTITIES
    from theory import Algebra as Algebra
    from theory import Axiom as Axiom
    from theory import Bound as Bound
    from theory import Calculus as Calculus
    from theory import Cases as Cases
    from theory import Condition as Condition
    from theory import Derivation as Derivation
    from theory import DerivationError as DerivationError
    from theory import Formula as Formula
    from theory import Hypothesis as Hypothesis
    from theory import Lemma as Lemma
    from theory import Link as Link
    from theory import LoweredRelation as LoweredRelation
    from theory import LoweringError as LoweringError
    from theory import Proposition as Proposition
    from theory import Quantity as Quantity
    from theory import Rate as Rate
    from theory import Source as Source
    from theory import Step as Step
    from theory import bounds as bounds
    from theory import chain as chain
    from theory import given as given
    from theory import immse as immse
    from theory import lower as lower
    from theory import lower_relation as lower_relation
    from theory import mixtures as mixtures
    from theory import steps as steps
    from theory import symbols as symbols
    from theory import tweedie as tweedie

__version__ = "0.1.0"

_HOMES: dict[str, tuple[str, ...]] = {
    "diffcert.bindings": ("BINDINGS", "Binding", "Values", "evaluate"),
    "diffcert.certificate": ("Certificate",),
    "diffcert.claim": ("Claim",),
    "diffcert.comparison": ("compare",),
    "diffcert.family": ("TARGETS",),
    "diffcert.files": ("read_schedule", "read_target"),
    "diffcert.instance": ("Instance",),
    "diffcert.li_cai_wei": ("LiCaiWeiInstance",),
    "diffcert.low_rank": ("LowRankInstance",),
    "diffcert.plots": ("mmse_figure",),
    "diffcert.rates": ("Ladder", "RateClaim", "RateVerdict", "Rung", "measured"),
    "diffcert.rates.plots": ("rate_figure",),
    "diffcert.recheck": ("Check",),
    "diffcert.registry": ("claims", "find", "twins"),
    "diffcert.report": ("Report",),
    "diffcert.sharpness": ("Sharpness", "sharpen"),
    "diffcert.verdict": ("Status", "Verdict", "decide"),
    "diffcert.verification": ("verify",),
    "numerics": (
        "GeneralMixture",
        "LowRankMixture",
        "Mixture",
        "Orthogonal",
        "OutputLaw",
        "PrecisionError",
        "Product",
        "Schedule",
        "SpanError",
        "Split",
        "StationarySchedule",
        "Target",
        "Truth",
        "Whole",
        "best_limit",
        "best_schedules",
        "certified_tv",
        "compare_with_usual",
        "covariance_moment",
        "general_mmse",
        "general_mutual_information",
        "general_path_kl",
        "mmse",
        "mutual_information",
        "output_law",
        "path_kl",
        "posterior_covariance",
        "posterior_jacobian",
        "posterior_mean",
        "posterior_weights",
        "sampler_path_kl",
        "samplers",
        "score_error_mean_square",
        "steps_needed",
    ),
    "numerics.arithmetic": ("ARRAYS", "FLOATS", "balls", "mpmath_numbers"),
    "theory": (
        "IDENTITIES",
        "PREDICATES",
        "QUANTITIES",
        "Algebra",
        "Axiom",
        "Bound",
        "Calculus",
        "Cases",
        "Condition",
        "Derivation",
        "DerivationError",
        "Formula",
        "Hypothesis",
        "Lemma",
        "Link",
        "LoweredRelation",
        "LoweringError",
        "Proposition",
        "Quantity",
        "Rate",
        "Source",
        "Step",
        "bounds",
        "chain",
        "given",
        "immse",
        "lower",
        "lower_relation",
        "mixtures",
        "steps",
        "symbols",
        "tweedie",
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
    if "hypothesis" in sys.modules:
        import_module("diffcert.hypothesis_plugin").register_loaded()
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
