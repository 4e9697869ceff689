"""Which image a number in a COCO file means: its ``images`` list says so, and nothing else does.

COCO's own numbers stand in the names of its images, but annotation tools number images 1, 2, 3 ... or frames from 0,
whatever the images are called. So numbers are never looked up in names.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from interplay.containers.guard import brief
from interplay.containers.json_files import read_json
from interplay.errors import InputError
from interplay.ops.image_names import base_name
from interplay.ops.numbers import whole_number


@dataclass(frozen=True)
class CocoImages:
    """The ``images`` and ``categories`` of a COCO file.

    Attributes:
        names: number of an image -> its file name.
        sizes: number of an image -> width and height in pixels, 0 where unknown.
        objects: names of the categories in their order, () where the file has none.
        categories: number of a category -> index into `objects`.
        source: the file, for messages.
    """

    names: Mapping[int, str]
    sizes: Mapping[int, tuple[int, int]]
    objects: tuple[str, ...]
    categories: Mapping[int, int]
    source: str

    @classmethod
    def of(cls, content: Any, source: str) -> CocoImages:
        """From the content of a file.

        Raises:
            InputError: no list of images, or entries that do not fit; says which.
        """
        images = content.get("images") if isinstance(content, Mapping) else None
        if not isinstance(images, list) or not images:
            raise InputError(f"{source}: expected a COCO file with a list 'images' of {{id, file_name}}")
        names: dict[int, str] = {}
        sizes: dict[int, tuple[int, int]] = {}
        for i, image in enumerate(images):
            where = f"{source}: images[{i}]"
            name = image.get("file_name") if isinstance(image, Mapping) else None
            if not isinstance(name, str) or not name:
                raise InputError(f"{where}: expected {{id, file_name}}, got {brief(image)}")
            number = whole_number(image.get("id"), f"{where}: 'id'")
            if names.setdefault(number, name) != name:
                raise InputError(f"{where}: the id {number} is {names[number]!r} already")
            width, height = (whole_number(image.get(key) or 0, f"{where}: {key!r}") for key in ("width", "height"))
            sizes[number] = (width, height)
        objects, categories = _categories(content.get("categories"), source)
        return cls(names, sizes, objects, categories, source)

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> CocoImages:
        """From a file.

        Raises:
            MissingFileError: there is none.
            InputError: it is no COCO file; says why.
        """
        return cls.of(read_json(path), str(path))

    @classmethod
    def official(cls, names: Sequence[str]) -> CocoImages | None:
        """COCO's own images, whose names hold their numbers; None where any name is none of COCO's."""
        found = [_OFFICIAL.fullmatch(base_name(name)) for name in names]
        if not all(found):
            return None
        numbers = {int(match[1]): name for match, name in zip(found, names, strict=True) if match}
        return cls(numbers, dict.fromkeys(numbers, (0, 0)), (), {}, "the annotations")


_OFFICIAL = re.compile(r"COCO_(?:train|val|test)20\d\d_(\d{12})\.jpg")


def named_image(record: Mapping[str, Any], listed: CocoImages | None, where: str, one: str = "box") -> str:
    """The name of the image that a record of a result file is about.

    Args:
        record: with ``"file_name"``, or with ``"image_id"``: a name or a number.
        listed: what a number means.
        where: place of the record, for messages.
        one: what a record holds, for messages.

    Raises:
        InputError: neither a name nor a number, or a number that no list explains.
    """
    name = record.get("file_name")
    if name is not None:
        if not isinstance(name, str):
            raise InputError(f"{where}: 'file_name' must be a name, got {brief(name)}")
        return name
    image = record.get("image_id")
    if isinstance(image, str) and not image.strip().isdecimal():
        return image
    number = whole_number(int(image) if isinstance(image, str) else image, f"{where}: 'image_id'")
    if listed is None:
        raise InputError(
            f"{where}: there is no telling which image has the number {number}: tools number images in ways of their "
            "own, and the file has no list 'images' of {id, file_name}. Give the COCO file that has it with "
            f"--annotations FILE (in Python: annotations=FILE), or give each {one} the 'file_name' of its image"
        )
    if number not in listed.names:
        raise InputError(
            f"{where}: expected one of the {len(listed.names)} images that {listed.source} lists, got the number "
            f"{number}. Give the COCO file that lists it"
        )
    return listed.names[number]


def _categories(values: Any, source: str) -> tuple[tuple[str, ...], dict[int, int]]:
    objects: dict[str, int] = {}
    numbers: dict[int, int] = {}
    for i, category in enumerate(values if isinstance(values, list) else []):
        where = f"{source}: categories[{i}]"
        name = category.get("name") if isinstance(category, Mapping) else None
        if not isinstance(name, str) or not name:
            raise InputError(f"{where}: expected {{id, name}}, got {brief(category)}")
        numbers[whole_number(category.get("id"), f"{where}: 'id'")] = objects.setdefault(name, len(objects))
    return tuple(objects), numbers
