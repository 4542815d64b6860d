"""Ctrl-C on the command line, until it is taken.

What belongs here: raising an interrupt again that something swallowed. What does not: what a command does
once it is interrupted (`commands`).

Python raises KeyboardInterrupt wherever the program happens to be. In a callback of C code, a weak
reference's say, it is printed and ignored, and a bare `except:` while a module is imported takes it for a
missing module. So the handler comes back every half second until `taken` is called.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["kept", "taken"]

_PAUSE = 0.5
"""Seconds until an interrupt that nobody took is raised again."""

_active = False


def _raise(number: int, frame: FrameType | None) -> None:
    signal.setitimer(signal.ITIMER_REAL, _PAUSE)
    raise KeyboardInterrupt


def taken() -> None:
    """Nothing; the interrupt has arrived where it was meant to, and is not raised again."""
    if _active:
        signal.setitimer(signal.ITIMER_REAL, 0)


@contextmanager
def kept() -> Iterator[None]:
    """Within this context Ctrl-C is raised again until it is `taken`.

    Nothing changes outside the main thread, where SIGINT or SIGALRM are in use for something else, and
    where there is no SIGALRM.
    """
    global _active
    if (
        _active
        or threading.current_thread() is not threading.main_thread()
        or not hasattr(signal, "setitimer")
        or signal.getsignal(signal.SIGINT) is not signal.default_int_handler
        or signal.getsignal(signal.SIGALRM) is not signal.SIG_DFL
    ):
        yield
        return
    _active = True
    signal.signal(signal.SIGALRM, _raise)
    signal.signal(signal.SIGINT, _raise)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        _active = False
