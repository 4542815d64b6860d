"""When things happen in a build: settings, evaluation after reading, the exit status at the end.

What belongs here: the extension's handlers. What does not: what they call for.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from sphinx.util import logging

from diffcert.sphinx import latex, mathml
from diffcert.sphinx import standing as st
from diffcert.sphinx.content import plot_file
from diffcert.sphinx.domain import CertDomain
from diffcert.sphinx.evaluation import Limits, evaluate
from diffcert.sphinx.findings import Findings
from diffcert.sphinx.project import Project, Settings
from diffcert.sphinx.store import Store
from diffcert.sphinx.transform import Replacement
from diffcert.sphinx.views import page_digests

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.config import Config
    from sphinx.environment import BuildEnvironment

__all__ = ["document_order", "setup"]

logger = logging.getLogger(__name__)

_SKIPPED = frozenset(("gettext", "linkcheck", "dummy", "doctest", "coverage", "changes"))
"""Builders that write no page: they evaluate nothing and judge nothing."""


def document_order(env: BuildEnvironment) -> list[str]:
    """All documents, in the order of the tables of contents; those in none of them come last."""
    order: dict[str, None] = {}

    def visit(docname: str) -> Iterator[str]:
        waiting = [docname]
        while waiting:
            current = waiting.pop()
            if current in order or current not in env.all_docs:
                continue
            order[current] = None
            yield current
            waiting += reversed(env.toctree_includes.get(current, []))

    for start in (env.config.root_doc, *sorted(env.all_docs)):
        for _ in visit(start):
            pass
    return list(order)


def _domain(env: BuildEnvironment) -> CertDomain:
    return cast(CertDomain, env.get_domain("cert"))


def _store(app: Sphinx) -> Store:
    given = app.config.cert_store
    folder = Path(app.outdir).parent / ".diffcert" if given is None else Path(app.confdir) / given
    return Store(folder)


def _output(app: Sphinx) -> str:
    return f"{app.builder.name} {app.outdir}"


def check_settings(app: Sphinx, config: Config) -> None:
    """Nothing, if the settings are of the right kind; raises ConfigError otherwise."""
    from sphinx.errors import ConfigError

    # What `-D` gives for a setting that is None by default stays a text.
    if isinstance(config.cert_workers, str) and config.cert_workers.isdecimal():
        config.cert_workers = int(config.cert_workers)
    if isinstance(config.cert_modules, str):
        config.cert_modules = [name.strip() for name in config.cert_modules.split(",")]
    unknown = [status for status in config.cert_fail_on if status not in (*st.FAILING, st.NOT_APPLICABLE)]
    if unknown:
        allowed = ", ".join((*st.FAILING, st.NOT_APPLICABLE))
        raise ConfigError(f"cert_fail_on: {unknown[0]!r} is not one of {allowed}")
    for name in ("cert_digits", "cert_timeout", "cert_memory", "cert_workers"):
        value = getattr(config, name)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if value is not None and not (number and value > 0):
            raise ConfigError(f"{name}: {value!r} is not a positive number")


def _limits(app: Sphinx) -> Limits:
    config = app.config
    modules = config.cert_modules
    return Limits(
        workers=config.cert_workers or max(1, app.parallel),
        memory=config.cert_memory,
        modules=None if modules is None else tuple(modules),
        evaluate=bool(config.cert_evaluate),
    )


def evaluate_all(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """The documents whose pages show something else than before, once everything is evaluated."""
    domain = _domain(env)
    domain.findings = None
    config = app.config
    settings = Settings(
        config.cert_digits, float(config.cert_timeout), frozenset(config.cert_fail_on) | {st.REFUTED}
    )
    project = Project(domain.documents, document_order(env), settings)
    domain.project = project
    if app.builder.name in _SKIPPED:
        return []
    store = _store(app)
    project.results = evaluate(project.jobs(), store, _limits(app), lambda text: logger.info("%s", text))
    domain.findings = Findings(project)
    before = store.shown(_output(app))
    now = page_digests(domain.findings)
    return sorted(
        docname
        for docname in {*before, *now} & set(env.all_docs)
        if before.get(docname) != now.get(docname)
    )


def finish(app: Sphinx, exception: Exception | None) -> None:
    """Say what is wrong and fail the build for it; remember what the pages show."""
    if app.env is None or exception is not None:
        return
    findings = _domain(app.env).findings
    if findings is None:
        return
    _write_plots(app, findings)
    for message in findings.messages():
        if message.fails:
            logger.error("%s", message.text, location=message.where, type="cert")
            app.statuscode = 1
        else:
            logger.warning("%s", message.text, location=message.where, type="cert", subtype="remark")
    with suppress(OSError):  # where nothing can be kept, every page is written anew the next time
        _store(app).note_shown(_output(app), page_digests(findings))


def _write_plots(app: Sphinx, findings: Findings) -> None:
    """Put the plots beside the LaTeX that includes them."""
    if app.builder.format != "latex":
        return
    for comparison in findings.project.comparisons():
        plot = {} if comparison.problem else findings.compared(comparison).get("plot") or {}
        if "pdf" in plot:
            place = Path(app.outdir) / plot_file(plot)
            place.write_bytes(base64.b64decode(plot["pdf"]))


def add_style(app: Sphinx, config: Config) -> None:
    """Put the style sheet among the static files."""
    paths: Sequence[Any] = config.html_static_path
    config.html_static_path = [*paths, str(Path(__file__).parent / "static")]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the domain, the settings and the handlers."""
    app.add_config_value("cert_store", None, "", types=(str, type(None)))
    app.add_config_value("cert_digits", 30, "", types=(int,))
    app.add_config_value("cert_timeout", 300.0, "", types=(int, float))
    app.add_config_value("cert_memory", 4096, "", types=(int,))
    app.add_config_value("cert_workers", None, "", types=(int, type(None)))
    app.add_config_value("cert_modules", None, "", types=(list, tuple, type(None)))
    app.add_config_value("cert_evaluate", True, "", types=(bool,))
    app.add_config_value("cert_fail_on", list(st.FAILING), "", types=(list, tuple, set, frozenset))
    app.add_domain(CertDomain)
    app.add_post_transform(Replacement)
    app.connect("config-inited", check_settings)
    app.connect("config-inited", add_style)
    app.connect("env-updated", evaluate_all)
    app.connect("build-finished", finish)
    app.add_css_file("cert.css")
    mathml.register(app)
    latex.register(app)
    return {"version": "1", "env_version": 1, "parallel_read_safe": True, "parallel_write_safe": True}
