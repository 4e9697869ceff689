"""Which image a number in a COCO file means: its ``images`` list says so, and nothing else does.

COCO's own numbers stand in the names of its images, but annotation tools number images 1, 2, 3 ... or frames from 0,
whatever the images are called. So numbers are never looked up in names.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from interplay.containers.guard import brief
from interplay.containers.json_files import read_json
from interplay.errors import InputError
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
