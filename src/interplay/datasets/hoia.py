"""The form of the query detectors, first used for HOI-A: ``{trainval,test}_{hoia,hico,vcoco}.json``.

PPDM, QPIC, CDN, GEN-VLKT and their many descendants read it, and their users write their own data in it. A list of
images, each with ``annotations`` (boxes with ``category_id``) and ``hoi_annotation`` (``subject_id``, ``object_id``:
positions in ``annotations``; ``category_id``: the verb). It holds numbers, no names: whose they are is told by the
names of the images (`interplay.datasets.content`), and one's own data need a vocabulary. What the form does not say,
and the circulating files differ in:

- HOI-A numbers its 11 objects and 10 verbs from 1, and so does one's own data, unless a 0 occurs.
- HICO-DET's and V-COCO's objects have COCO's 91 ids. HICO-DET's verbs count from 1, V-COCO's from 0 (29 action-roles).
- ``test_hico.json`` holds the official boxes, which count pixels from 1. ``trainval_hico.json`` was made from
  boxes that already counted from 0 (and merged strongly overlapping boxes of a pair). Checked against the
  official annotations: image 1 of the training set starts [208, 33, 427, 300] there and [207, 32, 426, 299] here;
  the test boxes are identical.
- ``hoi_category_id`` (1..600) exists only in ``trainval_hico.json``.
- ``trainval_hico.json`` leaves out the 485 training images without a visible interaction.
- V-COCO's file lists all of COCO's instances; ``object_id`` -1 stands for "no object". A person whom V-COCO labelled
  with no action at all looks like one whom it did not label.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

from interplay.containers.guard import brief, locating
from interplay.datasets.builder import TableBuilder, id_number, pick
from interplay.datasets.content import first_file_names, named_like
from interplay.datasets.sources import Source
from interplay.errors import InputError
from interplay.table import InteractionTable
from interplay.vocabulary import COCO_91_IDS, Vocabulary

_HICO_TEST_FILE = re.compile(r"HICO_test2015_\d+\.\w+$")


def is_hoia(source: Source) -> bool:
    """Whether this is the form, of any data set."""
    return source.mentions("annotations", "hoi_annotation", "subject_id")


def is_hico_hoia(source: Source) -> bool:
    """Whether this is the form with HICO-DET's images."""
    return is_hoia(source) and named_like("hico-det", first_file_names(source))


def is_vcoco_hoia(source: Source) -> bool:
    """Whether this is the form with V-COCO's images."""
    return is_hoia(source) and named_like("v-coco", first_file_names(source))


def is_hoi_a(source: Source) -> bool:
    """Whether this is the form with HOI-A's images."""
    return is_hoia(source) and named_like("hoi-a", first_file_names(source))


def read_hico_hoia(source: Source, vocabulary: Vocabulary) -> InteractionTable:
    """HICO-DET.

    Interactions that point outside ``annotations`` (the training file has some) are dropped with a warning.

    Raises:
        InputError: a field is missing or does not fit; names file, image and field.
    """
    records = _records(source)
    objects = _hico_objects(source, records, vocabulary)
    verbs = {i + 1: i for i in range(len(vocabulary.verbs))}
    return _read(source, records, vocabulary, objects, verbs, least_object=0)


def read_hoi_a(source: Source, vocabulary: Vocabulary) -> InteractionTable:
    """HOI-A, or other data that number a vocabulary's objects and verbs from 1 (from 0 where a 0 occurs).

    Objects may also have COCO's 91 ids, where they are COCO's 80 and an id above 80 occurs. An ``object_id`` of -1 says
    that no object takes part.

    Raises:
        InputError: a field is missing or does not fit; names file, image and field.
    """
    records = _records(source)
    objects = _numbering(source, _category_ids(source, records, "annotations"), vocabulary.objects, "objects")
    verbs = _numbering(source, _category_ids(source, records, "hoi_annotation"), vocabulary.verbs, "verbs")
    return _read(source, records, vocabulary, objects, verbs, least_object=-1)


def read_own_hoia(source: Source, vocabulary: Vocabulary | None) -> InteractionTable:
    """One's own data; as `read_hoi_a`.

    Raises:
        InputError: no vocabulary; says what one must have.
    """
    if vocabulary is None:
        records = _records(source)
        highest = (max(_category_ids(source, records, name), default=0) for name in ("annotations", "hoi_annotation"))
        counts = " and ".join(f"{kind} up to {n}" for kind, n in zip(("objects", "verbs"), highest, strict=True))
        raise InputError(
            f"{source.path} numbers its classes ({counts}) and does not name them, and its images "
            f"({', '.join(map(repr, first_file_names(source)[:2]))}) are none of HICO-DET's, V-COCO's or HOI-A's. Give "
            "--vocabulary FILE, a JSON file with the names in the order of the numbers, from 1: "
            '{"name": "workshop", "objects": ["person", "bench"], "verbs": ["hold", "sit on"]}'
        )
    return read_hoi_a(source, vocabulary)


