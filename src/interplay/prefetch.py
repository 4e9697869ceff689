"""`prefetch`: map a function over a stream in background threads, in order and a bounded number of items ahead."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def prefetch(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int = 2, ahead: int = 8
) -> Generator[Result, None, None]:
    """`map(function, items)`, with the next results being computed while the caller works on one.

    The items themselves are taken in the caller's thread, so that streams of this kind can be chained. Work that
    has not begun is dropped when the caller stops early, as on Ctrl-C.

    Args:
        workers: number of threads.
        ahead: most results that wait to be taken; bounds the memory.

    Example:
        >>> list(prefetch(str.upper, ["a", "b"]))
        ['A', 'B']
    """
    pool = ThreadPoolExecutor(workers, thread_name_prefix="interplay")
    waiting: deque[Future[Result]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
