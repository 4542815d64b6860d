"""Work divided among spawned processes that end with the one that started them.

What belongs here: starting, stopping and collecting. What does not: the work itself (`verification`,
`commands`).

A worker is deaf to Ctrl-C, which the first process handles, and ends when that process is gone.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from multiprocessing import connection
from typing import Any, TypeVar

__all__ = ["processors", "run_tasks"]

Task = TypeVar("Task")
Result = TypeVar("Result")


def processors() -> int:
    """The number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run_tasks(
    work: Callable[[Task], Result],
    tasks: Sequence[Task],
    workers: int = 1,
    prepare: Callable[..., object] | None = None,
    arguments: tuple[object, ...] = (),
) -> Generator[Result, None, None]:
    """What `work` returns for each task, as they are finished; processes start at once.

    With `workers` above 1 in spawned processes, each of which calls `prepare(*arguments)` first; here,
    one after the other, otherwise (nothing is prepared then). `work` and `prepare` are functions of a
    module. Closing the generator ends the processes. Raises BrokenProcessPool where one of them died.
    """
    if workers <= 1 or len(tasks) < 2:
        return (work(task) for task in tasks)
    started = _in_processes(work, tasks, workers, prepare, arguments)
    next(started)
    return started


def _in_processes(
    work: Callable[[Task], Result],
    tasks: Sequence[Task],
    workers: int,
    prepare: Callable[..., object] | None,
    arguments: tuple[object, ...],
) -> Generator[Any, None, None]:
    """None once the processes have their tasks, then the results."""
    before = set(multiprocessing.active_children())
    executor = ProcessPoolExecutor(
        min(workers, len(tasks)),
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_begin_work,
        initargs=(prepare, arguments),
    )
    finished = False
    try:
        with _children_ignore_interrupts():
            futures = [executor.submit(work, task) for task in tasks]
        yield None
        for future in as_completed(futures):
            yield future.result()
        finished = True
    finally:
        executor.shutdown(wait=finished, cancel_futures=True)
        if not finished:
            for child in set(multiprocessing.active_children()) - before:
                child.terminate()


def _begin_work(prepare: Callable[..., object] | None, arguments: tuple[object, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()
    if prepare is not None:
        prepare(*arguments)


def _end_with(sentinel: int) -> None:
    connection.wait([sentinel])
    os._exit(1)


@contextmanager
def _children_ignore_interrupts() -> Iterator[None]:
    """Processes started in this context are deaf to Ctrl-C from their first instruction."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
