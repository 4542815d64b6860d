"""The process that evaluates: one line of JSON in, one line of JSON out. It is run as a script.

What belongs here: the protocol, and what keeps the process from harm: it ends with its parent, has a
limit on memory, keeps the protocol's stream for itself, and trusts no bytecode that may be stale. What
does not: the tasks (`tasks`). Only the standard library is loaded before the parent's path is known.
"""

from __future__ import annotations

import functools
import importlib.machinery
import json
import os
import queue
import signal
import site
import sys
import sysconfig
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

_OWN = frozenset(("diffcert", "numerics", "theory"))
_SECONDS = 2
"""Bytecode written this close to its source may belong to an edit before: its stamp counts seconds."""


def main() -> None:
    """Read tasks until the input ends; write one result for each."""
    _end_with_parent()
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    lines: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_listen, args=(lines,), daemon=True).start()

    def answer(result: dict[str, Any]) -> None:
        channel.write(json.dumps(result) + "\n")
        channel.flush()

    start = json.loads(lines.get())
    sys.path[:] = start["path"]
    _limit_memory(int(start["memory"]))
    sys.meta_path.append(_Missed())
    _read_sources_that_may_have_changed()
    try:
        from diffcert.sphinx import tasks
    except BaseException as error:
        answer({"ready": False, "message": f"{type(error).__name__}: {error}"})
        return
    answer({"ready": True})
    while True:
        answer(tasks.run(json.loads(lines.get())))


def _listen(lines: queue.Queue[str]) -> None:
    """Pass on what comes in; end the process, whatever it is doing, when nothing can come any more."""
    for line in sys.stdin:
        lines.put(line)
    os._exit(0)


def _end_with_parent() -> None:
    """Have the system end this process with its parent, even in the middle of a computation in C."""
    with suppress(ImportError, OSError, AttributeError):
        import ctypes

        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def _limit_memory(megabytes: int) -> None:
    try:
        import resource
    except ModuleNotFoundError:  # not on this system
        return
    size = megabytes * 2**20
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard != resource.RLIM_INFINITY:
        size = min(size, hard)
    resource.setrlimit(resource.RLIMIT_AS, (size, hard))


class _Missed(dict[str, "list[str] | None"]):
    """The modules that every finder before this one looked for in vain, each with where it was sought."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        """Nothing: it only takes down the name."""
        self[name] = None if path is None else list(path)


def missed() -> dict[str, list[str] | None]:
    """What was imported in vain in this process: name -> the folders of its package, None for all."""
    # This file is run as a script, and imported as a module by the tasks.
    for finder in sys.meta_path:
        if type(finder).__name__ == _Missed.__name__ and isinstance(finder, dict):
            return dict(finder)
    return {}


@functools.cache
def installed_prefixes() -> tuple[str, ...]:
    """The folders of installed packages and of Python itself."""
    folders = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    folders.update(site.getsitepackages())
    folders.add(site.getusersitepackages())
    return tuple(sorted(os.path.realpath(folder) + os.sep for folder in folders if folder))


def _read_sources_that_may_have_changed() -> None:
    """Make imports ignore bytecode of an author's own modules, and any that is as old as its source.

    Python tells stale bytecode by the size of the source and by whole seconds: an edit of one digit
    right after a build would go unseen.
    """
    loader = importlib.machinery.SourceFileLoader
    original = loader.path_stats
    prefixes = installed_prefixes()

    def path_stats(self: Any, path: str) -> Any:
        real = os.path.realpath(path)
        own = str(self.name).partition(".")[0] in _OWN
        if not own and not real.startswith(prefixes):
            raise OSError("bytecode is not trusted here")
        stats = original(self, path)
        try:
            compiled = Path(importlib.util.cache_from_source(path)).stat().st_mtime
        except (OSError, NotImplementedError):
            return stats
        if abs(compiled - float(stats["mtime"])) < _SECONDS:
            raise OSError("bytecode is not trusted here")
        return stats

    loader.path_stats = path_stats  # type: ignore[method-assign]


if __name__ == "__main__":
    import importlib.util

    main()
