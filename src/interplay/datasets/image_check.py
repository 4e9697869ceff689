"""Whether the images in a folder are the ones that were annotated."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from interplay.datasets.content import MISFIT
from interplay.datasets.images import ImageFinder, size_problem
from interplay.errors import InputError, InterplayError
from interplay.images import image_size
from interplay.table import InteractionTable


@dataclass
class ImageReport:
    """What was found of the annotated images.

    Attributes:
        total: number of annotated images.
        missing: images that are not there.
        wrong: images that are not what was annotated -> how that shows.
    """

    total: int
    missing: list[str] = field(default_factory=list)
    wrong: dict[str, str] = field(default_factory=dict)


class AnnotatedImages:
    """What annotations say about their images: names, sizes where known, and how far the boxes reach."""

    def __init__(self) -> None:
        self._facts: dict[str, tuple[int, int, float, float]] = {}

    def __len__(self) -> int:
        return len(self._facts)

    def add(self, table: InteractionTable) -> None:
        """Take note of a table's images."""
        reach = np.zeros((len(table), 2), np.float32)
        np.maximum.at(reach, table.box_image_index, table.boxes[:, 2:])
        for file, (width, height), (x, y) in zip(table.files, table.sizes.tolist(), reach.tolist(), strict=True):
            w, h, most_x, most_y = self._facts.get(file, (0, 0, 0.0, 0.0))
            self._facts[file] = (width or w, height or h, max(x, most_x), max(y, most_y))

    def compare(self, finder: ImageFinder) -> ImageReport:
        """Look for every image and compare its size (the headers are read, not the pixels)."""
        report = ImageReport(len(self._facts))
        for file, facts in self._facts.items():
            path = finder.find(file)
            if path is None:
                report.missing.append(file)
                continue
            problem = size_problem(file, _size(path), *facts)
            if problem:
                report.wrong[file] = problem
        return report


def require_images(table: InteractionTable, root: Path, field: str) -> None:
    """Whether the annotated images are there; says how many are not, as a warning.

    Args:
        table: annotations.
        root: folder of the images.
        field: what a configuration calls it, for the error.

    Raises:
        InputError: more than `MISFIT` of them are not there.
    """
    missing = ImageFinder(root).missing(table.files)
    if not missing:
        return
    problem = f"{len(missing)} of {len(table)} annotated images are not below {root} (first: {missing[0]!r})"
    if len(missing) > MISFIT * len(table):
        raise InputError(
            f"{problem}; at most {MISFIT:.0%} may be missing. Give --{field} DIR, the folder of the images"
        )
    warnings.warn(f"{problem}; they are left out", stacklevel=3)


def _size(path: Path) -> tuple[int, int] | None:
    try:
        return image_size(path)
    except InterplayError:
        return None