def _read(
    source: Source,
    records: list[dict[str, Any]],
    vocabulary: Vocabulary,
    objects: dict[int, int],
    verbs: dict[int, int],
    least_object: int,
) -> InteractionTable:
    """The images.

    Args:
        objects, verbs: what a ``category_id`` means.
        least_object: -1 where an ``object_id`` of -1 says that no object takes part, else 0.
    """
    builder = TableBuilder(vocabulary)
    dropped = 0
    for record in records:
        with locating(f"{source.path}: {brief(record.get('file_name'))}"):
            file = record["file_name"]
            origin = 1 if isinstance(file, str) and _HICO_TEST_FILE.search(file) else 0
            builder.image(file, (record.get("width"), record.get("height")), origin)
            position = [builder.box(a["bbox"], _index(objects, a, "object")) for a in record["annotations"]]
            for hoi in record["hoi_annotation"]:
                human, target = (id_number(hoi[name], name) for name in ("subject_id", "object_id"))
                if max(human, target) >= len(position) or human < 0 or target < least_object:
                    dropped += 1
                    continue
                verb = _index(verbs, hoi, "verb")
                builder.triplet(position[human], verb, position[target] if target >= 0 else -1)
    if dropped:
        warnings.warn(
            f"{source.path}: left out {dropped} interactions that name a box which their image does not have",
            stacklevel=4,
        )
    return builder.build()


def read_vcoco_hoia(source: Source, vocabulary: Vocabulary) -> InteractionTable:
    """V-COCO; people without any interaction count as `unlabelled`.

    Raises:
        InputError: a field is missing or does not fit; names file, image and field.
    """
    objects = _coco_91_table()
    builder = TableBuilder(vocabulary, columns=["unlabelled"])
    for record in _records(source):
        with locating(f"{source.path}: {brief(record.get('file_name'))}"):
            builder.image(record["file_name"], (record.get("width"), record.get("height")))
            active = {id_number(hoi["subject_id"], "subject_id") for hoi in record["hoi_annotation"]}
            position = []
            for i, annotation in enumerate(record["annotations"]):
                label = _index(objects, annotation, "object")
                unlabelled = label == vocabulary.person and i not in active
                position.append(builder.instance(annotation["bbox"], label, unlabelled=unlabelled))
            for hoi in record["hoi_annotation"]:
                human = pick(position, hoi["subject_id"], "subject_id")
                target = pick(position, hoi["object_id"], "object_id") if hoi["object_id"] != -1 else -1
                verb = pick(range(len(vocabulary.verbs)), hoi["category_id"], "category_id")
                builder.triplet(human, verb, target)
    return builder.build()


def _records(source: Source) -> list[dict[str, Any]]:
    content = source.content
    if not isinstance(content, list) or not all(isinstance(record, dict) for record in content):
        raise InputError(f"{source.path}: expected a list with one object per image")
    return content


def _coco_91_table() -> dict[int, int]:
    return {coco: i for i, coco in enumerate(COCO_91_IDS)}


def _index(table: dict[int, int], annotation: dict[str, Any], kind: str) -> int:
    """What an annotation's ``category_id`` means.

    Raises:
        InputError: nothing.
    """
    category = id_number(annotation["category_id"], "category_id")
    if category not in table:
        expected = f"one of {len(table)} numbers of {kind}s from {min(table)} to {max(table)}"
        raise InputError(f"'category_id' holds {brief(category)}, expected {expected}")
    return table[category]


def _category_ids(source: Source, records: Iterable[dict[str, Any]], name: str) -> set[int]:
    """The numbers of all objects (``annotations``) or verbs (``hoi_annotation``)."""
    return {number for record in records for number in _ids_of(source, record, name)}


def _ids_of(source: Source, record: dict[str, Any], name: str) -> Iterator[int]:
    with locating(f"{source.path}: {brief(record.get('file_name'))}"):
        for item in record[name]:
            yield id_number(item["category_id"], "category_id")


def _numbering(source: Source, numbers: set[int], names: tuple[str, ...], kind: str) -> dict[int, int]:
    """Which number means which name.

    Raises:
        InputError: there are more numbers than names.
    """
    if kind == "objects" and len(names) == len(COCO_91_IDS) < max(numbers, default=0):
        return _coco_91_table()
    first = 0 if 0 in numbers else 1
    beyond = [number for number in numbers if not first <= number < first + len(names)]
    if beyond:
        raise InputError(
            f"{source.path}: its {kind} are numbered {min(numbers)} to {max(numbers)}, but the vocabulary names "
            f"{len(names)} {kind}. Give --vocabulary a file with the names of all, in the order of the numbers"
        )
    return {first + i: i for i in range(len(names))}


def _hico_objects(source: Source, records: list[dict[str, Any]], vocabulary: Vocabulary) -> dict[int, int]:
    """COCO's 91 ids, unless ``hoi_category_id`` shows that the objects are numbered 1..80 without gaps."""
    counted: list[tuple[int, int]] = []  # the object's category id, and its index according to hoi_category_id
    for record in records:
        with locating(f"{source.path}: {brief(record.get('file_name'))}"):
            boxes = record["annotations"]
            for hoi in record["hoi_annotation"]:
                interaction = id_number(hoi.get("hoi_category_id", 0), "hoi_category_id")
                target = id_number(hoi["object_id"], "object_id")
                if 1 <= interaction <= len(vocabulary.interactions) and 0 <= target < len(boxes):
                    expected = vocabulary.interactions[interaction - 1, 1]
                    counted.append((id_number(boxes[target]["category_id"], "category_id"), int(expected)))
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
