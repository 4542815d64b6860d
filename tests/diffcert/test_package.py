"""The package itself: lazy, complete, and of one version."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

import diffcert
import numerics
import theory


def test_importing_the_package_loads_nothing_heavy(run):
    code = (
        "import sys, diffcert, diffcert.cli\n"
        "heavy = {'sympy', 'numpy', 'flint', 'mpmath', 'matplotlib', 'rich', 'theory', 'numerics'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    assert run("-c", code).stdout.strip() == "[]"


def test_every_public_name_of_theory_and_numerics_is_here():
    assert set(numerics.__all__) | set(theory.__all__) <= set(diffcert.__all__)


def test_every_name_is_found_and_listed():
    for name in diffcert.__all__:
        assert getattr(diffcert, name) is not None
        assert name in dir(diffcert)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nope'"):
        _ = diffcert.nope


def test_the_version_is_that_of_the_distribution():
    declared = Path(__file__).parents[2] / "pyproject.toml"
    if not declared.exists():
        pytest.skip("not run from a checkout")
    assert tomllib.loads(declared.read_text())["project"]["version"] == diffcert.__version__


def test_submodules_do_not_hide_functions():
    import diffcert.comparison
    import diffcert.verification

    assert callable(diffcert.compare)
    assert callable(diffcert.verify)
