"""Result files of the query and point detectors (PPDM, QPIC, CDN, GEN-VLKT): a list with one entry per image.

``{"file_name": "...", "predictions": [{"bbox": [x1, y1, x2, y2], "category_id": 1}, ...],
"hoi_prediction": [{"subject_id": 0, "object_id": 1, "category_id": 76, "score": 0.8}, ...]}``. The same form is used
with three numberings:

- PPDM: box categories are COCO's ids (a person is 1), interactions are verbs counted from 1;
- QPIC, CDN: box categories count from 0 (a person is 0), interactions are verbs counted from 0;
- GEN-VLKT: as QPIC, but interactions are classes (0..599).

People tell the first from the others. Verbs and classes are told apart by the objects: each class is of one object, and
a verb goes with some objects only. Where that does not tell, the user must. Of V-COCO's, whose verbs go with any
object, they are verbs, unless one is beyond them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interplay.containers.guard import brief
from interplay.containers.json_files import read_json
from interplay.errors import InputError
from interplay.formats.pair_table import pair_table
from interplay.formats.reading import Numbering
from interplay.ops.numbers import finite_rows, whole_rows
from interplay.table import InteractionTable
from interplay.vocabulary import Vocabulary, coco_80_index

_CATEGORIES = ("0 to {last} (QPIC, CDN, GEN-VLKT)", "COCO's category ids, 1 to 90 (PPDM)")
"""What box categories are, by the number of people."""
_CLEARLY = 2
"""A numbering is taken where so many times as many objects fit as in the other one."""


def read_query_json(path: Path, vocabulary: Vocabulary, numbering: Numbering | None = None) -> InteractionTable:
    """Read such a file.

    An interaction has no object where its ``object_id`` is -1, null or missing, and, with a vocabulary of roles
    (V-COCO), where the object's category is the number after the last one: 80 is these detectors' "no object".
    Numbers are read by `interplay.ops.numbers`; boxes that no interaction uses do not matter.

    Args:
        numbering: what interaction numbers count, for files that do not tell.

    Raises:
        InputError: not this form, numbers that fit no numbering or more than one; says where.
    """
    images = _entries(path)
    files: list[str] = []
    boxes: list[Any] = []
    hois: list[Any] = []
    box_image: list[int] = []
    hoi_image: list[int] = []
    for i, entry in enumerate(images):
        name, found, interactions = _entry(entry, f"{path}: entry {i}")
        files.append(name)
        boxes += found
        hois += interactions
        box_image += [i] * len(found)
        hoi_image += [i] * len(interactions)

    def box(row: int) -> str:
        return f"{path}: entry {box_image[row]}: box {row - box_image.index(box_image[row])}"

    def hoi(field: str) -> Any:
        def where(row: int) -> str:
            return f"{path}: entry {hoi_image[row]}: interaction {row - hoi_image.index(hoi_image[row])}: {field!r}"

        return where

    categories = whole_rows(_values(boxes, "category_id", box), lambda row: f"{box(row)}: 'category_id'")
    image = np.array(hoi_image, np.int64)
    starts = np.searchsorted(box_image, np.arange(len(files)))
    counts = np.bincount(np.array(box_image, np.int64), minlength=len(files))[image]
    human = whole_rows(_values(hois, "subject_id", hoi("subject_id")), hoi("subject_id"))
    target = whole_rows([-1 if h.get("object_id") is None else h["object_id"] for h in hois], hoi("object_id"))
    number = whole_rows(_values(hois, "category_id", hoi("category_id")), hoi("category_id"))
    score = finite_rows(_values(hois, "score", hoi("score")), 1, hoi("score"))[:, 0]
    for field, index, first in (("subject_id", human, 0), ("object_id", target, -1)):
        beyond = np.flatnonzero((index < first) | (index >= counts))
        if len(beyond):
            row = int(beyond[0])
            raise InputError(f"{hoi(field)(row)}: names box {index[row]}, but there are {counts[row]} boxes")
    human = starts[image] + human
    target = np.where(target < 0, -1, starts[image] + target)
    if not len(hois):
        nothing, none = np.zeros(0, np.int64), np.zeros((0, 4), np.float32)
        return pair_table(vocabulary, files, nothing, none, none, nothing, nothing, np.zeros(0, np.float32))

    labels, shift = _labels(categories, human, vocabulary, path)
    has_roles = any(record.role for record in vocabulary.verb_records)
    if shift == 0 and has_roles:
        target = np.where((target >= 0) & (categories[target] == len(vocabulary.objects)), -1, target)
    used = np.unique(np.concatenate([human, target[target >= 0]]))
    corners = np.zeros((len(boxes) + 1, 4), np.float32)
    rows = used.tolist()
    corners[used] = finite_rows(
        _values([boxes[row] for row in rows], "bbox", lambda k: box(rows[k])), 4, lambda k: f"{box(rows[k])}: 'bbox'"
    )
    object_label = np.append(labels, -1)[target]
    unknown = np.flatnonzero((object_label < 0) & (target >= 0))
    number = number - shift
    if len(unknown):
        row = int(unknown[0])
        raise InputError(
            f"{path}: image {files[image[row]]!r}: an interaction is with a box of category {categories[target[row]]}, "
            f"which is no object of {vocabulary.name}. Here people are {shift}, so expected "
            f"{_CATEGORIES[shift].format(last=len(vocabulary.objects) - 1)}"
        )
    if _counts(number, object_label, vocabulary, path, numbering, shift == 0 and not has_roles) == "classes":
        number, object_label = vocabulary.interactions[number].T
    table = pair_table(
        vocabulary, files, image, corners[human], corners[target], number, np.maximum(object_label, 0), score
    )
    table.object[target[np.argsort(image, kind="stable")] < 0] = -1
    return table


def _entries(path: Path) -> list[Any]:
    content = read_json(path, finite=False)  # boxes of "no object" are NaN in some files
    if isinstance(content, str):
        raise InputError(f"{path}: holds Python text inside JSON, not JSON; save it again with json.dump(preds, file)")
    if isinstance(content, dict):
        content = content.get("preds")
    if not isinstance(content, list):
        raise InputError(f"{path}: expected a list with one entry per image")
    return content


def _entry(entry: Any, where: str) -> tuple[str, list[dict[str, Any]], list[dict[str, Any]]]:
    """Name, boxes and interactions of one image."""
    if not isinstance(entry, dict):
        raise InputError(f"{where}: expected an object with 'file_name', 'predictions' and 'hoi_prediction'")
    name = entry.get("file_name", entry.get("filename"))
    if not isinstance(name, str) and type(name) is not int:
        raise InputError(f"{where}: expected the image's 'file_name', got {brief(name)}")
    lists = []
    for key in ("predictions", "hoi_prediction"):
        values = entry.get(key)
        if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
            raise InputError(f"{where}: expected {key!r}, a list of objects, got {brief(values)}")
        lists.append(values)
    return str(name), lists[0], lists[1]


def _values(records: list[dict[str, Any]], key: str, where: Any) -> list[Any]:
    try:
        return [record[key] for record in records]
    except KeyError:
        row = next(i for i, record in enumerate(records) if key not in record)
        raise InputError(f"{where(row)}: {key!r} is missing") from None


def _labels(
    categories: NDArray[np.int64], human: NDArray[np.int64], vocabulary: Vocabulary, path: Path
) -> tuple[NDArray[np.int64], int]:
    """Object index of every box, and what interaction numbers count from."""
    person = np.unique(categories[human])
    if person.tolist() == [0]:
        known = (categories >= 0) & (categories < len(vocabulary.objects))
        labels, start = np.where(known, categories, -1), 0
    elif person.tolist() == [1]:
        labels, start = coco_80_index(categories), 1
    else:
        raise InputError(f"{path}: subjects must be persons (category 0, or COCO's 1), got {brief(person.tolist())}")
    return labels, start


def _counts(
    number: NDArray[np.int64],
    label: NDArray[np.int64],
    vocabulary: Vocabulary,
    path: Path,
    numbering: Numbering | None,
    may_be_classes: bool,
) -> Numbering:
    """What interaction numbers count.

    Raises:
        InputError: they are in neither range, not in that of the given numbering, or the objects do not tell.
    """
    limits = {"verbs": len(vocabulary.verbs), "classes": len(vocabulary.interactions)}
    if number.min() < 0 or number.max() >= (limits[numbering] if numbering else max(limits.values())):
        counted = f"{numbering} " if numbering else ""
        raise InputError(
            f"{path}: interaction {counted}numbers go from {number.min()} to {number.max()}; {vocabulary.name} has "
            f"{limits['verbs']} verbs and {limits['classes']} classes"
        )
    if numbering is not None:
        return numbering
    if number.max() >= limits["verbs"]:
        return "classes"
    if not may_be_classes or not limits["classes"]:
        return "verbs"
    rows = np.flatnonzero((label >= 0) & (number < limits["classes"]))
    fits = {
        "verbs": int((vocabulary.interaction_lookup[number[rows], label[rows]] >= 0).sum()),
        "classes": int((vocabulary.interactions[number[rows], 1] == label[rows]).sum()),
    }
    if not len(rows) or fits["verbs"] >= max(1, _CLEARLY * fits["classes"]):
        return "verbs"
    if fits["classes"] >= max(1, _CLEARLY * fits["verbs"]):
        return "classes"
    told = " and ".join(f"{count} as {counted}" for counted, count in fits.items())
    raise InputError(
        f"{path}: its interaction numbers may count verbs (QPIC, CDN) or classes (GEN-VLKT): of {len(rows)} "
        f"interactions {told} have an object that fits. Say which: --numbering verbs or --numbering classes"
    )
