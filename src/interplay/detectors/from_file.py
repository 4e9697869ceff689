"""Boxes from a file instead of a detector: interplay's own forms, or COCO's results json."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from interplay.boxes import xywh_to_xyxy
from interplay.detectors.base import Detections
from interplay.errors import InputError, MissingFileError
from interplay.vocabulary import Vocabulary, coco_80_index


class FileDetections:
    """Detections by image name.

    Args:
        path: ``.jsonl`` or ``.parquet`` (`interplay.read`; interactions in it are ignored), or COCO's results
            ``.json``: ``[{"image_id" or "file_name", "category_id": 1..90, "bbox": [x, y, w, h], "score"}]``.

    Raises:
        MissingFileError, InputError: no such file, or not of these forms.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.name = self.path.name
        if not self.path.is_file():
            raise MissingFileError(f"no file of boxes at {self.path}")
        found = _from_coco(self.path) if self.path.suffix == ".json" else _from_table(self.path)
        # by whole name and by the name without folders, as long as that is unambiguous
        self._by_name = found
        last = defaultdict(list)
        for name in found:
            last[PurePosixPath(name).name].append(name)
        self._by_last = {short: names[0] for short, names in last.items() if len(names) == 1}

    def for_image(self, file: str) -> Detections:
        """The detections of an image, by path or file name; COCO image ids match the digits that end a name.

        Raises:
            InputError: the file knows no such image.
        """
        short = PurePosixPath(file).name
        digits = "".join(c for c in PurePosixPath(short).stem.rsplit("_", 1)[-1] if c.isdigit()).lstrip("0")
        for key in (file, self._by_last.get(short), short, f"#{digits}"):
            if key is not None and key in self._by_name:
                return self._by_name[key]
        raise InputError(f"{self.path} has no boxes for the image {file}")


def _from_table(path: Path) -> dict[str, Detections]:
    from interplay.formats import read

    coco = Vocabulary.load("coco")
    table = read(path)
    to_coco = np.array([_coco_index(coco, name) for name in table.vocabulary.objects] + [-1])
    found = {}
    for image in table:
        labels = to_coco[image.labels]
        keep = labels >= 0
        keypoints = None if image.keypoints is None else image.keypoints[keep]
        found[image.file or ""] = Detections(image.boxes[keep], labels[keep], image.box_scores[keep], keypoints)
    return found


def _coco_index(coco: Vocabulary, name: str) -> int:
    try:
        return coco.object_index(name)
    except InputError:
        return -1


def _from_coco(path: Path) -> dict[str, Detections]:
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"{path}: not a JSON file: {error}") from None
    if not isinstance(rows, list):
        raise InputError(f"{path}: expected a list of COCO results, got {type(rows).__name__}")
    grouped: dict[str, list[tuple[list[float], int, float]]] = defaultdict(list)
    for i, row in enumerate(rows):
        grouped[_key(row, f"{path}, entry {i}")].append(_box(row, f"{path}, entry {i}"))
    found = {}
    for key, entries in grouped.items():
        boxes, ids, scores = zip(*entries, strict=True)
        labels = coco_80_index(ids)
        keep = labels >= 0
        corners = xywh_to_xyxy(np.asarray(boxes, np.float32))
        found[key] = Detections(corners[keep], labels[keep], np.asarray(scores, np.float32)[keep])
    return found


def _key(row: Any, where: str) -> str:
    if isinstance(row, dict) and isinstance(row.get("file_name"), str):
        return row["file_name"]
    if isinstance(row, dict) and isinstance(row.get("image_id"), int):
        return f"#{row['image_id']}"
    raise InputError(f"{where}: expected an object with 'image_id' (a number) or 'file_name'")


def _box(row: dict[str, Any], where: str) -> tuple[list[float], int, float]:
    box, category, score = row.get("bbox"), row.get("category_id"), row.get("score", 1.0)
    if not isinstance(box, list) or len(box) != 4 or not all(isinstance(v, (int, float)) for v in box):
        raise InputError(f"{where}: 'bbox' must be [x, y, width, height], got {box!r}")
    if not isinstance(category, int) or not isinstance(score, (int, float)):
        raise InputError(f"{where}: expected 'category_id' (1..90) and 'score' as numbers")
    return [float(v) for v in box], category, float(score)
