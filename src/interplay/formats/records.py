"""The record of one image in a JSON Lines file, and what can be wrong with it.

``{"file": "a.jpg", "width": 640, "height": 480, "boxes": [[x1, y1, x2, y2], ...], "labels": ["person", "bicycle"],
"scores": [0.9, 0.8], "interactions": [{"human": 0, "verb": "ride", "object": 1, "score": 0.83}]}``

Annotations leave the scores out. Optional: ``image_labels`` (``[{"verb", "object"}]`` in the image without boxes) and
the registered columns (`interplay.columns`). A column per box is a list with an entry per box (``keypoints``: 17 rows
of x, y, score); if it is true or false, the list of the boxes that it is true of, by index (``unlabelled``). A column
per triplet is a field of each interaction (``interactiveness``), one per image a field of the record. Null, or no
field, stands for the column's fill value. Other fields are ignored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard

from interplay.columns import FILE_FIELDS, INTERACTION_FIELDS, Column, registered_columns
from interplay.containers.guard import brief
from interplay.errors import InputError
from interplay.vocabulary import Vocabulary

_MOST_PIXELS = 2**31 - 1  # as which sizes are kept
_LARGEST = 3.4028234663852886e38  # of float32, as which numbers are kept

Problem = tuple[str, str]
"""A field, such as ``interactions[3].verb``, and what is wrong with it."""


def lists_indices(column: Column) -> bool:
    """Whether files list the boxes that a column is true of, instead of a value for every box."""
    return column.per == "box" and column.kind == "b" and not column.shape


def record_fields() -> list[str]:
    """The fields that a record may have."""
    return [*FILE_FIELDS, *(c.name for c in registered_columns() if c.per != "triplet")]


def interaction_fields() -> list[str]:
    """The fields that an interaction inside a record may have."""
    return [*INTERACTION_FIELDS, *(c.name for c in registered_columns("triplet"))]


def record_problems(record: Any, vocabulary: Vocabulary | None = None) -> Iterator[Problem]:
    """Everything that is wrong with one record, field by field; nothing for a good one.

    Args:
        vocabulary: where given, names must be in it.
    """
    if not isinstance(record, Mapping):
        yield "line", f"expected a JSON object, got {type(record).__name__}"
        return
    if not isinstance(record.get("file"), str) or not record["file"]:
        yield "file", f"expected the image's name, got {brief(record.get('file'))}"
    for key in ("width", "height"):
        value = record.get(key)
        if value is not None and (not _is_int(value) or not 0 < value <= _MOST_PIXELS):
            yield key, f"expected a positive whole number of pixels, got {brief(value)}"
    boxes = record.get("boxes")
    if not isinstance(boxes, list):
        yield "boxes", f"expected a list of [x1, y1, x2, y2], got {brief(boxes)}"
        return
    for i, box in enumerate(boxes):
        if not is_box(box):
            yield f"boxes[{i}]", f"expected four numbers x1, y1, x2, y2, got {brief(box)}"
    yield from _label_problems(record, len(boxes), vocabulary)
    yield from _score_problems(record.get("scores"), "scores", len(boxes))
    yield from _interaction_problems(record, len(boxes), vocabulary)
    yield from _optional_problems(record, len(boxes), vocabulary)


def _label_problems(record: Mapping, count: int, vocabulary: Vocabulary | None) -> Iterator[Problem]:
    labels = record.get("labels")
    if not isinstance(labels, list) or len(labels) != count:
        got = f"{len(labels)} of them" if isinstance(labels, list) else brief(labels)
        yield "labels", f"expected one object name per box ({count}), got {got}"
        return
    for i, label in enumerate(labels):
        yield from _name_problems(label, f"labels[{i}]", "object", vocabulary)


def _interaction_problems(record: Mapping, count: int, vocabulary: Vocabulary | None) -> Iterator[Problem]:
    interactions = record.get("interactions")
    if not isinstance(interactions, list):
        yield "interactions", f"expected a list, got {brief(interactions)}"
        return
    for i, item in enumerate(interactions):
        where = f"interactions[{i}]"
        if not isinstance(item, Mapping):
            yield where, f"expected {{human, verb, object}}, got {brief(item)}"
            continue
        human = item.get("human")
        if not _is_int(human) or not 0 <= human < count:
            yield f"{where}.human", f"expected an index into the {count} boxes, got {brief(human)}"
        target = item.get("object")
        if target is not None and (not _is_int(target) or not 0 <= target < count):
            yield f"{where}.object", f"expected an index into the {count} boxes or null, got {brief(target)}"
        yield from _name_problems(item.get("verb"), f"{where}.verb", "verb", vocabulary)
        if item.get("score") is not None and not _is_number(item["score"]):
            yield f"{where}.score", f"expected a number, got {brief(item['score'])}"
        for column in registered_columns("triplet"):
            yield from _value_problems(item.get(column.name), f"{where}.{column.name}", column)


def _optional_problems(record: Mapping, count: int, vocabulary: Vocabulary | None) -> Iterator[Problem]:
    for column in registered_columns("image"):
        yield from _value_problems(record.get(column.name), column.name, column)
    for column in registered_columns("box"):
        name, values = column.name, record.get(column.name)
        if values is None:
            continue
        if lists_indices(column):
            if not isinstance(values, list) or not all(_is_int(v) and 0 <= v < count for v in values):
                yield name, f"expected indices into the {count} boxes, got {brief(values)}"
        elif not isinstance(values, list) or len(values) != count:
            yield name, f"expected one entry per box ({count}), null where there is none"
        else:
            for i, value in enumerate(values):
                yield from _value_problems(value, f"{name}[{i}]", column)
    image_labels = record.get("image_labels")
    if image_labels is not None:
        if not isinstance(image_labels, list):
            yield "image_labels", f"expected a list of {{verb, object}}, got {brief(image_labels)}"
            return
        for i, item in enumerate(image_labels):
            if not isinstance(item, Mapping):
                yield f"image_labels[{i}]", f"expected {{verb, object}}, got {brief(item)}"
                continue
            yield from _name_problems(item.get("verb"), f"image_labels[{i}].verb", "verb", vocabulary)
            if item.get("object") is not None:
                yield from _name_problems(item["object"], f"image_labels[{i}].object", "object", vocabulary)


def _value_problems(value: Any, where: str, column: Column) -> Iterator[Problem]:
    """What is wrong with one row of a column; null is its fill value."""
    if value is not None and not _fits(value, column, column.shape):
        what = {"b": "true or false", "f": "a number", "U": "a text"}.get(column.kind, "a whole number")
        if column.shape:
            rows = f"{' x '.join(map(str, column.row_shape))} values".lstrip()
            some = "any number of rows of " if column.row_shape else "any number of "
            what = f"{some if column.ragged else ''}{rows}, each {what}"
        yield where, f"expected null or {what}, got {brief(value)}"


def _fits(value: Any, column: Column, shape: tuple[int | None, ...]) -> bool:
    if shape:
        fits = isinstance(value, list) and shape[0] in (None, len(value))
        return fits and all(_fits(v, column, shape[1:]) for v in value)
    if column.kind == "f":
        return _is_number(value) or (value is None and column.fill_is_nan)
    if column.kind == "U":
        return isinstance(value, str)
    return isinstance(value, bool) if column.kind == "b" else _is_int(value)


def _score_problems(scores: Any, where: str, count: int) -> Iterator[Problem]:
    if scores is None:
        return
    if not isinstance(scores, list) or len(scores) != count:
        got = f"{len(scores)} of them" if isinstance(scores, list) else brief(scores)
        yield where, f"expected one number per box ({count}), got {got}"
        return
    for i, score in enumerate(scores):
        if not _is_number(score):
            yield f"{where}[{i}]", f"expected a number, got {brief(score)}"


def _name_problems(name: Any, where: str, kind: str, vocabulary: Vocabulary | None) -> Iterator[Problem]:
    if not isinstance(name, str) or not name.strip():
        yield where, f"expected the name of a {kind}, got {brief(name)}"
    elif vocabulary is not None:
        try:
            vocabulary.object_index(name) if kind == "object" else vocabulary.verb_index(name)
        except InputError as error:
            yield where, str(error)


def is_box(value: Any) -> TypeGuard[list[float]]:
    """Whether a value from a file is four finite numbers."""
    return isinstance(value, list) and len(value) == 4 and all(map(_is_number, value))


def _is_int(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= _LARGEST
