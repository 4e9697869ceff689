"""`prefetch`: map a function over a stream in background threads, in order and a bounded number of items ahead."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def prefetch(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    workers: int = 2,
    ahead: int = 8,
    weight: Callable[[Item], int] | None = None,
    most: int = 0,
) -> Generator[Result, None, None]:
    """`map(function, items)`, with the next results being computed while the caller works on one.

    The items themselves are taken in the caller's thread, so that streams of this kind can be chained. Work that
    has not begun is dropped when the caller stops early, as on Ctrl-C.

    Args:
        workers: number of threads.
        ahead: most results that wait to be taken; bounds the memory.
        weight: what the result of an item will take of `most`.
        most: of the weights of all results that wait, in work or done; one alone may weigh more.

    Example:
        >>> list(prefetch(str.upper, ["a", "b"]))
        ['A', 'B']
    """
    pool = ThreadPoolExecutor(workers, thread_name_prefix="interplay")
    waiting: deque[tuple[Future[Result], int]] = deque()
    held = 0
    try:
        for item in items:
            load = weight(item) if weight is not None else 0
            while waiting and weight is not None and held + load > most:
                future, freed = waiting.popleft()
                yield future.result()
                held -= freed
            waiting.append((pool.submit(function, item), load))
            held += load
            if len(waiting) > ahead:
                future, freed = waiting.popleft()
                yield future.result()
                held -= freed
        while waiting:
            yield waiting.popleft()[0].result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
