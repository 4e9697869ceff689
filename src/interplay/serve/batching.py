"""`Batcher`: pictures of requests that come at the same time share the model's batches."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")


def model_thread() -> ThreadPoolExecutor:
    """A thread in which models work."""
    return ThreadPoolExecutor(1, thread_name_prefix="interplay-model")


class QueueFullError(Exception):
    """More wait than may."""


@dataclass
class _Waiting(Generic[Item, Answer]):
    item: Item
    answer: asyncio.Future[Answer]


class Batcher(Generic[Item, Answer]):
    """Gathers items into batches for a function that works in one thread.

    Args:
        work: a batch of items -> as many answers; an answer that is an exception is raised for its item alone.
        most: items in a batch.
        wait: seconds that an item waits for others.
        queue: items that may wait.
        on_batch: called with the size of each batch.
        pool: the thread, where several batchers share what may not be used by two at once; whoever gives it ends it.
            By default each has its own.

    Example:
        In a running event loop ``await batcher.start()``, ``await batcher.submit(item)``, ``await batcher.stop()``.
    """

    def __init__(
        self,
        work: Callable[[Sequence[Item]], Sequence[Answer | Exception]],
        most: int,
        wait: float,
        queue: int,
        on_batch: Callable[[int], object] | None = None,
        pool: ThreadPoolExecutor | None = None,
    ) -> None:
        self._work, self._most, self._wait = work, most, wait
        self._limit, self._on_batch = queue, on_batch
        self._queue: asyncio.Queue[_Waiting[Item, Answer]] = asyncio.Queue()
        self._own_pool = pool is None
        self._pool = pool or model_thread()
        self._task: asyncio.Task[None] | None = None
        self._stopping = False

    @property
    def waiting(self) -> int:
        """Items that wait."""
        return self._queue.qsize()

    async def start(self) -> None:
        """Begin to take items."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Finish what waits, then stop."""
        self._stopping = True
        await self._queue.join()
        if self._task is not None:
            self._task.cancel()
        if self._own_pool:
            self._pool.shutdown(wait=True)

    async def submit(self, item: Item) -> Answer:
        """The answer for an item.

        Raises:
            QueueFullError: too many wait, or the server stops.
        """
        if self._stopping or self._queue.qsize() >= self._limit:
            raise QueueFullError
        waiting: _Waiting[Item, Answer] = _Waiting(item, asyncio.get_running_loop().create_future())
        self._queue.put_nowait(waiting)
        return await waiting.answer

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            batch = [await self._queue.get()]
            if self._most > 1 and self._queue.empty() and self._wait:
                await asyncio.sleep(self._wait)
            while len(batch) < self._most and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            wanted = [one for one in batch if not one.answer.done()]  # whoever gave up is not worked for
            if wanted:
                if self._on_batch is not None:
                    self._on_batch(len(wanted))
                try:
                    answers = await loop.run_in_executor(self._pool, self._work, [one.item for one in wanted])
                except Exception as error:
                    answers = [error] * len(wanted)
                for one, answer in zip(wanted, answers, strict=True):
                    if one.answer.done():
                        continue
                    if isinstance(answer, Exception):
                        one.answer.set_exception(answer)
                    else:
                        one.answer.set_result(answer)
            for _ in batch:
                self._queue.task_done()
