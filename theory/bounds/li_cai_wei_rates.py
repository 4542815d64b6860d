"""Rates of Li, Cai and Wei: the terms of their theorem, what is measured beside, and planted falsehoods.

What belongs here: the statements with implied constants, as data. What does not: the ladders on which they
are looked at (`diffcert.rates.li_cai_wei`), the schedule and the trace with explicit constants
(`li_cai_wei`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sympy as sp

from theory.bounds.li_cai_wei import PAPER
from theory.planted import PLANTED
from theory.rate import Condition, Rate
from theory.statement import Source

__all__ = [
    "RATES",
    "RATE_TWINS",
    "approximation",
    "kl_leading",
    "narrow",
    "score",
    "trace_product",
    "trace_rate",
    "tv",
    "tv_leading",
]

_ARXIV = "2504.05300"
_steps, _components, _dimensions = (sp.Symbol(name, positive=True) for name in ("T", "K", "d"))
_eps = sp.Symbol("eps", positive=True)
_log = sp.log(_steps)
_LETTERS = {
    "T": "the number of levels of the schedule",
    "K": "the number of components",
    "d": "the ambient dimension",
    "eps": "the error of the score, or the target's distance from a mixture",
}
_THEOREM = Source(
    PAPER, _ARXIV, "", "a term of the main theorem, whose number is unconfirmed; implied constants"
)
_MEASURED = Source("diffcert", "", "", "read off exact output laws; no theorem is claimed")
_EXACT = Condition(
    "exact scores, the paper's schedule with c_0 = 2 and c_1 = 10, the noise variance 1 - alpha_t"
)
_GENERAL = Condition("the paper's schedule with c_0 = 2 and c_1 = 10, the noise variance 1 - alpha_t")


def _rate(
    name: str,
    title: str,
    truth: str,
    formula: sp.Expr,
    variables: Mapping[str, str],
    source: Source = _THEOREM,
    relation: Any = "<=",
    hypotheses: tuple[Condition, ...] = (_EXACT,),
    note: str = "",
) -> Rate:
    return Rate(
        id=f"li-cai-wei/{name}",
        title=title,
        truth=truth,
        formula=formula,
        variables=variables,
        source=source,
        relation=relation,
        hypotheses=hypotheses,
        note=note,
        letters=_letters(formula, variables),
    )


def _letters(formula: sp.Expr, variables: Mapping[str, str]) -> dict[str, str]:
    used = {str(symbol) for symbol in formula.free_symbols} | set(variables)
    return {name: meaning for name, meaning in _LETTERS.items() if name in used}


def _false(
    of: Rate,
    what: str,
    title: str,
    why_false: str,
    formula: sp.Expr,
    relation: Any = None,
    truth: str | None = None,
    variables: Mapping[str, str] | None = None,
) -> Rate:
    """A false rate made from a true one."""
    moves = of.variables if variables is None else variables
    return Rate(
        id=f"{of.id}/twin-{what}",
        title=title,
        truth=of.truth if truth is None else truth,
        formula=formula,
        variables=moves,
        source=PLANTED,
        relation=of.relation if relation is None else relation,
        hypotheses=of.hypotheses,
        twin_of=of.id,
        why_false=why_false,
        letters=_letters(formula, moves),
    )


_discretisation = sp.log(_components * _steps) ** 2 * _log**2 / _steps
tv = _rate(
    "tv",
    "The discretisation term: the total variation with exact scores",
    "li_cai_wei_tv",
    _discretisation,
    {"T": "up", "K": "up", "d": "up"},
)
tv_leading = _rate(
    "tv-leading",
    "The total variation with exact scores is of the order log T/T",
    "li_cai_wei_tv",
    _log / _steps,
    {"T": "up"},
    _MEASURED,
    "~",
)
kl_leading = _rate(
    "kl-leading",
    "The KL of the output is of the order (log T/T)^2",
    "li_cai_wei_kl",
    (_log / _steps) ** 2,
    {"T": "up"},
    _MEASURED,
    "~",
)
score = _rate(
    "score",
    "The term of the score's error",
    "li_cai_wei_score_tv",
    _eps * sp.sqrt(_log),
    {"eps": "down", "T": "up"},
    hypotheses=(_GENERAL, Condition("eps^2 is the mean over t of E e(x_t)^2, e the error of the score")),
)
approximation = _rate(
    "approximation",
    "The term of the target's distance from a mixture",
    "li_cai_wei_approximation_excess",
    sp.sqrt(_dimensions * _eps) * sp.log(_dimensions * _steps) ** sp.Rational(3, 2),
    {"eps": "down"},
    hypotheses=(_GENERAL, Condition("eps is the total variation between the target and a mixture")),
)
trace_rate = _rate(
    "trace-rate",
    "The trace is at most of the order log(KT), with probability 1 - 1/T at every level",
    "li_cai_wei_pair_trace",
    sp.log(_components * _steps),
    {"T": "up"},
)
trace_product = _rate(
    "trace-product",
    "The trace is at most of the order log(KT), for independent copies of a pair",
    "li_cai_wei_product_trace",
    sp.log(_components * _steps),
    {"K": "up"},
)
narrow = _rate(
    "narrow",
    "With the reverse variance beta_tilde the total variation grows with the dimension",
    "li_cai_wei_narrow_tv",
    sp.sqrt(_dimensions) * _log / _steps,
    {"d": "up", "T": "up"},
    _MEASURED,
    "~",
    (Condition("the target is N(0, I), and the noise variance is that of components of variance 0"),),
)

RATES: tuple[Rate, ...] = (
    tv,
    tv_leading,
    kl_leading,
    score,
    approximation,
    trace_rate,
    trace_product,
    narrow,
)
"""The statements with implied constants, in the order of the documentation."""

RATE_TWINS: tuple[Rate, ...] = (
    _false(
        tv,
        "square",
        "The discretisation term with T^2 in place of T",
        "the total variation falls like log T/T",
        sp.log(_components * _steps) ** 2 * _log**2 / _steps**2,
        variables={"T": "up"},
    ),
    _false(
        tv,
        "six-fifths",
        "The discretisation term with the exponent 6/5 and no logarithm",
        "the total variation falls like log T/T",
        _steps ** sp.Rational(-6, 5),
        variables={"T": "up"},
    ),
    _false(
        tv,
        "no-log",
        "The discretisation term without its logarithms",
        "the steps are of the size log T/T, and so is the error",
        1 / _steps,
        variables={"T": "up"},
    ),
    _false(
        tv,
        "dimension",
        "The total variation is at least of the order d/T",
        "bounds of the order d/T hold, but the total variation does not depend on the dimension at all",
        _dimensions / _steps,
        ">=",
        variables={"d": "up"},
    ),
    _false(
        tv,
        "variance",
        "The discretisation term with the reverse variance beta_tilde",
        "dimension-free is a property of the pair target, reverse variance; 1 - alpha_t has it here",
        _discretisation,
        truth="li_cai_wei_narrow_tv",
        variables={"d": "up"},
    ),
    _false(
        tv_leading,
        "log-square",
        "The total variation is of the order log(T)^2/T",
        "one logarithm too many",
        _log**2 / _steps,
    ),
    _false(
        kl_leading,
        "first-power",
        "The KL of the output is of the order log T/T",
        "that is the order of the path KL; the output's is the square of it",
        _log / _steps,
    ),
    _false(
        score,
        "square",
        "The term of the score's error, with its square",
        "the output moves in proportion to the error, and the total variation with it",
        _eps**2 * sp.sqrt(_log),
        variables={"eps": "down"},
    ),
    _false(
        score,
        "no-log",
        "The term of the score's error without the root of log T",
        "an error at the levels around alpha_bar = 1/2 alone, a share of about 1/log T of all, is larger "
        "there by the root of log T, and the output does not forget it",
        _eps,
        variables={"T": "up"},
    ),
    _false(
        approximation,
        "square",
        "The term of the target's distance from a mixture, with its square",
        "a sampler that knows the mixture's score returns the mixture, at the distance eps from the target",
        _dimensions * _eps**2 * sp.log(_dimensions * _steps) ** sp.Rational(3, 2),
    ),
    _false(
        trace_rate,
        "constant",
        "The trace is bounded with probability 1 - 1/T, by a constant",
        "at the right level two components are as far apart as the probability 1/T allows",
        sp.S.One,
    ),
    _false(
        trace_product,
        "no-components",
        "The trace is at most of the order log T, whatever the number of components",
        "the traces of independent copies add up, and so do the logarithms of K",
        sp.log(_steps),
    ),
    _false(
        narrow,
        "dimension-free",
        "With the reverse variance beta_tilde the total variation does not depend on the dimension",
        "the output's variance is wrong in every direction",
        _log / _steps,
        variables={"d": "up"},
    ),
)
"""The planted falsehoods among them, in the order of the statements."""
