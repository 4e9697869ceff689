"""Boxes from a file, in place of a detector: another detector's output, or annotated boxes."""

from __future__ import annotations

import math
import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interplay.containers.guard import brief
from interplay.containers.json_files import read_json
from interplay.detectors.detections import Detections
from interplay.errors import InputError, MissingFileError
from interplay.images import ImageError
from interplay.ops.boxes import xywh_to_xyxy
from interplay.ops.image_names import ImageNames, same_names
from interplay.ops.object_names import COCO_OBJECTS
from interplay.table import InteractionTable
from interplay.vocabulary import coco_80_index

SUFFIXES = (".jsonl", ".parquet", ".json")


class BoxesFromFile:
    """Looks up the boxes of an image in a file.

    Forms, by suffix:

    - ``.jsonl``, ``.parquet``: this library's own (`interplay.read`), with objects of any names; its interactions are
      not used.
    - ``.json``: COCO results, ``[{"image_id": 42, "category_id": 1, "bbox": [x, y, width, height], "score": 0.9},
      ...]`` with COCO's original category ids 1..90. ``"file_name"`` may stand in place of ``"image_id"``, in all rows
      or in some.

    See `interplay.ops.image_names` for how an image is found. COCO results do not list images without boxes, so there
    an unknown image has none.

    Args:
        path: the file.
        min_score: smallest confidence kept. Annotations have no scores and are all kept.

    Raises:
        MissingFileError: no such file.
        InputError: content that does not fit (names the field).

    Attributes:
        objects: the names of what is in the file.
    """

    def __init__(self, path: str | os.PathLike[str], min_score: float = 0.0) -> None:
        self.path = Path(path)
        self.name = self.path.name
        self.min_score = min_score
        if not self.path.is_file():
            raise MissingFileError(f"no file {self.path}: expected boxes as {', '.join(SUFFIXES)}")
        self._boxes: _CocoResults | _Table
        if self.path.suffix == ".json":
            self._boxes = _CocoResults(self.path)
        else:
            from interplay.formats import read

            self._boxes = _Table(read(self.path), self.path)
        self.objects = self._boxes.objects

    def __call__(self, images: Sequence[NDArray[np.uint8]], files: Sequence[str] | None = None) -> list[Detections]:
        """Boxes of each image; see `Detector`.

        Raises:
            InputError: `files` is missing.
            ImageError: the file does not know an image, or knows it in another size.
        """
        if files is None or len(files) != len(images):
            raise InputError("boxes from a file are found by the images' names: pass files, one per image")
        found = []
        for image, file in zip(images, files, strict=True):
            height, width = image.shape[:2]
            found.append(self._boxes.find(str(file), width, height).filter(self.min_score))
        return found


class _Table:
    """Boxes in the library's own form."""

    def __init__(self, table: InteractionTable, path: Path) -> None:
        self.table, self.path = table, path
        self.objects = table.vocabulary.objects
        self.names = ImageNames(table.files)

    def find(self, file: str, width: int, height: int) -> Detections:
        row = self.names.find(file)
        if row < 0:
            raise ImageError(file, f"not in {self.path}")
        known = tuple(int(v) for v in self.table.sizes[row])
        if all(known) and known != (width, height):
            raise ImageError(file, f"is {width} x {height} pixels, its boxes are for {known[0]} x {known[1]}")
        chosen = slice(int(self.table.box_offsets[row]), int(self.table.box_offsets[row + 1]))
        return Detections(
            self.table.boxes[chosen],
            self.table.labels[chosen],
            self.table.box_scores[chosen],
            None if self.table.keypoints is None else self.table.keypoints[chosen],
            track=None if self.table.track is None else self.table.track[chosen],
            objects=self.objects,
        )


class _CocoResults:
    """Boxes in the form of COCO's result files."""

    objects = COCO_OBJECTS

    def __init__(self, path: Path) -> None:
        records = read_json(path)
        if not isinstance(records, list):
            raise InputError(
                f"{path}: expected COCO results, a list of {{image_id, category_id, bbox, score}}, "
                f"got {type(records).__name__}"
            )
        results = [_result(record, f"{path}: [{i}]") for i, record in enumerate(records)]
        rows: dict[str, list[list[float]]] = defaultdict(list)
        for image, (_, row) in zip(same_names(image for image, _ in results), results, strict=True):
            rows[image].append(row)
        self.rows = [np.array(values) for values in rows.values()]
        self.names = ImageNames(rows)

    def find(self, file: str, width: int, height: int) -> Detections:
        row = self.names.find(file)
        if row < 0:
            return Detections.empty()
        values = self.rows[row]
        return Detections.within(xywh_to_xyxy(values[:, 2:]), values[:, 0], values[:, 1], width, height)


def _result(record: Any, where: str) -> tuple[str | int, list[float]]:
    """The image and [label, score, x, y, width, height] of one COCO result."""
    if not isinstance(record, Mapping):
        raise InputError(f"{where}: expected {{image_id, category_id, bbox, score}}, got {brief(record)}")
    image = record.get("file_name", record.get("image_id"))
    if not isinstance(image, (str, int)):
        raise InputError(f"{where}: 'image_id' must be a number or 'file_name' a name, got {brief(image)}")
    category = record.get("category_id")
    label = coco_80_index([category])[0] if isinstance(category, int) else -1
    if label < 0:
        raise InputError(
            f"{where}: 'category_id' must be one of COCO's ids 1..90, got {brief(category)}; boxes of other "
            "objects are read by name from .jsonl or .parquet"
        )
    box, score = record.get("bbox"), record.get("score", 1.0)
    if not isinstance(box, list) or len(box) != 4 or not all(map(_is_number, box)):
        raise InputError(f"{where}: 'bbox' must be four numbers x, y, width, height, got {brief(box)}")
    if not _is_number(score):
        raise InputError(f"{where}: 'score' must be a number, got {brief(score)}")
    return image, [float(label), float(score), *map(float, box)]


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
