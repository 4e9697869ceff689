"""PIAD: affordance of objects seen in photographs (Yang et al., ICCV 2023).

Lists of images and of point files (``Img_Train.txt``, ``Point_Train.txt``, ``Img_Test.txt``, ``Point_Test.txt``),
images named ``Img_SPLIT_OBJECT_AFFORDANCE_NUMBER.jpg``, and files of 2048 points per shape.
"""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from interplay.datasets.affordance import PointAffordance, PointForm
from interplay.datasets.contact_labels import read_paths
from interplay.datasets.finding import Finding, try_reading
from interplay.errors import InputError

AFFORDANCES = (
    *("grasp", "contain", "lift", "open", "lay", "sit", "support", "wrapgrasp", "pour"),
    *("move", "display", "push", "listen", "wear", "press", "cut", "stab"),
)
"""In the order of the columns, which is not LEMON's."""

POINTS = PointForm("piad", AFFORDANCES, named=True)
"""The files of objects' points."""

_IMAGE = re.compile(r"Img_(?P<split>[^_]+)_(?P<object>[^_]+)_(?P<affordance>[^_]+)_(?P<number>\d+)\.\w+")
_LIST = re.compile(r"(Img|Point)_(Train|Test)\.txt")


class PiadImage(NamedTuple):
    """What the name of an image says."""

    split: str
    object: str
    affordance: str
    number: int


def read_piad_points(path: str | os.PathLike[str]) -> PointAffordance:
    """A shape's points with their affordances.

    Raises:
        MissingFileError: no such file.
        InputError: not such a file; LEMON's have other columns.
    """
    return POINTS.read(path)


def parse_image_name(image: str) -> PiadImage:
    """What an image's name says.

    Raises:
        InputError: not a name of PIAD's, or no affordance of it.

    Example:
        >>> parse_image_name("Img_Test_Bag_lift_1.jpg")
        PiadImage(split='Test', object='Bag', affordance='lift', number=1)
    """
    found = _IMAGE.fullmatch(PurePosixPath(image).name)
    if found is None:
        raise InputError(f"{image}: expected a name such as Img_Test_Bag_lift_1.jpg")
    if found["affordance"] not in AFFORDANCES:
        raise InputError(f"{image}: unknown affordance {found['affordance']!r}: expected {', '.join(AFFORDANCES)}")
    return PiadImage(found["split"], found["object"], found["affordance"], int(found["number"]))


def read_piad_pairs(folder: str | os.PathLike[str], split: str = "Test") -> list[tuple[str, str]]:
    """Images and point files that belong together, line by line, as testing pairs them.

    Args:
        folder: holds ``Img_SPLIT.txt`` and ``Point_SPLIT.txt``.

    Raises:
        MissingFileError: a list is not there.
        InputError: the lists differ in length.
    """
    images, points = (read_paths(Path(folder) / f"{kind}_{split}.txt") for kind in ("Img", "Point"))
    if len(images) != len(points):
        raise InputError(
            f"{folder}: Img_{split}.txt has {len(images):,} lines and Point_{split}.txt {len(points):,}; they pair "
            "only where both have the same, as in testing"
        )
    return list(zip(images, points, strict=True))


def check(folder: str | os.PathLike[str]) -> list[Finding]:
    """What there is of PIAD in a folder, and whether it can be read; nothing where there is nothing."""
    root = Path(folder)
    lists = sorted(file for file in root.rglob("*.txt") if _LIST.fullmatch(file.name) and file.is_file())
    findings = [
        try_reading("piad", file, root, lambda file=file: f"{len(read_paths(file)):,} files")  # type: ignore[misc]
        for file in lists
    ]
    return findings + POINTS.check(root)
