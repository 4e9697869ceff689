"""Writing the published JSON forms: COCO with relations, the query detectors' form, the pair form, boxes by image."""

from __future__ import annotations

import json
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from interplay.containers.guard import MEGABYTE, locating
from interplay.containers.json_files import read_json
from interplay.errors import InputError
from interplay.files import atomic_path
from interplay.interactions import Interactions
from interplay.table import InteractionTable
from interplay.vocabulary import Vocabulary

_LARGEST = 10 * MEGABYTE
"""Of a file with one image's boxes."""


def write_coco_relations(table: InteractionTable, path: Path) -> None:
    """Write COCO's JSON with ``rel_annotations`` and ``rel_categories``; an interaction without an object is one of
    the person with itself."""
    vocabulary = table.vocabulary
    starts = table.box_offsets
    boxes = table.boxes.astype(float)
    image = np.repeat(np.arange(len(table)), np.diff(starts))
    annotations = [
        {
            "id": number + 1,
            "image_id": int(image[number]) + 1,
            "category_id": int(table.labels[number]) + 1,
            "bbox": [x1, y1, x2 - x1, y2 - y1],
            "area": (x2 - x1) * (y2 - y1),
            "iscrowd": 0,
            **({"score": float(table.box_scores[number])} if table.scored else {}),
        }
        for number, (x1, y1, x2, y2) in enumerate(boxes.tolist())
    ]
    of = table.image_index
    human = starts[of] + table.human + 1
    other = np.where(table.object >= 0, starts[of] + table.object + 1, human)
    relations = [
        {
            "id": number + 1,
            "image_id": int(of[number]) + 1,
            "subject_id": int(human[number]),
            "object_id": int(other[number]),
            "predicate_id": int(table.verb[number]) + 1,
            **({"score": float(table.score[number])} if table.scored else {}),
        }
        for number in range(len(table.verb))
    ]
    content = {
        "images": [
            {"id": i + 1, "file_name": file, "width": int(width), "height": int(height)}
            for i, (file, (width, height)) in enumerate(zip(table.files, table.sizes.tolist(), strict=True))
        ],
        "annotations": annotations,
        "categories": [{"id": i + 1, "name": name} for i, name in enumerate(vocabulary.objects)],
        "rel_annotations": relations,
        "rel_categories": [{"id": i + 1, "name": name} for i, name in enumerate(vocabulary.verbs)],
    }
    _write(content, path)


def write_hoia(table: InteractionTable, path: Path) -> None:
    """Write the query detectors' form (HOI-A), which holds numbers, and beside it ``NAME.vocabulary.json``."""
    records = []
    for image in table:
        records.append(
            {
                "file_name": image.file,
                "annotations": [
                    {"bbox": box, "category_id": label + 1}
                    for box, label in zip(image.boxes.tolist(), image.labels.tolist(), strict=True)
                ],
                "hoi_annotation": [
                    {"subject_id": human, "object_id": other, "category_id": verb + 1}
                    for human, other, verb in zip(
                        image.human.tolist(), image.object.tolist(), image.verb.tolist(), strict=True
                    )
                ],
            }
        )
    _write(records, path)
    table.vocabulary.save(path.with_suffix(".vocabulary.json"))


