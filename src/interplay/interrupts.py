"""Ctrl-C at a place where it does no harm, and Ctrl-C that nobody can swallow."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def postponed_interrupt() -> Iterator[Callable[[], None]]:
    """Inside, Ctrl-C takes effect only when the function given is called; a second Ctrl-C takes effect at once.

    An interruption in the middle of writing a checkpoint surfaces from PyTorch as some other error, and one in the
    middle of an optimiser's step leaves half of it done.

    Outside the main thread, where Python lets nobody handle signals, nothing changes.

    Example:
        >>> with postponed_interrupt() as stop_if_asked:
        ...     stop_if_asked()  # raises KeyboardInterrupt if Ctrl-C was pressed since
    """
    with _counted_interrupts(most_kept=1) as asked:
        yield lambda: _raise_if(asked)


@contextmanager
def remembered_interrupt() -> Iterator[Callable[[], None]]:
    """Inside, Ctrl-C takes effect at once, and again when the function given is called or the block ends.

    For loops over a library that may lose the exception: Python drops it where it arises while an object is
    finalised or a callback from compiled code runs, and some code turns it into an error of its own. An error that
    comes out of the block after Ctrl-C is replaced by KeyboardInterrupt.

    Outside the main thread, where Python lets nobody handle signals, nothing changes.

    Example:
        >>> with remembered_interrupt() as stop_if_asked:
        ...     stop_if_asked()  # raises KeyboardInterrupt if Ctrl-C was pressed since
    """
    with _counted_interrupts(most_kept=0) as asked:
        try:
            yield lambda: _raise_if(asked)
        except Exception as error:
            if asked():
                raise KeyboardInterrupt from error
            raise
        _raise_if(asked)


def _raise_if(asked: Callable[[], int]) -> None:
    if asked():
        raise KeyboardInterrupt


@contextmanager
def _counted_interrupts(most_kept: int) -> Iterator[Callable[[], int]]:
    """Inside, the function given says how often Ctrl-C was pressed; more than `most_kept` times raise at once."""
    times = 0

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal times
        times += 1
        if times > most_kept:
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield lambda: times
        return
    previous = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: times
    finally:
        signal.signal(signal.SIGINT, previous)
