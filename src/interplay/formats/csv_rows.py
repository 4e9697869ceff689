"""CSV files of interactions, for spreadsheets and data frames: one row per triplet.

Columns: ``file, width, height, human, verb, object, score, human_x1, human_y1, human_x2, human_y2, human_score,
object_x1, object_y1, object_x2, object_y2, object_score``, in pixels and 0..1. ``human`` and ``object`` are names of
objects. What is not known is empty: an object that is absent, and in the one row of an image without interactions
everything but its name and size. Annotations have no columns of scores. Registered columns with one value follow under
their name where a table has them, those of boxes as ``human_NAME`` and ``object_NAME``.

Boxes that take part in no triplet, columns with several values for a row (keypoints) and labels of whole images have no
place in it; all else reads back as it was written.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from interplay.columns import Column, registered_columns
from interplay.containers.guard import reading
from interplay.containers.tables import open_csv
from interplay.errors import InputError
from interplay.files import atomic_path
from interplay.formats.arrow import from_arrow, full_schema
from interplay.formats.jsonl import shortest
from interplay.formats.reading import OwnNames
from interplay.formats.records import lists_indices, record_problems
from interplay.interactions import Interactions
from interplay.table import InteractionTable
from interplay.vocabulary import Vocabulary

_CORNERS = ("x1", "y1", "x2", "y2")
_NAMES = ("file", "width", "height", "human", "verb", "object", "score")
_ROLES = ("human", "object")
_REQUIRED = ("file", "human", "verb", "object", *(f"{role}_{corner}" for role in _ROLES for corner in _CORNERS))


def write_csv(table: InteractionTable, path: Path) -> None:
    """Write a table, whole or not at all."""
    there = [column for column in _single_valued() if column.name in table.columns]
    per_triplet = [column.name for column in there if column.per == "triplet"]
    per_box = [column.name for column in there if column.per == "box"]
    header = [*_NAMES]
    for role in _ROLES:
        header += [f"{role}_{name}" for name in (*_CORNERS, "score", *per_box)]
    header += per_triplet
    if not table.scored:
        header = [name for name in header if name not in ("score", "human_score", "object_score")]
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        rows = csv.DictWriter(stream, header, restval="", extrasaction="ignore", lineterminator="\n")
        rows.writeheader()
        for image in table:
            rows.writerows(_rows(image, there))


def read_csv(path: Path, vocabulary: Vocabulary | OwnNames | None = None) -> InteractionTable:
    """Read a file that `write_csv` wrote, or one with the same columns in any order; others are ignored.

    Raises:
        InputError: names file, line and column of the first problem.
    """
    known = vocabulary if isinstance(vocabulary, Vocabulary) else None
    header, rows = open_csv(path, "a CSV file of interactions")
    missing = [name for name in _REQUIRED if name not in header]
    if missing:
        raise InputError(f"{path}: expected a CSV file of interactions, but it has no column {missing[0]!r}")
    columns = [column for column in _single_valued() if _stands_in(column, header)]
    scored = "score" in header
    images: dict[str, _Image] = {}
    for line, row in rows:
        image = images.setdefault(row["file"], _Image(row["file"], scored))
        image.add(row, columns, f"{path}, line {line}")
    records = [image.record for image in images.values()]
    for record in records:
        for field, problem in record_problems(record, known):
            raise InputError(f"{path}, image {record['file']!r}, {field}: {problem}")
    with reading(path, "a CSV file of interactions"):
        try:
            return from_arrow(pa.Table.from_pylist(records, full_schema()), vocabulary)
        except InputError as error:
            raise InputError(f"{path}: {error}") from None


def has_place(column: Column) -> bool:
    """Whether a column has a place in a row."""
    return not column.shape and column.per != "image"


def _single_valued() -> list[Column]:
    return [column for column in registered_columns() if has_place(column)]


def _stands_in(column: Column, header: list[str]) -> bool:
    names = [column.name] if column.per == "triplet" else [f"{role}_{column.name}" for role in _ROLES]
    return all(name in header for name in names)


def _rows(image: Interactions, columns: list[Column]) -> Iterator[dict[str, Any]]:
    begin = {"file": image.file, "width": image.width or "", "height": image.height or ""}
    if not len(image):
        yield begin
        return
    boxes, box_scores = shortest(image.boxes).tolist(), shortest(image.box_scores).tolist()
    scores = shortest(image.score).tolist()
    values = {column.name: _texts(column, image.columns[column.name]) for column in columns}
    for t in range(len(image)):
        row = {**begin, "verb": image.vocabulary.verbs[image.verb[t]], "score": scores[t]}
        for role, index in zip(_ROLES, (int(image.human[t]), int(image.object[t])), strict=True):
            if index < 0:
                continue
            row[role] = image.vocabulary.objects[image.labels[index]]
            row.update(zip((f"{role}_{corner}" for corner in _CORNERS), boxes[index], strict=True))
            row[f"{role}_score"] = box_scores[index]
            row.update((f"{role}_{c.name}", values[c.name][index]) for c in columns if c.per == "box")
        row.update((c.name, values[c.name][t]) for c in columns if c.per == "triplet")
        yield row


def _texts(column: Column, array: np.ndarray) -> list[Any]:
    """What stands in a file for each value; nothing for the fill value, and 1 for true."""
    plain = shortest(array).tolist() if array.dtype == np.float32 else array.tolist()
    missing = column.is_fill(array).tolist()
    return [
        "" if absent else (int(value) if column.kind == "b" else value)
        for value, absent in zip(plain, missing, strict=True)
    ]


class _Image:
    """The record of an image (`interplay.formats.records`), from its rows."""

    def __init__(self, file: str, scored: bool) -> None:
        self.record: dict[str, Any] = {"file": file, "boxes": [], "labels": [], "interactions": []}
        self.scored = scored
        if scored:
            self.record["scores"] = []
        self._places: dict[tuple[Any, ...], int] = {}

    def add(self, row: Mapping[str, str], columns: list[Column], where: str) -> None:
        for name in ("width", "height"):
            if row.get(name):
                self.record[name] = _value(row, name, int, where)
        if not row["verb"]:
            return
        item: dict[str, Any] = {"verb": row["verb"]}
        for role in _ROLES:
            item[role] = self._box(row, role, [c for c in columns if c.per == "box"], where) if row[role] else None
        if self.scored:
            item["score"] = _value(row, "score", float, where)
        for column in columns:
            if column.per == "triplet" and row[column.name]:
                item[column.name] = _value(row, column.name, _KINDS[column.kind], where)
        if item["human"] is None:
            raise InputError(f"{where}, human: expected the name of a box's object, such as person, got nothing")
        self.record["interactions"].append(item)

    def _box(self, row: Mapping[str, str], role: str, columns: list[Column], where: str) -> int:
        """The place of a row's box among the image's; equal ones are the same."""
        corners = [_value(row, f"{role}_{corner}", float, where) for corner in _CORNERS]
        score = _value(row, f"{role}_score", float, where) if self.scored else None
        more = [
            _value(row, f"{role}_{c.name}", _KINDS[c.kind], where) if row[f"{role}_{c.name}"] else None for c in columns
        ]
        key = (row[role], *corners, score, *more)
        if key in self._places:
            return self._places[key]
        place = self._places[key] = len(self._places)
        self.record["boxes"].append(corners)
        self.record["labels"].append(row[role])
        if self.scored:
            self.record["scores"].append(score)
        for column, value in zip(columns, more, strict=True):
            held = self.record.setdefault(column.name, [])
            if not lists_indices(column):
                held.append(value)
            elif value:
                held.append(place)
        return place


_KINDS: dict[str, Callable[[str], Any]] = {"f": float, "i": int, "u": int, "U": str, "b": lambda text: bool(int(text))}
"""Kind of a column's dtype -> how its values are read."""


def _value(row: Mapping[str, str], name: str, kind: Callable[[str], Any], where: str) -> Any:
    text = row.get(name)
    try:
        return kind(text or "")
    except (ValueError, OverflowError):
        wanted = "a whole number" if kind is int else "a number"
        raise InputError(f"{where}, {name}: expected {wanted}, got {(text or '')[:40]!r}") from None
