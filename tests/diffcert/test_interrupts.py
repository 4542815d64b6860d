"""Ctrl-C on the command line: raised again until it is taken."""

from __future__ import annotations

import signal
import sys
import time
import weakref
from contextlib import suppress

import pytest

from diffcert import interrupts


class _Thing:
    """Something to be referred to weakly."""


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    monkeypatch.setattr(interrupts, "_PAUSE", 0.02)


def _press(*_):
    signal.raise_signal(signal.SIGINT)


def _swallowed_by_a_callback():
    thing = _Thing()
    kept = weakref.ref(thing, _press)
    del thing
    return kept


def _swallowed_by_a_bare_except():
    with suppress(BaseException):  # what some packages do while they are imported
        _press()


@pytest.mark.parametrize("swallowed", [_swallowed_by_a_callback, _swallowed_by_a_bare_except])
def test_an_interrupt_that_is_swallowed_comes_back(monkeypatch, swallowed):
    monkeypatch.setattr(sys, "unraisablehook", lambda _: None)
    with interrupts.kept():
        swallowed()
        with pytest.raises(KeyboardInterrupt):
            time.sleep(5)
        interrupts.taken()
        time.sleep(0.06)
        swallowed()
    time.sleep(0.06)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert signal.getsignal(signal.SIGALRM) is signal.SIG_DFL


def test_without_an_interrupt_nothing_happens():
    interrupts.taken()
    with interrupts.kept(), interrupts.kept():
        time.sleep(0.05)
        assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_alarm_that_is_in_use_is_left_alone():
    before = signal.signal(signal.SIGALRM, lambda *_: None)
    try:
        with interrupts.kept():
            assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
            with pytest.raises(KeyboardInterrupt):
                _press()
    finally:
        signal.signal(signal.SIGALRM, before)
