"""Boxes from a file, in place of a detector: another detector's output, or annotated boxes."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interplay.containers.guard import brief
from interplay.containers.json_files import read_json
from interplay.detectors.detections import BOXES_SUFFIXES, Detections
from interplay.errors import InputError, MissingFileError
from interplay.formats.coco_images import CocoImages, named_image
from interplay.images import ImageError
from interplay.ops.boxes import xywh_to_xyxy
from interplay.ops.image_names import ImageNames
from interplay.ops.numbers import finite_rows, whole_rows
from interplay.ops.object_names import COCO_OBJECTS
from interplay.table import InteractionTable
from interplay.vocabulary import coco_80_index


class BoxesFromFile:
    """Looks up the boxes of an image in a file.

    Forms, by suffix:

    - ``.jsonl``, ``.parquet``: this library's own (`interplay.read`), with objects of any names; its interactions are
      not used.
    - ``.json``: COCO results, ``[{"image_id": 42, "category_id": 1, "bbox": [x, y, width, height], "score": 0.9},
      ...]``, or a whole COCO file with ``"images"`` and ``"annotations"``. A number means the image that a list
      ``"images"`` gives it to, in the file or in `annotations`; numbers are never looked up in names. ``"file_name"``,
      or a name as ``"image_id"``, needs no list. Categories are those that the list's file names, else COCO's original
      ids 1..90. Crowds (``"iscrowd"``) are left out.

    See `interplay.ops.image_names` for how an image is found. COCO results without a list of images do not tell images
    without boxes, so there an unknown image has none.

    Args:
        path: the file.
        annotations: the COCO file whose ``"images"`` say which image a number is, for COCO results that do not.
        min_score: smallest confidence kept. Annotations have no scores and are all kept.

    Raises:
        MissingFileError: no such file.
        InputError: content that does not fit (names the field).

    Attributes:
        objects: the names of what is in the file.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        min_score: float = 0.0,
        annotations: str | os.PathLike[str] | None = None,
    ) -> None:
        self.path = Path(path)
        self.name = self.path.name
        self.min_score = min_score
        if not self.path.is_file():
            raise MissingFileError(f"no file {self.path}: expected boxes as {', '.join(BOXES_SUFFIXES)}")
        self._boxes: _CocoResults | _Table
        if self.path.suffix == ".json":
            self._boxes = _CocoResults(self.path, annotations)
        elif annotations is not None:
            raise InputError(f"{self.path}: names its images; a list of images is for COCO results (.json)")
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


class BoxesOfTable:
    """The boxes of a table that is in memory, as a detector: annotated people and objects.

    Args:
        table: its boxes alone are used, not its interactions and poses.
    """

    def __init__(self, table: InteractionTable) -> None:
        self.name, self.objects = "annotated boxes", table.vocabulary.objects
        self._boxes = _Table(table, self.name)

    def __call__(self, images: Sequence[NDArray[np.uint8]], files: Sequence[str] | None = None) -> list[Detections]:
        """Boxes of each image, found by its name; see `BoxesFromFile`."""
        if files is None or len(files) != len(images):
            raise InputError("annotated boxes are found by the images' names: pass files, one per image")
        sizes = [image.shape[:2] for image in images]
        found = [self._boxes.find(str(file), w, h) for file, (h, w) in zip(files, sizes, strict=True)]
        return [replace(boxes, keypoints=None) for boxes in found]


class _Table:
    """Boxes in the library's own form."""

    def __init__(self, table: InteractionTable, path: Path | str) -> None:
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
    """Boxes in the form of COCO's result files, or of a whole COCO file with images and boxes."""

    def __init__(self, path: Path, annotations: str | os.PathLike[str] | None) -> None:
        self.path = path
        content = read_json(path)
        whole = isinstance(content, Mapping) and isinstance(content.get("annotations"), list)
        records = content["annotations"] if whole else content
        if not isinstance(records, list):
            raise InputError(
                f"{path}: expected COCO results, a list of {{image_id, category_id, bbox, score}}, or a COCO file with "
                f"'images' and 'annotations', got {brief(content)}"
            )
        self.listed: CocoImages | None = None
        if annotations is not None:
            self.listed = CocoImages.read(annotations)
        elif whole:
            self.listed = CocoImages.of(content, str(path))
        self.objects = self.listed.objects if self.listed is not None and self.listed.objects else COCO_OBJECTS
        sizes: dict[str, tuple[int, int]] = {}
        if self.listed is not None:
            sizes = {name: self.listed.sizes[number] for number, name in self.listed.names.items()}
        places = {name: i for i, name in enumerate(sizes)}
        used: list[int] = []
        image: list[int] = []

        def where(row: int) -> str:
            return f"{path}: {'annotations' if whole else ''}[{used[row]}]"

        for i, record in enumerate(records):
            used.append(i)
            if not isinstance(record, Mapping):
                raise InputError(f"{where(-1)}: expected {{image_id, category_id, bbox, score}}, got {brief(record)}")
            if record.get("iscrowd"):  # a region with many objects is none of them
                used.pop()
                continue
            image.append(places.setdefault(named_image(record, self.listed, where(-1)), len(places)))
        values = _values([records[i] for i in used], self.listed, where)
        order = np.argsort(np.array(image, np.int64), kind="stable")
        ends = np.cumsum(np.bincount(np.array(image, np.int64), minlength=len(places)))
        self.rows = np.split(values[order], ends[:-1])
        self.sizes = [sizes.get(name, (0, 0)) for name in places]
        self.names = ImageNames(places, by_number=False)

    def find(self, file: str, width: int, height: int) -> Detections:
        row = self.names.find(file)
        if row < 0:
            if self.listed is None:
                return Detections.empty(self.objects)
            raise ImageError(file, f"not among the images that {self.listed.source} lists")
        known = self.sizes[row]
        if all(known) and known != (width, height):
            raise ImageError(file, f"is {width} x {height} pixels, its boxes are for {known[0]} x {known[1]}")
        values = self.rows[row]
        corners = xywh_to_xyxy(values[:, 2:])
        return Detections.within(corners, values[:, 0], values[:, 1], width, height, self.objects)


def _values(
    records: Sequence[Mapping[str, Any]], listed: CocoImages | None, where: Callable[[int], str]
) -> NDArray[np.float64]:
    """(N, 6) label, score, x, y, width, height of COCO results."""
    category = whole_rows([record.get("category_id") for record in records], lambda i: f"{where(i)}: 'category_id'")
    if listed is not None and listed.objects:
        label = np.array([listed.categories.get(number, -1) for number in category.tolist()], np.int64)
        expected = f"one of the categories that {listed.source} lists"
    else:
        label = coco_80_index(category)
        expected = "one of COCO's ids 1..90"
    unknown = np.flatnonzero(label < 0)
    if len(unknown):
        raise InputError(
            f"{where(int(unknown[0]))}: 'category_id' must be {expected}, got {category[unknown[0]]}; boxes of other "
            "objects are read by name from .jsonl or .parquet"
        )
    boxes = [record.get("bbox") for record in records]
    for i, box in enumerate(boxes):
        if not isinstance(box, list) or len(box) != 4:
            raise InputError(f"{where(i)}: 'bbox' must be four numbers x, y, width, height, got {brief(box)}")
    scores = [record.get("score", 1.0) for record in records]
    return np.column_stack(
        [
            label,
            finite_rows(scores, 1, lambda i: f"{where(i)}: 'score'", dtype=np.float64),
            finite_rows(boxes, 4, lambda i: f"{where(i)}: 'bbox'", dtype=np.float64),
        ]
    )
