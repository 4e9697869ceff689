"""Batches in a fixed order, loaded ahead by worker processes, from any step on.

The order of the images follows from the seed and the epoch, and everything random about an example from the seed, the
epoch and the image. So a training can go on in the middle of an epoch, and is the same however a batch is divided into
processes and accumulated parts.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from interplay.errors import InputError, InterplayError, MissingFileError
from interplay.images import ImageError
from interplay.training.batches import map_tensors
from interplay.training.task import ExampleKey, TrainingData

_MOST_BROKEN = 50
"""With so many broken images in a row, the folder is wrong."""


@dataclass(frozen=True)
class BatchPlan:
    """Which images make which part of which step.

    Attributes:
        images: in the data set.
        batch_size: images per step, over all parts.
        accumulate: parts that a process computes one after the other.
        rank, count: this process, and how many there are.
    """

    images: int
    batch_size: int
    accumulate: int = 1
    rank: int = 0
    count: int = 1

    def __post_init__(self) -> None:
        size = min(self.batch_size, self.images)
        if size < self.parts:
            raise InputError(
                f"a batch of {size} (batch_size={self.batch_size}, {self.images} training images) cannot be divided "
                f"into {self.parts} parts ({self.count} processes, accumulate={self.accumulate})"
            )

    @property
    def parts(self) -> int:
        """Parts of a step."""
        return self.accumulate * self.count

    @property
    def steps_per_epoch(self) -> int:
        """Steps in an epoch; the incomplete last one is left out, unless it is the only one."""
        return max(self.images // self.batch_size, 1)

    def places(
        self, order: Callable[[int, int], Sequence[int] | np.ndarray], first: int, last: int
    ) -> Iterator[list[ExampleKey]]:
        """This process's parts of the steps from `first` to before `last`, `accumulate` for each step."""
        epoch, indices = -1, np.empty(0, np.int64)
        for step in range(first, last):
            if step // self.steps_per_epoch != epoch:
                epoch = step // self.steps_per_epoch
                indices = np.asarray(order(epoch, self.batch_size))
            start = step % self.steps_per_epoch * self.batch_size
            parts = np.array_split(indices[start : start + self.batch_size], self.parts)
            for part in parts[self.rank :: self.count]:
                yield [(epoch, int(index)) for index in part]


@dataclass(frozen=True)
class LoadedPart:
    """A part of a step.

    Attributes:
        batch: what the task makes of it.
        names: of its images.
        skipped: why images were replaced by others.
    """

    batch: Any
    names: list[str]
    skipped: list[str]

    def pin_memory(self) -> LoadedPart:
        """For the loader: in memory that a GPU reads directly."""
        return replace(self, batch=map_tensors(self.batch, torch.Tensor.pin_memory))


def load_parts(
    data: TrainingData, plan: BatchPlan, first: int, last: int, workers: int, pin_memory: bool = False
) -> Iterator[LoadedPart]:
    """The parts of the steps from `first` to before `last`, in order, loaded ahead.

    Images that cannot be read are replaced by the next ones of the data set.

    Args:
        data: examples by place.
        plan: which are whose.
        first, last: steps counted over the whole training.
        workers: processes; with 0, everything happens here when it is asked for.
        pin_memory: for a GPU.

    Raises:
        InterplayError: nothing can be read, or an image has another size than its annotations say.
    """
    loader = DataLoader(
        _Examples(data),
        batch_sampler=_Parts(data, plan, first, last),
        collate_fn=_Collate(data),
        num_workers=workers,
        worker_init_fn=_ignore_interrupts if workers else None,
        pin_memory=pin_memory,
        multiprocessing_context=_start_method() if workers else None,
    )
    return _readable(iter(loader))  # the workers start here


def _readable(parts: Iterator[LoadedPart]) -> Iterator[LoadedPart]:
    """Raise here what a worker found, since an error that crosses processes arrives with its traceback as text."""
    for part in parts:
        if isinstance(part.batch, _Failure):
            raise InterplayError(part.batch.message)
        yield part


@dataclass(frozen=True)
class _Failure:
    """Why there is no example and the training must stop."""

    message: str


class _Examples(Dataset[Any]):
    def __init__(self, data: TrainingData) -> None:
        self.data = data

    def __getitem__(self, place: ExampleKey) -> tuple[Any, str, list[str]]:
        """The example, its name, and what was wrong with those that it stands for."""
        epoch, index = place
        skipped: list[str] = []
        for attempt in range(min(_MOST_BROKEN, len(self.data))):
            other = (index + attempt) % len(self.data)
            try:
                return self.data[epoch, other], self.data.name(other), skipped
            except (ImageError, MissingFileError) as error:
                skipped.append(str(error))
            except InterplayError as error:
                return _Failure(str(error)), "", skipped
        problem = f"none of {len(skipped)} images in a row can be read: {skipped[0]} (data.images: their folder)"
        return _Failure(problem), "", skipped


class _Parts:
    def __init__(self, data: TrainingData, plan: BatchPlan, first: int, last: int) -> None:
        self.data, self.plan, self.first, self.last = data, plan, first, last

    def __iter__(self) -> Iterator[list[ExampleKey]]:
        return self.plan.places(self.data.order, self.first, self.last)


class _Collate:
    def __init__(self, data: TrainingData) -> None:
        self.data = data

    def __call__(self, results: list[tuple[Any, str, list[str]]]) -> LoadedPart:
        examples, names, problems = (list(column) for column in zip(*results, strict=True))
        failures = [example for example in examples if isinstance(example, _Failure)]
        batch = failures[0] if failures else self.data.collate(examples)
        return LoadedPart(batch, names, [problem for group in problems for problem in group])


def _start_method() -> str | None:
    """``fork`` where there is one: workers then share what this process has read, and start at once."""
    return "fork" if "fork" in multiprocessing.get_all_start_methods() else None


def _ignore_interrupts(_: int) -> None:
    """Ctrl-C is the main process's business."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
