"""Settings, from conf.py and from the command line."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("sphinx", reason="Sphinx is missing; install diffcert[docs]")

from sphinx.errors import ConfigError

from diffcert.sphinx import standing as st
from diffcert.sphinx.build import check_settings


def _checked(**given: Any) -> Any:
    usual = {
        "cert_digits": 30,
        "cert_timeout": 300.0,
        "cert_memory": 4096,
        "cert_workers": None,
        "cert_modules": None,
        "cert_fail_on": list(st.FAILING),
    }
    config: Any = SimpleNamespace(**{**usual, **given})
    check_settings(SimpleNamespace(), config)  # type: ignore[arg-type]
    return config


def test_what_the_command_line_gives_is_text():
    config = _checked(cert_workers="2", cert_modules="mine, yours.claims")
    assert config.cert_workers == 2
    assert config.cert_modules == ["mine", "yours.claims"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cert_workers", "many"),
        ("cert_workers", 0),
        ("cert_digits", "30"),
        ("cert_digits", True),
        ("cert_timeout", float("nan")),
        ("cert_timeout", -1),
        ("cert_memory", []),
        ("cert_fail_on", ["cited"]),
    ],
)
def test_wrong_settings(name: str, value: Any):
    with pytest.raises(ConfigError, match=name):
        _checked(**{name: value})
