"""The pytest plugin: options, a marker, fixtures, the verdict in failed comparisons, a summary.

What belongs here: what pytest calls. What does not: the assertions (`diffcert.testing`).

It is loaded by every run of pytest where diffcert is installed: it imports nothing heavy, and does nothing
for tests that use none of it. The findings travel with the reports, and so come back from other processes.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from diffcert.testing.records import DIGITS, RECORDS, Settings, summary_lines

if TYPE_CHECKING:
    from diffcert.testing.counterexamples import Store

__all__ = ["diffcert_digits", "diffcert_store"]

PROPERTY = "diffcert"
EXAMPLES = "diffcert-examples"
_FOLDER = Path(".diffcert") / "counterexamples"
_MOST_DIGITS = 10_000
_MOST_EXAMPLES = 20
_MARKER = "diffcert(digits=30): the number of digits of comparisons in this test; None is the fast tier"


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--diffcert-digits`, `--diffcert-store`, and both as configuration."""
    group = parser.getgroup("diffcert", "theorems about diffusion sampling")
    group.addoption(
        "--diffcert-digits",
        type=int,
        default=None,
        metavar="N",
        help="digits of comparisons that do not say otherwise (default: 30)",
    )
    group.addoption(
        "--diffcert-store",
        default=None,
        metavar="FOLDER",
        help="folder in which counterexamples are kept as JSON (default: none are kept)",
    )
    parser.addini("diffcert_digits", "digits of comparisons that do not say otherwise", default="")
    parser.addini("diffcert_store", "folder in which counterexamples are kept as JSON", default="")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and refuse bad options before anything runs."""
    config.addinivalue_line("markers", _MARKER)
    config.pluginmanager.register(_Summary(config), "diffcert-summary")
    _configured_digits(config)


def _configured_digits(config: pytest.Config) -> int:
    given = config.getoption("--diffcert-digits")
    written = config.getini("diffcert_digits")
    value = given if given is not None else written
    if value == "" or value is None:
        return DIGITS
    return _checked_digits(value, "--diffcert-digits" if given is not None else "diffcert_digits")


def _checked_digits(value: Any, name: str) -> int:
    try:
        digits = int(value)
    except (TypeError, ValueError):
        raise pytest.UsageError(f"{name}: {value!r} is not an integer") from None
    if isinstance(value, bool | float) or not 1 <= digits <= _MOST_DIGITS:
        raise pytest.UsageError(f"{name}: {value!r} is not between 1 and {_MOST_DIGITS}")
    return digits


def _configured_store(config: pytest.Config) -> Path | None:
    written = config.getoption("--diffcert-store") or config.getini("diffcert_store")
    return config.rootpath / written if written else None


def _settings(item: pytest.Item) -> Settings:
    digits: int | None = _configured_digits(item.config)
    for marker in reversed(list(item.iter_markers("diffcert"))):
        unknown = [*marker.args, *(key for key in marker.kwargs if key != "digits")]
        if unknown or "digits" not in marker.kwargs:
            raise pytest.UsageError(f"{item.nodeid}: the marker is written diffcert(digits=...)")
        value = marker.kwargs["digits"]
        digits = None if value is None else _checked_digits(value, f"{item.nodeid}: digits")
    return Settings(item.nodeid, digits, _configured_store(item.config))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """Let the assertions know the test's precision."""
    try:
        settings = _settings(item)
    except pytest.UsageError:  # said at setup
        settings = Settings(item.nodeid)
    with RECORDS.using(settings):
        try:
            return (yield)
        except KeyboardInterrupt:  # there is no report
            _kept(item)
            raise


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A marker that is wrongly written is an error of its test."""
    _settings(item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Send what was found with the report; keep the counterexamples of a test that failed."""
    report = yield
    found = RECORDS.take()
    if found is not None:
        report.user_properties.append((PROPERTY, found))
    if report.failed and RECORDS.refuted():
        report.user_properties.append((EXAMPLES, _to_paste(item)))
        report.sections += _kept(item)
    return report


def _to_paste(item: pytest.Item) -> str:
    """The programs that show again what a failed test refuted, one for each claim, as JSON text."""
    from diffcert.testing.messages import program_of

    programs = [program_of(simplest, item.nodeid) for simplest, _ in RECORDS.refuted().values()]
    return json.dumps(programs)


def _kept(item: pytest.Item) -> list[tuple[str, str]]:
    """The section that says where the counterexamples of the test were saved."""
    folder, refuted = RECORDS.settings.store, RECORDS.refuted()
    if folder is None or not refuted:
        return []
    from diffcert.testing.counterexamples import Store

    lines = []
    for simplest, worst in refuted.values():
        for kind, verdict in (("simplest", simplest), ("worst", worst)):
            try:
                place = Store(folder).save(verdict, kind, item.nodeid)
                lines.append(f"{kind}: {place}")
            except (ValueError, OSError) as error:
                lines.append(f"{kind}: not saved: {error}")
    return [("counterexamples of diffcert", "\n".join(lines))]


class _Summary:
    """What came with the reports of a run, the table of it, and what to paste."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.found: list[str] = []
        self.examples: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect what came with a report, from this process or from another."""
        self.found += [str(text) for name, text in report.user_properties if name == PROPERTY]
        for name, text in report.user_properties:
            if name == EXAMPLES:
                self.examples += [one for one in json.loads(str(text)) if one not in self.examples]

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """The table of tightness, where there was anything to compare; with -v the worst instances.

        What refuted a claim in a failed test follows as programs, with nothing before their lines: a
        traceback may have marks there, and hypothesis reports several failures as a group.
        """
        verbosity = self.config.get_verbosity()
        if not self.found or verbosity < -1:
            return
        terminalreporter.section("tightness (diffcert)")
        for line in summary_lines(self.found, examples=verbosity > 0):
            terminalreporter.write_line(line)
        if self.examples:
            terminalreporter.section("counterexamples to paste (diffcert)")
        for program in self.examples[:_MOST_EXAMPLES]:
            terminalreporter.write_line(program)
        if len(self.examples) > _MOST_EXAMPLES:
            terminalreporter.write_line(f"# and {len(self.examples) - _MOST_EXAMPLES} more")


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    """The verdict in a failed comparison of balls."""
    if "flint" not in sys.modules:
        return None
    from diffcert.testing.messages import compared_lines

    return compared_lines(op, left, right)


def pytest_collection_finish() -> None:
    """Tests that import a type of ours by hand find its strategy."""
    if "hypothesis" in sys.modules:
        from diffcert.hypothesis_plugin import register_loaded

        register_loaded()


@pytest.fixture
def diffcert_digits(request: pytest.FixtureRequest) -> int | None:
    """The number of digits of comparisons in this test; None is the fast tier."""
    return _settings(request.node).digits


@pytest.fixture
def diffcert_store(request: pytest.FixtureRequest) -> Store:
    """The folder of counterexamples: that of the option, or .diffcert/counterexamples."""
    from diffcert.testing.counterexamples import Store

    config = request.config
    return Store(_configured_store(config) or config.rootpath / _FOLDER)
