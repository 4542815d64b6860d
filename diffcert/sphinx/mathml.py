"""Mathematics as MathML, rendered when the site is built: the pages need no script and no network.

What belongs here: an HTML renderer of Sphinx's own math nodes, under the name "cert", and a font for
readers whose system has none for mathematics. Other builders have their own renderers.

Sphinx takes a renderer that an extension registers instead of MathJax, which is loaded from the network;
`html_math_renderer` chooses another. Without latex2mathml (in diffcert[docs]) nothing is registered.
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from docutils import nodes
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

if TYPE_CHECKING:
    from sphinx.application import Sphinx

__all__ = ["mathml", "register"]

RENDERER = "cert"
_FONT = "STIXTwoMath-Regular.ttf"

logger = logging.getLogger(__name__)

_NAMESPACE = "http://www.w3.org/1998/Math/MathML"
_THIN = "0.167em"
_UNSUPPORTED_VARIANTS = {"script", "double-struck", "fraktur", "bold-italic"}


@lru_cache(maxsize=1 << 14)
def mathml(latex: str, display: bool) -> str:
    """The `<math>` element of a formula; ValueError for LaTeX that the converter does not know."""
    from latex2mathml.converter import convert

    source = _without_dollars(latex.strip())
    source = source.replace(r"\begin{aligned}", r"\begin{split}")
    source = source.replace(r"\end{aligned}", r"\end{split}")
    if r"\\" in source and r"\begin" not in source:
        source = rf"\begin{{split}}{source}\end{{split}}"
    text = convert(source, display="block" if display else "inline")
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise ValueError(f"the formula has an environment that is not known: {source}") from error
    for element in root.iter():
        if "\\" in (element.text or ""):
            raise ValueError(f"{element.text} is not known, in: {source}")
        if element.get("mathvariant") in _UNSUPPORTED_VARIANTS:
            raise ValueError(f"browsers do not draw this alphabet, in: {source}")
    _space_functions(root)
    ElementTree.register_namespace("", _NAMESPACE)
    return ElementTree.tostring(root, encoding="unicode")


def _without_dollars(latex: str) -> str:
    """The formula with `$...$` within `\\text{...}` taken out of it: the converter prints the signs."""
    opening = r"\text{"
    parts: list[str] = []
    place = 0
    while (start := latex.find(opening, place)) >= 0:
        end, depth = start + len(opening), 1
        while end < len(latex) and depth:
            depth += {"{": 1, "}": -1}.get(latex[end], 0) if latex[end - 1] != "\\" else 0
            end += 1
        pieces = latex[start + len(opening) : end - 1].split("$")
        parts.append(latex[place:start])
        if depth or len(pieces) % 2 == 0:
            parts.append(latex[start:end])
        else:
            parts += [f"{{{p}}}" if i % 2 else f"{opening}{p}}}" for i, p in enumerate(pieces) if p]
        place = end
    return "".join((*parts, latex[place:]))


def _tag(element: ElementTree.Element) -> str:
    return element.tag.removeprefix(f"{{{_NAMESPACE}}}")


def _is_function(element: ElementTree.Element) -> bool:
    """Whether an element is a name such as log or Cov, alone or with a sub- or superscript."""
    if _tag(element) in ("msub", "msup", "msubsup", "munder"):
        element = element[0]
    text = element.text or ""
    if _tag(element) == "mo" and len(text) > 1 and text.isalpha():
        element.tag = f"{{{_NAMESPACE}}}mi"
    return _tag(element) == "mi" and len(text) > 1 and text.isalpha()


def _opens(element: ElementTree.Element) -> bool:
    first = element[0] if _tag(element) == "mrow" and len(element) else element
    return _tag(first) in ("mo", "mspace")


def _space_functions(parent: ElementTree.Element) -> None:
    """Thin spaces around the names of functions, which browsers leave to the author."""
    children = list(parent)
    is_row = _tag(parent) in ("mrow", "mtd", "math", "mstyle", "msqrt")
    for child in children:
        _space_functions(child)
    if not is_row or not children:
        return
    for before, child, after in zip([None, *children[:-1]], children, [*children[1:], None], strict=True):
        if not _is_function(child):
            continue
        place = list(parent).index(child)
        if after is not None and not _opens(after):
            parent.insert(place + 1, _thin_space())
        if before is not None and _tag(before) not in ("mo", "mspace") and not _is_function(before):
            parent.insert(place, _thin_space())


def _thin_space() -> ElementTree.Element:
    return ElementTree.Element(f"{{{_NAMESPACE}}}mspace", {"width": _THIN})


def _convert(translator: Any, node: nodes.Element, latex: str, display: bool) -> str:
    try:
        return mathml(latex, display)
    except Exception as error:
        logger.warning("mathematics: %s", error, location=node, type="cert", subtype="mathml")
        return f"<code>{translator.encode(latex)}</code>"


def visit_inline(translator: Any, node: nodes.math) -> None:
    """Write an inline formula."""
    translator.body.append(_convert(translator, node, node.astext(), display=False))
    raise nodes.SkipNode


def visit_block(translator: Any, node: nodes.math_block) -> None:
    """Write a displayed formula (several, if blank lines part them) with its number."""
    translator.body.append(translator.starttag(node, "div", CLASS="math-block"))
    if node["number"]:
        number = get_node_equation_number(translator, node)
        translator.body.append(f'<span class="eqno">({number})')
        translator.add_permalink_ref(node, "Link to this equation")
        translator.body.append("</span>")
    for part in re.split(r"\n\s*\n", node.astext()):
        if part.strip():
            translator.body.append(_convert(translator, node, part, display=True))
    translator.body.append("</div>\n")
    raise nodes.SkipNode


def copy_font(app: Sphinx, exception: Exception | None) -> None:
    """Put the font that `cert.css` names beside it, if there is one to put."""
    used = getattr(app.builder, "math_renderer_name", None) == RENDERER
    if exception is not None or not used or find_spec("ziamath") is None:
        return
    folder = Path(app.outdir) / "_static"
    if folder.is_dir():
        (folder / _FONT).write_bytes((files("ziamath") / "fonts" / _FONT).read_bytes())


def register(app: Sphinx) -> None:
    """Register the renderer, if it has what it needs."""
    if find_spec("latex2mathml") is not None:
        app.add_html_math_renderer(RENDERER, (visit_inline, None), (visit_block, None))
        app.connect("build-finished", copy_font)
