"""The LaTeX of a statement as presentation MathML, which browsers draw without a script.

What belongs here: the part of LaTeX that `theory.rendering` writes. What does not: LaTeX at large; a
formula that uses more is shown as its source.
"""

from __future__ import annotations

import re
from html import escape

__all__ = ["mathml"]

_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|[{}^_&]|\d+(?:\.\d+)?|[A-Za-z]|\S")

_GREEK = (
    "alpha beta gamma delta epsilon varepsilon zeta eta theta kappa lambda mu nu xi pi rho sigma tau phi"
    " varphi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega"
)
_LETTERS = dict(
    zip(
        _GREEK.split(),
        "\u03b1\u03b2\u03b3\u03b4\u03f5\u03b5\u03b6\u03b7\u03b8\u03ba\u03bb\u03bc\u03bd\u03be\u03c0\u03c1"
        "\u03c3\u03c4\u03d5\u03c6\u03c7\u03c8\u03c9\u0393\u0394\u0398\u039b\u039e\u03a0\u03a3\u03a6\u03a8"
        "\u03a9",
        strict=True,
    )
)
_OPERATORS = {
    "le": "\u2264",
    "leq": "\u2264",
    "ge": "\u2265",
    "geq": "\u2265",
    "ne": "\u2260",
    "neq": "\u2260",
    "cdot": "\u22c5",
    "times": "\u00d7",
    "infty": "\u221e",
    "mid": "|",
    "in": "\u2208",
    "approx": "\u2248",
    "lesssim": "\u2272",
    "gtrsim": "\u2273",
    "asymp": "\u224d",
    "sim": "\u223c",
    "wedge": "\u2227",
    "vee": "\u2228",
    "to": "\u2192",
    "ldots": "\u2026",
    "cdots": "\u22ef",
    "dots": "\u2026",
    "lceil": "\u2308",
    "rceil": "\u2309",
    "lfloor": "\u230a",
    "rfloor": "\u230b",
    "|": "\u2016",
    "{": "{",
    "}": "}",
    "lVert": "\u2016",
    "rVert": "\u2016",
    "lvert": "|",
    "rvert": "|",
}
_BIG = {"sum": "\u2211", "prod": "\u220f", "int": "\u222b"}
_MINUS = "\u2212"
_FUNCTIONS = frozenset(
    ("log", "exp", "max", "min", "cos", "sin", "ln", "Pr", "sup", "inf", "lim", "det", "dim", "tanh")
)
_SPACES = {
    ",": "0.167em",
    ";": "0.278em",
    ":": "0.222em",
    "!": "-0.167em",
    "quad": "1em",
    "qquad": "2em",
    " ": "0.25em",
}
_STYLES = frozenset(("mathrm", "operatorname", "text", "mathbf", "mathit", "mathcal", "mathsf", "mathbb"))
_ACCENTS = {
    "hat": "^",
    "tilde": "~",
    "bar": "\u00af",
    "overline": "\u00af",
    "widehat": "^",
    "widetilde": "~",
}


class _UnknownError(ValueError):
    """Something that this converter does not know."""


def mathml(latex: str) -> str:
    """The `<math>` element of a formula, or `<code>` with its source where it uses more than is known."""
    try:
        if len(latex) > 20_000:
            raise _UnknownError
        parser = _Parser(_TOKEN.findall(_without_text(latex)), _texts(latex))
        body = parser.row(())
        if parser.place != len(parser.tokens):
            raise _UnknownError
    except (_UnknownError, IndexError, RecursionError):
        return f"<code>{escape(latex)}</code>"
    return f'<math xmlns="http://www.w3.org/1998/Math/MathML" display="block">{body}</math>'


_TEXT = re.compile(r"\\text\{([^{}\\]*)\}")


def _texts(latex: str) -> list[str]:
    return _TEXT.findall(latex)


def _without_text(latex: str) -> str:
    """The formula with `\\text{...}` as a token: its spaces are kept elsewhere."""
    return _TEXT.sub(r"\\TEXT ", latex)


