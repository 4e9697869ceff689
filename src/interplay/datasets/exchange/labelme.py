"""LabelMe's files, one a picture: a rectangle's ``group_id`` is its number, its ``description`` says what it does.

See `interplay.datasets.exchange.numbered`. LabelMe shows both in the dialog of a shape.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import Any

from interplay.containers.guard import locating
from interplay.datasets.builder import TableBuilder, check_box, id_number
from interplay.datasets.exchange.json_forms import one_file_each
from interplay.datasets.exchange.numbered import (
    NumberedBox,
    NumberedImage,
    add_image,
    interactions_text,
    vocabulary_of,
)
from interplay.datasets.sources import Source
from interplay.errors import InputError
from interplay.files import atomic_path
from interplay.interactions import Interactions
from interplay.table import InteractionTable
from interplay.vocabulary import Vocabulary


def is_labelme(source: Source) -> bool:
    """Whether this is a LabelMe file whose shapes are numbered; without numbers nothing can interact."""
    return source.mentions("shapes", "imagePath", "group_id", "description") and b'"rectangle"' in source.head


def read_labelme(sources: Sequence[Source], vocabulary: Vocabulary | None) -> InteractionTable:
    """The pictures of several LabelMe files; shapes that are no rectangles are left out.

    Args:
        vocabulary: None for the names in the files.

    Raises:
        InputError: a field is missing or does not fit; names file and field.
    """
    images = []
    for source in sources:
        with locating(str(source.path)):
            content = source.content
            boxes = [_box(shape) for shape in content["shapes"] if shape.get("shape_type") == "rectangle"]
            file = str(content["imagePath"]).replace("\\", "/")
            images.append(NumberedImage(file, (content.get("imageWidth"), content.get("imageHeight")), boxes))
    first = sources[0].path
    with locating(str(first)):
        vocabulary = vocabulary or vocabulary_of(images, first.parent.name or "labelme")
    builder = TableBuilder(vocabulary)
    for source, image in zip(sources, images, strict=True):
        with locating(str(source.path)):
            add_image(builder, image)
    return builder.build()


def _box(shape: dict[str, Any]) -> NumberedBox:
    points = shape["points"]
    if len(points) != 2:
        raise InputError(f"a rectangle has {len(points)} points, expected 2")
    (x1, y1), (x2, y2) = points
    check_box([x1, y1, x2, y2])
    box = [min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)]
    group = shape.get("group_id")
    number = None if group is None else id_number(group, "group_id")
    return NumberedBox(box, shape["label"], number, shape.get("description") or "")


def write_labelme(table: InteractionTable, folder: Path) -> None:
    """Write a folder with one file a picture, named after it; LabelMe looks for the pictures beside them.

    Raises:
        InputError: two pictures have the same name but for the suffix.
    """
    names = one_file_each(table.files)
    for name, image in zip(names, table, strict=True):
        with atomic_path(folder / f"{name}.json") as temporary:
            temporary.write_text(json.dumps(_record(image), indent=2, ensure_ascii=False), encoding="utf-8")


def _record(image: Interactions) -> dict[str, Any]:
    objects = image.vocabulary.objects
    shapes = [
        {
            "label": objects[label],
            "points": [box[:2], box[2:]],
            "group_id": number + 1,
            "description": interactions_text(image, number),
            "shape_type": "rectangle",
            "flags": {},
        }
        for number, (box, label) in enumerate(zip(image.boxes.tolist(), image.labels.tolist(), strict=True))
    ]
    return {
        "version": "5.5.0",
        "flags": {},
        "shapes": shapes,
        "imagePath": PurePath(image.file or "").name,
        "imageData": None,
        "imageHeight": image.height,
        "imageWidth": image.width,
    }
