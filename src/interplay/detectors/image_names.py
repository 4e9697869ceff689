"""Which rows of a file belong to an image: by its name, its base name, or the number that COCO gave it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import PurePath


class ImageNames:
    """Positions of images in a file by what the file calls them.

    Args:
        keys: names, or numbers (COCO's ``image_id``), each once.
    """

    def __init__(self, keys: Iterable[str | int]) -> None:
        listed = list(keys)
        base = Counter(PurePath(key).name for key in listed if isinstance(key, str))
        self._positions: dict[str | int, int] = {}
        for i, key in enumerate(listed):
            if isinstance(key, str) and base[PurePath(key).name] == 1:
                self._positions[PurePath(key).name] = i
        self._positions |= {key: i for i, key in enumerate(listed)}

    def find(self, file: str) -> list[int]:
        """Positions of an image, none where the file does not have it.

        An image is found by its name, else by its base name where only one image has it; and by the number at the end
        of its stem: ``COCO_val2014_000000000042.jpg`` is 42. Two are returned where a file has rows of both kinds.
        """
        digits = re.search(r"(\d+)$", PurePath(file).stem)
        named = self._positions.get(file, self._positions.get(PurePath(file).name))
        numbered = self._positions.get(int(digits[1])) if digits else None
        return [position for position in (named, numbered) if position is not None]


def image_key(value: str | int) -> str | int:
    """An image's name or number as a result file has it; a number that was written as text is a number."""
    return int(value) if isinstance(value, str) and value.isdecimal() else value
