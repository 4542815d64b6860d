"""What a worker does: look a statement up, check it, compare it, or enclose a number.

What belongs here: from a task to a result, both plain JSON. What does not: processes (`worker`,
`evaluation`), what a result means for a page (`project`). It runs in a worker process only: this is
the one module of the extension that imports what a document names.
"""

from __future__ import annotations

import base64
import hashlib
import io
import math
import os
import re
import sys
import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import flint

import diffcert
from diffcert.enclosure import ball_text, certified_digits
from diffcert.rates.plots import rate_figure
from diffcert.rates.verdict import RateVerdict
from diffcert.sphinx import instances, statements
from diffcert.sphinx import standing as st
from diffcert.sphinx.lookup import NotThereError, find
from diffcert.sphinx.store import place
from diffcert.sphinx.worker import installed_prefixes, missed
from diffcert.verdict import Verdict

__all__ = ["run"]

_STARTED = time.time()
_LONGEST_MESSAGE = 400
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{4,}")
_OWN = {"diffcert", "numerics", "theory"}
_SHOWN_DIGITS = 6
_LEAST_DIGITS = 40
_MOST_ROWS = 200


def run(task: dict[str, Any]) -> dict[str, Any]:
    """The result of a task, with the sources that it used; whatever goes wrong is a result too."""
    operations: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
        "statement": _statement,
        "check": _check,
        "comparison": _comparison,
        "number": _number,
    }
    try:
        result = operations[task["operation"]](task)
    except NotThereError as error:
        result = {"status": st.NOT_RUN, "message": message(error, named=False)}
    except ModuleNotFoundError as error:
        result = {"status": st.NOT_RUN, "message": f"there is no module {error.name}"}
    except MemoryError:
        result = {"status": st.ERROR, "message": "it needs more memory than is allowed (cert_memory)"}
    except ValueError as error:
        result = {"status": st.ERROR, "message": message(error, named=False)}
    except BaseException as error:
        result = {"status": st.ERROR, "message": message(error)}
    try:
        sources, fresh = _sources(task)
    except OSError:
        sources, fresh = {}, False
    return {"result": result, "sources": sources, "fresh": fresh}


def message(error: BaseException, named: bool = True) -> str:
    """An error in one line that is the same in every run."""
    try:
        said = " ".join(str(error).split())
    except Exception:  # a message may raise anything
        said = ""
    line = f"{type(error).__name__}: {said}" if named or not said else said
    line = _ADDRESS.sub("0x...", line)
    return line if len(line) <= _LONGEST_MESSAGE else line[: _LONGEST_MESSAGE - 3] + "..."


# What was used


