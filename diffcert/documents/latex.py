"""A report as LaTeX: a document of its own, the part between the marks fit for an appendix.

What belongs here: LaTeX's markup and its escapes. What does not: what a report says (`model`), charts
(`charts`). Packages: amsmath, amssymb and longtable.
"""

from __future__ import annotations

from diffcert.documents.charts import picture
from diffcert.documents.model import Case, Document, Entry
from diffcert.documents.rates import RATE_HEADS, further, rate_cells, rate_picture

__all__ = ["latex"]

_ESCAPES = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\ensuremath{<}",
    ">": r"\ensuremath{>}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "\N{RIGHT SINGLE QUOTATION MARK}": "'",
    "\N{EN DASH}": "--",
}

_HEAD = r"""\documentclass[11pt]{article}
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\usepackage{amsmath,amssymb,longtable}
\setlength{\textwidth}{460pt}\setlength{\oddsidemargin}{0pt}\setlength{\LTpost}{4pt}
\begin{document}
"""


def latex(document: Document) -> str:
    """The document as LaTeX text; what lies between the two comment lines fits an appendix."""
    lines = [
        r"% --- body: for an appendix take what follows, with amsmath, amssymb and longtable ---",
        rf"\section*{{{_text(document.title)}}}",
        f"{_text(document.summary)}. {_text(document.tier)} Written by diffcert {_text(document.version)}.",
        "",
        r"{\small\begin{longtable}{@{}p{170pt}p{110pt}rp{110pt}@{}}",
        r"\hline claim & verdicts & constant & attained at\\ \hline\endhead",
    ]
    for entry in document.entries:
        place = "" if entry.extreme is None else _text(entry.extreme.label)
        cells = (rf"\texttt{{{_broken(entry.id)}}}", _text(entry.words), _number(entry.constant), place)
        lines.append(" & ".join(cells) + r"\\")
    lines += [r"\hline\end{longtable}}", "", _constant_text(document)]
    for entry in document.entries:
        lines += ["", *_section(entry)]
    if document.notes:
        lines += ["", r"\subsection*{Notes}", r"\begin{itemize}"]
        lines += [rf"\item {_text(note)}" for note in document.notes]
        lines.append(r"\end{itemize}")
    lines.append("% --- end of the body ---")
    return _HEAD + "\n".join(lines) + "\n\\end{document}\n"


def _constant_text(document: Document) -> str:
    if document.twins:
        return "A planted falsehood is refuted by a ratio above 1 (below 1 for a lower bound)."
    return (
        r"The constant is the least $c$ with truth ${}\le c\cdot{}$bound on every case (the largest with"
        r" truth ${}\ge c\cdot{}$bound for a lower bound)."
    )


def _section(entry: Entry) -> list[str]:
    lines = [
        rf"\subsection*{{{_text(entry.title)}}}",
        rf"\noindent\texttt{{{_broken(entry.id)}}}, {_text(entry.source)}",
        r"\begin{equation*}",
        _mathematics(entry.statement),
        r"\end{equation*}",
    ]
    items = [rf"\item needs: {_text(text)}" for text in entry.hypotheses]
    items += [rf"\item verdicts: {_text(entry.words)}"]
    items += [
        rf"\item not applicable to {count} case{'s' * (count != 1)}: {_text(reason)}"
        for reason, count in entry.needs
    ]
    lines += [r"\begin{itemize}", *items, r"\end{itemize}"]
    if entry.is_rate:
        return [*lines, *_rate_table(entry)]
    if entry.rows:
        lines += [
            r"{\small\begin{longtable}{@{}p{180pt}rrrp{80pt}@{}}",
            r"\hline worst case & bound & truth & ratio & verdict\\ \hline\endhead",
            *(_row(case) for case in entry.rows),
            r"\hline\end{longtable}}",
        ]
    drawn = picture(entry)
    return [*lines, "", r"\begin{center}", drawn, r"\end{center}"] if drawn else lines


def _rate_table(entry: Entry) -> list[str]:
    """The ladders of a rate, what else is read off them, and the picture."""
    lines: list[str] = []
    if entry.rows:
        heads = " & ".join(_text(head) for head in RATE_HEADS)
        lines += [
            r"{\small\begin{longtable}{@{}p{110pt}p{55pt}p{70pt}p{70pt}p{60pt}p{70pt}@{}}",
            rf"\hline ladder & {heads} & verdict\\ \hline\endhead",
        ]
        for case in entry.rows:
            verdict = case.words + (f": {case.reason}" if case.reason else "")
            cells = (_text(case.label), *(_signed(text) for text in rate_cells(case)), _text(verdict))
            lines.append(" & ".join(cells) + r"\\")
        lines.append(r"\hline\end{longtable}}")
    said = [(case, line) for case in entry.rows for line in further(case)]
    if said:
        items = [rf"\item {_text(case.label)}: {_signed(line)}" for case, line in said]
        lines += [r"\begin{itemize}", *items, r"\end{itemize}"]
    drawn = rate_picture(entry)
    return [*lines, "", r"\begin{center}", drawn, r"\end{center}"] if drawn else lines


def _signed(text: str) -> str:
    """Text in which "+/-" is a sign."""
    return r" $\pm$ ".join(_text(part) for part in text.split("+/-"))


def _row(case: Case) -> str:
    verdict = case.words + (f": {case.reason}" if case.reason else "")
    cells = (
        _text(case.label),
        _number(case.bound),
        _number(case.truth),
        _number(case.ratio),
        _text(verdict),
    )
    return " & ".join(cells) + r"\\"


def _number(text: str) -> str:
    """A decimal as mathematics, 1.5e-7 as 1.5 times a power of ten; words as text."""
    mantissa, _, exponent = text.partition("e")
    if not text or not all(c.isdigit() or c in "+-." for c in mantissa + exponent):
        return _text(text)
    return f"${mantissa}$" if not exponent else rf"${mantissa}\cdot 10^{{{int(exponent)}}}$"


def _text(text: str) -> str:
    """Plain text: special characters are escaped, those that no common font has become a question mark."""
    plain = " ".join(text.split())
    return "".join(_ESCAPES.get(c, c if c.isprintable() and ord(c) < 0x180 else "?") for c in plain)


def _broken(text: str) -> str:
    """An id that may be broken after a stroke or a hyphen."""
    return _text(text).replace("/", r"/\allowbreak{}").replace("-", r"-\allowbreak{}")


def _mathematics(statement: str) -> str:
    """A formula on one line, without anything that ends the display."""
    line = " ".join(statement.split())
    plain = all(c.isascii() and c.isprintable() for c in line)
    unsafe = ("$", "%", "\\end{equation", "\\input", "\\write", "\\include", "\\def", "\\csname", "^^")
    if not plain or any(word in line for word in unsafe) or line.count("{") != line.count("}"):
        return rf"\text{{{_text(line)}}}"
    return line