def write_pairs(table: InteractionTable, path: Path) -> None:
    """Write SCG's, UPT's and PViC's form (``instances_*.json``): two boxes for each interaction, counted from 1.

    Raises:
        InputError: a box starts left of or above the picture, which this form cannot say.
    """
    if len(table.boxes) and table.boxes[:, :2].min() < 0:
        raise InputError("a box starts outside its picture; this form counts pixels from 1 and has no smaller numbers")
    vocabulary = table.vocabulary
    classes = vocabulary.interactions
    if not len(classes):
        pairs = np.stack([table.verb, table.object_labels], axis=1)
        classes = np.unique(pairs[pairs[:, 1] >= 0], axis=0)
    number = {(int(verb), int(label)): i for i, (verb, label) in enumerate(classes.tolist())}
    annotation: list[dict[str, Any]] = []
    for image in table:
        record: dict[str, list[Any]] = {"boxes_h": [], "boxes_o": [], "hoi": [], "object": [], "verb": []}
        for human, other, verb in zip(image.human.tolist(), image.object.tolist(), image.verb.tolist(), strict=True):
            if other < 0:
                continue
            label = int(image.labels[other])
            if (verb, label) not in number:
                name = vocabulary.pair_names(np.array([[verb, label]]))[0]
                raise InputError(f"{name!r} is no class of the vocabulary, and this form lists the classes")
            record["boxes_h"].append((image.boxes[human].astype(float) + 1).tolist())
            record["boxes_o"].append((image.boxes[other].astype(float) + 1).tolist())
            record["hoi"].append(number[verb, label])
            record["object"].append(label)
            record["verb"].append(verb)
        annotation.append(record)
    content = {
        "filenames": table.files,
        "size": table.sizes.tolist(),
        "annotation": annotation,
        "objects": list(vocabulary.objects),
        "verbs": list(vocabulary.verbs),
        "correspondence": [[i, label, verb] for i, (verb, label) in enumerate(classes.tolist())],
        "empty": [i for i, record in enumerate(annotation) if not record["hoi"]],
    }
    _write(content, path)


def write_boxes_by_image(table: InteractionTable, folder: Path) -> None:
    """Write a folder with a JSON file for each image (``boxes``, ``labels``, ``scores``), as two-stage code reads it.

    Labels are numbers: what they mean is written beside the folder, as ``NAME.vocabulary.json``.

    Raises:
        InputError: two images have the same name but for folder and suffix.
    """
    names = one_file_each(table.files)
    for name, image in zip(names, table, strict=True):
        content = {
            "boxes": image.boxes.tolist(),
            "labels": image.labels.tolist(),
            "scores": image.box_scores.tolist(),
        }
        _write(content, folder / f"{name}.json")
    table.vocabulary.save(folder.with_name(f"{folder.name}.vocabulary.json"))


def is_boxes_by_image(folder: Path) -> bool:
    """Whether a folder's first JSON file holds an image's boxes."""
    first = next(iter(sorted(folder.glob("*.json"))), None)
    if first is None or first.stat().st_size > _LARGEST:
        return False
    try:
        content = read_json(first)
    except InputError:
        return False
    return isinstance(content, dict) and {"boxes", "labels"} <= content.keys() <= {"boxes", "labels", "scores"}


def read_boxes_by_image(folder: Path, vocabulary: Vocabulary | None) -> InteractionTable:
    """Read a folder with a JSON file for each image, as `write_boxes_by_image` and two-stage code write it.

    Images are called as the files, with the ending ``.jpg``; their sizes are not known.

    Args:
        vocabulary: whose objects the labels count, from 0.

    Returns:
        Boxes without interactions; with scores they are predictions.

    Raises:
        InputError: no vocabulary, or a file that does not fit; names it.
    """
    if vocabulary is None:
        raise InputError(
            f"{folder}: holds boxes of each image, whose labels are numbers: --vocabulary says what they count"
        )
    images = []
    for path in sorted(folder.glob("*.json")):
        with locating(str(path)):
            content = read_json(path)
            if not isinstance(content, dict) or not {"boxes", "labels"} <= content.keys():
                raise InputError("expected boxes, labels and perhaps scores of one image")
            count = len(content["boxes"])
            scores = content.get("scores")
            images.append(
                Interactions(
                    *(content["boxes"], content["labels"], [], [], [], vocabulary),
                    box_scores=np.ones(count, np.float32) if scores is None else scores,
                    file=f"{path.stem}.jpg",
                    scored=scores is not None,
                )
            )
    return InteractionTable.from_list(images, vocabulary)


def one_file_each(files: list[str]) -> list[str]:
    """Names without folder and suffix.

    Raises:
        InputError: two are the same.
    """
    names = [PurePath(file.replace("\\", "/")).stem for file in files]
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise InputError(
                f"several images are called {name} but for folder and suffix; this form has one file for each"
            )
        seen.add(name)
    return names


def _write(content: Any, path: Path) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
