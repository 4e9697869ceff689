"""Many independent pieces of work on several processes, as they get done."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from types import ModuleType
from typing import Any, TypeVar

from interplay.errors import InputError, InterplayError

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
"""Set to 1 for workers: sums do not depend on a number of threads then, and processes do not compete."""

Result = TypeVar("Result")


def in_processes(
    function: Callable[..., Result],
    tasks: Sequence[tuple[Any, ...]],
    workers: int,
    start: Callable[..., None] | None = None,
    arguments: tuple[Any, ...] = (),
) -> Iterator[Result]:
    """Call a function for each task in new processes of one thread each; yields the results as they come.

    Ctrl-C is the caller's to handle: workers finish what they do and take no more. They end if this process is killed.

    Args:
        function: a module's own function.
        tasks: the arguments of each call.
        workers: how many processes.
        start: called in each process first, with `arguments`.

    Raises:
        InputError: fewer than one worker.
        InterplayError: a worker died.
    """
    if workers < 1:
        raise InputError(f"workers must be 1 or more, got {workers}")
    if not tasks:
        return
    with _single_threaded():
        pool = ProcessPoolExecutor(
            min(workers, len(tasks)),
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_begin,
            initargs=(start, arguments),
        )
        try:
            yield from _results(pool, function, tasks, 2 * workers)
        except BrokenProcessPool as error:
            raise InterplayError(
                "a worker process died, perhaps for want of memory; run the same command again to go on"
            ) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _begin(start: Callable[..., None] | None, arguments: tuple[Any, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if start is not None:
        start(*arguments)


def _end_with_parent() -> None:
    """A parent that was killed cannot tell its workers to stop: they would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _results(
    pool: ProcessPoolExecutor, function: Callable[..., Result], tasks: Iterable[tuple[Any, ...]], ahead: int
) -> Iterator[Result]:
    """No more than `ahead` tasks wait for a worker."""
    waiting: set[Future[Result]] = set()
    left = iter(tasks)
    while True:
        for task in left:
            with _without_main_module():
                waiting.add(pool.submit(function, *task))
            if len(waiting) >= ahead:
                break
        if not waiting:
            return
        finished, waiting = wait(waiting, return_when=FIRST_COMPLETED)
        for future in finished:
            yield future.result()


@contextmanager
def _without_main_module() -> Iterator[None]:
    """New processes would run the caller's script first, and with it the call; they need none of it."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


@contextmanager
def _single_threaded() -> Iterator[None]:
    """New processes compute in one thread."""
    before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
