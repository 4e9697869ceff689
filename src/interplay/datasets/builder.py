"""Collecting annotations image by image into an `InteractionTable`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from interplay.columns import Column, Per, get_column
from interplay.containers.guard import brief
from interplay.errors import InputError
from interplay.ops.numbers import whole_number
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

    def image(self, file: str, size: Sequence[Any] = (0, 0), origin: float = 0, **columns: ArrayLike) -> None:
        """Start the next image.

        Args:
            file: its file name, without folders.
            size: width, height in pixels; zero or None where unknown.
            origin: index that the source gives to the first pixel; subtracted from all boxes of this image.
            columns: the image's values of columns per image.
        """
        self._keep("image", len(self._files), columns)
        width, height = (side_length(value, name) for value, name in zip(size, ("width", "height"), strict=True))
        self._files.append(image_name(file))
        self._sizes.append((width, height))
        self._origins.append(origin)
        self._box_starts.append(len(self._boxes))
        self._triplet_starts.append(len(self._triplets))
        self._image_label_starts.append(len(self._image_labels))
        self._seen = {}

    def box(self, box: Sequence[float], label: int) -> int:
        """Index inside the current image of this box, added unless the same box of the same class is there."""
        check_box(box)
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
        check_box(box)
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


MOST_PIXELS = 10_000_000
"""Coordinates and sides beyond this are no pixels of an image."""


def check_box(box: Any) -> None:
    """Whether a value from a file is a box: four finite numbers within `MOST_PIXELS`.

    Raises:
        InputError: it is not; shows the beginning of it.
    """
    if not isinstance(box, (list, tuple)) or len(box) != 4 or not all(map(_is_coordinate, box)):
        raise InputError(f"a box needs 4 finite numbers of pixels, got {brief(box)}")


def _is_coordinate(value: Any) -> bool:
    real = isinstance(value, (int, float)) and not isinstance(value, bool)
    return real and abs(value) <= MOST_PIXELS  # no integer is too long for this, and NaN is never smaller


def id_number(value: Any, field: str) -> int:
    """A whole number from a file, as in `interplay.ops.numbers`; ids are also written as text (``"3"``).

    Raises:
        InputError: it is something else (null, true, 0.5, NaN, infinity, a list); names the field.
    """
    if isinstance(value, str) and len(value) < 20 and value.strip().removeprefix("-").isdecimal():
        value = int(value)
    if isinstance(value, (list, dict)):
        raise InputError(f"{field!r}: expected a whole number, got {brief(value)}")
    return whole_number(value, repr(field))


def side_length(value: Any, field: str) -> int:
    """Width or height in pixels from a file; 0 where it is null or 0, which stand for "not known".

    Raises:
        InputError: no whole number, or none from 0 to `MOST_PIXELS`; names the field.
    """
    pixels = 0 if value is None else id_number(value, field)
    if not 0 <= pixels <= MOST_PIXELS:
        raise InputError(f"{field!r} holds {brief(value)}, expected a number of pixels")
    return pixels


def image_name(value: Any) -> str:
    """An image's file name from a file.

    Raises:
        InputError: no text, an empty one, or one that holds half a character (a lone surrogate).
    """
    if not isinstance(value, str) or not value:
        raise InputError(f"expected the image's file name, got {brief(value)}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InputError(f"the image's file name {brief(value)} holds half a character (a lone surrogate)") from None
    return value


def pick(values: Sequence[int], index: Any, field: str) -> int:
    """``values[index]`` for an index from a file, which must not be negative.

    Raises:
        InputError: it is no whole number, or out of range; names the field.
    """
    index = id_number(index, field)
    if not 0 <= index < len(values):
        raise InputError(f"{field!r} holds {brief(index)}, expected 0..{len(values) - 1}")
    return values[index]