class _Parser:
    def __init__(self, tokens: list[str], texts: list[str]) -> None:
        self.tokens, self.place, self._texts = tokens, 0, texts

    def row(self, ends: tuple[str, ...]) -> str:
        """Elements up to, and without, one of the tokens that end the row."""
        parts: list[str] = []
        while self.place < len(self.tokens) and self.tokens[self.place] not in ends:
            parts.append(self._scripted())
        return f"<mrow>{''.join(parts)}</mrow>"

    def _next(self) -> str:
        token = self.tokens[self.place]
        self.place += 1
        return token

    def _peek(self) -> str:
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def _expect(self, token: str) -> None:
        if self._next() != token:
            raise _UnknownError

    def _scripted(self) -> str:
        big = self._peek()[1:] in _BIG
        base = self._one()
        scripts: dict[str, str] = {}
        while self._peek() in ("^", "_") and self._peek() not in scripts:
            sign = self._next()
            scripts[sign] = self._one()
        if not scripts:
            return base
        kind = (
            {"_": "under", "^": "over", "_^": "underover"}
            if big
            else {"_": "sub", "^": "sup", "_^": "subsup"}
        )
        both = "".join(sorted(scripts, reverse=True))
        inner = "".join(scripts[sign] for sign in both)
        return f"<m{kind[both]}>{base}{inner}</m{kind[both]}>"

    def _one(self) -> str:
        token = self._next()
        if token == "{":
            inner = self.row(("}",))
            self._expect("}")
            return inner
        if token.startswith("\\"):
            return self._command(token[1:])
        if token[0].isdigit():
            return f"<mn>{token}</mn>"
        if token.isalpha():
            return f"<mi>{escape(token)}</mi>"
        if token in ("}", "&", "^", "_"):
            raise _UnknownError
        if token in ("(", ")", "[", "]", "|"):
            return f"<mo stretchy='false'>{token}</mo>"
        return f"<mo>{_MINUS if token == '-' else escape(token)}</mo>"

    def _command(self, name: str) -> str:
        if name == "TEXT":
            return f"<mtext>{escape(self._texts.pop(0))}</mtext>"
        if name in ("frac", "dfrac", "tfrac"):
            return f"<mfrac>{self._one()}{self._one()}</mfrac>"
        if name == "sqrt":
            if self._peek() == "[":
                raise _UnknownError
            return f"<msqrt>{self._one()}</msqrt>"
        if name in _LETTERS:
            return f"<mi>{_LETTERS[name]}</mi>"
        if name in _FUNCTIONS:
            return f"<mi>{name}</mi><mspace width='0.167em'/>"
        if name in _BIG:
            return f"<mo>{_BIG[name]}</mo>"
        if name in _OPERATORS:
            return f"<mo>{_OPERATORS[name]}</mo>"
        if name in _SPACES:
            return f"<mspace width='{_SPACES[name]}'/>"
        if name in _STYLES:
            return self._word()
        if name in _ACCENTS:
            return f"<mover>{self._one()}<mo>{_ACCENTS[name]}</mo></mover>"
        if name == "left":
            return self._fenced()
        if name == "begin":
            return self._cases()
        raise _UnknownError

    def _word(self) -> str:
        """The letters of an upright name such as KL."""
        self._expect("{")
        letters = ""
        while self._peek() != "}":
            token = self._next()
            if not (token.isalnum() or token in "-,"):
                raise _UnknownError
            letters += token
        self._expect("}")
        return f'<mi mathvariant="normal">{escape(letters)}</mi>'

    def _fence(self) -> str:
        token = self._next()
        if token == ".":
            return ""
        sign = _OPERATORS.get(token[1:], "") if token.startswith("\\") else token
        if not sign:
            raise _UnknownError
        return f"<mo>{escape(sign)}</mo>"

    def _fenced(self) -> str:
        opening = self._fence()
        inner = self.row(("\\right",))
        self._expect("\\right")
        return f"<mrow>{opening}{inner}{self._fence()}</mrow>"

    def _name(self) -> str:
        self._expect("{")
        letters = ""
        while self._peek() != "}":
            letters += self._next()
        self._expect("}")
        return letters

    def _cases(self) -> str:
        if self._name() != "cases":
            raise _UnknownError
        rows: list[str] = []
        while True:
            cells = [self.row(("&", "\\\\", "\\end"))]
            while self._peek() == "&":
                self._next()
                cells.append(self.row(("&", "\\\\", "\\end")))
            rows.append("<mtr>" + "".join(f"<mtd>{cell}</mtd>" for cell in cells) + "</mtr>")
            if self._next() == "\\end":
                break
        if self._name() != "cases":
            raise _UnknownError
        return f"<mrow><mo>{{</mo><mtable columnalign='left'>{''.join(rows)}</mtable></mrow>"
