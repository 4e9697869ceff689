"""Result files of the query and point detectors (PPDM, QPIC, CDN, GEN-VLKT): a list with one entry per image.

``{"file_name": "...", "predictions": [{"bbox": [x1, y1, x2, y2], "category_id": 1}, ...],
"hoi_prediction": [{"subject_id": 0, "object_id": 1, "category_id": 76, "score": 0.8}, ...]}``. The same form is used
with three numberings, which a file gives away:

- PPDM: box categories are COCO's ids (a person is 1), interactions are verbs counted from 1;
- QPIC, CDN: box categories count from 0 (a person is 0), interactions are verbs counted from 0;
- GEN-VLKT: as QPIC, but interactions are classes (0..599), recognised by a number that no verb has.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interplay.containers.json_files import read_json
from interplay.errors import InputError
from interplay.formats.pair_table import pair_table
from interplay.table import InteractionTable
from interplay.vocabulary import Vocabulary, coco_80_index

_NUMBERINGS = ("0 to {last} (QPIC, CDN, GEN-VLKT)", "COCO's category ids, 1 to 90 (PPDM)")
"""What box categories are, by the number of people."""


def read_query_json(path: Path, vocabulary: Vocabulary) -> InteractionTable:
    """Read such a file. An interaction whose object is -1 gets no object.

    Raises:
        InputError: not this form, or numbers that fit no numbering; says where.
    """
    images = _load(path)
    files: list[str] = []
    boxes: list[list[float]] = []
    categories: list[int] = []
    rows: list[tuple[int, int, int, int, float]] = []
    for i, entry in enumerate(images):
        try:
            files.append(str(entry["file_name"] if "file_name" in entry else entry["filename"]))
            first, count = len(boxes), len(entry["predictions"])
            for box in entry["predictions"]:
                boxes.append(box["bbox"])
                categories.append(int(box["category_id"]))
            for hoi in entry["hoi_prediction"]:
                person, thing = int(hoi["subject_id"]), int(hoi["object_id"])
                if not (0 <= person < count and -1 <= thing < count):
                    raise InputError(f"names box {max(person, thing)}, but there are {count} boxes")
                thing = first + thing if thing >= 0 else -1
                rows.append((i, first + person, thing, int(hoi["category_id"]), hoi["score"]))
        except InputError as error:
            raise InputError(f"{path}: entry {i}: an interaction {error}") from None
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{path}: entry {i}: {type(error).__name__}: {error}") from None
    if not rows:
        nothing = np.zeros(0, np.int64)
        none = np.zeros((0, 4), np.float32)
        return pair_table(vocabulary, files, nothing, none, none, nothing, nothing, np.zeros(0, np.float32))
    try:
        corners = np.array(boxes, np.float32).reshape(-1, 4)
        image, human, target, category = (np.array([row[k] for row in rows], np.int64) for k in range(4))
        score = np.array([row[4] for row in rows], np.float32)
    except (TypeError, ValueError) as error:
        raise InputError(f"{path}: a box or a score is not made of numbers: {error}") from None
    labels, shift = _labels(np.array(categories, np.int64), human, vocabulary, path)
    verb, object_label = _interactions(category - shift, labels, target, vocabulary, path)
    unknown = np.flatnonzero((object_label < 0) & (target >= 0))
    if len(unknown):
        row = int(unknown[0])
        raise InputError(
            f"{path}: image {files[image[row]]!r}: an interaction is with a box of category {categories[target[row]]}, "
            f"which is no object of {vocabulary.name}. Here people are {shift}, so expected "
            f"{_NUMBERINGS[shift].format(last=len(vocabulary.objects) - 1)}"
        )
    object_box = np.concatenate([corners, np.zeros((1, 4), np.float32)])[target]
    table = pair_table(vocabulary, files, image, corners[human], object_box, verb, np.maximum(object_label, 0), score)
    absent = target[np.argsort(image, kind="stable")] < 0
    table.object[absent] = -1
    return table


def _load(path: Path) -> list[Any]:
    content = read_json(path)
    if isinstance(content, str):
        raise InputError(f"{path}: holds Python text inside JSON, not JSON; save it again with json.dump(preds, file)")
    if isinstance(content, dict):
        content = content.get("preds")
    if not isinstance(content, list):
        raise InputError(f"{path}: expected a list with one entry per image")
    return content


def _labels(
    categories: NDArray[np.int64], human: NDArray[np.int64], vocabulary: Vocabulary, path: Path
) -> tuple[NDArray[np.int64], int]:
    """Object index of every box, and what interaction numbers count from."""
    person = np.unique(categories[human])
    if person.tolist() == [0]:
        labels, start = np.where(categories < len(vocabulary.objects), categories, -1), 0
    elif person.tolist() == [1]:
        labels, start = coco_80_index(categories), 1
    else:
        raise InputError(f"{path}: subjects must be persons (category 0, or COCO's 1), got {person.tolist()}")
    return labels, start


def _interactions(
    number: NDArray[np.int64],
    labels: NDArray[np.int64],
    target: NDArray[np.int64],
    vocabulary: Vocabulary,
    path: Path,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Verb and object of every interaction; object -1 where there is none, or one of an unknown category."""
    verbs, classes = len(vocabulary.verbs), len(vocabulary.interactions)
    highest = int(number.max())
    if number.min() < 0 or highest >= max(verbs, classes):
        raise InputError(
            f"{path}: interaction numbers go from {int(number.min())} to {highest}; {vocabulary.name} has {verbs} "
            f"verbs and {classes} classes"
        )
    if highest >= verbs:
        return vocabulary.interactions[number, 0], vocabulary.interactions[number, 1]
    return number, np.append(labels, -1)[target]
