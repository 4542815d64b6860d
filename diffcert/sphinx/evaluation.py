"""Evaluating tasks in processes of their own, each with a limit on its time.

What belongs here: starting workers, feeding them, ending those that take too long, and keeping what is
settled. What does not: what a worker does (`worker`, `tasks`).

A worker is started as a new program, never forked: Sphinx forks, and a fork that holds a thread of a
numerical library can wait forever. A worker serves the tasks of one module, so that no module of a
document's can change what another one says.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from diffcert.sphinx import standing as st
from diffcert.sphinx.store import Store, digest

__all__ = ["Job", "Limits", "evaluate"]

_STARTUP_SECONDS = 300.0
_STRIPE = 6
"""A module with at least this many tasks per worker is divided among several."""


@dataclass(frozen=True)
class Job:
    """A task and the seconds that it may take."""

    task: dict[str, Any]
    timeout: float

    @property
    def key(self) -> str:
        """What tells the task from any other."""
        return digest(self.task)


@dataclass(frozen=True)
class Limits:
    """How many workers run at once, how much memory (MB) each may take, and which modules may be named."""

    workers: int
    memory: int
    modules: tuple[str, ...] | None
    evaluate: bool = True


def evaluate(
    jobs: Iterable[Job], store: Store, limits: Limits, progress: Callable[[str], None]
) -> dict[str, dict[str, Any]]:
    """Key of a task -> its result: from the store where that is still true, computed otherwise.

    Every task has a result in the end: one that ends badly or not at all is an error, one that may not
    be run is "not run".
    """
    unique: dict[str, Job] = {}
    for job in jobs:
        known = unique.get(job.key)
        if known is None or known.timeout < job.timeout:
            unique[job.key] = job
    results: dict[str, dict[str, Any]] = {}
    waiting: list[Job] = []
    for key, job in sorted(unique.items()):
        kept = store.get(job.task)
        refused = _refusal(job.task, limits)
        if refused:
            results[key] = {"status": st.NOT_RUN, "message": refused}
        elif kept is not None:
            results[key] = kept
        elif not limits.evaluate:
            results[key] = {
                "status": st.NOT_RUN,
                "message": "there is no stored verdict on it as it is now",
            }
        else:
            waiting.append(job)

    def keep(job: Job, answer: dict[str, Any]) -> None:
        """Keep an answer at once: what is done stays done if the build is interrupted."""
        results[job.key] = answer["result"]
        if answer["fresh"] and answer["result"]["status"] in {*st.SETTLED, ""}:
            try:
                store.put(job.task, answer["result"], answer["sources"])
            except OSError as error:
                progress(f"verdicts cannot be kept in {store.folder}: {error.strerror or error}")

    if waiting:
        progress(f"evaluating {len(waiting)} of {len(unique)} tasks")
        _in_workers(waiting, limits, keep)
    return results


def _module(task: dict[str, Any]) -> str:
    module, colon, _ = str(task["object"]).partition(":")
    return module if colon else ""


def _refusal(task: dict[str, Any], limits: Limits) -> str:
    module = _module(task)
    if not module or limits.modules is None:
        return ""
    if any(module == allowed or module.startswith(f"{allowed}.") for allowed in limits.modules):
        return ""
    return f"the module {module} is not among those that documents may name (cert_modules)"


def _shares(jobs: list[Job], count: int) -> list[list[Job]]:
    """The jobs in so many shares; those on claims with one prefix together, which use the same values."""
    families: dict[str, list[Job]] = {}
    for job in sorted(jobs, key=lambda job: (str(job.task["object"]), job.key)):
        families.setdefault(str(job.task["object"]).partition("/")[0], []).append(job)
    most = -(-len(jobs) // (2 * count))
    pieces = [
        family[first : first + most]
        for family in families.values()
        for first in range(0, len(family), most)
    ]
    shares: list[list[Job]] = [[] for _ in range(count)]
    for piece in sorted(pieces, key=len, reverse=True):
        min(shares, key=len).extend(piece)
    return shares


def _in_workers(jobs: list[Job], limits: Limits, keep: Callable[[Job, dict[str, Any]], None]) -> None:
    """Have every job answered by workers; `keep` is called with each answer, by one thread at a time."""
    groups: dict[str, list[Job]] = {}
    for job in jobs:
        groups.setdefault(_module(job.task), []).append(job)
    batches: queue.Queue[list[Job]] = queue.Queue()
    for _, members in sorted(groups.items()):
        for share in _shares(members, max(1, min(limits.workers, len(members) // _STRIPE))):
            batches.put(share)
    problems: list[BaseException] = []
    one = threading.Lock()
    workers: set[_Worker] = set()

    def take(job: Job, answer: dict[str, Any]) -> None:
        with one:
            if not problems:
                keep(job, answer)

    def serve() -> None:
        while not problems:
            try:
                batch = batches.get_nowait()
            except queue.Empty:
                return
            try:
                _batch(batch, limits, take, workers, problems)
            except BaseException as error:
                problems.append(error)

    count = min(limits.workers, batches.qsize())
    threads = [threading.Thread(target=serve, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    except BaseException as error:  # the build is interrupted
        problems.append(error)
        for worker in tuple(workers):
            worker.kill()
        raise
    if problems:
        raise problems[0]


def _batch(
    jobs: list[Job],
    limits: Limits,
    take: Callable[[Job, dict[str, Any]], None],
    workers: set[_Worker],
    problems: list[BaseException],
) -> None:
    """Have several tasks answered by one worker, or by a new one after each that had to be ended."""
    worker: _Worker | None = None
    try:
        for job in jobs:
            if problems:
                return
            if worker is None:
                worker = _Worker(limits)
                workers.add(worker)
            try:
                answer = worker.ask(job.task, job.timeout)
            except _EndedError as error:
                workers.discard(worker)
                worker.end()
                worker = None
                result = {"status": error.status, "message": str(error)}
                answer = {"result": result, "fresh": False, "sources": {}}
            take(job, answer)
    finally:
        if worker is not None:
            workers.discard(worker)
            worker.end()


class _EndedError(Exception):
    """A worker that has to be given up."""

    def __init__(self, message: str, status: str = st.ERROR) -> None:
        super().__init__(message)
        self.status = status


class _Worker:
    """A process that answers tasks."""

    def __init__(self, limits: Limits) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        script = Path(__file__).with_name("worker.py")
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env={**environment, "MPLBACKEND": "agg", "PYTHONIOENCODING": "utf-8"},
            start_new_session=True,
            encoding="utf-8",
        )
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()
        path = [os.path.abspath(entry) for entry in sys.path]
        self._greeting = {"path": path, "memory": limits.memory}
        self._ready = False
        self._said = 0

    def _listen(self) -> None:
        if self._process.stdout is not None:
            with contextlib.suppress(ValueError, OSError):
                for line in self._process.stdout:
                    self._lines.put(line)
        self._lines.put("")

    def ask(self, task: dict[str, Any], timeout: float) -> dict[str, Any]:
        """The answer to a task; _EndedError if there is none within `timeout` seconds."""
        if not self._ready:
            greeted = self._exchange(self._greeting, _STARTUP_SECONDS)
            if not greeted.get("ready"):
                said = greeted.get("message", "no reason given")
                raise _EndedError(f"the worker cannot start: {said}", st.NOT_RUN)
            self._ready = True
        return self._exchange(task, timeout)

    def _exchange(self, data: dict[str, Any], timeout: float) -> dict[str, Any]:
        self._said = os.fstat(self._errors.fileno()).st_size
        try:
            if self._process.stdin is None:
                raise OSError("no input")
            self._process.stdin.write(json.dumps(data) + "\n")
            self._process.stdin.flush()
        except OSError:
            raise _EndedError(self._why()) from None
        try:
            line = self._lines.get(timeout=timeout)
        except queue.Empty:
            raise _EndedError(f"it did not end within {timeout:g} seconds (timeout)") from None
        if not line:
            raise _EndedError(self._why())
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _why(self) -> str:
        """Why the process is gone: its last words, or how it ended."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=10)
        size = os.fstat(self._errors.fileno()).st_size
        self._errors.seek(max(self._said, size - 2000))
        said = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        last = f": {said[-1][:200]}" if said else ""
        return f"the worker ended with code {self._process.returncode}{last}"

    def kill(self) -> None:
        """End the process and all that it started."""
        if self._process.poll() is None:
            if hasattr(os, "killpg"):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()

    def end(self) -> None:
        """End the process, and give back what it took."""
        self.kill()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError, ValueError):
                    stream.close()
        self._process.wait()
        self._errors.close()
