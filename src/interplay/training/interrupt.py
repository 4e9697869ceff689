"""Ctrl-C at a place where it does no harm."""

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
    asked = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True

    def stop_if_asked() -> None:
        if asked:
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield stop_if_asked
        return
    previous = signal.signal(signal.SIGINT, note)
    try:
        yield stop_if_asked
    finally:
        signal.signal(signal.SIGINT, previous)
