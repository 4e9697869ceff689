"""Annotated images for training and inference: finding them in the usual folders, reading them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from interplay.errors import InputError, MissingFileError
from interplay.image_files import IMAGE_SUFFIXES, walk
from interplay.images import ImageError, path_inside, read_image
from interplay.interactions import Interactions
from interplay.ops.image_names import ImageNames
from interplay.table import InteractionTable

_COCO_2014 = re.compile(r"COCO_(train|val)2014_(\d{12}\.\w+)$")
_HICO = re.compile(r"HICO_(train|test)2015_")


COCO_LONGEST_SIDE = 640
"""COCO published its images with the longer side at most this long."""

_TOLERANCE = 1.5
"""Pixels by which a box may reach beyond its image: published boxes are rounded, some to the next pixel."""


@dataclass(frozen=True)
class Sample:
    """One annotated image.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        interactions: what is annotated in it, boxes in its pixels; `width` and `height` are always set.
        path: where the image lies.
    """

    image: NDArray[np.uint8]
    interactions: Interactions
    path: Path


class ImageFinder:
    """Finds images by name below a folder, however the data set was unpacked.

    Tried are, in turn: the name as it is; the folders that the official archives make (``images/test2015``,
    ``train2014``, ...); any place below the folder, by `ops.image_names.ImageNames`. COCO's 2014 images are also found
    under their 2017 names (``000000000042.jpg``), which hold the same pixels.

    Args:
        root: the folder.
        outside: also find images whose names lead out of the folder, such as ``../photos/a.jpg``. Without it a file of
            annotations from somebody else cannot bring any picture of yours into what you pass on.

    Raises:
        MissingFileError: no such folder.
    """

    def __init__(self, root: str | os.PathLike[str], outside: bool = True) -> None:
        self.root, self.outside = Path(root), outside
        if not self.root.is_dir():
            raise MissingFileError(f"no folder of images {root}")

    def find(self, file: str) -> Path | None:
        """Where the image lies, or None where it is not there, or where several images of this name lie elsewhere."""
        for name in (file, *_other_names(file)):
            for folder in ("", *_usual_folders(file)):
                path = self._at(os.path.join(folder, name))  # noqa: PTH118  # of many names
                if path is not None and os.path.isfile(path):  # noqa: PTH113  # also False for a name that is too long
                    return path
        position = self._names.find(file)
        return self._paths[position] if position >= 0 else None

    def leads_out(self, file: str) -> bool:
        """Whether a name leads out of the folder."""
        try:
            path_inside(self.root, file)
        except ImageError:
            return True
        return False

    def _at(self, name: str) -> Path | None:
        if self.outside:
            return self.root / name
        try:
            return path_inside(self.root, name)
        except ImageError:
            return None

    def missing(self, files: Iterable[str]) -> list[str]:
        """Those of `files` that are not there, in order."""
        return [file for file in files if self.find(file) is None]

    def all_names(self) -> list[str]:
        """Names of all images below the folder, without folders, each once."""
        return list(dict.fromkeys(path.name for path in self._paths))

    @cached_property
    def _paths(self) -> list[Path]:
        found: list[Path] = []
        for folder, _, names in walk(self.root):
            found += [Path(folder, name) for name in names if _is_image(name)]
        return found

    @cached_property
    def _names(self) -> ImageNames:
        return ImageNames(path.relative_to(self.root).as_posix() for path in self._paths)


class InteractionDataset:
    """Annotated images by index, as ``torch.utils.data.DataLoader`` takes them.

    Samples differ in size, so batches are lists: ``DataLoader(dataset, batch_size=2, collate_fn=list)``.

    Args:
        table: the annotations.
        image_root: folder of the images, or their `ImageFinder`.
        transform: applied to every sample.
        cache: keeps decoded images; see `interplay.training.cache`.

    Raises:
        MissingFileError: no such folder, or (when the sample is asked for) no such image.
        InputError: an image has another size than its annotations say, or is smaller than its boxes reach.

    Example:
        >>> from interplay.datasets import InteractionDataset, load_annotations  # doctest: +SKIP
        >>> table = load_annotations("hico-det", "hico_20160224_det", split="train")  # doctest: +SKIP
        >>> dataset = InteractionDataset(table, "hico_20160224_det")  # doctest: +SKIP
        >>> dataset[0].image.shape, len(dataset[0].interactions)  # doctest: +SKIP
        ((480, 640, 3), 4)
    """

    def __init__(
        self,
        table: InteractionTable | Sequence[Interactions],
        image_root: str | os.PathLike[str] | ImageFinder,
        transform: Callable[[Sample], Sample] | None = None,
        cache: Callable[[int, Path, Callable[[], NDArray[np.uint8]]], NDArray[np.uint8]] | None = None,
    ) -> None:
        self.table = table
        self.images = image_root if isinstance(image_root, ImageFinder) else ImageFinder(image_root)
        self.transform = transform
        self.cache = cache

    def __len__(self) -> int:
        """Number of images."""
        return len(self.table)

    def __getitem__(self, index: int) -> Sample:
        """One image with its annotations, transformed."""
        interactions = self.table[index]
        path = self.images.find(interactions.file or "")
        if path is None or not interactions.file:
            raise MissingFileError(f"no image {interactions.file!r} below {self.images.root}")
        read = partial(_read_as_annotated, path, interactions)
        image = self.cache(index, path, read) if self.cache is not None else read()
        interactions = replace(interactions, height=image.shape[0], width=image.shape[1])
        sample = Sample(image, interactions, path)
        return self.transform(sample) if self.transform is not None else sample


def _read_as_annotated(path: Path, annotated: Interactions) -> NDArray[np.uint8]:
    """The image in the orientation in which it was annotated, which its recorded size tells."""
    image = read_image(path)
    width, height = annotated.width or 0, annotated.height or 0
    if width and image.shape[:2] == (width, height) != (height, width):
        # annotated as stored, without regard to the camera's orientation
        from PIL import Image

        with Image.open(path) as stored:
            image = read_image(np.asarray(stored.convert("RGB")))
    most_x, most_y = annotated.boxes[:, 2:].max(axis=0, initial=0).tolist()
    problem = size_problem(annotated.file or "", (image.shape[1], image.shape[0]), width, height, most_x, most_y)
    if problem:
        raise InputError(f"{path} is not the image that was annotated: {problem}. Use the original, not a resized copy")
    return image


def _is_image(name: str) -> bool:
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES  # noqa: PTH122  # called for every image


def _other_names(file: str) -> list[str]:
    match = _COCO_2014.search(file)
    return [match.group(2)] if match else []


def _usual_folders(file: str) -> list[str]:
    if match := _COCO_2014.search(file):
        part = match.group(1)
        return [f"{prefix}{part}{year}" for prefix in ("", "images/") for year in (2014, 2017)]
    if match := _HICO.search(file):
        part = f"{match.group(1)}2015"
        return [f"{prefix}{part}" for prefix in ("", "images/", "hico_20160224_det/images/")]
    return ["images"]


def size_problem(
    file: str, actual: tuple[int, int] | None, width: int, height: int, most_x: float, most_y: float
) -> str | None:
    """How it shows that an image is not the one that was annotated, or None.

    Args:
        file: its name.
        actual: its width and height in pixels; None for an image that cannot be read.
        width, height: as annotated, 0 where nobody says.
        most_x, most_y: how far the annotated boxes reach, in pixels.
    """
    if actual is None:
        return "cannot be read"
    shown = f"{actual[0]} x {actual[1]} pixels"
    if width and height and (width, height) not in (actual, actual[::-1]):
        return f"{shown}, annotated with {width} x {height}"
    if not width and (most_x > actual[0] + _TOLERANCE or most_y > actual[1] + _TOLERANCE):
        return f"{shown}, boxes reach to {most_x:g}, {most_y:g}"
    if file.startswith("COCO_") and max(actual) > COCO_LONGEST_SIDE:
        return f"{shown}, but no image of COCO is larger than {COCO_LONGEST_SIDE}"
    return None
