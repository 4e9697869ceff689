"""Which of two lists' image names are the same image: one set of rules for everything that looks images up by name.

1. The whole name, with ``\\`` and ``/`` alike.
2. The name without folders, where only one listed image has it, or only one of those that do has the same folders as
   far as both names tell: ``/data/clips/3/000001.jpg`` is ``clips/3/000001.jpg``.
3. The number that the data set gave it, where one of the two names is nothing but a number: ``42``,
   ``000000000042.jpg`` and ``COCO_val2014_000000000042.jpg`` are one image. COCO's and HICO-DET's names hold a number;
   others, such as ``IMG_42.jpg``, do not. Leading zeros count where both have some (COCO has 12 digits, HICO-DET 8).
   Only where one listed image fits.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

_OFFICIAL = re.compile(r"(?:COCO|HICO)_(?:\w+_)?(\d+)")


class ImageNames:
    """A list of images by what it calls them, in which an image is found by another's name for it.

    Args:
        names: file names, or numbers as text; of a name that is there twice the first counts.
        by_number: whether rule 3 holds. Not for files of tools that number images in ways of their own.

    Example:
        >>> names = ImageNames(["val/COCO_val2014_000000000042.jpg", "val/000000000007.jpg"])
        >>> [names.find(name) for name in ("42", "x/000000000007.jpg", "COCO_train2014_000000000007.jpg", "8.jpg")]
        [0, 1, 1, -1]
    """

    def __init__(self, names: Iterable[str], by_number: bool = True) -> None:
        self.by_number = by_number
        self.names = list(names)
        self._exact: dict[str, int] = {}
        for position, name in enumerate(self.names):
            if name:
                self._exact.setdefault(_plain(name), position)

    def find(self, name: str) -> int:
        """Position of an image in the list, -1 where it is not there or more than one fits."""
        named = self.candidates(name)
        return named[0] if len(named) == 1 else -1

    def candidates(self, name: str) -> list[int]:
        """Positions of all images that a name may mean: several where folders alone would tell them apart."""
        plain = _plain(name)
        if plain in self._exact:
            return [self._exact[plain]]
        named = self._by_base_name.get(base_name(plain), [])
        if len(named) > 1:
            named = [i for i in named if _same_folders(plain, _plain(self.names[i]))] or named
        if not named and self.by_number:
            number = image_number(plain)
            named = [i for i in self._by_number.get(number, []) if _same_number(plain, self.names[i])]
        return named

    @cached_property
    def _by_base_name(self) -> dict[str, list[int]]:
        positions = defaultdict(list)
        for name, position in self._exact.items():
            positions[base_name(name)].append(position)
        return dict(positions)

    @cached_property
    def _by_number(self) -> dict[int | None, list[int]]:
        positions = defaultdict(list)
        for name, position in self._exact.items():
            positions[image_number(name)].append(position)
        positions.pop(None, None)
        return dict(positions)


def image_number(name: str) -> int | None:
    """COCO's or HICO-DET's number of an image (``COCO_val2014_000000000042.jpg`` -> 42), or None."""
    digits = _digits(name)
    return int(digits) if digits else None


def is_number(name: str) -> bool:
    """Whether a name is nothing but a number, with or without folder and suffix."""
    return _stem(name).isdecimal()


def same_names(names: Iterable[str | int]) -> list[str]:
    """Names of the rows of a file, in which an image may go by name and by number, with one name for each image."""
    given = [str(name) for name in names]
    full = ImageNames(name for name in dict.fromkeys(given) if not is_number(name))
    return [_full_name(name, full) if is_number(name) else name for name in given]


def _full_name(name: str, full: ImageNames) -> str:
    position = full.find(name)
    return str(image_number(name)) if position < 0 else full.names[position]


@dataclass(frozen=True)
class ImageMatch:
    """Positions of predicted images among the annotated ones.

    Attributes:
        position: (I,) index of the annotated image, -1 for an unknown name.
        unknown: names that are not annotated.
        missing_names: annotated images without a prediction.
        repeated: predicted images that name an annotated one again.
        ambiguous: names, among the unknown, that fit more than one annotated image.
    """

    position: NDArray[np.int64]
    unknown: list[str]
    missing_names: list[str]
    repeated: int
    ambiguous: list[str] = field(default_factory=list)

    @property
    def missing(self) -> int:
        """Number of annotated images without a prediction."""
        return len(self.missing_names)

    def notes(self, repeats: int = 0) -> list[str]:
        """Sentences for the user about everything that did not fit.

        Args:
            repeats: predictions on repeated images that copy another one and were left out.
        """
        found = []
        if self.unknown:
            found.append(
                f"{len(self.unknown)} of {len(self.position)} predicted images are not among the annotated ones and "
                f"were left out{_such_as(self.unknown)}"
            )
        if self.ambiguous:
            found.append(
                f"{len(self.ambiguous)} of these fit more than one annotated image, in different folders"
                f"{_such_as(self.ambiguous)}: give them with their folders"
            )
        if self.repeated:
            found.append(
                f"{self.repeated} predicted images repeat an image already there; copies of its triplets count once "
                f"({repeats} left out), others all count"
            )
        if self.missing:
            found.append(
                f"{self.missing} annotated images have no prediction{_such_as(self.missing_names)}; what is annotated "
                "there is missed"
            )
        return found


def match_images(predicted: Sequence[str], annotated: Sequence[str]) -> ImageMatch:
    """Find every predicted image among the annotated ones."""
    names = ImageNames(annotated)
    position = np.array([names.find(name) for name in predicted], np.int64)
    known = position[position >= 0]
    there = set(known.tolist())
    unknown = [predicted[i] for i in np.flatnonzero(position < 0).tolist()]
    return ImageMatch(
        position=position,
        unknown=unknown,
        ambiguous=[name for name in unknown if len(names.candidates(name)) > 1],
        missing_names=[name for i, name in enumerate(annotated) if i not in there],
        repeated=len(known) - len(there),
    )


def _such_as(names: Sequence[str]) -> str:
    return f" (such as {', '.join(repr(name) for name in names[:3])})"


def _same_number(first: str, second: str) -> bool:
    """Whether two names that hold the same number are one image's."""
    digits = _digits(first), _digits(second)
    padded = all(value.startswith("0") for value in digits)
    return (is_number(first) or is_number(second)) and (digits[0] == digits[1] or not padded)


def _same_folders(first: str, second: str) -> bool:
    """Whether one name is the end of the other."""
    longer, shorter = sorted((first, second), key=len, reverse=True)
    return longer.endswith("/" + shorter.lstrip("/"))


def _digits(name: str) -> str:
    """The digits of the number in a name, "" where it has none."""
    stem = _stem(name)
    official = _OFFICIAL.fullmatch(stem)
    return official[1] if official else stem * stem.isdecimal()


def _plain(name: str) -> str:
    """A name with forward slashes."""
    return name.replace("\\", "/")


def base_name(name: str) -> str:
    """A name without folders, whichever slash they are written with."""
    return _plain(name).rpartition("/")[2]


def _stem(name: str) -> str:
    """The base name without suffix."""
    base = base_name(name)
    stem, dot, _ = base.rpartition(".")
    return stem if dot and stem else base
