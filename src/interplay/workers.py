"""Many independent pieces of work on several processes, as they get done."""

from __future__ import annotations

import _thread
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
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

    Ctrl-C is the caller's to handle. Workers then leave what they do, as by `SystemExit`, so that it has to be whole or
    not there; so they do where a call fails and where no more results are taken. They end if this process is killed.

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
    context = multiprocessing.get_context("spawn")
    told, tell = context.Pipe(duplex=False)
    with told, tell, _single_threaded():
        pool = ProcessPoolExecutor(
            min(workers, len(tasks)),
            mp_context=context,
            initializer=_begin,
            initargs=(told, start, arguments),
        )
        try:
            yield from _results(pool, function, tasks, 2 * workers)
        except BrokenProcessPool as error:
            raise InterplayError(
                "a worker process died, perhaps for want of memory; run the same command again to go on"
            ) from error
        finally:
            tell.send_bytes(b"stop")  # nobody takes it out, so that it reaches all workers
            pool.shutdown(wait=True, cancel_futures=True)


_stopping = False
"""In a worker: no more is wanted."""


def _begin(told: Connection, start: Callable[..., None] | None, arguments: tuple[Any, ...]) -> None:
    signal.signal(signal.SIGINT, _interrupted)
    threading.Thread(target=_end_when_told, args=(told,), daemon=True).start()
    if start is not None:
        start(*arguments)


def _interrupted(*_: object) -> None:
    """A terminal sends Ctrl-C to workers, too; whether it ends them is for their parent to say."""
    if _stopping:
        raise SystemExit(1)


def _end_when_told(told: Connection) -> None:
    global _stopping
    with suppress(OSError):
        told.poll(None)
    _stopping = True
    _thread.interrupt_main()
    parent = multiprocessing.parent_process()
    if parent is not None:  # one that was killed cannot send its workers home: they would wait for work for ever
        parent.join()
        os._exit(1)


def _call(function: Callable[..., Result], *task: Any) -> Result:
    """A pool hands out a task or two before they can be done; these are not begun any more."""
    if _stopping:
        raise SystemExit(1)
    return function(*task)


def _results(
    pool: ProcessPoolExecutor, function: Callable[..., Result], tasks: Iterable[tuple[Any, ...]], ahead: int
) -> Iterator[Result]:
    """No more than `ahead` tasks wait for a worker."""
    waiting: set[Future[Result]] = set()
    left = iter(tasks)
    while True:
        for task in left:
            with _without_main_module():
                waiting.add(pool.submit(_call, function, *task))
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
