"""The form of the query detectors, first used for HOI-A: ``{trainval,test}_{hico,vcoco}.json``.

PPDM, QPIC, CDN, GEN-VLKT and their many descendants read it. A list of images, each with ``annotations`` (boxes
with COCO's 91-id ``category_id``) and ``hoi_annotation`` (``subject_id``, ``object_id``: positions in
``annotations``; ``category_id``: the verb). What the form does not say, and the circulating files differ in:

- ``test_hico.json`` holds the official boxes, which count pixels from 1. ``trainval_hico.json`` was made from
  boxes that already counted from 0 (and merged strongly overlapping boxes of a pair). Checked against the
  official annotations: image 1 of the training set starts [208, 33, 427, 300] there and [207, 32, 426, 299] here;
  the test boxes are identical.
- HICO-DET's verbs count from 1, V-COCO's from 0 (the 29 action-roles).
- ``hoi_category_id`` (1..600) exists only in ``trainval_hico.json``.
- ``trainval_hico.json`` leaves out the 485 training images without a visible interaction.
- V-COCO's file lists all of COCO's instances; ``object_id`` -1 stands for "no object". A person whom V-COCO labelled
  with no action at all looks like one whom it did not label.
"""

from __future__ import annotations

import re
import warnings
from typing import Any

from interplay.datasets.builder import TableBuilder, pick, reading
from interplay.datasets.sources import Source
from interplay.errors import InputError
from interplay.table import InteractionTable
from interplay.vocabulary import COCO_91_IDS, Vocabulary

_HICO_TEST_FILE = re.compile(r"HICO_test2015_\d+\.\w+$")


def is_hoia(source: Source) -> bool:
    """Whether this is the form, of either data set."""
    return source.mentions("annotations", "hoi_annotation", "subject_id")


def is_hico_hoia(source: Source) -> bool:
    """Whether this is the form and nothing says that it is V-COCO."""
    return is_hoia(source) and not _looks_like_vcoco(source)


def is_vcoco_hoia(source: Source) -> bool:
    """Whether this is the form and nothing says that it is HICO-DET."""
    return is_hoia(source) and not (b"HICO_" in source.head or source.mentions("hoi_category_id"))


def _looks_like_vcoco(source: Source) -> bool:
    return b'"COCO_' in source.head or re.search(rb'"object_id": ?-1\b', source.head) is not None


def read_hico_hoia(source: Source, vocabulary: Vocabulary) -> InteractionTable:
    """HICO-DET, or one's own data in the same form.

    Interactions that point outside ``annotations`` (the training file has some) are dropped with a warning.

    Raises:
        InputError: a field is missing or does not fit; names file, image and field.
    """
    records = _records(source)
    table = _object_table(source, records, vocabulary)
    builder = TableBuilder(vocabulary)
    dropped = 0
    for record in records:
        with reading(f"{source.path}: {record.get('file_name')}"):
            file = record["file_name"]
            origin = 1 if _HICO_TEST_FILE.search(file) else 0
            builder.image(file, (record.get("width", 0), record.get("height", 0)), origin)
            position = [builder.box(a["bbox"], _object(table, a)) for a in record["annotations"]]
            for hoi in record["hoi_annotation"]:
                human, target = hoi["subject_id"], hoi["object_id"]
                if max(human, target) >= len(position) or min(human, target) < 0:
                    dropped += 1
                    continue
                verb = pick(range(len(vocabulary.verbs)), int(hoi["category_id"]) - 1, "category_id (less 1)")
                builder.triplet(position[human], verb, position[target])
    if dropped:
        warnings.warn(
            f"{source.path}: left out {dropped} interactions that name a box which their image does not have",
            stacklevel=2,
        )
    return builder.build()


def read_vcoco_hoia(source: Source, vocabulary: Vocabulary) -> InteractionTable:
    """V-COCO; people without any interaction count as `unlabelled`.

    Raises:
        InputError: a field is missing or does not fit; names file, image and field.
    """
    table = _coco_91_table()
    builder = TableBuilder(vocabulary, columns=["unlabelled"])
    for record in _records(source):
        with reading(f"{source.path}: {record.get('file_name')}"):
            builder.image(record["file_name"], (record.get("width", 0), record.get("height", 0)))
            active = {hoi["subject_id"] for hoi in record["hoi_annotation"]}
            position = []
            for i, annotation in enumerate(record["annotations"]):
                label = _object(table, annotation)
                unlabelled = label == vocabulary.person and i not in active
                position.append(builder.instance(annotation["bbox"], label, unlabelled=unlabelled))
            for hoi in record["hoi_annotation"]:
                human = pick(position, hoi["subject_id"], "subject_id")
                target = pick(position, hoi["object_id"], "object_id") if hoi["object_id"] != -1 else -1
                verb = pick(range(len(vocabulary.verbs)), int(hoi["category_id"]), "category_id")
                builder.triplet(human, verb, target)
    return builder.build()


def _records(source: Source) -> list[dict[str, Any]]:
    content = source.content
    if not isinstance(content, list) or not all(isinstance(record, dict) for record in content):
        raise InputError(f"{source.path}: expected a list with one object per image")
    return content


def _coco_91_table() -> dict[int, int]:
    return {coco: i for i, coco in enumerate(COCO_91_IDS)}


def _object(table: dict[int, int], annotation: dict[str, Any]) -> int:
    category = int(annotation["category_id"])
    if category not in table:
        raise InputError(f"'category_id' holds {category}, which is not one of COCO's object ids")
    return table[category]


def _object_table(source: Source, records: list[dict[str, Any]], vocabulary: Vocabulary) -> dict[int, int]:
    """COCO's 91 ids, unless ``hoi_category_id`` shows that the objects are numbered 1..80 without gaps."""
    counted: list[tuple[int, int]] = []  # the object's category id, and its index according to hoi_category_id
    for record in records:
        with reading(f"{source.path}: {record.get('file_name')}"):
            boxes = record["annotations"]
            for hoi in record["hoi_annotation"]:
                interaction, target = hoi.get("hoi_category_id", 0), hoi["object_id"]
                if 1 <= interaction <= len(vocabulary.interactions) and 0 <= target < len(boxes):
                    expected = vocabulary.interactions[interaction - 1, 1]
                    counted.append((int(boxes[target]["category_id"]), int(expected)))
    official = _coco_91_table()
    if counted:
        as_91 = sum(official.get(category, -1) == label for category, label in counted)
        as_80 = sum(category - 1 == label for category, label in counted)
        if as_80 > as_91:
            warnings.warn(
                f"{source.path}: its objects are numbered 1..80 without gaps (according to hoi_category_id), "
                "not by COCO's ids as in the published files; read that way",
                stacklevel=3,
            )
            return {i + 1: i for i in range(len(vocabulary.objects))}
    return official
