"""Annotation tools' forms that say which two boxes belong together, read with the names in the file.

- **COCO with relations**: COCO's ``images``, ``annotations`` (boxes x, y, width, height), ``categories``, and
  ``rel_annotations`` (``subject_id``, ``object_id``: ids of annotations; ``predicate_id`` or ``category_id``) with
  ``rel_categories``: scene graph benchmarks write it.
- **Label Studio** (JSON): tasks whose ``result`` has rectangles in percent of the image and ``relation`` s with labels,
  from the person to the object (``direction`` ``left``: the other way round, ``bi``: both ways). Tasks that nobody
  annotated are left out.
- **odgt** as HOI Transformer reads it: a line an image, ``gtboxes`` (``tag``, ``box`` x, y, width, height) and ``hoi``
  (``subject_id``, ``object_id``: positions in ``gtboxes``; ``interaction``: the verb's name).

A relation whose subject is no person is one like others; `datasets validate` names it. In the first two forms a
relation of a person with itself is an interaction without an object.
"""

from __future__ import annotations

import posixpath
import warnings
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

from interplay.containers.guard import brief, locating
from interplay.containers.json_files import iterate_json_lines
from interplay.datasets.box_check import check_widths
from interplay.datasets.builder import TableBuilder, check_box, id_number, pick
from interplay.datasets.sources import Source
from interplay.errors import InputError
from interplay.table import InteractionTable
from interplay.vocabulary import Vocabulary


def is_coco_relations(source: Source) -> bool:
    """Whether this is a COCO file with relations."""
    looks_so = source.mentions("images") or source.mentions("annotations") or source.mentions("rel_annotations")
    return looks_so and source.holds(b'"rel_annotations"')


def is_label_studio(source: Source) -> bool:
    """Whether this is Label Studio's JSON."""
    return source.mentions("data", "result") and b'"from_name"' in source.head


def is_hoi_odgt(source: Source) -> bool:
    """Whether this is odgt with interactions."""
    return source.mentions("gtboxes", "hoi", "interaction")


def read_coco_relations(source: Source, vocabulary: Vocabulary | None) -> InteractionTable:
    """A COCO file with relations.

    Args:
        vocabulary: None for the names in the file.

    Raises:
        InputError: a field is missing or does not fit; names it.
    """
    content, where = source.content, str(source.path)
    with locating(where):
        objects, verbs = _names(content["categories"]), _names(content["rel_categories"])
        vocabulary = vocabulary or Vocabulary.from_names(objects.values(), verbs.values(), source.path.stem)
        boxes = _by_image(content["annotations"])
        relations = _by_image(content["rel_annotations"])
        images = [(image["file_name"], image) for image in content["images"]]
    builder = TableBuilder(vocabulary)
    for file, record in images:
        with locating(f"{where}: {brief(file)}"):
            builder.image(file, (record.get("width"), record.get("height")))
            number = id_number(record["id"], "id")
            position = {}
            for annotation in boxes.get(number, []):
                label = vocabulary.object_index(_named(objects, annotation["category_id"], "category_id"))
                position[id_number(annotation["id"], "id")] = builder.instance(corners(annotation["bbox"]), label)
            for relation in relations.get(number, []):
                predicate = relation["predicate_id" if "predicate_id" in relation else "category_id"]
                verb = vocabulary.verb_index(_named(verbs, predicate, "predicate_id"))
                human, target = (_named(position, relation[name], name) for name in ("subject_id", "object_id"))
                builder.triplet(human, verb, _no_self(human, target))
    return check_widths(builder.build(), source.path)


def read_label_studio(source: Source, vocabulary: Vocabulary | None) -> InteractionTable:
    """Label Studio's JSON; of a task that several people annotated the first annotation that was not cancelled counts.

    Args:
        vocabulary: None for the names in the file.

    Raises:
        InputError: a field is missing or does not fit; names it.
    """
    where = str(source.path)
    if not isinstance(source.content, list):
        raise InputError(f"{where}: expected Label Studio's list of tasks (export as JSON, not as JSON-MIN)")
    images = []
    unnamed = several = waiting = 0
    for i, task in enumerate(source.content):
        with locating(f"{where}: task {i}"):
            done = [a for a in task.get("annotations") or [] if not a.get("was_cancelled")]
            several += len(done) > 1
            if not done:
                waiting += 1
                continue
            parts = done[0]["result"]
            boxes = {part["id"]: part for part in parts if part["type"] == "rectanglelabels"}
            found = []
            for part in parts:
                if part["type"] == "relation":
                    unnamed += not part.get("labels")
                    found += _directed(part)
            images.append((_image_of(task["data"]), boxes, found))
    with locating(where):
        if waiting and not images:
            raise InputError(f"none of the {waiting} tasks has an annotation; predictions count when they are reviewed")
        labels = [_label(part) for _, boxes, _ in images for part in boxes.values()]
        verbs = [verb for _, _, found in images for _, _, verb in found]
        vocabulary = vocabulary or _vocabulary_of(labels, verbs, source.path.stem)
    builder = TableBuilder(vocabulary)
    for file, boxes, found in images:
        with locating(f"{where}: {brief(file)}"):
            size = next(((p["original_width"], p["original_height"]) for p in boxes.values()), (0, 0))
            builder.image(file, size)
            position = {}
            for name, part in boxes.items():
                x, y, w, h = corners([part["value"][k] for k in ("x", "y", "width", "height")])
                scale = part["original_width"] / 100, part["original_height"] / 100
                box = [x * scale[0], y * scale[1], w * scale[0], h * scale[1]]
                position[name] = builder.instance(box, vocabulary.object_index(_label(part)))
            for human, target, verb in found:
                places = [_named(position, region, "from_id or to_id") for region in (human, target)]
                builder.triplet(places[0], vocabulary.verb_index(verb), _no_self(*places))
    if waiting:
        warnings.warn(
            f"{where}: left out {waiting} tasks that nobody annotated; predictions alone do not count",
            stacklevel=3,
        )
    if unnamed:
        warnings.warn(f"{where}: left out {unnamed} relations without a label: it is the verb", stacklevel=3)
    if several:
        warnings.warn(f"{where}: {several} tasks have several annotations; the first one counts", stacklevel=3)
    return builder.build()


