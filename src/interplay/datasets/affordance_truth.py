"""Annotated affordance of PIAD or LEMON, as scores need it: for an image, the points of an object and one column."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from interplay.datasets import lemon, piad
from interplay.datasets.affordance import PointForm
from interplay.datasets.contact_labels import read_paths
from interplay.errors import InputError, MissingFileError


class AffordanceSample(NamedTuple):
    """What an object's points afford in an image: the object's class, the affordance, (P,) scores 0..1."""

    object: str
    affordance: str
    scores: NDArray[np.float64]


@dataclass(frozen=True)
class AffordanceTruth:
    """Annotated affordance.

    Attributes:
        form: whose files of points.
        images: the listed images; empty where there is no list.
        files: the files of points by their names.
        paired: image -> name of its file of points, where lists pair them.
    """

    form: PointForm
    images: list[str]
    files: Mapping[str, Path]
    paired: Mapping[str, str]

    def sample(self, image: str, points: str = "") -> AffordanceSample:
        """The annotation of an image.

        Args:
            points: name of the file of points; needed where no list pairs them.

        Raises:
            MissingFileError: that file is not there.
            InputError: nothing says which it is, or the image's name names no affordance.
        """
        name = PurePosixPath((points or self.paired.get(image, "")).replace("\\", "/")).name
        if not name:
            raise InputError(
                f"{image}: nothing says which object's points it goes with: give the predictions an array 'points' "
                "with the names of the files"
            )
        if name not in self.files:
            raise MissingFileError(f"no file {name}, the points of {image}")
        cloud = self.form.read(self.files[name])
        if self.form is piad.POINTS:
            said = piad.parse_image_name(image)
            thing, affordance = cloud.object or said.object, said.affordance
        else:
            thing, affordance = lemon.object_of(image), lemon.affordance_of(image)
        return AffordanceSample(thing, affordance, cloud.of(affordance))


def read_affordance_truth(folder: str | os.PathLike[str], split: str = "test") -> AffordanceTruth:
    """The annotations in a folder of PIAD or LEMON.

    Args:
        folder: holds files of points, also in folders below, and, where they are there, PIAD's ``Img_Test.txt`` and
            ``Point_Test.txt`` or LEMON's ``txt_scripts``.
        split: ``train`` or ``test`` (LEMON's ``val``).

    Raises:
        MissingFileError: no such folder.
        InputError: it holds no files of points, or both data sets'.
    """
    root = Path(folder)
    if not root.is_dir():
        raise MissingFileError(f"no folder {folder}")
    found = {form.dataset: (form, form.files(root)) for form in (piad.POINTS, lemon.POINTS)}
    there = [name for name, (_, files) in found.items() if files]
    if len(there) != 1:
        raise InputError(f"{folder}: expected the points of PIAD or of LEMON, got {' and '.join(there) or 'neither'}")
    form, files = found[there[0]]
    by_name = {file.name: file for file in files}
    if form is piad.POINTS:
        return AffordanceTruth(form, *_piad_lists(root, split.capitalize(), by_name))
    names = "val" if split == "test" else split
    listed = next(iter(sorted(root.rglob(f"txt_scripts/{names}.txt"))), None)
    return AffordanceTruth(form, [] if listed is None else read_paths(listed), by_name, {})


def _piad_lists(
    root: Path, split: str, files: Mapping[str, Path]
) -> tuple[list[str], Mapping[str, Path], dict[str, str]]:
    listed = next(iter(sorted(root.rglob(f"Img_{split}.txt"))), None)
    if listed is None:
        return [], files, {}
    if not listed.with_name(f"Point_{split}.txt").is_file() or split == "Train":
        return read_paths(listed), files, {}
    pairs = piad.read_piad_pairs(listed.parent, split)
    return [image for image, _ in pairs], files, dict(pairs)
