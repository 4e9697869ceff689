"""Which image is in which part of which step, and what happens to photographs that cannot be read."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np
import pytest
from numpy.typing import NDArray

from interplay.errors import InputError, InterplayError
from interplay.images import ImageError
from interplay.training.loading import BatchPlan, load_parts


class Numbers:
    """Examples that are their own places; some cannot be read."""

    def __init__(self, count: int, broken: Sequence[int] = ()) -> None:
        self.count, self.broken = count, set(broken)

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, place: tuple[int, int]) -> tuple[int, int]:
        if place[1] in self.broken:
            raise ImageError(f"{place[1]}.jpg", "is broken")
        return place

    def name(self, index: int) -> str:
        return f"{index}.jpg"

    def order(self, epoch: int, batch_size: int) -> NDArray[np.int64]:
        return np.random.default_rng(epoch).permutation(self.count)

    def collate(self, examples: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
        return list(examples)


def places(data: Numbers, plan: BatchPlan, first: int, last: int, workers: int = 0) -> list[list[tuple[int, int]]]:
    return [loaded.batch for loaded in load_parts(data, plan, first, last, workers)]


def test_every_image_once_in_an_epoch_in_an_order_of_its_own() -> None:
    steps = places(Numbers(10), BatchPlan(10, 5), 0, 4)
    epochs = [[index for step in steps[i : i + 2] for _, index in step] for i in (0, 2)]
    assert [sorted(epoch) for epoch in epochs] == [list(range(10))] * 2
    assert epochs[0] != epochs[1]
    assert [step[0][0] for step in steps] == [0, 0, 1, 1]


def test_the_incomplete_last_batch_is_left_out_unless_it_is_the_only_one() -> None:
    assert BatchPlan(11, 4).steps_per_epoch == 2
    assert BatchPlan(3, 4).steps_per_epoch == 1
    assert len(places(Numbers(3), BatchPlan(3, 4), 0, 1)[0]) == 3


@pytest.mark.parametrize("workers", [0, 2])
def test_any_step_can_be_the_first(workers: int) -> None:
    data, plan = Numbers(9), BatchPlan(9, 2)
    whole = places(data, plan, 0, 12)
    assert places(data, plan, 7, 12, workers) == whole[7:]


@pytest.mark.parametrize(("accumulate", "count", "size"), [(1, 2, 4), (2, 1, 4), (2, 3, 6), (1, 3, 5), (2, 2, 7)])
def test_parts_make_up_the_batch(accumulate: int, count: int, size: int) -> None:
    data = Numbers(21)
    whole = places(data, BatchPlan(21, size), 0, 5)
    divided = [places(data, BatchPlan(21, size, accumulate, rank, count), 0, 5) for rank in range(count)]
    for step, batch in enumerate(whole):
        parts = [divided[rank][step * accumulate + i] for i in range(accumulate) for rank in range(count)]
        assert list(chain(*parts)) == batch
        assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_more_parts_than_images() -> None:
    with pytest.raises(InputError, match=r"batch_size=4, 9 training images.*2 processes, accumulate=3"):
        BatchPlan(9, 4, accumulate=3, count=2)


@pytest.mark.parametrize("workers", [0, 1])
def test_broken_photographs_are_replaced_and_reported(workers: int) -> None:
    data = Numbers(6, broken=[2, 3])
    loaded = list(load_parts(data, BatchPlan(6, 3), 0, 2, workers))
    assert sorted(index for part in loaded for _, index in part.batch) == [0, 1, 4, 4, 4, 5]
    assert {problem for part in loaded for problem in part.skipped} == {
        str(ImageError(f"{i}.jpg", "is broken")) for i in (2, 3)
    }
    assert [name for part in loaded for name in part.names] == [f"{i}.jpg" for part in loaded for _, i in part.batch]


@pytest.mark.parametrize("workers", [0, 1])
def test_a_folder_without_a_readable_photograph(workers: int) -> None:
    with pytest.raises(InterplayError, match=r"^none of 4 images in a row can be read: [^\n]*\d\.jpg[^\n]*$"):
        next(load_parts(Numbers(4, broken=range(4)), BatchPlan(4, 2), 0, 1, workers))


@pytest.mark.parametrize("workers", [0, 1])
def test_what_is_wrong_with_the_data_stops_the_training_with_one_line(workers: int) -> None:
    class Resized(Numbers):
        def __getitem__(self, place: tuple[int, int]) -> tuple[int, int]:
            raise InputError("use the original images")

    with pytest.raises(InterplayError, match=r"^use the original images$"):
        next(load_parts(Resized(4), BatchPlan(4, 2), 0, 1, workers))
