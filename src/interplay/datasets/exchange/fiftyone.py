"""FiftyOne's image detection data set (``labels.json``): boxes in shares of the picture, with attributes.

``fiftyone.types.FiftyOneImageDetectionDataset`` reads it. Interactions are text in two attributes, see
`interplay.datasets.exchange.numbered`; a box's score is its ``confidence``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from interplay.containers.guard import locating
from interplay.datasets.builder import TableBuilder, check_box, id_number, side_length
from interplay.datasets.exchange.numbered import (
    INTERACTIONS,
    NUMBER,
    NumberedBox,
    NumberedImage,
    add_image,
    interactions_text,
    vocabulary_of,
)
from interplay.datasets.sources import Source
from interplay.errors import InputError
from interplay.files import atomic_path
from interplay.table import InteractionTable
from interplay.vocabulary import Vocabulary

_SIZES = "interplay_sizes"
"""Our field: width and height of every image, which FiftyOne reads from the pictures instead."""


def is_fiftyone(source: Source) -> bool:
    """Whether this is FiftyOne's ``labels.json`` with interactions."""
    return source.mentions("labels", _SIZES) or (
        source.mentions("classes", "labels", "bounding_box", "attributes") and source.holds(b'"interactions"')
    )


def read_fiftyone(source: Source, vocabulary: Vocabulary | None) -> InteractionTable:
    """FiftyOne's labels with interactions.

    Args:
        vocabulary: None for the names in the file.

    Raises:
        InputError: a field is missing or does not fit, or the file does not hold the pictures' sizes.
    """
    content, where = source.content, str(source.path)
    images = []
    with locating(where):
        if _SIZES not in content:
            raise InputError(
                f"has no {_SIZES!r}, so that boxes, which are shares of the picture, cannot be turned into pixels: "
                f"add it, as file -> [width, height]"
            )
        for file, found in content["labels"].items():
            width, height = (side_length(value, _SIZES) for value in content[_SIZES][file])
            images.append(NumberedImage(file, (width, height), [_box(one, width, height) for one in found or []]))
        vocabulary = vocabulary or vocabulary_of(images, source.path.stem)
    builder = TableBuilder(vocabulary)
    for image in images:
        with locating(f"{where}: {image.file}"):
            add_image(builder, image)
    return builder.build()


def _box(found: dict[str, Any], width: int, height: int) -> NumberedBox:
    check_box(found["bounding_box"])
    x, y, w, h = found["bounding_box"]
    given = found.get("attributes") or {}
    number = given.get(NUMBER)
    box = [x * width, y * height, (x + w) * width, (y + h) * height]
    return NumberedBox(
        box, found["label"], None if number is None else id_number(number, NUMBER), given.get(INTERACTIONS) or ""
    )


def write_fiftyone(table: InteractionTable, path: Path) -> None:
    """Write ``labels.json``; FiftyOne wants the pictures in a folder ``data`` beside it.

    Raises:
        InputError: the size of a picture is unknown.
    """
    labels, objects = {}, table.vocabulary.objects
    for image in table:
        if not (image.width and image.height):
            raise InputError(f"the size of {image.file} is unknown, and this form has boxes in shares of the picture")
        found = []
        for number, (box, label) in enumerate(zip(image.boxes.tolist(), image.labels.tolist(), strict=True)):
            x1, y1, x2, y2 = box
            where = [x1 / image.width, y1 / image.height, (x2 - x1) / image.width, (y2 - y1) / image.height]
            score = {"confidence": float(image.box_scores[number])} if table.scored else {}
            attributes = {NUMBER: number + 1, INTERACTIONS: interactions_text(image, number)}
            found.append({"label": objects[label], "bounding_box": where, **score, "attributes": attributes})
        labels[image.file or ""] = found
    content = {
        "classes": list(objects),
        "labels": labels,
        _SIZES: {image.file or "": [image.width, image.height] for image in table},
    }
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(content), encoding="utf-8")