def _sources(task: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """The files and versions of all that is loaded, and whether none was changed meanwhile.

    The package's own modules, the module that the task names and all that belongs to no installed
    distribution are listed by content and place, other packages by version. What was looked for in vain
    is listed too: a claim may say something else where an optional module is there.
    """
    own = (
        _OWN | {str(task["object"]).partition(":")[0].partition(".")[0]} if ":" in task["object"] else _OWN
    )
    files: dict[str, str] = {}
    packages: set[str] = set()
    places: dict[str, tuple[str, list[str] | None]] = {}
    fresh = True
    for name, module in sorted(sys.modules.items()):
        top = name.partition(".")[0]
        if top in sys.stdlib_module_names or top.startswith("__"):
            continue
        where = _where(module)
        if not where:
            continue
        if top not in own and where.startswith(installed_prefixes()) and top in _distributions():
            packages.add(top)
            continue
        parent = sys.modules.get(name.rpartition(".")[0])
        places[name] = where, None if parent is None else list(getattr(parent, "__path__", ()))
        if getattr(module, "__file__", None):
            files[where], old = _hash(where)
            fresh = fresh and old
    versions = {name: _version(name) for top in sorted(packages) for name in _distributions()[top]}
    absent = {name: path for name, path in missed().items() if name not in sys.modules}
    return {"files": files, "places": places, "versions": versions, "absent": absent}, fresh


def _where(module: Any) -> str:
    """The file of a module, the folders of a package without one, or ""."""
    file = getattr(module, "__file__", None)
    if isinstance(file, str):
        return _real(file)
    spec = getattr(module, "__spec__", None)
    return (place(spec) or "") if hasattr(module, "__path__") and spec is not None else ""


@cache
def _real(path: str) -> str:
    """The path without links: one look for each of a thousand modules, not one for each task."""
    return os.path.realpath(path)


@cache
def _hash(path: str) -> tuple[str, bool]:
    """The digest of a file, and whether it is older than this process."""
    file = Path(path)
    return hashlib.sha256(file.read_bytes()).hexdigest(), file.stat().st_mtime < _STARTED


@cache
def _distributions() -> dict[str, list[str]]:
    """Top-level name -> the distributions that it comes from."""
    from importlib.metadata import packages_distributions

    return {top: sorted(set(names)) for top, names in packages_distributions().items()}


@cache
def _version(distribution: str) -> str:
    from importlib.metadata import version

    return version(distribution)


# The tasks


def _statement(task: dict[str, Any]) -> dict[str, Any]:
    return statements.described(find(task["object"]))


def _check(task: dict[str, Any]) -> dict[str, Any]:
    """The verdict on a statement that has no derivation, over its instances; {} for any other."""
    found = find(task["object"])
    if not statements.needs_a_check(found):
        return {"status": ""}
    return _compared(statements.claim(found), task)


def _comparison(task: dict[str, Any]) -> dict[str, Any]:
    return _compared(statements.claim(find(task["object"])), task)


def _compared(claim: Any, task: dict[str, Any]) -> dict[str, Any]:
    """The verdicts on a claim at the instances of `params`, or at its own."""
    params, digits = task["params"], task["digits"]
    listed = params if isinstance(params, list) else [params]
    verdicts: list[Verdict] = []
    shown: list[Verdict] = []
    for entry in listed:
        chosen = instances.selection(entry)
        if chosen is None:
            verdict = diffcert.compare(claim, instances.instance(entry), digits=digits)
            verdicts.append(verdict)
            shown.append(verdict)
        else:
            report = diffcert.verify([claim], digits=digits, twins=claim.is_twin, **chosen)
            verdicts += report.verdicts
            few = isinstance(claim, diffcert.RateClaim) or len(report.verdicts) <= 1 or chosen
            shown += report.verdicts if few else report.worst()
    return _summary(claim, verdicts, shown, digits, bool(task["plot"]))


def _summary(
    claim: Any, verdicts: Sequence[Verdict], shown: Sequence[Verdict], digits: int, plot: bool
) -> dict[str, Any]:
    # A twin's report may break off after the first refutation; what is there decides.
    worst = _worst(verdicts)
    words = [verdict.status.text for verdict in verdicts]
    told = [word for word in words if word != st.NOT_APPLICABLE]
    status = st.weakest(told) if told else st.NOT_APPLICABLE
    result: dict[str, Any] = {
        "status": status,
        "message": worst.reason,
        "claim": claim.id,
        "title": claim.title,
        "latex": claim.bound.latex(),
        "unicode": claim.bound.unicode(),
        "relation": worst.relation,
        "digits": digits,
        "cases": len(verdicts),
        "counts": {word: words.count(word) for word in st.ORDER if word in words},
        "worst": _row(worst),
        "rows": [_row(verdict) for verdict in shown[:_MOST_ROWS]],
        "left_out": max(0, len(shown) - _MOST_ROWS),
        "notes": list(dict.fromkeys(note for verdict in verdicts for note in verdict.notes)),
        "numbers": _numbers(worst),
        "tightness": _tightness(verdicts),
        "points": _points(verdicts),
    }
    ladders = [verdict for verdict in verdicts if isinstance(verdict, RateVerdict)]
    if ladders:
        result["constant"], result["numbers"] = _constant(ladders)
    if plot:
        result["plot"] = _rate_plot(ladders) if ladders else _plot(worst)
    return result


def _constant(ladders: Sequence[RateVerdict]) -> tuple[str, dict[str, Any]]:
    """The least constant that covers the ladders, in words and as a number that an author may quote."""
    fits = [verdict.fit for verdict in ladders if verdict.fit is not None]
    if not fits:
        return "", {}
    largest = max((fit.constant for fit in fits), key=Fraction)
    proven = all(fit.proven for fit in fits)
    number = {"mid": str(Fraction(largest)), "rad": "0"}
    return largest if proven else f"{largest} (float)", {"constant": number}


def _worst(verdicts: Sequence[Verdict]) -> Verdict:
    """The case that says most against the claim, the first of several."""

    def badness(verdict: Verdict) -> tuple[bool, int, Fraction]:
        near = _closeness(verdict)
        idle = verdict.status.text == st.NOT_APPLICABLE
        return idle, st.ORDER.index(verdict.status.text), -(near[0] if near else Fraction(0))

    return min(verdicts, key=badness)


def _closeness(verdict: Verdict) -> tuple[Fraction, Fraction] | None:
    """The enclosure of truth / bound for an upper bound, of its inverse for a lower bound."""
    ratio = verdict.ratio
    if isinstance(verdict, RateVerdict):
        return None
    if not isinstance(ratio, flint.arb) or not ratio.is_finite() or verdict.relation not in ("<=", ">="):
        return None
    low, high = _ends(ratio, verdict.digits)
    if verdict.relation == "<=":
        return low, high
    return (1 / high, 1 / low) if low > 0 else None


def _ends(ball: Any, digits: int | None) -> tuple[Fraction, Fraction]:
    middle, radius = ball_text(ball, max(_LEAST_DIGITS, digits or 0))
    return Fraction(middle) - Fraction(radius), Fraction(middle) + Fraction(radius)


def _tightness(verdicts: Sequence[Verdict]) -> dict[str, str] | None:
    """The least closeness of truth and bound over the cases, and where it is."""
    found = [(near, verdict) for verdict in verdicts if (near := _closeness(verdict)) is not None]
    if not found:
        return None
    (low, _), loosest = min(found, key=lambda pair: pair[0][0])
    high = min(near[1] for near, _ in found)
    return {"low": str(low), "high": str(high), "label": loosest.instance.label}


def _points(verdicts: Sequence[Verdict]) -> dict[str, list[list[Any]]]:
    """Of every inequality the ratio of truth and bound and the status, by the first word of the case."""
    found: dict[str, list[list[Any]]] = {}
    for verdict in verdicts:
        if _closeness(verdict) is None:
            continue
        ratio = float(f"{float(verdict.ratio.mid()):.3g}")
        row = found.setdefault(verdict.instance.label.partition(",")[0], [])
        point = [ratio, verdict.status.text]
        if 0 < ratio < math.inf and point not in row:
            row.append(point)
    return {name: sorted(row) for name, row in found.items() if row}


def _text(value: Any, digits: int) -> str:
    return "" if value is None else certified_digits(value, digits)


def _row(verdict: Verdict) -> dict[str, str]:
    return {
        "label": verdict.instance.label,
        "status": verdict.status.text,
        "bound": _text(verdict.bound, _SHOWN_DIGITS),
        "truth": "" if verdict.truth is None else _text(verdict.truth.value, _SHOWN_DIGITS),
        "ratio": _text(verdict.ratio, _SHOWN_DIGITS - 1),
        "reason": "; ".join([*verdict.lines, verdict.reason])
        if isinstance(verdict, RateVerdict)
        else verdict.reason,
    }


def _enclosure(value: Any, digits: int | None) -> dict[str, str] | None:
    if not isinstance(value, flint.arb):
        return None
    middle, radius = ball_text(value, max(_LEAST_DIGITS, digits or 0))
    return {"mid": middle, "rad": radius}


def _numbers(verdict: Verdict) -> dict[str, Any]:
    """The enclosures that an author may quote."""
    truth = None if verdict.truth is None else verdict.truth.value
    values = {"truth": truth, "bound": verdict.bound, "ratio": verdict.ratio}
    found = {name: _enclosure(value, verdict.digits) for name, value in values.items()}
    return {name: enclosure for name, enclosure in found.items() if enclosure is not None}


def _number(task: dict[str, Any]) -> dict[str, Any]:
    """The enclosure of a value at `module:attribute`: a ball, a Truth in balls, or an exact number."""
    value = find(task["object"])
    value = getattr(value, "value", value) if isinstance(value, diffcert.Truth) else value
    if isinstance(value, int | Fraction) and not isinstance(value, bool):
        exact = Fraction(value)
        middle = f"{exact.numerator}/{exact.denominator}"
        return {"status": st.HOLDS, "message": "", "numbers": {"truth": {"mid": middle, "rad": "0"}}}
    enclosure = _enclosure(value, None)
    if enclosure is None:
        kind = type(value).__name__
        raise ValueError(
            f"a value of type {kind} is no enclosure (a flint.arb, a certified Truth, a Fraction)"
        )
    return {"status": st.HOLDS, "message": "", "numbers": {"truth": enclosure}}


# The plot


def _plot(verdict: Verdict) -> dict[str, str]:
    """The drawing of the worst case as SVG and (in base64) PDF, or why there is none."""
    if verdict.instance.schedule is None:
        return {"problem": "there is no schedule to be drawn"}
    try:
        import matplotlib  # noqa: F401
    except ModuleNotFoundError:
        return {"problem": "matplotlib is missing; install diffcert[plot]"}
    caption = f"The mmse and the steps of the schedule: {verdict.instance.label}."
    return _picture(diffcert.mmse_figure(verdict.instance), caption)


def _rate_plot(ladders: Sequence[RateVerdict]) -> dict[str, str]:
    """The drawing of truth, formula and ratio over the variable, or why there is none."""
    drawn = [verdict for verdict in ladders if verdict.fit is not None]
    if not drawn:
        return {"problem": "there is no ladder to be drawn"}
    try:
        import matplotlib  # noqa: F401
    except ModuleNotFoundError:
        return {"problem": "matplotlib is missing; install diffcert[plot]"}
    names = ", ".join(verdict.instance.label for verdict in drawn)
    return _picture(rate_figure(drawn), f"Truth, formula and their ratio along {names}.")


def _picture(figure: Any, caption: str) -> dict[str, str]:
    """A figure as SVG and (in base64) PDF."""
    import matplotlib
    from matplotlib.backends.backend_pdf import FigureCanvasPdf  # noqa: F401

    drawing, page = io.StringIO(), io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "diffcert", "svg.fonttype": "path"}):
        figure.savefig(drawing, format="svg", metadata={"Date": None})
        figure.savefig(page, format="pdf", metadata={"CreationDate": None})
    text = drawing.getvalue()
    return {
        "svg": text[text.index("<svg") :].strip(),
        "pdf": base64.b64encode(page.getvalue()).decode("ascii"),
        "caption": caption,
    }