def read_hoi_odgt(source: Source, vocabulary: Vocabulary | None) -> InteractionTable:
    """odgt with interactions.

    Args:
        vocabulary: None for the names in the file.

    Raises:
        InputError: a field is missing or does not fit; names line and field.
    """
    records = list(iterate_json_lines(source.path))
    with locating(str(source.path)):
        labels = [box["tag"] for _, record in records for box in record["gtboxes"]]
        verbs = [hoi["interaction"] for _, record in records for hoi in record.get("hoi", [])]
        vocabulary = vocabulary or _vocabulary_of(labels, verbs, source.path.stem)
    builder = TableBuilder(vocabulary)
    for line, record in records:
        with locating(f"{source.path}: line {line}"):
            builder.image(record["file_name"], (record.get("width"), record.get("height")))
            position = [
                builder.instance(corners(box["box"]), vocabulary.object_index(box["tag"])) for box in record["gtboxes"]
            ]
            for hoi in record.get("hoi", []):
                places = [pick(position, hoi[name], name) for name in ("subject_id", "object_id")]
                builder.triplet(places[0], vocabulary.verb_index(hoi["interaction"]), places[1])
    return check_widths(builder.build(), source.path)


def corners(box: Any) -> list[float]:
    """x1, y1, x2, y2 of a box x, y, width, height."""
    check_box(box)
    x, y, width, height = box
    return [x, y, x + width, y + height]


def _names(categories: Iterable[dict[str, Any]]) -> dict[int, str]:
    return {id_number(category["id"], "id"): category["name"] for category in categories}


def _named(known: dict[Any, Any], key: Any, field: str) -> Any:
    """What an id of the file stands for."""
    key = key if isinstance(key, str) else id_number(key, field)
    if key not in known:
        raise InputError(f"{field!r} holds {brief(key)}, which nothing in the image or file has as its id")
    return known[key]


def _by_image(rows: Iterable[dict[str, Any]]) -> dict[int, list[dict[str, Any]]]:
    found: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(id_number(row["image_id"], "image_id"), []).append(row)
    return found


def _vocabulary_of(labels: Iterable[Any], verbs: Iterable[Any], name: str) -> Vocabulary:
    return Vocabulary.from_names(dict.fromkeys(labels), dict.fromkeys(verbs), name)


def _label(part: dict[str, Any]) -> str:
    names: Sequence[str] = part["value"]["rectanglelabels"]
    if len(names) != 1:
        raise InputError(f"the rectangle {brief(part.get('id'))} has {len(names)} labels, expected one")
    return names[0]


def _no_self(human: int, target: int) -> int:
    """The target, or none where the person is related with itself: so these forms say that no object takes part."""
    return -1 if target == human else target


def _directed(relation: dict[str, Any]) -> list[tuple[str, str, str]]:
    """From, to and verb of a relation, for each of its labels."""
    one, other, direction = relation["from_id"], relation["to_id"], relation.get("direction", "right")
    pairs = {"right": [(one, other)], "left": [(other, one)], "bi": [(one, other), (other, one)]}
    if direction not in pairs:
        raise InputError(f"'direction' holds {brief(direction)}, expected right, left or bi")
    return [(a, b, verb) for verb in relation.get("labels") or [] for a, b in pairs[direction]]


def _image_of(data: dict[str, Any]) -> str:
    """The file name that a task's address stands for: ``/data/upload/1/2f3a4b5c-a.jpg`` is ``a.jpg``."""
    address = data.get("image") or next(iter(data.values()), None)
    if not isinstance(address, str):
        raise InputError(f"'data' has no address of an image, got {brief(address)}")
    parts = urlsplit(address)
    local = parts.query.partition("d=")[2] if "local-files" in parts.path else ""
    name = posixpath.basename(unquote(local or parts.path))
    prefix, dash, rest = name.partition("-")
    uploaded = "/upload/" in parts.path and len(prefix) == 8 and all(c in "0123456789abcdef" for c in prefix)
    return rest if dash and uploaded else name
