"""Which predicted image is which annotated one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ImageMatch:
    """Positions of predicted images among the annotated ones.

    Attributes:
        position: (I,) index of the annotated image, -1 for an unknown name.
        unknown: names that are not annotated.
        missing: annotated images without a prediction.
        repeated: predicted images that name an annotated one again.
    """

    position: NDArray[np.int64]
    unknown: list[str]
    missing: int
    repeated: int

    def notes(self) -> list[str]:
        """Sentences for the user about everything that did not fit."""
        found = []
        if self.unknown:
            examples = ", ".join(repr(name) for name in self.unknown[:3])
            found.append(
                f"{len(self.unknown)} of {len(self.position)} predicted images are not among the annotated ones and "
                f"were left out (such as {examples})"
            )
        if self.repeated:
            found.append(f"{self.repeated} predicted images repeat an image already there; all their triplets count")
        if self.missing:
            found.append(f"{self.missing} annotated images have no prediction; what is annotated there is missed")
        return found


def match_images(predicted: Sequence[str], annotated: Sequence[str]) -> ImageMatch:
    """Find every predicted name among the annotated ones.

    The whole name is tried first, then the name without folders, then, where one of the two is nothing but a number
    (a COCO image id), the number at the end of the other.
    """
    exact = _first_positions(annotated)
    position = np.array([exact.get(name, -1) for name in predicted], np.int64)
    if (position < 0).any():
        base = _first_positions([PurePath(name).name for name in annotated])
        numbers = _first_positions([_number(name) for name in annotated])
        plain = _first_positions([_number(name) if _is_number(name) else "" for name in annotated])
        for i in np.flatnonzero(position < 0).tolist():
            name = PurePath(predicted[i]).name
            by_number = numbers if _is_number(name) else plain
            position[i] = base.get(name, by_number.get(_number(name), -1))
    known = position[position >= 0]
    distinct = len(np.unique(known))
    return ImageMatch(
        position=position,
        unknown=[predicted[i] for i in np.flatnonzero(position < 0).tolist()],
        missing=len(annotated) - distinct,
        repeated=len(known) - distinct,
    )


def _first_positions(names: Sequence[str]) -> dict[str, int]:
    positions: dict[str, int] = {}
    for i, name in enumerate(names):
        if name:
            positions.setdefault(name, i)
    return positions


def _is_number(name: str) -> bool:
    return PurePath(name).stem.isdigit()


def _number(name: str) -> str:
    """The number at the end of a name without its leading zeros (``COCO_val2014_000000000042.jpg`` -> "42")."""
    digits = PurePath(name).stem.rpartition("_")[2]
    return str(int(digits)) if digits.isdigit() else ""
