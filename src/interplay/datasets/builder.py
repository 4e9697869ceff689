"""Collecting annotations image by image into an `InteractionTable`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from interplay.columns import Column, Per, get_column
from interplay.errors import InputError
from interplay.table import InteractionTable, offsets
from interplay.vocabulary import Vocabulary


class TableBuilder:
    """Builds a table of annotations from readers that go through their source image by image.

    Every published form lists one human box and one object box per interaction, so that a person who does two
    things is written twice. `box` recognises an identical box of the same class inside an image, so that the
    table holds one person with two interactions. Triplets are never merged: an evaluation that counts identical
    annotated pairs separately (HICO-DET's official one) needs all of them.

    Args:
        vocabulary: what the labels and verbs mean.
        columns: names of the columns that the source knows, which the table has even where no row has a value.
    """

    def __init__(self, vocabulary: Vocabulary, columns: Sequence[str] = ()) -> None:
        self.vocabulary = vocabulary
        self._values: dict[str, dict[int, NDArray[Any]]] = {get_column(name).name: {} for name in columns}
        self._files: list[str] = []
        self._sizes: list[tuple[int, int]] = []
        self._origins: list[float] = []
        self._boxes: list[Sequence[float]] = []
        self._labels: list[int] = []
        self._box_starts: list[int] = []
        self._triplets: list[tuple[int, int, int]] = []
        self._triplet_starts: list[int] = []
        self._image_labels: list[tuple[int, int]] = []
        self._image_label_starts: list[int] = []
        self._seen: dict[tuple[tuple[float, ...], int], int] = {}

    def image(self, file: str, size: Sequence[int] = (0, 0), origin: float = 0, **columns: ArrayLike) -> None:
        """Start the next image.

        Args:
            file: its file name, without folders.
            size: width, height in pixels; zeros where unknown.
            origin: index that the source gives to the first pixel; subtracted from all boxes of this image.
            columns: the image's values of columns per image.
        """
        self._keep("image", len(self._files), columns)
        self._files.append(file)
        self._sizes.append((int(size[0]), int(size[1])))
        self._origins.append(origin)
        self._box_starts.append(len(self._boxes))
        self._triplet_starts.append(len(self._triplets))
        self._image_label_starts.append(len(self._image_labels))
        self._seen = {}

    def box(self, box: Sequence[float], label: int) -> int:
        """Index inside the current image of this box, added unless the same box of the same class is there."""
        key = (tuple(box), label)
        index = self._seen.get(key)
        if index is None:
            index = self._seen[key] = self.instance(box, label)
        return index

    def instance(self, box: Sequence[float], label: int, **columns: ArrayLike) -> int:
        """Index inside the current image of a new box, even if another one is identical.

        Args:
            columns: the box's values of columns per box.
        """
        if len(box) != 4:
            raise ValueError(f"a box needs 4 numbers, got {len(box)}")
        if not all(isinstance(value, (int, float)) and isfinite(value) for value in box):
            raise ValueError(f"a box needs 4 numbers, got {list(box)}")
        self._keep("box", len(self._boxes), columns)
        self._boxes.append(box)
        self._labels.append(label)
        return len(self._boxes) - 1 - self._box_starts[-1]

    def triplet(self, human: int, verb: int, object: int = -1, **columns: ArrayLike) -> None:
        """Add an interaction between two boxes of the current image.

        Args:
            human, verb: indices.
            object: -1 where none takes part.
            columns: the triplet's values of columns per triplet.
        """
        self._keep("triplet", len(self._triplets), columns)
        self._triplets.append((human, verb, object))

    def image_label(self, verb: int, object: int) -> None:
        """Note that (verb, object) is in the current image, without boxes."""
        self._image_labels.append((verb, object))

    def build(self) -> InteractionTable:
        """The table."""
        triplets = np.array(self._triplets, np.int64).reshape(-1, 3)
        boxes = np.array(self._boxes, np.float64).reshape(-1, 4)
        box_offsets = np.array([*self._box_starts, len(boxes)], np.int64)
        boxes -= np.repeat(np.array(self._origins, np.float64), np.diff(box_offsets))[:, None]
        counts = np.diff(np.array([*self._image_label_starts, len(self._image_labels)], np.int64))
        has_image_labels = len(self._image_labels) > 0
        return InteractionTable(
            vocabulary=self.vocabulary,
            files=self._files,
            sizes=np.array(self._sizes, np.int32).reshape(-1, 2),
            box_offsets=box_offsets,
            boxes=boxes.astype(np.float32),
            labels=np.array(self._labels, np.int64),
            box_scores=np.ones(len(boxes), np.float32),
            triplet_offsets=np.array([*self._triplet_starts, len(triplets)], np.int64),
            human=triplets[:, 0].copy(),
            object=triplets[:, 2].copy(),
            verb=triplets[:, 1].copy(),
            score=np.ones(len(triplets), np.float32),
            image_label_offsets=offsets(counts) if has_image_labels else None,
            image_labels=np.array(self._image_labels, np.int64).reshape(-1, 2) if has_image_labels else None,
            scored=False,
            columns={name: self._column(get_column(name), values) for name, values in self._values.items()},
        )

    def _keep(self, per: Per, row: int, columns: Mapping[str, ArrayLike]) -> None:
        for name, value in columns.items():
            column = get_column(name)
            if column.per != per:
                raise InputError(f"{name} is a column per {column.per}, not per {per}")
            self._values.setdefault(name, {})[row] = column.as_array(value, None)

    def _column(self, column: Column, values: Mapping[int, NDArray[Any]]) -> NDArray[Any]:
        count = {"box": len(self._boxes), "triplet": len(self._triplets), "image": len(self._files)}[column.per]
        unknown = column.filled(None)
        return column.as_array([values.get(row, unknown) for row in range(count)], count)


def pick(values: Sequence[int], index: int, field: str) -> int:
    """``values[index]`` for an index from a file, which must not be negative.

    Raises:
        InputError: it is out of range; names the field.
    """
    if not 0 <= index < len(values):
        raise InputError(f"{field!r} holds {index}, expected 0..{len(values) - 1}")
    return values[index]


@contextmanager
def reading(where: str) -> Iterator[None]:
    """Turn what goes wrong inside one record of a source into an `InputError` that says where it is."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    except KeyError as error:
        raise InputError(f"{where}: the field {error} is missing") from None
    except (IndexError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise InputError(f"{where}: {error}") from None
