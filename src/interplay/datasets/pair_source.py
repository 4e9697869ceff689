"""Annotated images as sources of pairs: who is paired with what, and the pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interplay.datasets.images import InteractionDataset
from interplay.datasets.pairs import PairList, PairReader, merge_duplicate_boxes
from interplay.interactions import Interactions


@dataclass(frozen=True)
class PairSource:
    """Annotated images whose pairs are wanted.

    Attributes:
        images: with their annotations.
        reader: finds their pairs.
        detected: a detector's boxes by the name of the image, objects named as in the annotations.
        longer_side: images are made smaller until no side is longer.
    """

    images: InteractionDataset
    reader: PairReader
    detected: Mapping[str, Interactions]
    longer_side: int | None = None

    def __len__(self) -> int:
        return len(self.images)

    def pairs(self, index: int) -> tuple[PairList, PairList]:
        """The pairs of an image that interact, and those that do not, in the image as the network sees it."""
        image = self._annotated(index)
        merged = merge_duplicate_boxes(image)
        positives = self.reader.positives(merged)
        negatives = self.reader.negatives(merged, self.detected.get(image.file or ""))
        factor = factor_of(image.width or 0, image.height or 0, self.longer_side)
        return positives.scaled(factor), negatives.scaled(factor)

    def size(self, index: int) -> tuple[int, int]:
        """Width and height of the image as the network sees it."""
        image = self._annotated(index)
        return smaller_size(image.width or 0, image.height or 0, self.longer_side)

    def pixels(self, index: int) -> NDArray[np.uint8]:
        """The RGB image (H, W, 3) as the network sees it.

        Raises:
            ImageError, MissingFileError: it is broken or not there.
        """
        return smaller(self.images[index].image, self.longer_side)

    def name(self, index: int) -> str:
        """The image's file name."""
        return self.images.table[index].file or ""

    def _annotated(self, index: int) -> Interactions:
        image = self.images.table[index]
        return image if image.width else self.images[index].interactions


def smaller(image: NDArray[np.uint8], longer_side: int | None) -> NDArray[np.uint8]:
    """An image (H, W, 3) none of whose sides is longer."""
    height, width = image.shape[:2]
    size = smaller_size(width, height, longer_side)
    if size == (width, height):
        return image
    from PIL import Image

    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR))


def smaller_size(width: int, height: int, longer_side: int | None) -> tuple[int, int]:
    """Width and height of what `smaller` returns."""
    factor = factor_of(width, height, longer_side)
    return max(round(width * factor), 1), max(round(height * factor), 1)


def factor_of(width: int, height: int, longer_side: int | None) -> float:
    """What `smaller` multiplies sides by."""
    longest = max(width, height)
    return 1.0 if longer_side is None or longest <= longer_side else longer_side / longest
