"""`ShardWorker`: what each process of a batch does; it loads the model once and keeps it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interplay.batch.plan import Plan
from interplay.batch.shards import Broken, part_name, read_broken, write_shard
from interplay.batch.sources import Item, items
from interplay.batch.storage import Folder, is_address
from interplay.batch.tries import Tries
from interplay.errors import InterplayError
from interplay.images import image_size
from interplay.interactions import Interactions
from interplay.pipeline import Failure, ModelOptions
from interplay.pipeline.run import MOST_PIXELS, image_problem, predict_all
from interplay.prefetch import prefetch


@dataclass(frozen=True)
class Task:
    """What every worker is told.

    Attributes:
        output: folder of the results, which every worker can write.
        model: what finds interactions.
        min_score, top_k: keep only the triplets that `Interactions.filter` keeps.
        batch_size: images that the model sees at once.
        threads: processor cores that are this worker's.
        column: of the images in Parquet files.
    """

    output: str
    model: ModelOptions
    min_score: float | None
    top_k: int | None
    batch_size: int
    threads: int
    column: str | None = None


class ShardWorker:
    """Does shards: reads their images, predicts, and writes each shard's result.

    Raises:
        InterplayError: the model cannot be loaded.
    """

    def __init__(self, task: Task) -> None:
        import torch

        torch.set_num_threads(task.threads)
        self.task = task
        self.folder = Folder(task.output)
        self.plan = Plan(self.folder)
        self.inference = task.model.load()

    def __call__(self, rows: Mapping[str, NDArray[np.int64]]) -> dict[str, Any]:
        """Shards by number -> how many images each had, and how many of them could not be done."""
        shards = [int(shard) for shard in rows["shard"]]
        broken = [len(self.do(shard)) for shard in shards]
        counts = [len(self.plan[shard]) for shard in shards]
        return {"shard": np.array(shards), "images": np.array(counts), "broken": np.array(broken)}

    def do(self, shard: int) -> list[Broken]:
        """Do a shard, unless it is done already, as by a worker that died just after it had written it."""
        if self.folder.exists(part_name(shard)):
            return read_broken(self.folder, shard)
        tries = Tries(self.folder, shard)
        if tries.one_by_one:
            done, broken = self._one_by_one(shard, tries)
        else:
            done, broken = self._predict(items(self.plan[shard], self.task.column))
        write_shard(self.folder, shard, done, broken, self.inference.model.vocabulary)
        tries.finished()
        return broken

    def _predict(self, todo: Iterable[Item]) -> tuple[list[Interactions], list[Broken]]:
        done: list[Interactions] = []
        broken: list[Broken] = []
        names: deque[str] = deque()

        def listed() -> Iterator[Item]:
            for item in todo:
                names.append(item.name)
                yield item

        task = self.task
        images = prefetch(_read, listed(), 2, 2 * task.batch_size, _pixels, MOST_PIXELS)
        for found in predict_all(images, self.inference, task.batch_size, task.min_score, task.top_k):
            name = names.popleft()  # results come in order; a path would spoil an address
            if isinstance(found, Failure):
                broken.append(Broken(name, found.reason))
            else:
                done.append(replace(found[1].interactions, file=name))
        return done, broken

    def _one_by_one(self, shard: int, tries: Tries) -> tuple[list[Interactions], list[Broken]]:
        done: list[Interactions] = []
        broken = [Broken(name, "the process ended whenever it was done") for name in tries.fatal]
        for item in items(self.plan[shard], self.task.column):
            if item.name in tries.fatal:
                continue
            tries.before(item.name)
            more, bad = self._predict([item])
            done += more
            broken += bad
        return done, broken


def _read(item: Item) -> tuple[Path, NDArray[np.uint8]] | Failure:
    path = Path(item.name)
    try:
        return path, item.read()
    except Exception as error:
        reason = image_problem(error)
        if reason is None:
            raise
        return Failure(path, reason)


def _pixels(item: Item) -> int:
    """Pixels of an image, where its beginning is at hand."""
    if item.problem is not None or (item.content is None and is_address(item.name)):
        return 0
    try:
        width, height = image_size(item.name if item.content is None else item.content)
    except InterplayError:  # whoever reads it says why
        return 0
    return width * height
