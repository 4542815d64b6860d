"""Assertions about claims for test files, with or without the pytest plugin.

    from diffcert.testing import assert_bound, assert_holds

`assert_holds` puts a claim beside the exact error, `assert_bound` one number beside another; refuted is
told from undecided. Counterexamples are kept as JSON and replayed. Importing this loads nothing heavy.
"""

from diffcert.testing.assertions import (
    NotApplicableError,
    RefutedError,
    UndecidedError,
    assert_bound,
    assert_holds,
)
from diffcert.testing.counterexamples import (
    Counterexample,
    Store,
    read_counterexample,
    replay,
    save_counterexample,
)

__all__ = [
    "Counterexample",
    "NotApplicableError",
    "RefutedError",
    "Store",
    "UndecidedError",
    "assert_bound",
    "assert_holds",
    "read_counterexample",
    "replay",
    "save_counterexample",
]
